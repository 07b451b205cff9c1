//! Seals of entries, and the entries as they are sealed.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{journal_entries, journal_heads, journal_lines, journal_seals};
use crate::db::types::{Day, Instant};
use crate::domain::books::chain::{Head, Seal, SealedEntry, SealedLine, seal};
use crate::{bulk_insert, on_engine};

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = journal_seals, treat_none_as_default_value = false)]
struct SealRow {
    partner_id: i64,
    seq: i64,
    entry_id: i64,
    sha256: String,
}

#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = BigInt)]
    partner_id: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    sha256: String,
}

/// The newest seal of every partner, in order: one look into the index a partner.
const HEADS: &str = "SELECT p.id AS partner_id, s.seq AS seq, s.sha256 AS sha256 FROM partners p \
    JOIN journal_seals s ON s.partner_id = p.id \
    AND s.seq = (SELECT MAX(x.seq) FROM journal_seals x WHERE x.partner_id = p.id) ORDER BY p.id";

/// The newest seals of all partners: together the state of the ledger.
///
/// # Errors
/// The engine's reason.
pub fn heads(db: &mut Db) -> QueryResult<Vec<Head>> {
    let rows: Vec<HeadRow> = diesel::sql_query(HEADS).load(db)?;
    let head = |row: HeadRow| Head { partner_id: row.partner_id, seq: row.seq, sha256: row.sha256 };
    Ok(rows.into_iter().map(head).collect())
}

/// The seals of one partner by number.
///
/// # Errors
/// The engine's reason.
pub fn seals_of(db: &mut Db, partner_id: i64) -> QueryResult<Vec<Seal>> {
    let rows: Vec<(i64, i64, String)> = journal_seals::table
        .filter(journal_seals::partner_id.eq(partner_id))
        .order(journal_seals::seq)
        .select((journal_seals::seq, journal_seals::entry_id, journal_seals::sha256))
        .load(db)?;
    Ok(rows.into_iter().map(|(seq, entry_id, sha256)| Seal { seq, entry_id, sha256 }).collect())
}

fn newest_seal(db: &mut Db, partner_id: i64) -> QueryResult<Option<(i64, String)>> {
    journal_seals::table
        .filter(journal_seals::partner_id.eq(partner_id))
        .order(journal_seals::seq.desc())
        .select((journal_seals::seq, journal_seals::sha256))
        .first(db)
        .optional()
}

/// All entries of one partner as they are sealed, by id. Unscoped: only sealing and the check ask.
///
/// # Errors
/// The engine's reason.
pub fn sealed_entries_unscoped(db: &mut Db, partner_id: i64) -> QueryResult<BTreeMap<i64, SealedEntry>> {
    type Row = ((i64, String, i64, i64, String, Day, Day), (String, String, String, Option<i64>, Instant));
    let mut entries: BTreeMap<i64, SealedEntry> = BTreeMap::new();
    let rows = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .order(journal_entries::id)
        .select((
            (
                journal_entries::id,
                journal_entries::obligation_key,
                journal_entries::contract_version_id,
                journal_entries::clause_id,
                journal_entries::period,
                journal_entries::obligation_day,
                journal_entries::posting_day,
            ),
            (
                journal_entries::reason,
                journal_entries::recognition,
                journal_entries::memo,
                journal_entries::run_id,
                journal_entries::created_at,
            ),
        ))
        .load_iter::<Row, _>(db)?;
    for row in rows {
        let (
            (id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day),
            (reason, recognition, memo, run_id, created_at),
        ) = row?;
        let entry = SealedEntry {
            partner_id,
            id,
            obligation_key,
            contract_version_id,
            clause_id,
            period,
            obligation_day: obligation_day.0,
            posting_day: posting_day.0,
            reason,
            recognition,
            memo,
            run_id,
            created_at_micros: created_at.0.timestamp_micros(),
            lines: Vec::new(),
        };
        entries.insert(id, entry);
    }
    let lines = journal_lines::table
        .filter(journal_lines::partner_id.eq(partner_id))
        .order((journal_lines::entry_id, journal_lines::line_no))
        .select((
            journal_lines::entry_id,
            journal_lines::line_no,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
            journal_lines::currency,
        ))
        .load_iter::<(i64, i32, i32, String, i64, String), _>(db)?;
    for line in lines {
        let (entry_id, line_no, account, side, amount_micros, currency) = line?;
        // A line without its entry is told by the check of the ledger.
        if let Some(entry) = entries.get_mut(&entry_id) {
            entry.lines.push(SealedLine { line_no, account, side, amount_micros, currency });
        }
    }
    Ok(entries)
}

/// Seals what a partner has already, where nothing of it is sealed yet. The caller holds the partner's lock. Says how many
/// entries were sealed.
///
/// # Errors
/// The engine's reason.
pub fn chain_begin(db: &mut Db, partner_id: i64) -> Result<usize, DbError> {
    if newest_seal(db, partner_id)?.is_some() {
        return Ok(0);
    }
    let entries: Vec<SealedEntry> = sealed_entries_unscoped(db, partner_id)?.into_values().collect();
    chain_extend(db, partner_id, &entries)?;
    Ok(entries.len())
}

/// Seals entries that were just added, in this order. The caller holds the partner's lock.
///
/// # Errors
/// The engine's reason.
pub fn chain_extend(db: &mut Db, partner_id: i64, entries: &[SealedEntry]) -> Result<(), DbError> {
    let (mut seq, mut before) = newest_seal(db, partner_id)?.unwrap_or_default();
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq = seq.saturating_add(1);
        before = seal(&before, entry);
        rows.push(SealRow { partner_id, seq, entry_id: entry.id, sha256: before.clone() });
    }
    bulk_insert!(db, journal_seals::table, rows.as_slice())?;
    if !rows.is_empty() {
        sealed_write(db, partner_id, seq)?;
    }
    Ok(())
}

fn sealed_write(db: &mut Db, partner_id: i64, sealed: i64) -> QueryResult<()> {
    let row = (journal_heads::partner_id.eq(partner_id), journal_heads::sealed.eq(sealed));
    on_engine!(db, |conn| diesel::insert_into(journal_heads::table)
        .values(row)
        .on_conflict(journal_heads::partner_id)
        .do_update()
        .set(journal_heads::sealed.eq(sealed))
        .execute(conn))
    .map(drop)
}

/// How many entries of a partner are sealed, as kept beside the seals. Unscoped: only the check asks.
///
/// # Errors
/// The engine's reason.
pub fn sealed_unscoped(db: &mut Db, partner_id: i64) -> QueryResult<i64> {
    let sealed: Option<i64> = journal_heads::table
        .filter(journal_heads::partner_id.eq(partner_id))
        .select(journal_heads::sealed)
        .first(db)
        .optional()?;
    Ok(sealed.unwrap_or_default())
}

/// Partners with entries of which none is sealed.
///
/// # Errors
/// The engine's reason.
pub fn chain_unsealed(db: &mut Db) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT p.id AS id FROM partners p \
         WHERE EXISTS (SELECT 1 FROM journal_entries e WHERE e.partner_id = p.id) \
         AND NOT EXISTS (SELECT 1 FROM journal_seals s WHERE s.partner_id = p.id) ORDER BY p.id",
    )
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
