//! Scales: figures to positions, round tick values, and which labels fit.

use rust_decimal::{Decimal, RoundingStrategy};

use super::svg::{count, text_width};
use crate::domain::words;

/// A straight scale from figures to positions.
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    /// Distance of two ticks.
    pub step: f64,
}

impl Axis {
    /// Covers `low` to `high` with about `wanted` round steps, both ends widened to a tick.
    pub(super) fn round(low: f64, high: f64, wanted: f64, from: f64, to: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
        let step = round_step((high - low) / wanted);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, from, to, step }
    }

    /// Where a figure lies.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Tick values from low to high.
    pub(super) fn ticks(&self) -> Vec<f64> {
        const MOST_TICKS: u32 = 40;
        (0..MOST_TICKS)
            .map(|i| self.low + self.step * f64::from(i))
            .take_while(|tick| *tick <= self.high + self.step * 0.01)
            .collect()
    }

    /// A tick as text, with no more decimals than the step needs.
    pub(super) fn label(&self, tick: f64) -> String {
        let places = decimals_of(self.step);
        let text = format!("{:.places$}", tick.abs());
        let sign =
            if tick < 0.0 && text.contains(|digit: char| ('1'..='9').contains(&digit)) { "−" } else { "" };
        format!("{sign}{}", words::group(&text))
    }

    /// Decimals a figure on this scale is shown with: one more than its ticks, at least one.
    pub(super) fn places(&self) -> usize {
        decimals_of(self.step).max(1)
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(1e-9).log10().floor());
    let lead = rough / power;
    let factor = if lead <= 1.0 {
        1.0
    } else if lead <= 2.0 {
        2.0
    } else if lead <= 5.0 {
        5.0
    } else {
        10.0
    };
    factor * power
}

fn decimals_of(step: f64) -> usize {
    const MOST_PLACES: usize = 6;
    let mut places = 0;
    let mut scaled = step;
    while places < MOST_PLACES && (scaled - scaled.round()).abs() > 1e-6 * scaled {
        scaled *= 10.0;
        places = places.saturating_add(1);
    }
    places
}

/// A figure with a fixed number of decimals, half away from zero, with a real minus sign.
pub(super) fn figure(value: Decimal, places: usize) -> String {
    let scale = u32::try_from(places).unwrap_or_default();
    let rounded = value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    let sign = if rounded < Decimal::ZERO { "−" } else { "" };
    format!("{sign}{:.places$}", rounded.abs())
}

/// Which of equally spaced labels to write so that none overlap; the newest always is.
pub(super) fn shown_labels(labels: &[&str], spacing: f64) -> Vec<bool> {
    const AIR: f64 = 10.0;
    let widest = labels.iter().map(|l| text_width(l)).fold(0.0, f64::max) + AIR;
    let every = (1..=labels.len()).find(|k| count(*k) * spacing >= widest).unwrap_or(1).max(1);
    let last = labels.len().saturating_sub(1);
    (0..labels.len()).map(|i| last.abs_diff(i).is_multiple_of(every)).collect()
}
