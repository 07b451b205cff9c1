//! Why totals differ: one bar for each cause, to the right what costs more, to the left what costs less.

use rust_decimal::Decimal;

use super::axis::{Axis, figure};
use super::svg::{Name, Svg, count, float};

const WIDTH: f64 = 640.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 540.0;
const TOP: f64 = 34.0;
const ROW: f64 = 20.0;
const BAR: f64 = 12.0;

/// The causes of one difference.
#[derive(Clone, Debug)]
pub struct CauseGroup {
    /// What differs, such as `Version 3`.
    pub name: String,
    /// Each cause with what it adds; negative where it saves.
    pub causes: Vec<(String, Decimal)>,
}

/// Draws the groups one below the other on one scale. Figures are written without decimals; the table behind has them.
#[must_use]
pub fn cause_bars(groups: &[CauseGroup], id: &str, title: &str) -> String {
    let rows = groups.iter().map(|group| group.causes.len().saturating_add(2)).sum();
    let bottom = TOP + ROW * count(rows);
    let name = Name { id, title, description: &description(groups), has_links: false };
    let mut svg = Svg::chart("chart", WIDTH, bottom + 10.0, &name);
    let values = || groups.iter().flat_map(|group| &group.causes).map(|(_, value)| float(*value));
    if values().next().is_none() {
        svg.text("mid", f64::midpoint(LEFT, RIGHT), TOP, "no data");
        return svg.finish();
    }
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let x = Axis::round(low, high, 4.0, LEFT, RIGHT);
    key(&mut svg);
    let mut y = TOP + ROW;
    for group in groups {
        svg.text("strong", 0.0, y, &group.name);
        y += ROW;
        for (cause, value) in &group.causes {
            draw_bar(&mut svg, &x, (cause, *value), y);
            y += ROW;
        }
        svg.vertical("zero", x.at(0.0), y - ROW * (count(group.causes.len()) + 0.8), y - ROW * 0.5);
        y += ROW;
    }
    svg.finish()
}

fn draw_bar(svg: &mut Svg, x: &Axis, (cause, value): (&str, Decimal), y: f64) {
    svg.text("", 12.0, y, cause);
    let (zero, end) = (x.at(0.0), x.at(float(value)));
    let top = y - BAR + 2.0;
    if value.is_sign_negative() && !value.is_zero() {
        svg.rect("pt hollow", end, top, zero - end, BAR);
        svg.text("end", end - 6.0, y, &figure(value, 0));
    } else {
        svg.rect("pt", zero, top, end - zero, BAR);
        svg.text("", end + 6.0, y, &figure(value, 0));
    }
}

/// Names what is drawn.
fn key(svg: &mut Svg) {
    svg.rect("pt", LEFT, 6.0, 10.0, 10.0);
    svg.text("", LEFT + 16.0, 15.0, "costs more");
    svg.rect("pt hollow", LEFT + 110.0, 6.0, 10.0, 10.0);
    svg.text("", LEFT + 126.0, 15.0, "costs less");
}

fn description(groups: &[CauseGroup]) -> String {
    let one = |group: &CauseGroup| {
        let causes = group.causes.iter().map(|(cause, value)| format!("{cause} {}", figure(*value, 0)));
        format!("{}: {}.", group.name, causes.collect::<Vec<_>>().join(", "))
    };
    groups.iter().map(one).collect::<Vec<_>>().join(" ")
}
