//! Drift: a charge of one partner on one lane that is billed a little more each month (DOMAIN §5; a mistake that comes back
//! is the carrier's system, not a clerk).

use chrono::{Datelike, Months, NaiveDate};

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
