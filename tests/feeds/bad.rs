//! Files and mappings that cannot be used: the error says what, where and what to do, and nothing at
//! all is stored.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{HEADER, good, stored, tms};
use crate::support::db::{TestDb, on_both};
use crate::support::process::Desk;

/// Runs the import of `bytes` under `mapping`, which must fail with `parts` and leave nothing.
#[track_caller]
fn refused(db: &TestDb, name: &str, bytes: &[u8], mapping: &str, parts: &[&str]) {
    let desk = Desk::new(db);
    desk.file("tms.toml", mapping);
    desk.file(name, bytes);
    desk.run(&["import", "shipments", name, "--mapping", "tms.toml"]).ends(1).complains(parts);
    assert_eq!(stored(db), (0, 0), "{name}: nothing is half-loaded");
    assert_eq!(desk.rejects(), None);
}

/// Imports `bytes` under `mapping`, every row of it.
#[track_caller]
fn loads(db: &TestDb, name: &str, bytes: &[u8], mapping: &str, rows: i64) {
    let desk = Desk::new(db);
    desk.file("tms.toml", mapping);
    desk.file(name, bytes);
    desk.run(&["import", "shipments", name, "--mapping", "tms.toml"]).ends(0);
    assert_eq!(stored(db).0, rows, "{name}");
}

#[test]
fn mappings_that_name_what_does_not_exist() {
    on_both(|db| {
        let file = good(3);
        let case = |mapping: &str, parts: &[&str]| refused(&db, "l.csv", file.as_bytes(), mapping, parts);
        case(
            &tms("").replace("\"Kilos\"", "\"Kilo\""),
            &[
                "field `weight_kg`",
                "no column `Kilo`",
                "did you mean `Kilos`?",
                HEADER.replace(',', ", ").as_str(),
            ],
        );
        case(
            &tms("").replace("weight_kg", "wieght_kg"),
            &["no field `wieght_kg`", "did you mean `weight_kg`?"],
        );
        case(&tms("").replace("reference =", "service ="), &["field `reference` is required for shipments"]);
        case(&tms("zone2 = \"UTC\""), &["tms.toml", "zone2"]);
        case(&tms("").replace("\"UTC\"", "\"Mars/Olympus\""), &["Mars/Olympus", "IANA zone"]);
        case(&tms("").replace("\"shipments\"", "\"tenders\""), &["tms.toml"]);
        case(&tms("encoding = \"klingon\""), &["`klingon` is not known"]);
        let desk = Desk::new(&db);
        desk.file("l.csv", &file);
        desk.run(&["import", "shipments", "l.csv", "--mapping", "smcs"])
            .ends(1)
            .complains(&["no mapping `smcs`", "nycflights13, rates-matrix, scms"]);
        desk.run(&["import", "shipmints", "l.csv"]).ends(2).complains(&["no kind `shipmints`", "shipments"]);
        desk.run(&["import", "shipments", "gone.csv"]).ends(1).complains(&["gone.csv: cannot be opened"]);
        desk.run(&["import", "shipments", "."]).ends(1).complains(&["it is a folder"]);
        desk.run(&["import", "shipments", "/dev/null"]).ends(1).complains(&["pipe or a device"]);
        assert_eq!(stored(&db), (0, 0));
    });
}

/// The wrong byte stands behind the first batch of either engine.
const FAR: usize = 12_000;

#[test]
fn latin_1_is_refused_with_its_place_unless_declared() {
    let mut latin: Vec<u8> = good(FAR).into_bytes();
    latin.extend_from_slice(b"LX,C\xf4te Fret,1,10.03.2025,,\n");
    let place = format!("row {}, column `Carrier`: byte 2 of the cell is 0xF4", FAR + 2);
    let parts = ["latin.csv", &place, "declare encoding = \"latin1\""];
    on_both(|db| {
        refused(&db, "latin.csv", &latin, &tms(""), &parts);
        refused(&db, "latin.csv", &latin, &tms("encoding = \"utf-8\""), &parts);
    });
    on_both(|db| {
        let few: Vec<u8> = [good(2).as_bytes(), b"LX,C\xf4te Fret,1,10.03.2025,,\n"].concat();
        loads(&db, "latin.csv", &few, &tms("encoding = \"latin1\""), 3);
        let kpi = Desk::new(&db).run(&["kpi", "OTD_DAY", "--format", "json"]).ends(0).json();
        let keys: Vec<&str> =
            kpi.as_array().unwrap().iter().filter_map(|line| line["key"].as_str()).collect();
        assert!(keys.iter().any(|key| key.to_lowercase().contains("côte")), "{keys:?}");
    });
}

#[test]
fn marks_and_line_ends_make_no_difference() {
    let text = good(50);
    let units = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(order).collect()
    };
    let ways: [(&str, Vec<u8>); 6] = [
        ("little.csv", units(u16::to_le_bytes)),
        ("big.csv", units(u16::to_be_bytes)),
        ("mark.csv", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("old-mac.csv", text.replace('\n', "\r").into_bytes()),
        ("windows.csv", text.replace('\n', "\r\n").into_bytes()),
        ("no-end.csv", text.trim_end().as_bytes().to_vec()),
    ];
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", tms(""));
        for (number, (name, bytes)) in ways.iter().enumerate() {
            desk.file(name, bytes);
            let said = desk
                .run(&["import", "shipments", name, "--mapping", "tms.toml", "--format", "json"])
                .ends(0)
                .json();
            // The first loads; every other way of writing the same rows finds them there.
            let (new, same) = if number == 0 { (50, 0) } else { (0, 50) };
            assert_eq!((&said["rows_new"], &said["rows_same"]), (&new.into(), &same.into()), "{name}");
        }
        assert_eq!(stored(&db).0, 50);
    });
}

#[test]
fn files_that_hold_nothing_or_break_off() {
    let many = good(FAR);
    let whole = gzip(many.as_bytes());
    let open = format!("{many}LX,\"C,1,10.03.2025,,\n{}", good(3));
    on_both(|db| {
        refused(&db, "empty.csv", b"", &tms(""), &["empty.csv", "the file is empty"]);
        refused(&db, "blank.csv", b"\n\r\n\n", &tms(""), &["blank.csv", "the file is empty"]);
        let twice = format!("{HEADER},Load\n");
        refused(&db, "twice.csv", twice.as_bytes(), &tms(""), &["`Load` stands twice, in columns 1 and 7"]);
        let half = &whole[..whole.len() / 2];
        refused(&db, "half.csv.gz", half, &tms(""), &["half.csv.gz, row ", "reading failed"]);
        let mut flipped = whole.clone();
        let place = flipped.len() - 6;
        flipped[place] ^= 0xff;
        refused(&db, "flipped.csv.gz", &flipped, &tms(""), &["flipped.csv.gz", "reading failed"]);
        let row = format!("open.csv, row {}", FAR + 2);
        refused(&db, "open.csv", open.as_bytes(), &tms(""), &[&row, "never closed"]);
        refused(&db, "not.xlsx", b"PK\x03\x04 and then nothing", &tms(""), &["not.xlsx", "cannot be read"]);
    });
    // Columns and no rows is a whole file: nothing to do is no failure.
    on_both(|db| loads(&db, "header.csv", HEADER.as_bytes(), &tms(""), 0));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
