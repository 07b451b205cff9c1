//! KPIs by any dimension and period, from the same sums and the same function as everything else.

use std::collections::{BTreeMap, HashMap};

use crate::db::lane::{lane_codes, lane_regions};
use crate::db::measure::{Cell, CellFilter, lane_cells_fold, measure_cells_fold};
use crate::db::partner::partner_codes;
use crate::db::{Db, DbError};
use crate::domain::formula::{FaultKind, OwnValue, Plan};
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::measure::Measures;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;

/// What a KPI is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dimension {
    /// Carrier.
    #[value(alias = "carrier")]
    Partner,
    /// Origin and destination.
    Lane,
    /// Service level.
    Service,
    /// Mode.
    Mode,
    /// Region of the destination.
    Region,
    /// ISO week of the obligation.
    Week,
    /// Month of the obligation.
    Month,
    /// Quarter of the obligation.
    Quarter,
    /// No grouping: one line.
    All,
}

/// One line: the value of one KPI for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KpiLine {
    /// Partner code, lane code, mode, month and so on; empty text is shown as "(not given)".
    pub key: String,
    /// Its value.
    pub value: KpiValue,
}

/// One line of an own KPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLine {
    /// As in [`KpiLine`].
    pub key: String,
    /// Its value.
    pub value: OwnValue,
}

/// Why a KPI cannot be had that way.
#[derive(Debug, thiserror::Error)]
pub enum KpiError {
    /// Lane sums are kept by month.
    #[error(
        "lanes and regions are summed by month; `{0}` is a week. Ask for a month, a quarter or a year, or group by partner"
    )]
    LanesByMonth(Period),
    /// A formula that came to a figure too large to hold.
    #[error("{key}: {fault}")]
    Fault {
        /// The line.
        key: String,
        /// What happened, and where.
        fault: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for KpiError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// What a dimension value is called when the feed gave none.
pub const NOT_GIVEN: &str = "(not given)";

/// The values of a KPI by a dimension, over a period or everything, for the partners the viewer sees.
/// Ordered by key.
///
/// # Errors
/// [`KpiError`].
pub fn kpi_by(
    db: &mut Db,
    viewer: &Viewer,
    kpi: Kpi,
    by: Dimension,
    period: Option<Period>,
) -> Result<Vec<KpiLine>, KpiError> {
    let sums = sums_by(db, viewer, by, period)?;
    Ok(sums.into_iter().map(|(key, measures)| KpiLine { key, value: kpi.value(&measures) }).collect())
}

/// As [`kpi_by`], of an own KPI.
///
/// # Errors
/// [`KpiError`]; what has no data is none, and what is too large is one.
pub fn own_by(
    db: &mut Db,
    viewer: &Viewer,
    plan: &Plan,
    by: Dimension,
    period: Option<Period>,
) -> Result<Vec<OwnLine>, KpiError> {
    let sums = sums_by(db, viewer, by, period)?;
    let line = |(key, measures)| {
        let value = plan.value(&measures);
        match value.fault.as_ref().filter(|fault| fault.kind == FaultKind::Overflow) {
            Some(fault) => Err(KpiError::Fault { key, fault: fault.words() }),
            None => Ok(OwnLine { key, value }),
        }
    };
    sums.into_iter().map(line).collect()
}

/// The sums by a dimension, over a period or everything, for the partners the viewer sees. Ordered by key.
///
/// # Errors
/// [`KpiError`].
pub(super) fn sums_by(
    db: &mut Db,
    viewer: &Viewer,
    by: Dimension,
    period: Option<Period>,
) -> Result<BTreeMap<String, Measures>, KpiError> {
    let filter = period.map_or_else(CellFilter::default, CellFilter::period);
    match by {
        Dimension::Lane | Dimension::Region => {
            if let Some(week) = period.filter(|period| period.kind() == PeriodKind::Week) {
                return Err(KpiError::LanesByMonth(week));
            }
            by_lane(db, viewer, &filter, by)
        }
        _ => by_cell(db, viewer, &filter, by),
    }
}

fn by_cell(
    db: &mut Db,
    viewer: &Viewer,
    filter: &CellFilter,
    by: Dimension,
) -> Result<BTreeMap<String, Measures>, KpiError> {
    let codes = partner_codes(db, viewer)?;
    let mut sums: BTreeMap<String, Measures> = BTreeMap::new();
    measure_cells_fold(db, viewer, filter, |cell| {
        *sums.entry(cell_key(&cell, by, &codes)).or_default() += &cell.measures;
    })?;
    Ok(sums)
}

fn cell_key(cell: &Cell, by: Dimension, codes: &HashMap<i64, String>) -> String {
    let in_period = |kind| Period::containing(kind, cell.day).to_string();
    match by {
        Dimension::Partner => {
            codes.get(&cell.partner_id).cloned().unwrap_or_else(|| cell.partner_id.to_string())
        }
        Dimension::Service => given(&cell.service),
        Dimension::Mode => given(&cell.mode),
        Dimension::Week => in_period(PeriodKind::Week),
        Dimension::Month => in_period(PeriodKind::Month),
        Dimension::Quarter => in_period(PeriodKind::Quarter),
        Dimension::Lane | Dimension::Region | Dimension::All => "all".to_owned(),
    }
}

fn given(text: &str) -> String {
    if text.is_empty() { NOT_GIVEN.to_owned() } else { text.to_owned() }
}

fn by_lane(
    db: &mut Db,
    viewer: &Viewer,
    filter: &CellFilter,
    by: Dimension,
) -> Result<BTreeMap<String, Measures>, KpiError> {
    let names = if by == Dimension::Region { lane_regions(db)? } else { lane_codes(db)? };
    let mut sums: BTreeMap<String, Measures> = BTreeMap::new();
    lane_cells_fold(db, viewer, filter, |cell| {
        let key = given(names.get(&cell.lane_id).map_or("", String::as_str));
        *sums.entry(key).or_default() += &cell.measures;
    })?;
    Ok(sums)
}
