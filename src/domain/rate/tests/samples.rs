//! Terms and shipments other tests start from.

use super::super::*;
use crate::domain::fuel::FuelPrices;

pub(in crate::domain::rate) fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

pub(in crate::domain::rate) fn band(lower: i64, upper: Option<i64>) -> Band {
    Band { lower: Micros(lower * 1_000_000), upper: upper.map(|u| Micros(u * 1_000_000)) }
}

pub(in crate::domain::rate) fn cell(first: Band, rate: &str) -> Cell {
    Cell { column: 0, first, second: Band::ALL, rate: micros(rate), prior: None, min: None }
}

/// A hundredweight line with the breaks of DOMAIN R1.
pub(in crate::domain::rate) fn ltl() -> RateLine {
    let mut line = RateLine::new("LTL", "Linehaul", RateBasis::PerCwt);
    line.first = Some(Axis::Weight);
    line.cells = vec![
        cell(band(0, Some(500)), "48.20"),
        cell(band(500, Some(1_000)), "39.75"),
        cell(band(1_000, Some(2_000)), "31.40"),
        cell(band(2_000, Some(5_000)), "26.10"),
        cell(band(5_000, None), "21.85"),
    ];
    line
}

pub(in crate::domain::rate) fn lane(code: &str, origin: &str, destination: &str, line: &str) -> Lane {
    Lane {
        code: code.to_owned(),
        origin: origin.parse().unwrap(),
        destination: destination.parse().unwrap(),
        equipment: None,
        service: None,
        transit_business_days: None,
        line: line.to_owned(),
    }
}

/// One line from anywhere to anywhere.
pub(in crate::domain::rate) fn terms(line: RateLine) -> RateTerms {
    RateTerms {
        lanes: vec![lane("ALL", "*", "*", &line.code)],
        lines: vec![line],
        ..RateTerms::empty(Currency::USD)
    }
}

pub(in crate::domain::rate) fn pounds(weight: &str) -> RatingRequest {
    RatingRequest {
        pickup: "2025-05-14T09:00:00".parse().ok(),
        weight: Some(micros(weight)),
        ..RatingRequest::default()
    }
}

/// Rated without fuel prices or exchange rates.
pub(in crate::domain::rate) fn total(
    rates: &CompiledRates,
    request: &RatingRequest,
) -> Result<Micros, String> {
    let (fuel, fx) = (FuelPrices::default(), FxRates::default());
    let rated = rates.rate(request, Market { fuel: &fuel, fx: &fx }, &mut NoTrace);
    rated.total.ok_or_else(|| rated.status.reason().unwrap_or_default())
}

/// The problems terms are refused with.
pub(in crate::domain::rate) fn problems(terms: &RateTerms) -> Vec<String> {
    CompiledRates::new(terms).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}
