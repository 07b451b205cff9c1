//! The form of what a version says once for all its prices: baseline, dispute window, price cap.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::edit::{self, Refusal, share_text};
use super::super::extract::{Form, SignedIn, Unit};
use super::super::page::{self, Page, WebError};
use super::draft::{self, Draft, Head};
use crate::app::contract::draft as app;
use crate::domain::lifecycle::VersionOptions;

#[derive(Template)]
#[template(path = "contract/options_form.html")]
struct OptionsForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
}

const NAMES: &[(&str, &str)] =
    &[("baseline", "baseline"), ("dispute_days", "dispute_days"), ("price_cap", "price_cap")];

fn view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> OptionsForm {
    let head = draft.head("Baseline, dispute window and price cap");
    OptionsForm { page: me.page(head.title.clone()), head, form, notice }
}

/// `GET /contract-versions/{id}/options`
pub(in crate::web) async fn form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let draft = draft::open(&me, *id).await?;
    let options = VersionOptions::of(&draft.page.terms.pricing.terms.parameters);
    let form = Form::filled([
        ("baseline", options.baseline.unwrap_or_default()),
        ("dispute_days", options.dispute_days.map(|days| days.to_string()).unwrap_or_default()),
        ("price_cap", share_text(options.price_cap)),
    ]);
    page::html(&view(&me, &draft, form, None))
}

/// `POST /contract-versions/{id}/options`
pub(in crate::web) async fn store(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let options = VersionOptions {
        baseline: Some(form.value("baseline").to_owned()).filter(|text| !text.is_empty()),
        dispute_days: form.read_optional("dispute_days", "Write a whole number of days, such as 15."),
        price_cap: edit::share_optional(&mut form, "price_cap"),
    };
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &view(&me, &draft, form, refusal.notice))
    };
    if !form.is_sound() {
        return again(draft::load(&me, id).await?, form, edit::unsound()).await;
    }
    let work = move |unit: Unit<'_>, seen: &str| {
        app::options_edit(unit.app, unit.db, unit.viewer, id, seen, &options)
    };
    draft::store(&me, id, &mut form, NAMES, "The options are stored.", work, again).await
}
