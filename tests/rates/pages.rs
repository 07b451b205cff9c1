//! Rate tables on their pages and as downloads, for the shipper's side and for the partner's own contract.

use actix_web::http::StatusCode;
use lanemark::app::import::rates::{RatesRequest, rates_import};
use lanemark::db::contract::contract_by_number;
use lanemark::domain::lifecycle::VersionOptions;
use lanemark::domain::viewer::{Role, Viewer};
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use super::{LOADS, LOADS_HEADER, PARCELS, approve, load};
use crate::support::app::TestApp;
use crate::support::db::on_both_async;
use crate::support::process::Desk;

#[test]
fn tables_are_searched_taken_away_and_priced_by() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file("parcels.toml", PARCELS);
        let rows: String = (1..=60)
            .map(|n| format!("TX,US-TX,US-IL,{},{},,,{n}.25,USD\n", n * 100, n * 100 + 100))
            .collect();
        desk.file("loads.csv", format!("{LOADS_HEADER}{rows}"));
        desk.file("parcels.csv", "lb,Zone 2,Zone 3\n1,9.00,10.50\n2,9.50,11.00\n");
        load(&desk, "loads.csv", "loads.toml").ends(0);
        load(&desk, "parcels.csv", "parcels.toml").ends(0);
        approve(&db);
        desk.file(
            "shipments.csv",
            "reference,partner,picked_up_at,delivery_due_date,delivered_at,weight_kg\n\
             S-1,BRCK,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,200\n",
        );
        desk.run(&["import", "shipments", "shipments.csv"]).ends(0);

        browser.sign_in_as(Role::Finance).await;
        let id = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let page = browser.get(&format!("/contracts/{id}")).await;
        assert!(page.html.contains("64 rates in 2 rate tables"), "{}", page.html);
        let rates = page.attribute("a[href$='/versions/1/rates']", "href").unwrap();
        let list = browser.get(&rates).await;
        assert_eq!(list.texts("tbody th"), ["TX", "PARCEL"]);
        assert_eq!(browser.get(&format!("{rates}?q=us-il")).await.texts("tbody th"), ["TX"]);
        assert!(browser.get(&format!("{rates}?q=nowhere")).await.html.contains("Nothing found"));
        let table = browser.get(&format!("{rates}?line=TX")).await;
        assert_eq!(table.texts("tbody th").len(), 50);
        assert!(table.html.contains("1 to 50 of 60"), "{}", table.html);
        let more = table.attribute(".pager a", "href").unwrap();
        assert_eq!(browser.get(&more).await.texts("tbody th").len(), 10);
        let found = browser.get(&format!("{rates}?line=TX&q=1,250")).await;
        assert_eq!(
            (found.texts("tbody th"), found.texts("tbody td")),
            (vec!["1,200 to 1,300".to_owned()], vec!["12.25".to_owned()])
        );
        let parcels = browser.get(&format!("{rates}?line=PARCEL")).await;
        assert_eq!(parcels.texts("thead th"), ["Weight", "Zone 2", "Zone 3"]);
        assert_eq!(parcels.texts("tbody td"), ["9.00", "10.50", "9.50", "11.00"]);
        let zone = browser.get(&format!("{rates}?line=PARCEL&q=zone+3")).await;
        assert_eq!(zone.texts("thead th"), ["Weight", "Zone 3"]);
        assert_eq!(browser.get(&format!("{rates}?line=AIR")).await.status, StatusCode::NOT_FOUND);

        // What is taken away is what the command writes, and imports without a change.
        let sheet = browser.get(&format!("{rates}.csv?line=PARCEL&form=matrix")).await;
        assert_eq!(sheet.header("content-type"), Some("text/csv; charset=utf-8"));
        assert!(sheet.header("content-disposition").unwrap().contains("C-1-v1-rates-PARCEL.csv"));
        let path = desk.file("taken.csv", &sheet.html);
        let mapping = Mapping::load("rates-matrix").unwrap();
        let same = again(&browser, &desk, &path, &mapping);
        assert_eq!(same, (4, 0));
        let sheet = browser.get(&format!("{rates}.csv")).await;
        let path = desk.file("all.csv", &sheet.html);
        let same = again(&browser, &desk, &path, &Mapping::identity(ImportKind::Rates));
        assert_eq!(same, (64, 0));
        assert_eq!(browser.get(&format!("{rates}.xlsx?line=TX")).await.status, StatusCode::OK);
        let refused = browser.get(&format!("{rates}.csv?line=TX&form=matrix")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.html.contains("no zones or classes"), "{}", refused.html);

        let price = format!("/contracts/{id}/versions/1/rate");
        assert_eq!(browser.get(&price).await.status, StatusCode::OK);
        let asked = "pickup=2025-07-01&weight=1250&origin_state=TX&origin_country=US&destination_state=IL&destination_country=US";
        let rated = browser.get(&format!("{price}?{asked}")).await;
        // 12.25 a hundredweight, 12.5 of them.
        assert!(rated.text("#price").contains("153.13 USD"), "{}", rated.html);
        assert!(rated.texts("details li").len() > 3, "{}", rated.html);
        // 567 kg are 1,250.02 lb, billed as 1,251, and the form keeps the unit; a unit without a weight asks for nothing.
        let metric = asked.replace("weight=1250", "weight=567&weight_unit=KG&distance_unit=KM");
        let rated = browser.get(&format!("{price}?{metric}")).await;
        assert!(rated.text("#price").contains("153.25 USD"), "{}", rated.html);
        assert_eq!(rated.attribute("#weight_unit option[selected]", "value").as_deref(), Some("KG"));
        assert!(browser.get(&format!("{price}?weight_unit=KG")).await.text("#typed").contains("describe"));
        let wrong = browser.get(&format!("{price}?weight=heavy")).await;
        assert!(wrong.text("#weight-err").contains("number"), "{}", wrong.html);
        assert_eq!(wrong.attribute("#weight", "aria-describedby").as_deref(), Some("weight-err"));
        assert_eq!(wrong.attribute("#weight", "value").as_deref(), Some("heavy"), "kept");
        let none = browser.get(&format!("{price}?weight=1250")).await;
        assert!(none.html.contains("No price") && none.html.contains("unrated"), "{}", none.html);
        let stored = browser.get(&format!("{price}?shipment=S-1")).await;
        assert!(stored.html.contains("No price"), "{}", stored.html);
        let lost = browser.get(&format!("{price}?shipment=S-9")).await;
        assert!(lost.text("[role=alert]").contains("no shipment S-9"), "{}", lost.html);

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        assert_eq!(browser.get(&rates).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get(&format!("{rates}.csv")).await.status, StatusCode::NOT_FOUND);
        let own = browser.get("/portal/contract").await;
        let link = own.attribute("a[href^='/portal/contract/rates?']", "href").unwrap();
        let list = browser.get(&link).await;
        assert_eq!(list.texts("tbody th"), ["TX", "PARCEL"]);
        let sheet = browser.get("/portal/contract/rates.csv?number=C-1&version=1").await;
        assert_eq!(sheet.html.lines().count(), 65, "{}", sheet.html);
        let rated = browser.get(&format!("/portal/contract/rate?number=C-1&version=1&{asked}")).await;
        assert!(rated.text("#price").contains("153.13 USD"), "{}", rated.html);
        for page in ["rates", "rates.csv", "rates.xlsx", "rate"] {
            for query in ["number=C-9", "number=C-1&version=2"] {
                let path = format!("/portal/contract/{page}?{query}");
                assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
            }
        }
    });
}

/// Imports a sheet for a look: rates that stay, and rates that do not.
fn again(browser: &TestApp, desk: &Desk, path: &std::path::Path, mapping: &Mapping) -> (usize, usize) {
    let request = RatesRequest {
        path,
        mapping,
        by: "test",
        rejects: desk.path("rejects.csv"),
        contract: "C-1",
        partner: None,
        version: None,
        options: VersionOptions { baseline: None, dispute_days: None, price_cap: None },
        dry_run: true,
    };
    let report = rates_import(&browser.app, &Viewer::operator(), &request, &|_| {}).unwrap();
    assert_eq!(report.compared_with, Some(1));
    let sum = |of: fn(&lanemark::app::import::rates::LineReport) -> usize| report.lines.iter().map(of).sum();
    (sum(|line| line.same), sum(|line| line.added + line.removed + line.changed))
}
