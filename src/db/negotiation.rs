//! Proposals over a draft: one row for each move, added in the transaction that makes it. The database itself refuses
//! to change or remove a row. A partner reads the moves of its own negotiations, and nothing else of a draft.

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::schema::{negotiation_moves, negotiation_tables};
use super::types::{Day, Instant};
use crate::domain::negotiation::text::RoundText;
use crate::domain::negotiation::{Move, Past, Side};
use crate::domain::viewer::{Role, Scope, Viewer};

/// Versions named in one statement.
const VERSIONS_PER_STATEMENT: usize = 500;

/// The role written down for what the date alone did.
const CLOCK: &str = "CLOCK";

/// One move as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = negotiation_moves, treat_none_as_default_value = false)]
pub struct MoveRow {
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
    /// 1 for the first move over the version.
    pub seq: i32,
    /// [`Move::code`].
    pub kind: String,
    /// [`Side::code`]; empty for the clock.
    pub side: String,
    /// The round it makes, or answers.
    pub round: i32,
    /// What was said.
    pub message: String,
    /// Until when an answer is asked for.
    pub reply_by: Option<Day>,
    /// The day of the move, as deadlines count days.
    pub on_day: Day,
    /// When.
    pub at: Instant,
    /// Name of who made it.
    pub actor: String,
    /// Id of who made it; 0 for jobs and commands.
    pub actor_id: i64,
    /// [`Role::code`] of who made it, or `CLOCK`.
    pub actor_role: String,
    /// Hash of the text it answers; empty for an offer.
    pub answers_sha256: String,
    /// Hash of the text it proposes; empty for other moves.
    pub terms_sha256: String,
    /// The text it proposes, as JSON; empty for other moves.
    pub body: String,
}

/// The word stored for a role, or for the clock.
#[must_use]
pub fn role_code(role: Option<Role>) -> String {
    role.map_or(CLOCK, Role::code).to_owned()
}

impl MoveRow {
    fn stored(&self, reason: impl std::fmt::Display) -> DbError {
        DbError::Stored {
            what: format!("move {} over contract version {}", self.seq, self.contract_version_id),
            reason: reason.to_string(),
        }
    }

    /// The move as the rules know it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for words nobody knows.
    pub fn past(&self) -> Result<Past, DbError> {
        let side: Option<Side> = if self.side.is_empty() {
            None
        } else {
            Some(self.side.parse().map_err(|error| self.stored(error))?)
        };
        let role: Option<Role> = if self.actor_role == CLOCK {
            None
        } else {
            Some(self.actor_role.parse().map_err(|error| self.stored(error))?)
        };
        Ok(Past {
            seq: self.seq,
            kind: self.kind.parse::<Move>().map_err(|error| self.stored(error))?,
            side,
            role,
            round: self.round,
            message: self.message.clone(),
            reply_by: self.reply_by.map(|day| day.0),
            on: self.on_day.0,
            answers: self.answers_sha256.clone(),
            text: self.terms_sha256.clone(),
        })
    }

    /// The text of a round.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a move without a text, or one that does not read back.
    pub fn text(&self) -> Result<RoundText, DbError> {
        serde_json::from_str(&self.body).map_err(|error| self.stored(error))
    }
}

/// Adds a move, and keeps the rate tables its text names.
///
/// # Errors
/// The engine's reason; two moves of one number are refused.
pub fn move_insert(db: &mut Db, row: &MoveRow, tables: &[i64]) -> Result<(), DbError> {
    diesel::insert_into(negotiation_moves::table).values(row).execute(db)?;
    for (table_id, ordinal) in tables.iter().zip(0_i32..) {
        diesel::insert_into(negotiation_tables::table)
            .values((
                negotiation_tables::partner_id.eq(row.partner_id),
                negotiation_tables::contract_version_id.eq(row.contract_version_id),
                negotiation_tables::round.eq(row.round),
                negotiation_tables::ordinal.eq(ordinal),
                negotiation_tables::table_id.eq(table_id),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// The moves over one version, first one first; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn move_list(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<Vec<MoveRow>, DbError> {
    move_list_of(db, viewer, &[version_id])
}

/// The moves over some versions, those of one together and first one first; none that the viewer may not see.
///
/// # Errors
/// The engine's reason.
pub fn move_list_of(db: &mut Db, viewer: &Viewer, versions: &[i64]) -> Result<Vec<MoveRow>, DbError> {
    let mut found = Vec::new();
    for chunk in versions.chunks(VERSIONS_PER_STATEMENT) {
        let mut query = negotiation_moves::table
            .filter(negotiation_moves::contract_version_id.eq_any(chunk))
            .into_boxed();
        match viewer.scope() {
            Scope::All => {}
            Scope::One(own) => query = query.filter(negotiation_moves::partner_id.eq(own)),
            Scope::Nobody => return Ok(Vec::new()),
        }
        let rows: Vec<MoveRow> = query
            .order((negotiation_moves::contract_version_id.asc(), negotiation_moves::seq.asc()))
            .select(MoveRow::as_select())
            .load(db)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The versions of a partner over which anything was ever proposed, newest first; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn negotiated_versions(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Vec<i64>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    Ok(negotiation_moves::table
        .filter(negotiation_moves::partner_id.eq(partner_id))
        .filter(negotiation_moves::seq.eq(1))
        .order(negotiation_moves::id.desc())
        .select(negotiation_moves::contract_version_id)
        .load(db)?)
}

/// Every version over which anything was proposed, with its partner.
///
/// Unscoped: only `verify` asks, for all partners.
///
/// # Errors
/// The engine's reason.
pub fn negotiated_versions_unscoped(db: &mut Db) -> Result<Vec<i64>, DbError> {
    Ok(negotiation_moves::table
        .filter(negotiation_moves::seq.eq(1))
        .order(negotiation_moves::contract_version_id.asc())
        .select(negotiation_moves::contract_version_id)
        .load(db)?)
}

/// Whether a round names the rate table.
///
/// # Errors
/// The engine's reason.
pub(super) fn table_is_in_a_round(db: &mut Db, table_id: i64) -> QueryResult<bool> {
    let found: Option<i64> = negotiation_tables::table
        .filter(negotiation_tables::table_id.eq(table_id))
        .select(negotiation_tables::table_id)
        .first(db)
        .optional()?;
    Ok(found.is_some())
}
