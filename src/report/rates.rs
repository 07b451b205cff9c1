//! Rate sheets to take away, written as they are read: the columns are the fields of an import of rates. One price a
//! row (long), or a column for each zone or class (matrix). Rows go out as they come; nothing is kept but one row.

use std::io::Write;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::sheet::spreadsheet_number;
use crate::domain::guard::guarded;
use crate::domain::money::Micros;
use crate::domain::rate::form::{HEAD_FIELDS, PARAMETER_NAMES, head_write};
use crate::domain::rate::{Axis, Band, Cell, Lane, RateLine};

/// How the heading of a column of prices begins in a matrix; the zone or class follows.
pub const PRICE_PREFIX: &str = "rate ";
/// Name of the sheet of a workbook.
const SHEET_NAME: &str = "Rates";

/// What a rate sheet is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetFormat {
    /// Comma-separated values, decimals exact.
    Csv,
    /// A workbook; a number that a spreadsheet would change is a text.
    Xlsx,
}

/// The columns of one sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetColumns {
    /// Axes with bands, weight before distance before units.
    pub axes: Vec<Axis>,
    /// Whether rows name a zone or class.
    pub names_column: bool,
    /// Zones or classes across: a matrix. None for one price a row.
    pub across: Option<Vec<String>>,
    /// The choices of how to rate that hold for the whole version, in the order of [`PARAMETER_NAMES`].
    pub whole: [String; PARAMETER_NAMES.len()],
}

/// Why a sheet could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// Comma-separated values.
    #[error("the sheet cannot be written: {0}")]
    Csv(#[from] csv::Error),
    /// A workbook.
    #[error("the workbook cannot be written: {0}")]
    Xlsx(#[from] XlsxError),
    /// The file.
    #[error("the sheet cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// One cell of a row.
enum Value {
    Blank,
    Text(String),
    Number(String),
}

enum Out<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Xlsx(Box<(Workbook, W)>),
}

/// A rate sheet being written.
pub struct RateSheet<W: Write + Send> {
    out: Out<W>,
    columns: SheetColumns,
    /// What every row of the line begins with.
    head: Vec<Value>,
    /// What the next row says of how the line and the version rate; said once, so that a long sheet stays small.
    once: Vec<Value>,
    /// Axes of the line's cells.
    axes: [Option<Axis>; 2],
    /// Names of the line's columns; for a matrix the place of each among the columns across.
    names: Vec<String>,
    places: Vec<usize>,
    row: u32,
}

impl<W: Write + Send> std::fmt::Debug for RateSheet<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateSheet")
            .field("columns", &self.columns)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

fn axis_fields(axis: Axis) -> [&'static str; 2] {
    match axis {
        Axis::Weight => ["weight_from", "weight_to"],
        Axis::Distance => ["distance_from", "distance_to"],
        Axis::Units => ["units_from", "units_to"],
    }
}

fn text(value: &str) -> Value {
    if value.is_empty() { Value::Blank } else { Value::Text(guarded(value)) }
}

fn quantity(value: Option<Micros>) -> Value {
    value.map_or(Value::Blank, |value| Value::Number(value.decimal().normalize().to_string()))
}

fn amount(value: Option<Micros>) -> Value {
    value.map_or(Value::Blank, |value| Value::Number(value.to_string()))
}

impl<W: Write + Send> RateSheet<W> {
    /// A sheet with its headings.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn new(out: W, format: SheetFormat, columns: SheetColumns) -> Result<Self, SheetError> {
        let out = match format {
            SheetFormat::Csv => {
                let mut writer = csv::WriterBuilder::new();
                writer.terminator(csv::Terminator::CRLF);
                Out::Csv(Box::new(writer.from_writer(out)))
            }
            SheetFormat::Xlsx => {
                let mut book = Workbook::new();
                let sheet = book.add_worksheet_with_constant_memory()?;
                sheet.set_name(SHEET_NAME)?;
                sheet.set_freeze_panes(1, 0)?;
                Out::Xlsx(Box::new((book, out)))
            }
        };
        let mut sheet = Self {
            out,
            columns,
            head: Vec::new(),
            once: Vec::new(),
            axes: [None; 2],
            names: Vec::new(),
            places: Vec::new(),
            row: 0,
        };
        let headings = sheet.headings().into_iter().map(Value::Text).collect::<Vec<_>>();
        sheet.write(&[], &headings)?;
        Ok(sheet)
    }

    fn headings(&self) -> Vec<String> {
        let fixed = [
            "line",
            "label",
            "lane",
            "origin",
            "destination",
            "equipment",
            "service",
            "transit_days",
            "valid_from",
            "valid_to",
            "currency",
        ];
        let mut names: Vec<String> = fixed.map(str::to_owned).to_vec();
        if self.columns.names_column && self.columns.across.is_none() {
            names.push("column".to_owned());
        }
        for axis in &self.columns.axes {
            names.extend(axis_fields(*axis).map(str::to_owned));
        }
        match &self.columns.across {
            None => names.extend(["rate", "min", "prior"].map(str::to_owned)),
            Some(across) => {
                names.extend(["min", "prior"].map(str::to_owned));
                names.extend(across.iter().map(|name| format!("{PRICE_PREFIX}{name}")));
            }
        }
        names.extend(HEAD_FIELDS.into_iter().chain(PARAMETER_NAMES).map(str::to_owned));
        names
    }

    /// Begins a rate line; `lane` is the one lane its rows say.
    pub fn line(&mut self, line: &RateLine, lane: Option<&Lane>) {
        let day =
            |day: Option<chrono::NaiveDate>| day.map_or(Value::Blank, |day| Value::Text(day.to_string()));
        let word = |word: Option<&String>| word.map_or(Value::Blank, |word| text(word));
        self.head = vec![text(&line.code), text(&line.label)];
        match lane {
            None => self.head.extend((0..6).map(|_| Value::Blank)),
            Some(lane) => self.head.extend([
                text(&lane.code),
                text(&lane.origin.to_string()),
                text(&lane.destination.to_string()),
                word(lane.equipment.as_ref()),
                word(lane.service.as_ref()),
                lane.transit_business_days.map_or(Value::Blank, |days| Value::Number(days.to_string())),
            ]),
        }
        self.head.extend([
            day(line.valid_from),
            day(line.valid_to),
            line.currency.map_or(Value::Blank, |currency| text(currency.code())),
        ]);
        let whole = std::mem::take(&mut self.columns.whole);
        self.once = head_write(line).iter().chain(&whole).map(|said| text(said)).collect();
        self.axes = [line.first, line.second];
        self.names.clone_from(&line.columns);
        let across = self.columns.across.as_deref().unwrap_or_default();
        let place = |name: &String| across.iter().position(|own| own == name).unwrap_or(across.len());
        self.places = line.columns.iter().map(place).collect();
    }

    fn bands(&self, cell: &Cell, row: &mut Vec<Value>) {
        for axis in &self.columns.axes {
            let band = match self.axes.iter().position(|own| *own == Some(*axis)) {
                Some(0) => cell.first,
                Some(_) => cell.second,
                // An axis of other lines: everything on it.
                None => Band::ALL,
            };
            row.extend([quantity(Some(band.lower)), quantity(band.upper)]);
        }
    }

    /// Writes cells of the line. A matrix takes all cells of a line at once and sorts them.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn cells(&mut self, cells: &mut [Cell]) -> Result<(), SheetError> {
        let head = std::mem::take(&mut self.head);
        let done =
            if self.columns.across.is_some() { self.matrix(&head, cells) } else { self.long(&head, cells) };
        self.head = head;
        done
    }

    fn long(&mut self, head: &[Value], cells: &[Cell]) -> Result<(), SheetError> {
        let mut row = Vec::new();
        for cell in cells {
            row.clear();
            if self.columns.names_column {
                row.push(self.names.get(usize::from(cell.column)).map_or(Value::Blank, |name| text(name)));
            }
            self.bands(cell, &mut row);
            row.extend([amount(Some(cell.rate)), amount(cell.min), amount(cell.prior)]);
            self.write(head, &row)?;
        }
        Ok(())
    }

    /// One row for each band and what the row says of all its prices; another one for a column that is there twice.
    fn matrix(&mut self, head: &[Value], cells: &mut [Cell]) -> Result<(), SheetError> {
        let key = |cell: &Cell| (cell.first, cell.second, cell.prior, cell.min);
        cells.sort_unstable_by_key(|cell| (key(cell), cell.column, cell.rate));
        let width = self.columns.across.as_ref().map_or(0, Vec::len);
        let mut rest = &*cells;
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|cell| key(cell) == key(first)).count();
            let (group, after) = rest.split_at(alike);
            rest = after;
            let mut left: Vec<&Cell> = group.iter().collect();
            while !left.is_empty() {
                let mut row = Vec::new();
                self.bands(first, &mut row);
                row.extend([amount(first.min), amount(first.prior)]);
                let start = row.len();
                row.extend((0..width).map(|_| Value::Blank));
                left.retain(|cell| {
                    let place = self.places.get(usize::from(cell.column)).map(|place| start + place);
                    match place.and_then(|place| row.get_mut(place)) {
                        Some(slot @ Value::Blank) => {
                            *slot = amount(Some(cell.rate));
                            false
                        }
                        Some(_) => true,
                        None => false,
                    }
                });
                self.write(head, &row)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, head: &[Value], rest: &[Value]) -> Result<(), SheetError> {
        let mut once = std::mem::take(&mut self.once);
        if self.row > 0 {
            once.resize_with(HEAD_FIELDS.len() + PARAMETER_NAMES.len(), || Value::Blank);
        }
        let values = head.iter().chain(rest).chain(&once);
        match &mut self.out {
            Out::Csv(writer) => {
                writer.write_record(values.map(|value| match value {
                    Value::Blank => "",
                    Value::Text(text) | Value::Number(text) => text.as_str(),
                }))?;
            }
            Out::Xlsx(book) => {
                let sheet = book.0.worksheet_from_index(0)?;
                for (value, column) in values.zip(0_u16..) {
                    write_value(sheet, (self.row, column), value)?;
                }
            }
        }
        self.row = self.row.saturating_add(1);
        Ok(())
    }

    /// Rows written, without the headings.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.row.saturating_sub(1)
    }

    /// Ends the sheet.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn finish(self) -> Result<(), SheetError> {
        match self.out {
            Out::Csv(mut writer) => writer.flush()?,
            Out::Xlsx(mut book) => {
                book.0.save_to_writer(&mut book.1)?;
                book.1.flush()?;
            }
        }
        Ok(())
    }
}

fn write_value(sheet: &mut Worksheet, (row, column): (u32, u16), value: &Value) -> Result<(), XlsxError> {
    match value {
        Value::Blank => {}
        Value::Text(text) if row == 0 => {
            sheet.write_string_with_format(row, column, text, &Format::new().set_bold())?;
        }
        Value::Text(text) => {
            sheet.write_string(row, column, text)?;
        }
        Value::Number(number) => {
            match spreadsheet_number(number) {
                Some(number) => sheet.write_number(row, column, number)?,
                None => sheet.write_string(row, column, number)?,
            };
        }
    }
    Ok(())
}
