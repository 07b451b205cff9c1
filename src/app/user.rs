//! Users: adding, switching off, roles, passwords, signing in. Every change leaves a line in the audit log.

use sha2::{Digest, Sha256};

use super::App;
use super::audit::{Entry, audit};
use super::password::{self, PasswordError};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::session::session_delete_of;
use crate::db::types::Instant;
use crate::db::user::{self, UserRow};
use crate::db::{Db, DbError};
use crate::domain::role_change::{Holder, Refused};
use crate::domain::viewer::{Role, Viewer};

/// Taken by whoever takes rights from users, so that two administrators do not each take the other's.
const LOCK: &str = "users";

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
    /// A role that is not given, or an administrator who stays.
    #[error(transparent)]
    Role(#[from] Refused),
    /// Somebody was faster.
    #[error("The user is {} by now. Look at the user again and decide anew.", .0.title())]
    RoleChanged(Role),
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
/// [`UserError::OwnAccount`], [`UserError::Role`] for the last administrator, [`UserError::Unknown`], or the engine's reason.
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
        transaction_lock(db, LOCK)?;
        let row = user::user_get(db, id)?.ok_or(UserError::Unknown)?;
        if !active && is_last_administrator(db, &row)? {
            return Err(Refused::LastAdministrator.into());
        }
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

fn is_last_administrator(db: &mut Db, row: &UserRow) -> Result<bool, DbError> {
    let is_one = row.active && row.role()? == Role::Admin;
    Ok(is_one && user::user_count_but(db, Role::Admin, row.id)? == 0)
}

fn holder(db: &mut Db, by: &Viewer, row: &UserRow) -> Result<Holder, DbError> {
    Ok(Holder {
        role: row.role()?,
        is_own: by.user_id == row.id,
        is_last_administrator: is_last_administrator(db, row)?,
    })
}

/// A user and the roles that `by` may give to that user.
///
/// # Errors
/// [`UserError::Unknown`], [`UserError::Role`] where there is none to give, or the engine's reason.
pub fn user_role_choices(db: &mut Db, by: &Viewer, id: i64) -> Result<(UserRow, Vec<Role>), UserError> {
    let row = user::user_get(db, id)?.ok_or(UserError::Unknown)?;
    let choices = holder(db, by, &row)?.choices()?;
    Ok((row, choices))
}

/// Gives a user who was `seen` as one role another, and ends every session of the user: what the user may do is asked anew at the
/// next sign-in. What the user prepared stays the user's own, since segregation of duties goes by the person. Gives the user's
/// name.
///
/// # Errors
/// [`UserError::Unknown`], [`UserError::Role`], [`UserError::RoleChanged`], or the engine's reason; nothing was changed then.
pub fn user_set_role(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    id: i64,
    (seen, to): (Role, Role),
) -> Result<String, UserError> {
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let row = user::user_get(db, id)?.ok_or(UserError::Unknown)?;
        let holder = holder(db, by, &row)?;
        if holder.role != seen {
            return Err(UserError::RoleChanged(holder.role));
        }
        holder.check(to)?;
        user::user_set_role(db, id, to)?;
        session_delete_of(db, id)?;
        let detail = format!("{} → {}", holder.role.title(), to.title());
        let entry =
            Entry { action: "user.role", subject: &row.email, partner_id: row.partner_id, detail: &detail };
        audit(app, db, by, entry)?;
        Ok(row.name)
    })
}

/// The user with this address.
///
/// # Errors
/// [`UserError::Email`], [`UserError::Unknown`], or the engine's reason.
pub fn user_named(db: &mut Db, email: &str) -> Result<UserRow, UserError> {
    user::user_by_email(db, &normal_email(email)?)?.ok_or(UserError::Unknown)
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
    use crate::app::audit::audit_page;
    use crate::app::password::hash_cheaply;
    use crate::app::testing::{carrier, on_each_engine};
    use crate::db::session::{session_get, session_insert};

    const PASSWORD: &str = "a lane is a promise";

    fn added(app: &App, email: &str, role: Role, partner_id: Option<i64>) -> Viewer {
        let new = NewUser {
            email: email.to_owned(),
            name: email.split('@').next().unwrap().to_owned(),
            role,
            partner_id,
            password: PASSWORD.to_owned(),
        };
        let db = &mut app.pool.get().unwrap();
        let id = user_add_hashed(app, db, &Viewer::system(), &new, hash_cheaply(PASSWORD).unwrap()).unwrap();
        user::user_get(db, id).unwrap().unwrap().viewer().unwrap()
    }

    #[test]
    fn a_role_is_changed_with_its_sessions_and_its_line_in_the_log() {
        on_each_engine("2025-07-08T06:10:00Z", |app| {
            carrier(app, 7, "P7");
            let ada = added(app, "ada@shipper.example", Role::Admin, None);
            let priya = added(app, "priya@shipper.example", Role::Finance, None);
            let ops = added(app, "ops@carrier.example", Role::Partner, Some(7));
            let db = &mut app.pool.get().unwrap();
            let ends = app.now() + chrono::TimeDelta::hours(1);
            for (key, who) in [("a", &ada), ("b", &priya), ("c", &priya)] {
                session_insert(db, key, ("{}", Some(who.user_id)), ends).unwrap();
            }
            let mut give = |by: &Viewer, to: &Viewer, roles: (Role, Role)| {
                user_set_role(app, db, by, to.user_id, roles).map_err(|error| error.to_string())
            };
            let (finance, controller) = (Role::Finance, Role::Controller);
            assert_eq!(give(&ada, &priya, (finance, controller)), Ok("priya".to_owned()));
            let late = give(&ada, &priya, (finance, Role::Auditor)).unwrap_err();
            assert!(late.contains("is Controller by now"), "{late}");
            let same = give(&ada, &priya, (controller, controller)).unwrap_err();
            assert!(same.contains("has this role already"), "{same}");
            let own = give(&ada, &ada, (Role::Admin, finance)).unwrap_err();
            assert!(own.contains("your own role"), "{own}");
            for (who, roles) in [(&ops, (Role::Partner, finance)), (&priya, (controller, Role::Partner))] {
                let told = give(&ada, who, roles).unwrap_err();
                assert!(told.contains("stays with the partner"), "{told}");
            }
            let nobody = Viewer { user_id: 1, ..priya.clone() };
            assert_eq!(give(&ada, &nobody, (finance, controller)).unwrap_err(), "There is no such user.");

            let stored = user::user_get(db, priya.user_id).unwrap().unwrap();
            assert_eq!((stored.role().unwrap(), stored.active), (controller, true));
            for (key, is_open) in [("a", true), ("b", false), ("c", false)] {
                assert_eq!(session_get(db, key, app.now()).unwrap().is_some(), is_open, "session {key}");
            }
            let (lines, _) = audit_page(db, None).unwrap();
            let changes: Vec<_> = lines.iter().filter(|line| line.action == "user.role").collect();
            assert_eq!(changes.len(), 1, "what was refused left nothing: {changes:?}");
            let line = changes[0];
            assert_eq!(
                (line.actor.as_str(), line.subject.as_str(), line.detail.as_str()),
                ("ada", "priya@shipper.example", "Finance → Controller")
            );
        });
    }

    #[test]
    fn the_last_administrator_stays_whoever_asks() {
        on_each_engine("2025-07-08T06:10:00Z", |app| {
            let ada = added(app, "ada@shipper.example", Role::Admin, None);
            let bo = added(app, "bo@shipper.example", Role::Admin, None);
            let db = &mut app.pool.get().unwrap();
            let down = (Role::Admin, Role::Auditor);
            user_disable(app, db, &ada, bo.user_id).unwrap();
            // Whoever is switched off counts as no administrator, and may lose the role.
            let told = user_set_role(app, db, &Viewer::system(), ada.user_id, down).unwrap_err().to_string();
            assert!(told.contains("last administrator"), "{told}");
            let told = user_disable(app, db, &bo, ada.user_id).unwrap_err().to_string();
            assert!(told.contains("last administrator"), "{told}");
            assert!(user_role_choices(db, &Viewer::system(), ada.user_id).is_err());
            user_enable(app, db, &ada, bo.user_id).unwrap();
            let (_, choices) = user_role_choices(db, &ada, bo.user_id).unwrap();
            assert_eq!(choices.len(), 5, "all but administrator and partner: {choices:?}");
            user_set_role(app, db, &bo, ada.user_id, down).unwrap();
            assert!(
                user_set_role(app, db, &ada, bo.user_id, down).is_err(),
                "the other way round in the same moment"
            );
            assert_eq!(user_named(db, " Bo@shipper.example ").unwrap().role().unwrap(), Role::Admin);
        });
    }

    #[test]
    fn addresses_are_one_at_sign_between_two_parts() {
        assert_eq!(normal_email(" Mara@North.Example ").unwrap(), "mara@north.example");
        for bad in ["", "mara", "@north", "mara@", "a@b@c", "a b@c", "a@b\nc"] {
            assert!(normal_email(bad).is_err(), "{bad:?}");
        }
    }
}
