//! An import and a refresh at the same time, at the same shipments of the same day: neither is in the other's way.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::import::{ImportReport, ImportRequest, import};
use lanemark::app::refresh::refresh;
use lanemark::db::Db;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::db::{NOW, TestDb};
use crate::support::process::wait_for;

/// Before the deliveries, so that every outcome is pending.
const BEFORE: &str = "2025-03-01T00:00:00Z";

fn facts(arrived: &str) -> String {
    let rows: String = (0..20)
        .map(|row| {
            let arrived = if row == 19 { arrived } else { "" };
            format!("R{row},P1,2025-03-05,2025-03-05T12:00:00Z,{arrived}\n")
        })
        .collect();
    format!("reference,partner,delivery_due_date,delivery_window_end,arrived_at\n{rows}")
}

fn load(app: &App, folder: &Path, text: &str) -> ImportReport {
    let path = folder.join("facts.csv");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::identity(ImportKind::Shipments);
    let rejects = folder.join("rejects.csv");
    let request =
        ImportRequest { path: &path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: false };
    import(app, &request, &|_| ()).unwrap()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

/// How many sessions `a` are as `condition` says.
fn waiting(db: &mut Db, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM pg_stat_activity a WHERE {condition}");
    diesel::sql_query(sql).get_result::<Count>(db).unwrap().n
}

#[test]
fn an_import_and_a_refresh_of_one_day_both_succeed() {
    let Some(db) = TestDb::postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(&db.app_at(BEFORE), folder.path(), &facts("")).rows_new, 20);
    refresh(&db.app_at(BEFORE), BEFORE.parse().unwrap(), |_, _| ()).unwrap();

    // Somebody holds the first shipment, so the refresh takes its marks and stops at writing a verdict.
    let (mut hold, mut watch) = (db.conn(), db.conn());
    hold.batch_execute("BEGIN; SELECT 1 FROM shipments WHERE reference = 'R0' FOR UPDATE").unwrap();
    let holder = diesel::sql_query("SELECT pg_backend_pid()::bigint AS n").get_result::<Count>(&mut *hold);
    let refreshing = format!("{} = ANY (pg_blocking_pids(a.pid))", holder.unwrap().n);
    let app = db.app();
    std::thread::scope(|scope| {
        let refreshed = scope.spawn(|| refresh(&app, NOW.parse().unwrap(), |_, _| ()));
        wait_for("the refresh to be in the middle", || (waiting(&mut watch, &refreshing) == 1).then_some(()));
        // Meanwhile the last shipment of that day turns out to have arrived.
        let imported = scope.spawn(|| load(&app, folder.path(), &facts("2025-03-05T11:00:00Z")));
        let importing = format!(
            "EXISTS (SELECT 1 FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids(a.pid)) AND {})",
            refreshing.replace("a.pid", "b.pid")
        );
        wait_for("the import to wait for the refresh", || {
            (waiting(&mut watch, &importing) == 1).then_some(())
        });
        hold.batch_execute("COMMIT").unwrap();
        assert_eq!(refreshed.join().unwrap().unwrap().verdicts, 20);
        assert_eq!(imported.join().unwrap().rows_changed, 1);
    });
    let report = refresh(&app, NOW.parse().unwrap(), |_, _| ()).unwrap();
    assert_eq!((report.days, report.verdicts), (1, 0), "the day of the late news is summed again");
}
