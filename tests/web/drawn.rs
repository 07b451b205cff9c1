//! Pages of the ledger and the close are kept as drawn: whatever they show changes at once, and each reader gets their own.

use actix_web::http::StatusCode;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::accrual::ACCRUAL_JOB;
use lanemark::db::Db;
use lanemark::db::schema::{
    accruals, chart_accounts, expected_charges, imports, job_runs, partners, stale_cells,
};
use lanemark::db::types::{Day, Instant};
use lanemark::domain::viewer::Role;

use crate::support::app::{TestApp, partner};
use crate::support::books::{day, entry, facts_in, post};
use crate::support::db::on_both_async;

fn change(app: &App, work: impl FnOnce(&mut Db) -> QueryResult<usize>) {
    assert_eq!(work(&mut app.pool.get().unwrap()).unwrap(), 1);
}

#[test]
fn what_is_posted_shows_at_once() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        let app = finance.app.clone();
        let (own, other) = (finance.partner_id, partner(&app, "FENN", "Fennmark Road"));
        post(&app, &[entry(own, 100, "2025-05-10"), entry(other, 101, "2025-05-11")]).unwrap();
        finance.sign_in_as(Role::Finance).await;
        let of = |partner_id: i64| format!("/ledger?month=2025-05&partner={partner_id}");
        let all = "/ledger?month=2025-05".to_owned();
        let mut before = Vec::new();
        for path in [&all, &of(own), &of(other)] {
            before.push(finance.get(path).await.html);
            assert_eq!(finance.get(path).await.html, before[before.len() - 1], "kept: {path}");
        }
        assert!(before[1].contains("cv:1") || before[1].contains("1-2-ev100"), "{}", before[1]);
        assert!(!before[1].contains("1-2-ev101") && !before[2].contains("1-2-ev100"), "each its own");

        post(&app, &[entry(other, 102, "2025-05-12")]).unwrap();
        for (path, count) in
            [(&all, "3 entries posted"), (&of(own), "1 entry posted"), (&of(other), "2 entries posted")]
        {
            let page = finance.get(path).await.html;
            assert!(page.contains(count), "{path}: {page}");
        }
        // The state of an item changes without an entry.
        let stated = "/ledger?month=2025-05&state=ACCRUED";
        assert!(finance.get(stated).await.html.contains("3 entries posted"));
        let item = accruals::table.filter(accruals::obligation_key.eq("cv:1/cl:2/ev:102"));
        change(&app, |db| diesel::update(item).set(accruals::state.eq("ASSESSED")).execute(db));
        assert!(finance.get(stated).await.html.contains("2 entries posted"));
        // What others are called.
        change(&app, |db| {
            diesel::update(partners::table.find(other)).set(partners::name.eq("Fennmark Sea")).execute(db)
        });
        assert!(finance.get(&all).await.html.contains("Fennmark Sea"));
        let called = (
            chart_accounts::account.eq(2110),
            chart_accounts::seq.eq(1),
            chart_accounts::number.eq("9-2110"),
            chart_accounts::name.eq("Owed to carriers"),
            chart_accounts::set_by_id.eq(1_i64),
            chart_accounts::set_by.eq("test"),
            chart_accounts::set_at.eq(Instant(app.now())),
        );
        change(&app, |db| diesel::insert_into(chart_accounts::table).values(called).execute(db));
        assert!(finance.get(&all).await.html.contains("9-2110 Owed to carriers"));
        // A page of another entry is another page.
        let older = format!("{all}&after=2025-05-12.0");
        assert!(finance.get(&older).await.html.contains("First page"));
        assert!(!finance.get(&all).await.html.contains("First page"));
        finance.sign_in_as(Role::Partner).await;
        for path in [&all, &of(own), &"/ledger/close".to_owned()] {
            assert_eq!(finance.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    });
}

/// Every step of a close is about something else; each is seen as soon as it changes, on the close and on the ledger.
#[test]
fn every_step_of_a_close_shows_at_once() {
    on_both_async(|db| async move {
        let mut finance = TestApp::new(&db).await;
        let app = finance.app.clone();
        let partner_id = finance.partner_id;
        post(&app, &[entry(partner_id, 100, "2025-05-10")]).unwrap();
        finance.sign_in_as(Role::Finance).await;
        let first = finance.get("/ledger/close").await;
        assert!(!first.attributes("main form", "method").is_empty(), "finance may prepare it");
        let mut seen = first.texts(".check li");
        assert_eq!(seen.len(), 7);
        let mut changed = async |finance: &mut TestApp, what: &str, step: usize| {
            let now = finance.get("/ledger/close").await.texts(".check li");
            assert_ne!(now[step], seen[step], "{what} shows on the close");
            let ledger = finance.get("/ledger?month=2025-05").await.texts(".check li");
            assert_eq!(ledger, now, "{what} shows on the ledger");
            seen = now;
        };
        facts_in(&app, "2025-06-03T05:00:00Z");
        changed(&mut finance, "an import, and a run of the job", 0).await;
        let run = job_runs::table.filter(job_runs::job.eq(ACCRUAL_JOB));
        change(&app, |db| diesel::delete(run).execute(db));
        changed(&mut finance, "a run that is gone", 1).await;
        change(&app, |db| diesel::update(imports::table).set(imports::state.eq("FAILED")).execute(db));
        changed(&mut finance, "an import that failed", 0).await;
        change(&app, |db| diesel::update(imports::table).set(imports::state.eq("DONE")).execute(db));
        changed(&mut finance, "an import that ended", 0).await;
        let waiting = (
            stale_cells::partner_id.eq(partner_id),
            stale_cells::source.eq("SHIPMENTS"),
            stale_cells::source_day.eq(Day(day("2025-05-07"))),
        );
        change(&app, |db| diesel::insert_into(stale_cells::table).values(waiting).execute(db));
        changed(&mut finance, "a day that waits", 0).await;
        change(&app, |db| diesel::delete(stale_cells::table).execute(db));
        changed(&mut finance, "the same day summed", 0).await;
        let unrated = (
            expected_charges::obligation_day.eq(Day(day("2025-05-08"))),
            expected_charges::partner_id.eq(partner_id),
            expected_charges::shipment_id.eq(1_i64),
            expected_charges::contract_version_id.eq(1_i64),
            expected_charges::rating_day.eq(Day(day("2025-05-08"))),
            expected_charges::status.eq("UNRATED"),
            expected_charges::reason.eq(Some("no rate")),
            expected_charges::currency.eq("USD"),
            expected_charges::known_at.eq(Instant(app.now())),
            expected_charges::lines.eq("[]"),
        );
        change(&app, |db| diesel::insert_into(expected_charges::table).values(unrated).execute(db));
        changed(&mut finance, "a shipment without a price", 3).await;
        change(&app, |db| diesel::update(accruals::table).set(accruals::state.eq("DISPUTED")).execute(db));
        changed(&mut finance, "a dispute", 4).await;
        change(&app, |db| diesel::update(accruals::table).set(accruals::state.eq("AGREED")).execute(db));
        changed(&mut finance, "its answer", 4).await;
        assert_eq!(finance.post("/ledger/close/2025-05/checks", &[]).await.status, StatusCode::SEE_OTHER);
        changed(&mut finance, "a re-performance", 2).await;
        let through = [("through", "2025-05-31")];
        assert_eq!(finance.post("/ledger/exports", &through).await.status, StatusCode::SEE_OTHER);
        changed(&mut finance, "an export", 6).await;
        post(&app, &[entry(partner_id, 101, "2025-05-11")]).unwrap();
        changed(&mut finance, "an entry", 6).await;

        // Somebody who may not close sees no buttons, whoever looked before, and the other way round.
        finance.sign_in_as(Role::Auditor).await;
        assert!(finance.get("/ledger/close").await.attributes("main form", "method").is_empty());
        finance.sign_in_as(Role::Finance).await;
        let page = finance.get("/ledger/close").await;
        assert!(!page.attributes("main form", "method").is_empty());
        assert_eq!(page.text("h1"), "Close of May 2025");
        assert_eq!(finance.get("/ledger/close/2025-06").await.text("h1"), "Close of June 2025");
    });
}
