//! The whole service over a test's database, without a socket.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::body::{BoxBody, to_bytes};
use actix_web::cookie::Cookie;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use actix_web::web::Data;
use actix_web::{Error, test};
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::password::hash_cheaply;
use lanemark::app::user::{NewUser, user_add_hashed};
use lanemark::db::dialect::BothExt;
use lanemark::db::schema::partners;
use lanemark::db::types::Instant;
use lanemark::domain::viewer::{Role, Viewer};
use lanemark::web::{Web, WebConfig, configure};
use scraper::{Html, Selector};

use super::db::TestDb;

/// The password of every user of the tests.
pub const PASSWORD: &str = "a lane is a promise";

type Answer = Pin<Box<dyn Future<Output = Result<ServiceResponse<BoxBody>, Error>>>>;

/// The service, and the cookies of one browser.
pub struct TestApp {
    /// The use cases' parts.
    pub app: App,
    /// The carrier that users of the role Partner belong to.
    pub partner_id: i64,
    call: Box<dyn Fn(TestRequest) -> Answer>,
    cookies: Vec<Cookie<'static>>,
}

impl TestApp {
    /// The service over `db` at its usual time.
    pub async fn new(db: &TestDb) -> Self {
        Self::with(db.app(), "http://127.0.0.1:8080").await
    }

    /// The service of `app` under another public address.
    pub async fn with(app: App, base_url: &str) -> Self {
        let config = WebConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            base_url: base_url.parse().unwrap(),
            trust_proxy: false,
            secret: None,
        };
        let web = Data::from(Arc::new(Web::new(app.clone(), config).unwrap()));
        let service = Rc::new(test::init_service(actix_web::App::new().configure(configure(&web))).await);
        let call = Box::new(move |request: TestRequest| -> Answer {
            let service = Rc::clone(&service);
            Box::pin(async move {
                service.call(request.to_request()).await.map(ServiceResponse::map_into_boxed_body)
            })
        });
        let partner_id = partner(&app, "BRCK", "Brackwater Lines");
        Self { app, partner_id, call, cookies: Vec::new() }
    }

    /// Adds a user of `role` (once) and signs in as that user through the sign-in page.
    pub async fn sign_in_as(&mut self, role: Role) -> Viewer {
        let email = format!("{}@lanes.example", role.code().to_lowercase());
        let viewer = user(&self.app, &email, role, (role == Role::Partner).then_some(self.partner_id));
        let answer = self.sign_in(&email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        viewer
    }

    /// Fills in the sign-in page, each time from another address.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Reply {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let [_, b, c, d] = COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let peer = std::net::SocketAddr::from(([10, b, c, d], 40_000));
        let fields = [("email", email), ("password", password)];
        self.send(post_request("/sign-in", &fields).peer_addr(peer)).await
    }

    /// Forgets every cookie.
    pub fn forget(&mut self) {
        self.cookies.clear();
    }

    /// The cookies of the browser.
    pub fn cookies(&self) -> &[Cookie<'static>] {
        &self.cookies
    }

    /// Takes over the cookies of another browser.
    pub fn take_cookies(&mut self, other: &Self) {
        self.cookies.clone_from(&other.cookies);
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(TestRequest::get().uri(path)).await
    }

    /// Sends a form from one of our own pages.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(post_request(path, fields)).await
    }

    /// Sends a request and gives the body as bytes: for files.
    pub async fn send_bytes(&mut self, mut request: TestRequest) -> Vec<u8> {
        for cookie in &self.cookies {
            request = request.cookie(cookie.clone());
        }
        let response = (self.call)(request).await.unwrap();
        to_bytes(response.into_body()).await.unwrap().to_vec()
    }

    /// Sends a request of any kind.
    pub async fn send(&mut self, mut request: TestRequest) -> Reply {
        for cookie in &self.cookies {
            request = request.cookie(cookie.clone());
        }
        let response = match (self.call)(request).await {
            Ok(response) => response,
            // What the server makes of an error that no page could be made of.
            Err(error) => {
                let answer = error.error_response();
                let (status, headers) = (answer.status(), answer.headers().clone());
                let body = to_bytes(answer.into_body()).await.unwrap();
                return Reply { status, headers, html: String::from_utf8_lossy(&body).into_owned() };
            }
        };
        for cookie in response.response().cookies() {
            self.cookies.retain(|own| own.name() != cookie.name());
            if !cookie.value().is_empty() {
                self.cookies.push(cookie.into_owned());
            }
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.unwrap();
        Reply { status, headers, html: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// A form as one of our own pages sends it.
pub fn post_request(path: &str, fields: &[(&str, &str)]) -> TestRequest {
    TestRequest::default()
        .method(Method::POST)
        .uri(path)
        .insert_header(("sec-fetch-site", "same-origin"))
        .set_form(fields.iter().map(|(name, value)| (*name, *value)).collect::<Vec<_>>())
}

/// Adds a partner, or finds it by its code.
pub fn partner(app: &App, code: &str, name: &str) -> i64 {
    let mut db = app.pool.get().unwrap();
    diesel::insert_into(partners::table)
        .values((
            partners::id.eq(app.id()),
            partners::code.eq(code),
            partners::name.eq(name),
            partners::created_at.eq(Instant(app.now())),
        ))
        .on_conflict(partners::code)
        .do_nothing()
        .both()
        .execute(&mut *db)
        .unwrap();
    partners::table.filter(partners::code.eq(code)).select(partners::id).first(&mut *db).unwrap()
}

/// Adds a user with [`PASSWORD`], or finds it by its address.
pub fn user(app: &App, email: &str, role: Role, partner_id: Option<i64>) -> Viewer {
    let mut db = app.pool.get().unwrap();
    if lanemark::db::user::user_by_email(&mut db, email).unwrap().is_none() {
        let new = NewUser {
            email: email.to_owned(),
            name: role.title().to_owned(),
            role,
            partner_id,
            password: PASSWORD.to_owned(),
        };
        user_add_hashed(app, &mut db, &Viewer::system(), &new, hash_cheaply(PASSWORD).unwrap()).unwrap();
    }
    lanemark::db::user::user_by_email(&mut db, email).unwrap().unwrap().viewer().unwrap()
}

/// What came back.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub html: String,
}

impl Reply {
    /// The page, parsed.
    pub fn page(&self) -> Html {
        Html::parse_document(&self.html)
    }

    /// The text of every element that `selector` finds, spaces folded.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let fold = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.page().select(&selector).map(|node| fold(node.text().collect())).collect()
    }

    /// The text of the first element that `selector` finds; the page is in the message when none is.
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no `{selector}` in:\n{}", self.html))
    }

    /// An attribute of the first element that `selector` finds.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let selector = Selector::parse(selector).unwrap();
        let page = self.page();
        page.select(&selector).next().and_then(|node| node.value().attr(name)).map(str::to_owned)
    }

    /// An attribute of every element that `selector` finds and that has it.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let page = self.page();
        page.select(&selector).filter_map(|node| node.value().attr(name)).map(str::to_owned).collect()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<&str> {
        self.header(header::LOCATION.as_str())
    }
}
