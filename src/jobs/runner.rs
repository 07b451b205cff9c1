//! Runs jobs, once each, whichever nodes there are.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::schedule::{self, JOBS, Job};
use super::{JobError, JobReport, RunContext};
use crate::app::App;
use crate::app::job::{self, Claim, Claimant, JobRun, LEASE, RunWish, Trigger};
use crate::clock::Clock;
use crate::db::DbError;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// How often a running job says that it still runs; several times within a lease.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Heartbeats within a lease: a few may be lost to a busy machine.
const BEATS_PER_LEASE: u32 = 6;
/// A run that starts later than this after its due is called caught up.
const ON_TIME: TimeDelta = TimeDelta::minutes(5);

/// What became of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It was done here.
    Done(i64),
    /// It failed here.
    Failed(i64),
    /// It was done before, here or elsewhere.
    Already,
    /// A run of the same job is under way.
    Busy,
    /// It failed and is tried again then.
    Later(DateTime<Utc>),
    /// A job it builds on has to end first.
    Waits(&'static str),
    /// It failed as often as it may.
    GivenUp,
    /// It was taken over by another node while it was being worked on here; that node's result counts.
    Lost(i64),
}

/// Runs jobs for one process. Cheap to clone; clones share what they are busy with.
#[derive(Clone)]
pub struct Runner {
    app: App,
    jobs: &'static [Job],
    host: Clock,
    node: Arc<str>,
    lease: TimeDelta,
    heartbeat: Duration,
    busy: Arc<Mutex<HashSet<&'static str>>>,
}

impl Runner {
    /// A runner of the jobs in the schedule. Dues and leases go by the host's clock also where the
    /// installation stands on a fixed day; what a job computes goes by the installation's.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self::with(app, JOBS, Clock::System)
    }

    /// A runner of other jobs, or by another clock.
    #[must_use]
    pub fn with(app: App, jobs: &'static [Job], host: Clock) -> Self {
        Self {
            app,
            jobs,
            host,
            node: node_name().into(),
            lease: LEASE,
            heartbeat: HEARTBEAT,
            busy: Arc::default(),
        }
    }

    /// The same with other times: how long a run is owned, and how often that is prolonged.
    #[must_use]
    pub fn leasing(self, lease: TimeDelta, heartbeat: Duration) -> Self {
        Self { lease, heartbeat, ..self }
    }

    /// The same with leases of so many seconds, prolonged several times within each.
    #[must_use]
    pub fn leasing_seconds(self, seconds: u16) -> Self {
        let lease = TimeDelta::seconds(i64::from(seconds));
        self.leasing(lease, Duration::from_secs(u64::from(seconds)) / BEATS_PER_LEASE)
    }

    /// The same by another clock, as if time had passed; shares what it is busy with.
    #[must_use]
    pub fn at(&self, host: Clock) -> Self {
        Self { host, ..self.clone() }
    }

    /// The jobs it runs.
    #[must_use]
    pub fn jobs(&self) -> &'static [Job] {
        self.jobs
    }

    /// What this process calls itself in the history.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The zone in which jobs are due.
    ///
    /// # Errors
    /// The database's reason.
    pub fn zone(&self) -> Result<Tz, DbError> {
        super::zone_of(&self.app)
    }

    /// Notes, once in the life of an installation, since when it runs jobs.
    ///
    /// # Errors
    /// The database's reason.
    pub fn since(&self) -> Result<DateTime<Utc>, DbError> {
        job::jobs_since(&self.app, self.host.now())
    }

    /// Does what is to be done for one job now: runs left without an owner, then what is due, oldest
    /// first. Stops at the first run that is not done, so that later ones never overtake it, and at one
    /// that must wait for a job it builds on; a run that was given up is passed over.
    ///
    /// # Errors
    /// The database's reason. A job that fails is no error; its run says so.
    pub fn tick(&self, job: &'static Job) -> Result<Vec<Ran>, JobError> {
        let Some(_guard) = self.guard(job.name) else { return Ok(vec![Ran::Busy]) };
        let mut ran = Vec::new();
        for run in job::ownerless(&self.app, job.name, self.host.now())? {
            let claim = job::claim_ownerless(&self.app, run.id, job.title, &self.claimant())?;
            if !self.settle(job, claim, &mut ran)? {
                return Ok(ran);
            }
        }
        for due_at in self.missed(job)? {
            if let Some(name) = self.waits_for(job, due_at)? {
                ran.push(Ran::Waits(name));
                break;
            }
            let late = self.host.now().signed_duration_since(due_at) > ON_TIME;
            let trigger = if late { Trigger::CatchUp } else { Trigger::Schedule };
            let claim = self.claim_due(job, due_at, trigger)?;
            if !self.settle(job, claim, &mut ran)? {
                break;
            }
        }
        Ok(ran)
    }

    /// Runs one due of `job`, unless it is done or being done.
    ///
    /// # Errors
    /// The database's reason.
    pub fn run_due(
        &self,
        job: &'static Job,
        due_at: DateTime<Utc>,
        trigger: Trigger,
    ) -> Result<Ran, JobError> {
        let Some(_guard) = self.guard(job.name) else { return Ok(Ran::Busy) };
        let claim = self.claim_due(job, due_at, trigger)?;
        self.follow(job, claim)
    }

    /// Runs a job by hand and waits for it. Answers the run, also when it failed.
    ///
    /// # Errors
    /// [`JobError`] when it was not run at all.
    pub fn run_now(
        &self,
        name: &str,
        as_of: Option<NaiveDate>,
        period: Option<Period>,
        by: &str,
    ) -> Result<JobRun, JobError> {
        let job = self
            .jobs
            .iter()
            .find(|job| job.name == name)
            .ok_or_else(|| schedule::unknown(name, self.jobs))?;
        let wish = RunWish {
            job: job.name,
            scope: job.scope,
            due_at: job::manual_due(&self.app, job.name, self.host.now())?,
            as_of: super::as_of_instant(&self.app, as_of)?,
            period: job.period(period)?,
            trigger: Trigger::Manual,
            requested_by: by,
        };
        match job::claim(&self.app, &wish, job.title, &self.claimant())? {
            Claim::Ours(run) => {
                self.execute(job, &run)?;
                Ok(job::get(&self.app, run.id)?.unwrap_or(*run))
            }
            Claim::Busy(run) => Err(busy(&run)),
            // Somebody asked at the same microsecond; theirs is as good as ours.
            Claim::Done | Claim::Later(_) | Claim::GivenUp => Err(JobError::Busy {
                job: job.name.to_owned(),
                node: "another process".to_owned(),
                since: self.host.now(),
                until: self.host.now() + self.lease,
            }),
        }
    }

    /// What is due and not done, oldest first, bounded by the job's policy.
    fn missed(&self, job: &Job) -> Result<Vec<DateTime<Utc>>, JobError> {
        let done = job::last_done(&self.app, job.name, true)?.map(|run| run.due_at);
        let since = match done {
            Some(due_at) => due_at,
            None => self.since()?,
        };
        job.dues(self.zone()?, since, self.host.now())
    }

    /// The first job that `job` builds on and that has to end something before `job` may do what was due at
    /// `due_at`. What has ended stays so, so the answer need not be asked again under the job's lock.
    fn waits_for(&self, job: &Job, due_at: DateTime<Utc>) -> Result<Option<&'static str>, JobError> {
        for before in self.jobs.iter().filter(|other| job.after.contains(&other.name)) {
            let settled = match job::last_settled_due(&self.app, before.name)? {
                Some(due_at) => due_at,
                None => self.since()?,
            };
            if before.holds_back(self.zone()?, settled, due_at)? {
                return Ok(Some(before.name));
            }
        }
        Ok(None)
    }

    fn claim_due(&self, job: &Job, due_at: DateTime<Utc>, trigger: Trigger) -> Result<Claim, DbError> {
        let wish = RunWish {
            job: job.name,
            scope: job.scope,
            due_at,
            // A run that catches up is as of its own due, by the facts as they are known now.
            as_of: due_at.min(self.app.now()),
            period: None,
            trigger,
            requested_by: "scheduler",
        };
        job::claim(&self.app, &wish, job.title, &self.claimant())
    }

    fn claimant(&self) -> Claimant<'_> {
        Claimant { node: &self.node, now: self.host.now(), lease: self.lease }
    }

    /// Follows a claim and says whether the next run of the same job may begin.
    fn settle(&self, job: &'static Job, claim: Claim, ran: &mut Vec<Ran>) -> Result<bool, JobError> {
        let result = self.follow(job, claim)?;
        let go_on = matches!(result, Ran::Done(_) | Ran::Already | Ran::GivenUp);
        ran.push(result);
        Ok(go_on)
    }

    fn follow(&self, job: &'static Job, claim: Claim) -> Result<Ran, JobError> {
        Ok(match claim {
            Claim::Ours(run) => self.execute(job, &run)?,
            Claim::Done => Ran::Already,
            Claim::Busy(_) => Ran::Busy,
            Claim::Later(at) => Ran::Later(at),
            Claim::GivenUp => Ran::GivenUp,
        })
    }

    /// Works on a run that is ours, keeps the lease alive meanwhile, and stores what came of it.
    fn execute(&self, job: &'static Job, run: &JobRun) -> Result<Ran, JobError> {
        let context = self.context(job, run)?;
        tracing::info!(job = job.name, run = run.id, due = %run.due_at, attempt = run.attempt, "job starts");
        let result =
            self.while_beating(run, || catch_unwind(AssertUnwindSafe(|| (job.run)(&self.app, &context))));
        let now = self.host.now();
        let outcome = match result {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(panic) => Err(format!("the job stopped on a defect: {}", panic_words(panic.as_ref()))),
        };
        let ran = self.store(job, run, now, outcome)?;
        if let Err(error) = job::prune(&self.app, job.name, job.keep_runs) {
            tracing::warn!(job = job.name, %error, "old runs were not removed from the history");
        }
        Ok(ran)
    }

    fn store(
        &self,
        job: &Job,
        run: &JobRun,
        now: DateTime<Utc>,
        outcome: Result<JobReport, String>,
    ) -> Result<Ran, DbError> {
        let (ours, ran) = match outcome {
            Ok(report) => {
                tracing::info!(job = job.name, run = run.id, changed = report.changed_rows, summary = %report.summary, "job done");
                let ours = job::finish_done(
                    &self.app,
                    run,
                    now,
                    report.changed_rows,
                    &report.summary,
                    &report.details,
                )?;
                (ours, Ran::Done(run.id))
            }
            Err(error) => {
                tracing::error!(job = job.name, run = run.id, attempt = run.attempt, %error, "job failed");
                (job::finish_failed(&self.app, run, job.title, now, &error)?, Ran::Failed(run.id))
            }
        };
        if ours {
            return Ok(ran);
        }
        tracing::warn!(job = job.name, run = run.id, "another node took the run over; its result counts");
        Ok(Ran::Lost(run.id))
    }

    fn context(&self, job: &Job, run: &JobRun) -> Result<RunContext, DbError> {
        let zone = self.zone()?;
        let viewer = match run.trigger {
            Trigger::Manual => Viewer { name: run.requested_by.clone(), ..Viewer::system() },
            Trigger::Schedule | Trigger::CatchUp => Viewer::system(),
        };
        Ok(RunContext {
            run_id: run.id,
            job: job.name,
            scope: run.scope.clone(),
            due_at: run.due_at,
            as_of: run.as_of,
            as_of_day: local_day(run.as_of, zone),
            zone,
            period: run.period,
            viewer,
        })
    }

    /// Runs `work` while a second thread keeps the lease alive.
    fn while_beating<T>(&self, run: &JobRun, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            let (stop, stopped) = mpsc::channel::<()>();
            scope.spawn(move || {
                while stopped.recv_timeout(self.heartbeat) == Err(RecvTimeoutError::Timeout) {
                    self.beat(run);
                }
            });
            let result = work();
            drop(stop);
            result
        })
    }

    fn beat(&self, run: &JobRun) {
        let now = self.host.now();
        let until = now.checked_add_signed(self.lease).unwrap_or(now);
        match job::heartbeat(&self.app, run, until) {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = run.job, run = run.id, "another node took the run over"),
            Err(error) => tracing::warn!(job = run.job, run = run.id, %error, "heartbeat failed"),
        }
    }

    /// At most one thread of this process works on a job.
    pub(super) fn guard(&self, name: &'static str) -> Option<Guard<'_>> {
        let free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        // Only now, and only if it is ours: a guard frees the job when it is dropped.
        free.then(|| Guard { runner: self, name })
    }
}

/// Frees the job when dropped.
pub(super) struct Guard<'a> {
    runner: &'a Runner,
    name: &'static str,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.runner.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(self.name);
    }
}

fn busy(run: &JobRun) -> JobError {
    JobError::Busy {
        job: run.job.clone(),
        node: run.node.clone(),
        since: run.started_at,
        until: run.lease_until,
    }
}

fn panic_words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason")
}

/// Host, process and a random part, so that a restarted process is not taken for the one that died.
fn node_name() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "node".to_owned());
    let mut salt = [0_u8; 3];
    if getrandom::fill(&mut salt).is_err() {
        tracing::debug!("no randomness for the node's name");
    }
    let [a, b, c] = salt;
    format!("{host}:{}:{a:02x}{b:02x}{c:02x}", std::process::id())
}
