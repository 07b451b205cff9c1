//! What a stored shipment should cost by the contract version that prices it: a derived fact, like its outcomes.
//!
//! [`Consignment`] turns what is stored of a shipment into a request for the rating engine, [`Span`] says which
//! version prices which day, [`Expected`] is the result that is kept, and [`affected`] says which days a late
//! price can change. [`counted_rated`] is the one place that decides which contract-rated amount a KPI reads.

pub mod affected;
mod request;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::claim::Claimants;
use super::contract::{ContractTerm, VersionDates};
use super::currency::Currency;
use super::field::codes;
use super::money::Micros;
use super::rate::{
    ChargePart, CompiledRates, Market, NoTrace, RateStatus, Rated, RatingDate, RatingRequest, Step, Trace,
};
use super::terms::{first_day_after, in_force};

pub use request::{Consignment, LaneFacts, place};

/// Longest reason kept; place names come from feeds and may be long.
pub const REASON_CHARS_MAX: usize = 300;

codes! {
    /// Whether an expected charge could be worked out.
    ExpectedStatus, "expected charge status" {
        /// Priced.
        Rated = "RATED", "Rated";
        /// Not priced; someone must look.
        Unrated = "UNRATED", "Needs rates";
        /// Not to be priced, by agreement.
        NotApplicable = "NOT_APPLICABLE", "Not applicable";
    }
}

/// The days on which a contract version prices shipments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The version.
    pub version_id: i64,
    /// Its contract.
    pub contract_id: i64,
    /// First day.
    pub from: NaiveDate,
    /// First day no longer; open when none.
    pub until: Option<NaiveDate>,
    /// Which day of a shipment must be one of them.
    pub which: RatingDate,
}

impl Span {
    /// The days on which a version holds; none when it never does.
    #[must_use]
    pub fn of(
        (contract_id, term): (i64, &ContractTerm),
        version: &VersionDates,
        which: RatingDate,
    ) -> Option<Self> {
        let from = version.valid_from.max(term.term_start);
        let until = match (version.valid_to, first_day_after(term)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        // By the rule everything else uses, so that a state that holds nowhere prices nothing here either.
        in_force(term, version, from).then_some(Self {
            version_id: version.id,
            contract_id,
            from,
            until,
            which,
        })
    }

    /// Whether the version prices that day.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// Which version prices a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// None holds on its day.
    Nothing,
    /// This one.
    By(RatedBy),
    /// Several contracts hold, and not exactly one claims it: it has no price, for this reason. It is listed under the
    /// first of them.
    Untold(RatedBy, String),
}

impl Choice {
    /// The version the shipment is listed under, and why it has no price where nobody can tell whose it is.
    #[must_use]
    pub fn listed(self) -> Option<(RatedBy, Option<String>)> {
        match self {
            Self::Nothing => None,
            Self::By(by) => Some((by, None)),
            Self::Untold(by, why) => Some((by, Some(why))),
        }
    }
}

/// Which of the versions prices a shipment, and the day that decides it. `claimants` has the lanes of the versions where
/// several contracts of the partner are in force together; empty where none are.
#[must_use]
pub fn chosen(
    spans: &[Span],
    claimants: &Claimants,
    obligation_day: NaiveDate,
    request: &RatingRequest,
) -> Choice {
    let holding = |span: &Span| {
        // Without the day it asks for the obligation day, so that such a shipment is listed as unrated instead of lost.
        let rating_day = request.day(span.which).unwrap_or(obligation_day);
        let by = RatedBy { version_id: span.version_id, rating_day };
        span.holds(rating_day).then_some((span.contract_id, by))
    };
    let mut found = spans.iter().filter_map(holding);
    let Some((contract_id, by)) = found.next() else { return Choice::Nothing };
    if claimants.is_empty() {
        return Choice::By(by);
    }
    // One version of each contract: the first, as above.
    let mut each = vec![(contract_id, by)];
    for (contract_id, by) in found {
        if each.iter().all(|(known, _)| *known != contract_id) {
            each.push((contract_id, by));
        }
    }
    if each.len() == 1 {
        return Choice::By(by);
    }
    each.sort_unstable_by_key(|(contract_id, _)| *contract_id);
    let versions: Vec<i64> = each.iter().map(|(_, by)| by.version_id).collect();
    let whose = claimants.whose_of(&versions, request.claimed());
    let own = whose.contract_id();
    let first = each.iter().find(|(contract_id, _)| own.is_none_or(|own| own == *contract_id));
    let by = first.map_or(by, |(_, by)| *by);
    whose.reason().map_or(Choice::By(by), |why| Choice::Untold(by, why))
}

/// One line of an expected charge, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedLine {
    /// Charge code.
    pub code: String,
    /// Which part of the total.
    pub part: ChargePart,
    /// In the contract's currency.
    pub amount_micros: i64,
}

/// The parts of a priced shipment. They sum to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Linehaul.
    pub base: Micros,
    /// Fuel surcharge.
    pub fuel: Micros,
    /// Accessorials.
    pub accessorial: Micros,
    /// Tax; never inside a cost KPI.
    pub tax: Micros,
}

impl Parts {
    /// Sum of the lines, part by part.
    #[must_use]
    pub fn of(rated: &Rated<'_>) -> Self {
        Self {
            base: rated.part(ChargePart::Linehaul),
            fuel: rated.part(ChargePart::Fuel),
            accessorial: rated.part(ChargePart::Accessorial),
            tax: rated.part(ChargePart::Tax),
        }
    }

    /// Every part and its amount.
    pub fn each(self) -> impl Iterator<Item = (ChargePart, Micros)> {
        ChargePart::ALL.iter().map(move |part| (*part, self.part(*part)))
    }

    /// One part.
    #[must_use]
    pub const fn part(&self, part: ChargePart) -> Micros {
        match part {
            ChargePart::Linehaul => self.base,
            ChargePart::Fuel => self.fuel,
            ChargePart::Accessorial => self.accessorial,
            ChargePart::Tax => self.tax,
        }
    }

    /// Adds to one part.
    pub fn add(&mut self, part: ChargePart, amount: Micros) {
        let sum = match part {
            ChargePart::Linehaul => &mut self.base,
            ChargePart::Fuel => &mut self.fuel,
            ChargePart::Accessorial => &mut self.accessorial,
            ChargePart::Tax => &mut self.tax,
        };
        *sum = *sum + amount;
    }

    /// What a cost KPI compares: everything but tax (DOMAIN §3.4, step 9).
    #[must_use]
    pub fn cost(self) -> Micros {
        self.base + self.fuel + self.accessorial
    }

    /// Everything.
    #[must_use]
    pub fn total(self) -> Micros {
        self.cost() + self.tax
    }
}

/// The expected charge of one shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The version that priced it, or could not.
    pub version_id: i64,
    /// The day that decided which version; the obligation day where the shipment has no such day.
    pub rating_day: NaiveDate,
    /// Local day of the pickup, which decides the fuel price.
    pub pickup_day: Option<NaiveDate>,
    /// Priced or not.
    pub status: ExpectedStatus,
    /// Why there is no price.
    pub reason: Option<String>,
    /// Currency of every amount.
    pub currency: Currency,
    /// The amounts; none without a price, and never 0.00 instead.
    pub parts: Option<Parts>,
    /// The latest publication of a fuel price it used.
    pub fuel_published_on: Option<NaiveDate>,
    /// Line by line.
    pub lines: Vec<ExpectedLine>,
}

/// Hears which fuel publication was used, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
struct FuelHeard {
    published_on: Option<NaiveDate>,
}

impl<'a> Trace<'a> for FuelHeard {
    #[inline]
    fn step(&mut self, step: impl FnOnce() -> Step<'a>) {
        if let Step::FuelPrice { published_on, .. } = step() {
            self.published_on = self.published_on.max(Some(published_on));
        }
    }
}

/// Hears what a minimum added to the linehaul, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
struct MinimumHeard(Micros);

impl<'a> Trace<'a> for MinimumHeard {
    #[inline]
    fn step(&mut self, step: impl FnOnce() -> Step<'a>) {
        if let Step::Minimum { before, amount, applies: true, .. } = step() {
            self.0 = self.0 + amount - before;
        }
    }
}

/// Where and when a shipment is rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatedBy {
    /// The version.
    pub version_id: i64,
    /// The day that chose it.
    pub rating_day: NaiveDate,
}

/// Rates a shipment by compiled rates.
#[must_use]
pub fn expect(rates: &CompiledRates, by: RatedBy, request: &RatingRequest, market: Market<'_>) -> Expected {
    if !rates.has_fuel() {
        return result(&rates.rate(request, market, &mut NoTrace), by, request, None);
    }
    let mut heard = FuelHeard::default();
    let rated = rates.rate(request, market, &mut heard);
    result(&rated, by, request, heard.published_on)
}

/// What a comparison of many shipments needs of each: no lines, no reason, and what the minimum added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Priced or not.
    pub status: ExpectedStatus,
    /// The amounts; none without a price.
    pub parts: Option<Parts>,
    /// By how much the line's minimum raised the linehaul.
    pub minimum: Micros,
}

impl Priced {
    /// A shipment without a price.
    #[must_use]
    pub const fn without_price(status: ExpectedStatus) -> Self {
        Self { status, parts: None, minimum: Micros::ZERO }
    }

    /// Rates a shipment by compiled rates.
    #[must_use]
    pub fn by(rates: &CompiledRates, request: &RatingRequest, market: Market<'_>) -> Self {
        let mut heard = MinimumHeard::default();
        let rated = rates.rate(request, market, &mut heard);
        let parts = rated.total.map(|_| Parts::of(&rated));
        Self { status: ExpectedStatus::of(&rated.status), parts, minimum: heard.0 }
    }
}

impl ExpectedStatus {
    /// Of what the engine came to.
    #[must_use]
    pub const fn of(status: &RateStatus) -> Self {
        match status {
            RateStatus::Rated => Self::Rated,
            RateStatus::Unrated(_) => Self::Unrated,
            RateStatus::NotApplicable(_) => Self::NotApplicable,
        }
    }
}

fn result(
    rated: &Rated<'_>,
    by: RatedBy,
    request: &RatingRequest,
    fuel_published_on: Option<NaiveDate>,
) -> Expected {
    let status = ExpectedStatus::of(&rated.status);
    let line = |line: &super::rate::ChargeLine<'_>| ExpectedLine {
        code: line.code.to_owned(),
        part: line.part,
        amount_micros: line.amount.0,
    };
    Expected {
        version_id: by.version_id,
        rating_day: by.rating_day,
        pickup_day: request.pickup.map(|at| at.date()),
        status,
        reason: rated.status.reason().map(|reason| shortened(&reason)),
        currency: rated.currency,
        parts: rated.total.map(|_| Parts::of(rated)),
        fuel_published_on: fuel_published_on.filter(|_| status == ExpectedStatus::Rated),
        lines: rated.lines.iter().map(line).collect(),
    }
}

impl Expected {
    /// A shipment without a price, for a reason the engine does not know.
    #[must_use]
    pub fn without_price(
        by: RatedBy,
        request: &RatingRequest,
        currency: Currency,
        (status, reason): (ExpectedStatus, &str),
    ) -> Self {
        Self {
            version_id: by.version_id,
            rating_day: by.rating_day,
            pickup_day: request.pickup.map(|at| at.date()),
            status,
            reason: Some(shortened(reason)),
            currency,
            parts: None,
            fuel_published_on: None,
            lines: Vec::new(),
        }
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

/// The contract-rated amount that counts in a KPI: what the shipment's own feed says, else the expected charge
/// without tax. One in another currency than the one amounts are kept in counts nowhere: the two must never be added.
#[must_use]
pub fn counted_rated(
    own: Option<Micros>,
    expected: Option<(Parts, Currency)>,
    currency: &str,
) -> Option<Micros> {
    own.or_else(|| {
        let (parts, rated_in) = expected?;
        (currency == rated_in.code()).then(|| parts.cost())
    })
}
