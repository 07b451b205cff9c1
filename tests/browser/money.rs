//! Money from both sides, as people click it: an item is disputed by the partner, answered by the manager, decided by finance, settled by
//! a credit note, exported and reconciled, the month is prepared by finance and closed by the controller, and the partner reads the same in its statement.

use fantoccini::Locator;
use lanemark::domain::viewer::Role;

use super::driver::{Browser, Scripts};
use super::site::{Site, on_postgres, sign_in, sign_out};
use super::{in_browser, in_browser_over};

/// The month whose items are told, and a day after that.
const MONTH: &str = "2026-06";
const TOLD: &str = "2026-07-16T12:00:00Z";
/// The number of the credit note.
const NOTE: &str = "CN-77";
/// The number of one that comes after its month was closed.
const LATE_NOTE: &str = "CN-78";
/// Why steps may be passed over.
const WHY: &str = "Looked at by both of us; it changes nothing of this month.";

#[test]
fn an_item_is_disputed_decided_credited_exported_and_reconciled_and_its_month_closed_on_sqlite() {
    in_browser(Scripts::On, whole_way);
}

#[test]
fn an_item_is_disputed_decided_credited_exported_and_reconciled_and_its_month_closed_on_postgres() {
    if let Some(db) = on_postgres() {
        in_browser_over(|| db, Scripts::On, whole_way);
    }
}

async fn whole_way(browser: Browser, mut site: Site) {
    let base = site.told_at(TOLD);
    sign_in(&browser, &base, Role::Partner).await;
    let key = dispute(&browser, &base).await;
    sign_out(&browser, &base).await;

    // Who proposes to give it up does not decide it.
    sign_in(&browser, &base, Role::CarrierManager).await;
    open_item(&browser, &base, &key).await;
    answer(&browser, "PROPOSED").await;
    browser.says("Your answer is proposed").await;
    sign_out(&browser, &base).await;
    sign_in(&browser, &base, Role::Finance).await;
    // The month is closed while the dispute waits, which two people pass over; what is decided posts in July.
    close(&browser, &base).await;
    open_item(&browser, &base, &key).await;
    answer(&browser, "DECIDED").await;
    let link = browser.find("a[href^='/settlements/new']").await;
    let book = format!("{base}{}", link.attr("href").await.unwrap().unwrap());
    browser.client.goto(&book).await.unwrap();
    note(&browser, NOTE, "2026-07-16").await;
    browser.says("What it settles").await;
    assert!(browser.text("h1").await.contains(NOTE));

    browser.client.goto(&format!("{base}/ledger/exports")).await.unwrap();
    browser.press(".form .btn.primary").await;
    browser.says("Lines").await;
    assert!(browser.text("h1").await.starts_with("Batch "));
    browser.client.goto(&format!("{base}/ledger/reconciliation")).await.unwrap();
    let reconciled = browser.text("main").await;
    assert!(!reconciled.contains("Not explained"), "{reconciled}");
    browser.client.goto(&book).await.unwrap();
    note(&browser, LATE_NOTE, "2026-06-30").await;
    browser.reads("err", "closed").await;
    // A refusal is an error to the console, and the only one.
    let refused = browser.console_errors().await;
    assert!(refused.iter().all(|line| line.contains("/settlements")), "{refused:?}");
    sign_out(&browser, &base).await;

    // Who keeps the carriers reads what was passed over, and by whom; the month takes nothing more.
    sign_in(&browser, &base, Role::CarrierManager).await;
    browser.client.goto(&format!("{base}/ledger/close/{MONTH}")).await.unwrap();
    browser.says("Noor Castellan approved").await;
    browser.says(WHY).await;
    sign_out(&browser, &base).await;

    sign_in(&browser, &base, Role::Partner).await;
    browser.client.goto(&format!("{base}/portal/statement?period=2026-07")).await.unwrap();
    browser.says("Given up by a decision").await;
    browser.says("Partly settled").await;
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
}

/// Books a credit note of this day on the form that is open.
async fn note(browser: &Browser, number: &str, dated: &str) {
    let form = "form[action='/settlements']";
    for (name, value) in [("number", number), ("settled_on", dated), ("amount", "1"), ("currency", "USD")] {
        browser.fill(form, name, value).await;
    }
    browser.press(&format!("{form} .btn.primary")).await;
}

/// Closes the month: finance asks to pass over what is left, the controller approves and closes. Begins and ends with finance
/// signed in.
async fn close(browser: &Browser, base: &str) {
    let page = format!("{base}/ledger/close/{MONTH}");
    browser.client.goto(&page).await.unwrap();
    browser.press("form[action$='/checks'] .btn").await;
    browser.reads("notice", "nothing is wrong").await;
    // The button stands after the choices, so that they are all there.
    browser.find("form[action$='/overrides'] .btn").await;
    let left = browser.client.find_all(Locator::Css("select[name='step'] option")).await.unwrap().len();
    assert!(left > 0, "something is left to pass over");
    let form = "form[action$='/overrides']";
    for asked in 1..=left {
        browser.fill(form, "reason", WHY).await;
        browser.press(&format!("{form} .btn")).await;
        waiting(browser, asked).await;
    }
    browser.says("You asked for this yourself").await;
    let buttons = browser.client.find_all(Locator::Css("form[action$='/decision']")).await.unwrap();
    assert!(buttons.is_empty(), "finance decides nothing it asked for");
    sign_out(browser, base).await;

    sign_in(browser, base, Role::Controller).await;
    browser.client.goto(&page).await.unwrap();
    for rest in (0..left).rev() {
        browser.press("form[action$='/decision'] button[value='approve']").await;
        waiting(browser, rest).await;
    }
    browser.client.goto(&page).await.unwrap();
    browser.press(&format!("form[action$='/close/{MONTH}'] .btn")).await;
    browser.reads("notice", "June 2026 is closed").await;
    browser.client.goto(&page).await.unwrap();
    browser.says("Nothing is posted in it any more").await;
    let buttons = browser.client.find_all(Locator::Css("main form button")).await.unwrap();
    assert!(buttons.is_empty(), "a closed month offers nothing to do");
    browser.client.goto(&format!("{base}/ledger?month={MONTH}")).await.unwrap();
    browser.says("June 2026, closed").await;
    sign_out(browser, base).await;
    sign_in(browser, base, Role::Finance).await;
}

/// Waits until so many steps wait for a second person.
async fn waiting(browser: &Browser, steps: usize) {
    let path = format!("//main[count(.//section[@aria-labelledby='wa']//table) = {steps}]");
    browser.client.wait().for_element(Locator::XPath(&path)).await.unwrap();
}

/// The partner disputes one unit of the first item of the month; answers the item's key.
async fn dispute(browser: &Browser, base: &str) -> String {
    browser.client.goto(&format!("{base}/portal/credits?month={MONTH}")).await.unwrap();
    browser.press("table.credits tbody th a[href^='/portal/items/']").await;
    let form = "form[action$='/disputes']";
    browser.fill(form, "unit", "The whole item").await;
    browser.fill(form, "amount", "1").await;
    browser.fill(form, "words", "The dock was closed, see the gate log.").await;
    browser.press(&format!("{form} button.btn")).await;
    browser.find("#lines").await;
    let address = browser.client.current_url().await.unwrap();
    address.path().rsplit('/').next().unwrap().to_owned()
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
