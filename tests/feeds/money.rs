//! Amounts of shipments and of charge lines, and the lists behind the KPIs that are made of them.

use lanemark::app::evidence::{Part, Pick, Rows, behind};
use lanemark::app::kpi::{Dimension, kpi_by};
use lanemark::domain::kpi::{Counted, Kpi};
use lanemark::domain::period::Period;
use lanemark::domain::signal::Better;
use lanemark::domain::viewer::Viewer;
use rust_decimal::Decimal;

use crate::support::db::{TestDb, on_both};
use crate::support::dump::Dump;
use crate::support::process::Desk;

const SHIPMENTS: [&str; 3] = ["import", "shipments", "loads.csv"];
const CHARGES: [&str; 3] = ["import", "charges", "charges.csv"];

/// Linehaul, fuel, accessorial, freight and rated total of a shipment.
fn amounts(db: &TestDb, reference: &str) -> [Option<i64>; 5] {
    let dump = Dump::of(&mut db.conn());
    let rows = dump.rows("shipments");
    let row = rows.iter().find(|row| row["reference"] == reference).unwrap();
    ["linehaul", "fuel", "accessorial", "freight", "rated"]
        .map(|name| row[&format!("{name}_micros")].as_i64().map(|micros| micros / 1_000_000))
}

#[test]
fn charge_lines_decide_only_what_they_speak_of() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file(
            "loads.csv",
            "reference,partner,delivery_due_date,delivered_at,linehaul,fuel,freight_total,rated_total\n\
             A,P,2025-06-03,2025-06-03T10:00:00Z,1000,100,,1050\n\
             B,P,2025-06-03,2025-06-03T10:00:00Z,,,700,\n\
             C,P,2025-06-03,2025-06-03T10:00:00Z,,,,\n",
        );
        desk.run(&SHIPMENTS).ends(0);
        assert_eq!(amounts(&db, "A"), [Some(1000), Some(100), None, Some(1100), Some(1050)]);
        // A detention alone takes nothing of the linehaul away, nor of a total that the feed gave.
        let lines = "reference,partner,shipment,code,category,amount,rated_amount\n\
             1,P,A,DET,ACCESSORIAL,50,\n\
             2,P,B,DET,ACCESSORIAL,20,\n";
        desk.file("charges.csv", lines);
        desk.run(&CHARGES).ends(0);
        assert_eq!(amounts(&db, "A"), [Some(1000), Some(100), Some(50), Some(1150), Some(1050)]);
        assert_eq!(amounts(&db, "B"), [None, None, Some(20), Some(700), None]);
        // Lines with the linehaul are the whole freight.
        desk.file("charges.csv", format!("{lines}3,P,C,LH,LINEHAUL,400,380\n4,P,C,FUE,FUEL,40,40\n"));
        desk.run(&CHARGES).ends(0);
        assert_eq!(amounts(&db, "C"), [Some(400), Some(40), None, Some(440), Some(420)]);
        // A line that moves takes its amount along, though the other shipment is in no row of the file.
        desk.file("charges.csv", "reference,partner,shipment,code,category,amount\n3,P,B,LH,LINEHAUL,400\n");
        desk.run(&CHARGES).ends(0);
        assert_eq!(amounts(&db, "C"), [None, Some(40), None, Some(40), None]);
        assert_eq!(amounts(&db, "B"), [Some(400), None, Some(20), Some(420), None]);
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn every_kpi_lists_as_many_facts_as_it_counts() {
    let mut text =
        "reference,partner,pickup_window_end,pickup_arrived_at,picked_up_at,delivery_window_end,delivery_due_date,\
                    arrived_at,arrived_received_at,delivered_at,pieces,distance_km,attempts,first_attempt,disposition,diverted_by,station_arrived_at,\
                    out_for_delivery_at,weight_kg,linehaul,accessorial,freight_total,rated_total,\
                    pieces_delivered,receipt_expected,pod_received_at,pod_clean,invoice_right,notice_expected,\
                    delay_noticed_at,transit_standard_days,co2e_kg,emission_distance_km,emission_data,\
                    statuses,statuses_refused,invoiced,paid\n"
            .to_owned();
    for row in 0..60 {
        let day = row % 25 + 1;
        let when = |one_in: i32, text: String| if row % one_in == 0 { String::new() } else { text };
        let fields = [
            format!("R{row}"),
            "P".to_owned(),
            when(5, format!("2025-06-{day:02}T08:00:00Z")),
            when(7, format!("2025-06-{day:02}T0{}:30:00Z", row % 9)),
            when(3, format!("2025-06-{day:02}T{}:30:00Z", 10 + row % 9)),
            when(6, format!("2025-06-{:02}T18:00:00Z", day + 2)),
            format!("2025-06-{:02}", day + 2),
            when(4, format!("2025-06-{:02}T{}:00:00Z", day + 2, 15 + row % 6)),
            when(4, format!("2025-06-{:02}T{}:{:02}:00Z", day + 2, 16 + row % 6, row % 60)),
            when(5, format!("2025-06-{:02}T{}:30:00Z", day + 2, 17 + row % 6)),
            when(4, "3".to_owned()),
            when(5, "410.5".to_owned()),
            when(3, "1".to_owned()),
            when(4, ["SUCCESS", "FAILED", "REFUSED"][usize::try_from(row % 3).unwrap()].to_owned()),
            when(5, if row % 8 == 1 { "RETURNED" } else { "DELIVERED" }.to_owned()),
            if row % 10 == 1 { "CARRIER".to_owned() } else { String::new() },
            when(2, format!("2025-06-{day:02}T20:00:00Z")),
            when(3, format!("2025-06-{:02}T06:00:00Z", day + 1)),
            when(3, "120.5".to_owned()),
            when(4, "100".to_owned()),
            when(5, "7".to_owned()),
            if row % 9 == 0 { "130".to_owned() } else { String::new() },
            when(2, "110".to_owned()),
            when(4, if row % 7 == 0 { "2" } else { "3" }.to_owned()),
            when(3, "YES".to_owned()),
            when(2, format!("2025-06-{:02}T{}:00:00Z", day + 3, 10 + row % 12)),
            when(3, if row % 11 == 0 { "NO" } else { "YES" }.to_owned()),
            when(4, "YES".to_owned()),
            when(2, "YES".to_owned()),
            if row % 5 == 0 { format!("2025-06-{:02}T12:00:00Z", day + 2) } else { String::new() },
            when(3, "2".to_owned()),
            when(4, "25.5".to_owned()),
            when(4, "380".to_owned()),
            when(4, if row % 2 == 0 { "PRIMARY" } else { "MODELLED" }.to_owned()),
            when(3, "4".to_owned()),
            when(3, (row % 2).to_string()),
            when(2, format!("2025-06-{:02}", day + 3)),
            when(2, format!("2025-07-{:02}", day + 3)),
        ];
        text.push_str(&(fields.join(",") + "\n"));
    }
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("loads.csv", &text);
        desk.run(&SHIPMENTS).ends(0);
        let mut conn = db.conn();
        let (viewer, period) = (Viewer::system(), "2025-06".parse::<Period>().unwrap());
        let partner = Dump::of(&mut conn).rows("partners")[0]["id"].as_i64().unwrap();
        // Tenders, the market and what lies beside have tests of their own.
        let of_shipments = |kpi: &Kpi| kpi.counted() == Counted::Shipments && *kpi != Kpi::CostIndex;
        for kpi in Kpi::ALL.into_iter().filter(of_shipments) {
            let lines = kpi_by(&mut conn, &viewer, kpi, Dimension::All, Some(period)).unwrap();
            let value = &lines[0].value;
            let counted = value.n + value.excused + value.no_baseline + value.pending;
            assert!(counted > 0, "{} counts nothing", kpi.code());
            let of = (partner, period, "2026-01-01T00:00:00Z".parse().unwrap());
            let list = |pick| {
                let found = behind(&mut db.conn(), &viewer, of, (kpi, pick, &Part::default()), (None, 1_000))
                    .unwrap();
                let Rows::Shipments(rows) = found.rows else { panic!("{}", kpi.code()) };
                i64::try_from(rows.len()).unwrap()
            };
            let several = [Kpi::EdiTimely, Kpi::EdiComplete, Kpi::Visibility, Kpi::EdiAccuracy, Kpi::DetHrs];
            if several.contains(&kpi) {
                // One shipment has several messages and stops.
                assert!(list(Pick::All) > 0 && list(Pick::All) <= counted, "{}", kpi.code());
                continue;
            }
            assert_eq!(list(Pick::All), counted, "{}", kpi.code());
            if Pick::of(kpi).contains(&Pick::Missed) && kpi != Kpi::Divert {
                let missed = if kpi.definition().better == Some(Better::Lower) {
                    value.numerator
                } else {
                    value.denominator - value.numerator
                };
                assert_eq!(Decimal::from(list(Pick::Missed)), missed, "{}", kpi.code());
            }
        }
    });
}

#[test]
fn every_kpi_of_tenders_lists_as_many_as_it_counts() {
    let mut text = "reference,partner,sequence,sent_at,respond_by,responded_at,response,bounced_at,\
                    beyond_commitment,short_notice,pickup_at\n"
        .to_owned();
    for row in 0..60 {
        let day = row % 25 + 1;
        let response =
            ["ACCEPTED", "REJECTED", "EXPIRED", "WITHDRAWN", ""][usize::try_from(row % 5).unwrap()];
        let answered = matches!(response, "ACCEPTED" | "REJECTED");
        let fields = [
            format!("T{row}"),
            "P".to_owned(),
            if row % 7 == 0 { String::new() } else { (row % 3 + 1).to_string() },
            format!("2025-06-{day:02}T08:00:00Z"),
            format!("2025-06-{day:02}T09:00:00Z"),
            if answered { format!("2025-06-{day:02}T08:{:02}:00Z", row % 60) } else { String::new() },
            response.to_owned(),
            if row % 15 == 0 { format!("2025-06-{day:02}T12:00:00Z") } else { String::new() },
            if row % 4 == 1 { "YES" } else { "" }.to_owned(),
            if row % 11 == 2 { "YES" } else { "" }.to_owned(),
            if row % 3 == 0 { String::new() } else { format!("2025-06-{:02}T08:00:00Z", day + 2) },
        ];
        text.push_str(&(fields.join(",") + "\n"));
    }
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tenders.csv", &text);
        desk.run(&["import", "tenders", "tenders.csv"]).ends(0);
        let mut conn = db.conn();
        let (viewer, period) = (Viewer::system(), "2025-06".parse::<Period>().unwrap());
        let partner = Dump::of(&mut conn).rows("partners")[0]["id"].as_i64().unwrap();
        for kpi in Kpi::ALL.into_iter().filter(|kpi| kpi.counts_tenders()) {
            let lines = kpi_by(&mut conn, &viewer, kpi, Dimension::All, Some(period)).unwrap();
            let value = &lines[0].value;
            // Every tender of the guide is part of its depth; only covered loads are its units.
            let counted = if kpi == Kpi::RgDepth {
                value.numerator
            } else {
                Decimal::from(value.n + value.excused + value.no_baseline + value.pending)
            };
            assert!(counted > Decimal::ZERO, "{} counts nothing", kpi.code());
            let of = (partner, period, "2026-01-01T00:00:00Z".parse().unwrap());
            let found =
                behind(&mut conn, &viewer, of, (kpi, Pick::All, &Part::default()), (None, 1_000)).unwrap();
            let Rows::Tenders(rows) = found.rows else { panic!("{}", kpi.code()) };
            assert_eq!(Decimal::from(rows.len()), counted, "{}", kpi.code());
        }
    });
}

#[test]
fn an_installation_keeps_the_currency_and_the_zone_it_is_set_to() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.run(&["setting", "set", "reporting_currency", "EUR"]).ends(0);
        desk.run(&["setting", "set", "reporting_zone", "America/Chicago"]).ends(0);
        let load = "reference,partner,delivery_due_date,linehaul,currency\nA,P,2025-06-03,100,EUR\n";
        desk.file("loads.csv", load);
        desk.run(&SHIPMENTS).ends(0);
        desk.file("loads.csv", load.replace("A,P", "B,P").replace("EUR", "USD"));
        desk.run(&SHIPMENTS).ends(3);
        desk.run(&["setting", "set", "reporting_currency", "USD"])
            .ends(1)
            .complains(&["kept in EUR", "new one"]);
        desk.run(&["setting", "set", "reporting_zone", "Chicago"]).ends(1).complains(&["America/Chicago"]);
        let listed = desk.run(&["setting", "list", "--format", "json"]).ends(0).json();
        let value = |key: &str| {
            let lines = listed.as_array().unwrap();
            lines.iter().find(|line| line["key"] == key).unwrap()["value"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            (value("reporting_zone"), value("reporting_currency")),
            ("America/Chicago".into(), "EUR".into())
        );
    });
}

#[test]
fn a_tender_belongs_to_the_day_of_the_mappings_zone() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file(
            "tms.toml",
            "kind = \"tenders\"\nname = \"tms\"\nzone = \"America/Chicago\"\n[fields]\nreference = \"id\"\n\
             partner = \"carrier\"\nsent_at = \"sent\"\n",
        );
        desk.file("partners.csv", "code,name\nP,Partner\n");
        desk.run(&["import", "partners", "partners.csv"]).ends(0);
        desk.file("t.csv", "id,carrier,sent\n1,P,2025-06-30T21:00\n");
        desk.run(&["import", "tenders", "t.csv", "--mapping", "tms.toml"]).ends(0);
        let at = desk.run(&["kpi", "TAR", "--by", "month", "--format", "json"]).ends(0).json();
        assert_eq!(at[0]["key"], "2025-06", "{at}");
    });
}

#[test]
fn what_no_calendar_holds_is_refused_with_its_row() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", super::tms("").replace("%d.%m.%Y", "%m/%d/%Y"));
        desk.file("a.csv", format!("{}\nA1,C,1,10/05/26,,\nA2,C,1,10/05/2026,,\n", super::HEADER));
        desk.run(&["import", "shipments", "a.csv", "--mapping", "tms.toml"]).ends(3);
        let rejects = desk.rejects().unwrap();
        assert_eq!(rejects[1][1..3], ["Due", "10/05/26"]);
        assert!(rejects[1][3].contains("1900 to 2200"), "{}", rejects[1][3]);
        // With the short year among the formats it means what it says.
        desk.file("tms.toml", super::tms("").replace("%d.%m.%Y", "%m/%d/%Y\", \"%m/%d/%y"));
        desk.run(&["import", "shipments", "a.csv", "--mapping", "tms.toml"]).ends(0);
        desk.run(&["job", "run", "score-period", "--period", "2026-10", "--as-of", "2026-11-20"]).ends(0);
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_rejects_file_overwrites_nothing() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("tms.toml", super::tms(""));
        let path =
            desk.file("a.csv", format!("{}\nA1,C,1,10.03.2025,,\nA2,C,1 kg,10.03.2025,,\n", super::HEADER));
        let before = std::fs::read(&path).unwrap();
        desk.run(&["import", "shipments", "a.csv", "--mapping", "tms.toml", "--rejects", "a.csv"])
            .ends(1)
            .complains(&["a.csv", "exists already"]);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(super::stored(&db).0, 0);
    });
}

/// An event that contradicts what is known is refused, as it is in a file of shipments.
#[test]
fn an_event_cannot_put_the_delivery_before_the_pickup() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file(
            "loads.csv",
            "reference,partner,delivery_due_date,delivered_at\nA,P,2025-01-06,2025-01-05T10:00:00Z\n",
        );
        desk.run(&SHIPMENTS).ends(0);
        desk.file("e.csv", "partner,reference,type,event_at\nP,A,PICKED_UP,2025-02-06T10:00:00Z\nP,A,PICKED_UP,2025-01-04T10:00:00Z\n");
        desk.run(&["import", "events", "e.csv"]).ends(3);
        let rejects = desk.rejects().unwrap();
        assert_eq!((rejects.len(), rejects[1][0].as_str()), (2, "2"), "{rejects:?}");
        let again = desk.run(&["import", "events", "e.csv", "--format", "json"]).ends(3).json();
        assert_eq!((&again["rows_new"], &again["rows_same"]), (&0.into(), &1.into()));
        desk.run(&["verify"]).ends(0);
    });
}
