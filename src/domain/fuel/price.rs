//! Index prices as they were published and as they became known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::FuelProgramme;
use crate::domain::money::Micros;

/// Highest index price, in whole currency units.
const PRICE_MAX: Micros = Micros(1_000_000_000);

/// One published price, as one day knew it. A correction is a further row with the same publication day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuelPrice {
    /// Price series, such as `EIA-US-DIESEL`.
    pub index: String,
    /// Day it was published.
    pub published_on: NaiveDate,
    /// First day in force, where the source itself says so; else the programme's lag decides.
    #[serde(default)]
    pub effective_from: Option<NaiveDate>,
    /// When we learned it.
    pub recorded_at: DateTime<Utc>,
    /// Price per unit of fuel.
    pub price: Micros,
}

/// A price that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFuelPrice {
    /// Negative, zero or absurd.
    #[error(
        "{index}, published {published_on}: the price {price} is not above 0 and up to 1,000; check unit and currency"
    )]
    Price {
        /// Series.
        index: String,
        /// Publication.
        published_on: NaiveDate,
        /// What was given.
        price: Micros,
    },
    /// In force before anyone could know it.
    #[error(
        "{index}, published {published_on}: it cannot be in force on {effective_from}, before its publication"
    )]
    Early {
        /// Series.
        index: String,
        /// Publication.
        published_on: NaiveDate,
        /// What was given.
        effective_from: NaiveDate,
    },
}

/// The price in force on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuelQuote {
    /// The price.
    pub price: Micros,
    /// When it was published.
    pub published_on: NaiveDate,
    /// First day in force.
    pub effective_from: NaiveDate,
    /// A later publication was due by then but is not known: the last price is carried, re-rate on arrival.
    pub carried: bool,
}

/// Price series as known at one moment, ready for look-up. Independent of the order they were given in.
#[derive(Clone, Debug, Default)]
pub struct FuelPrices {
    by_index: BTreeMap<String, Vec<FuelPrice>>,
    holidays: BTreeSet<NaiveDate>,
}

impl FuelPrices {
    /// The prices known at `as_known`; of several rows for one publication the one recorded last.
    /// `holidays` shift a Monday publication to Tuesday; they only decide when a price counts as overdue.
    ///
    /// # Errors
    /// [`BadFuelPrice`] naming the first price that cannot be.
    pub fn new(
        prices: impl IntoIterator<Item = FuelPrice>,
        as_known: Option<DateTime<Utc>>,
        holidays: impl IntoIterator<Item = NaiveDate>,
    ) -> Result<Self, BadFuelPrice> {
        let mut by_index: BTreeMap<String, Vec<FuelPrice>> = BTreeMap::new();
        for row in prices {
            let (index, published_on) = (row.index.clone(), row.published_on);
            if row.price <= Micros::ZERO || row.price > PRICE_MAX {
                return Err(BadFuelPrice::Price { index, published_on, price: row.price });
            }
            if let Some(effective_from) = row.effective_from.filter(|day| *day < published_on) {
                return Err(BadFuelPrice::Early { index, published_on, effective_from });
            }
            if as_known.is_none_or(|known| row.recorded_at <= known) {
                by_index.entry(index).or_default().push(row);
            }
        }
        for rows in by_index.values_mut() {
            // The last recorded first, so that it is the one that stays; all else only breaks ties.
            rows.sort_by(|a, b| (a.published_on, b.recorded_at, a).cmp(&(b.published_on, a.recorded_at, b)));
            rows.dedup_by_key(|row| row.published_on);
        }
        Ok(Self { by_index, holidays: holidays.into_iter().collect() })
    }

    /// The price of the programme's series in force on `day`; none before the first one.
    #[must_use]
    pub fn in_force(&self, programme: &FuelProgramme, day: NaiveDate) -> Option<FuelQuote> {
        let rows = self.by_index.get(&programme.index)?;
        let published = rows.partition_point(|row| row.published_on <= day);
        let effective = |row: &FuelPrice| {
            row.effective_from.unwrap_or_else(|| later(row.published_on, programme.effective_days))
        };
        let row = rows.get(..published)?.iter().rfind(|row| effective(row) <= day)?;
        Some(FuelQuote {
            price: row.price,
            published_on: row.published_on,
            effective_from: effective(row),
            carried: self.overdue(row.published_on, programme, day),
        })
    }

    /// Whether the publication after that of `published_on` should be in force on `day`.
    fn overdue(&self, published_on: NaiveDate, programme: &FuelProgramme, day: NaiveDate) -> bool {
        let (cadence, lag) = (programme.cadence_days, programme.effective_days);
        if !cadence.is_multiple_of(7) {
            return later(published_on, cadence.saturating_add(lag)) <= day;
        }
        // A Tuesday publication does not move the next one.
        let since_monday = published_on.weekday().num_days_from_monday();
        let usual = later(published_on, (cadence + lag).saturating_sub(since_monday));
        usual <= day && (usual < day || !self.holidays.contains(&monday_before(usual, lag)))
    }
}

fn monday_before(usual: NaiveDate, lag: u32) -> NaiveDate {
    usual.checked_sub_days(Days::new(u64::from(lag))).unwrap_or(usual)
}

/// The day a week's price is published: Monday, or Tuesday when Monday is a holiday.
#[must_use]
pub fn publication_day(day_of_week: NaiveDate, holidays: &BTreeSet<NaiveDate>) -> NaiveDate {
    let monday = day_of_week.week(chrono::Weekday::Mon).first_day();
    if holidays.contains(&monday) { later(monday, 1) } else { monday }
}

fn later(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days))).unwrap_or(day)
}
