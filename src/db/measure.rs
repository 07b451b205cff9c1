//! Measure cells: sums per partner, service, mode and day, and per partner, lane, service and month.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::schema::{lane_cells, measure_cells};
use super::shipment::partner_filter;
use super::types::Day;
use crate::domain::measure::Measures;
use crate::domain::viewer::Viewer;

/// Which cells to read. Days are half-open.
#[derive(Clone, Debug, Default)]
pub struct CellFilter {
    /// Only this partner.
    pub partner_id: Option<i64>,
    /// First day; None for the beginning.
    pub from: Option<NaiveDate>,
    /// First day after; None for the end.
    pub until: Option<NaiveDate>,
    /// Only this service level.
    pub service: Option<String>,
    /// Only this mode.
    pub mode: Option<String>,
}

impl CellFilter {
    /// The cells of one period.
    #[must_use]
    pub fn period(period: crate::domain::period::Period) -> Self {
        Self { from: Some(period.start()), until: Some(period.end()), ..Self::default() }
    }

    /// The same, of one partner.
    #[must_use]
    pub fn of_partner(self, partner_id: i64) -> Self {
        Self { partner_id: Some(partner_id), ..self }
    }
}

/// One cell: what one day's facts add to one partner, service and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Partner.
    pub partner_id: i64,
    /// Local day of the obligations.
    pub day: NaiveDate,
    /// Service level, empty when not given.
    pub service: String,
    /// Mode, empty when not given.
    pub mode: String,
    /// The sums.
    pub measures: Measures,
}

/// One lane cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCell {
    /// Partner.
    pub partner_id: i64,
    /// First day of the month.
    pub month: NaiveDate,
    /// Lane.
    pub lane_id: i64,
    /// Service level, empty when not given.
    pub service: String,
    /// The sums.
    pub measures: Measures,
}

fn measures_of(text: &str, what: impl FnOnce() -> String) -> Result<Measures, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Stored { what: what(), reason: error.to_string() })
}

/// Folds the cells of `filter` that the viewer may see, without holding them.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn measure_cells_fold(
    db: &mut Db,
    viewer: &Viewer,
    filter: &CellFilter,
    mut each: impl FnMut(Cell),
) -> Result<(), DbError> {
    let Some(partner) = partner_filter(viewer, filter.partner_id) else { return Ok(()) };
    let mut query = measure_cells::table
        .select((
            measure_cells::partner_id,
            measure_cells::day,
            measure_cells::service,
            measure_cells::mode,
            measure_cells::measures,
        ))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(measure_cells::partner_id.eq(partner_id));
    }
    if let Some(from) = filter.from {
        query = query.filter(measure_cells::day.ge(Day(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(measure_cells::day.lt(Day(until)));
    }
    if let Some(service) = &filter.service {
        query = query.filter(measure_cells::service.eq(service.clone()));
    }
    if let Some(mode) = &filter.mode {
        query = query.filter(measure_cells::mode.eq(mode.clone()));
    }
    let rows = query.load_iter::<(i64, Day, String, String, String), _>(db)?;
    for row in rows {
        let (partner_id, day, service, mode, text) = row?;
        let measures = measures_of(&text, || format!("the measure cell of partner {partner_id} on {day}"))?;
        each(Cell { partner_id, day: day.0, service, mode, measures });
    }
    Ok(())
}

/// The sums of `filter` per partner, for the partners the viewer may see.
///
/// # Errors
/// As [`measure_cells_fold`].
pub fn measure_totals(
    db: &mut Db,
    viewer: &Viewer,
    filter: &CellFilter,
) -> Result<BTreeMap<i64, Measures>, DbError> {
    let mut totals: BTreeMap<i64, Measures> = BTreeMap::new();
    measure_cells_fold(db, viewer, filter, |cell| {
        *totals.entry(cell.partner_id).or_default() += &cell.measures;
    })?;
    Ok(totals)
}

/// The newest day before `until` that has a cell of the partners the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn newest_day(db: &mut Db, viewer: &Viewer, until: NaiveDate) -> QueryResult<Option<NaiveDate>> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(None) };
    let mut query = measure_cells::table
        .filter(measure_cells::day.lt(Day(until)))
        .select(diesel::dsl::max(measure_cells::day))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(measure_cells::partner_id.eq(partner_id));
    }
    let day: Option<Day> = query.first(db)?;
    Ok(day.map(|day| day.0))
}

/// The services and modes that any facts were summed by, without the blank ones.
///
/// # Errors
/// The engine's reason.
pub fn services_and_modes_unscoped(db: &mut Db) -> QueryResult<(BTreeSet<String>, BTreeSet<String>)> {
    let rows: Vec<(String, String)> =
        measure_cells::table.select((measure_cells::service, measure_cells::mode)).distinct().load(db)?;
    let (mut services, mut modes): (BTreeSet<String>, BTreeSet<String>) = rows.into_iter().unzip();
    services.remove("");
    modes.remove("");
    Ok((services, modes))
}

/// Folds lane cells of the months in `[from, until)` that the viewer may see.
///
/// # Errors
/// As [`measure_cells_fold`].
pub fn lane_cells_fold(
    db: &mut Db,
    viewer: &Viewer,
    filter: &CellFilter,
    mut each: impl FnMut(LaneCell),
) -> Result<(), DbError> {
    let Some(partner) = partner_filter(viewer, filter.partner_id) else { return Ok(()) };
    let mut query = lane_cells::table
        .select((
            lane_cells::partner_id,
            lane_cells::month,
            lane_cells::lane_id,
            lane_cells::service,
            lane_cells::measures,
        ))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(lane_cells::partner_id.eq(partner_id));
    }
    if let Some(from) = filter.from {
        query = query.filter(lane_cells::month.ge(Day(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(lane_cells::month.lt(Day(until)));
    }
    let rows = query.load_iter::<(i64, Day, i64, String, String), _>(db)?;
    for row in rows {
        let (partner_id, month, lane_id, service, text) = row?;
        let measures = measures_of(&text, || format!("the lane cell of partner {partner_id} in {month}"))?;
        each(LaneCell { partner_id, month: month.0, lane_id, service, measures });
    }
    Ok(())
}
