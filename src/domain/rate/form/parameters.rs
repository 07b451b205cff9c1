//! The form of how to rate, and the same in words. Baseline, dispute window and price cap have a form of their own
//! ([`crate::domain::lifecycle::VersionOptions`]) and are left as they are here.

use super::super::compile::parameter_problems;
use super::super::{DimMethod, DimRule, FakRule, FuelBase, MinimumOrder, RateParameters, RatingDate};
use super::kinds::{all, capital, field, flag, joined, or_empty};
use super::read::{Reader, day_after, last_day, number, plain, rounding, rounding_text};
use super::{Field, Input, Values};
use crate::domain::exact::{RoundMode, Rounding};
use crate::domain::field::FieldErrors;
use crate::domain::quantity::{DistanceUnit, LengthUnit, WeightUnit};
use crate::domain::words;

/// The fields, in reading order.
#[must_use]
pub fn parameter_fields() -> Vec<Field> {
    use Input::{Choice, Lines, Number, Text};
    vec![
        field(
            "rating_date",
            "Rating date",
            Choice(all!(RatingDate)),
            "The day that decides version, rate and rules.",
        ),
        field("weight_unit", "Weight in", Choice(all!(WeightUnit)), ""),
        field("weight_mode", "Weight is rounded", Choice(all!(RoundMode)), ""),
        field("weight_step", "Weight, to steps of", Number, "0 leaves it as measured."),
        field("distance_unit", "Distance in", Choice(all!(DistanceUnit)), ""),
        field("distance_mode", "Distance is rounded", Choice(all!(RoundMode)), ""),
        field("distance_step", "Distance, to steps of", Number, "0 leaves it as measured."),
        field(
            "distance_source",
            "Distance source",
            Text,
            "The mileage guide and its version. Needed where anything is charged by distance.",
        ),
        field("deficit", "Deficit weight", flag(), "Charged as a higher weight break when that is cheaper."),
        field("minimum_order", "The minimum charge holds", Choice(all!(MinimumOrder)), ""),
        field("fuel_base", "Fuel is charged on", Choice(all!(FuelBase)), ""),
        field(
            "fak",
            "Freight of all kinds",
            Lines,
            "One rule a line: 50, 55, 60: 70 rates the first three classes as class 70. May stay empty.",
        ),
        field(
            "dims",
            "Dim weight",
            Lines,
            "One rule a line, parts after commas: from 2025-08-18, unit IN, divisor 139, sides up 1, weight up 1. Or: unit M, cube 333, loading metre 1850, width 2.4, weight up 1. May stay empty.",
        ),
        field(
            "not_applicable",
            "Not rated when",
            Text,
            "Shipments without a rate by agreement, such as: flag collect. May stay empty.",
        ),
    ]
}

/// What the form is filled with.
#[must_use]
pub fn parameters_write(parameters: &RateParameters) -> Values {
    let p = parameters;
    let pairs = [
        ("rating_date", p.rating_date.code().to_owned()),
        ("weight_unit", p.weight_unit.code().to_owned()),
        ("weight_mode", p.weight_rounding.mode.code().to_owned()),
        ("weight_step", plain(p.weight_rounding.step)),
        ("distance_unit", p.distance_unit.code().to_owned()),
        ("distance_mode", p.distance_rounding.mode.code().to_owned()),
        ("distance_step", plain(p.distance_rounding.step)),
        ("distance_source", or_empty(p.distance_source.as_ref())),
        ("deficit", if p.deficit { "yes" } else { "no" }.to_owned()),
        ("minimum_order", p.minimum_order.code().to_owned()),
        ("fuel_base", p.fuel_base.code().to_owned()),
        ("fak", joined(p.fak.iter().map(fak_text))),
        ("dims", joined(p.dims.iter().map(dim_text))),
        ("not_applicable", or_empty(p.not_applicable.as_ref())),
    ];
    pairs.into_iter().collect()
}

/// The names of the fields, in the order of [`parameter_fields`].
pub const PARAMETER_NAMES: [&str; 14] = [
    "rating_date",
    "weight_unit",
    "weight_mode",
    "weight_step",
    "distance_unit",
    "distance_mode",
    "distance_step",
    "distance_source",
    "deficit",
    "minimum_order",
    "fuel_base",
    "fak",
    "dims",
    "not_applicable",
];
/// Rules of a list stand in one cell of a sheet, with this between them.
const BETWEEN: &str = " | ";

/// The answers as cells of a sheet, in the order of [`PARAMETER_NAMES`].
#[must_use]
pub fn parameters_to_sheet(parameters: &RateParameters) -> [String; PARAMETER_NAMES.len()] {
    let values = parameters_write(parameters);
    PARAMETER_NAMES.map(|name| {
        let text = values.get(name).cloned().unwrap_or_default();
        if matches!(name, "fak" | "dims") { text.replace('\n', BETWEEN) } else { text }
    })
}

/// The choices as a sheet says them, where `said` has every column of the sheet; one that says nothing is as usual,
/// and one the sheet does not have stays as in `before`.
///
/// # Errors
/// Every column to correct.
pub fn parameters_of_sheet(said: &Values, before: &RateParameters) -> Result<RateParameters, FieldErrors> {
    let (mut values, usual) = (parameters_write(before), parameters_write(&RateParameters::default()));
    for (name, text) in said {
        let text = match *name {
            "fak" | "dims" => text.replace(BETWEEN.trim(), "\n"),
            "distance_source" | "not_applicable" => text.clone(),
            "deficit" => text.to_ascii_lowercase(),
            _ => text.to_ascii_uppercase(),
        };
        let text = if text.is_empty() { usual.get(name).cloned().unwrap_or_default() } else { text };
        values.insert(name, text);
    }
    parameters_read(&values, before)
}

/// The choices a filled-in form says; what it does not ask stays as in `before`.
///
/// # Errors
/// Every field to correct, with the line where it has several.
pub fn parameters_read(values: &Values, before: &RateParameters) -> Result<RateParameters, FieldErrors> {
    let mut reader = Reader::new(values);
    let read = parameters(&mut reader, before);
    if let Some(parameters) = &read
        && reader.is_sound()
    {
        let bare = |at: &str| at.strip_prefix("parameters, ").unwrap_or(at).replace("_rounding", "_step");
        let problems = parameter_problems(parameters).into_iter();
        reader.take(problems.map(|problem| (bare(&problem.at), problem.message)).collect());
    }
    reader.end(read)
}

fn parameters(r: &mut Reader<'_>, before: &RateParameters) -> Option<RateParameters> {
    let rating_date = r.choice("rating_date");
    let (weight_unit, weight_mode, weight_step) =
        (r.choice("weight_unit"), r.choice("weight_mode"), r.number("weight_step"));
    let (distance_unit, distance_mode, distance_step) =
        (r.choice("distance_unit"), r.choice("distance_mode"), r.number("distance_step"));
    let distance_source = r.text_optional("distance_source");
    let (deficit, minimum_order, fuel_base) =
        (r.flag("deficit"), r.choice("minimum_order"), r.choice("fuel_base"));
    let (fak, dims) = (r.lines("fak", fak), r.lines("dims", dim));
    let not_applicable = r.said_optional("not_applicable");
    Some(RateParameters {
        rating_date: rating_date?,
        weight_unit: weight_unit?,
        distance_unit: distance_unit?,
        weight_rounding: Rounding { mode: weight_mode?, step: weight_step? },
        distance_rounding: Rounding { mode: distance_mode?, step: distance_step? },
        dims,
        deficit: deficit?,
        minimum_order: minimum_order?,
        fuel_base: fuel_base?,
        price_cap: before.price_cap,
        not_applicable,
        fak,
        distance_source,
        dispute_days: before.dispute_days,
        baseline: before.baseline.clone(),
    })
}

/// `50, 55, 60: 70`
fn fak_text(rule: &FakRule) -> String {
    format!("{}: {}", rule.classes.join(", "), rule.rated_as)
}

fn fak(line: &str) -> Result<FakRule, String> {
    let read = || {
        let (classes, rated_as) = line.rsplit_once(':')?;
        let classes: Vec<String> = classes
            .split(',')
            .map(|class| class.trim().to_owned())
            .filter(|class| !class.is_empty())
            .collect();
        let rated_as = rated_as.trim().to_owned();
        (!classes.is_empty() && !rated_as.is_empty()).then_some(FakRule { classes, rated_as })
    };
    read().ok_or_else(|| format!("`{line}` is no rule; write 50, 55, 60: 70"))
}

/// `from 2025-08-18, unit IN, divisor 139, sides up 1, weight up 1`
fn dim_text(rule: &DimRule) -> String {
    let mut parts = Vec::new();
    if let Some(from) = rule.valid_from {
        parts.push(format!("from {from}"));
    }
    if let Some(to) = rule.valid_to {
        parts.push(format!("until {}", last_day(to)));
    }
    parts.push(format!("unit {}", rule.length_unit.code()));
    match rule.method {
        DimMethod::Divisor { divisor, side_rounding } => {
            parts.push(format!("divisor {}", plain(divisor)));
            parts.push(format!("sides {}", rounding_text(side_rounding)));
        }
        DimMethod::Ratio { per_cube, per_loading_metre, vehicle_width } => {
            parts.extend(per_cube.map(|ratio| format!("cube {}", plain(ratio))));
            parts.extend(per_loading_metre.map(|ratio| format!("loading metre {}", plain(ratio))));
            parts.push(format!("width {}", plain(vehicle_width)));
        }
    }
    parts.push(format!("weight {}", rounding_text(rule.weight_rounding)));
    parts.join(", ")
}

fn dim(line: &str) -> Result<DimRule, String> {
    const KEYS: [&str; 9] =
        ["from ", "until ", "unit ", "divisor ", "sides ", "cube ", "loading metre ", "width ", "weight "];
    let mut said: [Option<&str>; 9] = [None; 9];
    for part in line.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let found =
            KEYS.iter().zip(said.iter_mut()).find_map(|(key, slot)| Some((part.strip_prefix(key)?, slot)));
        match found {
            Some((rest, slot)) if slot.is_none() => *slot = Some(rest.trim()),
            Some(_) => return Err(format!("`{part}` is said twice")),
            None => {
                return Err(format!(
                    "`{part}` is not known; write parts such as unit IN, divisor 139, sides up 1, weight up 1"
                ));
            }
        }
    }
    let [from, until, unit, divisor, sides, cube, metre, width, weight] = said;
    let bad = |what: &str| {
        format!("{what} does not read; write it such as unit IN, divisor 139, sides up 1, weight up 1")
    };
    let optional = |text: Option<&str>, what: &str| match text {
        None => Ok(None),
        Some(text) => number(text).map(Some).ok_or_else(|| bad(what)),
    };
    let valid_from = from.map(|day| day.parse().map_err(|_| bad("the first day"))).transpose()?;
    let valid_to = until.map(|day| day_after(day).ok_or_else(|| bad("the last day"))).transpose()?;
    let unit: Option<LengthUnit> = unit.and_then(|unit| unit.to_ascii_uppercase().parse().ok());
    let length_unit = unit.ok_or("say the unit of the sides: unit IN, unit CM or unit M")?;
    let weight_rounding =
        weight.and_then(rounding).ok_or("say how the weight is rounded, such as weight up 1")?;
    let method = match optional(divisor, "the divisor")? {
        Some(_) if cube.or(metre).or(width).is_some() => {
            return Err("has a divisor and ratios; a rule is one of them".to_owned());
        }
        Some(divisor) => DimMethod::Divisor {
            divisor,
            side_rounding: sides
                .and_then(rounding)
                .ok_or("say how the sides are rounded, such as sides up 1")?,
        },
        None if sides.is_some() => return Err("rounds the sides, which only a divisor does".to_owned()),
        None => {
            let (per_cube, per_loading_metre) =
                (optional(cube, "the cube ratio")?, optional(metre, "the loading metre ratio")?);
            if per_cube.or(per_loading_metre).is_none() {
                return Err(
                    "says neither divisor nor ratio; write divisor 139, cube 333 or loading metre 1850"
                        .to_owned(),
                );
            }
            let vehicle_width =
                optional(width, "the width")?.ok_or("say the width of the vehicle, such as width 2.4")?;
            DimMethod::Ratio { per_cube, per_loading_metre, vehicle_width }
        }
    };
    Ok(DimRule { valid_from, valid_to, length_unit, weight_rounding, method })
}

/// How it is rated, in words: (what, how). Baseline, dispute window and price cap are not among them.
#[must_use]
pub fn parameter_rows(parameters: &RateParameters) -> Vec<(&'static str, String)> {
    let p = parameters;
    let mut rows = vec![
        ("Rating date", capital(p.rating_date.label())),
        ("Weight", format!("in {}, {}", p.weight_unit.label(), p.weight_rounding.text())),
        ("Distance", {
            let source =
                p.distance_source.as_deref().map(|source| format!(", by {source}")).unwrap_or_default();
            format!("in {}, {}{source}", p.distance_unit.label(), p.distance_rounding.text())
        }),
        (
            "Deficit weight",
            if p.deficit { "Charged as a higher break when cheaper" } else { "Not used" }.to_owned(),
        ),
        ("Minimum charge", capital(p.minimum_order.label())),
        ("Fuel is charged on", capital(p.fuel_base.label())),
    ];
    if !p.fak.is_empty() {
        let rule = |rule: &FakRule| format!("{} as {}", rule.classes.join(", "), rule.rated_as);
        rows.push(("Freight of all kinds", p.fak.iter().map(rule).collect::<Vec<_>>().join("; ")));
    }
    if !p.dims.is_empty() {
        rows.push(("Dim weight", p.dims.iter().map(dim_words).collect::<Vec<_>>().join("; ")));
    }
    if let Some(condition) = &p.not_applicable {
        rows.push(("Not rated when", condition.to_string()));
    }
    rows
}

fn dim_words(rule: &DimRule) -> String {
    let unit = rule.length_unit.label();
    let mut text = match rule.method {
        DimMethod::Divisor { divisor, side_rounding } => {
            format!("cubic {unit} ÷ {}, sides {}", words::quantity(divisor), side_rounding.text())
        }
        DimMethod::Ratio { per_cube, per_loading_metre, vehicle_width } => {
            let ratios =
                [(per_cube, format!("cubic {unit}")), (per_loading_metre, "loading metre".to_owned())];
            let said: Vec<String> = ratios
                .into_iter()
                .filter_map(|(ratio, of)| ratio.map(|ratio| format!("{} for a {of}", words::quantity(ratio))))
                .collect();
            format!("{}, vehicle {} {unit} wide", said.join(", "), words::quantity(vehicle_width))
        }
    };
    text += &format!(", weight {}", rule.weight_rounding.text());
    if let Some(from) = rule.valid_from {
        text += &format!(", from {from}");
    }
    if let Some(to) = rule.valid_to {
        text += &format!(", until {}", last_day(to));
    }
    text
}
