//! Promised volume, rebates, earn-backs, scopes and the limit of the year through the database, on both engines.

use super::*;
use crate::app::accrual::simulate::simulate;
use crate::db::contract::terms_load;
use crate::db::declared_event::{
    EventDecisionRow, EventRow as DeclaredRow, declared_event_decision_insert, declared_event_insert,
};
use crate::domain::clause::CapLevel;

const VOLUME: &str = r#"{"sign":"SHIPPER_LIABILITY","rule":{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH",
    "quantity":100000000,"tolerance":500,"rate":85000000,"rejections_count":true,"force_majeure_reduces":true}}"#;
const CARRIER_VOLUME: &str = r#"{"sign":"PENALTY","rule":{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH",
    "quantity":100000000,"rate":40000000,"rejections_count":true,"force_majeure_reduces":true}}"#;
pub(super) const EARN_BACK: &str = r#"{"sign":"EARN_BACK","rule":{"kind":"EARN_BACK","of_clause":"7.3","kpi":"OTD_WIN","better":"HIGHER",
    "scale":"PERCENT","threshold":"98","min_volume":20,"period":"MONTH","consecutive":1,"share":10000}}"#;
const FIXED: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","period":"MONTH","amount":{"type":"FIXED","amount":600000000}}}"#;

/// Another clause of the one version.
pub(super) fn add_clause(app: &App, id: i64, code: &str, terms: &str) {
    let db = &mut *app.pool.get().unwrap();
    let version = version_list(db, &Viewer::system(), 70).unwrap().remove(0);
    let clause = Clause { code: code.to_owned(), title: "Another".to_owned(), ..clause_of(terms) };
    clause_upsert(db, id, &version, &clause).unwrap();
}

fn limits(app: &App, limits: &ContractCap) {
    let db = &mut *app.pool.get().unwrap();
    diesel::update(contract_versions::table.find(71))
        .set(contract_versions::caps.eq(caps_text(limits).unwrap()))
        .execute(db)
        .unwrap();
}

/// A month's loads and tenders turned down.
fn loads(app: &App, on: &str, moved: i64, turned_down: i64) {
    let db = &mut *app.pool.get().unwrap();
    let mut measures = Measures { shipments: moved, ..Measures::default() };
    measures.tender = Tally { success: moved, late: turned_down, ..Tally::default() }.into();
    diesel::insert_into(measure_cells::table)
        .values((
            measure_cells::partner_id.eq(PARTNER),
            measure_cells::day.eq(Day(day(on))),
            measure_cells::service.eq("S"),
            measure_cells::mode.eq(""),
            measure_cells::source.eq("SHIPMENTS"),
            measure_cells::source_day.eq(Day(day(on))),
            measure_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
        ))
        .execute(db)
        .unwrap();
}

/// DOMAIN P4, by the month: 5 % of tolerance, and loads the carrier turned down count.
#[test]
fn the_shipper_owes_for_loads_it_did_not_bring() {
    on_each_engine(NOW, |app| {
        world(app, VOLUME);
        loads(app, "2025-04-10", 100, 0);
        loads(app, "2025-05-10", 93, 2);
        loads(app, "2025-06-10", 75, 2);
        assert_eq!(run(app, "2025-06-30"), ["06-30 5196/2120 1530.00 INITIAL"], "95 less 77: 18 loads short");
        loads(app, "2025-06-12", 30, 0);
        loads(app, "2025-07-01", 6, 0);
        assert_eq!(run(app, "2025-07-02"), ["07-02 2120/5196 1530.00 REVERSAL"]);
    });
}

/// Three days of a storm over everything leave 27 of June's 30 days: 90 loads, less 5 % 86.
#[test]
fn force_majeure_makes_the_promise_smaller() {
    on_each_engine(NOW, |app| {
        world(app, VOLUME);
        loads(app, "2025-06-10", 75, 2);
        assert_eq!(run(app, "2025-06-30"), ["06-30 5196/2120 1530.00 INITIAL"]);
        declare(app, 900, r#"{"places":["US-TX"]}"#);
        assert_eq!(run(app, "2025-07-01"), [""; 0], "one that leaves work to do takes no day");
        declare(app, 901, r#"{"places":["*"]}"#);
        assert_eq!(run(app, "2025-07-02"), ["07-02 2120/5196 765.00 TRUE_UP"]);
    });
}

/// An approved event from 9 to 11 June.
fn declare(app: &App, id: i64, scope: &str) {
    let db = &mut *app.pool.get().unwrap();
    let at = Instant(app.now());
    let row = DeclaredRow {
        id,
        name: "Ice storm".to_owned(),
        kind: "WEATHER".to_owned(),
        first_day: Day(day("2025-06-09")),
        last_day: Day(day("2025-06-11")),
        scope: scope.to_owned(),
        statement: "Nothing moved.".to_owned(),
        requested_at: at,
        requested_by: "test".to_owned(),
        requested_by_id: 1,
    };
    declared_event_insert(db, &row).unwrap();
    let decision = EventDecisionRow {
        declared_event_id: id,
        seq: 1,
        kind: "APPROVED".to_owned(),
        words: "Seen.".to_owned(),
        at,
        actor: "another".to_owned(),
        actor_id: 2,
    };
    declared_event_decision_insert(db, &decision).unwrap();
}

#[test]
fn the_carrier_owes_for_loads_it_turned_down_and_no_others() {
    on_each_engine(NOW, |app| {
        world(app, CARRIER_VOLUME);
        loads(app, "2025-06-10", 70, 12);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 480.00 INITIAL"]);
    });
}

const EXPRESS: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500}},
    "scope":{"services":["Express"]}}"#;

fn service(app: &App, id: i64, service: &str) {
    let db = &mut *app.pool.get().unwrap();
    let row = shipments::table.filter(shipments::id.eq(id));
    diesel::update(row).set(shipments::service.eq(service)).execute(db).unwrap();
}

#[test]
fn a_clause_for_one_service_leaves_the_others_alone() {
    on_each_engine(NOW, |app| {
        world(app, EXPRESS);
        cell(app, "2025-05-14", 0, 2, 0);
        for (id, what) in [(1, "Express"), (2, "Standard")] {
            late(app, id, "2025-05-14", Some("2025-05-16T15:00:00Z"), Some(1_240));
            service(app, id, what);
        }
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 124.00 INITIAL"]);
        service(app, 2, "Express");
        assert_eq!(run(app, "2025-05-21"), ["05-21 1410/5190 124.00 INITIAL"]);
    });
}

/// Nothing is given back of a credit that nobody agreed on; see the case file of DOMAIN P5 for one that was settled.
#[test]
fn a_credit_that_is_not_settled_is_not_earned_back() {
    on_each_engine(NOW, |app| {
        world(app, FIXED);
        add_clause(app, 75, "7.4", EARN_BACK);
        cell(app, "2025-05-05", 90, 100, 100_000);
        cell(app, "2025-06-05", 99, 100, 100_000);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 600.00 INITIAL"]);
        let db = &mut *app.pool.get().unwrap();
        let terms = terms_load(db, &Viewer::system(), 71).unwrap().unwrap();
        let days = (day("2025-05-01"), day("2025-07-01"));
        let replayed = simulate(db, &Viewer::system(), &terms, "7.4", days).unwrap().unwrap();
        assert_eq!(replayed.total.owed, money(600), "a replay takes every credit for settled");
    });
}

/// The limit of the year comes after that of the month, and a replay says what each took.
#[test]
fn the_limit_of_a_year_is_used_up_in_order() {
    on_each_engine(NOW, |app| {
        world(app, FIXED);
        let cap = |units: i64| Cap { amount: Some(money(units)), share_of_freight: None };
        limits(app, &ContractCap { cap: cap(500), annual: cap(1_200), ..ContractCap::default() });
        for month in ["2025-04-05", "2025-05-05", "2025-06-05"] {
            cell(app, month, 90, 100, 100_000);
        }
        assert_eq!(
            run(app, "2025-06-30"),
            [
                "06-30 1410/5190 500.00 INITIAL",
                "06-30 1410/5190 500.00 INITIAL",
                "06-30 1410/5190 200.00 INITIAL"
            ]
        );
        let db = &mut *app.pool.get().unwrap();
        let terms = terms_load(db, &Viewer::system(), 71).unwrap().unwrap();
        let days = (day("2025-04-01"), day("2025-07-01"));
        let replayed = simulate(db, &Viewer::system(), &terms, "7.3", days).unwrap().unwrap();
        // Of the year's limit 91 of 365 days: the text is in force on the days replayed and on no others.
        let (owed, forgone) = (Micros(299_180_000), Micros(1_500_820_000));
        assert_eq!((replayed.total.owed, replayed.total.forgone), (owed, forgone));
        let taken: Vec<_> =
            replayed.caps.iter().map(|(level, cap)| (*level, cap.times, cap.amount)).collect();
        let annual = Micros(1_200_820_000);
        assert_eq!(taken, [(CapLevel::Contract, 3, money(300)), (CapLevel::Annual, 3, annual)]);
        let own = replayed.by_price.iter().find(|step| step.is_own).unwrap();
        assert_eq!(own.owed, replayed.total.owed, "the figure as written is among the others");
        assert!(replayed.by_threshold.iter().any(|step| step.label == "93 %" && step.owed == owed));
    });
}
