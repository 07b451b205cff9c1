//! From a stored shipment to a request for the rating engine.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::accessorial::charge::{AccessorialEvent, Stay};
use crate::domain::accessorial::observed::{Observed, ObservedStay, STAY_HOURS_MAX};
use crate::domain::geo::{GeoSelector, Place};
use crate::domain::money::Micros;
use crate::domain::quantity::{DistanceUnit, WeightUnit};
use crate::domain::rate::{Particulars, RatingRequest};
use crate::domain::shipment::{DateOnly, Milestones};

/// Millionths of a kilogram in a gram, and of a kilometre in a metre.
const MICROS_PER_THOUSANDTH: i64 = 1_000;

/// What is stored of a shipment, as far as a price may depend on it.
#[derive(Clone, Debug, Default)]
pub struct Consignment {
    /// What people call it.
    pub reference: String,
    /// The day its obligation counts for.
    pub obligation_day: NaiveDate,
    /// Commitments and events.
    pub milestones: Milestones,
    /// Where it starts.
    pub origin: Arc<Place>,
    /// Where it goes.
    pub destination: Arc<Place>,
    /// Service level.
    pub service: String,
    /// Equipment.
    pub equipment: String,
    /// Handling units.
    pub pieces: Option<i64>,
    /// Actual weight in grams.
    pub weight_g: Option<i64>,
    /// Distance in metres: the shipment's own, else its lane's.
    pub distance_m: Option<i64>,
    /// Delivery attempts made.
    pub attempts: Option<i32>,
    /// How the first one ended, a word of the feed's list.
    pub first_attempt: Option<String>,
    /// What else its feed says that a price may depend on; nothing where it says nothing.
    pub particulars: Option<Box<Particulars>>,
    /// What was reported to have happened and may be charged.
    pub events: Vec<AccessorialEvent>,
}

/// What the lane of a shipment says about its price: read once, shared by its shipments.
#[derive(Clone, Debug, Default)]
pub struct LaneFacts {
    /// Its id; 0 where there is none.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Where it starts.
    pub origin: Arc<Place>,
    /// Where it ends.
    pub destination: Arc<Place>,
    /// The name of that place.
    destination_name: String,
    /// Distance in metres, for shipments that do not say their own.
    pub distance_m: Option<i64>,
}

impl LaneFacts {
    /// From its id and code and the names of the two places, each with its region.
    #[must_use]
    pub fn new(
        (id, code): (i64, String),
        origin: (&str, &str),
        destination: (&str, &str),
        distance_m: Option<i64>,
    ) -> Self {
        Self {
            id,
            code,
            origin: Arc::new(place(origin.0, origin.1)),
            destination: Arc::new(place(destination.0, destination.1)),
            destination_name: destination.0.to_owned(),
            distance_m,
        }
    }

    /// Where a shipment goes that names its own `region`, or none.
    #[must_use]
    pub fn destination_in(&self, region: &str) -> Arc<Place> {
        if region.is_empty() || region == self.destination.zone {
            return Arc::clone(&self.destination);
        }
        Arc::new(place(&self.destination_name, region))
    }
}

/// Ends of a first attempt that are not the carrier's doing; of one that merely failed nobody says whose it was, so it is
/// the carrier's until it is reported otherwise (DOMAIN §1.2).
const NOT_BY_CARRIER: [&str; 2] = ["REFUSED", "ADDRESS_ERROR"];

/// What the name of a place says about it.
///
/// The text of a lane selector (`zip:US/75001`, `city:US-TX-Dallas`, `US-TX`) is that place. Any other name is the
/// name of a facility or port, and a postcode where it is all digits. The region is a zone.
#[must_use]
pub fn place(name: &str, region: &str) -> Place {
    let name = name.trim();
    let mut place = Place { zone: region.trim().to_owned(), ..Place::default() };
    match name.parse::<GeoSelector>() {
        Ok(GeoSelector::Facility(facility)) => place.facility = facility,
        Ok(GeoSelector::Port(port)) => place.port = port,
        Ok(GeoSelector::Postcode(country, code) | GeoSelector::Area(country, code)) => {
            place.postcode = code;
            place.country = country.unwrap_or_default();
        }
        Ok(GeoSelector::City(country, state, city)) => {
            (place.country, place.state, place.city) = (country, state, city);
        }
        Ok(GeoSelector::State(country, state)) => (place.country, place.state) = (country, state),
        Ok(GeoSelector::Zone(zone)) => place.zone = zone,
        Ok(GeoSelector::Country(country)) => place.country = country,
        Ok(GeoSelector::Any) => {}
        Err(_) => {
            name.clone_into(&mut place.facility);
            name.clone_into(&mut place.port);
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
                name.clone_into(&mut place.postcode);
            }
        }
    }
    place
}

impl Consignment {
    /// The request the engine prices. Weight in kilograms, distance in kilometres; the engine converts them to the
    /// units of the tariff.
    #[must_use]
    pub fn request(&self) -> RatingRequest {
        self.clone().into_request()
    }

    /// The same, of one that is needed no more.
    #[must_use]
    pub fn into_request(self) -> RatingRequest {
        let scaled = |thousandths: i64| Micros(thousandths.saturating_mul(MICROS_PER_THOUSANDTH));
        let pieces = self.pieces.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        let request = RatingRequest {
            pickup: self.pickup(),
            delivery: self.delivery(),
            observed: self.observed(),
            reference: self.reference,
            origin: self.origin,
            destination: self.destination,
            equipment: self.equipment,
            service: self.service,
            weight: self.weight_g.map(scaled),
            weight_unit: WeightUnit::Kg,
            distance: self.distance_m.map(scaled),
            distance_unit: DistanceUnit::Km,
            events: self.events,
            ..RatingRequest::default()
        };
        self.particulars.map(|said| *said).unwrap_or_default().onto(request, pieces)
    }

    /// What the shipment's own facts report beside its events (DOMAIN §3.9):
    ///
    /// - the stay at the pickup, from `pickup_arrived_at` to `picked_up_at`, and at the delivery, from `arrived_at` to
    ///   `delivered_at`, each with the committed window as its appointment. Nothing where one of the two is missing or a
    ///   date only, where they are out of order or more than [`STAY_HOURS_MAX`] apart, or where the shipment was
    ///   cancelled; and no stay at the delivery where more than one attempt was made, since the arrival may be that of
    ///   another one;
    /// - a redelivery where more than one attempt was made and the first was refused or had a wrong address.
    #[must_use]
    pub fn observed(&self) -> Observed {
        let times = &self.milestones;
        if times.cancelled_at.is_some() {
            return Observed::default();
        }
        let again = self.attempts.is_some_and(|attempts| attempts > 1);
        let stay = |flags: i32,
                    times: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
                    window,
                    zone: Option<Tz>| {
            let (arrived, departed) = (times.0?, times.1?);
            let (appointment, appointment_end) = window;
            let long = departed - arrived > TimeDelta::hours(STAY_HOURS_MAX);
            if self.milestones.date_only.0 & flags != 0 || departed <= arrived || long {
                return None;
            }
            let day = arrived.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
            let stay =
                Stay { arrived, appointment, appointment_end, notified: None, work_started: None, departed };
            Some(ObservedStay { stay, day })
        };
        let loading = stay(
            DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP,
            (times.pickup_arrived_at, times.picked_up_at),
            (times.pickup_window_start, times.pickup_window_end),
            times.pickup_zone.or(times.delivery_zone),
        );
        let unloading = stay(
            DateOnly::ARRIVED | DateOnly::DELIVERED,
            (times.arrived_at, times.delivered_at),
            (times.delivery_window_start, times.delivery_window_end),
            times.delivery_zone.or(times.pickup_zone),
        );
        Observed {
            loading,
            unloading: unloading.filter(|_| !again),
            redelivered: again
                && self.first_attempt.as_deref().is_some_and(|end| NOT_BY_CARRIER.contains(&end)),
        }
    }

    /// Pickup, local at the origin: as it happened, else as it is planned.
    fn pickup(&self) -> Option<NaiveDateTime> {
        let times = &self.milestones;
        let zone = times.pickup_zone.or(times.delivery_zone).unwrap_or(Tz::UTC);
        let planned_day = || times.pickup_due_day.map(|day| day.and_time(NaiveTime::MIN));
        local(times.picked_up_at.or(times.pickup_arrived_at), zone)
            .or_else(planned_day)
            .or_else(|| local(times.pickup_window_start.or(times.pickup_window_end), zone))
    }

    /// Delivery, local at the destination: as it happened, else as it is planned.
    fn delivery(&self) -> Option<NaiveDateTime> {
        let times = &self.milestones;
        let zone = times.delivery_zone.or(times.pickup_zone).unwrap_or(Tz::UTC);
        let planned_day = || times.delivery_due_day.map(|day| day.and_time(NaiveTime::MIN));
        local(times.delivered_at.or(times.arrived_at), zone)
            .or_else(planned_day)
            .or_else(|| local(times.delivery_window_end.or(times.delivery_window_start), zone))
    }
}

fn local(at: Option<DateTime<Utc>>, zone: Tz) -> Option<NaiveDateTime> {
    at.map(|at| at.with_timezone(&zone).naive_local())
}
