//! What bonuses, rebates and shared gains come to by clause and by the state of their items.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, clauses};
use crate::db::shipment::partner_filter;
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// Items of one clause in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncentiveSum {
    /// The carrier.
    pub partner_id: i64,
    /// The clause's number in the contract.
    pub clause: String,
    /// What it is about.
    pub title: String,
    /// Currency.
    pub currency: Currency,
    /// Where the items stand.
    pub state: ItemState,
    /// How many.
    pub items: i64,
    /// What they come to.
    pub amount: Micros,
}

/// Items of clauses that do not penalise, with obligations in `period`, as far as the viewer may see them.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn incentive_sums(db: &mut Db, viewer: &Viewer, period: Period) -> Result<Vec<IncentiveSum>, DbError> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let stored = |what: &str, reason: String| DbError::Stored { what: what.to_owned(), reason };
    let mut programmes: BTreeMap<i64, (String, String)> = BTreeMap::new();
    let all: Vec<(i64, String, String, String)> =
        clauses::table.select((clauses::id, clauses::code, clauses::title, clauses::terms)).load(db)?;
    for (id, code, title, terms) in all {
        let terms = ClauseTerms::from_json(&terms)
            .map_err(|error| stored(&format!("clause {code}"), error.to_string()))?;
        if terms.sign != Sign::Penalty {
            programmes.insert(id, (code, title));
        }
    }
    let columns = (accruals::partner_id, accruals::clause_id, accruals::currency, accruals::state);
    let mut query = accruals::table
        .filter(accruals::obligation_day.ge(Day(period.start())))
        .filter(accruals::obligation_day.lt(Day(period.end())))
        .filter(accruals::clause_id.eq_any(programmes.keys().copied().collect::<Vec<_>>()))
        .group_by(columns)
        .select((
            columns,
            diesel::dsl::count_star(),
            sql::<Nullable<BigInt>>("CAST(SUM(accruals.target_micros) AS BIGINT)"),
        ))
        .order(columns)
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(accruals::partner_id.eq(partner_id));
    }
    type Row = ((i64, i64, String, String), i64, Option<i64>);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter()
        .filter_map(|((partner_id, clause_id, currency, state), items, amount)| {
            let (clause, title) = programmes.get(&clause_id)?.clone();
            let read = || {
                Ok(IncentiveSum {
                    partner_id,
                    clause,
                    title,
                    currency: currency.parse().map_err(|error: crate::domain::currency::BadCurrency| {
                        stored("the currency of an item", error.to_string())
                    })?,
                    state: state.parse().map_err(|error: crate::domain::field::BadCode| {
                        stored("the state of an item", error.to_string())
                    })?,
                    items,
                    amount: Micros(amount.unwrap_or(0)),
                })
            };
            Some(read())
        })
        .collect()
}
