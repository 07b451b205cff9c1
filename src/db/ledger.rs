//! Accruals and the double-entry journal. Entries and lines are only ever added (DOMAIN §4.5).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::conn::Db;
use super::id::first_id_from;
use super::schema::{
    accruals, clauses, contract_events, imports, job_runs, journal_entries, journal_lines, partners,
};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::domain::clause::{FREIGHT_CLAUSE, Obligation, ObligationKey, Reason, Target};
use crate::domain::currency::Currency;
use crate::domain::ledger::{
    Account, ItemState, JournalEntry, JournalLine, Recognition, Side, TrialBalance, TrialBalanceRow,
};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::{bulk_insert, on_engine};

mod assess;
mod items;
mod owed;
mod own;
mod post;
mod read;
mod standing;

pub use assess::{ToAssess, accrued_items, accrued_partners, credits_held, last_posting_of};

pub use items::{
    AccountMove, Beside, ItemFilter, ItemRow, account_moves, beside_of, held_of, item_list,
    item_notices_insert, notices_of_items,
};
pub use own::{
    PartnerCredit, credit_shipments, credit_sums_between, partner_credit_days, partner_credit_list,
    partner_credit_sums,
};
pub(in crate::db) use read::entries_read;
pub use read::entry_show;
pub use standing::{
    Standing, accrual_rows_since_unscoped, accrual_rows_unscoped, posted_after, standing_add, standing_load,
};

/// Entries on one page.
pub const PAGE_ROWS: i64 = 50;
/// Entries in one download.
pub const EXPORT_ROWS_MAX: i64 = 50_000;
/// The word for an item of which nothing counts: the caps took it whole, or another clause of its incident comes to more.
pub const ALL_FORGONE: &str = "Forgone";
/// Partners in one statement about lines.
const PARTNERS_PER_STATEMENT: usize = 50;

/// The sum of a column of amounts: both engines widen it to a decimal, which would pass through floats.
const SUM_AMOUNT: &str = "CAST(SUM(journal_lines.amount_micros) AS BIGINT)";

diesel::allow_columns_to_appear_in_same_group_by_clause!(journal_entries::reason, journal_lines::partner_id);
diesel::allow_columns_to_appear_in_same_group_by_clause!(journal_entries::reason, journal_lines::currency);
diesel::allow_columns_to_appear_in_same_group_by_clause!(journal_entries::reason, journal_lines::account);
diesel::allow_columns_to_appear_in_same_group_by_clause!(journal_entries::reason, journal_lines::side);

fn stored(what: impl Into<String>, reason: &impl ToString) -> DbError {
    DbError::Stored { what: what.into(), reason: reason.to_string() }
}

fn code<T: std::str::FromStr<Err: ToString>>(
    text: &str,
    what: impl FnOnce() -> String,
) -> Result<T, DbError> {
    text.parse().map_err(|error: T::Err| stored(what(), &error))
}

fn account(number: i32, entry_id: i64) -> Result<Account, DbError> {
    Account::from_number(number)
        .map_err(|error| stored(format!("a line of journal entry {entry_id}"), &error))
}

/// What an obligation comes to, as the last run left it, with the steps that explain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// The carrier.
    pub partner_id: i64,
    /// The obligation; holds contract version, clause, and shipment or period.
    pub key: ObligationKey,
    /// The period it is booked for.
    pub period: Period,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
    /// By the price alone.
    pub uncapped: Micros,
    /// What is owed.
    pub target: Micros,
    /// What the caps took.
    pub forgone: Micros,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Where the item stands.
    pub state: ItemState,
    /// The day on which the partner was last told of it.
    pub assessed_on: Option<NaiveDate>,
    /// How it came about, in words.
    pub steps: Vec<String>,
}

impl Accrual {
    /// The row for a target.
    #[must_use]
    pub fn of(target: &Target, partner_id: i64, currency: Currency, state: ItemState) -> Self {
        Self {
            partner_id,
            key: target.key,
            period: target.obligation_period,
            obligation_day: target.obligation_day,
            uncapped: target.uncapped,
            target: target.amount,
            forgone: target.forgone,
            currency,
            state,
            assessed_on: None,
            steps: target.steps.clone(),
        }
    }

    /// The word for its state: an item that was forgone whole was never reversed.
    #[must_use]
    pub fn state_label(&self) -> &'static str {
        if self.is_capped_away() { ALL_FORGONE } else { self.state.label() }
    }

    fn is_capped_away(&self) -> bool {
        self.target == Micros::ZERO && self.forgone > Micros::ZERO
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = accruals, treat_none_as_default_value = false)]
struct AccrualRow {
    partner_id: i64,
    obligation_key: String,
    contract_version_id: i64,
    clause_id: i64,
    period: String,
    obligation_day: Day,
    shipment_id: Option<i64>,
    uncapped_micros: i64,
    target_micros: i64,
    forgone_micros: i64,
    currency: String,
    state: String,
    steps: String,
    run_id: Option<i64>,
    updated_at: Instant,
    assessed_on: Option<Day>,
}

impl AccrualRow {
    fn of(accrual: &Accrual, run_id: Option<i64>, at: DateTime<Utc>) -> Result<Self, DbError> {
        let key = accrual.key;
        let shipment_id = match key.of {
            Obligation::Event(id) => Some(id),
            Obligation::Period(_) => None,
        };
        Ok(Self {
            partner_id: accrual.partner_id,
            obligation_key: key.to_string(),
            contract_version_id: key.contract_version_id,
            clause_id: key.clause_id,
            period: accrual.period.to_string(),
            obligation_day: Day(accrual.obligation_day),
            shipment_id,
            uncapped_micros: accrual.uncapped.0,
            target_micros: accrual.target.0,
            forgone_micros: accrual.forgone.0,
            currency: accrual.currency.code().to_owned(),
            state: accrual.state.code().to_owned(),
            steps: serde_json::to_string(&accrual.steps)
                .map_err(|error| stored(format!("the steps of {key}"), &error))?,
            run_id,
            updated_at: Instant(at),
            assessed_on: accrual.assessed_on.map(Day),
        })
    }

    fn read(self) -> Result<Accrual, DbError> {
        let what = || format!("the accrual {} of partner {}", self.obligation_key, self.partner_id);
        Ok(Accrual {
            partner_id: self.partner_id,
            key: code(&self.obligation_key, what)?,
            period: code(&self.period, what)?,
            obligation_day: self.obligation_day.0,
            uncapped: Micros(self.uncapped_micros),
            target: Micros(self.target_micros),
            forgone: Micros(self.forgone_micros),
            currency: code(&self.currency, what)?,
            state: code(&self.state, what)?,
            assessed_on: self.assessed_on.map(|day| day.0),
            steps: serde_json::from_str(&self.steps).map_err(|error| stored(what(), &error))?,
        })
    }
}

/// Whether anything that accruals are made of changed after `at`, which is an instant of the host: files came in, to their end or not,
/// contracts took a step, or the job `refresh` judged facts anew.
///
/// Jobs run by the host's clock; files and steps carry the installation's, which stands still in the demo. When they began is known
/// from their ids, which are the host's. When a file ended is its own time, where that went on meanwhile.
///
/// # Errors
/// The engine's reason.
pub fn inputs_changed_since(db: &mut Db, refresh: &str, at: DateTime<Utc>) -> QueryResult<bool> {
    let (first_id, at) = (first_id_from(at), Instant(at));
    let ended = imports::finished_at.gt(at).and(imports::finished_at.gt(imports::started_at.nullable()));
    let files = imports::table
        .filter(imports::id.ge(first_id).or(ended).or(imports::state.eq("RUNNING")))
        .count()
        .get_result::<i64>(db)?;
    let steps =
        contract_events::table.filter(contract_events::id.ge(first_id)).count().get_result::<i64>(db)?;
    let judged = job_runs::table
        .filter(job_runs::job.eq(refresh.to_owned()))
        .filter(job_runs::finished_at.gt(at))
        .filter(job_runs::changed_rows.gt(0))
        .count()
        .get_result::<i64>(db)?;
    Ok(files + steps + judged > 0)
}

/// How many journal entries there are.
///
/// # Errors
/// The engine's reason.
pub fn entry_count_unscoped(db: &mut Db) -> QueryResult<i64> {
    journal_entries::table.count().get_result(db)
}

/// Accruals in one statement; fifteen binds each stay below SQLite's limit of 32,766.
const ACCRUALS_PER_STATEMENT: usize = 500;

/// Writes targets, one for each obligation. The caller compares with [`Standing::accruals`] first and writes only what
/// changed.
///
/// # Errors
/// The engine's reason.
pub fn accruals_upsert(
    db: &mut Db,
    accruals: &[Accrual],
    run_id: Option<i64>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    use diesel::upsert::excluded;
    for chunk in accruals.chunks(ACCRUALS_PER_STATEMENT) {
        let rows =
            chunk.iter().map(|accrual| AccrualRow::of(accrual, run_id, at)).collect::<Result<Vec<_>, _>>()?;
        on_engine!(db, |conn| diesel::insert_into(accruals::table)
            .values(&rows)
            .on_conflict((accruals::partner_id, accruals::obligation_key))
            .do_update()
            .set((
                accruals::period.eq(excluded(accruals::period)),
                accruals::obligation_day.eq(excluded(accruals::obligation_day)),
                accruals::uncapped_micros.eq(excluded(accruals::uncapped_micros)),
                accruals::target_micros.eq(excluded(accruals::target_micros)),
                accruals::forgone_micros.eq(excluded(accruals::forgone_micros)),
                accruals::currency.eq(excluded(accruals::currency)),
                accruals::state.eq(excluded(accruals::state)),
                accruals::steps.eq(excluded(accruals::steps)),
                accruals::run_id.eq(excluded(accruals::run_id)),
                accruals::updated_at.eq(excluded(accruals::updated_at)),
                accruals::assessed_on.eq(excluded(accruals::assessed_on)),
            ))
            .execute(conn))?;
    }
    if !accruals.is_empty() {
        // A scorecard says what they come to.
        super::scorecard::scorecards_changed(db)?;
    }
    Ok(())
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal_entries, treat_none_as_default_value = false)]
struct EntryRow {
    partner_id: i64,
    id: i64,
    obligation_key: String,
    contract_version_id: i64,
    clause_id: i64,
    period: String,
    obligation_day: Day,
    posting_day: Day,
    reason: String,
    recognition: String,
    memo: String,
    run_id: Option<i64>,
    created_at: Instant,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal_lines, treat_none_as_default_value = false)]
struct LineRow {
    partner_id: i64,
    entry_id: i64,
    line_no: i32,
    account: i32,
    side: String,
    amount_micros: i64,
    currency: String,
}

/// Adds entries, each under its id, with their lines, seals them ([`chain`](crate::domain::books::chain)) and adds them to
/// the sums of their months: the one way into the journal. The caller has checked that they balance
/// ([`check_balanced`](crate::domain::ledger::check_balanced)) and holds a write transaction.
///
/// # Errors
/// [`DbError::PeriodClosed`] for a day in a closed month; the engine's reason.
pub fn entries_insert(
    db: &mut Db,
    entries: &[(i64, &JournalEntry)],
    run_id: Option<i64>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    // Partners first, then the books: whoever posts takes the locks in one order.
    post::chains_begin(db, entries)?;
    post::may_post(db, entries)?;
    let (mut rows, mut lines) = (Vec::with_capacity(entries.len()), Vec::with_capacity(2 * entries.len()));
    for &(id, entry) in entries {
        rows.push(EntryRow {
            partner_id: entry.partner_id,
            id,
            obligation_key: entry.key.to_string(),
            contract_version_id: entry.key.contract_version_id,
            clause_id: entry.key.clause_id,
            period: entry.obligation_period.to_string(),
            obligation_day: Day(entry.obligation_day),
            posting_day: Day(entry.posting_date),
            reason: entry.reason.code().to_owned(),
            recognition: entry.recognition.code().to_owned(),
            memo: entry.memo.clone(),
            run_id,
            created_at: Instant(at),
        });
        lines.extend(entry.lines.iter().map(|line| LineRow {
            partner_id: entry.partner_id,
            entry_id: id,
            line_no: line.line_no,
            account: line.account.number(),
            side: line.side.code().to_owned(),
            amount_micros: line.amount.0,
            currency: line.currency.code().to_owned(),
        }));
    }
    bulk_insert!(db, journal_entries::table, rows.as_slice())?;
    bulk_insert!(db, journal_lines::table, lines.as_slice())?;
    post::sum_and_seal(db, &rows, &lines, entries)
}

/// Where the next page of entries starts: after this one, going back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Posting date of the last entry shown.
    pub posting_day: NaiveDate,
    /// Its id.
    pub id: i64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.posting_day, self.id)
    }
}

/// The text is no place in a list of entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in the list of entries; start again from its first page")]
pub struct BadCursor(pub String);

impl std::str::FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let read = || {
            let (day, id) = text.split_once('.')?;
            Some(Self { posting_day: day.parse().ok()?, id: id.parse().ok()? })
        };
        read().ok_or_else(|| BadCursor(text.to_owned()))
    }
}

/// Which entries to read. Days are half-open.
#[derive(Clone, Debug, Default)]
pub struct LedgerFilter {
    /// Only this partner.
    pub partner_id: Option<i64>,
    /// Posted on or after this day.
    pub posted_from: Option<NaiveDate>,
    /// Posted before this day.
    pub posted_until: Option<NaiveDate>,
    /// Obligations whose day lies in this period.
    pub obligation_period: Option<Period>,
    /// Obligations in one of these states now; in any when empty.
    pub states: Vec<ItemState>,
    /// Only entries with a line on one of these accounts; all when empty.
    pub accounts: Vec<Account>,
    /// Only entries made for one of these reasons; all when empty.
    pub reasons: Vec<Reason>,
    /// Only entries about a clause with this number in its contract.
    pub clause: Option<String>,
    /// Only entries that go there.
    pub recognition: Option<Recognition>,
    /// Only entries that are in an export batch, or only those that are in none.
    pub exported: Option<bool>,
    /// Only this obligation.
    pub key: Option<ObligationKey>,
}

/// An entry as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryListed {
    /// Row id.
    pub id: i64,
    /// The entry with its lines.
    pub entry: JournalEntry,
    /// The partner's name.
    pub partner_name: String,
    /// The partner's code.
    pub partner_code: String,
    /// The clause's number in the contract.
    pub clause_code: String,
    /// What the clause is about.
    pub clause_title: String,
    /// The word for the obligation's state now.
    pub state: Option<ItemState>,
}

impl EntryListed {
    /// The amount of the entry: the sum of one side.
    #[must_use]
    pub fn amount(&self) -> Micros {
        self.entry.lines.iter().filter(|line| line.side == Side::Debit).map(|line| line.amount).sum()
    }

    /// The accounts of one side, in line order.
    #[must_use]
    pub fn accounts(&self, side: Side) -> Vec<Account> {
        self.entry.lines.iter().filter(|line| line.side == side).map(|line| line.account).collect()
    }
}

/// Whether the obligation of an entry is in one of some states.
const STATE_IS: &str = "EXISTS (SELECT 1 FROM accruals a WHERE a.partner_id = journal_entries.partner_id \
     AND a.obligation_key = journal_entries.obligation_key AND a.state IN (";
/// Whether an entry has a line on one of some accounts.
const HAS_ACCOUNT: &str = "EXISTS (SELECT 1 FROM journal_lines l WHERE l.partner_id = journal_entries.partner_id \
     AND l.entry_id = journal_entries.id AND l.account IN (";
/// Whether an entry is about a clause with a number.
const CLAUSE_IS: &str =
    "EXISTS (SELECT 1 FROM clauses c WHERE c.id = journal_entries.clause_id AND c.code = ";
/// Whether an entry is in a batch.
const IN_A_BATCH: &str = "EXISTS (SELECT 1 FROM export_entries x \
     WHERE x.partner_id = journal_entries.partner_id AND x.entry_id = journal_entries.id)";
/// Whether it is in none.
const IN_NO_BATCH: &str = "NOT EXISTS (SELECT 1 FROM export_entries x \
     WHERE x.partner_id = journal_entries.partner_id AND x.entry_id = journal_entries.id)";

/// A condition over a list of values, which are numbers of accounts or codes of this program and never text of a user.
fn in_list<T: ToString>(before: &str, values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    format!("{before}{}))", values.join(", "))
}

/// Adds a filter to a query over entries, whatever else that query joins and selects.
macro_rules! filtered_entries {
    ($query:expr, $filter:expr, $partner:expr) => {{
        let mut query = $query;
        if let Some(partner_id) = $partner {
            query = query.filter(journal_entries::partner_id.eq(partner_id));
        }
        if let Some(from) = $filter.posted_from {
            query = query.filter(journal_entries::posting_day.ge(Day(from)));
        }
        if let Some(until) = $filter.posted_until {
            query = query.filter(journal_entries::posting_day.lt(Day(until)));
        }
        if let Some(period) = $filter.obligation_period {
            query = query
                .filter(journal_entries::obligation_day.ge(Day(period.start())))
                .filter(journal_entries::obligation_day.lt(Day(period.end())));
        }
        if let Some(key) = $filter.key {
            query = query.filter(journal_entries::obligation_key.eq(key.to_string()));
        }
        if !$filter.states.is_empty() {
            let states = $filter.states.iter().map(|state| format!("'{}'", state.code()));
            query = query.filter(sql::<Bool>(&in_list(STATE_IS, states)));
        }
        if !$filter.accounts.is_empty() {
            let numbers = $filter.accounts.iter().map(|account| account.number());
            query = query.filter(sql::<Bool>(&in_list(HAS_ACCOUNT, numbers)));
        }
        if !$filter.reasons.is_empty() {
            let codes: Vec<&str> = $filter.reasons.iter().map(|reason| reason.code()).collect();
            query = query.filter(journal_entries::reason.eq_any(codes));
        }
        if let Some(clause) = &$filter.clause {
            query = query.filter(sql::<Bool>(CLAUSE_IS).bind::<Text, _>(clause.clone()).sql(")"));
        }
        if let Some(recognition) = $filter.recognition {
            query = query.filter(journal_entries::recognition.eq(recognition.code()));
        }
        if let Some(exported) = $filter.exported {
            query = query.filter(sql::<Bool>(if exported { IN_A_BATCH } else { IN_NO_BATCH }));
        }
        query
    }};
}

/// Entries of `filter` that the viewer may see, newest posting first, at most `limit`, after `after`.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn entry_list(
    db: &mut Db,
    viewer: &Viewer,
    filter: &LedgerFilter,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<EntryListed>, DbError> {
    let Some(partner) = partner_filter(viewer, filter.partner_id) else { return Ok(Vec::new()) };
    let query = journal_entries::table
        .left_join(partners::table.on(partners::id.eq(journal_entries::partner_id)))
        .left_join(clauses::table.on(clauses::id.eq(journal_entries::clause_id)))
        .left_join(
            accruals::table.on(accruals::partner_id
                .eq(journal_entries::partner_id)
                .and(accruals::obligation_key.eq(journal_entries::obligation_key))),
        )
        .select((
            EntryRow::as_select(),
            (partners::name, partners::code).nullable(),
            clauses::code.nullable(),
            clauses::title.nullable(),
            accruals::state.nullable(),
        ))
        .into_boxed();
    let mut query = filtered_entries!(query, filter, partner);
    if let Some(after) = after {
        query = query.filter(journal_entries::posting_day.le(Day(after.posting_day))).filter(
            journal_entries::posting_day.lt(Day(after.posting_day)).or(journal_entries::id.lt(after.id)),
        );
    }
    type Row = (EntryRow, Option<(String, String)>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = query
        .order((journal_entries::posting_day.desc(), journal_entries::id.desc()))
        .limit(limit)
        .load(db)?;
    let mut lines = lines_of(db, rows.iter().map(|row| &row.0))?;
    rows.into_iter()
        .map(|(row, partner, clause_code, clause_title, state)| {
            let id = row.id;
            let (partner_name, partner_code) = partner.unwrap_or_default();
            let lines = lines.remove(&(row.partner_id, id)).unwrap_or_default();
            Ok(EntryListed {
                id,
                partner_name,
                partner_code,
                clause_code: clause_code.unwrap_or_else(|| clause_word(&row)),
                clause_title: clause_title.unwrap_or_default(),
                entry: row.read(lines)?,
                state: state.map(|text| code(&text, || format!("the state of entry {id}"))).transpose()?,
            })
        })
        .collect()
}

/// What stands in the place of a clause's number where an entry is about none.
fn clause_word(row: &EntryRow) -> String {
    if row.clause_id == FREIGHT_CLAUSE { "FREIGHT".to_owned() } else { String::new() }
}

impl EntryRow {
    fn read(self, lines: Vec<JournalLine>) -> Result<JournalEntry, DbError> {
        let what = || format!("journal entry {} of partner {}", self.id, self.partner_id);
        Ok(JournalEntry {
            key: code(&self.obligation_key, what)?,
            partner_id: self.partner_id,
            posting_date: self.posting_day.0,
            obligation_period: code(&self.period, what)?,
            obligation_day: self.obligation_day.0,
            reason: code(&self.reason, what)?,
            recognition: code::<Recognition>(&self.recognition, what)?,
            memo: self.memo.clone(),
            lines,
        })
    }
}

impl LineRow {
    fn read(&self) -> Result<JournalLine, DbError> {
        let what = || format!("line {} of journal entry {}", self.line_no, self.entry_id);
        Ok(JournalLine {
            line_no: self.line_no,
            account: account(self.account, self.entry_id)?,
            side: code(&self.side, what)?,
            amount: Micros(self.amount_micros),
            currency: code(&self.currency, what)?,
        })
    }
}

type LinesByEntry = BTreeMap<(i64, i64), Vec<JournalLine>>;

fn lines_of<'a>(db: &mut Db, entries: impl Iterator<Item = &'a EntryRow>) -> Result<LinesByEntry, DbError> {
    let mut by_partner: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for entry in entries {
        by_partner.entry(entry.partner_id).or_default().push(entry.id);
    }
    let mut lines = LinesByEntry::new();
    let keys: Vec<(i64, Vec<i64>)> = by_partner
        .into_iter()
        .flat_map(|(partner_id, ids)| {
            let chunks: Vec<_> = ids.chunks(KEYS_PER_STATEMENT).map(<[i64]>::to_vec).collect();
            chunks.into_iter().map(move |ids| (partner_id, ids))
        })
        .collect();
    // A page of many partners asks once.
    for some in keys.chunks(PARTNERS_PER_STATEMENT) {
        let mut query = journal_lines::table
            .order((journal_lines::partner_id, journal_lines::entry_id, journal_lines::line_no))
            .select(LineRow::as_select())
            .into_boxed();
        for (partner_id, ids) in some {
            query = query.or_filter(
                journal_lines::partner_id.eq(*partner_id).and(journal_lines::entry_id.eq_any(ids.clone())),
            );
        }
        for row in query.load::<LineRow>(db)? {
            lines.entry((row.partner_id, row.entry_id)).or_default().push(row.read()?);
        }
    }
    Ok(lines)
}

/// How many entries a filter matches, and what they come to on one side, by currency. Debits equal
/// credits in a ledger that verifies; both are given so that a page can show that they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryTotals {
    /// Entries.
    pub entries: i64,
    /// Debits and credits by currency.
    pub sums: BTreeMap<Currency, (Micros, Micros)>,
    /// Those of the lines on the accounts of the filter alone; empty where it names none.
    pub on_accounts: BTreeMap<Currency, (Micros, Micros)>,
}

/// Totals of all entries of `filter` that the viewer may see, listed or not.
///
/// # Errors
/// The engine's reason.
pub fn entry_totals(db: &mut Db, viewer: &Viewer, filter: &LedgerFilter) -> Result<EntryTotals, DbError> {
    let Some(partner) = partner_filter(viewer, filter.partner_id) else { return Ok(EntryTotals::default()) };
    let count = filtered_entries!(
        journal_entries::table.select(diesel::dsl::count_star()).into_boxed(),
        filter,
        partner
    );
    let mut totals = EntryTotals { entries: count.first(db)?, ..EntryTotals::default() };
    let sums = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .group_by((journal_lines::currency, journal_lines::side, journal_lines::account))
        .select((
            journal_lines::currency,
            journal_lines::side,
            journal_lines::account,
            sql::<Nullable<BigInt>>(SUM_AMOUNT),
        ))
        .into_boxed();
    let sums = filtered_entries!(sums, filter, partner);
    for (currency, side, number, amount) in sums.load::<(String, String, i32, Option<i64>)>(db)? {
        let what = || "the currency and side of a journal line".to_owned();
        let (currency, side): (Currency, Side) = (code(&currency, what)?, code(&side, what)?);
        let amount = Micros(amount.unwrap_or(0));
        let add = |(debit, credit): &mut (Micros, Micros)| match side {
            Side::Debit => *debit = *debit + amount,
            Side::Credit => *credit = *credit + amount,
        };
        add(totals.sums.entry(currency).or_default());
        if filter.accounts.iter().any(|account| account.number() == number) {
            add(totals.on_accounts.entry(currency).or_default());
        }
    }
    Ok(totals)
}

/// One sum of lines: whose, where, which way and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The carrier.
    pub partner_id: i64,
    /// Currency of the amount.
    pub currency: Currency,
    /// Account.
    pub account: Account,
    /// Debit or credit.
    pub side: Side,
    /// Why the entries were made.
    pub reason: Reason,
    /// The sum.
    pub amount: Micros,
}

/// Sums of the lines posted in `[from, until)` by partner, currency, account, side and reason.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn movements(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Result<Vec<Movement>, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let columns = (
        journal_lines::partner_id,
        journal_lines::currency,
        journal_lines::account,
        journal_lines::side,
        journal_entries::reason,
    );
    let query = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .group_by(columns)
        .select((columns, sql::<Nullable<BigInt>>(SUM_AMOUNT)))
        .into_boxed();
    let filter = LedgerFilter { posted_from: from, posted_until: until, ..LedgerFilter::default() };
    let query = filtered_entries!(query, filter, partner);
    type Row = ((i64, String, i32, String, String), Option<i64>);
    let rows: Vec<Row> = query.order(columns).load(db)?;
    rows.into_iter()
        .map(|((partner_id, currency, number, side, reason), amount)| {
            let what = || format!("a journal line of partner {partner_id}");
            Ok(Movement {
                partner_id,
                currency: code(&currency, what)?,
                account: Account::from_number(number).map_err(|error| stored(what(), &error))?,
                side: code(&side, what)?,
                reason: code(&reason, what)?,
                amount: Micros(amount.unwrap_or(0)),
            })
        })
        .collect()
}

/// Balances of all accounts at the end of `as_of`, of one partner or of all the viewer may see.
///
/// # Errors
/// As [`movements`].
pub fn trial_balance(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    as_of: NaiveDate,
) -> Result<TrialBalance, DbError> {
    let mut sums: BTreeMap<(Currency, Account), (Micros, Micros)> = BTreeMap::new();
    for movement in movements(db, viewer, partner_id, None, as_of.succ_opt())? {
        let sum = sums.entry((movement.currency, movement.account)).or_default();
        match movement.side {
            Side::Debit => sum.0 = sum.0 + movement.amount,
            Side::Credit => sum.1 = sum.1 + movement.amount,
        }
    }
    let row = |((currency, account), (debit, credit))| TrialBalanceRow { currency, account, debit, credit };
    Ok(TrialBalance { rows: sums.into_iter().map(row).collect() })
}

/// One accrual; none when there is none or the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn accrual_show(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: ObligationKey,
) -> Result<Option<Accrual>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    accruals::table
        .find((partner_id, key.to_string()))
        .select(AccrualRow::as_select())
        .first::<AccrualRow>(db)
        .optional()?
        .map(AccrualRow::read)
        .transpose()
}

/// Partners with anything in the journal or among the accruals, in order.
///
/// # Errors
/// The engine's reason.
pub fn ledger_partners(db: &mut Db) -> QueryResult<Vec<i64>> {
    let mut found: BTreeSet<i64> = BTreeSet::new();
    found.extend(journal_entries::table.select(journal_entries::partner_id).distinct().load::<i64>(db)?);
    found.extend(journal_lines::table.select(journal_lines::partner_id).distinct().load::<i64>(db)?);
    found.extend(accruals::table.select(accruals::partner_id).distinct().load::<i64>(db)?);
    Ok(found.into_iter().collect())
}

/// The last day on which anything was posted that the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn last_posting_day(db: &mut Db, viewer: &Viewer) -> QueryResult<Option<NaiveDate>> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(None) };
    let mut query = journal_entries::table
        .select(journal_entries::posting_day)
        .order(journal_entries::posting_day.desc())
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(journal_entries::partner_id.eq(partner_id));
    }
    Ok(query.limit(1).first::<Day>(db).optional()?.map(|day| day.0))
}

/// A journal line as it lies in the table, unread: a check must see what no reader would accept.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct RawLine {
    /// Its entry.
    pub entry_id: i64,
    /// Number within the entry.
    pub line_no: i32,
    /// Account number.
    pub account: i32,
    /// `DR` or `CR`.
    pub side: String,
    /// Amount in millionths.
    pub amount_micros: i64,
    /// Currency.
    pub currency: String,
}

/// A journal entry without its lines, unread.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct RawEntry {
    /// Row id.
    pub id: i64,
    /// The obligation.
    pub obligation_key: String,
    /// The period it is booked for.
    pub period: String,
    /// Local day of the obligation.
    pub obligation_day: Day,
    /// Posting date.
    pub posting_day: Day,
    /// Why.
    pub reason: String,
    /// Memo or general ledger.
    pub recognition: String,
    /// In words.
    pub memo: String,
}

/// The whole journal of one partner, by entry and line, and its accruals.
#[derive(Clone, Debug, Default)]
pub struct RawLedger {
    /// Entries by id.
    pub entries: Vec<RawEntry>,
    /// Lines by entry and number.
    pub lines: Vec<RawLine>,
    /// What the obligations come to.
    pub accruals: Vec<Accrual>,
}

/// Reads everything of one partner for a check. Unscoped: only the check asks.
///
/// # Errors
/// The engine's reason, or an accrual that does not read back.
pub fn ledger_raw_unscoped(db: &mut Db, partner_id: i64) -> Result<RawLedger, DbError> {
    let entries = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .order(journal_entries::id)
        .select((
            journal_entries::id,
            journal_entries::obligation_key,
            journal_entries::period,
            journal_entries::obligation_day,
            journal_entries::posting_day,
            journal_entries::reason,
            journal_entries::recognition,
            journal_entries::memo,
        ))
        .load(db)?;
    let lines = journal_lines::table
        .filter(journal_lines::partner_id.eq(partner_id))
        .order((journal_lines::entry_id, journal_lines::line_no))
        .select((
            journal_lines::entry_id,
            journal_lines::line_no,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
            journal_lines::currency,
        ))
        .load(db)?;
    let accruals: Vec<AccrualRow> = accruals::table
        .filter(accruals::partner_id.eq(partner_id))
        .order(accruals::obligation_key)
        .select(AccrualRow::as_select())
        .load(db)?;
    let accruals = accruals.into_iter().map(AccrualRow::read).collect::<Result<_, _>>()?;
    Ok(RawLedger { entries, lines, accruals })
}
