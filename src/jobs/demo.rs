//! The demo's history: builds its database and runs every job over it, once, through the same runner
//! as the clock and the jobs page. A second run finds it whole and changes nothing.

use std::path::PathBuf;

use chrono::{Days, Months, NaiveDate};

use super::cli::run_line;
use super::{JOBS, JobError, Runner};
use crate::app::App;
use crate::app::accrual::ACCRUAL_JOB;
use crate::app::demo::{
    DemoError, Size, Standing, as_of, build, first_day, keep_books, mark_whole, standing, talk,
};
use crate::app::job::{JobRun, RunState};
use crate::app::refresh::ensure_fresh;
use crate::clock::Clock;
use crate::db::{DbError, DbUrl};
use crate::mail::{Mailer, SettingsError};

/// Day of the month on which the months before are accrued: when their facts are in.
const ACCRUAL_DAY: u32 = 10;
/// The job that tells partners what a final month came to.
const ASSESSMENT_JOB: &str = "assess-credits";
/// Day of the month on which it is told: business day 10 has passed in every month.
const ASSESSMENT_DAY: u32 = 18;
/// The job that deems accepted what nobody answered in time.
const DEADLINE_JOB: &str = "item-deadlines";
/// The job that plans.
const PLAN_JOB: &str = "plan-capacity";
/// Weeks back from the as-of day on which it was planned.
const PLANNED_WEEKS_AGO: [u64; 3] = [14, 9, 4];
/// Who asked, as the job's history shows it.
const REQUESTED_BY: &str = "demo";
/// Sender of the demo's mail.
const SENDER: &str = "Lanemark demo <reviews@shipper.example>";

/// Where and how large.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The database to make, or to use when it holds this demo already.
    pub database: DbUrl,
    /// How much of the network.
    pub size: Size,
    /// Where to leave the generated files; none removes them.
    pub keep_files: Option<PathBuf>,
    /// Where the mails are written: nothing leaves the machine.
    pub mail_folder: PathBuf,
    /// The address mails link to.
    pub base_url: String,
    /// Connections of the pool.
    pub pool_size: u32,
}

/// A demo that stands.
pub struct Demo {
    /// Its parts; the clock stands still.
    pub app: App,
    /// Whether it was made just now; else it was there, and nothing was changed.
    pub built: bool,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoRunError {
    /// Its database was not made.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A job was not run.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A job failed.
    #[error("the job `{job}` failed: {error}")]
    Failed {
        /// Its name.
        job: String,
        /// Its words.
        error: String,
    },
    /// The mail folder cannot be used.
    #[error(transparent)]
    Mail(#[from] SettingsError),
}

impl From<DbError> for DemoRunError {
    fn from(error: DbError) -> Self {
        Self::Demo(error.into())
    }
}

/// Makes the demo, or finds it made. `say` hears of each step.
///
/// # Errors
/// [`DemoRunError`]. An attempt that broke off is made anew by the next run.
pub fn run(options: &DemoOptions, say: &mut dyn FnMut(&str)) -> Result<Demo, DemoRunError> {
    let standing = standing(&options.database, options.size)?;
    let pool = options.database.open(options.pool_size)?;
    let mailer = Mailer::file(SENDER, options.mail_folder.clone())?;
    let app = App::new(pool, Clock::Fixed(as_of()), &options.base_url).with_mailer(mailer);
    if standing == Standing::Ready {
        return Ok(Demo { app, built: false });
    }
    build(&app, options.size, options.keep_files.as_deref(), say)?;
    run_jobs(&app, say)?;
    talk(&app)?;
    ensure_fresh(&app, as_of())?;
    keep_books(&app)?;
    mark_whole(&app, options.size)?;
    Ok(Demo { app, built: true })
}

/// Runs every job, in the order in which they build on each other. Gives the runs.
///
/// # Errors
/// [`DemoRunError::Failed`] with the first job that failed.
pub fn run_jobs(app: &App, say: &mut dyn FnMut(&str)) -> Result<Vec<JobRun>, DemoRunError> {
    let runner = Runner::new(app.clone());
    let mut runs = Vec::new();
    for job in JOBS {
        let past = match job.name {
            ACCRUAL_JOB => ledger_days(),
            PLAN_JOB => plan_days(),
            _ => Vec::new(),
        };
        let past = past.into_iter().map(|(name, day)| (name, Some(day)));
        for (name, day) in past.chain([(job.name, None)]) {
            let run = runner.run_now(name, day, None, REQUESTED_BY)?;
            if run.state != RunState::Done {
                return Err(DemoRunError::Failed { job: run.job, error: run.error });
            }
            // The last run of a job says it all.
            if day.is_none() {
                say(&run_line(&run));
            }
            runs.push(run);
        }
    }
    // What earlier plans came to is summed once they are there.
    ensure_fresh(app, as_of())?;
    Ok(runs)
}

/// The days before the as-of day on which it was planned: often enough that each week of the last quarter was in a plan.
fn plan_days() -> Vec<(&'static str, NaiveDate)> {
    let today = as_of().date_naive();
    let back = PLANNED_WEEKS_AGO.into_iter().filter_map(|weeks| today.checked_sub_days(Days::new(7 * weeks)));
    back.map(|day| (PLAN_JOB, day)).collect()
}

/// The days on which each month of the history was accrued and assessed, the as-of day itself left out.
fn ledger_days() -> Vec<(&'static str, NaiveDate)> {
    let today = as_of().date_naive();
    let first = first_day();
    (1..)
        .map_while(|months| first.checked_add_months(Months::new(months)))
        .flat_map(|month| {
            [(ACCRUAL_JOB, ACCRUAL_DAY), (ASSESSMENT_JOB, ASSESSMENT_DAY), (DEADLINE_JOB, ASSESSMENT_DAY)]
                .map(|(job, day)| (job, chrono::Datelike::with_day(&month, day).unwrap_or(month)))
        })
        .take_while(|(_, day)| *day < today)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::on_each_engine;

    #[test]
    fn months_are_accrued_and_assessed_one_after_the_other() {
        let days: Vec<_> = ledger_days().into_iter().map(|(job, day)| format!("{job} {day}")).collect();
        assert_eq!(days[..2], ["accrue-credits 2025-05-10", "assess-credits 2025-05-18"]);
        assert_eq!(days.iter().filter(|day| day.starts_with(ACCRUAL_JOB)).count(), 14);
        assert!(days.contains(&"accrue-credits 2026-06-10".to_owned()), "{days:?}");
    }

    #[test]
    fn every_job_run_twice_changes_nothing() {
        on_each_engine(&as_of().to_rfc3339(), |app| {
            let app = app.clone().with_mailer(Mailer::memory(SENDER).unwrap());
            build(&app, Size(2), None, &mut |_| ()).unwrap();
            let first = run_jobs(&app, &mut |_| ()).unwrap();
            let changed = |runs: &[JobRun], name: &str| {
                runs.iter().filter(|run| run.job == name).map(|run| run.changed_rows).sum::<i64>()
            };
            for job in ["score-period", ACCRUAL_JOB, ASSESSMENT_JOB, "plan-capacity", "contract-calendar"] {
                assert!(changed(&first, job) > 0, "{job} did something the first time");
            }
            let runner = Runner::new(app.clone());
            for job in JOBS {
                let run = runner.run_now(job.name, None, None, "test").unwrap();
                assert_eq!(
                    (run.state, run.changed_rows),
                    (RunState::Done, 0),
                    "{}: {}",
                    run.job,
                    run.summary
                );
            }
        });
    }

    #[test]
    fn a_second_run_uses_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let options = DemoOptions {
            database: DbUrl::Sqlite(folder.path().join("demo.db")),
            size: Size(1),
            keep_files: None,
            mail_folder: folder.path().join("mail"),
            base_url: "http://localhost".to_owned(),
            pool_size: 2,
        };
        assert!(run(&options, &mut |_| ()).unwrap().built);
        let mut said = Vec::new();
        let again = run(&options, &mut |line| said.push(line.to_owned())).unwrap();
        assert!(!again.built && said.is_empty(), "{said:?}");
    }
}
