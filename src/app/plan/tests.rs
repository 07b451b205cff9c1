//! The plan on both engines: made once, answered by those asked, seen by nobody else.

use chrono::{Days, NaiveDate};
use diesel::prelude::*;

use super::show::{plan_lane_show, plan_own, plan_show};
use super::{AnswerError, PlanError, plan, plan_answer, plan_commit_all};
use crate::app::App;
use crate::app::standing::{NewOverride, override_ask, override_decide};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::plan::{CommitmentRow, commitment_put};
use crate::db::schema::{
    audit_log, lane_cells, lanes, partners, plan_cells, plan_lanes, plans, shipments, tenders,
};
use crate::db::shipment::ShipmentRow;
use crate::db::types::{Day, Instant};
use crate::domain::capacity::{Answer, PlanCellError, Zone};
use crate::domain::scorecard::Tier;
use crate::domain::viewer::Role;
use crate::on_engine;

/// A Tuesday; its week is week 28.
const NOW: &str = "2025-07-08T06:10:00Z";
const ALDER: i64 = 1;
const BIRCH: i64 = 2;
const LANE: i64 = 10;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn today() -> NaiveDate {
    day("2025-07-08")
}

/// Week 30: the first that partners may answer.
fn open_week() -> NaiveDate {
    day("2025-07-21")
}

/// Two partners on one lane with 20 loads tendered a week; Alder is cheaper but short of trucks.
fn network(app: &App) {
    let db = &mut *app.pool.get().unwrap();
    let at = Instant(app.now());
    for (id, code, name) in [(ALDER, "ALDR", "Alder Haulage"), (BIRCH, "BRCH", "Birch Freight")] {
        diesel::insert_into(partners::table)
            .values((
                partners::id.eq(id),
                partners::code.eq(code),
                partners::name.eq(name),
                partners::created_at.eq(at),
            ))
            .execute(db)
            .unwrap();
    }
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
    for week in 1..=30 {
        let sent = day("2025-07-07") - Days::new(7 * week);
        for load in 0..20 {
            // Every fifth load is turned down and tendered again: one load, two tenders.
            tender(app, db, sent, &format!("{week}-{load}"), ALDER, 1);
            if load % 5 == 0 {
                tender(app, db, sent, &format!("{week}-{load}"), BIRCH, 2);
            }
        }
    }
    for week in 0..13 {
        offer(app, ALDER, week, 12, 400);
        offer(app, BIRCH, week, 5, 500);
    }
}

fn tender(app: &App, db: &mut crate::db::Db, sent: NaiveDate, reference: &str, partner: i64, sequence: i32) {
    diesel::insert_into(tenders::table)
        .values((
            tenders::sent_day.eq(Day(sent)),
            tenders::partner_id.eq(partner),
            tenders::id.eq(app.id()),
            tenders::source_id.eq(1),
            tenders::reference.eq(reference),
            tenders::fact_hash.eq(0_i64),
            tenders::version.eq(1),
            tenders::import_id.eq(1_i64),
            tenders::import_row.eq(1_i64),
            tenders::lane_id.eq(Some(LANE)),
            tenders::service.eq(""),
            tenders::mode.eq(""),
            tenders::sequence.eq(Some(sequence)),
            tenders::sent_at.eq(Instant(app.now())),
            tenders::beyond_commitment.eq(false),
            tenders::short_notice.eq(false),
            tenders::outcome.eq("S"),
        ))
        .execute(db)
        .unwrap();
}

fn offer(app: &App, partner_id: i64, week: u64, base_units: i32, cost: i64) {
    let row = CommitmentRow {
        partner_id,
        lane_id: LANE,
        week: Day(day("2025-07-07") + Days::new(7 * week)),
        base_units,
        surge_bps: 2_500,
        unit_cost_micros: Some(cost * 1_000_000),
        currency: "USD".into(),
        recorded_at: Instant(app.now()),
    };
    commitment_put(&mut app.pool.get().unwrap(), &row).unwrap();
}

/// So many loads of a partner on the lane, due on one day.
fn carries(app: &App, partner_id: i64, on: &str, loads: i64) {
    let db = &mut *app.pool.get().unwrap();
    for _ in 0..loads {
        let id = app.id();
        let row = ShipmentRow {
            obligation_day: Day(day(on)),
            partner_id,
            id,
            reference: format!("S-{id}"),
            version: 1,
            policy_id: 1,
            lane_id: Some(LANE),
            delivery_due_day: Some(Day(day(on))),
            pickup_window_outcome: "-".to_owned(),
            delivery_day_outcome: "S".to_owned(),
            delivery_window_outcome: "-".to_owned(),
            ..ShipmentRow::default()
        };
        on_engine!(db, |conn| diesel::insert_into(shipments::table).values(&row).execute(conn)).unwrap();
    }
}

fn rows(app: &App) -> (i64, i64, i64) {
    let db = &mut *app.pool.get().unwrap();
    (
        plans::table.count().get_result(db).unwrap(),
        plan_lanes::table.count().get_result(db).unwrap(),
        plan_cells::table.count().get_result(db).unwrap(),
    )
}

fn planned(app: &App) -> i64 {
    network(app);
    plan(app, today(), None).unwrap().plan_id.unwrap()
}

#[test]
fn a_load_is_counted_once_and_shared_out_by_cost() {
    on_each_engine(NOW, |app| {
        planned(app);
        let manager = viewer("Mara", Role::CarrierManager);
        let shown = plan_show(app, &manager, None, None).unwrap().unwrap();
        assert_eq!(shown.summary.demand_loads, 13 * 20, "the second tender of a load is no second load");
        let week_30: Vec<_> = shown
            .cells
            .iter()
            .filter(|c| c.week.0 == open_week())
            .map(|c| (c.partner_id, c.base_units, c.surge_units))
            .collect();
        // 20 loads: both bases, then Alder's surge of 3 before Birch's dearer one.
        assert_eq!(week_30, [(ALDER, 12, 3), (BIRCH, 5, 0)]);
        let frozen: i32 =
            shown.cells.iter().filter(|c| c.week.0 == day("2025-07-07")).map(|c| c.surge_units).sum();
        assert_eq!(frozen, 0, "no surge inside the notice");
        let lane = plan_lane_show(app, &manager, None, LANE).unwrap().unwrap();
        assert_eq!((lane.history.len(), lane.history.last().copied()), (30, Some((day("2025-06-30"), 20))));
        assert_eq!(lane.commitments.len(), 26);
    });
}

#[test]
fn frozen_awards_give_no_more_than_is_carried_now() {
    on_each_engine(NOW, |app| {
        network(app);
        // Of the running month, and of before the 13 weeks: they do not count. Alder has run the lane for long.
        let measures = crate::domain::measure::Measures { shipments: 212, ..Default::default() };
        diesel::insert_into(lane_cells::table)
            .values((
                lane_cells::partner_id.eq(ALDER),
                lane_cells::lane_id.eq(LANE),
                lane_cells::month.eq(Day(day("2025-01-01"))),
                lane_cells::service.eq(""),
                lane_cells::source.eq("SHIPMENTS"),
                lane_cells::source_month.eq(Day(day("2025-01-01"))),
                lane_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
            ))
            .execute(&mut *app.pool.get().unwrap())
            .unwrap();
        carries(app, ALDER, "2025-04-06", 500);
        carries(app, ALDER, "2025-07-07", 500);
        // 92 loads in the 91 days before, 8 a week.
        carries(app, ALDER, "2025-04-07", 46);
        carries(app, ALDER, "2025-07-06", 46);
        let carried = |app: &App| -> Vec<i32> {
            let manager = viewer("Mara", Role::CarrierManager);
            let shown = plan_show(app, &manager, None, None).unwrap().unwrap();
            let of_alder = shown.cells.iter().filter(|c| c.partner_id == ALDER);
            of_alder.map(|c| c.base_units + c.surge_units).collect()
        };
        plan(app, today(), None).unwrap();
        assert_eq!(carried(app).into_iter().max(), Some(15), "12 and a surge of 3 before");
        for (tier, most) in [(Tier::Probation, Some(8)), (Tier::Suspended, None)] {
            let new = NewOverride {
                partner_id: ALDER,
                tier: Some(tier),
                days: (today(), day("2025-08-01")),
                reason: "Under review.".to_owned(),
            };
            let id =
                override_ask(app, &mut app.pool.get().unwrap(), &viewer("Mara", Role::CarrierManager), &new);
            let paul = viewer("Paul", Role::Procurement);
            let decision = crate::domain::scorecard::OverrideDecision::Approved;
            override_decide(app, &mut app.pool.get().unwrap(), &paul, id.unwrap(), decision, "Agreed.")
                .unwrap();
            plan(app, today(), None).unwrap();
            assert_eq!(carried(app).into_iter().max(), most, "{tier:?}");
        }
    });
}

/// Who came lately is held to what it carries since, not to a span in which it had nothing.
#[test]
fn a_partner_that_came_lately_is_held_to_what_it_carries_since() {
    on_each_engine(NOW, |app| {
        network(app);
        // Ten loads a week for three weeks; over thirteen weeks that would be three.
        for on in ["2025-06-16", "2025-06-23", "2025-06-30"] {
            carries(app, ALDER, on, 10);
        }
        let by_hand = NewOverride {
            partner_id: ALDER,
            tier: Some(Tier::Probation),
            days: (today(), day("2025-08-01")),
            reason: "Under review.".to_owned(),
        };
        let db = &mut app.pool.get().unwrap();
        let id = override_ask(app, db, &viewer("Mara", Role::CarrierManager), &by_hand).unwrap();
        let decision = crate::domain::scorecard::OverrideDecision::Approved;
        override_decide(app, db, &viewer("Paul", Role::Procurement), id, decision, "Agreed.").unwrap();
        plan(app, today(), None).unwrap();
        let manager = viewer("Mara", Role::CarrierManager);
        let shown = plan_show(app, &manager, None, None).unwrap().unwrap();
        let of_alder = shown.cells.iter().filter(|c| c.partner_id == ALDER);
        assert_eq!(of_alder.map(|c| c.base_units + c.surge_units).max(), Some(10));
        let note = shown.summary.notes.iter().find(|note| note.contains("frozen")).unwrap();
        assert!(note.contains("in the 13 weeks from 7 April 2025 to 6 July 2025"), "{note}");
    });
}

#[test]
fn planning_again_changes_nothing_until_the_inputs_do() {
    on_each_engine(NOW, |app| {
        let first = planned(app);
        let before = rows(app);
        let again = plan(app, today(), Some(7)).unwrap();
        assert_eq!((again.plan_id, again.changed_rows, rows(app)), (Some(first), 0, before));
        offer(app, BIRCH, 4, 8, 500);
        let replaced = plan(app, today(), None).unwrap();
        assert!(replaced.changed_rows > 0 && rows(app).0 == 1, "one plan a day");
        let alder = partner_viewer(ALDER);
        plan_answer(app, &alder, replaced.plan_id.unwrap(), LANE, open_week(), &Answer::Commit).unwrap();
        assert_eq!(
            plan(app, today(), None).unwrap().changed_rows,
            0,
            "an answer is no input of its own plan"
        );
        offer(app, BIRCH, 4, 9, 500);
        assert!(matches!(plan(app, today(), None), Err(PlanError::Answered(_))));
        let later = plan(app, day("2025-07-15"), None).unwrap();
        assert!(later.changed_rows > 0 && rows(app).0 == 2);
    });
}

#[test]
fn a_partner_answers_its_own_weeks_and_knows_of_no_others() {
    on_each_engine(NOW, |app| {
        let id = planned(app);
        let (alder, birch) = (partner_viewer(ALDER), partner_viewer(BIRCH));
        let own = plan_own(app, &birch).unwrap().unwrap();
        assert!(own.weeks.iter().all(|week| week.asked <= 6), "only Birch's loads");
        assert_eq!(own.weeks.iter().filter(|week| week.is_open).count(), 11);
        assert!(own.weeks.iter().all(|week| week.is_open != (week.zone == Zone::Frozen)));
        let counter = Answer::Counter { loads: 4, reason: "one truck in repair".into() };
        plan_answer(app, &birch, id, LANE, open_week(), &counter).unwrap();
        plan_answer(app, &birch, id, LANE, open_week(), &counter).unwrap();
        let lines: i64 = audit_log::table
            .filter(audit_log::action.eq("plan.answer"))
            .filter(audit_log::partner_id.eq(BIRCH))
            .count()
            .get_result(&mut *app.pool.get().unwrap())
            .unwrap();
        assert_eq!(lines, 1, "the same answer again is no new line");
        let others = plan_own(app, &alder).unwrap().unwrap();
        assert!(others.weeks.iter().all(|week| week.state == "SHARED" && week.answer_reason.is_empty()));
        // Nothing to answer where Birch has no loads, and nothing for who is no partner.
        let foreign = plan_answer(app, &birch, id, LANE + 1, open_week(), &Answer::Commit);
        assert!(matches!(foreign, Err(AnswerError::NotFound)));
        let manager = viewer("Mara", Role::CarrierManager);
        let meddling = plan_answer(app, &manager, id, LANE, open_week(), &Answer::Commit);
        assert!(matches!(meddling, Err(AnswerError::NotFound)));
        assert!(plan_show(app, &birch, None, None).unwrap().is_none(), "the whole plan is the shipper's");
        assert!(plan_own(app, &manager).unwrap().is_none());
        assert_eq!(plan_commit_all(app, &birch, id).unwrap(), 3, "weeks 3 to 6 but the answered one");
        let own = plan_own(app, &birch).unwrap().unwrap();
        let later = own.weeks.iter().filter(|week| week.zone == Zone::Indicative);
        assert!(
            later.map(|week| week.state.as_str()).all(|state| state == "SHARED"),
            "later weeks stay open"
        );
    });
}

#[test]
fn what_cannot_be_answered_says_why() {
    on_each_engine(NOW, |app| {
        let id = planned(app);
        let alder = partner_viewer(ALDER);
        let answer = |week, answer: Answer| plan_answer(app, &alder, id, LANE, week, &answer).unwrap_err();
        let frozen = answer(day("2025-07-07"), Answer::Commit);
        assert!(matches!(frozen, AnswerError::Cell(PlanCellError::TooLate { .. })), "{frozen}");
        let mute = answer(open_week(), Answer::Counter { loads: 3, reason: " ".into() });
        assert!(matches!(mute, AnswerError::Cell(PlanCellError::BadReason)), "{mute}");
        let late =
            App { clock: crate::clock::Clock::Fixed("2025-07-12T00:00:00Z".parse().unwrap()), ..app.clone() };
        let closed = plan_answer(&late, &alder, id, LANE, open_week(), &Answer::Commit).unwrap_err();
        assert!(matches!(closed, AnswerError::Closed(last) if last == day("2025-07-11")), "{closed}");
        plan(app, day("2025-07-09"), None).unwrap();
        assert!(matches!(answer(open_week(), Answer::Commit), AnswerError::Superseded));
    });
}

#[test]
fn answers_shape_the_next_plan() {
    on_each_engine(NOW, |app| {
        let id = planned(app);
        let (alder, birch) = (partner_viewer(ALDER), partner_viewer(BIRCH));
        plan_answer(app, &alder, id, LANE, open_week(), &Answer::Commit).unwrap();
        let more = Answer::Counter { loads: 9, reason: "a truck came free".into() };
        plan_answer(app, &birch, id, LANE, open_week(), &more).unwrap();
        plan(app, day("2025-07-15"), None).unwrap();
        let manager = viewer("Mara", Role::CarrierManager);
        let shown = plan_show(app, &manager, None, None).unwrap().unwrap();
        let cells: Vec<_> = shown
            .cells
            .iter()
            .filter(|c| c.week.0 == open_week())
            .map(|c| (c.partner_id, c.asked(), c.state.as_str()))
            .collect();
        // Alder's yes stands; Birch is asked for what is left, since it offered more than its base.
        assert_eq!(cells.first(), Some(&(ALDER, 15, "COMMITTED")));
        assert_eq!(cells.get(1).map(|c| c.0), Some(BIRCH));
        let carried: i64 = shown.cells.iter().map(|c| i64::from(c.asked())).sum();
        let counted: i64 = shown.summary.resilience.shares.iter().map(|share| share.loads).sum();
        assert_eq!(counted, carried, "what was agreed before counts in the concentration");
    });
}

/// Whoever comes first: an answer is never lost with a plan that took the place of the answered one.
#[test]
fn a_plan_and_an_answer_at_once_lose_nothing() {
    on_each_engine(NOW, |app| {
        let mut id = planned(app);
        let other = App { pool: app.pool.url().open(2).unwrap(), ..app.clone() };
        let alder = partner_viewer(ALDER);
        for round in 0..6 {
            offer(app, BIRCH, 4, 6 + round, 500);
            let (made, said) = std::thread::scope(|scope| {
                let maker = scope.spawn(|| plan(app, today(), None));
                let said = plan_answer(&other, &alder, id, LANE, open_week(), &Answer::Commit);
                (maker.join().unwrap(), said)
            });
            let stored: Option<i64> = plans::table
                .select(diesel::dsl::max(plans::id))
                .first(&mut *app.pool.get().unwrap())
                .unwrap();
            match (&made, &said) {
                // The answer came first, so its plan stands.
                (Err(PlanError::Answered(_)), Ok(())) => {
                    assert_eq!(stored, Some(id));
                    let own = plan_own(app, &alder).unwrap().unwrap();
                    assert!(own.weeks.iter().any(|week| week.state == "COMMITTED"), "round {round}");
                    return;
                }
                // The plan came first, and the answer was told so.
                (Ok(report), Err(AnswerError::Superseded)) => id = report.plan_id.unwrap(),
                _ => panic!("round {round}: {made:?} and {said:?}"),
            }
        }
    });
}
