//! Tables for spreadsheets.

use crate::domain::guard::guarded;

/// The rows as comma-separated values, with a header and CRLF line ends (RFC 4180).
///
/// Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are left alone.
///
/// # Errors
/// The writer's reason, such as a row with another number of cells than the header.
pub fn csv<C: AsRef<str>>(
    header: impl IntoIterator<Item = C>,
    rows: impl IntoIterator<Item: IntoIterator<Item: AsRef<str>>>,
) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(header.into_iter().map(|title| title.as_ref().to_owned()))?;
    for row in rows {
        out.write_record(row.into_iter().map(|text| cell(text.as_ref())))?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// Width of the columns of a workbook, in characters.
const COLUMN_CHARS: u16 = 24;

/// One sheet of a workbook.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name; at most 31 characters, unique in the workbook.
    pub name: &'static str,
    /// The head of each column.
    pub header: Vec<&'static str>,
    /// Its rows, each with as many cells.
    pub rows: Vec<Vec<String>>,
}

/// The rows as a workbook of one sheet; see [`workbook`].
///
/// # Errors
/// As [`workbook`].
pub fn xlsx<const N: usize>(
    name: &str,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    sheet_write(&mut book, name, &header, rows)?;
    book.save_to_buffer()
}

/// The sheets as a workbook, each with a header that stays in view. A cell that reads as a number is a number, unless a
/// spreadsheet would keep another one; every other cell is text, whatever it starts with, and never a formula.
///
/// # Errors
/// What the writer says, such as more rows than a sheet has.
pub fn workbook(sheets: Vec<Sheet>) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for Sheet { name, header, rows } in sheets {
        sheet_write(&mut book, name, &header, rows)?;
    }
    book.save_to_buffer()
}

fn sheet_write(
    book: &mut rust_xlsxwriter::Workbook,
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item: IntoIterator<Item = String>>,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    let rows = rows.into_iter().map(|cells| cells.into_iter().map(|text| (text, true)));
    sheet_fill(book.add_worksheet(), name, header, rows).map(drop)
}

/// Fills a sheet from the top with texts, each of which may be a figure or not; gives the number of its last row, counted
/// from 0.
fn sheet_fill(
    sheet: &mut rust_xlsxwriter::Worksheet,
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item: IntoIterator<Item = (String, bool)>>,
) -> Result<u32, rust_xlsxwriter::XlsxError> {
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = rust_xlsxwriter::Format::new().set_bold();
    for (_, column) in header.iter().zip(0_u16..) {
        sheet.set_column_width(column, COLUMN_CHARS)?;
    }
    for (title, column) in header.iter().zip(0_u16..) {
        sheet.write_string_with_format(0, column, *title, &bold)?;
    }
    let mut last = 0;
    for (cells, row) in rows.into_iter().zip(1_u32..) {
        for ((text, is_figure), column) in cells.into_iter().zip(0_u16..) {
            match spreadsheet_number(&text).filter(|_| is_figure) {
                Some(number) => sheet.write_number(row, column, number)?,
                None => sheet.write_string(row, column, text)?,
            };
        }
        last = row;
    }
    Ok(last)
}

/// A long list as a workbook of one sheet, a row in memory at a time. A cell says whether it is a figure: a reference of
/// digits stays the text it is. `more` is a last line of words, such as that the list goes on.
///
/// # Errors
/// As [`workbook`].
pub fn list_xlsx(
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item: IntoIterator<Item = (String, bool)>>,
    more: Option<&str>,
) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    let last = sheet_fill(sheet, name, header, rows)?;
    if let Some(words) = more {
        sheet.write_string(last.saturating_add(1), 0, words)?;
    }
    book.save_to_buffer()
}

/// As [`list_xlsx`], dated: the same rows always make the same bytes. `on` is year, month and day.
///
/// # Errors
/// As [`workbook`].
pub fn list_xlsx_dated(
    name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item: IntoIterator<Item = (String, bool)>>,
    (year, month, day): (i32, u32, u32),
) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let narrow = |number: u32| u8::try_from(number).unwrap_or(1);
    let on = rust_xlsxwriter::ExcelDateTime::from_ymd(
        u16::try_from(year).unwrap_or(1900),
        narrow(month),
        narrow(day),
    )?;
    let mut book = rust_xlsxwriter::Workbook::new();
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&on));
    sheet_fill(book.add_worksheet(), name, header, rows)?;
    book.save_to_buffer()
}

/// The number a spreadsheet keeps for a text, when it is the same one.
pub(super) fn spreadsheet_number(text: &str) -> Option<f64> {
    let exact: rust_decimal::Decimal = text.parse().ok()?;
    let kept: f64 = text.parse().ok()?;
    let back: rust_decimal::Decimal = kept.to_string().parse().ok()?;
    (back == exact).then_some(kept)
}

fn cell(text: &str) -> String {
    let is_number = text.parse::<rust_decimal::Decimal>().is_ok();
    if is_number { text.to_owned() } else { guarded(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_needs_it_and_runs_nothing() {
        let rows = [["=cmd()".to_owned(), "-4.5".to_owned()], ["Gary, \"IN\"".to_owned(), "7".to_owned()]];
        let text = String::from_utf8(csv(["lane", "loads"], rows).unwrap()).unwrap();
        assert_eq!(text, "lane,loads\r\n'=cmd(),-4.5\r\n\"Gary, \"\"IN\"\"\",7\r\n");
    }

    #[test]
    fn a_list_keeps_references_as_texts_and_figures_as_numbers() {
        use calamine::{Data, Reader, Xlsx};
        let cell = |text: &str, is_figure| (text.to_owned(), is_figure);
        let rows =
            [[cell("00123", false), cell("1234.5", true)], [cell("=A1", false), cell("\u{2013}", true)]];
        let bytes = list_xlsx("CPS", &["Reference", "Freight"], rows, Some("and so on")).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range("CPS").unwrap();
        let text = |text: &str| Data::String(text.to_owned());
        let told: Vec<Data> = sheet.rows().skip(1).flatten().cloned().collect();
        assert_eq!(
            told,
            [
                text("00123"),
                Data::Float(1234.5),
                text("=A1"),
                text("\u{2013}"),
                text("and so on"),
                Data::Empty
            ]
        );
    }
}
