//! The close of a month: its steps, what to do about each, overrides by a second person, and the button.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use crate::app::accrual::ACCRUAL_JOB;
use crate::app::books::close::{
    CloseView, ClosedStep, close_month, close_view, closed_months, override_ask, override_decide, reperform,
};
use crate::app::edit::EditError;
use crate::db::DbError;
use crate::db::books::{CloseRow, LedgerStamp, StepsStamp, ledger_stamp, steps_stamp};
use crate::domain::books::close::{Override, Step, StepKind, StepState};
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;
use crate::web::edit::sentence;
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::kept::Kept;
use crate::web::ledger::month_of;
use crate::web::page::{self, Drawn, DrawnPage, WebError};
use crate::web::{Web, show};

/// A step as a list shows it.
pub(in crate::web) struct StepLine {
    pub name: &'static str,
    pub finding: String,
    pub passed: String,
    pub class: &'static str,
    pub shape: &'static str,
    pub state: &'static str,
    /// Where it is put right, and what to do there.
    pub way: Option<(String, &'static str)>,
}

const fn look(state: StepState) -> (&'static str, &'static str) {
    match state {
        StepState::Done => ("done", "check"),
        StepState::Blocked => ("stop", "stop"),
        StepState::Open => ("todo", "todo"),
        StepState::Overridden => ("done", "near"),
    }
}

/// Where a step is put right.
fn way(kind: StepKind, month: Period) -> (String, &'static str) {
    match kind {
        StepKind::Facts => ("/imports".to_owned(), "See imports"),
        StepKind::Accrued => (format!("/jobs/{ACCRUAL_JOB}"), "See the job"),
        StepKind::Reperformed => (format!("/ledger/close/{month}#re"), "Re-perform"),
        StepKind::Rated => ("/contracts/attention".to_owned(), "See what is missing"),
        StepKind::Disputes => ("/disputes/items?stage=DISPUTED".to_owned(), "See disputed items"),
        StepKind::Waivers => ("/disputes/items?stage=DISPUTED".to_owned(), "See what is proposed"),
        StepKind::Exported => ("/ledger/exports".to_owned(), "Export"),
    }
}

fn passed_words(one: &Override) -> String {
    let asked = format!("{} asked to pass it over: {}", one.asked_by, one.reason);
    match &one.decision {
        None => format!("{asked}. Waits for a second person"),
        Some(made) if made.is_approved => format!("{asked}. Approved by {}", made.by),
        Some(made) => format!("{asked}. Refused by {}", made.by),
    }
}

impl StepLine {
    pub(in crate::web) fn of(step: &Step, month: Period) -> Self {
        let (class, shape) = look(step.state);
        Self {
            name: step.kind.label(),
            finding: step.finding.clone(),
            passed: step.passed.as_ref().map(passed_words).unwrap_or_default(),
            class,
            shape,
            state: step.state.label(),
            way: (!step.is_settled()).then(|| way(step.kind, month)),
        }
    }

    fn closed(step: &ClosedStep) -> Self {
        let (class, shape) = look(step.state);
        Self {
            name: step.step.label(),
            finding: step.finding.clone(),
            passed: step.passed.clone(),
            class,
            shape,
            state: step.state.label(),
            way: None,
        }
    }
}

/// A request that waits, as the page shows it.
struct Waiting {
    id: i64,
    step: &'static str,
    finding: String,
    reason: String,
    by: String,
    /// Whether whoever looks asked it.
    is_own: bool,
}

/// A month in the list.
struct Month {
    title: String,
    href: String,
    state: &'static str,
    shape: &'static str,
    tone: &'static str,
    by: String,
}

#[derive(Template)]
#[template(path = "books/close.html")]
struct CloseBody {
    month: String,
    title: String,
    summary: String,
    steps: Vec<StepLine>,
    /// How it was closed; none while it is open.
    closed: Option<String>,
    /// Why it cannot be closed yet; none when it can.
    refused: Option<String>,
    check: String,
    may: bool,
    may_close: bool,
    /// It is over and next, so that its steps are worked on.
    is_next: bool,
    choices: Vec<(String, String)>,
    waiting: Vec<Waiting>,
    months: Vec<Month>,
    form: Form,
    notice: Option<String>,
}

fn draw(
    viewer: &Viewer,
    view: &CloseView,
    closed: &[Listed],
    form: Form,
    notice: Option<String>,
) -> CloseBody {
    let (done, all) = view.settled();
    let month = view.month;
    let steps = match &view.closed {
        Some((_, steps)) => steps.iter().map(StepLine::closed).collect(),
        None => view.steps.iter().map(|step| StepLine::of(step, month)).collect(),
    };
    let check = view.check.as_ref().map(|check| {
        format!(
            "Last done {} UTC by {}: {}, {}",
            show::moment(check.checked_at.0),
            check.checked_by,
            words::count(check.entries, "entry"),
            if check.problems == 0 {
                "nothing wrong".to_owned()
            } else {
                words::count(check.problems, "problem")
            }
        )
    });
    let open = view.steps.iter().filter(|step| !step.is_settled());
    let asked = |step: &&Step| step.passed.as_ref().is_none_or(|one| one.decision.is_some());
    let waiting = view.overrides.iter().filter(|one| one.decision.is_none());
    let mut months: Vec<Month> = Vec::new();
    months.push(Month {
        title: view.open.title(),
        href: format!("/ledger/close/{}", view.open),
        state: if view.open.end() <= view.today { "To be closed next" } else { "Runs" },
        shape: "todo",
        tone: "info",
        by: String::new(),
    });
    months.extend(closed.iter().map(|(title, href, by)| Month {
        title: title.clone(),
        href: href.clone(),
        state: "Closed",
        shape: "check",
        tone: "good",
        by: by.clone(),
    }));
    CloseBody {
        month: month.to_string(),
        title: month.title(),
        summary: match &view.closed {
            Some(_) => "Closed. Nothing is posted in it any more; later changes post in an open month and keep this one as the period of their obligation.".to_owned(),
            None => format!("{done} of {all} steps done. A closed month is never opened again."),
        },
        steps,
        closed: view.closed.as_ref().map(|(row, _)| {
            format!("Closed by {} on {} UTC", row.closed_by, show::moment(row.closed_at.0))
        }),
        refused: view.may_close.as_ref().err().map(|refused| match refused {
            crate::domain::books::CloseRefused::StepsLeft { .. } => {
                "Every step must be done, or passed over with a reason that a controller approves.".to_owned()
            }
            other => sentence(&other.to_string()),
        }),
        check: check.unwrap_or_else(|| "Not done yet".to_owned()),
        may: viewer.role.may(Action::KeepBooks),
        may_close: viewer.role.may(Action::CloseBooks),
        is_next: view.closed.is_none() && month == view.open && month.end() <= view.today,
        choices: open
            .filter(asked)
            .map(|step| (step.kind.code().to_owned(), step.kind.label().to_owned()))
            .collect(),
        waiting: waiting
            .map(|one| Waiting {
                id: one.id,
                step: one.step.label(),
                finding: one.finding.clone(),
                reason: one.reason.clone(),
                by: one.asked_by.clone(),
                is_own: one.asked_by_id == viewer.user_id,
            })
            .collect(),
        months,
        form,
        notice,
    }
}

/// Title, address and who closed it.
type Listed = (String, String, String);

/// Pages of closes as drawn, by the month asked for and the role that sees it.
pub(in crate::web) type Closes = Kept<(Option<Period>, Role), Seen, Drawn>;

/// Pages of closes kept; each some ten kilobytes.
pub(in crate::web) const CLOSES: usize = 64;

/// What the page of a close was drawn from: it holds for as long as all of it is the same.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::web) struct Seen {
    ledger: LedgerStamp,
    today: NaiveDate,
    steps: StepsStamp,
}

impl Seen {
    fn read(unit: &mut Unit<'_>, month: Option<Period>) -> Result<Self, DbError> {
        let ledger = ledger_stamp(unit.db)?;
        let today = ledger.today(unit.app.now())?;
        let month = month.map_or_else(|| ledger.open_month(today), Ok)?;
        Ok(Self { steps: steps_stamp(unit.db, month, ACCRUAL_JOB)?, ledger, today })
    }
}

/// The page as anybody of the role sees it.
fn drawn(kept: &Closes, unit: &mut Unit<'_>, month: Option<Period>) -> Result<Arc<Drawn>, WebError> {
    let (key, seen) = ((month, unit.viewer.role), Seen::read(unit, month)?);
    if let Some(drawn) = kept.get(&key, &seen) {
        return Ok(drawn);
    }
    let (view, closed) = load(unit, month)?;
    let body = draw(unit.viewer, &view, &closed, Form::default(), None);
    let drawn = Drawn::new(format!("Close of {}", body.title), &body)?;
    // A request that waits looks different to whoever made it.
    let may_keep = body.waiting.is_empty();
    Ok(if may_keep { kept.keep(key, seen, drawn) } else { Arc::new(drawn) })
}

fn load(unit: &mut Unit<'_>, month: Option<Period>) -> Result<(CloseView, Vec<Listed>), EditError> {
    let view = close_view(unit.app, unit.db, unit.viewer, month)?;
    let listed = |row: &CloseRow| {
        let title = row.month.parse::<Period>().map_or_else(|_| row.month.clone(), Period::title);
        let by = format!("{}, {} UTC", row.closed_by, show::moment(row.closed_at.0));
        (title, format!("/ledger/close/{}", row.month), by)
    };
    Ok((view, closed_months(unit.db)?.iter().map(listed).collect()))
}

async fn show_month(
    me: &SignedIn,
    site: web::Data<Web>,
    month: Option<Period>,
) -> Result<HttpResponse, WebError> {
    let drawn = me.in_db(move |mut unit| drawn(&site.closes, &mut unit, month)).await?;
    page::html(&DrawnPage::new(&drawn, |title| me.page(title)))
}

/// The page again, with what was wrong with a form.
async fn refuse(
    me: &SignedIn,
    month: Period,
    mut form: Form,
    error: EditError,
) -> Result<HttpResponse, WebError> {
    let (view, closed) = me.in_db(move |mut unit| load(&mut unit, Some(month))).await?;
    let refused = crate::web::edit::refuse(&mut form, error, &[("reason", "reason"), ("note", "note")])?;
    let body = draw(&me.viewer, &view, &closed, form, refused.notice);
    let drawn = Drawn::new(format!("Close of {}", body.title), &body)?;
    page::html_with(refused.status, &DrawnPage::new(&drawn, |title| me.page(title)))
}

fn month_in(path: &str) -> Result<Period, WebError> {
    month_of(path).ok().flatten().ok_or(WebError::NotFound)
}

/// `GET /ledger/close`
pub(in crate::web) async fn show_open(me: SignedIn, site: web::Data<Web>) -> Result<HttpResponse, WebError> {
    show_month(&me, site, None).await
}

/// `GET /ledger/close/{month}`
pub(in crate::web) async fn show_one(
    me: SignedIn,
    site: web::Data<Web>,
    month: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let month = month_in(&month)?;
    show_month(&me, site, Some(month)).await
}

/// `POST /ledger/close/{month}`
pub(in crate::web) async fn close(me: SignedIn, month: web::Path<String>) -> Result<HttpResponse, WebError> {
    let month = month_in(&month)?;
    let done = me.in_app(move |app, viewer| Ok::<_, WebError>(close_month(app, viewer, month))).await?;
    match done {
        Ok(_) => {
            me.flash(&format!("{} is closed.", month.title()));
            Ok(page::see_other("/ledger/close"))
        }
        Err(error) => refuse(&me, month, Form::default(), error).await,
    }
}

/// `POST /ledger/close/{month}/checks`
pub(in crate::web) async fn check(me: SignedIn, month: web::Path<String>) -> Result<HttpResponse, WebError> {
    let month = month_in(&month)?;
    let row = me.in_app(move |app, viewer| reperform(app, viewer, month)).await?;
    me.flash(&match row.problems {
        0 => "The ledger was computed again; nothing is wrong.".to_owned(),
        n => format!(
            "The ledger was computed again: {}. The first: {}",
            words::count(n, "problem"),
            row.first_problem
        ),
    });
    Ok(page::see_other(&format!("/ledger/close/{month}")))
}

/// `POST /ledger/close/{month}/overrides`
pub(in crate::web) async fn ask(
    me: SignedIn,
    month: web::Path<String>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let month = month_in(&month)?;
    let Ok(step) = form.value("step").parse::<StepKind>() else {
        return Err(WebError::BadRequest("Choose which step is to be passed over.".to_owned()));
    };
    let reason = form.value("reason").to_owned();
    let work = move |app: &crate::app::App, viewer: &crate::domain::viewer::Viewer| {
        Ok::<_, WebError>(override_ask(app, viewer, month, step, &reason))
    };
    match me.in_app(work).await? {
        Ok(()) => {
            me.flash("Asked for. A second person who closes the books decides.");
            Ok(page::see_other(&format!("/ledger/close/{month}")))
        }
        Err(error) => refuse(&me, month, form, error).await,
    }
}

/// `POST /ledger/close-overrides/{id}/decision`
pub(in crate::web) async fn decide(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let is_approved = match form.value("decision") {
        "approve" => true,
        "refuse" => false,
        _ => return Err(WebError::BadRequest("Choose whether to approve or to refuse.".to_owned())),
    };
    let note = form.value("note").to_owned();
    let month = me.in_app(move |app, viewer| override_decide(app, viewer, id, is_approved, &note)).await?;
    me.flash(if is_approved { "The step is passed over." } else { "Refused; the step is open again." });
    Ok(page::see_other(&format!("/ledger/close/{month}")))
}
