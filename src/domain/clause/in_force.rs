//! The days on which terms hold, and what share of a period that is (DOMAIN §3.10).

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::money::{Micros, OutOfRange};
use crate::domain::period::Period;

/// The days on which a version holds: from, and the first day after, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// First day in force.
    pub from: NaiveDate,
    /// First day no longer in force; open when none.
    pub until: Option<NaiveDate>,
}

impl InForce {
    /// On every day.
    pub const ALWAYS: Self = Self { from: NaiveDate::MIN, until: None };

    /// The half-open days of `period` on which the terms hold; none when they never do.
    #[must_use]
    pub fn within(self, period: Period) -> Option<(NaiveDate, NaiveDate)> {
        let first = period.start().max(self.from);
        let until = self.until.map_or(period.end(), |until| until.min(period.end()));
        (first < until).then_some((first, until))
    }

    /// The last day of `period` on which the terms hold; the period's own last day when they never do.
    pub(super) fn last_day_in(self, period: Period) -> NaiveDate {
        self.within(period).and_then(|(_, until)| until.pred_opt()).unwrap_or_else(|| period.last_day())
    }
}

/// How many of a period's calendar days terms hold on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartOfPeriod {
    held_days: i64,
    all_days: i64,
}

impl PartOfPeriod {
    /// Of terms that hold on `spans`, which do not overlap.
    pub(super) fn of(spans: &[InForce], period: Period) -> Self {
        let days = |(first, until): (NaiveDate, NaiveDate)| until.signed_duration_since(first).num_days();
        Self {
            held_days: spans.iter().filter_map(|span| span.within(period)).map(days).sum(),
            all_days: days((period.start(), period.end())),
        }
    }

    /// All of it.
    pub(super) fn whole(period: Period) -> Self {
        let all_days = period.end().signed_duration_since(period.start()).num_days();
        Self { held_days: all_days, all_days }
    }

    /// The days held, of those before `until`.
    pub(super) fn until(spans: &[InForce], period: Period, until: NaiveDate) -> Self {
        let cut =
            |span: &InForce| InForce { until: Some(span.until.map_or(until, |end| end.min(until))), ..*span };
        let spans: Vec<InForce> = spans.iter().map(cut).collect();
        Self::of(&spans, period)
    }

    /// Calendar days held.
    pub(super) fn held_days(self) -> i64 {
        self.held_days
    }

    /// Calendar days of the period.
    pub(super) fn all_days(self) -> i64 {
        self.all_days
    }

    fn is_whole(self) -> bool {
        self.held_days >= self.all_days
    }

    /// The share of `amount` that belongs to the days held, rounded as a charge is.
    pub(super) fn of_amount(self, amount: Micros, minor_digits: u32) -> Result<Micros, OutOfRange> {
        if self.is_whole() {
            return Ok(amount);
        }
        // Multiplied first: a division that goes on for ever must not lose the cent.
        let share = amount.decimal() * Decimal::from(self.held_days) / Decimal::from(self.all_days);
        Micros::charge(share, minor_digits)
    }

    /// `14 of 30 days`; none for a whole period.
    pub(super) fn words(self) -> Option<String> {
        (!self.is_whole()).then(|| format!("{} of {} days", self.held_days, self.all_days))
    }
}
