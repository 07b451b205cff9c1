//! The ledger of service credits and bonuses: the month, its entries, and the evidence of each. [`own`] is what a
//! partner sees of its own.

pub mod freight;
pub(super) mod link;
pub mod own;
pub mod replaced;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use self::link::{EntriesOf, Params};
use super::books::close::StepLine;
use super::download::download_csv;
use super::evidence::counted_list;
use super::extract::{SignedIn, Unit};
use super::kept::Kept;
use super::page::{self, Drawn, DrawnPage, Page, WebError};
use super::{Web, show};
use crate::app::accrual::ACCRUAL_JOB;
use crate::app::ledger::view::{
    AccrualView, Evidence, LedgerQuery, LedgerView, Roll, Since, accrual_view, export_csv, ledger_export,
    ledger_view,
};
use crate::db::DbError;
use crate::db::books::{LedgerStamp, StepsStamp, ledger_stamp, steps_stamp};
use crate::db::ledger::{Accrual, EXPORT_ROWS_MAX, EntryListed};
use crate::db::partner::{Partner, partner_list};
use crate::db::shipment::ShipmentRow;
use crate::domain::books::chart::Chart;
use crate::domain::books::roll::{Book, RollRow, totals as roll_totals};
use crate::domain::clause::{Obligation, ObligationKey, PeriodAmount, Reason, Rule};
use crate::domain::currency::Currency;
use crate::domain::kpi::{KpiValue, Unit as KpiUnit};
use crate::domain::ledger::{Account, ItemState, Recognition, RollColumn, RollForward, Side, net_on};
use crate::domain::money::Micros;
use crate::domain::outcome::Outcome;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::{Role, Scope};
use crate::domain::words;

pub(super) fn optional<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<Option<T>, WebError> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|error: T::Err| bad(&error)) }
}

/// A month in an address; none where there is none.
pub(super) fn month_of(text: &str) -> Result<Option<Period>, WebError> {
    let month: Option<Period> = optional(text)?;
    match month.filter(|period| period.kind() != PeriodKind::Month) {
        Some(other) => Err(WebError::BadRequest(format!("{other} is no month; write one such as 2025-06."))),
        None => Ok(month),
    }
}

fn bad(error: &impl ToString) -> WebError {
    WebError::BadRequest(error.to_string())
}

/// One value of the facts row.
struct Fact {
    name: &'static str,
    value: String,
    note: String,
    href: String,
    /// Another list about it.
    way: Option<(&'static str, &'static str)>,
}

/// One figure of a roll-forward, and the entries behind it; empty where nothing moved.
struct Cell {
    value: String,
    href: String,
}

/// One row of a roll-forward: opening, every kind of movement, closing.
struct RollLine {
    name: String,
    note: String,
    href: String,
    cells: Vec<Cell>,
}

/// One balance through the month.
struct BookPart {
    name: &'static str,
    lines: Vec<RollLine>,
    foot: Vec<RollLine>,
    foots: bool,
}

/// One entry.
struct EntryLine {
    posted: String,
    what: String,
    under: String,
    partner: String,
    partner_href: String,
    tone: &'static str,
    shape: &'static str,
    reason: &'static str,
    debit: String,
    debit_account: String,
    credit: String,
    credit_account: String,
    currency: String,
    href: String,
}

/// One total row.
struct TotalLine {
    name: String,
    debit: String,
    credit: String,
    currency: String,
}

#[derive(Template)]
#[template(path = "ledger/list.html")]
struct LedgerBody {
    title: String,
    subtitle: String,
    months: Vec<(String, String, bool)>,
    export: String,
    facts: Vec<Fact>,
    accounts: Vec<RollLine>,
    foot: Vec<RollLine>,
    /// Each balance: its name, its partners, all of them, and whether it foots.
    books: Vec<BookPart>,
    /// The roll-forward as a workbook.
    roll_export: String,
    /// The same as csv.
    roll_csv: String,
    /// The steps of the close, while the month shown is the one to close.
    close: Option<(String, Vec<StepLine>)>,
    /// The one currency of all rows; empty when there are several.
    currency: String,
    entries: Vec<EntryLine>,
    totals: Vec<TotalLine>,
    count: String,
    next: Option<String>,
    first: Option<String>,
    clear: Option<String>,
    /// When they were posted, in words.
    posted: String,
    params: Params,
    hidden: Vec<(&'static str, String)>,
    partners: Vec<(String, String)>,
    states: Vec<(String, String)>,
    accounts_by: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
    chosen: Vec<String>,
}

/// Pages of the ledger as drawn, by what was asked for and whose role sees it. Drawing one takes some twenty reads; nothing of it
/// changes until something is posted, a month is closed, or a partner or an account is called otherwise.
pub(super) type Ledgers = Kept<(Params, Role), Seen, Drawn>;

/// Pages of the ledger kept; each some sixty kilobytes.
pub(super) const LEDGERS: usize = 128;

/// What a page of the ledger was drawn from: it holds for as long as all of it is the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seen {
    ledger: LedgerStamp,
    today: NaiveDate,
    partners: Vec<Partner>,
    /// Where the page shows how far the close of its month is.
    steps: Option<StepsStamp>,
}

impl Seen {
    fn read(unit: &mut Unit<'_>, query: &LedgerQuery) -> Result<Self, DbError> {
        let ledger = ledger_stamp(unit.db)?;
        let today = ledger.today(unit.app.now())?;
        let month = query.month_shown(ledger.last_posting(), today);
        let steps = if query.shows_close(month, ledger.open_month(today)?, today) {
            Some(steps_stamp(unit.db, month, ACCRUAL_JOB)?)
        } else {
            None
        };
        Ok(Self { partners: partner_list(unit.db, unit.viewer)?, ledger, today, steps })
    }
}

fn drawn(
    kept: &Ledgers,
    unit: &mut Unit<'_>,
    params: Params,
    query: &LedgerQuery,
) -> Result<Arc<Drawn>, WebError> {
    // Who sees one partner only has its own page of them.
    let may_keep = query.rests_on_entries() && unit.viewer.scope() == Scope::All;
    if !may_keep {
        let today = unit.app.today(unit.db)?;
        return draw(unit, params, query, today).map(Arc::new);
    }
    let seen = Seen::read(unit, query)?;
    let key = (params, unit.viewer.role);
    if let Some(drawn) = kept.get(&key, &seen) {
        return Ok(drawn);
    }
    let drawn = draw(unit, key.0.clone(), query, seen.today)?;
    Ok(kept.keep(key, seen, drawn))
}

fn draw(
    unit: &mut Unit<'_>,
    params: Params,
    query: &LedgerQuery,
    today: NaiveDate,
) -> Result<Drawn, WebError> {
    let view = ledger_view(unit.db, unit.viewer, query, today)?;
    let body = LedgerBody::of(params, query, &view);
    Drawn::new(body.title.clone(), &body)
}

/// `GET /ledger`
pub(super) async fn list(
    me: SignedIn,
    site: web::Data<Web>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let query = params.query()?;
    let drawn =
        me.in_db(move |mut unit| drawn(&site.ledgers, &mut unit, params.into_inner(), &query)).await?;
    page::html(&DrawnPage::new(&drawn, |title| me.page(title)))
}

/// `GET /ledger.csv`
pub(super) async fn export(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let query = params.query()?;
    let (entries, chart, more) = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            ledger_export(unit.db, unit.viewer, &query, today)
        })
        .await?;
    if more {
        return Err(WebError::BadRequest(format!(
            "That is more than {EXPORT_ROWS_MAX} entries. Choose one partner or a shorter period."
        )));
    }
    download_csv("ledger.csv", export_csv(&entries, &chart))
}

impl LedgerBody {
    fn of(params: Params, query: &LedgerQuery, view: &LedgerView) -> Self {
        let end = show::day(view.month.last_day());
        let months = view
            .months
            .iter()
            .map(|month| {
                let href = params.link("/ledger", &[("month", &month.to_string()), ("from", "")]);
                let closed = if month.start() < view.open.start() { ", closed" } else { "" };
                (format!("{}{closed}", month.title()), href, *month == view.month)
            })
            .collect();
        let name_of = |id: i64| {
            view.partners.iter().find(|partner| partner.id == id).map_or("", |partner| partner.name.as_str())
        };
        // One currency stands in the head of the table; only several stand in every row.
        let currencies: std::collections::BTreeSet<_> = view.accounts.iter().map(|r| r.currency).collect();
        let only = currencies.first().filter(|_| currencies.len() == 1).map(ToString::to_string);
        let many = currencies.len() > 1;
        let by_account = |roll: &Roll| {
            let of =
                EntriesOf { partner_id: query.partner_id, ..EntriesOf::up_to(view.month, &[roll.account]) };
            RollLine::of(
                &roll.roll,
                many.then_some(roll.currency),
                format!("{} {}", view.chart.number(roll.account), view.chart.name(roll.account)),
                params.link("/ledger", &[("account", roll.account.code())]),
                Some(&of),
            )
        };
        let books = book_parts(view, query, many, &name_of, &params);
        let chosen = chosen(query, name_of, &view.chart);
        Self {
            title: format!("Money, {}", view.month.title()),
            subtitle: format!(
                "Service credits, bonuses and freight not billed up to {end}. Memo until agreed: only agreed credits reach the general ledger."
            ),
            months,
            export: params.link("/ledger.csv", &[("month", &view.month.to_string())]),
            facts: facts(view, query),
            accounts: view.accounts.iter().map(by_account).collect(),
            foot: account_foot(&view.accounts, many),
            books,
            roll_csv: params.link("/ledger/roll-forward.csv", &[("month", &view.month.to_string())]),
            roll_export: params.link("/ledger/roll-forward.xlsx", &[("month", &view.month.to_string())]),
            close: view.close.as_ref().map(|steps| {
                let month = view.month;
                let done = steps.iter().filter(|step| step.is_settled()).count();
                (
                    format!("{done} of {} done", steps.len()),
                    steps.iter().map(|step| StepLine::of(step, month)).collect(),
                )
            }),
            currency: only.unwrap_or_default(),
            entries: view.entries.iter().map(|listed| EntryLine::of(listed, &params, &view.chart)).collect(),
            totals: totals(view, query),
            count: entries_words(view.totals.entries),
            next: view.next.map(|cursor| params.link("/ledger", &[("after", &cursor.to_string())])),
            first: query.after.map(|_| params.link("/ledger", &[])),
            clear: (!chosen.is_empty() || query.since.is_some()).then(|| params.unfiltered("/ledger")),
            posted: posted(query, view.month),
            hidden: params.hidden(),
            partners: view.partners.iter().map(|p| (p.id.to_string(), p.name.clone())).collect(),
            states: choices(
                ItemState::ALL.iter().map(|state| (state.code(), state.label().to_owned())),
                &params.state,
            ),
            accounts_by: choices(
                Account::ALL.iter().map(|account| {
                    let (number, name) = (view.chart.number(*account), view.chart.name(*account));
                    (account.code(), format!("{number} {name}"))
                }),
                &params.account,
            ),
            reasons: choices(
                Reason::ALL.iter().map(|reason| (reason.code(), reason.label().to_owned())),
                &params.reason,
            ),
            chosen,
            params,
        }
    }
}

/// What a list offers: each value, and where several are chosen at once, those together.
fn choices(all: impl Iterator<Item = (&'static str, String)>, chosen: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = all.map(|(code, words)| (code.to_owned(), words)).collect();
    if chosen.contains(',') {
        let words: Vec<&str> = chosen
            .split(',')
            .filter_map(|code| found.iter().find(|(own, _)| own == code.trim()))
            .map(|(_, words)| words.as_str())
            .collect();
        found.push((chosen.to_owned(), words.join(", ")));
    }
    found
}

/// When the entries were posted, in words.
fn posted(query: &LedgerQuery, month: Period) -> String {
    match query.since {
        None => "posted in the month".to_owned(),
        Some(Since::Start) => format!("posted up to {}", show::day(month.last_day())),
        Some(Since::Month(first)) => format!("posted from {} to {}", first.title(), month.title()),
    }
}

/// What the entries are narrowed to, in words.
fn chosen<'a>(query: &LedgerQuery, name_of: impl Fn(i64) -> &'a str, chart: &Chart) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(query.partner_id.map(|id| name_of(id).to_owned()));
    words.extend(query.clause.as_ref().map(|clause| format!("clause {clause}")));
    words.extend(query.obligation_period.map(|period| format!("obligations of {}", period.title())));
    if !query.states.is_empty() {
        let states: Vec<String> = query.states.iter().map(|state| state.label().to_lowercase()).collect();
        words.push(format!("items {} now", states.join(" or ")));
    }
    if !query.accounts.is_empty() {
        words.push(accounts_words(&query.accounts, chart));
    }
    if !query.reasons.is_empty() {
        let reasons: Vec<String> = query.reasons.iter().map(|reason| reason.label().to_lowercase()).collect();
        words.push(format!("made as {}", reasons.join(" or ")));
    }
    words.extend(query.recognition.map(|goes| {
        match goes {
            Recognition::Gl => "that count in the general ledger",
            Recognition::Memo => "that are a memo",
        }
        .to_owned()
    }));
    words.extend(
        query.exported.map(|is| if is { "that are exported" } else { "that are not exported" }.to_owned()),
    );
    words
}

fn accounts_words(accounts: &[Account], chart: &Chart) -> String {
    let numbers: Vec<String> = accounts.iter().map(|account| chart.number(*account)).collect();
    let noun = if accounts.len() == 1 { "account" } else { "accounts" };
    format!("{noun} {}", numbers.join(", "))
}

fn entries_words(entries: i64) -> String {
    words::count(entries, "entry")
}

fn with_currency(amounts: &[(Currency, Micros)]) -> String {
    match amounts {
        [] => "0.00".to_owned(),
        amounts => {
            let each = amounts.iter().map(|(currency, amount)| format!("{} {currency}", show::money(amount)));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn facts(view: &LedgerView, query: &LedgerQuery) -> Vec<Fact> {
    let closing = |accounts: &[Account]| {
        let mut sums: BTreeMap<Currency, Micros> = BTreeMap::new();
        for row in view.accounts.iter().filter(|row| accounts.contains(&row.account)) {
            let sum = sums.entry(row.currency).or_default();
            *sum = *sum + row.roll.closing();
        }
        with_currency(&sums.into_iter().collect::<Vec<_>>())
    };
    let behind = |accounts: &[Account]| {
        EntriesOf { partner_id: query.partner_id, ..EntriesOf::up_to(view.month, accounts) }.href()
    };
    let foots = view.totals.sums.values().all(|(debit, credit)| debit == credit)
        && view.by_partner.iter().all(RollRow::foots);
    let closed = view.month.start() < view.open.start();
    let (state, note) = match &view.close {
        Some(steps) => {
            let done = steps.iter().filter(|step| step.is_settled()).count();
            (format!("{done} of {} steps", steps.len()), "to be closed next".to_owned())
        }
        None if closed => ("Closed".to_owned(), "later changes post in an open month".to_owned()),
        None => ("Open".to_owned(), format!("to be closed next: {}", view.open.title())),
    };
    vec![
        Fact {
            name: "Credits standing at the end of the month",
            value: closing(Book::Credits.accounts()),
            note: if foots { "it foots, and debits equal credits" } else { "it does not foot" }.to_owned(),
            href: behind(Book::Credits.accounts()),
            way: None,
        },
        Fact {
            name: "Of which the partner was told",
            value: closing(&[Account::CreditAssessed]),
            note: "notice sent, or agreed".to_owned(),
            href: behind(&[Account::CreditAssessed]),
            way: None,
        },
        Fact {
            name: "Of which worked out only",
            value: closing(&[Account::CreditAccrued]),
            note: "the partner does not see it yet".to_owned(),
            href: behind(&[Account::CreditAccrued]),
            way: None,
        },
        Fact {
            name: "Bonuses and shortfalls we owe",
            value: closing(&[Account::IncentivePayable, Account::ShortfallPayable]),
            note: "to partners, in the general ledger".to_owned(),
            href: behind(&[Account::IncentivePayable, Account::ShortfallPayable]),
            way: None,
        },
        Fact {
            name: "Freight delivered and not billed",
            value: closing(&[Account::FreightAccrued]),
            note: "accrued until its invoice is audited".to_owned(),
            href: behind(&[Account::FreightAccrued]),
            way: Some(("/ledger/freight", "which shipments")),
        },
        Fact {
            name: "Close of the month",
            value: state,
            note,
            href: format!("/ledger/close/{}", view.month),
            way: None,
        },
    ]
}

impl RollLine {
    /// A row, with its currency where the page has several, and what stands at its end as entries where they can be listed.
    fn of(
        r: &RollForward,
        currency: Option<Currency>,
        name: String,
        href: String,
        closing: Option<&EntriesOf>,
    ) -> Self {
        let cell = |amount: Micros, behind: &dyn Fn(&EntriesOf) -> EntriesOf| Cell {
            value: show::money(amount),
            href: closing.filter(|_| amount != Micros::ZERO).map(|of| behind(of).href()).unwrap_or_default(),
        };
        let mut cells =
            vec![cell(r.opening, &|of| EntriesOf { month: of.month.map(Period::previous), ..of.clone() })];
        cells.extend(RollColumn::ALL.iter().map(|column| {
            cell(r.column(*column), &|of| EntriesOf { since: None, reasons: column.reasons(), ..of.clone() })
        }));
        cells.push(cell(r.closing(), &EntriesOf::clone));
        Self { name, note: currency.map(|currency| currency.to_string()).unwrap_or_default(), href, cells }
    }
}

/// Debits less credits over all accounts, by currency: 0.00 in every column of books that balance.
fn account_foot(rolls: &[Roll], with_currency: bool) -> Vec<RollLine> {
    let mut sums: BTreeMap<Currency, RollForward> = BTreeMap::new();
    for one in rolls {
        let sum = sums.entry(one.currency).or_default();
        let signed = one.roll.signed(one.account.normal_side() == Side::Debit);
        sum.plus(&signed);
    }
    let line = |(currency, sum): (Currency, RollForward)| {
        let name = "Debits less credits".to_owned();
        RollLine::of(&sum, with_currency.then_some(currency), name, String::new(), None)
    };
    sums.into_iter().map(line).collect()
}

/// The balances of the month, each with its partners.
fn book_parts<'a>(
    view: &LedgerView,
    query: &LedgerQuery,
    many: bool,
    name_of: &impl Fn(i64) -> &'a str,
    params: &Params,
) -> Vec<BookPart> {
    let totals = roll_totals(&view.by_partner);
    let of = |book: Book| {
        let closing = EntriesOf::up_to(view.month, book.accounts());
        let rows = view.by_partner.iter().filter(move |row| row.book == book);
        let lines: Vec<RollLine> = rows
            .clone()
            .map(|row| {
                let href = params.link("/ledger", &[("partner", &row.partner_id.to_string())]);
                let of = EntriesOf { partner_id: Some(row.partner_id), ..closing.clone() };
                let name = name_of(row.partner_id).to_owned();
                RollLine::of(&row.roll, many.then_some(row.currency), name, href, Some(&of))
            })
            .collect();
        let all = totals.iter().filter(|(of, ..)| *of == book);
        let of = EntriesOf { partner_id: query.partner_id, ..closing };
        let foot = all
            .map(|(_, currency, roll, _)| {
                let name = "All partners".to_owned();
                RollLine::of(roll, many.then_some(*currency), name, String::new(), Some(&of))
            })
            .collect();
        BookPart { name: book.label(), lines, foot, foots: rows.clone().all(RollRow::foots) }
    };
    Book::ALL.iter().map(|book| of(*book)).filter(|part| !part.lines.is_empty()).collect()
}

fn totals(view: &LedgerView, query: &LedgerQuery) -> Vec<TotalLine> {
    let mut lines = Vec::new();
    let partial = view.next.is_some() || query.after.is_some();
    for (currency, (debit, credit)) in &view.totals.sums {
        let mut line = |name: String, debit: String, credit: String| {
            lines.push(TotalLine { name, debit, credit, currency: currency.to_string() });
        };
        if partial {
            let on_page = |side: Side| -> Micros {
                let lines = view.entries.iter().flat_map(|listed| &listed.entry.lines);
                lines.filter(|l| l.side == side && l.currency == *currency).map(|l| l.amount).sum()
            };
            line(
                format!("This page, {} of them", view.entries.len()),
                show::money(on_page(Side::Debit)),
                show::money(on_page(Side::Credit)),
            );
        }
        line(format!("All {}", entries_words(view.totals.entries)), show::money(debit), show::money(credit));
        if let Some((debit, credit)) = view.totals.on_accounts.get(currency) {
            let on = accounts_words(&query.accounts, &view.chart);
            line(format!("On {on}"), show::money(debit), show::money(credit));
            let (side, net) = net_on(&query.accounts, (*debit, *credit));
            let at = |own: Side| if side == own { show::money(net) } else { String::new() };
            line("Which comes to".to_owned(), at(Side::Debit), at(Side::Credit));
        }
    }
    lines
}

impl EntryLine {
    fn of(listed: &EntryListed, params: &Params, chart: &Chart) -> Self {
        let entry = &listed.entry;
        let numbers = |side| {
            let accounts = listed.accounts(side);
            accounts.iter().map(|account| chart.number(*account)).collect::<Vec<_>>().join(", ")
        };
        let sum = |side: Side| -> Micros {
            entry.lines.iter().filter(|line| line.side == side).map(|line| line.amount).sum()
        };
        let (tone, shape) = reason_look(entry.reason);
        let clause = if listed.clause_code.is_empty() {
            String::new()
        } else {
            format!("clause {}, ", listed.clause_code)
        };
        Self {
            posted: show::day(entry.posting_date),
            what: entry.memo.clone(),
            under: format!("{clause}for {}", entry.obligation_period.title()),
            partner: listed.partner_name.clone(),
            partner_href: params.link("/ledger", &[("partner", &entry.partner_id.to_string())]),
            tone,
            shape,
            reason: entry.reason.label(),
            debit: show::money(sum(Side::Debit)),
            debit_account: numbers(Side::Debit),
            credit: show::money(sum(Side::Credit)),
            credit_account: numbers(Side::Credit),
            currency: entry.lines.first().map(|line| line.currency.to_string()).unwrap_or_default(),
            href: entry_href(listed),
        }
    }
}

/// Where the evidence of an entry is: the item, or the shipments of freight that is not billed.
fn entry_href(listed: &EntryListed) -> String {
    entry_address(listed.entry.partner_id, listed.id, listed.entry.key)
}

/// The same, of an entry of a partner by its id and obligation.
pub(super) fn entry_address(partner_id: i64, entry_id: i64, key: ObligationKey) -> String {
    if key.is_freight() {
        return format!("/ledger/freight/{partner_id}/{entry_id}");
    }
    accrual_href(partner_id, key)
}

fn accrual_href(partner_id: i64, key: ObligationKey) -> String {
    format!("/ledger/accruals/{partner_id}/{}", key.slug())
}

fn reason_look(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::Initial | Reason::Accrual | Reason::Recognition => ("info", "up"),
        Reason::TrueUp | Reason::CapReallocation => ("warn", "near"),
        Reason::Assessment => ("warn", "dot"),
        Reason::Reversal | Reason::Dispute => ("", "down"),
        Reason::Settlement => ("good", "check"),
    }
}

fn state_look(accrual: &Accrual) -> (&'static str, &'static str) {
    match accrual.state {
        ItemState::Estimated => ("none", "clock"),
        ItemState::Accrued => ("info", "up"),
        ItemState::Assessed | ItemState::Disputed => ("warn", "dot"),
        ItemState::Agreed | ItemState::Settled => ("good", "check"),
        ItemState::Reversed => ("", "down"),
    }
}

#[derive(Template)]
#[template(path = "ledger/accrual.html")]
struct AccrualPage {
    page: Page,
    partner: String,
    back: String,
    heading: String,
    what: String,
    state: (&'static str, &'static str, &'static str),
    currency: String,
    target: String,
    uncapped: String,
    forgone: String,
    posted: String,
    ties: bool,
    period: String,
    /// What the partner knows of it.
    told: String,
    day: String,
    steps: Vec<String>,
    terms: Vec<String>,
    contract: Option<(String, String)>,
    evidence_title: &'static str,
    evidence: Vec<(&'static str, String)>,
    /// Where the facts are, and what they are called.
    facts: Vec<(String, &'static str)>,
    entries: Vec<EntryLine>,
    total: String,
}

/// `GET /ledger/accruals/{partner}/{key}`
pub(super) async fn accrual(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (partner, key) = path.into_inner();
    let partner_id: i64 = partner.parse().map_err(|_| WebError::NotFound)?;
    let key = ObligationKey::from_slug(&key).ok_or(WebError::NotFound)?;
    let view = me
        .in_db(move |unit| {
            let view = accrual_view(unit.db, unit.viewer, partner_id, key, unit.app.now())?;
            Ok::<_, DbError>(view)
        })
        .await?
        .ok_or(WebError::NotFound)?;
    page::html(&AccrualPage::of(&me, &view))
}

impl AccrualPage {
    fn of(me: &SignedIn, view: &AccrualView) -> Self {
        let accrual = &view.accrual;
        let heading = view.clause.as_ref().map_or_else(
            || "An obligation".to_owned(),
            |clause| format!("Clause {}: {}", clause.code, clause.title),
        );
        let (tone, shape) = state_look(accrual);
        let posted = view.posted();
        let of_pickup =
            matches!(view.clause.as_ref().map(|clause| &clause.terms.rule), Some(Rule::MissedPickup(_)));
        let (evidence_title, evidence) = evidence(&view.evidence, of_pickup);
        let reference = match &view.evidence {
            Evidence::Shipment(Some(row)) => format!("Shipment {}", row.reference),
            _ => accrual.period.title(),
        };
        let mut terms: Vec<String> = view.clause.iter().flat_map(|clause| clause.terms.explain()).collect();
        terms.extend(view.terms.iter().filter_map(|terms| terms.caps.explain()));
        Self {
            page: me.page(format!("{reference}, {}", view.partner.name)),
            partner: view.partner.name.clone(),
            back: format!("/ledger?partner={}", accrual.partner_id),
            heading,
            what: reference,
            state: (tone, shape, accrual.state_label()),
            currency: accrual.currency.to_string(),
            target: show::money(accrual.target),
            uncapped: show::money(accrual.uncapped),
            forgone: show::money(accrual.forgone),
            posted: show::money(posted),
            ties: posted == accrual.target,
            period: accrual.period.title(),
            told: told(accrual),
            day: show::day(accrual.obligation_day),
            steps: accrual.steps.clone(),
            terms,
            contract: view.terms.as_ref().map(|terms| {
                let name = format!("{}, version {}", terms.number, terms.version_no);
                (format!("/contracts/{}", terms.contract_id), name)
            }),
            evidence_title,
            evidence,
            facts: facts_of(view).into_iter().chain(replacements_of(view)).collect(),
            total: show::money(posted),
            entries: view
                .entries
                .iter()
                .map(|listed| EntryLine::of(listed, &Params::default(), &view.chart))
                .collect(),
        }
    }
}

/// What the partner knows of an item, by its state: the day alone says nothing of one that was taken back since.
fn told(accrual: &Accrual) -> String {
    let Some(day) = accrual.assessed_on.map(show::day) else {
        return "the partner does not see it yet".to_owned();
    };
    match accrual.state {
        ItemState::Reversed => format!("the partner was told on {day}, and sees that it was taken back"),
        state if state.is_told() => format!("the partner was told on {day}"),
        _ => format!("told on {day} and taken back; owed again, which the partner does not see yet"),
    }
}

/// Where the facts behind an item are looked at: address and words.
fn facts_of(view: &AccrualView) -> Option<(String, &'static str)> {
    let (accrual, key) = (&view.accrual, view.accrual.key);
    let (kpi, words) = match &view.evidence {
        Evidence::Shipment(_) => {
            let (source, reference) = view.shipment.as_ref()?;
            let href = show::shipment_href(accrual.partner_id, source, reference);
            return Some((href, "Open the shipment"));
        }
        Evidence::Kpi(Some(value)) => (Some(value.kpi.code()), "Everything that was counted, line by line"),
        Evidence::Kpi(None) => return None,
        Evidence::Work(_) => (None, "The loads with their freight, line by line"),
    };
    let Obligation::Period(period) = key.of else { return None };
    Some((counted_list(&format!("/scorecards/{}", accrual.partner_id), period, kpi, key), words))
}

/// Where the loads are that others carried, of an item that is priced by what they cost.
fn replacements_of(view: &AccrualView) -> Option<(String, &'static str)> {
    let clause = view.clause.as_ref()?;
    let Rule::PeriodThreshold(rule) = &clause.terms.rule else { return None };
    let PeriodAmount::CostDifference { .. } = rule.amount else { return None };
    let item = accrual_href(view.accrual.partner_id, view.accrual.key);
    Some((format!("{item}/replacements"), "What each replacement cost"))
}

fn evidence(evidence: &Evidence, of_pickup: bool) -> (&'static str, Vec<(&'static str, String)>) {
    match evidence {
        Evidence::Shipment(Some(row)) if of_pickup => ("The pickup, as known now", pickup_facts(row)),
        Evidence::Shipment(Some(row)) => ("The shipment, as known now", shipment_facts(row)),
        Evidence::Shipment(None) => {
            ("The shipment, as known now", vec![("Delivery", "not due on this day any more".to_owned())])
        }
        Evidence::Kpi(Some(value)) => ("The KPI, as known now", kpi_facts(value)),
        Evidence::Kpi(None) => ("The KPI, as known now", vec![("Value", "no data".to_owned())]),
        Evidence::Work(work) => {
            let mut facts = vec![
                ("Loads", show::count(work.loads)),
                ("Tenders turned down", show::count(work.turned_down)),
                ("Freight", show::money(work.freight)),
            ];
            if !work.part.is_empty() {
                facts.push(("The clause counts only", work.part.clone()));
            }
            ("What moved, as known now", facts)
        }
    }
}

fn reported(instant: Option<crate::db::types::Instant>) -> String {
    instant.map_or_else(|| "not reported".to_owned(), |at| show::instant(at.0))
}

fn pickup_facts(row: &ShipmentRow) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Reference", row.reference.clone())];
    facts.extend(row.pickup_due_day.map(|day| ("Pickup due", show::day(day.0))));
    facts.extend(row.pickup_window_end.map(|end| ("Window ends", show::instant(end.0))));
    facts.extend([
        ("Arrived at the pickup", reported(row.pickup_arrived_at)),
        ("Left the pickup", reported(row.picked_up_at)),
        ("Reason given", row.pickup_reason.clone().unwrap_or_else(|| "nothing said".to_owned())),
        ("Due at the destination", show::day(row.obligation_day.0)),
    ]);
    facts
}

fn shipment_facts(row: &ShipmentRow) -> Vec<(&'static str, String)> {
    let at = reported;
    let decided_by_window = row.delivery_window_outcome != Outcome::NotApplicable.code();
    let code = if decided_by_window { &row.delivery_window_outcome } else { &row.delivery_day_outcome };
    let outcome = Outcome::from_code(code).map_or("no data", Outcome::title);
    let money = |micros: Option<i64>| {
        let currency = row.currency.as_deref().unwrap_or_default();
        micros.map_or_else(|| "no data".to_owned(), |m| format!("{} {currency}", show::money(Micros(m))))
    };
    let mut facts = vec![
        ("Reference", row.reference.clone()),
        ("Verdict", outcome.to_owned()),
        ("Due", show::day(row.obligation_day.0)),
        ("Arrived", at(row.arrived_at)),
        ("Delivered", at(row.delivered_at)),
        ("Linehaul", money(row.linehaul_micros)),
    ];
    if decided_by_window {
        facts.insert(3, ("Window ends", at(row.delivery_window_end)));
    }
    facts
}

fn kpi_facts(value: &KpiValue) -> Vec<(&'static str, String)> {
    let definition = value.kpi.definition();
    let shown = match (value.net, definition.unit) {
        (None, _) => "no data".to_owned(),
        (Some(net), KpiUnit::Percent) => show::percent(net),
        (Some(net), _) => show::decimal(net, 2),
    };
    vec![
        ("KPI", format!("{} ({})", definition.name, definition.code)),
        ("Value, net", shown),
        (
            "Counted",
            format!("{} of {}", show::decimal(value.numerator, 0), show::decimal(value.denominator, 0)),
        ),
        ("Never reported, among them", show::count(value.no_evidence)),
        ("Excused, left out", show::count(value.excused)),
        ("Not decided yet, left out", show::count(value.pending)),
        ("How it is counted", definition.formula.to_owned()),
    ]
}
