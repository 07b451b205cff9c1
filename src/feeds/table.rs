//! One streaming reader over csv, tsv, their gzip forms, and xlsx.
//!
//! Memory is constant whatever the file: every limit below is a constant and is named in the error.
//! The format is told by the file's first bytes, so a workbook called `.csv` is still read; the
//! delimiter by the extension `.tsv`, else from the header line.

mod delimited;
mod sheet;
mod source;

use std::io::Read;
use std::path::Path;

use crate::feeds::FeedError;
use delimited::Delimited;
use sheet::Sheet;
use source::Source;

/// Longest row, in bytes. A row with an unclosed quote ends here too.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Most columns of a table.
pub const MAX_COLUMNS: usize = 1_024;
/// Most bytes a gzip file may unfold to. Reading streams, so this bounds time, not memory.
pub const MAX_INFLATED_BYTES: u64 = 64 << 30;
/// Most bytes a gzip file may unfold to for each byte of the file. Real tables stay below 100.
pub const MAX_INFLATE_RATIO: u64 = 250;
/// Below this many inflated bytes [`MAX_INFLATE_RATIO`] is not looked at.
pub const INFLATE_RATIO_FREE_BYTES: u64 = 16 << 20;
/// Most bytes all parts of a workbook may unfold to; its texts are held in memory.
pub const MAX_XLSX_INFLATED_BYTES: u64 = 256 << 20;
/// Most parts of a workbook.
pub const MAX_XLSX_ENTRIES: usize = 10_000;
/// Rows of one sheet, as Excel has it.
pub const MAX_XLSX_ROWS: u64 = 1_048_576;

/// One row of a table. Made once, filled again for each row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    text: String,
    /// End of each cell in `text`.
    ends: Vec<usize>,
    /// Columns of numbers that have lost digits before they were read.
    cut: Vec<usize>,
    number: u64,
}

impl Row {
    /// An empty row, to be filled by [`TableReader::read_row`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The cell of a column counted from 0, untrimmed; `None` when the row is shorter.
    #[must_use]
    #[inline]
    pub fn get(&self, column: usize) -> Option<&str> {
        let end = *self.ends.get(column)?;
        let start = if column == 0 { 0 } else { *self.ends.get(column - 1)? };
        self.text.get(start..end)
    }

    /// Whether the cell is a number of a workbook with more digits than a workbook keeps: another number may have
    /// become the same.
    #[must_use]
    #[inline]
    pub fn is_cut(&self, column: usize) -> bool {
        self.cut.contains(&column)
    }

    /// Row of the file as a spreadsheet counts it; the header is usually row 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many cells the row has. A row with more or fewer than the header is wrong as a row.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the row has no cell at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|column| self.get(column).unwrap_or_default())
    }

    /// No cell has any text.
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    fn clear(&mut self, number: u64) {
        self.text.clear();
        self.ends.clear();
        self.cut.clear();
        self.number = number;
    }

    fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Fills the row from cells given as text; for tests and for records that come from elsewhere.
    pub fn fill<'a>(&mut self, number: u64, cells: impl IntoIterator<Item = &'a str>) {
        self.clear(number);
        for cell in cells {
            self.push(cell);
        }
    }
}

/// Where rows come from.
enum Rows {
    Delimited(Box<Delimited>),
    Sheet(Sheet),
}

/// A table being read, row by row.
pub struct TableReader {
    headers: Vec<String>,
    rows: Rows,
}

impl TableReader {
    /// Opens a file and reads its header row.
    ///
    /// `encoding` is what the mapping declares (`latin1`, `utf-16le`, …); without it the file must be
    /// UTF-8, or UTF-16 with its byte-order mark.
    ///
    /// # Errors
    /// The file cannot be opened or read, is empty, is no text, breaks a limit, or names a column twice.
    pub fn open(path: &Path, encoding: Option<&str>) -> Result<Self, FeedError> {
        let file = path.display().to_string();
        let open = |source| FeedError::Open { file: file.clone(), source };
        let handle = std::fs::File::open(path).map_err(open)?;
        let meta = handle.metadata().map_err(open)?;
        if meta.is_dir() {
            return Err(open(std::io::Error::other("it is a folder")));
        }
        if !meta.is_file() {
            let reason = "it is a pipe or a device, which can be read only once; write it to a file first";
            return Err(open(std::io::Error::other(reason)));
        }
        if sheet::is_workbook(path).map_err(open)? {
            return Self::with_rows(Rows::Sheet(Sheet::open(path, &file, meta.len())?), &file);
        }
        let tab = delimiter_of_name(&file);
        Self::from_reader(Box::new(handle), &file, meta.len(), tab, encoding)
    }

    /// Reads a file to its end and keeps nothing of it; gives its number of rows, those whose cells are all empty included.
    /// What stops here would stop a load half-way.
    ///
    /// # Errors
    /// As [`TableReader::open`] and [`TableReader::read_row`].
    pub fn check(path: &Path, encoding: Option<&str>) -> Result<u64, FeedError> {
        let (mut reader, mut row) = (Self::open(path, encoding)?, Row::new());
        let mut rows = 0;
        loop {
            rows += reader.rows.pass_plain()?;
            if !reader.rows.read_any(&mut row)? {
                return Ok(rows);
            }
            rows += 1;
        }
    }

    /// Reads delimited text, or gzip of it, from any reader of `total` bytes (0 when not known).
    ///
    /// # Errors
    /// As [`TableReader::open`].
    pub fn from_reader(
        reader: Box<dyn Read + Send>,
        name: &str,
        total: u64,
        delimiter: Option<u8>,
        encoding: Option<&str>,
    ) -> Result<Self, FeedError> {
        let source = Source::open(reader, name, total, encoding)?;
        Self::with_rows(Rows::Delimited(Box::new(Delimited::new(source, delimiter))), name)
    }

    fn with_rows(mut rows: Rows, file: &str) -> Result<Self, FeedError> {
        let mut row = Row::new();
        if !rows.read(&mut row)? {
            return Err(FeedError::Empty { file: file.to_owned() });
        }
        let headers: Vec<String> = row.iter().map(|name| name.trim().to_owned()).collect();
        for (second, name) in headers.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let first = headers.iter().position(|other| other == name).unwrap_or(second);
            if first != second {
                return Err(FeedError::DuplicateHeader {
                    file: file.to_owned(),
                    row: row.number(),
                    name: name.clone(),
                    first: first + 1,
                    second: second + 1,
                });
            }
        }
        rows.header_read(&headers);
        Ok(Self { headers, rows })
    }

    /// The column names, trimmed. Columns without a name stay as empty text and cannot be mapped.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Reads the next row that is not blank into `row`; false at the end of the file.
    ///
    /// # Errors
    /// What makes the rest of the file unreadable: wrong encoding, a limit, a quote never closed.
    #[inline]
    pub fn read_row(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        self.rows.read(row)
    }

    /// Bytes of the file consumed so far, for a progress bar.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.rows {
            Rows::Delimited(rows) => rows.bytes_read(),
            Rows::Sheet(rows) => rows.bytes_read(),
        }
    }

    /// Bytes of the file; 0 when not known.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        match &self.rows {
            Rows::Delimited(rows) => rows.bytes_total(),
            Rows::Sheet(rows) => rows.bytes_total(),
        }
    }
}

impl std::fmt::Debug for TableReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableReader").field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl Rows {
    /// The next row that is not blank.
    #[inline]
    fn read(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        loop {
            if !self.read_any(row)? {
                return Ok(false);
            }
            if !row.is_blank() {
                return Ok(true);
            }
        }
    }

    /// The next row, its cells empty or not.
    #[inline]
    fn read_any(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        match self {
            Self::Delimited(rows) => rows.read(row),
            Self::Sheet(rows) => rows.read(row),
        }
    }

    /// Passes rows that need not be taken apart to know that they can be; gives how many.
    fn pass_plain(&mut self) -> Result<u64, FeedError> {
        match self {
            Self::Delimited(rows) => rows.pass_plain_rows(),
            Self::Sheet(_) => Ok(0),
        }
    }

    fn header_read(&mut self, headers: &[String]) {
        match self {
            Self::Delimited(rows) => rows.name_columns(headers),
            Self::Sheet(rows) => rows.set_width(headers.len()),
        }
    }
}

/// A tab for `.tsv` and `.tsv.gz`; anything else is looked up in the header line.
fn delimiter_of_name(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    (name.ends_with(".tsv") || name.ends_with(".tsv.gz") || name.ends_with(".tab")).then_some(b'\t')
}

#[cfg(test)]
mod tests;
