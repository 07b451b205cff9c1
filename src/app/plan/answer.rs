//! A partner's word on what it is asked to carry.

use chrono::NaiveDate;

use super::{PLAN_LOCK, answer_deadline, week_number};
use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::db::plan::{PlanCellRow, PlanRow, plan_cell_answer, plan_cell_get, plan_cell_list, plan_newest};
use crate::db::types::Instant;
use crate::db::{Db, DbError, dialect};
use crate::domain::capacity::{Answer, MAX_PLAN_LOADS, PlanCell, PlanCellError, PlanEvent, PlanState, Zone};
use crate::domain::period::Period;
use crate::domain::viewer::{Role, Viewer};

/// Why an answer was not taken. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// No such plan, lane or week, or another partner's: both look the same.
    #[error("there is no such plan week")]
    NotFound,
    /// A newer plan has taken the place of this one.
    #[error("a newer plan was shared meanwhile; answer that one")]
    Superseded,
    /// The time to answer has passed.
    #[error(
        "the time to answer ended on {0}; your contract's loads stand for this week, and the next plan asks again"
    )]
    Closed(NaiveDate),
    /// The answer makes no sense in this state.
    #[error(transparent)]
    Cell(#[from] PlanCellError),
    /// An absurd quantity.
    #[error("{0} loads are more than one week can hold; offer {MAX_PLAN_LOADS} at most")]
    TooMany(i64),
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for AnswerError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// Stores the viewer's answer for one lane and week of its own, with a line in the audit log.
/// The same answer again changes nothing.
///
/// # Errors
/// [`AnswerError`]; another partner's cell is [`AnswerError::NotFound`].
pub fn plan_answer(
    app: &App,
    viewer: &Viewer,
    plan_id: i64,
    lane_id: i64,
    week: NaiveDate,
    answer: &Answer,
) -> Result<(), AnswerError> {
    let partner = own_partner(viewer)?;
    let mut conn = app.pool.get()?;
    dialect::write_tx(&mut conn, |db| {
        let (plan, today) = open_plan(app, db, plan_id)?;
        let row = plan_cell_get(db, plan.id, partner, lane_id, week)?.ok_or(AnswerError::NotFound)?;
        store(app, db, viewer, (&plan, today), row, answer)
    })
}

/// Says yes to every week of the viewer's plan that waits for an answer now; indicative weeks are answered one by
/// one. Answers how many were.
///
/// # Errors
/// [`AnswerError`]; then none was stored.
pub fn plan_commit_all(app: &App, viewer: &Viewer, plan_id: i64) -> Result<usize, AnswerError> {
    let partner = own_partner(viewer)?;
    let mut conn = app.pool.get()?;
    dialect::write_tx(&mut conn, |db| {
        let (plan, today) = open_plan(app, db, plan_id)?;
        let open: Vec<PlanCellRow> = plan_cell_list(db, viewer, plan.id, None)?
            .into_iter()
            .filter(|row| row.partner_id == partner && row.state == "SHARED")
            .filter(|row| zone(today, &plan, row.week.0) == Zone::Committed)
            .collect();
        let count = open.len();
        for row in open {
            store(app, db, viewer, (&plan, today), row, &Answer::Commit)?;
        }
        Ok(count)
    })
}

fn own_partner(viewer: &Viewer) -> Result<i64, AnswerError> {
    viewer.partner_id.filter(|_| viewer.role == Role::Partner).ok_or(AnswerError::NotFound)
}

/// The plan, if it is the newest and its time to answer is not over, and today. Until the end of the transaction none
/// takes its place.
fn open_plan(app: &App, db: &mut Db, plan_id: i64) -> Result<(PlanRow, NaiveDate), AnswerError> {
    dialect::transaction_lock(db, PLAN_LOCK)?;
    let newest = plan_newest(db, None)?.ok_or(AnswerError::NotFound)?;
    if newest.id != plan_id {
        return Err(AnswerError::Superseded);
    }
    let deadline = answer_deadline(newest.as_of_day.0);
    let today = app.today(db)?;
    if today > deadline {
        return Err(AnswerError::Closed(deadline));
    }
    Ok((newest, today))
}

/// How firm `week` is by now: time moves on while a plan stands.
pub(super) fn zone(today: NaiveDate, plan: &PlanRow, week: NaiveDate) -> Zone {
    let first = plan.first_week.0.max(Period::monday(today));
    Zone::of_week(week_number(first, week)).unwrap_or(Zone::Frozen)
}

fn store(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (plan, today): (&PlanRow, NaiveDate),
    mut row: PlanCellRow,
    answer: &Answer,
) -> Result<(), AnswerError> {
    let cell = PlanCell {
        state: if row.state == "SHARED" { PlanState::Shared } else { PlanState::Responded },
        ..PlanCell::draft(i64::from(row.asked()), i64::from(row.committed))
    };
    cell.after(PlanEvent::Respond(answer.clone()), zone(today, plan, row.week.0))?;
    let (state, units, reason) = match answer {
        Answer::Commit => ("COMMITTED", row.asked(), ""),
        Answer::Counter { loads, reason } => {
            if *loads > MAX_PLAN_LOADS {
                return Err(AnswerError::TooMany(*loads));
            }
            ("COUNTERED", i32::try_from(*loads).map_err(|_| AnswerError::TooMany(*loads))?, reason.trim())
        }
        Answer::Decline => ("DECLINED", row.asked().min(row.committed), ""),
    };
    if row.state == state && row.answer_units == Some(units) && row.answer_reason == reason {
        return Ok(());
    }
    let before = row.state.clone();
    row.state = state.to_owned();
    row.answer_units = Some(units);
    row.answer_reason = reason.to_owned();
    row.answered_by.clone_from(&viewer.name);
    row.answered_at = Some(Instant(app.now()));
    plan_cell_answer(db, &row)?;
    audit_answer(app, db, viewer, &row, &before)
}

/// Writes the answer down.
fn audit_answer(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    row: &PlanCellRow,
    before: &str,
) -> Result<(), AnswerError> {
    let subject = format!("plan {}, lane {}, week of {}", row.plan_id, row.lane_id, row.week);
    let units = row.answer_units.unwrap_or(0);
    let detail =
        format!("{before} to {}, {units} of {} loads. {}", row.state, row.asked(), row.answer_reason);
    let entry = Entry {
        action: "plan.answer",
        subject: &subject,
        partner_id: Some(row.partner_id),
        detail: detail.trim_end(),
    };
    Ok(audit(app, db, viewer, entry)?)
}
