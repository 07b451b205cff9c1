//! The joint capacity plan of DOMAIN §6: [`plan()`] makes it, [`plan_answer`] takes a partner's word on
//! it, [`show`] prepares it for pages.
//!
//! The plan starts with the week that holds its as-of day and runs thirteen weeks. Its history are
//! the whole weeks before: tenders where a lane is tendered, shipments where it is not.
//!
//! **Run again.** The same inputs write nothing. Other inputs for a day that has a plan replace it
//! while no partner has answered; once one has, the run is refused, because what a partner said was
//! said about those figures. A later day makes a new plan and takes the answers along: loads a partner
//! said yes to in weeks 1 to 6 stand, a counter offer or a refusal bounds what it is asked next.

mod answer;
mod build;
pub mod show;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use answer::{AnswerError, plan_answer, plan_commit_all};

use crate::app::App;
use crate::app::standing::frozen_on;
use crate::db::measure::{CellFilter, lane_cells_fold, measure_totals};
use crate::db::plan::{
    self, CommitmentRow, LaneName, PlanCellRow, PlanLaneRow, PlanRow, plan_delete, plan_insert,
    plan_is_answered, plan_of_day,
};
use crate::db::setting::setting;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError, dialect};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::capacity::{
    ANSWER_BUSINESS_DAYS, AllocationError, CARRIED_WEEKS, MAX_PLAN_WEEKS, Proof, Resilience, TruckValue,
    carried_from, carried_weekly,
};
use crate::domain::digest::sha256;
use crate::domain::forecast::{ForecastError, HORIZON_WEEKS, MAX_LANES};
use crate::domain::measure::Measures;
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::domain::words::count;

/// Weeks of history read: three seasons, and 26 weeks to score methods on.
pub const HISTORY_WEEKS: u64 = 156;
/// Months before the weeks of [`carried_from`] in which a first load is looked for by day: a lane cell of the month of a
/// pickup can be one month older than the load.
const FIRST_LOAD_MONTHS: u32 = 1;
/// Months of outcomes behind the probabilities of acceptance and on-time delivery.
const RATE_MONTHS: u32 = 6;
/// The setting that holds a [`PlanPolicy`] as JSON.
pub const POLICY_SETTING: &str = "capacity_policy";
/// The name of the lock under which a plan is stored and answered: an answer counts in the plan it was
/// given for, or is told that there is a newer one, and is never deleted with the plan it answered.
pub(super) const PLAN_LOCK: &str = "plan";
/// Truck values kept with a plan, the largest first.
const TRUCK_VALUES_KEPT: usize = 50;

/// What the planner assumes where no fact says it. Shown beside the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanPolicy {
    /// The shipper's own cost of a late load, as a share of the contract cost.
    pub late_cost: Bps,
    /// How much dearer a spot load is than the lane's contract mean.
    pub spot_premium: Bps,
    /// Loads believed to be had on spot, as a share of a lane's demand; counts in N−1 only.
    pub spot_supply: Bps,
    /// How much dearer a surge load is than a base load.
    pub surge_premium: Bps,
    /// Notice a partner needs before it runs above base, in business days.
    pub surge_notice_days: u32,
    /// Largest share of a lane and week one partner may get.
    pub max_share: Bps,
}

impl Default for PlanPolicy {
    fn default() -> Self {
        Self {
            late_cost: Bps(2_500),
            spot_premium: Bps(3_500),
            spot_supply: Bps(1_000),
            surge_premium: Bps(1_000),
            surge_notice_days: 5,
            max_share: Bps::WHOLE,
        }
    }
}

/// The installation's policy: the setting `capacity_policy`, its defaults where that says nothing.
///
/// # Errors
/// The engine's reason, or a setting that does not read.
fn policy(db: &mut Db) -> Result<PlanPolicy, DbError> {
    let Some(text) = setting(db, POLICY_SETTING)? else { return Ok(PlanPolicy::default()) };
    serde_json::from_str(&text).map_err(|error| DbError::Stored {
        what: format!("the setting `{POLICY_SETTING}`"),
        reason: error.to_string(),
    })
}

/// Everything a stored plan says beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Loads wanted over the horizon.
    pub demand_loads: i64,
    /// Of them, loads partners are asked to carry.
    pub covered_loads: i64,
    /// Of them, loads nobody is asked to carry.
    pub uncovered_loads: i64,
    /// Expected effective cost, uncovered loads at the assumed spot price.
    pub cost: Micros,
    /// Its currency.
    pub currency: String,
    /// Whether every week is proved cheapest.
    pub proof: Proof,
    /// N−1, concentration, single-sourced lanes.
    pub resilience: Resilience,
    /// Where one more truck would help, the largest first.
    pub truck_values: Vec<TruckValue>,
    /// The assumptions.
    pub policy: PlanPolicy,
    /// What a reader must know before trusting the figures.
    pub notes: Vec<String>,
}

/// What a planning run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanReport {
    /// The plan of that day; none when there was nothing to plan.
    pub plan_id: Option<i64>,
    /// Rows written; 0 when the same plan was there.
    pub changed_rows: i64,
    /// One line for people.
    pub summary: String,
}

/// Why no plan was made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A lane's history cannot be forecast.
    #[error("lane {lane} cannot be forecast: {reason}")]
    Forecast {
        /// The lane's code.
        lane: String,
        /// Why.
        reason: ForecastError,
    },
    /// The figures make no problem that can be solved.
    #[error("the loads cannot be allocated: {0}")]
    Allocation(#[from] AllocationError),
    /// A cost is too large.
    #[error("the cost of a load is too large: {0}")]
    Cost(#[from] OutOfRange),
    /// A partner has answered the plan of that day.
    #[error(
        "the plan as of {0} has changed inputs, but a partner has answered it already, so it stands; run the plan as of a later day"
    )]
    Answered(NaiveDate),
    /// More lanes than one run takes.
    #[error("{0} lanes with demand; one run plans at most {MAX_LANES}")]
    TooManyLanes(usize),
    /// A figure does not fit its column or its JSON.
    #[error("the plan cannot be stored: {0}")]
    Store(String),
}

impl From<diesel::result::Error> for PlanError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// The last day on which a partner may answer a plan made as of `as_of`.
#[must_use]
pub fn answer_deadline(as_of: NaiveDate) -> NaiveDate {
    let days = u16::try_from(ANSWER_BUSINESS_DAYS).unwrap_or(u16::MAX);
    BusinessCalendar::weekdays([]).add_bd(as_of, days)
}

/// Plan week of `week` when the plan's first week is `first`: 1 for the first, 0 for an earlier one.
#[must_use]
pub fn week_number(first: NaiveDate, week: NaiveDate) -> u32 {
    u32::try_from(week.signed_duration_since(first).num_days().div_euclid(7) + 1).unwrap_or(0)
}

/// Makes the plan as of `as_of`; see the module for what a second run does.
///
/// Reads at most [`HISTORY_WEEKS`] weeks, one at a time, so memory grows with lanes and offers and not
/// with shipments.
///
/// # Errors
/// [`PlanError`]; nothing is written then.
pub fn plan(app: &App, as_of: NaiveDate, run_id: Option<i64>) -> Result<PlanReport, PlanError> {
    let mut conn = app.pool.get()?;
    let mut inputs = Inputs::read(&mut conn, as_of)?;
    if inputs.histories.is_empty() {
        return Ok(PlanReport {
            plan_id: None,
            changed_rows: 0,
            summary: "nothing to plan: no lane has demand; import tenders or shipments with lanes".into(),
        });
    }
    let mut draft = build::draft(&inputs)?;
    dialect::write_tx(&mut conn, |db| {
        dialect::transaction_lock(db, PLAN_LOCK)?;
        let earlier = earlier(db, as_of)?;
        if earlier != inputs.earlier {
            // Seldom: somebody answered while the plan was computed.
            inputs.earlier = earlier;
            draft = build::draft(&inputs)?;
        }
        let words = format!(
            "{} for {}, {} covered",
            count(draft.summary.demand_loads, "load"),
            count(i64::try_from(inputs.histories.len()).unwrap_or(i64::MAX), "lane"),
            words::figure(draft.summary.covered_loads)
        );
        if let Some(stored) = plan_of_day(db, as_of)? {
            if stored.inputs_hash == draft.inputs_hash {
                let summary = format!("unchanged: {words}");
                return Ok(PlanReport { plan_id: Some(stored.id), changed_rows: 0, summary });
            }
            if plan_is_answered(db, &stored)? {
                return Err(PlanError::Answered(as_of));
            }
            plan_delete(db, stored.id)?;
        }
        let (row, lanes, cells) = rows(app, &inputs, &draft, run_id)?;
        plan_insert(db, &row, &lanes, &cells)?;
        let changed = lanes.len().saturating_add(cells.len()).saturating_add(1);
        Ok(PlanReport {
            plan_id: Some(row.id),
            changed_rows: i64::try_from(changed).unwrap_or(i64::MAX),
            summary: words,
        })
    })
}

type Rows = (PlanRow, Vec<PlanLaneRow>, Vec<PlanCellRow>);

fn rows(app: &App, inputs: &Inputs, draft: &build::Draft, run_id: Option<i64>) -> Result<Rows, PlanError> {
    let id = app.id();
    let row = PlanRow {
        id,
        as_of_day: Day(inputs.as_of),
        first_week: Day(inputs.first_week),
        weeks: i32::try_from(HORIZON_WEEKS).unwrap_or(i32::MAX),
        summary: serde_json::to_string(&draft.summary).map_err(|e| PlanError::Store(e.to_string()))?,
        inputs_hash: draft.inputs_hash.clone(),
        run_id,
        created_at: Instant(app.now()),
    };
    let lanes = draft.lanes.iter().map(|lane| PlanLaneRow { plan_id: id, ..lane.clone() }).collect();
    let cells = draft.cells.iter().map(|cell| PlanCellRow { plan_id: id, ..cell.clone() }).collect();
    Ok((row, lanes, cells))
}

/// What a partner did, on one lane or in all.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// Tenders accepted, and tenders that asked for an answer.
    accepted: (i64, i64),
    /// Deliveries on time, and deliveries due.
    on_time: (i64, i64),
    /// Freight in millionths, and shipments that carry a cost.
    freight: (i64, i64),
}

impl Record {
    fn add(&mut self, measures: &Measures) {
        let pair = |into: &mut (i64, i64), (k, n): (i64, i64)| {
            *into = (into.0.saturating_add(k), into.1.saturating_add(n));
        };
        let tally = |t: &crate::domain::measure::Tally| (t.success, t.success + t.late + t.no_evidence);
        let window = tally(&measures.delivery_window);
        pair(&mut self.accepted, tally(&measures.tender));
        pair(&mut self.on_time, if window.1 > 0 { window } else { tally(&measures.delivery_day) });
        pair(&mut self.freight, (measures.freight.numerator, measures.freight.denominator));
    }
}

/// Answered cells of a plan, by partner, lane, week.
type Answered = BTreeMap<(i64, i64, NaiveDate), PlanCellRow>;

/// Everything a plan is computed from.
struct Inputs {
    as_of: NaiveDate,
    first_week: NaiveDate,
    /// Loads wanted by lane and week, oldest first, from the lane's first week with demand.
    histories: BTreeMap<i64, Vec<i64>>,
    lanes: BTreeMap<i64, LaneName>,
    /// Partners that get nothing.
    suspended: BTreeSet<i64>,
    /// Partners whose awards are frozen by their standing.
    frozen: BTreeSet<i64>,
    /// Loads a week that partners with frozen awards carry, by partner and lane.
    carried: BTreeMap<(i64, i64), i64>,
    commitments: Vec<CommitmentRow>,
    by_partner: BTreeMap<i64, Record>,
    by_partner_lane: BTreeMap<(i64, i64), Record>,
    /// Answered cells of the plan before.
    earlier: Answered,
    policy: PlanPolicy,
}

impl Inputs {
    fn read(db: &mut Db, as_of: NaiveDate) -> Result<Self, PlanError> {
        let system = Viewer::system();
        let first_week = Period::monday(as_of);
        let until = first_week + Days::new(7 * u64::from(MAX_PLAN_WEEKS));
        let histories = histories(db, first_week, None)?;
        if histories.len() > MAX_LANES {
            return Err(PlanError::TooManyLanes(histories.len()));
        }
        let from = as_of.checked_sub_months(chrono::Months::new(RATE_MONTHS)).unwrap_or(as_of);
        let filter = CellFilter {
            from: Some(Period::containing(PeriodKind::Month, from).start()),
            until: Some(first_week),
            ..CellFilter::default()
        };
        let mut by_partner: BTreeMap<i64, Record> = BTreeMap::new();
        for (partner, measures) in measure_totals(db, &system, &filter)? {
            by_partner.entry(partner).or_default().add(&measures);
        }
        let mut by_partner_lane: BTreeMap<(i64, i64), Record> = BTreeMap::new();
        lane_cells_fold(db, &system, &filter, |cell| {
            by_partner_lane.entry((cell.partner_id, cell.lane_id)).or_default().add(&cell.measures);
        })?;
        let names = plan::partner_names(db)?;
        let (frozen, stopped) = frozen_on(db, as_of)?;
        Ok(Self {
            as_of,
            first_week,
            histories,
            lanes: plan::lane_names(db)?.into_iter().map(|lane| (lane.id, lane)).collect(),
            suspended: names
                .iter()
                .filter(|p| p.status != "ACTIVE" || stopped.contains(&p.id))
                .map(|p| p.id)
                .collect(),
            carried: carried(db, &frozen, first_week)?,
            frozen,
            commitments: plan::commitment_list(db, &system, (first_week, until), None)?,
            by_partner,
            by_partner_lane,
            earlier: earlier(db, as_of)?,
            policy: policy(db)?,
        })
    }

    /// Monday of plan week 1, 2, …
    fn week(&self, number: usize) -> NaiveDate {
        let weeks = u64::try_from(number.saturating_sub(1)).unwrap_or(0);
        self.first_week + Days::new(7 * weeks)
    }

    /// Loads a week that a partner with frozen awards carries on a lane.
    fn carries(&self, partner: i64, lane: i64) -> i64 {
        self.carried.get(&(partner, lane)).copied().unwrap_or(0)
    }

    /// How many partners are held to what they carry, in words; none when none is.
    fn frozen_note(&self) -> Option<String> {
        let held = self.commitments.iter().map(|row| row.partner_id).collect::<BTreeSet<_>>();
        let many = held.intersection(&self.frozen).count();
        (many > 0).then(|| {
            format!(
                "Awards of {} are frozen by standing: no more loads a week on a lane than carried in the {CARRIED_WEEKS} weeks from {} to {}, or since the first load there when that came later.",
                words::many(many, "partner"),
                words::day(carried_from(self.first_week)),
                words::day(self.first_week.pred_opt().unwrap_or(self.first_week))
            )
        })
    }

    fn lane_code(&self, lane: i64) -> String {
        self.lanes.get(&lane).map_or_else(|| lane.to_string(), |name| name.code.clone())
    }
}

/// Loads a week that each of `partners` carries on each lane, by the days of [`carried_from`].
fn carried(
    db: &mut Db,
    partners: &BTreeSet<i64>,
    first_week: NaiveDate,
) -> Result<BTreeMap<(i64, i64), i64>, DbError> {
    if partners.is_empty() {
        return Ok(BTreeMap::new());
    }
    let partners: Vec<i64> = partners.iter().copied().collect();
    let from = carried_from(first_week);
    let looked_from = Period::containing(PeriodKind::Month, from).start();
    let looked_from =
        looked_from.checked_sub_months(chrono::Months::new(FIRST_LOAD_MONTHS)).unwrap_or(looked_from);
    let months = plan::first_months_unscoped(db, &partners)?;
    let firsts: BTreeMap<(i64, i64), NaiveDate> =
        plan::loads_carried_unscoped(db, &partners, looked_from, first_week)?
            .into_iter()
            .map(|one| ((one.partner_id, one.lane_id), one.first.0))
            .collect();
    let mut carried = BTreeMap::new();
    for one in plan::loads_carried_unscoped(db, &partners, from, first_week)? {
        let key = (one.partner_id, one.lane_id);
        let before = months.get(&key).is_some_and(|month| *month < looked_from);
        let first = if before { from } else { firsts.get(&key).copied().unwrap_or(one.first.0) };
        carried.insert(key, carried_weekly(one.loads, first, first_week));
    }
    Ok(carried)
}

/// What partners answered to the plan before that of `as_of`, for weeks that are still to come.
fn earlier(db: &mut Db, as_of: NaiveDate) -> Result<Answered, DbError> {
    let before = as_of.pred_opt().unwrap_or(as_of);
    let first_week = Period::monday(as_of);
    let Some(plan) = plan::plan_newest(db, Some(before))? else { return Ok(BTreeMap::new()) };
    let cells = plan::plan_cell_list(db, &Viewer::system(), plan.id, None)?;
    Ok(cells
        .into_iter()
        .filter(|cell| cell.state != "SHARED" && cell.week.0 >= first_week)
        .map(|cell| ((cell.partner_id, cell.lane_id, cell.week.0), cell))
        .collect())
}

/// Loads wanted per lane and whole week before `first_week`. Lanes without any tender are counted by
/// their shipments; each history starts with the lane's first week with demand.
///
/// # Errors
/// The engine's reason.
fn histories(
    db: &mut Db,
    first_week: NaiveDate,
    lane: Option<i64>,
) -> Result<BTreeMap<i64, Vec<i64>>, DbError> {
    let oldest = first_week - Days::new(7 * HISTORY_WEEKS);
    let Some(first_day) = plan::demand_first_day(db)? else { return Ok(BTreeMap::new()) };
    let mut weeks = Vec::new();
    let mut week = Period::monday(first_day).max(oldest);
    while week < first_week {
        weeks.push(week);
        week = week + Days::new(7);
    }
    let mut tendered = weekly(&weeks, |from, until| plan::tender_loads(db, from, until, lane))?;
    // Shipments are read only where a lane is not tendered: it is the larger table by far.
    let all_tendered = match lane {
        Some(lane) => tendered.contains_key(&lane),
        None => plan::lane_names(db)?.iter().all(|name| tendered.contains_key(&name.id)),
    };
    if !all_tendered {
        for (lane, history) in weekly(&weeks, |from, until| plan::shipment_loads(db, from, until, lane))? {
            tendered.entry(lane).or_insert(history);
        }
    }
    for history in tendered.values_mut() {
        let empty = history.iter().take_while(|&&loads| loads == 0).count();
        history.drain(..empty);
    }
    Ok(tendered)
}

/// One figure per lane and week from a query that answers one week.
fn weekly(
    weeks: &[NaiveDate],
    mut ask: impl FnMut(NaiveDate, NaiveDate) -> diesel::QueryResult<Vec<(i64, i64)>>,
) -> Result<BTreeMap<i64, Vec<i64>>, DbError> {
    let mut all: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (at, &week) in weeks.iter().enumerate() {
        for (lane, loads) in ask(week, week + Days::new(7))? {
            let history = all.entry(lane).or_insert_with(|| vec![0; weeks.len()]);
            if let Some(slot) = history.get_mut(at) {
                *slot = loads;
            }
        }
    }
    Ok(all)
}

/// Hex SHA-256 of the JSON of `value`.
fn fingerprint(value: &impl Serialize) -> Result<String, PlanError> {
    let json = serde_json::to_vec(value).map_err(|error| PlanError::Store(error.to_string()))?;
    Ok(sha256(json))
}

/// A share of an amount, exact.
fn share_of(amount: Decimal, share: Bps) -> Decimal {
    amount * share.fraction()
}
