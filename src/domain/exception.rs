//! What needs a call now: shipments that are late and not there, about to be late, or not picked up (DOMAIN §1.2; the
//! same deadlines as the verdicts).

use chrono::{DateTime, TimeDelta, Utc};

use super::outcome::{OutcomePolicy, end_of_local_day};
use super::shipment::{DEFAULT_PICKUP_GRACE_MINUTES, Milestones};

/// A delivery due within so many minutes without a sign of it near the stop is about to be late.
pub const WARNING_MINUTES: i64 = 240;

/// Why a shipment is on the board, the most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exception {
    /// Its delivery is overdue and nothing says that it arrived.
    Late,
    /// Its delivery is due soon and nothing says that it is near.
    AboutToBeLate,
    /// Its pickup is overdue and nothing says that it was made.
    NotPickedUp,
}

impl Exception {
    /// Every kind, in the order of the board.
    pub const ALL: [Self; 3] = [Self::Late, Self::AboutToBeLate, Self::NotPickedUp];

    /// The words people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Late => "Late now",
            Self::AboutToBeLate => "About to be late",
            Self::NotPickedUp => "Not picked up",
        }
    }
}

/// An exception with the deadline that makes it one, grace included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub exception: Exception,
    /// The last instant that is, or was, on time.
    pub due_by: DateTime<Utc>,
}

/// What is wrong with an open shipment at `now`; none when nothing is, or it was cancelled.
#[must_use]
pub fn exception(facts: &Milestones, policy: &OutcomePolicy, now: DateTime<Utc>) -> Option<Finding> {
    if facts.cancelled_at.is_some() || facts.arrived_at.or(facts.delivered_at).is_some() {
        return None;
    }
    let plus =
        |at: DateTime<Utc>, minutes: i32| at.checked_add_signed(TimeDelta::minutes(i64::from(minutes)));
    let window_end = facts.delivery_window_end.and_then(|end| plus(end, policy.grace_late_minutes));
    let due_day = || Some(end_of_local_day(facts.delivery_due_day?, facts.delivery_zone?));
    if let Some(due_by) = window_end.or_else(due_day) {
        if now > due_by {
            return Some(Finding { exception: Exception::Late, due_by });
        }
        // A due day of its own says nothing about the hour; a window does.
        let near = facts.out_for_delivery_at.or(facts.station_arrived_at).is_some();
        let soon = due_by.signed_duration_since(now) <= TimeDelta::minutes(WARNING_MINUTES);
        if window_end.is_some() && soon && !near {
            return Some(Finding { exception: Exception::AboutToBeLate, due_by });
        }
    }
    let moving = facts
        .pickup_arrived_at
        .or(facts.picked_up_at)
        .or(facts.station_arrived_at)
        .or(facts.out_for_delivery_at);
    let pickup_by = facts.pickup_window_end.and_then(|end| plus(end, DEFAULT_PICKUP_GRACE_MINUTES));
    pickup_by
        .filter(|due_by| moving.is_none() && now > *due_by)
        .map(|due_by| Finding { exception: Exception::NotPickedUp, due_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn open() -> Milestones {
        Milestones {
            pickup_window_end: Some(at("2025-06-02T10:00:00Z")),
            delivery_window_end: Some(at("2025-06-03T12:00:00Z")),
            picked_up_at: Some(at("2025-06-02T09:30:00Z")),
            ..Milestones::default()
        }
    }

    fn found(facts: &Milestones, now: &str) -> Option<Exception> {
        exception(facts, &OutcomePolicy::default(), at(now)).map(|finding| finding.exception)
    }

    #[test]
    fn a_shipment_warns_before_it_is_late() {
        assert_eq!(found(&open(), "2025-06-03T08:00:00Z"), None);
        assert_eq!(found(&open(), "2025-06-03T09:00:00Z"), Some(Exception::AboutToBeLate));
        // The grace is part of the deadline.
        assert_eq!(found(&open(), "2025-06-03T12:15:00Z"), Some(Exception::AboutToBeLate));
        assert_eq!(found(&open(), "2025-06-03T12:16:00Z"), Some(Exception::Late));
        let near = Milestones { out_for_delivery_at: Some(at("2025-06-03T08:30:00Z")), ..open() };
        assert_eq!(found(&near, "2025-06-03T09:00:00Z"), None);
        assert_eq!(found(&near, "2025-06-03T12:16:00Z"), Some(Exception::Late));
        let there = Milestones { arrived_at: Some(at("2025-06-03T11:00:00Z")), ..open() };
        assert_eq!(found(&there, "2025-06-03T13:00:00Z"), None);
    }

    #[test]
    fn a_pickup_nobody_made_is_told_before_the_delivery_is_due() {
        let waiting = Milestones { picked_up_at: None, ..open() };
        assert_eq!(found(&waiting, "2025-06-02T10:15:00Z"), None);
        assert_eq!(found(&waiting, "2025-06-02T10:16:00Z"), Some(Exception::NotPickedUp));
        let cancelled = Milestones { cancelled_at: Some(at("2025-06-02T08:00:00Z")), ..waiting };
        assert_eq!(found(&cancelled, "2025-06-05T00:00:00Z"), None);
    }

    #[test]
    fn a_due_day_lasts_until_midnight_at_the_stop() {
        let facts = Milestones {
            delivery_window_end: None,
            delivery_due_day: chrono::NaiveDate::from_ymd_opt(2025, 6, 3),
            delivery_zone: Some(chrono_tz::America::Chicago),
            ..open()
        };
        assert_eq!(found(&facts, "2025-06-04T04:59:00Z"), None);
        assert_eq!(found(&facts, "2025-06-04T05:00:00Z"), Some(Exception::Late));
    }
}
