//! Tenders: one row a load and carrier.

use std::collections::BTreeSet;

use super::batch::{
    Batch, Counts, FactHasher, Input, Run, fact_text, partner, pipeline, repeated, small, some_text,
    sort_out, text,
};
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::db::Db;
use crate::db::dialect::FactTable;
use crate::db::dimension::{Dimensions, LaneNames};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::tender::{TenderRow, tender_by_key, tender_replace, tenders_insert};
use crate::db::types::{Day, Instant};
use crate::domain::outcome::local_day;
use crate::domain::tender::{Response, TenderFacts, judge};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, tenders as f};

struct Draft {
    partner: String,
    source: Option<String>,
    lane: LaneNames,
    row: Option<TenderRow>,
}

/// Loads a file of tenders.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let mut writer =
        Writer { run, dimensions: Dimensions::load(db, &run.app.ids, run.now)?, seen: SeenKeys::default() };
    let hasher = FactHasher::new(ImportKind::Tenders);
    let (now, zone) = (run.now, run.request.mapping.zone.unwrap_or(chrono_tz::Tz::UTC));
    pipeline(
        db,
        run,
        input,
        move |fields| draft(fields, &hasher, zone, now),
        |db, batch| writer.write(db, batch),
    )
}

fn draft(
    fields: &Fields,
    hasher: &FactHasher,
    zone: chrono_tz::Tz,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Draft, RowError> {
    let at = |field: Field| fields.instant(field).map(|instant| instant.utc);
    let sent_at = at(f::SENT_AT)
        .ok_or_else(|| RowError::field("sent_at", "", "a tender needs the time it was sent"))?;
    let responded_at = at(f::RESPONDED_AT);
    if responded_at.is_some_and(|answered| answered < sent_at) {
        return Err(RowError::field("responded_at", "", "the answer lies before the tender was sent"));
    }
    let sequence = small("sequence", fields.int(f::SEQUENCE))?;
    let facts = TenderFacts {
        sequence,
        sent_at: Some(sent_at),
        responded_at,
        response: fields.text(f::RESPONSE).and_then(Response::from_code),
        respond_by: at(f::RESPOND_BY),
        bounced_at: at(f::BOUNCED_AT),
        beyond_commitment: fields.yes(f::BEYOND_COMMITMENT).unwrap_or(false),
        short_notice: fields.yes(f::SHORT_NOTICE).unwrap_or(false),
        excused: false,
        pickup_at: at(f::PICKUP_AT),
    };
    let verdict = judge(&facts, now);
    let zone = fields.zone(f::ZONE).unwrap_or(zone);
    let row = TenderRow {
        sent_day: Day(local_day(sent_at, zone)),
        partner_id: 0,
        id: 0,
        source_id: 0,
        reference: text(fields, f::REFERENCE),
        fact_hash: hasher.hash(fields),
        version: 1,
        import_id: 0,
        import_row: 0,
        lane_id: None,
        service: text(fields, f::SERVICE),
        mode: text(fields, f::MODE),
        sequence,
        sent_at: Instant(sent_at),
        respond_by: facts.respond_by.map(Instant),
        responded_at: responded_at.map(Instant),
        response: some_text(fields, f::RESPONSE),
        decline_reason: some_text(fields, f::DECLINE_REASON),
        pickup_at: facts.pickup_at.map(Instant),
        bounced_at: facts.bounced_at.map(Instant),
        beyond_commitment: facts.beyond_commitment,
        short_notice: facts.short_notice,
        outcome: verdict.outcome.code().to_owned(),
        settles_at: verdict.settles_at.map(Instant),
        exclusion: None,
    };
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        source: some_text(fields, f::SOURCE),
        lane: LaneNames { code: text(fields, f::LANE), ..LaneNames::default() },
        row: Some(row),
    })
}

struct Writer<'a> {
    run: &'a Run<'a>,
    dimensions: Dimensions<'a>,
    seen: SeenKeys,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, batch: &mut Batch<Draft>) -> Result<Counts, ImportError> {
        let mut rows = Vec::with_capacity(batch.drafts.len());
        for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
            let Ok(draft) = slot else { continue };
            match self.complete(db, draft, record.number())? {
                Ok(row) => rows.extend(row),
                Err(error) => *slot = Err(error),
            }
        }
        let sorted = sort_out(db, FactTable::Tenders, rows, |row| {
            ((row.partner_id, row.source_id, row.reference.as_str()), row.fact_hash)
        })?;
        let mut stale: BTreeSet<StaleCell> = BTreeSet::new();
        let mut counts = Counts { same: sorted.same, ..Counts::default() };
        for row in sorted.changed {
            self.replace(db, row, &mut stale)?;
            counts.changed += 1;
        }
        stale.extend(
            sorted.new.iter().map(|row| StaleCell { partner_id: row.partner_id, day: row.sent_day.0 }),
        );
        counts.new += u64::try_from(sorted.new.len()).unwrap_or(0);
        tenders_insert(db, &sorted.new)?;
        stale_mark(db, Source::Tenders, &stale)?;
        Ok(counts)
    }

    fn complete(
        &mut self,
        db: &mut Db,
        draft: &mut Draft,
        number: u64,
    ) -> Result<Result<Option<TenderRow>, RowError>, ImportError> {
        let partner_id = match partner(db, &mut self.dimensions, self.run, &draft.partner, None)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        let source = draft.source.as_deref().unwrap_or(&self.run.request.mapping.source);
        let source_id = self.dimensions.source(db, source)?;
        let Some(mut row) = draft.row.take() else { return Ok(Ok(None)) };
        if let Some(first) = self.seen.note((partner_id, source_id, &row.reference), number) {
            return Ok(Err(repeated(&row.reference, first, number)));
        }
        row.partner_id = partner_id;
        row.source_id = source_id;
        row.id = self.run.app.ids.next(self.run.now);
        row.import_id = self.run.import_id;
        row.import_row = i64::try_from(number).unwrap_or(i64::MAX);
        row.lane_id = self.dimensions.lane(db, &draft.lane)?;
        Ok(Ok(Some(row)))
    }

    fn replace(
        &self,
        db: &mut Db,
        mut row: TenderRow,
        stale: &mut BTreeSet<StaleCell>,
    ) -> Result<(), ImportError> {
        let Some(old) = tender_by_key(db, row.partner_id, row.source_id, &row.reference)? else {
            return Ok(());
        };
        row.id = old.id;
        row.version = old.version + 1;
        // What was approved stays, whatever else comes in of the tender.
        row.exclusion.clone_from(&old.exclusion);
        let fact = fact_text(&old, "tender", &old.reference)?;
        tender_replace(db, &old, &row, self.run.now, &fact)?;
        stale.insert(StaleCell { partner_id: old.partner_id, day: old.sent_day.0 });
        stale.insert(StaleCell { partner_id: row.partner_id, day: row.sent_day.0 });
        Ok(())
    }
}
