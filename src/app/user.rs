//! Users: adding, switching off, passwords, signing in. Every change leaves a line in the audit log.

use sha2::{Digest, Sha256};

use super::App;
use super::audit::{Entry, audit};
use super::password::{self, PasswordError};
use crate::db::dialect::write_tx;
use crate::db::types::Instant;
use crate::db::user::{self, UserRow};
use crate::db::{Db, DbError};
use crate::domain::viewer::{Role, Viewer};

/// Longest e-mail address (RFC 5321) and name.
const MAX_TEXT_CHARS: usize = 254;

/// Why a user was not added or changed. The words are for the form.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The address is none.
    #[error("Give an e-mail address such as name@company.example.")]
    Email,
    /// Somebody has it.
    #[error("{0} already belongs to a user. Switch that one on again, or give another address.")]
    EmailTaken(String),
    /// Empty or too long.
    #[error("Give a name of 1 to {MAX_TEXT_CHARS} characters.")]
    Name,
    /// See [`PasswordError`].
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The current password, asked before a change, is another one.
    #[error("This is not your current password.")]
    CurrentPassword,
    /// A partner user without a partner, or another user with one, or a partner nobody knows.
    #[error("Choose a partner for the role Partner, and none for any other role.")]
    Partner,
    /// No such row.
    #[error("There is no such user.")]
    Unknown,
    /// Nobody locks themselves out.
    #[error("You cannot switch yourself off. Ask another administrator.")]
    OwnAccount,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for UserError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// A user to add.
#[derive(Clone)]
pub struct NewUser {
    /// The address to sign in with; kept in lower case.
    pub email: String,
    /// The name people read.
    pub name: String,
    /// What the user is.
    pub role: Role,
    /// The carrier of a [`Role::Partner`].
    pub partner_id: Option<i64>,
    /// The first password, in clear. Never stored or logged.
    pub password: String,
}

/// Adds a user and returns its id. Hashing takes some 25 ms and happens before the transaction.
///
/// # Errors
/// Which field is wrong, or the engine's reason.
pub fn user_add(app: &App, db: &mut Db, by: &Viewer, new: &NewUser) -> Result<i64, UserError> {
    check_new(new)?;
    let hash = password::hash(&new.password)?;
    user_add_hashed(app, db, by, new, hash)
}

/// As [`user_add`] with a hash already made; for the demo and tests, which add many users.
///
/// # Errors
/// Which field is wrong, or the engine's reason.
pub fn user_add_hashed(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    new: &NewUser,
    password_hash: String,
) -> Result<i64, UserError> {
    check_new(new)?;
    let email = normal_email(&new.email)?;
    let row = UserRow {
        id: app.id(),
        email,
        name: new.name.trim().to_owned(),
        role: new.role.code().to_owned(),
        partner_id: new.partner_id,
        password_hash,
        active: true,
        created_at: Instant(app.now()),
    };
    write_tx(db, |db| {
        user::user_add(db, &row).map_err(|error| add_refused(error, &row.email))?;
        let detail = new.role.title();
        audit(
            app,
            db,
            by,
            Entry { action: "user.add", subject: &row.email, partner_id: row.partner_id, detail },
        )?;
        Ok(row.id)
    })
}

fn check_new(new: &NewUser) -> Result<(), UserError> {
    let email = normal_email(&new.email)?;
    if new.name.trim().is_empty() || new.name.chars().count() > MAX_TEXT_CHARS {
        return Err(UserError::Name);
    }
    if (new.role == Role::Partner) != new.partner_id.is_some() {
        return Err(UserError::Partner);
    }
    Ok(password::check(&new.password, &email)?)
}

fn add_refused(error: diesel::result::Error, email: &str) -> UserError {
    use diesel::result::DatabaseErrorKind::{ForeignKeyViolation, UniqueViolation};
    use diesel::result::Error::DatabaseError;
    match error {
        DatabaseError(UniqueViolation, _) => UserError::EmailTaken(email.to_owned()),
        DatabaseError(ForeignKeyViolation, _) => UserError::Partner,
        other => other.into(),
    }
}

/// The address in the form it is stored: trimmed, lower case, one @ between two non-empty parts.
///
/// # Errors
/// [`UserError::Email`].
pub fn normal_email(text: &str) -> Result<String, UserError> {
    let email = text.trim().to_lowercase();
    let plain = email.chars().all(|c| !c.is_whitespace() && !c.is_control());
    match email.split_once('@') {
        Some((local, domain))
            if plain
                && !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && email.chars().count() <= MAX_TEXT_CHARS =>
        {
            Ok(email)
        }
        _ => Err(UserError::Email),
    }
}

/// Switches a user off: no sign-in, and every session of the user ends with its next request.
///
/// # Errors
/// [`UserError::OwnAccount`], [`UserError::Unknown`], or the engine's reason.
pub fn user_disable(app: &App, db: &mut Db, by: &Viewer, id: i64) -> Result<(), UserError> {
    if by.user_id == id {
        return Err(UserError::OwnAccount);
    }
    set_active(app, db, by, id, false)
}

/// Lets a user sign in again.
///
/// # Errors
/// [`UserError::Unknown`], or the engine's reason.
pub fn user_enable(app: &App, db: &mut Db, by: &Viewer, id: i64) -> Result<(), UserError> {
    set_active(app, db, by, id, true)
}

fn set_active(app: &App, db: &mut Db, by: &Viewer, id: i64, active: bool) -> Result<(), UserError> {
    write_tx(db, |db| {
        let row = user::user_get(db, id)?.ok_or(UserError::Unknown)?;
        if user::user_set_active(db, id, active)? > 0 {
            let action = if active { "user.enable" } else { "user.disable" };
            audit(
                app,
                db,
                by,
                Entry { action, subject: &row.email, partner_id: row.partner_id, detail: "" },
            )?;
        }
        Ok(())
    })
}

/// Gives a user a new password, which ends the user's sessions.
///
/// # Errors
/// What is wrong with the password, [`UserError::Unknown`], or the engine's reason.
pub fn user_set_password(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    id: i64,
    new_password: &str,
) -> Result<(), UserError> {
    let row = user::user_get(db, id)?.ok_or(UserError::Unknown)?;
    password::check(new_password, &row.email)?;
    let hash = password::hash(new_password)?;
    write_tx(db, |db| {
        user::user_set_password_hash(db, id, &hash)?;
        let entry =
            Entry { action: "user.password", subject: &row.email, partner_id: row.partner_id, detail: "" };
        Ok(audit(app, db, by, entry)?)
    })
}

/// As [`user_set_password`] for the user's own account, who must know the current password.
///
/// # Errors
/// [`UserError::CurrentPassword`], and those of [`user_set_password`].
pub fn user_change_password(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    current: &str,
    new_password: &str,
) -> Result<(), UserError> {
    let row = user::user_get(db, by.user_id)?.ok_or(UserError::Unknown)?;
    if !password::matches(current, Some(&row.password_hash)) {
        return Err(UserError::CurrentPassword);
    }
    user_set_password(app, db, by, row.id, new_password)
}

/// A short fingerprint of the stored password. A session carries it, so that a new password ends
/// every session opened with the old one.
#[must_use]
pub fn password_stamp(row: &UserRow) -> String {
    Sha256::digest(row.password_hash.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Checks address and password. `None` when they do not open an account, without saying why.
/// Either way a line in the audit log says who tried from where.
///
/// # Errors
/// The engine's reason.
pub fn sign_in(
    app: &App,
    db: &mut Db,
    email: &str,
    given: &str,
    address: &str,
) -> Result<Option<UserRow>, DbError> {
    let email = normal_email(email).ok();
    let row = match &email {
        Some(email) => user::user_by_email(db, email)?,
        None => None,
    };
    let stored = row.as_ref().filter(|row| row.active).map(|row| row.password_hash.as_str());
    let opened = password::matches(given, stored);
    let by = match &row {
        Some(row) => row.viewer()?,
        None => Viewer { name: "nobody".to_owned(), ..Viewer::system() },
    };
    let entry = Entry {
        action: if opened { "session.open" } else { "session.refuse" },
        // An unknown address is not written down: people paste passwords into the wrong field.
        subject: row.as_ref().map_or("unknown address", |row| row.email.as_str()),
        partner_id: row.as_ref().and_then(|row| row.partner_id),
        detail: &format!("from {address}"),
    };
    audit(app, db, &by, entry)?;
    Ok(row.filter(|_| opened))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_at_sign_between_two_parts() {
        assert_eq!(normal_email(" Mara@North.Example ").unwrap(), "mara@north.example");
        for bad in ["", "mara", "@north", "mara@", "a@b@c", "a b@c", "a@b\nc"] {
            assert!(normal_email(bad).is_err(), "{bad:?}");
        }
    }
}
