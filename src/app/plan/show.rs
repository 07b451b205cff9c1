//! Stored plans as pages need them: the whole plan and one lane for the shipper, its own weeks for a
//! partner. The partner's structs hold only what a partner may know (DOMAIN §9).

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{HISTORY_WEEKS, PlanError, PlanSummary, answer::zone, answer_deadline, histories};
use crate::app::App;
use crate::db::plan::{
    self, CommitmentRow, LaneName, PlanCellRow, PlanLaneRow, PlanRow, commitment_list, plan_cell_list,
    plan_lane_list, plan_newest, plan_of_day,
};
use crate::db::{Db, DbError};
use crate::domain::capacity::Zone;
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// A plan for the shipper's pages.
#[derive(Clone, Debug)]
pub struct PlanView {
    /// The stored plan.
    pub plan: PlanRow,
    /// Its totals.
    pub summary: PlanSummary,
    /// The last day on which partners may answer.
    pub deadline: NaiveDate,
    /// Whether that day has passed.
    pub is_closed: bool,
    /// Mondays of its weeks.
    pub weeks: Vec<NaiveDate>,
    /// Forecasts by lane, weeks in order.
    pub lanes: BTreeMap<i64, Vec<PlanLaneRow>>,
    /// Cells by week, lane, partner.
    pub cells: Vec<PlanCellRow>,
    /// Lane names.
    pub lane_names: BTreeMap<i64, LaneName>,
    /// Partner names.
    pub partner_names: BTreeMap<i64, String>,
}

impl PlanView {
    /// `Joliet IL to Gary IN`.
    #[must_use]
    pub fn lane_title(&self, lane: i64) -> String {
        lane_title(&self.lane_names, lane)
    }

    /// The partner's name.
    #[must_use]
    pub fn partner_title(&self, partner: i64) -> String {
        self.partner_names.get(&partner).cloned().unwrap_or_else(|| format!("partner {partner}"))
    }
}

/// One lane of a plan for the shipper.
#[derive(Clone, Debug)]
pub struct LaneView {
    /// The plan with the rows of this lane only.
    pub plan: PlanView,
    /// The lane.
    pub lane: LaneName,
    /// Loads wanted per whole week before the plan, oldest first, with the week's Monday.
    pub history: Vec<(NaiveDate, i64)>,
    /// What partners have committed for the plan's weeks.
    pub commitments: Vec<CommitmentRow>,
}

/// What a partner sees of a plan: its own weeks, no costs, nothing of anyone else.
#[derive(Clone, Debug)]
pub struct OwnPlan {
    /// The plan its answers go to.
    pub plan_id: i64,
    /// The day whose knowledge it rests on.
    pub as_of: NaiveDate,
    /// The last day to answer.
    pub deadline: NaiveDate,
    /// Whether that day has passed.
    pub is_closed: bool,
    /// Weeks by date, then lane.
    pub weeks: Vec<OwnWeek>,
}

/// One lane and week of a partner.
#[derive(Clone, Debug)]
pub struct OwnWeek {
    /// The lane.
    pub lane_id: i64,
    /// `Joliet IL to Gary IN`.
    pub lane: String,
    /// Monday of the week.
    pub week: NaiveDate,
    /// Loads asked for.
    pub asked: i32,
    /// Loads the partner's commitment says.
    pub contract: i32,
    /// How firm the week is.
    pub zone: Zone,
    /// `SHARED`, `COMMITTED`, `COUNTERED` or `DECLINED`.
    pub state: String,
    /// Loads it said it will carry.
    pub answer_units: Option<i32>,
    /// Its own reason.
    pub answer_reason: String,
    /// Whether an answer is taken now.
    pub is_open: bool,
}

fn lane_title(names: &BTreeMap<i64, LaneName>, lane: i64) -> String {
    names.get(&lane).map_or_else(
        || format!("lane {lane}"),
        |name| words::lane(&name.code, &name.origin, &name.destination),
    )
}

/// The newest plan, or the one of `day`; none when there is no such plan or the viewer may not see
/// plans. With `lane`, only that lane's rows.
///
/// # Errors
/// The engine's reason, or a summary that does not read back.
pub fn plan_show(
    app: &App,
    viewer: &Viewer,
    day: Option<NaiveDate>,
    lane: Option<i64>,
) -> Result<Option<PlanView>, PlanError> {
    if !viewer.role.may(Action::ViewCapacity) {
        return Ok(None);
    }
    let mut conn = app.pool.get()?;
    let found = match day {
        Some(day) => plan_of_day(&mut conn, day)?,
        None => plan_newest(&mut conn, None)?,
    };
    let Some(plan) = found else { return Ok(None) };
    Ok(Some(view(app, &mut conn, viewer, plan, lane)?))
}

fn view(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    plan: PlanRow,
    lane: Option<i64>,
) -> Result<PlanView, PlanError> {
    let summary = serde_json::from_str(&plan.summary).map_err(|error| DbError::Stored {
        what: format!("the summary of the plan as of {}", plan.as_of_day),
        reason: error.to_string(),
    })?;
    let mut lanes: BTreeMap<i64, Vec<PlanLaneRow>> = BTreeMap::new();
    for row in plan_lane_list(db, plan.id, lane)? {
        lanes.entry(row.lane_id).or_default().push(row);
    }
    let deadline = answer_deadline(plan.as_of_day.0);
    let weeks = u64::try_from(plan.weeks).unwrap_or(0);
    Ok(PlanView {
        summary,
        deadline,
        is_closed: app.today(db)? > deadline,
        weeks: (0..weeks).map(|w| plan.first_week.0 + Days::new(7 * w)).collect(),
        lanes,
        cells: plan_cell_list(db, viewer, plan.id, lane)?,
        lane_names: plan::lane_names(db)?.into_iter().map(|name| (name.id, name)).collect(),
        partner_names: plan::partner_names(db)?.into_iter().map(|p| (p.id, p.name)).collect(),
        plan,
    })
}

/// One lane of the newest plan, or of the one of `day`.
///
/// # Errors
/// As [`plan_show`].
pub fn plan_lane_show(
    app: &App,
    viewer: &Viewer,
    day: Option<NaiveDate>,
    lane_id: i64,
) -> Result<Option<LaneView>, PlanError> {
    let Some(view) = plan_show(app, viewer, day, Some(lane_id))? else { return Ok(None) };
    let Some(lane) = view.lane_names.get(&lane_id).cloned() else { return Ok(None) };
    let mut conn = app.pool.get()?;
    let first = view.plan.first_week.0;
    let until = view.weeks.last().map_or(first, |&week| week + Days::new(7));
    let commitments = commitment_list(&mut conn, viewer, (first, until), Some(lane_id))?;
    let loads = histories(&mut conn, first, Some(lane_id))?.remove(&lane_id).unwrap_or_default();
    // The newest week is the one before the plan.
    let weeks = (1..=HISTORY_WEEKS).map(|back| first - Days::new(7 * back));
    let mut history: Vec<(NaiveDate, i64)> = weeks.zip(loads.into_iter().rev()).collect();
    history.reverse();
    Ok(Some(LaneView { plan: view, lane, history, commitments }))
}

/// The newest plan as the viewer's partner sees it; none when there is no plan yet or the viewer is no
/// partner.
///
/// # Errors
/// The engine's reason.
pub fn plan_own(app: &App, viewer: &Viewer) -> Result<Option<OwnPlan>, DbError> {
    if viewer.role != Role::Partner || viewer.partner_id.is_none() {
        return Ok(None);
    }
    let mut conn = app.pool.get()?;
    let Some(plan) = plan_newest(&mut conn, None)? else { return Ok(None) };
    let names = plan::lane_names(&mut conn)?.into_iter().map(|name| (name.id, name)).collect();
    let deadline = answer_deadline(plan.as_of_day.0);
    let today = app.today(&mut conn)?;
    let is_closed = today > deadline;
    let weeks = plan_cell_list(&mut conn, viewer, plan.id, None)?
        .into_iter()
        .map(|cell| {
            let zone = zone(today, &plan, cell.week.0);
            OwnWeek {
                lane_id: cell.lane_id,
                lane: lane_title(&names, cell.lane_id),
                week: cell.week.0,
                asked: cell.asked(),
                contract: cell.committed,
                zone,
                is_open: !is_closed && zone != Zone::Frozen,
                state: cell.state,
                answer_units: cell.answer_units,
                answer_reason: cell.answer_reason,
            }
        })
        .collect();
    Ok(Some(OwnPlan { plan_id: plan.id, as_of: plan.as_of_day.0, deadline, is_closed, weeks }))
}
