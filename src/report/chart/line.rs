//! Lines over periods, each named at its end.

use rust_decimal::Decimal;

use super::axis::{Axis, shown_labels};
use super::svg::{Name, Svg, count, float, spread};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 270.0;
/// Room for an amount in the millions.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 512.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 228.0;
/// Two lines of text per name.
const NAME_GAP: f64 = 32.0;

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Written under the name, such as the last value; may be empty.
    pub note: String,
    /// One value per label, oldest first; `None` is a gap.
    pub values: Vec<Option<Decimal>>,
    /// Drawn in the other colour and dashed.
    pub alternative: bool,
}

/// The words of a line chart.
#[derive(Clone, Copy, Debug)]
pub struct LineText<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What the chart shows, with its unit.
    pub title: &'a str,
    /// What the zero line is, such as `Version 3, in force`; the scale then includes zero.
    pub zero: Option<&'a str>,
}

/// Draws up to a handful of lines over the same `labels`.
#[must_use]
pub fn line_chart(lines: &[Line], labels: &[&str], text: &LineText<'_>) -> String {
    let name = Name { id: text.id, title: text.title, description: "", has_links: false };
    let mut svg = Svg::chart("chart", WIDTH, HEIGHT, &name);
    let values = || lines.iter().flat_map(|l| &l.values).flatten().map(|v| float(*v));
    let zero = text.zero.map(|_| 0.0);
    let low = values().chain(zero).fold(f64::INFINITY, f64::min);
    let high = values().chain(zero).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        svg.text("mid", f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM), "no data");
        return svg.finish();
    }
    let y = Axis::round(low, high, 4.0, BOTTOM, TOP);
    for tick in y.ticks() {
        let is_zero = text.zero.is_some() && tick.abs() < y.step / 2.0;
        svg.horizontal(if is_zero { "zero" } else { "axis" }, LEFT - 6.0, RIGHT, y.at(tick));
        svg.text("end", LEFT - 12.0, y.at(tick) + 4.0, &y.label(tick));
    }
    let step = (RIGHT - LEFT) / count(labels.len().saturating_sub(1).max(1));
    let x = |index: usize| LEFT + step * count(index);
    draw_lines(&mut svg, lines, &y, &x, text);
    let shown = shown_labels(labels, step);
    for (index, (label, _)) in labels.iter().zip(shown).enumerate().filter(|(_, (_, shown))| *shown) {
        svg.text("mid", x(index), BOTTOM + 30.0, label);
    }
    svg.finish()
}

fn draw_lines(svg: &mut Svg, lines: &[Line], y: &Axis, x: &dyn Fn(usize) -> f64, text: &LineText<'_>) {
    let mut ends = Vec::new();
    for line in lines {
        let points: Vec<Option<(f64, f64)>> =
            line.values.iter().enumerate().map(|(i, v)| v.map(|v| (x(i), y.at(float(v))))).collect();
        svg.line(if line.alternative { "series alt" } else { "series" }, &points);
        // A value between two gaps has no line; a dot keeps it in sight.
        for alone in points.split(Option::is_none).filter(|stretch| stretch.len() == 1) {
            for (x, y) in alone.iter().flatten() {
                svg.circle("pt", *x, *y, 3.5);
            }
        }
        let end = points.iter().rev().flatten().next().copied();
        ends.push(end.map_or(BOTTOM, |(_, y)| y));
    }
    if text.zero.is_some() {
        ends.push(y.at(0.0));
    }
    let placed = spread(&ends, NAME_GAP);
    // Names pushed off the bottom move up together.
    let overflow = placed.iter().fold(0.0, |most: f64, p| most.max(p - BOTTOM));
    let mut places = placed.into_iter().map(|p| p - overflow);
    for (line, at) in lines.iter().zip(&mut places) {
        svg.text("strong", RIGHT + 6.0, at, &line.name);
        svg.text("", RIGHT + 6.0, at + 15.0, &line.note);
    }
    if let (Some(words), Some(at)) = (text.zero, places.next()) {
        svg.text("", RIGHT + 6.0, at + 4.0, words);
    }
}
