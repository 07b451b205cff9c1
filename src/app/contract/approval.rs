//! Putting a version in force: somebody other than its authors approves it, and the one before ends the day
//! before it starts.

use chrono::NaiveDate;

use crate::db::Db;
use crate::db::contract::{self as store, Contract, Version};
use crate::db::dialect::write_tx;
use crate::db::types::{Day, Instant};
use crate::domain::contract::{ContractStatus, ContractTerm, ContractVersionStatus, validate_versions};
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed};
use super::{days_of, draft, first_shared_day, log, version_subject};

/// Approves a draft. From its first day on it is in force; the version before ends then. `was` is the token
/// of what the approver read.
///
/// # Errors
/// [`EditError::OwnWork`] when the viewer wrote any of it, [`EditError::Versions`] when two versions of the
/// contract would hold on one day, [`EditError::OtherContract`] when two contracts of the partner would,
/// [`EditError::Stale`], [`EditError::NotDraft`], [`EditError::NotFound`], [`EditError::Denied`], or the
/// database's reason.
pub fn contract_approve(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveContracts)?;
    write_tx(db, |db| {
        let (version, terms) = draft::locked(db, viewer, version_id, was)?;
        let contract =
            store::contract_show(db, viewer, version.contract_id)?.ok_or(EditError::NotFound("contract"))?;
        if version.is_work_of(viewer) {
            return Err(EditError::OwnWork { contract: contract.number, version_no: version.version });
        }
        let approved = Version {
            status: ContractVersionStatus::Active.code().to_owned(),
            approved_by: Some(viewer.name.clone()),
            approved_at: Some(Instant(app.now())),
            ..version
        };
        let today = app.today(db)?;
        let closed = close_before(db, viewer, &contract, &approved, today)?;
        let term = ContractTerm { status: ContractStatus::Active, ..contract.term.clone() };
        other_contracts_free(db, viewer, &contract, days_of(&term, &approved))?;
        for version in closed.iter().chain([&approved]) {
            store::version_update(db, version)?;
        }
        if contract.term.status == ContractStatus::Draft {
            store::contract_update(db, &Contract { term, ..contract.clone() })?;
        }
        // What was approved, sealed by its hash.
        let detail = format!("in force from {}, terms sha256 {}", approved.valid_from, terms.hash());
        let what = version_subject(&contract.number, approved.version);
        log(app, db, viewer, "contract.approve", &what, approved.partner_id, &detail)?;
        Ok(())
    })
}

/// The versions that end because `new` starts. Refused when two would still hold on one day.
fn close_before(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    new: &Version,
    today: NaiveDate,
) -> Result<Vec<Version>, EditError> {
    let draft = ContractVersionStatus::Draft.code();
    let mut dates = vec![new.dates()?];
    let mut closed = Vec::new();
    for mut version in store::version_list(db, viewer, contract.id)? {
        if version.id == new.id || version.status == draft {
            continue;
        }
        let runs_into = version.valid_to.is_none_or(|to| to > new.valid_from);
        if version.valid_from <= new.valid_from && runs_into {
            version.valid_to = Some(Day(new.valid_from.0));
            if new.valid_from.0 <= today {
                ContractVersionStatus::Superseded.code().clone_into(&mut version.status);
            }
            closed.push(version.clone());
        }
        dates.push(version.dates()?);
    }
    match validate_versions(&contract.number, &dates).into_iter().next() {
        Some(error) => Err(EditError::Versions(error)),
        None => Ok(closed),
    }
}

/// Shipments name a partner and no contract, so at most one contract of a partner may hold on a day.
fn other_contracts_free(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    days: (NaiveDate, Option<NaiveDate>),
) -> Result<(), EditError> {
    let draft = ContractVersionStatus::Draft.code();
    for other in store::contract_list_of_partner(db, viewer, contract.partner_id)? {
        if other.id == contract.id {
            continue;
        }
        for version in store::version_list(db, viewer, other.id)? {
            let shared = first_shared_day(days, days_of(&other.term, &version));
            if let Some(day) = shared.filter(|_| version.status != draft) {
                return Err(EditError::OtherContract {
                    contract: contract.number.clone(),
                    other: other.number,
                    day,
                });
            }
        }
    }
    Ok(())
}
