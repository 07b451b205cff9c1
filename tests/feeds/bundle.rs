//! The evidence of a scorecard, taken away and checked without a database.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::db::on_both;
use crate::support::process::Desk;

/// Forty loads over two months, some late, some silent, with receipts and money; and their tenders.
fn feeds() -> (String, String) {
    let mut loads = "reference,partner,lane,origin,destination,service,mode,pickup_zone,delivery_zone,\
        pickup_window_end,pickup_arrived_at,pickup_arrived_received_at,picked_up_at,delivery_window_end,\
        arrived_at,arrived_received_at,delivered_at,pieces,pieces_delivered,receipt_expected,weight_kg,\
        distance_km,linehaul,fuel,rated_total,co2e_kg,emission_distance_km,emission_data\n"
        .to_owned();
    let mut tenders = "reference,partner,lane,sequence,sent_at,respond_by,responded_at,response\n".to_owned();
    for row in 0..80 {
        let (month, day) = (5 + row / 40, row % 25 + 1);
        let late = if row % 9 == 0 { 22 } else { 15 };
        let silent = row % 13 == 0;
        let event = |text: String| if silent { String::new() } else { text };
        let fields = [
            format!("R{row}"),
            "P".to_owned(),
            format!("L{}", row % 3),
            "Joliet".to_owned(),
            "Reno".to_owned(),
            "Standard".to_owned(),
            "TL".to_owned(),
            "America/Chicago".to_owned(),
            "America/Los_Angeles".to_owned(),
            format!("2025-{month:02}-{day:02}T12:00:00Z"),
            event(format!("2025-{month:02}-{day:02}T11:{:02}:00Z", row % 60)),
            event(format!("2025-{month:02}-{day:02}T12:{:02}:00Z", row % 60)),
            event(format!("2025-{month:02}-{day:02}T14:30:00Z")),
            format!("2025-{month:02}-{:02}T18:00:00Z", day + 3),
            event(format!("2025-{month:02}-{:02}T{late}:00:00Z", day + 3)),
            event(format!("2025-{month:02}-{:02}T{}:30:00Z", day + 3, late + 1)),
            event(format!("2025-{month:02}-{:02}T{}:45:00Z", day + 3, late)),
            "10".to_owned(),
            event(if row % 17 == 0 { "9" } else { "10" }.to_owned()),
            "YES".to_owned(),
            "820.5".to_owned(),
            "3200".to_owned(),
            "1450.25".to_owned(),
            "210".to_owned(),
            "1600".to_owned(),
            "190.4".to_owned(),
            "3100".to_owned(),
            if row % 2 == 0 { "PRIMARY" } else { "DEFAULT" }.to_owned(),
        ];
        loads.push_str(&(fields.join(",") + "\n"));
        let answer = ["ACCEPTED", "REJECTED", ""][usize::try_from(row % 3).unwrap()];
        let answered =
            if answer.is_empty() { String::new() } else { format!("2025-{month:02}-{day:02}T08:20:00Z") };
        tenders.push_str(&format!(
            "T{row},P,L{},{},2025-{month:02}-{day:02}T08:00:00Z,2025-{month:02}-{day:02}T09:00:00Z,{answered},{answer}\n",
            row % 3,
            row % 2 + 1,
        ));
    }
    (loads, tenders)
}

/// Copies an archive with one file of it changed.
fn tamper(from: &Path, to: &Path, name: &str, change: impl Fn(String) -> String) {
    let mut archive = ZipArchive::new(File::open(from).unwrap()).unwrap();
    let mut copy = ZipWriter::new(File::create(to).unwrap());
    for place in 0..archive.len() {
        let mut text = String::new();
        let mut file = archive.by_index(place).unwrap();
        let file_name = file.name().unwrap().into_owned();
        file.read_to_string(&mut text).unwrap();
        let text = if file_name == name { change(text) } else { text };
        copy.start_file(file_name, SimpleFileOptions::default()).unwrap();
        copy.write_all(text.as_bytes()).unwrap();
    }
    copy.finish().unwrap();
}

#[test]
fn a_bundle_makes_the_scorecard_again_and_tells_what_was_changed() {
    let (loads, tenders) = feeds();
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("loads.csv", &loads);
        desk.file("tenders.csv", &tenders);
        desk.run(&["import", "shipments", "loads.csv"]).ends(0);
        desk.run(&["import", "tenders", "tenders.csv"]).ends(0);
        for period in ["2025-05", "2025-06"] {
            let run = ["job", "run", "score-period", "--period", period];
            desk.run(&run).ends(0);
        }
        desk.run(&["scorecard", "P", "--period", "2025-06", "--evidence", "p.zip"]).ends(0);
        // Without a database: the address names none that could be opened.
        let checked = desk.run(&["--database", "sqlite:///nowhere/at/all.db", "verify", "--bundle", "p.zip"]);
        let out = checked.ends(0).out;
        assert!(out.contains("every digit is as published"), "{out}");
        let report = desk.run(&["verify", "--bundle", "p.zip", "--format", "json"]).ends(0).json();
        assert_eq!(report["manifest"]["moved_since"], serde_json::json!([]));
        assert!(report["shipments"].as_u64().unwrap() > 70, "{report}");
        assert_eq!(report["tenders"], 80);
        // One arrival moved by an hour, one figure of the document, one weight of the template.
        let told = |file: &str, change: &dyn Fn(String) -> String, words: &[&str]| {
            tamper(&desk.path("p.zip"), &desk.path("bad.zip"), file, change);
            let said = desk.run(&["verify", "--bundle", "bad.zip"]).ends(1);
            words.iter().for_each(|words| assert!(said.out.contains(words), "{said:?}"));
        };
        told(
            "shipments.jsonl",
            &|text| text.replace("T15:00:00Z", "T20:00:00Z"),
            &["shipments.jsonl was changed", "OTD_WIN"],
        );
        told(
            "scorecard.json",
            &|text| text.replacen("\"shipments\":40", "\"shipments\":41", 1),
            &["scorecard.json was changed", "shipments: published 41, made again 40"],
        );
        told(
            "inputs.json",
            &|text| text.replacen("\"target\":\"95\"", "\"target\":\"94\"", 1),
            &["inputs.json was changed"],
        );
        desk.file("none.zip", "not an archive");
        desk.run(&["verify", "--bundle", "none.zip"]).ends(1).complains(&["none.zip", "archive"]);
        desk.run(&["verify"]).ends(0);
    });
}
