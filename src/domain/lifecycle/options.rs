//! What a version says once for all its prices: baseline, dispute window, price cap.

use crate::domain::field::{FieldErrors, require};
use crate::domain::money::Bps;
use crate::domain::rate::RateParameters;

/// Longest baseline.
pub const BASELINE_CHARS_MAX: usize = 200;
/// Longest dispute window.
pub const DISPUTE_DAYS_MAX: u32 = 365;
/// Highest price cap: 1,000 %, as the rating engine takes it.
pub const PRICE_CAP_MAX: Bps = Bps(100_000);

/// The options of a version; none where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionOptions {
    /// What spend and service are compared with.
    pub baseline: Option<String>,
    /// Days in which an invoice can be disputed.
    pub dispute_days: Option<u32>,
    /// Most a price may rise from one version to the next.
    pub price_cap: Option<Bps>,
}

impl VersionOptions {
    /// What the parameters of a version say.
    #[must_use]
    pub fn of(parameters: &RateParameters) -> Self {
        Self {
            baseline: parameters.baseline.clone(),
            dispute_days: parameters.dispute_days,
            price_cap: parameters.price_cap,
        }
    }

    /// Problems of the options, by form field; what is not said is no problem yet.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fine = self
            .baseline
            .as_ref()
            .is_none_or(|text| (1..=BASELINE_CHARS_MAX).contains(&text.trim().chars().count()));
        require(e, fine, "baseline", "name in up to 200 characters what spend and service are compared with");
        let fine = self.dispute_days.is_none_or(|days| (1..=DISPUTE_DAYS_MAX).contains(&days));
        require(e, fine, "dispute_days", "must be between 1 and 365 days");
        let fine = self.price_cap.is_none_or(|cap| Bps(0) <= cap && cap <= PRICE_CAP_MAX);
        require(e, fine, "price_cap", "must be between 0 and 1,000 per cent");
        errors
    }

    /// Sets what is said; the rest of the parameters stays.
    pub fn set(&self, parameters: &mut RateParameters) {
        if let Some(baseline) = &self.baseline {
            parameters.baseline = Some(baseline.trim().to_owned());
        }
        parameters.dispute_days = self.dispute_days.or(parameters.dispute_days);
        parameters.price_cap = self.price_cap.or(parameters.price_cap);
    }

    /// Puts the options in the place of the old ones, also what is not said any more.
    pub fn replace(&self, parameters: &mut RateParameters) {
        (parameters.baseline, parameters.dispute_days, parameters.price_cap) = (None, None, None);
        self.set(parameters);
    }
}
