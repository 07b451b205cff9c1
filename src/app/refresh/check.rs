//! Summing again, as a check: what is stored against what the facts come to now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::{LaneSums, Lookups, Run, Tallying, lane_cells_of_source, month_of, sum_day};
use crate::app::expected::{Books, Mode, versions_turned};
use crate::db::fold::{
    due_cells, fact_partners, lane_cell_months, measure_cell_days, measure_cells_of_source, next_fact_day,
    stale_cells_of_source, stale_lane_months_of_source,
};
use crate::db::shipment::{Source, StaleCell};
use crate::db::{Db, DbError};

/// What a check of the sums found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumsChecked {
    /// Days and months looked at.
    pub looked: i64,
    /// Days of one partner that wait for a refresh, so that nothing is said about them.
    pub waiting: usize,
    /// What differs from the facts, one line each.
    pub differences: BTreeSet<String>,
}

/// What waits for a refresh: the facts changed, their time has come, or another contract version prices them.
struct Waiting {
    cells: BTreeSet<StaleCell>,
    lane_months: BTreeSet<(i64, NaiveDate)>,
    partners: BTreeSet<i64>,
}

impl Waiting {
    fn read(db: &mut Db, source: Source, as_of: DateTime<Utc>) -> Result<Self, DbError> {
        let mut cells: BTreeSet<StaleCell> = stale_cells_of_source(db, source)?.into_iter().collect();
        cells.extend(due_cells(db, source, as_of)?);
        let partners = match source {
            Source::Shipments => {
                versions_turned(db)?.into_iter().map(|(partner_id, ..)| partner_id).collect()
            }
            _ => BTreeSet::new(),
        };
        // A day that waits gives its lanes something else than before.
        let mut lane_months: BTreeSet<_> = stale_lane_months_of_source(db, source)?.into_iter().collect();
        lane_months.extend(cells.iter().map(|cell| (cell.partner_id, month_of(cell.day))));
        Ok(Self { cells, lane_months, partners })
    }

    fn day(&self, partner_id: i64, day: NaiveDate) -> bool {
        self.partners.contains(&partner_id) || self.cells.contains(&StaleCell { partner_id, day })
    }

    fn lanes(&self, partner_id: i64, month: NaiveDate) -> bool {
        self.partners.contains(&partner_id) || self.lane_months.contains(&(partner_id, month))
    }
}

/// Sums every day's and every month's facts again and says which stored sums differ, or belong to no
/// facts. Reads only. What waits for a refresh is counted and left out: it differs because it waits.
///
/// # Errors
/// The database's reason.
pub fn sums_differ(db: &mut Db, as_of: DateTime<Utc>) -> Result<SumsChecked, DbError> {
    let run = Run { as_of, books: Books::default() };
    let mut checked = SumsChecked::default();
    for source in Source::ALL {
        let waiting = Waiting::read(db, source, as_of)?;
        let lookups = Lookups::read(db, &run, source, Mode::Price)?;
        // Days of stored sums count too: a sum without a fact is as wrong as another sum.
        let mut days = measure_cell_days(db, source)?;
        let mut day = next_fact_day(db, source, None)?;
        while let Some(today) = day {
            days.insert(today);
            day = next_fact_day(db, source, Some(today))?;
        }
        let mut months: BTreeMap<NaiveDate, Vec<NaiveDate>> = BTreeMap::new();
        for month in lane_cell_months(db, source)? {
            months.entry(month).or_default();
        }
        for day in days {
            months.entry(month_of(day)).or_default().push(day);
        }
        for (month, days) in months {
            let mut tallying = Tallying::default();
            for &day in &days {
                let (wait, partners): (Vec<i64>, Vec<i64>) =
                    fact_partners(db, source, day)?.into_iter().partition(|id| waiting.day(*id, day));
                checked.waiting += wait.len();
                let result = sum_day(db, source, day, &partners, &lookups, &mut tallying)?;
                let mut stored = measure_cells_of_source(db, source, day)?;
                stored.retain(|(partner_id, ..), _| !waiting.day(*partner_id, day));
                if stored != result.sums {
                    checked
                        .differences
                        .insert(format!("{day}: the stored sums of {} differ from the facts", source.code()));
                }
                let outcomes = result.shipments.len() + result.tenders.len() + result.beside.len();
                if result.charges.differing() > 0 {
                    checked.differences.insert(format!(
                        "{day}: {} stored expected charges differ from what the rates give now",
                        result.charges.differing()
                    ));
                }
                if outcomes > 0 {
                    checked.differences.insert(format!(
                        "{day}: {outcomes} stored outcomes of {} differ from the facts",
                        source.code()
                    ));
                }
            }
            let mut lanes = LaneSums::new();
            tallying.give_lanes(&mut lanes);
            lanes.retain(|(partner_id, ..), _| !waiting.lanes(*partner_id, month));
            let mut stored = lane_cells_of_source(db, source, month, None)?;
            stored.retain(|(partner_id, ..), _| !waiting.lanes(*partner_id, month));
            if stored != lanes {
                let month = month.format("%Y-%m");
                checked.differences.insert(format!(
                    "{month}: the stored lane sums of {} differ from the facts",
                    source.code()
                ));
            }
            checked.looked += 1 + i64::try_from(days.len()).unwrap_or(i64::MAX);
        }
    }
    Ok(checked)
}
