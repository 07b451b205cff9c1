//! Closed months, what their closes were decided from, and the facts behind the steps.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::db::conn::Db;
use crate::db::dispute::{decided_and_settled_unscoped, waivers_proposed_unscoped};
use crate::db::import::ImportRecord;
use crate::db::schema::{
    accruals, close_checks, close_override_decisions, close_overrides, expected_charges, imports,
    period_closes, stale_cells,
};
use crate::db::types::{Day, Instant};
use crate::db::{DbError, currency_of};
use crate::domain::books::close::{Decision, OpenItems, Override};
use crate::domain::currency::Currency;
use crate::domain::dispute::Sums;
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// What a currency is of that does not read back.
const DISPUTED: &str = "the currency of a disputed item";

/// A closed month.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = period_closes, treat_none_as_default_value = false)]
pub struct CloseRow {
    /// The month, such as `2025-06`.
    pub month: String,
    /// Its last day.
    pub last_day: Day,
    /// The user who closed it.
    pub closed_by_id: i64,
    /// Its name.
    pub closed_by: String,
    /// When.
    pub closed_at: Instant,
    /// The steps as they stood then, as JSON.
    pub steps: String,
    /// The newest seals of all partners then, as JSON.
    pub heads: String,
    /// One hash over them.
    pub ledger_sha256: String,
}

/// All closed months, newest first.
///
/// # Errors
/// The engine's reason.
pub fn close_list(db: &mut Db) -> QueryResult<Vec<CloseRow>> {
    period_closes::table.order(period_closes::last_day.desc()).select(CloseRow::as_select()).load(db)
}

/// One closed month; none while it is open.
///
/// # Errors
/// The engine's reason.
pub fn close_show(db: &mut Db, month: Period) -> QueryResult<Option<CloseRow>> {
    period_closes::table.find(month.to_string()).select(CloseRow::as_select()).first(db).optional()
}

/// Notes that a month is closed. The caller holds [`books_lock`](super::books_lock).
///
/// # Errors
/// The engine's reason.
pub fn close_insert(db: &mut Db, row: &CloseRow) -> QueryResult<()> {
    diesel::insert_into(period_closes::table).values(row).execute(db).map(drop)
}

/// A re-performance of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = close_checks, treat_none_as_default_value = false)]
pub struct CheckRow {
    /// Row id.
    pub id: i64,
    /// The month it was made for.
    pub month: String,
    /// Who asked.
    pub checked_by: String,
    /// When.
    pub checked_at: Instant,
    /// The state of the ledger it was made at.
    pub ledger_sha256: String,
    /// Entries looked at.
    pub entries: i64,
    /// What was wrong.
    pub problems: i64,
    /// The first of it, in words.
    pub first_problem: String,
}

/// Adds a re-performance.
///
/// # Errors
/// The engine's reason.
pub fn check_insert(db: &mut Db, row: &CheckRow) -> QueryResult<()> {
    diesel::insert_into(close_checks::table).values(row).execute(db).map(drop)
}

/// The newest re-performance: it is of the whole ledger, whichever month asked for it.
///
/// # Errors
/// The engine's reason.
pub fn check_newest(db: &mut Db) -> QueryResult<Option<CheckRow>> {
    close_checks::table.order(close_checks::id.desc()).select(CheckRow::as_select()).first(db).optional()
}

/// A request to pass over a step, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = close_overrides, treat_none_as_default_value = false)]
pub struct OverrideRow {
    /// Row id.
    pub id: i64,
    /// The month.
    pub month: String,
    /// The step's code.
    pub step: String,
    /// What was found when it was asked for.
    pub finding: String,
    /// Why.
    pub reason: String,
    /// The user who asked.
    pub asked_by_id: i64,
    /// Its name.
    pub asked_by: String,
    /// When.
    pub asked_at: Instant,
}

/// A decision about it, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = close_override_decisions, treat_none_as_default_value = false)]
pub struct DecisionRow {
    /// The request.
    pub override_id: i64,
    /// Passed over, or not.
    pub is_approved: bool,
    /// In words.
    pub note: String,
    /// The user who decided.
    pub decided_by_id: i64,
    /// Its name.
    pub decided_by: String,
    /// When.
    pub decided_at: Instant,
}

/// Adds a request.
///
/// # Errors
/// The engine's reason.
pub fn override_insert(db: &mut Db, row: &OverrideRow) -> QueryResult<()> {
    diesel::insert_into(close_overrides::table).values(row).execute(db).map(drop)
}

/// Adds a decision.
///
/// # Errors
/// The engine's reason; there is one decision a request.
pub fn decision_insert(db: &mut Db, row: &DecisionRow) -> QueryResult<()> {
    diesel::insert_into(close_override_decisions::table).values(row).execute(db).map(drop)
}

/// The month a request is about; none when there is no such request.
///
/// # Errors
/// The engine's reason, or a month that does not read back.
pub fn override_month(db: &mut Db, id: i64) -> Result<Option<Period>, DbError> {
    let month: Option<String> =
        close_overrides::table.find(id).select(close_overrides::month).first(db).optional()?;
    month.map(|text| text.parse()).transpose().map_err(|error: crate::domain::period::BadPeriod| {
        DbError::Stored { what: format!("the override {id}"), reason: error.to_string() }
    })
}

/// The requests of a month with their decisions, oldest first.
///
/// # Errors
/// The engine's reason, or a step that does not read back.
pub fn overrides_of(db: &mut Db, month: Period) -> Result<Vec<Override>, DbError> {
    let rows: Vec<(OverrideRow, Option<DecisionRow>)> = close_overrides::table
        .left_join(
            close_override_decisions::table.on(close_override_decisions::override_id.eq(close_overrides::id)),
        )
        .filter(close_overrides::month.eq(month.to_string()))
        .order(close_overrides::id)
        .select((OverrideRow::as_select(), Option::<DecisionRow>::as_select()))
        .load(db)?;
    rows.into_iter()
        .map(|(row, decision)| {
            let step = row.step.parse().map_err(|error: crate::domain::field::BadCode| DbError::Stored {
                what: format!("the override {}", row.id),
                reason: error.to_string(),
            })?;
            let decision = decision.map(|row| Decision {
                is_approved: row.is_approved,
                note: row.note,
                by: row.decided_by,
            });
            Ok(Override {
                id: row.id,
                step,
                finding: row.finding,
                reason: row.reason,
                asked_by: row.asked_by,
                asked_by_id: row.asked_by_id,
                decision,
            })
        })
        .collect()
}

/// Imports that began at or after `since`, or still run, oldest first. They name no partner.
///
/// # Errors
/// The engine's reason.
pub fn imports_since(db: &mut Db, since: Instant) -> QueryResult<Vec<ImportRecord>> {
    imports::table
        .filter(imports::started_at.ge(since).or(imports::state.eq("RUNNING")))
        .order(imports::id)
        .select(ImportRecord::as_select())
        .load(db)
}

/// Days of partners in a month that wait to be summed.
///
/// # Errors
/// The engine's reason.
pub fn days_waiting(db: &mut Db, month: Period) -> QueryResult<i64> {
    stale_cells::table
        .filter(stale_cells::source_day.ge(Day(month.start())))
        .filter(stale_cells::source_day.lt(Day(month.end())))
        .count()
        .get_result(db)
}

/// Shipments of a month that no contract could price.
///
/// # Errors
/// The engine's reason.
pub fn unrated_in(db: &mut Db, month: Period) -> QueryResult<i64> {
    expected_charges::table
        // Written out, so that SQLite sees the part of the table that its index covers.
        .filter(sql::<Bool>("expected_charges.status = 'UNRATED'"))
        .filter(expected_charges::obligation_day.ge(Day(month.start())))
        .filter(expected_charges::obligation_day.lt(Day(month.end())))
        .count()
        .get_result(db)
}

/// Disputed items with obligations up to the end of a month that wait for our answer, of all partners, and what is left of
/// them: a disputed item of which a line was waived or reduced counts for the rest, as it does in the inbox.
///
/// # Errors
/// The engine's reason, or a currency that does not read back.
pub fn disputes_waiting_unscoped(db: &mut Db, month: Period) -> Result<OpenItems, DbError> {
    let items: Vec<(i64, String, String, i64)> = accruals::table
        // Written out, so that both engines see the part of the table that its index covers.
        .filter(sql::<Bool>("accruals.state = 'DISPUTED'"))
        .filter(accruals::obligation_day.lt(Day(month.end())))
        .select((accruals::partner_id, accruals::obligation_key, accruals::currency, accruals::target_micros))
        .load(db)?;
    let mut open =
        OpenItems { items: i64::try_from(items.len()).unwrap_or(i64::MAX), ..OpenItems::default() };
    let mut done = decided_and_settled_unscoped(db, month.end())?;
    let mut sums: BTreeMap<Currency, Micros> = BTreeMap::new();
    for (partner_id, key, currency, target) in items {
        let (given_up, settled) = done.remove(&(partner_id, key)).unwrap_or_default();
        let left = Sums { target: Micros(target), given_up, settled }.outstanding();
        let sum = sums.entry(currency_of(&currency, DISPUTED)?).or_default();
        *sum = *sum + left.abs();
    }
    open.amounts = sums.into_iter().collect();
    Ok(open)
}

/// Waivers proposed for items with obligations up to the end of a month that a second person has not decided, of all partners.
///
/// # Errors
/// The engine's reason, or a currency that does not read back.
pub fn waivers_waiting_unscoped(db: &mut Db, month: Period) -> Result<OpenItems, DbError> {
    let mut sums: BTreeMap<Currency, Micros> = BTreeMap::new();
    let mut open = OpenItems::default();
    for waiver in waivers_proposed_unscoped(db, month.end())? {
        open.items += 1;
        let sum = sums.entry(currency_of(&waiver.currency, DISPUTED)?).or_default();
        *sum = *sum + waiver.amount;
    }
    open.amounts = sums.into_iter().collect();
    Ok(open)
}
