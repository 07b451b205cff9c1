//! The users page and the account page.

use actix_web::http::StatusCode;
use lanemark::db::user::user_by_email;
use lanemark::domain::viewer::Role;

use crate::support::app::{PASSWORD, TestApp, partner, user};
use crate::support::db::{on_both, on_both_async};
use crate::support::process::Desk;

#[test]
fn an_administrator_adds_a_user_who_can_then_sign_in() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Admin).await;
        let fields = [
            ("name", "Mara Lindqvist"),
            ("email", "Mara@Lanes.Example"),
            ("role", "FINANCE"),
            ("password", "twelve chars"),
        ];
        let added = browser.post("/users", &fields).await;
        assert_eq!((added.status, added.location()), (StatusCode::SEE_OTHER, Some("/users")));
        let list = browser.get("/users").await;
        assert_eq!(list.text(".notice"), "Mara Lindqvist may sign in now.");
        assert!(list.texts("tbody th").iter().any(|text| text.contains("mara@lanes.example")));
        assert!(browser.get("/users").await.texts(".notice").is_empty(), "said once");
        let twice = browser.post("/users", &fields).await;
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(twice.text("#email-err").contains("already belongs"));
        assert_eq!(twice.attribute("#name", "value").as_deref(), Some("Mara Lindqvist"), "kept");
        assert_eq!(twice.attribute("#role option[selected]", "value").as_deref(), Some("FINANCE"));
        assert!(!twice.html.contains("twelve chars"));
        let log = browser.get("/audit").await;
        assert!(log.texts("td").iter().any(|text| text == "Added a user"));
        let mut other = TestApp::new(&db).await;
        assert_eq!(other.sign_in("mara@lanes.example", "twelve chars").await.status, StatusCode::SEE_OTHER);
    });
}

#[test]
fn a_form_says_what_is_wrong_with_each_field() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Admin).await;
        let partner = browser.partner_id.to_string();
        let cases: [(&str, [&str; 5]); 6] = [
            ("name", ["", "a@b.example", "FINANCE", "", "twelve chars"]),
            ("email", ["A", "nowhere", "FINANCE", "", "twelve chars"]),
            ("partner", ["A", "a@b.example", "PARTNER", "", "twelve chars"]),
            ("partner", ["A", "a@b.example", "FINANCE", &partner, "twelve chars"]),
            ("partner", ["A", "a@b.example", "PARTNER", "7", "twelve chars"]),
            ("password", ["A", "a@b.example", "FINANCE", "", "short"]),
        ];
        for (wrong, [name, email, role, partner, password]) in cases {
            let fields = [
                ("name", name),
                ("email", email),
                ("role", role),
                ("partner", partner),
                ("password", password),
            ];
            let reply = browser.post("/users", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert_eq!(reply.texts(".err").len(), 1, "{fields:?}");
            reply.text(&format!("#{wrong}-err"));
        }
    });
}

#[test]
fn switching_a_user_off_ends_the_sessions_at_once() {
    on_both_async(|db| async move {
        let mut admin = TestApp::new(&db).await;
        let own = admin.sign_in_as(Role::Admin).await;
        let mut browser = TestApp::new(&db).await;
        let auditor = browser.sign_in_as(Role::Auditor).await;
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK);
        let path = format!("/users/{}/state", auditor.user_id);
        assert_eq!(admin.post(&path, &[("active", "false")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(browser.get("/audit").await.status, StatusCode::SEE_OTHER);
        let refused = browser.sign_in("auditor@lanes.example", PASSWORD).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        admin.post(&path, &[("active", "true")]).await;
        assert_eq!(browser.get("/audit").await.status, StatusCode::SEE_OTHER, "the old session stays ended");
        browser.sign_in_as(Role::Auditor).await;
        let own = format!("/users/{}/state", own.user_id);
        let locked = admin.post(&own, &[("active", "false")]).await;
        assert_eq!(locked.status, StatusCode::CONFLICT, "nobody locks themselves out");
        assert_eq!(admin.post("/users/1/state", &[("active", "false")]).await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn an_administrator_gives_a_user_another_role() {
    on_both_async(|db| async move {
        let mut admin = TestApp::new(&db).await;
        let own = admin.sign_in_as(Role::Admin).await;
        let mut browser = TestApp::new(&db).await;
        let priya = browser.sign_in_as(Role::Finance).await;
        let mut carrier = TestApp::new(&db).await;
        let ops = carrier.sign_in_as(Role::Partner).await;
        let path = format!("/users/{}/role", priya.user_id);
        let links = admin.get("/users").await.attributes("tbody a[href$='/role']", "href");
        assert_eq!(links, [path.as_str()], "not one's own, not a partner's user's");

        let form = admin.get(&path).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.html);
        assert_eq!(
            form.attributes("input[name='role']", "value"),
            ["ADMIN", "PROCUREMENT", "CARRIER_MANAGER", "CONTROLLER", "AUDITOR"]
        );
        assert!(form.html.contains("Whoever wrote, asked for or prepared something does not approve it"));
        let fields =
            |role: &'static str, known: &'static str| [("seen", "FINANCE"), ("role", role), ("known", known)];
        for (fields, wrong) in [
            (fields("CONTROLLER", ""), "known"),
            (fields("", "yes"), "role"),
            (fields("KING", "yes"), "role"),
        ] {
            let reply = admin.post(&path, &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert_eq!(reply.texts(".err").len(), 1, "{fields:?}: {}", reply.html);
            reply.text(&format!("#{wrong}-err"));
        }
        assert_eq!(browser.get("/disputes").await.status, StatusCode::OK, "nothing has changed yet");
        let done = admin.post(&path, &fields("CONTROLLER", "yes")).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some("/users")), "{}", done.html);
        let list = admin.get("/users").await;
        assert_eq!(list.text(".notice"), "Finance is Controller now; every session has ended.");
        let log = admin.get("/audit").await;
        assert!(log.texts("td").iter().any(|text| text == "Gave a user another role"), "{}", log.html);
        assert!(log.texts("td").iter().any(|text| text == "Finance → Controller"), "{}", log.html);

        let ended = browser.get("/disputes").await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER, "the session has ended");
        browser.sign_in("finance@lanes.example", PASSWORD).await;
        let budgets = "form[action='/disputes/budgets']";
        assert_eq!(browser.get("/disputes").await.texts(budgets).len(), 1, "what a controller may set");

        // The form that was open meanwhile, one's own role, a partner's user, nobody.
        let late = admin.post(&path, &fields("AUDITOR", "yes")).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
        assert!(late.html.contains("is Controller by now"), "{}", late.html);
        for id in [own.user_id, ops.user_id] {
            let path = format!("/users/{id}/role");
            assert_eq!(admin.get(&path).await.status, StatusCode::CONFLICT);
            let seen = if id == own.user_id { "ADMIN" } else { "PARTNER" };
            let refused = admin.post(&path, &[("seen", seen), ("role", "FINANCE"), ("known", "yes")]).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.html);
        }
        assert_eq!(carrier.get("/portal").await.status, StatusCode::OK, "what was refused ended no session");
        let other_side = [("seen", "CONTROLLER"), ("role", "PARTNER"), ("known", "yes")];
        assert_eq!(admin.post(&path, &other_side).await.status, StatusCode::CONFLICT);
        assert_eq!(admin.get("/users/1/role").await.status, StatusCode::NOT_FOUND);
        let unseen = admin.post(&path, &[("role", "AUDITOR"), ("known", "yes")]).await;
        assert_eq!(unseen.status, StatusCode::BAD_REQUEST);
    });
}

#[test]
fn a_role_is_given_beside_the_pages_as_well() {
    on_both(|db| {
        let app = db.app();
        let brck = partner(&app, "BRCK", "Brackwater Lines");
        user(&app, "ada@shipper.example", Role::Admin, None);
        user(&app, "priya@shipper.example", Role::Finance, None);
        user(&app, "ops@brck.example", Role::Partner, Some(brck));
        let desk = Desk::new(&db);
        let give = |email: &str, role: &str| desk.run(&["user", "role", email, role]);
        let done = give("Priya@Shipper.Example", "controller").ends(0);
        assert!(done.out.contains("priya@shipper.example was Finance and is Controller now"), "{}", done.out);
        let stored = user_by_email(&mut db.conn(), "priya@shipper.example").unwrap().unwrap();
        assert_eq!(stored.role().unwrap(), Role::Controller);
        give("priya@shipper.example", "CONTROLLER").ends(1).complains(&["has this role already"]);
        give("ada@shipper.example", "AUDITOR").ends(1).complains(&["last administrator"]);
        give("ops@brck.example", "FINANCE").ends(1).complains(&["stays with the partner"]);
        give("nobody@shipper.example", "FINANCE")
            .ends(1)
            .complains(&["nobody@shipper.example", "no such user"]);
        give("priya@shipper.example", "KING").ends(2).complains(&["`KING` is no role"]);
    });
}

#[test]
fn a_new_password_ends_the_sessions_of_other_browsers_only() {
    on_both_async(|db| async move {
        let mut here = TestApp::new(&db).await;
        let mut there = TestApp::new(&db).await;
        here.sign_in_as(Role::Partner).await;
        there.sign_in_as(Role::Partner).await;
        let wrong =
            here.post("/account/password", &[("current", "no"), ("password", "another long one")]).await;
        assert!(wrong.text("#current-err").contains("not your current"));
        let done =
            here.post("/account/password", &[("current", PASSWORD), ("password", "another long one")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
        let account = here.get("/account").await;
        assert!(account.text(".notice").contains("changed"));
        assert_eq!(account.text(".who span"), "Brackwater Lines");
        assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
        let stored = user_by_email(&mut db.conn(), "partner@lanes.example").unwrap().unwrap();
        assert!(stored.password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "full cost");
    });
}

#[test]
fn light_or_dark_is_kept_on_the_device() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Finance).await;
        assert_eq!(browser.get("/account").await.attribute("html", "data-theme"), None);
        browser.post("/account/theme", &[("theme", "dark")]).await;
        assert_eq!(browser.get("/account").await.attribute("html", "data-theme").as_deref(), Some("dark"));
        browser.post("/account/theme", &[("theme", "\" onload=")]).await;
        assert_eq!(browser.get("/account").await.attribute("html", "data-theme"), None);
    });
}
