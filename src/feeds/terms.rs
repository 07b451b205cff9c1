//! The sheet of values that a partner downloads, changes and sends back: one row a value, named by its key.
//!
//! Only two columns are read, `key` and `value`; the others are for the reader. A row that is left out keeps what it
//! said. What is wrong is named by its row and column, and nothing is taken from a sheet with a mistake.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;

use super::FeedError;
use super::table::{Row, TableReader};

/// Largest sheet, in bytes.
pub const BYTES_MAX: usize = 4 << 20;
/// Most rows of a sheet.
pub const ROWS_MAX: usize = 50_000;
/// Problems named at once; more of them tell nobody more.
pub const PROBLEMS_MAX: usize = 100;
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 400;

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 6] = ["key", "part", "of", "term", "unit", "value"];

/// One row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetProblem {
    /// Row as a spreadsheet counts it.
    pub row: u64,
    /// The column.
    pub column: &'static str,
    /// What to do.
    pub message: String,
}

/// What a sheet says: the value of each key, and the row it stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermSheet {
    /// Row and value, by key.
    pub values: BTreeMap<String, (u64, Decimal)>,
    /// Rows read, without the headings.
    pub rows_read: usize,
    /// What is wrong with it.
    pub problems: Vec<SheetProblem>,
}

/// Reads a sheet, csv or xlsx.
///
/// # Errors
/// [`FeedError`] when the file is no table, or breaks a limit.
pub fn read(path: &Path) -> Result<TermSheet, FeedError> {
    let mut reader = TableReader::open(path, None)?;
    let mut sheet = TermSheet::default();
    let column = |name: &str| reader.headers().iter().position(|header| header.eq_ignore_ascii_case(name));
    let (key_at, value_at) = (column("key"), column("value"));
    for (name, at) in [("key", key_at), ("value", value_at)] {
        if at.is_none() {
            sheet.say(1, name, "the column is missing; download the sheet again and keep its first row");
        }
    }
    let (Some(key_at), Some(value_at)) = (key_at, value_at) else { return Ok(sheet) };
    let (mut row, mut rows) = (Row::new(), 0_usize);
    while reader.read_row(&mut row)? {
        rows = rows.saturating_add(1);
        if rows > ROWS_MAX {
            sheet.say(
                row.number(),
                "key",
                "a sheet has at most ROWS_MAX = 50,000 rows; send the changed ones only",
            );
            break;
        }
        sheet.rows_read = rows;
        sheet.take(&row, key_at, value_at);
        if sheet.problems.len() >= PROBLEMS_MAX {
            break;
        }
    }
    Ok(sheet)
}

impl TermSheet {
    fn say(&mut self, row: u64, column: &'static str, message: &str) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(SheetProblem { row, column, message: message.to_owned() });
        }
    }

    fn take(&mut self, row: &Row, key_at: usize, value_at: usize) {
        let number = row.number();
        let key = row.get(key_at).unwrap_or_default().trim();
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX {
            self.say(number, "key", "the key is missing or damaged; copy it from a fresh download");
            return;
        }
        let Some(value) = number_in(row.get(value_at).unwrap_or_default()) else {
            let message =
                "write a number such as 1250.00 or 2.5; to keep a value, leave it as it was downloaded";
            self.say(number, "value", message);
            return;
        };
        if let Some((before, _)) = self.values.get(key) {
            let message = format!("the key stands in row {before} already; keep one of the two rows");
            self.say(number, "key", &message);
            return;
        }
        self.values.insert(key.to_owned(), (number, value));
    }
}

/// The number in a cell or a field: `1,250.00`, `2.5 %`, `−3`.
#[must_use]
pub fn number_in(text: &str) -> Option<Decimal> {
    let plain: String = text
        .trim()
        .trim_end_matches('%')
        .chars()
        .filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '\''))
        .collect();
    plain.replace('\u{2212}', "-").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> TermSheet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terms.csv");
        std::fs::write(&path, text).unwrap();
        read(&path).unwrap()
    }

    #[test]
    fn a_sheet_is_read_by_key_and_its_mistakes_are_named_by_row() {
        let good = sheet("key,part,value\r\nA/1/rate,x,\"1,250.50\"\r\nB/1/share,y,2.5 %\r\n");
        assert_eq!(good.problems, []);
        assert_eq!(good.values["A/1/rate"], (2, "1250.50".parse().unwrap()));
        assert_eq!(good.values["B/1/share"], (3, "2.5".parse().unwrap()));
        let bad = sheet("key,value\nA,1\nA,2\nB,\n,3\nC,=1+1\n");
        let places: Vec<_> = bad.problems.iter().map(|p| (p.row, p.column)).collect();
        assert_eq!(places, [(3, "key"), (4, "value"), (5, "key"), (6, "value")]);
        assert!(bad.problems[0].message.contains("row 2"));
        let headless = sheet("name,amount\nA,1\n");
        assert_eq!(headless.problems.len(), 2);
        assert!(headless.values.is_empty());
    }
}
