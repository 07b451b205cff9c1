//! What volume promises and tiers come to on the shipments of a replay: shortfalls the shipper owes, less rebates it gets
//! (DOMAIN §3.10). Off invoice, beside the charges.
//!
//! A commitment is taken period by period; of a period that is replayed in part it counts for that part of its calendar
//! days. A tier is measured over all days replayed as one window. What a replay of shipments cannot say (weight in the
//! tariff's unit, a share of all the carriers' loads, units called beyond the base) has no amount here, and
//! [`unpriced`] says so in words.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::value::Part;
use crate::domain::commitment::{CommitmentSide, VolumeCommitment, VolumeMeasure};
use crate::domain::exact::minor_unit;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::rate::RateTerms;
use crate::domain::terms::Terms;
use crate::domain::tier::TierProgramme;

/// What is said of a capacity promise.
pub const CAPACITY_WORDS: &str =
    "no amount: last year’s shipments do not say what was called beyond the base";
/// What is said of a volume promise below which nothing is owed.
pub const NOTHING_OWED_WORDS: &str = "no amount: nothing is owed for a shortfall";
/// What is said of a carrier's share.
pub const SHARE_WORDS: &str = "no amount: one carrier’s shipments do not say its share of all";
/// What is said of weight.
pub const WEIGHT_WORDS: &str = "no amount: the replay adds up loads and spend, not weight";
/// What is said of a tier that has not chosen how bands add up.
pub const NO_METHOD_WORDS: &str = "no amount until the terms say how bands add up";

/// One month of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthVolume {
    /// Its first day.
    pub month: NaiveDate,
    /// Shipments, priced or not.
    pub loads: u64,
    /// Charges net of discounts, without tax.
    pub spend: Micros,
}

/// The volume of a replay from `from` to before `to`, whole months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayVolume {
    /// First day.
    pub from: NaiveDate,
    /// First day no longer.
    pub to: NaiveDate,
    /// Its months, each once.
    pub months: Vec<MonthVolume>,
}

impl ReplayVolume {
    /// What is counted in the months that begin in a period; none for what a replay does not add up.
    fn counted(&self, measure: VolumeMeasure, within: impl Fn(NaiveDate) -> bool) -> Option<Micros> {
        let months = self.months.iter().filter(|month| within(month.month));
        match measure {
            VolumeMeasure::Spend => Some(months.map(|month| month.spend).sum()),
            VolumeMeasure::Loads => {
                let loads: u64 = months.map(|month| month.loads).sum();
                Micros::from_decimal(Decimal::from(loads)).ok()
            }
            VolumeMeasure::Weight => None,
        }
    }
}

/// What the shipper owes for shortfalls less the rebates it gets, in the currency of the terms, each rounded once to
/// its minor unit.
#[must_use]
pub fn volume_effect(terms: &RateTerms, replayed: &ReplayVolume) -> Micros {
    let digits = terms.currency.minor_digits();
    let owed: Micros = terms.volumes.iter().filter_map(|volume| shortfalls(volume, replayed, digits)).sum();
    let rebates: Micros = terms.tiers.iter().filter_map(|tier| rebate(tier, replayed, digits)).sum();
    owed - rebates
}

/// What is owed for the shortfalls of a commitment; none where [`unpriced`] has words for it.
fn shortfalls(volume: &VolumeCommitment, replayed: &ReplayVolume, digits: u32) -> Option<Micros> {
    if volume.side != CommitmentSide::Shipper {
        return None;
    }
    let mut period = Period::containing(volume.period, replayed.from);
    let mut owed = Micros::ZERO;
    while period.start() < replayed.to {
        let counted = replayed.counted(volume.measure, |month| period.contains(month))?;
        let committed = volume.prorated(period, replayed.from, Some(replayed.to));
        let short = volume.shortfall(committed, counted);
        let amount = short.decimal().checked_mul(volume.shortfall_rate.decimal())?;
        owed = owed + Micros::charge(amount, digits).ok()?;
        period = period.next();
    }
    Some(owed)
}

fn rebate(tier: &TierProgramme, replayed: &ReplayVolume, digits: u32) -> Option<Micros> {
    let measured = replayed.counted(tier.measure, |_| true)?;
    let spend = replayed.counted(VolumeMeasure::Spend, |_| true)?;
    tier.rebate(measured, spend, minor_unit(digits))
}

/// Which promises and tiers of a text come to no amount on a replay, and why: by part and number, as
/// [`super::value::TermValue::key`] begins.
#[must_use]
pub fn unpriced(terms: &Terms) -> BTreeMap<String, &'static str> {
    let pricing = &terms.pricing.terms;
    let key = |part: Part, at: usize| format!("{}/{}/", part.code(), at.saturating_add(1));
    let mut found = BTreeMap::new();
    for (volume, at) in pricing.volumes.iter().zip(0..) {
        let words = match (volume.side, volume.measure) {
            (CommitmentSide::CarrierShare, _) => SHARE_WORDS,
            (CommitmentSide::Shipper, VolumeMeasure::Weight) => WEIGHT_WORDS,
            (CommitmentSide::Shipper, _) if volume.shortfall_rate == Micros::ZERO => NOTHING_OWED_WORDS,
            (CommitmentSide::Shipper, _) => continue,
        };
        found.insert(key(Part::Volume, at), words);
    }
    found.extend((0..pricing.capacities.len()).map(|at| (key(Part::Capacity, at), CAPACITY_WORDS)));
    for (tier, at) in pricing.tiers.iter().zip(0..) {
        let words = match (tier.measure, tier.method) {
            (VolumeMeasure::Weight, _) => WEIGHT_WORDS,
            (_, None) => NO_METHOD_WORDS,
            _ => continue,
        };
        found.insert(key(Part::Tier, at), words);
    }
    found
}
