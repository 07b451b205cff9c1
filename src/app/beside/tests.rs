//! Claims, cases, safety records, benchmarks and weeks through both databases: imported, summed, changed, listed, checked.

use std::collections::BTreeSet;

use rust_decimal::RoundingStrategy::MidpointAwayFromZero;

use super::*;
use crate::app::App;
use crate::app::evidence::{PAGE_ROWS, Part, Pick, Rows, behind};
use crate::app::expected::tests::{conn, load, partner, refreshed};
use crate::app::kpi::{Dimension, kpi_by};
use crate::app::refresh::check::{SumsChecked, sums_differ};
use crate::app::refresh::{anything_stale, refresh, waiting_days};
use crate::app::setting::setting_change;
use crate::app::testing::{on_each_engine, partner_viewer};
use crate::app::two_way::two_way;
use crate::clock::Clock;
use crate::domain::kpi::Kpi;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::feeds::kind::ImportKind;

const NOW: &str = "2026-07-08T09:00:00Z";
/// Four loads of two partners in June; the first stood 95 minutes at the dock, and was paid after 30 days.
const SHIPMENTS: &str = "\
reference,partner,lane,service,mode,equipment,pickup_zone,delivery_zone,pickup_window_end,pickup_arrived_at,picked_up_at,\
delivery_window_end,arrived_at,linehaul,freight_total,statuses,statuses_refused,invoiced,paid
S1,P1,A-B,std,FTL,VAN,UTC,UTC,2026-06-02T12:00Z,2026-06-02T10:00Z,2026-06-02T11:35Z,2026-06-03T17:00Z,2026-06-03T16:00Z,1000,1200,4,1,2026-06-05,2026-07-05
S2,P1,A-B,std,FTL,REEFER,UTC,UTC,2026-06-02T12:00Z,2026-06-02T10:00Z,2026-06-02T10:20Z,2026-06-03T17:00Z,2026-06-03T16:00Z,2000,2200,4,0,,
S3,P1,C-D,std,FTL,VAN,UTC,UTC,2026-06-09T12:00Z,,,2026-06-10T17:00Z,2026-06-10T16:00Z,500,600,,,,
S4,P2,A-B,std,FTL,VAN,UTC,UTC,2026-06-02T12:00Z,,,2026-06-03T17:00Z,2026-06-03T16:00Z,900,1000,,,,
";
const CLAIMS: &str = "\
reference,partner,shipment,kind,status,claimed,accepted,filed_at,disposed_at
C1,P1,S1,DAMAGE,FILED,50,,2026-06-20T09:00Z,
C2,P1,S2,DELAY,FILED,70,,2026-06-20T09:00Z,
C3,P1,,LOSS,WITHDRAWN,90,,2026-06-21T09:00Z,
";

fn value(app: &App, kpi: Kpi, code: &str) -> Option<String> {
    let june: Period = "2026-06".parse().unwrap();
    let lines = kpi_by(&mut conn(app), &Viewer::system(), kpi, Dimension::Partner, Some(june)).unwrap();
    let line = lines.into_iter().find(|line| line.key == code)?;
    line.value
        .score_value()
        .map(|value| value.round_dp_with_strategy(2, MidpointAwayFromZero).normalize().to_string())
}

/// The references behind a KPI of June.
fn listed(app: &App, kpi: Kpi, pick: Pick) -> Vec<String> {
    let of = (partner(app, "P1"), "2026-06".parse().unwrap(), app.now());
    let found =
        behind(&mut conn(app), &Viewer::system(), of, (kpi, pick, &Part::default()), (None, PAGE_ROWS))
            .unwrap();
    match found.rows {
        Rows::Beside(rows) => rows.into_iter().map(|row| row.reference).collect(),
        Rows::Shipments(rows) => rows.into_iter().map(|row| row.reference).collect(),
        Rows::Tenders(rows) => rows.into_iter().map(|row| row.reference).collect(),
    }
}

fn sound(app: &App) {
    let SumsChecked { waiting, differences, .. } = sums_differ(&mut conn(app), app.now()).unwrap();
    assert_eq!((waiting, differences), (0, BTreeSet::new()));
    assert!(!anything_stale(&mut conn(app), app.now()).unwrap());
}

fn later(app: &App, at: &str) -> App {
    App { clock: Clock::Fixed(at.parse().unwrap()), ..app.clone() }
}

#[test]
fn claims_count_where_any_are_kept_and_a_changed_one_is_a_new_version() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        refreshed(app);
        assert_eq!(value(app, Kpi::ClaimFreq, "P1"), None, "nobody keeps claims");
        assert_eq!(load(app, ImportKind::Claims, CLAIMS).rows_new, 3);
        refreshed(app);
        // One claim of three deliveries, 50 of 4,000 of freight; a partner without a claim has none of its deliveries.
        assert_eq!(value(app, Kpi::ClaimFreq, "P1").as_deref(), Some("333.33"));
        assert_eq!(value(app, Kpi::ClaimRatio, "P1").as_deref(), Some("1.25"));
        assert_eq!(value(app, Kpi::ClaimFreq, "P2").as_deref(), Some("0"));
        assert_eq!(value(app, Kpi::ClaimCycle, "P1"), None);
        assert_eq!(listed(app, Kpi::ClaimFreq, Pick::All), ["C1"]);
        sound(app);

        let paid = CLAIMS.replace(
            "C1,P1,S1,DAMAGE,FILED,50,,2026-06-20T09:00Z,",
            "C1,P1,S1,DAMAGE,PAID,50,20,2026-06-20T09:00Z,2026-06-25T10:00Z",
        );
        let report = load(app, ImportKind::Claims, &paid);
        assert_eq!((report.rows_new, report.rows_changed, report.rows_same), (0, 1, 2));
        assert_eq!(waiting_days(&mut conn(app)).unwrap(), 1);
        refreshed(app);
        assert_eq!(value(app, Kpi::ClaimRatio, "P1").as_deref(), Some("0.5"));
        assert_eq!(value(app, Kpi::ClaimCycle, "P1").as_deref(), Some("6"));
        assert_eq!(listed(app, Kpi::ClaimCycle, Pick::All), ["C1"]);
        // The same file again says nothing new.
        assert_eq!(load(app, ImportKind::Claims, &paid).rows_same, 3);
        sound(app);

        // Its lane is that of the shipment.
        let june = Some("2026-06".parse().unwrap());
        let lanes = kpi_by(&mut conn(app), &Viewer::system(), Kpi::ClaimFreq, Dimension::Lane, june).unwrap();
        let counted: Vec<String> = lanes
            .iter()
            .map(|line| format!("{} {} of {}", line.key, line.value.numerator, line.value.denominator))
            .collect();
        assert_eq!(counted, ["A-B 1 of 3", "C-D 0 of 1"]);
        // Another partner sees nothing of it.
        let (own, period) = (partner(app, "P1"), "2026-06".parse().unwrap());
        let other = partner_viewer(partner(app, "P2"));
        let part = Part::default();
        let ask = (Kpi::ClaimFreq, Pick::All, &part);
        let found = behind(&mut conn(app), &other, (own, period, app.now()), ask, (None, 10)).unwrap();
        assert!(matches!(found.rows, Rows::Beside(rows) if rows.is_empty()));
    });
}

#[test]
fn cases_are_judged_by_support_hours_and_time_alone_makes_one_fail() {
    const CASES: &str = "\
reference,partner,consignment,kind,origin,severity,opened_at,first_human_response_at,response_by
K1,P1,S1,ENQUIRY,CUSTOMER,2,2026-06-10T09:00Z,2026-06-10T10:59Z,
K2,P1,S1,COMPLAINT,CUSTOMER,2,2026-06-10T12:00Z,2026-06-10T12:05Z,AUTOMATIC
K3,P1,S3,EXCEPTION,US,2,2026-06-12T17:00Z,2026-06-15T08:30Z,
K4,P1,S3,ENQUIRY,PARTNER,2,2026-06-12T17:00Z,,
K5,P1,S3,ENQUIRY,CUSTOMER,2,2026-06-30T17:30Z,,
";
    on_each_engine("2026-06-30T17:45:00Z", |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        assert_eq!(load(app, ImportKind::Cases, CASES).rows_new, 5);
        refreshed(app);
        // In time, never answered by a human, and in time over a weekend; the last one still has time.
        assert_eq!(value(app, Kpi::RespSla, "P1").as_deref(), Some("66.67"));
        assert_eq!(listed(app, Kpi::RespSla, Pick::Missed), ["K2"]);
        assert_eq!(listed(app, Kpi::RespSla, Pick::Pending), ["K5"]);
        // The second question about one consignment on one day is no second contact.
        assert_eq!(value(app, Kpi::Contacts, "P1").as_deref(), Some("66.67"));
        assert_eq!(listed(app, Kpi::Contacts, Pick::All), ["K1", "K5"]);
        sound(app);

        // Until nine the next morning, an hour and a half after eight.
        let app = &later(app, "2026-07-01T09:29:00Z");
        assert!(!anything_stale(&mut conn(app), app.now()).unwrap());
        let app = &later(app, "2026-07-01T09:30:00Z");
        assert!(anything_stale(&mut conn(app), app.now()).unwrap());
        refresh(app, app.now(), |_, _| ()).unwrap();
        assert_eq!(value(app, Kpi::RespSla, "P1").as_deref(), Some("50"));
        sound(app);

        // Other hours judge every case again.
        setting_change(app, &mut conn(app), &Viewer::system(), SUPPORT_HOURS, "12:00-18:00").unwrap();
        refresh(app, app.now(), |_, _| ()).unwrap();
        assert_eq!(listed(app, Kpi::RespSla, Pick::Pending), ["K5"]);
        sound(app);
        assert!(setting_change(app, &mut conn(app), &Viewer::system(), SUPPORT_HOURS, "noon").is_err());
    });
}

#[test]
fn the_safety_gate_follows_the_newest_record_the_day_and_the_policy() {
    const RECORDS: &str = "\
partner,as_of,authority_active,insured_until,insured_amount,crash
P1,2026-05-20,YES,2026-06-15,750000,40
P2,2026-06-01,YES,2027-01-01,750000,64
";
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        assert_eq!(load(app, ImportKind::Safety, RECORDS).rows_new, 2);
        refreshed(app);
        assert_eq!(value(app, Kpi::SafetyGate, "P1").as_deref(), Some("0"), "insured until 15 June");
        assert_eq!(value(app, Kpi::SafetyGate, "P2").as_deref(), Some("100"));
        assert_eq!(value(app, Kpi::SafetyGate, "P3"), None);
        sound(app);
        let report = load(
            app,
            ImportKind::Safety,
            "partner,as_of,authority_active,insured_until\nP1,2026-06-16,YES,2027-06-15\n",
        );
        assert_eq!(report.rows_new, 1);
        refreshed(app);
        assert_eq!(value(app, Kpi::SafetyGate, "P1").as_deref(), Some("100"));
        let policy = r#"{"driving": "60", "insurance_minimum": "700000"}"#;
        setting_change(app, &mut conn(app), &Viewer::system(), SAFETY_POLICY, policy).unwrap();
        refreshed(app);
        // The newer record says nothing of the amount.
        assert_eq!(value(app, Kpi::SafetyGate, "P1").as_deref(), Some("0"));
        assert_eq!(value(app, Kpi::SafetyGate, "P2").as_deref(), Some("0"));
        sound(app);
        for bad in ["{\"driving\": \"101\"}", "{\"speed\": \"1\"}", "{\"record_days\": 0}"] {
            let set = setting_change(app, &mut conn(app), &Viewer::system(), SAFETY_POLICY, bad);
            assert!(set.is_err(), "{bad}");
        }
        // Time alone brings the next look.
        let app = &later(app, "2026-07-13T00:30:00Z");
        assert!(anything_stale(&mut conn(app), app.now()).unwrap());
        refresh(app, app.now(), |_, _| ()).unwrap();
        sound(app);
    });
}

#[test]
fn a_benchmark_is_of_the_lane_the_week_and_the_equipment() {
    const BENCHMARKS: &str = "\
lane,week,equipment,amount,series
A-B,2026-06-04,VAN,800,Index
A-B,2026-06-01,,1600,Index
";
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        refreshed(app);
        assert_eq!(value(app, Kpi::CostIndex, "P1"), None);
        assert_eq!(load(app, ImportKind::Benchmarks, BENCHMARKS).rows_new, 2);
        assert_eq!(waiting_days(&mut conn(app)).unwrap(), 1, "the day of those lanes alone");
        refreshed(app);
        // 1,000 against 800 for a van, 2,000 against 1,600 for any; 3,000 of 3,500 are covered.
        assert_eq!(value(app, Kpi::CostIndex, "P1").as_deref(), Some("125"));
        assert_eq!(value(app, Kpi::CostIndex, "P2").as_deref(), Some("112.5"));
        assert_eq!(listed(app, Kpi::CostIndex, Pick::All), ["S1", "S2"]);
        sound(app);
        let again = load(app, ImportKind::Benchmarks, &BENCHMARKS.replace("1600", "2000"));
        assert_eq!((again.rows_changed, again.rows_same), (1, 1));
        refreshed(app);
        assert_eq!(value(app, Kpi::CostIndex, "P1").as_deref(), Some("107.14"));
        sound(app);
        // A first load beside benchmarks is left to the refresh, and comes to the same.
        let report = load(app, ImportKind::Shipments, &SHIPMENTS.replace("\nS1,", "\nS9,"));
        assert_eq!((report.rows_new, report.rows_same), (1, 3));
        refreshed(app);
        sound(app);
    });
}

#[test]
fn a_week_counts_tenders_against_the_commitment_whichever_comes_first() {
    const TENDERS: &str = "\
reference,partner,lane,sent_at,respond_by,response,pickup_at
T1,P1,A-B,2026-06-02T08:00Z,2026-06-02T10:00Z,ACCEPTED,2026-06-04T08:00Z
T2,P1,A-B,2026-06-03T08:00Z,2026-06-03T10:00Z,REJECTED,2026-06-04T20:00Z
T3,P1,A-B,2026-06-03T08:00Z,2026-06-03T10:00Z,,2026-06-06T08:00Z
T4,P1,A-B,2026-06-09T08:00Z,2026-06-09T10:00Z,WITHDRAWN,
";
    const CAPACITY: &str = "partner,lane,week,base_units\nP1,A-B,2026-06-01,2\nP1,A-B,2026-06-08,2\n";
    for capacity_first in [false, true] {
        on_each_engine(NOW, |app| {
            load(app, ImportKind::Shipments, SHIPMENTS);
            let mut steps = [(ImportKind::Tenders, TENDERS), (ImportKind::Capacity, CAPACITY)];
            if capacity_first {
                steps.reverse();
            }
            for (kind, text) in steps {
                load(app, kind, text);
                refreshed(app);
                sound(app);
            }
            // Two were committed, three tendered, one taken.
            assert_eq!(value(app, Kpi::CommitAdh, "P1").as_deref(), Some("50"));
            assert_eq!(
                value(app, Kpi::TenderLead, "P1").as_deref(),
                Some("49"),
                "the upper edge of 48 hours"
            );
            let changed = TENDERS.replace("10:00Z,,2026-06-06", "10:00Z,ACCEPTED,2026-06-06");
            assert_eq!(load(app, ImportKind::Tenders, &changed).rows_changed, 1);
            refreshed(app);
            assert_eq!(value(app, Kpi::CommitAdh, "P1").as_deref(), Some("100"));
            sound(app);
            let more = CAPACITY.replace("06-01,2", "06-01,3");
            assert_eq!(load(app, ImportKind::Capacity, &more).rows_changed, 1);
            refreshed(app);
            assert_eq!(value(app, Kpi::CommitAdh, "P1").as_deref(), Some("66.67"));
            sound(app);
        });
    }
}

#[test]
fn how_the_shipper_does_is_told_to_both_sides_and_nobody_else() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        refreshed(app);
        assert_eq!(value(app, Kpi::EdiAccuracy, "P1").as_deref(), Some("87.5"));
        assert_eq!(listed(app, Kpi::EdiAccuracy, Pick::Missed), ["S1"]);
        assert_eq!(listed(app, Kpi::DockP50, Pick::All), ["S1", "S2"]);
        assert_eq!(listed(app, Kpi::PayDays, Pick::All), ["S1"]);
        let (p1, june) = (partner(app, "P1"), "2026-06".parse().unwrap());
        let card = |viewer: &Viewer| two_way(&mut conn(app), viewer, p1, june).unwrap();
        let ours = card(&Viewer::system()).unwrap();
        let told: Vec<String> = ours
            .iter()
            .map(|line| {
                let net =
                    line.now.score_value().map_or_else(|| "none".to_owned(), |v| v.normalize().to_string());
                format!("{} {net} n {}", line.now.kpi, line.now.n)
            })
            .collect();
        assert_eq!(
            told,
            [
                "DOCK_P50 30 n 2",
                "DOCK_P90 105 n 2",
                "TENDER_LEAD none n 0",
                "FCST_ERR none n 0",
                "PAY_DAYS 31 n 1",
                "OVERTURN none n 0"
            ]
        );
        assert!(ours.iter().all(|line| line.all.is_some()));
        let own = card(&partner_viewer(p1)).unwrap();
        assert!(own.iter().zip(&ours).all(|(own, ours)| own.now == ours.now && own.all.is_none()));
        assert_eq!(card(&partner_viewer(partner(app, "P2"))), None);
    });
}

#[test]
fn rows_that_cannot_be_true_are_refused_with_their_field() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        let refused = |kind: ImportKind, text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("facts.csv");
            std::fs::write(&path, text).unwrap();
            let mapping = crate::feeds::mapping::Mapping::identity(kind);
            let request = crate::app::import::ImportRequest {
                path: &path,
                mapping: &mapping,
                by: "test",
                rejects: path.with_extension("rejects.csv"),
                dry_run: false,
                refresh: false,
            };
            let report = crate::app::import::import(app, &request, &|_| ()).unwrap();
            assert_eq!((report.rows_new, report.rows_rejected), (0, 1), "{text}");
            std::fs::read_to_string(report.rejects_file.unwrap()).unwrap()
        };
        let claim = |row: &str| {
            refused(
                ImportKind::Claims,
                &format!("reference,partner,kind,currency,claimed,filed_at,disposed_at\n{row}\n"),
            )
        };
        assert!(
            claim("C1,P1,DAMAGE,USD,5,2026-06-02T09:00Z,2026-06-01T09:00Z")
                .contains("lies before the claim was filed")
        );
        assert!(claim("C1,P1,DAMAGE,EUR,5,2026-06-02T09:00Z,").contains("amounts are kept in USD"));
        assert!(claim("C1,P1,FIRE,USD,5,2026-06-02T09:00Z,").contains("kind"));
        let case = "reference,partner,kind,origin,zone,opened_at\nK1,P1,ENQUIRY,US,UTC,2026-06-02\n";
        assert!(refused(ImportKind::Cases, case).contains("give the time beside the date"));
        let safety = "partner,as_of,authority_active,crash\nP1,2026-06-02,YES,140\n";
        assert!(refused(ImportKind::Safety, safety).contains("a percentile is 0 to 100"));
        let safety = "partner,as_of,authority_active\nP1,2026-08-02,YES\n";
        assert!(refused(ImportKind::Safety, safety).contains("a day to come"));
        let market = "lane,week,amount,series\nA-B,2026-06-02,0,Index\n";
        assert!(refused(ImportKind::Benchmarks, market).contains("more than nothing"));
        let head = "reference,partner,delivery_zone,delivery_due_date,statuses,statuses_refused,statuses_corrected,invoiced,paid\n";
        let shipment = |row: &str| refused(ImportKind::Shipments, &format!("{head}{row}\n"));
        assert!(shipment("X1,P1,UTC,2026-06-02,3,2,2,,").contains("fewer than the 4"));
        assert!(shipment("X1,P1,UTC,2026-06-02,,1,,,").contains("how many were received"));
        assert!(shipment("X1,P1,UTC,2026-06-02,,,,,2026-06-20").contains("give invoiced too"));
        assert!(shipment("X1,P1,UTC,2026-06-02,,,,2026-06-21,2026-06-20").contains("before the invoice"));
    });
}
