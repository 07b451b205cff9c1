//! Restating a final scorecard: what would move, and the reason.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::refuse;
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::scorecard::period_of;
use crate::app::challenge::publication_of;
use crate::app::restatement::{preview, restate};
use crate::domain::period::Period;
use crate::domain::scorecard::Moved;
use crate::domain::words;

#[derive(Template)]
#[template(path = "restatement/form.html")]
struct FormPage {
    page: Page,
    heading: String,
    card: String,
    action: String,
    count: String,
    moved: Vec<Moved>,
    why_not: Option<String>,
    waits: bool,
    may: bool,
    form: Form,
    notice: Option<String>,
}

async fn form_page(
    me: &SignedIn,
    partner_id: i64,
    period: Period,
    form: Form,
    notice: Option<String>,
) -> Result<FormPage, WebError> {
    let found = me.in_db(move |unit| preview(unit.app, unit.db, unit.viewer, partner_id, period)).await?;
    let heading = format!("{}, {}", found.partner, period.title());
    let card = format!("/scorecards/{partner_id}/{period}");
    let final_on = publication_of(period).final_on;
    Ok(FormPage {
        page: me.page(format!("Restate {heading}")),
        action: format!("{card}/restatement"),
        card,
        heading,
        count: words::many(found.moved.len(), "figure"),
        why_not: (!found.is_final).then(|| {
            format!(
                "It is final on {}. Until then changed facts change it by themselves.",
                super::show::day(final_on)
            )
        }),
        may: found.is_final && (!found.moved.is_empty() || found.waits),
        moved: found.moved,
        waits: found.waits,
        form,
        notice,
    })
}

/// `GET /scorecards/{partner_id}/{period}/restatement`
pub(super) async fn form(me: SignedIn, path: web::Path<(i64, String)>) -> Result<HttpResponse, WebError> {
    let (partner_id, period) = path.into_inner();
    page::html(&form_page(&me, partner_id, period_of(&period)?, Form::default(), None).await?)
}

/// `POST /scorecards/{partner_id}/{period}/restatement`
pub(super) async fn create(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (partner_id, period) = path.into_inner();
    let period = period_of(&period)?;
    let reason = form.value("reason").to_owned();
    let work =
        me.in_app(move |app, viewer| Ok::<_, WebError>(restate(app, viewer, partner_id, period, &reason)));
    match work.await? {
        Ok(moved) => {
            me.flash(&format!(
                "Restated. {} moved; the partner is told.",
                words::many(moved.len(), "figure")
            ));
            Ok(page::see_other(&format!("/scorecards/{partner_id}/{period}")))
        }
        Err(error) => {
            let refusal = refuse(&mut form, error, &[("reason", "reason")])?;
            page::html_with(refusal.status, &form_page(&me, partner_id, period, form, refusal.notice).await?)
        }
    }
}
