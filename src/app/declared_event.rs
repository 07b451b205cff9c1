//! Declared events: declare, approve by a second person, withdraw, and what they take out of the sums.
//!
//! Nothing is written to a shipment. The refresh judges a stop by the events that hold, so that facts that come later are
//! judged alike and a withdrawn event gives its units back; approving and withdrawing mark the days in scope.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use chrono::NaiveDate;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::refresh::SUMS_LOCK;
use crate::db::declared_event::{
    Declared, EventDecisionRow, EventRow, cells_due_between, declared_event_decision_insert,
    declared_event_insert, declared_event_list, declared_events_standing, lane_ends,
};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::declared_event::{DeclaredEvent, EventKind, Scope, after, problems};
use crate::domain::exclusion::{Decision, words_fit};
use crate::domain::expected::place;
use crate::domain::geo::Place;
use crate::domain::shipment::{LONGEST_TRANSIT_DAYS, Milestones};
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// The events that hold, with the places of the lanes they are compared with. Empty, and free, while none holds.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    events: Vec<DeclaredEvent>,
    /// Origin and destination of each lane.
    lanes: HashMap<i64, (Place, Place)>,
}

impl Standing {
    /// Reads them; lanes only when an event holds.
    ///
    /// # Errors
    /// The database's reason.
    pub fn read(db: &mut Db) -> Result<Self, DbError> {
        let events = declared_events_standing(db)?;
        if events.is_empty() {
            return Ok(Self::default());
        }
        let lanes = lane_ends(db)?;
        let ends = |(from, to, region): (String, String, String)| (place(&from, ""), place(&to, &region));
        Ok(Self { events, lanes: lanes.into_iter().map(|(id, names)| (id, ends(names))).collect() })
    }

    /// Whether no event holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Marks the stops of a shipment that an event takes out.
    pub fn mark(&self, facts: &mut Milestones, partner_id: i64, mode: &str, lane_id: Option<i64>) {
        if self.is_empty() {
            return;
        }
        let (pickup, delivery) = self.covering(facts, partner_id, mode, lane_id);
        (facts.pickup_declared, facts.delivery_declared) = (pickup.is_some(), delivery.is_some());
    }

    /// The events that take out pickup and delivery of a shipment.
    #[must_use]
    pub fn covering(
        &self,
        facts: &Milestones,
        partner_id: i64,
        mode: &str,
        lane_id: Option<i64>,
    ) -> (Option<&DeclaredEvent>, Option<&DeclaredEvent>) {
        let (mut pickup, mut delivery) = self.all_covering(facts, partner_id, mode, lane_id);
        (pickup.next(), delivery.next())
    }

    /// The kinds of all events that take out pickup and delivery of a shipment.
    #[must_use]
    pub fn kinds_covering(
        &self,
        facts: &Milestones,
        partner_id: i64,
        mode: &str,
        lane_id: Option<i64>,
    ) -> (Vec<EventKind>, Vec<EventKind>) {
        let (pickup, delivery) = self.all_covering(facts, partner_id, mode, lane_id);
        (pickup.map(|event| event.kind).collect(), delivery.map(|event| event.kind).collect())
    }

    fn all_covering<'s>(
        &'s self,
        facts: &Milestones,
        partner_id: i64,
        mode: &str,
        lane_id: Option<i64>,
    ) -> (impl Iterator<Item = &'s DeclaredEvent>, impl Iterator<Item = &'s DeclaredEvent>) {
        static NOWHERE: LazyLock<(Place, Place)> = LazyLock::new(Default::default);
        let (origin, destination) = lane_id.and_then(|id| self.lanes.get(&id)).unwrap_or(&*NOWHERE);
        let of = |place: &'s Place, day: Option<NaiveDate>| {
            let covers = move |event: &&DeclaredEvent| {
                day.is_some_and(|day| event.covers(partner_id, mode, place, day))
            };
            self.events.iter().filter(covers)
        };
        let day = facts.obligation_day();
        (of(origin, facts.pickup_obligation_day().or(day)), of(destination, day))
    }

    /// Names of the events that touch the journey of a shipment between two days, at either end.
    #[must_use]
    pub fn touching(
        &self,
        partner_id: i64,
        mode: &str,
        lane_id: Option<i64>,
        days: (NaiveDate, NaiveDate),
    ) -> Vec<String> {
        let Some((origin, destination)) = lane_id.and_then(|id| self.lanes.get(&id)) else {
            return Vec::new();
        };
        self.events
            .iter()
            .filter(|event| event.touches(partner_id, mode, [origin, destination], days))
            .map(|event| event.name.clone())
            .collect()
    }
}

/// An event to declare.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EventKind,
    /// First and last day, local at the stop.
    pub days: (NaiveDate, NaiveDate),
    /// Where, how and whose.
    pub scope: Scope,
    /// What happened and how it is known.
    pub statement: String,
}

/// Declares an event; it takes nothing out before a second person approves it. Gives its id.
///
/// # Errors
/// [`EditError::Invalid`], [`EditError::Denied`], or the database's reason.
pub fn declare(app: &App, db: &mut Db, viewer: &Viewer, new: &NewEvent) -> Result<i64, EditError> {
    allowed(viewer, Action::RequestExclusions)?;
    valid(problems(&new.name, Some(new.days), &new.scope, &new.statement))?;
    let scope = serde_json::to_string(&new.scope)
        .map_err(|error| DbError::Stored { what: "a scope".to_owned(), reason: error.to_string() })?;
    write_tx(db, |db| {
        let row = EventRow {
            id: app.id(),
            name: new.name.trim().to_owned(),
            kind: new.kind.code().to_owned(),
            first_day: Day(new.days.0),
            last_day: Day(new.days.1),
            scope: scope.clone(),
            statement: new.statement.trim().to_owned(),
            requested_at: Instant(app.now()),
            requested_by: viewer.name.clone(),
            requested_by_id: viewer.user_id,
        };
        declared_event_insert(db, &row)?;
        log(app, db, viewer, "declared_event.declare", &row, &row.scope)?;
        Ok(row.id)
    })
}

/// Approves, denies or withdraws an event, and marks the days in its scope to be judged again where that changes them.
/// Gives how many partner days were marked.
///
/// # Errors
/// [`EditError::Review`] with what stands against it, [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn event_decide(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    decision: Decision,
    words: &str,
) -> Result<usize, EditError> {
    allowed(viewer, Action::DecideExclusions)?;
    let mut errors = Vec::new();
    words_fit(&mut errors, "words", words, "say why");
    valid(errors)?;
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let missing = || EditError::NotFound("declared event");
        let found = declared_event_list(db)?.into_iter().find(|one| one.row.id == id).ok_or_else(missing)?;
        let own = found.row.requested_by_id == viewer.user_id;
        let next = after(found.state, decision, own)?;
        declared_event_decision_insert(
            db,
            &EventDecisionRow {
                declared_event_id: id,
                seq: found.decisions.last().map_or(0, |last| last.seq).saturating_add(1),
                kind: next.code().to_owned(),
                words: words.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let changes = next == Decision::Approved || found.state == Some(Decision::Approved);
        let marked = if changes { mark_scope(db, &found.row.event()?)? } else { 0 };
        let action = format!("declared_event.{}", next.code().to_lowercase());
        let told = format!("{}; {} to be judged again", words.trim(), words::many(marked, "partner day"));
        log(app, db, viewer, &action, &found.row, &told)?;
        Ok(marked)
    })
}

/// Marks the days whose stops may be in the event's scope by day and partner; the refresh looks at place and mode.
fn mark_scope(db: &mut Db, event: &DeclaredEvent) -> Result<usize, DbError> {
    let days = (event.first_day, event.last_day);
    let cells: BTreeSet<StaleCell> = cells_due_between(db, days, LONGEST_TRANSIT_DAYS)?
        .into_iter()
        .filter(|cell| event.scope.partners.is_empty() || event.scope.partners.contains(&cell.partner_id))
        .collect();
    stale_mark(db, Source::Shipments, &cells)?;
    Ok(cells.len())
}

/// Every event, the newest first, for the shipper's pages.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn events(db: &mut Db, viewer: &Viewer) -> Result<Vec<Declared>, EditError> {
    allowed(viewer, Action::ViewScorecards)?;
    Ok(declared_event_list(db)?)
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    action: &str,
    row: &EventRow,
    detail: &str,
) -> Result<(), DbError> {
    let subject = format!("declared event {}", row.name);
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: None, detail })
}
