//! The audit log, newest first.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::audit::audit_page;

struct Line {
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    page: Page,
    entries: Vec<Line>,
    older: Option<i64>,
}

/// The action in words. What is not listed reads well enough as its two halves: `contract.approve`
/// becomes "Contract approve".
fn words(action: &str) -> String {
    let known = match action {
        "session.open" => "Signed in",
        "session.refuse" => "Sign-in refused",
        "job.run" => "Job asked for",
        "mail.retry" => "Mail queued again",
        "plan.answer" => "Plan answered",
        "user.add" => "User added",
        "user.disable" => "User switched off",
        "user.enable" => "User switched on",
        "user.password" => "Password changed",
        other => {
            let mut letters = other.chars().map(|c| if matches!(c, '.' | '_') { ' ' } else { c });
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            return first.into_iter().chain(letters).collect();
        }
    };
    known.to_owned()
}

/// The query of the page.
#[derive(Deserialize)]
pub(super) struct From {
    before: Option<i64>,
}

/// `GET /audit`
pub(super) async fn list(me: SignedIn, from: web::Query<From>) -> Result<HttpResponse, WebError> {
    let before = from.before;
    let (rows, older) = me.in_db(move |unit| audit_page(unit.db, before)).await?;
    let entries = rows
        .into_iter()
        .map(|row| Line {
            at: show::instant(row.at.0),
            actor: row.actor,
            action: words(&row.action),
            subject: row.subject,
            detail: row.detail,
        })
        .collect();
    page::html(&AuditPage { page: me.page("Audit log"), entries, older })
}
