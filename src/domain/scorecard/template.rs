//! What is scored, against what, with which weight: agreed with the partner and versioned.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::agreement::{HALF_LIFE_MAX, TemplateTerms};
use super::scope::Scope;
use crate::domain::kpi::{Kpi, Shape, Unit};
use crate::domain::money::MICROS_SCALE;
use crate::domain::signal::Better;

/// Points a KPI earns at its target: good, not perfect (DOMAIN §2.2).
const POINTS_AT_TARGET: Decimal = Decimal::from_parts(80, 0, 0, false, 0);
/// Further points between target and stretch.
const POINTS_TO_STRETCH: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// A scorecard definition. Change it by making a new version; a published score names the version it used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Version as agreed, such as `2025.1`.
    pub version: String,
    /// Name for people.
    pub name: String,
    /// The lenses, in reading order.
    pub categories: Vec<Category>,
    /// Whom it is for, and how it looks back.
    #[serde(default, skip_serializing_if = "TemplateTerms::is_plain")]
    pub terms: TemplateTerms,
    /// Parts of a partner's work that lines count by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
}

/// One lens of the scorecard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Code, such as `RELIABILITY`.
    pub code: String,
    /// Name for people.
    pub title: String,
    /// Weight in the composite; all categories sum to 100.
    pub weight: Decimal,
    /// Its KPIs. May be empty while nothing measures it; its weight then counts as not covered.
    pub kpis: Vec<TemplateKpi>,
}

/// One KPI of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateKpi {
    /// KPI code of DOMAIN §1.5, such as `OTD_WIN`; within a scope `OTD_WIN@WEST`.
    pub code: String,
    /// Weight out of the whole scorecard's 100; 0 for information only.
    pub weight: Decimal,
    /// How a value becomes points; none for information only.
    pub scale: Option<Scale>,
    /// A failure caps the standing at Approved (DOMAIN §2.5).
    #[serde(default)]
    pub critical: bool,
    /// A failure suspends the partner (DOMAIN §2.5).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
    /// How many units it takes.
    #[serde(default)]
    pub volume: Volume,
    /// One unit of difference in words: `point`, `attempt`, `h`.
    pub unit: String,
}

/// Thresholds, and optionally a table of bands in place of the straight lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// 0 points here and beyond.
    pub floor: Decimal,
    /// 80 points here.
    pub target: Decimal,
    /// 100 points here and beyond.
    pub stretch: Decimal,
    /// `BANDED` mode: worst band first. Empty for straight lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
}

/// A step of a band table: from this value on (included), these points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// First value of the band, on the worse side.
    pub from: Decimal,
    /// Points, 0–100.
    pub points: Decimal,
}

/// Units a KPI needs before it counts (DOMAIN §1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Volume {
    /// Scored from 30; from 10 scored and marked low.
    #[default]
    Proportion,
    /// Mean or percentile: scored from 20.
    Mean,
    /// A state, of which one look says all: scored from 1.
    State,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// Category weights do not make a whole.
    #[error("category weights sum to {0} and must sum to 100")]
    CategoryWeights(Decimal),
    /// KPI weights do not make their category.
    #[error("the KPIs of {category} weigh {sum} together and must weigh {weight}, as the category does")]
    KpiWeights {
        /// The category's code.
        category: String,
        /// Sum of its KPI weights.
        sum: Decimal,
        /// Weight of the category.
        weight: Decimal,
    },
    /// A weight that is none.
    #[error("{0}: a weight is 0 to {WEIGHT_MAX}, with {MICROS_SCALE} decimals at most")]
    Weight(String),
    /// A threshold, or the beginning of a band, beyond anything a KPI can be.
    #[error(
        "{0}: thresholds and bands lie between -{MARK_MAX} and {MARK_MAX}, with {MICROS_SCALE} decimals at most"
    )]
    Mark(String),
    /// More bands than a table can show.
    #[error("{0} has more than {BANDS_MAX} bands")]
    TooManyBands(String),
    /// A code that is none.
    #[error(
        "{0}: a lens needs a code of 1 to {CODE_CHARS_MAX} capitals, digits and underscores, such as COST"
    )]
    LensCode(String),
    /// A name that is none.
    #[error("{0}: a lens needs a name of 1 to {TITLE_CHARS_MAX} characters")]
    LensTitle(String),
    /// Floor, target and stretch out of order.
    #[error(
        "{code}: floor {floor}, target {target} and stretch {stretch} must all rise (more is better) or all fall"
    )]
    NotMonotone {
        /// The KPI.
        code: String,
        /// As entered.
        floor: Decimal,
        /// As entered.
        target: Decimal,
        /// As entered.
        stretch: Decimal,
    },
    /// A weighted KPI without thresholds, or thresholds without a weight.
    #[error("{0} needs both a weight and thresholds, or neither for information only")]
    HalfDefined(String),
    /// A band table that steps back or leaves 0–100.
    #[error(
        "{0}: bands must go from worst to best, each with more points than the one before, between 0 and 100"
    )]
    Bands(String),
    /// The same code twice.
    #[error("{0} appears more than once")]
    Twice(String),
    /// Nothing between two bands, or two at once.
    #[error(
        "{code}: the band from {from} must end at {next}, where the next begins, and ends at {to}; that is {what}"
    )]
    BandGap {
        /// The KPI.
        code: String,
        /// Where the band begins.
        from: Decimal,
        /// Where it ends.
        to: Decimal,
        /// Where the next begins.
        next: Decimal,
        /// `a hole` or `an overlap`.
        what: &'static str,
    },
    /// Thresholds that call the worse value better.
    #[error("{code}: {better}, so floor, target and stretch must {way}")]
    WrongWay {
        /// The KPI.
        code: String,
        /// What is better, in words.
        better: &'static str,
        /// `rise` or `fall`.
        way: &'static str,
    },
    /// A gate or a critical KPI that cannot fail.
    #[error("{0} has no thresholds, so it can be neither a gate nor critical")]
    NothingToFail(String),
    /// More than a scorecard can show.
    #[error("a template has 1 to {CATEGORIES_MAX} lenses and 1 to {LINES_MAX} KPIs")]
    Size,
    /// A half-life out of bounds.
    #[error("the half-life is 1 to {HALF_LIFE_MAX} months; leave it empty to count each period alone")]
    HalfLife,
    /// A scope that cannot count, or a line that cannot count by one.
    #[error("{about}: {why}")]
    Scope {
        /// The scope or the KPI.
        about: String,
        /// Why.
        why: String,
    },
    /// A month that is none.
    #[error("{0} is no month; months are 1 to 12, and none for the whole year")]
    Month(u32),
}

/// Largest weight: the whole scorecard.
pub const WEIGHT_MAX: i64 = 100;
/// Thresholds lie between minus this and this: what an amount in [`Micros`](crate::domain::money::Micros) can be, so that
/// nothing that is computed from them is too large.
pub const MARK_MAX: i64 = i64::MAX / 10_i64.pow(MICROS_SCALE);
/// Most bands of one KPI.
pub const BANDS_MAX: usize = 20;
/// Longest code of a template or a lens, in characters.
pub const CODE_CHARS_MAX: usize = 24;
/// Longest name of a lens, in characters.
pub const TITLE_CHARS_MAX: usize = 80;
/// Characters of a code or name that is too long that a message repeats.
const TOLD_CHARS: usize = 40;
/// Most lenses of a template.
pub const CATEGORIES_MAX: usize = 12;
/// Most KPIs of a template.
pub const LINES_MAX: usize = 60;

impl Volume {
    /// Scored without reserve from this many units.
    #[must_use]
    pub const fn full_from(self) -> i64 {
        match self {
            Self::Proportion => 30,
            Self::Mean => 20,
            Self::State => 1,
        }
    }

    /// Not scored below this many units.
    #[must_use]
    pub fn scored_from(self) -> i64 {
        match self {
            Self::Proportion => 10,
            Self::Mean => 20,
            Self::State => 1,
        }
    }
}

impl Scale {
    /// Straight lines through three thresholds.
    #[must_use]
    pub fn linear(floor: Decimal, target: Decimal, stretch: Decimal) -> Self {
        Self { floor, target, stretch, bands: Vec::new() }
    }

    /// Which way is better: towards stretch.
    #[must_use]
    pub fn better(&self) -> Better {
        if self.stretch > self.floor { Better::Higher } else { Better::Lower }
    }

    /// Whether `value` is at least as good as `mark`.
    #[must_use]
    pub fn reaches(&self, value: Decimal, mark: Decimal) -> bool {
        match self.better() {
            Better::Higher => value >= mark,
            Better::Lower => value <= mark,
        }
    }

    /// Of an interval's ends, first the worse, then the better.
    #[must_use]
    pub fn worse_then_better(&self, low: Decimal, high: Decimal) -> (Decimal, Decimal) {
        match self.better() {
            Better::Higher => (low, high),
            Better::Lower => (high, low),
        }
    }

    /// Points of `value`, 0–100, unrounded.
    #[must_use]
    pub fn points(&self, value: Decimal) -> Decimal {
        if self.bands.is_empty() {
            return normalise(value, self.floor, self.target, self.stretch);
        }
        self.bands
            .iter()
            .rev()
            .find(|band| self.reaches(value, band.from))
            .map_or(Decimal::ZERO, |band| band.points)
    }

    fn is_monotone(&self) -> bool {
        (self.floor < self.target && self.target < self.stretch)
            || (self.floor > self.target && self.target > self.stretch)
    }

    fn bands_are_steps(&self) -> bool {
        let inside = self.bands.iter().all(|b| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&b.points));
        let rising = self.bands.windows(2).all(|pair| match pair {
            [worse, better] => {
                worse.from != better.from
                    && self.reaches(better.from, worse.from)
                    && better.points > worse.points
            }
            _ => true,
        });
        inside && rising
    }
}

/// A step of a band table as people write it, with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandStep {
    /// First value of the band, on the worse side.
    pub from: Decimal,
    /// Where it ends and the next begins; none for the last, or where the next says it.
    pub to: Option<Decimal>,
    /// Points, 0–100.
    pub points: Decimal,
}

/// The bands of a KPI from steps that say where they end.
///
/// # Errors
/// [`TemplateProblem::BandGap`] for a hole or an overlap between two steps.
pub fn bands_of(code: &str, steps: &[BandStep]) -> Result<Vec<Band>, TemplateProblem> {
    for pair in steps.windows(2) {
        let [step, after] = pair else { continue };
        let Some(to) = step.to.filter(|to| *to != after.from) else { continue };
        // Towards better values, an end before the next begin leaves values in no band.
        let hole = (after.from > step.from) == (to < after.from);
        return Err(TemplateProblem::BandGap {
            code: code.to_owned(),
            from: step.from,
            to,
            next: after.from,
            what: if hole { "a hole" } else { "an overlap" },
        });
    }
    Ok(steps.iter().map(|step| Band { from: step.from, points: step.points }).collect())
}

/// How many units a catalogue KPI takes, and one unit of difference in words.
#[must_use]
pub fn volume_and_unit(kpi: Kpi) -> (Volume, &'static str) {
    let definition = kpi.definition();
    let volume = match definition.shape {
        Shape::Judged | Shape::Share => Volume::Proportion,
        Shape::Sums | Shape::Percentile => Volume::Mean,
        Shape::State => Volume::State,
    };
    let known = default_template();
    if let Some(line) = known.kpi(kpi.code()) {
        return (line.volume, if kpi == Kpi::Attempts { "attempt" } else { unit_word(definition.unit) });
    }
    (volume, unit_word(definition.unit))
}

fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent | Unit::Ratio | Unit::Index | Unit::Gate => "point",
        Unit::PerThousand => "per 1,000",
        Unit::Days => "days",
        Unit::PerHundred => "per 100",
        Unit::Hours => "h",
        Unit::Minutes => "min",
        Unit::GramsPerTkm => "g/tkm",
        _ => "",
    }
}

/// 0–100 points: 0 at the floor, 80 at the target, 100 at the stretch, straight between (DOMAIN §2.2).
///
/// Works in both directions; thresholds that are not strictly monotone give 0.
#[must_use]
pub fn normalise(value: Decimal, floor: Decimal, target: Decimal, stretch: Decimal) -> Decimal {
    let scale = Scale::linear(floor, target, stretch);
    if !scale.is_monotone() || scale.reaches(floor, value) {
        return Decimal::ZERO;
    }
    if scale.reaches(value, stretch) {
        return Decimal::ONE_HUNDRED;
    }
    if scale.reaches(value, target) {
        POINTS_AT_TARGET + POINTS_TO_STRETCH * (value - target) / (stretch - target)
    } else {
        POINTS_AT_TARGET * (value - floor) / (target - floor)
    }
}

impl Template {
    /// Everything wrong with the template; nothing when it may be agreed.
    #[must_use]
    pub fn problems(&self) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        let sizes = [(self.categories.len(), CATEGORIES_MAX), (self.kpis().count(), LINES_MAX)];
        if sizes.iter().any(|(size, most)| !(1..=*most).contains(size)) {
            problems.push(TemplateProblem::Size);
        }
        if self.terms.half_life_months.is_some_and(|months| !(1..=HALF_LIFE_MAX).contains(&months)) {
            problems.push(TemplateProblem::HalfLife);
        }
        let months = self.terms.months.iter().filter(|month| !(1..=12).contains(*month));
        problems.extend(months.map(|month| TemplateProblem::Month(*month)));
        for category in &self.categories {
            category.check_numbers(&mut problems);
        }
        let scopes = self.scope_problems().into_iter();
        problems.extend(scopes.map(|(about, why)| TemplateProblem::Scope { about, why }));
        // Whatever is computed below is only computed of numbers that are sound.
        if !problems.is_empty() {
            return problems;
        }
        let whole: Decimal = self.categories.iter().map(|c| c.weight).sum();
        if whole != Decimal::ONE_HUNDRED {
            problems.push(TemplateProblem::CategoryWeights(whole));
        }
        let mut seen = BTreeSet::new();
        for category in &self.categories {
            if !seen.insert(category.code.as_str()) {
                problems.push(TemplateProblem::Twice(category.code.clone()));
            }
            category.check(&mut problems);
        }
        let mut codes = BTreeSet::new();
        for kpi in self.kpis() {
            if !codes.insert(kpi.code.as_str()) {
                problems.push(TemplateProblem::Twice(kpi.code.clone()));
            }
            kpi.check(&mut problems);
        }
        problems
    }

    /// All KPIs in reading order.
    pub fn kpis(&self) -> impl Iterator<Item = &TemplateKpi> {
        self.categories.iter().flat_map(|category| &category.kpis)
    }

    /// One KPI by its code.
    #[must_use]
    pub fn kpi(&self, code: &str) -> Option<&TemplateKpi> {
        self.kpis().find(|kpi| kpi.code == code)
    }
}

/// Whether a code names a template or a lens: capitals, digits, underscores, not too many.
#[must_use]
pub fn is_code(code: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (1..=CODE_CHARS_MAX).contains(&code.chars().count()) && code.chars().all(plain)
}

/// Whether a number lies between `least` and `most` and is no finer than an amount.
fn is_sound(number: Decimal, least: i64, most: i64) -> bool {
    number >= Decimal::from(least)
        && number <= Decimal::from(most)
        && number.normalize().scale() <= MICROS_SCALE
}

/// What a message repeats of a code or name; a short stretch, since it may be of any length.
fn told(text: &str) -> String {
    if text.is_empty() {
        return "a lens without a code".to_owned();
    }
    text.chars().take(TOLD_CHARS).collect()
}

impl Category {
    /// Sizes and ranges, of the lens and of its KPIs: what must hold before anything is computed.
    fn check_numbers(&self, problems: &mut Vec<TemplateProblem>) {
        if !is_code(&self.code) {
            problems.push(TemplateProblem::LensCode(told(&self.code)));
        }
        if !(1..=TITLE_CHARS_MAX).contains(&self.title.trim().chars().count()) {
            problems.push(TemplateProblem::LensTitle(told(&self.code)));
        }
        if !is_sound(self.weight, 0, WEIGHT_MAX) {
            problems.push(TemplateProblem::Weight(told(&self.code)));
        }
        for kpi in &self.kpis {
            if !is_sound(kpi.weight, 0, WEIGHT_MAX) {
                problems.push(TemplateProblem::Weight(told(&kpi.code)));
            }
            let Some(scale) = &kpi.scale else { continue };
            let marks = [scale.floor, scale.target, scale.stretch].into_iter();
            let mut marks = marks.chain(scale.bands.iter().map(|band| band.from));
            if !marks.all(|mark| is_sound(mark, -MARK_MAX, MARK_MAX)) {
                problems.push(TemplateProblem::Mark(told(&kpi.code)));
            }
            if scale.bands.len() > BANDS_MAX {
                problems.push(TemplateProblem::TooManyBands(told(&kpi.code)));
            }
        }
    }

    fn check(&self, problems: &mut Vec<TemplateProblem>) {
        let sum: Decimal = self.kpis.iter().map(|kpi| kpi.weight).sum();
        if !self.kpis.is_empty() && sum != self.weight {
            problems.push(TemplateProblem::KpiWeights {
                category: self.code.clone(),
                sum,
                weight: self.weight,
            });
        }
    }
}

impl TemplateKpi {
    fn check(&self, problems: &mut Vec<TemplateProblem>) {
        // A gate closes whatever it weighs.
        let bare_gate = self.gate && self.scale.is_some();
        if (self.weight > Decimal::ZERO) != self.scale.is_some() && !bare_gate {
            problems.push(TemplateProblem::HalfDefined(self.code.clone()));
        }
        let Some(scale) = &self.scale else {
            if self.gate || self.critical {
                problems.push(TemplateProblem::NothingToFail(self.code.clone()));
            }
            return;
        };
        if !scale.is_monotone() {
            problems.push(TemplateProblem::NotMonotone {
                code: self.code.clone(),
                floor: scale.floor,
                target: scale.target,
                stretch: scale.stretch,
            });
        }
        if !scale.bands_are_steps() {
            problems.push(TemplateProblem::Bands(self.code.clone()));
        }
    }
}

/// The template a new installation starts with: category weights of DOMAIN §2.1, thresholds of DOMAIN §1.5.
///
/// Sustainability keeps its weight and waits for a KPI; until then coverage is at most 0.95.
#[must_use]
pub fn default_template() -> Template {
    use Volume::{Mean, Proportion};
    let reliability = vec![
        weighed(Kpi::OtpWin, 5, Proportion, "point"),
        weighed(Kpi::OtdDay, 10, Proportion, "point").critical(),
        weighed(Kpi::OtdWin, 10, Proportion, "point"),
        weighed(Kpi::Fads, 5, Proportion, "point"),
        weighed(Kpi::Attempts, 3, Mean, "attempt"),
        weighed(Kpi::DwellLm, 4, Mean, "h"),
        weighed(Kpi::Divert, 3, Proportion, "per 100"),
    ];
    let cost = vec![
        weighed(Kpi::Cvc, 15, Proportion, "point"),
        weighed(Kpi::AccRatio, 10, Proportion, "point"),
        informative("CPS"),
        informative("CPKG"),
    ];
    let communication = vec![weighed(Kpi::EdiTimely, 15, Proportion, "point")];
    let adaptability = vec![weighed(Kpi::Tar, 15, Proportion, "point").critical()];
    Template {
        version: "1".to_owned(),
        name: "Standard".to_owned(),
        categories: vec![
            category("RELIABILITY", "Reliability", 40, reliability),
            category("COST", "Cost", 25, cost),
            category("COMMUNICATION", "Communication", 15, communication),
            category("ADAPTABILITY", "Adaptability", 15, adaptability),
            category("SUSTAINABILITY", "Sustainability", 5, Vec::new()),
        ],
        terms: TemplateTerms::default(),
        scopes: Vec::new(),
    }
}

fn category(code: &str, title: &str, weight: i64, kpis: Vec<TemplateKpi>) -> Category {
    Category { code: code.to_owned(), title: title.to_owned(), weight: Decimal::from(weight), kpis }
}

/// A scored KPI, with the thresholds of the catalogue.
fn weighed(kpi: Kpi, weight: i64, volume: Volume, unit: &str) -> TemplateKpi {
    let scale = kpi.definition().thresholds;
    TemplateKpi {
        code: kpi.code().to_owned(),
        weight: Decimal::from(weight),
        scale: scale.map(|[floor, target, stretch]| Scale::linear(floor, target, stretch)),
        critical: false,
        gate: false,
        volume,
        unit: unit.to_owned(),
    }
}

fn informative(code: &str) -> TemplateKpi {
    TemplateKpi {
        code: code.to_owned(),
        weight: Decimal::ZERO,
        scale: None,
        critical: false,
        gate: false,
        volume: Volume::Proportion,
        unit: String::new(),
    }
}

impl TemplateKpi {
    /// Thresholds that run against what is better.
    #[must_use]
    pub fn wrong_way(&self, better: Better) -> Option<TemplateProblem> {
        self.scale.as_ref().filter(|scale| scale.is_monotone() && scale.better() != better)?;
        let (better, way) = match better {
            Better::Higher => ("more is better", "rise"),
            Better::Lower => ("less is better", "fall"),
        };
        Some(TemplateProblem::WrongWay { code: self.code.clone(), better, way })
    }

    fn critical(self) -> Self {
        Self { critical: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_template_may_be_agreed_and_survives_storage() {
        let template = default_template();
        assert_eq!(template.problems(), vec![]);
        let text = serde_json::to_string(&template).unwrap();
        assert_eq!(serde_json::from_str::<Template>(&text).unwrap(), template);
        assert_eq!(
            template.kpi("ATTEMPTS").unwrap().scale.as_ref().unwrap().points(d("1.10")),
            POINTS_AT_TARGET
        );
    }

    #[test]
    fn names_every_problem() {
        let mut template = default_template();
        template.categories[0].weight = d("45");
        template.categories[0].kpis[0].scale = Some(Scale::linear(d("95"), d("85"), d("98")));
        let repeated = template.categories[1].kpis[0].clone();
        template.categories[1].kpis.push(TemplateKpi { weight: Decimal::ZERO, scale: None, ..repeated });
        let problems = template.problems();
        assert!(problems.contains(&TemplateProblem::CategoryWeights(d("105"))));
        assert!(problems.iter().any(|p| matches!(p, TemplateProblem::KpiWeights { .. })));
        assert!(problems.iter().any(|p| matches!(p, TemplateProblem::NotMonotone { .. })));
        assert!(problems.contains(&TemplateProblem::Twice("CVC".into())));
    }

    #[test]
    fn bands_include_their_lower_bound_in_both_directions() {
        let bands = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(f, p)| Band { from: d(f), points: d(p) }).collect::<Vec<_>>()
        };
        let up = Scale {
            bands: bands(&[("90", "50"), ("95", "80"), ("98", "100")]),
            ..Scale::linear(d("85"), d("95"), d("98"))
        };
        assert_eq!(
            ["89.99", "90", "95", "99"].map(|v| up.points(d(v)).to_string()),
            ["0", "50", "80", "100"]
        );
        let down =
            Scale { bands: bands(&[("10", "50"), ("5", "100")]), ..Scale::linear(d("12"), d("8"), d("5")) };
        assert_eq!(["11", "10", "5"].map(|v| down.points(d(v)).to_string()), ["0", "50", "100"]);
        assert!(up.bands_are_steps() && down.bands_are_steps());
    }

    proptest::proptest! {
        #[test]
        fn a_better_value_never_scores_less(a in 0i64..2000, b in 0i64..2000, flip: bool) {
            let (floor, target, stretch) = if flip { (d("15"), d("8"), d("5")) } else { (d("85"), d("95"), d("98")) };
            let scale = Scale::linear(floor, target, stretch);
            let (a, b) = (Decimal::new(a, 1), Decimal::new(b, 1));
            if scale.reaches(a, b) {
                proptest::prop_assert!(scale.points(a) >= scale.points(b));
            }
        }
    }
}
