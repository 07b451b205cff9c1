//! The outbox: mails to send and mails sent.

use diesel::prelude::*;

use super::Db;
use super::dialect::BothExt;
use super::schema::{mail_parts, mails};
use super::types::Instant;
use crate::domain::viewer::Scope;

/// A row of `mails`, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = mails, treat_none_as_default_value = false)]
pub struct MailRow {
    /// Row id; the Message-ID is made of it.
    pub id: i64,
    /// Names the occasion: the same occasion is mailed once.
    pub dedupe_key: String,
    /// Which message it is.
    pub kind: String,
    /// The partner whose data it carries.
    pub partner_id: Option<i64>,
    /// The address it goes to.
    pub recipient: String,
    /// The subject line.
    pub subject: String,
    /// The body for readers without HTML.
    pub text_body: String,
    /// The HTML body.
    pub html_body: String,
    /// `QUEUED`, `SENDING`, `SENT` or `FAILED`.
    pub state: String,
    /// How many times sending was begun.
    pub attempts: i32,
    /// QUEUED: not sent before then. SENDING: the sender owns it until then.
    pub next_attempt_at: Instant,
    /// Why the last attempt failed, or empty.
    pub last_error: String,
    /// The server or file that took it, or empty.
    pub delivered_to: String,
    /// When it was queued.
    pub created_at: Instant,
    /// When it was taken.
    pub sent_at: Option<Instant>,
}

/// A picture inside the HTML body.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = mail_parts, treat_none_as_default_value = false)]
pub struct MailPartRow {
    /// The mail it belongs to.
    pub mail_id: i64,
    /// The name the HTML body calls it by (`cid:`).
    pub content_id: String,
    /// Its MIME type.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Stores a mail unless its occasion has been mailed. False when it had.
///
/// # Errors
/// The engine's reason.
pub fn mail_insert(db: &mut Db, row: &MailRow) -> QueryResult<bool> {
    let stored = diesel::insert_into(mails::table)
        .values(row)
        .on_conflict(mails::dedupe_key)
        .do_nothing()
        .both()
        .execute(db)?;
    Ok(stored == 1)
}

/// The keys of all mails, in whatever state, that begin with `prefix`. Give a prefix that ends in
/// `:`, so that it names whole parts of a key.
///
/// # Errors
/// The engine's reason.
pub fn mail_keys(db: &mut Db, prefix: &str) -> QueryResult<Vec<String>> {
    mails::table
        .filter(mails::dedupe_key.like(format!("{prefix}%")))
        .order(mails::id)
        .select(mails::dedupe_key)
        .load(db)
}

/// Stores a picture of a mail.
///
/// # Errors
/// The engine's reason.
pub fn mail_part_insert(db: &mut Db, row: &MailPartRow) -> QueryResult<()> {
    diesel::insert_into(mail_parts::table).values(row).execute(db).map(|_| ())
}

/// The pictures of a mail.
///
/// # Errors
/// The engine's reason.
pub fn mail_part_list(db: &mut Db, mail_id: i64) -> QueryResult<Vec<MailPartRow>> {
    mail_parts::table.filter(mail_parts::mail_id.eq(mail_id)).order(mail_parts::content_id).load(db)
}

/// The next mail to send: queued and due, or left behind by a sender that died.
///
/// # Errors
/// The engine's reason.
pub fn mail_next_due(db: &mut Db, now: Instant) -> QueryResult<Option<MailRow>> {
    mails::table
        .filter(mails::state.eq_any(["QUEUED", "SENDING"]))
        .filter(mails::next_attempt_at.le(now))
        .order((mails::next_attempt_at, mails::id))
        .first(db)
        .optional()
}

/// Makes the caller the sender of the mail as it was `seen`, until `until`. False when another sender
/// was faster.
///
/// # Errors
/// The engine's reason.
pub fn mail_take(db: &mut Db, seen: &MailRow, until: Instant) -> QueryResult<bool> {
    let changed = diesel::update(
        mails::table
            .find(seen.id)
            .filter(mails::state.eq(&seen.state))
            .filter(mails::attempts.eq(seen.attempts))
            .filter(mails::next_attempt_at.eq(seen.next_attempt_at)),
    )
    .set((
        mails::state.eq("SENDING"),
        mails::attempts.eq(seen.attempts.saturating_add(1)),
        mails::next_attempt_at.eq(until),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// What became of a mail; stored only while the sender still owns it. False when it does not.
///
/// # Errors
/// The engine's reason.
pub fn mail_mark(db: &mut Db, row: &MailRow) -> QueryResult<bool> {
    let changed = diesel::update(
        mails::table.find(row.id).filter(mails::state.eq("SENDING")).filter(mails::attempts.eq(row.attempts)),
    )
    .set((
        mails::state.eq(&row.state),
        mails::next_attempt_at.eq(row.next_attempt_at),
        mails::last_error.eq(&row.last_error),
        mails::delivered_to.eq(&row.delivered_to),
        mails::sent_at.eq(row.sent_at),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// Queues a failed mail again with its attempts forgotten. False when it was not failed.
///
/// # Errors
/// The engine's reason.
pub fn mail_requeue(db: &mut Db, id: i64, now: Instant) -> QueryResult<bool> {
    let changed = diesel::update(mails::table.find(id).filter(mails::state.eq("FAILED")))
        .set((mails::state.eq("QUEUED"), mails::attempts.eq(0), mails::next_attempt_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Mails, newest first, with an id below `before`. Bodies are left out (empty).
///
/// # Errors
/// The engine's reason.
pub fn mail_list(db: &mut Db, scope: Scope, before: Option<i64>, limit: i64) -> QueryResult<Vec<MailRow>> {
    let no_text = diesel::dsl::sql::<diesel::sql_types::Text>("''");
    let no_html = diesel::dsl::sql::<diesel::sql_types::Text>("''");
    let mut query = mails::table
        .select((
            mails::id,
            mails::dedupe_key,
            mails::kind,
            mails::partner_id,
            mails::recipient,
            mails::subject,
            no_text,
            no_html,
            mails::state,
            mails::attempts,
            mails::next_attempt_at,
            mails::last_error,
            mails::delivered_to,
            mails::created_at,
            mails::sent_at,
        ))
        .order(mails::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(mails::id.lt(before));
    }
    query = match scope {
        Scope::All => query,
        Scope::One(partner) => query.filter(mails::partner_id.eq(partner)),
        Scope::Nobody => return Ok(Vec::new()),
    };
    query.load(db)
}

/// One mail with its bodies.
///
/// # Errors
/// The engine's reason.
pub fn mail_get(db: &mut Db, id: i64) -> QueryResult<Option<MailRow>> {
    mails::table.find(id).first(db).optional()
}

/// How many mails are in each state.
///
/// # Errors
/// The engine's reason.
pub fn mail_counts(db: &mut Db) -> QueryResult<Vec<(String, i64)>> {
    mails::table
        .group_by(mails::state)
        .select((mails::state, diesel::dsl::count_star()))
        .order(mails::state)
        .load(db)
}
