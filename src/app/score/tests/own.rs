//! Scorecards with own KPIs: scored like the catalogue, kept with their definition, computed again from the document.

use super::*;
use crate::app::own_kpi::{retire, save};
use crate::app::testing::{open_history, viewer};
use crate::clock::Clock;
use crate::domain::formula::{OwnKpi, OwnUnit};
use crate::domain::signal::Better;

const SHARE: &str = "delivery_window.success / (delivery_window.success + delivery_window.late + delivery_window.no_evidence)";

fn own(code: &str, unit: OwnUnit, better: Better, formula: &str) -> OwnKpi {
    OwnKpi {
        code: code.to_owned(),
        version: 0,
        name: format!("Own {code}"),
        unit,
        better,
        formula: formula.to_owned(),
        rules: "Whatever is late.".to_owned(),
        volume: Volume::Proportion,
        retired: false,
    }
}

/// The same installation at another time.
fn later(app: &App, now: &str) -> App {
    App::new(app.pool.clone(), Clock::Fixed(at(now)), "http://localhost")
}

fn keep(app: &App, seen: i32, kpi: &OwnKpi) -> i32 {
    let manager = viewer("Mara", Role::CarrierManager);
    save(app, &mut app.pool.get().unwrap(), &manager, seen, kpi).unwrap()
}

/// SC1 with two own KPIs in place of two of the catalogue: LATE_SHARE rests on ALL_LATE.
fn own_template() -> Template {
    let mut template = Template { version: "OWN".to_owned(), ..sc1_template() };
    template.categories[0] = category(
        "Reliability",
        40,
        "OTP_WIN 10 85 95 98;ON_TIME 15 85 95 98;FADS 10 80 92 96;DIVERT 5 10 4 1",
    );
    template.categories[3] = category("Adaptability", 15, "TAR 10 75 90 96;LATE_SHARE 5 20 8 4");
    assert_eq!(template.problems(), []);
    template
}

fn stage(app: &App) {
    let early = later(app, "2025-05-20T10:00:00Z");
    keep(&early, 0, &own("ON_TIME", OwnUnit::Percent, Better::Higher, SHARE));
    keep(&early, 0, &own("ALL_LATE", OwnUnit::Count, Better::Lower, "delivery_window.late"));
    keep(&early, 0, &own("LATE_SHARE", OwnUnit::Percent, Better::Lower, "ALL_LATE / shipments"));
    partner(app, 1);
    let mut db = app.pool.get().unwrap();
    let since = Instant(at("2020-01-01T00:00:00Z"));
    template_insert(&mut db, 7, &own_template(), day("2020-01-01"), "test", since).unwrap();
    drop(db);
    day_cell(app, 1, day("2025-01-10"), &Measures { shipments: 40, ..Measures::default() });
    day_cell(app, 1, day("2025-06-10"), &sc1_measures());
    day_cell(app, 1, day("2025-07-10"), &sc1_measures());
}

#[test]
fn an_own_kpi_scores_as_the_same_kpi_of_the_catalogue_does() {
    on_both(|app| {
        stage(app);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let found = read(app, 1, "2025-06").unwrap();
        let snapshot = &found.snapshot;
        let evidence = snapshot.evidence_of("OTD_WIN").unwrap();
        let (kpi, own) = snapshot.own_of("ON_TIME").unwrap();
        assert_eq!((kpi.version, kpi.formula.as_str()), (1, SHARE));
        assert_eq!(
            (own.value.net, own.value.gross, own.value.low, own.value.high, own.value.n),
            (
                evidence.value.net,
                evidence.value.gross,
                evidence.value.low,
                evidence.value.high,
                evidence.value.n
            )
        );
        let score = snapshot.result.kpi("ON_TIME").unwrap();
        assert_eq!(score.input.value, Some("93.1".parse().unwrap()));
        assert_eq!(score.score, Some("64.8".parse().unwrap()), "as OTD_WIN of SC1");
        let late = snapshot.result.kpi("LATE_SHARE").unwrap();
        assert_eq!((late.input.value, late.input.n), (Some("6.9".parse().unwrap()), 1000));
        assert_eq!(late.score, Some("85.5".parse().unwrap()));
        // What it rests on is in the document too, and the whole is computed again from there.
        let kept = snapshot.own.as_ref().unwrap();
        let codes: Vec<&str> = kept.definitions.iter().map(|kpi| kpi.code.as_str()).collect();
        assert_eq!(codes, ["ALL_LATE", "LATE_SHARE", "ON_TIME"]);
        assert!(snapshot.re_performs(&own_template()));
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap(), (vec![], 1));
    });
}

#[test]
fn a_change_counts_from_the_next_period_and_restates_nothing() {
    on_both(|app| {
        stage(app);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let before = read(app, 1, "2025-06").unwrap();
        let changed = own("ALL_LATE", OwnUnit::Count, Better::Lower, "delivery_window.late * 2");
        assert_eq!(keep(&later(app, "2025-07-09T10:00:00Z"), 1, &changed), 2);
        let again = score_period(app, period("2025-06"), at("2025-07-20T06:00:00Z"), None).unwrap();
        assert_eq!((again.unchanged, again.restated), (1, 0), "June is by version 1 for good");
        assert_eq!(read(app, 1, "2025-06").unwrap().row, before.row);
        // July had begun; August had not.
        score_period(app, period("2025-07"), at("2025-08-02T06:00:00Z"), None).unwrap();
        let july = read(app, 1, "2025-07").unwrap();
        assert_eq!(july.snapshot.own.unwrap().definition("ALL_LATE").unwrap().version, 1);
        day_cell(app, 1, day("2025-08-10"), &sc1_measures());
        score_period(app, period("2025-08"), at("2025-09-02T06:00:00Z"), None).unwrap();
        let august = read(app, 1, "2025-08").unwrap();
        assert_eq!(august.snapshot.own.as_ref().unwrap().definition("ALL_LATE").unwrap().version, 2);
        let late = august.snapshot.result.kpi("LATE_SHARE").unwrap();
        assert_eq!(late.input.value, Some("13.8".parse().unwrap()));
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap().0, vec![]);
    });
}

#[test]
fn a_document_that_was_changed_or_a_definition_that_was_rewritten_is_found_out() {
    on_both(|app| {
        stage(app);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let mut db = app.pool.get().unwrap();
        let row = scorecard_page(&mut db, 0, 10).unwrap().remove(0);
        // Another formula in the document: it no longer gives the stored value.
        let mut document = parsed(&row).unwrap();
        let own = document.own.as_mut().unwrap();
        own.definitions[2].formula = "delivery_window.success / shipments + 0.01".to_owned();
        assert!(!document.re_performs(&own_template()));
        // Other sums: the same.
        let mut document = parsed(&row).unwrap();
        document.own.as_mut().unwrap().now.delivery_window.late += 1;
        assert!(!document.re_performs(&own_template()));
        // Another text in the history: the document says otherwise.
        open_history(&mut db, "own_kpis");
        db.batch_execute("UPDATE own_kpis SET rules = 'Other rules.' WHERE code = 'ALL_LATE'").unwrap();
        let (problems, _) = verify_scorecards(&mut db).unwrap();
        let words: Vec<&str> = problems.iter().map(|problem| problem.what).collect();
        assert_eq!(words, ["an own KPI in the document says otherwise than the version of it that is kept"]);
    });
}

#[test]
fn what_a_template_uses_is_not_retired_and_what_it_lacks_is_not_scored() {
    on_both(|app| {
        stage(app);
        let manager = viewer("Mara", Role::CarrierManager);
        let mut db = app.pool.get().unwrap();
        let refused = |code: &str, db: &mut Db| retire(app, db, &manager, code, 1).unwrap_err().to_string();
        assert!(refused("ON_TIME", &mut db).contains("need attention"));
        assert!(refused("ALL_LATE", &mut db).contains("need attention"));
        let missing = Template {
            version: "GONE".to_owned(),
            categories: vec![category("Reliability", 100, "OTP_WIN 60 85 95 98;NOWHERE 40 85 95 98")],
            ..own_template()
        };
        let since = Instant(at("2025-05-01T00:00:00Z"));
        template_insert(&mut db, 8, &missing, day("2025-05-01"), "test", since).unwrap();
        drop(db);
        score_period(app, period("2025-06"), at("2025-07-08T06:00:00Z"), None).unwrap();
        let found = read(app, 1, "2025-06").unwrap();
        assert_eq!(found.snapshot.result.kpi("NOWHERE").unwrap().words(), "no data");
        assert!(found.snapshot.own.is_none(), "and nothing about own KPIs is written");
        assert!(!found.row.snapshot.contains("\"own\""));
    });
}
