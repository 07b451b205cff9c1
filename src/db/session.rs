//! Sessions of the web pages. The key in the table is a hash of the one in the cookie, so that a
//! stolen copy of the database opens no session.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Db;
use super::dialect::BothExt;
use super::schema::sessions;
use super::types::Instant;

/// The state of the session, if it exists and is not over at `now`.
///
/// # Errors
/// The engine's reason.
pub fn session_get(db: &mut Db, key_hash: &str, now: DateTime<Utc>) -> QueryResult<Option<String>> {
    sessions::table
        .find(key_hash)
        .filter(sessions::expires_at.gt(Instant(now)))
        .select(sessions::state)
        .first(db)
        .optional()
}

/// Stores the session, new or known.
///
/// # Errors
/// The engine's reason.
pub fn session_put(db: &mut Db, key_hash: &str, state: &str, expires_at: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(key_hash),
            sessions::state.eq(state),
            sessions::expires_at.eq(Instant(expires_at)),
        ))
        .on_conflict(sessions::key_hash)
        .do_update()
        .set((sessions::state.eq(state), sessions::expires_at.eq(Instant(expires_at))))
        .both()
        .execute(db)
        .map(drop)
}

/// Moves the end of the session to `expires_at`.
///
/// # Errors
/// The engine's reason.
pub fn session_extend(db: &mut Db, key_hash: &str, expires_at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(sessions::table.find(key_hash))
        .set(sessions::expires_at.eq(Instant(expires_at)))
        .execute(db)
        .map(drop)
}

/// Ends the session.
///
/// # Errors
/// The engine's reason.
pub fn session_delete(db: &mut Db, key_hash: &str) -> QueryResult<()> {
    diesel::delete(sessions::table.find(key_hash)).execute(db).map(drop)
}

/// Removes sessions that were over at `now`; returns how many.
///
/// # Errors
/// The engine's reason.
pub fn session_sweep(db: &mut Db, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.le(Instant(now)))).execute(db)
}
