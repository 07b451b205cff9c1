//! Two contracts of one partner in force together, on both databases: each prices, credits and is replayed on its own
//! shipments, and what nobody can tell is priced and credited by neither.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::*;
use crate::app::accrual::counted::Counted;
use crate::app::accrual::{AccrualScope, accrue};
use crate::app::contract::draft::{clause_save, version_seen};
use crate::app::ledger::view::{Evidence, accrual_view};
use crate::db::contract::version_titles;
use crate::db::schema::accruals;
use crate::domain::clause::{ClauseTerms, ObligationKey};
use crate::domain::terms::Clause;

/// Of each contract one late and one on time; one late that neither has a lane for.
const OF_BOTH: &str = "\
reference,partner,origin,destination,service,picked_up_at,delivery_due_date,delivery_zone,arrived_at,delivered_at,linehaul,freight_total
T1,P1,Alpha,Beta,TL,2025-05-06T10:00:00Z,2025-05-07,UTC,2025-05-09T10:00:00Z,2025-05-09T10:00:00Z,100,100
T2,P1,Alpha,Beta,TL,2025-05-06T10:00:00Z,2025-05-08,UTC,2025-05-08T10:00:00Z,2025-05-08T10:00:00Z,100,100
L1,P1,Alpha,Beta,LTL,2025-05-06T10:00:00Z,2025-05-07,UTC,2025-05-08T10:00:00Z,2025-05-08T10:00:00Z,40,40
L2,P1,Alpha,Beta,LTL,2025-05-06T10:00:00Z,2025-05-08,UTC,2025-05-08T10:00:00Z,2025-05-08T10:00:00Z,40,40
N1,P1,Alpha,Beta,AIR,2025-05-06T10:00:00Z,2025-05-07,UTC,2025-05-09T10:00:00Z,2025-05-09T10:00:00Z,30,30
";
const LATE: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500},"event_cap_share":1500}}"#;
const SHORT: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_DAY","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","min_volume":1,"period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":1000}}}"#;

/// So much a load from Alpha to Beta of one service, or of any.
pub(super) fn of_service(load: i64, service: &str) -> RateTerms {
    let mut terms = RateTerms { fuel: Vec::new(), ..terms(load) };
    terms.lanes[0].service = Some(service.to_owned()).filter(|service| !service.is_empty());
    terms.lanes[0].code = format!("A-B {service}").trim().to_owned();
    terms
}

/// A contract of `P1` that both sides signed, with both kinds of clause.
fn signed(app: &App, number: &str, rates: RateTerms) -> i64 {
    signed_with(app, number, rates, &[("7.1", LATE), ("7.2", SHORT)])
}

/// A contract of `P1` that both sides signed, with some clauses.
pub(super) fn signed_with(app: &App, number: &str, rates: RateTerms, clauses: &[(&str, &str)]) -> i64 {
    let fields = in_dollars(number, "Loads");
    let p1 = partner(app, "P1");
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), p1, &fields).unwrap();
    write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), version, rates, vec![None], ""))
        .unwrap();
    for (code, terms) in clauses {
        let terms = ClauseTerms::from_json(terms).unwrap();
        let clause = Clause { id: 0, code: (*code).to_owned(), title: "Service".to_owned(), terms };
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        clause_save(app, &mut conn(app), &dina(), version, &seen, &clause, None).unwrap();
    }
    approve(app, version);
    contract
}

/// What is owed, by contract and obligation day, with the shipment where it is about one.
fn owed(app: &App) -> BTreeMap<(String, String, bool), i64> {
    let mut db = conn(app);
    let rows: Vec<(i64, crate::db::types::Day, Option<i64>, i64)> = accruals::table
        .select((
            accruals::contract_version_id,
            accruals::obligation_day,
            accruals::shipment_id,
            accruals::target_micros,
        ))
        .load(&mut *db)
        .unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let titles = version_titles(&mut db, &Viewer::system(), &ids).unwrap();
    let named = rows.into_iter().filter(|row| row.3 != 0).map(|(version, day, shipment, amount)| {
        ((titles[&version].0.clone(), day.to_string(), shipment.is_some()), amount / 10_000)
    });
    named.collect()
}

/// The credits of May as a whole, each with the shipments of its contract.
fn of_the_month(app: &App) -> Vec<(ObligationKey, [&'static str; 2])> {
    let mut db = conn(app);
    let rows: Vec<(i64, String)> = accruals::table
        .filter(accruals::shipment_id.is_null())
        .filter(accruals::target_micros.gt(0))
        .select((accruals::contract_version_id, accruals::obligation_key))
        .order(accruals::contract_version_id)
        .load(&mut *db)
        .unwrap();
    assert_eq!(rows.len(), 2);
    let titles =
        version_titles(&mut db, &Viewer::system(), &rows.iter().map(|row| row.0).collect::<Vec<_>>());
    let titles = titles.unwrap();
    let of = |version| if titles[&version].0 == "P1-TL" { ["T1", "T2"] } else { ["L1", "L2"] };
    rows.into_iter().map(|(version, key)| (key.parse().unwrap(), of(version))).collect()
}

/// The shipments that a credit of May counts.
fn behind_credit(app: &App, key: ObligationKey, pick: Pick) -> Vec<String> {
    let mut db = conn(app);
    let may = "2025-05".parse().unwrap();
    let contract =
        Counted::read(&mut db, &dina(), (key.contract_version_id, Some(key.clause_id)), may, app.now())
            .unwrap();
    let part = Part { contract, ..Part::default() };
    let of = (partner(app, "P1"), may, app.now());
    let rows = behind(&mut db, &dina(), of, (Kpi::OtdDay, pick, &part), (None, 100)).unwrap().rows;
    let Rows::Shipments(rows) = rows else { panic!("shipments") };
    rows.into_iter().map(|row| row.reference).collect()
}

#[test]
fn each_contract_prices_and_credits_its_own_shipments() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, OF_BOTH);
        signed(app, "P1-TL", of_service(100, "TL"));
        refreshed(app);
        let run = || accrue(app, "2025-07-08".parse().unwrap(), AccrualScope::default()).unwrap();
        run();
        let key = |contract: &str, day: &str, one: bool| (contract.to_owned(), day.to_owned(), one);
        // Alone in force, every shipment is the contract's: 2 × 5 % of 100, of 30 and once of 40; 310 freight.
        let alone = owed(app);
        assert_eq!(alone[&key("P1-TL", "2025-05-31", false)], 3_100, "{alone:?}");
        assert_eq!(total(app, "L1"), None, "no lane of the only contract");

        signed(app, "P1-LTL", of_service(40, "LTL"));
        refreshed(app);
        let at = |reference: &str| {
            let stored = charge(app, reference).unwrap().expected;
            let title = version_titles(&mut conn(app), &Viewer::system(), &[stored.version_id]).unwrap();
            (title[&stored.version_id].0.clone(), total(app, reference))
        };
        assert_eq!(at("T1"), ("P1-TL".to_owned(), Some(10_000)));
        assert_eq!(at("L1"), ("P1-LTL".to_owned(), Some(4_000)));
        let none = charge(app, "N1").unwrap().expected;
        assert_eq!(none.status, ExpectedStatus::Unrated);
        assert_eq!(
            none.reason.as_deref(),
            Some("no lane of the contracts in force together matches: P1-TL (version 1), P1-LTL (version 1)")
        );
        assert_sound(app, 5);

        let report = run();
        assert_eq!(report.problems, []);
        assert_eq!((report.unclaimed, report.unpriced), (1, 0), "N1, told once");
        let expected: BTreeMap<_, _> = [
            (key("P1-TL", "2025-05-07", true), 1_000),
            (key("P1-LTL", "2025-05-07", true), 200),
            // One of two late: a tenth of the freight of each.
            (key("P1-TL", "2025-05-31", false), 2_000),
            (key("P1-LTL", "2025-05-31", false), 800),
        ]
        .into();
        assert_eq!(owed(app), expected);
        assert_eq!(run().changed_rows, 0, "a second run changes nothing");

        // The page of a credit and the list behind it count what the credit counts.
        for (key, shipments) in of_the_month(app) {
            let view =
                accrual_view(&mut conn(app), &dina(), partner(app, "P1"), key, app.now()).unwrap().unwrap();
            let Evidence::Kpi(Some(value)) = &view.evidence else { panic!("{:?}", view.evidence) };
            assert_eq!((value.numerator, value.denominator), (1.into(), 2.into()), "{shipments:?}");
            assert_eq!(behind_credit(app, key, Pick::All), shipments);
            assert_eq!(behind_credit(app, key, Pick::Missed), [shipments[0]]);
        }

        let ask = Ask { versions: vec![1], ..Ask::newest("2025-05".parse().unwrap()) };
        for (number, shipments, charges, net) in
            [("P1-TL", 3, "200.00", "170.00"), ("P1-LTL", 3, "80.00", "70.00")]
        {
            let request =
                BacktestRequest { contract: number, ask: &ask, shipments_max: None, lanes_max: LANES_MAX };
            let report =
                backtest(app, &mut conn(app), &dina(), &request, |_, _| ControlFlow::Continue(())).unwrap();
            let (total, credited) = (&report.total, &report.net.total);
            assert_eq!((report.shipments, total.in_force.total.as_str()), (shipments, charges), "{number}");
            assert_eq!(total.versions[0].tally.total, charges, "{number}");
            assert_eq!(credited.in_force.net_cost.as_deref(), Some(net), "{number}");
            assert_eq!(credited.versions[0].net_cost.as_deref(), Some(net), "{number}");
        }
    });
}

/// A facility and a port of one name: no text says that they are one place, but the feed does.
#[test]
fn a_shipment_that_two_contracts_claim_is_priced_by_neither() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, OF_BOTH);
        signed(app, "P1-DOCK", of_service(100, ""));
        refreshed(app);
        assert_eq!(total(app, "T1"), Some(10_000));
        let mut ports = of_service(40, "");
        ports.lanes[0].origin = "port:Alpha".parse().unwrap();
        ports.lanes[0].destination = "port:Beta".parse().unwrap();
        ports.lanes[0].code = "PORTS".to_owned();
        let contract = signed(app, "P1-PORT", ports.clone());
        assert!(refreshed(app).charges > 0, "what two claim is found without new facts");
        let both = charge(app, "T1").unwrap().expected;
        assert_eq!((both.status, both.parts), (ExpectedStatus::Unrated, None));
        assert_eq!(
            both.reason.as_deref(),
            Some(
                "contracts P1-DOCK (version 1), lane A-B, and P1-PORT (version 1), lane PORTS, both match; amend one so \
                 that only one does"
            )
        );
        assert_sound(app, 5);
        let key = charge(app, "T1").unwrap().key;
        let shown = expected_view(&mut conn(app), &dina(), key).unwrap().unwrap();
        assert_eq!((shown.told, shown.same, shown.trace.len()), (false, true, 0));
        let report = accrue(app, "2025-07-08".parse().unwrap(), AccrualScope::default()).unwrap();
        assert_eq!((report.unclaimed, owed(app)), (3, BTreeMap::new()), "no credit by a guess either");

        // Amended to one service, the others are the first contract's again.
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: "2025-02-01".parse().unwrap(),
            change_summary: "LTL only".to_owned(),
        };
        let version = version_create(app, &mut conn(app), &dina(), contract, &fields).unwrap();
        ports.lanes[0].service = Some("AIR".to_owned());
        write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), version, ports, vec![None], ""))
            .unwrap();
        approve(app, version);
        refreshed(app);
        assert_eq!((total(app, "T1"), total(app, "N1")), (Some(10_000), None));
        assert_sound(app, 5);
    });
}

/// In the year before, when neither contract was in force, the loads of both services.
const YEAR_BEFORE: &str = "\
reference,partner,origin,destination,service,picked_up_at,delivery_due_date,delivery_zone,arrived_at,delivered_at,linehaul,freight_total
B1,P1,Alpha,Beta,TL,2024-05-06T10:00:00Z,2024-05-07,UTC,2024-05-07T10:00:00Z,2024-05-07T10:00:00Z,120,120
B2,P1,Alpha,Beta,TL,2024-05-06T10:00:00Z,2024-05-08,UTC,2024-05-08T10:00:00Z,2024-05-08T10:00:00Z,120,120
B3,P1,Alpha,Beta,LTL,2024-05-06T10:00:00Z,2024-05-08,UTC,2024-05-08T10:00:00Z,2024-05-08T10:00:00Z,1000,1000
";
const SAVED: &str = r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"CPS","better":"LOWER","scale":"PLAIN","threshold":"0",
    "min_volume":1,"period":"MONTH","amount":{"type":"SHARE_OF_SAVINGS","of_savings":5000,"baseline":{"type":"YEAR_BEFORE"}}}}"#;

#[test]
fn a_gain_share_is_held_against_the_same_work_of_the_year_before() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, YEAR_BEFORE);
        load(app, ImportKind::Shipments, OF_BOTH);
        refreshed(app);
        signed_with(app, "P1-TL", of_service(100, "TL"), &[("7.5", SAVED)]);
        signed_with(app, "P1-LTL", of_service(40, "LTL"), &[]);
        accrue(app, "2025-06-02".parse().unwrap(), AccrualScope::default()).unwrap();
        let rows: Vec<(i64, String)> = accruals::table
            .filter(accruals::target_micros.ne(0))
            .select((accruals::target_micros, accruals::steps))
            .load(&mut *conn(app))
            .unwrap();
        // Two loads at 100.00 against 120.00; the dear LTL load of that time would be the other contract's now.
        let [(target, told)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(*target, 20_000_000, "{told}");
        assert!(told.contains("of 2 = 120"), "{told}");
    });
}
