//! Runs `tests/cases/rating/*.toml`: terms, prices, shipments and the expected charge lines and sentences.
//! `tests/cases/rating/README.md` tells how.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Value;

use super::super::*;
use crate::domain::exact::minor_unit;
use crate::domain::fuel::{FuelPrice, FuelPrices};
use crate::domain::tier::TierMethod;

/// Keys whose text stays text, though it may look like a number.
const TEXT_KEYS: &[&str] = &[
    "code",
    "charge",
    "class",
    "zone",
    "columns",
    "classes",
    "rated_as",
    "postcode",
    "state",
    "reference",
    "rate_text",
    "lines",
    "trace",
    "line",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    source: String,
    terms: RateTerms,
    #[serde(default)]
    fuel: Vec<FuelPrice>,
    #[serde(default)]
    fx: Vec<FxRate>,
    #[serde(default)]
    holidays: Vec<NaiveDate>,
    #[serde(default)]
    shipments: Vec<Shipment>,
    #[serde(default)]
    rebates: Vec<Rebate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipment {
    request: RatingRequest,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    total: Option<Micros>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    trace: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebate {
    method: TierMethod,
    spend: Micros,
    rebate: Micros,
}

#[test]
fn every_rating_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rating");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(files.len() >= 10, "R1 to R10 are in {}", folder.display());
    for file in files {
        run(&fs::read_to_string(&file).unwrap(), &file.file_name().unwrap().to_string_lossy());
    }
}

fn run(text: &str, file: &str) {
    let value: toml::Table = text.parse().unwrap_or_else(|e| panic!("{file}: {e}"));
    let case: Case = readable("", Value::Table(value)).try_into().unwrap_or_else(|e| panic!("{file}: {e}"));
    assert!(!case.title.is_empty() && !case.source.is_empty(), "{file} has a title and a source");
    let rates = CompiledRates::new(&case.terms).unwrap_or_else(|p| panic!("{file}: {p:?}"));
    // Terms are stored as JSON and come back as they were.
    let stored = serde_json::to_string(&case.terms).unwrap();
    assert_eq!(serde_json::from_str::<RateTerms>(&stored).unwrap(), case.terms, "{file}");
    let fuel = FuelPrices::new(case.fuel, None, case.holidays).unwrap();
    let fx = FxRates::new(case.fx, None).unwrap();
    for (shipment, number) in case.shipments.iter().zip(1..) {
        let at = format!("{file}, shipment {number} {}", shipment.request.reference);
        check(&rates, Market { fuel: &fuel, fx: &fx }, shipment, &at);
    }
    for rebate in case.rebates {
        let tier = case.terms.tiers.iter().find(|t| t.method == Some(rebate.method)).unwrap();
        let minor = minor_unit(case.terms.currency.minor_digits());
        assert_eq!(
            tier.rebate(rebate.spend, rebate.spend, minor),
            Some(rebate.rebate),
            "{file} {}",
            rebate.method
        );
    }
}

fn check(rates: &CompiledRates, market: Market<'_>, shipment: &Shipment, at: &str) {
    let mut steps = Steps::default();
    let rated = rates.rate(&shipment.request, market, &mut steps);
    let told: Vec<String> = steps.lines().into_iter().map(|line| line.text).collect();
    let story = told.join("\n  ");
    assert_eq!(
        rated.status.code(),
        shipment.status.as_deref().unwrap_or("RATED"),
        "{at}: {:?}\n  {story}",
        rated.status
    );
    assert_eq!(rated.status.reason(), shipment.reason, "{at}");
    let lines: Vec<String> = rated
        .lines
        .iter()
        .map(|line| format!("{} {}", line.code, crate::domain::words::amount(line.amount)))
        .collect();
    assert_eq!(lines, shipment.lines, "{at}\n  {story}");
    assert_eq!(rated.total, shipment.total, "{at}\n  {story}");
    for sentence in &shipment.trace {
        assert!(told.contains(sentence), "{at}: nobody says `{sentence}` in\n  {story}");
    }
    // The same without a trace, and parts that sum to the whole.
    let silent = rates.rate(&shipment.request, market, &mut NoTrace);
    assert_eq!(silent, rated, "{at}");
    let parts = ChargePart::ALL.iter().map(|part| rated.part(*part)).sum();
    assert_eq!(rated.total.unwrap_or_default(), parts, "{at}");
}

/// Text as people write it, as the stored form has it: `39.75` in millionths, `62 %` in basis points, `0 to 500`
/// and `5,000 and more` as bands, `up 1` as a rounding.
fn readable(key: &str, value: Value) -> Value {
    match value {
        // Exchange rates are exact decimals, stored as text.
        value if key == "fx" => value,
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key.clone(), readable(&key, value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(|value| readable(key, value)).collect()),
        Value::String(text) if !TEXT_KEYS.contains(&key) => {
            from_text(key, &text).unwrap_or(Value::String(text))
        }
        other => other,
    }
}

fn from_text(key: &str, text: &str) -> Option<Value> {
    let plain = text.replace(',', "");
    let number = |text: &str| Some(Value::Integer(Micros::from_decimal(text.trim().parse().ok()?).ok()?.0));
    let table = |entries: Vec<(&str, Value)>| {
        Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    if let Some(percent) = plain.strip_suffix('%') {
        return number(percent).map(|value| Value::Integer(value.as_integer().unwrap() / 10_000));
    }
    if matches!(key, "first" | "second") {
        if let Some((lower, upper)) = plain.split_once(" to ") {
            return Some(table(vec![("lower", number(lower)?), ("upper", number(upper)?)]));
        }
        if let Some(lower) = plain.strip_suffix(" and more") {
            return Some(table(vec![("lower", number(lower)?)]));
        }
    }
    if key.ends_with("rounding")
        && let Some((mode, step)) = plain.split_once(' ')
    {
        return Some(table(vec![("mode", Value::String(mode.to_uppercase())), ("step", number(step)?)]));
    }
    number(&plain)
}
