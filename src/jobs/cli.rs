//! Jobs from the command line: what to print, for people and for machines.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{JobError, JobStatus, Runner, job_list};
use crate::app::App;
use crate::app::job::{JobRun, RunState};
use crate::domain::period::Period;
use crate::domain::words;

/// `lanemark job list`: one line per job. Print [`list_table`] for people, the values as JSON for
/// machines.
///
/// # Errors
/// [`JobError`].
pub fn list(app: &App) -> Result<Vec<JobStatus>, JobError> {
    job_list(app)
}

/// The list as a table; instants in the reporting zone, which they name.
///
/// # Errors
/// [`JobError`].
pub fn list_table(app: &App, jobs: &[JobStatus]) -> Result<String, JobError> {
    let zone = super::zone_of(app)?;
    let mut rows = vec![["job", "due", "next", "last run", "came to"].map(str::to_owned)];
    for job in jobs {
        rows.push([
            job.name.to_owned(),
            job.cadence.to_owned(),
            job.next_due.map(|at| minute(at, zone)).unwrap_or_default(),
            job.last_run.as_ref().map_or_else(|| "never".to_owned(), |run| minute(run.started_at, zone)),
            job.last_run.as_ref().map(outcome).unwrap_or_default(),
        ]);
    }
    Ok(table(&rows))
}

/// `lanemark job run NAME [--as-of DATE] [--period P]`: runs it and waits. Print [`run_line`]; exit
/// with 0 only when its state is done.
///
/// # Errors
/// [`JobError`] when it was not run at all.
pub fn run(
    runner: &Runner,
    name: &str,
    as_of: Option<NaiveDate>,
    period: Option<Period>,
) -> Result<JobRun, JobError> {
    runner.run_now(name, as_of, period, "command line")
}

/// One line on a run.
#[must_use]
pub fn run_line(run: &JobRun) -> String {
    let seconds = run.took().map_or(0, |took| took.num_milliseconds());
    format!("{}: {} ({}.{:03} s)", run.job, outcome(run), seconds / 1000, seconds % 1000)
}

fn outcome(run: &JobRun) -> String {
    match run.state {
        RunState::Done => format!("done, {} changed: {}", words::count(run.changed_rows, "row"), run.summary),
        RunState::Failed => format!("failed: {}", run.error),
        RunState::Waiting | RunState::Running => run.state.title().to_owned(),
    }
}

fn minute(at: chrono::DateTime<chrono::Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string()
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0_usize; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}
