//! Printing: a table with aligned columns, or JSON.

use std::fmt::Arguments;
use std::io::Write as _;

use serde::Serialize;

use lanemark::domain::field::FieldErrors;

use super::Format;

/// Writes to standard output. Where that cannot be, there is nobody to go on for: the reason goes to standard error and
/// the program ends with 1.
pub fn say(words: Arguments<'_>) {
    if let Err(reason) = std::io::stdout().write_fmt(words) {
        let told = "what was done is kept; make room or send the output elsewhere, and run it again";
        let _ = writeln!(std::io::stderr(), "error: standard output cannot be written: {reason}; {told}");
        std::process::exit(1);
    }
}

/// What is wrong with the fields of an edit, in one line.
pub fn problems(errors: &FieldErrors) -> String {
    let told: Vec<String> = errors.iter().map(|(field, message)| format!("{field}: {message}")).collect();
    told.join("; ")
}

/// Prints `rows` as JSON, or as a table of `header` and `cells`.
pub fn print<T: Serialize>(
    format: Format,
    rows: &[T],
    header: &[&str],
    cells: impl Fn(&T) -> Vec<String>,
) -> anyhow::Result<()> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(rows)?),
        Format::Table => print_table(header, &rows.iter().map(cells).collect::<Vec<_>>()),
    }
    Ok(())
}

/// Prints aligned columns; what looks like a number stands to the right.
pub fn print_table(header: &[&str], rows: &[Vec<String>]) {
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cell = |row: &Vec<String>| row.get(column).map_or(0, |text| text.chars().count());
            rows.iter().map(cell).chain([cell(&header)]).max().unwrap_or(0)
        })
        .collect();
    let numeric: Vec<bool> = (0..header.len())
        .map(|column| {
            !rows.is_empty()
                && rows.iter().filter_map(|row| row.get(column)).all(|text| {
                    text == NO_DATA || text.chars().all(|c| c.is_ascii_digit() || "+-−.,:% ".contains(c))
                })
        })
        .collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for ((text, &width), &right) in row.iter().zip(&widths).zip(&numeric) {
            let pad = " ".repeat(width.saturating_sub(text.chars().count()));
            if right {
                line.push_str(&pad);
                line.push_str(text);
            } else {
                line.push_str(text);
                line.push_str(&pad);
            }
            line.push_str("  ");
        }
        println!("{}", line.trim_end());
    }
    if rows.is_empty() {
        println!("{NO_DATA}");
    }
}

/// What stands where there is nothing to say.
pub const NO_DATA: &str = "no data";
