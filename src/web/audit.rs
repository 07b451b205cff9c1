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
            action: row.action,
            subject: row.subject,
            detail: row.detail,
        })
        .collect();
    page::html(&AuditPage { page: me.page("Audit log"), entries, older })
}
