//! The reconciliation of the sub-ledger with what was exported.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::MonthParams;
use crate::app::books::reconcile::{Reconciled, reconciliation};
use crate::domain::ledger::Recognition;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::web::extract::SignedIn;
use crate::web::ledger::link::EntriesOf;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Months offered to go to.
const MONTHS_SHOWN: usize = 6;

struct Line {
    month: String,
    account: String,
    currency: String,
    /// What the sub-ledger has, what went out and what is left, each with the entries that come to it.
    cells: [(String, String); 3],
    difference: String,
    differs: bool,
}

#[derive(Template)]
#[template(path = "books/reconciliation.html")]
struct ReconciliationPage {
    page: Page,
    summary: String,
    months: Vec<(String, String, bool)>,
    lines: Vec<Line>,
    differences: Vec<Line>,
}

/// `GET /ledger/reconciliation`
pub(in crate::web) async fn show(
    me: SignedIn,
    params: web::Query<MonthParams>,
) -> Result<HttpResponse, WebError> {
    let asked = params.month()?;
    let (rows, chart) = me.in_db(|unit| reconciliation(unit.db, unit.viewer)).await?;
    let months: BTreeSet<Period> = rows.iter().map(|row| row.month).collect();
    let line = |row: &Reconciled| Line {
        month: row.month.title(),
        account: format!("{} {}", chart.number(row.account), chart.name(row.account)),
        currency: row.currency.to_string(),
        cells: [(row.ledger, None), (row.exported, Some(true)), (row.left, Some(false))].map(
            |(amount, exported)| {
                let of = EntriesOf {
                    month: Some(row.month),
                    accounts: vec![row.account],
                    recognition: Some(Recognition::Gl),
                    exported,
                    ..EntriesOf::default()
                };
                let href = if amount == Micros::ZERO { String::new() } else { of.href() };
                (show::money(amount), href)
            },
        ),
        difference: show::money(row.difference()),
        differs: row.difference() != Micros::ZERO,
    };
    let differs = |row: &&Reconciled| row.difference() != Micros::ZERO;
    let wrong = rows.iter().filter(differs).count();
    let mut ways: Vec<(String, String, bool)> =
        vec![("All months".to_owned(), "/ledger/reconciliation".to_owned(), asked.is_none())];
    ways.extend(months.iter().rev().take(MONTHS_SHOWN).map(|month| {
        (month.title(), format!("/ledger/reconciliation?month={month}"), asked == Some(*month))
    }));
    let reconciliation_page = ReconciliationPage {
        page: me.page("Reconciliation"),
        summary: match wrong {
            0 => {
                "Every account of every month is what was exported and what waits to be exported.".to_owned()
            }
            n => format!(
                "{} not explained; re-perform the ledger to find out why.",
                crate::domain::words::many(n, "balance")
            ),
        },
        months: ways,
        lines: rows.iter().filter(|row| asked.is_none_or(|month| month == row.month)).map(line).collect(),
        differences: rows.iter().filter(differs).map(line).collect(),
    };
    page::html(&reconciliation_page)
}
