//! The two-way card: how the shipper does for a partner, on a page of ours and in the portal.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::{SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::scorecard::card::in_unit;
use super::scorecard::{newest, period_of};
use super::show;
use crate::app::two_way::{TwoWayLine, two_way};
use crate::db::partner::{Partner, partner_show};
use crate::db::scorecard::scorecard_periods;
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::period::{Period, PeriodKind};

/// Months that the switcher offers, and as many quarters as they lie in.
const MONTHS: usize = 6;

/// The query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Query {
    period: Option<String>,
}

/// One KPI, ready to print.
struct Line {
    name: &'static str,
    value: Option<String>,
    n: String,
    interval: String,
    before: String,
    /// All partners together; empty in the portal.
    all: String,
    evidence: String,
    why_none: &'static str,
}

/// The card, ready to print.
struct View {
    heading: String,
    period_title: String,
    periods: Vec<(String, String, bool)>,
    lines: Vec<Line>,
    with_all: bool,
}

#[derive(Template)]
#[template(path = "partner/two_way.html")]
struct TwoWayPage {
    page: Page,
    partner: Partner,
    view: View,
    card_href: String,
}

#[derive(Template)]
#[template(path = "portal/two_way.html")]
struct OwnPage {
    page: Page,
    view: View,
    card_href: String,
}

/// Where links of the card lead.
struct Places {
    own: String,
    cards: String,
}

/// `GET /partners/{id}/two-way`
pub(super) async fn show_one(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let partner_id = id.into_inner();
    let places =
        Places { own: format!("/partners/{partner_id}/two-way"), cards: format!("/scorecards/{partner_id}") };
    let (partner, period, view) = load(&me, partner_id, query.into_inner(), places).await?;
    page::html(&TwoWayPage {
        page: me.page(view.heading.clone()),
        card_href: format!("/scorecards/{partner_id}/{period}"),
        partner,
        view,
    })
}

/// `GET /portal/two-way`
pub(super) async fn show_own(me: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let partner_id = me.viewer.partner_id.ok_or(WebError::NotFound)?;
    let places = Places { own: "/portal/two-way".to_owned(), cards: "/portal/scorecards".to_owned() };
    let (_, period, view) = load(&me, partner_id, query.into_inner(), places).await?;
    page::html(&OwnPage {
        page: me.page(view.heading.clone()),
        card_href: format!("/portal/scorecards/{period}"),
        view,
    })
}

async fn load(
    me: &SignedIn,
    partner_id: i64,
    query: Query,
    places: Places,
) -> Result<(Partner, Period, View), WebError> {
    let asked = query.period.as_deref().filter(|text| !text.is_empty()).map(period_of).transpose()?;
    me.in_db(move |Unit { app, db, viewer }| {
        let partner = partner_show(db, viewer, partner_id)?.ok_or(WebError::NotFound)?;
        let today = app.today(db)?;
        let known = scorecard_periods(db, viewer, Some(partner_id))?;
        let period = asked
            .or_else(|| newest(&known, today))
            .unwrap_or_else(|| Period::containing(PeriodKind::Month, today));
        let lines = two_way(db, viewer, partner_id, period)?.ok_or(WebError::NotFound)?;
        let with_all = lines.iter().any(|line| line.all.is_some());
        let view = View {
            heading: format!("How the shipper does for {}", partner.name),
            period_title: period.title(),
            periods: switcher(&known, period, &places),
            lines: lines.iter().map(|one| line(one, period, &places)).collect(),
            with_all,
        };
        Ok::<_, WebError>((partner, period, view))
    })
    .await
}

fn switcher(known: &[Period], shown: Period, places: &Places) -> Vec<(String, String, bool)> {
    let months: Vec<Period> =
        known.iter().copied().filter(|period| period.kind() == PeriodKind::Month).take(MONTHS).collect();
    let mut offered: Vec<Period> = months.clone();
    for month in months {
        offered.push(Period::containing(PeriodKind::Quarter, month.start()));
    }
    offered.push(shown);
    offered.sort_by_key(|period| (period.kind() != PeriodKind::Month, period.start()));
    offered.dedup();
    let href = |period: Period| format!("{}?period={period}", places.own);
    offered.into_iter().map(|period| (period.title(), href(period), period == shown)).collect()
}

fn line(one: &TwoWayLine, period: Period, places: &Places) -> Line {
    let kpi = one.now.kpi;
    let interval = match (one.now.low, one.now.high) {
        (Some(low), Some(high)) => {
            format!("{} to {}", told(&one.now, low), told(&one.now, high))
        }
        _ => String::new(),
    };
    let value = |value: &KpiValue| value.net.map(|net| told(value, net));
    let or_none = |found: Option<String>| found.unwrap_or_else(|| "no data".to_owned());
    Line {
        name: kpi.name(),
        n: show::count(one.now.n),
        interval,
        before: or_none(value(&one.before)),
        all: one.all.as_ref().map_or_else(String::new, |all| or_none(value(all))),
        value: value(&one.now),
        evidence: format!("{}/{period}/{}", places.cards, kpi.code()),
        why_none: why_none(kpi),
    }
}

/// A fraction of a KPI in its own unit.
fn told(value: &KpiValue, fraction: rust_decimal::Decimal) -> String {
    in_unit(value.in_threshold_unit(fraction), value.kpi.definition().unit, "")
}

/// What would have to come for there to be a figure.
fn why_none(kpi: Kpi) -> &'static str {
    match kpi {
        Kpi::DockP50 | Kpi::DockP90 => "no pickup with arrival and departure",
        Kpi::TenderLead => "no tender that names its pickup",
        Kpi::FcstErr => "no plan made before the weeks it is for",
        Kpi::PayDays => "no invoice with its day and the day it was paid",
        Kpi::Overturn => "nothing the partner asked for was decided",
        _ => "nothing was counted",
    }
}
