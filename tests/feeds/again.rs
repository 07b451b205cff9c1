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

/// A mapping whose columns are named like our fields.
fn plain(kind: &str, fields: &[&str]) -> String {
    let lines: String = fields.iter().map(|field| format!("{field} = \"{field}\"\n")).collect();
    format!("kind = \"{kind}\"\nname = \"{kind}\"\nzone = \"UTC\"\n[fields]\n{lines}")
}

/// Imports `text` and answers the report.
fn import(desk: &Desk, kind: &str, text: &str, code: i32) -> serde_json::Value {
    // The rejects file of one import, not of those before it.
    for entry in std::fs::read_dir(desk.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".rejects.csv") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    desk.file("plain.toml", plain(kind, &header));
    desk.file("plain.csv", text);
    let words = ["import", kind, "plain.csv", "--mapping", "plain.toml", "--format", "json"];
    desk.run(&words).ends(code).json()
}

const LANES: &str = "code,origin,destination,region,origin_region,distance_km\n\
    CHI-DAL,Chicago,Dallas,South,Midwest,1490\nCHI-ATL,Chicago,Atlanta,,,\n";

#[test]
fn small_tables_tenders_and_events_twice_change_nothing() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let files = [
            ("lanes", LANES),
            ("shipments", "reference,partner,lane,delivery_due_date\nL1,Alder,CHI-DAL,2025-03-04\n"),
            (
                "capacity",
                "partner,lane,week,base_units,surge_percent,unit_cost,currency\n\
                 Alder,CHI-DAL,2025-03-03,12,25,1400.50,USD\nAlder,CHI-DAL,2025-03-10,10,,,\n",
            ),
            (
                "tenders",
                "reference,partner,lane,sent_at,response,responded_at\n\
                 T1,Alder,CHI-DAL,2025-03-01T08:00Z,ACCEPTED,2025-03-01T09:00Z\n\
                 T2,Alder,CHI-DAL,2025-03-01T08:00Z,,\n",
            ),
            (
                "events",
                "reference,partner,type,event_at\n\
                 L1,Alder,DELIVERED,2025-03-04T08:00Z\nL1,Alder,DELIVERED,2025-03-04T09:00Z\n",
            ),
        ];
        for (kind, text) in files {
            let rows = text.lines().count() - 1;
            assert_eq!(import(&desk, kind, text, 0)["rows_new"], rows, "{kind}");
        }
        let before = Dump::of(&mut db.conn()).without(&["imports"]);
        for (kind, text) in files {
            let again = import(&desk, kind, text, 0);
            let rows = text.lines().count() - 1;
            for (count, rows) in [("rows_new", 0), ("rows_changed", 0), ("rows_same", rows)] {
                assert_eq!(again[count], rows, "{kind}, {count}");
            }
        }
        Dump::of(&mut db.conn()).without(&["imports"]).assert_same(&before, "after the same files again");
    });
}

/// Of two rows for one key the first holds, in whatever order the same file comes again.
#[test]
fn two_rows_for_one_lane_or_commitment_are_refused_with_both_rows() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "partners", "code\nAlder\n", 0);
        let lanes = format!("{LANES}CHI-DAL,Chicago,Houston,,,\n");
        let capacity =
            "partner,lane,week,base_units\nAlder,CHI-DAL,2025-03-03,12\nAlder,CHI-DAL,2025-03-05,9\n";
        for new in [true, false] {
            let said = import(&desk, "lanes", &lanes, 3);
            assert_eq!((&said["rows_changed"], &said["rows_rejected"]), (&0.into(), &1.into()));
            assert!(format!("{:?}", desk.rejects()).contains("row 4 is for the same lane as row 2"));
            let said = import(&desk, "capacity", capacity, 3);
            let wanted = if new { 1 } else { 0 };
            assert_eq!((&said["rows_new"], &said["rows_changed"]), (&wanted.into(), &0.into()));
            let rejects = format!("{:?}", desk.rejects());
            assert!(
                rejects.contains("row 3 is for the same partner, lane and week as row 2"),
                "one week, two days of it: {rejects}"
            );
        }
    });
}

#[test]
fn a_lane_file_with_fewer_columns_leaves_the_rest_as_it_is() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "lanes", LANES, 0);
        let said = import(&desk, "lanes", "code,destination\nCHI-DAL,Fort Worth\nCHI-ATL,\n", 0);
        assert_eq!((&said["rows_changed"], &said["rows_same"]), (&1.into(), &1.into()));
        let dump = Dump::of(&mut db.conn());
        let lane = dump.rows("lanes").iter().find(|row| row["code"] == "CHI-DAL").unwrap().clone();
        for (column, value) in [
            ("origin", "Chicago"),
            ("destination", "Fort Worth"),
            ("region", "South"),
            ("origin_region", "Midwest"),
        ] {
            assert_eq!(lane[column], value, "{column}");
        }
        assert_eq!(lane["distance_m"], 1_490_000);
    });
}

#[test]
fn a_partner_is_found_by_its_name_in_the_file_that_makes_it_as_in_the_next() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let head = "reference,partner,partner_name,delivery_due_date,delivered_at";
        let row =
            |n: usize, partner: &str| format!("L{n},{partner},Alpha Freight,2025-03-10,2025-03-10T09:00Z");
        let rows: Vec<String> =
            (0..6_000).map(|n| row(n, if n < 3_000 { "A1" } else { "Alpha Freight" })).collect();
        desk.file("loads.csv", format!("{head}\n{}\n", rows.join("\n")));
        let import = ["import", "shipments", "loads.csv", "--format", "json"];
        assert_eq!(desk.run(&import).ends(0).json()["rows_new"], 6_000);
        let by_partner = desk.run(&["kpi", "OTD_DAY", "--by", "partner", "--format", "json"]).ends(0).json();
        assert_eq!(by_partner.as_array().unwrap().len(), 1, "{by_partner}");
        assert_eq!(desk.run(&import).ends(0).json()["rows_same"], 6_000);
    });
}

#[test]
fn a_name_of_one_partner_is_never_the_code_or_name_of_another_in_any_order() {
    on_both(|db| {
        let desk = Desk::new(&db);
        // Names that are taken by a name, by an alias and by a code; and a code that is somebody's name.
        let text = "code,name,alias\nA1,Alpha Freight,\nB1,Beta Lines,Alpha Freight\nC1,ALPHA  freight,\nalpha freight,Other,\nD1,a1,\n";
        desk.file("partners.csv", text);
        let import = ["import", "partners", "partners.csv", "--format", "json"];
        let first = desk.run(&import).ends(3).json();
        assert_eq!((&first["rows_new"], &first["rows_rejected"]), (&1.into(), &4.into()));
        let before = Dump::of(&mut db.conn()).without(&["imports"]);
        let again = desk.run(&import).ends(3).json();
        assert_eq!((&again["rows_same"], &again["rows_rejected"]), (&1.into(), &4.into()));
        Dump::of(&mut db.conn()).without(&["imports"]).assert_same(&before, "after the same file again");
        // A partner that is renamed lets its old name go, in the same file too.
        desk.file("renamed.csv", "code,name\nA1,Alpha Logistics\nB1,Alpha Freight\n");
        let renamed = ["import", "partners", "renamed.csv", "--format", "json"];
        let said = desk.run(&renamed).ends(0).json();
        assert_eq!((&said["rows_changed"], &said["rows_new"]), (&1.into(), &1.into()));
        assert_eq!(desk.run(&renamed).ends(0).json()["rows_same"], 2);
    });
}
