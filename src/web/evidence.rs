//! How one KPI of one scorecard is made, and the facts behind it.

mod beside;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::download::{FileKind, download};
use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::scorecard::card::{in_own_unit, in_unit, mark, threshold};
use super::scorecard::{Found, load, period_of};
use super::show::{self, Year};
use crate::app::accrual::counted::Counted;
use crate::app::challenge::{publication_of, stop_of};
use crate::app::compare::weekly;
use crate::app::evidence::{Behind, DOWNLOAD_ROWS, Names, PAGE_ROWS, Part, Pick, Rows, behind};
use crate::app::score::Published;
use crate::db::evidence::{After, TenderLine};
use crate::db::quality::QualityRow;
use crate::db::shipment::ShipmentRow;
use crate::db::types::Instant;
use crate::domain::attribution::{Given, proposal_words};
use crate::domain::causes::MissedBy;
use crate::domain::challenge::{has_lines, may_be_challenged};
use crate::domain::clause::ObligationKey;
use crate::domain::kpi::{Kpi, KpiValue, Shape, Unit};
use crate::domain::money::Micros;
use crate::domain::outcome::Outcome;
use crate::domain::period::Period;
use crate::domain::scorecard::{KpiEvidence, KpiScore, kpi_part, line_code, one_place, plain, scope_part};
use crate::domain::shipment::DateOnly;
use crate::domain::signal::{NoChart, XmrChart};
use crate::domain::viewer::Action;
use crate::report::chart::{ControlText, Width, control_chart};
use crate::report::sheet::{csv, list_xlsx};

/// Which rated amount cost against contract reads (DOMAIN: the feed's own, else the expected charge).
const RATED_FROM: &str = "Rated amount: the one in the shipper’s file; where the file has none, the expected charge that \
                          the contract gives, without tax. Each line says which.";

/// Where the links of an evidence page lead.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// `/scorecards/7` or `/portal/scorecards`.
    pub cards: String,
    /// `/shipments/7` or `/portal/shipments`.
    pub shipments: String,
    /// `/tenders/7` or `/portal/tenders`.
    pub tenders: String,
    /// `/invoices` or `/portal/invoices`.
    pub invoices: &'static str,
    /// Where the year of an instant stands.
    pub year: Year,
    /// Whether missed lines link to asking for an exclusion.
    pub asks: bool,
    /// Whether lines link to a challenge while the scorecard is under review.
    pub challenges: bool,
}

/// The query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Query {
    show: Option<String>,
    after: Option<String>,
    lane: Option<i64>,
    reason: Option<String>,
    contract: Option<i64>,
    clause: Option<i64>,
}

/// How a number is made, ready to print.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub heading: String,
    pub code: &'static str,
    pub period_title: String,
    pub formula: &'static str,
    pub rules: &'static str,
    /// Where an amount of the KPI comes from; empty when its rules say all.
    pub source: &'static str,
    pub facts: Vec<(&'static str, String, String)>,
    pub steps: Vec<(String, String)>,
    pub mark: &'static str,
    pub picks: Vec<(String, String, bool)>,
    pub heads: Vec<(&'static str, bool)>,
    pub rows: Vec<Line>,
    /// Whether any line can be acted on.
    pub acts: bool,
    pub what: String,
    pub empty: String,
    pub older: Option<String>,
    pub first: Option<String>,
    pub csv: String,
    pub xlsx: String,
    /// What the list is narrowed to, where it is not, and the words of that link.
    pub narrowed: Vec<(String, String, &'static str)>,
    pub card_href: String,
    pub as_of: String,
    /// Week by week; none on further pages.
    pub weekly: Option<WeekByWeek>,
}

/// The KPI week by week: a chart, or why there is none, and its figures.
#[derive(Clone, Debug)]
pub(super) struct WeekByWeek {
    pub svg: Option<String>,
    pub none: String,
    pub note: String,
    pub rows: Vec<(String, String, String)>,
}

/// How an own KPI came about, ready to print: everything from the published document.
#[derive(Clone, Debug)]
pub(super) struct OwnEvidence {
    pub heading: String,
    pub code: String,
    pub version: i32,
    pub period_title: String,
    pub formula: String,
    pub rules: String,
    pub facts: Vec<(&'static str, String, String)>,
    /// The KPI in whose formula the step is, and the step.
    pub told: Vec<(String, String)>,
    pub steps: Vec<(String, String)>,
    pub mark: &'static str,
    pub card_href: String,
    pub as_of: String,
}

/// One fact.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub title: String,
    pub href: Option<String>,
    pub cells: Vec<(String, bool)>,
    /// What can be done about it: words and address.
    pub asks: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "evidence/page.html")]
struct EvidencePage {
    page: Page,
    partner: String,
    view: Evidence,
}

#[derive(Template)]
#[template(path = "evidence/own.html")]
struct OwnPage {
    page: Page,
    partner: String,
    view: OwnEvidence,
}

/// `GET /scorecards/{partner_id}/{period}/{kpi}`
pub(super) async fn show(
    me: SignedIn,
    path: web::Path<(i64, String, String)>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, period, kpi) = path.into_inner();
    let period = period_of(&period)?;
    if let Some(invoices) = of_invoices(&kpi, period) {
        return Ok(page::see_other(&format!("/invoices?partner={partner_id}&{invoices}")));
    }
    let links = Links {
        cards: format!("/scorecards/{partner_id}"),
        shipments: format!("/shipments/{partner_id}"),
        tenders: format!("/tenders/{partner_id}"),
        invoices: "/invoices",
        year: Year::Above,
        asks: me.viewer.role.may(Action::RequestExclusions),
        challenges: false,
    };
    match open(&me, partner_id, period, &kpi, query.into_inner(), &links).await? {
        Opened::File(answer) => Ok(answer),
        Opened::View(partner, view) => {
            page::html(&EvidencePage { page: me.page(view.heading.clone()), partner, view: *view })
        }
        Opened::Own(partner, view) => {
            page::html(&OwnPage { page: me.page(view.heading.clone()), partner, view: *view })
        }
    }
}

/// Of a KPI that counts invoices, the query of their list that opens those that fail it.
pub(super) fn of_invoices(kpi: &str, period: Period) -> Option<String> {
    let kpi: Kpi = kpi.parse().ok().filter(|kpi: &Kpi| kpi.counts_invoices())?;
    Some(format!("period={period}&show={}", kpi.code()))
}

/// What an address of evidence opened.
pub(super) enum Opened {
    /// A download.
    File(HttpResponse),
    /// A page: the partner's name and what to show.
    View(String, Box<Evidence>),
    /// The same of an own KPI.
    Own(String, Box<OwnEvidence>),
}

/// Loads and draws the evidence of one KPI, for the shipper and for the portal.
pub(super) async fn open(
    me: &SignedIn,
    partner_id: i64,
    period: Period,
    kpi: &str,
    query: Query,
    links: &Links,
) -> Result<Opened, WebError> {
    let (code, file) = match kpi.rsplit_once('.') {
        Some((code, "csv")) => (code, Some(FileKind::Csv)),
        Some((code, "xlsx")) => (code, Some(FileKind::Xlsx)),
        _ => (kpi, None),
    };
    let Ok(kpi) = kpi_part(code).parse::<Kpi>() else {
        let found = me.in_db(move |mut unit| load(&mut unit, partner_id, period)).await?;
        let view =
            draw_own(&found, period, code, links).filter(|_| file.is_none()).ok_or(WebError::NotFound)?;
        return Ok(Opened::Own(found.partner.name, Box::new(view)));
    };
    let code = &line_code(kpi.code(), scope_part(code).unwrap_or_default());
    let asked =
        query.show.as_deref().map(|word| Pick::from_code(word).ok_or(WebError::NotFound)).transpose()?;
    let after = query.after.as_deref().map(|word| read_after(word).ok_or(WebError::NotFound)).transpose()?;
    let given =
        query.reason.as_deref().map(|word| Given::from_code(word).ok_or(WebError::NotFound)).transpose()?;
    if given.is_some() && MissedBy::of(kpi).is_none() {
        return Err(WebError::NotFound);
    }
    let (line, scope) = (code.to_owned(), scope_part(code).is_some());
    let (lane_id, counted_by) = (query.lane, query.contract.map(|version| (version, query.clause)));
    let limit = if file.is_some() { DOWNLOAD_ROWS } else { PAGE_ROWS };
    let (found, part, pick, behind, weeks) = me
        .in_db(move |mut unit| {
            let found = load(&mut unit, partner_id, period)?;
            let published = found.published.as_ref();
            let scoped = published.filter(|_| scope).and_then(|p| p.snapshot.scoped_of(&line));
            if scope && scoped.is_none() {
                return Err(WebError::NotFound);
            }
            let scope = scoped.map(|one| (one.scope.clone(), one.lane_ids.clone()));
            let now = unit.app.now();
            let contract = match counted_by {
                Some(of) => Some(
                    Counted::read(unit.db, unit.viewer, of, period, now)?
                        .filter(|counted| counted.partner_id == partner_id)
                        .ok_or(WebError::NotFound)?,
                ),
                None => None,
            };
            let part = Part { lane_id, given, scope, contract };
            let pick = asked.unwrap_or_else(|| first_pick(kpi, &line, published));
            let of = (partner_id, period, now);
            let behind = behind(unit.db, unit.viewer, of, (kpi, pick, &part), (after, limit))?;
            let weeks = match after {
                None if file.is_none() && part.scope.is_none() => {
                    let until = period.end().min(found.today);
                    Some(weekly(unit.db, unit.viewer, partner_id, kpi, until)?)
                }
                _ => None,
            };
            Ok::<_, WebError>((found, part, pick, behind, weeks))
        })
        .await?;
    if let Some(kind) = file {
        let reason = given.map_or_else(String::new, |given| format!("-{}", given.code()));
        let name = format!("{}-{period}-{}-{}{reason}", found.partner.code, code, pick.code());
        return rows_file(&name, kind, kpi, &behind).map(Opened::File);
    }
    let partner = found.partner.name.clone();
    let mut view = draw(&found, period, (kpi, code, pick, &part), &behind, after.is_some(), links);
    view.weekly = weeks.map(|(values, chart)| week_by_week(kpi, &values, chart));
    Ok(Opened::View(partner, Box::new(view)))
}

/// What people come for first: the misses, or everything where there are none.
fn first_pick(kpi: Kpi, code: &str, published: Option<&Published>) -> Pick {
    let missed = published
        .and_then(|p| p.snapshot.evidence_of(code))
        .is_some_and(|e| e.value.has_misses() == Some(true));
    if missed && Pick::of(kpi).contains(&Pick::Missed) { Pick::Missed } else { Pick::All }
}

/// The list of what a clause counts in a period, under the address of scorecards; a clause about volume or spend looks at no KPI
/// and counts every load.
pub(super) fn counted_list(cards: &str, period: Period, kpi: Option<&str>, key: ObligationKey) -> String {
    let (kpi, all) = kpi.map_or((Kpi::Cps.code(), "show=all&"), |kpi| (kpi, ""));
    format!("{cards}/{period}/{kpi}?{all}contract={}&clause={}", key.contract_version_id, key.clause_id)
}

/// The query that lists what a contract or a clause of it counts.
fn counted_query(counted: &Counted) -> String {
    let clause = counted.clause_id.map_or_else(String::new, |clause| format!("&clause={clause}"));
    format!("contract={}{clause}", counted.version_id)
}

fn read_after(word: &str) -> Option<After> {
    let (day, id) = word.split_once('_')?;
    Some(After { day: day.parse().ok()?, id: id.parse().ok()? })
}

fn draw(
    found: &Found,
    period: Period,
    (kpi, code, pick, part): (Kpi, &str, Pick, &Part),
    behind: &Behind,
    further: bool,
    links: &Links,
) -> Evidence {
    let definition = kpi.definition();
    let whole = format!("{}/{period}/{}", links.cards, kpi.code());
    let here = format!("{}/{period}/{code}", links.cards);
    let of_lane = part.lane_id.map_or_else(String::new, |lane| format!("&lane={lane}"));
    let of_reason = part.given.map_or_else(String::new, |given| format!("&reason={}", given.code()));
    let of_contract =
        part.contract.as_ref().map_or_else(String::new, |one| format!("&{}", counted_query(one)));
    let narrow = format!("{of_lane}{of_reason}{of_contract}");
    let at = |pick: Pick| format!("{here}?show={}{narrow}", pick.code());
    let mut narrowed = Vec::new();
    if let Some(lane) = part.lane_id {
        let title = behind.names.lanes.get(&lane).cloned();
        let title = title.unwrap_or_else(|| "a lane that is not known".to_owned());
        let others = format!("{here}?show={}{of_reason}{of_contract}", pick.code());
        narrowed.push((title, others, "Show all lanes"));
    }
    if let Some(given) = part.given {
        let words = format!("those with the reason \u{201c}{}\u{201d}", given.words());
        let others = format!("{here}?show={}{of_lane}{of_contract}", pick.code());
        narrowed.push((words, others, "Show all reasons"));
    }
    if let Some(counted) = &part.contract {
        let words = format!("what contract {} counts", counted.title);
        let others = format!("{here}?show={}{of_lane}{of_reason}", pick.code());
        narrowed.push((words, others, "Show everything"));
    }
    if let Some((scope, _)) = &part.scope {
        narrowed.push((scope.words(), whole.clone(), "Show everything"));
    }
    let published = found.published.as_ref();
    let evidence = published.and_then(|p| p.snapshot.evidence_of(code));
    let score = published.and_then(|p| p.snapshot.result.kpi(code));
    let scoped = published.and_then(|p| p.snapshot.scoped_of(code));
    let name = scoped.map_or(kpi.name(), |one| one.name.as_str());
    let currency = published.and_then(|p| p.snapshot.spend.as_ref()).map_or("", |s| s.currency.as_str());
    let under_review = published.is_some_and(|p| p.snapshot.to_date.is_none())
        && has_lines(kpi)
        && may_be_challenged(&publication_of(period), found.today).is_ok();
    let links = &Links { challenges: links.challenges && under_review, ..links.clone() };
    let (heads, mut rows) = table(kpi, behind, links);
    if links.challenges {
        let keys: Vec<(i32, &str)> = match &behind.rows {
            Rows::Shipments(rows) => rows.iter().map(|row| (row.source_id, row.reference.as_str())).collect(),
            Rows::Tenders(rows) => rows.iter().map(|row| (row.source_id, row.reference.as_str())).collect(),
            Rows::Beside(_) => Vec::new(),
        };
        for (line, (source_id, reference)) in rows.iter_mut().zip(keys) {
            if let Some(source) = behind.names.sources.get(&source_id) {
                let (source, reference) = (show::path_part(source), show::path_part(reference));
                line.asks
                    .push(("Challenge", format!("{whole}/challenge?source={source}&reference={reference}")));
            }
        }
    }
    let acts = rows.iter().any(|line| !line.asks.is_empty());
    Evidence {
        acts,
        heading: format!("{name}, {}", period.title()),
        code: kpi.code(),
        period_title: period.title(),
        formula: definition.formula,
        rules: definition.rules,
        source: if kpi == Kpi::Cvc { RATED_FROM } else { "" },
        facts: evidence.map_or_else(Vec::new, |e| facts(e, currency)),
        steps: score.zip(evidence).map_or_else(Vec::new, |(s, e)| steps(s, e, currency)),
        mark: score.map_or("", |s| mark(s.place)),
        picks: Pick::of(kpi).iter().map(|p| (pick_title(kpi, *p).to_owned(), at(*p), *p == pick)).collect(),
        heads,
        what: format!("{} behind it", kpi.counted().words()),
        empty: format!("Nothing here is \u{201c}{}\u{201d}", pick_title(kpi, pick)),
        rows,
        older: behind.next.map(|a| format!("{}&after={}_{}", at(pick), a.day, a.id)),
        first: further.then(|| at(pick)),
        csv: format!("{here}.csv?show={}{narrow}", pick.code()),
        xlsx: format!("{here}.xlsx?show={}{narrow}", pick.code()),
        narrowed,
        card_href: format!("{}/{period}", links.cards),
        as_of: published.map_or_else(String::new, |p| {
            format!("{} {} UTC", show::day(p.row.as_of.0.date_naive()), p.row.as_of.0.format("%H:%M"))
        }),
        weekly: None,
    }
}

fn week_by_week(kpi: Kpi, values: &[(Period, KpiValue)], chart: Result<XmrChart, NoChart>) -> WeekByWeek {
    let unit = kpi.definition().unit;
    let name = format!("{} by week", kpi.name());
    let year = values.last().map_or_else(String::new, |(week, _)| week.to_string().chars().take(4).collect());
    let symbol = match unit.symbol() {
        "" => String::new(),
        symbol => format!("\u{a0}{symbol}"),
    };
    let text = ControlText {
        id: "kpi-weekly",
        title: &name,
        period: "Week",
        axis_note: &format!("week of {year}"),
        unit: &symbol,
        clip: match (unit, kpi.definition().shape) {
            // Less than nothing was billed too much, or owed, where the other side gains.
            (Unit::Percent, Shape::Sums) => None,
            (Unit::Percent, _) => Some((Decimal::ZERO, Decimal::ONE_HUNDRED)),
            _ => Some((Decimal::ZERO, Decimal::MAX)),
        },
    };
    WeekByWeek {
        svg: chart.as_ref().ok().map(|chart| control_chart(chart, &text, Width::Page)),
        none: chart.err().map_or_else(String::new, |reason| reason.to_string()),
        note: format!("{} full weeks; the first 13 say what is usual", values.len()),
        rows: values
            .iter()
            .rev()
            .map(|(week, value)| {
                let shown =
                    value.score_value().map_or_else(|| "no data".to_owned(), |v| in_unit(v, unit, ""));
                (week.title(), shown, show::count(value.n))
            })
            .collect(),
    }
}

/// An own KPI of the published document; none when it is not in it.
fn draw_own(found: &Found, period: Period, code: &str, links: &Links) -> Option<OwnEvidence> {
    let published = found.published.as_ref()?;
    let snapshot = &published.snapshot;
    let (kpi, own) = snapshot.own_of(code)?;
    let sums = &snapshot.own.as_ref()?.now;
    let answer = snapshot.own.as_ref()?.plan(code)?.answer(sums);
    let score = snapshot.result.kpi(code);
    let currency = snapshot.spend.as_ref().map_or("", |s| s.currency.as_str());
    let in_unit = |value| in_own_unit(value, kpi.unit, currency);
    let value = &own.value;
    let mut facts = vec![(
        "Value, net",
        value.score_value(kpi.unit).map_or_else(|| "no data".to_owned(), in_unit),
        value
            .fault
            .as_ref()
            .map_or_else(|| kpi.unit.label().to_owned(), crate::domain::formula::Fault::words),
    )];
    if let (Some(low), Some(high)) = (value.low, value.high) {
        let ends = [low, high].map(|end| in_unit(kpi.unit.in_threshold_unit(end)));
        facts.push(("95\u{a0}% interval", ends.join(" to "), "chance alone".to_owned()));
    }
    facts.push(("Units", show::count(value.n), "the fewest behind any name it uses".to_owned()));
    let scale = score.and_then(|score| score.scale.as_ref());
    let mut steps = Vec::new();
    if let (Some(scale), Some(score)) = (scale, score) {
        let marks = [scale.floor, scale.target, scale.stretch].map(in_unit);
        let [floor, target, stretch] = marks;
        steps.push((
            "Floor, target, stretch".to_owned(),
            format!("{floor} is 0, {target} is 80, {stretch} is 100"),
        ));
        steps.push((
            "Score".to_owned(),
            score.score.map_or_else(|| format!("none: {}", score.words()), one_place),
        ));
        steps.push(("Weight".to_owned(), plain(score.weight)));
    }
    let as_of = published.row.as_of.0;
    Some(OwnEvidence {
        heading: format!("{}, {}", kpi.name, period.title()),
        code: kpi.code.clone(),
        version: kpi.version,
        period_title: period.title(),
        formula: kpi.formula.clone(),
        rules: kpi.rules.clone(),
        facts,
        told: answer.steps.into_iter().map(|step| (step.kpi, step.words)).collect(),
        steps,
        mark: score.map_or("", |score| mark(score.place)),
        card_href: format!("{}/{period}", links.cards),
        as_of: format!("{} {} UTC", show::day(as_of.date_naive()), as_of.format("%H:%M")),
    })
}

fn pick_title(kpi: Kpi, pick: Pick) -> &'static str {
    match (kpi, pick) {
        (Kpi::Bounce, Pick::Missed) => "Given back",
        (Kpi::Bounce, Pick::Success) => "Kept",
        (Kpi::Tar | Kpi::Ftar | Kpi::SurgeAcc, Pick::Missed) => "Not accepted",
        (Kpi::Tar | Kpi::Ftar | Kpi::SurgeAcc, Pick::Late) => "Rejected",
        (Kpi::Tar | Kpi::Ftar | Kpi::SurgeAcc, Pick::Never) => "Never answered",
        (Kpi::Tar | Kpi::Ftar | Kpi::SurgeAcc, Pick::Success) => "Accepted",
        (Kpi::Otif, Pick::Success) => "On time and in full",
        (Kpi::Perfect, Pick::Success) => "Perfect",
        (Kpi::PodTimely, Pick::Success) => "Proved in time",
        (Kpi::LateNotice, Pick::Missed) => "Not announced",
        (Kpi::LateNotice, Pick::Success) => "Announced",
        (Kpi::Ttv, Pick::Missed) => "Slower than the standard",
        (Kpi::Ttv, Pick::Success) => "Within the standard",
        (Kpi::Rts, Pick::Missed) => "Returned",
        (Kpi::Rts, Pick::Success) => "Delivered",
        (Kpi::EdiComplete, Pick::Missed) => "Some missing",
        (Kpi::Visibility, Pick::Missed) => "Some missing or late",
        (Kpi::EdiComplete | Kpi::Visibility, Pick::Success) => "All reported",
        (Kpi::Fads, Pick::Missed) => "Failed",
        (Kpi::Fads, Pick::Excused) => "Refused or wrong address",
        (Kpi::Fads, Pick::Success) => "Delivered first time",
        (Kpi::Divert, Pick::Missed) => "By the carrier",
        (Kpi::Divert, Pick::Excused) => "By others",
        (Kpi::CommitAdh, Pick::Missed) => "Not kept",
        (Kpi::CommitAdh, Pick::Success) => "Kept",
        (Kpi::RespSla, Pick::Missed) => "Not in time",
        (Kpi::RespSla, Pick::Never) => "Never answered",
        (Kpi::RespSla, Pick::Success) => "In time",
        (Kpi::EdiAccuracy, Pick::Missed) => "Some refused or corrected",
        (Kpi::EdiAccuracy, Pick::Success) => "All right",
        (_, Pick::Missed) => "Missed",
        (_, Pick::Late) => "Late",
        (_, Pick::Never) => "Never reported",
        (_, Pick::Excused) => "Excused",
        (_, Pick::Success) => "On time",
        (_, Pick::Pending) => "Not decided yet",
        (_, Pick::Unjudged) => "No commitment",
        (_, Pick::All) => "All",
    }
}

/// The counts the number is made of: title, figure, what it means.
fn facts(evidence: &KpiEvidence, currency: &str) -> Vec<(&'static str, String, String)> {
    let value = &evidence.value;
    let unit = value.kpi.definition().unit;
    let plain_number = |v: Decimal| show::decimal(v, if v.normalize().scale() == 0 { 0 } else { 2 });
    let net = value.score_value().map_or_else(|| "no data".to_owned(), |v| in_unit(v, unit, currency));
    let mut facts = vec![("Value, net", net, "what the carrier controls; this scores".to_owned())];
    if value.kpi.definition().shape == Shape::Percentile {
        let what = match value.kpi {
            Kpi::Trt => "tenders with an answer",
            Kpi::TenderLead => "tenders that name their pickup",
            Kpi::ClaimCycle => "claims paid or declined",
            Kpi::DockP50 | Kpi::DockP90 => "pickups with arrival and departure",
            Kpi::PayDays => "shipments with both days",
            _ => "shipments with both scans",
        };
        facts.push(("Measured", show::count(value.n), what.to_owned()));
        return facts;
    }
    facts.push(("Counted", plain_number(value.numerator), "numerator".to_owned()));
    facts.push(("Out of", plain_number(value.denominator), "denominator".to_owned()));
    if value.is_proportion() {
        let percent = |v: Decimal| in_unit(value.in_threshold_unit(v), unit, "");
        if let (Some(low), Some(high)) = (value.low, value.high) {
            facts.push((
                "95\u{a0}% interval",
                format!("{} to {}", percent(low), percent(high)),
                "chance alone".to_owned(),
            ));
        }
        if let Some(gross) = value.gross {
            facts.push(("Gross", percent(gross), "what the customer saw".to_owned()));
        }
    }
    let mut left = |title, count: i64, note: &str| {
        if count > 0 {
            facts.push((title, show::count(count), note.to_owned()));
        }
    };
    left("Never reported", value.no_evidence, "counted as missed");
    left("Excused", value.excused, "left out of net, kept in gross");
    left("No commitment", value.no_baseline, "cannot be judged, lowers coverage");
    left("Not decided yet", value.pending, "in no count");
    left("Left out by rule", evidence.apart, "reported apart");
    facts
}

/// From value to score, step by step.
fn steps(score: &KpiScore, evidence: &KpiEvidence, currency: &str) -> Vec<(String, String)> {
    let unit = evidence.value.kpi.definition().unit;
    let Some(scale) = &score.scale else {
        return vec![("Score".to_owned(), "none: shown for information".to_owned())];
    };
    let mut steps = vec![(
        "Floor, target, stretch".to_owned(),
        format!(
            "{} is 0, {} is 80, {} is 100",
            threshold(scale.floor, unit),
            threshold(scale.target, unit),
            threshold(scale.stretch, unit)
        ),
    )];
    if let Some(value) = score.input.value {
        steps.push((in_unit(value, unit, currency), score.words()));
    }
    match (score.score, score.effective_weight) {
        (Some(points), weight) => {
            steps.push(("Score".to_owned(), one_place(points)));
            let carried = weight.map_or_else(String::new, |w| {
                format!(", carries {} after sharing out what is missing", show::decimal(w, 2))
            });
            steps.push(("Weight".to_owned(), format!("{}{carried}", plain(score.weight))));
        }
        (None, _) => steps.push(("Score".to_owned(), format!("none: {}", score.words()))),
    }
    steps
}

type Heads = Vec<(&'static str, bool)>;

fn table(kpi: Kpi, behind: &Behind, links: &Links) -> (Heads, Vec<Line>) {
    match &behind.rows {
        Rows::Tenders(rows) => (
            vec![
                ("Lane", false),
                ("Sent", false),
                ("Pickup", false),
                ("Answer by", false),
                ("Answered", false),
                ("Verdict", false),
            ],
            rows.iter().map(|row| tender_line(row, &behind.names, links)).collect(),
        ),
        Rows::Beside(rows) => (
            beside::heads(kpi.counted()),
            rows.iter().map(|row| beside::line(row, &behind.names, links)).collect(),
        ),
        Rows::Shipments(rows) => {
            (heads(kpi), rows.iter().map(|row| shipment_line(kpi, row, &behind.names, links)).collect())
        }
    }
}

fn heads(kpi: Kpi) -> Heads {
    let mut heads = vec![("Lane", false), ("Due", false)];
    heads.extend(match kpi {
        Kpi::OtpWin | Kpi::OtdDay | Kpi::OtdWin => {
            vec![("Happened", false), ("Verdict", false), ("Why", false)]
        }
        Kpi::Fads => vec![("Delivered", false), ("First attempt", false), ("Attempts", true)],
        Kpi::Attempts => vec![("Disposition", false), ("Attempts", true)],
        Kpi::DwellLm => vec![("At the station", false), ("Out for delivery", false), ("Hours", true)],
        Kpi::Divert => vec![("Disposition", false), ("Diverted by", false)],
        Kpi::EdiTimely => vec![("Event", false), ("Reported", false), ("Minutes", true)],
        Kpi::OtpDay | Kpi::MissedPu => vec![("Happened", false), ("Why", false)],
        Kpi::Rts => vec![("Disposition", false)],
        Kpi::EdiComplete | Kpi::Visibility | Kpi::DetHrs => vec![
            ("At the pickup", false),
            ("Left it", false),
            ("Out for delivery", false),
            ("At the delivery", false),
            ("Completed", false),
        ],
        Kpi::Otif | Kpi::Perfect | Kpi::PodTimely | Kpi::LateNotice | Kpi::Ttv => {
            vec![
                ("Picked up", false),
                ("At the delivery", false),
                ("Completed", false),
                ("Picked up, pieces", true),
            ]
        }
        Kpi::Co2eInt | Kpi::PrimaryShare => vec![("kg", true)],
        Kpi::CostIndex => vec![("Equipment", false), ("Linehaul", true)],
        Kpi::DockP50 | Kpi::DockP90 => {
            vec![("At the pickup", false), ("Left it", false), ("Minutes", true)]
        }
        Kpi::PayDays => vec![("Invoiced", false), ("Paid", false), ("Days", true)],
        Kpi::EdiAccuracy => vec![("Messages", true), ("Refused", true), ("Corrected", true)],
        // Of tenders, and those of money.
        _ => {
            vec![
                ("Freight", true),
                ("Linehaul", true),
                ("Accessorials", true),
                ("Rated amount", true),
                ("Rated by", false),
                ("kg", true),
            ]
        }
    });
    heads
}

fn tender_line(row: &TenderLine, names: &Names, links: &Links) -> Line {
    let fact = &row.fact;
    let local =
        |at: Option<Instant>| at.map_or_else(|| "–".to_owned(), |at| links.year.local(at.0, Tz::UTC, false));
    let mut verdict = match (fact.response.as_deref(), fact.bounced_at) {
        (_, Some(_)) => "accepted, then given back".to_owned(),
        (Some("ACCEPTED"), None) => "accepted".to_owned(),
        (Some("WITHDRAWN"), None) => "withdrawn".to_owned(),
        (None, None) if fact.outcome == "P" => "not decided yet".to_owned(),
        (None | Some("EXPIRED"), None) => "never answered".to_owned(),
        _ => row.decline_reason.as_ref().map_or_else(|| "rejected".to_owned(), |r| format!("rejected: {r}")),
    };
    if let Some(party) = &fact.exclusion {
        verdict.push_str(&format!("; excused: {}", words(Some(party))));
    }
    if fact.short_notice {
        verdict.push_str(", short notice: left out by rule");
    } else if fact.beyond_commitment {
        verdict.push_str(", above the commitment");
    }
    let cells = [
        names.lane(fact.lane_id),
        local(Some(fact.sent_at)),
        local(fact.pickup_at),
        local(fact.respond_by),
        local(fact.responded_at),
        verdict,
    ];
    let cells = cells.into_iter().map(|c| (c, false)).collect();
    Line {
        title: row.reference.clone(),
        href: None,
        cells,
        asks: tender_ask(row, names, links).into_iter().collect(),
    }
}

/// Where a tender that was not taken is asked to be excused.
fn tender_ask(row: &TenderLine, names: &Names, links: &Links) -> Option<(&'static str, String)> {
    Outcome::from_code(&row.fact.outcome).filter(|outcome| links.asks && outcome.is_failure())?;
    let source = names.sources.get(&row.source_id)?;
    let path = [source.as_str(), row.reference.as_str()].map(show::path_part).join("/");
    Some(("Ask for an exclusion", format!("{}/{path}/exclusion", links.tenders)))
}

fn shipment_line(kpi: Kpi, row: &ShipmentRow, names: &Names, links: &Links) -> Line {
    let zone = names.delivery_zone(row);
    let local =
        |at: Option<Instant>| at.map_or_else(|| "–".to_owned(), |at| links.year.local(at.0, zone, false));
    let due = due_words(kpi, row, names, links.year);
    let mut cells = vec![(names.lane(row.lane_id), false), (due, false)];
    let text = |cells: &mut Vec<(String, bool)>, value: String| cells.push((value, false));
    match kpi {
        Kpi::OtpWin | Kpi::OtdDay | Kpi::OtdWin => {
            let verdict = verdict_of(kpi, row, names, links.year);
            cells.extend([verdict.happened, verdict.title, verdict.why].map(|c| (c, false)));
        }
        Kpi::Fads => {
            text(&mut cells, local(row.delivered_at));
            text(&mut cells, words(row.first_attempt.as_deref()));
            cells.push((row.attempts.map_or_else(|| "–".to_owned(), |n| n.to_string()), true));
        }
        Kpi::Attempts => {
            text(&mut cells, words(row.disposition.as_deref()));
            cells.push((row.attempts.map_or_else(|| "–".to_owned(), |n| n.to_string()), true));
        }
        Kpi::DwellLm => {
            text(&mut cells, local(row.station_arrived_at));
            text(&mut cells, local(row.out_for_delivery_at));
            let hours = row.station_arrived_at.zip(row.out_for_delivery_at).map(|(from, to)| {
                Decimal::from(to.0.signed_duration_since(from.0).num_minutes()) / Decimal::from(60)
            });
            cells.push((hours.map_or_else(|| "–".to_owned(), |h| show::decimal(h, 1)), true));
        }
        Kpi::Divert => {
            text(&mut cells, words(row.disposition.as_deref()));
            text(&mut cells, words(row.diverted_by.as_deref()));
        }
        Kpi::EdiTimely => {
            let (event, received) = reported(row);
            text(&mut cells, local(event));
            text(&mut cells, local(received));
            let minutes = event.zip(received).map(|(e, r)| r.0.signed_duration_since(e.0).num_minutes());
            cells.push((minutes.map_or_else(|| "–".to_owned(), show::count), true));
        }
        Kpi::OtpDay | Kpi::MissedPu => {
            let zone = names.pickup_zone(row);
            let done = row.pickup_arrived_at.or(row.picked_up_at);
            let date_only = row.date_only & (DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP) != 0;
            let happened = done
                .map_or_else(|| "nothing reported".to_owned(), |at| links.year.local(at.0, zone, date_only));
            text(&mut cells, happened);
            let excused = row.pickup_exclusion.as_deref().map(|by| format!("excused: {}", words(Some(by))));
            let says = row.pickup_reason.as_deref().filter(|reason| !reason.is_empty());
            let says = says.map(|reason| format!("carrier says: {reason}"));
            text(&mut cells, excused.or(says).unwrap_or_else(|| "–".to_owned()));
        }
        Kpi::Rts => text(&mut cells, words(row.disposition.as_deref())),
        Kpi::Otif | Kpi::Perfect | Kpi::PodTimely | Kpi::LateNotice | Kpi::Ttv => {
            text(&mut cells, local(row.picked_up_at));
            text(&mut cells, local(row.arrived_at));
            text(&mut cells, local(row.delivered_at));
            cells.push((row.pieces.map_or_else(|| "–".to_owned(), show::count), true));
        }
        Kpi::Co2eInt | Kpi::PrimaryShare => {
            let kg = row.weight_g.map(|g| show::decimal(Decimal::new(g, 3), 1));
            cells.push((kg.unwrap_or_else(|| "–".to_owned()), true));
        }
        Kpi::CostIndex => {
            // The benchmark itself is nobody's to see but the shipper's.
            let equipment = if row.equipment.is_empty() { "–" } else { row.equipment.as_str() };
            text(&mut cells, equipment.to_owned());
            let linehaul = row.linehaul_micros.map_or_else(|| "–".to_owned(), |v| show::money(Micros(v)));
            cells.push((linehaul, true));
        }
        Kpi::DockP50 | Kpi::DockP90 => {
            let (arrived, left) = (row.pickup_arrived_at, row.picked_up_at);
            let zone = names.pickup_zone(row);
            for at in [arrived, left] {
                let shown = at.map_or_else(|| "–".to_owned(), |at| links.year.local(at.0, zone, false));
                text(&mut cells, shown);
            }
            let stay = arrived.zip(left).map(|(from, to)| to.0.signed_duration_since(from.0).num_minutes());
            cells.push((stay.map_or_else(|| "–".to_owned(), show::count), true));
        }
        Kpi::PayDays => {
            let quality = names.quality.get(&row.id);
            let (invoiced, paid) = (quality.and_then(|q| q.invoiced_day), quality.and_then(|q| q.paid_day));
            for day in [invoiced, paid] {
                text(&mut cells, day.map_or_else(|| "–".to_owned(), |day| show::day(day.0)));
            }
            let days = invoiced.zip(paid).map(|(from, to)| to.0.signed_duration_since(from.0).num_days());
            cells.push((days.map_or_else(|| "–".to_owned(), show::count), true));
        }
        Kpi::EdiAccuracy => {
            let quality = names.quality.get(&row.id);
            let of = |read: fn(&QualityRow) -> Option<i64>| {
                quality.and_then(read).map_or_else(|| "–".to_owned(), show::count)
            };
            cells.push((of(|q| q.statuses), true));
            cells.push((of(|q| q.statuses_refused), true));
            cells.push((of(|q| q.statuses_corrected), true));
        }
        Kpi::EdiComplete | Kpi::Visibility | Kpi::DetHrs => {
            let there = |at: Option<Instant>| {
                at.map_or_else(|| "–".to_owned(), |at| links.year.local(at.0, names.pickup_zone(row), false))
            };
            text(&mut cells, there(row.pickup_arrived_at));
            text(&mut cells, there(row.picked_up_at));
            text(&mut cells, local(row.out_for_delivery_at));
            text(&mut cells, local(row.arrived_at));
            text(&mut cells, local(row.delivered_at));
        }
        _ => {
            let money = |v: Option<i64>| v.map_or_else(|| "–".to_owned(), |v| show::money(Micros(v)));
            let rated = names.rated(row).map(|rated| rated.0);
            let amounts = [row.freight_micros, row.linehaul_micros, row.accessorial_micros, rated];
            cells.extend(amounts.map(|v| (money(v), true)));
            text(&mut cells, rated_by(row, rated).to_owned());
            let kg = row.weight_g.map(|g| show::decimal(Decimal::new(g, 3), 1));
            cells.push((kg.unwrap_or_else(|| "–".to_owned()), true));
        }
    }
    let href = shipment_href(row, names, links);
    let asks = exclusion_ask(kpi, row, href.as_deref().filter(|_| links.asks));
    Line { title: row.reference.clone(), href, cells, asks: asks.into_iter().collect() }
}

/// Where the exclusion of a missed stop is asked for.
fn exclusion_ask(kpi: Kpi, row: &ShipmentRow, shipment: Option<&str>) -> Option<(&'static str, String)> {
    let letter = match kpi {
        Kpi::OtpWin => &row.pickup_window_outcome,
        Kpi::OtdDay => &row.delivery_day_outcome,
        Kpi::OtdWin => &row.delivery_window_outcome,
        _ => return None,
    };
    let stop = stop_of(kpi)?;
    Outcome::from_code(letter).filter(|outcome| outcome.is_failure())?;
    Some(("Ask for an exclusion", format!("{}/exclusion?stop={}", shipment?, stop.code())))
}

/// Where the rated amount of a line comes from, as [`counted_rated`](crate::domain::expected::counted_rated) chose.
fn rated_by(row: &ShipmentRow, rated: Option<i64>) -> &'static str {
    match (row.rated_micros, rated) {
        (Some(_), _) => "the file",
        (None, Some(_)) => "the contract, as expected",
        (None, None) => "–",
    }
}

fn shipment_href(row: &ShipmentRow, names: &Names, links: &Links) -> Option<String> {
    let source = names.sources.get(&row.source_id)?;
    Some(show::shipment_under(&links.shipments, source, &row.reference))
}

/// The first delivery-side event with a time of receipt.
fn reported(row: &ShipmentRow) -> (Option<Instant>, Option<Instant>) {
    [
        (row.arrived_at, row.arrived_received_at),
        (row.delivered_at, row.delivered_received_at),
        (row.pickup_arrived_at, row.pickup_arrived_received_at),
    ]
    .into_iter()
    .find(|(event, received)| event.is_some() && received.is_some())
    .unwrap_or_default()
}

/// `ADDRESS_ERROR` as `address error`.
pub(super) fn words(code: Option<&str>) -> String {
    code.map_or_else(|| "–".to_owned(), |code| code.replace('_', " ").to_lowercase())
}

fn due_words(kpi: Kpi, row: &ShipmentRow, names: &Names, year: Year) -> String {
    let window = |start: Option<Instant>, end: Option<Instant>, day: Option<NaiveDate>, zone| match (end, day)
    {
        (Some(end), _) => start.map_or_else(
            || format!("by {}", year.local(end.0, zone, false)),
            |start| year.window(start.0, end.0, zone),
        ),
        (None, Some(day)) => show::day(day),
        (None, None) => "no commitment".to_owned(),
    };
    if kpi.is_of_pickups() {
        let day = row.pickup_due_day.map(|d| d.0);
        return window(row.pickup_window_start, row.pickup_window_end, day, names.pickup_zone(row));
    }
    let day = row.delivery_due_day.map(|d| d.0);
    window(row.delivery_window_start, row.delivery_window_end, day, names.delivery_zone(row))
}

/// One verdict in words.
#[derive(Clone, Debug)]
pub(super) struct VerdictWords {
    pub happened: String,
    pub title: String,
    pub why: String,
}

/// The verdict of an on-time KPI on a shipment, with its reason.
pub(super) fn verdict_of(kpi: Kpi, row: &ShipmentRow, names: &Names, year: Year) -> VerdictWords {
    let policy = names.policies.get(&row.policy_id).copied().unwrap_or_default();
    let (letter, zone, done, date_only, due, grace, exclusion, reason) = match kpi {
        Kpi::OtpWin => (
            &row.pickup_window_outcome,
            names.pickup_zone(row),
            row.pickup_arrived_at.or(row.picked_up_at),
            row.date_only & (DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP) != 0,
            row.pickup_window_end,
            crate::domain::shipment::DEFAULT_PICKUP_GRACE_MINUTES,
            &row.pickup_exclusion,
            &row.pickup_reason,
        ),
        _ => (
            if kpi == Kpi::OtdDay { &row.delivery_day_outcome } else { &row.delivery_window_outcome },
            names.delivery_zone(row),
            match policy.ontime_event {
                crate::domain::outcome::OntimeEvent::Arrival => row.arrived_at.or(row.delivered_at),
                crate::domain::outcome::OntimeEvent::Completion => row.delivered_at,
            },
            row.date_only & (DateOnly::ARRIVED | DateOnly::DELIVERED) != 0,
            if kpi == Kpi::OtdDay { None } else { row.delivery_window_end },
            policy.grace_late_minutes,
            &row.delivery_exclusion,
            &row.delivery_reason,
        ),
    };
    let outcome = Outcome::from_code(letter).unwrap_or(Outcome::NotApplicable);
    let happened = done.map_or_else(|| "nothing reported".to_owned(), |at| year.local(at.0, zone, date_only));
    let late = done.zip(due).map(|(at, due)| at.0.signed_duration_since(due.0).num_minutes());
    let mut why = match outcome {
        Outcome::Late | Outcome::Excused => match late {
            Some(minutes) if minutes > 0 => {
                format!("{} after the window, {grace} min allowed", show::minutes(minutes))
            }
            Some(_) => "before the window opened".to_owned(),
            None if done.is_some() => "after the due day".to_owned(),
            None => "a later scan shows it was not there in time".to_owned(),
        },
        Outcome::NoEvidence => {
            format!("no event within {} business days of the due time", policy.evidence_grace_days)
        }
        Outcome::Success => late.filter(|m| *m > 0).map_or_else(
            || "in time".to_owned(),
            |m| format!("{} after the window, {grace} min allowed", show::minutes(m)),
        ),
        Outcome::Pending => row.settles_at.map_or_else(
            || "waiting for evidence".to_owned(),
            |at| format!("decided by {}", year.local(at.0, zone, false)),
        ),
        Outcome::NoBaseline => "the shipper gave no commitment".to_owned(),
        Outcome::NotApplicable => "nothing was due".to_owned(),
    };
    if outcome == Outcome::Excused {
        why.push_str(&format!("; excused: {}", words(exclusion.as_deref())));
    } else if let Some(reason) = reason.as_deref().filter(|r| !r.is_empty() && outcome.is_failure()) {
        why.push_str(&format!("; carrier says: {}", proposal_words(reason)));
    }
    VerdictWords { happened, title: outcome.title().to_owned(), why }
}

/// The list as a file: text as the page has it, and in a workbook numbers as numbers.
fn rows_file(name: &str, kind: FileKind, kpi: Kpi, behind: &Behind) -> Result<HttpResponse, WebError> {
    let links = Links {
        cards: String::new(),
        shipments: String::new(),
        tenders: String::new(),
        invoices: "/invoices",
        year: Year::Told,
        asks: false,
        challenges: false,
    };
    let (heads, rows) = table(kpi, behind, &links);
    let header = std::iter::once("Reference").chain(heads.iter().map(|(title, _)| *title));
    if kind == FileKind::Xlsx {
        let cells = rows.into_iter().map(|row| {
            let figure = |(text, num): (String, bool)| (if num { ungrouped(&text) } else { text }, num);
            std::iter::once((row.title, false)).chain(row.cells.into_iter().map(figure))
        });
        let more = behind.next.map(|_| {
            format!("The first {DOWNLOAD_ROWS} rows; a lane, a reason or a shorter period gives the others.")
        });
        let header: Vec<&str> = header.collect();
        let bytes = list_xlsx(kpi.code(), &header, cells, more.as_deref()).map_err(anyhow::Error::from)?;
        return Ok(download(&format!("{name}.xlsx"), kind, bytes));
    }
    let cells =
        rows.iter().map(|row| std::iter::once(&row.title).chain(row.cells.iter().map(|(text, _)| text)));
    let bytes = csv(header, cells).map_err(anyhow::Error::from)?;
    Ok(download(&format!("{name}.csv"), kind, bytes))
}

/// A figure as a number is typed: without the marks between thousands, with a plain minus.
fn ungrouped(text: &str) -> String {
    text.replace([',', '\u{a0}'], "").replace('\u{2212}', "-")
}
