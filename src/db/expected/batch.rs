//! Many shipments of one partner and what they should cost, in few statements.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{Atlas, ConsignmentRow, ExpectedRow, StoredConsignment, StoredExpected};
use crate::db::DbError;
use crate::db::accessorial::events_of_shipments_unscoped;
use crate::db::conn::Db;
use crate::db::dialect::among::among;
use crate::db::fold::{ShipmentKey, day_chunks};
use crate::db::particulars::particulars_of_shipments_unscoped;
use crate::db::schema::{expected_charges, shipments};

/// Some shipments of a partner as the engine needs them, in no order; those that are not there are missing.
///
/// Unscoped: whoever asks names the partner they may read.
///
/// # Errors
/// [`DbError::Stored`] for an event that does not read back, or the engine's reason.
pub fn consignments_unscoped(
    db: &mut Db,
    atlas: &Atlas,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<Vec<StoredConsignment>, DbError> {
    let asked: BTreeSet<ShipmentKey> = keys.iter().copied().collect();
    let mut rows = Vec::new();
    for (days, ids) in day_chunks(keys) {
        let found: Vec<ConsignmentRow> = shipments::table
            .filter(among(shipments::obligation_day, days))
            .filter(shipments::partner_id.eq(partner_id))
            .filter(among(shipments::id, ids))
            .select(ConsignmentRow::as_select())
            .load(db)?;
        rows.extend(found);
    }
    rows.retain(|row| asked.contains(&(row.obligation_day, row.partner_id, row.id)));
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut events = events_of_shipments_unscoped(db, partner_id, &ids)?;
    let mut said = particulars_of_shipments_unscoped(db, partner_id, keys)?;
    let mut found = Vec::with_capacity(rows.len());
    atlas.place(db, &mut rows, (&mut events, &mut said), |stored| {
        found.push(stored);
        Ok::<_, DbError>(())
    })?;
    Ok(found)
}

/// The expected charges of some shipments of a partner; those without one are missing.
///
/// Unscoped: whoever asks names the partner they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn expected_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<HashMap<ShipmentKey, StoredExpected>, DbError> {
    let asked: BTreeSet<ShipmentKey> = keys.iter().copied().collect();
    let mut found = HashMap::new();
    for (days, ids) in day_chunks(keys) {
        let rows: Vec<ExpectedRow> = expected_charges::table
            .filter(among(expected_charges::obligation_day, days))
            .filter(expected_charges::partner_id.eq(partner_id))
            .filter(among(expected_charges::shipment_id, ids))
            .select(ExpectedRow::as_select())
            .load(db)?;
        for row in rows {
            if asked.contains(&(row.obligation_day, row.partner_id, row.shipment_id)) {
                let stored = row.read()?;
                found.insert(stored.key, stored);
            }
        }
    }
    Ok(found)
}
