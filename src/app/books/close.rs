//! Closing a month: its steps computed from what is stored, the re-performance of the ledger, overrides by a second person,
//! and the close itself, which is one transaction.

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::chain::chain_problems;
use super::open_month;
use crate::app::App;
use crate::app::accrual::ACCRUAL_JOB;
use crate::app::accrual::check::accruals_differ;
use crate::app::accrual::freight::freight_differs;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed};
use crate::app::ledger::verify_ledger;
use crate::db::books::{
    CheckRow, CloseRow, DecisionRow, OverrideRow, balances_carry, batch_of, books_lock, check_insert,
    check_newest, close_insert, close_list, close_show, days_waiting, decision_insert,
    disputes_waiting_unscoped, exported_count, gl_count, heads, imports_since, month_openings, month_totals,
    override_insert, override_month, overrides_of, unrated_in, waivers_waiting_unscoped,
};
use crate::db::dialect::{read_tx, write_tx};
use crate::db::import::ImportRecord;
use crate::db::job::job_run_last_done;
use crate::db::ledger::entry_count_unscoped;
use crate::db::setting::reporting_zone;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::books::chain::ledger_digest;
use crate::domain::books::close::{
    CheckFact, CloseFacts, Override, REASON_CHARS_MAX, Step, StepKind, StepState, left, steps,
};
use crate::domain::books::{CloseRefused, may_begin_close};
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Role, Viewer};

/// Longest part of a problem that is kept with a re-performance.
const PROBLEM_CHARS_MAX: usize = 300;

/// A step as it stood when its month was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedStep {
    /// Which.
    pub step: StepKind,
    /// Done, or passed over.
    pub state: StepState,
    /// What was found.
    pub finding: String,
    /// Who passed it over, who approved, and why; empty when it was done.
    pub passed: String,
}

/// A month with its steps.
#[derive(Clone, Debug)]
pub struct CloseView {
    /// The month shown.
    pub month: Period,
    /// The first open month.
    pub open: Period,
    /// Today in the reporting zone.
    pub today: NaiveDate,
    /// How it was closed; none while it is open.
    pub closed: Option<(CloseRow, Vec<ClosedStep>)>,
    /// The steps of an open month as they stand now.
    pub steps: Vec<Step>,
    /// The newest re-performance.
    pub check: Option<CheckRow>,
    /// Requests to pass over steps, oldest first.
    pub overrides: Vec<Override>,
    /// Whether it may be closed, or why not.
    pub may_close: Result<(), CloseRefused>,
}

impl CloseView {
    /// How many steps are settled, and of how many.
    #[must_use]
    pub fn settled(&self) -> (usize, usize) {
        (self.steps.iter().filter(|step| step.is_settled()).count(), self.steps.len())
    }
}

/// A viewer for a command beside the database: it exports and closes as a controller, and passes over nothing. Who runs it is
/// not known here, so that it is not held against it that it did both.
#[must_use]
pub fn closing_operator() -> Viewer {
    Viewer { user_id: 0, name: "command line".to_owned(), role: Role::Controller, partner_id: None }
}

/// Everything about the close of a month, the first open one where none is named.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn close_view(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    month: Option<Period>,
) -> Result<CloseView, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let today = app.today(db)?;
    let open = open_month(db, today)?;
    let month = month.unwrap_or(open);
    let closed = close_show(db, month)?.map(read_close).transpose()?;
    let (steps, check, overrides, may_close) = if closed.is_some() {
        (Vec::new(), None, Vec::new(), may_begin_close(month, open, today))
    } else {
        let steps = steps_of(db, month)?;
        let may_close = may_close(month, open, today, &steps);
        (steps, check_newest(db)?, overrides_of(db, month)?, may_close)
    };
    Ok(CloseView { month, open, today, closed, steps, check, overrides, may_close })
}

fn read_close(row: CloseRow) -> Result<(CloseRow, Vec<ClosedStep>), DbError> {
    let steps = serde_json::from_str(&row.steps).map_err(|error| DbError::Stored {
        what: format!("the close of {}", row.month),
        reason: error.to_string(),
    })?;
    Ok((row, steps))
}

fn may_close(month: Period, open: Period, today: NaiveDate, steps: &[Step]) -> Result<(), CloseRefused> {
    may_begin_close(month, open, today)?;
    let left = left(steps);
    if left.is_empty() { Ok(()) } else { Err(CloseRefused::StepsLeft { month, left }) }
}

/// The steps of a month as they stand.
///
/// # Errors
/// The database's reason.
pub fn steps_of(db: &mut Db, month: Period) -> Result<Vec<Step>, DbError> {
    let facts = facts(db, month)?;
    Ok(steps(&facts, &overrides_of(db, month)?))
}

fn facts(db: &mut Db, month: Period) -> Result<CloseFacts, DbError> {
    let zone = reporting_zone(db)?;
    let since = Instant(month.start().and_time(NaiveTime::MIN).and_utc());
    let files = newest_loads(imports_since(db, since)?);
    let refused = || files.iter().filter(|file| file.state == "DONE" && file.rows_rejected > 0);
    let loaded = files.iter().filter(|file| file.state == "DONE").filter_map(|file| file.finished_at).max();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let accrued = job_run_last_done(db, ACCRUAL_JOB, false)?.map(|run| local_day(run.as_of.0, zone));
    let totals = month_totals(db, &Viewer::system(), None, month)?;
    let digest = ledger_digest(&heads(db)?);
    let check = check_newest(db)?.map(|check| CheckFact {
        problems: check.problems,
        first_problem: check.first_problem,
        is_current: check.ledger_sha256 == digest,
    });
    Ok(CloseFacts {
        month,
        imports_running: count(files.iter().filter(|file| file.state == "RUNNING").count()),
        files_failed: count(files.iter().filter(|file| file.state == "FAILED").count()),
        files_rejected: count(refused().count()),
        rows_rejected: refused().map(|file| file.rows_rejected).sum(),
        loaded_on: loaded.map(|at| local_day(at.0, zone)),
        days_waiting: days_waiting(db, month)?,
        accrued_as_of: accrued,
        entries: totals.entries,
        unbalanced: totals
            .sums
            .iter()
            .filter(|(_, (debit, credit))| debit != credit)
            .map(|(currency, _)| *currency)
            .collect(),
        check,
        unrated: unrated_in(db, month)?,
        disputes: disputes_waiting_unscoped(db, month)?,
        waivers: waivers_waiting_unscoped(db, month)?,
        unexported: gl_count(db, month)?.saturating_sub(exported_count(db, month)?),
    })
}

/// Of each file, by kind and name, its newest load: a file that is loaded again puts right what was wrong with it before.
fn newest_loads(all: Vec<ImportRecord>) -> Vec<ImportRecord> {
    let mut newest: std::collections::BTreeMap<(String, String), ImportRecord> =
        std::collections::BTreeMap::new();
    for one in all {
        newest.insert((one.kind.clone(), one.file_name.clone()), one);
    }
    newest.into_values().collect()
}

/// Computes the ledger again, as `lanemark verify` does, and keeps what came of it for the close of `month`.
///
/// # Errors
/// [`EditError`]; what is merely wrong is kept with the result.
pub fn reperform(app: &App, by: &Viewer, month: Period) -> Result<CheckRow, EditError> {
    allowed(by, Action::KeepBooks)?;
    let mut db = app.pool.get().map_err(EditError::Db)?;
    // Of one state of the ledger: what is posted while it is computed is not seen, and makes it out of date.
    let (state, entries, problems) = read_tx(&mut db, |db| {
        let state = ledger_digest(&heads(db)?);
        let mut problems: Vec<String> = verify_ledger(db)?.iter().map(ToString::to_string).collect();
        problems.extend(chain_problems(db)?.1);
        let accruals = accruals_differ(db)?;
        if !accruals.waiting {
            problems.extend(accruals.differences);
        }
        problems.extend(freight_differs(db)?.differences);
        Ok::<_, DbError>((state, entry_count_unscoped(db)?, problems))
    })?;
    let first = problems.first().map(|words| words.chars().take(PROBLEM_CHARS_MAX).collect());
    let row = CheckRow {
        id: app.id(),
        month: month.to_string(),
        checked_by: by.name.clone(),
        checked_at: Instant(app.now()),
        ledger_sha256: state,
        entries,
        problems: i64::try_from(problems.len()).unwrap_or(i64::MAX),
        first_problem: first.unwrap_or_default(),
    };
    write_tx(&mut db, |db| check_insert(db, &row).map_err(EditError::from))?;
    Ok(row)
}

/// Closes a month: all of it or nothing. From then on nothing is posted in it, here or on another node. Whoever exported a part
/// of the month does not close it (DOMAIN §9).
///
/// # Errors
/// [`EditError::Books`] with what is left to do, why it is not this month's turn, or that somebody else must close it; nothing
/// was changed then.
pub fn close_month(app: &App, by: &Viewer, month: Period) -> Result<CloseRow, EditError> {
    allowed(by, Action::CloseBooks)?;
    let mut db = app.pool.get().map_err(EditError::Db)?;
    let today = app.today(&mut db)?;
    write_tx(&mut db, |db| {
        books_lock(db)?;
        let open = open_month(db, today)?;
        let steps = match may_begin_close(month, open, today) {
            Ok(()) => steps_of(db, month)?,
            Err(_) => Vec::new(),
        };
        may_close(month, open, today, &steps).map_err(|refused| EditError::Books(refused.to_string()))?;
        not_own_export(db, by, month)?;
        let heads = heads(db)?;
        let closed: Vec<ClosedStep> = steps.iter().map(closed_step).collect();
        let json = |error: serde_json::Error| DbError::Stored {
            what: format!("the close of {month}"),
            reason: error.to_string(),
        };
        let row = CloseRow {
            month: month.to_string(),
            last_day: Day(month.last_day()),
            closed_by_id: by.user_id,
            closed_by: by.name.clone(),
            closed_at: Instant(app.now()),
            steps: serde_json::to_string(&closed).map_err(json)?,
            heads: serde_json::to_string(&heads).map_err(json)?,
            ledger_sha256: ledger_digest(&heads),
        };
        // Read before the month counts as closed, from where the one before was closed.
        let balances = month_openings(db, &Viewer::system(), None, month.next())?;
        close_insert(db, &row)?;
        balances_carry(db, month, &balances)?;
        let passed = closed.iter().filter(|step| step.state == StepState::Overridden).count();
        let detail = match passed {
            0 => "all steps done".to_owned(),
            n => crate::domain::words::many(n, "step") + " passed over",
        };
        let subject = month.to_string();
        audit(
            app,
            db,
            by,
            Entry { action: "books.close", subject: &subject, partner_id: None, detail: &detail },
        )?;
        Ok(row)
    })
}

/// Refuses a close by whoever made a batch with entries of the month.
fn not_own_export(db: &mut Db, by: &Viewer, month: Period) -> Result<(), EditError> {
    if by.user_id == 0 {
        return Ok(());
    }
    match batch_of(db, month, by.user_id)? {
        Some(batch) => Err(EditError::Books(format!(
            "you made export batch {batch}, which holds entries of {}; whoever exports a month does not close it, so another controller must",
            month.title()
        ))),
        None => Ok(()),
    }
}

fn closed_step(step: &Step) -> ClosedStep {
    let passed = step.passed.as_ref().filter(|_| step.state == StepState::Overridden).map(|one| {
        let by = one.decision.as_ref().map(|made| made.by.clone()).unwrap_or_default();
        format!("{} asked, {by} approved: {}", one.asked_by, one.reason)
    });
    ClosedStep {
        step: step.kind,
        state: step.state,
        finding: step.finding.clone(),
        passed: passed.unwrap_or_default(),
    }
}

/// Asks to pass over a step that is not done. It counts once a second person approves it, and only while the finding stays
/// as it is.
///
/// # Errors
/// [`EditError`]; nothing was stored then.
pub fn override_ask(
    app: &App,
    by: &Viewer,
    month: Period,
    kind: StepKind,
    reason: &str,
) -> Result<(), EditError> {
    allowed(by, Action::KeepBooks)?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let words = format!("say in 1 to {REASON_CHARS_MAX} characters why the step can be passed over");
        return Err(EditError::field("reason", &words));
    }
    let mut db = app.pool.get().map_err(EditError::Db)?;
    write_tx(&mut db, |db| {
        books_lock(db)?;
        if close_show(db, month)?.is_some() {
            return Err(EditError::Books(format!("{} is closed already", month.title())));
        }
        let step = steps_of(db, month)?.into_iter().find(|step| step.kind == kind);
        let Some(step) = step.filter(|step| !step.is_settled()) else {
            return Err(EditError::Books(format!(
                "nothing is left of the step \u{201c}{}\u{201d}; there is nothing to pass over",
                kind.label()
            )));
        };
        if step.passed.as_ref().is_some_and(|one| one.decision.is_none()) {
            return Err(EditError::Books(
                "that was asked for already and waits for a second person's word".to_owned(),
            ));
        }
        let row = OverrideRow {
            id: app.id(),
            month: month.to_string(),
            step: kind.code().to_owned(),
            finding: step.finding,
            reason: reason.to_owned(),
            asked_by_id: by.user_id,
            asked_by: by.name.clone(),
            asked_at: Instant(app.now()),
        };
        override_insert(db, &row)?;
        let detail = format!("{}: {reason}", row.finding);
        let subject = format!("{month}, {}", kind.label().to_lowercase());
        let entry =
            Entry { action: "books.override.ask", subject: &subject, partner_id: None, detail: &detail };
        Ok(audit(app, db, by, entry)?)
    })
}

/// Decides about a request to pass over a step. Whoever asked does not decide (DOMAIN §9).
///
/// # Errors
/// [`EditError`]; nothing was stored then.
pub fn override_decide(
    app: &App,
    by: &Viewer,
    id: i64,
    is_approved: bool,
    note: &str,
) -> Result<Period, EditError> {
    allowed(by, Action::CloseBooks)?;
    let note = note.trim();
    if note.chars().count() > REASON_CHARS_MAX {
        return Err(EditError::field("note", &format!("{REASON_CHARS_MAX} characters at most")));
    }
    let mut db = app.pool.get().map_err(EditError::Db)?;
    write_tx(&mut db, |db| {
        books_lock(db)?;
        let month = override_month(db, id)?.ok_or(EditError::NotFound("request"))?;
        let asked = overrides_of(db, month)?.into_iter().find(|one| one.id == id);
        let asked = asked.ok_or(EditError::NotFound("request"))?;
        if asked.decision.is_some() {
            return Err(EditError::Books(
                "that was decided already; look at the page as it is now".to_owned(),
            ));
        }
        if asked.asked_by_id == by.user_id {
            return Err(EditError::Books(
                "you asked for this yourself; another controller must decide".to_owned(),
            ));
        }
        if close_show(db, month)?.is_some() {
            return Err(EditError::Books(format!("{} is closed already", month.title())));
        }
        let row = DecisionRow {
            override_id: id,
            is_approved,
            note: note.to_owned(),
            decided_by_id: by.user_id,
            decided_by: by.name.clone(),
            decided_at: Instant(app.now()),
        };
        decision_insert(db, &row)?;
        let subject = format!("{month}, {}", asked.step.label().to_lowercase());
        let action = if is_approved { "books.override.approve" } else { "books.override.refuse" };
        audit(app, db, by, Entry { action, subject: &subject, partner_id: None, detail: note })?;
        Ok(month)
    })
}

/// All closed months, newest first.
///
/// # Errors
/// The database's reason.
pub fn closed_months(db: &mut Db) -> Result<Vec<CloseRow>, DbError> {
    Ok(close_list(db)?)
}
