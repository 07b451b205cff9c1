//! The carrier manager's morning: what to act on, every partner at a glance, spend against score, movers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use super::contract::attention::address;
use super::desk::desk_of;
use super::download::download_csv;
use super::edit::sentence;
use super::extract::{SignedIn, Unit};
use super::kept::Kept;
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::scorecard::card::{in_own_unit, in_unit, mark, short, tenths_words, threshold};
use super::scorecard::{opening, period_of};
use super::standing::{by_hand_words, held_chip};
use super::{Web, show};
use crate::app::score::Published;
use crate::app::spend::{SPEND_MONTHS, yearly_spend, yearly_spend_load};
use crate::app::standing::{measured_on, standings_from};
use crate::db::partner::{Partner, partner_list};
use crate::db::scorecard::{
    ScorecardBrief, Stamp, publications_stamp, scorecard_briefs, scorecard_latest, scorecard_list_period,
};
use crate::db::setting::reporting_currency;
use crate::domain::attention::{Item, Kind, NOW_DAYS};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::formula::OwnUnit;
use crate::domain::kpi::{Kpi, Unit as KpiUnit};
use crate::domain::outcome::local_day;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    HeldOn, KpiScore, NotScored, Place, Publication, PublicationState, Snapshot, Tier, kpi_part,
};
use crate::domain::signal::{Change, PeriodChange};
use crate::domain::words;
use crate::report::chart::{ScatterPoint, ScatterText, sparkline, spend_scatter};
use crate::report::sheet;

/// Items on the act list (the visual reference allows four).
const ACT_ITEMS: usize = 4;
/// KPI columns of the table; the heaviest of the template.
const COLUMNS: usize = 8;
/// Movers listed.
const MOVERS: usize = 6;
/// Months of the trend.
const TREND_MONTHS: usize = 6;
/// Contract deadlines this near are shown.
const NOTICE_DAYS: i64 = 45;
/// From this share of misses that were never reported, silence is the finding.
const SILENT_SHARE: i64 = 4;
/// The score that parts good from weak.
const GOOD_FROM: i64 = 80;

#[derive(Clone)]
struct Act {
    who: String,
    when: String,
    soon: bool,
    what: String,
    evidence: String,
    href: String,
    action: &'static str,
    /// Which of [`Urgency`], then days left, then the most money.
    rank: (Urgency, i64, Reverse<Decimal>),
}

/// What comes first on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// Something got worse beyond chance.
    Signal,
    /// A standing that asks for a plan.
    Standing,
    /// Facts that never came.
    Silence,
    /// A day by which something on a contract must be done.
    Deadline,
}

struct Head {
    name: String,
    target: String,
}

/// One cell of the heat map.
struct Cell {
    class: &'static str,
    mark: &'static str,
    words: &'static str,
    value: String,
    note: String,
    href: String,
}

struct PartnerLine {
    name: String,
    mode: String,
    href: String,
    standing: Chip,
    by_hand: String,
    score: Option<String>,
    spark: String,
    cells: Vec<Cell>,
    spend: String,
}

struct Mover {
    name: String,
    href: String,
    kpi: String,
    before: String,
    now: String,
    kpi_href: String,
    change: String,
    range: String,
    way: &'static str,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "today/page.html")]
struct TodayPage<'a> {
    page: Page,
    heading: String,
    lede: &'a str,
    periods: Vec<(String, String, bool)>,
    acts: Vec<Act>,
    acts_of: String,
    rest: Vec<(String, String)>,
    /// What waits for a decision about scorecards, in words; empty when nothing does.
    decisions: &'a str,
    /// How much waits on the contract desk, in words; empty when nothing does.
    desk: String,
    portfolio: &'a str,
}

#[derive(Template)]
#[template(path = "today/portfolio.html")]
struct Portfolio {
    period_title: String,
    before: String,
    state: &'static str,
    heads: Vec<Head>,
    lines: Vec<PartnerLine>,
    quiet: String,
    unscored: String,
    scatter: String,
    movers: Vec<Mover>,
    currency: String,
    csv: String,
}

/// What published cards alone decide of the page, drawn.
pub(super) struct Drawn {
    today: NaiveDate,
    periods: Vec<(String, String, bool)>,
    lede: String,
    portfolio: String,
    acts: Vec<Act>,
    /// What contracts are worth.
    pub(super) spend: BTreeMap<i64, Decimal>,
}

/// What a drawing was made from: it holds for as long as all of it is the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seen {
    publications: Stamp,
    partners: Vec<Partner>,
    today: NaiveDate,
}

impl Seen {
    fn read(unit: &mut Unit<'_>) -> Result<Self, WebError> {
        let publications = publications_stamp(unit.db)?;
        let today = local_day(unit.app.now(), publications.zone()?);
        Ok(Self { publications, partners: partner_list(unit.db, unit.viewer)?, today })
    }
}

/// Portfolios as drawn, by the period asked for. A page of two hundred partners takes a tenth of a second to draw and is
/// opened by everybody at eight; nothing of it changes until something is published.
pub(super) type Portfolios = Kept<Option<Period>, Seen, Drawn>;

/// Portfolios kept: those of the periods that people look at.
pub(super) const PORTFOLIOS: usize = 24;

/// The portfolio of a period, from what is kept when that was made from the same.
fn portfolio_of(
    kept: &Portfolios,
    unit: &mut Unit<'_>,
    asked: Option<Period>,
) -> Result<Arc<Drawn>, WebError> {
    let seen = Seen::read(unit)?;
    if let Some(drawn) = kept.get(&asked, &seen) {
        return Ok(drawn);
    }
    let drawn = drawn(unit, asked, &seen)?;
    Ok(kept.keep(asked, seen, drawn))
}

/// The query of the page.
#[derive(Deserialize)]
pub(super) struct Query {
    period: Option<String>,
}

/// What the portfolio is drawn from.
struct Loaded {
    today: NaiveDate,
    period: Period,
    partners: Vec<Partner>,
    cards: BTreeMap<i64, Published>,
    briefs: Vec<ScorecardBrief>,
    currency: String,
    /// Where each partner stands today, whatever the period.
    held: BTreeMap<i64, HeldOn>,
    /// What was measured that partners stand so low by today.
    low: BTreeMap<i64, Published>,
}

/// `GET /today`
pub(super) async fn show(
    me: SignedIn,
    site: web::Data<Web>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let asked = query.period.as_deref().map(period_of).transpose()?;
    let (drawn, desk) = me
        .in_db(move |mut unit| {
            let drawn = portfolio_of(&site.portfolios, &mut unit, asked)?;
            let desk = desk_of(&site.desks, &mut unit, asked, &drawn)?;
            Ok::<_, WebError>((drawn, desk))
        })
        .await?;
    let mut acts = drawn.acts.clone();
    acts.extend(desk.attention.iter().filter_map(contract_act));
    let found = acts.len();
    acts.sort_by_key(|act| act.rank);
    let rest: Vec<(String, String)> = acts
        .split_off(found.min(ACT_ITEMS))
        .into_iter()
        .take(ACT_ITEMS)
        .map(|a| (format!("{}: {}", a.who, a.what), a.href))
        .collect();
    page::html(&TodayPage {
        page: me.page("Today"),
        heading: show::weekday_long(drawn.today),
        lede: &drawn.lede,
        periods: drawn.periods.clone(),
        acts_of: match found {
            0 => String::new(),
            n if n <= ACT_ITEMS => format!("{n} open, signals first, then standings, then deadlines"),
            n => format!("{ACT_ITEMS} of {n} open, signals first, then standings, then deadlines"),
        },
        acts,
        rest,
        decisions: &desk.decisions,
        desk: match desk.attention.len() {
            0 => String::new(),
            n => format!("All that waits on contracts: {}", words::many(n, "item")),
        },
        portfolio: &drawn.portfolio,
    })
}

fn load(unit: &mut Unit<'_>, asked: Option<Period>, seen: &Seen) -> Result<Loaded, WebError> {
    let today = seen.today;
    let period = match asked {
        Some(period) => period,
        None => opening(unit.db, unit.viewer, None, today)?,
    };
    let from = period.start().checked_sub_months(Months::new(SPEND_MONTHS)).unwrap_or(period.start());
    let briefs = scorecard_briefs(unit.db, unit.viewer, None, from, NaiveDate::MAX)?;
    let mut cards = BTreeMap::new();
    for row in scorecard_list_period(unit.db, unit.viewer, period)? {
        cards.insert(row.partner_id, Published::read(row)?);
    }
    let currency = reporting_currency(unit.db)?;
    let measured = measured_on(unit.db, unit.viewer, today)?;
    let held = standings_from(unit.db, unit.viewer, &measured, today)?;
    let mut low = BTreeMap::new();
    for (partner_id, (decided, tier)) in measured {
        if asks_for_plan(tier)
            && let Some(row) = scorecard_latest(unit.db, unit.viewer, partner_id, decided)?
        {
            low.insert(partner_id, Published::read(row)?);
        }
    }
    Ok(Loaded { today, period, partners: seen.partners.clone(), cards, briefs, currency, held, low })
}

fn drawn(unit: &mut Unit<'_>, asked: Option<Period>, seen: &Seen) -> Result<Drawn, WebError> {
    let loaded = load(unit, asked, seen)?;
    // The briefs hold the last year, unless somebody asks for a month that has not begun.
    let month = Period::containing(PeriodKind::Month, loaded.today);
    let of_contracts = if loaded.period.start() <= month.start() {
        yearly_spend(&loaded.briefs, month.previous().start())
    } else {
        yearly_spend_load(unit.db, unit.viewer, loaded.today)?
    };
    let last_month = Period::containing(PeriodKind::Month, loaded.period.last_day());
    let spend = yearly_spend(&loaded.briefs, last_month.start());
    let portfolio = portfolio(&loaded, &spend).render().map_err(anyhow::Error::from)?;
    let acts = acts(&loaded, &spend);
    Ok(Drawn {
        today: seen.today,
        periods: periods(&loaded),
        lede: lede(&loaded),
        portfolio,
        acts,
        spend: of_contracts,
    })
}

fn portfolio(loaded: &Loaded, spend: &BTreeMap<i64, Decimal>) -> Portfolio {
    let columns = columns(loaded);
    let (shown, quiet): (Vec<&Partner>, Vec<&Partner>) =
        open_partners(loaded).partition(|p| has_line(p, loaded));
    let mut lines: Vec<(Option<i32>, PartnerLine)> = shown
        .into_iter()
        .map(|p| {
            let tenths = loaded.cards.get(&p.id).and_then(|c| c.row.composite_tenths);
            (tenths, partner_line(p, loaded, &columns))
        })
        .collect();
    lines.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.name.cmp(&b.1.name)));
    let state = Publication::of(loaded.period, &BusinessCalendar::weekdays([])).state(loaded.today);
    Portfolio {
        period_title: loaded.period.title(),
        before: short(loaded.period.previous()),
        state: state.words(),
        heads: columns
            .iter()
            .map(|column| Head { name: column.name.clone(), target: column.target.clone() })
            .collect(),
        quiet: quiet_words(quiet.len(), loaded.period),
        unscored: unscored(loaded),
        lines: lines.into_iter().map(|(_, line)| line).collect(),
        scatter: scatter(loaded, spend),
        movers: movers(loaded),
        currency: loaded.currency.clone(),
        csv: format!("/today.csv?period={}", loaded.period),
    }
}

/// A KPI column, of the catalogue or one's own.
struct Column {
    code: String,
    name: String,
    target: String,
}

/// The heaviest KPIs of the template that most partners are scored by, in reading order, each with its target where all
/// partners have the same; a column without any value says nothing and is left out.
fn columns(loaded: &Loaded) -> Vec<Column> {
    let mut by_template: BTreeMap<i64, (usize, &Published)> = BTreeMap::new();
    for card in loaded.cards.values() {
        by_template.entry(card.row.template_id).or_insert((0, card)).0 += 1;
    }
    let Some((_, card)) = by_template.values().max_by_key(|(cards, _)| *cards) else { return Vec::new() };
    let result = &card.snapshot.result;
    let mut weights: Vec<Decimal> = result.kpis().map(|k| k.weight).collect();
    weights.sort_by(|a, b| b.cmp(a));
    let least = weights.get(COLUMNS - 1).copied().unwrap_or_default();
    result
        .kpis()
        .filter(|k| k.scale.is_some() && k.weight >= least)
        .map(|k| {
            let code = k.input.code.clone();
            let name = card.snapshot.kpi_name(&code).to_owned();
            Column { target: target_of(&code, loaded), code, name }
        })
        .take(COLUMNS)
        .filter(|column| has_value(&column.code, loaded))
        .collect()
}

/// Whether any partner has a value of the KPI.
fn has_value(code: &str, loaded: &Loaded) -> bool {
    let value = |card: &Published| card.snapshot.result.kpi(code).and_then(|k| k.input.value);
    loaded.cards.values().any(|card| value(card).is_some())
}

/// The target of a KPI for all partners scored by it, in words.
fn target_of(code: &str, loaded: &Loaded) -> String {
    let targets: BTreeSet<String> = loaded
        .cards
        .values()
        .filter_map(|card| {
            let target = card.snapshot.result.kpi(code)?.scale.as_ref()?.target;
            target_words(&card.snapshot, code, target)
        })
        .collect();
    match (targets.first(), targets.len()) {
        (Some(one), 1) => format!("target {one}"),
        _ => "own targets".to_owned(),
    }
}

fn target_words(snapshot: &Snapshot, code: &str, target: Decimal) -> Option<String> {
    if let Ok(kpi) = kpi_part(code).parse::<Kpi>() {
        return Some(threshold(target, kpi.definition().unit));
    }
    Some(in_own_unit(target, snapshot.own_of(code)?.0.unit, ""))
}

/// A value without the sign of its unit where that is per cent, as the whole table mostly is.
fn figure(snapshot: &Snapshot, code: &str, value: Decimal) -> Option<String> {
    if let Ok(kpi) = kpi_part(code).parse::<Kpi>() {
        let unit = kpi.definition().unit;
        return Some(if unit == KpiUnit::Percent {
            show::decimal(value, 1)
        } else {
            in_unit(value, unit, "")
        });
    }
    let unit = snapshot.own_of(code)?.0.unit;
    let number = show::decimal(value, unit.places());
    Some(if unit == OwnUnit::Percent { number } else { in_own_unit(value, unit, "") })
}

fn lede(loaded: &Loaded) -> String {
    let publication = Publication::of(loaded.period, &BusinessCalendar::weekdays([]));
    let name = short(loaded.period);
    let mut words = match publication.state(loaded.today) {
        PublicationState::Running => format!("{name} is still running; its figures are to date."),
        PublicationState::Provisional => format!(
            "{name} is provisional; partners check it from {}.",
            show::weekday(publication.review_from)
        ),
        PublicationState::PartnerReview if loaded.today <= publication.review_until => format!(
            "Partner review of {name} closes on {}, final on {}.",
            show::weekday(publication.review_until),
            show::weekday(publication.final_on)
        ),
        PublicationState::PartnerReview => {
            format!("Partner review of {name} is closed, final on {}.", show::weekday(publication.final_on))
        }
        PublicationState::Final => format!("{name} is final since {}.", show::day(publication.final_on)),
    };
    if let Some(as_of) = loaded.cards.values().map(|c| c.row.as_of.0).max() {
        words.push_str(&format!(
            " Facts known until {} {} UTC.",
            show::day(as_of.date_naive()),
            as_of.format("%H:%M")
        ));
    }
    let month = loaded.period.kind() == PeriodKind::Month;
    if month && publication.state(loaded.today) == PublicationState::Final && !newer_month(loaded) {
        words.push_str(" No later month has figures.");
    }
    words
}

fn newer_month(loaded: &Loaded) -> bool {
    loaded
        .briefs
        .iter()
        .any(|b| b.period.kind() == PeriodKind::Month && b.period.start() > loaded.period.start())
}

fn periods(loaded: &Loaded) -> Vec<(String, String, bool)> {
    let running = Period::containing(PeriodKind::Month, loaded.today);
    let mut months = vec![running.previous().previous(), running.previous(), running];
    if !months.contains(&loaded.period) {
        months.insert(0, loaded.period);
    }
    months
        .into_iter()
        .filter(|p| *p == loaded.period || loaded.briefs.iter().any(|b| b.period == *p))
        .map(|p| {
            let name = if p.start().year() == loaded.today.year() { short(p) } else { p.title() };
            let title = if p == running { format!("{name} to date") } else { name };
            (title, format!("/today?period={p}"), p == loaded.period)
        })
        .collect()
}

fn acts(loaded: &Loaded, spend: &BTreeMap<i64, Decimal>) -> Vec<Act> {
    let mut acts = Vec::new();
    for partner in &loaded.partners {
        let money = spend.get(&partner.id).copied().unwrap_or_default();
        let card = loaded.cards.get(&partner.id);
        acts.extend(card.and_then(|card| signal_act(partner, card, money)));
        let silence = card.and_then(|card| silence_act(partner, card, money));
        match standing_act(partner, loaded, money) {
            // One partner, one item: what is missing is part of why it stands so low.
            Some(mut act) => {
                act.evidence.extend(silence.into_iter().flat_map(|silence| [" ".to_owned(), silence.what]));
                acts.push(act);
            }
            None => acts.extend(silence),
        }
    }
    acts
}

/// The weekly chart says it got worse.
fn signal_act(partner: &Partner, card: &Published, money: Decimal) -> Option<Act> {
    let signal = card.snapshot.signal().filter(|s| s.signal.change == Change::Deteriorated)?;
    let series = card.snapshot.series.as_ref()?;
    let value = signal.week.value()?;
    let outside = signal.signal.rule == crate::domain::signal::Rule::Xr1;
    let limit = match signal.signal.direction {
        crate::domain::signal::Direction::Down => signal.limits.low,
        crate::domain::signal::Direction::Up => signal.limits.high,
    };
    let found = if outside {
        format!("limit {}", in_unit(limit, KpiUnit::Percent, ""))
    } else {
        signal.words().to_owned()
    };
    let mut evidence = format!(
        "{}: {} of {}, {found}.",
        signal.week.week.title(),
        in_unit(value, KpiUnit::Percent, ""),
        show::count(signal.week.n),
    );
    let worst = card.snapshot.misses.as_ref().and_then(|w| Some((w.lanes.first()?, w.all.failed())));
    if let Some((lane, all)) = worst.filter(|(lane, _)| lane.failed() > 0) {
        evidence.push_str(&format!(
            " In {}, {} holds {} of the {} misses the carrier caused.",
            card.snapshot.period.title(),
            lane.title,
            show::count(lane.failed()),
            show::count(all)
        ));
    }
    Some(Act {
        who: partner.name.clone(),
        when: "Weekly signal".to_owned(),
        soon: false,
        what: if outside {
            format!("{} fell below its own control limit.", series.kpi.name())
        } else {
            format!("{} got worse, beyond chance.", series.kpi.name())
        },
        evidence,
        href: format!("/scorecards/{}/{}#weekly-head", partner.id, card.snapshot.period),
        action: "Open scorecard",
        rank: (Urgency::Signal, 0, Reverse(money)),
    })
}

/// Much is never reported.
fn silence_act(partner: &Partner, card: &Published, money: Decimal) -> Option<Act> {
    let all = &card.snapshot.misses.as_ref()?.all;
    let silent = all.no_evidence * SILENT_SHARE >= all.due() && all.no_evidence >= 10;
    silent.then(|| Act {
        who: partner.name.clone(),
        when: "Reports missing".to_owned(),
        soon: false,
        what: format!(
            "{} of {} due in {} were never reported.",
            show::count(all.no_evidence),
            show::count(all.due()),
            card.snapshot.period.title()
        ),
        evidence: "They count as misses; a feed that is down looks the same as freight that is late."
            .to_owned(),
        href: format!(
            "/scorecards/{}/{}/{}?show=never",
            partner.id,
            card.snapshot.period,
            card.snapshot.misses.as_ref().map_or("OTD_WIN", |w| w.kpi.code())
        ),
        action: "See them",
        rank: (Urgency::Silence, 0, Reverse(money)),
    })
}

/// Whether a standing is so low that something must be done about it at once.
fn asks_for_plan(tier: Tier) -> bool {
    matches!(tier, Tier::ExitReview | Tier::Suspended)
}

/// The standing held today asks for a plan.
fn standing_act(partner: &Partner, loaded: &Loaded, money: Decimal) -> Option<Act> {
    let held = loaded.held.get(&partner.id)?;
    let tier = held.tier().filter(|tier| asks_for_plan(*tier) && partner.is_open())?;
    let measured = loaded.low.get(&partner.id).filter(|_| held.by_hand.is_none());
    let decided = measured.and_then(|card| card.snapshot.standing.as_ref());
    let quarter = decided.map_or(String::new(), |decided| {
        decided.quarter.map_or(String::new(), |quarter| format!(", {}", quarter.title().to_lowercase()))
    });
    Some(Act {
        who: partner.name.clone(),
        when: format!("{}{quarter}", tier.title()),
        soon: true,
        what: format!("Standing asks for: {}.", tier.effect()),
        evidence: decided.map_or_else(|| held.words(), |decided| sentence(&decided.words())),
        href: measured.map_or_else(
            || format!("/partners/{}/standing", partner.id),
            |card| format!("/scorecards/{}/{}", partner.id, card.snapshot.period),
        ),
        action: if measured.is_some() { "Open scorecard" } else { "Open standing" },
        rank: (Urgency::Standing, 0, Reverse(money)),
    })
}

/// What the contract desk must not let pass: its own page lists the rest.
fn contract_act(item: &Item) -> Option<Act> {
    // Drafts wait for whoever writes them.
    if matches!(item.kind, Kind::Incomplete | Kind::Ready) {
        return None;
    }
    let left = item.days_left.filter(|left| *left <= NOTICE_DAYS)?;
    let day = item.day.map(show::weekday_near).unwrap_or_default();
    let distance = if left < 0 { "late".to_owned() } else { format!("{} left", words::count(left, "day")) };
    Some(Act {
        who: item.partner.clone(),
        when: format!("{} by {day}, {distance}", item.kind.label()),
        soon: left <= NOW_DAYS,
        what: format!("{}.", item.what),
        evidence: format!("Contract {}. {}", item.subject, item.why),
        href: address(item.place),
        action: "Open contract",
        rank: (Urgency::Deadline, left, Reverse(item.stake.map_or(Decimal::ZERO, |stake| stake.amount))),
    })
}

fn partner_line(partner: &Partner, loaded: &Loaded, columns: &[Column]) -> PartnerLine {
    let card = loaded.cards.get(&partner.id);
    let href = format!("/scorecards/{}/{}", partner.id, loaded.period);
    let mut months: Vec<&ScorecardBrief> = loaded
        .briefs
        .iter()
        .filter(|b| b.partner_id == partner.id && b.period.kind() == PeriodKind::Month)
        .filter(|b| b.period.start() <= loaded.period.start())
        .collect();
    months.sort_by_key(|b| b.period.start());
    let trend: Vec<Option<Decimal>> = months
        .iter()
        .skip(months.len().saturating_sub(TREND_MONTHS))
        .map(|b| b.composite_tenths.map(|t| Decimal::new(i64::from(t), 1)))
        .collect();
    let held = loaded.held.get(&partner.id);
    PartnerLine {
        name: partner.name.clone(),
        mode: partner.mode.clone(),
        standing: held_chip(held),
        by_hand: by_hand_words(held),
        score: card.and_then(|c| c.row.composite_tenths).map(tenths_words),
        spark: if trend.iter().flatten().count() > 1 {
            sparkline(&trend, &words::many(trend.len(), "month"))
        } else {
            String::new()
        },
        cells: columns.iter().map(|column| cell(&column.code, card, &href)).collect(),
        spend: card
            .and_then(|c| c.snapshot.spend.as_ref())
            .map_or_else(|| "–".to_owned(), |s| show::decimal(s.freight / Decimal::ONE_THOUSAND, 1)),
        href,
    }
}

fn cell(code: &str, card: Option<&Published>, href: &str) -> Cell {
    let href = format!("{href}/{code}");
    let nothing = |note: &str| Cell {
        class: "nodata",
        mark: "",
        words: "",
        value: "no data".to_owned(),
        note: note.to_owned(),
        href: href.clone(),
    };
    let found = card.and_then(|card| Some((&card.snapshot, card.snapshot.result.kpi(code)?)));
    let Some((snapshot, score)) = found else { return nothing("") };
    let shown = score.input.value.and_then(|value| figure(snapshot, code, value));
    let Some(value) = shown else {
        return nothing(if score.not_scored == Some(NotScored::NotApplicable) { "not used" } else { "" });
    };
    let (class, words) = class_of(score);
    let note = match score.not_scored {
        Some(NotScored::TooFew { n, .. }) => format!("n {n}"),
        Some(NotScored::InsufficientData { coverage }) => {
            format!("{}\u{a0}% seen", show::decimal((coverage * Decimal::ONE_HUNDRED).floor(), 0))
        }
        Some(reason) => reason.words(),
        None if score.low_volume => format!("n {}, low", score.input.n),
        None => String::new(),
    };
    Cell { class, mark: mark(score.place), words, value, note, href }
}

fn class_of(score: &KpiScore) -> (&'static str, &'static str) {
    match score.place {
        Place::AtStretch => ("over", "at or beyond stretch "),
        Place::AtTarget => ("", ""),
        Place::Near => ("near", "below, but within chance of target "),
        Place::Short => ("under", "below target "),
        Place::BelowFloor => ("floor", "below floor "),
        Place::NotScored => ("nodata", "not scored "),
    }
}

fn open_partners(loaded: &Loaded) -> impl Iterator<Item = &Partner> {
    loaded.partners.iter().filter(|p| p.is_open())
}

/// Whether a partner has a line: a scorecard in the period, or a score in the year before it.
fn has_line(partner: &Partner, loaded: &Loaded) -> bool {
    let scored_before = |b: &ScorecardBrief| {
        b.partner_id == partner.id
            && b.composite_tenths.is_some()
            && b.period.start() <= loaded.period.start()
    };
    loaded.cards.contains_key(&partner.id) || loaded.briefs.iter().any(scored_before)
}

/// How many partners have no line, and why; empty when none. They may well have shipments.
fn quiet_words(count: usize, period: Period) -> String {
    let title = period.title();
    match count {
        0 => String::new(),
        1 => format!("One partner not scored in {title} or the twelve months before is not shown"),
        n => format!("{n} partners not scored in {title} or the twelve months before are not shown"),
    }
}

fn unscored(loaded: &Loaded) -> String {
    let open: Vec<&Partner> = open_partners(loaded).collect();
    let missing: Vec<&str> = open
        .iter()
        .filter(|p| loaded.cards.get(&p.id).is_none_or(|c| c.row.composite_tenths.is_none()))
        .map(|p| p.name.as_str())
        .collect();
    let scored = words::many(open.len() - missing.len(), "scored partner");
    match missing.len() {
        0 => scored,
        1..=3 => format!("{scored}; {} not scored", missing.join(", ")),
        n => format!("{scored}; {n} not scored"),
    }
}

fn scatter(loaded: &Loaded, spend: &BTreeMap<i64, Decimal>) -> String {
    let points: Vec<ScatterPoint> = loaded
        .partners
        .iter()
        .filter_map(|p| {
            let card = loaded.cards.get(&p.id)?;
            Some(ScatterPoint {
                title: p.name.clone(),
                name: p.name.split_whitespace().next().unwrap_or(&p.name).to_owned(),
                href: Some(format!("/scorecards/{}/{}", p.id, loaded.period)),
                spend: spend.get(&p.id).copied()?,
                score: card.snapshot.result.published?,
                marked: card.snapshot.signal().is_some_and(|s| s.signal.change == Change::Deteriorated),
            })
        })
        .collect();
    if points.is_empty() {
        return String::new();
    }
    let title = format!("Spend in the last 12 months against the score of {}", loaded.period.title());
    spend_scatter(
        &points,
        &ScatterText {
            id: "spend",
            title: &title,
            spend: "Spend in the last 12 months",
            currency: &loaded.currency,
            good_from: Decimal::from(GOOD_FROM),
            good_words: "Preferred from 80",
        },
    )
}

/// How one KPI of a card changed since the period before.
struct Moved<'a> {
    code: &'a str,
    change: &'a PeriodChange,
    words: Option<(String, Option<String>)>,
    before: Option<Decimal>,
    now: Option<Decimal>,
}

/// The changes of a card that a score came out of, of the catalogue and of one's own KPIs.
fn moved(snapshot: &Snapshot) -> impl Iterator<Item = Moved<'_>> {
    let scored = |code: &str| snapshot.result.kpi(code).is_some_and(|kpi| kpi.score.is_some());
    let listed = snapshot.evidence.iter().map(|evidence| Moved {
        code: evidence.value.kpi.code(),
        change: &evidence.change,
        words: evidence.change_words(),
        before: evidence.previous,
        now: evidence.value.score_value(),
    });
    let own = snapshot.own.iter().flat_map(|own| {
        own.values.iter().filter_map(|one| {
            let kpi = own.definition(&one.value.code)?;
            Some(Moved {
                code: &one.value.code,
                change: &one.change,
                words: one.change_words(kpi),
                before: one.previous,
                now: one.value.score_value(kpi.unit),
            })
        })
    });
    listed.chain(own).filter(move |moved| scored(moved.code))
}

fn movers(loaded: &Loaded) -> Vec<Mover> {
    let mut found: Vec<((bool, Decimal), Mover)> = Vec::new();
    for partner in &loaded.partners {
        let Some(card) = loaded.cards.get(&partner.id) else { continue };
        let href = format!("/scorecards/{}/{}", partner.id, loaded.period);
        for one in moved(&card.snapshot) {
            let (Some(difference), Some((change, range))) = (one.change.difference, one.words) else {
                continue;
            };
            // What rounds to nothing, in points, did not move.
            let points = difference.delta * Decimal::ONE_HUNDRED;
            if points.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).is_zero() {
                continue;
            }
            let (way, words) = match one.change.change {
                Change::Improved => ("up", "Improved"),
                Change::Deteriorated => ("down", "Deteriorated"),
                _ => ("flat", "No detectable change"),
            };
            let figure = |v: Option<Decimal>| v.map_or_else(|| "–".to_owned(), |v| show::decimal(v, 1));
            found.push((
                (difference.is_detectable(), difference.delta.abs()),
                Mover {
                    name: partner.name.clone(),
                    kpi_href: format!("{href}/{}", one.code),
                    href: href.clone(),
                    kpi: card.snapshot.kpi_name(one.code).to_owned(),
                    before: figure(one.before),
                    now: figure(one.now),
                    change,
                    range: range.unwrap_or_default(),
                    way,
                    words,
                },
            ));
        }
    }
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    found.into_iter().take(MOVERS).map(|(_, mover)| mover).collect()
}

/// `GET /today.csv`
pub(super) async fn csv(me: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let asked = query.period.as_deref().map(period_of).transpose()?;
    let loaded = me
        .in_db(move |mut unit| {
            let seen = Seen::read(&mut unit)?;
            load(&mut unit, asked, &seen)
        })
        .await?;
    download_csv(&format!("partners-{}.csv", loaded.period), portfolio_csv(&loaded))
}

fn portfolio_csv(loaded: &Loaded) -> Result<Vec<u8>, csv::Error> {
    let header = [
        "partner",
        "name",
        "period",
        "kpi",
        "net",
        "gross",
        "n",
        "score",
        "composite",
        "standing",
        "spend",
        "currency",
    ];
    let mut rows = Vec::new();
    for partner in &loaded.partners {
        let Some(card) = loaded.cards.get(&partner.id) else { continue };
        let text = |v: Option<Decimal>| v.map_or_else(String::new, |v| v.normalize().to_string());
        let listed = card.snapshot.evidence.iter().map(|evidence| &evidence.value);
        let listed = listed.map(|value| (value.kpi.code(), value.net, value.gross, value.n));
        let own = card.snapshot.own.iter().flat_map(|own| &own.values).map(|own| &own.value);
        let own = own.map(|value| (value.code.as_str(), value.net, value.gross, value.n));
        for (code, net, gross, n) in listed.chain(own) {
            let score = card.snapshot.result.kpi(code).and_then(|k| k.score);
            rows.push([
                partner.code.clone(),
                partner.name.clone(),
                loaded.period.to_string(),
                code.to_owned(),
                text(net),
                text(gross),
                n.to_string(),
                text(score.map(|s| s.trunc_with_scale(4))),
                text(card.snapshot.result.published),
                card.row.standing.clone(),
                text(card.snapshot.spend.as_ref().map(|s| s.freight)),
                loaded.currency.clone(),
            ]);
        }
    }
    sheet::csv(header, rows)
}
