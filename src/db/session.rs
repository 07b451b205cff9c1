//! Sessions of the web pages. The key in the table is a hash of the one in the cookie, so that a
//! stolen copy of the database opens no session.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Db;
use super::schema::{partners, sessions, users};
use super::types::Instant;
use super::user::UserRow;

/// A session that is open, with its user as stored at this moment.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// What the pages keep in it.
    pub state: String,
    /// Whose it is, with the name of the user's partner; none before anybody signed in.
    pub user: Option<(UserRow, Option<String>)>,
}

/// The session, if it exists and is not over at `now`.
///
/// # Errors
/// The engine's reason.
pub fn session_get(db: &mut Db, key_hash: &str, now: DateTime<Utc>) -> QueryResult<Option<OpenSession>> {
    let found: Option<(String, Option<UserRow>, Option<String>)> = sessions::table
        .left_join(users::table.on(sessions::user_id.eq(users::id.nullable())))
        .left_join(partners::table.on(users::partner_id.eq(partners::id.nullable())))
        .filter(sessions::key_hash.eq(key_hash))
        .filter(sessions::expires_at.gt(Instant(now)))
        .select((sessions::state, users::all_columns.nullable(), partners::name.nullable()))
        .first(db)
        .optional()?;
    Ok(found.map(|(state, user, partner)| OpenSession { state, user: user.map(|user| (user, partner)) }))
}

/// Stores a new session, as that of `user_id`.
///
/// # Errors
/// The engine's reason.
pub fn session_insert(
    db: &mut Db,
    key_hash: &str,
    (state, user_id): (&str, Option<i64>),
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(key_hash),
            sessions::state.eq(state),
            sessions::user_id.eq(user_id),
            sessions::expires_at.eq(Instant(expires_at)),
        ))
        .execute(db)
        .map(drop)
}

/// Stores what a session holds now. One that ended meanwhile stays ended: a request under way brings nobody back who
/// signed out.
///
/// # Errors
/// The engine's reason.
pub fn session_update(
    db: &mut Db,
    key_hash: &str,
    (state, user_id): (&str, Option<i64>),
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sessions::table.find(key_hash))
        .set((
            sessions::state.eq(state),
            sessions::user_id.eq(user_id),
            sessions::expires_at.eq(Instant(expires_at)),
        ))
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

/// Ends every session of a user; returns how many there were.
///
/// # Errors
/// The engine's reason.
pub fn session_delete_of(db: &mut Db, user_id: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(db)
}

/// Removes sessions that were over at `now`; returns how many.
///
/// # Errors
/// The engine's reason.
pub fn session_sweep(db: &mut Db, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.le(Instant(now)))).execute(db)
}
