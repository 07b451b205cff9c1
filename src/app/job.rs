//! Job runs: who may run what, and what came of it. Which jobs there are is `jobs::schedule`.
//!
//! A run is one row, unique by (job, scope, due). The row carries a lease: the node that runs it owns
//! it until `lease_until` and keeps moving that forward while it works. A node that dies stops doing
//! so, and when the lease is out any other node takes the run over, one attempt further. Every later
//! statement of the dead node names its own attempt and finds nothing, so it cannot overwrite the
//! result of its successor. Jobs are idempotent, so work done twice changes nothing.
//!
//! Leases compare the clocks of different machines; they are to agree within a few seconds.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::App;
use super::mail::{self, MailKind, NewMail};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::job::{self as rows, JobRunEnd, JobRunRow};
use crate::db::types::Instant;
use crate::db::{Db, DbError, setting};
use crate::domain::backoff::Backoff;
use crate::domain::period::Period;
use crate::mail::template::JobFailedMail;

/// A node owns a run this long unless it says that it still works.
pub const LEASE: TimeDelta = TimeDelta::seconds(90);
/// When a failed run is tried again, and how often.
pub const RETRY: Backoff =
    Backoff { first: TimeDelta::minutes(1), cap: TimeDelta::hours(1), max_attempts: 5 };
/// The most runs one page of history shows.
pub const MAX_HISTORY: i64 = 500;
/// The longest error text kept.
const MAX_ERROR_CHARS: usize = 4_000;
/// The setting that says since when jobs are run.
const JOBS_SINCE: &str = "jobs_since";
/// The most administrators who are told of a failed job.
const MAX_ALERTS: i64 = 20;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// Asked for and not yet begun.
    Waiting,
    /// Some node works on it, or did until it died.
    Running,
    /// Finished.
    Done,
    /// The last attempt failed.
    Failed,
}

impl RunState {
    /// The word people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Waiting => "waiting to start",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Trigger {
    /// It was due.
    Schedule,
    /// It had been due while nothing ran.
    CatchUp,
    /// Somebody asked for it.
    Manual,
}

impl Trigger {
    /// The word stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Schedule => "SCHEDULE",
            Self::CatchUp => "CATCH_UP",
            Self::Manual => "MANUAL",
        }
    }

    /// The word people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Schedule => "on schedule",
            Self::CatchUp => "caught up",
            Self::Manual => "by hand",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

impl FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Schedule, Self::CatchUp, Self::Manual]
            .into_iter()
            .find(|trigger| trigger.code() == text)
            .ok_or_else(|| format!("`{text}` is no trigger"))
    }
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobRun {
    /// Row id.
    pub id: i64,
    /// The job's name in the schedule.
    pub job: String,
    /// What part of the data it covers; `all` for everything.
    pub scope: String,
    /// When it was due; by hand, when it was asked for.
    pub due_at: DateTime<Utc>,
    /// The instant whose state it computes.
    pub as_of: DateTime<Utc>,
    /// The period asked for; none when the job chooses.
    pub period: Option<Period>,
    /// Waiting, running, done or failed.
    pub state: RunState,
    /// Why it was started.
    pub trigger: Trigger,
    /// Who asked.
    pub requested_by: String,
    /// The process that ran it.
    pub node: String,
    /// How many times it was started.
    pub attempt: i32,
    /// Running: owned until then. Failed: not tried again before then.
    pub lease_until: DateTime<Utc>,
    /// When the last attempt began.
    pub started_at: DateTime<Utc>,
    /// When the last attempt ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows it changed.
    pub changed_rows: i64,
    /// One line for people.
    pub summary: String,
    /// The job's own numbers.
    pub details: serde_json::Value,
    /// Why the last attempt failed, or empty.
    pub error: String,
}

impl JobRun {
    /// How long the last attempt took.
    #[must_use]
    pub fn took(&self) -> Option<TimeDelta> {
        self.finished_at.map(|end| end.signed_duration_since(self.started_at))
    }

    /// Whether the run failed and is not tried again by itself.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        self.state == RunState::Failed
            && (self.trigger == Trigger::Manual || RETRY.delay_after(self.attempt).is_none())
    }

    fn from_row(row: JobRunRow) -> Result<Self, DbError> {
        let bad = |reason: String| DbError::Stored { what: format!("job run {}", row.id), reason };
        let state = match row.state.as_str() {
            "RUNNING" if row.attempt == 0 => RunState::Waiting,
            "RUNNING" => RunState::Running,
            "DONE" => RunState::Done,
            "FAILED" => RunState::Failed,
            other => return Err(bad(format!("`{other}` is no state"))),
        };
        let period = match row.period.as_str() {
            "" => None,
            text => {
                Some(text.parse().map_err(|error: crate::domain::period::BadPeriod| bad(error.to_string()))?)
            }
        };
        let details = match row.details.as_str() {
            "" => serde_json::Value::Null,
            text => serde_json::from_str(text).map_err(|error| bad(error.to_string()))?,
        };
        let trigger = row.trigger_kind.parse().map_err(bad)?;
        Ok(Self {
            id: row.id,
            job: row.job,
            scope: row.scope,
            due_at: row.due_at.0,
            as_of: row.as_of.0,
            period,
            state,
            trigger,
            requested_by: row.requested_by,
            node: row.node,
            attempt: row.attempt,
            lease_until: row.lease_until.0,
            started_at: row.started_at.0,
            finished_at: row.finished_at.map(|at| at.0),
            changed_rows: row.changed_rows,
            summary: row.summary,
            details,
            error: row.error,
        })
    }
}

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct RunWish<'a> {
    /// The job's name.
    pub job: &'a str,
    /// What part of the data.
    pub scope: &'a str,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// The instant whose state is computed.
    pub as_of: DateTime<Utc>,
    /// The period, if not the job's own choice.
    pub period: Option<Period>,
    /// Why.
    pub trigger: Trigger,
    /// Who asked.
    pub requested_by: &'a str,
}

/// Who wants to run it, and when.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// The process.
    pub node: &'a str,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// How long it wants to own the run.
    pub lease: TimeDelta,
}

/// The answer to a node that wants to run something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Run it; nobody else will while the lease is kept alive.
    Ours(Box<JobRun>),
    /// It has been done.
    Done,
    /// A run of the same job is under way.
    Busy(Box<JobRun>),
    /// It failed and is to be tried again then.
    Later(DateTime<Utc>),
    /// It failed as often as it may.
    GivenUp,
}

/// Decides, once for all nodes, whether `claimant` is to run `wish` now. `title` names the job to the
/// administrators, who are told when it is given up here.
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn claim(app: &App, wish: &RunWish<'_>, title: &str, claimant: &Claimant<'_>) -> Result<Claim, DbError> {
    write_tx(&mut *app.pool.get()?, |db| {
        transaction_lock(db, wish.job)?;
        let now = Instant(claimant.now);
        if let Some(live) = rows::job_run_live(db, wish.job, now)? {
            return Ok(Claim::Busy(Box::new(JobRun::from_row(live)?)));
        }
        let Some(row) = rows::job_run_find(db, wish.job, wish.scope, Instant(wish.due_at))? else {
            let row = new_row(app, wish, claimant);
            rows::job_run_insert(db, &row)?;
            return Ok(Claim::Ours(Box::new(JobRun::from_row(row)?)));
        };
        match row.state.as_str() {
            "DONE" => Ok(Claim::Done),
            "FAILED" if RETRY.delay_after(row.attempt).is_none() => Ok(Claim::GivenUp),
            "FAILED" if row.lease_until > now => Ok(Claim::Later(row.lease_until.0)),
            _ => take(app, db, row, title, claimant),
        }
    })
}

/// Decides whether `claimant` is to run the run `id`, which nobody owns: asked for by hand, or left
/// behind by a node that died. `title` as for [`claim`].
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn claim_ownerless(app: &App, id: i64, title: &str, claimant: &Claimant<'_>) -> Result<Claim, DbError> {
    write_tx(&mut *app.pool.get()?, |db| {
        let Some(row) = rows::job_run_get(db, id)? else { return Ok(Claim::Done) };
        transaction_lock(db, &row.job)?;
        let now = Instant(claimant.now);
        if let Some(live) = rows::job_run_live(db, &row.job, now)? {
            return Ok(Claim::Busy(Box::new(JobRun::from_row(live)?)));
        }
        // Read again: another node may have taken and ended it while we waited for the lock.
        match rows::job_run_get(db, id)? {
            Some(row) if row.state == "RUNNING" => take(app, db, row, title, claimant),
            _ => Ok(Claim::Done),
        }
    })
}

/// Takes a run that exists and is not owned, or ends it when it was tried too often.
fn take(
    app: &App,
    db: &mut Db,
    seen: JobRunRow,
    title: &str,
    claimant: &Claimant<'_>,
) -> Result<Claim, DbError> {
    let now = Instant(claimant.now);
    if RETRY.delay_after(seen.attempt).is_none() && seen.attempt > 0 {
        let end = JobRunEnd {
            state: "FAILED",
            finished_at: now,
            not_before: now,
            changed_rows: 0,
            summary: "",
            details: "",
            error: "the process that ran it went away, as often as it was tried",
        };
        let run = JobRun::from_row(seen)?;
        if rows::job_run_finish(db, run.id, run.attempt, &end)? {
            alert(app, db, &run, title, end.error)?;
        }
        return Ok(Claim::GivenUp);
    }
    let until = Instant(after(claimant.now, claimant.lease));
    if !rows::job_run_take(db, &seen, claimant.node, now, until)? {
        return Ok(Claim::Later(claimant.now));
    }
    let row = rows::job_run_get(db, seen.id)?.ok_or(diesel::result::Error::NotFound)?;
    Ok(Claim::Ours(Box::new(JobRun::from_row(row)?)))
}

fn new_row(app: &App, wish: &RunWish<'_>, claimant: &Claimant<'_>) -> JobRunRow {
    JobRunRow {
        id: app.id(),
        job: wish.job.to_owned(),
        scope: wish.scope.to_owned(),
        due_at: Instant(wish.due_at),
        as_of: Instant(wish.as_of),
        period: wish.period.map(|period| period.to_string()).unwrap_or_default(),
        state: "RUNNING".to_owned(),
        trigger_kind: wish.trigger.code().to_owned(),
        requested_by: wish.requested_by.to_owned(),
        node: claimant.node.to_owned(),
        attempt: 1,
        lease_until: Instant(after(claimant.now, claimant.lease)),
        started_at: Instant(claimant.now),
        finished_at: None,
        changed_rows: 0,
        summary: String::new(),
        details: String::new(),
        error: String::new(),
    }
}

fn after(at: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(delta).unwrap_or(at)
}

/// Stores a wish that some node takes up within seconds; the page that asks does not wait. Answers
/// the run's id, also when the same wish is already waiting.
///
/// # Errors
/// The engine's reason.
pub fn request(app: &App, wish: &RunWish<'_>, now: DateTime<Utc>) -> Result<i64, DbError> {
    write_tx(&mut *app.pool.get()?, |db| request_in_tx(app, db, wish, now))
}

/// The same in the caller's transaction, so that what is to be done and the wish that it is are one.
///
/// # Errors
/// The engine's reason.
pub fn request_in_tx(app: &App, db: &mut Db, wish: &RunWish<'_>, now: DateTime<Utc>) -> Result<i64, DbError> {
    transaction_lock(db, wish.job)?;
    let period = wish.period.map(|period| period.to_string()).unwrap_or_default();
    let waiting = rows::job_run_ownerless(db, wish.job, Instant(now))?
        .into_iter()
        .find(|row| row.attempt == 0 && row.period == period && row.as_of.0 == wish.as_of);
    if let Some(row) = waiting {
        return Ok(row.id);
    }
    let due_at = free_due(db, wish.job, wish.due_at)?;
    let nobody = Claimant { node: "", now, lease: TimeDelta::zero() };
    let wish = RunWish { due_at, ..*wish };
    let row = JobRunRow { attempt: 0, ..new_row(app, &wish, &nobody) };
    rows::job_run_insert(db, &row)?;
    Ok(row.id)
}

/// The first due at or after `wanted` that no run of the job has.
fn free_due(db: &mut Db, job: &str, wanted: DateTime<Utc>) -> Result<DateTime<Utc>, DbError> {
    Ok(rows::job_run_newest_due(db, job, Instant(wanted))?
        .map_or(wanted, |taken| after(taken.0, TimeDelta::microseconds(1))))
}

/// The first instant at or after `wanted` at which a run by hand can be stored.
///
/// # Errors
/// The engine's reason.
pub fn manual_due(app: &App, job: &str, wanted: DateTime<Utc>) -> Result<DateTime<Utc>, DbError> {
    free_due(&mut *app.pool.get()?, job, wanted)
}

/// Runs of `job` that nobody owns at `now`, oldest due first.
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn ownerless(app: &App, job: &str, now: DateTime<Utc>) -> Result<Vec<JobRun>, DbError> {
    rows::job_run_ownerless(&mut *app.pool.get()?, job, Instant(now))?
        .into_iter()
        .map(JobRun::from_row)
        .collect()
}

/// Says that `run` is still being worked on. False when another node has taken it over.
///
/// # Errors
/// The engine's reason.
pub fn heartbeat(app: &App, run: &JobRun, until: DateTime<Utc>) -> Result<bool, DbError> {
    Ok(rows::job_run_extend(&mut *app.pool.get()?, run.id, run.attempt, Instant(until))?)
}

/// Stores that `run` is done. False when another node has taken it over meanwhile.
///
/// # Errors
/// The engine's reason.
pub fn finish_done(
    app: &App,
    run: &JobRun,
    now: DateTime<Utc>,
    changed_rows: i64,
    summary: &str,
    details: &serde_json::Value,
) -> Result<bool, DbError> {
    let details = if details.is_null() { String::new() } else { details.to_string() };
    let end = JobRunEnd {
        state: "DONE",
        finished_at: Instant(now),
        not_before: Instant(now),
        changed_rows,
        summary,
        details: &details,
        error: "",
    };
    Ok(rows::job_run_finish(&mut *app.pool.get()?, run.id, run.attempt, &end)?)
}

/// Stores that `run` failed and when it is tried again. When it is not, the administrators are told
/// by mail, queued in the same transaction. False when another node has taken it over meanwhile.
///
/// # Errors
/// The engine's reason.
pub fn finish_failed(
    app: &App,
    run: &JobRun,
    title: &str,
    now: DateTime<Utc>,
    error: &str,
) -> Result<bool, DbError> {
    let error: String = error.chars().take(MAX_ERROR_CHARS).collect();
    let retry = RETRY.delay_after(run.attempt).filter(|_| run.trigger != Trigger::Manual);
    write_tx(&mut *app.pool.get()?, |db| {
        let end = JobRunEnd {
            state: "FAILED",
            finished_at: Instant(now),
            not_before: Instant(retry.map_or(now, |delay| after(now, delay))),
            changed_rows: 0,
            summary: "",
            details: "",
            error: &error,
        };
        let ours = rows::job_run_finish(db, run.id, run.attempt, &end)?;
        if ours && retry.is_none() {
            alert(app, db, run, title, &error)?;
        }
        Ok(ours)
    })
}

/// Queues a mail to the administrators about a run that is not tried again.
fn alert(app: &App, db: &mut Db, run: &JobRun, title: &str, error: &str) -> Result<(), DbError> {
    // Who asks by hand sees the error; the clock has nobody looking.
    if run.trigger == Trigger::Manual {
        return Ok(());
    }
    let zone = setting::reporting_zone(db)?;
    let message = JobFailedMail {
        job: title.to_owned(),
        due: run.due_at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string(),
        attempts: run.attempt,
        error: error.to_owned(),
        link: format!("{}/jobs/{}", app.base_url, run.job),
    };
    let message = match message.render() {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(%error, job = run.job, "the alert could not be rendered");
            return Ok(());
        }
    };
    for to in rows::job_alert_addresses(db, MAX_ALERTS)? {
        let mail = NewMail {
            dedupe_key: format!("job-failed:{}:{to}", run.id),
            kind: MailKind::JobFailed,
            partner_id: None,
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        mail::enqueue(app, db, &mail)?;
    }
    Ok(())
}

/// Runs, newest first, of one job or of all; at most [`MAX_HISTORY`].
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn history(app: &App, job: Option<&str>, limit: i64) -> Result<Vec<JobRun>, DbError> {
    rows::job_run_list(&mut *app.pool.get()?, job, limit.clamp(1, MAX_HISTORY))?
        .into_iter()
        .map(JobRun::from_row)
        .collect()
}

/// The newest run that was done; with `scheduled`, leaving out runs by hand.
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn last_done(app: &App, job: &str, scheduled: bool) -> Result<Option<JobRun>, DbError> {
    rows::job_run_last_done(&mut *app.pool.get()?, job, scheduled)?.map(JobRun::from_row).transpose()
}

/// Through which due all scheduled runs of `job` have ended: the newest that was done or given up.
///
/// # Errors
/// The engine's reason.
pub fn last_settled_due(app: &App, job: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    let due = rows::job_run_last_settled(&mut *app.pool.get()?, job, RETRY.max_attempts)?;
    Ok(due.map(|due| due.0))
}

/// Deletes the ended runs of `job` beyond its newest `keep`.
///
/// # Errors
/// The engine's reason.
pub fn prune(app: &App, job: &str, keep: i64) -> Result<usize, DbError> {
    Ok(rows::job_run_prune(&mut *app.pool.get()?, job, keep)?)
}

/// One run, if it exists.
///
/// # Errors
/// The engine's reason, or a stored run that does not read back.
pub fn get(app: &App, id: i64) -> Result<Option<JobRun>, DbError> {
    rows::job_run_get(&mut *app.pool.get()?, id)?.map(JobRun::from_row).transpose()
}

/// Since when this installation runs jobs: `now` if nobody has asked before. Nothing due earlier was
/// missed.
///
/// # Errors
/// The engine's reason, or a stored value that is no instant.
pub fn jobs_since(app: &App, now: DateTime<Utc>) -> Result<DateTime<Utc>, DbError> {
    let db = &mut *app.pool.get()?;
    let text = match setting::setting(db, JOBS_SINCE)? {
        Some(text) => text,
        None => setting::setting_get_or_set(db, JOBS_SINCE, &now.to_rfc3339())?,
    };
    text.parse().map_err(|error: chrono::ParseError| DbError::Stored {
        what: format!("setting `{JOBS_SINCE}`"),
        reason: error.to_string(),
    })
}
