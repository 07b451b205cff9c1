//! What feeds say of deliveries beyond the wide row: a row beside the shipment, stored as the shipments are.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

use super::conn::Db;
use super::fact::rows_of_shipments;
use super::fold::ShipmentKey;
use super::schema::shipment_quality;
use super::types::{Day, Instant};
use crate::bulk_insert;
use crate::domain::viewer::Viewer;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = shipment_quality, treat_none_as_default_value = false)]
pub struct QualityRow {
    /// The day its shipment is stored under.
    pub obligation_day: Day,
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Handling units that arrived.
    pub pieces_delivered: Option<i64>,
    /// What arrived.
    pub condition: Option<String>,
    /// The carrier owes a receipt.
    pub receipt_expected: bool,
    /// When the proof of delivery came.
    pub pod_received_at: Option<Instant>,
    /// The proof can be used.
    pub pod_clean: Option<bool>,
    /// The invoice was right the first time.
    pub invoice_right: Option<bool>,
    /// The carrier owes a notice when it will be late.
    pub notice_expected: bool,
    /// When a delay was announced.
    pub delay_noticed_at: Option<Instant>,
    /// Transit standard in business days.
    pub transit_standard_days: Option<i32>,
    /// Emissions in grams of CO2e.
    pub co2e_g: Option<i64>,
    /// Distance of the emissions in metres.
    pub emission_distance_m: Option<i64>,
    /// Where the emissions come from.
    pub emission_data: Option<String>,
    /// Status messages received.
    pub statuses: Option<i64>,
    /// Refused ones among them.
    pub statuses_refused: Option<i64>,
    /// Corrected ones among them.
    pub statuses_corrected: Option<i64>,
    /// Day of the invoice, where it was paid.
    pub invoiced_day: Option<Day>,
    /// Day on which it was paid.
    pub paid_day: Option<Day>,
}

/// Rows of one day by partner and shipment.
pub type QualityOfDay = HashMap<(i64, i64), QualityRow>;

/// Stores rows.
///
/// # Errors
/// The engine's reason.
pub fn quality_insert(db: &mut Db, rows: &[QualityRow]) -> QueryResult<usize> {
    bulk_insert!(db, shipment_quality::table, rows)
}

/// Removes the row of a shipment, if it has one: its facts are about to be replaced.
///
/// # Errors
/// The engine's reason.
pub fn quality_delete(db: &mut Db, day: Day, partner_id: i64, shipment_id: i64) -> QueryResult<()> {
    diesel::delete(shipment_quality::table.find((day, partner_id, shipment_id))).execute(db)?;
    Ok(())
}

/// Whether any shipment has a row: where none has, nobody needs to look for one.
///
/// # Errors
/// The engine's reason.
pub fn any_quality(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> =
        shipment_quality::table.select(shipment_quality::shipment_id).first(db).optional()?;
    Ok(any.is_some())
}

/// The rows of some partners and one day.
///
/// # Errors
/// The engine's reason.
pub fn quality_of_day(db: &mut Db, day: NaiveDate, partners: &[i64]) -> QueryResult<QualityOfDay> {
    let rows: Vec<QualityRow> = shipment_quality::table
        .filter(shipment_quality::obligation_day.eq(Day(day)))
        .filter(shipment_quality::partner_id.eq_any(partners))
        .select(QualityRow::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(|row| ((row.partner_id, row.shipment_id), row)).collect())
}

/// Which of some shipments of a partner have their proof of delivery.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// The engine's reason.
pub fn proofs_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> QueryResult<HashSet<ShipmentKey>> {
    let rows = rows_of_shipments!(
        db, partner_id, keys,
        shipment_quality.shipment_id.filter(shipment_quality::pod_received_at.is_not_null())
        => (shipment_quality::obligation_day, shipment_quality::partner_id, shipment_quality::shipment_id)
        => ShipmentKey
    );
    Ok(rows.into_iter().collect())
}

/// The row of one shipment; none when it has none or the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn quality_of(
    db: &mut Db,
    viewer: &Viewer,
    (day, partner_id, shipment_id): (Day, i64, i64),
) -> QueryResult<Option<QualityRow>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    shipment_quality::table
        .find((day, partner_id, shipment_id))
        .select(QualityRow::as_select())
        .first(db)
        .optional()
}
