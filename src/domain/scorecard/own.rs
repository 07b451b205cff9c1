//! Own KPIs in a published document: their definitions as they were, the sums they were computed from, and their values.
//! That is all it takes to compute them again, so a later version of a definition changes nothing published.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::scope::kpi_part;
use super::score::KpiInput;
use super::template::Template;
use crate::domain::formula::{Library, OwnKpi, OwnValue, Plan};
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::signal::{Change, PeriodChange, period_change, signed};

/// Everything a document says about own KPIs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKpis {
    /// Each own KPI of the template, and every one it rests on, in the version that counted; by code.
    pub definitions: Vec<OwnKpi>,
    /// Sums of the period.
    pub now: Measures,
    /// Sums of the period before.
    pub before: Measures,
    /// The values, in the order of the template.
    pub values: Vec<OwnEvidence>,
}

/// One own KPI's figures beside its score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnEvidence {
    /// The value with numerator, denominator and what was left out.
    #[serde(flatten)]
    pub value: OwnValue,
    /// The value of the period before, in the unit of the thresholds.
    pub previous: Option<Decimal>,
    /// Units behind it.
    pub previous_n: i64,
    /// The change since, for proportions.
    pub change: PeriodChange,
}

/// The codes of a template that are not in the catalogue, in reading order. Lines within a scope are always of the catalogue.
#[must_use]
pub fn own_codes(template: &Template) -> Vec<&str> {
    let in_catalogue = |code: &str| Kpi::ALL.into_iter().any(|kpi| kpi.code() == code);
    template.kpis().map(|kpi| kpi.code.as_str()).filter(|code| !in_catalogue(kpi_part(code))).collect()
}

/// The own KPIs of a template ready to be computed. One that does not exist, was retired or does not hold is left out,
/// and its place is then not scored for lack of data.
#[must_use]
pub fn own_plans(template: &Template, library: &Library) -> Vec<Plan> {
    let in_use = |code: &str| library.get(code).filter(|kpi| !kpi.retired);
    own_codes(template)
        .into_iter()
        .filter_map(in_use)
        .filter_map(|kpi| Plan::new(kpi, library).ok())
        .collect()
}

impl OwnKpis {
    /// Computes the own KPIs of a template; none when it has none.
    #[must_use]
    pub fn of(plans: &[Plan], now: &Measures, before: &Measures) -> Option<Self> {
        if plans.is_empty() {
            return None;
        }
        let mut definitions: Vec<OwnKpi> = plans.iter().flat_map(Plan::kpis).cloned().collect();
        definitions.sort_by(|a, b| a.code.cmp(&b.code));
        definitions.dedup_by(|a, b| a.code == b.code);
        Some(Self {
            values: plans.iter().filter_map(|plan| evidence(plan, now, before)).collect(),
            definitions,
            now: now.clone(),
            before: before.clone(),
        })
    }

    /// One definition by its code.
    #[must_use]
    pub fn definition(&self, code: &str) -> Option<&OwnKpi> {
        self.definitions.iter().find(|kpi| kpi.code == code)
    }

    /// The figures of one by its code.
    #[must_use]
    pub fn evidence(&self, code: &str) -> Option<&OwnEvidence> {
        self.values.iter().find(|evidence| evidence.value.code == code)
    }

    /// What scores are made of.
    pub(super) fn inputs(&self) -> impl Iterator<Item = KpiInput> {
        self.values.iter().filter_map(|evidence| {
            let unit = self.definition(&evidence.value.code)?.unit;
            let in_unit = |end: Option<Decimal>| end.map(|end| unit.in_threshold_unit(end));
            let value = &evidence.value;
            Some(KpiInput {
                code: value.code.clone(),
                value: value.score_value(unit),
                n: value.n,
                coverage: value.coverage,
                low: in_unit(value.low),
                high: in_unit(value.high),
                withheld: None,
            })
        })
    }

    /// One of them ready to be computed again, from the definitions in the document.
    #[must_use]
    pub fn plan(&self, code: &str) -> Option<Plan> {
        let library: Library = self.definitions.iter().cloned().collect();
        Plan::new(self.definition(code)?, &library).ok()
    }

    /// Whether the definitions give the stored values again from the stored sums, to the last digit.
    #[must_use]
    pub fn re_performs(&self) -> bool {
        let again = |stored: &OwnEvidence| {
            let plan = self.plan(&stored.value.code)?;
            evidence(&plan, &self.now, &self.before)
        };
        self.values.iter().all(|stored| again(stored).as_ref() == Some(stored))
    }
}

fn evidence(plan: &Plan, now: &Measures, before: &Measures) -> Option<OwnEvidence> {
    let kpi = plan.kpi()?;
    let (value, previous) = (plan.value(now), plan.value(before));
    let change = if plan.is_proportion() {
        period_change(value.counts(), previous.counts(), kpi.better)
    } else {
        PeriodChange { difference: None, change: Change::NoData }
    };
    Some(OwnEvidence { previous: previous.score_value(kpi.unit), previous_n: previous.n, change, value })
}

impl OwnEvidence {
    /// As [`super::KpiEvidence::change_words`]: the change in points with its interval, else the plain difference.
    #[must_use]
    pub fn change_words(&self, kpi: &OwnKpi) -> Option<(String, Option<String>)> {
        if let Some(difference) = self.change.difference {
            let range = difference.interval.percent();
            let delta = signed(difference.delta * Decimal::ONE_HUNDRED, 1);
            return Some((delta, Some(format!("{} to {}", signed(range.low, 1), signed(range.high, 1)))));
        }
        let now = self.value.score_value(kpi.unit)?;
        Some((signed(now.checked_sub(self.previous?)?, kpi.unit.places()), None))
    }

    /// What the change says, in words.
    #[must_use]
    pub fn reading(&self) -> String {
        match self.change.change {
            _ if self.value.fault.is_some() => {
                self.value.fault.as_ref().map(crate::domain::formula::Fault::words).unwrap_or_default()
            }
            Change::NoData if self.value.is_proportion() => "Nothing to compare with".to_owned(),
            Change::NoData => "No interval for this formula".to_owned(),
            change => change.words().to_owned(),
        }
    }
}
