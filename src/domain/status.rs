//! Status messages a carrier owes for a shipment, by mode, and which of them came (DOMAIN §1.5 C).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::outcome::{Cure, Outcome};
use super::shipment::{DateOnly, Milestones, Verdicts};

/// Which milestones a mode reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StatusProfile {
    /// Arrival and departure at the pickup, arrival and completion at the delivery.
    #[default]
    Truckload,
    /// Departure from the pickup, out for delivery, arrival or completion.
    LessThanTruckload,
    /// Out for delivery and completion.
    LastMile,
}

impl StatusProfile {
    /// The profile of a mode as feeds write it; what no profile names is reported as a truckload is.
    #[must_use]
    pub fn of_mode(mode: &str) -> Self {
        let is = |words: &[&str]| words.iter().any(|word| mode.eq_ignore_ascii_case(word));
        if is(&["LTL", "LESS_THAN_TRUCKLOAD", "GROUPAGE"]) {
            Self::LessThanTruckload
        } else if is(&["PARCEL", "LAST_MILE", "LAST MILE", "LASTMILE", "COURIER", "EXPRESS"]) {
            Self::LastMile
        } else {
            Self::Truckload
        }
    }
}

/// Status messages of one shipment, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Milestones owed.
    pub required: i64,
    /// Of those, reported.
    pub received: i64,
    /// Milestones owed whose time of receipt a feed can state.
    pub reportable: i64,
    /// Of those, reported within the agreed minutes.
    pub timely: i64,
}

/// Whether a message came within the agreed minutes after its event, or was put right after them.
#[must_use]
pub fn is_timely(
    (event, received): (DateTime<Utc>, DateTime<Utc>),
    sla: TimeDelta,
    (cure, zone): (Option<Cure>, Option<Tz>),
) -> bool {
    let put_right =
        |cure: Cure| event.checked_add_signed(sla).is_some_and(|due| cure.holds(due, received, zone));
    received.signed_duration_since(event) <= sla || cure.is_some_and(put_right)
}

/// A stop whose messages are counted.
#[derive(Clone, Copy)]
struct Stop {
    sla: TimeDelta,
    cure: Option<Cure>,
    zone: Option<Tz>,
    /// Whether a message that did not come can still be put right, so that it does not count yet.
    waits: bool,
}

impl Owed {
    fn milestone(&mut self, reported: bool, stop: Stop) {
        if reported || !stop.waits {
            self.required += 1;
            self.received += i64::from(reported);
        }
    }

    fn message(&mut self, event: Option<DateTime<Utc>>, received: Option<DateTime<Utc>>, stop: Stop) {
        self.milestone(event.is_some(), stop);
        if event.is_none() && stop.waits {
            return;
        }
        self.reportable += 1;
        let timely = |times| is_timely(times, stop.sla, (stop.cure, stop.zone));
        self.timely += i64::from(event.zip(received).is_some_and(timely));
    }
}

/// Counts the milestones a shipment owes by now: those of a stop that is decided, or after which a later one was reported.
///
/// A stop reported by date only is no message and owes none; nor does a stop that is not due. Where messages can be put right,
/// one that did not come counts from the end of that time on.
#[must_use]
pub fn owed(
    facts: &Milestones,
    verdicts: &Verdicts,
    profile: StatusProfile,
    (sla_minutes, cure): (i32, Option<Cure>),
) -> Owed {
    let sla = TimeDelta::minutes(i64::from(sla_minutes));
    let stop = |due: Option<DateTime<Utc>>, zone: Option<Tz>| {
        let waits = cure.zip(due).is_some_and(|(cure, due)| cure.is_open(due, zone));
        Stop { sla, cure, zone, waits }
    };
    let pickup = stop(facts.pickup_due_by(), facts.pickup_zone.or(facts.delivery_zone));
    let delivery = stop(facts.delivery_due_by(), facts.delivery_zone.or(facts.pickup_zone));
    let mut owed = Owed::default();
    let dated = |flags| facts.date_only.0 & flags != 0;
    let later = facts.out_for_delivery_at.or(facts.arrived_at).or(facts.delivered_at).is_some();
    let pickup_due =
        verdicts.pickup_window != Outcome::NotApplicable || verdicts.pickup_day != Outcome::NotApplicable;
    let pickup_decided = decided(verdicts.pickup_window) || decided(verdicts.pickup_day) || later;
    if pickup_due && pickup_decided && !dated(DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP) {
        match profile {
            StatusProfile::Truckload => {
                owed.message(facts.pickup_arrived_at, facts.pickup_arrived_received_at, pickup);
                owed.milestone(facts.picked_up_at.is_some(), pickup);
            }
            StatusProfile::LessThanTruckload => owed.milestone(facts.picked_up_at.is_some(), pickup),
            StatusProfile::LastMile => {}
        }
    }
    let delivery_decided = decided(verdicts.delivery_window) || decided(verdicts.delivery_day);
    if !delivery_decided || dated(DateOnly::ARRIVED | DateOnly::DELIVERED) {
        return owed;
    }
    let arrival = (facts.arrived_at, facts.arrived_received_at);
    let completion = (facts.delivered_at, facts.delivered_received_at);
    match profile {
        StatusProfile::Truckload => {
            owed.message(arrival.0, arrival.1, delivery);
            owed.message(completion.0, completion.1, delivery);
        }
        StatusProfile::LessThanTruckload => {
            owed.milestone(facts.out_for_delivery_at.is_some(), delivery);
            let (event, received) = if arrival.0.is_some() { arrival } else { completion };
            owed.message(event, received, delivery);
        }
        StatusProfile::LastMile => {
            owed.milestone(facts.out_for_delivery_at.is_some(), delivery);
            owed.message(completion.0, completion.1, delivery);
        }
    }
    owed
}

/// Whether the obligation was due and is settled.
fn decided(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::NotApplicable | Outcome::Pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    fn verdicts(pickup: Outcome, delivery: Outcome) -> Verdicts {
        Verdicts {
            pickup_window: pickup,
            pickup_day: pickup,
            delivery_day: delivery,
            delivery_window: delivery,
            quality: None,
            settles_at: None,
        }
    }

    #[test]
    fn a_truckload_owes_four_messages_once_it_is_decided() {
        let facts = Milestones {
            pickup_arrived_at: at("2025-06-02T08:00:00Z"),
            pickup_arrived_received_at: at("2025-06-02T08:30:00Z"),
            arrived_at: at("2025-06-03T10:00:00Z"),
            arrived_received_at: at("2025-06-03T12:00:00Z"),
            ..Milestones::default()
        };
        let all = verdicts(Outcome::Success, Outcome::Late);
        let counted = owed(&facts, &all, StatusProfile::Truckload, (60, None));
        assert_eq!(counted, Owed { required: 4, received: 2, reportable: 3, timely: 1 });
        assert_eq!(owed(&facts, &all, StatusProfile::LastMile, (60, None)).required, 2);
    }

    #[test]
    fn what_is_not_decided_owes_nothing_until_a_later_milestone_came() {
        let pending = verdicts(Outcome::Pending, Outcome::Pending);
        assert_eq!(
            owed(&Milestones::default(), &pending, StatusProfile::Truckload, (60, None)),
            Owed::default()
        );
        let left = Milestones { out_for_delivery_at: at("2025-06-03T06:00:00Z"), ..Milestones::default() };
        assert_eq!(owed(&left, &pending, StatusProfile::Truckload, (60, None)).required, 2);
    }

    /// Due Tuesday 3 June at noon; two business days to put it right end on Thursday at noon.
    #[test]
    fn a_message_put_right_is_timely_and_a_missing_one_waits() {
        let facts = Milestones {
            delivery_zone: Some(Tz::UTC),
            delivery_window_end: at("2025-06-03T12:00:00Z"),
            arrived_at: at("2025-06-03T10:00:00Z"),
            arrived_received_at: at("2025-06-05T11:00:00Z"),
            ..Milestones::default()
        };
        let none = verdicts(Outcome::NotApplicable, Outcome::Success);
        let counted = |as_of: &str, days: Option<u16>| {
            let cure = days.map(|business_days| Cure { business_days, as_of: at(as_of).unwrap() });
            let owed = owed(&facts, &none, StatusProfile::Truckload, (60, cure));
            (owed.received, owed.required, owed.timely, owed.reportable)
        };
        assert_eq!(counted("2025-06-05T11:59:59Z", None), (1, 2, 0, 2));
        assert_eq!(counted("2025-06-05T11:59:59Z", Some(2)), (1, 1, 1, 1), "the completion can still come");
        assert_eq!(counted("2025-06-05T12:00:00Z", Some(2)), (1, 2, 1, 2));
        assert_eq!(counted("2025-06-05T12:00:00Z", Some(1)), (1, 2, 0, 2), "too late to be put right");
    }

    #[test]
    fn a_date_is_no_message() {
        let facts = Milestones {
            delivered_at: at("2025-06-03T23:59:59Z"),
            date_only: DateOnly(DateOnly::DELIVERED),
            ..Milestones::default()
        };
        let all = verdicts(Outcome::NotApplicable, Outcome::Success);
        assert_eq!(owed(&facts, &all, StatusProfile::Truckload, (60, None)), Owed::default());
    }

    #[test]
    fn modes_are_read_whatever_their_case() {
        assert_eq!(StatusProfile::of_mode("ltl"), StatusProfile::LessThanTruckload);
        assert_eq!(StatusProfile::of_mode("Parcel"), StatusProfile::LastMile);
        assert_eq!(StatusProfile::of_mode("Ocean"), StatusProfile::Truckload);
    }
}
