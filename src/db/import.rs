//! Imports as they were run, newest first.

use diesel::prelude::*;

use super::conn::Db;
use super::schema::imports;
use super::types::Instant;

/// One finished or running import, for pages. It names no partner and holds no figure of one.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub struct ImportRecord {
    /// Id; facts carry it.
    pub id: i64,
    /// Kind of fact.
    pub kind: String,
    /// Name of the file, without its folder.
    pub file_name: String,
    /// Name of the mapping.
    pub mapping: String,
    /// RUNNING, DONE or FAILED.
    pub state: String,
    /// When it started.
    pub started_at: Instant,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// Rows read.
    pub rows_read: i64,
    /// Facts not seen before.
    pub rows_new: i64,
    /// Facts that replaced an earlier version.
    pub rows_changed: i64,
    /// Rows already there.
    pub rows_same: i64,
    /// Rows refused.
    pub rows_rejected: i64,
    /// Who ran it.
    pub imported_by: String,
}

/// The newest imports first, at most `limit`, those before `before` when it is given.
///
/// # Errors
/// The engine's reason.
pub fn import_list(db: &mut Db, before: Option<i64>, limit: i64) -> QueryResult<Vec<ImportRecord>> {
    let mut query =
        imports::table.order(imports::id.desc()).limit(limit).select(ImportRecord::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(imports::id.lt(before));
    }
    query.load(db)
}

/// One import.
///
/// # Errors
/// The engine's reason.
pub fn import_show(db: &mut Db, id: i64) -> QueryResult<Option<ImportRecord>> {
    imports::table.find(id).select(ImportRecord::as_select()).first(db).optional()
}

/// An import that begins.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = imports)]
pub struct NewImport<'a> {
    /// Id; facts carry it.
    pub id: i64,
    /// Kind of fact, in capitals.
    pub kind: String,
    /// Name of the file, without its folder.
    pub file_name: String,
    /// Name of the mapping.
    pub mapping: &'a str,
    /// When it started.
    pub started_at: Instant,
    /// Who runs it.
    pub imported_by: &'a str,
}

/// What became of the rows of an import.
#[derive(Clone, Copy, Debug, Default, AsChangeset)]
#[diesel(table_name = imports)]
pub struct ImportCounts {
    /// Rows read.
    pub rows_read: i64,
    /// Facts not seen before.
    pub rows_new: i64,
    /// Facts that replaced an earlier version.
    pub rows_changed: i64,
    /// Rows already there.
    pub rows_same: i64,
    /// Rows refused.
    pub rows_rejected: i64,
}

/// Notes that an import runs. The caller holds the import lock, so one that still says RUNNING was killed.
///
/// # Errors
/// The engine's reason.
pub fn import_begin(db: &mut Db, import: &NewImport<'_>) -> QueryResult<()> {
    diesel::update(imports::table.filter(imports::state.eq("RUNNING")))
        .set(imports::state.eq("FAILED"))
        .execute(db)?;
    diesel::insert_into(imports::table).values((import, imports::state.eq("RUNNING"))).execute(db).map(drop)
}

/// Notes that an import ended at `at`, with its counts or without success.
///
/// # Errors
/// The engine's reason.
pub fn import_end(db: &mut Db, id: i64, counts: Option<ImportCounts>, at: Instant) -> QueryResult<()> {
    let state = if counts.is_some() { "DONE" } else { "FAILED" };
    diesel::update(imports::table.find(id))
        .set((imports::state.eq(state), imports::finished_at.eq(Some(at)), counts.unwrap_or_default()))
        .execute(db)
        .map(drop)
}
