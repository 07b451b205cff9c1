//! Files attached to contracts and their moves. The database itself refuses to change or remove a row.

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::contract::{Contract, contract_show, version_show};
use super::decided::by_parent;
use super::schema::{contract_attachment_moves, contract_attachments};
use super::types::Instant;
use crate::domain::attachment::{FileKind, FileMove, Standing};
use crate::domain::viewer::{Scope, Viewer};

/// A file without its content.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_attachments, treat_none_as_default_value = false)]
pub struct AttachmentRow {
    /// Row id.
    pub id: i64,
    /// The contract.
    pub contract_id: i64,
    /// The version it belongs to; none for the contract as a whole.
    pub contract_version_id: Option<i64>,
    /// Number of that version.
    pub version: Option<i32>,
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub file_name: String,
    /// [`FileKind::code`].
    pub kind: String,
    /// Its size.
    pub byte_count: i64,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// What it is, in words.
    pub note: String,
    /// When it was attached.
    pub added_at: Instant,
    /// By whom.
    pub added_by: String,
    /// Id of that user; 0 for commands.
    pub added_by_id: i64,
}

impl AttachmentRow {
    /// What it is.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a kind nobody knows.
    pub fn kind(&self) -> Result<FileKind, DbError> {
        self.kind.parse().map_err(|error| stored(self.id, &error))
    }
}

fn stored(id: i64, reason: &impl ToString) -> DbError {
    DbError::Stored { what: format!("attachment {id}"), reason: reason.to_string() }
}

/// What happened to a file.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_attachment_moves)]
pub struct MoveRow {
    /// The file.
    pub attachment_id: i64,
    /// 1 for the first move.
    pub seq: i32,
    /// The carrier.
    pub partner_id: i64,
    /// [`FileMove::code`].
    pub kind: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user; 0 for commands.
    pub actor_id: i64,
    /// Why.
    pub note: String,
}

/// A file with what happened to it, first move first, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The file.
    pub row: AttachmentRow,
    /// Its moves.
    pub moves: Vec<MoveRow>,
    /// Their sum.
    pub standing: Standing,
}

/// Adds a file.
///
/// # Errors
/// The engine's reason.
pub fn attachment_insert(db: &mut Db, row: &AttachmentRow, content: &[u8]) -> Result<(), DbError> {
    diesel::insert_into(contract_attachments::table)
        .values((row, contract_attachments::content.eq(content)))
        .execute(db)?;
    Ok(())
}

/// Adds a move.
///
/// # Errors
/// The engine's reason; two moves of one number are refused.
pub fn attachment_move_insert(db: &mut Db, row: &MoveRow) -> Result<(), DbError> {
    diesel::insert_into(contract_attachment_moves::table).values(row).execute(db)?;
    Ok(())
}

/// The files of a contract, newest first. A partner sees those that are shown to it, of versions it may read; whoever
/// may not see the contract sees none.
///
/// # Errors
/// [`DbError::Stored`] for moves that do not read back, or the engine's reason.
pub fn attachment_list(db: &mut Db, viewer: &Viewer, contract: &Contract) -> Result<Vec<Attached>, DbError> {
    if contract_show(db, viewer, contract.id)?.is_none() {
        return Ok(Vec::new());
    }
    let rows: Vec<AttachmentRow> = contract_attachments::table
        .filter(contract_attachments::contract_id.eq(contract.id))
        .filter(contract_attachments::partner_id.eq(contract.partner_id))
        .order((contract_attachments::added_at.desc(), contract_attachments::id.desc()))
        .select(AttachmentRow::as_select())
        .load(db)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let moves: Vec<MoveRow> = contract_attachment_moves::table
        .filter(contract_attachment_moves::attachment_id.eq_any(ids))
        .order((contract_attachment_moves::attachment_id, contract_attachment_moves::seq))
        .select(MoveRow::as_select())
        .load(db)?;
    let mut by_file = by_parent(moves, |one| one.attachment_id);
    let mut found = Vec::new();
    for row in rows {
        let moves = by_file.remove(&row.id).unwrap_or_default();
        let standing = standing_of(&row, &moves)?;
        if shows(db, viewer, &row, standing)? {
            found.push(Attached { row, moves, standing });
        }
    }
    Ok(found)
}

fn standing_of(row: &AttachmentRow, moves: &[MoveRow]) -> Result<Standing, DbError> {
    moves.iter().try_fold(Standing::default(), |standing, one| {
        let kind: FileMove = one.kind.parse().map_err(|error| stored(row.id, &error))?;
        standing.after(kind, &one.note).map_err(|error| stored(row.id, &error))
    })
}

/// Deny by default: a partner sees a file that was shown to it, and none of a version that is the shipper's own.
fn shows(db: &mut Db, viewer: &Viewer, row: &AttachmentRow, standing: Standing) -> Result<bool, DbError> {
    match viewer.scope() {
        Scope::All => Ok(true),
        Scope::Nobody => Ok(false),
        Scope::One(own) => {
            if own != row.partner_id || !standing.partner_sees() {
                return Ok(false);
            }
            match row.contract_version_id {
                Some(version_id) => Ok(version_show(db, viewer, version_id)?.is_some()),
                None => Ok(true),
            }
        }
    }
}

/// One file; none when it does not exist or the viewer may not see it. As [`attachment_list`].
///
/// # Errors
/// [`DbError::Stored`] for moves that do not read back, or the engine's reason.
pub fn attachment_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Attached>, DbError> {
    let contract_id: Option<i64> = contract_attachments::table
        .find(id)
        .select(contract_attachments::contract_id)
        .first(db)
        .optional()?;
    let Some(contract_id) = contract_id else { return Ok(None) };
    let Some(contract) = contract_show(db, viewer, contract_id)? else { return Ok(None) };
    Ok(attachment_list(db, viewer, &contract)?.into_iter().find(|one| one.row.id == id))
}

/// The content of a file; none when it does not exist or the viewer may not see it.
///
/// # Errors
/// As [`attachment_show`].
pub fn attachment_content(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
) -> Result<Option<(Attached, Vec<u8>)>, DbError> {
    let Some(found) = attachment_show(db, viewer, id)? else { return Ok(None) };
    let content: Vec<u8> =
        contract_attachments::table.find(id).select(contract_attachments::content).first(db)?;
    Ok(Some((found, content)))
}

/// The row id of every file.
///
/// Unscoped: only `verify` asks, for all partners.
///
/// # Errors
/// The engine's reason.
pub fn attachment_ids_unscoped(db: &mut Db) -> Result<Vec<i64>, DbError> {
    Ok(contract_attachments::table
        .order(contract_attachments::id.asc())
        .select(contract_attachments::id)
        .load(db)?)
}
