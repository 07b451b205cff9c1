//! The books: closing months, roll-forward, exports to the general ledger and their reconciliation, the chart of accounts,
//! budgets and what incentives come to.

pub mod budget;
pub mod chain;
pub mod chart;
pub mod close;
pub mod export;
pub mod incentive;
pub mod layout;
pub mod reconcile;
pub mod roll;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use crate::db::books::{closed_through, first_posting_day_unscoped};
use crate::db::{Db, DbError};
use crate::domain::books::first_open_month;
use crate::domain::period::Period;

/// The first month that takes entries.
///
/// # Errors
/// The database's reason.
pub fn open_month(db: &mut Db, today: NaiveDate) -> Result<Period, DbError> {
    let closed = closed_through(db)?;
    let first = first_posting_day_unscoped(db)?;
    Ok(first_open_month(closed, first, today))
}
