//! Partners side by side on the sums of a period: plain, with everybody's mix of lanes, and in bands of rank.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::prelude::ToPrimitive;

use super::score::full_weeks;
use crate::db::measure::{CellFilter, lane_cells_fold, measure_cells_fold, measure_totals};
use crate::db::{Db, DbError};
use crate::domain::compare::{Count, RankBand, Standardised, rank_bands, standardise};
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::measure::Measures;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::Volume;
use crate::domain::signal::{Better, NoChart, Observation, XmrChart, xmr};
use crate::domain::viewer::Viewer;

/// Weeks that say what is usual, the first of a chart.
const BASELINE_WEEKS: usize = 13;

/// One partner on one KPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Who.
    pub partner_id: i64,
    /// The value over the period.
    pub value: KpiValue,
    /// The share with everybody's mix of lanes; none where no share of counted units can be had by lane.
    pub adjusted: Option<Standardised>,
    /// Its rank among all partners; none without units, or where no way is better.
    pub rank: Option<RankBand>,
}

/// One KPI over all partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Across {
    /// Which KPI.
    pub kpi: Kpi,
    /// Partners with data or not, by id.
    pub sides: Vec<Side>,
    /// All of them together.
    pub all: KpiValue,
}

/// The sums of a period, from which any KPI is read across partners.
#[derive(Debug)]
pub struct Sums {
    partners: BTreeMap<i64, Measures>,
    /// Lane sums of months and quarters, by partner.
    lanes: BTreeMap<i64, BTreeMap<i64, Measures>>,
}

impl Sums {
    /// Reads the sums that the viewer may see.
    ///
    /// # Errors
    /// The engine's reason, or a cell that does not read back.
    pub fn read(db: &mut Db, viewer: &Viewer, period: Period) -> Result<Self, DbError> {
        let filter = CellFilter::period(period);
        let mut lanes: BTreeMap<i64, BTreeMap<i64, Measures>> = BTreeMap::new();
        lane_cells_fold(db, viewer, &filter, |cell| {
            *lanes.entry(cell.partner_id).or_default().entry(cell.lane_id).or_default() += &cell.measures;
        })?;
        Ok(Self { partners: measure_totals(db, viewer, &filter)?, lanes })
    }

    /// One KPI of every partner.
    #[must_use]
    pub fn across(&self, kpi: Kpi) -> Across {
        let mut whole = Measures::default();
        self.partners.values().for_each(|sums| whole += sums);
        let own = |id: &i64| -> BTreeMap<i64, Count> {
            let lanes = self.lanes.get(id).into_iter().flatten();
            lanes.filter_map(|(lane, sums)| Some((*lane, count(&kpi.value(sums))?))).collect()
        };
        let by_lane: BTreeMap<i64, BTreeMap<i64, Count>> =
            self.partners.keys().map(|id| (*id, own(id))).collect();
        let mut everybody: BTreeMap<i64, Count> = BTreeMap::new();
        for (lane, counted) in by_lane.values().flatten() {
            let sum = everybody.entry(*lane).or_default();
            sum.successes += counted.successes;
            sum.n += counted.n;
        }
        let values: Vec<(i64, KpiValue)> =
            self.partners.iter().map(|(id, sums)| (*id, kpi.value(sums))).collect();
        let better = kpi.definition().better;
        let ranked: Vec<Count> = values
            .iter()
            // A handful of units can be told from nobody, and would make one band of all the others.
            .map(|(_, value)| match (count(value).filter(|count| count.n >= RANKED_FROM), better) {
                (Some(count), Some(Better::Higher)) => count,
                // The best has the fewest.
                (Some(count), Some(Better::Lower)) => {
                    Count { successes: count.n - count.successes, n: count.n }
                }
                _ => Count::default(),
            })
            .collect();
        let ranks = rank_bands(&ranked);
        let sides = values
            .into_iter()
            .zip(ranks)
            .map(|((partner_id, value), rank)| Side {
                adjusted: by_lane.get(&partner_id).and_then(|own| standardise(own, &everybody)),
                partner_id,
                value,
                rank,
            })
            .collect();
        Across { kpi, sides, all: kpi.value(&whole) }
    }
}

/// Units from which a partner has a rank: those from which its value is scored without reserve.
pub const RANKED_FROM: i64 = Volume::Proportion.full_from();

/// Successes and units of a share of counted units; none for other values.
fn count(value: &KpiValue) -> Option<Count> {
    value
        .is_proportion()
        .then(|| Count { successes: value.numerator.to_i64().unwrap_or_default(), n: value.n })
}

/// A KPI week by week, oldest first, and its chart or why there is none.
pub type Weekly = (Vec<(Period, KpiValue)>, Result<XmrChart, NoChart>);

/// The weekly values of one partner's KPI before `until`, oldest first, from its first week with data, and their chart
/// or why there is none.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn weekly(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    kpi: Kpi,
    until: NaiveDate,
) -> Result<Weekly, DbError> {
    let mut weeks: BTreeMap<Period, Measures> =
        full_weeks(until).into_iter().map(|week| (week, Measures::default())).collect();
    let filter = CellFilter {
        from: weeks.keys().next().map(|week| week.start()),
        until: weeks.keys().last().map(|week| week.end()),
        ..CellFilter::default()
    };
    measure_cells_fold(db, viewer, &filter.of_partner(partner_id), |cell| {
        if let Some(sums) = weeks.get_mut(&Period::containing(PeriodKind::Week, cell.day)) {
            *sums += &cell.measures;
        }
    })?;
    let values: Vec<(Period, KpiValue)> = weeks
        .into_iter()
        .map(|(week, sums)| (week, kpi.value(&sums)))
        .skip_while(|(_, value)| value.net.is_none())
        .collect();
    let observations: Vec<Observation> = values
        .iter()
        .map(|(week, value)| Observation {
            label: week.number(),
            value: value.score_value().unwrap_or_default(),
            n: value.n,
        })
        .collect();
    let chart = xmr(&observations, BASELINE_WEEKS, kpi.definition().better.unwrap_or(Better::Higher));
    Ok((values, chart))
}
