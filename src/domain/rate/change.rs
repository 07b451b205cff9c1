//! What one version's rates change against another's, in words (DOMAIN §3.1).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::cap::held_back;
use super::form::{TermItem, TermKind, capital};
use super::{Bps, FuelProgramme, Lane, Micros, Pricing, RateLine, RateTerms, TableSeal, diff_summary};
use crate::domain::words;

/// Cells of a table that are told one by one.
const CELLS_TOLD: usize = 5;

/// Which part of the rates a change is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricingPart {
    /// Choices of how to rate.
    Rule,
    /// From where to where.
    Lane,
    /// A rate table.
    Table,
    /// Zones, service levels, fuel, calendars, taxes, commitments, tiers.
    Programme,
}

/// One difference. Added when nothing was before, removed when nothing is after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricingChange {
    /// Which part.
    pub part: PricingPart,
    /// What changed.
    pub what: String,
    /// The old wording.
    pub before: Option<String>,
    /// The new wording.
    pub after: Option<String>,
}

/// Everything `after` changes against `before`, in reading order. Of a table that changed, the cells are compared
/// where both sides have them loaded, and counted where not.
#[must_use]
pub fn pricing_changes(before: &Pricing, after: &Pricing) -> Vec<PricingChange> {
    let (old, new) = (&before.terms, &after.terms);
    let mut changes = Vec::new();
    let mut tell = |part, was: Rows, is: Rows| changes.extend(compare(part, was, is));
    let rules = |value: &Value| -> Rows {
        let fields = value.as_object().into_iter().flatten();
        fields.map(|(name, value)| (name.clone(), (name.replace('_', " "), text(name, value)))).collect()
    };
    tell(PricingPart::Rule, rules(&json(&old.parameters)), rules(&json(&new.parameters)));
    let lanes = |lanes: &[Lane]| -> Rows {
        lanes
            .iter()
            .map(|lane| (lane.code.clone(), (format!("Lane {}", lane.code), lane_text(lane))))
            .collect()
    };
    tell(PricingPart::Lane, lanes(&old.lanes), lanes(&new.lanes));
    changes.extend(tables(before, after));
    for kind in TermKind::ALL.iter().filter(|kind| **kind != TermKind::Lane) {
        changes.extend(compare(PricingPart::Programme, programmes(*kind, old), programmes(*kind, new)));
    }
    changes
}

/// Key to name and wording.
type Rows = BTreeMap<String, (String, String)>;

fn compare(part: PricingPart, mut was: Rows, is: Rows) -> Vec<PricingChange> {
    let mut changes = Vec::new();
    for (key, (what, new)) in is {
        let old = was.remove(&key).map(|(_, old)| old);
        if old.as_ref() != Some(&new) {
            changes.push(PricingChange { part, what, before: old, after: Some(new) });
        }
    }
    let gone =
        was.into_values().map(|(what, old)| PricingChange { part, what, before: Some(old), after: None });
    changes.extend(gone);
    changes
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Amounts and quantities, which are stored in millionths.
const MILLIONTHS: &[&str] = &[
    "step",
    "divisor",
    "per_cube",
    "per_loading_metre",
    "vehicle_width",
    "rate",
    "min",
    "max",
    "amount",
    "floor",
    "cap",
    "peg",
    "per_unit",
    "quantity",
    "price",
    "reduction",
    "shortfall_rate",
    "lower",
    "upper",
];

/// A value in words, as far as its own names go.
fn text(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if name == "price_cap" => {
            number.as_i64().map_or_else(|| number.to_string(), |share| words::percent(Bps(share)))
        }
        Value::Number(number) => match number.as_i64().filter(|_| MILLIONTHS.contains(&name)) {
            Some(micros) => words::quantity(Micros(micros)),
            None => number.to_string(),
        },
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(|item| text(name, item)).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let said = fields.iter().filter(|(_, value)| !value.is_null());
            said.map(|(name, value)| format!("{} {}", name.replace('_', " "), text(name, value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

/// Every term of a kind, by its code; those without one by their place.
fn programmes(kind: TermKind, terms: &RateTerms) -> Rows {
    let row = |(item, number): (TermItem, usize)| {
        let code = item.code();
        let mut key = if code.is_empty() { number.to_string() } else { code.to_owned() };
        // Several of one code hold one after another in time.
        if let TermItem::Fuel(FuelProgramme { valid_from: Some(from), .. }) = &item {
            key += &format!(" from {from}");
        }
        if let TermItem::Tax(tax) = &item {
            key += &format!(" of {}", tax.jurisdiction.words());
        }
        (key.clone(), (format!("{} {key}", capital(kind.label())), item.whole_text()))
    };
    let mut rows = Rows::new();
    for (key, said) in (0..kind.count(terms)).filter_map(|place| kind.item(terms, place)).zip(1..).map(row) {
        // Terms of one code, such as two taxes, are each a row of the list.
        let free = |key: &String| !rows.contains_key(key);
        let numbered = (2..).map(|n: usize| format!("{key}, number {n}"));
        let key = std::iter::once(key.clone()).chain(numbered).find(free).unwrap_or(key);
        rows.insert(key, said);
    }
    rows
}

pub(super) fn lane_text(lane: &Lane) -> String {
    let mut text = format!("{} to {}", lane.origin.words(), lane.destination.words());
    for (name, word) in [("equipment", &lane.equipment), ("service", &lane.service)] {
        if let Some(word) = word {
            text += &format!(", {name} {word}");
        }
    }
    if let Some(days) = lane.transit_business_days {
        text += &format!(", {} in transit", words::count(i64::from(days), "business day"));
    }
    text + &format!(", by rate table {}", lane.line)
}

/// A table by its code and first day.
fn table_name(line: &RateLine) -> String {
    let from = line.valid_from.map(|day| format!(" from {day}"));
    format!("Rate table {}{}", line.code, from.unwrap_or_default())
}

/// How a table rates, without its cells.
fn head_text(line: &RateLine) -> String {
    let value = json(&RateLine { cells: Vec::new(), columns: Vec::new(), ..line.head() });
    let mut fields = value.as_object().cloned().unwrap_or_default();
    for told in ["code", "cells", "columns", "valid_from"] {
        fields.remove(told);
    }
    fields.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    text("", &Value::Object(fields))
}

fn count(cells: usize) -> String {
    words::many(cells, "rate")
}

fn tables(before: &Pricing, after: &Pricing) -> Vec<PricingChange> {
    type Keyed<'a> = BTreeMap<String, (&'a RateLine, &'a TableSeal)>;
    fn of(pricing: &Pricing) -> Keyed<'_> {
        pricing
            .terms
            .lines
            .iter()
            .zip(&pricing.tables)
            .map(|(line, seal)| (table_name(line), (line, seal)))
            .collect()
    }
    let (mut was, is) = (of(before), of(after));
    let whole = |(line, seal): (&RateLine, &TableSeal)| format!("{}: {}", count(seal.cells), head_text(line));
    let mut changes = Vec::new();
    for (what, new) in is {
        let Some(old) = was.remove(&what) else {
            changes.push(PricingChange {
                part: PricingPart::Table,
                what,
                before: None,
                after: Some(whole(new)),
            });
            continue;
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        if head_text(old.0) != head_text(new.0) {
            left.push(head_text(old.0));
            right.push(head_text(new.0));
        }
        if old.1.sha256 != new.1.sha256 || old.0.columns != new.0.columns {
            left.push(count(old.1.cells));
            right.push(cells_text(old, new, after.terms.parameters.price_cap));
        }
        if !right.is_empty() {
            let (before, after) = (Some(left.join("; ")), Some(right.join("; ")));
            changes.push(PricingChange { part: PricingPart::Table, what, before, after });
        }
    }
    let gone = was.into_iter();
    changes.extend(gone.map(|(what, old)| PricingChange {
        part: PricingPart::Table,
        what,
        before: Some(whole(old)),
        after: None,
    }));
    changes
}

/// `40 rates: 3 added, 1 removed, 12 changed: weight 0 to 500: 48.20 → 49.00 (+0.80, +1.66 %), …`
fn cells_text(
    (old, was): (&RateLine, &TableSeal),
    (new, is): (&RateLine, &TableSeal),
    cap: Option<Bps>,
) -> String {
    if old.cells.len() != was.cells || new.cells.len() != is.cells {
        return format!("{}, other ones", count(is.cells));
    }
    let diff = diff_summary(old, new, CELLS_TOLD);
    let mut said = format!(
        "{}: {} added, {} removed, {} changed",
        count(is.cells),
        diff.added,
        diff.removed,
        diff.changed
    );
    for change in &diff.largest {
        said += &format!("; {}", change.text((new.first, new.second)));
    }
    if diff.changed > CELLS_TOLD {
        said += "; …";
    }
    let (over, told) = held_back(new, cap, CELLS_TOLD);
    if over > 0 {
        let share = cap.map(words::percent).unwrap_or_default();
        said += &format!("; over the price cap of {share}: {}: {}", count(over), told.join("; "));
        if over > told.len() {
            said += "; …";
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::{lane, ltl, micros};
    use super::*;
    use crate::domain::currency::Currency;

    fn pricing(line: RateLine) -> Pricing {
        let mut pricing = Pricing::none(Currency::USD);
        let mut line = line;
        pricing.tables.push(TableSeal::of(&mut line.cells));
        pricing.terms.lanes.push(lane("L1", "US-TX", "*", &line.code));
        pricing.terms.lines.push(line);
        pricing
    }

    #[test]
    fn tables_are_compared_cell_by_cell_and_counted_where_not_loaded() {
        let before = pricing(ltl());
        let mut dearer = ltl();
        dearer.cells[0].rate = micros("49.00");
        let after = pricing(dearer);
        assert_eq!(pricing_changes(&before, &before), []);
        let changes = pricing_changes(&before, &after);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].part, changes[0].what.as_str()), (PricingPart::Table, "Rate table LTL"));
        let said = changes[0].after.clone().unwrap();
        assert!(said.contains("5 rates: 0 added, 0 removed, 1 changed"), "{said}");
        assert!(said.contains("48.20 → 49.00 (+0.80, +1.66 %)"), "{said}");
        let mut capped = after.clone();
        capped.terms.parameters.price_cap = Some(Bps(100));
        capped.terms.lines[0].cells[0].prior = Some(micros("48.20"));
        let said = pricing_changes(&before, &capped)[1].after.clone().unwrap();
        assert!(said.contains("over the price cap of 1 %: 1 rate: weight 0 to 500"), "{said}");
        assert!(said.ends_with("held to 48.682"), "{said}");
        let mut light = after.clone();
        light.terms.lines[0].cells.clear();
        assert_eq!(pricing_changes(&before, &light)[0].after.as_deref(), Some("5 rates, other ones"));
    }

    #[test]
    fn terms_of_one_code_are_each_listed() {
        let tax = |place: &str| super::super::TaxRate {
            code: "TAX".to_owned(),
            label: "Tax".to_owned(),
            jurisdiction: place.parse().unwrap(),
            share: Bps(825),
        };
        let mut pricing = pricing(ltl());
        pricing.terms.taxes = vec![tax("US-TX"), tax("US-OH"), tax("US-TX")];
        let changes = pricing_changes(&Pricing::none(Currency::USD), &pricing);
        let taxes = changes.iter().filter(|change| change.what.starts_with("Tax"));
        assert_eq!(taxes.count(), 3, "{changes:?}");
    }

    #[test]
    fn lanes_rules_and_tables_are_named() {
        let before = pricing(ltl());
        let mut after = pricing(ltl());
        after.terms.lanes[0].service = Some("STD".to_owned());
        after.terms.parameters.deficit = true;
        after.terms.lines[0].min = Some(micros("95"));
        let seen: Vec<_> = pricing_changes(&before, &after).into_iter().map(|c| (c.what, c.after)).collect();
        assert_eq!(seen[0], ("deficit".to_owned(), Some("yes".to_owned())));
        assert_eq!(seen[1].1.as_deref(), Some("US-TX to anywhere, service STD, by rate table LTL"));
        assert!(seen[2].1.as_deref().is_some_and(|text| text.contains("min 95")), "{:?}", seen[2]);
        let none = Pricing::none(Currency::USD);
        assert!(pricing_changes(&none, &before).iter().all(|c| c.before.is_none()));
        assert!(pricing_changes(&before, &none).iter().all(|c| c.after.is_none()));
    }
}
