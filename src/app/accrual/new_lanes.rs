//! Since when a partner has worked on a lane under a contract: what a clause calls new (DOMAIN §4.2, new-lane ramp-up).
//!
//! The first day of a lane is the first on which a shipment was due on it or an offer was sent, not before the contract's
//! term began. It is read from the facts, so it is the same in whatever order they came, and an earlier one that comes
//! late moves it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};

use crate::db::lane::{lane_days_first_unscoped, lane_months_unscoped};
use crate::db::{Db, DbError};
use crate::domain::clause::Exclusions;
use crate::domain::shipment::LONGEST_TRANSIT_DAYS;

/// The first days of lanes, of those that may still be new.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct NewLanes(BTreeMap<i64, NaiveDate>);

impl NewLanes {
    /// Reads them of a partner since `began`, as far as a clause lets nothing on them count on `from` or later; nothing is
    /// read where no clause does.
    ///
    /// # Errors
    /// The database's reason.
    pub(in crate::app) fn read<'a>(
        db: &mut Db,
        partner_id: i64,
        (began, from): (NaiveDate, NaiveDate),
        exclusions: impl Iterator<Item = &'a Exclusions>,
    ) -> Result<Self, DbError> {
        let Some(longest) = exclusions.filter_map(|one| one.ramp_up_days).max() else {
            return Ok(Self::default());
        };
        // A lane sums pickups too, which lie so much before the day of their shipment at most.
        let reach = u64::from(longest).saturating_add(LONGEST_TRANSIT_DAYS);
        let old_before = month_of(from.checked_sub_days(Days::new(reach)).unwrap_or(began));
        let first_month = month_of(began);
        let mut open: BTreeMap<NaiveDate, BTreeSet<i64>> = BTreeMap::new();
        for (lane_id, months) in lane_months_unscoped(db, partner_id, first_month)? {
            // The month in which the term began may have days before it.
            let surely_within = |month: &NaiveDate| began <= *month;
            if months.iter().any(|month| surely_within(month) && *month < old_before) {
                continue;
            }
            for month in months {
                open.entry(month).or_default().insert(lane_id);
            }
        }
        let mut firsts = BTreeMap::new();
        for (month, mut lanes) in open {
            lanes.retain(|lane_id| !firsts.contains_key(lane_id));
            if lanes.is_empty() {
                continue;
            }
            let days = month.iter_days().take_while(|day| month_of(*day) == month);
            let days: Vec<NaiveDate> = days.filter(|day| began <= *day).collect();
            firsts.extend(lane_days_first_unscoped(db, partner_id, &days, &lanes)?);
        }
        Ok(Self(firsts))
    }

    /// The first day of a lane; none where it is known to be old, or where no lane is given.
    pub(in crate::app) fn first(&self, lane_id: Option<i64>) -> Option<NaiveDate> {
        self.0.get(&lane_id?).copied()
    }
}

fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}
