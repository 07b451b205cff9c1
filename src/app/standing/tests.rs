//! Standings set by hand and what follows, through both databases.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::app::corrective::{action_step, actions};
use crate::app::score::{published, score_period, verify_scorecards};
use crate::app::testing::{carrier, day_cell, on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::schema::{mails, users};
use crate::domain::corrective::{ActionState, Step};
use crate::domain::measure::{Measures, Ratio, Tally};
use crate::domain::viewer::Role;

const NOW: &str = "2026-04-08T08:00:00Z";

fn later(app: &App, now: &str) -> App {
    App::new(app.pool.clone(), Clock::Fixed(now.parse().unwrap()), "http://x")
}

fn mara() -> Viewer {
    viewer("Mara", Role::CarrierManager)
}

fn paul() -> Viewer {
    viewer("Paul", Role::Procurement)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn facts(app: &App, partner_id: i64, on: &str, good: i64) {
    let tally = Tally { success: good, late: 100 - good, ..Tally::default() };
    let measures = Measures {
        shipments: 100,
        pickup_window: tally,
        delivery_day: tally,
        delivery_window: tally,
        first_attempt: tally,
        tender: tally,
        status_timely: Ratio { numerator: good, denominator: 100 },
        freight: Ratio { numerator: 1_000_000_000, denominator: 100 },
        ..Measures::default()
    };
    day_cell(app, partner_id, day(on), &measures);
}

/// A good partner and one that misses nearly everything, with the first quarter of 2026 and March scored.
fn scored(app: &App) {
    for (id, code, good) in [(1, "GOOD", 97), (2, "POOR", 60)] {
        carrier(app, id, code);
        facts(app, id, "2025-09-05", good);
        facts(app, id, "2026-03-05", good);
    }
    for period in ["2026-Q1", "2026-03"] {
        score_period(app, period.parse().unwrap(), app.now(), None).unwrap();
    }
}

fn ask(app: &App, tier: Tier, first: &str, last: &str) -> Result<i64, EditError> {
    let new = NewOverride {
        partner_id: 2,
        tier: Some(tier),
        days: (day(first), day(last)),
        reason: "The depot moved; the plan is agreed.".to_owned(),
    };
    override_ask(app, &mut app.pool.get().unwrap(), &mara(), &new)
}

fn decide(app: &App, who: &Viewer, id: i64, decision: Decision) -> Result<i64, EditError> {
    override_decide(app, &mut app.pool.get().unwrap(), who, id, decision, "As discussed.")
}

fn held(app: &App, on: &str) -> HeldOn {
    let mut db = app.pool.get().unwrap();
    standings_on(&mut db, &Viewer::system(), day(on)).unwrap().remove(&2).unwrap()
}

#[test]
fn two_people_set_a_standing_for_a_while_and_the_measured_one_stays_beside_it() {
    on_each_engine(NOW, |app| {
        scored(app);
        assert_eq!(held(app, "2026-04-08").tier(), Some(Tier::ExitReview));
        let refused = |result: Result<i64, EditError>, field: &str| match result {
            Err(EditError::Invalid(errors)) => assert_eq!(errors[0].0, field, "{errors:?}"),
            other => panic!("{other:?}"),
        };
        refused(ask(app, Tier::Approved, "2026-04-08", "2026-07-08"), "last_day");
        refused(ask(app, Tier::Approved, "2026-04-01", "2026-05-01"), "last_day");
        refused(ask(app, Tier::Onboarding, "2026-04-08", "2026-05-01"), "tier");
        let id = ask(app, Tier::Approved, "2026-04-10", "2026-05-31").unwrap();
        refused(ask(app, Tier::Preferred, "2026-04-10", "2026-05-31"), "tier");
        assert_eq!(held(app, "2026-04-20").tier(), Some(Tier::ExitReview), "not before it is agreed");
        assert!(matches!(decide(app, &mara(), id, Decision::Approved), Err(EditError::Review(_))));
        let finance = viewer("Fin", Role::Finance);
        assert!(matches!(decide(app, &finance, id, Decision::Approved), Err(EditError::Denied { .. })));
        decide(app, &paul(), id, Decision::Approved).unwrap();

        let on = |text: &str| held(app, text).tier();
        assert_eq!(on("2026-04-09"), Some(Tier::ExitReview));
        assert_eq!(on("2026-04-10"), Some(Tier::Approved));
        assert_eq!(on("2026-06-01"), Some(Tier::ExitReview), "it ends by itself");
        let now = held(app, "2026-05-01");
        assert_eq!(now.measured, Some(Tier::ExitReview));
        assert!(now.words().contains("by Mara, agreed by Paul"), "{}", now.words());
        let mut db = app.pool.get().unwrap();
        let (frozen, _) = frozen_on(&mut db, day("2026-04-08")).unwrap();
        assert!(frozen.contains(&2) && !frozen.contains(&1));
        assert!(frozen_on(&mut db, day("2026-05-01")).unwrap().0.is_empty(), "lifted by hand");
        let watched = watch_list(&mut db, &Viewer::system(), day("2026-05-01")).unwrap();
        assert_eq!(
            watched.iter().map(|one| one.partner.id).collect::<Vec<_>>(),
            [2],
            "the measure still says so"
        );
        let advice = share_advice(&mut db, &Viewer::system(), 2, Some(Tier::ExitReview), day("2026-04-08"));
        let advice = advice.unwrap().unwrap();
        assert_eq!((advice.present, advice.suggested.to), ("50.0".parse().unwrap(), "25".parse().unwrap()));
        for sql in
            ["UPDATE standing_overrides SET tier = 'STRATEGIC'", "DELETE FROM standing_override_decisions"]
        {
            assert!(db.batch_execute(sql).is_err(), "{sql}");
        }
        // No partner sees another's.
        assert!(!standings_on(&mut db, &partner_viewer(1), day("2026-05-01")).unwrap().contains_key(&2));
        drop(db);

        // A quarter scored while it holds decides by what was measured.
        facts(app, 2, "2026-05-05", 61);
        let july = later(app, "2026-07-03T08:00:00Z");
        score_period(&july, "2026-Q2".parse().unwrap(), july.now(), None).unwrap();
        let mut db = july.pool.get().unwrap();
        let card = published(&mut db, &Viewer::system(), 2, "2026-Q2".parse().unwrap()).unwrap().unwrap();
        assert_eq!(card.snapshot.standing.unwrap().standing.tier, Tier::ExitReview);
        assert_eq!(verify_scorecards(&mut db).unwrap().0, vec![]);
        drop(db);
        // Ended early by a person.
        let id = ask(app, Tier::Approved, "2026-06-10", "2026-07-31").unwrap();
        decide(app, &paul(), id, Decision::Approved).unwrap();
        assert_eq!(held(app, "2026-06-15").tier(), Some(Tier::Approved));
        decide(app, &paul(), id, Decision::Denied).unwrap();
        assert_eq!(held(app, "2026-06-15").by_hand, None);
    });
}

#[test]
fn a_low_quarter_opens_one_action_for_each_cause_and_both_sides_follow_it() {
    on_each_engine(NOW, |app| {
        carrier(app, 2, "POOR");
        for (id, email, role) in
            [(1, "mara@example.org", "CARRIER_MANAGER"), (2, "poor@example.org", "PARTNER")]
        {
            let at = Instant("2025-01-01T00:00:00Z".parse().unwrap());
            diesel::insert_into(users::table)
                .values((
                    users::id.eq(id),
                    users::email.eq(email),
                    users::name.eq(email),
                    users::role.eq(role),
                    users::partner_id.eq((role == "PARTNER").then_some(2_i64)),
                    users::password_hash.eq("x"),
                    users::active.eq(true),
                    users::created_at.eq(at),
                ))
                .execute(&mut *app.pool.get().unwrap())
                .unwrap();
        }
        facts(app, 2, "2025-09-05", 60);
        facts(app, 2, "2026-03-05", 60);
        let score = |app: &App, period: &str| {
            score_period(app, period.parse().unwrap(), app.now(), None).unwrap();
        };
        score(app, "2025-Q3");
        assert!(
            actions(&mut app.pool.get().unwrap(), &mara(), None).unwrap().is_empty(),
            "history opens none"
        );
        score(app, "2026-Q1");
        let all = |app: &App| actions(&mut app.pool.get().unwrap(), &mara(), None).unwrap();
        let found = all(app);
        assert_eq!(found.len(), 1);
        let one = &found[0];
        assert!(!one.row.kpi.is_empty() && one.row.cause == format!("{}:2026-Q1", one.row.kpi), "{one:?}");
        assert_eq!((one.state, one.row.due_on.0), (ActionState::Open, day("2026-04-22")));
        let mailed: Vec<String> = mails::table
            .select(mails::recipient)
            .order(mails::recipient)
            .load(&mut *app.pool.get().unwrap())
            .unwrap();
        assert_eq!(mailed, ["mara@example.org", "poor@example.org"]);

        // Facts that change the card restate it and open nothing anew; nor does the next quarter while it is open.
        facts(app, 2, "2026-03-06", 50);
        score(app, "2026-Q1");
        facts(app, 2, "2026-05-05", 50);
        let july = later(app, "2026-07-03T08:00:00Z");
        score(&july, "2026-Q2");
        assert_eq!(all(app).len(), 1);

        let step = |who: &Viewer, step, words: &str| {
            action_step(app, &mut app.pool.get().unwrap(), who, one.row.id, step, words)
        };
        assert!(matches!(step(&partner_viewer(9), Step::Answered, "Ours."), Err(EditError::NotFound(_))));
        assert!(matches!(step(&partner_viewer(2), Step::Closed, "Done."), Err(EditError::Denied { .. })));
        assert!(matches!(step(&partner_viewer(2), Step::Answered, ""), Err(EditError::Invalid(_))));
        step(&partner_viewer(2), Step::Answered, "A second shift from May on.").unwrap();
        assert!(matches!(step(&partner_viewer(2), Step::Answered, "Again."), Err(EditError::Card(_))));
        step(&mara(), Step::Reopened, "Who does it?").unwrap();
        step(&partner_viewer(2), Step::Answered, "The depot lead.").unwrap();
        step(&mara(), Step::Closed, "Seen at the depot.").unwrap();
        assert!(matches!(step(&mara(), Step::Closed, "Again."), Err(EditError::Card(_))));
        assert_eq!(all(app)[0].state, ActionState::Closed);
        assert_eq!(all(app)[0].steps.len(), 4);

        // Closed, a later quarter that is low again opens the next.
        facts(app, 2, "2026-06-05", 40);
        score(&july, "2026-Q2");
        assert_eq!(all(app).len(), 2);
    });
}
