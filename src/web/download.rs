//! Files to save.

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::header::ContentDisposition;

use super::page::WebError;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// A workbook of Office Open XML.
    Xlsx,
    /// An archive.
    Zip,
    /// JSON.
    Json,
    /// Plain text.
    Text,
}

impl FileKind {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Zip => "application/zip",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// An answer that is saved under `name`, of which what some system could take for a path or a command is left out.
pub(super) fn download(name: &str, kind: FileKind, body: impl MessageBody + 'static) -> HttpResponse {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    HttpResponse::Ok()
        .content_type(kind.media_type())
        .insert_header(ContentDisposition::attachment(plain))
        .body(body)
}

/// A table that is saved as csv.
///
/// # Errors
/// The writer's reason.
pub(super) fn download_csv(name: &str, text: Result<Vec<u8>, csv::Error>) -> Result<HttpResponse, WebError> {
    Ok(download(name, FileKind::Csv, text.map_err(anyhow::Error::from)?))
}
