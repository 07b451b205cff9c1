//! The outbox. A mail is a row, stored in the transaction of what it tells about, sent later, and
//! safe to send again.
//!
//! Two nodes never send the same mail at the same time: the one that sends owns the row until
//! `next_attempt_at`, and takes it with a statement that names the state it saw. A node that dies
//! between sending and noting it leaves the row owned; after the lease another node sends the mail a
//! second time, with the same Message-ID and Date, so that receivers can drop the repeat. No protocol
//! for mail offers more than that.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::App;
use crate::clock::Clock;
use crate::config::{MailConfig, MailMode, SmtpTls};
use crate::db::dialect::write_tx;
use crate::db::mail::{self as rows, MailPartRow, MailRow};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::backoff::Backoff;
use crate::domain::viewer::{Action, Role, Scope, Viewer};
use crate::mail::message::{address_parse, subject_line};
use crate::mail::{MailSettings, Mailer, Outgoing, Part, Rendered, SettingsError, TlsMode};

/// When a mail that was not taken is tried again, and how often: for about a day.
pub const RETRY: Backoff =
    Backoff { first: TimeDelta::minutes(1), cap: TimeDelta::hours(4), max_attempts: 14 };
/// How long a sender owns a mail; longer than the slowest server is waited for.
pub const SEND_LEASE: TimeDelta = TimeDelta::minutes(10);
/// The most mails one run sends; the next run goes on.
pub const MAX_MAILS_PER_RUN: usize = 500;
/// The largest mail, bodies and pictures together.
pub const MAX_MAIL_BYTES: usize = 5_000_000;
/// The most mails one page of the outbox shows.
pub const MAX_MAIL_PAGE: i64 = 200;

/// The way out that the configuration names.
///
/// # Errors
/// [`SettingsError`], naming the setting.
pub fn mailer_open(config: &MailConfig) -> Result<Mailer, SettingsError> {
    let smtp = &config.smtp;
    match config.mode {
        MailMode::File => Mailer::file(&config.from, config.dir.clone()),
        MailMode::Smtp => Mailer::from_settings(&MailSettings::Smtp {
            from: config.from.clone(),
            host: smtp.host.clone(),
            port: Some(smtp.port()),
            tls: match smtp.tls {
                SmtpTls::Tls => TlsMode::Tls,
                SmtpTls::Starttls => TlsMode::StartTls,
                SmtpTls::None => TlsMode::Plain,
            },
            username: smtp.user.clone(),
            password: smtp.password.as_ref().map(|word| word.reveal().to_owned()),
            timeout_seconds: None,
            allow_plain: false,
        }),
    }
}

/// Which message a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MailKind {
    /// A periodic review to a partner.
    Review,
    /// A contract has a date coming up.
    ContractNotice,
    /// A contract version took a step somebody waits for.
    ContractStep,
    /// What was accrued for a final period, told to the partner, or a change of it.
    Assessment,
    /// Something about a scorecard that one side must know.
    Scorecard,
    /// Something about money that one side must know: an item in dispute, an invoice.
    Money,
    /// A job failed for good.
    JobFailed,
}

impl MailKind {
    /// The word stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Review => "REVIEW",
            Self::ContractNotice => "CONTRACT_NOTICE",
            Self::ContractStep => "CONTRACT_STEP",
            Self::Assessment => "ASSESSMENT",
            Self::Scorecard => "SCORECARD",
            Self::Money => "MONEY",
            Self::JobFailed => "JOB_FAILED",
        }
    }

    /// The words people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Review => "Review",
            Self::ContractNotice => "Contract notice",
            Self::ContractStep => "Contract step",
            Self::Assessment => "Assessment notice",
            Self::Scorecard => "Scorecard notice",
            Self::Money => "Money notice",
            Self::JobFailed => "Job failed",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [
            Self::Review,
            Self::ContractNotice,
            Self::ContractStep,
            Self::Assessment,
            Self::Scorecard,
            Self::Money,
            Self::JobFailed,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// A mail to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Names the occasion and the address, such as `review:2025-06:17:1:ops@carrier.example`; queued
    /// once, however often it is asked for.
    pub dedupe_key: String,
    /// Which message.
    pub kind: MailKind,
    /// The partner whose data it carries; decides who may read it.
    pub partner_id: Option<i64>,
    /// The address.
    pub to: String,
    /// Subject and bodies.
    pub message: Rendered,
    /// Pictures.
    pub parts: Vec<Part>,
}

/// What became of a mail to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is in the outbox under this id.
    Queued(i64),
    /// The occasion has been mailed, or is queued.
    Already,
    /// It can never be sent; it is in the outbox as failed, with the reason.
    Refused {
        /// Its id.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Queues a mail inside the caller's transaction.
///
/// A mail that can never be sent (a contact without a proper address) is stored as failed rather than
/// refused: one bad address must not hold up everybody else's mail, and the outbox page shows it.
///
/// # Errors
/// The engine's reason.
pub fn enqueue(app: &App, db: &mut Db, mail: &NewMail) -> Result<Enqueued, DbError> {
    let now = Instant(app.now());
    let flaw = flaw_of(mail);
    let row = MailRow {
        id: app.id(),
        dedupe_key: mail.dedupe_key.clone(),
        kind: mail.kind.code().to_owned(),
        partner_id: mail.partner_id,
        recipient: mail.to.trim().to_owned(),
        subject: subject_line(&mail.message.subject),
        text_body: mail.message.text.clone(),
        html_body: mail.message.html.clone(),
        state: if flaw.is_some() { "FAILED" } else { "QUEUED" }.to_owned(),
        attempts: 0,
        next_attempt_at: now,
        last_error: flaw.clone().unwrap_or_default(),
        delivered_to: String::new(),
        created_at: now,
        sent_at: None,
    };
    if !rows::mail_insert(db, &row)? {
        return Ok(Enqueued::Already);
    }
    for part in &mail.parts {
        let part = MailPartRow {
            mail_id: row.id,
            content_id: part.content_id.clone(),
            content_type: part.content_type.clone(),
            content: part.content.clone(),
        };
        rows::mail_part_insert(db, &part)?;
    }
    Ok(match flaw {
        Some(reason) => Enqueued::Refused { id: row.id, reason },
        None => Enqueued::Queued(row.id),
    })
}

fn flaw_of(mail: &NewMail) -> Option<String> {
    if let Err(error) = address_parse(&mail.to) {
        return Some(error.to_string());
    }
    let pictures: usize = mail.parts.iter().map(|part| part.content.len()).sum();
    let bytes = pictures.saturating_add(mail.message.text.len()).saturating_add(mail.message.html.len());
    (bytes > MAX_MAIL_BYTES)
        .then(|| format!("the mail has {bytes} bytes; at most {MAX_MAIL_BYTES} (MAX_MAIL_BYTES) are sent"))
}

/// What a delivery run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Mails a server or folder took.
    pub sent: i64,
    /// Mails that will be tried again.
    pub again: i64,
    /// Mails that failed for good.
    pub failed: i64,
}

/// Sends what is due by `clock`, each mail outside any transaction. Any number of nodes may do so at
/// the same time. A server that cannot be reached ends the run: each further mail would only wait as long again. The clock is read for each mail: a lease counted from the start of a long run would be
/// over before its last mails are begun, and another node would send them too.
///
/// # Errors
/// The engine's reason. A mail that is not taken is no error; its row says why.
pub fn deliver_due(app: &App, mailer: &Mailer, clock: Clock) -> Result<Delivered, DbError> {
    let mut done = Delivered::default();
    for _ in 0..MAX_MAILS_PER_RUN {
        let Some((row, mail)) = take_next(app, clock.now())? else { break };
        let mut unreachable = false;
        let row = if row.attempts > RETRY.max_attempts {
            let error = "the process that sent it went away, as often as it was tried".to_owned();
            MailRow { state: "FAILED".to_owned(), last_error: error, ..row }
        } else {
            let result = mailer.send(&mail);
            unreachable = result.as_ref().is_err_and(|error| error.server);
            outcome(row, result, clock.now())
        };
        match row.state.as_str() {
            "SENT" => done.sent += 1,
            "QUEUED" => done.again += 1,
            _ => done.failed += 1,
        }
        if !rows::mail_mark(&mut *app.pool.get()?, &row)? {
            tracing::warn!(mail = row.id, "another node took the mail over while it was being sent");
        }
        if unreachable {
            tracing::warn!(reason = row.last_error, "the mail server cannot be used; the other mails wait");
            break;
        }
    }
    Ok(done)
}

/// Becomes the owner of the next mail that is due.
fn take_next(app: &App, now: DateTime<Utc>) -> Result<Option<(MailRow, Outgoing)>, DbError> {
    let until = Instant(now.checked_add_signed(SEND_LEASE).unwrap_or(now));
    write_tx(&mut *app.pool.get()?, |db| {
        // Each try that loses lost to a node that took one mail, so this ends with the queue.
        while let Some(seen) = rows::mail_next_due(db, Instant(now))? {
            if !rows::mail_take(db, &seen, until)? {
                continue;
            }
            let parts = rows::mail_part_list(db, seen.id)?;
            let mail = outgoing(&seen, parts);
            let attempts = seen.attempts.saturating_add(1);
            return Ok(Some((MailRow { attempts, state: "SENDING".to_owned(), ..seen }, mail)));
        }
        Ok(None)
    })
}

fn outgoing(row: &MailRow, parts: Vec<MailPartRow>) -> Outgoing {
    Outgoing {
        mail_id: row.id,
        to: row.recipient.clone(),
        message: Rendered {
            subject: row.subject.clone(),
            text: row.text_body.clone(),
            html: row.html_body.clone(),
        },
        parts: parts
            .into_iter()
            .map(|part| Part {
                content_id: part.content_id,
                content_type: part.content_type,
                content: part.content,
            })
            .collect(),
        created_at: row.created_at.0,
    }
}

/// The row after an attempt: sent, to be tried again, or failed.
fn outcome(row: MailRow, result: Result<String, crate::mail::SendError>, now: DateTime<Utc>) -> MailRow {
    let error = match result {
        Ok(delivered_to) => {
            let last_error = String::new();
            let sent_at = Some(Instant(now));
            return MailRow { state: "SENT".to_owned(), delivered_to, last_error, sent_at, ..row };
        }
        Err(error) => error,
    };
    let retry = RETRY.delay_after(row.attempts).filter(|_| !error.permanent);
    let next = retry.and_then(|delay| now.checked_add_signed(delay));
    MailRow {
        state: if next.is_some() { "QUEUED" } else { "FAILED" }.to_owned(),
        next_attempt_at: Instant(next.unwrap_or(now)),
        last_error: error.reason,
        ..row
    }
}

/// A mail as the outbox lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailSummary {
    /// Row id.
    pub id: i64,
    /// Which message.
    pub kind: MailKind,
    /// The partner whose data it carries.
    pub partner_id: Option<i64>,
    /// The address.
    pub recipient: String,
    /// The subject line.
    pub subject: String,
    /// `QUEUED`, `SENDING`, `SENT` or `FAILED`.
    pub state: String,
    /// How many times sending was begun.
    pub attempts: i32,
    /// When it is tried next, while it waits.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed, or empty.
    pub last_error: String,
    /// The server or file that took it, or empty.
    pub delivered_to: String,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it was taken.
    pub sent_at: Option<DateTime<Utc>>,
}

impl MailSummary {
    /// The state in words.
    #[must_use]
    pub fn state_title(&self) -> &'static str {
        match self.state.as_str() {
            "SENT" => "sent",
            "SENDING" => "being sent",
            "FAILED" => "failed",
            _ if self.attempts > 0 => "will be tried again",
            _ => "waiting",
        }
    }

    fn from_row(row: MailRow) -> Result<Self, DbError> {
        let kind = MailKind::from_code(&row.kind).ok_or_else(|| DbError::Stored {
            what: format!("kind of mail {}", row.id),
            reason: format!("`{}` is no message", row.kind),
        })?;
        Ok(Self {
            id: row.id,
            kind,
            partner_id: row.partner_id,
            recipient: row.recipient,
            subject: row.subject,
            next_attempt_at: (row.state == "QUEUED").then_some(row.next_attempt_at.0),
            state: row.state,
            attempts: row.attempts,
            last_error: row.last_error,
            delivered_to: row.delivered_to,
            created_at: row.created_at.0,
            sent_at: row.sent_at.map(|at| at.0),
        })
    }
}

/// A mail with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailShown {
    /// The envelope.
    pub summary: MailSummary,
    /// Bodies and pictures; `None` for a viewer who may see that it was sent, but not what it says.
    pub content: Option<Outgoing>,
}

/// Mails, newest first, with an id below `before`; at most [`MAX_MAIL_PAGE`]. A viewer without the
/// right to the outbox gets none; the administrator gets the envelopes, which hold no numbers.
///
/// # Errors
/// The engine's reason.
pub fn mail_list(
    app: &App,
    viewer: &Viewer,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<MailSummary>, DbError> {
    rows::mail_list(&mut *app.pool.get()?, envelope_scope(viewer), before, limit.clamp(1, MAX_MAIL_PAGE))?
        .into_iter()
        .map(MailSummary::from_row)
        .collect()
}

/// Whose envelopes the viewer may see.
fn envelope_scope(viewer: &Viewer) -> Scope {
    match viewer.scope() {
        Scope::One(own) => Scope::One(own),
        _ if viewer.role.may(Action::ViewOutbox) => Scope::All,
        _ => Scope::Nobody,
    }
}

/// One mail, or `None` when there is none that the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn mail_show(app: &App, viewer: &Viewer, id: i64) -> Result<Option<MailShown>, DbError> {
    let db = &mut *app.pool.get()?;
    let Some(row) = rows::mail_get(db, id)? else { return Ok(None) };
    let seen = match envelope_scope(viewer) {
        Scope::All => true,
        Scope::One(own) => row.partner_id == Some(own),
        Scope::Nobody => false,
    };
    if !seen {
        return Ok(None);
    }
    let open = row.partner_id.map_or(viewer.role != Role::Partner, |partner| viewer.sees(partner));
    let content = if open { Some(outgoing(&row, rows::mail_part_list(db, id)?)) } else { None };
    Ok(Some(MailShown { summary: MailSummary::from_row(row)?, content }))
}

/// Queues a failed mail again. False when it was not failed. The caller has checked that the viewer
/// may (the right to run jobs).
///
/// # Errors
/// The engine's reason.
pub fn mail_requeue(app: &App, id: i64) -> Result<bool, DbError> {
    Ok(rows::mail_requeue(&mut *app.pool.get()?, id, Instant(app.now()))?)
}

/// How many mails are in each state, for the head of the outbox page.
///
/// # Errors
/// The engine's reason.
pub fn mail_counts(app: &App) -> Result<Vec<(String, i64)>, DbError> {
    Ok(rows::mail_counts(&mut *app.pool.get()?)?)
}

#[cfg(test)]
mod tests;
