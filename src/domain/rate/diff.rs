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
            let lower = words::quantity(band.lower);
            let upper = band.upper.map(|upper| format!(" to {}", words::quantity(upper)));
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

/// How many cells differ, and the few that differ most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffSummary {
    /// Cells only the new table has.
    pub added: usize,
    /// Cells only the old table has.
    pub removed: usize,
    /// Cells with another rate or minimum.
    pub changed: usize,
    /// Cells that are the same.
    pub same: usize,
    /// Of the changed cells those whose rate moved most, in percent, the most first.
    pub largest: Vec<CellChange>,
}

type Key<'a> = (&'a str, Band, Band);

fn key<'a>(line: &'a RateLine, cell: &Cell) -> Key<'a> {
    (line.columns.get(usize::from(cell.column)).map_or("", String::as_str), cell.first, cell.second)
}

/// The cells in the order of columns and bands, by reference: a table may have a million.
fn sorted(line: &RateLine) -> Vec<&Cell> {
    let mut cells: Vec<&Cell> = line.cells.iter().collect();
    cells.sort_unstable_by(|a, b| key(line, a).cmp(&key(line, b)).then_with(|| a.cmp(b)));
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

/// Shows every cell of two tables once, in order: what was there, and what is.
fn walk<'a>(
    before: &'a RateLine,
    after: &'a RateLine,
    mut see: impl FnMut(Key<'a>, Option<&'a Cell>, Option<&'a Cell>),
) {
    let (mut old, mut new) = (sorted(before).into_iter().peekable(), sorted(after).into_iter().peekable());
    loop {
        let (was, is) = (old.peek().map(|cell| key(before, cell)), new.peek().map(|cell| key(after, cell)));
        let (place, order) = match (was, is) {
            (None, None) => return,
            (Some(was), None) => (was, Ordering::Less),
            (None, Some(is)) => (is, Ordering::Greater),
            (Some(was), Some(is)) => (was.min(is), was.cmp(&is)),
        };
        let was = if order.is_le() { old.next() } else { None };
        let is = if order.is_ge() { new.next() } else { None };
        see(place, was, is);
    }
}

/// Compares two tables by column name and bands; one pass over both, whatever their order of rows.
#[must_use]
pub fn diff_lines(before: &RateLine, after: &RateLine) -> TableDiff {
    let mut diff = TableDiff::default();
    walk(before, after, |place, was, is| match (was, is) {
        (Some(old), Some(new)) if (old.rate, old.min) == (new.rate, new.min) => diff.same += 1,
        (Some(_), Some(_)) => diff.changed.push(change(place, was, is)),
        (Some(_), None) => diff.removed.push(change(place, was, None)),
        (None, _) => diff.added.push(change(place, None, is)),
    });
    diff
}

/// The same in numbers, keeping no more than `keep` changes, however large the tables are.
#[must_use]
pub fn diff_summary(before: &RateLine, after: &RateLine, keep: usize) -> DiffSummary {
    let mut summary = DiffSummary::default();
    let mut largest: Vec<(Option<Decimal>, CellChange)> = Vec::with_capacity(keep.saturating_add(1));
    walk(before, after, |place, was, is| match (was, is) {
        (Some(old), Some(new)) if (old.rate, old.min) == (new.rate, new.min) => summary.same += 1,
        (Some(_), Some(_)) => {
            summary.changed += 1;
            let one = change(place, was, is);
            let moved = one.percent().map(|percent| percent.abs());
            let at = largest.partition_point(|(other, _)| *other >= moved);
            if at < keep {
                largest.insert(at, (moved, one));
                largest.truncate(keep);
            }
        }
        (Some(_), None) => summary.removed += 1,
        (None, _) => summary.added += 1,
    });
    summary.largest = largest.into_iter().map(|(_, change)| change).collect();
    summary
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::{band, cell, ltl, micros};
    use super::*;

    #[test]
    fn the_summary_counts_what_the_comparison_lists_and_keeps_the_largest() {
        let before = ltl();
        let mut after = ltl();
        after.cells[0].rate = micros("48.68");
        after.cells[1].rate = micros("59.625");
        after.cells[2].rate = micros("28.26");
        after.cells[3].min = Some(micros("95"));
        after.cells[4] = cell(band(5_000, Some(9_000)), "20");
        after.cells.reverse();
        let (whole, summary) = (diff_lines(&before, &after), diff_summary(&before, &after, 2));
        assert_eq!((whole.added.len(), whole.removed.len(), whole.changed.len(), whole.same), (1, 1, 4, 0));
        assert_eq!((summary.added, summary.removed, summary.changed, summary.same), (1, 1, 4, 0));
        let moved: Vec<_> =
            summary.largest.iter().map(|change| change.percent().unwrap().normalize()).collect();
        assert_eq!(moved, [Decimal::from(50), Decimal::from(-10)]);
        assert_eq!(diff_summary(&before, &before, 2), DiffSummary { same: 5, ..DiffSummary::default() });
    }
}
