//! Accessorial events of shipments: what happened and may be charged, as feeds report it.
//!
//! The code stays as the feed writes it. What it means is asked when it is read ([`CodeBook::event_code`]), so that a
//! decision about a code holds for events as it does for charges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::charge_code::decided_codes;
use super::conn::Db;
use super::dialect::among::among;
use super::fact::fact_replace;
use super::schema::{accessorial_event_versions, accessorial_events, shipments};
use super::shipment::StaleCell;
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::bulk_insert;
use crate::domain::accessorial::charge::{AccessorialEvent, EventMeasure, Stay};
use crate::domain::charge_code::{CodeBook, normal_code};
use crate::domain::currency::BadCurrency;
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = accessorial_events, treat_none_as_default_value = false)]
pub struct AccessorialEventRow {
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// The feed's own id of the event.
    pub reference: String,
    /// Fingerprint of the imported row.
    pub fact_hash: i64,
    /// 1 for the first facts, one more for every change.
    pub version: i32,
    /// The import that brought these facts.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
    /// Charge code as the feed writes it.
    pub code: String,
    /// Which stop, counted from 0.
    pub stop: i32,
    /// Local day, for caps a day.
    pub event_day: Option<Day>,
    /// `ONCE`, `QUANTITY`, `MINUTES`, `STAY` or `COST`.
    pub measure: String,
    /// How many of `unit`.
    pub quantity_micros: Option<i64>,
    /// What the quantity counts; that of the rate when none is given.
    pub unit: Option<String>,
    /// Minutes on the clock.
    pub minutes: Option<i64>,
    /// What it cost.
    pub cost_micros: Option<i64>,
    /// Currency of the cost.
    pub currency: Option<String>,
    /// The vehicle arrived.
    pub arrived_at: Option<Instant>,
    /// Start of the appointment.
    pub appointment_start: Option<Instant>,
    /// End of the appointment.
    pub appointment_end: Option<Instant>,
    /// The carrier said that it is ready.
    pub notified_at: Option<Instant>,
    /// Work started.
    pub work_started_at: Option<Instant>,
    /// Work and paperwork were complete.
    pub departed_at: Option<Instant>,
    /// The shipper agreed before it happened.
    pub authorised: bool,
    /// The carrier warned that the charge begins.
    pub notified: bool,
    /// The proof is there.
    pub proven: bool,
    /// The feed took it back: it did not happen, and is not charged.
    pub withdrawn: bool,
}

impl AccessorialEventRow {
    /// The event as the engine takes it, under the code it is charged by.
    fn event(&self, code: String) -> Result<AccessorialEvent, DbError> {
        let stored = |reason: String| DbError::Stored {
            what: format!("accessorial event {} of partner {}", self.reference, self.partner_id),
            reason,
        };
        let at = |at: Option<Instant>| at.map(|at| at.0);
        let measure = match self.measure.as_str() {
            "ONCE" => Some(EventMeasure::Once),
            "QUANTITY" => self.quantity_micros.map(|count| EventMeasure::Quantity(Micros(count))),
            "MINUTES" => {
                let minutes = self.minutes.and_then(|minutes| u32::try_from(minutes).ok());
                minutes.map(EventMeasure::Minutes)
            }
            "COST" => self.cost_micros.map(|cost| EventMeasure::Cost(Micros(cost))),
            "STAY" => at(self.arrived_at).zip(at(self.departed_at)).map(|(arrived, departed)| {
                EventMeasure::Stay(Stay {
                    arrived,
                    appointment: at(self.appointment_start),
                    appointment_end: at(self.appointment_end),
                    notified: at(self.notified_at),
                    work_started: at(self.work_started_at),
                    departed,
                })
            }),
            _ => None,
        };
        let unit = self.unit.as_deref().map(str::parse).transpose();
        let currency = self.currency.as_deref().map(str::parse).transpose();
        Ok(AccessorialEvent {
            code,
            stop: u16::try_from(self.stop).map_err(|error| stored(error.to_string()))?,
            day: self.event_day.map(|day| day.0),
            measure: measure
                .ok_or_else(|| stored(format!("its measure `{}` lacks its amount", self.measure)))?,
            unit: unit.map_err(|error: BadCode| stored(error.to_string()))?,
            currency: currency.map_err(|error: BadCurrency| stored(error.to_string()))?,
            authorised: self.authorised,
            notified: self.notified,
            proven: self.proven,
        })
    }
}

/// A stored event with what it comes to be charged as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedEvent {
    /// As stored.
    pub row: AccessorialEventRow,
    /// As the engine takes it; none where its code means no accessorial, or its feed withdrew it.
    pub event: Option<AccessorialEvent>,
}

/// What was decided about the codes of some partners. Codes of their contracts mean themselves, so they need no look-up.
fn decided(db: &mut Db, partners: &[i64]) -> Result<BTreeMap<i64, CodeBook>, DbError> {
    let only = if let [one] = partners { Some(*one) } else { None };
    let found = decided_codes(db, &Viewer::system(), only)?;
    Ok(found.into_iter().map(|(partner_id, codes)| (partner_id, CodeBook::new(codes, []))).collect())
}

/// Events by partner and shipment.
pub type EventsOfDay = HashMap<(i64, i64), Vec<AccessorialEvent>>;

/// The events of the shipments of some partners due on a day, as the engine takes them, without withdrawn ones. One look where none of the
/// partners has any event, one query more where one has, and one for the meaning of codes where the day has any.
///
/// Unscoped: whoever reads the shipments names the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, or the engine's reason.
pub fn events_of_day_unscoped(db: &mut Db, partners: &[i64], day: NaiveDate) -> Result<EventsOfDay, DbError> {
    let any: Option<i64> = accessorial_events::table
        .filter(accessorial_events::partner_id.eq_any(partners))
        .select(accessorial_events::id)
        .first(db)
        .optional()?;
    let mut found = EventsOfDay::new();
    if any.is_none() {
        return Ok(found);
    }
    let rows: Vec<AccessorialEventRow> = shipments::table
        .inner_join(
            accessorial_events::table.on(accessorial_events::partner_id
                .eq(shipments::partner_id)
                .and(accessorial_events::shipment_id.eq(shipments::id))),
        )
        .filter(shipments::obligation_day.eq(Day(day)))
        .filter(shipments::partner_id.eq_any(partners))
        .filter(accessorial_events::withdrawn.eq(false))
        .order((shipments::partner_id, shipments::id, accessorial_events::id))
        .select(AccessorialEventRow::as_select())
        .load(db)?;
    found.extend(by_shipment(db, partners, rows)?);
    Ok(found)
}

/// The events of some shipments of a partner, as [`events_of_day_unscoped`] gives them.
///
/// Unscoped: whoever reads the shipments names the partner they may read.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, or the engine's reason.
pub fn events_of_shipments_unscoped(
    db: &mut Db,
    partner_id: i64,
    ids: &[i64],
) -> Result<EventsOfDay, DbError> {
    let mut rows = Vec::new();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let found: Vec<AccessorialEventRow> = accessorial_events::table
            .filter(accessorial_events::partner_id.eq(partner_id))
            .filter(among(accessorial_events::shipment_id, chunk.to_vec()))
            .filter(accessorial_events::withdrawn.eq(false))
            .order((accessorial_events::shipment_id, accessorial_events::id))
            .select(AccessorialEventRow::as_select())
            .load(db)?;
        rows.extend(found);
    }
    by_shipment(db, &[partner_id], rows)
}

/// Sorts events by shipment, under the codes they are charged by.
fn by_shipment(
    db: &mut Db,
    partners: &[i64],
    rows: Vec<AccessorialEventRow>,
) -> Result<EventsOfDay, DbError> {
    let mut found = EventsOfDay::new();
    if rows.is_empty() {
        return Ok(found);
    }
    let (books, none) = (decided(db, partners)?, CodeBook::default());
    for row in rows {
        let code = books.get(&row.partner_id).unwrap_or(&none).event_code(&row.code);
        if let Some(code) = code {
            found.entry((row.partner_id, row.shipment_id)).or_default().push(row.event(code)?);
        }
    }
    Ok(found)
}

/// The events of a shipment in order of arrival; none when the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, or the engine's reason.
pub fn event_list(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> Result<Vec<ReportedEvent>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<AccessorialEventRow> = accessorial_events::table
        .filter(accessorial_events::partner_id.eq(partner_id))
        .filter(accessorial_events::shipment_id.eq(shipment_id))
        .order(accessorial_events::id)
        .select(AccessorialEventRow::as_select())
        .load(db)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let book = decided(db, &[partner_id])?.remove(&partner_id).unwrap_or_default();
    rows.into_iter()
        .map(|row| {
            let code = if row.withdrawn { None } else { book.event_code(&row.code) };
            let event = code.map(|code| row.event(code)).transpose()?;
            Ok(ReportedEvent { row, event })
        })
        .collect()
}

/// One event by its natural key.
///
/// # Errors
/// The engine's reason.
pub fn event_by_key(
    db: &mut Db,
    partner_id: i64,
    source_id: i32,
    reference: &str,
) -> QueryResult<Option<AccessorialEventRow>> {
    accessorial_events::table
        .filter(accessorial_events::partner_id.eq(partner_id))
        .filter(accessorial_events::source_id.eq(source_id))
        .filter(accessorial_events::reference.eq(reference))
        .select(AccessorialEventRow::as_select())
        .first(db)
        .optional()
}

/// Adds events.
///
/// # Errors
/// The engine's reason.
pub fn events_insert(db: &mut Db, rows: &[AccessorialEventRow]) -> QueryResult<usize> {
    bulk_insert!(db, accessorial_events::table, rows)
}

/// Puts a new version of an event in place of the old one, which goes into the history.
///
/// # Errors
/// The engine's reason.
pub fn event_replace(
    db: &mut Db,
    old: &AccessorialEventRow,
    new: &AccessorialEventRow,
    at: DateTime<Utc>,
    fact: &str,
) -> QueryResult<()> {
    fact_replace!(db, accessorial_events.shipment_id, accessorial_event_versions.event_id, old => new, at, fact)
}

/// The cells with shipments that have an event of a code, however it is spelt: those a decision about it can change.
///
/// # Errors
/// The engine's reason.
pub fn cells_by_event_code(db: &mut Db, partner_id: i64, alias: &str) -> QueryResult<BTreeSet<StaleCell>> {
    let codes: Vec<String> = accessorial_events::table
        .filter(accessorial_events::partner_id.eq(partner_id))
        .select(accessorial_events::code)
        .distinct()
        .load(db)?;
    let spelt: Vec<String> = codes.into_iter().filter(|code| normal_code(code) == alias).collect();
    if spelt.is_empty() {
        return Ok(BTreeSet::new());
    }
    let days: Vec<Day> = accessorial_events::table
        .inner_join(
            shipments::table.on(shipments::partner_id
                .eq(accessorial_events::partner_id)
                .and(shipments::id.eq(accessorial_events::shipment_id))),
        )
        .filter(accessorial_events::partner_id.eq(partner_id))
        .filter(accessorial_events::code.eq_any(spelt))
        .select(shipments::obligation_day)
        .distinct()
        .load(db)?;
    Ok(days.into_iter().map(|day| StaleCell { partner_id, day: day.0 }).collect())
}
