//! Who is told about a step, and how: the partner's users when a version waits for their signature, the authors when
//! it came back or was signed. Queued in the transaction that took the step; the step's number keeps it from being
//! sent twice.

use crate::db::contract::{Contract, Version};
use crate::db::contract_event::EventRow;
use crate::db::partner::partner_show;
use crate::db::user::{user_addresses_of, user_addresses_of_partner};
use crate::db::{Db, DbError};
use crate::domain::lifecycle::Step;
use crate::domain::viewer::Viewer;
use crate::mail::template::ContractStepMail;

use super::super::App;
use super::super::mail::{MailKind, NewMail, enqueue};

/// Most people one step is mailed to.
const ADDRESSES_MAX: i64 = 100;

/// Tells the partner's users that a version waits for their signature.
pub(super) fn tell_partner(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    version: &Version,
    event: &EventRow,
) -> Result<(), DbError> {
    let mut lines = vec![format!(
        "It is to hold from {}. Nothing of it holds before you have signed it in the portal.",
        version.valid_from
    )];
    lines.extend(Some(version.change_summary.clone()).filter(|summary| !summary.is_empty()));
    let to = user_addresses_of_partner(db, contract.partner_id, ADDRESSES_MAX)?;
    let link = format!("{}/portal/signatures/{}", app.base_url, version.id);
    let heading = format!("Version {} waits for your signature", version.version);
    tell(app, db, contract, event, to, (heading, lines, "Read and sign it", link))
}

/// Tells the authors of a version what became of it.
pub(super) fn tell_authors(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    version: &Version,
    event: &EventRow,
) -> Result<(), DbError> {
    let no = version.version;
    let (heading, line) = if event.step == Step::Sign.code() {
        let heading = format!("Version {no} was signed");
        (heading, format!("{} signed for the partner. It holds from {}.", event.note, version.valid_from))
    } else if event.step == Step::Decline.code() {
        (format!("The partner did not sign version {no}"), format!("{}: {}", event.actor, event.note))
    } else {
        (format!("Version {no} was returned to you"), format!("{}: {}", event.actor, event.note))
    };
    let to = user_addresses_of(db, &version.author_ids())?;
    let link = format!("{}/contracts/{}?version={no}", app.base_url, contract.id);
    tell(app, db, contract, event, to, (heading, vec![line], "Open the contract", link))
}

fn tell(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    event: &EventRow,
    addresses: Vec<String>,
    (heading, lines, action, link): (String, Vec<String>, &str, String),
) -> Result<(), DbError> {
    let partner = partner_show(db, &Viewer::system(), contract.partner_id)?;
    let message = ContractStepMail {
        contract: contract.number.clone(),
        partner_name: partner.map(|partner| partner.name).unwrap_or_default(),
        heading,
        lines,
        action: action.to_owned(),
        link,
    };
    let message = match message.render() {
        Ok(message) => message,
        Err(error) => {
            // The step itself stands on the contract's page.
            tracing::error!(%error, contract = contract.number, "the mail about a step could not be rendered");
            return Ok(());
        }
    };
    for to in addresses {
        let mail = NewMail {
            dedupe_key: format!("contract-step:{}:{}:{to}", event.contract_version_id, event.seq),
            kind: MailKind::ContractStep,
            partner_id: Some(contract.partner_id),
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        enqueue(app, db, &mail)?;
    }
    Ok(())
}
