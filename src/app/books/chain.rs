//! The chain of entries held against the entries, the sums of months against the lines, and closed months against both.

use std::collections::BTreeMap;

use crate::db::books::{
    carried_differences_unscoped, close_list, month_differences_unscoped, sealed_entries_unscoped,
    sealed_unscoped, seals_of,
};
use crate::db::ledger::ledger_partners;
use crate::db::{Db, DbError};
use crate::domain::books::chain::{Head, first_break, ledger_digest};
use crate::domain::period::{BadPeriod, Period};

/// Entries looked at, and what is wrong: of each partner the first entry at which its chain breaks, sums of months that are
/// not what the lines come to, and closed months that were closed over another chain.
///
/// # Errors
/// The database's reason.
pub fn chain_problems(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let mut problems = Vec::new();
    let mut checked = 0_i64;
    let mut seals: BTreeMap<(i64, i64), String> = BTreeMap::new();
    let closes = close_list(db)?;
    let mut held: Vec<(String, Vec<Head>)> = Vec::new();
    for close in &closes {
        let heads: Vec<Head> = serde_json::from_str(&close.heads).map_err(|error| DbError::Stored {
            what: format!("the close of {}", close.month),
            reason: error.to_string(),
        })?;
        if ledger_digest(&heads) != close.ledger_sha256 {
            problems.push(format!("the close of {} is not what was written down then", close.month));
        }
        let month: Period = close.month.parse().map_err(|error: BadPeriod| DbError::Stored {
            what: "a closed month".to_owned(),
            reason: error.to_string(),
        })?;
        problems.extend(carried_differences_unscoped(db, month)?);
        held.push((close.month.clone(), heads));
    }
    for partner_id in ledger_partners(db)? {
        let entries = sealed_entries_unscoped(db, partner_id)?;
        let own = seals_of(db, partner_id)?;
        checked += i64::try_from(entries.len()).unwrap_or(i64::MAX);
        if let Some((entry_id, words)) = first_break(&entries, &own) {
            problems.push(format!("partner {partner_id}, entry {entry_id}: {words}"));
        }
        let kept = sealed_unscoped(db, partner_id)?;
        if let Some(newest) = own.last().filter(|newest| newest.seq != kept) {
            let seq = newest.seq;
            problems.push(format!("partner {partner_id}: {kept} entries are counted as sealed, {seq} are"));
        }
        for words in month_differences_unscoped(db, partner_id)? {
            problems.push(format!("partner {partner_id}: {words}"));
        }
        let named = held.iter().flat_map(|(_, heads)| heads);
        for head in named.filter(|head| head.partner_id == partner_id) {
            let now = own.iter().find(|seal| seal.seq == head.seq).map(|seal| seal.sha256.clone());
            seals.insert((partner_id, head.seq), now.unwrap_or_default());
        }
    }
    for (month, heads) in &held {
        for head in heads {
            if seals.get(&(head.partner_id, head.seq)) != Some(&head.sha256) {
                problems.push(format!(
                    "partner {}: {month} was closed over {} entries whose chain is another one now",
                    head.partner_id, head.seq
                ));
            }
        }
    }
    Ok((checked, problems))
}
