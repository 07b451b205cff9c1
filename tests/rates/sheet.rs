//! Good sheets: matrices, amendments that share their tables, versions to rate by, exchange rates.

use diesel::prelude::*;
use lanemark::db::rate::rate_terms_load;
use lanemark::db::schema::{rate_cells, rate_lines};
use lanemark::domain::viewer::Viewer;

use super::{LOADS, LOADS_HEADER, PARCELS, approve, approve_as_it_is, lines_stored, load, of, rate};
use crate::support::db::{TestDb, on_both};
use crate::support::process::Desk;

fn tables(db: &TestDb) -> Vec<i64> {
    let mut tables: Vec<i64> = rate_lines::table.select(rate_lines::table_id).load(&mut *db.conn()).unwrap();
    tables.sort_unstable();
    tables
}

fn cells(db: &TestDb) -> i64 {
    rate_cells::table.count().get_result(&mut *db.conn()).unwrap()
}

/// Zones across, up to so many pounds down; a blank means no price.
#[test]
fn a_matrix_is_read_with_its_zones() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("parcels.toml", PARCELS);
        desk.file("parcels.csv", "lb,Zone 2,Zone 3\n1,$9.00,$10.50\n2,9.50,11.00\n5,\"1,012.25\",\n");
        let said = load(&desk, "parcels.csv", mapping.to_str().unwrap()).ends(0).json();
        assert_eq!((&said["cells"], &said["lanes"]), (&5.into(), &0.into()));
        desk.file(
            "parcels-to-rate.csv",
            "reference,pickup,zone,weight\nlight,2025-07-01,2,0.4\nedge,2025-07-01,3,1\nup,2025-07-01,3,1.01\n\
             heavy,2025-07-01,2,4.2\nno price,2025-07-01,3,4.2\nno zone,2025-07-01,9,1\nbeyond,2025-07-01,2,5.1\n",
        );
        let rated = rate(&desk, "parcels-to-rate.csv", &[]);
        for (reference, total) in
            [("light", "9.00"), ("edge", "10.50"), ("up", "11.00"), ("heavy", "1012.25")]
        {
            assert_eq!(of(&rated, reference)["total"], total, "{}", of(&rated, reference));
        }
        for reference in ["no price", "no zone", "beyond"] {
            assert_eq!(of(&rated, reference)["status"], "UNRATED", "{}", of(&rated, reference));
        }
        let said = desk.run(&["rate", "parcels-to-rate.csv", "--contract", "C-1"]).ends(0);
        assert!(said.out.contains("4 rated, 3 unrated, 0 not applicable"), "{}", said.out);
        assert!(said.err.contains("version 1 (draft)"), "{}", said.err);
    });
}

/// An amendment shares the tables it does not change, and the version in force rates until it is approved.
#[test]
fn an_amendment_shares_tables_until_they_change() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        let rows = |texas: &str, ohio: &str| {
            format!(
                "{LOADS_HEADER}TX,US-TX,*,0,500,,,{texas},USD\nTX,US-TX,*,500,,,,2,USD\nOH,US-OH,*,0,,,,{ohio},USD\n"
            )
        };
        desk.file("first.csv", rows("10.00", "7.00"));
        load(&desk, "first.csv", mapping).ends(0);
        let first = tables(&db);
        assert_eq!((first.len(), cells(&db)), (2, 3));
        // The same sheet again is the same, under new ids, and leaves no cells behind.
        load(&desk, "first.csv", mapping).ends(0);
        assert_eq!((tables(&db).len(), cells(&db)), (2, 3));
        approve(&db);
        let approved = tables(&db);

        desk.file("second.csv", rows("12.50", "7.00"));
        desk.run(&[
            "import",
            "rates",
            "second.csv",
            "--contract",
            "C-1",
            "--mapping",
            mapping,
            "--version",
            "1",
        ])
        .ends(1)
        .complains(&["version 1 is no draft"]);
        let said = load(&desk, "second.csv", mapping).ends(0).json();
        assert_eq!((&said["version"], &said["version_created"]), (&2.into(), &true.into()));
        assert_eq!(said["compared_with"], 1);
        let line = |code: &str| {
            said["lines"].as_array().unwrap().iter().find(|line| line["code"] == code).cloned().unwrap()
        };
        assert_eq!((&line("TX")["changed"], &line("TX")["same"]), (&1.into(), &1.into()));
        assert!(line("TX")["largest"][0].as_str().unwrap().contains("+25.00 %"), "{said}");
        assert_eq!((&line("OH")["changed"], &line("OH")["same"]), (&0.into(), &1.into()));
        // Four lines, three tables: Ohio's is shared.
        let now = tables(&db);
        let distinct: std::collections::BTreeSet<i64> = now.iter().copied().collect();
        assert_eq!((now.len(), distinct.len(), cells(&db)), (4, 3, 5));
        assert!(approved.iter().all(|table| distinct.contains(table)), "what is approved stays");

        desk.file(
            "loads.csv",
            "reference,pickup,origin_state,origin_country,weight\nA,2025-07-08,TX,US,400\nB,2025-07-08,OH,US,400\n",
        );
        let totals = |more: &[&str]| {
            let rated = rate(&desk, "loads.csv", more);
            (of(&rated, "A")["total"].clone(), of(&rated, "B")["total"].clone())
        };
        assert_eq!(totals(&["--version", "1"]), ("40.00".into(), "28.00".into()));
        assert_eq!(totals(&["--version", "2"]), ("50.00".into(), "28.00".into()));
        let viewer = Viewer::system();
        let mut conn = db.conn();
        let contract =
            lanemark::db::contract::contract_by_number(&mut conn, &viewer, "C-1").unwrap().unwrap();
        let versions = lanemark::db::contract::version_list(&mut conn, &viewer, contract.id).unwrap();
        let loaded = rate_terms_load(&mut conn, &viewer, versions[0].id).unwrap().unwrap();
        assert_eq!(loaded.lines.iter().map(|line| line.cells.len()).sum::<usize>(), 3);
        // Another partner's user sees none of it.
        let stranger = Viewer {
            user_id: 5,
            name: "Stranger".to_owned(),
            role: lanemark::domain::viewer::Role::Partner,
            partner_id: Some(1),
        };
        assert_eq!(rate_terms_load(&mut conn, &stranger, versions[1].id).unwrap(), None);
    });
}

/// The same sheet as csv, tsv, gzip and workbook makes the same tables.
#[test]
fn a_sheet_is_the_same_whatever_it_is_written_in() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let csv = format!("{LOADS_HEADER}TX,US-TX,*,0,500,,,10.25,USD\nTX,US-TX,*,500,,,,2,USD\n");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, csv.as_bytes()).unwrap();
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (line, row) in csv.lines().zip(0..) {
            for (cell, column) in line.split(',').zip(0..) {
                match cell.parse::<f64>() {
                    Ok(number) => sheet.write_number(row, column, number).unwrap(),
                    Err(_) => sheet.write_string(row, column, cell).unwrap(),
                };
            }
        }
        desk.file("sheet.csv", &csv);
        desk.file("sheet.tsv", csv.replace(',', "\t"));
        desk.file("sheet.csv.gz", gzip.finish().unwrap());
        desk.file("sheet.xlsx", book.save_to_buffer().unwrap());
        let mut seals = std::collections::BTreeSet::new();
        for name in ["sheet.csv", "sheet.tsv", "sheet.csv.gz", "sheet.xlsx"] {
            let said = load(&desk, name, mapping.to_str().unwrap()).ends(0).json();
            assert_eq!(said["cells"], 2, "{name}");
            let seal: String =
                rate_lines::table.select(rate_lines::cells_sha256).first(&mut *db.conn()).unwrap();
            seals.insert(seal);
        }
        assert_eq!(seals.len(), 1, "{seals:?}");
    });
}

/// A matrix goes out with zones across and comes in by the shipped mapping; how the line rates stays.
#[test]
fn a_matrix_goes_out_and_comes_in_as_it_was() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("parcels.toml", PARCELS);
        desk.file("parcels.csv", "lb,Zone 2,Zone 3\n1,,$10.50\n2,9.50,11.00\n5,\"1,012.25\",\n");
        load(&desk, "parcels.csv", mapping.to_str().unwrap()).ends(0);
        let before = lines_stored(&db);
        for (file, form, mapping) in [
            ("out.csv", "matrix", Some("rates-matrix")),
            ("out.xlsx", "matrix", Some("rates-matrix")),
            ("long.csv", "long", None),
            ("long.xlsx", "long", None),
        ] {
            let said = desk.run(&["export", "rates", file, "--contract", "C-1", "--form", form]).ends(0);
            assert!(said.out.contains("4 rates in"), "{}", said.out);
            assert!(!said.out.contains("not in the sheet"), "{}", said.out);
            let mut arguments = vec!["import", "rates", file, "--contract", "C-1"];
            arguments.extend(mapping.into_iter().flat_map(|mapping| ["--mapping", mapping]));
            desk.run(&arguments).ends(0);
            assert_eq!(lines_stored(&db), before, "{file}");
        }
        let out = std::fs::read_to_string(desk.path("out.csv")).unwrap();
        assert!(out.starts_with("line,label,lane,"), "{out}");
        assert!(out.contains("weight_from,weight_to,min,prior,rate 3,rate 2,charge,basis,"), "{out}");
        desk.run(&["export", "rates", "out.csv", "--contract", "C-1"]).ends(1).complains(&["exists already"]);
        desk.run(&["export", "rates", "out.txt", "--contract", "C-1"])
            .ends(1)
            .complains(&["neither in .csv"]);
        desk.run(&["export", "rates", "x.csv", "--contract", "C-1", "--line", "AIR"])
            .ends(1)
            .complains(&["no rate line AIR", "PARCEL"]);
        desk.run(&["export", "rates", "x.csv", "--contract", "C-9"]).ends(1).complains(&["no contract C-9"]);
        desk.run(&["export", "rates", "x.csv", "--contract", "C-1", "--version", "7"])
            .ends(1)
            .complains(&["no version 7"]);
    });
}

/// `verify` reads every table again, and tells a price that was changed behind its back.
#[test]
fn verify_tells_a_changed_price() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        desk.file("rates.csv", format!("{LOADS_HEADER}TX,US-TX,*,0,,,,10,USD\n"));
        load(&desk, "rates.csv", mapping.to_str().unwrap()).ends(0);
        desk.run(&["verify"]).ends(0);
        diesel::update(rate_cells::table)
            .set(rate_cells::rate_micros.eq(1_i64))
            .execute(&mut *db.conn())
            .unwrap();
        let said = desk.run(&["verify"]);
        assert_ne!(said.code, 0);
        assert!(format!("{}{}", said.out, said.err).contains("sealed with"), "{said:?}");
        diesel::delete(rate_cells::table).execute(&mut *db.conn()).unwrap();
        let said = desk.run(&["verify"]);
        assert!(format!("{}{}", said.out, said.err).contains("0 of 1 cells"), "{said:?}");
    });
}

/// The contract page names the cells an amendment changes.
#[test]
fn the_redline_tells_what_happened_to_each_table() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        let sheet = |price: &str| format!("{LOADS_HEADER}TX,US-TX,*,0,,,,{price},USD\n");
        desk.file("first.csv", sheet("10.00"));
        load(&desk, "first.csv", mapping).ends(0);
        approve(&db);
        desk.file("second.csv", sheet("12.50"));
        load(&desk, "second.csv", mapping).ends(0);
        let (app, viewer) = (db.app(), Viewer::system());
        let mut conn = db.conn();
        let contract =
            lanemark::db::contract::contract_by_number(&mut conn, &viewer, "C-1").unwrap().unwrap();
        let page =
            lanemark::app::contract::contract_show(&app, &mut conn, &viewer, contract.id, Some(2)).unwrap();
        assert_eq!(page.redline.len(), 1, "{:?}", page.redline);
        let after = page.redline[0].after.clone().unwrap();
        assert!(after.contains("10.00 → 12.50 (+2.50, +25.00 %)"), "{after}");
        assert_eq!(page.versions[0].changed, "1 rate table");
    });
}

/// What a version charges holds the next one to the price cap, cell by cell, whether the sheet says so or not.
#[test]
fn a_price_cap_counts_from_the_version_before() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        let sheet =
            |texas: &str| format!("{LOADS_HEADER}TX,US-TX,*,0,500,,,{texas},USD\nTX,US-TX,*,500,,,,2,USD\n");
        desk.file("first.csv", sheet("10.00"));
        load(&desk, "first.csv", mapping).ends(0);
        approve(&db);
        desk.file("second.csv", sheet("12.50"));
        let import = |more: &[&str]| {
            let plain = ["import", "rates", "second.csv", "--contract", "C-1", "--mapping", mapping];
            desk.run(&[&plain, more].concat()).ends(0)
        };
        let said = import(&["--price-cap", "5"]);
        assert!(said.out.contains("over the price cap, so charged at less: 1 rate of TX"), "{}", said.out);
        let said = import(&["--format", "json"]).json();
        assert_eq!(said["lines"][0]["over_cap"], 1, "{said}");
        let held = said["lines"][0]["held"][0].as_str().unwrap();
        assert!(held.ends_with("10.00 → 12.50 (+2.50, +25.00 %), held to 10.50"), "{held}");
        desk.file(
            "loads.csv",
            "reference,pickup,origin_state,origin_country,weight\nA,2025-07-08,TX,US,400\n",
        );
        let total =
            |version: &str| of(&rate(&desk, "loads.csv", &["--version", version]), "A")["total"].clone();
        assert_eq!(total("2"), "42.00");
        let redline = || {
            let (app, viewer, mut conn) = (db.app(), Viewer::system(), db.conn());
            let contract =
                lanemark::db::contract::contract_by_number(&mut conn, &viewer, "C-1").unwrap().unwrap();
            let page = lanemark::app::contract::contract_show(&app, &mut conn, &viewer, contract.id, Some(2));
            let page = page.unwrap();
            page.redline.iter().filter_map(|change| change.after.clone()).collect::<Vec<_>>().join("\n")
        };
        assert!(redline().contains("over the price cap of 5 %: 1 rate"), "{}", redline());
        approve_as_it_is(&db);
        // The next cap counts from what was charged, not from what was announced.
        load(&desk, "second.csv", mapping).ends(0);
        assert_eq!(total("3"), "42.00", "the same sheet again raises nothing");
        desk.file("second.csv", sheet("20.00"));
        import(&[]);
        assert_eq!(total("3"), "44.10");
    });
}

/// Without a version asked for, each row is rated by the version in force on its rating date.
#[test]
fn each_row_is_rated_by_the_version_of_its_day() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        let mut starts: Vec<chrono::NaiveDate> = Vec::new();
        for price in ["10.00", "12.50"] {
            desk.file("sheet.csv", format!("{LOADS_HEADER}TX,US-TX,*,0,,,,{price},USD\n"));
            let said = load(&desk, "sheet.csv", mapping).ends(0).json();
            starts.push(said["valid_from"].as_str().unwrap().parse().unwrap());
            approve(&db);
        }
        let before = starts[0].pred_opt().unwrap();
        let rows: String = [
            ("before", Some(before)),
            ("first", Some(starts[0])),
            ("second", Some(starts[1])),
            ("undated", None),
        ]
        .map(|(name, day)| {
            let day = day.map(|day| day.to_string()).unwrap_or_default();
            format!("{name},{day},TX,US,400\n")
        })
        .concat();
        desk.file("loads.csv", format!("reference,pickup,origin_state,origin_country,weight\n{rows}"));
        let rated = rate(&desk, "loads.csv", &[]);
        for (reference, version, total) in [("first", 1, "40.00"), ("second", 2, "50.00")] {
            let one = of(&rated, reference);
            assert_eq!((&one["version"], &one["total"]), (&version.into(), &total.into()), "{one}");
        }
        for (reference, reason) in
            [("before", "no version of contract C-1 was in force on"), ("undated", "is missing")]
        {
            let one = of(&rated, reference);
            assert_eq!((&one["status"], one["version"].is_null()), (&"UNRATED".into(), true), "{one}");
            assert!(one["reason"].as_str().unwrap().contains(reason), "{one}");
        }
        let said = desk.run(&["rate", "loads.csv", "--contract", "C-1"]).ends(0);
        assert!(
            said.err.contains("the version in force on each rating date (versions 1, 2)"),
            "{}",
            said.err
        );
        assert!(said.out.contains("version"), "{}", said.out);
        desk.file(
            "odd.csv",
            "reference,pickup,origin_state,origin_country,weigth,weight\nA,2025-07-08,TX,US,1,400\n",
        );
        let said = desk.run(&["rate", "odd.csv", "--contract", "C-1"]).ends(0);
        assert!(said.err.contains("not used, since no field has that name: weigth"), "{}", said.err);
        let traced = rate(&desk, "loads.csv", &["--trace"]);
        let stages: Vec<u64> = of(&traced, "first")["trace"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["stage"].as_u64().unwrap())
            .collect();
        assert!(stages.is_sorted(), "{stages:?}");
    });
}

/// Exchange rates are kept by day and by when they became known.
#[test]
fn exchange_rates_convert_a_line_in_another_currency() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        desk.file("rates.csv", format!("{LOADS_HEADER}TX,US-TX,*,0,,,,10,USD\nBC,CA-BC,*,0,,,,10,CAD\n"));
        load(&desk, "rates.csv", mapping.to_str().unwrap()).ends(0);
        desk.file(
            "loads.csv",
            "reference,pickup,origin_state,origin_country,weight\nA,2025-07-08,BC,CA,1000\n",
        );
        let rated = rate(&desk, "loads.csv", &[]);
        assert_eq!(of(&rated, "A")["status"], "UNRATED");
        assert!(of(&rated, "A")["reason"].as_str().unwrap().contains("CAD"), "{rated:?}");
        desk.file("fx.csv", "base,quote,day,rate\nCAD,USD,2025-07-01,0.73\nCAD,USD,2025-08-01,0.80\n");
        let said = desk.run(&["import", "fx", "fx.csv", "--format", "json"]).ends(0).json();
        assert_eq!(said["rows_new"], 2);
        assert_eq!(of(&rate(&desk, "loads.csv", &[]), "A")["total"], "73.00");
        desk.file("bad-fx.csv", "base,quote,day,rate\nCAD,USD,2025-07-01,0\n");
        desk.run(&["import", "fx", "bad-fx.csv"]).ends(3);
    });
}
