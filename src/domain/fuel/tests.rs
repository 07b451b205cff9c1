//! Programmes and prices by worked example (DOMAIN R5, R6) and by bad input.

use super::*;
use chrono::{DateTime, Utc};

pub(crate) fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T15:00:00Z").parse().unwrap()
}

fn programme(method: FuelMethod) -> FuelProgramme {
    FuelProgramme {
        code: "405".to_owned(),
        label: "Fuel".to_owned(),
        index: "EIA".to_owned(),
        method: Some(method),
        basis: FuelBasis::PerDistance,
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

fn price(published: &str, recorded: &str, price: &str) -> FuelPrice {
    FuelPrice {
        index: "EIA".to_owned(),
        published_on: day(published),
        effective_from: None,
        recorded_at: at(recorded),
        price: micros(price),
    }
}

/// DOMAIN R5: formula 0.446, table 0.44 at 3.876.
#[test]
fn the_two_methods_differ() {
    let formula = programme(FuelMethod::Formula { peg: micros("1.20"), mpg: micros("6.0") });
    assert_eq!(formula.value_at(micros("3.876")), Some(micros("0.446")));
    assert_eq!(formula.value_at(micros("1.10")), Some(Micros::ZERO));
    let brackets = stepped_table(micros("1.20"), micros("0.06"), micros("0.01"), 60);
    let table = programme(FuelMethod::Table { brackets });
    assert_eq!(table.validate(), []);
    assert_eq!(table.value_at(micros("3.876")), Some(micros("0.44")));
    assert_eq!(table.value_at(micros("3.899")), Some(micros("0.44")), "the upper price is excluded");
    assert_eq!(table.value_at(micros("3.900")), Some(micros("0.45")), "the lower price is included");
    assert_eq!(table.value_at(micros("3.8996")), Some(micros("0.45")), "compared at three decimals");
}

/// DOMAIN R6, Memorial Day included.
#[test]
fn the_price_of_the_day_after_publication_holds() {
    let rows = [("2025-05-05", "3.5"), ("2025-05-12", "3.6"), ("2025-05-19", "3.7"), ("2025-05-27", "3.8")];
    let rows = rows.map(|(published, value)| price(published, published, value));
    let prices = FuelPrices::new(rows, None, [day("2025-05-26")]).unwrap();
    let programme = programme(FuelMethod::Formula { peg: micros("1.20"), mpg: micros("6.0") });
    for (ship, wanted) in [
        ("2025-05-14", "2025-05-12"),
        ("2025-05-12", "2025-05-05"),
        ("2025-05-27", "2025-05-19"),
        ("2025-05-28", "2025-05-27"),
    ] {
        let quote = prices.in_force(&programme, day(ship)).unwrap();
        assert_eq!((quote.published_on, quote.carried), (day(wanted), false), "{ship}");
    }
    let overdue = prices.in_force(&programme, day("2025-06-03")).unwrap();
    assert!(overdue.carried && overdue.published_on == day("2025-05-27"), "the price of 2 June is missing");
    assert_eq!(prices.in_force(&programme, day("2025-05-05")), None);
}

#[test]
fn what_was_known_on_a_day_stays_known() {
    let rows = [
        price("2025-05-12", "2025-05-20", "3.66"),
        price("2025-05-12", "2025-05-12", "3.60"),
        price("2025-05-05", "2025-05-05", "3.50"),
    ];
    let programme = programme(FuelMethod::Formula { peg: micros("1.20"), mpg: micros("6.0") });
    let seen = |known: Option<&str>| {
        let prices = FuelPrices::new(rows.clone(), known.map(at), []).unwrap();
        prices.in_force(&programme, day("2025-05-14")).map(|quote| quote.price)
    };
    assert_eq!(seen(Some("2025-05-13")), Some(micros("3.60")));
    assert_eq!(seen(Some("2025-05-11")), Some(micros("3.50")));
    assert_eq!(seen(None), Some(micros("3.66")));
}

#[test]
fn bad_programmes_name_the_field_and_the_hole() {
    let zero = programme(FuelMethod::Formula { peg: micros("1.20"), mpg: Micros::ZERO });
    assert_eq!(zero.validate()[0].0, "mpg");
    assert_eq!(zero.value_at(micros("3.876")), None, "nothing is divided by zero");
    let row = |from: &str, to: Option<&str>| FuelBracket {
        from: micros(from),
        to: to.map(micros),
        value: micros("0.1"),
    };
    let table = |brackets: Vec<FuelBracket>| programme(FuelMethod::Table { brackets }).validate();
    let hole = table(vec![row("1.11", Some("1.169")), row("1.17", None)]);
    assert_eq!(hole[0].0, "brackets[2]");
    assert!(hole[0].1.contains("from 1.169 to 1.170"), "{hole:?}");
    assert!(table(vec![row("1.11", Some("1.20")), row("1.17", None)])[0].1.contains("inside the row before"));
    assert!(table(vec![row("1.17", Some("1.11"))])[0].1.contains("the end must be higher"));
    assert_eq!(table(vec![])[0].0, "brackets");
    let mut turned = programme(FuelMethod::Table { brackets: vec![row("0", None)] });
    turned.valid_from = Some(day("2025-02-01"));
    turned.valid_to = Some(day("2025-01-01"));
    assert_eq!(turned.validate()[0].0, "valid_to");
    assert!(FuelPrices::new([price("2025-05-05", "2025-05-05", "-1")], None, []).is_err());
}
