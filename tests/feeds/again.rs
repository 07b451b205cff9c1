//! The same file again, and a file with a changed row.

use super::{good, tms};
use crate::support::db::on_both;
use crate::support::dump::Dump;
use crate::support::process::Desk;

const IMPORT: [&str; 7] = ["import", "shipments", "loads.csv", "--mapping", "tms.toml", "--format", "json"];
const KPI: [&str; 6] = ["kpi", "OTD_DAY", "--by", "all", "--format", "json"];

#[test]
fn the_same_file_twice_changes_nothing() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        desk.file("loads.csv", good(500));
        assert_eq!(desk.run(&IMPORT).ends(0).json()["rows_new"], 500);
        let kpi = desk.run(&KPI).ends(0).json();
        let before = Dump::of(&mut db.conn()).without(&["imports"]);
        let again = desk.run(&IMPORT).ends(0).json();
        for (count, rows) in [("rows_new", 0), ("rows_changed", 0), ("rows_same", 500), ("rows_rejected", 0)]
        {
            assert_eq!(again[count], rows, "{count}");
        }
        Dump::of(&mut db.conn()).without(&["imports"]).assert_same(&before, "after the same file again");
        assert_eq!(desk.run(&KPI).ends(0).json(), kpi);
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_changed_row_is_a_new_version_and_moves_the_kpi() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        desk.file("loads.csv", good(56));
        desk.run(&IMPORT).ends(0);
        let kpi = |numerator: i64, denominator: i64| {
            let found = desk.run(&KPI).ends(0).json();
            assert_eq!(
                (&found[0]["numerator"], &found[0]["denominator"]),
                (&numerator.into(), &denominator.into())
            );
        };
        kpi(56, 56);
        // Another day of delivery for one load; another due day, so another cell, for a second.
        let text = good(56).replace("2025-03-05T04:30", "2025-03-06T04:30");
        let text = text.replace("L000009,Carrier 0,9.5,10.03.2025", "L000009,Carrier 0,9.5,09.03.2025");
        desk.file("loads.csv", &text);
        let said = desk.run(&IMPORT).ends(0).json();
        assert_eq!((&said["rows_changed"], &said["rows_same"]), (&2.into(), &54.into()));
        kpi(54, 56);
        let versions = || {
            let dump = Dump::of(&mut db.conn());
            let newest: Vec<i64> = dump
                .rows("shipments")
                .iter()
                .filter_map(|row| row["version"].as_i64())
                .filter(|v| *v > 1)
                .collect();
            (newest, dump.rows("shipment_versions").len())
        };
        assert_eq!(versions(), (vec![2, 2], 2), "the old rows are kept");
        // And back: a third version, and the first figure again.
        desk.file("loads.csv", good(56));
        desk.run(&IMPORT).ends(0);
        kpi(56, 56);
        assert_eq!(versions(), (vec![3, 3], 4));
        desk.run(&["verify"]).ends(0);
    });
}
