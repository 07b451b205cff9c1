//! Tables as they occur: weight × distance, zones by lane, look-up by precision, the diff.

use std::sync::Arc;

use super::super::*;
use super::samples::*;
use crate::domain::geo::Place;

/// Half-open in both directions, a price for each cell; 1,000 to 4,000 lb, 1 to 401 mi.
fn household() -> RateLine {
    let mut line = RateLine::new("HHG", "Linehaul", RateBasis::Flat);
    line.first = Some(Axis::Weight);
    line.second = Some(Axis::Distance);
    let at = |w: i64, d: i64| Cell {
        first: band(1_000 + w * 100, Some(1_100 + w * 100)),
        second: band(1 + d * 20, Some(21 + d * 20)),
        ..cell(Band::ALL, &format!("{}", 1_000 + w * 37 + d * 11))
    };
    line.cells = (0..30).flat_map(|w| (0..20).map(move |d| at(w, d))).collect();
    line
}

#[test]
fn bands_of_weight_and_distance_are_half_open() {
    let rates = CompiledRates::new(&terms(household())).unwrap();
    assert_eq!(rates.cells(), 600);
    let price = |weight: &str, miles: &str| {
        total(&rates, &RatingRequest { distance: Some(micros(miles)), ..pounds(weight) })
    };
    assert_eq!(price("1000", "1"), Ok(micros("1000")));
    assert_eq!(price("1100", "21"), Ok(micros("1048")), "both lower ends belong to the next cell");
    assert_eq!(price("1099.999999", "20.4"), Ok(micros("1000")), "20.4 miles are billed as 20");
    assert_eq!(price("3999", "400"), Ok(micros(&format!("{}", 1_000 + 29 * 37 + 19 * 11))));
    for (weight, miles) in [("999", "5"), ("4000", "5"), ("2000", "401"), ("2000", "0")] {
        let why = price(weight, miles).unwrap_err();
        assert!(why.starts_with("rate line HHG has no row for weight"), "{why}");
    }
}

#[test]
fn the_version_of_the_rating_day_rates() {
    let mut two = terms(household());
    two.lines[0].valid_from = "2019-05-15".parse().ok();
    two.lines[0].valid_to = "2020-05-15".parse().ok();
    let mut next = household();
    next.valid_from = "2020-05-15".parse().ok();
    next.valid_to = "2021-05-15".parse().ok();
    next.cells.iter_mut().for_each(|cell| cell.rate = cell.rate + micros("100"));
    two.lines.push(next);
    let rates = CompiledRates::new(&two).unwrap();
    let on = |day: &str| {
        let request = RatingRequest {
            pickup: format!("{day}T23:59:00").parse().ok(),
            distance: Some(micros("5")),
            ..pounds("1000")
        };
        total(&rates, &request)
    };
    assert_eq!(on("2020-05-14"), Ok(micros("1000")));
    assert_eq!(on("2020-05-15"), Ok(micros("1100")));
    assert_eq!(on("2021-05-15").unwrap_err(), "no rate line HHG is in force on 2021-05-15");
}

#[test]
fn the_most_precise_lane_wins() {
    let flat = |code: &str, rate: &str| RateLine {
        cells: vec![cell(Band::ALL, rate)],
        ..RateLine::new(code, "Load", RateBasis::Flat)
    };
    let lanes = [
        ("1", "*", "*"),
        ("2", "US", "US"),
        ("3", "US-TX", "US"),
        ("4", "US", "zone:NE"),
        ("5", "US-TX", "zip3:100"),
        ("6", "zip3:750", "US-NY"),
        ("7", "zip:75001", "US-NY"),
        ("8", "facility:DC-1", "US-NY"),
    ];
    let mut terms = RateTerms::empty(Currency::USD);
    terms.zones = vec![Zone {
        name: "NE".to_owned(),
        members: vec!["US-NY".parse().unwrap(), "zip3:021".parse().unwrap()],
    }];
    for (code, origin, destination) in lanes {
        terms.lanes.push(lane(code, origin, destination, code));
        terms.lines.push(flat(code, code));
    }
    let van = Lane { equipment: Some("VAN".to_owned()), ..lane("9", "*", "*", "9") };
    terms.lanes.push(van);
    terms.lines.push(flat("9", "9"));
    let rates = CompiledRates::new(&terms).unwrap();
    let place = |facility: &str, postcode: &str, state: &str, country: &str| Place {
        facility: facility.to_owned(),
        postcode: postcode.to_owned(),
        state: state.to_owned(),
        country: country.to_owned(),
        ..Place::default()
    };
    let price = |origin: Place, destination: Place, equipment: &str| {
        let (origin, destination) = (Arc::new(origin), Arc::new(destination));
        let request = RatingRequest { origin, destination, equipment: equipment.to_owned(), ..pounds("1") };
        total(&rates, &request).unwrap().0 / 1_000_000
    };
    let ny = || place("", "10001", "NY", "US");
    let ma = || place("", "02139", "MA", "US");
    let fl = || place("", "33101", "FL", "US");
    let dallas = |facility: &str, postcode: &str| place(facility, postcode, "TX", "US");
    assert_eq!(price(dallas("DC-1", "75001"), ny(), ""), 8);
    assert_eq!(price(dallas("", "75001"), ny(), ""), 7);
    assert_eq!(price(dallas("", "75002"), ny(), ""), 6, "a tie of sums goes to the more precise origin");
    assert_eq!(price(dallas("", "77001"), ny(), ""), 5);
    assert_eq!(price(place("", "", "OK", "US"), ma(), ""), 4);
    assert_eq!(price(dallas("", "77001"), ma(), ""), 3, "3 + 1 and 1 + 2: the higher sum");
    assert_eq!(price(place("", "", "OK", "US"), fl(), ""), 2);
    assert_eq!(price(place("", "", "", "CA"), fl(), ""), 1);
    assert_eq!(price(dallas("DC-1", "75001"), ny(), "van"), 9, "equipment exactly comes before any");
}

#[test]
fn the_diff_says_what_changed_and_by_how_much() {
    let before = ltl();
    let mut after = ltl();
    after.cells.reverse();
    assert_eq!(diff_lines(&before, &after), TableDiff { same: 5, ..TableDiff::default() });
    after.cells[3].rate = micros("41.00");
    after.cells[0] = cell(band(5_000, Some(10_000)), "21.85");
    after.cells.push(cell(band(10_000, None), "19.00"));
    let diff = diff_lines(&before, &after);
    let axes = (Some(Axis::Weight), None);
    let texts = |changes: &[CellChange]| changes.iter().map(|change| change.text(axes)).collect::<Vec<_>>();
    assert_eq!(texts(&diff.changed), ["weight 500 to 1,000: 39.75 → 41.00 (+1.25, +3.14 %)"]);
    assert_eq!(
        texts(&diff.added),
        ["weight 5,000 to 10,000: none → 21.85", "weight 10,000 and more: none → 19.00"]
    );
    assert_eq!(texts(&diff.removed), ["weight 5,000 and more: 21.85 → none"]);
    assert_eq!(diff.same, 3);
}
