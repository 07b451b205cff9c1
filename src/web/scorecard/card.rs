//! What a scorecard shows, drawn from its published document alone. The shipper's page and the partner's portal use
//! the same view, so that both see the same figures; it names nothing that only one side may see.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::app::ledger::own::Sums;
use crate::app::score::{Published, tier_from_code};
use crate::db::scorecard::{PublicationRow, ScorecardBrief};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::challenge::Acceptance;
use crate::domain::currency::Currency;
use crate::domain::formula::OwnUnit;
use crate::domain::kpi::Unit;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    CategoryScore, HeldStanding, KpiEvidence, KpiScore, Place, Publication, PublicationState, ScoreResult,
    Series, Snapshot, Spend, Tier, kpis_moved, one_place, plain,
};
use crate::domain::signal::Change;
use crate::domain::words;
use crate::report::chart::{ControlText, IntervalBar, Width, control_chart, interval_bar, sparkline};
use crate::web::exclusion::rate_words;
use crate::web::scorecard::Fairness;
use crate::web::scorecard::ask::AskLine;
use crate::web::scorecard::misses::{Misses, misses};
use crate::web::show;

/// Months or quarters in a trend.
pub const TREND_PERIODS: usize = 13;
/// Anchor of the cost lens.
const COST: &str = "cost";
/// Periods before the one shown, in the switcher.
const SWITCH_BACK: usize = 2;

/// Where the links of a scorecard lead: the shipper's addresses or the portal's.
#[derive(Clone, Debug)]
pub struct Base {
    /// `/scorecards/7` or `/portal/scorecards`.
    pub cards: String,
    /// `/kpis` or `/portal/kpis`.
    pub kpis: &'static str,
}

impl Base {
    fn card(&self, period: Period) -> String {
        format!("{}/{period}", self.cards)
    }

    /// Where it is told how the shipper does.
    fn two_way(&self, period: Period) -> String {
        match self.cards.strip_prefix("/scorecards/") {
            Some(partner) => format!("/partners/{partner}/two-way?period={period}"),
            None => format!("/portal/two-way?period={period}"),
        }
    }

    /// The page of one KPI of a period.
    pub(super) fn kpi(&self, period: Period, code: &str) -> String {
        format!("{}/{period}/{code}", self.cards)
    }
}

/// A scorecard, ready to print.
#[derive(Clone, Debug)]
pub struct Card {
    /// `Brackwater Lines, June 2025`.
    pub heading: String,
    /// Template, contract targets, as-of.
    pub basis: String,
    /// Links to periods: title, address, current.
    pub periods: Vec<(String, String, bool)>,
    /// Where the csv is.
    pub csv: String,
    /// Where the archive of its evidence is.
    pub bundle: String,
    /// Version of the template that scored it.
    pub template: String,
    /// How earlier periods weigh in; empty when they do not.
    pub recency: String,
    /// The standing that was set by hand and holds now; empty when none is.
    pub by_hand: String,
    /// `Composite, provisional`.
    pub lead_title: String,
    /// `73.2` or `not scored`.
    pub lead: String,
    /// Chip beside the composite: tone, shape, word.
    pub state: (&'static str, &'static str, &'static str),
    /// `May 75.1. Coverage 0.90, 2 KPIs not scored`.
    pub lead_note: String,
    /// Chip of the standing: tone, shape, word.
    pub standing: (&'static str, &'static str, String),
    /// `Standing, quarter 1 of 2025`.
    pub standing_title: String,
    /// Why, and when it may change.
    pub standing_note: String,
    /// Spend of the period.
    pub spend: Option<(String, String)>,
    /// One per category.
    pub lenses: Vec<Lens>,
    /// Stations of publication.
    pub steps: Vec<Step>,
    /// What became of this publication, or of the one before it.
    pub restated: Option<String>,
    /// Every publication of the period, newest first; empty while it was published once.
    pub publications: Vec<PublicationLine>,
    /// Whether the publications name the run that made them.
    pub with_runs: bool,
    /// How it became final; empty before.
    pub accepted: String,
    /// The partner's reason-validity rate; empty without any decided request.
    pub validity: String,
    /// Where it can be restated; none before it is final, and for those who may not.
    pub restate: Option<String>,
    /// Column head `Change on May, 95 %`.
    pub change_head: String,
    /// Where the definitions are.
    pub definitions: String,
    /// Where it is told how the shipper does for the partner.
    pub two_way: String,
    /// The KPI table.
    pub groups: Vec<Group>,
    /// `Coverage 0.90`.
    pub coverage: String,
    /// Why there is no composite, if there is none.
    pub unscored: Option<String>,
    /// The weekly chart.
    pub weekly: Option<Weekly>,
    /// Lanes and causes.
    pub misses: Option<Misses>,
    /// One ask each way: of whom, what, where the shipments behind it are, and how many.
    pub asks: Vec<AskLine>,
}

/// One publication of the period.
#[derive(Clone, Debug)]
pub struct PublicationLine {
    /// Row id.
    pub id: i64,
    /// `3`.
    pub version: String,
    /// Its page.
    pub href: String,
    /// It is the one shown.
    pub shown: bool,
    /// When it was published.
    pub at: String,
    /// The run that made it; empty when it was made without one.
    pub run: String,
    /// `73.2` or `not scored`.
    pub composite: String,
    /// What it says otherwise than the one before.
    pub moved: Vec<String>,
}

/// One category in the row of facts.
#[derive(Clone, Debug)]
pub struct Lens {
    /// `Cost, weight 25`.
    pub title: String,
    /// Bare name.
    pub name: String,
    /// Weight out of 100.
    pub weight: String,
    /// `71.9`; none when not scored.
    pub score: Option<String>,
    /// Drawn trend.
    pub spark: String,
    /// `1 of 3 KPIs at target`.
    pub note: String,
    /// Where its KPIs stand on the page.
    pub anchor: String,
}

/// One station of publication.
#[derive(Clone, Debug)]
pub struct Step {
    /// `Provisional`.
    pub title: String,
    /// `Tue 1 July 2025`.
    pub note: String,
    /// Reached.
    pub done: bool,
    /// The station now.
    pub current: bool,
}

/// A category of the KPI table.
#[derive(Clone, Debug)]
pub struct Group {
    /// Name.
    pub title: String,
    /// Anchor.
    pub anchor: String,
    /// `75.4` or `not scored`.
    pub score: String,
    /// Weight out of 100.
    pub weight: String,
    /// Its KPIs.
    pub rows: Vec<Row>,
    /// Why there are none.
    pub empty: Option<&'static str>,
}

/// A line of the KPI table.
#[derive(Clone, Debug)]
pub struct Row {
    /// KPI code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Shape before the value; empty at target.
    pub mark: &'static str,
    /// The same in words.
    pub place: &'static str,
    /// `93.1 %`; none without data.
    pub value: Option<String>,
    /// The facts behind it.
    pub href: String,
    /// Units.
    pub n: String,
    /// `low`: few units.
    pub low_volume: bool,
    /// Drawn interval.
    pub bar: String,
    /// `95 %`.
    pub target: String,
    /// Whose target it is, when a contract set it.
    pub target_note: Option<String>,
    /// `64.8`; none when not scored.
    pub score: Option<String>,
    /// Shown for information, never scored.
    pub information: bool,
    /// `15`.
    pub weight: String,
    /// `90.4 %`, `same`, `–`.
    pub gross: String,
    /// `−2.4`.
    pub change: String,
    /// `−5.7 to +0.8`.
    pub change_range: Option<String>,
    /// `up`, `down`, `flat`; empty for plain words.
    pub way: &'static str,
    /// `No detectable change`, or why it is not scored.
    pub reading: String,
    /// The reading comes from the weekly chart.
    pub by_chart: bool,
}

/// The weekly chart with the table behind it.
#[derive(Clone, Debug)]
pub struct Weekly {
    /// `Delivery on time, window, week by week`.
    pub title: String,
    /// `Last 26 weeks, at least 93 each`.
    pub note: String,
    /// The drawing; none when there is no chart.
    pub svg: Option<String>,
    /// Why there is none.
    pub none: String,
    /// Week, value, on time, n.
    pub rows: Vec<(String, String, String, String)>,
}

impl Card {
    /// Draws `published` as of `today`; `history` are the partner's briefs, this one's among them.
    #[must_use]
    pub fn new(
        partner: &str,
        published: &Published,
        history: &[ScorecardBrief],
        today: NaiveDate,
        base: &Base,
    ) -> Self {
        let snapshot = &published.snapshot;
        let period = snapshot.period;
        let publication = Publication::of(period, &BusinessCalendar::weekdays([]));
        let state = publication.state(today);
        let series: Vec<&ScorecardBrief> = trend(period, history);
        let (standing_title, standing, standing_note) = standing_words(snapshot.standing.as_ref(), period);
        Self {
            heading: format!("{partner}, {}", period.title()),
            basis: basis(published),
            periods: switcher(period, history, today, base),
            csv: format!("{}.csv", base.card(period)),
            bundle: format!("{}/evidence.zip", base.card(period)),
            template: snapshot.result.template_version.clone(),
            recency: recency_words(&snapshot.result),
            by_hand: String::new(),
            lead_title: format!("Composite, {}", state.words()),
            lead: snapshot.result.words(),
            state: state_chip(state),
            lead_note: lead_note(snapshot, &series),
            standing,
            standing_title,
            standing_note,
            spend: spend(snapshot),
            lenses: snapshot.result.categories.iter().map(|c| lens(c, &series)).collect(),
            steps: steps(&publication, state),
            restated: published.row.restates.map(|_| {
                let day = show::day(published.row.as_of.0.date_naive());
                format!(
                    "Restated on {day}: facts changed after the first publication. The earlier one is kept."
                )
            }),
            publications: Vec::new(),
            accepted: String::new(),
            validity: String::new(),
            restate: None,
            with_runs: false,
            change_head: format!("Change on {}, 95\u{a0}%", short(period.previous())),
            definitions: base.kpis.to_owned(),
            two_way: base.two_way(period),
            groups: snapshot.result.categories.iter().map(|c| group(c, snapshot, base)).collect(),
            coverage: format!("Coverage {}", show::decimal(snapshot.result.coverage, 2)),
            unscored: unscored(&snapshot.result),
            weekly: snapshot.series.as_ref().map(weekly),
            misses: snapshot.misses.as_ref().map(|w| misses(w, period, base)),
            asks: Vec::new(),
        }
    }
}

impl Card {
    /// Adds the publications of the period, oldest first in `all`; `shown` is the one on the page, with the one before
    /// it where its KPIs are compared. `with_runs` names the runs that made them, for those who may see jobs.
    pub fn tell_publications(
        &mut self,
        (shown, before): (&Published, Option<&Published>),
        all: &[PublicationRow],
        base: &Base,
        with_runs: bool,
    ) {
        let period = shown.snapshot.period;
        self.with_runs = with_runs;
        let line = |(at, one): (usize, &PublicationRow)| {
            let own = one.id == shown.row.id;
            let mut words = match at.checked_sub(1).and_then(|at| all.get(at)) {
                None => vec!["First publication".to_owned()],
                Some(earlier) => heads_moved(earlier, one),
            };
            match before {
                Some(before) if own => words.extend(kpis_moved_words(before, shown)),
                _ if at > 0 => words.push("Open it to see which KPIs moved".to_owned()),
                _ => {}
            }
            PublicationLine {
                id: one.id,
                version: (at + 1).to_string(),
                href: format!("{}?version={}", base.card(period), at + 1),
                shown: own,
                at: show::instant(one.created_at.0),
                run: one.run_id.map_or_else(String::new, |run| format!("run {run}")),
                composite: composite_of(one),
                moved: words,
            }
        };
        self.publications = all.iter().enumerate().map(line).rev().collect();
        let own = all.iter().position(|one| one.id == shown.row.id);
        if let Some((at, next)) = own.and_then(|at| Some((at, all.get(at + 1)?))) {
            self.csv = format!("{}.csv?version={}", base.card(period), at + 1);
            self.bundle = format!("{}/evidence.zip?version={}", base.card(period), at + 1);
            self.restated = Some(format!(
                "This is publication {} of {}. It was replaced on {}; the newest is what counts.",
                at + 1,
                all.len(),
                show::day(next.created_at.0.date_naive())
            ));
        }
    }
}

impl Card {
    /// Adds how it became final, why it was restated, and how often what the partner asked for was right. `restate` is
    /// where a person may restate it.
    pub(in crate::web) fn tell_fairness(&mut self, fairness: &Fairness, restate: Option<String>) {
        self.validity = rate_words(fairness.validity).map_or_else(String::new, |words| format!("{words}."));
        if let Some(made) = &fairness.made_final {
            let how = made.acceptance.parse::<Acceptance>().map_or("final", Acceptance::label);
            let open = match made.open_challenges {
                0 => String::new(),
                open => format!(" ({open} then)"),
            };
            let day = show::day(made.final_at.0.date_naive());
            self.accepted = format!(
                "{} on {day}{open}. Facts that come later move no figure of it by themselves.",
                crate::web::edit::sentence(how).trim_end_matches('.')
            );
            self.restate = restate;
        }
        for one in &fairness.restated {
            let said = format!("Restated by {}: {}", one.actor, one.reason);
            if let Some(line) = self.publications.iter_mut().find(|line| line.id == one.scorecard_id) {
                line.moved.insert(0, said);
                if line.shown && self.restated.as_ref().is_none_or(|words| words.starts_with("Restated")) {
                    self.restated = Some(format!(
                        "Restated on {} by {}: {} The publication before it is kept.",
                        show::day(one.at.0.date_naive()),
                        one.actor,
                        crate::web::edit::sentence(&one.reason)
                    ));
                }
            }
        }
    }
}

/// Code of the line that says what clauses came to, which no facts of shipments give.
const PEN_NET: &str = "PEN_NET";

impl Card {
    /// Adds to the cost lens what clauses came to in the period, net of bonuses, as a share of its freight: information, from
    /// the ledger as it stands now, and so beside the published figures. `href` is where the items are.
    pub(in crate::web) fn tell_net_credits(
        &mut self,
        sums: &BTreeMap<Currency, Sums>,
        spend: Option<&Spend>,
        href: String,
    ) {
        let Some(spend) = spend else { return };
        let sums = spend.currency.parse().ok().and_then(|currency: Currency| sums.get(&currency));
        let Some(percent) = sums.and_then(|sums| sums.net_percent(spend.freight)) else { return };
        let Some(cost) = self.groups.iter_mut().find(|group| group.anchor == COST) else { return };
        let none = || "–".to_owned();
        cost.rows.push(Row {
            code: PEN_NET.to_owned(),
            name: "Service credits net of bonuses".to_owned(),
            mark: "",
            place: Place::NotScored.words(),
            value: Some(in_unit(percent, Unit::Percent, "")),
            href,
            n: none(),
            low_volume: false,
            bar: String::new(),
            target: none(),
            target_note: None,
            score: None,
            information: true,
            weight: none(),
            gross: none(),
            change: none(),
            change_range: None,
            way: "",
            reading: "Of freight, as known now; for information".to_owned(),
            by_chart: false,
        });
    }
}

fn composite_of(row: &PublicationRow) -> String {
    row.composite_tenths.map_or_else(|| "not scored".to_owned(), tenths_words)
}

/// What a publication says otherwise than the one before: composite and standing, in words.
fn heads_moved(before: &PublicationRow, now: &PublicationRow) -> Vec<String> {
    let mut words = Vec::new();
    if before.composite_tenths != now.composite_tenths {
        words.push(format!("Composite {}, was {}", composite_of(now), composite_of(before)));
    }
    if before.standing != now.standing {
        let title = |one: &PublicationRow| {
            tier_from_code(&one.standing)
                .map_or_else(|| "not decided yet".to_owned(), |tier| tier.title().to_owned())
        };
        words.push(format!("Standing {}, was {}", title(now), title(before)));
    }
    if words.is_empty() {
        words.push("Composite and standing as before".to_owned());
    }
    words
}

/// The KPIs that a publication gives otherwise than the one before, in words.
fn kpis_moved_words(before: &Published, now: &Published) -> Vec<String> {
    let (old, new) = (&before.snapshot, &now.snapshot);
    let mut words = Vec::new();
    for kpi in kpis_moved(&old.result, &new.result) {
        let name = if kpi.now.is_some() { new.kpi_name(kpi.code) } else { old.kpi_name(kpi.code) };
        let said = |score: Option<&KpiScore>, snapshot: &Snapshot| {
            let Some(score) = score else { return "not listed".to_owned() };
            let value = value_words(snapshot, kpi.code).unwrap_or_else(|| "no data".to_owned());
            let points =
                score.score.map_or_else(|| "not scored".to_owned(), |s| format!("score {}", one_place(s)));
            format!("{value} of {}, {points}", show::count(score.input.n))
        };
        words.push(format!("{name}: {}, was {}", said(kpi.now, new), said(kpi.before, old)));
    }
    if words.is_empty() {
        words.push("No KPI moved; figures behind them did".to_owned());
    }
    words
}

/// A KPI's value in its unit; none without data.
fn value_words(snapshot: &Snapshot, code: &str) -> Option<String> {
    let currency = snapshot.spend.as_ref().map_or("", |s| s.currency.as_str());
    if let Some((kpi, own)) = snapshot.own_of(code) {
        return own.value.score_value(kpi.unit).map(|value| in_own_unit(value, kpi.unit, currency));
    }
    let value = &snapshot.evidence_of(code)?.value;
    value.score_value().map(|v| in_unit(v, value.kpi.definition().unit, currency))
}

/// Briefs of the same kind up to the period, oldest first, at most [`TREND_PERIODS`].
fn trend(period: Period, history: &[ScorecardBrief]) -> Vec<&ScorecardBrief> {
    let mut same: Vec<&ScorecardBrief> = history
        .iter()
        .filter(|b| b.period.kind() == period.kind() && b.period.start() <= period.start())
        .collect();
    same.sort_by_key(|b| b.period.start());
    same.split_off(same.len().saturating_sub(TREND_PERIODS))
}

/// `June`, `Quarter 2`.
#[must_use]
pub fn short(period: Period) -> String {
    match period.kind() {
        PeriodKind::Month => period.start().format("%B").to_string(),
        _ => period.title().split(" of ").next().unwrap_or_default().to_owned(),
    }
}

/// `By itself 73.2. Weighed in: May 75.1 × 0.5, April 70.0 × 0.25.`
fn recency_words(result: &ScoreResult) -> String {
    let Some(recency) = &result.recency else { return String::new() };
    let one = |score: Option<Decimal>| score.map_or_else(String::new, |score| show::decimal(score, 1));
    let earlier = recency.earlier.iter().map(|before| {
        format!("{} {} × {}", short(before.period), one(before.alone.published), before.weight.normalize())
    });
    format!(
        "The composite looks back with a half-life of {}. By itself the period scores {}, with weight 1; weighed in: {}. The mean of all is the published figure.",
        words::count(i64::from(recency.half_life_months), "month"),
        one(recency.alone.published),
        earlier.collect::<Vec<_>>().join(", ")
    )
}

fn basis(published: &Published) -> String {
    let snapshot = &published.snapshot;
    let mut words = format!("Template {}", snapshot.result.template_version);
    if let Some(own) = snapshot.overrides.first() {
        words.push_str(&format!(", targets of contract {} version {}", own.contract, own.version));
    }
    words.push_str(&format!(". Definitions {}. ", snapshot.definitions));
    if let Some(day) = snapshot.to_date {
        words.push_str(&format!("Counted to {}. ", show::day(day)));
    }
    let as_of = published.row.as_of.0;
    words.push_str(&format!("As of {} {} UTC.", show::day(as_of.date_naive()), as_of.format("%H:%M")));
    words
}

fn switcher(
    period: Period,
    history: &[ScorecardBrief],
    today: NaiveDate,
    base: &Base,
) -> Vec<(String, String, bool)> {
    let mut months: Vec<Period> =
        history.iter().map(|b| b.period).filter(|p| p.kind() == period.kind()).collect();
    months.sort_by_key(|p| p.start());
    let here = months.iter().position(|p| *p == period).unwrap_or_default();
    let first = here.saturating_sub(SWITCH_BACK);
    let other = match period.kind() {
        PeriodKind::Month => Some(Period::containing(PeriodKind::Quarter, period.start())),
        _ => Some(Period::containing(PeriodKind::Month, period.last_day())),
    };
    let around = months.iter().skip(first).take(here.saturating_sub(first).saturating_add(2)).copied();
    let known = other.filter(|p| history.iter().any(|b| b.period == *p));
    let title = |p: Period| if p.contains(today) { format!("{} to date", short(p)) } else { short(p) };
    around.chain(known).map(|p| (title(p), base.card(p), p == period)).collect()
}

fn state_chip(state: PublicationState) -> (&'static str, &'static str, &'static str) {
    match state {
        PublicationState::Running => ("none", "todo", "to date"),
        PublicationState::Provisional => ("info", "clock", "provisional"),
        PublicationState::PartnerReview => ("info", "clock", "partner review"),
        PublicationState::Final => ("", "check", "final"),
    }
}

fn lead_note(snapshot: &Snapshot, series: &[&ScorecardBrief]) -> String {
    let before = series.iter().rev().find(|b| b.period == snapshot.period.previous());
    let mut words = String::new();
    if let Some(tenths) = before.and_then(|b| b.composite_tenths) {
        words.push_str(&format!("{} {}. ", short(snapshot.period.previous()), tenths_words(tenths)));
    }
    words.push_str(&format!("Coverage {}", show::decimal(snapshot.result.coverage, 2)));
    let missing = snapshot.result.kpis().filter(|k| k.scale.is_some() && k.score.is_none()).count();
    match missing {
        0 => {}
        1 => words.push_str(", 1 KPI not scored"),
        n => words.push_str(&format!(", {n} KPIs not scored")),
    }
    words
}

/// `73.2` of 732.
#[must_use]
pub fn tenths_words(tenths: i32) -> String {
    show::decimal(Decimal::new(i64::from(tenths), 1), 1)
}

/// Title, chip and note of a standing.
#[must_use]
pub fn standing_words(
    held: Option<&HeldStanding>,
    period: Period,
) -> (String, (&'static str, &'static str, String), String) {
    let Some(held) = held else {
        let quarter = Period::containing(PeriodKind::Quarter, period.start());
        let note = format!("{} decides it first", short(quarter).to_lowercase());
        return ("Standing".to_owned(), ("none", "todo", "Not decided yet".to_owned()), note);
    };
    let title = held
        .quarter
        .map_or_else(|| "Standing".to_owned(), |q| format!("Standing, {}", q.title().to_lowercase()));
    (title, tier_chip(held.standing.tier), held.words())
}

/// Chip of a tier: tone, shape, word.
#[must_use]
pub fn tier_chip(tier: Tier) -> (&'static str, &'static str, String) {
    let (tone, shape) = match tier {
        Tier::Strategic => ("good", "up"),
        Tier::Preferred => ("good", "check"),
        Tier::Approved => ("", "dot"),
        Tier::Probation => ("warn", "under"),
        Tier::ExitReview => ("bad", "down"),
        Tier::Suspended => ("bad", "stop"),
        Tier::Onboarding => ("none", "todo"),
    };
    (tone, shape, tier.title().to_owned())
}

fn spend(snapshot: &Snapshot) -> Option<(String, String)> {
    let spend = snapshot.spend.as_ref()?;
    let amount = format!("{} {}", show::decimal(spend.freight, 2), spend.currency);
    Some((
        amount,
        format!("{} of {} shipments", show::count(spend.shipments), show::count(snapshot.shipments)),
    ))
}

fn lens(category: &CategoryScore, series: &[&ScorecardBrief]) -> Lens {
    let values: Vec<Option<Decimal>> =
        series.iter().map(|b| b.summary.categories.get(&category.code).copied()).collect();
    let scored = category.kpis.iter().filter(|k| k.score.is_some());
    let at_target = scored.clone().filter(|k| matches!(k.place, Place::AtTarget | Place::AtStretch)).count();
    let note = match scored.count() {
        0 if category.kpis.is_empty() => "nothing measures it yet".to_owned(),
        0 => "not enough data".to_owned(),
        1 => format!("{at_target} of 1 KPI at target"),
        n => format!("{at_target} of {n} KPIs at target"),
    };
    let score = category.score.map(one_place);
    let spark =
        score.as_ref().filter(|_| values.iter().flatten().count() > 1).map_or_else(String::new, |score| {
            sparkline(&values, &format!("{}, {} periods to {score}", category.title, values.len()))
        });
    Lens {
        title: format!("{}, weight {}", category.title, plain(category.weight)),
        name: category.title.clone(),
        weight: plain(category.weight),
        score,
        spark,
        note,
        anchor: category.code.to_lowercase(),
    }
}

fn steps(publication: &Publication, state: PublicationState) -> Vec<Step> {
    let review =
        format!("{} to {}", show::weekday(publication.review_from), show::weekday(publication.review_until));
    [
        (PublicationState::Provisional, "Provisional", show::weekday(publication.provisional_on)),
        (PublicationState::PartnerReview, "Partner review", review),
        (
            PublicationState::Final,
            "Final",
            format!("{}, working day 10", show::weekday(publication.final_on)),
        ),
    ]
    .into_iter()
    .map(|(at, title, note)| Step {
        title: if at == state { format!("{title}, now") } else { title.to_owned() },
        note,
        done: state >= at,
        current: at == state,
    })
    .collect()
}

fn unscored(result: &ScoreResult) -> Option<String> {
    if result.published.is_some() {
        return None;
    }
    let seen = show::percent(result.coverage);
    Some(format!(
        "No composite: {seen} of the KPI weight could be scored and 60\u{a0}% is needed. The values below stand as they are."
    ))
}

fn group(category: &CategoryScore, snapshot: &Snapshot, base: &Base) -> Group {
    Group {
        title: category.title.clone(),
        anchor: category.code.to_lowercase(),
        score: category.score.map_or_else(|| "not scored".to_owned(), one_place),
        weight: plain(category.weight),
        rows: category.kpis.iter().filter_map(|k| row(k, snapshot, base)).collect(),
        empty: category
            .kpis
            .is_empty()
            .then_some("Nothing measures it yet; its weight counts as not covered."),
    }
}

fn row(score: &KpiScore, snapshot: &Snapshot, base: &Base) -> Option<Row> {
    let code = score.input.code.clone();
    let Some(evidence) = snapshot.evidence_of(&code) else { return own_row(score, snapshot, base) };
    let kpi = evidence.value.kpi;
    let unit = kpi.definition().unit;
    let currency = snapshot.spend.as_ref().map_or("", |s| s.currency.as_str());
    let reading = snapshot.reading(&code);
    let (change, change_range) = evidence.change_words().unwrap_or_else(|| ("–".to_owned(), None));
    let (way, words) = match (score.not_scored, score.input.value) {
        (Some(reason), _) => ("", reason.words()),
        (None, _) if reading.by_chart || evidence.value.is_proportion() => {
            (way(reading.change), reading.words)
        }
        _ => ("", reading.words),
    };
    Some(Row {
        name: snapshot.kpi_name(&code).to_owned(),
        mark: mark(score.place),
        place: score.place.words(),
        value: value_words(snapshot, &code),
        href: base.kpi(snapshot.period, &code),
        n: show::count(evidence.value.n),
        low_volume: score.low_volume,
        bar: bar(score, unit),
        target: score.scale.as_ref().map_or_else(|| "–".to_owned(), |s| threshold(s.target, unit)),
        target_note: snapshot
            .overrides
            .iter()
            .find(|o| o.kpi == code)
            .map(|o| format!("contract {}", o.contract)),
        score: score.score.map(one_place),
        information: score.scale.is_none(),
        weight: if score.weight.is_zero() { "–".to_owned() } else { plain(score.weight) },
        gross: gross(evidence, unit, currency),
        change,
        change_range,
        way,
        reading: words,
        by_chart: reading.by_chart && score.not_scored.is_none(),
        code,
    })
}

/// The line of an own KPI; its evidence is every step of its formula.
fn own_row(score: &KpiScore, snapshot: &Snapshot, base: &Base) -> Option<Row> {
    let code = score.input.code.clone();
    let (kpi, own) = snapshot.own_of(&code)?;
    let currency = snapshot.spend.as_ref().map_or("", |s| s.currency.as_str());
    let (change, change_range) = own.change_words(kpi).unwrap_or_else(|| ("–".to_owned(), None));
    let (way, reading) = match score.not_scored {
        Some(_) if own.value.fault.is_some() => ("", own.reading()),
        Some(reason) => ("", reason.words()),
        None => (way(own.change.change), own.reading()),
    };
    let in_unit = |value| in_own_unit(value, kpi.unit, currency);
    Some(Row {
        name: kpi.name.clone(),
        mark: mark(score.place),
        place: score.place.words(),
        value: value_words(snapshot, &code),
        href: base.kpi(snapshot.period, &code),
        n: show::count(own.value.n),
        low_volume: score.low_volume,
        bar: bar_in(score, if kpi.unit == OwnUnit::Percent { "\u{a0}%" } else { "" }),
        target: score.scale.as_ref().map_or_else(|| "–".to_owned(), |s| in_unit(s.target)),
        target_note: snapshot
            .overrides
            .iter()
            .find(|o| o.kpi == code)
            .map(|o| format!("contract {}", o.contract)),
        score: score.score.map(one_place),
        information: score.scale.is_none(),
        weight: if score.weight.is_zero() { "–".to_owned() } else { plain(score.weight) },
        gross: match (own.value.gross, own.value.net) {
            _ if !own.value.is_proportion() => "–".to_owned(),
            (Some(gross), Some(net)) if gross == net => "same".to_owned(),
            (Some(gross), _) => in_unit(kpi.unit.in_threshold_unit(gross)),
            _ => "–".to_owned(),
        },
        change,
        change_range,
        way,
        reading,
        by_chart: false,
        code,
    })
}

/// A value of an own KPI in the unit of its thresholds: `93.1 %`, `20.5 h`, `412.50 USD`.
#[must_use]
pub fn in_own_unit(value: Decimal, unit: OwnUnit, currency: &str) -> String {
    let suffix = unit.suffix(currency);
    let number = show::decimal(value, unit.places());
    if suffix.is_empty() { number } else { format!("{number}\u{a0}{suffix}") }
}

/// The shape of a place; empty at target.
#[must_use]
pub fn mark(place: Place) -> &'static str {
    match place {
        Place::AtStretch => "up",
        Place::AtTarget | Place::NotScored => "",
        Place::Near => "near",
        Place::Short => "under",
        Place::BelowFloor => "down",
    }
}

fn way(change: Change) -> &'static str {
    match change {
        Change::Improved => "up",
        Change::Deteriorated => "down",
        Change::NotDetectable => "flat",
        Change::NoData => "",
    }
}

/// A value in the unit of its thresholds: `93.1 %`, `20.5 h`, `1.08`, `412.50 USD`.
#[must_use]
pub fn in_unit(value: Decimal, unit: Unit, currency: &str) -> String {
    let money = |places| format!("{} {currency}", show::decimal(value, places)).trim_end().to_owned();
    match unit {
        Unit::Percent => format!("{}\u{a0}%", show::decimal(value, 1)),
        Unit::PerHundred | Unit::PerThousand | Unit::Ratio | Unit::Index => show::decimal(value, 2),
        Unit::Hours | Unit::Minutes | Unit::Days | Unit::GramsPerTkm => {
            format!("{}\u{a0}{}", show::decimal(value, 1), unit.symbol())
        }
        Unit::Gate if value.is_zero() => "failed".to_owned(),
        Unit::Gate if value == Decimal::ONE_HUNDRED => "passed".to_owned(),
        Unit::Gate => format!("{}\u{a0}%", show::decimal(value, 1)),
        Unit::MoneyPerShipment | Unit::MoneyPerPiece => money(2),
        Unit::MoneyPerKg | Unit::MoneyPerKm | Unit::MoneyPerTkm => money(3),
    }
}

/// A threshold with its unit: `95 %`, `18 h`.
#[must_use]
pub fn threshold(value: Decimal, unit: Unit) -> String {
    match unit.symbol() {
        "" => plain(value),
        symbol => format!("{}\u{a0}{symbol}", plain(value)),
    }
}

fn gross(evidence: &KpiEvidence, unit: Unit, currency: &str) -> String {
    match (evidence.value.gross, evidence.value.net) {
        _ if !evidence.value.is_proportion() => "–".to_owned(),
        (Some(gross), Some(net)) if gross == net => "same".to_owned(),
        (Some(gross), _) => in_unit(evidence.value.in_threshold_unit(gross), unit, currency),
        _ => "–".to_owned(),
    }
}

fn bar(score: &KpiScore, unit: Unit) -> String {
    let suffix = match unit.symbol() {
        "" => String::new(),
        symbol => format!("\u{a0}{symbol}"),
    };
    bar_in(score, &suffix)
}

fn bar_in(score: &KpiScore, suffix: &str) -> String {
    let (Some(scale), Some(value)) = (&score.scale, score.input.value) else { return String::new() };
    interval_bar(&IntervalBar { value, interval: score.input.low.zip(score.input.high), scale, unit: suffix })
}

fn weekly(series: &Series) -> Weekly {
    let chart = series.chart();
    let least = series.weeks.iter().map(|w| w.n).min().unwrap_or_default();
    let year = series.weeks.last().map_or_else(String::new, |w| w.week.to_string().chars().take(4).collect());
    let title = format!("{}, week by week", series.kpi.name());
    let axis_note = format!("week of {year}");
    let name = format!("{} by week", series.kpi.name());
    let text = ControlText {
        id: "weekly",
        title: &name,
        period: "Week",
        axis_note: &axis_note,
        unit: "\u{a0}%",
        clip: Some((Decimal::ZERO, Decimal::ONE_HUNDRED)),
    };
    Weekly {
        title,
        note: format!("Last {} weeks, at least {} each.", series.weeks.len(), show::count(least)),
        svg: chart.as_ref().ok().map(|chart| control_chart(chart, &text, Width::Page)),
        none: chart.err().map_or_else(String::new, |reason| reason.to_string()),
        rows: series
            .weeks
            .iter()
            .rev()
            .map(|w| {
                let value = w.value().map_or_else(|| "no data".to_owned(), |v| in_unit(v, Unit::Percent, ""));
                (w.week.title(), value, show::count(w.numerator), show::count(w.n))
            })
            .collect(),
    }
}
