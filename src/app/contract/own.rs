//! A contract as its partner sees it: what both sides agreed. Nothing of drafts, of who wrote or approved what, or of
//! the notices the shipper raises for itself (DOMAIN §9).

use chrono::NaiveDate;

use super::{before, changed, changed_tables_load, chosen, versions_with_terms};
use crate::app::App;
use crate::app::edit::{EditError, allowed};
use crate::db::Db;
use crate::db::attachment::{Attached, attachment_list};
use crate::db::contract::{Version, contract_list_of_partner, terms_load, version_list, version_show};
use crate::domain::contract::{ContractStatus, ContractVersionStatus as Status};
use crate::domain::rate::{Pricing, PricingChange, PricingPart, pricing_changes};
use crate::domain::terms::{Change, Terms, redline};
use crate::domain::viewer::{Action, Viewer};

/// One agreed version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnVersion {
    /// Its number.
    pub version_no: i32,
    /// First day, and the day after the last one.
    pub days: (NaiveDate, Option<NaiveDate>),
    /// The sentence that was written for the partner.
    pub summary: String,
    /// What it changed against the one before: `2 rates, 1 clause`.
    pub changed: String,
    /// Whether it is in force today.
    pub in_force: bool,
    /// Where it is in its life.
    pub status: Status,
    /// Row id, for the address to sign it at.
    pub version_id: i64,
}

/// A file that the shipper shows to the partner; nothing of who attached it and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFile {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Code of what it is.
    pub kind: String,
    /// Its size in bytes.
    pub bytes: i64,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Number of the version it belongs to; none for the contract as a whole.
    pub version_no: Option<i32>,
}

fn own_file(one: Attached) -> OwnFile {
    OwnFile {
        id: one.row.id,
        name: one.row.file_name,
        kind: one.row.kind,
        bytes: one.row.byte_count,
        sha256: one.row.sha256,
        version_no: one.row.version,
    }
}

/// One contract of the partner, at one version.
#[derive(Clone, Debug)]
pub struct OwnContract {
    /// Number and title of every contract of the partner.
    pub all: Vec<(String, String)>,
    /// What the version shown says.
    pub terms: Terms,
    /// Agreed versions, newest first.
    pub versions: Vec<OwnVersion>,
    /// Number of the version before, when there is one.
    pub before: Option<i32>,
    /// What the version shown changes against the one before.
    pub redline: Vec<Change>,
    /// Files shown to the partner, newest first.
    pub files: Vec<OwnFile>,
    /// Today, as the page counts days.
    pub today: NaiveDate,
}

/// The viewer's own contract of that number, or else the one in force, or else the first; at that version, or
/// else the one in force, or else the newest. None when there is no contract at all.
///
/// # Errors
/// [`EditError::NotFound`] for a number or version that is not the viewer's to see, [`EditError::Denied`] for
/// whoever is no partner, or the database's reason.
pub fn contract_own(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    number: Option<&str>,
    version_no: Option<i32>,
) -> Result<Option<OwnContract>, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let partner_id = viewer.partner_id.ok_or(EditError::NotFound("contract"))?;
    let contracts = contract_list_of_partner(db, viewer, partner_id)?;
    let contract = match number {
        Some(wanted) => {
            let found = contracts.iter().find(|contract| contract.number == wanted);
            Some(found.ok_or(EditError::NotFound("contract"))?)
        }
        None => contracts
            .iter()
            .find(|contract| contract.term.status == ContractStatus::Active)
            .or(contracts.first()),
    };
    let Some(contract) = contract else { return Ok(None) };
    let today = app.today(db)?;
    let all = versions_with_terms(db, viewer, contract.id)?;
    let (version, mut terms) = chosen(&all, version_no, today)?.clone();
    let mut previous = before(&all, &version).cloned();
    if let Some(previous) = &mut previous {
        changed_tables_load(db, viewer, previous, &mut terms)?;
    }
    let previous = previous.as_ref();
    let line = |(version, terms): &(Version, Terms)| OwnVersion {
        version_no: terms.version_no,
        summary: version.change_summary.clone(),
        days: terms.in_force_days(),
        changed: changed(&all, version, terms),
        in_force: terms.in_force(today),
        status: terms.status,
        version_id: terms.version_id,
    };
    Ok(Some(OwnContract {
        all: contracts.iter().map(|one| (one.number.clone(), one.title.clone())).collect(),
        versions: all.iter().map(line).collect(),
        before: previous.map(|terms| terms.version_no),
        redline: previous.map(|previous| redline(previous, &terms)).unwrap_or_default(),
        files: attachment_list(db, viewer, contract)?.into_iter().map(own_file).collect(),
        terms,
        today,
    }))
}

/// A version that waits for the partner's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The version.
    pub version_id: i64,
    /// Its number.
    pub version_no: i32,
    /// The contract's number.
    pub number: String,
    /// What it covers.
    pub title: String,
    /// First day it is to hold.
    pub valid_from: NaiveDate,
}

/// The versions that wait for the viewer's signature, the one that is to hold first in front.
///
/// # Errors
/// [`EditError::Denied`] for whoever is no partner, or the database's reason.
pub fn waiting_own(db: &mut Db, viewer: &Viewer) -> Result<Vec<Waiting>, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let Some(partner_id) = viewer.partner_id else { return Ok(Vec::new()) };
    let mut waiting = Vec::new();
    for contract in contract_list_of_partner(db, viewer, partner_id)? {
        for version in version_list(db, viewer, contract.id)? {
            if version.state()? == Status::Approved {
                waiting.push(Waiting {
                    version_id: version.id,
                    version_no: version.version,
                    number: contract.number.clone(),
                    title: contract.title.clone(),
                    valid_from: version.valid_from.0,
                });
            }
        }
    }
    waiting.sort_by_key(|one| (one.valid_from, one.version_id));
    Ok(waiting)
}

/// A version as the partner reads it before signing.
#[derive(Clone, Debug)]
pub struct ToSign {
    /// Whether it still waits; it may have been signed or taken back meanwhile.
    pub waits: bool,
    /// What it says.
    pub terms: Terms,
    /// The sentence that was written for the partner.
    pub summary: String,
    /// The hash it is sealed with.
    pub seal: String,
    /// Number of the version it is compared with: the one in force, or else the newest signed one.
    pub against: Option<i32>,
    /// What it changes against that one.
    pub redline: Vec<Change>,
    /// Lanes, rate tables, fuel, tiers and commitments in words, whole; a table by its seal.
    pub pricing: Vec<PricingChange>,
}

/// The version with this id, to be signed by the viewer.
///
/// # Errors
/// [`EditError::NotFound`] for what is not the viewer's to read, [`EditError::Denied`] for whoever is no partner, or
/// the database's reason.
pub fn to_sign(app: &App, db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<ToSign, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let missing = || EditError::NotFound("contract version");
    let version = version_show(db, viewer, version_id)?.ok_or_else(missing)?;
    let mut terms = terms_load(db, viewer, version_id)?.ok_or_else(missing)?;
    let today = app.today(db)?;
    let all = versions_with_terms(db, viewer, version.contract_id)?;
    let others = || all.iter().map(|(_, terms)| terms).filter(|other| other.version_id != version_id);
    let against =
        others().find(|other| other.in_force(today)).or_else(|| others().find(|o| o.status.binds()));
    let mut against = against.cloned();
    if let Some(against) = &mut against {
        changed_tables_load(db, viewer, against, &mut terms)?;
    }
    Ok(ToSign {
        waits: terms.status == Status::Approved,
        summary: version.change_summary,
        seal: version.terms_sha256,
        against: against.as_ref().map(|against| against.version_no),
        redline: against.as_ref().map(|against| redline(against, &terms)).unwrap_or_default(),
        // What a version without prices would have to gain, less the options, which stand by themselves.
        pricing: pricing_changes(&Pricing::none(terms.currency), &terms.pricing)
            .into_iter()
            .filter(|line| line.part != PricingPart::Rule)
            .collect(),
        terms,
    })
}
