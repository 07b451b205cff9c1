//! The ledger of concessions: what each side asked for, what it gave, and what each value is worth on a year's own
//! shipments. It prices nothing itself; whoever asks replays the shipments under each round and under the
//! [`Variant`]s, through the one engine, and hands the totals in.
//!
//! The value of a term in a round is the total of the first offer with only that term changed, less the total of the
//! first offer. Terms work on each other (a minimum hides a rate), so these values need not sum to the round's whole
//! difference; what is left stands in a line of its own, and then they do.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};

use super::Side;
use super::value::{Part, TermValue, Unit, shown};
use crate::domain::money::Micros;
use crate::domain::words;

/// Changed cells of one rate table up to which each is a line of its own; more are one line together.
pub const CELL_LINES_MAX: usize = 12;
/// Most texts that are replayed for one ledger beside the rounds; terms beyond them are in the remainder.
pub const VARIANTS_MAX: usize = 60;

/// One round as the ledger reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundFacts {
    /// Its number.
    pub round: i32,
    /// Who proposed it.
    pub side: Side,
    /// Its values.
    pub values: Vec<TermValue>,
    /// What of it comes to no amount, and why: [`super::volume::unpriced`].
    pub unpriced: BTreeMap<String, &'static str>,
    /// What the year comes to under it; none when it cannot be replayed.
    pub total: Option<Micros>,
}

/// One term that differs between rounds: a value, or the changed cells of one table together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The part it belongs to.
    pub part: Part,
    /// What it is of.
    pub of: String,
    /// Which value of it.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// The values it stands for.
    pub keys: Vec<String>,
    /// Why it comes to no amount on any volume, in words; none where a replay prices it.
    pub unpriced: Option<&'static str>,
}

impl Term {
    /// Whether a replay prices it.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.unpriced.is_none() && self.part.is_replayed()
    }
}

/// The first offer with one term as another round has it: a text to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Index into the terms.
    pub term: usize,
    /// The values to change in the first offer.
    pub changes: BTreeMap<String, Decimal>,
}

/// The terms that differ from the first round in any later one, in reading order.
#[must_use]
pub fn terms(rounds: &[RoundFacts]) -> Vec<Term> {
    let Some(first) = rounds.first() else { return Vec::new() };
    let base: BTreeMap<&str, Decimal> = by_key(&first.values);
    let mut changed: BTreeMap<&str, &TermValue> = BTreeMap::new();
    for round in rounds {
        for value in &round.values {
            if base.get(value.key.as_str()) != Some(&value.value) {
                changed.entry(&value.key).or_insert(value);
            }
        }
        let here: BTreeSet<&str> = round.values.iter().map(|value| value.key.as_str()).collect();
        for value in first.values.iter().filter(|value| !here.contains(value.key.as_str())) {
            changed.entry(&value.key).or_insert(value);
        }
    }
    let mut tables: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for value in changed.values().filter(|value| value.part == Part::Cell) {
        let count = tables.entry((table(&value.key), &value.name)).or_default();
        *count = count.saturating_add(1);
    }
    let mut out: Vec<Term> = Vec::new();
    let mut grouped: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    // In the order of the texts, not of the keys.
    let mut seen = BTreeSet::new();
    let in_order = rounds.iter().flat_map(|round| &round.values).filter(|v| seen.insert(v.key.as_str()));
    let mut in_order: Vec<&TermValue> =
        in_order.filter(|value| changed.contains_key(value.key.as_str())).collect();
    in_order.sort_by_key(|value| value.part);
    for value in in_order {
        let place = (table(&value.key), value.name.as_str());
        let many = value.part == Part::Cell && tables.get(&place).is_some_and(|n| *n > CELL_LINES_MAX);
        if let Some(term) = grouped.get(&place).filter(|_| many).and_then(|at| out.get_mut(*at)) {
            term.keys.push(value.key.clone());
            continue;
        }
        let mut term = Term {
            part: value.part,
            of: value.of.clone(),
            name: value.name.clone(),
            unit: value.unit,
            keys: vec![value.key.clone()],
            unpriced: unpriced(rounds, &value.key),
        };
        if many {
            grouped.insert(place, out.len());
            let cells = tables.get(&place).copied().unwrap_or_default();
            let of = value.of.split(": ").next().unwrap_or_default();
            term.of = format!("{of}, {}", words::many(cells, "cell"));
        }
        out.push(term);
    }
    out
}

/// Why a value comes to no amount in any of the rounds that have it; none where it does in one.
fn unpriced(rounds: &[RoundFacts], key: &str) -> Option<&'static str> {
    let has = |round: &&RoundFacts| round.values.iter().any(|value| value.key == key);
    let words = |round: &RoundFacts| {
        round.unpriced.iter().find(|(item, _)| key.starts_with(item.as_str())).map(|(_, words)| *words)
    };
    let said: Option<Vec<&'static str>> = rounds.iter().filter(has).map(words).collect();
    said?.last().copied()
}

/// The table a cell's key names.
fn table(key: &str) -> &str {
    key.split('/').nth(1).unwrap_or_default()
}

fn by_key(values: &[TermValue]) -> BTreeMap<&str, Decimal> {
    values.iter().map(|value| (value.key.as_str(), value.value)).collect()
}

/// What must be replayed beside the rounds themselves, each text once. A term that exists in only one of two rounds,
/// or that no replay prices, has none.
#[must_use]
pub fn variants(rounds: &[RoundFacts], terms: &[Term]) -> Vec<Variant> {
    let Some(first) = rounds.first() else { return Vec::new() };
    let base = by_key(&first.values);
    let later: Vec<_> = rounds.iter().skip(1).map(|round| by_key(&round.values)).collect();
    let mut out: Vec<Variant> = Vec::new();
    for (term, index) in terms.iter().zip(0..) {
        for round in later.iter().filter(|_| term.is_priced()) {
            let Some(changes) = changes_of(term, &base, round) else { continue };
            let variant = Variant { term: index, changes };
            if !variant.changes.is_empty() && !out.contains(&variant) && out.len() < VARIANTS_MAX {
                out.push(variant);
            }
        }
    }
    out
}

/// The values of a term that differ from the base; none when one of them is missing on either side.
fn changes_of(
    term: &Term,
    base: &BTreeMap<&str, Decimal>,
    round: &BTreeMap<&str, Decimal>,
) -> Option<BTreeMap<String, Decimal>> {
    let mut changes = BTreeMap::new();
    for key in &term.keys {
        let (was, is) = (base.get(key.as_str())?, round.get(key.as_str())?);
        if was != is {
            changes.insert(key.clone(), *is);
        }
    }
    Some(changes)
}

/// One term in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The value in words; empty where the round does not have it.
    pub text: String,
    /// What it is worth against the first offer; none when no replay prices it.
    pub worth: Option<Micros>,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The term.
    pub term: Term,
    /// Its position in every round, in order of the rounds.
    pub positions: Vec<Position>,
}

/// Who moved how far, by the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The shipper's first offer.
    pub offer: Micros,
    /// The partner's first ask.
    pub ask: Micros,
    /// What the shipper moved towards the ask.
    pub shipper: Micros,
    /// What the partner moved towards the offer.
    pub partner: Micros,
    /// What is still between them.
    pub open: Micros,
}

/// The ledger of one negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Number, who, and the year's total of each round.
    pub rounds: Vec<(i32, Side, Option<Micros>)>,
    /// The terms.
    pub lines: Vec<Line>,
    /// What the terms together make beside their own values, by round; none when a round has no total.
    pub remainder: Vec<Option<Micros>>,
    /// Difference of each round to the first offer; none when a round has no total.
    pub difference: Vec<Option<Micros>>,
    /// Who moved how far; none before the partner has asked for anything.
    pub movement: Option<Movement>,
}

/// Puts the ledger together. `worth` is the total of each variant, in order; `agreed` the round both agreed to.
#[must_use]
pub fn ledger(
    rounds: &[RoundFacts],
    terms: &[Term],
    variants: &[Variant],
    worth: &[Micros],
    agreed: Option<i32>,
) -> Ledger {
    let first = rounds.first();
    let base_total = first.and_then(|round| round.total);
    let base = first.map(|round| by_key(&round.values)).unwrap_or_default();
    let values: Vec<_> = rounds.iter().map(|round| by_key(&round.values)).collect();
    let line = |(term, index): (&Term, usize)| {
        let position = |round: &BTreeMap<&str, Decimal>| {
            let worth = changes_of(term, &base, round).filter(|_| term.is_priced()).and_then(|changes| {
                if changes.is_empty() {
                    return Some(Micros::ZERO);
                }
                let same = |variant: &Variant| variant.term == index && variant.changes == changes;
                let total = worth.get(variants.iter().position(same)?)?;
                Some(*total - base_total?)
            });
            Position { text: text(term, round), worth }
        };
        Line { term: term.clone(), positions: values.iter().map(position).collect() }
    };
    let lines: Vec<Line> = terms.iter().zip(0..).map(line).collect();
    let difference: Vec<Option<Micros>> =
        rounds.iter().map(|round| Some(round.total? - base_total?)).collect();
    let remainder = difference
        .iter()
        .zip(0..)
        .map(|(difference, at): (_, usize)| {
            let priced: Micros = lines.iter().filter_map(|line| line.positions.get(at)?.worth).sum();
            difference.map(|difference| difference - priced)
        })
        .collect();
    Ledger {
        rounds: rounds.iter().map(|round| (round.round, round.side, round.total)).collect(),
        lines,
        remainder,
        difference,
        movement: movement(rounds, agreed),
    }
}

fn text(term: &Term, round: &BTreeMap<&str, Decimal>) -> String {
    let known: Vec<Decimal> = term.keys.iter().filter_map(|key| round.get(key.as_str()).copied()).collect();
    match known.as_slice() {
        [] => String::new(),
        [one] => shown(term.unit, *one),
        several => {
            let say =
                |value: Option<&Decimal>| value.map(|value| shown(term.unit, *value)).unwrap_or_default();
            let (low, high) = (say(several.iter().min()), say(several.iter().max()));
            if low == high { low } else { format!("{low} to {high}") }
        }
    }
}

fn movement(rounds: &[RoundFacts], agreed: Option<i32>) -> Option<Movement> {
    let of = |side: Side| rounds.iter().filter(move |round| round.side == side);
    let offer = of(Side::Shipper).next()?.total?;
    let ask = of(Side::Partner).next()?.total?;
    let agreed = agreed.and_then(|no| rounds.iter().find(|round| round.round == no)).and_then(|r| r.total);
    let shipper_now = agreed.or(of(Side::Shipper).next_back()?.total)?;
    let partner_now = agreed.or(of(Side::Partner).next_back()?.total)?;
    let (shipper, partner) = (shipper_now - offer, ask - partner_now);
    Some(Movement { offer, ask, shipper, partner, open: (ask - offer) - shipper - partner })
}

impl Movement {
    /// What lay between the first offer and the first ask.
    #[must_use]
    pub fn gap(&self) -> Micros {
        self.ask - self.offer
    }

    /// Whole per cent of the gap that the shipper moved, that the partner moved, and that is open; they sum to 100.
    /// None without a gap.
    #[must_use]
    pub fn shares(&self) -> Option<[Decimal; 3]> {
        let gap = self.gap().decimal();
        let share = |part: Micros| {
            let exact = part.decimal().checked_mul(Decimal::ONE_HUNDRED)?.checked_div(gap)?;
            Some(exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
        };
        let shipper = share(self.shipper)?;
        if self.open == Micros::ZERO {
            return Some([shipper, Decimal::ONE_HUNDRED - shipper, Decimal::ZERO]);
        }
        let partner = share(self.partner)?;
        Some([shipper, partner, Decimal::ONE_HUNDRED - shipper - partner])
    }

    /// Who moved how far, as `reader` reads it.
    #[must_use]
    pub fn words(&self, reader: Side) -> String {
        let Some([shipper, partner, open]) = self.shares() else {
            return "The first offer and the first ask come to the same on this volume.".to_owned();
        };
        let (own, theirs) = match reader {
            Side::Shipper => (shipper, partner),
            Side::Partner => (partner, shipper),
        };
        let still =
            if self.open == Micros::ZERO { String::new() } else { format!("; {open} % is still open") };
        format!("You moved {own} % of the gap; they moved {theirs} %{still}.")
    }
}
