//! Accessorial rates and fuel tables of a contract by file: the same answers as on their forms, one rate or one row of
//! a table a row, into the draft, all of it or nothing. What a file has no column for stays as the draft has it.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use serde::Serialize;

use super::{Lines, Load, PROGRESS_ROWS, Progress, REJECTS_TOLD, RatesError, RatesRequest};
use crate::app::App;
use crate::app::contract::draft::{LINES_MAX, terms_save_in_tx};
use crate::db::Db;
use crate::db::dialect::{import_lock, write_tx};
use crate::db::import::{ImportCounts, NewImport, import_begin, import_end};
use crate::db::types::Instant;
use crate::domain::accessorial::AccessorialRate;
use crate::domain::field::FieldErrors;
use crate::domain::fuel::FuelProgramme;
use crate::domain::guard::unguarded;
use crate::domain::rate::form::{
    LIST_FIELDS, TermItem, TermKind, Values, list_from_cell, rate_read, rate_write, read, usual, write,
};
use crate::domain::rate::{RateTerms, Sheet};
use crate::domain::terms::rate_text;
use crate::domain::viewer::Viewer;
use crate::feeds::RowError;
use crate::feeds::kind::ImportKind;
use crate::feeds::rejects::RejectWriter;
use crate::feeds::table::{Row, TableReader};

/// Rows of one file; a version holds far fewer terms.
pub const TERM_ROWS_MAX: u64 = 20_000;

/// What a file of accessorial rates or fuel tables changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TermsReport {
    /// What the file held: `accessorial-rates` or `fuel-table`.
    pub kind: String,
    /// Contract number.
    pub contract: String,
    /// The draft version it was loaded into.
    pub version: i32,
    /// The draft was made for it.
    pub version_created: bool,
    /// Rows read.
    pub rows_read: u64,
    /// What the draft did not have, in words.
    pub added: Vec<String>,
    /// What it had otherwise, in words.
    pub changed: Vec<String>,
    /// What it had the same.
    pub same: usize,
    /// Nothing was kept.
    pub dry_run: bool,
}

/// Loads accessorial rates or fuel tables, as the mapping's kind says.
///
/// # Errors
/// [`RatesError`]; then nothing was changed.
pub fn terms_import(
    app: &App,
    viewer: &Viewer,
    request: &RatesRequest<'_>,
    progress: &dyn Fn(Progress),
) -> Result<TermsReport, RatesError> {
    let Some(_lock) = import_lock(app.pool.url())? else { return Err(RatesError::Busy) };
    let mut db = app.pool.url().connect()?;
    let load = Load { app, viewer, request, rows_read: 0 };
    let mut kept = None;
    let done = write_tx(&mut db, |db| {
        let report = run(&load, db, progress)?;
        if request.dry_run {
            kept = Some(report);
            return Err(RatesError::DryRun(Box::default()));
        }
        Ok(report)
    });
    match (done, kept) {
        (Err(RatesError::DryRun(_)), Some(report)) => Ok(report),
        (other, _) => other,
    }
}

fn run(load: &Load<'_>, db: &mut Db, progress: &dyn Fn(Progress)) -> Result<TermsReport, RatesError> {
    let (contract, _) = load.contract(db, &Sheet::default())?;
    let (version, version_created) = load.draft(db, &contract, &Sheet::default())?;
    let terms = load.terms(db, version.id)?;
    let mut rows = Rows::read(load.request, progress)?;
    let mut report = TermsReport {
        kind: load.request.mapping.kind.name().to_owned(),
        contract: contract.number.clone(),
        version: version.version,
        version_created,
        rows_read: rows.read,
        dry_run: load.request.dry_run,
        ..TermsReport::default()
    };
    let (mut rates, mut items) = (Vec::new(), Vec::new());
    if load.request.mapping.kind == ImportKind::AccessorialRates {
        rates = accessorials(&mut rows, &terms.rates, &mut report);
    } else {
        items = fuel(&mut rows, terms.pricing.terms, &mut report);
    }
    rows.finish(load.request)?;
    let detail = format!(
        "{} added, {} changed by {}",
        report.added.len(),
        report.changed.len(),
        super::file_name(load.request.path)
    );
    terms_save_in_tx(load.app, db, load.viewer, version.id, (&rates, &items), &detail)?;
    record(load, db, &report)?;
    Ok(report)
}

/// The rows of a file, and what is wrong with them.
struct Rows {
    headers: Vec<String>,
    /// Names of the fields that the file has a column for.
    filled: Vec<&'static str>,
    all: Vec<(Row, Values)>,
    wrong: BTreeMap<usize, RowError>,
    read: u64,
}

impl Rows {
    fn read(request: &RatesRequest<'_>, progress: &dyn Fn(Progress)) -> Result<Self, RatesError> {
        let mapping = request.mapping;
        let mut reader = TableReader::open(request.path, mapping.encoding.as_deref())?;
        let compiled = mapping.compile(reader.headers())?;
        let kind = mapping.kind;
        let known: Vec<_> = kind
            .specs()
            .iter()
            .filter_map(|spec| Some((spec.name, kind.field(spec.name)?)))
            .filter(|(_, field)| compiled.fills(*field))
            .collect();
        let mut rows = Self {
            headers: reader.headers().to_vec(),
            filled: known.iter().map(|(name, _)| *name).collect(),
            all: Vec::new(),
            wrong: BTreeMap::new(),
            read: 0,
        };
        let (mut row, mut fields) = (Row::new(), compiled.fields());
        while reader.read_row(&mut row)? {
            rows.read += 1;
            if rows.read > TERM_ROWS_MAX {
                return Err(rows.refused(
                    request.path,
                    format!(
                        "has more than TERM_ROWS_MAX = {TERM_ROWS_MAX} rows; a version holds far fewer terms"
                    ),
                ));
            }
            let mut values = Values::new();
            match compiled.apply(&row, &mut fields) {
                Ok(()) => {
                    for (name, field) in &known {
                        let day = fields.day(*field).map(|day| day.to_string());
                        let text = unguarded(fields.text(*field).or(day.as_deref()).unwrap_or_default());
                        let text =
                            if LIST_FIELDS.contains(name) { list_from_cell(text) } else { text.to_owned() };
                        values.insert(name, text);
                    }
                }
                Err(error) => {
                    let error = compiled.places().locate(&row, &error);
                    rows.wrong.insert(rows.all.len(), error);
                }
            }
            rows.all.push((row.clone(), values));
            if rows.read.is_multiple_of(PROGRESS_ROWS) {
                progress(Progress {
                    bytes_read: reader.bytes_read(),
                    bytes_total: reader.bytes_total(),
                    rows: rows.read,
                });
            }
        }
        if rows.all.is_empty() {
            return Err(rows.refused(request.path, "has no rows; nothing was loaded".to_owned()));
        }
        Ok(rows)
    }

    fn refused(&self, path: &Path, why: String) -> RatesError {
        RatesError::Problems { file: path.display().to_string(), problems: Lines(vec![why]) }
    }

    /// Notes what is wrong with a row; the first thing counts.
    fn fail(&mut self, at: usize, field: &str, message: &str) {
        let name = self.filled.iter().find(|name| **name == field);
        let error = match name {
            Some(name) => {
                let value =
                    self.all.get(at).and_then(|(_, values)| values.get(name)).cloned().unwrap_or_default();
                RowError::field(name, &value, message)
            }
            None => RowError::row(format!("{field}: {message}")),
        };
        self.wrong.entry(at).or_insert(error);
    }

    /// Refuses the file when a row of it is wrong.
    fn finish(self, request: &RatesRequest<'_>) -> Result<(), RatesError> {
        let mut rejects = RejectWriter::new(&request.rejects, &self.headers)?;
        let mut first = Vec::new();
        for (at, error) in &self.wrong {
            let Some((row, _)) = self.all.get(*at) else { continue };
            if first.len() < REJECTS_TOLD {
                first.push(format!("row {}: {error}", row.number()));
            }
            rejects.reject(row, error)?;
        }
        let (file, count, read) = (request.path.display().to_string(), rejects.count(), self.read);
        match rejects.finish()? {
            Some(rejects) => Err(RatesError::Rejected { file, count, read, rejects, first: Lines(first) }),
            None => Ok(()),
        }
    }
}

/// One rate a row.
fn accessorials(
    rows: &mut Rows,
    before: &[AccessorialRate],
    report: &mut TermsReport,
) -> Vec<AccessorialRate> {
    let mut found: BTreeMap<String, AccessorialRate> = BTreeMap::new();
    let mut total = before.len();
    for at in 0..rows.all.len() {
        let Some((_, said)) = rows.all.get(at).filter(|_| !rows.wrong.contains_key(&at)) else { continue };
        let code = said.get("code").map(|code| code.trim().to_uppercase()).unwrap_or_default();
        let old = before.iter().find(|rate| rate.code == code);
        let mut values = old.map(rate_write).unwrap_or_default();
        values.extend(said.clone());
        match rate_read(&values) {
            Err(errors) => {
                for (field, message) in errors {
                    rows.fail(at, &field, &message);
                }
            }
            Ok(_) if found.contains_key(&code) => {
                rows.fail(at, "code", "stands in a row before already; a rate is one row");
            }
            Ok(rate) => {
                let said = format!("{} {}: {}", rate.code, rate.label, rate_text(&rate));
                match old {
                    Some(old) if *old == rate => report.same += 1,
                    Some(old) => report.changed.push(format!("{said} (was {})", rate_text(old))),
                    None => {
                        total += 1;
                        report.added.push(said);
                    }
                }
                if total > LINES_MAX {
                    let message = format!(
                        "a version holds at most LINES_MAX = {LINES_MAX} accessorial rates; remove some first"
                    );
                    rows.fail(at, "code", &message);
                }
                found.insert(code, rate);
            }
        }
    }
    found.into_values().collect()
}

/// Fields of a row of a table; the others are of the programme.
const BRACKET: [&str; 3] = ["from", "to", "value"];

/// A programme as the rows of a file say it.
#[derive(Default)]
struct Programme {
    said: Values,
    /// Its rows as the form writes them, and the place of each in the file.
    brackets: Vec<String>,
    rows: Vec<usize>,
    first: usize,
}

/// One row of a table a row; what is said of the programme may stand on any of its rows.
fn fuel(rows: &mut Rows, mut pricing: RateTerms, report: &mut TermsReport) -> Vec<(TermItem, Option<usize>)> {
    let usually = usual(TermKind::Fuel);
    let mut programmes: BTreeMap<(String, String), Programme> = BTreeMap::new();
    for at in 0..rows.all.len() {
        let Some((_, said)) = rows.all.get(at).filter(|_| !rows.wrong.contains_key(&at)) else { continue };
        let said = said.clone();
        let text = |name: &str| said.get(name).map_or("", |text| text.trim());
        let code = Some(text("code")).filter(|code| !code.is_empty());
        let code = code.or(usually.get("code").map(String::as_str)).unwrap_or_default().to_owned();
        let programme = programmes
            .entry((code, text("valid_from").to_owned()))
            .or_insert_with(|| Programme { first: at, ..Programme::default() });
        let mut clash = None;
        for (name, value) in said.iter().filter(|(name, _)| !BRACKET.contains(*name)) {
            let known = programme.said.entry(*name).or_default();
            if !value.is_empty() && !known.is_empty() && known != value {
                clash = Some((*name, format!("a row before says `{known}` of the same programme")));
            } else if known.is_empty() {
                known.clone_from(value);
            }
        }
        if let Some((name, message)) = clash {
            rows.fail(at, name, &message);
            continue;
        }
        match (text("from"), text("to"), text("value")) {
            ("", "", "") => {}
            ("", ..) => rows.fail(at, "from", "a row of the table needs the price from which it holds"),
            (.., "") => rows.fail(at, "value", "a row of the table needs its % or amount"),
            (from, to, value) => {
                let to = if to.is_empty() { "and more".to_owned() } else { format!("– {to}") };
                programme.brackets.push(format!("{from} {to}: {value}"));
                programme.rows.push(at);
            }
        }
    }
    let mut items = Vec::new();
    for ((code, from), programme) in programmes {
        let place = former(&pricing.fuel, &code, &from, programme.said.contains_key("valid_from"));
        let old = place.and_then(|place| pricing.fuel.get(place)).cloned();
        match one_programme(code, &programme, old.as_ref(), &pricing, place) {
            Err(errors) => {
                for (field, message) in errors {
                    let row = message.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
                    let row = row.filter(|_| field == "brackets").and_then(|(number, rest)| {
                        let at = number.parse::<usize>().ok()?.checked_sub(1)?;
                        Some((*programme.rows.get(at)?, rest.to_owned()))
                    });
                    match row {
                        Some((at, message)) => rows.fail(at, "from", &message),
                        None => rows.fail(programme.first, &field, &message),
                    }
                }
            }
            Ok(new) => {
                let item = TermItem::Fuel(new.clone());
                let said = format!("{}: {}", item.heading(), item.text());
                match (old, place) {
                    (Some(old), _) if old == new => report.same += 1,
                    (Some(old), Some(place)) => {
                        report.changed.push(format!("{said} (was {})", TermItem::Fuel(old).text()));
                        if let Some(slot) = pricing.fuel.get_mut(place) {
                            *slot = new;
                        }
                        items.push((item, Some(place)));
                    }
                    _ => {
                        report.added.push(said);
                        pricing.fuel.push(new);
                        items.push((item, None));
                    }
                }
            }
        }
    }
    items
}

/// The place of the programme that one of the file replaces: of the code and first day, else of the code alone where the
/// file has no first days.
fn former(all: &[FuelProgramme], code: &str, from: &str, dated: bool) -> Option<usize> {
    let from: Option<NaiveDate> = from.parse().ok();
    let of_code = all.iter().enumerate().filter(|(_, one)| one.code.eq_ignore_ascii_case(code));
    let found = if dated {
        of_code.clone().find(|(_, one)| one.valid_from == from)
    } else {
        of_code.max_by_key(|(_, one)| one.valid_from)
    };
    found.map(|(place, _)| place)
}

fn one_programme(
    code: String,
    programme: &Programme,
    old: Option<&FuelProgramme>,
    pricing: &RateTerms,
    place: Option<usize>,
) -> Result<FuelProgramme, FieldErrors> {
    let usually = usual(TermKind::Fuel);
    let mut values = match old {
        Some(old) => write(&TermItem::Fuel(old.clone())),
        None => usually.clone(),
    };
    for (name, text) in &programme.said {
        let text =
            if text.is_empty() { usually.get(name).cloned().unwrap_or_default() } else { text.clone() };
        values.insert(name, text);
    }
    values.insert("code", code);
    if !programme.brackets.is_empty() {
        values.insert("brackets", programme.brackets.join("\n"));
        if programme.said.get("method").is_none_or(String::is_empty) {
            values.insert("method", "TABLE".to_owned());
            for peg in ["peg", "mpg"].iter().filter(|name| !programme.said.contains_key(*name)) {
                values.remove(peg);
            }
        }
    } else if programme.said.get("method").is_some_and(|method| method.eq_ignore_ascii_case("FORMULA")) {
        values.remove("brackets");
    }
    for choice in ["method", "basis"] {
        if let Some(text) = values.get_mut(choice) {
            *text = text.to_ascii_uppercase();
        }
    }
    let item = read(TermKind::Fuel, &values)?;
    let problems = item.problems_among(pricing, place);
    match item {
        TermItem::Fuel(new) if problems.is_empty() => Ok(new),
        _ => Err(problems),
    }
}

/// The run in the list of imports.
fn record(load: &Load<'_>, db: &mut Db, report: &TermsReport) -> Result<(), RatesError> {
    let now = Instant(load.app.now());
    let import = NewImport {
        id: load.app.id(),
        kind: load.request.mapping.kind.code(),
        file_name: super::file_name(load.request.path),
        mapping: &load.request.mapping.name,
        started_at: now,
        imported_by: load.request.by,
    };
    import_begin(db, &import)?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let counts = ImportCounts {
        rows_read: i64::try_from(report.rows_read).unwrap_or(i64::MAX),
        rows_new: count(report.added.len()),
        rows_changed: count(report.changed.len()),
        rows_same: count(report.same),
        rows_rejected: 0,
    };
    import_end(db, import.id, Some(counts), now)?;
    Ok(())
}
