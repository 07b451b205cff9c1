//! Runs through the database, on both engines: asked for, done once, taken up again, refused, removed.

use diesel::prelude::*;

use super::run::{
    ATTEMPTS_MAX, Ended, JOB, KEPT_DAYS, Next, Run, RunsDone, WAITING_PER_USER_MAX, backtest_ask,
    backtest_cancel, execute, replay_queued, replay_row, run_list, run_show, take_next, write_progress,
};
use super::sheets::{table_csv, workbook_xlsx};
use super::*;
use crate::app::audit::audit_page;
use crate::app::edit::EditError;
use crate::app::expected::tests::{conn, partner, worked};
use crate::app::job::{RunState as JobState, ownerless};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::backtest::{
    BacktestEnd, backtest_finish, backtest_next_unscoped, backtest_progress, backtest_take,
};
use crate::db::schema::backtests;
use crate::db::types::Instant;
use crate::db::user::{UserRow, user_add, user_set_active};
use crate::domain::backtest::LANES_MAX;
use crate::domain::backtest::ask::RunState;
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";

/// Somebody of procurement who may sign in.
fn dina(app: &App) -> Viewer {
    let dina = viewer("Dina", Role::Procurement);
    let row = UserRow {
        id: dina.user_id,
        email: "dina@shipper.example".to_owned(),
        name: dina.name.clone(),
        role: dina.role.code().to_owned(),
        partner_id: None,
        password_hash: String::new(),
        active: true,
        created_at: Instant(app.now()),
    };
    user_add(&mut conn(app), &row).unwrap();
    dina
}

fn may() -> Ask {
    Ask { versions: vec![1], ..Ask::newest("2025-05".parse().unwrap()) }
}

fn asked(app: &App, by: &Viewer, contract: i64) -> i64 {
    backtest_ask(app, &mut conn(app), by, contract, may()).unwrap()
}

fn shown(app: &App, by: &Viewer, contract: i64, id: i64) -> (Run, Option<BacktestReport>) {
    run_show(&mut conn(app), by, contract, id).unwrap().expect("there is such a run")
}

fn one_done() -> RunsDone {
    RunsDone { done: 1, ..RunsDone::default() }
}

#[test]
fn what_is_asked_for_is_done_once_and_kept() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let id = asked(app, &dina, contract);
        let (run, report) = shown(app, &dina, contract, id);
        assert_eq!((run.state, run.asked_by.as_str(), report), (RunState::Queued, "Dina", None));
        assert_eq!(run.ask, may());
        let wishes = ownerless(app, JOB, Clock::System.now()).unwrap();
        assert_eq!(wishes.len(), 1, "a run of the job is asked for with it");
        assert_eq!((wishes[0].state, wishes[0].requested_by.as_str()), (JobState::Waiting, "Dina"));

        assert_eq!(replay_queued(app).unwrap(), one_done());
        let (run, report) = shown(app, &dina, contract, id);
        assert_eq!((run.state, run.attempt, run.days.1, run.error.as_str()), (RunState::Done, 1, 31, ""));
        let number = format!("C-{}", partner(app, "P1"));
        let request =
            BacktestRequest { contract: &number, ask: &may(), shipments_max: None, lanes_max: LANES_MAX };
        let same = backtest(app, &mut conn(app), &dina, &request, |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(report, Some(same.clone()), "the same as beside the database");
        assert_eq!(same.net.total.in_force.net_cost.as_deref(), Some("660.00"), "no clause, no credits");
        assert_eq!(same.net.total.versions[0].difference.as_deref(), Some("0.00"));
        assert!(String::from_utf8(table_csv(&same).unwrap()).unwrap().contains("\r\n1,lane,"));
        assert!(workbook_xlsx(&same).unwrap().starts_with(b"PK"));

        assert_eq!(replay_queued(app).unwrap(), RunsDone::default(), "nothing is done twice");
        assert_eq!(run_list(&mut conn(app), &dina, contract).unwrap(), [run]);
    });
}

#[test]
fn who_may_not_see_contracts_asks_for_nothing_and_finds_nothing() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let id = asked(app, &dina, contract);
        replay_queued(app).unwrap();
        let own = partner_viewer(partner(app, "P1"));
        for other in [own, partner_viewer(partner(app, "P2")), viewer("Ada", Role::Admin)] {
            let refused = backtest_ask(app, &mut conn(app), &other, contract, may());
            assert!(matches!(refused, Err(BacktestError::NoContract(_))), "{other:?}");
            assert_eq!(run_list(&mut conn(app), &other, contract).unwrap(), []);
            assert_eq!(run_show(&mut conn(app), &other, contract, id).unwrap(), None, "{other:?}");
        }
        assert_eq!(run_show(&mut conn(app), &dina, contract + 1, id).unwrap(), None, "of another contract");

        let ask = |ask: Ask| backtest_ask(app, &mut conn(app), &dina, contract, ask).unwrap_err().to_string();
        let round = Proposal { version: 1, round: 1 };
        for (wrong, said) in [
            (Ask { versions: vec![9], ..may() }, "has no version 9"),
            (Ask { proposals: vec![round], ..may() }, "over version 1 of contract"),
            (Ask { versions: (1..=11).collect(), ..may() }, "at most VERSIONS_MAX = 10"),
            (Ask { increase: Some(crate::domain::money::Bps(20_000)), ..may() }, "between −100 % and 100 %"),
        ] {
            let told = ask(wrong);
            assert!(told.contains(said), "{told}");
        }
        for _ in 0..WAITING_PER_USER_MAX {
            asked(app, &dina, contract);
        }
        let told = ask(may());
        assert!(told.contains("5 of your backtests are waiting"), "{told}");
        assert_eq!(replay_queued(app).unwrap().done, 5);
        asked(app, &dina, contract);
    });
}

/// A node that dies leaves its run RUNNING; what it still says afterwards is not heard.
#[test]
fn a_run_left_behind_is_begun_again_and_its_late_end_is_not_heard() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let id = asked(app, &dina, contract);
        let now = Instant(app.now());
        let seen = backtest_next_unscoped(&mut conn(app)).unwrap().unwrap();
        assert!(backtest_take(&mut conn(app), &seen, 31, now).unwrap());
        assert!(!backtest_take(&mut conn(app), &seen, 31, now).unwrap(), "one takes it, another does not");
        assert!(backtest_progress(&mut conn(app), (id, 1), (12, 31)).unwrap());
        let (run, _) = shown(app, &dina, contract, id);
        assert_eq!((run.state, run.attempt, run.days), (RunState::Running, 1, (12, 31)));

        assert_eq!(replay_queued(app).unwrap(), one_done());
        let (run, report) = shown(app, &dina, contract, id);
        assert_eq!((run.state, run.attempt, report.is_some()), (RunState::Done, 2, true));
        let late = BacktestEnd { state: RunState::Failed, finished_at: now, result: "", error: "late" };
        assert!(!backtest_finish(&mut conn(app), (id, 1), &late).unwrap());
        assert!(!backtest_progress(&mut conn(app), (id, 1), (31, 31)).unwrap());
        assert_eq!(shown(app, &dina, contract, id), (run, report));
    });
}

#[test]
fn a_run_that_never_ends_is_given_up_and_the_next_has_its_turn() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let (first, second) = (asked(app, &dina, contract), asked(app, &dina, contract));
        for _ in 0..ATTEMPTS_MAX {
            let seen = backtest_next_unscoped(&mut conn(app)).unwrap().unwrap();
            assert_eq!(seen.id, first);
            assert!(backtest_take(&mut conn(app), &seen, 31, Instant(app.now())).unwrap());
        }
        assert_eq!(replay_queued(app).unwrap(), RunsDone { done: 1, failed: 1, ..RunsDone::default() });
        let (run, report) = shown(app, &dina, contract, first);
        assert_eq!((run.state, report), (RunState::Failed, None));
        assert!(run.error.contains("went away"), "{}", run.error);
        assert_eq!(shown(app, &dina, contract, second).0.state, RunState::Done);
    });
}

#[test]
fn a_run_that_is_cancelled_never_has_a_result_and_the_next_has_its_turn() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let cancel = |by: &Viewer, id| backtest_cancel(app, &mut conn(app), by, contract, id);
        let (waits, runs, gone, last) = (
            asked(app, &dina, contract),
            asked(app, &dina, contract),
            asked(app, &dina, contract),
            asked(app, &dina, contract),
        );
        for other in [viewer("Rory", Role::Auditor), viewer("Fay", Role::Finance)] {
            assert!(matches!(cancel(&other, waits), Err(EditError::Denied { .. })), "{other:?}");
        }
        let own = partner_viewer(partner(app, "P1"));
        assert!(cancel(&own, waits).is_err(), "a partner has nothing to do with them");
        assert!(matches!(
            backtest_cancel(app, &mut conn(app), &dina, contract + 1, waits),
            Err(EditError::NotFound(_))
        ));
        assert!(cancel(&dina, waits).unwrap());
        assert!(!cancel(&dina, waits).unwrap(), "once");
        let (run, report) = shown(app, &dina, contract, waits);
        assert_eq!(
            (run.state, run.error.as_str(), report),
            (RunState::Cancelled, "Dina cancelled it.", None)
        );

        // Cancelled in the middle, by somebody who runs jobs: the replay hears of it and stops at its next day.
        let Next::Ours(row) = take_next(app, &mut conn(app)).unwrap() else { panic!("one waits") };
        assert_eq!(row.id, runs, "what was cancelled has no turn");
        let key = (row.id, row.attempt);
        let mara = viewer("Mara", Role::CarrierManager);
        let ended = execute(app, &mut conn(app), &row, |db, progress| {
            assert!(cancel(&mara, runs).unwrap());
            write_progress(db, key, progress);
            let result = replay_row(app, db, &row, progress);
            assert!(matches!(result, Err(BacktestError::Cancelled)), "{result:?}");
            result
        });
        assert_eq!(ended.unwrap(), Ended::Cancelled);
        // One whose replay was through before it heard of it comes to nothing too, and so does one that is removed.
        let Next::Ours(row) = take_next(app, &mut conn(app)).unwrap() else { panic!("one waits") };
        assert_eq!(row.id, gone);
        let ended = execute(app, &mut conn(app), &row, |db, progress| {
            let result = replay_row(app, db, &row, progress);
            diesel::delete(backtests::table.find(gone)).execute(db).unwrap();
            result
        });
        assert_eq!(ended.unwrap(), Ended::Cancelled);
        assert_eq!(run_show(&mut conn(app), &dina, contract, gone).unwrap(), None);

        assert_eq!(replay_queued(app).unwrap(), one_done());
        assert_eq!(shown(app, &dina, contract, last).0.state, RunState::Done);
        assert!(!cancel(&dina, last).unwrap(), "what is done stays");
        let (run, report) = shown(app, &dina, contract, runs);
        assert_eq!(
            (run.state, run.error.as_str(), report),
            (RunState::Cancelled, "Mara cancelled it.", None)
        );
        let (rows, _) = audit_page(&mut conn(app), None).unwrap();
        let told: Vec<(&str, &str)> = rows
            .iter()
            .filter(|row| row.action == "backtest.cancel")
            .map(|row| (row.actor.as_str(), row.detail.as_str()))
            .collect();
        let detail = "2025-05, version 1, asked for by Dina";
        assert_eq!(told, [("Mara", detail), ("Dina", detail)]);
    });
}

#[test]
fn nothing_is_replayed_for_somebody_who_was_switched_off() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let id = asked(app, &dina, contract);
        user_set_active(&mut conn(app), dina.user_id, false).unwrap();
        assert_eq!(replay_queued(app).unwrap().failed, 1);
        let (run, report) = shown(app, &dina, contract, id);
        assert_eq!((run.state, report), (RunState::Failed, None));
        assert!(run.error.contains("Dina may not see contracts any more"), "{}", run.error);
    });
}

#[test]
fn old_results_go_and_what_waits_stays() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let dina = dina(app);
        let id = asked(app, &dina, contract);
        replay_queued(app).unwrap();
        let day = chrono::TimeDelta::days(1);
        let at = |days: i32| App { clock: Clock::Fixed(app.now() + day * days), ..app.clone() };
        let last = i32::try_from(KEPT_DAYS).unwrap();
        assert_eq!(replay_queued(&at(last)).unwrap(), RunsDone::default());
        let waits = asked(app, &dina, contract);
        let did = replay_queued(&at(last + 1)).unwrap();
        // What was waiting is done, however long ago it was asked for, and kept from now on.
        assert_eq!((did.done, did.removed), (1, 1));
        let left = run_list(&mut conn(app), &dina, contract).unwrap();
        assert_eq!(left.iter().map(|run| run.id).collect::<Vec<_>>(), [waits]);
        assert_ne!(id, waits);

        let ids: Vec<i64> = (0..2).map(|_| asked(app, &dina, contract)).collect();
        replay_queued(app).unwrap();
        let now = Instant(app.now());
        let removed = crate::db::backtest::backtest_prune_unscoped(&mut conn(app), now, 2).unwrap();
        assert_eq!(removed, 1);
        let kept: Vec<i64> =
            backtests::table.order(backtests::id).select(backtests::id).load(&mut *conn(app)).unwrap();
        assert_eq!(kept, ids, "the newest of each contract");
    });
}
