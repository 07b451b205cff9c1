//! The whole network is generated once and looked at: its size, its characters, and that it holds together.

use std::collections::BTreeMap;
use std::ops::Index;
use std::rc::Rc;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::*;
use crate::domain::interval::newcombe;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::outcome::{OntimeEvent, Outcome, OutcomePolicy};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::shipment::Milestones;
use crate::domain::signal::{Better, Change, Observation, xmr};

/// A row, read by column name.
struct Record {
    header: Rc<Vec<String>>,
    row: csv::StringRecord,
}

impl Index<&str> for Record {
    type Output = str;

    fn index(&self, column: &str) -> &str {
        let place = self.header.iter().position(|name| name == column);
        &self.row[place.unwrap_or_else(|| panic!("no column {column}"))]
    }
}

impl Record {
    /// Every instant of the row, by column.
    fn instants(&self) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
        self.header
            .iter()
            .filter(|name| name.ends_with("_at"))
            .filter_map(|name| Some((name.as_str(), at(self, name)?)))
    }
}

struct Network {
    _folder: tempfile::TempDir,
    files: Vec<DemoFile>,
    /// Partner and ISO week or month, then what was measured.
    cells: BTreeMap<(String, String), Measures>,
    shipments: u64,
}

fn records(file: &DemoFile) -> impl Iterator<Item = Record> {
    let mut reader = csv::Reader::from_path(&file.path).unwrap();
    let header = Rc::new(reader.headers().unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
    reader.into_records().map(move |row| Record { header: Rc::clone(&header), row: row.unwrap() })
}

fn file<'a>(files: &'a [DemoFile], kind: &str) -> &'a DemoFile {
    files.iter().find(|file| file.kind == kind).unwrap()
}

fn at(record: &Record, field: &str) -> Option<DateTime<Utc>> {
    let text = &record[field];
    (!text.is_empty()).then(|| {
        let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap();
        let day = NaiveDate::from_ymd_opt(text[..4].parse().unwrap(), number(5..7), number(8..10)).unwrap();
        day.and_hms_opt(number(11..13), number(14..16), 0).unwrap().and_utc()
    })
}

fn milestones(record: &Record) -> Milestones {
    Milestones {
        pickup_zone: record["pickup_zone"].parse().ok(),
        delivery_zone: record["delivery_zone"].parse().ok(),
        pickup_window_start: at(record, "pickup_window_start"),
        pickup_window_end: at(record, "pickup_window_end"),
        delivery_window_start: at(record, "delivery_window_start"),
        delivery_window_end: at(record, "delivery_window_end"),
        delivery_due_day: record["delivery_due_date"].parse().ok(),
        pickup_arrived_at: at(record, "pickup_arrived_at"),
        pickup_arrived_received_at: at(record, "pickup_arrived_received_at"),
        picked_up_at: at(record, "picked_up_at"),
        arrived_at: at(record, "arrived_at"),
        arrived_received_at: at(record, "arrived_received_at"),
        delivered_at: at(record, "delivered_at"),
        delivered_received_at: at(record, "delivered_received_at"),
        station_arrived_at: at(record, "station_arrived_at"),
        out_for_delivery_at: at(record, "out_for_delivery_at"),
        cancelled_at: at(record, "cancelled_at"),
        pickup_excused: !record["pickup_exclusion"].is_empty(),
        delivery_excused: !record["delivery_exclusion"].is_empty(),
        ..Milestones::default()
    }
}

fn count(cells: &mut BTreeMap<(String, String), Measures>, record: &Record) {
    let facts = milestones(record);
    facts.check().unwrap_or_else(|problem| panic!("{}: {problem}", &record["reference"]));
    for (field, when) in record.instants() {
        assert!(when <= as_of(), "{}: {field}", &record["reference"]);
    }
    let arrival = &record["ontime_event"] == "ARRIVAL";
    let policy = OutcomePolicy {
        grace_late_minutes: record["grace_late_minutes"].parse().unwrap(),
        ontime_event: if arrival { OntimeEvent::Arrival } else { OntimeEvent::Completion },
        ..OutcomePolicy::default()
    };
    let verdicts = facts.judge(&policy, as_of());
    let day = facts.obligation_day().unwrap();
    let cents = |field: &str| record[field].replace('.', "").parse::<i64>().ok();
    for kind in [PeriodKind::Week, PeriodKind::Month] {
        let period = Period::containing(kind, day).to_string();
        let cell = cells.entry((record["partner"].to_owned(), period)).or_default();
        cell.shipments += 1;
        cell.pickup_window.count(verdicts.pickup_window);
        cell.delivery_day.count(verdicts.delivery_day);
        cell.delivery_window.count(verdicts.delivery_window);
        cell.first_attempt.count(match &record["first_attempt"] {
            "" => Outcome::NotApplicable,
            "SUCCESS" => Outcome::Success,
            "FAILED" => Outcome::Late,
            _ => Outcome::Excused,
        });
        if let (Some(accessorial), Some(linehaul)) = (cents("accessorial"), cents("linehaul")) {
            cell.accessorial.add(accessorial, linehaul);
        }
    }
}

fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let files = write_files(folder.path(), Size::WHOLE).unwrap();
        let mut cells = BTreeMap::new();
        let mut shipments = 0;
        for record in records(file(&files, "shipments")) {
            count(&mut cells, &record);
            shipments += 1;
        }
        for record in records(file(&files, "tenders")) {
            let outcome = match &record["response"] {
                _ if &record["beyond_commitment"] == "YES" || &record["short_notice"] == "YES" => continue,
                "ACCEPTED" if record["bounced_at"].is_empty() => Outcome::Success,
                "WITHDRAWN" | "" => continue,
                _ => Outcome::Late,
            };
            let day = at(&record, "sent_at").unwrap().date_naive();
            let month = Period::containing(PeriodKind::Month, day).to_string();
            cells.entry((record["partner"].to_owned(), month)).or_default().tender.count(outcome);
        }
        Network { _folder: folder, files, cells, shipments }
    })
}

fn cell(partner: &str, period: &str) -> Measures {
    network().cells.get(&(partner.to_owned(), period.to_owned())).cloned().unwrap_or_default()
}

/// Net percent of a partner in a period, whole points.
fn percent(kpi: Kpi, partner: &str, period: &str) -> i64 {
    use rust_decimal::prelude::ToPrimitive;
    kpi.value(&cell(partner, period)).score_value().and_then(|value| value.to_i64()).unwrap_or(-1)
}

#[test]
fn the_network_is_as_large_as_promised_and_holds_together() {
    let network = network();
    let rows = |kind| file(&network.files, kind).rows;
    assert_eq!(rows("shipments"), network.shipments);
    assert!(rows("shipments") >= 200_000, "{}", rows("shipments"));
    assert!(rows("tenders") >= 60_000, "{}", rows("tenders"));
    assert!(rows("charges") >= 10_000, "{}", rows("charges"));
    assert_eq!((rows("partners"), rows("lanes")), (15, 40));
    let months: std::collections::BTreeSet<_> =
        network.cells.keys().map(|(_, period)| period).filter(|period| !period.contains('W')).collect();
    assert!(months.len() >= 15, "{months:?}");
}

#[test]
fn every_column_is_a_field_of_the_import() {
    use crate::feeds::kind::ImportKind;
    for file in &network().files {
        let kind = ImportKind::named(file.kind).unwrap();
        for column in csv::Reader::from_path(&file.path).unwrap().headers().unwrap() {
            assert!(kind.field(column).is_some(), "{kind} has no field {column}");
        }
    }
}

#[test]
fn the_slipping_partner_leaves_its_control_limits_and_only_at_the_end() {
    let weeks: Vec<Observation> = (1..=27)
        .map(|week| {
            let label = format!("2026-W{week:02}");
            let value = Kpi::OtdWin.value(&cell(SLIPPING, &label));
            Observation { value: value.score_value().unwrap(), n: value.n, label }
        })
        .filter(|week| !["2026-W04", "2026-W05"].contains(&week.label.as_str()))
        .collect();
    let chart = xmr(&weeks, 16, Better::Higher).unwrap();
    let worse: Vec<_> = chart.signals.iter().filter(|signal| signal.change == Change::Deteriorated).collect();
    assert!(!worse.is_empty(), "{weeks:?}");
    assert!(worse.iter().all(|signal| signal.index >= 18), "{worse:?}");
    let spring = percent(Kpi::OtdWin, SLIPPING, "2026-04");
    let june = percent(Kpi::OtdWin, SLIPPING, "2026-06");
    assert!(spring >= 94 && june <= 90, "{spring} {june}");
}

#[test]
fn each_character_shows_in_its_numbers() {
    let june = |kpi, partner| percent(kpi, partner, "2026-06");
    assert!(percent(Kpi::OtdWin, IMPROVING, "2025-06") + 6 <= june(Kpi::OtdWin, IMPROVING));
    assert!((1..10).contains(&cell(TINY, "2026-06").shipments), "{}", cell(TINY, "2026-06").shipments);
    assert!(june(Kpi::Tar, DECLINING) < 75 && june(Kpi::Tar, "THD") > 90);
    assert!(june(Kpi::Fads, STRONG_LAST_MILE) >= 96 && june(Kpi::Fads, "CTS") <= 92);
    for partner in ["THD", "NRH", "QLP", "BLW", "HRL", "LNT", STRONG_LAST_MILE, "CTS"] {
        assert!((84..=98).contains(&june(Kpi::OtdDay, partner)), "{partner} {}", june(Kpi::OtdDay, partner));
    }
    let storm = Kpi::OtdDay.value(&cell("THD", "2026-01"));
    assert!(storm.excused > 20 && storm.gross < storm.net, "{storm:?}");
}

#[test]
fn the_silent_partner_reports_nothing_and_the_costly_one_bills_by_line() {
    let shipments = file(&network().files, "shipments");
    for record in records(shipments).filter(|record| &record["partner"] == SILENT).take(200) {
        let told = record.instants().find(|(field, _)| *field != "cancelled_at");
        assert_eq!(told, None, "{}", &record["reference"]);
    }
    assert!(cell(SILENT, "2026-05").delivery_window.no_evidence > 50);
    let charged = records(file(&network().files, "charges"));
    let (mut extras, mut linehaul) = (0, 0);
    for line in charged {
        assert_eq!(&line["partner"], COSTLY);
        let cents: i64 = line["amount"].replace('.', "").parse().unwrap();
        *(if &line["category"] == "ACCESSORIAL" { &mut extras } else { &mut linehaul }) += cents;
    }
    assert!(extras * 100 / linehaul >= 5, "{extras} {linehaul}");
}

#[test]
fn nothing_detectable_happens_to_the_unchanged_partner() {
    let counts = |period| {
        let value = cell(UNCHANGED, period).delivery_window;
        (value.success, value.success + value.late + value.no_evidence)
    };
    for (before, after) in [("2026-05", "2026-06"), ("2026-04", "2026-05")] {
        let ((x1, n1), (x2, n2)) = (counts(before), counts(after));
        let change = newcombe((x2, n2), (x1, n1)).unwrap().interval;
        assert!(
            change.low <= rust_decimal::Decimal::ZERO && rust_decimal::Decimal::ZERO <= change.high,
            "{before} to {after}: {x1}/{n1}, {x2}/{n2}"
        );
    }
}

#[test]
fn two_runs_write_the_same_bytes() {
    let hashes = || {
        let folder = tempfile::tempdir().unwrap();
        let files = write_files(folder.path(), Size(2)).unwrap();
        files
            .iter()
            .map(|file| Sha256::digest(std::fs::read(&file.path).unwrap()).to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(hashes(), hashes());
}
