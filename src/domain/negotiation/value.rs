//! The single values of a text that the other side may change: rates, minimums, accessorials, fuel, clauses, limits,
//! targets, commitments. One list makes the form, the spreadsheet, the redline of a counter-proposal and the ledger of
//! concessions, so that they cannot disagree.
//!
//! Structure is not in it: nobody adds a lane, a clause or a band this way, and what is not agreed at all (a cap that
//! does not exist) has no value to change. `FIELDS` names every field that may change; others are not listed.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::domain::field::{FieldErrors, codes};
use crate::domain::money::{MICROS_SCALE, Micros};
use crate::domain::rate::{Band, Cell, CompiledRates, RateLine, RateTerms, TableSeal};
use crate::domain::terms::Terms;
use crate::domain::words;

/// Most cells of all rate tables of a version that are negotiated one by one; larger tables are renegotiated by a new
/// rate sheet.
pub const CELLS_MAX: usize = 20_000;
/// Most values one counter-proposal changes.
pub const CHANGES_MAX: usize = 20_000;
/// Most problems named at once.
pub const PROBLEMS_MAX: usize = 100;

codes! {
    /// A part of the contract that values belong to, in reading order.
    Part, "part" {
        /// Price cap and dispute window.
        Option = "OPTION", "Options";
        /// A cell of a rate table.
        Cell = "RATE", "Rates";
        /// Minimum, maximum and discount of a rate table.
        Line = "RATE_TABLE", "Minimums and discounts";
        /// Fuel surcharge.
        Fuel = "FUEL", "Fuel";
        /// Accessorial rates.
        Accessorial = "ACCESSORIAL", "Accessorials";
        /// KPI targets.
        Target = "TARGET", "KPI targets";
        /// Clauses.
        Clause = "CLAUSE", "Clauses";
        /// The limit over all clauses.
        Limit = "LIMIT", "Limit over all clauses";
        /// Volume promised.
        Volume = "VOLUME", "Volume commitments";
        /// Capacity promised.
        Capacity = "CAPACITY", "Capacity commitments";
        /// Rebates.
        Tier = "TIER", "Volume tiers";
    }
}

impl Part {
    /// Whether it decides what shipments are charged, so that rating them again prices it.
    #[must_use]
    pub fn is_charged(self) -> bool {
        matches!(self, Self::Option | Self::Cell | Self::Line | Self::Fuel | Self::Accessorial)
    }

    /// Whether it decides what clauses come to, so that evaluating them again prices it.
    #[must_use]
    pub fn is_credited(self) -> bool {
        matches!(self, Self::Clause | Self::Limit | Self::Target)
    }

    /// Whether the volume of a replay prices it, beside the charges: shortfalls and rebates.
    #[must_use]
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Volume | Self::Tier)
    }

    /// Whether a replay of last year prices it: by its charges, by its clauses or by its volume.
    #[must_use]
    pub fn is_replayed(self) -> bool {
        self.is_charged() || self.is_credited() || self.is_counted()
    }
}

codes! {
    /// How a value is written.
    Unit, "unit" {
        /// In the contract's currency, six decimals at most.
        Amount = "AMOUNT", "amount";
        /// Per cent, two decimals at most.
        Percent = "PERCENT", "%";
        /// A whole number.
        Count = "COUNT", "count";
        /// A number in a unit of its own, six decimals at most.
        Number = "NUMBER", "number";
        /// A number kept as it is written.
        Plain = "PLAIN", "points";
    }
}

impl Unit {
    /// A stored number as people write it.
    fn read(self, json: &Json) -> Option<Decimal> {
        match (self, json) {
            (Self::Plain, Json::String(text)) => text.parse().ok(),
            (Self::Plain, _) => None,
            (_, json) => {
                let scale = self.scale();
                json.as_i64().map(|n| Decimal::from_i128_with_scale(i128::from(n), scale).normalize())
            }
        }
    }

    /// The number as it is stored; none when it has too many decimals or is too large.
    fn write(self, value: Decimal) -> Option<Json> {
        if self == Self::Plain {
            return Some(Json::String(value.normalize().to_string()));
        }
        let factor = Decimal::from(10_i64.checked_pow(self.scale())?);
        let scaled = value.checked_mul(factor).filter(Decimal::is_integer)?;
        scaled.to_i64().map(Json::from)
    }

    fn scale(self) -> u32 {
        match self {
            Self::Amount | Self::Number => MICROS_SCALE,
            Self::Percent => 2,
            Self::Count | Self::Plain => 0,
        }
    }

    /// What to write when a value does not fit.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Amount => "write an amount such as 1250.00, with six decimals at most",
            Self::Percent => "write a percentage such as 2.5, with two decimals at most",
            Self::Count => "write a whole number such as 30",
            Self::Number => "write a number such as 95.5, with six decimals at most",
            Self::Plain => "write a number such as 95.5",
        }
    }
}

/// One value of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermValue {
    /// Names it in every round: `ACCESSORIAL/LFT/rate`.
    pub key: String,
    /// The part it belongs to.
    pub part: Part,
    /// What it is of: `Liftgate (LFT)`.
    pub of: String,
    /// Which value of it: `rate`.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// The value, as people write it.
    pub value: Decimal,
}

impl TermValue {
    /// The value in words: `45.00`, `2.5 %`, `30`.
    #[must_use]
    pub fn text(&self) -> String {
        shown(self.unit, self.value)
    }
}

/// A value in words.
#[must_use]
pub fn shown(unit: Unit, value: Decimal) -> String {
    match unit {
        Unit::Amount => words::fixed(value, value.normalize().scale().max(2)),
        Unit::Percent => format!("{} %", words::number(value)),
        Unit::Count | Unit::Number | Unit::Plain => words::number(value),
    }
}

/// A field that may change: where it stands (`*` is every entry of a list), how it is written, what it is called.
struct Field {
    part: Part,
    path: &'static str,
    unit: Unit,
    name: &'static str,
}

const fn field(part: Part, path: &'static str, unit: Unit, name: &'static str) -> Field {
    Field { part, path, unit, name }
}

/// Every field that may change. What is not here is structure.
const FIELDS: [Field; 63] = {
    use Part::{Accessorial, Capacity, Clause, Fuel, Limit, Line, Option, Target, Tier, Volume};
    use Unit::{Amount, Count, Number, Percent, Plain};
    [
        field(Option, "/price_cap", Percent, "price cap"),
        field(Option, "/dispute_days", Count, "dispute window, days"),
        field(Line, "/discount", Percent, "discount"),
        field(Line, "/min", Amount, "minimum"),
        field(Line, "/max", Amount, "maximum"),
        field(Line, "/absolute_min/amount", Amount, "absolute minimum"),
        field(Line, "/absolute_min/reduction", Amount, "reduction of the absolute minimum"),
        field(Line, "/above/*/rate", Amount, "rate above the table"),
        field(Fuel, "/method/peg", Amount, "peg"),
        field(Fuel, "/method/mpg", Number, "distance per unit of fuel"),
        field(Fuel, "/method/brackets/*/value", Number, "surcharge"),
        field(Fuel, "/floor", Number, "floor"),
        field(Fuel, "/cap", Number, "cap"),
        field(Accessorial, "/rate", Amount, "rate"),
        field(Accessorial, "/share", Percent, "share of linehaul"),
        field(Accessorial, "/free_quantity", Count, "free allowance"),
        field(Accessorial, "/min", Amount, "minimum"),
        field(Accessorial, "/max", Amount, "maximum"),
        field(Accessorial, "/cap", Amount, "cap"),
        field(Target, "/floor", Number, "floor"),
        field(Target, "/target", Number, "target"),
        field(Target, "/stretch", Number, "stretch"),
        field(Clause, "/rule/per_day/amount", Amount, "amount a late day"),
        field(Clause, "/rule/per_day/share", Percent, "share a late day"),
        field(Clause, "/rule/per_pickup", Amount, "amount for each missed pickup"),
        field(Clause, "/rule/grace_days", Count, "days of grace"),
        field(Clause, "/rule/event_cap_share", Percent, "most for one shipment, share"),
        field(Clause, "/rule/event_cap_amount", Amount, "most for one shipment"),
        field(Clause, "/rule/threshold", Plain, "threshold"),
        field(Clause, "/rule/dead_band", Plain, "dead band"),
        field(Clause, "/rule/min_volume", Count, "least volume"),
        field(Clause, "/rule/amount/amount", Amount, "amount"),
        field(Clause, "/rule/amount/share", Percent, "share of spend"),
        field(Clause, "/rule/amount/at_risk", Percent, "share at risk"),
        field(Clause, "/rule/amount/category", Percent, "share for the category"),
        field(Clause, "/rule/amount/kpi", Percent, "share for the KPI"),
        field(Clause, "/rule/amount/of_savings", Percent, "share of savings"),
        field(Clause, "/rule/amount/of_difference", Percent, "share of what a replacement cost more"),
        field(Clause, "/rule/amount/most", Amount, "most for one load"),
        field(Clause, "/exclusions/ramp_up_days", Count, "days for which a lane is new"),
        field(Clause, "/rule/quantity", Number, "quantity a period"),
        field(Clause, "/rule/tolerance", Percent, "tolerance"),
        field(Clause, "/rule/rate", Amount, "owed for each unit short"),
        field(Clause, "/rule/consecutive", Count, "good periods in a row"),
        field(Clause, "/rule/share", Percent, "share given back"),
        field(Clause, "/rule/expected_spend", Amount, "spend expected in a year"),
        field(Clause, "/handling/dispute_days", Count, "dispute window, business days"),
        field(Clause, "/rule/amount/tiers/*/up_to_points", Plain, "up to points"),
        field(Clause, "/rule/amount/tiers/*/share", Percent, "share of spend"),
        field(Clause, "/period_cap/amount", Amount, "most a period"),
        field(Clause, "/period_cap/share_of_freight", Percent, "most a period, share of freight"),
        field(Limit, "/cap/amount", Amount, "most a period"),
        field(Limit, "/cap/share_of_freight", Percent, "most a period, share of freight"),
        field(Limit, "/annual/amount", Amount, "most a year"),
        field(Limit, "/annual/share_of_freight", Percent, "most a year, share of freight"),
        field(Volume, "/quantity", Number, "quantity a period"),
        field(Volume, "/tolerance", Percent, "tolerance"),
        field(Volume, "/shortfall_rate", Amount, "owed for each unit short"),
        field(Capacity, "/base_units", Count, "units a week"),
        field(Capacity, "/surge", Percent, "surge above base"),
        field(Capacity, "/surge_premium", Percent, "premium on surge"),
        field(Tier, "/bands/*/from", Number, "band from"),
        field(Tier, "/bands/*/share", Percent, "rebate"),
    ]
};

/// Whether the cells of the text can be negotiated one by one; its tables must be loaded then.
#[must_use]
pub fn cells_are_values(terms: &Terms) -> bool {
    terms.pricing.cells() <= CELLS_MAX
}

/// Something in the text that has values: its part, the middle of its key, and its name in words.
struct Item {
    part: Part,
    id: String,
    of: String,
    json: Json,
}

impl Item {
    fn new<T: Serialize>(part: Part, id: &str, of: String, item: &T) -> Self {
        // Plain structs with text keys always serialise.
        let json = serde_json::to_value(item).unwrap_or_default();
        Self { part, id: id.replace('~', "~0").replace('/', "~1"), of, json }
    }

    fn values(&self, out: &mut Vec<TermValue>) {
        for field in FIELDS.iter().filter(|field| field.part == self.part) {
            for (path, place) in places(&self.json, field.path) {
                let Some(value) = self.json.pointer(&path).and_then(|leaf| field.unit.read(leaf)) else {
                    continue;
                };
                let name =
                    place.map_or_else(|| field.name.to_owned(), |n| format!("{}, row {n}", field.name));
                out.push(TermValue {
                    key: format!("{}/{}{path}", self.part.code(), self.id),
                    part: self.part,
                    of: self.of.clone(),
                    name,
                    unit: field.unit,
                    value,
                });
            }
        }
    }

    /// Writes the changed values of this item. Gives whether any was.
    fn change(&mut self, wanted: &mut Wanted<'_>) -> bool {
        let mut values = Vec::new();
        self.values(&mut values);
        let mut changed = false;
        for value in values {
            let Some(new) = wanted.take(&value.key) else { continue };
            if new == value.value {
                continue;
            }
            let path = value.key.splitn(3, '/').nth(2).map(|rest| format!("/{rest}")).unwrap_or_default();
            match (value.unit.write(new), self.json.pointer_mut(&path)) {
                (Some(json), Some(place)) => {
                    *place = json;
                    changed = true;
                }
                _ => wanted.problem(&value.key, value.unit.advice()),
            }
        }
        changed
    }
}

/// The paths a pattern stands for, with the row where it names a list.
fn places(json: &Json, pattern: &str) -> Vec<(String, Option<usize>)> {
    let Some((list, rest)) = pattern.split_once("/*") else { return vec![(pattern.to_owned(), None)] };
    let rows = json.pointer(list).and_then(Json::as_array).map_or(0, Vec::len);
    (0..rows).map(|n| (format!("{list}/{n}{rest}"), Some(n.saturating_add(1)))).collect()
}

fn line_id(line: &RateLine) -> String {
    line.valid_from.map_or_else(|| line.code.clone(), |from| format!("{}@{from}", line.code))
}

fn line_name(line: &RateLine) -> String {
    let name = format!("{} ({})", line.label, line.code);
    line.valid_from.map_or_else(|| name.clone(), |from| format!("{name} from {from}"))
}

fn band_id(band: Band) -> String {
    let end = |value: Option<Micros>| value.map(|value| value.to_string()).unwrap_or_default();
    format!("{}-{}", band.lower, end(band.upper))
}

fn band_words(band: Band) -> Option<String> {
    if band == Band::ALL {
        return None;
    }
    let from = words::quantity(band.lower);
    Some(match band.upper {
        Some(upper) => format!("{from} to {}", words::quantity(upper)),
        None => format!("{from} and more"),
    })
}

fn cell_key(line: &RateLine, cell: &Cell, name: &str) -> String {
    let id = line_id(line).replace('~', "~0").replace('/', "~1");
    let (code, column) = (Part::Cell.code(), cell.column);
    format!("{code}/{id}/{column}/{}/{}/{name}", band_id(cell.first), band_id(cell.second))
}

fn cell_words(line: &RateLine, cell: &Cell) -> String {
    let column = line.columns.get(usize::from(cell.column)).cloned();
    let place = column.into_iter().chain(band_words(cell.first)).chain(band_words(cell.second));
    let place = place.collect::<Vec<_>>().join(", ");
    if place.is_empty() { line_name(line) } else { format!("{}: {place}", line_name(line)) }
}

fn cell_values(cell: &Cell) -> impl Iterator<Item = (&'static str, Micros)> + use<> {
    [("rate", Some(cell.rate)), ("minimum", cell.min)].into_iter().filter_map(|(name, v)| Some((name, v?)))
}

/// The items of a text, in reading order, without cells.
fn items(terms: &Terms) -> Vec<Item> {
    let pricing = &terms.pricing.terms;
    let mut out = vec![Item::new(Part::Option, "version", "All prices".to_owned(), &pricing.parameters)];
    out.extend(
        pricing.lines.iter().map(|line| Item::new(Part::Line, &line_id(line), line_name(line), &line.head())),
    );
    out.extend(pricing.fuel.iter().zip(1..).map(|(fuel, n): (_, u32)| {
        let from = fuel.valid_from.map(|day| format!(" from {day}")).unwrap_or_default();
        Item::new(Part::Fuel, &n.to_string(), format!("{} ({}){from}", fuel.label, fuel.code), fuel)
    }));
    out.extend(terms.rates.iter().map(|rate| {
        let of = format!("{} ({}), {}", rate.label, rate.code, rate.unit.label());
        Item::new(Part::Accessorial, &rate.code, of, rate)
    }));
    out.extend(terms.targets.iter().map(|t| Item::new(Part::Target, &t.kpi, t.kpi.clone(), t)));
    out.extend(terms.clauses.iter().map(|clause| {
        let of = format!("Clause {}, {}", clause.code, clause.title);
        Item::new(Part::Clause, &clause.code, of, &clause.terms)
    }));
    out.push(Item::new(Part::Limit, "version", "All clauses".to_owned(), &terms.caps));
    out.extend(pricing.volumes.iter().zip(1..).map(|(volume, n): (_, u32)| {
        let of = format!("Volume {n}: {} {}", volume.side.label(), volume.measure.label());
        Item::new(Part::Volume, &n.to_string(), of, volume)
    }));
    out.extend(pricing.capacities.iter().zip(1..).map(|(capacity, n): (_, u32)| {
        let lane = capacity.lane.as_deref().unwrap_or("every lane");
        Item::new(Part::Capacity, &n.to_string(), format!("Capacity {n}: {lane}"), capacity)
    }));
    out.extend(
        pricing
            .tiers
            .iter()
            .zip(1..)
            .map(|(tier, n): (_, u32)| Item::new(Part::Tier, &n.to_string(), tier.label.clone(), tier)),
    );
    out
}

/// Every value of the text that may change, in reading order. Cells are among them where they are loaded.
#[must_use]
pub fn values(terms: &Terms) -> Vec<TermValue> {
    let mut out = Vec::new();
    for line in &terms.pricing.terms.lines {
        for cell in &line.cells {
            for (name, value) in cell_values(cell) {
                out.push(TermValue {
                    key: cell_key(line, cell, name),
                    part: Part::Cell,
                    of: cell_words(line, cell),
                    name: name.to_owned(),
                    unit: Unit::Amount,
                    value: value.decimal().normalize(),
                });
            }
        }
    }
    for item in items(terms) {
        item.values(&mut out);
    }
    out.sort_by_key(|value| value.part);
    out
}

/// Something wrong with a value that somebody wants, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// [`TermValue::key`].
    pub key: String,
    /// What to do.
    pub message: String,
}

/// New values that are being put in place.
struct Wanted<'a> {
    changes: &'a BTreeMap<String, Decimal>,
    used: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Wanted<'_> {
    fn take(&mut self, key: &str) -> Option<Decimal> {
        let value = self.changes.get(key).copied();
        if value.is_some() {
            self.used.insert(key.to_owned());
        }
        value
    }

    fn problem(&mut self, key: &str, message: &str) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { key: key.to_owned(), message: message.to_owned() });
        }
    }

    /// What the rules of an item say about its new values, beside the value that changed.
    fn judge(&mut self, item: &Item, errors: FieldErrors) {
        let prefix = format!("{}/{}/", item.part.code(), item.id);
        let own: Vec<String> = self.used.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
        for (field, message) in errors {
            let named = own.iter().find(|key| key.ends_with(&format!("/{field}"))).or_else(|| own.first());
            self.problem(&named.cloned().unwrap_or_else(|| prefix.clone()), &message);
        }
    }
}

/// The text with other values. Values that are what they were change nothing, so the same list in gives the same text
/// out, to the digit. A table that changed gets a new seal and table 0: it is not stored yet.
///
/// # Errors
/// [`Problem`]s: values that do not fit, that contradict each other, or that name nothing.
pub fn with_values(terms: &Terms, changes: &BTreeMap<String, Decimal>) -> Result<Terms, Vec<Problem>> {
    let mut wanted = Wanted { changes, used: BTreeSet::new(), problems: Vec::new() };
    if changes.len() > CHANGES_MAX {
        wanted.problem("", "a counter-proposal changes at most CHANGES_MAX = 20,000 values");
        return Err(wanted.problems);
    }
    let mut next = terms.clone();
    for item in items(terms) {
        change_item(&mut next, item, &mut wanted);
    }
    change_cells(&mut next, &mut wanted);
    for key in changes.keys().filter(|key| !wanted.used.contains(*key)).cloned().collect::<Vec<_>>() {
        wanted
            .problem(&key, "there is no such value in this round; download the sheet again and fill that in");
    }
    if wanted.problems.is_empty() && next.pricing != terms.pricing && !next.pricing.terms.lines.is_empty() {
        let loaded = next.pricing.terms.lines.iter().all(|line| !line.cells.is_empty());
        let rates = RateTerms { accessorials: next.rates.clone(), ..next.pricing.terms.clone() };
        if loaded && let Err(problems) = CompiledRates::new(&rates) {
            for problem in problems {
                wanted.problem("", &problem.to_string());
            }
        }
    }
    if wanted.problems.is_empty() { Ok(next) } else { Err(wanted.problems) }
}

fn change_item(next: &mut Terms, mut item: Item, wanted: &mut Wanted<'_>) {
    if !item.change(wanted) {
        return;
    }
    let pricing = &mut next.pricing.terms;
    let id = item.id.clone();
    let ordinal = || id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let plain = |text: &str| text.replace('~', "~0").replace('/', "~1");
    let none = FieldErrors::new;
    match item.part {
        Part::Option => put(Some(&mut pricing.parameters), &item, wanted, |_| none()),
        Part::Line => {
            let line = pricing.lines.iter_mut().find(|line| plain(&line_id(line)) == id);
            if let Some(line) = line {
                let cells = std::mem::take(&mut line.cells);
                put(Some(&mut *line), &item, wanted, |_| none());
                line.cells = cells;
            }
        }
        Part::Fuel => {
            let fuel = ordinal().and_then(|n| pricing.fuel.get_mut(n));
            put(fuel, &item, wanted, crate::domain::fuel::FuelProgramme::validate);
        }
        Part::Accessorial => {
            let rate = next.rates.iter_mut().find(|rate| plain(&rate.code) == id);
            put(rate, &item, wanted, crate::domain::accessorial::AccessorialRate::validate);
        }
        Part::Target => {
            let target = next.targets.iter_mut().find(|target| plain(&target.kpi) == id);
            put(target, &item, wanted, crate::domain::terms::KpiTarget::validate);
        }
        Part::Clause => {
            let clause = next.clauses.iter_mut().find(|clause| plain(&clause.code) == id);
            let clause = clause.map(|clause| &mut clause.terms);
            // What was signed so may stay; a change may bring no such thing in.
            let before = clause.as_ref().map(|terms| terms.validate_new()).unwrap_or_default();
            put(clause, &item, wanted, |new| {
                let anew = new.validate_new().into_iter().filter(|problem| !before.contains(problem));
                new.validate().into_iter().chain(anew).collect()
            });
        }
        Part::Limit => put(Some(&mut next.caps), &item, wanted, crate::domain::clause::ContractCap::validate),
        Part::Volume => {
            let volume = ordinal().and_then(|n| pricing.volumes.get_mut(n));
            put(volume, &item, wanted, crate::domain::commitment::VolumeCommitment::validate);
        }
        Part::Capacity => {
            let capacity = ordinal().and_then(|n| pricing.capacities.get_mut(n));
            put(capacity, &item, wanted, crate::domain::commitment::CapacityCommitment::validate);
        }
        Part::Tier => {
            let tier = ordinal().and_then(|n| pricing.tiers.get_mut(n));
            put(tier, &item, wanted, crate::domain::tier::TierProgramme::validate);
        }
        Part::Cell => {}
    }
}

/// Reads the changed item back into its place, and asks its own rules.
fn put<T: DeserializeOwned>(
    place: Option<&mut T>,
    item: &Item,
    wanted: &mut Wanted<'_>,
    validate: impl Fn(&T) -> FieldErrors,
) {
    let Some(place) = place else { return };
    match serde_json::from_value::<T>(item.json.clone()) {
        Ok(new) => {
            wanted.judge(item, validate(&new));
            *place = new;
        }
        Err(error) => wanted.judge(item, vec![(String::new(), format!("does not fit: {error}"))]),
    }
}

fn change_cells(next: &mut Terms, wanted: &mut Wanted<'_>) {
    let pricing = &mut next.pricing;
    for (line, seal) in pricing.terms.lines.iter_mut().zip(&mut pricing.tables) {
        let head = line.head();
        let mut changed = false;
        for cell in &mut line.cells {
            let now: Vec<_> = cell_values(cell).collect();
            for (name, was) in now {
                let key = cell_key(&head, cell, name);
                let Some(new) = wanted.take(&key) else { continue };
                if new == was.decimal() {
                    continue;
                }
                let fits = new.normalize().scale() <= MICROS_SCALE && new >= Decimal::ZERO;
                match Micros::from_decimal(new).ok().filter(|_| fits) {
                    Some(rate) if name == "rate" => cell.rate = rate,
                    Some(min) => cell.min = Some(min),
                    None => {
                        wanted.problem(&key, "write an amount from 0 on, with six decimals at most");
                        continue;
                    }
                }
                changed = true;
            }
        }
        if changed {
            *seal = TableSeal::of(&mut line.cells);
        }
    }
}

/// One value that differs between two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// The value after; of the text before where it is gone.
    pub value: TermValue,
    /// Before; none when it is new.
    pub before: Option<Decimal>,
    /// After; none when it is gone.
    pub after: Option<Decimal>,
}

/// Which values differ, in reading order of the text after.
#[must_use]
pub fn value_changes(before: &[TermValue], after: &[TermValue]) -> Vec<ValueChange> {
    let was: BTreeMap<&str, &TermValue> = before.iter().map(|value| (value.key.as_str(), value)).collect();
    let is: BTreeSet<&str> = after.iter().map(|value| value.key.as_str()).collect();
    let changed = after.iter().filter_map(|value| {
        let old = was.get(value.key.as_str()).map(|old| old.value);
        let same = old == Some(value.value);
        (!same).then(|| ValueChange { value: value.clone(), before: old, after: Some(value.value) })
    });
    let gone = before.iter().filter(|value| !is.contains(value.key.as_str())).map(|value| ValueChange {
        value: value.clone(),
        before: Some(value.value),
        after: None,
    });
    changed.chain(gone).collect()
}
