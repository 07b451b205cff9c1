//! How many shipments a second one thread rates: `cargo bench --bench rate [SECONDS]`.
//!
//! A household-goods tariff of 10,528 cells (94 weights × 112 distances), three accessorials, fuel in percent from a
//! year of weekly prices, 10,000 different shipments over and over. The same arguments give the same sums.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use lanemark::domain::accessorial::charge::{AccessorialEvent, EventMeasure};
use lanemark::domain::accessorial::{AccessorialRate, AccessorialRules, AccessorialTrigger, AccessorialUnit};
use lanemark::domain::currency::Currency;
use lanemark::domain::fuel::{FuelBasis, FuelMethod, FuelPrice, FuelPrices, FuelProgramme, stepped_table};
use lanemark::domain::money::{Bps, Micros};
use lanemark::domain::rate::{
    Axis, Band, Cell, CompiledRates, FxRates, Lane, Market, NoTrace, RateBasis, RateLine, RateTerms,
    RatingRequest, Steps,
};

/// The allocator of the service itself.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WEIGHTS: i64 = 94;
const DISTANCES: i64 = 112;
const SHIPMENTS: i64 = 10_000;
const ONE: i64 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` passes its own flags too.
    let seconds =
        std::env::args().skip(1).find(|a| !a.starts_with("--")).map_or(Ok(3), |text| text.parse())?;
    let terms = terms()?;
    let started = Instant::now();
    let rates = CompiledRates::new(&terms).map_err(|problems| format!("{problems:?}"))?;
    println!("{} cells laid out in {:?}", rates.cells(), started.elapsed());
    let prices = FuelPrices::new(prices()?, None, [])?;
    let (requests, fx) = (requests()?, FxRates::default());
    let market = Market { fuel: &prices, fx: &fx };
    let span = Duration::from_secs(seconds);

    run("without a trace", span, &requests, |request| rates.rate(request, market, &mut NoTrace).total);
    run("with a trace", span, &requests, |request| {
        let mut steps = Steps::default();
        let total = rates.rate(request, market, &mut steps).total;
        std::hint::black_box(&steps);
        total
    });
    run("with a trace in words", span, &requests, |request| {
        let mut steps = Steps::default();
        let total = rates.rate(request, market, &mut steps).total;
        std::hint::black_box(steps.lines());
        total
    });
    Ok(())
}

fn run(
    name: &str,
    span: Duration,
    requests: &[RatingRequest],
    rate: impl Fn(&RatingRequest) -> Option<Micros>,
) {
    let (started, busy_before) = (Instant::now(), busy());
    let (mut rated, mut sum) = (0_u128, Micros::ZERO);
    while started.elapsed() < span {
        sum = requests.iter().filter_map(&rate).sum();
        rated += u128::try_from(requests.len()).unwrap_or(0);
    }
    let per_second = |time: Duration| rated * 1_000_000 / time.as_micros().max(1);
    let elapsed = started.elapsed();
    let busy = busy_before.zip(busy()).map_or(elapsed, |(before, after)| after.saturating_sub(before));
    println!(
        "{name}: {} shipments/s of processor time, {} by the clock, {sum} for all",
        per_second(busy),
        per_second(elapsed)
    );
}

/// Processor time of this thread, where the system tells: on a shared machine the clock alone misleads.
fn busy() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn terms() -> Result<RateTerms, Box<dyn std::error::Error>> {
    let mut line = RateLine::new("HHG", "Linehaul", RateBasis::Flat);
    line.first = Some(Axis::Weight);
    line.second = Some(Axis::Distance);
    line.discount = Bps(3_500);
    line.min = Some(Micros(500 * ONE));
    let band = |lower: i64, upper: i64| Band { lower: Micros(lower * ONE), upper: Some(Micros(upper * ONE)) };
    for weight in 0..WEIGHTS {
        for distance in 0..DISTANCES {
            line.cells.push(Cell {
                column: 0,
                first: band(1_000 + weight * 200, 1_200 + weight * 200),
                second: band(1 + distance * 20, 21 + distance * 20),
                rate: Micros((1_400 + weight * 97 + distance * 23) * ONE),
                prior: None,
                min: None,
            });
        }
    }
    let accessorial = |code: &str, unit, rate: i64, rules| AccessorialRate {
        code: code.to_owned(),
        label: "Charge".to_owned(),
        unit,
        rate: Some(Micros(rate)),
        share: None,
        free_quantity: if unit == AccessorialUnit::PerHour { 120 } else { 0 },
        increment_minutes: (unit == AccessorialUnit::PerHour).then_some(30),
        min: None,
        max: None,
        cap: None,
        cap_scope: None,
        rules,
    };
    let peak = AccessorialRules {
        trigger: AccessorialTrigger::Automatic,
        condition: Some("weight at least 5000 or pickup date between 11-15 and 01-10".parse()?),
        fuel_applicable: true,
        ..AccessorialRules::default()
    };
    let lane = Lane {
        code: "ALL".to_owned(),
        origin: "US".parse()?,
        destination: "US".parse()?,
        equipment: None,
        service: None,
        transit_business_days: None,
        line: "HHG".to_owned(),
    };
    let brackets = stepped_table(Micros(2 * ONE), Micros(60_000), Micros(500_000), 60);
    let fuel = FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "DIESEL".to_owned(),
        method: Some(FuelMethod::Table { brackets }),
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
    Ok(RateTerms {
        lanes: vec![lane],
        lines: vec![line],
        accessorials: vec![
            accessorial("DTU", AccessorialUnit::PerHour, 60 * ONE, AccessorialRules::default()),
            accessorial("PCK", AccessorialUnit::PerCwt, 6_890_000, AccessorialRules::default()),
            accessorial("SUR", AccessorialUnit::PerOccurrence, 35 * ONE, peak),
        ],
        fuel: vec![fuel],
        ..RateTerms::empty(Currency::USD)
    })
}

fn prices() -> Result<Vec<FuelPrice>, Box<dyn std::error::Error>> {
    let first: NaiveDate = "2024-12-30".parse()?;
    (0..60_i64)
        .map(|week| {
            let published_on = first + TimeDelta::weeks(week);
            let recorded_at = published_on.and_hms_opt(21, 0, 0).ok_or("no such time")?.and_utc();
            let price = Micros(3_400_000 + (week * 37 % 23) * 11_000);
            Ok(FuelPrice {
                index: "DIESEL".to_owned(),
                published_on,
                effective_from: None,
                recorded_at,
                price,
            })
        })
        .collect()
}

fn requests() -> Result<Vec<RatingRequest>, Box<dyn std::error::Error>> {
    let first: NaiveDate = "2025-01-06".parse()?;
    (0..SHIPMENTS)
        .map(|n| {
            let pickup = (first + TimeDelta::days(n * 7 % 350)).and_hms_opt(9, 0, 0).ok_or("no such time")?;
            let place =
                Arc::new(lanemark::domain::geo::Place { country: "US".to_owned(), ..Default::default() });
            let event = |code: &str, measure| AccessorialEvent {
                code: code.to_owned(),
                measure,
                ..Default::default()
            };
            Ok(RatingRequest {
                pickup: Some(pickup),
                weight: Some(Micros((1_000 + n * 7_919 % 18_800) * ONE)),
                distance: Some(Micros((1 + n * 104_729 % 2_240) * ONE)),
                events: vec![
                    event("DTU", EventMeasure::Minutes(u32::try_from(n % 400)?)),
                    event("PCK", EventMeasure::Once),
                ],
                origin: place.clone(),
                destination: place,
                ..RatingRequest::default()
            })
        })
        .collect()
}
