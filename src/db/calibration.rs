//! What calibration reads: shipments of a day with their lane, amounts, charge lines and expected charge.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::expected::{StoredExpected, expected_of_day_unscoped};
use super::schema::{charges, lanes, shipments, sources};
use super::types::Day;
use crate::domain::viewer::Viewer;

/// What was billed for one shipment, as stored.
#[derive(Clone, Debug, Queryable)]
pub struct BilledShipment {
    /// Row id.
    pub id: i64,
    /// Code of its feed.
    pub source: String,
    /// What people call it.
    pub reference: String,
    /// Code of its lane; none without one.
    pub lane: Option<String>,
    /// Currency of the amounts.
    pub currency: Option<String>,
    /// Linehaul.
    pub linehaul_micros: Option<i64>,
    /// Fuel.
    pub fuel_micros: Option<i64>,
    /// Accessorials.
    pub accessorial_micros: Option<i64>,
    /// Everything but tax.
    pub freight_micros: Option<i64>,
}

/// One charge line of a shipment, as stored.
#[derive(Clone, Debug, Queryable)]
pub struct ChargedLine {
    /// The shipment.
    pub shipment_id: i64,
    /// Code as the feed writes it.
    pub code: String,
    /// Category.
    pub category: String,
    /// Billed.
    pub amount_micros: i64,
    /// Currency of the amount.
    pub currency: String,
}

/// The shipments of a partner due on a day, with what calibration needs of each.
#[derive(Clone, Debug, Default)]
pub struct CalibrationDay {
    /// By id.
    pub shipments: Vec<BilledShipment>,
    /// Charge lines by shipment.
    pub lines: HashMap<i64, Vec<ChargedLine>>,
    /// Expected charges by shipment.
    pub expected: HashMap<i64, StoredExpected>,
}

/// Reads a day; nothing when the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for an expected charge that does not read back, or the engine's reason.
pub fn calibration_day(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    day: NaiveDate,
) -> Result<CalibrationDay, DbError> {
    let mut found = CalibrationDay::default();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    found.shipments = shipments::table
        .inner_join(sources::table.on(sources::id.eq(shipments::source_id)))
        .left_join(lanes::table.on(shipments::lane_id.eq(lanes::id.nullable())))
        .filter(shipments::obligation_day.eq(Day(day)))
        .filter(shipments::partner_id.eq(partner_id))
        .order(shipments::id)
        .select((
            shipments::id,
            sources::code,
            shipments::reference,
            lanes::code.nullable(),
            shipments::currency,
            shipments::linehaul_micros,
            shipments::fuel_micros,
            shipments::accessorial_micros,
            shipments::freight_micros,
        ))
        .load(db)?;
    let lines: Vec<ChargedLine> =
        charges::table
            .inner_join(shipments::table.on(
                shipments::id.eq(charges::shipment_id).and(shipments::partner_id.eq(charges::partner_id)),
            ))
            .filter(shipments::obligation_day.eq(Day(day)))
            .filter(shipments::partner_id.eq(partner_id))
            .order((charges::shipment_id, charges::id))
            .select((
                charges::shipment_id,
                charges::code,
                charges::category,
                charges::amount_micros,
                charges::currency,
            ))
            .load(db)?;
    for line in lines {
        found.lines.entry(line.shipment_id).or_default().push(line);
    }
    found.expected = expected_of_day_unscoped(db, &[partner_id], day)?
        .into_iter()
        .map(|((_, shipment_id), stored)| (shipment_id, stored))
        .collect();
    Ok(found)
}
