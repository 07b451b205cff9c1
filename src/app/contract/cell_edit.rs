//! One rate of a draft's table changed, added or removed by a form: the same checks as a whole sheet, for one price.

use crate::db::Db;
use crate::db::contract::Version;
use crate::db::rate::{pricing_replace, table_insert};
use crate::domain::money::Micros;
use crate::domain::rate::view::{CellKey, cell_place};
use crate::domain::rate::{Band, Cell, CompiledRates, RateLine, RateTerms, TableSeal};
use crate::domain::terms::Terms;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

use super::super::App;
use super::super::edit::{EditError, allowed, valid};
use super::draft::{change, load};
use super::negotiate::tables_load;
use super::prior::{lineage, priors_fill, version_before};

/// Most rates all tables of a version may have for one to be changed by a form; larger ones come as a sheet.
pub const RATES_BY_FORM_MAX: usize = 200_000;
/// Problems told beside the form.
const PROBLEMS_TOLD: usize = 3;

/// A rate as a form gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRate {
    /// Name of its zone or class; empty in a table without any.
    pub column: String,
    /// Band of the first axis; [`Band::ALL`] in a table without one.
    pub first: Band,
    /// Band of the second axis; [`Band::ALL`] in a table without one.
    pub second: Band,
    /// The rate, in the currency of the table.
    pub rate: Micros,
    /// Least charge by it.
    pub min: Option<Micros>,
    /// The rate before, which a price cap holds it to.
    pub prior: Option<Micros>,
}

/// A line of a draft without its table, and one of its rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateShown {
    /// The line.
    pub line: RateLine,
    /// The rate; none when a new one is asked for.
    pub cell: Option<Cell>,
}

/// The line at `line` of a version, counted from 0, and the rate with this key.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, [`EditError::Denied`], or the database's reason.
pub fn rate_shown(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    line: usize,
    key: Option<&CellKey>,
) -> Result<RateShown, EditError> {
    allowed(viewer, Action::EditContracts)?;
    let (_, mut terms) = load(db, viewer, id)?;
    small_enough(&terms)?;
    tables_load(db, &mut terms)?;
    let mut line =
        terms.pricing.terms.lines.into_iter().nth(line).ok_or(EditError::NotFound("rate table"))?;
    let cell = key.map(|key| found(&line, key)).transpose()?;
    let cell = cell.and_then(|at| line.cells.get(at).copied());
    line.cells = Vec::new();
    Ok(RateShown { line, cell })
}

/// Adds a rate to the line at `line` of a draft, or puts it in the place of the one with the key `replaces`.
///
/// # Errors
/// [`EditError::Invalid`] for what a sheet would be refused for too: an overlap, a gap, an amount nobody means;
/// else as [`super::draft::version_edit`].
pub fn table_rate_save(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    (line, replaces): (usize, Option<&CellKey>),
    new: &NewRate,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        edited(app, db, version, terms, line, |line| {
            let column = column_of(line, &new.column)?;
            let cell = Cell {
                column,
                first: new.first,
                second: new.second,
                rate: new.rate,
                prior: new.prior,
                min: new.min,
            };
            let before = match replaces {
                Some(key) => {
                    let at = found(line, key)?;
                    line.cells.get_mut(at).map(|place| std::mem::replace(place, cell))
                }
                None => {
                    line.cells.push(cell);
                    None
                }
            };
            let now = words_of(line, &cell);
            Ok(match before {
                Some(before) => format!("rate of {}: {} -> {now}", line.code, words_of(line, &before)),
                None => format!("rate of {} added: {now}", line.code),
            })
        })
    })
}

/// Removes the rate with this key from the line at `line` of a draft.
///
/// # Errors
/// As [`table_rate_save`].
pub fn table_rate_remove(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    (line, key): (usize, &CellKey),
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        edited(app, db, version, terms, line, |line| {
            let at = found(line, key)?;
            let gone = line.cells.remove(at);
            Ok(format!("rate of {} removed: {}", line.code, words_of(line, &gone)))
        })
    })
}

/// Changes the table of one line, checks everything the version says about price, and stores the table as a new one.
fn edited(
    app: &App,
    db: &mut Db,
    version: &Version,
    terms: &Terms,
    at: usize,
    work: impl FnOnce(&mut RateLine) -> Result<String, EditError>,
) -> Result<String, EditError> {
    small_enough(terms)?;
    let mut terms = terms.clone();
    tables_load(db, &mut terms)?;
    let pricing = &mut terms.pricing;
    let line = pricing.terms.lines.get_mut(at).ok_or(EditError::NotFound("rate table"))?;
    let detail = work(line)?;
    if let Some(before) = version_before(db, version.contract_id, version.version)? {
        priors_fill(db, &before, &lineage(&before, &pricing.terms.lanes), line)?;
    }
    let seal = TableSeal { table_id: app.id(), ..TableSeal::of(&mut line.cells) };
    table_insert(db, version.partner_id, seal.table_id, &line.cells)?;
    if let Some(place) = pricing.tables.get_mut(at) {
        *place = seal;
    }
    let rates = RateTerms { accessorials: terms.rates.clone(), ..pricing.terms.clone() };
    if let Err(problems) = CompiledRates::new(&rates) {
        let told =
            problems.iter().take(PROBLEMS_TOLD).map(|problem| ("rate".to_owned(), problem.to_string()));
        valid(told.collect())?;
    }
    pricing_replace(db, || app.id(), version, pricing)?;
    Ok(detail)
}

fn small_enough(terms: &Terms) -> Result<(), EditError> {
    if terms.pricing.cells() <= RATES_BY_FORM_MAX {
        return Ok(());
    }
    let many = words::many(terms.pricing.cells(), "rate");
    let message = format!(
        "this version has {many}, and a form changes one of at most RATES_BY_FORM_MAX = 200,000; load a sheet instead"
    );
    Err(EditError::field("rate", &message))
}

/// The place of the one rate with a key.
fn found(line: &RateLine, key: &CellKey) -> Result<usize, EditError> {
    cell_place(&line.cells, key).map_err(|many| {
        if many == 0 {
            EditError::NotFound("rate")
        } else {
            EditError::field("rate", "several rates overlap there; change them by a sheet")
        }
    })
}

/// The place of a column, made when the table has zones or classes and none of this name.
fn column_of(line: &mut RateLine, name: &str) -> Result<u16, EditError> {
    let has_columns = line.columns_by != crate::domain::rate::ColumnsBy::None;
    if !has_columns {
        return if name.is_empty() {
            Ok(0)
        } else {
            Err(EditError::field("column", "this table has no zones or classes; leave it empty"))
        };
    }
    if name.is_empty() {
        return Err(EditError::field("column", "name the zone or class the rate is for"));
    }
    let at = line.columns.iter().position(|column| column == name).unwrap_or_else(|| {
        line.columns.push(name.to_owned());
        line.columns.len().saturating_sub(1)
    });
    u16::try_from(at).map_err(|_| EditError::field("column", "this table has too many columns already"))
}

/// `zone 5, 500 to 1,000: 39.75`.
fn words_of(line: &RateLine, cell: &Cell) -> String {
    let column =
        line.columns.get(usize::from(cell.column)).map(|name| format!("{} {name}", line.columns_by.label()));
    let bands = [(line.first, cell.first), (line.second, cell.second)];
    let bands = bands.into_iter().filter(|(axis, _)| axis.is_some());
    let mut place: Vec<String> = column.into_iter().collect();
    place.extend(bands.map(|(_, band)| crate::domain::rate::view::band_words(band)));
    let mut price = words::amount(cell.rate);
    if let Some(min) = cell.min {
        price += &format!(", at least {}", words::amount(min));
    }
    if place.is_empty() { price } else { format!("{}: {price}", place.join(", ")) }
}
