//! The name of an obligation in the ledger: contract version, clause, and period or shipment (DOMAIN §4.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::period::Period;

/// What an obligation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obligation {
    /// A whole period.
    Period(Period),
    /// One shipment.
    Event(i64),
}

/// Stands for the clause in the key of freight that was delivered and not billed: no clause is about it. Ids of clauses are
/// above 0.
pub const FREIGHT_CLAUSE: i64 = 0;

/// Names one obligation: `cv:7/cl:3/2025-06` or `cv:7/cl:3/ev:48213`, or `cv:7/freight/2025-06` for what was delivered in a
/// month and not billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObligationKey {
    /// Contract version.
    pub contract_version_id: i64,
    /// Clause.
    pub clause_id: i64,
    /// Period or shipment.
    pub of: Obligation,
}

impl ObligationKey {
    /// The freight of a version that was delivered in a month and not billed.
    #[must_use]
    pub const fn freight(contract_version_id: i64, month: Period) -> Self {
        Self { contract_version_id, clause_id: FREIGHT_CLAUSE, of: Obligation::Period(month) }
    }

    /// Whether it is about freight not billed, and about no clause.
    #[must_use]
    pub const fn is_freight(&self) -> bool {
        self.clause_id == FREIGHT_CLAUSE
    }

    /// The key as one part of an address: `7-3-2025-06` or `7-3-ev48213`.
    #[must_use]
    pub fn slug(&self) -> String {
        let of = match self.of {
            Obligation::Period(period) => period.to_string(),
            Obligation::Event(shipment_id) => format!("ev{shipment_id}"),
        };
        format!("{}-{}-{of}", self.contract_version_id, self.clause_id)
    }

    /// Reads [`Self::slug`].
    #[must_use]
    pub fn from_slug(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let (clause, of) = rest.split_once('-')?;
        let of = match of.strip_prefix("ev") {
            Some(shipment_id) => Obligation::Event(shipment_id.parse().ok()?),
            None => Obligation::Period(of.parse().ok()?),
        };
        Some(Self { contract_version_id: version.parse().ok()?, clause_id: clause.parse().ok()?, of })
    }
}

/// The word in the place of a clause.
const FREIGHT: &str = "freight";

/// The text names no obligation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no obligation; keys look like cv:7/cl:3/2025-06 or cv:7/cl:3/ev:48213")]
pub struct BadKey(pub String);

impl fmt::Display for ObligationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_freight() {
            write!(f, "cv:{}/{FREIGHT}/", self.contract_version_id)?;
        } else {
            write!(f, "cv:{}/cl:{}/", self.contract_version_id, self.clause_id)?;
        }
        match self.of {
            Obligation::Period(period) => write!(f, "{period}"),
            Obligation::Event(shipment_id) => write!(f, "ev:{shipment_id}"),
        }
    }
}

impl FromStr for ObligationKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        read(text).ok_or_else(|| BadKey(text.to_owned()))
    }
}

fn read(text: &str) -> Option<ObligationKey> {
    let (version, rest) = text.strip_prefix("cv:")?.split_once('/')?;
    let (clause, of) = rest.split_once('/')?;
    if clause == FREIGHT {
        return Some(ObligationKey::freight(version.parse().ok()?, of.parse().ok()?));
    }
    let clause = clause.strip_prefix("cl:")?;
    let of = match of.strip_prefix("ev:") {
        Some(shipment_id) => Obligation::Event(shipment_id.parse().ok()?),
        None => Obligation::Period(of.parse().ok()?),
    };
    Some(ObligationKey { contract_version_id: version.parse().ok()?, clause_id: clause.parse().ok()?, of })
}

impl Serialize for ObligationKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObligationKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text_and_from_its_address() {
        for text in ["cv:7/cl:3/2025-06", "cv:7/cl:3/2025-W26", "cv:7/cl:3/ev:48213", "cv:7/freight/2025-06"]
        {
            let key: ObligationKey = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(ObligationKey::from_slug(&key.slug()), Some(key));
        }
        for text in ["", "cv:7/freight/ev:3", "cv:7/3/2025-06"] {
            assert!(text.parse::<ObligationKey>().is_err(), "{text}");
        }
        for text in ["", "7", "7-3", "7-3-June", "1"] {
            assert_eq!(ObligationKey::from_slug(text), None, "{text}");
        }
    }
}
