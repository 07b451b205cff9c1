//! Batches of entries for the general ledger. An entry is in one batch at most; a batch is written once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};

use super::AccountSum;
use crate::bulk_insert;
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::ledger::{EntryListed, entries_read};
use crate::db::schema::{
    clauses, export_batches, export_entries, export_months, journal_entries, journal_lines,
};
use crate::db::types::{Day, Instant};
use crate::domain::clause::ClauseTerms;
use crate::domain::ledger::{Account, Recognition};
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// Clauses asked for by one statement.
const CLAUSES_PER_STATEMENT: usize = 500;

/// Whether an entry is in no batch.
const IN_NO_BATCH: &str = "NOT EXISTS (SELECT 1 FROM export_entries x \
    WHERE x.partner_id = journal_entries.partner_id AND x.entry_id = journal_entries.id)";

/// A batch without its content.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = export_batches)]
pub struct BatchRow {
    /// 1, 2, …
    pub batch: i32,
    /// Entries posted up to and on this day.
    pub through_day: Day,
    /// The user who made it.
    pub made_by_id: i64,
    /// Its name.
    pub made_by: String,
    /// When.
    pub made_at: Instant,
    /// The layout of the journal file that counted then.
    pub layout_version: Option<i32>,
    /// Entries in it.
    pub entries: i64,
    /// Lines in it.
    pub lines: i64,
    /// Checksum of the content.
    pub content_sha256: String,
}

/// All batches, newest first, at most `limit`.
///
/// # Errors
/// The engine's reason.
pub fn batch_list(db: &mut Db, limit: i64) -> QueryResult<Vec<BatchRow>> {
    export_batches::table
        .order(export_batches::batch.desc())
        .limit(limit)
        .select(BatchRow::as_select())
        .load(db)
}

/// One batch.
///
/// # Errors
/// The engine's reason.
pub fn batch_show(db: &mut Db, batch: i32) -> QueryResult<Option<BatchRow>> {
    export_batches::table.find(batch).select(BatchRow::as_select()).first(db).optional()
}

/// The number of the newest batch; 0 before the first.
///
/// # Errors
/// The engine's reason.
pub fn batch_newest(db: &mut Db) -> QueryResult<i32> {
    let newest: Option<i32> = export_batches::table
        .select(export_batches::batch)
        .order(export_batches::batch.desc())
        .first(db)
        .optional()?;
    Ok(newest.unwrap_or(0))
}

/// The content of a batch as it was written, with lines of many partners. Unscoped: whoever sees the ledger asks.
///
/// # Errors
/// The engine's reason.
pub fn batch_content_unscoped(db: &mut Db, batch: i32) -> QueryResult<Option<String>> {
    export_batches::table.find(batch).select(export_batches::content).first(db).optional()
}

/// The newest batch that this user made and that holds entries posted in `month`; none where others made all of them.
///
/// # Errors
/// The engine's reason.
pub fn batch_of(db: &mut Db, month: Period, made_by_id: i64) -> QueryResult<Option<i32>> {
    let of_month: Vec<i32> = export_months::table
        .filter(export_months::month.eq(month.to_string()))
        .select(export_months::batch)
        .distinct()
        .load(db)?;
    let own: Vec<i32> = export_batches::table
        .filter(export_batches::made_by_id.eq(made_by_id))
        .order(export_batches::batch.desc())
        .select(export_batches::batch)
        .load(db)?;
    Ok(own.into_iter().find(|batch| of_month.contains(batch)))
}

/// Adds a batch with its content.
///
/// # Errors
/// The engine's reason; a number is given once.
pub fn batch_insert(db: &mut Db, row: &BatchRow, content: &str) -> QueryResult<()> {
    diesel::insert_into(export_batches::table)
        .values((
            export_batches::batch.eq(row.batch),
            export_batches::through_day.eq(row.through_day),
            export_batches::made_by_id.eq(row.made_by_id),
            export_batches::made_by.eq(&row.made_by),
            export_batches::made_at.eq(row.made_at),
            export_batches::layout_version.eq(row.layout_version),
            export_batches::entries.eq(row.entries),
            export_batches::lines.eq(row.lines),
            export_batches::content_sha256.eq(&row.content_sha256),
            export_batches::content.eq(content),
        ))
        .execute(db)
        .map(drop)
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = export_entries, treat_none_as_default_value = false)]
struct EntryInBatch {
    partner_id: i64,
    entry_id: i64,
    batch: i32,
}

/// What the lines of a batch on one side of one account come to in a month of posting.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = export_months, treat_none_as_default_value = false)]
pub struct MonthSum {
    /// The batch.
    pub batch: i32,
    /// Month of posting.
    pub month: String,
    /// Currency.
    pub currency: String,
    /// Our account number.
    pub account: i32,
    /// `DR` or `CR`.
    pub side: String,
    /// Lines.
    pub lines: i64,
    /// Those of them that are the first of their entry: entries, once summed.
    pub entries: i64,
    /// Sum in millionths.
    pub amount_micros: i64,
}

/// Notes which entries a batch holds, and what it comes to.
///
/// # Errors
/// The engine's reason; an entry that is in another batch is refused.
pub fn batch_entries_insert(
    db: &mut Db,
    batch: i32,
    entries: impl IntoIterator<Item = (i64, i64)>,
    sums: &[MonthSum],
) -> QueryResult<()> {
    let rows: Vec<EntryInBatch> = entries
        .into_iter()
        .map(|(partner_id, entry_id)| EntryInBatch { partner_id, entry_id, batch })
        .collect();
    bulk_insert!(db, export_entries::table, rows.as_slice())?;
    bulk_insert!(db, export_months::table, sums)?;
    Ok(())
}

/// Entries that count in the general ledger, were posted up to and on `through` and are in no batch, by day and id, at most
/// `limit`. Unscoped: only finance makes batches.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn unexported_entries_unscoped(
    db: &mut Db,
    through: NaiveDate,
    limit: i64,
) -> Result<Vec<EntryListed>, DbError> {
    let keys: Vec<(i64, i64)> = journal_entries::table
        .filter(journal_entries::recognition.eq(Recognition::Gl.code()))
        .filter(journal_entries::posting_day.le(Day(through)))
        .filter(sql::<Bool>(IN_NO_BATCH))
        .order((journal_entries::posting_day, journal_entries::id))
        .select((journal_entries::partner_id, journal_entries::id))
        .limit(limit)
        .load(db)?;
    entries_read(db, &keys)
}

/// The terms of some clauses, of those that are there. Unscoped: only finance makes batches, of entries of all partners.
///
/// # Errors
/// The engine's reason, or terms that do not read back.
pub fn clause_terms_unscoped(
    db: &mut Db,
    ids: impl Iterator<Item = i64>,
) -> Result<BTreeMap<i64, ClauseTerms>, DbError> {
    let ids: Vec<i64> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(CLAUSES_PER_STATEMENT) {
        let rows: Vec<(i64, String)> = clauses::table
            .filter(clauses::id.eq_any(chunk))
            .select((clauses::id, clauses::terms))
            .load(db)?;
        for (id, terms) in rows {
            let terms = ClauseTerms::from_json(&terms).map_err(|error| DbError::Stored {
                what: format!("clause {id}"),
                reason: error.to_string(),
            })?;
            found.insert(id, terms);
        }
    }
    Ok(found)
}

fn read_sum(
    (month, currency, number, side): (String, String, i32, String),
    amount: Option<i64>,
) -> Result<AccountSum, DbError> {
    let bad = |reason: String| DbError::Stored { what: "a sum of exported lines".to_owned(), reason };
    Ok(AccountSum {
        month: month.parse().map_err(|error: crate::domain::period::BadPeriod| bad(error.to_string()))?,
        currency: currency
            .parse()
            .map_err(|error: crate::domain::currency::BadCurrency| bad(error.to_string()))?,
        account: Account::from_number(number).map_err(|error| bad(error.to_string()))?,
        side: side.parse().map_err(|error: crate::domain::field::BadCode| bad(error.to_string()))?,
        amount: Micros(amount.unwrap_or(0)),
    })
}

/// What was exported, by month of posting, currency, account and side.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn exported_sums_unscoped(db: &mut Db) -> Result<Vec<AccountSum>, DbError> {
    let columns =
        (export_months::month, export_months::currency, export_months::account, export_months::side);
    type Row = ((String, String, i32, String), Option<i64>);
    let rows: Vec<Row> = export_months::table
        .group_by(columns)
        .select((columns, sql::<Nullable<BigInt>>("CAST(SUM(export_months.amount_micros) AS BIGINT)")))
        .order(columns)
        .load(db)?;
    rows.into_iter().map(|(key, amount)| read_sum(key, amount)).collect()
}

/// What the lines of entries that count in the general ledger and are in no batch come to, by day of posting, added up from
/// the lines themselves.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn unexported_sums_unscoped(db: &mut Db) -> Result<Vec<AccountSum>, DbError> {
    let rows: Vec<(Day, String, i32, String, i64)> = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::recognition.eq(Recognition::Gl.code()))
        .filter(sql::<Bool>(IN_NO_BATCH))
        .select((
            journal_entries::posting_day,
            journal_lines::currency,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
        ))
        .load(db)?;
    let month = |day: Day| crate::domain::books::month_of(day.0).to_string();
    rows.into_iter()
        .map(|(day, currency, account, side, amount)| {
            read_sum((month(day), currency, account, side), Some(amount))
        })
        .collect()
}

/// How many entries up to the end of a month were exported.
///
/// # Errors
/// The engine's reason.
pub fn exported_count(db: &mut Db, through: Period) -> QueryResult<i64> {
    let count: Option<i64> = export_months::table
        .filter(export_months::month.le(through.to_string()))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(export_months.entries) AS BIGINT)"))
        .first(db)?;
    Ok(count.unwrap_or(0))
}
