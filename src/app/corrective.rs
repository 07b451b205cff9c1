//! Corrective actions: opened by a low quarter or by a person, answered by the partner, closed by the shipper. One that is
//! open covers the partner.

use std::collections::BTreeMap;

use chrono::Months;
use diesel::QueryResult;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::own_kpi::library;
use super::score::{Published, published};
use super::scorecard_mail::{To, Told, tell};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::partner::{Partner, partner_show};
use crate::db::scorecard::{ScorecardBrief, scorecard_briefs};
use crate::db::setting::reporting_zone;
use crate::db::standing::{
    ActionRow, ActionStepRow, Actions, action_insert, action_list, action_step_insert,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::corrective::{
    ActionState, Follow, Known, Reminder, Step, after, due_problem, follow_up, reminder, state,
};
use crate::domain::exclusion::words_fit;
use crate::domain::field::{BadCode, FieldErrors, require};
use crate::domain::partner::PartnerStatus;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{answer_due, cause_of, in_catalogue, opens_action};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// One change of an action at a time.
const LOCK: &str = "corrective-actions";
/// Stands for the cause of an action that a person opened.
const BY_HAND: &str = "HAND";
/// Days ahead that answers are looked for to remind of.
const REMINDED_DAYS: u64 = 3;
/// Who opens and notes without a person.
const SELF: &str = "Lanemark";
/// Months back in which a quarter begins that can still open an action: it, and the days after it in which it can.
const MONTHS_BACK: u32 = 7;

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

/// The newest corrective actions of the partners the viewer may see, up to
/// [`STANDING_LIST_LIMIT`](crate::db::standing::STANDING_LIST_LIMIT), or all of one of them; newest first.
///
/// # Errors
/// The engine's reason, or a step that does not read back.
pub fn actions(db: &mut Db, viewer: &Viewer, partner_id: Option<i64>) -> Result<Vec<Corrective>, DbError> {
    let which = partner_id.map_or(Actions::Newest, Actions::OfPartner);
    action_list(db, viewer, which)?.into_iter().map(read).collect()
}

/// One corrective action by its id; none when there is none, or it is of a partner the viewer may not see.
///
/// # Errors
/// As [`actions`].
pub fn action(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Corrective>, DbError> {
    action_list(db, viewer, Actions::One(id))?.pop().map(read).transpose()
}

fn read((row, steps): (ActionRow, Vec<ActionStepRow>)) -> Result<Corrective, DbError> {
    let taken: Result<Vec<Step>, BadCode> = steps.iter().map(|step| step.kind.parse()).collect();
    let taken = taken.map_err(|error| DbError::Stored {
        what: format!("a step of corrective action {}", row.id),
        reason: error.to_string(),
    })?;
    Ok(Corrective { state: state(&taken), row, steps })
}

impl Corrective {
    /// The number of its next step.
    fn next_seq(&self) -> i32 {
        self.steps.last().map_or(0, |last| last.seq).saturating_add(1)
    }

    /// What it covers, for [`follow_up`].
    fn known(&self) -> Known {
        // What a person opened is about no quarter.
        let of_quarter = self.row.scorecard_id.is_some();
        Known {
            id: self.row.id,
            quarter: self.row.period.parse().ok().filter(|_| of_quarter),
            noted: self.steps.iter().filter_map(|step| step.period.as_ref()?.parse().ok()).collect(),
            closed: self.state == ActionState::Closed,
        }
    }
}

/// Does what the newest quarter that is over asks for where its standing is low, for every partner we work with or `only`
/// one: opens an action, or notes the quarter on the one that is open ([`follow_up`]), and tells both sides. It runs in the
/// transaction that publishes, and again with every run that scores a quarter, so that a quarter noted on an action that
/// is closed since opens its own. Gives how much was opened or noted; the second run in a row nothing.
///
/// # Errors
/// The database's reason.
pub(super) fn follow(
    app: &App,
    db: &mut Db,
    only: Option<i64>,
    today: chrono::NaiveDate,
) -> Result<i64, DbError> {
    let system = Viewer::system();
    let zone = reporting_zone(db)?;
    let from = today.checked_sub_months(Months::new(MONTHS_BACK)).unwrap_or(today);
    let mut newest: BTreeMap<i64, ScorecardBrief> = BTreeMap::new();
    for brief in scorecard_briefs(db, &system, only, from, today)? {
        if brief.period.kind() == PeriodKind::Quarter && brief.decides(zone, today) {
            newest.insert(brief.partner_id, brief);
        }
    }
    newest.retain(|_, brief| brief.summary.tier.is_some_and(|tier| opens_action(tier, brief.period, today)));
    if newest.is_empty() {
        return Ok(0);
    }
    transaction_lock(db, LOCK)?;
    let mut done = 0;
    for (partner_id, brief) in newest {
        let known: Vec<Known> =
            actions(db, &system, Some(partner_id))?.iter().map(Corrective::known).collect();
        let follow = follow_up(&known, brief.period);
        if follow == Follow::Nothing {
            continue;
        }
        let partner = partner_show(db, &system, partner_id)?;
        let Some(partner) = partner.filter(|one| one.status != PartnerStatus::Closed.code()) else {
            continue;
        };
        let Some(card) = published(db, &system, partner_id, brief.period)? else { continue };
        let Some(low) = Low::of(&card) else { continue };
        match follow {
            Follow::Nothing => continue,
            Follow::Open => open(app, db, &partner, &low, today)?,
            Follow::Note(id) => note(app, db, id, &low)?,
        }
        done += 1;
    }
    Ok(done)
}

/// A quarter that is low.
struct Low {
    scorecard_id: i64,
    quarter: Period,
    /// Code of the KPI that costs most; empty when no single one does.
    kpi: String,
    /// What is wrong, one sentence each.
    lines: Vec<String>,
}

impl Low {
    fn of(card: &Published) -> Option<Self> {
        let document = &card.snapshot;
        let quarter = document.period;
        let held = document.standing.as_ref().filter(|held| held.quarter == Some(quarter))?;
        let kpi = cause_of(&document.result);
        let mut lines = vec![format!(
            "The standing of {} is {}: {}.",
            quarter.title().to_lowercase(),
            held.standing.tier.title(),
            held.standing.words(Some(quarter))
        )];
        if let Some(kpi) = kpi {
            lines.push(format!("{}: {}.", document.kpi_name(&kpi.input.code), kpi.words()));
        }
        let kpi = kpi.map(|kpi| kpi.input.code.clone()).unwrap_or_default();
        Some(Self { scorecard_id: card.row.id, quarter, kpi, lines })
    }
}

fn open(
    app: &App,
    db: &mut Db,
    partner: &Partner,
    low: &Low,
    today: chrono::NaiveDate,
) -> Result<(), DbError> {
    let cause = if low.kpi.is_empty() { "STANDING" } else { &low.kpi };
    let row = ActionRow {
        id: app.id(),
        partner_id: partner.id,
        cause: format!("{cause}:{}", low.quarter),
        scorecard_id: Some(low.scorecard_id),
        period: low.quarter.to_string(),
        kpi: low.kpi.clone(),
        words: low.lines.join(" "),
        owner: owner_of(partner),
        due_on: Day(answer_due(today, &BusinessCalendar::weekdays([]))),
        opened_at: Instant(app.now()),
        opened_by: SELF.to_owned(),
        opened_by_id: 0,
    };
    action_insert(db, &row)?;
    log(app, db, &Viewer::system(), "corrective.open", &row, &row.words)?;
    let mut lines = low.lines.clone();
    lines.push(format!("An answer is due by {}.", words::day(row.due_on.0)));
    let (occasion, heading) = (format!("corrective:{}", row.id), "A corrective action is opened");
    tell_both(app, db, &row, (occasion, heading), &lines, "Answer it")
}

/// Who answers for an action: the contact, else the partner as such.
fn owner_of(partner: &Partner) -> String {
    let contact = partner.contact_name.trim();
    if contact.is_empty() { partner.name.clone() } else { contact.to_owned() }
}

/// Adds a step by `who`, name and user id, and gives its number; `noted` is the quarter of a note.
fn step_add(
    app: &App,
    db: &mut Db,
    found: &Corrective,
    (step, words): (Step, &str),
    (actor, actor_id): (&str, i64),
    noted: Option<Period>,
) -> QueryResult<i32> {
    let seq = found.next_seq();
    let row = ActionStepRow {
        action_id: found.row.id,
        seq,
        partner_id: found.row.partner_id,
        kind: step.code().to_owned(),
        words: words.to_owned(),
        at: Instant(app.now()),
        actor: actor.to_owned(),
        actor_id,
        period: noted.map(|quarter| quarter.to_string()),
    };
    action_step_insert(db, &row)?;
    Ok(seq)
}

fn note(app: &App, db: &mut Db, id: i64, low: &Low) -> Result<(), DbError> {
    let system = Viewer::system();
    let Some(found) = action(db, &system, id)? else { return Ok(()) };
    let row = &found.row;
    let said = low.lines.join(" ");
    let seq = step_add(app, db, &found, (Step::Noted, &said), (SELF, 0), Some(low.quarter))?;
    log(app, db, &system, "corrective.noted", row, &said)?;
    let heading = "A later quarter is low too, and is noted on the corrective action that is open";
    tell_both(app, db, row, (format!("corrective:{id}:{seq}"), heading), &low.lines, "Read it")
}

/// Tells the partner and the carrier managers.
fn tell_both(
    app: &App,
    db: &mut Db,
    row: &ActionRow,
    (occasion, heading): (String, &str),
    lines: &[String],
    to_partner: &str,
) -> Result<(), DbError> {
    for (to, path) in [(To::Partner, "/portal"), (To::Managers, "")] {
        let told = Told {
            occasion: occasion.clone(),
            heading: heading.to_owned(),
            lines: lines.to_vec(),
            action: if to == To::Partner { to_partner } else { "Look at it" },
            path: format!("{path}/corrective-actions/{}", row.id),
        };
        tell(app, db, row.partner_id, to, &told)?;
    }
    Ok(())
}

/// An action that a person opens.
#[derive(Clone, Debug)]
pub struct NewAction {
    /// Of whom it is asked.
    pub partner_id: i64,
    /// Code of the KPI it is about; empty when no single one is.
    pub kpi: String,
    /// What is wrong.
    pub words: String,
    /// The day by which it is answered.
    pub due_on: chrono::NaiveDate,
}

/// Opens an action by hand and tells the partner. Gives its id. It covers the partner like one that a quarter opened.
///
/// # Errors
/// [`EditError::Invalid`] of the fields `kpi`, `words` and `due_on`, [`EditError::NotFound`], [`EditError::Denied`], or the
/// database's reason.
pub fn action_open(app: &App, db: &mut Db, viewer: &Viewer, new: &NewAction) -> Result<i64, EditError> {
    allowed(viewer, Action::RunCorrectiveActions)?;
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "words", &new.words, "say what is wrong and what you ask for");
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let partner = partner_show(db, viewer, new.partner_id)?.ok_or(EditError::NotFound("partner"))?;
        let today = app.today(db)?;
        errors.extend(due_problem(new.due_on, today).map(|words| ("due_on".to_owned(), words)));
        let own = library(db)?;
        let is_kpi = new.kpi.is_empty()
            || in_catalogue(&new.kpi).is_some()
            || own.get(&new.kpi).is_some_and(|kpi| !kpi.retired);
        require(&mut errors, is_kpi, "kpi", "choose a KPI from the list, or the standing as a whole");
        valid(std::mem::take(&mut errors))?;
        let id = app.id();
        let row = ActionRow {
            id,
            partner_id: partner.id,
            cause: format!("{BY_HAND}:{id}"),
            scorecard_id: None,
            period: Period::containing(PeriodKind::Month, today).to_string(),
            kpi: new.kpi.clone(),
            words: new.words.trim().to_owned(),
            owner: owner_of(&partner),
            due_on: Day(new.due_on),
            opened_at: Instant(app.now()),
            opened_by: viewer.name.clone(),
            opened_by_id: viewer.user_id,
        };
        action_insert(db, &row)?;
        log(app, db, viewer, "corrective.open", &row, &row.words)?;
        let told = Told {
            occasion: format!("corrective:{id}"),
            heading: "A corrective action is opened".to_owned(),
            lines: vec![row.words.clone(), format!("An answer is due by {}.", words::day(row.due_on.0))],
            action: "Answer it",
            path: format!("/portal/corrective-actions/{id}"),
        };
        tell(app, db, row.partner_id, To::Partner, &told)?;
        Ok(id)
    })
}

/// Reminds partners of answers that come due, as of `today`, and the carrier managers of those that are a week late. Each
/// reminder goes out once a round: running it again sends nothing. Gives how many mails were queued.
///
/// # Errors
/// The database's reason.
pub(super) fn remind(app: &App, db: &mut Db, today: chrono::NaiveDate) -> Result<usize, DbError> {
    let system = Viewer::system();
    let soon = today.checked_add_days(chrono::Days::new(REMINDED_DAYS)).unwrap_or(today);
    let mut mails = 0;
    for row in action_list(db, &system, Actions::DueUntil(soon))? {
        let one = read(row)?;
        let row = &one.row;
        let Some(stage) = reminder(row.due_on.0, today).filter(|_| one.state == ActionState::Open) else {
            continue;
        };
        let partner = partner_show(db, &system, row.partner_id)?;
        if partner.is_none_or(|partner| partner.status == PartnerStatus::Closed.code()) {
            continue;
        }
        // One that was opened again is asked anew.
        let round = one.steps.iter().filter(|step| step.kind == Step::Reopened.code()).count();
        let (late, id) = (row.due_on.0 < today, row.id);
        let to: &[(To, &str)] = match stage {
            Reminder::Escalated => &[(To::Partner, "/portal"), (To::Managers, "")],
            Reminder::Soon | Reminder::Due | Reminder::Late => &[(To::Partner, "/portal")],
        };
        for (to, path) in to {
            let told = Told {
                occasion: format!("corrective-due:{id}:{round}:{}", stage.code()),
                heading: format!("The answer to a corrective action {}", stage.label()),
                lines: vec![
                    row.words.clone(),
                    format!(
                        "The answer {} due by {}.",
                        if late { "was" } else { "is" },
                        words::day(row.due_on.0)
                    ),
                ],
                action: if *to == To::Partner { "Answer it" } else { "Look at it" },
                path: format!("{path}/corrective-actions/{id}"),
            };
            mails += tell(app, db, row.partner_id, *to, &told)?;
        }
    }
    Ok(mails)
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
        let found = action(db, viewer, id)?.ok_or(EditError::NotFound("corrective action"))?;
        after(found.state, step).map_err(|refused| EditError::Card(refused.to_string()))?;
        let row = &found.row;
        let who = (viewer.name.as_str(), viewer.user_id);
        let seq = step_add(app, db, &found, (step, why.trim()), who, None)?;
        log(app, db, viewer, &format!("corrective.{}", step.code().to_lowercase()), row, why.trim())?;
        let (to, path, action) = match step {
            Step::Answered => (To::Managers, "", "Look at it"),
            Step::Reopened | Step::Closed | Step::Noted => (To::Partner, "/portal", "Read it"),
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
