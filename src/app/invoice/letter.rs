//! Letters about disputed invoices: to the carrier when a dispute was sent, again before its answer is due, and to finance when
//! none came. One mail for a partner and a day names every invoice; no mail names an amount, which its page does.

use chrono::NaiveDate;
use serde::Serialize;

use crate::app::App;
use crate::app::scorecard_mail::{To, Told, tell_of_money};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::invoice::letter::{
    Unanswered, letters_insert, unanswered_partners_unscoped, unanswered_unscoped,
};
use crate::db::invoice::ruling::audits_resolved_unscoped;
use crate::db::{Db, DbError};
use crate::domain::audit::recovery::{ANSWER_DAYS, LetterKind, answer_by, letter_due};
use crate::domain::audit::{Audited, DisputeCode};
use crate::domain::money::Micros;
use crate::domain::viewer::Action;
use crate::domain::words;

/// Invoices one letter names; what is beyond is counted.
const INVOICES_NAMED: usize = 40;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Letters {
    /// Invoices that something was written about.
    pub invoices: usize,
    /// Mails queued.
    pub mails: usize,
    /// Ids of partners that no mail can go to, or to which one went on this day already; tried again the next day.
    pub not_told: Vec<i64>,
}

impl Letters {
    /// One line for people; empty where nothing was due.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        if self.invoices > 0 {
            parts.push(format!(
                "{} about {}",
                words::many(self.mails, "mail"),
                words::many(self.invoices, "disputed invoice")
            ));
        }
        if !self.not_told.is_empty() {
            parts.push(format!(
                "{} not written to about disputed invoices",
                words::many(self.not_told.len(), "partner")
            ));
        }
        parts.join(", ")
    }
}

/// Writes what is due on `today` about disputes that were sent and not answered. One partner is one transaction; running again
/// writes nothing.
///
/// # Errors
/// The database's reason; partners done before it stay done.
pub fn letters(app: &App, today: NaiveDate) -> Result<Letters, DbError> {
    let mut db = app.pool.get()?;
    let mut report = Letters::default();
    for partner_id in unanswered_partners_unscoped(&mut db)? {
        write_tx(&mut db, |db| {
            // Nobody answers meanwhile.
            transaction_lock(db, super::LOCK)?;
            let mut waiting = unanswered_unscoped(db, partner_id)?;
            // What was released since is not disputed any more.
            let ids: Vec<i64> = waiting.iter().map(|one| one.invoice_id).collect();
            let audits = audits_resolved_unscoped(db, partner_id, &ids)?;
            waiting.retain(|one| audits.get(&one.invoice_id).is_some_and(|one| one.disputed > Micros::ZERO));
            for kind in LetterKind::ALL.iter().copied() {
                let due: Vec<&Unanswered> =
                    waiting.iter().filter(|one| letter_due(&one.told, today) == Some(kind)).collect();
                write(app, db, partner_id, (kind, today), &due, &mut report)?;
            }
            Ok::<_, DbError>(())
        })?;
    }
    Ok(report)
}

fn write(
    app: &App,
    db: &mut Db,
    partner_id: i64,
    (kind, today): (LetterKind, NaiveDate),
    due: &[&Unanswered],
    report: &mut Letters,
) -> Result<(), DbError> {
    if due.is_empty() {
        return Ok(());
    }
    let told = Told {
        // An invoice comes up once for each kind, so a set of them is of one day.
        occasion: format!("invoice-{}:{partner_id}:{today}", kind.code().to_lowercase()),
        heading: heading(kind, due, today),
        lines: lines(db, partner_id, kind, due)?,
        action: if kind == LetterKind::Overdue { "See the invoices" } else { "See the invoices and answer" },
        path: path(partner_id, kind, due),
    };
    let to = match kind {
        LetterKind::Letter | LetterKind::Reminder => To::PartnerAndContact,
        LetterKind::Overdue => To::WhoMay { action: Action::ResolveInvoices, but: 0 },
    };
    let mails = tell_of_money(app, db, partner_id, to, &told)?;
    if mails == 0 {
        report.not_told.push(partner_id);
        return Ok(());
    }
    report.mails += mails;
    report.invoices += due.len();
    Ok(letters_insert(db, partner_id, (kind, today), due.iter().map(|one| (one.invoice_id, one.seq)))?)
}

fn heading(kind: LetterKind, due: &[&Unanswered], today: NaiveDate) -> String {
    let many = words::many(due.len(), "invoice");
    let is = if due.len() == 1 { "is" } else { "are" };
    match kind {
        LetterKind::Letter => {
            format!("{many} {is} disputed: please answer by {}", words::day(answer_by(today)))
        }
        LetterKind::Reminder => {
            let first = due.iter().filter_map(|one| one.told.get(&LetterKind::Letter)).min();
            let by = answer_by(first.copied().unwrap_or(today));
            format!("{many} {is} still disputed: please answer by {}", words::day(by))
        }
        LetterKind::Overdue => {
            format!("{many} {is} disputed and not answered in {ANSWER_DAYS} days")
        }
    }
}

/// Where the reader acts: at the one invoice, or in the list.
fn path(partner_id: i64, kind: LetterKind, due: &[&Unanswered]) -> String {
    let base = if kind == LetterKind::Overdue { "" } else { "/portal" };
    match due {
        [one] => format!("{base}/invoices/{}", one.invoice_id),
        _ if kind == LetterKind::Overdue => format!("/invoices?partner={partner_id}&show=disputed"),
        _ => format!("{base}/invoices"),
    }
}

/// One line for each invoice, with what is disputed of it in words.
fn lines(
    db: &mut Db,
    partner_id: i64,
    kind: LetterKind,
    due: &[&Unanswered],
) -> Result<Vec<String>, DbError> {
    let named: Vec<i64> = due.iter().take(INVOICES_NAMED).map(|one| one.invoice_id).collect();
    let audits = audits_resolved_unscoped(db, partner_id, &named)?;
    let mut lines: Vec<String> = due
        .iter()
        .take(INVOICES_NAMED)
        .map(|one| {
            let codes = audits.get(&one.invoice_id).map(Audited::codes).unwrap_or_default();
            let named = |code: DisputeCode| format!("{} ({code})", code.label());
            let codes: Vec<String> = codes.into_iter().map(named).collect();
            let why = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
            format!("Invoice {} of {}{why}", one.number, words::day(one.issued_on))
        })
        .collect();
    if due.len() > INVOICES_NAMED {
        lines.push(format!("And {}", words::many(due.len() - INVOICES_NAMED, "more invoice")));
    }
    lines.push(
        match kind {
            LetterKind::Letter | LetterKind::Reminder => {
                "The page of each invoice shows what is disputed charge by charge, what it is held against, and how much it is. \
                 Accept it there, or refuse it and say why."
            }
            LetterKind::Overdue => {
                "Talk to the partner, note the credit where one came in, or write the rest off on the page of the invoice."
            }
        }
        .to_owned(),
    );
    Ok(lines)
}
