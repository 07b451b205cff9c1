//! What goes wrong with one load is one incident, whichever of its clauses it fails; and what a clause of missed pickups counts,
//! through the database on both engines.

use super::assess::{run_assess, told};
use super::excuses::assert_sound;
use super::kinds::add_clause;
use super::*;
use crate::app::expected::tests::{load, refreshed};
use crate::db::ledger::Accrual;
use crate::db::schema::accruals;
use crate::feeds::kind::ImportKind;

const HEAD: &str = "reference,partner,lane,origin,destination,service,pickup_due_date,pickup_zone,pickup_arrived_at,pickup_exclusion,\
                    delivery_due_date,delivery_zone,arrived_at,currency,linehaul,freight_total";
const LATE_ALONE: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500},
    "event_cap_share":1500},"incidents":"HIGHEST_ONLY"}"#;
const PICKUP: &str =
    r#"{"sign":"PENALTY","rule":{"kind":"MISSED_PICKUP","per_pickup":150000000,"period":"MONTH"}EXTRA}"#;

fn pickup(extra: &str) -> String {
    PICKUP.replace("EXTRA", extra)
}

/// Due for pickup on 12 May 2025 and there on that day plus `late`; due on 14 May and there on 16 May: two business days late.
fn shipment(reference: &str, service: &str, late: u64, pickup_exclusion: &str) -> String {
    let there = day("2025-05-12") + Days::new(late);
    format!(
        "{reference},BRW,L1,Alpha,L1-end,{service},2025-05-12,UTC,{there}T10:00:00Z,{pickup_exclusion},2025-05-14,UTC,\
         2025-05-16T10:00:00Z,USD,1240,1460"
    )
}

fn facts(app: &App, rows: &[String]) {
    load(app, ImportKind::Shipments, &format!("{HEAD}\n{}\n", rows.join("\n")));
    refreshed(app);
}

/// What stands of a clause, by shipment.
fn standing(app: &App, clause_id: i64) -> Vec<Accrual> {
    let db = &mut *app.pool.get().unwrap();
    let keys: Vec<String> = accruals::table
        .filter(accruals::clause_id.eq(clause_id))
        .select(accruals::obligation_key)
        .order(accruals::shipment_id)
        .load(db)
        .unwrap();
    let read =
        |key: String| accrual_show(db, &Viewer::system(), PARTNER, key.parse().unwrap()).unwrap().unwrap();
    keys.into_iter().map(read).collect()
}

/// DOMAIN 4.2: 150.00 for the pickup, 124.00 for the delivery of one load. The higher one stands until its pickup is excused.
#[test]
fn of_a_late_pickup_and_a_late_delivery_of_one_load_the_higher_stands() {
    on_each_engine(NOW, |app| {
        world(app, LATE_ALONE);
        add_clause(app, 75, "7.4", &pickup(r#","incidents":"HIGHEST_ONLY""#));
        told(app);
        facts(app, &[shipment("A", "", 1, "")]);
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 150.00 INITIAL"]);
        let late = &standing(app, 73)[0];
        assert_eq!((late.uncapped, late.target, late.forgone), (money(124), Micros::ZERO, money(124)));
        assert_eq!(late.state_label(), "Forgone", "no cap took it");
        let why = "Another clause comes to 150.00 for the same shipment, and only the highest counts: 124.00 is forgone here.";
        assert_eq!(late.steps.last().map(String::as_str), Some(why));
        let missed = &standing(app, 75)[0];
        assert_eq!(missed.steps, ["A was not picked up on 12 May 2025.", "A missed pickup: 150.00."]);
        assert_eq!(missed.obligation_day, day("2025-05-14"), "both are of the day the load was due");
        assert_sound(app, "2025-05-20");

        // May is told, and then the pickup turns out to be the shipper's cause.
        assert_eq!(run(app, "2025-06-12"), [""; 0]);
        assert_eq!(run_assess(app, "2025-06-13").items, 1);
        facts(app, &[shipment("A", "", 1, "SHIPPER")]);
        let made = run(app, "2025-06-16");
        assert_eq!(made, ["06-16 1410/5190 124.00 CAP_REALLOCATION", "06-16 5190/1420 150.00 REVERSAL"]);
        assert_eq!(
            standing(app, 75)[0].steps,
            ["A was not picked up in time and is excused (shipper): nothing is owed."]
        );
        assert_eq!((standing(app, 73)[0].target, standing(app, 73)[0].forgone), (money(124), Micros::ZERO));
        assert_sound(app, "2025-06-16");
    });
}

#[test]
fn clauses_that_count_beside_others_are_owed_both() {
    on_each_engine(NOW, |app| {
        world(app, LATE_ALONE);
        add_clause(app, 75, "7.4", &pickup(""));
        facts(app, &[shipment("A", "", 1, ""), shipment("B", "", 0, "")]);
        let both = ["05-20 1410/5190 124.00 INITIAL"; 2];
        assert_eq!(run(app, "2025-05-20"), [both[0], both[1], "05-20 1410/5190 150.00 INITIAL"]);
        assert_sound(app, "2025-05-20");
    });
}

#[test]
fn a_missed_pickup_counts_in_its_scope_and_by_what_the_clause_lets_excuse_it() {
    on_each_engine(NOW, |app| {
        let extra = r#","scope":{"services":["Express"]},"exclusions":{"only":["FORCE_MAJEURE"]}"#;
        world(app, &pickup(extra));
        facts(
            app,
            &[
                shipment("A", "Express", 1, "SHIPPER"),
                shipment("B", "Express", 1, "FORCE_MAJEURE"),
                shipment("C", "Economy", 1, ""),
                shipment("D", "Express", 0, ""),
            ],
        );
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 150.00 INITIAL"], "A alone");
        assert_eq!(standing(app, 73).len(), 1);
        assert_sound(app, "2025-05-20");
        // It was picked up on its day after all.
        facts(app, &[shipment("A", "Express", 0, "SHIPPER")]);
        assert_eq!(run(app, "2025-05-21"), ["05-21 5190/1410 150.00 REVERSAL"]);
        assert_eq!(
            standing(app, 73)[0].steps,
            ["The pickup of A does not count as missed any more: nothing is owed."]
        );
    });
}

/// A load from or to the site counts, however its name is written; one that never goes there does not.
#[test]
fn a_clause_can_be_about_the_loads_of_one_site() {
    on_each_engine(NOW, |app| {
        world(app, &pickup(r#","scope":{"sites":["L1-END"]}"#));
        let elsewhere = shipment("B", "", 1, "").replace(",L1,Alpha,L1-end,", ",L2,Alpha,L2-end,");
        facts(app, &[shipment("A", "", 1, ""), elsewhere]);
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 150.00 INITIAL"]);
        assert!(standing(app, 73)[0].steps[0].starts_with("A was not picked up"));
        assert_sound(app, "2025-05-20");
    });
}

/// 2 days × 5 % of 1,460.00, where linehaul alone is 1,240.00.
#[test]
fn a_late_day_can_cost_a_share_of_all_freight() {
    on_each_engine(NOW, |app| {
        world(
            app,
            r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_FREIGHT","share":500}}}"#,
        );
        facts(app, &[shipment("A", "", 0, "")]);
        assert_eq!(run(app, "2025-05-20"), ["05-20 1410/5190 146.00 INITIAL"]);
        assert_sound(app, "2025-05-20");
    });
}
