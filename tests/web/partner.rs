//! The partner pages.

use actix_web::http::StatusCode;
use lanemark::domain::viewer::Role;

use crate::support::app::TestApp;
use crate::support::db::on_both_async;

const FIELDS: [(&str, &str); 9] = [
    ("code", "OVL"),
    ("name", "Overland Freight"),
    ("scac", "OVLF"),
    ("mode", "Road"),
    ("status", "ACTIVE"),
    ("contact_name", "Mo Odell"),
    ("contact_email", "mo@overland.example"),
    ("review_cadence", "MONTHLY"),
    ("aliases", "Overland\nOVERLAND  ltd"),
];

fn with(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    FIELDS.iter().map(|&(field, old)| (field, if field == name { value } else { old })).collect()
}

#[test]
fn a_partner_is_added_shown_and_changed() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::CarrierManager).await;
        let added = browser.post("/partners", &FIELDS).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.html);
        let address = added.location().unwrap().to_owned();
        let shown = browser.get(&address).await;
        assert_eq!(shown.text("h1"), "Overland Freight");
        assert_eq!(shown.texts(".rest li"), ["overland", "overland ltd"]);
        let list = browser.get("/partners").await;
        assert!(list.texts("tbody th a").contains(&"Overland Freight".to_owned()));
        assert!(
            list.texts("tbody .nodata small").contains(&"no scorecard yet".to_owned()),
            "no data is no 0"
        );

        let form = browser.get(&format!("{address}/edit")).await;
        let seen = form.attribute("input[name=seen]", "value").unwrap();
        assert_eq!(form.attribute("#code", "value").as_deref(), Some("OVL"));
        let mut fields = with("mode", "Air");
        fields.push(("seen", &seen));
        assert_eq!(browser.post(&address, &fields).await.status, StatusCode::SEE_OTHER);
        let mut late = with("mode", "Rail");
        late.push(("seen", &seen));
        let stale = browser.post(&address, &late).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        assert!(
            stale.text(".notice.warn").contains("Someone changed the partner"),
            "{}",
            stale.text(".notice.warn")
        );
        assert_eq!(stale.attribute("#mode", "value").as_deref(), Some("Rail"), "kept");
    });
}

#[test]
fn what_is_wrong_stands_beside_its_field_and_the_values_stay() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Procurement).await;
        for (wrong, value) in [
            ("code", ""),
            ("code", "BRCK"),
            ("name", " "),
            ("scac", "overland"),
            ("contact_email", "nowhere"),
            ("status", "GONE"),
        ] {
            let reply = browser.post("/partners", &with(wrong, value)).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong} {value}");
            assert_eq!(reply.texts(".err").len(), 1, "{wrong} {value}");
            reply.text(&format!("#{wrong}-err"));
            assert_eq!(reply.attribute("#contact_name", "value").as_deref(), Some("Mo Odell"), "kept");
        }
    });
}

#[test]
fn a_carrier_finds_no_partner_page_not_even_its_own() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Partner).await;
        let own = format!("/partners/{}", browser.partner_id);
        for path in ["/partners", "/partners/new", "/contracts", own.as_str(), "/contracts/1"] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    });
}
