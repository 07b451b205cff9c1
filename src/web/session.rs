//! Sessions: a signed cookie holds a random key, the database holds the rest under a hash of it.

use std::collections::HashMap;

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;
use actix_web::web;
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Web;
use super::access::Who;
use crate::app::App;
use crate::app::user::password_stamp;
use crate::db::session::{session_delete, session_extend, session_get, session_insert, session_update};
use crate::db::user::UserRow;
use crate::db::{Db, DbError};
use crate::domain::digest::sha256;

/// A session ends after this long without a request.
pub const IDLE_HOURS: i64 = 12;

/// A session ends this long after sign-in, used or not.
pub const LONGEST_HOURS: i64 = 7 * 24;

/// The end moves at most this often, so that reading pages rarely writes.
pub const REFRESH_MINUTES: i64 = 30;

/// The cookie. Over TLS it carries the `__Host-` prefix: no other host and no plain connection can
/// set it.
#[must_use]
pub fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-lanemark" } else { "lanemark" }
}

type State = HashMap<String, String>;

/// Key of the id of the user in the state of a session.
pub(super) const USER: &str = "user";
/// Key of the [`Holder`], which comes with the state and is never stored in it.
pub(super) const HOLDER: &str = "holder";

/// The user of a session as stored at this moment: found with the session, so that a page asks once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Who is asking.
    pub who: Who,
    /// Whether the user may sign in.
    pub active: bool,
    /// [`password_stamp`].
    pub stamp: String,
}

impl Holder {
    fn new(user: UserRow, partner_name: Option<String>) -> Result<Self, DbError> {
        let (active, stamp) = (user.active, password_stamp(&user));
        Ok(Self { who: Who { viewer: user.viewer()?, email: user.email, partner_name }, active, stamp })
    }
}

/// Keeps sessions in the `sessions` table.
#[derive(Clone)]
pub struct DbSessions {
    app: App,
}

impl DbSessions {
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db, DateTime<Utc>) -> Result<T, DbError> + Send + 'static,
    ) -> anyhow::Result<T> {
        let app = self.app.clone();
        Ok(web::block(move || work(&mut *app.pool.get()?, app.now())).await??)
    }

    /// Stores a state through `write`, without its [`Holder`].
    async fn put(&self, key: &str, state: &State, ttl: &Duration, write: Write) -> anyhow::Result<()> {
        let (hash, ttl) = (key_hash(key), ttl.whole_seconds());
        let user_id = state.get(USER).and_then(|id| id.parse().ok());
        let kept: HashMap<&String, &String> = state.iter().filter(|(name, _)| *name != HOLDER).collect();
        let state = serde_json::to_string(&kept)?;
        self.run(move |db, now| Ok(write(db, &hash, (&state, user_id), now + seconds(ttl))?)).await
    }
}

/// How a state is stored: as a new session, or as that of a known one.
type Write = fn(&mut Db, &str, (&str, Option<i64>), DateTime<Utc>) -> diesel::QueryResult<()>;

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::try_seconds(count).unwrap_or_default()
}

fn key_hash(key: &str) -> String {
    sha256(key)
}

impl SessionStore for DbSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let hash = key_hash(key.as_ref());
        let found =
            self.run(move |db, now| Ok(session_get(db, &hash, now)?)).await.map_err(LoadError::Other)?;
        let Some(found) = found else { return Ok(None) };
        let mut state: State = serde_json::from_str(&found.state)
            .context("the stored session does not read back")
            .map_err(LoadError::Deserialization)?;
        state.remove(HOLDER);
        if let Some((user, partner_name)) = found.user {
            let holder = Holder::new(user, partner_name).map_err(|error| LoadError::Other(error.into()))?;
            let holder = serde_json::to_string(&holder).map_err(|error| LoadError::Other(error.into()))?;
            state.insert(HOLDER.to_owned(), holder);
        }
        Ok(Some(state))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = super::random_hex().map_err(|error| SaveError::Other(error.into()))?;
        self.put(&key, &state, ttl, session_insert).await.map_err(SaveError::Other)?;
        SessionKey::try_from(key).map_err(|error| SaveError::Other(anyhow::anyhow!("{error}")))
    }

    async fn update(&self, key: SessionKey, state: State, ttl: &Duration) -> Result<SessionKey, UpdateError> {
        // The page was made and what it did is stored: better a note lost than the page.
        if let Err(error) = self.put(key.as_ref(), &state, ttl, session_update).await {
            tracing::warn!(error = format!("{error:#}"), "a session was not kept up to date");
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> anyhow::Result<()> {
        let (hash, ttl) = (key_hash(key.as_ref()), ttl.whole_seconds());
        self.run(move |db, now| Ok(session_extend(db, &hash, now + seconds(ttl))?)).await
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        let hash = key_hash(key.as_ref());
        self.run(move |db, _| Ok(session_delete(db, &hash)?)).await
    }
}

/// The session life cycle around every page.
#[must_use]
pub fn middleware(web: &Web) -> SessionMiddleware<DbSessions> {
    let is_https = web.config.is_https();
    SessionMiddleware::builder(DbSessions { app: web.app.clone() }, web.key.clone())
        .cookie_name(cookie_name(is_https).to_owned())
        .cookie_secure(is_https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(Duration::hours(IDLE_HOURS))
                .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
        )
        .build()
}
