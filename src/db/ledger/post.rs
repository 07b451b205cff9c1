//! What every posting does beside adding its rows: it asks whether the day is open, seals, and adds to the sums of months.

use std::collections::{BTreeMap, BTreeSet};

use super::{EntryRow, LineRow};
use crate::db::DbError;
use crate::db::books::{chain_begin, chain_extend, closed_through, month_add, posting_lock};
use crate::db::conn::Db;
use crate::db::partner::partner_lock;
use crate::domain::books::chain::{SealedEntry, SealedLine};
use crate::domain::ledger::JournalEntry;

/// Refuses an entry in a closed month, and keeps months from being closed until the transaction ends.
pub(super) fn may_post(db: &mut Db, entries: &[(i64, &JournalEntry)]) -> Result<(), DbError> {
    posting_lock(db)?;
    let Some(through) = closed_through(db)? else { return Ok(()) };
    let earliest = entries.iter().map(|(_, entry)| entry.posting_date).min();
    match earliest.filter(|day| *day <= through) {
        Some(day) => Err(DbError::PeriodClosed { day, through }),
        None => Ok(()),
    }
}

/// Takes the lock of every partner, so that nobody else adds to its chain, and seals what it has from before chains were
/// kept.
pub(super) fn chains_begin(db: &mut Db, entries: &[(i64, &JournalEntry)]) -> Result<(), DbError> {
    let partners: BTreeSet<i64> = entries.iter().map(|(_, entry)| entry.partner_id).collect();
    for partner_id in partners {
        partner_lock(db, partner_id)?;
        chain_begin(db, partner_id)?;
    }
    Ok(())
}

/// Adds the rows to the sums of their months and to the chains of their partners.
pub(super) fn sum_and_seal(
    db: &mut Db,
    rows: &[EntryRow],
    lines: &[LineRow],
    entries: &[(i64, &JournalEntry)],
) -> Result<(), DbError> {
    month_add(db, entries.iter().map(|(_, entry)| *entry))?;
    let mut own: BTreeMap<(i64, i64), Vec<SealedLine>> = BTreeMap::new();
    for line in lines {
        own.entry((line.partner_id, line.entry_id)).or_default().push(SealedLine {
            line_no: line.line_no,
            account: line.account,
            side: line.side.clone(),
            amount_micros: line.amount_micros,
            currency: line.currency.clone(),
        });
    }
    let mut chains: BTreeMap<i64, Vec<SealedEntry>> = BTreeMap::new();
    for row in rows {
        let mut lines = own.remove(&(row.partner_id, row.id)).unwrap_or_default();
        lines.sort_by_key(|line| line.line_no);
        chains.entry(row.partner_id).or_default().push(SealedEntry {
            partner_id: row.partner_id,
            id: row.id,
            obligation_key: row.obligation_key.clone(),
            contract_version_id: row.contract_version_id,
            clause_id: row.clause_id,
            period: row.period.clone(),
            obligation_day: row.obligation_day.0,
            posting_day: row.posting_day.0,
            reason: row.reason.clone(),
            recognition: row.recognition.clone(),
            memo: row.memo.clone(),
            run_id: row.run_id,
            created_at_micros: row.created_at.0.timestamp_micros(),
            lines,
        });
    }
    for (partner_id, entries) in chains {
        chain_extend(db, partner_id, &entries)?;
    }
    Ok(())
}
