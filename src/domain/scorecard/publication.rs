//! When a scorecard is provisional, under the partner's review and final (DOMAIN §7.2).
//!
//! The state is a function of the day, never a stored change: a published row is not touched when time passes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::BusinessCalendar;
use crate::domain::period::Period;

/// Business days after the last day of the period until the first, provisional publication.
const PROVISIONAL_AFTER: u16 = 1;
/// Business days the partner has to challenge the data.
const REVIEW_DAYS: u16 = 5;
/// Business days after the last day of the period until the scorecard is final.
const FINAL_AFTER: u16 = 10;

/// How far the publication of a period has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PublicationState {
    /// The period has not ended: a preview, counted to the last full day.
    Running,
    /// Published, not yet open to challenge.
    Provisional,
    /// The partner checks the data.
    PartnerReview,
    /// Closed; a later change is a restatement.
    Final,
}

/// The days on which the publication of one period moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The period.
    pub period: Period,
    /// Day of the first publication.
    pub provisional_on: NaiveDate,
    /// First day of the partner's review.
    pub review_from: NaiveDate,
    /// Last day of the partner's review.
    pub review_until: NaiveDate,
    /// The day it becomes final.
    pub final_on: NaiveDate,
}

impl Publication {
    /// The days of `period` by the business days of `calendar`.
    #[must_use]
    pub fn of(period: Period, calendar: &BusinessCalendar) -> Self {
        let last = period.last_day();
        let provisional_on = calendar.add_bd(last, PROVISIONAL_AFTER);
        Self {
            period,
            provisional_on,
            review_from: calendar.add_bd(provisional_on, 1),
            review_until: calendar.add_bd(provisional_on, REVIEW_DAYS),
            final_on: calendar.add_bd(last, FINAL_AFTER),
        }
    }

    /// The state on `today`.
    #[must_use]
    pub fn state(&self, today: NaiveDate) -> PublicationState {
        if today < self.period.end() {
            PublicationState::Running
        } else if today < self.review_from {
            PublicationState::Provisional
        } else if today < self.final_on {
            PublicationState::PartnerReview
        } else {
            PublicationState::Final
        }
    }
}

impl PublicationState {
    /// The word stored with a scorecard: the state on the day it was made.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Running | Self::Provisional => "PROVISIONAL",
            Self::PartnerReview => "PARTNER_REVIEW",
            Self::Final => "FINAL",
        }
    }

    /// The words people read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Running => "to date",
            Self::Provisional => "provisional",
            Self::PartnerReview => "partner review",
            Self::Final => "final",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn june_2025_is_final_on_business_day_ten() {
        // With the fourth of July a holiday, as in the example of the visual reference.
        let calendar = BusinessCalendar::weekdays([day("2025-07-04")]);
        let june = Publication::of("2025-06".parse().unwrap(), &calendar);
        assert_eq!(
            (june.provisional_on, june.review_from, june.review_until, june.final_on),
            (day("2025-07-01"), day("2025-07-02"), day("2025-07-09"), day("2025-07-15"))
        );
        let states = ["2025-06-30", "2025-07-01", "2025-07-02", "2025-07-14", "2025-07-15"]
            .map(|today| june.state(day(today)));
        assert_eq!(
            states,
            [
                PublicationState::Running,
                PublicationState::Provisional,
                PublicationState::PartnerReview,
                PublicationState::PartnerReview,
                PublicationState::Final
            ]
        );
    }
}
