//! Values in, scores and composite out (DOMAIN §1.3, §2.2–2.4).

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::agreement::recency_weight;
use super::standing::{Tier, tier_of};
use super::template::{Category, Scale, Template, TemplateKpi};
use super::words::target_words;
use crate::domain::period::Period;

/// Least share of KPI weight that must be scored for a composite (DOMAIN §2.3).
pub const MIN_WEIGHT_COVERAGE: Decimal = Decimal::from_parts(60, 0, 0, false, 2);
/// Least share of units with a baseline for a KPI to be scored (DOMAIN §1.2).
pub const MIN_DATA_COVERAGE: Decimal = Decimal::from_parts(80, 0, 0, false, 2);

/// One KPI's value for the period, as the KPI function gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiInput {
    /// KPI code.
    pub code: String,
    /// The net value in the KPI's unit (percent for proportions); none without data.
    pub value: Option<Decimal>,
    /// Units counted.
    pub n: i64,
    /// Evaluated ÷ (evaluated + no baseline), 0–1; none where it has no meaning.
    pub coverage: Option<Decimal>,
    /// Lower end of the 95 % interval, in the unit of `value`; none for money, durations and ratios of sums.
    pub low: Option<Decimal>,
    /// Upper end of the 95 % interval.
    pub high: Option<Decimal>,
    /// The caller's own reason not to score it.
    pub withheld: Option<NotScored>,
}

/// Why a KPI has no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotScored {
    /// Nothing was measured.
    NoData,
    /// Too few units to judge.
    TooFew {
        /// Units at hand.
        n: i64,
        /// Units needed.
        needed: i64,
    },
    /// Too many units without a baseline.
    InsufficientData {
        /// Share with a baseline, 0–1.
        coverage: Decimal,
    },
    /// The KPI does not apply to this partner.
    NotApplicable,
    /// Only default factors, which may not rank partners.
    DefaultDataOnly,
    /// Shown for information, never scored.
    Information,
}

/// Where a value stands against its thresholds, chance considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Place {
    /// At or beyond stretch.
    AtStretch,
    /// At target.
    AtTarget,
    /// Below target, but the interval reaches it.
    Near,
    /// Below target beyond chance.
    Short,
    /// At the floor or worse, and below target beyond chance.
    BelowFloor,
    /// Not scored.
    NotScored,
}

/// One KPI with everything needed to re-perform its score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiScore {
    /// What was measured.
    #[serde(flatten)]
    pub input: KpiInput,
    /// The thresholds used; none for information only.
    pub scale: Option<Scale>,
    /// One unit of difference in words.
    pub unit: String,
    /// 0–100, unrounded; none when not scored.
    pub score: Option<Decimal>,
    /// Why there is no score.
    pub not_scored: Option<NotScored>,
    /// 10 to 29 units: scored and marked; may not by itself change a standing.
    pub low_volume: bool,
    /// Weight in the template, out of 100.
    pub weight: Decimal,
    /// Weight it carries in this composite after sharing out what is missing, out of 100.
    pub effective_weight: Option<Decimal>,
    /// Where it stands.
    pub place: Place,
    /// Critical in the template.
    pub critical: bool,
    /// Critical, scoring 0 on 30 units or more with its whole interval beyond the floor (DOMAIN §2.5).
    pub critical_failed: bool,
    /// A gate that failed, by the same rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate_failed: bool,
}

/// One category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryScore {
    /// Category code.
    pub code: String,
    /// Name for people.
    pub title: String,
    /// Weight in the template.
    pub weight: Decimal,
    /// Weight in this composite, out of 100.
    pub effective_weight: Option<Decimal>,
    /// 0–100, unrounded; none when nothing in it is scored.
    pub score: Option<Decimal>,
    /// Its KPIs.
    pub kpis: Vec<KpiScore>,
}

/// The scorecard of one partner and period. Stored whole, it re-performs: scoring its inputs under the same template
/// gives an equal value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreResult {
    /// Version of the template.
    pub template_version: String,
    /// Categories in reading order.
    pub categories: Vec<CategoryScore>,
    /// Share of KPI weight that is scored, 0–1.
    pub coverage: Decimal,
    /// Unrounded composite; none below [`MIN_WEIGHT_COVERAGE`].
    pub composite: Option<Decimal>,
    /// The composite as published, one place; tiers compare this one.
    pub published: Option<Decimal>,
    /// The published composite without low-volume KPIs; none when too little weight is left.
    pub firm: Option<Decimal>,
    /// The tier band of the published composite, before any rule of standing.
    pub band: Option<Tier>,
    /// A critical KPI failed.
    pub critical_failed: bool,
    /// How earlier periods weigh in; none where the period counts alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recency: Option<Recency>,
}

/// Months back that a template with a half-life looks.
pub const RECENCY_MONTHS: u32 = 12;

/// The composite of a period by itself, as published to one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    /// The composite.
    pub published: Option<Decimal>,
    /// The composite without low-volume KPIs.
    pub firm: Option<Decimal>,
}

/// An earlier period of the same kind, as it weighs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierScore {
    /// The period.
    pub period: Period,
    /// Its own score.
    #[serde(flatten)]
    pub alone: Alone,
    /// Its weight; that of the scored period is 1.
    pub weight: Decimal,
}

/// What a published composite is averaged from: this period and earlier ones, the nearer the heavier (DOMAIN §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recency {
    /// Months after which a composite weighs half.
    pub half_life_months: u32,
    /// This period by itself.
    pub alone: Alone,
    /// The earlier ones that are scored, newest first.
    pub earlier: Vec<EarlierScore>,
}

/// The result with earlier periods weighed in: `Σ weight × composite ÷ Σ weight`, where this period weighs 1. Without a
/// half-life, a composite or an earlier one it stays as it is.
#[must_use]
pub fn look_back(
    mut result: ScoreResult,
    half_life_months: Option<u32>,
    period: Period,
    earlier: &[(Period, Alone)],
) -> ScoreResult {
    let (Some(half_life_months), Some(published)) = (half_life_months, result.published) else {
        return result;
    };
    let mut weighed: Vec<EarlierScore> = earlier
        .iter()
        .filter(|(before, alone)| {
            before.kind() == period.kind() && before.start() < period.start() && alone.published.is_some()
        })
        .filter_map(|(before, alone)| {
            let back = months_between(*before, period).filter(|back| *back <= RECENCY_MONTHS)?;
            let weight = recency_weight(back, half_life_months);
            Some(EarlierScore { period: *before, alone: *alone, weight })
        })
        .collect();
    weighed.sort_by_key(|one| std::cmp::Reverse(one.period.start()));
    if weighed.is_empty() {
        return result;
    }
    let alone = Alone { published: Some(published), firm: result.firm };
    let mean = |own: Option<Decimal>, of: fn(&Alone) -> Option<Decimal>| {
        let (mut weight, mut points) = (Decimal::ONE, own?);
        for one in &weighed {
            if let Some(score) = of(&one.alone) {
                weight += one.weight;
                points += one.weight * score;
            }
        }
        Some(to_published(points / weight))
    };
    result.published = mean(alone.published, |one| one.published);
    result.firm = mean(alone.firm, |one| one.firm);
    result.band = result.published.map(tier_of);
    result.recency = Some(Recency { half_life_months, alone, earlier: weighed });
    result
}

fn months_between(before: Period, period: Period) -> Option<u32> {
    use chrono::Datelike;
    let count =
        |p: Period| p.start().year().checked_mul(12)?.checked_add(i32::try_from(p.start().month()).ok()?);
    u32::try_from(count(period)?.checked_sub(count(before)?)?).ok()
}

/// Scores `inputs` under `template`. An input without a place in the template is left out; a KPI without an input is
/// not scored for lack of data.
#[must_use]
pub fn score(template: &Template, inputs: &[KpiInput]) -> ScoreResult {
    let mut categories: Vec<CategoryScore> =
        template.categories.iter().map(|c| score_category(c, inputs)).collect();
    let coverage = weight_scored(&categories, |_| true) / Decimal::ONE_HUNDRED;
    let composite = composite_of(&categories, |_| true);
    let published = composite.map(to_published);
    let firm = composite_of(&categories, |kpi| !kpi.low_volume).map(to_published);
    if composite.is_some() {
        share_out_weights(&mut categories);
    }
    ScoreResult {
        template_version: template.version.clone(),
        coverage,
        composite,
        published,
        firm,
        band: published.map(tier_of),
        critical_failed: categories.iter().flat_map(|c| &c.kpis).any(|k| k.critical_failed),
        categories,
        recency: None,
    }
}

/// Mid-rank percentile of `own` among `scores`, which include it (DOMAIN §2.7). `None` below 5 partners.
#[must_use]
pub fn percentile(own: Decimal, scores: &[Decimal]) -> Option<Decimal> {
    const MIN_PEERS: usize = 5;
    if scores.len() < MIN_PEERS {
        return None;
    }
    let below = scores.iter().filter(|s| **s < own).count();
    let ties = scores.iter().filter(|s| **s == own).count();
    let rank = Decimal::from(below) + Decimal::from(ties) / Decimal::TWO;
    Some(to_published(Decimal::ONE_HUNDRED * rank / Decimal::from(scores.len())))
}

impl ScoreResult {
    /// All KPIs in reading order.
    pub fn kpis(&self) -> impl Iterator<Item = &KpiScore> {
        self.categories.iter().flat_map(|c| &c.kpis)
    }

    /// One KPI by its code.
    #[must_use]
    pub fn kpi(&self, code: &str) -> Option<&KpiScore> {
        self.kpis().find(|k| k.input.code == code)
    }

    /// The first gate that failed; none when all are open.
    #[must_use]
    pub fn failed_gate(&self) -> Option<&KpiScore> {
        self.kpis().find(|kpi| kpi.gate_failed)
    }

    /// `73.2`, or `not scored`.
    #[must_use]
    pub fn words(&self) -> String {
        self.published.map_or_else(|| "not scored".to_owned(), |p| format!("{p:.1}"))
    }

    /// What it was scored from, in reading order.
    pub fn inputs(&self) -> impl Iterator<Item = &KpiInput> {
        self.kpis().map(|kpi| &kpi.input)
    }

    /// Whether scoring the stored inputs of `period` again gives this very result.
    #[must_use]
    pub fn re_performs(&self, template: &Template, period: Period) -> bool {
        let inputs: Vec<KpiInput> = self.inputs().cloned().collect();
        look_back(score(template, &inputs), template.terms.half_life_months, period, &self.earlier()) == *self
    }

    /// The earlier periods that weigh in, each by itself.
    #[must_use]
    pub fn earlier(&self) -> Vec<(Period, Alone)> {
        let earlier = self.recency.iter().flat_map(|recency| &recency.earlier);
        earlier.map(|one| (one.period, one.alone)).collect()
    }

    /// The score of the period by itself, whatever earlier ones add.
    #[must_use]
    pub fn alone(&self) -> Alone {
        let itself = Alone { published: self.published, firm: self.firm };
        self.recency.as_ref().map_or(itself, |recency| recency.alone)
    }
}

impl NotScored {
    /// `no data`, `6 counted, 10 needed`, `62 % seen, 80 % needed`…
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::NoData => "no data".to_owned(),
            Self::TooFew { n, needed } => format!("{n} counted, {needed} needed"),
            Self::InsufficientData { coverage } => {
                let seen = (coverage * Decimal::ONE_HUNDRED).floor().normalize();
                format!("{seen} % seen, 80 % needed")
            }
            Self::NotApplicable => "does not apply".to_owned(),
            Self::DefaultDataOnly => "default factors only".to_owned(),
            Self::Information => "for information".to_owned(),
        }
    }
}

impl Place {
    /// `at target`, `within chance of target`…
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AtStretch => "at stretch",
            Self::AtTarget => "at target",
            Self::Near => "within chance of target",
            Self::Short => "below target",
            Self::BelowFloor => "below floor",
            Self::NotScored => "not scored",
        }
    }
}

impl KpiScore {
    /// `Short of 92 by 1.00 point`, or why there is no score.
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.scale, self.input.value, self.not_scored) {
            (_, _, Some(reason)) => reason.words(),
            (Some(scale), Some(value), None) => target_words(value, scale, &self.unit),
            _ => NotScored::NoData.words(),
        }
    }

    /// [`Place::words`] as a review may claim them: a target that the value reaches while its interval goes below
    /// the floor is not claimed without saying so (DOMAIN §1.3).
    #[must_use]
    pub fn claim(&self) -> &'static str {
        match self.place {
            Place::AtStretch if !self.meets_target() => "at stretch, not beyond chance",
            Place::AtTarget if !self.meets_target() => "at target, not beyond chance",
            place => place.words(),
        }
    }

    /// Whether a review may say "meets target": the value reaches it and the interval reaches no further than the
    /// floor (DOMAIN §1.3).
    #[must_use]
    pub fn meets_target(&self) -> bool {
        let (Some(scale), Some(value), Some(_)) = (&self.scale, self.input.value, self.score) else {
            return false;
        };
        let worse = self.ends(scale).map_or(value, |(worse, _)| worse);
        scale.reaches(value, scale.target) && scale.reaches(worse, scale.floor)
    }

    fn ends(&self, scale: &Scale) -> Option<(Decimal, Decimal)> {
        ends(&self.input, scale)
    }
}

fn ends(input: &KpiInput, scale: &Scale) -> Option<(Decimal, Decimal)> {
    Some(scale.worse_then_better(input.low?, input.high?))
}

fn score_category(category: &Category, inputs: &[KpiInput]) -> CategoryScore {
    let kpis: Vec<KpiScore> = category.kpis.iter().map(|kpi| score_kpi(kpi, inputs)).collect();
    CategoryScore {
        code: category.code.clone(),
        title: category.title.clone(),
        weight: category.weight,
        effective_weight: None,
        score: category_average(&kpis, &|_| true),
        kpis,
    }
}

fn score_kpi(kpi: &TemplateKpi, inputs: &[KpiInput]) -> KpiScore {
    let input = inputs
        .iter()
        .find(|i| i.code == kpi.code)
        .cloned()
        .unwrap_or_else(|| KpiInput { code: kpi.code.clone(), ..KpiInput::default() });
    let not_scored = reason_not_scored(kpi, &input);
    let judged = match (&kpi.scale, input.value, not_scored) {
        (Some(scale), Some(value), None) => Some((scale, value)),
        _ => None,
    };
    let score = judged.map(|(scale, value)| scale.points(value));
    let place = judged.map_or(Place::NotScored, |(scale, value)| place_of(scale, value, &input));
    let failed = score == Some(Decimal::ZERO)
        && input.n >= kpi.volume.full_from()
        && judged.is_some_and(|(scale, value)| {
            let best = ends(&input, scale).map_or(value, |(_, better)| better);
            !scale.reaches(best, scale.floor)
        });
    KpiScore {
        scale: kpi.scale.clone(),
        unit: kpi.unit.clone(),
        score,
        not_scored,
        low_volume: score.is_some() && input.n < kpi.volume.full_from(),
        weight: kpi.weight,
        effective_weight: None,
        place,
        critical: kpi.critical,
        critical_failed: kpi.critical && failed,
        gate_failed: kpi.gate && failed,
        input,
    }
}

fn reason_not_scored(kpi: &TemplateKpi, input: &KpiInput) -> Option<NotScored> {
    if kpi.scale.is_none() {
        return Some(NotScored::Information);
    }
    if input.withheld.is_some() {
        return input.withheld;
    }
    if input.value.is_none() {
        return Some(NotScored::NoData);
    }
    if let Some(coverage) = input.coverage.filter(|c| *c < MIN_DATA_COVERAGE) {
        return Some(NotScored::InsufficientData { coverage });
    }
    let needed = kpi.volume.scored_from();
    (input.n < needed).then_some(NotScored::TooFew { n: input.n, needed })
}

fn place_of(scale: &Scale, value: Decimal, input: &KpiInput) -> Place {
    if scale.reaches(value, scale.stretch) {
        return Place::AtStretch;
    }
    if scale.reaches(value, scale.target) {
        return Place::AtTarget;
    }
    if ends(input, scale).is_some_and(|(_, better)| scale.reaches(better, scale.target)) {
        return Place::Near;
    }
    if scale.reaches(scale.floor, value) { Place::BelowFloor } else { Place::Short }
}

/// Weighted mean of the scored KPIs that `counts`; none when there are none.
fn category_average(kpis: &[KpiScore], counts: &dyn Fn(&KpiScore) -> bool) -> Option<Decimal> {
    let mut weight = Decimal::ZERO;
    let mut points = Decimal::ZERO;
    for kpi in kpis.iter().filter(|k| counts(k)) {
        if let Some(score) = kpi.score {
            weight += kpi.weight;
            points += kpi.weight * score;
        }
    }
    (weight > Decimal::ZERO).then(|| points / weight)
}

/// A missing KPI's weight goes to its category, an empty category's to the others (DOMAIN §2.3).
fn composite_of(categories: &[CategoryScore], counts: impl Fn(&KpiScore) -> bool) -> Option<Decimal> {
    if weight_scored(categories, &counts) < MIN_WEIGHT_COVERAGE * Decimal::ONE_HUNDRED {
        return None;
    }
    let mut weight = Decimal::ZERO;
    let mut points = Decimal::ZERO;
    for category in categories {
        if let Some(score) = category_average(&category.kpis, &counts) {
            weight += category.weight;
            points += category.weight * score;
        }
    }
    (weight > Decimal::ZERO).then(|| points / weight)
}

fn weight_scored(categories: &[CategoryScore], counts: impl Fn(&KpiScore) -> bool) -> Decimal {
    categories.iter().flat_map(|c| &c.kpis).filter(|k| k.score.is_some() && counts(k)).map(|k| k.weight).sum()
}

fn share_out_weights(categories: &mut [CategoryScore]) {
    let whole: Decimal = categories.iter().filter(|c| c.score.is_some()).map(|c| c.weight).sum();
    if whole <= Decimal::ZERO {
        return;
    }
    for category in categories.iter_mut().filter(|c| c.score.is_some()) {
        let share = category.weight * Decimal::ONE_HUNDRED / whole;
        category.effective_weight = Some(share);
        let inside: Decimal = category.kpis.iter().filter(|k| k.score.is_some()).map(|k| k.weight).sum();
        for kpi in category.kpis.iter_mut().filter(|k| k.score.is_some()) {
            kpi.effective_weight = Some(share * kpi.weight / inside);
        }
    }
}

fn to_published(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::super::template::{Volume, default_template, volume_and_unit};
    use super::*;
    use crate::domain::kpi::Kpi;

    #[test]
    fn a_safety_record_closes_a_gate_that_weighs_nothing() {
        let [floor, target, stretch] = Kpi::SafetyGate.definition().thresholds.unwrap();
        let (volume, unit) = volume_and_unit(Kpi::SafetyGate);
        let gate = TemplateKpi {
            code: "SAFETY_GATE".to_owned(),
            weight: Decimal::ZERO,
            scale: Some(Scale::linear(floor, target, stretch)),
            critical: false,
            gate: true,
            volume,
            unit: unit.to_owned(),
        };
        let mut template = default_template();
        let before = score(&template, &[]).coverage;
        template.categories[0].kpis.push(gate);
        assert_eq!(template.problems(), []);
        let closed = |value: Option<i64>| {
            let input = KpiInput {
                code: "SAFETY_GATE".to_owned(),
                value: value.map(Decimal::from),
                n: i64::from(value.is_some()),
                ..KpiInput::default()
            };
            let result = score(&template, &[input]);
            assert_eq!(result.coverage, before, "it weighs nothing");
            (result.failed_gate().is_some(), result.kpi("SAFETY_GATE").unwrap().not_scored)
        };
        assert_eq!(closed(Some(100)), (false, None));
        assert_eq!(closed(Some(0)), (true, None));
        // No record is no pass, and no failure either.
        assert_eq!(closed(None), (false, Some(NotScored::NoData)));
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// `code weight value floor target stretch`, `-` for a KPI without data.
    const SC1: &[(&str, &str)] = &[
        (
            "Reliability",
            "OTP_WIN 10 96.2 85 95 98;OTD_WIN 15 93.1 85 95 98;OTIF 10 91.0 80 92 96;CLAIM_FREQ 5 3.1 10 4 1",
        ),
        ("Cost", "COST_INDEX 15 101.5 110 100 95;ACC_RATIO 5 7.8 15 8 5;INV_ACC 5 97.4 90 98 99.5"),
        ("Communication", "EDI_TIMELY 5 88.0 70 90 97;POD_TIMELY 5 95.5 80 95 99;RESP_SLA 5 91 70 90 98"),
        ("Adaptability", "FTAR 10 87.0 75 90 96;SURGE_ACC 5 83.3 50 80 95"),
        ("Sustainability", "CO2E_INT 5 - 130 95 70"),
    ];

    fn sc1() -> (Template, Vec<KpiInput>) {
        let mut inputs = Vec::new();
        let categories = SC1
            .iter()
            .map(|(title, rows)| {
                let kpis: Vec<TemplateKpi> = rows
                    .split(';')
                    .map(|row| {
                        let f: Vec<&str> = row.split(' ').collect();
                        inputs.push(KpiInput {
                            code: f[0].into(),
                            value: f[2].parse().ok(),
                            n: if f[0] == "SURGE_ACC" { 6 } else { 400 },
                            ..KpiInput::default()
                        });
                        TemplateKpi {
                            code: f[0].into(),
                            weight: d(f[1]),
                            scale: Some(Scale::linear(d(f[3]), d(f[4]), d(f[5]))),
                            critical: false,
                            gate: false,
                            volume: Volume::Proportion,
                            unit: "point".into(),
                        }
                    })
                    .collect();
                let weight = kpis.iter().map(|k| k.weight).sum();
                Category { code: title.to_uppercase(), title: (*title).into(), weight, kpis }
            })
            .collect();
        (
            Template { version: "2025.2".into(), name: "Golden".into(), categories, ..default_template() },
            inputs,
        )
    }

    #[test]
    fn a_kpi_says_why_it_is_not_scored_and_what_it_is_short_of() {
        let (template, inputs) = sc1();
        assert_eq!(template.problems(), vec![]);
        let result = score(&template, &inputs);
        assert_eq!(result.kpi("SURGE_ACC").unwrap().words(), "6 counted, 10 needed");
        assert_eq!(result.kpi("OTIF").unwrap().words(), "Short of 92 by 1.00 point");
    }

    #[test]
    fn effective_weights_make_a_whole_and_the_result_re_performs_from_storage() {
        let (template, inputs) = sc1();
        let result = score(&template, &inputs);
        let sum: Decimal = result.kpis().filter_map(|k| k.effective_weight).sum();
        assert!((sum - Decimal::ONE_HUNDRED).abs() < d("0.000001"), "{sum}");
        let stored = serde_json::to_string(&result).unwrap();
        let back: ScoreResult = serde_json::from_str(&stored).unwrap();
        assert_eq!(back, result);
        assert!(back.re_performs(&template, "2025-06".parse().unwrap()));
        let mut forged = back;
        forged.published = Some(d("80.0"));
        assert!(!forged.re_performs(&template, "2025-06".parse().unwrap()));
    }

    #[test]
    fn too_little_weight_is_not_scored_and_never_zero() {
        let (template, inputs) = sc1();
        let result = score(&template, &inputs[..4]);
        assert_eq!((result.composite, result.words().as_str()), (None, "not scored"));
        assert!(result.categories[0].score.is_some());
        let empty = score(&template, &[]);
        assert_eq!(empty.coverage, Decimal::ZERO);
        assert!(empty.kpis().all(|k| k.score.is_none() && k.words() == "no data"));
    }

    #[test]
    fn volume_and_coverage_decide_what_is_scored() {
        let (template, mut inputs) = sc1();
        let otif = |inputs: &[KpiInput]| score(&template, inputs).kpi("OTIF").unwrap().clone();
        inputs[2].n = 29;
        assert!(otif(&inputs).low_volume && otif(&inputs).score.is_some());
        inputs[2].n = 9;
        assert_eq!(otif(&inputs).not_scored, Some(NotScored::TooFew { n: 9, needed: 10 }));
        inputs[2].n = 400;
        inputs[2].coverage = Some(d("0.799"));
        assert_eq!(otif(&inputs).words(), "79 % seen, 80 % needed");
    }

    #[test]
    fn place_follows_the_interval_and_critical_needs_it_below_the_floor() {
        let (mut template, mut inputs) = sc1();
        template.categories[0].kpis[1].critical = true;
        let mut judge = |value: &str, low: &str, high: &str| {
            inputs[1] = KpiInput {
                value: Some(d(value)),
                low: Some(d(low)),
                high: Some(d(high)),
                ..inputs[1].clone()
            };
            let result = score(&template, &inputs);
            (result.kpi("OTD_WIN").unwrap().place, result.critical_failed)
        };
        assert_eq!(judge("98.0", "97", "99"), (Place::AtStretch, false));
        assert_eq!(judge("93.1", "90.2", "95.2"), (Place::Near, false));
        assert_eq!(judge("93.1", "91.2", "94.2"), (Place::Short, false));
        assert_eq!(judge("84.0", "81", "86"), (Place::BelowFloor, false));
        assert_eq!(judge("80.0", "77", "83"), (Place::BelowFloor, true));
    }

    /// DOMAIN K1: 12 of 12 are 100 %, and may be 75.75 %.
    #[test]
    fn a_review_claims_a_target_only_with_the_interval_above_the_floor() {
        let (template, mut inputs) = sc1();
        let mut judge = |value: &str, low: &str, n: i64| {
            inputs[1] = KpiInput {
                value: Some(d(value)),
                low: Some(d(low)),
                high: Some(d("100")),
                n,
                ..inputs[1].clone()
            };
            let kpi = score(&template, &inputs).kpi("OTD_WIN").unwrap().clone();
            (kpi.place, kpi.meets_target(), kpi.claim())
        };
        assert_eq!(judge("100", "75.75", 12), (Place::AtStretch, false, "at stretch, not beyond chance"));
        assert_eq!(judge("100", "85", 12), (Place::AtStretch, true, "at stretch"));
        assert_eq!(judge("95.5", "84.9", 40), (Place::AtTarget, false, "at target, not beyond chance"));
        assert_eq!(judge("93.1", "80", 40), (Place::Near, false, "within chance of target"));
    }
}
