//! What a handler gets: the signed-in user, a submitted form, and one unit of work on the database.

use std::collections::BTreeMap;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use url::{Url, form_urlencoded};

use super::access::Who;
use super::page::{self, Page, WebError};
use super::{MAX_BODY_BYTES, Web};
use crate::app::App;
use crate::db::Db;
use crate::domain::viewer::Viewer;

/// Most fields of a form.
pub const MAX_FIELDS: usize = 2_000;

/// Longest address to go on to after signing in.
const MAX_NEXT_CHARS: usize = 1_024;

/// Runs one unit of work on a connection, off the threads that answer requests. A request does this
/// once: load, decide, store.
///
/// # Errors
/// What `work` returns, or that no connection came free.
pub async fn in_db<T, E>(
    app: &App,
    work: impl FnOnce(&mut Db) -> Result<T, E> + Send + 'static,
) -> Result<T, WebError>
where
    T: Send + 'static,
    E: Into<WebError> + Send + 'static,
{
    let pool = app.pool.clone();
    web::block(move || work(&mut *pool.get()?).map_err(Into::into)).await?
}

/// The user behind a request to a route that needs one.
pub struct SignedIn {
    /// The use cases' parts.
    pub app: App,
    /// Who is asking; an argument of every query that can return a partner's data.
    pub viewer: Viewer,
    /// The address signed in with.
    pub email: String,
    request: HttpRequest,
}

/// The parts of one unit of work.
pub struct Unit<'a> {
    /// The use cases' parts.
    pub app: &'a App,
    /// The connection.
    pub db: &'a mut Db,
    /// Who is asking.
    pub viewer: &'a Viewer,
}

impl SignedIn {
    /// Runs one unit of work for this user; see [`in_db`].
    ///
    /// # Errors
    /// What `work` returns, or that no connection came free.
    pub async fn in_db<T, E>(
        &self,
        work: impl FnOnce(Unit<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WebError>
    where
        T: Send + 'static,
        E: Into<WebError> + Send + 'static,
    {
        let (app, viewer) = (self.app.clone(), self.viewer.clone());
        in_db(&self.app, move |db| work(Unit { app: &app, db, viewer: &viewer })).await
    }

    /// Runs a use case that takes its own connections, off the threads that answer requests.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn in_app<T, E>(
        &self,
        work: impl FnOnce(&App, &Viewer) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WebError>
    where
        T: Send + 'static,
        E: Into<WebError> + Send + 'static,
    {
        let (app, viewer) = (self.app.clone(), self.viewer.clone());
        web::block(move || work(&app, &viewer).map_err(Into::into)).await?
    }

    /// The surroundings of a page.
    #[must_use]
    pub fn page(&self, title: impl Into<String>) -> Page {
        Page::new(&self.request, title)
    }

    /// Has the next page say `message` once; follow with [`page::see_other`].
    pub fn flash(&self, message: &str) {
        page::flash(&self.request, message);
    }
}

impl FromRequest for SignedIn {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let who = request.extensions().get::<Who>().cloned();
        let app = request.app_data::<web::Data<Web>>().map(|web| web.app.clone());
        ready(match (who, app) {
            (Some(who), Some(app)) => {
                Ok(Self { app, viewer: who.viewer, email: who.email, request: request.clone() })
            }
            _ => Err(WebError::SignInFirst { next: None }),
        })
    }
}

/// A submitted form: values by name, and what is wrong with them, so that it can be shown again as
/// it was sent. [`Form::default`] is an empty form to show first.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: BTreeMap<String, Vec<String>>,
    errors: BTreeMap<&'static str, String>,
}

impl Form {
    /// A form filled in beforehand.
    #[must_use]
    pub fn filled<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            form.values.entry(name.into()).or_default().push(value.into());
        }
        form
    }

    /// Reads the body of a form or the query of an address.
    ///
    /// # Errors
    /// [`WebError::BadRequest`] for more than [`MAX_FIELDS`], or a control character, which is no text.
    pub fn parse(bytes: &[u8]) -> Result<Self, WebError> {
        let pairs: Vec<_> = form_urlencoded::parse(bytes).take(MAX_FIELDS.saturating_add(1)).collect();
        if pairs.len() > MAX_FIELDS {
            return Err(WebError::BadRequest(format!("A form holds {MAX_FIELDS} fields at most.")));
        }
        Self::of_pairs(
            pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        )
    }

    /// The fields of a form as they came.
    ///
    /// # Errors
    /// [`WebError::BadRequest`] for a control character.
    pub(super) fn of_pairs(pairs: Vec<(String, String)>) -> Result<Self, WebError> {
        let is_text =
            |text: &str| !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if !pairs.iter().all(|(name, value)| is_text(name) && is_text(value)) {
            return Err(WebError::BadRequest(
                "A form holds text, and there is a control character in it. Type the text anew where it was pasted.".to_owned(),
            ));
        }
        Ok(Self::filled(pairs))
    }

    /// The value as sent, without spaces around it; empty when absent.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value exactly as sent: for passwords.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.values.get(name).and_then(|all| all.first()).map_or("", String::as_str)
    }

    /// Every value under a name sent more than once.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The names of the fields that start with `prefix` and say something.
    pub fn names_of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.values.keys().map(String::as_str);
        names.filter(move |name| name.starts_with(prefix) && self.all(name).any(|one| !one.trim().is_empty()))
    }

    /// Whether the value is `value`; for choices.
    #[must_use]
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether `value` is among the values under a name; for ticks.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|one| one == value)
    }

    /// The value, which must not be empty; notes an error otherwise.
    pub fn required(&mut self, name: &'static str, message: &str) -> String {
        let value = self.value(name).to_owned();
        if value.is_empty() {
            self.fail(name, message);
        }
        value
    }

    /// The value read as `T`; notes `message` and gives `None` when it does not read.
    pub fn read<T: FromStr>(&mut self, name: &'static str, message: &str) -> Option<T> {
        let read = self.value(name).parse().ok();
        if read.is_none() {
            self.fail(name, message);
        }
        read
    }

    /// As [`Form::read`], but empty is fine and gives `None`.
    pub fn read_optional<T: FromStr>(&mut self, name: &'static str, message: &str) -> Option<T> {
        if self.value(name).is_empty() { None } else { self.read(name, message) }
    }

    /// Notes what is wrong with a field and how to right it; the first note stays.
    pub fn fail(&mut self, name: &'static str, message: impl Into<String>) {
        self.errors.entry(name).or_insert_with(|| message.into());
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.get(name).map(String::as_str)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

impl FromRequest for Form {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // A form without fields has no body and, from some clients, no type.
        let is_form = kind.is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(WebError::BadRequest("Send this as a form.".to_owned()));
            }
            let bytes = body.await.map_err(|error| match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => WebError::TooLarge(MAX_BODY_BYTES),
                _ => WebError::BadRequest("The form did not arrive whole. Send it again.".to_owned()),
            })?;
            Self::parse(&bytes)
        })
    }
}

/// The address if it leads to a page of this site, and nowhere else.
#[must_use]
pub fn local_path(text: &str) -> Option<String> {
    let here = Url::parse("http://here.invalid/").ok()?;
    let is_path = text.starts_with('/') && text.chars().count() <= MAX_NEXT_CHARS;
    let plain = !text.chars().any(|c| c.is_control() || c == '\\');
    let full = here.join(text).ok().filter(|url| is_path && plain && url.origin() == here.origin())?;
    let query = full.query().map_or_else(String::new, |query| format!("?{query}"));
    // `/.//evil.example` loses its dot on the way and would leave the site.
    Some(format!("{}{query}", full.path())).filter(|path| !path.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_site_are_gone_on_to() {
        assert_eq!(local_path("/users?before=7").as_deref(), Some("/users?before=7"));
        assert_eq!(local_path("/a/../b").as_deref(), Some("/b"));
        for away in [
            "",
            "users",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/.//evil.example",
            "/\t/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(away), None, "{away:?}");
        }
    }

    #[test]
    fn a_form_keeps_what_was_sent_beside_what_is_wrong_with_it() {
        let mut form = Form::parse(b"name=+Mara+&qty=seven&lane=A&lane=B").unwrap();
        assert_eq!(form.required("name", "Give a name."), "Mara");
        assert_eq!(form.read::<i64>("qty", "Give a whole number."), None);
        assert_eq!(form.read_optional::<i64>("limit", "Give a whole number."), None);
        assert_eq!(form.all("lane").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!((form.value("qty"), form.error("qty")), ("seven", Some("Give a whole number.")));
        assert!(!form.is_sound() && form.error("limit").is_none());
    }
}
