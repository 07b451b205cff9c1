//! Partners side by side: one KPI over all of them, and a few of them over all KPIs.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::scorecard::card::in_unit;
use super::scorecard::{opening, period_of};
use super::show;
use crate::app::compare::{Across, Side, Sums};
use crate::app::score::template_today;
use crate::db::partner::{Partner, partner_list};
use crate::db::scorecard::scorecard_periods;
use crate::db::setting::{reporting_currency, reporting_day};
use crate::domain::compare::RankBand;
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::signal::Better;

/// Fewest partners that can be compared.
const LEAST: usize = 2;
/// Most that fit on a page.
const MOST: usize = 5;
/// Periods offered.
const PERIODS: usize = 8;

/// `GET /kpis/{code}/partners?period=P`
pub(super) async fn kpi(
    me: SignedIn,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let kpi: Kpi = path.into_inner().parse().map_err(|_| WebError::NotFound)?;
    let asked = Asked::read(&request)?;
    let (period, periods, partners, across, currency) = me
        .in_db(move |unit| {
            let today = reporting_day(unit.db, unit.app.now())?;
            let period = match asked.period {
                Some(period) => period,
                None => opening(unit.db, unit.viewer, None, today)?,
            };
            let periods = scorecard_periods(unit.db, unit.viewer, None)?;
            let partners = partner_list(unit.db, unit.viewer)?;
            let across = Sums::read(unit.db, unit.viewer, period)?.across(kpi);
            Ok::<_, WebError>((period, periods, partners, across, reporting_currency(unit.db)?))
        })
        .await?;
    let here = format!("/kpis/{}/partners", kpi.code());
    let names: BTreeMap<i64, &Partner> = partners.iter().map(|partner| (partner.id, partner)).collect();
    let mut sides: Vec<&Side> = across.sides.iter().filter(|side| side.value.net.is_some()).collect();
    let best_last = kpi.definition().better != Some(Better::Higher);
    sides.sort_by_key(|side| {
        let value = side.value.net.unwrap_or_default();
        (side.rank.map_or(usize::MAX, |rank| rank.from), if best_last { value } else { -value })
    });
    let shown = |value: &KpiValue| figure(value, &currency);
    let name = |id: i64| names.get(&id).map_or_else(|| id.to_string(), |partner| partner.name.clone());
    page::html(&KpiPage {
        page: me.page(format!("{}, {}", kpi.name(), period.title())),
        code: kpi.code(),
        name: kpi.name(),
        formula: kpi.definition().formula,
        period_title: period.title(),
        periods: switcher(&periods, period, |p| format!("{here}?period={p}")),
        all: format!("Together {}, n {}", shown(&across.all), show::count(across.all.n)),
        ranked: across.sides.iter().any(|side| side.rank.is_some()),
        share: across.all.is_proportion(),
        rows: sides
            .into_iter()
            .map(|side| KpiRow {
                name: name(side.partner_id),
                href: format!("/scorecards/{}/{period}/{}", side.partner_id, kpi.code()),
                rank: side.rank.map_or_else(|| "too few".to_owned(), RankBand::words),
                value: shown(&side.value),
                interval: interval(&side.value).unwrap_or_else(|| "–".to_owned()),
                adjusted: side.adjusted.map_or_else(|| "–".to_owned(), |adjusted| share(adjusted.share)),
                coverage: side
                    .adjusted
                    .filter(|adjusted| adjusted.coverage < Decimal::ONE)
                    .map_or_else(String::new, |adjusted| format!("{} of volume", share(adjusted.coverage))),
                n: show::count(side.value.n),
            })
            .collect(),
    })
}

#[derive(Template)]
#[template(path = "compare/kpi.html")]
struct KpiPage {
    page: Page,
    code: &'static str,
    name: &'static str,
    formula: &'static str,
    period_title: String,
    periods: Vec<(String, String, bool)>,
    all: String,
    ranked: bool,
    share: bool,
    rows: Vec<KpiRow>,
}

struct KpiRow {
    name: String,
    href: String,
    rank: String,
    value: String,
    interval: String,
    adjusted: String,
    coverage: String,
    n: String,
}

#[derive(Template)]
#[template(path = "compare/page.html")]
struct ComparePage {
    page: Page,
    period: Period,
    period_title: String,
    periods: Vec<(String, String, bool)>,
    wrong: String,
    choices: Vec<(i64, String, bool)>,
    heads: Vec<(String, String)>,
    lines: Vec<KpiLine>,
}

struct KpiLine {
    name: &'static str,
    better: &'static str,
    href: String,
    cells: Vec<Figure>,
}

struct Figure {
    value: String,
    notes: Vec<String>,
}

/// What an address asks for; `partner` may come several times.
#[derive(Default)]
struct Asked {
    period: Option<Period>,
    partners: Vec<i64>,
}

impl Asked {
    fn read(request: &HttpRequest) -> Result<Self, WebError> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        let mut asked = Self::default();
        for (name, value) in pairs.map_err(|_| WebError::NotFound)?.into_inner() {
            match name.as_str() {
                "period" if !value.is_empty() => asked.period = Some(period_of(&value)?),
                "partner" => asked.partners.push(value.parse().map_err(|_| WebError::NotFound)?),
                _ => {}
            }
        }
        asked.partners.sort_unstable();
        asked.partners.dedup();
        Ok(asked)
    }

    /// Why the choice cannot be drawn; empty where it can, or nothing is chosen yet.
    fn wrong(&self) -> String {
        match self.partners.len() {
            1 => format!("Choose at least {LEAST} partners."),
            n if n > MOST => format!("Choose at most {MOST} partners; {n} are ticked."),
            _ => String::new(),
        }
    }
}

/// `GET /compare?partner=A&partner=B&period=P`
pub(super) async fn show(me: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let asked = Asked::read(&request)?;
    let wrong = asked.wrong();
    let draw = wrong.is_empty() && !asked.partners.is_empty();
    let chosen = asked.partners.clone();
    let (period, periods, partners, lines, currency) = me
        .in_db(move |unit| {
            let today = reporting_day(unit.db, unit.app.now())?;
            let period = match asked.period {
                Some(period) => period,
                None => opening(unit.db, unit.viewer, None, today)?,
            };
            let periods = scorecard_periods(unit.db, unit.viewer, None)?;
            let partners = partner_list(unit.db, unit.viewer)?;
            if asked.partners.iter().any(|id| !partners.iter().any(|partner| partner.id == *id)) {
                return Err(WebError::NotFound);
            }
            let mut across = Vec::new();
            if draw {
                let template = template_today(unit.db, unit.app.now())?;
                let sums = Sums::read(unit.db, unit.viewer, period)?;
                // What is scored first, in the order of the template, then the rest of the catalogue.
                let scored = |kpi: &Kpi| {
                    let place = template.as_ref().and_then(|t| t.kpis().position(|k| k.code == kpi.code()));
                    place.unwrap_or(usize::MAX)
                };
                let mut kpis = Kpi::ALL;
                kpis.sort_by_key(scored);
                across.extend(kpis.into_iter().map(|kpi| sums.across(kpi)));
            }
            Ok((period, periods, partners, across, reporting_currency(unit.db)?))
        })
        .await?;
    let picked: String = chosen.iter().map(|id| format!("&partner={id}")).collect();
    let of = |id: &i64| partners.iter().find(|partner| partner.id == *id);
    page::html(&ComparePage {
        page: me.page(format!("Compare partners, {}", period.title())),
        period,
        period_title: period.title(),
        periods: switcher(&periods, period, |p| format!("/compare?period={p}{picked}")),
        wrong,
        choices: partners.iter().map(|p| (p.id, p.name.clone(), chosen.contains(&p.id))).collect(),
        heads: if lines.is_empty() {
            Vec::new()
        } else {
            let head = |p: &Partner| (p.name.clone(), format!("/scorecards/{}/{period}", p.id));
            chosen.iter().filter_map(of).map(head).collect()
        },
        lines: lines.iter().filter_map(|across| line(across, &chosen, period, &currency)).collect(),
    })
}

/// One KPI of the chosen partners; none where nobody has data.
fn line(across: &Across, chosen: &[i64], period: Period, currency: &str) -> Option<KpiLine> {
    let sides: Vec<Option<&Side>> =
        chosen.iter().map(|id| across.sides.iter().find(|side| side.partner_id == *id)).collect();
    sides.iter().flatten().find(|side| side.value.net.is_some())?;
    Some(KpiLine {
        name: across.kpi.name(),
        better: match across.kpi.definition().better {
            Some(Better::Higher) => "more is better",
            Some(Better::Lower) => "less is better",
            None => "for information",
        },
        href: format!("/kpis/{}/partners?period={period}", across.kpi.code()),
        cells: sides.into_iter().map(|side| cell(side, currency)).collect(),
    })
}

fn cell(side: Option<&Side>, currency: &str) -> Figure {
    let Some(side) = side.filter(|side| side.value.net.is_some()) else {
        return Figure { value: "no data".to_owned(), notes: Vec::new() };
    };
    let mut notes = vec![format!("n {}", show::count(side.value.n))];
    notes.extend(interval(&side.value));
    notes.extend(side.adjusted.map(|adjusted| format!("same lanes {}", share(adjusted.share))));
    notes.extend(side.rank.map(|rank| format!("rank {}", rank.words())));
    Figure { value: figure(&side.value, currency), notes }
}

fn figure(value: &KpiValue, currency: &str) -> String {
    let unit = value.kpi.definition().unit;
    value.score_value().map_or_else(|| "no data".to_owned(), |v| in_unit(v, unit, currency))
}

fn interval(value: &KpiValue) -> Option<String> {
    let percent = |end: Decimal| show::decimal(end * Decimal::ONE_HUNDRED, 1);
    Some(format!("{} to {}", percent(value.low?), percent(value.high?)))
}

fn share(share: Decimal) -> String {
    format!("{}\u{a0}%", show::decimal(share * Decimal::ONE_HUNDRED, 1))
}

/// The newest periods with scorecards, newest last, and the one shown.
fn switcher(
    periods: &[Period],
    shown: Period,
    href: impl Fn(Period) -> String,
) -> Vec<(String, String, bool)> {
    let mut newest: Vec<Period> =
        periods.iter().copied().filter(|p| p.kind() == PeriodKind::Month).take(PERIODS).collect();
    if !newest.contains(&shown) {
        newest.push(shown);
    }
    newest.sort_by_key(|p| p.start());
    newest.into_iter().map(|p| (p.title(), href(p), p == shown)).collect()
}
