//! Joint capacity planning: what a load really costs, who carries what, what is promised and kept
//! (DOMAIN §6.1, §6.3–6.5).
//!
//! [`effective_cost`] prices a partner on a lane, [`allocate`] finds the cheapest plan,
//! [`resilience`] asks what happens without a partner, [`reserve`] and [`surge_to_call`] decide on
//! spare trucks, [`PlanCell`] carries the conversation, [`adherence`] measures the promise.

mod allocation;
mod cell;
mod network;

pub use allocation::{
    Allocation, AllocationError, Concentration, FleetCap, KeptLoads, LaneDemand, MAX_IMPROVEMENTS,
    MAX_PLAN_LANES, MAX_PLAN_LOADS, MAX_PLAN_OFFERS, MAX_PLAN_WEEKS, MAX_SOLVER_OFFERS, MinimumVolume, Offer,
    Problem, Proof, Resilience, SOLVER_TIME_LIMIT, Share, Shortfall, TruckValue, Uncovered, WithoutPartner,
    allocate, resilience,
};
pub use cell::{
    ANSWER_BUSINESS_DAYS, Answer, LAST_COMMITTED_WEEK, LAST_FROZEN_WEEK, LAST_INDICATIVE_WEEK,
    MAX_REASON_CHARS, PlanCell, PlanCellError, PlanEvent, PlanState, Zone,
};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::money::{Bps, Micros, OutOfRange};

/// Weight of the network's rate in [`shrunk`], in observations.
pub const SHRINK_OBSERVATIONS: i64 = 20;

/// A rate pulled towards the network's so that few observations cannot dominate:
/// (k + 20 · p) ÷ (n + 20). `network` is a fraction, 0 to 1.
#[must_use]
pub fn shrunk(successes: i64, trials: i64, network: Decimal) -> Decimal {
    let weight = Decimal::from(SHRINK_OBSERVATIONS);
    (Decimal::from(successes.max(0)) + weight * network) / (Decimal::from(trials.max(0)) + weight)
}

/// What a partner can be asked for in a week while its awards are frozen (DOMAIN §2.5): no more than the loads a week it
/// carries now, surge included. Gives base and surge.
#[must_use]
pub fn frozen_offer(base: i64, surge: i64, carries: i64) -> (i64, i64) {
    let base = base.max(0).min(carries.max(0));
    (base, surge.max(0).min((carries - base).max(0)))
}

/// Loads a week, rounded up, of so many in so many days; none for no days.
#[must_use]
pub fn weekly_loads(loads: i64, days: i64) -> i64 {
    if days <= 0 {
        return 0;
    }
    let by_week = loads.max(0).saturating_mul(7);
    by_week.checked_div(days).unwrap_or(0) + i64::from(by_week.checked_rem(days).unwrap_or(0) > 0)
}

/// Whole weeks before a plan that say what a partner with frozen awards carries, at most.
pub const CARRIED_WEEKS: u64 = 13;

/// The first day of those weeks before a plan that begins in `first_week`.
#[must_use]
pub fn carried_from(first_week: NaiveDate) -> NaiveDate {
    first_week.checked_sub_days(Days::new(CARRIED_WEEKS * 7)).unwrap_or(first_week)
}

/// Loads a week that a partner carries on a lane, rounded up: `loads` are those due in the [`CARRIED_WEEKS`] before
/// `first_week`, counted from its first load on the lane when that came later, so that who came lately is not held to less
/// than it carries.
#[must_use]
pub fn carried_weekly(loads: i64, first_load: NaiveDate, first_week: NaiveDate) -> i64 {
    let from = first_load.max(carried_from(first_week));
    weekly_loads(loads, first_week.signed_duration_since(from).num_days())
}

/// Everything a load on a lane is expected to cost with one partner, per load, in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostParts {
    /// Contract line-haul.
    pub linehaul: Micros,
    /// Expected fuel surcharge.
    pub fuel: Micros,
    /// Expected accessorial charges.
    pub accessorials: Micros,
    /// Chance that a tender is accepted, a fraction ([`shrunk`]).
    pub accept: Decimal,
    /// Usual spot or backup cost less the contract's.
    pub rejection_premium: Micros,
    /// Chance that a load is on time, a fraction ([`shrunk`]).
    pub on_time: Decimal,
    /// The shipper's own cost of a late load, not the service credit.
    pub late_cost: Micros,
    /// Claims per load, a fraction.
    pub claim_rate: Decimal,
    /// Cost of a claim.
    pub claim_cost: Micros,
    /// Price of one kilogram CO2e; zero leaves emissions out.
    pub carbon_price_per_kg: Micros,
    /// Kilograms CO2e per load.
    pub co2e_kg: Decimal,
}

/// Reliability-weighted cost of one load (DOMAIN §6.3), in millionths, rounded half away from zero.
///
/// # Errors
/// [`OutOfRange`] when the sum does not fit.
pub fn effective_cost(parts: &CostParts) -> Result<Micros, OutOfRange> {
    let product = |a: Decimal, b: Decimal| a.checked_mul(b).ok_or(OutOfRange(a));
    let terms = [
        parts.linehaul.decimal(),
        parts.fuel.decimal(),
        parts.accessorials.decimal(),
        product(Decimal::ONE - parts.accept, parts.rejection_premium.decimal())?,
        product(Decimal::ONE - parts.on_time, parts.late_cost.decimal())?,
        product(parts.claim_rate, parts.claim_cost.decimal())?,
        product(parts.carbon_price_per_kg.decimal(), parts.co2e_kg)?,
    ];
    let sum = terms.into_iter().try_fold(Decimal::ZERO, |sum, t| sum.checked_add(t).ok_or(OutOfRange(t)))?;
    Micros::from_decimal(sum)
}

/// Surge loads that can still be called: ⌊base × surge %⌋ while the lead time reaches the notice
/// period, both in business days; else none.
#[must_use]
pub fn surge_loads(base: i64, surge: Bps, lead_days: u32, notice_days: u32) -> i64 {
    if lead_days < notice_days { 0 } else { base.max(0).saturating_mul(surge.0.max(0)) / Bps::WHOLE.0 }
}

/// Surge loads to call now (DOMAIN §6.5): what the forecast's P75 needs above base, as far as
/// `available` ([`surge_loads`]) goes. Zero means the trigger is not met or the notice has passed.
#[must_use]
pub fn surge_to_call(p75: i64, base: i64, available: i64) -> i64 {
    (p75 - base).clamp(0, available.max(0))
}

/// A reserve recommendation with its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Cu ÷ (Cu + Co), a fraction.
    pub critical_ratio: Decimal,
    /// Rank ⌈ratio × n⌉ in the sorted demand, 1 is the lowest.
    pub rank: usize,
    /// Loads a week at that rank.
    pub quantile_loads: i64,
    /// Loads a week to reserve above base.
    pub reserve_loads: i64,
}

/// Loads to reserve above `base` by the newsvendor quantile of observed weekly demand (DOMAIN §6.5).
///
/// `under` is the cost of a missing load (spot less contract), `over` that of an unused reserved one.
/// `None` without observations, or when a cost is negative or both are zero: then there is nothing to
/// weigh. When `under` is zero the lowest week is the quantile.
#[must_use]
pub fn reserve(weekly_loads: &[i64], base: i64, under: Micros, over: Micros) -> Option<Reserve> {
    let both = i128::from(under.0) + i128::from(over.0);
    if under.0 < 0 || over.0 < 0 || both == 0 {
        return None;
    }
    let mut sorted = weekly_loads.to_vec();
    sorted.sort_unstable();
    let weeks = i128::try_from(sorted.len()).ok()?;
    // Exact ceiling in integers: both factors are positive.
    let rank = usize::try_from((i128::from(under.0) * weeks + both - 1) / both).ok()?.max(1);
    let quantile_loads = *sorted.get(rank - 1)?;
    let critical_ratio = under.decimal() / (under.decimal() + over.decimal());
    Some(Reserve { critical_ratio, rank, quantile_loads, reserve_loads: (quantile_loads - base).max(0) })
}

/// Numerator and denominator of `COMMIT_ADH` for a lane-week; sums of them are volume-weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adherence {
    /// min(accepted, committed).
    pub kept: i64,
    /// min(committed, tendered): what was promised and asked for.
    pub due: i64,
}

/// Commitment adherence of one lane-week (DOMAIN §1.5): unaffected when the shipper tenders less than
/// planned. Accepted loads beyond the tendered ones are a data error and do not count.
#[must_use]
pub fn adherence(committed: i64, tendered: i64, accepted: i64) -> Adherence {
    let due = committed.min(tendered).max(0);
    Adherence { kept: accepted.clamp(0, due), due }
}

#[cfg(test)]
mod tests;
