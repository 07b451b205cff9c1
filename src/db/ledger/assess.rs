//! Items that wait to be assessed. Asked by the job only.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{Accrual, AccrualRow, account, code, stored};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, clauses, journal_entries, journal_lines};
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, ObligationKey, Sign};
use crate::domain::ledger::{Account, Held, ItemState, Recognition};
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// An accrued item with what its notice names.
#[derive(Clone, Debug)]
pub struct ToAssess {
    /// The item.
    pub accrual: Accrual,
    /// The clause's number in the contract.
    pub clause_code: String,
    /// What the clause is about.
    pub clause_title: String,
    /// Who owes.
    pub sign: Sign,
}

/// Partners with accrued items that the viewer may see, in order.
///
/// # Errors
/// The engine's reason.
pub fn accrued_partners(db: &mut Db, viewer: &Viewer) -> QueryResult<Vec<i64>> {
    let ids: Vec<i64> = accruals::table
        .filter(accruals::state.eq(ItemState::Accrued.code()))
        .select(accruals::partner_id)
        .distinct()
        .order(accruals::partner_id)
        .load(db)?;
    Ok(ids.into_iter().filter(|id| viewer.sees(*id)).collect())
}

/// The accrued items of one partner by day and key; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn accrued_items(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Vec<ToAssess>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<(AccrualRow, String, String, String)> = accruals::table
        .inner_join(clauses::table.on(clauses::id.eq(accruals::clause_id)))
        .filter(accruals::partner_id.eq(partner_id))
        .filter(accruals::state.eq(ItemState::Accrued.code()))
        .order((accruals::obligation_day, accruals::obligation_key))
        .select((AccrualRow::as_select(), clauses::code, clauses::title, clauses::terms))
        .load(db)?;
    rows.into_iter()
        .map(|(row, clause_code, clause_title, terms)| {
            let terms = ClauseTerms::from_json(&terms)
                .map_err(|error| stored(format!("clause {clause_code} of partner {partner_id}"), &error))?;
            Ok(ToAssess { accrual: row.read()?, clause_code, clause_title, sign: terms.sign })
        })
        .collect()
}

/// The last day on which anything was posted for one partner; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn last_posting_of(db: &mut Db, viewer: &Viewer, partner_id: i64) -> QueryResult<Option<NaiveDate>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let last: Option<Day> = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .order(journal_entries::posting_day.desc())
        .select(journal_entries::posting_day)
        .first(db)
        .optional()?;
    Ok(last.map(|day| day.0))
}

/// What accounts 1410 and 1420 hold of every obligation of `versions`; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a line that does not read back.
pub fn credits_held(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    versions: &[i64],
) -> Result<BTreeMap<(ObligationKey, Account), Held>, DbError> {
    let mut held: BTreeMap<(ObligationKey, Account), Held> = BTreeMap::new();
    if !viewer.sees(partner_id) {
        return Ok(held);
    }
    let accounts = [Account::CreditAccrued.number(), Account::CreditAssessed.number()];
    let rows = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::contract_version_id.eq_any(versions))
        .filter(journal_lines::account.eq_any(accounts))
        .select((
            journal_entries::id,
            journal_entries::obligation_key,
            journal_entries::recognition,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
        ))
        .load_iter::<(i64, String, String, i32, String, i64), _>(db)?;
    for row in rows {
        let (id, key, recognition, number, side, amount) = row?;
        let what = || format!("journal entry {id}");
        let account = account(number, id)?;
        let recognition: Recognition = code(&recognition, what)?;
        let amount = account.growth(code(&side, what)?, Micros(amount));
        held.entry((code(&key, what)?, account)).or_default().add(recognition, amount);
    }
    Ok(held)
}
