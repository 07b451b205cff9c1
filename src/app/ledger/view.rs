//! What the ledger's pages and downloads show.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::accrual::counted::Counted;
use crate::app::books::close::steps_of;
use crate::app::books::open_month;
use crate::app::books::roll::roll_forward;
use crate::db::books::{chart, month_movements, month_openings, month_totals};
use crate::db::contract::terms_load;
use crate::db::ledger::{
    Accrual, Cursor, EXPORT_ROWS_MAX, EntryListed, EntryTotals, LedgerFilter, Movement, PAGE_ROWS,
    accrual_show, credit_shipments, entry_list, entry_totals, last_posting_day,
};
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::shipment::{ShipmentRow, shipment_by_id};
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::books::chart::Chart;
use crate::domain::books::close::Step;
use crate::domain::books::roll::{Balances, RollRow};
use crate::domain::clause::{Obligation, ObligationKey, Reason};
use crate::domain::currency::Currency;
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::ledger::{Account, ItemState, JournalLine, Recognition, RollForward};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::{Clause, Terms};
use crate::domain::viewer::Viewer;
use crate::report::sheet::csv;

/// Months offered to go to.
const MONTHS_SHOWN: usize = 6;

/// Where the entries of a page begin, when they are those of more than its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With the first that was ever posted.
    Start,
    /// With those of an earlier month.
    Month(Period),
}

/// What a page of the ledger asks for.
#[derive(Clone, Debug, Default)]
pub struct LedgerQuery {
    /// Month of posting; the last one with entries when none.
    pub month: Option<Period>,
    /// Where the entries begin; with the month when none.
    pub since: Option<Since>,
    /// Only this partner.
    pub partner_id: Option<i64>,
    /// Only the clause with this number in its contract.
    pub clause: Option<String>,
    /// Only obligations of this period.
    pub obligation_period: Option<Period>,
    /// Only items in these states; in any when empty.
    pub states: Vec<ItemState>,
    /// Only entries with a line on one of these accounts; all when empty.
    pub accounts: Vec<Account>,
    /// Only entries made for these reasons; all when empty.
    pub reasons: Vec<Reason>,
    /// Only entries that go there.
    pub recognition: Option<Recognition>,
    /// Only entries that are in an export batch, or only those in none.
    pub exported: Option<bool>,
    /// Where the page of entries starts.
    pub after: Option<Cursor>,
}

impl LedgerQuery {
    /// Whether it asks for all entries of the month, of all partners or of one.
    fn is_whole_month(&self) -> bool {
        self.since.is_none()
            && self.clause.is_none()
            && self.obligation_period.is_none()
            && self.states.is_empty()
            && self.accounts.is_empty()
            && self.reasons.is_empty()
            && self.recognition.is_none()
            && self.exported.is_none()
    }

    /// Whether the entries listed are the same as long as nothing is posted: the state of an item and what was exported change
    /// without an entry.
    #[must_use]
    pub fn rests_on_entries(&self) -> bool {
        self.states.is_empty() && self.exported.is_none()
    }

    /// The month shown, where `last` is the last day that anything was posted on.
    #[must_use]
    pub fn month_shown(&self, last: Option<NaiveDate>, today: NaiveDate) -> Period {
        self.month.unwrap_or_else(|| Period::containing(PeriodKind::Month, last.unwrap_or(today)))
    }

    /// Whether the page shows how far the close of `month` is: it is over, and the one to be closed next.
    #[must_use]
    pub fn shows_close(&self, month: Period, open: Period, today: NaiveDate) -> bool {
        month == open && month.end() <= today && self.after.is_none() && self.is_whole_month()
    }

    fn filter(&self, month: Period) -> LedgerFilter {
        LedgerFilter {
            partner_id: self.partner_id,
            posted_from: match self.since {
                None => Some(month.start()),
                Some(Since::Start) => None,
                Some(Since::Month(first)) => Some(first.start().min(month.start())),
            },
            posted_until: Some(month.end()),
            clause: self.clause.clone(),
            obligation_period: self.obligation_period,
            states: self.states.clone(),
            accounts: self.accounts.clone(),
            reasons: self.reasons.clone(),
            recognition: self.recognition,
            exported: self.exported,
            key: None,
        }
    }
}

/// How one account went through the month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Currency of the amounts.
    pub currency: Currency,
    /// Account.
    pub account: Account,
    /// Opening, movements, closing; positive on the account's normal side.
    pub roll: RollForward,
}

/// One page of the ledger.
#[derive(Clone, Debug)]
pub struct LedgerView {
    /// The month shown.
    pub month: Period,
    /// Months to go to, in order; the one shown is among them.
    pub months: Vec<Period>,
    /// Every partner the viewer may see, to choose from.
    pub partners: Vec<Partner>,
    /// The month by account.
    pub accounts: Vec<Roll>,
    /// The month by balance and partner: what is owed to us, and what we owe.
    pub by_partner: Vec<RollRow>,
    /// How accounts are called.
    pub chart: Chart,
    /// The first open month.
    pub open: Period,
    /// How far the close of the month is, while it is the one to be closed next and is over.
    pub close: Option<Vec<Step>>,
    /// One page of entries.
    pub entries: Vec<EntryListed>,
    /// All entries of the filter.
    pub totals: EntryTotals,
    /// The next page, if there is one.
    pub next: Option<Cursor>,
}

/// Gathers a page. `today` names the month when nothing was ever posted.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn ledger_view(
    db: &mut Db,
    viewer: &Viewer,
    query: &LedgerQuery,
    today: NaiveDate,
) -> Result<LedgerView, DbError> {
    let last = last_posting_day(db, viewer)?;
    let month = query.month_shown(last, today);
    let filter = query.filter(month);
    let mut entries = entry_list(db, viewer, &filter, query.after, PAGE_ROWS + 1)?;
    let next = cut(&mut entries);
    let during = month_movements(db, viewer, query.partner_id, Some(month), Some(month.next()))?;
    let start = month_openings(db, viewer, query.partner_id, month)?;
    let totals = if query.is_whole_month() {
        month_totals(db, viewer, query.partner_id, month)?
    } else {
        entry_totals(db, viewer, &filter)?
    };
    let open = open_month(db, today)?;
    Ok(LedgerView {
        month,
        months: months(month, Period::containing(PeriodKind::Month, last.unwrap_or(today))),
        partners: partner_list(db, viewer)?,
        accounts: by_account(&start, &during),
        by_partner: roll_forward(db, viewer, month, query.partner_id)?,
        chart: chart(db)?,
        open,
        close: if query.shows_close(month, open, today) { Some(steps_of(db, month)?) } else { None },
        totals,
        entries,
        next,
    })
}

/// The entries of a query for a download, at most [`EXPORT_ROWS_MAX`], and how accounts are called; says whether there are
/// more.
///
/// # Errors
/// As [`ledger_view`].
pub fn ledger_export(
    db: &mut Db,
    viewer: &Viewer,
    query: &LedgerQuery,
    today: NaiveDate,
) -> Result<(Vec<EntryListed>, Chart, bool), DbError> {
    let month = query.month_shown(last_posting_day(db, viewer)?, today);
    let mut entries = entry_list(db, viewer, &query.filter(month), None, EXPORT_ROWS_MAX + 1)?;
    let limit = usize::try_from(EXPORT_ROWS_MAX).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok((entries, chart(db)?, more))
}

/// The columns of [`export_csv`].
const EXPORT_COLUMNS: [&str; 16] = [
    "entry",
    "line",
    "posted",
    "partner",
    "clause",
    "obligation",
    "obligation_period",
    "obligation_day",
    "reason",
    "recognition",
    "state",
    "account",
    "side",
    "amount",
    "currency",
    "memo",
];

/// One row per journal line, with names in the first row.
///
/// # Errors
/// The writer's reason.
pub fn export_csv(entries: &[EntryListed], chart: &Chart) -> Result<Vec<u8>, csv::Error> {
    let lines = entries.iter().flat_map(|listed| listed.entry.lines.iter().map(move |line| (listed, line)));
    csv(EXPORT_COLUMNS, lines.map(|(listed, line)| export_row(listed, line, chart)))
}

fn export_row(listed: &EntryListed, line: &JournalLine, chart: &Chart) -> [String; 16] {
    let entry = &listed.entry;
    [
        listed.id.to_string(),
        line.line_no.to_string(),
        entry.posting_date.to_string(),
        listed.partner_name.clone(),
        listed.clause_code.clone(),
        entry.key.to_string(),
        entry.obligation_period.to_string(),
        entry.obligation_day.to_string(),
        entry.reason.code().to_owned(),
        entry.recognition.code().to_owned(),
        listed.state.map(|state| state.code().to_owned()).unwrap_or_default(),
        chart.number(line.account),
        line.side.code().to_owned(),
        line.amount.to_string(),
        line.currency.to_string(),
        entry.memo.clone(),
    ]
}

/// Cuts a list that was read one longer than a page, and says where the next page starts.
fn cut(entries: &mut Vec<EntryListed>) -> Option<Cursor> {
    let page = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    if entries.len() <= page {
        return None;
    }
    entries.truncate(page);
    entries.last().map(|last| Cursor { posting_day: last.entry.posting_date, id: last.id })
}

fn months(shown: Period, last: Period) -> Vec<Period> {
    let mut months: Vec<Period> =
        std::iter::successors(Some(last), |month| Some(month.previous())).take(MONTHS_SHOWN).collect();
    if !months.contains(&shown) {
        months.push(shown);
    }
    months.sort_by_key(|month| month.start());
    months
}

fn by_account(start: &Balances, during: &[Movement]) -> Vec<Roll> {
    let mut rolls: BTreeMap<(Currency, Account), RollForward> = BTreeMap::new();
    for ((_, currency, account), amount) in start {
        let roll = rolls.entry((*currency, *account)).or_default();
        roll.opening = roll.opening + *amount;
    }
    for movement in during {
        let roll = rolls.entry((movement.currency, movement.account)).or_default();
        roll.add(movement.reason, movement.account.growth(movement.side, movement.amount));
    }
    rolls.into_iter().map(|((currency, account), roll)| Roll { currency, account, roll }).collect()
}

/// The facts behind an accrual, as known now.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// The shipment; none when it is not due on that day any more.
    Shipment(Option<Box<ShipmentRow>>),
    /// The KPI of the period; none when its clause or KPI is not known any more.
    Kpi(Option<Box<KpiValue>>),
    /// What moved in the period, for a clause about volume or spend.
    Work(Work),
}

/// What moved in a period, of what a clause counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Shipments due.
    pub loads: i64,
    /// Tenders turned down or not answered.
    pub turned_down: i64,
    /// Freight, in the reporting currency.
    pub freight: Micros,
    /// The part of it that the clause is about; empty for all of it.
    pub part: String,
}

/// One accrual with everything behind it.
#[derive(Clone, Debug)]
pub struct AccrualView {
    /// What it comes to.
    pub accrual: Accrual,
    /// The carrier.
    pub partner: Partner,
    /// The contract version it comes from.
    pub terms: Option<Terms>,
    /// Its clause.
    pub clause: Option<Clause>,
    /// Every entry about it, newest first.
    pub entries: Vec<EntryListed>,
    /// How accounts are called.
    pub chart: Chart,
    /// The facts.
    pub evidence: Evidence,
    /// Feed and number of the shipment, to open it; none for a period, or where it is not due on its day any more.
    pub shipment: Option<(String, String)>,
}

impl AccrualView {
    /// What the entries come to.
    #[must_use]
    pub fn posted(&self) -> Micros {
        let entries = self.entries.iter().map(|listed| &listed.entry);
        let posted = crate::domain::ledger::posted_by_key(entries);
        posted.get(&self.accrual.key).map_or(Micros::ZERO, |posted| posted.amount)
    }
}

/// Gathers one accrual as known `now`; none when there is none, or the viewer may not see the partner.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn accrual_view(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: ObligationKey,
    now: DateTime<Utc>,
) -> Result<Option<AccrualView>, DbError> {
    let Some(partner) = partner_show(db, viewer, partner_id)? else { return Ok(None) };
    let Some(accrual) = accrual_show(db, viewer, partner_id, key)? else { return Ok(None) };
    let terms = terms_load(db, viewer, key.contract_version_id)?;
    let clauses = terms.iter().flat_map(|terms| &terms.clauses);
    let clause = clauses.into_iter().find(|clause| clause.id == key.clause_id).cloned();
    let filter = LedgerFilter { partner_id: Some(partner_id), key: Some(key), ..LedgerFilter::default() };
    let entries = entry_list(db, viewer, &filter, None, EXPORT_ROWS_MAX)?;
    let evidence = match key.of {
        Obligation::Event(id) => {
            let row = shipment_by_id(db, viewer, partner_id, Day(accrual.obligation_day), id)?;
            Evidence::Shipment(row.map(Box::new))
        }
        Obligation::Period(period) => match &clause {
            Some(clause) => evidence_of(db, viewer, key, clause, (period, now))?,
            None => Evidence::Kpi(None),
        },
    };
    let shipment = match key.of {
        Obligation::Event(id) => {
            credit_shipments(db, viewer, partner_id, &[(accrual.obligation_day, id)])?.remove(&id)
        }
        Obligation::Period(_) => None,
    };
    let chart = chart(db)?;
    Ok(Some(AccrualView { accrual, partner, terms, clause, entries, chart, evidence, shipment }))
}

/// What stands behind a period, of what the clause counts in it: the KPI, or what moved where the clause looks at none.
fn evidence_of(
    db: &mut Db,
    viewer: &Viewer,
    key: ObligationKey,
    clause: &Clause,
    (period, now): (Period, DateTime<Utc>),
) -> Result<Evidence, DbError> {
    let of = (key.contract_version_id, Some(key.clause_id));
    let Some(counted) = Counted::read(db, viewer, of, period, now)? else { return Ok(Evidence::Kpi(None)) };
    let measures = counted.total(db, viewer)?;
    if let Some(code) = clause.terms.rule.kpi() {
        return Ok(Evidence::Kpi(code.parse::<Kpi>().ok().map(|kpi| Box::new(kpi.value(&measures)))));
    }
    Ok(Evidence::Work(Work {
        loads: measures.shipments,
        turned_down: measures.tender.late.saturating_add(measures.tender.no_evidence),
        freight: Micros(measures.freight.numerator),
        part: clause.terms.scope.words(),
    }))
}
