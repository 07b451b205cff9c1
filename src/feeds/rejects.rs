//! The rejects file: every row that did not load, with the reason and the row itself.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::feeds::table::Row;
use crate::feeds::{FeedError, RowError};

/// Columns put before the row's own.
const COLUMNS: [&str; 4] = ["row", "column", "value", "reason"];

/// The first `most` rows of a rejects file in words: `row 3, column rate, value x: what is wrong`.
///
/// # Errors
/// The file cannot be read.
pub fn rejects_read(path: &Path, most: usize) -> io::Result<Vec<String>> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut told = Vec::new();
    for record in reader.records().take(most) {
        let record = record?;
        let [row, column, value, reason] = [0, 1, 2, 3].map(|at| record.get(at).unwrap_or_default());
        let mut said = format!("row {row}");
        for (what, text) in [("column", column), ("value", value)] {
            if !text.is_empty() {
                said += &format!(", {what} {text}");
            }
        }
        told.push(format!("{said}: {reason}"));
    }
    Ok(told)
}

/// Writes rejected rows as csv. The file is created with the first of them, so no file means none.
#[derive(Debug)]
pub struct RejectWriter {
    path: PathBuf,
    headers: Vec<String>,
    writer: Option<csv::Writer<BufWriter<File>>>,
    count: u64,
}

impl RejectWriter {
    /// A writer to `path` for rows under these column names. Nothing is created yet.
    ///
    /// # Errors
    /// The file cannot be made there, or is there already: it may be the very file that is imported. A device such as
    /// `/dev/null` is fine.
    pub fn new(path: &Path, headers: &[String]) -> Result<Self, FeedError> {
        let new = Self { path: path.to_owned(), headers: headers.to_vec(), writer: None, count: 0 };
        if !path.exists() {
            // A place where it cannot be made is better known before the first row is stored than after the first bad one.
            let made = File::create_new(path).and_then(|_| std::fs::remove_file(path));
            made.map_err(|source| new.failed(source))?;
        }
        if path.exists() && !takes_bytes(path) {
            return Err(new.failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "it exists already; name another file, or move this one away",
            )));
        }
        Ok(new)
    }

    /// Writes one row with what is wrong with it.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn reject(&mut self, row: &Row, error: &RowError) -> Result<(), FeedError> {
        self.write(row, error).map_err(|source| self.failed(source))
    }

    /// How many rows were rejected.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Writes what is still buffered; the path when there were rejects.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<Option<PathBuf>, FeedError> {
        match self.writer.take() {
            None => Ok(None),
            Some(mut writer) => {
                writer.flush().map_err(|source| self.failed(source))?;
                Ok(Some(self.path))
            }
        }
    }

    fn failed(&self, source: io::Error) -> FeedError {
        FeedError::Rejects { file: self.path.display().to_string(), source }
    }

    fn write(&mut self, row: &Row, error: &RowError) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => {
                let file = if takes_bytes(&self.path) {
                    File::options().write(true).open(&self.path)?
                } else {
                    File::create_new(&self.path)?
                };
                let file = BufWriter::new(file);
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
                writer.write_record(COLUMNS.into_iter().chain(self.headers.iter().map(String::as_str)))?;
                empty.insert(writer)
            }
        };
        let number = row.number().to_string();
        let head = [number.as_str(), &error.column, &error.value, &error.reason];
        writer.write_record(head.into_iter().chain(row.iter()))?;
        self.count += 1;
        Ok(())
    }
}

/// Whether the path is a character device or a pipe, where writing replaces nothing.
#[cfg(unix)]
fn takes_bytes(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|found| found.file_type().is_char_device() || found.file_type().is_fifo())
}

/// Whether writing to the path replaces nothing: not known here.
#[cfg(not(unix))]
fn takes_bytes(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_device_takes_rejects_and_a_file_that_is_there_does_not() {
        let null = Path::new("/dev/null");
        let mut rejects = RejectWriter::new(null, &["id".to_owned()]).unwrap();
        let mut row = Row::new();
        row.fill(2, ["A"]);
        rejects.reject(&row, &RowError::row("is wrong")).unwrap();
        assert_eq!((rejects.count(), rejects.finish().unwrap()), (1, Some(null.to_owned())));
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("link.csv");
        std::fs::write(folder.path().join("kept.csv"), "kept").unwrap();
        std::os::unix::fs::symlink(folder.path().join("kept.csv"), &there).unwrap();
        assert!(RejectWriter::new(&there, &[]).is_err(), "nothing is written through a link to a file");
    }

    #[test]
    fn writes_the_row_with_its_reason_and_nothing_without_rejects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rejects.csv");
        let headers = ["id".to_owned(), "weight".to_owned()];
        assert_eq!(RejectWriter::new(&path, &headers).unwrap().finish().unwrap(), None);
        assert!(!path.exists());
        let mut rejects = RejectWriter::new(&path, &headers).unwrap();
        let mut row = Row::new();
        row.fill(7, ["A,1", "-3"]);
        rejects.reject(&row, &RowError::cell("weight", "-3", "is below 0")).unwrap();
        assert_eq!(rejects.count(), 1);
        assert_eq!(rejects.finish().unwrap(), Some(path.clone()));
        let again = RejectWriter::new(&path, &headers).map(|_| ()).unwrap_err().to_string();
        assert!(again.contains("exists already"), "{again}");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "row,column,value,reason,id,weight\n7,weight,-3,is below 0,\"A,1\",-3\n");
    }
}
