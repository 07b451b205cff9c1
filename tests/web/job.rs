//! Jobs through the pages: a run is asked for, taken up by a runner, and told.

use actix_web::http::StatusCode;
use lanemark::clock::Clock;
use lanemark::domain::viewer::Role;
use lanemark::jobs::{JOBS, Runner};

use crate::support::app::TestApp;
use crate::support::db::on_both_async;

#[test]
fn a_run_asked_for_on_the_page_is_done_and_told() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::CarrierManager).await;
        let page = browser.get("/jobs").await;
        assert_eq!(page.texts("tbody tr").len(), JOBS.len());
        assert!(page.texts("tbody tr").iter().all(|row| row.contains("never")));
        let asked = browser.post("/jobs/plan-capacity/runs", &[("as_of", "2025-07-01")]).await;
        assert_eq!(asked.location(), Some("/jobs/plan-capacity"), "{}", asked.html);
        let page = browser.get("/jobs/plan-capacity").await;
        assert!(page.text(".notice").starts_with("The run is asked for."));
        assert_eq!(page.text("tbody .chip"), "Waiting");

        let job = JOBS.iter().find(|job| job.name == "plan-capacity").unwrap();
        let runner = Runner::with(browser.app.clone(), std::slice::from_ref(job), Clock::System);
        runner.tick(job).unwrap();
        let page = browser.get("/jobs/plan-capacity").await;
        let row = page.text("tbody tr");
        assert!(
            row.contains("Done") && row.contains("1 July 2025") && row.contains("nothing to plan"),
            "{row}"
        );
        assert!(row.contains("Carrier manager"), "who asked: {row}");
    });
}

#[test]
fn what_cannot_be_run_is_said_beside_the_field() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Admin).await;
        for (field, value, words) in [
            ("as_of", "yesterday", "Write a day as"),
            ("as_of", "2031-01-01", "lies ahead"),
            ("period", "June", "Write a month as"),
        ] {
            let refused = browser.post("/jobs/score-period/runs", &[(field, value)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.text(".err").contains(words), "{}", refused.text(".err"));
        }
        assert_eq!(browser.get("/jobs/no-such-job").await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.post("/jobs/no-such-job/runs", &[]).await.status, StatusCode::NOT_FOUND);
        browser.forget();
        browser.sign_in_as(Role::Finance).await;
        assert!(browser.get("/jobs").await.texts("form[action$=runs]").is_empty(), "finance looks on");
    });
}
