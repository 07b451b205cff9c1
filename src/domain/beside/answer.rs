//! An answer to something the partner asked for: a challenge, or an exclusion of its own (DOMAIN §4.4, §7.2).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::measure::Measures;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerFacts {
    /// The reporting day of the decision.
    pub day: NaiveDate,
    /// Whether it was decided for the partner.
    pub for_the_partner: bool,
}

impl AnswerFacts {
    /// What it adds, on the day it was decided.
    #[must_use]
    pub fn judge(&self) -> BesideVerdict {
        let mut sums = Measures::default();
        sums.overturned.add(i64::from(self.for_the_partner), 1);
        BesideVerdict { adds: vec![(self.day, sums)], settles_at: None }
    }
}
