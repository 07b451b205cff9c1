//! The control chart: values with their mean and limits above, moving ranges below, signals named on the point.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::Width;
use super::axis::{Axis, figure, shown_labels};
use super::svg::{Name, Svg, count, float, spread, text_width};
use crate::domain::signal::{Change, Signal, XmrChart, XmrPoint};

const HEIGHT: f64 = 366.0;
const TOP: f64 = 25.0;
const BOTTOM: f64 = 230.0;
const RANGE_TOP: f64 = 277.0;
const RANGE_BOTTOM: f64 = 330.0;
const LEFT: f64 = 34.0;
/// Room for the words beside the lines.
const RIGHT_WORDS: f64 = 134.0;
const LABEL_GAP: f64 = 14.0;
/// Signals told in the description; the table behind the chart has all.
const MOST_TOLD: usize = 6;

/// The words of a control chart.
#[derive(Clone, Copy, Debug)]
pub struct ControlText<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What the chart shows, such as `Delivery on time by week, weeks 11 to 26`.
    pub title: &'a str,
    /// What one point is, such as `Week`.
    pub period: &'a str,
    /// Written after the last axis label, such as `week of 2025`.
    pub axis_note: &'a str,
    /// Written after a value, such as `\u{a0}%`.
    pub unit: &'a str,
    /// What the KPI can take at least and most; limits are drawn no further.
    pub clip: Option<(Decimal, Decimal)>,
}

struct Plot<'a> {
    chart: &'a XmrChart,
    text: &'a ControlText<'a>,
    y: Axis,
    limits: (Decimal, Decimal),
    right: f64,
    step: f64,
    places: usize,
}

/// Draws the chart.
#[must_use]
pub fn control_chart(chart: &XmrChart, text: &ControlText<'_>, width: Width) -> String {
    let plot = Plot::new(chart, text, width);
    let description = plot.description();
    let name = Name { id: text.id, title: text.title, description: &description, has_links: false };
    let mut svg = Svg::chart(width.class(), width.units(), HEIGHT, &name);
    plot.baseline(&mut svg);
    plot.lines(&mut svg);
    plot.values(&mut svg);
    plot.named_signal(&mut svg);
    plot.ranges(&mut svg);
    plot.periods(&mut svg);
    svg.finish()
}

impl<'a> Plot<'a> {
    fn new(chart: &'a XmrChart, text: &'a ControlText<'a>, width: Width) -> Self {
        let limits = text.clip.map_or((chart.lower, chart.upper), |(a, b)| chart.shown_limits(a, b));
        let values = || chart.points.iter().map(|p| float(p.value));
        let low = values().fold(float(limits.0), f64::min);
        let high = values().fold(float(limits.1), f64::max);
        let y = Axis::round(low, high, 5.0, BOTTOM, TOP);
        let right = width.units() - RIGHT_WORDS;
        let gaps = count(chart.points.len().saturating_sub(1).max(1));
        let step = (right - LEFT - 32.0) / gaps;
        Self { chart, text, places: y.places(), y, limits, right, step }
    }

    fn x(&self, index: usize) -> f64 {
        LEFT + 18.0 + self.step * count(index)
    }

    fn label(&self, index: usize) -> &str {
        self.chart.points.get(index).map_or("", |p| p.label.as_str())
    }

    fn description(&self) -> String {
        let c = self.chart;
        let fine = self.places.saturating_add(1);
        let mut words = format!(
            "Mean {}, limits {} to {}.",
            figure(c.mean, fine),
            figure(self.limits.0, fine),
            figure(self.limits.1, fine)
        );
        let skipped = c.signals.len().saturating_sub(MOST_TOLD);
        for (point, signal) in c.signals.iter().skip(skipped).filter_map(|s| Some((self.point(s)?, s))) {
            let _ = write!(words, " {}: {}.", self.point_words(point), signal_words(signal));
        }
        if c.signals.is_empty() {
            words.push_str(" No signal.");
        }
        words
    }

    fn point(&self, signal: &Signal) -> Option<&XmrPoint> {
        self.chart.points.get(signal.index)
    }

    fn point_words(&self, point: &XmrPoint) -> String {
        let value = figure(point.value, self.places);
        format!("{} {}: {value}{}, n {}", self.text.period, point.label, self.text.unit, point.n)
    }

    fn baseline(&self, svg: &mut Svg) {
        let last = self.chart.baseline.saturating_sub(1);
        let from = self.x(0) - 14.0;
        svg.rect("band", from, TOP, self.x(last) + 14.0 - from, BOTTOM - TOP);
        let words = format!("Baseline, {} to {}, frozen", self.label(0), self.label(last));
        svg.text("on", from + 6.0, TOP - 8.0, &words);
    }

    fn lines(&self, svg: &mut Svg) {
        for tick in self.y.ticks() {
            svg.text("end", LEFT - 6.0, self.y.at(tick) + 4.0, &self.y.label(tick));
        }
        let fine = self.places.saturating_add(1);
        let rows = [
            ("limit", "Upper limit", self.limits.1),
            ("limit", "Lower limit", self.limits.0),
            ("zero", "Mean", self.chart.mean),
        ];
        let heights = rows.map(|(_, _, value)| self.y.at(float(value)));
        for (((class, words, value), y), beside) in rows.iter().zip(heights).zip(spread(&heights, LABEL_GAP))
        {
            svg.horizontal(class, LEFT, self.right, y);
            svg.text("", self.right + 8.0, beside + 4.0, &format!("{words} {}", figure(*value, fine)));
        }
    }

    fn values(&self, svg: &mut Svg) {
        let points: Vec<(f64, f64)> =
            self.chart.points.iter().enumerate().map(|(i, p)| self.spot(i, p)).collect();
        svg.line("series", &points.iter().copied().map(Some).collect::<Vec<_>>());
        for (index, (x, y)) in points.into_iter().enumerate() {
            if self.change_at(index) == Some(Change::Deteriorated) {
                svg.circle("pt bad", x, y, 5.0);
                svg.circle("ring", x, y, 9.0);
            } else if self.change_at(index).is_some() {
                svg.circle("pt hollow", x, y, 5.0);
            } else {
                svg.circle("pt", x, y, 3.5);
            }
        }
    }

    /// The worst thing said of a point.
    fn change_at(&self, index: usize) -> Option<Change> {
        let mut changes = self.chart.signals.iter().filter(|s| s.index == index).map(|s| s.change);
        let first = changes.next()?;
        Some(if changes.any(|c| c == Change::Deteriorated) { Change::Deteriorated } else { first })
    }

    /// Only the newest signal is written out, or words would cover the line.
    fn named_signal(&self, svg: &mut Svg) {
        let Some(newest) = self.chart.signals.iter().map(|s| s.index).max() else { return };
        let here = || self.chart.signals.iter().filter(|s| s.index == newest);
        let worst = here().find(|s| s.change == Change::Deteriorated);
        let Some(signal) = worst.or_else(|| here().next()) else { return };
        let Some(point) = self.point(signal) else { return };
        let (x, y) = self.spot(newest, point);
        let at_left = x > f64::midpoint(LEFT, self.right);
        let side = if at_left { " end" } else { "" };
        let away = |distance: f64| if at_left { x - distance } else { x + distance };
        let (value, words) = (self.point_words(point), signal_words(signal));
        let wide = text_width(&value).max(text_width(&words));
        let line = self.free_line(y, (away(40.0), away(40.0 + wide)));
        // With a leader when it is bad news: straight to words beside the point, or down and up to them.
        let strong = if signal.change == Change::Deteriorated {
            let beside = line.clamp(y - 10.0, y + 10.0);
            if (line - y).abs() > 20.0 {
                svg.vertical("leader", x, beside, line);
            }
            let from = if (line - y).abs() > 20.0 { 0.0 } else { 10.0 };
            svg.horizontal("leader", away(from), away(36.0), line);
            "bad"
        } else {
            "strong"
        };
        svg.text(&format!("{strong}{side}"), away(40.0), line - 4.0, &value);
        svg.text(side.trim_start(), away(40.0), line + 12.0, &words);
    }

    fn spot(&self, index: usize, point: &XmrPoint) -> (f64, f64) {
        (self.x(index), self.y.at(float(point.value)))
    }

    /// Where two lines of words between these ends cover no point, as near as can be to `y`.
    fn free_line(&self, y: f64, ends: (f64, f64)) -> f64 {
        /// Room that the words and the rings of points need above and below the line.
        const ROOM: (f64, f64) = (26.0, 26.0);
        const STEPS: [f64; 11] = [0.0, 24.0, -24.0, 40.0, -40.0, 60.0, -60.0, 90.0, -90.0, 130.0, -130.0];
        let (from, to) = (ends.0.min(ends.1) - 12.0, ends.0.max(ends.1) + 12.0);
        let among: Vec<f64> = self
            .chart
            .points
            .iter()
            .enumerate()
            .map(|(index, point)| self.spot(index, point))
            .filter(|(x, _)| (from..=to).contains(x))
            .map(|(_, y)| y)
            .collect();
        let inside = |line: f64| line.clamp(TOP + 12.0, BOTTOM - 12.0);
        let is_free = |line: &f64| among.iter().all(|y| *y < line - ROOM.0 || *y > line + ROOM.1);
        STEPS.iter().map(|step| inside(y + step)).find(is_free).unwrap_or_else(|| inside(y))
    }

    fn ranges(&self, svg: &mut Svg) {
        let widest = self.chart.points.iter().filter_map(|p| p.moving_range).map(float).fold(0.0, f64::max);
        let most = widest.max(float(self.chart.range_limit)).max(f64::MIN_POSITIVE);
        let y = |value: f64| RANGE_BOTTOM - value / most * (RANGE_BOTTOM - RANGE_TOP);
        let limit = y(float(self.chart.range_limit));
        svg.horizontal("axis", LEFT, self.right, RANGE_BOTTOM);
        svg.horizontal("limit", LEFT, self.right, limit);
        let fine = self.places.saturating_add(1);
        let words = format!("Range limit {}", figure(self.chart.range_limit, fine));
        svg.text("", self.right + 8.0, limit + 4.0, &words);
        svg.text("", LEFT, RANGE_TOP - 8.0, "Moving range, point to point");
        for (index, range) in
            self.chart.points.iter().enumerate().filter_map(|(i, p)| Some((i, p.moving_range?)))
        {
            svg.vertical("series", self.x(index), RANGE_BOTTOM, y(float(range)));
        }
    }

    fn periods(&self, svg: &mut Svg) {
        let labels: Vec<&str> = self.chart.points.iter().map(|p| p.label.as_str()).collect();
        let shown = shown_labels(&labels, self.step);
        for (index, (label, _)) in labels.iter().zip(shown).enumerate().filter(|(_, (_, shown))| *shown) {
            svg.text("mid", self.x(index), RANGE_BOTTOM + 20.0, label);
        }
        svg.text("", self.right + 8.0, RANGE_BOTTOM + 20.0, self.text.axis_note);
    }
}

fn signal_words(signal: &Signal) -> String {
    format!("{}: {}", signal.rule.words(signal.direction), signal.change.words().to_lowercase())
}
