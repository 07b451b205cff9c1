//! Signal or noise: the XmR process behaviour chart with its four rules, and the period-on-period reading
//! (DOMAIN §2.6). Limits come from a frozen baseline; no rule is mixed in from another set.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::domain::interval::{Difference, newcombe};

/// Fewest successive values a baseline may have.
pub const MIN_BASELINE: usize = 12;
/// Most successive values a baseline takes before it is frozen.
pub const MAX_BASELINE: usize = 24;
/// Fewest units behind a plotted ratio; below it the chart needs a longer period.
pub const MIN_UNITS_PER_POINT: i64 = 20;
/// XR2: this many successive points on one side of the mean.
const RUN_LENGTH: usize = 8;
/// XR3: at least `NEAR_NEEDED` of this many successive points close to one limit.
const NEAR_WINDOW: usize = 4;
const NEAR_NEEDED: usize = 3;
/// 2.66: average moving range to natural process limit.
const LIMIT_FACTOR: Decimal = Decimal::from_parts(266, 0, 0, false, 2);
/// 3.27: average moving range to the limit of the moving range.
const RANGE_FACTOR: Decimal = Decimal::from_parts(327, 0, 0, false, 2);

/// Which way a KPI is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Better {
    /// More is better, such as on-time delivery.
    Higher,
    /// Less is better, such as dwell.
    Lower,
}

/// What a change says about the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Change {
    /// Better beyond chance.
    Improved,
    /// Worse beyond chance.
    Deteriorated,
    /// Chance alone explains it.
    NotDetectable,
    /// Nothing to compare with.
    NoData,
}

/// The four rules, one set (DOMAIN §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rule {
    /// A point strictly outside a limit.
    Xr1,
    /// Eight successive points on one side of the mean.
    Xr2,
    /// Three of four successive points closer to one limit than to the mean.
    Xr3,
    /// A moving range strictly above its limit.
    Xr4,
}

/// Which way the values moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Direction {
    /// The values rose.
    Up,
    /// The values fell.
    Down,
}

/// One value to plot, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Name on the axis, such as `26` for week 26.
    pub label: String,
    /// The value in the KPI's unit; percent for proportions.
    pub value: Decimal,
    /// Units behind the value.
    pub n: i64,
}

/// A plotted value with the distance from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmrPoint {
    /// Name on the axis.
    pub label: String,
    /// The value in the KPI's unit.
    pub value: Decimal,
    /// Units behind the value.
    pub n: i64,
    /// `|value − previous value|`; none for the first.
    pub moving_range: Option<Decimal>,
}

/// A rule that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The point that completed it, counted from 0.
    pub index: usize,
    /// The rule.
    pub rule: Rule,
    /// The way of the move.
    pub direction: Direction,
    /// What it says, given which way is better.
    pub change: Change,
}

/// A chart: points, unrounded limits of the frozen baseline, and the signals in order of point and rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmrChart {
    /// All points, oldest first, the baseline included.
    pub points: Vec<XmrPoint>,
    /// How many of the first points made the limits.
    pub baseline: usize,
    /// Which way is better.
    pub better: Better,
    /// Mean of the baseline.
    pub mean: Decimal,
    /// Lower natural process limit, not clipped.
    pub lower: Decimal,
    /// Upper natural process limit, not clipped.
    pub upper: Decimal,
    /// Limit of the moving range.
    pub range_limit: Decimal,
    /// What fired.
    pub signals: Vec<Signal>,
}

/// Why there is no chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChart {
    /// The series is too short to say what is usual.
    #[error("{have} of the {MIN_BASELINE} periods a control chart needs")]
    TooFewPoints {
        /// Values at hand.
        have: usize,
    },
    /// A ratio over a handful of units would only show chance.
    #[error(
        "period {label} has {n} units and a control chart needs {MIN_UNITS_PER_POINT} in each; use a longer period"
    )]
    ThinPoint {
        /// The period.
        label: String,
        /// Its units.
        n: i64,
    },
}

/// Draws the chart's judgement from successive values; the first `baseline` of them (12 to 24) freeze the limits.
///
/// After an accepted shift, pass only the values since the shift.
///
/// # Errors
/// [`NoChart`] with the reason to print in place of the chart.
pub fn xmr(observations: &[Observation], baseline: usize, better: Better) -> Result<XmrChart, NoChart> {
    if observations.len() < MIN_BASELINE {
        return Err(NoChart::TooFewPoints { have: observations.len() });
    }
    if let Some(thin) = observations.iter().find(|o| o.n < MIN_UNITS_PER_POINT) {
        return Err(NoChart::ThinPoint { label: thin.label.clone(), n: thin.n });
    }
    let baseline = baseline.clamp(MIN_BASELINE, MAX_BASELINE).min(observations.len());
    let points = with_ranges(observations);
    let mean = average(points.iter().take(baseline).map(|p| p.value));
    let usual_range = average(points.iter().take(baseline).filter_map(|p| p.moving_range));
    let mut chart = XmrChart {
        baseline,
        better,
        mean,
        lower: mean - LIMIT_FACTOR * usual_range,
        upper: mean + LIMIT_FACTOR * usual_range,
        range_limit: RANGE_FACTOR * usual_range,
        signals: Vec::new(),
        points,
    };
    chart.signals = signals(&chart);
    Ok(chart)
}

impl XmrChart {
    /// The limits as shown: kept inside what the KPI can take. Rules always use the unclipped ones.
    #[must_use]
    pub fn shown_limits(&self, least: Decimal, most: Decimal) -> (Decimal, Decimal) {
        (self.lower.max(least), self.upper.min(most))
    }

    /// The signals of the newest point.
    pub fn newest_signals(&self) -> impl Iterator<Item = &Signal> {
        let last = self.points.len().saturating_sub(1);
        self.signals.iter().filter(move |s| s.index == last)
    }

    /// The newest point's reading, worst first when two rules disagree.
    #[must_use]
    pub fn reading(&self) -> Change {
        let mut reading = Change::NotDetectable;
        for signal in self.newest_signals() {
            if signal.change == Change::Deteriorated || reading == Change::NotDetectable {
                reading = signal.change;
            }
        }
        reading
    }
}

impl Direction {
    /// What the move says, given which way is better.
    #[must_use]
    pub fn change(self, better: Better) -> Change {
        match (self, better) {
            (Self::Up, Better::Higher) | (Self::Down, Better::Lower) => Change::Improved,
            (Self::Up, Better::Lower) | (Self::Down, Better::Higher) => Change::Deteriorated,
        }
    }
}

impl Change {
    /// `Improved`, `Deteriorated`, `No detectable change`, `No data`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Improved => "Improved",
            Self::Deteriorated => "Deteriorated",
            Self::NotDetectable => "No detectable change",
            Self::NoData => "No data",
        }
    }
}

impl Rule {
    /// What the rule saw, in plain words; `direction` names the side.
    #[must_use]
    pub fn words(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Xr1, Direction::Down) => "outside the lower limit (rule 1)",
            (Self::Xr1, Direction::Up) => "outside the upper limit (rule 1)",
            (Self::Xr2, Direction::Down) => "8 in a row below the mean (rule 2)",
            (Self::Xr2, Direction::Up) => "8 in a row above the mean (rule 2)",
            (Self::Xr3, Direction::Down) => "3 of 4 near the lower limit (rule 3)",
            (Self::Xr3, Direction::Up) => "3 of 4 near the upper limit (rule 3)",
            (Self::Xr4, Direction::Down) => "an unusually large drop (rule 4)",
            (Self::Xr4, Direction::Up) => "an unusually large rise (rule 4)",
        }
    }
}

/// A proportion now against before, with its interval and its reading (DOMAIN §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodChange {
    /// The difference as fractions; none when a side has nothing to judge.
    pub difference: Option<Difference>,
    /// What it says.
    pub change: Change,
}

/// Reads `now` against `before`, each `(successes, total)`.
#[must_use]
pub fn period_change(now: (i64, i64), before: (i64, i64), better: Better) -> PeriodChange {
    let difference = newcombe(now, before);
    let change = match difference {
        None => Change::NoData,
        Some(d) if !d.is_detectable() => Change::NotDetectable,
        Some(d) if d.delta > Decimal::ZERO => Direction::Up.change(better),
        Some(_) => Direction::Down.change(better),
    };
    PeriodChange { difference, change }
}

impl PeriodChange {
    /// `−3.0 points, 95 % interval −6.3 to +0.2`, or `no data`.
    #[must_use]
    pub fn words(&self) -> String {
        self.difference.map_or_else(
            || "no data".to_owned(),
            |d| {
                let range = d.interval.percent();
                format!(
                    "{} points, 95 % interval {} to {}",
                    signed(d.delta * Decimal::ONE_HUNDRED, 1),
                    signed(range.low, 1),
                    signed(range.high, 1)
                )
            },
        )
    }
}

/// A value with a plus or a real minus sign, rounded half away from zero.
#[must_use]
pub fn signed(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let sign = match rounded.cmp(&Decimal::ZERO) {
        std::cmp::Ordering::Less => "−",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "+",
    };
    let width = usize::try_from(places).unwrap_or_default();
    format!("{sign}{:.width$}", rounded.abs())
}

fn with_ranges(observations: &[Observation]) -> Vec<XmrPoint> {
    let mut previous: Option<Decimal> = None;
    observations
        .iter()
        .map(|o| {
            let moving_range = previous.map(|p| (o.value - p).abs());
            previous = Some(o.value);
            XmrPoint { label: o.label.clone(), value: o.value, n: o.n, moving_range }
        })
        .collect()
}

fn average(values: impl Iterator<Item = Decimal>) -> Decimal {
    let (sum, count) = values.fold((Decimal::ZERO, 0_u32), |(s, n), v| (s + v, n.saturating_add(1)));
    sum / Decimal::from(count.max(1))
}

/// Every rule at every point. A run or cluster is named once, at the point that completes it.
fn signals(chart: &XmrChart) -> Vec<Signal> {
    let mut found = Vec::new();
    let mut run: (Option<Direction>, usize) = (None, 0);
    let mut clustered: Option<Direction> = None;
    for (index, point) in chart.points.iter().enumerate() {
        let mut push = |rule, direction: Direction| {
            found.push(Signal { index, rule, direction, change: direction.change(chart.better) });
        };
        if point.value < chart.lower {
            push(Rule::Xr1, Direction::Down);
        } else if point.value > chart.upper {
            push(Rule::Xr1, Direction::Up);
        }
        let side = side_of_mean(chart, point.value);
        run = if side.is_some() && side == run.0 {
            (side, run.1.saturating_add(1))
        } else {
            (side, usize::from(side.is_some()))
        };
        if let (Some(direction), RUN_LENGTH) = run {
            push(Rule::Xr2, direction);
        }
        let cluster = cluster_at(chart, index);
        if let Some(direction) = cluster.filter(|_| cluster != clustered) {
            push(Rule::Xr3, direction);
        }
        clustered = cluster;
        if point.moving_range.is_some_and(|range| range > chart.range_limit) {
            let before = index.checked_sub(1).and_then(|i| chart.points.get(i)).map(|p| p.value);
            push(Rule::Xr4, if before < Some(point.value) { Direction::Up } else { Direction::Down });
        }
    }
    found
}

fn side_of_mean(chart: &XmrChart, value: Decimal) -> Option<Direction> {
    match value.cmp(&chart.mean) {
        std::cmp::Ordering::Less => Some(Direction::Down),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Direction::Up),
    }
}

/// The side a point is on when it is closer to that side's limit than to the mean.
fn near_limit(chart: &XmrChart, value: Decimal) -> Option<Direction> {
    let side = side_of_mean(chart, value)?;
    let limit = match side {
        Direction::Up => chart.upper,
        Direction::Down => chart.lower,
    };
    let beyond = (value - chart.mean).abs() > (limit - chart.mean).abs();
    (beyond || (value - limit).abs() < (value - chart.mean).abs()).then_some(side)
}

/// XR3: the point itself is near a limit, and so are at least three of the last four, itself included.
fn cluster_at(chart: &XmrChart, index: usize) -> Option<Direction> {
    let start = index.checked_sub(NEAR_WINDOW - 1)?;
    let window = chart.points.get(start..=index)?;
    let side = near_limit(chart, window.last()?.value)?;
    let near = window.iter().filter(|p| near_limit(chart, p.value) == Some(side)).count();
    (near >= NEAR_NEEDED).then_some(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SC2: &str = "95.1 94.3 96.0 95.4 93.8 95.2 94.9 96.1 95.0 94.4 95.7 94.5";

    fn weeks(text: &str) -> Vec<Observation> {
        text.split(' ')
            .enumerate()
            .map(|(i, v)| Observation { label: (i + 1).to_string(), value: v.parse().unwrap(), n: 100 })
            .collect()
    }

    #[test]
    fn the_baseline_stays_frozen() {
        let before = xmr(&weeks(SC2), 12, Better::Higher).unwrap();
        let after = xmr(&weeks(&format!("{SC2} 80 70 60")), 12, Better::Higher).unwrap();
        assert_eq!((before.lower, before.upper), (after.lower, after.upper));
    }

    #[test]
    fn says_why_there_is_no_chart() {
        let short = xmr(&weeks("95 96"), 12, Better::Higher).unwrap_err();
        assert_eq!(short.to_string(), "2 of the 12 periods a control chart needs");
        let mut thin = weeks(SC2);
        thin[3].n = 7;
        assert!(matches!(xmr(&thin, 12, Better::Higher), Err(NoChart::ThinPoint { n: 7, .. })));
    }

    #[test]
    fn a_change_inside_chance_is_not_called_one() {
        let change = period_change((372, 400), (384, 400), Better::Higher);
        assert_eq!(change.change, Change::NotDetectable);
        assert_eq!(change.words(), "−3.0 points, 95 % interval −6.3 to +0.2");
        assert_eq!(period_change((0, 0), (3, 4), Better::Higher).words(), "no data");
        assert_eq!(period_change((56, 70), (48, 80), Better::Lower).change, Change::Deteriorated);
    }
}
