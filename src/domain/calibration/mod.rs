//! Calibration: what a contract's rates model minus what the carrier billed, by charge type and lane.
//!
//! Driven to zero before an audit is believed, so that mistakes of the contract and mistakes of the carrier are told
//! apart: the first show on most shipments of a lane in the same direction, the second on a few ([`Signature`]).
//! Every shipment has one [`Outcome`]; only [`Outcome::Compared`] ones are subtracted, type by type, and the types of a
//! shipment sum to its whole. What cannot be compared is counted beside, with what was billed for it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::charge_code::Meaning;
use super::currency::Currency;
use super::expected::{Expected, ExpectedLine, ExpectedStatus};
use super::field::codes;
use super::money::{Bps, Micros};
use super::rate::ChargePart;

/// Compared shipments from which a signature is read.
pub const SHIPMENTS_MIN: u64 = 10;
/// Share of the compared shipments that must differ in one direction for a systematic difference.
pub const MOST: Bps = Bps(8_000);
/// Share of the compared shipments up to which a difference is sporadic.
pub const FEW: Bps = Bps(2_000);
/// Most of a systematic difference that its largest tenth of shipments may carry.
pub const TENTH_CARRIES: Bps = Bps(5_000);
/// Reasons for UNRATED kept apart; the rest is counted as one.
pub const REASONS_MAX: usize = 50;
/// The reasons beyond [`REASONS_MAX`].
pub const OTHER_REASONS: &str = "other reasons";

/// What one comparison is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChargeType {
    /// Everything but tax, of shipments whose bill is not split.
    Whole,
    /// Moving the goods.
    Linehaul,
    /// Fuel surcharge.
    Fuel,
    /// All accessorials, of shipments whose bill names one sum for them.
    Accessorials,
    /// The accessorial of this code.
    Accessorial(String),
    /// Tax.
    Tax,
    /// Billed, though somebody decided that the contract owes nothing for it.
    NotChargeable,
    /// Billed under codes that nobody has mapped.
    Unmapped,
}

/// What stands before the code of an accessorial.
const ACCESSORIAL: &str = "ACCESSORIAL:";

impl fmt::Display for ChargeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("WHOLE"),
            Self::Linehaul => f.write_str("LINEHAUL"),
            Self::Fuel => f.write_str("FUEL"),
            Self::Accessorials => f.write_str("ACCESSORIALS"),
            Self::Accessorial(code) => write!(f, "{ACCESSORIAL}{code}"),
            Self::Tax => f.write_str("TAX"),
            Self::NotChargeable => f.write_str("NOT_CHARGEABLE"),
            Self::Unmapped => f.write_str("UNMAPPED"),
        }
    }
}

/// The text names no charge type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no charge type; use one of the table, such as LINEHAUL or ACCESSORIAL:LFT")]
pub struct BadChargeType(pub String);

impl FromStr for ChargeType {
    type Err = BadChargeType;

    fn from_str(text: &str) -> Result<Self, BadChargeType> {
        Ok(match text {
            "WHOLE" => Self::Whole,
            "LINEHAUL" => Self::Linehaul,
            "FUEL" => Self::Fuel,
            "ACCESSORIALS" => Self::Accessorials,
            "TAX" => Self::Tax,
            "NOT_CHARGEABLE" => Self::NotChargeable,
            "UNMAPPED" => Self::Unmapped,
            other => match other.strip_prefix(ACCESSORIAL).filter(|code| !code.is_empty()) {
                Some(code) => Self::Accessorial(code.to_owned()),
                None => return Err(BadChargeType(text.to_owned())),
            },
        })
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledLine {
    /// What it is; none when nobody has mapped its code.
    pub meaning: Option<Meaning>,
    /// The category it counts in on the shipment.
    pub category: String,
    /// Billed.
    pub amount: Micros,
}

/// What a shipment was billed: the amounts on it, and the lines behind those that came line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Linehaul on the shipment.
    pub linehaul: Option<Micros>,
    /// Fuel on the shipment.
    pub fuel: Option<Micros>,
    /// Accessorials on the shipment, in one sum.
    pub accessorial: Option<Micros>,
    /// Everything but tax.
    pub freight: Option<Micros>,
    /// Charge lines.
    pub lines: Vec<BilledLine>,
    /// Currencies of the amounts; one, unless feeds disagree.
    pub currencies: Vec<String>,
}

/// A bill by charge type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ByType {
    amounts: BTreeMap<ChargeType, Micros>,
    /// Billed, but no freight charge.
    outside: Micros,
}

impl ByType {
    fn add(&mut self, of: ChargeType, amount: Micros) {
        let sum = self.amounts.entry(of).or_default();
        *sum = *sum + amount;
    }
}

impl Bill {
    /// The bill by charge type; none while linehaul, and with it the bill, is not there yet.
    ///
    /// Lines are what they mean. A category without lines is the sum on the shipment. When the parts on the shipment are
    /// not its whole freight, nobody knows what the rest is: then the bill is one sum, and so is what is modelled.
    fn by_type(&self) -> Option<ByType> {
        let mut found = ByType::default();
        for line in &self.lines {
            match &line.meaning {
                Some(Meaning::Other) => found.outside = found.outside + line.amount,
                Some(Meaning::Linehaul) => found.add(ChargeType::Linehaul, line.amount),
                Some(Meaning::Fuel) => found.add(ChargeType::Fuel, line.amount),
                Some(Meaning::Accessorial(code)) => {
                    found.add(ChargeType::Accessorial(code.clone()), line.amount);
                }
                Some(Meaning::Tax) => found.add(ChargeType::Tax, line.amount),
                Some(Meaning::NotChargeable) => found.add(ChargeType::NotChargeable, line.amount),
                None => found.add(ChargeType::Unmapped, line.amount),
            }
        }
        let parts = [self.linehaul, self.fuel, self.accessorial];
        let sum: Micros = parts.into_iter().flatten().sum();
        let split = self.freight.is_none_or(|freight| freight == sum);
        if let Some(freight) = self.freight.filter(|_| !split) {
            found.amounts.retain(|of, _| *of == ChargeType::Tax);
            found.add(ChargeType::Whole, freight - found.outside);
            return Some(found);
        }
        let lined = |category: &str| self.lines.iter().any(|line| line.category == category);
        for (category, of, own) in [
            ("LINEHAUL", ChargeType::Linehaul, self.linehaul),
            ("FUEL", ChargeType::Fuel, self.fuel),
            ("ACCESSORIAL", ChargeType::Accessorials, self.accessorial),
        ] {
            // A sum of nothing says only that there was nothing, which no entry says as well.
            let own = own.filter(|own| of != ChargeType::Accessorials || *own != Micros::ZERO);
            if let Some(own) = own.filter(|_| !lined(category)) {
                found.add(of, own);
            }
        }
        found.amounts.contains_key(&ChargeType::Linehaul).then_some(found)
    }

    /// Everything billed but tax, as far as it is known.
    fn total(&self) -> Micros {
        let lines = || self.lines.iter().filter(|line| line.category != "TAX").map(|line| line.amount).sum();
        self.freight.unwrap_or_else(lines)
    }

    fn has_unmapped(&self) -> bool {
        self.lines.iter().any(|line| line.meaning.is_none())
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && [self.linehaul, self.fuel, self.accessorial, self.freight].iter().all(Option::is_none)
    }
}

/// What the contract's rates say about a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modelled<'a> {
    /// No version prices it.
    Nothing,
    /// Priced, line by line.
    Rated(&'a [ExpectedLine], Currency),
    /// Needs rates, for this reason.
    Unrated(&'a str),
    /// Not to be priced, by agreement.
    NotApplicable,
}

impl<'a> From<&'a Expected> for Modelled<'a> {
    fn from(expected: &'a Expected) -> Self {
        match expected.status {
            ExpectedStatus::Rated => Self::Rated(&expected.lines, expected.currency),
            ExpectedStatus::Unrated => Self::Unrated(expected.reason.as_deref().unwrap_or_default()),
            ExpectedStatus::NotApplicable => Self::NotApplicable,
        }
    }
}

/// One charge type of one compared shipment. At least one of the two is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// By the rates.
    pub modelled: Option<Micros>,
    /// By the carrier.
    pub billed: Option<Micros>,
}

impl Pair {
    /// Modelled minus billed; what is not there is nothing.
    #[must_use]
    pub fn residual(self) -> Micros {
        self.modelled.unwrap_or_default() - self.billed.unwrap_or_default()
    }
}

/// What became of one shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Modelled and billed, in one currency.
    Compared {
        /// By charge type.
        pairs: BTreeMap<ChargeType, Pair>,
        /// Billed, but no freight charge, so not compared.
        outside: Micros,
    },
    /// Modelled, and not billed yet.
    NotBilled,
    /// Modelled, and billed without a linehaul: the rest of the bill is still to come, or is there under codes that say
    /// something else.
    NoLinehaul {
        /// What was billed.
        billed: Micros,
        /// Some of it under codes that nobody has mapped.
        unmapped: bool,
    },
    /// Billed, and no version prices it.
    NotModelled {
        /// What was billed.
        billed: Micros,
    },
    /// Billed, and without a price.
    Unrated {
        /// Why.
        reason: String,
        /// What was billed.
        billed: Micros,
    },
    /// Not to be priced, by agreement.
    NotApplicable {
        /// What was billed all the same.
        billed: Micros,
    },
    /// Modelled and billed in different currencies, which are never subtracted.
    OtherCurrency,
    /// Neither modelled nor billed.
    Neither,
}

/// Compares one shipment. `currency` is the one of the table.
#[must_use]
pub fn compare(modelled: Modelled<'_>, bill: &Bill, currency: Currency) -> Outcome {
    let is_foreign = bill.currencies.iter().any(|own| own != currency.code());
    let lines = match modelled {
        Modelled::Rated(_, priced) if priced != currency => return Outcome::OtherCurrency,
        Modelled::Rated(lines, _) => lines,
        _ if is_foreign && !bill.is_empty() => return Outcome::OtherCurrency,
        Modelled::Unrated(reason) => {
            return Outcome::Unrated { reason: reason.to_owned(), billed: bill.total() };
        }
        Modelled::NotApplicable => return Outcome::NotApplicable { billed: bill.total() },
        Modelled::Nothing if bill.is_empty() => return Outcome::Neither,
        Modelled::Nothing => return Outcome::NotModelled { billed: bill.total() },
    };
    let Some(billed) = bill.by_type() else {
        return match bill.total() {
            _ if bill.is_empty() => Outcome::NotBilled,
            _ if is_foreign => Outcome::OtherCurrency,
            billed => Outcome::NoLinehaul { billed, unmapped: bill.has_unmapped() },
        };
    };
    if is_foreign {
        return Outcome::OtherCurrency;
    }
    let (whole, one_sum) = (
        billed.amounts.contains_key(&ChargeType::Whole),
        billed.amounts.contains_key(&ChargeType::Accessorials),
    );
    let mut pairs: BTreeMap<ChargeType, Pair> = BTreeMap::new();
    for line in lines {
        let of = match line.part {
            // Sums on the shipment are without tax, so nobody knows what was billed.
            ChargePart::Tax if bill.lines.is_empty() => continue,
            ChargePart::Tax => ChargeType::Tax,
            _ if whole => ChargeType::Whole,
            ChargePart::Linehaul => ChargeType::Linehaul,
            ChargePart::Fuel => ChargeType::Fuel,
            ChargePart::Accessorial if one_sum => ChargeType::Accessorials,
            ChargePart::Accessorial => ChargeType::Accessorial(line.code.clone()),
        };
        let pair = pairs.entry(of).or_default();
        pair.modelled = Some(pair.modelled.unwrap_or_default() + Micros(line.amount_micros));
    }
    for (of, amount) in billed.amounts {
        pairs.entry(of).or_default().billed = Some(amount);
    }
    Outcome::Compared { pairs, outside: billed.outside }
}

codes! {
    /// How the differences of one charge type lie over the compared shipments: what tells a mistake of the contract from
    /// one of the carrier.
    Signature, "signature" {
        /// No shipment differs by more than one minor unit.
        Agrees = "AGREES", "Agrees";
        /// Fewer than [`SHIPMENTS_MIN`] shipments were compared.
        TooFew = "TOO_FEW", "Too few to tell";
        /// Codes nobody has mapped.
        Unmapped = "UNMAPPED", "Map the codes first";
        /// Billed though somebody decided that it is not chargeable.
        NotOwed = "NOT_OWED", "Billed, not owed";
        /// Billed on some shipments, modelled on none.
        NeverModelled = "NEVER_MODELLED", "Never modelled";
        /// Modelled on some shipments, billed on none.
        NeverBilled = "NEVER_BILLED", "Never billed";
        /// At least [`MOST`] of the shipments differ in one direction, and no few carry it.
        Systematic = "SYSTEMATIC", "Systematic";
        /// At most [`FEW`] of the shipments differ.
        Sporadic = "SPORADIC", "Sporadic";
        /// Neither.
        Mixed = "MIXED", "Mixed";
    }
}

impl Signature {
    /// What to look at first.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Agrees => "nothing to do",
            Self::TooFew => "look at the shipments one by one",
            Self::Unmapped => "map the charge codes, then look again",
            Self::NotOwed => "the carrier bills what somebody decided is not owed",
            Self::NeverModelled => {
                "the contract has no price for it here, or what prompts it is not among the stored facts"
            }
            Self::NeverBilled => "the contract prices it here and the carrier never asks for it",
            Self::Systematic => "look at the contract and its rates first",
            Self::Sporadic => "look at these invoices first",
            Self::Mixed => "look at both: part of it is common to the lane, part is not",
        }
    }
}

/// Sums of one charge type, on one lane or over all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Shipments compared that could have it: those of the lane, billed in parts or in one sum as it is; of accessorials
    /// those that have it.
    pub compared: u64,
    /// Modelled and billed.
    pub both: u64,
    /// Modelled, not billed.
    pub only_modelled: u64,
    /// Billed, not modelled.
    pub only_billed: u64,
    /// Sum of what is modelled.
    pub modelled: Micros,
    /// Sum of what is billed.
    pub billed: Micros,
    /// Differences of more than one minor unit.
    differences: Vec<Micros>,
}

impl Tally {
    fn add(&mut self, pair: Pair, minor_unit: Micros) {
        match (pair.modelled, pair.billed) {
            (Some(_), Some(_)) => self.both += 1,
            (Some(_), None) => self.only_modelled += 1,
            _ => self.only_billed += 1,
        }
        self.modelled = self.modelled + pair.modelled.unwrap_or_default();
        self.billed = self.billed + pair.billed.unwrap_or_default();
        let difference = pair.residual();
        if difference.abs() > minor_unit {
            self.differences.push(difference);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.both += other.both;
        self.only_modelled += other.only_modelled;
        self.only_billed += other.only_billed;
        self.modelled = self.modelled + other.modelled;
        self.billed = self.billed + other.billed;
        self.differences.extend(&other.differences);
    }

    /// Modelled minus billed: below zero the carrier bills more than the contract says.
    #[must_use]
    pub fn residual(&self) -> Micros {
        self.modelled - self.billed
    }

    /// The residual as a share of what is billed; none when nothing is.
    #[must_use]
    pub fn share(&self) -> Option<Decimal> {
        self.residual().decimal().checked_div(self.billed.decimal())
    }

    /// Shipments that differ by more than one minor unit.
    #[must_use]
    pub fn differing(&self) -> u64 {
        u64::try_from(self.differences.len()).unwrap_or(u64::MAX)
    }

    /// Of those, the ones in the direction most of them have.
    #[must_use]
    pub fn one_way(&self) -> u64 {
        let up = self.differences.iter().filter(|difference| **difference > Micros::ZERO).count();
        u64::try_from(up.max(self.differences.len().saturating_sub(up))).unwrap_or(u64::MAX)
    }

    /// What the largest differences, of one in ten of the compared shipments, make of all differences without their
    /// signs; none when nothing differs.
    #[must_use]
    pub fn tenth(&self) -> Option<Decimal> {
        let mut sizes: Vec<Micros> = self.differences.iter().map(|difference| difference.abs()).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let all: Micros = sizes.iter().copied().sum();
        let count = usize::try_from(self.compared.div_ceil(10)).unwrap_or(usize::MAX);
        let largest: Micros = sizes.into_iter().take(count).sum();
        largest.decimal().checked_div(all.decimal())
    }

    /// How the differences lie. See [`Signature`].
    #[must_use]
    pub fn signature(&self, of: &ChargeType) -> Signature {
        let at_least = |count: u64, bound: Bps| share_of(count, self.compared) >= bound.fraction();
        match of {
            _ if self.differences.is_empty() => Signature::Agrees,
            ChargeType::Unmapped => Signature::Unmapped,
            ChargeType::NotChargeable => Signature::NotOwed,
            _ if self.both + self.only_modelled == 0 => Signature::NeverModelled,
            _ if self.both + self.only_billed == 0 => Signature::NeverBilled,
            _ if self.compared < SHIPMENTS_MIN => Signature::TooFew,
            _ if at_least(self.one_way(), MOST)
                && self.tenth().is_none_or(|share| share <= TENTH_CARRIES.fraction()) =>
            {
                Signature::Systematic
            }
            _ if share_of(self.differing(), self.compared) <= FEW.fraction() => Signature::Sporadic,
            _ => Signature::Mixed,
        }
    }
}

fn share_of(count: u64, whole: u64) -> Decimal {
    Decimal::from(count).checked_div(Decimal::from(whole)).unwrap_or_default()
}

/// Shipments of a lane that were compared, by how they were billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Base {
    in_parts: u64,
    whole: u64,
}

impl Base {
    /// The shipments that could have a charge type: linehaul, fuel and tax belong to each; what only some need, to those
    /// that have it, else a wrong price of a rare charge would look like a few wrong invoices.
    fn of(self, of: &ChargeType, tally: &Tally) -> u64 {
        match of {
            ChargeType::Whole => self.whole,
            ChargeType::Tax => self.whole + self.in_parts,
            ChargeType::Linehaul | ChargeType::Fuel => self.in_parts,
            ChargeType::Accessorial(_)
            | ChargeType::Accessorials
            | ChargeType::NotChargeable
            | ChargeType::Unmapped => tally.both + tally.only_modelled + tally.only_billed,
        }
    }
}

/// Shipments that were not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Modelled, not billed yet.
    pub not_billed: u64,
    /// Modelled, billed without a linehaul, and what was billed.
    pub no_linehaul: (u64, Micros),
    /// Of those, the ones with codes that nobody has mapped.
    pub no_linehaul_unmapped: u64,
    /// Billed, priced by no version, and what was billed.
    pub not_modelled: (u64, Micros),
    /// Not to be priced, by agreement, and what was billed.
    pub not_applicable: (u64, Micros),
    /// Modelled and billed in different currencies.
    pub other_currency: u64,
    /// Needs rates: shipments and what was billed, by reason.
    pub unrated: BTreeMap<String, (u64, Micros)>,
}

/// Sums over shipments, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    minor_unit: Micros,
    rows: BTreeMap<(ChargeType, String), Tally>,
    lanes: BTreeMap<String, Base>,
    left: Left,
    outside: Micros,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Charge type.
    pub of: ChargeType,
    /// Lane, empty for shipments without one; none for all lanes.
    pub lane: Option<String>,
    /// Its sums.
    pub tally: Tally,
}

impl Row {
    /// How its differences lie.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.tally.signature(&self.of)
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibrated {
    /// Shipments compared.
    pub compared: u64,
    /// Sum of everything modelled, of compared shipments.
    pub modelled: Micros,
    /// Sum of everything billed.
    pub billed: Micros,
    /// Charge types over all lanes, the largest residual first.
    pub types: Vec<Row>,
    /// Charge types by lane, the largest residual first. They sum to the total.
    pub hot_spots: Vec<Row>,
    /// What was not compared.
    pub left: Left,
    /// Billed on compared shipments, and no freight charge.
    pub outside: Micros,
}

impl Calibration {
    /// Nothing compared yet. Amounts that differ by up to one minor unit of the currency agree.
    #[must_use]
    pub fn new(currency: Currency) -> Self {
        let minor = Decimal::new(1, currency.minor_digits());
        Self { minor_unit: Micros::from_decimal(minor).unwrap_or_default(), ..Self::default() }
    }

    /// Adds one shipment of a lane.
    pub fn add(&mut self, lane: &str, outcome: &Outcome) {
        let left = &mut self.left;
        let count = |(shipments, sum): &mut (u64, Micros), billed: Micros| {
            *shipments += 1;
            *sum = *sum + billed;
        };
        match outcome {
            Outcome::Compared { pairs, outside } => {
                self.outside = self.outside + *outside;
                let base = self.lanes.entry(lane.to_owned()).or_default();
                if pairs.contains_key(&ChargeType::Whole) {
                    base.whole += 1;
                } else {
                    base.in_parts += 1;
                }
                for (of, pair) in pairs {
                    let row = self.rows.entry((of.clone(), lane.to_owned())).or_default();
                    row.add(*pair, self.minor_unit);
                }
            }
            Outcome::NotBilled => left.not_billed += 1,
            Outcome::NoLinehaul { billed, unmapped } => {
                count(&mut left.no_linehaul, *billed);
                left.no_linehaul_unmapped += u64::from(*unmapped);
            }
            Outcome::NotModelled { billed } => count(&mut left.not_modelled, *billed),
            Outcome::NotApplicable { billed } => count(&mut left.not_applicable, *billed),
            Outcome::OtherCurrency => left.other_currency += 1,
            Outcome::Unrated { reason, billed } => {
                count(left.unrated.entry(reason.clone()).or_default(), *billed);
            }
            Outcome::Neither => {}
        }
    }

    /// The table.
    #[must_use]
    pub fn finish(mut self) -> Calibrated {
        let all = self.lanes.values().fold(Base::default(), |sum, base| Base {
            in_parts: sum.in_parts + base.in_parts,
            whole: sum.whole + base.whole,
        });
        let mut types: BTreeMap<ChargeType, Tally> = BTreeMap::new();
        let mut hot_spots = Vec::with_capacity(self.rows.len());
        for ((of, lane), mut tally) in self.rows {
            // Which shipments came first says nothing.
            tally.differences.sort_unstable();
            tally.compared = self.lanes.get(&lane).map_or(0, |base| base.of(&of, &tally));
            types.entry(of.clone()).or_default().merge(&tally);
            hot_spots.push(Row { of, lane: Some(lane), tally });
        }
        let mut types: Vec<Row> = types
            .into_iter()
            .map(|(of, mut tally)| {
                tally.differences.sort_unstable();
                tally.compared = all.of(&of, &tally);
                Row { of, lane: None, tally }
            })
            .collect();
        let largest = |row: &Row| std::cmp::Reverse(row.tally.residual().abs());
        types.sort_by_key(largest);
        hot_spots.sort_by_key(largest);
        if self.left.unrated.len() > REASONS_MAX {
            let mut reasons: Vec<(String, (u64, Micros))> =
                std::mem::take(&mut self.left.unrated).into_iter().collect();
            reasons.sort_by_key(|(_, (shipments, _))| std::cmp::Reverse(*shipments));
            let rest = reasons.split_off(REASONS_MAX - 1);
            self.left.unrated = reasons.into_iter().collect();
            let rest = rest
                .into_iter()
                .fold((0, Micros::ZERO), |(n, sum), (_, (more, billed))| (n + more, sum + billed));
            self.left.unrated.insert(OTHER_REASONS.to_owned(), rest);
        }
        Calibrated {
            compared: all.in_parts + all.whole,
            modelled: hot_spots.iter().map(|row| row.tally.modelled).sum(),
            billed: hot_spots.iter().map(|row| row.tally.billed).sum(),
            types,
            hot_spots,
            left: self.left,
            outside: self.outside,
        }
    }
}
