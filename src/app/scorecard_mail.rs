//! Mails about exclusions, challenges, restatements, standings and templates: one message, queued in the transaction of what it tells about.

use super::App;
use super::mail::{MailKind, NewMail, enqueue};
use crate::db::partner::partner_show;
use crate::db::user::{user_addresses, user_addresses_but, user_addresses_of_partner};
use crate::db::{Db, DbError};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::mail::template::ScorecardNoticeMail;

/// Most people one message goes to.
const ADDRESSES_MAX: i64 = 100;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The partner's users.
    Partner,
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
    let addresses = match to {
        To::Partner => user_addresses_of_partner(db, partner_id, ADDRESSES_MAX)?,
        To::Managers => user_addresses(db, Role::CarrierManager, ADDRESSES_MAX)?,
        To::WhoMay { action, but } => who_may(db, action, but)?,
    };
    if addresses.is_empty() {
        return Ok(0);
    }
    let partner = partner_show(db, &Viewer::system(), partner_id)?;
    let about = partner.map(|partner| partner.name).unwrap_or_default();
    send(app, db, addresses, (Some(partner_id), about), told)
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
    send(app, db, addresses, (None, about.to_owned()), told)
}

fn who_may(db: &mut Db, action: Action, but: i64) -> Result<Vec<String>, DbError> {
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(action)).collect();
    Ok(user_addresses_but(db, &roles, but, ADDRESSES_MAX)?)
}

fn send(
    app: &App,
    db: &mut Db,
    addresses: Vec<String>,
    (partner_id, about): (Option<i64>, String),
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
            kind: MailKind::Scorecard,
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
