//! Charts as SVG text, drawn on the server: the same drawing in page, print and (by [`chart_png`]) e-mail.
//!
//! Only attributes and the stylesheet's classes, no inline style, so a strict content policy holds. Every chart has a
//! text name; the page puts a table behind it. All text passes through `svg::escape`.
#![expect(clippy::float_arithmetic, reason = "positions on a drawing; no figure is computed here")]

mod axis;
mod causes;
mod control;
mod line;
mod png;
mod scatter;
mod small;
mod svg;
mod weeks;

pub use causes::{CauseGroup, cause_bars};
pub use control::{ControlText, control_chart};
pub use line::{Line, LineText, line_chart};
pub use png::{PngError, chart_png, standalone};
pub use scatter::{ScatterPoint, ScatterText, spend_scatter};
pub use small::{IntervalBar, Party, interval_bar, pareto_bar, percentile_bar, sparkline};
pub use weeks::{PlanWeek, WeeksText, stacked_weeks};

/// How much room a chart has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The full page, 1130 units.
    Page,
    /// A column or an e-mail, 640 units.
    Column,
}

impl Width {
    fn units(self) -> f64 {
        match self {
            Self::Page => 1130.0,
            Self::Column => 640.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Page => "chart wide",
            Self::Column => "chart",
        }
    }
}

#[cfg(test)]
mod tests {
    use resvg::usvg;
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::signal::{Better, Observation, xmr};

    const HOSTILE: &str = "</title><script>alert('1')</script>\"&\u{0}";

    fn weeks(values: &[i64]) -> Vec<Observation> {
        let week = |v: &i64| Observation { label: HOSTILE.into(), value: Decimal::new(*v, 1), n: 50 };
        values.iter().map(week).collect()
    }

    fn charts() -> Vec<String> {
        let mut series = vec![951, 943, 960, 954, 938, 952, 949, 961, 950, 944, 957, 945];
        series.extend([910, 999, 999, 999, 999, 999, 999, 999, 999]);
        let chart = xmr(&weeks(&series), 12, Better::Higher).unwrap();
        let level = xmr(&weeks(&[1000; 12]), 12, Better::Higher).unwrap();
        let text = ControlText {
            id: "c",
            title: HOSTILE,
            period: HOSTILE,
            axis_note: HOSTILE,
            unit: HOSTILE,
            clip: Some((Decimal::ZERO, Decimal::ONE_HUNDRED)),
        };
        let point = ScatterPoint {
            title: HOSTILE.into(),
            name: HOSTILE.into(),
            href: Some(format!("/partners/1?q={HOSTILE}")),
            spend: Decimal::ZERO,
            score: Decimal::ZERO,
            marked: true,
        };
        let scatter = ScatterText {
            id: "s",
            title: HOSTILE,
            spend: HOSTILE,
            currency: HOSTILE,
            good_from: Decimal::from(80),
            good_words: HOSTILE,
        };
        let line = Line {
            name: HOSTILE.into(),
            note: HOSTILE.into(),
            values: vec![None, Some(Decimal::ONE)],
            alternative: true,
        };
        let week = PlanWeek {
            label: HOSTILE.into(),
            forecast: Decimal::TEN,
            range: None,
            committed: None,
            contract: None,
        };
        vec![
            control_chart(&chart, &text, Width::Page),
            control_chart(&level, &text, Width::Column),
            spend_scatter(&[point], &scatter),
            spend_scatter(&[], &scatter),
            line_chart(&[line], &[HOSTILE, "b"], &LineText { id: "l", title: HOSTILE, zero: Some(HOSTILE) }),
            line_chart(&[], &[], &LineText { id: "l", title: HOSTILE, zero: None }),
            stacked_weeks(
                &[week],
                &WeeksText {
                    id: "w",
                    title: HOSTILE,
                    axis_note: HOSTILE,
                    solid: HOSTILE,
                    range: HOSTILE,
                    line: HOSTILE,
                },
                Width::Column,
            ),
            stacked_weeks(
                &[],
                &WeeksText {
                    id: "w",
                    title: HOSTILE,
                    axis_note: HOSTILE,
                    solid: HOSTILE,
                    range: HOSTILE,
                    line: HOSTILE,
                },
                Width::Page,
            ),
            cause_bars(
                &[CauseGroup {
                    name: HOSTILE.into(),
                    causes: vec![(HOSTILE.into(), Decimal::TEN), (HOSTILE.into(), -Decimal::ONE)],
                }],
                "b",
                HOSTILE,
            ),
            cause_bars(&[], "b", HOSTILE),
            sparkline(&[Some(Decimal::ONE)], HOSTILE),
            percentile_bar(Decimal::from(50)),
        ]
    }

    #[test]
    fn every_chart_is_well_formed_named_and_free_of_foreign_markup() {
        for svg in charts() {
            assert!(usvg::Tree::from_str(&standalone(&svg), &usvg::Options::default()).is_ok(), "{svg}");
            assert!(!svg.contains("<script") && !svg.contains("style="), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.contains("aria-label"), "{svg}");
        }
    }
}
