//! Rows that cannot be taken: each goes to the rejects file with its number, column, value and reason,
//! and every other row loads.

use diesel::prelude::*;
use lanemark::db::schema::{partners, shipments};

use super::{HEADER, tms};
use crate::support::db::on_both;
use crate::support::process::Desk;

/// A row of the file, and why it is refused: column, value, part of the reason.
type Case = (&'static str, Option<(&'static str, &'static str, &'static str)>);

const CASES: [Case; 23] = [
    ("A1,Brackwater,100,10.03.2025,2025-03-08T08:00,2025-03-10T09:00", None),
    (
        "A2,Brackwater,100,31.02.2025,2025-03-08T08:00,2025-03-10T09:00",
        Some((
            "Due",
            "31.02.2025",
            "is not a date in a known format: 2025-07-08 with or without a time, or %d.%m.%Y of",
        )),
    ),
    (
        "A3,Brackwater,-5,10.03.2025,2025-03-08T08:00,2025-03-10T09:00",
        Some(("Kilos", "-5", "is below 0, the smallest value allowed")),
    ),
    (
        "A4,Brackwater,100,10.03.2025,2025-03-10T10:00,2025-03-09T09:00",
        Some(("Delivered", "2025-03-09T09:00", "before it was picked up at 2025-03-10 10:00")),
    ),
    (
        "A1,Brackwater,200,11.03.2025,2025-03-08T08:00,2025-03-10T09:00",
        Some(("Load", "A1", "row 6 has the same partner, feed and reference as row 2")),
    ),
    (
        "A5,Nobody Freight,100,10.03.2025,2025-03-08T08:00,2025-03-10T09:00",
        Some(("Carrier", "Nobody Freight", "no partner has this code, name or alias")),
    ),
    ("A6,Brackwater,100,10.03.2025", Some(("", "", "the row has 4 cells, the header has 6"))),
    (
        ",Brackwater,100,10.03.2025,2025-03-08T08:00,2025-03-10T09:00",
        Some(("Load", "", "a value is required here")),
    ),
    ("A7,Brackwater,heavy,10.03.2025,,", Some(("Kilos", "heavy", "is not a number"))),
    ("A8,Brackwater,99999999999999999999,10.03.2025,,", Some(("Kilos", "99999999999999999999", "too large"))),
    ("A9,Brackwater,1,,,", Some(("", "", "which period it belongs to"))),
    ("A11,Brackwater,1e5,10.03.2025,,", Some(("Kilos", "1e5", "no exponent"))),
    (
        "A12,Brackwater,1,10.03.0205,,",
        Some(("Due", "10.03.0205", "is a day of the year 205; years from 1900 to 2200 are taken")),
    ),
    (
        "A\u{1b}[2J13,Brackwater,1,10.03.2025,,",
        Some(("Load", "A\\u{1b}[2J13", "the control character U+001B")),
    ),
    ("A14,\"Brack\twater\",1,10.03.2025,,", Some(("Carrier", "Brack\\twater", "holds a tab"))),
    ("A15,\"Brack\nwater\",1,10.03.2025,,", Some(("Carrier", "Brack\\nwater", "holds a line break"))),
    ("A16\u{9b}2J,Brackwater,1,10.03.2025,,", Some(("Load", "A16\\u{9b}2J", "the control character U+009B"))),
    // An address that ends in it would lead elsewhere; and nobody could see the other.
    ("..,Brackwater,1,10.03.2025,,", Some(("Load", "..", "has no letter and no digit"))),
    ("\u{200b},Brackwater,1,10.03.2025,,", Some(("Load", "\u{200b}", "has no letter and no digit"))),
    // Text that only looks dangerous is text: it loads, and nothing is done by it.
    ("'; DROP TABLE shipments; --,BRCK,1,10.03.2025,,2025-03-10T09:00", None),
    ("=HYPERLINK(1),BRCK,1,10.03.2025,,2025-03-10T09:00", None),
    ("\\N\\t\\.,brackwater ,1,10.03.2025,,2025-03-10T09:00", None),
    ("A10,Brackwater,100,10.03.2025,,2025-03-11T09:00", None),
];

#[test]
fn each_bad_row_is_named_and_every_good_one_loads() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms("unknown_partner = \"refuse\""));
        desk.file("partners.csv", "code,name\nBRCK,Brackwater\n");
        desk.run(&["import", "partners", "partners.csv"]).ends(0);
        let rows: Vec<&str> = CASES.iter().map(|(row, _)| *row).collect();
        desk.file("loads.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
        let said = desk.run(&["import", "shipments", "loads.csv", "--mapping", "tms.toml"]).ends(3);
        assert!(said.out.contains("loads.csv: 23 rows read, 5 new, 0 changed, 0 already there, 18 rejected"));
        assert!(said.out.contains(".rejects.csv"), "{}", said.out);

        let found = desk.rejects().unwrap();
        assert_eq!(found[0].join(","), format!("row,column,value,reason,{HEADER}"));
        let mut refused = found[1..].iter();
        for (number, (row, why)) in (2..).zip(&CASES) {
            let Some((column, value, reason)) = why else { continue };
            let line = refused.next().unwrap_or_else(|| panic!("no reject of row {number}"));
            let number = format!("{number}");
            let told = [number.as_str(), *value];
            assert_eq!([line[0].as_str(), line[2].as_str()], told, "{line:?}");
            if !column.is_empty() {
                assert_eq!(line[1], *column, "{line:?}");
            }
            assert!(line[3].contains(reason), "{line:?} lacks `{reason}`");
            assert_eq!(
                line[4..].join(","),
                row.replace('"', ""),
                "the row itself, to be corrected and sent again"
            );
        }
        assert_eq!(refused.next(), None);

        let mut conn = db.conn();
        let stored: Vec<(String, Option<i64>)> = shipments::table
            .select((shipments::reference, shipments::weight_g))
            .order(shipments::weight_g.desc())
            .then_order_by(shipments::reference)
            .load(&mut *conn)
            .unwrap();
        let references: Vec<&str> = stored.iter().map(|(reference, _)| reference.as_str()).collect();
        assert_eq!(references.len(), 5);
        for reference in ["A1", "A10", "'; DROP TABLE shipments; --", "=HYPERLINK(1)", "\\N\\t\\."] {
            assert!(references.contains(&reference), "{references:?}");
        }
        assert!(stored.contains(&("A1".to_owned(), Some(100_000))), "the first of the two rows");
        assert_eq!(partners::table.count().get_result::<i64>(&mut *conn).unwrap(), 1);

        let kpi = desk.run(&["kpi", "OTD_DAY", "--format", "json"]).ends(0).json();
        assert_eq!(
            (&kpi[0]["key"], &kpi[0]["numerator"], &kpi[0]["denominator"]),
            (&"BRCK".into(), &4.into(), &5.into())
        );
    });
}

/// The rejects file, corrected, is itself a file to import: its extra columns are ignored.
#[test]
fn corrected_rejects_load_and_a_dry_run_keeps_nothing() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        desk.file("a.csv", format!("{HEADER}\nA1,C,1,10.03.2025,,\nA2,C,1 kg,10.03.2025,,\n"));
        let dry = desk.run(&["import", "shipments", "a.csv", "--mapping", "tms.toml", "--dry-run"]).ends(3);
        assert!(dry.out.contains("1 new") && dry.out.contains("nothing was kept"), "{}", dry.out);
        assert_eq!(super::stored(&db), (0, 0));
        let real = ["import", "shipments", "a.csv", "--mapping", "tms.toml", "--rejects", "bad.csv"];
        desk.run(&real).ends(3);
        assert_eq!(super::stored(&db).0, 1);
        let corrected = std::fs::read_to_string(desk.path("bad.csv")).unwrap().replace("1 kg,10", "1,10");
        desk.file("bad.csv", corrected);
        let said = desk.run(&["import", "shipments", "bad.csv", "--mapping", "tms.toml", "--format", "json"]);
        assert_eq!(said.ends(0).json()["rows_new"], 1);
        assert_eq!(super::stored(&db).0, 2);
    });
}

/// What neither engine can index or keep is refused by row, before the database has to.
#[test]
fn texts_that_no_index_holds_are_refused_by_row() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        let mut text = super::good(100);
        text.push_str(&format!("{},C,1,10.03.2025,,\n", "é".repeat(241)));
        text.push_str(&format!("{},C,1,10.03.2025,,\n", "é".repeat(240)));
        text.push_str("zero\0byte,C,1,10.03.2025,,\n");
        desk.file("long.csv", text);
        desk.run(&["import", "shipments", "long.csv", "--mapping", "tms.toml"]).ends(3);
        let refused = desk.rejects().unwrap();
        assert_eq!((refused[1][0].as_str(), refused[1][1].as_str()), ("102", "Load"));
        assert!(refused[1][3].contains("longer than 240 characters"), "{:?}", refused[1]);
        assert_eq!((refused[2][0].as_str(), refused[2][1].as_str()), ("104", "Load"));
        assert!(refused[2][3].contains("zero byte"), "{:?}", refused[2]);
        assert_eq!((refused.len(), super::stored(&db).0), (3, 101));
    });
}

#[test]
fn rejects_may_go_nowhere() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        desk.file("loads.csv", format!("{HEADER}\nA1,C,heavy,10.03.2025,,\nA2,C,1,10.03.2025,,\n"));
        let import = |rejects| {
            desk.run(&["import", "shipments", "loads.csv", "--mapping", "tms.toml", "--rejects", rejects])
        };
        assert!(import("/dev/null").ends(3).out.contains("1 new, 0 changed, 0 already there, 1 rejected"));
        import("tms.toml").ends(1).complains(&["tms.toml", "exists already"]);
    });
}

/// A disk that is full where the output goes is an error like any other.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("partners.csv", "code,name\nBRCK,Brackwater\n");
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = desk.command(&["import", "partners", "partners.csv"]);
        let said = crate::support::process::Said::from(command.stdout(full).output().unwrap());
        said.ends(1).complains(&["error: standard output cannot be written", "what was done is kept"]);
        let mut conn = db.conn();
        assert_eq!(partners::table.count().get_result::<i64>(&mut *conn).unwrap(), 1);
    });
}

#[test]
fn a_contact_that_could_carry_mail_headers_is_refused() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let text = "code,contact_email\nA,ops@a.example\nB,\"ops@b.example\nBcc: all@b.example\"\nC,nobody\n";
        desk.file("partners.csv", text);
        desk.run(&["import", "partners", "partners.csv"]).ends(3);
        let refused = desk.rejects().unwrap();
        let places: Vec<(&str, &str)> =
            refused[1..].iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        assert_eq!(places, [("3", "contact_email"), ("4", "contact_email")]);
        assert_eq!(partners::table.count().get_result::<i64>(&mut *db.conn()).unwrap(), 1);
    });
}

#[test]
fn a_rejects_file_that_cannot_be_made_stops_the_import_before_its_first_row() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        desk.file("loads.csv", super::good(20));
        let import =
            ["import", "shipments", "loads.csv", "--mapping", "tms.toml", "--rejects", "nowhere/r.csv"];
        desk.run(&import).ends(1).complains(&["nowhere/r.csv", "cannot be written", "name another file"]);
        assert_eq!(shipments::table.count().get_result::<i64>(&mut *db.conn()).unwrap(), 0);
    });
}

#[test]
fn a_column_that_fills_no_field_is_told_with_the_field_it_may_have_meant() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file(
            "loads.csv",
            "reference,partner,delivery_due_date,deliverd_at,our_notes\nA1,BRCK,2025-03-10,2025-03-10,x\n",
        );
        let said = desk.run(&["import", "shipments", "loads.csv"]).ends(0);
        let told = "columns that fill no field: `deliverd_at` (did you mean `delivered_at`?), `our_notes`";
        assert!(said.out.contains(told), "{}", said.out);
        let said = desk.run(&["import", "shipments", "loads.csv", "--format", "json"]).ends(0).json();
        assert_eq!(said["columns_ignored"].as_array().unwrap().len(), 2);
    });
}
