//! Templates through both databases: proposed, agreed by a second person, chosen by scope and season, never rewritten.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::app::own_kpi::{retire, save};
use crate::app::score::{published, score_period, verify_scorecards};
use crate::app::testing::{carrier, day_cell, on_each_engine, viewer};
use crate::clock::Clock;
use crate::db::own_kpi::{OwnKpiRow, own_kpi_history, own_kpi_insert};
use crate::db::schema::{mails, users};
use crate::domain::formula::{OwnKpi, OwnUnit};
use crate::domain::measure::{Measures, Tally};
use crate::domain::scorecard::{Tier, default_template};
use crate::domain::signal::Better;
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
        tender: tally.into(),
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

fn own(code: &str) -> OwnKpi {
    OwnKpi {
        code: code.to_owned(),
        version: 0,
        name: "Late share".to_owned(),
        unit: OwnUnit::Percent,
        better: Better::Lower,
        formula: "delivery_window.late / shipments".to_owned(),
        rules: "Deliveries after their window, for each shipment due.".to_owned(),
        volume: Volume::Proportion,
        retired: false,
    }
}

/// A draft that scores an own KPI in place of the first of the catalogue.
fn scoring(code: &str, kpi: &str, first: &str) -> TemplateDraft {
    let mut draft = draft(code, first);
    let line = &mut draft.categories[0].kpis[0];
    line.code = kpi.to_owned();
    let mark = |text: &str| Some(text.parse().unwrap());
    (line.floor, line.target, line.stretch) = (mark("20"), mark("8"), mark("4"));
    draft
}

#[test]
fn a_kpi_is_not_retired_while_a_scoped_a_future_or_a_waiting_version_scores_it() {
    on_both(|app| {
        carrier(app, 1, "BRCK");
        let keep = |code: &str| save(app, &mut app.pool.get().unwrap(), &mara(), 0, &own(code)).unwrap();
        let refused =
            |app: &App, code: &str| told(retire(app, &mut app.pool.get().unwrap(), &mara(), code, 1));
        for code in ["SCOPED", "LATER", "WAITS"] {
            keep(code);
        }
        let scoped = TemplateDraft { partner: "BRCK".to_owned(), ..scoring("BRACK", "SCOPED", "2026-12") };
        propose(app, &scoped).unwrap();
        let (field, words) = refused(app, "SCOPED");
        assert_eq!(field, "retire");
        assert!(words.contains("template BRACK-1, which waits to be agreed"), "{words}");
        agree(app, &paul(), "BRACK-1").unwrap();
        propose(app, &scoring("STANDARD", "LATER", "2027-06")).unwrap();
        agree(app, &paul(), "STANDARD-2").unwrap();
        propose(app, &TemplateDraft { months: [12].into(), ..scoring("PEAK", "WAITS", "2026-12") }).unwrap();
        assert!(refused(app, "SCOPED").1.contains("BRACK-1"), "for one partner only");
        assert!(refused(app, "LATER").1.contains("STANDARD-2"), "from next year on");
        assert!(refused(app, "WAITS").1.contains("PEAK-1, which waits"));
        let scored = |code: &str, on: &str| {
            let found = scored_by(&mut app.pool.get().unwrap(), code, on.parse().unwrap()).unwrap();
            found.into_iter().map(|one| one.version).collect::<Vec<_>>()
        };
        assert_eq!(scored("OTD_DAY", "2026-11-15"), ["2026.1", "BRACK-1", "STANDARD-2", "PEAK-1"]);
        assert_eq!(scored("OTD_DAY", "2027-06-01"), ["BRACK-1", "STANDARD-2", "PEAK-1"], "replaced by then");
        // Nothing scores it any more: denied, or replaced and its day has come.
        let words = "Not this year.";
        let mut db = app.pool.get().unwrap();
        template_decide(app, &mut db, &paul(), "PEAK-1", Decision::Denied, words).unwrap();
        retire(app, &mut db, &mara(), "WAITS", 1).unwrap();
        drop(db);
        let end = TemplateDraft { first_period: "2027-01".to_owned(), retired: true, ..scoped };
        propose(app, &end).unwrap();
        agree(app, &paul(), "BRACK-2").unwrap();
        assert!(refused(app, "SCOPED").1.contains("BRACK-1"), "until January");
        let january = later(app, "2027-01-02T08:00:00Z");
        retire(&january, &mut app.pool.get().unwrap(), &mara(), "SCOPED", 1).unwrap();
    });
}

#[test]
fn a_version_is_not_agreed_over_a_kpi_that_changed_since() {
    on_both(|app| {
        save(app, &mut app.pool.get().unwrap(), &mara(), 0, &own("LATE_SHARE")).unwrap();
        propose(app, &scoring("STANDARD", "LATE_SHARE", "2027-01")).unwrap();
        let change = |seen: i32, kpi: &OwnKpi| {
            save(app, &mut app.pool.get().unwrap(), &mara(), seen, kpi).unwrap();
        };
        change(1, &OwnKpi { better: Better::Higher, ..own("LATE_SHARE") });
        let wrong = told(agree(app, &paul(), "STANDARD-2"));
        assert!(wrong.0 == "lines" && wrong.1.contains("more is better"), "{wrong:?}");
        change(2, &OwnKpi { volume: Volume::Mean, ..own("LATE_SHARE") });
        let wrong = told(agree(app, &paul(), "STANDARD-2"));
        assert!(wrong.1.contains("LATE_SHARE was changed since"), "{wrong:?}");
        // Retired behind its back, as before the lock was shared.
        let row = OwnKpiRow { version: 4, retired: true, ..row_of(app, "LATE_SHARE") };
        own_kpi_insert(&mut app.pool.get().unwrap(), &row).unwrap();
        let wrong = told(agree(app, &paul(), "STANDARD-2"));
        assert!(wrong.1.contains("LATE_SHARE is not used any more"), "{wrong:?}");
        change(4, &own("LATE_SHARE"));
        agree(app, &paul(), "STANDARD-2").unwrap();
    });
}

fn row_of(app: &App, code: &str) -> OwnKpiRow {
    own_kpi_history(&mut app.pool.get().unwrap(), code).unwrap().remove(0)
}

#[test]
fn whoever_may_agree_to_a_version_is_told_but_not_who_proposed_it() {
    on_both(|app| {
        for (id, email, role) in [
            (mara().user_id, "mara@x.example", Role::CarrierManager),
            (1, "mo@x.example", Role::CarrierManager),
            (2, "paul@x.example", Role::Procurement),
            (3, "ada@x.example", Role::Auditor),
        ] {
            diesel::insert_into(users::table)
                .values((
                    users::id.eq(id),
                    users::email.eq(email),
                    users::name.eq(email),
                    users::role.eq(role.code()),
                    users::password_hash.eq("x"),
                    users::active.eq(true),
                    users::created_at.eq(Instant(app.now())),
                ))
                .execute(&mut *app.pool.get().unwrap())
                .unwrap();
        }
        propose(app, &draft("STANDARD", "2026-12")).unwrap();
        let mailed: Vec<(String, String)> = mails::table
            .select((mails::recipient, mails::subject))
            .order(mails::recipient)
            .load(&mut *app.pool.get().unwrap())
            .unwrap();
        let subject = "Scorecard template STANDARD-2: A version waits to be agreed";
        let to: Vec<(&str, &str)> = mailed.iter().map(|(to, what)| (to.as_str(), what.as_str())).collect();
        assert_eq!(to, [("mo@x.example", subject), ("paul@x.example", subject)]);
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
