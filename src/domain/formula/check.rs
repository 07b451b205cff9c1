//! Tree → typed tree: names looked up, units worked out. After this nothing about the formula can be wrong; only the
//! figures can be missing, zero or too large.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::name::{Name, Role, names};
use super::own::Library;
use super::unit::{MAX_POWER, OwnUnit, Unit, WRITTEN, of_catalogue};
use super::{MAX_FORMULA_BYTES, MAX_FORMULA_DEPTH, MAX_FORMULA_NAMES, MAX_FORMULA_PARTS, MAX_KPI_LEVELS};
use crate::domain::kpi::Kpi;
use crate::domain::nearest::suggestion;
use crate::domain::syntax::{self, Grammar, Op, Place, SyntaxError, Tree, TreeKind};

const GRAMMAR: Grammar = Grammar {
    max_bytes: MAX_FORMULA_BYTES,
    max_depth: MAX_FORMULA_DEPTH,
    dotted_names: true,
    units: true,
    texts: false,
};

/// What is wrong with a formula, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: {problem}", place.at)]
pub struct FormulaError {
    /// Where.
    pub place: Place,
    /// What, and what to write instead.
    pub problem: Problem,
}

/// What is wrong with a formula.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is none.
    #[error("the formula is empty; write one such as `delivery_window.late / shipments`")]
    Empty,
    /// Beyond [`MAX_FORMULA_BYTES`].
    #[error("the formula is longer than {MAX_FORMULA_BYTES} characters; make a part of it a KPI of its own")]
    TooLong,
    /// Beyond [`MAX_FORMULA_DEPTH`].
    #[error(
        "the formula is nested deeper than {MAX_FORMULA_DEPTH} levels; make a part of it a KPI of its own"
    )]
    TooDeep,
    /// Beyond [`MAX_FORMULA_PARTS`].
    #[error("the formula has more than {MAX_FORMULA_PARTS} parts; make one of them a KPI of its own")]
    TooManyParts,
    /// Beyond [`MAX_FORMULA_NAMES`].
    #[error("the formula uses more than {MAX_FORMULA_NAMES} names; make a part of it a KPI of its own")]
    TooManyNames,
    /// It cannot be read.
    #[error("{0}")]
    Syntax(String),
    /// A name that is neither a measure nor a KPI.
    #[error("there is no measure or KPI `{name}`{suggestion}")]
    UnknownName {
        /// The name.
        name: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
    },
    /// A function that does not exist.
    #[error("there is no function `{name}`{suggestion}; there are min, max, if and percentile")]
    UnknownFunction {
        /// The name.
        name: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
    },
    /// A word after a number that is no unit.
    #[error("`{word}` is no unit{suggestion}; after a number may stand {}", written())]
    UnknownUnit {
        /// The word.
        word: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
    },
    /// Wrong number of arguments.
    #[error("`{name}` takes {wanted}, not {found}")]
    Arguments {
        /// The function.
        name: &'static str,
        /// What it takes, in words.
        wanted: &'static str,
        /// How many were given.
        found: usize,
    },
    /// Two units where one is needed.
    #[error("`{sign}` needs one unit on both sides: here it has {left} and {right}{tip}")]
    Units {
        /// The operator or function.
        sign: &'static str,
        /// Unit on the left.
        left: String,
        /// Unit on the right.
        right: String,
        /// What to write instead, or nothing.
        tip: String,
    },
    /// A comparison where a figure is needed, or the other way round.
    #[error("{wanted} is needed here, and this is {found}")]
    Kind {
        /// What is needed.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Units to a power nobody means.
    #[error("this multiplies or divides one unit by itself more than {MAX_POWER} times")]
    Power,
    /// A histogram where a figure is needed.
    #[error("`{0}` holds many durations; take a percentile of it, such as `percentile({0}, 90)`")]
    Histogram(&'static str),
    /// `percentile` of something else.
    #[error(
        "`percentile` is taken of a histogram, such as `percentile(dwell, 90)`; there are {}",
        histograms()
    )]
    NoHistogram,
    /// A percentile that is no whole number from 1 to 100.
    #[error("which percentile must be a whole number from 1 to 100, such as 90")]
    Percent,
    /// A divisor that is zero whatever the data.
    #[error("this divides by zero whatever the data; remove it or divide by something else")]
    DividesByZero,
    /// A number that cannot be held.
    #[error("the number is too large")]
    TooLarge,
    /// Nothing of the data is used.
    #[error("the formula uses no measure and no KPI, so it says nothing about a partner")]
    NoData,
    /// What comes out is not what the KPI is declared in.
    #[error("the formula comes to {found}, and the KPI is declared in {declared}{tip}")]
    Result {
        /// What comes out.
        found: String,
        /// What was declared.
        declared: &'static str,
        /// The unit that would fit, or nothing.
        tip: String,
    },
    /// A KPI that in the end uses itself.
    #[error("a KPI cannot use itself: {0}")]
    Cycle(String),
    /// Beyond [`MAX_KPI_LEVELS`].
    #[error(
        "own KPIs may use own KPIs over {MAX_KPI_LEVELS} levels at most, and `{0}` is one too many; write its formula here"
    )]
    Levels(String),
    /// An own KPI that is used no more.
    #[error("`{0}` was retired; write its formula here or use another KPI")]
    Retired(String),
    /// An own KPI whose own formula does not hold.
    #[error("the formula of `{code}` does not hold: {reason}")]
    Broken {
        /// The KPI.
        code: String,
        /// Why.
        reason: String,
    },
}

fn written() -> String {
    WRITTEN.map(|unit| unit.word).join(", ")
}

fn histograms() -> String {
    names().filter(|name| name.is_histogram()).map(|name| name.name).collect::<Vec<_>>().join(", ")
}

impl FormulaError {
    pub(super) fn at(place: Place, problem: Problem) -> Self {
        Self { place, problem }
    }

    /// The text before the place, the place, and the text after it. The end of the text is marked by a space.
    #[must_use]
    pub fn marked(&self, text: &str) -> (String, String, String) {
        let mut chars = text.chars();
        let before: String = chars.by_ref().take(self.place.at.saturating_sub(1)).collect();
        let mut marked: String = chars.by_ref().take(self.place.len).collect();
        if marked.is_empty() {
            marked.push(' ');
        }
        (before, marked, chars.collect())
    }
}

/// A formula that holds: every name exists, every unit fits.
#[derive(Clone, Debug)]
pub struct Formula {
    pub(super) text: String,
    pub(super) root: Typed,
    pub(super) unit: OwnUnit,
    /// The name whose share of a whole it is, for the interval.
    pub(super) share_of: Option<&'static Name>,
}

#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) place: Place,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Figure(Unit),
    Truth,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Number(Decimal),
    Measure(&'static Name),
    Percentile(&'static Name, i64),
    Kpi(Kpi),
    Own(String),
    Op(Op, Vec<Typed>),
    Least(Vec<Typed>),
    Most(Vec<Typed>),
    /// Condition, value where it holds, value where not.
    Choice(Vec<Typed>),
}

impl Typed {
    pub(super) fn parts(&self) -> &[Self] {
        match &self.node {
            Node::Op(_, parts) | Node::Least(parts) | Node::Most(parts) | Node::Choice(parts) => parts,
            Node::Number(_) | Node::Measure(_) | Node::Percentile(..) | Node::Kpi(_) | Node::Own(_) => &[],
        }
    }

    /// Every part that reads data, in reading order.
    pub(super) fn readings<'a>(&'a self, found: &mut Vec<&'a Self>) {
        match self.node {
            Node::Measure(_) | Node::Percentile(..) | Node::Kpi(_) | Node::Own(_) => found.push(self),
            _ => self.parts().iter().for_each(|part| part.readings(found)),
        }
    }
}

impl Formula {
    /// The codes of the own KPIs it uses.
    #[must_use]
    pub fn own_codes(&self) -> BTreeSet<&str> {
        let mut found = Vec::new();
        self.root.readings(&mut found);
        found
            .into_iter()
            .filter_map(|typed| if let Node::Own(code) = &typed.node { Some(code.as_str()) } else { None })
            .collect()
    }

    /// Where an own KPI is used first.
    pub(super) fn place_of(&self, code: &str) -> Place {
        let mut found = Vec::new();
        self.root.readings(&mut found);
        let is_it = |typed: &&&Typed| matches!(&typed.node, Node::Own(own) if own == code);
        found.iter().find(is_it).map_or(self.root.place, |typed| typed.place)
    }

    /// Whether it is a share of counted units, with an interval: success over success and every failure of one tally, or
    /// a part over its whole.
    #[must_use]
    pub fn is_proportion(&self) -> bool {
        self.share_of.is_some()
    }

    /// The text at a place.
    pub(super) fn fragment(&self, place: Place) -> String {
        self.text.chars().skip(place.at.saturating_sub(1)).take(place.len).collect()
    }
}

/// Reads a formula without looking anything up.
///
/// # Errors
/// [`FormulaError`] for a text that is none.
pub fn read(text: &str) -> Result<Tree, FormulaError> {
    let whole = Place { at: 1, len: text.chars().count() };
    if text.trim().is_empty() {
        return Err(FormulaError::at(whole, Problem::Empty));
    }
    let tree = syntax::read(text, &GRAMMAR).map_err(|error| match error {
        SyntaxError::Wrong { place, reason } => FormulaError::at(place, Problem::Syntax(reason)),
        SyntaxError::TooLong => FormulaError::at(whole, Problem::TooLong),
        SyntaxError::TooDeep => FormulaError::at(whole, Problem::TooDeep),
    })?;
    if tree.size() > MAX_FORMULA_PARTS {
        return Err(FormulaError::at(whole, Problem::TooManyParts));
    }
    Ok(tree)
}

/// Checks the formula of the KPI `code` (none for one without a code yet), declared in `unit`, against the own KPIs there
/// are.
///
/// # Errors
/// [`FormulaError`] with the place and what to write instead.
pub fn check(
    text: &str,
    unit: OwnUnit,
    code: Option<&str>,
    library: &Library,
) -> Result<Formula, FormulaError> {
    let tree = read(text)?;
    let root = typed(&tree, library)?;
    let Kind::Figure(found) = root.kind else {
        let problem = Problem::Kind { wanted: "a figure", found: "a comparison" };
        return Err(FormulaError::at(root.place, problem));
    };
    let mut readings = Vec::new();
    root.readings(&mut readings);
    if readings.is_empty() {
        return Err(FormulaError::at(root.place, Problem::NoData));
    }
    let different: BTreeSet<String> = readings.iter().map(|one| format!("{:?}", one.node)).collect();
    if different.len() > MAX_FORMULA_NAMES {
        return Err(FormulaError::at(root.place, Problem::TooManyNames));
    }
    for reading in readings {
        if let Node::Own(used) = &reading.node {
            library.levels(used, code).map_err(|problem| FormulaError::at(reading.place, problem))?;
        }
    }
    if found != unit.unit() {
        let fits = OwnUnit::ALL.iter().find(|known| known.unit() == found);
        let tip = fits.map_or_else(String::new, |fits| format!("; declare it in {}", fits.label()));
        let problem = Problem::Result { found: found.to_string(), declared: unit.label(), tip };
        return Err(FormulaError::at(root.place, problem));
    }
    let share_of = share_of(&root);
    Ok(Formula { text: text.to_owned(), root, unit, share_of })
}

fn typed(tree: &Tree, library: &Library) -> Result<Typed, FormulaError> {
    let fail = |problem| Err(FormulaError::at(tree.place, problem));
    let (node, kind) = match &tree.kind {
        TreeKind::Text(_) => {
            return fail(Problem::Kind { wanted: "a figure", found: "a text" });
        }
        TreeKind::Number(number, unit) => match literal(*number, unit.as_deref()) {
            Ok((number, unit)) => (Node::Number(number), Kind::Figure(unit)),
            Err(problem) => return fail(problem),
        },
        TreeKind::Name(name) => match named(name, library) {
            Ok((node, unit)) => (node, Kind::Figure(unit)),
            Err(problem) => return fail(problem),
        },
        TreeKind::Operator(op, parts) => {
            let parts = parts.iter().map(|part| typed(part, library)).collect::<Result<Vec<_>, _>>()?;
            let kind = operator(*op, &parts, tree.place)?;
            (Node::Op(*op, parts), kind)
        }
        TreeKind::Call(name, parts) => call(name, parts, tree.place, library)?,
    };
    Ok(Typed { node, place: tree.place, kind })
}

/// The value of a number in the formula's own units, and its unit.
fn literal(number: Decimal, unit: Option<&str>) -> Result<(Decimal, Unit), Problem> {
    let Some(word) = unit else { return Ok((number, Unit::PLAIN)) };
    let known = WRITTEN.iter().find(|known| known.word == word).ok_or_else(|| Problem::UnknownUnit {
        word: word.to_owned(),
        suggestion: suggestion(word, WRITTEN.iter().map(|known| known.word)),
    })?;
    let (over, under) = known.worth;
    let value = number
        .checked_mul(Decimal::from(over))
        .and_then(|value| value.checked_div(Decimal::from(under)))
        .ok_or(Problem::TooLarge)?;
    Ok((value, known.unit))
}

fn named(name: &str, library: &Library) -> Result<(Node, Unit), Problem> {
    if let Some(found) = Name::find(name) {
        if found.is_histogram() {
            return Err(Problem::Histogram(found.name));
        }
        return Ok((Node::Measure(found), found.unit));
    }
    if let Some(kpi) = Kpi::ALL.into_iter().find(|kpi| kpi.code() == name) {
        return Ok((Node::Kpi(kpi), of_catalogue(kpi.definition().unit).0));
    }
    if let Some(own) = library.get(name) {
        if own.retired {
            return Err(Problem::Retired(own.code.clone()));
        }
        return Ok((Node::Own(own.code.clone()), own.unit.unit()));
    }
    let codes = Kpi::ALL.map(Kpi::code);
    let known = names().map(|known| known.name).chain(codes).chain(library.codes());
    Err(Problem::UnknownName { name: name.to_owned(), suggestion: suggestion(name, known) })
}

fn call(name: &str, parts: &[Tree], place: Place, library: &Library) -> Result<(Node, Kind), FormulaError> {
    let fail = |problem| Err(FormulaError::at(place, problem));
    let all = || parts.iter().map(|part| typed(part, library)).collect::<Result<Vec<_>, _>>();
    match name {
        "min" | "max" => {
            let (name, wanted) = (if name == "min" { "min" } else { "max" }, "two figures or more");
            if parts.len() < 2 {
                return fail(Problem::Arguments { name, wanted, found: parts.len() });
            }
            let parts = all()?;
            let unit = one_unit(name, &parts)?;
            let node = if name == "min" { Node::Least(parts) } else { Node::Most(parts) };
            Ok((node, Kind::Figure(unit)))
        }
        "if" => {
            let wanted = "a comparison and two figures";
            if parts.len() != 3 {
                return fail(Problem::Arguments { name: "if", wanted, found: parts.len() });
            }
            let parts = all()?;
            let (condition, values) = parts.split_at_checked(1).unwrap_or_default();
            condition.iter().try_for_each(truth)?;
            let unit = one_unit("if", values)?;
            Ok((Node::Choice(parts), Kind::Figure(unit)))
        }
        "percentile" => percentile(parts, place),
        _ => {
            let functions = ["min", "max", "if", "percentile"];
            let suggestion = suggestion(name, functions);
            fail(Problem::UnknownFunction { name: name.to_owned(), suggestion })
        }
    }
}

fn percentile(parts: &[Tree], place: Place) -> Result<(Node, Kind), FormulaError> {
    let [of, which] = parts else {
        let wanted = "a histogram and a whole number from 1 to 100";
        let problem = Problem::Arguments { name: "percentile", wanted, found: parts.len() };
        return Err(FormulaError::at(place, problem));
    };
    let histogram = match &of.kind {
        TreeKind::Name(name) => Name::find(name).filter(|name| name.is_histogram()),
        _ => None,
    };
    let histogram = histogram.ok_or_else(|| FormulaError::at(of.place, Problem::NoHistogram))?;
    let percent = match &which.kind {
        TreeKind::Number(number, None) if number.is_integer() => {
            number.to_i64().filter(|number| (1..=100).contains(number))
        }
        _ => None,
    };
    let percent = percent.ok_or_else(|| FormulaError::at(which.place, Problem::Percent))?;
    Ok((Node::Percentile(histogram, percent), Kind::Figure(histogram.unit)))
}

fn truth(part: &Typed) -> Result<(), FormulaError> {
    if part.kind == Kind::Truth {
        return Ok(());
    }
    let problem = Problem::Kind { wanted: "a comparison such as `shipments >= 30 count`", found: "a figure" };
    Err(FormulaError::at(part.place, problem))
}

fn figure(part: &Typed) -> Result<Unit, FormulaError> {
    match part.kind {
        Kind::Figure(unit) => Ok(unit),
        Kind::Truth => {
            let problem = Problem::Kind { wanted: "a figure", found: "a comparison; use it inside `if`" };
            Err(FormulaError::at(part.place, problem))
        }
    }
}

/// The unit that all parts have.
fn one_unit(sign: &'static str, parts: &[Typed]) -> Result<Unit, FormulaError> {
    let Some((first, others)) = parts.split_first() else { return Ok(Unit::PLAIN) };
    let left = figure(first)?;
    for other in others {
        let right = figure(other)?;
        if left != right {
            let tip = tip(first, right).or_else(|| tip(other, left)).unwrap_or_default();
            let problem = Problem::Units { sign, left: left.to_string(), right: right.to_string(), tip };
            return Err(FormulaError::at(other.place, problem));
        }
    }
    Ok(left)
}

/// What to write in place of a plain number where another unit is needed.
fn tip(part: &Typed, wanted: Unit) -> Option<String> {
    let Node::Number(number) = part.node else { return None };
    let plain = part.kind == Kind::Figure(Unit::PLAIN);
    let unit = WRITTEN.iter().find(|known| known.unit == wanted && plain)?;
    Some(format!("; write `{} {}`", number.normalize(), unit.word))
}

fn operator(op: Op, parts: &[Typed], place: Place) -> Result<Kind, FormulaError> {
    let power = || FormulaError::at(place, Problem::Power);
    match op {
        Op::And | Op::Or | Op::Not => {
            parts.iter().try_for_each(truth)?;
            Ok(Kind::Truth)
        }
        Op::Equal | Op::Unequal | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
            one_unit(op.sign(), parts)?;
            Ok(Kind::Truth)
        }
        Op::Add | Op::Subtract | Op::Negate => Ok(Kind::Figure(one_unit(op.sign(), parts)?)),
        Op::Multiply | Op::Divide => {
            let units = parts.iter().map(figure).collect::<Result<Vec<_>, _>>()?;
            let [left, right] = units.as_slice() else { return Err(power()) };
            if op == Op::Multiply {
                return left.times(*right).map(Kind::Figure).ok_or_else(power);
            }
            if let Some(Typed { node: Node::Number(number), place, .. }) = parts.get(1)
                && number.is_zero()
            {
                return Err(FormulaError::at(*place, Problem::DividesByZero));
            }
            left.over(*right).map(Kind::Figure).ok_or_else(power)
        }
    }
}

/// The name whose share of its whole the formula is, if it is one and nothing else.
fn share_of(root: &Typed) -> Option<&'static Name> {
    let Node::Op(Op::Divide, sides) = &root.node else { return None };
    let [Typed { node: Node::Measure(part), .. }, whole] = sides.as_slice() else { return None };
    let mut wholes = Vec::new();
    addends(whole, &mut wholes)?;
    let mut found: Vec<&str> = wholes.iter().map(|name| name.name).collect();
    let of_field = |roles: &'static [Role]| {
        names().filter(move |name| name.field == part.field && roles.contains(&name.role))
    };
    let mut wanted: Vec<&str> = match part.role {
        Role::Success => of_field(&[Role::Success, Role::Failure]).map(|name| name.name).collect(),
        Role::Part => of_field(&[Role::Whole]).map(|name| name.name).collect(),
        Role::Failure | Role::Whole | Role::Other => return None,
    };
    found.sort_unstable();
    wanted.sort_unstable();
    (found == wanted).then_some(*part)
}

fn addends(part: &Typed, found: &mut Vec<&'static Name>) -> Option<()> {
    match &part.node {
        Node::Measure(name) => found.push(name),
        Node::Op(Op::Add, parts) => parts.iter().try_for_each(|part| addends(part, found))?,
        _ => return None,
    }
    Some(())
}
