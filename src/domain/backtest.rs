//! A history of shipments under other rates: what it would have cost, and why that differs from what was in force.
//!
//! Each shipment is rated by the version that was in force then and by every version asked for, whatever its own
//! dates. [`Backtest::add`] takes one shipment at a time, so memory grows with lanes and months and not with shipments.
//! A difference is claimed only over shipments that both sides price: one without a price is no saving.

pub mod ask;
pub mod credits;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use hashbrown::HashMap;
use rust_decimal::Decimal;
use serde::Serialize;

use super::expected::{ExpectedStatus, Parts, Priced};
use super::money::{Bps, Micros};
use super::rate::{Cell, RateTerms};

/// Versions one run compares.
pub const VERSIONS_MAX: usize = 10;
/// Lanes told apart: those that cost most, the others are summed under [`OTHER_LANES`].
pub const LANES_MAX: usize = 10_000;
/// The name of the lanes beyond [`LANES_MAX`].
pub const OTHER_LANES: &str = "other lanes";
/// Highest general rate increase or decrease that can be tried.
pub const INCREASE_MAX: Bps = Bps(10_000);
/// Fewest decimals of an increased rate.
const RATE_DECIMALS_MIN: u32 = 2;

/// What can be done to the rates of a version before history is replayed under it.
///
/// The rate of every table cell goes up or down by a share, rounded to the decimals it is written with and at least
/// to cents. Minimums, accessorials and fuel stay. Where the version caps increases, the cap holds for each cell
/// against its rate now, as for any announced increase (DOMAIN §3.1).
#[must_use]
pub fn increased(terms: &RateTerms, by: Bps) -> RateTerms {
    let mut terms = terms.clone();
    let capped = terms.parameters.price_cap.is_some();
    for cell in terms.lines.iter_mut().flat_map(|line| &mut line.cells) {
        *cell = increased_cell(cell, by, capped);
    }
    terms
}

fn increased_cell(cell: &Cell, by: Bps, capped: bool) -> Cell {
    let now = cell.rate.decimal();
    let decimals = now.normalize().scale().max(RATE_DECIMALS_MIN);
    let factor = Decimal::ONE + Decimal::new(by.0, 4);
    let raised = now.checked_mul(factor).and_then(|rate| Micros::charge(rate, decimals).ok());
    let prior = if capped { Some(cell.rate) } else { cell.prior };
    Cell { rate: raised.unwrap_or(cell.rate), prior, ..*cell }
}

/// A share as people write it, in percent: `5.9`, `-2`, `5.9 %`.
///
/// # Errors
/// What to write instead.
pub fn percent(text: &str) -> Result<Bps, String> {
    let wrong = || format!("`{text}` is not a percentage with up to two decimals, such as 5.9");
    let percent: Decimal = text.trim().trim_end_matches('%').trim_end().parse().map_err(|_| wrong())?;
    let points = percent.checked_mul(Decimal::ONE_HUNDRED).filter(Decimal::is_integer).ok_or_else(wrong)?;
    i64::try_from(points).map(Bps).map_err(|_| wrong())
}

/// A shipment rated once; none when no version with rates was in force.
pub type Outcome = Option<Priced>;

fn parts(outcome: &Outcome) -> Option<Parts> {
    outcome.and_then(|priced| priced.parts)
}

fn minimum(outcome: &Outcome) -> Micros {
    outcome.map_or(Micros::ZERO, |priced| priced.minimum)
}

/// Sums of shipments under one set of rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Shipments priced.
    pub rated: u64,
    /// Shipments that need rates, or had no version with rates in force.
    pub unrated: u64,
    /// Shipments not to be priced, by agreement.
    pub not_applicable: u64,
    /// Total of the priced ones, tax included.
    pub total: Micros,
    /// The same without tax: what tiers and commitments call spend.
    pub spend: Micros,
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.rated += other.rated;
        self.unrated += other.unrated;
        self.not_applicable += other.not_applicable;
        self.total = self.total + other.total;
        self.spend = self.spend + other.spend;
    }

    /// Shipments, priced or not.
    #[must_use]
    pub fn shipments(&self) -> u64 {
        self.rated.saturating_add(self.unrated).saturating_add(self.not_applicable)
    }

    fn add(&mut self, outcome: &Outcome) {
        self.count(outcome);
        self.charge(outcome);
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome.map(|priced| priced.status) {
            Some(ExpectedStatus::Rated) => self.rated += 1,
            Some(ExpectedStatus::NotApplicable) => self.not_applicable += 1,
            Some(ExpectedStatus::Unrated) | None => self.unrated += 1,
        }
    }

    fn charge(&mut self, outcome: &Outcome) {
        self.total = self.total + parts(outcome).map_or(Micros::ZERO, Parts::total);
        self.spend = self.spend + parts(outcome).map_or(Micros::ZERO, Parts::cost);
    }
}

/// Why shipments that both sides price cost something else under a version. The causes sum to the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Causes {
    /// Linehaul, without what minimums add.
    pub base: Micros,
    /// What minimums add to linehaul.
    pub minimum: Micros,
    /// Fuel surcharge.
    pub fuel: Micros,
    /// Accessorials.
    pub accessorial: Micros,
    /// Tax.
    pub tax: Micros,
}

impl Causes {
    /// The whole difference.
    #[must_use]
    pub fn sum(&self) -> Micros {
        self.base + self.minimum + self.fuel + self.accessorial + self.tax
    }

    fn merge(&mut self, other: &Self) {
        self.base = self.base + other.base;
        self.minimum = self.minimum + other.minimum;
        self.fuel = self.fuel + other.fuel;
        self.accessorial = self.accessorial + other.accessorial;
        self.tax = self.tax + other.tax;
    }
}

/// Shipments that only one of two sides prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OneSided {
    /// How many.
    pub shipments: u64,
    /// What they come to on the side that prices them, tax included.
    pub total: Micros,
}

impl OneSided {
    fn add(&mut self, parts: Parts) {
        self.shipments += 1;
        self.total = self.total + parts.total();
    }

    fn merge(&mut self, other: &Self) {
        self.shipments += other.shipments;
        self.total = self.total + other.total;
    }
}

/// What was in force against one version, shipment by shipment. The totals of the two differ by
/// [`Compared::difference`] and what only one of them prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Shipments that both price: the difference is over these alone.
    pub both: u64,
    /// Priced by what was in force, not by the version.
    pub only_in_force: OneSided,
    /// Priced by the version, not by what was in force.
    pub only_version: OneSided,
    /// Priced by neither although one of the two should.
    pub neither: u64,
    /// Why the version costs something else.
    pub causes: Causes,
}

impl Compared {
    /// What the version costs more, over the shipments that both price; none where there are shipments and both price none
    /// of them.
    #[must_use]
    pub fn difference(&self) -> Option<Micros> {
        (self.both > 0 || self.left_out() == 0).then(|| self.causes.sum())
    }

    /// Shipments without a price on one side or both, which no difference is claimed over. One that neither side is to
    /// price, by agreement or because it was cancelled, is none of them.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.only_in_force.shipments.saturating_add(self.only_version.shipments).saturating_add(self.neither)
    }

    fn merge(&mut self, other: &Self) {
        self.both += other.both;
        self.only_in_force.merge(&other.only_in_force);
        self.only_version.merge(&other.only_version);
        self.neither += other.neither;
        self.causes.merge(&other.causes);
    }

    fn add(&mut self, before: &Outcome, after: &Outcome) {
        match (parts(before), parts(after)) {
            (Some(was), Some(is)) => {
                self.both += 1;
                // Equal outcomes differ for no cause.
                if before == after {
                    return;
                }
                let causes = &mut self.causes;
                let minimum = minimum(after) - minimum(before);
                causes.base = causes.base + is.base - was.base - minimum;
                causes.minimum = causes.minimum + minimum;
                causes.fuel = causes.fuel + is.fuel - was.fuel;
                causes.accessorial = causes.accessorial + is.accessorial - was.accessorial;
                causes.tax = causes.tax + is.tax - was.tax;
            }
            (None, Some(is)) => self.only_version.add(is),
            (Some(was), None) => self.only_in_force.add(was),
            (None, None) => self.neither += u64::from(is_missing(before) || is_missing(after)),
        }
    }
}

/// Whether there should be a price and is none.
fn is_missing(outcome: &Outcome) -> bool {
    outcome.is_none_or(|priced| priced.status == ExpectedStatus::Unrated)
}

/// One group of shipments: what was in force, and each version asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Under the version in force then.
    pub in_force: Tally,
    /// Under each version asked for, in that order.
    pub versions: Vec<Tally>,
    /// Each against what was in force.
    pub compared: Vec<Compared>,
}

impl Group {
    /// Counts one shipment.
    pub fn add(&mut self, in_force: &Outcome, versions: &[Outcome]) {
        self.widen(versions.len().max(self.versions.len()));
        self.in_force.add(in_force);
        for ((tally, compared), outcome) in self.versions.iter_mut().zip(&mut self.compared).zip(versions) {
            tally.add(outcome);
            compared.add(in_force, outcome);
        }
    }

    /// Makes room for so many versions, also where no shipment was counted.
    pub fn widen(&mut self, versions: usize) {
        self.versions.resize(versions, Tally::default());
        self.compared.resize(versions, Compared::default());
    }

    /// Adds what another part of the shipments came to.
    pub fn merge(&mut self, other: &Self) {
        let versions = self.versions.len().max(other.versions.len());
        self.widen(versions);
        self.in_force.merge(&other.in_force);
        for (tally, more) in self.versions.iter_mut().zip(&other.versions) {
            tally.merge(more);
        }
        for (compared, more) in self.compared.iter_mut().zip(&other.compared) {
            compared.merge(more);
        }
    }
}

/// Texts compared with each other, such as the rounds of a negotiation: each total is over the shipments that every one
/// of them prices, so that no text looks cheaper for what it does not price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// Shipments that one of the texts should price and does not: they are in no total.
    pub left_out: u64,
    /// Under each text: what it prices is counted of all shipments, total and spend are of the common ones.
    pub texts: Vec<Tally>,
}

impl Common {
    /// Counts one shipment.
    pub fn add(&mut self, outcomes: &[Outcome]) {
        self.widen(outcomes.len().max(self.texts.len()));
        let all = outcomes.iter().all(|outcome| parts(outcome).is_some());
        for (tally, outcome) in self.texts.iter_mut().zip(outcomes) {
            tally.count(outcome);
            if all {
                tally.charge(outcome);
            }
        }
        // What is priced by one text and not to be priced by another is as little comparable as what needs rates.
        let some = outcomes.iter().any(|outcome| parts(outcome).is_some() || is_missing(outcome));
        self.left_out += u64::from(!all && some);
    }

    /// Makes room for so many texts.
    pub fn widen(&mut self, texts: usize) {
        self.texts.resize(texts, Tally::default());
    }

    /// Adds what another part of the shipments came to.
    pub fn merge(&mut self, other: &Self) {
        self.widen(self.texts.len().max(other.texts.len()));
        self.left_out += other.left_out;
        for (tally, more) in self.texts.iter_mut().zip(&other.texts) {
            tally.merge(more);
        }
    }
}

/// Where a shipment is counted.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Id of its lane; 0 where it has none.
    pub lane_id: i64,
    /// Code of its lane.
    pub lane: &'a str,
    /// Service level.
    pub service: &'a str,
    /// Month of its obligation, by [`month`].
    pub month: &'a str,
}

/// The name of a day's month: `2025-05`.
#[must_use]
pub fn month(day: NaiveDate) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// A replay under way, or done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Backtest {
    /// Every shipment.
    pub total: Group,
    /// By lane.
    pub lanes: BTreeMap<String, Group>,
    /// By service level.
    pub services: BTreeMap<String, Group>,
    /// By month of the obligation, `2025-05`.
    pub months: BTreeMap<String, Group>,
}

impl Backtest {
    /// Counts one shipment.
    pub fn add(&mut self, place: Place<'_>, in_force: &Outcome, versions: &[Outcome]) {
        self.total.add(in_force, versions);
        for (groups, key) in [
            (&mut self.lanes, place.lane),
            (&mut self.services, place.service),
            (&mut self.months, place.month),
        ] {
            match groups.get_mut(key) {
                Some(group) => group.add(in_force, versions),
                None => groups.entry(key.to_owned()).or_default().add(in_force, versions),
            }
        }
    }

    /// Adds what another part of the shipments came to.
    pub fn merge(&mut self, other: Self) {
        self.total.merge(&other.total);
        for (groups, more) in [
            (&mut self.lanes, other.lanes),
            (&mut self.services, other.services),
            (&mut self.months, other.months),
        ] {
            for (key, group) in more {
                groups.entry(key).or_default().merge(&group);
            }
        }
    }

    /// Keeps the `most` lanes that cost most under what was in force, the first by name of equals, and sums the others.
    pub fn keep_lanes(&mut self, most: usize) {
        if self.lanes.len() <= most {
            return;
        }
        let mut lanes: Vec<(String, Group)> = std::mem::take(&mut self.lanes).into_iter().collect();
        lanes.sort_by_key(|(_, group)| std::cmp::Reverse(group.in_force.total));
        let mut others = Group::default();
        for (_, group) in lanes.iter().skip(most) {
            others.merge(group);
        }
        lanes.truncate(most);
        self.lanes = lanes.into_iter().collect();
        self.lanes.insert(OTHER_LANES.to_owned(), others);
    }
}

/// A replay under way: each shipment is added to one sum, of its lane and service in the month that is being read, and
/// those sums are added up when the month changes. There are thousands of such sums, so a shipment finds its own by numbers:
/// to compare names would fetch each from memory.
#[derive(Clone, Debug, Default)]
pub struct Counting {
    month: String,
    /// Service level → its number here.
    services: HashMap<String, usize>,
    /// Lane id and number of the service → code of the lane, and the sums.
    of_month: HashMap<(i64, usize), (String, Group)>,
    done: Backtest,
}

impl Counting {
    /// Counts one shipment, as [`Backtest::add`] does.
    pub fn add(&mut self, place: Place<'_>, in_force: &Outcome, versions: &[Outcome]) {
        if self.month != place.month {
            self.close();
            place.month.clone_into(&mut self.month);
        }
        let service = match self.services.get(place.service) {
            Some(number) => *number,
            None => {
                let number = self.services.len();
                self.services.insert(place.service.to_owned(), number);
                number
            }
        };
        let (_, group) = self
            .of_month
            .entry((place.lane_id, service))
            .or_insert_with(|| (place.lane.to_owned(), Group::default()));
        group.add(in_force, versions);
    }

    fn close(&mut self) {
        let Self { month, services, of_month, done } = self;
        let names: HashMap<usize, &String> = services.iter().map(|(name, number)| (*number, name)).collect();
        for ((_, service), (lane, group)) in of_month.drain() {
            let service = names.get(&service).copied().cloned().unwrap_or_default();
            done.total.merge(&group);
            done.lanes.entry(lane).or_default().merge(&group);
            done.services.entry(service).or_default().merge(&group);
            done.months.entry(month.clone()).or_default().merge(&group);
        }
    }

    /// What the shipments came to.
    #[must_use]
    pub fn done(mut self) -> Backtest {
        self.close();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::currency::Currency;
    use crate::domain::rate::{Band, RateBasis, RateLine};

    fn outcome(parts: Option<[i64; 4]>, minimum: i64) -> Outcome {
        let parts = parts.map(|[base, fuel, accessorial, tax]| Parts {
            base: Micros(base),
            fuel: Micros(fuel),
            accessorial: Micros(accessorial),
            tax: Micros(tax),
        });
        let status = if parts.is_some() { ExpectedStatus::Rated } else { ExpectedStatus::Unrated };
        Some(Priced { status, parts, minimum: Micros(minimum) })
    }

    fn one_cell(rate: i64, cap: Option<Bps>) -> RateTerms {
        let mut line = RateLine::new("L", "Linehaul", RateBasis::Flat);
        let cell = Cell {
            column: 0,
            first: Band::ALL,
            second: Band::ALL,
            rate: Micros(rate),
            prior: None,
            min: None,
        };
        line.cells = vec![cell];
        let mut terms = RateTerms { lines: vec![line], ..RateTerms::empty(Currency::USD) };
        terms.parameters.price_cap = cap;
        terms
    }

    #[test]
    fn r10_an_increase_is_rounded_to_cents_and_leaves_the_cap_to_the_engine() {
        let cell = |terms: &RateTerms| terms.lines[0].cells[0];
        let raised = increased(&one_cell(21_370_000, Some(Bps(350))), Bps(590));
        assert_eq!(cell(&raised).rate, Micros(22_630_000));
        assert_eq!(cell(&raised).prior, Some(Micros(21_370_000)), "the cap is against the rate now");
        let fine = increased(&one_cell(185_000, None), Bps(590));
        assert_eq!(
            (cell(&fine).rate, cell(&fine).prior),
            (Micros(196_000), None),
            "three decimals stay three"
        );
        let lower = increased(&one_cell(10_000_000, None), Bps(-500));
        assert_eq!(cell(&lower).rate, Micros(9_500_000));
    }

    #[test]
    fn a_share_is_read_as_people_write_it() {
        assert_eq!(percent("5.9"), Ok(Bps(590)));
        assert_eq!(percent(" -2 % "), Ok(Bps(-200)));
        for wrong in ["", "5.901", "five", "%"] {
            assert!(percent(wrong).unwrap_err().contains("such as 5.9"), "{wrong}");
        }
    }

    #[test]
    fn a_shipment_that_loses_its_price_is_told_and_is_no_saving() {
        let mut backtest = Backtest::default();
        let month = month("2025-05-31".parse().unwrap());
        let place = Place { lane_id: 1, lane: "A-B", service: "", month: &month };
        let was = outcome(Some([100, 10, 5, 0]), 0);
        backtest.add(place, &was, &[outcome(None, 0), outcome(Some([120, 12, 5, 0]), 30)]);
        let total = &backtest.total;
        assert_eq!((total.in_force.rated, total.in_force.total), (1, Micros(115)));
        assert_eq!((total.versions[0].unrated, total.versions[0].total), (1, Micros(0)));
        let one = OneSided { shipments: 1, total: Micros(115) };
        assert_eq!(total.compared[0], Compared { only_in_force: one, ..Compared::default() });
        assert_eq!((total.compared[0].difference(), total.compared[0].left_out()), (None, 1));
        let causes = Causes { base: Micros(-10), minimum: Micros(30), fuel: Micros(2), ..Causes::default() };
        assert_eq!(total.compared[1], Compared { both: 1, causes, ..Compared::default() });
        assert_eq!(backtest.months.keys().collect::<Vec<_>>(), ["2025-05"]);
        assert_eq!(&backtest.lanes["A-B"], total);
    }

    #[test]
    fn texts_are_compared_over_what_every_one_of_them_prices() {
        let priced = |base: i64| outcome(Some([base, 0, 0, 0]), 0);
        let gone = Some(Priced::without_price(ExpectedStatus::NotApplicable));
        let mut common = Common::default();
        common.add(&[priced(100), priced(90)]);
        common.add(&[priced(500), outcome(None, 0)]);
        common.add(&[outcome(None, 0), outcome(None, 0)]);
        common.add(&[gone, gone]);
        let mut other = Common::default();
        other.add(&[priced(10), gone]);
        common.merge(&other);
        let totals: Vec<i64> = common.texts.iter().map(|tally| tally.total.0).collect();
        assert_eq!(totals, [100, 90], "the 500 that the second does not price save nothing");
        let counts: Vec<[u64; 2]> = common.texts.iter().map(|tally| [tally.rated, tally.unrated]).collect();
        assert_eq!((counts, common.left_out), (vec![[3, 1], [1, 2]], 3), "who was cancelled is not left out");
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        let amount = || 0_i64..1_000_000_000;
        (prop::option::of((amount(), amount(), amount(), amount())), amount()).prop_map(|(parts, minimum)| {
            outcome(parts.map(|(base, fuel, accessorial, tax)| [base, fuel, accessorial, tax]), minimum)
        })
    }

    proptest! {
        /// Causes sum to the difference, and every split sums to the whole, in any order.
        #[test]
        fn causes_and_groups_sum_to_the_whole(
            mut rows in prop::collection::vec((0_u32..4, 0_u32..3, outcomes(), outcomes(), outcomes()), 0..40)
        ) {
            let replay = |rows: &[(u32, u32, Outcome, Outcome, Outcome)]| {
                let mut backtest = Backtest::default();
                for (lane, number, was, first, second) in rows {
                    let month = month(NaiveDate::from_ymd_opt(2025, number + 1, 3).unwrap());
                    let place = Place { lane_id: i64::from(*lane), lane: &lane.to_string(), service: "S", month: &month };
                    backtest.add(place, was, &[*first, *second]);
                }
                backtest
            };
            let backtest = replay(&rows);
            let mut counting = Counting::default();
            for (lane, number, was, first, second) in &rows {
                let month = month(NaiveDate::from_ymd_opt(2025, number + 1, 3).unwrap());
                let place = Place { lane_id: i64::from(*lane), lane: &lane.to_string(), service: "S", month: &month };
                counting.add(place, was, &[*first, *second]);
            }
            prop_assert_eq!(counting.done(), backtest.clone());
            for (tally, compared) in backtest.total.versions.iter().zip(&backtest.total.compared) {
                let one_sided = compared.only_version.total - compared.only_in_force.total;
                let whole = tally.total - backtest.total.in_force.total;
                prop_assert_eq!(compared.difference().unwrap_or(Micros::ZERO) + one_sided, whole);
                prop_assert_eq!(compared.both + compared.left_out(), tally.shipments());
            }
            for groups in [&backtest.lanes, &backtest.services, &backtest.months] {
                let sum: Micros = groups.values().map(|group| group.in_force.total).sum();
                prop_assert_eq!(sum, backtest.total.in_force.total);
                let second: Micros = groups.values().map(|group| group.versions[1].total).sum();
                prop_assert_eq!(second, backtest.total.versions.get(1).map_or(Micros::ZERO, |t| t.total));
            }
            let (first, rest) = rows.split_at(rows.len() / 3);
            let mut parts = replay(first);
            parts.merge(replay(rest));
            prop_assert_eq!(&parts, &backtest);
            parts.keep_lanes(2);
            prop_assert!(parts.lanes.len() <= 3);
            let sum: Micros = parts.lanes.values().map(|group| group.in_force.total).sum();
            prop_assert_eq!(sum, backtest.total.in_force.total);
            rows.reverse();
            prop_assert_eq!(replay(&rows), backtest);
        }
    }
}
