//! What the engine needs to know about a shipment.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::claim::Claimed;
use super::{RatingDate, WeightUnit};
use crate::domain::accessorial::charge::AccessorialEvent;
use crate::domain::accessorial::observed::Observed;
use crate::domain::geo::Place;
use crate::domain::money::Micros;
use crate::domain::quantity::{ChargeUnit, DistanceUnit, LengthUnit};

/// Articles, pieces, counts, flags and events one request may have, each.
pub const PARTS_MAX: usize = 10_000;

/// Goods of one freight class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// Freight class.
    pub class: String,
    /// Their weight, in the request's unit.
    pub weight: Micros,
}

/// Equal pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// How many.
    pub count: u32,
    /// Weight of one, in the request's unit; only where pieces are weighed one by one.
    #[serde(default)]
    pub weight: Option<Micros>,
    /// Length, width and height of one, in the request's unit; none when not measured.
    #[serde(default)]
    pub sides: Option<[Micros; 3]>,
    /// Whether something can stand on top, so that it takes no loading metres of its own.
    #[serde(default)]
    pub stackable: bool,
}

/// So many of a unit: pallets, hours, loading metres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitCount {
    /// The unit.
    pub unit: ChargeUnit,
    /// How many.
    pub count: Micros,
}

/// A shipment to rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RatingRequest {
    /// What people call it.
    pub reference: String,
    /// Day of the order.
    pub ordered: Option<NaiveDate>,
    /// Pickup, local at the origin: actual, or planned for a quote.
    pub pickup: Option<NaiveDateTime>,
    /// Delivery, local at the destination.
    pub delivery: Option<NaiveDateTime>,
    /// Day of the invoice.
    pub invoiced: Option<NaiveDate>,
    /// Where it starts; shared by the shipments of a lane.
    #[serde(with = "shared")]
    pub origin: Arc<Place>,
    /// Where it goes.
    #[serde(with = "shared")]
    pub destination: Arc<Place>,
    /// Equipment.
    pub equipment: String,
    /// Service level.
    pub service: String,
    /// Freight class of the whole shipment, where no articles are listed.
    pub class: String,
    /// Rate zone, where it is known.
    pub zone: String,
    /// Actual weight; the sum of articles or pieces when none.
    pub weight: Option<Micros>,
    /// Unit of every weight.
    pub weight_unit: WeightUnit,
    /// Measured distance.
    pub distance: Option<Micros>,
    /// Its unit.
    pub distance_unit: DistanceUnit,
    /// Unit of every side.
    pub length_unit: LengthUnit,
    /// Goods by class.
    pub articles: Vec<Article>,
    /// Pieces by size.
    pub pieces: Vec<Piece>,
    /// Volume of everything, in cubic metres, where pieces have no sides.
    pub volume_m3: Option<Micros>,
    /// Other counts.
    pub units: Vec<UnitCount>,
    /// Value of the goods, in the contract's currency.
    pub value: Option<Micros>,
    /// What it is flagged with: `hazmat`, `residential`.
    pub flags: Vec<String>,
    /// What happened and may be charged.
    pub events: Vec<AccessorialEvent>,
    /// What its own times and attempts say beside that.
    pub observed: Observed,
}

/// A shared place is written as the place it is.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::domain::geo::Place;

    pub fn serialize<S: Serializer>(place: &Arc<Place>, to: S) -> Result<S::Ok, S::Error> {
        place.as_ref().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Place>, D::Error> {
        Place::deserialize(from).map(Arc::new)
    }
}

impl Default for RatingRequest {
    fn default() -> Self {
        Self {
            reference: String::new(),
            ordered: None,
            pickup: None,
            delivery: None,
            invoiced: None,
            origin: Arc::default(),
            destination: Arc::default(),
            equipment: String::new(),
            service: String::new(),
            class: String::new(),
            zone: String::new(),
            weight: None,
            weight_unit: WeightUnit::Lb,
            distance: None,
            distance_unit: DistanceUnit::Mi,
            length_unit: LengthUnit::In,
            articles: Vec::new(),
            pieces: Vec::new(),
            volume_m3: None,
            units: Vec::new(),
            value: None,
            flags: Vec::new(),
            events: Vec::new(),
            observed: Observed::default(),
        }
    }
}

impl RatingRequest {
    /// The day that decides, by the contract's choice.
    #[must_use]
    pub fn day(&self, which: RatingDate) -> Option<NaiveDate> {
        match which {
            RatingDate::Pickup => self.pickup.map(|at| at.date()),
            RatingDate::Ordered => self.ordered,
            RatingDate::Delivery => self.delivery.map(|at| at.date()),
            RatingDate::Invoice => self.invoiced,
        }
    }

    /// What decides whose it is, where several contracts are in force together.
    #[must_use]
    pub fn claimed(&self) -> Claimed<'_> {
        Claimed {
            origin: &self.origin,
            destination: &self.destination,
            equipment: &self.equipment,
            service: &self.service,
        }
    }

    /// Whether the lists are short enough to be true.
    #[must_use]
    pub fn within_limits(&self) -> bool {
        let lengths =
            [self.articles.len(), self.pieces.len(), self.units.len(), self.flags.len(), self.events.len()];
        lengths.into_iter().all(|length| length <= PARTS_MAX)
    }

    /// Pieces in all; 1 when none are listed.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        if self.pieces.is_empty() {
            return 1;
        }
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.count))
    }

    /// The count of a unit; pieces count themselves.
    #[must_use]
    pub fn count_of(&self, unit: ChargeUnit) -> Option<Micros> {
        let listed = self.units.iter().find(|u| u.unit == unit).map(|u| u.count);
        listed.or_else(|| {
            let pieces = i64::from(self.piece_count());
            (unit == ChargeUnit::Piece && !self.pieces.is_empty()).then_some(Micros(pieces * 1_000_000))
        })
    }
}
