//! The statement of a partner. The shipper's page and the portal's are drawn from one value, so both sides read the same.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::app::dispute::Item;
use crate::app::settlement::statement::{
    Booked, InCurrency, Named, Statement, StatementLine, StatementPart, Unapplied, statement, statement_csv,
    statement_xlsx,
};
use crate::domain::clause::ObligationKey;
use crate::domain::currency::Currency;
use crate::domain::ledger::Account;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::statement::{Section, Sums};
use crate::web::dispute::{Chip, answer_day, optional, stage_chip};
use crate::web::download::{FileKind, download, download_csv};
use crate::web::extract::SignedIn;
use crate::web::ledger::link::EntriesOf;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Months offered to go to.
const MONTHS_SHOWN: usize = 6;

/// Open items listed, the newest; the files hold all of them.
const OPEN_SHOWN: usize = 200;

/// Items listed that a closing balance or a document is made of; the workbook holds all of them.
const STANDING_SHOWN: usize = 200;

/// The query of the page, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    period: String,
}

struct Row {
    on: String,
    /// The page of the item; empty for one that was taken back.
    href: String,
    item: String,
    why: &'static str,
    document: String,
    /// Where the document is looked at, by us alone.
    document_href: String,
    amount: String,
    balance: String,
}

/// An item and an amount of it.
struct ItemRow {
    href: String,
    item: String,
    amount: String,
}

struct PartView {
    /// Of this section and currency in addresses on the page.
    id: String,
    title: &'static str,
    currency: String,
    /// Who owes what stands in it.
    owed: &'static str,
    opening: String,
    /// What it comes from: our entries, or what the statement before closed with.
    opening_href: String,
    rows: Vec<Row>,
    closing: String,
    /// Our entries that come to it, or the items that do.
    closing_href: String,
    /// Items that come to the closing balance, the first of them.
    standing: Vec<ItemRow>,
    /// Those that are not listed.
    more: usize,
}

struct SumRow {
    title: &'static str,
    owed: &'static str,
    href: String,
    cells: [String; 4],
}

/// All sections of one currency in short; drawn where there are several.
struct SumsView {
    currency: String,
    rows: Vec<SumRow>,
    net: [String; 4],
}

struct BookRow {
    account: String,
    currency: String,
    booked: String,
    href: String,
    told: String,
    untold: String,
}

struct Rest {
    /// Where it is looked at, by us alone.
    href: String,
    words: String,
    applied: Vec<ItemRow>,
}

struct OpenRow {
    href: String,
    named: String,
    chip: Chip,
    deadline: String,
    target: String,
    waived: String,
    settled: String,
    left: String,
    note: String,
    why: String,
}

/// A statement, for either side.
struct View {
    partner: String,
    period: String,
    months: Vec<(String, String, bool)>,
    sums: Vec<SumsView>,
    net: &'static str,
    parts: Vec<PartView>,
    /// What the books hold, where a section stands on another account than that of service credits; never for the partner.
    books: Vec<BookRow>,
    last_day: String,
    open: Vec<OpenRow>,
    /// Items that stand and are not listed.
    more: usize,
    /// Each document with a rest.
    unapplied: Vec<Rest>,
    csv: String,
    xlsx: String,
}

#[derive(Template)]
#[template(path = "settlement/statement.html")]
struct StatementPage {
    page: Page,
    view: View,
    partner_id: i64,
}

#[derive(Template)]
#[template(path = "settlement/statement_own.html")]
struct OwnPage {
    page: Page,
    view: View,
}

/// For whom a statement is drawn, and where.
struct Side<'a> {
    found: &'a Statement,
    base: &'a str,
    is_own: bool,
}

impl Side<'_> {
    fn item(&self, of: &Named) -> String {
        match (of.has_page, self.is_own) {
            (false, _) => String::new(),
            (true, true) => format!("/portal/items/{}", of.key.slug()),
            (true, false) => format!("/items/{}/{}", self.found.partner.id, of.key.slug()),
        }
    }

    fn document(&self, id: i64) -> String {
        if self.is_own { String::new() } else { format!("/settlements/{}/{id}", self.found.partner.id) }
    }

    const fn owed(&self, section: Section) -> &'static str {
        match (section.owed_by_carrier(), self.is_own) {
            (true, true) => "you owe it",
            (true, false) => "the carrier owes it",
            (false, true) => "owed to you",
            (false, false) => "we owe it",
        }
    }

    /// The entries that come to what an account held at the end of a day; none where the day ends no month, since entries are
    /// listed by month.
    fn entries(&self, account: Account, on: Option<NaiveDate>) -> Option<String> {
        let month = Period::containing(PeriodKind::Month, on?);
        let of = EntriesOf::up_to(month, &[account]);
        let href = EntriesOf { partner_id: Some(self.found.partner.id), ..of }.href();
        (Some(month.last_day()) == on).then_some(href)
    }

    /// The entries of a section that come to its balance on a day: of service credits ours alone, since nothing is on their
    /// account that the partner was not told of.
    fn exact(&self, section: Section, on: Option<NaiveDate>) -> Option<String> {
        if self.is_own || section != Section::Credits {
            return None;
        }
        self.entries(section.account(), on)
    }

    fn item_rows(&self, items: &[(Named, Micros)]) -> Vec<ItemRow> {
        let row = |(of, amount): &(Named, Micros)| ItemRow {
            href: self.item(of),
            item: of.item.clone(),
            amount: show::money(amount),
        };
        items.iter().take(STANDING_SHOWN).map(row).collect()
    }

    fn part(&self, currency: Currency, section: Section, part: &StatementPart) -> PartView {
        let id = anchor(currency, section);
        let period = self.found.period;
        let before = || format!("{}?period={}", self.base, period.previous());
        let row = |line: &StatementLine| Row {
            on: show::day(line.on),
            href: self.item(&line.of),
            item: line.of.item.clone(),
            why: line.why,
            document: line.document.clone(),
            document_href: line.document_id.map(|id| self.document(id)).unwrap_or_default(),
            amount: show::money(line.amount),
            balance: show::money(line.balance),
        };
        PartView {
            title: section.title(),
            currency: currency.to_string(),
            owed: self.owed(section),
            opening: show::money(part.sums.opening),
            opening_href: if part.sums.opening == Micros::ZERO {
                String::new()
            } else {
                self.exact(section, period.start().pred_opt()).unwrap_or_else(before)
            },
            rows: part.lines.iter().map(row).collect(),
            closing: show::money(part.sums.closing),
            closing_href: if part.sums.closing == Micros::ZERO {
                String::new()
            } else {
                self.exact(section, Some(period.last_day())).unwrap_or_else(|| format!("#of-{id}"))
            },
            standing: self.item_rows(&part.standing),
            more: part.standing.len().saturating_sub(STANDING_SHOWN),
            id,
        }
    }

    fn sums(&self, currency: Currency, part: &InCurrency) -> Option<SumsView> {
        let row = |(section, part): (&Section, &StatementPart)| SumRow {
            title: section.title(),
            owed: self.owed(*section),
            href: format!("#{}", anchor(currency, *section)),
            cells: figures(&part.sums),
        };
        (part.sections.len() > 1).then(|| SumsView {
            currency: currency.to_string(),
            rows: part.sections.iter().map(row).collect(),
            net: figures(&part.net),
        })
    }

    fn books(&self) -> Vec<BookRow> {
        let books = &self.found.books;
        if !books.iter().any(|row| row.account != Account::CreditAssessed || row.booked != row.told) {
            return Vec::new();
        }
        let row = |row: &Booked| BookRow {
            account: format!("{}, {}", row.account.number(), row.account.label()),
            currency: row.currency.to_string(),
            booked: show::money(row.booked),
            href: self.entries(row.account, Some(self.found.period.last_day())).unwrap_or_default(),
            told: show::money(row.told),
            untold: show::money(row.booked - row.told),
        };
        books.iter().map(row).collect()
    }

    fn rest(&self, one: &Unapplied) -> Rest {
        let row = &one.listed.row;
        Rest {
            href: self.document(row.id),
            words: format!(
                "{} {} of {}, {} {}: {} of it is applied to nothing yet",
                one.kind.label(),
                row.number,
                show::day(row.settled_on.0),
                show::money(Micros(row.amount_micros)),
                row.currency,
                show::money(one.listed.unapplied()),
            ),
            applied: self.item_rows(&one.applied),
        }
    }
}

fn anchor(currency: Currency, section: Section) -> String {
    format!("{}-{currency}", section.title().to_lowercase().replace(' ', "-"))
}

fn figures(sums: &Sums) -> [String; 4] {
    [sums.opening, sums.moved, sums.settled, sums.closing].map(show::money)
}

impl View {
    fn of(found: &Statement, base: &str, last: Period, is_own: bool) -> Self {
        let mut months: Vec<Period> =
            std::iter::successors(Some(last), |month| Some(month.previous())).take(MONTHS_SHOWN).collect();
        if !months.contains(&found.period) {
            months.push(found.period);
        }
        months.sort_by_key(|month| month.start());
        let side = Side { found, base, is_own };
        let item = |key: ObligationKey| side.item(&Named { key, item: String::new(), has_page: true });
        let open = |one: &Item| OpenRow {
            href: item(one.row.accrual.key),
            named: one.named(),
            chip: stage_chip(one.stage),
            deadline: answer_day(one),
            why: one.row.accrual.steps.first().cloned().unwrap_or_default(),
            target: show::money(one.sums.target),
            waived: show::money(one.sums.waived()),
            settled: show::money(one.sums.settled),
            left: show::money(one.sums.outstanding()),
            note: match (one.is_ours(), is_own) {
                (true, _) => one.row.accrual.currency.to_string(),
                (false, true) => format!("{}, owed to you", one.row.accrual.currency),
                (false, false) => format!("{}, owed to the carrier", one.row.accrual.currency),
            },
        };
        Self {
            partner: found.partner.name.clone(),
            period: found.period.title(),
            months: months
                .iter()
                .map(|month| (month.title(), format!("{base}?period={month}"), *month == found.period))
                .collect(),
            sums: found.parts.iter().filter_map(|(currency, part)| side.sums(*currency, part)).collect(),
            net: if is_own { "Net, what you owe" } else { "Net, what the carrier owes" },
            parts: found
                .parts
                .iter()
                .flat_map(|(currency, of)| {
                    of.sections.iter().map(move |(section, part)| (*currency, *section, part))
                })
                .map(|(currency, section, part)| side.part(currency, section, part))
                .collect(),
            books: side.books(),
            last_day: show::day(found.period.last_day()),
            open: found.open.iter().rev().take(OPEN_SHOWN).map(open).collect(),
            more: found.open.len().saturating_sub(OPEN_SHOWN),
            unapplied: found.unapplied.iter().map(|one| side.rest(one)).collect(),
            csv: format!("{base}.csv?period={}", found.period),
            xlsx: format!("{base}.xlsx?period={}", found.period),
        }
    }
}

async fn found(me: &SignedIn, partner_id: i64, params: &Params) -> Result<(Statement, Period), WebError> {
    let asked: Option<Period> = optional(&params.period)?;
    me.in_db(move |unit| {
        let today = unit.app.today(unit.db)?;
        let running = Period::containing(PeriodKind::Month, today);
        let period = asked.unwrap_or(running);
        let found = statement(unit.db, unit.viewer, partner_id, period)?.ok_or(WebError::NotFound)?;
        Ok::<_, WebError>((found, running))
    })
    .await
}

fn id_of(path: &str) -> Result<i64, WebError> {
    path.parse().map_err(|_| WebError::NotFound)
}

fn own_id(me: &SignedIn) -> Result<i64, WebError> {
    me.viewer.partner_id.ok_or(WebError::NotFound)
}

/// `GET /statements/{partner}?period=2025-06`
pub(in crate::web) async fn show_one(
    me: SignedIn,
    path: web::Path<String>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    // The downloads are the same address with an ending.
    let (id, ending) = path.split_once('.').unwrap_or((path.as_str(), ""));
    let partner_id = id_of(id)?;
    let (statement, last) = found(&me, partner_id, &params).await?;
    match ending {
        "" => {
            let view = View::of(&statement, &format!("/statements/{partner_id}"), last, false);
            page::html(&StatementPage {
                page: me.page(format!("Statement of {}", view.partner)),
                view,
                partner_id,
            })
        }
        "csv" => csv(&statement),
        "xlsx" => xlsx(&statement),
        _ => Err(WebError::NotFound),
    }
}

fn csv(found: &Statement) -> Result<HttpResponse, WebError> {
    download_csv(&format!("statement-{}.csv", found.period), statement_csv(found))
}

fn xlsx(found: &Statement) -> Result<HttpResponse, WebError> {
    let bytes = statement_xlsx(found).map_err(anyhow::Error::from)?;
    Ok(download(&format!("statement-{}.xlsx", found.period), FileKind::Xlsx, bytes))
}

/// `GET /portal/statement?period=2025-06`
pub(in crate::web) async fn show_own(
    me: SignedIn,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (statement, last) = found(&me, own_id(&me)?, &params).await?;
    let view = View::of(&statement, "/portal/statement", last, true);
    page::html(&OwnPage { page: me.page("Statement"), view })
}

/// `GET /portal/statement.csv`
pub(in crate::web) async fn csv_own(
    me: SignedIn,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (statement, _) = found(&me, own_id(&me)?, &params).await?;
    csv(&statement)
}

/// `GET /portal/statement.xlsx`
pub(in crate::web) async fn xlsx_own(
    me: SignedIn,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (statement, _) = found(&me, own_id(&me)?, &params).await?;
    xlsx(&statement)
}
