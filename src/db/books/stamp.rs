//! What pages of the ledger and of the close rest on, in one statement each: while it is the same, so are they. Every part
//! only grows, or is the very figure shown, so that nothing depends on which of two transactions was first to begin.

use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::dsl::max;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::read_closed_through;
use crate::db::DbError;
use crate::db::conn::{Db, MultiBackend};
use crate::db::schema::{
    accruals, close_checks, close_override_decisions, close_overrides, expected_charges, export_months,
    imports, item_steps, job_runs, stale_cells,
};
use crate::db::setting::zone_of;
use crate::db::types::{Day, Instant, sql};
use crate::domain::books::first_open_month;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;

/// Words of SQL that mean the same to both engines. Unlike diesel's own it lets the statement be prepared once.
#[derive(Clone, Copy, Debug)]
struct Words<T>(&'static str, PhantomData<T>);

const fn words<T>(sql: &'static str) -> Words<T> {
    Words(sql, PhantomData)
}

impl<T> QueryId for Words<T> {
    type QueryId = ();
    // The statement is known by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: TypedExpressionType> Expression for Words<T> {
    type SqlType = T;
}

impl<T> ValidGrouping<()> for Words<T> {
    type IsAggregate = is_aggregate::Never;
}

impl<T, Q> AppearsOnTable<Q> for Words<T> where Self: Expression {}
impl<T, Q> SelectableExpression<Q> for Words<T> where Self: Expression {}

impl<T> QueryFragment<MultiBackend> for Words<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// How many entries are sealed: an entry is posted with its seal. That no part has a bound value lets PostgreSQL plan the statement
/// once, which takes longer than to run it.
const SEALED: &str = "(SELECT CAST(SUM(sealed) AS BIGINT) FROM journal_heads)";
const CLOSED_MONTH: &str = "(SELECT MAX(last_day) FROM period_closes)";
const CLOSED_BEFORE: &str = "(SELECT value FROM settings WHERE key = 'books_closed_through')";
const FIRST_POSTING: &str = "(SELECT MIN(posting_day) FROM journal_entries)";
const LAST_POSTING: &str = "(SELECT MAX(posting_day) FROM journal_entries)";
const ZONE: &str = "(SELECT value FROM settings WHERE key = 'reporting_zone')";
const CHART_ROWS: &str = "(SELECT COUNT(*) FROM chart_accounts)";

/// What every page of the ledger rests on, beside the names of partners. It holds no figure of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerStamp {
    sealed: Option<i64>,
    closed_month: Option<Day>,
    closed_before: Option<String>,
    first: Option<Day>,
    last: Option<Day>,
    zone: Option<String>,
    chart_rows: Option<i64>,
}

impl LedgerStamp {
    /// The day in the reporting zone.
    ///
    /// # Errors
    /// A stored zone that is none.
    pub fn today(&self, now: DateTime<Utc>) -> Result<NaiveDate, DbError> {
        Ok(local_day(now, zone_of(self.zone.as_deref())?))
    }

    /// The last day that anything was posted on.
    #[must_use]
    pub fn last_posting(&self) -> Option<NaiveDate> {
        self.last.map(|day| day.0)
    }

    /// The first month that takes entries.
    ///
    /// # Errors
    /// A setting that is no day.
    pub fn open_month(&self, today: NaiveDate) -> Result<Period, DbError> {
        let before = read_closed_through(self.closed_before.as_deref())?;
        let closed = self.closed_month.map(|day| day.0).max(before);
        Ok(first_open_month(closed, self.first.map(|day| day.0), today))
    }
}

/// Reads the [`LedgerStamp`].
///
/// # Errors
/// The engine's reason.
pub fn ledger_stamp(db: &mut Db) -> QueryResult<LedgerStamp> {
    let (sealed, closed_month, closed_before, first, last, zone, chart_rows) = diesel::select((
        words::<Nullable<BigInt>>(SEALED),
        words::<Nullable<sql::Day>>(CLOSED_MONTH),
        words::<Nullable<Text>>(CLOSED_BEFORE),
        words::<Nullable<sql::Day>>(FIRST_POSTING),
        words::<Nullable<sql::Day>>(LAST_POSTING),
        words::<Nullable<Text>>(ZONE),
        words::<Nullable<BigInt>>(CHART_ROWS),
    ))
    .get_result(db)?;
    Ok(LedgerStamp { sealed, closed_month, closed_before, first, last, zone, chart_rows })
}

/// Imports: how many, the newest, how many run, how many failed, when the last ended.
type Imports = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<Instant>);
/// Disputed items: how many, what they come to, when one of them last changed, and steps about giving up a part.
type Disputed = (Option<i64>, Option<i64>, Option<Instant>, Option<i64>);
/// Re-performances, requests to pass over a step, and decisions about them.
type Decided = (Option<i64>, Option<i64>, Option<i64>);

/// What the steps of a month's close rest on, beside the [`LedgerStamp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepsStamp {
    imports: Imports,
    accrued: Option<i64>,
    days_waiting: Option<i64>,
    unrated: Option<i64>,
    disputed: Disputed,
    decided: Decided,
    exported: Option<i64>,
}

/// Reads the [`StepsStamp`] of a month; `accrual_job` is the name of the job whose runs the steps look at.
///
/// # Errors
/// The engine's reason.
pub fn steps_stamp(db: &mut Db, month: Period, accrual_job: &str) -> QueryResult<StepsStamp> {
    let since = Instant(month.start().and_time(NaiveTime::MIN).and_utc());
    let (start, end) = (Day(month.start()), Day(month.end()));
    let running = imports::state.eq("RUNNING");
    let seen = || imports::table.filter(imports::started_at.ge(since).or(running));
    let disputed = || {
        // Written out, as `disputes_waiting_unscoped` does.
        accruals::table
            .filter(words::<Bool>("accruals.state = 'DISPUTED'"))
            .filter(accruals::obligation_day.lt(end))
    };
    let steps_of_disputed = item_steps::table
        .inner_join(
            accruals::table.on(accruals::partner_id
                .eq(item_steps::partner_id)
                .and(accruals::obligation_key.eq(item_steps::obligation_key))),
        )
        .filter(words::<Bool>("accruals.state = 'DISPUTED'"))
        .filter(accruals::obligation_day.lt(end));
    let (imports, accrued, days_waiting, unrated, disputed, decided, exported) = diesel::select((
        (
            seen().count().single_value(),
            seen().select(max(imports::id)).single_value(),
            seen().filter(running).count().single_value(),
            seen().filter(imports::state.eq("FAILED")).count().single_value(),
            seen().select(max(imports::finished_at)).single_value(),
        ),
        job_runs::table
            .filter(job_runs::job.eq(accrual_job))
            .filter(job_runs::state.eq("DONE"))
            .order((job_runs::due_at.desc(), job_runs::id.desc()))
            .select(job_runs::id)
            .limit(1)
            .single_value(),
        stale_cells::table
            .filter(stale_cells::source_day.ge(start))
            .filter(stale_cells::source_day.lt(end))
            .count()
            .single_value(),
        expected_charges::table
            // Written out, as `unrated_in` does.
            .filter(words::<Bool>("expected_charges.status = 'UNRATED'"))
            .filter(expected_charges::obligation_day.ge(start))
            .filter(expected_charges::obligation_day.lt(end))
            .count()
            .single_value(),
        (
            disputed().count().single_value(),
            disputed()
                .select(words::<Nullable<BigInt>>("CAST(SUM(accruals.target_micros) AS BIGINT)"))
                .single_value(),
            disputed().select(max(accruals::updated_at)).single_value(),
            steps_of_disputed.count().single_value(),
        ),
        (
            close_checks::table.count().single_value(),
            close_overrides::table.count().single_value(),
            close_override_decisions::table.count().single_value(),
        ),
        export_months::table
            .filter(export_months::month.le(month.to_string()))
            .select(words::<Nullable<BigInt>>("CAST(SUM(export_months.entries) AS BIGINT)"))
            .single_value(),
    ))
    .get_result(db)?;
    Ok(StepsStamp { imports, accrued, days_waiting, unrated, disputed, decided, exported })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::setting::{BOOKS_CLOSED_THROUGH, REPORTING_ZONE};

    #[test]
    fn settings_go_by_the_names_they_are_kept_under() {
        assert!(CLOSED_BEFORE.contains(&format!("'{BOOKS_CLOSED_THROUGH}'")));
        assert!(ZONE.contains(&format!("'{REPORTING_ZONE}'")));
    }
}
