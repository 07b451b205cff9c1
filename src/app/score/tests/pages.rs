//! All scorecards of a stretch of time are read, however many there are.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::app::testing::{carrier, on_each_engine};
use crate::db::schema::scorecards;
use crate::db::scorecard::{ScorecardRow, scorecard_briefs_paged, scorecard_list_period, template_insert};
use crate::db::types::{Day, Instant};
use crate::domain::period::Period;
use crate::domain::scorecard::{Summary, default_template};
use crate::domain::viewer::Viewer;

fn card(id: i64, partner_id: i64, period: &str) -> ScorecardRow {
    let period: Period = period.parse().unwrap();
    let at = Instant("2026-04-08T08:00:00Z".parse().unwrap());
    ScorecardRow {
        id,
        partner_id,
        period: period.to_string(),
        period_start: Day(period.start()),
        template_id: 1,
        state: "FINAL".to_owned(),
        composite_tenths: None,
        standing: String::new(),
        coverage_bps: 0,
        summary: serde_json::to_string(&Summary::default()).unwrap(),
        snapshot: "{}".to_owned(),
        snapshot_hash: String::new(),
        restates: None,
        latest: true,
        as_of: at,
        run_id: None,
        created_at: at,
    }
}

#[test]
fn every_scorecard_is_read_whatever_one_statement_answers() {
    on_each_engine("2026-04-08T08:00:00Z", |app| {
        let mut db = app.pool.get().unwrap();
        let template = default_template();
        let at = Instant(app.now());
        template_insert(&mut db, 1, &template, NaiveDate::default(), "test", at).unwrap();
        for id in 1..=3 {
            carrier(app, id, &format!("P{id}"));
        }
        // A quarter and a month begin on one day; ids do not follow the partners.
        for (id, partner_id, period) in [
            (90, 1, "2026-01"),
            (20, 1, "2026-Q1"),
            (30, 1, "2026-02"),
            (80, 2, "2026-Q1"),
            (10, 2, "2026-01"),
            (70, 3, "2026-01"),
        ] {
            diesel::insert_into(scorecards::table)
                .values(card(id, partner_id, period))
                .execute(&mut db)
                .unwrap();
        }
        let (from, until) = ("2026-01-01".parse().unwrap(), "2027-01-01".parse().unwrap());
        for rows in 1..=7 {
            let found =
                scorecard_briefs_paged(&mut db, &Viewer::system(), None, (from, until), rows).unwrap();
            let ids: Vec<i64> = found.iter().map(|brief| brief.id).collect();
            assert_eq!(ids, [20, 90, 30, 10, 80, 70], "{rows} at once");
            let own =
                scorecard_briefs_paged(&mut db, &Viewer::system(), Some(2), (from, until), rows).unwrap();
            assert_eq!(own.len(), 2);
        }
        let period = "2026-01".parse().unwrap();
        let whole = scorecard_list_period(&mut db, &Viewer::system(), period).unwrap();
        assert_eq!(whole.iter().map(|row| row.id).collect::<Vec<_>>(), [90, 10, 70]);
    });
}
