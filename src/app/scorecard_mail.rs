//! Mails about exclusions, challenges, restatements, standings and templates, and about money that one side disputes: one
//! message, queued in the transaction of what it tells about.

use super::App;
use super::mail::{MailKind, NewMail, enqueue};
use crate::db::partner::{Partner, partner_show};
use crate::db::user::{user_addresses, user_addresses_but, user_addresses_of_partner};
use crate::db::{Db, DbError};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::mail::message::address_parse;
use crate::mail::template::ScorecardNoticeMail;

/// Most people one message goes to.
const ADDRESSES_MAX: i64 = 100;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The partner's users.
    Partner,
    /// The partner's users and its contact for reviews.
    PartnerAndContact,
    /// The carrier managers.
    Managers,
    /// Whoever may do `action`, but not the user `but`, who did the rest of it.
    WhoMay {
        /// What they may do.
        action: Action,
        /// Id of the user who is left out.
        but: i64,
    },
}

/// What is told.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Names the occasion, so that it is told once.
    pub occasion: String,
    /// What happened.
    pub heading: String,
    /// What the reader must know, one sentence each. No amounts of money.
    pub lines: Vec<String>,
    /// The words on the link.
    pub action: &'a str,
    /// Where it leads, from the root of the site.
    pub path: String,
}

/// Queues the message for everybody it is for. Gives how many were queued now.
///
/// # Errors
/// The database's reason.
pub fn tell(app: &App, db: &mut Db, partner_id: i64, to: To, told: &Told<'_>) -> Result<usize, DbError> {
    tell_as(app, db, MailKind::Scorecard, (partner_id, to), told)
}

/// As [`tell`], about money: items that were assessed, disputes, invoices.
///
/// # Errors
/// The database's reason.
pub fn tell_of_money(
    app: &App,
    db: &mut Db,
    partner_id: i64,
    to: To,
    told: &Told<'_>,
) -> Result<usize, DbError> {
    tell_as(app, db, MailKind::Money, (partner_id, to), told)
}

fn tell_as(
    app: &App,
    db: &mut Db,
    kind: MailKind,
    (partner_id, to): (i64, To),
    told: &Told<'_>,
) -> Result<usize, DbError> {
    let partner = partner_show(db, &Viewer::system(), partner_id)?;
    let addresses = match to {
        To::Partner => user_addresses_of_partner(db, partner_id, ADDRESSES_MAX)?,
        To::PartnerAndContact => match &partner {
            Some(partner) => partner_addresses(db, partner)?,
            None => Vec::new(),
        },
        To::Managers => user_addresses(db, Role::CarrierManager, ADDRESSES_MAX)?,
        To::WhoMay { action, but } => who_may(db, action, but)?,
    };
    let about = partner.map(|partner| partner.name).unwrap_or_default();
    send(app, db, addresses, (kind, Some(partner_id), about), told)
}

/// The contact for reviews and every user of the partner, each once, as far as a mail can go there. With none left
/// nobody can be told.
pub(in crate::app) fn partner_addresses(db: &mut Db, partner: &Partner) -> Result<Vec<String>, DbError> {
    let mut found = user_addresses_of_partner(db, partner.id, ADDRESSES_MAX)?;
    let contact = partner.contact_email.trim();
    if !contact.is_empty() && !found.iter().any(|known| known.eq_ignore_ascii_case(contact)) {
        found.insert(0, contact.to_owned());
    }
    found.retain(|address| address_parse(address).is_ok());
    Ok(found)
}

/// Queues a message that is about no single partner for whoever may do `action`, but not the user `but`. Gives how many
/// were queued now.
///
/// # Errors
/// The database's reason.
pub fn tell_who_may(
    app: &App,
    db: &mut Db,
    (action, but): (Action, i64),
    about: &str,
    told: &Told<'_>,
) -> Result<usize, DbError> {
    let addresses = who_may(db, action, but)?;
    send(app, db, addresses, (MailKind::Scorecard, None, about.to_owned()), told)
}

fn who_may(db: &mut Db, action: Action, but: i64) -> Result<Vec<String>, DbError> {
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(action)).collect();
    Ok(user_addresses_but(db, &roles, but, ADDRESSES_MAX)?)
}

fn send(
    app: &App,
    db: &mut Db,
    addresses: Vec<String>,
    (kind, partner_id, about): (MailKind, Option<i64>, String),
    told: &Told<'_>,
) -> Result<usize, DbError> {
    if addresses.is_empty() {
        return Ok(0);
    }
    let message = ScorecardNoticeMail {
        partner_name: about,
        heading: told.heading.clone(),
        lines: told.lines.clone(),
        action: told.action.to_owned(),
        link: format!("{}{}", app.base_url, told.path),
    };
    let message = match message.render() {
        Ok(message) => message,
        Err(error) => {
            // What happened itself stands on its page.
            tracing::error!(%error, occasion = told.occasion, "a mail about a scorecard could not be rendered");
            return Ok(0);
        }
    };
    let mut queued = 0;
    for to in addresses {
        let mail = NewMail {
            dedupe_key: format!("{}:{to}", told.occasion),
            kind,
            partner_id,
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        if !matches!(enqueue(app, db, &mail)?, super::mail::Enqueued::Already) {
            queued += 1;
        }
    }
    Ok(queued)
}
