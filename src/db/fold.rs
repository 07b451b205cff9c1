//! Reading facts slice by slice to sum them, and writing the sums back.
//!
//! A slice is one day of some partners, read in chunks by key, so memory stays the same however many
//! facts there are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

use super::DbError;
use super::beside::{beside_due, beside_partners, next_beside_day};
use super::conn::Db;
use super::fact::{fold_day, rows_of_shipments};
use super::schema::{
    invoices, lane_cells, measure_cells, shipments, stale_cells, stale_lane_months, tenders,
};
use super::shipment::{ShipmentRow, Source, StaleCell};
use super::tender::TenderRow;
use super::types::{Day, Instant};
use crate::domain::measure::Measures;
use crate::{bulk_insert, on_engine};

/// No fact is older: both engines keep this day.
const BEFORE_ALL_FACTS: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
/// Rows in memory at once.
const CHUNK_ROWS: i64 = 50_000;
/// Cells in one insert statement; seven binds each stay below SQLite's limit of 32,766.
const CELLS_PER_STATEMENT: usize = 500;

/// The columns of a shipment that measures are made of.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = shipments)]
#[expect(missing_docs, reason = "the columns are documented on ShipmentRow")]
pub struct FoldRow {
    pub partner_id: i64,
    pub id: i64,
    pub obligation_day: Day,
    pub policy_id: i32,
    pub lane_id: Option<i64>,
    pub service: String,
    pub mode: String,
    pub pickup_zone_id: Option<i32>,
    pub delivery_zone_id: Option<i32>,
    pub pickup_window_start: Option<Instant>,
    pub pickup_window_end: Option<Instant>,
    pub pickup_due_day: Option<Day>,
    pub delivery_window_start: Option<Instant>,
    pub delivery_window_end: Option<Instant>,
    pub delivery_due_day: Option<Day>,
    pub date_only: i32,
    pub pickup_arrived_at: Option<Instant>,
    pub pickup_arrived_received_at: Option<Instant>,
    pub picked_up_at: Option<Instant>,
    pub arrived_at: Option<Instant>,
    pub arrived_received_at: Option<Instant>,
    pub delivered_at: Option<Instant>,
    pub delivered_received_at: Option<Instant>,
    pub station_arrived_at: Option<Instant>,
    pub out_for_delivery_at: Option<Instant>,
    pub cancelled_at: Option<Instant>,
    pub attempts: Option<i32>,
    pub first_attempt: Option<String>,
    pub disposition: Option<String>,
    pub diverted_by: Option<String>,
    pub pickup_exclusion: Option<String>,
    pub delivery_exclusion: Option<String>,
    pub pickup_reason: Option<String>,
    pub delivery_reason: Option<String>,
    pub pieces: Option<i64>,
    pub weight_g: Option<i64>,
    pub distance_m: Option<i64>,
    pub linehaul_micros: Option<i64>,
    pub fuel_micros: Option<i64>,
    pub accessorial_micros: Option<i64>,
    pub freight_micros: Option<i64>,
    pub rated_micros: Option<i64>,
    pub pickup_window_outcome: String,
    pub delivery_day_outcome: String,
    pub delivery_window_outcome: String,
    pub settles_at: Option<Instant>,
}

/// The columns of a tender that measures are made of.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tenders)]
#[expect(missing_docs, reason = "the columns are documented in the migrations")]
pub struct TenderFoldRow {
    pub partner_id: i64,
    pub id: i64,
    pub sent_day: Day,
    pub lane_id: Option<i64>,
    pub service: String,
    pub mode: String,
    pub sequence: Option<i32>,
    pub sent_at: Instant,
    pub respond_by: Option<Instant>,
    pub responded_at: Option<Instant>,
    pub response: Option<String>,
    pub pickup_at: Option<Instant>,
    pub bounced_at: Option<Instant>,
    pub beyond_commitment: bool,
    pub short_notice: bool,
    pub outcome: String,
    pub settles_at: Option<Instant>,
    pub exclusion: Option<String>,
}

/// Day, partner and id: where a shipment is stored.
pub type ShipmentKey = (Day, i64, i64);

/// Ids of shipments in one statement; stays far below SQLite's limit of binds.
const IDS_PER_STATEMENT: usize = 500;
/// Days in one statement: the engines may look every id up on every day.
const DAYS_PER_STATEMENT: usize = 16;

/// The days and ids of some shipments, statement by statement. What a statement finds is on one of its days and has one of its
/// ids, so it may be a shipment nobody asked for only where one id is stored on two days.
#[must_use]
pub fn day_chunks(keys: &[ShipmentKey]) -> Vec<(Vec<Day>, Vec<i64>)> {
    let mut by_day: BTreeMap<Day, BTreeSet<i64>> = BTreeMap::new();
    for &(day, _, id) in keys {
        by_day.entry(day).or_default().insert(id);
    }
    let mut chunks: Vec<(Vec<Day>, Vec<i64>)> = Vec::new();
    for (day, ids) in by_day {
        let ids: Vec<i64> = ids.into_iter().collect();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            match chunks.last_mut() {
                Some((days, taken))
                    if days.len() < DAYS_PER_STATEMENT
                        && taken.len().saturating_add(ids.len()) <= IDS_PER_STATEMENT =>
                {
                    days.push(day);
                    taken.extend_from_slice(ids);
                }
                _ => chunks.push((vec![day], ids.to_vec())),
            }
        }
    }
    chunks
}
/// Day, partner and id: where a tender is stored.
pub type TenderKey = (Day, i64, i64);

impl From<&ShipmentRow> for FoldRow {
    fn from(row: &ShipmentRow) -> Self {
        Self {
            partner_id: row.partner_id,
            id: row.id,
            obligation_day: row.obligation_day,
            policy_id: row.policy_id,
            lane_id: row.lane_id,
            service: row.service.clone(),
            mode: row.mode.clone(),
            pickup_zone_id: row.pickup_zone_id,
            delivery_zone_id: row.delivery_zone_id,
            pickup_window_start: row.pickup_window_start,
            pickup_window_end: row.pickup_window_end,
            pickup_due_day: row.pickup_due_day,
            delivery_window_start: row.delivery_window_start,
            delivery_window_end: row.delivery_window_end,
            delivery_due_day: row.delivery_due_day,
            date_only: row.date_only,
            pickup_arrived_at: row.pickup_arrived_at,
            pickup_arrived_received_at: row.pickup_arrived_received_at,
            picked_up_at: row.picked_up_at,
            arrived_at: row.arrived_at,
            arrived_received_at: row.arrived_received_at,
            delivered_at: row.delivered_at,
            delivered_received_at: row.delivered_received_at,
            station_arrived_at: row.station_arrived_at,
            out_for_delivery_at: row.out_for_delivery_at,
            cancelled_at: row.cancelled_at,
            attempts: row.attempts,
            first_attempt: row.first_attempt.clone(),
            disposition: row.disposition.clone(),
            diverted_by: row.diverted_by.clone(),
            pickup_exclusion: row.pickup_exclusion.clone(),
            delivery_exclusion: row.delivery_exclusion.clone(),
            pickup_reason: row.pickup_reason.clone(),
            delivery_reason: row.delivery_reason.clone(),
            pieces: row.pieces,
            weight_g: row.weight_g,
            distance_m: row.distance_m,
            linehaul_micros: row.linehaul_micros,
            fuel_micros: row.fuel_micros,
            accessorial_micros: row.accessorial_micros,
            freight_micros: row.freight_micros,
            rated_micros: row.rated_micros,
            pickup_window_outcome: row.pickup_window_outcome.clone(),
            delivery_day_outcome: row.delivery_day_outcome.clone(),
            delivery_window_outcome: row.delivery_window_outcome.clone(),
            settles_at: row.settles_at,
        }
    }
}

impl From<&TenderRow> for TenderFoldRow {
    fn from(row: &TenderRow) -> Self {
        Self {
            partner_id: row.partner_id,
            id: row.id,
            sent_day: row.sent_day,
            lane_id: row.lane_id,
            service: row.service.clone(),
            mode: row.mode.clone(),
            sequence: row.sequence,
            sent_at: row.sent_at,
            respond_by: row.respond_by,
            responded_at: row.responded_at,
            response: row.response.clone(),
            bounced_at: row.bounced_at,
            beyond_commitment: row.beyond_commitment,
            short_notice: row.short_notice,
            outcome: row.outcome.clone(),
            settles_at: row.settles_at,
            exclusion: row.exclusion.clone(),
            pickup_at: row.pickup_at,
        }
    }
}

impl FoldRow {
    /// Where it is stored.
    #[must_use]
    pub fn key(&self) -> ShipmentKey {
        (self.obligation_day, self.partner_id, self.id)
    }
}

impl TenderFoldRow {
    /// Where it is stored.
    #[must_use]
    pub fn key(&self) -> TenderKey {
        (self.sent_day, self.partner_id, self.id)
    }
}

/// Reads the shipments of some partners due on a day.
///
/// # Errors
/// The engine's reason, or what `each` returns.
pub fn shipments_fold<E: From<diesel::result::Error>>(
    db: &mut Db,
    partners: &[i64],
    day: NaiveDate,
    mut each: impl FnMut(&FoldRow) -> Result<(), E>,
) -> Result<(), E> {
    fold_day!(
        db, shipments.obligation_day = day, partners, CHUNK_ROWS,
        shipments::table => FoldRow::as_select() => FoldRow, |row: &FoldRow| (row.partner_id, row.id), |row| each(&row)
    )
}

/// Some shipments of a partner, in no order; those that are not there are missing.
///
/// Unscoped: whoever asks names the partner they may read.
///
/// # Errors
/// The engine's reason.
pub fn shipments_of_keys_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> QueryResult<Vec<FoldRow>> {
    let asked: BTreeSet<ShipmentKey> = keys.iter().copied().collect();
    let mut found = rows_of_shipments!(db, partner_id, keys, shipments.id => FoldRow::as_select() => FoldRow);
    found.retain(|row| asked.contains(&row.key()));
    Ok(found)
}

/// Reads the tenders of some partners sent on a day.
///
/// # Errors
/// The engine's reason, or what `each` returns.
pub fn tenders_fold<E: From<diesel::result::Error>>(
    db: &mut Db,
    partners: &[i64],
    day: NaiveDate,
    mut each: impl FnMut(&TenderFoldRow) -> Result<(), E>,
) -> Result<(), E> {
    fold_day!(
        db, tenders.sent_day = day, partners, CHUNK_ROWS,
        tenders::table => TenderFoldRow::as_select() => TenderFoldRow,
        |row: &TenderFoldRow| (row.partner_id, row.id), |row| each(&row)
    )
}

/// The partners and days whose open facts time alone may have changed by `now`.
///
/// # Errors
/// The engine's reason.
pub fn due_cells(db: &mut Db, source: Source, now: DateTime<Utc>) -> QueryResult<Vec<StaleCell>> {
    let rows: Vec<(i64, Day)> = match source {
        Source::Shipments => shipments::table
            .filter(shipments::settles_at.le(Instant(now)))
            .select((shipments::partner_id, shipments::obligation_day))
            .distinct()
            .load(db)?,
        Source::Tenders => tenders::table
            .filter(tenders::settles_at.le(Instant(now)))
            .select((tenders::partner_id, tenders::sent_day))
            .distinct()
            .load(db)?,
        // An audit is made again when its facts change, never because time passes.
        Source::Invoices => Vec::new(),
        Source::Weeks | Source::Answers => Vec::new(),
        Source::Claims | Source::Cases | Source::Safety => beside_due(db, source, now)?,
    };
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

/// The days that have stale cells, in order.
///
/// # Errors
/// The engine's reason.
pub fn stale_days(db: &mut Db, source: Source) -> QueryResult<Vec<NaiveDate>> {
    let days: Vec<Day> = stale_cells::table
        .filter(stale_cells::source.eq(source.code()))
        .select(stale_cells::source_day)
        .distinct()
        .order(stale_cells::source_day)
        .load(db)?;
    Ok(days.into_iter().map(|day| day.0).collect())
}

/// The months that have stale lane cells, in order.
///
/// # Errors
/// The engine's reason.
pub fn stale_months(db: &mut Db, source: Source) -> QueryResult<Vec<NaiveDate>> {
    let months: Vec<Day> = stale_lane_months::table
        .filter(stale_lane_months::source.eq(source.code()))
        .select(stale_lane_months::source_month)
        .distinct()
        .order(stale_lane_months::source_month)
        .load(db)?;
    Ok(months.into_iter().map(|day| day.0).collect())
}

/// Every stale cell.
///
/// # Errors
/// The engine's reason.
pub fn stale_cells_of_source(db: &mut Db, source: Source) -> QueryResult<Vec<StaleCell>> {
    let rows: Vec<(i64, Day)> = stale_cells::table
        .filter(stale_cells::source.eq(source.code()))
        .select((stale_cells::partner_id, stale_cells::source_day))
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

/// The days of one partner that have stale cells.
///
/// Unscoped: `verify` and the close name the partners they read.
///
/// # Errors
/// The engine's reason.
pub fn stale_days_unscoped(db: &mut Db, source: Source, partner_id: i64) -> QueryResult<BTreeSet<Day>> {
    let days: Vec<Day> = stale_cells::table
        .filter(stale_cells::partner_id.eq(partner_id))
        .filter(stale_cells::source.eq(source.code()))
        .select(stale_cells::source_day)
        .load(db)?;
    Ok(days.into_iter().collect())
}

/// Every partner and month whose lanes are stale.
///
/// # Errors
/// The engine's reason.
pub fn stale_lane_months_of_source(db: &mut Db, source: Source) -> QueryResult<Vec<(i64, NaiveDate)>> {
    let rows: Vec<(i64, Day)> = stale_lane_months::table
        .filter(stale_lane_months::source.eq(source.code()))
        .select((stale_lane_months::partner_id, stale_lane_months::source_month))
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, month)| (partner_id, month.0)).collect())
}

/// Clears the marks of one day and says whose they were. First in the transaction: an import that is
/// writing to the same cells holds their marks, so this waits for it and the reads after see its facts.
///
/// # Errors
/// The engine's reason.
pub fn stale_day_take(db: &mut Db, source: Source, day: NaiveDate) -> QueryResult<Vec<i64>> {
    diesel::delete(
        stale_cells::table
            .filter(stale_cells::source.eq(source.code()))
            .filter(stale_cells::source_day.eq(Day(day))),
    )
    .returning(stale_cells::partner_id)
    .get_results(db)
}

/// Clears the lane marks of one month and says whose they were; see [`stale_day_take`].
///
/// # Errors
/// The engine's reason.
pub fn stale_month_take(db: &mut Db, source: Source, month: NaiveDate) -> QueryResult<Vec<i64>> {
    diesel::delete(
        stale_lane_months::table
            .filter(stale_lane_months::source.eq(source.code()))
            .filter(stale_lane_months::source_month.eq(Day(month))),
    )
    .returning(stale_lane_months::partner_id)
    .get_results(db)
}

/// Partner, service, mode and the local day of the obligations.
pub type CellKey = (i64, String, String, NaiveDate);
/// Partner, lane, service and the month of the obligations.
pub type LaneKey = (i64, i64, String, NaiveDate);

/// Lane cells; boxed, since a cell is a kilobyte and a first load moves a hundred thousand of them.
pub type LaneSums = BTreeMap<LaneKey, Box<Measures>>;

#[derive(Insertable)]
#[diesel(table_name = measure_cells, treat_none_as_default_value = false)]
struct CellRow {
    partner_id: i64,
    day: Day,
    service: String,
    mode: String,
    source: &'static str,
    source_day: Day,
    measures: String,
}

#[derive(Insertable)]
#[diesel(table_name = lane_cells, treat_none_as_default_value = false)]
struct LaneRow {
    partner_id: i64,
    month: Day,
    lane_id: i64,
    service: String,
    source: &'static str,
    source_month: Day,
    measures: String,
}

fn sparse_json(measures: &Measures) -> Result<String, DbError> {
    serde_json::to_string(measures)
        .map_err(|error| DbError::Stored { what: "a measure cell".to_owned(), reason: error.to_string() })
}

/// Puts the sums of one day's facts in place of the old ones. Returns how many cells there are now.
///
/// # Errors
/// The engine's reason.
pub fn measure_cells_replace(
    db: &mut Db,
    source: Source,
    day: NaiveDate,
    partners: &[i64],
    cells: BTreeMap<CellKey, Measures>,
) -> Result<usize, DbError> {
    diesel::delete(
        measure_cells::table
            .filter(measure_cells::source.eq(source.code()))
            .filter(measure_cells::source_day.eq(Day(day)))
            .filter(measure_cells::partner_id.eq_any(partners)),
    )
    .execute(db)?;
    let mut rows = Vec::with_capacity(cells.len());
    for ((partner_id, service, mode, cell_day), measures) in cells {
        let measures = sparse_json(&measures)?;
        let (day, source_day) = (Day(cell_day), Day(day));
        rows.push(CellRow { partner_id, day, service, mode, source: source.code(), source_day, measures });
    }
    Ok(bulk_insert!(db, measure_cells::table, rows.as_slice())?)
}

/// Puts the lane sums of one month's facts in place of the old ones. Returns how many there are now.
///
/// # Errors
/// The engine's reason.
pub fn lane_cells_replace(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    partners: &[i64],
    cells: LaneSums,
) -> Result<usize, DbError> {
    diesel::delete(
        lane_cells::table
            .filter(lane_cells::source.eq(source.code()))
            .filter(lane_cells::source_month.eq(Day(month)))
            .filter(lane_cells::partner_id.eq_any(partners)),
    )
    .execute(db)?;
    lane_cells_write(db, source, month, cells)
}

/// Adds to the lane sums of one month what further facts of it come to. Returns how many cells were written.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn lane_cells_add(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    mut cells: LaneSums,
) -> Result<usize, DbError> {
    let partners: BTreeSet<i64> = cells.keys().map(|key| key.0).collect();
    let partners: Vec<i64> = partners.into_iter().collect();
    for (key, before) in lane_cells_of_source(db, source, month, Some(&partners))? {
        if let Some(sums) = cells.get_mut(&key) {
            **sums += &before;
        }
    }
    lane_cells_write(db, source, month, cells)
}

fn lane_cells_write(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    cells: LaneSums,
) -> Result<usize, DbError> {
    use diesel::upsert::excluded;
    use lane_cells as c;

    let written = cells.len();
    let mut cells = cells.into_iter();
    loop {
        let mut rows = Vec::with_capacity(CELLS_PER_STATEMENT);
        for ((partner_id, lane_id, service, cell_month), measures) in cells.by_ref().take(CELLS_PER_STATEMENT)
        {
            let measures = sparse_json(&measures)?;
            let (month, source_month) = (Day(cell_month), Day(month));
            rows.push(LaneRow {
                partner_id,
                month,
                lane_id,
                service,
                source: source.code(),
                source_month,
                measures,
            });
        }
        if rows.is_empty() {
            return Ok(written);
        }
        on_engine!(db, |conn| diesel::insert_into(c::table)
            .values(rows.as_slice())
            .on_conflict((c::partner_id, c::month, c::lane_id, c::service, c::source, c::source_month))
            .do_update()
            .set(c::measures.eq(excluded(c::measures)))
            .execute(conn))?;
    }
}

/// Of some days, those whose facts the stored sums count, by partner.
///
/// # Errors
/// The engine's reason.
pub fn summed_days(
    db: &mut Db,
    source: Source,
    days: &[NaiveDate],
) -> QueryResult<BTreeSet<(i64, NaiveDate)>> {
    let rows: Vec<(i64, Day)> = measure_cells::table
        .filter(measure_cells::source.eq(source.code()))
        .filter(measure_cells::source_day.eq_any(days.iter().copied().map(Day)))
        .select((measure_cells::partner_id, measure_cells::source_day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| (partner_id, day.0)).collect())
}

#[derive(Insertable)]
#[diesel(table_name = stale_lane_months, treat_none_as_default_value = false)]
struct StaleLaneMonthRow {
    partner_id: i64,
    source: &'static str,
    source_month: Day,
}

/// Marks the lanes of some partners in one month: they must be summed from all facts of the month.
///
/// # Errors
/// The engine's reason.
pub fn stale_months_mark(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    partners: &BTreeSet<i64>,
) -> QueryResult<()> {
    let (source, source_month) = (source.code(), Day(month));
    let row = |&partner_id: &i64| StaleLaneMonthRow { partner_id, source, source_month };
    let rows: Vec<StaleLaneMonthRow> = partners.iter().map(row).collect();
    for chunk in rows.chunks(CELLS_PER_STATEMENT) {
        on_engine!(db, |conn| diesel::insert_into(stale_lane_months::table)
            .values(chunk)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

/// Writes verdicts that time or a late fact has changed.
///
/// # Errors
/// The engine's reason.
pub fn verdicts_write(
    db: &mut Db,
    key: &ShipmentKey,
    verdicts: &crate::domain::shipment::Verdicts,
) -> QueryResult<()> {
    diesel::update(shipments::table.find(*key))
        .set((
            shipments::pickup_window_outcome.eq(verdicts.pickup_window.code()),
            shipments::delivery_day_outcome.eq(verdicts.delivery_day.code()),
            shipments::delivery_window_outcome.eq(verdicts.delivery_window.code()),
            shipments::settles_at.eq(verdicts.settles_at.map(Instant)),
        ))
        .execute(db)?;
    Ok(())
}

/// Writes the outcome of a tender that time has changed.
///
/// # Errors
/// The engine's reason.
pub fn tender_outcome_write(
    db: &mut Db,
    key: &TenderKey,
    outcome: crate::domain::outcome::Outcome,
    settles_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(tenders::table.find(*key))
        .set((tenders::outcome.eq(outcome.code()), tenders::settles_at.eq(settles_at.map(Instant))))
        .execute(db)?;
    Ok(())
}

/// Takes all sums of a source away: those of a first load that could not be finished.
///
/// # Errors
/// The engine's reason.
pub fn cells_clear(db: &mut Db, source: Source) -> QueryResult<()> {
    diesel::delete(measure_cells::table.filter(measure_cells::source.eq(source.code()))).execute(db)?;
    diesel::delete(lane_cells::table.filter(lane_cells::source.eq(source.code()))).execute(db)?;
    Ok(())
}

/// Takes all marks of a source: the caller has summed every day of it.
///
/// # Errors
/// The engine's reason.
pub fn stale_days_clear(db: &mut Db, source: Source) -> QueryResult<()> {
    diesel::delete(stale_cells::table.filter(stale_cells::source.eq(source.code()))).execute(db)?;
    Ok(())
}

/// The first day after `after` that has facts.
///
/// # Errors
/// The engine's reason.
pub fn next_fact_day(
    db: &mut Db,
    source: Source,
    after: Option<NaiveDate>,
) -> QueryResult<Option<NaiveDate>> {
    let after = Day(after.unwrap_or(BEFORE_ALL_FACTS));
    let day: Option<Day> = match source {
        Source::Shipments => shipments::table
            .filter(shipments::obligation_day.gt(after))
            .select(diesel::dsl::min(shipments::obligation_day))
            .first(db)?,
        Source::Tenders => tenders::table
            .filter(tenders::sent_day.gt(after))
            .select(diesel::dsl::min(tenders::sent_day))
            .first(db)?,
        Source::Invoices => invoices::table
            .filter(invoices::received_on.gt(after))
            .select(diesel::dsl::min(invoices::received_on))
            .first(db)?,
        _ => next_beside_day(db, source, after)?,
    };
    Ok(day.map(|day| day.0))
}

/// The partners that have facts on a day.
///
/// # Errors
/// The engine's reason.
pub fn fact_partners(db: &mut Db, source: Source, day: NaiveDate) -> QueryResult<Vec<i64>> {
    match source {
        Source::Shipments => shipments::table
            .filter(shipments::obligation_day.eq(Day(day)))
            .select(shipments::partner_id)
            .distinct()
            .load(db),
        Source::Tenders => tenders::table
            .filter(tenders::sent_day.eq(Day(day)))
            .select(tenders::partner_id)
            .distinct()
            .load(db),
        Source::Invoices => invoices::table
            .filter(invoices::received_on.eq(Day(day)))
            .select(invoices::partner_id)
            .distinct()
            .load(db),
        _ => beside_partners(db, source, day),
    }
}

/// The days of facts that stored sums say they come from.
///
/// # Errors
/// The engine's reason.
pub fn measure_cell_days(db: &mut Db, source: Source) -> QueryResult<BTreeSet<NaiveDate>> {
    let days: Vec<Day> = measure_cells::table
        .filter(measure_cells::source.eq(source.code()))
        .select(measure_cells::source_day)
        .distinct()
        .load(db)?;
    Ok(days.into_iter().map(|day| day.0).collect())
}

/// The months of facts that stored lane sums say they come from.
///
/// # Errors
/// The engine's reason.
pub fn lane_cell_months(db: &mut Db, source: Source) -> QueryResult<BTreeSet<NaiveDate>> {
    let months: Vec<Day> = lane_cells::table
        .filter(lane_cells::source.eq(source.code()))
        .select(lane_cells::source_month)
        .distinct()
        .load(db)?;
    Ok(months.into_iter().map(|month| month.0).collect())
}

/// The stored lane sums of one month's facts, of some partners or all.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn lane_cells_of_source(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    partners: Option<&[i64]>,
) -> Result<LaneSums, DbError> {
    let mut query = lane_cells::table
        .filter(lane_cells::source.eq(source.code()))
        .filter(lane_cells::source_month.eq(Day(month)))
        .into_boxed();
    if let Some(partners) = partners {
        query = query.filter(lane_cells::partner_id.eq_any(partners));
    }
    let rows: Vec<(i64, i64, String, Day, String)> = query
        .select((
            lane_cells::partner_id,
            lane_cells::lane_id,
            lane_cells::service,
            lane_cells::month,
            lane_cells::measures,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(partner_id, lane_id, service, cell_month, text)| match serde_json::from_str(&text) {
            Ok(measures) => Ok(((partner_id, lane_id, service, cell_month.0), measures)),
            Err(error) => Err(DbError::Stored {
                what: format!("the lane cell of partner {partner_id} in {cell_month}"),
                reason: error.to_string(),
            }),
        })
        .collect()
}

/// The days whose facts of a partner count for one of the days from the first to the last, both included.
///
/// # Errors
/// The engine's reason.
pub fn source_days(
    db: &mut Db,
    source: Source,
    partner_id: i64,
    (first, last): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<NaiveDate>> {
    let days: Vec<Day> = measure_cells::table
        .filter(measure_cells::partner_id.eq(partner_id))
        .filter(measure_cells::day.ge(Day(first)))
        .filter(measure_cells::day.le(Day(last)))
        .filter(measure_cells::source.eq(source.code()))
        .select(measure_cells::source_day)
        .distinct()
        .order(measure_cells::source_day)
        .load(db)?;
    Ok(days.into_iter().map(|day| day.0).collect())
}

/// The stored sums of one day's facts.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn measure_cells_of_source(
    db: &mut Db,
    source: Source,
    day: NaiveDate,
) -> Result<BTreeMap<CellKey, Measures>, DbError> {
    let rows: Vec<(i64, String, String, Day, String)> = measure_cells::table
        .filter(measure_cells::source.eq(source.code()))
        .filter(measure_cells::source_day.eq(Day(day)))
        .select((
            measure_cells::partner_id,
            measure_cells::service,
            measure_cells::mode,
            measure_cells::day,
            measure_cells::measures,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(partner_id, service, mode, cell_day, text)| match serde_json::from_str(&text) {
            Ok(measures) => Ok(((partner_id, service, mode, cell_day.0), measures)),
            Err(error) => Err(DbError::Stored {
                what: format!("the measure cell of partner {partner_id} on {cell_day}"),
                reason: error.to_string(),
            }),
        })
        .collect()
}
