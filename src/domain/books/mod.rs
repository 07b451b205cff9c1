//! The books: accounting months that are closed one after the other, what must be done before one is, how balances went
//! through a month, and what of the sub-ledger goes to the general ledger (DOMAIN §4.5).
//!
//! A closed month takes no entry and is never opened again: what comes later posts in the first open month and keeps the
//! period of its obligation. Reading order: the months here, [`close`] with its steps, [`roll`] for balances, [`chain`] for
//! the proof that nothing was changed, [`batch`] and [`layout`] for what is exported, [`chart`] for how accounts are called.

pub mod batch;
pub mod chain;
pub mod chart;
pub mod close;
pub mod layout;
pub mod roll;

use chrono::NaiveDate;

use super::period::{Period, PeriodKind};

/// The calendar month that holds `day`.
#[must_use]
pub fn month_of(day: NaiveDate) -> Period {
    Period::containing(PeriodKind::Month, day)
}

/// The first month that takes entries: the one after the last closed day, or the month of the first posting where nothing
/// was closed yet, or this month where nothing was posted either. A last closed day inside a month leaves that month open.
#[must_use]
pub fn first_open_month(
    closed_through: Option<NaiveDate>,
    first_posting: Option<NaiveDate>,
    today: NaiveDate,
) -> Period {
    match closed_through {
        Some(day) => month_of(day.succ_opt().unwrap_or(day)),
        None => month_of(first_posting.unwrap_or(today)),
    }
}

/// Why a month cannot be closed now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseRefused {
    /// Weeks, quarters and years are not closed.
    #[error("{} is no month; the books are closed month by month, such as 2026-06", .0.title())]
    NotAMonth(Period),
    /// It is closed already.
    #[error("{} is closed already, and a closed month is never opened again; later changes post in {}", month.title(), open.title())]
    Closed {
        /// The month asked for.
        month: Period,
        /// The first open one.
        open: Period,
    },
    /// An earlier month is open.
    #[error("{} is not closed yet; months are closed one after the other, so close that one before {}", open.title(), month.title())]
    OutOfOrder {
        /// The month asked for.
        month: Period,
        /// The first open one.
        open: Period,
    },
    /// Its last day has not passed.
    #[error("{} still runs; it can be closed from {} on", month.title(), super::words::day(month.end()))]
    Runs {
        /// The month asked for.
        month: Period,
    },
    /// Steps are left.
    #[error("{} cannot be closed yet: {}", month.title(), left.join("; "))]
    StepsLeft {
        /// The month asked for.
        month: Period,
        /// What is left, each with what to do.
        left: Vec<String>,
    },
}

/// Whether `month` is the one to close next, before its steps are looked at.
///
/// # Errors
/// [`CloseRefused`], all but [`CloseRefused::StepsLeft`].
pub fn may_begin_close(month: Period, open: Period, today: NaiveDate) -> Result<(), CloseRefused> {
    if month.kind() != PeriodKind::Month {
        return Err(CloseRefused::NotAMonth(month));
    }
    if month.start() < open.start() {
        return Err(CloseRefused::Closed { month, open });
    }
    if month != open {
        return Err(CloseRefused::OutOfOrder { month, open });
    }
    if today < month.end() {
        return Err(CloseRefused::Runs { month });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn month(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_closed_one_after_the_other_and_never_again() {
        let today = day("2025-07-08");
        let open = first_open_month(Some(day("2025-04-30")), Some(day("2025-01-03")), today);
        assert_eq!(open, month("2025-05"));
        let tried = |text: &str| may_begin_close(month(text), open, today);
        assert_eq!(tried("2025-05"), Ok(()));
        assert!(matches!(tried("2025-04"), Err(CloseRefused::Closed { .. })));
        assert!(matches!(tried("2025-06"), Err(CloseRefused::OutOfOrder { .. })));
        assert!(matches!(tried("2025-Q2"), Err(CloseRefused::NotAMonth(_))));
        let words = tried("2025-06").unwrap_err().to_string();
        assert_eq!(
            words,
            "May 2025 is not closed yet; months are closed one after the other, so close that one before June 2025"
        );
    }

    #[test]
    fn a_month_is_closed_once_its_last_day_has_passed() {
        let june = month("2025-06");
        assert!(matches!(may_begin_close(june, june, day("2025-06-30")), Err(CloseRefused::Runs { .. })));
        assert_eq!(may_begin_close(june, june, day("2025-07-01")), Ok(()));
    }

    #[test]
    fn the_first_open_month_is_that_of_the_first_posting() {
        let today = day("2025-07-08");
        assert_eq!(first_open_month(None, Some(day("2025-03-09")), today), month("2025-03"));
        assert_eq!(first_open_month(None, None, today), month("2025-07"));
        // Closed elsewhere up to the middle of a month.
        assert_eq!(first_open_month(Some(day("2025-06-14")), None, today), month("2025-06"));
    }
}
