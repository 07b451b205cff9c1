//! The standing of a partner, measured and set by hand, and what follows: the watch list, corrective actions, the share
//! that is suggested.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::{Refusal, day, refuse, unsound};
use super::exclusion::{agreement_line, chip};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::partner::{Chip, Due};
use super::scorecard::card::tier_chip;
use super::show;
use crate::app::corrective::{Corrective, action_step, actions};
use crate::app::score::tier_from_code;
use crate::app::standing::{
    NewOverride, ShareAdvice, override_ask, override_decide, share_advice, standings_on, watch_list,
};
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::standing::{AskedOverride, OverrideDecisionRow, override_list};
use crate::domain::corrective::{ActionState, Step};
use crate::domain::exclusion::Decision;
use crate::domain::period::Period;
use crate::domain::scorecard::{HeldOn, Tier, consequences};
use crate::domain::viewer::Action;
use crate::domain::words;

/// Standings that can be set by hand.
const BY_HAND: [Tier; 6] =
    [Tier::Strategic, Tier::Preferred, Tier::Approved, Tier::Probation, Tier::ExitReview, Tier::Suspended];

fn chip_of(tier: Option<Tier>) -> Chip {
    let Some(tier) = tier else { return Chip::new("none", "todo", "not ranked yet") };
    let (tone, shape, word) = tier_chip(tier);
    Chip::new(tone, shape, word)
}

/// A corrective action as a list shows it.
struct ActionLine {
    href: String,
    title: String,
    partner: String,
    words: String,
    owner: String,
    due: Due,
    open: bool,
    state: Chip,
}

fn action_line(one: &Corrective, partner: String, base: &str, today: chrono::NaiveDate) -> ActionLine {
    let row = &one.row;
    let title = row.period.parse::<Period>().map_or_else(|_| row.period.clone(), Period::title);
    ActionLine {
        href: format!("{base}/corrective-actions/{}", row.id),
        title: if row.kpi.is_empty() {
            format!("Standing, {title}")
        } else {
            format!("{}, {title}", row.kpi)
        },
        partner,
        words: row.words.clone(),
        owner: row.owner.clone(),
        due: Due::of(row.due_on.0, row.due_on.0.signed_duration_since(today).num_days()),
        open: one.state == ActionState::Open,
        state: action_chip(one.state),
    }
}

fn action_chip(state: ActionState) -> Chip {
    match state {
        ActionState::Open => Chip::new("warn", "clock", state.label()),
        ActionState::Answered => Chip::new("info", "todo", state.label()),
        ActionState::Closed => Chip::new("good", "check", state.label()),
    }
}

/// An override in the history.
struct OverrideLine {
    id: i64,
    tier: Chip,
    days: String,
    reason: String,
    state: Chip,
    history: Vec<String>,
    choices: Vec<(&'static str, &'static str)>,
}

fn override_line(me: &SignedIn, one: &AskedOverride, today: chrono::NaiveDate) -> OverrideLine {
    let row = &one.row;
    let own = row.requested_by_id == me.viewer.user_id;
    let over = row.last_day.0 < today;
    let choices = match (one.state, own) {
        _ if over || !me.viewer.role.may(Action::OverrideStanding) => Vec::new(),
        (None, true) => vec![("WITHDRAWN", "Take it back")],
        (None, false) => vec![("APPROVED", "Agree"), ("DENIED", "Deny")],
        (Some(Decision::Approved), true) => vec![("WITHDRAWN", "End it now")],
        (Some(Decision::Approved), false) => vec![("DENIED", "End it now")],
        _ => Vec::new(),
    };
    let mut history =
        vec![format!("{} {} asked for it", show::instant(row.requested_at.0), row.requested_by)];
    let line = |one: &OverrideDecisionRow| agreement_line(&one.kind, one.at, &one.actor, &one.words);
    history.extend(one.decisions.iter().map(line));
    let state = match one.state {
        Some(Decision::Approved) if over => Chip::new("none", "stop", "ended"),
        Some(Decision::Approved) if today < row.first_day.0 => Chip::new("info", "clock", "agreed, to come"),
        Some(Decision::Approved) => Chip::new("good", "check", "holds"),
        other => chip(other),
    };
    OverrideLine {
        id: row.id,
        tier: chip_of(tier_from_code(&row.tier)),
        days: format!("{} to {}", show::day(row.first_day.0), show::day(row.last_day.0)),
        reason: row.reason.clone(),
        state,
        history,
        choices,
    }
}

#[derive(Template)]
#[template(path = "standing/page.html")]
struct StandingPage {
    page: Page,
    partner: Partner,
    held: Chip,
    measured: Chip,
    by_hand: String,
    effects: Vec<String>,
    share: Option<(String, String, String)>,
    overrides: Vec<OverrideLine>,
    actions: Vec<ActionLine>,
    tiers: Vec<(String, String)>,
    may_ask: bool,
    form: Form,
    notice: Option<String>,
}

/// What follows from a standing, in words.
fn effects(tier: Option<Tier>) -> Vec<String> {
    let Some(tier) = tier else { return vec!["Nothing: it is not ranked yet.".to_owned()] };
    let follows = consequences(tier);
    let mut told = vec![format!("By default: {}.", tier.effect())];
    if follows.watched {
        told.push("It is on the watch list.".to_owned());
    }
    if follows.stopped {
        told.push("The capacity plan gives it no loads.".to_owned());
    } else if follows.frozen {
        told.push(
            "Its awards are frozen: the capacity plan gives it no more loads than it carries now.".to_owned(),
        );
    }
    if follows.corrective_action {
        told.push("A quarter that decides this standing opens a corrective action.".to_owned());
    }
    told
}

fn share_words(advice: &ShareAdvice) -> (String, String, String) {
    let (from, to) = (show::decimal(advice.suggested.from, 1), show::decimal(advice.suggested.to, 1));
    let range = if from == to { format!("{from} %") } else { format!("{from} to {to} %") };
    (range, format!("{} %", show::decimal(advice.present, 1)), advice.quarter.title().to_lowercase())
}

async fn standing_page(
    me: &SignedIn,
    id: i64,
    form: Form,
    notice: Option<String>,
) -> Result<StandingPage, WebError> {
    let (partner, held, overrides, found, share, today) = me
        .in_db(move |unit| {
            let partner = partner_show(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)?;
            let today = unit.app.today(unit.db)?;
            let held = standings_on(unit.db, unit.viewer, today)?.remove(&id).unwrap_or_default();
            let overrides = override_list(unit.db, unit.viewer, Some(id))?;
            let found = actions(unit.db, unit.viewer, Some(id))?;
            let share = share_advice(unit.db, unit.viewer, id, held.tier(), today)?;
            Ok::<_, WebError>((partner, held, overrides, found, share, today))
        })
        .await?;
    Ok(StandingPage {
        page: me.page(format!("Standing of {}", partner.name)),
        held: chip_of(held.tier()),
        measured: chip_of(held.measured),
        by_hand: held.words(),
        effects: effects(held.tier()),
        share: share.as_ref().map(share_words),
        overrides: overrides.iter().map(|one| override_line(me, one, today)).collect(),
        actions: found.iter().map(|one| action_line(one, partner.name.clone(), "", today)).collect(),
        tiers: BY_HAND.iter().map(|tier| (tier.code().to_owned(), tier.title().to_owned())).collect(),
        may_ask: me.viewer.role.may(Action::OverrideStanding),
        partner,
        form,
        notice,
    })
}

/// `GET /partners/{id}/standing`
pub(super) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    page::html(&standing_page(&me, *id, Form::default(), None).await?)
}

const NAMES: &[(&str, &str)] =
    &[("tier", "tier"), ("first_day", "first_day"), ("last_day", "last_day"), ("reason", "reason")];

/// `POST /partners/{id}/standing-overrides`
pub(super) async fn ask(me: SignedIn, id: web::Path<i64>, mut form: Form) -> Result<HttpResponse, WebError> {
    let id = *id;
    let (first, last) = (day(&mut form, "first_day"), day(&mut form, "last_day"));
    let refusal = match (first, last) {
        (Some(first), Some(last)) => {
            let new = NewOverride {
                partner_id: id,
                tier: tier_from_code(form.value("tier")),
                days: (first, last),
                reason: form.value("reason").to_owned(),
            };
            let work =
                me.in_db(move |unit| Ok::<_, WebError>(override_ask(unit.app, unit.db, unit.viewer, &new)));
            match work.await? {
                Ok(_) => {
                    me.flash("Asked for. It holds once someone else agrees.");
                    return Ok(page::see_other(&format!("/partners/{id}/standing")));
                }
                Err(error) => refuse(&mut form, error, NAMES)?,
            }
        }
        _ => unsound(),
    };
    let Refusal { status, notice } = refusal;
    page::html_with(status, &standing_page(&me, id, form, notice).await?)
}

/// `POST /standing-overrides/{id}/decision`
pub(super) async fn decide(me: SignedIn, id: web::Path<i64>, form: Form) -> Result<HttpResponse, WebError> {
    let id = *id;
    let decision: Decision = form
        .value("decision")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with it.".to_owned()))?;
    let why = form.value("words").to_owned();
    let partner_id = me
        .in_db(move |unit| {
            override_decide(unit.app, unit.db, unit.viewer, id, decision, &why).map_err(WebError::from)
        })
        .await?;
    me.flash(match decision {
        Decision::Approved => "Agreed. It ends by itself on its last day.",
        Decision::Denied => "Denied. The measured standing counts.",
        Decision::Withdrawn => "Taken back. The measured standing counts.",
    });
    Ok(page::see_other(&format!("/partners/{partner_id}/standing")))
}

struct WatchLine {
    id: i64,
    name: String,
    held: Chip,
    measured: Chip,
    by_hand: String,
    effect: String,
    actions: String,
}

#[derive(Template)]
#[template(path = "standing/watch.html")]
struct WatchPage {
    page: Page,
    lines: Vec<WatchLine>,
    actions: Vec<ActionLine>,
}

/// `GET /watch-list`: partners on it, and every corrective action.
pub(super) async fn watch(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (watched, found, partners, today) = me
        .in_db(|unit| {
            let today = unit.app.today(unit.db)?;
            let watched = watch_list(unit.db, unit.viewer, today)?;
            let found = actions(unit.db, unit.viewer, None)?;
            Ok::<_, WebError>((watched, found, partner_list(unit.db, unit.viewer)?, today))
        })
        .await?;
    let name = |id: i64| {
        let found = partners.iter().find(|partner| partner.id == id);
        found.map_or_else(String::new, |partner| partner.name.clone())
    };
    let lines = watched
        .into_iter()
        .map(|one| {
            let open = found
                .iter()
                .filter(|action| action.row.partner_id == one.partner.id)
                .filter(|action| action.state != ActionState::Closed)
                .count();
            WatchLine {
                held: chip_of(one.held.tier()),
                measured: chip_of(one.held.measured),
                by_hand: one.held.words(),
                effect: one.held.tier().map_or("", Tier::effect).to_owned(),
                actions: if open == 0 { String::new() } else { words::many(open, "corrective action") },
                id: one.partner.id,
                name: one.partner.name,
            }
        })
        .collect();
    page::html(&WatchPage {
        page: me.page("Watch list"),
        lines,
        actions: found.iter().map(|one| action_line(one, name(one.row.partner_id), "", today)).collect(),
    })
}

/// One corrective action, for either side.
struct ActionView {
    /// Where its form goes.
    post: String,
    partner_id: i64,
    title: String,
    partner: String,
    words: String,
    owner: String,
    due: Due,
    state: Chip,
    history: Vec<String>,
    card: String,
    choices: Vec<(&'static str, &'static str)>,
}

fn action_view(
    one: &Corrective,
    partner: String,
    portal: bool,
    may: bool,
    today: chrono::NaiveDate,
) -> ActionView {
    let line = action_line(one, partner.clone(), "", today);
    let row = &one.row;
    let mut history = vec![format!("{} {} opened it", show::instant(row.opened_at.0), row.opened_by)];
    history.extend(one.steps.iter().map(|step| {
        let what = step.kind.parse::<Step>().map_or("", Step::label);
        format!("{} {} {what}: {}", show::instant(step.at.0), step.actor, step.words)
    }));
    let choices = match (portal, one.state) {
        (true, ActionState::Open) => vec![("ANSWERED", "Send the answer")],
        (false, ActionState::Open) if may => vec![("CLOSED", "Close it")],
        (false, ActionState::Answered) if may => vec![("CLOSED", "Close it"), ("REOPENED", "Open it again")],
        _ => Vec::new(),
    };
    ActionView {
        post: if portal {
            format!("/portal/corrective-actions/{}/answer", row.id)
        } else {
            format!("/corrective-actions/{}/steps", row.id)
        },
        partner_id: row.partner_id,
        title: line.title,
        partner,
        words: row.words.clone(),
        owner: row.owner.clone(),
        due: line.due,
        state: line.state,
        history,
        card: if portal {
            format!("/portal/scorecards/{}", row.period)
        } else {
            format!("/scorecards/{}/{}", row.partner_id, row.period)
        },
        choices,
    }
}

#[derive(Template)]
#[template(path = "standing/action.html")]
struct ActionPage {
    page: Page,
    action: ActionView,
    form: Form,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "standing/action_own.html")]
struct OwnActionPage {
    page: Page,
    action: ActionView,
    form: Form,
    notice: Option<String>,
}

fn found_action(unit: &mut Unit<'_>, id: i64) -> Result<(Corrective, String, chrono::NaiveDate), WebError> {
    let found = actions(unit.db, unit.viewer, None)?.into_iter().find(|one| one.row.id == id);
    let found = found.ok_or(WebError::NotFound)?;
    let partner = partner_show(unit.db, unit.viewer, found.row.partner_id)?;
    let name = partner.map(|partner| partner.name).unwrap_or_default();
    Ok((found, name, unit.app.today(unit.db)?))
}

/// `GET /corrective-actions/{id}`
pub(super) async fn action(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |mut unit| found_action(&mut unit, id)).await?;
    page::html(&action_page(&me, found, Form::default(), None))
}

fn action_page(
    me: &SignedIn,
    (found, partner, today): (Corrective, String, chrono::NaiveDate),
    form: Form,
    notice: Option<String>,
) -> ActionPage {
    let may = me.viewer.role.may(Action::RunCorrectiveActions);
    ActionPage {
        page: me.page("Corrective action"),
        action: action_view(&found, partner, false, may, today),
        form,
        notice,
    }
}

/// `GET /portal/corrective-actions/{id}`
pub(super) async fn action_own(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |mut unit| found_action(&mut unit, id)).await?;
    page::html(&action_page_own(&me, found, Form::default(), None))
}

fn action_page_own(
    me: &SignedIn,
    (found, partner, today): (Corrective, String, chrono::NaiveDate),
    form: Form,
    notice: Option<String>,
) -> OwnActionPage {
    OwnActionPage {
        page: me.page("Corrective action"),
        action: action_view(&found, partner, true, false, today),
        form,
        notice,
    }
}

/// `POST /corrective-actions/{id}/steps`
pub(super) async fn step(me: SignedIn, id: web::Path<i64>, form: Form) -> Result<HttpResponse, WebError> {
    let kind: Step = form
        .value("step")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with it.".to_owned()))?;
    if kind == Step::Answered {
        return Err(WebError::BadRequest("The partner answers it in the portal.".to_owned()));
    }
    take(me, *id, kind, form, "").await
}

/// `POST /portal/corrective-actions/{id}/answer`
pub(super) async fn answer_own(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    take(me, *id, Step::Answered, form, "/portal").await
}

async fn take(
    me: SignedIn,
    id: i64,
    kind: Step,
    mut form: Form,
    base: &'static str,
) -> Result<HttpResponse, WebError> {
    let why = form.value("words").to_owned();
    let work =
        me.in_db(move |unit| Ok::<_, WebError>(action_step(unit.app, unit.db, unit.viewer, id, kind, &why)));
    match work.await? {
        Ok(()) => {
            me.flash(match kind {
                Step::Answered => "Your answer is sent.",
                Step::Reopened => "Opened again; the partner is told.",
                Step::Closed => "Closed; the partner is told.",
            });
            Ok(page::see_other(&format!("{base}/corrective-actions/{id}")))
        }
        Err(error) => {
            let Refusal { status, notice } = refuse(&mut form, error, &[("words", "words")])?;
            let found = me.in_db(move |mut unit| found_action(&mut unit, id)).await?;
            if base.is_empty() {
                page::html_with(status, &action_page(&me, found, form, notice))
            } else {
                page::html_with(status, &action_page_own(&me, found, form, notice))
            }
        }
    }
}

/// The standing that counts today, as a chip of a list.
pub(super) fn held_chip(held: Option<&HeldOn>) -> Chip {
    chip_of(held.and_then(HeldOn::tier))
}

/// What a list says beside a standing that was set by hand; empty when it was measured.
pub(super) fn by_hand_words(held: Option<&HeldOn>) -> String {
    let Some(held) = held.filter(|held| held.by_hand.is_some()) else { return String::new() };
    format!("by hand, measured {}", held.measured.map_or("not ranked", Tier::title))
}
