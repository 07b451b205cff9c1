//! Fires jobs by the clock.
//!
//! `tokio-cron-scheduler` calls at each due; it overlaps slow jobs and catches nothing up, so every
//! call only says "look what is to be done" ([`Runner::tick`]), and a sweep every few seconds says the
//! same for all jobs: for runs asked for by hand, retries, runs of dead nodes, and what was missed
//! while this process was down.

use chrono_tz::Tz;
use tokio_cron_scheduler::{JobScheduler, JobSchedulerError};

use super::schedule::Job;
use super::{JobError, Runner};
use crate::db::DbError;

/// How often all jobs are looked at.
const SWEEP: &str = "*/10 * * * * *";

/// Why the scheduler did not start.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The library refused.
    #[error("the scheduler did not start: {0}")]
    Library(#[from] JobSchedulerError),
    /// The database refused.
    #[error("the scheduler did not start: {0}")]
    Db(#[from] DbError),
    /// The thread that asked the database broke.
    #[error("the scheduler did not start: {0}")]
    Join(#[from] tokio::task::JoinError),
}

/// A running scheduler.
pub struct Scheduler {
    inner: JobScheduler,
}

impl Scheduler {
    /// Starts firing the runner's jobs, and catches up what was missed. The reporting zone is read
    /// here; a changed zone counts at once for what is due, and for the exact second from the next
    /// start on.
    ///
    /// # Errors
    /// [`SchedulerError`].
    pub async fn start(runner: Runner) -> Result<Self, SchedulerError> {
        let first = runner.clone();
        let zone = tokio::task::spawn_blocking(move || {
            first.since()?;
            first.zone()
        })
        .await??;
        let inner = JobScheduler::new().await?;
        for job in runner.jobs() {
            let runner = runner.clone();
            inner.add(fire(job.cron, zone, move || look(&runner, job))?).await?;
        }
        let sweeper = runner.clone();
        inner
            .add(fire(SWEEP, zone, move || sweeper.jobs().iter().for_each(|job| look(&sweeper, job)))?)
            .await?;
        inner.start().await?;
        runner.jobs().iter().for_each(|job| look(&runner, job));
        Ok(Self { inner })
    }

    /// Stops firing. A job that runs goes on to its end; if the process ends first, another node (or
    /// this one after its start) takes the run over.
    ///
    /// # Errors
    /// [`SchedulerError::Library`].
    pub async fn stop(mut self) -> Result<(), SchedulerError> {
        Ok(self.inner.shutdown().await?)
    }
}

fn fire(
    cron: &str,
    zone: Tz,
    call: impl Fn() + Send + Sync + 'static,
) -> Result<tokio_cron_scheduler::Job, JobSchedulerError> {
    tokio_cron_scheduler::Job::new_async_tz(cron, zone, move |_id, _scheduler| {
        call();
        Box::pin(async {})
    })
}

/// Looks, on a thread of its own, what is to be done for `job`.
fn look(runner: &Runner, job: &'static Job) {
    let runner = runner.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = runner.tick(job) {
            report(job, &error);
        }
    });
}

fn report(job: &Job, error: &JobError) {
    tracing::error!(job = job.name, %error, "the job was not looked at; tried again in seconds");
}
