//! Corrective actions: opened by a standing, once for each cause, answered by the partner, closed by the shipper.

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::scorecard_mail::{To, Told, tell};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::partner::partner_show;
use crate::db::standing::{ActionRow, ActionStepRow, action_insert, action_list, action_step_insert};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::corrective::{ActionState, Step, after, state};
use crate::domain::exclusion::words_fit;
use crate::domain::field::{BadCode, FieldErrors};
use crate::domain::scorecard::{Snapshot, answer_due, cause_of, opens_action};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

const LOCK: &str = "corrective-actions";

/// A corrective action with what happened to it.
#[derive(Clone, Debug)]
pub struct Corrective {
    /// As it was opened.
    pub row: ActionRow,
    /// What happened since, oldest first.
    pub steps: Vec<ActionStepRow>,
    /// Where it stands.
    pub state: ActionState,
}

/// The corrective actions of the partners the viewer may see, or of one of them, newest first.
///
/// # Errors
/// The engine's reason, or a step that does not read back.
pub fn actions(db: &mut Db, viewer: &Viewer, partner_id: Option<i64>) -> Result<Vec<Corrective>, DbError> {
    let found = action_list(db, viewer, partner_id)?;
    found
        .into_iter()
        .map(|(row, steps)| {
            let read: Result<Vec<Step>, BadCode> = steps.iter().map(|step| step.kind.parse()).collect();
            let read = read.map_err(|error| DbError::Stored {
                what: format!("a step of corrective action {}", row.id),
                reason: error.to_string(),
            })?;
            Ok(Corrective { state: state(&read), row, steps })
        })
        .collect()
}

/// Opens an action where the standing of a quarter asks for one, in the transaction that publishes it, and tells both
/// sides. While one about the same KPI is not closed, or for the same KPI and quarter, none is opened. Gives whether one was.
///
/// # Errors
/// The database's reason.
pub(super) fn open_for(
    app: &App,
    db: &mut Db,
    (partner_id, scorecard_id): (i64, i64),
    document: &Snapshot,
    today: chrono::NaiveDate,
) -> Result<bool, DbError> {
    let quarter = document.period;
    let Some(held) = document.standing.as_ref().filter(|held| held.quarter == Some(quarter)) else {
        return Ok(false);
    };
    let tier = held.standing.tier;
    if document.to_date.is_some() || !opens_action(tier, quarter, today) {
        return Ok(false);
    }
    let kpi = cause_of(&document.result);
    let code = kpi.map_or("", |kpi| kpi.input.code.as_str());
    let cause = format!("{}:{quarter}", if code.is_empty() { "STANDING" } else { code });
    let system = Viewer::system();
    let known = actions(db, &system, Some(partner_id))?;
    if known
        .iter()
        .any(|one| one.row.cause == cause || (one.row.kpi == code && one.state != ActionState::Closed))
    {
        return Ok(false);
    }
    let mut lines = vec![format!(
        "The standing of {} is {}: {}.",
        quarter.title().to_lowercase(),
        tier.title(),
        held.standing.words(Some(quarter))
    )];
    if let Some(kpi) = kpi {
        lines.push(format!("{}: {}.", document.kpi_name(code), kpi.words()));
    }
    let partner = partner_show(db, &system, partner_id)?;
    let owner = partner.map_or_else(String::new, |partner| {
        if partner.contact_name.is_empty() { partner.name } else { partner.contact_name }
    });
    let row = ActionRow {
        id: app.id(),
        partner_id,
        cause,
        scorecard_id: Some(scorecard_id),
        period: quarter.to_string(),
        kpi: code.to_owned(),
        words: lines.join(" "),
        owner,
        due_on: Day(answer_due(today, &BusinessCalendar::weekdays([]))),
        opened_at: Instant(app.now()),
        opened_by: "Lanemark".to_owned(),
        opened_by_id: 0,
    };
    action_insert(db, &row)?;
    log(app, db, &system, "corrective.open", &row, &row.words)?;
    lines.push(format!("An answer is due by {}.", words::day(row.due_on.0)));
    for (to, path) in [(To::Partner, "/portal"), (To::Managers, "")] {
        let told = Told {
            occasion: format!("corrective:{}", row.id),
            heading: "A corrective action is opened".to_owned(),
            lines: lines.clone(),
            action: if to == To::Partner { "Answer it" } else { "Look at it" },
            path: format!("{path}/corrective-actions/{}", row.id),
        };
        tell(app, db, partner_id, to, &told)?;
    }
    Ok(true)
}

/// One step: the partner answers, the shipper opens it again or closes it.
///
/// # Errors
/// [`EditError::Invalid`] of the field `words`, [`EditError::Card`] for what its state does not allow,
/// [`EditError::NotFound`] also when it is another partner's, [`EditError::Denied`], or the database's reason.
pub fn action_step(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    step: Step,
    why: &str,
) -> Result<(), EditError> {
    match (viewer.role, step) {
        (Role::Partner, Step::Answered) => allowed(viewer, Action::UsePortal)?,
        _ => allowed(viewer, Action::RunCorrectiveActions)?,
    }
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "words", why, "say what is done, or why");
    valid(errors)?;
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let found = actions(db, viewer, None)?.into_iter().find(|one| one.row.id == id);
        let found = found.ok_or(EditError::NotFound("corrective action"))?;
        after(found.state, step).map_err(|refused| EditError::Card(refused.to_string()))?;
        let row = &found.row;
        let seq = found.steps.last().map_or(0, |last| last.seq).saturating_add(1);
        action_step_insert(
            db,
            &ActionStepRow {
                action_id: id,
                seq,
                partner_id: row.partner_id,
                kind: step.code().to_owned(),
                words: why.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        log(app, db, viewer, &format!("corrective.{}", step.code().to_lowercase()), row, why.trim())?;
        let (to, path, action) = match step {
            Step::Answered => (To::Managers, "", "Look at it"),
            Step::Reopened | Step::Closed => (To::Partner, "/portal", "Read it"),
        };
        let told = Told {
            occasion: format!("corrective:{id}:{seq}"),
            heading: format!("A corrective action is {}", step.label()),
            lines: vec![row.words.clone(), format!("{}: {}", viewer.name, why.trim())],
            action,
            path: format!("{path}/corrective-actions/{id}"),
        };
        tell(app, db, row.partner_id, to, &told)?;
        Ok(())
    })
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    action: &str,
    row: &ActionRow,
    detail: &str,
) -> Result<(), DbError> {
    let subject = format!("corrective action {}", row.cause);
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: Some(row.partner_id), detail })
}
