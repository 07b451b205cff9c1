//! The books: which months are closed, what a close was decided from, the chain of entries, sums by month, exports.
//!
//! Closing a month and posting into it wait for each other ([`books_lock`], [`posting_lock`]); a trigger on both engines
//! refuses an entry in a closed month whoever writes it.

mod budget;
mod chain;
mod chart;
mod close;
mod export;
mod incentive;
mod layout;
mod months;
mod stamp;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::dialect::{transaction_lock, transaction_lock_shared};
use super::schema::{journal_entries, period_closes};
use super::setting::{BOOKS_CLOSED_THROUGH, setting};
use super::types::Day;

pub use budget::{BudgetRow, budget_insert, budgets_of};
pub use chain::{
    chain_begin, chain_extend, chain_unsealed, heads, sealed_entries_unscoped, sealed_unscoped, seals_of,
};
pub use chart::{ChartRow, chart, chart_history, chart_insert};
pub use close::{
    CheckRow, CloseRow, DecisionRow, OverrideRow, check_insert, check_newest, close_insert, close_list,
    close_show, days_waiting, decision_insert, disputes_waiting_unscoped, imports_since, override_insert,
    override_month, overrides_of, unrated_in, waivers_waiting_unscoped,
};
pub use export::{
    BatchRow, MonthSum, batch_content_unscoped, batch_entries_insert, batch_insert, batch_list, batch_newest,
    batch_of, batch_show, clause_terms_unscoped, exported_count, exported_sums_unscoped,
    unexported_entries_unscoped, unexported_sums_unscoped,
};
pub use incentive::{IncentiveSum, incentive_sums};
pub use layout::{LayoutRow, layout_insert, layout_list, layout_newest, layout_show};
pub use months::{
    AccountSum, balances_carry, carried_differences_unscoped, gl_count, gl_sums_unscoped, month_add,
    month_differences_unscoped, month_movements, month_openings, month_totals,
};
pub use stamp::{LedgerStamp, StepsStamp, ledger_stamp, steps_stamp};

/// The name of the lock between posting and closing; the trigger on PostgreSQL takes it too.
const BOOKS: &str = "books";

/// Until the end of the transaction nobody else posts or closes.
///
/// # Errors
/// The engine's reason.
pub fn books_lock(db: &mut Db) -> QueryResult<()> {
    transaction_lock(db, BOOKS)
}

/// Until the end of the transaction nobody closes a month; others may post.
///
/// # Errors
/// The engine's reason.
pub fn posting_lock(db: &mut Db) -> QueryResult<()> {
    transaction_lock_shared(db, BOOKS)
}

/// The last closed day of the books: that of the newest closed month, or of what was closed elsewhere before
/// ([`BOOKS_CLOSED_THROUGH`]), whichever is later.
///
/// # Errors
/// The engine's reason, or a setting that is no day.
pub fn closed_through(db: &mut Db) -> Result<Option<NaiveDate>, DbError> {
    let months: Option<Day> = period_closes::table
        .select(period_closes::last_day)
        .order(period_closes::last_day.desc())
        .first(db)
        .optional()?;
    let before = read_closed_through(setting(db, BOOKS_CLOSED_THROUGH)?.as_deref())?;
    Ok(months.map(|day| day.0).max(before))
}

/// The day that [`BOOKS_CLOSED_THROUGH`] names.
fn read_closed_through(text: Option<&str>) -> Result<Option<NaiveDate>, DbError> {
    text.map(str::parse).transpose().map_err(|error: chrono::ParseError| DbError::Stored {
        what: format!("setting `{BOOKS_CLOSED_THROUGH}`"),
        reason: error.to_string(),
    })
}

/// The first day on which anything was posted.
///
/// # Errors
/// The engine's reason.
pub fn first_posting_day_unscoped(db: &mut Db) -> QueryResult<Option<NaiveDate>> {
    let first: Option<Day> = journal_entries::table
        .select(journal_entries::posting_day)
        .order(journal_entries::posting_day)
        .first(db)
        .optional()?;
    Ok(first.map(|day| day.0))
}
