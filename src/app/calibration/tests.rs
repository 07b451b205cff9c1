//! Calibration on both databases: what is compared, what a mapped code changes, who sees it.

use super::*;
use crate::app::App;
use crate::app::charge_code::{decide, target};
use crate::app::expected::tests::{FUEL, conn, contract, load, partner, refreshed};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::domain::charge_code::Decided;
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;

const NOW: &str = "2025-07-08T09:00:00Z";

/// Ten loads of May from Alpha to Beta at 100 by contract, and what came beside them.
fn shipments() -> String {
    let mut text = "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,linehaul,fuel,freight_total\n".to_owned();
    for number in 10..20 {
        text.push_str(&format!(
            "L{number},P1,Alpha,Beta,2025-05-{number}T10:00:00Z,2025-05-{number},2025-05-{number}T20:00:00Z,,,\n"
        ));
    }
    text.push_str("SUM,P1,Alpha,Beta,2025-05-12T10:00:00Z,2025-05-12,2025-05-12T20:00:00Z,,,115\n");
    text.push_str("OPEN,P1,Alpha,Beta,2025-05-12T10:00:00Z,2025-05-12,2025-05-12T20:00:00Z,,,\n");
    text.push_str("LOST,P1,Alpha,Gamma,2025-05-12T10:00:00Z,2025-05-12,2025-05-12T20:00:00Z,90,9,99\n");
    text.push_str("JUNE,P1,Alpha,Beta,2025-06-12T10:00:00Z,2025-06-12,2025-06-12T20:00:00Z,500,,500\n");
    text
}

/// Linehaul 4 dearer than agreed on every load, fuel as agreed but once, and one code of the carrier's own.
fn charges() -> String {
    let mut text = "reference,partner,shipment,code,category,amount\n".to_owned();
    for number in 10..20 {
        let fuel = if number == 15 { 30 } else { 10 };
        text.push_str(&format!(
            "{number}-1,P1,L{number},400,LINEHAUL,104\n{number}-2,P1,L{number},FSC,FUEL,{fuel}\n"
        ));
    }
    text.push_str("X,P1,L11,LUMPER,,25\n");
    text
}

fn worked(app: &App) -> String {
    load(app, ImportKind::Shipments, &shipments());
    load(app, ImportKind::Charges, &charges());
    load(app, ImportKind::Fuel, FUEL);
    let partner_id = partner(app, "P1");
    contract(app, partner_id, 100);
    refreshed(app);
    format!("C-{partner_id}")
}

fn request(contract: &str) -> CalibrationRequest<'_> {
    CalibrationRequest { contract, period: "2025-05".parse().unwrap(), shipments_max: SHIPMENTS_MAX }
}

type Told = (String, Option<String>, String, String, String, u64, &'static str);

fn told(rows: &[RowShown]) -> Vec<Told> {
    rows.iter()
        .map(|row| {
            let amounts = (row.modelled.clone(), row.billed.clone(), row.residual.clone());
            (row.of.clone(), None, amounts.0, amounts.1, amounts.2, row.differing, row.signature.code())
        })
        .collect()
}

fn line(
    of: &str,
    modelled: &str,
    billed: &str,
    residual: &str,
    differ: u64,
    signature: &'static str,
) -> Told {
    (of.to_owned(), None, modelled.to_owned(), billed.to_owned(), residual.to_owned(), differ, signature)
}

#[test]
fn a_contract_mistake_and_a_carrier_mistake_are_told_apart() {
    on_each_engine(NOW, |app| {
        let number = worked(app);
        let db = &mut conn(app);
        let fina = viewer("Fina", Role::Finance);
        let report = calibrate(db, &fina, &request(&number), |_, _| ()).unwrap();
        assert_eq!((report.shipments, report.compared, report.not_billed), (13, 11, 1));
        assert_eq!(
            told(&report.types),
            [
                line("LINEHAUL", "1000.00", "1040.00", "-40.00", 10, "SYSTEMATIC"),
                line("UNMAPPED", "0.00", "25.00", "-25.00", 1, "UNMAPPED"),
                line("FUEL", "100.00", "120.00", "-20.00", 1, "SPORADIC"),
                line("WHOLE", "110.00", "115.00", "-5.00", 1, "TOO_FEW"),
            ]
        );
        assert_eq!((report.modelled.as_str(), report.billed.as_str()), ("1210.00", "1300.00"));
        assert_eq!((report.residual.as_str(), report.residual_percent.as_deref()), ("-90.00", Some("-6.92")));
        let (reason, left) = &report.unrated[0];
        assert!(!reason.is_empty());
        assert_eq!((left.shipments, left.billed.as_str()), (1, "99.00"));

        // A code that is mapped counts at once, and nothing stored moved.
        let to = |text: &str| {
            let (kind, code) = target(text);
            Decided { kind: Some(kind), code, note: "tariff item 40".to_owned() }
        };
        let code = (partner(app, "P1"), "LUMPER");
        decide(app, db, &fina, code, None, &to("UNL")).unwrap();
        let again = calibrate(db, &fina, &request(&number), |_, _| ()).unwrap();
        assert_eq!(
            told(&again.types)[1],
            line("ACCESSORIAL:UNL", "0.00", "25.00", "-25.00", 1, "NEVER_MODELLED")
        );
        assert_eq!(again.residual, report.residual);
        decide(app, db, &fina, code, None, &to("OTHER")).unwrap();
        let again = calibrate(db, &fina, &request(&number), |_, _| ()).unwrap();
        assert_eq!((again.residual.as_str(), again.outside_freight.as_str()), ("-65.00", "25.00"));
        assert_eq!(refreshed(app).days, 0, "a mapped code makes no day stale");
    });
}

#[test]
fn behind_a_number_stand_the_shipments_that_make_it() {
    on_each_engine(NOW, |app| {
        let number = worked(app);
        let db = &mut conn(app);
        let system = Viewer::system();
        let report = calibrate(db, &system, &request(&number), |_, _| ()).unwrap();
        for row in report.types.iter().chain(&report.hot_spots) {
            let of: ChargeType = row.of.parse().unwrap();
            let found = behind(db, &system, &request(&number), (&of, row.lane.as_deref()), 1).unwrap();
            assert_eq!(found.row, *row);
            let sum: Micros = found.shipments.iter().map(|shipment| shipment.residual).sum();
            assert_eq!(sum.to_string(), row.residual, "{row:?}");
            let count = row.both + row.only_modelled + row.only_billed;
            assert_eq!(u64::try_from(found.count), Ok(count), "{row:?}");
        }
        let fuel = behind(db, &system, &request(&number), (&ChargeType::Fuel, None), 9).unwrap();
        assert_eq!((fuel.page, fuel.pages), (1, 1));
        let first = &fuel.shipments[0];
        assert_eq!((first.reference.as_str(), first.residual), ("L15", Micros(-20_000_000)));
    });
}

#[test]
fn another_partner_sees_nothing_and_limits_are_told() {
    on_each_engine(NOW, |app| {
        let number = worked(app);
        let db = &mut conn(app);
        let stranger = partner_viewer(partner(app, "P1") + 1);
        let refused = calibrate(db, &stranger, &request(&number), |_, _| ());
        assert!(matches!(refused, Err(CalibrationError::NoContract(_))), "{refused:?}");
        let found =
            calibration_day(db, &stranger, partner(app, "P1"), "2025-05-12".parse().unwrap()).unwrap();
        assert!(found.shipments.is_empty() && found.lines.is_empty() && found.expected.is_empty());
        let short = CalibrationRequest { shipments_max: 12, ..request(&number) };
        let refused = calibrate(db, &Viewer::system(), &short, |_, _| ()).unwrap_err().to_string();
        assert!(refused.contains("more than 12 shipments"), "{refused}");
        let empty = CalibrationRequest { period: "2024".parse().unwrap(), ..request(&number) };
        let report = calibrate(db, &Viewer::system(), &empty, |_, _| ()).unwrap();
        assert_eq!((report.shipments, report.residual.as_str(), report.residual_percent), (0, "0.00", None));
    });
}
