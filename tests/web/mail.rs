//! The outbox through the pages: envelopes, what a mail says, and that it can do nothing.

use actix_web::http::StatusCode;
use lanemark::app::App;
use lanemark::app::mail::{Enqueued, MailKind, NewMail, enqueue};
use lanemark::domain::viewer::Role;
use lanemark::mail::{Part, Rendered};

use crate::support::app::TestApp;
use crate::support::db::on_both_async;

fn queue(app: &App, partner_id: i64, to: &str) -> i64 {
    let mail = NewMail {
        dedupe_key: format!("review:{to}"),
        kind: MailKind::Review,
        partner_id: Some(partner_id),
        to: to.to_owned(),
        message: Rendered {
            subject: "Brackwater Lines: review of June 2025".into(),
            text: "Composite score: 73.2 of 100".into(),
            html: "<html><head></head><body><script>alert(1)</script><img src=\"cid:trend\"></body></html>"
                .into(),
        },
        parts: vec![Part {
            content_id: "trend".into(),
            content_type: "image/png".into(),
            content: vec![137, 80, 78, 71],
        }],
    };
    match enqueue(app, &mut app.pool.get().unwrap(), &mail).unwrap() {
        Enqueued::Queued(id) | Enqueued::Refused { id, .. } => id,
        Enqueued::Already => panic!("queued twice"),
    }
}

#[test]
fn a_mail_is_read_in_a_frame_where_nothing_runs() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let id = queue(&browser.app, browser.partner_id, "ops@brackwater.example");
        browser.sign_in_as(Role::CarrierManager).await;
        let list = browser.get("/outbox").await;
        assert_eq!(list.text("tbody th a"), "Brackwater Lines: review of June 2025");
        assert_eq!(list.text("tbody .chip"), "waiting");
        let page = browser.get(&format!("/outbox/{id}")).await;
        assert_eq!(page.text("pre"), "Composite score: 73.2 of 100");
        let sandbox = page.attribute("iframe", "sandbox").unwrap();
        assert!(!sandbox.contains("scripts") && !page.html.contains("<script>"), "{sandbox}");
        assert!(page.header("content-security-policy").unwrap().ends_with("frame-src 'self'"));
        let body = browser.get(&format!("/outbox/{id}/body")).await;
        let policy = body.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
            "{policy}"
        );
        let picture = format!("/outbox/{id}/parts/trend");
        assert_eq!(body.attribute("img", "src").as_deref(), Some(picture.as_str()));
        let picture = browser.get(&picture).await;
        assert_eq!(picture.header("content-type"), Some("image/png"));
        assert_eq!(browser.get(&format!("/outbox/{id}/parts/other")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/outbox/1").await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn the_administrator_sees_that_a_review_was_sent_and_not_what_it_says() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let id = queue(&browser.app, browser.partner_id, "no address at all");
        browser.sign_in_as(Role::Admin).await;
        let page = browser.get(&format!("/outbox/{id}")).await;
        assert_eq!(page.text(".empty b"), "Not for your role");
        assert!(!page.html.contains("73.2") && page.texts("iframe").is_empty());
        assert_eq!(browser.get(&format!("/outbox/{id}/body")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(page.text("dd .chip"), "failed");
        let again = browser.post(&format!("/outbox/{id}/attempts"), &[]).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER);
        let page = browser.get(&format!("/outbox/{id}")).await;
        assert!(page.text(".notice").starts_with("It is queued again"));
        assert_eq!(page.text("dd .chip"), "waiting");
    });
}
