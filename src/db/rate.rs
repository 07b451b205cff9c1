//! What contract versions say about price. Small things are rows of JSON, a table's cells are rows of their own,
//! shared by versions until one of them gets another table.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::de::DeserializeOwned;

use super::DbError;
use super::conn::Db;
use super::contract::{Version, terms_load};
use super::schema::{rate_cells, rate_items, rate_lines};
use crate::bulk_insert;
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::rate::form::{TermItem, TermKind};
use crate::domain::rate::{Band, Cell, Pricing, RateLine, RateParameters, RateTerms, TableSeal};
use crate::domain::viewer::Viewer;

/// Cells read or written at once; bounds memory beside the cells themselves.
const CELLS_AT_ONCE: usize = 20_000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rate_items)]
#[diesel(treat_none_as_default_value = false)]
struct ItemRow {
    partner_id: i64,
    contract_version_id: i64,
    kind: String,
    ordinal: i32,
    code: String,
    terms: String,
}

impl ItemRow {
    fn of(version: &Version, item: &TermItem, ordinal: i32) -> Result<Self, DbError> {
        Ok(Self {
            partner_id: version.partner_id,
            contract_version_id: version.id,
            kind: item.kind().code().to_owned(),
            ordinal,
            code: item.code().to_owned(),
            terms: serde_json::to_string(item).map_err(|error| stored("rate item", version.id, error))?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rate_lines)]
#[diesel(treat_none_as_default_value = false)]
struct LineRow {
    id: i64,
    partner_id: i64,
    contract_version_id: i64,
    ordinal: i32,
    code: String,
    head: String,
    table_id: i64,
    cell_count: i64,
    cells_sha256: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rate_cells)]
#[diesel(treat_none_as_default_value = false)]
struct CellRow {
    partner_id: i64,
    table_id: i64,
    ordinal: i32,
    column_no: i32,
    first_lower: i64,
    first_upper: Option<i64>,
    second_lower: i64,
    second_upper: Option<i64>,
    rate_micros: i64,
    prior_micros: Option<i64>,
    min_micros: Option<i64>,
}

fn stored(what: &str, id: i64, reason: impl std::fmt::Display) -> DbError {
    DbError::Stored { what: format!("{what} of contract version {id}"), reason: reason.to_string() }
}

/// How a version row keeps the choices of how to rate.
///
/// # Errors
/// [`DbError::Stored`] when they cannot be written, which no value is known to do.
pub fn rating_text(parameters: &RateParameters) -> Result<String, DbError> {
    if *parameters == RateParameters::default() {
        return Ok("{}".to_owned());
    }
    serde_json::to_string(parameters).map_err(|error| stored("rating", 0, error))
}

/// What versions say about price, each with its contract's currency, without cells, by version. The caller has the versions
/// from a scoped read.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub(super) fn pricing_of(
    db: &mut Db,
    versions: &[(&Version, Currency)],
) -> Result<BTreeMap<i64, Pricing>, DbError> {
    let ids: Vec<i64> = versions.iter().map(|(version, _)| version.id).collect();
    let partners: Vec<i64> =
        versions.iter().map(|(version, _)| version.partner_id).collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = BTreeMap::new();
    for (version, currency) in versions {
        let mut pricing = Pricing::none(*currency);
        pricing.terms.parameters =
            serde_json::from_str(&version.rating).map_err(|error| stored("rating", version.id, error))?;
        found.insert(version.id, pricing);
    }
    let items: Vec<ItemRow> = rate_items::table
        .filter(rate_items::partner_id.eq_any(partners))
        .filter(rate_items::contract_version_id.eq_any(&ids))
        .order((rate_items::contract_version_id.asc(), rate_items::kind.asc(), rate_items::ordinal.asc()))
        .select(ItemRow::as_select())
        .load(db)?;
    for item in items {
        let id = item.contract_version_id;
        let Some(Pricing { terms, .. }) = found.get_mut(&id) else { continue };
        let kind: TermKind = item
            .kind
            .parse()
            .map_err(|_| stored("rate item", id, format!("kind {} is not known", item.kind)))?;
        match kind {
            TermKind::Zone => terms.zones.push(read(&item)?),
            TermKind::ServiceLevel => terms.service_levels.push(read(&item)?),
            TermKind::Lane => terms.lanes.push(read(&item)?),
            TermKind::Fuel => terms.fuel.push(read(&item)?),
            TermKind::Calendar => terms.calendars.push(read(&item)?),
            TermKind::Tax => terms.taxes.push(read(&item)?),
            TermKind::Volume => terms.volumes.push(read(&item)?),
            TermKind::Capacity => terms.capacities.push(read(&item)?),
            TermKind::Tier => terms.tiers.push(read(&item)?),
        }
    }
    let lines: Vec<LineRow> = rate_lines::table
        .filter(rate_lines::contract_version_id.eq_any(&ids))
        .order((rate_lines::contract_version_id.asc(), rate_lines::ordinal.asc()))
        .select(LineRow::as_select())
        .load(db)?;
    for line in lines {
        let id = line.contract_version_id;
        let Some(pricing) = found.get_mut(&id) else { continue };
        let head: RateLine =
            serde_json::from_str(&line.head).map_err(|error| stored("rate line", id, error))?;
        let cells = usize::try_from(line.cell_count).map_err(|error| stored("rate line", id, error))?;
        pricing.terms.lines.push(head);
        pricing.tables.push(TableSeal { table_id: line.table_id, cells, sha256: line.cells_sha256 });
    }
    Ok(found)
}

fn read<T: DeserializeOwned>(item: &ItemRow) -> Result<T, DbError> {
    serde_json::from_str(&item.terms).map_err(|error| stored("rate item", item.contract_version_id, error))
}

/// The cells of one table of a partner; none when the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for a cell that does not read back, or the engine's reason.
pub fn table_cells(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    seal: &TableSeal,
) -> Result<Vec<Cell>, DbError> {
    let mut cells = Vec::new();
    table_cells_each(db, viewer, partner_id, seal, |some| {
        if cells.capacity() == 0 {
            cells.reserve_exact(seal.cells);
        }
        cells.extend_from_slice(some);
        Ok::<_, DbError>(())
    })?;
    Ok(cells)
}

/// Hands `take` the cells of one table of a partner, some at a time and in their order; none when the viewer may not
/// see the partner.
///
/// # Errors
/// As [`table_cells`], or what `take` says.
pub fn table_cells_each<E: From<DbError>>(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    seal: &TableSeal,
    mut take: impl FnMut(&[Cell]) -> Result<(), E>,
) -> Result<(), E> {
    if !viewer.sees(partner_id) {
        return Ok(());
    }
    let mut cells = Vec::with_capacity(seal.cells.min(CELLS_AT_ONCE));
    let at_once = i32::try_from(CELLS_AT_ONCE).unwrap_or(i32::MAX);
    let (mut from, mut seen) = (0, 0);
    while seen < seal.cells {
        let rows: Vec<CellRow> = rate_cells::table
            .filter(rate_cells::partner_id.eq(partner_id))
            .filter(rate_cells::table_id.eq(seal.table_id))
            .filter(rate_cells::ordinal.ge(from))
            .filter(rate_cells::ordinal.lt(from.saturating_add(at_once)))
            .order(rate_cells::ordinal.asc())
            .select(CellRow::as_select())
            .load(db)
            .map_err(DbError::from)?;
        if rows.is_empty() {
            return Err(E::from(DbError::Stored {
                what: format!("rate table {}", seal.table_id),
                reason: format!("it has {seen} of {} cells", seal.cells),
            }));
        }
        cells.clear();
        for row in rows {
            cells.push(row.read()?);
        }
        seen += cells.len();
        take(&cells)?;
        from = from.saturating_add(at_once);
    }
    Ok(())
}

impl CellRow {
    fn read(&self) -> Result<Cell, DbError> {
        let column = u16::try_from(self.column_no).map_err(|error| DbError::Stored {
            what: format!("column of rate table {}", self.table_id),
            reason: error.to_string(),
        })?;
        let band = |lower, upper: Option<i64>| Band { lower: Micros(lower), upper: upper.map(Micros) };
        Ok(Cell {
            column,
            first: band(self.first_lower, self.first_upper),
            second: band(self.second_lower, self.second_upper),
            rate: Micros(self.rate_micros),
            prior: self.prior_micros.map(Micros),
            min: self.min_micros.map(Micros),
        })
    }
}

/// Every table that a version names, once for each seal it is named by, with its partner.
///
/// Unscoped: only `verify` asks, for all partners.
///
/// # Errors
/// [`DbError::Stored`] for a seal that does not read back, or the engine's reason.
pub fn table_list_unscoped(db: &mut Db) -> Result<Vec<(i64, TableSeal)>, DbError> {
    let rows: Vec<(i64, i64, i64, String)> = rate_lines::table
        .select((
            rate_lines::partner_id,
            rate_lines::table_id,
            rate_lines::cell_count,
            rate_lines::cells_sha256,
        ))
        .distinct()
        .order((rate_lines::table_id.asc(), rate_lines::cells_sha256.asc()))
        .load(db)?;
    rows.into_iter()
        .map(|(partner_id, table_id, cells, sha256)| {
            let cells = usize::try_from(cells).map_err(|error| DbError::Stored {
                what: format!("cell count of rate table {table_id}"),
                reason: error.to_string(),
            })?;
            Ok((partner_id, TableSeal { table_id, cells, sha256 }))
        })
        .collect()
}

/// Everything a version says about price, cells and accessorial rates included; none when it does not exist or
/// the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn rate_terms_load(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<Option<RateTerms>, DbError> {
    let Some(version) = terms_load(db, viewer, version_id)? else { return Ok(None) };
    let (partner_id, accessorials) = (version.partner_id, version.rates);
    let Pricing { terms: mut rates, tables } = version.pricing;
    for (line, seal) in rates.lines.iter_mut().zip(&tables) {
        line.cells = table_cells(db, viewer, partner_id, seal)?;
    }
    Ok(Some(RateTerms { accessorials, ..rates }))
}

/// Stores a new table; its id must be new too. Cells in the order given.
///
/// # Errors
/// The engine's reason.
pub fn table_insert(db: &mut Db, partner_id: i64, table_id: i64, cells: &[Cell]) -> Result<(), DbError> {
    let mut ordinal = 0;
    for chunk in cells.chunks(CELLS_AT_ONCE) {
        let rows: Vec<CellRow> = chunk
            .iter()
            .zip(ordinal..)
            .map(|(cell, ordinal)| CellRow {
                partner_id,
                table_id,
                ordinal,
                column_no: i32::from(cell.column),
                first_lower: cell.first.lower.0,
                first_upper: cell.first.upper.map(|upper| upper.0),
                second_lower: cell.second.lower.0,
                second_upper: cell.second.upper.map(|upper| upper.0),
                rate_micros: cell.rate.0,
                prior_micros: cell.prior.map(|prior| prior.0),
                min_micros: cell.min.map(|min| min.0),
            })
            .collect();
        bulk_insert!(db, rate_cells::table, &rows)?;
        ordinal = ordinal.saturating_add(i32::try_from(chunk.len()).unwrap_or(i32::MAX));
    }
    Ok(())
}

/// Writes what a draft says about price in place of what it said: choices, small things and lines. The tables
/// the lines name must be stored already. Tables nobody names any more are removed. Accessorial rates are
/// not touched.
///
/// # Errors
/// The engine's reason.
pub fn pricing_replace(
    db: &mut Db,
    new_id: impl Fn() -> i64,
    version: &Version,
    pricing: &Pricing,
) -> Result<(), DbError> {
    let before = tables_of(db, version.id)?;
    rows_delete(db, version.id)?;
    let terms = &pricing.terms;
    let mut items = Vec::new();
    for kind in TermKind::ALL {
        let of_kind = (0..).map_while(|place| kind.item(terms, place));
        for (item, ordinal) in of_kind.zip(0..) {
            items.push(ItemRow::of(version, &item, ordinal)?);
        }
    }
    bulk_insert!(db, rate_items::table, &items)?;
    let mut lines = Vec::with_capacity(terms.lines.len());
    for ((line, seal), ordinal) in terms.lines.iter().zip(&pricing.tables).zip(0..) {
        lines.push(LineRow {
            id: new_id(),
            partner_id: version.partner_id,
            contract_version_id: version.id,
            ordinal,
            code: line.code.clone(),
            head: serde_json::to_string(&line.head())
                .map_err(|error| stored("rate line", version.id, error))?,
            table_id: seal.table_id,
            cell_count: i64::try_from(seal.cells).unwrap_or(i64::MAX),
            cells_sha256: seal.sha256.clone(),
        });
    }
    bulk_insert!(db, rate_lines::table, &lines)?;
    tables_prune(db, version.partner_id, &before)
}

/// Where the term at `place` of a kind, counted from 0, is kept; its ordinal, which may have gaps before it.
fn item_ordinal(db: &mut Db, version: &Version, kind: TermKind, place: usize) -> QueryResult<Option<i32>> {
    rate_items::table
        .filter(rate_items::partner_id.eq(version.partner_id))
        .filter(rate_items::contract_version_id.eq(version.id))
        .filter(rate_items::kind.eq(kind.code()))
        .order(rate_items::ordinal.asc())
        .offset(i64::try_from(place).unwrap_or(i64::MAX))
        .limit(1)
        .select(rate_items::ordinal)
        .first(db)
        .optional()
}

/// Puts a term in the place of the one at `place` of its kind, counted from 0, or after the last one. False when
/// there is none at that place. The caller has the version from a scoped read.
///
/// # Errors
/// [`DbError::Stored`] for a term that cannot be written, or the engine's reason.
pub fn item_put(
    db: &mut Db,
    version: &Version,
    item: &TermItem,
    place: Option<usize>,
) -> Result<bool, DbError> {
    let kind = item.kind();
    let ordinal = match place {
        Some(place) => {
            let Some(ordinal) = item_ordinal(db, version, kind, place)? else { return Ok(false) };
            item_delete(db, version, kind, ordinal)?;
            ordinal
        }
        None => {
            let last: Option<i32> = rate_items::table
                .filter(rate_items::partner_id.eq(version.partner_id))
                .filter(rate_items::contract_version_id.eq(version.id))
                .filter(rate_items::kind.eq(kind.code()))
                .select(diesel::dsl::max(rate_items::ordinal))
                .first(db)?;
            last.map_or(0, |last| last.saturating_add(1))
        }
    };
    let row = ItemRow::of(version, item, ordinal)?;
    diesel::insert_into(rate_items::table).values(&row).execute(db)?;
    Ok(true)
}

/// Removes the term at `place` of a kind, counted from 0. False when there is none. The caller has the version from
/// a scoped read.
///
/// # Errors
/// The engine's reason.
pub fn item_remove(db: &mut Db, version: &Version, kind: TermKind, place: usize) -> Result<bool, DbError> {
    let Some(ordinal) = item_ordinal(db, version, kind, place)? else { return Ok(false) };
    item_delete(db, version, kind, ordinal)?;
    Ok(true)
}

fn item_delete(db: &mut Db, version: &Version, kind: TermKind, ordinal: i32) -> QueryResult<usize> {
    let row = rate_items::table
        .filter(rate_items::partner_id.eq(version.partner_id))
        .filter(rate_items::contract_version_id.eq(version.id))
        .filter(rate_items::kind.eq(kind.code()))
        .filter(rate_items::ordinal.eq(ordinal));
    diesel::delete(row).execute(db)
}

/// Removes what a draft says about price, and the tables only it used.
///
/// # Errors
/// The engine's reason.
pub(super) fn pricing_delete(db: &mut Db, version_id: i64) -> Result<(), DbError> {
    let partner: Option<i64> = rate_lines::table
        .filter(rate_lines::contract_version_id.eq(version_id))
        .select(rate_lines::partner_id)
        .first(db)
        .optional()?;
    let before = tables_of(db, version_id)?;
    rows_delete(db, version_id)?;
    partner.map_or(Ok(()), |partner_id| tables_prune(db, partner_id, &before))
}

fn rows_delete(db: &mut Db, version_id: i64) -> QueryResult<()> {
    diesel::delete(rate_items::table.filter(rate_items::contract_version_id.eq(version_id))).execute(db)?;
    diesel::delete(rate_lines::table.filter(rate_lines::contract_version_id.eq(version_id))).execute(db)?;
    Ok(())
}

fn tables_of(db: &mut Db, version_id: i64) -> QueryResult<Vec<i64>> {
    rate_lines::table
        .filter(rate_lines::contract_version_id.eq(version_id))
        .select(rate_lines::table_id)
        .load(db)
}

/// Removes those of the tables that neither a version nor a round names.
fn tables_prune(db: &mut Db, partner_id: i64, tables: &[i64]) -> Result<(), DbError> {
    for table in tables {
        let used: Option<i64> = rate_lines::table
            .filter(rate_lines::table_id.eq(table))
            .select(rate_lines::id)
            .first(db)
            .optional()?;
        if used.is_none() && !super::negotiation::table_is_in_a_round(db, *table)? {
            let cells = rate_cells::table
                .filter(rate_cells::partner_id.eq(partner_id))
                .filter(rate_cells::table_id.eq(table));
            diesel::delete(cells).execute(db)?;
        }
    }
    Ok(())
}
