//! The price of moving the goods: table row, deficit rule, discount, minimum and maximum (DOMAIN §3.4 steps 3–5).

use super::engine::{ChargeLine, ChargePart, Unrated};
use super::table::{Entry, Grid, Table};
use super::trace::{BandHit, Step, Trace};
use super::{Axis, Bps, Micros, MinimumOrder, OverlapRule, RateBasis, RateLine, WeightUnit};
use crate::domain::exact::Ratio;
use crate::domain::quantity::ChargeUnit;

/// A rate line ready to rate by.
#[derive(Clone, Debug)]
pub(super) struct CompiledLine {
    pub head: RateLine,
    pub table: Table,
    /// Column names in capitals, with their index, sorted.
    pub columns: Vec<(String, usize)>,
    /// The absolute minimum as an amount.
    pub floor: Option<Micros>,
    /// Smallest unit of the line's currency, in millionths.
    pub minor: i64,
    pub weight_unit: WeightUnit,
    pub distance_unit: ChargeUnit,
    pub deficit: bool,
    pub minimum_order: MinimumOrder,
}

/// What is priced at once, in the tariff's units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measures {
    pub weight: Option<Micros>,
    pub distance: Option<Micros>,
    pub units: Option<Micros>,
}

/// Goods of one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub column: usize,
    pub weight: Micros,
}

/// A price from the table.
#[derive(Clone, Copy, Debug)]
struct Quote {
    rate: Micros,
    quantity: Micros,
    unit: ChargeUnit,
    amount: Micros,
}

/// The sums a line comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Linehaul {
    pub gross: Micros,
    pub net: Micros,
}

impl Linehaul {
    pub fn plus(self, other: Self) -> Self {
        Self { gross: self.gross + other.gross, net: self.net + other.net }
    }
}

const LARGE: Unrated = Unrated::Absurd("charge");

impl CompiledLine {
    /// The column of that name, whatever its case.
    pub fn column(&self, name: &str) -> Option<usize> {
        if self.columns.is_empty() {
            return Some(0);
        }
        let at = self.columns.partition_point(|(known, _)| less(known, name));
        self.columns.get(at).filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, index)| *index)
    }

    fn column_name(&self, column: usize) -> &str {
        self.head.columns.get(column).map_or("", String::as_str)
    }

    fn on_axis(&self, axis: Option<Axis>, m: Measures) -> Result<i64, Unrated> {
        let value = match axis {
            None => return Ok(0),
            Some(Axis::Weight) => m.weight,
            Some(Axis::Distance) => m.distance,
            Some(Axis::Units) => m.units,
        };
        value.map(|v| v.0).ok_or_else(|| self.missing(axis))
    }

    fn missing(&self, axis: Option<Axis>) -> Unrated {
        match axis {
            Some(Axis::Weight) => Unrated::Missing("weight"),
            Some(Axis::Distance) => Unrated::Missing("distance"),
            _ => Unrated::Missing(self.head.unit.map_or("units", ChargeUnit::label)),
        }
    }

    /// What the rate multiplies, with its unit on the charge line.
    fn quantity(&self, m: Measures) -> Result<(Micros, ChargeUnit), Unrated> {
        match self.head.basis {
            RateBasis::Flat => Ok((Micros(1_000_000), ChargeUnit::Shipment)),
            RateBasis::PerDistance => {
                m.distance.map(|d| (d, self.distance_unit)).ok_or(Unrated::Missing("distance"))
            }
            RateBasis::PerWeight => {
                m.weight.map(|w| (w, self.weight_unit.charge_unit())).ok_or(Unrated::Missing("weight"))
            }
            RateBasis::PerCwt => m.weight.map(|w| (w, ChargeUnit::Cwt)).ok_or(Unrated::Missing("weight")),
            RateBasis::PerUnit => {
                let unit = self.head.unit.unwrap_or(ChargeUnit::Shipment);
                m.units.map(|u| (u, unit)).ok_or_else(|| self.missing(Some(Axis::Units)))
            }
        }
    }

    /// Rate times quantity, at least `min`, rounded to money.
    fn price(&self, rate: Micros, min: Micros, m: Measures) -> Result<Quote, Unrated> {
        let (quantity, unit) = self.quantity(m)?;
        let exact = Ratio::product(rate, quantity);
        let (exact, quantity) = if unit == ChargeUnit::Cwt {
            let hundreds = Ratio::from(quantity).times(1, 100).and_then(|h| h.money(1));
            (exact.times(1, 100).ok_or(LARGE)?, hundreds.ok_or(LARGE)?)
        } else {
            (exact, quantity)
        };
        let amount = exact.at_least(min).money(self.minor).ok_or(LARGE)?;
        Ok(Quote { rate, quantity, unit, amount })
    }

    /// The price by one part of the first axis; none in a gap.
    fn quote_in(&self, grid: &Grid, part: usize, m: Measures) -> Result<Option<(Entry, Quote)>, Unrated> {
        let second = self.on_axis(self.head.second, m)?;
        let overlaps = self.head.overlaps != OverlapRule::Refuse;
        let mut best: Option<(Entry, Quote)> = None;
        for entry in grid.hits(part, second, overlaps) {
            let quote = self.price(entry.rate, entry.min, m)?;
            let better = best.is_none_or(|(_, seen)| {
                let (new, old) = ((quote.amount, quote.rate), (seen.amount, seen.rate));
                if self.head.overlaps == OverlapRule::Dearest { new > old } else { new < old }
            });
            if better {
                best = Some((*entry, quote));
            }
        }
        Ok(best)
    }

    fn own<'a>(&'a self, column: usize, m: Measures, trace: &mut impl Trace<'a>) -> Result<Quote, Unrated> {
        let grid = self.table.grid(column).ok_or_else(|| self.gap(column, m))?;
        let first = self.on_axis(self.head.first, m)?;
        let hit = match grid.part(first) {
            Some(part) => self.quote_in(grid, part, m)?,
            None => None,
        };
        if let Some((entry, quote)) = hit {
            self.tell_cell(column, &entry, quote.amount, trace);
            return Ok(quote);
        }
        self.above(grid, column, first, m, trace)
    }

    /// The rate per unit of the whole weight, above the table.
    fn above<'a>(
        &'a self,
        grid: &Grid,
        column: usize,
        first: i64,
        m: Measures,
        trace: &mut impl Trace<'a>,
    ) -> Result<Quote, Unrated> {
        let gap = || self.gap(column, m);
        let row = self.head.above.iter().find(|row| usize::from(row.column) == column).ok_or_else(gap)?;
        let over = self.head.first == Some(Axis::Weight) && grid.top().is_some_and(|top| first >= top);
        let weight = m.weight.filter(|_| over).ok_or_else(gap)?;
        let amount = Ratio::product(row.rate, weight).money(self.minor).ok_or(LARGE)?;
        trace.step(|| Step::Above { column: self.column_name(column), rate: row.rate });
        Ok(Quote { rate: row.rate, quantity: weight, unit: self.weight_unit.charge_unit(), amount })
    }

    fn gap(&self, column: usize, m: Measures) -> Unrated {
        let text = |axis: Axis| {
            let value = match axis {
                Axis::Weight => m.weight,
                Axis::Distance => m.distance,
                Axis::Units => m.units,
            };
            let value = value.map_or_else(|| "unknown".to_owned(), crate::domain::words::quantity);
            format!("{} {value}", axis.label())
        };
        let column = Some(self.column_name(column))
            .filter(|name| !name.is_empty())
            .map(|name| format!("column {name}"));
        let axes = [self.head.first, self.head.second].into_iter().flatten().map(text);
        let parts: Vec<String> = column.into_iter().chain(axes).collect();
        Unrated::NoRow { line: self.head.code.clone(), at: parts.join(", ") }
    }

    fn tell_cell<'a>(&'a self, column: usize, entry: &Entry, amount: Micros, trace: &mut impl Trace<'a>) {
        let band = |axis: Option<Axis>, band: super::Band| {
            axis.map(|axis| BandHit { axis, lower: band.lower, upper: band.upper })
        };
        trace.step(|| {
            let cell = self.table.cell(entry).copied();
            Step::Cell {
                column: self.column_name(column),
                first: cell.and_then(|cell| band(self.head.first, cell.first)),
                second: cell.and_then(|cell| band(self.head.second, cell.second)),
                rate: entry.rate,
                published: cell.map_or(entry.rate, |cell| cell.rate),
            }
        });
        if entry.min.0 > 0 && entry.min == amount {
            trace.step(|| Step::CellMinimum { amount });
        }
    }

    /// Gross charge lines of one unit, and their sum.
    fn gross<'a>(
        &'a self,
        parts: &[Part],
        m: Measures,
        lines: &mut Vec<ChargeLine<'a>>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Micros, Unrated> {
        match parts {
            [part] => self.gross_of_one(part.column, m, lines, trace),
            _ => self.gross_of_many(parts, m, lines, trace),
        }
    }

    fn gross_of_one<'a>(
        &'a self,
        column: usize,
        m: Measures,
        lines: &mut Vec<ChargeLine<'a>>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Micros, Unrated> {
        let mut quote = self.own(column, m, trace)?;
        if self.deficit && self.head.first == Some(Axis::Weight) {
            quote = self.deficit(column, m, quote, trace)?;
        }
        trace.step(|| Step::Gross {
            quantity: quote.quantity,
            unit: quote.unit,
            rate: quote.rate,
            amount: quote.amount,
        });
        lines.push(self.line(&self.head.charge, &self.head.label, quote));
        Ok(quote.amount)
    }

    /// The cheapest of every higher break, if cheaper (DOMAIN §3.5).
    fn deficit<'a>(
        &'a self,
        column: usize,
        m: Measures,
        own: Quote,
        trace: &mut impl Trace<'a>,
    ) -> Result<Quote, Unrated> {
        let (Some(weight), Some(grid)) = (m.weight, self.table.grid(column)) else { return Ok(own) };
        let mut best = own;
        for edge in grid.edges_above(weight.0) {
            let as_if = Measures { weight: Some(Micros(*edge)), ..m };
            let part = grid.part(*edge);
            let quote = match part {
                Some(part) => self.quote_in(grid, part, as_if)?,
                None => None,
            };
            if let Some((entry, quote)) = quote.filter(|(_, quote)| quote.amount < best.amount) {
                trace.step(|| Step::Deficit {
                    own: best.amount,
                    weight: Micros(*edge),
                    unit: self.weight_unit,
                    amount: quote.amount,
                });
                self.tell_cell(column, &entry, quote.amount, trace);
                best = quote;
            }
        }
        if best.amount == own.amount {
            trace.step(|| Step::NoDeficit { own: own.amount });
        }
        Ok(best)
    }

    /// Several classes: each at the break of the total weight; missing weight at the lowest-rated article.
    fn gross_of_many<'a>(
        &'a self,
        parts: &[Part],
        m: Measures,
        lines: &mut Vec<ChargeLine<'a>>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Micros, Unrated> {
        let total = m.weight.ok_or(Unrated::Missing("weight"))?;
        let mut best_at = total;
        let mut best = self
            .sum_at(parts, total, m)?
            .ok_or_else(|| self.gap(parts.first().map_or(0, |p| p.column), m))?;
        if self.deficit && self.head.first == Some(Axis::Weight) {
            let own = best;
            let grids = parts.iter().filter_map(|part| self.table.grid(part.column));
            let mut edges: Vec<i64> = grids.flat_map(|grid| grid.edges_above(total.0)).copied().collect();
            edges.sort_unstable();
            edges.dedup();
            for edge in edges {
                let sum = self.sum_at(parts, Micros(edge), m)?;
                if let Some(sum) = sum.filter(|sum| *sum < best) {
                    trace.step(|| Step::Deficit {
                        own: best,
                        weight: Micros(edge),
                        unit: self.weight_unit,
                        amount: sum,
                    });
                    (best, best_at) = (sum, Micros(edge));
                }
            }
            if best == own {
                trace.step(|| Step::NoDeficit { own });
            }
        }
        let mut lowest: Option<Micros> = None;
        for part in parts {
            let (entry, quote) = self.at_break(*part, best_at, m)?.ok_or_else(|| self.gap(part.column, m))?;
            lowest = Some(lowest.map_or(entry.rate, |low| low.min(entry.rate)));
            self.tell_cell(part.column, &entry, quote.amount, trace);
            trace.step(|| Step::Gross {
                quantity: quote.quantity,
                unit: quote.unit,
                rate: quote.rate,
                amount: quote.amount,
            });
            lines.push(self.line(&self.head.charge, &self.head.label, quote));
        }
        if let (true, Some(rate)) = (best_at > total, lowest) {
            let weight = best_at - total;
            let quote = self.price(rate, Micros::ZERO, Measures { weight: Some(weight), ..m })?;
            trace.step(|| Step::DeficitWeight { weight, rate, amount: quote.amount });
            lines.push(self.line("DAA", "Deficit weight", quote));
        }
        Ok(best)
    }

    /// One article's price at the break of a weight.
    fn at_break(&self, part: Part, weight: Micros, m: Measures) -> Result<Option<(Entry, Quote)>, Unrated> {
        let of_break = Measures { weight: Some(weight), ..m };
        let first = self.on_axis(self.head.first, of_break)?;
        let Some((grid, at)) = self.table.grid(part.column).and_then(|grid| Some((grid, grid.part(first)?)))
        else {
            return Ok(None);
        };
        // A weight on the second axis is the break's too; the charge itself is for the article alone.
        let second = self.on_axis(self.head.second, of_break)?;
        let Some(entry) =
            grid.hits(at, second, self.head.overlaps != OverlapRule::Refuse).min_by_key(|e| (e.rate, e.min))
        else {
            return Ok(None);
        };
        let quote = self.price(entry.rate, entry.min, Measures { weight: Some(part.weight), ..m })?;
        Ok(Some((*entry, quote)))
    }

    /// The charge of all articles at the break of `weight`, deficit weight included; none where a row is missing.
    fn sum_at(&self, parts: &[Part], weight: Micros, m: Measures) -> Result<Option<Micros>, Unrated> {
        let (mut sum, mut lowest, mut known) = (Micros::ZERO, Micros(i64::MAX), Micros::ZERO);
        for part in parts {
            let Some((entry, quote)) = self.at_break(*part, weight, m)? else { return Ok(None) };
            sum = sum + quote.amount;
            lowest = lowest.min(entry.rate);
            known = known + part.weight;
        }
        if weight > known {
            let missing = Measures { weight: Some(weight - known), ..m };
            sum = sum + self.price(lowest, Micros::ZERO, missing)?.amount;
        }
        Ok(Some(sum))
    }

    /// Prices `count` equal units: gross, discount, minimum, maximum. One charge line for each that says something.
    pub fn rate<'a>(
        &'a self,
        parts: &[Part],
        m: Measures,
        count: u32,
        lines: &mut Vec<ChargeLine<'a>>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Linehaul, Unrated> {
        let first = lines.len();
        let gross = self.gross(parts, m, lines, trace)?;
        let adjust = |lines: &mut Vec<ChargeLine<'a>>, code: &'a str, label: &'a str, amount: Micros| {
            let once =
                Quote { rate: amount, quantity: Micros(1_000_000), unit: ChargeUnit::Shipment, amount };
            lines.push(self.line(code, label, once));
        };
        let mut raised = gross;
        let early = self.minimum_order == MinimumOrder::BeforeDiscount;
        if let Some(min) = self.head.min.filter(|_| early) {
            raised = gross.max(min);
            trace.step(|| Step::Minimum {
                absolute: false,
                before: gross,
                amount: min,
                applies: raised > gross,
            });
            if raised > gross {
                adjust(lines, "MIC", "Minimum charge", raised - gross);
            }
        }
        let mut net = raised;
        if self.head.discount.0 != 0 {
            let keep = Bps::WHOLE.0 - self.head.discount.0;
            net = Ratio::from(raised)
                .times(i128::from(keep), 10_000)
                .and_then(|n| n.money(self.minor))
                .ok_or(LARGE)?;
            trace.step(|| Step::Discount { share: self.head.discount, gross: raised, net });
            lines.push(ChargeLine {
                quantity: raised,
                unit: ChargeUnit::Percent,
                rate: Micros(-self.head.discount.0 * 10_000),
                ..self.line(
                    "DSC",
                    "Discount",
                    Quote { rate: net, quantity: net, unit: ChargeUnit::Percent, amount: net - raised },
                )
            });
        }
        for (min, absolute) in [(self.head.min.filter(|_| !early), false), (self.floor, true)] {
            let Some(min) = min else { continue };
            trace.step(|| Step::Minimum { absolute, before: net, amount: min, applies: net < min });
            if net < min {
                let (code, label) =
                    if absolute { ("AMC", "Absolute minimum charge") } else { ("MIC", "Minimum charge") };
                adjust(lines, code, label, min - net);
                net = min;
            }
        }
        if let Some(max) = self.head.max.filter(|max| net > *max) {
            trace.step(|| Step::Maximum { before: net, amount: max });
            adjust(lines, "MAX", "Maximum charge", max - net);
            net = max;
        }
        self.times(count, Linehaul { gross, net }, lines.get_mut(first..).unwrap_or_default(), trace)
    }

    /// The same for so many units.
    fn times<'a>(
        &'a self,
        count: u32,
        one: Linehaul,
        lines: &mut [ChargeLine<'a>],
        trace: &mut impl Trace<'a>,
    ) -> Result<Linehaul, Unrated> {
        if count == 1 {
            return Ok(one);
        }
        let count = i64::from(count);
        let times = |value: Micros| value.0.checked_mul(count).map(Micros).ok_or(LARGE);
        trace.step(|| Step::Pieces { count, one: one.net });
        for line in lines {
            line.amount = times(line.amount)?;
            line.quantity = times(line.quantity)?;
        }
        Ok(Linehaul { gross: times(one.gross)?, net: times(one.net)? })
    }

    fn line<'a>(&self, code: &'a str, label: &'a str, quote: Quote) -> ChargeLine<'a> {
        ChargeLine {
            part: ChargePart::Linehaul,
            code,
            label,
            quantity: quote.quantity,
            unit: quote.unit,
            rate: quote.rate,
            amount: quote.amount,
            fuel_applicable: true,
        }
    }
}

/// Whether `known`, in capitals, sorts before `name` in capitals.
fn less(known: &str, name: &str) -> bool {
    known.bytes().lt(name.bytes().map(|b| b.to_ascii_uppercase()))
}
