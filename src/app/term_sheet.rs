//! Accessorial rates and fuel tables of a contract version as a file that `lanemark import` takes again as it is.

use super::App;
use super::rate_sheet::{RateSheetError, version_for};
use crate::db::Db;
use crate::db::contract::{Version, terms_load};
use crate::domain::fuel::FuelMethod;
use crate::domain::guard::guarded;
use crate::domain::rate::form::{TermItem, list_to_cell, rate_fields, rate_write, sheet_number, write};
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::{MAX_LIST_CHARS, MAX_TEXT_CHARS};
use crate::report::sheet::Sheet;

/// The version of that number; without one that in force today, else the newest, drafts included.
///
/// # Errors
/// [`RateSheetError`] for what is not there or not the viewer's to see.
pub fn version_for_terms(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    number: &str,
    wanted: Option<i32>,
) -> Result<Version, RateSheetError> {
    let missing = || RateSheetError::NotFound(format!("version of contract {number}"));
    version_for(app, db, viewer, (number, wanted), |_, _| Ok(true))?.ok_or_else(missing)
}

/// The accessorial rates of a version, or its fuel programmes with their tables, as `kind` says.
///
/// # Errors
/// [`RateSheetError`] when there are none, they are not the viewer's to see, or a text would not come back as it is.
pub fn term_sheet(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    kind: ImportKind,
) -> Result<Sheet, RateSheetError> {
    let terms = terms_load(db, viewer, version_id)?;
    let terms = terms.ok_or_else(|| RateSheetError::NotFound("such contract version".to_owned()))?;
    let header: Vec<&'static str> = kind.specs().iter().map(|spec| spec.name).collect();
    let (name, what, rows) = if kind == ImportKind::AccessorialRates {
        ("Accessorial rates", "accessorial rates", accessorials(&terms))
    } else {
        ("Fuel tables", "fuel programmes", fuel(&terms, &header))
    };
    if rows.is_empty() {
        return Err(RateSheetError::NotFound(format!(
            "{what} in version {} of contract {}",
            terms.version_no, terms.number
        )));
    }
    for (spec, text) in rows.iter().flat_map(|row| kind.specs().iter().zip(row)) {
        let (field, most) = (spec.name, if spec.lists { MAX_LIST_CHARS } else { MAX_TEXT_CHARS });
        if guarded(text).chars().count() > most || text.trim() != text || text.chars().any(char::is_control) {
            return Err(RateSheetError::Cannot(format!(
                "`{text}` cannot stand in the column {field}; a text there has at most {most} characters, no line breaks and no blanks around it"
            )));
        }
    }
    Ok(Sheet { name, header, rows })
}

fn accessorials(terms: &Terms) -> Vec<Vec<String>> {
    let row = |rate| {
        let values = rate_write(rate);
        let cell = |name: &'static str| list_to_cell(name, values.get(name).map_or("", String::as_str));
        rate_fields().into_iter().map(|field| cell(field.name)).collect()
    };
    terms.rates.iter().map(row).collect()
}

/// One row of a table a row; a programme without a table has one row.
fn fuel(terms: &Terms, header: &[&'static str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for programme in &terms.pricing.terms.fuel {
        let values = write(&TermItem::Fuel(programme.clone()));
        let brackets = match &programme.method {
            Some(FuelMethod::Table { brackets }) => brackets.as_slice(),
            _ => &[],
        };
        let cells = |at: usize| -> Vec<String> {
            let bracket = brackets.get(at);
            let cell = |name: &&'static str| match (*name, bracket) {
                ("from", Some(bracket)) => sheet_number(bracket.from),
                ("to", Some(bracket)) => bracket.to.map(sheet_number).unwrap_or_default(),
                ("value", Some(bracket)) => sheet_number(bracket.value),
                (name, _) => list_to_cell(name, values.get(name).map_or("", String::as_str)),
            };
            header.iter().map(cell).collect()
        };
        rows.extend((0..brackets.len().max(1)).map(cells));
    }
    rows
}
