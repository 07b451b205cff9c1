//! A claim for loss, damage or delay (DOMAIN §1.1, §1.5 A): how often, how much, and how long until it is settled.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::field::codes;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;

codes! {
    /// What is claimed.
    ClaimKind, "kind of claim" {
        /// Goods that never arrived, or too few of them.
        Loss = "LOSS", "loss";
        /// Goods that arrived damaged.
        Damage = "DAMAGE", "damage";
        /// Goods that arrived late.
        Delay = "DELAY", "delay";
    }
}

codes! {
    /// Where a claim stands.
    ClaimStatus, "state of a claim" {
        /// Filed, and not answered.
        Filed = "FILED", "filed";
        /// The carrier has confirmed that it has it.
        Acknowledged = "ACKNOWLEDGED", "acknowledged";
        /// Paid, whole or in part.
        Paid = "PAID", "paid";
        /// Declined.
        Declined = "DECLINED", "declined";
        /// Taken back by whoever filed it.
        Withdrawn = "WITHDRAWN", "withdrawn";
        /// Filed a second time.
        Duplicate = "DUPLICATE", "duplicate";
    }
}

/// A claim as a feed states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFacts {
    /// What is claimed.
    pub kind: ClaimKind,
    /// Where it stands.
    pub status: ClaimStatus,
    /// Zone whose days count.
    pub zone: Tz,
    /// When it was filed; its local day decides the period.
    pub filed_at: DateTime<Utc>,
    /// When the carrier confirmed that it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When it was paid or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposed_at: Option<DateTime<Utc>>,
    /// Claimed, in the reporting currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Micros>,
    /// Accepted, in the reporting currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Micros>,
}

impl ClaimFacts {
    /// The local day on which it was filed.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        local_day(self.filed_at, self.zone)
    }

    /// Whether it is a claim at all: not taken back, not filed twice.
    #[must_use]
    pub fn stands(&self) -> bool {
        !matches!(self.status, ClaimStatus::Withdrawn | ClaimStatus::Duplicate)
    }

    /// Whether it counts in `CLAIM_FREQ` and `CLAIM_RATIO`: it stands, and is for more than delay.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.stands() && self.kind != ClaimKind::Delay
    }

    /// What it is worth: accepted, else claimed.
    #[must_use]
    pub fn amount(&self) -> Option<Micros> {
        self.accepted.or(self.claimed)
    }

    /// What it adds as known at `as_of`: frequency and amount on the day it was filed, how long it took on the day it was
    /// settled.
    #[must_use]
    pub fn judge(&self, as_of: DateTime<Utc>) -> BesideVerdict {
        let mut adds = Vec::new();
        if self.counts() {
            let mut sums = Measures::default();
            sums.claims.add(1, 0);
            sums.claimed = self.amount().map_or(0, |amount| amount.0);
            adds.push((self.day(), sums));
        }
        let elapsed = |at: DateTime<Utc>| at.signed_duration_since(self.filed_at).num_minutes();
        let known = |at: Option<DateTime<Utc>>| at.filter(|at| self.stands() && *at <= as_of);
        if let Some(at) = known(self.acknowledged_at) {
            let mut sums = Measures::default();
            sums.claim_acknowledged.count(elapsed(at));
            adds.push((local_day(at, self.zone), sums));
        }
        if let Some(at) = known(self.disposed_at) {
            let mut sums = Measures::default();
            sums.claim_settled.count(elapsed(at));
            adds.push((local_day(at, self.zone), sums));
        }
        // A feed that knows of tomorrow is looked at again then.
        let later = [self.acknowledged_at, self.disposed_at].into_iter().flatten().filter(|at| *at > as_of);
        BesideVerdict { adds, settles_at: later.filter(|_| self.stands()).min() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn claim(kind: ClaimKind, status: ClaimStatus) -> ClaimFacts {
        ClaimFacts {
            kind,
            status,
            zone: chrono_tz::America::Chicago,
            filed_at: at("2026-03-02T03:00:00Z"),
            acknowledged_at: Some(at("2026-03-10T03:00:00Z")),
            disposed_at: Some(at("2026-04-11T04:00:00Z")),
            claimed: Some(Micros(500_000_000)),
            accepted: None,
        }
    }

    fn total(facts: &ClaimFacts) -> Measures {
        let mut total = Measures::default();
        facts.judge(at("2026-07-01T00:00:00Z")).adds.iter().for_each(|(_, sums)| total += sums);
        total
    }

    #[test]
    fn a_claim_counts_when_it_was_filed_and_its_cycle_when_it_was_settled() {
        let verdict = claim(ClaimKind::Damage, ClaimStatus::Paid).judge(at("2026-07-01T00:00:00Z"));
        let days: Vec<String> = verdict.adds.iter().map(|(day, _)| day.to_string()).collect();
        // 03:00 in UTC is the evening before in Chicago.
        assert_eq!(days, ["2026-03-01", "2026-03-09", "2026-04-10"]);
        assert_eq!(verdict.settles_at, None);
        let sums = total(&claim(ClaimKind::Damage, ClaimStatus::Paid));
        assert_eq!((sums.claims.numerator, sums.claimed), (1, 500_000_000));
        assert_eq!(sums.claim_settled.percentile_minutes(90), Some(41 * 24 * 60), "forty days and an hour");
    }

    #[test]
    fn delay_duplicates_and_what_was_taken_back_do_not_count() {
        let delay = total(&claim(ClaimKind::Delay, ClaimStatus::Declined));
        assert_eq!((delay.claims.numerator, delay.claimed, delay.claim_settled.total()), (0, 0, 1));
        for status in [ClaimStatus::Withdrawn, ClaimStatus::Duplicate] {
            assert_eq!(total(&claim(ClaimKind::Loss, status)), Measures::default());
        }
    }

    #[test]
    fn what_was_accepted_counts_instead_of_what_was_claimed() {
        let facts = ClaimFacts { accepted: Some(Micros(0)), ..claim(ClaimKind::Loss, ClaimStatus::Declined) };
        assert_eq!(total(&facts).claimed, 0);
    }

    #[test]
    fn what_has_not_happened_yet_is_looked_at_again() {
        let verdict = claim(ClaimKind::Loss, ClaimStatus::Paid).judge(at("2026-03-20T00:00:00Z"));
        assert_eq!((verdict.adds.len(), verdict.settles_at), (2, Some(at("2026-04-11T04:00:00Z"))));
    }
}
