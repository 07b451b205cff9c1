//! Typed tree → value, with every step in words. Exact decimals; what is shown is rounded, what is computed is not.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::check::{Formula, Node, Typed};
use super::name::Name;
use super::own::OwnKpi;
use super::unit::{OwnUnit, of_catalogue};
use crate::domain::interval::wilson;
use crate::domain::measure::Measures;
use crate::domain::syntax::{Op, Place};

/// Decimal places of published values and of figures in steps.
const SCALE: u32 = 6;

/// An own KPI over some cells, in the same parts as a value of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnValue {
    /// Which KPI.
    pub code: String,
    /// Which version of it.
    pub version: i32,
    /// What the last division divides, or the value where the formula is no quotient.
    pub numerator: Decimal,
    /// What it divides by; 1 where the formula is no quotient.
    pub denominator: Decimal,
    /// The value with excused misses as misses, for a share of a tally; else as `net`.
    pub gross: Option<Decimal>,
    /// The value, a fraction for percent. None without data.
    pub net: Option<Decimal>,
    /// Lower end of the 95 % Wilson interval of a proportion.
    pub low: Option<Decimal>,
    /// Upper end of it.
    pub high: Option<Decimal>,
    /// How many units stand behind it: the fewest behind any name it uses.
    pub n: i64,
    /// Misses excused, for a share of a tally.
    pub excused: i64,
    /// Failures for want of evidence, for a share of a tally.
    pub no_evidence: i64,
    /// Units without a baseline, for a share of a tally.
    pub no_baseline: i64,
    /// Units not decided yet, for a share of a tally.
    pub pending: i64,
    /// The worst share of units with a baseline among what it uses; none where that has no meaning.
    pub coverage: Option<Decimal>,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// Why a formula has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The own KPI in whose formula it is.
    pub kpi: String,
    /// Character of the formula, from 1.
    pub at: usize,
    /// The part of the formula.
    pub part: String,
    /// What happened.
    pub kind: FaultKind,
}

/// What kept a formula from a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultKind {
    /// The divisor is zero: no data.
    DivisionByZero,
    /// A percentile of nothing, or a KPI without a value: no data.
    NoData,
    /// Larger than a decimal of 28 digits: an error.
    Overflow,
}

impl Fault {
    /// ``no data: `shipments` is 0 (character 18 of LATE_SHARE)``.
    #[must_use]
    pub fn words(&self) -> String {
        let where_ = format!("character {} of {}", self.at, self.kpi);
        match self.kind {
            FaultKind::DivisionByZero => {
                format!("no data: divided by `{}`, which is 0 ({where_})", self.part)
            }
            FaultKind::NoData => format!("no data: `{}` has no value ({where_})", self.part),
            FaultKind::Overflow => format!("error: `{}` is too large a figure ({where_})", self.part),
        }
    }
}

/// One step of a computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The own KPI in whose formula it is.
    pub kpi: String,
    /// Character of the formula, from 1.
    pub at: usize,
    /// `delivery_window.success = 412`, `412 / 430 = 0.958140`.
    pub words: String,
}

/// A value with how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The value.
    pub value: OwnValue,
    /// Every step in order.
    pub steps: Vec<Step>,
}

impl OwnValue {
    /// The value in the unit of thresholds: fractions as 0–100. None without data.
    #[must_use]
    pub fn score_value(&self, unit: OwnUnit) -> Option<Decimal> {
        self.net.map(|net| unit.in_threshold_unit(net))
    }

    /// Whether it is a proportion with an interval.
    #[must_use]
    pub fn is_proportion(&self) -> bool {
        self.low.is_some()
    }

    /// Successes and units of a proportion, for the interval of a change.
    #[must_use]
    pub fn counts(&self) -> (i64, i64) {
        (self.numerator.to_i64().unwrap_or_default(), self.n)
    }
}

/// A figure as steps show it: exact up to six places, rounded to six beyond.
#[must_use]
pub fn figure_words(value: Decimal) -> String {
    let exact = value.normalize();
    if exact.scale() <= SCALE { exact.to_string() } else { format!("{:.6}", rounded(exact)) }
}

fn rounded(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(SCALE, RoundingStrategy::MidpointAwayFromZero)
}

/// Computes one KPI, the own ones it uses being known, and tells the steps.
pub(super) fn answer(
    kpi: &OwnKpi,
    formula: &Formula,
    measures: &Measures,
    own: &BTreeMap<&str, (OwnValue, OwnUnit)>,
    steps: &mut Vec<Step>,
) -> OwnValue {
    let mut run = Run { kpi, formula, measures, own, steps, told: BTreeSet::new() };
    let mut value = OwnValue {
        code: kpi.code.clone(),
        version: kpi.version,
        denominator: Decimal::ONE,
        ..OwnValue::default()
    };
    let outcome = match &formula.root.node {
        Node::Op(Op::Divide, sides) => run.sides(sides).and_then(|(over, under)| {
            (value.numerator, value.denominator) = (over, under);
            run.divided(&formula.root, over, under)
        }),
        _ => run.figure(&formula.root).inspect(|figure| value.numerator = *figure),
    };
    let outcome = outcome.and_then(|figure| run.declared(figure));
    match outcome {
        Ok(figure) => value.net = Some(rounded(figure).normalize()),
        Err(fault) => value.fault = Some(*fault),
    }
    value.gross = value.net;
    run.behind(&mut value);
    value
}

struct Run<'a> {
    kpi: &'a OwnKpi,
    formula: &'a Formula,
    measures: &'a Measures,
    own: &'a BTreeMap<&'a str, (OwnValue, OwnUnit)>,
    steps: &'a mut Vec<Step>,
    /// Names told already; a name is told once.
    told: BTreeSet<String>,
}

type Outcome<T> = Result<T, Box<Fault>>;

impl Run<'_> {
    fn tell(&mut self, place: Place, words: String) {
        self.steps.push(Step { kpi: self.kpi.code.clone(), at: place.at, words });
    }

    fn fault(&self, part: &Typed, kind: FaultKind) -> Box<Fault> {
        let text = self.formula.fragment(part.place);
        Box::new(Fault { kpi: self.kpi.code.clone(), at: part.place.at, part: text, kind })
    }

    fn figure(&mut self, part: &Typed) -> Outcome<Decimal> {
        match &part.node {
            Node::Number(number) => Ok(*number),
            Node::Measure(name) => self.reading(part, name.name, name.figure(self.measures)),
            Node::Percentile(name, percent) => {
                let minutes = name.percentile(self.measures, *percent).map(Decimal::from);
                self.reading(part, &format!("percentile({}, {percent})", name.name), minutes)
            }
            Node::Kpi(kpi) => {
                let worth = of_catalogue(kpi.definition().unit).1;
                let net = kpi.value(self.measures).net.and_then(|net| net.checked_mul(worth));
                self.reading(part, kpi.code(), net)
            }
            Node::Own(code) => {
                let known = self.own.get(code.as_str());
                let net = known.and_then(|(value, unit)| value.net?.checked_mul(unit.worth()));
                self.reading(part, code, net)
            }
            Node::Op(op, parts) => self.operated(part, *op, parts),
            Node::Least(parts) => self.picked(part, "min", parts, Decimal::min),
            Node::Most(parts) => self.picked(part, "max", parts, Decimal::max),
            Node::Choice(parts) => {
                let [condition, yes, no] = parts.as_slice() else {
                    return Err(self.fault(part, FaultKind::NoData));
                };
                let holds = self.truth(condition)?;
                let words = if holds { "holds" } else { "does not hold" };
                let text = self.formula.fragment(condition.place);
                let which = if holds { "first" } else { "second" };
                self.tell(condition.place, format!("{text} {words}: the {which} figure counts"));
                self.figure(if holds { yes } else { no })
            }
        }
    }

    /// A figure that is read: told once, however often it is used.
    fn reading(&mut self, part: &Typed, name: &str, figure: Option<Decimal>) -> Outcome<Decimal> {
        let Some(figure) = figure else {
            if self.told.insert(name.to_owned()) {
                self.tell(part.place, format!("{name}: no data"));
            }
            return Err(self.fault(part, FaultKind::NoData));
        };
        if self.told.insert(name.to_owned()) {
            self.tell(part.place, format!("{name} = {}", figure_words(figure)));
        }
        Ok(figure)
    }

    fn sides(&mut self, sides: &[Typed]) -> Outcome<(Decimal, Decimal)> {
        let [left, right] = sides else { return Err(self.fault(&self.formula.root, FaultKind::NoData)) };
        Ok((self.figure(left)?, self.figure(right)?))
    }

    fn operated(&mut self, part: &Typed, op: Op, parts: &[Typed]) -> Outcome<Decimal> {
        if let [only] = parts {
            let inner = self.figure(only)?;
            return Ok(-inner);
        }
        let (left, right) = self.sides(parts)?;
        let result = match op {
            Op::Divide => return self.divided(part, left, right),
            Op::Add => left.checked_add(right),
            Op::Subtract => left.checked_sub(right),
            Op::Multiply => left.checked_mul(right),
            _ => return Err(self.fault(part, FaultKind::NoData)),
        };
        let Some(result) = result else {
            self.tell(part.place, operation(left, op, right, "too large"));
            return Err(self.fault(part, FaultKind::Overflow));
        };
        self.tell(part.place, operation(left, op, right, &figure_words(result)));
        Ok(result)
    }

    fn divided(&mut self, part: &Typed, over: Decimal, under: Decimal) -> Outcome<Decimal> {
        if under.is_zero() {
            self.tell(part.place, operation(over, Op::Divide, under, "no data, since nothing divides by 0"));
            let divisor = part.parts().last().unwrap_or(part);
            return Err(self.fault(divisor, FaultKind::DivisionByZero));
        }
        let Some(result) = over.checked_div(under) else {
            self.tell(part.place, operation(over, Op::Divide, under, "too large"));
            return Err(self.fault(part, FaultKind::Overflow));
        };
        self.tell(part.place, operation(over, Op::Divide, under, &figure_words(result)));
        Ok(result)
    }

    fn picked(
        &mut self,
        part: &Typed,
        name: &str,
        parts: &[Typed],
        pick: fn(Decimal, Decimal) -> Decimal,
    ) -> Outcome<Decimal> {
        let figures = parts.iter().map(|part| self.figure(part)).collect::<Outcome<Vec<_>>>()?;
        let Some(result) = figures.iter().copied().reduce(pick) else {
            return Err(self.fault(part, FaultKind::NoData));
        };
        let told = figures.iter().map(|figure| figure_words(*figure)).collect::<Vec<_>>().join(", ");
        self.tell(part.place, format!("{name}({told}) = {}", figure_words(result)));
        Ok(result)
    }

    fn truth(&mut self, part: &Typed) -> Outcome<bool> {
        let Node::Op(op, parts) = &part.node else { return Err(self.fault(part, FaultKind::NoData)) };
        if let (Op::Not, [only]) = (*op, parts.as_slice()) {
            return Ok(!self.truth(only)?);
        }
        let [left, right] = parts.as_slice() else { return Err(self.fault(part, FaultKind::NoData)) };
        match op {
            Op::And => return Ok(self.truth(left)? && self.truth(right)?),
            Op::Or => return Ok(self.truth(left)? || self.truth(right)?),
            _ => {}
        }
        let (left, right) = (self.figure(left)?, self.figure(right)?);
        Ok(match op {
            Op::Equal => left == right,
            Op::Unequal => left != right,
            Op::Less => left < right,
            Op::LessEqual => left <= right,
            Op::Greater => left > right,
            Op::GreaterEqual => left >= right,
            _ => return Err(self.fault(part, FaultKind::NoData)),
        })
    }

    /// From the formula's unit to the declared one, rounded as published.
    fn declared(&mut self, figure: Decimal) -> Outcome<Decimal> {
        let unit = self.formula.unit;
        let root = &self.formula.root;
        let worth = unit.worth();
        let value = figure.checked_div(worth).ok_or_else(|| self.fault(root, FaultKind::Overflow))?;
        if worth != Decimal::ONE {
            self.tell(root.place, operation(figure, Op::Divide, worth, &figure_words(value)));
        }
        let shown = rounded(value);
        let in_unit = unit.in_threshold_unit(shown).normalize();
        self.tell(root.place, format!("{} = {in_unit} {}", self.kpi.code, unit.label()));
        Ok(value)
    }

    /// What stands behind the value: units, coverage, and for a share its interval and what was left out.
    fn behind(&self, value: &mut OwnValue) {
        let mut readings = Vec::new();
        self.formula.root.readings(&mut readings);
        let mut fewest: Option<i64> = None;
        let mut coverage: Option<Decimal> = None;
        for reading in readings {
            let (n, covered) = self.behind_reading(&reading.node);
            fewest = Some(fewest.map_or(n, |fewest| fewest.min(n)));
            coverage = [coverage, covered].into_iter().flatten().min();
        }
        value.n = if value.net.is_some() { fewest.unwrap_or_default() } else { 0 };
        value.coverage = coverage;
        let Some(name) = self.formula.share_of else { return };
        if let Some(interval) = wilson(value.numerator.to_i64().unwrap_or(-1), value.n) {
            (value.low, value.high) = (Some(interval.low), Some(interval.high));
        }
        let Some(tally) = name.tally.map(|tally| tally(self.measures)) else { return };
        value.excused = tally.excused;
        value.no_evidence = tally.no_evidence;
        value.no_baseline = tally.no_baseline;
        value.pending = tally.pending;
        // The customer's view has a value even where every miss is excused and net has none.
        let all = Decimal::from(super::name::judged(tally).saturating_add(tally.excused));
        value.gross = Decimal::from(tally.success).checked_div(all).map(|share| rounded(share).normalize());
    }

    fn behind_reading(&self, node: &Node) -> (i64, Option<Decimal>) {
        match node {
            Node::Measure(name) | Node::Percentile(name, _) => {
                ((name.units_behind)(self.measures), name.coverage(self.measures))
            }
            Node::Kpi(kpi) => {
                let value = kpi.value(self.measures);
                (value.n, value.coverage())
            }
            Node::Own(code) => {
                self.own.get(code.as_str()).map_or((0, None), |(value, _)| (value.n, value.coverage))
            }
            _ => (0, None),
        }
    }
}

fn operation(left: Decimal, op: Op, right: Decimal, result: &str) -> String {
    let right = if right.is_sign_negative() && !right.is_zero() {
        format!("({})", figure_words(right))
    } else {
        figure_words(right)
    };
    let equals = if result.starts_with(|c: char| c.is_ascii_digit() || c == '-') { " =" } else { ":" };
    format!("{} {} {right}{equals} {result}", figure_words(left), op.sign())
}

impl Name {
    fn percentile(&self, measures: &Measures, percent: i64) -> Option<i64> {
        match self.read {
            super::Read::Histogram(read) => read(measures, percent),
            _ => None,
        }
    }

    /// Judged ÷ (judged + without baseline) of the tally it belongs to (DOMAIN §1.2).
    fn coverage(&self, measures: &Measures) -> Option<Decimal> {
        let tally = self.tally?(measures);
        let judged = super::name::judged(tally).saturating_add(tally.excused);
        let all = judged.saturating_add(tally.no_baseline);
        if all <= 0 {
            return None;
        }
        Decimal::from(judged).checked_div(Decimal::from(all)).map(|share| rounded(share).normalize())
    }
}
