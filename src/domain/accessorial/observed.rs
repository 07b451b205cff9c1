//! What a shipment's own times and attempts report, without anybody sending an event of it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::charge::{AccessorialEvent, EventMeasure, Stay};
use super::{AccessorialRate, AccessorialTrigger, AccessorialUnit, Evidence};

/// Detention while loading: the stay at the pickup.
pub const LOADING: &str = "DTL";
/// Detention while unloading: the stay at the delivery.
pub const UNLOADING: &str = "DTU";
/// Redelivery: another attempt after one that failed.
pub const REDELIVERY: &str = "RCL";
/// Longest stay that counts as a vehicle that waits. A longer one is a trailer that was dropped, or a wrong time, and is
/// charged only when it is reported as an event.
pub const STAY_HOURS_MAX: i64 = 24;

/// One stay at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedStay {
    /// Its times.
    pub stay: Stay,
    /// Local day of the arrival.
    pub day: NaiveDate,
}

/// What a shipment's own facts say happened at its stops.
///
/// It is charged only where the contract has a rate for it: detention by the hour ([`LOADING`] for the pickup,
/// [`UNLOADING`] for the delivery), redelivery by the occurrence ([`REDELIVERY`]). Where somebody reported an event of that
/// code, the event is taken and this is not. Times that were reported prove in and out times and nothing else; nobody
/// authorised or warned, so a rate that asks for either withholds the charge and says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observed {
    /// The stay at the pickup.
    pub loading: Option<ObservedStay>,
    /// The stay at the delivery.
    pub unloading: Option<ObservedStay>,
    /// It was brought again after an attempt that failed by others than the carrier.
    pub redelivered: bool,
}

impl Observed {
    /// Whether the facts say nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.loading.is_none() && self.unloading.is_none() && !self.redelivered
    }

    /// Whether a rate is of a kind that the facts of a shipment can report.
    #[must_use]
    pub fn reports(rate: &AccessorialRate) -> bool {
        let unit = match rate.code.as_str() {
            LOADING | UNLOADING => AccessorialUnit::PerHour,
            REDELIVERY => AccessorialUnit::PerOccurrence,
            _ => return false,
        };
        rate.unit == unit && rate.rules.trigger == AccessorialTrigger::OnEvent
    }

    /// The event to charge by a rate; none when the facts say nothing of it, or `reported` has one of that code.
    #[must_use]
    pub fn event(&self, rate: &AccessorialRate, reported: &[AccessorialEvent]) -> Option<AccessorialEvent> {
        if !Self::reports(rate) || reported.iter().any(|event| event.code == rate.code) {
            return None;
        }
        let (stop, seen) = match rate.code.as_str() {
            LOADING => (0, Some(self.loading?)),
            UNLOADING => (1, Some(self.unloading?)),
            _ => (1, None),
        };
        if seen.is_none() && !self.redelivered {
            return None;
        }
        Some(AccessorialEvent {
            code: rate.code.clone(),
            stop,
            day: seen.map(|seen| seen.day),
            measure: seen.map_or(EventMeasure::Once, |seen| EventMeasure::Stay(seen.stay)),
            proven: seen.is_some() && rate.rules.evidence == Evidence::Times,
            ..AccessorialEvent::default()
        })
    }
}
