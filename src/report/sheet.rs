//! Tables for spreadsheets.

/// Characters with which a spreadsheet takes a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The rows as comma-separated values, with a header and CRLF line ends (RFC 4180).
///
/// Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are left alone.
#[must_use]
pub fn csv<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut out = header.map(cell).join(",");
    out.push_str("\r\n");
    for row in rows {
        out.push_str(&row.map(|text| cell(&text)).join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(text: &str) -> String {
    let is_number = text.parse::<rust_decimal::Decimal>().is_ok();
    let guard = if text.starts_with(FORMULA) && !is_number { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it_and_runs_nothing() {
        let rows = [["=cmd()".to_owned(), "-4.5".to_owned()], ["Gary, \"IN\"".to_owned(), "7".to_owned()]];
        assert_eq!(csv(["lane", "loads"], rows), "lane,loads\r\n'=cmd(),-4.5\r\n\"Gary, \"\"IN\"\"\",7\r\n");
    }
}
