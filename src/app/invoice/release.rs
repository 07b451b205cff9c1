//! Ruling about invoices on hold: released to be paid, or refused; beyond a limit two people of finance release.

use std::collections::BTreeSet;

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed};
use crate::db::Db;
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::freight::{days_named_unscoped, freight_mark};
use crate::db::invoice::ruling::{RulingRow, ruling_insert, ruling_list};
use crate::db::invoice::{InvoiceKey, InvoiceLineRow, audit_newest, invoice_show};
use crate::db::setting::limit;
use crate::db::types::Instant;
use crate::domain::audit::release::{Act, NotRuled, Ruled, Ruling, rule};
use crate::domain::field::require;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// The key of what one person may release of an invoice on hold.
pub const RELEASE_LIMIT: &str = "release_limit";
/// What holds while it was never set.
pub const RELEASE_LIMIT_DEFAULT: &str = "1000.00";

/// What somebody decides about an invoice on hold.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What.
    pub act: Act,
    /// About the position that begins with this line; about everything that waits when none is given.
    pub line: Option<i32>,
    /// Why.
    pub words: String,
    /// The number of the audit that was seen.
    pub seen_audit: i32,
    /// The number of the newest ruling that was seen; 0 when there was none.
    pub seen_ruling: i32,
}

/// Rules about what an invoice has on hold, and marks the days of its shipments for the accrual of freight: what is released is
/// to be paid. Beyond the limit a release is asked for until somebody else of finance gives it.
///
/// # Errors
/// [`EditError`]: not found, denied, stale, or what is wrong with the form.
pub fn decide_hold(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    key: InvoiceKey,
    decision: &Decision,
) -> Result<Ruling, EditError> {
    allowed(viewer, Action::ResolveInvoices)?;
    write_tx(db, |db| {
        transaction_lock(db, super::LOCK)?;
        let (Some((row, lines)), Some(newest)) =
            (invoice_show(db, viewer, key)?, audit_newest(db, viewer, key)?)
        else {
            return Err(EditError::NotFound("invoice"));
        };
        let rows = ruling_list(db, viewer, Some(key.0), Some(key.1))?;
        let seq = rows.last().map_or(0, |row| row.seq);
        if (newest.seq, seq) != (decision.seen_audit, decision.seen_ruling) {
            return Err(EditError::Stale("invoice"));
        }
        let rulings: Vec<Ruled> = rows.iter().map(RulingRow::ruled).collect::<Result<_, _>>()?;
        let asked = (decision.act, decision.line, decision.words.as_str());
        let limit = limit(db, RELEASE_LIMIT, RELEASE_LIMIT_DEFAULT)?;
        let ruled = rule(&newest.audited, &rulings, asked, viewer.user_id, limit).map_err(refused)?;
        ruling_insert(
            db,
            &RulingRow {
                partner_id: key.0,
                invoice_id: key.1,
                seq: seq.saturating_add(1),
                kind: ruled.ruling.code().to_owned(),
                audit_seq: newest.seq,
                held: RulingRow::text(&ruled.held)?,
                amount_micros: ruled.amount().0,
                words: decision.words.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let mut names: BTreeSet<String> =
            lines.iter().flat_map(InvoiceLineRow::names).map(str::to_owned).collect();
        names.extend(newest.audited.positions.iter().filter_map(|one| one.shipment.clone()));
        let billed = days_named_unscoped(db, key.0, &names)?;
        freight_mark(db, &billed)?;
        let subject = format!("invoice {}", row.number);
        let detail = format!(
            "{} {} {}: {}",
            ruled.ruling.label(),
            words::amount(ruled.amount()),
            row.currency,
            decision.words.trim()
        );
        let entry =
            Entry { action: "invoice.ruling", subject: &subject, partner_id: Some(key.0), detail: &detail };
        audit(app, db, viewer, entry)?;
        Ok(ruled.ruling)
    })
}

fn refused(reason: NotRuled) -> EditError {
    let NotRuled::Words = reason else { return EditError::Card(reason.to_string()) };
    let mut errors = Vec::new();
    require(&mut errors, false, "reason", &reason.to_string());
    EditError::Invalid(errors)
}
