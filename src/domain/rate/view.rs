//! A rate table as people read it: bands down, columns across, and what they look for in it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::{Axis, Band, BandEdges, Cell, Lane, Micros, RateLine};
use crate::domain::words;

/// What somebody looks for in a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TableSearch {
    /// All of it.
    #[default]
    All,
    /// Bands that hold this value.
    Value(Micros),
    /// The column of this name.
    Column(String),
    /// Columns whose name has this text in it, in lower case.
    Text(String),
}

/// One row: a band of each axis, and the cells in it by column; several of one column where bands overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Band of the first axis.
    pub first: Band,
    /// Band of the second axis.
    pub second: Band,
    /// Its cells, sorted by column.
    pub cells: Vec<Cell>,
}

impl TableSearch {
    /// `750`, `zone 5`, `class 85` or part of a column's name.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        for word in ["zone ", "class ", "column "] {
            if let Some(name) = text.strip_prefix(word) {
                return Self::Column(name.trim().to_owned());
            }
        }
        let number = ["weight ", "distance ", "units "].iter().find_map(|word| text.strip_prefix(word));
        let number = number.unwrap_or(&text).trim().replace(',', "");
        match number.parse::<Decimal>().ok().and_then(|number| Micros::from_decimal(number).ok()) {
            Some(value) => Self::Value(value),
            None if text.is_empty() => Self::All,
            None => Self::Text(text),
        }
    }

    fn takes(&self, line: &RateLine, cell: &Cell) -> bool {
        let name = || line.columns.get(usize::from(cell.column)).map(|name| name.to_lowercase());
        match self {
            Self::All => true,
            Self::Value(value) => {
                let on = |axis: Option<Axis>, band| axis.is_some() && holds(band, line.edges, *value);
                on(line.first, cell.first) || on(line.second, cell.second)
            }
            Self::Column(wanted) => name().is_some_and(|name| name == *wanted),
            Self::Text(part) => name().is_some_and(|name| name.contains(part)),
        }
    }
}

fn holds(band: Band, edges: BandEdges, value: Micros) -> bool {
    let (lower, upper) = (band.lower, band.upper);
    match edges {
        BandEdges::HalfOpen => lower <= value && upper.is_none_or(|upper| value < upper),
        BandEdges::Closed => lower <= value && upper.is_none_or(|upper| value <= upper),
        BandEdges::UpTo => lower < value && upper.is_none_or(|upper| value <= upper),
    }
}

/// The rows that hold what is looked for, in order of their bands.
#[must_use]
pub fn table_rows(line: &RateLine, cells: &[Cell], search: &TableSearch) -> Vec<TableRow> {
    let mut rows: BTreeMap<(Band, Band), Vec<Cell>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| search.takes(line, cell)) {
        rows.entry((cell.first, cell.second)).or_default().push(*cell);
    }
    rows.into_iter()
        .map(|((first, second), mut cells)| {
            cells.sort_unstable();
            TableRow { first, second, cells }
        })
        .collect()
}

/// Whether a line or one of its lanes has the text in its code, label, ends, equipment or service.
#[must_use]
pub fn line_has<'l>(line: &RateLine, mut lanes: impl Iterator<Item = &'l Lane>, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let has = |part: &str| part.to_lowercase().contains(&text);
    text.is_empty()
        || has(&line.code)
        || has(&line.label)
        || lanes.any(|lane| {
            has(&lane.code)
                || has(&lane.origin.to_string())
                || has(&lane.destination.to_string())
                || lane.equipment.as_deref().is_some_and(has)
                || lane.service.as_deref().is_some_and(has)
        })
}

/// What tells one rate of a table from the others: its column and bands. Written `0/0-500000000/0-`, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellKey {
    /// Index of its column.
    pub column: u16,
    /// Band of the first axis.
    pub first: Band,
    /// Band of the second axis.
    pub second: Band,
}

impl CellKey {
    /// The key of a rate.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        Self { column: cell.column, first: cell.first, second: cell.second }
    }
}

impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.column)?;
        for band in [self.first, self.second] {
            write!(f, "/{}-", band.lower.0)?;
            if let Some(upper) = band.upper {
                write!(f, "{}", upper.0)?;
            }
        }
        Ok(())
    }
}

impl FromStr for CellKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        fn end(text: &str) -> Result<Micros, ()> {
            text.parse().map(Micros).map_err(drop)
        }
        let band = |text: &str| {
            let (lower, upper) = text.split_once('-').ok_or(())?;
            let upper = if upper.is_empty() { None } else { Some(end(upper)?) };
            Ok(Band { lower: end(lower)?, upper })
        };
        let mut parts = text.splitn(3, '/');
        let (Some(column), Some(first), Some(second)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(());
        };
        Ok(Self { column: column.parse().map_err(drop)?, first: band(first)?, second: band(second)? })
    }
}

/// The place of the rate with a key.
///
/// # Errors
/// How many rates have it, where that is not one.
pub fn cell_place(cells: &[Cell], key: &CellKey) -> Result<usize, usize> {
    let mut places = cells.iter().zip(0..).filter(|(cell, _)| CellKey::of(cell) == *key).map(|(_, at)| at);
    let first = places.next().ok_or(0_usize)?;
    match places.count() {
        0 => Ok(first),
        more => Err(more.saturating_add(1)),
    }
}

/// `500 to 1,000`, `5,000 and more`.
#[must_use]
pub fn band_words(band: Band) -> String {
    let number = words::quantity;
    match band.upper {
        Some(upper) => format!("{} to {}", number(band.lower), number(upper)),
        None => format!("{} and more", number(band.lower)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::{lane, ltl, micros};
    use super::*;

    #[test]
    fn a_rate_is_found_again_by_its_key() {
        let band = |lower: i64, upper: Option<i64>| Band { lower: Micros(lower), upper: upper.map(Micros) };
        for (first, second) in [(Band::ALL, Band::ALL), (band(0, Some(500)), band(7, None))] {
            let key = CellKey { column: 3, first, second };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for wrong in ["", "0", "0/0-", "0/x-/0-", "0/0/0", "-1/0-/0-"] {
            assert_eq!(wrong.parse::<CellKey>(), Err(()), "{wrong}");
        }
        let cell = |column, rate| Cell {
            column,
            first: Band::ALL,
            second: Band::ALL,
            rate: Micros(rate),
            prior: None,
            min: None,
        };
        let cells = [cell(0, 1), cell(1, 2), cell(1, 3)];
        let place = |column| cell_place(&cells, &CellKey::of(&cell(column, 9)));
        assert_eq!([place(0), place(1), place(2)], [Ok(0), Err(2), Err(0)]);
    }

    #[test]
    fn what_is_looked_for_is_read_as_people_write_it() {
        assert_eq!(TableSearch::read(" "), TableSearch::All);
        assert_eq!(TableSearch::read("1,200"), TableSearch::Value(micros("1200")));
        assert_eq!(TableSearch::read("Weight 750.5"), TableSearch::Value(micros("750.5")));
        assert_eq!(TableSearch::read("Zone 5"), TableSearch::Column("5".to_owned()));
        assert_eq!(TableSearch::read("NE"), TableSearch::Text("ne".to_owned()));
    }

    #[test]
    fn a_weight_is_found_in_the_band_that_prices_it() {
        let mut line = ltl();
        let found = |line: &RateLine, text: &str| -> Vec<String> {
            let rows = table_rows(line, &line.cells, &TableSearch::read(text));
            rows.into_iter().map(|row| band_words(row.first)).collect()
        };
        assert_eq!(found(&line, "500"), ["500 to 1,000"]);
        assert_eq!(found(&line, "9000"), ["5,000 and more"]);
        line.edges = BandEdges::UpTo;
        assert_eq!(found(&line, "500"), ["0 to 500"]);
        line.edges = BandEdges::Closed;
        assert_eq!(found(&line, "500"), ["0 to 500", "500 to 1,000"]);
        assert_eq!(found(&line, "").len(), 5);
        assert!(found(&line, "zone 5").is_empty());
    }

    #[test]
    fn a_line_is_found_by_its_lanes() {
        let lanes = [lane("DAL-NE", "US-TX", "zone:Northeast", "LTL")];
        let has = |text: &str| line_has(&ltl(), lanes.iter(), text);
        assert!(has("") && has("ltl") && has("dal") && has("us-tx") && has("northeast"));
        assert!(!has("port"));
    }
}
