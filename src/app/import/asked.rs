//! What a row of shipments says about who asked for its commitments, and what becomes of the baseline.

use std::collections::HashMap;

use super::batch::{Run, some_text};
use crate::app::baseline::{StopZones, obligation_day, ruled, set_window, statements_about, window_of};
use crate::db::DbError;
use crate::db::baseline::CommitmentRow;
use crate::db::shipment::ShipmentRow;
use crate::db::types::{Day, Instant};
use crate::domain::baseline::{Asked, Requester, Statement, StopPurpose, is_news};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, shipments as f};

/// Who asked for the commitment of one stop.
#[derive(Clone, Debug)]
pub struct Ask {
    asked: Asked,
    reason: Option<String>,
}

/// Who asked, for each stop that says so.
pub type Asks = HashMap<StopPurpose, Ask>;

struct Columns {
    stop: StopPurpose,
    requested_by: (&'static str, Field),
    set_at: (&'static str, Field),
    reason: Field,
    window: [Field; 2],
}

const STOPS: [Columns; 2] = [
    Columns {
        stop: StopPurpose::Pickup,
        requested_by: ("pickup_requested_by", f::PICKUP_REQUESTED_BY),
        set_at: ("pickup_set_at", f::PICKUP_SET_AT),
        reason: f::PICKUP_CHANGE_REASON,
        window: [f::PICKUP_WINDOW_END, f::PICKUP_DUE_DATE],
    },
    Columns {
        stop: StopPurpose::Delivery,
        requested_by: ("delivery_requested_by", f::DELIVERY_REQUESTED_BY),
        set_at: ("delivery_set_at", f::DELIVERY_SET_AT),
        reason: f::DELIVERY_CHANGE_REASON,
        window: [f::DELIVERY_WINDOW_END, f::DELIVERY_DUE_DATE],
    },
];

/// Who asked, as the row says; empty, and without an allocation, when it says nothing.
pub fn asks(fields: &Fields) -> Result<Asks, RowError> {
    let mut found = Asks::new();
    for Columns { stop, requested_by, set_at, reason, window } in STOPS {
        let Some(word) = fields.text(requested_by.1) else { continue };
        let by: Requester = word.parse().map_err(|error: crate::domain::field::BadCode| {
            RowError::field(requested_by.0, word, error.to_string())
        })?;
        let Some(at) = fields.instant(set_at.1) else {
            let reason = format!(
                "{} asked for a change, and the row does not say when it was set; give {}, since a change \
                 counts only until the window closes",
                by.label(),
                set_at.0
            );
            return Err(RowError::field(set_at.0, "", reason));
        };
        if window.iter().all(|field| fields.is_blank(*field)) {
            let reason = format!(
                "the row says who asked for a change and gives no {} window or day; give the one asked for",
                stop.label().to_lowercase()
            );
            return Err(RowError::field(requested_by.0, word, reason));
        }
        if at.date_only {
            let reason = format!(
                "a day without a time does not say whether {} asked before the window closed, nor which of two changes \
                 of one day came later; give the time of day too",
                by.label()
            );
            return Err(RowError::field(set_at.0, "", reason));
        }
        let ask = Ask { asked: Asked { set_at: at.utc, by }, reason: some_text(fields, reason) };
        found.insert(stop, ask);
    }
    Ok(found)
}

/// Adds what the row says to what is known of the shipment, rules, and writes the baseline and the day it counts for
/// into the row. Returns the statements that are new.
///
/// `old` is the shipment as stored, if it is: what it carries is the original of a stop that had no statement yet.
pub fn settle(
    run: &Run<'_>,
    row: &mut ShipmentRow,
    old: Option<&ShipmentRow>,
    known: &[CommitmentRow],
    asks: &Asks,
    zones: StopZones,
) -> Result<Vec<CommitmentRow>, DbError> {
    let mut new = Vec::new();
    for stop in StopPurpose::ALL.iter().copied() {
        let ask = asks.get(&stop);
        let mut said: Vec<Statement> =
            statements_about(known, stop)?.into_iter().map(|(_, statement)| statement).collect();
        if said.is_empty() && ask.is_none() {
            continue;
        }
        let original = old.map(|old| (old, Statement { window: window_of(old, stop), asked: None }));
        // A shipment that carried no commitment so far says nothing.
        if let Some((old, original)) =
            original.filter(|(_, original)| said.is_empty() && is_news(&said, original))
        {
            new.push(stored(run, row, (old.import_id, old.import_row), stop, &original, None));
            said.push(original);
        }
        let stated = Statement { window: window_of(row, stop), asked: ask.map(|ask| ask.asked) };
        if is_news(&said, &stated) {
            let reason = ask.and_then(|ask| ask.reason.clone());
            new.push(stored(run, row, (row.import_id, row.import_row), stop, &stated, reason));
            said.push(stated);
        }
        if let Some(found) = ruled(&said, stop, zones) {
            set_window(row, stop, found.window);
        }
    }
    // Without a baseline and without an event the day that is planned has to do.
    row.obligation_day = obligation_day(row, zones).unwrap_or(row.obligation_day);
    Ok(new)
}

fn stored(
    run: &Run<'_>,
    shipment: &ShipmentRow,
    (import_id, import_row): (i64, i64),
    stop: StopPurpose,
    said: &Statement,
    reason: Option<String>,
) -> CommitmentRow {
    CommitmentRow {
        partner_id: shipment.partner_id,
        shipment_id: shipment.id,
        id: run.app.ids.next(run.now),
        source_id: shipment.source_id,
        reference: shipment.reference.clone(),
        stop: stop.code().to_owned(),
        requested_by: said.asked.map(|asked| asked.by.code().to_owned()),
        set_at: said.asked.map(|asked| Instant(asked.set_at)),
        window_start: said.window.start.map(Instant),
        window_end: said.window.end.map(Instant),
        due_day: said.window.due_day.map(Day),
        reason,
        import_id,
        import_row,
    }
}
