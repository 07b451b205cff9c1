//! Many shipments of one partner and what they should cost, in few statements.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{Atlas, ConsignmentRow, ExpectedRow, StoredConsignment, StoredExpected};
use crate::db::DbError;
use crate::db::accessorial::events_of_shipments_unscoped;
use crate::db::conn::Db;
use crate::db::fact::rows_of_shipments;
use crate::db::fold::ShipmentKey;
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
    let mut rows = rows_of_shipments!(
        db, partner_id, keys, shipments.id => ConsignmentRow::as_select() => ConsignmentRow
    );
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
    let rows = rows_of_shipments!(
        db, partner_id, keys, expected_charges.shipment_id => ExpectedRow::as_select() => ExpectedRow
    );
    for row in rows {
        if asked.contains(&(row.obligation_day, row.partner_id, row.shipment_id)) {
            let stored = row.read()?;
            found.insert(stored.key, stored);
        }
    }
    Ok(found)
}
