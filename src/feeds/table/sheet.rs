//! Rows of the first sheet of a workbook.
//!
//! A workbook is a zip archive: every part is unfolded once and counted before the workbook reader
//! opens it, so that what it claims about its sizes does not matter. Cells are then streamed by a
//! thread that owns the workbook (its cell reader borrows from it), because the convenient way, a
//! whole range, allocates the rectangle from the first to the last cell however few there are.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx};

use super::{MAX_COLUMNS, MAX_LINE_BYTES, MAX_XLSX_ENTRIES, MAX_XLSX_INFLATED_BYTES, MAX_XLSX_ROWS, Row};
use crate::feeds::FeedError;

const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// Rows handed over at a time: few enough to bound memory, enough to make the channel cheap.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 256 << 10;
const BATCHES_AHEAD: usize = 2;
/// Smallest number of more than the 15 digits that a spreadsheet keeps of one.
const CUT_FROM: f64 = 1e15;

/// What the thread hands over. A thread that stops without saying `End` has broken down, and what it
/// read so far is not the file.
enum Batch {
    Rows(Vec<Row>),
    Failed(FeedError),
    End,
}

/// A sheet being read.
pub(super) struct Sheet {
    batches: Receiver<Batch>,
    batch: std::vec::IntoIter<Row>,
    file: String,
    ended: bool,
    width: Option<usize>,
    total: u64,
    rows: u64,
    row: u64,
}

/// Whether the file starts as a zip archive does.
pub(super) fn is_workbook(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(head == ZIP_MAGIC)
}

impl Sheet {
    pub(super) fn open(path: &Path, file: &str, total: u64) -> Result<Self, FeedError> {
        check_parts(path, file)?;
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        let (ready, rows) = sync_channel(1);
        let stream = Stream { path: path.to_owned(), file: file.to_owned(), sender };
        std::thread::Builder::new()
            .name("xlsx".to_owned())
            .spawn(move || stream.run(&ready))
            .map_err(|source| FeedError::Open { file: file.to_owned(), source })?;
        let rows = rows.recv().unwrap_or(0);
        Ok(Self { rows, ..Self::from_batches(batches, file, total) })
    }

    fn from_batches(batches: Receiver<Batch>, file: &str, total: u64) -> Self {
        let (file, batch) = (file.to_owned(), Vec::new().into_iter());
        Self { batches, batch, file, ended: false, width: None, total, rows: 0, row: 0 }
    }

    /// The header's width: short rows are filled up to it, as a sheet has no end of row.
    pub(super) fn set_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    pub(super) fn read(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        loop {
            if let Some(next) = self.batch.next() {
                *row = next;
                break;
            }
            if self.ended {
                return Ok(false);
            }
            match self.batches.recv() {
                Ok(Batch::Rows(batch)) => self.batch = batch.into_iter(),
                Ok(Batch::Failed(error)) => return Err(error),
                Ok(Batch::End) => self.ended = true,
                Err(_) => {
                    let row = self.row;
                    return Err(workbook(
                        &self.file,
                        format_args!("reading stopped on a defect after row {row}; export the sheet as csv"),
                    ));
                }
            }
        }
        self.row = row.number();
        while self.width.is_some_and(|width| row.len() < width) {
            row.push("");
        }
        Ok(true)
    }

    /// The share of rows passed, in bytes of the file.
    pub(super) fn bytes_read(&self) -> u64 {
        self.total.saturating_mul(self.row.min(self.rows)).checked_div(self.rows).unwrap_or(0)
    }

    pub(super) fn bytes_total(&self) -> u64 {
        self.total
    }
}

fn workbook(file: &str, reason: impl std::fmt::Display) -> FeedError {
    FeedError::Workbook { file: file.to_owned(), reason: reason.to_string() }
}

fn too_large(file: &str, row: u64, what: &'static str, constant: &'static str, limit: u64) -> FeedError {
    let advice = "export the sheet as csv, which has no such limit, or split it";
    FeedError::Limit { file: file.to_owned(), row, what, constant, limit, advice }
}

/// Unfolds every part into nothing and counts.
fn check_parts(path: &Path, file: &str) -> Result<(), FeedError> {
    let open = |source| FeedError::Open { file: file.to_owned(), source };
    let handle = BufReader::new(File::open(path).map_err(open)?);
    let mut archive = zip::ZipArchive::new(handle).map_err(|e| workbook(file, e))?;
    if archive.len() > MAX_XLSX_ENTRIES {
        let limit = u64::try_from(MAX_XLSX_ENTRIES).unwrap_or(u64::MAX);
        return Err(too_large(file, 0, "the workbook has too many parts", "MAX_XLSX_ENTRIES", limit));
    }
    let mut left = MAX_XLSX_INFLATED_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|e| workbook(file, e))?;
        let unfolded =
            std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|e| workbook(file, e))?;
        if unfolded > left {
            return Err(too_large(
                file,
                0,
                "the workbook unfolds to more than is allowed",
                "MAX_XLSX_INFLATED_BYTES",
                MAX_XLSX_INFLATED_BYTES,
            ));
        }
        left -= unfolded;
    }
    Ok(())
}

/// The thread's side.
struct Stream {
    path: PathBuf,
    file: String,
    sender: SyncSender<Batch>,
}

impl Stream {
    fn run(self, ready: &SyncSender<u64>) {
        if let Err(e) = self.stream(ready) {
            // The reader may be gone; then nobody needs the error.
            let _ = self.sender.send(Batch::Failed(e));
        }
    }

    fn stream(&self, ready: &SyncSender<u64>) -> Result<(), FeedError> {
        let failed = |e: calamine::XlsxError| workbook(&self.file, e);
        let mut book: Xlsx<BufReader<File>> = calamine::open_workbook(&self.path).map_err(failed)?;
        let name =
            book.sheet_names().first().cloned().ok_or_else(|| workbook(&self.file, "it has no sheet"))?;
        let mut cells = book.worksheet_cells_reader(&name).map_err(failed)?;
        let _ = ready.send(u64::from(cells.dimensions().end.0) + 1);
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        let mut bytes = 0;
        let mut row = Row::new();
        while let Some(cell) = cells.next_cell().map_err(failed)? {
            let (line, column) = cell.get_position();
            let number = u64::from(line) + 1;
            if number != row.number {
                bytes += row.text.len();
                if !row.is_empty() {
                    batch.push(std::mem::take(&mut row));
                }
                if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
                    bytes = 0;
                    if self.sender.send(Batch::Rows(std::mem::take(&mut batch))).is_err() {
                        return Ok(());
                    }
                }
                row.clear(number);
            }
            self.place(&mut row, usize::try_from(column).unwrap_or(usize::MAX), cell.get_value())?;
        }
        if !row.is_empty() {
            batch.push(row);
        }
        let _ = self.sender.send(Batch::Rows(batch));
        let _ = self.sender.send(Batch::End);
        Ok(())
    }

    /// Puts a cell at its column, with empty ones before it.
    fn place(&self, row: &mut Row, column: usize, value: &DataRef<'_>) -> Result<(), FeedError> {
        if matches!(value, DataRef::Empty) {
            return Ok(());
        }
        let limit = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        if row.number > MAX_XLSX_ROWS {
            return Err(too_large(
                &self.file,
                row.number,
                "the sheet has too many rows",
                "MAX_XLSX_ROWS",
                MAX_XLSX_ROWS,
            ));
        }
        if column >= MAX_COLUMNS {
            return Err(too_large(
                &self.file,
                row.number,
                "the row has too many columns",
                "MAX_COLUMNS",
                limit(MAX_COLUMNS),
            ));
        }
        if row.len() > column {
            return Err(workbook(&self.file, format_args!("row {}: its cells are out of order", row.number)));
        }
        while row.len() < column {
            row.push("");
        }
        push_value(row, value);
        if matches!(value, DataRef::Float(n) if n.abs() >= CUT_FROM) {
            row.cut.push(column);
        }
        if row.text.len() > MAX_LINE_BYTES {
            return Err(too_large(
                &self.file,
                row.number,
                "the row is too long",
                "MAX_LINE_BYTES",
                limit(MAX_LINE_BYTES),
            ));
        }
        Ok(())
    }
}

/// A cell as the text a csv export would have; dates in ISO form.
fn push_value(row: &mut Row, value: &DataRef<'_>) {
    match value {
        DataRef::Int(n) => row.push(&n.to_string()),
        DataRef::Float(n) => row.push(&n.to_string()),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => row.push(text),
        DataRef::SharedString(text) => row.push(text),
        DataRef::Bool(true) => row.push("TRUE"),
        DataRef::Bool(false) => row.push("FALSE"),
        DataRef::DateTime(when) => row.push(&date_text(*when)),
        DataRef::Error(error) => row.push(&error.to_string()),
        DataRef::Empty => row.push(""),
    }
}

/// `2025-03-10`, `2025-03-10T09:30:00`, or `09:30:00` for a time of day without a date.
fn date_text(when: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = when.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    // Excel stores a bare time as a fraction of day 0; 00:00 with a date is the date alone.
    if when.is_duration() || when.as_f64() < 1.0 {
        return time;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) == (0, 0, 0, 0) { date } else { format!("{date}T{time}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(batches: Vec<Batch>) -> Sheet {
        let (sender, receiver) = sync_channel(batches.len());
        for batch in batches {
            sender.send(batch).unwrap();
        }
        Sheet::from_batches(receiver, "june.xlsx", 0)
    }

    fn one_row() -> Batch {
        let mut row = Row::new();
        row.clear(4);
        row.push("A");
        Batch::Rows(vec![row])
    }

    #[test]
    fn a_reader_that_breaks_down_is_not_the_end_of_the_file() {
        let mut row = Row::new();
        let mut whole = sheet(vec![one_row(), Batch::End]);
        assert!(whole.read(&mut row).unwrap());
        assert!(!whole.read(&mut row).unwrap() && !whole.read(&mut row).unwrap(), "the end stays the end");
        let mut broken = sheet(vec![one_row()]);
        assert!(broken.read(&mut row).unwrap());
        let error = broken.read(&mut row).unwrap_err().to_string();
        assert!(error.contains("june.xlsx") && error.contains("after row 4"), "{error}");
    }
}
