//! A form that may carry one file. Bounded: the whole body is held in memory, and it has a limit of its own.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::extract::{Form, MAX_FIELDS};
use super::page::WebError;
use crate::feeds::terms::BYTES_MAX;

/// Largest body: the largest file, and its fields.
pub const UPLOAD_BYTES_MAX: usize = 2 * BYTES_MAX;

/// The fields of a form, and the file that was chosen, if any.
#[derive(Debug, Default)]
pub(super) struct Upload {
    /// The fields.
    pub form: Form,
    /// The bytes of the file; none when nothing was chosen.
    pub file: Option<Vec<u8>>,
}

impl FromRequest for Upload {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/x-www-form-urlencoded").to_owned();
        let body = web::Payload::from_request(request, payload);
        Box::pin(async move {
            let broken = || WebError::BadRequest("The form did not arrive whole. Send it again.".to_owned());
            let body = body.await.map_err(|_| broken())?;
            let bytes = match body.to_bytes_limited(UPLOAD_BYTES_MAX).await {
                Ok(bytes) => bytes.map_err(|_| broken())?,
                Err(_) => return Err(WebError::TooLarge(UPLOAD_BYTES_MAX)),
            };
            if kind.starts_with("application/x-www-form-urlencoded") {
                return Ok(Self { form: Form::parse(&bytes)?, file: None });
            }
            let boundary =
                kind.strip_prefix("multipart/form-data").and_then(|rest| rest.split_once("boundary="));
            let boundary =
                boundary.map(|(_, rest)| rest.split(';').next().unwrap_or_default().trim_matches('"'));
            match boundary.filter(|boundary| (1..=70).contains(&boundary.len())) {
                Some(boundary) => Self::parse(&bytes, boundary),
                None => Err(WebError::BadRequest("Send this as a form.".to_owned())),
            }
        })
    }
}

impl Upload {
    /// Reads the parts of a `multipart/form-data` body (RFC 7578).
    fn parse(bytes: &[u8], boundary: &str) -> Result<Self, WebError> {
        let broken = || WebError::BadRequest("The form cannot be read. Send it again.".to_owned());
        let mark = format!("--{boundary}");
        // Each part but the first stands after a line end that belongs to the boundary.
        let inner = format!("\r\n{mark}");
        let mut rest = bytes.strip_prefix(mark.as_bytes()).ok_or_else(broken)?;
        let (mut pairs, mut file) = (Vec::new(), None);
        while !rest.starts_with(b"--") {
            rest = rest.strip_prefix(b"\r\n").ok_or_else(broken)?;
            let head_end = find(rest, b"\r\n\r\n").ok_or_else(broken)?;
            let head =
                rest.get(..head_end).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(broken)?;
            rest = rest.get(head_end.saturating_add(4)..).ok_or_else(broken)?;
            let end = find(rest, inner.as_bytes()).ok_or_else(broken)?;
            let content = rest.get(..end).unwrap_or_default();
            rest = rest.get(end.saturating_add(inner.len())..).unwrap_or_default();
            let name = quoted(head, "name").ok_or_else(broken)?;
            if quoted(head, "filename").is_some() {
                if content.len() > BYTES_MAX {
                    return Err(WebError::TooLarge(BYTES_MAX));
                }
                file = Some(content.to_vec()).filter(|content| !content.is_empty());
                continue;
            }
            if pairs.len() >= MAX_FIELDS {
                return Err(WebError::BadRequest(format!("A form holds {MAX_FIELDS} fields at most.")));
            }
            let text = std::str::from_utf8(content).map_err(|_| broken())?;
            if text.contains('\0') {
                let message = "A form holds text, and there is a zero byte in it.".to_owned();
                return Err(WebError::BadRequest(message));
            }
            pairs.push((name, text.to_owned()));
        }
        Ok(Self { form: Form::filled(pairs), file })
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The value of `name="value"` in the head of a part.
fn quoted(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let mut parts = line.split("; ").filter_map(|part| part.trim().split_once('='));
    let value = parts.find(|(key, _)| *key == name).map(|(_, value)| value)?;
    Some(value.trim_matches('"').replace("%22", "\"").replace("%0D%0A", "\n"))
}

/// A file kept for as long as it is read, and removed after.
pub(super) struct Kept(PathBuf);

impl Kept {
    /// Writes the bytes to a new file of this name, which must be unique.
    ///
    /// # Errors
    /// The system's reason.
    pub(super) fn new(name: &str, bytes: &[u8]) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let kept = Self(path);
        std::io::Write::write_all(&mut file, bytes)?;
        Ok(kept)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "an uploaded file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_a_file_are_told_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nTwo\r\nlines\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"sheet\"; filename=\"a;b.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\nkey,value\r\n--b--\r\n";
        let upload = Upload::parse(body.as_bytes(), "b").unwrap();
        assert_eq!(upload.form.value("message"), "Two\r\nlines");
        assert_eq!(upload.file.as_deref(), Some(b"key,value".as_slice()));
        for broken in ["", "--b", "--b\r\nx", "--b\r\n\r\nx\r\n--b--"] {
            assert!(Upload::parse(broken.as_bytes(), "b").is_err(), "{broken:?}");
        }
    }
}
