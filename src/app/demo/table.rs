//! A csv file of the demo: one list of columns, each with its name and how it is written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::DemoError;
use super::season::{DAY, day_number};

/// Bytes collected before the file is written to.
const BUFFER_BYTES: usize = 1 << 20;

/// A column: its name, which is the field's name in the import, and how a record fills it.
pub(super) type Column<R> = (&'static str, fn(&R, &mut Cell));

/// The cell being written. What is never called stays empty, and empty means "not known".
pub(super) struct Cell {
    text: String,
    first_day: i64,
    days: Vec<String>,
}

impl Cell {
    fn new((from, to): (NaiveDate, NaiveDate)) -> Self {
        let days = from.iter_days().take_while(|day| *day <= to).map(|day| day.to_string()).collect();
        Self { text: String::new(), first_day: day_number(from), days }
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A whole number.
    pub(super) fn number(&mut self, value: impl Into<Option<i64>>) {
        if let Some(value) = value.into() {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{value}");
        }
    }

    /// Hundredths as a decimal number.
    pub(super) fn cents(&mut self, value: impl Into<Option<i64>>) {
        if let Some(value) = value.into() {
            let sign = if value < 0 { "-" } else { "" };
            let (whole, cents) = (value.abs() / 100, value.abs() % 100);
            let _ = write!(self.text, "{sign}{whole}.{cents:02}");
        }
    }

    /// A day.
    pub(super) fn day(&mut self, day: impl Into<Option<NaiveDate>>) {
        if let Some(day) = day.into() {
            self.day_text(day_number(day));
        }
    }

    /// Minutes since 1970 as an instant in UTC.
    pub(super) fn at(&mut self, minute: impl Into<Option<i64>>) {
        if let Some(minute) = minute.into() {
            self.day_text(minute.div_euclid(DAY));
            let of_day = minute.rem_euclid(DAY);
            let _ = write!(self.text, "T{:02}:{:02}Z", of_day / 60, of_day % 60);
        }
    }

    fn day_text(&mut self, day: i64) {
        // Formatting a date takes longer than everything else in a cell; the same few hundred come again.
        let known = usize::try_from(day - self.first_day).ok().and_then(|place| self.days.get(place));
        match known {
            Some(text) => self.text.push_str(text),
            None => {
                let date = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or_default();
                let _ = write!(self.text, "{date}");
            }
        }
    }
}

/// A file being written.
pub(super) struct Table<R: 'static> {
    path: PathBuf,
    columns: Vec<Column<R>>,
    out: csv::Writer<BufWriter<File>>,
    cell: Cell,
    rows: u64,
}

impl<R> Table<R> {
    /// Creates `name` in `folder` and writes its header. `days` are those that will be written most.
    pub(super) fn create(
        folder: &Path,
        name: &str,
        columns: &[Column<R>],
        days: (NaiveDate, NaiveDate),
    ) -> Result<Self, DemoError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|source| DemoError::File { path: path.clone(), source })?;
        let mut table = Self {
            out: csv::Writer::from_writer(BufWriter::with_capacity(BUFFER_BYTES, file)),
            path,
            columns: columns.to_vec(),
            cell: Cell::new(days),
            rows: 0,
        };
        let header = table.out.write_record(columns.iter().map(|(name, _)| name));
        header.map_err(|error| table.failed(error))?;
        Ok(table)
    }

    /// Writes one record.
    pub(super) fn row(&mut self, record: &R) -> Result<(), DemoError> {
        for (_, write) in &self.columns {
            self.cell.text.clear();
            write(record, &mut self.cell);
            let written = self.out.write_field(&self.cell.text);
            written.map_err(|error| self.failed(error))?;
        }
        let ended = self.out.write_record(None::<&[u8]>);
        ended.map_err(|error| self.failed(error))?;
        self.rows += 1;
        Ok(())
    }

    /// Writes what is left and gives the path and the number of records.
    pub(super) fn finish(mut self) -> Result<(PathBuf, u64), DemoError> {
        self.out.flush().map_err(|source| DemoError::File { path: self.path.clone(), source })?;
        Ok((self.path, self.rows))
    }

    fn failed(&self, error: csv::Error) -> DemoError {
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => std::io::Error::other(format!("{other:?}")),
        };
        DemoError::File { path: self.path.clone(), source }
    }
}
