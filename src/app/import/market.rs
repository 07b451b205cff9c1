//! Fuel prices and exchange rates: small, append only. A row that says something new about a day already known is
//! a correction beside it, and what was known before can still be asked. And benchmarks of the market, the newest word of each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};

use super::ImportError;
use super::batch::{Run, check_currency, micros, repeated_key, some_text, text};
use super::seen::SeenKeys;
use crate::app::expected::Reach;
use crate::db::Db;
use crate::db::dimension::{Dimensions, LaneNames};
use crate::db::market::{
    BenchmarkRow, benchmark_get, benchmark_put, cells_of_market, fuel_price_insert, fuel_price_latest,
    fx_rate_insert, fx_rate_latest,
};
use crate::db::shipment::{Source, stale_mark};
use crate::db::types::{Day, Instant};
use crate::domain::currency::Currency;
use crate::domain::fuel::{FuelPrice, FuelPrices};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::rate::{FxRate, FxRates};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, benchmarks as b, fuel as f, fx as x};

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

/// A benchmark as a row gives it.
pub struct BenchmarkDraft {
    lane: String,
    week: NaiveDate,
    equipment: String,
    amount: Micros,
    currency: Option<String>,
    series: String,
    licence: String,
}

/// Lanes with another benchmark than before, by week.
pub type ChangedMarket = BTreeMap<NaiveDate, BTreeSet<i64>>;

pub fn benchmark_draft(fields: &Fields) -> Result<BenchmarkDraft, RowError> {
    let day = fields.day(b::WEEK).ok_or_else(|| RowError::field("week", "", "a benchmark needs its week"))?;
    let amount = micros("amount", fields.decimal(b::AMOUNT))?.unwrap_or(Micros::ZERO);
    if amount <= Micros::ZERO {
        return Err(RowError::field("amount", &amount.to_string(), "a load costs more than nothing"));
    }
    Ok(BenchmarkDraft {
        lane: text(fields, b::LANE),
        week: Period::monday(day),
        equipment: text(fields, b::EQUIPMENT),
        amount,
        currency: some_text(fields, b::CURRENCY),
        series: text(fields, b::SERIES),
        licence: text(fields, b::LICENCE),
    })
}

/// Stores a benchmark; what it changes is noted in `changed`.
pub fn benchmark_write(
    db: &mut Db,
    (run, dimensions): (&Run<'_>, &mut Dimensions<'_>),
    (seen, number): (&mut SeenKeys, u64),
    reporting: &str,
    draft: &BenchmarkDraft,
    changed: &mut ChangedMarket,
) -> Result<Result<Done, RowError>, ImportError> {
    if let Err(error) = check_currency(draft.currency.as_deref(), reporting, true) {
        return Ok(Err(error));
    }
    let names = LaneNames { code: draft.lane.clone(), ..LaneNames::default() };
    let Some(lane_id) = dimensions.lane(db, &names)? else {
        return Ok(Err(RowError::field("lane", &draft.lane, "a benchmark needs its lane")));
    };
    let week = draft.week.to_string();
    if let Some(first) = seen.note((lane_id, 0, &format!("{week} {}", draft.equipment)), number) {
        return Ok(Err(repeated_key("week", &week, "lane, week and equipment", first, number)));
    }
    let old = benchmark_get(db, (lane_id, draft.week, &draft.equipment))?;
    let row = BenchmarkRow {
        lane_id,
        week: Day(draft.week),
        equipment: draft.equipment.clone(),
        amount_micros: draft.amount.0,
        currency: reporting.to_owned(),
        series: draft.series.clone(),
        licence: draft.licence.clone(),
        recorded_at: Instant(recorded_at(run)),
    };
    if old.as_ref().is_some_and(|old| BenchmarkRow { recorded_at: old.recorded_at, ..row.clone() } == *old) {
        return Ok(Ok(Done::Same));
    }
    benchmark_put(db, &row)?;
    changed.entry(draft.week).or_default().insert(lane_id);
    Ok(Ok(if old.is_some() { Done::Changed } else { Done::New }))
}

/// Marks the days of the shipments that changed benchmarks can be of; in the transaction that changes them.
pub fn market_mark(db: &mut Db, changed: ChangedMarket) -> Result<(), ImportError> {
    for (week, lanes) in changed {
        let lanes: Vec<i64> = lanes.into_iter().collect();
        let cells = cells_of_market(db, &lanes, week)?;
        stale_mark(db, Source::Shipments, &cells)?;
    }
    Ok(())
}
