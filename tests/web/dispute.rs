//! An assessed item through the pages of both sides: disputed, decided, settled, and the same statement for both.

use actix_web::http::StatusCode;
use diesel::prelude::*;
use lanemark::app::accrual::assess::assess;
use lanemark::db::schema::partners;
use lanemark::domain::viewer::Role;

use super::ledger::{day, figures_open_to_entries, seed};
use crate::support::app::TestApp;
use crate::support::db::{TestDb, on_both_async};

/// The service on a day of July, after June was told on the 14th.
async fn told(db: &TestDb) -> TestApp {
    let mut browser = TestApp::with(db.app_at("2025-07-18T12:00:00Z"), "http://127.0.0.1:8080").await;
    seed(&browser.app, browser.partner_id);
    diesel::update(partners::table.find(browser.partner_id))
        .set(partners::contact_email.eq("claims@carrier.example"))
        .execute(&mut *db.conn())
        .unwrap();
    assert_eq!(assess(&browser.app, day("2025-07-14"), None).unwrap().items, 2);
    browser.sign_in_as(Role::Partner).await;
    browser
}

const ITEM: &str = "/portal/items/101-103-2025-06";

#[test]
fn an_item_is_disputed_decided_and_settled_through_the_pages() {
    on_both_async(|db| async move {
        let mut browser = told(&db).await;
        let ours = format!("/items/{}/101-103-2025-06", browser.partner_id);
        let page = browser.get(ITEM).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(page.text(".facts .lead dd"), "1,864.20you owe it");
        assert!(page.html.contains("Accept the item") && page.html.contains("Dispute the line"));
        for secret in ["1410", "1420", "Memo", "memo", "General ledger"] {
            assert!(!page.html.contains(secret), "{secret}");
        }
        let wrong = browser
            .post(
                &format!("{ITEM}/disputes"),
                &[("seen", "0"), ("unit", ""), ("amount", "5000"), ("words", "no")],
            )
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.html.contains("name the shipment") || wrong.html.contains("Name the shipment"),
            "{}",
            wrong.html
        );
        let fields = [
            ("seen", "0"),
            ("unit", "Gate B"),
            ("amount", "400"),
            ("words", "The dock was closed, see the gate log."),
        ];
        let sent = browser.post(&format!("{ITEM}/disputes"), &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        let again = browser.post(&format!("{ITEM}/disputes"), &fields).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "an old page");

        browser.forget();
        browser.sign_in_as(Role::CarrierManager).await;
        let inbox = browser.get("/disputes").await;
        assert_eq!(inbox.status, StatusCode::OK, "{}", inbox.html);
        assert!(inbox.html.contains("Answer dispute"), "{}", inbox.html);
        assert_eq!(browser.get("/disputes/items?stage=DISPUTED").await.texts("tbody tr").len(), 1);
        assert_eq!(inbox.attribute(".facts .lead a.n", "href").as_deref(), Some("#risk"));
        let page = browser.get(&ours).await;
        assert!(page.html.contains("The dock was closed"), "{}", page.html);
        let answer = |step, seen| {
            [
                ("seen", seen),
                ("step", step),
                ("line", "1"),
                ("ruling", "WAIVED"),
                ("words", "The log agrees with it."),
            ]
        };
        let sent = browser.post(&format!("{ours}/answer"), &answer("PROPOSED", "1")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        let inbox = browser.get("/disputes").await;
        let waiting = inbox.attributes(".facts a.n", "href").pop().unwrap();
        assert_eq!(waiting, "/disputes/items?only=proposed");
        let listed = browser.get(&waiting).await;
        assert_eq!(listed.texts("tfoot td:nth-last-child(2)"), ["400.00"], "{}", listed.html);
        let own = browser.post(&format!("{ours}/answer"), &answer("DECIDED", "2")).await;
        assert_eq!(own.status, StatusCode::CONFLICT);
        assert!(own.html.contains("You proposed this answer yourself"), "{}", own.html);

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let page = browser.get(ITEM).await;
        assert!(!page.html.contains("The log agrees with it"), "a proposal is the shipper's own");

        browser.forget();
        browser.sign_in_as(Role::Finance).await;
        let above = browser.post(&format!("{ours}/answer"), &answer("DECIDED", "2")).await;
        assert_eq!(above.status, StatusCode::CONFLICT);
        assert!(above.html.contains("more than 250.00 is decided by a controller"), "{}", above.html);

        browser.forget();
        browser.sign_in_as(Role::Controller).await;
        let sent = browser.post(&format!("{ours}/answer"), &answer("DECIDED", "2")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        let partner = browser.partner_id.to_string();
        let form = browser.get(&format!("/settlements/new?partner={partner}")).await;
        assert!(form.html.contains("value=\"OFFSET\""), "{}", form.html);
        browser.forget();
        browser.sign_in_as(Role::Finance).await;
        let form = browser.get(&format!("/settlements/new?partner={partner}")).await;
        assert!(!form.html.contains("value=\"OFFSET\""), "setting off is a controller's");
        assert!(form.html.contains("1,464.20"), "{}", form.html);
        let note = |amount| {
            [
                ("partner", partner.as_str()),
                ("kind", "CREDIT_NOTE"),
                ("number", "CN-9"),
                ("settled_on", "2025-07-18"),
                ("amount", amount),
                ("currency", "USD"),
            ]
        };
        let more = browser.post("/settlements", &note("1500")).await;
        assert_eq!(more.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(more.html.contains("more than the agreed items"), "{}", more.html);
        // A form from before: its item is settled, of another partner or none. Left out, the amount would go to other items.
        for field in ["a-101-103-2025-05", "a-999-1-ev7", "a-nonsense"] {
            let fields: Vec<(&str, &str)> =
                note("1,464.20").into_iter().chain([(field, "1464.20")]).collect();
            let stale = browser.post("/settlements", &fields).await;
            assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
            assert!(
                stale.html.contains("has nothing left to settle, or is not of this partner"),
                "{}",
                stale.html
            );
        }
        // A US dollar has 2 decimals.
        for (amount, part, says) in [
            ("1464.195", "", "1,464.195 is finer than USD is paid in"),
            ("1464.20", "0.004", "0.004 is finer than USD is paid in"),
        ] {
            let part = [("a-101-103-2025-06", part)];
            let fields: Vec<(&str, &str)> = note(amount).into_iter().chain(part).collect();
            let fine = browser.post("/settlements", &fields).await;
            assert_eq!(fine.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}");
            assert!(fine.html.contains(says), "{}", fine.html);
        }
        assert!(
            browser.get("/settlements").await.texts("tbody tr").is_empty(),
            "nothing of these was booked"
        );
        let booked = browser.post("/settlements", &note("1,464.20")).await;
        assert_eq!(booked.status, StatusCode::SEE_OTHER, "{}", booked.html);
        let document = browser.get(booked.location().unwrap()).await;
        assert!(document.html.contains("1,464.20"), "{}", document.html);
        assert_eq!(browser.get("/settlements").await.texts("tbody tr").len(), 1);
        // What was given up and settled leads to the decision and to the document.
        let page = browser.get(&ours).await;
        let ways = page.attributes(".facts a.n", "href");
        assert_eq!(ways, ["#how", "#lines", "#paid"], "{}", page.html);
        let paid = page.attribute("section[aria-labelledby=paid] a", "href");
        assert_eq!(paid.as_deref(), booked.location());
        assert_eq!(page.texts("section[aria-labelledby=paid] td:last-child"), ["1,464.20"]);
        let budget = [
            ("partner", partner.as_str()),
            ("year", "2025"),
            ("amount", "1000"),
            ("currency", "USD"),
            ("reason", "As last year."),
        ];
        browser.forget();
        browser.sign_in_as(Role::Controller).await;
        assert_eq!(browser.post("/disputes/budgets", &budget).await.status, StatusCode::SEE_OTHER);
        let inbox = browser.get("/disputes").await;
        let used = "section[aria-labelledby=budgets] a.n";
        assert_eq!(inbox.text(used), "400.00", "{}", inbox.html);
        let decided = browser.get(&inbox.attribute(used, "href").unwrap()).await;
        assert_eq!(decided.texts("tfoot td:nth-last-child(2)"), ["400.00"], "{}", decided.html);
        assert_eq!(decided.texts("tbody tr").len(), 1);
        // The items of the ledger by where they stand now.
        let settled = browser.get("/ledger?from=start&state=SETTLED&account=1420").await;
        assert!(
            settled.texts("section:last-of-type tfoot tr").iter().any(|row| row == "Which comes to0.00USD")
        );
        let rows = settled.texts("section:last-of-type tbody tr").len();
        assert!(rows >= 3, "told, given up and settled: {rows}");
        let ours_csv = browser.get(&format!("/statements/{partner}.csv?period=2025-07")).await.html;
        let statement = browser.get(&format!("/statements/{partner}?period=2025-07")).await;
        assert_eq!(statement.status, StatusCode::OK, "{}", statement.html);
        // What stands after it all is the other item of the month; our entries come to it.
        let linked = figures_open_to_entries(&mut browser, &statement, "section table a.n", false).await;
        assert_eq!(linked, 1, "nothing stood at the opening: {}", statement.html);
        assert_eq!(statement.text("tfoot a.n"), "100.00");
        let pack = browser.get(&format!("{ours}/evidence.zip")).await;
        assert_eq!(pack.header("content-type"), Some("application/zip"));

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let theirs_csv = browser.get("/portal/statement.csv?period=2025-07").await.html;
        assert_eq!(ours_csv, theirs_csv, "both sides read the same");
        assert!(theirs_csv.contains(",Settled,Credit note CN-9,-1464.20,"), "{theirs_csv}");
        assert!(theirs_csv.contains("-1464.20") && theirs_csv.contains("-400.00"), "{theirs_csv}");
        assert!(browser.get(ITEM).await.html.contains("Settled"));
        assert_eq!(browser.get("/portal/statement").await.status, StatusCode::OK);
        // The other item of the month is accepted with the rest of it.
        let all = browser.post("/portal/credits/acceptance", &[("month", "2025-06")]).await;
        assert_eq!(all.status, StatusCode::SEE_OTHER);
        assert!(browser.get("/portal/items/101-102-ev2").await.html.contains("Accepted"));
    });
}

#[test]
fn another_partner_finds_nothing_and_changes_nothing() {
    on_both_async(|db| async move {
        let mut browser = told(&db).await;
        let other = crate::support::app::partner(&browser.app, "OTHX", "Other Lines");
        crate::support::app::user(&browser.app, "other@lanes.example", Role::Partner, Some(other));
        browser.forget();
        browser.sign_in("other@lanes.example", crate::support::app::PASSWORD).await;
        for path in [ITEM.to_owned(), format!("{ITEM}/evidence.zip")] {
            assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let accept = browser.post(&format!("{ITEM}/answer"), &[("seen", "0"), ("step", "ACCEPTED")]).await;
        assert_eq!(accept.status, StatusCode::NOT_FOUND);
        let fields =
            [("seen", "0"), ("unit", "x"), ("amount", "1"), ("words", "Not mine to dispute at all.")];
        assert_eq!(browser.post(&format!("{ITEM}/disputes"), &fields).await.status, StatusCode::NOT_FOUND);
        let statement = browser.get("/portal/statement?period=2025-07").await;
        assert!(!statement.html.contains("1,864.20"), "{}", statement.html);
        let steps: i64 = lanemark::db::schema::item_steps::table.count().get_result(&mut *db.conn()).unwrap();
        assert_eq!(steps, 0);
    });
}

#[test]
fn a_controller_writes_the_holidays_that_deadlines_skip() {
    const PAGE: &str = "/disputes/holidays";
    on_both_async(|db| async move {
        let mut browser = TestApp::with(db.app_at("2025-07-18T12:00:00Z"), "http://127.0.0.1:8080").await;
        browser.sign_in_as(Role::Finance).await;
        let inbox = browser.get("/disputes").await;
        assert_eq!(inbox.texts(&format!(".actions a[href='{PAGE}']")), ["Holidays"]);
        let page = browser.get(PAGE).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(
            page.html.contains("No holiday to come") && page.html.contains("A controller changes the list")
        );
        assert!(page.texts("textarea").is_empty(), "{}", page.html);
        let two = [("seen", "none"), ("holidays", "2025-12-25 Christmas Day\r\n2025-07-21 Works outing")];
        assert_eq!(browser.post(PAGE, &two).await.status, StatusCode::FORBIDDEN);

        browser.sign_in_as(Role::Controller).await;
        assert_eq!(browser.get(PAGE).await.text("textarea"), "none");
        for (text, says) in [
            ("", "Write one holiday a line"),
            ("2025-12-25 Christmas Day\r\nBoxing Day", "`Boxing Day` is no holiday"),
            ("2025-12-25 Christmas Day\r\n2025-12-25 Again", "2025-12-25 is on the list twice"),
        ] {
            let wrong = browser.post(PAGE, &[("seen", "none"), ("holidays", text)]).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
            assert!(wrong.text("#holidays-err").contains(says), "{}", wrong.html);
        }
        let kept = browser.post(PAGE, &two).await;
        assert_eq!((kept.status, kept.location()), (StatusCode::SEE_OTHER, Some(PAGE)), "{}", kept.html);
        let page = browser.get(PAGE).await;
        assert_eq!(
            page.texts("tbody th"),
            ["Monday 21 July 2025in 3 days", "Thursday 25 December 2025in 160 days"],
            "the soonest first"
        );
        assert_eq!(page.texts("tbody td"), ["Works outing", "18 July 2025", "Christmas Day", "18 July 2025"]);
        assert_eq!(page.text("textarea"), "2025-07-21 Works outing 2025-12-25 Christmas Day");
        let late = browser.post(PAGE, &[("seen", "none"), ("holidays", "none")]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "somebody else wrote it meanwhile");
        assert_eq!(late.texts("tbody th").len(), 2, "{}", late.html);

        browser.sign_in_as(Role::Partner).await;
        assert_eq!(browser.get(PAGE).await.status, StatusCode::NOT_FOUND);
        browser.sign_in_as(Role::Auditor).await;
        let log = browser.get("/audit").await;
        let detail = "none → 2025-07-21 Works outing; 2025-12-25 Christmas Day";
        assert!(log.texts("td").iter().any(|text| text == detail), "{}", log.html);
    });
}
