//! A truck that was ordered and not used, on both databases: of a load whose pickup the carrier missed nothing is owed for it.

use super::*;
use crate::app::contract::draft::{clause_save, rate_save, version_seen};
use crate::app::expected::tests::{FUEL, contract_and, rate};
use crate::clock::Clock;
use crate::domain::accessorial::AccessorialUnit;
use crate::domain::clause::ClauseTerms;
use crate::domain::terms::Clause;

const LOADS: &str = "reference,partner,origin,destination,service,pickup_zone,pickup_due_date,pickup_window_start,pickup_window_end,\
                     pickup_arrived_at,pickup_exclusion,cancelled_at,delivery_due_date,delivered_at";

/// A pickup outside its window is missed, of the express alone.
const CLAUSE: &str = r#"{"sign":"PENALTY","rule":{"kind":"MISSED_PICKUP","per_pickup":150000000,"miss":"WINDOW","period":"MONTH"},
    "scope":{"services":["Express"]}}"#;

/// Due for pickup on 12 May 2025 and there at 10:00 of the day given.
fn by_day(reference: &str, arrived: &str, exclusion: &str) -> String {
    format!(
        "{reference},P1,Alpha,Beta,,UTC,2025-05-12,,,{arrived}T10:00:00Z,{exclusion},,2025-05-14,2025-05-14T10:00:00Z"
    )
}

/// Due for pickup from 08:00 to 09:00 on 12 May 2025 and there at 11:00.
fn by_window(reference: &str, service: &str) -> String {
    format!(
        "{reference},P1,Alpha,Beta,{service},UTC,,2025-05-12T08:00:00Z,2025-05-12T09:00:00Z,2025-05-12T11:00:00Z,,,2025-05-14,\
         2025-05-14T10:00:00Z"
    )
}

/// Due for pickup on 12 May 2025; nobody came, and the shipper cancelled it in the morning after.
const GONE: &str = "GONE,P1,Alpha,Beta,,UTC,2025-05-12,,,,,2025-05-13T08:00:00Z,2025-05-14,";

fn shipped(app: &App, rows: &[String]) {
    load(app, ImportKind::Shipments, &format!("{LOADS}\n{}\n", rows.join("\n")));
}

/// 250.00 for the truck of each load, on an invoice of its own that came in on the day given.
fn billed(app: &App, day: &str, references: &[&str]) {
    let row = |name: &&str| format!("V-{name},P1,,,{day},{day},{name},VOR,ACCESSORIAL,250\n");
    let rows: Vec<String> = references.iter().map(row).collect();
    load(app, ImportKind::Invoices, &format!("{HEAD}{}", rows.concat()));
}

/// Why the newest audit of a load's invoice disputes it.
fn why(app: &App, reference: &str) -> Vec<DisputeCode> {
    let found = whole(&mut conn(app), &finance(), id_of(app, &format!("V-{reference}"))).unwrap().unwrap();
    found.audits[0].audited.codes()
}

/// 250.00 for a truck that was ordered and not used, and [`CLAUSE`].
fn agreed(app: &App, version: i64) {
    let dina = viewer("Dina", Role::Procurement);
    let rate = rate("VOR", AccessorialUnit::PerOccurrence, 250);
    let db = &mut conn(app);
    let seen = version_seen(db, &dina, version).unwrap();
    let seen = rate_save(app, db, &dina, version, &seen, &rate, None).unwrap();
    let clause = Clause {
        id: 0,
        code: "7.8".to_owned(),
        title: "Missed pickup".to_owned(),
        terms: ClauseTerms::from_json(CLAUSE).unwrap(),
    };
    clause_save(app, db, &dina, version, &seen, &clause, None).unwrap();
}

#[test]
fn a_truck_that_did_not_come_is_not_owed_and_one_that_did_is() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        shipped(
            app,
            &[
                by_day("MADE", "2025-05-12", ""),
                by_day("MISSED", "2025-05-13", ""),
                by_window("LATE-X", "Express"),
                by_window("LATE-Y", "Economy"),
                GONE.to_owned(),
            ],
        );
        load(app, ImportKind::Fuel, FUEL);
        contract_and(app, partner(app, "P1"), terms(100), |version| agreed(app, version));
        // The carrier reported the same of each.
        let named = ["MADE", "MISSED", "LATE-X", "LATE-Y", "GONE"];
        let event = |name: &str| format!("E-{name},P1,{name},VOR\n");
        let events: Vec<String> = named.into_iter().map(event).collect();
        load(app, ImportKind::Accessorials, &format!("reference,partner,shipment,code\n{}", events.concat()));
        refreshed(app);
        billed(app, "2025-05-20", &named);
        assert_eq!(audited(app).audited, 5);

        let (owed, refused) = ((S::Matched, O::Pay, 250, 0), (S::MatchedVariance, O::Reject, 0, 250));
        let found = told(app);
        assert_eq!(found["V-MADE"], owed);
        assert_eq!(found["V-MISSED"], refused, "not on its day");
        assert_eq!(found["V-LATE-X"], refused, "not in its window, which the clause counts");
        assert_eq!(found["V-LATE-Y"], owed, "on its day, and the clause is of the express alone");
        assert_eq!(found["V-GONE"], refused, "cancelled after nobody came");
        for reference in ["MISSED", "LATE-X", "GONE"] {
            assert_eq!(why(app, reference), [DisputeCode::Accr], "{reference}");
        }
        assert!(why(app, "MADE").is_empty());
        assert_eq!(
            standing(app),
            (4, 440),
            "linehaul and fuel of four; of no truck anything is left to be billed"
        );
        assert_eq!(audits_differ(&mut conn(app)).unwrap(), (5, Vec::new()));

        // Alone or together, each is audited by the same facts.
        let (partner_id, db) = (partner(app, "P1"), &mut conn(app));
        let ids: Vec<i64> = named.iter().map(|name| id_of(app, &format!("V-{name}"))).collect();
        let together = facts::Batch::read(db, partner_id, &ids, &mut facts::Shelf::default()).unwrap();
        for &id in &ids {
            let alone = facts::Batch::read(db, partner_id, &[id], &mut facts::Shelf::default()).unwrap();
            assert_eq!(together.of(id), alone.of(id));
        }

        // What it carried of the same load is not touched, and its audit asks nothing of the pickup.
        let freight = "F-1,P1,,,2025-05-20,2025-05-21,MISSED,400,LINEHAUL,100\n";
        load(app, ImportKind::Invoices, &format!("{HEAD}{freight}"));
        audited(app);
        assert_eq!(told(app)["F-1"], (S::Matched, O::Pay, 100, 0));
        let id = id_of(app, "F-1");
        let batch = facts::Batch::read(db, partner_id, &[id], &mut facts::Shelf::default()).unwrap();
        assert!(!batch.of(id).unwrap().1.shipments["MISSED"].is_pickup_missed);

        // The shipper was the cause of the late pickup after all: the truck is owed, and another one is not.
        shipped(app, &[by_day("MISSED", "2025-05-13", "SHIPPER"), by_day("MADE", "2025-05-13", "")]);
        refreshed(app);
        let report = audited(app);
        assert_eq!(report.audited, 2, "{report:?}");
        let found = told(app);
        assert_eq!((found["V-MISSED"], found["V-MADE"]), (owed, refused));
        assert_eq!(standing(app), (4, 340), "the linehaul of one is billed");
    });
}

/// Five business days for evidence end with 19 May: until then nobody knows whether the truck came.
#[test]
fn a_pickup_that_is_missed_once_its_time_is_over_is_audited_again() {
    on_each_engine("2025-05-15T09:00:00Z", |app| {
        shipped(app, &[GONE.to_owned()]);
        refreshed(app);
        billed(app, "2025-05-14", &["GONE"]);
        assert_eq!(audited(app).audited, 1);
        assert_eq!(why(app, "GONE"), [DisputeCode::Svcf], "cancelled, and nothing is owed");

        let later = App { clock: Clock::Fixed("2025-05-20T09:00:00Z".parse().unwrap()), ..app.clone() };
        assert_eq!(audits_differ(&mut conn(&later)).unwrap(), (1, Vec::new()), "time alone changes no audit");
        assert_eq!(audited(&later).audited, 0);
        refreshed(&later);
        assert_eq!(audited(&later).audited, 1);
        assert_eq!(why(&later, "GONE"), [DisputeCode::Accr]);
        assert_eq!(audits_differ(&mut conn(&later)).unwrap(), (1, Vec::new()));
    });
}
