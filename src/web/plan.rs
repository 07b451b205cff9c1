//! The capacity plan: the whole of it and one lane for the shipper, its own weeks for a partner.

mod own;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::download::download_csv;
use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::plan::show::{LaneView, PlanView, plan_lane_show, plan_show};
use crate::app::plan::{PlanError, week_number};
use crate::db::plan::{PlanCellRow, PlanLaneRow};
use crate::domain::capacity::{Proof, Zone};
use crate::domain::forecast::{Flag, Method};
use crate::domain::money::{Bps, Micros};
use crate::domain::words;
use crate::report::chart::{PlanWeek, WeeksText, Width, stacked_weeks};
use crate::report::sheet::csv;

pub(super) use own::{answer, commit_all, own, own_csv};

/// Lanes on one page of the plan.
const LANES_PER_PAGE: usize = 60;
/// Answers listed, and truck values.
const MAX_LISTED: usize = 60;
/// From this share of a week's demand uncovered, the cell is marked as short rather than near.
const SHORT_SHARE_PERCENT: i32 = 20;

impl From<PlanError> for WebError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Db(error) => error.into(),
            other => Self::Internal(std::sync::Arc::new(other.into())),
        }
    }
}

/// What an address may ask for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The plan of this day.
    as_of: Option<NaiveDate>,
    /// Page of the lane table, from 1.
    page: Option<usize>,
}

/// A week in the head of a table.
struct WeekHead {
    number: u32,
    day: String,
    zone: &'static str,
}

struct Cell {
    heat: &'static str,
    loads: i32,
    /// What the mark means, read aloud before the figure.
    spoken: &'static str,
    /// Empty when all is covered.
    note: String,
}

struct LaneLine {
    id: i64,
    title: String,
    cells: Vec<Cell>,
    demand: i64,
    uncovered: i64,
}

struct Without {
    partner: String,
    contracted: String,
    coverable: String,
    share: String,
}

struct TruckLine {
    partner: String,
    week: u32,
    place: String,
    saves: String,
}

/// One partner's answers over the plan.
struct Answers {
    id: i64,
    /// Loads of frozen weeks: nobody is asked about them any more.
    frozen: i64,
    partner: String,
    asked: i64,
    committed: i64,
    countered: i64,
    declined: i64,
    open: i64,
    is_overdue: bool,
    reasons: Vec<String>,
}

#[derive(Template)]
#[template(path = "plan/page.html")]
struct PlanPage {
    page: Page,
    plan: Option<Shown>,
}

struct Shown {
    as_of: String,
    day: NaiveDate,
    weeks_title: String,
    covered: String,
    covered_loads: String,
    demand: String,
    uncovered: String,
    cost: String,
    currency: String,
    is_proved: bool,
    weakest: Option<(String, String)>,
    concentration: Option<String>,
    heads: Vec<WeekHead>,
    lanes: Vec<LaneLine>,
    lanes_all: usize,
    page_no: usize,
    has_next: bool,
    chart: String,
    without: Vec<Without>,
    single: Vec<(i64, String)>,
    unsourced: Vec<(i64, String)>,
    trucks: Vec<TruckLine>,
    answers: Vec<Answers>,
    deadline: String,
    is_closed: bool,
    notes: Vec<String>,
    assumptions: String,
}

/// `GET /capacity`
pub(super) async fn index(me: SignedIn, asked: web::Query<Asked>) -> Result<HttpResponse, WebError> {
    let as_of = asked.as_of;
    let view = me.in_app(move |app, viewer| plan_show(app, viewer, as_of, None)).await?;
    if view.is_none() && as_of.is_some() {
        return Err(WebError::NotFound);
    }
    let plan = view.as_ref().map(|view| shown(view, asked.page.unwrap_or(1).max(1)));
    page::html(&PlanPage { page: me.page("Capacity plan"), plan })
}

/// `GET /capacity.csv`
pub(super) async fn index_csv(me: SignedIn, asked: web::Query<Asked>) -> Result<HttpResponse, WebError> {
    let as_of = asked.as_of;
    let view = me.in_app(move |app, viewer| plan_show(app, viewer, as_of, None)).await?;
    let view = view.ok_or(WebError::NotFound)?;
    let mut cells: BTreeMap<(i64, NaiveDate), Vec<&PlanCellRow>> = BTreeMap::new();
    for cell in &view.cells {
        cells.entry((cell.lane_id, cell.week.0)).or_default().push(cell);
    }
    let mut rows = Vec::new();
    for lane in view.lanes.values().flatten() {
        let empty = Vec::new();
        let asked = cells.get(&(lane.lane_id, lane.week.0)).unwrap_or(&empty);
        let base = |partner: String, loads: i32, state: &str, answer: Option<i32>| {
            [
                view.lane_title(lane.lane_id),
                lane.week.to_string(),
                lane.p50.to_string(),
                lane.p90.to_string(),
                partner,
                loads.to_string(),
                state.to_owned(),
                answer.map(|units| units.to_string()).unwrap_or_default(),
            ]
        };
        for cell in asked {
            let partner = view.partner_title(cell.partner_id);
            rows.push(base(partner, cell.asked(), &cell.state, cell.answer_units));
        }
        if lane.uncovered > 0 {
            rows.push(base(String::new(), lane.uncovered, "UNCOVERED", None));
        }
    }
    let header = ["lane", "week", "demand_p50", "demand_p90", "partner", "loads", "state", "answered_loads"];
    download_csv(&format!("capacity-plan-{}.csv", view.plan.as_of_day.0), csv(header, rows))
}

fn shown(view: &PlanView, page_no: usize) -> Shown {
    let summary = &view.summary;
    let mut lanes = lane_lines(view);
    let lanes_all = lanes.len();
    let first = page_no.saturating_sub(1).saturating_mul(LANES_PER_PAGE);
    let has_next = lanes_all > first.saturating_add(LANES_PER_PAGE);
    lanes = lanes.into_iter().skip(first).take(LANES_PER_PAGE).collect();
    let titled = |ids: &[i64]| ids.iter().take(MAX_LISTED).map(|&id| (id, view.lane_title(id))).collect();
    let policy = &summary.policy;
    Shown {
        as_of: show::day(view.plan.as_of_day.0),
        day: view.plan.as_of_day.0,
        weeks_title: weeks_title(&view.weeks),
        covered: share(summary.covered_loads, summary.demand_loads),
        covered_loads: show::count(summary.covered_loads),
        demand: show::count(summary.demand_loads),
        uncovered: show::count(summary.uncovered_loads),
        cost: show::money(summary.cost),
        currency: summary.currency.clone(),
        is_proved: summary.proof == Proof::Optimal,
        weakest: summary
            .resilience
            .without
            .iter()
            .min_by_key(|w| w.coverable)
            .map(|w| (percent(w.coverable), view.partner_title(w.partner))),
        concentration: summary.resilience.shares.first().map(|largest| {
            format!("{} carries {}", view.partner_title(largest.partner), percent(largest.share))
        }),
        heads: heads(&view.weeks),
        lanes,
        lanes_all,
        page_no,
        has_next,
        chart: chart(view),
        without: without(view),
        single: titled(&summary.resilience.single_sourced_lanes),
        unsourced: titled(&summary.resilience.unsourced_lanes),
        trucks: trucks(view),
        answers: answers(view),
        deadline: show::weekday(view.deadline),
        is_closed: view.is_closed,
        notes: summary.notes.clone(),
        assumptions: format!(
            "Spot costs {} more than a lane’s contract mean, a load above base {} more, a late load costs us {} of its price; loads above base need {} working days of notice.",
            percent(policy.spot_premium),
            percent(policy.surge_premium),
            percent(policy.late_cost),
            policy.surge_notice_days
        ),
    }
}

fn percent(share: Bps) -> String {
    show::percent(share.fraction())
}

fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        "no demand".to_owned()
    } else {
        show::percent(Decimal::from(part) / Decimal::from(whole))
    }
}

fn iso_week(day: NaiveDate) -> u32 {
    day.iso_week().week()
}

fn weeks_title(weeks: &[NaiveDate]) -> String {
    match (weeks.first(), weeks.last()) {
        (Some(&first), Some(&last)) => {
            format!("weeks {} to {} of {}", iso_week(first), iso_week(last), last.iso_week().year())
        }
        _ => "no weeks".to_owned(),
    }
}

fn heads(weeks: &[NaiveDate]) -> Vec<WeekHead> {
    let first = weeks.first().copied().unwrap_or_default();
    weeks
        .iter()
        .map(|&week| WeekHead {
            number: iso_week(week),
            day: week.format("%-d %b").to_string(),
            zone: zone_word(Zone::of_week(week_number(first, week))),
        })
        .collect()
}

fn zone_word(zone: Option<Zone>) -> &'static str {
    match zone {
        Some(Zone::Frozen) | None => "frozen",
        Some(Zone::Committed) => "committed",
        Some(Zone::Indicative) => "indicative",
    }
}

/// Lanes with the most uncovered loads first.
fn lane_lines(view: &PlanView) -> Vec<LaneLine> {
    let mut lines: Vec<LaneLine> = view
        .lanes
        .iter()
        .map(|(&id, rows)| LaneLine {
            id,
            title: view.lane_title(id),
            cells: rows.iter().map(cell).collect(),
            demand: rows.iter().map(|r| i64::from(r.p50)).sum(),
            uncovered: rows.iter().map(|r| i64::from(r.uncovered)).sum(),
        })
        .collect();
    lines.sort_by(|a, b| b.uncovered.cmp(&a.uncovered).then_with(|| a.title.cmp(&b.title)));
    lines
}

fn cell(row: &PlanLaneRow) -> Cell {
    let short = row.uncovered;
    let (heat, spoken, note) = if row.p50 == 0 {
        ("", "", "none wanted".to_owned())
    } else if short == 0 {
        ("", "", String::new())
    } else if short.saturating_mul(100) >= row.p50.saturating_mul(SHORT_SHARE_PERCENT) {
        ("floor", "far from covered ", format!("{short} short"))
    } else {
        ("under", "not all covered ", format!("{short} short"))
    };
    Cell { heat, loads: row.p50, spoken, note }
}

fn chart(view: &PlanView) -> String {
    let mut wanted: BTreeMap<NaiveDate, (i64, i64)> = BTreeMap::new();
    for row in view.lanes.values().flatten() {
        let sum = wanted.entry(row.week.0).or_default();
        *sum = (sum.0 + i64::from(row.p50), sum.1 + i64::from(row.p50 - row.uncovered));
    }
    let mut answered: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for cell in &view.cells {
        if let Some(units) = cell.answer_units {
            *answered.entry(cell.week.0).or_default() += i64::from(units);
        }
    }
    let weeks: Vec<PlanWeek> = wanted
        .into_iter()
        .map(|(week, (loads, covered))| PlanWeek {
            label: iso_week(week).to_string(),
            forecast: Decimal::from(loads),
            range: None,
            committed: Some(Decimal::from(covered)),
            contract: answered.get(&week).map(|&units| Decimal::from(units)),
        })
        .collect();
    let text = WeeksText {
        id: "weeks",
        title: "Loads wanted and covered by week",
        axis_note: "week",
        solid: "asked of partners",
        range: "",
        line: "answered so far",
    };
    stacked_weeks(&weeks, &text, Width::Page)
}

fn without(view: &PlanView) -> Vec<Without> {
    let mut all: Vec<_> = view.summary.resilience.without.iter().collect();
    all.sort_by_key(|w| (w.coverable, w.partner));
    all.into_iter()
        .take(MAX_LISTED)
        .map(|w| Without {
            partner: view.partner_title(w.partner),
            contracted: show::count(w.contracted_loads),
            coverable: percent(w.coverable),
            share: view
                .summary
                .resilience
                .shares
                .iter()
                .find(|s| s.partner == w.partner)
                .map_or_else(|| "no loads".to_owned(), |s| percent(s.share)),
        })
        .collect()
}

/// The places where one more truck saves most.
fn trucks(view: &PlanView) -> Vec<TruckLine> {
    const SHOWN: usize = 8;
    let first = view.weeks.first().copied().unwrap_or_default();
    view.summary
        .truck_values
        .iter()
        .take(SHOWN)
        .map(|value| TruckLine {
            partner: view.partner_title(value.partner),
            week: iso_week(first + chrono::Days::new(7 * u64::from(value.week.saturating_sub(1)))),
            place: value.lane.map_or_else(|| "any lane".to_owned(), |lane| view.lane_title(lane)),
            saves: show::money(value.saves),
        })
        .collect()
}

/// Overdue partners first, then the ones with most open loads.
fn answers(view: &PlanView) -> Vec<Answers> {
    let mut by_partner: BTreeMap<i64, Answers> = BTreeMap::new();
    let first = view.weeks.first().copied().unwrap_or_default();
    for cell in &view.cells {
        let line = by_partner.entry(cell.partner_id).or_insert_with(|| Answers {
            id: cell.partner_id,
            partner: view.partner_title(cell.partner_id),
            frozen: 0,
            asked: 0,
            committed: 0,
            countered: 0,
            declined: 0,
            open: 0,
            is_overdue: false,
            reasons: Vec::new(),
        });
        line.asked += i64::from(cell.asked());
        let answered = i64::from(cell.answer_units.unwrap_or(0));
        let is_frozen = Zone::of_week(week_number(first, cell.week.0)).is_none_or(|z| z == Zone::Frozen);
        match cell.state.as_str() {
            "COMMITTED" => line.committed += answered,
            "COUNTERED" => {
                line.countered += answered;
                line.reasons.push(format!(
                    "week {}, {}: offers {answered} of {}, “{}”",
                    iso_week(cell.week.0),
                    view.lane_title(cell.lane_id),
                    cell.asked(),
                    cell.answer_reason
                ));
            }
            "DECLINED" => line.declined += i64::from(cell.asked()),
            _ if is_frozen => line.frozen += i64::from(cell.asked()),
            _ => {
                line.open += i64::from(cell.asked());
                line.is_overdue = view.is_closed;
            }
        }
    }
    let mut lines: Vec<Answers> = by_partner.into_values().collect();
    lines.sort_by(|a, b| {
        (b.is_overdue, b.open).cmp(&(a.is_overdue, a.open)).then_with(|| a.partner.cmp(&b.partner))
    });
    lines
}

// --- one lane ------------------------------------------------------------------------------------

struct LaneWeek {
    number: u32,
    day: String,
    zone: &'static str,
    row: PlanLaneRow,
    shares: Vec<LaneShare>,
}

struct LaneShare {
    partner: String,
    loads: i32,
    of: String,
    unit_cost: String,
    answer: String,
}

struct OfferLine {
    partner: String,
    weeks: usize,
    base: String,
    surge: String,
    cost: String,
}

#[derive(Template)]
#[template(path = "plan/lane.html")]
struct LanePage {
    page: Page,
    title: String,
    code: String,
    as_of: String,
    day: NaiveDate,
    method: &'static str,
    caveat: Option<&'static str>,
    history_words: String,
    history_rows: Vec<(u32, String, i64)>,
    currency: String,
    weeks: Vec<LaneWeek>,
    offers: Vec<OfferLine>,
    chart: String,
    uncovered: i64,
    demand: i64,
}

/// `GET /capacity/{lane}`
pub(super) async fn lane(
    me: SignedIn,
    lane: web::Path<i64>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, WebError> {
    let (lane, as_of) = (lane.into_inner(), asked.as_of);
    let view = me.in_app(move |app, viewer| plan_lane_show(app, viewer, as_of, lane)).await?;
    let view = view.ok_or(WebError::NotFound)?;
    let title = view.plan.lane_title(lane);
    page::html(&lane_page(me.page(title.clone()), title, &view))
}

/// Words of the method code that a lane's forecast is stored with.
fn method_words(code: &str) -> (&'static str, Option<&'static str>) {
    let (method, flag) = code.split_once(':').map_or((code, None), |(method, flag)| (method, Some(flag)));
    let methods = [
        Method::Mean,
        Method::Naive,
        Method::SeasonalNaive,
        Method::ExponentialSmoothing,
        Method::DampedHolt,
        Method::HoltWinters,
        Method::CrostonSba,
    ];
    let flags = [Flag::ShortHistory, Flag::Pooled, Flag::FewOrigins, Flag::NoBetterThanNaive];
    (
        methods.into_iter().find(|m| m.code() == method).map_or("an older method", Method::title),
        flag.and_then(|code| flags.into_iter().find(|f| f.code() == code)).map(Flag::title),
    )
}

fn lane_page(page: Page, title: String, view: &LaneView) -> LanePage {
    const HISTORY_SHOWN: usize = 13;
    let rows: Vec<&PlanLaneRow> = view.plan.lanes.values().flatten().collect();
    let (method, caveat) = rows.first().map_or(("no forecast", None), |row| method_words(&row.method));
    let newest = view.history.iter().rev().take(HISTORY_SHOWN);
    let total: i64 = view.history.iter().map(|(_, loads)| loads).sum();
    LanePage {
        page,
        title,
        code: view.lane.code.clone(),
        as_of: show::day(view.plan.plan.as_of_day.0),
        day: view.plan.plan.as_of_day.0,
        method,
        caveat,
        history_words: match view.history.len() {
            0 => "no history".to_owned(),
            weeks => format!("{} wanted in {}", words::count(total, "load"), words::many(weeks, "week")),
        },
        history_rows: newest.map(|&(week, loads)| (iso_week(week), show::day(week), loads)).collect(),
        currency: view.plan.summary.currency.clone(),
        weeks: lane_weeks(view, &rows),
        offers: offers(view),
        chart: lane_chart(view, &rows),
        uncovered: rows.iter().map(|r| i64::from(r.uncovered)).sum(),
        demand: rows.iter().map(|r| i64::from(r.p50)).sum(),
    }
}

fn lane_weeks(view: &LaneView, rows: &[&PlanLaneRow]) -> Vec<LaneWeek> {
    let first = view.plan.plan.first_week.0;
    rows.iter()
        .map(|&row| LaneWeek {
            number: iso_week(row.week.0),
            day: row.week.0.format("%-d %b").to_string(),
            zone: zone_word(Zone::of_week(week_number(first, row.week.0))),
            shares: view
                .plan
                .cells
                .iter()
                .filter(|cell| cell.week == row.week)
                .map(|cell| LaneShare {
                    partner: view.plan.partner_title(cell.partner_id),
                    loads: cell.asked(),
                    of: share(i64::from(cell.asked()), i64::from(row.p50)),
                    unit_cost: show::money(Micros(cell.unit_cost_micros)),
                    answer: answer_words(&cell.state, cell.answer_units, &cell.answer_reason),
                })
                .collect(),
            row: row.clone(),
        })
        .collect()
}

/// An answer in words.
fn answer_words(state: &str, units: Option<i32>, reason: &str) -> String {
    let units = units.unwrap_or(0);
    match state {
        "COMMITTED" => "committed".to_owned(),
        "COUNTERED" => format!("offers {units}: {reason}"),
        "DECLINED" if units > 0 => format!("declined, {units} stand by contract"),
        "DECLINED" => "declined".to_owned(),
        _ => "not answered".to_owned(),
    }
}

fn offers(view: &LaneView) -> Vec<OfferLine> {
    let mut by_partner: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for row in &view.commitments {
        by_partner.entry(row.partner_id).or_default().push(row);
    }
    let span = |values: Vec<String>| match (values.iter().min(), values.iter().max()) {
        (Some(low), Some(high)) if low != high => format!("{low} to {high}"),
        (Some(low), _) => low.clone(),
        _ => String::new(),
    };
    by_partner
        .into_iter()
        .map(|(partner, rows)| {
            let bases: Vec<i32> = rows.iter().map(|r| r.base_units).collect();
            let (low, high) = (bases.iter().min().copied(), bases.iter().max().copied());
            OfferLine {
                partner: view.plan.partner_title(partner),
                weeks: rows.len(),
                base: match (low, high) {
                    (Some(low), Some(high)) if low != high => format!("{low} to {high}"),
                    (Some(low), _) => low.to_string(),
                    _ => String::new(),
                },
                surge: span(rows.iter().map(|r| percent(Bps(i64::from(r.surge_bps)))).collect()),
                cost: rows
                    .iter()
                    .find_map(|r| {
                        r.unit_cost_micros.map(|cost| format!("{} {}", show::money(Micros(cost)), r.currency))
                    })
                    .unwrap_or_else(|| "not given".to_owned()),
            }
        })
        .collect()
}

fn lane_chart(view: &LaneView, rows: &[&PlanLaneRow]) -> String {
    const WEEKS_BACK: usize = 13;
    let past =
        view.history.iter().skip(view.history.len().saturating_sub(WEEKS_BACK)).map(|&(week, loads)| {
            let loads = Decimal::from(loads);
            let label = iso_week(week).to_string();
            PlanWeek { label, forecast: loads, range: None, committed: None, contract: None }
        });
    let coming = rows.iter().map(|row| {
        let base: i32 = view.commitments.iter().filter(|c| c.week == row.week).map(|c| c.base_units).sum();
        PlanWeek {
            label: iso_week(row.week.0).to_string(),
            forecast: Decimal::from(row.p50),
            range: Some((Decimal::from(row.p25), Decimal::from(row.p90))),
            committed: Some(Decimal::from(row.p50 - row.uncovered)),
            contract: Some(Decimal::from(base)),
        }
    });
    let weeks: Vec<PlanWeek> = past.chain(coming).collect();
    let text = WeeksText {
        id: "lane-weeks",
        title: "Loads wanted on the lane by week, past and forecast",
        axis_note: "week; the past is hollow",
        solid: "asked of partners",
        range: "2 weeks in 3",
        line: "committed base",
    };
    stacked_weeks(&weeks, &text, Width::Page)
}
