//! What loads that were turned down cost more with another carrier, on both databases: by the rates of the contract, told
//! without the other carrier and its price, and changed when its charge is.

use diesel::prelude::*;

use super::together::{of_service, signed_with};
use super::*;
use crate::app::accrual::check::accruals_differ_on;
use crate::app::accrual::{AccrualScope, accrue};
use crate::app::ledger::replaced::{ReplacedLoad, ReplacementsView, replacements_view};
use crate::db::schema::accruals;

const DIFFERENCE: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"TAR","better":"HIGHER","scale":"PERCENT",
    "threshold":"75","min_volume":1,"period":"MONTH","amount":{"type":"COST_DIFFERENCE","of_difference":10000,"most":80000000}}}"#;

/// Eight offers of May to `P1`, four of them turned down; two may be, R1 and R2. R5 is above the commitment.
const OFFERS: &str = "\
reference,partner,service,zone,sent_at,response,beyond_commitment
A1,P1,TL,UTC,2025-05-02T08:00:00Z,ACCEPTED,
A2,P1,TL,UTC,2025-05-02T08:00:00Z,ACCEPTED,
A3,P1,TL,UTC,2025-05-02T08:00:00Z,ACCEPTED,
A4,P1,TL,UTC,2025-05-02T08:00:00Z,ACCEPTED,
R1,P1,TL,UTC,2025-05-05T08:00:00Z,REJECTED,
R2,P1,TL,UTC,2025-05-06T08:00:00Z,REJECTED,
R3,P1,TL,UTC,2025-05-07T08:00:00Z,REJECTED,
R4,P1,TL,UTC,2025-05-08T08:00:00Z,REJECTED,
R5,P1,TL,UTC,2025-05-09T08:00:00Z,REJECTED,YES
";

/// What `P2` carried, with its charges.
fn carried(app: &App, reference: &str, charges: &str) {
    let head = "reference,partner,origin,destination,service,picked_up_at,delivery_due_date,delivered_at,currency,linehaul,fuel,\
                freight_total";
    let row = format!(
        "{reference},P2,Alpha,Beta,TL,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,{charges}"
    );
    load(app, ImportKind::Shipments, &format!("{head}\n{row}\n"));
    refreshed(app);
}

/// Runs the day twice; what is owed in all, and how it came about.
fn owed(app: &App, day: &str) -> (i64, String) {
    let report = accrue(app, day.parse().unwrap(), AccrualScope::default()).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(accrue(app, day.parse().unwrap(), AccrualScope::default()).unwrap().changed_rows, 0);
    let mut db = conn(app);
    let checked = accruals_differ_on(&mut db, day.parse().unwrap()).unwrap();
    assert!(checked.looked > 0 && checked.differences.is_empty(), "{:?}", checked.differences);
    let rows: Vec<(i64, String)> =
        accruals::table.select((accruals::target_micros, accruals::steps)).load(&mut *db).unwrap();
    (rows.iter().map(|row| row.0 / 10_000).sum(), rows.into_iter().map(|row| row.1).collect())
}

/// The loads behind the one item.
fn replaced(app: &App, viewer: &Viewer) -> Option<ReplacementsView> {
    let db = &mut *conn(app);
    let key: String = accruals::table.select(accruals::obligation_key).first(db).unwrap();
    let of = (partner(app, "P1"), key.parse().unwrap());
    replacements_view(db, viewer, of, 1, "2025-06-04T09:00:00Z".parse().unwrap()).unwrap()
}

fn told_of(load: &ReplacedLoad) -> String {
    let mut said = vec![load.reference.clone()];
    said.push(load.carried.as_ref().map_or("nobody".to_owned(), |by| by.partner.clone()));
    said.extend(load.price.iter().chain(&load.cost).map(|amount| (amount.0 / 1_000_000).to_string()));
    if load.is_let_pass && load.carried.is_some() {
        said.push("passes".to_owned());
    }
    said.extend(load.owed.map(|owed| format!("owes {}", owed.0 / 1_000_000)));
    said.join(" ")
}

#[test]
fn a_load_turned_down_costs_what_another_carrier_took_more() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Tenders, OFFERS);
        signed_with(app, "P1-TL", of_service(100, "TL"), &[("7.4", DIFFERENCE)]);
        carried(app, "R1", "USD,500,,500");
        carried(app, "R3", "USD,150,10,190");
        // 160 of linehaul and fuel against 100; R1 is let pass, nobody knows of R4.
        let (sum, told) = owed(app, "2025-06-02");
        assert_eq!(sum, 6_000, "{told}");
        assert!(told.contains("1 load carried otherwise."), "{told}");
        assert!(told.contains("Of 1 load it is not known yet"), "{told}");
        // The steps go to the partner: no other carrier and no amount it was paid.
        for hidden in ["P2", "160", "150", "190"] {
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
        carried(app, "R4", "USD,,,130");
        assert_eq!(owed(app, "2025-06-03").0, 9_000);
        // A corrected charge; at most 80.00 for a load.
        carried(app, "R4", "USD,,,900");
        let (sum, told) = owed(app, "2025-06-04");
        assert_eq!(sum, 14_000);
        for hidden in ["800", "860", "900"] {
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
        let seen = replaced(app, &viewer("Karin", Role::Finance)).unwrap();
        assert_eq!((seen.sum, seen.accrual.target), (Micros(140_000_000), Micros(140_000_000)));
        let told: Vec<String> = seen.loads.iter().map(told_of).collect();
        assert_eq!(
            told,
            ["R1 P2 100 500 passes", "R2 nobody", "R3 P2 100 160 owes 60", "R4 P2 100 900 owes 80"],
            "the two earliest may be turned down"
        );
        let own = partner_viewer(seen.accrual.partner_id);
        assert!(replaced(app, &own).is_none(), "what others were paid is for no partner to see");
        carried(app, "R4", "USD,60,,60");
        assert_eq!(owed(app, "2025-06-05").0, 6_000, "a cheaper one takes nothing back from others");
    });
}

#[test]
fn only_a_load_that_was_brought_on_the_same_lane_is_a_replacement() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Tenders, OFFERS);
        signed_with(app, "P1-TL", of_service(100, "TL"), &[("7.4", DIFFERENCE)]);
        // Due before the load that was carried: one was called off, one is only planned.
        let head = "reference,partner,origin,destination,service,picked_up_at,delivery_due_date,delivered_at,cancelled_at,currency,\
                    freight_total";
        let rows = "\
R3,P2,Alpha,Beta,TL,,2025-05-09,,2025-05-08T10:00:00Z,USD,170
R4,P2,Alpha,Beta,TL,,2025-05-09,,,USD,170
R3,P3,Alpha,Beta,TL,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,,USD,160
G1,P3,Alpha,Gamma,TL,2025-05-09T10:00:00Z,2025-05-10,2025-05-10T10:00:00Z,,USD,50
";
        load(app, ImportKind::Shipments, &format!("{head}\n{rows}"));
        refreshed(app);
        let (sum, told) = owed(app, "2025-06-02");
        assert_eq!(sum, 6_000, "{told}");
        assert!(told.contains("Of 1 load it is not known yet"), "{told}");
        load(
            app,
            ImportKind::Shipments,
            &format!(
                "{head}\nR4,P3,Alpha,Beta,TL,2025-05-11T10:00:00Z,2025-05-12,2025-05-12T10:00:00Z,,USD,130\n"
            ),
        );
        refreshed(app);
        assert_eq!(owed(app, "2025-06-03").0, 9_000);
        // The offers were of loads to somewhere else.
        let mut lines = OFFERS.lines();
        let mut elsewhere = format!("{},lane\n", lines.next().unwrap());
        elsewhere.extend(lines.map(|line| format!("{line},Alpha–Gamma\n")));
        load(app, ImportKind::Tenders, &elsewhere);
        refreshed(app);
        let (sum, told) = owed(app, "2025-06-04");
        assert_eq!(sum, 0, "{told}");
    });
}
