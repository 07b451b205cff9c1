//! The demo's rate tables: one line a lane with its weight bands, and a fuel surcharge that follows a monthly price.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::first_day;
use super::money::{band_tops_kg, linehaul_of_band};
use super::network::{LANES, Lane, Mode, Partner};
use super::season::{date, fuel_bps};
use super::table::Column;
use crate::domain::commitment::VolumeMeasure;
use crate::domain::currency::Currency;
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod, FuelProgramme};
use crate::domain::geo::GeoSelector;
use crate::domain::money::{Bps, Micros};
use crate::domain::quantity::{DistanceUnit, WeightUnit};
use crate::domain::rate::{
    Axis, Band, BandEdges, Cell, Lane as RatedLane, RateBasis, RateLine, RateParameters, RateTerms,
};
use crate::domain::tier::{TierBand, TierMethod, TierProgramme, TierWindow};

/// The price series of the demo.
const FUEL_INDEX: &str = "DEMO-DIESEL";
/// Price of a gallon below which the surcharge is [`LEAST_BPS`], and what each step up adds.
const LEAST_PRICE_CENTS: i64 = 300;
const LEAST_BPS: i64 = 1_500;
const STEP_CENTS: i64 = 1;
const STEP_BPS: i64 = 10;
/// Steps of the fuel table: up to 25 % at 4.00 a gallon.
const STEPS: i64 = 100;
const MICROS_PER_CENT: i64 = 10_000;
/// The carrier whose rates come with a rebate by volume.
pub(super) const REBATING: &str = "BLW";

/// What `partner` charges for linehaul and fuel, before the choices every contract of the demo makes.
pub(super) fn pricing(partner: &Partner) -> RateTerms {
    let carried: Vec<&'static Lane> =
        LANES.iter().filter(|lane| lane.carriers.iter().any(|(code, _)| *code == partner.code)).collect();
    RateTerms {
        parameters: RateParameters {
            weight_unit: WeightUnit::Kg,
            distance_unit: DistanceUnit::Km,
            ..RateParameters::default()
        },
        lanes: carried.iter().map(|lane| rated_lane(lane)).collect(),
        lines: carried.iter().map(|lane| rate_line(lane, partner.conduct.price)).collect(),
        fuel: vec![fuel_programme()],
        tiers: if partner.code == REBATING { vec![volume_rebate()] } else { Vec::new() },
        ..RateTerms::empty(Currency::USD)
    }
}

/// What comes back of a year's spend, by the part inside each band.
fn volume_rebate() -> TierProgramme {
    let band = |from_units: i64, share: i64| TierBand {
        from: Micros(from_units * 100 * MICROS_PER_CENT),
        share: Bps(share),
    };
    TierProgramme {
        label: "Volume rebate".to_owned(),
        measure: VolumeMeasure::Spend,
        window: TierWindow::CalendarYear,
        bands: vec![band(0, 0), band(100_000, 100), band(250_000, 200)],
        method: Some(TierMethod::Incremental),
        grace_weeks: 0,
    }
}

fn rated_lane(lane: &Lane) -> RatedLane {
    RatedLane {
        code: lane.code.to_owned(),
        origin: GeoSelector::Facility(lane.origin_text()),
        destination: GeoSelector::Facility(lane.destination_text()),
        equipment: None,
        service: None,
        transit_business_days: Some(lane.transit_days),
        line: lane.code.to_owned(),
    }
}

fn rate_line(lane: &Lane, price_percent: i64) -> RateLine {
    let label = match lane.mode {
        Mode::Truckload => "Linehaul, a load",
        Mode::Ltl => "Linehaul, by weight",
        Mode::Parcel => "Parcel, by weight",
        Mode::LastMile => "Delivery, by weight",
    };
    let mut line = RateLine::new(lane.code, label, RateBasis::Flat);
    let kilograms = |kg: i64| Micros(kg * 1_000_000);
    let tops = band_tops_kg(lane.mode);
    if tops.len() > 1 {
        (line.first, line.edges) = (Some(Axis::Weight), BandEdges::UpTo);
    }
    let mut lower = 0;
    for (place, &top) in tops.iter().enumerate() {
        let last = place + 1 == tops.len();
        let first = match tops.len() {
            1 => Band::ALL,
            _ => Band { lower: kilograms(lower), upper: (!last).then(|| kilograms(top)) },
        };
        line.cells.push(Cell {
            column: 0,
            first,
            second: Band::ALL,
            rate: Micros(linehaul_of_band(lane, top, price_percent) * MICROS_PER_CENT),
            prior: None,
            min: None,
        });
        lower = top;
    }
    line
}

fn fuel_programme() -> FuelProgramme {
    let price = |step: i64| Micros((LEAST_PRICE_CENTS + step * STEP_CENTS) * MICROS_PER_CENT);
    let brackets = (0..=STEPS).map(|step| FuelBracket {
        from: if step == 0 { Micros::ZERO } else { price(step) },
        to: (step < STEPS).then(|| price(step + 1)),
        value: Micros((LEAST_BPS + step * STEP_BPS) * MICROS_PER_CENT),
    });
    FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel surcharge".to_owned(),
        index: FUEL_INDEX.to_owned(),
        method: Some(FuelMethod::Table { brackets: brackets.collect() }),
        basis: FuelBasis::PctOfBase,
        effective_days: 1,
        cadence_days: 31,
        floor: None,
        cap: None,
        applies_to: Vec::new(),
        valid_from: None,
        valid_to: None,
        currency: None,
    }
}

/// The price published on the last day of a month, for the next one.
pub(super) struct FuelPrice {
    published_on: NaiveDate,
    cents: i64,
}

/// One price a month, from the month before the first pickup to the one before the demo's day.
pub(super) fn fuel_prices() -> Vec<FuelPrice> {
    let last = date(super::AS_OF_DAY);
    let first =
        first_day().with_day(1).and_then(|day| day.checked_sub_months(Months::new(1))).unwrap_or(last);
    let months = (0..).map_while(|n| first.checked_add_months(Months::new(n))).take_while(|day| *day <= last);
    months
        .map(|month| FuelPrice {
            published_on: month.checked_sub_days(Days::new(1)).unwrap_or(month),
            cents: LEAST_PRICE_CENTS + (fuel_bps(month) - LEAST_BPS) / STEP_BPS * STEP_CENTS,
        })
        .collect()
}

/// Columns of the fuel prices file.
pub(super) const FUEL_COLUMNS: &[Column<FuelPrice>] = &[
    ("index", |_, c| c.text(FUEL_INDEX)),
    ("published_on", |p, c| c.text(&p.published_on.to_string())),
    ("price", |p, c| c.cents(p.cents)),
];
