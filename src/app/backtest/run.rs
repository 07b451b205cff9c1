//! Backtests as a job: what somebody asks for is a row, some node does it as whoever asked, and the page reads the row.
//!
//! [`backtest_ask`] stores the row and asks for a run of the job [`JOB`] in one transaction. At most one run of that job
//! lives at a time ([`crate::app::job`]), so a row that says RUNNING when the job looks was left behind by a node that
//! died, and is begun again, one attempt further. Whatever an earlier attempt still writes names its own attempt and
//! finds nothing. A run that is cancelled ([`backtest_cancel`]) is over for the job in the same way: nothing it still writes
//! finds the row, and it stops at the next day it replays.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;

use super::{BacktestError, BacktestReport, BacktestRequest, backtest};
use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::contract::negotiate::history;
use crate::app::edit::{EditError, allowed};
use crate::app::job::{RunWish, Trigger, request_in_tx};
use crate::clock::Clock;
use crate::db::backtest::{
    self as store, BacktestEnd, BacktestRow, backtest_finish, backtest_insert, backtest_is_open_unscoped,
    backtest_list, backtest_next_unscoped, backtest_open_count, backtest_progress, backtest_prune_unscoped,
    backtest_show, backtest_take,
};
use crate::db::contract::{Contract, Version, contract_show, terms_load, version_list};
use crate::db::dialect::write_tx;
use crate::db::types::Instant;
use crate::db::user::user_get;
use crate::db::{Db, DbError};
use crate::domain::backtest::ask::{Ask, Proposal, RunState};
use crate::domain::negotiation::Side;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// The job that does what was asked for.
pub const JOB: &str = "replay-backtests";
/// The scope of its runs: there is one queue.
const SCOPE: &str = "all";
/// Most runs of one user that wait or are under way.
pub const WAITING_PER_USER_MAX: usize = 5;
/// Most shipments one run reads.
pub const SHIPMENTS_MAX: u64 = 5_000_000;
/// Most lanes a stored result tells apart, those that cost most; the command line tells more apart.
pub const LANES_KEPT: usize = 2_000;
/// Days a result is kept after it was made.
pub const KEPT_DAYS: u64 = 90;
/// Most runs kept of one contract.
pub const KEPT_PER_CONTRACT: i64 = 50;
/// How often a run is begun before it is given up.
pub const ATTEMPTS_MAX: i32 = 3;
/// How often the progress of a run is written.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// The longest reason kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// One run as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Row id.
    pub id: i64,
    /// The name of who asked.
    pub asked_by: String,
    /// Their id.
    pub asked_by_id: i64,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// What was asked.
    pub ask: Ask,
    /// How far it is.
    pub state: RunState,
    /// How many times it was begun.
    pub attempt: i32,
    /// Days replayed, and days there are.
    pub days: (i64, i64),
    /// When the last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why there is no result, or empty.
    pub error: String,
}

impl Run {
    fn of(row: BacktestRow) -> Result<Self, DbError> {
        let stored = |reason: String| DbError::Stored { what: format!("backtest {}", row.id), reason };
        Ok(Self {
            id: row.id,
            ask: serde_json::from_str(&row.ask).map_err(|error| stored(error.to_string()))?,
            state: row
                .state
                .parse()
                .map_err(|error: crate::domain::field::BadCode| stored(error.to_string()))?,
            asked_by: row.asked_by,
            asked_by_id: row.asked_by_id,
            asked_at: row.asked_at.0,
            attempt: row.attempt,
            days: (row.done_days, row.total_days),
            started_at: row.started_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
            error: row.error,
        })
    }

    /// Whether the viewer may cancel it while it is not over: who asked for it, and who runs jobs, since others wait.
    #[must_use]
    pub fn may_cancel(&self, viewer: &Viewer) -> bool {
        !self.state.is_over() && (self.asked_by_id == viewer.user_id || viewer.role.may(Action::RunJobs))
    }
}

/// Stores what the viewer asks for and has some node do it within seconds. Gives the run's id.
///
/// # Errors
/// [`BacktestError`]: no such contract, version or round, one without rates, or too many that wait.
pub fn backtest_ask(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    ask: Ask,
) -> Result<i64, BacktestError> {
    let ask = ask.once_each();
    ask.check()?;
    let missing = || BacktestError::NoContract(contract_id.to_string());
    if !viewer.role.may(Action::ViewContracts) {
        return Err(missing());
    }
    let contract = contract_show(db, viewer, contract_id)?.ok_or_else(missing)?;
    known(db, viewer, &contract, &ask)?;
    let text = serde_json::to_string(&ask)
        .map_err(|error| DbError::Stored { what: "what was asked".to_owned(), reason: error.to_string() })?;
    let row = BacktestRow {
        id: app.id(),
        contract_id,
        partner_id: contract.partner_id,
        asked_by: viewer.name.clone(),
        asked_by_id: viewer.user_id,
        asked_at: Instant(app.now()),
        ask: text,
        state: RunState::Queued.code().to_owned(),
        attempt: 0,
        done_days: 0,
        total_days: 0,
        started_at: None,
        finished_at: None,
        error: String::new(),
    };
    write_tx(db, |db| {
        let waiting = usize::try_from(backtest_open_count(db, viewer.user_id)?).unwrap_or(usize::MAX);
        if waiting >= WAITING_PER_USER_MAX {
            return Err(BacktestError::TooManyWaiting(waiting));
        }
        backtest_insert(db, &row)?;
        let detail = format!("{}, {}", ask.period, in_words(&ask));
        let entry = Entry {
            action: "backtest.ask",
            subject: &contract.number,
            partner_id: Some(contract.partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        let now = Clock::System.now();
        let wish = RunWish {
            job: JOB,
            scope: SCOPE,
            due_at: now,
            as_of: app.now(),
            period: None,
            trigger: Trigger::Manual,
            requested_by: &viewer.name,
        };
        request_in_tx(app, db, &wish, now)?;
        Ok(row.id)
    })
}

/// Cancels a run that waits or runs. False when it was over already, and nothing is changed.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, [`EditError::Denied`], or the database's reason.
pub fn backtest_cancel(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    id: i64,
) -> Result<bool, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let contract = contract_show(db, viewer, contract_id)?.ok_or(EditError::NotFound("contract"))?;
    write_tx(db, |db| {
        let (row, _) =
            backtest_show(db, viewer, (contract_id, id))?.ok_or(EditError::NotFound("backtest"))?;
        let run = Run::of(row)?;
        if run.state.is_over() {
            return Ok(false);
        }
        if !run.may_cancel(viewer) {
            return Err(EditError::Denied { role: viewer.role, action: Action::RunJobs });
        }
        let why = format!("{} cancelled it.", viewer.name);
        if !store::backtest_cancel(db, id, Instant(app.now()), &why)? {
            return Ok(false);
        }
        let detail = format!("{}, {}, asked for by {}", run.ask.period, in_words(&run.ask), run.asked_by);
        let entry = Entry {
            action: "backtest.cancel",
            subject: &contract.number,
            partner_id: Some(contract.partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        Ok(true)
    })
}

/// What is asked beside the period: `version 3, version 3 round 2, rates 5.9 % higher`.
#[must_use]
pub fn in_words(ask: &Ask) -> String {
    let mut parts: Vec<String> = ask.versions.iter().map(|version| format!("version {version}")).collect();
    parts.extend(ask.proposals.iter().map(|of| format!("version {} round {}", of.version, of.round)));
    if parts.is_empty() {
        parts.push("the newest version with rates".to_owned());
    }
    if let Some(by) = ask.increase {
        parts.push(format!("rates {} % higher", rust_decimal::Decimal::new(by.0, 2).normalize()));
    }
    parts.join(", ")
}

/// Refuses what can be refused before shipments are read.
fn known(db: &mut Db, viewer: &Viewer, contract: &Contract, ask: &Ask) -> Result<(), BacktestError> {
    let number = || contract.number.clone();
    let versions = version_list(db, viewer, contract.id)?;
    let of = |no: i32| versions.iter().find(|version| version.version == no);
    let has_rates = |db: &mut Db, version: &Version| -> Result<bool, BacktestError> {
        let terms = terms_load(db, viewer, version.id)?;
        Ok(terms.is_some_and(|terms| !terms.pricing.terms.lines.is_empty()))
    };
    for no in &ask.versions {
        let version = of(*no).ok_or_else(|| BacktestError::NoVersion { contract: number(), version: *no })?;
        if !has_rates(db, version)? {
            return Err(BacktestError::NoRates { contract: number(), what: format!("version {no}") });
        }
    }
    if !ask.proposals.is_empty() {
        let there = rounds(db, viewer, &versions)?;
        let missing = ask.proposals.iter().find(|one| !there.iter().any(|round| round.proposal == **one));
        if let Some(proposal) = missing {
            return Err(BacktestError::NoRound { contract: number(), proposal: *proposal });
        }
    }
    if ask.is_open() {
        for version in &versions {
            if has_rates(db, version)? {
                return Ok(());
            }
        }
        return Err(BacktestError::NoRates { contract: number(), what: "no version".to_owned() });
    }
    Ok(())
}

/// A round that can be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundLine {
    /// Version and round.
    pub proposal: Proposal,
    /// Who proposed it.
    pub side: Side,
    /// When.
    pub on: NaiveDate,
}

/// Every round sent over the versions, newest version first, first round first; none that the viewer may not see.
///
/// # Errors
/// [`DbError::Stored`] for moves that do not read back, or the engine's reason.
pub fn rounds(db: &mut Db, viewer: &Viewer, versions: &[Version]) -> Result<Vec<RoundLine>, DbError> {
    let mut found = Vec::new();
    for version in versions {
        let (rows, _) = history(db, viewer, version.id)?;
        for row in rows.iter().filter(|row| !row.body.is_empty()) {
            let past = row.past()?;
            let proposal = Proposal { version: version.version, round: row.round };
            found.push(RoundLine { proposal, side: past.side.unwrap_or(Side::Shipper), on: past.on });
        }
    }
    Ok(found)
}

/// The newest runs over a contract; none that the viewer may not see.
///
/// # Errors
/// [`DbError::Stored`] for rows that do not read back, or the engine's reason.
pub fn run_list(db: &mut Db, viewer: &Viewer, contract_id: i64) -> Result<Vec<Run>, DbError> {
    if !viewer.role.may(Action::ViewContracts) {
        return Ok(Vec::new());
    }
    let rows = backtest_list(db, viewer, contract_id, KEPT_PER_CONTRACT)?;
    rows.into_iter().map(Run::of).collect()
}

/// One run over a contract, with its result when it is done; none when there is none or the viewer may not see it.
///
/// # Errors
/// As [`run_list`].
pub fn run_show(
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    id: i64,
) -> Result<Option<(Run, Option<BacktestReport>)>, DbError> {
    if !viewer.role.may(Action::ViewContracts) {
        return Ok(None);
    }
    let Some((row, result)) = backtest_show(db, viewer, (contract_id, id))? else { return Ok(None) };
    let run = Run::of(row)?;
    let report = (run.state == RunState::Done).then(|| serde_json::from_str(&result)).transpose();
    let report = report.map_err(|error| DbError::Stored {
        what: format!("the result of backtest {id}"),
        reason: error.to_string(),
    })?;
    Ok(Some((run, report)))
}

/// What one run of the job did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunsDone {
    /// Backtests with a result.
    pub done: i64,
    /// Backtests that have none, each with its reason on its page.
    pub failed: i64,
    /// Backtests cancelled while they were replayed.
    pub cancelled: i64,
    /// Old ones removed.
    pub removed: i64,
}

impl RunsDone {
    /// Rows changed.
    #[must_use]
    pub fn changed_rows(&self) -> i64 {
        self.done.saturating_add(self.failed).saturating_add(self.cancelled).saturating_add(self.removed)
    }

    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.changed_rows() == 0 {
            return "nobody asked for a backtest".to_owned();
        }
        let replayed = words::count(self.done, "backtest");
        let Self { failed, cancelled, removed, .. } = self;
        format!("{replayed} replayed, {failed} failed, {cancelled} cancelled, {removed} removed as old")
    }
}

/// Does what was asked for, one after the other, and removes what is old.
///
/// # Errors
/// The database's reason; the run it happened in is begun again with the next run of the job.
pub fn replay_queued(app: &App) -> Result<RunsDone, DbError> {
    let mut db = app.pool.get()?;
    let mut did = RunsDone::default();
    loop {
        match take_next(app, &mut db)? {
            Next::Nothing => break,
            Next::GivenUp => did.failed += 1,
            Next::Ours(row) => match execute(app, &mut db, &row, |db, told| replay_row(app, db, &row, told))?
            {
                Ended::Done => did.done += 1,
                Ended::Failed => did.failed += 1,
                Ended::Cancelled => did.cancelled += 1,
                // Another node has the job now, and what runs there must not be begun here.
                Ended::Lost => return Ok(did),
            },
        }
    }
    let now = app.now();
    let until = now.checked_sub_days(Days::new(KEPT_DAYS)).unwrap_or(now);
    let removed = write_tx(&mut db, |db| backtest_prune_unscoped(db, Instant(until), KEPT_PER_CONTRACT))?;
    did.removed = i64::try_from(removed).unwrap_or(i64::MAX);
    Ok(did)
}

/// What there is to do.
pub(super) enum Next {
    Nothing,
    GivenUp,
    Ours(BacktestRow),
}

pub(super) fn take_next(app: &App, db: &mut Db) -> Result<Next, DbError> {
    let now = Instant(app.now());
    write_tx(db, |db| {
        let Some(seen) = backtest_next_unscoped(db)? else { return Ok(Next::Nothing) };
        if seen.attempt >= ATTEMPTS_MAX {
            let error =
                "The process that replayed it went away, as often as it was tried. Ask for a shorter period.";
            let end = BacktestEnd { state: RunState::Failed, finished_at: now, result: "", error };
            backtest_finish(db, (seen.id, seen.attempt), &end)?;
            return Ok(Next::GivenUp);
        }
        let days = serde_json::from_str::<Ask>(&seen.ask)
            .map_or(0, |ask| ask.period.end().signed_duration_since(ask.period.start()).num_days());
        if !backtest_take(db, &seen, days, now)? {
            return Ok(Next::Nothing);
        }
        Ok(Next::Ours(BacktestRow { attempt: seen.attempt.saturating_add(1), total_days: days, ..seen }))
    })
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Failed,
    /// Somebody cancelled or removed it meanwhile; the next has its turn.
    Cancelled,
    /// Another node begins it again.
    Lost,
}

/// Replays a run that was taken, and writes how it ended unless it is not this attempt's any more.
pub(super) fn execute(
    app: &App,
    db: &mut Db,
    row: &BacktestRow,
    replay: impl FnOnce(&mut Db, &Progress) -> Result<String, BacktestError>,
) -> Result<Ended, DbError> {
    let key = (row.id, row.attempt);
    tracing::info!(backtest = row.id, attempt = row.attempt, "backtest starts");
    let outcome = while_telling(app, key, |progress| replay(db, progress));
    let finished_at = Instant(app.now());
    let (state, result, error) = match outcome {
        Ok(report) => (RunState::Done, report, String::new()),
        Err(BacktestError::Db(error)) => return Err(error),
        Err(error) => (RunState::Failed, String::new(), error.to_string()),
    };
    let error: String = error.chars().take(ERROR_CHARS_MAX).collect();
    let end = BacktestEnd { state, finished_at, result: &result, error: &error };
    if !backtest_finish(db, key, &end)? {
        if !backtest_is_open_unscoped(db, row.id)? {
            tracing::info!(backtest = row.id, "the backtest was cancelled");
            return Ok(Ended::Cancelled);
        }
        tracing::warn!(backtest = row.id, "another node took the backtest over; its result counts");
        return Ok(Ended::Lost);
    }
    tracing::info!(backtest = row.id, state = state.code(), %error, "backtest ended");
    Ok(if state == RunState::Done { Ended::Done } else { Ended::Failed })
}

/// The result of a run as JSON, made as whoever asked: somebody who may not look any more gets none.
pub(super) fn replay_row(
    app: &App,
    db: &mut Db,
    row: &BacktestRow,
    progress: &Progress,
) -> Result<String, BacktestError> {
    let stored = |reason: String| DbError::Stored { what: format!("backtest {}", row.id), reason };
    let ask: Ask = serde_json::from_str(&row.ask).map_err(|error| stored(error.to_string()))?;
    let missing = || BacktestError::NoContract(row.contract_id.to_string());
    let user = user_get(db, row.asked_by_id)?.filter(|user| user.active);
    let viewer = user.map(|user| user.viewer()).transpose()?;
    let viewer = viewer.filter(|viewer| viewer.role.may(Action::ViewContracts));
    let viewer = viewer.ok_or_else(|| BacktestError::NoAsker(row.asked_by.clone()))?;
    let contract = contract_show(db, &viewer, row.contract_id)?.ok_or_else(missing)?;
    let request = BacktestRequest {
        contract: &contract.number,
        ask: &ask,
        shipments_max: Some(SHIPMENTS_MAX),
        lanes_max: LANES_KEPT,
    };
    let report = backtest(app, db, &viewer, &request, |done, total| progress.note(done, total))?;
    Ok(serde_json::to_string(&report).map_err(|error| stored(error.to_string()))?)
}

/// Days replayed so far, and days there are.
#[derive(Debug, Default)]
pub(super) struct Progress {
    done: AtomicI64,
    total: AtomicI64,
    /// The row is not this attempt's any more: what is still replayed would be for nobody.
    over: AtomicBool,
}

impl Progress {
    fn note(&self, done: u64, total: u64) -> ControlFlow<()> {
        self.total.store(i64::try_from(total).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.done.store(i64::try_from(done).unwrap_or(i64::MAX), Ordering::Relaxed);
        if self.over.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn days(&self) -> (i64, i64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// Does `work` while a second thread writes how far it has come, at most once in [`TOLD_EVERY`].
fn while_telling<T>(app: &App, key: (i64, i32), work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    std::thread::scope(|scope| {
        let (stop, stopped) = mpsc::channel::<()>();
        let heard = &progress;
        scope.spawn(move || {
            while stopped.recv_timeout(TOLD_EVERY) == Err(RecvTimeoutError::Timeout) {
                tell(app, key, heard);
            }
        });
        let result = work(&progress);
        drop(stop);
        result
    })
}

/// Writes progress where a connection is free; a page that shows an older number does no harm.
fn tell(app: &App, key: (i64, i32), progress: &Progress) {
    if let Some(mut db) = app.pool.spare() {
        write_progress(&mut db, key, progress);
    }
}

/// Written also when nothing moved, since that is how an attempt hears that it is over.
pub(super) fn write_progress(db: &mut Db, key: (i64, i32), progress: &Progress) {
    match backtest_progress(db, key, progress.days()) {
        Ok(true) => {}
        Ok(false) => progress.over.store(true, Ordering::Relaxed),
        Err(error) => tracing::debug!(backtest = key.0, %error, "progress was not written"),
    }
}
