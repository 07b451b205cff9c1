//! Entries by their keys.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::{EntryListed, EntryRow, KEYS_PER_STATEMENT, clause_word, lines_of};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{clauses, journal_entries, partners};
use crate::domain::viewer::Viewer;

/// One entry with its lines and names; none when there is none or the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn entry_show(db: &mut Db, viewer: &Viewer, key: (i64, i64)) -> Result<Option<EntryListed>, DbError> {
    if !viewer.sees(key.0) {
        return Ok(None);
    }
    Ok(entries_read(db, &[key])?.pop())
}

/// The entries of these partners and ids with their lines and names, in this order. Unscoped: for exports.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn entries_read(db: &mut Db, keys: &[(i64, i64)]) -> Result<Vec<EntryListed>, DbError> {
    let mut found: BTreeMap<(i64, i64), EntryListed> = BTreeMap::new();
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let (partners_of, ids): (Vec<i64>, Vec<i64>) = chunk.iter().copied().unzip();
        let query = journal_entries::table
            .left_join(partners::table.on(partners::id.eq(journal_entries::partner_id)))
            .left_join(clauses::table.on(clauses::id.eq(journal_entries::clause_id)))
            .filter(journal_entries::partner_id.eq_any(partners_of))
            .filter(journal_entries::id.eq_any(ids))
            .select((
                EntryRow::as_select(),
                partners::name.nullable(),
                partners::code.nullable(),
                clauses::code.nullable(),
                clauses::title.nullable(),
            ));
        type Row = (EntryRow, Option<String>, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Row> = query.load(db)?;
        let mut lines = lines_of(db, rows.iter().map(|row| &row.0))?;
        for (row, name, code, clause_code, clause_title) in rows {
            let (key, id) = ((row.partner_id, row.id), row.id);
            let listed = EntryListed {
                id,
                partner_name: name.unwrap_or_default(),
                partner_code: code.unwrap_or_default(),
                clause_code: clause_code.unwrap_or_else(|| clause_word(&row)),
                clause_title: clause_title.unwrap_or_default(),
                entry: row.read(lines.remove(&key).unwrap_or_default())?,
                state: None,
            };
            found.insert(key, listed);
        }
    }
    Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
}
