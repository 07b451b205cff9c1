//! Accessorial rates: what a carrier may charge beside linehaul and fuel, and on which terms
//! (DOMAIN §3.9). [`charge`] prices one, [`condition`] says when one applies, [`observed`] what a shipment's own times
//! report, [`catalogue`] knows the usual ones.

pub mod catalogue;
pub mod charge;
pub mod condition;
pub mod observed;
mod rules;

use serde::{Deserialize, Serialize};

use super::field::{FieldErrors, codes, require};
use super::money::{Bps, Micros};
use super::words;

pub use catalogue::{CATALOGUE, CatalogueCharge, catalogue_charge};
pub use rules::{
    AccessorialRules, AccessorialTrigger, Authorisation, ClockStart, Evidence, FreeFrom, LateArrival,
};

/// Longest code.
pub const CODE_CHARS_MAX: usize = 8;
/// Longest label.
pub const LABEL_CHARS_MAX: usize = 80;
/// Highest rate or bound, in whole currency units.
const RATE_MAX: Micros = Micros(1_000_000_000_000);
/// Largest free allowance, in whole units of [`AccessorialUnit::allowance_unit`].
const FREE_QUANTITY_MAX: u32 = 1_000_000;

codes! {
    /// What a rate is charged for.
    AccessorialUnit, "accessorial unit" {
        /// Once each time it happens.
        PerOccurrence = "PER_OCCURRENCE", "per occurrence";
        /// For each hour beyond the free time.
        PerHour = "PER_HOUR", "per hour";
        /// For each day beyond the free days.
        PerDay = "PER_DAY", "per day";
        /// For each hundred pounds.
        PerCwt = "PER_CWT", "per hundredweight";
        /// For each pound or kilogram, as the tariff weighs.
        PerWeight = "PER_WEIGHT", "per unit of weight";
        /// For each piece.
        PerPiece = "PER_PIECE", "per piece";
        /// For each pallet.
        PerPallet = "PER_PALLET", "per pallet";
        /// For each mile or kilometre, as the tariff measures.
        PerDistance = "PER_DISTANCE", "per unit of distance";
        /// A share of the linehaul charge.
        PctOfLinehaul = "PCT_OF_LINEHAUL", "of linehaul";
        /// At cost, with a receipt.
        PassThrough = "PASS_THROUGH", "at cost";
    }
}

codes! {
    /// What one cap covers.
    CapScope, "cap scope" {
        /// One stop.
        Stop = "STOP", "a stop";
        /// One day.
        Day = "DAY", "a day";
        /// One shipment.
        Shipment = "SHIPMENT", "a shipment";
    }
}

impl AccessorialUnit {
    /// The unit the free allowance counts in; none where nothing can be free in advance.
    #[must_use]
    pub const fn allowance_unit(self) -> Option<&'static str> {
        match self {
            Self::PerOccurrence => Some("times"),
            Self::PerHour => Some("min"),
            Self::PerDay => Some("days"),
            Self::PerCwt => Some("lb"),
            Self::PerWeight => Some("units of weight"),
            Self::PerPiece => Some("pieces"),
            Self::PerPallet => Some("pallets"),
            Self::PerDistance => Some("units of distance"),
            Self::PctOfLinehaul | Self::PassThrough => None,
        }
    }
}

/// The terms of one accessorial charge in one contract version. Amounts are in the contract's currency.
/// Stored as JSON beside code and rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessorialRate {
    /// Charge code, usually one of [`CATALOGUE`].
    pub code: String,
    /// The words on page and invoice.
    pub label: String,
    /// What the rate is charged for.
    pub unit: AccessorialUnit,
    /// Amount per unit; none for a share of linehaul and at cost.
    #[serde(default)]
    pub rate: Option<Micros>,
    /// Share of linehaul; only for [`AccessorialUnit::PctOfLinehaul`].
    #[serde(default)]
    pub share: Option<Bps>,
    /// Free before the charge starts, in [`AccessorialUnit::allowance_unit`]; 0 when nothing is free.
    #[serde(default)]
    pub free_quantity: u32,
    /// Steps the clock is billed in, "or fraction"; only per hour.
    #[serde(default)]
    pub increment_minutes: Option<u32>,
    /// Least charge once any is due.
    #[serde(default)]
    pub min: Option<Micros>,
    /// Most for one charge.
    #[serde(default)]
    pub max: Option<Micros>,
    /// Most for all charges of this code within `cap_scope`.
    #[serde(default)]
    pub cap: Option<Micros>,
    /// What the cap covers; given exactly when a cap is.
    #[serde(default)]
    pub cap_scope: Option<CapScope>,
    /// When it applies, how its clock runs, what it needs; the plain rules when left out.
    #[serde(default, skip_serializing_if = "AccessorialRules::is_plain")]
    pub rules: AccessorialRules,
}

impl AccessorialRate {
    /// Problems of the terms, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        let fine = (1..=CODE_CHARS_MAX).contains(&self.code.len()) && self.code.chars().all(plain);
        require(e, fine, "code", "write the code in 1 to 8 capital letters or digits, such as DTU");
        let fine = (1..=LABEL_CHARS_MAX).contains(&self.label.trim().chars().count());
        require(e, fine, "label", "name the charge in up to 80 characters");
        self.validate_price(e);
        let fine = self.free_quantity == 0 || self.unit.allowance_unit().is_some();
        require(e, fine, "free_quantity", "this unit has no free allowance; leave it at 0");
        let fine = self.free_quantity <= FREE_QUANTITY_MAX;
        require(e, fine, "free_quantity", "the free allowance is too large");
        let hourly = self.unit == AccessorialUnit::PerHour;
        let fine = self.increment_minutes.is_none_or(|m| hourly && (1..=1_440).contains(&m));
        require(e, fine, "increment_minutes", "steps are 1 to 1440 minutes, and only for an hourly rate");
        self.validate_bounds(e);
        self.rules.validate(self.unit, e);
        errors
    }

    fn validate_price(&self, e: &mut FieldErrors) {
        let good = |rate: Micros| Micros::ZERO <= rate && rate <= RATE_MAX;
        match self.unit {
            AccessorialUnit::PctOfLinehaul => {
                let fine = self.share.is_some_and(|s| Bps(0) <= s && s <= Bps::WHOLE);
                require(e, fine, "share", "give the share of linehaul, between 0 and 100 %");
                require(e, self.rate.is_none(), "rate", "a share of linehaul has no amount; leave it empty");
            }
            AccessorialUnit::PassThrough => {
                require(e, self.rate.is_none(), "rate", "at cost has no rate; leave it empty");
                require(e, self.share.is_none(), "share", "at cost has no share; leave it empty");
            }
            _ => {
                let fine = self.rate.is_some_and(good);
                require(e, fine, "rate", "give the amount per unit, between 0 and 1,000,000");
                require(
                    e,
                    self.share.is_none(),
                    "share",
                    "only a share of linehaul has this; leave it empty",
                );
            }
        }
    }

    fn validate_bounds(&self, e: &mut FieldErrors) {
        for (field, bound) in [("min", self.min), ("max", self.max), ("cap", self.cap)] {
            let fine = bound.is_none_or(|b| Micros::ZERO <= b && b <= RATE_MAX);
            require(e, fine, field, "must be between 0 and 1,000,000");
        }
        let ordered = |low: Option<Micros>, high: Option<Micros>| low.zip(high).is_none_or(|(l, h)| l <= h);
        require(e, ordered(self.min, self.max), "max", "is below the minimum; raise it or lower the minimum");
        require(e, ordered(self.min, self.cap), "cap", "is below the minimum; raise it or lower the minimum");
        let fine = self.cap.is_some() == self.cap_scope.is_some();
        require(e, fine, "cap_scope", "a cap and what it covers (stop, day or shipment) go together");
    }

    /// The price in words: `60.00 per hour`, `2.5 % of linehaul`, `at cost`.
    #[must_use]
    pub fn price_text(&self) -> String {
        match (self.rate, self.share) {
            (Some(rate), _) => format!("{} {}", words::amount(rate), self.unit.label()),
            (None, Some(share)) => format!("{} {}", words::percent(share), self.unit.label()),
            (None, None) => self.unit.label().to_owned(),
        }
    }

    /// The conditions in words: `free 120 min, 30 min steps, cap 500.00 a stop`; empty when there are none.
    #[must_use]
    pub fn conditions_text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(unit) = self.unit.allowance_unit().filter(|_| self.free_quantity > 0) {
            parts.push(format!("free {} {unit}", self.free_quantity));
        }
        parts.extend(self.increment_minutes.map(|m| format!("{m} min steps")));
        parts.extend(self.min.map(|m| format!("at least {}", words::amount(m))));
        parts.extend(self.max.map(|m| format!("at most {}", words::amount(m))));
        if let Some((cap, scope)) = self.cap.zip(self.cap_scope) {
            parts.push(format!("cap {} {}", words::amount(cap), scope.label()));
        }
        if self.unit == AccessorialUnit::PassThrough {
            parts.push("receipt needed".to_owned());
        }
        parts.extend(self.rules.texts());
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::AccessorialUnit::{PassThrough, PerHour};
    use super::*;

    fn detention() -> AccessorialRate {
        AccessorialRate {
            code: "DTU".to_owned(),
            label: "Detention while unloading".to_owned(),
            unit: PerHour,
            rate: Some(Micros(60_000_000)),
            share: None,
            free_quantity: 120,
            increment_minutes: Some(30),
            min: None,
            max: None,
            cap: Some(Micros(500_000_000)),
            cap_scope: Some(CapScope::Stop),
            rules: AccessorialRules::default(),
        }
    }

    #[test]
    fn terms_read_as_on_the_contract_page() {
        let rate = detention();
        assert_eq!(rate.validate(), []);
        assert_eq!(rate.price_text(), "60.00 per hour");
        assert_eq!(rate.conditions_text(), "free 120 min, 30 min steps, cap 500.00 a stop");
    }

    #[test]
    fn terms_read_back_as_stored() {
        let text = serde_json::to_string(&detention()).unwrap();
        assert_eq!(serde_json::from_str::<AccessorialRate>(&text).unwrap(), detention());
    }

    #[test]
    fn problems_name_their_field() {
        let wrong = AccessorialRate {
            code: "detention".to_owned(),
            label: " ".to_owned(),
            unit: PassThrough,
            min: Some(Micros(600_000_000)),
            cap_scope: None,
            ..detention()
        };
        let fields: Vec<_> = wrong.validate().into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            ["code", "label", "rate", "free_quantity", "increment_minutes", "cap", "cap_scope"]
        );
    }

    #[test]
    fn catalogue_codes_are_unique_and_valid() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|c| c.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CATALOGUE.len());
        assert!(CATALOGUE.iter().all(|c| c.code.len() <= CODE_CHARS_MAX && c.label.len() <= LABEL_CHARS_MAX));
        assert_eq!(catalogue_charge("LFT").map(|c| c.label), Some("Liftgate"));
    }
}
