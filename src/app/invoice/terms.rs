//! The terms by which a partner's invoices are audited: dated, added to, never changed.

use chrono::NaiveDate;

use crate::app::App;
use crate::app::accrual::freight::look_again;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed, valid};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::invoice::{TermsRow, invoices_since_mark, terms_insert, terms_list};
use crate::db::partner::{Partner, partner_show};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::audit::{AuditTerms, DatedTerms, in_force};
use crate::domain::field::require;
use crate::domain::freight::Horizon;
use crate::domain::viewer::{Action, Viewer};

/// Longest reason of a set.
const REASON_CHARS_MAX: usize = 240;

/// The terms of a partner.
#[derive(Clone, Debug)]
pub struct TermsOf {
    /// The partner.
    pub partner: Partner,
    /// Every set, oldest first, with its terms.
    pub sets: Vec<(TermsRow, AuditTerms)>,
    /// What holds for an invoice received today.
    pub now: AuditTerms,
}

/// The terms of a partner as they are and were.
///
/// # Errors
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn terms_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    today: NaiveDate,
) -> Result<TermsOf, EditError> {
    allowed(viewer, Action::ViewInvoices)?;
    let partner = partner_show(db, viewer, partner_id)?.ok_or(EditError::NotFound("partner"))?;
    let rows = terms_list(db, viewer, partner_id)?;
    let dated: Vec<DatedTerms> = rows.iter().map(TermsRow::dated).collect::<Result<_, DbError>>()?;
    let now = in_force(&dated, today);
    Ok(TermsOf { partner, now, sets: rows.into_iter().zip(dated.into_iter().map(|one| one.terms)).collect() })
}

/// What holds for an invoice of a partner received on a day.
///
/// # Errors
/// The database's reason.
pub fn terms_on(db: &mut Db, partner_id: i64, day: NaiveDate) -> Result<AuditTerms, DbError> {
    let rows = terms_list(db, &Viewer::system(), partner_id)?;
    let dated: Vec<DatedTerms> = rows.iter().map(TermsRow::dated).collect::<Result<_, DbError>>()?;
    Ok(in_force(&dated, day))
}

/// Adds a set that holds for invoices received from `from` on, and marks those for an audit, and the deliveries that may
/// still be billed by it.
///
/// # Errors
/// [`EditError`]: not found, denied, stale, or what is wrong with the form.
pub fn terms_set(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    (from, terms, reason, seen): (NaiveDate, &AuditTerms, &str, i32),
) -> Result<(), EditError> {
    allowed(viewer, Action::ResolveInvoices)?;
    let mut errors = terms.validate();
    let chars = reason.trim().chars().count();
    let said = (1..=REASON_CHARS_MAX).contains(&chars);
    require(&mut errors, said, "reason", "say why in one sentence of up to 240 characters");
    valid(errors)?;
    write_tx(db, |db| {
        transaction_lock(db, super::LOCK)?;
        let partner = partner_show(db, viewer, partner_id)?.ok_or(EditError::NotFound("partner"))?;
        let seq = terms_list(db, viewer, partner_id)?.last().map_or(0, |row| row.seq);
        if seq != seen {
            return Err(EditError::Stale("audit terms"));
        }
        let text = TermsRow::text(terms)?;
        terms_insert(
            db,
            &TermsRow {
                partner_id,
                seq: seq.saturating_add(1),
                valid_from: Day(from),
                terms: text.clone(),
                reason: reason.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        invoices_since_mark(db, partner_id, from)?;
        let today = app.today(db)?;
        look_again(db, partner_id, Horizon { as_of: today, window_days: terms.window_days })?;
        let subject = format!("audit terms of {}", partner.name);
        let detail = format!("from {from}: {}; {text}", reason.trim());
        audit(
            app,
            db,
            viewer,
            Entry {
                action: "audit_terms.set",
                subject: &subject,
                partner_id: Some(partner_id),
                detail: &detail,
            },
        )?;
        Ok(())
    })
}
