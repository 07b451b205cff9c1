//! Closing and exporting while processes are killed and nodes meet: a month is closed once or not at all, an entry goes out
//! once or not yet, and nothing is posted in a closed month.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use lanemark::app::App;
use lanemark::db::schema::{export_batches, export_entries, journal_entries, period_balances, period_closes};
use lanemark::db::types::Day;
use lanemark::db::{Db, DbError};
use lanemark::domain::books::batch::Batch;
use lanemark::domain::books::chain::Head;
use lanemark::domain::ledger::{JournalEntry, Recognition};

use crate::support::app::partner;
use crate::support::books::{day, entry, facts_in, post};
use crate::support::db::{TestDb, on_both};
use crate::support::process::{Desk, wait_for};

/// Entries that count in the general ledger; enough for a batch to take a while.
const ENTRIES: i64 = 3_000;
/// Times that a process is killed, each after another while.
const KILLS: u64 = 6;

/// A partner with bonuses in May 2025, whose facts are in and whose clauses were worked out.
fn world(db: &TestDb, entries: i64) -> (App, i64) {
    let app = db.app();
    let partner_id = partner(&app, "BRCK", "Brackwater Lines");
    let all: Vec<JournalEntry> =
        (0..entries).map(|item| entry(partner_id, item, &format!("2025-05-{:02}", item % 28 + 1))).collect();
    for some in all.chunks(500) {
        post(&app, some).unwrap();
    }
    facts_in(&app, "2025-06-03T05:00:00Z");
    (app, partner_id)
}

/// Batches one after the other, each whole, no entry in two.
fn batches_are_whole(conn: &mut Db) -> usize {
    let rows: Vec<(i32, i64, String)> = export_batches::table
        .order(export_batches::batch)
        .select((export_batches::batch, export_batches::entries, export_batches::content))
        .load(conn)
        .unwrap();
    let mut seen = BTreeSet::new();
    for ((number, entries, content), expected) in rows.iter().zip(1..) {
        assert_eq!(*number, expected);
        let batch: Batch = serde_json::from_str(content).unwrap();
        let own: BTreeSet<i64> = batch.lines.iter().map(|line| line.entry).collect();
        assert_eq!(i64::try_from(own.len()).unwrap(), *entries);
        assert!(own.iter().all(|id| seen.insert(*id)), "an entry is in two batches");
        let named: i64 =
            export_entries::table.filter(export_entries::batch.eq(number)).count().get_result(conn).unwrap();
        assert_eq!(named, *entries);
    }
    let named: i64 = export_entries::table.count().get_result(conn).unwrap();
    assert_eq!(i64::try_from(seen.len()).unwrap(), named, "no entry is named outside of a batch");
    seen.len()
}

#[test]
fn an_export_that_is_killed_exports_once_or_not_yet() {
    on_both(|db| {
        let (app, partner_id) = world(&db, ENTRIES);
        let desk = Desk::new(&db);
        let conn = &mut *db.conn();
        for kill in 0..KILLS {
            let mut running = desk.start(&["export", "journal"], &[]);
            std::thread::sleep(Duration::from_millis(20 + 45 * kill));
            running.kill();
            let out = batches_are_whole(conn);
            // Something more to export, whether this one came through or not.
            post(&app, &[entry(partner_id, 10_000 + i64::try_from(kill).unwrap(), "2025-05-30")]).unwrap();
            assert!(out == 0 || out >= usize::try_from(ENTRIES).unwrap());
        }
        // PostgreSQL lets go of a killed process's lock as soon as it notices.
        let said = wait_for("an export that is not in the way of a killed one", || {
            let said = desk.run(&["export", "journal", "last.csv"]);
            (said.code == 0).then_some(said)
        });
        assert!(said.out.contains("last.csv: batch "), "{said:?}");
        let all: i64 = journal_entries::table.count().get_result(conn).unwrap();
        assert_eq!(i64::try_from(batches_are_whole(conn)).unwrap(), all);
        desk.run(&["export", "journal", "none.csv"]).ends(1).complains(&["is not exported yet"]);
        // Any batch again, byte for byte.
        let files = ["a.xlsx", "b.xlsx"].map(|name| {
            desk.run(&["export", "journal", name, "--batch", "1", "--as", "xlsx"]).ends(0);
            std::fs::read(desk.path(name)).unwrap()
        });
        assert_eq!(files[0], files[1]);
        desk.run(&["export", "journal", "a.xlsx", "--batch", "1"]).ends(1).complains(&["exists already"]);
        desk.run(&["verify"]).ends(0);
    });
}

/// Whether May is closed, and then wholly.
fn closed_whole(conn: &mut Db) -> bool {
    let closes: i64 = period_closes::table.count().get_result(conn).unwrap();
    let balances: i64 = period_balances::table.count().get_result(conn).unwrap();
    assert!((closes, balances) == (0, 0) || (closes, balances) == (1, 2), "{closes} {balances}");
    closes == 1
}

#[test]
fn a_close_that_is_killed_closes_the_month_or_leaves_it_open() {
    on_both(|db| {
        let (app, partner_id) = world(&db, 800);
        let desk = Desk::new(&db);
        let conn = &mut *db.conn();
        desk.run(&["close", "2025-05"])
            .ends(1)
            .complains(&["800 entries not exported (make an export batch)"]);
        let steps = desk.run(&["close", "2025-05", "--check", "--format", "json"]).ends(1).json();
        assert_eq!(steps["steps"][6]["state"], "OPEN", "{steps}");
        desk.run(&["close", "2025-07"]).ends(1).complains(&["May 2025 is not closed yet"]);
        desk.run(&["export", "journal", "may.csv"]).ends(0);
        desk.run(&["close", "2025-05", "--check"]).ends(0);
        assert!(!closed_whole(conn), "a check closes nothing");
        for kill in 0..KILLS {
            let mut running = desk.start(&["close", "2025-05"], &[]);
            std::thread::sleep(Duration::from_millis(15 + 60 * kill));
            running.kill();
            if closed_whole(conn) {
                break;
            }
        }
        wait_for("the month to be closed", || {
            let said = desk.run(&["close", "2025-05"]);
            (said.code == 0 || said.err.contains("closed already")).then_some(())
        });
        assert!(closed_whole(conn));
        let late = post(&app, &[entry(partner_id, 9_000, "2025-05-31")]);
        assert!(matches!(late, Err(DbError::PeriodClosed { .. })), "{late:?}");
        post(&app, &[entry(partner_id, 9_000, "2025-06-01")]).unwrap();
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn two_nodes_close_once_while_others_post() {
    on_both(|db| {
        let (app, partner_id) = world(&db, 50);
        let desk = Desk::new(&db);
        desk.run(&["export", "journal", "may.csv"]).ends(0);
        let nodes: Vec<_> = (0..2).map(|_| desk.start(&["close", "2025-05"], &[])).collect();
        // Memo entries, so that nothing is left to export.
        let mut posted = 50;
        for item in 0..400 {
            let mut one = entry(partner_id, 20_000 + item, "2025-05-31");
            one.recognition = Recognition::Memo;
            match post(&app, &[one]) {
                Ok(()) => posted += 1,
                Err(DbError::PeriodClosed { .. }) => break,
                Err(error) if error.is_busy() => {}
                Err(error) => panic!("{error}"),
            }
        }
        let said: Vec<_> = nodes.into_iter().map(crate::support::process::Running::end).collect();
        let conn = &mut *db.conn();
        // What was posted while they re-performed may have kept both from closing; then it is done again.
        if !closed_whole(conn) {
            assert!(said.iter().all(|said| said.err.contains("entries were posted since")), "{said:?}");
            desk.run(&["close", "2025-05"]).ends(0);
        } else {
            assert_eq!(said.iter().filter(|said| said.code == 0).count(), 1, "{said:?}");
        }
        assert!(closed_whole(conn));
        let heads: String = period_closes::table.select(period_closes::heads).first(conn).unwrap();
        let heads: Vec<Head> = serde_json::from_str(&heads).unwrap();
        let in_may: i64 = journal_entries::table
            .filter(journal_entries::posting_day.le(Day(day("2025-05-31"))))
            .count()
            .get_result(conn)
            .unwrap();
        assert_eq!((heads[0].seq, in_may), (posted, posted), "closed over exactly what is in the month");
        desk.run(&["verify"]).ends(0);
    });
}
