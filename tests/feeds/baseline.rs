//! Who asked for a commitment to be changed: what is judged, what is kept, and what the same rows in another order do.

use diesel::connection::SimpleConnection;

use crate::support::db::on_both;
use crate::support::dump::Dump;
use crate::support::process::Desk;

const HEADER: &str = "reference,partner,delivery_window_end,delivery_requested_by,delivery_set_at,arrived_at";

fn mapping(fields: &str) -> String {
    let lines: String = fields.split(',').map(|field| format!("{field} = \"{field}\"\n")).collect();
    format!("kind = \"shipments\"\nname = \"loads\"\nzone = \"UTC\"\n[fields]\n{lines}")
}

/// Imports rows under [`HEADER`] and answers the report.
fn import(desk: &Desk, rows: &str) -> serde_json::Value {
    desk.file("loads.toml", mapping(HEADER));
    desk.file("loads.csv", format!("{HEADER}\n{rows}\n"));
    desk.run(&["import", "shipments", "loads.csv", "--mapping", "loads.toml", "--format", "json"])
        .ends(0)
        .json()
}

fn on_time(desk: &Desk) -> (i64, i64) {
    let found = desk.run(&["kpi", "OTD_WIN", "--by", "all", "--format", "json"]).ends(0).json();
    let number = |name: &str| found[0][name].as_i64().unwrap_or(0);
    (number("numerator"), number("denominator"))
}

/// Delivered on the 11th at noon; three rows of one load, of which every order must come to the same.
const ORIGINAL: &str = "L1,Alder,2025-03-10T15:00Z,,,";
const CARRIER: &str = "L1,Alder,2025-03-12T15:00Z,CARRIER,2025-03-09T08:00Z,";
const SHIPPER: &str = "L1,Alder,2025-03-11T15:00Z,SHIPPER,2025-03-10T09:00Z,";
const ARRIVED: &str = "L1,Alder,2025-03-11T15:00Z,SHIPPER,2025-03-10T09:00Z,2025-03-11T12:00Z";

#[test]
fn a_carrier_cannot_move_what_it_is_judged_by() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "L1,Alder,2025-03-10T15:00Z,,,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 1));
        let moved = "L1,Alder,2025-03-12T15:00Z,CARRIER,2025-03-09T08:00Z,2025-03-11T12:00Z";
        assert_eq!(import(&desk, moved)["rows_changed"], 1);
        assert_eq!(on_time(&desk), (0, 1), "the carrier asked");
        // The same window without a name, as a later row may bring it, is no way around.
        import(&desk, "L1,Alder,2025-03-12T15:00Z,,,2025-03-11T12:01Z");
        assert_eq!(on_time(&desk), (0, 1), "nobody named");
        import(&desk, "L1,Alder,2025-03-12T15:00Z,CONSIGNEE,2025-03-10T15:30Z,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 1), "the consignee asked too late");
        let asked = "L1,Alder,2025-03-11T15:00Z,SHIPPER,2025-03-10T09:00Z,2025-03-11T12:00Z";
        import(&desk, asked);
        assert_eq!(on_time(&desk), (1, 1), "the shipper asked in time");
        let before = Dump::of(&mut db.conn()).without(&["imports"]);
        assert_eq!(before.rows("stop_commitments").len(), 4);
        assert_eq!(import(&desk, asked)["rows_same"], 1);
        Dump::of(&mut db.conn()).without(&["imports"]).assert_same(&before, "the same row again");
        desk.run(&["verify"]).ends(0);

        db.conn()
            .batch_execute(
                "UPDATE stop_commitments SET requested_by = 'CARRIER' WHERE requested_by = 'SHIPPER'",
            )
            .unwrap();
        let said = desk.run(&["verify"]);
        assert_eq!(said.code, 1);
        assert!(
            said.out.contains("the stored delivery commitment is not the one its changes come to"),
            "{}",
            said.out
        );
    });
}

#[test]
fn the_order_of_the_rows_says_nothing() {
    on_both(|db| {
        let mut found = Vec::new();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let desk = Desk::new(&db);
            for at in order {
                import(&desk, [ORIGINAL, CARRIER, SHIPPER][at]);
            }
            // The newest row last: the facts beside the commitment are those of the row that came last.
            import(&desk, ARRIVED);
            desk.run(&["verify"]).ends(0);
            let dump = Dump::of(&mut db.conn());
            let row = &dump.rows("shipments")[0];
            let columns = ["delivery_window_end", "delivery_window_outcome", "obligation_day"];
            found.push(columns.map(|column| row[column].clone()));
            db.conn()
                .batch_execute(
                    "DELETE FROM shipments; DELETE FROM stop_commitments; DELETE FROM measure_cells; \
                     DELETE FROM lane_cells; DELETE FROM stale_cells",
                )
                .unwrap();
        }
        assert_eq!(found[0][1], "S");
        assert!(found.iter().all(|row| *row == found[0]), "{found:?}");
    });
}

/// docs/mappings.md, changed commitments: import the newest row last.
#[test]
fn an_older_row_imported_later_takes_other_facts_back_until_the_newest_comes_again() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let facts = || {
            let dump = Dump::of(&mut db.conn());
            let row = &dump.rows("shipments")[0];
            ["delivery_window_end", "arrived_at"].map(|column| row[column].clone())
        };
        import(&desk, ARRIVED);
        let newest = facts();
        import(&desk, ORIGINAL);
        let older = facts();
        assert_eq!(older[0], newest[0], "which commitment counts does not depend on the order");
        assert_ne!(older[1], newest[1], "the arrival is taken back");
        import(&desk, ARRIVED);
        assert_eq!(facts(), newest);
        assert_eq!(on_time(&desk), (1, 1));
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_row_without_a_window_takes_no_commitment_away() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "L1,Alder,2025-03-10T15:00Z,,,");
        import(&desk, "L1,Alder,2025-03-12T15:00Z,SHIPPER,2025-03-10T16:00Z,");
        import(&desk, "L1,Alder,,,,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 1), "the shipper asked too late");
        let dump = Dump::of(&mut db.conn());
        assert_eq!(dump.rows("stop_commitments").len(), 2);
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn who_asked_is_corrected_by_a_later_row_of_the_same_change() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "L1,Alder,2025-03-10T15:00Z,,,2025-03-11T12:00Z");
        import(&desk, "L1,Alder,2025-03-11T15:00Z,SHIPPER,2025-03-10T09:00Z,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (1, 1));
        import(&desk, "L1,Alder,2025-03-11T15:00Z,CARRIER,2025-03-10T09:00Z,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 1), "it was the carrier");
        import(&desk, "L1,Alder,2025-03-11T15:00Z,SHIPPER,2025-03-10T09:00Z,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (1, 1), "it was the shipper after all");
        let dump = Dump::of(&mut db.conn());
        assert_eq!(dump.rows("stop_commitments").len(), 4, "every row is kept");
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_carriers_wish_alone_is_no_baseline() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "L1,Alder,2025-03-12T15:00Z,CARRIER,2025-03-09T08:00Z,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 0));
        let dump = Dump::of(&mut db.conn());
        assert_eq!(dump.rows("shipments")[0]["delivery_window_outcome"], "B");
        // The original comes later.
        import(&desk, "L1,Alder,2025-03-10T15:00Z,,,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (0, 1));
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_change_without_its_instant_or_its_window_is_refused() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("loads.toml", mapping(HEADER));
        desk.file(
            "loads.csv",
            format!(
                "{HEADER}\nL1,Alder,2025-03-10T15:00Z,SHIPPER,,\nL2,Alder,,CARRIER,2025-03-09T08:00Z,2025-03-10T15:00Z\n\
                 L3,Alder,2025-03-10T15:00Z,BROKER,2025-03-09T08:00Z,\nL4,Alder,2025-03-10T15:00Z,SHIPPER,2025-03-10,\n"
            ),
        );
        let run =
            desk.run(&["import", "shipments", "loads.csv", "--mapping", "loads.toml", "--format", "json"]);
        let said = run.json();
        assert_eq!((&said["rows_new"], &said["rows_rejected"]), (&0.into(), &4.into()), "{said}");
        let rejects =
            std::fs::read_to_string(desk.folder().join(said["rejects_file"].as_str().unwrap())).unwrap();
        let parts = [
            "does not say when it was set",
            "gives no delivery window or day",
            "BROKER",
            "a day without a time does not say whether the shipper asked before the window closed",
        ];
        for part in parts {
            assert!(rejects.contains(part), "no `{part}` in {rejects}");
        }
    });
}

#[test]
fn rows_that_name_nobody_behave_as_ever_and_leave_nothing_beside() {
    on_both(|db| {
        let desk = Desk::new(&db);
        import(&desk, "L1,Alder,2025-03-10T15:00Z,,,2025-03-11T12:00Z");
        import(&desk, "L1,Alder,2025-03-12T15:00Z,,,2025-03-11T12:00Z");
        assert_eq!(on_time(&desk), (1, 1), "the feed's owner corrected it");
        let dump = Dump::of(&mut db.conn());
        assert_eq!(dump.rows("stop_commitments").len(), 0);
        assert_eq!(dump.rows("shipment_versions").len(), 1);
    });
}
