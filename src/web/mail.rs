//! The outbox: what waits, what was sent, and what each mail says.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::SignedIn;
use super::guard::CONTENT_SECURITY_POLICY;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::audit::{Entry, audit};
use crate::app::mail::{MailShown, MailSummary, mail_counts, mail_list, mail_requeue, mail_show};
use crate::domain::viewer::Action;

/// Mails on one page.
const PAGE_ROWS: i64 = 50;

/// The body of a mail may show its own pictures and styles and do nothing else. Only our pages may
/// frame it, and no script runs in it, whatever the mail holds.
const BODY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// The picture formats that are shown; anything else is offered as a download.
const PICTURES: [&str; 3] = ["image/png", "image/jpeg", "image/gif"];

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    before: Option<i64>,
}

struct Line {
    id: i64,
    subject: String,
    kind: &'static str,
    to: String,
    when: String,
    tone: &'static str,
    shape: &'static str,
    state: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "outbox/list.html")]
struct OutboxPage {
    page: Page,
    counts: String,
    mails: Vec<Line>,
    older: Option<i64>,
}

#[derive(Template)]
#[template(path = "outbox/page.html")]
struct MailPage {
    page: Page,
    mail: Line,
    attempts: i32,
    sent: Option<String>,
    next: Option<String>,
    delivered_to: String,
    error: String,
    content: Option<Content>,
    may_retry: bool,
}

struct Content {
    text: String,
    parts: Vec<PartLine>,
}

struct PartLine {
    name: String,
    kind: String,
    size: String,
}

fn line(mail: &MailSummary) -> Line {
    let (tone, shape) = match mail.state.as_str() {
        "SENT" => ("good", "check"),
        "FAILED" => ("bad", "stop"),
        "SENDING" => ("info", "clock"),
        _ if mail.attempts > 0 => ("warn", "clock"),
        _ => ("none", "todo"),
    };
    Line {
        id: mail.id,
        subject: mail.subject.clone(),
        kind: mail.kind.title(),
        to: mail.recipient.clone(),
        when: show::instant(mail.created_at),
        tone,
        shape,
        state: mail.state_title(),
        detail: mail.last_error.clone(),
    }
}

/// `GET /outbox`
pub(super) async fn list(me: SignedIn, asked: web::Query<Asked>) -> Result<HttpResponse, WebError> {
    let before = asked.before;
    let (mails, counts) = me
        .in_app(move |app, viewer| {
            let mails = mail_list(app, viewer, before, PAGE_ROWS.saturating_add(1))?;
            Ok::<_, WebError>((mails, mail_counts(app)?))
        })
        .await?;
    let shown = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let older = if mails.len() > shown { shown.checked_sub(1).and_then(|at| mails.get(at)) } else { None };
    let older = older.map(|mail| mail.id);
    let words: Vec<String> = counts
        .iter()
        .map(|(state, n)| {
            let word = match state.as_str() {
                "SENT" => "sent",
                "FAILED" => "failed",
                "SENDING" => "being sent",
                _ => "waiting",
            };
            format!("{} {word}", show::count(*n))
        })
        .collect();
    page::html(&OutboxPage {
        page: me.page("Mail"),
        counts: words.join(", "),
        mails: mails.iter().take(shown).map(line).collect(),
        older,
    })
}

async fn find(me: &SignedIn, id: i64) -> Result<MailShown, WebError> {
    me.in_app(move |app, viewer| mail_show(app, viewer, id)).await?.ok_or(WebError::NotFound)
}

/// `GET /outbox/{id}`
pub(super) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let mail = find(&me, id.into_inner()).await?;
    let summary = &mail.summary;
    let mut response = page::html(&MailPage {
        page: me.page(summary.subject.clone()),
        attempts: summary.attempts,
        sent: summary.sent_at.map(show::instant),
        next: summary.next_attempt_at.map(show::instant),
        delivered_to: summary.delivered_to.clone(),
        error: summary.last_error.clone(),
        content: mail.content.as_ref().map(|content| Content {
            text: content.message.text.clone(),
            parts: content
                .parts
                .iter()
                .map(|part| PartLine {
                    name: part.content_id.clone(),
                    kind: part.content_type.clone(),
                    size: format!("{} KB", part.content.len().div_ceil(1_000)),
                })
                .collect(),
        }),
        may_retry: summary.state == "FAILED" && me.viewer.role.may(Action::RunJobs),
        mail: line(summary),
    })?;
    // This page alone frames another one: the mail's body.
    if let Ok(policy) = HeaderValue::from_str(&format!("{CONTENT_SECURITY_POLICY}; frame-src 'self'")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// `GET /outbox/{id}/body`: the HTML part alone, under a policy of its own, for a sandboxed frame.
pub(super) async fn body(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let content = find(&me, id).await?.content.ok_or(WebError::NotFound)?;
    // Links open beside the frame: a page of ours does not show inside one.
    let html = content.message.html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    let html = content.parts.iter().fold(html, |html, part| {
        html.replace(&format!("cid:{}", part.content_id), &format!("/outbox/{id}/parts/{}", part.content_id))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(BODY_POLICY)))
        .body(html))
}

/// `GET /outbox/{id}/parts/{part}`: one picture.
pub(super) async fn part(me: SignedIn, path: web::Path<(i64, String)>) -> Result<HttpResponse, WebError> {
    let (id, name) = path.into_inner();
    let content = find(&me, id).await?.content.ok_or(WebError::NotFound)?;
    let part = content.parts.into_iter().find(|part| part.content_id == name).ok_or(WebError::NotFound)?;
    let mut response = HttpResponse::Ok();
    if PICTURES.contains(&part.content_type.as_str()) {
        response.content_type(part.content_type);
    } else {
        response
            .content_type("application/octet-stream")
            .insert_header((header::CONTENT_DISPOSITION, "attachment"));
    }
    Ok(response.body(part.content))
}

/// `POST /outbox/{id}/attempts`: a failed mail is queued again.
pub(super) async fn retry(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    find(&me, id).await?;
    let queued = me
        .in_app(move |app, viewer| {
            let queued = mail_requeue(app, id)?;
            if queued {
                let subject = id.to_string();
                let entry = Entry { action: "mail.retry", subject: &subject, partner_id: None, detail: "" };
                audit(app, &mut *app.pool.get()?, viewer, entry)?;
            }
            Ok::<_, WebError>(queued)
        })
        .await?;
    me.flash(if queued {
        "It is queued again and goes out with the next delivery."
    } else {
        "It was not failed, so nothing changed."
    });
    Ok(page::see_other(&format!("/outbox/{id}")))
}
