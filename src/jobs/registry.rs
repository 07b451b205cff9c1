//! Each job's name bound to one call into `app`.

use anyhow::Context as _;

use super::{JobReport, RunContext};
use crate::app::accrual::{self, AccrualScope};
use crate::app::{
    App, backtest, challenge, contract_calendar, dispute, invoice, mail, plan, refresh, review, score,
};
use crate::domain::words;

/// Judges what has come due and recomputes the cells that went stale.
///
/// # Errors
/// The database's reason.
pub fn refresh_measures(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done = refresh::refresh(app, run.as_of, |_, _| {}).context("refreshing measures")?;
    let cells = i64::try_from(done.cells)?;
    Ok(JobReport {
        changed_rows: cells
            .saturating_add(i64::try_from(done.verdicts)?)
            .saturating_add(i64::try_from(done.charges)?),
        summary: match done.days + done.months {
            0 => "everything was up to date".to_owned(),
            _ => format!(
                "{} and {} made new, {} written",
                words::many(done.days, "day"),
                words::many(done.months, "month"),
                words::count(cells, "cell")
            ),
        },
        details: serde_json::to_value(done)?,
    })
}

/// Scores the period asked for, or every period that is due, from sums that know every fact.
///
/// # Errors
/// [`score::ScoreError`].
pub fn score_period(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    refresh::ensure_fresh(app, run.as_of).context("refreshing measures")?;
    let reports = match run.period {
        Some(period) => vec![score::score_period(app, period, run.as_of, Some(run.run_id))?],
        None => score::score_due(app, run.as_of, Some(run.run_id))?,
    };
    let changed: Vec<String> = reports
        .iter()
        .filter(|report| report.changed_rows() > 0 || run.period.is_some())
        .map(score::ScoreReport::summary)
        .collect();
    Ok(JobReport {
        changed_rows: reports.iter().map(score::ScoreReport::changed_rows).sum(),
        summary: match changed.len() {
            0 => format!("{} looked at, nothing changed", words::many(reports.len(), "period")),
            1..=MAX_PERIODS_NAMED => changed.join("; "),
            many => format!("{many} of {} changed", words::many(reports.len(), "period")),
        },
        details: serde_json::to_value(reports)?,
    })
}

/// The most periods one summary names.
const MAX_PERIODS_NAMED: usize = 3;

/// Brings service credits to what the clauses say, and freight to what is delivered and not billed.
///
/// # Errors
/// The database's reason. A contract that cannot be priced is in the report; the others are booked.
pub fn accrue_credits(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    refresh::ensure_fresh(app, run.as_of).context("refreshing measures")?;
    let scope = AccrualScope { partner_id: None, run_id: Some(run.run_id) };
    let done = accrual::accrue(app, run.as_of_day, scope).context("accruing service credits")?;
    Ok(JobReport {
        changed_rows: i64::try_from(done.changed_rows)?,
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}

/// Tells partners what was accrued for periods that are final.
///
/// # Errors
/// The database's reason.
pub fn assess_credits(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done =
        accrual::assess::assess(app, run.as_of_day, Some(run.run_id)).context("assessing service credits")?;
    Ok(JobReport {
        changed_rows: done.changed_rows,
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}

/// Audits invoices of which something changed, and sums what that changes.
///
/// # Errors
/// The database's reason.
pub fn audit_freight(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    refresh::ensure_fresh(app, run.as_of).context("refreshing measures")?;
    let done = invoice::audit_freight(app, None).context("auditing invoices")?;
    refresh::ensure_fresh(app, run.as_of).context("summing what the audits changed")?;
    Ok(JobReport {
        changed_rows: done.audited,
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}

/// Forecasts and proposes who carries what.
///
/// # Errors
/// [`plan::PlanError`].
pub fn plan_capacity(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done = plan::plan(app, run.as_of_day, Some(run.run_id)).context("planning capacity")?;
    Ok(JobReport {
        changed_rows: done.changed_rows,
        summary: done.summary,
        details: serde_json::json!({ "plan_id": done.plan_id }),
    })
}

/// Renews and ends contracts by their dates and raises notices.
///
/// # Errors
/// The database's reason.
pub fn contract_calendar(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let mut db = app.pool.get()?;
    let done =
        contract_calendar::run(app, &mut db, run.as_of_day).context("going through the contract calendar")?;
    Ok(JobReport {
        changed_rows: done.changed_rows(),
        summary: done.summary(),
        details: serde_json::Value::Null,
    })
}

/// Denies exclusions that nobody decided in time and reminds of what comes due.
///
/// # Errors
/// The database's reason.
pub fn review_deadlines(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done = challenge::daily(app, run.as_of_day).context("going through the deadlines of reviews")?;
    Ok(JobReport {
        changed_rows: i64::try_from(done.denied.saturating_add(done.mails))?,
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}

/// Goes through the deadlines of items that partners were told of, and writes about disputed invoices.
///
/// # Errors
/// The database's reason.
pub fn item_deadlines(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done =
        dispute::daily::daily(app, run.as_of_day).context("going through the deadlines of assessed items")?;
    let letters = invoice::letter::letters(app, run.as_of_day).context("writing about disputed invoices")?;
    let mut summary = done.summary();
    if !letters.summary().is_empty() {
        summary = format!("{summary}; {}", letters.summary());
    }
    Ok(JobReport {
        changed_rows: i64::try_from(done.changed().saturating_add(letters.mails))?,
        summary,
        details: serde_json::json!({ "items": done, "invoices": letters }),
    })
}

/// Queues the reviews of published periods.
///
/// # Errors
/// [`review::ReviewError`].
pub fn send_reviews(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let done = review::send_reviews(app, run.as_of_day, run.period).context("queueing reviews")?;
    Ok(JobReport {
        changed_rows: done.changed_rows(),
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}

/// Sends what waits in the outbox.
///
/// # Errors
/// The database's reason; a mail that is not taken is no failure.
pub fn deliver_mail(app: &App, _run: &RunContext) -> anyhow::Result<JobReport> {
    let Some(mailer) = &app.mailer else {
        let summary = "mail is not set up; what waits stays in the outbox".to_owned();
        return Ok(JobReport { summary, ..JobReport::default() });
    };
    let done = mail::deliver_due(app, mailer, app.clock).context("delivering mail")?;
    Ok(JobReport {
        changed_rows: done.sent + done.again + done.failed,
        summary: format!(
            "{} sent, {} to be tried again, {} failed",
            words::figure(done.sent),
            words::figure(done.again),
            words::figure(done.failed)
        ),
        details: serde_json::to_value(done)?,
    })
}

/// Replays the backtests that somebody asked for.
///
/// # Errors
/// The database's reason; a backtest that cannot be replayed says why on its page.
pub fn replay_backtests(app: &App, _run: &RunContext) -> anyhow::Result<JobReport> {
    let done = backtest::run::replay_queued(app).context("replaying backtests")?;
    Ok(JobReport {
        changed_rows: done.changed_rows(),
        summary: done.summary(),
        details: serde_json::to_value(done)?,
    })
}
