//! A scorecard made again from the facts that a bundle of evidence carries, by the functions that made it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::basis::StandingBasis;
use super::own::own_plans;
use super::score::Alone;
use super::snapshot::{Facts, ScopedSums, Snapshot, TargetOverride, headline_tallies, snapshot};
use super::template::Template;
use crate::domain::beside::Beside;
use crate::domain::formula::{Library, OwnKpi};
use crate::domain::measure::{Measures, Tally};
use crate::domain::outcome::OutcomePolicy;
use crate::domain::period::Period;
use crate::domain::shipment::ShipmentFacts;
use crate::domain::tender::{TenderFacts, judge};

/// What a scorecard was made by, beside the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The period.
    pub period: Period,
    /// First day not counted.
    pub until: NaiveDate,
    /// When it was made; facts are judged as of then.
    pub as_of: DateTime<Utc>,
    /// The reporting currency.
    pub currency: String,
    /// The template as agreed.
    pub template: Template,
    /// Thresholds of the partner's contracts.
    pub overrides: Vec<TargetOverride>,
    /// Weeks of the control chart, oldest first.
    pub weeks: Vec<Period>,
    /// Lane id → title.
    pub lanes: BTreeMap<i64, String>,
    /// Own KPIs of the template and every one they rest on, in the versions that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnKpi>,
    /// Earlier scores that weigh in, each by itself; none without a half-life.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<(Period, Alone)>,
    /// Code of each scope that counts by lanes → the lanes it held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_lanes: BTreeMap<String, BTreeSet<i64>>,
    /// What the standing was decided from; none where the document names no standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<StandingBasis>,
    /// What the linehaul of the period and of the one before comes to at the prices of the market, by the first day of each. The
    /// benchmark of a single load is nobody's to see but the shipper's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub market: Vec<(NaiveDate, Measures)>,
}

/// A shipment of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShipmentLine {
    /// The feed it came by.
    pub source: String,
    /// The feed's own number.
    pub reference: String,
    /// The local day of its obligation.
    pub day: NaiveDate,
    /// Its lane.
    pub lane_id: Option<i64>,
    /// Service level; empty when not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Mode; empty when not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// The tolerance it is judged by.
    pub policy: OutcomePolicy,
    /// Everything it is counted by; the rated amount is the one that counts.
    pub facts: ShipmentFacts,
}

/// A tender of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TenderLine {
    /// The feed's own number.
    pub reference: String,
    /// The local day it was sent.
    pub day: NaiveDate,
    /// Its lane.
    pub lane_id: Option<i64>,
    /// Service level; empty when not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Mode; empty when not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Everything it is counted by.
    pub facts: TenderFacts,
}

/// An audited invoice, a claim, a case, a safety record, a week or a decision of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BesideLine {
    /// The feed's own number, or what else names it.
    pub reference: String,
    /// Its lane.
    pub lane_id: Option<i64>,
    /// Its service level.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Its mode.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Everything it is counted by.
    #[serde(flatten)]
    pub facts: Beside,
}

/// A scorecard being made again.
#[derive(Clone, Debug)]
pub struct Reperformance<'a> {
    inputs: &'a Inputs,
    now: Measures,
    before: Measures,
    weeks: Vec<(Period, [Tally; 3])>,
    lanes: BTreeMap<i64, Measures>,
    scoped: Vec<ScopedSums>,
}

/// Where a fact counts.
#[derive(Clone, Copy)]
struct Place<'a> {
    day: NaiveDate,
    lane_id: Option<i64>,
    service: &'a str,
    mode: &'a str,
}

impl<'a> Reperformance<'a> {
    /// Without any fact yet.
    #[must_use]
    pub fn new(inputs: &'a Inputs) -> Self {
        let mut again = Self {
            inputs,
            now: Measures::default(),
            before: Measures::default(),
            weeks: inputs.weeks.iter().map(|week| (*week, [Tally::default(); 3])).collect(),
            lanes: BTreeMap::new(),
            scoped: inputs
                .template
                .scopes
                .iter()
                .map(|scope| ScopedSums {
                    code: scope.code.clone(),
                    lane_ids: inputs.scope_lanes.get(&scope.code).cloned().unwrap_or_default(),
                    ..ScopedSums::default()
                })
                .collect(),
        };
        for (day, sums) in &inputs.market {
            again.add(Place { day: *day, lane_id: None, service: "", mode: "" }, sums);
        }
        again
    }

    /// Judges and counts a shipment.
    pub fn add_shipment(&mut self, line: &ShipmentLine) {
        let verdicts = line.facts.judge(&line.policy, self.inputs.as_of);
        if let Some(day) = line.facts.milestones.pickup_counts_for(&verdicts) {
            let mut sums = Measures::default();
            line.facts.add_pickup_to(&verdicts, &mut sums);
            self.add(line.place(day), &sums);
        }
        let mut sums = Measures::default();
        line.facts.add_to(&verdicts, &line.policy, &mut sums);
        self.add(line.place(line.day), &sums);
    }

    /// Judges and counts a tender.
    pub fn add_tender(&mut self, line: &TenderLine) {
        let mut sums = Measures::default();
        line.facts.add_to(&judge(&line.facts, self.inputs.as_of), &mut sums);
        let place = Place { day: line.day, lane_id: line.lane_id, service: &line.service, mode: &line.mode };
        self.add(place, &sums);
    }

    /// Judges and counts what lies beside shipments and tenders.
    pub fn add_beside(&mut self, line: &BesideLine) {
        for (day, sums) in &line.facts.judge(self.inputs.as_of).adds {
            let place = Place { day: *day, lane_id: line.lane_id, service: &line.service, mode: &line.mode };
            self.add(place, sums);
        }
    }

    fn add(&mut self, place: Place<'_>, sums: &Measures) {
        let Place { day, lane_id, .. } = place;
        let period = self.inputs.period;
        self.add_to_scopes(place, sums);
        if let Some(lane) = lane_id.filter(|_| period.contains(day)) {
            *self.lanes.entry(lane).or_default() += sums;
        }
        if day >= self.inputs.until {
            return;
        }
        if period.contains(day) {
            self.now += sums;
        } else if period.previous().contains(day) {
            self.before += sums;
        }
        if let Some((_, tallies)) = self.weeks.iter_mut().find(|(week, _)| week.contains(day)) {
            tallies.iter_mut().zip(headline_tallies(sums)).for_each(|(sum, tally)| *sum += tally);
        }
    }

    /// As the scoring sums scopes: by lanes whole months, by service and mode the days that are over.
    fn add_to_scopes(&mut self, place: Place<'_>, sums: &Measures) {
        let (period, until) = (self.inputs.period, self.inputs.until);
        for (scope, scoped) in self.inputs.template.scopes.iter().zip(&mut self.scoped) {
            let on_lane = place.lane_id.is_some_and(|lane| scoped.lane_ids.contains(&lane));
            let counts = if scope.is_by_lane() { on_lane } else { place.day < until };
            if !counts || !scope.is_of(place.service, place.mode) {
                continue;
            }
            if period.contains(place.day) {
                scoped.now += sums;
            } else if period.previous().contains(place.day) {
                scoped.before += sums;
            }
        }
    }

    /// The document. Its standing rests on earlier quarters and is decided again apart, by [`Inputs::standing`].
    #[must_use]
    pub fn finish(self) -> Snapshot {
        let inputs = self.inputs;
        let own = own_plans(&inputs.template, &inputs.own.iter().cloned().collect::<Library>());
        let title = |id: i64| inputs.lanes.get(&id).cloned().unwrap_or_else(|| format!("Lane {id}"));
        snapshot(Facts {
            period: inputs.period,
            to_date: (inputs.until < inputs.period.end()).then(|| inputs.until.pred_opt()).flatten(),
            currency: &inputs.currency,
            template: &inputs.template,
            overrides: inputs.overrides.clone(),
            now: &self.now,
            before: &self.before,
            weeks: &self.weeks,
            lanes: self
                .lanes
                .into_iter()
                .map(|(id, sums)| (id, title(id), headline_tallies(&sums)))
                .collect(),
            own: &own,
            scoped: &self.scoped,
            earlier: &inputs.earlier,
        })
    }
}

impl ShipmentLine {
    fn place(&self, day: NaiveDate) -> Place<'_> {
        Place { day, lane_id: self.lane_id, service: &self.service, mode: &self.mode }
    }
}

/// Where a document made again differs from the published one, in words; nothing when every digit is the same.
///
/// Standings are compared apart; see [`StandingBasis::differences`]. KPIs that the published document lacks are newer than it.
#[must_use]
pub fn differences(published: &Snapshot, again: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |what: &str, before: String, now: String| {
        if before != now {
            found.push(format!("{what}: published {before}, made again {now}"));
        }
    };
    say("shipments", published.shipments.to_string(), again.shipments.to_string());
    let composite = |document: &Snapshot| {
        document.result.published.map_or_else(|| "not scored".to_owned(), |score| score.to_string())
    };
    say("composite", composite(published), composite(again));
    let whole = published.evidence.iter().map(|before| (before.value.kpi.code(), before));
    let scoped = published.scoped.iter().map(|one| (one.code.as_str(), &one.evidence));
    for (code, before) in whole.chain(scoped) {
        let figures =
            |value: &crate::domain::kpi::KpiValue| format!("{} of {}", value.numerator, value.denominator);
        match again.evidence_of(code) {
            None => say(code, figures(&before.value), "nothing".to_owned()),
            Some(now) if now.value != before.value => {
                say(code, figures(&before.value), figures(&now.value));
                say(&format!("{code}, what was left out"), left_out(&before.value), left_out(&now.value));
            }
            Some(_) => {}
        }
    }
    if found.is_empty() {
        let same = Snapshot {
            standing: published.standing.clone(),
            definitions: published.definitions.clone(),
            ..again.told_like(published)
        };
        if same != *published && again.definitions == published.definitions {
            found.push(
                "scores, trend, lanes or reasons: the figures are the same and what was made of them differs"
                    .to_owned(),
            );
        }
    }
    found
}

fn left_out(value: &crate::domain::kpi::KpiValue) -> String {
    format!(
        "{} excused, {} never reported, {} without commitment, {} undecided",
        value.excused, value.no_evidence, value.no_baseline, value.pending
    )
}
