//! The capacity plan through the pages: what the shipper reads, what a partner answers, and what a
//! partner never learns.

use actix_web::http::StatusCode;
use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::plan::plan;
use lanemark::app::plan::show::plan_own;
use lanemark::db::plan::{CommitmentRow, commitment_put};
use lanemark::db::schema::{lanes, tenders};
use lanemark::db::types::{Day, Instant};
use lanemark::domain::viewer::{Role, Viewer};

use crate::support::app::{PASSWORD, TestApp, partner, user};
use crate::support::db::on_both_async;

const LANE: i64 = 10;
/// Week 30; weeks 28 and 29 are frozen on the day of the tests.
const OPEN_WEEK: &str = "2025-07-21";

fn week(number: u64) -> NaiveDate {
    "2025-07-07".parse::<NaiveDate>().unwrap() + Days::new(7 * number)
}

/// A lane with 20 loads a week; the browser's partner carries 12 at 400, a rival 5 at 731.
fn planned(app: &App, own: i64) -> (i64, i64) {
    let rival = partner(app, "RIVL", "Rival Road Runners");
    let db = &mut *app.pool.get().unwrap();
    let at = Instant(app.now());
    diesel::insert_into(lanes::table)
        .values((
            lanes::id.eq(LANE),
            lanes::code.eq("L1"),
            lanes::origin.eq("Joliet IL"),
            lanes::destination.eq("Gary IN"),
            lanes::created_at.eq(at),
        ))
        .execute(db)
        .unwrap();
    for back in 1..=12 {
        for load in 0..20 {
            diesel::insert_into(tenders::table)
                .values((
                    tenders::sent_day.eq(Day(week(0) - Days::new(7 * back))),
                    tenders::partner_id.eq(own),
                    tenders::id.eq(app.id()),
                    tenders::source_id.eq(1),
                    tenders::reference.eq(format!("{back}-{load}")),
                    tenders::fact_hash.eq(0_i64),
                    tenders::version.eq(1),
                    tenders::import_id.eq(1_i64),
                    tenders::import_row.eq(1_i64),
                    tenders::lane_id.eq(Some(LANE)),
                    tenders::service.eq(""),
                    tenders::mode.eq(""),
                    tenders::sent_at.eq(at),
                    tenders::beyond_commitment.eq(false),
                    tenders::short_notice.eq(false),
                    tenders::outcome.eq("S"),
                ))
                .execute(db)
                .unwrap();
        }
    }
    for (partner_id, base_units, cost) in [(own, 12, 400), (rival, 5, 731)] {
        for number in 0..13 {
            let row = CommitmentRow {
                partner_id,
                lane_id: LANE,
                week: Day(week(number)),
                base_units,
                surge_bps: 0,
                unit_cost_micros: Some(cost * 1_000_000),
                currency: "USD".into(),
                recorded_at: at,
            };
            commitment_put(db, &row).unwrap();
        }
    }
    let report = plan(app, app.now().date_naive(), None).unwrap();
    (report.plan_id.unwrap(), rival)
}

#[test]
fn the_shipper_reads_the_plan_and_each_lane() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::CarrierManager).await;
        let empty = browser.get("/capacity").await;
        assert_eq!((empty.status, empty.text(".empty b").as_str()), (StatusCode::OK, "No plan yet"));
        planned(&browser.app, browser.partner_id);
        let page = browser.get("/capacity").await;
        assert_eq!(page.text("h1"), "Capacity plan, weeks 28 to 40 of 2025");
        assert_eq!(page.text(".facts .lead small"), "221 of 260 loads asked of partners");
        assert_eq!(page.text("td.heat.under .vh"), "not all covered");
        assert_eq!(page.text("td.heat.under small"), "3 short");
        assert_eq!(page.texts("main svg.chart").len(), 1);
        let lane = browser.get("/capacity/10").await;
        assert_eq!(lane.text("h1"), "Joliet IL to Gary IN");
        assert!(lane.html.contains("Rival Road Runners") && lane.html.contains("731.00"));
        let csv = browser.get("/capacity.csv").await;
        assert!(csv.html.starts_with("lane,week,demand_p50"), "{}", csv.html);
        assert_eq!(browser.get("/capacity/11").await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/capacity?as_of=2020-01-01").await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_partner_answers_its_own_plan_and_reads_nothing_of_others() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Partner).await;
        assert_eq!(browser.get("/portal/plan").await.text(".empty b"), "No plan yet");
        let (id, rival) = planned(&browser.app, browser.partner_id);
        let page = browser.get("/portal/plan").await;
        for foreign in ["Rival", "USD", "short", "spot", &rival.to_string()] {
            assert!(!page.html.contains(foreign), "`{foreign}` on the page of a partner");
        }
        // By whole words: an id may hold the digits of the rival's price.
        let priced = page.html.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "731");
        assert!(!priced, "a rival's price on the page of a partner");
        assert_eq!(page.texts("tbody tr").len(), 13);
        let path = format!("/portal/plan/{id}/answers");
        let fields = |answer, loads, reason| {
            [("lane", "10"), ("week", OPEN_WEEK), ("answer", answer), ("loads", loads), ("reason", reason)]
        };
        let mute = browser.post(&path, &fields("counter", "9", "")).await;
        assert_eq!(mute.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(mute.text(".err"), "A counter offer needs a reason of 1 to 500 characters.");
        let word = browser.post(&path, &fields("counter", "nine", "repairs")).await;
        assert_eq!(word.text(".err"), "Write the loads you can take as a whole number, such as 14.");
        let sent = browser.post(&path, &fields("counter", "9", "two trucks in repair")).await;
        assert_eq!(sent.location(), Some("/portal/plan"), "{}", sent.html);
        let page = browser.get("/portal/plan").await;
        assert_eq!(page.text(".notice"), "Week 30: your offer of 9 was sent.");
        assert!(page.html.contains("offers 9: two trucks in repair"));
        let all = browser.post(&format!("/portal/plan/{id}/commitment"), &[]).await;
        assert_eq!(all.status, StatusCode::SEE_OTHER);
        let viewer = Viewer { partner_id: Some(browser.partner_id), role: Role::Partner, ..Viewer::system() };
        let own = plan_own(&browser.app, &viewer).unwrap().unwrap();
        assert_eq!(own.weeks.iter().filter(|week| week.state == "COMMITTED").count(), 3);

        // The rival answers with the same fields and touches its own cell only.
        user(&browser.app, "rival@lanes.example", Role::Partner, Some(rival));
        browser.forget();
        browser.sign_in("rival@lanes.example", PASSWORD).await;
        assert_eq!(browser.post(&path, &fields("decline", "", "")).await.status, StatusCode::SEE_OTHER);
        let after = plan_own(&browser.app, &viewer).unwrap().unwrap();
        assert!(after.weeks.iter().all(|week| week.state != "DECLINED"));
        let foreign = [("lane", "11"), ("week", OPEN_WEEK), ("answer", "commit")];
        assert_eq!(browser.post(&path, &foreign).await.status, StatusCode::NOT_FOUND);
    });
}
