//! Service credits and bonuses of a replayed period, and what is left to pay after them (DOMAIN §4.2, §4.3).
//!
//! What each obligation comes to is the clause engine's answer; here it is only added up, by month and by clause.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::clause::Target;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};

/// What obligations of a group come to, in the contract's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    /// Service credits and rebates: what the partner would have owed.
    pub credits: Micros,
    /// Bonuses, volume shortfalls and what is earned back: what the shipper would have owed.
    pub bonuses: Micros,
    /// What caps took off both.
    pub forgone: Micros,
    /// Obligations that come to an amount, before caps.
    pub obligations: u64,
}

impl Credits {
    /// Adds one obligation.
    fn add(&mut self, target: &Target) {
        if target.sign.owed_by_carrier() {
            self.credits = self.credits + target.amount;
        } else {
            self.bonuses = self.bonuses + target.amount;
        }
        self.forgone = self.forgone + target.forgone;
        self.obligations += u64::from(target.uncapped != Micros::ZERO);
    }

    /// What they add to the shipper's cost: bonuses less credits.
    #[must_use]
    pub fn effect(&self) -> Micros {
        self.bonuses - self.credits
    }
}

/// The same in total, by month and by clause; each split sums to the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreditSums {
    /// Every obligation.
    pub total: Credits,
    /// By month of the obligation, `2025-05`. What is measured over a longer period counts in the last month replayed
    /// of it.
    pub months: BTreeMap<String, Credits>,
    /// By clause, in its words.
    pub clauses: BTreeMap<String, Credits>,
}

impl CreditSums {
    /// Adds one obligation of a clause. `last` is the last day replayed.
    pub fn add(&mut self, clause: &str, last: NaiveDate, target: &Target) {
        self.total.add(target);
        let month = Period::containing(PeriodKind::Month, target.obligation_day.min(last)).to_string();
        self.months.entry(month).or_default().add(target);
        self.clauses.entry(clause.to_owned()).or_default().add(target);
    }
}

/// What a group of shipments would have cost in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// Total of the charges, tax included.
    pub charges: Micros,
    /// The service credits and bonuses on them; none when they could not be evaluated.
    pub credits: Option<Credits>,
}

impl Net {
    /// Charges less credits plus bonuses; none while the credits are unknown.
    #[must_use]
    pub fn cost(&self) -> Option<Micros> {
        self.credits.map(|credits| self.charges + credits.effect())
    }

    /// By how much this differs from what was in force, where the charges that both sides have differ by `charges`; none
    /// while that, or the credits of either, are unknown. Credits go by what was billed, so they need no price of a version.
    #[must_use]
    pub fn less(&self, in_force: &Self, charges: Option<Micros>) -> Option<Micros> {
        Some(charges? + self.credits?.effect() - in_force.credits?.effect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::clause::{Obligation, ObligationKey, Sign};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn target(sign: Sign, uncapped: i64, amount: i64, on: NaiveDate) -> Target {
        Target {
            key: ObligationKey { contract_version_id: 1, clause_id: 1, of: Obligation::Event(1) },
            sign,
            uncapped: Micros(uncapped),
            amount: Micros(amount),
            forgone: Micros(uncapped - amount),
            cuts: Vec::new(),
            steps: Vec::new(),
            obligation_day: on,
            obligation_period: Period::containing(PeriodKind::Month, on),
        }
    }

    #[test]
    fn credits_lower_the_cost_and_bonuses_raise_it() {
        let mut sums = CreditSums::default();
        let last = day("2025-06-30");
        sums.add("7.3 Late delivery", last, &target(Sign::Penalty, 120, 100, day("2025-05-07")));
        sums.add("7.4 Bonus", last, &target(Sign::Bonus, 30, 30, day("2025-06-30")));
        sums.add("7.4 Bonus", last, &target(Sign::Bonus, 0, 0, day("2025-05-31")));
        let total = sums.total;
        assert_eq!((total.credits, total.bonuses, total.forgone), (Micros(100), Micros(30), Micros(20)));
        assert_eq!(total.obligations, 2, "one came to nothing");
        assert_eq!(sums.months.keys().collect::<Vec<_>>(), ["2025-05", "2025-06"]);
        let was = Net { charges: Micros(1_000), credits: Some(Credits::default()) };
        let tried = Net { charges: Micros(1_010), credits: Some(total) };
        let less = |net: &Net, than: &Net| net.less(than, Some(Micros(10)));
        assert_eq!((tried.cost(), less(&tried, &was)), (Some(Micros(940)), Some(Micros(-60))));
        assert_eq!(tried.less(&was, Some(Micros(4))), Some(Micros(-66)), "6 only the version charges");
        assert_eq!(tried.less(&was, None), None, "no shipment has both prices");
        let unknown = Net { charges: Micros(1_010), credits: None };
        assert_eq!((unknown.cost(), less(&unknown, &was), less(&was, &unknown)), (None, None, None));
    }

    #[test]
    fn a_quarter_that_ends_after_the_replay_counts_in_its_last_month() {
        let mut sums = CreditSums::default();
        sums.add("7.3", day("2025-05-31"), &target(Sign::Penalty, 5, 5, day("2025-06-30")));
        assert_eq!(sums.months.keys().collect::<Vec<_>>(), ["2025-05"]);
    }

    proptest! {
        /// Months and clauses each sum to the whole, whatever falls where.
        #[test]
        fn every_split_sums_to_the_whole(
            rows in prop::collection::vec((any::<bool>(), 0_i64..1_000_000, 0_i64..1_000_000, 0_u64..400, 0_u8..3), 0..40)
        ) {
            let mut sums = CreditSums::default();
            for (penalty, amount, forgone, after, clause) in rows {
                let sign = if penalty { Sign::Penalty } else { Sign::Bonus };
                let on = day("2025-01-01") + chrono::Days::new(after);
                sums.add(&clause.to_string(), day("2025-12-31"), &target(sign, amount + forgone, amount, on));
            }
            for split in [&sums.months, &sums.clauses] {
                prop_assert_eq!(split.values().map(Credits::effect).sum::<Micros>(), sums.total.effect());
                prop_assert_eq!(split.values().map(|part| part.forgone).sum::<Micros>(), sums.total.forgone);
                prop_assert_eq!(split.values().map(|part| part.obligations).sum::<u64>(), sums.total.obligations);
            }
        }
    }
}
