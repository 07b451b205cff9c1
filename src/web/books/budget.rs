//! Budgets by partner and month beside what was accrued, and the form that sets them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{MonthParams, around};
use crate::app::books::budget::{BudgetView, Compared, budget_set, budget_view};
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
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Budgets in the history at most.
const HISTORY_SHOWN: usize = 60;

struct Line {
    name: String,
    href: String,
    /// Figures, each with the list that comes to it; empty where it is worked out from the two before it.
    cells: [(String, String); 6],
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
    history: Vec<[String; 4]>,
    may: bool,
    form: Form,
    notice: Option<String>,
}

fn cells(month: &Compared, year: &Compared, [of_month, of_year]: [String; 2]) -> [(String, String); 6] {
    let or_none = |amount: Option<Micros>| amount.map_or_else(|| "no budget".to_owned(), show::money);
    let set = |amount: Option<Micros>| {
        (or_none(amount), if amount.is_some() { "#hi".to_owned() } else { String::new() })
    };
    let beyond = |one: &Compared| (or_none(one.beyond()), String::new());
    [
        set(month.budget),
        (show::money(month.accrued), of_month),
        beyond(month),
        set(year.budget),
        (show::money(year.accrued), of_year),
        beyond(year),
    ]
}

async fn answer(
    me: &SignedIn,
    month: Option<Period>,
    mut form: Form,
    refusal: Option<EditError>,
) -> Result<HttpResponse, WebError> {
    let view: BudgetView = me
        .in_db(move |unit| {
            let month = month.map_or_else(|| unit.app.today(unit.db).map(month_of), Ok)?;
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
                cells: cells(&line.month, &line.year, accrued(view.month, Some(line.partner_id))),
            })
            .collect(),
        total: Line {
            name: "All partners".to_owned(),
            href: String::new(),
            cells: cells(&view.total.0, &view.total.1, accrued(view.month, None)),
        },
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

/// `GET /ledger/budget`
pub(in crate::web) async fn show_month(
    me: SignedIn,
    params: web::Query<MonthParams>,
) -> Result<HttpResponse, WebError> {
    let month = params.month()?;
    answer(&me, month, Form::default(), None).await
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
        Err(error) => answer(&me, None, form, Some(error)).await,
    }
}
