//! The pure parts of expected charges.

use std::sync::Arc;

use chrono::{DateTime, Days, Utc};
use proptest::prelude::*;

use super::affected::{clipped, fuel_days, fx_days};
use super::*;
use crate::domain::accessorial::observed::Observed;
use crate::domain::contract::{ContractStatus, ContractVersionStatus, RenewalKind};
use crate::domain::fuel::{FuelBasis, FuelMethod, FuelPrice, FuelPrices, FuelProgramme};
use crate::domain::geo::GeoSelector;
use crate::domain::money::Bps;
use crate::domain::rate::{
    Band, Cell, FxRate, FxRates, Lane, RateBasis, RateLine, RateTerms, RatingDate, TaxRate,
};
use crate::domain::shipment::{DateOnly, Milestones};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// 100.00 a load between two places, fuel by formula, 10 % tax everywhere.
fn terms() -> RateTerms {
    let mut line = RateLine::new("LOAD", "Load", RateBasis::Flat);
    line.cells = vec![Cell {
        column: 0,
        first: Band::ALL,
        second: Band::ALL,
        rate: Micros(100_000_000),
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
    let tax = TaxRate {
        code: "TAX".to_owned(),
        label: "Tax".to_owned(),
        jurisdiction: GeoSelector::Any,
        share: Bps(1_000),
    };
    RateTerms {
        lanes: vec![lane],
        lines: vec![line],
        fuel: vec![programme(None)],
        taxes: vec![tax],
        ..RateTerms::empty(Currency::USD)
    }
}

fn programme(effective_days: Option<u32>) -> FuelProgramme {
    FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "DIESEL".to_owned(),
        method: Some(FuelMethod::Formula { peg: Micros(1_000_000), mpg: Micros(5_000_000) }),
        basis: FuelBasis::PerDistance,
        effective_days: effective_days.unwrap_or(1),
        cadence_days: 7,
        floor: None,
        cap: None,
        applies_to: Vec::new(),
        valid_from: None,
        valid_to: None,
        currency: None,
    }
}

fn price(published_on: NaiveDate, cents: i64, recorded: i64) -> FuelPrice {
    FuelPrice {
        index: "DIESEL".to_owned(),
        published_on,
        effective_from: None,
        recorded_at: DateTime::from_timestamp(1_700_000_000 + recorded, 0).unwrap(),
        price: Micros(cents * 10_000),
    }
}

fn consignment() -> Consignment {
    Consignment {
        reference: "S1".to_owned(),
        obligation_day: day("2025-05-16"),
        milestones: Milestones {
            pickup_zone: Some(chrono_tz::America::Chicago),
            // 23:30 on the 14th in Chicago.
            picked_up_at: Some(at("2025-05-15T04:30:00Z")),
            ..Milestones::default()
        },
        origin: Arc::new(place("Alpha", "")),
        destination: Arc::new(place("Beta", "")),
        weight_g: Some(1_234_567),
        distance_m: Some(160_934),
        ..Consignment::default()
    }
}

fn priced(facts: &Consignment, prices: Vec<FuelPrice>) -> Expected {
    let rates = CompiledRates::new(&terms()).unwrap();
    let (fuel, fx) = (FuelPrices::new(prices, None, []).unwrap(), FxRates::default());
    let by = RatedBy { version_id: 7, rating_day: day("2025-05-14") };
    expect(&rates, by, &facts.request(), Market { fuel: &fuel, fx: &fx })
}

#[test]
fn the_name_of_a_place_says_what_it_can() {
    let of = |name| place(name, "");
    assert_eq!(of("city:US-TX-Dallas").city, "Dallas");
    assert_eq!((of("us-tx").country.as_str(), of("us-tx").state.as_str()), ("US", "TX"));
    assert_eq!(of("zip:US/75001").postcode, "75001");
    assert_eq!(of("75001").postcode, "75001");
    let plain = place(" Dallas DC ", "South");
    assert_eq!((plain.facility.as_str(), plain.zone.as_str()), ("Dallas DC", "South"));
    assert_eq!(plain.postcode, "", "a name is no postcode");
    for (name, region, selector) in [
        ("Dallas DC", "", "facility:dallas dc"),
        ("USHOU", "", "port:USHOU"),
        ("zip3:DE/101", "", "zip2:DE/10"),
        ("anywhere", "South", "zone:south"),
        ("zone:NE", "South", "zone:NE"),
    ] {
        let selector: GeoSelector = selector.parse().unwrap();
        assert!(selector.matches(&place(name, region), &[]), "{name} in {region} is {selector}");
    }
}

#[test]
fn the_pickup_is_the_local_one_that_happened() {
    let mut facts = consignment();
    assert_eq!(facts.request().day(RatingDate::Pickup), Some(day("2025-05-14")));
    facts.milestones.pickup_due_day = Some(day("2025-05-12"));
    assert_eq!(facts.request().day(RatingDate::Pickup), Some(day("2025-05-14")), "what happened decides");
    facts.milestones.picked_up_at = None;
    assert_eq!(facts.request().day(RatingDate::Pickup), Some(day("2025-05-12")), "then what is planned");
    facts.milestones.pickup_due_day = None;
    assert_eq!(facts.request().day(RatingDate::Pickup), None);
    let from = day("2025-05-16");
    let span = Span { version_id: 1, contract_id: 1, from, until: None, which: RatingDate::Pickup };
    let by = chosen(&[span], &Claimants::default(), facts.obligation_day, &facts.request());
    assert_eq!(by, Choice::By(RatedBy { version_id: 1, rating_day: from }), "then the day it is due");
}

#[test]
fn the_parts_and_the_lines_sum_to_the_total_and_name_the_fuel_week() {
    let expected =
        priced(&consignment(), vec![price(day("2025-05-05"), 300, 0), price(day("2025-05-12"), 600, 0)]);
    // 160.934 km are 100 miles; (6 − 1) ÷ 5 = 1.00 a mile; 10 % tax of 200.00.
    let parts = expected.parts.unwrap();
    assert_eq!(
        [parts.base, parts.fuel, parts.accessorial, parts.tax].map(|part| part.0),
        [100_000_000, 100_000_000, 0, 20_000_000]
    );
    assert_eq!(expected.lines.iter().map(|line| line.amount_micros).sum::<i64>(), parts.total().0);
    assert_eq!(parts.cost(), Micros(200_000_000), "tax is no cost");
    assert_eq!(expected.fuel_published_on, Some(day("2025-05-12")));
    assert_eq!(expected.status, ExpectedStatus::Rated);
}

#[test]
fn what_cannot_be_priced_has_a_reason_and_no_amount() {
    let no_price = priced(&consignment(), Vec::new());
    let no_lane =
        priced(&Consignment { destination: Arc::new(place("Gamma", "")), ..consignment() }, Vec::new());
    let mut undated = consignment();
    undated.milestones.picked_up_at = None;
    let undated = priced(&undated, Vec::new());
    for (expected, reason) in [
        (no_price, "no price of DIESEL was in force on 2025-05-14"),
        (no_lane, "no lane goes from Alpha to Gamma"),
        (undated, "the pickup date is missing"),
    ] {
        assert_eq!(expected.status, ExpectedStatus::Unrated);
        assert_eq!(expected.reason.as_deref(), Some(reason));
        assert_eq!((expected.parts, expected.lines.len()), (None, 0), "never 0.00");
    }
}

#[test]
fn the_shipments_own_amount_comes_first_and_currencies_never_mix() {
    let parts = Parts { base: Micros(5), fuel: Micros(2), accessorial: Micros(1), tax: Micros(9) };
    let expected = Some((parts, Currency::USD));
    assert_eq!(counted_rated(Some(Micros(3)), expected, "USD"), Some(Micros(3)));
    assert_eq!(counted_rated(None, expected, "USD"), Some(Micros(8)), "without tax");
    assert_eq!(counted_rated(None, expected, "EUR"), None);
    assert_eq!(counted_rated(None, None, "USD"), None);
}

#[test]
fn a_version_prices_the_days_it_is_in_force() {
    let term = ContractTerm {
        status: ContractStatus::Active,
        term_start: day("2025-01-01"),
        term_end: Some(day("2025-12-31")),
        renewal: RenewalKind::Fixed,
        renewal_months: None,
        notice_days: 0,
    };
    let mut version = VersionDates {
        id: 1,
        version_no: 1,
        status: ContractVersionStatus::Active,
        valid_from: day("2024-11-01"),
        valid_to: Some(day("2025-05-15")),
    };
    let first = Span::of((10, &term), &version, RatingDate::Pickup).unwrap();
    assert_eq!((first.from, first.until), (day("2025-01-01"), Some(day("2025-05-15"))));
    version.status = ContractVersionStatus::Draft;
    assert_eq!(Span::of((10, &term), &version, RatingDate::Pickup), None);

    let second = Span {
        version_id: 2,
        contract_id: 10,
        from: day("2025-05-15"),
        until: None,
        which: RatingDate::Pickup,
    };
    let (facts, spans) = (consignment(), [first, second]);
    let by = |spans: &[Span]| chosen(spans, &Claimants::default(), facts.obligation_day, &facts.request());
    assert_eq!(by(&spans), Choice::By(RatedBy { version_id: 1, rating_day: day("2025-05-14") }));
    assert_eq!(by(&spans[1..]), Choice::Nothing);
}

#[test]
fn an_exchange_rate_holds_until_the_next_of_its_pair() {
    let rate = |to: Currency, valid_on: &str| FxRate {
        from: "EUR".parse().unwrap(),
        to,
        valid_on: day(valid_on),
        recorded_at: at("2025-01-01T00:00:00Z"),
        rate: "1.1".parse().unwrap(),
    };
    let gbp: Currency = "GBP".parse().unwrap();
    let known =
        [rate(Currency::USD, "2025-05-01"), rate(gbp, "2025-05-03"), rate(Currency::USD, "2025-05-09")];
    assert_eq!(
        fx_days(&known, &rate(Currency::USD, "2025-05-02")),
        (day("2025-05-02"), Some(day("2025-05-09")))
    );
    assert_eq!(fx_days(&known, &rate(Currency::USD, "2025-05-10")), (day("2025-05-10"), None));
    let until = (None, Some(day("2025-05-10")));
    assert_eq!(clipped((day("2025-05-10"), None), until), None);
    assert_eq!(clipped((day("2025-05-09"), None), until), Some((day("2025-05-09"), Some(day("2025-05-10")))));
}

/// Days of a made-up year's start, prices and explicit first days.
fn prices() -> impl Strategy<Value = Vec<(u64, i64, Option<u64>)>> {
    prop::collection::vec((0_u64..40, 1_i64..6, prop::option::of(0_u64..9)), 1..12)
}

proptest! {
    /// The days found are exactly those whose quote differs, whatever comes in whichever order.
    #[test]
    fn a_price_changes_exactly_the_days_found(rows in prices(), lag in 0_u32..9) {
        let start = day("2025-01-01");
        let programme = programme(Some(lag));
        let mut known: Vec<FuelPrice> = Vec::new();
        for (number, (offset, price_of, effective)) in (0..).zip(rows) {
            let published_on = start + Days::new(offset);
            let new = FuelPrice {
                effective_from: effective.map(|days| published_on + Days::new(days)),
                ..price(published_on, price_of * 100, number)
            };
            let before = FuelPrices::new(known.clone(), None, []).unwrap();
            let found = fuel_days(&programme, &known, &new);
            known.push(new);
            let after = FuelPrices::new(known.clone(), None, []).unwrap();
            for pickup in start.iter_days().take(70) {
                let quote = |prices: &FuelPrices| {
                    prices.in_force(&programme, pickup).map(|quote| (quote.price, quote.published_on))
                };
                let inside = found.is_some_and(|(from, until)| {
                    from <= pickup && until.is_none_or(|until| pickup < until)
                });
                prop_assert_eq!(quote(&before) != quote(&after), inside, "{} by {:?}", pickup, found);
            }
        }
    }

    /// Any stored shipment is priced or says why not, and a price is the sum of its lines.
    #[test]
    fn nothing_is_free(weight in prop::option::of(0_i64..90_000_000), distance in prop::option::of(-5_i64..9_000_000), there in "Alpha|Beta|US-TX|") {
        let destination = Arc::new(place(&there, ""));
        let facts = Consignment { weight_g: weight, distance_m: distance, destination, ..consignment() };
        let expected = priced(&facts, vec![price(day("2025-05-12"), 600, 0)]);
        match expected.parts {
            Some(parts) => {
                let lines: i64 = expected.lines.iter().map(|line| line.amount_micros).sum();
                prop_assert_eq!(lines, parts.total().0);
                prop_assert_eq!(expected.reason, None);
            }
            None => {
                prop_assert!(expected.reason.is_some_and(|reason| !reason.is_empty()));
                prop_assert!(expected.lines.is_empty());
            }
        }
    }
}

/// A shipment that stood from 07:41 to 13:07 at a dock with an appointment from 08:00 to 10:00.
fn stood() -> Consignment {
    Consignment {
        milestones: Milestones {
            delivery_zone: Some(chrono_tz::America::Chicago),
            delivery_window_start: Some(at("2025-05-16T13:00:00Z")),
            delivery_window_end: Some(at("2025-05-16T15:00:00Z")),
            arrived_at: Some(at("2025-05-16T12:41:00Z")),
            delivered_at: Some(at("2025-05-16T18:07:00Z")),
            ..consignment().milestones
        },
        ..consignment()
    }
}

#[test]
fn the_stay_at_a_stop_is_what_its_times_say() {
    let facts = stood();
    let seen = facts.observed();
    assert_eq!(seen.loading, None, "nobody reported the arrival at the pickup");
    let unloading = seen.unloading.unwrap();
    assert_eq!(unloading.day, day("2025-05-16"), "local at the stop");
    assert_eq!(unloading.stay.appointment, facts.milestones.delivery_window_start);
    assert_eq!((unloading.stay.departed - unloading.stay.arrived).num_minutes(), 326);
    assert_eq!(facts.request().observed, seen);

    let changed = |change: fn(&mut Consignment)| {
        let mut facts = stood();
        change(&mut facts);
        facts.observed()
    };
    let none = Observed::default();
    assert_eq!(changed(|facts| facts.milestones.date_only = DateOnly(DateOnly::DELIVERED)), none);
    assert_eq!(changed(|facts| facts.milestones.date_only = DateOnly(DateOnly::ARRIVED)), none);
    assert_eq!(changed(|facts| facts.milestones.arrived_at = None), none);
    assert_eq!(changed(|facts| facts.milestones.delivered_at = facts.milestones.arrived_at), none);
    assert_eq!(changed(|facts| facts.milestones.cancelled_at = Some(at("2025-05-15T00:00:00Z"))), none);
    let dropped = changed(|facts| facts.milestones.delivered_at = Some(at("2025-05-17T12:42:00Z")));
    assert_eq!(dropped, none, "more than a day is a trailer that was dropped");
    let of_pickup = changed(|facts| {
        facts.milestones.pickup_arrived_at = Some(at("2025-05-15T02:00:00Z"));
        facts.milestones.date_only = DateOnly(DateOnly::DELIVERED);
    });
    assert_eq!(of_pickup.loading.unwrap().day, day("2025-05-14"));
    assert_eq!(of_pickup.unloading, None, "what is a date only at one stop leaves the other");
}

#[test]
fn a_redelivery_needs_another_attempt_and_a_cause_that_is_not_the_carriers() {
    let of = |attempts, first: Option<&str>| {
        Consignment { attempts, first_attempt: first.map(str::to_owned), ..stood() }.observed()
    };
    assert!(of(Some(2), Some("REFUSED")).redelivered);
    assert!(of(Some(3), Some("ADDRESS_ERROR")).redelivered);
    assert!(!of(Some(2), Some("FAILED")).redelivered, "nobody says whose fault it was");
    assert!(!of(Some(2), Some("SUCCESS")).redelivered && !of(Some(2), None).redelivered);
    assert!(!of(Some(1), Some("REFUSED")).redelivered && !of(None, Some("REFUSED")).redelivered);
    assert_eq!(of(Some(2), Some("REFUSED")).unloading, None, "the arrival may be that of the first attempt");
    assert!(of(Some(1), Some("SUCCESS")).unloading.is_some());
}
