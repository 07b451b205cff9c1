//! What stands for obligations: the last targets, and what the ledger says of them. Read by obligation, so that what came to rest
//! long ago costs nothing.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::items::{KeyedLine, given_up_of, lines_of_entries};
use super::owed::{CostEntry, is_cost};
use super::{Accrual, AccrualRow, Beside, KEYS_PER_STATEMENT, code};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, journal_entries};
use crate::db::types::Day;
use crate::domain::clause::{ObligationKey, Posted, Reason, Sign};
use crate::domain::ledger::{Account, Held, JournalLine, Recognition};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// What stands for some obligations of some contract versions.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The last run's targets.
    pub accruals: BTreeMap<ObligationKey, Accrual>,
    /// What the ledger says is owed, as [`deltas`](crate::domain::clause::deltas) needs it.
    pub posted: BTreeMap<ObligationKey, Posted>,
    /// What disputes and settlements did to them.
    pub beside: BTreeMap<ObligationKey, Beside>,
    /// What accounts 1410 and 1420 hold of them.
    pub held: BTreeMap<(ObligationKey, Account), Held>,
}

/// Reads what stands for the obligations of `versions` of one partner from the day `from` on; nothing when the viewer may not
/// see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn standing_load(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, versions): (i64, &[i64]),
    from: NaiveDate,
) -> Result<Standing, DbError> {
    let mut standing = Standing::default();
    if !viewer.sees(partner_id) {
        return Ok(standing);
    }
    let rows = accruals::table
        .filter(accruals::partner_id.eq(partner_id))
        .filter(accruals::contract_version_id.eq_any(versions))
        .filter(accruals::obligation_day.ge(Day(from)))
        .select(AccrualRow::as_select())
        .load_iter::<AccrualRow, _>(db)?;
    for row in rows {
        let accrual = row?.read()?;
        standing.accruals.insert(accrual.key, accrual);
    }
    let keys: Vec<ObligationKey> = standing.accruals.keys().copied().collect();
    add_posted(db, partner_id, &keys, &mut standing)?;
    Ok(standing)
}

/// Adds what stands for more obligations of the partner, whatever their day; those of which nothing does are left out.
///
/// # Errors
/// As [`standing_load`].
pub fn standing_add(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, keys): (i64, &[ObligationKey]),
    standing: &mut Standing,
) -> Result<(), DbError> {
    if !viewer.sees(partner_id) {
        return Ok(());
    }
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<AccrualRow> = accruals::table
            .filter(accruals::partner_id.eq(partner_id))
            .filter(accruals::obligation_key.eq_any(chunk.iter().map(ToString::to_string)))
            .select(AccrualRow::as_select())
            .load(db)?;
        for row in rows {
            let accrual = row.read()?;
            standing.accruals.insert(accrual.key, accrual);
        }
    }
    add_posted(db, partner_id, keys, standing)
}

/// Whether anything that says what is owed was posted for `versions` of a partner after a day.
///
/// # Errors
/// As [`standing_load`].
pub fn posted_after(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, versions): (i64, &[i64]),
    day: NaiveDate,
) -> Result<bool, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(false);
    }
    let entries: Vec<EntryRow> = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::posting_day.gt(Day(day)))
        .filter(journal_entries::contract_version_id.eq_any(versions))
        .order(journal_entries::id)
        .select(ENTRY)
        .load(db)?;
    let mut found = Standing::default();
    add_entries(db, partner_id, &entries, &mut found)?;
    Ok(!found.posted.is_empty())
}

/// How many obligations have a row. Unscoped: for the check of all of them.
///
/// # Errors
/// The engine's reason.
pub fn accrual_rows_unscoped(db: &mut Db) -> QueryResult<i64> {
    accruals::table.count().get_result(db)
}

/// How many obligations of some contract versions of a partner have a row, from a day on. Unscoped: as
/// [`accrual_rows_unscoped`].
///
/// # Errors
/// The engine's reason.
pub fn accrual_rows_since_unscoped(
    db: &mut Db,
    partner_id: i64,
    versions: &[i64],
    from: NaiveDate,
) -> QueryResult<i64> {
    accruals::table
        .filter(accruals::partner_id.eq(partner_id))
        .filter(accruals::contract_version_id.eq_any(versions))
        .filter(accruals::obligation_day.ge(Day(from)))
        .count()
        .get_result(db)
}

/// Id, obligation, its period and day, reason, recognition.
type EntryRow = (i64, String, String, Day, String, String);

type EntryColumns = (
    journal_entries::id,
    journal_entries::obligation_key,
    journal_entries::period,
    journal_entries::obligation_day,
    journal_entries::reason,
    journal_entries::recognition,
);

const ENTRY: EntryColumns = (
    journal_entries::id,
    journal_entries::obligation_key,
    journal_entries::period,
    journal_entries::obligation_day,
    journal_entries::reason,
    journal_entries::recognition,
);

/// Adds what the ledger says of obligations whose rows are in `standing`, if they have any.
fn add_posted(
    db: &mut Db,
    partner_id: i64,
    keys: &[ObligationKey],
    standing: &mut Standing,
) -> Result<(), DbError> {
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let keys: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        // Entries first, then their lines: joined, an engine may walk through every line of the partner instead, and asked for
        // an order SQLite walks through every entry, to have it without sorting.
        let mut entries: Vec<EntryRow> = journal_entries::table
            .filter(journal_entries::partner_id.eq(partner_id))
            .filter(journal_entries::obligation_key.eq_any(&keys))
            .select(ENTRY)
            .load(db)?;
        entries.sort_unstable_by_key(|entry| entry.0);
        add_entries(db, partner_id, &entries, standing)?;
        for (key, amount) in given_up_of(db, partner_id, &keys)? {
            let beside = standing.beside.entry(key).or_default();
            beside.given_up = beside.given_up + amount;
        }
        for key in chunk {
            let Some(row) = standing.accruals.get(key) else { continue };
            // Evaluated, and nothing came of it: keeps the uncapped amount for the next run's reason.
            let posted = standing.posted.entry(*key).or_insert(Posted {
                amount: Micros::ZERO,
                uncapped: None,
                sign: Sign::Penalty,
                obligation_period: row.period,
                obligation_day: row.obligation_day,
            });
            posted.uncapped = Some(row.uncapped);
            (posted.obligation_period, posted.obligation_day) = (row.period, row.obligation_day);
        }
    }
    Ok(())
}

/// Adds entries in the order in which they were made.
fn add_entries(
    db: &mut Db,
    partner_id: i64,
    entries: &[EntryRow],
    standing: &mut Standing,
) -> Result<(), DbError> {
    for some in entries.chunks(KEYS_PER_STATEMENT) {
        let ids: Vec<i64> = some.iter().map(|entry| entry.0).collect();
        let mut lines: BTreeMap<i64, Vec<JournalLine>> = BTreeMap::new();
        for (id, line) in lines_of_entries(db, partner_id, &ids)? {
            lines.entry(id).or_default().push(line);
        }
        for (id, key, period, day, reason, recognition) in some {
            let what = || format!("journal entry {id}");
            let key: ObligationKey = code(key, what)?;
            let (period, reason): (Period, Reason) = (code(period, what)?, code(reason, what)?);
            let recognition: Recognition = code(recognition, what)?;
            let lines = lines.remove(id).unwrap_or_default();
            // A decision on a dispute is no part of what clause and facts come to.
            if reason != Reason::Dispute {
                let cost = lines.iter().filter(|line| is_cost(line.account));
                let lines = cost.map(|line| (line.account, line.side, line.amount)).collect();
                CostEntry { key, period, day: day.0, lines }.add_to(&mut standing.posted);
            }
            for line in lines {
                if matches!(line.account, Account::CreditAccrued | Account::CreditAssessed) {
                    standing.held.entry((key, line.account)).or_default().post(&line, recognition);
                }
                KeyedLine { key, reason, recognition, line }.add_to(&mut standing.beside);
            }
        }
    }
    Ok(())
}
