//! When scorecards became final, what was restated after, and which final ones later facts would move.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::conn::Db;
use super::dialect::BothExt;
use super::schema::{scorecard_drifts, scorecard_finals, scorecard_restatements};
use super::shipment::partner_filter;
use super::types::Instant;
use crate::domain::viewer::Viewer;

/// Rows one list answers at most.
pub const LIST_LIMIT: i64 = 2_000;

/// When a scorecard became final.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scorecard_finals)]
pub struct FinalRow {
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written.
    pub period: String,
    /// The publication that was final.
    pub scorecard_id: i64,
    /// SHA-256 of its document, in hex.
    pub snapshot_hash: String,
    /// [`crate::domain::challenge::Acceptance`].
    pub acceptance: String,
    /// Challenges still open then.
    pub open_challenges: i32,
    /// When.
    pub final_at: Instant,
}

/// A restatement: what an accrual that adjusts money reads, in order of id.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scorecard_restatements)]
pub struct RestatementRow {
    /// Row id; rises with time.
    pub id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written.
    pub period: String,
    /// The new publication.
    pub scorecard_id: i64,
    /// The one it corrects.
    pub restates: i64,
    /// Why.
    pub reason: String,
    /// How many figures it gives otherwise.
    pub figures_moved: i32,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// A final scorecard that later facts would move.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scorecard_drifts)]
pub struct DriftRow {
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written.
    pub period: String,
    /// SHA-256 of the document that would be published, in hex.
    pub snapshot_hash: String,
    /// When a scoring saw it first with that content.
    pub seen_at: Instant,
}

/// When a scorecard became final; none while it is not, or when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn final_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: &str,
) -> QueryResult<Option<FinalRow>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    scorecard_finals::table.find((partner_id, period)).select(FinalRow::as_select()).first(db).optional()
}

/// The partners whose scorecard of a period is final.
///
/// Unscoped: scoring asks for all partners.
///
/// # Errors
/// The engine's reason.
pub fn finals_of_period_unscoped(db: &mut Db, period: &str) -> QueryResult<BTreeSet<i64>> {
    let rows: Vec<i64> = scorecard_finals::table
        .filter(scorecard_finals::period.eq(period))
        .select(scorecard_finals::partner_id)
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// Notes that a scorecard is final; a second note of the same one fails.
///
/// # Errors
/// The engine's reason.
pub fn final_insert(db: &mut Db, row: &FinalRow) -> QueryResult<()> {
    diesel::insert_into(scorecard_finals::table).values(row).execute(db).map(drop)
}

/// Adds a restatement.
///
/// # Errors
/// The engine's reason.
pub fn restatement_insert(db: &mut Db, row: &RestatementRow) -> QueryResult<()> {
    diesel::insert_into(scorecard_restatements::table).values(row).execute(db).map(drop)
}

/// The restatements of one partner's period, oldest first; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn restatements_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: &str,
) -> QueryResult<Vec<RestatementRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    scorecard_restatements::table
        .filter(scorecard_restatements::partner_id.eq(partner_id))
        .filter(scorecard_restatements::period.eq(period))
        .order(scorecard_restatements::id)
        .limit(LIST_LIMIT)
        .select(RestatementRow::as_select())
        .load(db)
}

/// Restatements after the one with id `after`, in order of id: what money that follows a restatement has to adjust.
///
/// Unscoped: an accrual asks for all partners.
///
/// # Errors
/// The engine's reason.
pub fn restatements_after_unscoped(db: &mut Db, after: i64) -> QueryResult<Vec<RestatementRow>> {
    scorecard_restatements::table
        .filter(scorecard_restatements::id.gt(after))
        .order(scorecard_restatements::id)
        .limit(LIST_LIMIT)
        .select(RestatementRow::as_select())
        .load(db)
}

/// Notes that facts would move a final scorecard; the day it was first seen stays while the content does. Gives whether
/// that is news.
///
/// # Errors
/// The engine's reason.
pub fn drift_note(db: &mut Db, row: &DriftRow) -> QueryResult<bool> {
    use scorecard_drifts as d;

    let known: Option<String> =
        d::table.find((row.partner_id, &row.period)).select(d::snapshot_hash).first(db).optional()?;
    if known.as_deref() == Some(row.snapshot_hash.as_str()) {
        return Ok(false);
    }
    diesel::insert_into(d::table)
        .values(row)
        .on_conflict((d::partner_id, d::period))
        .do_update()
        .set((d::snapshot_hash.eq(&row.snapshot_hash), d::seen_at.eq(row.seen_at)))
        .both()
        .execute(db)?;
    Ok(true)
}

/// Notes that nothing would move a scorecard any more. Gives whether something would have.
///
/// # Errors
/// The engine's reason.
pub fn drift_clear(db: &mut Db, partner_id: i64, period: &str) -> QueryResult<bool> {
    Ok(diesel::delete(scorecard_drifts::table.find((partner_id, period))).execute(db)? > 0)
}

/// Final scorecards that later facts would move, the longest known first, of the partners the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn drift_list(db: &mut Db, viewer: &Viewer) -> QueryResult<Vec<DriftRow>> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let mut query = scorecard_drifts::table.into_boxed();
    if let Some(id) = asked {
        query = query.filter(scorecard_drifts::partner_id.eq(id));
    }
    query
        .order((scorecard_drifts::seen_at, scorecard_drifts::partner_id))
        .limit(LIST_LIMIT)
        .select(DriftRow::as_select())
        .load(db)
}
