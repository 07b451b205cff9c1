//! Items that wait to be assessed. Asked by the job only.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{Accrual, AccrualRow, stored};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, clauses, journal_entries};
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, Sign};
use crate::domain::ledger::ItemState;
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
