//! The ledger's pages: figures that foot, evidence behind each, nothing of a partner nobody asked for.

use actix_web::http::StatusCode;
use chrono::NaiveDate;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::accrual::assess::assess;
use lanemark::app::accrual::{AccrualScope, accrue};
use lanemark::db::dimension::Dimensions;
use lanemark::db::schema::{mails, measure_cells, partners, shipments, sources};
use lanemark::db::shipment::ShipmentRow;
use lanemark::db::types::{Day, Instant};
use lanemark::domain::measure::{Measures, Tally};
use lanemark::domain::outcome::OutcomePolicy;
use lanemark::domain::viewer::Role;
use lanemark::on_engine;

use crate::support::app::{Reply, TestApp, partner};
use crate::support::contract::{LATE, contract};
use crate::support::db::on_both_async;

const SHORTFALL: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","dead_band":"0.5","period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":100}}}"#;

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A contract with two clauses, in force since January. Clause ids are `id + 2` and `id + 3`.
fn two_clauses(app: &App, id: i64, partner_id: i64) {
    let db = &mut *app.pool.get().unwrap();
    let clauses = [("7.3", "Late delivery", LATE), ("7.2", "On time, window", SHORTFALL)];
    contract(db, Instant(app.now()), (id, partner_id), &clauses);
    Dimensions::load(db, &app.ids, app.now()).unwrap().policy(db, OutcomePolicy::default()).unwrap();
}

fn late(app: &App, partner_id: i64, id: i64, due: &str, arrived: &str, linehaul: i64) {
    let db = &mut *app.pool.get().unwrap();
    let row = ShipmentRow {
        obligation_day: Day(day(due)),
        partner_id,
        id,
        reference: format!("SHP-{id}"),
        version: 1,
        policy_id: 1,
        delivery_due_day: Some(Day(day(due))),
        arrived_at: Some(Instant(arrived.parse().unwrap())),
        currency: Some("USD".to_owned()),
        linehaul_micros: Some(linehaul * 1_000_000),
        pickup_window_outcome: "-".to_owned(),
        delivery_day_outcome: "L".to_owned(),
        delivery_window_outcome: "-".to_owned(),
        ..ShipmentRow::default()
    };
    on_engine!(db, |conn| diesel::insert_into(shipments::table).values(&row).execute(conn)).unwrap();
}

fn month(app: &App, partner_id: i64, of: &str, success: i64, total: i64, freight: i64) {
    let db = &mut *app.pool.get().unwrap();
    let mut measures = Measures { shipments: total, ..Measures::default() };
    measures.delivery_window = Tally { success, late: total - success, ..Tally::default() };
    measures.freight.add(freight * 1_000_000, total);
    diesel::insert_into(measure_cells::table)
        .values((
            measure_cells::partner_id.eq(partner_id),
            measure_cells::day.eq(Day(day(of))),
            measure_cells::service.eq(""),
            measure_cells::mode.eq(""),
            measure_cells::source.eq("SHIPMENTS"),
            measure_cells::source_day.eq(Day(day(of))),
            measure_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
        ))
        .execute(db)
        .unwrap();
}

/// Two partners; of the first a late shipment that is excused later, and a month short of its target.
pub(super) fn seed(app: &App, partner_id: i64) {
    two_clauses(app, 100, partner_id);
    late(app, partner_id, 1, "2025-06-10", "2025-06-12T10:00:00Z", 1_240);
    late(app, partner_id, 2, "2025-06-11", "2025-06-12T10:00:00Z", 2_000);
    month(app, partner_id, "2025-06-05", 388, 412, 186_420);
    let other = partner(app, "FENN", "Fennmark Road");
    two_clauses(app, 200, other);
    late(app, other, 9, "2025-06-10", "2025-06-11T10:00:00Z", 900);
    accrue(app, day("2025-06-13"), AccrualScope::default()).unwrap();
    {
        let db = &mut *app.pool.get().unwrap();
        let values = (
            shipments::delivery_day_outcome.eq("X"),
            shipments::delivery_exclusion.eq(Some("FORCE_MAJEURE")),
        );
        diesel::update(shipments::table.filter(shipments::id.eq(1))).set(values).execute(db).unwrap();
    }
    let report = accrue(app, day("2025-07-02"), AccrualScope::default()).unwrap();
    assert_eq!(report.problems, []);
}

#[test]
fn the_month_foots_and_every_entry_opens_its_evidence() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Finance).await;
        let june = browser.get("/ledger?month=2025-06").await;
        assert_eq!(june.text("h1"), "Money, June 2025");
        assert_eq!(june.text(".facts .lead a"), "2,133.20 USD");
        let totals = june.texts("section:last-of-type tfoot tr").join("; ");
        assert_eq!(totals, "All 4 entries2,133.20USD2,133.20USD");
        let foot = "Debits less credits0.000.000.000.000.000.000.000.00".to_owned();
        assert!(june.texts("tfoot tr").contains(&foot), "{:?}", june.texts("tfoot tr"));

        let july = browser.get("/ledger").await;
        assert_eq!(july.text("h1"), "Money, July 2025", "the last month with entries");
        assert!(july.text("tbody td").len() > 1);
        let link = july.attribute("section:last-of-type tbody td:last-child a", "href").unwrap();
        let evidence = browser.get(&link).await;
        assert_eq!(evidence.status, StatusCode::OK);
        assert_eq!(evidence.text("h1"), "Shipment SHP-1");
        assert_eq!(
            evidence.texts("ol li"),
            ["SHP-1 was late and is excused (force majeure): nothing is owed."]
        );
        assert_eq!(evidence.texts("section:last-of-type tbody tr").len(), 2);
        let period = browser.get(&format!("/ledger/accruals/{}/101-103-2025-06", browser.partner_id)).await;
        assert!(period.texts("td").contains(&"388 of 412".to_owned()), "{}", period.html);
        for gone in ["101-103-2025-05", "1-2-ev3", "nonsense"] {
            let path = format!("/ledger/accruals/{}/{gone}", browser.partner_id);
            assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
        }
    });
}

#[test]
fn filters_narrow_page_and_download_alike() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Auditor).await;
        let own = format!("month=2025-06&partner={}&period=2025-06&state=ACCRUED", browser.partner_id);
        let page = browser.get(&format!("/ledger?{own}")).await;
        let last = page.texts("section:last-of-type tbody tr");
        assert_eq!(last.len(), 2, "{last:?}");
        let file = browser.get(&format!("/ledger.csv?{own}")).await;
        assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(file.html.lines().count(), 1 + 2 * 2, "{}", file.html);
        assert!(!file.html.contains("Fennmark"));
        let wrong = browser.get("/ledger?period=June").await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.html.contains("is not a period"));
    });
}

#[test]
fn a_partner_sees_what_it_owes_and_why_and_nothing_of_anyone_else() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let feed = (sources::id.eq(0), sources::code.eq("file"));
        diesel::insert_into(sources::table).values(feed).execute(&mut *db.conn()).unwrap();
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Partner).await;
        let told = assess(&browser.app, day("2025-07-14"), None).unwrap();
        assert_eq!((told.items, told.no_address.len()), (2, 1), "Fennmark has no address to be told at");
        let page = browser.get("/portal/credits?month=2025-06").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(page.text(".facts .lead dd"), "1,964.20 USDall months: 1,964.20 USD");
        let rows = page.texts("tbody tr");
        assert_eq!(rows.len(), 2, "what was taken back before it was told is not listed: {rows:?}");
        assert!(rows.iter().all(|row| row.contains("Assessed")), "{rows:?}");
        assert!(!page.html.contains("Fennmark"), "another partner");
        assert!(
            !page.html.contains("1410") && !page.html.contains("Memo"),
            "the shipper's books are its own"
        );
        let facts = browser.get("/portal/shipments/file/SHP-2").await;
        assert!(page.html.contains("href=\"/portal/shipments/file/SHP-2\""), "{}", page.html);
        assert_eq!(facts.status, StatusCode::OK);
        assert_eq!(browser.get("/portal/credits").await.text("h2"), "June 2025", "the newest month with any");
        assert!(browser.get("/portal").await.html.contains("1,964.20 USD"));

        let own = browser.get("/portal/contract").await;
        assert_eq!(own.text("h1"), "C-100, Linehaul");
        for gone in ["contract?number=C-200", "contract?version=9", "credits?month=2025-Q2"] {
            assert_eq!(browser.get(&format!("/portal/{gone}")).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
    });
}

#[test]
fn the_page_of_an_item_says_by_its_state_what_the_partner_knows() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Finance).await;
        let contact = partners::contact_email.eq("claims@carrier.example");
        diesel::update(partners::table.find(browser.partner_id))
            .set(contact)
            .execute(&mut *db.conn())
            .unwrap();
        let judged = |outcome: &str, exclusion: Option<&str>| {
            let values =
                (shipments::delivery_day_outcome.eq(outcome), shipments::delivery_exclusion.eq(exclusion));
            diesel::update(shipments::table.filter(shipments::id.eq(2)))
                .set(values)
                .execute(&mut *db.conn())
                .unwrap();
        };
        let path = format!("/ledger/accruals/{}/101-102-ev2", browser.partner_id);
        assert!(browser.get(&path).await.html.contains("the partner does not see it yet"));
        assert_eq!(assess(&browser.app, day("2025-07-14"), None).unwrap().items, 2);
        let page = browser.get(&path).await.html;
        assert!(page.contains("the partner was told on") && !page.contains("taken back"), "{page}");
        judged("X", Some("FORCE_MAJEURE"));
        accrue(&browser.app, day("2025-07-15"), AccrualScope::default()).unwrap();
        let page = browser.get(&path).await.html;
        assert!(page.contains("and sees that it was taken back"), "{page}");
        judged("L", None);
        accrue(&browser.app, day("2025-07-16"), AccrualScope::default()).unwrap();
        let page = browser.get(&path).await.html;
        assert!(page.contains("owed again, which the partner does not see yet"), "{page}");
    });
}

/// Every page and download of the portal, with the addresses of the seeded facts.
fn portal_addresses() -> Vec<String> {
    let own = lanemark::web::routes::list()
        .iter()
        .filter(|(method, path, _)| *method == actix_web::http::Method::GET && path.starts_with("/portal"));
    own.flat_map(|(_, path, _)| {
        let path = path
            .replace("{period}", "2025-06")
            .replace("{kpi}", "OTD_WIN")
            .replace("{source}", "file")
            .replace("{reference}", "SHP-2")
            .replace("{id}", "101");
        [format!("{path}?month=2025-06"), path.clone(), format!("{path}.csv"), format!("{path}?csv=1")]
    })
    .collect()
}

#[test]
fn a_partner_sees_no_accrued_item_on_any_page_export_or_mail() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let feed = (sources::id.eq(0), sources::code.eq("file"));
        diesel::insert_into(sources::table).values(feed).execute(&mut *db.conn()).unwrap();
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Partner).await;
        let secrets = ["1,864.20", "1864.20", "1,964.20", "1964.20"];
        let mut opened = 0;
        for address in portal_addresses() {
            let page = browser.get(&address).await;
            opened += usize::from(page.status == StatusCode::OK);
            for secret in secrets {
                assert!(!page.html.contains(secret), "{address} tells {secret}: {}", page.html);
            }
        }
        assert!(opened >= 10, "only {opened} addresses opened");
        // The review, and whatever else was queued for the partner.
        let queued = |db: &crate::support::db::TestDb| -> Vec<String> {
            let bodies: Vec<(String, String)> =
                mails::table.select((mails::text_body, mails::html_body)).load(&mut *db.conn()).unwrap();
            bodies.into_iter().flat_map(|(text, html)| [text, html]).collect()
        };
        lanemark::app::review::send_reviews(&browser.app, day("2025-07-15"), None).unwrap();
        let told =
            |mails: &[String]| mails.iter().any(|mail| secrets.iter().any(|secret| mail.contains(secret)));
        assert!(!told(&queued(&db)));

        assert_eq!(assess(&browser.app, day("2025-07-14"), None).unwrap().items, 2);
        assert!(browser.get("/portal/credits?month=2025-06").await.html.contains("1,864.20"));
        assert!(browser.get("/portal").await.html.contains("1,964.20"));
        let mails = queued(&db);
        assert!(
            mails
                .iter()
                .any(|mail| mail.contains("credits and bonuses") || mail.contains("Credits and bonuses"))
        );
        assert!(!told(&mails), "no amount in a mail");
    });
}

/// An amount as a page or a file writes it, in cents.
pub(super) fn cents(text: &str) -> i64 {
    let plain: String = text.chars().filter(char::is_ascii_digit).collect();
    let amount: i64 = plain.parse().unwrap();
    if text.starts_with(['-', '\u{2212}']) { -amount } else { amount }
}

/// What the entries behind an address do to the accounts that it names, added up from their lines as they are in the file:
/// on the side of the accounts where all of them stand on one, else debits less credits.
async fn added_up(browser: &mut TestApp, href: &str) -> i64 {
    let (_, query) = href.split_once('?').unwrap();
    let accounts: Vec<i32> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "account")
        .flat_map(|(_, value)| value.split(',').map(|one| one.parse().unwrap()).collect::<Vec<i32>>())
        .collect();
    let is_credit = accounts.iter().all(|number| matches!(number, 2010..=2120 | 5190..=5192));
    let file = browser.get(&format!("/ledger.csv?{query}")).await;
    assert_eq!(file.status, StatusCode::OK, "{href}: {}", file.html);
    let amounts = file.html.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let (number, side, amount): (i32, &str, i64) =
            (cells[11].parse().unwrap(), cells[12], cents(cells[13]));
        match (accounts.contains(&number), (side == "CR") == is_credit) {
            (false, _) => 0,
            (true, true) => amount,
            (true, false) => -amount,
        }
    });
    amounts.sum()
}

/// Follows every link to entries that `selector` finds on a page: they add up to the figure, and their page says so. Says how
/// many there were. With `either_way` only the amount counts, as of what settlements take from an account.
pub(super) async fn figures_open_to_entries(
    browser: &mut TestApp,
    page: &Reply,
    selector: &str,
    either_way: bool,
) -> usize {
    let figures: Vec<(String, String)> = page
        .texts(selector)
        .into_iter()
        .zip(page.attributes(selector, "href"))
        .filter(|(_, href)| href.starts_with("/ledger?"))
        .collect();
    for (text, href) in &figures {
        let href = href.strip_suffix("#en").unwrap();
        let amount = cents(text.trim_end_matches(" USD"));
        let found = added_up(browser, href).await;
        let said = browser.get(href).await;
        assert_eq!(said.status, StatusCode::OK, "{href}: {}", said.html);
        let foot = said.texts("section:last-of-type tfoot tr");
        match foot.iter().find_map(|row| row.strip_prefix("Which comes to")) {
            Some(told) => assert_eq!(cents(told.trim_end_matches("USD")), found, "{href}"),
            None => assert!(said.html.contains("No entries here"), "{href}: {foot:?}"),
        }
        let of = |amount: i64| if either_way { amount.abs() } else { amount };
        assert_eq!(of(amount), of(found), "{text} leads to {href}");
    }
    figures.len()
}

#[test]
fn every_figure_of_a_month_opens_to_the_entries_that_come_to_it() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Finance).await;
        let june = browser.get("/ledger?month=2025-06").await;
        let facts = figures_open_to_entries(&mut browser, &june, ".facts a.n", false).await;
        assert_eq!(facts, 5, "all but the close: {}", june.html);
        let cells = figures_open_to_entries(&mut browser, &june, "section table a.n", false).await;
        // Two partners, all of them, and two accounts, each with what was accrued and what stands at the end.
        assert_eq!(cells, 10, "{:?}", june.texts("section table a.n"));
        let july = browser.get("/ledger?month=2025-07").await;
        let cells = figures_open_to_entries(&mut browser, &july, "section table a.n", false).await;
        // One shipment was excused: opening, reversed and closing of its partner and of all; the other partner opens and closes.
        assert!(cells >= 8, "{:?}", july.texts("section table a.n"));
        let own = format!("/ledger?month=2025-07&partner={}", browser.partner_id);
        let page = browser.get(&own).await;
        assert!(figures_open_to_entries(&mut browser, &page, "section table a.n", false).await >= 6);
    });
}

#[test]
fn entries_are_filtered_by_reason_account_state_and_time() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        seed(&browser.app, browser.partner_id);
        browser.sign_in_as(Role::Finance).await;
        let rows = async |browser: &mut TestApp, query: &str| {
            let page = browser.get(&format!("/ledger?{query}")).await;
            assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.html);
            page.texts("section:last-of-type tbody tr").len()
        };
        assert_eq!(rows(&mut browser, "month=2025-07").await, 1);
        assert_eq!(rows(&mut browser, "month=2025-07&from=start").await, 5);
        assert_eq!(rows(&mut browser, "month=2025-07&from=2025-06").await, 5);
        // Twice in turn: a page that is kept is never shown for another choice.
        for _ in 0..2 {
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&reason=REVERSAL").await, 1);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&reason=INITIAL").await, 4);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&reason=INITIAL,REVERSAL").await, 5);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&account=1410,1420").await, 5);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&account=2110,2120").await, 0);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&clause=7.2").await, 1);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&goes=GL").await, 0);
            assert_eq!(rows(&mut browser, "month=2025-07&from=start&exported=no").await, 5);
        }
        assert_eq!(rows(&mut browser, "month=2025-07&from=start&state=REVERSED").await, 2);
        assert_eq!(rows(&mut browser, "month=2025-07&from=start&state=AGREED,SETTLED").await, 0);
        // The state of an item changes without an entry, and the page with it.
        diesel::update(lanemark::db::schema::accruals::table)
            .filter(lanemark::db::schema::accruals::state.eq("ACCRUED"))
            .set(lanemark::db::schema::accruals::state.eq("DISPUTED"))
            .execute(&mut *db.conn())
            .unwrap();
        assert_eq!(rows(&mut browser, "month=2025-07&from=start&state=DISPUTED").await, 3);
        let page =
            browser.get("/ledger?month=2025-07&from=start&reason=INITIAL,REVERSAL&state=DISPUTED").await;
        let options = page.attributes("option[selected]", "value");
        assert_eq!(options, ["DISPUTED", "INITIAL,REVERSAL"]);
        for wrong in ["reason=WHY", "account=1", "state=GONE", "from=2025-Q1", "goes=x", "exported=perhaps"] {
            let page = browser.get(&format!("/ledger?{wrong}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    });
}
