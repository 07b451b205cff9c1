//! Money from both sides, as people click it: an item is disputed by the partner, answered by the manager, decided by finance, settled by
//! a credit note, exported and reconciled, and the partner reads the same in its statement.

use lanemark::domain::viewer::Role;

use super::driver::{Browser, Scripts};
use super::in_browser;
use super::site::{sign_in, sign_out};

/// The month whose items are told, and a day after that.
const MONTH: &str = "2026-06";
const TOLD: &str = "2026-07-16T12:00:00Z";
/// The number of the credit note.
const NOTE: &str = "CN-77";

#[test]
fn an_item_is_disputed_decided_credited_exported_and_reconciled() {
    in_browser(Scripts::On, |browser, mut site| async move {
        let base = site.told_at(TOLD);
        sign_in(&browser, &base, Role::Partner).await;
        browser.client.goto(&format!("{base}/portal/credits?month={MONTH}")).await.unwrap();
        browser.press("table.credits tbody th a[href^='/portal/items/']").await;
        let form = "form[action$='/disputes']";
        browser.fill(form, "unit", "The whole item").await;
        browser.fill(form, "amount", "1").await;
        browser.fill(form, "words", "The dock was closed, see the gate log.").await;
        browser.press(&format!("{form} button.btn")).await;
        browser.find("#lines").await;
        let address = browser.client.current_url().await.unwrap();
        let key = address.path().rsplit('/').next().unwrap().to_owned();
        sign_out(&browser, &base).await;

        // Who proposes to give it up does not decide it.
        sign_in(&browser, &base, Role::CarrierManager).await;
        open_item(&browser, &base, &key).await;
        answer(&browser, "PROPOSED").await;
        browser.says("Your answer is proposed").await;
        sign_out(&browser, &base).await;
        sign_in(&browser, &base, Role::Finance).await;
        open_item(&browser, &base, &key).await;
        answer(&browser, "DECIDED").await;
        browser.press("a[href^='/settlements/new']").await;
        let form = "form[action='/settlements']";
        for (name, value) in
            [("number", NOTE), ("settled_on", "2026-07-16"), ("amount", "1"), ("currency", "USD")]
        {
            browser.fill(form, name, value).await;
        }
        browser.press(&format!("{form} .btn.primary")).await;
        browser.says("What it settles").await;
        assert!(browser.text("h1").await.contains(NOTE));

        browser.client.goto(&format!("{base}/ledger/exports")).await.unwrap();
        browser.press(".form .btn.primary").await;
        browser.says("Lines").await;
        assert!(browser.text("h1").await.starts_with("Batch "));
        browser.client.goto(&format!("{base}/ledger/reconciliation")).await.unwrap();
        let reconciled = browser.text("main").await;
        assert!(!reconciled.contains("Not explained"), "{reconciled}");
        browser.client.goto(&format!("{base}/ledger/close")).await.unwrap();
        browser.press("form[action$='/checks'] .btn").await;
        browser.says("Steps").await;
        sign_out(&browser, &base).await;

        sign_in(&browser, &base, Role::Partner).await;
        browser.client.goto(&format!("{base}/portal/statement?period=2026-07")).await.unwrap();
        browser.says("Given up by a decision").await;
        browser.says("Partly settled").await;
        assert_eq!(browser.console_errors().await, Vec::<String>::new());
    });
}

/// Opens a disputed item from the list of the shipper.
async fn open_item(browser: &Browser, base: &str, key: &str) {
    browser.client.goto(&format!("{base}/disputes/items?stage=DISPUTED")).await.unwrap();
    browser.press(&format!("tbody a[href^='/items/'][href$='/{key}']")).await;
}

/// Gives up the disputed line, as a proposal or a decision.
async fn answer(browser: &Browser, step: &str) {
    browser.press(".form [name='ruling'] option[value='WAIVED']").await;
    browser.fill(".form", "words", "The log agrees with it.").await;
    browser.press(&format!(".form button[value='{step}']")).await;
}
