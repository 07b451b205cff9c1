//! The audit log: who did what to which row. Written in the transaction that did it, never changed.

use diesel::prelude::*;

use super::Db;
use super::schema::{audit_log, imports};
use super::types::Instant;

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
pub struct AuditRow {
    /// Row id; rises with time.
    pub id: i64,
    /// When.
    pub at: Instant,
    /// The name of the user, `system`, or the address that tried.
    pub actor: String,
    /// What was done, as `noun.verb`: `user.add`, `contract.approve`.
    pub action: String,
    /// What it was done to, in words a reader knows.
    pub subject: String,
    /// The partner whose data it touches.
    pub partner_id: Option<i64>,
    /// Old and new values, reasons. Never a password.
    pub detail: String,
}

/// Adds a line.
///
/// # Errors
/// The engine's reason.
pub fn audit_add(db: &mut Db, row: &AuditRow) -> QueryResult<()> {
    diesel::insert_into(audit_log::table).values(row).execute(db).map(drop)
}

/// The newest `limit` lines, older than the line `before` if one is given.
///
/// # Errors
/// The engine's reason.
pub fn audit_list(db: &mut Db, before: Option<i64>, limit: i64) -> QueryResult<Vec<AuditRow>> {
    let mut query = audit_log::table.order(audit_log::id.desc()).limit(limit).into_boxed();
    if let Some(before) = before {
        query = query.filter(audit_log::id.lt(before));
    }
    query.load(db)
}

/// The newest line of the log and the newest import: while both are the same, nobody changed anything and nothing came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    line: Option<i64>,
    import: Option<i64>,
}

/// Reads [`Newest`]; one statement. It names no partner.
///
/// # Errors
/// The engine's reason.
pub fn newest(db: &mut Db) -> QueryResult<Newest> {
    let line = audit_log::table.select(audit_log::id).order(audit_log::id.desc()).limit(1).single_value();
    let import = imports::table.select(imports::id).order(imports::id.desc()).limit(1).single_value();
    let (line, import) = diesel::select((line, import)).get_result(db)?;
    Ok(Newest { line, import })
}
