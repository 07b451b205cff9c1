//! Two servers on one PostgreSQL: each due job is run once, also when one of them is killed in the
//! middle of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use lanemark::clock::Clock;
use lanemark::db::Db;
use lanemark::db::schema::{job_runs, scorecards};
use lanemark::db::setting::{reporting_zone, setting_set};
use lanemark::db::types::Instant;
use lanemark::jobs::JOBS;

use crate::support::db::TestDb;
use crate::support::process::{Desk, Running, Said, wait_for};

/// Jobs whose missed runs are all caught up, so that a test knows which ones there will be.
const CAUGHT_UP: [&str; 4] = ["score-period", "accrue-credits", "assess-credits", "send-reviews"];
/// Long enough ago for three nights.
const DOWN_FOR: TimeDelta = TimeDelta::hours(72);
const ENVIRONMENT: [(&str, &str); 4] = [
    ("LANEMARK_BIND", "127.0.0.1:0"),
    ("LANEMARK_JOBS__LEASE_SECONDS", "3"),
    ("NO_COLOR", "1"),
    ("RUST_LOG", "info"),
];

type Due = (String, DateTime<Utc>);

/// Facts of the last 70 days, so that every partner has a finished month to be scored.
fn facts(today: DateTime<Utc>) -> String {
    let mut text = "reference,partner,delivery_due_date,delivery_window_end,arrived_at\n".to_owned();
    for row in 0..2_100_i64 {
        let day = (today - TimeDelta::days(row % 70 + 1)).date_naive();
        let arrived = if row % 7 == 0 { "16:00" } else { "11:00" };
        text.push_str(&format!("R{row},P{},{day},{day}T12:00:00Z,{day}T{arrived}:00Z\n", row % 3));
    }
    text
}

fn expected(db: &mut Db, now: DateTime<Utc>) -> BTreeSet<Due> {
    let zone = reporting_zone(db).unwrap();
    JOBS.iter()
        .filter(|job| CAUGHT_UP.contains(&job.name))
        .flat_map(|job| {
            let dues = job.dues(zone, now - DOWN_FOR, now).unwrap();
            assert_eq!(dues.len(), 3, "{}", job.name);
            assert!(dues.iter().all(|due| due.timestamp_subsec_nanos() == 0), "{}: {dues:?}", job.name);
            dues.into_iter().map(|due| (job.name.to_owned(), due))
        })
        .collect()
}

/// Whether some session waits for the table that the test holds.
fn somebody_waits(db: &mut Db) -> bool {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let sql = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'scorecards'::regclass";
    diesel::sql_query(sql).get_result::<Waiting>(db).unwrap().n > 0
}

/// The process id inside a node's name.
fn process_of(node: &str) -> u32 {
    node.split(':').nth(1).and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{node}"))
}

/// Ids of the runs a server says it began or ended.
fn runs_of(said: &Said, what: &str) -> Vec<i64> {
    said.err
        .lines()
        .filter(|line| line.contains(what))
        .map(|line| {
            let id = line.split_once("run=").unwrap().1;
            id.split(' ').next().unwrap().parse().unwrap()
        })
        .collect()
}

fn tally(ids: impl IntoIterator<Item = i64>) -> BTreeMap<i64, i32> {
    let mut tally = BTreeMap::new();
    ids.into_iter().for_each(|id| *tally.entry(id).or_default() += 1);
    tally
}

#[test]
fn each_due_job_runs_once_also_when_its_node_is_killed() {
    let Some(db) = TestDb::postgres() else { return };
    let desk = Desk::new(&db);
    let now = Clock::System.now();
    desk.file("facts.csv", facts(now));
    desk.run(&["import", "shipments", "facts.csv"]).ends(0);
    let mut conn = db.conn();
    setting_set(&mut conn, "jobs_since", &(now - DOWN_FOR).to_rfc3339()).unwrap();
    let expected = expected(&mut conn, now);

    // Whoever scores gets as far as writing, and no further.
    let mut hold = db.conn();
    hold.batch_execute("BEGIN; LOCK TABLE scorecards IN SHARE MODE").unwrap();
    let mut nodes: Vec<Running> = (0..2).map(|_| desk.start(&["serve"], &ENVIRONMENT)).collect();
    wait_for("a server to be in the middle of scoring", || {
        nodes.iter_mut().for_each(|node| assert!(!node.has_ended(), "{:?}", node.said()));
        somebody_waits(&mut conn).then_some(())
    });
    let (id, node): (i64, String) = job_runs::table
        .filter(job_runs::job.eq("score-period"))
        .filter(job_runs::state.eq("RUNNING"))
        .select((job_runs::id, job_runs::node))
        .first(&mut *conn)
        .unwrap();
    let at = nodes.iter().position(|one| one.id() == process_of(&node)).unwrap();
    let mut killed = nodes.remove(at);
    killed.kill();
    hold.batch_execute("COMMIT").unwrap();
    let survivor = nodes.remove(0);

    wait_for("the other server to do everything that was due", || {
        let done: Vec<(String, Instant)> = job_runs::table
            .filter(job_runs::state.eq("DONE"))
            .select((job_runs::job, job_runs::due_at))
            .load(&mut *conn)
            .unwrap();
        let done: BTreeSet<Due> = done.into_iter().map(|(job, due)| (job, due.0)).collect();
        expected.is_subset(&done).then_some(())
    });
    let survivor_id = survivor.id();
    let (killed, survivor) = (killed.said(), stopped(survivor));
    once_each(&mut conn, &expected, &killed, &survivor);

    let (taken_over, attempt): (String, i32) =
        job_runs::table.find(id).select((job_runs::node, job_runs::attempt)).first(&mut *conn).unwrap();
    assert_eq!((process_of(&taken_over), attempt), (survivor_id, 2), "the killed run was taken over");
    assert!(runs_of(&killed, "job starts").contains(&id) && !runs_of(&killed, "job done").contains(&id));

    // What was published was published once: nothing is stored twice, nothing restates.
    let cards: Vec<(i64, String, Option<i64>)> = scorecards::table
        .select((scorecards::partner_id, scorecards::period, scorecards::restates))
        .load(&mut *conn)
        .unwrap();
    assert!(cards.len() >= 6, "three partners, two finished months at least: {cards:?}");
    let unique: BTreeSet<(i64, &str)> =
        cards.iter().map(|(partner, period, _)| (*partner, period.as_str())).collect();
    assert_eq!(unique.len(), cards.len(), "{cards:?}");
    assert!(cards.iter().all(|(.., restates)| restates.is_none()), "{cards:?}");
    desk.run(&["verify"]).ends(0);
}

/// Ends a server and gives what it said.
fn stopped(mut node: Running) -> Said {
    node.kill();
    node.said()
}

/// Every due has one run; every run that was not interrupted was begun once, and by whom its row says.
fn once_each(db: &mut Db, expected: &BTreeSet<Due>, killed: &Said, survivor: &Said) {
    let rows: Vec<(i64, String, Instant, i32, String)> = job_runs::table
        .select((job_runs::id, job_runs::job, job_runs::due_at, job_runs::attempt, job_runs::state))
        .load(db)
        .unwrap();
    let dues: BTreeSet<(&str, DateTime<Utc>)> =
        rows.iter().map(|(_, job, due, ..)| (job.as_str(), due.0)).collect();
    assert_eq!(dues.len(), rows.len(), "no due has two runs: {rows:?}");
    for (job, due) in expected {
        assert!(dues.contains(&(job.as_str(), *due)), "{job} at {due}");
    }
    let all = |what: &str| tally([runs_of(killed, what), runs_of(survivor, what)].concat());
    let (begun, ended) = (all("job starts"), all("job done"));
    let (begun_again, ended_again) =
        (tally(runs_of(survivor, "job starts")), tally(runs_of(survivor, "job done")));
    for (id, job, due, attempt, state) in rows.iter().filter(|row| row.4 == "DONE") {
        let told = format!("{job} at {due:?}, attempt {attempt}, {state}");
        if *attempt == 1 {
            assert_eq!((begun.get(id), ended.get(id)), (Some(&1), Some(&1)), "{told}: once");
        } else {
            // Begun by the killed server, which may not have come to say so, and then by the other.
            assert_eq!(*attempt, 2, "{told}");
            assert_eq!(
                (begun_again.get(id), ended_again.get(id)),
                (Some(&1), Some(&1)),
                "{told}: taken over"
            );
        }
    }
    assert!(!survivor.err.contains("job failed"), "{}", survivor.err);
}
