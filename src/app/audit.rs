//! Writing to and reading from the audit log.

use super::App;
use crate::db::audit::{AuditRow, audit_add, audit_list};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::viewer::Viewer;

/// Lines on one page of the log.
pub const PAGE_ROWS: i64 = 100;

/// What was done, for [`audit`].
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// `noun.verb`, such as `user.add`.
    pub action: &'a str,
    /// What it was done to, in words a reader knows.
    pub subject: &'a str,
    /// The partner whose data it touches.
    pub partner_id: Option<i64>,
    /// Old and new values, the reason. Never a password.
    pub detail: &'a str,
}

/// Adds a line in the caller's transaction.
///
/// # Errors
/// The engine's reason.
pub fn audit(app: &App, db: &mut Db, by: &Viewer, entry: Entry<'_>) -> Result<(), DbError> {
    let row = AuditRow {
        id: app.id(),
        at: Instant(app.now()),
        actor: by.name.clone(),
        action: entry.action.to_owned(),
        subject: entry.subject.to_owned(),
        partner_id: entry.partner_id,
        detail: entry.detail.to_owned(),
    };
    Ok(audit_add(db, &row)?)
}

/// One page of the log, newest first, and the id to continue before when there is more.
///
/// # Errors
/// The engine's reason.
pub fn audit_page(db: &mut Db, before: Option<i64>) -> Result<(Vec<AuditRow>, Option<i64>), DbError> {
    let mut rows = audit_list(db, before, PAGE_ROWS.saturating_add(1))?;
    let shown = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let older = if more { rows.last().map(|row| row.id) } else { None };
    Ok((rows, older))
}
