//! Templates through both databases: proposed, agreed by a second person, chosen by scope and season, never rewritten.

use diesel::connection::SimpleConnection;

use super::*;
use crate::app::score::{published, score_period, verify_scorecards};
use crate::app::testing::{carrier, day_cell, on_each_engine, viewer};
use crate::clock::Clock;
use crate::domain::measure::{Measures, Tally};
use crate::domain::scorecard::{Tier, default_template};
use crate::domain::viewer::Role;

const NOW: &str = "2026-11-15T08:00:00Z";

fn on_both(test: impl Fn(&App)) {
    on_each_engine(NOW, test);
}

fn later(app: &App, now: &str) -> App {
    App::new(app.pool.clone(), Clock::Fixed(now.parse().unwrap()), "http://x")
}

fn mara() -> Viewer {
    viewer("Mara", Role::CarrierManager)
}

fn paul() -> Viewer {
    viewer("Paul", Role::Procurement)
}

fn draft(code: &str, first: &str) -> TemplateDraft {
    let mut draft = TemplateDraft::of(&default_template());
    draft.code = code.to_owned();
    draft.first_period = first.to_owned();
    draft.reason = "Agreed in the yearly review.".to_owned();
    draft.categories[0].kpis[0].target = Some("94".parse().unwrap());
    draft
}

fn propose(app: &App, draft: &TemplateDraft) -> Result<String, EditError> {
    template_propose(app, &mut app.pool.get().unwrap(), &mara(), draft)
}

fn agree(app: &App, who: &Viewer, version: &str) -> Result<(), EditError> {
    let words = "As discussed.";
    template_decide(app, &mut app.pool.get().unwrap(), who, version, Decision::Approved, words)
}

/// Field and words of what is wrong.
fn told<T: std::fmt::Debug>(result: Result<T, EditError>) -> (String, String) {
    match result {
        Err(EditError::Invalid(errors)) => errors.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn on_time(app: &App, partner_id: i64, day: &str, good: i64) {
    let tally = Tally { success: good, late: 100 - good, ..Tally::default() };
    let measures = Measures {
        shipments: 100,
        pickup_window: tally,
        delivery_day: tally,
        delivery_window: tally,
        first_attempt: tally,
        tender: tally,
        status_timely: crate::domain::measure::Ratio { numerator: good, denominator: 100 },
        ..Measures::default()
    };
    day_cell(app, partner_id, day.parse().unwrap(), &measures);
}

fn card(app: &App, partner_id: i64, period: &str) -> crate::app::score::Published {
    let mut db = app.pool.get().unwrap();
    published(&mut db, &Viewer::system(), partner_id, period.parse().unwrap()).unwrap().unwrap()
}

fn score(app: &App, period: &str, at: &str) {
    score_period(app, period.parse().unwrap(), at.parse().unwrap(), None).unwrap();
}

#[test]
fn a_second_person_agrees_before_the_first_period_and_nothing_is_rewritten() {
    on_both(|app| {
        carrier(app, 1, "BRCK");
        on_time(app, 1, "2026-10-05", 93);
        score(app, "2026-10", "2026-11-03T08:00:00Z");
        let before = card(app, 1, "2026-10");
        assert_eq!(before.snapshot.result.template_version, "2026.1");

        assert_eq!(told(propose(app, &draft("STANDARD", "2026-11"))).0, "first_period");
        assert_eq!(told(propose(app, &draft("STANDARD", "soon"))).0, "first_period");
        assert_eq!(
            told(propose(app, &TemplateDraft { reason: String::new(), ..draft("STANDARD", "2026-12") })).0,
            "reason"
        );
        assert_eq!(propose(app, &draft("STANDARD", "2026-12")).unwrap(), "STANDARD-2");
        let one_waits = told(propose(app, &draft("STANDARD", "2027-01")));
        assert!(one_waits.1.contains("STANDARD-2 waits"), "{one_waits:?}");
        assert!(matches!(agree(app, &mara(), "STANDARD-2"), Err(EditError::Review(_))), "not by its author");
        let auditor = viewer("Ada", Role::Auditor);
        assert!(matches!(agree(app, &auditor, "STANDARD-2"), Err(EditError::Denied { .. })));
        let late = later(app, "2026-12-01T09:00:00Z");
        assert_eq!(told(agree(&late, &paul(), "STANDARD-2")).0, "first_period", "its period has begun");
        agree(app, &paul(), "STANDARD-2").unwrap();
        assert!(matches!(agree(app, &paul(), "STANDARD-2"), Err(EditError::Review(_))));
        let mut db = app.pool.get().unwrap();
        let back = template_decide(app, &mut db, &mara(), "STANDARD-2", Decision::Withdrawn, "Wrong.");
        assert!(matches!(back, Err(EditError::Review(_))), "what is agreed stays");
        for sql in [
            "UPDATE scorecard_templates SET definition = 'x'",
            "DELETE FROM scorecard_templates WHERE version = 'STANDARD-2'",
            "UPDATE template_proposals SET reason = 'x'",
            "DELETE FROM template_decisions",
        ] {
            assert!(db.batch_execute(sql).is_err(), "{sql}");
        }
        let books = template_books(app, &mut db).unwrap();
        assert_eq!(books.len(), 1);
        let names: Vec<&str> = books[0].versions.iter().map(|one| one.template.version.as_str()).collect();
        assert_eq!(names, ["STANDARD-2", "2026.1"]);
        assert_eq!(books[0].shown().unwrap().template.version, "2026.1", "until December");
        assert_eq!(books[0].versions[0].changes.len(), 1, "{:?}", books[0].versions[0].changes);
        drop(db);

        // The next period is scored by the new version, the one before stays as it was, also where facts change.
        on_time(app, 1, "2026-12-05", 93);
        on_time(app, 1, "2026-10-06", 50);
        let january = later(app, "2027-01-05T08:00:00Z");
        score(&january, "2026-10", "2026-11-04T08:00:00Z");
        score(&january, "2026-12", "2027-01-05T08:00:00Z");
        assert_eq!(card(app, 1, "2026-12").snapshot.result.template_version, "STANDARD-2");
        let after = card(app, 1, "2026-10");
        assert_ne!(after.row.id, before.row.id, "restated on new facts");
        assert_eq!(after.snapshot.result.template_version, "2026.1");
        let (problems, checked) = verify_scorecards(&mut app.pool.get().unwrap()).unwrap();
        assert_eq!((problems, checked), (vec![], 3));
    });
}

#[test]
fn the_most_specific_template_scores_and_what_nothing_tells_apart_is_refused() {
    on_both(|app| {
        carrier(app, 1, "BRCK");
        carrier(app, 2, "OTHR");
        let one = TemplateDraft { partner: "BRCK".to_owned(), ..draft("BRACK", "2026-12") };
        let peak = TemplateDraft { months: [12].into(), ..draft("PEAK", "2026-12") };
        for (draft, version) in [(&one, "BRACK-1"), (&peak, "PEAK-1")] {
            assert_eq!(propose(app, draft).unwrap(), version);
            agree(app, &paul(), version).unwrap();
        }
        let told_of = |draft: &TemplateDraft| told(propose(app, draft)).1;
        assert!(told_of(&draft("ALSO", "2026-12")).contains("2026.1 is for the same partners"));
        assert!(
            told_of(&TemplateDraft { months: [12, 1].into(), ..draft("WINTER", "2026-12") })
                .contains("PEAK-1")
        );
        assert!(
            told_of(&TemplateDraft { partner: "BRCK".into(), ..draft("TWICE", "2027-01") })
                .contains("BRACK-1")
        );
        assert!(told_of(&TemplateDraft { partner: "NOPE".into(), ..draft("X", "2026-12") }).contains("NOPE"));
        assert!(told_of(&TemplateDraft { contract: "C-9".into(), ..draft("X", "2026-12") }).contains("C-9"));
        assert!(
            told_of(&TemplateDraft { retired: true, ..draft("STANDARD", "2026-12") })
                .contains("stays in use")
        );
        assert_eq!(told(propose(app, &draft("peak!", "2026-12"))).0, "code");
        let wrong = TemplateDraft { half_life_months: Some(13), ..draft("STANDARD", "2026-12") };
        assert!(told_of(&wrong).contains("half-life"));

        for id in [1, 2] {
            on_time(app, id, "2026-12-05", 93);
            on_time(app, id, "2027-01-05", 93);
        }
        let app = later(app, "2027-02-03T08:00:00Z");
        score(&app, "2026-12", "2027-02-03T08:00:00Z");
        score(&app, "2027-01", "2027-02-03T08:00:00Z");
        let version = |id, period| card(&app, id, period).snapshot.result.template_version;
        assert_eq!(version(1, "2026-12"), "BRACK-1", "its own goes before the season");
        assert_eq!(version(2, "2026-12"), "PEAK-1");
        assert_eq!(version(2, "2027-01"), "2026.1", "out of season");
        // Retired, it scores no later period; the one it scored stays.
        let end = TemplateDraft { retired: true, ..one.clone() };
        let end = TemplateDraft { first_period: "2027-03".to_owned(), ..end };
        assert_eq!(template_propose(&app, &mut app.pool.get().unwrap(), &mara(), &end).unwrap(), "BRACK-2");
        agree(&app, &paul(), "BRACK-2").unwrap();
        on_time(&app, 1, "2027-03-05", 93);
        let app = later(&app, "2027-04-03T08:00:00Z");
        score(&app, "2027-03", "2027-04-03T08:00:00Z");
        assert_eq!(card(&app, 1, "2027-03").snapshot.result.template_version, "2026.1");
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap().0, vec![]);
    });
}

#[test]
fn recency_weighs_earlier_months_in_and_is_made_again_from_the_document() {
    on_both(|app| {
        carrier(app, 1, "BRCK");
        let looks_back = TemplateDraft { half_life_months: Some(1), ..draft("STANDARD", "2026-12") };
        propose(app, &looks_back).unwrap();
        agree(app, &paul(), "STANDARD-2").unwrap();
        for (day, good) in [("2026-11-05", 98), ("2026-12-05", 90), ("2027-01-05", 98)] {
            on_time(app, 1, day, good);
        }
        let app = later(app, "2027-02-03T08:00:00Z");
        for period in ["2026-11", "2026-12", "2027-01"] {
            score(&app, period, "2027-02-03T08:00:00Z");
        }
        let november = card(&app, 1, "2026-11").snapshot.result;
        assert_eq!(november.recency, None, "by the version without a half-life");
        let december = card(&app, 1, "2026-12").snapshot.result;
        let (a, b) = (november.published.unwrap(), december.alone().published.unwrap());
        let half: rust_decimal::Decimal = "0.5".parse().unwrap();
        let rounded = |value: rust_decimal::Decimal| {
            value.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        };
        assert_eq!(december.published, Some(rounded((b + half * a) / (half + rust_decimal::Decimal::ONE))));
        assert!(december.published > december.alone().published);
        let january = card(&app, 1, "2027-01").snapshot.result;
        let recency = january.recency.clone().unwrap();
        let weights: Vec<String> =
            recency.earlier.iter().map(|one| one.weight.normalize().to_string()).collect();
        assert_eq!(weights, ["0.5", "0.25"]);
        assert_eq!(recency.earlier[0].alone.published, Some(b), "by itself, not weighed twice");
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap(), (vec![], 3));
    });
}

#[test]
fn a_gate_suspends_at_once() {
    on_both(|app| {
        carrier(app, 1, "BRCK");
        let mut gated = draft("STANDARD", "2026-12");
        gated.categories[0].kpis[0].gate = true;
        propose(app, &gated).unwrap();
        agree(app, &paul(), "STANDARD-2").unwrap();
        on_time(app, 1, "2026-10-05", 97);
        on_time(app, 1, "2027-01-05", 20);
        let app = later(app, "2027-05-03T08:00:00Z");
        score(&app, "2027-Q1", "2027-05-03T08:00:00Z");
        let held = card(&app, 1, "2027-Q1").snapshot.standing.unwrap();
        assert_eq!(held.standing.tier, Tier::Suspended, "{held:?}");
    });
}
