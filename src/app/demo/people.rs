//! The demo's users: one for each role, with passwords that everybody may know.

use super::network::{SLIPPING, partner_of};
use crate::app::App;
use crate::app::user::{NewUser, UserError, user_add};
use crate::db::Db;
use crate::db::user::user_by_email;
use crate::domain::viewer::{Role, Viewer};

/// A way to sign in to the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The role in words.
    pub role: &'static str,
    /// The name of the user.
    pub name: &'static str,
    /// The address to sign in with.
    pub email: String,
    /// The password; the same in every demo, so never one to keep.
    pub password: String,
}

const PEOPLE: [(Role, &str, &str); 7] = [
    (Role::CarrierManager, "Mara Lindqvist", "manager"),
    (Role::Procurement, "Jonas Abara", "procurement"),
    (Role::Finance, "Priya Tellier", "finance"),
    (Role::Controller, "Noor Castellan", "controller"),
    (Role::Auditor, "Walt Sanderling", "auditor"),
    (Role::Admin, "Kim Osterhaus", "admin"),
    (Role::Partner, "", "partner"),
];

/// One sign-in for each role, the one to begin with first. The partner is the one that slips.
#[must_use]
pub fn sign_ins() -> Vec<SignIn> {
    PEOPLE.iter().map(|(role, name, word)| sign_in(*role, name, word)).collect()
}

fn sign_in(role: Role, name: &'static str, word: &str) -> SignIn {
    let contact = partner_of(SLIPPING).map(|partner| (partner.contact, partner.email()));
    let (name, email) = match contact {
        Some((contact, email)) if role == Role::Partner => (contact, email),
        _ => (name, format!("{word}@shipper.example")),
    };
    SignIn { role: role.title(), name, email, password: format!("demo {word} only") }
}

/// Adds the users.
pub(super) fn settle(
    app: &App,
    db: &mut Db,
    partner_id: impl Fn(&str) -> Option<i64>,
) -> Result<(), UserError> {
    for (role, name, word) in PEOPLE {
        let known = sign_in(role, name, word);
        let partner = if role == Role::Partner { partner_id(SLIPPING) } else { None };
        let new = NewUser {
            email: known.email,
            name: known.name.to_owned(),
            role,
            partner_id: partner,
            password: known.password,
        };
        user_add(app, db, &Viewer::system(), &new)?;
    }
    Ok(())
}

/// The user of that role, as the author of what it does in the demo.
pub(super) fn viewer(db: &mut Db, role: Role) -> Result<Viewer, UserError> {
    let (_, name, word) = PEOPLE.into_iter().find(|(known, ..)| *known == role).ok_or(UserError::Unknown)?;
    let email = sign_in(role, name, word).email;
    Ok(user_by_email(db, &email)?.ok_or(UserError::Unknown)?.viewer()?)
}
