//! A user's own account: password, light or dark, and the way to the first page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use super::Web;
use super::access;
use super::extract::{Form, SignedIn};
use super::page::{self, Page, THEME_COOKIE, Theme, WebError};
use crate::app::user::{self, UserError};
use crate::db::user::user_get;

const THEMES: [(&str, &str); 3] = [("device", "As on this device"), ("light", "Light"), ("dark", "Dark")];

const THEME_DAYS: i64 = 365;

#[derive(Template)]
#[template(path = "account/page.html")]
struct AccountPage {
    page: Page,
    name: String,
    email: String,
    organisation: String,
    form: Form,
    themes: [(&'static str, &'static str); 3],
    theme: &'static str,
}

fn account_page(me: &SignedIn, form: Form) -> AccountPage {
    let page = me.page("Your account");
    AccountPage {
        name: me.viewer.name.clone(),
        email: me.email.clone(),
        organisation: page.who.as_ref().map_or_else(String::new, |who| who.organisation().to_owned()),
        form,
        themes: THEMES,
        theme: page.theme.attribute().unwrap_or("device"),
        page,
    }
}

/// `GET /`: on to the first page of the role.
pub(super) async fn home(me: SignedIn) -> HttpResponse {
    page::see_other(page::home(&me.viewer))
}

/// `GET /account`
pub(super) async fn page(me: SignedIn) -> Result<HttpResponse, WebError> {
    page::html(&account_page(&me, Form::default()))
}

/// `POST /account/password`
pub(super) async fn password(
    me: SignedIn,
    web: web::Data<Web>,
    session: Session,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (current, new) = (form.raw("current").to_owned(), form.raw("password").to_owned());
    let changed = me
        .in_db(move |unit| match user::user_change_password(unit.app, unit.db, unit.viewer, &current, &new) {
            Ok(()) => user_get(unit.db, unit.viewer.user_id).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        })
        .await?;
    match changed {
        Ok(user) => {
            // The new password signed this browser out as well; it stays signed in under a new key.
            access::open(&session, &user.ok_or(WebError::NotFound)?, web.app.now())?;
            me.flash("Your password is changed. Sessions on other devices have ended.");
            Ok(page::see_other("/account"))
        }
        Err(UserError::Db(error)) => Err(error.into()),
        Err(refusal) => {
            let field = if matches!(refusal, UserError::CurrentPassword) { "current" } else { "password" };
            form.fail(field, refusal.to_string());
            page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &account_page(&me, form))
        }
    }
}

/// `POST /account/theme`
pub(super) async fn theme(me: SignedIn, web: web::Data<Web>, form: Form) -> HttpResponse {
    let word = Theme::of(form.value("theme")).attribute().unwrap_or("device");
    let cookie = Cookie::build(THEME_COOKIE, word)
        .path("/")
        .max_age(Duration::days(THEME_DAYS))
        .same_site(SameSite::Lax)
        .secure(web.config.is_https())
        .http_only(true)
        .finish();
    me.flash("Saved on this device.");
    let mut response = page::see_other("/account");
    if let Err(error) = response.add_cookie(&cookie) {
        tracing::warn!(%error, "the theme could not be kept");
    }
    response
}
