//! A review from both sides, as people click it: from all partners down to one event and back, a challenge by the partner, its
//! answer, the day it is final, and the restatement after.

use fantoccini::Locator;
use lanemark::domain::viewer::Role;

use super::driver::{Browser, Scripts};
use super::in_browser;
use super::site::{Site, sign_in, sign_out};

/// The month whose review is open on the day of the site, and a day on which it is final.
const MONTH: &str = "2026-06";
const FINAL_DAY: &str = "2026-07-20T09:00:00Z";
/// The partner of the demo's own sign-in.
const PARTNER: &str = "Copperwick Trucking";

#[test]
fn four_clicks_lead_from_all_partners_to_an_event_and_the_same_way_back() {
    in_browser(Scripts::On, |browser, site| async move {
        sign_in(&browser, &site.base, Role::CarrierManager).await;
        browser.client.goto(&format!("{}/scorecards", site.base)).await.unwrap();
        let start = address(&browser).await;
        let card = format!("//tr[.//th[contains(., '{PARTNER}')]]//td//a[contains(@href, '/{MONTH}')]");
        browser.client.find(Locator::XPath(&card)).await.unwrap().click().await.unwrap();
        browser.press("#OTD_WIN td a.n").await;
        let list = address(&browser).await;
        assert!(list.contains("/OTD_WIN"), "{list}");
        browser.press("tbody th a[href^='/shipments/']").await;
        assert!(browser.text("h1").await.starts_with("Shipment "));
        let facts = browser.text("main").await;
        assert!(facts.contains("after the window") || facts.contains("never reported"), "{facts}");
        for _ in 0..3 {
            browser.client.back().await.unwrap();
        }
        assert_eq!(address(&browser).await, start);
    });
}

#[test]
fn a_line_is_challenged_made_final_decided_and_restated() {
    in_browser(Scripts::On, |browser, mut site| async move {
        let reference = challenge(&browser, &site.base, "OTD_WIN").await;
        // The days go by; the challenge is still open when the card becomes final.
        site.serve_at(FINAL_DAY);
        answer(&browser, &site, &reference).await;
        browser.reads("top", "Restate").await;
        browser.fill(".form", "reason", "A challenge accepted late").await;
        browser.press(".form .btn.primary").await;
        browser.reads("notice", "Restated").await;
        assert!(browser.text("main").await.contains("A challenge accepted late"));
        sign_out(&browser, &site.base).await;

        // The partner reads why, and opens the card as it was.
        sign_in(&browser, &site.base, Role::Partner).await;
        browser.client.goto(&format!("{}/portal/scorecards/{MONTH}", site.base)).await.unwrap();
        assert!(browser.text("main").await.contains("A challenge accepted late"));
        browser.client.goto(&format!("{}/portal/scorecards/{MONTH}?version=1", site.base)).await.unwrap();
        browser.find("#OTD_WIN").await;
        assert_eq!(browser.console_errors().await, Vec::<String>::new());
    });
}

async fn address(browser: &Browser) -> String {
    browser.client.current_url().await.unwrap().to_string()
}

/// As the partner: challenges the first line behind a KPI. Gives the reference.
async fn challenge(browser: &Browser, base: &str, kpi: &str) -> String {
    sign_in(browser, base, Role::Partner).await;
    browser.client.goto(&format!("{base}/portal/scorecards/{MONTH}")).await.unwrap();
    browser.press(&format!("#{kpi} td a.n")).await;
    let row = "(//tr[.//a[contains(@href, '/challenge?')]])[1]";
    let reference = format!("{row}//th//a");
    let reference = browser.client.find(Locator::XPath(&reference)).await.unwrap().text().await.unwrap();
    let link = format!("{row}//a[contains(@href, '/challenge?')]");
    browser.client.find(Locator::XPath(&link)).await.unwrap().click().await.unwrap();
    browser.fill(".form", "statement", "The truck stood at the gate in time.").await;
    browser.fill(".form", "evidence", "Gate log").await;
    browser.press(".form .btn.primary").await;
    browser.reads("facts", "waits for an answer").await;
    sign_out(browser, base).await;
    reference
}

/// As the carrier manager: finds the challenge among what needs a decision, and excuses the unit.
async fn answer(browser: &Browser, site: &Site, reference: &str) {
    sign_in(browser, &site.base, Role::CarrierManager).await;
    browser.client.goto(&format!("{}/decisions", site.base)).await.unwrap();
    let link = format!("//a[contains(., '{reference}') and contains(@href, '/challenges/')]");
    browser.client.find(Locator::XPath(&link)).await.unwrap().click().await.unwrap();
    browser.reads("crumb", "Challenge").await;
    assert!(browser.text("main").await.contains(PARTNER) || browser.text("h1").await.contains(reference));
    for (name, value) in [("party", "CONSIGNEE"), ("reason_code", "B1")] {
        browser.find(&format!(".form [name='{name}'] option[value='{value}']")).await.click().await.unwrap();
    }
    browser.fill(".form", "words", "The log says so.").await;
    browser.press(".form button[value='EXCUSED']").await;
    browser.client.wait().for_element(Locator::Css(".notice, .form")).await.unwrap();
}
