//! Dated facts from outside any contract: fuel index prices and exchange rates, whose rows are added and never changed, so that
//! what was known at any moment can be asked again; and benchmarks of the market, the newest word of each. No partner's data, so
//! no viewer.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::prelude::*;
use rust_decimal::Decimal;

use super::DbError;
use super::conn::Db;
use super::dialect::BothExt;
use super::schema::{benchmarks, fuel_prices, fx_rates, shipments};
use super::shipment::StaleCell;
use super::types::{Day, Instant};
use crate::domain::currency::Currency;
use crate::domain::fuel::FuelPrice;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::rate::FxRate;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = fuel_prices)]
#[diesel(treat_none_as_default_value = false)]
struct FuelRow {
    index_code: String,
    published_on: Day,
    effective_from: Option<Day>,
    price_micros: i64,
    recorded_at: Instant,
}

impl FuelRow {
    fn read(self) -> FuelPrice {
        FuelPrice {
            index: self.index_code,
            published_on: self.published_on.0,
            effective_from: self.effective_from.map(|day| day.0),
            recorded_at: self.recorded_at.0,
            price: Micros(self.price_micros),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = fx_rates)]
struct FxRow {
    base: String,
    quote: String,
    day: Day,
    rate: String,
    recorded_at: Instant,
}

impl FxRow {
    fn read(self) -> Result<FxRate, DbError> {
        let what = || format!("exchange rate {} to {} on {}", self.base, self.quote, self.day);
        let stored = |reason: String| DbError::Stored { what: what(), reason };
        let currency = |text: &str| text.parse::<Currency>().map_err(|e| stored(e.to_string()));
        Ok(FxRate {
            from: currency(&self.base)?,
            to: currency(&self.quote)?,
            valid_on: self.day.0,
            recorded_at: self.recorded_at.0,
            rate: self.rate.parse::<Decimal>().map_err(|e| stored(e.to_string()))?,
        })
    }
}

/// Every fuel price recorded until `known`, corrections included.
///
/// # Errors
/// The engine's reason.
pub fn fuel_price_list(db: &mut Db, known: DateTime<Utc>) -> Result<Vec<FuelPrice>, DbError> {
    let rows: Vec<FuelRow> = fuel_prices::table
        .filter(fuel_prices::recorded_at.le(Instant(known)))
        .order((fuel_prices::index_code, fuel_prices::published_on, fuel_prices::recorded_at))
        .select(FuelRow::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(FuelRow::read).collect())
}

/// The indexes of which any price is loaded.
///
/// # Errors
/// The engine's reason.
pub fn fuel_index_list(db: &mut Db) -> Result<BTreeSet<String>, DbError> {
    let codes: Vec<String> = fuel_prices::table.select(fuel_prices::index_code).distinct().load(db)?;
    Ok(codes.into_iter().collect())
}

/// The price of one publication as it was recorded last.
///
/// # Errors
/// The engine's reason.
pub fn fuel_price_latest(
    db: &mut Db,
    index: &str,
    published_on: NaiveDate,
) -> Result<Option<FuelPrice>, DbError> {
    let row: Option<FuelRow> = fuel_prices::table
        .filter(fuel_prices::index_code.eq(index))
        .filter(fuel_prices::published_on.eq(Day(published_on)))
        .order(fuel_prices::recorded_at.desc())
        .select(FuelRow::as_select())
        .first(db)
        .optional()?;
    Ok(row.map(FuelRow::read))
}

/// Adds a price, or a correction of one.
///
/// # Errors
/// The engine's reason.
pub fn fuel_price_insert(db: &mut Db, price: &FuelPrice) -> Result<(), DbError> {
    let row = FuelRow {
        index_code: price.index.clone(),
        published_on: Day(price.published_on),
        effective_from: price.effective_from.map(Day),
        price_micros: price.price.0,
        recorded_at: Instant(price.recorded_at),
    };
    diesel::insert_into(fuel_prices::table).values(&row).execute(db)?;
    Ok(())
}

/// Every exchange rate recorded until `known`, corrections included.
///
/// # Errors
/// [`DbError::Stored`] for a rate that does not read back, or the engine's reason.
pub fn fx_rate_list(db: &mut Db, known: DateTime<Utc>) -> Result<Vec<FxRate>, DbError> {
    let rows: Vec<FxRow> = fx_rates::table
        .filter(fx_rates::recorded_at.le(Instant(known)))
        .order((fx_rates::base, fx_rates::quote, fx_rates::day, fx_rates::recorded_at))
        .select(FxRow::as_select())
        .load(db)?;
    rows.into_iter().map(FxRow::read).collect()
}

/// The rate of one day as it was recorded last.
///
/// # Errors
/// [`DbError::Stored`] for a rate that does not read back, or the engine's reason.
pub fn fx_rate_latest(
    db: &mut Db,
    from: Currency,
    to: Currency,
    day: NaiveDate,
) -> Result<Option<FxRate>, DbError> {
    let row: Option<FxRow> = fx_rates::table
        .filter(fx_rates::base.eq(from.code()))
        .filter(fx_rates::quote.eq(to.code()))
        .filter(fx_rates::day.eq(Day(day)))
        .order(fx_rates::recorded_at.desc())
        .select(FxRow::as_select())
        .first(db)
        .optional()?;
    row.map(FxRow::read).transpose()
}

/// Adds a rate, or a correction of one.
///
/// # Errors
/// The engine's reason.
pub fn fx_rate_insert(db: &mut Db, rate: &FxRate) -> Result<(), DbError> {
    let row = FxRow {
        base: rate.from.code().to_owned(),
        quote: rate.to.code().to_owned(),
        day: Day(rate.valid_on),
        rate: rate.rate.to_string(),
        recorded_at: Instant(rate.recorded_at),
    };
    diesel::insert_into(fx_rates::table).values(&row).execute(db)?;
    Ok(())
}

// --- benchmarks ----------------------------------------------------------------------------------

/// What the market pays for a lane in a week.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = benchmarks)]
pub struct BenchmarkRow {
    /// The lane.
    pub lane_id: i64,
    /// Monday of the week.
    pub week: Day,
    /// Equipment; empty for any.
    pub equipment: String,
    /// Linehaul of one load.
    pub amount_micros: i64,
    /// Its currency.
    pub currency: String,
    /// The series it comes from.
    pub series: String,
    /// Under which licence.
    pub licence: String,
    /// When it was recorded.
    pub recorded_at: Instant,
}

/// Benchmarks of shipments, by partner and shipment, in micros.
pub type MarketOfDay = HashMap<(i64, i64), i64>;

/// Whether any lane has a benchmark: where none has, nobody needs to look for one.
///
/// # Errors
/// The engine's reason.
pub fn any_benchmark(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> = benchmarks::table.select(benchmarks::lane_id).first(db).optional()?;
    Ok(any.is_some())
}

/// The benchmarks of the shipments of some partners due on a day: that of the lane, the week and the equipment, else that of any
/// equipment.
///
/// # Errors
/// The engine's reason.
pub fn market_of_day(db: &mut Db, day: NaiveDate, partners: &[i64]) -> QueryResult<MarketOfDay> {
    let week = Period::monday(day);
    let rows: Vec<(i64, i64, String, i64)> = shipments::table
        .inner_join(benchmarks::table.on(benchmarks::lane_id.nullable().eq(shipments::lane_id)))
        .filter(shipments::obligation_day.eq(Day(day)))
        .filter(shipments::partner_id.eq_any(partners))
        .filter(benchmarks::week.eq(Day(week)))
        .filter(benchmarks::equipment.eq(shipments::equipment).or(benchmarks::equipment.eq("")))
        .select((shipments::partner_id, shipments::id, benchmarks::equipment, benchmarks::amount_micros))
        .load(db)?;
    let mut market = MarketOfDay::with_capacity(rows.len());
    for (partner_id, id, equipment, amount) in rows {
        let entry = market.entry((partner_id, id)).or_insert(amount);
        // The one of its own equipment is nearer than the one of any.
        if !equipment.is_empty() {
            *entry = amount;
        }
    }
    Ok(market)
}

/// One benchmark.
///
/// # Errors
/// The engine's reason.
pub fn benchmark_get(
    db: &mut Db,
    (lane_id, week, equipment): (i64, NaiveDate, &str),
) -> QueryResult<Option<BenchmarkRow>> {
    benchmarks::table
        .find((lane_id, Day(week), equipment))
        .select(BenchmarkRow::as_select())
        .first(db)
        .optional()
}

/// Records a benchmark in place of the earlier word for the same lane, week and equipment.
///
/// # Errors
/// The engine's reason.
pub fn benchmark_put(db: &mut Db, row: &BenchmarkRow) -> QueryResult<()> {
    diesel::insert_into(benchmarks::table)
        .values(row)
        .on_conflict((benchmarks::lane_id, benchmarks::week, benchmarks::equipment))
        .do_update()
        .set((
            benchmarks::amount_micros.eq(row.amount_micros),
            benchmarks::currency.eq(&row.currency),
            benchmarks::series.eq(&row.series),
            benchmarks::licence.eq(&row.licence),
            benchmarks::recorded_at.eq(row.recorded_at),
        ))
        .both()
        .execute(db)
        .map(drop)
}

/// The partners and days with shipments that the benchmarks of some lanes in a week can be of.
///
/// # Errors
/// The engine's reason.
pub fn cells_of_market(db: &mut Db, lanes: &[i64], week: NaiveDate) -> QueryResult<BTreeSet<StaleCell>> {
    let until = week.checked_add_days(Days::new(7)).unwrap_or(week);
    let lanes: Vec<Option<i64>> = lanes.iter().copied().map(Some).collect();
    let rows: Vec<(i64, Day)> = shipments::table
        .filter(shipments::obligation_day.ge(Day(week)))
        .filter(shipments::obligation_day.lt(Day(until)))
        .filter(shipments::lane_id.eq_any(lanes))
        .select((shipments::partner_id, shipments::obligation_day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}
