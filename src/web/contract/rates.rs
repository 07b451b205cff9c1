//! Rate tables of a contract version: looked through here, taken away as a sheet ([`mod@sheet`]), and asked for the price of
//! a shipment with every step ([`mod@price`]). The same pages for the shipper's side and, in the portal, for the partner's own
//! contract.

pub mod price;
pub mod sheet;

use actix_web::{HttpResponse, web};
use askama::Template;
use url::form_urlencoded;

use super::cell;
use crate::app::contract::own::contract_own;
use crate::app::rate_view::{
    LineAsked, OpenedTable, RateTables, TABLE_RATES_MAX, rate_tables, version_id_of,
};
use crate::db::Db;
use crate::db::contract::{contract_by_number, contract_show};
use crate::domain::rate::view::{CellKey, band_words, line_has};
use crate::domain::rate::{Axis, Cell, ColumnsBy, Lane, RateLine};
use crate::domain::terms::Terms;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;
use crate::web::edit::sentence;
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Rows of a table, or lines of the list, on one page.
const ROWS_PER_PAGE: usize = 50;
/// Zones or classes across on one page; a search finds the others.
const COLUMNS_SHOWN: usize = 40;
/// Lanes named beside a line.
const LANES_NAMED: usize = 3;
/// Where the portal's pages are.
const OWN: &str = "/portal/contract";
/// Most characters of a search.
const SEARCH_CHARS_MAX: usize = 240;

/// Which version, from which side.
#[derive(Clone, Debug)]
struct Side {
    version_id: i64,
    partner_id: i64,
    number: String,
    version_no: i32,
    /// Address of the pages without their last part, and the query they all carry.
    base: String,
    carried: Vec<(&'static str, String)>,
    crumbs: Vec<(String, String)>,
}

impl Side {
    fn of_staff(db: &mut Db, viewer: &Viewer, contract_id: i64, version_no: i32) -> Result<Self, WebError> {
        let version_id = version_id_of(db, viewer, contract_id, version_no)?.ok_or(WebError::NotFound)?;
        let contract = contract_show(db, viewer, contract_id)?.ok_or(WebError::NotFound)?;
        Ok(Self {
            version_id,
            partner_id: contract.partner_id,
            version_no,
            base: format!("/contracts/{contract_id}/versions/{version_no}"),
            carried: Vec::new(),
            crumbs: vec![
                ("/contracts".to_owned(), "Contracts".to_owned()),
                (format!("/contracts/{contract_id}?version={version_no}"), contract.number.clone()),
            ],
            number: contract.number,
        })
    }

    fn of_partner(unit: &mut Unit<'_>, asked: &Form) -> Result<Self, WebError> {
        let number = Some(asked.value("number")).filter(|number| !number.is_empty());
        let version = asked.value("version").parse().ok();
        let found =
            contract_own(unit.app, unit.db, unit.viewer, number, version)?.ok_or(WebError::NotFound)?;
        let (number, version_no) = (found.terms.number, found.terms.version_no);
        let contract = contract_by_number(unit.db, unit.viewer, &number)?.ok_or(WebError::NotFound)?;
        Ok(Self {
            version_id: found.terms.version_id,
            partner_id: contract.partner_id,
            version_no,
            base: OWN.to_owned(),
            carried: vec![("number", number.clone()), ("version", version_no.to_string())],
            crumbs: vec![
                ("/portal".to_owned(), "Home".to_owned()),
                (super::own::address(&number, Some(version_no)), "Your contract".to_owned()),
            ],
            number,
        })
    }

    fn sheets(&self, line: Option<&RateLine>, matrix: bool) -> Vec<(&'static str, String)> {
        sheets(&self.base, &self.carried, line, matrix)
    }

    /// The address of a page of this version.
    fn link(&self, page: &str, more: &[(&str, &str)]) -> String {
        address(&self.base, &self.carried, page, more)
    }
}

/// One line in the list.
struct LineRow {
    href: String,
    code: String,
    lanes: String,
    days: String,
    how: String,
    rates: String,
    sheets: Vec<(&'static str, String)>,
}

/// One line as the table it is.
struct TableShown {
    heading: String,
    lede: String,
    headings: Vec<String>,
    rows: Vec<Vec<Vec<Shown>>>,
    note: String,
}

/// A price, and what goes with it.
struct Shown {
    value: String,
    note: String,
    /// Leads to the form that changes it, for whoever may.
    href: Option<String>,
}

struct View {
    title: String,
    lede: String,
    crumbs: Vec<(String, String)>,
    action: String,
    hidden: Vec<(&'static str, String)>,
    q: String,
    hint: &'static str,
    lines: Vec<LineRow>,
    table: Option<TableShown>,
    empty: &'static str,
    before: Option<String>,
    after: Option<String>,
    pages: String,
    /// Leads to the form for a new rate, for whoever may add one.
    add: Option<String>,
    /// Back to all lines.
    all: Option<String>,
    sheets: Vec<(&'static str, String)>,
    left_out: Vec<String>,
    price: String,
}

#[derive(Template)]
#[template(path = "contract/rates.html")]
struct StaffPage {
    page: Page,
    view: View,
}

#[derive(Template)]
#[template(path = "contract/rates_own.html")]
struct OwnPage {
    page: Page,
    view: View,
}

fn form_of(query: web::Query<Vec<(String, String)>>) -> Form {
    Form::filled(query.into_inner())
}

fn line_asked(asked: &Form) -> Option<LineAsked> {
    let code = asked.value("line");
    (!code.is_empty()).then(|| LineAsked { code: code.to_owned(), from: asked.value("from").parse().ok() })
}

fn search(asked: &Form) -> String {
    asked.value("q").chars().take(SEARCH_CHARS_MAX).collect()
}

/// `GET /contracts/{id}/versions/{n}/rates?line=…&q=…&page=…`
pub(in crate::web) async fn show(
    me: SignedIn,
    path: web::Path<(i64, i32)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, version_no) = path.into_inner();
    let asked = form_of(query);
    let (line, q) = (line_asked(&asked), search(&asked));
    let (side, found) = me
        .in_db(move |unit| {
            let side = Side::of_staff(unit.db, unit.viewer, id, version_no)?;
            let found = rate_tables(unit.db, unit.viewer, side.version_id, line.as_ref(), &q)?;
            Ok::<_, WebError>((side, found.ok_or(WebError::NotFound)?))
        })
        .await?;
    let may_edit = found.is_draft && me.viewer.role.may(Action::EditContracts);
    let view = View::new(&side, &found, &asked, may_edit)?;
    page::html(&StaffPage { page: me.page(view.title.clone()), view })
}

/// `GET /portal/contract/rates?number=…&version=…&line=…`
pub(in crate::web) async fn show_own(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let asked = form_of(query);
    let (line, q, given) = (line_asked(&asked), search(&asked), asked.clone());
    let (side, found) = me
        .in_db(move |mut unit| {
            let side = Side::of_partner(&mut unit, &given)?;
            let found = rate_tables(unit.db, unit.viewer, side.version_id, line.as_ref(), &q)?;
            Ok::<_, WebError>((side, found.ok_or(WebError::NotFound)?))
        })
        .await?;
    let view = View::new(&side, &found, &asked, false)?;
    page::html(&OwnPage { page: me.page(view.title.clone()), view })
}

fn sheets(
    base: &str,
    carried: &[(&'static str, String)],
    line: Option<&RateLine>,
    matrix: bool,
) -> Vec<(&'static str, String)> {
    let code = line.map_or("", |line| line.code.as_str());
    let link = |page: &str, form: &str| address(base, carried, page, &[("line", code), ("form", form)]);
    let mut sheets = vec![("csv", link("rates.csv", "")), ("xlsx", link("rates.xlsx", ""))];
    if matrix {
        sheets.push(("csv, columns across", link("rates.csv", "matrix")));
        sheets.push(("xlsx, columns across", link("rates.xlsx", "matrix")));
    }
    sheets
}

fn has_columns(line: &RateLine) -> bool {
    line.columns_by != ColumnsBy::None
}

/// The days a line holds.
fn days(line: &RateLine) -> String {
    match (line.valid_from, line.valid_to.and_then(|to| to.pred_opt())) {
        (None, None) => "as the contract".to_owned(),
        (Some(from), None) => format!("from {}", show::day(from)),
        (None, Some(last)) => format!("until {}", show::day(last)),
        (Some(from), Some(last)) => format!("{} to {}", show::day(from), show::day(last)),
    }
}

/// What a rate of the line multiplies, and by what the table is read.
fn how(line: &RateLine) -> String {
    let mut text = line.basis.label().to_owned();
    let axes: Vec<&str> = [line.first, line.second].into_iter().flatten().map(Axis::label).collect();
    if !axes.is_empty() {
        text += &format!(", by {}", axes.join(" and "));
    }
    if has_columns(line) {
        text += &format!(" and {}", line.columns_by.label());
    }
    text
}

fn lanes_text(lanes: &[&Lane]) -> String {
    let one = |lane: &&Lane| {
        let mut text = format!("{} to {}", lane.origin.words(), lane.destination.words());
        for word in [&lane.equipment, &lane.service].into_iter().flatten() {
            text += &format!(", {word}");
        }
        text
    };
    let mut text: Vec<String> = lanes.iter().take(LANES_NAMED).map(one).collect();
    if lanes.len() > LANES_NAMED {
        text.push(format!("{} more", lanes.len() - LANES_NAMED));
    }
    if text.is_empty() { "no lane".to_owned() } else { text.join("; ") }
}

/// The first letter large, as a heading of a column has it.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a contract page says about the rate tables of the version shown, and where they are.
pub(super) struct Tables {
    /// In words; empty without any.
    pub words: String,
    /// Title and address.
    pub links: Vec<(&'static str, String)>,
}

impl Tables {
    /// For the shipper's side.
    pub(super) fn of_staff(contract_id: i64, terms: &Terms) -> Self {
        Self::new(&format!("/contracts/{contract_id}/versions/{}", terms.version_no), &[], terms)
    }

    /// For the partner's own contract.
    pub(super) fn of_partner(terms: &Terms) -> Self {
        let carried = [("number", terms.number.clone()), ("version", terms.version_no.to_string())];
        Self::new(OWN, &carried, terms)
    }

    fn new(base: &str, carried: &[(&'static str, String)], terms: &Terms) -> Self {
        let lines = &terms.pricing.terms.lines;
        if lines.is_empty() {
            return Self { words: String::new(), links: Vec::new() };
        }
        let mut links = vec![
            ("See and search", address(base, carried, "rates", &[])),
            ("Rate a shipment", address(base, carried, "rate", &[])),
        ];
        links.extend(sheets(base, carried, None, lines.iter().all(has_columns)));
        let words = format!(
            "{} in {}",
            words::count(count(terms.pricing.cells()), "rate"),
            words::count(count(lines.len()), "rate table")
        );
        Self { words, links }
    }
}

/// The address of a page of a version.
fn address(base: &str, carried: &[(&'static str, String)], page: &str, more: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(carried.iter());
    query.extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}/{page}{mark}{query}")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl View {
    fn new(side: &Side, found: &RateTables, asked: &Form, may_edit: bool) -> Result<Self, WebError> {
        let page_no = asked.value("page").parse::<usize>().unwrap_or(1).max(1);
        let q = search(asked);
        let title = format!("Rates of {}, version {}", found.number, found.version_no);
        if !asked.value("line").is_empty() && found.opened.is_none() {
            return Err(WebError::NotFound);
        }
        let mut view = Self {
            title,
            lede: format!(
                "{} in {}, {}.",
                words::count(count(found.lines.iter().map(|(_, cells)| cells).sum()), "rate"),
                words::count(count(found.lines.len()), "rate table"),
                found.currency
            ),
            crumbs: side.crumbs.clone(),
            action: format!("{}/rates", side.base),
            hidden: side.carried.clone(),
            q: q.clone(),
            hint: "A lane, a place such as US-TX, equipment or the code of a rate table",
            lines: Vec::new(),
            table: None,
            empty: "No rate table of this version has that in its code or lanes.",
            before: None,
            after: None,
            pages: String::new(),
            add: None,
            all: None,
            sheets: Vec::new(),
            left_out: found.left_out.iter().map(|what| sentence(what)).collect(),
            price: side.link("rate", &[]),
        };
        let first = page_no.saturating_sub(1).saturating_mul(ROWS_PER_PAGE);
        let (total, more) = match found.opened.as_ref().and_then(|one| Some((one, found.lines.get(one.at)?)))
        {
            Some((opened, (line, cells))) => {
                view.hidden.push(("line", line.code.clone()));
                let from = line.valid_from.map(|day| day.to_string()).unwrap_or_default();
                if !from.is_empty() {
                    view.hidden.push(("from", from.clone()));
                }
                view.hint = "A weight or distance such as 750, or a zone or class such as zone 5";
                view.all = (found.lines.len() > 1).then(|| side.link("rates", &[]));
                view.sheets = side.sheets(Some(line), has_columns(line));
                let lanes: Vec<&Lane> = found.lanes.iter().filter(|lane| lane.line == line.code).collect();
                let form = may_edit.then(|| cell::address(side.version_id, opened.at));
                view.table = Some(table(line, *cells, opened, &lanes, first, found, form.as_deref()));
                view.add = form;
                let total = opened.rows.as_ref().map_or(0, Vec::len);
                (total, vec![("line", line.code.clone()), ("from", from)])
            }
            None => {
                let hits: Vec<&(RateLine, usize)> = found
                    .lines
                    .iter()
                    .filter(|(line, _)| {
                        line_has(line, found.lanes.iter().filter(|lane| lane.line == line.code), &q)
                    })
                    .collect();
                view.sheets = side.sheets(None, found.lines.iter().all(|(line, _)| has_columns(line)));
                view.lines = hits
                    .iter()
                    .skip(first)
                    .take(ROWS_PER_PAGE)
                    .map(|(line, cells)| line_row(side, line, *cells, &found.lanes))
                    .collect();
                if found.lines.is_empty() {
                    view.empty = "This version has no rate tables.";
                    view.sheets = Vec::new();
                }
                (hits.len(), Vec::new())
            }
        };
        let link = |number: usize| {
            let number = number.to_string();
            let mut pairs: Vec<(&str, &str)> =
                more.iter().map(|(name, value)| (*name, value.as_str())).collect();
            pairs.extend([("q", q.as_str()), ("page", number.as_str())]);
            side.link("rates", &pairs)
        };
        view.before = (page_no > 1).then(|| link(page_no - 1));
        view.after = (total > first.saturating_add(ROWS_PER_PAGE)).then(|| link(page_no.saturating_add(1)));
        if total > 0 {
            let last = total.min(first.saturating_add(ROWS_PER_PAGE));
            view.pages = format!(
                "{} to {} of {}",
                show::count(count(first.saturating_add(1).min(last))),
                show::count(count(last)),
                show::count(count(total))
            );
        }
        Ok(view)
    }
}

fn line_row(side: &Side, line: &RateLine, cells: usize, lanes: &[Lane]) -> LineRow {
    let from = line.valid_from.map(|day| day.to_string()).unwrap_or_default();
    let lanes: Vec<&Lane> = lanes.iter().filter(|lane| lane.line == line.code).collect();
    LineRow {
        href: side.link("rates", &[("line", &line.code), ("from", &from)]),
        code: line.code.clone(),
        lanes: lanes_text(&lanes),
        days: days(line),
        how: how(line),
        rates: show::count(count(cells)),
        sheets: side.sheets(Some(line), has_columns(line)),
    }
}

/// A table with its bands down and its columns across; one price a row where it has no columns.
fn table(
    line: &RateLine,
    cells: usize,
    opened: &OpenedTable,
    lanes: &[&Lane],
    first: usize,
    found: &RateTables,
    form: Option<&str>,
) -> TableShown {
    let currency = line.currency.map_or_else(|| found.currency.clone(), |own| own.code().to_owned());
    let mut note = String::new();
    let none = Vec::new();
    let rows = opened.rows.as_ref().unwrap_or_else(|| {
        note = format!(
            "This table has {} rates, and a page looks through {} at most. Take it away as a sheet.",
            show::count(count(cells)),
            show::count(count(TABLE_RATES_MAX))
        );
        &none
    });
    // Only columns with a price in what was found.
    let mut columns: Vec<u16> = rows.iter().flat_map(|row| &row.cells).map(|cell| cell.column).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.len() > COLUMNS_SHOWN {
        note = format!(
            "{} more columns are not shown; look for one by its name.",
            show::count(count(columns.len() - COLUMNS_SHOWN))
        );
        columns.truncate(COLUMNS_SHOWN);
    }
    let mut headings: Vec<String> =
        [line.first, line.second].into_iter().flatten().map(|axis| capital(axis.label())).collect();
    if headings.is_empty() {
        headings.push("Holds for".to_owned());
    }
    let name = |column: &u16| line.columns.get(usize::from(*column)).cloned();
    if has_columns(line) {
        let kind = capital(line.columns_by.label());
        headings.extend(columns.iter().map(|column| format!("{kind} {}", name(column).unwrap_or_default())));
    } else {
        headings.push("Rate".to_owned());
    }
    let plain = |text: String| vec![Shown { value: text, note: String::new(), href: None }];
    let shown = rows.iter().skip(first).take(ROWS_PER_PAGE).map(|row| {
        let bands = [(line.first, row.first), (line.second, row.second)];
        let mut values: Vec<Vec<Shown>> = bands
            .into_iter()
            .filter(|(axis, _)| axis.is_some())
            .map(|(_, band)| plain(band_words(band)))
            .collect();
        if values.is_empty() {
            values.push(plain("every shipment".to_owned()));
        }
        values.extend(columns.iter().map(|column| {
            row.cells
                .iter()
                .filter(|cell| cell.column == *column)
                .map(|cell| price(cell, form))
                .collect::<Vec<_>>()
        }));
        values
    });
    TableShown {
        heading: line.code.clone(),
        lede: format!("{}: {}, {}, {}. {}.", line.label, how(line), currency, days(line), lanes_text(lanes)),
        headings,
        rows: shown.collect(),
        note,
    }
}

fn price(cell: &Cell, form: Option<&str>) -> Shown {
    let note = [("at least", cell.min), ("before", cell.prior)]
        .into_iter()
        .filter_map(|(word, value)| Some(format!("{word} {}", show::rate(value?))))
        .collect::<Vec<_>>()
        .join(", ");
    let href = form.map(|form| format!("{form}&key={}", CellKey::of(cell)));
    Shown { value: show::rate(cell.rate), note, href }
}
