//! Expected charges: what a price depends on of each shipment, the results as stored, and the versions by which they
//! were made.

pub mod batch;

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use hashbrown::HashMap as FastMap;

use super::accessorial::{EventsOfDay, events_of_day_unscoped};
use super::conn::Db;
use super::dimension::zones_by_id;
use super::fact::fold_day;
use super::fold::ShipmentKey;
use super::particulars::{ParticularsOfDay, particulars_of_day_unscoped};
use super::schema::{
    contract_versions, expected_charges, expected_versions, lanes, measure_cells, rate_lines, shipments,
};
use super::shipment::{Source, StaleCell, partner_filter};
use super::types::{Day, Instant, sql as sql_types};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::domain::accessorial::charge::AccessorialEvent;
use crate::domain::attention::UnratedFacts;
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::expected::affected::Range;
use crate::domain::expected::{Consignment, Expected, LaneFacts, Parts, Span};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::rate::Particulars;
use crate::domain::shipment::{DateOnly, Milestones};
use crate::domain::viewer::Viewer;
use crate::{bulk_insert, on_engine};

/// Rows in memory at once.
const CHUNK_ROWS: i64 = 20_000;

/// The columns of a shipment that its price depends on.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shipments)]
#[expect(missing_docs, reason = "the columns are documented on ShipmentRow")]
pub struct ConsignmentRow {
    pub partner_id: i64,
    pub id: i64,
    pub obligation_day: Day,
    pub reference: String,
    pub lane_id: Option<i64>,
    pub service: String,
    pub region: String,
    pub equipment: String,
    pub pickup_zone_id: Option<i32>,
    pub delivery_zone_id: Option<i32>,
    pub pickup_window_start: Option<Instant>,
    pub pickup_window_end: Option<Instant>,
    pub pickup_due_day: Option<Day>,
    pub delivery_window_start: Option<Instant>,
    pub delivery_window_end: Option<Instant>,
    pub delivery_due_day: Option<Day>,
    pub date_only: i32,
    pub pickup_arrived_at: Option<Instant>,
    pub picked_up_at: Option<Instant>,
    pub arrived_at: Option<Instant>,
    pub delivered_at: Option<Instant>,
    pub cancelled_at: Option<Instant>,
    pub pieces: Option<i64>,
    pub weight_g: Option<i64>,
    pub distance_m: Option<i64>,
    pub attempts: Option<i32>,
    pub first_attempt: Option<String>,
}

/// The columns that a price depends on which asks for no time after the pickup.
#[derive(Queryable, Selectable)]
#[diesel(table_name = shipments)]
struct BriefRow {
    id: i64,
    lane_id: Option<i64>,
    service: String,
    region: String,
    equipment: String,
    pickup_zone_id: Option<i32>,
    delivery_zone_id: Option<i32>,
    pickup_window_start: Option<Instant>,
    pickup_window_end: Option<Instant>,
    pickup_due_day: Option<Day>,
    pickup_arrived_at: Option<Instant>,
    picked_up_at: Option<Instant>,
    cancelled_at: Option<Instant>,
    pieces: Option<i64>,
    weight_g: Option<i64>,
    distance_m: Option<i64>,
}

/// The columns of its lane.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = lanes)]
struct LanePart {
    id: i64,
    code: String,
    origin: String,
    destination: String,
    origin_region: String,
    region: String,
    distance_m: Option<i64>,
}

/// What the zones and lanes of shipments are looked up in: zones read at once, lanes when one first comes up. As they
/// were then, so one serves one run. Threads may share it; where each shipment costs little, each has one of its own, since
/// counting who holds a lane makes two cores wait for each other.
#[derive(Debug)]
pub struct Atlas {
    zones: FastMap<i32, Tz>,
    lanes: RwLock<FastMap<i64, Arc<LaneFacts>>>,
}

impl Atlas {
    /// Reads the zones.
    ///
    /// # Errors
    /// The database's reason.
    pub fn read(db: &mut Db) -> Result<Self, DbError> {
        Ok(Self { zones: zones_by_id(db)?.into_iter().collect(), lanes: RwLock::default() })
    }

    /// One lane; one without code where there is none.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn lane(&self, db: &mut Db, id: i64) -> QueryResult<Arc<LaneFacts>> {
        self.learn(db, BTreeSet::from([id]))?;
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        Ok(lanes.get(&id).cloned().unwrap_or_default())
    }

    /// Hands on the shipments of some rows, in their order.
    fn place<E: From<diesel::result::Error>>(
        &self,
        db: &mut Db,
        rows: &mut Vec<ConsignmentRow>,
        (events, particulars): (&mut EventsOfDay, &mut ParticularsOfDay),
        mut each: impl FnMut(StoredConsignment) -> Result<(), E>,
    ) -> Result<(), E> {
        self.learn(db, rows.iter().filter_map(|row| row.lane_id).collect())?;
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        for row in rows.drain(..) {
            let lane = row.lane_id.and_then(|id| lanes.get(&id)).cloned().unwrap_or_default();
            let key = (row.partner_id, row.id);
            let own = events.remove(&key).unwrap_or_default();
            let particulars = particulars.remove(&key).map(Box::new);
            each(row.read(lane, &self.zones, own, particulars))?;
        }
        Ok(())
    }

    /// Reads those of the lanes that have not come up yet.
    fn learn(&self, db: &mut Db, mut ids: BTreeSet<i64>) -> QueryResult<()> {
        let known = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        ids.retain(|id| !known.contains_key(id));
        drop(known);
        let ids: Vec<i64> = ids.into_iter().collect();
        for ids in ids.chunks(KEYS_PER_STATEMENT) {
            let found: Vec<LanePart> =
                lanes::table.filter(lanes::id.eq_any(ids)).select(LanePart::as_select()).load(db)?;
            let mut lanes = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
            lanes.extend(found.into_iter().map(|lane| (lane.id, Arc::new(lane.read()))));
        }
        Ok(())
    }
}

impl LanePart {
    fn read(self) -> LaneFacts {
        let (origin, destination) =
            ((&*self.origin, &*self.origin_region), (&*self.destination, &*self.region));
        LaneFacts::new((self.id, self.code), origin, destination, self.distance_m)
    }
}

/// A shipment as the engine needs it, where it is stored, and its lane.
#[derive(Clone, Debug)]
pub struct StoredConsignment {
    /// Where the shipment is stored.
    pub key: ShipmentKey,
    /// Its lane; one without code where it has none.
    pub lane: Arc<LaneFacts>,
    /// What a price may depend on.
    pub facts: Consignment,
}

impl ConsignmentRow {
    fn read(
        self,
        lane: Arc<LaneFacts>,
        zones: &FastMap<i32, Tz>,
        events: Vec<AccessorialEvent>,
        particulars: Option<Box<Particulars>>,
    ) -> StoredConsignment {
        let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
        let at = |at: Option<Instant>| at.map(|at| at.0);
        let day = |day: Option<Day>| day.map(|day| day.0);
        let milestones = Milestones {
            pickup_zone: zone(self.pickup_zone_id),
            delivery_zone: zone(self.delivery_zone_id),
            pickup_window_start: at(self.pickup_window_start),
            pickup_window_end: at(self.pickup_window_end),
            pickup_due_day: day(self.pickup_due_day),
            delivery_window_start: at(self.delivery_window_start),
            delivery_window_end: at(self.delivery_window_end),
            delivery_due_day: day(self.delivery_due_day),
            pickup_arrived_at: at(self.pickup_arrived_at),
            picked_up_at: at(self.picked_up_at),
            arrived_at: at(self.arrived_at),
            delivered_at: at(self.delivered_at),
            cancelled_at: at(self.cancelled_at),
            date_only: DateOnly(self.date_only),
            ..Milestones::default()
        };
        StoredConsignment {
            key: (self.obligation_day, self.partner_id, self.id),
            facts: Consignment {
                reference: self.reference,
                obligation_day: self.obligation_day.0,
                milestones,
                origin: Arc::clone(&lane.origin),
                destination: lane.destination_in(&self.region),
                service: self.service,
                equipment: self.equipment,
                pieces: self.pieces,
                weight_g: self.weight_g,
                distance_m: self.distance_m.or(lane.distance_m),
                attempts: self.attempts,
                first_attempt: self.first_attempt,
                particulars,
                events,
            },
            lane,
        }
    }
}

impl BriefRow {
    fn read(
        self,
        (obligation_day, partner_id): (NaiveDate, i64),
        lane: &Arc<LaneFacts>,
        zones: &FastMap<i32, Tz>,
        (events, particulars): (&mut EventsOfDay, &mut ParticularsOfDay),
    ) -> StoredConsignment {
        let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
        let at = |at: Option<Instant>| at.map(|at| at.0);
        let key = (partner_id, self.id);
        // Most days have none, and a look-up in each of a million rows adds up.
        let events = if events.is_empty() { Vec::new() } else { events.remove(&key).unwrap_or_default() };
        let particulars = if particulars.is_empty() { None } else { particulars.remove(&key).map(Box::new) };
        StoredConsignment {
            key: (Day(obligation_day), partner_id, self.id),
            facts: Consignment {
                reference: String::new(),
                obligation_day,
                milestones: Milestones {
                    pickup_zone: zone(self.pickup_zone_id),
                    delivery_zone: zone(self.delivery_zone_id),
                    pickup_window_start: at(self.pickup_window_start),
                    pickup_window_end: at(self.pickup_window_end),
                    pickup_due_day: self.pickup_due_day.map(|day| day.0),
                    pickup_arrived_at: at(self.pickup_arrived_at),
                    picked_up_at: at(self.picked_up_at),
                    cancelled_at: at(self.cancelled_at),
                    ..Milestones::default()
                },
                origin: Arc::clone(&lane.origin),
                destination: lane.destination_in(&self.region),
                service: self.service,
                equipment: self.equipment,
                pieces: self.pieces,
                weight_g: self.weight_g,
                distance_m: self.distance_m.or(lane.distance_m),
                attempts: None,
                first_attempt: None,
                particulars,
                events,
            },
            lane: Arc::clone(lane),
        }
    }
}

/// Reads the shipments of a partner due on a day without reference and without the times after the pickup, for prices that
/// ask for none of them. In no order, so that a row is handed on as it is read.
///
/// Unscoped: the backtest names the partner it may read.
///
/// # Errors
/// As [`consignments_fold_unscoped`].
pub fn consignments_brief_unscoped<E: From<DbError> + From<diesel::result::Error>>(
    db: &mut Db,
    atlas: &Atlas,
    partner_id: i64,
    day: NaiveDate,
    mut each: impl FnMut(StoredConsignment) -> Result<(), E>,
) -> Result<(), E> {
    let mut events = events_of_day_unscoped(db, &[partner_id], day)?;
    let mut said = particulars_of_day_unscoped(db, &[partner_id], day)?;
    let none = Arc::new(LaneFacts::default());
    // Rows whose lane first comes up: it is read when the connection is free again.
    let mut waiting: Vec<BriefRow> = Vec::new();
    on_engine!(db, |conn| {
        let rows = shipments::table
            .filter(shipments::obligation_day.eq(Day(day)))
            .filter(shipments::partner_id.eq(partner_id))
            .select(BriefRow::as_select())
            .load_iter::<BriefRow, DefaultLoadingMode>(conn)?;
        let lanes = atlas.lanes.read().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let row: BriefRow = row?;
            match row.lane_id.map(|id| lanes.get(&id)) {
                Some(None) => waiting.push(row),
                lane => {
                    let lane = lane.flatten().unwrap_or(&none);
                    each(row.read((day, partner_id), lane, &atlas.zones, (&mut events, &mut said)))?;
                }
            }
        }
    });
    if waiting.is_empty() {
        return Ok(());
    }
    atlas.learn(db, waiting.iter().filter_map(|row| row.lane_id).collect())?;
    let lanes = atlas.lanes.read().unwrap_or_else(PoisonError::into_inner);
    for row in waiting {
        let lane = row.lane_id.and_then(|id| lanes.get(&id)).unwrap_or(&none);
        each(row.read((day, partner_id), lane, &atlas.zones, (&mut events, &mut said)))?;
    }
    Ok(())
}

/// Reads the shipments of some partners due on a day as the engine needs them, chunk by chunk, in key order.
///
/// Unscoped: the refresh and the backtest name the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, the engine's reason, or what `each` returns.
pub fn consignments_fold_unscoped<E: From<DbError> + From<diesel::result::Error>>(
    db: &mut Db,
    atlas: &Atlas,
    partners: &[i64],
    day: NaiveDate,
    mut each: impl FnMut(StoredConsignment) -> Result<(), E>,
) -> Result<(), E> {
    let mut events = events_of_day_unscoped(db, partners, day)?;
    let mut said = particulars_of_day_unscoped(db, partners, day)?;
    let mut rows = Vec::new();
    fold_day!(
        db, shipments.obligation_day = day, partners, CHUNK_ROWS,
        shipments::table => ConsignmentRow::as_select() => ConsignmentRow,
        |row: &ConsignmentRow| (row.partner_id, row.id),
        |row: ConsignmentRow| { rows.push(row); Ok::<_, E>(()) },
        atlas.place(db, &mut rows, (&mut events, &mut said), &mut each)?
    )
}

/// One shipment as the engine needs it; none when there is none or the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, or the engine's reason.
pub fn consignment_show(
    db: &mut Db,
    viewer: &Viewer,
    key: ShipmentKey,
) -> Result<Option<StoredConsignment>, DbError> {
    if !viewer.sees(key.1) {
        return Ok(None);
    }
    let atlas = Atlas::read(db)?;
    Ok(batch::consignments_unscoped(db, &atlas, key.1, &[key])?.pop())
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = expected_charges)]
#[diesel(treat_none_as_default_value = false)]
struct ExpectedRow {
    obligation_day: Day,
    partner_id: i64,
    shipment_id: i64,
    contract_version_id: i64,
    rating_day: Day,
    pickup_day: Option<Day>,
    status: String,
    reason: Option<String>,
    currency: String,
    base_micros: Option<i64>,
    fuel_micros: Option<i64>,
    accessorial_micros: Option<i64>,
    tax_micros: Option<i64>,
    total_micros: Option<i64>,
    fuel_published_on: Option<Day>,
    known_at: Instant,
    lines: String,
}

/// An expected charge as stored, with the moment whose prices it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredExpected {
    /// Where the shipment is stored.
    pub key: ShipmentKey,
    /// What it should cost.
    pub expected: Expected,
    /// Prices as known then give these digits again.
    pub known_at: DateTime<Utc>,
}

impl ExpectedRow {
    fn of(key: ShipmentKey, expected: &Expected, known_at: DateTime<Utc>) -> Result<Self, DbError> {
        let parts = expected.parts;
        let amount = |part: fn(Parts) -> Micros| parts.map(|parts| part(parts).0);
        Ok(Self {
            obligation_day: key.0,
            partner_id: key.1,
            shipment_id: key.2,
            contract_version_id: expected.version_id,
            rating_day: Day(expected.rating_day),
            pickup_day: expected.pickup_day.map(Day),
            status: expected.status.code().to_owned(),
            reason: expected.reason.clone(),
            currency: expected.currency.code().to_owned(),
            base_micros: amount(|parts| parts.base),
            fuel_micros: amount(|parts| parts.fuel),
            accessorial_micros: amount(|parts| parts.accessorial),
            tax_micros: amount(|parts| parts.tax),
            total_micros: amount(Parts::total),
            fuel_published_on: expected.fuel_published_on.map(Day),
            known_at: Instant(known_at),
            lines: serde_json::to_string(&expected.lines).map_err(|error| stored(key, error))?,
        })
    }

    fn read(self) -> Result<StoredExpected, DbError> {
        let key = (self.obligation_day, self.partner_id, self.shipment_id);
        let parts = match (self.base_micros, self.fuel_micros, self.accessorial_micros, self.tax_micros) {
            (Some(base), Some(fuel), Some(accessorial), Some(tax)) => Some(Parts {
                base: Micros(base),
                fuel: Micros(fuel),
                accessorial: Micros(accessorial),
                tax: Micros(tax),
            }),
            _ => None,
        };
        if parts.map(|parts| parts.total().0) != self.total_micros {
            return Err(stored(key, "its parts do not sum to its total"));
        }
        Ok(StoredExpected {
            key,
            known_at: self.known_at.0,
            expected: Expected {
                version_id: self.contract_version_id,
                rating_day: self.rating_day.0,
                pickup_day: self.pickup_day.map(|day| day.0),
                status: self.status.parse().map_err(|error: BadCode| stored(key, error))?,
                reason: self.reason,
                currency: self.currency.parse().map_err(|error: BadCurrency| stored(key, error))?,
                parts,
                fuel_published_on: self.fuel_published_on.map(|day| day.0),
                lines: serde_json::from_str(&self.lines).map_err(|error| stored(key, error))?,
            },
        })
    }
}

fn stored(key: ShipmentKey, reason: impl std::fmt::Display) -> DbError {
    DbError::Stored {
        what: format!("the expected charge of shipment {} of partner {}, {}", key.2, key.1, key.0),
        reason: reason.to_string(),
    }
}

/// The stored expected charges of some partners on a day, by partner and shipment.
///
/// Unscoped: the refresh and `verify` name the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn expected_of_day_unscoped(
    db: &mut Db,
    partners: &[i64],
    day: NaiveDate,
) -> Result<BTreeMap<(i64, i64), StoredExpected>, DbError> {
    let rows: Vec<ExpectedRow> = expected_charges::table
        .filter(expected_charges::obligation_day.eq(Day(day)))
        .filter(expected_charges::partner_id.eq_any(partners))
        .select(ExpectedRow::as_select())
        .load(db)?;
    rows.into_iter().map(|row| row.read().map(|stored| ((stored.key.1, stored.key.2), stored))).collect()
}

/// The days that have expected charges, the newest first.
///
/// # Errors
/// The engine's reason.
pub fn expected_days(db: &mut Db, limit: i64) -> QueryResult<Vec<(NaiveDate, i64)>> {
    let days: Vec<(Day, i64)> = expected_charges::table
        .group_by((expected_charges::obligation_day, expected_charges::partner_id))
        .select((expected_charges::obligation_day, expected_charges::partner_id))
        .order((expected_charges::obligation_day.desc(), expected_charges::partner_id.asc()))
        .limit(limit)
        .load(db)?;
    Ok(days.into_iter().map(|(day, partner)| (day.0, partner)).collect())
}

/// How many expected charges are stored.
///
/// # Errors
/// The engine's reason.
pub fn expected_count(db: &mut Db) -> QueryResult<i64> {
    expected_charges::table.count().get_result(db)
}

/// The expected charge of one shipment; none when there is none or the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn expected_show(
    db: &mut Db,
    viewer: &Viewer,
    key: ShipmentKey,
) -> Result<Option<StoredExpected>, DbError> {
    if !viewer.sees(key.1) {
        return Ok(None);
    }
    Ok(batch::expected_unscoped(db, key.1, &[key])?.remove(&key))
}

/// The amounts of some shipments of a partner that are priced; nothing when the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn expected_parts(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<HashMap<i64, (Parts, Currency)>, DbError> {
    let mut found = HashMap::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    for stored in batch::expected_unscoped(db, partner_id, keys)?.into_values() {
        found.extend(stored.expected.parts.map(|parts| (stored.key.2, (parts, stored.expected.currency))));
    }
    Ok(found)
}

/// Takes out the expected charges of some shipments of one day and puts others in. Both engines load the new ones in
/// bulk, since a first refresh brings one for every shipment.
///
/// # Errors
/// The engine's reason.
pub fn expected_replace(
    db: &mut Db,
    gone: &[ShipmentKey],
    new: &[(ShipmentKey, Expected)],
    known_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut cells: BTreeMap<(Day, i64), Vec<i64>> = BTreeMap::new();
    for &(day, partner_id, id) in gone {
        cells.entry((day, partner_id)).or_default().push(id);
    }
    for ((day, partner_id), ids) in cells {
        for chunk in ids.chunks(KEYS_PER_STATEMENT) {
            diesel::delete(
                expected_charges::table
                    .filter(expected_charges::obligation_day.eq(day))
                    .filter(expected_charges::partner_id.eq(partner_id))
                    .filter(expected_charges::shipment_id.eq_any(chunk)),
            )
            .execute(db)?;
        }
    }
    let rows: Vec<ExpectedRow> = new
        .iter()
        .map(|(key, expected)| ExpectedRow::of(*key, expected, known_at))
        .collect::<Result<_, _>>()?;
    bulk_insert!(db, expected_charges::table, rows.as_slice())?;
    Ok(())
}

/// Which day of a priced shipment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricedDay {
    /// Of its pickup, which decides the fuel price.
    Pickup,
    /// That decides the rate, and with it the exchange rate.
    Rating,
}

/// The cells with shipments that a version prices and whose day is in a range: those a price of that range can
/// change. Walks an index, so it costs what it finds.
///
/// # Errors
/// The engine's reason.
pub fn cells_by_day(
    db: &mut Db,
    (partner_id, version_id): (i64, i64),
    which: PricedDay,
    (from, until): Range,
) -> QueryResult<BTreeSet<StaleCell>> {
    use expected_charges::{pickup_day, rating_day};

    let mut query = expected_charges::table
        .filter(expected_charges::partner_id.eq(partner_id))
        .filter(expected_charges::contract_version_id.eq(version_id))
        .select(expected_charges::obligation_day)
        .distinct()
        .into_boxed();
    let (from, until) = (Day(from), until.map(Day));
    query = match which {
        PricedDay::Pickup => query.filter(pickup_day.ge(from)),
        PricedDay::Rating => query.filter(rating_day.ge(from)),
    };
    if let Some(until) = until {
        query = match which {
            PricedDay::Pickup => query.filter(pickup_day.lt(until)),
            PricedDay::Rating => query.filter(rating_day.lt(until)),
        };
    }
    Ok(cells_of(partner_id, query.load(db)?))
}

/// The cells of some partners with shipments on one of the lanes: those a corrected lane can change.
///
/// # Errors
/// The engine's reason.
pub fn cells_by_lane(db: &mut Db, partners: &[i64], lane_ids: &[i64]) -> QueryResult<BTreeSet<StaleCell>> {
    let rows: Vec<(i64, Day)> = shipments::table
        .filter(shipments::partner_id.eq_any(partners))
        .filter(shipments::lane_id.eq_any(lane_ids))
        .select((shipments::partner_id, shipments::obligation_day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

fn cells_of(partner_id: i64, days: Vec<Day>) -> BTreeSet<StaleCell> {
    days.into_iter().map(|day| StaleCell { partner_id, day: day.0 }).collect()
}

/// The days of a partner whose shipments the sums count; others wait for a refresh anyway.
///
/// # Errors
/// The engine's reason.
pub fn counted_days(db: &mut Db, partner_id: i64) -> QueryResult<Vec<NaiveDate>> {
    let days: Vec<Day> = measure_cells::table
        .filter(measure_cells::source.eq(Source::Shipments.code()))
        .filter(measure_cells::partner_id.eq(partner_id))
        .select(measure_cells::source_day)
        .distinct()
        .order(measure_cells::source_day)
        .load(db)?;
    Ok(days.into_iter().map(|day| day.0).collect())
}

/// Every version that has rate lines, with its partner, drafts included.
///
/// Unscoped: the refresh asks for all partners.
///
/// # Errors
/// The engine's reason.
pub fn versions_with_rates_unscoped(db: &mut Db) -> QueryResult<BTreeSet<(i64, i64)>> {
    let rows: Vec<(i64, i64)> = rate_lines::table
        .select((rate_lines::partner_id, rate_lines::contract_version_id))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// The versions by which expected charges are made, by partner.
pub type Spans = BTreeMap<i64, Vec<Span>>;

/// The versions by which the stored expected charges were made.
///
/// Unscoped: the refresh asks for all partners.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn expected_spans_unscoped(db: &mut Db) -> Result<Spans, DbError> {
    let rows: Vec<(i64, i64, i64, Day, Option<Day>, String)> = expected_versions::table
        .inner_join(
            contract_versions::table.on(contract_versions::id.eq(expected_versions::contract_version_id)),
        )
        .order((
            expected_versions::partner_id,
            expected_versions::valid_from,
            expected_versions::contract_version_id,
        ))
        .select((
            expected_versions::partner_id,
            expected_versions::contract_version_id,
            contract_versions::contract_id,
            expected_versions::valid_from,
            expected_versions::valid_to,
            expected_versions::rating_date,
        ))
        .load(db)?;
    let mut spans = Spans::new();
    for (partner_id, version_id, contract_id, from, until, which) in rows {
        let which = which.parse().map_err(|error: BadCode| DbError::Stored {
            what: format!("the rating date of contract version {version_id}"),
            reason: error.to_string(),
        })?;
        let span = Span { version_id, contract_id, from: from.0, until: until.map(|day| day.0), which };
        spans.entry(partner_id).or_default().push(span);
    }
    Ok(spans)
}

#[derive(Insertable)]
#[diesel(table_name = expected_versions, treat_none_as_default_value = false)]
struct SpanRow {
    partner_id: i64,
    contract_version_id: i64,
    valid_from: Day,
    valid_to: Option<Day>,
    rating_date: &'static str,
}

/// Writes the versions by which a partner's expected charges are made from now on.
///
/// # Errors
/// The engine's reason.
pub fn expected_spans_replace(db: &mut Db, partner_id: i64, spans: &[Span]) -> QueryResult<()> {
    diesel::delete(expected_versions::table.filter(expected_versions::partner_id.eq(partner_id)))
        .execute(db)?;
    let rows: Vec<SpanRow> = spans
        .iter()
        .map(|span| SpanRow {
            partner_id,
            contract_version_id: span.version_id,
            valid_from: Day(span.from),
            valid_to: span.until.map(Day),
            rating_date: span.which.code(),
        })
        .collect();
    bulk_insert!(db, expected_versions::table, rows.as_slice())?;
    Ok(())
}

/// Takes out every expected charge of a partner whose versions price nothing any more; says on which days.
///
/// # Errors
/// The engine's reason.
pub fn expected_delete(db: &mut Db, partner_id: i64) -> QueryResult<BTreeSet<StaleCell>> {
    let days: Vec<Day> = expected_charges::table
        .filter(expected_charges::partner_id.eq(partner_id))
        .select(expected_charges::obligation_day)
        .distinct()
        .load(db)?;
    diesel::delete(expected_charges::table.filter(expected_charges::partner_id.eq(partner_id)))
        .execute(db)?;
    Ok(cells_of(partner_id, days))
}

/// How many shipments of some versions are RATED, UNRATED or NOT_APPLICABLE, and why not; the most first.
///
/// # Errors
/// The engine's reason.
pub fn expected_reasons(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    version_ids: &[i64],
) -> QueryResult<Vec<(String, Option<String>, i64)>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let mut rows: Vec<(String, Option<String>, i64)> = expected_charges::table
        .filter(expected_charges::partner_id.eq(partner_id))
        .filter(expected_charges::contract_version_id.eq_any(version_ids))
        .group_by((expected_charges::status, expected_charges::reason))
        .select((expected_charges::status, expected_charges::reason, count_star()))
        .load(db)?;
    rows.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
    Ok(rows)
}

/// What the contracts that the viewer may see could not price of what was due from `since` on: contract and reason with its
/// shipments, the most first.
///
/// # Errors
/// The engine's reason.
pub fn unrated_list(db: &mut Db, viewer: &Viewer, since: NaiveDate) -> QueryResult<Vec<(i64, UnratedFacts)>> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let billed = "CAST(SUM(CASE WHEN shipments.currency = expected_charges.currency \
                  THEN shipments.freight_micros END) AS BIGINT)";
    let mut query = expected_charges::table
        .inner_join(
            shipments::table.on(shipments::obligation_day
                .eq(expected_charges::obligation_day)
                .and(shipments::partner_id.eq(expected_charges::partner_id))
                .and(shipments::id.eq(expected_charges::shipment_id))),
        )
        // Written out, so that SQLite sees the part of the table that its index covers.
        .filter(sql::<Bool>("expected_charges.status = 'UNRATED'"))
        .filter(expected_charges::obligation_day.ge(Day(since)))
        .group_by((expected_charges::contract_version_id, expected_charges::reason))
        .select((
            expected_charges::contract_version_id,
            expected_charges::reason,
            count_star(),
            sql::<sql_types::Day>("MIN(expected_charges.obligation_day)"),
            sql::<sql_types::Day>("MAX(expected_charges.obligation_day)"),
            sql::<Nullable<BigInt>>(billed),
        ))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(expected_charges::partner_id.eq(partner_id));
    }
    type Row = (i64, Option<String>, i64, Day, Day, Option<i64>);
    let rows: Vec<Row> = query.load(db)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let contracts: BTreeMap<i64, i64> = contract_versions::table
        .filter(contract_versions::id.eq_any(ids))
        .select((contract_versions::id, contract_versions::contract_id))
        .load::<(i64, i64)>(db)?
        .into_iter()
        .collect();
    // Two versions of one contract can lack the same thing.
    let mut merged: BTreeMap<(i64, String), UnratedFacts> = BTreeMap::new();
    for (version_id, reason, shipments, first, last, billed) in rows {
        let Some(contract_id) = contracts.get(&version_id) else { continue };
        let reason = reason.unwrap_or_default();
        let billed = billed.map(|billed| Micros(billed).decimal());
        let new = UnratedFacts { reason: reason.clone(), shipments, first: first.0, last: last.0, billed };
        match merged.entry((*contract_id, reason)) {
            Entry::Vacant(free) => {
                free.insert(new);
            }
            Entry::Occupied(mut taken) => taken.get_mut().add(&new),
        }
    }
    let mut found: Vec<(i64, UnratedFacts)> =
        merged.into_iter().map(|((contract_id, _), fact)| (contract_id, fact)).collect();
    found.sort_by(|(a, one), (b, other)| {
        (a, Reverse(one.shipments), &one.reason).cmp(&(b, Reverse(other.shipments), &other.reason))
    });
    Ok(found)
}

/// The feed and reference of the newest shipment of some versions without a price for that reason: one to look at.
///
/// # Errors
/// The engine's reason.
pub fn unrated_example(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    version_ids: &[i64],
    reason: &str,
) -> QueryResult<Option<(i32, String)>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let key: Option<(Day, i64)> = expected_charges::table
        .filter(expected_charges::partner_id.eq(partner_id))
        .filter(expected_charges::contract_version_id.eq_any(version_ids))
        .filter(expected_charges::status.eq("UNRATED"))
        .filter(expected_charges::reason.eq(reason))
        .order((expected_charges::obligation_day.desc(), expected_charges::shipment_id.desc()))
        .select((expected_charges::obligation_day, expected_charges::shipment_id))
        .first(db)
        .optional()?;
    let Some((day, id)) = key else { return Ok(None) };
    shipments::table
        .find((day, partner_id, id))
        .select((shipments::source_id, shipments::reference))
        .first(db)
        .optional()
}
