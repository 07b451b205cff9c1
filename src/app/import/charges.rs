//! Freight charges, line by line; their sums stand on the shipment.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::batch::{
    Batch, Counts, FactHasher, Input, Run, check_currency, fact_text, micros, pipeline, repeated, some_text,
    sort_out, text,
};
use super::events::find_named_shipment;
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::db::Db;
use crate::db::dialect::FactTable;
use crate::db::dimension::Dimensions;
use crate::db::setting::reporting_currency;
use crate::db::shipment::{ShipmentRow, Source, StaleCell, shipment_of_partner, stale_mark};
use crate::db::side::{
    ChargeRow, charge_by_key, charge_replace, charges_insert, charges_of, shipment_winners_write,
};
use crate::db::types::Day;
use crate::domain::charge_code::usual_category;
use crate::domain::money::Micros;
use crate::domain::shipment::Amounts;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{ImportKind, charges as f};

struct Draft {
    partner: String,
    shipment: String,
    source: Option<String>,
    row: ChargeRow,
}

/// Loads a file of charges.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let currency = reporting_currency(db)?;
    let mut writer =
        Writer { run, dimensions: Dimensions::load(db, &run.app.ids, run.now)?, seen: SeenKeys::default() };
    let hasher = FactHasher::new(ImportKind::Charges);
    pipeline(
        db,
        run,
        input,
        move |fields| draft(fields, &hasher, &currency),
        |db, batch| writer.write(db, batch),
    )
}

fn draft(fields: &Fields, hasher: &FactHasher, reporting: &str) -> Result<Draft, RowError> {
    check_currency(fields.text(f::CURRENCY), reporting, true)?;
    let amount = micros("amount", fields.decimal(f::AMOUNT))?
        .ok_or_else(|| RowError::field("amount", "", "a charge needs an amount"))?;
    let code = text(fields, f::CODE);
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
            category: some_text(fields, f::CATEGORY).unwrap_or_else(|| usual_category(&code).to_owned()),
            code,
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
        // Shipments, and the categories from which a line was taken away.
        let mut touched: BTreeMap<(i64, i64), BTreeSet<String>> = BTreeMap::new();
        for row in &sorted.changed {
            if let Some(old) = self.replace(db, row)? {
                touched.entry((row.partner_id, old.shipment_id)).or_default().insert(old.category);
            }
            touched.entry((row.partner_id, row.shipment_id)).or_default();
            counts.changed += 1;
        }
        charges_insert(db, &sorted.new)?;
        counts.new += u64::try_from(sorted.new.len()).unwrap_or(0);
        for row in &sorted.new {
            touched.entry((row.partner_id, row.shipment_id)).or_default();
        }
        let mut stale = BTreeSet::new();
        for (key, taken) in touched {
            // A charge that moved away leaves a shipment that this batch may not have loaded.
            let shipment = match shipments.remove(&key) {
                Some(shipment) => Some(shipment),
                None => shipment_of_partner(db, key.0, key.1)?,
            };
            let Some(mut shipment) = shipment else { continue };
            apply(db, &mut shipment, &taken)?;
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

    /// Returns the charge as it stood before.
    fn replace(&self, db: &mut Db, row: &ChargeRow) -> Result<Option<ChargeRow>, ImportError> {
        let Some(old) = charge_by_key(db, row.partner_id, row.source_id, &row.reference)? else {
            return Ok(None);
        };
        let new = ChargeRow { id: old.id, version: old.version + 1, ..row.clone() };
        let fact = fact_text(&old, "charge", &old.reference)?;
        charge_replace(db, &old, &new, self.run.now, &fact)?;
        Ok(Some(old))
    }
}

/// Lets the charge lines of a shipment decide the amounts they speak of; of the others its own feed's stand.
///
/// # Errors
/// The engine's reason.
pub fn apply_known(db: &mut Db, row: &mut ShipmentRow) -> QueryResult<()> {
    apply(db, row, &BTreeSet::new())
}

fn apply(db: &mut Db, row: &mut ShipmentRow, taken: &BTreeSet<String>) -> QueryResult<()> {
    let lines = charges_of(db, row.partner_id, row.id)?;
    decide(row, &lines, taken);
    Ok(())
}

/// The amounts of a shipment by its charge lines. A category without lines keeps the amount that the shipment's own
/// feed gave, unless lines made it and were `taken` away: then nothing is known of it, which is better than what
/// was wrong.
fn decide(row: &mut ShipmentRow, lines: &[ChargeRow], taken: &BTreeSet<String>) {
    let sum = |category: &str, own: Option<i64>| {
        let of_category = lines.iter().filter(|line| line.category == category);
        let sum = of_category.map(|line| line.amount_micros).reduce(i64::saturating_add);
        sum.or(own.filter(|_| !taken.contains(category)))
    };
    let whole = lines.iter().any(|line| line.category == "LINEHAUL");
    if lines.is_empty() && taken.is_empty() {
        return;
    }
    row.linehaul_micros = sum("LINEHAUL", row.linehaul_micros);
    row.fuel_micros = sum("FUEL", row.fuel_micros);
    row.accessorial_micros = sum("ACCESSORIAL", row.accessorial_micros);
    let parts = [row.linehaul_micros, row.fuel_micros, row.accessorial_micros].map(|part| part.map(Micros));
    let [linehaul, fuel, accessorial] = parts;
    // A total that the feed gave says more than parts without their linehaul.
    let given = row.freight_micros.filter(|_| linehaul.is_none() && !taken.contains("LINEHAUL"));
    let amounts = Amounts { linehaul, fuel, accessorial, freight: given.map(Micros), ..Amounts::default() };
    row.freight_micros = amounts.freight_total().map(|total| total.0);
    // Comparable with the freight only when lines make it, and every one of them was rated.
    if whole {
        row.rated_micros = lines
            .iter()
            .filter(|line| line.category != "TAX")
            .map(|line| line.rated_micros)
            .try_fold(0_i64, |sum, rated| Some(sum.saturating_add(rated?)));
    } else if taken.contains("LINEHAUL") {
        row.rated_micros = None;
    }
    if let Some(line) = lines.first() {
        row.currency = Some(line.currency.clone());
    }
}
