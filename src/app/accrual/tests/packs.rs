//! The evidence of one item: the units that were counted, the words of the clause and the arithmetic, not only their sheets.

use std::collections::BTreeMap;

use calamine::{Reader as _, Xlsx};

use super::assess::{run_assess, told};
use super::*;
use crate::app::dispute::pack::pack;
use crate::db::schema::tenders;
use crate::domain::clause::ObligationKey;

const TURNED_DOWN: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"TAR","better":"HIGHER","scale":"PERCENT",
    "threshold":"90","period":"MONTH","amount":{"type":"FIXED","amount":600000000}}}"#;

/// The sheets of the workbook of an item, by name, each without its head: rows of cells as text.
fn sheets(app: &App, viewer: &Viewer, of: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    use std::io::Read as _;
    let of: ObligationKey = of.parse().unwrap();
    let bytes = pack(&mut app.pool.get().unwrap(), viewer, (PARTNER, of), app.now()).unwrap().unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut content = Vec::new();
    archive.by_name("item.xlsx").unwrap().read_to_end(&mut content).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(content)).unwrap();
    let names = book.sheet_names();
    let mut found = BTreeMap::new();
    for name in names {
        let range = book.worksheet_range(&name).unwrap();
        let rows = range.rows().skip(1).map(|row| row.iter().map(ToString::to_string).collect());
        found.insert(name, rows.collect());
    }
    found
}

fn value<'a>(sheet: &'a [Vec<String>], name: &str) -> &'a str {
    sheet.iter().find(|row| row[0] == name).map_or("", |row| row[1].as_str())
}

/// DOMAIN P1: 1,240.00 of linehaul, two business days late, 5 % a day.
#[test]
fn a_late_delivery_is_proved_by_its_shipment_the_clause_and_every_step() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-05-15", Some("2025-05-16T10:00:00Z"), Some(900));
        run(app, "2025-06-12");
        run_assess(app, "2025-06-13");
        let found = sheets(app, &partner_viewer(PARTNER), "cv:71/cl:73/ev:1");
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["Clause", "Events", "Item", "Shipments", "Steps"], "no entries for the partner");
        let shipments = &found["Shipments"];
        assert_eq!(shipments.len(), 1, "its own and no other: {shipments:?}");
        assert_eq!((shipments[0][0].as_str(), shipments[0][1].as_str()), ("SHP-1", "2025-05-14"));
        assert_eq!(shipments[0][3], "2025-05-16T10:00:00+00:00");
        assert_eq!((shipments[0][5].as_str(), shipments[0][7].as_str()), ("1240", "USD"));
        let says: String = found["Clause"].concat().concat();
        assert!(says.contains("7.3 Late delivery") && says.contains("5 %"), "{says}");
        let item = &found["Item"];
        assert_eq!(value(item, "For tax"), "to be decided by finance");
        assert_eq!(value(item, "By clause and facts"), "124");
        assert!(value(item, "Step 1").starts_with("SHP-1 was 2 business days late."), "{item:?}");

        let entries = &sheets(app, &Viewer::system(), "cv:71/cl:73/ev:1")["Entries"];
        let moved: Vec<String> =
            entries.iter().map(|row| format!("{} {} {}", row[3], row[4], row[5])).collect();
        let accrued = ["1410 Debit 124", "5190 Credit 124"];
        assert_eq!(moved, [&accrued[..], &["1420 Debit 124", "1410 Credit 124"]].concat());
    });
}

/// Thirty tenders of June: 24 taken, 5 turned down, 1 never answered.
fn june_tenders(app: &App) {
    let db = &mut *app.pool.get().unwrap();
    let at = |text: &str| Instant(text.parse().unwrap());
    for number in 0..30_i64 {
        let (response, reason, outcome) = match number {
            0..24 => (Some("ACCEPTED"), None, "S"),
            24..29 => (Some("REJECTED"), Some("NO_TRUCK"), "L"),
            _ => (None, None, "E"),
        };
        diesel::insert_into(tenders::table)
            .values((
                tenders::sent_day.eq(Day(day("2025-06-10"))),
                tenders::partner_id.eq(PARTNER),
                tenders::id.eq(number + 1),
                tenders::source_id.eq(1),
                tenders::reference.eq(format!("T-{number:02}")),
                tenders::fact_hash.eq(number),
                tenders::version.eq(1),
                tenders::import_id.eq(1_i64),
                tenders::import_row.eq(number),
                tenders::service.eq(""),
                tenders::mode.eq(""),
                tenders::sent_at.eq(at("2025-06-10T08:00:00Z")),
                tenders::respond_by.eq(Some(at("2025-06-10T10:00:00Z"))),
                tenders::responded_at.eq(response.map(|_| at("2025-06-10T09:00:00Z"))),
                tenders::response.eq(response),
                tenders::decline_reason.eq(reason),
                tenders::beyond_commitment.eq(false),
                tenders::short_notice.eq(false),
                tenders::outcome.eq(outcome),
            ))
            .execute(db)
            .unwrap();
    }
    let tender = Tally { success: 24, late: 5, no_evidence: 1, ..Tally::default() }.into();
    let measures = Measures { tender, ..Measures::default() };
    diesel::insert_into(measure_cells::table)
        .values((
            measure_cells::partner_id.eq(PARTNER),
            measure_cells::day.eq(Day(day("2025-06-10"))),
            measure_cells::service.eq(""),
            measure_cells::mode.eq(""),
            measure_cells::source.eq("TENDERS"),
            measure_cells::source_day.eq(Day(day("2025-06-10"))),
            measure_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
        ))
        .execute(db)
        .unwrap();
}

/// 24 of 30 are 80 %, below 90 %: the fixed amount.
#[test]
fn a_clause_about_tenders_is_proved_by_the_tenders() {
    on_each_engine(NOW, |app| {
        world(app, TURNED_DOWN);
        told(app);
        june_tenders(app);
        assert_eq!(run(app, "2025-07-10"), ["07-10 1410/5190 600.00 INITIAL"]);
        run_assess(app, "2025-07-14");
        let found = sheets(app, &partner_viewer(PARTNER), "cv:71/cl:73/2025-06");
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["Clause", "Item", "Steps", "Tenders"]);
        let listed = &found["Tenders"];
        let of = |verdict: &str| listed.iter().filter(|row| row[8] == verdict).count();
        assert_eq!(
            (listed.len(), of("accepted"), of("missed"), of("missed: no answer in time")),
            (30, 24, 5, 1)
        );
        let refused = listed.iter().find(|row| row[0] == "T-24").unwrap();
        assert_eq!((refused[4].as_str(), refused[5].as_str()), ("2025-06-10T09:00:00+00:00", "REJECTED"));
        assert_eq!(refused[6], "NO_TRUCK");
        let says: String = found["Clause"].concat().concat();
        assert!(says.contains("90"), "{says}");
        assert_eq!(value(&found["Item"], "By clause and facts"), "600");
        assert!(!value(&found["Item"], "Step 1").is_empty());
    });
}
