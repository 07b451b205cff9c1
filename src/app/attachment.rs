//! Files attached to contracts: attach, show to the partner, hide, withdraw, take away, and check what is stored.

use crate::db::attachment::{
    self as store, Attached, AttachmentRow, MoveRow, attachment_content, attachment_ids_unscoped,
};
use crate::db::contract::{Contract, contract_lock, contract_show, version_list};
use crate::db::dialect::write_tx;
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::attachment::{BadFile, FileKind, FileMove, file_name, has_room, kind_of, note_problems};
use crate::domain::terms::sha256_of;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;
use crate::feeds::attachment::content_of;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};

#[cfg(test)]
mod tests;

/// A file to attach.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// The version it belongs to; none for the contract as a whole.
    pub version_no: Option<i32>,
    /// The name it came with.
    pub name: &'a str,
    /// What it is, in words.
    pub note: &'a str,
    /// Whether the partner sees it at once.
    pub shared: bool,
    /// Its content.
    pub content: &'a [u8],
}

fn refused(error: &BadFile) -> EditError {
    EditError::field("file", &error.to_string())
}

/// The contract and its files, newest first, as the viewer may see them.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn attachments(
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
) -> Result<(Contract, Vec<Attached>), EditError> {
    let contract = contract_show(db, viewer, contract_id)?.ok_or(EditError::NotFound("contract"))?;
    let files = store::attachment_list(db, viewer, &contract)?;
    Ok((contract, files))
}

/// Attaches a file to a contract or to one of its versions. Gives its id.
///
/// # Errors
/// [`EditError::Invalid`] with the fields to correct: name, content, size, note, version; [`EditError::NotFound`],
/// [`EditError::Denied`], or the database's reason.
pub fn attach(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    new: NewFile<'_>,
) -> Result<i64, EditError> {
    allowed(viewer, Action::EditContracts)?;
    // Looked at outside the transaction: nothing stored has a say in it.
    has_room(new.content.len(), 0, 0).map_err(|error| refused(&error))?;
    let name = file_name(new.name).map_err(|error| refused(&error))?;
    let kind = kind_of(&name, &content_of(new.content)).map_err(|error| refused(&error))?;
    valid(note_problems(new.note))?;
    let sha256 = sha256_of(new.content);
    write_tx(db, |db| {
        let missing = || EditError::NotFound("contract");
        let contract = contract_show(db, viewer, contract_id)?.ok_or_else(missing)?;
        contract_lock(db, contract.partner_id)?;
        let held = store::attachment_list(db, viewer, &contract)?;
        let bytes = held.iter().map(|one| one.row.byte_count).fold(0, i64::saturating_add);
        has_room(new.content.len(), held.len(), bytes).map_err(|error| refused(&error))?;
        let version = match new.version_no {
            None => None,
            Some(no) => {
                let found = version_list(db, viewer, contract.id)?.into_iter().find(|one| one.version == no);
                let missing = || EditError::field("version", "the contract has no version of that number");
                Some(found.ok_or_else(missing)?)
            }
        };
        let row = AttachmentRow {
            id: app.id(),
            contract_id: contract.id,
            contract_version_id: version.as_ref().map(|version| version.id),
            version: version.as_ref().map(|version| version.version),
            partner_id: contract.partner_id,
            file_name: name.clone(),
            kind: kind.code().to_owned(),
            byte_count: i64::try_from(new.content.len()).unwrap_or(i64::MAX),
            sha256: sha256.clone(),
            note: new.note.trim().to_owned(),
            added_at: Instant(app.now()),
            added_by: viewer.name.clone(),
            added_by_id: viewer.user_id,
        };
        store::attachment_insert(db, &row, new.content)?;
        log(app, db, viewer, &contract, "contract.attach", &format!("{name}, sha256 {sha256}"))?;
        if new.shared {
            let found = Attached { row: row.clone(), moves: Vec::new(), standing: Default::default() };
            make(app, db, viewer, &contract, &found, FileMove::Share, "")?;
        }
        Ok(row.id)
    })
}

/// Shows a file to the partner, hides it again, or withdraws it with a reason. Gives its contract.
///
/// # Errors
/// [`EditError::Invalid`] with what stands against it, [`EditError::NotFound`], [`EditError::Denied`], or the database's
/// reason.
pub fn attachment_move(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    kind: FileMove,
    note: &str,
) -> Result<i64, EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let missing = || EditError::NotFound("attachment");
        let found = store::attachment_show(db, viewer, id)?.ok_or_else(missing)?;
        let contract = contract_show(db, viewer, found.row.contract_id)?.ok_or_else(missing)?;
        contract_lock(db, contract.partner_id)?;
        let found = store::attachment_show(db, viewer, id)?.ok_or_else(missing)?;
        make(app, db, viewer, &contract, &found, kind, note)?;
        Ok(contract.id)
    })
}

fn make(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    found: &Attached,
    kind: FileMove,
    note: &str,
) -> Result<(), EditError> {
    found.standing.after(kind, note).map_err(|error| EditError::field("note", &error.to_string()))?;
    let row = MoveRow {
        attachment_id: found.row.id,
        seq: found.moves.last().map_or(0, |last| last.seq).saturating_add(1),
        partner_id: found.row.partner_id,
        kind: kind.code().to_owned(),
        at: Instant(app.now()),
        actor: viewer.name.clone(),
        actor_id: viewer.user_id,
        note: note.trim().to_owned(),
    };
    store::attachment_move_insert(db, &row)?;
    let action = format!("contract.{}_attachment", kind.code().to_lowercase());
    let why = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
    log(app, db, viewer, contract, &action, &format!("{}{why}", found.row.file_name))?;
    Ok(())
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    action: &str,
    detail: &str,
) -> Result<(), DbError> {
    let subject = format!("contract {}", contract.number);
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: Some(contract.partner_id), detail })
}

/// A file to take away: its name, what it is, its content.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn attachment_file(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
) -> Result<(String, FileKind, Vec<u8>), EditError> {
    let (found, content) = attachment_content(db, viewer, id)?.ok_or(EditError::NotFound("attachment"))?;
    Ok((found.row.file_name.clone(), found.row.kind()?, content))
}

/// Reads every file again and holds it against its checksum: how many, and what is wrong, one line each. One file in
/// memory at once.
///
/// # Errors
/// The database's reason; what is merely wrong is in the answer.
pub fn attachments_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let system = Viewer::system();
    let ids = attachment_ids_unscoped(db)?;
    let mut problems = Vec::new();
    for id in &ids {
        match attachment_content(db, &system, *id) {
            Ok(Some((found, content))) => {
                let row = &found.row;
                let bytes = i64::try_from(content.len()).unwrap_or(i64::MAX);
                if (bytes, sha256_of(&content).as_str()) != (row.byte_count, row.sha256.as_str()) {
                    let size = words::count(row.byte_count, "byte");
                    let name = &row.file_name;
                    problems.push(format!(
                        "attachment {id}, {name}: its content is not the {size} with sha256 {} that were attached",
                        row.sha256
                    ));
                }
            }
            Ok(None) => problems.push(format!("attachment {id} belongs to no contract")),
            Err(DbError::Stored { what, reason }) => {
                problems.push(format!("{what} does not read back: {reason}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((i64::try_from(ids.len()).unwrap_or(i64::MAX), problems))
}
