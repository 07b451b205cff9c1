//! Jobs: what runs when, what came of it, and running one by hand.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::job::{JobRun, RunState};
use crate::db::setting::reporting_zone;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Viewer};
use crate::jobs::{JobError, JobStatus, job_history, job_list, job_request};

/// Runs on one page of history.
const HISTORY_ROWS: i64 = 100;

impl From<JobError> for WebError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Unknown { .. } => Self::NotFound,
            JobError::Busy { .. } => Self::Conflict(error.to_string()),
            JobError::Ahead { .. } | JobError::NoSuchYear { .. } | JobError::NoPeriod { .. } => {
                Self::BadRequest(error.to_string())
            }
            JobError::Db(error) => error.into(),
            JobError::Cron { .. } => Self::Internal(std::sync::Arc::new(error.into())),
        }
    }
}

/// How a run stands: tone, shape and word of its chip.
struct State {
    tone: &'static str,
    shape: &'static str,
    word: &'static str,
}

struct JobLine {
    name: &'static str,
    title: &'static str,
    what: &'static str,
    cadence: &'static str,
    next: String,
    last: Option<RunLine>,
}

struct RunLine {
    id: i64,
    started: String,
    took: String,
    due: String,
    as_of: String,
    period: Option<String>,
    trigger: &'static str,
    by: String,
    node: String,
    attempt: i32,
    changed: String,
    summary: String,
    error: String,
    state: State,
}

#[derive(Template)]
#[template(path = "job/list.html")]
struct JobsPage {
    page: Page,
    zone: String,
    /// In the demo: its day.
    still: Option<String>,
    jobs: Vec<JobLine>,
    may_run: bool,
    failing: usize,
}

#[derive(Template)]
#[template(path = "job/page.html")]
struct JobPage {
    page: Page,
    zone: String,
    still: Option<String>,
    job: JobLine,
    cron: &'static str,
    by_period: bool,
    runs: Vec<RunLine>,
    may_run: bool,
    form: Form,
    today: String,
}

fn minute(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %b %Y, %H:%M").to_string()
}

fn took(run: &JobRun) -> String {
    match run.took() {
        None => String::new(),
        Some(took) if took < TimeDelta::seconds(10) => {
            let tenths = took.num_milliseconds().max(0) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        Some(took) if took < TimeDelta::minutes(2) => format!("{} s", took.num_seconds()),
        Some(took) => format!("{} min", took.num_minutes()),
    }
}

fn state(run: &JobRun) -> State {
    let (tone, shape) = match run.state {
        RunState::Waiting => ("none", "todo"),
        RunState::Running => ("info", "clock"),
        RunState::Done => ("good", "check"),
        RunState::Failed => ("bad", "stop"),
    };
    let word = match run.state {
        RunState::Waiting => "Waiting",
        RunState::Running => "Running",
        RunState::Done => "Done",
        RunState::Failed if run.gave_up() => "Failed",
        RunState::Failed => "Failed, tried again",
    };
    State { tone, shape, word }
}

fn run_line(run: JobRun, zone: Tz) -> RunLine {
    RunLine {
        id: run.id,
        started: minute(run.started_at, zone),
        took: took(&run),
        due: minute(run.due_at, zone),
        as_of: show::day(local_day(run.as_of, zone)),
        period: run.period.map(Period::title),
        trigger: run.trigger.title(),
        state: state(&run),
        by: run.requested_by,
        node: run.node,
        attempt: run.attempt,
        changed: show::count(run.changed_rows),
        summary: run.summary,
        error: run.error,
    }
}

fn job_line(job: JobStatus, zone: Tz) -> JobLine {
    JobLine {
        name: job.name,
        title: job.title,
        what: job.what,
        cadence: job.cadence,
        next: job.next_due.map_or_else(|| "not planned".to_owned(), |at| minute(at, zone)),
        last: job.last_run.map(|run| run_line(run, zone)),
    }
}

/// The day the demo lives on; its jobs run by the clock of the machine all the same.
fn still(app: &App, zone: Tz) -> Option<String> {
    app.clock.stands_still().then(|| show::day(local_day(app.now(), zone)))
}

fn zone_of(app: &App) -> Result<Tz, WebError> {
    Ok(reporting_zone(&mut *app.pool.get()?)?)
}

/// `GET /jobs`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (zone, still, jobs) = me
        .in_app(|app, _| {
            let zone = zone_of(app)?;
            Ok::<_, WebError>((zone, still(app, zone), job_list(app)?))
        })
        .await?;
    let jobs: Vec<JobLine> = jobs.into_iter().map(|job| job_line(job, zone)).collect();
    page::html(&JobsPage {
        page: me.page("Jobs"),
        zone: zone.name().to_owned(),
        still,
        failing: jobs.iter().filter(|j| j.last.as_ref().is_some_and(|run| run.state.tone == "bad")).count(),
        jobs,
        may_run: me.viewer.role.may(Action::RunJobs),
    })
}

async fn job_page(me: &SignedIn, name: String, form: Form) -> Result<JobPage, WebError> {
    let (zone, still, today, status, runs) = me
        .in_app(move |app, _| {
            let zone = zone_of(app)?;
            let runs = job_history(app, &name, HISTORY_ROWS)?;
            let status = job_list(app)?.into_iter().find(|job| job.name == name);
            Ok::<_, WebError>((zone, still(app, zone), local_day(app.now(), zone), status, runs))
        })
        .await?;
    let status = status.ok_or(WebError::NotFound)?;
    Ok(JobPage {
        page: me.page(status.title),
        zone: zone.name().to_owned(),
        still,
        cron: status.cron,
        by_period: status.by_period,
        job: job_line(status, zone),
        runs: runs.into_iter().map(|run| run_line(run, zone)).collect(),
        may_run: me.viewer.role.may(Action::RunJobs),
        form,
        today: show::day(today),
    })
}

/// `GET /jobs/{job}`
pub(super) async fn show_one(me: SignedIn, name: web::Path<String>) -> Result<HttpResponse, WebError> {
    page::html(&job_page(&me, name.into_inner(), Form::default()).await?)
}

/// `POST /jobs/{job}/runs`: a node takes the run up within seconds; nobody waits for it here.
pub(super) async fn run(
    me: SignedIn,
    name: web::Path<String>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let name = name.into_inner();
    let day = form.read_optional::<NaiveDate>("as_of", "Write a day as 2025-07-08.");
    let period = form.read_optional::<Period>("period", "Write a month as 2025-06, a quarter as 2025-Q2.");
    if form.is_sound() {
        let job = name.clone();
        let asked = me
            .in_app(move |app, viewer| {
                Ok::<_, WebError>(match job_request(app, &job, day, period, &viewer.name) {
                    Ok(_) => {
                        note(app, viewer, &job, day, period)?;
                        Ok(())
                    }
                    Err(refusal @ (JobError::Ahead { .. } | JobError::NoSuchYear { .. })) => {
                        Err(("as_of", refusal.to_string()))
                    }
                    Err(refusal @ JobError::NoPeriod { .. }) => Err(("period", refusal.to_string())),
                    Err(other) => return Err(other.into()),
                })
            })
            .await?;
        match asked {
            Ok(()) => {
                me.flash("The run is asked for. It starts within seconds while a scheduler runs; open this page again to see what came of it.");
                return Ok(page::see_other(&format!("/jobs/{name}")));
            }
            Err((field, words)) => form.fail(field, words),
        }
    }
    page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &job_page(&me, name, form).await?)
}

/// A line in the audit log on who asked for what.
fn note(
    app: &App,
    viewer: &Viewer,
    job: &str,
    day: Option<NaiveDate>,
    period: Option<Period>,
) -> Result<(), WebError> {
    let as_of = day.map_or_else(|| "now".to_owned(), |day| day.to_string());
    let of = period.map_or_else(String::new, |period| format!(", period {period}"));
    let detail = format!("as of {as_of}{of}");
    let entry = Entry { action: "job.run", subject: job, partner_id: None, detail: &detail };
    Ok(audit(app, &mut *app.pool.get()?, viewer, entry)?)
}
