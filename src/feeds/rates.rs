//! What a rate sheet's mapping says beside its columns: how rows are meant, and how a matrix is read.

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::accessorial::condition::Condition;
use crate::domain::exact::{RoundMode, Rounding};
use crate::domain::money::{Bps, Micros};
use crate::domain::quantity::{ChargeUnit, DistanceUnit, WeightUnit};
use crate::domain::rate::{
    BandEdges, ColumnsBy, GapRule, MinimumOrder, OverlapRule, RateBasis, RateLine, RateParameters, RatedBy,
    RatingDate, Said,
};
use crate::feeds::FeedError;
use crate::feeds::cell::decimal;

/// The `[rates]` of a mapping. What is left out stays as it is in the contract, or as usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateOptions {
    basis: Option<RateBasis>,
    unit: Option<ChargeUnit>,
    columns_by: Option<ColumnsBy>,
    edges: Option<BandEdges>,
    overlaps: Option<OverlapRule>,
    gaps: Option<GapRule>,
    rated_by: Option<RatedBy>,
    charge: Option<String>,
    label: Option<String>,
    discount_percent: Option<Decimal>,
    minimum: Option<Decimal>,
    maximum: Option<Decimal>,
    rating_date: Option<RatingDate>,
    weight_unit: Option<WeightUnit>,
    distance_unit: Option<DistanceUnit>,
    weight_rounding: Option<Step>,
    distance_rounding: Option<Step>,
    deficit: Option<bool>,
    minimum_order: Option<MinimumOrder>,
    not_applicable: Option<Condition>,
    distance_source: Option<String>,
    matrix: Option<Matrix>,
}

/// A rounding as a mapping writes it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    mode: RoundMode,
    step: Decimal,
}

/// A sheet with zones or classes across.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// What the columns across stand for; as the contract has it, else zones, when left out.
    #[serde(default)]
    across: Option<ColumnsBy>,
    /// How the names of the columns across begin; what follows is the name. Without it, every column that
    /// no field uses is one.
    #[serde(default)]
    prefix: String,
}

/// A column of prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceColumn {
    /// Place in the row.
    pub at: usize,
    /// The class or zone.
    pub name: String,
    /// As the file calls it.
    pub header: String,
}

fn micros(value: Decimal) -> Option<Micros> {
    Micros::from_decimal(value).ok()
}

impl RateOptions {
    /// The line every line of the sheet starts from. `has_columns`: the sheet names a column in each row.
    #[must_use]
    pub fn model(&self, has_columns: bool) -> RateLine {
        let usual = RateLine::new("", "Linehaul", self.basis.unwrap_or(RateBasis::Flat));
        let columns_by = match &self.matrix {
            Some(matrix) => matrix.across.unwrap_or(ColumnsBy::Zone),
            None if has_columns => self.columns_by.unwrap_or(ColumnsBy::Zone),
            None => ColumnsBy::None,
        };
        let share = self.discount_percent.and_then(|percent| micros(percent * Decimal::ONE_HUNDRED));
        RateLine {
            unit: self.unit,
            columns_by,
            edges: self.edges.unwrap_or(usual.edges),
            overlaps: self.overlaps.unwrap_or(usual.overlaps),
            gaps: self.gaps.unwrap_or(usual.gaps),
            rated_by: self.rated_by.unwrap_or(usual.rated_by),
            charge: self.charge.clone().unwrap_or_else(|| usual.charge.clone()),
            label: self.label.clone().unwrap_or_else(|| usual.label.clone()),
            discount: Bps(share.map_or(0, |share| share.0 / 1_000_000)),
            min: self.minimum.and_then(micros),
            max: self.maximum.and_then(micros),
            ..usual
        }
    }

    /// Whether it says which ends belong to a band.
    #[must_use]
    pub fn says_edges(&self) -> bool {
        self.edges.is_some()
    }

    /// Gives `line` from `old`, which it replaces, what neither the mapping nor the sheet says.
    pub fn keep(&self, line: &mut RateLine, old: &RateLine, said: Said) {
        let open = |name: &str| !said.head(name);
        if open("basis") {
            line.basis = self.basis.unwrap_or(old.basis);
        }
        if open("unit") {
            line.unit = self.unit.or(old.unit);
        }
        let across = self.matrix.as_ref().map_or(self.columns_by, |matrix| matrix.across);
        let has_columns = !line.columns.is_empty() && old.columns_by != ColumnsBy::None;
        if open("columns_by") && across.is_none() && has_columns {
            line.columns_by = old.columns_by;
        }
        if open("edges") && self.edges.is_none() && !said.edges {
            line.edges = old.edges;
        }
        if open("overlaps") {
            line.overlaps = self.overlaps.unwrap_or(old.overlaps);
        }
        if open("gaps") {
            line.gaps = self.gaps.unwrap_or(old.gaps);
        }
        if open("rated_by") {
            line.rated_by = self.rated_by.unwrap_or(old.rated_by);
        }
        if open("charge") && self.charge.is_none() {
            line.charge.clone_from(&old.charge);
        }
        if self.label.is_none() && !said.labels {
            line.label.clone_from(&old.label);
        }
        if open("discount_percent") && self.discount_percent.is_none() {
            line.discount = old.discount;
        }
        if open("minimum") && self.minimum.is_none() {
            line.min = old.min;
        }
        if open("maximum") && self.maximum.is_none() {
            line.max = old.max;
        }
        line.follow(old, open("above_rates"), open("absolute_minimum"));
    }

    /// Sets the choices of how to rate that the mapping makes; the others stay.
    pub fn apply(&self, parameters: &mut RateParameters) {
        fn set<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        let step = |step: Step| Some(Rounding { mode: step.mode, step: micros(step.step)? });
        set(&mut parameters.rating_date, self.rating_date.as_ref());
        set(&mut parameters.weight_unit, self.weight_unit.as_ref());
        set(&mut parameters.distance_unit, self.distance_unit.as_ref());
        set(&mut parameters.weight_rounding, self.weight_rounding.and_then(step).as_ref());
        set(&mut parameters.distance_rounding, self.distance_rounding.and_then(step).as_ref());
        set(&mut parameters.deficit, self.deficit.as_ref());
        set(&mut parameters.minimum_order, self.minimum_order.as_ref());
        if self.not_applicable.is_some() {
            parameters.not_applicable.clone_from(&self.not_applicable);
        }
        if self.distance_source.is_some() {
            parameters.distance_source.clone_from(&self.distance_source);
        }
    }

    /// The columns of prices of a matrix; none for a sheet of one price a row. `free` are those no field uses.
    ///
    /// # Errors
    /// A matrix without any such column.
    pub fn price_columns(
        &self,
        mapping: &str,
        headers: &[String],
        free: &[String],
    ) -> Result<Option<Vec<PriceColumn>>, FeedError> {
        let Some(matrix) = &self.matrix else { return Ok(None) };
        let columns: Vec<PriceColumn> = headers
            .iter()
            .enumerate()
            .filter(|(_, header)| if matrix.prefix.is_empty() { free.contains(header) } else { true })
            .filter_map(|(at, header)| {
                let name = header.strip_prefix(matrix.prefix.as_str())?.trim();
                (!name.is_empty()).then(|| PriceColumn { at, name: name.to_owned(), header: header.clone() })
            })
            .collect();
        if columns.is_empty() {
            return Err(FeedError::MappingSyntax {
                mapping: mapping.to_owned(),
                reason: format!(
                    "[rates] matrix: no column is left for prices{}; the file's columns are: {}",
                    if matrix.prefix.is_empty() {
                        String::new()
                    } else {
                        format!(" that begins with `{}`", matrix.prefix)
                    },
                    headers.join(", ")
                ),
            });
        }
        Ok(Some(columns))
    }
}

/// An amount as price lists write it: with a currency sign, blanks and thousands between commas. None for an
/// empty cell.
///
/// # Errors
/// The text when it is no amount.
pub fn amount(cell: &str) -> Result<Option<Micros>, &str> {
    let text = cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '$' | '€' | '£'));
    if text.is_empty() {
        return Ok(None);
    }
    let plain = if text.contains(',') { text.replace(',', "") } else { text.to_owned() };
    decimal(&plain).and_then(micros).map(Some).ok_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_price_lists_write_them() {
        assert_eq!(amount(" $1,043.23 "), Ok(Some(Micros(1_043_230_000))));
        assert_eq!(amount("0.75"), Ok(Some(Micros(750_000))));
        assert_eq!(amount("  "), Ok(None));
        assert_eq!(amount("on request"), Err("on request"));
    }

    #[test]
    fn a_matrix_takes_the_columns_no_field_uses_or_those_that_begin_alike() {
        let headers: Vec<String> = ["lb", "Zone 2", "Zone 3", "note"].map(str::to_owned).to_vec();
        let options = |text: &str| toml::from_str::<RateOptions>(text).unwrap();
        let names = |options: &RateOptions, free: &[&str]| -> Vec<String> {
            let free: Vec<String> = free.iter().map(|name| (*name).to_owned()).collect();
            let columns = options.price_columns("m", &headers, &free).unwrap().unwrap_or_default();
            columns.into_iter().map(|column| column.name).collect()
        };
        let plain = options("matrix = { across = \"ZONE\" }");
        assert_eq!(names(&plain, &["Zone 2", "Zone 3"]), ["Zone 2", "Zone 3"]);
        let prefixed = options("matrix = { across = \"ZONE\", prefix = \"Zone \" }");
        assert_eq!(names(&prefixed, &["Zone 2", "Zone 3", "note"]), ["2", "3"]);
        assert!(plain.price_columns("m", &headers, &[]).is_err());
        assert_eq!(RateOptions::default().price_columns("m", &headers, &[]).unwrap(), None);
    }

    #[test]
    fn what_a_mapping_leaves_out_stays() {
        let options: RateOptions = toml::from_str("weight_unit = \"KG\"\nbasis = \"PER_WEIGHT\"").unwrap();
        let mut parameters = RateParameters { deficit: true, ..RateParameters::default() };
        options.apply(&mut parameters);
        assert!(parameters.deficit && parameters.weight_unit == WeightUnit::Kg);
        assert_eq!(options.model(false).basis, RateBasis::PerWeight);
        assert_eq!(options.model(true).columns_by, ColumnsBy::Zone);
        assert!(toml::from_str::<RateOptions>("weight_units = \"KG\"").is_err());
    }
}
