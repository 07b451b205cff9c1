//! Bad terms and bad shipments: each refused, with the place and what to do.

use super::super::*;
use super::samples::*;
use crate::domain::accessorial::{AccessorialRate, AccessorialRules, AccessorialUnit};
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod, FuelProgramme};
use crate::domain::quantity::QUANTITY_MAX;

fn refused(terms: &RateTerms, wanted: &str) {
    let said = problems(terms);
    assert!(said.iter().any(|problem| problem.contains(wanted)), "`{wanted}` is not among {said:?}");
}

fn with(change: impl FnOnce(&mut RateLine)) -> RateTerms {
    let mut line = ltl();
    change(&mut line);
    terms(line)
}

#[test]
fn good_terms_have_no_problems() {
    assert_eq!(problems(&terms(ltl())), [""; 0]);
}

#[test]
fn rates_below_zero_or_absurd() {
    refused(
        &with(|line| line.cells[1].rate = micros("-39.75")),
        "rate line LTL, row 2: the rate -39.75 is not between",
    );
    refused(
        &with(|line| line.cells[4].rate = micros("1000000.01")),
        "row 5: the rate 1,000,000.01 is not between",
    );
    refused(&with(|line| line.cells[0].min = Some(micros("-1"))), "row 1: the minimum and the prior rate");
    refused(&with(|line| line.discount = Bps(10_001)), "a discount is between 0 and 100 %");
    refused(&with(|line| line.max = Some(micros("-1"))), "minimum and maximum must be between");
    refused(&with(|line| line.cells.clear()), "has no rates");
}

#[test]
fn breaks_that_overlap_run_backwards_or_leave_a_gap() {
    let overlap = with(|line| line.cells[1].first = band(400, Some(1_000)));
    refused(&overlap, "rate line LTL, rows 1 and 2: weight 0 to 500 and weight 400 to 1,000 overlap");
    refused(
        &with(|line| line.cells[1].first = band(1_000, Some(500))),
        "row 2: the weight band 1,000 to 500",
    );
    refused(&with(|line| line.cells[1].first = band(500, Some(500))), "row 2: the weight band 500 to 500");
    refused(
        &with(|line| {
            line.cells.remove(2);
        }),
        "rate line LTL: no row holds weight from 1,000",
    );
    refused(&with(|line| line.cells[3] = line.cells[2]), "rows 3 and 4: weight 1,000 to 2,000");
    refused(
        &with(|line| line.cells[0].second = band(1, None)),
        "row 1: has a band on an axis the table does not have",
    );
    refused(&with(|line| line.cells[0].column = 3), "row 1: names column 4 of 1");
}

#[test]
fn a_hole_in_a_matrix_is_named() {
    let holed = with(|line| {
        line.basis = RateBasis::Flat;
        line.second = Some(Axis::Distance);
        let grid = |w: i64, d: i64| Cell {
            first: band(w * 100, Some((w + 1) * 100)),
            second: band(d * 50, Some((d + 1) * 50)),
            ..cell(Band::ALL, "10")
        };
        line.cells = (0..4).flat_map(|w| (0..4).map(move |d| grid(w, d))).collect();
        line.cells.remove(9);
    });
    refused(&holed, "no row holds weight from 200, distance 50 to 100");
    assert_eq!(problems(&holed).len(), 1);
}

#[test]
fn dates_that_end_before_they_start_or_overlap() {
    let turned = with(|line| {
        line.valid_from = "2025-05-15".parse().ok();
        line.valid_to = "2025-05-15".parse().ok();
    });
    refused(&turned, "ends before it starts");
    let mut twice = terms(ltl());
    twice.lines.push(RateLine { valid_from: "2025-05-15".parse().ok(), ..ltl() });
    refused(&twice, "rate line LTL: two of that code hold on 2025-05-15");
    twice.lines[0].valid_to = "2025-05-15".parse().ok();
    assert_eq!(problems(&twice), [""; 0]);
    let rule = |from: &str| DimRule {
        valid_from: from.parse().ok(),
        valid_to: None,
        length_unit: LengthUnit::In,
        weight_rounding: Rounding::UP,
        method: DimMethod::Divisor { divisor: micros("139"), side_rounding: Rounding::UP },
    };
    let mut dims = terms(ltl());
    dims.parameters.dims = vec![rule("2025-01-01"), rule("2025-08-18")];
    refused(&dims, "dims[1] and dims[2]: hold on the same day");
    dims.parameters.dims = vec![DimRule {
        method: DimMethod::Divisor { divisor: Micros::ZERO, side_rounding: Rounding::UP },
        ..rule("2025-01-01")
    }];
    refused(&dims, "dims[1]: divisor, ratios and width must be above 0");
}

#[test]
fn lanes_that_match_twice_are_both_named() {
    let mut tied = terms(ltl());
    tied.lanes = vec![lane("A", "US-TX", "zip3:100", "LTL"), lane("B", "us-tx", "zip2:10", "LTL")];
    refused(&tied, "lanes A and B: both match shipments from US-TX to zip3:100 equally well");
    tied.lanes = vec![lane("A", "US-TX", "US-NY", "LTL"), lane("B", "US-TX", "US-NY", "LTL")];
    refused(&tied, "lanes A and B: both match");
    // The draft's page and the completeness check tell it too, before anybody approves.
    let told = |terms: &RateTerms| -> Vec<String> {
        let open = missing_terms(terms, &Activation::default());
        open.into_iter().map(|open| open.at).filter(|at| at.starts_with("lanes ")).collect()
    };
    assert_eq!(told(&tied), ["lanes A and B"]);
    tied.lanes = vec![lane("A", "US-TX", "US-NY", "LTL"), lane("B", "US-TX", "zip3:100", "LTL")];
    assert!(told(&tied).is_empty(), "the more precise one wins");
    tied.lanes = (0..30).map(|n| lane(&format!("L{n}"), "US-TX", "US-NY", "LTL")).collect();
    assert_eq!(told(&tied).len(), crate::domain::rate::complete::TIES_TOLD);
    tied.lanes = vec![lane("A", "US-TX", "US-NY", "LTL"), lane("B", "US-TX", "US-NY", "LTL")];
    tied.lanes[1].service = Some("express".to_owned());
    assert_eq!(problems(&tied), [""; 0]);
    tied.zones = vec![
        Zone { name: "N".to_owned(), members: vec!["US-NY".parse().unwrap()] },
        Zone { name: "E".to_owned(), members: vec!["city:US-NY-Albany".parse().unwrap()] },
    ];
    tied.lanes = vec![lane("A", "*", "zone:N", "LTL"), lane("B", "*", "zone:E", "LTL")];
    refused(&tied, "lanes A and B: both match");
    tied.lanes = vec![lane("A", "*", "zone:X", "LTL"), lane("B", "*", "US", "NONE")];
    refused(&tied, "lane A: names zone X");
    refused(&tied, "lane B: names rate line NONE");
}

fn liftgate(code: &str) -> AccessorialRate {
    AccessorialRate {
        code: code.to_owned(),
        label: "Liftgate".to_owned(),
        unit: AccessorialUnit::PerOccurrence,
        rate: Some(micros("40")),
        share: None,
        free_quantity: 0,
        increment_minutes: None,
        min: None,
        max: None,
        cap: None,
        cap_scope: None,
        rules: AccessorialRules::default(),
    }
}

#[test]
fn a_hundred_thousand_accessorials_meet_a_named_limit() {
    let mut many = terms(ltl());
    many.accessorials = (0..100_000).map(|n| liftgate(&format!("A{n}"))).collect();
    assert_eq!(problems(&many), ["accessorials: 100000 of them; a contract version holds at most 2000"]);
    many.accessorials.truncate(ACCESSORIALS_MAX);
    assert_eq!(problems(&many), [""; 0]);
}

#[test]
fn accessorials_that_contradict_themselves() {
    let mut wrong = terms(ltl());
    wrong.accessorials = vec![liftgate("LFT"), liftgate("LFT")];
    refused(&wrong, "accessorial LFT: is there twice");
    let mut peak = liftgate("SUR");
    peak.rules.condition = "pickup in calendar PEAK".parse().ok();
    wrong.accessorials = vec![peak];
    refused(&wrong, "accessorial SUR: names calendar PEAK, which the contract does not have");
}

#[test]
fn fuel_that_divides_by_zero_or_has_a_hole() {
    let programme = |method| FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "EIA".to_owned(),
        method,
        basis: FuelBasis::PctOfBase,
        effective_days: 1,
        cadence_days: 7,
        floor: None,
        cap: None,
        applies_to: vec![],
        valid_from: None,
        valid_to: None,
        currency: None,
    };
    let mut wrong = terms(ltl());
    wrong.fuel = vec![programme(Some(FuelMethod::Formula { peg: micros("1.2"), mpg: Micros::ZERO }))];
    refused(&wrong, "fuel programme 405, mpg: the formula divides by it");
    let row =
        |from: &str, to: &str| FuelBracket { from: micros(from), to: Some(micros(to)), value: micros("1") };
    wrong.fuel = vec![programme(Some(FuelMethod::Table { brackets: vec![row("1", "2"), row("2.1", "3")] }))];
    refused(&wrong, "fuel programme 405, brackets[2]: no row holds prices from 2.000 to 2.100");
    wrong.fuel = vec![programme(None)];
    refused(&wrong, "names neither a table nor a formula");
    let open: Vec<String> =
        missing_terms(&wrong, &Activation::default()).iter().map(|p| p.at.clone()).collect();
    assert_eq!(open, ["effective date", "fuel programme 405", "baseline", "dispute window"]);
}

#[test]
fn two_currencies_in_one_table() {
    let row = |column: &str, currency: &str| RateRow {
        column: column.to_owned(),
        rate: micros("10"),
        currency: currency.parse().ok(),
        ..RateRow::default()
    };
    let mut line = RateLine::new("P", "Parcel", RateBasis::Flat);
    let mixed = cells_from_rows(&mut line, &[row("2", "USD"), row("3", "USD"), row("4", "EUR")]).unwrap_err();
    assert_eq!(
        mixed[0].to_string(),
        "rate line P, row 3: is in EUR, row 1 in USD; a table has one currency, so split it"
    );
    assert!(line.cells.is_empty(), "left as it was");
    cells_from_rows(&mut line, &[row("2", "EUR"), row("3", "EUR")]).unwrap();
    assert_eq!((line.currency, line.columns), (Some(Currency::EUR), vec!["2".to_owned(), "3".to_owned()]));
}

#[test]
fn shipments_that_cannot_be_true_are_unrated() {
    let rates = CompiledRates::new(&terms(ltl())).unwrap();
    let why = |request: RatingRequest| total(&rates, &request).unwrap_err();
    assert_eq!(why(pounds("-1")), "the weight is negative or too large to be true");
    assert_eq!(
        why(RatingRequest { weight: Some(Micros(QUANTITY_MAX.0 + 1)), ..pounds("1") }),
        "the weight is negative or too large to be true"
    );
    assert_eq!(why(RatingRequest { weight: None, ..pounds("1") }), "the weight is missing");
    assert_eq!(why(RatingRequest { pickup: None, ..pounds("1") }), "the pickup date is missing");
    let flags = vec![String::new(); request::PARTS_MAX + 1];
    assert_eq!(
        why(RatingRequest { flags, ..pounds("1") }),
        "the number of parts is negative or too large to be true"
    );
    assert!(
        total(&rates, &RatingRequest { weight: Some(QUANTITY_MAX), ..pounds("1") }).is_ok(),
        "a billion pounds, but a price"
    );
}

#[test]
fn a_rule_of_size_that_finds_no_sides_is_said() {
    let mut weighs = terms(ltl());
    weighs.parameters.dims = vec![DimRule {
        valid_from: None,
        valid_to: None,
        length_unit: LengthUnit::In,
        weight_rounding: Rounding::WHOLE,
        method: DimMethod::Divisor { divisor: micros("139"), side_rounding: Rounding::WHOLE },
    }];
    let rates = CompiledRates::new(&weighs).unwrap();
    let (fuel, fx) = (crate::domain::fuel::FuelPrices::default(), FxRates::default());
    let request = pounds("100");
    let mut steps = Steps::default();
    let rated = rates.rate(&request, Market { fuel: &fuel, fx: &fx }, &mut steps);
    assert!(rated.size_unknown && rated.total.is_some());
    let said = |lines: &[TraceLine]| lines.iter().any(|line| line.text.contains("no sides are given"));
    assert!(said(&steps.lines()), "{:?}", steps.lines());
}
