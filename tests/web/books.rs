//! The pages of the books: a close that says what is left, that takes two people to pass over a step, batches that come again
//! as they were, and what others may not do.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::db::dialect::write_tx;
use lanemark::db::ledger::{entries_insert, item_notices_insert};
use lanemark::db::schema::accruals;
use lanemark::db::types::Instant;
use lanemark::domain::books::month_of;
use lanemark::domain::clause::{Delta, Obligation, ObligationKey, Reason, Sign};
use lanemark::domain::currency::Currency;
use lanemark::domain::ledger::{
    Booking, ItemRef, ItemState, JournalEntry, Recognition, accrual_entry, settlement_entry,
};
use lanemark::domain::money::Micros;
use lanemark::domain::viewer::Role;

use super::ledger::figures_open_to_entries;
use crate::support::app::{PASSWORD, TestApp, partner, user};
use crate::support::books::{day, entry, facts_in, post};
use crate::support::contract::contract;
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

/// A contract of every kind of programme, 101 being its version and 102 to 105 its clauses, and what each came to in 2025: of
/// the bonus of May 30.00 of 100.00 is settled, the earn-back wholly.
pub(super) fn programmes(app: &App) -> i64 {
    let partner_id = partner(app, "BRCK", "Brackwater Lines");
    let clauses = [
        (
            "8.1",
            "On time",
            r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
            "threshold":"90","period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":100}}}"#,
        ),
        (
            "8.2",
            "Volume",
            r#"{"sign":"REBATE","rule":{"kind":"REBATE","number":1,"expected_spend":1000000000}}"#,
        ),
        (
            "8.3",
            "Loads promised",
            r#"{"sign":"SHIPPER_LIABILITY","rule":{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH",
            "quantity":100000000,"tolerance":500,"rate":85000000,"rejections_count":true,"force_majeure_reduces":true}}"#,
        ),
        (
            "8.4",
            "Earned back",
            r#"{"sign":"EARN_BACK","rule":{"kind":"EARN_BACK","of_clause":"7.3","kpi":"OTD_WIN","better":"HIGHER",
            "scale":"PERCENT","threshold":"98","min_volume":20,"period":"MONTH","consecutive":1,"share":10000}}"#,
        ),
    ];
    contract(&mut app.pool.get().unwrap(), Instant(app.now()), (100, partner_id), &clauses);
    let all = [
        owed(partner_id, (102, 1), "2025-05-10", Sign::Bonus, 100),
        owed(partner_id, (102, 2), "2025-06-12", Sign::Bonus, 50),
        owed(partner_id, (103, 3), "2025-06-12", Sign::Rebate, 200),
        owed(partner_id, (104, 4), "2025-06-13", Sign::ShipperLiability, 85),
        owed(partner_id, (105, 5), "2025-06-14", Sign::EarnBack, 40),
    ];
    post(app, &all).unwrap();
    let paid =
        [(0, Sign::Bonus, 30), (4, Sign::EarnBack, 40)].map(|(index, sign, units): (usize, _, i64)| {
            let of: &JournalEntry = &all[index];
            let item = ItemRef { key: of.key, period: of.obligation_period, day: of.obligation_day };
            settlement_entry(item, sign, Micros(units * 1_000_000), &booking(partner_id, "2025-06-20"))
                .unwrap()
        });
    let db = &mut *app.pool.get().unwrap();
    let named: Vec<_> = paid.iter().map(|entry| (app.id(), entry)).collect();
    write_tx(db, |db| entries_insert(db, &named, None, app.now())).unwrap();
    for (item, state) in [(0, ItemState::Agreed), (2, ItemState::Assessed), (4, ItemState::Settled)] {
        let of: &JournalEntry = &all[item];
        diesel::update(accruals::table.find((partner_id, of.key.to_string())))
            .set(accruals::state.eq(state.code()))
            .execute(db)
            .unwrap();
    }
    partner_id
}

fn booking(partner_id: i64, on: &str) -> Booking {
    Booking {
        partner_id,
        currency: Currency::USD,
        posting_date: day(on),
        recognition: Recognition::Gl,
        told: true,
        memo: "By the clause.".to_owned(),
    }
}

/// What a clause came to on a day, posted on it.
fn owed(partner_id: i64, (clause_id, item): (i64, i64), on: &str, sign: Sign, units: i64) -> JournalEntry {
    let delta = Delta {
        key: ObligationKey { contract_version_id: 101, clause_id, of: Obligation::Event(item) },
        sign,
        delta: Micros(units * 1_000_000),
        target: Micros(units * 1_000_000),
        reason: Reason::Initial,
        obligation_period: month_of(day(on)),
        obligation_day: day(on),
    };
    accrual_entry(&delta, &booking(partner_id, on)).unwrap()
}

#[test]
fn incentives_are_what_we_owe_for_good_work_and_nothing_else() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        programmes(&finance.app.clone());
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/incentives?month=2025-06").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let rows = |part: &str| page.texts(&format!("section[aria-labelledby={part}] tr")).split_off(1);
        let row = |name: &str, amounts: &str| format!("Brackwater Lines{name}{amounts}USD");
        let foot = |items: &str, amounts: &str| format!("All partners{items}{amounts}USD");
        // Worked out, told, agreed and open, settled, together.
        assert_eq!(
            rows("bonuses"),
            [
                row("clause 8.1, On time", "50.000.0070.0030.00150.00"),
                foot("2 items", "50.000.0070.0030.00150.00")
            ]
        );
        assert_eq!(
            rows("rebates"),
            [
                row("clause 8.2, Volume", "0.00200.000.000.00200.00"),
                foot("1 item", "0.00200.000.000.00200.00")
            ]
        );
        assert_eq!(
            rows("shortfalls"),
            [
                row("clause 8.3, Loads promised", "85.000.000.000.0085.00"),
                foot("1 item", "85.000.000.000.0085.00")
            ]
        );
        assert_eq!(
            rows("earn-backs"),
            [
                row("clause 8.4, Earned back", "0.000.000.0040.0040.00"),
                foot("1 item", "0.000.000.0040.0040.00")
            ]
        );
        let linked = figures_open_to_entries(&mut finance, &page, "section tbody a.n", true).await;
        assert_eq!(linked, 10, "every figure of a programme that is not 0");
        let sums = figures_open_to_entries(&mut finance, &page, "section tfoot a.n", false).await;
        assert_eq!(sums, 3, "what all come to, but for earn-backs, which lie among service credits");
        let said = page.texts("section .head p");
        assert!(said[0].starts_with("Owed by us to the partner."), "{said:?}");
        assert!(said[3].starts_with("Owed to us by the partner."), "{said:?}");
        let before = finance.get("/ledger/incentives?month=2024-06").await;
        assert!(before.html.contains("No programme came to anything"), "{}", before.html);
    });
}

/// Told on 15 June: the bonus of May, the rebate and what is earned back. Both sides read them with their settlements and a net,
/// and the shipper's people alone what the books hold beside.
#[test]
fn a_statement_covers_every_programme_as_far_as_it_was_told() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let partner_id = programmes(&browser.app.clone());
        let key = |clause_id, item| ObligationKey {
            contract_version_id: 101,
            clause_id,
            of: Obligation::Event(item),
        };
        let told = [key(102, 1), key(103, 3), key(105, 5)];
        item_notices_insert(&mut db.conn(), partner_id, &told, day("2025-06-15")).unwrap();
        item_notices_insert(&mut db.conn(), partner_id, &told[..1], day("2025-06-15")).unwrap();
        user(&browser.app, "brck@lanes.example", Role::Partner, Some(partner_id));

        browser.sign_in_as(Role::Finance).await;
        let ours = browser.get(&format!("/statements/{partner_id}?period=2025-06")).await;
        assert_eq!(ours.status, StatusCode::OK, "{}", ours.html);
        let sums = "section[aria-labelledby=all-USD]";
        assert_eq!(
            ours.texts(&format!("{sums} tbody tr")),
            [
                "Rebates the carrier owes it0.00200.000.00200.00",
                "Bonuses we owe it0.00100.00\u{2212}30.0070.00",
                "Service credits earned back we owe it0.0040.00\u{2212}40.000.00",
            ]
        );
        let net = ours.text(&format!("{sums} tfoot tr"));
        assert_eq!(net, "Net, what the carrier owes0.0060.0070.00130.00");
        let books = ours.texts("section[aria-labelledby=books] tbody td");
        // Accounts 1440, 2110 and 2120: in the books, in the statement, not told.
        let expected = ["200.00", "200.00", "0.00", "120.00", "70.00", "50.00", "85.00", "0.00", "85.00"]
            .map(str::to_owned);
        assert_eq!(books, expected);
        let linked =
            figures_open_to_entries(&mut browser, &ours, "section[aria-labelledby=books] a.n", false).await;
        assert_eq!(linked, 3, "{}", ours.html);
        let closing = ours.attributes("section tfoot a.n", "href");
        assert_eq!(closing, ["#of-rebates-USD", "#of-bonuses-USD"], "to the items that come to it");
        assert_eq!(ours.texts("#of-bonuses-USD li"), ["On time, 10 May 2025: 70.00"]);
        let item = ours.attribute("#of-bonuses-USD a", "href").unwrap();
        assert_eq!(browser.get(&item).await.status, StatusCode::OK, "{item}");
        let csv = browser.get(&format!("/statements/{partner_id}.csv?period=2025-06")).await.html;
        let july = browser.get(&format!("/statements/{partner_id}?period=2025-07")).await;
        let opening = july.attribute("section[aria-labelledby=bonuses-USD] tbody a.n", "href");
        assert_eq!(opening, Some(format!("/statements/{partner_id}?period=2025-06")));
        let may = browser.get(&format!("/statements/{partner_id}?period=2025-05")).await;
        assert!(may.html.contains("Nothing assessed yet"), "accrued in May and told in June: {}", may.html);
        assert_eq!(may.texts("section[aria-labelledby=books] tbody td"), ["100.00", "0.00", "100.00"]);

        browser.forget();
        browser.sign_in("brck@lanes.example", PASSWORD).await;
        let theirs = browser.get("/portal/statement?period=2025-06").await;
        assert_eq!(theirs.status, StatusCode::OK, "{}", theirs.html);
        assert_eq!(theirs.text(&format!("{sums} tfoot tr")), net.replace("the carrier owes", "you owe"));
        assert!(theirs.html.contains("owed to you"));
        assert_eq!(theirs.attributes("section tfoot a.n", "href"), closing);
        let own = theirs.attribute("#of-bonuses-USD a", "href").unwrap();
        assert_eq!(browser.get(&own).await.status, StatusCode::OK, "{own}");
        for secret in ["In the books", "Loads promised", "85.00", "120.00", "2110", "/ledger", "/statements/"]
        {
            assert!(!theirs.html.contains(secret), "{secret}: {}", theirs.html);
        }
        assert_eq!(browser.get("/portal/statement.csv?period=2025-06").await.html, csv);
        assert!(browser.get("/portal/statement?period=2025-05").await.html.contains("Nothing assessed yet"));
    });
}

/// Bonuses of 1.01, 1.02 and 1.03; two of them exported.
#[test]
fn figures_of_the_books_open_to_the_entries_that_come_to_them() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        let partner_id = world(&finance.app.clone());
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/exports").await;
        let waiting = page.attribute("section[aria-labelledby=nx] .head a", "href").unwrap();
        assert_eq!(finance.get(&waiting).await.texts("section:last-of-type tbody tr").len(), 3);
        let made = finance.post("/ledger/exports", &[("through", "2025-05-31")]).await;
        assert_eq!(made.location(), Some("/ledger/exports/1"), "{}", made.html);
        let page = finance.get("/ledger/exports/1").await;
        let entries = page.attributes("tbody td a", "href");
        assert_eq!(entries.len(), 4, "every line leads to its entry: {}", page.html);
        for entry in &entries {
            let entry = finance.get(entry).await;
            assert_eq!(entry.status, StatusCode::OK, "{}", entry.html);
            assert_eq!(entry.texts("section:last-of-type tbody tr").len(), 1);
        }
        let list = finance.get("/ledger/exports").await;
        assert_eq!(list.attribute("tbody a.n", "href").as_deref(), Some("/ledger/exports/1"));

        let page = finance.get("/ledger/reconciliation").await;
        let linked = figures_open_to_entries(&mut finance, &page, "tbody a.n", false).await;
        assert_eq!(linked, 8, "two accounts of two months, each exported or left: {}", page.html);

        assert_eq!(
            finance.post("/ledger/budget", &[("lines", "BRCK; 2025-06; -2")]).await.status,
            StatusCode::SEE_OTHER
        );
        let page = finance.get("/ledger/budget?month=2025-06").await;
        let linked = figures_open_to_entries(&mut finance, &page, "table a.n", false).await;
        assert_eq!(linked, 4, "month and year, of the partner and of all");
        let own = page.attributes("tbody a.n", "href");
        assert!(
            own.iter()
                .any(|href| href.contains("from=2025-01") && href.contains(&format!("partner={partner_id}")))
        );
        // The year is over its budget in June alone, since May has none: that is not the difference of the two sums beside it.
        let year = own.iter().find(|href| href.starts_with("/ledger/budget?")).unwrap();
        let page = finance.get(year.trim_end_matches("#mo")).await;
        assert_eq!(
            page.texts("section[aria-labelledby=mo] tbody tr"),
            ["May 2025no budget\u{2212}2.03no budget", "June 2025\u{2212}2.00\u{2212}1.030.97"],
            "{}",
            page.html
        );
        let foot = page.text("section[aria-labelledby=mo] tfoot tr");
        assert_eq!(foot, "All of them\u{2212}2.00\u{2212}3.060.97");
        let months = "section[aria-labelledby=mo] a.n";
        assert_eq!(figures_open_to_entries(&mut finance, &page, months, false).await, 3);

        let page = finance.get("/ledger?month=2025-06").await;
        let linked = figures_open_to_entries(&mut finance, &page, ".facts a.n", false).await;
        assert_eq!(linked, 5);
        assert_eq!(page.texts(".facts a.n")[3], "3.06 USD", "bonuses and shortfalls together");
        assert!(figures_open_to_entries(&mut finance, &page, "section table a.n", false).await >= 6);
    });
}
