//! Tenders as stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::conn::Db;
use super::fact::fact_replace;
use super::fold::{TenderKey, day_chunks};
use super::schema::{tender_versions, tenders};
use super::types::{Day, Instant};
use crate::bulk_insert;

/// A stored tender.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = tenders, treat_none_as_default_value = false)]
pub struct TenderRow {
    /// Local day on which it was sent; decides the period.
    pub sent_day: Day,
    /// To whom it was sent.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// The load.
    pub reference: String,
    /// Fingerprint of the imported row.
    pub fact_hash: i64,
    /// 1 for the first facts, one more for every change.
    pub version: i32,
    /// The import that brought these facts.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
    /// Lane, when given.
    pub lane_id: Option<i64>,
    /// Service level, empty when not given.
    pub service: String,
    /// Mode, empty when not given.
    pub mode: String,
    /// Place in the route guide, 1 is the primary.
    pub sequence: Option<i32>,
    /// When it was sent.
    pub sent_at: Instant,
    /// Until when an answer counts.
    pub respond_by: Option<Instant>,
    /// When the answer came.
    pub responded_at: Option<Instant>,
    /// The answer.
    pub response: Option<String>,
    /// Why it was rejected.
    pub decline_reason: Option<String>,
    /// When the load is to be picked up.
    pub pickup_at: Option<Instant>,
    /// When an accepted load was given back.
    pub bounced_at: Option<Instant>,
    /// Above the committed volume.
    pub beyond_commitment: bool,
    /// Offered later than the agreed lead time.
    pub short_notice: bool,
    /// The letter of its outcome.
    pub outcome: String,
    /// When time alone may change the outcome.
    pub settles_at: Option<Instant>,
    /// Who caused that it was not taken, by an approved exclusion.
    pub exclusion: Option<String>,
}

/// One tender by its natural key.
///
/// # Errors
/// The engine's reason.
pub fn tender_by_key(
    db: &mut Db,
    partner_id: i64,
    source_id: i32,
    reference: &str,
) -> QueryResult<Option<TenderRow>> {
    tenders::table
        .filter(tenders::partner_id.eq(partner_id))
        .filter(tenders::source_id.eq(source_id))
        .filter(tenders::reference.eq(reference))
        .select(TenderRow::as_select())
        .first(db)
        .optional()
}

/// Puts new facts in place of old ones, which go into the history.
///
/// # Errors
/// The engine's reason.
pub fn tender_replace(
    db: &mut Db,
    old: &TenderRow,
    new: &TenderRow,
    at: DateTime<Utc>,
    fact: &str,
) -> QueryResult<()> {
    fact_replace!(db, tenders.sent_day, tender_versions.tender_id, old => new, at, fact)
}

/// Adds tenders.
///
/// # Errors
/// The engine's reason.
pub fn tenders_insert(db: &mut Db, rows: &[TenderRow]) -> QueryResult<usize> {
    bulk_insert!(db, tenders::table, rows)
}

/// Writes the party of an approved exclusion to a tender, or takes it away.
///
/// # Errors
/// The engine's reason.
pub fn tender_exclusion_write(db: &mut Db, row: &TenderRow) -> QueryResult<()> {
    diesel::update(tenders::table.find((row.sent_day, row.partner_id, row.id)))
        .set(tenders::exclusion.eq(&row.exclusion))
        .execute(db)
        .map(drop)
}

/// What a replacement of a load is found by.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct TenderLoad {
    /// Local day on which it was sent.
    pub sent_day: Day,
    /// Row id.
    pub id: i64,
    /// When it was sent.
    pub sent_at: Instant,
    /// The load.
    pub reference: String,
    /// Its lane, when given.
    pub lane_id: Option<i64>,
}

/// The loads of some tenders; those that are not there are missing.
///
/// # Errors
/// The engine's reason.
pub fn tender_loads_unscoped(db: &mut Db, keys: &[TenderKey]) -> QueryResult<Vec<TenderLoad>> {
    let mut found = Vec::new();
    for (days, ids) in day_chunks(keys) {
        let loads: Vec<TenderLoad> = tenders::table
            .filter(tenders::sent_day.eq_any(&days))
            .filter(tenders::id.eq_any(&ids))
            .select((tenders::sent_day, tenders::id, tenders::sent_at, tenders::reference, tenders::lane_id))
            .load(db)?;
        found.extend(loads);
    }
    found.sort_by_key(|load| (load.sent_day, load.id));
    Ok(found)
}
