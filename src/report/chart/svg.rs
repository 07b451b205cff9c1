//! A small SVG writer: elements with a class and rounded positions.

use std::fmt::{self, Write as _};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Average advance of a letter at 12 px, for keeping labels apart.
const LETTER_WIDTH: f64 = 6.4;

/// A position, written with one decimal at most.
#[derive(Clone, Copy)]
pub(super) struct P(pub f64);

impl fmt::Display for P {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding 0.0 turns a negative zero into a plain one.
        let text = format!("{:.1}", (self.0 * 10.0).round() / 10.0 + 0.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// Text made safe for element content and double-quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Not allowed in XML at all; a PNG of it would fail.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
            c => safe.push(c),
        }
    }
    safe
}

/// A drawing under construction.
pub(super) struct Svg {
    out: String,
}

/// Writing to a `String` cannot fail, so the result is dropped in this one place.
macro_rules! put {
    ($svg:expr, $($part:tt)*) => {{ let _ = write!($svg.out, $($part)*); }};
}

impl Svg {
    /// A chart named by a `<title>` and, when there is more to say, a `<desc>`. `id` must be unique on the page.
    pub(super) fn chart(class: &str, width: f64, height: f64, name: &Name<'_>) -> Self {
        let mut svg = Self { out: String::with_capacity(4096) };
        let id = escape(name.id);
        let role = if name.has_links { "group" } else { "img" };
        let describes = if name.description.is_empty() { String::new() } else { format!(" {id}-d") };
        put!(
            svg,
            r#"<svg class="{class}" viewBox="0 0 {} {}" role="{role}" aria-labelledby="{id}-t{describes}"><title id="{id}-t">{}</title>"#,
            P(width),
            P(height),
            escape(name.title)
        );
        if !name.description.is_empty() {
            put!(svg, r#"<desc id="{id}-d">{}</desc>"#, escape(name.description));
        }
        svg
    }

    /// A small drawing named by `label`; without one it is hidden from readers.
    pub(super) fn inline(class: &str, width: f64, height: f64, stretch: bool, label: Option<&str>) -> Self {
        let mut svg = Self { out: String::with_capacity(512) };
        let fit = if stretch { r#" preserveAspectRatio="none""# } else { "" };
        put!(svg, r#"<svg class="{class}" viewBox="0 0 {} {}"{fit}"#, P(width), P(height));
        match label {
            Some(text) => put!(svg, r#" role="img" aria-label="{}">"#, escape(text)),
            None => put!(svg, r#" aria-hidden="true">"#),
        }
        svg
    }

    pub(super) fn path(&mut self, class: &str, d: &str) {
        put!(self, r#"<path class="{class}" d="{d}"/>"#);
    }

    pub(super) fn horizontal(&mut self, class: &str, x1: f64, x2: f64, y: f64) {
        put!(self, r#"<path class="{class}" d="M{} {}H{}"/>"#, P(x1), P(y), P(x2));
    }

    pub(super) fn vertical(&mut self, class: &str, x: f64, y1: f64, y2: f64) {
        put!(self, r#"<path class="{class}" d="M{} {}V{}"/>"#, P(x), P(y1), P(y2));
    }

    pub(super) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        put!(
            self,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
            P(x),
            P(y),
            P(width.max(0.0)),
            P(height.max(0.0))
        );
    }

    pub(super) fn circle(&mut self, class: &str, x: f64, y: f64, radius: f64) {
        put!(self, r#"<circle class="{class}" cx="{}" cy="{}" r="{}"/>"#, P(x), P(y), P(radius));
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        put!(self, r#"<text{class} x="{}" y="{}">{}</text>"#, P(x), P(y), escape(text));
    }

    /// One line per unbroken stretch of points; a gap in the data is a gap in the line.
    pub(super) fn line(&mut self, class: &str, points: &[Option<(f64, f64)>]) {
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        for stretch in points.split(Option::is_none).filter(|s| s.len() > 1) {
            let list: Vec<String> =
                stretch.iter().flatten().map(|(x, y)| format!("{},{}", P(*x), P(*y))).collect();
            put!(self, r#"<polyline{class} points="{}"/>"#, list.join(" "));
        }
    }

    /// A link; `name` says where it leads to who cannot see what is drawn in it.
    pub(super) fn open_link(&mut self, href: &str, name: &str) {
        put!(
            self,
            r#"<a href="{}" aria-label="{}"><title>{}</title>"#,
            escape(href),
            escape(name),
            escape(name)
        );
    }

    pub(super) fn close_link(&mut self) {
        self.out.push_str("</a>");
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// The text name of a chart.
pub(super) struct Name<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub has_links: bool,
}

/// A figure as a position.
pub(super) fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or_default()
}

/// A count as a position.
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Roughly how wide a label is.
pub(super) fn text_width(text: &str) -> f64 {
    count(text.chars().count()) * LETTER_WIDTH
}

/// Moves labels apart so that none is closer than `gap` to its neighbour; order is kept.
pub(super) fn spread(positions: &[f64], gap: f64) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = positions.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut last = f64::NEG_INFINITY;
    let mut placed = positions.to_vec();
    for (index, position) in order {
        last = position.max(last + gap);
        if let Some(slot) = placed.get_mut(index) {
            *slot = last;
        }
    }
    placed
}
