//! The life of a version on the contract page: the stepper, who must act next, the buttons, the history, and the
//! forms of the steps that need a reason or a day.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::Days;

use super::super::edit::{self, Refusal};
use super::super::extract::{Form, SignedIn};
use super::super::page::{self, Page, WebError};
use super::super::show;
use super::{ContractView, draft, load, view};
use crate::app::contract::{ContractPage, lifecycle as app, rest};
use crate::app::edit::EditError;
use crate::db::contract_event::{EventRow, role_code};
use crate::domain::contract::{ContractStatus, ContractVersionStatus as Status};
use crate::domain::lifecycle::{Mend, Missing, Step};
use crate::domain::negotiation::{Side, Talk};
use crate::domain::viewer::Action;

/// Hash characters shown in the history.
const HASH_CHARS: usize = 12;

/// One station of the stepper.
pub(super) struct Station {
    pub title: &'static str,
    pub text: String,
    pub done: bool,
    pub current: bool,
}

/// Where the version has been, where it is, and what comes.
pub(super) fn stations(found: &ContractPage) -> Vec<Station> {
    let status = found.terms.status;
    // Only the last time counts: a version that came back goes through review again.
    let took = |step: Step| found.steps.iter().rfind(|event| event.step == step.code());
    let since = |step: Step| {
        took(step).map(|event| format!("{}, {}", event.actor, show::day(event.at.0.date_naive())))
    };
    let version = &found.version;
    let at = match status {
        Status::Draft => 0,
        Status::InReview => 1,
        Status::Approved => 2,
        Status::Signed => 3,
        Status::Active | Status::Suspended => 4,
        Status::Superseded | Status::Expired | Status::Terminated => 5,
    };
    let (from, to) = found.terms.in_force_days();
    let last = to.and_then(|to| to.checked_sub_days(Days::new(1)));
    let started = format!("{}, {}", version.created_by, show::day(version.created_at.0.date_naive()));
    let signed = version.signed_by.as_ref().zip(version.signed_at);
    let signed = signed.map(|(by, at)| format!("{by}, {}", show::day(at.0.date_naive())));
    let in_force = match (status, found.terms.rests.last()) {
        (Status::Suspended, Some((day, _))) => format!("suspended from {}", show::day(*day)),
        _ => format!("from {}", show::day(from)),
    };
    let texts = [
        ("Draft", Some(started)),
        ("In review", Some(since(Step::Submit)).filter(|_| at >= 1).flatten()),
        ("Approved", since(Step::Approve).filter(|_| at >= 2)),
        ("Signed", signed.filter(|_| at >= 3)),
        ("In force", Some(in_force)),
        (
            if at == 5 { status.label() } else { "Ended" },
            Some(
                last.map_or_else(|| "no end agreed".to_owned(), |last| format!("after {}", show::day(last))),
            ),
        ),
    ];
    let open =
        ["", "by its author", "by someone who wrote none of it", "by the partner, in its portal", "", ""];
    texts
        .into_iter()
        .zip(open)
        .zip(0..)
        .map(|(((title, text), open), place)| Station {
            title,
            text: text.unwrap_or_else(|| open.to_owned()),
            done: place < at || (place == at && at == 5),
            current: place == at,
        })
        .collect()
}

/// Who must act next, as a title and a sentence.
pub(super) fn next(found: &ContractPage) -> (String, String) {
    let no = found.version.version;
    let partner = &found.partner.name;
    match found.terms.status {
        Status::Draft => {
            let back = found.steps.last().filter(|event| !event.note.is_empty());
            let back = back.map(|event| format!(" {} said: {}", event.actor, event.note));
            let back = back.unwrap_or_default();
            match &found.talk {
                Talk::Open(open) if open.by == Side::Shipper => (
                    format!("Version {no} waits for the answer of {partner}"),
                    format!("Round {} can be answered until {}.", open.round, show::day(open.reply_by)),
                ),
                Talk::Open(open) => (
                    format!("Round {} of {partner} waits for your answer", open.round),
                    format!("Accept, counter or decline it until {}.", show::day(open.reply_by)),
                ),
                Talk::Agreed { round, .. } => (
                    format!("Version {no} is agreed in round {round}"),
                    format!("Send that text to review; it is held as it was accepted.{back}"),
                ),
                Talk::Idle | Talk::Closed { .. } => (
                    format!("Version {no} is a draft"),
                    format!("Its author finishes it and sends it to review, or to the partner first.{back}"),
                ),
            }
        }
        Status::InReview => (
            format!("Version {no} is in review"),
            "Someone who may approve contracts and wrote none of it approves it or returns it.".to_owned(),
        ),
        Status::Approved => (
            format!("Version {no} waits for the signature of {partner}"),
            "Its text is sealed. A user of the partner signs it in the portal; nothing of it holds before."
                .to_owned(),
        ),
        Status::Signed => (
            format!("Version {no} is signed"),
            format!("Nobody has to act: it comes into force on {}.", show::day(found.version.valid_from.0)),
        ),
        Status::Active => (format!("Version {no} is in force"), "Nobody has to act.".to_owned()),
        Status::Suspended => (
            format!("Version {no} is suspended"),
            "It still prices what moves; nothing is credited for what falls due until it is resumed."
                .to_owned(),
        ),
        Status::Superseded | Status::Expired | Status::Terminated => {
            (format!("Version {no} is over"), "What held before still counts for the days before.".to_owned())
        }
    }
}

/// The steps a page has buttons for.
#[derive(Clone, Copy, Default)]
pub(super) struct Buttons {
    pub submit: bool,
    pub approve: bool,
    pub give_back: bool,
    pub recall: bool,
    pub suspend: bool,
    pub resume: bool,
    pub terminate: bool,
}

impl Buttons {
    pub(super) fn of(found: &ContractPage) -> Self {
        let may = |step: Step| found.may.contains(&step);
        Self {
            submit: may(Step::Submit),
            approve: may(Step::Approve),
            give_back: may(Step::Return),
            recall: may(Step::Recall),
            suspend: may(Step::Suspend),
            resume: may(Step::Resume),
            terminate: may(Step::Terminate),
        }
    }
}

/// One missing thing, with the place where it is put right.
pub(super) struct MissingRow {
    pub what: String,
    pub todo: String,
    pub place: &'static str,
    /// The address of that place, for whoever may change the version now.
    pub href: Option<String>,
}

pub(super) fn missing_rows(missing: &[Missing], found: &ContractPage) -> Vec<MissingRow> {
    let form = |name: &str| Some(format!("/contract-versions/{}/{name}", found.version.id));
    let row = |one: &Missing| {
        let (place, href) = match one.mend {
            // Number and term are fixed once anything was signed; then only a new version can say more.
            Mend::Contract => ("Number and term", Some(format!("/contracts/{}/edit", found.contract.id))),
            Mend::Dates => ("First day and summary", form("edit")),
            Mend::Options => ("Options", form("options")),
            Mend::Limit => ("Limit over all clauses", form("limits")),
            Mend::Clauses => ("Clauses", Some("#clauses".to_owned())),
            Mend::Rating => ("How it is rated", form("parameters")),
            Mend::Terms(kind) => (kind.plural(), Some(format!("#{}", kind.slug()))),
            Mend::Rates => ("The rate sheet", None),
        };
        let open = found.may_edit
            && (one.mend != Mend::Contract || found.contract.term.status == ContractStatus::Draft);
        let todo = edit::sentence(&one.todo);
        MissingRow { what: one.what.clone(), todo, place, href: href.filter(|_| open) }
    };
    missing.iter().map(row).collect()
}

/// One step in the history.
pub(super) struct EventLine {
    pub at: String,
    pub version_no: i32,
    pub who: String,
    pub what: &'static str,
    pub way: String,
    pub note: String,
    pub hash: String,
}

pub(super) fn event_line(event: &EventRow) -> EventLine {
    let label = |code: &str| code.parse().map_or("", Status::label);
    let way = match (label(&event.from_status), label(&event.to_status)) {
        ("", to) => to.to_owned(),
        (from, "") => format!("{from} to nothing"),
        (from, to) => format!("{from} to {to}"),
    };
    let step: Option<Step> = event.step.parse().ok();
    let by_clock = event.actor_role == role_code(None);
    let day = event.day.map(|day| format!("from {}", show::day(day.0)));
    let note = day.into_iter().chain(Some(event.note.clone()).filter(|note| !note.is_empty()));
    EventLine {
        at: show::instant(event.at.0),
        version_no: event.version,
        who: if by_clock { "The version".to_owned() } else { event.actor.clone() },
        what: step.map_or("took an unknown step", Step::label),
        way,
        note: note.collect::<Vec<_>>().join(": "),
        hash: event.terms_sha256.chars().take(HASH_CHARS).collect(),
    }
}

// ---- steps without a form of their own --------------------------------------

/// `POST /contract-versions/{id}/review`
pub(in crate::web) async fn submit(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, seen) = (*id, form.value("seen").to_owned());
    let address = draft::load(&me, id).await?.address();
    me.in_db(move |unit| app::version_submit(unit.app, unit.db, unit.viewer, id, &seen)).await?;
    me.flash("The version is in review. Someone who wrote none of it approves it.");
    Ok(page::see_other(&address))
}

#[derive(Template)]
#[template(path = "contract/incomplete.html")]
struct IncompletePage {
    view: ContractView,
    page: Page,
}

/// `POST /contracts/{id}/approval`
pub(in crate::web) async fn approve(
    me: SignedIn,
    _: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let Ok(version_id) = form.value("version_id").parse::<i64>() else {
        return Err(WebError::BadRequest("Say which version to approve.".to_owned()));
    };
    let seen = form.value("seen").to_owned();
    let work = move |unit: super::super::extract::Unit<'_>| {
        Ok::<_, WebError>(app::version_approve(unit.app, unit.db, unit.viewer, version_id, &seen))
    };
    match me.in_db(work).await? {
        Ok(()) => {
            let address = draft::load(&me, version_id).await?.address();
            me.flash("The version is approved and sealed. The partner is asked to sign it.");
            Ok(page::see_other(&address))
        }
        Err(EditError::Incomplete { missing, .. }) => {
            let found = draft::load(&me, version_id).await?.page;
            let missing = missing_rows(&missing, &found);
            let view = ContractView { missing, ..view(&me, found, &Form::default()) };
            let page =
                me.page(format!("Version {} of {} is not complete", view.version_no, view.contract.number));
            page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &IncompletePage { view, page })
        }
        Err(error) => Err(error.into()),
    }
}

// ---- steps that need a reason, and some of them a day -------------------------

#[derive(Template)]
#[template(path = "contract/step_form.html")]
struct StepForm {
    page: Page,
    contract_id: i64,
    number: String,
    lede: &'static str,
    action: String,
    back: String,
    button: &'static str,
    day: Option<(&'static str, &'static str)>,
    note_hint: &'static str,
    form: Form,
    notice: Option<String>,
    seen: String,
}

const NAMES: &[(&str, &str)] = &[("note", "note"), ("day", "day")];

/// The form of a step. `of_version` says whether the step is of one version or of the contract.
fn step_form(
    me: &SignedIn,
    found: &ContractPage,
    step: Step,
    form: Form,
    refusal: Option<Refusal>,
) -> Result<HttpResponse, WebError> {
    let (contract, version) = (&found.contract, &found.version);
    let (no, number) = (version.version, &contract.number);
    let of_version = |name: &str| format!("/contract-versions/{}/{name}", version.id);
    let of_contract = |name: &str| format!("/contracts/{}/{name}", contract.id);
    let (title, lede, action, button, day) = match step {
        Step::Return => (
            format!("Return version {no} of {number}"),
            "It is a draft again, and its author is told why by mail.",
            of_version("return"),
            "Return it",
            None,
        ),
        Step::Recall => (
            format!("Take back version {no} of {number}"),
            "The partner can no longer sign it. It is a draft again and goes through review anew.",
            of_version("recall"),
            "Take it back",
            None,
        ),
        Step::Suspend => (
            format!("Suspend {number}"),
            "Its terms still price what moves. Nothing is credited for what falls due until it is resumed.",
            of_contract("suspension"),
            "Suspend it",
            Some(("From", "The first day on which nothing is credited; today or up to 31 days back.")),
        ),
        Step::Resume => (
            format!("Resume {number}"),
            "From this day on obligations are credited again.",
            of_contract("resumption"),
            "Resume it",
            Some(("From", "The first day on which credits count again; today or earlier.")),
        ),
        _ => (
            format!("Terminate {number}"),
            "It ends before its term. To end it with notice, give notice instead.",
            of_contract("termination"),
            "Terminate it",
            Some(("Last day", "The last day on which its terms hold; today or up to 31 days back.")),
        ),
    };
    let version_step = matches!(step, Step::Return | Step::Recall);
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let page = StepForm {
        page: me.page(title),
        contract_id: contract.id,
        number: number.clone(),
        lede,
        action,
        back: format!("/contracts/{}?version={no}", contract.id),
        button,
        day,
        note_hint: if step == Step::Return { "Its author reads it." } else { "It stays in the history." },
        form,
        notice: refusal.and_then(|refusal| refusal.notice),
        seen: if version_step { found.seen.clone() } else { found.contract_seen.clone() },
    };
    page::html_with(status, &page)
}

/// Refuses a form for a step that cannot be taken now.
fn open(found: ContractPage, step: Step) -> Result<ContractPage, WebError> {
    if found.may.contains(&step) {
        return Ok(found);
    }
    let words = format!("The version is {}, so this step does not fit.", found.terms.status.label());
    Err(WebError::Conflict(words))
}

/// `GET /contract-versions/{id}/return`
pub(in crate::web) async fn return_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = open(draft::load(&me, *id).await?.page, Step::Return)?;
    step_form(&me, &found, Step::Return, Form::default(), None)
}

/// `GET /contract-versions/{id}/recall`
pub(in crate::web) async fn recall_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = open(draft::load(&me, *id).await?.page, Step::Recall)?;
    step_form(&me, &found, Step::Recall, Form::default(), None)
}

/// `POST /contract-versions/{id}/return`
pub(in crate::web) async fn give_back(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    version_step(me, *id, form, Step::Return, "The version is a draft again; its author is told.").await
}

/// `POST /contract-versions/{id}/recall`
pub(in crate::web) async fn recall(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    version_step(me, *id, form, Step::Recall, "The version is taken back and is a draft again.").await
}

async fn version_step(
    me: SignedIn,
    id: i64,
    mut form: Form,
    step: Step,
    done: &str,
) -> Result<HttpResponse, WebError> {
    let (seen, note) = (form.value("seen").to_owned(), form.value("note").to_owned());
    let work = me.in_db(move |unit| {
        let take = if step == Step::Return { app::version_return } else { app::version_recall };
        Ok::<_, WebError>(take(unit.app, unit.db, unit.viewer, id, &seen, &note))
    });
    match work.await? {
        Ok(()) => {
            me.flash(done);
            Ok(page::see_other(&draft::load(&me, id).await?.address()))
        }
        Err(error) => {
            let refusal = edit::refuse(&mut form, error, NAMES)?;
            step_form(&me, &draft::load(&me, id).await?.page, step, form, Some(refusal))
        }
    }
}

/// `GET /contracts/{id}/suspension`: suspends what is in force, resumes what is suspended.
pub(in crate::web) async fn suspension_form(
    me: SignedIn,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let found = load(&me, *id).await?;
    let step = if found.terms.status == Status::Suspended { Step::Resume } else { Step::Suspend };
    let found = open(found, step)?;
    let form = Form::filled([("day", found.today.to_string())]);
    step_form(&me, &found, step, form, None)
}

/// `GET /contracts/{id}/termination`
pub(in crate::web) async fn termination_form(
    me: SignedIn,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let found = open(load(&me, *id).await?, Step::Terminate)?;
    let form = Form::filled([("day", found.today.to_string())]);
    step_form(&me, &found, Step::Terminate, form, None)
}

/// `POST /contracts/{id}/suspension`
pub(in crate::web) async fn suspend(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    contract_step(me, *id, form, Step::Suspend, "The contract is suspended.").await
}

/// `POST /contracts/{id}/resumption`
pub(in crate::web) async fn resume(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    contract_step(me, *id, form, Step::Resume, "The contract is in force again.").await
}

/// `POST /contracts/{id}/termination`
pub(in crate::web) async fn terminate(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    contract_step(me, *id, form, Step::Terminate, "The contract is terminated.").await
}

async fn contract_step(
    me: SignedIn,
    id: i64,
    mut form: Form,
    step: Step,
    done: &str,
) -> Result<HttpResponse, WebError> {
    let refusal = match edit::day(&mut form, "day") {
        None => edit::unsound(),
        Some(day) => {
            let (seen, note) = (form.value("seen").to_owned(), form.value("note").to_owned());
            let work = me.in_db(move |unit| {
                let take = match step {
                    Step::Suspend => rest::contract_suspend,
                    Step::Resume => rest::contract_resume,
                    _ => rest::contract_terminate,
                };
                Ok::<_, WebError>(take(unit.app, unit.db, unit.viewer, id, &seen, day, &note))
            });
            match work.await? {
                Ok(()) => {
                    me.flash(done);
                    return Ok(page::see_other(&format!("/contracts/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    step_form(&me, &load(&me, id).await?, step, form, Some(refusal))
}

/// Whether notice may be given: the contract runs and the viewer writes contracts.
pub(super) fn may_end(me: &SignedIn, found: &ContractPage) -> bool {
    me.viewer.role.may(Action::EditContracts) && found.contract.term.status.term_runs()
}
