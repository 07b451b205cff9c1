//! The history of contract versions: one row for each step, added in the transaction that takes it. The database
//! itself refuses to change or remove a row.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::contract::Contract;
use super::schema::contract_events;
use super::types::{Day, Instant};
use crate::domain::contract::ContractVersionStatus;
use crate::domain::lifecycle::{Past, Step};
use crate::domain::viewer::{Role, Viewer};

/// Most steps one page shows.
pub const EVENTS_MAX: i64 = 200;

/// Versions named in one statement.
const VERSIONS_PER_STATEMENT: usize = 500;

/// The role written down for a step that the date alone took.
const CLOCK: &str = "CLOCK";

/// One step as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_events, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Row id.
    pub id: i64,
    /// The contract.
    pub contract_id: i64,
    /// The version.
    pub contract_version_id: i64,
    /// The carrier.
    pub partner_id: i64,
    /// Number of the version.
    pub version: i32,
    /// 1 for the first step of the version.
    pub seq: i32,
    /// [`Step::code`].
    pub step: String,
    /// Where it was taken; empty for the first step.
    pub from_status: String,
    /// Where it led; empty when the version is gone.
    pub to_status: String,
    /// When.
    pub at: Instant,
    /// Name of who took it.
    pub actor: String,
    /// Id of who took it; 0 for jobs and commands.
    pub actor_id: i64,
    /// [`Role::code`] of who took it, or `CLOCK`.
    pub actor_role: String,
    /// From which day it counts.
    pub day: Option<Day>,
    /// The reason, or the name under a signature.
    pub note: String,
    /// The hash it sealed or named; empty for other steps.
    pub terms_sha256: String,
    /// At approval [`super::contract::Version::written_sha256`]; empty for other steps, and before it was kept.
    pub written_sha256: String,
}

/// The word stored for a role, or for the clock.
#[must_use]
pub fn role_code(role: Option<Role>) -> String {
    role.map_or(CLOCK, Role::code).to_owned()
}

impl EventRow {
    /// The step as the rules know it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for words nobody knows.
    pub fn past(&self) -> Result<Past, DbError> {
        let stored = |reason: String| DbError::Stored {
            what: format!("step {} of contract version {}", self.seq, self.contract_version_id),
            reason,
        };
        let status = |code: &str| -> Result<Option<ContractVersionStatus>, DbError> {
            if code.is_empty() {
                Ok(None)
            } else {
                code.parse().map(Some).map_err(|e| stored(format!("{e}")))
            }
        };
        let role: Option<Role> = if self.actor_role == CLOCK {
            None
        } else {
            Some(self.actor_role.parse().map_err(|error| stored(format!("{error}")))?)
        };
        Ok(Past {
            seq: self.seq,
            step: self.step.parse::<Step>().map_err(|error| stored(format!("{error}")))?,
            from: status(&self.from_status)?,
            to: status(&self.to_status)?,
            role,
            day: self.day.map(|day| day.0),
            note: self.note.clone(),
            sha256: self.terms_sha256.clone(),
        })
    }
}

/// Adds a step.
///
/// # Errors
/// The engine's reason; two steps of one number are refused.
pub fn event_insert(db: &mut Db, event: &EventRow) -> Result<(), DbError> {
    diesel::insert_into(contract_events::table).values(event).execute(db)?;
    Ok(())
}

/// The history of one version, first step first; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn event_list(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    version_id: i64,
) -> Result<Vec<EventRow>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    Ok(contract_events::table
        .filter(contract_events::contract_version_id.eq(version_id))
        .filter(contract_events::partner_id.eq(partner_id))
        .order(contract_events::seq.asc())
        .select(EventRow::as_select())
        .load(db)?)
}

/// When some versions took their last step, by version; none that the viewer may not see.
///
/// # Errors
/// The engine's reason.
pub fn last_steps(db: &mut Db, viewer: &Viewer, versions: &[i64]) -> Result<BTreeMap<i64, Instant>, DbError> {
    let mut found = BTreeMap::new();
    for chunk in versions.chunks(VERSIONS_PER_STATEMENT) {
        let rows: Vec<(i64, i64, Instant)> = contract_events::table
            .filter(contract_events::contract_version_id.eq_any(chunk))
            .order(contract_events::seq.asc())
            .select((contract_events::contract_version_id, contract_events::partner_id, contract_events::at))
            .load(db)?;
        let seen = rows.into_iter().filter(|(_, partner_id, _)| viewer.sees(*partner_id));
        found.extend(seen.map(|(version_id, _, at)| (version_id, at)));
    }
    Ok(found)
}

/// The newest steps of all versions of a contract, newest first; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn event_list_of_contract(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
) -> Result<Vec<EventRow>, DbError> {
    if !viewer.sees(contract.partner_id) {
        return Ok(Vec::new());
    }
    Ok(contract_events::table
        .filter(contract_events::contract_id.eq(contract.id))
        .order((contract_events::at.desc(), contract_events::id.desc()))
        .limit(EVENTS_MAX)
        .select(EventRow::as_select())
        .load(db)?)
}

/// The versions that have a history, with their contracts and partners.
///
/// Unscoped: only `verify` asks, for all partners.
///
/// # Errors
/// The engine's reason.
pub fn event_versions_unscoped(db: &mut Db) -> Result<Vec<(i64, i64)>, DbError> {
    Ok(contract_events::table
        .select((contract_events::contract_version_id, contract_events::partner_id))
        .distinct()
        .order(contract_events::contract_version_id.asc())
        .load(db)?)
}
