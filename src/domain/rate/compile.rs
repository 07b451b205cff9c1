//! From terms as written to terms ready to rate by, with every problem found on the way.

use std::collections::BTreeMap;

use super::lane::LaneIndex;
use super::linehaul::{CompiledLine, Measures, Part};
use super::table::Table;
use super::trace::NoTrace;
use super::*;
use crate::domain::accessorial::AccessorialTrigger;
use crate::domain::accessorial::charge::AccessorialEvent;
use crate::domain::accessorial::observed::Observed;
use crate::domain::exact::minor_unit;
use crate::domain::field::FieldErrors;

/// Rate terms, checked and laid out. Share one between threads; it never changes.
#[derive(Clone, Debug)]
pub struct CompiledRates {
    /// Without the cells of the lines and the accessorials.
    pub(super) terms: RateTerms,
    /// Sorted by code and first day.
    pub(super) lines: Vec<CompiledLine>,
    pub(super) lanes: LaneIndex,
    /// Sorted by code.
    pub(super) accessorials: Vec<AccessorialRate>,
    /// Which accessorials apply by themselves.
    pub(super) automatic: Vec<usize>,
    /// The event of a charge nobody reports.
    pub(super) once: AccessorialEvent,
    /// The accessorials that a shipment's own facts can report.
    pub(super) observable: Vec<usize>,
    /// Smallest unit of the contract's currency, in millionths.
    pub(super) minor: i64,
    /// Unit conditions see the longest side in.
    pub(super) length_unit: LengthUnit,
    /// Whether any condition may ask for it.
    pub(super) uses_sides: bool,
    /// Whether anything may ask for another time than the pickup.
    uses_later_times: bool,
}

impl CompiledRates {
    /// Checks the terms and lays them out.
    ///
    /// # Errors
    /// Every problem with its place, up to [`PROBLEMS_MAX`].
    pub fn new(terms: &RateTerms) -> Result<Self, Vec<TermProblem>> {
        Self::with_rows(terms, &[])
    }

    /// The same for terms read from a file: `rows` has, for each line, the rows of the file its cells came
    /// from, so that problems can say them. A line without any counts its own rows from 1.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_rows(terms: &RateTerms, rows: &[Vec<u32>]) -> Result<Self, Vec<TermProblem>> {
        let mut problems = Problems::default();
        check_sizes(terms, &mut problems);
        if !problems.0.is_empty() {
            // Looking closer at what is far too long would only take time.
            return Err(problems.0);
        }
        check_parameters(&terms.parameters, &mut problems);
        check_parts(terms, &mut problems);
        let lines = compile_lines(terms, rows, &mut problems);
        check_lanes(terms, &mut problems);
        let lanes = LaneIndex::new(&terms.lanes, &terms.zones, &mut problems);
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        let mut accessorials = terms.accessorials.clone();
        accessorials.sort_by(|a, b| a.code.cmp(&b.code));
        let automatic = accessorials
            .iter()
            .zip(0..)
            .filter(|(rate, _)| rate.rules.trigger == AccessorialTrigger::Automatic);
        let automatic = automatic.map(|(_, number)| number).collect();
        let observable = accessorials.iter().zip(0..).filter(|(rate, _)| Observed::reports(rate));
        let observable: Vec<usize> = observable.map(|(_, number)| number).collect();
        let mut fuel = terms.fuel.clone();
        fuel.sort_by(|a, b| (&a.code, &a.index, a.valid_from).cmp(&(&b.code, &b.index, b.valid_from)));
        let mut taxes = terms.taxes.clone();
        taxes.sort_by(|a, b| (&a.code, &a.label).cmp(&(&b.code, &b.label)));
        let mut zones = terms.zones.clone();
        zones.sort_by(|a, b| a.name.cmp(&b.name));
        let conditions = accessorials.iter().filter_map(|rate| rate.rules.condition.as_ref());
        let asked: Vec<String> =
            conditions.chain(&terms.parameters.not_applicable).map(ToString::to_string).collect();
        let asks = |word: &str| asked.iter().any(|condition| condition.contains(word));
        let (uses_sides, uses_later_times) = (
            asks("longest_side"),
            // What its own times report is charged by them.
            asks("delivery")
                || !observable.is_empty()
                || terms.parameters.rating_date == RatingDate::Delivery,
        );
        Ok(Self {
            lines,
            lanes,
            accessorials,
            automatic,
            observable,
            // What a contract charges by itself needs no proof.
            once: AccessorialEvent {
                authorised: true,
                notified: true,
                proven: true,
                ..AccessorialEvent::default()
            },
            minor: minor_unit(terms.currency.minor_digits()),
            length_unit: terms.parameters.dims.first().map_or(LengthUnit::In, |rule| rule.length_unit),
            uses_sides,
            uses_later_times,
            terms: RateTerms {
                parameters: terms.parameters.clone(),
                zones,
                lanes: terms.lanes.clone(),
                calendars: terms.calendars.clone(),
                fuel,
                taxes,
                ..RateTerms::empty(terms.currency)
            },
        })
    }

    /// The rate line of that code in force on `day`.
    pub(super) fn line_on(&self, code: &str, day: NaiveDate) -> Option<&CompiledLine> {
        let first = self.lines.partition_point(|line| line.head.code.as_str() < code);
        self.lines
            .get(first..)?
            .iter()
            .take_while(|line| line.head.code == code)
            .find(|line| line.head.in_force(day))
    }

    /// The accessorial of that code.
    pub(super) fn accessorial(&self, code: &str) -> Option<&AccessorialRate> {
        let at = self.accessorials.partition_point(|rate| rate.code.as_str() < code);
        self.accessorials.get(at).filter(|rate| rate.code == code)
    }

    /// Whether it charges fuel at all.
    #[must_use]
    pub fn has_fuel(&self) -> bool {
        !self.terms.fuel.is_empty()
    }

    /// Whether a price depends on the times after the pickup, such as the delivery or how long a stop took.
    #[must_use]
    pub fn uses_later_times(&self) -> bool {
        self.uses_later_times
    }

    /// Cells in all rate lines.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.lines.iter().map(|line| line.table.cells.len()).sum()
    }
}

fn check_sizes(terms: &RateTerms, problems: &mut Problems) {
    let cells: usize = terms.lines.iter().map(|line| line.cells.len()).sum();
    for (what, count, most) in [
        ("lanes", terms.lanes.len(), LANES_MAX),
        ("rate lines", terms.lines.len(), LINES_MAX),
        ("cells", cells, CELLS_MAX),
        ("zones", terms.zones.len(), ZONES_MAX),
        ("accessorials", terms.accessorials.len(), ACCESSORIALS_MAX),
        ("fuel programmes", terms.fuel.len(), PROGRAMMES_MAX),
        ("calendars", terms.calendars.len(), PROGRAMMES_MAX),
        ("service levels", terms.service_levels.len(), PROGRAMMES_MAX),
        ("taxes", terms.taxes.len(), PROGRAMMES_MAX),
        ("volume commitments", terms.volumes.len(), PROGRAMMES_MAX),
        ("capacity commitments", terms.capacities.len(), PROGRAMMES_MAX),
        ("tier programmes", terms.tiers.len(), PROGRAMMES_MAX),
        ("dimension rules", terms.parameters.dims.len(), PROGRAMMES_MAX),
        ("class rules", terms.parameters.fak.len(), PROGRAMMES_MAX),
    ] {
        if count > most {
            problems.say(
                || what.to_owned(),
                || format!("{count} of them; a contract version holds at most {most}"),
            );
        }
    }
}

/// Field errors under the name of what they are in.
fn tell(at: &str, errors: FieldErrors, problems: &mut Problems) {
    for (field, message) in errors {
        problems.say(|| format!("{at}, {field}"), || message);
    }
}

/// What is wrong with the choices of how to rate by themselves.
pub(super) fn parameter_problems(parameters: &RateParameters) -> Vec<TermProblem> {
    let mut problems = Problems::default();
    check_parameters(parameters, &mut problems);
    problems.0
}

fn check_parameters(parameters: &RateParameters, problems: &mut Problems) {
    let at = |field: &str| format!("parameters, {field}");
    for (field, rounding) in
        [("weight_rounding", parameters.weight_rounding), ("distance_rounding", parameters.distance_rounding)]
    {
        if rounding.step < Micros::ZERO || rounding.step > RATE_MAX {
            problems.say(|| at(field), || "the step is between 0 and 1,000,000".to_owned());
        }
    }
    if parameters.price_cap.is_some_and(|cap| cap.0 < 0 || cap.0 > 100_000) {
        problems.say(|| at("price_cap"), || "a price cap is between 0 and 1,000 %".to_owned());
    }
    if let Some(problem) = parameters.not_applicable.as_ref().and_then(Condition::problem) {
        problems.say(|| at("not_applicable"), || problem);
    }
    for (rule, row) in parameters.dims.iter().zip(1..) {
        let at = || format!("parameters, dims[{row}]");
        if rule.valid_from.zip(rule.valid_to).is_some_and(|(from, to)| from >= to) {
            problems.say(at, || "ends before it starts; choose a later day".to_owned());
        }
        let fine = match rule.method {
            DimMethod::Divisor { divisor, .. } => divisor.0 > 0 && divisor <= RATE_MAX,
            DimMethod::Ratio { per_cube, per_loading_metre, vehicle_width } => {
                let good = |ratio: Option<Micros>| ratio.is_none_or(|r| r.0 > 0 && r <= RATE_MAX);
                good(per_cube) && good(per_loading_metre) && vehicle_width.0 > 0
            }
        };
        if !fine {
            problems.say(at, || "divisor, ratios and width must be above 0 and up to 1,000,000".to_owned());
        }
    }
    let starts = |rule: &DimRule| rule.valid_from.unwrap_or(NaiveDate::MIN);
    let ends = |rule: &DimRule| rule.valid_to.unwrap_or(NaiveDate::MAX);
    for (a, b, rows) in pairs(&parameters.dims) {
        if starts(a) < ends(b) && starts(b) < ends(a) {
            problems.say(
                || format!("parameters, dims[{}] and dims[{}]", rows.0, rows.1),
                || "hold on the same day; end one where the other starts".to_owned(),
            );
        }
    }
}

/// Every two of a list, with their rows counted from 1.
fn pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T, (usize, usize))> {
    items
        .iter()
        .zip(1..)
        .flat_map(move |(a, i)| items.iter().zip(1..).skip(i).map(move |(b, j)| (a, b, (i, j))))
}

fn check_parts(terms: &RateTerms, problems: &mut Problems) {
    for zone in &terms.zones {
        tell(&format!("zone {}", zone.name), zone.validate(), problems);
    }
    for level in &terms.service_levels {
        tell(&format!("service level {}", level.code), level.validate(), problems);
    }
    for calendar in &terms.calendars {
        tell(&format!("calendar {}", calendar.code), calendar.validate(), problems);
    }
    for programme in &terms.fuel {
        let at = format!("fuel programme {}", programme.code);
        tell(&at, programme.validate(), problems);
        if programme.method.is_none() {
            problems.say(|| at, || "names neither a table nor a formula; choose one".to_owned());
        }
    }
    for rate in &terms.accessorials {
        let at = format!("accessorial {}", rate.code);
        tell(&at, rate.validate(), problems);
        let mut named = Vec::new();
        rate.rules.condition.iter().for_each(|condition| condition.calendars(&mut named));
        for name in named {
            if !terms.calendars.iter().any(|c| c.code.eq_ignore_ascii_case(name)) {
                problems.say(
                    || at.clone(),
                    || format!("names calendar {name}, which the contract does not have; add it"),
                );
            }
        }
    }
    for (commitment, row) in terms.volumes.iter().zip(1..) {
        tell(&format!("volume commitment {row}"), commitment.validate(), problems);
    }
    for (commitment, row) in terms.capacities.iter().zip(1..) {
        tell(&format!("capacity commitment {row}"), commitment.validate(), problems);
    }
    for programme in &terms.tiers {
        tell(&format!("tier programme {}", programme.label), programme.validate(), problems);
    }
    for tax in &terms.taxes {
        if tax.share.0 < 0 || tax.share > Bps::WHOLE {
            problems.say(|| format!("tax {}", tax.code), || "a tax is between 0 and 100 %".to_owned());
        }
    }
    twice("zone", terms.zones.iter().map(|z| z.name.to_ascii_lowercase()), problems);
    twice("calendar", terms.calendars.iter().map(|c| c.code.to_ascii_lowercase()), problems);
    twice("accessorial", terms.accessorials.iter().map(|a| a.code.clone()), problems);
    twice("lane", terms.lanes.iter().map(|l| l.code.clone()), problems);
}

fn twice(what: &str, names: impl Iterator<Item = String>, problems: &mut Problems) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    names.for_each(|name| *seen.entry(name).or_default() += 1);
    for (name, _) in seen.into_iter().filter(|(_, count)| *count > 1) {
        problems.say(|| format!("{what} {name}"), || "is there twice; rename or remove one".to_owned());
    }
}

fn check_lanes(terms: &RateTerms, problems: &mut Problems) {
    let lines: std::collections::BTreeSet<&str> = terms.lines.iter().map(|line| line.code.as_str()).collect();
    let zones: std::collections::BTreeSet<String> =
        terms.zones.iter().map(|z| z.name.to_ascii_lowercase()).collect();
    for lane in &terms.lanes {
        let at = || format!("lane {}", lane.code);
        if !lines.contains(lane.line.as_str()) {
            problems.say(at, || {
                format!("names rate line {}, which the contract does not have; add it", lane.line)
            });
        }
        for end in [&lane.origin, &lane.destination] {
            if let GeoSelector::Zone(name) = end
                && !zones.is_empty()
                && !zones.contains(&name.to_ascii_lowercase())
            {
                problems.say(at, || format!("names zone {name}, which the contract does not have; add it"));
            }
        }
    }
}

fn compile_lines(terms: &RateTerms, rows: &[Vec<u32>], problems: &mut Problems) -> Vec<CompiledLine> {
    let mut lines: Vec<CompiledLine> = Vec::with_capacity(terms.lines.len());
    for (line, number) in terms.lines.iter().zip(0..) {
        let rows = rows.get(number).map_or(&[][..], Vec::as_slice);
        let at = match line.valid_from {
            Some(from) => format!("rate line {} from {from}", line.code),
            None => format!("rate line {}", line.code),
        };
        check_line(terms, line, &at, problems);
        lines.push(compile_line(terms, line, rows, &at, problems));
    }
    let starts = |line: &RateLine| line.valid_from.unwrap_or(NaiveDate::MIN);
    lines.sort_by(|a, b| (&a.head.code, starts(&a.head)).cmp(&(&b.head.code, starts(&b.head))));
    for (a, b) in lines.iter().zip(lines.iter().skip(1)) {
        let (a, b) = (&a.head, &b.head);
        if a.code == b.code && a.valid_to.is_none_or(|to| to > starts(b)) {
            problems.say(
                || format!("rate line {}", b.code),
                || {
                    format!(
                        "two of that code hold on {}; end one where the other starts",
                        b.valid_from.map_or_else(|| "the first day".to_owned(), |d| d.to_string())
                    )
                },
            );
        }
    }
    lines
}

fn check_line(terms: &RateTerms, line: &RateLine, at: &str, problems: &mut Problems) {
    let mut need = |fine: bool, message: &str| {
        if !fine {
            problems.say(|| at.to_owned(), || message.to_owned());
        }
    };
    let money = |value: Option<Micros>| value.is_none_or(|v| Micros::ZERO <= v && v <= RATE_MAX);
    need(!line.code.trim().is_empty() && !line.charge.trim().is_empty(), "needs a code and a charge code");
    need(
        line.valid_from.zip(line.valid_to).is_none_or(|(from, to)| from < to),
        "ends before it starts; choose a later day",
    );
    need(!line.cells.is_empty(), "has no rates; add at least one row");
    need(money(line.min) && money(line.max), "minimum and maximum must be between 0 and 1,000,000");
    need(line.min.zip(line.max).is_none_or(|(min, max)| min <= max), "the maximum is below the minimum");
    need(Bps(0) <= line.discount && line.discount <= Bps::WHOLE, "a discount is between 0 and 100 %");
    need(line.columns.len() <= COLUMNS_MAX, "has more than 1,000 columns; split it");
    let listed = line.columns_by == ColumnsBy::None;
    need(listed == line.columns.is_empty(), "columns and what they stand for go together");
    let upper: std::collections::BTreeSet<String> =
        line.columns.iter().map(|c| c.to_ascii_uppercase()).collect();
    need(upper.len() == line.columns.len() && !upper.contains(""), "each column needs a name of its own");
    let counts = line.basis == RateBasis::PerUnit || [line.first, line.second].contains(&Some(Axis::Units));
    need(!counts || line.unit.is_some(), "counts units; say which");
    need(line.second.is_none() || line.first.is_some(), "has a second axis without a first");
    need(line.first.is_none() || line.first != line.second, "has the same axis twice");
    need(
        line.above.is_empty() || line.first == Some(Axis::Weight),
        "rates above the table need bands of weight on the first axis",
    );
    let fine = line
        .above
        .iter()
        .all(|row| usize::from(row.column) < line.columns.len().max(1) && money(Some(row.rate)));
    need(fine, "a rate above the table names no column, or is not between 0 and 1,000,000");
    let by_weight = matches!(line.basis, RateBasis::PerCwt | RateBasis::PerWeight);
    need(line.columns_by != ColumnsBy::Class || by_weight, "classes need a rate per weight or hundredweight");
    let deficit = terms.parameters.deficit && line.first == Some(Axis::Weight);
    need(
        !deficit || line.edges != BandEdges::UpTo,
        "the deficit rule needs bands that include their lower end",
    );
    let weighty = line.second != Some(Axis::Weight) || !terms.parameters.deficit;
    need(weighty, "the deficit rule needs weight on the first axis; swap the two");
}

fn compile_line(
    terms: &RateTerms,
    line: &RateLine,
    rows: &[u32],
    at: &str,
    problems: &mut Problems,
) -> CompiledLine {
    let before = problems.0.len();
    let table = Table::new(line, rows, terms.parameters.price_cap, at, problems);
    let mut columns: Vec<(String, usize)> =
        line.columns.iter().zip(0..).map(|(name, index)| (name.to_ascii_uppercase(), index)).collect();
    columns.sort();
    let currency = line.currency.unwrap_or(terms.currency);
    let parameters = &terms.parameters;
    let mut compiled = CompiledLine {
        head: line.head(),
        table,
        columns,
        floor: None,
        minor: minor_unit(currency.minor_digits()),
        weight_unit: parameters.weight_unit,
        distance_unit: parameters.distance_unit.charge_unit(),
        deficit: parameters.deficit,
        minimum_order: parameters.minimum_order,
    };
    compiled.floor = match line.absolute_min {
        None => None,
        Some(AbsoluteMinimum::Amount { amount }) => Some(amount),
        // Nothing to look up in a table that did not come out.
        Some(AbsoluteMinimum::CellLess { .. }) if problems.0.len() > before => None,
        Some(AbsoluteMinimum::CellLess { column, first, reduction }) => {
            let plain = CompiledLine {
                deficit: false,
                head: RateLine { discount: Bps(0), min: None, max: None, ..compiled.head.clone() },
                ..compiled.clone()
            };
            let m = Measures { weight: Some(first), distance: Some(first), units: Some(first) };
            let part = [Part { column: usize::from(column), weight: first }];
            let amount =
                plain.rate(&part, m, 1, &mut Vec::new(), &mut NoTrace).map(|sum| sum.net - reduction);
            if let Err(why) = &amount {
                problems.say(|| format!("{at}, absolute_min"), || format!("cannot be looked up: {why}"));
            }
            amount.ok()
        }
    };
    if compiled.floor.is_some_and(|floor| {
        floor < Micros::ZERO || floor > RATE_MAX || line.max.is_some_and(|max| max < floor)
    }) {
        problems
            .say(|| format!("{at}, absolute_min"), || "must be between 0 and the line's maximum".to_owned());
    }
    compiled
}
