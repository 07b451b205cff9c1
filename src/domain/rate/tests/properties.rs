//! What holds for every tariff and shipment.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::*;
use super::reference::Reference;
use super::samples::*;
use crate::domain::accessorial::charge::{AccessorialEvent, EventMeasure};
use crate::domain::accessorial::{AccessorialRate, AccessorialRules, AccessorialUnit, CapScope};
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod, FuelPrice, FuelPrices, FuelProgramme};

/// Rising weights with rates that usually fall, as tariffs do, and sometimes do not.
fn breaks() -> impl Strategy<Value = Vec<Cell>> {
    prop::collection::vec((1_i64..3_000, 0_i64..90_000_000), 1..8).prop_map(|steps| {
        let mut lower = 0;
        let mut cells: Vec<Cell> = Vec::new();
        for (width, rate) in steps {
            cells.push(Cell { rate: Micros(rate), ..cell(band(lower, Some(lower + width)), "0") });
            lower += width;
        }
        cells.last_mut().unwrap().first.upper = None;
        cells
    })
}

#[derive(Clone, Debug)]
struct Tariff {
    line: RateLine,
    deficit: bool,
    minimum_order: MinimumOrder,
    fuel_percent: i64,
    accessorials: Vec<(i64, i64)>,
}

fn tariff() -> impl Strategy<Value = Tariff> {
    let basis = prop::sample::select(
        &[RateBasis::Flat, RateBasis::PerWeight, RateBasis::PerCwt, RateBasis::PerDistance][..],
    );
    let bounds = (
        prop::option::of(0_i64..20_000),
        prop::option::of(0_i64..20_000),
        prop::option::of(20_000_i64..40_000),
        0_i64..=10_000,
    );
    let rest = (
        any::<bool>(),
        any::<bool>(),
        0_i64..60_000_000,
        prop::collection::vec((0_i64..90_000_000, 0_i64..=10_000), 0..4),
    );
    (breaks(), basis, bounds, rest).prop_map(
        |(cells, basis, (min, floor, max, discount), (deficit, early, fuel, accessorials))| {
            let cents = |value: i64| Micros(value * 10_000);
            let mut line = RateLine::new("T", "Linehaul", basis);
            line.first = Some(Axis::Weight);
            line.cells = cells;
            line.min = min.map(cents);
            line.absolute_min = floor.map(|amount| AbsoluteMinimum::Amount { amount: cents(amount) });
            line.max = max.map(cents);
            line.discount = Bps(discount);
            let minimum_order =
                if early { MinimumOrder::BeforeDiscount } else { MinimumOrder::AfterDiscount };
            Tariff { line, deficit, minimum_order, fuel_percent: fuel, accessorials }
        },
    )
}

fn charge(code: String, rate: i64, discount: i64) -> AccessorialRate {
    AccessorialRate {
        code,
        label: "Charge".to_owned(),
        unit: AccessorialUnit::PerOccurrence,
        rate: Some(Micros(rate)),
        share: None,
        free_quantity: 0,
        increment_minutes: None,
        min: None,
        max: None,
        cap: None,
        cap_scope: None,
        rules: AccessorialRules { discount: Bps(discount), ..AccessorialRules::default() },
    }
}

fn percent(value: i64) -> FuelProgramme {
    FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "EIA".to_owned(),
        method: Some(FuelMethod::Table {
            brackets: vec![FuelBracket { from: Micros::ZERO, to: None, value: Micros(value) }],
        }),
        basis: FuelBasis::PctOfBase,
        effective_days: 1,
        cadence_days: 7,
        floor: None,
        cap: None,
        applies_to: vec![],
        valid_from: None,
        valid_to: None,
        currency: None,
    }
}

impl Tariff {
    fn terms(&self) -> RateTerms {
        let mut terms = terms(self.line.clone());
        terms.parameters.deficit = self.deficit;
        terms.parameters.minimum_order = self.minimum_order;
        terms.parameters.distance_rounding = Rounding::NONE;
        terms.fuel = vec![percent(self.fuel_percent)];
        let rates = self.accessorials.iter().zip(0..);
        terms.accessorials = rates.map(|((rate, less), n)| charge(format!("A{n}"), *rate, *less)).collect();
        terms
    }

    fn request(&self, weight: i64, distance: i64) -> RatingRequest {
        let events = (0..self.accessorials.len())
            .map(|n| AccessorialEvent { code: format!("A{n}"), ..AccessorialEvent::default() });
        RatingRequest {
            weight: Some(Micros(weight)),
            distance: Some(Micros(distance)),
            events: events.collect(),
            ..pounds("0")
        }
    }
}

fn prices() -> FuelPrices {
    let price = FuelPrice {
        index: "EIA".to_owned(),
        published_on: "2025-05-12".parse().unwrap(),
        effective_from: None,
        recorded_at: "2025-05-12T21:00:00Z".parse().unwrap(),
        price: micros("3.5"),
    };
    FuelPrices::new([price], None, []).unwrap()
}

fn rated(terms: &RateTerms, request: &RatingRequest) -> Micros {
    let rates = CompiledRates::new(terms).unwrap();
    let (fuel, fx) = (prices(), FxRates::default());
    let rated = rates.rate(request, Market { fuel: &fuel, fx: &fx }, &mut NoTrace);
    assert_eq!(rated.total, Some(rated.lines.iter().map(|line| line.amount).sum()), "parts sum to the whole");
    assert!(rated.lines.iter().all(|line| line.amount.0 % 10_000 == 0), "every line is rounded to the cent");
    rated.total.unwrap()
}

proptest! {
    /// Integers and index against plain decimals and a scan.
    #[test]
    fn the_engine_is_the_reference_to_the_cent(tariff in tariff(), weight in 0_i64..20_000_000_000, distance in 0_i64..5_000_000_000) {
        let plain: Vec<_> = tariff.accessorials.iter().map(|(rate, less)| (Micros(*rate), Bps(*less))).collect();
        let reference = Reference {
            line: &tariff.line,
            deficit: tariff.deficit,
            minimum_order: tariff.minimum_order,
            fuel_percent: Micros(tariff.fuel_percent).decimal(),
            accessorials: &plain,
        };
        let wanted = reference.total(Micros(weight).decimal(), Micros(distance).decimal()).unwrap();
        prop_assert_eq!(rated(&tariff.terms(), &tariff.request(weight, distance)).decimal(), wanted);
    }

    /// The point of the deficit rule: more weight never costs less.
    #[test]
    fn more_weight_never_costs_less_under_the_deficit_rule(cells in breaks(), weight in 0_i64..20_000_000_000, more in 0_i64..5_000_000_000) {
        let mut line = ltl();
        line.cells = cells;
        let mut terms = terms(line);
        terms.parameters.deficit = true;
        let price = |weight: i64| rated(&terms, &RatingRequest { weight: Some(Micros(weight)), ..pounds("0") });
        prop_assert!(price(weight) <= price(weight + more));
    }

    /// Rows, columns, lanes, accessorials, zones and events in any order give the same charge.
    #[test]
    fn order_leaves_no_mark(tariff in tariff(), weight in 0_i64..20_000_000_000, seed in any::<u64>()) {
        let mut terms = tariff.terms();
        terms.lanes.push(lane("TX", "US-TX", "*", "T"));
        let mut request = tariff.request(weight, 100_000_000);
        let mut capped = charge("CAP".to_owned(), 30_000_001, 1_234);
        (capped.cap, capped.cap_scope) = (Some(micros("71.37")), Some(CapScope::Shipment));
        terms.accessorials.push(capped);
        for n in 1..4 {
            let measure = EventMeasure::Quantity(Micros(n * 700_000));
            request.events.push(AccessorialEvent { code: "CAP".to_owned(), measure, ..AccessorialEvent::default() });
        }
        let before = rated(&terms, &request);
        let turn = |len: usize| usize::try_from(seed % 97).unwrap() % len.max(1);
        let by = turn(terms.lines[0].cells.len());
        terms.lines[0].cells.rotate_left(by);
        terms.lanes.reverse();
        let by = turn(terms.accessorials.len());
        terms.accessorials.rotate_left(by);
        let by = turn(request.events.len());
        request.events.rotate_left(by);
        request.events.reverse();
        prop_assert_eq!(rated(&terms, &request), before);
    }

    /// Several classes: never dearer than without the deficit rule, and parts sum to the whole.
    #[test]
    fn the_deficit_rule_never_makes_mixed_classes_dearer(weights in prop::collection::vec(1_i64..900_000_000, 2..5), low in breaks(), factor in 1_i64..4) {
        let mut line = ltl();
        line.columns_by = ColumnsBy::Class;
        line.columns = vec!["70".to_owned(), "125".to_owned()];
        let high = low.iter().map(|c| Cell { column: 1, rate: Micros(c.rate.0 * factor), ..*c });
        line.cells = low.iter().copied().chain(high).collect();
        let mut terms = terms(line);
        let articles: Vec<Article> = weights.iter().zip([0, 1].iter().cycle())
            .map(|(weight, class)| Article { class: ["70", "125"][*class].to_owned(), weight: Micros(*weight) })
            .collect();
        let request = RatingRequest { weight: None, articles, ..pounds("0") };
        let own = rated(&terms, &request);
        terms.parameters.deficit = true;
        prop_assert!(rated(&terms, &request) <= own);
    }

    /// A later correction changes today's answer and never yesterday's.
    #[test]
    fn what_was_known_stays_known(prices in prop::collection::vec((0_i64..40, 0_i64..60, 1_000_000_i64..9_000_000), 1..20), day in 0_i64..80, known in 0_i64..70, late in 1_000_000_i64..9_000_000) {
        let start: chrono::NaiveDate = "2025-01-01".parse().unwrap();
        let at = |days: i64| start + chrono::TimeDelta::days(days);
        let row = |(published, after, price): (i64, i64, i64)| FuelPrice {
            index: "EIA".to_owned(),
            published_on: at(published),
            effective_from: None,
            recorded_at: at(published + after).and_hms_opt(12, 0, 0).unwrap().and_utc(),
            price: Micros(price),
        };
        let mut rows: Vec<FuelPrice> = prices.into_iter().map(row).collect();
        let as_of = at(known).and_hms_opt(23, 0, 0).unwrap().and_utc();
        let quote = |rows: Vec<FuelPrice>| FuelPrices::new(rows, Some(as_of), []).unwrap().in_force(&percent(1), at(day));
        let before = quote(rows.clone());
        rows.reverse();
        rows.insert(0, row((5, known + 1, late)));
        prop_assert_eq!(quote(rows), before);
    }
}

#[test]
fn a_decimal_is_what_the_engine_keeps() {
    assert_eq!(micros("39.75").decimal(), Decimal::new(3_975, 2));
}
