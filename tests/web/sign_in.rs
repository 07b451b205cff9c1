//! Signing in and out, and when a session ends.

use actix_web::http::StatusCode;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use lanemark::db::schema::{audit_log, sessions};
use lanemark::db::session::{session_delete, session_get, session_insert, session_update};
use lanemark::domain::viewer::Role;
use lanemark::web::sign_in::TRIES_PER_ACCOUNT;

use crate::support::app::{PASSWORD, TestApp, user};
use crate::support::db::on_both_async;

#[test]
fn a_user_signs_in_goes_on_to_the_page_wanted_and_signs_out() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        user(&browser.app, "mara@lanes.example", Role::Auditor, None);
        let away = browser.get("/audit?before=9").await;
        assert_eq!(away.location(), Some("/sign-in?next=%2Faudit%3Fbefore%3D9"));
        let page = browser.get(away.location().unwrap()).await;
        assert_eq!(page.attribute("input[name=next]", "value").as_deref(), Some("/audit?before=9"));
        let fields = [("email", " Mara@Lanes.Example "), ("password", PASSWORD), ("next", "/audit?before=9")];
        let opened = browser.post("/sign-in", &fields).await;
        assert_eq!((opened.status, opened.location()), (StatusCode::SEE_OTHER, Some("/audit?before=9")));
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK);
        let kept = browser.cookies().to_vec();
        assert_eq!(browser.post("/sign-out", &[]).await.location(), Some("/sign-in"));
        assert!(browser.cookies().is_empty());
        let stored: i64 = sessions::table.count().get_result(&mut *db.conn()).unwrap();
        assert_eq!(stored, 0, "the session is gone from the database too");
        let mut thief = TestApp::new(&db).await;
        let reply =
            thief.send(actix_web::test::TestRequest::get().uri("/audit").cookie(kept[0].clone())).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "the old cookie opens nothing");
    });
}

#[test]
fn a_refusal_never_says_which_half_was_wrong() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        user(&browser.app, "mara@lanes.example", Role::Auditor, None);
        let wrong = browser.sign_in("mara@lanes.example", "some other password").await;
        let unknown = browser.sign_in("nobody@lanes.example", "some other password").await;
        assert_eq!(
            (wrong.status, unknown.status),
            (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
        );
        assert_eq!(wrong.text("[role=alert]"), unknown.text("[role=alert]"));
        assert_eq!(wrong.attribute("#email", "value").as_deref(), Some("mara@lanes.example"));
        assert_eq!(wrong.attribute("#password", "value"), None, "a password is never sent back");
        assert!(browser.cookies().is_empty());
        let log: Vec<(String, String)> = audit_log::table
            .filter(audit_log::action.eq("session.refuse"))
            .order(audit_log::id)
            .select((audit_log::actor, audit_log::subject))
            .load(&mut *db.conn())
            .unwrap();
        assert_eq!(log[0], ("Auditor".to_owned(), "mara@lanes.example".to_owned()));
        assert_eq!(log[1], ("nobody".to_owned(), "unknown address".to_owned()));
    });
}

#[test]
fn too_many_tries_have_to_wait_even_with_the_right_password() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        user(&browser.app, "mara@lanes.example", Role::Auditor, None);
        user(&browser.app, "tunde@lanes.example", Role::Auditor, None);
        let tries = |password| [("email", "mara@lanes.example"), ("password", password)];
        for _ in 0..TRIES_PER_ACCOUNT.get() {
            let reply = browser.post("/sign-in", &tries("some other password")).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let stopped = browser.post("/sign-in", &tries(PASSWORD)).await;
        assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(stopped.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(stopped.text("h1"), "Too many tries");
        let other =
            browser.post("/sign-in", &[("email", "tunde@lanes.example"), ("password", PASSWORD)]).await;
        assert_eq!(other.status, StatusCode::SEE_OTHER, "another account is not locked");
    });
}

#[test]
fn only_tries_that_fail_count_and_a_success_takes_none_of_them_back() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        user(&browser.app, "mara@lanes.example", Role::Auditor, None);
        user(&browser.app, "tunde@lanes.example", Role::Auditor, None);
        let mara = |password: &'static str| [("email", "mara@lanes.example"), ("password", password)];
        let tunde = [("email", "tunde@lanes.example"), ("password", PASSWORD)];
        for number in 0..=TRIES_PER_ACCOUNT.get() {
            browser.forget();
            let reply = browser.post("/sign-in", &mara(PASSWORD)).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "after {number}");
        }
        for number in 0..TRIES_PER_ACCOUNT.get() {
            browser.forget();
            let reply = browser.post("/sign-in", &mara("some other password")).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "after {number} that failed");
            let other = browser.post("/sign-in", &tunde).await;
            assert_eq!(other.status, StatusCode::SEE_OTHER);
        }
        browser.forget();
        let stopped = browser.post("/sign-in", &mara(PASSWORD)).await;
        assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
    });
}

#[test]
fn signing_in_never_leads_away_from_the_site() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        user(&browser.app, "mara@lanes.example", Role::Auditor, None);
        for next in ["https://evil.example/", "//evil.example/", "/\\evil.example", "/.//evil.example"] {
            browser.forget();
            let fields = [("email", "mara@lanes.example"), ("password", PASSWORD), ("next", next)];
            assert_eq!(browser.post("/sign-in", &fields).await.location(), Some("/"), "{next}");
        }
    });
}

#[test]
fn a_session_ends_when_unused_and_lives_on_while_used() {
    on_both_async(|db| async move {
        let mut morning = TestApp::new(&db).await;
        morning.sign_in_as(Role::Auditor).await;
        // Eleven hours later the page moves the end on; eleven more and it still opens.
        for later in ["2025-07-08T17:10:00Z", "2025-07-09T04:10:00Z"] {
            let mut browser = TestApp::with(db.app_at(later), "http://127.0.0.1:8080").await;
            browser.take_cookies(&morning);
            assert_eq!(browser.get("/audit").await.status, StatusCode::OK, "{later}");
        }
        let mut late = TestApp::with(db.app_at("2025-07-09T16:11:00Z"), "http://127.0.0.1:8080").await;
        late.take_cookies(&morning);
        assert_eq!(late.get("/audit").await.status, StatusCode::SEE_OTHER, "twelve hours unused");
    });
}

#[test]
fn a_request_under_way_brings_nobody_back_who_signed_out() {
    on_both_async(|db| async move {
        let conn = &mut *db.conn();
        let until = "2025-07-09T06:10:00Z".parse().unwrap();
        session_insert(conn, "k", ("{}", None), until).unwrap();
        session_delete(conn, "k").unwrap();
        session_update(conn, "k", ("{}", None), until).unwrap();
        assert!(session_get(conn, "k", "2025-07-08T06:10:00Z".parse().unwrap()).unwrap().is_none());
    });
}

#[test]
fn without_a_readable_session_the_answer_is_to_try_again() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Auditor).await;
        db.conn().batch_execute("ALTER TABLE sessions RENAME TO kept").unwrap();
        let reply = browser.get("/audit").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(reply.html.contains("Try again in a few seconds"), "{}", reply.html);
        db.conn().batch_execute("ALTER TABLE kept RENAME TO sessions").unwrap();
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK, "the session was not lost");
    });
}

#[test]
fn a_session_key_in_the_database_opens_nothing_and_a_changed_cookie_neither() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Auditor).await;
        let cookie = browser.cookies()[0].clone();
        let hash: String = sessions::table.select(sessions::key_hash).first(&mut *db.conn()).unwrap();
        assert!(!cookie.value().contains(&hash));
        for value in
            [hash.clone(), format!("{}x", cookie.value()), cookie.value().replacen(char::is_numeric, "z", 1)]
        {
            browser.forget();
            let mut forged = cookie.clone();
            forged.set_value(value);
            let reply = browser.send(actix_web::test::TestRequest::get().uri("/audit").cookie(forged)).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER);
        }
    });
}
