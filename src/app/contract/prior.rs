//! Prior rates of a draft: what each price was in the version before, which the price cap holds it to
//! ([`crate::domain::rate::cap`]). They are filled in wherever a draft gets rates, and looked at again at approval.

use crate::db::contract as store;
use crate::db::rate::{table_cells, table_insert};
use crate::db::{Db, DbError};
use crate::domain::lifecycle::{Mend, Missing};
use crate::domain::rate::cap::{Lineage, line_before, priors, same_prices};
use crate::domain::rate::{Lane, Pricing, RateLine, RateTerms, TableSeal};
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::domain::words;

use super::super::App;

/// The version before one of a contract, which prices are held to: the newest signed one of a lower number. Without
/// the cells of its tables.
///
/// The caller has found the version for its viewer.
///
/// # Errors
/// The database's reason.
pub(in crate::app) fn version_before(
    db: &mut Db,
    contract_id: i64,
    version_no: i32,
) -> Result<Option<Terms>, DbError> {
    let system = Viewer::system();
    for version in store::version_list(db, &system, contract_id)? {
        if version.version < version_no && version.state()?.binds() {
            return store::terms_load(db, &system, version.id);
        }
    }
    Ok(None)
}

/// Which lines of the version before the lines on these lanes follow.
pub(in crate::app) fn lineage(before: &Terms, lanes: &[Lane]) -> Lineage {
    Lineage::new(&before.pricing.terms.lanes, lanes)
}

/// The line that `line` follows in the version before, without its cells, and its seal.
fn followed<'a>(
    before: &'a Terms,
    lineage: &Lineage,
    line: &RateLine,
) -> Option<(&'a RateLine, &'a TableSeal)> {
    let pricing = &before.pricing;
    let at = line_before(&pricing.terms.lines, lineage, line)?;
    pricing.terms.lines.get(at).zip(pricing.tables.get(at))
}

/// Whether the prices of a line are none that a cap could hold: those of the line it follows, or of none.
fn is_unchanged(before: &Terms, lineage: &Lineage, (line, seal): (&RateLine, &TableSeal)) -> bool {
    followed(before, lineage, line).is_none_or(|(_, old)| old.sha256 == seal.sha256)
}

fn with_cells(
    db: &mut Db,
    before: &Terms,
    (old, seal): (&RateLine, &TableSeal),
) -> Result<RateLine, DbError> {
    let cells = table_cells(db, &Viewer::system(), before.partner_id, seal)?;
    Ok(RateLine { cells, ..old.head() })
}

/// Gives the cells of a line their prior rates from the version before, and says whether any is another one now. A
/// table with the prices of the version before becomes that table.
///
/// # Errors
/// The database's reason.
pub(in crate::app) fn priors_fill(
    db: &mut Db,
    before: &Terms,
    lineage: &Lineage,
    line: &mut RateLine,
) -> Result<bool, DbError> {
    let Some(old) = followed(before, lineage, line) else { return Ok(false) };
    let old = with_cells(db, before, old)?;
    if same_prices(&old, line) {
        let own = TableSeal::of(&mut line.cells);
        line.cells = old.cells;
        return Ok(own.sha256 != TableSeal::of(&mut line.cells).sha256);
    }
    let terms = &before.pricing.terms;
    let found = priors(&old, terms.parameters.price_cap, line, terms.currency);
    let mut changed = false;
    for (cell, prior) in line.cells.iter_mut().zip(found) {
        changed |= cell.prior != prior;
        cell.prior = prior;
    }
    Ok(changed)
}

/// The same for every table of a draft's pricing that is not the one of the version before; what changes is stored as
/// a new table. Gives how many tables did.
///
/// # Errors
/// The database's reason.
pub(super) fn priors_store(
    app: &App,
    db: &mut Db,
    before: &Terms,
    pricing: &mut Pricing,
) -> Result<usize, DbError> {
    let partner_id = before.partner_id;
    let mut stored = 0;
    let lineage = lineage(before, &pricing.terms.lanes);
    for (line, seal) in pricing.terms.lines.iter_mut().zip(&mut pricing.tables) {
        if is_unchanged(before, &lineage, (line, seal)) {
            continue;
        }
        let mut full =
            RateLine { cells: table_cells(db, &Viewer::system(), partner_id, seal)?, ..line.head() };
        if priors_fill(db, before, &lineage, &mut full)? {
            *seal = TableSeal { table_id: app.id(), ..TableSeal::of(&mut full.cells) };
            table_insert(db, partner_id, seal.table_id, &full.cells)?;
            stored += 1;
        }
    }
    Ok(stored)
}

/// Tables of a version whose prior rates are not those of the version before. `rates` has the cells.
///
/// # Errors
/// The database's reason.
pub(super) fn priors_missing(db: &mut Db, terms: &Terms, rates: &RateTerms) -> Result<Vec<Missing>, DbError> {
    let mut found = Vec::new();
    let Some(before) = version_before(db, terms.contract_id, terms.version_no)? else { return Ok(found) };
    let lineage = lineage(&before, &rates.lanes);
    for (line, seal) in rates.lines.iter().zip(&terms.pricing.tables) {
        if is_unchanged(&before, &lineage, (line, seal)) {
            continue;
        }
        let Some(old) = followed(&before, &lineage, line) else { continue };
        let old = with_cells(db, &before, old)?;
        let was = &before.pricing.terms;
        let wanted = priors(&old, was.parameters.price_cap, line, was.currency);
        let wrong = line.cells.iter().zip(wanted).filter(|(cell, prior)| cell.prior != *prior).count();
        if wrong > 0 {
            found.push(Missing {
                what: format!("rate line {}", line.code),
                todo: format!(
                    "{} {} not held to what version {} charges, so the price cap would not count; store the options again, which takes those rates over",
                    words::many(wrong, "rate"),
                    if wrong == 1 { "is" } else { "are" },
                    before.version_no
                ),
                mend: Mend::Options,
            });
        }
    }
    Ok(found)
}
