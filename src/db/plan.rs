//! The joint capacity plan: weekly demand, commitments of capacity, stored plans and partners' answers.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Db;
use super::dialect::BothExt;
use super::schema::{
    capacity_commitments, lane_cells, lanes, partners, plan_cells, plan_lanes, plans, shipments, tenders,
};
use super::shipment::{Source, StaleCell, stale_mark};
use super::types::{Day, Instant};
use crate::domain::viewer::{Scope, Viewer};
use crate::on_engine;

/// Rows in one insert: 13 values each stay far below either engine's limit.
const ROWS_PER_INSERT: usize = 1_000;

/// Partners named in one statement.
const IDS_AT_ONCE: usize = 500;

/// A stored plan.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = plans, treat_none_as_default_value = false)]
pub struct PlanRow {
    /// Row id.
    pub id: i64,
    /// The day whose knowledge it rests on; one plan a day.
    pub as_of_day: Day,
    /// Monday of its first week.
    pub first_week: Day,
    /// How many weeks it covers.
    pub weeks: i32,
    /// Totals, resilience and truck values as JSON.
    pub summary: String,
    /// Fingerprint of everything it was computed from.
    pub inputs_hash: String,
    /// The job run that made it.
    pub run_id: Option<i64>,
    /// When it was made.
    pub created_at: Instant,
}

/// The forecast of a lane in a week, and what stays uncovered. All figures are loads.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = plan_lanes, treat_none_as_default_value = false)]
pub struct PlanLaneRow {
    /// The plan.
    pub plan_id: i64,
    /// The lane.
    pub lane_id: i64,
    /// Monday of the week.
    pub week: Day,
    /// A quarter of weeks need no more.
    pub p25: i32,
    /// The demand that is planned.
    pub p50: i32,
    /// Three quarters of weeks need no more.
    pub p75: i32,
    /// Nine weeks in ten need no more.
    pub p90: i32,
    /// Loads nobody is asked to carry.
    pub uncovered: i32,
    /// How it was forecast, a code of [`crate::domain::forecast::Method`].
    pub method: String,
}

/// What one partner is asked to carry on a lane in a week, and its answer. All figures are loads.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = plan_cells, treat_none_as_default_value = false)]
pub struct PlanCellRow {
    /// The plan.
    pub plan_id: i64,
    /// The partner.
    pub partner_id: i64,
    /// The lane.
    pub lane_id: i64,
    /// Monday of the week.
    pub week: Day,
    /// What the partner's commitment of capacity says for that week.
    pub committed: i32,
    /// Loads asked for within the commitment.
    pub base_units: i32,
    /// Loads asked for above it.
    pub surge_units: i32,
    /// Effective cost of one load, for the shipper's eyes only.
    pub unit_cost_micros: i64,
    /// `SHARED`, `COMMITTED`, `COUNTERED` or `DECLINED`.
    pub state: String,
    /// Loads the partner will carry, once answered.
    pub answer_units: Option<i32>,
    /// Its reason, or empty.
    pub answer_reason: String,
    /// Who answered, or empty.
    pub answered_by: String,
    /// When.
    pub answered_at: Option<Instant>,
}

impl PlanCellRow {
    /// Loads asked for.
    #[must_use]
    pub fn asked(&self) -> i32 {
        self.base_units.saturating_add(self.surge_units)
    }
}

/// What a partner has committed on a lane in a week.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = capacity_commitments, treat_none_as_default_value = false)]
pub struct CommitmentRow {
    /// The partner.
    pub partner_id: i64,
    /// The lane.
    pub lane_id: i64,
    /// Monday of the week.
    pub week: Day,
    /// Loads committed.
    pub base_units: i32,
    /// Loads above them that may be called, in basis points of the base.
    pub surge_bps: i32,
    /// Contract cost of one load, if given.
    pub unit_cost_micros: Option<i64>,
    /// Its currency.
    pub currency: String,
    /// When it was recorded.
    pub recorded_at: Instant,
}

/// A lane's names.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct LaneName {
    /// Row id.
    pub id: i64,
    /// Our short code.
    pub code: String,
    /// Where it starts.
    pub origin: String,
    /// Where it ends.
    pub destination: String,
}

/// A partner's name and whether it takes loads.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PartnerName {
    /// Row id.
    pub id: i64,
    /// The name people read.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED` or `CLOSED`.
    pub status: String,
}

// --- demand --------------------------------------------------------------------------------------

/// Loads wanted per lane, by tenders sent in `[from, until)`. A load tendered to several carriers in
/// turn counts once, with its first tender; a repeated reference counts once.
///
/// Asked week by week: the range is one stretch of the primary key, and no more than a row per lane
/// comes back.
///
/// # Errors
/// The engine's reason.
pub fn tender_loads(
    db: &mut Db,
    from: NaiveDate,
    until: NaiveDate,
    lane_id: Option<i64>,
) -> QueryResult<Vec<(i64, i64)>> {
    let mut query = tenders::table
        .filter(tenders::sent_day.ge(Day(from)))
        .filter(tenders::sent_day.lt(Day(until)))
        .filter(tenders::lane_id.is_not_null())
        .filter(tenders::sequence.is_null().or(tenders::sequence.le(1)))
        .group_by(tenders::lane_id)
        .select((tenders::lane_id.assume_not_null(), sql::<BigInt>("COUNT(DISTINCT reference)")))
        .into_boxed();
    if let Some(lane) = lane_id {
        query = query.filter(tenders::lane_id.eq(lane));
    }
    query.load(db)
}

/// Loads per lane by shipments due in `[from, until)`: the demand of lanes that are not tendered.
///
/// # Errors
/// The engine's reason.
pub fn shipment_loads(
    db: &mut Db,
    from: NaiveDate,
    until: NaiveDate,
    lane_id: Option<i64>,
) -> QueryResult<Vec<(i64, i64)>> {
    let mut query = shipments::table
        .filter(shipments::obligation_day.ge(Day(from)))
        .filter(shipments::obligation_day.lt(Day(until)))
        .filter(shipments::lane_id.is_not_null())
        .group_by(shipments::lane_id)
        .select((shipments::lane_id.assume_not_null(), count_star()))
        .into_boxed();
    if let Some(lane) = lane_id {
        query = query.filter(shipments::lane_id.eq(lane));
    }
    query.load(db)
}

/// What a partner carried on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The partner.
    pub partner_id: i64,
    /// The lane.
    pub lane_id: i64,
    /// Loads due, without those that were cancelled.
    pub loads: i64,
    /// The day of the first of them.
    pub first: Day,
}

/// What `partners` carried on their lanes of loads due in `[from, until)`; for the plan, which is the shipper's.
///
/// # Errors
/// The engine's reason.
pub fn loads_carried_unscoped(
    db: &mut Db,
    partners: &[i64],
    from: NaiveDate,
    until: NaiveDate,
) -> QueryResult<Vec<Carried>> {
    let mut all = Vec::new();
    for some in partners.chunks(IDS_AT_ONCE) {
        let rows: Vec<(i64, i64, i64, Option<Day>)> = shipments::table
            .filter(shipments::obligation_day.ge(Day(from)))
            .filter(shipments::obligation_day.lt(Day(until)))
            .filter(shipments::partner_id.eq_any(some.to_vec()))
            .filter(shipments::lane_id.is_not_null())
            .filter(shipments::cancelled_at.is_null())
            .group_by((shipments::partner_id, shipments::lane_id))
            .select((
                shipments::partner_id,
                shipments::lane_id.assume_not_null(),
                count_star(),
                diesel::dsl::min(shipments::obligation_day),
            ))
            .load(db)?;
        all.extend(rows.into_iter().filter_map(|(partner_id, lane_id, loads, first)| {
            Some(Carried { partner_id, lane_id, loads, first: first? })
        }));
    }
    Ok(all)
}

/// The first month in which each of `partners` had a shipment on each lane, by partner and lane; for the plan.
///
/// # Errors
/// The engine's reason.
pub fn first_months_unscoped(db: &mut Db, partners: &[i64]) -> QueryResult<BTreeMap<(i64, i64), NaiveDate>> {
    let mut all = BTreeMap::new();
    for some in partners.chunks(IDS_AT_ONCE) {
        let rows: Vec<(i64, i64, Option<Day>)> = lane_cells::table
            .filter(lane_cells::partner_id.eq_any(some.to_vec()))
            .filter(lane_cells::source.eq(Source::Shipments.code()))
            .group_by((lane_cells::partner_id, lane_cells::lane_id))
            .select((lane_cells::partner_id, lane_cells::lane_id, diesel::dsl::min(lane_cells::month)))
            .load(db)?;
        all.extend(rows.into_iter().filter_map(|(partner, lane, month)| Some(((partner, lane), month?.0))));
    }
    Ok(all)
}

/// The first day with a tender or a shipment, so that no empty years are asked for.
///
/// # Errors
/// The engine's reason.
pub fn demand_first_day(db: &mut Db) -> QueryResult<Option<NaiveDate>> {
    let tender: Option<Day> =
        tenders::table.select(tenders::sent_day).order(tenders::sent_day).first(db).optional()?;
    let shipment: Option<Day> = shipments::table
        .select(shipments::obligation_day)
        .order(shipments::obligation_day)
        .first(db)
        .optional()?;
    Ok(tender.into_iter().chain(shipment).map(|day| day.0).min())
}

// --- names and commitments -----------------------------------------------------------------------

/// Every lane, by code.
///
/// # Errors
/// The engine's reason.
pub fn lane_names(db: &mut Db) -> QueryResult<Vec<LaneName>> {
    lanes::table
        .select((lanes::id, lanes::code, lanes::origin, lanes::destination))
        .order(lanes::code)
        .load(db)
}

/// Every partner's name; for planning and for pages of the shipper.
///
/// # Errors
/// The engine's reason.
pub fn partner_names(db: &mut Db) -> QueryResult<Vec<PartnerName>> {
    partners::table.select((partners::id, partners::name, partners::status)).order(partners::id).load(db)
}

/// Commitments of the weeks in `[from, until)` the viewer may see, by lane, week and partner.
///
/// # Errors
/// The engine's reason.
pub fn commitment_list(
    db: &mut Db,
    viewer: &Viewer,
    (from, until): (NaiveDate, NaiveDate),
    lane_id: Option<i64>,
) -> QueryResult<Vec<CommitmentRow>> {
    let mut query = capacity_commitments::table
        .filter(capacity_commitments::week.ge(Day(from)))
        .filter(capacity_commitments::week.lt(Day(until)))
        .select(CommitmentRow::as_select())
        .order((capacity_commitments::lane_id, capacity_commitments::week, capacity_commitments::partner_id))
        .into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => query = query.filter(capacity_commitments::partner_id.eq(own)),
        Scope::Nobody => return Ok(Vec::new()),
    }
    if let Some(lane) = lane_id {
        query = query.filter(capacity_commitments::lane_id.eq(lane));
    }
    query.load(db)
}

// --- plans ---------------------------------------------------------------------------------------

/// The newest plan as of `day` or earlier; of all when `day` is none.
///
/// # Errors
/// The engine's reason.
pub fn plan_newest(db: &mut Db, day: Option<NaiveDate>) -> QueryResult<Option<PlanRow>> {
    let mut query =
        plans::table.select(PlanRow::as_select()).order(plans::as_of_day.desc()).limit(1).into_boxed();
    if let Some(day) = day {
        query = query.filter(plans::as_of_day.le(Day(day)));
    }
    query.first(db).optional()
}

/// The plan made for `day`.
///
/// # Errors
/// The engine's reason.
pub fn plan_of_day(db: &mut Db, day: NaiveDate) -> QueryResult<Option<PlanRow>> {
    plans::table.filter(plans::as_of_day.eq(Day(day))).select(PlanRow::as_select()).first(db).optional()
}

/// Forecasts of a plan, of one lane or of all, by lane and week. For the shipper's pages only: what
/// stays uncovered tells a partner about the others.
///
/// # Errors
/// The engine's reason.
pub fn plan_lane_list(db: &mut Db, plan_id: i64, lane_id: Option<i64>) -> QueryResult<Vec<PlanLaneRow>> {
    let mut query = plan_lanes::table
        .filter(plan_lanes::plan_id.eq(plan_id))
        .select(PlanLaneRow::as_select())
        .order((plan_lanes::lane_id, plan_lanes::week))
        .into_boxed();
    if let Some(lane) = lane_id {
        query = query.filter(plan_lanes::lane_id.eq(lane));
    }
    query.load(db)
}

/// Cells of a plan the viewer may see, of one lane or of all, by week, lane and partner.
///
/// # Errors
/// The engine's reason.
pub fn plan_cell_list(
    db: &mut Db,
    viewer: &Viewer,
    plan_id: i64,
    lane_id: Option<i64>,
) -> QueryResult<Vec<PlanCellRow>> {
    let mut query = plan_cells::table
        .filter(plan_cells::plan_id.eq(plan_id))
        .select(PlanCellRow::as_select())
        .order((plan_cells::week, plan_cells::lane_id, plan_cells::partner_id))
        .into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => query = query.filter(plan_cells::partner_id.eq(own)),
        Scope::Nobody => return Ok(Vec::new()),
    }
    if let Some(lane) = lane_id {
        query = query.filter(plan_cells::lane_id.eq(lane));
    }
    query.load(db)
}

/// One cell.
///
/// # Errors
/// The engine's reason.
pub fn plan_cell_get(
    db: &mut Db,
    plan_id: i64,
    partner_id: i64,
    lane_id: i64,
    week: NaiveDate,
) -> QueryResult<Option<PlanCellRow>> {
    plan_cells::table
        .find((plan_id, partner_id, lane_id, Day(week)))
        .select(PlanCellRow::as_select())
        .first(db)
        .optional()
}

/// Stores the answer that `row` carries.
///
/// # Errors
/// The engine's reason.
pub fn plan_cell_answer(db: &mut Db, row: &PlanCellRow) -> QueryResult<()> {
    diesel::update(plan_cells::table.find((row.plan_id, row.partner_id, row.lane_id, row.week)))
        .set((
            plan_cells::state.eq(&row.state),
            plan_cells::answer_units.eq(row.answer_units),
            plan_cells::answer_reason.eq(&row.answer_reason),
            plan_cells::answered_by.eq(&row.answered_by),
            plan_cells::answered_at.eq(row.answered_at),
        ))
        .execute(db)
        .map(drop)
}

/// Whether a partner answered a cell of the plan after the plan was made.
///
/// # Errors
/// The engine's reason.
pub fn plan_is_answered(db: &mut Db, plan: &PlanRow) -> QueryResult<bool> {
    let answered: i64 = plan_cells::table
        .filter(plan_cells::plan_id.eq(plan.id))
        .filter(plan_cells::answered_at.ge(plan.created_at))
        .select(count_star())
        .first(db)?;
    Ok(answered > 0)
}

/// Removes a plan with everything in it. For a plan nobody has answered only.
///
/// # Errors
/// The engine's reason.
pub fn plan_delete(db: &mut Db, plan_id: i64) -> QueryResult<()> {
    diesel::delete(plan_cells::table.filter(plan_cells::plan_id.eq(plan_id))).execute(db)?;
    diesel::delete(plan_lanes::table.filter(plan_lanes::plan_id.eq(plan_id))).execute(db)?;
    diesel::delete(plans::table.find(plan_id)).execute(db).map(drop)
}

/// Stores a plan.
///
/// # Errors
/// The engine's reason; a unique violation when the day has one.
pub fn plan_insert(
    db: &mut Db,
    plan: &PlanRow,
    lanes: &[PlanLaneRow],
    cells: &[PlanCellRow],
) -> QueryResult<()> {
    diesel::insert_into(plans::table).values(plan).execute(db)?;
    for chunk in lanes.chunks(ROWS_PER_INSERT) {
        on_engine!(&mut *db, |c| diesel::insert_into(plan_lanes::table).values(chunk).execute(c))?;
    }
    for chunk in cells.chunks(ROWS_PER_INSERT) {
        on_engine!(&mut *db, |c| diesel::insert_into(plan_cells::table).values(chunk).execute(c))?;
    }
    // A plan made after the event, of weeks that have tenders already.
    let today = plan.created_at.0.date_naive();
    let past = cells.iter().filter(|cell| cell.week.0 <= today && plan.as_of_day < cell.week);
    let weeks = past.map(|cell| StaleCell { partner_id: cell.partner_id, day: cell.week.0 }).collect();
    stale_mark(db, Source::Weeks, &weeks)
}

/// Records a commitment of capacity, replacing the earlier word for the same partner, lane and week.
///
/// # Errors
/// The engine's reason.
pub fn commitment_put(db: &mut Db, row: &CommitmentRow) -> QueryResult<()> {
    diesel::insert_into(capacity_commitments::table)
        .values(row)
        .on_conflict((
            capacity_commitments::partner_id,
            capacity_commitments::lane_id,
            capacity_commitments::week,
        ))
        .do_update()
        .set((
            capacity_commitments::base_units.eq(row.base_units),
            capacity_commitments::surge_bps.eq(row.surge_bps),
            capacity_commitments::unit_cost_micros.eq(row.unit_cost_micros),
            capacity_commitments::currency.eq(&row.currency),
            capacity_commitments::recorded_at.eq(row.recorded_at),
        ))
        .both()
        .execute(db)
        .map(drop)
}

/// What a partner promised for a lane and week.
///
/// # Errors
/// The engine's reason.
pub fn commitment_get_unscoped(
    db: &mut Db,
    partner_id: i64,
    lane_id: i64,
    week: NaiveDate,
) -> QueryResult<Option<CommitmentRow>> {
    let key = (partner_id, lane_id, Day(week));
    capacity_commitments::table.find(key).select(CommitmentRow::as_select()).first(db).optional()
}
