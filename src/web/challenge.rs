//! Challenges of scorecard lines: the partner raises one in its portal, the carrier manager answers it.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::edit::{Refusal, refuse, unsound};
use super::exclusion::{
    Links, PORTAL, SHIPPER, challenge_chip, challenge_what, document, file_lines, limits, parties, reasons,
};
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::scorecard::period_of;
use super::show;
use super::upload::Upload;
use crate::app::challenge::{
    NewAnswer, NewChallenge, answer as answer_challenge, period_of as challenge_period, publication_of,
    raise, show as challenge, stop_of,
};
use crate::app::exclusion::Named;
use crate::db::challenge::Challenge;
use crate::db::exclusion::EvidenceFile;
use crate::domain::attachment::FILE_BYTES_MAX;
use crate::domain::challenge::{Answer, judges_tenders};
use crate::domain::kpi::Kpi;
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Role};

#[derive(Template)]
#[template(path = "challenge/form.html")]
struct FormPage {
    page: Page,
    period: String,
    kpi: &'static str,
    /// `Shipment` or `Tender`.
    unit: &'static str,
    card: String,
    back: String,
    action: String,
    source: String,
    reference: String,
    rule: String,
    limits: String,
    form: Form,
    notice: Option<String>,
}

/// Which shipment.
#[derive(Deserialize)]
pub(super) struct Line {
    source: String,
    reference: String,
}

fn form_page(
    me: &SignedIn,
    (period, kpi): (Period, Kpi),
    line: Line,
    form: Form,
    notice: Option<String>,
) -> FormPage {
    let until = publication_of(period).review_until;
    let back = format!("/portal/scorecards/{period}/{}", kpi.code());
    FormPage {
        page: me.page("Challenge a line"),
        period: period.title(),
        kpi: kpi.name(),
        unit: if kpi.counts_tenders() { "Tender" } else { "Shipment" },
        card: format!("/portal/scorecards/{period}"),
        action: format!("{back}/challenge"),
        back,
        source: line.source,
        reference: line.reference,
        rule: format!("Your review ends on {}.", show::weekday(until)),
        limits: limits(),
        form,
        notice,
    }
}

fn address(path: &(String, String)) -> Result<(Period, Kpi), WebError> {
    Ok((period_of(&path.0)?, path.1.parse().map_err(|_| WebError::NotFound)?))
}

/// `GET /portal/scorecards/{period}/{kpi}/challenge?source=tms&reference=17`
pub(super) async fn form_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    line: web::Query<Line>,
) -> Result<HttpResponse, WebError> {
    page::html(&form_page(&me, address(&path)?, line.into_inner(), Form::default(), None))
}

/// `POST /portal/scorecards/{period}/{kpi}/challenge`
pub(super) async fn raise_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    let of = address(&path)?;
    let partner_id = me.viewer.partner_id.ok_or(WebError::NotFound)?;
    let Upload { mut form, file, file_name } = upload;
    let line =
        Line { source: form.value("source").to_owned(), reference: form.value("reference").to_owned() };
    let new = NewChallenge {
        statement: form.value("statement").to_owned(),
        evidence: form.value("evidence").to_owned(),
        file: document(file, &file_name),
    };
    let (source, reference) = (line.source.clone(), line.reference.clone());
    let work = me.in_db(move |unit| {
        let named = Named { partner_id, source: &source, reference: &reference };
        Ok::<_, WebError>(raise(unit.app, unit.db, unit.viewer, of, named, &new))
    });
    match work.await? {
        Ok(id) => {
            me.flash("The line is challenged. The shipper answers within 5 business days.");
            Ok(page::see_other(&format!("/portal/challenges/{id}")))
        }
        Err(error) => {
            let refusal = refuse(&mut form, error, NAMES)?;
            page::html_with(refusal.status, &form_page(&me, of, line, form, refusal.notice))
        }
    }
}

const NAMES: &[(&str, &str)] = &[
    ("statement", "statement"),
    ("evidence", "evidence"),
    ("file", "file"),
    ("words", "words"),
    ("party", "party"),
    ("reason_code", "reason_code"),
];

struct View {
    /// `shipment 17`.
    named: String,
    /// `See the shipment`.
    see: &'static str,
    lede: String,
    shipment: String,
    state: Chip,
    due: String,
    kpi: String,
    outcome: String,
    card: String,
    period: String,
    by: String,
    at: String,
    statement: String,
    evidence: String,
    files: Vec<(String, String, String)>,
    /// What, words, who, when.
    answer: Option<(String, String, String, String)>,
    exclusion: Option<String>,
    may_answer: bool,
    /// The partner takes its own back.
    own: bool,
    rule: String,
    words_hint: &'static str,
    choices: Vec<(&'static str, &'static str, bool)>,
    parties: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
    action: String,
    form: Form,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "challenge/page.html")]
struct ChallengePage {
    page: Page,
    view: View,
}

#[derive(Template)]
#[template(path = "challenge/portal.html")]
struct PortalPage {
    page: Page,
    view: View,
}

type Found = (Challenge, String, Vec<EvidenceFile>);

fn view(
    me: &SignedIn,
    (challenge, source, files): &Found,
    form: Form,
    notice: Option<String>,
    links: Links,
) -> Result<View, WebError> {
    let row = &challenge.row;
    let own = me.viewer.role == Role::Partner;
    let period = challenge_period(row)?;
    let kpi: Option<Kpi> = row.kpi.parse().ok();
    let cards = if own { "/portal/scorecards".to_owned() } else { format!("/scorecards/{}", row.partner_id) };
    let here = if own { "/portal/challenges" } else { "/challenges" };
    let may = own || me.viewer.role.may(Action::DecideExclusions);
    let excuses = kpi.is_some_and(|kpi| stop_of(kpi).is_some() || judges_tenders(kpi));
    let mut choices =
        vec![("CORRECTED", "Accept: a fact is corrected", false), ("DENIED", "Do not accept", false)];
    if excuses {
        choices.insert(0, ("EXCUSED", "Accept: excuse the unit", true));
    }
    if own {
        choices = vec![("WITHDRAWN", "Take it back", false)];
    }
    Ok(View {
        named: row.named(),
        see: if row.is_of_tender() { "See the tenders" } else { "See the shipment" },
        lede: format!("A line of {}.", challenge_what(challenge)),
        shipment: if row.is_of_tender() {
            format!("{cards}/{period}/{}?show=all", row.kpi)
        } else {
            links.shipment(row.partner_id, source, &row.reference)
        },
        state: challenge_chip(challenge),
        due: match &challenge.answer {
            None => format!("an answer is due by {}", show::day(row.answer_by.0)),
            Some(_) => String::new(),
        },
        kpi: kpi.map_or_else(|| row.kpi.clone(), |kpi| kpi.name().to_owned()),
        outcome: row.outcome.clone(),
        card: format!("{cards}/{period}"),
        period: period.title(),
        by: row.raised_by.clone(),
        at: show::instant(row.raised_at.0),
        statement: row.statement.clone(),
        evidence: row.evidence.clone(),
        files: file_lines(files, links),
        answer: challenge.answer.as_ref().map(|(answer, row)| {
            let what = super::edit::sentence(answer.label());
            let what = what.trim_end_matches('.').to_owned();
            (what, row.words.clone(), row.actor.clone(), show::instant(row.at.0))
        }),
        exclusion: challenge
            .answer
            .as_ref()
            .and_then(|(_, row)| Some(format!("{}/{}", links.exclusions, row.exclusion_id?))),
        may_answer: may && challenge.answer.is_none(),
        own,
        rule: if own {
            "It stays on record".to_owned()
        } else {
            "To excuse the unit makes an exclusion, asked for by the partner and approved by you".to_owned()
        },
        words_hint: if own {
            "One sentence."
        } else {
            "The partner reads it. Where a fact is corrected, say which."
        },
        choices,
        parties: parties(),
        reasons: reasons(),
        action: format!("{here}/{}/{}", row.id, if own { "withdrawal" } else { "answer" }),
        form,
        notice,
    })
}

async fn found(me: &SignedIn, id: i64) -> Result<Found, WebError> {
    me.in_db(move |unit| challenge(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)).await
}

/// `GET /challenges/{id}`
pub(super) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = found(&me, *id).await?;
    let view = view(&me, &found, Form::default(), None, SHIPPER)?;
    page::html(&ChallengePage { page: me.page(format!("Challenge of {}", view.named)), view })
}

/// `GET /portal/challenges/{id}`
pub(super) async fn show_own(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = found(&me, *id).await?;
    let view = view(&me, &found, Form::default(), None, PORTAL)?;
    page::html(&PortalPage { page: me.page(format!("Challenge of {}", view.named)), view })
}

/// Answers: where to go on, or the form again.
async fn store(
    me: &SignedIn,
    id: i64,
    form: &mut Form,
    answer: Answer,
) -> Result<Result<Option<String>, Refusal>, WebError> {
    let new = NewAnswer {
        answer,
        words: form.value("words").to_owned(),
        party: form.value("party").parse().ok(),
        reason_code: form.value("reason_code").to_owned(),
    };
    let work =
        me.in_db(move |unit| Ok::<_, WebError>(answer_challenge(unit.app, unit.db, unit.viewer, id, &new)));
    match work.await? {
        Ok((challenge, is_final)) => {
            let row = &challenge.row;
            if is_final && matches!(answer, Answer::Excused | Answer::Corrected) {
                me.flash("Accepted. The scorecard is final, so restate it once the facts are right.");
                return Ok(Ok(Some(format!("/scorecards/{}/{}/restatement", row.partner_id, row.period))));
            }
            me.flash(match answer {
                Answer::Excused => "Accepted. The miss leaves the net rate.",
                Answer::Corrected => {
                    "Accepted. Correct the fact in its feed, and the next scoring takes it up."
                }
                Answer::Denied => "Answered. The line stands.",
                Answer::Withdrawn => "Taken back.",
            });
            Ok(Ok(None))
        }
        Err(error) => refuse(form, error, NAMES).map(Err),
    }
}

/// `POST /challenges/{id}/answer`
pub(super) async fn answer(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let chosen: Option<Answer> =
        form.value("answer").parse().ok().filter(|answer| *answer != Answer::Withdrawn);
    let refusal = match chosen {
        Some(chosen) => match store(&me, id, &mut form, chosen).await? {
            Ok(next) => {
                return Ok(page::see_other(&next.unwrap_or_else(|| format!("/challenges/{id}"))));
            }
            Err(refusal) => refusal,
        },
        None => Refusal { notice: Some("Choose your answer.".to_owned()), ..unsound() },
    };
    let found = found(&me, id).await?;
    let view = view(&me, &found, form, refusal.notice, SHIPPER)?;
    let page = me.page(format!("Challenge of {}", view.named));
    page::html_with(refusal.status, &ChallengePage { page, view })
}

/// `POST /portal/challenges/{id}/withdrawal`
pub(super) async fn withdraw(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match store(&me, id, &mut form, Answer::Withdrawn).await? {
        Ok(_) => return Ok(page::see_other(&format!("/portal/challenges/{id}"))),
        Err(refusal) => refusal,
    };
    let found = found(&me, id).await?;
    let view = view(&me, &found, form, refusal.notice, PORTAL)?;
    let page = me.page(format!("Challenge of {}", view.named));
    page::html_with(refusal.status, &PortalPage { page, view })
}
