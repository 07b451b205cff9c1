//! Declared events and what was decided about them; both only added to.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::decided::{by_parent, newest};
use super::schema::{declared_event_decisions, declared_events, lanes, shipments};
use super::shipment::StaleCell;
use super::types::{Day, Instant};
use crate::domain::declared_event::{DeclaredEvent, EVENTS_MAX};
use crate::domain::exclusion::Decision;
use crate::domain::field::BadCode;

/// An event as it was declared.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = declared_events)]
pub struct EventRow {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// [`crate::domain::declared_event::EventKind`].
    pub kind: String,
    /// First day, local at the stop.
    pub first_day: Day,
    /// Last day.
    pub last_day: Day,
    /// JSON of [`crate::domain::declared_event::Scope`].
    pub scope: String,
    /// What happened and how it is known.
    pub statement: String,
    /// When it was declared.
    pub requested_at: Instant,
    /// By whom.
    pub requested_by: String,
    /// Id of that user.
    pub requested_by_id: i64,
}

impl EventRow {
    /// The event as the rules know it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for what does not read back.
    pub fn event(&self) -> Result<DeclaredEvent, DbError> {
        let bad = |reason: String| DbError::Stored { what: format!("declared event {}", self.id), reason };
        Ok(DeclaredEvent {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind.parse().map_err(|error: BadCode| bad(error.to_string()))?,
            first_day: self.first_day.0,
            last_day: self.last_day.0,
            scope: serde_json::from_str(&self.scope).map_err(|error| bad(error.to_string()))?,
        })
    }
}

/// One decision about an event.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = declared_event_decisions)]
pub struct EventDecisionRow {
    /// The event.
    pub declared_event_id: i64,
    /// 1 for the first decision.
    pub seq: i32,
    /// [`Decision`].
    pub kind: String,
    /// Why.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// An event with its decisions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What was declared.
    pub row: EventRow,
    /// What was decided.
    pub decisions: Vec<EventDecisionRow>,
    /// Where it stands; none while it waits.
    pub state: Option<Decision>,
}

/// Adds an event.
///
/// # Errors
/// The engine's reason.
pub fn declared_event_insert(db: &mut Db, row: &EventRow) -> QueryResult<()> {
    diesel::insert_into(declared_events::table).values(row).execute(db).map(drop)
}

/// Adds a decision; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn declared_event_decision_insert(db: &mut Db, row: &EventDecisionRow) -> QueryResult<()> {
    diesel::insert_into(declared_event_decisions::table).values(row).execute(db).map(drop)
}

/// Every event, the newest first; at most [`EVENTS_MAX`]. They name no partner's data beside their scope, which is the
/// shipper's, so only the shipper's pages ask.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn declared_event_list(db: &mut Db) -> Result<Vec<Declared>, DbError> {
    let rows: Vec<EventRow> = declared_events::table
        .order(declared_events::id.desc())
        .limit(EVENTS_MAX)
        .select(EventRow::as_select())
        .load(db)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<EventDecisionRow> = declared_event_decisions::table
        .order((declared_event_decisions::declared_event_id, declared_event_decisions::seq))
        .select(EventDecisionRow::as_select())
        .load(db)?;
    let mut decisions = by_parent(found, |one| one.declared_event_id);
    rows.into_iter()
        .map(|row| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            let newest_kind = decisions.last().map(|last| last.kind.as_str());
            let state = newest(newest_kind, || format!("a decision about declared event {}", row.id))?;
            Ok(Declared { row, decisions, state })
        })
        .collect()
}

/// The events that hold: approved and not withdrawn.
///
/// # Errors
/// As [`declared_event_list`].
pub fn declared_events_standing(db: &mut Db) -> Result<Vec<DeclaredEvent>, DbError> {
    let all = declared_event_list(db)?;
    all.iter().filter(|one| one.state == Some(Decision::Approved)).map(|one| one.row.event()).collect()
}

/// Origin, destination and region of every lane by id.
///
/// # Errors
/// The engine's reason.
pub fn lane_ends(db: &mut Db) -> QueryResult<HashMap<i64, (String, String, String)>> {
    let rows: Vec<(i64, String, String, String)> =
        lanes::table.select((lanes::id, lanes::origin, lanes::destination, lanes::region)).load(db)?;
    Ok(rows.into_iter().map(|(id, from, to, region)| (id, (from, to, region))).collect())
}

/// The partners and days with shipments whose pickup or delivery may be due between two days: a pickup belongs to its own
/// day, and its shipment is stored under the day of the delivery, `transit_days` later at most.
///
/// # Errors
/// The engine's reason.
pub fn cells_due_between(
    db: &mut Db,
    (first, last): (NaiveDate, NaiveDate),
    transit_days: u64,
) -> QueryResult<BTreeSet<StaleCell>> {
    let until = last.checked_add_days(Days::new(transit_days)).unwrap_or(last);
    // The window was agreed in local time: a day to spare on both sides.
    let from = midnight(first.pred_opt().unwrap_or(first));
    let to = midnight(last.checked_add_days(Days::new(2)).unwrap_or(last));
    let ends = shipments::pickup_window_end;
    let day = shipments::pickup_due_day;
    let rows: Vec<(i64, Day)> = shipments::table
        .filter(shipments::obligation_day.ge(Day(first)))
        .filter(shipments::obligation_day.le(Day(until)))
        .filter(
            shipments::obligation_day
                .le(Day(last))
                .or(ends.is_not_null().and(ends.ge(Instant(from))).and(ends.lt(Instant(to))))
                .or(day.is_not_null().and(day.ge(Day(first))).and(day.le(Day(last)))),
        )
        .select((shipments::partner_id, shipments::obligation_day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
