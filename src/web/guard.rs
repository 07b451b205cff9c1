//! Around every request: an id and a log line, headers that keep browsers strict, and the refusal of
//! requests that another site made a browser send.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use tracing::Instrument;

use super::Web;
use super::page::WebError;

/// No script at all, nothing from elsewhere, and nobody may frame a page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; \
    img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Two years, as browsers ask for.
const STRICT_TRANSPORT: &str = "max-age=63072000; includeSubDomains";

/// The id of a request, in the log, the `x-request-id` header and on error pages.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Names the request, then logs how it went: method, path, status, time. No query and no address:
/// both can hold personal data.
///
/// # Errors
/// Those of the inner service.
pub async fn trace<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = request.app_data::<web::Data<Web>>().map_or(0, |web| web.app.id());
    let id = format!("{id:x}");
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let span = tracing::info_span!("request", id = %id);
    let begun = std::time::Instant::now();
    let mut response = next.call(request).instrument(span).await?;
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(id = %id, %method, %path, status = response.status().as_u16(), millis, "request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

/// Adds the headers that every answer carries, where the handler has not set its own.
///
/// # Errors
/// Those of the inner service.
pub async fn headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let is_https = request.app_data::<web::Data<Web>>().is_some_and(|web| web.config.is_https());
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        // A page that needs another rule, such as one that shows a mail in a frame, has set its own.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// Refuses an address that holds a zero byte: no page of ours has one, and PostgreSQL keeps none.
///
/// # Errors
/// Those of the inner service.
pub async fn no_zero_byte<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, Error> {
    if request.uri().path_and_query().is_some_and(|address| address.as_str().contains("%00")) {
        let refusal = WebError::BadRequest("The address holds a zero byte.".to_owned()).error_response();
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Refuses a request that may change something unless this site's own page sent it.
///
/// # Errors
/// Those of the inner service.
pub async fn same_origin<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, Error> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let ours = request.app_data::<web::Data<Web>>().map(|web| Ours {
        origin: web.config.base_url.origin().ascii_serialization(),
        is_given: web.config.is_address_given(),
    });
    if safe || ours.is_some_and(|ours| sent_by_ourselves(request.headers(), &ours)) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refusal = WebError::OtherSite.error_response();
    Ok(request.into_response(refusal).map_into_right_body())
}

/// The address of the site.
struct Ours {
    origin: String,
    /// Whether the settings give it. Then no other is ours; else the name a request was sent to is believed.
    is_given: bool,
}

/// Browsers say where a request comes from: `Sec-Fetch-Site` over TLS and on this machine, `Origin`
/// otherwise. A request that says neither comes from no browser we serve.
fn sent_by_ourselves(headers: &HeaderMap, ours: &Ours) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    if origin == ours.origin || ours.is_given {
        return origin == ours.origin;
    }
    let named = origin.parse::<Uri>().ok();
    let authority = named.as_ref().and_then(Uri::authority).map(actix_web::http::uri::Authority::as_str);
    authority.is_some() && authority == text("host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_to(origin: &str, is_given: bool, pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        sent_by_ourselves(&headers, &Ours { origin: origin.to_owned(), is_given })
    }

    fn sent(pairs: &[(&'static str, &'static str)]) -> bool {
        sent_to("https://lanes.example", true, pairs)
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        assert!(sent(&[("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("sec-fetch-site", "none")]));
        assert!(!sent(&[("sec-fetch-site", "cross-site"), ("origin", "https://lanes.example")]));
        assert!(!sent(&[("sec-fetch-site", "same-site")]));
        assert!(sent(&[("origin", "https://lanes.example"), ("host", "10.0.0.1")]));
        assert!(!sent(&[("origin", "http://evil.example"), ("host", "127.0.0.1:8080")]));
        assert!(!sent(&[("origin", "null"), ("host", "127.0.0.1:8080")]));
        assert!(!sent(&[]), "no browser we serve sends neither");
    }

    #[test]
    fn a_host_is_believed_only_where_no_address_is_configured() {
        let other = [("origin", "http://evil.example"), ("host", "evil.example")];
        assert!(!sent(&other), "a name somebody points at us is not ours");
        let by_number = [("origin", "http://10.0.0.7:8080"), ("host", "10.0.0.7:8080")];
        assert!(!sent(&by_number));
        assert!(sent_to("http://127.0.0.1:8080", false, &by_number));
        assert!(!sent_to(
            "http://127.0.0.1:8080",
            false,
            &[("origin", "http://evil.example"), ("host", "x")]
        ));
    }
}
