//! One term of a draft at a time: lanes, zones, service levels, fuel, calendars, taxes, commitments, tiers; and the
//! choices of how to rate. A term is named by its kind and its place in the list, which the token of the edit holds
//! to what was seen.

use crate::db::Db;
use crate::db::contract::{self as store, Version};
use crate::db::rate::{item_put, item_remove, rating_text};
use crate::domain::rate::RateParameters;
use crate::domain::rate::form::{TermItem, TermKind, parameter_rows};
use crate::domain::viewer::Viewer;

use super::super::App;
use super::super::edit::{EditError, valid};
use super::draft::{change, removed};

/// Adds a term to a draft, or puts it in the place of the one at `place` of its kind, counted from 0.
///
/// # Errors
/// As [`super::draft::version_edit`].
pub fn term_save(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    item: &TermItem,
    place: Option<usize>,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        let pricing = &terms.pricing.terms;
        if let Some(place) = place {
            removed(place < item.kind().count(pricing), item.kind().label())?;
        }
        let mut problems = item.validate();
        problems.extend(item.problems_among(pricing, place));
        valid(problems)?;
        removed(item_put(db, version, item, place)?, item.kind().label())?;
        Ok(format!("{} {}: {}", item.kind().label(), item.heading(), item.text()))
    })
}

/// Removes the term at `place` of its kind, counted from 0, from a draft.
///
/// # Errors
/// As [`super::draft::version_edit`].
pub fn term_remove(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    kind: TermKind,
    place: usize,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        let item = kind.item(&terms.pricing.terms, place).ok_or(EditError::NotFound(kind.label()))?;
        removed(item_remove(db, version, kind, place)?, kind.label())?;
        Ok(format!("{} {} removed", kind.label(), item.heading()))
    })
}

/// Sets how a draft rates. Baseline, dispute window and price cap stay as they are.
///
/// # Errors
/// As [`super::draft::version_edit`].
pub fn parameters_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    parameters: &RateParameters,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        let before = &terms.pricing.terms.parameters;
        let parameters = RateParameters {
            baseline: before.baseline.clone(),
            dispute_days: before.dispute_days,
            price_cap: before.price_cap,
            ..parameters.clone()
        };
        store::version_update(db, &Version { rating: rating_text(&parameters)?, ..version.clone() })?;
        let said = |(what, how): (&str, String)| format!("{}: {how}", what.to_lowercase());
        Ok(parameter_rows(&parameters).into_iter().map(said).collect::<Vec<_>>().join("; "))
    })
}

#[cfg(test)]
#[path = "term_edit_tests.rs"]
mod tests;
