//! Exclusions: asking for one, one with its history, deciding it; for the shipper and for the portal, and the partner's own
//! list with its challenges.

pub(super) mod tender;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::contract::attachments::{size_words, stored_file};
use super::edit::{Refusal, refuse, sentence, unsound};
use super::evidence::verdict_of;
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::show::{self, Year};
use super::upload::Upload;
use crate::app::challenge::{of_partner as challenges_of, period_of as challenge_period};
use crate::app::edit::EditError;
use crate::app::evidence::{Whole, shipment};
use crate::app::exclusion::{
    Named, NewEvidence, NewExclusion, Shown, decide as decide_exclusion, evidence_file, of_partner,
    reason_words, request, request_tender, show as exclusion,
};
use crate::db::challenge::Challenge;
use crate::db::exclusion::{DecisionRow, EvidenceFile, Exclusion};
use crate::db::types::Instant;
use crate::domain::attachment::{FILE_BYTES_MAX, endings};
use crate::domain::attribution::{Fault, REASONS, Reason, proposal_words};
use crate::domain::baseline::StopPurpose;
use crate::domain::challenge::Answer;
use crate::domain::exclusion::{Decision, State, Validity};
use crate::domain::kpi::Kpi;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::{Action, Role};
use crate::domain::words;

/// Where a shipment, its exclusions and their files have their pages: the shipper's addresses or the portal's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// `/exclusions` or `/portal/exclusions`.
    pub exclusions: &'static str,
    /// `/evidence-files` or `/portal/evidence-files`.
    pub files: &'static str,
    /// Of a shipment: the shipper's name a partner in front.
    is_portal: bool,
}

/// The shipper's addresses.
pub(super) const SHIPPER: Links =
    Links { exclusions: "/exclusions", files: "/evidence-files", is_portal: false };
/// The portal's.
pub(super) const PORTAL: Links =
    Links { exclusions: "/portal/exclusions", files: "/portal/evidence-files", is_portal: true };

impl Links {
    /// The page of a shipment.
    pub(super) fn shipment(self, partner_id: i64, source: &str, reference: &str) -> String {
        if self.is_portal {
            show::own_shipment_href(source, reference)
        } else {
            show::shipment_href(partner_id, source, reference)
        }
    }

    /// The page that asks for a tender to be excused.
    fn ask_tender(self, partner_id: i64, source: &str, reference: &str) -> String {
        let (source, reference) = (show::path_part(source), show::path_part(reference));
        if self.is_portal {
            format!("/portal/tenders/{source}/{reference}/exclusion")
        } else {
            format!("/tenders/{partner_id}/{source}/{reference}/exclusion")
        }
    }

    /// The tenders of a month.
    fn tenders(self, partner_id: i64, month: Period) -> String {
        if self.is_portal {
            format!("/portal/scorecards/{month}/TAR?show=all")
        } else {
            format!("/scorecards/{partner_id}/{month}/TAR?show=all")
        }
    }
}

/// The state of an exclusion.
pub(super) fn chip(state: State) -> Chip {
    match state {
        None => Chip::new("warn", "clock", "waits for a decision"),
        Some(Decision::Approved) => Chip::new("good", "check", "approved"),
        Some(Decision::Denied) => Chip::new("bad", "under", "denied"),
        Some(Decision::Withdrawn) => Chip::new("none", "stop", "withdrawn"),
    }
}

/// What a second person said of what was proposed, as a line of its history.
pub(super) fn agreement_line(kind: &str, at: Instant, actor: &str, words: &str) -> String {
    let what = match kind.parse() {
        Ok(Decision::Approved) => "agreed",
        Ok(Decision::Denied) => "denied it",
        _ => "took it back",
    };
    format!("{} {actor} {what}: {words}", show::moment(at.0))
}

/// The state of a challenge.
pub(super) fn challenge_chip(challenge: &Challenge) -> Chip {
    match challenge.answer.as_ref().map(|(answer, _)| *answer) {
        None => Chip::new("warn", "clock", "waits for an answer"),
        Some(answer @ (Answer::Excused | Answer::Corrected)) => Chip::new("good", "check", answer.label()),
        Some(answer @ Answer::Denied) => Chip::new("bad", "under", answer.label()),
        Some(answer @ Answer::Withdrawn) => Chip::new("none", "stop", answer.label()),
    }
}

/// Options of a choice: an empty one first.
fn options(all: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), "Choose".to_owned())).chain(all).collect()
}

/// Who can be named as the cause.
pub(super) fn parties() -> Vec<(String, String)> {
    options(Fault::EXCUSING.iter().map(|fault| (fault.code().to_owned(), fault.label().to_owned())))
}

/// The reasons that point at somebody else than the carrier first, then the others: any may be the one the carrier gave.
pub(super) fn reasons() -> Vec<(String, String)> {
    let (others, carriers): (Vec<&Reason>, Vec<&Reason>) =
        REASONS.iter().partition(|reason| reason.fault.excuses());
    options(
        others
            .into_iter()
            .chain(carriers)
            .map(|reason| (reason.code.to_owned(), format!("{}: {}", reason.words(), reason.fault.label()))),
    )
}

/// What may be uploaded, in words.
pub(super) fn limits() -> String {
    format!("{}; up to {} MB.", endings(), FILE_BYTES_MAX >> 20)
}

/// The document of a form, if one was chosen.
pub(super) fn document(file: Option<Vec<u8>>, name: &str) -> Option<NewEvidence> {
    file.map(|content| NewEvidence { name: name.to_owned(), content })
}

/// Name, address and size of files.
pub(super) fn file_lines(files: &[EvidenceFile], links: Links) -> Vec<(String, String, String)> {
    files
        .iter()
        .map(|file| {
            let href = format!("{}/{}", links.files, file.id);
            (file.file_name.clone(), href, size_words(file.byte_count))
        })
        .collect()
}

struct AskView {
    /// `Shipment 17` or `Tender 17`.
    named: String,
    /// `Delivery of shipment 17` or `Tender 17`.
    what: String,
    lede: String,
    /// Empty of a tender.
    stop_code: &'static str,
    proposal: String,
    back: String,
    action: String,
    rule: String,
    limits: String,
    parties: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
    form: Form,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "exclusion/form_page.html")]
struct AskPage {
    page: Page,
    view: AskView,
}

#[derive(Template)]
#[template(path = "exclusion/form_portal.html")]
struct AskPortalPage {
    page: Page,
    view: AskView,
}

/// The query of the form.
#[derive(Deserialize)]
pub(super) struct AskQuery {
    stop: Option<String>,
}

impl AskQuery {
    fn stop(&self) -> Result<StopPurpose, WebError> {
        self.stop.as_deref().unwrap_or("DELIVERY").parse().map_err(|_| WebError::NotFound)
    }
}

/// Of which shipment: partner, feed, reference.
type Of = (i64, String, String);

async fn ask_view(
    me: &SignedIn,
    of: Of,
    stop: StopPurpose,
    form: Form,
    notice: Option<String>,
    links: Links,
) -> Result<AskView, WebError> {
    let (partner_id, source, reference) = of;
    let feed = source.clone();
    let named = reference.clone();
    let whole: Whole = me
        .in_db(move |unit| {
            shipment(unit.db, unit.viewer, partner_id, &feed, &named)?.ok_or(WebError::NotFound)
        })
        .await?;
    let kpis: &[Kpi] = match stop {
        StopPurpose::Pickup => &[Kpi::OtpWin],
        StopPurpose::Delivery => &[Kpi::OtdWin, Kpi::OtdDay],
    };
    let verdicts = kpis.iter().map(|kpi| {
        let verdict = verdict_of(*kpi, &whole.row, &whole.names, Year::Told);
        format!("{}: {}, {}", kpi.name(), verdict.title, verdict.why)
    });
    let given = match stop {
        StopPurpose::Pickup => whole.row.pickup_reason.as_deref(),
        StopPurpose::Delivery => whole.row.delivery_reason.as_deref(),
    };
    let back = links.shipment(partner_id, &source, &reference);
    Ok(AskView {
        lede: format!("{}.", verdicts.collect::<Vec<_>>().join(". ")),
        named: format!("Shipment {reference}"),
        what: format!("{} of shipment {reference}", stop.label()),
        stop_code: stop.code(),
        proposal: given.filter(|given| !given.is_empty()).map_or_else(
            || "The carrier gave no reason".to_owned(),
            |given| format!("The carrier gave {}", proposal_words(given)),
        ),
        action: format!("{back}/exclusion"),
        back,
        rule: format!("Stored facts can prove it at once; else {}", decided_by_words()),
        limits: limits(),
        parties: parties(),
        reasons: reasons(),
        form,
        notice,
    })
}

/// Who decides a request, and what it does.
fn decided_by_words() -> String {
    format!(
        "someone else decides within {} business days, and what nobody decides is denied. An excused miss leaves the net rate and stays in gross.",
        crate::domain::exclusion::DECIDE_WITHIN_DAYS
    )
}

/// What the carrier gave as its reason, chosen beforehand.
fn proposed(row: &crate::db::shipment::ShipmentRow, stop: StopPurpose) -> Form {
    let given = match stop {
        StopPurpose::Pickup => row.pickup_reason.as_deref(),
        StopPurpose::Delivery => row.delivery_reason.as_deref(),
    };
    let reason = given.and_then(crate::domain::attribution::reason_of);
    let party = reason.filter(|reason| reason.fault.excuses()).map_or("", |reason| reason.fault.code());
    Form::filled([("party", party), ("reason_code", reason.map_or("", |reason| reason.code))])
}

async fn ask_form_of(me: &SignedIn, of: Of, query: &AskQuery, links: Links) -> Result<AskView, WebError> {
    let stop = query.stop()?;
    let (partner_id, source, reference) = of.clone();
    let row = me
        .in_db(move |unit| {
            let whole = shipment(unit.db, unit.viewer, partner_id, &source, &reference)?;
            Ok::<_, WebError>(whole.ok_or(WebError::NotFound)?.row)
        })
        .await?;
    ask_view(me, of, stop, proposed(&row, stop), None, links).await
}

/// What is to be excused.
#[derive(Clone, Copy)]
enum What {
    Stop(StopPurpose),
    Tender,
}

/// The form on a page of the side that asks.
fn ask_page(
    me: &SignedIn,
    status: StatusCode,
    view: AskView,
    links: Links,
) -> Result<HttpResponse, WebError> {
    let page = me.page("Ask for an exclusion");
    if links.is_portal {
        page::html_with(status, &AskPortalPage { page, view })
    } else {
        page::html_with(status, &AskPage { page, view })
    }
}

/// Of the partner's own, from an address of its portal.
fn own(me: &SignedIn, path: web::Path<(String, String)>) -> Result<Of, WebError> {
    let (source, reference) = path.into_inner();
    Ok((me.viewer.partner_id.ok_or(WebError::NotFound)?, source, reference))
}

/// `GET /shipments/{partner_id}/{source}/{reference}/exclusion?stop=DELIVERY`
pub(super) async fn ask_form(
    me: SignedIn,
    path: web::Path<Of>,
    query: web::Query<AskQuery>,
) -> Result<HttpResponse, WebError> {
    let view = ask_form_of(&me, path.into_inner(), &query, SHIPPER).await?;
    ask_page(&me, StatusCode::OK, view, SHIPPER)
}

/// `GET /portal/shipments/{source}/{reference}/exclusion?stop=DELIVERY`
pub(super) async fn ask_form_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    query: web::Query<AskQuery>,
) -> Result<HttpResponse, WebError> {
    let view = ask_form_of(&me, own(&me, path)?, &query, PORTAL).await?;
    ask_page(&me, StatusCode::OK, view, PORTAL)
}

/// What a form asks for.
fn asked(upload: Upload<FILE_BYTES_MAX>, what: What) -> (Form, NewExclusion) {
    let Upload { form, file, file_name } = upload;
    let new = NewExclusion {
        stop: match what {
            What::Stop(stop) => stop,
            // Of a tender the stop says nothing.
            What::Tender => StopPurpose::Pickup,
        },
        party: form.value("party").parse().ok(),
        reason_code: form.value("reason_code").to_owned(),
        statement: form.value("statement").to_owned(),
        evidence: form.value("evidence").to_owned(),
        file: document(file, &file_name),
    };
    (form, new)
}

/// Stores the request of a form and goes on to it, or shows the form again.
async fn store(
    me: &SignedIn,
    of: Of,
    what: What,
    upload: Upload<FILE_BYTES_MAX>,
    links: Links,
) -> Result<HttpResponse, WebError> {
    let (mut form, new) = asked(upload, what);
    let (partner_id, source, reference) = of.clone();
    let work = me.in_db(move |unit| {
        let named = Named { partner_id, source: &source, reference: &reference };
        Ok::<_, WebError>(match what {
            What::Stop(_) => request(unit.app, unit.db, unit.viewer, named, &new),
            What::Tender => request_tender(unit.app, unit.db, unit.viewer, named, &new).map(|id| (id, false)),
        })
    });
    match work.await? {
        Ok((id, approved)) => {
            me.flash(if approved {
                "Approved at once: stored facts prove it."
            } else {
                "Asked for. Someone else decides it."
            });
            Ok(page::see_other(&format!("{}/{id}", links.exclusions)))
        }
        Err(error) => {
            let Refusal { status, notice } = refuse(&mut form, error, NAMES)?;
            let view = match what {
                What::Stop(stop) => ask_view(me, of, stop, form, notice, links).await?,
                What::Tender => tender::view(me, of, form, notice, links).await?,
            };
            ask_page(me, status, view, links)
        }
    }
}

const NAMES: &[(&str, &str)] = &[
    ("party", "party"),
    ("reason_code", "reason_code"),
    ("statement", "statement"),
    ("evidence", "evidence"),
    ("file", "file"),
    ("words", "words"),
];

/// The stop that a form names. As the address of the form: one without a stop is none.
fn stop_of(upload: &Upload<FILE_BYTES_MAX>) -> Result<What, WebError> {
    upload.form.value("stop").parse().map(What::Stop).map_err(|_| WebError::NotFound)
}

/// `POST /shipments/{partner_id}/{source}/{reference}/exclusion`
pub(super) async fn ask(
    me: SignedIn,
    path: web::Path<Of>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    store(&me, path.into_inner(), stop_of(&upload)?, upload, SHIPPER).await
}

/// `POST /portal/shipments/{source}/{reference}/exclusion`
pub(super) async fn ask_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    store(&me, own(&me, path)?, stop_of(&upload)?, upload, PORTAL).await
}

struct OneView {
    /// `shipment 17`.
    named: String,
    /// `See the shipment`.
    see: &'static str,
    lede: String,
    shipment: String,
    state: Chip,
    due: String,
    stop: &'static str,
    outcome: String,
    party: String,
    reason: String,
    by: String,
    at: String,
    statement: String,
    evidence: String,
    files: Vec<(String, String, String)>,
    history: Vec<[String; 4]>,
    may_decide: bool,
    decide: &'static str,
    /// Value, word, first.
    choices: Vec<(&'static str, &'static str, bool)>,
    action: String,
    form: Form,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "exclusion/page.html")]
struct OnePage {
    page: Page,
    view: OneView,
}

#[derive(Template)]
#[template(path = "exclusion/portal.html")]
struct OnePortalPage {
    page: Page,
    view: OneView,
}

/// What was decided, by what it rests on, in words.
fn decision_line(row: &DecisionRow) -> [String; 4] {
    let what = row.decision().map_or_else(|_| row.kind.clone(), |decision| decision.label().to_owned());
    let by = match row.basis() {
        Ok(basis) if row.actor_id == 0 => basis.label().to_owned(),
        _ => row.actor.clone(),
    };
    [sentence(&what).trim_end_matches('.').to_owned(), row.words.clone(), by, show::instant(row.at.0)]
}

/// What a viewer can do about an exclusion. A partner only takes its own side's back; of the shipper's people, whoever
/// asked does that, and the others decide.
fn choices(me: &SignedIn, exclusion: &Exclusion) -> Vec<(&'static str, &'static str, bool)> {
    let over = matches!(exclusion.state, Some(Decision::Denied | Decision::Withdrawn));
    let approved = exclusion.state == Some(Decision::Approved);
    if over {
        return Vec::new();
    }
    let own = exclusion.row.requested_by_id == me.viewer.user_id;
    let partners = exclusion.row.side == crate::domain::exclusion::Side::Partner.code();
    if me.viewer.role == Role::Partner {
        return if partners { vec![("WITHDRAWN", "Take it back", false)] } else { Vec::new() };
    }
    if !me.viewer.role.may(Action::DecideExclusions) {
        return Vec::new();
    }
    match (own, approved) {
        (true, _) => vec![("WITHDRAWN", "Take it back", false)],
        (false, true) => vec![("DENIED", "Take the approval back", false)],
        (false, false) => vec![("APPROVED", "Approve", true), ("DENIED", "Deny", false)],
    }
}

fn one_view(me: &SignedIn, shown: &Shown, form: Form, notice: Option<String>, links: Links) -> OneView {
    let row = &shown.exclusion.row;
    let choices = choices(me, &shown.exclusion);
    let withdraws = choices.iter().all(|(value, ..)| *value == "WITHDRAWN");
    let here = format!("{}/{}", links.exclusions, row.id);
    OneView {
        named: row.named(),
        see: if row.is_of_tender() { "See the tenders" } else { "See the shipment" },
        lede: if row.is_of_tender() {
            "To have it excused.".to_owned()
        } else {
            format!("To have its {} excused.", row.part().to_lowercase())
        },
        shipment: match shown.sent_on {
            Some(day) => links.tenders(row.partner_id, Period::containing(PeriodKind::Month, day)),
            None => links.shipment(row.partner_id, &shown.source, &row.reference),
        },
        state: chip(shown.exclusion.state),
        due: match shown.exclusion.state {
            None => format!("denied unless decided by {}", show::day(row.due_on.0)),
            Some(_) => String::new(),
        },
        stop: row.part(),
        outcome: match shown.exclusion.state {
            Some(Decision::Approved) => "the miss left the net rate".to_owned(),
            _ => "the miss counts".to_owned(),
        },
        party: row.party().map_or_else(|_| row.party.clone(), |party| party.label().to_owned()),
        reason: reason_words(&row.reason_code),
        by: row.requested_by.clone(),
        at: show::instant(row.requested_at.0),
        statement: row.statement.clone(),
        evidence: row.evidence.clone(),
        files: file_lines(&shown.files, links),
        history: shown.exclusion.decisions.iter().map(decision_line).collect(),
        may_decide: !choices.is_empty(),
        decide: if withdraws { "Take it back" } else { "Decide" },
        choices,
        action: if links.is_portal { format!("{here}/withdrawal") } else { format!("{here}/decision") },
        form,
        notice,
    }
}

async fn found(me: &SignedIn, id: i64) -> Result<Shown, WebError> {
    me.in_db(move |unit| exclusion(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)).await
}

/// `GET /exclusions/{id}`
pub(super) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let shown = found(&me, *id).await?;
    let view = one_view(&me, &shown, Form::default(), None, SHIPPER);
    page::html(&OnePage { page: me.page(format!("Exclusion of {}", view.named)), view })
}

/// `GET /portal/exclusions/{id}`
pub(super) async fn show_own(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let shown = found(&me, *id).await?;
    let view = one_view(&me, &shown, Form::default(), None, PORTAL);
    page::html(&OnePortalPage { page: me.page(format!("Exclusion of {}", view.named)), view })
}

/// Takes a decision: nothing when it was taken, or the form again.
async fn settle(
    me: &SignedIn,
    id: i64,
    form: &mut Form,
    decision: Decision,
) -> Result<Option<Refusal>, WebError> {
    let words = form.value("words").to_owned();
    let work = me.in_db(move |unit| {
        Ok::<_, WebError>(decide_exclusion(unit.app, unit.db, unit.viewer, id, decision, &words))
    });
    match work.await? {
        Ok(_) => {
            me.flash(match decision {
                Decision::Approved => "Approved. The miss leaves the net rate.",
                Decision::Denied => "Denied. The miss counts.",
                Decision::Withdrawn => "Taken back. The miss counts.",
            });
            Ok(None)
        }
        Err(error) => refuse(form, error, NAMES).map(Some),
    }
}

/// `POST /exclusions/{id}/decision`
pub(super) async fn decide(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let decision: Option<Decision> = form.value("decision").parse().ok();
    let refusal = match decision {
        Some(decision) => match settle(&me, id, &mut form, decision).await? {
            None => return Ok(page::see_other(&format!("/exclusions/{id}"))),
            Some(refusal) => refusal,
        },
        None => Refusal { notice: Some("Choose what you decide.".to_owned()), ..unsound() },
    };
    let shown = found(&me, id).await?;
    let view = one_view(&me, &shown, form, refusal.notice, SHIPPER);
    let page = me.page(format!("Exclusion of {}", view.named));
    page::html_with(refusal.status, &OnePage { page, view })
}

/// `POST /portal/exclusions/{id}/withdrawal`
pub(super) async fn withdraw(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let Some(refusal) = settle(&me, id, &mut form, Decision::Withdrawn).await? else {
        return Ok(page::see_other(&format!("/portal/exclusions/{id}")));
    };
    let shown = found(&me, id).await?;
    let view = one_view(&me, &shown, form, refusal.notice, PORTAL);
    let page = me.page(format!("Exclusion of {}", view.named));
    page::html_with(refusal.status, &OnePortalPage { page, view })
}

/// `GET /evidence-files/{id}`, and `GET /portal/evidence-files/{id}`: what may be seen is decided by the viewer.
pub(super) async fn file(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let (name, kind, content) = me
        .in_db(move |unit| {
            evidence_file(unit.db, unit.viewer, id).map_err(|error: EditError| WebError::from(error))
        })
        .await?;
    Ok(stored_file(name, kind, content))
}

struct OwnLine {
    href: String,
    reference: String,
    what: String,
    words: String,
    state: Chip,
    at: String,
}

#[derive(Template)]
#[template(path = "exclusion/own.html")]
struct OwnPage {
    page: Page,
    rate: String,
    challenges: Vec<OwnLine>,
    exclusions: Vec<OwnLine>,
}

/// How often what a partner asked for turned out right.
pub(super) fn rate_words(rate: Validity) -> Option<String> {
    (rate.decided > 0).then(|| {
        let tenths = (rate.approved * 1_000 + rate.decided / 2) / rate.decided;
        format!(
            "{}.{} % of the exclusions asked for by the partner in twelve months were right ({} of {} decided)",
            tenths / 10,
            tenths % 10,
            show::count(rate.approved),
            show::count(rate.decided)
        )
    })
}

/// `GET /portal/exclusions`
pub(super) async fn list_own(me: SignedIn) -> Result<HttpResponse, WebError> {
    let partner_id = me.viewer.partner_id.ok_or(WebError::NotFound)?;
    let (exclusions, rate, challenges) = me
        .in_db(move |unit| {
            let (exclusions, rate) = of_partner(unit.app, unit.db, unit.viewer, partner_id)?;
            Ok::<_, WebError>((exclusions, rate, challenges_of(unit.db, unit.viewer, partner_id)?))
        })
        .await?;
    page::html(&OwnPage {
        page: me.page("Requests"),
        rate: rate_words(rate).map_or_else(String::new, |words| format!("{words}.")),
        challenges: challenges
            .iter()
            .map(|one| OwnLine {
                href: format!("/portal/challenges/{}", one.row.id),
                reference: one.row.reference.clone(),
                what: challenge_what(one),
                words: one.row.statement.clone(),
                state: challenge_chip(one),
                at: show::instant(one.row.raised_at.0),
            })
            .collect(),
        exclusions: exclusions
            .iter()
            .map(|one| OwnLine {
                href: format!("/portal/exclusions/{}", one.row.id),
                reference: one.row.reference.clone(),
                what: exclusion_what(one),
                words: one.row.statement.clone(),
                state: chip(one.state),
                at: show::instant(one.row.requested_at.0),
            })
            .collect(),
    })
}

/// `Delivery, B1 closed: the consignee`.
pub(super) fn exclusion_what(one: &Exclusion) -> String {
    let party = one.row.party().map_or("", Fault::label);
    format!("{}, {}: {party}", one.row.part(), reason_words(&one.row.reason_code))
}

/// `On-time delivery, window, June 2025`.
pub(super) fn challenge_what(one: &Challenge) -> String {
    let kpi = one.row.kpi.parse::<Kpi>().map_or_else(|_| one.row.kpi.clone(), |kpi| kpi.name().to_owned());
    let period = challenge_period(&one.row).map_or_else(|_| one.row.period.clone(), Period::title);
    format!("{kpi}, {period}")
}

/// `3 days left`, `due today`, `2 days over`; and whether that is soon.
pub(super) fn left(due: chrono::NaiveDate, today: chrono::NaiveDate) -> (String, bool) {
    let days = due.signed_duration_since(today).num_days();
    let text = match days {
        0 => "due today".to_owned(),
        days if days > 0 => format!("{} left", words::count(days, "day")),
        days => format!("{} over", words::count(-days, "day")),
    };
    (text, days <= 2)
}
