//! The capacity plan week by week: what is committed, what the forecast asks beyond it, and what was agreed.

use rust_decimal::Decimal;

use super::Width;
use super::axis::{Axis, figure, shown_labels};
use super::svg::{Name, Svg, count, float, text_width};

const HEIGHT: f64 = 270.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 228.0;
/// Widest a bar gets.
const WIDEST: f64 = 44.0;

/// One week of the plan, in loads.
#[derive(Clone, Debug)]
pub struct PlanWeek {
    /// Name on the axis, such as `30`.
    pub label: String,
    /// Middle forecast.
    pub forecast: Decimal,
    /// Range the forecast is given with.
    pub range: Option<(Decimal, Decimal)>,
    /// The solid part, such as what partners committed; none while they have not answered.
    pub committed: Option<Decimal>,
    /// The dashed line, such as what the contract asks for.
    pub contract: Option<Decimal>,
}

/// The words of the chart.
#[derive(Clone, Copy, Debug)]
pub struct WeeksText<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What the chart shows.
    pub title: &'a str,
    /// Written at the left of the axis labels' row, such as `week of 2025`.
    pub axis_note: &'a str,
    /// What the solid bar is, such as `committed`.
    pub solid: &'a str,
    /// How much of what may come the whisker holds, such as `8 weeks in 10`.
    pub range: &'a str,
    /// What the dashed line is, such as `contract`.
    pub line: &'a str,
}

/// Draws one bar a week: solid what is committed, hollow what the forecast asks beyond it, a whisker for the
/// forecast's range and a dashed line for the contract.
#[must_use]
pub fn stacked_weeks(weeks: &[PlanWeek], text: &WeeksText<'_>, width: Width) -> String {
    let name =
        Name { id: text.id, title: text.title, description: &description(weeks, text), has_links: false };
    let mut svg = Svg::chart(width.class(), width.units(), HEIGHT, &name);
    let right = width.units() - 12.0;
    let highest = weeks.iter().flat_map(all_of).map(float).fold(1.0, f64::max);
    let y = Axis::round(0.0, highest, 4.0, BOTTOM, TOP);
    for tick in y.ticks() {
        svg.horizontal(if tick > 0.0 { "axis" } else { "zero" }, LEFT, right, y.at(tick));
        svg.text("end", LEFT - 8.0, y.at(tick) + 4.0, &y.label(tick));
    }
    let slot = (right - LEFT) / count(weeks.len().max(1));
    let bar = (slot * 0.6).min(WIDEST);
    for (index, week) in weeks.iter().enumerate() {
        let middle = LEFT + slot * (count(index) + 0.5);
        draw_week(&mut svg, week, &y, (middle, bar, slot));
    }
    let labels: Vec<&str> = weeks.iter().map(|w| w.label.as_str()).collect();
    let shown = shown_labels(&labels, slot);
    for (index, (label, _)) in labels.iter().zip(shown).enumerate().filter(|(_, (_, shown))| *shown) {
        svg.text("mid", LEFT + slot * (count(index) + 0.5), BOTTOM + 18.0, label);
    }
    svg.text("end", right, BOTTOM + 38.0, text.axis_note);
    key(&mut svg, weeks, text);
    svg.finish()
}

fn all_of(week: &PlanWeek) -> impl Iterator<Item = Decimal> {
    let high = week.range.map(|r| r.1);
    [Some(week.forecast), high, week.committed, week.contract].into_iter().flatten()
}

fn draw_week(svg: &mut Svg, week: &PlanWeek, y: &Axis, (middle, bar, slot): (f64, f64, f64)) {
    let left = middle - bar / 2.0;
    let committed = float(week.committed.unwrap_or_default());
    let forecast = float(week.forecast);
    if forecast > committed {
        svg.rect("pt hollow", left, y.at(forecast), bar, y.at(committed) - y.at(forecast));
    }
    if committed > 0.0 {
        svg.rect("pt", left, y.at(committed), bar, BOTTOM - y.at(committed));
    }
    if let Some((low, high)) = week.range {
        // Beside the bar, for a line across a solid bar cannot be seen.
        svg.vertical("zero", left + bar + 4.0, y.at(float(high)), y.at(float(low)));
        svg.horizontal("zero", left + bar + 1.0, left + bar + 7.0, y.at(forecast));
    }
    if let Some(contract) = week.contract {
        svg.horizontal("limit", middle - slot / 2.0 + 2.0, middle + slot / 2.0 - 2.0, y.at(float(contract)));
    }
}

/// Names what is drawn, and only that.
fn key(svg: &mut Svg, weeks: &[PlanWeek], text: &WeeksText<'_>) {
    const ROW: f64 = 14.0;
    let mut x = LEFT;
    let word = |svg: &mut Svg, x: &mut f64, words: &str| {
        svg.text("", *x + 16.0, ROW + 4.0, words);
        *x += 16.0 + text_width(words) + 18.0;
    };
    svg.rect("pt", x, ROW - 5.0, 10.0, 10.0);
    word(svg, &mut x, text.solid);
    svg.rect("pt hollow", x, ROW - 5.0, 10.0, 10.0);
    word(svg, &mut x, "forecast beyond it");
    if weeks.iter().any(|week| week.range.is_some()) {
        svg.vertical("zero", x + 5.0, ROW - 7.0, ROW + 7.0);
        word(svg, &mut x, text.range);
    }
    if weeks.iter().any(|week| week.contract.is_some()) {
        svg.horizontal("limit", x - 2.0, x + 12.0, ROW);
        word(svg, &mut x, text.line);
    }
}

fn description(weeks: &[PlanWeek], text: &WeeksText<'_>) -> String {
    let sum = |pick: fn(&PlanWeek) -> Option<Decimal>| weeks.iter().filter_map(pick).sum::<Decimal>();
    let answered = weeks.iter().filter(|w| w.committed.is_some()).count();
    format!(
        "{} weeks, forecast {} loads, {} {} loads in {answered} weeks.",
        weeks.len(),
        figure(sum(|w| Some(w.forecast)), 0),
        text.solid,
        figure(sum(|w| w.committed), 0)
    )
}
