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

/// Names one obligation: `cv:7/cl:3/2025-06` or `cv:7/cl:3/ev:48213`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObligationKey {
    /// Contract version.
    pub contract_version_id: i64,
    /// Clause.
    pub clause_id: i64,
    /// Period or shipment.
    pub of: Obligation,
}

/// The text names no obligation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no obligation; keys look like cv:7/cl:3/2025-06 or cv:7/cl:3/ev:48213")]
pub struct BadKey(pub String);

impl fmt::Display for ObligationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cv:{}/cl:{}/", self.contract_version_id, self.clause_id)?;
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
    let (version, rest) = text.strip_prefix("cv:")?.split_once("/cl:")?;
    let (clause, of) = rest.split_once('/')?;
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
