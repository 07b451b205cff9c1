//! Spend against score: where attention pays.

use rust_decimal::Decimal;

use super::axis::{Axis, figure};
use super::svg::{Name, Svg, float, text_width};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 348.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 612.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 300.0;

/// One partner.
#[derive(Clone, Debug)]
pub struct ScatterPoint {
    /// Its name, as short as fits beside the point.
    pub name: String,
    /// Its whole name.
    pub title: String,
    /// Where the point leads; none where it leads nowhere, as in an e-mail.
    pub href: Option<String>,
    /// Spend in currency units.
    pub spend: Decimal,
    /// Published score, 0–100.
    pub score: Decimal,
    /// To be picked out, such as the partner to fix first.
    pub marked: bool,
}

/// The words of the chart.
#[derive(Clone, Copy, Debug)]
pub struct ScatterText<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// What the chart shows.
    pub title: &'a str,
    /// What spend is, such as `Spend in the last 12 months`.
    pub spend: &'a str,
    /// Currency code or sign.
    pub currency: &'a str,
    /// The score that parts good from weak.
    pub good_from: Decimal,
    /// What that score means, such as `Preferred from 80`.
    pub good_words: &'a str,
}

type Area = (f64, f64, f64, f64);

/// Spend is shown in units, thousands or millions.
struct Unit {
    divisor: f64,
    digits: u32,
    words: &'static str,
}

impl Unit {
    fn exact(&self) -> Decimal {
        Decimal::from(10_i64.pow(self.digits))
    }
}

/// Draws the chart: dashed lines at the median spend and the good score part it in four.
#[must_use]
pub fn spend_scatter(points: &[ScatterPoint], text: &ScatterText<'_>) -> String {
    let has_links = points.iter().any(|p| p.href.is_some());
    let name = Name { id: text.id, title: text.title, description: "", has_links };
    let mut svg = Svg::chart("chart", WIDTH, HEIGHT, &name);
    let most = points.iter().map(|p| float(p.spend)).fold(0.0, f64::max);
    let unit = unit_of(most);
    let x = Axis::round(0.0, (most / unit.divisor).max(1.0), 5.0, LEFT, RIGHT);
    let lowest = points.iter().map(|p| float(p.score)).fold(float(text.good_from) - 20.0, f64::min);
    // Below the lowest point there is room for the words of the corners.
    let y = Axis::round((lowest - 5.0).max(0.0), 100.0, 5.0, BOTTOM, TOP);
    let median = median_of(points);
    let (split_x, split_y) = (x.at(float(median) / unit.divisor), y.at(float(text.good_from)));
    svg.rect("band", split_x, split_y, RIGHT - split_x, BOTTOM - split_y);
    for tick in y.ticks() {
        let at = y.at(tick);
        svg.text("end", LEFT - 8.0, at + 4.0, &y.label(tick));
        if at < BOTTOM {
            svg.horizontal("axis", LEFT, RIGHT, at);
        }
    }
    svg.horizontal("zero", LEFT, RIGHT, BOTTOM);
    svg.horizontal("limit", LEFT, RIGHT, split_y);
    svg.vertical("limit", split_x, TOP, BOTTOM);
    for tick in x.ticks() {
        svg.text("mid", x.at(tick), BOTTOM + 18.0, &x.label(tick));
    }
    let in_unit = median / unit.exact();
    let words =
        format!("{}, {}{} (dashed: median {})", text.spend, text.currency, unit.words, figure(in_unit, 2));
    svg.text("mid", f64::midpoint(LEFT, RIGHT), BOTTOM + 40.0, &words);
    let mut taken = corner_words(&mut svg, split_y, text);
    let places: Vec<(f64, f64)> =
        points.iter().map(|p| (x.at(float(p.spend) / unit.divisor), y.at(float(p.score)))).collect();
    taken.extend(places.iter().map(|(x, y)| (x - 5.0, y - 5.0, x + 5.0, y + 5.0)));
    for (point, place) in points.iter().zip(places) {
        draw_point(&mut svg, point, place, &mut taken);
    }
    svg.finish()
}

fn corner_words(svg: &mut Svg, split_y: f64, text: &ScatterText<'_>) -> Vec<Area> {
    let words = [
        ("", LEFT + 8.0, TOP + 14.0, "Small and good: grow"),
        ("end", RIGHT - 8.0, TOP + 14.0, "Large and good: protect"),
        ("", LEFT + 8.0, BOTTOM - 8.0, "Small and weak: replace or fix"),
        ("on end", RIGHT - 8.0, BOTTOM - 8.0, "Large and weak: fix first"),
        ("end", RIGHT - 8.0, split_y - 5.0, text.good_words),
    ];
    words
        .into_iter()
        .map(|(class, x, y, words)| {
            svg.text(class, x, y, words);
            text_area(x, y, words, class.ends_with("end"), false)
        })
        .collect()
}

fn draw_point(svg: &mut Svg, point: &ScatterPoint, (x, y): (f64, f64), taken: &mut Vec<Area>) {
    let tries = [
        ("strong", x + 9.0, y + 4.0),
        ("strong end", x - 9.0, y + 4.0),
        ("strong mid", x, y - 9.0),
        ("strong mid", x, y + 17.0),
        ("strong", x + 7.0, y - 7.0),
        ("strong end", x - 7.0, y - 7.0),
        ("strong", x + 7.0, y + 15.0),
        ("strong end", x - 7.0, y + 15.0),
    ];
    let area_of = |(class, x, y): &(&'static str, f64, f64)| {
        text_area(*x, *y, &point.name, class.ends_with("end"), class.ends_with("mid"))
    };
    let chosen = tries.iter().find(|t| fits(area_of(t), taken));
    if let Some(href) = &point.href {
        svg.open_link(href, &point.title);
    }
    let (class, radius) = if point.marked { ("pt bad", 5.0) } else { ("pt", 4.0) };
    svg.circle(class, x, y, radius);
    // Where no place is free the point stays nameless; the table behind the chart names it.
    if let Some((class, x, y)) = chosen {
        svg.text(class, *x, *y, &point.name);
        taken.push(area_of(&(class, *x, *y)));
    }
    if point.href.is_some() {
        svg.close_link();
    }
}

fn text_area(x: f64, y: f64, words: &str, to_left: bool, centred: bool) -> Area {
    let width = text_width(words);
    let from = if to_left {
        x - width
    } else if centred {
        x - width / 2.0
    } else {
        x
    };
    (from, y - 10.0, from + width, y + 3.0)
}

fn fits(area: Area, taken: &[Area]) -> bool {
    let inside = area.0 >= LEFT && area.2 <= WIDTH - 8.0 && area.1 >= 0.0 && area.3 <= BOTTOM;
    inside && !taken.iter().any(|t| area.0 < t.2 && t.0 < area.2 && area.1 < t.3 && t.1 < area.3)
}

fn unit_of(most: f64) -> Unit {
    if most >= 1e6 {
        Unit { divisor: 1e6, digits: 6, words: " million" }
    } else if most >= 1e4 {
        Unit { divisor: 1e3, digits: 3, words: " thousand" }
    } else {
        Unit { divisor: 1.0, digits: 0, words: "" }
    }
}

fn median_of(points: &[ScatterPoint]) -> Decimal {
    let mut spends: Vec<Decimal> = points.iter().map(|p| p.spend).collect();
    spends.sort();
    let half = spends.len() / 2;
    let upper = spends.get(half).copied().unwrap_or_default();
    let lower = half.checked_sub(1).and_then(|i| spends.get(i)).copied().unwrap_or(upper);
    if spends.len().is_multiple_of(2) { (lower + upper) / Decimal::TWO } else { upper }
}
