//! Accessorial events of shipments that are there already: what happened and may be charged.

use std::collections::{BTreeSet, HashMap};

use chrono_tz::Tz;

use super::batch::{
    Batch, Counts, FactHasher, Input, Run, check_currency, fact_text, micros, pipeline, repeated, small,
    some_text, sort_out, text,
};
use super::events::find_named_shipment;
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::db::Db;
use crate::db::accessorial::{AccessorialEventRow, event_by_key, event_replace, events_insert};
use crate::db::dialect::FactTable;
use crate::db::dimension::Dimensions;
use crate::db::setting::reporting_currency;
use crate::db::shipment::{Source, StaleCell, shipment_of_partner, stale_mark};
use crate::db::types::{Day, Instant};
use crate::domain::outcome::local_day;
use crate::domain::quantity::QUANTITY_MAX;
use crate::domain::words;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, accessorials as f};

/// Latest stop an event can be of; the engine counts stops in sixteen bits.
const STOP_MAX: i64 = 1_000;

struct Draft {
    partner: String,
    shipment: String,
    source: Option<String>,
    row: AccessorialEventRow,
}

/// Loads a file of accessorial events.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let currency = reporting_currency(db)?;
    let mut writer =
        Writer { run, dimensions: Dimensions::load(db, &run.app.ids, run.now)?, seen: SeenKeys::default() };
    let hasher = FactHasher::new(ImportKind::Accessorials);
    let zone = run.request.mapping.zone;
    pipeline(
        db,
        run,
        input,
        move |fields| draft(fields, &hasher, &currency, zone),
        |db, batch| writer.write(db, batch),
    )
}

fn draft(
    fields: &Fields,
    hasher: &FactHasher,
    reporting: &str,
    zone: Option<chrono_tz::Tz>,
) -> Result<Draft, RowError> {
    let stop = fields.int(f::STOP).unwrap_or(1);
    if stop > STOP_MAX {
        return Err(RowError::field("stop", &stop.to_string(), format!("stops go up to {STOP_MAX}")));
    }
    let mut row = AccessorialEventRow {
        partner_id: 0,
        shipment_id: 0,
        id: 0,
        source_id: 0,
        reference: text(fields, f::REFERENCE),
        fact_hash: hasher.hash(fields),
        version: 1,
        import_id: 0,
        import_row: 0,
        code: text(fields, f::CODE),
        stop: small("stop", Some(stop - 1))?.unwrap_or(0),
        event_day: fields.day(f::HAPPENED_ON).map(Day),
        measure: String::new(),
        quantity_micros: quantity("quantity", fields, f::QUANTITY)?,
        unit: some_text(fields, f::UNIT),
        minutes: small("minutes", fields.int(f::MINUTES))?.map(i64::from),
        cost_micros: quantity("cost", fields, f::COST)?,
        currency: None,
        arrived_at: time("arrived_at", fields, f::ARRIVED_AT)?,
        appointment_start: time("appointment_start", fields, f::APPOINTMENT_START)?,
        appointment_end: time("appointment_end", fields, f::APPOINTMENT_END)?,
        notified_at: time("notified_at", fields, f::NOTIFIED_AT)?,
        work_started_at: time("work_started_at", fields, f::WORK_STARTED_AT)?,
        departed_at: time("departed_at", fields, f::DEPARTED_AT)?,
        authorised: fields.yes(f::AUTHORISED).unwrap_or(false),
        notified: fields.yes(f::NOTIFIED).unwrap_or_else(|| !fields.is_blank(f::NOTIFIED_AT)),
        proven: fields.yes(f::PROVEN).unwrap_or(false),
        withdrawn: fields.yes(f::WITHDRAWN).unwrap_or(false),
    };
    let zone = fields.zone(f::ZONE).or(zone);
    row.measure = measure(&row, zone.unwrap_or(Tz::UTC))?.to_owned();
    if row.cost_micros.is_some() {
        // A receipt may be in any currency: it is priced in the contract's or not at all, and summed nowhere.
        let currency = fields.text(f::CURRENCY).unwrap_or(reporting);
        check_currency(Some(currency), reporting, false)?;
        row.currency = Some(currency.to_owned());
    } else if let Some(currency) = fields.text(f::CURRENCY) {
        return Err(RowError::field("currency", currency, "only a cost has a currency; leave it blank"));
    }
    if row.event_day.is_none() {
        row.event_day = row.arrived_at.zip(zone).map(|(at, zone)| Day(local_day(at.0, zone)));
    }
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        shipment: text(fields, f::SHIPMENT),
        source: some_text(fields, f::SOURCE),
        row,
    })
}

/// A number no larger than the engine prices.
fn quantity(name: &str, fields: &Fields, field: Field) -> Result<Option<i64>, RowError> {
    let found = micros(name, fields.decimal(field))?;
    if let Some(large) = found.filter(|found| *found > QUANTITY_MAX) {
        return Err(RowError::field(name, &large.to_string(), "is too large to be true"));
    }
    Ok(found.map(|found| found.0))
}

/// A time of the clock, which a date alone is not.
fn time(name: &str, fields: &Fields, field: Field) -> Result<Option<Instant>, RowError> {
    match fields.instant(field) {
        Some(at) if at.date_only => {
            Err(RowError::field(name, "", "a stay is counted in minutes, so give the time beside the date"))
        }
        found => Ok(found.map(|at| Instant(at.utc))),
    }
}

/// Which of the measures the row gives, and that it gives one only.
fn measure(row: &AccessorialEventRow, zone: Tz) -> Result<&'static str, RowError> {
    let stayed = row.arrived_at.or(row.departed_at).is_some();
    let given = [
        ("quantity", "QUANTITY", row.quantity_micros.is_some()),
        ("minutes", "MINUTES", row.minutes.is_some()),
        ("cost", "COST", row.cost_micros.is_some()),
        ("arrived_at", "STAY", stayed),
    ];
    let mut given = given.into_iter().filter(|(_, _, given)| *given);
    let first = given.next();
    if let (Some((one, ..)), Some((other, ..))) = (first, given.next()) {
        let reason = format!("{one} is given too, and an event has one measure; keep one of them");
        return Err(RowError::field(other, "", reason));
    }
    if row.unit.is_some() && row.quantity_micros.is_none() {
        let unit = row.unit.as_deref().unwrap_or_default();
        return Err(RowError::field("unit", unit, "there is no quantity for it; give both or none"));
    }
    if stayed {
        stay(row, zone)?;
    } else {
        let alone = [
            ("appointment_start", row.appointment_start),
            ("appointment_end", row.appointment_end),
            ("work_started_at", row.work_started_at),
        ];
        if let Some((name, _)) = alone.into_iter().find(|(_, at)| at.is_some()) {
            return Err(RowError::field(
                name,
                "",
                "there is no stay for it; give arrived_at and departed_at",
            ));
        }
    }
    Ok(first.map_or("ONCE", |(_, measure, _)| measure))
}

/// Whether the times of a stay can be true together.
fn stay(row: &AccessorialEventRow, zone: Tz) -> Result<(), RowError> {
    let Some(arrived) = row.arrived_at else {
        return Err(RowError::field("arrived_at", "", "a stay needs the arrival beside the departure"));
    };
    let Some(departed) = row.departed_at else {
        return Err(RowError::field("departed_at", "", "a stay needs the departure beside the arrival"));
    };
    let told = |at: Instant| words::instant(at.0, zone);
    if departed < arrived {
        let reason = format!("the departure lies before the arrival at {}", told(arrived));
        return Err(RowError::field("departed_at", "", reason));
    }
    for (name, at) in [("work_started_at", row.work_started_at), ("notified_at", row.notified_at)] {
        if at.is_some_and(|at| at > departed) {
            let reason = format!("lies after the departure at {}", told(departed));
            return Err(RowError::field(name, "", reason));
        }
    }
    match (row.appointment_start, row.appointment_end) {
        (Some(start), Some(end)) if end < start => {
            let reason = format!("the appointment ends before it starts at {}", told(start));
            Err(RowError::field("appointment_end", "", reason))
        }
        _ => Ok(()),
    }
}

struct Writer<'a> {
    run: &'a Run<'a>,
    dimensions: Dimensions<'a>,
    seen: SeenKeys,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, batch: &mut Batch<Draft>) -> Result<Counts, ImportError> {
        let mut rows = Vec::with_capacity(batch.drafts.len());
        // The day of each shipment named, by partner and id.
        let mut days: HashMap<(i64, i64), Day> = HashMap::new();
        for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
            let Ok(draft) = slot else { continue };
            match self.complete(db, draft, record.number(), &mut days)? {
                Ok(row) => rows.push(row),
                Err(error) => *slot = Err(error),
            }
        }
        let sorted = sort_out(db, FactTable::AccessorialEvents, rows, |row| {
            ((row.partner_id, row.source_id, row.reference.as_str()), row.fact_hash)
        })?;
        let mut counts = Counts { same: sorted.same, ..Counts::default() };
        let mut touched: BTreeSet<(i64, i64)> = BTreeSet::new();
        for row in &sorted.changed {
            // An event that moved away leaves a shipment to be priced again too.
            touched.extend(self.replace(db, row)?.map(|old| (old.partner_id, old.shipment_id)));
            touched.insert((row.partner_id, row.shipment_id));
            counts.changed += 1;
        }
        events_insert(db, &sorted.new)?;
        counts.new += u64::try_from(sorted.new.len()).unwrap_or(0);
        touched.extend(sorted.new.iter().map(|row| (row.partner_id, row.shipment_id)));
        let mut stale = BTreeSet::new();
        for (partner_id, shipment_id) in touched {
            let day = match days.get(&(partner_id, shipment_id)) {
                Some(day) => Some(*day),
                None => shipment_of_partner(db, partner_id, shipment_id)?.map(|row| row.obligation_day),
            };
            stale.extend(day.map(|day| StaleCell { partner_id, day: day.0 }));
        }
        stale_mark(db, Source::Shipments, &stale)?;
        Ok(counts)
    }

    fn complete(
        &mut self,
        db: &mut Db,
        draft: &Draft,
        number: u64,
        days: &mut HashMap<(i64, i64), Day>,
    ) -> Result<Result<AccessorialEventRow, RowError>, ImportError> {
        let (source, dimensions) = (draft.source.as_deref(), &mut self.dimensions);
        let shipment = match find_named_shipment(db, dimensions, &draft.partner, &draft.shipment, source)? {
            Ok(shipment) => shipment,
            Err(error) => return Ok(Err(error)),
        };
        let source = draft.source.as_deref().unwrap_or(&self.run.request.mapping.source);
        let source_id = self.dimensions.source(db, source)?;
        if let Some(first) = self.seen.note((shipment.partner_id, source_id, &draft.row.reference), number) {
            return Ok(Err(repeated(&draft.row.reference, first, number)));
        }
        days.insert((shipment.partner_id, shipment.id), shipment.obligation_day);
        Ok(Ok(AccessorialEventRow {
            partner_id: shipment.partner_id,
            shipment_id: shipment.id,
            id: self.run.app.ids.next(self.run.now),
            source_id,
            import_id: self.run.import_id,
            import_row: i64::try_from(number).unwrap_or(i64::MAX),
            ..draft.row.clone()
        }))
    }

    /// Returns the event as it stood before.
    fn replace(
        &self,
        db: &mut Db,
        row: &AccessorialEventRow,
    ) -> Result<Option<AccessorialEventRow>, ImportError> {
        let Some(old) = event_by_key(db, row.partner_id, row.source_id, &row.reference)? else {
            return Ok(None);
        };
        let new = AccessorialEventRow { id: old.id, version: old.version + 1, ..row.clone() };
        let fact = fact_text(&old, "accessorial event", &old.reference)?;
        event_replace(db, &old, &new, self.run.now, &fact)?;
        Ok(Some(old))
    }
}
