//! Headers, requests forged by other sites, and pages that do not exist.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use lanemark::domain::viewer::Role;
use lanemark::web::assets;
use lanemark::web::guard::CONTENT_SECURITY_POLICY;

use crate::support::app::{TestApp, post_request};
use crate::support::db::{TestDb, on_both_async};

#[test]
fn every_answer_keeps_browsers_strict() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        for path in ["/sign-in", "/nowhere", "/health", "/users"] {
            let reply = browser.get(path).await;
            assert_eq!(reply.header("content-security-policy"), Some(CONTENT_SECURITY_POLICY), "{path}");
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
            assert!(reply.header("referrer-policy").is_some() && reply.header("x-request-id").is_some());
            assert_eq!(reply.header("strict-transport-security"), None, "only where people come over TLS");
            assert!(!reply.html.contains("<script") && !reply.html.contains(" style="), "{path}");
        }
        assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none';"));
        assert!(
            !CONTENT_SECURITY_POLICY.contains("unsafe") && !CONTENT_SECURITY_POLICY.contains("script-src")
        );
    });
}

#[test]
fn over_tls_the_cookie_is_secure_and_browsers_stay_there() {
    on_both_async(|db| async move {
        let mut browser = TestApp::with(db.app(), "https://lanes.example").await;
        browser.sign_in_as(Role::Admin).await;
        let cookie = &browser.cookies()[0];
        assert_eq!(cookie.name(), "__Host-lanemark");
        assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
        assert_eq!(cookie.same_site(), Some(actix_web::cookie::SameSite::Lax));
        let reply = browser.get("/users").await;
        assert!(reply.header("strict-transport-security").is_some());
    });
}

#[test]
fn a_request_from_another_site_changes_nothing() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Admin).await;
        let form = |headers: &[(&'static str, &'static str)]| {
            let mut request =
                TestRequest::default().method(Method::POST).uri("/users").set_form([("name", "x")]);
            for (name, value) in headers {
                request = request.insert_header((*name, *value));
            }
            request
        };
        let forged: [&[(&str, &str)]; 5] = [
            &[],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ];
        for headers in forged {
            let reply = browser.send(form(headers)).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
            assert_eq!(reply.text("h1"), "The request was stopped");
        }
        let own = browser.send(form(&[("origin", "http://127.0.0.1:8080")])).await;
        assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "our own page may");
    });
}

#[test]
fn errors_are_pages_with_a_way_forward() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let lost = browser.get("/nowhere").await;
        assert_eq!((lost.status, lost.text("h1").as_str()), (StatusCode::NOT_FOUND, "There is nothing here"));
        assert_eq!(lost.attribute(".ways a", "href").as_deref(), Some("/sign-in"));
        browser.sign_in_as(Role::Finance).await;
        let forbidden = browser.get("/users").await;
        assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
        assert_eq!(forbidden.attribute(".ways a", "href").as_deref(), Some("/"));
        assert!(forbidden.html.contains("class=\"rail\""), "the reader is not thrown out");
        let wrong = browser.send(post_request("/audit", &[])).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.text("h1"), "That does not work this way");
        let long = "x".repeat(lanemark::web::MAX_BODY_BYTES + 1);
        let large = browser.post("/account/password", &[("password", long.as_str())]).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(large.text("h1"), "That is too large");
        browser.sign_in_as(Role::Admin).await;
        let unreadable = browser.get("/audit?before=yesterday").await;
        assert_eq!(unreadable.status, StatusCode::BAD_REQUEST);
        assert_eq!(unreadable.text("h1"), "The request could not be understood");
    });
}

#[test]
fn files_are_kept_for_ever_under_an_address_that_changes_with_them() {
    let db = TestDb::sqlite();
    actix_web::rt::System::new().block_on(async move {
        let mut browser = TestApp::new(&db).await;
        let sheet = browser.get(&format!("{}/lanemark.css", assets::prefix())).await;
        assert_eq!(sheet.status, StatusCode::OK);
        assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"));
        assert!(sheet.header("cache-control").unwrap().contains("immutable"));
        let tag = sheet.header("etag").unwrap().to_owned();
        let known = TestRequest::get()
            .uri(&format!("{}/lanemark.css", assets::prefix()))
            .insert_header(("if-none-match", tag));
        assert_eq!(browser.send(known).await.status, StatusCode::NOT_MODIFIED);
        let old = browser.get("/static/000000000000/inter.woff2").await;
        assert_eq!((old.status, old.header("cache-control")), (StatusCode::OK, Some("no-cache")));
        assert_eq!(old.header("content-type"), Some("font/woff2"));
        assert_eq!(browser.get("/static/x/none.css").await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/static/x/..%2FCargo.toml").await.status, StatusCode::NOT_FOUND);
        let page = browser.get("/sign-in").await;
        let linked = page.attribute("link[rel=stylesheet]", "href").unwrap();
        assert_eq!(browser.get(&linked).await.status, StatusCode::OK);
    });
}

#[test]
fn the_watcher_is_told_whether_the_database_answers() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        for path in ["/health", "/ready"] {
            assert_eq!(browser.get(path).await.html, "ok\n");
        }
    });
}
