//! Expected charges on both databases: what is priced, what makes it stale, and that twice changes nothing.

mod events;
mod particulars;
mod replaced;
mod together;

use std::ops::ControlFlow;
use std::path::Path;

use diesel::connection::SimpleConnection;

use super::check::charges_differ;
use super::view::{coverage, expected_view};
use crate::app::App;
use crate::app::attention::attention;
use crate::app::backtest::sheets::table_csv;
use crate::app::backtest::{BacktestRequest, backtest};
use crate::app::contract::draft::{pricing_save_in_tx, version_create};
use crate::app::contract::tests::agree;
use crate::app::contract::{contract_create, contract_end, contract_seen};
use crate::app::evidence::{PAGE_ROWS, Part, Pick, Rows, behind};
use crate::app::import::{ImportReport, ImportRequest, import};
use crate::app::refresh::check::{SumsChecked, sums_differ};
use crate::app::refresh::{RefreshReport, anything_stale, refresh};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::conn::Loan;
use crate::db::contract::{contract_show, version_show};
use crate::db::dialect::write_tx;
use crate::db::dimension::Dimensions;
use crate::db::expected::{StoredExpected, expected_of_day_unscoped, unrated_list};
use crate::db::fold::stale_days;
use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::db::shipment::{Source, shipments_by_reference};
use crate::domain::accessorial::{AccessorialRate, AccessorialRules, AccessorialUnit, Evidence};
use crate::domain::attention::{Kind, Place};
use crate::domain::backtest::LANES_MAX;
use crate::domain::backtest::ask::Ask;
use crate::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, RenewalKind, VersionFields, VersionKind,
};
use crate::domain::currency::Currency;
use crate::domain::expected::ExpectedStatus;
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod, FuelProgramme};
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::money::{Bps, Micros};
use crate::domain::rate::{Band, Cell, Lane, RateBasis, RateLine, RateTerms};
use crate::domain::viewer::{Role, Viewer};
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;

const NOW: &str = "2025-07-08T09:00:00Z";
const LATER: &str = "2025-07-09T09:00:00Z";

/// Two weeks and a day of loads of `P1`, one on a lane without a rate; `P2` has no rates.
const SHIPMENTS: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,linehaul,freight_total,rated_total
W1-A,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,100,120,
W1-B,P1,Alpha,Beta,2025-05-12T10:00:00Z,2025-05-13,2025-05-13T10:00:00Z,100,110,
W2-A,P1,Alpha,Beta,2025-05-13T10:00:00Z,2025-05-14,2025-05-14T10:00:00Z,100,110,
W2-B,P1,Alpha,Beta,2025-05-14T10:00:00Z,2025-05-15,2025-05-15T10:00:00Z,100,110,
W2-C,P1,Alpha,Beta,2025-05-19T10:00:00Z,2025-05-19,2025-05-19T20:00:00Z,100,110,100
W3-A,P1,Alpha,Beta,2025-05-20T10:00:00Z,2025-05-20,2025-05-20T20:00:00Z,100,110,
LOST,P1,Alpha,Gamma,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,100,110,
FREE,P2,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,100,110,
";
pub(in crate::app) const FUEL: &str =
    "index,published_on,price\nDIESEL,2025-05-05,3.50\nDIESEL,2025-05-19,3.60\n";

fn at(app: &App, now: &str) -> App {
    App { clock: Clock::Fixed(now.parse().unwrap()), ..app.clone() }
}

pub(in crate::app) fn conn(app: &App) -> Loan {
    app.pool.get().unwrap()
}

fn dina() -> Viewer {
    viewer("Dina", Role::Procurement)
}

pub(in crate::app) fn load(app: &App, kind: ImportKind, text: &str) -> ImportReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.csv");
    std::fs::write(&path, text).unwrap();
    load_file(app, kind, &path)
}

fn load_file(app: &App, kind: ImportKind, path: &Path) -> ImportReport {
    let mapping = Mapping::identity(kind);
    let rejects = path.with_extension("rejects.csv");
    let request =
        ImportRequest { path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: false };
    let report = import(app, &request, &|_| ()).unwrap();
    assert_eq!(report.rows_rejected, 0, "{report:?}");
    report
}

pub(in crate::app) fn refreshed(app: &App) -> RefreshReport {
    refresh(app, app.now(), |_, _| ()).unwrap()
}

pub(in crate::app) fn partner(app: &App, code: &str) -> i64 {
    Dimensions::load(&mut conn(app), &app.ids, app.now()).unwrap().partner(code).unwrap()
}

/// So much a load from Alpha to Beta; 10 % fuel from 3.00 on, 20 % from 4.00 on.
pub(in crate::app) fn terms(load: i64) -> RateTerms {
    let mut line = RateLine::new("LOAD", "Load", RateBasis::Flat);
    line.cells = vec![Cell {
        column: 0,
        first: Band::ALL,
        second: Band::ALL,
        rate: Micros(load * 1_000_000),
        prior: None,
        min: None,
    }];
    let lane = Lane {
        code: "A-B".to_owned(),
        origin: "facility:Alpha".parse().unwrap(),
        destination: "facility:Beta".parse().unwrap(),
        equipment: None,
        service: None,
        transit_business_days: None,
        line: "LOAD".to_owned(),
    };
    let bracket = |from: i64, to: Option<i64>, percent: i64| FuelBracket {
        from: Micros(from * 1_000_000),
        to: to.map(|to| Micros(to * 1_000_000)),
        value: Micros(percent * 1_000_000),
    };
    let fuel = FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "DIESEL".to_owned(),
        method: Some(FuelMethod::Table {
            brackets: vec![bracket(0, Some(3), 0), bracket(3, Some(4), 10), bracket(4, None, 20)],
        }),
        basis: FuelBasis::PctOfBase,
        effective_days: 1,
        cadence_days: 7,
        floor: None,
        cap: None,
        applies_to: Vec::new(),
        valid_from: None,
        valid_to: None,
        currency: None,
    };
    RateTerms { lanes: vec![lane], lines: vec![line], fuel: vec![fuel], ..RateTerms::empty(Currency::USD) }
}

/// What a contract in dollars from 2025 on says of itself.
fn in_dollars(number: &str, title: &str) -> ContractFields {
    ContractFields {
        number: number.to_owned(),
        title: title.to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Draft,
            term_start: "2025-01-01".parse().unwrap(),
            term_end: None,
            renewal: RenewalKind::Evergreen,
            renewal_months: None,
            notice_days: 1,
        },
    }
}

/// What is charged for a code, in whole dollars: by the hour after two of them with times as evidence, or else without any.
pub(in crate::app) fn rate(code: &str, unit: AccessorialUnit, dollars: i64) -> AccessorialRate {
    let hourly = unit == AccessorialUnit::PerHour;
    AccessorialRate {
        code: code.to_owned(),
        label: code.to_owned(),
        unit,
        rate: (unit != AccessorialUnit::PassThrough).then_some(Micros(dollars * 1_000_000)),
        share: None,
        free_quantity: if hourly { 120 } else { 0 },
        increment_minutes: hourly.then_some(30),
        min: None,
        max: None,
        cap: None,
        cap_scope: None,
        rules: AccessorialRules {
            evidence: if hourly { Evidence::Times } else { Evidence::None },
            ..AccessorialRules::default()
        },
    }
}

/// A contract of the partner with that price a load, written by one and approved by another.
pub(in crate::app) fn contract(app: &App, partner_id: i64, load: i64) -> i64 {
    contract_with(app, partner_id, terms(load))
}

/// As [`contract`], with these terms.
pub(in crate::app) fn contract_with(app: &App, partner_id: i64, terms: RateTerms) -> i64 {
    contract_and(app, partner_id, terms, |_| ())
}

/// As [`contract_with`]; `more` writes the rest of the draft, whose id it is given.
pub(in crate::app) fn contract_and(
    app: &App,
    partner_id: i64,
    terms: RateTerms,
    more: impl FnOnce(i64),
) -> i64 {
    let fields = in_dollars(&format!("C-{partner_id}"), "Loads");
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
    price_by(app, version, terms);
    more(version);
    approve(app, version);
    contract
}

fn price(app: &App, version: i64, load: i64) {
    price_by(app, version, terms(load));
}

fn price_by(app: &App, version: i64, terms: RateTerms) {
    let kept = vec![None; terms.lines.len()];
    write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), version, terms, kept, "")).unwrap();
}

/// From draft to signature.
fn approve(app: &App, version: i64) {
    let partner_id = version_show(&mut conn(app), &Viewer::system(), version).unwrap().unwrap().partner_id;
    agree(app, partner_id, version);
}

fn amended(app: &App, contract: i64, from: &str, load: i64) {
    let fields = VersionFields {
        kind: VersionKind::RateUpdate,
        valid_from: from.parse().unwrap(),
        change_summary: "dearer".to_owned(),
    };
    let version = version_create(app, &mut conn(app), &dina(), contract, &fields).unwrap();
    price(app, version, load);
    approve(app, version);
}

/// Code of the lane from Alpha to Gamma.
fn lane_code(app: &App) -> String {
    use diesel::prelude::*;

    use crate::db::schema::lanes;
    lanes::table.filter(lanes::destination.eq("Gamma")).select(lanes::code).first(&mut *conn(app)).unwrap()
}

/// The stored charge of one reference.
fn charge(app: &App, reference: &str) -> Option<StoredExpected> {
    let mut db = conn(app);
    let partner_id = partner(app, if reference == "FREE" { "P2" } else { "P1" });
    let row = shipments_by_reference(&mut db, &Viewer::system(), partner_id, reference).unwrap().remove(0);
    expected_of_day_unscoped(&mut db, &[partner_id], row.obligation_day.0)
        .unwrap()
        .remove(&(partner_id, row.id))
}

fn total(app: &App, reference: &str) -> Option<i64> {
    charge(app, reference)?.expected.parts.map(|parts| parts.total().0 / 10_000)
}

fn sums(app: &App, code: &str) -> Measures {
    let mut sum = Measures::default();
    let filter = CellFilter::default().of_partner(partner(app, code));
    measure_cells_fold(&mut conn(app), &Viewer::system(), &filter, |cell| sum += &cell.measures).unwrap();
    sum
}

/// Nothing waits, sums and charges are what the facts give, and every charge can be made again.
#[track_caller]
fn assert_sound(app: &App, charges: i64) {
    let mut db = conn(app);
    assert!(!anything_stale(&mut db, app.now()).unwrap());
    let SumsChecked { waiting, differences, .. } = sums_differ(&mut db, app.now()).unwrap();
    assert_eq!((waiting, differences.len()), (0, 0), "{differences:?}");
    assert_eq!(charges_differ(&mut db).unwrap(), (charges, charges, Vec::new()));
}

/// Shipments, prices and a contract of `P1` at 100 a load, refreshed.
pub(in crate::app) fn worked(app: &App) -> i64 {
    load(app, ImportKind::Shipments, SHIPMENTS);
    load(app, ImportKind::Fuel, FUEL);
    refreshed(app);
    let contract = contract(app, partner(app, "P1"), 100);
    assert!(anything_stale(&mut conn(app), app.now()).unwrap(), "a version came into force");
    let report = refreshed(app);
    assert_eq!(report.charges, 7, "every shipment of P1");
    contract
}

#[test]
fn every_shipment_of_a_partner_with_rates_is_priced_and_counted_once() {
    on_each_engine(NOW, |app| {
        worked(app);
        for reference in ["W1-A", "W1-B", "W2-A", "W2-B", "W2-C", "W3-A"] {
            assert_eq!(total(app, reference), Some(11_000), "{reference}: 100 and 10 % fuel");
        }
        let first = charge(app, "W1-A").unwrap().expected;
        assert_eq!(first.fuel_published_on, "2025-05-05".parse().ok());
        assert_eq!(first.lines.iter().map(|l| l.code.as_str()).collect::<Vec<_>>(), ["400", "405"]);
        let lost = charge(app, "LOST").unwrap().expected;
        assert_eq!(lost.status, ExpectedStatus::Unrated);
        assert_eq!(lost.reason.as_deref(), Some("no lane goes from Alpha to Gamma"));
        assert_eq!((lost.parts, lost.lines.len()), (None, 0));
        assert_eq!(charge(app, "FREE"), None, "no rates, no charge");

        // W2-C says itself that 100 is right; LOST has no amount to compare; the others have 110 each.
        let compared = sums(app, "P1").billed_to_rated;
        assert_eq!((compared.numerator, compared.denominator), (670_000_000, 650_000_000));
        assert_eq!(sums(app, "P2").billed_to_rated.denominator, 0);

        // What the KPI counts is what its page lists, with the amount it counts.
        let of = (partner(app, "P1"), "2025-05".parse().unwrap(), app.now());
        let behind = behind(
            &mut conn(app),
            &Viewer::system(),
            of,
            (Kpi::Cvc, Pick::All, &Part::default()),
            (None, PAGE_ROWS),
        )
        .unwrap();
        let Rows::Shipments(rows) = behind.rows else { panic!("shipments are behind it") };
        let rated: i64 = rows.iter().filter_map(|row| behind.names.rated(row)).map(|rated| rated.0).sum();
        assert_eq!((rows.len(), rated), (6, 650_000_000));
        assert_eq!(sums(app, "P1").rated, 6);

        let again = refreshed(app);
        assert_eq!((again.days, again.charges), (0, 0));
        assert_eq!(load(app, ImportKind::Shipments, SHIPMENTS).rows_same, 8);
        assert_eq!(refreshed(app), RefreshReport::default(), "the same file again changes nothing");
        assert_sound(app, 7);
    });
}

#[test]
fn a_late_fuel_price_rates_its_week_again_and_nothing_else() {
    on_each_engine(NOW, |app| {
        worked(app);
        let before = charge(app, "W1-A");
        let later = at(app, LATER);
        load(
            &later,
            ImportKind::Fuel,
            "index,published_on,price\nDIESEL,2025-05-12,4.10\nOTHER,2025-05-12,9\n",
        );
        let days = stale_days(&mut conn(app), Source::Shipments).unwrap();
        let days: Vec<String> = days.iter().map(ToString::to_string).collect();
        assert_eq!(days, ["2025-05-14", "2025-05-15", "2025-05-19"], "the days of that week's pickups");
        let report = refreshed(&later);
        assert_eq!((report.days, report.charges), (3, 3));
        for (reference, cents) in [
            ("W1-A", 11_000),
            ("W1-B", 11_000),
            ("W2-A", 12_000),
            ("W2-B", 12_000),
            ("W2-C", 12_000),
            ("W3-A", 11_000),
        ] {
            assert_eq!(total(app, reference), Some(cents), "{reference}");
        }
        assert_eq!(charge(app, "W1-A"), before, "known as before");
        assert_eq!(
            charge(app, "W2-A").unwrap().known_at,
            LATER.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
        );
        let compared = sums(app, "P1").billed_to_rated;
        assert_eq!(compared.denominator, 670_000_000, "two of the three read it");
        assert_eq!(
            load(&later, ImportKind::Fuel, "index,published_on,price\nDIESEL,2025-05-12,4.10\n").rows_same,
            1
        );
        assert_eq!(refreshed(&later), RefreshReport::default());
        assert_sound(&later, 7);
    });
}

/// The clock stands, as in a demo: the order of the statements decides, and each was known at a moment of its own.
#[test]
fn a_price_corrected_twice_at_one_moment_counts_as_it_was_said_last() {
    on_each_engine(NOW, |app| {
        worked(app);
        let fuel = |price: &str| {
            let file = format!("index,published_on,price\nDIESEL,2025-05-05,{price}\n");
            let said = load(app, ImportKind::Fuel, &file);
            (said.rows_new, said.rows_changed, said.rows_same)
        };
        assert_eq!(
            [fuel("4.10"), fuel("3.50"), fuel("4.20"), fuel("4.20")],
            [(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)]
        );
        refreshed(app);
        assert_eq!(total(app, "W1-A"), Some(12_000), "by what was said last");
        assert_sound(app, 7);
        let now: chrono::DateTime<chrono::Utc> = NOW.parse().unwrap();
        let of_day = |microseconds: i64| -> Vec<i64> {
            let known = now + chrono::TimeDelta::microseconds(microseconds);
            let all = crate::db::market::fuel_price_list(&mut conn(app), known).unwrap();
            let of_day = all.iter().filter(|price| price.published_on.to_string() == "2025-05-05");
            of_day.map(|price| price.price.0 / 10_000).collect()
        };
        assert_eq!(of_day(0), [350], "what was known before the corrections");
        assert_eq!((of_day(2), of_day(3)), (vec![350, 410, 350], vec![350, 410, 350, 420]));

        let rate = |rate: &str| {
            load(app, ImportKind::Fx, &format!("base,quote,day,rate\nEUR,USD,2025-05-05,{rate}\n"))
        };
        assert_eq!((rate("1.10").rows_new, rate("1.20").rows_changed, rate("1.15").rows_changed), (1, 1, 1));
        // One file that contradicts itself is another thing.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.csv");
        std::fs::write(
            &path,
            "index,published_on,price\nNEW,2025-05-05,3\nNEW,2025-05-05,4\nNEW,2025-05-05,3\n",
        )
        .unwrap();
        let mapping = Mapping::identity(ImportKind::Fuel);
        let rejects = folder.path().join("rejects.csv");
        let request = ImportRequest {
            path: &path,
            mapping: &mapping,
            by: "test",
            rejects: rejects.clone(),
            dry_run: false,
            refresh: false,
        };
        let said = import(app, &request, &|_| ()).unwrap();
        assert_eq!((said.rows_new, said.rows_same, said.rows_rejected), (1, 1, 1));
        let told = std::fs::read_to_string(rejects).unwrap();
        assert!(
            told.contains("a row before it in this file says something else about the same day"),
            "{told}"
        );
    });
}

#[test]
fn a_late_version_rates_the_days_from_its_first_and_an_end_takes_the_charges_away() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        amended(app, contract, "2025-05-14", 200);
        assert_eq!(refreshed(app).charges, 3, "W2-B, W2-C and W3-A");
        // The price cap of 4 % holds 200 to 104; 10 % fuel come on top.
        for (reference, cents) in [("W2-A", 11_000), ("W2-B", 11_440), ("W2-C", 11_440), ("W3-A", 11_440)] {
            assert_eq!(total(app, reference), Some(cents), "{reference}");
        }
        assert_ne!(
            charge(app, "W2-A").unwrap().expected.version_id,
            charge(app, "W2-B").unwrap().expected.version_id
        );
        assert_eq!(refreshed(app), RefreshReport::default());
        assert_sound(app, 7);

        // Ended from tomorrow on: nothing of the past changes.
        let shown = contract_show(&mut conn(app), &dina(), contract).unwrap().unwrap();
        contract_end(
            app,
            &mut conn(app),
            &dina(),
            contract,
            &contract_seen(&shown),
            "2025-08-01".parse().unwrap(),
        )
        .unwrap();
        assert_eq!(refreshed(app).charges, 0);
        assert_sound(app, 7);
    });
}

#[test]
fn a_corrected_shipment_or_lane_is_priced_again() {
    on_each_engine(NOW, |app| {
        worked(app);
        let moved = SHIPMENTS.replace(
            "W1-A,P1,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07",
            "W1-A,P1,Alpha,Gamma,2025-05-06T10:00:00Z,2025-05-08",
        );
        assert_eq!(load(app, ImportKind::Shipments, &moved).rows_changed, 1);
        assert_eq!(refreshed(app).charges, 2, "the old row goes with its day, the new one comes");
        assert_eq!(charge(app, "W1-A").unwrap().expected.status, ExpectedStatus::Unrated);
        // The lane of LOST and W1-A ends at Beta after all: both are priced, and only they.
        let lane = lane_code(app);
        let text = format!("code,origin,destination\n{lane},Alpha,Beta\n");
        assert_eq!(load(app, ImportKind::Lanes, &text).rows_changed, 1);
        assert_eq!(refreshed(app).charges, 2);
        assert_eq!((total(app, "W1-A"), total(app, "LOST")), (Some(11_000), Some(11_000)));
        assert_sound(app, 7);
    });
}

#[test]
fn a_charge_edited_by_hand_is_found() {
    on_each_engine(NOW, |app| {
        worked(app);
        let edit = "UPDATE expected_charges SET base_micros = base_micros + 10000, total_micros = total_micros + 10000 \
                    WHERE status = 'RATED' AND shipment_id = \
                    (SELECT MIN(shipment_id) FROM expected_charges WHERE status = 'RATED')";
        conn(app).batch_execute(edit).unwrap();
        let mut db = conn(app);
        let (_, _, told) = charges_differ(&mut db).unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("its expected charge is not what contract C-"), "{told:?}");
        let differences = sums_differ(&mut db, app.now()).unwrap().differences;
        assert!(
            differences.iter().any(|line| line.contains("1 stored expected charges differ")),
            "{differences:?}"
        );
    });
}

#[test]
fn a_page_shows_the_steps_and_a_contract_what_it_cannot_price() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let (p1, p2) = (partner(app, "P1"), partner(app, "P2"));
        let key = charge(app, "W1-A").unwrap().key;
        let mut db = conn(app);
        let view = expected_view(&mut db, &Viewer::system(), key).unwrap().unwrap();
        assert!(view.same);
        assert_eq!((view.version_no, view.lines.len()), (1, 2));
        assert_eq!(view.lines[0].label, "Load");
        assert!(view.trace.iter().any(|line| line.text.contains("DIESEL")), "{:?}", view.trace);
        assert!(expected_view(&mut db, &partner_viewer(p1), key).unwrap().is_some(), "its own");
        assert!(expected_view(&mut db, &partner_viewer(p2), key).unwrap().is_none(), "another's");

        let found = coverage(&mut db, &Viewer::system(), (p1, contract)).unwrap();
        assert_eq!((found.rated, found.unrated, found.not_applicable), (6, 1, 0));
        let reason = &found.reasons[0];
        assert_eq!((reason.text.as_str(), reason.shipments), ("no lane goes from Alpha to Gamma", 1));
        assert_eq!(reason.example.as_ref().map(|(_, reference)| reference.as_str()), Some("LOST"));
        assert_eq!(coverage(&mut db, &partner_viewer(p2), (p1, contract)).unwrap().rated, 0);
        let lost = unrated_list(&mut db, &Viewer::system(), "2024-01-01".parse().unwrap()).unwrap();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!(
            (lost[0].0, lost[0].1.reason.as_str(), lost[0].1.shipments),
            (contract, reason.text.as_str(), 1)
        );
        assert_eq!(lost[0].1.first, lost[0].1.last);
        assert_eq!(unrated_list(&mut db, &partner_viewer(p2), "2024-01-01".parse().unwrap()).unwrap(), []);
        assert_eq!(unrated_list(&mut db, &partner_viewer(p1), "2024-01-01".parse().unwrap()).unwrap(), lost);
        let (items, _) = attention(app, &mut db, &Viewer::system()).unwrap();
        let found: Vec<_> =
            items.iter().filter(|item| item.kind == Kind::Unrated).map(|item| item.place).collect();
        assert_eq!(found, [Place::Rates(contract)]);
    });
}

/// A draft that prices another lane is not cheaper for the six loads it has no price for.
#[test]
fn what_only_one_side_prices_is_told_and_is_no_difference() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: "2026-01-01".parse().unwrap(),
            change_summary: "another lane".to_owned(),
        };
        let draft = version_create(app, &mut conn(app), &dina(), contract, &fields).unwrap();
        let mut other = terms(120);
        other.lanes[0].destination = "facility:Gamma".parse().unwrap();
        write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), draft, other, vec![None], ""))
            .unwrap();
        let number = format!("C-{}", partner(app, "P1"));
        let ask = Ask { versions: vec![1, 2], ..Ask::newest("2025-05".parse().unwrap()) };
        let request =
            BacktestRequest { contract: &number, ask: &ask, shipments_max: None, lanes_max: LANES_MAX };
        let report =
            backtest(app, &mut conn(app), &dina(), &request, |_, _| ControlFlow::Continue(())).unwrap();
        let version = &report.total.versions[1];
        assert_eq!((version.tally.total.as_str(), version.difference.as_deref()), ("132.00", None));
        assert_eq!((version.compared, version.left_out), (0, 7));
        let sides = (&version.only_in_force, &version.only_version);
        assert_eq!((sides.0.shipments, sides.0.total.as_str()), (6, "660.00"));
        assert_eq!((sides.1.shipments, sides.1.total.as_str()), (1, "132.00"));
        let net = &report.net.total.versions[1];
        assert_eq!((net.net_cost.as_deref(), net.difference.as_deref()), (Some("132.00"), None));
        assert_eq!(
            report.left_out_words(),
            [
                "The difference of version 1 is over the 6 shipments that both sides price and leaves out 1: 1 neither \
                 side prices.",
                "The difference of version 2 is over the 0 shipments that both sides price and leaves out 7: 6 only what \
                 was in force prices (660.00 USD), 1 only version 2 prices (132.00 USD)."
            ]
        );
        let table = String::from_utf8(table_csv(&report).unwrap()).unwrap();
        assert!(
            table.contains("2,all,,660.00,132.00,,0.00,0.00,0.00,0.00,0.00,0,7,660.00,132.00,1,6"),
            "{table}"
        );
    });
}

/// A pickup that is only planned, one cancelled, and one on another local day than the UTC one.
const TIMED: &str = "\
reference,partner,origin,destination,region,service,equipment,pieces,weight_kg,pickup_due_date,picked_up_at,pickup_zone,delivery_due_date,delivered_at,cancelled_at,freight_total
PLAN,P1,Alpha,Beta,NE,STD,VAN,2,100,2025-05-12,,America/Chicago,2025-05-14,2025-05-14T10:00:00Z,,110
GONE,P1,Alpha,Beta,NE,STD,VAN,2,100,2025-05-12,,America/Chicago,2025-05-14,,2025-05-11T10:00:00Z,
EDGE,P1,Alpha,Beta,NE,EXP,VAN,2,100,,2025-05-20T03:00:00Z,America/Chicago,2025-05-21,2025-05-21T10:00:00Z,,110
";

#[test]
fn what_a_replay_leaves_unread_of_a_shipment_changes_no_price() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        load(app, ImportKind::Shipments, TIMED);
        load(app, ImportKind::Fuel, "index,published_on,price\nDIESEL,2025-05-19,4.50\n");
        refreshed(app);
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: "2026-01-01".parse().unwrap(),
            change_summary: "looks at deliveries".to_owned(),
        };
        let draft = version_create(app, &mut conn(app), &dina(), contract, &fields).unwrap();
        let mut asks = terms(100);
        // No delivery is at that time, but it has to be read.
        asks.parameters.not_applicable = Some("delivery time between 03:00 and 03:01".parse().unwrap());
        write_tx(&mut conn(app), |db| pricing_save_in_tx(app, db, &dina(), draft, asks, vec![None], ""))
            .unwrap();
        let number = format!("C-{}", partner(app, "P1"));
        let replay = |versions: &[i32]| {
            let ask = Ask { versions: versions.to_vec(), ..Ask::newest("2025-05".parse().unwrap()) };
            let request =
                BacktestRequest { contract: &number, ask: &ask, shipments_max: None, lanes_max: LANES_MAX };
            backtest(app, &mut conn(app), &dina(), &request, |_, _| ControlFlow::Continue(())).unwrap()
        };
        let (brief, whole) = (replay(&[1]), replay(&[1, 2]));
        assert_eq!((brief.shipments, whole.shipments), (10, 10));
        // Nine on the priced lane, one of them cancelled: seven of 100 with 10 % fuel, W3-A with 20 %.
        let told = &whole.total;
        assert_eq!((told.in_force.rated, told.in_force.not_applicable, told.in_force.unrated), (8, 1, 1));
        assert_eq!(told.in_force.total, "890.00");
        assert_eq!(told.versions[1].tally, told.versions[0].tally, "nothing was delivered at that time");
        let groups = |report: &crate::app::backtest::BacktestReport| {
            let all = [&report.months, &report.services, &report.lanes].into_iter().flatten();
            let of = |sums: &crate::app::backtest::Shown| (sums.in_force.clone(), sums.versions[0].clone());
            let named = all.map(|named| (named.name.clone(), of(&named.sums)));
            std::iter::once((String::new(), of(&report.total))).chain(named).collect::<Vec<_>>()
        };
        assert_eq!(groups(&brief), groups(&whole));
    });
}

#[test]
fn a_period_is_replayed_under_a_draft_and_an_increase() {
    on_each_engine(NOW, |app| {
        let contract = worked(app);
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: "2026-01-01".parse().unwrap(),
            change_summary: "asked for".to_owned(),
        };
        let draft = version_create(app, &mut conn(app), &dina(), contract, &fields).unwrap();
        price(app, draft, 120);
        let number = format!("C-{}", partner(app, "P1"));
        let run = |viewer: &Viewer, versions: &[i32], increase: Option<i64>, most: Option<u64>| {
            let ask = Ask {
                versions: versions.to_vec(),
                increase: increase.map(Bps),
                ..Ask::newest("2025-05".parse().unwrap())
            };
            let request =
                BacktestRequest { contract: &number, ask: &ask, shipments_max: most, lanes_max: LANES_MAX };
            backtest(app, &mut conn(app), viewer, &request, |_, _| ControlFlow::Continue(()))
        };
        let report = run(&dina(), &[], None, None).unwrap();
        assert_eq!((report.shipments, report.versions[0].version), (7, 2), "the draft is the newest");
        let total = &report.total;
        assert_eq!((total.in_force.total.as_str(), total.in_force.unrated), ("660.00", 1));
        let version = &total.versions[0];
        assert_eq!((version.tally.total.as_str(), version.difference.as_deref()), ("792.00", Some("132.00")));
        assert_eq!((version.causes.base.as_str(), version.causes.fuel.as_str()), ("120.00", "12.00"));
        assert_eq!((version.compared, version.left_out, version.tally.rated), (6, 1, 6));
        assert_eq!(report.months.len(), 1);
        assert_eq!(report.lanes.len(), 2, "{:?}", report.lanes);

        let report = run(&dina(), &[1, 2], Some(1_000), None).unwrap();
        let totals: Vec<&str> = report.total.versions.iter().map(|v| v.tally.total.as_str()).collect();
        // What is agreed caps an increase at 4 %; the draft says nothing of a cap yet.
        assert_eq!(totals, ["686.40", "871.20"], "10 % on the table rate, fuel follows");
        assert_eq!(refreshed(app), RefreshReport::default(), "a backtest stores nothing");

        for (refused, said) in [
            (run(&dina(), &[9], None, None), "has no version 9"),
            (run(&dina(), &[1; 11], None, None), "at most VERSIONS_MAX = 10"),
            (run(&dina(), &[1], Some(20_000), None), "between −100 % and 100 %"),
            (run(&dina(), &[1], None, Some(6)), "more than 6 shipments"),
            (run(&partner_viewer(partner(app, "P2")), &[1], None, None), "there is no contract"),
        ] {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(said), "{told}");
        }
    });
}
