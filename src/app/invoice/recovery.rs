//! Steps about the disputed money of an invoice: sent, answered, credited, written off; and the credit notes that came in for it.

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::invoice::credit::{CreditNote, credit_notes};
use crate::db::invoice::ruling::audits_resolved_unscoped;
use crate::db::invoice::{InvoiceKey, StepRow, invoice_show, step_insert, step_list};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::audit::recovery::{Event, Funnel, Refused, Step, Taken, check};
use crate::domain::field::require;
use crate::domain::money::Micros;
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// What happened about an invoice in its order: the steps, and the credit notes for it as audits first saw them. At one instant a
/// step comes first, so that the note may be the one it speaks of.
pub(super) fn events(steps: &[StepRow], notes: &[CreditNote]) -> Result<Vec<Event>, DbError> {
    let mut all = Vec::with_capacity(steps.len() + notes.len());
    for row in steps {
        all.push((row.at, Event::Taken(row.taken()?)));
    }
    all.extend(notes.iter().map(|note| (note.seen_at, Event::Note(note.amount))));
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, event)| event).collect())
}

/// What somebody does about an invoice.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The step.
    pub step: Step,
    /// How much it is about; all of it when none is given.
    pub amount: Option<Micros>,
    /// Why, or the number of the credit note.
    pub words: String,
    /// The number of the newest step that was seen; 0 when there was none.
    pub seen: i32,
}

/// Takes a step: finance sends, books credits and writes off; the partner answers.
///
/// # Errors
/// [`EditError`]: not found, denied, stale, or what is wrong with the form.
pub fn take(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    key: InvoiceKey,
    asked: &Asked,
) -> Result<(), EditError> {
    let by_partner = viewer.role == Role::Partner;
    allowed(viewer, if by_partner { Action::UsePortal } else { Action::ResolveInvoices })?;
    write_tx(db, |db| {
        transaction_lock(db, super::LOCK)?;
        let Some((row, _)) = invoice_show(db, viewer, key)? else {
            return Err(EditError::NotFound("invoice"));
        };
        let Some(audited) = audits_resolved_unscoped(db, key.0, &[key.1])?.remove(&key.1) else {
            return Err(EditError::NotFound("invoice"));
        };
        let rows = step_list(db, viewer, Some(key.0), Some(key.1))?;
        let seq = rows.last().map_or(0, |row| row.seq);
        if seq != asked.seen {
            return Err(EditError::Stale("dispute"));
        }
        let steps: Vec<Taken> = rows.iter().map(StepRow::taken).collect::<Result<_, _>>()?;
        let mut notes = credit_notes(db, viewer, Some(key.0), Some(&row.number_key))?;
        notes.retain(|note| note.of == key.1);
        let funnel = Funnel::of(audited.disputed, audited.outcome, &events(&rows, &notes)?);
        let whole = match asked.step {
            Step::Sent => funnel.unsent(),
            Step::Accepted | Step::Refused => funnel.disputed,
            Step::Credited | Step::WrittenOff => funnel.open(),
        };
        let amount = asked.amount.unwrap_or(whole);
        let next = Taken { step: asked.step, amount, actor_id: viewer.user_id };
        check(&funnel, &steps, &next, (&asked.words, by_partner)).map_err(refused)?;
        let subject = format!("invoice {}", row.number);
        let detail = format!(
            "{} {} {}: {}",
            asked.step.label(),
            words::amount(amount),
            row.currency,
            asked.words.trim()
        );
        step_insert(
            db,
            &StepRow {
                partner_id: key.0,
                invoice_id: key.1,
                seq: seq.saturating_add(1),
                kind: asked.step.code().to_owned(),
                amount_micros: amount.0,
                words: asked.words.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let entry =
            Entry { action: "invoice.step", subject: &subject, partner_id: Some(key.0), detail: &detail };
        audit(app, db, viewer, entry)?;
        Ok(())
    })
}

fn refused(reason: Refused) -> EditError {
    let mut errors = Vec::new();
    let field = match reason {
        Refused::Amount(_) => "amount",
        Refused::Words => "words",
        _ => return EditError::Card(reason.to_string()),
    };
    require(&mut errors, false, field, &reason.to_string());
    EditError::Invalid(errors)
}
