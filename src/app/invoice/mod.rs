//! Carriers' invoices: auditing those of which something changed, following what is disputed, and the terms they are
//! audited by.
//!
//! What an audit reads is one value, [`Known`], and its fingerprint is kept with the result: facts that did not change
//! make no new row, so running again changes nothing. [`domain::audit`](crate::domain::audit) judges.

pub mod drift;
mod facts;
pub mod letter;
pub mod recovery;
pub mod release;
pub mod terms;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::App;
use super::parallel::found_in_two;
use crate::db::dialect::{Checkpoints, bulk_writer_settings, statistics_refresh, transaction_lock, write_tx};
use crate::db::freight::{days_named_unscoped, freight_mark};
use crate::db::invoice::batch::{
    audit_marks_unscoped, audits_insert, audits_newest_unscoped, stale_invoices_take,
};
use crate::db::invoice::{AuditRow, InvoiceKey, StoredAudit, invoices_unmatched_mark, stale_invoices_next};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::audit::{Bill, Known, Outcome, RULES, audit};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// The job that audits.
pub const AUDIT_JOB: &str = "audit-freight";
/// Invoices read and judged together.
const AT_ONCE: usize = 500;
/// Invoices audited in one transaction.
const IN_TRANSACTION: usize = 32 * AT_ONCE;
/// So many new results are worth a look at what the planner knows.
const PLANNED_ANEW_ROWS: i64 = 10_000;
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
    fn add(&mut self, other: &Self) {
        self.looked += other.looked;
        self.audited += other.audited;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += count;
        }
    }

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
    // Its own connection, which keeps the settings of a bulk writer.
    let mut db = app.pool.url().connect()?;
    bulk_writer_settings(&mut db)?;
    let mut checkpoints = Checkpoints::take_over(&mut db, app.pool.url())?;
    let done = audit_marked(app, &mut db, &mut checkpoints, only_partner);
    // Also of what was audited before a failure the log is copied back, so that the next page need not wait for it.
    let handed_back = checkpoints.hand_back(&mut db);
    let report = done?;
    handed_back?;
    Ok(report)
}

/// Audits what is marked, transaction by transaction.
fn audit_marked(
    app: &App,
    db: &mut Db,
    checkpoints: &mut Checkpoints,
    only_partner: Option<i64>,
) -> Result<AuditReport, DbError> {
    let mut spare = app.pool.spare();
    write_tx(db, invoices_unmatched_mark)?;
    let (mut report, mut after, mut planned_for) = (AuditReport::default(), (i64::MIN, i64::MIN), 0);
    loop {
        let keys = stale_invoices_next(db, only_partner, after, IN_TRANSACTION)?;
        let Some(last) = keys.last() else { return Ok(report) };
        after = *last;
        let (spare, batches) = (spare.as_deref_mut(), keys.len().div_ceil(AT_ONCE));
        write_tx(db, |db| {
            transaction_lock(db, LOCK)?;
            audit_these(app, db, spare, keys, &mut report)
        })?;
        checkpoints.after_commit(db, batches)?;
        // A first audit of many fills a table that the planner knows as empty.
        if report.audited >= PLANNED_ANEW_ROWS.max(2 * planned_for) {
            statistics_refresh(db, u64::try_from(report.audited).unwrap_or(0))?;
            planned_for = report.audited;
        }
    }
}

/// Ids by partner.
fn by_partner(keys: impl IntoIterator<Item = InvoiceKey>) -> BTreeMap<i64, Vec<i64>> {
    let mut found: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (partner_id, id) in keys {
        found.entry(partner_id).or_default().push(id);
    }
    found
}

/// Audits these invoices. Two connections read and judge; what comes of it is written, while the other reads on, by the one whose
/// transaction it is.
fn audit_these(
    app: &App,
    db: &mut Db,
    spare: Option<&mut Db>,
    keys: Vec<InvoiceKey>,
    report: &mut AuditReport,
) -> Result<(), DbError> {
    let mut pieces: Vec<(i64, Vec<i64>)> = Vec::new();
    for (partner_id, ids) in by_partner(keys) {
        // The marks go first: what changes from here on marks again.
        stale_invoices_take(db, partner_id, &ids)?;
        pieces.extend(ids.chunks(AT_ONCE).map(|some| (partner_id, some.to_vec())));
    }
    let at = Instant(app.now());
    let (mut cells, mut billed) = (BTreeSet::new(), BTreeSet::new());
    found_in_two(
        db,
        spare,
        pieces.len(),
        |db, index, shelf: &mut facts::Shelf| match pieces.get(index) {
            Some((partner_id, ids)) => Judged::read(db, (*partner_id, ids), shelf, at),
            None => Ok(Judged::default()),
        },
        |db, judged| {
            audits_insert(db, &judged.audits)?;
            report.add(&judged.report);
            cells.extend(judged.cells);
            billed.extend(judged.billed);
            Ok(())
        },
    )?;
    stale_mark(db, Source::Invoices, &cells)?;
    Ok(freight_mark(db, &billed)?)
}

/// What came of some invoices.
#[derive(Default)]
struct Judged {
    audits: Vec<AuditRow>,
    /// Whose sums that changes.
    cells: BTreeSet<StaleCell>,
    /// The days of the shipments they are for: what is billed of these may be other than it was.
    billed: BTreeSet<(i64, Day)>,
    report: AuditReport,
}

impl Judged {
    /// Reads and judges some invoices of a partner.
    fn read(
        db: &mut Db,
        (partner_id, ids): (i64, &[i64]),
        shelf: &mut facts::Shelf,
        at: Instant,
    ) -> Result<Self, DbError> {
        let mut judged = Self::default();
        let batch = facts::Batch::read(db, partner_id, ids, shelf)?;
        let newest = audit_marks_unscoped(db, partner_id, ids)?;
        // By which names the bills call their shipments.
        let (mut names, mut again) = (BTreeSet::new(), Vec::new());
        for &id in ids {
            let Some((bill, known)) = batch.of(id) else { continue };
            let key = (partner_id, id);
            judged.report.looked += 1;
            let facts_hash = fingerprint(key, bill, &known)?;
            let seq = match newest.get(&id) {
                Some(&(_, same)) if same == facts_hash => continue,
                Some(&(seq, _)) => seq.saturating_add(1),
                None => 1,
            };
            let audited = audit(bill, &known);
            judged.report.audited += 1;
            *judged.report.outcomes.entry(audited.outcome.label()).or_default() += 1;
            judged.audits.push(AuditRow::of(key, &StoredAudit { seq, facts_hash, audited, at })?);
            judged.cells.insert(StaleCell { partner_id, day: bill.received_on });
            names.extend(bill.lines.iter().flat_map(|line| line.named.names()).map(str::to_owned));
            let carry = known.numbers.values().flat_map(BTreeMap::values).flatten();
            names.extend(carry.map(|bearer| bearer.reference.clone()));
            if seq > 1 && bill.lines.iter().any(|line| line.named.said().next().is_some()) {
                again.push(id);
            }
        }
        // A number may have led elsewhere before, and what is billed of that shipment is other than it was too.
        for before in audits_newest_unscoped(db, partner_id, &again)?.into_values() {
            let positions = before.audited.positions.into_iter();
            names.extend(positions.filter(|one| one.found_by.is_some()).filter_map(|one| one.shipment));
        }
        judged.billed = days_named_unscoped(db, partner_id, &names)?;
        Ok(judged)
    }
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
    let mut settled = keys;
    settled.retain(|(key, _)| !waiting.contains(key));
    for some in settled.chunks(AT_ONCE) {
        let mut found = BTreeSet::new();
        for (partner_id, ids) in by_partner(some.iter().map(|(key, _)| *key)) {
            let batch = facts::Batch::read(db, partner_id, &ids, &mut shelf)?;
            let mut newest = audits_newest_unscoped(db, partner_id, &ids)?;
            for id in ids {
                let (Some((bill, known)), Some(newest)) = (batch.of(id), newest.remove(&id)) else {
                    continue;
                };
                looked += 1;
                if newest.audited.rules == RULES && audit(bill, &known) != newest.audited {
                    found.insert((partner_id, id));
                }
            }
        }
        for (_, number) in some.iter().filter(|(key, _)| found.contains(key)) {
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
            "Pay what is approved; the rest waits for what is missing. It is audited again when that comes in, or somebody of finance \
             releases or refuses it."
        }
        Outcome::Reject => "Pay nothing, and tell the partner why.",
    }
}
