//! Status messages a carrier owes for a shipment, by mode, and which of them came (DOMAIN §1.5 C).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
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

impl Owed {
    fn milestone(&mut self, reported: bool) {
        self.required += 1;
        self.received += i64::from(reported);
    }

    fn message(&mut self, event: Option<DateTime<Utc>>, received: Option<DateTime<Utc>>, sla: TimeDelta) {
        self.milestone(event.is_some());
        self.reportable += 1;
        let timely = event.zip(received).is_some_and(|(event, at)| at.signed_duration_since(event) <= sla);
        self.timely += i64::from(timely);
    }
}

/// Counts the milestones a shipment owes by now: those of a stop that is decided, or after which a later one was reported.
///
/// A stop reported by date only is no message and owes none; nor does a stop that is not due.
#[must_use]
pub fn owed(facts: &Milestones, verdicts: &Verdicts, profile: StatusProfile, sla_minutes: i32) -> Owed {
    let sla = TimeDelta::minutes(i64::from(sla_minutes));
    let mut owed = Owed::default();
    let dated = |flags| facts.date_only.0 & flags != 0;
    let later = facts.out_for_delivery_at.or(facts.arrived_at).or(facts.delivered_at).is_some();
    let pickup_due =
        verdicts.pickup_window != Outcome::NotApplicable || verdicts.pickup_day != Outcome::NotApplicable;
    let pickup_decided = decided(verdicts.pickup_window) || decided(verdicts.pickup_day) || later;
    if pickup_due && pickup_decided && !dated(DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP) {
        match profile {
            StatusProfile::Truckload => {
                owed.message(facts.pickup_arrived_at, facts.pickup_arrived_received_at, sla);
                owed.milestone(facts.picked_up_at.is_some());
            }
            StatusProfile::LessThanTruckload => owed.milestone(facts.picked_up_at.is_some()),
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
            owed.message(arrival.0, arrival.1, sla);
            owed.message(completion.0, completion.1, sla);
        }
        StatusProfile::LessThanTruckload => {
            owed.milestone(facts.out_for_delivery_at.is_some());
            let (event, received) = if arrival.0.is_some() { arrival } else { completion };
            owed.message(event, received, sla);
        }
        StatusProfile::LastMile => {
            owed.milestone(facts.out_for_delivery_at.is_some());
            owed.message(completion.0, completion.1, sla);
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
        let counted = owed(&facts, &all, StatusProfile::Truckload, 60);
        assert_eq!(counted, Owed { required: 4, received: 2, reportable: 3, timely: 1 });
        assert_eq!(owed(&facts, &all, StatusProfile::LastMile, 60).required, 2);
    }

    #[test]
    fn what_is_not_decided_owes_nothing_until_a_later_milestone_came() {
        let pending = verdicts(Outcome::Pending, Outcome::Pending);
        assert_eq!(owed(&Milestones::default(), &pending, StatusProfile::Truckload, 60), Owed::default());
        let left = Milestones { out_for_delivery_at: at("2025-06-03T06:00:00Z"), ..Milestones::default() };
        assert_eq!(owed(&left, &pending, StatusProfile::Truckload, 60).required, 2);
    }

    #[test]
    fn a_date_is_no_message() {
        let facts = Milestones {
            delivered_at: at("2025-06-03T23:59:59Z"),
            date_only: DateOnly(DateOnly::DELIVERED),
            ..Milestones::default()
        };
        let all = verdicts(Outcome::NotApplicable, Outcome::Success);
        assert_eq!(owed(&facts, &all, StatusProfile::Truckload, 60), Owed::default());
    }

    #[test]
    fn modes_are_read_whatever_their_case() {
        assert_eq!(StatusProfile::of_mode("ltl"), StatusProfile::LessThanTruckload);
        assert_eq!(StatusProfile::of_mode("Parcel"), StatusProfile::LastMile);
        assert_eq!(StatusProfile::of_mode("Ocean"), StatusProfile::Truckload);
    }
}
