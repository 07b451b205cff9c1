//! What belongs to a shipment and is many: events and charges.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::conn::Db;
use super::fact::fact_replace;
use super::schema::{charge_versions, charges, shipment_events, shipments};
use super::shipment::ShipmentRow;
use super::types::{Day, Instant};
use crate::bulk_insert;

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = shipment_events, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// What happened.
    pub kind: String,
    /// When.
    pub event_at: Instant,
    /// When it was reported, if known.
    pub received_at: Option<Instant>,
    /// Given as a date only.
    pub date_only: bool,
    /// Who reported it.
    pub reporter: String,
    /// Reason given: a proposal.
    pub reason: Option<String>,
    /// The import that brought it.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
}

/// A stored charge.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = charges, treat_none_as_default_value = false)]
pub struct ChargeRow {
    /// Who charges it.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// The feed's own id of the line.
    pub reference: String,
    /// Fingerprint of the imported row.
    pub fact_hash: i64,
    /// 1 for the first facts, one more for every change.
    pub version: i32,
    /// The import that brought these facts.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
    /// Charge code.
    pub code: String,
    /// LINEHAUL, FUEL, ACCESSORIAL or TAX.
    pub category: String,
    /// Amount charged.
    pub amount_micros: i64,
    /// Amount by the contract.
    pub rated_micros: Option<i64>,
    /// Its currency.
    pub currency: String,
    /// Day of the charge.
    pub charged_day: Option<Day>,
}

/// Every event of a shipment, in order of arrival.
///
/// # Errors
/// The engine's reason.
pub fn events_of(db: &mut Db, partner_id: i64, shipment_id: i64) -> QueryResult<Vec<EventRow>> {
    shipment_events::table
        .filter(shipment_events::partner_id.eq(partner_id))
        .filter(shipment_events::shipment_id.eq(shipment_id))
        .order(shipment_events::id)
        .select(EventRow::as_select())
        .load(db)
}

/// Every charge of a shipment, in order of arrival.
///
/// # Errors
/// The engine's reason.
pub fn charges_of(db: &mut Db, partner_id: i64, shipment_id: i64) -> QueryResult<Vec<ChargeRow>> {
    charges::table
        .filter(charges::partner_id.eq(partner_id))
        .filter(charges::shipment_id.eq(shipment_id))
        .order(charges::id)
        .select(ChargeRow::as_select())
        .load(db)
}

/// One charge by its natural key.
///
/// # Errors
/// The engine's reason.
pub fn charge_by_key(
    db: &mut Db,
    partner_id: i64,
    source_id: i32,
    reference: &str,
) -> QueryResult<Option<ChargeRow>> {
    charges::table
        .filter(charges::partner_id.eq(partner_id))
        .filter(charges::source_id.eq(source_id))
        .filter(charges::reference.eq(reference))
        .select(ChargeRow::as_select())
        .first(db)
        .optional()
}

/// Puts a new version of a charge in place of the old one, which goes into the history.
///
/// # Errors
/// The engine's reason.
pub fn charge_replace(
    db: &mut Db,
    old: &ChargeRow,
    new: &ChargeRow,
    at: DateTime<Utc>,
    fact: &str,
) -> QueryResult<()> {
    fact_replace!(db, charges.shipment_id, charge_versions.charge_id, old => new, at, fact)
}

/// Writes the columns that events and charges decide back to the shipment.
///
/// # Errors
/// The engine's reason.
pub fn shipment_winners_write(db: &mut Db, row: &ShipmentRow) -> QueryResult<()> {
    diesel::update(
        shipments::table
            .filter(shipments::obligation_day.eq(row.obligation_day))
            .filter(shipments::partner_id.eq(row.partner_id))
            .filter(shipments::id.eq(row.id)),
    )
    .set((
        shipments::date_only.eq(row.date_only),
        shipments::pickup_arrived_at.eq(row.pickup_arrived_at),
        shipments::pickup_arrived_received_at.eq(row.pickup_arrived_received_at),
        shipments::picked_up_at.eq(row.picked_up_at),
        shipments::arrived_at.eq(row.arrived_at),
        shipments::arrived_received_at.eq(row.arrived_received_at),
        shipments::delivered_at.eq(row.delivered_at),
        shipments::delivered_received_at.eq(row.delivered_received_at),
        shipments::station_arrived_at.eq(row.station_arrived_at),
        shipments::out_for_delivery_at.eq(row.out_for_delivery_at),
        shipments::disposition.eq(&row.disposition),
        shipments::diverted_by.eq(&row.diverted_by),
        shipments::currency.eq(&row.currency),
        shipments::linehaul_micros.eq(row.linehaul_micros),
        shipments::fuel_micros.eq(row.fuel_micros),
        shipments::accessorial_micros.eq(row.accessorial_micros),
        shipments::freight_micros.eq(row.freight_micros),
        shipments::rated_micros.eq(row.rated_micros),
    ))
    .execute(db)?;
    Ok(())
}

/// Adds charges.
///
/// # Errors
/// The engine's reason.
pub fn charges_insert(db: &mut Db, rows: &[ChargeRow]) -> QueryResult<usize> {
    bulk_insert!(db, charges::table, rows)
}

/// Adds an event.
///
/// # Errors
/// The engine's reason.
pub fn event_insert(db: &mut Db, event: &EventRow) -> QueryResult<()> {
    diesel::insert_into(shipment_events::table).values(event).execute(db).map(drop)
}
