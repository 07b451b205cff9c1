//! Golden numbers C4–C6 and the properties every plan must have.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn units(amount: i64) -> Micros {
    Micros(amount * 1_000_000)
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn demand(lane: i64, loads: i64, max_share: i64) -> LaneDemand {
    LaneDemand { lane, week: 1, loads, spot_cost: units(900), spot_loads: 5, max_share: Bps(max_share) }
}

fn offer(partner: i64, lane: i64, cost: i64, base: i64) -> Offer {
    Offer { partner, lane, week: 1, cost: units(cost), base, surge: 0, surge_premium: Micros::ZERO }
}

fn fleet(partner: i64, loads: i64) -> FleetCap {
    FleetCap { partner, week: 1, loads }
}

/// C5: partners A, B, C are 1, 2, 3.
fn c5() -> Problem {
    let costs = [(1, [500, 520, 560]), (2, [610, 590, 600])];
    Problem {
        demands: vec![demand(1, 40, 6_000), demand(2, 25, 6_000)],
        offers: costs
            .iter()
            .flat_map(|&(lane, by_partner)| {
                (1..).zip(by_partner).map(move |(p, cost)| offer(p, lane, cost, 99))
            })
            .collect(),
        fleets: vec![fleet(1, 30), fleet(2, 25), fleet(3, 20)],
        minimums: vec![MinimumVolume { partner: 3, remaining: 8, weeks_left: 1, rate: units(85) }],
        ..Problem::default()
    }
}

fn loads(plan: &Allocation, lane: i64, partner: i64) -> i64 {
    plan.shares.iter().filter(|s| (s.lane, s.partner) == (lane, partner)).map(|s| s.base + s.surge).sum()
}

#[test]
fn c4_reliability_weighted_cost() {
    let parts = CostParts {
        linehaul: units(470),
        accept: d("0.92"),
        rejection_premium: units(180),
        on_time: d("0.95"),
        late_cost: units(120),
        claim_rate: d("0.008"),
        claim_cost: units(1200),
        ..CostParts::default()
    };
    assert_eq!(effective_cost(&parts), Ok(units(500)));
    assert_eq!(shrunk(0, 0, d("0.9")), d("0.9"));
    assert_eq!(shrunk(20, 20, d("0.9")), d("0.95"));
}

#[test]
fn c5_allocation() {
    let plan = allocate(&c5()).unwrap();
    assert_eq!(plan.cost, units(35_240));
    assert_eq!(plan.proof, Proof::Optimal);
    assert_eq!([1, 2, 3].map(|p| loads(&plan, 1, p)), [24, 16, 0]);
    assert_eq!([1, 2, 3].map(|p| loads(&plan, 2, p)), [1, 9, 15]);
    assert!(plan.uncovered.is_empty() && plan.shortfalls.is_empty());
    // One more truck of B takes the last load of A on lane 2: 610 − 590.
    assert_eq!(plan.truck_values, vec![TruckValue { week: 1, partner: 2, lane: None, saves: units(20) }]);
}

#[test]
fn c6_reserve() {
    let weeks = [58, 61, 63, 64, 66, 67, 68, 70, 71, 73, 75, 78, 82, 88, 97];
    let got = reserve(&weeks, 60, units(780 - 560), units(80)).unwrap();
    assert_eq!((got.rank, got.quantile_loads, got.reserve_loads), (11, 75, 15));
    assert_eq!(
        got.critical_ratio.round_dp_with_strategy(4, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
        d("0.7333")
    );
    assert_eq!(reserve(&[], 60, units(1), units(1)), None);
}

#[test]
fn equal_costs_go_to_the_lowest_partner_id() {
    let mut problem = Problem {
        demands: vec![demand(1, 10, 10_000), demand(2, 10, 10_000)],
        offers: [9, 4, 7].into_iter().flat_map(|p| [1, 2].map(|lane| offer(p, lane, 500, 10))).collect(),
        fleets: [4, 7, 9].map(|p| fleet(p, 12)).into(),
        ..Problem::default()
    };
    let plan = allocate(&problem).unwrap();
    assert_eq!([4, 7, 9].map(|p| (loads(&plan, 1, p), loads(&plan, 2, p))), [(10, 2), (0, 8), (0, 0)]);
    problem.offers.reverse();
    problem.demands.reverse();
    assert_eq!(allocate(&problem).unwrap(), plan);
}

/// 60 % of 40 loads are 24 for each: who keeps 20 of them may get 4 more, not 60 % of what is left.
#[test]
fn kept_loads_count_in_the_largest_share() {
    let kept = KeptLoads { partner: 1, lane: 1, week: 1, loads: 20 };
    let problem = Problem {
        demands: vec![demand(1, 20, 6_000)],
        offers: vec![offer(1, 1, 500, 99), offer(2, 1, 520, 99)],
        kept: vec![kept],
        ..Problem::default()
    };
    let plan = allocate(&problem).unwrap();
    assert_eq!([1, 2].map(|partner| loads(&plan, 1, partner)), [4, 16]);
    let full = Problem { kept: vec![KeptLoads { loads: 30, ..kept }], ..problem };
    let plan = allocate(&full).unwrap();
    assert_eq!([1, 2].map(|partner| loads(&plan, 1, partner)), [0, 20], "30 of 50 are its share already");
}

#[test]
fn suspended_partners_get_nothing_and_the_rest_goes_to_spot() {
    let mut problem = c5();
    problem.suspended.insert(1);
    let plan = allocate(&problem).unwrap();
    assert_eq!(loads(&plan, 1, 1) + loads(&plan, 2, 1), 0);
    assert_eq!(plan.uncovered.iter().map(|u| u.loads).sum::<i64>(), 65 - 25 - 20);
}

#[test]
fn minimum_volume_is_spread_over_the_weeks_and_priced_when_missed() {
    let week = |week| LaneDemand { week, ..demand(1, 10, 10_000) };
    let both = |week| [Offer { week, ..offer(1, 1, 500, 10) }, Offer { week, ..offer(2, 1, 540, 3) }];
    let problem = Problem {
        demands: (1..=4).map(week).collect(),
        offers: (1..=4).flat_map(both).collect(),
        minimums: vec![MinimumVolume { partner: 2, remaining: 34, weeks_left: 8, rate: units(60) }],
        ..Problem::default()
    };
    let plan = allocate(&problem).unwrap();
    // 34 over 8 weeks is 17 by week 4; three a week is all partner 2 has.
    assert_eq!(loads(&plan, 1, 2), 12);
    assert_eq!(plan.shortfalls, vec![Shortfall { partner: 2, loads: 5, cost: units(300) }]);
    assert_eq!(plan.cost, units(28 * 500 + 12 * 540 + 300));
}

#[test]
fn resilience_of_c5() {
    let (problem, plan) = (c5(), allocate(&c5()).unwrap());
    let got = resilience(&problem, &plan).unwrap();
    // Without A: B 25 and C 20 under contract, and five loads on spot on each lane.
    let a = got.without[0];
    assert_eq!((a.partner, a.contracted_loads, a.coverable_loads, a.coverable), (1, 45, 55, Bps(8_461)));
    assert_eq!(got.shares[0].share, Bps(3_846));
    assert_eq!(got.hhi, Some(3_491));
    assert!(got.single_sourced_lanes.is_empty() && got.unsourced_lanes.is_empty());
}

#[test]
fn refuses_doubled_rows_and_wrong_figures() {
    let mut problem = c5();
    problem.offers.push(offer(1, 1, 400, 1));
    assert_eq!(
        allocate(&problem).unwrap_err().to_string(),
        "the offer of partner 1 on lane 1 in week 1 is given twice; merge the rows before planning"
    );
    problem.offers = vec![offer(1, 1, 400, -1)];
    assert!(matches!(allocate(&problem), Err(AllocationError::OutOfRange { value: -1, .. })));
}

#[test]
fn surge_needs_its_notice() {
    assert_eq!(surge_loads(15, Bps(3_000), 5, 5), 4);
    assert_eq!(surge_loads(15, Bps(3_000), 4, 5), 0);
    assert_eq!((surge_to_call(20, 15, 4), surge_to_call(14, 15, 4)), (4, 0));
}

#[test]
fn adherence_is_not_hurt_by_tendering_less() {
    assert_eq!(adherence(20, 12, 12), Adherence { kept: 12, due: 12 });
    assert_eq!(adherence(20, 25, 18), Adherence { kept: 18, due: 20 });
    assert_eq!(adherence(20, 25, 24), Adherence { kept: 20, due: 20 });
}

/// Up to four lanes and four partners in one week, with everything that binds.
fn problems() -> impl Strategy<Value = Problem> {
    let row =
        (0_i64..15, 3_000_i64..=10_000, prop::collection::vec((0_i64..9, 0_i64..4, 0_i64..8, 0_i64..3), 4));
    let fleets = prop::collection::vec(prop::option::of(0_i64..20), 4);
    (prop::collection::vec(row, 1..5), fleets, 0_i64..12).prop_map(|(rows, fleets, minimum)| {
        let mut problem = Problem::default();
        for (lane, (wanted, share, offers)) in (1..).zip(rows) {
            problem.demands.push(demand(lane, wanted, share));
            for (partner, (base, surge, cost, premium)) in (1..).zip(offers) {
                let cost = 500 + cost * 20;
                let surge_premium = units(premium * 10);
                problem.offers.push(Offer { surge, surge_premium, ..offer(partner, lane, cost, base) });
            }
        }
        problem.fleets = (1..).zip(fleets).filter_map(|(p, cap)| cap.map(|loads| fleet(p, loads))).collect();
        problem.minimums =
            vec![MinimumVolume { partner: 4, remaining: minimum, weeks_left: 1, rate: units(50) }];
        problem
    })
}

/// Every rule of DOMAIN §6.4, checked from the rows alone.
fn keeps_every_rule(problem: &Problem, plan: &Allocation) -> Result<(), TestCaseError> {
    let mut of_partner: BTreeMap<i64, i64> = BTreeMap::new();
    for share in &plan.shares {
        let o = problem.offers.iter().find(|o| (o.partner, o.lane) == (share.partner, share.lane)).unwrap();
        let wanted = problem.demands.iter().find(|d| d.lane == share.lane).unwrap();
        prop_assert!((0..=o.base).contains(&share.base) && (0..=o.surge).contains(&share.surge));
        prop_assert!(share.base + share.surge <= wanted.loads * wanted.max_share.0 / 10_000);
        *of_partner.entry(share.partner).or_default() += share.base + share.surge;
    }
    for d in &problem.demands {
        let spot: i64 = plan.uncovered.iter().filter(|u| u.lane == d.lane).map(|u| u.loads).sum();
        let carried: i64 = (1..=4).map(|p| loads(plan, d.lane, p)).sum();
        prop_assert_eq!(carried + spot, d.loads);
    }
    for f in &problem.fleets {
        prop_assert!(of_partner.get(&f.partner).is_none_or(|&l| l <= f.loads));
    }
    for m in &problem.minimums {
        let short: i64 = plan.shortfalls.iter().filter(|s| s.partner == m.partner).map(|s| s.loads).sum();
        prop_assert!(of_partner.get(&m.partner).copied().unwrap_or(0) + short >= m.remaining);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_plan_keeps_the_rules_and_repeats(problem in problems()) {
        let plan = allocate(&problem).unwrap();
        prop_assert_eq!(plan.proof, Proof::Optimal);
        keeps_every_rule(&problem, &plan)?;
        let mut shuffled = problem.clone();
        shuffled.offers.reverse();
        shuffled.demands.reverse();
        prop_assert_eq!(&plan, &allocate(&shuffled).unwrap());
    }

    #[test]
    fn one_more_truck_saves_exactly_what_its_value_says(problem in problems()) {
        let plan = allocate(&problem).unwrap();
        for o in 0..problem.offers.len() {
            let mut more = problem.clone();
            more.offers[o].base += 1;
            let saved = plan.cost - allocate(&more).unwrap().cost;
            prop_assert!(saved >= Micros::ZERO, "more capacity must not cost more");
            let Offer { partner, lane, .. } = problem.offers[o];
            let value = plan.truck_values.iter().find(|v| (v.partner, v.lane) == (partner, Some(lane)));
            prop_assert_eq!(saved, value.map_or(Micros::ZERO, |v| v.saves));
        }
        for f in 0..problem.fleets.len() {
            let mut more = problem.clone();
            more.fleets[f].loads += 1;
            let saved = plan.cost - allocate(&more).unwrap().cost;
            let value = plan.truck_values.iter().find(|v| (v.partner, v.lane) == (problem.fleets[f].partner, None));
            prop_assert_eq!(saved, value.map_or(Micros::ZERO, |v| v.saves));
        }
    }

    #[test]
    fn no_partner_covers_more_than_all_and_losing_one_never_helps(problem in problems()) {
        let plan = allocate(&problem).unwrap();
        let got = resilience(&problem, &plan).unwrap();
        for w in &got.without {
            prop_assert!(w.contracted_loads <= w.coverable_loads && w.coverable_loads <= got.demand_loads);
        }
    }
}

#[test]
fn what_is_carried_counts_by_day_from_the_first_load_or_thirteen_weeks() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let first_week = day("2025-07-07");
    assert_eq!(carried_from(first_week), day("2025-04-07"));
    let weekly = |loads, first: &str| carried_weekly(loads, day(first), first_week);
    assert_eq!(weekly(92, "2024-01-01"), 8, "92 in 91 days, rounded up");
    assert_eq!(weekly(91, "2025-04-07"), 7);
    assert_eq!(weekly(30, "2025-06-16"), 10, "three weeks");
    assert_eq!(weekly(3, "2025-07-06"), 21, "since yesterday");
    assert_eq!(weekly(0, "2025-04-07"), 0);
    assert_eq!(weekly(9, "2025-07-07"), 0, "no day of it is over");
}
