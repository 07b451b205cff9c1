//! The books: closing months, exports to the general ledger, their reconciliation, what incentives come to, budgets, and how
//! accounts are called. [`super::ledger`] is the month itself.

pub mod accounts;
pub mod budget;
pub mod close;
pub mod export;
pub mod incentive;
pub mod layout;
pub mod reconcile;
pub mod roll;

use serde::Deserialize;

use super::ledger::month_of;
use super::page::WebError;
use crate::domain::period::Period;

/// The month in the query of a page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MonthParams {
    month: String,
}

impl MonthParams {
    fn month(&self) -> Result<Option<Period>, WebError> {
        month_of(&self.month)
    }
}

/// Months around one, to go to: (title, address, is the one).
fn around(month: Period, path: &str) -> Vec<(String, String, bool)> {
    let way = |one: Period| (one.title(), format!("{path}?month={one}"), one == month);
    vec![way(month.previous()), way(month), way(month.next())]
}
