//! Layouts of the journal file. Only added to; the newest counts, a batch keeps its own.

use diesel::prelude::*;

use crate::db::conn::Db;
use crate::db::schema::journal_layouts;
use crate::db::types::Instant;

/// A layout as kept.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal_layouts, treat_none_as_default_value = false)]
pub struct LayoutRow {
    /// 1, 2, …
    pub version: i32,
    /// The TOML.
    pub layout: String,
    /// The user who kept it.
    pub set_by_id: i64,
    /// Its name.
    pub set_by: String,
    /// When.
    pub set_at: Instant,
}

/// All layouts, newest first.
///
/// # Errors
/// The engine's reason.
pub fn layout_list(db: &mut Db) -> QueryResult<Vec<LayoutRow>> {
    journal_layouts::table.order(journal_layouts::version.desc()).select(LayoutRow::as_select()).load(db)
}

/// The newest layout.
///
/// # Errors
/// The engine's reason.
pub fn layout_newest(db: &mut Db) -> QueryResult<Option<LayoutRow>> {
    journal_layouts::table
        .order(journal_layouts::version.desc())
        .select(LayoutRow::as_select())
        .first(db)
        .optional()
}

/// One layout.
///
/// # Errors
/// The engine's reason.
pub fn layout_show(db: &mut Db, version: i32) -> QueryResult<Option<LayoutRow>> {
    journal_layouts::table.find(version).select(LayoutRow::as_select()).first(db).optional()
}

/// Adds a layout.
///
/// # Errors
/// The engine's reason.
pub fn layout_insert(db: &mut Db, row: &LayoutRow) -> QueryResult<()> {
    diesel::insert_into(journal_layouts::table).values(row).execute(db).map(drop)
}
