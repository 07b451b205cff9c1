//! Rate terms as a contract version holds them: everything but the cells, and each table by its seal.
//!
//! A table may have a million cells, and most readers of a contract need none of them. So a version carries
//! how many cells each table has and the hash over them; whoever rates or compares loads the cells themselves.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Band, Cell, Micros, RateParameters, RateTerms};
use crate::domain::currency::Currency;

/// One table by what it holds: equal cells give equal hashes, whatever their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSeal {
    /// Where the cells are stored; 0 before they are.
    pub table_id: i64,
    /// How many cells.
    pub cells: usize,
    /// SHA-256 over the sorted cells, in hex.
    pub sha256: String,
}

impl TableSeal {
    /// Sorts the cells and seals them.
    #[must_use]
    pub fn of(cells: &mut [Cell]) -> Self {
        cells.sort_unstable();
        let mut hasher = Sha256::new();
        let optional = |value: Option<Micros>| value.map_or([1, 0], |v| [0, v.0]);
        for Cell { column, first, second, rate, prior, min } in cells.iter() {
            let band = |band: &Band| [band.lower.0, optional(band.upper)[0], optional(band.upper)[1]];
            hasher.update(column.to_le_bytes());
            for number in band(first).into_iter().chain(band(second)).chain([rate.0]) {
                hasher.update(number.to_le_bytes());
            }
            for number in optional(*prior).into_iter().chain(optional(*min)) {
                hasher.update(number.to_le_bytes());
            }
        }
        let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { table_id: 0, cells: cells.len(), sha256 }
    }
}

/// What a version says about price beside its accessorial rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// The terms; `accessorials` is empty, and so are the cells of a line until somebody loads them.
    pub terms: RateTerms,
    /// The table of each line, in order of the lines.
    pub tables: Vec<TableSeal>,
}

/// The part a contract's hash covers: no row ids, no cells beside their seal.
#[derive(Debug, Serialize)]
pub struct AgreedPricing<'a> {
    terms: RateTerms,
    tables: Vec<&'a str>,
}

impl Pricing {
    /// No rates.
    #[must_use]
    pub fn none(currency: Currency) -> Self {
        Self { terms: RateTerms::empty(currency), tables: Vec::new() }
    }

    /// Whether nothing is said about price, so that the version reads as before there were rates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let terms = &self.terms;
        terms.parameters == RateParameters::default()
            && terms.lines.is_empty()
            && terms.lanes.is_empty()
            && terms.zones.is_empty()
            && terms.service_levels.is_empty()
            && terms.fuel.is_empty()
            && terms.calendars.is_empty()
            && terms.taxes.is_empty()
            && terms.volumes.is_empty()
            && terms.capacities.is_empty()
            && terms.tiers.is_empty()
    }

    /// What is agreed; none when nothing is, so that such contracts keep the hash they always had.
    #[must_use]
    pub fn agreed(&self) -> Option<AgreedPricing<'_>> {
        if self.is_empty() {
            return None;
        }
        let lines = self.terms.lines.iter().map(super::RateLine::head).collect();
        let rest =
            RateTerms { lines: Vec::new(), accessorials: Vec::new(), ..self.terms.clone_without_lines() };
        let tables = self.tables.iter().map(|table| table.sha256.as_str()).collect();
        Some(AgreedPricing { terms: RateTerms { lines, ..rest }, tables })
    }

    /// The lines' cells in all.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.tables.iter().map(|table| table.cells).sum()
    }
}

impl RateTerms {
    /// Everything but the lines, without copying their cells first.
    fn clone_without_lines(&self) -> Self {
        Self {
            parameters: self.parameters.clone(),
            zones: self.zones.clone(),
            service_levels: self.service_levels.clone(),
            lanes: self.lanes.clone(),
            fuel: self.fuel.clone(),
            calendars: self.calendars.clone(),
            taxes: self.taxes.clone(),
            volumes: self.volumes.clone(),
            capacities: self.capacities.clone(),
            tiers: self.tiers.clone(),
            ..Self::empty(self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RateBasis, RateLine};
    use super::*;

    fn cell(rate: i64, upper: Option<i64>) -> Cell {
        let first = Band { lower: Micros(0), upper: upper.map(Micros) };
        Cell { column: 0, first, second: Band::ALL, rate: Micros(rate), prior: None, min: None }
    }

    #[test]
    fn a_seal_depends_on_the_cells_and_not_on_their_order() {
        let seal = |mut cells: Vec<Cell>| TableSeal::of(&mut cells);
        let (a, b) = (cell(1, Some(5)), cell(2, None));
        assert_eq!(seal(vec![a, b]), seal(vec![b, a]));
        for other in
            [cell(3, None), cell(2, Some(0)), Cell { min: Some(Micros(0)), ..b }, Cell { column: 1, ..b }]
        {
            assert_ne!(seal(vec![a, b]).sha256, seal(vec![a, other]).sha256, "{other:?}");
        }
        let minimum = Cell { prior: None, min: Some(Micros(7)), ..b };
        let prior = Cell { prior: Some(Micros(7)), min: None, ..b };
        assert_ne!(seal(vec![minimum]).sha256, seal(vec![prior]).sha256);
    }

    #[test]
    fn what_says_nothing_is_not_sealed_and_loaded_cells_change_nothing() {
        let mut pricing = Pricing::none(Currency::USD);
        assert!(pricing.is_empty() && pricing.agreed().is_none());
        pricing.terms.lines.push(RateLine::new("A", "A", RateBasis::Flat));
        let mut cells = vec![cell(1, None)];
        pricing.tables.push(TableSeal::of(&mut cells));
        let text = |pricing: &Pricing| serde_json::to_string(&pricing.agreed()).unwrap();
        let before = text(&pricing);
        pricing.terms.lines[0].cells = cells;
        assert_eq!(text(&pricing), before);
        pricing.tables[0].sha256.push('0');
        assert_ne!(text(&pricing), before);
    }
}
