//! Claims, cases and safety records: what lies beside shipments and tenders, one fact a row.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::batch::{
    Batch, Counts, FactHasher, Input, Run, check_currency, fact_text, micros, partner, pipeline, repeated,
    small, some_text, sort_out, text,
};
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::db::beside::{BesideRow, any_beside, beside_by_key, beside_insert, beside_replace, summed_cells};
use crate::db::dialect::FactTable;
use crate::db::dimension::Dimensions;
use crate::db::setting::{reporting_currency, reporting_zone};
use crate::db::shipment::{Source, StaleCell, shipments_by_reference, stale_mark};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::beside::case::{CaseKind, CaseOrigin};
use crate::domain::beside::claim::{ClaimKind, ClaimStatus};
use crate::domain::beside::safety::SafetyRating;
use crate::domain::beside::{Beside, CaseFacts, ClaimFacts, SafetyFacts, SafetyPolicy};
use crate::domain::viewer::Viewer;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, cases as c, claims as l, safety as s};

/// Severity of a case that names none.
const USUAL_SEVERITY: i32 = 3;

struct Draft {
    partner: String,
    source: Option<String>,
    shipment: String,
    reference: String,
    fact_hash: i64,
    day: NaiveDate,
    facts: Beside,
}

/// What every row of a file shares.
struct Usual {
    currency: String,
    zone: Tz,
    now: DateTime<Utc>,
}

/// The kind of fact an import brings, where it is stored and how it is called in a message.
fn kind_of(kind: ImportKind) -> (Source, FactTable, &'static str) {
    match kind {
        ImportKind::Claims => (Source::Claims, FactTable::Claims, "claim"),
        ImportKind::Cases => (Source::Cases, FactTable::Cases, "case"),
        _ => (Source::Safety, FactTable::Safety, "safety record"),
    }
}

/// Loads a file of claims, cases or safety records.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let kind = run.request.mapping.kind;
    let (source, table, what) = kind_of(kind);
    let zone = run.request.mapping.zone.map_or_else(|| reporting_zone(db), Ok)?;
    let usual = Usual { currency: reporting_currency(db)?, zone, now: run.now };
    let mut writer = Writer {
        run,
        kind: (source, table, what),
        dimensions: Dimensions::load(db, &run.app.ids, run.now)?,
        seen: SeenKeys::default(),
        is_first: !any_beside(db, source)?,
    };
    let hasher = FactHasher::new(kind);
    pipeline(
        db,
        run,
        input,
        move |fields| match kind {
            ImportKind::Claims => claim(fields, &hasher, &usual),
            ImportKind::Cases => case(fields, &hasher, &usual),
            _ => safety(fields, &hasher, &usual),
        },
        |db, batch| writer.write(db, batch),
    )
}

fn claim(fields: &Fields, hasher: &FactHasher, usual: &Usual) -> Result<Draft, RowError> {
    let at = |field: Field| fields.instant(field).map(|instant| instant.utc);
    let filed_at = at(l::FILED_AT).ok_or_else(|| RowError::field("filed_at", "", "a claim needs its day"))?;
    not_before("acknowledged_at", at(l::ACKNOWLEDGED_AT), filed_at, "the claim was filed")?;
    not_before("disposed_at", at(l::DISPOSED_AT), filed_at, "the claim was filed")?;
    let claimed = micros("claimed", fields.decimal(l::CLAIMED))?;
    let accepted = micros("accepted", fields.decimal(l::ACCEPTED))?;
    check_currency(fields.text(l::CURRENCY), &usual.currency, claimed.or(accepted).is_some())?;
    let facts = ClaimFacts {
        kind: word(fields, l::KIND, ClaimKind::Loss),
        status: word(fields, l::STATUS, ClaimStatus::Filed),
        zone: fields.zone(l::ZONE).unwrap_or(usual.zone),
        filed_at,
        acknowledged_at: at(l::ACKNOWLEDGED_AT),
        disposed_at: at(l::DISPOSED_AT),
        claimed,
        accepted,
    };
    Ok(Draft {
        partner: text(fields, l::PARTNER),
        source: some_text(fields, l::SOURCE),
        shipment: text(fields, l::SHIPMENT),
        reference: text(fields, l::REFERENCE),
        fact_hash: hasher.hash(fields),
        day: facts.day(),
        facts: Beside::Claim(facts),
    })
}

fn case(fields: &Fields, hasher: &FactHasher, usual: &Usual) -> Result<Draft, RowError> {
    let opened_at = clocked("opened_at", fields, c::OPENED_AT)?
        .ok_or_else(|| RowError::field("opened_at", "", "a case needs the time it was opened"))?;
    let answered_at = clocked("first_human_response_at", fields, c::FIRST_HUMAN_RESPONSE_AT)?;
    not_before("first_human_response_at", answered_at, opened_at, "the case was opened")?;
    let by_human = fields.text(c::RESPONSE_BY) != Some("AUTOMATIC");
    let facts = CaseFacts {
        kind: word(fields, c::KIND, CaseKind::Enquiry),
        origin: word(fields, c::ORIGIN, CaseOrigin::Us),
        severity: small("severity", fields.int(c::SEVERITY))?.unwrap_or(USUAL_SEVERITY),
        zone: fields.zone(c::ZONE).unwrap_or(usual.zone),
        opened_at,
        answered_at: answered_at.filter(|_| by_human),
        due_by: None,
        response_minutes: None,
        asked_before: false,
    };
    Ok(Draft {
        partner: text(fields, c::PARTNER),
        source: some_text(fields, c::SOURCE),
        shipment: text(fields, c::CONSIGNMENT),
        reference: text(fields, c::REFERENCE),
        fact_hash: hasher.hash(fields),
        day: facts.day(),
        facts: Beside::Case(facts),
    })
}

fn safety(fields: &Fields, hasher: &FactHasher, usual: &Usual) -> Result<Draft, RowError> {
    let as_of = fields.day(s::AS_OF).ok_or_else(|| RowError::field("as_of", "", "a record needs its day"))?;
    if as_of > usual.now.with_timezone(&usual.zone).date_naive() {
        return Err(RowError::field("as_of", &as_of.to_string(), "nothing is known of a day to come"));
    }
    let insured = micros("insured_amount", fields.decimal(s::INSURED_AMOUNT))?;
    check_currency(fields.text(s::CURRENCY), &usual.currency, insured.is_some())?;
    let percentile = |name: &str, field: Field| match fields.decimal(field) {
        Some(value) if value > Decimal::ONE_HUNDRED => {
            Err(RowError::field(name, &value.to_string(), "a percentile is 0 to 100"))
        }
        found => Ok(found.map(|value| value.normalize())),
    };
    let facts = SafetyFacts {
        partner_id: 0,
        as_of,
        zone: usual.zone,
        authority_active: fields.yes(s::AUTHORITY_ACTIVE).unwrap_or(false),
        insured_until: fields.day(s::INSURED_UNTIL),
        insured,
        rating: word(fields, s::RATING, SafetyRating::NotRated),
        hazmat: fields.yes(s::HAZMAT).unwrap_or(false),
        unsafe_driving: percentile("unsafe_driving", s::UNSAFE_DRIVING)?,
        hours_of_service: percentile("hours_of_service", s::HOURS_OF_SERVICE)?,
        crash: percentile("crash", s::CRASH)?,
        vehicle_maintenance: percentile("vehicle_maintenance", s::VEHICLE_MAINTENANCE)?,
        drugs_alcohol: percentile("drugs_alcohol", s::DRUGS_ALCOHOL)?,
        driver_fitness: percentile("driver_fitness", s::DRIVER_FITNESS)?,
        hazmat_compliance: percentile("hazmat_compliance", s::HAZMAT_COMPLIANCE)?,
        policy: SafetyPolicy::default(),
    };
    Ok(Draft {
        partner: text(fields, s::PARTNER),
        source: some_text(fields, s::SOURCE),
        shipment: String::new(),
        // A feed says one thing of a carrier and day.
        reference: as_of.to_string(),
        fact_hash: hasher.hash(fields),
        day: as_of,
        facts: Beside::Safety(Box::new(facts)),
    })
}

/// A word of a list, which the mapping has checked; `otherwise` when blank.
fn word<T: std::str::FromStr>(fields: &Fields, field: Field, otherwise: T) -> T {
    fields.text(field).and_then(|word| word.parse().ok()).unwrap_or(otherwise)
}

fn not_before(
    name: &str,
    at: Option<DateTime<Utc>>,
    first: DateTime<Utc>,
    what: &str,
) -> Result<(), RowError> {
    match at {
        Some(at) if at < first => Err(RowError::field(name, &at.to_rfc3339(), format!("lies before {what}"))),
        _ => Ok(()),
    }
}

/// A time of the clock, which a date alone is not.
fn clocked(name: &str, fields: &Fields, field: Field) -> Result<Option<DateTime<Utc>>, RowError> {
    match fields.instant(field) {
        Some(at) if at.date_only => {
            Err(RowError::field(name, "", "answers are counted in minutes, so give the time beside the date"))
        }
        found => Ok(found.map(|at| at.utc)),
    }
}

struct Writer<'a> {
    run: &'a Run<'a>,
    kind: (Source, FactTable, &'static str),
    dimensions: Dimensions<'a>,
    seen: SeenKeys,
    /// Nobody kept facts of the kind before, so no delivery was counted against them.
    is_first: bool,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, batch: &mut Batch<Draft>) -> Result<Counts, ImportError> {
        let (source, table, _) = self.kind;
        let mut rows = Vec::with_capacity(batch.drafts.len());
        for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
            let Ok(draft) = slot else { continue };
            match self.complete(db, draft, record.number())? {
                Ok(row) => rows.push(row),
                Err(error) => *slot = Err(error),
            }
        }
        let sorted = sort_out(db, table, rows, |row| {
            ((row.partner_id, row.source_id, row.reference.as_str()), row.fact_hash)
        })?;
        let mut counts = Counts { same: sorted.same, ..Counts::default() };
        let mut stale: BTreeSet<StaleCell> = BTreeSet::new();
        for row in &sorted.changed {
            self.replace(db, row, &mut stale)?;
            counts.changed += 1;
        }
        stale.extend(sorted.new.iter().map(|row| StaleCell { partner_id: row.partner_id, day: row.day.0 }));
        counts.new += u64::try_from(sorted.new.len()).unwrap_or(0);
        beside_insert(db, &sorted.new)?;
        stale_mark(db, source, &stale)?;
        if self.is_first && counts.new > 0 && source != Source::Safety {
            // From now on a delivery without one says something.
            let summed = summed_cells(db, Source::Shipments)?;
            stale_mark(db, Source::Shipments, &summed)?;
            self.is_first = false;
        }
        Ok(counts)
    }

    fn complete(
        &mut self,
        db: &mut Db,
        draft: &mut Draft,
        number: u64,
    ) -> Result<Result<BesideRow, RowError>, ImportError> {
        let partner_id = match partner(db, &mut self.dimensions, self.run, &draft.partner, None)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        let source = draft.source.as_deref().unwrap_or(&self.run.request.mapping.source);
        let source_id = self.dimensions.source(db, source)?;
        if let Some(first) = self.seen.note((partner_id, source_id, &draft.reference), number) {
            let named = if self.kind.0 == Source::Safety { "as_of" } else { "reference" };
            let told = repeated(&draft.reference, first, number);
            return Ok(Err(RowError::field(named, &draft.reference, told.reason)));
        }
        // Where the shipment is there already, the fact counts with its lane, service and mode.
        let about = if draft.shipment.is_empty() {
            None
        } else {
            shipments_by_reference(db, &Viewer::system(), partner_id, &draft.shipment)?.into_iter().next()
        };
        let (lane_id, service, mode) =
            about.map_or_else(Default::default, |row| (row.lane_id, row.service, row.mode));
        let fact = serde_json::to_string(&draft.facts).map_err(|error| DbError::Stored {
            what: format!("{} {}", self.kind.2, draft.reference),
            reason: error.to_string(),
        })?;
        Ok(Ok(BesideRow {
            kind: self.kind.0.code().to_owned(),
            day: Day(draft.day),
            partner_id,
            id: self.run.app.ids.next(self.run.now),
            source_id,
            reference: draft.reference.clone(),
            fact_hash: draft.fact_hash,
            version: 1,
            import_id: self.run.import_id,
            import_row: i64::try_from(number).unwrap_or(i64::MAX),
            lane_id,
            service,
            mode,
            shipment: draft.shipment.clone(),
            // The refresh that the mark brings about says when to look again.
            settles_at: draft.facts.judge(self.run.now).settles_at.map(Instant),
            fact,
        }))
    }

    fn replace(
        &self,
        db: &mut Db,
        row: &BesideRow,
        stale: &mut BTreeSet<StaleCell>,
    ) -> Result<(), ImportError> {
        let (source, _, what) = self.kind;
        let key = (row.partner_id, row.source_id, row.reference.as_str());
        let Some(old) = beside_by_key(db, source, key)? else { return Ok(()) };
        let new = BesideRow { id: old.id, version: old.version + 1, ..row.clone() };
        let fact = fact_text(&old, what, &old.reference)?;
        beside_replace(db, &old, &new, self.run.now, &fact)?;
        stale.insert(StaleCell { partner_id: old.partner_id, day: old.day.0 });
        stale.insert(StaleCell { partner_id: new.partner_id, day: new.day.0 });
        Ok(())
    }
}
