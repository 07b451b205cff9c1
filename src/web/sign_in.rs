//! Signing in and out.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::Web;
use super::access::{self, Who};
use super::extract::{Form, in_db, local_path};
use super::page::{self, Page, WebError};
use crate::app::user;
use crate::db::session::session_sweep;

/// Tries for one account from one address before waiting.
pub const TRIES_PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// After that, one try each time this passes.
const ACCOUNT_PERIOD: Duration = Duration::from_secs(30);
/// Tries from one address for any account before waiting.
pub const TRIES_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// After that, one try each time this passes.
const ADDRESS_PERIOD: Duration = Duration::from_secs(4);
/// Passwords hashed at a time: each takes 19 MiB and a processor.
const HASHES_AT_ONCE: usize = 4;
/// Beyond this many remembered addresses, those that may try freely again are forgotten.
const MAX_REMEMBERED: usize = 20_000;
/// An IPv6 network of one customer: 64 bits.
const IPV6_NETWORK_SEGMENTS: usize = 4;

/// How often who may try, and how many at once.
pub struct Limits {
    per_account: DefaultKeyedRateLimiter<(String, String)>,
    per_address: DefaultKeyedRateLimiter<String>,
    hashing: Semaphore,
}

impl Limits {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new() -> Self {
        let quota = |period, burst| Quota::with_period(period).map(|quota: Quota| quota.allow_burst(burst));
        let fallback = Quota::per_minute(TRIES_PER_ACCOUNT);
        Self {
            per_account: RateLimiter::keyed(quota(ACCOUNT_PERIOD, TRIES_PER_ACCOUNT).unwrap_or(fallback)),
            per_address: RateLimiter::keyed(quota(ADDRESS_PERIOD, TRIES_PER_ADDRESS).unwrap_or(fallback)),
            hashing: Semaphore::new(HASHES_AT_ONCE),
        }
    }

    /// Counts a try.
    fn check(&self, address: &str, email: &str) -> Result<(), WebError> {
        if self.per_account.len() > MAX_REMEMBERED {
            self.per_account.retain_recent();
            self.per_address.retain_recent();
        }
        let now = DefaultClock::default().now();
        let account = (address.to_owned(), email.to_owned());
        let wait =
            match (self.per_address.check_key(&address.to_owned()), self.per_account.check_key(&account)) {
                (Ok(()), Ok(())) => return Ok(()),
                (Err(refusal), _) | (Ok(()), Err(refusal)) => refusal.wait_time_from(now),
            };
        Err(WebError::TooMany { retry_after_seconds: wait.as_secs().saturating_add(1) })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Template)]
#[template(path = "session/sign_in.html")]
struct SignInPage {
    page: Page,
    form: Form,
    refusal: Option<String>,
}

/// `GET /sign-in`
pub(super) async fn form(request: HttpRequest) -> Result<HttpResponse, WebError> {
    let sent = Form::parse(request.query_string().as_bytes())?;
    let next = local_path(sent.value("next"));
    if request.extensions().get::<Who>().is_some() {
        return Ok(page::see_other(next.as_deref().unwrap_or("/")));
    }
    let form = Form::filled(next.map(|next| ("next", next)));
    page::html(&SignInPage { page: Page::new(&request, "Sign in"), form, refusal: None })
}

/// `POST /sign-in`
pub(super) async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    session: Session,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let next = local_path(form.value("next"));
    let email = form.required("email", "Give your e-mail address.").to_lowercase();
    let password = form.raw("password").to_owned();
    if password.is_empty() {
        form.fail("password", "Give your password.");
    }
    if !form.is_sound() {
        return refuse(&request, form, None);
    }
    let address = address(&request, web.config.trust_proxy);
    web.limits.check(&address, &email)?;
    let slot =
        web.limits.hashing.acquire().await.map_err(|closed| WebError::from(anyhow::Error::from(closed)))?;
    let app = web.app.clone();
    let user = in_db(&web.app, move |db| {
        session_sweep(db, app.now())?;
        user::sign_in(&app, db, &email, &password, &address)
    })
    .await?;
    drop(slot);
    let Some(user) = user else {
        let words = "E-mail and password do not match an account that may sign in.";
        return refuse(&request, form, Some(words.to_owned()));
    };
    access::open(&session, &user, web.app.now())?;
    Ok(page::see_other(next.as_deref().unwrap_or("/")))
}

fn refuse(request: &HttpRequest, form: Form, refusal: Option<String>) -> Result<HttpResponse, WebError> {
    let page = Page::new(request, "Sign in");
    page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &SignInPage { page, form, refusal })
}

/// `POST /sign-out`
pub(super) async fn delete(session: Session) -> HttpResponse {
    session.purge();
    page::see_other("/sign-in")
}

/// Where a request comes from, as far as it can be believed; an IPv6 address counts by its network.
fn address(request: &HttpRequest, trust_proxy: bool) -> String {
    let told =
        trust_proxy.then(|| request.connection_info().realip_remote_addr().map(str::to_owned)).flatten();
    let seen = || request.peer_addr().map(|peer| peer.ip());
    match told.as_deref().and_then(|text| text.parse().ok()).or_else(seen) {
        Some(IpAddr::V6(ip)) => {
            let network: Vec<String> = ip
                .segments()
                .iter()
                .take(IPV6_NETWORK_SEGMENTS)
                .map(|segment| format!("{segment:x}"))
                .collect();
            format!("{}::/64", network.join(":"))
        }
        Some(ip) => ip.to_string(),
        None => "unknown".to_owned(),
    }
}
