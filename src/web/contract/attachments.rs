//! Files of a contract: the list with who attached what and when, the form to attach one, the moves after, and the file
//! itself. The partner's list is part of its contract page ([`super::own`]); only the file has an address there.

use actix_web::http::header::{
    self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue, HeaderValue,
};
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::app::attachment::{self as app, NewFile};
use crate::app::contract::contract_show;
use crate::db::attachment::{Attached, MoveRow};
use crate::db::contract::Contract;
use crate::domain::attachment::{
    CONTRACT_BYTES_MAX, CONTRACT_FILES_MAX, FILE_BYTES_MAX, FileKind, FileMove, NotMoved, endings,
};
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::edit::{self, Refusal};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::partner::Chip;
use crate::web::show;
use crate::web::upload::Upload;

/// A file in the shipper's list.
struct FileLine {
    id: i64,
    name: String,
    kind: String,
    size: String,
    sha256: String,
    note: String,
    of: String,
    added: String,
    state: Chip,
    /// What happened to it, oldest first.
    moves: Vec<String>,
    may_share: bool,
    may_hide: bool,
    may_withdraw: bool,
}

impl FileLine {
    /// A file, with the moves open to whoever may make them.
    fn of(one: &Attached, may: bool) -> Self {
        let open = |kind| may && one.standing.after(kind, "why").is_ok();
        let state = if one.standing.withdrawn {
            Chip::new("none", "stop", "withdrawn")
        } else if one.standing.partner_sees() {
            Chip::new("info", "check", "shown to the partner")
        } else {
            Chip::new("", "dot", "ours alone")
        };
        let row = &one.row;
        Self {
            id: row.id,
            name: row.file_name.clone(),
            kind: kind_words(&row.kind),
            size: size_words(row.byte_count),
            sha256: row.sha256.clone(),
            note: row.note.clone(),
            of: of_words(row.version),
            added: format!("{} by {}", show::instant(row.added_at.0), row.added_by),
            state,
            moves: one.moves.iter().map(move_words).collect(),
            may_share: open(FileMove::Share),
            may_hide: open(FileMove::Hide),
            may_withdraw: open(FileMove::Withdraw),
        }
    }
}

/// What a file is, in words.
pub(super) fn kind_words(code: &str) -> String {
    code.parse().map_or_else(|_| code.to_owned(), |kind: FileKind| kind.label().to_owned())
}

/// What a file belongs to.
pub(super) fn of_words(version_no: Option<i32>) -> String {
    version_no.map_or_else(|| "the contract".to_owned(), |no| format!("version {no}"))
}

/// `812 bytes`, `14 KB`, `2.1 MB`.
pub(in crate::web) fn size_words(bytes: i64) -> String {
    if bytes < 1_000 {
        return words::count(bytes, "byte");
    }
    if bytes < 1_000_000 {
        return format!("{} KB", bytes.saturating_add(500) / 1_000);
    }
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn move_words(one: &MoveRow) -> String {
    let what = one.kind.parse().map_or("", FileMove::label);
    let why = if one.note.is_empty() { String::new() } else { format!(": {}", one.note) };
    format!("{} {} {what}{why}", show::instant(one.at.0), one.actor)
}

#[derive(Template)]
#[template(path = "contract/attachments.html")]
struct AttachmentsPage {
    page: Page,
    contract_id: i64,
    number: String,
    limits: String,
    files: Vec<FileLine>,
    form: Form,
    notice: Option<String>,
    versions: Vec<(String, String)>,
    may_edit: bool,
}

async fn view(
    me: &SignedIn,
    id: i64,
    form: Form,
    notice: Option<String>,
) -> Result<AttachmentsPage, WebError> {
    let (contract, files, versions): (Contract, Vec<Attached>, Vec<i32>) = me
        .in_db(move |unit| {
            let found = contract_show(unit.app, unit.db, unit.viewer, id, None)?;
            let (contract, files) = app::attachments(unit.db, unit.viewer, id)?;
            let versions = found.versions.iter().map(|line| line.version.version).collect();
            Ok::<_, WebError>((contract, files, versions))
        })
        .await?;
    let may = me.viewer.role.may(Action::EditContracts);
    let whole = (String::new(), "The contract as a whole".to_owned());
    let each = versions.into_iter().map(|no| (no.to_string(), format!("Version {no}")));
    let [file, contract_bytes] =
        [FILE_BYTES_MAX >> 20, usize::try_from(CONTRACT_BYTES_MAX >> 20).unwrap_or(0)];
    Ok(AttachmentsPage {
        page: me.page(format!("Attachments of {}", contract.number)),
        contract_id: id,
        number: contract.number,
        limits: format!(
            "{}; up to {file} MB a file, {contract_bytes} MB and {CONTRACT_FILES_MAX} files a contract",
            endings()
        ),
        files: files.iter().map(|one| FileLine::of(one, may)).collect(),
        form,
        notice,
        versions: std::iter::once(whole).chain(each).collect(),
        may_edit: may,
    })
}

/// `GET /contracts/{id}/attachments`
pub(in crate::web) async fn list(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    page::html(&view(&me, *id, Form::default(), None).await?)
}

/// `POST /contracts/{id}/attachments`, with the file
pub(in crate::web) async fn create(
    me: SignedIn,
    id: web::Path<i64>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let Upload { mut form, file, file_name } = upload;
    let version_no = form.read_optional("version", "Choose from the list.");
    if file.is_none() {
        form.fail("file", "Choose the file to attach.");
    }
    let refusal = match file.filter(|_| form.is_sound()) {
        None => edit::unsound(),
        Some(content) => {
            let (note, shared) = (form.value("note").to_owned(), form.is("shared", "yes"));
            let work = me.in_db(move |unit| {
                let new = NewFile { version_no, name: &file_name, note: &note, shared, content: &content };
                Ok::<_, WebError>(app::attach(unit.app, unit.db, unit.viewer, id, new))
            });
            match work.await? {
                Ok(_) => {
                    me.flash("The file is attached.");
                    return Ok(page::see_other(&format!("/contracts/{id}/attachments")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    let Refusal { status, notice } = refusal;
    page::html_with(status, &view(&me, id, form, notice).await?)
}

const NAMES: &[(&str, &str)] = &[("file", "file"), ("note", "note"), ("version", "version")];

/// `POST /attachments/{id}/moves`
pub(in crate::web) async fn step(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let kind: FileMove = form
        .value("move")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with the file.".to_owned()))?;
    let note = form.value("note").to_owned();
    let work = me.in_db(move |unit| {
        Ok::<_, WebError>(app::attachment_move(unit.app, unit.db, unit.viewer, id, kind, &note))
    });
    match work.await? {
        Ok(contract_id) => {
            me.flash(match kind {
                FileMove::Share => "The partner sees the file now.",
                FileMove::Hide => "The partner sees the file no more.",
                FileMove::Withdraw => "The file is withdrawn. It stays on record.",
            });
            Ok(page::see_other(&format!("/contracts/{contract_id}/attachments")))
        }
        Err(error) => {
            let refusal = edit::refuse(&mut form, error, &[("note", "note")])?;
            let said = form.error("note").map(str::to_owned);
            let words = refusal.notice.or(said).unwrap_or_else(|| NotMoved::NoReason.to_string());
            Err(WebError::Conflict(edit::sentence(&words)))
        }
    }
}

/// `GET /attachments/{id}`
pub(in crate::web) async fn file(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    take_away(&me, *id).await
}

/// `GET /portal/attachments/{id}`
pub(in crate::web) async fn file_own(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    take_away(&me, *id).await
}

/// The file, as something to store and never to show: our own media type, no sniffing, a policy that runs nothing.
async fn take_away(me: &SignedIn, id: i64) -> Result<HttpResponse, WebError> {
    let (name, kind, content) = me.in_db(move |unit| app::attachment_file(unit.db, unit.viewer, id)).await?;
    Ok(stored_file(name, kind, content))
}

/// A file that somebody uploaded, as something to store and never to show.
pub(in crate::web) fn stored_file(name: String, kind: FileKind, content: Vec<u8>) -> HttpResponse {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let whole = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: name.into_bytes(),
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(whole)],
    };
    HttpResponse::Ok()
        .content_type(kind.media_type())
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ))
        .body(content)
}
