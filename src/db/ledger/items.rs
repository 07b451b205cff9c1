//! Items with what their pages and rules need: the clause, the contract, and what disputes and settlements posted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{Accrual, AccrualRow, KEYS_PER_STATEMENT, account, code, stored};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{
    accruals, clauses, contract_versions, contracts, item_notices, item_steps, journal_entries,
    journal_lines, partners,
};
use crate::db::shipment::partner_filter;
use crate::db::types::Day;
use crate::domain::clause::{ClauseTerms, ObligationKey, Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::dispute::StepKind;
use crate::domain::ledger::{
    Account, Held, ItemState, JournalLine, Recognition, settled_account, settlement_effect, waiver_effect,
};
use crate::domain::money::Micros;
use crate::domain::viewer::{Role, Viewer};
use crate::on_engine;

/// An item with what its pages name.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// The item.
    pub accrual: Accrual,
    /// The carrier's name.
    pub partner_name: String,
    /// The contract.
    pub contract_id: i64,
    /// Its number.
    pub contract: String,
    /// The clause's number in the contract.
    pub clause_code: String,
    /// What the clause is about.
    pub clause_title: String,
    /// The clause.
    pub terms: ClauseTerms,
}

impl ItemRow {
    /// Who owes.
    #[must_use]
    pub const fn sign(&self) -> Sign {
        self.terms.sign
    }
}

/// Which items to read.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// Only this partner.
    pub partner_id: Option<i64>,
    /// Only items in these states; all when empty.
    pub states: Vec<ItemState>,
    /// Only obligations on or after this day.
    pub from: Option<NaiveDate>,
    /// Only obligations before this day.
    pub until: Option<NaiveDate>,
    /// Only this obligation.
    pub key: Option<ObligationKey>,
    /// Only this clause.
    pub clause_id: Option<i64>,
}

/// The items of `filter` that the viewer may see, by partner and day, at most `limit`. A partner sees what it was told, and
/// what was taken back after that.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn item_list(
    db: &mut Db,
    viewer: &Viewer,
    filter: &ItemFilter,
    limit: i64,
) -> Result<Vec<ItemRow>, DbError> {
    let Some(asked) = partner_filter(viewer, filter.partner_id) else { return Ok(Vec::new()) };
    let mut query = accruals::table
        .inner_join(clauses::table.on(clauses::id.eq(accruals::clause_id)))
        .inner_join(contract_versions::table.on(contract_versions::id.eq(accruals::contract_version_id)))
        .inner_join(contracts::table.on(contracts::id.eq(contract_versions::contract_id)))
        .inner_join(partners::table.on(partners::id.eq(accruals::partner_id)))
        .select((
            AccrualRow::as_select(),
            partners::name,
            contracts::id,
            contracts::number,
            clauses::code,
            clauses::title,
            clauses::terms,
        ))
        .into_boxed();
    if let Some(id) = asked {
        query = query.filter(accruals::partner_id.eq(id));
    }
    if viewer.role == Role::Partner {
        query = query.filter(
            accruals::state
                .eq_any(ItemState::TOLD.map(ItemState::code))
                .or(accruals::state.eq(ItemState::Reversed.code()).and(accruals::assessed_on.is_not_null())),
        );
    }
    if !filter.states.is_empty() {
        let codes: Vec<&str> = filter.states.iter().map(|state| state.code()).collect();
        query = query.filter(accruals::state.eq_any(codes));
    }
    if let Some(from) = filter.from {
        query = query.filter(accruals::obligation_day.ge(Day(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(accruals::obligation_day.lt(Day(until)));
    }
    if let Some(key) = filter.key {
        query = query.filter(accruals::obligation_key.eq(key.to_string()));
    }
    if let Some(id) = filter.clause_id {
        query = query.filter(accruals::clause_id.eq(id));
    }
    type Row = (AccrualRow, String, i64, String, String, String, String);
    let rows: Vec<Row> = query
        .order((accruals::partner_id, accruals::obligation_day, accruals::obligation_key))
        .limit(limit)
        .load(db)?;
    rows.into_iter()
        .map(|(row, partner_name, contract_id, contract, clause_code, clause_title, terms)| {
            let terms = ClauseTerms::from_json(&terms)
                .map_err(|error| stored(format!("clause {clause_code} of contract {contract}"), &error))?;
            let accrual = row.read()?;
            Ok(ItemRow { accrual, partner_name, contract_id, contract, clause_code, clause_title, terms })
        })
        .collect()
}

/// What disputes and settlements did to one obligation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// What is posted as taken back by decisions on disputes.
    pub waived: Micros,
    /// What is posted as settled.
    pub settled: Micros,
    /// What decisions on disputes give up, posted or not.
    pub given_up: Micros,
}

/// What disputes and settlements did, by obligation, of one partner; nothing when the viewer may not see it. Only
/// obligations with any are named.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn beside_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: Option<ObligationKey>,
) -> Result<BTreeMap<ObligationKey, Beside>, DbError> {
    let mut found: BTreeMap<ObligationKey, Beside> = BTreeMap::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    let rows = match key {
        Some(key) => lines_of_key(db, partner_id, key)?,
        None => lines_of_partner(db, partner_id)?,
    };
    for row in rows {
        row.add_to(&mut found);
    }
    let mut query = item_steps::table
        .filter(item_steps::partner_id.eq(partner_id))
        .filter(item_steps::kind.eq(StepKind::Decided.code()))
        .select((item_steps::obligation_key, item_steps::amount_micros))
        .into_boxed();
    if let Some(key) = key {
        query = query.filter(item_steps::obligation_key.eq(key.to_string()));
    }
    for (key, amount) in query.load::<(String, i64)>(db)? {
        let key = code(&key, || format!("a decision of partner {partner_id}"))?;
        let beside = found.entry(key).or_default();
        beside.given_up = beside.given_up + Micros(amount);
    }
    Ok(found)
}

/// What one account holds of one obligation; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a line that does not read back.
pub fn held_of(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, key): (i64, ObligationKey),
    of: Account,
) -> Result<Held, DbError> {
    let mut held = Held::default();
    if !viewer.sees(partner_id) {
        return Ok(held);
    }
    for row in lines_of_key(db, partner_id, key)? {
        if row.line.account == of {
            held.post(&row.line, row.recognition);
        }
    }
    Ok(held)
}

/// What decisions on disputes give up of these obligations, one amount a decision.
pub(super) fn given_up_of(
    db: &mut Db,
    partner_id: i64,
    keys: &[String],
) -> Result<Vec<(ObligationKey, Micros)>, DbError> {
    let rows: Vec<(String, i64)> = item_steps::table
        .filter(item_steps::partner_id.eq(partner_id))
        .filter(item_steps::obligation_key.eq_any(keys))
        .filter(item_steps::kind.eq(StepKind::Decided.code()))
        .select((item_steps::obligation_key, item_steps::amount_micros))
        .load(db)?;
    let read = |(key, amount): (String, i64)| {
        Ok((code(&key, || format!("a decision of partner {partner_id}"))?, Micros(amount)))
    };
    rows.into_iter().map(read).collect()
}

/// A journal line with what its entry says.
pub(super) struct KeyedLine {
    pub key: ObligationKey,
    pub reason: Reason,
    pub recognition: Recognition,
    pub line: JournalLine,
}

impl KeyedLine {
    /// Adds what it says of a settlement or a decision, if it is of one.
    pub fn add_to(&self, found: &mut BTreeMap<ObligationKey, Beside>) {
        let is_settled = match self.reason {
            Reason::Settlement => true,
            Reason::Dispute => false,
            _ => return,
        };
        let effect = if is_settled { settlement_effect(&self.line) } else { waiver_effect(&self.line) };
        let Some(amount) = effect else { return };
        let beside = found.entry(self.key).or_default();
        let sum = if is_settled { &mut beside.settled } else { &mut beside.waived };
        *sum = *sum + amount;
    }
}

type KeyedRow = (i64, String, String, String, i32, String, i64, String);

fn keyed(
    (id, key, reason, recognition, number, side, amount, currency): KeyedRow,
) -> Result<KeyedLine, DbError> {
    let what = || format!("journal entry {id}");
    Ok(KeyedLine {
        key: code(&key, what)?,
        reason: code(&reason, what)?,
        recognition: code(&recognition, what)?,
        line: line((id, number, side, amount, currency))?,
    })
}

/// The lines of one obligation. Entries first, then their lines by number: joined, an engine may walk through every line of
/// the partner instead.
fn lines_of_key(db: &mut Db, partner_id: i64, key: ObligationKey) -> Result<Vec<KeyedLine>, DbError> {
    let entries: Vec<(i64, String, String)> = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::obligation_key.eq(key.to_string()))
        .select((journal_entries::id, journal_entries::reason, journal_entries::recognition))
        .load(db)?;
    let mut found = Vec::with_capacity(2 * entries.len());
    let entries: BTreeMap<i64, (String, String)> =
        entries.into_iter().map(|(id, reason, recognition)| (id, (reason, recognition))).collect();
    let ids: Vec<i64> = entries.keys().copied().collect();
    for (id, line) in lines_of_entries(db, partner_id, &ids)? {
        let Some((reason, recognition)) = entries.get(&id) else { continue };
        let what = || format!("journal entry {id}");
        let (reason, recognition) = (code(reason, what)?, code(recognition, what)?);
        found.push(KeyedLine { key, reason, recognition, line });
    }
    Ok(found)
}

/// The lines of some entries of a partner with the entry's id: of each five hundred by entry and number.
pub(super) fn lines_of_entries(
    db: &mut Db,
    partner_id: i64,
    entries: &[i64],
) -> Result<Vec<(i64, JournalLine)>, DbError> {
    let mut found = Vec::with_capacity(2 * entries.len());
    for ids in entries.chunks(KEYS_PER_STATEMENT) {
        let lines: Vec<LineRow> = journal_lines::table
            .filter(journal_lines::partner_id.eq(partner_id))
            .filter(journal_lines::entry_id.eq_any(ids))
            .order((journal_lines::entry_id, journal_lines::line_no))
            .select((
                journal_lines::entry_id,
                journal_lines::account,
                journal_lines::side,
                journal_lines::amount_micros,
                journal_lines::currency,
            ))
            .load(db)?;
        for row in lines {
            found.push((row.0, line(row)?));
        }
    }
    Ok(found)
}

type LineRow = (i64, i32, String, i64, String);

fn line((id, number, side, amount, currency): LineRow) -> Result<JournalLine, DbError> {
    let what = || format!("a line of journal entry {id}");
    Ok(JournalLine {
        line_no: 1,
        account: account(number, id)?,
        side: code(&side, what)?,
        amount: Micros(amount),
        currency: code(&currency, what)?,
    })
}

/// The lines of all decisions on disputes and settlements of a partner.
fn lines_of_partner(db: &mut Db, partner_id: i64) -> Result<Vec<KeyedLine>, DbError> {
    let rows: Vec<KeyedRow> = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::reason.eq_any([Reason::Dispute.code(), Reason::Settlement.code()]))
        .select((
            journal_entries::id,
            journal_entries::obligation_key,
            journal_entries::reason,
            journal_entries::recognition,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
            journal_lines::currency,
        ))
        .load(db)?;
    rows.into_iter().map(keyed).collect()
}

/// One posting on an account on which items stand until they are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountMove {
    /// The day it is posted on.
    pub posted_on: NaiveDate,
    /// The obligation.
    pub key: ObligationKey,
    /// What kind of debt it is.
    pub sign: Sign,
    /// Why.
    pub reason: Reason,
    /// What it adds to the account, on its normal side.
    pub amount: Micros,
    /// Currency of the amount.
    pub currency: Currency,
    /// What the entry says: of a settlement, the document and the item.
    pub memo: String,
}

/// An entry and its line as they are read: id, day, obligation, clause, reason, account, side, amount, currency, memo.
type MoveRow = (i64, Day, String, i64, String, i32, String, i64, String, String);

/// What was posted for a partner before `until` on the accounts on which items stand until they are settled, by day and entry;
/// nothing when the viewer may not see it. Moves from memo to general ledger change nothing and are left out. Not all of it was
/// told to the partner: what it may see is said by [`as_told`](crate::domain::statement::as_told) with [`notices_of_items`], and the
/// caller asks that for both sides.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn account_moves(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    until: NaiveDate,
) -> Result<Vec<AccountMove>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let accounts: BTreeSet<i32> = Sign::ALL.iter().map(|sign| settled_account(*sign).number()).collect();
    let rows: Vec<MoveRow> = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::posting_day.lt(Day(until)))
        .filter(journal_entries::reason.ne(Reason::Recognition.code()))
        .filter(journal_lines::account.eq_any(accounts))
        .order((journal_entries::posting_day, journal_entries::id))
        .select((
            journal_entries::id,
            journal_entries::posting_day,
            journal_entries::obligation_key,
            journal_entries::clause_id,
            journal_entries::reason,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
            journal_lines::currency,
            journal_entries::memo,
        ))
        .load(db)?;
    let signs = signs_of(db, rows.iter().map(|row| row.3).collect())?;
    rows.into_iter()
        .map(|(entry_id, day, key, clause_id, reason, number, side, amount, currency, memo)| {
            let what = || format!("journal entry {entry_id}");
            let account = account(number, entry_id)?;
            // What stands on an account is owed whether or not its clause can be found.
            let by_account = || Sign::ALL.iter().copied().find(|sign| settled_account(*sign) == account);
            let sign = signs.get(&clause_id).copied().or_else(by_account);
            Ok(AccountMove {
                posted_on: day.0,
                key: code(&key, what)?,
                sign: sign.ok_or_else(|| stored(what(), &format!("there is no clause {clause_id}")))?,
                reason: code(&reason, what)?,
                amount: account.growth(code(&side, what)?, Micros(amount)),
                currency: code(&currency, what)?,
                memo,
            })
        })
        .collect()
}

/// What kind of debt each of some clauses makes.
pub(super) fn signs_of(db: &mut Db, ids: BTreeSet<i64>) -> Result<BTreeMap<i64, Sign>, DbError> {
    let terms: Vec<(i64, String)> =
        clauses::table.filter(clauses::id.eq_any(ids)).select((clauses::id, clauses::terms)).load(db)?;
    let read = |(id, terms): (i64, String)| {
        let terms = ClauseTerms::from_json(&terms).map_err(|error| stored(format!("clause {id}"), &error))?;
        Ok((id, terms.sign))
    };
    terms.into_iter().map(read).collect()
}

/// The days on which a partner was told of items that move on no account when they are assessed, each in order; none when the
/// viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn notices_of_items(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<BTreeMap<ObligationKey, Vec<NaiveDate>>, DbError> {
    let mut found: BTreeMap<ObligationKey, Vec<NaiveDate>> = BTreeMap::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    let rows: Vec<(String, Day)> = item_notices::table
        .filter(item_notices::partner_id.eq(partner_id))
        .order((item_notices::obligation_key, item_notices::told_on))
        .select((item_notices::obligation_key, item_notices::told_on))
        .load(db)?;
    for (key, day) in rows {
        let key = code(&key, || format!("a notice to partner {partner_id}"))?;
        found.entry(key).or_default().push(day.0);
    }
    Ok(found)
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = item_notices, treat_none_as_default_value = false)]
struct ItemNoticeRow {
    partner_id: i64,
    obligation_key: String,
    told_on: Day,
}

/// Notes that a partner was told of items on a day, once each.
///
/// # Errors
/// The engine's reason.
pub fn item_notices_insert(
    db: &mut Db,
    partner_id: i64,
    keys: &[ObligationKey],
    told_on: NaiveDate,
) -> QueryResult<()> {
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let keys: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let known: Vec<String> = item_notices::table
            .filter(item_notices::partner_id.eq(partner_id))
            .filter(item_notices::told_on.eq(Day(told_on)))
            .filter(item_notices::obligation_key.eq_any(&keys))
            .select(item_notices::obligation_key)
            .load(db)?;
        let rows: Vec<ItemNoticeRow> = keys
            .into_iter()
            .filter(|key| !known.contains(key))
            .map(|obligation_key| ItemNoticeRow { partner_id, obligation_key, told_on: Day(told_on) })
            .collect();
        if !rows.is_empty() {
            on_engine!(db, |conn| diesel::insert_into(item_notices::table).values(&rows).execute(conn))?;
        }
    }
    Ok(())
}
