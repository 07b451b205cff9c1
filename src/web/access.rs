//! Who is asking, and the one place that refuses. Every route names its [`Access`]; nothing else
//! decides whether a page opens. What a page then shows is narrowed again by the `Viewer` in queries.

use actix_session::{Session, SessionExt};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Web;
use super::page::WebError;
use super::session::{HOLDER, Holder, LONGEST_HOURS, REFRESH_MINUTES, USER};
use crate::app::user::password_stamp;
use crate::db::user::UserRow;
use crate::domain::viewer::{Action, Role, Viewer};

const STAMP: &str = "stamp";
const SINCE: &str = "since";
const SEEN: &str = "seen";

/// Who may open a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, signed in or not.
    Public,
    /// Every user, of any role.
    SignedIn,
    /// Users whose role may do this.
    May(Action),
}

/// What comes of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The handler runs.
    Allow,
    /// Nobody is signed in: on to the sign-in page.
    SignIn,
    /// The role may not: the page says so.
    Forbid,
    /// A carrier's user learns nothing of what is not the portal, not even that it exists.
    Hide,
}

impl Access {
    /// Decides for one viewer.
    #[must_use]
    pub fn verdict(self, viewer: Option<&Viewer>) -> Verdict {
        match (self, viewer) {
            (Self::Public, _) | (Self::SignedIn, Some(_)) => Verdict::Allow,
            (Self::SignedIn | Self::May(_), None) => Verdict::SignIn,
            (Self::May(action), Some(viewer)) if viewer.role.may(action) => Verdict::Allow,
            (Self::May(_), Some(viewer)) if viewer.role == Role::Partner => Verdict::Hide,
            (Self::May(_), Some(_)) => Verdict::Forbid,
        }
    }
}

/// The user behind a request, as found in the database just now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Who {
    /// The asker of queries.
    pub viewer: Viewer,
    /// The address signed in with.
    pub email: String,
    /// The name of the carrier, for its own users.
    pub partner_name: Option<String>,
}

impl Who {
    /// What stands under the name: the carrier, or the role.
    #[must_use]
    pub fn organisation(&self) -> &str {
        self.partner_name.as_deref().unwrap_or(self.viewer.role.title())
    }
}

/// Opens a session for a user who has just proved to be one. The key changes, so that a key planted
/// before sign-in is worth nothing.
///
/// # Errors
/// [`WebError::Internal`] when the state cannot be written as text.
pub fn open(session: &Session, user: &UserRow, now: DateTime<Utc>) -> Result<(), WebError> {
    session.clear();
    session.renew();
    session.insert(USER, user.id)?;
    session.insert(STAMP, password_stamp(user))?;
    session.insert(SINCE, now.timestamp())?;
    session.insert(SEEN, now.timestamp())?;
    Ok(())
}

/// Finds out who is asking and leaves a [`Who`] in the request. A session whose user was switched
/// off, got a new password, or signed in too long ago, ends here.
///
/// # Errors
/// Those of the inner service, and the database's.
pub async fn identify<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let session = request.get_session();
    if session.get::<i64>(USER).unwrap_or_default().is_some() {
        let now = request.app_data::<web::Data<Web>>().ok_or(WebError::NotFound)?.app.now();
        let holder = session.get::<Holder>(HOLDER).unwrap_or_default();
        match holder.filter(|holder| still_open(&session, holder, now)) {
            Some(Holder { who, .. }) => {
                refresh(&session, now);
                request.extensions_mut().insert(who);
            }
            None => session.purge(),
        }
    }
    next.call(request).await
}

fn still_open(session: &Session, holder: &Holder, now: DateTime<Utc>) -> bool {
    let stamp = session.get::<String>(STAMP).unwrap_or_default();
    let since = session.get::<i64>(SINCE).unwrap_or_default().unwrap_or(0);
    let longest = TimeDelta::try_hours(LONGEST_HOURS).unwrap_or_default().num_seconds();
    holder.active
        && stamp.is_some_and(|stamp| stamp == holder.stamp)
        && now.timestamp().saturating_sub(since) < longest
}

/// A changed state makes the store move the end of the session.
fn refresh(session: &Session, now: DateTime<Utc>) {
    let seen = session.get::<i64>(SEEN).unwrap_or_default().unwrap_or(0);
    let due = REFRESH_MINUTES.saturating_mul(60);
    if now.timestamp().saturating_sub(seen) >= due && session.insert(SEEN, now.timestamp()).is_err() {
        tracing::warn!("a session could not be refreshed");
    }
}

/// Runs the handler of a route only for those who may open it.
///
/// # Errors
/// Those of the handler.
pub async fn check(
    access: Access,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let verdict = access.verdict(request.extensions().get::<Who>().map(|who| &who.viewer));
    let refusal = match verdict {
        Verdict::Allow => return next.call(request).await,
        Verdict::SignIn => WebError::SignInFirst { next: wanted(&request) },
        Verdict::Forbid => WebError::Forbidden,
        Verdict::Hide => WebError::NotFound,
    };
    let refusal = refusal.error_response();
    Ok(request.into_response(refusal))
}

/// Where to go on after signing in: only an address that a link could have opened.
fn wanted(request: &ServiceRequest) -> Option<String> {
    request
        .method()
        .is_safe()
        .then(|| request.uri().path_and_query().map(|path| path.as_str().to_owned()))
        .flatten()
        .filter(|path| path != "/")
}
