//! Events of shipments that are there already. All are kept; one of each kind wins.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use diesel::QueryResult;

use super::batch::{Batch, Counts, Input, Run, pipeline, some_text, text};
use super::{ImportError, ImportReport};
use crate::db::Db;
use crate::db::dimension::Dimensions;
use crate::db::shipment::{ShipmentRow, Source, StaleCell, shipments_by_reference, stale_mark};
use crate::db::side::{EventRow, event_insert, events_of, shipment_winners_write};
use crate::db::types::Instant;
use crate::domain::shipment::{DateOnly, FUTURE_TOLERANCE_MINUTES, Milestones};
use crate::domain::viewer::Viewer;
use crate::feeds::RowError;
use crate::feeds::fields::{Fields, Instant as FeedInstant};
use crate::feeds::kind::{REPORTERS, events as f};

/// Reporter of an event whose feed does not say.
const DEFAULT_REPORTER: &str = "EDI";

struct Draft {
    partner: String,
    reference: String,
    source: Option<String>,
    kind: String,
    event: FeedInstant,
    received_at: Option<DateTime<Utc>>,
    reporter: String,
    reason: Option<String>,
}

/// Loads a file of events.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let mut dimensions = Dimensions::load(db, &run.app.ids, run.now)?;
    pipeline(db, run, input, draft, |db, batch| write(db, run, &mut dimensions, batch))
}

fn draft(fields: &Fields) -> Result<Draft, RowError> {
    let event = fields
        .instant(f::EVENT_AT)
        .ok_or_else(|| RowError::field("event_at", "", "an event needs its time"))?;
    let received_at = fields.instant(f::RECEIVED_AT).map(|instant| instant.utc);
    let too_early = |received: DateTime<Utc>| {
        event.utc.signed_duration_since(received) > TimeDelta::minutes(FUTURE_TOLERANCE_MINUTES)
    };
    if !event.date_only && received_at.is_some_and(too_early) {
        let reason = format!("happened more than {FUTURE_TOLERANCE_MINUTES} minutes after it was reported");
        return Err(RowError::field("event_at", "", reason));
    }
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        reference: text(fields, f::REFERENCE),
        source: some_text(fields, f::SOURCE),
        kind: text(fields, f::TYPE),
        event,
        received_at,
        reporter: some_text(fields, f::REPORTER).unwrap_or_else(|| DEFAULT_REPORTER.to_owned()),
        reason: some_text(fields, f::REASON),
    })
}

fn write(
    db: &mut Db,
    run: &Run<'_>,
    dimensions: &mut Dimensions<'_>,
    batch: &mut Batch<Draft>,
) -> Result<Counts, ImportError> {
    let mut counts = Counts::default();
    let mut stale = BTreeSet::new();
    for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
        let Ok(draft) = slot else { continue };
        match write_one(db, run, dimensions, draft, record.number())? {
            Err(error) => *slot = Err(error),
            Ok(None) => counts.same += 1,
            Ok(Some(cell)) => {
                counts.new += 1;
                stale.insert(cell);
            }
        }
    }
    stale_mark(db, Source::Shipments, &stale)?;
    Ok(counts)
}

fn write_one(
    db: &mut Db,
    run: &Run<'_>,
    dimensions: &mut Dimensions<'_>,
    draft: &Draft,
    number: u64,
) -> Result<Result<Option<StaleCell>, RowError>, ImportError> {
    let mut shipment =
        match find_shipment(db, dimensions, &draft.partner, &draft.reference, draft.source.as_deref())? {
            Ok(shipment) => shipment,
            Err(error) => return Ok(Err(error)),
        };
    let source = draft.source.as_deref().unwrap_or(&run.request.mapping.source);
    let event = EventRow {
        partner_id: shipment.partner_id,
        shipment_id: shipment.id,
        id: run.app.ids.next(run.now),
        source_id: dimensions.source(db, source)?,
        kind: draft.kind.clone(),
        event_at: Instant(draft.event.utc),
        received_at: draft.received_at.map(Instant),
        date_only: draft.event.date_only,
        reporter: draft.reporter.clone(),
        reason: draft.reason.clone(),
        import_id: run.import_id,
        import_row: i64::try_from(number).unwrap_or(i64::MAX),
    };
    let mut known = events_of(db, shipment.partner_id, shipment.id)?;
    if known.iter().any(|old| says_the_same(old, &event)) {
        return Ok(Ok(None));
    }
    known.push(event.clone());
    apply(&known, &mut shipment);
    if let Err(contradiction) = reported(&shipment).check() {
        return Ok(Err(RowError::field(
            "event_at",
            &draft.event.utc.to_rfc3339(),
            contradiction.to_string(),
        )));
    }
    event_insert(db, &event)?;
    shipment_winners_write(db, &shipment)?;
    Ok(Ok(Some(StaleCell { partner_id: shipment.partner_id, day: shipment.obligation_day.0 })))
}

/// What is reported of a shipment, for the check whether it can be true together.
fn reported(row: &ShipmentRow) -> Milestones {
    let at = |at: Option<Instant>| at.map(|at| at.0);
    Milestones {
        delivery_due_day: Some(row.obligation_day.0),
        pickup_arrived_at: at(row.pickup_arrived_at),
        pickup_arrived_received_at: at(row.pickup_arrived_received_at),
        picked_up_at: at(row.picked_up_at),
        arrived_at: at(row.arrived_at),
        arrived_received_at: at(row.arrived_received_at),
        delivered_at: at(row.delivered_at),
        delivered_received_at: at(row.delivered_received_at),
        date_only: DateOnly(row.date_only),
        ..Milestones::default()
    }
}

fn says_the_same(old: &EventRow, new: &EventRow) -> bool {
    old.kind == new.kind
        && old.event_at == new.event_at
        && old.received_at == new.received_at
        && old.reporter == new.reporter
}

/// The shipment that an event or a charge names, or why there is no single one.
pub fn find_shipment(
    db: &mut Db,
    dimensions: &mut Dimensions<'_>,
    partner: &str,
    reference: &str,
    source: Option<&str>,
) -> Result<Result<ShipmentRow, RowError>, ImportError> {
    let Some(partner_id) = dimensions.partner(partner) else {
        return Ok(Err(RowError::field("partner", partner, "no partner has this code, name or alias")));
    };
    let mut found = shipments_by_reference(db, &Viewer::system(), partner_id, reference)?;
    if let (Some(source), true) = (source, found.len() > 1) {
        let source_id = dimensions.source(db, source)?;
        found.retain(|row| row.source_id == source_id);
    }
    if found.len() > 1 {
        let reason = "several feeds have a shipment of this reference; give the source column";
        return Ok(Err(RowError::field("reference", reference, reason)));
    }
    Ok(found.pop().ok_or_else(|| {
        RowError::field("reference", reference, "no shipment has this reference; import the shipments first")
    }))
}

/// The same for a line that names its shipment in a field of its own, `reference` being the line's.
pub fn find_named_shipment(
    db: &mut Db,
    dimensions: &mut Dimensions<'_>,
    partner: &str,
    shipment: &str,
    source: Option<&str>,
) -> Result<Result<ShipmentRow, RowError>, ImportError> {
    let found = find_shipment(db, dimensions, partner, shipment, source)?;
    Ok(found.map_err(|error| match error.named_field() {
        Some("reference") => RowError::field("shipment", &error.value, error.reason),
        _ => error,
    }))
}

/// Lets the winning events of a shipment decide its milestones (DOMAIN §1.1: precedence by reporter,
/// then the latest report).
pub fn apply_known(db: &mut Db, row: &mut ShipmentRow) -> QueryResult<()> {
    apply(&events_of(db, row.partner_id, row.id)?, row);
    Ok(())
}

fn apply(events: &[EventRow], row: &mut ShipmentRow) {
    let winner = |kind: &str| {
        events.iter().filter(|event| event.kind == kind).min_by_key(|event| {
            (rank(&event.reporter), std::cmp::Reverse(event.received_at), std::cmp::Reverse(event.id))
        })
    };
    let mut flags = row.date_only;
    let mut flag = |event: &EventRow, bit: i32| {
        flags = if event.date_only { flags | bit } else { flags & !bit };
    };
    if let Some(event) = winner("PICKUP_ARRIVED") {
        (row.pickup_arrived_at, row.pickup_arrived_received_at) = (Some(event.event_at), event.received_at);
        flag(event, DateOnly::PICKUP_ARRIVED);
    }
    if let Some(event) = winner("PICKED_UP") {
        row.picked_up_at = Some(event.event_at);
        flag(event, DateOnly::PICKED_UP);
    }
    if let Some(event) = winner("ARRIVED") {
        (row.arrived_at, row.arrived_received_at) = (Some(event.event_at), event.received_at);
        flag(event, DateOnly::ARRIVED);
    }
    if let Some(event) = winner("DELIVERED") {
        (row.delivered_at, row.delivered_received_at) = (Some(event.event_at), event.received_at);
        row.disposition = Some("DELIVERED".to_owned());
        flag(event, DateOnly::DELIVERED);
    }
    row.date_only = flags;
    row.station_arrived_at = winner("STATION_ARRIVED").map(|event| event.event_at).or(row.station_arrived_at);
    row.out_for_delivery_at =
        winner("OUT_FOR_DELIVERY").map(|event| event.event_at).or(row.out_for_delivery_at);
    if winner("RETURNED").is_some() {
        row.disposition = Some("RETURNED".to_owned());
    }
    if winner("DIVERTED").is_some() && row.diverted_by.is_none() {
        // Who caused it is the carrier until evidence says otherwise (DOMAIN §1.2, attribution UNKNOWN).
        row.diverted_by = Some("CARRIER".to_owned());
    }
}

fn rank(reporter: &str) -> usize {
    match reporter {
        // EDI and API messages rank the same; the later report wins between them.
        "API" => rank("EDI"),
        _ => REPORTERS.iter().position(|known| *known == reporter).unwrap_or(REPORTERS.len()),
    }
}
