//! Drift: a charge of one partner on one lane that is billed a little more each month (DOMAIN §5; a mistake that comes back
//! is the carrier's system, not a clerk).

use chrono::{Datelike, Months, NaiveDate};

use super::{Audited, BillStatus, Position};
use crate::domain::money::Micros;

/// Months looked at.
pub const MONTHS: usize = 3;
/// Positions with a price that each month must have; fewer tell nothing.
pub const POSITIONS_MIN: i64 = 5;

/// What the positions of one month come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// Positions with a price.
    pub positions: i64,
    /// What the contract owes for them.
    pub owed: Micros,
    /// What was billed beyond that; billing too little makes it less.
    pub over: Micros,
}

impl Month {
    /// Adds a position.
    pub fn add(&mut self, owed: Micros, over: Micros) {
        self.positions += 1;
        self.owed = self.owed + owed;
        self.over = self.over + over;
    }
}

/// A position that tells something about a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The position.
    pub position: &'a Position,
    /// What the contract owes for it in all.
    pub owed: Micros,
    /// What was billed here and before beyond that.
    pub over: Micros,
}

/// The positions of an audit that tell something about a price: they bill something that has one. What is billed twice, or is not
/// acceptable, says nothing about a rate.
pub fn told(audited: &Audited) -> impl Iterator<Item = Told<'_>> {
    let counts = !matches!(audited.status, BillStatus::Duplicate | BillStatus::Rejected);
    audited.positions.iter().filter(move |one| counts && one.billed > Micros::ZERO).filter_map(|position| {
        let owed = position.rated?;
        Some(Told { position, owed, over: position.before + position.billed - owed })
    })
}

/// Whether the share billed beyond what is owed rises over the months, oldest first, and ends above nothing. The shares are
/// compared unrounded.
#[must_use]
pub fn is_rising(months: &[Month; MONTHS]) -> bool {
    let enough = months.iter().all(|month| month.positions >= POSITIONS_MIN && month.owed > Micros::ZERO);
    let more = |before: &Month, after: &Month| {
        let product = |over: Micros, owed: Micros| i128::from(over.0) * i128::from(owed.0);
        product(before.over, after.owed) < product(after.over, before.owed)
    };
    let [first, second, third] = months;
    enough && more(first, second) && more(second, third) && third.over > Micros::ZERO
}

/// First days of the last whole months before `today`, oldest first.
#[must_use]
pub fn months_before(today: NaiveDate) -> [NaiveDate; MONTHS] {
    let this = today.with_day(1).unwrap_or(today);
    [3, 2, 1].map(|back| this.checked_sub_months(Months::new(back)).unwrap_or(this))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Accuracy, Charge, Outcome};

    fn position(billed: i64, before: i64, rated: Option<i64>) -> Position {
        Position {
            lines: vec![1],
            shipment: None,
            found_by: None,
            name: String::new(),
            lane: "A-B".to_owned(),
            charge: Charge::Linehaul,
            code: "400".to_owned(),
            billed: Micros(billed),
            before: Micros(before),
            rated: rated.map(Micros),
            variance: None,
            approved: Micros(billed),
            disputed: Micros::ZERO,
            outcome: Outcome::Pay,
            evidence: String::new(),
            finding: None,
            is_short: false,
        }
    }

    #[test]
    fn what_has_a_price_and_bills_something_is_told() {
        let positions = vec![
            position(60, 50, Some(100)),
            position(90, 0, Some(100)),
            position(90, 0, None),
            position(-40, 140, Some(100)),
        ];
        let audited = |status| Audited {
            rules: 1,
            status,
            outcome: Outcome::Pay,
            billed: Micros::ZERO,
            approved: Micros::ZERO,
            disputed: Micros::ZERO,
            payable: Micros::ZERO,
            finding: None,
            positions: positions.clone(),
            accuracy: Accuracy::default(),
        };
        let overs = |status| told(&audited(status)).map(|one| (one.owed.0, one.over.0)).collect::<Vec<_>>();
        // 60 after 50 of 100 is 10 over, 90 of 100 is 10 short; no price, and what takes back, say nothing.
        assert_eq!(overs(BillStatus::MatchedVariance), [(100, 10), (100, -10)]);
        assert!(overs(BillStatus::Duplicate).is_empty() && overs(BillStatus::Rejected).is_empty());
    }

    fn month(positions: i64, owed: i64, over: i64) -> Month {
        Month { positions, owed: Micros(owed), over: Micros(over) }
    }

    #[test]
    fn a_share_that_rises_three_months_is_a_drift() {
        let rising = [month(5, 1_000, 10), month(9, 500, 6), month(5, 1_000, 13)];
        assert!(is_rising(&rising), "1.0, 1.2, 1.3 per cent, though less money in between");
        assert!(!is_rising(&[rising[0], rising[1], month(5, 1_000, 12)]), "1.2 and 1.2");
        assert!(!is_rising(&[rising[0], rising[1], month(4, 1_000, 13)]), "too few");
        assert!(
            !is_rising(&[month(5, 1_000, -30), month(5, 1_000, -20), month(5, 1_000, -10)]),
            "still too little"
        );
        assert!(!is_rising(&[Month::default(); MONTHS]));
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(months_before(day("2026-02-17")), ["2025-11-01", "2025-12-01", "2026-01-01"].map(day));
    }
}
