//! Carriers' invoices, what their audits found, what was done about it, and by which terms they are audited. All of it is
//! only added to; what waits for an audit is a mark in `stale_invoices`.

pub mod batch;
pub mod credit;
pub mod letter;
pub mod reach;
pub mod ruling;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Serialize;

use reach::{renumbered_unscoped, touched_unscoped};

use super::conn::Db;
use super::dialect::among::among;
use super::papers::numbers_billed_unscoped;
use super::schema::{
    audit_terms, invoice_audits, invoice_lines, invoice_numbers, invoice_references, invoice_steps, invoices,
    partners, shipments, sources, stale_invoices,
};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::domain::audit::papers::NumberKey;
use crate::domain::audit::recovery::{Step, Taken};
use crate::domain::audit::{
    Accuracy, AuditTerms, Audited, BillStatus, DatedTerms, DisputeCode, Named, Outcome,
};
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;
use crate::{bulk_insert, on_engine, sqlite_rows_insert};

/// Audits of one invoice that are shown.
const AUDITS_SHOWN: i64 = 50;

/// An invoice as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = invoices, treat_none_as_default_value = false)]
pub struct InvoiceRow {
    /// Who bills.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The carrier's number.
    pub number: String,
    /// The number as numbers are compared.
    pub number_key: String,
    /// ORIGINAL, CORRECTION or CREDIT.
    pub kind: String,
    /// The number of the bill it corrects or credits.
    pub corrects: Option<String>,
    /// That number as numbers are compared.
    pub corrects_key: Option<String>,
    /// The day on it.
    pub issued_on: Day,
    /// The day it came in.
    pub received_on: Day,
    /// Currency of every amount.
    pub currency: String,
    /// Where to pay.
    pub remit_to: Option<String>,
    /// Sum of its lines.
    pub total_micros: i64,
    /// Fingerprint of everything on it.
    pub fact_hash: i64,
    /// The import that brought it.
    pub import_id: i64,
    /// When.
    pub recorded_at: Instant,
    /// To whom it is addressed.
    pub bill_to: Option<String>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = invoice_lines, treat_none_as_default_value = false)]
pub struct InvoiceLineRow {
    /// Who bills.
    pub partner_id: i64,
    /// The invoice.
    pub invoice_id: i64,
    /// Place on the invoice, from 1.
    pub seq: i32,
    /// Our reference of the shipment.
    pub shipment: Option<String>,
    /// The carrier's number of it.
    pub pro: Option<String>,
    /// Its bill of lading.
    pub bol: Option<String>,
    /// Charge code as billed.
    pub code: String,
    /// LINEHAUL, FUEL, ACCESSORIAL or TAX.
    pub category: String,
    /// How much of it.
    pub quantity_micros: Option<i64>,
    /// What the quantity counts.
    pub unit: Option<String>,
    /// Billed.
    pub amount_micros: i64,
    /// Row in the imported file.
    pub import_row: i64,
    /// The load its shipment is part of.
    pub load_number: Option<String>,
    /// Which stop of the load.
    pub stop: Option<i32>,
    /// Who pays the freight, as the bill says.
    pub freight_terms: Option<String>,
}

impl InvoiceLineRow {
    /// The names it gives its shipment.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = [&self.shipment, &self.pro, &self.bol, &self.load_number];
        names.into_iter().filter_map(|name| name.as_deref())
    }

    /// How it names its shipment.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            shipment: self.shipment.clone(),
            pro: self.pro.clone(),
            bol: self.bol.clone(),
            load: self.load_number.clone(),
            stop: self.stop,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Insertable)]
#[diesel(table_name = invoice_references, treat_none_as_default_value = false)]
struct ReferenceRow {
    partner_id: i64,
    reference: String,
    invoice_id: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Insertable)]
#[diesel(table_name = invoice_numbers, treat_none_as_default_value = false)]
struct InvoiceNumberRow {
    partner_id: i64,
    kind: String,
    number_key: String,
    invoice_id: i64,
}

impl InvoiceNumberRow {
    fn of((partner_id, invoice_id): InvoiceKey, (kind, number_key): NumberKey) -> Self {
        Self { partner_id, kind: kind.code().to_owned(), number_key, invoice_id }
    }
}

/// Whose invoice, and which.
pub type InvoiceKey = (i64, i64);

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stale_invoices, treat_none_as_default_value = false)]
struct StaleRow {
    partner_id: i64,
    invoice_id: i64,
}

sqlite_rows_insert!(
    InvoicesInsert,
    InvoiceRow,
    invoices,
    partner_id,
    id,
    number,
    number_key,
    kind,
    corrects,
    corrects_key,
    issued_on,
    received_on,
    currency,
    remit_to,
    total_micros,
    fact_hash,
    import_id,
    recorded_at,
    bill_to,
);

sqlite_rows_insert!(
    LinesInsert,
    InvoiceLineRow,
    invoice_lines,
    partner_id,
    invoice_id,
    seq,
    shipment,
    pro,
    bol,
    code,
    category,
    quantity_micros,
    unit,
    amount_micros,
    import_row,
    load_number,
    stop,
    freight_terms,
);

/// The result of one audit, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_audits, treat_none_as_default_value = false)]
pub struct AuditRow {
    partner_id: i64,
    invoice_id: i64,
    seq: i32,
    facts_hash: i64,
    status: String,
    outcome: String,
    billed_micros: i64,
    approved_micros: i64,
    disputed_micros: i64,
    payable_micros: i64,
    codes: String,
    accuracy: String,
    result: String,
    audited_at: Instant,
}

/// The result of one audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAudit {
    /// 1 for the first.
    pub seq: i32,
    /// Fingerprint of everything it was made from.
    pub facts_hash: i64,
    /// What it found.
    pub audited: Audited,
    /// When.
    pub at: Instant,
}

/// A step about the disputed money of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_steps)]
pub struct StepRow {
    /// Who bills.
    pub partner_id: i64,
    /// The invoice.
    pub invoice_id: i64,
    /// 1 for the first.
    pub seq: i32,
    /// [`Step`].
    pub kind: String,
    /// How much.
    pub amount_micros: i64,
    /// Why, or the number of the credit note.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

impl StepRow {
    /// As the rules read it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a word nobody knows.
    pub fn taken(&self) -> Result<Taken, DbError> {
        let step: Step = self.kind.parse().map_err(|error: BadCode| DbError::Stored {
            what: format!("step {} of invoice {}", self.seq, self.invoice_id),
            reason: error.to_string(),
        })?;
        Ok(Taken { step, amount: Micros(self.amount_micros), actor_id: self.actor_id })
    }
}

/// A set of audit terms, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_terms)]
pub struct TermsRow {
    /// Whose invoices.
    pub partner_id: i64,
    /// 1 for the first set.
    pub seq: i32,
    /// First day of receipt for which it holds.
    pub valid_from: Day,
    /// The terms as JSON.
    pub terms: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

impl TermsRow {
    /// A set as it is stored.
    ///
    /// # Errors
    /// [`DbError::Stored`] when it cannot be written, which no value is known to do.
    pub fn text(terms: &AuditTerms) -> Result<String, DbError> {
        serde_json::to_string(terms)
            .map_err(|error| DbError::Stored { what: "audit terms".to_owned(), reason: error.to_string() })
    }

    /// The set as the rules read it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for one that does not read back.
    pub fn dated(&self) -> Result<DatedTerms, DbError> {
        let terms = serde_json::from_str(&self.terms).map_err(|error| DbError::Stored {
            what: format!("set {} of the audit terms of partner {}", self.seq, self.partner_id),
            reason: error.to_string(),
        })?;
        Ok(DatedTerms { from: self.valid_from.0, seq: self.seq, terms })
    }
}

fn stored((_, invoice_id): InvoiceKey, reason: impl std::fmt::Display) -> DbError {
    DbError::Stored { what: format!("the audit of invoice {invoice_id}"), reason: reason.to_string() }
}

impl AuditRow {
    /// A result as it is to be stored.
    ///
    /// # Errors
    /// [`DbError::Stored`] for one that cannot be written.
    pub fn of(key: InvoiceKey, one: &StoredAudit) -> Result<Self, DbError> {
        let audited = &one.audited;
        let codes: Vec<&str> = audited.codes().into_iter().map(DisputeCode::code).collect();
        Ok(Self {
            partner_id: key.0,
            invoice_id: key.1,
            seq: one.seq,
            facts_hash: one.facts_hash,
            status: audited.status.code().to_owned(),
            outcome: audited.outcome.code().to_owned(),
            billed_micros: audited.billed.0,
            approved_micros: audited.approved.0,
            disputed_micros: audited.disputed.0,
            payable_micros: audited.payable.0,
            codes: codes.join(" "),
            accuracy: text(key, &audited.accuracy)?,
            result: text(key, audited)?,
            audited_at: one.at,
        })
    }

    fn read(self) -> Result<StoredAudit, DbError> {
        let key = (self.partner_id, self.invoice_id);
        let audited = serde_json::from_str(&self.result).map_err(|error| stored(key, error))?;
        Ok(StoredAudit { seq: self.seq, facts_hash: self.facts_hash, audited, at: self.audited_at })
    }
}

fn text(key: InvoiceKey, value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| stored(key, error))
}

/// The stored invoices of a partner with one of the numbers.
///
/// Unscoped: the import knows whose file it is.
///
/// # Errors
/// The engine's reason.
pub fn invoices_numbered_unscoped(
    db: &mut Db,
    partner_id: i64,
    numbers: &[String],
) -> QueryResult<Vec<InvoiceRow>> {
    let mut found = Vec::new();
    for chunk in numbers.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<InvoiceRow> = invoices::table
            .filter(invoices::partner_id.eq(partner_id))
            .filter(among(invoices::number, chunk.iter().map(String::as_str).collect()))
            .select(InvoiceRow::as_select())
            .load(db)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Adds invoices with their lines, and marks them and every invoice they touch for an audit.
///
/// # Errors
/// [`DbError::Stored`] for something beside them that does not read back, or the engine's reason.
pub fn invoices_insert(db: &mut Db, rows: &[InvoiceRow], lines: &[InvoiceLineRow]) -> Result<(), DbError> {
    bulk_insert!(db, invoices::table, rows, InvoicesInsert)?;
    bulk_insert!(db, invoice_lines::table, lines, LinesInsert)?;
    let references: BTreeSet<ReferenceRow> = lines
        .iter()
        .flat_map(|line| line.names().map(move |name| (line, name)))
        .map(|(line, name)| ReferenceRow {
            partner_id: line.partner_id,
            reference: name.to_owned(),
            invoice_id: line.invoice_id,
        })
        .collect();
    let references: Vec<ReferenceRow> = references.into_iter().collect();
    bulk_insert!(db, invoice_references::table, references.as_slice())?;
    let numbers: BTreeSet<InvoiceNumberRow> = lines
        .iter()
        .flat_map(|line| {
            let key = (line.partner_id, line.invoice_id);
            line.named().keys().map(|number| InvoiceNumberRow::of(key, number)).collect::<Vec<_>>()
        })
        .collect();
    let numbers: Vec<InvoiceNumberRow> = numbers.into_iter().collect();
    bulk_insert!(db, invoice_numbers::table, numbers.as_slice())?;
    let mut marks = BTreeSet::new();
    let partners: BTreeSet<i64> = rows.iter().map(|row| row.partner_id).collect();
    for partner_id in partners {
        let own = || rows.iter().filter(|row| row.partner_id == partner_id);
        let lines = lines.iter().filter(|line| line.partner_id == partner_id);
        marks.extend(own().map(|row| (partner_id, row.id)));
        let touched = touched_unscoped(db, partner_id, lines, own())?;
        marks.extend(touched.into_iter().map(|id| (partner_id, id)));
    }
    Ok(stale_invoices_mark(db, &marks)?)
}

/// Marks invoices for an audit. An existing mark is locked by writing it again, as of measure cells.
///
/// # Errors
/// The engine's reason.
pub fn stale_invoices_mark(db: &mut Db, keys: &BTreeSet<InvoiceKey>) -> QueryResult<()> {
    use diesel::upsert::excluded;

    let rows: Vec<StaleRow> =
        keys.iter().map(|&(partner_id, invoice_id)| StaleRow { partner_id, invoice_id }).collect();
    for chunk in rows.chunks(KEYS_PER_STATEMENT) {
        on_engine!(db, |conn| diesel::insert_into(stale_invoices::table)
            .values(chunk)
            .on_conflict((stale_invoices::partner_id, stale_invoices::invoice_id))
            .do_update()
            .set(stale_invoices::partner_id.eq(excluded(stale_invoices::partner_id)))
            .execute(conn))?;
    }
    Ok(())
}

/// The invoices that name one of the shipments of some partners due on a day, by our reference or by a number it carries. Since
/// who carries a number may have changed, also those that share a shipment with one that gives it.
///
/// Unscoped: a refresh marks them, of whichever partner they are.
///
/// # Errors
/// [`DbError::Stored`] for something that does not read back, or the engine's reason.
pub fn invoices_of_day_unscoped(
    db: &mut Db,
    day: NaiveDate,
    partners: &[i64],
) -> Result<BTreeSet<InvoiceKey>, DbError> {
    let by_reference: Vec<InvoiceKey> = shipments::table
        .inner_join(
            invoice_references::table.on(invoice_references::partner_id
                .eq(shipments::partner_id)
                .and(invoice_references::reference.eq(shipments::reference))),
        )
        .filter(shipments::obligation_day.eq(Day(day)))
        .filter(shipments::partner_id.eq_any(partners))
        .select((invoice_references::partner_id, invoice_references::invoice_id))
        .distinct()
        .load(db)?;
    let numbers = numbers_billed_unscoped(db, partners, &[Day(day)])?;
    let mut found = renumbered_unscoped(db, numbers)?;
    found.extend(by_reference);
    Ok(found)
}

/// Whether any invoice is stored.
///
/// # Errors
/// The engine's reason.
pub fn any_invoices(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> = invoices::table.select(invoices::id).first(db).optional()?;
    Ok(any.is_some())
}

/// Marks the partner's invoices with a line of one of the codes: what they mean was decided anew.
///
/// # Errors
/// The engine's reason.
pub fn invoices_coded_mark(db: &mut Db, partner_id: i64, is_it: impl Fn(&str) -> bool) -> QueryResult<()> {
    let codes: Vec<String> = invoice_lines::table
        .filter(invoice_lines::partner_id.eq(partner_id))
        .select(invoice_lines::code)
        .distinct()
        .load(db)?;
    let codes: Vec<String> = codes.into_iter().filter(|code| is_it(code)).collect();
    let mut keys = BTreeSet::new();
    for chunk in codes.chunks(KEYS_PER_STATEMENT) {
        let ids: Vec<i64> = invoice_lines::table
            .filter(invoice_lines::partner_id.eq(partner_id))
            .filter(invoice_lines::code.eq_any(chunk))
            .select(invoice_lines::invoice_id)
            .distinct()
            .load(db)?;
        keys.extend(ids.into_iter().map(|id| (partner_id, id)));
    }
    stale_invoices_mark(db, &keys)
}

/// Marks the partner's invoices received from a day on: other terms hold for them.
///
/// # Errors
/// The engine's reason.
pub fn invoices_since_mark(db: &mut Db, partner_id: i64, from: NaiveDate) -> QueryResult<()> {
    let ids: Vec<i64> = invoices::table
        .filter(invoices::partner_id.eq(partner_id))
        .filter(invoices::received_on.ge(Day(from)))
        .select(invoices::id)
        .load(db)?;
    stale_invoices_mark(db, &ids.into_iter().map(|id| (partner_id, id)).collect())
}

/// Marks the invoices of which the newest audit found no shipment: it may be there by now.
///
/// # Errors
/// The engine's reason.
pub fn invoices_unmatched_mark(db: &mut Db) -> QueryResult<()> {
    let keys: Vec<InvoiceKey> = invoice_audits::table
        .filter(invoice_audits::status.eq(BillStatus::Unmatched.code()))
        .filter(sql::<Bool>(NEWEST))
        .select((invoice_audits::partner_id, invoice_audits::invoice_id))
        .load(db)?;
    stale_invoices_mark(db, &keys.into_iter().collect())
}

/// An audit that no later one of the same invoice follows on.
const NEWEST: &str = "NOT EXISTS (SELECT 1 FROM invoice_audits AS newer WHERE newer.partner_id = invoice_audits.partner_id \
                      AND newer.invoice_id = invoice_audits.invoice_id AND newer.seq > invoice_audits.seq)";

/// The next invoices that wait for an audit, by partner and id.
///
/// # Errors
/// The engine's reason.
pub fn stale_invoices_next(
    db: &mut Db,
    only_partner: Option<i64>,
    after: InvoiceKey,
    limit: usize,
) -> QueryResult<Vec<InvoiceKey>> {
    let mut query = stale_invoices::table
        .filter(
            stale_invoices::partner_id
                .gt(after.0)
                .or(stale_invoices::partner_id.eq(after.0).and(stale_invoices::invoice_id.gt(after.1))),
        )
        .order((stale_invoices::partner_id, stale_invoices::invoice_id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((stale_invoices::partner_id, stale_invoices::invoice_id))
        .into_boxed();
    if let Some(partner_id) = only_partner {
        query = query.filter(stale_invoices::partner_id.eq(partner_id));
    }
    query.load(db)
}

/// How many invoices that the viewer may see wait for an audit.
///
/// # Errors
/// The engine's reason.
pub fn stale_invoices_count(db: &mut Db, viewer: &Viewer, partner: Option<i64>) -> QueryResult<i64> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(0) };
    let mut query = stale_invoices::table.select(count_star()).into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(stale_invoices::partner_id.eq(partner_id));
    }
    query.first(db)
}

/// An invoice with its lines; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn invoice_show(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, id): InvoiceKey,
) -> QueryResult<Option<(InvoiceRow, Vec<InvoiceLineRow>)>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    Ok(batch::invoices_unscoped(db, partner_id, &BTreeSet::from([id]))?.remove(&id))
}

/// Whose invoice an id is; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn invoice_partner(db: &mut Db, viewer: &Viewer, id: i64) -> QueryResult<Option<i64>> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(None) };
    let mut query = invoices::table.filter(invoices::id.eq(id)).select(invoices::partner_id).into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(invoices::partner_id.eq(partner_id));
    }
    query.first(db).optional()
}

/// Where the shipments of a partner with one of the names are stored, by name, with the code of their feed. A name that
/// several feeds use means none of them.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// The engine's reason.
pub fn shipments_named_unscoped(
    db: &mut Db,
    partner_id: i64,
    names: &BTreeSet<String>,
) -> QueryResult<BTreeMap<String, (Day, i64, String)>> {
    let mut found = BTreeMap::new();
    let mut ambiguous = BTreeSet::new();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for chunk in names.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<(String, Day, i64, String)> = shipments::table
            .inner_join(sources::table.on(sources::id.eq(shipments::source_id)))
            .filter(shipments::partner_id.eq(partner_id))
            .filter(among(shipments::reference, chunk.to_vec()))
            .select((shipments::reference, shipments::obligation_day, shipments::id, sources::code))
            .load(db)?;
        for (name, day, id, source) in rows {
            if found.insert(name.clone(), (day, id, source)).is_some() {
                ambiguous.insert(name);
            }
        }
    }
    found.retain(|name, _| !ambiguous.contains(name));
    Ok(found)
}

/// Codes of the feeds of some shipments of a partner, by reference; nothing when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn shipment_places(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    names: &BTreeSet<String>,
) -> QueryResult<BTreeMap<String, String>> {
    if !viewer.sees(partner_id) {
        return Ok(BTreeMap::new());
    }
    let found = shipments_named_unscoped(db, partner_id, names)?;
    Ok(found.into_iter().map(|(name, (_, _, source))| (name, source)).collect())
}

/// The newest audit of an invoice; none when there is none or the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for one that does not read back, or the engine's reason.
pub fn audit_newest(db: &mut Db, viewer: &Viewer, key: InvoiceKey) -> Result<Option<StoredAudit>, DbError> {
    Ok(audits_of(db, viewer, key, 1)?.into_iter().next())
}

/// The audits of an invoice, the newest first; none when the viewer may not see it.
///
/// # Errors
/// As [`audit_newest`].
pub fn audit_list(db: &mut Db, viewer: &Viewer, key: InvoiceKey) -> Result<Vec<StoredAudit>, DbError> {
    audits_of(db, viewer, key, AUDITS_SHOWN)
}

fn audits_of(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, id): InvoiceKey,
    limit: i64,
) -> Result<Vec<StoredAudit>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<AuditRow> = invoice_audits::table
        .filter(invoice_audits::partner_id.eq(partner_id))
        .filter(invoice_audits::invoice_id.eq(id))
        .order(invoice_audits::seq.desc())
        .limit(limit)
        .select(AuditRow::as_select())
        .load(db)?;
    rows.into_iter().map(AuditRow::read).collect()
}

/// Columns of the invoices of a filter, each with its newest audit and its partner, by day received; `$asked` is what the viewer
/// may see ([`partner_filter`]).
macro_rules! newest_audits {
    ($asked:expr, $filter:expr, $columns:expr) => {{
        let mut query = invoices::table
            .inner_join(
                invoice_audits::table.on(invoice_audits::partner_id
                    .eq(invoices::partner_id)
                    .and(invoice_audits::invoice_id.eq(invoices::id))),
            )
            .inner_join(partners::table.on(partners::id.eq(invoices::partner_id)))
            .filter(sql::<Bool>(NEWEST))
            .order((invoices::received_on, invoices::partner_id, invoices::id))
            .select($columns)
            .into_boxed();
        if let Some(partner_id) = $asked {
            query = query.filter(invoices::partner_id.eq(partner_id));
        }
        if let Some(from) = $filter.from {
            query = query.filter(invoices::received_on.ge(Day(from)));
        }
        if let Some(until) = $filter.until {
            query = query.filter(invoices::received_on.lt(Day(until)));
        }
        query
    }};
}

/// An invoice with its newest audit, as [`audits_fold`] hands it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedInvoice {
    /// Who bills.
    pub partner_id: i64,
    /// Name of the partner.
    pub partner: String,
    /// Row id.
    pub id: i64,
    /// The carrier's number.
    pub number: String,
    /// The day it came in.
    pub received_on: NaiveDate,
    /// Currency of every amount.
    pub currency: Currency,
    /// What the audit found.
    pub audited: Audited,
}

/// Hands on the audited invoices of a filter that the viewer may see, by day of receipt, without holding them.
///
/// # Errors
/// [`DbError::Stored`] for one that does not read back, or the engine's reason.
pub fn audits_fold(
    db: &mut Db,
    viewer: &Viewer,
    filter: &InvoiceFilter,
    mut each: impl FnMut(AuditedInvoice),
) -> Result<(), DbError> {
    type Head = (i64, String, i64, String, Day, String);
    let Some(asked) = partner_filter(viewer, filter.partner_id) else { return Ok(()) };
    let head = (
        invoices::partner_id,
        partners::name,
        invoices::id,
        invoices::number,
        invoices::received_on,
        invoices::currency,
    );
    let query = newest_audits!(asked, filter, (head, AuditRow::as_select()));
    for row in query.load_iter::<(Head, AuditRow), _>(db)? {
        let ((partner_id, partner, id, number, received_on, currency), row) = row?;
        let currency = currency.parse().map_err(|error: BadCurrency| stored((partner_id, id), error))?;
        let audited = row.read()?.audited;
        each(AuditedInvoice {
            partner_id,
            partner,
            id,
            number,
            received_on: received_on.0,
            currency,
            audited,
        });
    }
    Ok(())
}

/// What the newest audit of one invoice adds to the KPIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledAccuracy {
    /// Who bills.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The carrier's number.
    pub number: String,
    /// Currency of every amount.
    pub currency: String,
    /// What it adds.
    pub accuracy: Accuracy,
}

/// What the newest audits of the invoices that some partners sent in on a day add to their KPIs, by partner and id.
///
/// Unscoped: the refresh names the partners it may read.
///
/// # Errors
/// [`DbError::Stored`] for one that does not read back, or the engine's reason.
pub fn accuracy_of_day_unscoped(
    db: &mut Db,
    day: NaiveDate,
    partners: &[i64],
) -> Result<Vec<BilledAccuracy>, DbError> {
    let rows: Vec<(i64, i64, String, String, String)> = invoices::table
        .inner_join(
            invoice_audits::table.on(invoice_audits::partner_id
                .eq(invoices::partner_id)
                .and(invoice_audits::invoice_id.eq(invoices::id))),
        )
        .filter(invoices::received_on.eq(Day(day)))
        .filter(invoices::partner_id.eq_any(partners))
        .filter(sql::<Bool>(NEWEST))
        .order((invoices::partner_id, invoices::id))
        .select((
            invoices::partner_id,
            invoices::id,
            invoices::number,
            invoices::currency,
            invoice_audits::accuracy,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(partner_id, id, number, currency, text)| {
            let accuracy = serde_json::from_str(&text).map_err(|error| stored((partner_id, id), error))?;
            Ok(BilledAccuracy { partner_id, id, number, currency, accuracy })
        })
        .collect()
}

/// The steps about invoices of the partners the viewer may see, or of one invoice, in order.
///
/// # Errors
/// The engine's reason.
pub fn step_list(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    invoice: Option<i64>,
) -> QueryResult<Vec<StepRow>> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(Vec::new()) };
    let mut query = invoice_steps::table.into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(invoice_steps::partner_id.eq(partner_id));
    }
    if let Some(id) = invoice {
        query = query.filter(invoice_steps::invoice_id.eq(id));
    }
    query
        .order((invoice_steps::partner_id, invoice_steps::invoice_id, invoice_steps::seq))
        .select(StepRow::as_select())
        .load(db)
}

/// Adds a step; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn step_insert(db: &mut Db, row: &StepRow) -> QueryResult<()> {
    diesel::insert_into(invoice_steps::table).values(row).execute(db).map(drop)
}

/// The sets of audit terms of a partner, oldest first; nothing when the viewer may not see it. Never for the partner itself:
/// who knows a tolerance bills up to it.
///
/// # Errors
/// The engine's reason.
pub fn terms_list(db: &mut Db, viewer: &Viewer, partner_id: i64) -> QueryResult<Vec<TermsRow>> {
    if !viewer.sees(partner_id) || viewer.partner_id.is_some() {
        return Ok(Vec::new());
    }
    audit_terms::table
        .filter(audit_terms::partner_id.eq(partner_id))
        .order(audit_terms::seq)
        .select(TermsRow::as_select())
        .load(db)
}

/// Adds a set; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn terms_insert(db: &mut Db, row: &TermsRow) -> QueryResult<()> {
    diesel::insert_into(audit_terms::table).values(row).execute(db).map(drop)
}

/// Which invoices to list. Days of receipt are half-open.
#[derive(Clone, Debug, Default)]
pub struct InvoiceFilter {
    /// Only this partner's.
    pub partner_id: Option<i64>,
    /// First day.
    pub from: Option<NaiveDate>,
    /// First day after.
    pub until: Option<NaiveDate>,
}

/// One invoice of a list, with its newest audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedInvoice {
    /// Who bills.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// Name of the partner.
    pub partner: String,
    /// The carrier's number.
    pub number: String,
    /// ORIGINAL, CORRECTION or CREDIT.
    pub kind: String,
    /// The day it came in.
    pub received_on: NaiveDate,
    /// Currency of every amount.
    pub currency: Currency,
    /// What it is.
    pub status: BillStatus,
    /// What to do with it.
    pub outcome: Outcome,
    /// Sum of its lines.
    pub billed: Micros,
    /// Paid for good.
    pub approved: Micros,
    /// Not agreed to.
    pub disputed: Micros,
    /// Paid now.
    pub payable: Micros,
    /// Dispute codes, between blanks.
    pub codes: String,
    /// What it adds to the KPIs, as JSON.
    pub accuracy: Accuracy,
}

/// Hands on the audited invoices of a filter that the viewer may see, by day of receipt, without holding them.
///
/// # Errors
/// [`DbError::Stored`] for one that does not read back, or the engine's reason.
pub fn invoices_fold(
    db: &mut Db,
    viewer: &Viewer,
    filter: &InvoiceFilter,
    mut each: impl FnMut(ListedInvoice),
) -> Result<(), DbError> {
    type Row = (
        (i64, i64, String, String, String, Day, String),
        (String, String, i64, i64, i64, i64, String, String),
    );
    let Some(asked) = partner_filter(viewer, filter.partner_id) else { return Ok(()) };
    let query = newest_audits!(
        asked,
        filter,
        (
            (
                invoices::partner_id,
                invoices::id,
                partners::name,
                invoices::number,
                invoices::kind,
                invoices::received_on,
                invoices::currency,
            ),
            (
                invoice_audits::status,
                invoice_audits::outcome,
                invoice_audits::billed_micros,
                invoice_audits::approved_micros,
                invoice_audits::disputed_micros,
                invoice_audits::payable_micros,
                invoice_audits::codes,
                invoice_audits::accuracy,
            ),
        )
    );
    for row in query.load_iter::<Row, _>(db)? {
        let ((partner_id, id, partner, number, kind, received_on, currency), rest) = row?;
        let (status, outcome, billed, approved, disputed, payable, codes, accuracy) = rest;
        let key = (partner_id, id);
        each(ListedInvoice {
            partner_id,
            id,
            partner,
            number,
            kind,
            received_on: received_on.0,
            currency: currency.parse().map_err(|error: BadCurrency| stored(key, error))?,
            status: status.parse().map_err(|error: BadCode| stored(key, error))?,
            outcome: outcome.parse().map_err(|error: BadCode| stored(key, error))?,
            billed: Micros(billed),
            approved: Micros(approved),
            disputed: Micros(disputed),
            payable: Micros(payable),
            codes,
            accuracy: serde_json::from_str(&accuracy).map_err(|error| stored(key, error))?,
        });
    }
    Ok(())
}
