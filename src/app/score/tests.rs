//! Scoring through both databases.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::app::testing::{day_cell, on_each_engine};
use crate::db::DbUrl;
use crate::db::schema::{measure_cells, partners};
use crate::domain::attribution::Given;
use crate::domain::causes::MissedBy;
use crate::domain::measure::Ratio;
use crate::domain::outcome::Outcome;
use crate::domain::scorecard::{Category, PublicationState, Scale, TemplateKpi, Volume};
use crate::domain::signal::Change;
use crate::domain::viewer::Role;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

fn on_both(test: impl Fn(&App)) {
    on_each_engine("2025-07-08T06:10:00Z", test);
}

fn partner(app: &App, id: i64) {
    diesel::insert_into(partners::table)
        .values((
            partners::id.eq(id),
            partners::code.eq(format!("P{id}")),
            partners::name.eq(format!("Partner {id}")),
            partners::created_at.eq(Instant(at("2024-01-01T00:00:00Z"))),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

fn tally(success: i64, total: i64) -> Tally {
    Tally { success, late: total - success, ..Tally::default() }
}

fn ratio(numerator: i64, denominator: i64) -> Ratio {
    Ratio { numerator, denominator }
}

/// `code weight floor target stretch`.
fn category(title: &str, weight: i64, kpis: &str) -> Category {
    let kpis = kpis.split(';').map(|text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |place: usize| words[place].parse::<Decimal>().unwrap();
        TemplateKpi {
            code: words[0].to_owned(),
            weight: number(1),
            scale: Some(Scale::linear(number(2), number(3), number(4))),
            critical: false,
            gate: false,
            volume: Volume::Proportion,
            unit: "point".to_owned(),
        }
    });
    Category {
        code: title.to_uppercase(),
        title: title.to_owned(),
        weight: Decimal::from(weight),
        kpis: kpis.collect(),
    }
}

/// The weights and thresholds of DOMAIN §2.4, on KPIs that exist: what is scored is arithmetic, not names.
fn sc1_template() -> Template {
    Template {
        version: "SC1".to_owned(),
        name: "SC1".to_owned(),
        categories: vec![
            category(
                "Reliability",
                40,
                "OTP_WIN 10 85 95 98;OTD_WIN 15 85 95 98;FADS 10 80 92 96;DIVERT 5 10 4 1",
            ),
            category("Cost", 25, "CVC 15 10 0 -5;ACC_RATIO 5 15 8 5;OTD_DAY 5 90 98 99.5"),
            category("Communication", 15, "EDI_TIMELY 5 70 90 97;ATTEMPTS 5 80 95 99;CPS 5 70 90 98"),
            category("Adaptability", 15, "TAR 10 75 90 96;DWELL_LM 5 50 80 95"),
            Category {
                code: "SUSTAINABILITY".into(),
                title: "Sustainability".into(),
                weight: 5.into(),
                kpis: vec![],
            },
        ],
        terms: crate::domain::scorecard::TemplateTerms::default(),
        scopes: Vec::new(),
    }
}

fn sc1_measures() -> Measures {
    let mut measures = Measures {
        shipments: 1000,
        pickup_window: tally(962, 1000),
        delivery_window: tally(931, 1000),
        first_attempt: tally(910, 1000),
        diverted: ratio(31, 1000),
        billed_to_rated: ratio(1_015_000_000, 1_000_000_000),
        rated: 1000,
        accessorial: ratio(78_000_000, 1_000_000_000),
        with_linehaul: 1000,
        delivery_day: tally(974, 1000),
        status_timely: ratio(880, 1000),
        attempts: ratio(1910, 20),
        freight: ratio(91_000_000 * 30, 30),
        tender: tally(870, 1000).into(),
        ..Measures::default()
    };
    (0..6).for_each(|_| measures.dwell.count(600));
    measures
}

fn sc1(app: &App) {
    partner(app, 1);
    let mut db = app.pool.get().unwrap();
    template_insert(
        &mut db,
        7,
        &sc1_template(),
        day("2020-01-01"),
        "test",
        Instant(at("2020-01-01T00:00:00Z")),
    )
    .unwrap();
    drop(db);
    day_cell(app, 1, day("2025-01-10"), &Measures { shipments: 40, ..Measures::default() });
    day_cell(app, 1, day("2025-06-10"), &sc1_measures());
}

fn read(app: &App, partner_id: i64, of: &str) -> Option<Published> {
    published(&mut app.pool.get().unwrap(), &Viewer::system(), partner_id, period(of)).unwrap()
}

#[test]
fn sc1_holds_through_the_database_and_runs_again_without_change() {
    on_both(|app| {
        sc1(app);
        let report = score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), Some(5)).unwrap();
        assert_eq!((report.published, report.restated, report.changed_rows()), (1, 0, 1));
        let found = read(app, 1, "2025-06").unwrap();
        assert_eq!(found.row.composite_tenths, Some(732));
        assert_eq!(found.row.coverage_bps, 9000);
        assert_eq!(found.row.state, PublicationState::PartnerReview.code());
        assert_eq!(found.snapshot.result.words(), "73.2");
        assert_eq!(found.snapshot.result.band, Some(Tier::Approved));
        let surge = found.snapshot.result.kpi("DWELL_LM").unwrap();
        assert_eq!((surge.score, surge.words()), (None, "6 counted, 10 needed".to_owned()));

        let again = score_period(app, period("2025-06"), at("2025-07-09T06:00:00Z"), Some(6)).unwrap();
        assert_eq!((again.unchanged, again.changed_rows()), (1, 0));
        assert_eq!(read(app, 1, "2025-06").unwrap().row, found.row);
        let checked = verify_scorecards(&mut app.pool.get().unwrap()).unwrap();
        assert_eq!(checked, (vec![], 1));
    });
}

#[test]
fn changed_facts_restate_and_the_first_publication_stays_as_it_was() {
    on_both(|app| {
        sc1(app);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let first = read(app, 1, "2025-06").unwrap();
        let late = Measures { shipments: 20, delivery_window: tally(0, 20), ..Measures::default() };
        day_cell(app, 1, day("2025-06-11"), &late);
        // Final on 14 July: until the run of that day changed facts restate.
        let report = score_period(app, period("2025-06"), at("2025-07-14T06:00:00Z"), None).unwrap();
        assert_eq!((report.published, report.restated), (0, 1));
        let second = read(app, 1, "2025-06").unwrap();
        assert_eq!(second.row.restates, Some(first.row.id));
        assert_ne!(second.row.composite_tenths, first.row.composite_tenths);
        let mut db = app.pool.get().unwrap();
        let rows = scorecard_page(&mut db, 0, 10).unwrap();
        let old = rows.iter().find(|row| row.id == first.row.id).unwrap();
        assert_eq!(*old, ScorecardRow { latest: false, ..first.row });
        assert_eq!(verify_scorecards(&mut db).unwrap(), (vec![], 2));
        drop(db);
        day_cell(app, 1, day("2025-06-12"), &late);
        let report = score_period(app, period("2025-06"), at("2025-07-15T06:00:00Z"), None).unwrap();
        assert_eq!((report.restated, report.held), (0, 1), "final");
        assert_eq!(read(app, 1, "2025-06").unwrap().row, second.row);
    });
}

/// A card that was published before misses were told by reason is not restated, and does not drift, only to tell more.
#[test]
fn a_card_that_is_older_than_its_reasons_stays_as_it_is() {
    on_both(|app| {
        sc1(app);
        let june = period("2025-06");
        score_period(app, june, at("2025-07-08T06:00:00Z"), None).unwrap();
        let first = read(app, 1, "2025-06").unwrap();
        assert!(first.snapshot.misses.as_ref().unwrap().reasons.is_empty());
        // The same sums, with the reasons counted.
        let mut told = sc1_measures();
        for number in 0..69 {
            let code = if number < 40 { "AI" } else { "" };
            told.causes.count(MissedBy::DeliveryWindow, Outcome::Late, Given::of(Some(code)));
        }
        diesel::delete(measure_cells::table.filter(measure_cells::day.eq(Day(day("2025-06-10")))))
            .execute(&mut *app.pool.get().unwrap())
            .unwrap();
        day_cell(app, 1, day("2025-06-10"), &told);
        let again = score_period(app, june, at("2025-07-09T06:00:00Z"), None).unwrap();
        assert_eq!((again.unchanged, again.changed_rows()), (1, 0));
        let held = score_period(app, june, at("2025-07-20T06:00:00Z"), None).unwrap();
        assert_eq!((held.unchanged, held.held), (1, 0), "nothing drifts");
        assert_eq!(read(app, 1, "2025-06").unwrap().row, first.row);
        // A partner that is scored for the first time is told by reason.
        partner(app, 2);
        day_cell(app, 2, day("2025-06-10"), &told);
        score_period(app, june, at("2025-07-20T06:00:00Z"), None).unwrap();
        let reasons = read(app, 2, "2025-06").unwrap().snapshot.misses.unwrap().reasons;
        let reasons: Vec<_> = reasons.iter().map(|one| (one.given.code(), one.failed, one.excused)).collect();
        assert_eq!(reasons, [("AI", 40, 0), ("NONE", 29, 0)]);
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap(), (vec![], 2));
    });
}

#[test]
fn a_changed_document_is_found_out() {
    on_both(|app| {
        sc1(app);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let mut db = app.pool.get().unwrap();
        db.batch_execute("UPDATE scorecards SET snapshot = replace(snapshot, '\"931\"', '\"981\"')").unwrap();
        let (problems, _) = verify_scorecards(&mut db).unwrap();
        let words: Vec<&str> = problems.iter().map(|p| p.what).collect();
        assert!(words.iter().any(|w| w.contains("hash differs")), "{words:?}");
    });
}

#[test]
fn a_running_month_has_a_preview_that_each_run_replaces_until_it_is_published() {
    on_both(|app| {
        sc1(app);
        for (as_of, counted) in
            [("2025-06-12T06:00:00Z", "2025-06-11"), ("2025-06-20T06:00:00Z", "2025-06-19")]
        {
            let report = score_period(app, period("2025-06"), at(as_of), None).unwrap();
            assert_eq!((report.previews, report.restated), (1, 0));
            assert_eq!(read(app, 1, "2025-06").unwrap().snapshot.to_date, Some(day(counted)));
        }
        let report = score_period(app, period("2025-06"), at("2025-07-01T06:00:00Z"), None).unwrap();
        assert_eq!((report.published, report.restated), (1, 0));
        let published = read(app, 1, "2025-06").unwrap();
        assert_eq!((published.snapshot.to_date, published.row.restates), (None, None));
        assert_eq!(scorecard_page(&mut app.pool.get().unwrap(), 0, 10).unwrap().len(), 1);
        let early = score_period(app, period("2025-09"), at("2025-07-01T06:00:00Z"), None);
        assert!(matches!(early, Err(ScoreError::NotBegun { .. })));
    });
}

#[test]
fn a_handful_is_not_scored_and_nothing_is_not_published() {
    on_both(|app| {
        partner(app, 1);
        partner(app, 2);
        let few = Measures { shipments: 6, delivery_window: tally(5, 6), ..Measures::default() };
        day_cell(app, 1, day("2025-06-10"), &few);
        let report = score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        assert_eq!(report.published, 1);
        let found = read(app, 1, "2025-06").unwrap();
        assert_eq!((found.row.composite_tenths, found.row.standing.as_str()), (None, "ONBOARDING"));
        let kpi = found.snapshot.result.kpi("OTD_WIN").unwrap();
        assert_eq!((kpi.score, kpi.words()), (None, "6 counted, 10 needed".to_owned()));
        assert_eq!(found.snapshot.result.kpi("TAR").unwrap().words(), "no data");
        assert!(read(app, 2, "2025-06").is_none());
    });
}

#[test]
fn a_partner_never_reads_another_partners_scorecard() {
    on_both(|app| {
        sc1(app);
        partner(app, 2);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let other = Viewer { user_id: 9, name: "B".to_owned(), role: Role::Partner, partner_id: Some(2) };
        let mut db = app.pool.get().unwrap();
        assert!(published(&mut db, &other, 1, period("2025-06")).unwrap().is_none());
        let own = Viewer { partner_id: Some(1), ..other };
        assert!(published(&mut db, &own, 1, period("2025-06")).unwrap().is_some());
    });
}

#[test]
fn the_weekly_chart_names_the_week_that_fell() {
    on_both(|app| {
        partner(app, 1);
        // Golden SC2 as twelve weeks and one before, 91.0 in week 26.
        let usual = [950, 951, 943, 960, 954, 938, 952, 949, 961, 950, 944, 957, 945, 910];
        let mut week = period("2025-W13");
        for on_time in usual {
            day_cell(
                app,
                1,
                week.start(),
                &Measures { shipments: 1000, delivery_window: tally(on_time, 1000), ..Measures::default() },
            );
            week = week.next();
        }
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let found = read(app, 1, "2025-06").unwrap();
        let reading = found.snapshot.reading("OTD_WIN");
        assert_eq!((reading.change, reading.words.as_str()), (Change::Deteriorated, "Deteriorated, week 26"));
        assert_eq!(found.snapshot.series.as_ref().unwrap().weeks.len(), 14);
        let evidence = found.snapshot.evidence_of("OTD_WIN").unwrap();
        assert!(evidence.change_words().is_some());
    });
}

#[test]
fn a_contract_in_force_sets_its_own_thresholds() {
    on_both(|app| {
        sc1(app);
        let mut db = app.pool.get().unwrap();
        db.batch_execute(&contract_sql(app)).unwrap();
        drop(db);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let found = read(app, 1, "2025-06").unwrap();
        let kpi = found.snapshot.result.kpi("OTD_WIN").unwrap();
        assert_eq!(kpi.scale, Some(Scale::linear(80.into(), 93.into(), 98.into())));
        assert_eq!(found.snapshot.overrides.len(), 1, "a draft and a later version do not count");
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap().0, vec![]);
    });
}

/// One contract with a version that held, a later one, and a draft.
fn contract_sql(app: &App) -> String {
    let sqlite = matches!(app.pool.url(), DbUrl::Sqlite(_));
    let instant = if sqlite { "0" } else { "'2024-01-01T00:00:00Z'" };
    let day = |days: i64| if sqlite { days.to_string() } else { format!("DATE '1970-01-01' + {days}") };
    let (from, later) = (day(20_000), day(20_270));
    let mut sql = format!(
        "INSERT INTO contracts (id, partner_id, number, title, currency, term_start, term_end, renewal, renewal_months, \
         notice_days, status, created_by, created_at) VALUES (1, 1, 'C-1', 'C', 'USD', {from}, {later}, 'FIXED', 12, 30, \
         'ACTIVE', 't', {instant});"
    );
    for (id, status, start, target) in
        [(1, "ACTIVE", from.clone(), 93), (2, "DRAFT", from, 91), (3, "ACTIVE", later, 92)]
    {
        sql.push_str(&format!(
            "INSERT INTO contract_versions (id, contract_id, partner_id, version, kind, valid_from, status, \
             change_summary, caps, created_by, created_at) VALUES ({id}, 1, 1, {id}, 'ORIGINAL', {start}, '{status}', \
             '', '{{}}', 't', {instant}); \
             INSERT INTO kpi_targets (id, contract_version_id, partner_id, kpi, floor_micros, target_micros, \
             stretch_micros) VALUES ({id}, {id}, 1, 'OTD_WIN', 80000000, {target}000000, 98000000);"
        ));
    }
    sql
}

#[test]
fn a_quarter_decides_the_standing_and_the_months_after_show_it() {
    on_both(|app| {
        sc1(app);
        for month in ["2024-08", "2024-11", "2025-02", "2025-05"] {
            day_cell(app, 1, period(month).start(), &sc1_measures());
        }
        let reports = score_due(app, at("2025-07-08T06:00:00Z"), None).unwrap();
        assert!(
            reports.iter().any(|r| r.period == period("2024-Q3")),
            "the first run scores the whole history"
        );
        let june = read(app, 1, "2025-06").unwrap().snapshot.standing.unwrap();
        assert_eq!((june.quarter, june.standing.tier), (Some(period("2025-Q1")), Tier::Approved));
        let again = score_due(app, at("2025-07-08T06:00:00Z"), None).unwrap();
        assert!(again.iter().all(|r| r.changed_rows() == 0), "{again:?}");
        assert!(
            again.iter().all(|r| r.period.end() > day("2025-04-01")),
            "only the restatement window is looked at"
        );
    });
}

/// A partner whose history is loaded after the first run, and a preview that was never followed by the final.
#[test]
fn history_that_came_later_is_scored_and_no_older_scorecard_is_touched() {
    on_both(|app| {
        sc1(app);
        day_cell(app, 1, day("2024-08-10"), &sc1_measures());
        score_period(app, period("2024-08"), at("2024-08-20T06:00:00Z"), None).unwrap();
        score_due(app, at("2025-07-07T06:00:00Z"), None).unwrap();
        let first = read(app, 1, "2024-08").unwrap().row;
        assert_eq!(first.as_of.0, at("2025-07-07T06:00:00Z"), "the preview was followed by the final");
        // Other facts of a month beyond the window change nothing published; another partner's history does.
        day_cell(app, 1, day("2024-08-11"), &sc1_measures());
        partner(app, 2);
        day_cell(app, 2, day("2024-08-12"), &sc1_measures());
        let night = at("2025-07-08T06:00:00Z");
        let reports = score_due(app, night, None).unwrap();
        let late: Vec<_> = reports
            .iter()
            .filter(|report| report.published + report.restated > 0)
            .map(|report| (report.period.to_string(), report.published, report.restated))
            .collect();
        let scored = |text: &str| (text.to_owned(), 1, 0);
        assert_eq!(late, ["2024-08", "2024-09", "2024-Q3", "2024-Q4"].map(scored));
        assert_eq!(read(app, 1, "2024-08").unwrap().row, first);
        assert!(read(app, 2, "2024-08").is_some());
        let again = score_due(app, night, None).unwrap();
        assert!(again.iter().all(|report| report.changed_rows() == 0), "{again:?}");
        assert!(
            again.iter().all(|report| report.period.end() > day("2025-04-01")),
            "nothing is looked at twice"
        );
    });
}

mod own;
mod pages;
mod scoped;
