//! Signing in and out.

use std::convert::Infallible;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use governor::clock::{Clock, DefaultClock};
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::Web;
use super::access::{self, Who};
use super::extract::{Form, in_db, local_path};
use super::page::{self, Page, WebError};
use crate::app::user;
use crate::db::session::session_sweep;

/// Tries that fail for one account from one address before waiting.
pub const TRIES_PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// After that, one try each time this passes.
const ACCOUNT_PERIOD: Duration = Duration::from_secs(30);
/// Tries that fail from one address for any account before waiting.
pub const TRIES_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// After that, one try each time this passes.
const ADDRESS_PERIOD: Duration = Duration::from_secs(4);
/// Passwords hashed at a time: each takes 19 MiB and a processor.
const HASHES_AT_ONCE: usize = 4;
/// Beyond this many remembered addresses, those that may try freely again are forgotten.
const MAX_REMEMBERED: usize = 20_000;
/// An IPv6 network of one customer: 64 bits.
const IPV6_NETWORK_SEGMENTS: usize = 4;

/// The state of tries by key, beside the limiter that reads it, so that a try can be given back.
struct Shared<K>(Arc<DashMapStateStore<K>>);

impl<K: Clone + Eq + Hash> StateStore for Shared<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, f)
    }
}

impl<K: Clone + Eq + Hash> ShrinkableKeyedStateStore<K> for Shared<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tries by key: some at once, then one each time a period passes.
struct Tries<K: Clone + Eq + Hash> {
    limiter: RateLimiter<K, Shared<K>, DefaultClock>,
    state: Shared<K>,
    period: Duration,
}

impl<K: Clone + Eq + Hash> Tries<K> {
    fn new(period: Duration, burst: NonZeroU32) -> Self {
        let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(burst)).allow_burst(burst);
        let state: Arc<DashMapStateStore<K>> = Arc::default();
        Self {
            limiter: RateLimiter::new(quota, Shared(Arc::clone(&state)), DefaultClock::default()),
            state: Shared(state),
            period: quota.replenish_interval(),
        }
    }

    /// Counts a try.
    fn take(&self, key: &K) -> Result<(), WebError> {
        self.limiter.check_key(key).map_err(|refusal| {
            let wait = refusal.wait_time_from(self.limiter.clock().now());
            WebError::TooMany { retry_after_seconds: wait.as_secs().saturating_add(1) }
        })
    }

    /// Counts a try no more. Others of the key stay as they are.
    fn give_back(&self, key: &K) {
        let period = Nanos::from(self.period);
        let Ok(()) = self.state.measure_and_replace(key, |until| {
            // A key that was forgotten meanwhile has all its tries.
            Ok::<_, Infallible>(((), until.unwrap_or_default().saturating_sub(period)))
        });
    }
}

/// How often who may try in vain, and how many at once.
pub struct Limits {
    per_account: Tries<(String, String)>,
    per_address: Tries<String>,
    hashing: Semaphore,
}

/// A try that was let through.
struct Tried {
    address: String,
    account: (String, String),
}

impl Limits {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            per_account: Tries::new(ACCOUNT_PERIOD, TRIES_PER_ACCOUNT),
            per_address: Tries::new(ADDRESS_PERIOD, TRIES_PER_ADDRESS),
            hashing: Semaphore::new(HASHES_AT_ONCE),
        }
    }

    /// Lets a try through, or not. It counts until [`Limits::succeeded`] says that it did not fail: so do many at one time, and
    /// those whose answer nobody waits for. One that is not let through counts nowhere.
    fn check(&self, address: &str, email: &str) -> Result<Tried, WebError> {
        if self.per_account.limiter.len() > MAX_REMEMBERED {
            self.per_account.limiter.retain_recent();
            self.per_address.limiter.retain_recent();
        }
        let tried = Tried { address: address.to_owned(), account: (address.to_owned(), email.to_owned()) };
        self.per_address.take(&tried.address)?;
        if let Err(refusal) = self.per_account.take(&tried.account) {
            self.per_address.give_back(&tried.address);
            return Err(refusal);
        }
        Ok(tried)
    }

    /// Counts a try no more. What failed before it, for this account or another, still counts: nobody gets tries by signing in
    /// to an account of theirs.
    fn succeeded(&self, tried: &Tried) {
        self.per_address.give_back(&tried.address);
        self.per_account.give_back(&tried.account);
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
    let tried = web.limits.check(&address, &email)?;
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
    web.limits.succeeded(&tried);
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

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "10.0.0.1";
    const MARA: &str = "mara@lanes.example";
    const TUNDE: &str = "tunde@lanes.example";

    fn wait(limits: &Limits, address: &str, email: &str) -> Option<u64> {
        match limits.check(address, email) {
            Ok(_) => None,
            Err(WebError::TooMany { retry_after_seconds }) => Some(retry_after_seconds),
            Err(other) => panic!("{other}"),
        }
    }

    fn sign_in(limits: &Limits, email: &str) {
        limits.succeeded(&limits.check(ADDRESS, email).unwrap());
    }

    #[test]
    fn only_tries_that_fail_count() {
        let limits = Limits::new();
        for _ in 0..100 {
            sign_in(&limits, MARA);
        }
        for number in 1..=TRIES_PER_ACCOUNT.get() {
            assert_eq!(wait(&limits, ADDRESS, MARA), None, "failure {number}");
        }
        let seconds = wait(&limits, ADDRESS, MARA).unwrap();
        assert!((29..=30).contains(&seconds), "{seconds}");
        assert_eq!(wait(&limits, "10.0.0.2", MARA), None, "another address");
    }

    #[test]
    fn a_success_takes_back_no_failure() {
        let limits = Limits::new();
        for _ in 0..3 {
            assert_eq!(wait(&limits, ADDRESS, MARA), None);
        }
        for _ in 0..10 {
            sign_in(&limits, MARA);
            sign_in(&limits, TUNDE);
        }
        // Five in all, whoever signed in between.
        assert_eq!(wait(&limits, ADDRESS, MARA), None);
        sign_in(&limits, TUNDE);
        assert_eq!(wait(&limits, ADDRESS, MARA), None);
        sign_in(&limits, TUNDE);
        assert!(wait(&limits, ADDRESS, MARA).is_some());
    }

    #[test]
    fn an_address_counts_what_fails_for_any_account_and_nothing_that_was_not_let_through() {
        let limits = Limits::new();
        for _ in 0..TRIES_PER_ACCOUNT.get() {
            assert_eq!(wait(&limits, ADDRESS, MARA), None);
        }
        for _ in 0..100 {
            assert!(wait(&limits, ADDRESS, MARA).is_some());
        }
        for number in TRIES_PER_ACCOUNT.get()..TRIES_PER_ADDRESS.get() {
            sign_in(&limits, TUNDE);
            assert_eq!(wait(&limits, ADDRESS, &format!("{number}@lanes.example")), None, "{number}");
        }
        let seconds = wait(&limits, ADDRESS, TUNDE).unwrap();
        assert!((3..=4).contains(&seconds), "{seconds}");
    }

    #[test]
    fn tries_at_one_time_count_before_it_is_known_whether_they_fail() {
        let limits = Limits::new();
        let under_way: Vec<Tried> = (0..10).filter_map(|_| limits.check(ADDRESS, MARA).ok()).collect();
        assert_eq!(under_way.len(), 5);
        under_way.iter().for_each(|tried| limits.succeeded(tried));
        assert_eq!(wait(&limits, ADDRESS, MARA), None);
    }
}
