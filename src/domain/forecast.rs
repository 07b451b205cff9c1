//! Weekly demand forecasts for a lane: thirteen weeks ahead, with quantiles (DOMAIN §6.2).
//!
//! Demand means loads *wanted* (tendered, including those that went to spot or were cancelled for
//! lack of capacity), never loads moved. The method follows from the length of the history and from
//! how often there is demand at all; between several methods a rolling-origin evaluation decides.
//!
//! The recursions are the published ones (simple exponential smoothing, damped Holt, additive
//! Holt-Winters, Croston with the Syntetos–Boylan correction) with parameters from small fixed grids.
//! They use only the four basic operations, so every machine gives the same forecast, and all origins
//! are scored in one pass over the history: 2,000 lanes of 104 weeks take well under a second.
#![expect(
    clippy::float_arithmetic,
    reason = "forecasts are estimates; loads leave this module as whole numbers"
)]

use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// Weeks forecast: the length of the joint plan (DOMAIN §6.1).
pub const HORIZON_WEEKS: usize = 13;
/// Longest history read, ten years. Callers cut older weeks off.
pub const MAX_WEEKS: usize = 520;
/// Most lanes in one call of [`forecast_lanes`]; larger networks plan region by region.
pub const MAX_LANES: usize = 50_000;
/// Most loads of one lane in one week; a larger figure is a mapping error.
pub const MAX_LOADS_PER_WEEK: i64 = 1_000_000;
/// Weeks in a season.
pub const SEASON_WEEKS: usize = 52;
/// Histories shorter than this are forecast by their mean, and flagged.
pub const SHORT_HISTORY_WEEKS: usize = 8;
/// From here on there are two seasons, so seasonal methods compete.
pub const SEASONAL_HISTORY_WEEKS: usize = 104;
/// Fewer loads a year than this are planned as a pool of lanes.
pub const POOLED_LOADS_PER_YEAR: usize = 12;
/// Fewest origins that may decide between methods.
pub const MIN_ORIGINS: usize = 8;
/// Most origins used: half a year, so that a method which was good long ago does not win.
pub const MAX_ORIGINS: usize = 26;
/// Weeks ahead that are scored when methods compete.
pub const SCORED_WEEKS: usize = 4;
/// Croston's smoothing constant (DOMAIN §6.2).
pub const CROSTON_ALPHA: f64 = 0.1;

/// Weeks seen before the first origin may forecast.
const MIN_TRAINING_WEEKS: usize = 4;
/// Fewest residuals behind a quantile; nearer horizons are added until they are reached.
const MIN_RESIDUALS: usize = 8;
/// Mean weeks between demands from which a lane is intermittent, in hundredths.
const INTERMITTENT_ADI_HUNDREDTHS: usize = 132;

const SES_ALPHAS: [f64; 6] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8];
const HOLT_GRID: [(f64, f64, f64); 8] = [
    (0.1, 0.05, 0.9),
    (0.1, 0.05, 0.98),
    (0.3, 0.1, 0.9),
    (0.3, 0.1, 0.98),
    (0.5, 0.1, 0.9),
    (0.5, 0.3, 0.9),
    (0.8, 0.1, 0.9),
    (0.8, 0.3, 0.9),
];
const WINTERS_GRID: [(f64, f64, f64); 6] = [
    (0.05, 0.01, 0.1),
    (0.1, 0.01, 0.3),
    (0.2, 0.05, 0.1),
    (0.3, 0.05, 0.3),
    (0.3, 0.1, 0.2),
    (0.5, 0.05, 0.1),
];

/// How a lane was forecast (DOMAIN §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Mean of the weeks there are (at most the last 52).
    Mean,
    /// The last week again.
    Naive,
    /// The same week a year earlier.
    SeasonalNaive,
    /// Simple exponential smoothing.
    ExponentialSmoothing,
    /// Holt's trend, damped.
    DampedHolt,
    /// Holt-Winters with additive season of 52 weeks.
    HoltWinters,
    /// Croston with the Syntetos–Boylan correction, for intermittent demand.
    CrostonSba,
}

impl Method {
    /// Stored code, also the serde form.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Mean => "MEAN",
            Self::Naive => "NAIVE",
            Self::SeasonalNaive => "SEASONAL_NAIVE",
            Self::ExponentialSmoothing => "EXPONENTIAL_SMOOTHING",
            Self::DampedHolt => "DAMPED_HOLT",
            Self::HoltWinters => "HOLT_WINTERS",
            Self::CrostonSba => "CROSTON_SBA",
        }
    }

    /// Words for a page.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Mean => "average of past weeks",
            Self::Naive => "same as last week",
            Self::SeasonalNaive => "same week last year",
            Self::ExponentialSmoothing => "smoothed level",
            Self::DampedHolt => "smoothed level with a fading trend",
            Self::HoltWinters => "level, trend and season",
            Self::CrostonSba => "occasional demand (Croston, corrected)",
        }
    }
}

/// What a reader must know before trusting the forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Flag {
    /// Under eight weeks of history.
    ShortHistory,
    /// Under twelve loads a year: plan it with its zone or region, see [`pool`].
    Pooled,
    /// Eight to fourteen weeks: too few origins to compare methods.
    FewOrigins,
    /// No method beat the (seasonal) naive benchmark.
    NoBetterThanNaive,
}

impl Flag {
    /// Stored code, also the serde form.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ShortHistory => "SHORT_HISTORY",
            Self::Pooled => "POOLED",
            Self::FewOrigins => "FEW_ORIGINS",
            Self::NoBetterThanNaive => "NO_BETTER_THAN_NAIVE",
        }
    }

    /// Words for a page.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ShortHistory => "under eight weeks of history",
            Self::Pooled => "under twelve loads a year: plan with its region",
            Self::FewOrigins => "history too short to compare methods",
            Self::NoBetterThanNaive => "no method beat repeating the past",
        }
    }
}

/// One forecast week, in whole loads (half rounds up, [`whole_loads`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastPoint {
    /// A quarter of weeks need no more.
    pub p25: i64,
    /// Half of weeks need no more.
    pub p50: i64,
    /// Three quarters of weeks need no more; above the base it triggers surge (DOMAIN §6.5).
    pub p75: i64,
    /// Nine weeks in ten need no more.
    pub p90: i64,
    /// The point forecast.
    pub mean: i64,
}

/// Forecast errors over the scored origins (or over given actuals, [`accuracy`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Mean absolute error ÷ in-sample mean |y(t) − y(t−m)|; missing when that scale is zero.
    pub mase: Option<f64>,
    /// Σ|a−f| ÷ Σa, a fraction; missing when Σa is zero.
    pub wape: Option<f64>,
    /// Σ(f−a) ÷ Σa, a fraction, above zero for too high; missing when Σa is zero.
    pub bias: Option<f64>,
}

/// Thirteen weeks of one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The method behind the points.
    pub method: Method,
    /// As in [`Accuracy::mase`]; missing also when there was nothing to score.
    pub mase: Option<f64>,
    /// As in [`Accuracy::wape`].
    pub wape: Option<f64>,
    /// As in [`Accuracy::bias`].
    pub bias: Option<f64>,
    /// [`HORIZON_WEEKS`] points, the week after the history first.
    pub points: Vec<ForecastPoint>,
    /// The caveat to show, if any.
    pub flag: Option<Flag>,
}

/// Why a history cannot be forecast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// Not one week.
    #[error("the lane has no weekly history yet; import tenders or shipments first")]
    NoHistory,
    /// Longer than [`MAX_WEEKS`].
    #[error("the history has {0} weeks; pass the newest {MAX_WEEKS} at most")]
    TooManyWeeks(usize),
    /// More than [`MAX_LANES`].
    #[error("{0} lanes in one run; plan at most {MAX_LANES} at a time, region by region")]
    TooManyLanes(usize),
    /// Negative or absurd.
    #[error(
        "week {week} of the history (1 is the oldest) says {loads} loads; expected 0 to {MAX_LOADS_PER_WEEK}"
    )]
    BadLoads {
        /// Position, 1 is the oldest week.
        week: usize,
        /// The figure found.
        loads: i64,
    },
}

/// Forecasts one lane from loads wanted per ISO week, oldest first, weeks without demand as 0.
///
/// Intermittent lanes keep Croston even where the naive method scores better: their typical week is
/// zero, so repeating it wins on absolute error and plans nothing. The flag tells.
///
/// # Errors
/// [`ForecastError`] for an empty, overlong or impossible history.
pub fn forecast(history: &[i64]) -> Result<Forecast, ForecastError> {
    let y = checked(history)?;
    if y.len() < SHORT_HISTORY_WEEKS {
        return Ok(by_mean(&y, Flag::ShortHistory));
    }
    if is_low_volume(history) {
        return Ok(by_mean(&y, Flag::Pooled));
    }
    if is_intermittent(history) {
        return Ok(single(&y, Method::CrostonSba));
    }
    if scored_origins(y.len()) < MIN_ORIGINS {
        let mut forecast = single(&y, Method::ExponentialSmoothing);
        forecast.flag = Some(Flag::FewOrigins);
        return Ok(forecast);
    }
    Ok(compete(&y))
}

/// [`forecast`] for many lanes, in the order given.
///
/// # Errors
/// [`ForecastError::TooManyLanes`]; what is wrong with a single lane stays in its own result.
pub fn forecast_lanes(histories: &[Vec<i64>]) -> Result<Vec<Result<Forecast, ForecastError>>, ForecastError> {
    if histories.len() > MAX_LANES {
        return Err(ForecastError::TooManyLanes(histories.len()));
    }
    Ok(histories.iter().map(|h| forecast(h)).collect())
}

/// Adds the histories of low-volume lanes to one, aligned at the newest week (DOMAIN §6.2).
#[must_use]
pub fn pool(histories: &[&[i64]]) -> Vec<i64> {
    let weeks = histories.iter().map(|h| h.len()).max().unwrap_or(0);
    let mut sum = vec![0_i64; weeks];
    for history in histories {
        for (total, loads) in sum.iter_mut().rev().zip(history.iter().rev()) {
            *total = total.saturating_add(*loads);
        }
    }
    sum
}

/// Errors of `forecast` against `actual`, scaled by `history` at season length `m` (1 or 52).
///
/// Also the shipper's published forecast accuracy beside `COMMIT_ADH` (DOMAIN §6.1). Pairs beyond the
/// shorter of the two are left out.
#[must_use]
pub fn accuracy(history: &[i64], actual: &[i64], forecast: &[i64], m: usize) -> Accuracy {
    let history: Vec<f64> = history.iter().map(|&v| load(v)).collect();
    let mut score = Score::default();
    for (&a, &f) in actual.iter().zip(forecast) {
        score.add(load(a), load(f));
    }
    score.accuracy(naive_scale(&history, m))
}

/// Loads leave as whole numbers: never below zero, half rounds up.
#[must_use]
pub fn whole_loads(value: f64) -> i64 {
    (value.max(0.0) + 0.5).floor().to_i64().unwrap_or(MAX_LOADS_PER_WEEK).min(MAX_LOADS_PER_WEEK)
}

/// A ratio in ten-thousandths for storage as an integer, half away from zero.
#[must_use]
pub fn ten_thousandths(ratio: f64) -> Option<i64> {
    (ratio * 10_000.0).round().to_i64()
}

// --- classes -----------------------------------------------------------------------------------

fn checked(history: &[i64]) -> Result<Vec<f64>, ForecastError> {
    if history.is_empty() {
        return Err(ForecastError::NoHistory);
    }
    if history.len() > MAX_WEEKS {
        return Err(ForecastError::TooManyWeeks(history.len()));
    }
    for (at, &loads) in history.iter().enumerate() {
        if !(0..=MAX_LOADS_PER_WEEK).contains(&loads) {
            return Err(ForecastError::BadLoads { week: at + 1, loads });
        }
    }
    Ok(history.iter().map(|&v| load(v)).collect())
}

/// Exact: checked loads are far below 2^53.
fn load(value: i64) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

fn count(value: usize) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

/// A history under a year is taken at its own pace.
fn is_low_volume(history: &[i64]) -> bool {
    let weeks = history.len().min(SEASON_WEEKS);
    let loads: i64 = history.iter().rev().take(weeks).sum();
    usize::try_from(loads).is_ok_and(|l| l * SEASON_WEEKS < POOLED_LOADS_PER_YEAR * weeks)
}

/// Mean inter-demand interval of 1.32 weeks or more.
fn is_intermittent(history: &[i64]) -> bool {
    let demands = history.iter().filter(|&&v| v > 0).count();
    history.len() * 100 >= demands * INTERMITTENT_ADI_HUNDREDTHS
}

fn scored_origins(weeks: usize) -> usize {
    (weeks + 1).saturating_sub(MIN_TRAINING_WEEKS + SCORED_WEEKS).min(MAX_ORIGINS)
}

// --- choosing ----------------------------------------------------------------------------------

fn by_mean(y: &[f64], flag: Flag) -> Forecast {
    let recent: Vec<f64> = y.iter().rev().take(SEASON_WEEKS).copied().collect();
    let mean = recent.iter().sum::<f64>() / count(recent.len());
    // Too little to try the method on held-out weeks: the spread is that of the weeks themselves.
    let residuals = sorted(recent.iter().map(|v| v - mean).collect());
    let point = point(mean, &residuals);
    Forecast {
        method: Method::Mean,
        mase: None,
        wape: None,
        bias: None,
        points: vec![point; HORIZON_WEEKS],
        flag: Some(flag),
    }
}

/// One method without rivals; a Croston that loses to naive says so.
fn single(y: &[f64], method: Method) -> Forecast {
    let trial = Trial::run(y, method);
    let accuracy = trial.score(y).accuracy(naive_scale(y, 1));
    let flag = accuracy.mase.filter(|&m| m >= 1.0).map(|_| Flag::NoBetterThanNaive);
    trial.forecast(y, accuracy, flag)
}

/// Lowest MASE wins, the benchmark when nothing gets below 1. The scale is common to all methods.
fn compete(y: &[f64]) -> Forecast {
    let seasonal = y.len() >= SEASONAL_HISTORY_WEEKS;
    let (m, benchmark) = if seasonal { (SEASON_WEEKS, Method::SeasonalNaive) } else { (1, Method::Naive) };
    let scale = naive_scale(y, m);
    let mut rivals = vec![Method::ExponentialSmoothing, Method::DampedHolt];
    if seasonal {
        rivals.push(Method::HoltWinters);
    }
    let mut best: Option<(f64, Trial, Accuracy)> = None;
    for method in rivals {
        let trial = Trial::run(y, method);
        let accuracy = trial.score(y).accuracy(scale);
        // No scale means every week repeats: nothing can beat the benchmark.
        let Some(mase) = accuracy.mase.filter(|&v| v < 1.0) else { continue };
        if best.as_ref().is_none_or(|(lowest, ..)| mase < *lowest) {
            best = Some((mase, trial, accuracy));
        }
    }
    if let Some((_, trial, accuracy)) = best {
        return trial.forecast(y, accuracy, None);
    }
    let trial = Trial::run(y, benchmark);
    let accuracy = trial.score(y).accuracy(scale);
    trial.forecast(y, accuracy, Some(Flag::NoBetterThanNaive))
}

/// In-sample mean |y(t) − y(t−m)|.
fn naive_scale(y: &[f64], m: usize) -> Option<f64> {
    let pairs = y.len().checked_sub(m).filter(|&n| n > 0 && m > 0)?;
    let total: f64 = y.iter().skip(m).zip(y).map(|(a, b)| (a - b).abs()).sum();
    Some(total / count(pairs)).filter(|&s| s > 0.0)
}

#[derive(Default)]
struct Score {
    pairs: usize,
    actual: f64,
    absolute: f64,
    signed: f64,
}

impl Score {
    fn add(&mut self, actual: f64, forecast: f64) {
        self.pairs += 1;
        self.actual += actual;
        self.absolute += (actual - forecast).abs();
        self.signed += forecast - actual;
    }

    fn accuracy(&self, scale: Option<f64>) -> Accuracy {
        if self.pairs == 0 {
            return Accuracy::default();
        }
        let of_actual = |v: f64| (self.actual > 0.0).then(|| v / self.actual);
        Accuracy {
            mase: scale.map(|s| self.absolute / count(self.pairs) / s),
            wape: of_actual(self.absolute),
            bias: of_actual(self.signed),
        }
    }
}

type Path = [f64; HORIZON_WEEKS];

/// What a method would have said at each origin, and says now.
struct Trial {
    method: Method,
    /// (weeks known, forecast of the weeks after), oldest first.
    origins: Vec<(usize, Path)>,
    now: Path,
}

impl Trial {
    /// One pass per parameter set. At each origin the set with the least squared one-week error *so
    /// far* speaks, so no origin knows its own future.
    fn run(y: &[f64], method: Method) -> Self {
        let needed = if matches!(method, Method::HoltWinters | Method::SeasonalNaive) {
            SEASON_WEEKS
        } else {
            MIN_TRAINING_WEEKS
        };
        let first = needed.max(y.len().saturating_sub(MAX_ORIGINS + SCORED_WEEKS - 1));
        let mut best: Vec<(f64, Path)> =
            vec![(f64::INFINITY, [0.0; HORIZON_WEEKS]); (y.len() + 1).saturating_sub(first)];
        for mut model in models(method) {
            let mut squares = 0.0;
            for (known, &value) in (1..).zip(y) {
                let error = model.step(value).unwrap_or(0.0);
                squares += error * error;
                let Some(slot) = usize::checked_sub(known, first).and_then(|at| best.get_mut(at)) else {
                    continue;
                };
                if squares < slot.0 {
                    *slot = (squares, model.path());
                }
            }
        }
        let mut origins: Vec<(usize, Path)> = (first..).zip(best).map(|(at, (_, path))| (at, path)).collect();
        let now = origins.pop().map_or([0.0; HORIZON_WEEKS], |(_, path)| path);
        Self { method, origins, now }
    }

    /// Errors one to four weeks ahead, over the origins that see all four.
    fn score(&self, y: &[f64]) -> Score {
        let mut score = Score::default();
        for (known, path) in self.origins.iter().filter(|(known, _)| known + SCORED_WEEKS <= y.len()) {
            for (actual, said) in y.iter().skip(*known).zip(path).take(SCORED_WEEKS) {
                score.add(*actual, *said);
            }
        }
        score
    }

    fn forecast(&self, y: &[f64], accuracy: Accuracy, flag: Option<Flag>) -> Forecast {
        let points = self
            .now
            .iter()
            .enumerate()
            .map(|(ahead, &mean)| point(mean, &self.residuals(y, ahead)))
            .collect();
        Forecast {
            method: self.method,
            mase: accuracy.mase,
            wape: accuracy.wape,
            bias: accuracy.bias,
            points,
            flag,
        }
    }

    /// Residuals at that horizon, sorted; with too few of them, nearer horizons join.
    fn residuals(&self, y: &[f64], ahead: usize) -> Vec<f64> {
        let mut found = Vec::new();
        for horizon in (0..=ahead).rev() {
            for (known, path) in &self.origins {
                if let (Some(actual), Some(said)) = (y.get(known + horizon), path.get(horizon)) {
                    found.push(actual - said);
                }
            }
            if found.len() >= MIN_RESIDUALS {
                break;
            }
        }
        sorted(found)
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn point(mean: f64, residuals: &[f64]) -> ForecastPoint {
    let at = |percent: usize| {
        // Nearest rank, ⌈q·n⌉, the rule of the reserve (DOMAIN §6.5).
        let rank = (percent * residuals.len()).div_ceil(100);
        whole_loads(mean + residuals.get(rank.saturating_sub(1)).copied().unwrap_or(0.0))
    };
    ForecastPoint { p25: at(25), p50: at(50), p75: at(75), p90: at(90), mean: whole_loads(mean) }
}

// --- recursions --------------------------------------------------------------------------------

fn models(method: Method) -> Vec<Model> {
    match method {
        // The mean never competes; `by_mean` forecasts it.
        Method::Mean | Method::Naive => vec![Model::Naive { last: None }],
        Method::SeasonalNaive => vec![Model::SeasonalNaive { past: Vec::new() }],
        Method::ExponentialSmoothing => SES_ALPHAS.iter().map(|&a| Model::ses(a)).collect(),
        Method::DampedHolt => HOLT_GRID.iter().map(|&(a, b, phi)| Model::holt(a, b, phi)).collect(),
        Method::HoltWinters => {
            WINTERS_GRID.iter().map(|&(a, b, g)| Model::Winters(Winters::new(a, b, g))).collect()
        }
        Method::CrostonSba => vec![Model::Croston(Croston::new(CROSTON_ALPHA))],
    }
}

/// State of a method after the weeks seen so far.
enum Model {
    Naive {
        last: Option<f64>,
    },
    SeasonalNaive {
        past: Vec<f64>,
    },
    /// Level with damped trend; without trend (`beta` 0) it is simple exponential smoothing.
    Holt {
        alpha: f64,
        beta: f64,
        phi: f64,
        state: Option<(f64, f64)>,
    },
    Winters(Winters),
    Croston(Croston),
}

impl Model {
    fn ses(alpha: f64) -> Self {
        Self::holt(alpha, 0.0, 0.0)
    }

    fn holt(alpha: f64, beta: f64, phi: f64) -> Self {
        Self::Holt { alpha, beta, phi, state: None }
    }

    /// Takes in one week; gives the error of its one-week forecast where there was one.
    fn step(&mut self, y: f64) -> Option<f64> {
        match self {
            Self::Naive { last } => last.replace(y).map(|said| y - said),
            Self::SeasonalNaive { past } => {
                past.push(y);
                None
            }
            Self::Holt { alpha, beta, phi, state } => {
                let Some((level, trend)) = *state else {
                    *state = Some((y, 0.0));
                    return None;
                };
                let said = level + *phi * trend;
                let next = *alpha * y + (1.0 - *alpha) * said;
                *state = Some((next, *beta * (next - level) + (1.0 - *beta) * *phi * trend));
                Some(y - said)
            }
            Self::Winters(winters) => winters.step(y),
            Self::Croston(croston) => croston.step(y),
        }
    }

    /// The thirteen weeks ahead, floored at zero.
    fn path(&self) -> Path {
        let mut path = [0.0; HORIZON_WEEKS];
        let mut damping = 0.0;
        let mut power = 1.0;
        for (ahead, slot) in path.iter_mut().enumerate() {
            let value = match self {
                Self::Naive { last } => last.unwrap_or(0.0),
                Self::SeasonalNaive { past } => {
                    let at = (past.len() + ahead).checked_sub(SEASON_WEEKS);
                    at.and_then(|i| past.get(i)).copied().unwrap_or(0.0)
                }
                Self::Holt { phi, state, .. } => {
                    power *= *phi;
                    damping += power;
                    state.map_or(0.0, |(level, trend)| level + damping * trend)
                }
                Self::Winters(winters) => winters.ahead(ahead),
                Self::Croston(croston) => croston.per_week(),
            };
            *slot = value.max(0.0);
        }
        path
    }
}

/// Additive Holt-Winters (DOMAIN §6.2).
struct Winters {
    alpha: f64,
    beta: f64,
    gamma: f64,
    level: f64,
    trend: f64,
    /// One effect per week of the season, by week seen modulo the season.
    season: Vec<f64>,
    seen: usize,
}

impl Winters {
    fn new(alpha: f64, beta: f64, gamma: f64) -> Self {
        Self { alpha, beta, gamma, level: 0.0, trend: 0.0, season: Vec::with_capacity(SEASON_WEEKS), seen: 0 }
    }

    /// The first season sets level (its mean) and effects; the trend starts flat.
    fn step(&mut self, y: f64) -> Option<f64> {
        let at = self.seen % SEASON_WEEKS;
        self.seen += 1;
        if self.seen <= SEASON_WEEKS {
            self.season.push(y);
            if self.seen == SEASON_WEEKS {
                self.level = self.season.iter().sum::<f64>() / count(SEASON_WEEKS);
                let level = self.level;
                self.season.iter_mut().for_each(|s| *s -= level);
            }
            return None;
        }
        let effect = self.season.get(at).copied().unwrap_or(0.0);
        let said = self.level + self.trend + effect;
        let (level, trend, effect) = self.update(y, effect);
        (self.level, self.trend) = (level, trend);
        if let Some(slot) = self.season.get_mut(at) {
            *slot = effect;
        }
        Some(y - said)
    }

    fn update(&self, y: f64, season: f64) -> (f64, f64, f64) {
        let carried = self.level + self.trend;
        let level = self.alpha * (y - season) + (1.0 - self.alpha) * carried;
        let trend = self.beta * (level - self.level) + (1.0 - self.beta) * self.trend;
        (level, trend, self.gamma * (y - carried) + (1.0 - self.gamma) * season)
    }

    fn ahead(&self, ahead: usize) -> f64 {
        let effect = self.season.get((self.seen + ahead) % SEASON_WEEKS).copied().unwrap_or(0.0);
        self.level + count(ahead + 1) * self.trend + effect
    }
}

/// Croston's size and interval, corrected by Syntetos–Boylan (DOMAIN §6.2).
struct Croston {
    alpha: f64,
    gap: f64,
    /// (size z, interval p) since the first demand.
    state: Option<(f64, f64)>,
}

impl Croston {
    fn new(alpha: f64) -> Self {
        Self { alpha, gap: 0.0, state: None }
    }

    fn step(&mut self, y: f64) -> Option<f64> {
        let error = self.state.map(|_| y - self.per_week());
        self.gap += 1.0;
        if y > 0.0 {
            let keep = 1.0 - self.alpha;
            self.state = Some(match self.state {
                None => (y, self.gap),
                Some((z, p)) => (self.alpha * y + keep * z, self.alpha * self.gap + keep * p),
            });
            self.gap = 0.0;
        }
        error
    }

    fn per_week(&self) -> f64 {
        self.state.map_or(0.0, |(z, p)| (1.0 - self.alpha / 2.0) * z / p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(got: f64, want: f64, places: i32) {
        assert!((got - want).abs() < 0.5 * 10_f64.powi(-places), "{got} is not {want}");
    }

    #[test]
    fn c1_measures_of_a_seasonal_naive_forecast() {
        let history = [40, 52, 61, 45, 42, 55, 60, 47, 44, 54, 66, 49];
        let got = accuracy(&history, &[46, 58, 65, 50], &history[8..], 4);
        close(got.mase.unwrap(), 0.842, 3);
        close(got.wape.unwrap(), 0.0365, 4);
        close(got.bias.unwrap(), -0.0274, 4);
        assert_eq!(ten_thousandths(got.wape.unwrap()), Some(365));
    }

    #[test]
    fn c2_croston_with_the_syntetos_boylan_correction() {
        let mut croston = Croston::new(0.1);
        for y in [0, 0, 5, 0, 0, 0, 4, 0, 6, 0] {
            croston.step(f64::from(y));
        }
        let (z, p) = croston.state.unwrap();
        close(z, 5.010, 3);
        close(p, 2.990, 3);
        close(z / p, 1.6756, 4);
        close(croston.per_week(), 1.5918, 4);
    }

    #[test]
    fn c3_one_update_of_holt_winters() {
        let mut winters = Winters::new(0.3, 0.1, 0.2);
        (winters.level, winters.trend) = (120.0, 1.5);
        let (level, trend, season) = winters.update(118.0, -8.0);
        close(level, 122.850, 3);
        close(trend, 1.6350, 4);
        close(season, -7.10, 2);
    }

    #[test]
    fn a_short_history_is_its_mean_and_says_so() {
        let got = forecast(&[4, 6, 8]).unwrap();
        assert_eq!((got.method, got.flag), (Method::Mean, Some(Flag::ShortHistory)));
        assert_eq!(got.points[12], ForecastPoint { p25: 4, p50: 6, p75: 8, p90: 8, mean: 6 });
        assert_eq!(forecast(&[]), Err(ForecastError::NoHistory));
        assert_eq!(forecast(&[1, -1]), Err(ForecastError::BadLoads { week: 2, loads: -1 }));
    }

    #[test]
    fn eleven_loads_a_year_are_pooled_and_twelve_are_not() {
        let mut year = vec![0; 52];
        (0..11).for_each(|i| year[i * 4] = 1);
        assert_eq!(forecast(&year).unwrap().flag, Some(Flag::Pooled));
        year[50] = 1;
        assert_eq!(forecast(&year).unwrap().method, Method::CrostonSba);
        assert_eq!(pool(&[&[1, 2, 3], &[10]]), vec![1, 2, 13]);
    }

    #[test]
    fn a_clean_season_is_found() {
        let wave = |t: usize| if t % 52 < 26 { 100 } else { 40 };
        let noise = |t: usize| i64::try_from(t * 7 % 11).unwrap();
        let history: Vec<i64> = (0..130).map(|t| wave(t) + noise(t)).collect();
        let got = forecast(&history).unwrap();
        assert!(matches!(got.method, Method::SeasonalNaive | Method::HoltWinters), "{got:?}");
        for (ahead, point) in got.points.iter().enumerate() {
            assert!((point.mean - wave(130 + ahead) - 5).abs() <= 12, "{ahead} {point:?}");
        }
    }

    #[test]
    fn a_constant_lane_repeats_itself() {
        for weeks in [15, 104] {
            let got = forecast(&vec![7; weeks]).unwrap();
            assert_eq!(got.points[0], ForecastPoint { p25: 7, p50: 7, p75: 7, p90: 7, mean: 7 });
            assert_eq!((got.mase, got.flag), (None, Some(Flag::NoBetterThanNaive)));
        }
    }

    proptest! {
        #[test]
        fn every_forecast_is_ordered_whole_and_repeatable(history in prop::collection::vec(0_i64..60, 1..160)) {
            let got = forecast(&history).unwrap();
            prop_assert_eq!(got.points.len(), HORIZON_WEEKS);
            for p in &got.points {
                prop_assert!(0 <= p.p25 && p.p25 <= p.p50 && p.p50 <= p.p75 && p.p75 <= p.p90);
            }
            prop_assert!(got.mase.is_none_or(f64::is_finite));
            prop_assert_eq!(got, forecast(&history).unwrap());
        }
    }
}
