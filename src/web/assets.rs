//! The files in `static/`, embedded in the binary. Their address carries a hash of them all, so a
//! browser may keep them for ever and still sees a new version at once.

use std::sync::OnceLock;

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::page::WebError;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Characters of the hash in addresses.
const HASH_CHARS: usize = 12;

/// Browsers may keep what never changes under its address.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The start of every address: `/static/0123456789ab`.
#[must_use]
pub fn prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let mut names: Vec<_> = Files::iter().collect();
        names.sort_unstable();
        let mut all = Sha256::new();
        for file in names.iter().filter_map(|name| Files::get(name)) {
            all.update(file.metadata.sha256_hash());
        }
        let hash: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("/static/{}", hash.chars().take(HASH_CHARS).collect::<String>())
    })
}

/// The stylesheet, for mails and printed documents that carry it along.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    Files::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
}

/// Answers `/static/{hash}/{file}`.
pub fn service() -> Resource {
    web::resource("/static/{hash}/{file}").route(web::get().to(get)).route(web::head().to(get))
}

/// Answers `/favicon.ico`, which browsers ask for beside a page that names no icon, such as a mail alone.
pub fn favicon() -> Resource {
    web::resource("/favicon.ico").route(web::get().to(|| async {
        let place = format!("{}/favicon.svg", prefix());
        HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, place)).finish()
    }))
}

async fn get(request: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, WebError> {
    let (hash, name) = path.into_inner();
    let file = Files::get(&name).ok_or(WebError::NotFound)?;
    let tag: String = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = EntityTag::new_strong(tag);
    let current = prefix().strip_prefix("/static/") == Some(hash.as_str());
    let keep = if current { FOR_EVER } else { "no-cache" };
    let mut response = if known(&request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, keep)).insert_header(ETag(tag.clone()));
    if known(&request, &tag) {
        return Ok(response.finish());
    }
    if name.ends_with(".woff2") {
        // Already compressed; doing it again costs time and gains nothing.
        response.insert_header((header::CONTENT_ENCODING, "identity"));
    }
    Ok(response.content_type(content_type(&name)).body(file.data.into_owned()))
}

fn known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(items)) => items.iter().any(|item| item.weak_eq(tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
