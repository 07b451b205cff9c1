//! Who is told about a move of a negotiation: the partner's users about the shipper's, the draft's authors about the
//! partner's, both when a proposal lapses. Queued in the transaction that made the move; its number keeps it from being
//! sent twice.

use crate::db::contract::{Contract, Version};
use crate::db::negotiation::MoveRow;
use crate::db::partner::partner_show;
use crate::db::user::{user_addresses_of, user_addresses_of_partner};
use crate::db::{Db, DbError};
use crate::domain::negotiation::{Move, Side};
use crate::domain::viewer::Viewer;
use crate::mail::template::ContractStepMail;

use super::super::App;
use super::super::mail::{Enqueued, MailKind, NewMail, enqueue};

/// Most people one move is mailed to.
const ADDRESSES_MAX: i64 = 100;

/// Tells whoever must know about a move.
pub(super) fn tell_move(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    version: &Version,
    row: &MoveRow,
) -> Result<(), DbError> {
    let (no, round) = (version.version, row.round);
    let kind: Option<Move> = row.kind.parse().ok();
    let heading = match kind {
        Some(Move::Offer | Move::Counter) => format!("Round {round} over version {no} waits for your answer"),
        Some(Move::Accept) => format!("Round {round} over version {no} was accepted"),
        Some(Move::Decline) => format!("Round {round} over version {no} was declined"),
        Some(Move::Withdraw) => format!("Round {round} over version {no} was withdrawn"),
        Some(Move::Reopen) => format!("What was agreed for version {no} is taken up again"),
        Some(Move::Lapse) | None => format!("Round {round} over version {no} was not answered in time"),
    };
    let mut lines = Vec::new();
    if !row.message.is_empty() {
        lines.push(format!("{}: {}", row.actor, row.message));
    }
    lines.extend(
        row.reply_by.map(|day| format!("Please answer by {day}. After that day the proposal lapses.")),
    );
    if kind == Some(Move::Accept) {
        lines.push(
            "This text goes to review and approval now, and then to the partner's signature.".to_owned(),
        );
    }
    let occasion = format!("negotiation:{}:{}", version.id, row.seq);
    for side in Side::ALL.iter().filter(|side| side.code() != row.side) {
        let letter = Letter { heading: &heading, lines: &lines, occasion: &occasion };
        tell(app, db, (contract, version), *side, &letter)?;
    }
    Ok(())
}

/// Reminds whoever must answer a round. Gives how many mails are new.
pub(super) fn tell_reminder(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    version: &Version,
    row: &MoveRow,
) -> Result<i64, DbError> {
    let heading = format!("Round {} over version {} still waits for your answer", row.round, version.version);
    let lines: Vec<String> = row
        .reply_by
        .map(|day| format!("Please answer by {day}. After that day the proposal lapses."))
        .into_iter()
        .collect();
    let occasion = format!("negotiation-reminder:{}:{}", version.id, row.seq);
    let mut new = 0;
    for side in Side::ALL.iter().filter(|side| side.code() != row.side) {
        let letter = Letter { heading: &heading, lines: &lines, occasion: &occasion };
        new += tell(app, db, (contract, version), *side, &letter)?;
    }
    Ok(new)
}

struct Letter<'a> {
    heading: &'a str,
    lines: &'a [String],
    occasion: &'a str,
}

fn tell(
    app: &App,
    db: &mut Db,
    (contract, version): (&Contract, &Version),
    side: Side,
    letter: &Letter<'_>,
) -> Result<i64, DbError> {
    let (addresses, link) = match side {
        Side::Partner => (
            user_addresses_of_partner(db, contract.partner_id, ADDRESSES_MAX)?,
            format!("{}/portal/negotiations/{}", app.base_url, version.id),
        ),
        Side::Shipper => (
            user_addresses_of(db, &version.author_ids())?,
            format!("{}/contract-versions/{}/negotiation", app.base_url, version.id),
        ),
    };
    let partner = partner_show(db, &Viewer::system(), contract.partner_id)?;
    let message = ContractStepMail {
        contract: contract.number.clone(),
        partner_name: partner.map(|partner| partner.name).unwrap_or_default(),
        heading: letter.heading.to_owned(),
        lines: letter.lines.to_vec(),
        action: "Read it and answer".to_owned(),
        link,
    };
    let message = match message.render() {
        Ok(message) => message,
        Err(error) => {
            // The move itself stands on the page.
            tracing::error!(%error, contract = contract.number, "the mail about a proposal could not be rendered");
            return Ok(0);
        }
    };
    let mut new = 0;
    for to in addresses {
        let mail = NewMail {
            dedupe_key: format!("{}:{to}", letter.occasion),
            kind: MailKind::ContractStep,
            partner_id: Some(contract.partner_id),
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        if !matches!(enqueue(app, db, &mail)?, Enqueued::Already) {
            new += 1;
        }
    }
    Ok(new)
}
