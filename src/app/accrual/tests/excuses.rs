//! What excuses a miss under one clause: its own reasons and lanes that are new, through the database on both engines. What
//! accrues, the page of a credit, the list behind it and the check of the books are of one function.

use super::*;
use crate::app::accrual::check::accruals_differ_on;
use crate::app::accrual::counted::Counted;
use crate::app::evidence::{Part, Pick, Rows, behind};
use crate::app::expected::tests::{load, refreshed};
use crate::app::refresh::check::sums_differ;
use crate::db::declared_event::{
    EventDecisionRow, EventRow as DeclaredRow, declared_event_decision_insert, declared_event_insert,
};
use crate::domain::clause::{Obligation, ObligationKey};
use crate::domain::kpi::Kpi;
use crate::feeds::kind::ImportKind;

const HEAD: &str = "reference,partner,lane,origin,destination,delivery_due_date,delivery_zone,arrived_at,delivery_exclusion,\
                    currency,linehaul,freight_total";
const PER_DAY: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500}}EXTRA}"#;
const SHORT: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_DAY","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","min_volume":1,"period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":1000}}EXTRA}"#;

fn terms(text: &str, exclusions: &str) -> String {
    text.replace("EXTRA", &format!(r#","exclusions":{exclusions}"#))
}

/// Due on one day of 2025 at a UTC dock and there one day later, or on the day with `0`.
fn shipment(reference: &str, lane: &str, due: &str, days_late: u64, exclusion: &str) -> String {
    let arrived = day(due) + Days::new(days_late);
    format!("{reference},BRW,{lane},Alpha,{lane}-end,{due},UTC,{arrived}T10:00:00Z,{exclusion},USD,1000,1000")
}

fn facts(app: &App, rows: &[String]) {
    load(app, ImportKind::Shipments, &format!("{HEAD}\n{}\n", rows.join("\n")));
    refreshed(app);
}

/// The sums and the accruals are what the facts give.
#[track_caller]
pub(super) fn assert_sound(app: &App, as_of: &str) {
    let db = &mut *app.pool.get().unwrap();
    assert!(sums_differ(db, app.now()).unwrap().differences.is_empty());
    assert_eq!(accruals_differ_on(db, day(as_of)).unwrap().differences, [""; 0]);
}

/// References that the list behind a credit has of a month, and what its page counts.
fn behind_credit(app: &App, key: &str, pick: Pick) -> (Vec<String>, String) {
    let db = &mut *app.pool.get().unwrap();
    let key: ObligationKey = key.parse().unwrap();
    let Obligation::Period(period) = key.of else { panic!("a period") };
    let of = (key.contract_version_id, Some(key.clause_id));
    let contract = Counted::read(db, &Viewer::system(), of, period, app.now()).unwrap();
    let part = Part { contract, ..Part::default() };
    let of = (PARTNER, period, app.now());
    let found = behind(db, &Viewer::system(), of, (Kpi::OtdDay, pick, &part), (None, 100)).unwrap();
    let Rows::Shipments(rows) = found.rows else { panic!("shipments") };
    let view = accrual_view(db, &Viewer::system(), PARTNER, key, app.now()).unwrap().unwrap();
    let Evidence::Kpi(Some(value)) = view.evidence else { panic!("a KPI") };
    let counted = format!("{} of {}", value.numerator, value.denominator);
    (rows.into_iter().map(|row| row.reference).collect(), counted)
}

fn steps_of(app: &App, at: usize) -> Vec<String> {
    use crate::db::schema::accruals;
    let db = &mut *app.pool.get().unwrap();
    let keys: Vec<String> =
        accruals::table.select(accruals::obligation_key).order(accruals::obligation_day).load(db).unwrap();
    let key = keys[at].parse().unwrap();
    accrual_show(db, &Viewer::system(), PARTNER, key).unwrap().unwrap().steps
}

#[test]
fn only_what_a_clause_names_excuses_a_late_shipment() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PER_DAY, r#"{"only":["FORCE_MAJEURE"]}"#));
        facts(
            app,
            &[
                shipment("A", "L1", "2025-05-13", 1, "SHIPPER"),
                shipment("B", "L1", "2025-05-14", 1, "FORCE_MAJEURE"),
                shipment("C", "L1", "2025-05-15", 1, ""),
                shipment("D", "L1", "2025-05-15", 0, ""),
            ],
        );
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 50.00 INITIAL"; 2], "A and C");
        assert_eq!(
            steps_of(app, 0)[0],
            "The miss is excused for a reason that this clause does not name, so it counts here."
        );
        assert!(steps_of(app, 1)[0].starts_with("C was"), "{:?}", steps_of(app, 1));
        assert_sound(app, "2025-05-20");
        // The feed says another reason now.
        facts(app, &[shipment("A", "L1", "2025-05-13", 1, "FORCE_MAJEURE")]);
        let found = accruals_differ_on(&mut app.pool.get().unwrap(), day("2025-05-21")).unwrap();
        assert_eq!((found.looked, found.differences.len()), (1, 1), "the check finds what a run would post");
        assert_eq!(run(app, "2025-05-21"), ["05-21 5190/1410 50.00 REVERSAL"]);
        assert_sound(app, "2025-05-21");
    });
}

#[test]
fn a_clause_that_says_nothing_lets_every_reason_excuse() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PER_DAY, "{}"));
        let clause = clause_of(&terms(PER_DAY, "{}"));
        assert!(!clause.terms.to_json().unwrap().contains("exclusions"), "a signed text keeps its bytes");
        facts(app, &[shipment("A", "L1", "2025-05-13", 1, "SHIPPER")]);
        assert_eq!(run(app, "2025-05-20"), [""; 0]);
    });
}

#[test]
fn the_sums_of_a_period_the_page_and_the_list_are_of_the_clause() {
    on_each_engine(NOW, |app| {
        world(app, &terms(SHORT, r#"{"only":["CONSIGNEE"]}"#));
        facts(
            app,
            &[
                shipment("A", "L1", "2025-05-13", 1, "SHIPPER"),
                shipment("B", "L1", "2025-05-14", 1, "CONSIGNEE"),
                shipment("C", "L1", "2025-05-15", 0, ""),
                shipment("D", "L1", "2025-05-16", 0, "SHIPPER"),
            ],
        );
        // For the house two of two are on time; under the clause two of three.
        assert_eq!(run(app, "2025-05-31"), ["05-31 1410/5190 400.00 INITIAL"]);
        let key = "cv:71/cl:73/2025-05";
        assert_eq!(behind_credit(app, key, Pick::Missed), (vec!["A".to_owned()], "2 of 3".to_owned()));
        assert_eq!(behind_credit(app, key, Pick::Excused).0, ["B"]);
        assert_eq!(behind_credit(app, key, Pick::All).0, ["A", "B", "C", "D"]);
        assert_sound(app, "2025-05-31");
    });
}

/// An approved outage of 13 to 15 May, everywhere.
fn outage(app: &App) {
    let db = &mut *app.pool.get().unwrap();
    let at = Instant(app.now());
    let row = DeclaredRow {
        id: 900,
        name: "No data".to_owned(),
        kind: "OUTAGE".to_owned(),
        first_day: Day(day("2025-05-13")),
        last_day: Day(day("2025-05-15")),
        scope: r#"{"places":["*"]}"#.to_owned(),
        statement: "The interface stood still.".to_owned(),
        requested_at: at,
        requested_by: "test".to_owned(),
        requested_by_id: 1,
    };
    declared_event_insert(db, &row).unwrap();
    let decision = EventDecisionRow {
        declared_event_id: 900,
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
fn a_declared_outage_takes_out_what_the_clause_lets_it() {
    for (only, owed) in [
        (r#"{"only":["OUTAGE"]}"#, &[][..]),
        (r#"{"only":["FORCE_MAJEURE"]}"#, &["05-20 1410/5190 50.00 INITIAL"][..]),
    ] {
        on_each_engine(NOW, |app| {
            world(app, &terms(PER_DAY, only));
            outage(app);
            facts(app, &[shipment("A", "L1", "2025-05-14", 1, "")]);
            assert_eq!(run(app, "2025-05-20"), owed, "{only}");
            assert_sound(app, "2025-05-20");
        });
    }
}

#[test]
fn nothing_counts_on_a_lane_in_its_first_days_and_late_data_moves_them() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PER_DAY, r#"{"ramp_up_days":30}"#));
        facts(
            app,
            &[
                // Before the contract's term: no first day under it.
                shipment("O", "L1", "2024-11-20", 0, ""),
                shipment("A", "L1", "2025-05-02", 1, ""),
                shipment("B", "L1", "2025-05-30", 3, ""),
                shipment("C", "L1", "2025-06-02", 1, ""),
                shipment("D", "L2", "2025-06-02", 1, ""),
            ],
        );
        assert_eq!(run(app, "2025-06-10"), ["06-10 1410/5190 50.00 INITIAL"], "C, the 32nd day of L1");
        facts(app, &[shipment("E", "L1", "2025-04-28", 0, "")]);
        assert_eq!(run(app, "2025-06-11"), ["06-11 1410/5190 50.00 INITIAL"], "B, the 33rd day now");
        assert_sound(app, "2025-06-11");
        // It was due much earlier, and so was C.
        facts(app, &[shipment("C", "L2", "2025-06-03", 1, "")]);
        assert_eq!(run(app, "2025-06-12"), ["06-12 5190/1410 50.00 REVERSAL"]);
        let db = &mut *app.pool.get().unwrap();
        let listed = entry_list(db, &Viewer::system(), &LedgerFilter::default(), None, 1).unwrap();
        assert_eq!(
            listed[0].entry.memo,
            "The lane is new under the contract, and nothing on it counts yet: nothing is owed."
        );
        assert_sound(app, "2025-06-12");
    });
}

#[test]
fn a_new_lane_is_out_of_the_kpi_and_in_the_spend() {
    on_each_engine(NOW, |app| {
        world(app, &terms(SHORT, r#"{"ramp_up_days":30}"#));
        facts(
            app,
            &[
                shipment("F", "L1", "2025-03-03", 0, ""),
                shipment("A", "L1", "2025-05-13", 1, ""),
                shipment("B", "L1", "2025-05-14", 0, ""),
                shipment("C", "L2", "2025-05-15", 1, ""),
            ],
        );
        assert_eq!(run(app, "2025-05-31"), ["05-31 1410/5190 300.00 INITIAL"], "a tenth of all three");
        let key = "cv:71/cl:73/2025-05";
        assert_eq!(behind_credit(app, key, Pick::All), (vec!["A".into(), "B".into()], "1 of 2".to_owned()));
        assert_sound(app, "2025-05-31");
    });
}

#[test]
fn an_offer_makes_a_lane_older_than_its_first_shipment() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PER_DAY, r#"{"ramp_up_days":30}"#));
        facts(app, &[shipment("A", "L1", "2025-05-15", 1, "")]);
        assert_eq!(run(app, "2025-05-20"), [""; 0]);
        let offers =
            "reference,partner,lane,zone,sent_at,response\nX,BRW,L1,UTC,2025-04-10T10:00:00Z,REJECTED\n";
        load(app, ImportKind::Tenders, offers);
        refreshed(app);
        assert_eq!(run(app, "2025-05-21"), ["05-21 1410/5190 50.00 INITIAL"]);
        assert_sound(app, "2025-05-21");
    });
}

const PROOFS: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"POD_TIMELY","better":"HIGHER","scale":"PERCENT",
    "threshold":"100","min_volume":1,"period":"MONTH","amount":{"type":"PER_UNIT","amount":25000000}}EXTRA}"#;

/// Delivered on Tuesday 6 May 2025; the proof is due a day later.
fn delivered(app: &App, rows: &[(&str, &str)]) {
    let head = "reference,partner,delivery_due_date,delivery_zone,delivered_at,receipt_expected,pod_received_at,pod_clean";
    let row = |(reference, proof): &(&str, &str)| {
        format!("{reference},BRW,2025-05-06,UTC,2025-05-06T10:00:00Z,YES,{proof},")
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    load(app, ImportKind::Shipments, &format!("{head}\n{}\n", rows.join("\n")));
    refreshed(app);
}

/// Six business days after Wednesday 7 May end on Thursday 15 May, a day after the grace of the house for evidence.
#[test]
fn a_proof_that_comes_in_the_time_to_put_it_right_does_not_count() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PROOFS, r#"{"cure_days":6}"#));
        delivered(app, &[("A", "2025-05-07T09:00:00Z"), ("B", "2025-05-15T09:00:00Z"), ("C", "")]);
        assert_eq!(run(app, "2025-05-14"), [""; 0], "B was put right, C still can be");
        assert_eq!(run(app, "2025-05-15"), ["05-15 1410/5190 25.00 INITIAL"], "C never came");
        assert_sound(app, "2025-05-15");
        delivered(app, &[("C", "2025-05-15T09:30:00Z")]);
        assert_eq!(
            run(app, "2025-05-20"),
            ["05-20 5190/1410 25.00 REVERSAL"],
            "it was told late, and came in time"
        );
        delivered(app, &[("B", "2025-05-15T10:30:00Z")]);
        assert_eq!(run(app, "2025-05-21"), ["05-21 1410/5190 25.00 INITIAL"], "half an hour too late");
        assert_sound(app, "2025-05-21");
    });
}

#[test]
fn without_such_a_time_a_late_proof_counts_at_once() {
    on_each_engine(NOW, |app| {
        world(app, &terms(PROOFS, "{}"));
        delivered(app, &[("A", "2025-05-07T09:00:00Z"), ("B", "2025-05-15T09:00:00Z"), ("C", "")]);
        assert_eq!(run(app, "2025-05-14"), ["05-14 1410/5190 50.00 INITIAL"]);
    });
}
