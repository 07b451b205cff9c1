//! Job runs: who runs what, until when, and what came of it.

use diesel::prelude::*;

use super::Db;
use super::schema::{job_runs, users};
use super::types::Instant;

/// A row of `job_runs`, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = job_runs, treat_none_as_default_value = false)]
pub struct JobRunRow {
    /// Row id.
    pub id: i64,
    /// The job's name in the schedule.
    pub job: String,
    /// What part of the data the run covers; `all` for everything.
    pub scope: String,
    /// When the run was due; for a run by hand, when it was asked for.
    pub due_at: Instant,
    /// The instant whose state the run computes.
    pub as_of: Instant,
    /// The period asked for, or empty when the job chooses.
    pub period: String,
    /// `RUNNING`, `DONE` or `FAILED`.
    pub state: String,
    /// `SCHEDULE`, `CATCH_UP` or `MANUAL`.
    pub trigger_kind: String,
    /// Who asked, `scheduler` for the clock.
    pub requested_by: String,
    /// The process that runs it, empty while nobody does.
    pub node: String,
    /// How many times the run was started.
    pub attempt: i32,
    /// RUNNING: the node owns the run until then. FAILED: not tried again before then.
    pub lease_until: Instant,
    /// When the last attempt began.
    pub started_at: Instant,
    /// When the last attempt ended.
    pub finished_at: Option<Instant>,
    /// Rows the run changed.
    pub changed_rows: i64,
    /// One line for people.
    pub summary: String,
    /// JSON for machines, or empty.
    pub details: String,
    /// Why the last attempt failed, or empty.
    pub error: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRunEnd<'a> {
    /// `DONE` or `FAILED`.
    pub state: &'a str,
    /// When it ended.
    pub finished_at: Instant,
    /// For a failure, when it may be tried again.
    pub not_before: Instant,
    /// Rows changed.
    pub changed_rows: i64,
    /// One line for people.
    pub summary: &'a str,
    /// JSON, or empty.
    pub details: &'a str,
    /// Why it failed, or empty.
    pub error: &'a str,
}

/// The run of `job` and `scope` due at `due_at`.
///
/// # Errors
/// The engine's reason.
pub fn job_run_find(db: &mut Db, job: &str, scope: &str, due_at: Instant) -> QueryResult<Option<JobRunRow>> {
    job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::scope.eq(scope))
        .filter(job_runs::due_at.eq(due_at))
        .first(db)
        .optional()
}

/// One run.
///
/// # Errors
/// The engine's reason.
pub fn job_run_get(db: &mut Db, id: i64) -> QueryResult<Option<JobRunRow>> {
    job_runs::table.find(id).first(db).optional()
}

/// A run of `job` that some node owns at `now`.
///
/// # Errors
/// The engine's reason.
pub fn job_run_live(db: &mut Db, job: &str, now: Instant) -> QueryResult<Option<JobRunRow>> {
    job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::state.eq("RUNNING"))
        .filter(job_runs::lease_until.gt(now))
        .order(job_runs::started_at)
        .first(db)
        .optional()
}

/// Runs of `job` nobody owns any more, oldest due first: asked for by hand and not yet begun, or left
/// behind by a node that died.
///
/// # Errors
/// The engine's reason.
pub fn job_run_ownerless(db: &mut Db, job: &str, now: Instant) -> QueryResult<Vec<JobRunRow>> {
    job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::state.eq("RUNNING"))
        .filter(job_runs::lease_until.le(now))
        .order((job_runs::due_at, job_runs::id))
        .load(db)
}

/// Stores a new run. The caller holds the job's lock ([`super::dialect::transaction_lock`]).
///
/// # Errors
/// The engine's reason; a unique violation when the run exists.
pub fn job_run_insert(db: &mut Db, row: &JobRunRow) -> QueryResult<()> {
    diesel::insert_into(job_runs::table).values(row).execute(db).map(|_| ())
}

/// Makes `node` the owner of the run as it was `seen`, one attempt further. False when another node
/// was faster.
///
/// # Errors
/// The engine's reason.
pub fn job_run_take(
    db: &mut Db,
    seen: &JobRunRow,
    node: &str,
    now: Instant,
    lease_until: Instant,
) -> QueryResult<bool> {
    let changed = diesel::update(
        job_runs::table
            .find(seen.id)
            .filter(job_runs::state.eq(&seen.state))
            .filter(job_runs::attempt.eq(seen.attempt))
            .filter(job_runs::lease_until.le(now)),
    )
    .set((
        job_runs::state.eq("RUNNING"),
        job_runs::node.eq(node),
        job_runs::attempt.eq(seen.attempt.saturating_add(1)),
        job_runs::lease_until.eq(lease_until),
        job_runs::started_at.eq(now),
        job_runs::finished_at.eq(None::<Instant>),
        job_runs::error.eq(""),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// Owns the run longer. False when another node has taken it over meanwhile.
///
/// # Errors
/// The engine's reason.
pub fn job_run_extend(db: &mut Db, id: i64, attempt: i32, lease_until: Instant) -> QueryResult<bool> {
    let changed = diesel::update(
        job_runs::table.find(id).filter(job_runs::state.eq("RUNNING")).filter(job_runs::attempt.eq(attempt)),
    )
    .set(job_runs::lease_until.eq(lease_until))
    .execute(db)?;
    Ok(changed == 1)
}

/// Stores how the attempt ended. False when another node has taken the run over meanwhile.
///
/// # Errors
/// The engine's reason.
pub fn job_run_finish(db: &mut Db, id: i64, attempt: i32, end: &JobRunEnd<'_>) -> QueryResult<bool> {
    let changed = diesel::update(
        job_runs::table.find(id).filter(job_runs::state.eq("RUNNING")).filter(job_runs::attempt.eq(attempt)),
    )
    .set((
        job_runs::state.eq(end.state),
        job_runs::finished_at.eq(Some(end.finished_at)),
        job_runs::lease_until.eq(end.not_before),
        job_runs::changed_rows.eq(end.changed_rows),
        job_runs::summary.eq(end.summary),
        job_runs::details.eq(end.details),
        job_runs::error.eq(end.error),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// Runs, newest first, of one job or of all.
///
/// # Errors
/// The engine's reason.
pub fn job_run_list(db: &mut Db, job: Option<&str>, limit: i64) -> QueryResult<Vec<JobRunRow>> {
    let mut query =
        job_runs::table.order((job_runs::started_at.desc(), job_runs::id.desc())).limit(limit).into_boxed();
    if let Some(job) = job {
        query = query.filter(job_runs::job.eq(job.to_owned()));
    }
    query.load(db)
}

/// The newest run of `job` that was done; with `scheduled`, leaving out runs by hand.
///
/// # Errors
/// The engine's reason.
pub fn job_run_last_done(db: &mut Db, job: &str, scheduled: bool) -> QueryResult<Option<JobRunRow>> {
    let mut query = job_runs::table
        .filter(job_runs::job.eq(job.to_owned()))
        .filter(job_runs::state.eq("DONE"))
        .order((job_runs::due_at.desc(), job_runs::id.desc()))
        .into_boxed();
    if scheduled {
        query = query.filter(job_runs::trigger_kind.ne("MANUAL"));
    }
    query.first(db).optional()
}

/// The newest due of `job` that was done or failed `attempts_max` times, leaving out runs by hand.
///
/// # Errors
/// The engine's reason.
pub fn job_run_last_settled(db: &mut Db, job: &str, attempts_max: i32) -> QueryResult<Option<Instant>> {
    let given_up = job_runs::state.eq("FAILED").and(job_runs::attempt.ge(attempts_max));
    job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::trigger_kind.ne("MANUAL"))
        .filter(job_runs::state.eq("DONE").or(given_up))
        .order(job_runs::due_at.desc())
        .select(job_runs::due_at)
        .first(db)
        .optional()
}

/// The newest due of `job` at or after `from`, whatever its scope.
///
/// # Errors
/// The engine's reason.
pub fn job_run_newest_due(db: &mut Db, job: &str, from: Instant) -> QueryResult<Option<Instant>> {
    job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.ge(from))
        .order(job_runs::due_at.desc())
        .select(job_runs::due_at)
        .first(db)
        .optional()
}

/// Deletes the ended runs of `job` beyond its newest `keep`.
///
/// # Errors
/// The engine's reason.
pub fn job_run_prune(db: &mut Db, job: &str, keep: i64) -> QueryResult<usize> {
    let limit: Option<Instant> = job_runs::table
        .filter(job_runs::job.eq(job))
        .order(job_runs::due_at.desc())
        .select(job_runs::due_at)
        .offset(keep)
        .first(db)
        .optional()?;
    let Some(limit) = limit else { return Ok(0) };
    diesel::delete(
        job_runs::table
            .filter(job_runs::job.eq(job))
            .filter(job_runs::state.ne("RUNNING"))
            .filter(job_runs::due_at.le(limit)),
    )
    .execute(db)
}

/// The addresses of the administrators who can sign in; they hear of jobs that failed for good.
///
/// # Errors
/// The engine's reason.
pub fn job_alert_addresses(db: &mut Db, limit: i64) -> QueryResult<Vec<String>> {
    users::table
        .filter(users::role.eq("ADMIN"))
        .filter(users::active.eq(true))
        .order(users::email)
        .select(users::email)
        .limit(limit)
        .load(db)
}
