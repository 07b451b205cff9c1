//! The standing of a partner, measured and set by hand, and what follows: the watch list, corrective actions, the share
//! that is suggested.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::{Refusal, day, refuse, unsound};
use super::exclusion::{agreement_line, chip};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::partner::{Chip, Due};
use super::scorecard::card::tier_chip;
use super::show;
use crate::app::corrective::{
    Corrective, NewAction, action as one_action, action_open, action_step, actions,
};
use crate::app::own_kpi::library;
use crate::app::score::tier_from_code;
use crate::app::standing::{
    NewOverride, ShareAdvice, override_ask, override_decide, share_advice, standing_on, watch_list,
};
use crate::db::Db;
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::standing::{
    ActionRow, AskedOverride, OverrideDecisionRow, STANDING_LIST_LIMIT, Which, override_list,
};
use crate::domain::capacity::CARRIED_WEEKS;
use crate::domain::corrective::{ActionState, Step};
use crate::domain::exclusion::Decision;
use crate::domain::formula::OwnKpi;
use crate::domain::kpi::Kpi;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    HeldOn, OverrideDecision, Tier, consequences, in_catalogue, kpi_part, last_day_held, scope_part,
};
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

/// What KPIs are called, by code; own ones also when they are not used any more.
struct KpiNames {
    own: BTreeMap<String, OwnKpi>,
}

impl KpiNames {
    fn read(db: &mut Db) -> Result<Self, WebError> {
        let own = library(db)?;
        Ok(Self { own: own.kpis().map(|kpi| (kpi.code.clone(), kpi.clone())).collect() })
    }

    /// What an action can be about, for a choice: the standing as a whole first.
    fn choices(&self) -> Vec<(String, String)> {
        let whole = (String::new(), "The standing as a whole".to_owned());
        let catalogue = Kpi::ALL.into_iter().map(|kpi| (kpi.code().to_owned(), kpi.name().to_owned()));
        let own = self.own.values().filter(|kpi| !kpi.retired);
        let own = own.map(|kpi| (kpi.code.clone(), kpi.name.clone()));
        std::iter::once(whole).chain(catalogue).chain(own).collect()
    }

    /// The name of a line: of a KPI, with its scope where it has one.
    fn of(&self, code: &str) -> String {
        let kpi = kpi_part(code);
        let name = match in_catalogue(kpi) {
            Some(known) => known.name(),
            None => self.own.get(kpi).map_or(kpi, |own| own.name.as_str()),
        };
        scope_part(code).map_or_else(|| name.to_owned(), |scope| format!("{name} ({scope})"))
    }
}

/// `Status within 60 min, quarter 2 of 2026`: the KPI and the period that a corrective action is about.
fn action_title(row: &ActionRow, names: &KpiNames) -> String {
    let what = if row.kpi.is_empty() { "Standing".to_owned() } else { names.of(&row.kpi) };
    // What a person opened is about no single period.
    if row.scorecard_id.is_none() {
        return format!("{what}, opened by hand");
    }
    match row.period.parse::<Period>() {
        Ok(period) if period.kind() == PeriodKind::Quarter => {
            format!("{what}, {}", period.title().to_lowercase())
        }
        Ok(period) => format!("{what}, {}", period.title()),
        Err(_) => what,
    }
}

/// What to say under a list that shows only the newest rows; nothing when it shows all.
fn full_list(rows: usize) -> Option<String> {
    let most = usize::try_from(STANDING_LIST_LIMIT).unwrap_or(usize::MAX);
    (rows >= most).then(|| {
        format!(
            "The newest {} are shown. The page of a partner's standing shows all of its own.",
            words::figure(STANDING_LIST_LIMIT)
        )
    })
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

fn action_line(one: &Corrective, partner: String, names: &KpiNames, today: chrono::NaiveDate) -> ActionLine {
    let row = &one.row;
    ActionLine {
        href: format!("/corrective-actions/{}", row.id),
        title: action_title(row, names),
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
    /// The words of a decision that was refused.
    said: String,
}

fn override_line(me: &SignedIn, one: &AskedOverride, today: chrono::NaiveDate) -> OverrideLine {
    let row = &one.row;
    let own = row.requested_by_id == me.viewer.user_id;
    let over = row.last_day.0 < today;
    let choices = match (one.state, own) {
        _ if over || !me.viewer.role.may(Action::OverrideStanding) => Vec::new(),
        (None, true) => vec![("WITHDRAWN", "Take it back")],
        (None, false) => vec![("APPROVED", "Agree"), ("DENIED", "Deny")],
        (Some(OverrideDecision::Approved), _) => vec![("ENDED", "End it now")],
        _ => Vec::new(),
    };
    let mut history = vec![format!("{} {} asked for it", show::moment(row.requested_at.0), row.requested_by)];
    history.extend(one.decisions.iter().map(decision_line));
    let held = last_day_held(row.first_day.0, row.last_day.0, one.ended_on());
    let state = match one.state {
        None => chip(None),
        Some(OverrideDecision::Denied) => chip(Some(Decision::Denied)),
        Some(OverrideDecision::Withdrawn) => chip(Some(Decision::Withdrawn)),
        Some(OverrideDecision::Ended) if held.is_some() => Chip::new("none", "stop", "ended early"),
        Some(OverrideDecision::Ended) => Chip::new("none", "stop", "ended before it began"),
        Some(OverrideDecision::Approved) if over => Chip::new("none", "stop", "ended"),
        Some(OverrideDecision::Approved) if today < row.first_day.0 => {
            Chip::new("info", "clock", "agreed, to come")
        }
        Some(OverrideDecision::Approved) => Chip::new("good", "check", "holds"),
    };
    let mut days = format!("{} to {}", show::day(row.first_day.0), show::day(row.last_day.0));
    if let (Some(OverrideDecision::Ended), Some(last)) = (one.state, held) {
        days.push_str(&format!("; it held until {}", show::day(last)));
    }
    OverrideLine {
        id: row.id,
        tier: chip_of(tier_from_code(&row.tier)),
        days,
        reason: row.reason.clone(),
        state,
        history,
        choices,
        said: String::new(),
    }
}

/// A decision about an override, as a line of its history.
fn decision_line(one: &OverrideDecisionRow) -> String {
    match one.ends_on {
        Some(day) => format!(
            "{} {} ended it from {} on: {}",
            show::moment(one.at.0),
            one.actor,
            show::day(day.0),
            one.words
        ),
        None => agreement_line(&one.kind, one.at, &one.actor, &one.words),
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
    /// What to say when more were asked for than are shown.
    more: Option<String>,
    actions: Vec<ActionLine>,
    tiers: Vec<(String, String)>,
    may_ask: bool,
    /// KPIs a corrective action can be opened for.
    kpis: Vec<(String, String)>,
    may_open: bool,
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
            format!("Its awards are frozen: the capacity plan gives it no more loads a week on a lane than it carried in the last {CARRIED_WEEKS} whole weeks, or since its first load there."),
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
    let (partner, held, overrides, found, share, today, names) = me
        .in_db(move |unit| {
            let partner = partner_show(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)?;
            let today = unit.app.today(unit.db)?;
            let held = standing_on(unit.db, unit.viewer, id, today)?;
            let overrides = override_list(unit.db, unit.viewer, Some(id), Which::Newest)?;
            let found = actions(unit.db, unit.viewer, Some(id))?;
            let share = share_advice(unit.db, unit.viewer, id, held.tier(), today)?;
            let names = KpiNames::read(unit.db)?;
            Ok::<_, WebError>((partner, held, overrides, found, share, today, names))
        })
        .await?;
    Ok(StandingPage {
        page: me.page(format!("Standing of {}", partner.name)),
        held: chip_of(held.tier()),
        measured: chip_of(held.measured),
        by_hand: held.words(),
        effects: effects(held.tier()),
        share: share.as_ref().map(share_words),
        more: full_list(overrides.len()),
        overrides: overrides.iter().map(|one| override_line(me, one, today)).collect(),
        actions: found.iter().map(|one| action_line(one, partner.name.clone(), &names, today)).collect(),
        tiers: BY_HAND.iter().map(|tier| (tier.code().to_owned(), tier.title().to_owned())).collect(),
        may_ask: me.viewer.role.may(Action::OverrideStanding),
        kpis: names.choices(),
        may_open: me.viewer.role.may(Action::RunCorrectiveActions),
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

/// Name in the rules, name on the form.
const ACTION_NAMES: &[(&str, &str)] = &[("kpi", "kpi"), ("words", "what"), ("due_on", "due_on")];

/// `POST /partners/{id}/corrective-actions`
pub(super) async fn open_action(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match day(&mut form, "due_on") {
        Some(due_on) => {
            let new = NewAction {
                partner_id: id,
                kpi: form.value("kpi").to_owned(),
                words: form.value("what").to_owned(),
                due_on,
            };
            let work =
                me.in_db(move |unit| Ok::<_, WebError>(action_open(unit.app, unit.db, unit.viewer, &new)));
            match work.await? {
                Ok(opened) => {
                    me.flash("Opened; the partner is told.");
                    return Ok(page::see_other(&format!("/corrective-actions/{opened}")));
                }
                Err(error) => refuse(&mut form, error, ACTION_NAMES)?,
            }
        }
        None => unsound(),
    };
    let Refusal { status, notice } = refusal;
    page::html_with(status, &standing_page(&me, id, form, notice).await?)
}

/// `POST /standing-overrides/{id}/decision`
pub(super) async fn decide(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let decision: OverrideDecision = form
        .value("decision")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with it.".to_owned()))?;
    let why = form.value("words").to_owned();
    let said = why.clone();
    let (partner_id, decided) = me
        .in_db(move |unit| {
            let found = override_list(unit.db, unit.viewer, None, Which::One(id))?.pop();
            let partner_id = found.ok_or(WebError::NotFound)?.row.partner_id;
            let decided = override_decide(unit.app, unit.db, unit.viewer, id, decision, &why);
            Ok::<_, WebError>((partner_id, decided))
        })
        .await?;
    if let Err(error) = decided {
        let Refusal { status, notice } = refuse(&mut form, error, &[])?;
        let mut shown = standing_page(&me, partner_id, Form::default(), notice).await?;
        shown.overrides.iter_mut().filter(|one| one.id == id).for_each(|one| one.said.clone_from(&said));
        return page::html_with(status, &shown);
    }
    me.flash(match decision {
        OverrideDecision::Approved => "Agreed. It ends by itself on its last day.",
        OverrideDecision::Denied => "Denied. The measured standing counts.",
        OverrideDecision::Withdrawn => "Taken back. The measured standing counts.",
        OverrideDecision::Ended => "Ended. From today on the measured standing counts.",
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
    /// What to say when there are more actions than are shown.
    more: Option<String>,
}

/// `GET /watch-list`: partners on it, and every corrective action.
pub(super) async fn watch(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (watched, found, partners, today, names) = me
        .in_db(|unit| {
            let today = unit.app.today(unit.db)?;
            let mut watched = Vec::new();
            for one in watch_list(unit.db, unit.viewer, today)? {
                let own = actions(unit.db, unit.viewer, Some(one.partner.id))?;
                let open = own.iter().filter(|action| action.state != ActionState::Closed).count();
                watched.push((one, open));
            }
            let found = actions(unit.db, unit.viewer, None)?;
            let names = KpiNames::read(unit.db)?;
            Ok::<_, WebError>((watched, found, partner_list(unit.db, unit.viewer)?, today, names))
        })
        .await?;
    let name = |id: i64| {
        let found = partners.iter().find(|partner| partner.id == id);
        found.map_or_else(String::new, |partner| partner.name.clone())
    };
    let lines = watched
        .into_iter()
        .map(|(one, open)| WatchLine {
            held: chip_of(one.held.tier()),
            measured: chip_of(one.held.measured),
            by_hand: one.held.words(),
            effect: one.held.tier().map_or("", Tier::effect).to_owned(),
            actions: if open == 0 { String::new() } else { words::many(open, "corrective action") },
            id: one.partner.id,
            name: one.partner.name,
        })
        .collect();
    page::html(&WatchPage {
        page: me.page("Watch list"),
        lines,
        more: full_list(found.len()),
        actions: found.iter().map(|one| action_line(one, name(one.row.partner_id), &names, today)).collect(),
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
    /// The scorecard that opened it; none when a person did.
    card: Option<String>,
    choices: Vec<(&'static str, &'static str)>,
}

fn action_view(
    one: &Corrective,
    partner: String,
    portal: bool,
    may: bool,
    (today, names): (chrono::NaiveDate, &KpiNames),
) -> ActionView {
    let line = action_line(one, partner.clone(), names, today);
    let row = &one.row;
    let mut history = vec![format!("{} {} opened it", show::moment(row.opened_at.0), row.opened_by)];
    history.extend(one.steps.iter().map(|step| {
        let what = match step.kind.parse::<Step>() {
            Ok(Step::Noted) => "noted a later quarter",
            Ok(step) => step.label(),
            Err(_) => "",
        };
        format!("{} {} {what}: {}", show::moment(step.at.0), step.actor, step.words)
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
        card: row.scorecard_id.map(|_| {
            if portal {
                format!("/portal/scorecards/{}", row.period)
            } else {
                format!("/scorecards/{}/{}", row.partner_id, row.period)
            }
        }),
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

/// An action with what its page needs beside it.
struct Found {
    action: Corrective,
    partner: String,
    today: chrono::NaiveDate,
    names: KpiNames,
}

fn found_action(unit: &mut Unit<'_>, id: i64) -> Result<Found, WebError> {
    let found = one_action(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)?;
    let partner = partner_show(unit.db, unit.viewer, found.row.partner_id)?;
    Ok(Found {
        action: found,
        partner: partner.map(|partner| partner.name).unwrap_or_default(),
        today: unit.app.today(unit.db)?,
        names: KpiNames::read(unit.db)?,
    })
}

/// `GET /corrective-actions/{id}`
pub(super) async fn action(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |mut unit| found_action(&mut unit, id)).await?;
    page::html(&action_page(&me, found, Form::default(), None))
}

fn action_page(me: &SignedIn, found: Found, form: Form, notice: Option<String>) -> ActionPage {
    let may = me.viewer.role.may(Action::RunCorrectiveActions);
    ActionPage {
        page: me.page("Corrective action"),
        action: action_view(&found.action, found.partner, false, may, (found.today, &found.names)),
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

fn action_page_own(me: &SignedIn, found: Found, form: Form, notice: Option<String>) -> OwnActionPage {
    OwnActionPage {
        page: me.page("Corrective action"),
        action: action_view(&found.action, found.partner, true, false, (found.today, &found.names)),
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
    match kind {
        Step::Answered => {
            return Err(WebError::BadRequest("The partner answers it in the portal.".to_owned()));
        }
        Step::Noted => return Err(WebError::BadRequest("Choose what to do with it.".to_owned())),
        Step::Reopened | Step::Closed => {}
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
                Step::Closed | Step::Noted => "Closed; the partner is told.",
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
