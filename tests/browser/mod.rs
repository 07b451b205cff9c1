//! The product in a real browser: every role walks every page of its own, sends its forms, and finds its way by
//! keyboard and without scripts. Needs Chromium and its driver; without them a visible skip, and a failure in CI.

mod driver;
mod forms;
mod money;
mod screens;
mod site;
mod story;
mod walk;

use std::future::Future;

use actix_web::rt::System;
use fantoccini::Locator;
use fantoccini::key::Key;
use lanemark::domain::viewer::Role;

use driver::{Browser, Scripts};
use site::{FINAL, REVIEWED, Site, on_sqlite, sign_in, sign_out};
use walk::{DESK, PHONE, Walk};

use crate::support::db::TestDb;

/// Pages that the first links of a role do not lead to: the negotiation of the site, a contract with rate tables, a draft
/// with some, a KPI of our own.
fn further(site: &Site, role: Role) -> Vec<String> {
    let Site { base, negotiated, priced, replayed, drafted, partner, behind, .. } = site;
    let mut pages = match role {
        Role::Admin => Vec::new(),
        Role::Partner => vec![
            format!("{base}/portal/negotiations/{negotiated}"),
            // A tender that was not taken can be asked to be excused.
            format!("{base}/portal/scorecards/{REVIEWED}/TAR?show=missed"),
        ],
        _ => vec![
            format!("{base}/contract-versions/{negotiated}/negotiation"),
            format!("{base}/contracts/{priced}"),
            // Where something was billed, so that figures lead to their shipments.
            format!("{base}/contracts/{priced}/calibration"),
            format!("{base}/contracts/{priced}/backtests/{replayed}"),
            format!("{base}/kpis/OTD_WIN"),
            format!("{base}/kpis/SILENT_SHARE"),
        ],
    };
    if role == Role::CarrierManager {
        // An exclusion is asked for while the scorecard is under review, a restatement once it is final.
        pages.push(format!("{base}/scorecards/{partner}/{REVIEWED}/OTD_WIN?show=missed"));
        pages.push(format!("{base}/scorecards/{partner}/{REVIEWED}/TAR?show=missed"));
        pages.push(format!("{base}/scorecards/{partner}/{FINAL}"));
    }
    if matches!(role, Role::CarrierManager | Role::Finance | Role::Controller | Role::Auditor) {
        pages.extend(behind.iter().map(|path| format!("{base}{path}")));
    }
    if role == Role::Procurement {
        pages.push(format!("{base}/contract-versions/{drafted}/table-rate?line=0"));
    }
    pages
}

/// Runs `test` where there is a browser.
fn in_browser<F: Future<Output = ()>>(scripts: Scripts, test: impl FnOnce(Browser, Site) -> F) {
    in_browser_over(on_sqlite, scripts, test);
}

/// Runs `test` over a network of this database where there is a browser.
fn in_browser_over<F: Future<Output = ()>>(
    db: impl FnOnce() -> TestDb,
    scripts: Scripts,
    test: impl FnOnce(Browser, Site) -> F,
) {
    if driver::is_installed() {
        System::new().block_on(async { test(Browser::open(scripts).await, Site::serve(db())).await });
    }
}

#[test]
fn every_role_walks_every_page_of_its_own_and_sends_a_form() {
    in_browser(Scripts::On, |browser, site| async move {
        browser.resize(DESK.0, DESK.1).await;
        let mut walk = Walk::new(&browser, &site.base);
        // Procurement begins: the draft it leaves is what others see and approve.
        let roles = [
            Role::Procurement,
            Role::CarrierManager,
            // Before finance approves it.
            Role::Controller,
            Role::Finance,
            Role::Auditor,
            Role::Admin,
            Role::Partner,
        ];
        for role in roles {
            sign_in(&browser, &site.base, role).await;
            let mut begin = forms::send(&browser, &site.base, role).await;
            begin.extend(further(&site, role));
            walk.role(role, &begin).await;
            sign_out(&browser, &site.base).await;
        }
        assert!(walk.problems.is_empty(), "\n{}", walk.problems.join("\n"));
    });
}

#[test]
fn forms_work_without_scripts() {
    in_browser(Scripts::Off, |browser, site| async move {
        let page = "data:text/html,<p>off<script>document.querySelector('p').textContent = 'on'</script>";
        browser.client.goto(page).await.unwrap();
        assert_eq!(browser.text("p").await, "off", "the browser runs no scripts of pages");
        sign_in(&browser, &site.base, Role::Partner).await;
        forms::send(&browser, &site.base, Role::Partner).await;
    });
}

#[test]
fn the_keyboard_reaches_what_the_mouse_does() {
    /// Which element has the focus, where it stands, and how it is marked.
    const FOCUS: &str = r"
    const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
    const seen = b.left >= 0 && b.top >= 0 && b.width > 0 && b.right <= innerWidth;
    return [e.textContent.trim() || e.name, seen, s.outlineStyle != 'none' && s.outlineWidth != '0px'];";

    in_browser(Scripts::On, |browser, site| async move {
        let tab = async || {
            let focused = browser.client.active_element().await.unwrap();
            focused.send_keys(&char::from(Key::Tab).to_string()).await.unwrap();
            browser.client.execute(FOCUS, Vec::new()).await.unwrap()
        };
        sign_in(&browser, &site.base, Role::CarrierManager).await;
        for size in [DESK, PHONE] {
            browser.resize(size.0, size.1).await;
            browser.client.goto(&format!("{}/today", site.base)).await.unwrap();
            for expected in ["Skip to content", "Lanemark", "Today"] {
                assert_eq!(tab().await, serde_json::json!([expected, true, true]), "at {size:?}");
            }
        }
        browser.client.goto(&format!("{}/today", site.base)).await.unwrap();
        tab().await;
        let skip = browser.client.active_element().await.unwrap();
        skip.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
        tab().await;
        let inside = browser.client.find(Locator::Css("main :focus")).await;
        assert!(inside.is_ok(), "after skipping, the next stop is in the page itself: {inside:?}");
    });
}
