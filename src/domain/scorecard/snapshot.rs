//! The document that is published for one partner and period: inputs, scores and everything beside them, so that the
//! page, the portal, the mail and the check of last year all read the same figures (DOMAIN §0.6, §2).
//!
//! It holds nothing that changes by waiting (no clock, no run id): two equal documents are the same publication.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::own::{OwnEvidence, OwnKpis};
use super::scope::{Scope, kpi_part, scope_part};
use super::score::{Alone, KpiInput, ScoreResult, look_back, score};
use super::standing::{QuarterScore, Standing, Tier};
use super::template::{Scale, Template};
use crate::domain::attribution::Given;
use crate::domain::causes::MissedBy;
use crate::domain::formula::{OwnKpi, Plan};
use crate::domain::interval::Interval;
use crate::domain::kpi::{Kpi, KpiValue, Unit};
use crate::domain::measure::{Measures, Tally};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::signal::{
    Better, Change, NoChart, Observation, PeriodChange, Rule, Signal, XmrChart, period_change, signed, xmr,
};

/// Version of the KPI definitions of [`Kpi::definition`]; raise it when a formula or a rule changes.
pub const DEFINITIONS_VERSION: &str = "2026.2";
/// Weeks of the control chart.
pub const SERIES_WEEKS: usize = 26;
/// The first quarter of them says what is usual, and is frozen with the document.
const BASELINE_WEEKS: usize = 13;
/// Lanes named one by one; the rest are summed.
const LANES_NAMED: usize = 5;
/// KPIs that can head a scorecard, in order of preference; the first with data is charted.
const HEADLINES: [Kpi; 3] = [Kpi::OtdWin, Kpi::OtdDay, Kpi::OtpWin];

/// Thresholds agreed in a contract, in place of the template's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetOverride {
    /// KPI code.
    pub kpi: String,
    /// 0 points.
    pub floor: Decimal,
    /// 80 points.
    pub target: Decimal,
    /// 100 points.
    pub stretch: Decimal,
    /// Number of the contract.
    pub contract: String,
    /// Its version in force.
    pub version: i32,
}

/// One KPI's counts beside its score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiEvidence {
    /// The value with numerator, denominator and what was left out.
    #[serde(flatten)]
    pub value: KpiValue,
    /// The value of the period before, in the unit of the thresholds.
    pub previous: Option<Decimal>,
    /// Units behind it.
    pub previous_n: i64,
    /// The change since, for proportions.
    pub change: PeriodChange,
    /// Units left out by rule and reported apart: tenders out of scope, diversions by others.
    pub apart: i64,
}

/// The figures of a line that counts a part of the work, with everything that says which part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopedEvidence {
    /// The line: `OTD_WIN@WEST`.
    pub code: String,
    /// `Delivery on time, window: lanes of group West`.
    pub name: String,
    /// The scope as agreed.
    pub scope: Scope,
    /// The lanes it held; empty where it does not count by lanes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lane_ids: BTreeSet<i64>,
    /// The counts.
    pub evidence: KpiEvidence,
}

/// The sums of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopedSums {
    /// Code of the scope.
    pub code: String,
    /// The lanes it holds; empty where it does not count by lanes.
    pub lane_ids: BTreeSet<i64>,
    /// Sums of the period; by lanes those of its whole months, also while it runs.
    pub now: Measures,
    /// Sums of the period before.
    pub before: Measures,
}

/// One week of the charted KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// The ISO week.
    pub week: Period,
    /// Successes.
    pub numerator: i64,
    /// Units judged.
    pub n: i64,
}

/// The weekly series of the headline KPI, oldest first, full weeks only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Which KPI.
    pub kpi: Kpi,
    /// The weeks since the partner's first.
    pub weeks: Vec<Week>,
}

/// Misses of the headline KPI on one lane, or on several together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneMisses {
    /// The lane; none for a sum.
    pub lane_id: Option<i64>,
    /// `Joliet IL to Indianapolis IN`.
    pub title: String,
    /// Judged on time.
    pub success: i64,
    /// Late by the carrier.
    pub late: i64,
    /// Never reported.
    pub no_evidence: i64,
    /// Missed and excused.
    pub excused: i64,
}

/// Where the headline KPI was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Where {
    /// Which KPI.
    pub kpi: Kpi,
    /// The worst lanes, worst first.
    pub lanes: Vec<LaneMisses>,
    /// How many lanes are in `others`.
    pub others_count: i64,
    /// All other lanes, and what names no lane.
    pub others: LaneMisses,
    /// Everything.
    pub all: LaneMisses,
    /// Units that could not be judged for want of a commitment.
    pub no_baseline: i64,
    /// Units not decided yet.
    pub pending: i64,
    /// Every miss by the reason given for it, worst first; empty, and not written, where sums made before reasons were
    /// counted stand behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonMisses>,
}

/// Misses of the headline KPI for which one reason was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonMisses {
    /// The reason.
    pub given: Given,
    /// Missed by the carrier.
    pub failed: i64,
    /// Missed and excused.
    pub excused: i64,
}

impl ReasonMisses {
    /// Missed for any cause.
    #[must_use]
    pub fn missed(&self) -> i64 {
        self.failed + self.excused
    }
}

/// Freight of the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Freight without tax.
    pub freight: Decimal,
    /// The reporting currency, in which it is kept.
    pub currency: String,
    /// Shipments that carry a cost.
    pub shipments: i64,
}

/// The standing a partner holds and which quarter decided it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStanding {
    /// The quarter; none while the partner is new.
    pub quarter: Option<Period>,
    /// The decision.
    #[serde(flatten)]
    pub standing: Standing,
}

impl HeldStanding {
    /// Why it stands so, naming the quarter that was judged.
    #[must_use]
    pub fn words(&self) -> String {
        self.standing.words(self.quarter)
    }
}

/// The published document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The period.
    pub period: Period,
    /// Last day counted, while the period still runs.
    pub to_date: Option<NaiveDate>,
    /// Version of the KPI definitions.
    pub definitions: String,
    /// Thresholds of the partner's contracts.
    pub overrides: Vec<TargetOverride>,
    /// Shipments due in the period.
    pub shipments: i64,
    /// Scores, weights, coverage and composite, with their inputs.
    pub result: ScoreResult,
    /// Counts behind the inputs, in the same order.
    pub evidence: Vec<KpiEvidence>,
    /// Own KPIs of the template; none without any, and then nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnKpis>,
    /// Lines that count a part of the work, in the order of the template; not written where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scoped: Vec<ScopedEvidence>,
    /// Week by week; none without a KPI to chart.
    pub series: Option<Series>,
    /// Lane by lane; none without a KPI to split.
    pub misses: Option<Where>,
    /// Freight; none when no shipment carries a cost.
    pub spend: Option<Spend>,
    /// The standing held in the period; none before the first decision.
    pub standing: Option<HeldStanding>,
}

/// What lists and trends need of a published document, without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Category code → score, one place.
    pub categories: BTreeMap<String, Decimal>,
    /// Freight of the period.
    pub spend: Option<Decimal>,
    /// What later standings are decided on.
    pub quarter: QuarterScore,
    /// The standing.
    pub tier: Option<Tier>,
    /// The score by itself, where earlier periods weigh in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone: Option<Alone>,
}

impl Summary {
    /// The score of the period by itself.
    #[must_use]
    pub fn alone(&self) -> Alone {
        let quarter = &self.quarter;
        self.alone.unwrap_or(Alone { published: quarter.published, firm: quarter.firm })
    }
}

/// Everything [`snapshot`] is made from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The period.
    pub period: Period,
    /// Last day counted, while the period still runs.
    pub to_date: Option<NaiveDate>,
    /// The reporting currency.
    pub currency: &'a str,
    /// The template in force.
    pub template: &'a Template,
    /// Thresholds of the partner's contracts.
    pub overrides: Vec<TargetOverride>,
    /// Sums of the period.
    pub now: &'a Measures,
    /// Sums of the period before.
    pub before: &'a Measures,
    /// Weeks, oldest first, with the tallies of every headline KPI.
    pub weeks: &'a [(Period, [Tally; 3])],
    /// Lanes with the tallies of every headline KPI.
    pub lanes: Vec<(i64, String, [Tally; 3])>,
    /// Own KPIs of the template, ready to be computed.
    pub own: &'a [Plan],
    /// Sums of the template's scopes.
    pub scoped: &'a [ScopedSums],
    /// Earlier scores of the same kind of period, each by itself; read by a template with a half-life.
    pub earlier: &'a [(Period, Alone)],
}

/// The tallies of the KPIs that can head a scorecard, in their order.
#[must_use]
pub fn headline_tallies(measures: &Measures) -> [Tally; 3] {
    [measures.delivery_window, measures.delivery_day, measures.pickup_window]
}

/// Computes the document of one partner; the standing is added by the caller, who knows the history.
#[must_use]
pub fn snapshot(facts: Facts<'_>) -> Snapshot {
    let template = with_targets(facts.template, &facts.overrides);
    // What the template does not name and nobody measured says nothing.
    let evidence: Vec<KpiEvidence> = Kpi::ALL
        .into_iter()
        .map(|kpi| evidence(kpi, facts.now, facts.before))
        .filter(|e| {
            let kpi = e.value.kpi;
            // How the shipper does is told on a card of its own.
            template.kpi(kpi.code()).is_some() || (e.has_units() && !kpi.is_of_us())
        })
        .collect();
    let own = OwnKpis::of(facts.own, facts.now, facts.before);
    let scoped: Vec<ScopedEvidence> =
        template.kpis().filter_map(|line| scoped_evidence(&template, &line.code, facts.scoped)).collect();
    let inputs = inputs(&evidence, own.as_ref(), &scoped);
    let headline = headline(facts.now, facts.weeks);
    Snapshot {
        period: facts.period,
        to_date: facts.to_date,
        definitions: DEFINITIONS_VERSION.to_owned(),
        overrides: facts.overrides,
        shipments: facts.now.shipments,
        result: look_back(
            score(&template, &inputs),
            template.terms.half_life_months,
            facts.period,
            facts.earlier,
        ),
        evidence,
        own,
        scoped,
        series: headline.map(|(place, kpi)| series(kpi, place, facts.weeks)),
        misses: headline.and_then(|(place, kpi)| misses(kpi, place, facts.now, facts.lanes)),
        spend: (facts.now.freight.denominator > 0).then(|| Spend {
            freight: Micros(facts.now.freight.numerator).decimal().normalize(),
            currency: facts.currency.to_owned(),
            shipments: facts.now.freight.denominator,
        }),
        standing: None,
    }
}

/// The template with a contract's thresholds in place of its own; a KPI the template does not score stays as it is.
#[must_use]
pub fn with_targets(template: &Template, overrides: &[TargetOverride]) -> Template {
    let mut agreed = template.clone();
    for kpi in agreed.categories.iter_mut().flat_map(|c| &mut c.kpis).filter(|k| k.scale.is_some()) {
        if let Some(own) = overrides.iter().find(|o| o.kpi == kpi.code) {
            kpi.scale = Some(Scale::linear(own.floor, own.target, own.stretch));
        }
    }
    agreed
}

fn inputs(evidence: &[KpiEvidence], own: Option<&OwnKpis>, scoped: &[ScopedEvidence]) -> Vec<KpiInput> {
    let catalogue = evidence.iter().map(|evidence| input(&evidence.value));
    let scoped = scoped.iter().map(|one| KpiInput { code: one.code.clone(), ..input(&one.evidence.value) });
    catalogue.chain(own.into_iter().flat_map(OwnKpis::inputs)).chain(scoped).collect()
}

/// The figures of a line within a scope; none for a line without one.
fn scoped_evidence(template: &Template, code: &str, sums: &[ScopedSums]) -> Option<ScopedEvidence> {
    let scope = template.scope(scope_part(code)?)?;
    let kpi = Kpi::ALL.into_iter().find(|kpi| kpi.code() == kpi_part(code))?;
    let sums = sums.iter().find(|sums| sums.code == scope.code)?;
    Some(ScopedEvidence {
        code: code.to_owned(),
        name: format!("{}: {}", kpi.name(), scope.title),
        scope: scope.clone(),
        lane_ids: sums.lane_ids.clone(),
        evidence: evidence(kpi, &sums.now, &sums.before),
    })
}

/// What a value says to the template.
pub(super) fn input(value: &KpiValue) -> KpiInput {
    let in_unit = |end: Option<Decimal>| end.map(|v| value.in_threshold_unit(v));
    KpiInput {
        code: value.kpi.code().to_owned(),
        value: value.score_value(),
        n: value.n,
        coverage: value.coverage(),
        low: in_unit(value.low),
        high: in_unit(value.high),
        withheld: None,
    }
}

fn evidence(kpi: Kpi, now: &Measures, before: &Measures) -> KpiEvidence {
    let value = kpi.value(now);
    let previous = kpi.value(before);
    let change = match (value.is_proportion(), kpi.definition().better) {
        (true, Some(better)) => period_change(counts(&value), counts(&previous), better),
        _ => PeriodChange { difference: None, change: Change::NoData },
    };
    let apart = match kpi {
        Kpi::Tar => now.tender_out_of_scope,
        Kpi::Divert => now.diverted_by_others,
        _ => 0,
    };
    KpiEvidence { previous: previous.score_value(), previous_n: previous.n, change, apart, value }
}

impl KpiEvidence {
    /// Whether anything was counted, in this period or the one before.
    fn has_units(&self) -> bool {
        let value = &self.value;
        value.n + value.excused + value.no_baseline + value.pending + self.previous_n > 0
    }
}

/// Successes and units of a proportion. Counts are whole, so nothing is lost.
fn counts(value: &KpiValue) -> (i64, i64) {
    use rust_decimal::prelude::ToPrimitive;
    (value.numerator.to_i64().unwrap_or_default(), value.n)
}

fn judged(tally: &Tally) -> i64 {
    tally.success + tally.late + tally.no_evidence
}

/// The first headline KPI with data in the period, else in the weeks before.
fn headline(now: &Measures, weeks: &[(Period, [Tally; 3])]) -> Option<(usize, Kpi)> {
    let now = headline_tallies(now);
    let has = |place: usize, tallies: &[Tally; 3]| tallies.get(place).is_some_and(|t| judged(t) > 0);
    let mut places = HEADLINES.into_iter().enumerate();
    places
        .clone()
        .find(|(place, _)| has(*place, &now))
        .or_else(|| places.find(|(place, _)| weeks.iter().any(|(_, tallies)| has(*place, tallies))))
}

fn series(kpi: Kpi, place: usize, weeks: &[(Period, [Tally; 3])]) -> Series {
    let weeks = weeks.iter().filter_map(|(week, tallies)| {
        let tally = tallies.get(place)?;
        Some(Week { week: *week, numerator: tally.success, n: judged(tally) })
    });
    // Weeks before the partner's first say nothing about it.
    Series { kpi, weeks: weeks.skip_while(|w| w.n == 0).collect() }
}

fn misses(kpi: Kpi, place: usize, now: &Measures, lanes: Vec<(i64, String, [Tally; 3])>) -> Option<Where> {
    let whole = headline_tallies(now).get(place).copied()?;
    let all = LaneMisses::of(None, "All lanes".to_owned(), &whole);
    if all.due() == 0 {
        return None;
    }
    let mut named: Vec<LaneMisses> = lanes
        .into_iter()
        .filter_map(|(id, title, tallies)| Some(LaneMisses::of(Some(id), title, tallies.get(place)?)))
        .filter(|lane| lane.due() > 0)
        .collect();
    named.sort_by(|a, b| {
        b.failed().cmp(&a.failed()).then(b.missed().cmp(&a.missed())).then(a.title.cmp(&b.title))
    });
    let rest = named.split_off(named.len().min(LANES_NAMED));
    let mut others = LaneMisses { title: String::new(), ..all.clone() };
    for lane in &named {
        others.success -= lane.success;
        others.late -= lane.late;
        others.no_evidence -= lane.no_evidence;
        others.excused -= lane.excused;
    }
    let others_count = i64::try_from(rest.len()).unwrap_or(i64::MAX);
    let reasons = reasons(kpi, now, &all);
    Some(Where {
        kpi,
        reasons,
        lanes: named,
        others_count,
        others,
        all,
        no_baseline: whole.no_baseline,
        pending: whole.pending,
    })
}

/// The misses of a KPI by reason; none unless every miss has its reason counted.
fn reasons(kpi: Kpi, now: &Measures, all: &LaneMisses) -> Vec<ReasonMisses> {
    let counted = MissedBy::of(kpi).map_or_else(Vec::new, |by| now.causes.worst_first(by));
    let reasons: Vec<ReasonMisses> = counted
        .into_iter()
        .map(|(given, missed)| ReasonMisses { given, failed: missed.failed, excused: missed.excused })
        .collect();
    let told = |part: fn(&ReasonMisses) -> i64| reasons.iter().map(part).sum::<i64>();
    if told(|one| one.failed) == all.failed() && told(|one| one.excused) == all.excused {
        return reasons;
    }
    Vec::new()
}

impl LaneMisses {
    fn of(lane_id: Option<i64>, title: String, tally: &Tally) -> Self {
        Self {
            lane_id,
            title,
            success: tally.success,
            late: tally.late,
            no_evidence: tally.no_evidence,
            excused: tally.excused,
        }
    }

    /// Units due and decided, the excused included.
    #[must_use]
    pub fn due(&self) -> i64 {
        self.success + self.missed()
    }

    /// Missed for any reason.
    #[must_use]
    pub fn missed(&self) -> i64 {
        self.failed() + self.excused
    }

    /// Missed by the carrier.
    #[must_use]
    pub fn failed(&self) -> i64 {
        self.late + self.no_evidence
    }

    /// What the customer saw, in percent.
    #[must_use]
    pub fn gross(&self) -> Option<Decimal> {
        percent_of(self.success, self.due())
    }

    /// What the carrier controls, in percent.
    #[must_use]
    pub fn net(&self) -> Option<Decimal> {
        percent_of(self.success, self.success + self.failed())
    }
}

fn percent_of(part: i64, whole: i64) -> Option<Decimal> {
    (Decimal::from(part) * Decimal::ONE_HUNDRED).checked_div(Decimal::from(whole))
}

impl Week {
    /// Percent; none without units.
    #[must_use]
    pub fn value(&self) -> Option<Decimal> {
        percent_of(self.numerator, self.n)
    }
}

impl Series {
    /// The control chart, or why there is none.
    ///
    /// # Errors
    /// [`NoChart`] with the reason to print in place of the chart.
    pub fn chart(&self) -> Result<XmrChart, NoChart> {
        let observations: Vec<Observation> = self
            .weeks
            .iter()
            .map(|w| Observation { label: w.week.number(), value: w.value().unwrap_or_default(), n: w.n })
            .collect();
        xmr(&observations, BASELINE_WEEKS, self.kpi.definition().better.unwrap_or(Better::Higher))
    }
}

/// What a KPI's change says, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The verdict.
    pub change: Change,
    /// In words: `Deteriorated, week 26`, `No detectable change`, `No interval for money`.
    pub words: String,
    /// Said by the weekly chart rather than by the change of the period.
    pub by_chart: bool,
}

/// A rule that fired in a week of the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeekSignal {
    /// The week.
    pub week: Week,
    /// The rule and its direction.
    pub signal: Signal,
    /// The lower and upper limit it is told by.
    pub limits: Interval,
}

impl WeekSignal {
    /// `outside the lower limit (rule 1)`…
    #[must_use]
    pub fn words(&self) -> &'static str {
        Rule::words(self.signal.rule, self.signal.direction)
    }
}

impl Snapshot {
    /// Counts of one line: of a KPI, or of one within a scope.
    #[must_use]
    pub fn evidence_of(&self, code: &str) -> Option<&KpiEvidence> {
        let whole = self.evidence.iter().find(|e| e.value.kpi.code() == code);
        whole.or_else(|| self.scoped_of(code).map(|one| &one.evidence))
    }

    /// A line within a scope.
    #[must_use]
    pub fn scoped_of(&self, code: &str) -> Option<&ScopedEvidence> {
        self.scoped.iter().find(|one| one.code == code)
    }

    /// Definition and figures of an own KPI.
    #[must_use]
    pub fn own_of(&self, code: &str) -> Option<(&OwnKpi, &OwnEvidence)> {
        let own = self.own.as_ref()?;
        Some((own.definition(code)?, own.evidence(code)?))
    }

    /// The name of a KPI as people read it, of the catalogue or own; the code where the document knows no more.
    #[must_use]
    pub fn kpi_name<'a>(&'a self, code: &'a str) -> &'a str {
        let own = || self.own.as_ref().and_then(|own| own.definition(code)).map(|kpi| kpi.name.as_str());
        let scoped = || self.scoped_of(code).map(|one| one.name.as_str());
        let whole = || self.evidence_of(code).map(|evidence| evidence.value.kpi.name());
        scoped().or_else(whole).or_else(own).unwrap_or(code)
    }

    /// The newest signal of the weekly chart inside the period, bad news first.
    #[must_use]
    pub fn signal(&self) -> Option<WeekSignal> {
        let series = self.series.as_ref()?;
        let chart = series.chart().ok()?;
        let inside = |signal: &&Signal| {
            series.weeks.get(signal.index).is_some_and(|w| w.week.end() > self.period.start())
        };
        let newest = |change: Option<Change>| {
            chart
                .signals
                .iter()
                .filter(inside)
                .filter(|s| change.is_none_or(|c| s.change == c))
                .max_by_key(|s| (s.index, std::cmp::Reverse(s.rule)))
        };
        let signal = newest(Some(Change::Deteriorated)).or_else(|| newest(None))?;
        let week = series.weeks.get(signal.index)?;
        Some(WeekSignal {
            week: *week,
            signal: *signal,
            limits: Interval { low: chart.lower, high: chart.upper },
        })
    }

    /// What the change of one KPI says. The weekly chart sees more than two sums do, so its signal goes first.
    #[must_use]
    pub fn reading(&self, code: &str) -> Reading {
        let Some(evidence) = self.evidence_of(code) else {
            if let Some((_, own)) = self.own_of(code) {
                return Reading { change: own.change.change, words: own.reading(), by_chart: false };
            }
            return Reading { change: Change::NoData, words: "no data".to_owned(), by_chart: false };
        };
        let charted = self.series.as_ref().is_some_and(|s| s.kpi.code() == code);
        if let Some(found) = charted.then(|| self.signal()).flatten() {
            let week = found.week.week.number();
            let words = format!("{}, week {week}", found.signal.change.words());
            return Reading { change: found.signal.change, words, by_chart: true };
        }
        let unit = evidence.value.kpi.definition().unit;
        let words = if evidence.value.is_proportion() {
            match evidence.change.change {
                Change::NoData => "Nothing to compare with".to_owned(),
                change => change.words().to_owned(),
            }
        } else {
            match unit {
                Unit::Hours => "No interval for durations".to_owned(),
                Unit::Ratio => "No interval for averages".to_owned(),
                _ => "No interval for money".to_owned(),
            }
        };
        Reading { change: evidence.change.change, words, by_chart: false }
    }

    /// What lists and trends need.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let rounded = |value: Decimal| {
            value.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        };
        let categories = self.result.categories.iter();
        Summary {
            categories: categories.filter_map(|c| Some((c.code.clone(), rounded(c.score?)))).collect(),
            spend: self.spend.as_ref().map(|s| s.freight),
            quarter: QuarterScore {
                published: self.result.published,
                firm: self.result.firm,
                critical_failed: self.result.critical_failed,
            },
            tier: self.standing.as_ref().map(|s| s.standing.tier),
            alone: self.result.recency.as_ref().map(|recency| recency.alone),
        }
    }

    /// The document without what `older` was made too early to hold, so that nothing counts as moved only because more is
    /// told now.
    #[must_use]
    pub fn told_like(&self, older: &Self) -> Self {
        let mut same = self.clone();
        if older.misses.as_ref().is_some_and(|misses| misses.reasons.is_empty()) {
            same.drop_reasons();
        }
        same
    }

    /// Takes the misses by reason out, as documents were before those were counted.
    pub fn drop_reasons(&mut self) {
        if let Some(misses) = &mut self.misses {
            misses.reasons.clear();
        }
    }

    /// Whether the stored inputs give the stored scores again under `template`, as it was agreed.
    #[must_use]
    pub fn re_performs(&self, template: &Template) -> bool {
        if !self.own.as_ref().is_none_or(OwnKpis::re_performs) {
            return false;
        }
        let inputs = inputs(&self.evidence, self.own.as_ref(), &self.scoped);
        let agreed = with_targets(template, &self.overrides);
        let again = look_back(
            score(&agreed, &inputs),
            agreed.terms.half_life_months,
            self.period,
            &self.result.earlier(),
        );
        again == self.result && self.result.re_performs(&agreed, self.period)
    }
}

impl KpiEvidence {
    /// `−2.4` and `−5.7 to +0.8`: the change in points with its interval; for sums the plain difference.
    #[must_use]
    pub fn change_words(&self) -> Option<(String, Option<String>)> {
        if let Some(difference) = self.change.difference {
            let range = difference.interval.percent();
            let delta = signed(difference.delta * Decimal::ONE_HUNDRED, 1);
            return Some((delta, Some(format!("{} to {}", signed(range.low, 1), signed(range.high, 1)))));
        }
        if self.value.is_proportion() {
            return None;
        }
        let places = match self.value.kpi.definition().unit {
            Unit::Percent
            | Unit::PerHundred
            | Unit::PerThousand
            | Unit::Hours
            | Unit::Minutes
            | Unit::Days
            | Unit::Index
            | Unit::Gate
            | Unit::GramsPerTkm => 1,
            Unit::MoneyPerKg | Unit::MoneyPerKm | Unit::MoneyPerTkm => 3,
            Unit::Ratio | Unit::MoneyPerShipment | Unit::MoneyPerPiece => 2,
        };
        Some((signed(self.value.score_value()? - self.previous?, places), None))
    }
}
