//! Shipments: the wide row, new or a new version of one that is there.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::asked::{Asks, asks, settle};
use super::batch::{
    Batch, Counts, FactHasher, Input, Run, Stages, check_currency, fact_text, micros, partner, pipeline,
    pipeline_of_first_load, repeated, small, some_text, sort_out, text, thousandths,
};
use super::papers::{Columns, papers};
use super::particulars::OF_SHIPMENTS;
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::app::baseline::{StopZones, stop_zones};
use crate::app::exclusion::kept;
use crate::app::refresh::load::{Known, LoadSums, Named, Slice};
use crate::db::baseline::{CommitmentRow, any_commitments, commitments_insert, commitments_of};
use crate::db::dialect::{
    FactTable, bulk_writer_settings, shipment_indexes_drop, shipment_indexes_ensure,
    shipment_indexes_ensure_but_last, stores_beside,
};
use crate::db::dimension::{Dimensions, LaneNames, zones_by_id};
use crate::db::exclusion::any_exclusions;
use crate::db::fold::ShipmentKey;
use crate::db::invoice::reach::invoices_numbered_mark;
use crate::db::papers::{PapersRows, any_papers, papers_delete, papers_insert, papers_unscoped};
use crate::db::particulars::{
    ParticularsRow, any_particulars, particulars_delete, particulars_insert, particulars_of,
};
use crate::db::quality::{QualityRow, any_quality, quality_delete, quality_insert, quality_of};
use crate::db::setting::reporting_currency;
use crate::db::shipment::{
    ShipmentRow, Source, StaleCell, shipment_by_key, shipment_replace, shipments_insert, stale_mark,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::audit::papers::{NumberKey, Papers};
use crate::domain::money::Micros;
use crate::domain::outcome::{EarlyPolicy, OntimeEvent, OutcomePolicy};
use crate::domain::rate::Particulars;
use crate::domain::shipment::{Amounts, DateOnly, Milestones, Verdicts};
use crate::domain::viewer::Viewer;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, shipments as f};

/// A shipment as mapped, before its names are looked up.
pub struct Draft {
    partner: String,
    partner_name: Option<String>,
    source: Option<String>,
    lane: LaneNames,
    milestones: Milestones,
    policy: OutcomePolicy,
    asks: Asks,
    quality: Option<Box<QualityRow>>,
    particulars: Option<Box<Particulars>>,
    papers: Option<Box<Papers>>,
    /// The row as far as it needs no look-up, until it is taken out; boxed, since it is moved often and large.
    row: Option<Box<ShipmentRow>>,
}

/// Loads a file of shipments.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    // An empty table is loaded without its indexes; they are built once, by sorting, at the end.
    if run.first_load {
        shipment_indexes_drop(db)?;
    } else {
        shipment_indexes_ensure(db)?;
    }
    let currency = reporting_currency(db)?;
    let mut writer = Writer {
        run,
        dimensions: Dimensions::load(db, &run.app.ids, run.now)?,
        seen: SeenKeys::default(),
        asked: HashMap::new(),
        quality: HashMap::new(),
        particulars: HashMap::new(),
        any_particulars: any_particulars(db)?,
        papers: HashMap::new(),
        any_papers: any_papers(db)?,
        papers_columns: Columns::of(&input.compiled),
        given_up: BTreeSet::new(),
        any_commitments: any_commitments(db)?,
        any_quality: any_quality(db)?,
        any_exclusions: false,
        source: run.request.mapping.source.clone(),
    };
    let hasher = FactHasher::new(ImportKind::Shipments);
    let (now, zone) = (run.now, run.request.mapping.zone);
    let draft = move |fields: &Fields| draft(fields, &hasher, &currency, zone, now);
    if !run.first_load {
        return pipeline(db, run, input, draft, |db, batch| writer.write(db, batch));
    }
    let mut sums = if run.request.refresh { LoadSums::start(db, run.now)? } else { None };
    let (is_summed, mut named) = (sums.is_some(), Named::default());
    let stages = Stages {
        complete: |db: &mut Db, batch: &mut Batch<Draft>| {
            let rows = writer.complete_batch(db, batch)?;
            let known = if is_summed { named.look_up(db, &rows)? } else { None };
            Ok(Ready { known, ..writer.settled(rows, BTreeSet::new())? })
        },
        sum: |ready: &mut Ready| sums.as_mut().map_or(Ok(()), |sums| Ok(ready.sum(sums)?)),
        store: |db: &mut Db, ready: Ready| ready.store(db),
    };
    let mut beside = stores_beside(db).then(|| run.app.pool.url().connect()).transpose()?;
    if let Some(beside) = &mut beside {
        bulk_writer_settings(beside)?;
    }
    let report = pipeline_of_first_load((db, beside.as_mut()), run, input, draft, stages)?;
    std::thread::scope(|scope| -> Result<(), ImportError> {
        // The server sorts keys on one core while the last sums are written on the other.
        let building = beside.as_mut().map(|beside| scope.spawn(|| shipment_indexes_ensure_but_last(beside)));
        let finished = sums.map_or(Ok(()), |sums| sums.finish(db));
        let built = building.map_or(Ok(()), |building| {
            building.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        finished?;
        Ok(built?)
    })?;
    Ok(report)
}

fn draft(
    fields: &Fields,
    hasher: &FactHasher,
    reporting: &str,
    zone: Option<chrono_tz::Tz>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Draft, RowError> {
    let mut milestones = milestones(fields);
    // A mapping's constant zone is the zone of every stop that names none.
    milestones.pickup_zone = milestones.pickup_zone.or(zone);
    milestones.delivery_zone = milestones.delivery_zone.or(zone);
    milestones.check().map_err(|error| RowError::field(error.field(), "", error.to_string()))?;
    let policy = policy(fields)?;
    let verdicts = milestones.judge(&policy, now);
    let mut row =
        Box::new(ShipmentRow { fact_hash: hasher.hash(fields), version: 1, ..ShipmentRow::default() });
    fill_texts(&mut row, fields);
    fill_numbers(&mut row, fields, reporting)?;
    let quality = quality(fields)?;
    let particulars = OF_SHIPMENTS.read(fields)?.map(Box::new);
    let papers = papers(fields)?;
    fill_times(&mut row, &milestones, &verdicts)?;
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        partner_name: some_text(fields, f::PARTNER_NAME),
        source: some_text(fields, f::SOURCE),
        lane: LaneNames {
            code: text(fields, f::LANE),
            origin: text(fields, f::ORIGIN),
            destination: text(fields, f::DESTINATION),
            region: text(fields, f::REGION),
        },
        milestones,
        policy,
        asks: asks(fields)?,
        quality,
        particulars,
        papers,
        row: Some(row),
    })
}

fn milestones(fields: &Fields) -> Milestones {
    let at = |field: Field| fields.instant(field).map(|instant| instant.utc);
    let mut date_only = DateOnly::default();
    for (field, flag) in [
        (f::PICKUP_ARRIVED_AT, DateOnly::PICKUP_ARRIVED),
        (f::PICKED_UP_AT, DateOnly::PICKED_UP),
        (f::ARRIVED_AT, DateOnly::ARRIVED),
        (f::DELIVERED_AT, DateOnly::DELIVERED),
    ] {
        if fields.instant(field).is_some_and(|instant| instant.date_only) {
            date_only.set(flag);
        }
    }
    Milestones {
        pickup_zone: fields.zone(f::PICKUP_ZONE),
        delivery_zone: fields.zone(f::DELIVERY_ZONE),
        pickup_window_start: at(f::PICKUP_WINDOW_START),
        pickup_window_end: at(f::PICKUP_WINDOW_END),
        pickup_due_day: fields.day(f::PICKUP_DUE_DATE),
        delivery_window_start: at(f::DELIVERY_WINDOW_START),
        delivery_window_end: at(f::DELIVERY_WINDOW_END),
        delivery_due_day: fields.day(f::DELIVERY_DUE_DATE),
        pickup_arrived_at: at(f::PICKUP_ARRIVED_AT),
        pickup_arrived_received_at: at(f::PICKUP_ARRIVED_RECEIVED_AT),
        picked_up_at: at(f::PICKED_UP_AT),
        arrived_at: at(f::ARRIVED_AT),
        arrived_received_at: at(f::ARRIVED_RECEIVED_AT),
        delivered_at: at(f::DELIVERED_AT),
        delivered_received_at: at(f::DELIVERED_RECEIVED_AT),
        station_arrived_at: at(f::STATION_ARRIVED_AT),
        out_for_delivery_at: at(f::OUT_FOR_DELIVERY_AT),
        cancelled_at: at(f::CANCELLED_AT),
        date_only,
        pickup_excused: !fields.is_blank(f::PICKUP_EXCLUSION),
        delivery_excused: !fields.is_blank(f::DELIVERY_EXCLUSION),
        // What a declared event takes out is known to the refresh, which judges every new row.
        pickup_declared: false,
        delivery_declared: false,
    }
}

fn policy(fields: &Fields) -> Result<OutcomePolicy, RowError> {
    let default = OutcomePolicy::default();
    let minutes = |name: &str, field: Field, usual: i32| {
        small(name, fields.int(field)).map(|given| given.unwrap_or(usual))
    };
    Ok(OutcomePolicy {
        grace_early_minutes: minutes(
            "grace_early_minutes",
            f::GRACE_EARLY_MINUTES,
            default.grace_early_minutes,
        )?,
        grace_late_minutes: minutes("grace_late_minutes", f::GRACE_LATE_MINUTES, default.grace_late_minutes)?,
        early_policy: match fields.text(f::EARLY_POLICY) {
            Some("FAIL") => EarlyPolicy::Fail,
            _ => EarlyPolicy::Ignore,
        },
        ontime_event: match fields.text(f::ONTIME_EVENT) {
            Some("COMPLETION") => OntimeEvent::Completion,
            _ => OntimeEvent::Arrival,
        },
        ..default
    })
}

/// What the feed says of the delivery beyond times and amounts; none where it says nothing.
fn quality(fields: &Fields) -> Result<Option<Box<QualityRow>>, RowError> {
    const ALL: [Field; 16] = [
        f::PIECES_DELIVERED,
        f::DELIVERY_CONDITION,
        f::RECEIPT_EXPECTED,
        f::POD_RECEIVED_AT,
        f::POD_CLEAN,
        f::INVOICE_RIGHT,
        f::NOTICE_EXPECTED,
        f::DELAY_NOTICED_AT,
        f::TRANSIT_STANDARD_DAYS,
        f::CO2E_KG,
        f::EMISSION_DISTANCE_KM,
        f::EMISSION_DATA,
        f::STATUSES,
        f::STATUSES_REFUSED,
        f::STATUSES_CORRECTED,
        f::PAID,
    ];
    if ALL.iter().all(|field| fields.is_blank(*field)) {
        return Ok(None);
    }
    let at = |field: Field| fields.instant(field).map(|instant| Instant(instant.utc));
    let (invoiced, paid) = payment(fields)?;
    messages(fields)?;
    Ok(Some(Box::new(QualityRow {
        pieces_delivered: fields.int(f::PIECES_DELIVERED),
        condition: some_text(fields, f::DELIVERY_CONDITION),
        receipt_expected: fields.yes(f::RECEIPT_EXPECTED).unwrap_or(false),
        pod_received_at: at(f::POD_RECEIVED_AT),
        pod_clean: fields.yes(f::POD_CLEAN),
        invoice_right: fields.yes(f::INVOICE_RIGHT),
        notice_expected: fields.yes(f::NOTICE_EXPECTED).unwrap_or(false),
        delay_noticed_at: at(f::DELAY_NOTICED_AT),
        transit_standard_days: small("transit_standard_days", fields.int(f::TRANSIT_STANDARD_DAYS))?,
        co2e_g: thousandths("co2e_kg", fields.decimal(f::CO2E_KG))?,
        emission_distance_m: thousandths("emission_distance_km", fields.decimal(f::EMISSION_DISTANCE_KM))?,
        emission_data: some_text(fields, f::EMISSION_DATA),
        statuses: fields.int(f::STATUSES),
        statuses_refused: fields.int(f::STATUSES_REFUSED),
        statuses_corrected: fields.int(f::STATUSES_CORRECTED),
        invoiced_day: invoiced,
        paid_day: paid,
        ..QualityRow::default()
    })))
}

/// Days of invoice and payment, where it was paid.
fn payment(fields: &Fields) -> Result<(Option<Day>, Option<Day>), RowError> {
    let Some(paid) = fields.day(f::PAID) else { return Ok((None, None)) };
    let Some(invoiced) = fields.day(f::INVOICED) else {
        return Err(RowError::field(
            "paid",
            &paid.to_string(),
            "there is no day of the invoice; give invoiced too",
        ));
    };
    if paid < invoiced {
        let reason = format!("lies before the invoice of {invoiced}");
        return Err(RowError::field("paid", &paid.to_string(), reason));
    }
    Ok((Some(Day(invoiced)), Some(Day(paid))))
}

/// Whether the counts of status messages can be true together.
fn messages(fields: &Fields) -> Result<(), RowError> {
    let wrong = [f::STATUSES_REFUSED, f::STATUSES_CORRECTED].map(|field| fields.int(field));
    let sum: i64 = wrong.iter().flatten().sum();
    match fields.int(f::STATUSES) {
        None if wrong.iter().any(Option::is_some) => Err(RowError::field(
            "statuses",
            "",
            "messages were refused or corrected, so say how many were received",
        )),
        Some(received) if sum > received => Err(RowError::field(
            "statuses",
            &received.to_string(),
            format!("fewer than the {sum} that were refused or corrected"),
        )),
        _ => Ok(()),
    }
}

fn fill_texts(row: &mut ShipmentRow, fields: &Fields) {
    row.reference = text(fields, f::REFERENCE);
    row.service = text(fields, f::SERVICE);
    row.mode = text(fields, f::MODE);
    row.region = text(fields, f::REGION);
    row.equipment = text(fields, f::EQUIPMENT);
    row.first_attempt = some_text(fields, f::FIRST_ATTEMPT);
    row.disposition = some_text(fields, f::DISPOSITION);
    row.diverted_by = some_text(fields, f::DIVERTED_BY);
    row.pickup_reason = some_text(fields, f::PICKUP_REASON);
    row.delivery_reason = some_text(fields, f::DELIVERY_REASON);
    row.pickup_exclusion = some_text(fields, f::PICKUP_EXCLUSION);
    row.delivery_exclusion = some_text(fields, f::DELIVERY_EXCLUSION);
}

fn fill_numbers(row: &mut ShipmentRow, fields: &Fields, reporting: &str) -> Result<(), RowError> {
    row.attempts = small("attempts", fields.int(f::ATTEMPTS))?;
    row.pieces = fields.int(f::PIECES);
    row.weight_g = thousandths("weight_kg", fields.decimal(f::WEIGHT_KG))?;
    row.distance_m = thousandths("distance_km", fields.decimal(f::DISTANCE_KM))?;
    let amount =
        |name: &str, field: Field| micros(name, fields.decimal(field)).map(|a| a.map(|amount| amount.0));
    row.linehaul_micros = amount("linehaul", f::LINEHAUL)?;
    row.fuel_micros = amount("fuel", f::FUEL)?;
    row.accessorial_micros = amount("accessorial", f::ACCESSORIAL)?;
    let amounts = Amounts {
        linehaul: row.linehaul_micros.map(Micros),
        fuel: row.fuel_micros.map(Micros),
        accessorial: row.accessorial_micros.map(Micros),
        freight: amount("freight_total", f::FREIGHT_TOTAL)?.map(Micros),
        ..Amounts::default()
    };
    row.freight_micros = amounts.freight_total().map(|total| total.0);
    row.rated_micros = amount("rated_total", f::RATED_TOTAL)?;
    let priced = row.freight_micros.or(row.rated_micros).is_some();
    check_currency(fields.text(f::CURRENCY), reporting, priced)?;
    row.currency = priced.then(|| reporting.to_owned());
    Ok(())
}

fn fill_times(row: &mut ShipmentRow, milestones: &Milestones, verdicts: &Verdicts) -> Result<(), RowError> {
    let day = milestones
        .obligation_day()
        .ok_or_else(|| RowError::row("nothing says which day the shipment belongs to"))?;
    row.obligation_day = Day(day);
    row.pickup_window_start = milestones.pickup_window_start.map(Instant);
    row.pickup_window_end = milestones.pickup_window_end.map(Instant);
    row.pickup_due_day = milestones.pickup_due_day.map(Day);
    row.delivery_window_start = milestones.delivery_window_start.map(Instant);
    row.delivery_window_end = milestones.delivery_window_end.map(Instant);
    row.delivery_due_day = milestones.delivery_due_day.map(Day);
    row.date_only = milestones.date_only.0;
    row.pickup_arrived_at = milestones.pickup_arrived_at.map(Instant);
    row.pickup_arrived_received_at = milestones.pickup_arrived_received_at.map(Instant);
    row.picked_up_at = milestones.picked_up_at.map(Instant);
    row.arrived_at = milestones.arrived_at.map(Instant);
    row.arrived_received_at = milestones.arrived_received_at.map(Instant);
    row.delivered_at = milestones.delivered_at.map(Instant);
    row.delivered_received_at = milestones.delivered_received_at.map(Instant);
    row.station_arrived_at = milestones.station_arrived_at.map(Instant);
    row.out_for_delivery_at = milestones.out_for_delivery_at.map(Instant);
    row.cancelled_at = milestones.cancelled_at.map(Instant);
    row.pickup_window_outcome = verdicts.pickup_window.code().to_owned();
    row.delivery_day_outcome = verdicts.delivery_day.code().to_owned();
    row.delivery_window_outcome = verdicts.delivery_window.code().to_owned();
    row.settles_at = verdicts.settles_at.map(Instant);
    Ok(())
}

/// Facts that give way, as the history keeps them.
#[derive(Serialize)]
struct Given<'a> {
    #[serde(flatten)]
    row: &'a ShipmentRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a QualityRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    particulars: Option<&'a ParticularsRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    papers: Option<&'a Papers>,
}

/// The row of quality under the key of its shipment.
fn keyed(quality: QualityRow, row: &ShipmentRow) -> QualityRow {
    QualityRow {
        obligation_day: row.obligation_day,
        partner_id: row.partner_id,
        shipment_id: row.id,
        ..quality
    }
}

type Rows = Vec<Box<ShipmentRow>>;

/// New rows of a batch as they are to be stored.
struct Ready {
    rows: Rows,
    /// What was said of their commitments.
    stated: Vec<CommitmentRow>,
    /// What was said of their deliveries.
    quality: Vec<QualityRow>,
    /// What they are rated by beside their own row.
    particulars: Vec<ParticularsRow>,
    /// What their papers say.
    papers: PapersRows,
    /// The days of partners to sum again.
    stale: BTreeSet<StaleCell>,
    /// Zones and tolerances that the sums of a first load have to know for them.
    known: Option<Known>,
    /// Sums of a first load that are due to be written.
    sums: Option<Slice>,
}

impl Ready {
    /// Adds the rows to the sums of a first load.
    fn sum(&mut self, sums: &mut LoadSums) -> Result<(), DbError> {
        if let Some(known) = self.known.take() {
            sums.know(known);
        }
        let beside: HashMap<i64, &QualityRow> =
            self.quality.iter().map(|row| (row.shipment_id, row)).collect();
        for row in &mut self.rows {
            sums.add(row, beside.get(&row.id).copied())?;
        }
        self.sums = sums.slice();
        Ok(())
    }

    fn store(self, db: &mut Db) -> Result<Counts, ImportError> {
        shipments_insert(db, &self.rows)?;
        commitments_insert(db, &self.stated)?;
        if !self.quality.is_empty() {
            quality_insert(db, &self.quality)?;
        }
        if !self.particulars.is_empty() {
            particulars_insert(db, &self.particulars)?;
        }
        if !self.papers.is_empty() {
            papers_insert(db, &self.papers)?;
        }
        stale_mark(db, Source::Shipments, &self.stale)?;
        if let Some(sums) = self.sums {
            sums.store(db)?;
        }
        Ok(Counts { new: u64::try_from(self.rows.len()).unwrap_or(0), ..Counts::default() })
    }
}

struct Writer<'a> {
    run: &'a Run<'a>,
    dimensions: Dimensions<'a>,
    seen: SeenKeys,
    source: String,
    /// Who asked for the commitments of the rows of this batch, by row id: only of rows that say so.
    asked: HashMap<i64, (Asks, StopZones)>,
    /// What the rows of this batch say of their deliveries, by row id: only of rows that say so.
    quality: HashMap<i64, Box<QualityRow>>,
    /// What the rows of this batch say that a price may depend on, by row id: only of rows that say so.
    particulars: HashMap<i64, Box<Particulars>>,
    /// Whether any shipment has particulars beside it; while none has, no changed row looks for them.
    any_particulars: bool,
    /// What the papers of the rows of this batch say, by row id: only of rows that say so.
    papers: HashMap<i64, Box<Papers>>,
    /// Whether anything is said of any shipment's papers; while nothing is, no changed row looks for it.
    any_papers: bool,
    /// What the file can say of papers.
    papers_columns: Columns,
    /// Numbers that shipments of this batch carried before and carry no more, with their partner: invoices may have been found by them.
    given_up: BTreeSet<(i64, NumberKey)>,
    /// Whether any shipment has a row of quality beside it; while none has, no changed row looks for one.
    any_quality: bool,
    /// Whether any shipment has commitments beside it; while none has, no changed row looks for them.
    any_commitments: bool,
    /// Whether any exclusion was ever asked for, as of this batch; while none was, no changed row looks for one.
    any_exclusions: bool,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, batch: &mut Batch<Draft>) -> Result<Counts, ImportError> {
        let rows = self.complete_batch(db, batch)?;
        let mut stale: BTreeSet<StaleCell> = BTreeSet::new();
        let mut counts = Counts::default();
        // Somebody may ask while a long file loads: once a batch, under the lock that decisions take too.
        self.any_exclusions = any_exclusions(db)?;
        let rows = self.keep_new(db, rows, &mut stale, &mut counts)?;
        let ready = self.settled(rows, stale)?;
        self.any_commitments |= !ready.stated.is_empty();
        self.any_quality |= !ready.quality.is_empty();
        self.any_particulars |= !ready.particulars.is_empty();
        self.any_papers |= !ready.papers.is_empty();
        counts.new += ready.store(db)?.new;
        if !self.given_up.is_empty() {
            // After the marks of cells, as a refresh writes them. Those of numbers that arrive come with the refresh of their day.
            invoices_numbered_mark(db, std::mem::take(&mut self.given_up))?;
        }
        Ok(counts)
    }

    /// The rows of a batch with every name looked up; what cannot be taken becomes a reject.
    fn complete_batch(&mut self, db: &mut Db, batch: &mut Batch<Draft>) -> Result<Rows, ImportError> {
        let mut rows = Vec::with_capacity(batch.drafts.len());
        self.asked.clear();
        self.quality.clear();
        self.particulars.clear();
        self.papers.clear();
        for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
            let Ok(draft) = slot else { continue };
            let Some(row) = draft.row.take() else { continue };
            match self.complete(db, draft, row, record.number())? {
                Ok(row) => rows.push(row),
                Err(error) => *slot = Err(error),
            }
        }
        Ok(rows)
    }

    /// New rows with what stands beside them, as they are to be stored; the cells they touch join those in `stale`.
    fn settled(&mut self, mut rows: Rows, mut stale: BTreeSet<StaleCell>) -> Result<Ready, ImportError> {
        let mut stated = Vec::new();
        for row in rows.iter_mut().filter(|_| !self.asked.is_empty()) {
            if let Some((asks, zones)) = self.asked.get(&row.id) {
                stated.extend(settle(self.run, row, None, &[], asks, *zones)?);
            }
        }
        stale.extend(
            rows.iter().map(|row| StaleCell { partner_id: row.partner_id, day: row.obligation_day.0 }),
        );
        let quality = if self.quality.is_empty() {
            Vec::new()
        } else {
            rows.iter().filter_map(|row| Some(keyed(*self.quality.remove(&row.id)?, row))).collect()
        };
        let particulars = if self.particulars.is_empty() {
            Vec::new()
        } else {
            let said =
                |row: &ShipmentRow| Some(ParticularsRow::of(row.key(), self.particulars.get(&row.id)?));
            rows.iter().filter_map(|row| said(row)).collect()
        };
        let mut papers = PapersRows::default();
        for row in rows.iter().filter(|_| !self.papers.is_empty()) {
            if let Some(said) = self.papers.get(&row.id) {
                papers.add(row.key(), said);
            }
        }
        Ok(Ready { rows, stated, quality, particulars, papers, stale, known: None, sums: None })
    }

    /// Looks the names of a draft up, for the row taken out of it.
    fn complete(
        &mut self,
        db: &mut Db,
        draft: &mut Draft,
        mut row: Box<ShipmentRow>,
        number: u64,
    ) -> Result<Result<Box<ShipmentRow>, RowError>, ImportError> {
        let partner_id =
            match partner(db, &mut self.dimensions, self.run, &draft.partner, draft.partner_name.as_deref())?
            {
                Ok(id) => id,
                Err(error) => return Ok(Err(error)),
            };
        let source = draft.source.as_deref().unwrap_or(&self.source);
        let source_id = self.dimensions.source(db, source)?;
        if let Some(first) = self.seen.note((partner_id, source_id, &row.reference), number) {
            return Ok(Err(repeated(&row.reference, first, number)));
        }
        row.partner_id = partner_id;
        row.source_id = source_id;
        row.id = self.run.app.ids.next(self.run.now);
        row.import_id = self.run.import_id;
        row.import_row = i64::try_from(number).unwrap_or(i64::MAX);
        row.policy_id = self.dimensions.policy(db, draft.policy)?;
        row.lane_id = self.dimensions.lane(db, &draft.lane)?;
        row.pickup_zone_id =
            draft.milestones.pickup_zone.map(|zone| self.dimensions.zone(db, zone)).transpose()?;
        row.delivery_zone_id =
            draft.milestones.delivery_zone.map(|zone| self.dimensions.zone(db, zone)).transpose()?;
        if !draft.asks.is_empty() {
            let zones = (draft.milestones.pickup_zone, draft.milestones.delivery_zone);
            self.asked.insert(row.id, (std::mem::take(&mut draft.asks), zones));
        }
        if let Some(quality) = draft.quality.take() {
            self.quality.insert(row.id, quality);
        }
        if let Some(particulars) = draft.particulars.take() {
            self.particulars.insert(row.id, particulars);
        }
        if let Some(papers) = draft.papers.take() {
            self.papers.insert(row.id, papers);
        }
        Ok(Ok(row))
    }

    /// Takes out the rows that are there already: word for word, or as an earlier version, which is
    /// replaced. A file has each shipment once, so what replaces one says nothing of the others.
    fn keep_new(
        &mut self,
        db: &mut Db,
        rows: Rows,
        stale: &mut BTreeSet<StaleCell>,
        counts: &mut Counts,
    ) -> Result<Rows, ImportError> {
        let sorted = sort_out(db, FactTable::Shipments, rows, |row| {
            ((row.partner_id, row.source_id, row.reference.as_str()), row.fact_hash)
        })?;
        counts.same += sorted.same;
        let mut changed: Vec<(Box<ShipmentRow>, Box<ShipmentRow>)> = Vec::new();
        for row in sorted.changed {
            counts.changed += 1;
            let old = shipment_by_key(db, row.partner_id, row.source_id, &row.reference)?;
            changed.extend(old.map(|old| (row, Box::new(old))));
        }
        let mut papers = HashMap::new();
        if self.any_papers {
            let keys: Vec<ShipmentKey> = changed.iter().map(|(_, old)| old.key()).collect();
            papers = papers_unscoped(db, &keys)?;
        }
        for (row, old) in changed {
            self.replace(db, row, (&old, papers.get(&old.key())), stale)?;
        }
        Ok(sorted.new)
    }

    fn state(&mut self, db: &mut Db, rows: &[CommitmentRow]) -> Result<(), ImportError> {
        commitments_insert(db, rows)?;
        self.any_commitments |= !rows.is_empty();
        Ok(())
    }

    fn replace(
        &mut self,
        db: &mut Db,
        mut row: Box<ShipmentRow>,
        (old, papered): (&ShipmentRow, Option<&Papers>),
        stale: &mut BTreeSet<StaleCell>,
    ) -> Result<(), ImportError> {
        let asked = self.asked.remove(&row.id);
        let quality = self.quality.remove(&row.id);
        let particulars = self.particulars.remove(&row.id);
        let papers = self.papers.remove(&row.id);
        row.id = old.id;
        if asked.is_some() || self.any_commitments {
            let known = commitments_of(db, &Viewer::system(), old.partner_id, old.id)?;
            if asked.is_some() || !known.is_empty() {
                let (asks, zones) = match asked {
                    Some(asked) => asked,
                    None => (Asks::new(), stop_zones(&row, &zones_by_id(db)?)),
                };
                let stated = settle(self.run, &mut row, Some(old), &known, &asks, zones)?;
                self.state(db, &stated)?;
            }
        }
        row.version = old.version + 1;
        super::events::apply_known(db, &mut row)?;
        super::charges::apply_known(db, &mut row)?;
        if self.any_exclusions {
            kept(db, &mut row)?;
        }
        let before = if self.any_quality {
            quality_of(db, &Viewer::system(), (old.obligation_day, old.partner_id, old.id))?
        } else {
            None
        };
        let said =
            if self.any_particulars { particulars_of(db, &Viewer::system(), old.key())? } else { None };
        let given = Given { row: old, quality: before.as_ref(), particulars: said.as_ref(), papers: papered };
        let fact = fact_text(&given, "shipment", &old.reference)?;
        shipment_replace(db, old, &row, self.run.now, &fact)?;
        if before.is_some() {
            quality_delete(db, old.obligation_day, old.partner_id, old.id)?;
        }
        if said.is_some() {
            particulars_delete(db, old.key())?;
        }
        let papers = self.papers_columns.over(papers, papered);
        self.replace_papers(db, (old.key(), papered), (row.key(), papers.as_deref()))?;
        if let Some(particulars) = particulars {
            particulars_insert(db, &[ParticularsRow::of(row.key(), &particulars)])?;
            self.any_particulars = true;
        }
        if let Some(quality) = quality {
            quality_insert(db, &[keyed(*quality, &row)])?;
            self.any_quality = true;
        }
        stale.insert(StaleCell { partner_id: old.partner_id, day: old.obligation_day.0 });
        stale.insert(StaleCell { partner_id: row.partner_id, day: row.obligation_day.0 });
        Ok(())
    }

    /// Writes what the papers of a replaced row say; most changed rows say what they said before.
    fn replace_papers(
        &mut self,
        db: &mut Db,
        (old, before): (ShipmentKey, Option<&Papers>),
        (new, papers): (ShipmentKey, Option<&Papers>),
    ) -> Result<(), ImportError> {
        if let (Some(before), Some(papers)) = (before, papers)
            && old == new
            && before.say_as(papers)
        {
            return Ok(());
        }
        if let Some(before) = before {
            papers_delete(db, old)?;
            let stay: BTreeSet<NumberKey> = papers.into_iter().flat_map(Papers::keys).collect();
            let gone = before.keys().filter(|number| !stay.contains(number));
            self.given_up.extend(gone.map(|number| (old.1, number)));
        }
        if let Some(papers) = papers {
            let mut rows = PapersRows::default();
            rows.add(new, papers);
            papers_insert(db, &rows)?;
            self.any_papers = true;
        }
        Ok(())
    }
}
