//! What was committed, planned, tendered and taken on a lane in a week (DOMAIN §1.5 B, `COMMIT_ADH`).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::measure::Measures;

/// One partner's week on one lane, in loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekFacts {
    /// Monday of the week; it decides the period.
    pub week: NaiveDate,
    /// Loads the partner committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<i64>,
    /// Loads the newest plan made before the week asked it to carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<i64>,
    /// Loads tendered to it and decided, without those withdrawn and those offered too late.
    pub tendered: i64,
    /// Those of them that it took and kept.
    pub accepted: i64,
}

impl WeekFacts {
    /// Loads it was asked for within its commitment; what the shipper did not tender is not asked.
    #[must_use]
    pub fn asked(&self) -> i64 {
        self.committed.map_or(0, |committed| committed.min(self.tendered))
    }

    /// Those of them it kept.
    #[must_use]
    pub fn kept(&self) -> i64 {
        self.committed.map_or(0, |committed| self.accepted.min(committed).min(self.asked()))
    }

    /// What it adds, on the Monday of the week.
    #[must_use]
    pub fn judge(&self) -> BesideVerdict {
        let mut sums = Measures::default();
        sums.commitment.add(self.kept(), self.asked());
        if let Some(planned) = self.planned.filter(|_| self.tendered > 0) {
            sums.forecast.add((planned - self.tendered).abs(), self.tendered);
        }
        BesideVerdict { adds: vec![(self.week, sums)], settles_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(committed: i64, tendered: i64, accepted: i64) -> (i64, i64) {
        let week = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
        let facts = WeekFacts { week, committed: Some(committed), planned: None, tendered, accepted };
        let verdict = facts.judge();
        (verdict.adds[0].1.commitment.numerator, verdict.adds[0].1.commitment.denominator)
    }

    #[test]
    fn a_commitment_is_kept_however_little_was_tendered() {
        // Of 10 committed, 6 were tendered and taken: kept.
        assert_eq!(sums(10, 6, 6), (6, 6));
        // 14 were tendered and 9 taken: 9 of 10.
        assert_eq!(sums(10, 14, 9), (9, 10));
        // Loads beyond the commitment add nothing.
        assert_eq!(sums(10, 14, 14), (10, 10));
        assert_eq!(sums(10, 0, 0), (0, 0));
    }

    #[test]
    fn the_error_of_the_plan_is_over_what_was_tendered() {
        let week = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
        let facts = WeekFacts { week, committed: None, planned: Some(7), tendered: 10, accepted: 9 };
        let sums = &facts.judge().adds[0].1;
        assert_eq!((sums.forecast.numerator, sums.forecast.denominator), (3, 10));
        assert_eq!(sums.commitment.denominator, 0);
    }
}
