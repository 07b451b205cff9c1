//! What is expected to be accrued for a partner in a month. Only added to; the newest counts.

use diesel::prelude::*;

use crate::db::conn::Db;
use crate::db::schema::budgets;
use crate::db::shipment::partner_filter;
use crate::db::types::Instant;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// A budget as set.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = budgets, treat_none_as_default_value = false)]
pub struct BudgetRow {
    /// The carrier.
    pub partner_id: i64,
    /// The month, such as `2025-06`.
    pub month: String,
    /// 1, 2, … of partner and month.
    pub seq: i32,
    /// Net amount in millionths: what the carrier is to owe us less what we are to owe it.
    pub amount_micros: i64,
    /// Currency.
    pub currency: String,
    /// The user who set it.
    pub set_by_id: i64,
    /// Its name.
    pub set_by: String,
    /// When.
    pub set_at: Instant,
}

/// Every budget ever set for months of `[from, until]` that the viewer may see: by partner and month, newest first.
///
/// # Errors
/// The engine's reason.
pub fn budgets_of(
    db: &mut Db,
    viewer: &Viewer,
    (from, until): (Period, Period),
) -> QueryResult<Vec<BudgetRow>> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let mut query = budgets::table
        .filter(budgets::month.ge(from.to_string()))
        .filter(budgets::month.le(until.to_string()))
        .order((budgets::partner_id, budgets::month, budgets::seq.desc()))
        .select(BudgetRow::as_select())
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(budgets::partner_id.eq(partner_id));
    }
    query.load(db)
}

/// Adds a budget.
///
/// # Errors
/// The engine's reason.
pub fn budget_insert(db: &mut Db, row: &BudgetRow) -> QueryResult<()> {
    diesel::insert_into(budgets::table).values(row).execute(db).map(drop)
}
