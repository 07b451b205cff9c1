//! What a handler answers: a page from a template, a redirect after a form, or a [`WebError`], which
//! becomes a page with a title, a message and a way forward.

use std::sync::Arc;

use actix_session::SessionExt;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use url::form_urlencoded;

use super::access::{Access, Verdict, Who};
use super::guard::RequestId;
use super::{assets, routes};
use crate::db::DbError;
use crate::domain::viewer::{Role, Viewer};

/// The cookie that keeps a choice of light or dark.
pub const THEME_COOKIE: &str = "lanemark-theme";

const FLASH: &str = "flash";

/// What the base templates show around every page. A page struct has it in a field `page`.
#[derive(Clone, Debug)]
pub struct Page {
    /// The title of the window; pages repeat it as their first heading.
    pub title: String,
    /// The user, if signed in.
    pub who: Option<Who>,
    /// Only what the user's role may open.
    pub nav: Vec<NavItem>,
    /// Light, dark, or what the device says.
    pub theme: Theme,
    /// What the last form did, shown once.
    pub flash: Option<String>,
}

impl Page {
    /// The surroundings of a page for this request.
    #[must_use]
    pub fn new(request: &HttpRequest, title: impl Into<String>) -> Self {
        let who = request.extensions().get::<Who>().cloned();
        let nav = who.as_ref().map_or_else(Vec::new, |who| nav(&who.viewer, request.path()));
        let theme = request.cookie(THEME_COOKIE).map_or(Theme::Device, |cookie| Theme::of(cookie.value()));
        let flash = who.is_some().then(|| take_flash(request)).flatten();
        Self { title: title.into(), who, nav, theme, flash }
    }

    /// The address of a file in `static/`.
    #[must_use]
    pub fn asset(&self, file: &str) -> String {
        format!("{}/{file}", assets::prefix())
    }
}

fn take_flash(request: &HttpRequest) -> Option<String> {
    let session = request.get_session();
    // Taking it changes the session, so only when there is one to take.
    if session.contains_key(FLASH) { session.remove_as::<String>(FLASH)?.ok() } else { None }
}

/// Has the next page say `message` once.
pub fn flash(request: &HttpRequest, message: &str) {
    if request.get_session().insert(FLASH, message).is_err() {
        tracing::warn!("a message for the next page was lost");
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the device is set.
    Device,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Reads the cookie's word; anything unknown is [`Theme::Device`].
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Device,
        }
    }

    /// The value of `data-theme`; none leaves it to the device.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Device => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// One link of the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavItem {
    /// The word.
    pub title: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Whether the page shown is in this part.
    pub current: bool,
}

/// Every part of the product in the order of the rail. A part shows once its route exists.
const NAV: &[(&str, &str)] = &[
    ("Today", "/today"),
    ("Exceptions", "/exceptions"),
    ("Partners", "/partners"),
    ("Scorecards", "/scorecards"),
    ("Needs decision", "/decisions"),
    ("Contracts", "/contracts"),
    ("Capacity", "/capacity"),
    ("Charge codes", "/charge-codes"),
    ("Money", "/ledger"),
    ("Disputes", "/disputes"),
    ("Invoices", "/invoices"),
    ("Reviews", "/reviews"),
    ("Imports", "/imports"),
    ("Jobs", "/jobs"),
    ("Mail", "/outbox"),
    ("Users", "/users"),
    ("Audit log", "/audit"),
    ("Home", "/portal"),
    ("Scorecard", "/portal/scorecards"),
    ("Requests", "/portal/exclusions"),
    ("Plan", "/portal/plan"),
    ("Credits", "/portal/credits"),
    ("Invoices", "/portal/invoices"),
    ("Contract", "/portal/contract"),
];

fn nav(viewer: &Viewer, path: &str) -> Vec<NavItem> {
    let open = NAV.iter().filter(|(_, href)| may_open(viewer, href));
    let inside =
        |href: &str| path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // `/portal` is the start of every portal address; the longest match is the part shown.
    let current =
        open.clone().map(|(_, href)| *href).filter(|href| inside(href)).max_by_key(|href| href.len());
    open.map(|(title, href)| NavItem { title, href, current: current == Some(*href) }).collect()
}

fn may_open(viewer: &Viewer, href: &str) -> bool {
    routes::access_of_page(href)
        .filter(|access| *access != Access::Public)
        .is_some_and(|access| access.verdict(Some(viewer)) == Verdict::Allow)
}

/// The first page after signing in.
#[must_use]
pub fn home(viewer: &Viewer) -> &'static str {
    let first = match viewer.role {
        Role::Admin => "/jobs",
        Role::Procurement => "/contracts",
        Role::Finance | Role::Controller => "/ledger",
        Role::CarrierManager | Role::Auditor => "/today",
        Role::Partner => "/portal",
    };
    if may_open(viewer, first) {
        return first;
    }
    nav(viewer, "").first().map_or("/account", |item| item.href)
}

/// Answers 200 with a page.
///
/// # Errors
/// [`WebError::Internal`] when the template fails.
pub fn html(page: &impl Template) -> Result<HttpResponse, WebError> {
    html_with(StatusCode::OK, page)
}

/// Answers with a page and a status: 422 for a form shown again.
///
/// # Errors
/// [`WebError::Internal`] when the template fails.
pub fn html_with(status: StatusCode, page: &impl Template) -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.render()?))
}

/// A page without its surroundings, as drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The title of the window.
    pub title: String,
    /// What stands between the surroundings.
    pub body: String,
}

impl Drawn {
    /// Draws a page.
    ///
    /// # Errors
    /// [`WebError::Internal`] when the template fails.
    pub fn new(title: impl Into<String>, body: &impl Template) -> Result<Self, WebError> {
        Ok(Self { title: title.into(), body: body.render()? })
    }
}

/// What was drawn, with the surroundings of whoever looks.
#[derive(Template)]
#[template(path = "drawn.html")]
pub(super) struct DrawnPage<'a> {
    page: Page,
    body: &'a str,
}

impl<'a> DrawnPage<'a> {
    /// `me` makes the surroundings for a title.
    pub(super) fn new(drawn: &'a Drawn, me: impl FnOnce(String) -> Page) -> Self {
        Self { page: me(drawn.title.clone()), body: &drawn.body }
    }
}

/// Answers a form that did its work: the browser goes on to `path`.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// When to ask again while the database is busy.
const BUSY_RETRY_SECONDS: u64 = 5;

/// Why a page was not shown. The reader gets a title, a message and a way forward.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebError {
    /// No such thing, or none that the viewer may know of.
    #[error("there is nothing at this address")]
    NotFound,
    /// The role may not.
    #[error("the role does not allow this")]
    Forbidden,
    /// Nobody is signed in; the page wanted, if a link leads there.
    #[error("sign in first")]
    SignInFirst {
        /// Where to go on afterwards.
        next: Option<String>,
    },
    /// The request came from another site.
    #[error("the request did not come from a page of this site")]
    OtherSite,
    /// The request cannot be understood; the words say what to do.
    #[error("{0}")]
    BadRequest(String),
    /// What was asked contradicts the present state; the words say what to do.
    #[error("{0}")]
    Conflict(String),
    /// The body is larger than the limit.
    #[error("the request is larger than {0} bytes")]
    TooLarge(usize),
    /// The address exists, not for this method.
    #[error("this address does not take this kind of request")]
    Method,
    /// Too often.
    #[error("too many tries")]
    TooMany {
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// The database had no time for us. Logged once, where the page is made.
    #[error("the database is busy")]
    Busy(Arc<anyhow::Error>),
    /// Our fault. Logged once, where the page is made.
    #[error("internal error")]
    Internal(Arc<anyhow::Error>),
}

macro_rules! internal {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for WebError {
            fn from(error: $error) -> Self {
                Self::Internal(Arc::new(error.into()))
            }
        }
    )+};
}
internal!(askama::Error, actix_web::error::BlockingError, actix_session::SessionInsertError, anyhow::Error);

impl From<DbError> for WebError {
    fn from(error: DbError) -> Self {
        let busy = error.is_busy();
        let cause = Arc::new(error.into());
        if busy { Self::Busy(cause) } else { Self::Internal(cause) }
    }
}

impl From<diesel::result::Error> for WebError {
    /// A row that is not there is a page that is not there; anything else is our fault.
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::NotFound => Self::NotFound,
            other => DbError::from(other).into(),
        }
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::OtherSite => StatusCode::FORBIDDEN,
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty answer that carries the error; [`errors`] writes the page, knowing the viewer.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::SignInFirst { next } => {
                let query = next.as_deref().map_or_else(String::new, |next| {
                    format!(
                        "?{}",
                        form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()
                    )
                });
                response.insert_header((header::LOCATION, format!("/sign-in{query}")));
            }
            Self::TooMany { retry_after_seconds } => {
                response.insert_header((header::RETRY_AFTER, retry_after_seconds.to_string()));
            }
            Self::Busy(_) => {
                response.insert_header((header::RETRY_AFTER, BUSY_RETRY_SECONDS.to_string()));
            }
            _ => {}
        }
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl WebError {
    /// What an answer of the framework's own means here.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(super::MAX_BODY_BYTES),
            status if status.is_client_error() => {
                Self::BadRequest("The request could not be read. Go back and try again.".to_owned())
            }
            status => Self::Internal(Arc::new(anyhow::anyhow!("the framework answered {status}"))),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "There is nothing here",
            Self::Forbidden => "Your role does not open this page",
            Self::SignInFirst { .. } => "Sign in first",
            Self::OtherSite => "The request was stopped",
            Self::BadRequest(_) => "The request could not be understood",
            Self::Conflict(_) => "That is not possible now",
            Self::TooLarge(_) => "That is too large",
            Self::Method => "That does not work this way",
            Self::TooMany { .. } => "Too many tries",
            Self::Busy(_) => "The database is busy",
            Self::Internal(_) => "Something went wrong on our side",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotFound => "The address is wrong, the thing was removed, or it is not yours to see.".to_owned(),
            Self::Forbidden => {
                "It belongs to another role. An administrator can tell you who has it, or change yours.".to_owned()
            }
            Self::SignInFirst { .. } => "This page needs a user.".to_owned(),
            Self::OtherSite => {
                "It did not come from a page of this site, so nothing was changed. Open the page here and try again."
                    .to_owned()
            }
            Self::BadRequest(words) | Self::Conflict(words) => words.clone(),
            Self::TooLarge(bytes) => format!("A request holds {} KiB at most.", bytes / 1024),
            Self::Method => "The address exists, but takes another kind of request.".to_owned(),
            Self::TooMany { retry_after_seconds } => {
                format!("Wait {}, then try again.", super::show::duration_words(*retry_after_seconds))
            }
            Self::Busy(_) => {
                "A large import or a job has it to itself for the moment, or it cannot be reached. Try again in a few seconds; after a form, look first whether it was done."
                    .to_owned()
            }
            Self::Internal(_) => {
                "Nothing you did is lost that was confirmed before. The failure is in our log; trying again may help."
                    .to_owned()
            }
        }
    }

    /// Links that lead on.
    fn ways(&self, who: Option<&Who>) -> Vec<(&'static str, &'static str)> {
        match (self, who) {
            (Self::TooMany { .. } | Self::SignInFirst { .. }, _) | (_, None) => {
                vec![("Go to sign-in", "/sign-in")]
            }
            (_, Some(who)) if who.viewer.role == Role::Partner => vec![("Go to your home page", "/")],
            (Self::Forbidden, Some(_)) => {
                vec![("Go to your start page", "/"), ("See your account", "/account")]
            }
            (_, Some(_)) => vec![("Go to your start page", "/")],
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    page: Page,
    status: u16,
    message: String,
    request_id: Option<String>,
    ways: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "error_bare.html")]
struct BareErrorPage {
    page: Page,
    status: u16,
    message: String,
    request_id: Option<String>,
    ways: Vec<(&'static str, &'static str)>,
}

/// Answers for sessions that could not be read: they fail only with the database, and outside of [`errors`], which could
/// not say who is asking either.
///
/// # Errors
/// Those of the inner service, as 503.
pub async fn no_session<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    next.call(request).await.map_err(|error| {
        tracing::error!(%error, "the session could not be read");
        let busy = WebError::Busy(Arc::new(anyhow::anyhow!("{error}")));
        let response = HttpResponse::build(busy.status_code())
            .insert_header((header::RETRY_AFTER, BUSY_RETRY_SECONDS.to_string()))
            .content_type("text/plain; charset=utf-8")
            .body(format!("{}. {}\n", busy.title(), busy.message()));
        actix_web::error::InternalError::from_response(error, response).into()
    })
}

/// Writes the page of every refusal and failure, in the one place that logs failures.
///
/// # Errors
/// Those of the inner service.
pub async fn errors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let written = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_ours =
        written.is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/json"));
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let carried = response.response().extensions().get::<WebError>().cloned();
    let error = carried.unwrap_or_else(|| WebError::of_status(status));
    let body = error_body(response.request(), &error);
    Ok(response.map_body(|head, _| {
        head.headers
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
        BoxBody::new(body)
    }))
}

fn error_body(request: &HttpRequest, error: &WebError) -> String {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let request_id = if let WebError::Internal(cause) | WebError::Busy(cause) = error {
        tracing::error!(
            id = id.as_deref(),
            path = request.path(),
            error = format!("{cause:#}"),
            "request failed"
        );
        id
    } else {
        None
    };
    let page = Page::new(request, error.title());
    let (status, message) = (error.status_code().as_u16(), error.message());
    let ways = error.ways(page.who.as_ref());
    let rendered = if page.who.is_some() {
        ErrorPage { page, status, message, request_id, ways }.render()
    } else {
        BareErrorPage { page, status, message, request_id, ways }.render()
    };
    rendered.unwrap_or_else(|failure| {
        tracing::error!(%failure, "the error page itself failed");
        error.title().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::app::testing::on_each_engine;
    use crate::db::Db;
    use crate::db::session::session_delete;

    #[test]
    fn a_database_held_by_others_is_busy_and_not_broken() {
        on_each_engine("2026-07-08T06:00:00Z", |app| {
            let (mut holder, mut late) = (app.pool.get().unwrap(), app.pool.get().unwrap());
            let (hold, hurry) = match &*holder {
                Db::Sqlite(_) => ("BEGIN IMMEDIATE", "PRAGMA busy_timeout = 1"),
                Db::Pg(_) => ("BEGIN; LOCK TABLE sessions", "SET lock_timeout = 1"),
            };
            holder.batch_execute(hold).unwrap();
            late.batch_execute(hurry).unwrap();
            let error = WebError::from(session_delete(&mut late, "any").unwrap_err());
            assert!(matches!(error, WebError::Busy(_)), "{error:?}");
            assert_eq!(error.error_response().status(), StatusCode::SERVICE_UNAVAILABLE);
            holder.batch_execute("ROLLBACK").unwrap();
            assert!(session_delete(&mut late, "any").is_ok(), "and then it is free again");
        });
    }
}
