//! What a new rate table changes, cell by cell.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{Axis, Band, Cell, Micros, RateLine};
use crate::domain::words;

/// One cell that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellChange {
    /// Column name; empty when there is one column only.
    pub column: String,
    /// Band of the first axis.
    pub first: Band,
    /// Band of the second axis.
    pub second: Band,
    /// Rate before; none when the cell is new.
    pub before: Option<Micros>,
    /// Rate after; none when the cell is gone.
    pub after: Option<Micros>,
    /// Minimum before and after, when only or also the minimum changed.
    pub min: Option<(Option<Micros>, Option<Micros>)>,
}

impl CellChange {
    /// How much the rate rose; none for a cell that is new or gone.
    #[must_use]
    pub fn by(&self) -> Option<Micros> {
        self.before.zip(self.after).map(|(before, after)| after - before)
    }

    /// How much the rate rose, in percent of the rate before; none where that is nothing.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        let before = self.before?.decimal();
        (!before.is_zero()).then(|| self.by().map(|by| by.decimal() * Decimal::ONE_HUNDRED / before))?
    }

    /// `column 5, weight 500 to 1,000: 39.75 → 41.00 (+1.25, +3.14 %)`.
    #[must_use]
    pub fn text(&self, axes: (Option<Axis>, Option<Axis>)) -> String {
        let band = |axis: Option<Axis>, band: Band| {
            let lower = words::number(band.lower.decimal());
            let upper = band.upper.map(|upper| format!(" to {}", words::number(upper.decimal())));
            Some(format!("{} {lower}{}", axis?.label(), upper.unwrap_or_else(|| " and more".to_owned())))
        };
        let column = (!self.column.is_empty()).then(|| format!("column {}", self.column));
        let parts = [column, band(axes.0, self.first), band(axes.1, self.second)];
        let place: Vec<String> = parts.into_iter().flatten().collect();
        let place = if place.is_empty() { "the rate".to_owned() } else { place.join(", ") };
        let rate = |value: Option<Micros>| value.map_or_else(|| "none".to_owned(), words::amount);
        let sign = |positive: bool| if positive { "+" } else { "" };
        let how_much = match (self.by(), self.percent()) {
            (Some(by), Some(percent)) => format!(
                " ({}{}, {}{} %)",
                sign(by.0 > 0),
                words::amount(by),
                sign(percent > Decimal::ZERO),
                words::fixed(percent, 2)
            ),
            _ => String::new(),
        };
        let min = self.min.map(|(before, after)| format!(", minimum {} → {}", rate(before), rate(after)));
        format!("{place}: {} → {}{how_much}{}", rate(self.before), rate(self.after), min.unwrap_or_default())
    }
}

/// Everything that differs between two tables, in the order of columns and bands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableDiff {
    /// Cells only the new table has.
    pub added: Vec<CellChange>,
    /// Cells only the old table has.
    pub removed: Vec<CellChange>,
    /// Cells with another rate or minimum.
    pub changed: Vec<CellChange>,
    /// Cells that are the same.
    pub same: usize,
}

type Key<'a> = (&'a str, Band, Band);

fn keyed(line: &RateLine) -> Vec<(Key<'_>, &Cell)> {
    let name = |cell: &Cell| line.columns.get(usize::from(cell.column)).map_or("", String::as_str);
    let mut cells: Vec<_> =
        line.cells.iter().map(|cell| ((name(cell), cell.first, cell.second), cell)).collect();
    cells.sort_unstable_by_key(|(key, cell)| (*key, **cell));
    cells
}

fn change(key: Key<'_>, before: Option<&Cell>, after: Option<&Cell>) -> CellChange {
    let min = |cell: Option<&Cell>| cell.and_then(|cell| cell.min);
    CellChange {
        column: key.0.to_owned(),
        first: key.1,
        second: key.2,
        before: before.map(|cell| cell.rate),
        after: after.map(|cell| cell.rate),
        min: (min(before) != min(after)).then(|| (min(before), min(after))),
    }
}

/// Compares two tables by column name and bands; one pass over both, whatever their order of rows.
#[must_use]
pub fn diff_lines(before: &RateLine, after: &RateLine) -> TableDiff {
    let (old, new) = (keyed(before), keyed(after));
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    let mut diff = TableDiff::default();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return diff,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let was = if order.is_le() { old.next() } else { None };
        let is = if order.is_ge() { new.next() } else { None };
        match (was, is) {
            (Some((key, was)), Some((_, is))) if (was.rate, was.min) != (is.rate, is.min) => {
                diff.changed.push(change(key, Some(was), Some(is)));
            }
            (Some(_), Some(_)) => diff.same += 1,
            (Some((key, was)), None) => diff.removed.push(change(key, Some(was), None)),
            (None, Some((key, is))) => diff.added.push(change(key, None, Some(is))),
            (None, None) => return diff,
        }
    }
}
