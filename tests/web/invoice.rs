//! The pages of invoices: a list that says what to do, one invoice charge by charge, a dispute from finance to the partner and back.

use actix_web::http::StatusCode;
use lanemark::app::App;
use lanemark::app::import::{ImportRequest, import};
use lanemark::app::invoice::audit_freight;
use lanemark::app::refresh::refresh;
use lanemark::app::setting::setting_change;
use lanemark::db::types::Instant;
use lanemark::domain::viewer::{Role, Viewer};
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;
use rust_decimal::Decimal;

use crate::support::app::{TestApp, partner, user};
use crate::support::contract::{contract, priced};
use crate::support::db::on_both_async;

const SHIPMENTS: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at
S-1,FAST,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z
";
const INVOICES: &str = "\
invoice,partner,issued_on,received_on,shipment,code,amount
F-1,FAST,2025-05-09,2025-05-12,S-1,400,100
F-2,FAST,2025-05-20,2025-05-21,S-1,400,100
F-3,FAST,2025-05-20,2025-05-21,S-9,400,70
O-1,OTHER,2025-05-20,2025-05-21,X-1,400,55
";

fn load(app: &App, kind: ImportKind, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.csv");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::identity(kind);
    let rejects = path.with_extension("rejects.csv");
    let request =
        ImportRequest { path: &path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: false };
    assert_eq!(import(app, &request, &|_| ()).unwrap().rows_rejected, 0);
}

#[test]
fn finance_finds_what_is_at_risk_and_disputes_it_with_the_partner() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        let fast = partner(&app, "FAST", "Fast Freight");
        partner(&app, "OTHER", "Other Lines");
        load(&app, ImportKind::Shipments, SHIPMENTS);
        load(&app, ImportKind::Invoices, INVOICES);
        refresh(&app, app.now(), |_, _| ()).unwrap();
        audit_freight(&app, None).unwrap();
        refresh(&app, app.now(), |_, _| ()).unwrap();

        let mut finance = TestApp::with(app.clone(), "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let list = finance.get("/invoices").await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.html);
        // No contract has prices, so all waits for a rate, but for what was billed twice.
        assert_eq!(list.texts("tbody th a"), ["F-2", "F-1", "F-3", "O-1"], "{}", list.html);
        let list = finance.get(&format!("/invoices?partner={fast}&show=refused")).await;
        assert_eq!(list.texts("tbody th a"), ["F-2"]);
        let behind = finance.get(&format!("/scorecards/{fast}/2025-05/INV_ACC")).await;
        let failing = format!("/invoices?partner={fast}&period=2025-05&show=INV_ACC");
        assert_eq!(behind.location(), Some(failing.as_str()), "{}", behind.html);
        let behind = finance.get(&failing).await;
        assert_eq!(behind.texts("tbody th a"), ["F-2", "F-3"], "what fails the KPI: {}", behind.html);
        let csv = finance.get("/invoices.csv?show=all").await;
        assert_eq!(csv.html.lines().count(), 5, "{}", csv.html);
        let path = list.attribute("tbody th a", "href").unwrap();
        let page = finance.get(&path).await;
        assert!(page.html.contains("Duplicate: it repeats what was billed before"), "{}", page.html);
        assert!(!page.html.contains("None") && !page.html.contains("DUP"), "words, not codes");
        let sent =
            finance.post(&format!("{path}/steps"), &[("step", "SENT"), ("seen", "0"), ("words", "")]).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", sent.html);
        let sent = finance
            .post(&format!("{path}/steps"), &[("step", "SENT"), ("seen", "0"), ("words", "See F-1.")])
            .await;
        assert_eq!(sent.location(), Some(path.as_str()), "{}", sent.html);

        // The partner sees its own, answers, and finds nothing of anyone else.
        let mut carrier = TestApp::with(app.clone(), "http://localhost").await;
        user(&app, "ops@fast.example", Role::Partner, Some(fast));
        carrier.sign_in("ops@fast.example", "a lane is a promise").await;
        let own = carrier.get("/portal/invoices").await;
        assert_eq!(own.texts("tbody th a").len(), 3, "{}", own.html);
        assert!(!own.html.contains("O-1") && !own.html.contains("olerance"), "{}", own.html);
        let answered = carrier
            .post(
                &format!("/portal{path}/steps"),
                &[("step", "ACCEPTED"), ("seen", "1"), ("words", "Sent twice by mistake.")],
            )
            .await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.html);
        let page = finance.get(&path).await;
        assert!(page.html.contains("accepted by the partner"), "{}", page.html);
        // Every figure of the funnel opens to the invoices that come to it.
        let funnel = finance.get("/invoices?show=all").await;
        let figures = funnel.texts(".facts a.n");
        assert_eq!(figures.len(), 7, "{figures:?}");
        assert_eq!(figures[2..4], ["100.00", "100.00"], "disputed and accepted: {figures:?}");
        for (figure, href) in figures.iter().zip(funnel.attributes(".facts a.n", "href")) {
            let list = finance.get(&href).await;
            assert_eq!(list.status, StatusCode::OK, "{href}: {}", list.html);
            if let Some((passed, _)) = figure.split_once(" of ") {
                assert_eq!(list.texts("tbody tr").len().to_string(), passed, "{href}");
            } else {
                let sums = list.texts("tfoot td:nth-last-child(3)");
                assert_eq!(sums.first().map_or("0.00", String::as_str), figure, "{href}: {}", list.html);
            }
        }
        let other = finance.get("/invoices?show=all").await;
        let hrefs = other.attributes("tbody th a", "href");
        let foreign = &hrefs[other.texts("tbody th a").iter().position(|number| number == "O-1").unwrap()];
        assert_eq!(carrier.get(&format!("/portal{foreign}")).await.status, StatusCode::NOT_FOUND);
        let asked = [("step", "ACCEPTED"), ("seen", "0"), ("words", "x")];
        assert_eq!(
            carrier.post(&format!("/portal{foreign}/steps"), &asked).await.status,
            StatusCode::NOT_FOUND
        );
    });
}

#[test]
fn terms_are_shown_set_and_kept() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        let fast = partner(&app, "FAST", "Fast Freight");
        let mut finance = TestApp::with(app.clone(), "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let path = format!("/invoices/terms/{fast}");
        let page = finance.get(&path).await;
        assert!(page.html.contains("A charge passes within 10.00 and 2 %, above or below"), "{}", page.html);
        let fields = |over: &'static str, reason: &'static str| {
            vec![
                ("seen", "0"),
                ("valid_from", "2025-05-01"),
                ("line_over", over),
                ("line_over_percent", "1"),
                ("line_under", "50"),
                ("line_under_percent", "5"),
                ("bill_over", "25"),
                ("bill_over_percent", "2"),
                ("bill_under", "25"),
                ("bill_under_percent", "2"),
                ("charges", "FUEL 5.00 1 5.00 1"),
                ("window_days", "60"),
                ("correction_days", "180"),
                ("timely_days", "15"),
                ("short_pay", "yes"),
                ("proof_required", "no"),
                ("remit_to", ""),
                ("freight_terms", "prepaid\nthird party"),
                ("bill_to", "Acme Foods Inc\r\n Acme Canada \r\n"),
                ("reason", reason),
            ]
        };
        let wrong = finance.post(&path, &fields("ten", "Tariff")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let wrong = finance.post(&path, &fields("5", "")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.html);
        let kept = finance.post(&path, &fields("5", "Tariff item 660")).await;
        assert_eq!(kept.location(), Some(path.as_str()), "{}", kept.html);
        let page = finance.get(&path).await;
        assert!(page.html.contains("fuel surcharge passes within 5.00 and 1 %"), "{}", page.html);
        assert!(page.html.contains("We pay freight that is prepaid or third party only"), "{}", page.html);
        assert!(page.html.contains("Addressed to Acme Foods Inc; Acme Canada only"), "{}", page.html);
        assert!(
            page.html.contains("We may pay what is rated") && page.html.contains("Tariff item 660"),
            "{}",
            page.html
        );
        let mut manager = TestApp::with(app, "http://localhost").await;
        manager.sign_in_as(Role::CarrierManager).await;
        assert!(
            !manager
                .get(&path)
                .await
                .html
                .contains("<form class=\"form\" method=\"post\" action=\"/invoices"),
            "read only"
        );
    });
}

#[test]
fn an_invoice_on_hold_is_released_on_its_page() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        let fast = partner(&app, "FAST", "Fast Freight");
        partner(&app, "OTHER", "Other Lines");
        load(&app, ImportKind::Shipments, SHIPMENTS);
        load(&app, ImportKind::Invoices, INVOICES);
        refresh(&app, app.now(), |_, _| ()).unwrap();
        audit_freight(&app, None).unwrap();
        let mut finance = TestApp::with(app.clone(), "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let list = finance.get(&format!("/invoices?partner={fast}&show=held")).await;
        assert_eq!(list.texts("tbody th a"), ["F-1", "F-3"], "{}", list.html);
        let path = list.attributes("tbody th a", "href")[1].clone();
        let page = finance.get(&path).await;
        assert!(page.html.contains("Release to be paid"), "{}", page.html);
        assert!(page.html.contains("Everything that waits"), "{}", page.html);
        let fields = |act: &'static str, position: &'static str, reason: &'static str, seen: &'static str| {
            [
                ("act", act),
                ("position", position),
                ("reason", reason),
                ("seen_audit", "1"),
                ("seen_ruling", seen),
            ]
        };
        let to = format!("{path}/rulings");
        let blank = finance.post(&to, &fields("RELEASE", "", "", "0")).await;
        assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", blank.html);
        let wrong = finance.post(&to, &fields("RELEASE", "9", "Their receipt", "0")).await;
        assert_eq!(wrong.status, StatusCode::CONFLICT, "{}", wrong.html);
        let done = finance.post(&to, &fields("RELEASE", "", "Their receipt came", "0")).await;
        assert_eq!(done.location(), Some(path.as_str()), "{}", done.html);
        let page = finance.get(&path).await;
        assert!(page.html.contains("released to be paid, 70.00 USD"), "{}", page.html);
        assert!(page.html.contains("Their receipt came"), "{}", page.html);
        let list = finance.get(&format!("/invoices?partner={fast}&show=held")).await;
        assert_eq!(list.texts("tbody th a"), ["F-1"], "{}", list.html);

        // The partner sees that it is paid, and not who decided, nor why.
        let mut carrier = TestApp::with(app.clone(), "http://localhost").await;
        user(&app, "ops@fast.example", Role::Partner, Some(fast));
        carrier.sign_in("ops@fast.example", "a lane is a promise").await;
        let own = carrier.get(&format!("/portal{path}")).await;
        assert!(own.html.contains("released to be paid, 70.00 USD"), "{}", own.html);
        assert!(
            !own.html.contains("Their receipt came") && !own.html.contains("Release to be paid"),
            "{}",
            own.html
        );

        // Above the limit it is asked for, and who asked does not give it.
        let list = finance.get(&format!("/invoices?partner={fast}&show=held")).await;
        let path = list.attribute("tbody th a", "href").unwrap();
        let to = format!("{path}/rulings");
        db_limit(&app);
        let asked = finance.post(&to, &fields("RELEASE", "", "Agreed by phone", "0")).await;
        assert_eq!(asked.location(), Some(path.as_str()), "{}", asked.html);
        let page = finance.get(&path).await;
        assert!(page.html.contains("to have 100.00 USD paid: Agreed by phone"), "{}", page.html);
        assert!(page.html.contains("Do not release it"), "{}", page.html);
        let own = finance.post(&to, &fields("CONFIRM", "", "Yes", "1")).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.html);
        assert!(own.html.contains("You asked for this release yourself"), "{}", own.html);
        let list = finance.get(&format!("/invoices?partner={fast}&show=held")).await;
        assert!(list.html.contains("release asked for"), "{}", list.html);
    });
}

fn db_limit(app: &App) {
    let mut db = app.pool.get().unwrap();
    setting_change(app, &mut db, &Viewer::system(), "release_limit", "50").unwrap();
}

#[test]
fn each_number_of_a_drift_opens_to_the_lines_that_come_to_it() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        let (fast, other) = (partner(&app, "FAST", "Fast Freight"), partner(&app, "OTHER", "Other Lines"));
        {
            let db = &mut *app.pool.get().unwrap();
            contract(db, Instant(app.now()), (300, fast), &[]);
            priced(db, 300, 100);
        }
        // Five loads a month at 100.00, billed 1, 2 and 3 too much.
        let mut shipments =
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at\n".to_owned();
        let mut bills = "invoice,partner,issued_on,received_on,shipment,code,category,amount\n".to_owned();
        for (month, over) in [(4, 1), (5, 2), (6, 3)] {
            for day in 1..=5 {
                let (name, on) = (format!("S-{month}-{day}"), format!("2025-{month:02}-0{day}"));
                shipments.push_str(&format!("{name},FAST,Alpha,Beta,{on}T08:00:00Z,{on},{on}T18:00:00Z\n"));
                bills.push_str(&format!(
                    "F-{month},FAST,2025-{month:02}-20,2025-{month:02}-21,{name},400,LINEHAUL,{}\n",
                    100 + over
                ));
            }
        }
        load(&app, ImportKind::Shipments, &shipments);
        refresh(&app, app.now(), |_, _| ()).unwrap();
        load(&app, ImportKind::Invoices, &bills);
        assert_eq!(audit_freight(&app, None).unwrap().audited, 3);

        let mut finance = TestApp::with(app.clone(), "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let drift = finance.get("/invoices/drift").await;
        assert_eq!(drift.status, StatusCode::OK, "{}", drift.html);
        let numbers = drift.texts("tbody td a.n");
        assert_eq!(numbers, ["1.00 %", "2.00 %", "3.00 %", "15.00"], "{}", drift.html);
        let hrefs = drift.attributes("tbody td a.n", "href");
        for ((href, share), (month, over)) in
            hrefs.iter().zip(&numbers).zip([("April", "5.00"), ("May", "10.00"), ("June", "15.00")])
        {
            let page = finance.get(href).await;
            assert_eq!(page.status, StatusCode::OK, "{href}: {}", page.html);
            assert!(page.text(".top p").contains(&format!("Fast Freight, received in {month} 2025")));
            assert_eq!(page.text(".facts .lead dd"), format!("{over}{share} of what is owed"));
            let rows = page.texts("tbody tr").len();
            assert_eq!(rows, 5, "{}", page.html);
            let sum: Decimal = page
                .texts("tbody td[data-label='Over']")
                .iter()
                .map(|text| text.parse::<Decimal>().unwrap())
                .sum();
            assert_eq!(sum.to_string(), over);
            let foot = page.texts("tfoot td.num");
            let billed = format!("{}.00", 500 + over.trim_end_matches(".00").parse::<i64>().unwrap());
            assert_eq!(foot, [billed.as_str(), "0.00", "500.00", over], "{}", page.html);
        }
        assert_eq!(hrefs[3], hrefs[2], "the money of the last month is that month's lines");
        // From an invoice as well, and nobody else's.
        let invoice = finance.get(&hrefs[2]).await.attribute("tbody th a", "href").unwrap();
        let same = finance.get(&invoice).await.attribute("tbody th a", "href").unwrap();
        assert_eq!(same, hrefs[2]);
        let foreign = hrefs[2].replace(&fast.to_string(), &other.to_string());
        let empty = finance.get(&foreign).await;
        assert!(empty.html.contains("No such lines") && !empty.html.contains("F-6"), "{}", empty.html);
        let gone = hrefs[2].replace(&fast.to_string(), "1");
        assert_eq!(finance.get(&gone).await.status, StatusCode::NOT_FOUND);
        assert_eq!(finance.get("/invoices/lines").await.status, StatusCode::BAD_REQUEST);
        let mut carrier = TestApp::with(app.clone(), "http://localhost").await;
        user(&app, "ops@fast.example", Role::Partner, Some(fast));
        carrier.sign_in("ops@fast.example", "a lane is a promise").await;
        assert_eq!(carrier.get(&hrefs[2]).await.status, StatusCode::NOT_FOUND);
        let own = carrier.get(&format!("/portal{invoice}")).await;
        assert!(own.status == StatusCode::OK && !own.html.contains("/invoices/lines"), "{}", own.html);
    });
}

#[test]
fn pages_say_by_which_number_an_invoice_found_its_shipment() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        partner(&app, "FAST", "Fast Freight");
        load(
            &app,
            ImportKind::Shipments,
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,pro,load,stop,freight_terms\n\
             S-1,FAST,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,0047-11,L8,2,PREPAID\n",
        );
        load(
            &app,
            ImportKind::Invoices,
            "invoice,partner,issued_on,received_on,pro,code,amount\nF-1,FAST,2025-05-09,2025-05-12,4711,400,100\n",
        );
        refresh(&app, app.now(), |_, _| ()).unwrap();
        audit_freight(&app, None).unwrap();
        let mut finance = TestApp::with(app, "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let list = finance.get("/invoices?show=all").await;
        let page = finance.get(&list.attribute("tbody th a", "href").unwrap()).await;
        assert!(page.html.contains("by PRO number 4711"), "{}", page.html);
        let href = page.attribute("td[data-label=Shipment] a", "href").unwrap();
        let shipment = finance.get(&href).await;
        for words in ["0047-11", "L8, stop 2", "prepaid"] {
            assert!(shipment.html.contains(words), "{words}: {}", shipment.html);
        }
    });
}
