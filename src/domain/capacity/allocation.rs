//! Who carries what: the allocation model of DOMAIN §6.4 and its resilience checks.
//!
//! Each week is one linear programme over base loads `x`, surge loads `s`, uncovered loads `u` (bought
//! on spot) and volume shortfall `v`. All bounds are per lane, per offer or per partner, so it is a
//! flow problem and its corner solutions are whole loads. The solver works in floating point; its
//! answer is made integer, checked and, where needed, improved in exact millionths
//! ([`super::network`]), so [`Allocation::cost`] is both exact and provably lowest, ties go to the
//! lowest partner id, and [`TruckValue`] is an exact dual.
//!
//! Weeks are solved in order. Only minimum volumes couple them, and those are pro-rated: through week
//! `k` a partner is owed ⌈remaining · k ÷ weeks left⌉ loads, less what earlier weeks gave. That spreads
//! the volume evenly, which partners ask for, and keeps 13 small problems instead of a large one; when
//! minimum volumes bind, the horizon total can lie above what one joint problem would reach.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use good_lp::solvers::microlp::microlp;
use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, WithTimeLimit, constraint, variable,
};
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::network::{Cost, HUB, Network};
use crate::domain::money::{Bps, Micros};

/// Weeks in one problem: the joint plan's horizon.
pub const MAX_PLAN_WEEKS: u32 = 13;
/// Most lanes with demand in one week.
pub const MAX_PLAN_LANES: usize = 5_000;
/// Most offers in one week.
pub const MAX_PLAN_OFFERS: usize = 50_000;
/// Most loads in any single figure.
pub const MAX_PLAN_LOADS: i64 = 1_000_000;
/// Weeks with more offers start from a greedy plan instead of the solver: the exact pass then takes
/// half a second for 12,000 offers where the solver alone takes four.
pub const MAX_SOLVER_OFFERS: usize = 4_000;
/// The solver stops here, per week; the exact pass goes on from a greedy plan.
pub const SOLVER_TIME_LIMIT: Duration = Duration::from_secs(5);
/// Most rounds of exact improvement per week; beyond them the plan is good but [`Proof::Unproved`].
pub const MAX_IMPROVEMENTS: usize = 20_000;

/// Loads wanted on a lane in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDemand {
    /// Lane id.
    pub lane: i64,
    /// Plan week, 1 to 13.
    pub week: u32,
    /// Loads to cover.
    pub loads: i64,
    /// Cost of one load bought on spot.
    pub spot_cost: Micros,
    /// Loads believed to be had on spot; used by [`resilience`] only.
    pub spot_loads: i64,
    /// Largest share one partner may get; 10,000 for no limit.
    pub max_share: Bps,
}

/// What a partner can carry on a lane in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Partner id.
    pub partner: i64,
    /// Lane id.
    pub lane: i64,
    /// Plan week, 1 to 13.
    pub week: u32,
    /// Effective cost per load ([`super::effective_cost`]), in the plan's currency.
    pub cost: Micros,
    /// Committed loads.
    pub base: i64,
    /// Loads above base that can still be called ([`super::surge_loads`]).
    pub surge: i64,
    /// Added to the cost of each surge load; not negative.
    pub surge_premium: Micros,
}

/// All trucks of a partner in a week, over all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetCap {
    /// Partner id.
    pub partner: i64,
    /// Plan week, 1 to 13.
    pub week: u32,
    /// Most loads.
    pub loads: i64,
}

/// Loads a partner said yes to before and that stand. They are no part of demand or offers any more, but they
/// count in what share of a lane and week the partner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLoads {
    /// Partner id.
    pub partner: i64,
    /// Lane id.
    pub lane: i64,
    /// Plan week, 1 to 13.
    pub week: u32,
    /// Loads.
    pub loads: i64,
}

/// Minimum volume owed to a partner (MVC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinimumVolume {
    /// Partner id.
    pub partner: i64,
    /// Loads still owed until the commitment ends.
    pub remaining: i64,
    /// Weeks until it ends, counted from the first week of the problem; at least 1.
    pub weeks_left: u32,
    /// Shortfall rate per load.
    pub rate: Micros,
}

/// One allocation run, all money in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One row per lane and week.
    pub demands: Vec<LaneDemand>,
    /// One row per partner, lane and week.
    pub offers: Vec<Offer>,
    /// Partners without a row have no cap over all lanes.
    pub fleets: Vec<FleetCap>,
    /// At most one row per partner.
    pub minimums: Vec<MinimumVolume>,
    /// Suspended or gated partners: they get nothing.
    pub suspended: BTreeSet<i64>,
    /// At most one row per partner, lane and week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptLoads>,
}

/// Loads given to a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share {
    /// Plan week.
    pub week: u32,
    /// Lane id.
    pub lane: i64,
    /// Partner id.
    pub partner: i64,
    /// Loads within base.
    pub base: i64,
    /// Loads above base.
    pub surge: i64,
    /// Expected effective cost of both.
    pub cost: Micros,
}

/// Loads nobody is asked to carry under contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Uncovered {
    /// Plan week.
    pub week: u32,
    /// Lane id.
    pub lane: i64,
    /// Loads left to spot.
    pub loads: i64,
    /// Expected spot cost.
    pub cost: Micros,
}

/// Minimum volume the plan does not reach by its last week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shortfall {
    /// Partner id.
    pub partner: i64,
    /// Loads short of the pro-rated minimum.
    pub loads: i64,
    /// Loads × shortfall rate.
    pub cost: Micros,
}

/// What one more truck of a partner would save in that week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TruckValue {
    /// Plan week.
    pub week: u32,
    /// Partner id.
    pub partner: i64,
    /// The lane whose base is full; none when the whole fleet is.
    pub lane: Option<i64>,
    /// Saved cost, above zero.
    pub saves: Micros,
}

/// How sure the result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Proof {
    /// Every week is proved cheapest.
    Optimal,
    /// A limit was reached first: all rules hold, a cheaper plan may exist; no truck values that week.
    Unproved,
}

/// The plan; rows with loads only, ordered by week, lane, partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Loads by partner.
    pub shares: Vec<Share>,
    /// Loads left to spot.
    pub uncovered: Vec<Uncovered>,
    /// Minimum volumes missed.
    pub shortfalls: Vec<Shortfall>,
    /// Exact sum of all three.
    pub cost: Micros,
    /// Proved or not.
    pub proof: Proof,
    /// Where one more truck would help, by week, partner, lane.
    pub truck_values: Vec<TruckValue>,
}

/// Why a problem cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// A figure outside its range.
    #[error("{what} of {whose} is {value}; expected {low} to {high}")]
    OutOfRange {
        /// Field name in words.
        what: &'static str,
        /// Partner, lane, week.
        whose: String,
        /// The figure.
        value: i64,
        /// Smallest allowed.
        low: i64,
        /// Largest allowed.
        high: i64,
    },
    /// The same key twice.
    #[error("{0} is given twice; merge the rows before planning")]
    Duplicate(String),
    /// More rows than one run takes.
    #[error("{count} {what} in week {week}; the limit is {limit}: plan region by region")]
    TooLarge {
        /// Lanes or offers.
        what: &'static str,
        /// Plan week.
        week: u32,
        /// Found.
        count: usize,
        /// Allowed.
        limit: usize,
    },
    /// The money does not fit.
    #[error(
        "the cost of the plan is outside the range that can be stored; check the cost figures for a wrong unit"
    )]
    CostOutOfRange,
}

/// Finds the cheapest allocation that keeps every rule of DOMAIN §6.4.
///
/// Always feasible, since loads may stay uncovered. The same problem gives the same answer whatever
/// the order of its rows.
///
/// # Errors
/// [`AllocationError`] for figures out of range, doubled rows, or more rows than the limits.
pub fn allocate(problem: &Problem) -> Result<Allocation, AllocationError> {
    check(problem)?;
    let first_week = problem.demands.iter().map(|d| d.week).min().unwrap_or(1);
    let mut given: BTreeMap<i64, i64> = BTreeMap::new();
    let mut out = Allocation {
        shares: Vec::new(),
        uncovered: Vec::new(),
        shortfalls: Vec::new(),
        cost: Micros::ZERO,
        proof: Proof::Optimal,
        truck_values: Vec::new(),
    };
    let weeks: BTreeSet<u32> = problem.demands.iter().map(|d| d.week).collect();
    for &week in &weeks {
        let owed = problem
            .minimums
            .iter()
            .map(|m| {
                let before = given.get(&m.partner).copied().unwrap_or(0);
                (m.partner, ((owed_through(m, week - first_week + 1) - before).max(0), m.rate))
            })
            .collect();
        let mut model = WeekModel::new(problem, week, &owed, ShareRule::Kept);
        model.start(&owed);
        if model.network.improve(MAX_IMPROVEMENTS) {
            model.truck_values(&mut out.truck_values)?;
        } else {
            out.proof = Proof::Unproved;
        }
        model.report(&mut out, &mut given)?;
    }
    let last = weeks.last().map_or(0, |w| w - first_week + 1);
    for minimum in &problem.minimums {
        let loads = owed_through(minimum, last) - given.get(&minimum.partner).copied().unwrap_or(0);
        if loads > 0 {
            let cost = times(minimum.rate, loads)?;
            out.shortfalls.push(Shortfall { partner: minimum.partner, loads, cost });
        }
    }
    out.shares.sort_unstable();
    out.uncovered.sort_unstable();
    out.shortfalls.sort_unstable();
    out.truck_values.sort_unstable();
    out.cost = total_cost(&out)?;
    Ok(out)
}

/// Pro-rated minimum volume through the k-th week, rounded up.
fn owed_through(minimum: &MinimumVolume, k: u32) -> i64 {
    let weeks = i64::from(minimum.weeks_left.max(1));
    let through = i64::from(k).min(weeks);
    // Rounded up without `div_ceil`, which signed integers lack; both factors are checked and positive.
    (minimum.remaining * through + weeks - 1) / weeks
}

fn times(cost: Micros, loads: i64) -> Result<Micros, AllocationError> {
    cost.0.checked_mul(loads).map(Micros).ok_or(AllocationError::CostOutOfRange)
}

fn total_cost(out: &Allocation) -> Result<Micros, AllocationError> {
    let shares = out.shares.iter().map(|r| r.cost);
    let uncovered = out.uncovered.iter().map(|r| r.cost);
    let shortfalls = out.shortfalls.iter().map(|r| r.cost);
    let total: i128 = shares.chain(uncovered).chain(shortfalls).map(|c| i128::from(c.0)).sum();
    i64::try_from(total).map(Micros).map_err(|_| AllocationError::CostOutOfRange)
}

// --- checks ------------------------------------------------------------------------------------

fn in_range(
    what: &'static str,
    whose: impl FnOnce() -> String,
    value: i64,
    (low, high): (i64, i64),
) -> Result<(), AllocationError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(AllocationError::OutOfRange { what, whose: whose(), value, low, high })
}

fn check(problem: &Problem) -> Result<(), AllocationError> {
    let loads = (0, MAX_PLAN_LOADS);
    let weeks = (1, i64::from(MAX_PLAN_WEEKS));
    let mut keys = BTreeSet::new();
    let mut per_week: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for d in &problem.demands {
        let whose = || format!("lane {} in week {}", d.lane, d.week);
        in_range("the plan week", whose, i64::from(d.week), weeks)?;
        in_range("the demand", whose, d.loads, loads)?;
        in_range("the spot supply", whose, d.spot_loads, loads)?;
        in_range("the largest share in basis points", whose, d.max_share.0, (0, Bps::WHOLE.0))?;
        if !keys.insert((0, d.lane, d.week, 0)) {
            return Err(AllocationError::Duplicate(format!("the demand of {}", whose())));
        }
        per_week.entry(d.week).or_default().0 += 1;
    }
    for o in &problem.offers {
        let whose = || format!("partner {} on lane {} in week {}", o.partner, o.lane, o.week);
        in_range("the plan week", whose, i64::from(o.week), weeks)?;
        in_range("the base", whose, o.base, loads)?;
        in_range("the surge", whose, o.surge, loads)?;
        in_range("the surge premium", whose, o.surge_premium.0, (0, i64::MAX))?;
        if !keys.insert((1, o.lane, o.week, o.partner)) {
            return Err(AllocationError::Duplicate(format!("the offer of {}", whose())));
        }
        per_week.entry(o.week).or_default().1 += 1;
    }
    for f in &problem.fleets {
        let whose = || format!("partner {} in week {}", f.partner, f.week);
        in_range("the fleet", whose, f.loads, loads)?;
        if !keys.insert((2, 0, f.week, f.partner)) {
            return Err(AllocationError::Duplicate(format!("the fleet of {}", whose())));
        }
    }
    for m in &problem.minimums {
        let whose = || format!("partner {}", m.partner);
        in_range("the minimum volume", whose, m.remaining, loads)?;
        in_range("the shortfall rate", whose, m.rate.0, (0, i64::MAX))?;
        if !keys.insert((3, 0, 0, m.partner)) {
            return Err(AllocationError::Duplicate(format!("the minimum volume of {}", whose())));
        }
    }
    for (&week, &(lanes, offers)) in &per_week {
        for (what, count, limit) in [("lanes", lanes, MAX_PLAN_LANES), ("offers", offers, MAX_PLAN_OFFERS)] {
            if count > limit {
                return Err(AllocationError::TooLarge { what, week, count, limit });
            }
        }
    }
    Ok(())
}

// --- one week ----------------------------------------------------------------------------------

/// Whether the largest share per partner binds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShareRule {
    Kept,
    /// In an emergency capacity counts, not policy.
    Lifted,
}

/// An offer in the network: two parallel arcs, base before the dearer surge.
struct OfferArcs<'a> {
    offer: &'a Offer,
    base: usize,
    surge: usize,
    share_cap: i64,
    demand_node: usize,
}

/// A partner's way to the hub: loads that serve its minimum volume earn its rate, the rest is free.
struct PartnerArcs {
    partner: i64,
    node: usize,
    owed: usize,
    free: usize,
    cap: i64,
    capped: bool,
    /// What one more truck would earn by serving the minimum volume, if that reaches beyond the cap.
    next_earns: i128,
}

/// The kept loads of one week.
struct Kept {
    by_lane: BTreeMap<i64, i64>,
    by_partner: BTreeMap<(i64, i64), i64>,
}

impl Kept {
    fn of_week(problem: &Problem, week: u32) -> Self {
        let (mut by_lane, mut by_partner) = (BTreeMap::new(), BTreeMap::new());
        for kept in problem.kept.iter().filter(|kept| kept.week == week) {
            *by_lane.entry(kept.lane).or_default() += kept.loads;
            *by_partner.entry((kept.lane, kept.partner)).or_default() += kept.loads;
        }
        Self { by_lane, by_partner }
    }

    /// The most the partner may get of what is left: its largest share of all that is wanted, less what it
    /// has already.
    fn share_cap(&self, demand: &LaneDemand, partner: i64) -> i64 {
        let all = demand.loads + self.by_lane.get(&demand.lane).copied().unwrap_or(0);
        let has = self.by_partner.get(&(demand.lane, partner)).copied().unwrap_or(0);
        (all * demand.max_share.0 / Bps::WHOLE.0 - has).clamp(0, demand.loads)
    }
}

struct WeekModel<'a> {
    week: u32,
    network: Network,
    /// Demand with its spot arc; node numbers are 1, 2, …
    demands: Vec<(&'a LaneDemand, usize)>,
    offers: Vec<OfferArcs<'a>>,
    partners: Vec<PartnerArcs>,
}

type Owed = BTreeMap<i64, (i64, Micros)>;

impl<'a> WeekModel<'a> {
    fn new(problem: &'a Problem, week: u32, owed: &Owed, rule: ShareRule) -> Self {
        let lanes: BTreeMap<i64, &LaneDemand> =
            problem.demands.iter().filter(|d| d.week == week).map(|d| (d.lane, d)).collect();
        let mut open: Vec<&Offer> = problem
            .offers
            .iter()
            .filter(|o| {
                o.week == week && lanes.contains_key(&o.lane) && !problem.suspended.contains(&o.partner)
            })
            .collect();
        open.sort_unstable_by_key(|o| (o.lane, o.partner));
        let ids: BTreeSet<i64> = open.iter().map(|o| o.partner).collect();
        let mut model = Self {
            week,
            network: Network::new(1 + lanes.len() + ids.len()),
            demands: Vec::with_capacity(lanes.len()),
            offers: Vec::with_capacity(open.len()),
            partners: Vec::with_capacity(ids.len()),
        };
        let mut node_of_lane = BTreeMap::new();
        for (node, demand) in (1..).zip(lanes.into_values()) {
            node_of_lane.insert(demand.lane, node);
            let last = tie_by_partner(ids.len(), ids.len());
            let spot = model.network.add(node, HUB, demand.loads, [i128::from(demand.spot_cost.0), last, 0]);
            model.demands.push((demand, spot));
        }
        let wanted: i64 = model.demands.iter().map(|(d, _)| d.loads).sum();
        model.add_partners(problem, &ids, owed, wanted);
        let kept = Kept::of_week(problem, week);
        model.add_offers(&open, &node_of_lane, &kept, rule);
        model
    }

    fn add_partners(&mut self, problem: &Problem, ids: &BTreeSet<i64>, owed: &Owed, wanted: i64) {
        for (node, &partner) in (1 + self.demands.len()..).zip(ids) {
            let fleet = problem.fleets.iter().find(|f| f.partner == partner && f.week == self.week);
            let cap = fleet.map_or(wanted, |f| f.loads.min(wanted));
            let (loads, rate) = owed.get(&partner).copied().unwrap_or_default();
            let serves = loads.min(cap);
            self.partners.push(PartnerArcs {
                partner,
                node,
                owed: self.network.add(node, HUB, serves, [-i128::from(rate.0), 0, 0]),
                free: self.network.add(node, HUB, cap - serves, [0; 3]),
                cap,
                capped: fleet.is_some(),
                next_earns: if loads > cap { i128::from(rate.0) } else { 0 },
            });
        }
    }

    fn add_offers(
        &mut self,
        open: &[&'a Offer],
        node_of_lane: &BTreeMap<i64, usize>,
        kept: &Kept,
        rule: ShareRule,
    ) {
        let rank_of: BTreeMap<i64, (usize, usize)> =
            self.partners.iter().enumerate().map(|(rank, p)| (p.partner, (rank, p.node))).collect();
        for &offer in open {
            let (Some(&lane), Some(&(rank, partner))) =
                (node_of_lane.get(&offer.lane), rank_of.get(&offer.partner))
            else {
                continue;
            };
            let Some(&(demand, _)) = self.demands.get(lane - 1) else { continue };
            let share_cap = match rule {
                ShareRule::Kept => kept.share_cap(demand, offer.partner),
                ShareRule::Lifted => demand.loads,
            };
            let ties =
                [tie_by_partner(rank, self.partners.len()), tie_by_lane(rank, self.demands.len() - lane)];
            let cost = |extra: Micros| -> Cost {
                [i128::from(offer.cost.0) + i128::from(extra.0), ties[0], ties[1]]
            };
            let base_cap = offer.base.min(share_cap);
            let base = self.network.add(lane, partner, base_cap, cost(Micros::ZERO));
            let surge_cap = offer.surge.min(share_cap - base_cap);
            let surge = self.network.add(lane, partner, surge_cap, cost(offer.surge_premium));
            self.offers.push(OfferArcs { offer, base, surge, share_cap, demand_node: lane });
        }
    }

    fn flow(&self, arc: usize) -> i64 {
        self.network.arcs.get(arc).map_or(0, |a| a.flow)
    }

    fn set_flow(&mut self, arc: usize, loads: i64) {
        if let Some(a) = self.network.arcs.get_mut(arc) {
            a.flow = loads;
        }
    }

    /// The solver's answer as starting flow; a greedy one when it has none that holds.
    fn start(&mut self, owed: &Owed) {
        let loads = self.solve(owed).filter(|l| self.holds(l)).unwrap_or_else(|| self.greedy());
        self.place(&loads);
    }

    /// Cheapest offers first, as far as demand and fleets go. Minimum volumes are left to the exact pass.
    fn greedy(&self) -> Vec<(i64, i64)> {
        let capacity = |arc: usize| self.network.arcs.get(arc).map_or(0, |a| a.capacity);
        let mut wanted: BTreeMap<usize, i64> = (1..).zip(self.demands.iter().map(|(d, _)| d.loads)).collect();
        let mut trucks: BTreeMap<i64, i64> = self.partners.iter().map(|p| (p.partner, p.cap)).collect();
        let mut loads = vec![(0, 0); self.offers.len()];
        let mut order: Vec<_> = self.offers.iter().zip(&mut loads).collect();
        order.sort_by_key(|(arcs, _)| (arcs.offer.cost, arcs.offer.lane, arcs.offer.partner));
        for (arcs, slot) in order {
            let (Some(want), Some(left)) =
                (wanted.get_mut(&arcs.demand_node), trucks.get_mut(&arcs.offer.partner))
            else {
                continue;
            };
            let base = capacity(arcs.base).min(*want).min(*left);
            let surge = capacity(arcs.surge).min(*want - base).min(*left - base);
            *slot = (base, surge);
            *want -= base + surge;
            *left -= base + surge;
        }
        loads
    }

    /// Sets all flows from (base, surge) loads per offer.
    fn place(&mut self, loads: &[(i64, i64)]) {
        let mut by_node: BTreeMap<usize, i64> = BTreeMap::new();
        let mut by_partner: BTreeMap<i64, i64> = BTreeMap::new();
        let mut flows = Vec::with_capacity(self.network.arcs.len());
        for (arcs, &(base, surge)) in self.offers.iter().zip(loads) {
            *by_node.entry(arcs.demand_node).or_default() += base + surge;
            *by_partner.entry(arcs.offer.partner).or_default() += base + surge;
            flows.extend([(arcs.base, base), (arcs.surge, surge)]);
        }
        for (node, (demand, spot)) in (1..).zip(&self.demands) {
            flows.push((*spot, demand.loads - by_node.get(&node).copied().unwrap_or(0)));
        }
        for p in &self.partners {
            let all = by_partner.get(&p.partner).copied().unwrap_or(0);
            let serves = self.network.arcs.get(p.owed).map_or(0, |a| a.capacity).min(all);
            flows.extend([(p.owed, serves), (p.free, all - serves)]);
        }
        for (arc, flow) in flows {
            self.set_flow(arc, flow);
        }
    }

    /// Whether whole loads keep every rule.
    fn holds(&self, loads: &[(i64, i64)]) -> bool {
        let mut by_node: BTreeMap<usize, i64> = BTreeMap::new();
        let mut by_partner: BTreeMap<i64, i64> = BTreeMap::new();
        let capacity = |arc: usize| self.network.arcs.get(arc).map_or(0, |a| a.capacity);
        for (arcs, &(base, surge)) in self.offers.iter().zip(loads) {
            if !(0..=capacity(arcs.base)).contains(&base) || !(0..=capacity(arcs.surge)).contains(&surge) {
                return false;
            }
            *by_node.entry(arcs.demand_node).or_default() += base + surge;
            *by_partner.entry(arcs.offer.partner).or_default() += base + surge;
        }
        let covered = |(node, (demand, _)): (usize, &(&LaneDemand, usize))| {
            by_node.get(&node).is_none_or(|&l| l <= demand.loads)
        };
        loads.len() == self.offers.len()
            && (1..).zip(&self.demands).all(covered)
            && self.partners.iter().all(|p| by_partner.get(&p.partner).is_none_or(|&l| l <= p.cap))
    }

    /// The linear programme of DOMAIN §6.4, rounded to whole loads; `None` when there are too
    /// many offers or the solver gave up.
    fn solve(&self, owed: &Owed) -> Option<Vec<(i64, i64)>> {
        if self.offers.len() > MAX_SOLVER_OFFERS {
            return None;
        }
        let mut variables = ProblemVariables::new();
        let mut objective = Expression::from(0.0);
        let mut add = |capacity: i64, cost: i128, objective: &mut Expression| -> Option<Variable> {
            let var = variables.add(variable().min(0.0).max(capacity.to_f64()?));
            objective.add_mul(units(cost)?, var);
            Some(var)
        };
        let mut on_lane: Vec<Expression> = Vec::with_capacity(self.demands.len());
        for (demand, _) in &self.demands {
            on_lane.push(add(demand.loads, i128::from(demand.spot_cost.0), &mut objective)?.into());
        }
        let mut of_partner: BTreeMap<i64, Expression> = BTreeMap::new();
        let mut pairs = Vec::with_capacity(self.offers.len());
        for arcs in &self.offers {
            let mut pair = [None; 2];
            for (slot, arc) in pair.iter_mut().zip([arcs.base, arcs.surge]) {
                let arc = self.network.arcs.get(arc)?;
                let var = add(arc.capacity, arc.cost[0], &mut objective)?;
                on_lane.get_mut(arcs.demand_node - 1)?.add_mul(1.0, var);
                of_partner.entry(arcs.offer.partner).or_default().add_mul(1.0, var);
                *slot = Some(var);
            }
            pairs.push((pair[0]?, pair[1]?));
        }
        let mut rules = Vec::with_capacity(on_lane.len() + of_partner.len());
        for ((demand, _), sum) in self.demands.iter().zip(on_lane) {
            rules.push(constraint::eq(sum, demand.loads.to_f64()?));
        }
        for p in &self.partners {
            let Some(sum) = of_partner.remove(&p.partner) else { continue };
            if let Some(&(loads, rate)) = owed.get(&p.partner).filter(|(loads, _)| *loads > 0) {
                let short = add(loads, i128::from(rate.0), &mut objective)?;
                rules.push(constraint::geq(sum.clone() + short, loads.to_f64()?));
            }
            if p.capped {
                rules.push(constraint::leq(sum, p.cap.to_f64()?));
            }
        }
        let mut model =
            variables.minimise(objective).using(microlp).with_time_limit(SOLVER_TIME_LIMIT.as_secs_f64());
        for rule in rules {
            model.add_constraint(rule);
        }
        let solution = model.solve().ok()?;
        let whole = |var| solution.value(var).round().to_i64();
        pairs.into_iter().map(|(base, surge)| Some((whole(base)?, whole(surge)?))).collect()
    }

    fn report(&self, out: &mut Allocation, given: &mut BTreeMap<i64, i64>) -> Result<(), AllocationError> {
        for arcs in &self.offers {
            let (base, surge) = (self.flow(arcs.base), self.flow(arcs.surge));
            if base + surge == 0 {
                continue;
            }
            let Offer { partner, lane, week, .. } = *arcs.offer;
            let cost = times(arcs.offer.cost, base + surge)? + times(arcs.offer.surge_premium, surge)?;
            out.shares.push(Share { week, lane, partner, base, surge, cost });
            *given.entry(partner).or_default() += base + surge;
        }
        for (demand, spot) in &self.demands {
            let loads = self.flow(*spot);
            if loads > 0 {
                let cost = times(demand.spot_cost, loads)?;
                out.uncovered.push(Uncovered { week: self.week, lane: demand.lane, loads, cost });
            }
        }
        Ok(())
    }

    /// Shortest residual paths back from the partner say what one more unit would save.
    fn truck_values(&self, out: &mut Vec<TruckValue>) -> Result<(), AllocationError> {
        let from_hub = self.network.distances(HUB);
        let mut push = |partner: i64, lane: Option<i64>, saves: i128| {
            if saves > 0 {
                let saves = i64::try_from(saves).map(Micros).map_err(|_| AllocationError::CostOutOfRange)?;
                out.push(TruckValue { week: self.week, partner, lane, saves });
            }
            Ok(())
        };
        for p in &self.partners {
            if p.capped && self.flow(p.owed) + self.flow(p.free) == p.cap {
                let reach = from_hub.get(p.node).copied().flatten();
                push(p.partner, None, reach.map_or(0, |c| p.next_earns - c[0]))?;
            }
            let mut from_partner = None;
            for arcs in self.offers.iter().filter(|a| a.offer.partner == p.partner) {
                let (base, surge) = (self.flow(arcs.base), self.flow(arcs.surge));
                if base < arcs.offer.base || arcs.offer.base >= arcs.share_cap {
                    continue; // base is not what binds
                }
                let saves = if base + surge == arcs.share_cap {
                    // At the share limit one more base load can only replace a surge load.
                    i128::from(arcs.offer.surge_premium.0)
                } else {
                    let reach = from_partner.get_or_insert_with(|| self.network.distances(p.node));
                    let back = reach.get(arcs.demand_node).copied().flatten();
                    back.map_or(0, |c| -c[0] - i128::from(arcs.offer.cost.0))
                };
                push(p.partner, Some(arcs.offer.lane), saves)?;
            }
        }
        Ok(())
    }
}

/// First tie-break, concave in the rank: of equal plans, the one that gives most to the lowest id.
fn tie_by_partner(rank: usize, partners: usize) -> i128 {
    let (rank, partners) = (rank.to_i128().unwrap_or(0), partners.to_i128().unwrap_or(0));
    rank * (2 * partners - rank)
}

/// Second tie-break: the lower id gets the lower lanes.
fn tie_by_lane(rank: usize, lanes_after: usize) -> i128 {
    rank.to_i128().unwrap_or(0) * lanes_after.to_i128().unwrap_or(0)
}

/// Millionths to currency units, for the solver only.
#[expect(
    clippy::float_arithmetic,
    reason = "the solver's objective; the plan's cost is recomputed in millionths"
)]
fn units(cost: i128) -> Option<f64> {
    cost.to_f64().map(|c| c / 1_000_000.0)
}

// --- resilience --------------------------------------------------------------------------------

/// What is left when one partner drops out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutPartner {
    /// The partner taken away.
    pub partner: i64,
    /// Loads the others can carry within base and surge.
    pub contracted_loads: i64,
    /// The same with the spot supply.
    pub coverable_loads: i64,
    /// `coverable_loads` ÷ demand, rounded down so that 100 % means all.
    pub coverable: Bps,
}

/// A partner's part of the loads under contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concentration {
    /// Partner id.
    pub partner: i64,
    /// Loads over the horizon.
    pub loads: i64,
    /// Of all loads given to partners; half rounds up.
    pub share: Bps,
}

/// Resilience of a plan (DOMAIN §6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resilience {
    /// Demand over the horizon.
    pub demand_loads: i64,
    /// N−1 per partner that has an offer, by partner id.
    pub without: Vec<WithoutPartner>,
    /// Shares, largest first, then by partner id; empty when everything is on spot.
    pub shares: Vec<Concentration>,
    /// Herfindahl–Hirschman index, 0 to 10,000 (one partner); missing when everything is on spot.
    pub hhi: Option<i64>,
    /// Lanes with demand that only one partner can carry.
    pub single_sourced_lanes: Vec<i64>,
    /// Lanes with demand that no partner can carry.
    pub unsourced_lanes: Vec<i64>,
}

/// Drops each partner in turn, and measures how concentrated the plan is.
///
/// N−1 counts capacity (base, surge, fleet, spot supply) and lifts the largest-share rule: in an
/// emergency that is policy, not trucks. Loads are rerouted over all lanes to cover the most.
///
/// # Errors
/// As [`allocate`].
pub fn resilience(problem: &Problem, plan: &Allocation) -> Result<Resilience, AllocationError> {
    check(problem)?;
    let demand_loads: i64 = problem.demands.iter().map(|d| d.loads).sum();
    let weeks: BTreeSet<u32> = problem.demands.iter().map(|d| d.week).collect();
    let partners: BTreeSet<i64> =
        problem.offers.iter().map(|o| o.partner).filter(|p| !problem.suspended.contains(p)).collect();
    let mut left: BTreeMap<i64, (i64, i64)> = partners.iter().map(|&p| (p, (0, 0))).collect();
    for &week in &weeks {
        let mut model = WeekModel::new(problem, week, &Owed::new(), ShareRule::Lifted);
        let given: BTreeMap<(i64, i64), (i64, i64)> = plan
            .shares
            .iter()
            .filter(|s| s.week == week)
            .map(|s| ((s.lane, s.partner), (s.base, s.surge)))
            .collect();
        for (&partner, sums) in &mut left {
            let (contracted, coverable) = model.coverable_without(partner, &given);
            *sums = (sums.0 + contracted, sums.1 + coverable);
        }
    }
    let without = left
        .into_iter()
        .map(|(partner, (contracted_loads, coverable_loads))| WithoutPartner {
            partner,
            contracted_loads,
            coverable_loads,
            coverable: Bps(if demand_loads > 0 {
                coverable_loads * Bps::WHOLE.0 / demand_loads
            } else {
                Bps::WHOLE.0
            }),
        })
        .collect();
    let (shares, hhi) = concentration(plan);
    let (single_sourced_lanes, unsourced_lanes) = sourcing(problem);
    Ok(Resilience { demand_loads, without, shares, hhi, single_sourced_lanes, unsourced_lanes })
}

impl WeekModel<'_> {
    /// Largest cover by the others: (base and surge, with spot).
    fn coverable_without(&mut self, partner: i64, given: &BTreeMap<(i64, i64), (i64, i64)>) -> (i64, i64) {
        let planned: Vec<(i64, i64)> = self
            .offers
            .iter()
            .map(|a| given.get(&(a.offer.lane, a.offer.partner)).copied().unwrap_or_default())
            .collect();
        // A plan made for other figures is no start; zero is one.
        let planned = if self.holds(&planned) { planned } else { vec![(0, 0); self.offers.len()] };
        let stays: Vec<(i64, i64)> = self
            .offers
            .iter()
            .zip(planned)
            .map(|(a, loads)| if a.offer.partner == partner { (0, 0) } else { loads })
            .collect();
        self.place(&stays);
        let mut network = self.network.clone();
        let mut waiting = vec![0; network.nodes];
        let dropped = self.partners.iter().find(|p| p.partner == partner).map_or(usize::MAX, |p| p.node);
        for arc in network.arcs.iter_mut().filter(|a| a.from == dropped || a.to == dropped) {
            arc.capacity = 0;
        }
        for (node, (_, spot)) in (1..).zip(&self.demands) {
            let (Some(wait), Some(arc)) = (waiting.get_mut(node), network.arcs.get_mut(*spot)) else {
                continue;
            };
            *wait = arc.flow;
            (arc.flow, arc.capacity) = (0, 0);
        }
        let wanted: i64 = self.demands.iter().map(|(d, _)| d.loads).sum();
        network.cover(&mut waiting);
        let contracted = wanted - waiting.iter().sum::<i64>();
        for (demand, spot) in &self.demands {
            if let Some(arc) = network.arcs.get_mut(*spot) {
                arc.capacity = demand.spot_loads;
            }
        }
        network.cover(&mut waiting);
        (contracted, wanted - waiting.iter().sum::<i64>())
    }
}

fn concentration(plan: &Allocation) -> (Vec<Concentration>, Option<i64>) {
    let mut by_partner: BTreeMap<i64, i64> = BTreeMap::new();
    for share in &plan.shares {
        *by_partner.entry(share.partner).or_default() += share.base + share.surge;
    }
    let total: i128 = by_partner.values().copied().map(i128::from).sum();
    if total == 0 {
        return (Vec::new(), None);
    }
    let whole = i128::from(Bps::WHOLE.0);
    let rounded =
        |part: i128, of: i128| i64::try_from((part * whole * 2 + of) / (of * 2)).unwrap_or(Bps::WHOLE.0);
    let squares: i128 = by_partner.values().map(|&l| i128::from(l) * i128::from(l)).sum();
    let mut shares: Vec<Concentration> = by_partner
        .into_iter()
        .map(|(partner, loads)| Concentration {
            partner,
            loads,
            share: Bps(rounded(i128::from(loads), total)),
        })
        .collect();
    shares.sort_by_key(|s| (std::cmp::Reverse(s.loads), s.partner));
    (shares, Some(rounded(squares, total * total)))
}

/// Lanes with demand that one partner only, or none, can carry somewhere in the horizon.
fn sourcing(problem: &Problem) -> (Vec<i64>, Vec<i64>) {
    let mut able: BTreeMap<i64, BTreeSet<i64>> =
        problem.demands.iter().filter(|d| d.loads > 0).map(|d| (d.lane, BTreeSet::new())).collect();
    for offer in
        problem.offers.iter().filter(|o| o.base + o.surge > 0 && !problem.suspended.contains(&o.partner))
    {
        if let Some(partners) = able.get_mut(&offer.lane) {
            partners.insert(offer.partner);
        }
    }
    let lanes = |n: usize| able.iter().filter(|(_, p)| p.len() == n).map(|(&lane, _)| lane).collect();
    (lanes(1), lanes(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact pass would hide a solver that always gives up.
    #[test]
    fn the_solver_alone_reaches_the_optimum() {
        let demand = |lane| LaneDemand {
            lane,
            week: 1,
            loads: 10,
            spot_cost: Micros(900),
            spot_loads: 0,
            max_share: Bps::WHOLE,
        };
        let offer = |partner, lane, cost| Offer {
            partner,
            lane,
            week: 1,
            cost: Micros(cost),
            base: 7,
            surge: 0,
            surge_premium: Micros::ZERO,
        };
        let problem = Problem {
            demands: vec![demand(1), demand(2)],
            offers: vec![offer(1, 1, 500), offer(1, 2, 100), offer(2, 1, 600)],
            fleets: vec![FleetCap { partner: 1, week: 1, loads: 9 }],
            ..Problem::default()
        };
        let owed = Owed::from([(2, (3, Micros(50)))]);
        let mut model = WeekModel::new(&problem, 1, &owed, ShareRule::Kept);
        let best = vec![(2, 0), (7, 0), (7, 0)];
        assert_eq!(model.solve(&owed), Some(best.clone()));

        // From the greedy start of large weeks the exact pass gets there too.
        let greedy = model.greedy();
        assert!(model.holds(&greedy));
        model.place(&greedy);
        assert!(model.network.improve(MAX_IMPROVEMENTS));
        let flows: Vec<_> = model.offers.iter().map(|a| (model.flow(a.base), model.flow(a.surge))).collect();
        assert_eq!(flows, best);
    }
}
