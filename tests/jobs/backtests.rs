//! Backtests asked for on two servers over one PostgreSQL: each is done once, also when the server that replays it is
//! killed in the middle.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use lanemark::app::backtest::run::{backtest_ask, run_show};
use lanemark::db::Db;
use lanemark::db::contract::contract_by_number;
use lanemark::db::schema::{backtests, job_runs};
use lanemark::domain::backtest::ask::{Ask, RunState};
use lanemark::domain::viewer::{Role, Viewer};

use crate::rates::{LOADS, LOADS_HEADER, approve, load};
use crate::support::app::user;
use crate::support::db::TestDb;
use crate::support::process::{Desk, Running, wait_for};

const ENVIRONMENT: [(&str, &str); 4] = [
    ("LANEMARK_BIND", "127.0.0.1:0"),
    ("LANEMARK_JOBS__LEASE_SECONDS", "3"),
    ("NO_COLOR", "1"),
    ("RUST_LOG", "info"),
];

/// Whether some session waits for the table that the test holds.
fn somebody_waits(db: &mut Db) -> bool {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let sql = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'fuel_prices'::regclass";
    diesel::sql_query(sql).get_result::<Waiting>(db).unwrap().n > 0
}

#[test]
fn a_backtest_whose_server_is_killed_is_taken_up_by_another_and_done_once() {
    let Some(db) = TestDb::postgres() else { return };
    let desk = Desk::new(&db);
    desk.file("loads.toml", LOADS);
    desk.file("rates.csv", format!("{LOADS_HEADER}L,facility:Alpha,facility:Beta,0,,2025-01-01,,10,USD\n"));
    desk.file(
        "shipments.csv",
        "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,weight_kg\n\
         S-1,BRCK,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,1000\n",
    );
    load(&desk, "rates.csv", "loads.toml").ends(0);
    approve(&db);
    desk.run(&["import", "shipments", "shipments.csv"]).ends(0);
    let mut conn = db.conn();
    let contract = contract_by_number(&mut conn, &Viewer::system(), "C-1").unwrap().unwrap().id;
    let asker = user(&db.app(), "dina@shipper.example", Role::Procurement, None);
    let ask = Ask::newest("2025-05".parse().unwrap());
    let ids: Vec<i64> =
        (0..2).map(|_| backtest_ask(&db.app(), &mut conn, &asker, contract, ask.clone()).unwrap()).collect();

    // Whoever replays gets as far as reading prices, and no further.
    let mut hold = db.conn();
    hold.batch_execute("BEGIN; LOCK TABLE fuel_prices IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut nodes: Vec<Running> = (0..2).map(|_| desk.start(&["serve"], &ENVIRONMENT)).collect();
    let replaying = |conn: &mut Db| -> Option<String> {
        let begun: i64 =
            backtests::table.filter(backtests::state.eq("RUNNING")).count().get_result(conn).unwrap();
        let job = job_runs::job.eq("replay-backtests");
        let live = job_runs::table.filter(job).filter(job_runs::attempt.gt(0));
        let node = live.filter(job_runs::state.eq("RUNNING")).select(job_runs::node);
        if begun == 0 { None } else { node.first(conn).optional().unwrap() }
    };
    let node = wait_for("a server to be in the middle of a backtest", || {
        nodes.iter_mut().for_each(|node| assert!(!node.has_ended(), "{:?}", node.said()));
        somebody_waits(&mut conn).then(|| replaying(&mut conn)).flatten()
    });
    let process: u32 = node.split(':').nth(1).unwrap().parse().unwrap();
    let at = nodes.iter().position(|one| one.id() == process).unwrap();
    let mut killed = nodes.remove(at);
    killed.kill();
    hold.batch_execute("COMMIT").unwrap();

    wait_for("the other server to do both", || {
        let done: i64 =
            backtests::table.filter(backtests::state.eq("DONE")).count().get_result(&mut conn).unwrap();
        (done == 2).then_some(())
    });
    let attempts: Vec<i32> =
        backtests::table.order(backtests::id).select(backtests::attempt).load(&mut *conn).unwrap();
    assert_eq!(attempts, [2, 1], "the one left behind was begun again, the next once");
    for id in ids {
        let (run, report) = run_show(&mut conn, &asker, contract, id).unwrap().unwrap();
        assert_eq!(run.state, RunState::Done);
        assert_eq!(report.unwrap().total.in_force.total, "220.46");
    }
    let mut survivor = nodes.remove(0);
    survivor.kill();
    let said = survivor.said();
    let ended = said.err.lines().filter(|line| line.contains("backtest ended")).count();
    assert_eq!(ended, 2, "{}", said.err);
}
