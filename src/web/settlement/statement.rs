//! The statement of a partner. The shipper's page and the portal's are drawn from one value, so both sides read the same.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::app::dispute::Item;
use crate::app::settlement::statement::{Statement, statement, statement_csv, statement_xlsx};
use crate::domain::ledger::Account;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::settlement::SettlementKind;
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

/// The query of the page, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    period: String,
}

struct Row {
    on: String,
    href: String,
    item: String,
    why: &'static str,
    document: String,
    amount: String,
    balance: String,
}

struct PartView {
    currency: String,
    opening: String,
    /// What it comes from: our entries, or what the statement before closed with.
    opening_href: String,
    rows: Vec<Row>,
    closing: String,
    /// Our entries that come to it; empty for the partner, whose rows above do.
    closing_href: String,
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
    parts: Vec<PartView>,
    open: Vec<OpenRow>,
    /// Items that stand and are not listed.
    more: usize,
    /// Each document with a rest: where it is looked at, by us alone, and what is left of it.
    unapplied: Vec<(String, String)>,
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

/// The entries that come to what stood as assessed at the end of the month of a day.
fn standing(found: &Statement, on: Option<NaiveDate>) -> String {
    let Some(on) = on else { return String::new() };
    let month = Period::containing(PeriodKind::Month, on);
    let of = EntriesOf::up_to(month, &[Account::CreditAssessed]);
    EntriesOf { partner_id: Some(found.partner.id), ..of }.href()
}

impl View {
    fn of(found: &Statement, base: &str, last: Period, is_own: bool) -> Self {
        let mut months: Vec<Period> =
            std::iter::successors(Some(last), |month| Some(month.previous())).take(MONTHS_SHOWN).collect();
        if !months.contains(&found.period) {
            months.push(found.period);
        }
        months.sort_by_key(|month| month.start());
        let item = |key: crate::domain::clause::ObligationKey| {
            if is_own {
                format!("/portal/items/{}", key.slug())
            } else {
                format!("/items/{}/{}", found.partner.id, key.slug())
            }
        };
        let part = |(currency, part): (
            &crate::domain::currency::Currency,
            &crate::app::settlement::statement::StatementPart,
        )| PartView {
            currency: currency.to_string(),
            opening: show::money(part.opening),
            closing: show::money(part.closing),
            opening_href: if part.opening == Micros::ZERO {
                String::new()
            } else if is_own {
                format!("{base}?period={}", found.period.previous())
            } else {
                standing(found, found.period.start().pred_opt())
            },
            closing_href: if is_own || part.closing == Micros::ZERO {
                String::new()
            } else {
                standing(found, Some(found.period.last_day()))
            },
            rows: part
                .lines
                .iter()
                .map(|line| Row {
                    on: show::day(line.on),
                    href: item(line.key),
                    item: line.item.clone(),
                    why: line.why,
                    document: line.document.clone(),
                    amount: show::money(line.amount),
                    balance: show::money(line.balance),
                })
                .collect(),
        };
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
            parts: found.parts.iter().map(part).collect(),
            open: found.open.iter().rev().take(OPEN_SHOWN).map(open).collect(),
            more: found.open.len().saturating_sub(OPEN_SHOWN),
            unapplied: found
                .unapplied
                .iter()
                .map(|one| {
                    let kind =
                        one.row.kind.parse::<SettlementKind>().map_or("Document", SettlementKind::label);
                    let words = format!(
                        "{kind} {}: {} {} of it is applied to nothing yet",
                        one.row.number,
                        show::money(one.unapplied()),
                        one.row.currency
                    );
                    let href = format!("/settlements/{}/{}", one.row.partner_id, one.row.id);
                    (if is_own { String::new() } else { href }, words)
                })
                .collect(),
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
