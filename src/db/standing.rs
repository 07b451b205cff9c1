//! Standings set by hand, corrective actions, and what was decided about each; all only added to.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::decided::{by_parent, newest};
use super::schema::{
    corrective_action_steps, corrective_actions, standing_override_decisions, standing_overrides,
};
use super::scorecard::scorecards_changed;
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use crate::domain::corrective::Step;
use crate::domain::scorecard::OverrideDecision;
use crate::domain::viewer::Viewer;

/// Rows one list answers at most, the newest ones; a page whose list is full says so.
pub const STANDING_LIST_LIMIT: i64 = 5_000;
/// Ids named in one statement.
const IDS_AT_ONCE: usize = 500;

/// An override as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = standing_overrides)]
pub struct OverrideRow {
    /// Row id.
    pub id: i64,
    /// Whose standing.
    pub partner_id: i64,
    /// Code of the standing.
    pub tier: String,
    /// First day it holds.
    pub first_day: Day,
    /// Last day it holds.
    pub last_day: Day,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Instant,
    /// By whom.
    pub requested_by: String,
    /// Id of that user.
    pub requested_by_id: i64,
}

/// One decision about an override.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = standing_override_decisions)]
pub struct OverrideDecisionRow {
    /// The override.
    pub override_id: i64,
    /// 1 for the first decision.
    pub seq: i32,
    /// Whose standing.
    pub partner_id: i64,
    /// [`OverrideDecision`].
    pub kind: String,
    /// Why.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
    /// Of an end: the first day it no longer holds.
    pub ends_on: Option<Day>,
}

/// An override with its decisions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOverride {
    /// As it was asked for.
    pub row: OverrideRow,
    /// What was decided.
    pub decisions: Vec<OverrideDecisionRow>,
    /// Where it stands; none while it waits.
    pub state: Option<OverrideDecision>,
}

impl AskedOverride {
    /// The first day it no longer holds, when it was ended.
    #[must_use]
    pub fn ended_on(&self) -> Option<NaiveDate> {
        self.decisions.iter().find_map(|one| one.ends_on).map(|day| day.0)
    }
}

/// Adds an override.
///
/// # Errors
/// The engine's reason.
pub fn override_insert(db: &mut Db, row: &OverrideRow) -> QueryResult<()> {
    diesel::insert_into(standing_overrides::table).values(row).execute(db)?;
    scorecards_changed(db)
}

/// Adds a decision; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn override_decision_insert(db: &mut Db, row: &OverrideDecisionRow) -> QueryResult<()> {
    diesel::insert_into(standing_override_decisions::table).values(row).execute(db)?;
    scorecards_changed(db)
}

/// Which overrides are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest ones, up to [`STANDING_LIST_LIMIT`]: for a page.
    Newest,
    /// The one with this id.
    One(i64),
    /// Every one that nobody decided yet.
    Waiting,
    /// Every one asked for days that hold this one, whatever was decided.
    Around(NaiveDate),
}

/// Overrides of the partners the viewer may see, or of one of them, newest first.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn override_list(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    which: Which,
) -> Result<Vec<AskedOverride>, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let mut query = standing_overrides::table
        .order(standing_overrides::id.desc())
        .select(OverrideRow::as_select())
        .into_boxed();
    if let Some(only) = partner {
        query = query.filter(standing_overrides::partner_id.eq(only));
    }
    query = match which {
        Which::Newest => query.limit(STANDING_LIST_LIMIT),
        Which::One(id) => query.filter(standing_overrides::id.eq(id)),
        Which::Waiting => query.filter(diesel::dsl::not(diesel::dsl::exists(
            standing_override_decisions::table
                .filter(standing_override_decisions::override_id.eq(standing_overrides::id)),
        ))),
        Which::Around(day) => query
            .filter(standing_overrides::first_day.le(Day(day)))
            .filter(standing_overrides::last_day.ge(Day(day))),
    };
    let rows: Vec<OverrideRow> = query.load(db)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut decided: Vec<OverrideDecisionRow> = Vec::new();
    for some in ids.chunks(IDS_AT_ONCE) {
        decided.extend(
            standing_override_decisions::table
                .filter(standing_override_decisions::override_id.eq_any(some.to_vec()))
                .order((standing_override_decisions::override_id, standing_override_decisions::seq))
                .select(OverrideDecisionRow::as_select())
                .load::<OverrideDecisionRow>(db)?,
        );
    }
    let mut decisions = by_parent(decided, |one| one.override_id);
    rows.into_iter()
        .map(|row| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            let newest_kind = decisions.last().map(|last| last.kind.as_str());
            let state = newest(newest_kind, || format!("a decision about standing override {}", row.id))?;
            Ok(AskedOverride { row, decisions, state })
        })
        .collect()
}

/// A corrective action as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = corrective_actions)]
pub struct ActionRow {
    /// Row id.
    pub id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Names the cause, so that it is opened once.
    pub cause: String,
    /// The scorecard that opened it.
    pub scorecard_id: Option<i64>,
    /// The period whose facts opened it.
    pub period: String,
    /// The KPI it is about; empty when no single one is.
    pub kpi: String,
    /// What is wrong, in words.
    pub words: String,
    /// Who answers for it.
    pub owner: String,
    /// The day by which it is answered.
    pub due_on: Day,
    /// When it was opened.
    pub opened_at: Instant,
    /// By whom.
    pub opened_by: String,
    /// Id of that user; 0 for a run.
    pub opened_by_id: i64,
}

/// One step of a corrective action.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = corrective_action_steps)]
pub struct ActionStepRow {
    /// The action.
    pub action_id: i64,
    /// 1 for the first step.
    pub seq: i32,
    /// Whose.
    pub partner_id: i64,
    /// [`crate::domain::corrective::Step`].
    pub kind: String,
    /// What was said.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
    /// Of a note: the quarter that was noted.
    pub period: Option<String>,
}

/// Adds a corrective action; a second one of the same partner and cause is refused.
///
/// # Errors
/// The engine's reason.
pub fn action_insert(db: &mut Db, row: &ActionRow) -> QueryResult<()> {
    diesel::insert_into(corrective_actions::table).values(row).execute(db).map(drop)
}

/// Adds a step; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn action_step_insert(db: &mut Db, row: &ActionStepRow) -> QueryResult<()> {
    diesel::insert_into(corrective_action_steps::table).values(row).execute(db).map(drop)
}

/// Which corrective actions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actions {
    /// The newest ones of the partners the viewer may see, up to [`STANDING_LIST_LIMIT`]: for a page.
    Newest,
    /// Every one of this partner.
    OfPartner(i64),
    /// Every one that is not closed and due until this day.
    DueUntil(NaiveDate),
    /// The one with this id.
    One(i64),
}

/// Corrective actions that the viewer may see, newest first, each with its steps.
///
/// # Errors
/// The engine's reason.
pub fn action_list(
    db: &mut Db,
    viewer: &Viewer,
    which: Actions,
) -> QueryResult<Vec<(ActionRow, Vec<ActionStepRow>)>> {
    let of = match which {
        Actions::OfPartner(id) => Some(id),
        Actions::Newest | Actions::DueUntil(_) | Actions::One(_) => None,
    };
    let Some(partner) = partner_filter(viewer, of) else { return Ok(Vec::new()) };
    let mut query = corrective_actions::table
        .order(corrective_actions::id.desc())
        .select(ActionRow::as_select())
        .into_boxed();
    if let Some(only) = partner {
        query = query.filter(corrective_actions::partner_id.eq(only));
    }
    query = match which {
        Actions::Newest => query.limit(STANDING_LIST_LIMIT),
        Actions::OfPartner(_) => query,
        Actions::DueUntil(day) => {
            let closed = corrective_action_steps::table
                .filter(corrective_action_steps::action_id.eq(corrective_actions::id))
                .filter(corrective_action_steps::kind.eq(Step::Closed.code()));
            query
                .filter(corrective_actions::due_on.le(Day(day)))
                .filter(diesel::dsl::not(diesel::dsl::exists(closed)))
        }
        Actions::One(id) => query.filter(corrective_actions::id.eq(id)),
    };
    let rows: Vec<ActionRow> = query.load(db)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut taken: Vec<ActionStepRow> = Vec::new();
    for some in ids.chunks(IDS_AT_ONCE) {
        taken.extend(
            corrective_action_steps::table
                .filter(corrective_action_steps::action_id.eq_any(some.to_vec()))
                .order((corrective_action_steps::action_id, corrective_action_steps::seq))
                .select(ActionStepRow::as_select())
                .load::<ActionStepRow>(db)?,
        );
    }
    let mut steps = by_parent(taken, |one| one.action_id);
    Ok(rows
        .into_iter()
        .map(|row| {
            let steps = steps.remove(&row.id).unwrap_or_default();
            (row, steps)
        })
        .collect())
}
