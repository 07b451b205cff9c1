//! Work that runs by the clock.
//!
//! [`schedule`] lists every job with its cron line; [`registry`] binds each name to one call into
//! `app`. [`runner`] decides with the database which node runs what, and what was missed;
//! [`scheduler`] fires it by the clock; [`cli`] runs it by hand.

pub mod cli;
pub mod demo;
pub mod registry;
pub mod runner;
pub mod schedule;
pub mod scheduler;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::app::App;
use crate::app::job::{self, JobRun, RunState, RunWish, Trigger};
use crate::clock::Clock;
use crate::db::DbError;
use crate::db::setting::reporting_zone;
use crate::domain::outcome::{end_of_local_day, local_day};
use crate::domain::period::{Period, is_kept};
use crate::domain::viewer::Viewer;

pub use runner::{Ran, Runner};
pub use schedule::{JOBS, Job};
pub use scheduler::Scheduler;

/// What a run is about.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// The run's row.
    pub run_id: i64,
    /// The job's name.
    pub job: &'static str,
    /// What part of the data; `all` for everything.
    pub scope: String,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// The instant whose state the run computes. Never later than the installation's clock.
    pub as_of: DateTime<Utc>,
    /// The calendar day of `as_of` in the reporting zone.
    pub as_of_day: NaiveDate,
    /// The reporting zone.
    pub zone: Tz,
    /// The period asked for by hand; `None` lets the job choose by `as_of_day`.
    pub period: Option<Period>,
    /// On whose behalf; reads across all partners.
    pub viewer: Viewer,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobReport {
    /// Rows added, changed or removed; 0 when everything was up to date.
    pub changed_rows: i64,
    /// One line for people.
    pub summary: String,
    /// The job's own numbers, for machines.
    pub details: serde_json::Value,
}

/// The work of a job.
pub type JobFn = fn(&App, &RunContext) -> anyhow::Result<JobReport>;

/// Why a job was not run or looked up.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// No such job.
    #[error("there is no job `{name}`; choose one of {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The jobs there are.
        known: String,
    },
    /// It runs already.
    #[error(
        "`{job}` is already running on {node} since {since}; wait until it has ended, or until {until} if that process is gone"
    )]
    Busy {
        /// The job.
        job: String,
        /// The process.
        node: String,
        /// Since when, UTC.
        since: DateTime<Utc>,
        /// When another process may take it over, unless it says that it still works.
        until: DateTime<Utc>,
    },
    /// A day that has not begun.
    #[error("{day} lies ahead; a job runs as of {today} at the latest")]
    Ahead {
        /// The day asked for.
        day: NaiveDate,
        /// Today in the reporting zone.
        today: NaiveDate,
    },
    /// A day of no year that is kept.
    #[error("{day} is of no year that Lanemark keeps; give a day of 1900 to 2200")]
    NoSuchYear {
        /// The day asked for.
        day: NaiveDate,
    },
    /// A period for a job that has none.
    #[error("`{job}` does not work by period; leave the period out")]
    NoPeriod {
        /// The job.
        job: &'static str,
    },
    /// A cron line that is none.
    #[error("the cron line `{cron}` of `{job}` does not read: {reason}")]
    Cron {
        /// The job.
        job: String,
        /// The line.
        cron: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A job as the jobs page shows it.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Six fields: second, minute, hour, day, month, weekday.
    pub cron: &'static str,
    /// The cron line in words.
    pub cadence: &'static str,
    /// Whether it can be asked for one period.
    pub by_period: bool,
    /// When it is due next.
    pub next_due: Option<DateTime<Utc>>,
    /// Its newest run.
    pub last_run: Option<JobRun>,
    /// When a run was last done.
    pub last_success: Option<DateTime<Utc>>,
    /// Whether a run is waiting or under way.
    pub running: bool,
}

/// Every job, in the order of the schedule.
///
/// # Errors
/// [`JobError`].
pub fn job_list(app: &App) -> Result<Vec<JobStatus>, JobError> {
    let zone = zone_of(app)?;
    let now = Clock::System.now();
    JOBS.iter()
        .map(|job| {
            let last_run = job::history(app, Some(job.name), 1)?.into_iter().next();
            let running = last_run
                .as_ref()
                .is_some_and(|run| matches!(run.state, RunState::Waiting | RunState::Running));
            Ok(JobStatus {
                name: job.name,
                title: job.title,
                what: job.what,
                cron: job.cron,
                cadence: job.cadence,
                by_period: job.by_period,
                next_due: job.next_due(zone, now)?,
                last_run,
                last_success: job::last_done(app, job.name, false)?.and_then(|run| run.finished_at),
                running,
            })
        })
        .collect()
}

/// The newest runs of one job.
///
/// # Errors
/// [`JobError::Unknown`], or the database's reason.
pub fn job_history(app: &App, name: &str, limit: i64) -> Result<Vec<JobRun>, JobError> {
    let job = schedule::find(name)?;
    Ok(job::history(app, Some(job.name), limit)?)
}

/// Asks for a run by hand and does not wait: the scheduler of some node takes it up within seconds.
/// Answers the run's id.
///
/// # Errors
/// [`JobError`].
pub fn job_request(
    app: &App,
    name: &str,
    as_of: Option<NaiveDate>,
    period: Option<Period>,
    by: &str,
) -> Result<i64, JobError> {
    let job = schedule::find(name)?;
    let now = Clock::System.now();
    let wish = RunWish {
        job: job.name,
        scope: job.scope,
        due_at: now,
        as_of: as_of_instant(app, as_of)?,
        period: job.period(period)?,
        trigger: Trigger::Manual,
        requested_by: by,
    };
    Ok(job::request(app, &wish, now)?)
}

fn zone_of(app: &App) -> Result<Tz, DbError> {
    reporting_zone(&mut *app.pool.get()?)
}

/// The end of the day asked for, or now when that is earlier.
fn as_of_instant(app: &App, day: Option<NaiveDate>) -> Result<DateTime<Utc>, JobError> {
    let now = app.now();
    let Some(day) = day else { return Ok(now) };
    if !is_kept(day) {
        return Err(JobError::NoSuchYear { day });
    }
    let zone = zone_of(app)?;
    let today = local_day(now, zone);
    if day > today {
        return Err(JobError::Ahead { day, today });
    }
    Ok(end_of_local_day(day, zone).min(now))
}
