//! Every route as every role. A route without a row here fails the test.

use actix_web::http::{Method, StatusCode};
use lanemark::domain::viewer::Role::{self, *};
use lanemark::web::routes;

use crate::support::app::TestApp;
use crate::support::db::on_both_async;

/// Who a route is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    /// Everybody.
    All,
    /// Whoever is signed in.
    Users,
    /// These roles; other shippers' roles see 403, a partner 404.
    Roles(&'static [Role]),
}

use For::{All, Roles, Users};

/// Whoever works with partners on the shipper's side.
const SHIPPER: &[Role] = &[Procurement, CarrierManager, Finance, Controller, Auditor];
/// Whoever may change partners.
const EDIT_PARTNERS: &[Role] = &[Procurement, CarrierManager];

/// Method, address pattern, who may.
pub(super) const EXPECTED: &[(&str, &str, For)] = &[
    ("GET", "/templates", Roles(SHIPPER)),
    ("GET", "/templates/new", Roles(&[Procurement, CarrierManager])),
    ("POST", "/templates", Roles(&[Procurement, CarrierManager])),
    ("GET", "/templates/{code}", Roles(SHIPPER)),
    ("GET", "/templates/{code}/edit", Roles(&[Procurement, CarrierManager])),
    ("GET", "/template-versions/{version}", Roles(SHIPPER)),
    ("POST", "/template-versions/{version}/decision", Roles(&[Procurement, CarrierManager])),
    ("GET", "/partners/{id}/standing", Roles(SHIPPER)),
    ("GET", "/partners/{id}/two-way", Roles(SHIPPER)),
    ("GET", "/portal/two-way", Roles(&[Partner])),
    ("POST", "/partners/{id}/standing-overrides", Roles(&[Procurement, CarrierManager])),
    ("POST", "/partners/{id}/corrective-actions", Roles(&[CarrierManager])),
    ("POST", "/standing-overrides/{id}/decision", Roles(&[Procurement, CarrierManager])),
    ("GET", "/watch-list", Roles(SHIPPER)),
    ("GET", "/corrective-actions/{id}", Roles(SHIPPER)),
    ("POST", "/corrective-actions/{id}/steps", Roles(&[CarrierManager])),
    ("GET", "/portal/corrective-actions/{id}", Roles(&[Partner])),
    ("POST", "/portal/corrective-actions/{id}/answer", Roles(&[Partner])),
    ("GET", "/decisions", Roles(SHIPPER)),
    ("GET", "/exclusions/{id}", Roles(SHIPPER)),
    ("POST", "/exclusions/{id}/decision", Roles(&[CarrierManager])),
    ("GET", "/evidence-files/{id}", Roles(SHIPPER)),
    ("GET", "/challenges/{id}", Roles(SHIPPER)),
    ("POST", "/challenges/{id}/answer", Roles(&[CarrierManager])),
    ("GET", "/declared-events", Roles(SHIPPER)),
    ("POST", "/declared-events", Roles(&[CarrierManager])),
    ("POST", "/declared-events/{id}/decision", Roles(&[CarrierManager])),
    ("GET", "/scorecards/{partner_id}/{period}/restatement", Roles(&[CarrierManager])),
    ("POST", "/scorecards/{partner_id}/{period}/restatement", Roles(&[CarrierManager])),
    ("GET", "/shipments/{partner_id}/{source}/{reference}/exclusion", Roles(&[CarrierManager])),
    ("POST", "/shipments/{partner_id}/{source}/{reference}/exclusion", Roles(&[CarrierManager])),
    ("GET", "/tenders/{partner_id}/{source}/{reference}/exclusion", Roles(&[CarrierManager])),
    ("POST", "/tenders/{partner_id}/{source}/{reference}/exclusion", Roles(&[CarrierManager])),
    ("GET", "/portal/scorecards/{period}/{kpi}/challenge", Roles(&[Partner])),
    ("POST", "/portal/scorecards/{period}/{kpi}/challenge", Roles(&[Partner])),
    ("GET", "/portal/challenges/{id}", Roles(&[Partner])),
    ("POST", "/portal/challenges/{id}/withdrawal", Roles(&[Partner])),
    ("GET", "/portal/shipments/{source}/{reference}/exclusion", Roles(&[Partner])),
    ("POST", "/portal/shipments/{source}/{reference}/exclusion", Roles(&[Partner])),
    ("GET", "/portal/tenders/{source}/{reference}/exclusion", Roles(&[Partner])),
    ("POST", "/portal/tenders/{source}/{reference}/exclusion", Roles(&[Partner])),
    ("GET", "/portal/exclusions", Roles(&[Partner])),
    ("GET", "/portal/exclusions/{id}", Roles(&[Partner])),
    ("POST", "/portal/exclusions/{id}/withdrawal", Roles(&[Partner])),
    ("GET", "/portal/evidence-files/{id}", Roles(&[Partner])),
    ("GET", "/sign-in", All),
    ("POST", "/sign-in", All),
    ("POST", "/sign-out", All),
    ("GET", "/", Users),
    ("GET", "/account", Users),
    ("POST", "/account/password", Users),
    ("POST", "/account/theme", Users),
    ("GET", "/disputes", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/disputes/budgets", Roles(&[Controller])),
    ("GET", "/disputes/holidays", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/disputes/holidays", Roles(&[Controller])),
    ("GET", "/disputes/items", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/items/{partner}/{key}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/items/{partner}/{key}/evidence.zip", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/items/{partner}/{key}/answer", Roles(&[CarrierManager, Finance, Controller])),
    ("GET", "/settlements", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/settlements/new", Roles(&[Finance, Controller])),
    ("POST", "/settlements", Roles(&[Finance, Controller])),
    ("POST", "/settlements/set-off", Roles(&[Finance, Controller])),
    ("GET", "/settlements/{partner}/{id}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/settlements/{partner}/{id}/applications", Roles(&[Finance, Controller])),
    ("GET", "/statements/{partner}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/portal/credits/acceptance", Roles(&[Partner])),
    ("GET", "/portal/items/{key}", Roles(&[Partner])),
    ("GET", "/portal/items/{key}/evidence.zip", Roles(&[Partner])),
    ("POST", "/portal/items/{key}/answer", Roles(&[Partner])),
    ("POST", "/portal/items/{key}/disputes", Roles(&[Partner])),
    ("GET", "/portal/statement", Roles(&[Partner])),
    ("GET", "/portal/statement.csv", Roles(&[Partner])),
    ("GET", "/portal/statement.xlsx", Roles(&[Partner])),
    ("GET", "/invoices", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/invoices.csv", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/invoices/drift", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/invoices/lines", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/invoices/terms/{partner}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/invoices/terms/{partner}", Roles(&[Finance, Controller])),
    ("GET", "/invoices/{id}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/invoices/{id}/rulings", Roles(&[Finance, Controller])),
    ("POST", "/invoices/{id}/steps", Roles(&[Finance, Controller])),
    ("GET", "/portal/invoices", Roles(&[Partner])),
    ("GET", "/portal/invoices/{id}", Roles(&[Partner])),
    ("POST", "/portal/invoices/{id}/steps", Roles(&[Partner])),
    ("GET", "/capacity", Roles(&[Procurement, CarrierManager, Auditor])),
    ("GET", "/capacity.csv", Roles(&[Procurement, CarrierManager, Auditor])),
    ("GET", "/capacity/{lane}", Roles(&[Procurement, CarrierManager, Auditor])),
    ("GET", "/portal/plan", Roles(&[Partner])),
    ("GET", "/portal/plan.csv", Roles(&[Partner])),
    ("POST", "/portal/plan/{plan}/answers", Roles(&[Partner])),
    ("POST", "/portal/plan/{plan}/commitment", Roles(&[Partner])),
    ("GET", "/partners", Roles(SHIPPER)),
    ("GET", "/partners/new", Roles(EDIT_PARTNERS)),
    ("POST", "/partners", Roles(EDIT_PARTNERS)),
    ("GET", "/partners/{id}", Roles(SHIPPER)),
    ("GET", "/partners/{id}/edit", Roles(EDIT_PARTNERS)),
    ("POST", "/partners/{id}", Roles(EDIT_PARTNERS)),
    ("GET", "/contracts", Roles(SHIPPER)),
    ("GET", "/contracts/new", Roles(&[Procurement])),
    ("POST", "/contracts", Roles(&[Procurement])),
    ("GET", "/contracts/attention", Roles(SHIPPER)),
    ("GET", "/contracts/{id}", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/backtest", Roles(SHIPPER)),
    ("POST", "/contracts/{id}/backtests", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/backtests/{run}", Roles(SHIPPER)),
    ("POST", "/contracts/{id}/backtests/{run}/cancellation", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/backtests/{run}/table.csv", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/backtests/{run}/workbook.xlsx", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/simulation", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/calibration", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/calibration/shipments", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/versions/{version}/rates", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/versions/{version}/rates.csv", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/versions/{version}/rates.xlsx", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/versions/{version}/rate", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/known", Roles(SHIPPER)),
    ("GET", "/contracts/{id}/attachments", Roles(SHIPPER)),
    ("POST", "/contracts/{id}/attachments", Roles(&[Procurement])),
    ("GET", "/attachments/{id}", Roles(SHIPPER)),
    ("POST", "/attachments/{id}/moves", Roles(&[Procurement])),
    ("GET", "/contracts/{id}/edit", Roles(&[Procurement])),
    ("POST", "/contracts/{id}", Roles(&[Procurement])),
    ("GET", "/contracts/{id}/notice", Roles(&[Procurement])),
    ("POST", "/contracts/{id}/notice", Roles(&[Procurement])),
    ("GET", "/contracts/{id}/versions/new", Roles(&[Procurement])),
    ("POST", "/contracts/{id}/versions", Roles(&[Procurement])),
    ("POST", "/contracts/{id}/approval", Roles(&[Procurement, Finance, Controller])),
    ("GET", "/contracts/{id}/suspension", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contracts/{id}/suspension", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contracts/{id}/resumption", Roles(&[Procurement, Finance, Controller])),
    ("GET", "/contracts/{id}/termination", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contracts/{id}/termination", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contract-versions/{id}/review", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/return", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contract-versions/{id}/return", Roles(&[Procurement, Finance, Controller])),
    ("GET", "/contract-versions/{id}/recall", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/contract-versions/{id}/recall", Roles(&[Procurement, Finance, Controller])),
    ("GET", "/contract-versions/{id}/negotiation", Roles(SHIPPER)),
    ("POST", "/contract-versions/{id}/rounds", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/answers", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/concessions", Roles(SHIPPER)),
    ("GET", "/contract-versions/{id}/edit", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/withdrawal", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/removals", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/options", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/options", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/parameters", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/parameters", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/terms/{kind}", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/terms/{kind}", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/sheet", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/sheet", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/limits", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/limits", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/rate", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/rate", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/table-rate", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/table-rate", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/table-rate/removal", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/target", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/target", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/late-clause", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/late-clause", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/threshold-clause", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/threshold-clause", Roles(&[Procurement])),
    ("GET", "/contract-versions/{id}/clauses/{kind}", Roles(&[Procurement])),
    ("POST", "/contract-versions/{id}/clauses/{kind}", Roles(&[Procurement])),
    ("GET", "/charge-codes", Roles(SHIPPER)),
    ("GET", "/charge-codes/mapped", Roles(SHIPPER)),
    ("GET", "/charge-codes/{partner}/{code}", Roles(SHIPPER)),
    ("POST", "/charge-codes/{partner}/{code}", Roles(&[Procurement, Finance, Controller])),
    ("POST", "/charge-codes/{partner}/{code}/withdrawal", Roles(&[Procurement, Finance, Controller])),
    ("GET", "/ledger", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger.csv", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/accruals/{partner}/{key}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    (
        "GET",
        "/ledger/accruals/{partner}/{key}/replacements",
        Roles(&[CarrierManager, Finance, Controller, Auditor]),
    ),
    ("GET", "/ledger/freight", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/freight.csv", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/freight/{partner}/{entry}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/close", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/close/{month}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/ledger/close/{month}", Roles(&[Controller])),
    ("POST", "/ledger/close/{month}/checks", Roles(&[Finance, Controller])),
    ("POST", "/ledger/close/{month}/overrides", Roles(&[Finance, Controller])),
    ("POST", "/ledger/close-overrides/{id}/decision", Roles(&[Controller])),
    ("GET", "/ledger/roll-forward.csv", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/roll-forward.xlsx", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/exports", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/ledger/exports", Roles(&[Finance, Controller])),
    ("GET", "/ledger/exports/{batch}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/exports/{batch}/{file}", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/layout", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/ledger/layout", Roles(&[Finance, Controller])),
    ("GET", "/ledger/reconciliation", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/incentives", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/ledger/budget", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/ledger/budget", Roles(&[Finance, Controller])),
    ("GET", "/ledger/accounts", Roles(&[CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/ledger/accounts", Roles(&[Finance, Controller])),
    ("GET", "/portal", Roles(&[Partner])),
    ("GET", "/portal/scorecards", Roles(&[Partner])),
    ("GET", "/portal/scorecards/{period}", Roles(&[Partner])),
    ("GET", "/portal/scorecards/{period}/{kpi}", Roles(&[Partner])),
    ("GET", "/portal/shipments/{source}/{reference}", Roles(&[Partner])),
    ("GET", "/portal/kpis", Roles(&[Partner])),
    ("GET", "/portal/contract", Roles(&[Partner])),
    ("GET", "/portal/contract/rates", Roles(&[Partner])),
    ("GET", "/portal/contract/rates.csv", Roles(&[Partner])),
    ("GET", "/portal/contract/rates.xlsx", Roles(&[Partner])),
    ("GET", "/portal/contract/rate", Roles(&[Partner])),
    ("GET", "/portal/attachments/{id}", Roles(&[Partner])),
    ("GET", "/portal/signatures/{id}", Roles(&[Partner])),
    ("POST", "/portal/signatures/{id}", Roles(&[Partner])),
    ("POST", "/portal/signatures/{id}/refusal", Roles(&[Partner])),
    ("GET", "/portal/negotiations/{id}", Roles(&[Partner])),
    ("POST", "/portal/negotiations/{id}/answers", Roles(&[Partner])),
    ("GET", "/portal/negotiations/{id}/counter", Roles(&[Partner])),
    ("POST", "/portal/negotiations/{id}/counter", Roles(&[Partner])),
    ("GET", "/portal/negotiations/{id}/terms.csv", Roles(&[Partner])),
    ("GET", "/portal/negotiations/{id}/terms.xlsx", Roles(&[Partner])),
    ("GET", "/portal/negotiations/{id}/replay", Roles(&[Partner])),
    ("GET", "/portal/credits", Roles(&[Partner])),
    ("GET", "/today", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/today.csv", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/scorecards", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    (
        "GET",
        "/scorecards/{partner_id}/{period}",
        Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor]),
    ),
    (
        "GET",
        "/scorecards/{partner_id}/{period}/{kpi}",
        Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor]),
    ),
    ("GET", "/kpis", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/kpis/new", Roles(&[CarrierManager])),
    ("POST", "/kpis", Roles(&[CarrierManager])),
    ("GET", "/kpis/{code}", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/kpis/{code}/partners", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/compare", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/exceptions", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/exceptions/rows", Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor])),
    (
        "GET",
        "/scorecards/{partner_id}/{period}/evidence.zip",
        Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor]),
    ),
    ("GET", "/portal/scorecards/{period}/evidence.zip", Roles(&[Partner])),
    ("GET", "/kpis/{code}/edit", Roles(&[CarrierManager])),
    ("POST", "/kpis/{code}", Roles(&[CarrierManager])),
    ("POST", "/kpis/{code}/retirement", Roles(&[CarrierManager])),
    (
        "GET",
        "/shipments/{partner_id}/{source}/{reference}",
        Roles(&[Procurement, CarrierManager, Finance, Controller, Auditor]),
    ),
    ("GET", "/imports", Roles(&[Admin, Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/imports/{id}", Roles(&[Admin, Procurement, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/jobs", Roles(&[Admin, CarrierManager, Finance, Controller, Auditor])),
    ("GET", "/jobs/{job}", Roles(&[Admin, CarrierManager, Finance, Controller, Auditor])),
    ("POST", "/jobs/{job}/runs", Roles(&[Admin, CarrierManager])),
    ("GET", "/outbox", Roles(&[Admin, CarrierManager, Auditor])),
    ("GET", "/outbox/{id}", Roles(&[Admin, CarrierManager, Auditor])),
    ("GET", "/outbox/{id}/body", Roles(&[Admin, CarrierManager, Auditor])),
    ("GET", "/outbox/{id}/parts/{part}", Roles(&[Admin, CarrierManager, Auditor])),
    ("POST", "/outbox/{id}/attempts", Roles(&[Admin, CarrierManager])),
    ("GET", "/users", Roles(&[Admin, Auditor])),
    ("POST", "/users", Roles(&[Admin])),
    ("GET", "/users/{id}/role", Roles(&[Admin])),
    ("POST", "/users/{id}/role", Roles(&[Admin])),
    ("POST", "/users/{id}/state", Roles(&[Admin])),
    ("GET", "/audit", Roles(&[Admin, Auditor])),
];

#[test]
fn every_route_says_who_it_is_for() {
    let mut expected: Vec<String> =
        EXPECTED.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let mut real: Vec<String> =
        routes::list().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    expected.sort();
    real.sort();
    assert_eq!(real, expected, "src/web/routes.rs and this table must name the same routes");
    let before = real.len();
    real.dedup();
    assert_eq!(before, real.len(), "a route is listed twice");
}

#[test]
fn every_route_opens_for_its_roles_and_for_nobody_else() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        for &(method, pattern, whom) in EXPECTED {
            browser.forget();
            let reply = call(&mut browser, method, pattern).await;
            let to_sign_in = reply.status == StatusCode::SEE_OTHER
                && reply.location().is_some_and(|to| to.starts_with("/sign-in"));
            if !matches!(whom, All) {
                assert!(to_sign_in, "{method} {pattern} as nobody: {}", reply.status);
            }
            for role in Role::ALL {
                browser.forget();
                browser.sign_in_as(role).await;
                let reply = call(&mut browser, method, pattern).await;
                let status = reply.status;
                let told = format!("{method} {pattern} as {role}: {status}");
                assert!(!status.is_server_error(), "{told}");
                match whom {
                    All | Users => {
                        assert!(status != StatusCode::FORBIDDEN && status != StatusCode::NOT_FOUND, "{told}");
                    }
                    Roles(roles) if roles.contains(&role) => assert!(
                        status != StatusCode::FORBIDDEN
                            && reply.location().is_none_or(|to| !to.starts_with("/sign-in")),
                        "{told}"
                    ),
                    Roles(_) if role == Partner => assert_eq!(status, StatusCode::NOT_FOUND, "{told}"),
                    Roles(_) => assert_eq!(status, StatusCode::FORBIDDEN, "{told}"),
                }
            }
        }
    });
}

/// Opens the route with made-up values for what its pattern leaves open.
async fn call(browser: &mut TestApp, method: &str, pattern: &str) -> crate::support::app::Reply {
    let path: String = pattern
        .split('/')
        .map(|part| if part.starts_with('{') { "1" } else { part })
        .collect::<Vec<_>>()
        .join("/");
    match method.parse::<Method>().unwrap() {
        Method::GET => browser.get(&path).await,
        _ => browser.post(&path, &[]).await,
    }
}

#[test]
fn the_rail_lists_only_what_the_role_may_open_and_every_link_opens() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        for role in Role::ALL {
            browser.sign_in_as(role).await;
            let account = browser.get("/account").await;
            let selector = scraper::Selector::parse(".rail nav a").unwrap();
            let links: Vec<String> = account
                .page()
                .select(&selector)
                .filter_map(|link| link.value().attr("href").map(str::to_owned))
                .collect();
            for link in links {
                let reply = browser.get(&link).await;
                assert_eq!(reply.status, StatusCode::OK, "{link} as {role}");
                assert_eq!(reply.attribute(".rail [aria-current]", "href").as_deref(), Some(link.as_str()));
            }
            let home = browser.get("/").await;
            let first = home.location().unwrap().to_owned();
            assert_eq!(browser.get(&first).await.status, StatusCode::OK, "{first} as {role}");
        }
    });
}
