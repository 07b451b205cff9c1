//! Fuel prices and exchange rates: small, append only. A row that says something new about a day already known is
//! a correction beside it, and what was known before can still be asked.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::ImportError;
use super::batch::{Run, micros, text};
use super::seen::SeenKeys;
use crate::app::expected::Reach;
use crate::db::Db;
use crate::db::market::{fuel_price_insert, fuel_price_latest, fx_rate_insert, fx_rate_latest};
use crate::domain::currency::Currency;
use crate::domain::fuel::{FuelPrice, FuelPrices};
use crate::domain::money::Micros;
use crate::domain::rate::{FxRate, FxRates};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, fuel as f, fx as x};

use super::plain::Done;

/// When rows of this run become known; the database keeps microseconds.
pub fn recorded_at(run: &Run<'_>) -> DateTime<Utc> {
    run.now.trunc_subsecs(6)
}

pub fn fuel_draft(fields: &Fields, recorded_at: DateTime<Utc>) -> Result<FuelPrice, RowError> {
    let published_on = fields
        .day(f::PUBLISHED_ON)
        .ok_or_else(|| RowError::field("published_on", "", "a price needs its day"))?;
    let price = FuelPrice {
        index: text(fields, f::INDEX),
        published_on,
        effective_from: fields.day(f::EFFECTIVE_FROM),
        recorded_at,
        price: micros("price", fields.decimal(f::PRICE))?.unwrap_or(Micros::ZERO),
    };
    FuelPrices::new([price.clone()], None, [])
        .map_err(|error| RowError::field("price", &price.price.to_string(), error.to_string()))?;
    Ok(price)
}

pub fn fx_draft(fields: &Fields, recorded_at: DateTime<Utc>) -> Result<FxRate, RowError> {
    let currency = |name: &'static str, field: Field| {
        let text = text(fields, field);
        text.parse::<Currency>().map_err(|error| RowError::field(name, &text, error.to_string()))
    };
    let rate = FxRate {
        from: currency("base", x::BASE)?,
        to: currency("quote", x::QUOTE)?,
        valid_on: fields.day(x::DAY).ok_or_else(|| RowError::field("day", "", "a rate needs its day"))?,
        recorded_at,
        rate: fields.decimal(x::RATE).unwrap_or_default().normalize(),
    };
    FxRates::new([rate.clone()], None)
        .map_err(|error| RowError::field("rate", &rate.rate.to_string(), error.to_string()))?;
    Ok(rate)
}

/// Stores a price and marks what it changes; `reach` says whose charges that may be. `seen` holds what rows before it in
/// the file said.
pub fn fuel_write(
    db: &mut Db,
    price: &mut FuelPrice,
    (seen, row): (&mut SeenKeys, u64),
    reach: Option<&mut Reach>,
) -> Result<Result<Done, RowError>, ImportError> {
    let known = fuel_price_latest(db, &price.index, price.published_on)?;
    let before = seen.note((0, 0, &format!("{} {}", price.published_on, price.index)), row);
    let done = match &known {
        None => Done::New,
        Some(known) if (known.price, known.effective_from) == (price.price, price.effective_from) => {
            return Ok(Ok(Done::Same));
        }
        Some(_) if before.is_some() => return Ok(Err(twice("published_on"))),
        Some(known) => {
            price.recorded_at = after(known.recorded_at, price.recorded_at);
            Done::Changed
        }
    };
    fuel_price_insert(db, price)?;
    if let Some(reach) = reach {
        reach.fuel_mark(db, price)?;
    }
    Ok(Ok(done))
}

/// Stores a rate and marks what it changes, as [`fuel_write`] does.
pub fn fx_write(
    db: &mut Db,
    rate: &mut FxRate,
    (seen, row): (&mut SeenKeys, u64),
    reach: Option<&mut Reach>,
) -> Result<Result<Done, RowError>, ImportError> {
    let known = fx_rate_latest(db, rate.from, rate.to, rate.valid_on)?;
    let before =
        seen.note((0, 0, &format!("{} {} {}", rate.valid_on, rate.from.code(), rate.to.code())), row);
    let done = match &known {
        None => Done::New,
        Some(known) if known.rate == rate.rate => return Ok(Ok(Done::Same)),
        Some(_) if before.is_some() => return Ok(Err(twice("day"))),
        Some(known) => {
            rate.recorded_at = after(known.recorded_at, rate.recorded_at);
            Done::Changed
        }
    };
    fx_rate_insert(db, rate)?;
    if let Some(reach) = reach {
        reach.fx_mark(db, rate)?;
    }
    Ok(Ok(done))
}

/// When a correction became known: now, or where the clock stands or was set back, the smallest step the database keeps
/// after what it corrects. The order of the statements decides, and what was known between them can still be asked.
fn after(corrected: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(corrected + TimeDelta::microseconds(1))
}

fn twice(field: &str) -> RowError {
    RowError::field(
        field,
        "",
        "a row before it in this file says something else about the same day, and only that one was taken; leave one of the two \
         in the file",
    )
}
