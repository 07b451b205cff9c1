//! Under which numbers and names accounts are shown and exported. Only added to; the newest counts.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::chart_accounts;
use crate::db::types::Instant;
use crate::domain::books::chart::{Called, Chart};
use crate::domain::ledger::Account;

/// How an account was called from some moment on.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = chart_accounts, treat_none_as_default_value = false)]
pub struct ChartRow {
    /// Our account number.
    pub account: i32,
    /// 1, 2, … of the account.
    pub seq: i32,
    /// Number in the general ledger.
    pub number: String,
    /// Name there.
    pub name: String,
    /// The user who set it.
    pub set_by_id: i64,
    /// Its name.
    pub set_by: String,
    /// When.
    pub set_at: Instant,
}

/// Every row there ever was, newest of each account first.
///
/// # Errors
/// The engine's reason.
pub fn chart_history(db: &mut Db) -> QueryResult<Vec<ChartRow>> {
    chart_accounts::table
        .order((chart_accounts::account, chart_accounts::seq.desc()))
        .select(ChartRow::as_select())
        .load(db)
}

/// The chart as it is now.
///
/// # Errors
/// The engine's reason, or a number of no account.
pub fn chart(db: &mut Db) -> Result<Chart, DbError> {
    let mut set: BTreeMap<Account, Called> = BTreeMap::new();
    for row in chart_history(db)? {
        let account = Account::from_number(row.account).map_err(|error| DbError::Stored {
            what: "the chart of accounts".to_owned(),
            reason: error.to_string(),
        })?;
        set.entry(account).or_insert(Called { number: row.number, name: row.name });
    }
    Ok(Chart::of(set))
}

/// Adds how an account is called from now on.
///
/// # Errors
/// The engine's reason.
pub fn chart_insert(db: &mut Db, row: &ChartRow) -> QueryResult<()> {
    diesel::insert_into(chart_accounts::table).values(row).execute(db).map(drop)
}
