//! Standings set by hand and what follows, through both databases.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::app::challenge::daily;
use crate::app::corrective::{NewAction, action, action_open, action_step, actions};
use crate::app::restatement::restate;
use crate::app::score::{published, score_period, verify_scorecards};
use crate::app::testing::{carrier, day_cell, on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::schema::{mails, partners, users};
use crate::db::standing::{ActionStepRow, action_step_insert};
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
        tender: tally.into(),
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

fn decide(app: &App, who: &Viewer, id: i64, decision: OverrideDecision) -> Result<i64, EditError> {
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
        assert!(matches!(decide(app, &mara(), id, OverrideDecision::Approved), Err(EditError::Review(_))));
        let finance = viewer("Fin", Role::Finance);
        assert!(matches!(
            decide(app, &finance, id, OverrideDecision::Approved),
            Err(EditError::Denied { .. })
        ));
        decide(app, &paul(), id, OverrideDecision::Approved).unwrap();

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
        decide(app, &paul(), id, OverrideDecision::Approved).unwrap();
        assert_eq!(held(app, "2026-06-15").tier(), Some(Tier::Approved));
        let denied = decide(app, &paul(), id, OverrideDecision::Denied);
        assert!(matches!(denied, Err(EditError::Card(_))), "agreed is agreed: {denied:?}");
        let soon = later(app, "2026-06-20T08:00:00Z");
        decide(&soon, &mara(), id, OverrideDecision::Ended).unwrap();
        let again = decide(&soon, &paul(), id, OverrideDecision::Ended);
        assert!(matches!(again, Err(EditError::Card(_))), "{again:?}");
        let was = held(app, "2026-06-15");
        assert_eq!(was.tier(), Some(Tier::Approved), "the days it held stay");
        assert!(was.words().contains("until 19 June 2026 by Mara, agreed by Paul"), "{}", was.words());
        assert_eq!(held(app, "2026-06-19").tier(), Some(Tier::Approved));
        assert_eq!(held(app, "2026-06-20").by_hand, None, "from its day on it does not hold");
        // Ended before it begins, it never held.
        let id = ask(&soon, Tier::Preferred, "2026-07-01", "2026-07-31").unwrap();
        decide(&soon, &paul(), id, OverrideDecision::Approved).unwrap();
        decide(&soon, &paul(), id, OverrideDecision::Ended).unwrap();
        assert_eq!(held(app, "2026-07-05").by_hand, None);
        let by_itself = later(app, "2026-06-01T08:00:00Z");
        let first = override_list(&mut app.pool.get().unwrap(), &mara(), Some(2), Which::Newest).unwrap();
        let first = first.last().unwrap().row.id;
        let over = decide(&by_itself, &paul(), first, OverrideDecision::Ended).unwrap_err().to_string();
        assert!(over.contains("ended by itself"), "{over}");
    });
}

fn user(app: &App, id: i64, email: &str, role: Role, partner_id: Option<i64>) {
    let at = Instant("2025-01-01T00:00:00Z".parse().unwrap());
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(email),
            users::name.eq(email),
            users::role.eq(role.code()),
            users::partner_id.eq(partner_id),
            users::password_hash.eq("x"),
            users::active.eq(true),
            users::created_at.eq(at),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

fn mailed(app: &App) -> Vec<String> {
    let found = mails::table.select(mails::recipient).order(mails::recipient);
    found.load(&mut *app.pool.get().unwrap()).unwrap()
}

#[test]
fn whoever_may_agree_is_told_but_not_who_asked() {
    on_each_engine(NOW, |app| {
        carrier(app, 2, "POOR");
        user(app, mara().user_id, "mara@x.example", Role::CarrierManager, None);
        user(app, 1, "mo@x.example", Role::CarrierManager, None);
        user(app, 2, "paul@x.example", Role::Procurement, None);
        user(app, 3, "fin@x.example", Role::Finance, None);
        user(app, 4, "poor@x.example", Role::Partner, Some(2));
        ask(app, Tier::Approved, "2026-04-10", "2026-05-31").unwrap();
        assert_eq!(mailed(app), ["mo@x.example", "paul@x.example"]);
    });
}

#[test]
fn a_preview_of_a_quarter_that_is_over_decides_nothing() {
    on_each_engine(NOW, |app| {
        scored(app);
        let tier = |app: &App, on: &str| {
            standing_on(&mut app.pool.get().unwrap(), &Viewer::system(), 1, day(on)).unwrap().tier()
        };
        let decided = tier(app, "2026-04-08");
        assert!(decided.is_some_and(|tier| tier < Tier::ExitReview), "{decided:?}");
        // A week of failures in the running quarter, scored while it runs.
        facts(app, 1, "2026-05-05", 0);
        let may = later(app, "2026-05-10T08:00:00Z");
        score_period(&may, "2026-Q2".parse().unwrap(), may.now(), None).unwrap();
        assert_eq!(tier(app, "2026-07-01"), decided, "the preview of June is no decision in July");
        let july = later(app, "2026-07-02T08:00:00Z");
        score_period(&july, "2026-Q2".parse().unwrap(), july.now(), None).unwrap();
        assert_eq!(tier(app, "2026-07-02"), Some(Tier::ExitReview));
        assert_eq!(
            standing_on(&mut app.pool.get().unwrap(), &partner_viewer(2), 1, day("2026-07-02")).unwrap(),
            HeldOn::default(),
            "not another's"
        );
    });
}

#[test]
fn who_we_no_longer_work_with_is_watched_no_more() {
    on_each_engine(NOW, |app| {
        scored(app);
        let db = &mut *app.pool.get().unwrap();
        let watched = |db: &mut Db| {
            let found = watch_list(db, &Viewer::system(), day("2026-04-08")).unwrap();
            found.into_iter().map(|one| one.partner.id).collect::<Vec<_>>()
        };
        assert_eq!(watched(db), [2]);
        for (status, left) in [("SUSPENDED", vec![2]), ("CLOSED", vec![])] {
            diesel::update(partners::table.find(2)).set(partners::status.eq(status)).execute(db).unwrap();
            assert_eq!(watched(db), left, "{status}");
        }
    });
}

/// More rows than a list shows, copied from the one there is.
fn many(db: &mut Db, table: &str, columns: &str) {
    let copied = columns.replace("cause", "cause || n.i");
    db.batch_execute(&format!(
        "INSERT INTO {table} (id, {columns}) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001) \
         SELECT t.id + n.i, {copied} FROM {table} t CROSS JOIN n"
    ))
    .unwrap();
}

#[test]
fn what_is_older_than_the_newest_rows_of_a_list_is_still_found_and_decided() {
    on_each_engine(NOW, |app| {
        scored(app);
        let id = ask(app, Tier::Approved, "2026-04-10", "2026-05-31").unwrap();
        decide(app, &paul(), id, OverrideDecision::Approved).unwrap();
        let db = &mut *app.pool.get().unwrap();
        let oldest = actions(db, &mara(), None).unwrap().pop().unwrap().row.id;
        many(
            db,
            "corrective_actions",
            "partner_id, cause, scorecard_id, period, kpi, words, owner, due_on, opened_at, opened_by, opened_by_id",
        );
        many(
            db,
            "standing_overrides",
            "partner_id, tier, first_day, last_day, reason, requested_at, requested_by, requested_by_id",
        );
        let shown = actions(db, &mara(), None).unwrap();
        assert_eq!(shown.len(), 5_000);
        assert!(shown.iter().all(|one| one.row.id != oldest), "it is no longer among the newest");
        assert_eq!(actions(db, &mara(), Some(2)).unwrap().len(), 5_002, "a partner's are all there");
        assert!(action(db, &partner_viewer(1), oldest).unwrap().is_none(), "not another's");
        action_step(app, db, &partner_viewer(2), oldest, Step::Answered, "A second shift.").unwrap();
        assert_eq!(action(db, &mara(), oldest).unwrap().unwrap().state, ActionState::Answered);
        // The override still holds, and whoever may decides about it.
        assert!(override_list(db, &partner_viewer(1), None, Which::One(id)).unwrap().is_empty());
        assert_eq!(
            standing_on(db, &mara(), 2, day("2026-04-20")).unwrap().by_hand.map(|one| one.id),
            Some(id)
        );
        override_decide(app, db, &mara(), id, OverrideDecision::Ended, "Done.").unwrap();
    });
}

#[test]
fn what_stands_beside_a_row_is_about_its_partner() {
    on_each_engine(NOW, |app| {
        scored(app);
        let id = ask(app, Tier::Approved, "2026-04-10", "2026-05-31").unwrap();
        let db = &mut *app.pool.get().unwrap();
        let opened = actions(db, &mara(), None).unwrap().pop().unwrap().row.id;
        let at = Instant(app.now());
        let decision = |partner_id: i64| OverrideDecisionRow {
            override_id: id,
            seq: 1,
            partner_id,
            kind: "DENIED".to_owned(),
            words: "No.".to_owned(),
            at,
            actor: "Paul".to_owned(),
            actor_id: 1,
            ends_on: None,
        };
        let step = |partner_id: i64| ActionStepRow {
            action_id: opened,
            seq: 1,
            partner_id,
            kind: "CLOSED".to_owned(),
            words: "Done.".to_owned(),
            at,
            actor: "Mara".to_owned(),
            actor_id: 1,
            period: None,
        };
        assert!(override_decision_insert(db, &decision(1)).is_err(), "partner 1 is not partner 2");
        assert!(action_step_insert(db, &step(1)).is_err());
        assert!(
            override_decision_insert(db, &OverrideDecisionRow { kind: "ENDED".to_owned(), ..decision(2) })
                .is_err(),
            "an end has its day"
        );
        override_decision_insert(db, &decision(2)).unwrap();
        action_step_insert(db, &step(2)).unwrap();
    });
}

#[test]
fn a_quarter_noted_on_an_action_opens_its_own_once_that_is_closed() {
    on_each_engine(NOW, |app| {
        scored(app);
        let all = |app: &App| actions(&mut app.pool.get().unwrap(), &mara(), Some(2)).unwrap();
        let first = all(app)[0].row.id;
        facts(app, 2, "2026-05-05", 50);
        let july = later(app, "2026-07-03T08:00:00Z");
        let run = |app: &App| score_period(app, "2026-Q2".parse().unwrap(), app.now(), None).unwrap();
        assert_eq!(run(&july).changed_rows(), 3, "two scorecards and the note");
        let one = all(app).pop().unwrap();
        assert_eq!(
            one.steps.iter().map(|step| (step.kind.as_str(), step.period.as_deref())).collect::<Vec<_>>(),
            [("NOTED", Some("2026-Q2"))]
        );
        assert!(one.steps[0].words.contains("quarter 2 of 2026"), "{}", one.steps[0].words);
        assert_eq!((one.state, all(app).len()), (ActionState::Open, 1));
        assert_eq!(run(&july).changed_rows(), 0, "once");
        let by_hand =
            action_step(app, &mut app.pool.get().unwrap(), &mara(), first, Step::Noted, "Quarter 3 as well.");
        assert!(matches!(by_hand, Err(EditError::Card(_))), "{by_hand:?}");
        action_step(app, &mut app.pool.get().unwrap(), &mara(), first, Step::Closed, "Seen.").unwrap();
        // Nothing of the scorecards changes; the run alone opens it.
        assert_eq!(run(&july).changed_rows(), 1);
        let now = all(app);
        assert_eq!(
            now.iter().map(|one| (one.row.period.as_str(), one.state)).collect::<Vec<_>>(),
            [("2026-Q2", ActionState::Open), ("2026-Q1", ActionState::Closed)]
        );
        assert_eq!(run(&july).changed_rows(), 0);
        assert_eq!(verify_scorecards(&mut app.pool.get().unwrap()).unwrap().0, vec![]);
    });
}

#[test]
fn a_restatement_by_a_person_opens_an_action_too() {
    on_each_engine(NOW, |app| {
        scored(app);
        let of_good = |app: &App| actions(&mut app.pool.get().unwrap(), &mara(), Some(1)).unwrap();
        let may = later(app, "2026-05-04T08:00:00Z");
        score_period(&may, "2026-Q1".parse().unwrap(), may.now(), None).unwrap();
        for on in ["2026-03-06", "2026-03-07", "2026-03-08"] {
            facts(app, 1, on, 0);
        }
        score_period(&may, "2026-Q1".parse().unwrap(), may.now(), None).unwrap();
        assert!(of_good(app).is_empty(), "final, it stays as it is");
        restate(&may, &mara(), 1, "2026-Q1".parse().unwrap(), "A gate log came late.").unwrap();
        let found = of_good(app);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].row.period, "2026-Q1");
    });
}

#[test]
fn a_low_quarter_opens_one_action_for_each_cause_and_both_sides_follow_it() {
    on_each_engine(NOW, |app| {
        carrier(app, 2, "POOR");
        user(app, 1, "mara@example.org", Role::CarrierManager, None);
        user(app, 2, "poor@example.org", Role::Partner, Some(2));
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
        assert_eq!(mailed(app), ["mara@example.org", "poor@example.org"]);

        // Facts that change the card restate it and open nothing anew; nor does the next quarter while it is open.
        facts(app, 2, "2026-03-06", 50);
        score(app, "2026-Q1");
        facts(app, 2, "2026-05-05", 50);
        let july = later(app, "2026-07-03T08:00:00Z");
        score(&july, "2026-Q2");
        assert_eq!(all(app).len(), 1);
        assert_eq!(mailed(app).len(), 4, "both sides are told of the quarter that is noted");

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
        assert_eq!(all(app)[0].steps.len(), 5);

        // Closed, a later quarter that is low again opens the next.
        facts(app, 2, "2026-06-05", 40);
        score(&july, "2026-Q2");
        assert_eq!(all(app).len(), 2);
    });
}

#[test]
fn a_person_opens_an_action_and_its_answer_is_reminded_of_once_a_stage() {
    on_each_engine(NOW, |app| {
        carrier(app, 2, "POOR");
        user(app, 1, "mara@x.example", Role::CarrierManager, None);
        user(app, 2, "poor@x.example", Role::Partner, Some(2));
        let new = NewAction {
            partner_id: 2,
            kpi: "EDI_TIMELY".to_owned(),
            words: "Messages come a day late since Monday.".to_owned(),
            due_on: day("2026-04-22"),
        };
        let open = |who: &Viewer, new: NewAction| action_open(app, &mut app.pool.get().unwrap(), who, &new);
        assert!(matches!(open(&paul(), new.clone()), Err(EditError::Denied { .. })));
        let refused = |new: NewAction| match open(&mara(), new) {
            Err(EditError::Invalid(errors)) => errors[0].0.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(NewAction { kpi: "NOWHERE".to_owned(), ..new.clone() }), "kpi");
        assert_eq!(refused(NewAction { due_on: day("2026-04-07"), ..new.clone() }), "due_on");
        assert_eq!(refused(NewAction { words: String::new(), ..new.clone() }), "words");
        let missing = open(&mara(), NewAction { partner_id: 9, ..new.clone() });
        assert!(matches!(missing, Err(EditError::NotFound(_))));
        let id = open(&mara(), new).unwrap();
        assert_eq!(mailed(app), ["poor@x.example"]);
        let found = action(&mut app.pool.get().unwrap(), &partner_viewer(2), id).unwrap().unwrap();
        assert_eq!((found.row.scorecard_id, found.row.opened_by.as_str()), (None, "Mara"));

        let run = |on: &str| daily(app, day(on)).unwrap().mails;
        assert_eq!(["2026-04-18", "2026-04-19", "2026-04-19", "2026-04-20"].map(run), [0, 1, 0, 0]);
        assert_eq!(["2026-04-22", "2026-04-24", "2026-04-25", "2026-04-25"].map(run), [1, 0, 1, 0]);
        assert_eq!(run("2026-04-29"), 2, "a week late the managers are told as well");
        let step = |who: &Viewer, step: Step| {
            action_step(app, &mut app.pool.get().unwrap(), who, id, step, "As said.").unwrap();
        };
        step(&partner_viewer(2), Step::Answered);
        assert_eq!(run("2026-05-10"), 0, "it waits for the shipper");
        step(&mara(), Step::Reopened);
        assert_eq!(["2026-05-11", "2026-05-12"].map(run), [2, 0], "asked anew");
        step(&mara(), Step::Closed);
        assert_eq!(run("2026-06-11"), 0);

        // It covered the partner while it was open; closed, it says nothing of a quarter.
        facts(app, 2, "2025-09-05", 60);
        facts(app, 2, "2026-03-05", 60);
        score_period(app, "2026-Q1".parse().unwrap(), app.now(), None).unwrap();
        assert_eq!(actions(&mut app.pool.get().unwrap(), &mara(), Some(2)).unwrap().len(), 2);
    });
}
