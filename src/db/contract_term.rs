//! The contract's own part as it was written down each time it changed. The database itself refuses to change or remove
//! a row.

use diesel::dsl::max;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::contract::{Contract, ContractRow};
use super::schema::contract_terms;
use super::types::{Day, Instant};
use crate::domain::known::TermRecord;
use crate::domain::viewer::Viewer;

/// Written down when it changed.
const WRITTEN: &str = "WRITTEN";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_terms)]
struct TermRow {
    contract_id: i64,
    seq: i32,
    partner_id: i64,
    recorded_at: Instant,
    origin: String,
    number: String,
    title: String,
    currency: String,
    term_start: Day,
    term_end: Day,
    renewal: String,
    renewal_months: i32,
    notice_days: i32,
    status: String,
}

/// Writes down what a contract says from `at` on. In the transaction that changes the contract.
///
/// # Errors
/// The engine's reason.
pub(super) fn term_record(db: &mut Db, row: &ContractRow, at: Instant) -> QueryResult<()> {
    let last: Option<i32> = contract_terms::table
        .filter(contract_terms::contract_id.eq(row.id))
        .select(max(contract_terms::seq))
        .first(db)?;
    let term = TermRow {
        contract_id: row.id,
        seq: last.unwrap_or(0).saturating_add(1),
        partner_id: row.partner_id,
        recorded_at: at,
        origin: WRITTEN.to_owned(),
        number: row.number.clone(),
        title: row.title.clone(),
        currency: row.currency.clone(),
        term_start: row.term_start,
        term_end: row.term_end,
        renewal: row.renewal.clone(),
        renewal_months: row.renewal_months,
        notice_days: row.notice_days,
        status: row.status.clone(),
    };
    diesel::insert_into(contract_terms::table).values(&term).execute(db)?;
    Ok(())
}

/// What a contract said, in the order in which it was written down; nothing when the viewer may not see its partner.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn term_list(db: &mut Db, viewer: &Viewer, contract: &Contract) -> Result<Vec<TermRecord>, DbError> {
    if !viewer.sees(contract.partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<TermRow> = contract_terms::table
        .filter(contract_terms::contract_id.eq(contract.id))
        .order(contract_terms::seq.asc())
        .select(TermRow::as_select())
        .load(db)?;
    rows.into_iter()
        .map(|row| {
            let (at, taken_over) = (row.recorded_at.0, row.origin != WRITTEN);
            let read = ContractRow {
                id: row.contract_id,
                partner_id: row.partner_id,
                number: row.number,
                title: row.title,
                currency: row.currency,
                term_start: row.term_start,
                term_end: row.term_end,
                renewal: row.renewal,
                renewal_months: row.renewal_months,
                notice_days: row.notice_days,
                status: row.status,
                created_by: String::new(),
                created_at: row.recorded_at,
            }
            .read()?;
            Ok(TermRecord { at, title: read.title, term: read.term, taken_over })
        })
        .collect()
}
