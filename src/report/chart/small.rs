//! Drawings that sit in a table row: interval bar, sparkline, Pareto bar, percentile band.

use rust_decimal::Decimal;

use super::axis::figure;
use super::svg::{Svg, count, float};
use crate::domain::scorecard::{Scale, plain};

/// A value with its interval against the thresholds.
#[derive(Clone, Copy, Debug)]
pub struct IntervalBar<'a> {
    /// The value in the KPI's unit.
    pub value: Decimal,
    /// 95 % interval in the same unit; none for money, durations and ratios of sums.
    pub interval: Option<(Decimal, Decimal)>,
    /// The thresholds; floor, target and stretch make the shared scale.
    pub scale: &'a Scale,
    /// Written after the value in the text name, such as `\u{a0}%`.
    pub unit: &'a str,
}

/// Value, 95 % interval and target tick on one scale for all KPIs: left end floor, right end stretch.
#[must_use]
pub fn interval_bar(bar: &IntervalBar<'_>) -> String {
    const LEFT: f64 = 4.0;
    const SPAN: f64 = 124.0;
    const THINNEST: f64 = 2.0;
    let points = Scale { bands: Vec::new(), ..bar.scale.clone() };
    let x = |value: Decimal| LEFT + SPAN * float(points.points(value)) / 100.0;
    let range = bar.interval.map(|(low, high)| points.worse_then_better(low, high));
    let mut svg = Svg::inline("ivl", 132.0, 16.0, false, Some(&interval_name(bar)));
    svg.horizontal("base", LEFT, LEFT + SPAN, 8.0);
    if let Some((worse, better)) = range {
        let class = if points.reaches(better, points.target) { "ci" } else { "ci under" };
        let (from, to) = (x(worse), x(better));
        svg.rect(class, from, 5.0, (to - from).max(THINNEST), 6.0);
    }
    svg.vertical("tick", x(points.target), 0.0, 16.0);
    svg.circle("pt", x(bar.value), 8.0, 4.0);
    svg.finish()
}

fn interval_name(bar: &IntervalBar<'_>) -> String {
    let fine = bar.scale.target.abs() < Decimal::from(5);
    let shown = |value| figure(value, if fine { 2 } else { 1 });
    let range = bar.interval.map_or_else(
        || "no interval".to_owned(),
        |(low, high)| format!("95\u{a0}% interval {} to {}", shown(low), shown(high)),
    );
    format!("{}{}, {range}, target {}", shown(bar.value), bar.unit, plain(bar.scale.target))
}

/// The shape of a few periods, oldest first, beside its number. `None` is a gap, never a zero.
#[must_use]
pub fn sparkline(values: &[Option<Decimal>], label: &str) -> String {
    const TOP: f64 = 3.0;
    const BOTTOM: f64 = 15.0;
    let known = || values.iter().flatten().map(|v| float(*v));
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let step = 60.0 / count(values.len().saturating_sub(1).max(1));
    let y = |value: f64| {
        if high > low { BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP) } else { (TOP + BOTTOM) / 2.0 }
    };
    let points: Vec<Option<(f64, f64)>> =
        values.iter().enumerate().map(|(i, v)| v.map(|v| (2.0 + step * count(i), y(float(v))))).collect();
    let mut svg = Svg::inline("spark", 64.0, 18.0, false, Some(label));
    svg.line("", &points);
    if let Some((x, y)) = points.iter().rev().flatten().next() {
        svg.circle("pt", *x, *y, 2.0);
    }
    svg.finish()
}

/// Whose fault a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The partner's.
    Theirs,
    /// The shipper's or the receiver's.
    Ours,
    /// Nobody's, such as weather.
    Nobody,
}

/// The bar of one cause; `share` is its count over the largest cause's, 0–1. The row carries the words.
#[must_use]
pub fn pareto_bar(share: Decimal, party: Party) -> String {
    let class = match party {
        Party::Theirs => "theirs",
        Party::Ours => "ours",
        Party::Nobody => "nobody",
    };
    let mut svg = Svg::inline("pareto", 120.0, 12.0, true, None);
    svg.rect(class, 0.5, 1.0, (119.0 * float(share).clamp(0.0, 1.0)).max(1.0), 10.0);
    svg.finish()
}

/// Where a partner stands among its peers, 0–100, in bands only.
#[must_use]
pub fn percentile_bar(percentile: Decimal) -> String {
    let place = float(percentile).clamp(0.0, 100.0);
    let half = match place {
        p if p < 25.0 => "in the lowest quarter",
        p if p > 75.0 => "in the top quarter",
        _ => "in the middle half",
    };
    let name = format!("Percentile {} of 100, {half}", figure(percentile, 0));
    let mut svg = Svg::inline("chart slim", 600.0, 34.0, true, Some(&name));
    svg.rect("band", 150.0, 6.0, 300.0, 22.0);
    svg.path("zero", "M0 28H600");
    svg.path("axis", "M150 6V28M450 6V28");
    svg.rect("pt", (place * 6.0 - 3.0).clamp(0.0, 594.0), 4.0, 6.0, 26.0);
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_bar_puts_every_kpi_on_one_scale() {
        let scale = Scale::linear(d("85"), d("95"), d("98"));
        let bar = IntervalBar {
            value: d("96.2"),
            interval: Some((d("93.9"), d("97.6"))),
            scale: &scale,
            unit: "\u{a0}%",
        };
        let svg = interval_bar(&bar);
        assert!(svg.contains("96.2\u{a0}%, 95\u{a0}% interval 93.9 to 97.6, target 95"), "{svg}");
        assert!(svg.contains(r#"<circle class="pt" cx="113.1" cy="8" r="4"/>"#), "{svg}");
        assert!(svg.contains(r#"<path class="tick" d="M103.2 0V16"/>"#), "{svg}");
        let lower = Scale::linear(d("110"), d("100"), d("95"));
        let svg = interval_bar(&IntervalBar {
            value: d("101.5"),
            interval: Some((d("100.9"), d("102.1"))),
            scale: &lower,
            unit: "",
        });
        assert!(svg.contains(r#"<rect class="ci under" x="82.4" y="5" width="11.9""#), "{svg}");
    }

    #[test]
    fn a_sparkline_breaks_where_there_is_no_data() {
        let values = ["3", "4", "-", "5", "6"].map(|v| v.parse().ok());
        let svg = sparkline(&values, "a < b & \"c\"");
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot;"));
        assert!(!sparkline(&[], "no data").contains("NaN"));
    }
}
