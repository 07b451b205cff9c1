//! A form that may carry one file. Bounded: it is held in memory, and it has limits of its own.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;

use super::extract::{Form, MAX_FIELDS};
use super::page::WebError;
use crate::feeds::terms::BYTES_MAX;

/// Most that the fields beside a file hold together: a partner's sheet comes back as one.
const FIELD_BYTES_MAX: usize = BYTES_MAX;
/// Most that they hold in a form without a file, whose letters may take three bytes each.
const ENCODED_BYTES_MAX: usize = 2 * FIELD_BYTES_MAX;

/// The fields of a form, and the file that was chosen, if any; of `FILE_MAX` bytes at most.
#[derive(Debug, Default)]
pub(super) struct Upload<const FILE_MAX: usize = BYTES_MAX> {
    /// The fields.
    pub form: Form,
    /// The bytes of the file; none when nothing was chosen.
    pub file: Option<Vec<u8>>,
    /// The name it came with; empty without one.
    pub file_name: String,
}

impl<const FILE_MAX: usize> FromRequest for Upload<FILE_MAX> {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/x-www-form-urlencoded");
        if kind.starts_with("multipart/form-data") {
            let parts = Multipart::new(request.headers(), payload.take());
            return Box::pin(Self::read(parts));
        }
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        let body = web::Payload::from_request(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(WebError::BadRequest("Send this as a form.".to_owned()));
            }
            let broken = || WebError::BadRequest("The form did not arrive whole. Send it again.".to_owned());
            let body = body.await.map_err(|_| broken())?;
            match body.to_bytes_limited(ENCODED_BYTES_MAX).await {
                Ok(bytes) => {
                    Ok(Self { form: Form::parse(&bytes.map_err(|_| broken())?)?, ..Self::default() })
                }
                Err(_) => Err(WebError::TooLarge(ENCODED_BYTES_MAX)),
            }
        })
    }
}

impl<const FILE_MAX: usize> Upload<FILE_MAX> {
    async fn read(mut parts: Multipart) -> Result<Self, WebError> {
        let (mut found, mut pairs, mut text_bytes) = (Self::default(), Vec::new(), 0_usize);
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(|error| broken(&error))?;
            let file_name =
                part.content_disposition().and_then(|about| about.get_filename()).map(str::to_owned);
            if let Some(file_name) = file_name {
                if found.file.is_some() {
                    return Err(WebError::BadRequest("Send one file at a time.".to_owned()));
                }
                let content = content(&mut part, FILE_MAX).await?;
                (found.file, found.file_name) =
                    (Some(content).filter(|content| !content.is_empty()), file_name);
                continue;
            }
            if pairs.len() >= MAX_FIELDS {
                return Err(WebError::BadRequest(format!("A form holds {MAX_FIELDS} fields at most.")));
            }
            let name = part.name().unwrap_or_default().to_owned();
            let content = content(&mut part, FIELD_BYTES_MAX.saturating_sub(text_bytes)).await?;
            text_bytes = text_bytes.saturating_add(content.len());
            let text = String::from_utf8(content).map_err(|_| {
                WebError::BadRequest("A form holds text, and a field of it is not UTF-8.".to_owned())
            })?;
            pairs.push((name, text));
        }
        found.form = Form::of_pairs(pairs)?;
        Ok(found)
    }
}

async fn content(part: &mut Field, limit: usize) -> Result<Vec<u8>, WebError> {
    match part.bytes(limit).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(WebError::TooLarge(limit)),
    }
}

fn broken(error: &MultipartError) -> WebError {
    WebError::BadRequest(format!("The form did not arrive whole ({error}). Send it again."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn upload(body: &str) -> Result<Upload, WebError> {
        let request = TestRequest::post()
            .insert_header((header::CONTENT_TYPE, "multipart/form-data; boundary=b"))
            .set_payload(body.to_owned());
        let (request, mut payload) = request.to_http_parts();
        actix_web::rt::System::new().block_on(Upload::from_request(&request, &mut payload))
    }

    #[test]
    fn fields_and_a_file_are_told_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nTwo\r\nlines\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"sheet\"; filename=\"a;b.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\nkey,value\r\n--b--\r\n";
        let found = upload(body).unwrap();
        assert_eq!(found.form.value("message"), "Two\r\nlines");
        assert_eq!(found.file_name, "a;b.csv");
        assert_eq!(found.file.as_deref(), Some(b"key,value".as_slice()));
        for broken in ["", "--b", "--b\r\nx", "--b\r\n\r\nx\r\n--b--", body.trim_end_matches("--b--\r\n")] {
            assert!(upload(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let part = |about: &str, content: &str| {
            format!("--b\r\nContent-Disposition: form-data; {about}\r\n\r\n{content}\r\n--b--\r\n")
        };
        let large = "x".repeat(BYTES_MAX + 1);
        let refused = |body: &str| upload(body).err().unwrap();
        assert!(matches!(
            refused(&part("name=\"a\"; filename=\"a\"", &large)),
            WebError::TooLarge(BYTES_MAX)
        ));
        assert!(matches!(refused(&part("name=\"a\"", &large)), WebError::TooLarge(FIELD_BYTES_MAX)));
        assert!(matches!(refused(&part("name=\"a\"", "\u{1}")), WebError::BadRequest(_)));
        let many: String = (0..=MAX_FIELDS).map(|n| part(&format!("name=\"{n}\""), "")).collect();
        assert!(matches!(refused(&many.replace("--b--\r\n", "")), WebError::BadRequest(_)));
    }
}
