//! Carriers' invoices: auditing those of which something changed, following what is disputed, and the terms they are
//! audited by.
//!
//! What an audit reads is one value, [`Known`], and its fingerprint is kept with the result: facts that did not change
//! make no new row, so running again changes nothing. [`domain::audit`](crate::domain::audit) judges.

pub mod drift;
mod facts;
pub mod recovery;
pub mod terms;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::App;
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::invoice::{
    InvoiceKey, StoredAudit, audit_insert, audit_newest, invoices_unmatched_mark, stale_invoice_take,
    stale_invoices_next,
};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::audit::{Bill, Known, Outcome, RULES, audit};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// The job that audits.
pub const AUDIT_JOB: &str = "audit-freight";
/// Invoices audited in one transaction.
const AT_ONCE: i64 = 100;
/// One audit of an invoice at a time, and one decision about it.
const LOCK: &str = "freight-audit";

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Invoices of which something had changed.
    pub looked: i64,
    /// Results that are new.
    pub audited: i64,
    /// By what to do with them.
    pub outcomes: BTreeMap<&'static str, i64>,
}

impl AuditReport {
    /// In one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.looked == 0 {
            return "no invoice waited for an audit".to_owned();
        }
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|(outcome, count)| format!("{} to {outcome}", words::figure(*count)))
            .collect();
        let of = format!("{} looked at", words::count(self.looked, "invoice"));
        if outcomes.is_empty() {
            format!("{of}, nothing changed")
        } else {
            format!("{of}: {}", outcomes.join(", "))
        }
    }
}

/// Audits the invoices of which something changed, of one partner or of all.
///
/// # Errors
/// The database's reason. What was audited before stays; the others still wait.
pub fn audit_freight(app: &App, only_partner: Option<i64>) -> Result<AuditReport, DbError> {
    let mut db = app.pool.get()?;
    write_tx(&mut db, invoices_unmatched_mark)?;
    let (mut report, mut after, mut shelf) =
        (AuditReport::default(), (i64::MIN, i64::MIN), facts::Shelf::default());
    loop {
        let keys = stale_invoices_next(&mut db, only_partner, after, AT_ONCE)?;
        let Some(last) = keys.last() else { return Ok(report) };
        after = *last;
        write_tx(&mut db, |db| {
            transaction_lock(db, LOCK)?;
            let mut cells = BTreeSet::new();
            for key in keys {
                cells.extend(audit_one(app, db, key, (&mut shelf, &mut report))?);
            }
            stale_mark(db, Source::Invoices, &cells)?;
            Ok::<_, DbError>(())
        })?;
    }
}

/// Audits one invoice; says whose sums it changes.
fn audit_one(
    app: &App,
    db: &mut Db,
    key: InvoiceKey,
    (shelf, report): (&mut facts::Shelf, &mut AuditReport),
) -> Result<Option<StaleCell>, DbError> {
    // The mark goes first: what changes from here on marks it again.
    stale_invoice_take(db, key)?;
    let Some((bill, known)) = facts::read(db, key, shelf)? else { return Ok(None) };
    report.looked += 1;
    let facts_hash = fingerprint(key, &bill, &known)?;
    let newest = audit_newest(db, &Viewer::system(), key)?;
    if newest.as_ref().is_some_and(|newest| newest.facts_hash == facts_hash) {
        return Ok(None);
    }
    let audited = audit(&bill, &known);
    report.audited += 1;
    *report.outcomes.entry(audited.outcome.label()).or_default() += 1;
    let seq = newest.map_or(0, |newest| newest.seq).saturating_add(1);
    audit_insert(db, key, &StoredAudit { seq, facts_hash, audited, at: Instant(app.now()) })?;
    Ok(Some(StaleCell { partner_id: key.0, day: bill.received_on }))
}

fn fingerprint(key: InvoiceKey, bill: &Bill, known: &Known) -> Result<i64, DbError> {
    let text = serde_json::to_vec(&(RULES, bill, known)).map_err(|error| DbError::Stored {
        what: format!("what is known of invoice {}", key.1),
        reason: error.to_string(),
    })?;
    Ok(i64::from_ne_bytes(xxh3_64(&text).to_ne_bytes()))
}

/// Audits every invoice that does not wait again and says which results differ. Reads only.
///
/// # Errors
/// The database's reason.
pub fn audits_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let (mut looked, mut differ, mut shelf) = (0, Vec::new(), facts::Shelf::default());
    let mut waiting = BTreeSet::new();
    let mut after = (i64::MIN, i64::MIN);
    loop {
        let keys = stale_invoices_next(db, None, after, AT_ONCE)?;
        let Some(last) = keys.last() else { break };
        after = *last;
        waiting.extend(keys);
    }
    let mut keys = Vec::new();
    crate::db::invoice::invoices_fold(
        db,
        &Viewer::system(),
        &crate::db::invoice::InvoiceFilter::default(),
        |one| {
            keys.push(((one.partner_id, one.id), one.number));
        },
    )?;
    for (key, number) in keys.into_iter().filter(|(key, _)| !waiting.contains(key)) {
        let (Some((bill, known)), Some(newest)) =
            (facts::read(db, key, &mut shelf)?, audit_newest(db, &Viewer::system(), key)?)
        else {
            continue;
        };
        looked += 1;
        if newest.audited.rules == RULES && audit(&bill, &known) != newest.audited {
            differ
                .push(format!("invoice {number}: the stored audit differs from what the facts come to now"));
        }
    }
    Ok((looked, differ))
}

/// What to do next with an invoice, in one sentence.
#[must_use]
pub fn next_step(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pay => "Pay what is billed.",
        Outcome::PayAsRated => "Pay what is approved, and send the dispute about the rest.",
        Outcome::PayAndClaim => {
            "Pay what is billed, since the contract gives no right to pay less, and claim the disputed part back."
        }
        Outcome::Hold => {
            "Pay what is approved; the rest waits for what is missing, and is audited again when it comes in."
        }
        Outcome::Reject => "Pay nothing, and tell the partner why.",
    }
}
