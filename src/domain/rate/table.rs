//! A rate table laid out for look-up: the first axis cut at every edge, and in each part the cells that
//! reach into it, sorted by the second axis. Two binary searches find a price, gaps and overlaps included.

use super::{Band, BandEdges, Bps, Cell, GapRule, Micros, OverlapRule, Problems, RATE_MAX, RateLine};
use crate::domain::exact::{Ratio, RoundMode};
use crate::domain::words;

/// Entries one table may need once cut; only a table whose cells overlap wildly needs more than it has cells.
const ENTRIES_MAX: usize = 4_000_000;
/// The whole of an axis the table does not have.
const WHOLE: (i64, i64) = (i64::MIN, i64::MAX);

/// One cell in one part of the first axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// First value above it on the second axis, in millionths.
    to: i64,
    /// The rate, price cap applied.
    pub rate: Micros,
    /// Least charge; 0 when none.
    pub min: Micros,
    /// Index into the table's cells.
    pub cell: u32,
}

/// The cells of one column.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    /// Where the first axis is cut; each part runs from its edge to the next.
    edges: Vec<i64>,
    /// Where the entries of each part start, and at the end their number.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    /// Where each entry begins on the second axis; apart, because the search reads nothing else.
    froms: Vec<i64>,
}

/// A whole table.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Sorted, so that the order of rows leaves no mark.
    pub cells: Vec<Cell>,
    /// By index of the column.
    grids: Vec<Grid>,
}

impl Grid {
    /// The part of the first axis that holds `value`.
    pub fn part(&self, value: i64) -> Option<usize> {
        self.edges.partition_point(|edge| *edge <= value).checked_sub(1)
    }

    /// The parts after the one that holds `value`, by their lower edge.
    pub fn edges_above(&self, value: i64) -> &[i64] {
        let after = self.edges.partition_point(|edge| *edge <= value);
        self.edges.get(after..).unwrap_or_default()
    }

    /// The cells of a part whose second band holds `value`; at most one unless bands overlap.
    pub fn hits(&self, part: usize, value: i64, overlaps: bool) -> impl Iterator<Item = &Entry> {
        let range = self.range(part);
        let froms = self.froms.get(range.clone()).unwrap_or_default();
        let before = froms.partition_point(|from| *from <= value);
        let entries = self.entries.get(range).unwrap_or_default();
        let first = if overlaps { 0 } else { before.saturating_sub(1) };
        entries.get(first..before).unwrap_or_default().iter().filter(move |entry| value < entry.to)
    }

    /// The entries of a part.
    fn range(&self, part: usize) -> std::ops::Range<usize> {
        let at = |index: usize| self.starts.get(index).and_then(|s| usize::try_from(*s).ok()).unwrap_or(0);
        at(part)..at(part + 1)
    }

    /// First value above every cell; none while a cell is open or there is none.
    pub fn top(&self) -> Option<i64> {
        self.edges.last().copied().filter(|_| self.range(self.edges.len().saturating_sub(1)).is_empty())
    }
}

/// The band as half-open millionths.
pub(super) fn span(band: Band, edges: BandEdges) -> (i64, i64) {
    let upper = band.upper.map_or(i64::MAX, |upper| upper.0);
    match edges {
        BandEdges::HalfOpen => (band.lower.0, upper),
        BandEdges::Closed => (band.lower.0, upper.saturating_add(1)),
        BandEdges::UpTo => (band.lower.0.saturating_add(1), upper.saturating_add(1)),
    }
}

/// A cell with its two spans and the row it came from.
#[derive(Clone, Copy)]
struct Placed {
    first: (i64, i64),
    second: (i64, i64),
    index: u32,
    row: usize,
}

impl Table {
    /// Checks and lays out the cells of a line; problems name the row by `rows`, or as given, counted
    /// from 1.
    pub fn new(line: &RateLine, rows: &[u32], cap: Option<Bps>, at: &str, problems: &mut Problems) -> Self {
        let before = problems.0.len();
        let named = |row: usize| rows.get(row - 1).and_then(|row| usize::try_from(*row).ok()).unwrap_or(row);
        for (cell, row) in line.cells.iter().zip(1..) {
            check_cell(line, cell, named(row), at, problems);
            if problems.full() {
                break;
            }
        }
        if problems.0.len() > before {
            return Self::default();
        }
        let mut rows: Vec<(Cell, usize)> = line.cells.iter().copied().zip((1..).map(named)).collect();
        rows.sort_unstable();
        let mut columns: Vec<Vec<Placed>> = vec![Vec::new(); line.columns.len().max(1)];
        for ((cell, row), index) in rows.iter().zip(0..) {
            let placed = Placed {
                first: line.first.map_or(WHOLE, |_| span(cell.first, line.edges)),
                second: line.second.map_or(WHOLE, |_| span(cell.second, line.edges)),
                index,
                row: *row,
            };
            columns.get_mut(usize::from(cell.column)).into_iter().for_each(|column| column.push(placed));
        }
        let cells: Vec<Cell> = rows.into_iter().map(|(cell, _)| cell).collect();
        let build = Build { line, at, cells: &cells, cap };
        let grids = columns.iter().map(|column| build.grid(column, problems)).collect();
        Self { cells, grids }
    }

    /// The grid of a column.
    pub fn grid(&self, column: usize) -> Option<&Grid> {
        self.grids.get(column)
    }

    /// The cell an entry came from.
    pub fn cell(&self, entry: &Entry) -> Option<&Cell> {
        self.cells.get(usize::try_from(entry.cell).ok()?)
    }
}

fn check_cell(line: &RateLine, cell: &Cell, row: usize, at: &str, problems: &mut Problems) {
    let mut say = |message: String| problems.say(|| format!("{at}, row {row}"), || message);
    let money = |value: Micros| Micros::ZERO <= value && value <= RATE_MAX;
    if !money(cell.rate) {
        say(format!("the rate {} is not between 0 and 1,000,000", words::amount(cell.rate)));
    }
    if !cell.min.is_none_or(money) || !cell.prior.is_none_or(money) {
        say("the minimum and the prior rate must be between 0 and 1,000,000".to_owned());
    }
    if cell.prior == Some(Micros::ZERO) {
        say("a prior rate of 0 would let it cost nothing; leave it out where there was no rate before"
            .to_owned());
    }
    if usize::from(cell.column) >= line.columns.len().max(1) {
        say(format!(
            "names column {} of {}; list the column or mend the row",
            cell.column + 1,
            line.columns.len().max(1)
        ));
    }
    for (band, axis) in [(cell.first, line.first), (cell.second, line.second)] {
        let (from, to) = span(band, line.edges);
        match axis {
            None if band != Band::ALL => {
                say("has a band on an axis the table does not have; name the axis".to_owned());
            }
            Some(axis) if band.lower < Micros::ZERO || from >= to => {
                say(format!(
                    "the {} band {} is negative or ends before it starts",
                    axis.label(),
                    band_text(band)
                ));
            }
            _ => {}
        }
    }
}

fn band_text(band: Band) -> String {
    let lower = words::quantity(band.lower);
    band.upper
        .map_or_else(|| format!("from {lower}"), |upper| format!("{lower} to {}", words::quantity(upper)))
}

/// What is needed to lay out the columns of one line.
struct Build<'a> {
    line: &'a RateLine,
    at: &'a str,
    cells: &'a [Cell],
    cap: Option<Bps>,
}

impl Build<'_> {
    fn grid(&self, placed: &[Placed], problems: &mut Problems) -> Grid {
        let mut edges: Vec<i64> = placed.iter().flat_map(|p| [p.first.0, p.first.1]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges.retain(|edge| *edge != i64::MAX);
        let whole = (
            placed.iter().map(|p| p.second.0).min().unwrap_or(0),
            placed.iter().map(|p| p.second.1).max().unwrap_or(0),
        );
        let mut grid = Grid { edges, starts: vec![0], ..Grid::default() };
        grid.entries.reserve(placed.len());
        grid.froms.reserve(placed.len());
        let (mut active, mut coming): (Vec<Placed>, &[Placed]) = (Vec::new(), placed);
        for part in 0..grid.edges.len() {
            let edge = grid.edges.get(part).copied().unwrap_or(i64::MAX);
            active.retain(|p| edge < p.first.1);
            let arrived = coming.partition_point(|p| p.first.0 <= edge);
            let (new, rest) = coming.split_at(arrived);
            active.extend_from_slice(new);
            coming = rest;
            active.sort_unstable_by_key(|p| (p.second, p.index));
            let next = grid.edges.get(part + 1).copied();
            self.check_part(&active, (edge, next), whole, problems);
            grid.entries.extend(active.iter().filter_map(|p| self.entry(p)));
            grid.froms.extend(active.iter().map(|p| p.second.0));
            grid.starts.push(u32::try_from(grid.entries.len()).unwrap_or(u32::MAX));
            if problems.full() {
                return Grid::default();
            }
            if grid.entries.len() > ENTRIES_MAX {
                let message =
                    "its bands overlap too often to look up (more than 4,000,000 parts); split the line";
                problems.say(|| self.at.to_owned(), || message.to_owned());
                return Grid::default();
            }
        }
        grid
    }

    fn entry(&self, placed: &Placed) -> Option<Entry> {
        let cell = self.cells.get(usize::try_from(placed.index).ok()?)?;
        let to = placed.second.1;
        let min = cell.min.unwrap_or(Micros::ZERO);
        Some(Entry { to, rate: capped(cell, self.cap), min, cell: placed.index })
    }

    /// Overlaps and gaps within one part of the first axis, where the line refuses them.
    fn check_part(
        &self,
        active: &[Placed],
        (edge, next): (i64, Option<i64>),
        whole: (i64, i64),
        problems: &mut Problems,
    ) {
        let text = |p: &Placed| {
            usize::try_from(p.index)
                .ok()
                .and_then(|i| self.cells.get(i))
                .map_or_else(String::new, |c| self.cell_text(c))
        };
        if self.line.overlaps == OverlapRule::Refuse {
            for (a, b) in active.iter().zip(active.iter().skip(1)) {
                // Told once, where the later of the two begins.
                if a.second.1 > b.second.0 && edge == a.first.0.max(b.first.0) {
                    let (low, high) = if a.row < b.row { (a, b) } else { (b, a) };
                    problems.say(
                        || format!("{}, rows {} and {}", self.at, low.row, high.row),
                        || {
                            format!(
                                "{} and {} overlap; mend one, or choose which of two holds",
                                text(low),
                                text(high)
                            )
                        },
                    );
                }
            }
        }
        // After the highest band nothing is expected.
        if self.line.gaps == GapRule::Refuse && !(next.is_none() && active.is_empty()) {
            let ends = std::iter::once(whole.0).chain(active.iter().map(|p| p.second.1));
            let begins = active.iter().map(|p| p.second.0).chain([whole.1]);
            // With overlaps allowed, a band may end inside an earlier one.
            let mut reached = i64::MIN;
            for (end, begin) in ends.zip(begins) {
                reached = reached.max(end);
                if reached < begin {
                    problems.say(
                        || self.at.to_owned(),
                        || {
                            format!(
                                "no row holds {}; add it, or let shipments there be unrated",
                                self.gap_text((edge, next), (reached, begin))
                            )
                        },
                    );
                }
            }
        }
    }

    fn gap_text(&self, (edge, next): (i64, Option<i64>), (from, to): (i64, i64)) -> String {
        let number = |value: i64| words::quantity(Micros(value));
        let (first, second) = (self.line.first, self.line.second);
        let mut parts = Vec::new();
        if let Some(axis) = first {
            let end = next.filter(|_| second.is_none()).map(|next| format!(" to {}", number(next)));
            parts.push(format!("{} from {}{}", axis.label(), number(edge), end.unwrap_or_default()));
        }
        if let Some(axis) = second {
            let end = if to == i64::MAX { String::new() } else { format!(" to {}", number(to)) };
            parts.push(format!("{} {}{end}", axis.label(), number(from)));
        }
        parts.join(", ")
    }

    fn cell_text(&self, cell: &Cell) -> String {
        let column = self.line.columns.get(usize::from(cell.column)).map(|name| format!("column {name}"));
        let axes = [(self.line.first, cell.first), (self.line.second, cell.second)];
        let bands = axes
            .into_iter()
            .filter_map(|(axis, band)| Some(format!("{} {}", axis?.label(), band_text(band))));
        let parts: Vec<String> = column.into_iter().chain(bands).collect();
        if parts.is_empty() { "the row without bands".to_owned() } else { parts.join(", ") }
    }
}

/// The rate, held to its prior rate plus the cap, six decimals (DOMAIN §3.1).
pub(super) fn capped(cell: &Cell, cap: Option<Bps>) -> Micros {
    let most = cell.prior.zip(cap).and_then(|(prior, cap)| {
        Ratio::from(prior).times(10_000 + i128::from(cap.0), 10_000)?.round(RoundMode::Nearest, 1)
    });
    most.map_or(cell.rate, |most| most.min(cell.rate))
}
