//! Rows of delimited text, by the csv state machine over our own bounded buffers.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memrchr};

use super::source::Source;
use super::{MAX_COLUMNS, MAX_LINE_BYTES, Row};
use crate::feeds::FeedError;

/// Delimiters tried, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const FIRST_LINE_BYTES: usize = 1 << 10;

/// Delimited text being read. Output buffers grow with the longest row, up to the limits.
pub(super) struct Delimited {
    source: Source,
    machine: Reader,
    delimiter: Option<u8>,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Rows passed, blank ones included.
    row: u64,
    /// The last record ended in CR, so a LF that follows belongs to it.
    after_return: bool,
    columns: Vec<String>,
    /// Whether [`Self::pass_plain_rows`] may find any.
    may_be_plain: bool,
}

impl Delimited {
    pub(super) fn new(source: Source, delimiter: Option<u8>) -> Self {
        Self {
            source,
            machine: Reader::new(),
            delimiter,
            text: vec![0; FIRST_LINE_BYTES],
            ends: vec![0; 64],
            row: 0,
            after_return: false,
            columns: Vec::new(),
            may_be_plain: true,
        }
    }

    pub(super) fn name_columns(&mut self, headers: &[String]) {
        self.columns = headers.to_vec();
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }

    pub(super) fn bytes_total(&self) -> u64 {
        self.source.bytes_total()
    }

    /// Reads one record; false at the end of the file.
    pub(super) fn read(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        if self.row == 0 {
            self.choose_delimiter()?;
        }
        if !self.skip_blank_lines()? {
            return Ok(false);
        }
        self.row += 1;
        let (mut written, mut cells) = (0, 0);
        loop {
            let input = self.source.fill(self.row)?;
            // A last row without a line end is given one; when that does not end it, a quote is open.
            let ended = input.is_empty();
            let input = if ended { b"\n" } else { input };
            let (result, used, out, ends) = self.machine.read_record(
                input,
                self.text.get_mut(written..).unwrap_or_default(),
                self.ends.get_mut(cells..).unwrap_or_default(),
            );
            self.after_return = input.get(used.wrapping_sub(1)) == Some(&b'\r');
            self.source.consume(used);
            written += out;
            cells += ends;
            match result {
                ReadRecordResult::InputEmpty if ended => {
                    return Err(FeedError::OpenQuote { file: self.source.file.clone(), row: self.row });
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow_text()?,
                ReadRecordResult::OutputEndsFull => self.grow_ends()?,
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(false),
            }
        }
        self.hand_over(row, written, cells)?;
        Ok(true)
    }

    /// Passes the rows at hand that a look at their bytes proves readable: whole lines of UTF-8 that have no quote and not
    /// too many columns. Gives how many; what it leaves is for [`Self::read`]. Called where a row begins, the header read.
    pub(super) fn pass_plain_rows(&mut self) -> Result<u64, FeedError> {
        if !self.may_be_plain || !self.skip_blank_lines()? {
            return Ok(0);
        }
        let delimiter = self.delimiter.unwrap_or(b',');
        let chunk = self.source.fill(self.row)?;
        let unquoted = memchr(b'"', chunk).and_then(|quote| chunk.get(..quote)).unwrap_or(chunk);
        let whole = memrchr(b'\n', unquoted).and_then(|last| unquoted.get(..=last)).unwrap_or_default();
        let (mut start, mut lines, mut blank, mut returns) = (0, 0, 0, 0);
        for end in memchr_iter(b'\n', whole) {
            let line = whole.get(start..end).unwrap_or_default();
            if line.len() >= MAX_COLUMNS && memchr_iter(delimiter, line).count() >= MAX_COLUMNS {
                break;
            }
            let ends_in_return = usize::from(line.last() == Some(&b'\r'));
            returns += ends_in_return;
            blank += u64::from(line.len() == ends_in_return);
            lines += 1;
            start = end + 1;
        }
        let passed = whole.get(..start).unwrap_or_default();
        // A return without a line feed ends a row too, which only the machine counts.
        let lone_return = if passed.is_empty() {
            memchr(b'\r', unquoted).is_some_and(|at| at + 1 < unquoted.len())
        } else {
            memchr_iter(b'\r', passed).count() != returns
        };
        if lone_return || std::str::from_utf8(passed).is_err() {
            self.may_be_plain = false;
            return Ok(0);
        }
        self.source.consume(start);
        self.row += lines;
        Ok(lines - blank)
    }

    /// Passes line ends that hold no record, counting each as a row; false at the end of the file.
    fn skip_blank_lines(&mut self) -> Result<bool, FeedError> {
        loop {
            match self.source.fill(self.row)?.first() {
                None => return Ok(false),
                Some(b'\n') if self.after_return => self.after_return = false,
                Some(b'\n') => self.row += 1,
                Some(b'\r') => {
                    self.row += 1;
                    self.after_return = true;
                }
                Some(_) => return Ok(true),
            }
            self.source.consume(1);
        }
    }

    /// Looks for the delimiter that stands most often outside quotes in the first line.
    fn choose_delimiter(&mut self) -> Result<(), FeedError> {
        if self.delimiter.is_none() {
            let head = self.source.fill(0)?;
            let mut counts = [0_usize; DELIMITERS.len()];
            let mut quoted = false;
            for byte in head.iter().skip_while(|b| matches!(b, b'\r' | b'\n')) {
                match byte {
                    b'"' => quoted = !quoted,
                    b'\r' | b'\n' if !quoted => break,
                    other if !quoted => {
                        let found = DELIMITERS.iter().zip(&mut counts).find(|(d, _)| *d == other);
                        if let Some((_, count)) = found {
                            *count += 1;
                        }
                    }
                    _ => {}
                }
            }
            // `max_by_key` keeps the last of equals, so the likelier stand last.
            let best = DELIMITERS.iter().zip(counts).rev().max_by_key(|(_, count)| *count);
            self.delimiter = best.map(|(delimiter, _)| *delimiter);
        }
        self.machine = ReaderBuilder::new().delimiter(self.delimiter.unwrap_or(b',')).build();
        Ok(())
    }

    fn grow_text(&mut self) -> Result<(), FeedError> {
        if self.text.len() >= MAX_LINE_BYTES {
            return Err(self.limit(
                "the row is longer than is allowed",
                "MAX_LINE_BYTES",
                MAX_LINE_BYTES,
                "look for a quote that is never closed or for missing line ends",
            ));
        }
        self.text.resize((self.text.len() * 4).min(MAX_LINE_BYTES), 0);
        Ok(())
    }

    fn grow_ends(&mut self) -> Result<(), FeedError> {
        if self.ends.len() >= MAX_COLUMNS {
            return Err(self.limit(
                "the row has more columns than are allowed",
                "MAX_COLUMNS",
                MAX_COLUMNS,
                "look for missing line ends or a wrong delimiter",
            ));
        }
        self.ends.resize((self.ends.len() * 4).min(MAX_COLUMNS), 0);
        Ok(())
    }

    fn limit(
        &self,
        what: &'static str,
        constant: &'static str,
        limit: usize,
        advice: &'static str,
    ) -> FeedError {
        FeedError::Limit {
            file: self.source.file.clone(),
            row: self.row,
            what,
            constant,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            advice,
        }
    }

    fn hand_over(&self, row: &mut Row, written: usize, cells: usize) -> Result<(), FeedError> {
        let bytes = self.text.get(..written).unwrap_or_default();
        let ends = self.ends.get(..cells).unwrap_or_default();
        row.clear(self.row);
        // The whole is checked at once, and the cuts once more only when there is more than ASCII.
        match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end)) => {
                row.text.push_str(text);
                row.ends.extend_from_slice(ends);
                Ok(())
            }
            _ => Err(self.not_utf8(bytes, ends)),
        }
    }

    fn not_utf8(&self, bytes: &[u8], ends: &[usize]) -> FeedError {
        let mut start = 0;
        let mut wrong = (0, 0, 0);
        for (column, end) in ends.iter().enumerate() {
            let cell = bytes.get(start..*end).unwrap_or_default();
            if let Err(e) = std::str::from_utf8(cell) {
                wrong = (column, e.valid_up_to(), cell.get(e.valid_up_to()).copied().unwrap_or_default());
                break;
            }
            start = *end;
        }
        let (column, position, byte) = wrong;
        let column = match self.columns.get(column) {
            Some(name) if !name.is_empty() => format!("`{name}`"),
            _ => format!("number {}", column + 1),
        };
        FeedError::NotUtf8 {
            file: self.source.file.clone(),
            row: self.row,
            column,
            position: position + 1,
            byte,
        }
    }
}
