//! Dated exchange rates, as stored; no other rate is ever used (DOMAIN §0.1).

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::currency::Currency;
use crate::domain::money::Micros;

/// What one unit of a currency was worth in another, from a day on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FxRate {
    /// From this currency.
    pub from: Currency,
    /// To this one.
    pub to: Currency,
    /// First day it holds; it holds until the next one.
    pub valid_on: NaiveDate,
    /// When we learned it.
    pub recorded_at: DateTime<Utc>,
    /// What one unit is worth; positive.
    pub rate: Decimal,
}

/// The rates known at one moment. Independent of the order they were given in.
#[derive(Clone, Debug, Default)]
pub struct FxRates(Vec<FxRate>);

/// A rate that is not above zero.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exchange rate {from} to {to} on {valid_on}: {rate} is not above 0")]
pub struct BadFxRate {
    /// From.
    pub from: Currency,
    /// To.
    pub to: Currency,
    /// Day.
    pub valid_on: NaiveDate,
    /// What was given.
    pub rate: Decimal,
}

impl FxRates {
    /// The rates known at `as_known`; of several for one day the one recorded last.
    ///
    /// # Errors
    /// [`BadFxRate`] naming the first that is not above zero.
    pub fn new(
        rates: impl IntoIterator<Item = FxRate>,
        as_known: Option<DateTime<Utc>>,
    ) -> Result<Self, BadFxRate> {
        let mut kept = Vec::new();
        for row in rates {
            if row.rate <= Decimal::ZERO {
                return Err(BadFxRate { from: row.from, to: row.to, valid_on: row.valid_on, rate: row.rate });
            }
            if as_known.is_none_or(|known| row.recorded_at <= known) {
                kept.push(row);
            }
        }
        kept.sort_by(|a, b| {
            (a.from, a.to, a.valid_on, b.recorded_at, a).cmp(&(b.from, b.to, b.valid_on, a.recorded_at, b))
        });
        kept.dedup_by_key(|row| (row.from, row.to, row.valid_on));
        Ok(Self(kept))
    }

    /// The rate between two currencies on `day`.
    #[must_use]
    pub fn on(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<&FxRate> {
        let after = self.0.partition_point(|row| (row.from, row.to, row.valid_on) <= (from, to, day));
        self.0.get(after.checked_sub(1)?).filter(|row| row.from == from && row.to == to)
    }
}

impl FxRate {
    /// The amount in the other currency, rounded to its minor unit.
    #[must_use]
    pub fn convert(&self, amount: Micros) -> Option<Micros> {
        let value = amount.decimal().checked_mul(self.rate)?;
        Micros::charge(value, self.to.minor_digits()).ok()
    }
}
