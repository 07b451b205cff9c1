//! One real piece of work for every role, done through the pages as people do it.

use fantoccini::Locator;
use lanemark::domain::viewer::Role;

use super::driver::Browser;

/// The contract that gets a new version.
const CONTRACT: &str = "LT-2025-01";
/// The contract with a version that waits for the demo's partner, and the number of that version.
const WAITING: (&str, &str) = ("TL-2025-02", "?version=3");
/// The contract with a version in review.
const IN_REVIEW: (&str, &str) = ("TL-2025-04", "?version=2");
/// A contract that nobody is changing.
const OTHER_CONTRACT: &str = "TL-2025-01";
/// The partner without a contract.
const WITHOUT_CONTRACT: &str = "Pinnock Hill Cartage";

/// Does the work of `role`. Gives pages that only exist because of it, for a walk to begin from.
pub async fn send(browser: &Browser, base: &str, role: Role) -> Vec<String> {
    match role {
        Role::Procurement => write_contracts(browser, base).await,
        Role::CarrierManager => change_partner(browser, base).await,
        Role::Finance => approve_version(browser, base).await,
        Role::Controller => set_waiver_budget(browser, base).await,
        Role::Auditor => choose_theme(browser, base).await,
        Role::Admin => add_user(browser, base).await,
        Role::Partner => answer_plan(browser, base).await,
    }
}

async fn open(browser: &Browser, base: &str, path: &str, link: &str) {
    browser.client.goto(&format!("{base}{path}")).await.unwrap();
    browser.client.find(Locator::LinkText(link)).await.unwrap().click().await.unwrap();
}

async fn here(browser: &Browser) -> String {
    browser.client.current_url().await.unwrap().to_string()
}

/// Starts a version of a contract with a dearer rate, and a contract for the partner that has none.
async fn write_contracts(browser: &Browser, base: &str) -> Vec<String> {
    browser.client.goto(&format!("{base}/contracts/new")).await.unwrap();
    for (name, value) in [
        ("partner", WITHOUT_CONTRACT),
        ("number", "TL-2026-09"),
        ("title", "Truckload, regional"),
        ("term_start", "2026-09-01"),
        ("term_end", "2027-08-31"),
    ] {
        browser.fill(".form", name, value).await;
    }
    browser.press(".form .btn.primary").await;
    browser.reads("notice", "is a draft").await;
    let new = here(browser).await;

    open(browser, base, "/contracts", CONTRACT).await;
    browser.press("a[href$='/versions/new']").await;
    browser.fill(".form", "valid_from", "2026-09-01").await;
    browser.fill(".form", "change_summary", "Tailgate lifts are dearer").await;
    browser.press(".form .btn.primary").await;
    browser.reads("notice", "copy of the one before").await;
    let draft = here(browser).await;
    browser.press("a[href^='/contract-versions/'][href$='/rate']").await;
    for (name, value) in [("code", "TAIL"), ("label", "Tailgate lift"), ("rate", "45.00")] {
        browser.fill(".form", name, value).await;
    }
    browser.press(".form [name='unit'] option[value='PER_OCCURRENCE']").await;
    browser.press(".form .btn.primary").await;
    assert!(browser.text(".changes ins").await.contains("45.00"));
    write_terms(browser).await;
    browser.press("form[action$='/review'] button").await;
    browser.reads("notice", "is in review").await;
    // One without a draft, to start a version from.
    open(browser, base, "/contracts", OTHER_CONTRACT).await;
    let mut begin = vec![new, draft, here(browser).await];
    begin.extend(stages(browser, base).await);
    begin
}

/// Adds a fuel programme, a lane and a tier programme to the draft that is open.
async fn write_terms(browser: &Browser) {
    let fuel: &[(&str, &str)] = &[
        ("code", "FUE"),
        ("label", "Reefer fuel"),
        ("index", "EIA-DIESEL-US"),
        ("method", "Table"),
        ("brackets", "0 – 2.50: 0\n2.50 and more: 18.5"),
    ];
    let tier: &[(&str, &str)] = &[
        ("label", "Volume rebate"),
        ("bands", "0: 0 %\n500,000: 2 %"),
        ("method", "On the part inside each band"),
    ];
    let lane: &[(&str, &str)] = &[("code", "NEW-LANE"), ("origin", "US-TX"), ("destination", "US-OK")];
    for (kind, fields, says) in [
        ("fuel", fuel, "table of 2 rows"),
        ("lane", lane, "US-TX to US-OK"),
        ("tier", tier, "2 % from 500,000.00"),
    ] {
        browser.press(&format!("a[href^='/contract-versions/'][href$='/terms/{kind}']")).await;
        for (name, value) in fields {
            browser.fill(".form", name, value).await;
        }
        if kind == "lane" {
            // The form says which rate tables there are.
            let hint = browser.text("#line-hint").await;
            let first = hint.split("are ").nth(1).and_then(|all| all.split([',', '.', ' ']).next());
            browser.fill(".form", "line", first.expect("the contract has rate tables")).await;
        }
        browser.press(".form .btn.primary").await;
        browser.reads("notice", "It is in the draft.").await;
        let list = browser.text(&format!("section[aria-labelledby='{kind}']")).await;
        assert!(list.contains(says), "{kind}: {list}");
        assert!(browser.text(".changes").await.contains(fields[0].1), "{kind} is in the redline");
    }
}

/// A version in review and one that waits for a signature: pages with buttons of their own.
async fn stages(browser: &Browser, base: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for (contract, version) in [IN_REVIEW, WAITING] {
        open(browser, base, "/contracts", contract).await;
        browser.press(&format!("a[href$='{version}']")).await;
        pages.push(here(browser).await);
    }
    pages
}

async fn change_partner(browser: &Browser, base: &str) -> Vec<String> {
    open(browser, base, "/partners", WITHOUT_CONTRACT).await;
    browser.press("a[href$='/edit']").await;
    browser.fill(".form", "contact_name", "Sol Pinnock-Hale").await;
    browser.press(".form .btn.primary").await;
    browser.reads("notice", "The changes are stored.").await;
    assert!(browser.text("main").await.contains("Sol Pinnock-Hale"));
    Vec::new()
}

/// Approves what procurement wrote.
async fn approve_version(browser: &Browser, base: &str) -> Vec<String> {
    open(browser, base, "/contracts", CONTRACT).await;
    browser.press("a[href$='?version=3']").await;
    browser.press("form[action$='/approval'] button").await;
    browser.reads("notice", "The version is approved and sealed.").await;
    open(browser, base, "/contracts", OTHER_CONTRACT).await;
    let mut begin = vec![here(browser).await];
    begin.extend(stages(browser, base).await);
    begin
}

/// Says what may be given up for a partner in a year, and which days deadlines skip. What waits for approval or a signature is
/// a controller's to give back as well.
async fn set_waiver_budget(browser: &Browser, base: &str) -> Vec<String> {
    browser.client.goto(&format!("{base}/disputes")).await.unwrap();
    let form = "form[action='/disputes/budgets']";
    for (name, value) in
        [("year", "2027"), ("amount", "1500"), ("currency", "USD"), ("reason", "As much as the year before.")]
    {
        browser.fill(form, name, value).await;
    }
    browser.press(&format!("{form} .btn")).await;
    browser.reads("notice", "The waiver budget is set.").await;
    write_holidays(browser, base).await;
    stages(browser, base).await
}

/// Writes the holidays that deadlines skip.
async fn write_holidays(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/disputes/holidays")).await.unwrap();
    let form = "form[action='/disputes/holidays']";
    browser.fill(form, "holidays", "2026-12-25 Christmas Day").await;
    browser.press(&format!("{form} .btn.primary")).await;
    browser.reads("notice", "The list of holidays is kept.").await;
    assert!(browser.text("main").await.contains("Friday 25 December 2026"));
}

/// Looks at the pages in the dark for a moment.
async fn choose_theme(browser: &Browser, base: &str) -> Vec<String> {
    browser.client.goto(&format!("{base}/account")).await.unwrap();
    let form = "form[action='/account/theme']";
    for (theme, shown) in [("dark", "html[data-theme='dark']"), ("device", "html:not([data-theme])")] {
        browser.fill(form, "theme", theme).await;
        browser.press(&format!("{form} .btn")).await;
        browser.reads("notice", "Saved on this device.").await;
        // The words are the same both times; the page that carries them is told by its theme.
        browser.find(shown).await;
    }
    Vec::new()
}

/// Adds a user, and gives that user another role.
async fn add_user(browser: &Browser, base: &str) -> Vec<String> {
    browser.client.goto(&format!("{base}/users")).await.unwrap();
    for (name, value) in [
        ("name", "Ada Quill"),
        ("email", "ada@shipper.example"),
        ("role", "Auditor"),
        ("password", "a promise is a promise"),
    ] {
        browser.fill("form[action='/users']", name, value).await;
    }
    browser.press("form[action='/users'] .btn.primary").await;
    browser.reads("notice", "Ada Quill may sign in now.").await;
    let link = "//tr[.//th[contains(., 'Ada Quill')]]//a[contains(@href, '/role')]";
    browser.client.find(Locator::XPath(link)).await.unwrap().click().await.unwrap();
    let form = "form[action$='/role']";
    browser.fill(form, "role", "CONTROLLER").await;
    browser.press(&format!("{form} #known")).await;
    browser.press(&format!("{form} .btn.primary")).await;
    browser.reads("notice", "Ada Quill is Controller now").await;
    Vec::new()
}

/// Says yes to one week and takes less in another.
async fn answer_plan(browser: &Browser, base: &str) -> Vec<String> {
    browser.client.goto(&format!("{base}/portal/plan")).await.unwrap();
    browser.press("button[value='commit']").await;
    browser.reads("notice", "you committed.").await;
    let form = "section[aria-labelledby='open'] form.answer";
    browser.fill(form, "loads", "0").await;
    browser.fill(form, "reason", "Two drivers on leave").await;
    browser.press(&format!("{form} button[value='counter']")).await;
    browser.reads("notice", "your offer of 0 was sent.").await;
    assert!(browser.text("main").await.contains("offers 0: Two drivers on leave"));
    Vec::new()
}
