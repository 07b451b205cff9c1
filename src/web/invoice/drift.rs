//! What is billed a little more each month, and the lines behind each number of it.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use url::form_urlencoded;

use super::optional;
use crate::app::invoice::drift::{DriftLine, LINES_MAX, LinesAsked, drift_lines, drifts};
use crate::domain::audit::Charge;
use crate::domain::audit::drift::{Month, POSITIONS_MIN};
use crate::domain::currency::Currency;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Longest code of a lane in an address.
const LANE_CHARS_MAX: usize = 200;

/// Partner and currency, lane and charge of some lines.
pub(super) type LinesOf<'a> = ((i64, Currency), (&'a str, &'a Charge));

/// The address of the lines of a lane and charge that were received in a period.
pub(super) fn lines_href(((partner_id, currency), (lane, charge)): LinesOf<'_>, period: Period) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs
        .append_pair("partner", &partner_id.to_string())
        .append_pair("period", &period.to_string())
        .append_pair("lane", lane)
        .append_pair("charge", &charge.to_string())
        .append_pair("currency", currency.code());
    format!("/invoices/lines?{}", pairs.finish())
}

fn share(month: &Month) -> String {
    let share = month.over.decimal().checked_div(month.owed.decimal()).unwrap_or_default();
    format!("{}\u{a0}%", show::decimal(share.saturating_mul(Decimal::ONE_HUNDRED), 2))
}

fn lane_words(lane: &str) -> String {
    if lane.is_empty() { "no lane".to_owned() } else { lane.to_owned() }
}

struct Line {
    lane: String,
    partner: String,
    charge: String,
    /// Share over, charges behind it, and the lines of the month.
    months: Vec<(String, String, String)>,
    over: String,
    currency: String,
    /// The lines behind that.
    href: String,
}

#[derive(Template)]
#[template(path = "invoice/drift.html")]
struct DriftPage {
    page: Page,
    heads: Vec<String>,
    lines: Vec<Line>,
    positions: i64,
}

/// `GET /invoices/drift`
pub(in crate::web) async fn show_drift(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (months, found) = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            drifts(unit.db, unit.viewer, today)
        })
        .await?;
    page::html(&DriftPage {
        page: me.page("Drift"),
        heads: months.iter().map(|month| month.format("%B %Y").to_string()).collect(),
        lines: found
            .into_iter()
            .map(|one| {
                let to = |of: &NaiveDate| {
                    let month = Period::containing(PeriodKind::Month, *of);
                    lines_href(((one.partner_id, one.currency), (one.lane.as_str(), &one.charge)), month)
                };
                Line {
                    months: one
                        .months
                        .iter()
                        .zip(&months)
                        .map(|(month, of)| (share(month), show::count(month.positions), to(of)))
                        .collect(),
                    href: months.last().map(to).unwrap_or_default(),
                    over: one.months.last().map(|month| show::money(month.over)).unwrap_or_default(),
                    lane: lane_words(&one.lane),
                    charge: one.charge.words(),
                    currency: one.currency.to_string(),
                    partner: one.partner,
                }
            })
            .collect(),
        positions: POSITIONS_MIN,
    })
}

/// The query of the lines, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct LinesParams {
    partner: String,
    period: String,
    lane: String,
    charge: String,
    currency: String,
    page: String,
}

impl LinesParams {
    /// What is asked for; all but lane and page must be said.
    fn asked(&self) -> Result<LinesAsked, WebError> {
        let missing = || {
            WebError::BadRequest(
                "Open the lines from the page of drifts or from an invoice: partner, month, charge and currency are in that address."
                    .to_owned(),
            )
        };
        if self.lane.chars().count() > LANE_CHARS_MAX {
            return Err(WebError::BadRequest(format!(
                "The code of a lane has {LANE_CHARS_MAX} characters at most."
            )));
        }
        Ok(LinesAsked {
            partner_id: optional(&self.partner)?.ok_or_else(missing)?,
            period: optional(&self.period)?.ok_or_else(missing)?,
            // As stored, not trimmed: a lane is told by its code.
            lane: self.lane.clone(),
            charge: optional(&self.charge)?.ok_or_else(missing)?,
            currency: optional(&self.currency)?.ok_or_else(missing)?,
            page: optional(&self.page)?.unwrap_or(1),
        })
    }
}

/// One line of an invoice.
struct Billed {
    number: String,
    href: String,
    received: String,
    shipment: String,
    shipment_href: Option<String>,
    code: String,
    billed: String,
    before: String,
    owed: String,
    over: String,
}

impl Billed {
    fn of(line: &DriftLine, partner_id: i64) -> Self {
        Self {
            number: line.number.clone(),
            href: format!("/invoices/{}", line.invoice_id),
            received: show::day(line.received_on),
            shipment: line.shipment.clone(),
            shipment_href: line
                .source
                .as_ref()
                .map(|source| show::shipment_href(partner_id, source, &line.shipment)),
            code: line.code.clone(),
            billed: show::money(line.billed),
            before: show::money(line.before),
            owed: show::money(line.owed),
            over: show::money(line.over),
        }
    }
}

#[derive(Template)]
#[template(path = "invoice/lines.html")]
struct LinesPage {
    page: Page,
    partner: String,
    month: String,
    currency: String,
    /// The invoices of the partner and the month.
    invoices: String,
    lines: Vec<Billed>,
    count: String,
    /// Said where not all of them are listed.
    cut: Option<String>,
    share: String,
    billed: String,
    before: String,
    owed: String,
    over: String,
    back: Option<String>,
    on: Option<String>,
    number: usize,
    pages: usize,
}

/// `GET /invoices/lines?partner=7&period=2025-06&lane=A-B&charge=LINEHAUL&currency=USD`
pub(in crate::web) async fn show_lines(
    me: SignedIn,
    params: web::Query<LinesParams>,
) -> Result<HttpResponse, WebError> {
    let asked = params.asked()?;
    let wanted = asked.clone();
    let found = me.in_db(move |unit| drift_lines(unit.db, unit.viewer, &wanted)).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let of = ((asked.partner_id, asked.currency), (asked.lane.as_str(), &asked.charge));
    let own = lines_href(of, asked.period);
    let to = |page: usize| format!("{own}&page={page}");
    let listed = usize::try_from(found.sum.positions).unwrap_or(usize::MAX);
    page::html(&LinesPage {
        page: me.page(format!("Lines of {}, {}", asked.charge.words(), lane_words(&asked.lane))),
        partner: found.partner.name.clone(),
        month: asked.period.title(),
        currency: asked.currency.to_string(),
        invoices: format!("/invoices?partner={}&period={}&show=all", asked.partner_id, asked.period),
        lines: found.rows.iter().map(|line| Billed::of(line, asked.partner_id)).collect(),
        count: words::count(found.sum.positions, "line"),
        cut: (listed > LINES_MAX).then(|| {
            format!(
                "The first {} are listed, by day of receipt; the sums are of all.",
                words::many(LINES_MAX, "line")
            )
        }),
        share: share(&found.sum),
        billed: show::money(found.billed),
        before: show::money(found.before),
        owed: show::money(found.sum.owed),
        over: show::money(found.sum.over),
        back: (found.page > 1).then(|| to(found.page - 1)),
        on: (found.page < found.pages).then(|| to(found.page + 1)),
        number: found.page,
        pages: found.pages,
    })
}
