//! Budgets by partner and month beside what was accrued, and the form that sets them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::around;
use crate::app::books::budget::{BudgetLine, BudgetView, Compared, budget_set, budget_view};
use crate::app::edit::EditError;
use crate::app::ledger::view::Since;
use crate::domain::books::month_of;
use crate::domain::books::roll::{net_accounts, net_reasons};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::edit::refuse;
use crate::web::extract::{Form, SignedIn};
use crate::web::ledger::link::EntriesOf;
use crate::web::ledger::{month_of as month_asked, optional};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Budgets in the history at most.
const HISTORY_SHOWN: usize = 60;

/// The query of the page, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    month: String,
    /// The partner whose months are shown one by one.
    partner: String,
}

/// What the page was asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    month: Option<Period>,
    partner_id: Option<i64>,
}

struct Line {
    name: String,
    href: String,
    /// Figures, each with what comes to it; empty where it is worked out from the two before it.
    cells: [(String, String); 6],
}

/// A month of one partner, or its year: name, and budget, accrued, over or under.
struct MonthLine {
    name: String,
    cells: [(String, String); 3],
}

/// One partner's months, which come to its year.
struct MonthsView {
    partner: String,
    lines: Vec<MonthLine>,
    total: MonthLine,
}

/// The entries that come to what was accrued net in the month, and in the year up to its end.
fn accrued(month: Period, partner_id: Option<i64>) -> [String; 2] {
    let january = Period::containing(PeriodKind::Year, month.start()).start();
    let first = Period::containing(PeriodKind::Month, january);
    [None, Some(Since::Month(first))].map(|since| {
        let (accounts, reasons) = (net_accounts(), net_reasons());
        EntriesOf { month: Some(month), since, partner_id, accounts, reasons, ..EntriesOf::default() }.href()
    })
}

#[derive(Template)]
#[template(path = "books/budget.html")]
struct BudgetPage {
    page: Page,
    month: String,
    months: Vec<(String, String, bool)>,
    currency: String,
    lines: Vec<Line>,
    total: Line,
    by_month: Option<MonthsView>,
    history: Vec<[String; 4]>,
    may: bool,
    form: Form,
    notice: Option<String>,
}

/// The three figures of a month or a year, the first two with what comes to them.
fn figures(one: &Compared, accrued: String) -> [(String, String); 3] {
    let or_none = |amount: Option<Micros>| amount.map_or_else(|| "no budget".to_owned(), show::money);
    let history = if one.budget.is_some() { "#hi".to_owned() } else { String::new() };
    [
        (or_none(one.budget), history),
        (show::money(one.accrued), accrued),
        (or_none(one.beyond()), String::new()),
    ]
}

/// `beyond` is where differences are found that are not of the two figures before them: of a year whose months have not all a
/// budget, and of all partners.
fn cells(
    (month, year): (&Compared, &Compared),
    [of_month, of_year]: [String; 2],
    beyond: [&str; 2],
) -> [(String, String); 6] {
    let [a, b, mut c] = figures(month, of_month);
    let [d, e, mut f] = figures(year, of_year);
    for (cell, one, href) in [(&mut c, month, beyond[0]), (&mut f, year, beyond[1])] {
        if one.budget.is_some() && one.budgeted != one.accrued {
            href.clone_into(&mut cell.1);
        }
    }
    [a, b, c, d, e, f]
}

fn by_month(line: &BudgetLine, last: Period) -> MonthsView {
    let id = Some(line.partner_id);
    let months = line.months.iter().map(|(month, one)| {
        let [accrued, _] = accrued(*month, id);
        MonthLine { name: month.title(), cells: figures(one, accrued) }
    });
    let [_, of_year] = accrued(last, id);
    MonthsView {
        partner: line.partner.clone(),
        lines: months.collect(),
        total: MonthLine { name: "All of them".to_owned(), cells: figures(&line.year, of_year) },
    }
}

async fn answer(
    me: &SignedIn,
    asked: Asked,
    mut form: Form,
    refusal: Option<EditError>,
) -> Result<HttpResponse, WebError> {
    let view: BudgetView = me
        .in_db(move |unit| {
            let month = asked.month.map_or_else(|| unit.app.today(unit.db).map(month_of), Ok)?;
            budget_view(unit.db, unit.viewer, month)
        })
        .await?;
    let (status, notice) = match refusal {
        None => (StatusCode::OK, None),
        Some(error) => {
            let refused = refuse(&mut form, error, &[("lines", "lines")])?;
            (refused.status, refused.notice)
        }
    };
    let budget_page = BudgetPage {
        page: me.page(format!("Budget, {}", view.month.title())),
        month: view.month.title(),
        months: around(view.month, "/ledger/budget"),
        currency: view.currency.to_string(),
        lines: view
            .lines
            .iter()
            .map(|line| Line {
                name: line.partner.clone(),
                href: format!("/ledger?month={}&partner={}", view.month, line.partner_id),
                cells: cells(
                    (&line.month, &line.year),
                    accrued(view.month, Some(line.partner_id)),
                    ["", &format!("/ledger/budget?month={}&partner={}#mo", view.month, line.partner_id)],
                ),
            })
            .collect(),
        total: Line {
            name: "All partners".to_owned(),
            href: String::new(),
            cells: cells((&view.total.0, &view.total.1), accrued(view.month, None), ["#bu", "#bu"]),
        },
        by_month: view
            .lines
            .iter()
            .find(|line| Some(line.partner_id) == asked.partner_id)
            .map(|line| by_month(line, view.month)),
        history: view
            .history
            .iter()
            .take(HISTORY_SHOWN)
            .map(|row| {
                [
                    view.names.get(&row.partner_id).cloned().unwrap_or_default(),
                    row.month.parse::<Period>().map_or_else(|_| row.month.clone(), Period::title),
                    format!("{} {}", show::money(Micros(row.amount_micros)), row.currency),
                    format!("{}, {} UTC", row.set_by, show::moment(row.set_at.0)),
                ]
            })
            .collect(),
        may: me.viewer.role.may(Action::KeepBooks),
        form,
        notice,
    };
    page::html_with(status, &budget_page)
}

/// `GET /ledger/budget?month=2025-06&partner=7`
pub(in crate::web) async fn show_month(
    me: SignedIn,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let asked = Asked { month: month_asked(&params.month)?, partner_id: optional(&params.partner)? };
    answer(&me, asked, Form::default(), None).await
}

/// `POST /ledger/budget`
pub(in crate::web) async fn store(me: SignedIn, form: Form) -> Result<HttpResponse, WebError> {
    let lines = form.value("lines").to_owned();
    let set =
        me.in_db(move |unit| Ok::<_, WebError>(budget_set(unit.app, unit.db, unit.viewer, &lines))).await?;
    match set {
        Ok(set) => {
            me.flash(&format!("{} set.", words::many(set, "budget")));
            Ok(page::see_other("/ledger/budget"))
        }
        Err(error) => answer(&me, Asked::default(), form, Some(error)).await,
    }
}
