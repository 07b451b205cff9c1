//! A form that may carry one file. Bounded: it is held in memory, and it has limits of its own.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use super::MAX_BODY_BYTES;
use super::extract::{Form, MAX_FIELDS};
use super::page::WebError;
use crate::feeds::terms::BYTES_MAX;

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
        if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let parts = Multipart::new(request.headers(), payload.take());
            return Box::pin(Self::read(parts));
        }
        let form = Form::from_request(request, payload);
        Box::pin(async move { Ok(Self { form: form.await?, file: None }) })
    }
}

impl Upload {
    async fn read(mut parts: Multipart) -> Result<Self, WebError> {
        let (mut pairs, mut file, mut text_bytes) = (Vec::new(), None, 0_usize);
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(|error| broken(&error))?;
            if part.content_disposition().is_some_and(|about| about.get_filename().is_some()) {
                let content = content(&mut part, BYTES_MAX).await?;
                file = Some(content).filter(|content| !content.is_empty());
                continue;
            }
            if pairs.len() >= MAX_FIELDS {
                return Err(WebError::BadRequest(format!("A form holds {MAX_FIELDS} fields at most.")));
            }
            let name = part.name().unwrap_or_default().to_owned();
            let content = content(&mut part, MAX_BODY_BYTES.saturating_sub(text_bytes)).await?;
            text_bytes = text_bytes.saturating_add(content.len());
            let text = String::from_utf8(content).map_err(|_| {
                WebError::BadRequest("A form holds text, and a field of it is not UTF-8.".to_owned())
            })?;
            pairs.push((name, text));
        }
        Ok(Self { form: Form::of_pairs(pairs)?, file })
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
        assert!(matches!(refused(&part("name=\"a\"", &large)), WebError::TooLarge(MAX_BODY_BYTES)));
        assert!(matches!(refused(&part("name=\"a\"", "\u{1}")), WebError::BadRequest(_)));
        let many: String = (0..=MAX_FIELDS).map(|n| part(&format!("name=\"{n}\""), "")).collect();
        assert!(matches!(refused(&many.replace("--b--\r\n", "")), WebError::BadRequest(_)));
    }
}
