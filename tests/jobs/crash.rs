//! An import that is killed half-way is run again, and then nothing tells that it was killed.

use diesel::prelude::*;
use lanemark::db::Db;
use lanemark::db::schema::{imports, shipments, stale_cells};

use crate::support::db::{TestDb, on_both};
use crate::support::dump::Dump;
use crate::support::process::{Desk, Said, wait_for};

/// Many batches of either engine.
const ROWS: i64 = 40_000;

const IMPORT: [&str; 4] = ["import", "shipments", "loads.csv", "--format=json"];

/// A file in our own columns: lanes, modes, services, late and missing deliveries, odd weights.
fn file() -> String {
    let mut text = "reference,partner,origin,destination,service,mode,weight_kg,delivery_window_end,\
                    delivery_due_date,arrived_at,freight_total,currency\n"
        .to_owned();
    for row in 0..ROWS {
        let day = format!("2025-{:02}-{:02}", row % 6 + 1, row % 27 + 1);
        let (lane, hour) = (row % 37, row % 24);
        let arrived = match row % 11 {
            0 => String::new(),
            1 => format!("2025-{:02}-{:02}T{hour:02}:40:00Z", row % 6 + 1, row % 27 + 2),
            _ => format!("{day}T{hour:02}:10:00Z"),
        };
        text.push_str(&format!(
            "R{row},P{},O{lane},D{},{},{},{}.125,{day}T{hour:02}:30:00Z,{day},{arrived},{}.01,USD\n",
            row % 9,
            lane % 5,
            ["LTL", "TL"][usize::from(row % 2 == 0)],
            ["Road", "Rail", "N/A"][usize::try_from(row % 3).unwrap()],
            row % 1_000,
            row % 700,
        ));
    }
    text
}

fn count(db: &mut Db) -> i64 {
    shipments::table.count().get_result(db).unwrap()
}

/// PostgreSQL lets go of a killed process's lock as soon as it notices; a person types slower than that.
fn import_when_free(desk: &Desk) -> Said {
    wait_for("the killed import's lock to be free", || {
        let said = desk.run(&IMPORT);
        (!said.err.contains("another import is running")).then_some(said)
    })
}

/// Everything people would look at.
fn answers(desk: &Desk) -> Vec<String> {
    let ask = |kpi: &str, by: &str| desk.run(&["kpi", kpi, "--by", by, "--format", "json"]).ends(0).out;
    ["partner", "lane", "mode", "service", "month", "all"]
        .into_iter()
        .flat_map(|by| [ask("OTD_WIN", by), ask("OTD_DAY", by)])
        .collect()
}

fn fresh_like(db: &TestDb) -> TestDb {
    match &mut *db.conn() {
        Db::Pg(_) => TestDb::postgres().unwrap(),
        Db::Sqlite(_) => TestDb::sqlite(),
    }
}

#[test]
fn a_killed_import_is_run_again_and_equals_one_that_was_not() {
    let text = file();
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("loads.csv", &text);
        let mut running = desk.start(&IMPORT, &[]);
        let mut conn = db.conn();
        wait_for("the first batches to be stored", || {
            assert!(!running.has_ended(), "it ended before it could be killed");
            (count(&mut conn) > 0).then_some(())
        });
        running.kill();
        let left = count(&mut conn);
        assert!(left > 0 && left < ROWS, "it was killed in the middle: {left} of {ROWS}");
        let stale: i64 = stale_cells::table.count().get_result(&mut *conn).unwrap();
        assert!(stale > 0, "what is stored is marked to be summed");

        let again = import_when_free(&desk).ends(0).json();
        let counts = |name: &str| again[name].as_i64().unwrap();
        // What the server was still writing when its client died may have been kept.
        assert!(counts("rows_same") >= left, "{again}");
        assert_eq!(counts("rows_same") + counts("rows_new"), ROWS);
        assert_eq!((counts("rows_changed"), counts("rows_rejected")), (0, 0));
        let states: Vec<String> =
            imports::table.order(imports::id).select(imports::state).load(&mut *conn).unwrap();
        assert_eq!(states, ["FAILED", "DONE"]);

        let whole = fresh_like(&db);
        let other = Desk::new(&whole);
        other.file("loads.csv", &text);
        assert_eq!(other.run(&IMPORT).ends(0).json()["rows_new"], ROWS);
        let (killed, clean) = (Dump::of(&mut conn).business(), Dump::of(&mut whole.conn()).business());
        assert_eq!(killed.rows("shipments").len(), usize::try_from(ROWS).unwrap());
        assert!(killed.rows("stale_cells").is_empty() && !killed.rows("lane_cells").is_empty());
        killed.assert_same(&clean, "after the kill");
        assert_eq!(answers(&desk), answers(&other));
        desk.run(&["verify"]).ends(0);
    });
}
