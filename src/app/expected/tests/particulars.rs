//! What a price may depend on beside weight and distance comes with the shipments, on both databases: it is stored once,
//! priced by the one reader, and a change of it prices that shipment again.

use super::*;
use crate::app::contract::draft::{rate_save, version_seen};
use crate::app::evidence::shipment;
use crate::domain::accessorial::AccessorialTrigger;
use crate::domain::quantity::ChargeUnit;
use crate::domain::rate::RatingDate;

/// By the pallet, with a liftgate where one is flagged; the version is the one of the day of the order.
const SAID: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,freight_total,pallets,flags,ordered,class,length,width,height,length_unit,volume_m3
A,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,120,3,liftgate | residential,2025-05-01,92.5,120,80,100,CM,2.88
B,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,120,2,,2024-12-30,,,,,,
C,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,120,,,2025-05-01,,,,,,
";

fn agreed(app: &App) -> i64 {
    let fields = in_dollars("C-1", "Pallets");
    let p1 = partner(app, "P1");
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), p1, &fields).unwrap();
    let mut by_pallet = terms(50);
    by_pallet.fuel = Vec::new();
    by_pallet.lines[0].basis = RateBasis::PerUnit;
    by_pallet.lines[0].unit = Some(ChargeUnit::Pallet);
    by_pallet.parameters.rating_date = RatingDate::Ordered;
    write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), version, by_pallet, vec![None], ""))
        .unwrap();
    let liftgate = AccessorialRate {
        rules: AccessorialRules {
            trigger: AccessorialTrigger::Automatic,
            condition: Some("flag liftgate".parse().unwrap()),
            ..AccessorialRules::default()
        },
        ..rate("LFT", AccessorialUnit::PerOccurrence, 75)
    };
    let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
    rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate, None).unwrap();
    approve(app, version);
    contract
}

#[test]
fn shipments_are_priced_by_pallets_flags_and_the_day_of_the_order() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SAID);
        agreed(app);
        assert_eq!(refreshed(app).charges, 2, "B was ordered before the contract began");
        assert_eq!(total(app, "A"), Some(22_500), "3 pallets of 50 and a liftgate of 75");
        assert_eq!(charge(app, "B"), None);
        let lacks = charge(app, "C").unwrap().expected;
        assert_eq!(lacks.status, ExpectedStatus::Unrated, "{:?}", lacks.reason);

        // What is shown is what was said, to whoever may see the partner.
        let whole =
            |viewer: &Viewer| shipment(&mut conn(app), viewer, partner(app, "P1"), "file", "A").unwrap();
        let said = whole(&Viewer::system()).and_then(|whole| whole.particulars).expect("it is stored");
        assert_eq!((said.class.as_str(), said.flags.len()), ("92.5", 2));
        assert_eq!(said.sides, Some([Micros(120_000_000), Micros(80_000_000), Micros(100_000_000)]));
        assert_eq!(said.volume_m3, Some(Micros(2_880_000)));
        assert!(whole(&partner_viewer(partner(app, "P1") + 1)).is_none());

        // The same rows again are no-ops; a change of one fact prices that shipment again, and only it.
        assert_eq!(load(app, ImportKind::Shipments, SAID).rows_same, 3);
        let changed = SAID
            .replace("120,3,liftgate | residential", "120,4,residential")
            .replace("120,2,,2024-12-30", "120,2,,2025-01-02");
        assert_eq!(load(app, ImportKind::Shipments, &changed).rows_changed, 2);
        assert_eq!(refreshed(app).charges, 2);
        assert_eq!((total(app, "A"), total(app, "B")), (Some(20_000), Some(10_000)));
        let was = &shipment(&mut conn(app), &Viewer::system(), partner(app, "P1"), "file", "A")
            .unwrap()
            .unwrap()
            .versions[0];
        assert!(was.fact.contains("liftgate | residential") || was.fact.contains("liftgate|residential"));

        // A row that says nothing of it any more has nothing beside it.
        let silent = "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,freight_total\n\
                      A,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,120\n";
        assert_eq!(load(app, ImportKind::Shipments, silent).rows_changed, 1);
        refreshed(app);
        assert_eq!(whole(&Viewer::system()).unwrap().particulars, None);
        // Without a day of the order the version is that of its obligation day, and no pallets have no price.
        assert_eq!(total(app, "A"), None);
        let SumsChecked { differences, .. } = sums_differ(&mut conn(app), app.now()).unwrap();
        assert!(differences.is_empty(), "{differences:?}");
        let (checked, stored, told) = charges_differ(&mut conn(app)).unwrap();
        assert_eq!((checked, told), (stored, Vec::new()));
    });
}

#[test]
fn a_replay_rates_by_what_is_stored_and_half_a_size_is_refused() {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SAID);
        agreed(app);
        refreshed(app);
        let ask = Ask { versions: vec![1], ..Ask::newest("2025-05".parse().unwrap()) };
        let request =
            BacktestRequest { contract: "C-1", ask: &ask, shipments_max: None, lanes_max: LANES_MAX };
        let report =
            backtest(app, &mut conn(app), &dina(), &request, |_, _| ControlFlow::Continue(())).unwrap();
        // Tried, the version prices B as well, whatever its own dates.
        let version = &report.total.versions[0];
        assert_eq!((version.tally.total.as_str(), version.difference.as_deref()), ("325.00", Some("0.00")));
        assert_eq!((version.only_version.total.as_str(), version.left_out), ("100.00", 2));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.csv");
        std::fs::write(&path, SAID.replace("120,80,100,CM", "120,,100,CM")).unwrap();
        let request = ImportRequest {
            path: &path,
            mapping: &Mapping::identity(ImportKind::Shipments),
            by: "test",
            rejects: path.with_extension("rejects.csv"),
            dry_run: false,
            refresh: false,
        };
        assert_eq!(import(app, &request, &|_| ()).unwrap().rows_rejected, 1);
        let told = std::fs::read_to_string(path.with_extension("rejects.csv")).unwrap();
        assert!(told.contains("give all three or none"), "{told}");
    });
}
