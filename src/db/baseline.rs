//! What feeds stated about the commitments of a stop: rows beside the shipment, only added to.

use diesel::prelude::*;

use super::conn::Db;
use super::schema::stop_commitments;
use super::types::{Day, Instant};
use crate::bulk_insert;
use crate::domain::viewer::Viewer;

/// One statement, stored.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = stop_commitments, treat_none_as_default_value = false)]
pub struct CommitmentRow {
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Row id, in order of arrival.
    pub id: i64,
    /// The feed of the shipment: with the reference, its natural key.
    pub source_id: i32,
    /// The feed's own number of the shipment.
    pub reference: String,
    /// `PICKUP` or `DELIVERY`.
    pub stop: String,
    /// Who asked; none for the original.
    pub requested_by: Option<String>,
    /// When it was set; given with `requested_by` only.
    pub set_at: Option<Instant>,
    /// Start of the window.
    pub window_start: Option<Instant>,
    /// End of the window.
    pub window_end: Option<Instant>,
    /// Local day, where no window was agreed.
    pub due_day: Option<Day>,
    /// Why, as the feed says.
    pub reason: Option<String>,
    /// The import that brought it.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
}

/// Stores statements.
///
/// # Errors
/// The engine's reason.
pub fn commitments_insert(db: &mut Db, rows: &[CommitmentRow]) -> QueryResult<usize> {
    bulk_insert!(db, stop_commitments::table, rows)
}

/// Whether any shipment has a statement at all: where none has, nobody needs to look for one.
///
/// # Errors
/// The engine's reason.
pub fn any_commitments(db: &mut Db) -> QueryResult<bool> {
    Ok(stop_commitments::table.select(stop_commitments::id).first::<i64>(db).optional()?.is_some())
}

/// The statements of a shipment in order of arrival; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn commitments_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> QueryResult<Vec<CommitmentRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    stop_commitments::table
        .filter(stop_commitments::partner_id.eq(partner_id))
        .filter(stop_commitments::shipment_id.eq(shipment_id))
        .order(stop_commitments::id)
        .select(CommitmentRow::as_select())
        .load(db)
}

/// The next shipments after `after` (partner and shipment) that have statements, `limit` of them at most.
///
/// # Errors
/// The engine's reason.
pub fn committed_shipments(
    db: &mut Db,
    after: (i64, i64),
    limit: i64,
) -> QueryResult<Vec<(i64, i64, i32, String)>> {
    let (partner, shipment) = after;
    stop_commitments::table
        .filter(
            stop_commitments::partner_id
                .gt(partner)
                .or(stop_commitments::partner_id.eq(partner).and(stop_commitments::shipment_id.gt(shipment))),
        )
        .select((
            stop_commitments::partner_id,
            stop_commitments::shipment_id,
            stop_commitments::source_id,
            stop_commitments::reference,
        ))
        .distinct()
        .order((stop_commitments::partner_id, stop_commitments::shipment_id))
        .limit(limit)
        .load(db)
}
