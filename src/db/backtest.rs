//! Backtests somebody asked for: who, what, how far they have come, and what came of them.

use diesel::prelude::*;

use super::Db;
use super::schema::backtests;
use super::types::Instant;
use crate::domain::backtest::ask::RunState;
use crate::domain::viewer::{Scope, Viewer};

/// A row of `backtests` without its result.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = backtests)]
pub struct BacktestRow {
    /// Row id.
    pub id: i64,
    /// The contract.
    pub contract_id: i64,
    /// Its carrier.
    pub partner_id: i64,
    /// The name of who asked.
    pub asked_by: String,
    /// Their id.
    pub asked_by_id: i64,
    /// When.
    pub asked_at: Instant,
    /// What was asked, as JSON.
    pub ask: String,
    /// [`RunState::code`].
    pub state: String,
    /// How many times it was begun.
    pub attempt: i32,
    /// Days replayed so far in this attempt.
    pub done_days: i64,
    /// Days there are; 0 before it began.
    pub total_days: i64,
    /// When the last attempt began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// Why there is no result, or empty.
    pub error: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct BacktestEnd<'a> {
    /// Done or failed.
    pub state: RunState,
    /// When.
    pub finished_at: Instant,
    /// The result as JSON, or empty.
    pub result: &'a str,
    /// Why there is none, or empty.
    pub error: &'a str,
}

/// Codes of the states in which something is still to be done.
fn open() -> [&'static str; 2] {
    [RunState::Queued.code(), RunState::Running.code()]
}

/// Stores a run that nobody has begun.
///
/// # Errors
/// The engine's reason.
pub fn backtest_insert(db: &mut Db, row: &BacktestRow) -> QueryResult<()> {
    diesel::insert_into(backtests::table)
        .values((
            backtests::id.eq(row.id),
            backtests::contract_id.eq(row.contract_id),
            backtests::partner_id.eq(row.partner_id),
            backtests::asked_by.eq(&row.asked_by),
            backtests::asked_by_id.eq(row.asked_by_id),
            backtests::asked_at.eq(row.asked_at),
            backtests::ask.eq(&row.ask),
            backtests::state.eq(&row.state),
            backtests::attempt.eq(row.attempt),
            backtests::done_days.eq(row.done_days),
            backtests::total_days.eq(row.total_days),
            backtests::started_at.eq(row.started_at),
            backtests::finished_at.eq(row.finished_at),
            backtests::result.eq(""),
            backtests::error.eq(&row.error),
        ))
        .execute(db)
        .map(drop)
}

/// How many runs of a user are waiting or running.
///
/// # Errors
/// The engine's reason.
pub fn backtest_open_count(db: &mut Db, user_id: i64) -> QueryResult<i64> {
    backtests::table
        .filter(backtests::asked_by_id.eq(user_id))
        .filter(backtests::state.eq_any(open()))
        .count()
        .get_result(db)
}

/// The oldest run that is waiting, or was begun and not ended.
///
/// Unscoped: the job does what anybody asked for, each as whoever asked.
///
/// # Errors
/// The engine's reason.
pub fn backtest_next_unscoped(db: &mut Db) -> QueryResult<Option<BacktestRow>> {
    backtests::table
        .filter(backtests::state.eq_any(open()))
        .order(backtests::id)
        .select(BacktestRow::as_select())
        .first(db)
        .optional()
}

/// Begins the run as it was `seen`, of so many days, one attempt further. False when another node was faster.
///
/// # Errors
/// The engine's reason.
pub fn backtest_take(db: &mut Db, seen: &BacktestRow, days: i64, now: Instant) -> QueryResult<bool> {
    let changed = diesel::update(
        backtests::table
            .find(seen.id)
            .filter(backtests::state.eq(&seen.state))
            .filter(backtests::attempt.eq(seen.attempt)),
    )
    .set((
        backtests::state.eq(RunState::Running.code()),
        backtests::attempt.eq(seen.attempt.saturating_add(1)),
        backtests::started_at.eq(Some(now)),
        backtests::done_days.eq(0),
        backtests::total_days.eq(days),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// Writes how far an attempt has come. False when another node has taken the run over, or somebody cancelled it.
///
/// # Errors
/// The engine's reason.
pub fn backtest_progress(
    db: &mut Db,
    (id, attempt): (i64, i32),
    (done, total): (i64, i64),
) -> QueryResult<bool> {
    let changed = diesel::update(
        backtests::table
            .find(id)
            .filter(backtests::state.eq(RunState::Running.code()))
            .filter(backtests::attempt.eq(attempt)),
    )
    .set((backtests::done_days.eq(done), backtests::total_days.eq(total)))
    .execute(db)?;
    Ok(changed == 1)
}

/// Writes how an attempt ended. False when another node has taken the run over, or somebody cancelled it.
///
/// # Errors
/// The engine's reason.
pub fn backtest_finish(db: &mut Db, (id, attempt): (i64, i32), end: &BacktestEnd<'_>) -> QueryResult<bool> {
    let changed = diesel::update(
        backtests::table
            .find(id)
            .filter(backtests::state.eq(RunState::Running.code()))
            .filter(backtests::attempt.eq(attempt)),
    )
    .set((
        backtests::state.eq(end.state.code()),
        backtests::finished_at.eq(Some(end.finished_at)),
        backtests::result.eq(end.result),
        backtests::error.eq(end.error),
    ))
    .execute(db)?;
    Ok(changed == 1)
}

/// Cancels a run that waits or runs, and says `why`. False when it is over already.
///
/// The caller has found the run for its viewer.
///
/// # Errors
/// The engine's reason.
pub fn backtest_cancel(db: &mut Db, id: i64, at: Instant, why: &str) -> QueryResult<bool> {
    let changed = diesel::update(backtests::table.find(id).filter(backtests::state.eq_any(open())))
        .set((
            backtests::state.eq(RunState::Cancelled.code()),
            backtests::finished_at.eq(Some(at)),
            backtests::error.eq(why),
        ))
        .execute(db)?;
    Ok(changed == 1)
}

/// Whether a run waits or runs still: one that was cancelled or removed does not.
///
/// Unscoped: the job does what anybody asked for.
///
/// # Errors
/// The engine's reason.
pub fn backtest_is_open_unscoped(db: &mut Db, id: i64) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(backtests::table.find(id).filter(backtests::state.eq_any(open()))))
        .get_result(db)
}

/// The newest runs over a contract; none when the viewer may not see its carrier.
///
/// # Errors
/// The engine's reason.
pub fn backtest_list(
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    limit: i64,
) -> QueryResult<Vec<BacktestRow>> {
    let mut query = backtests::table.filter(backtests::contract_id.eq(contract_id)).into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => query = query.filter(backtests::partner_id.eq(own)),
        Scope::Nobody => return Ok(Vec::new()),
    }
    query.order(backtests::id.desc()).limit(limit).select(BacktestRow::as_select()).load(db)
}

/// One run over a contract with its result as JSON, empty until it is done; none when there is none or the viewer may not
/// see its carrier.
///
/// # Errors
/// The engine's reason.
pub fn backtest_show(
    db: &mut Db,
    viewer: &Viewer,
    (contract_id, id): (i64, i64),
) -> QueryResult<Option<(BacktestRow, String)>> {
    let found: Option<(BacktestRow, String)> = backtests::table
        .find(id)
        .filter(backtests::contract_id.eq(contract_id))
        .select((BacktestRow::as_select(), backtests::result))
        .first(db)
        .optional()?;
    Ok(found.filter(|(row, _)| viewer.sees(row.partner_id)))
}

/// Removes runs that ended before `until`, and those of a contract beyond its newest `keep`. Gives how many.
///
/// Unscoped: what is old is old for everybody.
///
/// # Errors
/// The engine's reason.
pub fn backtest_prune_unscoped(db: &mut Db, until: Instant, keep: i64) -> QueryResult<usize> {
    let over = || backtests::state.ne_all(open());
    let mut removed =
        diesel::delete(backtests::table.filter(over()).filter(backtests::finished_at.lt(until)))
            .execute(db)?;
    let contracts: Vec<i64> = backtests::table
        .group_by(backtests::contract_id)
        .having(diesel::dsl::count(backtests::id).gt(keep))
        .select(backtests::contract_id)
        .load(db)?;
    for contract_id in contracts {
        let last: Option<i64> = backtests::table
            .filter(backtests::contract_id.eq(contract_id))
            .order(backtests::id.desc())
            .select(backtests::id)
            .offset(keep)
            .first(db)
            .optional()?;
        let Some(last) = last else { continue };
        let old =
            backtests::table.filter(backtests::contract_id.eq(contract_id)).filter(backtests::id.le(last));
        removed = removed.saturating_add(diesel::delete(old.filter(over())).execute(db)?);
    }
    Ok(removed)
}
