//! From what was weighed and measured to what is billed (DOMAIN §3.4 step 2, §3.6, §3.7).

use chrono::NaiveDate;

use super::engine::Unrated;
use super::{DimMethod, DimRule, Micros, Piece, RateParameters, RatingRequest};
use crate::domain::exact::{ONE, Ratio, RoundMode};
use crate::domain::quantity::{ChargeUnit, LengthUnit, QUANTITY_MAX};

/// Longest side of a piece, in any unit.
const SIDE_MAX: Micros = Micros(100_000_000_000);

const ONE_METRE: Micros = Micros(1_000_000);

/// Weights of a shipment, in the tariff's unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub actual: Micros,
    /// What its size comes to, where a rule says so.
    pub by_size: Option<Micros>,
    pub billed: Micros,
}

/// A quantity that is not negative and not absurd.
pub(super) fn sane(value: Micros, what: &'static str) -> Result<Micros, Unrated> {
    if Micros::ZERO <= value && value <= QUANTITY_MAX { Ok(value) } else { Err(Unrated::Absurd(what)) }
}

fn fits<T>(value: Option<T>, what: &'static str) -> Result<T, Unrated> {
    value.ok_or(Unrated::Absurd(what))
}

/// The shipment's weight; none when neither it nor its parts were weighed.
pub(super) fn actual(
    request: &RatingRequest,
    parameters: &RateParameters,
) -> Result<Option<Micros>, Unrated> {
    let sum = if let Some(weight) = request.weight {
        Some(weight)
    } else if !request.articles.is_empty() {
        Some(request.articles.iter().map(|article| article.weight).sum())
    } else if !request.pieces.is_empty() {
        request
            .pieces
            .iter()
            .map(|piece| Some(Micros(piece.weight?.0.saturating_mul(i64::from(piece.count)))))
            .sum()
    } else {
        None
    };
    let Some(sum) = sum else { return Ok(None) };
    let weight = sane(sum, "weight")?;
    Ok(Some(fits(parameters.weight_unit.convert(weight, request.weight_unit), "weight")?))
}

/// Whether the rule finds a size: sides of a piece, or where it goes by a ratio the volume or the loading metres as said.
fn is_measured(request: &RatingRequest, rule: &DimRule) -> bool {
    let sides = || request.pieces.iter().any(|piece| piece.sides.is_some());
    let said = match rule.method {
        DimMethod::Divisor { .. } => false,
        DimMethod::Ratio { per_cube, per_loading_metre, .. } => {
            (per_cube.is_some() && request.volume_m3.is_some())
                || (per_loading_metre.is_some() && request.count_of(ChargeUnit::LoadingMetre).is_some())
        }
    };
    said || sides()
}

/// The rule in force on `day`.
pub(super) fn rule_on(rules: &[DimRule], day: NaiveDate) -> Option<&DimRule> {
    rules.iter().find(|r| r.valid_from.is_none_or(|from| from <= day) && r.valid_to.is_none_or(|to| day < to))
}

/// The shipment as a whole.
pub(super) fn shipment(
    request: &RatingRequest,
    parameters: &RateParameters,
    actual: Micros,
    day: NaiveDate,
) -> Result<Weighed, Unrated> {
    let rounded = fits(parameters.weight_rounding.apply(actual), "weight")?;
    let Some(rule) = rule_on(&parameters.dims, day).filter(|rule| is_measured(request, rule)) else {
        return Ok(Weighed { actual, by_size: None, billed: rounded });
    };
    let by_size = match rule.method {
        DimMethod::Divisor { .. } => {
            let mut sum = Micros::ZERO;
            for piece in &request.pieces {
                let one = piece_by_size(request, rule, piece)?.unwrap_or(Micros::ZERO);
                sum = sum + Micros(fits(one.0.checked_mul(i64::from(piece.count)), "size")?);
            }
            sum
        }
        DimMethod::Ratio { per_cube, per_loading_metre, vehicle_width } => {
            let weigh = |volume: Ratio, per: Micros| {
                fits(
                    volume.times(i128::from(per.0), ONE).and_then(|w| rule.weight_rounding.apply_ratio(w)),
                    "size",
                )
            };
            let cube = match per_cube {
                Some(per) => weigh(volume(request, rule)?, per)?,
                None => Micros::ZERO,
            };
            let metres = match per_loading_metre {
                Some(per) => weigh(loading_metres(request, rule, vehicle_width)?, per)?,
                None => Micros::ZERO,
            };
            cube.max(metres)
        }
    };
    Ok(Weighed { actual, by_size: Some(by_size), billed: rounded.max(sane(by_size, "size")?) })
}

/// One piece by itself.
pub(super) fn piece(
    request: &RatingRequest,
    parameters: &RateParameters,
    piece: &Piece,
    day: NaiveDate,
) -> Result<Weighed, Unrated> {
    let alone = request.weight.filter(|_| request.piece_count() == 1);
    let weight = piece.weight.or(alone).ok_or(Unrated::Missing("weight of each piece"))?;
    let actual =
        fits(parameters.weight_unit.convert(sane(weight, "weight")?, request.weight_unit), "weight")?;
    let rounded = fits(parameters.weight_rounding.apply(actual), "weight")?;
    let by_size = match rule_on(&parameters.dims, day) {
        Some(rule) => piece_by_size(request, rule, piece)?,
        None => None,
    };
    Ok(Weighed { actual, by_size, billed: by_size.map_or(rounded, |size| size.max(rounded)) })
}

/// The weight of one piece's size under a divisor; none without sides or under another rule.
fn piece_by_size(request: &RatingRequest, rule: &DimRule, piece: &Piece) -> Result<Option<Micros>, Unrated> {
    let (Some(sides), DimMethod::Divisor { divisor, side_rounding }) = (piece.sides, rule.method) else {
        return Ok(None);
    };
    let mut rounded = [Micros::ZERO; 3];
    for (side, slot) in sides.into_iter().zip(&mut rounded) {
        let exact = fits(rule.length_unit.convert(side_of(side)?, request.length_unit), "size")?;
        *slot = fits(side_rounding.apply_ratio(exact), "size")?;
    }
    let volume = fits(cube(rounded), "size")?;
    let weight = fits(volume.times(ONE, i128::from(divisor.0.max(1))), "size")?;
    fits(rule.weight_rounding.apply_ratio(weight), "size").map(Some)
}

fn cube([length, width, height]: [Micros; 3]) -> Option<Ratio> {
    Ratio::product(length, width).times(i128::from(height.0), ONE)
}

fn side_of(side: Micros) -> Result<Micros, Unrated> {
    if Micros::ZERO < side && side <= SIDE_MAX { Ok(side) } else { Err(Unrated::Absurd("size")) }
}

/// Cubic length of all measured pieces, in the rule's unit; the volume as said where none is measured.
fn volume(request: &RatingRequest, rule: &DimRule) -> Result<Ratio, Unrated> {
    let said = request.volume_m3.filter(|_| measured(request).next().is_none());
    if let Some(said) = said {
        let metre = fits(rule.length_unit.convert(ONE_METRE, LengthUnit::M), "size")?;
        let side = fits(metre.round(RoundMode::Nearest, 1), "size")?;
        let cubic_metre = fits(cube([side; 3]), "size")?;
        return fits(cubic_metre.times(i128::from(sane(said, "volume")?.0), ONE), "size");
    }
    let mut sum = Ratio::ZERO;
    for (piece, sides) in measured(request) {
        let [length, width, height] = sides;
        let side = |side| whole_micros(request, rule, side);
        let volume = cube([side(length)?, side(width)?, side(height)?]);
        let all = volume.and_then(|volume| volume.times(i128::from(piece.count), 1));
        sum = fits(all.and_then(|all| sum.plus(all)), "size")?;
    }
    Ok(sum)
}

/// Length × width ÷ width of the vehicle, of what cannot be stacked; or as counted on the request.
fn loading_metres(request: &RatingRequest, rule: &DimRule, vehicle_width: Micros) -> Result<Ratio, Unrated> {
    if let Some(counted) = request.count_of(ChargeUnit::LoadingMetre) {
        return Ok(sane(counted, "loading metres")?.into());
    }
    let mut sum = Ratio::ZERO;
    for (piece, [length, width, _]) in measured(request).filter(|(piece, _)| !piece.stackable) {
        let (length, width) = (whole_micros(request, rule, length)?, whole_micros(request, rule, width)?);
        let area = Ratio::product(length, width).times(i128::from(piece.count), 1);
        sum = fits(area.and_then(|area| sum.plus(area)), "size")?;
    }
    fits(sum.times(ONE, i128::from(vehicle_width.0.max(1))), "size")
}

fn measured(request: &RatingRequest) -> impl Iterator<Item = (&Piece, [Micros; 3])> {
    request.pieces.iter().filter_map(|piece| Some((piece, piece.sides?)))
}

fn whole_micros(request: &RatingRequest, rule: &DimRule, side: Micros) -> Result<Micros, Unrated> {
    let side = rule.length_unit.convert(side_of(side)?, request.length_unit);
    fits(side.and_then(|side| side.round(RoundMode::Nearest, 1)), "size")
}
