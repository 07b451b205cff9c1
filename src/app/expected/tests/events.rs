//! Accessorial events on both databases: loaded once, priced once, by whoever may see them.

use diesel::prelude::*;

use super::*;
use crate::app::charge_code::{decide, unmapped};
use crate::app::contract::draft::{rate_save, version_seen};
use crate::app::expected::view::{EventFate, events_view};
use crate::app::verify::verify;
use crate::db::accessorial::event_list;
use crate::db::schema::{accessorial_event_versions, accessorial_events};
use crate::domain::charge_code::{ChargeKind, Decided};

const KIND: ImportKind = ImportKind::Accessorials;
/// Detention, a liftgate, a lumper with its receipt, and a code nobody has mapped.
const EVENTS: &str = "\
reference,partner,shipment,code,stop,minutes,cost,quantity,unit,proven
E1,P1,W1-A,DTU,2,307,,,,YES
E2,P1,W1-A,LFT,2,,,,,
E3,P1,W1-B,UNL,2,,125.00,,,YES
E4,P1,W2-A,HELP FEE,2,,,2,HOUR,YES
";

/// As [`worked`], with rates for detention, liftgate, lumper and a helper by the hour.
fn agreed(app: &App) {
    load(app, ImportKind::Shipments, SHIPMENTS);
    load(app, ImportKind::Fuel, FUEL);
    let fields = in_dollars("C-1", "Loads");
    let p1 = partner(app, "P1");
    let (_, version) = contract_create(app, &mut conn(app), &dina(), p1, &fields).unwrap();
    price(app, version, 100);
    for rate in [
        rate("DTU", AccessorialUnit::PerHour, 60),
        rate("LFT", AccessorialUnit::PerOccurrence, 75),
        rate("UNL", AccessorialUnit::PassThrough, 0),
        rate("LAB", AccessorialUnit::PerHour, 40),
    ] {
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        rate_save(app, &mut conn(app), &dina(), version, &seen, &rate, None).unwrap();
    }
    approve(app, version);
    assert_eq!(refreshed(app).charges, 7);
}

/// What a file does, and its rejects as text.
fn tried(app: &App, text: &str) -> (ImportReport, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.csv");
    std::fs::write(&path, text).unwrap();
    let rejects = path.with_extension("rejects.csv");
    let request = ImportRequest {
        path: &path,
        mapping: &Mapping::identity(KIND),
        by: "test",
        rejects: rejects.clone(),
        dry_run: false,
        refresh: false,
    };
    let report = import(app, &request, &|_| ()).unwrap();
    (report, std::fs::read_to_string(rejects).unwrap_or_default())
}

fn fates(app: &App, viewer: &Viewer, reference: &str) -> Vec<(String, EventFate)> {
    let key = charge(app, reference).unwrap().key;
    let mut db = conn(app);
    let expected = expected_view(&mut db, &Viewer::system(), key).unwrap();
    let shown = events_view(&mut db, viewer, key, expected.as_ref()).unwrap();
    shown.into_iter().map(|event| (event.row.code, event.fate)).collect()
}

#[test]
fn reported_events_are_charged_once_and_only_their_days_are_priced_again() {
    on_each_engine(NOW, |app| {
        agreed(app);
        assert_eq!(load(app, KIND, EVENTS).rows_new, 4);
        let days: Vec<String> =
            stale_days(&mut conn(app), Source::Shipments).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(days, ["2025-05-07", "2025-05-13", "2025-05-14"], "those of the three shipments");
        assert_eq!(refreshed(app).charges, 2, "the code nobody has mapped changes no charge");
        // 100 and 10 % fuel; 307 − 120 = 187 minutes are 3.5 hours at 60 (DOMAIN R7), and the liftgate.
        assert_eq!(total(app, "W1-A"), Some(11_000 + 21_000 + 7_500));
        assert_eq!(total(app, "W1-B"), Some(11_000 + 12_500));
        assert_eq!(total(app, "W2-A"), Some(11_000));
        let kept = charge(app, "W1-A").unwrap().expected;
        let codes: Vec<&str> = kept.lines.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(codes, ["400", "DTU", "LFT", "405"]);
        assert_sound(app, 7);

        let again = load(app, KIND, EVENTS);
        assert_eq!((again.rows_same, again.rows_new, again.rows_changed), (4, 0, 0));
        assert_eq!(refreshed(app), RefreshReport::default(), "the same file twice changes nothing");

        // A changed row is a new version, and one that moves leaves its old shipment to be priced too.
        let moved = "reference,partner,shipment,code,cost,proven\nE3,P1,W2-B,UNL,130.00,NO\n";
        assert_eq!(load(app, KIND, moved).rows_changed, 1);
        assert_eq!(refreshed(app).charges, 1, "W1-B loses it, and W2-B gets nothing without a receipt");
        assert_eq!((total(app, "W1-B"), total(app, "W2-B")), (Some(11_000), Some(11_000)));
        let proof = EventFate::Withheld("the proof the contract asks for is missing".to_owned());
        assert_eq!(fates(app, &dina(), "W2-B"), [("UNL".to_owned(), proof)]);
        let rows: (i64, i64) = (
            accessorial_events::table.count().get_result(&mut *conn(app)).unwrap(),
            accessorial_event_versions::table.count().get_result(&mut *conn(app)).unwrap(),
        );
        assert_eq!(rows, (4, 1));
        // New facts of the shipment itself keep its events.
        let later = SHIPMENTS.replace(
            "Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,100,120",
            "Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,100,125",
        );
        assert_eq!(load(app, ImportKind::Shipments, &later).rows_changed, 1);
        refreshed(app);
        assert_eq!(total(app, "W1-A"), Some(11_000 + 21_000 + 7_500));
        assert_sound(app, 7);
        let report = verify(app).unwrap();
        assert!(report.checks.iter().all(|check| check.problems.is_empty()), "{report:?}");
    });
}

#[test]
fn an_event_that_its_feed_withdraws_is_charged_no_more_until_it_is_reported_again() {
    on_each_engine(NOW, |app| {
        agreed(app);
        load(app, KIND, EVENTS);
        refreshed(app);
        assert_eq!(total(app, "W1-A"), Some(11_000 + 21_000 + 7_500));
        // The key is enough to take an event back; the code stays what says which charge is meant.
        let back = "reference,partner,shipment,code,withdrawn\nE1,P1,W1-A,DTU,YES\nE4,P1,W2-A,HELP FEE,YES\n";
        assert_eq!(load(app, KIND, back).rows_changed, 2);
        let days: Vec<String> =
            stale_days(&mut conn(app), Source::Shipments).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(days, ["2025-05-07", "2025-05-14"], "those of the two shipments");
        assert_eq!(refreshed(app).charges, 1);
        assert_eq!(total(app, "W1-A"), Some(11_000 + 7_500));
        let withdrawn = EventFate::Withheld("its feed withdrew it".to_owned());
        let lft = ("LFT".to_owned(), EventFate::Charged(Micros(75_000_000)));
        assert_eq!(fates(app, &dina(), "W1-A"), [("DTU".to_owned(), withdrawn), lft]);
        let queue = unmapped(&mut conn(app), &dina(), None, Some(1)).unwrap();
        assert!(
            queue.lines.is_empty(),
            "nothing waits for the meaning of a code that nothing happened under"
        );
        let kept: i64 = accessorial_event_versions::table.count().get_result(&mut *conn(app)).unwrap();
        assert_eq!(kept, 2, "what was reported before stays in the history");
        assert_sound(app, 7);

        assert_eq!(load(app, KIND, back).rows_same, 2);
        assert_eq!(refreshed(app), RefreshReport::default(), "twice changes nothing");
        assert_eq!(load(app, KIND, EVENTS).rows_changed, 2, "and reported again it counts again");
        refreshed(app);
        assert_eq!(total(app, "W1-A"), Some(11_000 + 21_000 + 7_500));
        assert_sound(app, 7);
        let report = verify(app).unwrap();
        assert!(report.checks.iter().all(|check| check.problems.is_empty()), "{report:?}");
    });
}

#[test]
fn a_code_of_the_carriers_waits_and_a_decision_prices_its_events() {
    on_each_engine(NOW, |app| {
        agreed(app);
        load(app, KIND, EVENTS);
        refreshed(app);
        let p1 = partner(app, "P1");
        let queue = unmapped(&mut conn(app), &dina(), None, Some(1)).unwrap();
        let waiting: Vec<(&str, i64, i64)> = queue
            .lines
            .iter()
            .map(|line| (line.alias.as_str(), line.billed.lines, line.billed.events))
            .collect();
        assert_eq!(waiting, [("HELP FEE", 0, 1)]);
        assert_eq!(queue.lines[0].example.as_ref().map(|(_, reference)| reference.as_str()), Some("W2-A"));
        let unknown = EventFate::Withheld("nobody has said yet what its code means".to_owned());
        assert_eq!(fates(app, &dina(), "W2-A"), [("HELP FEE".to_owned(), unknown)]);

        let to = |kind: ChargeKind, code: &str| Decided {
            kind: Some(kind),
            code: code.to_owned(),
            note: "tariff item 12".to_owned(),
        };
        let code = (p1, "HELP FEE");
        let lab = to(ChargeKind::Accessorial, "LAB");
        assert!(decide(app, &mut conn(app), &dina(), code, None, &lab).unwrap());
        let stale = stale_days(&mut conn(app), Source::Shipments).unwrap();
        assert_eq!(stale, ["2025-05-14".parse().unwrap()], "only the day of the shipment with the event");
        refreshed(app);
        // Two hours lie inside the free time of 120 minutes.
        let free = EventFate::Withheld("it lies inside the free allowance".to_owned());
        assert_eq!(fates(app, &dina(), "W2-A"), [("HELP FEE".to_owned(), free.clone())]);
        assert_eq!(total(app, "W2-A"), Some(11_000));
        load(
            app,
            KIND,
            "reference,partner,shipment,code,quantity,unit,proven\nE4,P1,W2-A,HELP FEE,3,HOUR,YES\n",
        );
        refreshed(app);
        assert_eq!(total(app, "W2-A"), Some(15_000));
        assert_eq!(
            fates(app, &dina(), "W2-A"),
            [("HELP FEE".to_owned(), EventFate::Charged(Micros(40_000_000)))]
        );
        assert!(
            decide(app, &mut conn(app), &dina(), code, None, &to(ChargeKind::NotChargeable, "")).unwrap()
        );
        assert_eq!(refreshed(app).charges, 1);
        assert_eq!(total(app, "W2-A"), Some(11_000));
        assert_sound(app, 7);
    });
}

#[test]
fn what_cannot_be_true_is_refused_with_its_column_and_partners_see_their_own() {
    on_each_engine(NOW, |app| {
        agreed(app);
        for (row, column, said) in [
            ("X,P1,GONE,DTU,,,,,,,,", "shipment", "no shipment has this reference"),
            ("X,P9,W1-A,DTU,,,,,,,,", "partner", "no partner has this code"),
            ("X,P1,W1-A,DTU,-5,,,,,,,", "minutes", ""),
            ("X,P1,W1-A,DTU,5,,2,,,,,", "minutes", "one measure"),
            ("X,P1,W1-A,UNL,,-1,,,,,,", "cost", ""),
            ("X,P1,W1-A,UNL,,1,,,GBPX,,,", "currency", ""),
            ("X,P1,W1-A,DTU,,,2,FORTNIGHT,,,,", "unit", ""),
            ("X,P1,W1-A,DTU,,,,HOUR,,,,", "unit", "there is no quantity"),
            (
                "X,P1,W1-A,DTU,,,,,,2025-05-07T10:00:00Z,2025-05-07T09:00:00Z,",
                "departed_at",
                "before the arrival",
            ),
            ("X,P1,W1-A,DTU,,,,,,2025-05-07T10:00:00Z,,", "departed_at", "needs the departure"),
            ("X,P1,W1-A,DTU,,,,,,2025-05-07,2025-05-07T09:00:00Z,", "arrived_at", "give the time"),
            ("X,P1,W1-A,DTU,,,,,,,,0", "stop", ""),
            ("X,P1,W1-A,,,,,,,,,", "code", ""),
        ] {
            let header = "reference,partner,shipment,code,minutes,cost,quantity,unit,currency,arrived_at,departed_at,stop,zone\n";
            let (report, rejects) = tried(app, &format!("{header}{row},America/Chicago\n"));
            assert_eq!((report.rows_rejected, report.rows_new), (1, 0), "{row}");
            let line = rejects.lines().nth(1).unwrap();
            assert!(line.starts_with(&format!("2,{column},")) && line.contains(said), "{row}: {line}");
        }
        let (report, rejects) = tried(app, "reference,partner,shipment,code\nA,P1,W1-A,LFT\nA,P1,W1-B,LFT\n");
        assert_eq!((report.rows_new, report.rows_rejected), (1, 1), "{rejects}");
        refreshed(app);
        assert_eq!(total(app, "W1-A"), Some(18_500));

        let (p1, p2) = (partner(app, "P1"), partner(app, "P2"));
        assert_eq!(fates(app, &partner_viewer(p1), "W1-A").len(), 1, "its own");
        assert_eq!(fates(app, &partner_viewer(p2), "W1-A"), [], "another's");
        let key = charge(app, "W1-A").unwrap().key;
        assert_eq!(event_list(&mut conn(app), &partner_viewer(p2), p1, key.2).unwrap(), []);
    });
}

#[test]
fn the_shipments_own_times_are_charged_unless_an_event_says_more() {
    on_each_engine(NOW, |app| {
        agreed(app);
        // Five hours and seven minutes from the appointment on; the arrival before it earns nothing.
        let stayed = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivery_window_start,delivery_window_end,arrived_at,delivered_at
WAIT,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T08:00:00Z,2025-05-07T10:00:00Z,2025-05-07T07:41:00Z,2025-05-07T13:07:00Z
";
        load(app, ImportKind::Shipments, stayed);
        refreshed(app);
        assert_eq!(total(app, "WAIT"), Some(11_000 + 21_000));
        let told = "reference,partner,shipment,code,minutes,proven\nE9,P1,WAIT,DTU,150,YES\n";
        load(app, KIND, told);
        refreshed(app);
        assert_eq!(total(app, "WAIT"), Some(11_000 + 3_000), "the event is taken, not both");
        assert_eq!(fates(app, &dina(), "WAIT"), [("DTU".to_owned(), EventFate::Charged(Micros(30_000_000)))]);
        // Taken back, it says nothing any more, and the shipment's own times do again.
        load(app, KIND, "reference,partner,shipment,code,withdrawn\nE9,P1,WAIT,DTU,YES\n");
        refreshed(app);
        assert_eq!(total(app, "WAIT"), Some(11_000 + 21_000));
        assert_sound(app, 8);
    });
}
