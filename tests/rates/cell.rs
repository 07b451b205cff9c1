//! One rate of a draft's table by a form: the checks of a sheet, its audit and its redline.

use actix_web::http::StatusCode;
use lanemark::app::audit::audit_page;
use lanemark::db::contract::{contract_by_number, version_list};
use lanemark::domain::viewer::{Role, Viewer};

use super::{LOADS, LOADS_HEADER, PARCELS, approve, load};
use crate::support::app::{Reply, TestApp};
use crate::support::db::on_both_async;
use crate::support::process::Desk;

/// Posts the form on `page` with some answers of its own.
async fn post(browser: &mut TestApp, page: &Reply, to: &str, answers: &[(&str, &str)]) -> Reply {
    const NAMES: [&str; 9] =
        ["seen", "line", "key", "column", "first_from", "first_to", "rate", "min", "prior"];
    let given =
        |name: &str| answers.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
    let filled = NAMES.iter().filter_map(|name| {
        let value = given(name).or_else(|| page.attribute(&format!("input[name={name}]"), "value"));
        value.map(|value| (*name, value))
    });
    let filled: Vec<(&str, String)> = filled.collect();
    let fields: Vec<(&str, &str)> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(to, &fields).await
}

#[test]
fn one_rate_is_changed_added_and_removed_with_the_checks_of_a_sheet() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file("parcels.toml", PARCELS);
        let sheet = "TX,US-TX,US-IL,0,500,,,48.20,USD\nTX,US-TX,US-IL,500,1000,,,39.75,USD\n\
                     TX,US-TX,US-IL,1000,,,,31.40,USD\n";
        desk.file("loads.csv", format!("{LOADS_HEADER}{sheet}"));
        desk.file("parcels.csv", "lb,Zone 2,Zone 3\n1,9.00,10.50\n2,9.50,11.00\n");
        load(&desk, "loads.csv", "loads.toml").ends(0);
        load(&desk, "parcels.csv", "parcels.toml").ends(0);
        approve(&db);
        let contract = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        browser.sign_in_as(Role::Procurement).await;
        let signed = browser.get(&format!("/contracts/{contract}/versions/1/rates?line=TX")).await;
        assert!(!signed.html.contains("table-rate"), "a signed version has no form");

        // Another version, by a sheet that changes nothing.
        load(&desk, "loads.csv", "loads.toml").ends(0);
        let id = version_list(&mut db.conn(), &Viewer::system(), contract).unwrap()[0].id;
        let (rates, to) = (
            format!("/contracts/{contract}/versions/2/rates"),
            format!("/contract-versions/{id}/table-rate"),
        );
        let table = browser.get(&format!("{rates}?line=TX")).await;
        let first = table.attribute("tbody td a", "href").unwrap();
        let form = browser.get(&first).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.html);
        let value = |name: &str| form.attribute(&format!("input[name={name}]"), "value").unwrap_or_default();
        assert_eq!(["first_from", "first_to", "rate"].map(value), ["0.00", "500.00", "48.20"]);

        // Changed.
        let stored = post(&mut browser, &form, &to, &[("rate", "50"), ("min", "95")]).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let again = browser.get(&format!("{rates}?line=TX")).await;
        assert!(again.html.contains("50.00") && again.html.contains("at least 95.00"), "{}", again.html);
        let page = browser.get(&format!("/contracts/{contract}?version=2")).await;
        assert!(page.html.contains("48.20") && page.html.contains("50.00"), "the redline: {}", page.html);
        let (rows, _) = audit_page(&mut db.conn(), None).unwrap();
        let detail = &rows.iter().find(|row| row.action == "contract.edit_version").unwrap().detail;
        assert_eq!(detail, "rate of TX: 0 to 500: 48.20 -> 0 to 500: 50.00, at least 95.00");

        // What somebody saw before is not changed any more, and what a sheet is refused for a form is too.
        let stale = post(&mut browser, &form, &to, &[("rate", "51")]).await;
        assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.html);
        let form = browser.get(&first).await;
        for (answers, said) in [
            (vec![("rate", "-1")], "between 0 and"),
            (vec![("rate", "much")], "amount"),
            (vec![("first_to", "600")], "overlap"),
            (vec![("first_to", "400")], "no row holds weight from 400 to 500"),
            (vec![("first_from", "600")], "ends before it starts"),
        ] {
            let refused = post(&mut browser, &form, &to, &answers).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{answers:?}: {}", refused.html);
            assert!(refused.html.contains(said), "{answers:?}, {said}: {}", refused.html);
        }
        let removal = format!("{to}/removal");
        let table = browser.get(&format!("{rates}?line=TX")).await;
        let middle = table.attribute("tbody tr:nth-child(2) td a", "href").unwrap();
        let middle = browser.get(&middle).await;
        let hole = post(&mut browser, &middle, &removal, &[]).await;
        assert_eq!(hole.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", hole.html);
        let gone = browser.get(&first.replace("key=0", "key=7")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);

        // A new zone, and one rate taken out of it again.
        let parcels = browser.get(&format!("{rates}?line=PARCEL")).await;
        let add = parcels.attribute("section[aria-labelledby=table] .head a", "href").unwrap();
        let form = browser.get(&add).await;
        let answers = [("column", "4"), ("first_from", "0"), ("first_to", "1"), ("rate", "12.50")];
        let stored = post(&mut browser, &form, &to, &answers).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let parcels = browser.get(&format!("{rates}?line=PARCEL")).await;
        assert_eq!(parcels.texts("thead th").len(), 4, "{}", parcels.html);
        assert!(parcels.html.contains("12.50"), "{}", parcels.html);
        let last = parcels.attribute("tbody tr:first-child td:last-child a", "href").unwrap();
        let form = browser.get(&last).await;
        let removed = post(&mut browser, &form, &removal, &[]).await;
        assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.html);
        let parcels = browser.get(&format!("{rates}?line=PARCEL")).await;
        assert!(!parcels.html.contains("12.50"), "{}", parcels.html);
        let report = desk.run(&["verify"]).ends(0).out;
        assert!(report.contains("all as they should be"), "{report}");
    });
}
