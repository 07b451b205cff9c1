//! From inputs to a plan: forecasts, offers, allocation, resilience. No database here.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Inputs, PlanError, PlanSummary, Record, TRUCK_VALUES_KEPT, fingerprint, share_of, week_number};
use crate::db::plan::{CommitmentRow, PlanCellRow, PlanLaneRow};
use crate::db::types::Day;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::capacity::{
    Allocation, CostParts, KeptLoads, LAST_COMMITTED_WEEK, LaneDemand, Offer, Problem, Share, allocate,
    effective_cost, frozen_offer, resilience, shrunk, surge_loads,
};
use crate::domain::forecast::{Forecast, forecast};
use crate::domain::money::{Bps, Micros};

/// Stands for the cost of a load where nothing is known, so that carriers still come before spot.
const NOMINAL_COST: Micros = Micros(1_000_000);

/// A plan before it has an id.
pub(super) struct Draft {
    pub summary: PlanSummary,
    pub inputs_hash: String,
    /// `plan_id` is still 0.
    pub lanes: Vec<PlanLaneRow>,
    /// `plan_id` is still 0.
    pub cells: Vec<PlanCellRow>,
}

type Key = (i64, i64, NaiveDate);

/// Plans all lanes.
pub(super) fn draft(inputs: &Inputs) -> Result<Draft, PlanError> {
    let forecasts = forecasts(inputs)?;
    let prices = Prices::new(inputs);
    let whole = problem(inputs, &forecasts, &prices)?;
    let kept = kept(inputs);
    let rest = without_kept(&whole, inputs, &kept);
    let allocation = allocate(&rest)?;
    let (lanes, cells) = rows(inputs, &forecasts, &whole, &allocation, &kept)?;
    let inputs_hash = fingerprint(&(
        &whole,
        &rest,
        inputs.as_of,
        &inputs.policy,
        answers(inputs),
        forecasts.iter().map(|(lane, f)| (lane, &f.points, method_code(f))).collect::<Vec<_>>(),
    ))?;
    let summary = summary(inputs, &prices, &whole, &allocation, &kept)?;
    Ok(Draft { summary, inputs_hash, lanes, cells })
}

fn forecasts(inputs: &Inputs) -> Result<BTreeMap<i64, Forecast>, PlanError> {
    inputs
        .histories
        .iter()
        .map(|(&lane, history)| match forecast(history) {
            Ok(forecast) => Ok((lane, forecast)),
            Err(reason) => Err(PlanError::Forecast { lane: inputs.lane_code(lane), reason }),
        })
        .collect()
}

/// The method's code, and after a colon the caveat's.
fn method_code(forecast: &Forecast) -> String {
    match forecast.flag {
        Some(flag) => format!("{}:{}", forecast.method.code(), flag.code()),
        None => forecast.method.code().to_owned(),
    }
}

/// Answers that shape this plan, for its fingerprint.
fn answers(inputs: &Inputs) -> Vec<(Key, &str, i32, Option<i32>)> {
    inputs
        .earlier
        .iter()
        .map(|(key, cell)| (*key, cell.state.as_str(), cell.asked(), cell.answer_units))
        .collect()
}

// --- costs ---------------------------------------------------------------------------------------

/// What a load costs, known or estimated.
struct Prices<'a> {
    inputs: &'a Inputs,
    currency: String,
    /// Mean contract cost of the offers of a lane.
    by_lane: BTreeMap<i64, Decimal>,
    /// Mean over all offers with a cost.
    network: Option<Decimal>,
    network_accept: Decimal,
    network_on_time: Decimal,
    foreign: usize,
    unpriced: usize,
}

impl<'a> Prices<'a> {
    fn new(inputs: &'a Inputs) -> Self {
        let mut currencies: BTreeMap<&str, usize> = BTreeMap::new();
        for row in inputs.commitments.iter().filter(|row| row.unit_cost_micros.is_some()) {
            *currencies.entry(&row.currency).or_default() += 1;
        }
        // The most used one; of equals the first in the alphabet.
        let currency = currencies
            .iter()
            .max_by_key(|&(name, &n)| (n, std::cmp::Reverse(*name)))
            .map_or("", |(name, _)| name);
        let mut sums: BTreeMap<i64, (Decimal, i64)> = BTreeMap::new();
        let mut total = (Decimal::ZERO, 0_i64);
        for row in inputs.commitments.iter().filter(|row| row.currency == currency) {
            let Some(cost) = row.unit_cost_micros else { continue };
            let lane = sums.entry(row.lane_id).or_default();
            *lane = (lane.0 + Micros(cost).decimal(), lane.1 + 1);
            total = (total.0 + Micros(cost).decimal(), total.1 + 1);
        }
        let mean = |(sum, n): (Decimal, i64)| (n > 0).then(|| sum / Decimal::from(n));
        let rate = |of: fn(&Record) -> (i64, i64)| {
            let (k, n) = inputs.by_partner.values().map(of).fold((0, 0), |(k, n), (a, b)| (k + a, n + b));
            // Nothing known at all counts against nobody.
            if n > 0 { Decimal::from(k) / Decimal::from(n) } else { Decimal::ONE }
        };
        let known = |row: &CommitmentRow| row.unit_cost_micros.is_some() && row.currency == currency;
        Self {
            inputs,
            currency: currency.to_owned(),
            by_lane: sums.into_iter().filter_map(|(lane, sum)| Some((lane, mean(sum)?))).collect(),
            network: mean(total),
            network_accept: rate(|record| record.accepted),
            network_on_time: rate(|record| record.on_time),
            foreign: inputs
                .commitments
                .iter()
                .filter(|row| row.unit_cost_micros.is_some() && row.currency != currency)
                .count(),
            unpriced: inputs.commitments.iter().filter(|row| !known(row)).count(),
        }
    }

    /// What the lane usually costs under contract.
    fn lane(&self, lane: i64) -> Decimal {
        self.by_lane.get(&lane).copied().or(self.network).unwrap_or_else(|| NOMINAL_COST.decimal())
    }

    fn spot(&self, lane: i64) -> Decimal {
        let contract = self.lane(lane);
        contract + share_of(contract, self.inputs.policy.spot_premium)
    }

    /// The contract's cost of a load, else what loads of that partner have cost there.
    fn contract(&self, row: &CommitmentRow) -> Decimal {
        if let Some(cost) = row.unit_cost_micros.filter(|_| row.currency == self.currency) {
            return Micros(cost).decimal();
        }
        let seen = self.inputs.by_partner_lane.get(&(row.partner_id, row.lane_id)).map(|r| r.freight);
        match seen {
            Some((sum, n)) if n > 0 => Micros(sum).decimal() / Decimal::from(n),
            _ => self.lane(row.lane_id),
        }
    }

    /// Chance of success on the lane, or of the partner where the lane has no record.
    fn chance(&self, row: &CommitmentRow, of: fn(&Record) -> (i64, i64), network: Decimal) -> Decimal {
        let lane = self.inputs.by_partner_lane.get(&(row.partner_id, row.lane_id)).map(of);
        let partner = self.inputs.by_partner.get(&row.partner_id).map(of);
        let (k, n) = lane.filter(|&(_, n)| n > 0).or(partner).unwrap_or((0, 0));
        shrunk(k, n, network)
    }

    /// Reliability-weighted cost of a load (DOMAIN §6.3).
    fn effective(&self, row: &CommitmentRow) -> Result<Micros, PlanError> {
        let contract = self.contract(row);
        Ok(effective_cost(&CostParts {
            linehaul: Micros::from_decimal(contract)?,
            accept: self.chance(row, |record| record.accepted, self.network_accept),
            rejection_premium: Micros::from_decimal((self.spot(row.lane_id) - contract).max(Decimal::ZERO))?,
            on_time: self.chance(row, |record| record.on_time, self.network_on_time),
            late_cost: Micros::from_decimal(share_of(contract, self.inputs.policy.late_cost))?,
            ..CostParts::default()
        })?)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.network.is_none() {
            notes.push("No commitment gives a cost; loads are shared out by reliability alone and the cost means nothing.".to_owned());
        } else if self.unpriced > 0 {
            notes.push(format!(
                "{} commitments give no cost in {}; what the lane usually costs stands in.",
                self.unpriced, self.currency
            ));
        }
        if self.foreign > 0 {
            notes.push(format!(
                "{} commitments are priced in another currency than {}.",
                self.foreign, self.currency
            ));
        }
        notes
    }
}

// --- the problem ---------------------------------------------------------------------------------

fn problem(
    inputs: &Inputs,
    forecasts: &BTreeMap<i64, Forecast>,
    prices: &Prices<'_>,
) -> Result<Problem, PlanError> {
    let mut demands = Vec::new();
    for (&lane, forecast) in forecasts {
        let spot_cost = Micros::from_decimal(prices.spot(lane))?;
        for (week, point) in (1..).zip(&forecast.points) {
            let spot_loads = point.p50.saturating_mul(inputs.policy.spot_supply.0) / Bps::WHOLE.0;
            let max_share = inputs.policy.max_share;
            demands.push(LaneDemand { lane, week, loads: point.p50, spot_cost, spot_loads, max_share });
        }
    }
    let mut offers = Vec::new();
    for row in inputs.commitments.iter().filter(|row| forecasts.contains_key(&row.lane_id)) {
        offers.push(offer(inputs, prices, row)?);
    }
    Ok(Problem { demands, offers, suspended: inputs.suspended.clone(), ..Problem::default() })
}

/// What a partner can be asked: its commitment, bounded or widened by what it last answered.
fn offer(inputs: &Inputs, prices: &Prices<'_>, row: &CommitmentRow) -> Result<Offer, PlanError> {
    let week = row.week.0;
    let lead = BusinessCalendar::weekdays([]).business_days_late(inputs.as_of, week);
    let base = i64::from(row.base_units);
    let called = surge_loads(base, Bps(i64::from(row.surge_bps)), lead, inputs.policy.surge_notice_days);
    let answered = inputs.earlier.get(&(row.partner_id, row.lane_id, week));
    let surge = match answered.map(|cell| (cell.state.as_str(), cell.answer_units)) {
        Some(("COUNTERED", Some(units))) => (i64::from(units) - base).max(0),
        Some(("DECLINED", _)) => 0,
        _ => called,
    };
    let cost = prices.effective(row)?;
    let (base, surge) = if inputs.frozen.contains(&row.partner_id) {
        frozen_offer(base, surge, inputs.carries(row.partner_id, row.lane_id))
    } else {
        (base, surge)
    };
    Ok(Offer {
        partner: row.partner_id,
        lane: row.lane_id,
        week: week_number(inputs.first_week, week),
        cost,
        base,
        surge,
        surge_premium: Micros::from_decimal(share_of(prices.contract(row), inputs.policy.surge_premium))?,
    })
}

/// Cells a partner said yes to in weeks that no longer change (DOMAIN §6.1), by partner, lane, week.
fn kept(inputs: &Inputs) -> BTreeMap<Key, &PlanCellRow> {
    inputs
        .earlier
        .iter()
        .filter(|((partner, lane, week), cell)| {
            cell.state == "COMMITTED"
                && week_number(inputs.first_week, *week) <= LAST_COMMITTED_WEEK
                && inputs.histories.contains_key(lane)
                && !inputs.suspended.contains(partner)
        })
        .map(|(key, cell)| (*key, cell))
        .collect()
}

/// The problem that is left when the kept loads are taken out of demand and offers.
fn without_kept(whole: &Problem, inputs: &Inputs, kept: &BTreeMap<Key, &PlanCellRow>) -> Problem {
    let mut rest = whole.clone();
    for (&(partner, lane, day), cell) in kept {
        let week = week_number(inputs.first_week, day);
        let asked = i64::from(cell.asked());
        for demand in rest.demands.iter_mut().filter(|d| d.lane == lane && d.week == week) {
            demand.loads = (demand.loads - asked).max(0);
        }
        for offer in
            rest.offers.iter_mut().filter(|o| o.partner == partner && o.lane == lane && o.week == week)
        {
            offer.base = (offer.base - i64::from(cell.base_units)).max(0);
            offer.surge = (offer.surge - i64::from(cell.surge_units)).max(0);
        }
        rest.kept.push(KeptLoads { partner, lane, week, loads: asked });
    }
    rest
}

// --- rows ----------------------------------------------------------------------------------------

fn small(loads: i64) -> Result<i32, PlanError> {
    i32::try_from(loads).map_err(|_| PlanError::Store(format!("{loads} loads in one week")))
}

fn rows(
    inputs: &Inputs,
    forecasts: &BTreeMap<i64, Forecast>,
    whole: &Problem,
    allocation: &Allocation,
    kept: &BTreeMap<Key, &PlanCellRow>,
) -> Result<(Vec<PlanLaneRow>, Vec<PlanCellRow>), PlanError> {
    let uncovered: BTreeMap<(i64, u32), i64> =
        allocation.uncovered.iter().map(|u| ((u.lane, u.week), u.loads)).collect();
    let mut lanes = Vec::new();
    for (&lane, forecast) in forecasts {
        for (number, point) in (1..).zip(&forecast.points) {
            let week = u32::try_from(number).unwrap_or(0);
            lanes.push(PlanLaneRow {
                plan_id: 0,
                lane_id: lane,
                week: Day(inputs.week(number)),
                p25: small(point.p25)?,
                p50: small(point.p50)?,
                p75: small(point.p75)?,
                p90: small(point.p90)?,
                uncovered: small(uncovered.get(&(lane, week)).copied().unwrap_or(0))?,
                method: method_code(forecast),
            });
        }
    }
    Ok((lanes, cells(inputs, whole, allocation, kept)?))
}

fn cells(
    inputs: &Inputs,
    whole: &Problem,
    allocation: &Allocation,
    kept: &BTreeMap<Key, &PlanCellRow>,
) -> Result<Vec<PlanCellRow>, PlanError> {
    let offers: BTreeMap<(i64, i64, u32), &Offer> =
        whole.offers.iter().map(|o| ((o.partner, o.lane, o.week), o)).collect();
    let mut loads: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
    for (key, cell) in kept {
        loads.insert(*key, (i64::from(cell.base_units), i64::from(cell.surge_units)));
    }
    for &Share { week, lane, partner, base, surge, .. } in &allocation.shares {
        let number = usize::try_from(week).unwrap_or(1);
        let cell = loads.entry((partner, lane, inputs.week(number))).or_default();
        *cell = (cell.0 + base, cell.1 + surge);
    }
    let mut cells = Vec::new();
    for ((partner, lane, week), (base, surge)) in loads {
        let offer = offers.get(&(partner, lane, week_number(inputs.first_week, week)));
        let mut cell = PlanCellRow {
            plan_id: 0,
            partner_id: partner,
            lane_id: lane,
            week: Day(week),
            committed: small(offer.map_or(0, |o| o.base))?,
            base_units: small(base)?,
            surge_units: small(surge)?,
            unit_cost_micros: offer.map_or(0, |o| o.cost.0),
            state: "SHARED".to_owned(),
            answer_units: None,
            answer_reason: String::new(),
            answered_by: String::new(),
            answered_at: None,
        };
        // The same question is not asked twice.
        if let Some(before) = inputs.earlier.get(&(partner, lane, week)).filter(|b| b.asked() == cell.asked())
        {
            cell.state.clone_from(&before.state);
            cell.answer_units = before.answer_units;
            cell.answer_reason.clone_from(&before.answer_reason);
            cell.answered_by.clone_from(&before.answered_by);
            cell.answered_at = before.answered_at;
        }
        cells.push(cell);
    }
    Ok(cells)
}

/// The allocation with the kept loads among its shares: what partners carry in all. Costs are left alone.
fn with_kept(inputs: &Inputs, allocation: &Allocation, kept: &BTreeMap<Key, &PlanCellRow>) -> Allocation {
    let mut shares: BTreeMap<(u32, i64, i64), Share> =
        allocation.shares.iter().map(|share| ((share.week, share.lane, share.partner), *share)).collect();
    for (&(partner, lane, day), cell) in kept {
        let week = week_number(inputs.first_week, day);
        let none = Share { week, lane, partner, base: 0, surge: 0, cost: Micros::ZERO };
        let share = shares.entry((week, lane, partner)).or_insert(none);
        share.base += i64::from(cell.base_units);
        share.surge += i64::from(cell.surge_units);
    }
    Allocation { shares: shares.into_values().collect(), ..allocation.clone() }
}

fn summary(
    inputs: &Inputs,
    prices: &Prices<'_>,
    whole: &Problem,
    allocation: &Allocation,
    kept: &BTreeMap<Key, &PlanCellRow>,
) -> Result<PlanSummary, PlanError> {
    let demand_loads: i64 = whole.demands.iter().map(|d| d.loads).sum();
    let uncovered_loads: i64 = allocation.uncovered.iter().map(|u| u.loads).sum();
    let costs: BTreeMap<(i64, i64, u32), Micros> =
        whole.offers.iter().map(|o| ((o.partner, o.lane, o.week), o.cost)).collect();
    let kept_cost: Micros = kept
        .iter()
        .map(|(&(partner, lane, week), cell)| {
            let key = (partner, lane, week_number(inputs.first_week, week));
            let unit = costs.get(&key).copied().unwrap_or(Micros(cell.unit_cost_micros));
            Micros(unit.0.saturating_mul(i64::from(cell.asked())))
        })
        .sum();
    let mut truck_values = allocation.truck_values.clone();
    truck_values.sort_by_key(|v| (std::cmp::Reverse(v.saves), v.week, v.partner, v.lane));
    truck_values.truncate(TRUCK_VALUES_KEPT);
    Ok(PlanSummary {
        demand_loads,
        covered_loads: demand_loads - uncovered_loads,
        uncovered_loads,
        cost: allocation.cost + kept_cost,
        currency: prices.currency.clone(),
        proof: allocation.proof,
        resilience: resilience(whole, &with_kept(inputs, allocation, kept))?,
        truck_values,
        policy: inputs.policy.clone(),
        notes: prices.notes().into_iter().chain(inputs.frozen_note()).collect(),
    })
}
