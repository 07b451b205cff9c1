//! What bonuses, rebates, shortfalls and earn-backs come to by clause and by the state of their items, and what of it is settled.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, clauses, journal_entries, journal_lines};
use crate::db::shipment::partner_filter;
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::{Account, ItemState, JournalLine, settlement_effect};
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
    /// Who owes, and for what; never a service credit.
    pub sign: Sign,
    /// Currency.
    pub currency: Currency,
    /// Where the items stand.
    pub state: ItemState,
    /// How many.
    pub items: i64,
    /// What they come to.
    pub amount: Micros,
    /// What of it is settled; more than the amount where an item that was settled came to less since.
    pub settled: Micros,
}

/// Partner, clause, currency and state of some items.
type Place = (i64, i64, String, String);

/// Items of clauses that do not penalise, with obligations in `period`, as far as the viewer may see them.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn incentive_sums(db: &mut Db, viewer: &Viewer, period: Period) -> Result<Vec<IncentiveSum>, DbError> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let mut programmes: BTreeMap<i64, (String, String, Sign)> = BTreeMap::new();
    let all: Vec<(i64, String, String, String)> =
        clauses::table.select((clauses::id, clauses::code, clauses::title, clauses::terms)).load(db)?;
    for (id, code, title, terms) in all {
        let terms = ClauseTerms::from_json(&terms)
            .map_err(|error| stored(&format!("clause {code}"), error.to_string()))?;
        if terms.sign != Sign::Penalty {
            programmes.insert(id, (code, title, terms.sign));
        }
    }
    let ids: Vec<i64> = programmes.keys().copied().collect();
    let columns = (accruals::partner_id, accruals::clause_id, accruals::currency, accruals::state);
    let mut query = accruals::table
        .filter(accruals::obligation_day.ge(Day(period.start())))
        .filter(accruals::obligation_day.lt(Day(period.end())))
        .filter(accruals::clause_id.eq_any(&ids))
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
    let rows: Vec<(Place, i64, Option<i64>)> = query.load(db)?;
    let settled = settled(db, partner, period, &ids)?;
    rows.into_iter()
        .filter_map(|(place, items, amount)| {
            let (clause, title, sign) = programmes.get(&place.1)?.clone();
            let settled = settled.get(&place).copied().unwrap_or_default();
            let (partner_id, _, currency, state) = place;
            let read = || {
                Ok(IncentiveSum {
                    partner_id,
                    clause,
                    title,
                    sign,
                    currency: currency.parse().map_err(|error: crate::domain::currency::BadCurrency| {
                        stored("the currency of an item", error.to_string())
                    })?,
                    state: state.parse().map_err(|error: crate::domain::field::BadCode| {
                        stored("the state of an item", error.to_string())
                    })?,
                    items,
                    amount: Micros(amount.unwrap_or(0)),
                    settled,
                })
            };
            Some(read())
        })
        .collect()
}

fn stored(what: &str, reason: String) -> DbError {
    DbError::Stored { what: what.to_owned(), reason }
}

/// What settlements paid of the items of these clauses, by the place of the item. Items first, then their entries by key:
/// few items are of clauses that pay.
fn settled(
    db: &mut Db,
    partner: Option<i64>,
    period: Period,
    clauses: &[i64],
) -> Result<BTreeMap<Place, Micros>, DbError> {
    let columns = (accruals::partner_id, accruals::clause_id, accruals::currency, accruals::state);
    let mut query = accruals::table
        .inner_join(
            journal_entries::table.on(journal_entries::partner_id
                .eq(accruals::partner_id)
                .and(journal_entries::obligation_key.eq(accruals::obligation_key))),
        )
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(accruals::obligation_day.ge(Day(period.start())))
        .filter(accruals::obligation_day.lt(Day(period.end())))
        .filter(accruals::clause_id.eq_any(clauses))
        .filter(journal_entries::reason.eq(Reason::Settlement.code()))
        .select((columns, journal_lines::account, journal_lines::side, journal_lines::amount_micros))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(accruals::partner_id.eq(partner_id));
    }
    let rows: Vec<(Place, i32, String, i64)> = query.load(db)?;
    let mut sums: BTreeMap<Place, Micros> = BTreeMap::new();
    for (place, number, side, amount) in rows {
        let what = "a line that settles an item";
        let line = JournalLine {
            line_no: 1,
            account: Account::from_number(number).map_err(|error| stored(what, error.to_string()))?,
            side: side
                .parse()
                .map_err(|error: crate::domain::field::BadCode| stored(what, error.to_string()))?,
            amount: Micros(amount),
            currency: place
                .2
                .parse()
                .map_err(|error: crate::domain::currency::BadCurrency| stored(what, error.to_string()))?,
        };
        if let Some(effect) = settlement_effect(&line) {
            let sum = sums.entry(place).or_default();
            *sum = *sum + effect;
        }
    }
    Ok(sums)
}
