//! What a replay says the partner could contest, through the database on both engines: worked numbers, and that they come true.

use super::kinds::add_clause;
use super::*;
use crate::app::accrual::simulate::{Contestable, Simulation, simulate};
use crate::app::expected::tests::{load, refreshed};
use crate::app::testing::{carrier, viewer};
use crate::db::contract::terms_load;
use crate::db::exclusion::{DecisionRow, ExclusionRow, exclusion_decision_insert, exclusion_insert};
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;

const VOLUME: &str = r#"{"sign":"SHIPPER_LIABILITY","rule":{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH",
    "quantity":100000000,"rate":85000000,"rejections_count":true,"force_majeure_reduces":true}}"#;
const SHORT: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_DAY","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","min_volume":1,"period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":1000}}EXTRA}"#;

fn replayed(app: &App, code: &str, days: (&str, &str)) -> Simulation {
    let db = &mut *app.pool.get().unwrap();
    let terms = terms_load(db, &Viewer::system(), 71).unwrap().unwrap();
    let manager = viewer("Maria", Role::CarrierManager);
    simulate(db, &manager, &terms, code, (day(days.0), day(days.1))).unwrap().unwrap()
}

/// Sums of one day: deliveries to the window and to the day, each on time, late, without evidence, excused.
fn sums(app: &App, partner_id: i64, on: &str, window: [i64; 4], of_day: [i64; 4]) {
    let tally = |[success, late, no_evidence, excused]: [i64; 4]| Tally {
        success,
        late,
        no_evidence,
        excused,
        ..Tally::default()
    };
    let measures =
        Measures { delivery_window: tally(window), delivery_day: tally(of_day), ..Measures::default() };
    crate::app::testing::day_cell(app, partner_id, day(on), &measures);
}

/// An exclusion that was asked for.
fn asked(app: &App, id: i64, partner_id: i64) {
    let row = ExclusionRow {
        id,
        partner_id,
        shipment_id: id,
        source_id: 1,
        reference: format!("SHP-{id}"),
        stop: "DELIVERY".to_owned(),
        party: "CONSIGNEE".to_owned(),
        reason_code: "AG".to_owned(),
        statement: "The dock was closed.".to_owned(),
        evidence: "See the gate log.".to_owned(),
        side: "PARTNER".to_owned(),
        due_on: Day(day("2025-08-15")),
        requested_at: Instant(app.now()),
        requested_by: "partner user".to_owned(),
        requested_by_id: 1,
        unit: "SHIPMENT".to_owned(),
    };
    exclusion_insert(&mut app.pool.get().unwrap(), &row).unwrap();
}

fn denied(app: &App, exclusion_id: i64) {
    let row = DecisionRow {
        exclusion_id,
        seq: 1,
        partner_id: PARTNER,
        kind: "DENIED".to_owned(),
        basis: "PERSON".to_owned(),
        words: "The gate log says otherwise.".to_owned(),
        at: Instant(app.now()),
        actor: "Maria".to_owned(),
        actor_id: 2,
    };
    exclusion_decision_insert(&mut app.pool.get().unwrap(), &row).unwrap();
}

#[test]
fn a_replay_counts_what_could_be_contested_in_its_months_and_of_its_partner() {
    on_each_engine(NOW, |app| {
        world(app, SHORTFALL);
        add_clause(app, 75, "7.4", LATE);
        add_clause(app, 76, "7.5", VOLUME);
        carrier(app, 8, "OTH");
        sums(app, PARTNER, "2025-05-05", [90, 4, 5, 1], [80, 10, 2, 3]);
        sums(app, PARTNER, "2025-06-30", [80, 6, 7, 2], [70, 10, 4, 6]);
        // Outside the months, or of somebody else.
        sums(app, PARTNER, "2025-04-30", [0, 0, 1_000, 1_000], [0, 0, 1_000, 1_000]);
        sums(app, PARTNER, "2025-07-01", [0, 0, 1_000, 1_000], [0, 0, 1_000, 1_000]);
        sums(app, 8, "2025-06-10", [0, 0, 1_000, 1_000], [0, 0, 1_000, 1_000]);
        for (id, partner_id) in [(901, PARTNER), (902, PARTNER), (903, PARTNER), (904, 8)] {
            asked(app, id, partner_id);
        }
        denied(app, 903);
        let of = |code: &str| replayed(app, code, ("2025-05-01", "2025-07-01")).contestable;
        let window = Contestable { excused: 3, pending: 2, no_evidence: 12 };
        assert_eq!(of("7.3"), Some(window), "by the window, as the clause measures");
        let of_day = Contestable { excused: 9, pending: 2, no_evidence: 6 };
        assert_eq!(of("7.4"), Some(of_day), "late deliveries, by the day");
        assert_eq!(of("7.5"), None, "a clause about volume");
        let may = replayed(app, "7.3", ("2025-05-01", "2025-06-01")).contestable;
        assert_eq!(may, Some(Contestable { excused: 1, pending: 2, no_evidence: 5 }));
    });
}

const HEAD: &str = "reference,partner,service,lane,origin,destination,delivery_due_date,delivery_zone,arrived_at,\
                    delivery_exclusion,currency,linehaul,freight_total";

/// Due on a day of May 2025, there on the day given.
fn shipment(reference: &str, service: &str, due: u32, arrived: Option<u32>, exclusion: &str) -> String {
    let arrived = arrived.map(|on| format!("2025-05-{on}T10:00:00Z")).unwrap_or_default();
    format!("{reference},BRW,{service},L1,Alpha,Beta,2025-05-{due},UTC,{arrived},{exclusion},USD,1000,1000")
}

fn facts(app: &App, rows: &[String]) {
    load(app, ImportKind::Shipments, &format!("{HEAD}\n{}\n", rows.join("\n")));
    refreshed(app);
}

/// A clause about a part of the work, or with its own excuses, is contested by its own misses; and the proof that is said to be
/// missing takes the credit away when it comes.
#[test]
fn what_could_be_contested_is_of_what_the_clause_counts() {
    let month = ("2025-05-01", "2025-06-01");
    for (extra, excused, no_evidence, owed) in [
        ("", 3, 2, 600),
        (r#","scope":{"services":["Express"]}"#, 2, 1, 400),
        (r#","exclusions":{"only":["CONSIGNEE"]}"#, 1, 2, 600),
    ] {
        on_each_engine(NOW, |app| {
            world(app, &SHORT.replace("EXTRA", extra));
            facts(
                app,
                &[
                    shipment("A", "Express", 13, Some(14), "SHIPPER"),
                    shipment("B", "Express", 14, Some(15), "CONSIGNEE"),
                    shipment("C", "Express", 15, Some(15), ""),
                    shipment("D", "Express", 16, None, ""),
                    shipment("E", "Standard", 16, None, ""),
                    shipment("F", "Standard", 14, Some(15), "SHIPPER"),
                ],
            );
            let found = replayed(app, "7.3", month);
            let expected = Contestable { excused, pending: 0, no_evidence };
            assert_eq!(found.contestable, Some(expected), "{extra}");
            assert_eq!(found.total.owed, money(owed), "{extra}");
            facts(
                app,
                &[shipment("D", "Express", 16, Some(16), ""), shipment("E", "Standard", 16, Some(16), "")],
            );
            let proven = replayed(app, "7.3", month);
            let expected = Contestable { no_evidence: 0, ..expected };
            assert_eq!(proven.contestable, Some(expected), "{extra}");
            // What only the consignee excuses stays late: A and F of five.
            let left = if extra.contains("exclusions") { owed } else { 0 };
            assert_eq!(proven.total.owed, money(left), "{extra}");
        });
    }
}
