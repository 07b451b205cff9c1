//! What can be wrong with a file, a mapping or one row of a file, and what to do about it.

use crate::feeds::expr::ExprError;

/// How many characters of a cell an error message or a rejects file repeats.
pub const MAX_SHOWN_CHARS: usize = 120;

/// A file or mapping that cannot be used as it is. Nothing after it is read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The file cannot be opened.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// File as the user named it.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Reading failed in the middle.
    #[error("{file}{}: reading failed: {source}", at_row(*row))]
    Read {
        /// File as the user named it.
        file: String,
        /// Row being read, 0 before the first.
        row: u64,
        /// Why.
        source: std::io::Error,
    },
    /// No header row.
    #[error("{file}: the file is empty; its first row must name the columns")]
    Empty {
        /// File as the user named it.
        file: String,
    },
    /// Two columns of one name.
    #[error(
        "{file}, row {row}: the column name `{name}` stands twice, in columns {first} and {second}; rename one of them"
    )]
    DuplicateHeader {
        /// File as the user named it.
        file: String,
        /// Row of the header.
        row: u64,
        /// The name.
        name: String,
        /// First column, counted from 1.
        first: usize,
        /// Second column, counted from 1.
        second: usize,
    },
    /// Bytes that are not text in the encoding expected.
    #[error(
        "{file}, row {row}, column {column}: byte {position} of the cell is 0x{byte:02X}, which is not UTF-8; \
             if the file is Latin-1, declare encoding = \"latin1\" in the mapping"
    )]
    NotUtf8 {
        /// File as the user named it.
        file: String,
        /// Row.
        row: u64,
        /// Column name, or its number.
        column: String,
        /// Position in the cell, counted from 1.
        position: usize,
        /// The first wrong byte.
        byte: u8,
    },
    /// Zero bytes at the start: UTF-16 without its mark, or no text at all.
    #[error(
        "{file}, line {line}: the file has zero bytes and is not plain text; if it is UTF-16 without a byte-order mark, \
             declare encoding = \"utf-16le\" (or \"utf-16be\") in the mapping; if it is an old .xls workbook, save it as .xlsx or csv"
    )]
    NotText {
        /// File as the user named it.
        file: String,
        /// Line of the first one, counted from 1.
        line: usize,
    },
    /// An encoding name nobody knows.
    #[error("the encoding `{0}` is not known; use utf-8, latin1, utf-16le or utf-16be")]
    UnknownEncoding(String),
    /// One of the reading limits was hit.
    #[error("{file}{}: {what} ({constant} = {limit}); {advice}", at_row(*row))]
    Limit {
        /// File as the user named it.
        file: String,
        /// Row being read, 0 before the first.
        row: u64,
        /// What is too large.
        what: &'static str,
        /// Name of the limit.
        constant: &'static str,
        /// The limit.
        limit: u64,
        /// What to do.
        advice: &'static str,
    },
    /// A quote that opens and never closes.
    #[error(
        "{file}, row {row}: a quoted cell that starts in this row is never closed; close the quote or double it"
    )]
    OpenQuote {
        /// File as the user named it.
        file: String,
        /// Row where the record starts.
        row: u64,
    },
    /// The workbook cannot be read.
    #[error(
        "{file}: the workbook cannot be read: {reason}; open it and save it again as .xlsx, or export csv"
    )]
    Workbook {
        /// File as the user named it.
        file: String,
        /// Why.
        reason: String,
    },
    /// Neither a file nor a shipped mapping.
    #[error("there is no mapping `{name}`: it is neither a file nor one of the shipped mappings ({shipped})")]
    UnknownMapping {
        /// What was asked for.
        name: String,
        /// Names that exist.
        shipped: String,
    },
    /// The mapping file is not well formed.
    #[error("mapping {mapping}: {reason}")]
    MappingSyntax {
        /// The mapping.
        mapping: String,
        /// What is wrong.
        reason: String,
    },
    /// The mapping is for another kind of record.
    #[error("mapping {mapping} is for {found}, but {wanted} are being imported")]
    WrongKind {
        /// The mapping.
        mapping: String,
        /// Kind it declares.
        found: &'static str,
        /// Kind asked for.
        wanted: &'static str,
    },
    /// A field we do not have.
    #[error("mapping {mapping}: {kind} have no field `{field}`{suggestion}; the fields are: {fields}")]
    UnknownField {
        /// The mapping.
        mapping: String,
        /// Kind of record.
        kind: &'static str,
        /// The name that is none.
        field: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
        /// Every field of the kind.
        fields: String,
    },
    /// A column the file does not have.
    #[error(
        "mapping {mapping}, field `{field}`: the file has no column `{column}`{suggestion}; its columns are: {columns}"
    )]
    UnknownColumn {
        /// The mapping.
        mapping: String,
        /// Our field.
        field: String,
        /// The name that is none.
        column: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
        /// Every column of the file.
        columns: String,
    },
    /// A required field is not mapped.
    #[error(
        "mapping {mapping}: the field `{field}` is required for {kind} and comes from no column; the file's columns are: {columns}"
    )]
    MissingField {
        /// The mapping.
        mapping: String,
        /// Kind of record.
        kind: &'static str,
        /// The field.
        field: &'static str,
        /// Every column of the file.
        columns: String,
    },
    /// A constant or value of the mapping does not fit its field.
    #[error("mapping {mapping}, field `{field}`: `{value}` {reason}")]
    BadConstant {
        /// The mapping.
        mapping: String,
        /// Our field.
        field: String,
        /// The text.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A computed field that cannot be understood.
    #[error("mapping {mapping}, field `{field}`: {source}")]
    Expression {
        /// The mapping.
        mapping: String,
        /// Our field.
        field: String,
        /// What is wrong.
        source: ExprError,
    },
    /// Computed fields that need each other.
    #[error(
        "mapping {mapping}, field `{field}`: its expression needs its own result (by way of {path}); use col(\"…\") for a column of that name"
    )]
    Cycle {
        /// The mapping.
        mapping: String,
        /// Our field.
        field: String,
        /// The fields in between.
        path: String,
    },
    /// The rejects file cannot be written.
    #[error(
        "{file}: the rejected rows cannot be written: {source}; good rows stored before stay, so name another file and run the import again"
    )]
    Rejects {
        /// The rejects file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
}

/// What is wrong with one row. The row goes to the rejects file; the others load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", self.place())]
pub struct RowError {
    /// The column of the file (or the computed field); empty when the row as a whole is wrong.
    pub column: String,
    /// The cell's text, cut to [`MAX_SHOWN_CHARS`].
    pub value: String,
    /// What is wrong, in words.
    pub reason: String,
    /// `column` is one of our fields, not yet said in the file's words.
    names_field: bool,
}

impl RowError {
    /// An error about one cell.
    #[must_use]
    pub fn cell(column: &str, value: &str, reason: impl Into<String>) -> Self {
        Self { column: column.to_owned(), value: shown(value), reason: reason.into(), names_field: false }
    }

    /// An error about one of our fields, found after the row was mapped. Empty `value` stands for
    /// the text of the cell the field came from; see [`FieldPlaces`](super::mapping::FieldPlaces).
    #[must_use]
    pub fn field(name: &str, value: &str, reason: impl Into<String>) -> Self {
        Self { names_field: true, ..Self::cell(name, value, reason) }
    }

    /// Our field that is wrong, if the error names one.
    #[must_use]
    pub fn named_field(&self) -> Option<&str> {
        self.names_field.then_some(self.column.as_str())
    }

    /// An error about the row as a whole.
    #[must_use]
    pub fn row(reason: impl Into<String>) -> Self {
        Self { column: String::new(), value: String::new(), reason: reason.into(), names_field: false }
    }

    fn place(&self) -> String {
        match (self.column.is_empty(), self.value.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!("column `{}`: ", self.column),
            (false, false) => format!("column `{}`, value `{}`: ", self.column, self.value),
        }
    }
}

/// `, row 7`, or nothing before the first row.
fn at_row(row: u64) -> String {
    if row == 0 { String::new() } else { format!(", row {row}") }
}

/// The text cut to [`MAX_SHOWN_CHARS`], for messages. Control characters are written out, `\u{1b}`, since a terminal
/// would obey them.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_SHOWN_CHARS));
    for (place, c) in text.chars().enumerate() {
        match c {
            _ if place == MAX_SHOWN_CHARS => {
                out.push('…');
                break;
            }
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_are_cut_in_messages() {
        let error = RowError::cell("a", &"é".repeat(5_000), "is too long");
        assert_eq!(error.value.chars().count(), MAX_SHOWN_CHARS + 1);
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }

    #[test]
    fn a_limit_before_the_first_row_names_no_row() {
        let limit = |row| FeedError::Limit {
            file: "june.xlsx".to_owned(),
            row,
            what: "the workbook has too many parts",
            constant: "MAX_XLSX_ENTRIES",
            limit: 1,
            advice: "split it",
        };
        assert!(limit(0).to_string().starts_with("june.xlsx: the workbook has too many parts"));
        assert!(limit(7).to_string().starts_with("june.xlsx, row 7: "));
    }
}
