//! Disputes that wait for the carrier's answer, and what was written about them. What was written is only added to.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::InvoiceKey;
use crate::bulk_insert;
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{invoice_letters, invoice_steps, invoices};
use crate::db::types::Day;
use crate::domain::audit::recovery::LetterKind;
use crate::domain::field::BadCode;
use crate::domain::viewer::Viewer;

/// A step that no later one of the same invoice follows on.
const LAST: &str = "NOT EXISTS (SELECT 1 FROM invoice_steps AS later WHERE later.partner_id = invoice_steps.partner_id \
                    AND later.invoice_id = invoice_steps.invoice_id AND later.seq > invoice_steps.seq)";

/// The newest audit of the step's invoice still disputes something.
const DISPUTED: &str = "EXISTS (SELECT 1 FROM invoice_audits AS audit WHERE audit.partner_id = invoice_steps.partner_id \
                        AND audit.invoice_id = invoice_steps.invoice_id AND audit.disputed_micros > 0 \
                        AND NOT EXISTS (SELECT 1 FROM invoice_audits AS newer WHERE newer.partner_id = audit.partner_id \
                        AND newer.invoice_id = audit.invoice_id AND newer.seq > audit.seq))";

/// A dispute that was sent and not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The invoice.
    pub invoice_id: i64,
    /// Its number.
    pub number: String,
    /// The day on it.
    pub issued_on: NaiveDate,
    /// The number of the step that sent it.
    pub seq: i32,
    /// What was written about that step, and when.
    pub told: BTreeMap<LetterKind, NaiveDate>,
}

/// The partners with a dispute that was sent, not answered, and not dropped by a later audit.
///
/// Unscoped: the daily job asks.
///
/// # Errors
/// The engine's reason.
pub fn unanswered_partners_unscoped(db: &mut Db) -> QueryResult<Vec<i64>> {
    invoice_steps::table
        // Written out, so that both engines see the part of the table that its index covers.
        .filter(sql::<Bool>("invoice_steps.kind = 'SENT'"))
        .filter(sql::<Bool>(LAST))
        .filter(sql::<Bool>(DISPUTED))
        .select(invoice_steps::partner_id)
        .distinct()
        .order(invoice_steps::partner_id)
        .load(db)
}

/// The disputes of a partner that were sent and not answered, by invoice. Of an invoice whose newest audit disputes nothing there
/// is nothing to answer.
///
/// Unscoped: the daily job names the partner.
///
/// # Errors
/// [`DbError::Stored`] for a word nobody knows, or the engine's reason.
pub fn unanswered_unscoped(db: &mut Db, partner_id: i64) -> Result<Vec<Unanswered>, DbError> {
    let rows: Vec<(i64, i32, String, Day)> = invoice_steps::table
        .inner_join(
            invoices::table.on(invoices::partner_id
                .eq(invoice_steps::partner_id)
                .and(invoices::id.eq(invoice_steps::invoice_id))),
        )
        .filter(invoice_steps::partner_id.eq(partner_id))
        .filter(sql::<Bool>("invoice_steps.kind = 'SENT'"))
        .filter(sql::<Bool>(LAST))
        .filter(sql::<Bool>(DISPUTED))
        .order(invoice_steps::invoice_id)
        .select((invoice_steps::invoice_id, invoice_steps::seq, invoices::number, invoices::issued_on))
        .load(db)?;
    let mut told = letters_of(db, partner_id, None)?;
    Ok(rows
        .into_iter()
        .map(|(invoice_id, seq, number, issued_on)| Unanswered {
            invoice_id,
            number,
            issued_on: issued_on.0,
            seq,
            told: told.remove(&(invoice_id, seq)).unwrap_or_default(),
        })
        .collect())
}

type Told = BTreeMap<(i64, i32), BTreeMap<LetterKind, NaiveDate>>;

/// What was written about the steps of a partner's invoices, or of one, by invoice and step.
fn letters_of(db: &mut Db, partner_id: i64, invoice: Option<i64>) -> Result<Told, DbError> {
    let mut query = invoice_letters::table
        .filter(invoice_letters::partner_id.eq(partner_id))
        .select((
            invoice_letters::invoice_id,
            invoice_letters::seq,
            invoice_letters::kind,
            invoice_letters::told_on,
        ))
        .into_boxed();
    if let Some(id) = invoice {
        query = query.filter(invoice_letters::invoice_id.eq(id));
    }
    let rows: Vec<(i64, i32, String, Day)> = query.load(db)?;
    let mut told = Told::new();
    for (invoice_id, seq, kind, on) in rows {
        let kind = kind.parse().map_err(|error: BadCode| DbError::Stored {
            what: format!("a letter about invoice {invoice_id}"),
            reason: error.to_string(),
        })?;
        told.entry((invoice_id, seq)).or_default().insert(kind, on.0);
    }
    Ok(told)
}

/// What was written about an invoice, oldest first; nothing when the viewer may not see it. That no answer came is told to
/// finance, and no business of the partner's.
///
/// # Errors
/// [`DbError::Stored`] for a word nobody knows, or the engine's reason.
pub fn letter_list(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, id): InvoiceKey,
) -> Result<Vec<(LetterKind, NaiveDate)>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let is_own = viewer.partner_id.is_some();
    let mut found: Vec<(LetterKind, NaiveDate)> =
        letters_of(db, partner_id, Some(id))?.into_values().flatten().collect();
    found.retain(|(kind, _)| !is_own || *kind != LetterKind::Overdue);
    found.sort_by_key(|(kind, on)| (*on, *kind));
    Ok(found)
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = invoice_letters, treat_none_as_default_value = false)]
struct LetterRow {
    partner_id: i64,
    invoice_id: i64,
    seq: i32,
    kind: String,
    told_on: Day,
}

/// Notes that something was written about steps of a partner's invoices on a day; a second time of the same fails.
///
/// # Errors
/// The engine's reason.
pub fn letters_insert(
    db: &mut Db,
    partner_id: i64,
    (kind, told_on): (LetterKind, NaiveDate),
    about: impl IntoIterator<Item = (i64, i32)>,
) -> QueryResult<()> {
    let row = |(invoice_id, seq)| LetterRow {
        partner_id,
        invoice_id,
        seq,
        kind: kind.code().to_owned(),
        told_on: Day(told_on),
    };
    let rows: Vec<LetterRow> = about.into_iter().map(row).collect();
    bulk_insert!(db, invoice_letters::table, rows.as_slice()).map(drop)
}
