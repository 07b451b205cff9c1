//! Public data sets, imported and asked exactly as a user types it, against counts made by hand from
//! the raw files.

use std::path::Path;

use serde_json::Value;

use crate::support::data::real_data;
use crate::support::db::on_both;
use crate::support::process::Desk;

/// One line of `lanemark kpi … --format json`, after a look at what every line must carry.
#[track_caller]
fn line(lines: &Value, key: &str) -> (i64, i64) {
    let lines = lines.as_array().unwrap();
    let line =
        lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("no `{key}` in {lines:?}"));
    let (numerator, denominator) =
        (line["numerator"].as_i64().unwrap(), line["denominator"].as_i64().unwrap());
    for name in ["gross", "net", "low", "high"] {
        let fraction: rust_decimal::Decimal = line[name]
            .as_str()
            .unwrap_or_else(|| panic!("`{name}` is no decimal string: {line}"))
            .parse()
            .unwrap();
        assert!((0.into()..=1.into()).contains(&fraction), "{name} of {line}");
    }
    assert_eq!(line["period_basis"], "obligation");
    (numerator, denominator)
}

fn kpi(desk: &Desk, kpi: &str, by: &str, more: &[&str]) -> Value {
    let arguments = [&["kpi", kpi, "--by", by, "--format", "json"], more].concat();
    desk.run(&arguments).ends(0).json()
}

fn import(desk: &Desk, file: &Path, mapping: &str) -> Value {
    let file = file.to_str().unwrap();
    let arguments = ["import", "shipments", file, "--mapping", mapping, "--format", "json"];
    desk.run(&arguments).ends(0).json()
}

/// USAID deliveries 2006–2015: delivered on or before the scheduled day, one line of the file each.
#[test]
fn scms_counts_to_the_line() {
    let Some(file) = real_data("scms/SCMS_Delivery_History_Dataset_20150929.csv.gz") else { return };
    on_both(|db| {
        let desk = Desk::new(&db);
        let said = import(&desk, &file, "scms");
        assert_eq!((&said["rows_new"], &said["rows_rejected"]), (&10_324.into(), &0.into()));
        let by_mode = kpi(&desk, "OTD_DAY", "mode", &[]);
        for (mode, counts) in [
            ("Air", (5_526, 6_113)),
            ("Air Charter", (575, 650)),
            ("N/A", (356, 360)),
            ("Ocean", (306, 371)),
            ("Truck", (2_375, 2_830)),
        ] {
            assert_eq!(line(&by_mode, mode), counts, "{mode}");
        }
        assert_eq!(by_mode.as_array().unwrap().len(), 5);
        assert_eq!(line(&kpi(&desk, "OTD_DAY", "all", &[]), "all"), (9_138, 10_324));

        // A period narrows, and its parts sum to it.
        let months: Vec<(i64, i64)> = (1..=3)
            .map(|month| {
                line(&kpi(&desk, "OTD_DAY", "all", &["--period", &format!("2013-{month:02}")]), "all")
            })
            .collect();
        let quarter = line(&kpi(&desk, "OTD_DAY", "all", &["--period", "2013-Q1"]), "all");
        assert_eq!(months.iter().fold((0, 0), |sum, m| (sum.0 + m.0, sum.1 + m.1)), quarter);
        assert!(quarter.1 > 0 && quarter.1 < 10_324, "{quarter:?}");
        assert_eq!(kpi(&desk, "OTD_DAY", "all", &["--period", "1999-01"]), Value::Array(Vec::new()));
        desk.run(&["kpi", "OTD_DAY", "--period", "2025-13"]).ends(2).complains(&["2025-13"]);

        let again = import(&desk, &file, "scms");
        assert_eq!((&again["rows_new"], &again["rows_same"]), (&0.into(), &10_324.into()));
        desk.run(&["verify"]).ends(0);
    });
}

/// Every departure from New York in 2013: less than 15 minutes late, and no evidence is a failure.
#[test]
fn nycflights13_counts_to_the_flight() {
    let Some(file) = real_data("nycflights13/flights.csv.gz") else { return };
    on_both(|db| {
        let desk = Desk::new(&db);
        let begun = std::time::Instant::now();
        let said = import(&desk, &file, "nycflights13");
        assert_eq!((&said["rows_new"], &said["rows_rejected"]), (&336_776.into(), &0.into()));
        let by_carrier = kpi(&desk, "OTD_WIN", "partner", &[]);
        assert_eq!(line(&by_carrier, "UA"), (44_778, 58_665));
        assert_eq!(line(&by_carrier, "OO"), (22, 32));
        assert_eq!(by_carrier.as_array().unwrap().len(), 16);
        assert_eq!(line(&kpi(&desk, "OTD_WIN", "all", &[]), "all"), (247_246, 336_776));
        println!("{} in {:?}", db.url, begun.elapsed());
    });
}
