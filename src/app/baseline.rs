//! Commitments that were changed: the statements beside a shipment, and the baseline on it that they come to.

use std::collections::HashMap;

use chrono_tz::Tz;

use crate::db::baseline::{CommitmentRow, commitments_of, committed_shipments};
use crate::db::dimension::zones_by_id;
use crate::db::shipment::{ShipmentRow, shipment_by_key};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::baseline::{Asked, Baseline, Statement, StopPurpose, StopWindow, baseline};
use crate::domain::shipment::{DateOnly, Milestones};
use crate::domain::viewer::Viewer;

/// Shipments whose baseline one query of a check reads.
const CHECKED_AT_ONCE: i64 = 1_000;

/// Zones of a shipment's pickup and delivery.
pub type StopZones = (Option<Tz>, Option<Tz>);

/// The zones of a stored shipment.
#[must_use]
pub fn stop_zones(row: &ShipmentRow, zones: &HashMap<i32, Tz>) -> StopZones {
    let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
    (zone(row.pickup_zone_id), zone(row.delivery_zone_id))
}

/// The zone in which a stop's days end: its own, else the other stop's, else UTC.
fn zone_of(stop: StopPurpose, (pickup, delivery): StopZones) -> Tz {
    match stop {
        StopPurpose::Pickup => pickup.or(delivery),
        StopPurpose::Delivery => delivery.or(pickup),
    }
    .unwrap_or(Tz::UTC)
}

/// What a shipment's row carries for a stop.
#[must_use]
pub fn window_of(row: &ShipmentRow, stop: StopPurpose) -> StopWindow {
    let (start, end, day) = match stop {
        StopPurpose::Pickup => (row.pickup_window_start, row.pickup_window_end, row.pickup_due_day),
        StopPurpose::Delivery => (row.delivery_window_start, row.delivery_window_end, row.delivery_due_day),
    };
    StopWindow { start: start.map(|at| at.0), end: end.map(|at| at.0), due_day: day.map(|day| day.0) }
}

/// Writes what a stop is judged by into a shipment's row.
pub fn set_window(row: &mut ShipmentRow, stop: StopPurpose, window: StopWindow) {
    let (start, end, day) = (window.start.map(Instant), window.end.map(Instant), window.due_day.map(Day));
    match stop {
        StopPurpose::Pickup => {
            (row.pickup_window_start, row.pickup_window_end, row.pickup_due_day) = (start, end, day);
        }
        StopPurpose::Delivery => {
            (row.delivery_window_start, row.delivery_window_end, row.delivery_due_day) = (start, end, day);
        }
    }
}

/// A stored row as a statement of the rule.
///
/// # Errors
/// A stored word that is none of the known ones.
pub fn statement(row: &CommitmentRow) -> Result<(StopPurpose, Statement), DbError> {
    let bad = |error: crate::domain::field::BadCode| DbError::Stored {
        what: format!("a commitment of shipment {}", row.reference),
        reason: error.to_string(),
    };
    let stop = row.stop.parse().map_err(bad)?;
    let by = row.requested_by.as_deref().map(str::parse).transpose().map_err(bad)?;
    let asked = by.zip(row.set_at).map(|(by, set_at)| Asked { set_at: set_at.0, by });
    let window = StopWindow {
        start: row.window_start.map(|at| at.0),
        end: row.window_end.map(|at| at.0),
        due_day: row.due_day.map(|day| day.0),
    };
    Ok((stop, Statement { window, asked }))
}

/// The statements about one stop, with their rows, in order of arrival.
///
/// # Errors
/// A stored word that is none of the known ones.
pub fn statements_about(
    rows: &[CommitmentRow],
    stop: StopPurpose,
) -> Result<Vec<(&CommitmentRow, Statement)>, DbError> {
    let mut found = Vec::new();
    for row in rows {
        let (about, statement) = statement(row)?;
        if about == stop {
            found.push((row, statement));
        }
    }
    Ok(found)
}

/// Rules on the statements about one stop; none without any.
#[must_use]
pub fn ruled(statements: &[Statement], stop: StopPurpose, zones: StopZones) -> Option<Baseline> {
    (!statements.is_empty()).then(|| baseline(statements, zone_of(stop, zones)))
}

/// Commitments and events of a stored shipment, for the evaluator. What a declared event takes out is not on the row:
/// [`super::declared_event::Standing`] adds it.
#[must_use]
pub fn milestones_of(row: &ShipmentRow, (pickup_zone, delivery_zone): StopZones) -> Milestones {
    let at = |at: Option<Instant>| at.map(|at| at.0);
    Milestones {
        pickup_zone,
        delivery_zone,
        pickup_window_start: at(row.pickup_window_start),
        pickup_window_end: at(row.pickup_window_end),
        pickup_due_day: row.pickup_due_day.map(|day| day.0),
        delivery_window_start: at(row.delivery_window_start),
        delivery_window_end: at(row.delivery_window_end),
        delivery_due_day: row.delivery_due_day.map(|day| day.0),
        pickup_arrived_at: at(row.pickup_arrived_at),
        pickup_arrived_received_at: at(row.pickup_arrived_received_at),
        picked_up_at: at(row.picked_up_at),
        arrived_at: at(row.arrived_at),
        arrived_received_at: at(row.arrived_received_at),
        delivered_at: at(row.delivered_at),
        delivered_received_at: at(row.delivered_received_at),
        station_arrived_at: at(row.station_arrived_at),
        out_for_delivery_at: at(row.out_for_delivery_at),
        cancelled_at: at(row.cancelled_at),
        date_only: DateOnly(row.date_only),
        pickup_excused: row.pickup_exclusion.is_some(),
        delivery_excused: row.delivery_exclusion.is_some(),
        pickup_declared: false,
        delivery_declared: false,
    }
}

/// The day a row counts for by its own commitments and events; none when nothing says so.
#[must_use]
pub fn obligation_day(row: &ShipmentRow, zones: StopZones) -> Option<Day> {
    milestones_of(row, zones).obligation_day().map(Day)
}

/// Rules again on every shipment with statements and says whose stored commitment is another one. Reads only.
/// Returns how many shipments were looked at, and one line a difference.
///
/// # Errors
/// The database's reason.
pub fn baselines_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let zones = zones_by_id(db)?;
    let (mut looked, mut problems, mut after) = (0, Vec::new(), (i64::MIN, i64::MIN));
    loop {
        let next = committed_shipments(db, after, CHECKED_AT_ONCE)?;
        let Some(&(partner_id, shipment_id, ..)) = next.last() else { return Ok((looked, problems)) };
        after = (partner_id, shipment_id);
        for (partner_id, shipment_id, source_id, reference) in next {
            looked += 1;
            let rows = commitments_of(db, &Viewer::system(), partner_id, shipment_id)?;
            let row = shipment_by_key(db, partner_id, source_id, &reference)?;
            let Some(row) = row.filter(|row| row.id == shipment_id) else {
                problems
                    .push(format!("shipment {reference}: its commitments are stored, but not the shipment"));
                continue;
            };
            for stop in StopPurpose::ALL.iter().copied() {
                let about: Vec<Statement> =
                    statements_about(&rows, stop)?.into_iter().map(|(_, statement)| statement).collect();
                let Some(found) = ruled(&about, stop, stop_zones(&row, &zones)) else { continue };
                if found.window != window_of(&row, stop) {
                    problems.push(format!(
                        "shipment {reference}: the stored {} commitment is not the one its changes come to",
                        stop.label().to_lowercase()
                    ));
                }
            }
        }
    }
}
