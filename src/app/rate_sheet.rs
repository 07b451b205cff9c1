//! A contract version's rate tables as a sheet that imports again as it is.
//!
//! In long form it is read by column name, in matrix form by the shipped mapping `rates-matrix`. A table is read and
//! written some cells at a time; only a matrix needs the cells of one line at once, to put them side by side.

use std::collections::BTreeMap;
use std::io::Write;

use super::App;
use crate::db::contract::{Version, contract_by_number, terms_load, version_list};
use crate::db::rate::{table_cells, table_cells_each};
use crate::db::{Db, DbError};
use crate::domain::geo::GeoSelector;
use crate::domain::guard::guarded;
use crate::domain::rate::form::{
    HEAD_FIELDS, PARAMETER_NAMES, Values, head_set, head_write, parameters_of_sheet, parameters_to_sheet,
};
use crate::domain::rate::{
    Axis, COLUMNS_MAX, ColumnsBy, Lane, RateBasis, RateLine, RateParameters, RateTerms, TableSeal,
};
use crate::domain::terms::{Terms, in_force};
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::feeds::mapping::{MAX_LIST_CHARS, MAX_TEXT_CHARS};
use crate::report::rates::{RateSheet, SheetColumns, SheetError, SheetFormat};

/// Rates one workbook holds, so that an import, which opens workbooks of 256 MiB at most, takes it again.
pub const XLSX_RATES_MAX: usize = 200_000;
/// Axes a sheet has bands over.
const AXES_MAX: usize = 2;
/// Lines and lanes named one by one in what a sheet leaves out.
const NAMED_MAX: usize = 5;

/// How prices stand in a sheet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SheetForm {
    /// One price a row.
    #[default]
    Long,
    /// A column for each zone or class, a row for each band.
    Matrix,
}

/// What to write.
#[derive(Clone, Copy, Debug)]
pub struct SheetChoice<'a> {
    /// This rate line only, in all its dates.
    pub line: Option<&'a str>,
    /// How prices stand.
    pub form: SheetForm,
    /// Written as.
    pub format: SheetFormat,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Prices.
    pub rates: usize,
    /// Rows, without the headings.
    pub rows: u32,
    /// What the contract says about price and the sheet does not.
    pub left_out: Vec<String>,
}

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum RateSheetError {
    /// No such contract or version, or not the viewer's to see.
    #[error("there is no {0}")]
    NotFound(String),
    /// Nothing to write.
    #[error(
        "version {version} of contract {contract} has no rate tables; load some with `lanemark import rates FILE --contract {contract}`"
    )]
    NoRates {
        /// Contract.
        contract: String,
        /// Version.
        version: i32,
    },
    /// No such line.
    #[error("version {version} has no rate line {line}; its lines are {lines}")]
    NoLine {
        /// Version.
        version: i32,
        /// Asked for.
        line: String,
        /// What there is.
        lines: String,
    },
    /// A sheet that could not be read again.
    #[error("{0}")]
    Cannot(String),
    /// The writer.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The version of that number; without one that in force today, else the newest with rate tables, drafts included.
///
/// # Errors
/// [`RateSheetError`] for what is not there or not the viewer's to see.
pub fn version_for_sheet(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    number: &str,
    wanted: Option<i32>,
) -> Result<Version, RateSheetError> {
    let has_rates = |db: &mut Db, version: &Version| {
        let terms = terms_load(db, viewer, version.id)?;
        Ok(terms.is_some_and(|terms| !terms.pricing.terms.lines.is_empty()))
    };
    version_for(app, db, viewer, (number, wanted), has_rates)?.ok_or_else(|| {
        RateSheetError::NotFound(format!(
            "version of contract {number} with rate tables; load some with `lanemark import rates FILE --contract {number}`"
        ))
    })
}

/// The version of that number; without one, of those that `serve`, the one in force today, else the newest, drafts
/// included; none where none does.
///
/// # Errors
/// As [`version_for_sheet`].
pub(super) fn version_for(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (number, wanted): (&str, Option<i32>),
    serves: impl Fn(&mut Db, &Version) -> Result<bool, DbError>,
) -> Result<Option<Version>, RateSheetError> {
    let missing = || RateSheetError::NotFound(format!("contract {number}"));
    let contract = contract_by_number(db, viewer, number)?.ok_or_else(missing)?;
    let versions = version_list(db, viewer, contract.id)?;
    if let Some(wanted) = wanted {
        let found = versions.into_iter().find(|version| version.version == wanted);
        let missing = || RateSheetError::NotFound(format!("version {wanted} of contract {number}"));
        return found.ok_or_else(missing).map(Some);
    }
    let today = app.today(db)?;
    let mut newest = None;
    for version in versions {
        let serves = serves(db, &version)?;
        if serves && in_force(&contract.term, &version.dates()?, today) {
            return Ok(Some(version));
        }
        newest = newest.or(Some(version).filter(|_| serves));
    }
    Ok(newest)
}

/// A sheet whose form is settled and whose terms were found to fit it.
#[derive(Debug)]
pub struct RateSheetPlan {
    partner_id: i64,
    lines: Vec<(RateLine, TableSeal, Option<Lane>)>,
    columns: SheetColumns,
    format: SheetFormat,
    /// What the contract says about price and the sheet does not.
    pub left_out: Vec<String>,
    /// Prices in it.
    pub rates: usize,
    /// Contract number and version, for the name of the file.
    pub of: (String, i32),
}

/// Settles the columns of a sheet and checks that it reads back; nothing is written yet.
///
/// # Errors
/// [`RateSheetError`] with what to do instead.
pub fn rate_sheet_plan(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    choice: SheetChoice<'_>,
) -> Result<RateSheetPlan, RateSheetError> {
    let terms = terms_load(db, viewer, version_id)?;
    let terms = terms.ok_or_else(|| RateSheetError::NotFound("such contract version".to_owned()))?;
    let of = (terms.number.clone(), terms.version_no);
    let (rates, tables) = (&terms.pricing.terms, &terms.pricing.tables);
    if rates.lines.is_empty() {
        return Err(RateSheetError::NoRates { contract: of.0, version: of.1 });
    }
    let chosen: Vec<(RateLine, TableSeal, Option<Lane>)> = rates
        .lines
        .iter()
        .zip(tables)
        .filter(|(line, _)| choice.line.is_none_or(|wanted| wanted == line.code))
        .map(|(line, seal)| (line.head(), seal.clone(), lane_of(rates, &line.code).cloned()))
        .collect();
    if chosen.is_empty() {
        let lines: Vec<&str> = rates.lines.iter().take(NAMED_MAX).map(|line| line.code.as_str()).collect();
        return Err(RateSheetError::NoLine {
            version: of.1,
            line: choice.line.unwrap_or_default().to_owned(),
            lines: lines.join(", "),
        });
    }
    let count = chosen.iter().map(|(_, seal, _)| seal.cells).sum();
    if choice.format == SheetFormat::Xlsx && count > XLSX_RATES_MAX {
        return Err(RateSheetError::Cannot(format!(
            "these are {count} rates, and a workbook holds at most XLSX_RATES_MAX = {XLSX_RATES_MAX}; write csv, or one rate line at a time"
        )));
    }
    let whole = parameters_to_sheet(&rates.parameters);
    check_whole(&rates.parameters, &whole)?;
    let columns = SheetColumns { whole, ..columns_of(chosen.iter().map(|(line, ..)| line), choice.form)? };
    for (line, _, lane) in &chosen {
        check_texts(line, lane.as_ref())?;
    }
    let left_out = sheet_leaves_out(&terms, choice.line);
    Ok(RateSheetPlan {
        partner_id: terms.partner_id,
        lines: chosen,
        columns,
        format: choice.format,
        left_out,
        rates: count,
        of,
    })
}

/// Writes a sheet.
///
/// # Errors
/// [`RateSheetError`]; what was written by then is no sheet.
pub fn rate_sheet_write<W: Write + Send>(
    db: &mut Db,
    viewer: &Viewer,
    plan: RateSheetPlan,
    out: W,
) -> Result<Written, RateSheetError> {
    let is_matrix = plan.columns.across.is_some();
    let mut sheet = RateSheet::new(out, plan.format, plan.columns)?;
    for (line, seal, lane) in &plan.lines {
        sheet.line(line, lane.as_ref());
        if is_matrix {
            let mut cells = table_cells(db, viewer, plan.partner_id, seal)?;
            sheet.cells(&mut cells)?;
        } else {
            table_cells_each(db, viewer, plan.partner_id, seal, |cells| {
                sheet.cells(&mut cells.to_vec()).map_err(RateSheetError::from)
            })?;
        }
    }
    let rows = sheet.rows();
    sheet.finish()?;
    Ok(Written { rates: plan.rates, rows, left_out: plan.left_out })
}

/// The lane of a line, where it has one only and a sheet can say it.
fn lane_of<'t>(rates: &'t RateTerms, code: &str) -> Option<&'t Lane> {
    let mut of_line = rates.lanes.iter().filter(|lane| lane.line == code);
    let lane = of_line.next()?;
    (of_line.next().is_none() && says(lane)).then_some(lane)
}

/// Whether the ends of a lane read back as they are.
fn says(lane: &Lane) -> bool {
    let same = |end: &GeoSelector| end.to_string().parse::<GeoSelector>().is_ok_and(|back| back == *end);
    same(&lane.origin) && same(&lane.destination)
}

/// The columns that hold all these lines.
fn columns_of<'l>(
    lines: impl Iterator<Item = &'l RateLine> + Clone,
    form: SheetForm,
) -> Result<SheetColumns, RateSheetError> {
    let has = |axis: Axis| lines.clone().any(|line| [line.first, line.second].contains(&Some(axis)));
    let axes: Vec<Axis> =
        [Axis::Weight, Axis::Distance, Axis::Units].into_iter().filter(|axis| has(*axis)).collect();
    if axes.len() > AXES_MAX {
        return Err(RateSheetError::Cannot(
            "these lines have bands over weight, distance and units, and a sheet has two of the three; write one rate line at a time"
                .to_owned(),
        ));
    }
    let names_column = lines.clone().any(|line| line.columns_by != ColumnsBy::None);
    if form == SheetForm::Long {
        return Ok(SheetColumns { axes, names_column, across: None, whole: <[String; _]>::default() });
    }
    if let Some(line) = lines.clone().find(|line| line.columns_by == ColumnsBy::None) {
        return Err(RateSheetError::Cannot(format!(
            "rate line {} has no zones or classes to put across; write it in long form, or the other lines one at a time",
            line.code
        )));
    }
    let mut across: Vec<String> = Vec::new();
    for name in lines.flat_map(|line| &line.columns) {
        if !across.contains(name) {
            across.push(name.clone());
        }
        if across.len() > COLUMNS_MAX {
            return Err(RateSheetError::Cannot(format!(
                "these lines have more than COLUMNS_MAX = {COLUMNS_MAX} columns together; write one rate line at a time"
            )));
        }
    }
    Ok(SheetColumns { axes, names_column, across: Some(across), whole: <[String; _]>::default() })
}

/// Texts that an import would read otherwise than they are.
fn check_texts(line: &RateLine, lane: Option<&Lane>) -> Result<(), RateSheetError> {
    let ends = lane.map(|lane| [lane.origin.to_string(), lane.destination.to_string()]);
    let words = lane.into_iter().flat_map(|lane| {
        [Some(&lane.code), lane.equipment.as_ref(), lane.service.as_ref()].into_iter().flatten()
    });
    let all =
        [&line.code, &line.label].into_iter().chain(&line.columns).chain(words).chain(ends.iter().flatten());
    for text in all {
        let long = guarded(text).chars().count() > MAX_TEXT_CHARS;
        if long || text.trim() != text || text.chars().any(char::is_control) {
            return Err(RateSheetError::Cannot(format!(
                "rate line {}: `{}` cannot stand in a sheet; a text has at most {MAX_TEXT_CHARS} characters, no line breaks and no blanks around it",
                line.code,
                text.chars().take(MAX_TEXT_CHARS).collect::<String>()
            )));
        }
    }
    let mut back = RateLine { columns: line.columns.clone(), ..RateLine::new("", "", RateBasis::Flat) };
    let reads = HEAD_FIELDS.into_iter().zip(head_write(line)).all(|(name, text)| {
        text.chars().count() <= MAX_LIST_CHARS && head_set(&mut back, name, &text).is_ok()
    });
    if !reads || head_write(&back) != head_write(line) {
        return Err(RateSheetError::Cannot(format!(
            "how rate line {} rates cannot stand in a sheet; a column that rates above the table or the absolute minimum name has no `|` in its name",
            line.code
        )));
    }
    Ok(())
}

/// Whether the choices of how to rate read back from their columns.
fn check_whole(
    parameters: &RateParameters,
    whole: &[String; PARAMETER_NAMES.len()],
) -> Result<(), RateSheetError> {
    let said: Values = PARAMETER_NAMES.into_iter().zip(whole.iter().cloned()).collect();
    if parameters_of_sheet(&said, parameters).as_ref() == Ok(parameters) {
        return Ok(());
    }
    Err(RateSheetError::Cannot(
        "the choices of how to rate cannot stand in a sheet; look at them on the form of how it is rated"
            .to_owned(),
    ))
}

/// What a version says about price and a sheet of its lines, or of one, does not; it stays where the sheet is imported
/// into a version of the same contract.
#[must_use]
pub fn sheet_leaves_out(terms: &Terms, line: Option<&str>) -> Vec<String> {
    left_out(&terms.pricing.terms, terms.rates.len(), line)
}

/// What the contract says about price beside rate lines.
fn left_out(rates: &RateTerms, accessorials: usize, line: Option<&str>) -> Vec<String> {
    let mut said = Vec::new();
    let count = |number: usize, what: &str| (number > 0).then(|| words::many(number, what));
    let mut lanes: BTreeMap<&str, usize> = BTreeMap::new();
    for lane in rates.lanes.iter().filter(|lane| line.is_none_or(|wanted| lane.line == wanted)) {
        *lanes.entry(&lane.line).or_default() += 1;
    }
    let apart: Vec<(&str, usize)> =
        lanes.into_iter().filter(|(code, _)| lane_of(rates, code).is_none()).collect();
    if !apart.is_empty() {
        let number = apart.iter().map(|(_, lanes)| lanes).sum();
        said.push(format!(
            "{} of {}: a row says one lane, and these lines have several",
            count(number, "lane").unwrap_or_default(),
            named(apart.iter().map(|(code, _)| *code))
        ));
    }
    let parts: Vec<String> = [
        (rates.zones.len(), "zone"),
        (rates.service_levels.len(), "service level"),
        (rates.fuel.len(), "fuel programme"),
        (rates.calendars.len(), "calendar"),
        (rates.taxes.len(), "tax rule"),
        (rates.volumes.len(), "volume commitment"),
        (rates.capacities.len(), "capacity commitment"),
        (rates.tiers.len(), "tier programme"),
        (accessorials, "accessorial rate"),
    ]
    .into_iter()
    .filter_map(|(number, what)| count(number, what))
    .collect();
    if !parts.is_empty() {
        said.push(parts.join(", "));
    }
    let p = &rates.parameters;
    if p.baseline.is_some() || p.dispute_days.is_some() || p.price_cap.is_some() {
        said.push("baseline, dispute window and price cap".to_owned());
    }
    said
}

fn named<'t>(codes: impl ExactSizeIterator<Item = &'t str>) -> String {
    let more = codes.len().saturating_sub(NAMED_MAX);
    let mut said = codes.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        said += &format!(" and {more} more");
    }
    said
}

/// `BRK-2025-v2-rates.csv`: letters, digits, dots and dashes only.
#[must_use]
pub fn file_name_of(number: &str, version_no: i32, line: Option<&str>, format: SheetFormat) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
    };
    let line = line.map(|line| format!("-{}", plain(line))).unwrap_or_default();
    let ending = match format {
        SheetFormat::Csv => "csv",
        SheetFormat::Xlsx => "xlsx",
    };
    format!("{}-v{version_no}-rates{line}.{ending}", plain(number))
}

#[cfg(test)]
mod tests;
