//! Users of the pages.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::{partners, users};
use super::types::Instant;
use super::{Db, DbError};
use crate::domain::viewer::{Role, Viewer};

/// A user as stored. `Debug` leaves the password hash out.
#[derive(Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct UserRow {
    /// Row id.
    pub id: i64,
    /// Lower case; the name to sign in with.
    pub email: String,
    /// The name people read.
    pub name: String,
    /// [`Role::code`].
    pub role: String,
    /// The carrier of a [`Role::Partner`].
    pub partner_id: Option<i64>,
    /// argon2id, as a PHC string.
    pub password_hash: String,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user was added.
    pub created_at: Instant,
}

impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("role", &self.role)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl UserRow {
    /// The stored role.
    ///
    /// # Errors
    /// [`DbError::Stored`] when the word is no role.
    pub fn role(&self) -> Result<Role, DbError> {
        self.role.parse().map_err(|error: crate::domain::viewer::UnknownRole| DbError::Stored {
            what: format!("the role of user {}", self.id),
            reason: error.to_string(),
        })
    }

    /// The user as the asker of queries.
    ///
    /// # Errors
    /// [`DbError::Stored`] when the role does not read back.
    pub fn viewer(&self) -> Result<Viewer, DbError> {
        Ok(Viewer {
            user_id: self.id,
            name: self.name.clone(),
            role: self.role()?,
            partner_id: self.partner_id,
        })
    }
}

/// Adds a user.
///
/// # Errors
/// The engine's reason; a unique violation when the e-mail address is taken.
pub fn user_add(db: &mut Db, user: &UserRow) -> QueryResult<()> {
    diesel::insert_into(users::table).values(user).execute(db).map(drop)
}

/// The user with this id.
///
/// # Errors
/// The engine's reason.
pub fn user_get(db: &mut Db, id: i64) -> QueryResult<Option<UserRow>> {
    users::table.find(id).first(db).optional()
}

/// The user with this e-mail address, given in lower case.
///
/// # Errors
/// The engine's reason.
pub fn user_by_email(db: &mut Db, email: &str) -> QueryResult<Option<UserRow>> {
    users::table.filter(users::email.eq(email)).first(db).optional()
}

/// At most `limit` users with the names of their partners, those who may sign in first, then by name.
///
/// # Errors
/// The engine's reason.
pub fn user_list(db: &mut Db, limit: i64) -> QueryResult<Vec<(UserRow, Option<String>)>> {
    users::table
        .left_join(partners::table.on(users::partner_id.eq(partners::id.nullable())))
        .order((users::active.desc(), users::name, users::id))
        .limit(limit)
        .select((users::all_columns, partners::name.nullable()))
        .load(db)
}

/// The addresses of at most `limit` users of `role` who may sign in, sorted.
///
/// # Errors
/// The engine's reason.
pub fn user_addresses(db: &mut Db, role: Role, limit: i64) -> QueryResult<Vec<String>> {
    users::table
        .filter(users::role.eq(role.code()))
        .filter(users::active.eq(true))
        .order(users::email)
        .limit(limit)
        .select(users::email)
        .load(db)
}

/// The addresses of at most `limit` users of any of `roles` who may sign in, sorted; the user `but` is left out.
///
/// # Errors
/// The engine's reason.
pub fn user_addresses_but(db: &mut Db, roles: &[Role], but: i64, limit: i64) -> QueryResult<Vec<String>> {
    let codes: Vec<&str> = roles.iter().map(|role| role.code()).collect();
    users::table
        .filter(users::role.eq_any(codes))
        .filter(users::id.ne(but))
        .filter(users::active.eq(true))
        .order(users::email)
        .limit(limit)
        .select(users::email)
        .load(db)
}

/// The addresses of at most `limit` users of one partner who may sign in, sorted.
///
/// # Errors
/// The engine's reason.
pub fn user_addresses_of_partner(db: &mut Db, partner_id: i64, limit: i64) -> QueryResult<Vec<String>> {
    users::table
        .filter(users::partner_id.eq(partner_id))
        .filter(users::active.eq(true))
        .order(users::email)
        .limit(limit)
        .select(users::email)
        .load(db)
}

/// The addresses of those of the users with these ids who may sign in, sorted.
///
/// # Errors
/// The engine's reason.
pub fn user_addresses_of(db: &mut Db, ids: &[i64]) -> QueryResult<Vec<String>> {
    users::table
        .filter(users::id.eq_any(ids.to_vec()))
        .filter(users::active.eq(true))
        .order(users::email)
        .select(users::email)
        .load(db)
}

/// Switches a user on or off; returns how many rows that were in the other state.
///
/// # Errors
/// The engine's reason.
pub fn user_set_active(db: &mut Db, id: i64, active: bool) -> QueryResult<usize> {
    diesel::update(users::table.find(id).filter(users::active.ne(active)))
        .set(users::active.eq(active))
        .execute(db)
}

/// How many users of `role` may sign in; the user `but` is left out.
///
/// # Errors
/// The engine's reason.
pub fn user_count_but(db: &mut Db, role: Role, but: i64) -> QueryResult<i64> {
    users::table
        .filter(users::role.eq(role.code()))
        .filter(users::active.eq(true))
        .filter(users::id.ne(but))
        .select(count_star())
        .first(db)
}

/// Gives a user another role.
///
/// # Errors
/// The engine's reason; a check violation where the role and the user's partner do not fit together.
pub fn user_set_role(db: &mut Db, id: i64, role: Role) -> QueryResult<()> {
    diesel::update(users::table.find(id)).set(users::role.eq(role.code())).execute(db).map(drop)
}

/// Stores a new password hash.
///
/// # Errors
/// The engine's reason.
pub fn user_set_password_hash(db: &mut Db, id: i64, hash: &str) -> QueryResult<()> {
    diesel::update(users::table.find(id)).set(users::password_hash.eq(hash)).execute(db).map(drop)
}

/// Ids and names of all partners by name, for the choice of a partner user's carrier; at most `limit`.
///
/// # Errors
/// The engine's reason.
pub fn user_partner_choices(db: &mut Db, limit: i64) -> QueryResult<Vec<(i64, String)>> {
    partners::table.order(partners::name).limit(limit).select((partners::id, partners::name)).load(db)
}
