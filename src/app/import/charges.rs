//! Freight charges, line by line; their sums stand on the shipment.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::batch::{
    Batch, Counts, FactHasher, Run, check_currency, micros, pipeline, repeated, some_text, sort_out, text,
};
use super::events::find_shipment;
use super::seen::SeenKeys;
use super::{ImportError, ImportReport, Progress};
use crate::bulk_insert;
use crate::db::dialect::FactTable;
use crate::db::dimension::Dimensions;
use crate::db::schema::charges;
use crate::db::setting::reporting_currency;
use crate::db::shipment::{ShipmentRow, Source, StaleCell, stale_mark};
use crate::db::side::{ChargeRow, charge_by_key, charge_replace, charges_of, shipment_winners_write};
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{ImportKind, charges as f};
use crate::feeds::mapping::Compiled;
use crate::feeds::table::TableReader;

/// What a charge is for when the feed does not say.
const DEFAULT_CATEGORY: &str = "ACCESSORIAL";

struct Draft {
    partner: String,
    shipment: String,
    source: Option<String>,
    row: ChargeRow,
}

/// Loads a file of charges.
pub fn load(
    db: &mut Db,
    run: &Run<'_>,
    reader: TableReader,
    compiled: Compiled,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ImportReport, ImportError> {
    let currency = reporting_currency(db)?;
    let mut writer =
        Writer { run, dimensions: Dimensions::load(db, &run.app.ids, run.now)?, seen: SeenKeys::default() };
    let hasher = FactHasher::new(ImportKind::Charges);
    pipeline(
        db,
        run,
        reader,
        compiled,
        progress,
        move |fields| draft(fields, &hasher, &currency),
        |db, batch| writer.write(db, batch),
    )
}

fn draft(fields: &Fields, hasher: &FactHasher, reporting: &str) -> Result<Draft, RowError> {
    check_currency(fields.text(f::CURRENCY), reporting, true)?;
    let amount = micros("amount", fields.decimal(f::AMOUNT))?
        .ok_or_else(|| RowError::field("amount", "", "a charge needs an amount"))?;
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        shipment: text(fields, f::SHIPMENT),
        source: some_text(fields, f::SOURCE),
        row: ChargeRow {
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
            category: some_text(fields, f::CATEGORY).unwrap_or_else(|| DEFAULT_CATEGORY.to_owned()),
            amount_micros: amount.0,
            rated_micros: micros("rated_amount", fields.decimal(f::RATED_AMOUNT))?.map(|amount| amount.0),
            currency: reporting.to_owned(),
            charged_day: fields.day(f::CHARGED_ON).map(Day),
        },
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
        let mut shipments: HashMap<(i64, i64), ShipmentRow> = HashMap::new();
        for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
            let Ok(draft) = slot else { continue };
            match self.complete(db, draft, record.number(), &mut shipments)? {
                Ok(row) => rows.push(row),
                Err(error) => *slot = Err(error),
            }
        }
        let sorted = sort_out(db, FactTable::Charges, rows, |row| {
            ((row.partner_id, row.source_id, row.reference.as_str()), row.fact_hash)
        })?;
        let mut counts = Counts { same: sorted.same, ..Counts::default() };
        let mut touched: BTreeMap<(i64, i64), ()> = BTreeMap::new();
        for row in &sorted.changed {
            touched.insert((row.partner_id, self.replace(db, row)?), ());
            touched.insert((row.partner_id, row.shipment_id), ());
            counts.changed += 1;
        }
        bulk_insert!(db, charges::table, &sorted.new)?;
        counts.new += u64::try_from(sorted.new.len()).unwrap_or(0);
        touched.extend(sorted.new.iter().map(|row| ((row.partner_id, row.shipment_id), ())));
        let mut stale = BTreeSet::new();
        for key in touched.into_keys() {
            // A charge that moved away leaves a shipment this batch did not load; its own import did.
            let Some(mut shipment) = shipments.remove(&key) else { continue };
            apply_known(db, &mut shipment)?;
            shipment_winners_write(db, &shipment)?;
            stale.insert(StaleCell { partner_id: shipment.partner_id, day: shipment.obligation_day.0 });
        }
        stale_mark(db, Source::Shipments, &stale)?;
        Ok(counts)
    }

    fn complete(
        &mut self,
        db: &mut Db,
        draft: &Draft,
        number: u64,
        shipments: &mut HashMap<(i64, i64), ShipmentRow>,
    ) -> Result<Result<ChargeRow, RowError>, ImportError> {
        let shipment = match find_shipment(
            db,
            &mut self.dimensions,
            &draft.partner,
            &draft.shipment,
            draft.source.as_deref(),
        )? {
            Ok(shipment) => shipment,
            // Here the shipment's reference is a field of another name.
            Err(error) if error.named_field() == Some("reference") => {
                return Ok(Err(RowError::field("shipment", &error.value, error.reason)));
            }
            Err(error) => return Ok(Err(error)),
        };
        let source = draft.source.as_deref().unwrap_or(&self.run.request.mapping.source);
        let source_id = self.dimensions.source(db, source)?;
        if let Some(first) = self.seen.note((shipment.partner_id, source_id, &draft.row.reference), number) {
            return Ok(Err(repeated(&draft.row.reference, first, number)));
        }
        let row = ChargeRow {
            partner_id: shipment.partner_id,
            shipment_id: shipment.id,
            id: self.run.app.ids.next(self.run.now),
            source_id,
            import_id: self.run.import_id,
            import_row: i64::try_from(number).unwrap_or(i64::MAX),
            ..draft.row.clone()
        };
        shipments.insert((shipment.partner_id, shipment.id), shipment);
        Ok(Ok(row))
    }

    /// Returns the shipment the charge stood on before.
    fn replace(&self, db: &mut Db, row: &ChargeRow) -> Result<i64, ImportError> {
        let Some(old) = charge_by_key(db, row.partner_id, row.source_id, &row.reference)? else {
            return Ok(row.shipment_id);
        };
        let new = ChargeRow { id: old.id, version: old.version + 1, ..row.clone() };
        let fact = serde_json::to_string(&old).map_err(|error| DbError::Stored {
            what: format!("charge {}", old.reference),
            reason: error.to_string(),
        })?;
        charge_replace(db, &old, &new, self.run.now, &fact)?;
        Ok(old.shipment_id)
    }
}

/// Lets the charges of a shipment decide its sums. A shipment without charge lines keeps the amounts
/// its own feed gave.
pub fn apply_known(db: &mut Db, row: &mut ShipmentRow) -> QueryResult<()> {
    let lines = charges_of(db, row.partner_id, row.id)?;
    if lines.is_empty() {
        return Ok(());
    }
    let sum = |category: &str| {
        let amounts = lines.iter().filter(|line| line.category == category).map(|line| line.amount_micros);
        amounts.reduce(i64::saturating_add)
    };
    row.linehaul_micros = sum("LINEHAUL");
    row.fuel_micros = sum("FUEL");
    row.accessorial_micros = sum("ACCESSORIAL");
    let parts = [row.linehaul_micros, row.fuel_micros, row.accessorial_micros];
    row.freight_micros = parts.into_iter().flatten().reduce(i64::saturating_add);
    // Comparable only when every line that counts as freight was rated.
    let freight: Vec<_> = lines.iter().filter(|line| line.category != "TAX").collect();
    row.rated_micros =
        freight.iter().map(|line| line.rated_micros).sum::<Option<i64>>().filter(|_| !freight.is_empty());
    row.currency = lines.first().map(|line| line.currency.clone());
    Ok(())
}
