//! The pages of the books: a close that says what is left, that takes two people to pass over a step, batches that come again
//! as they were, and what others may not do.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use lanemark::app::App;
use lanemark::domain::viewer::Role;

use crate::support::app::{TestApp, partner};
use crate::support::books::{entry, facts_in, post};
use crate::support::db::on_both_async;

/// Bonuses in May and June.
fn world(app: &App) -> i64 {
    let partner_id = partner(app, "BRCK", "Brackwater Lines");
    let days = ["2025-05-10", "2025-05-20", "2025-06-12"];
    let all: Vec<_> = days.iter().zip(100..).map(|(on, item)| entry(partner_id, item, on)).collect();
    post(app, &all).unwrap();
    facts_in(app, "2025-06-03T05:00:00Z");
    partner_id
}

async fn controller(app: &App) -> TestApp {
    let mut other = TestApp::with(app.clone(), "http://127.0.0.1:8080").await;
    other.sign_in_as(Role::Controller).await;
    other
}

#[test]
fn a_month_is_closed_step_by_step() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        let app = finance.app.clone();
        world(&app);
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/close").await;
        assert_eq!(page.text("h1"), "Close of May 2025");
        assert_eq!(page.text(".top p"), "5 of 7 steps done. A closed month is never opened again.");
        let steps = page.texts(".check li");
        assert!(
            steps[2].contains("not done yet") && steps[6].contains("2 entries not exported"),
            "{steps:?}"
        );
        assert_eq!(page.attribute(".check li:last-child a", "href").as_deref(), Some("/ledger/exports"));
        assert!(!page.html.contains("Close May 2025</button>"), "finance prepares");
        let denied = finance.post("/ledger/close/2025-05", &[]).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN, "a controller closes");
        let mut second = controller(&app).await;
        let refused = second.post("/ledger/close/2025-05", &[]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.html);
        assert!(refused.text(".notice.bad").contains("2 entries not exported (make an export batch)"));
        let early = second.post("/ledger/close/2025-06", &[]).await;
        assert!(early.text(".notice.bad").starts_with("May 2025 is not closed yet"));

        assert_eq!(finance.post("/ledger/close/2025-05/checks", &[]).await.status, StatusCode::SEE_OTHER);
        let page = finance.get("/ledger/close/2025-05").await;
        assert!(page.text(".notice").contains("nothing is wrong"), "{}", page.html);
        // One person asks to pass over what is left, another approves.
        let no_reason = finance.post("/ledger/close/2025-05/overrides", &[("step", "EXPORTED")]).await;
        assert_eq!(no_reason.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(no_reason.text(".err").starts_with("Say in 1 to 500 characters"));
        let asked = [("step", "EXPORTED"), ("reason", "The general ledger takes May with June.")];
        assert_eq!(
            finance.post("/ledger/close/2025-05/overrides", &asked).await.status,
            StatusCode::SEE_OTHER
        );
        let page = finance.get("/ledger/close/2025-05").await;
        assert!(page.html.contains("You asked for this yourself"), "{}", page.html);
        let page = second.get("/ledger/close/2025-05").await;
        let decide = page.attribute("form[action$='/decision']", "action").unwrap();
        let own = finance.post(&decide, &[("decision", "approve")]).await;
        assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.html);
        assert_eq!(second.post(&decide, &[("decision", "approve")]).await.status, StatusCode::SEE_OTHER);
        let page = second.get("/ledger/close/2025-05").await;
        assert!(page.html.contains("Close May 2025</button>"), "{}", page.html);
        let page = finance.get("/ledger/close/2025-05").await;
        assert!(page.html.contains("a controller closes the month"), "{}", page.html);
        assert_eq!(second.post("/ledger/close/2025-05", &[]).await.location(), Some("/ledger/close"));
        let page = finance.get("/ledger/close/2025-05").await;
        assert!(page.text(".top p").starts_with("Closed. Nothing is posted"), "{}", page.html);
        assert!(page.texts(".check li")[6].contains("Finance asked, Controller approved"), "{}", page.html);
        assert!(finance.get("/ledger?month=2025-05").await.html.contains("May 2025, closed"));
        let again = second.post("/ledger/close/2025-05", &[]).await;
        assert!(again.text(".notice.bad").contains("never opened again"), "{}", again.html);
        for gone in [
            "/ledger/close/2025-Q2",
            "/ledger/close/May",
            "/ledger/exports/1",
            "/ledger/exports/1/journal.csv",
        ] {
            assert_eq!(finance.get(gone).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
    });
}

#[test]
fn a_batch_comes_again_and_reconciles() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        world(&finance.app.clone());
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/exports").await;
        assert!(page.html.contains("3 entries to be exported"), "{}", page.html);
        let made = finance.post("/ledger/exports", &[("through", "2025-05-31")]).await;
        assert_eq!(made.location(), Some("/ledger/exports/1"), "{}", made.html);
        let page = finance.get("/ledger/exports/1").await;
        assert_eq!(page.texts("tbody tr").len(), 4, "two entries of two lines");
        let csv = finance.get("/ledger/exports/1/journal.csv").await;
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(csv.html.lines().count(), 5);
        let mut xlsx = Vec::new();
        for _ in 0..2 {
            xlsx.push(finance.send_bytes(TestRequest::get().uri("/ledger/exports/1/journal.xlsx")).await);
        }
        assert_eq!(xlsx[0], xlsx[1]);
        assert_eq!(
            finance.get("/ledger/exports/1/journal.txt").await.status,
            StatusCode::CONFLICT,
            "no layout"
        );

        let form = finance.get("/ledger/layout").await;
        let example = form.text("textarea");
        assert!(example.contains("delimiter"));
        let layout = lanemark::domain::books::layout::EXAMPLE;
        let shown = finance.post("/ledger/layout", &[("layout", layout), ("then", "show")]).await;
        assert!(shown.text("pre").starts_with("Company;Posting date;Account"), "{}", shown.html);
        let wrong = finance.post("/ledger/layout", &[("layout", "colour = 1"), ("then", "keep")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text(".err").contains("does not read"), "{}", wrong.html);
        let kept = finance.post("/ledger/layout", &[("layout", layout), ("then", "keep")]).await;
        assert_eq!(kept.status, StatusCode::SEE_OTHER);
        let text = finance.get("/ledger/exports/1/journal.txt").await;
        assert!(text.html.starts_with("Company;") && text.html.contains(";2110;-1,01;"), "{}", text.html);

        let page = finance.get("/ledger/reconciliation").await;
        assert!(page.text(".top p").starts_with("Every account of every month"), "{}", page.html);
        assert_eq!(page.texts("tbody tr").len(), 4, "two accounts of two months");
        let nothing = finance.post("/ledger/exports", &[("through", "2025-05-31")]).await;
        assert_eq!(nothing.status, StatusCode::CONFLICT);
        assert!(nothing.text(".notice.bad").contains("not exported yet"));
        let rolled = finance.get("/ledger/roll-forward.csv?month=2025-06").await;
        assert!(
            rolled.html.contains("2025-06,Bonuses we owe,Brackwater Lines,USD,2.03,1.03,"),
            "{}",
            rolled.html
        );
        let book =
            finance.send_bytes(TestRequest::get().uri("/ledger/roll-forward.xlsx?month=2025-06")).await;
        assert!(book.starts_with(b"PK"));
    });
}

#[test]
fn accounts_are_called_as_set_and_budgets_are_compared() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        let partner_id = world(&finance.app.clone());
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/accounts").await;
        let mut fields: Vec<(String, String)> = page
            .attributes("form input", "name")
            .into_iter()
            .zip(page.attributes("form input", "value"))
            .collect();
        assert_eq!(fields.len(), 24);
        for (name, value) in &mut fields {
            if name == "number_2110" {
                *value = "0041-2110".to_owned();
            }
        }
        let sent = fields.clone();
        let pairs: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let kept = finance.post("/ledger/accounts", &pairs).await;
        assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.html);
        assert!(finance.get("/ledger?month=2025-06").await.html.contains("0041-2110 Bonuses payable"));
        let mut wrong = sent.clone();
        wrong[0].1 = "14 10".to_owned();
        let pairs: Vec<(&str, &str)> = wrong.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let refused = finance.post("/ledger/accounts", &pairs).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.html.contains("value=\"14 10\"") && refused.text(".err").contains("1 to 20"));

        let set = finance.post("/ledger/budget", &[("lines", "BRCK; 2025-06; -2")]).await;
        assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.html);
        let page = finance.get("/ledger/budget?month=2025-06").await;
        assert_eq!(
            page.texts("tbody tr")[0],
            "Brackwater Lines\u{2212}2.00\u{2212}1.030.97\u{2212}2.00\u{2212}3.060.97",
            "{}",
            page.html
        );
        let wrong = finance.post("/ledger/budget", &[("lines", "NOBODY; 2025-06; 1")]).await;
        assert!(wrong.text(".err").contains("no partner NOBODY"), "{}", wrong.html);
        assert_eq!(finance.get("/ledger/budget?month=2025").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(finance.get("/ledger/incentives?month=2025-06").await.status, StatusCode::OK);
        let page = finance.get(&format!("/ledger?month=2025-06&partner={partner_id}")).await;
        assert!(page.texts("h2").iter().any(|title| title == "Bonuses we owe, by partner"), "{}", page.html);

        // Others look and change nothing.
        finance.sign_in_as(Role::Auditor).await;
        for path in
            ["/ledger/close", "/ledger/exports", "/ledger/layout", "/ledger/accounts", "/ledger/budget"]
        {
            let page = finance.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.attributes("main form", "method").is_empty(), "{path} has a form");
        }
    });
}
