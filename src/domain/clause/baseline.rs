//! The baseline of a gain share that no figure says: what the same unit cost in a time before (DOMAIN §4.2, gain share).

use std::fmt;

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, require};
use crate::domain::period::{Period, PeriodKind};

/// Longest stated time, in months.
const MONTHS_MAX: usize = 24;
const MONTHS_A_YEAR: Months = Months::new(12);

/// The time that a cost per unit is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Baseline {
    /// The same months of the year before.
    #[serde(rename = "YEAR_BEFORE")]
    YearBefore,
    /// Stated months, the same for every period.
    #[serde(rename = "MONTHS")]
    Months {
        /// The first.
        from: Period,
        /// The last.
        to: Period,
    },
}

/// The cost and the units of that time, by the same sums as those of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaselineFacts {
    /// Net numerator of the KPI.
    pub numerator: Decimal,
    /// Net denominator of the KPI.
    pub denominator: Decimal,
}

impl Baseline {
    /// The days it lies in for `period`: the first, and the first no longer. None beyond what a calendar can name.
    #[must_use]
    pub fn days(self, period: Period) -> Option<(NaiveDate, NaiveDate)> {
        match self {
            Self::YearBefore => Some((
                period.start().checked_sub_months(MONTHS_A_YEAR)?,
                period.end().checked_sub_months(MONTHS_A_YEAR)?,
            )),
            Self::Months { from, to } => Some((from.start(), to.end())),
        }
    }

    /// What it is called for `period`: `June 2024`, `January 2024 to March 2024`.
    #[must_use]
    pub(super) fn title(self, period: Period) -> String {
        match self {
            Self::YearBefore => self
                .days(period)
                .map(|(from, _)| Period::containing(period.kind(), from).title())
                .unwrap_or_default(),
            Self::Months { .. } => self.to_string(),
        }
    }

    pub(super) fn validate(self, period: PeriodKind, e: &mut FieldErrors) {
        match self {
            Self::YearBefore => {
                let fine = matches!(period, PeriodKind::Month | PeriodKind::Quarter);
                let message = "weeks have no same week of the year before; measure by month or quarter, or state months";
                require(e, fine, "amount.baseline", message);
            }
            Self::Months { from, to } => {
                let fine = [from, to].iter().all(|month| month.kind() == PeriodKind::Month) && from <= to;
                let message = "state months such as 2024-01 to 2024-12, the first one first";
                require(e, fine, "amount.baseline", message);
                let months = std::iter::successors(Some(from), |month| Some(month.next()));
                let long =
                    fine && months.take_while(|month| *month <= to).take(MONTHS_MAX + 1).count() > MONTHS_MAX;
                require(e, !long, "amount.baseline", "state at most 24 months");
            }
        }
    }
}

impl fmt::Display for Baseline {
    /// `the same time of the year before`, `January 2024 to March 2024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::YearBefore => f.write_str("the same time of the year before"),
            Self::Months { from, to } if from == to => f.write_str(&from.title()),
            Self::Months { from, to } => write!(f, "{} to {}", from.title(), to.title()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_year_before_has_the_same_months() {
        let before = Baseline::YearBefore;
        assert_eq!(
            before.days(period("2025-02")),
            Some((day("2024-02-01"), day("2024-03-01"))),
            "a leap day more"
        );
        assert_eq!(before.days(period("2025-Q4")), Some((day("2024-10-01"), day("2025-01-01"))));
        assert_eq!(before.title(period("2025-06")), period("2024-06").title());
    }

    #[test]
    fn stated_months_are_in_order_and_not_too_many() {
        let wrong = |from: &str, to: &str| {
            let mut errors = FieldErrors::new();
            Baseline::Months { from: period(from), to: period(to) }.validate(PeriodKind::Month, &mut errors);
            errors.len()
        };
        assert_eq!(wrong("2024-01", "2024-12"), 0);
        assert_eq!(wrong("2023-01", "2024-12"), 0);
        for (from, to) in [("2024-02", "2024-01"), ("2022-12", "2024-12"), ("2024-Q1", "2024-Q2")] {
            assert_eq!(wrong(from, to), 1, "{from} to {to}");
        }
        let mut errors = FieldErrors::new();
        Baseline::YearBefore.validate(PeriodKind::Week, &mut errors);
        assert_eq!(errors[0].0, "amount.baseline");
    }
}
