//! Resting and ending a contract early: suspend, resume, terminate. Each is a step of the version in force.

use chrono::{Days, NaiveDate};

use crate::db::Db;
use crate::db::contract::{self as store, Contract, Version};
use crate::db::dialect::write_tx;
use crate::db::types::{Day, Instant};
use crate::domain::contract::{ContractStatus, ContractVersionStatus as Status, RenewalKind};
use crate::domain::lifecycle::Step;
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed};
use super::lifecycle::{Turn, take};
use super::{draft, locked};

/// How far back a suspension, a resumption or a termination may reach; what is older has been credited and reviewed.
pub const BACK_DAYS_MAX: u64 = 31;

/// The version of a contract that is in `state`.
fn version_in(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    state: Status,
) -> Result<Version, EditError> {
    for version in store::version_list(db, viewer, contract.id)? {
        if version.state()? == state {
            return Ok(version);
        }
    }
    Err(EditError::WrongState {
        contract: contract.number.clone(),
        status: contract.term.status.label(),
        next: match state {
            Status::Active => "only a version in force can be suspended",
            _ => "only a suspended version can be resumed",
        },
    })
}

/// Refuses a day outside `first..=today`, or further back than anybody should reach.
fn day_within(day: NaiveDate, first: NaiveDate, today: NaiveDate) -> Result<(), EditError> {
    let reach = today.checked_sub_days(Days::new(BACK_DAYS_MAX)).unwrap_or(first);
    let first = first.max(reach);
    if first <= day && day <= today {
        return Ok(());
    }
    Err(EditError::field("day", &format!("choose a day from {first} to {today}")))
}

/// Suspends the version in force from `day` on, with the reason: it still prices what moves, and nothing is credited
/// for obligations due while it rests ([`crate::domain::terms::Terms::credits_on`]). `seen` is the token of the contract.
///
/// # Errors
/// [`EditError::Invalid`] with the fields to correct, [`EditError::WrongState`] when nothing is in force,
/// [`EditError::Stale`], [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn contract_suspend(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    day: NaiveDate,
    note: &str,
) -> Result<(), EditError> {
    rest(app, db, viewer, id, seen, Turn { day: Some(day), ..Turn::because(Step::Suspend, note) })
}

/// Resumes a suspended version: from `day` on obligations are credited again.
///
/// # Errors
/// As [`contract_suspend`].
pub fn contract_resume(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    day: NaiveDate,
    note: &str,
) -> Result<(), EditError> {
    rest(app, db, viewer, id, seen, Turn { day: Some(day), ..Turn::because(Step::Resume, note) })
}

fn rest(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    turn: Turn<'_>,
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveContracts)?;
    write_tx(db, |db| {
        let mut contract = locked(db, viewer, id, seen)?;
        let (from, to) = match turn.step {
            Step::Suspend => (Status::Active, ContractStatus::Suspended),
            _ => (Status::Suspended, ContractStatus::Active),
        };
        let mut version = version_in(db, viewer, &contract, from)?;
        let (_, terms) = draft::load(db, viewer, version.id)?;
        // Rests follow one another: none begins before the last one ended, or ends before it began.
        let last = terms.rests.last().map(|(from, to)| to.unwrap_or(*from));
        let first = last.unwrap_or(version.valid_from.0).max(version.valid_from.0);
        day_within(turn.day.unwrap_or(first), first, app.today(db)?)?;
        take(app, db, Some(viewer), &contract.number, &mut version, turn)?;
        contract.term.status = to;
        store::contract_update(db, &contract, Instant(app.now()))?;
        Ok(())
    })
}

/// Ends a contract before its term, with the reason: `last_day` is the last on which its terms hold. Notice in time is
/// [`super::contract_end`].
///
/// # Errors
/// As [`contract_suspend`]; [`EditError::WrongState`] when the contract does not run.
pub fn contract_terminate(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    last_day: NaiveDate,
    note: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveContracts)?;
    write_tx(db, |db| {
        let mut contract = locked(db, viewer, id, seen)?;
        if !contract.term.status.term_runs() {
            return Err(EditError::WrongState {
                contract: contract.number,
                status: contract.term.status.label(),
                next: "only a contract in force can be terminated",
            });
        }
        let today = app.today(db)?;
        let mut versions = store::version_list(db, viewer, id)?;
        let begun = versions.iter().filter(|v| matches!(v.state(), Ok(Status::Active | Status::Suspended)));
        day_within(last_day, begun.map(|v| v.valid_from.0).max().unwrap_or(today), today)?;
        let after = last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        for version in &mut versions {
            let state = version.state()?;
            if !state.binds() || state.is_over() {
                continue;
            }
            if let Some(end) = version.dates()?.is_cut(after) {
                version.valid_to = Some(Day(end));
            }
            let turn = Turn { day: Some(last_day), ..Turn::because(Step::Terminate, note) };
            take(app, db, Some(viewer), &contract.number, version, turn)?;
        }
        contract.term.status = ContractStatus::Terminated;
        contract.term.renewal = RenewalKind::Fixed;
        contract.term.renewal_months = None;
        contract.term.term_end = Some(last_day);
        store::contract_update(db, &contract, Instant(app.now()))?;
        Ok(())
    })
}
