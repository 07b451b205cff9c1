//! The page of what replacements cost: both prices of each load, what is more, what counts and what that comes to; for the
//! shipper's people alone.

use actix_web::http::StatusCode;
use lanemark::app::App;
use lanemark::app::accrual::{AccrualScope, accrue};
use lanemark::app::import::{ImportRequest, import};
use lanemark::app::refresh::refresh;
use lanemark::db::types::Instant;
use lanemark::domain::viewer::Role;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::app::{PASSWORD, TestApp, partner, user};
use crate::support::books::day;
use crate::support::contract::{contract, priced};
use crate::support::db::on_both_async;

/// All that others cost more, at most 80.00 for a load, beyond a quarter of the offers.
const DIFFERENCE: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"TAR","better":"HIGHER","scale":"PERCENT",
    "threshold":"75","min_volume":1,"period":"MONTH","amount":{"type":"COST_DIFFERENCE","of_difference":10000,"most":80000000}}}"#;

/// Eight offers, four turned down: two may be, the earliest.
const OFFERS: &str = "\
reference,partner,zone,sent_at,response
A1,FAST,UTC,2025-05-02T08:00:00Z,ACCEPTED
A2,FAST,UTC,2025-05-02T08:00:00Z,ACCEPTED
A3,FAST,UTC,2025-05-02T08:00:00Z,ACCEPTED
A4,FAST,UTC,2025-05-02T08:00:00Z,ACCEPTED
R1,FAST,UTC,2025-05-05T08:00:00Z,REJECTED
R2,FAST,UTC,2025-05-06T08:00:00Z,REJECTED
R3,FAST,UTC,2025-05-07T08:00:00Z,REJECTED
R4,FAST,UTC,2025-05-08T08:00:00Z,REJECTED
";

/// What another carrier carried of it, R3 with an accessorial that is no part of the carriage.
const CARRIED: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,currency,linehaul,fuel,freight_total
R1,OTHER,Alpha,Beta,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,USD,500,,500
R3,OTHER,Alpha,Beta,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,USD,150,10,190
R4,OTHER,Alpha,Beta,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,USD,900,,900
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
fn replacements_stand_with_both_prices_and_come_to_what_is_owed() {
    on_both_async(|db| async move {
        let app = db.app_at("2025-07-08T09:00:00Z");
        let (fast, other) = (partner(&app, "FAST", "Fast Freight"), partner(&app, "OTHER", "Other Lines"));
        {
            let db = &mut *app.pool.get().unwrap();
            contract(db, Instant(app.now()), (100, fast), &[("7.4", "Turned down", DIFFERENCE)]);
            priced(db, 100, 100);
        }
        load(&app, ImportKind::Tenders, OFFERS);
        load(&app, ImportKind::Shipments, CARRIED);
        refresh(&app, app.now(), |_, _| ()).unwrap();
        let report = accrue(&app, day("2025-06-04"), AccrualScope::default()).unwrap();
        assert_eq!((report.problems, report.entries), (Vec::new(), 1));

        let mut finance = TestApp::with(app.clone(), "http://localhost").await;
        finance.sign_in_as(Role::Finance).await;
        let item = format!("/ledger/accruals/{fast}/101-102-2025-05");
        let path = format!("{item}/replacements");
        let links = finance.get(&item).await.attributes("a[href$='/replacements']", "href");
        assert_eq!(links, [path.as_str()], "the item leads to it");
        let page = finance.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(page.text("h1"), "What replacements cost");
        assert_eq!(
            page.texts(".facts dd"),
            ["140.00the loads come to the same", "4 loads", "2 loads"],
            "{}",
            page.html
        );
        // By the contract, with the other carrier, the difference, and what counts: 60.00 and 80.00 are 140.00.
        let rows: Vec<String> = page.texts("tbody tr");
        let offered = |day: u32| format!("2025-05-0{day} 08:00:00 UTC");
        assert_eq!(
            rows,
            [
                format!("R1{}Other Linesdue 10 May 2025100.00500.00400.00–may be turned down", offered(5)),
                format!("R2{}nobody yetnot knownnot knownnot known–may be turned down", offered(6)),
                format!("R3{}Other Linesdue 10 May 2025100.00160.0060.0060.00", offered(7)),
                format!("R4{}Other Linesdue 10 May 2025100.00900.00800.0080.00", offered(8)),
            ],
            "{}",
            page.html
        );
        let loads = page.attributes("tbody th a", "href");
        assert_eq!(loads.len(), 3, "{loads:?}");
        assert_eq!(finance.get(&loads[0]).await.status, StatusCode::OK);
        assert_eq!(finance.get(&item).await.texts(".facts .lead dd").len(), 1);
        for gone in ["101-103-2025-05", "101-102-2025-04", "nonsense"] {
            let path = format!("/ledger/accruals/{fast}/{gone}/replacements");
            assert_eq!(finance.get(&path).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
        let foreign = format!("/ledger/accruals/{other}/101-102-2025-05/replacements");
        assert_eq!(finance.get(&foreign).await.status, StatusCode::NOT_FOUND, "another partner's");

        // Neither who owes nor who carried reads what the other was paid.
        for (email, of) in [("ops@fast.example", fast), ("ops@other.example", other)] {
            let mut carrier = TestApp::with(app.clone(), "http://localhost").await;
            user(&app, email, Role::Partner, Some(of));
            carrier.sign_in(email, PASSWORD).await;
            let page = carrier.get(&path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{email}");
            assert!(!page.html.contains("500.00") && !page.html.contains("160.00"), "{}", page.html);
        }
        for role in [Role::Procurement, Role::Admin] {
            finance.sign_in_as(role).await;
            assert_eq!(finance.get(&path).await.status, StatusCode::FORBIDDEN, "{role}");
        }
    });
}
