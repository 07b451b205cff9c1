//! What a partner may see of its own items.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::items::signs_of;
use super::{AccrualRow, beside_of, stored};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{accruals, clauses, journal_entries, journal_lines, shipments, sources};
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, ObligationKey, Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::{Account, ItemState, Side};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::{Role, Viewer};

/// What a partner may see of one item: what it comes to and why. Nothing of recognition, accounts or
/// amounts the caps took, and nothing before it was assessed (DOMAIN §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerCredit {
    /// The obligation.
    pub key: ObligationKey,
    /// The clause's number in the contract.
    pub clause_code: String,
    /// What the clause is about.
    pub clause_title: String,
    /// Who owes: a penalty is the partner's, a bonus the shipper's.
    pub sign: Sign,
    /// The KPI of a clause about a period.
    pub kpi: Option<String>,
    /// The period it is booked for.
    pub period: Period,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
    /// What is owed.
    pub amount: Micros,
    /// Currency of the amount.
    pub currency: Currency,
    /// Assessed or later, or reversed after that.
    pub state: ItemState,
    /// Whether the caps took all of it: then it was never owed.
    pub is_capped_away: bool,
    /// How it came about, in words.
    pub steps: Vec<String>,
}

/// What a partner may see: what it was told, and what was taken back after that. What is only estimated or accrued is
/// nobody's claim yet (DOMAIN §9).
macro_rules! told {
    () => {
        accruals::state
            .eq_any(ItemState::TOLD.map(ItemState::code))
            .or(accruals::state.eq(ItemState::Reversed.code()).and(accruals::assessed_on.is_not_null()))
    };
}

/// Days with items that one partner may see itself, newest first; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn partner_credit_days(db: &mut Db, viewer: &Viewer, partner_id: i64) -> QueryResult<Vec<NaiveDate>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let days: Vec<Day> = accruals::table
        .filter(accruals::partner_id.eq(partner_id))
        .filter(told!())
        .select(accruals::obligation_day)
        .distinct()
        .order(accruals::obligation_day.desc())
        .load(db)?;
    Ok(days.into_iter().map(|day| day.0).collect())
}

/// What stands of one partner's items of all time that it may see itself, by currency and who owes; nothing when
/// the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn partner_credit_sums(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<Vec<(Currency, Sign, Micros)>, DbError> {
    credit_sums(db, viewer, partner_id, &ItemState::TOLD, None)
}

/// What stands of one partner's items with obligations in `[from, until)`, by currency and who owes, as far as the viewer may
/// see them: the partner what it was told, the shipper's people all but what was reversed.
///
/// # Errors
/// As [`partner_credit_sums`].
pub fn credit_sums_between(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<(Currency, Sign, Micros)>, DbError> {
    let standing: Vec<ItemState> = match viewer.role {
        Role::Partner => ItemState::TOLD.into(),
        _ => ItemState::ALL.iter().copied().filter(|state| *state != ItemState::Reversed).collect(),
    };
    credit_sums(db, viewer, partner_id, &standing, Some(days))
}

fn credit_sums(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    states: &[ItemState],
    days: Option<(NaiveDate, NaiveDate)>,
) -> Result<Vec<(Currency, Sign, Micros)>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let mut query = accruals::table
        .filter(accruals::partner_id.eq(partner_id))
        .filter(accruals::state.eq_any(states.iter().map(|state| state.code())))
        .group_by((accruals::clause_id, accruals::currency))
        .select((
            accruals::clause_id,
            accruals::currency,
            sql::<BigInt>("CAST(SUM(accruals.target_micros) AS BIGINT)"),
        ))
        .into_boxed();
    if let Some((from, until)) = days {
        let day = accruals::obligation_day;
        query = query.filter(day.ge(Day(from)).and(day.lt(Day(until))));
    }
    let mut rows: Vec<(i64, String, i64)> = query.load(db)?;
    rows.extend(waived_sums(db, partner_id, days)?);
    let ids: BTreeSet<i64> = rows.iter().map(|(clause, ..)| *clause).collect();
    let signs = signs_of(db, ids)?;
    rows.into_iter()
        .filter_map(|(clause, currency, micros)| Some((currency, *signs.get(&clause)?, micros)))
        .map(|(currency, sign, micros)| {
            let currency = currency
                .parse()
                .map_err(|error| stored(format!("a currency of partner {partner_id}"), &error))?;
            Ok((currency, sign, Micros(micros)))
        })
        .collect()
}

/// What decisions on disputes took back, by clause and currency, as negative amounts: it is owed no more.
fn waived_sums(
    db: &mut Db,
    partner_id: i64,
    days: Option<(NaiveDate, NaiveDate)>,
) -> QueryResult<Vec<(i64, String, i64)>> {
    let mut query = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::reason.eq(Reason::Dispute.code()))
        .filter(journal_lines::account.eq(Account::CreditAssessed.number()))
        .select((
            journal_entries::clause_id,
            journal_lines::currency,
            journal_lines::side,
            journal_lines::amount_micros,
        ))
        .into_boxed();
    if let Some((from, until)) = days {
        let day = journal_entries::obligation_day;
        query = query.filter(day.ge(Day(from)).and(day.lt(Day(until))));
    }
    let rows: Vec<(i64, String, String, i64)> = query.load(db)?;
    let signed = |side: &str, amount: i64| if side == Side::Debit.code() { amount } else { -amount };
    Ok(rows
        .into_iter()
        .map(|(clause, currency, side, amount)| (clause, currency, signed(&side, amount)))
        .collect())
}

/// The items of one partner that it may see itself with obligations in `[from, until)`, newest first, at most
/// `limit`; empty when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn partner_credit_list(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    (from, until): (NaiveDate, NaiveDate),
    limit: i64,
) -> Result<Vec<PartnerCredit>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<(AccrualRow, String, String, String)> = accruals::table
        .inner_join(clauses::table.on(clauses::id.eq(accruals::clause_id)))
        .filter(accruals::partner_id.eq(partner_id))
        .filter(told!())
        .filter(accruals::obligation_day.ge(Day(from)))
        .filter(accruals::obligation_day.lt(Day(until)))
        .order((accruals::obligation_day.desc(), accruals::obligation_key))
        .limit(limit)
        .select((AccrualRow::as_select(), clauses::code, clauses::title, clauses::terms))
        .load(db)?;
    let beside = beside_of(db, viewer, partner_id, None)?;
    rows.into_iter()
        .map(|(row, clause_code, clause_title, terms)| {
            let accrual = row.read()?;
            let waived = beside.get(&accrual.key).map_or(Micros::ZERO, |beside| beside.waived);
            let terms = ClauseTerms::from_json(&terms)
                .map_err(|error| stored(format!("clause {clause_code} of partner {partner_id}"), &error))?;
            Ok(PartnerCredit {
                key: accrual.key,
                clause_code,
                clause_title,
                sign: terms.sign,
                kpi: terms.rule.kpi().map(str::to_owned),
                period: accrual.period,
                obligation_day: accrual.obligation_day,
                amount: accrual.target - waived,
                currency: accrual.currency,
                is_capped_away: accrual.is_capped_away(),
                state: accrual.state,
                steps: accrual.steps,
            })
        })
        .collect()
}

/// Feed and number of the shipments behind these obligations, by shipment id; of a shipment that is not due on
/// its day any more there is none.
///
/// # Errors
/// The engine's reason.
pub fn credit_shipments(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    obligations: &[(NaiveDate, i64)],
) -> QueryResult<BTreeMap<i64, (String, String)>> {
    if !viewer.sees(partner_id) {
        return Ok(BTreeMap::new());
    }
    let days: BTreeSet<Day> = obligations.iter().map(|(day, _)| Day(*day)).collect();
    let rows: Vec<(i64, String, String)> = shipments::table
        .inner_join(sources::table.on(sources::id.eq(shipments::source_id)))
        .filter(shipments::obligation_day.eq_any(days))
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::id.eq_any(obligations.iter().map(|(_, id)| *id)))
        .select((shipments::id, sources::code, shipments::reference))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, source, reference)| (id, (source, reference))).collect())
}
