//! Golden numbers P3 and P9, the words, the stored form, and the properties every run keeps.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::ledger::{Booking, Recognition, accrual_entry, posted_by_key, tie_out, trial_balance};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(17, 0, 0).unwrap().and_utc()
}

fn units(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

fn late(shipment_id: i64, due: &str, linehaul: &str) -> LateEvent {
    LateEvent {
        partner_id: 1,
        shipment_id,
        reference: format!("E{shipment_id}"),
        obligation_day: day(due),
        obligation_at: at(day(due)),
        late_business_days: 1,
        linehaul: units(linehaul),
        freight: units(linehaul),
        currency: Currency::USD,
        pickup_due: None,
    }
}

fn late_terms() -> ClauseTerms {
    ClauseTerms::of(
        Sign::Penalty,
        Rule::LateDelivery(LateDelivery {
            per_day: PerDay::PctOfLinehaul { share: Bps(1_000) },
            grace_days: 0,
            event_cap_share: None,
            event_cap_amount: Some(units("150")),
            period: PeriodKind::Month,
        }),
        Cap { amount: Some(units("400")), share_of_freight: None },
    )
}

fn otif_terms() -> ClauseTerms {
    let tier =
        |points: Option<i64>, share| Tier { up_to_points: points.map(Decimal::from), share: Bps(share) };
    ClauseTerms::of(
        Sign::Penalty,
        Rule::PeriodThreshold(PeriodThreshold {
            kpi: "OTIF".to_owned(),
            better: Better::Higher,
            scale: Scale::Percent,
            threshold: Decimal::from(95),
            dead_band: Decimal::new(5, 1),
            measurement_decimals: None,
            min_volume: MIN_VOLUME_DEFAULT,
            period: PeriodKind::Month,
            amount: PeriodAmount::TierTable {
                tiers: vec![tier(Some(2), 100), tier(Some(5), 250), tier(None, 500)],
            },
        }),
        Cap::default(),
    )
}

fn period_rule(terms: &mut ClauseTerms) -> &mut PeriodThreshold {
    match &mut terms.rule {
        Rule::PeriodThreshold(rule) => rule,
        _ => panic!("not a period clause"),
    }
}

fn facts(numerator: i64, denominator: i64, spend: &str) -> PeriodFacts {
    let period: Period = "2025-06".parse().unwrap();
    PeriodFacts {
        period,
        closes_at: closes_at(period, chrono_tz::America::Chicago),
        numerator: numerator.into(),
        denominator: denominator.into(),
        units: denominator,
        spend: units(spend),
        currency: Currency::USD,
        turned_down: Vec::new(),
        baseline: None,
    }
}

fn group<'a>(freight: &'a BTreeMap<Period, Micros>, clauses: Vec<ClauseCase<'a>>) -> CapGroup<'a> {
    CapGroup {
        currency: Currency::USD,
        minor_digits: 2,
        contract_cap: ContractCap::default(),
        in_force: vec![InForce::ALWAYS],
        freight,
        clauses,
    }
}

/// No clause here is capped by a share of freight of its own, but where a test says so.
static NO_FREIGHT: BTreeMap<Period, Micros> = BTreeMap::new();

fn case<'a>(
    clause_id: i64,
    terms: &'a ClauseTerms,
    events: &'a [LateEvent],
    periods: &'a [PeriodFacts],
) -> ClauseCase<'a> {
    let in_force = InForce::ALWAYS;
    ClauseCase {
        contract_version_id: 1,
        clause_id,
        terms,
        in_force,
        freight: &NO_FREIGHT,
        events,
        periods,
        special: &[],
    }
}

fn one_period(terms: &ClauseTerms, facts: PeriodFacts) -> Target {
    let freight = BTreeMap::new();
    let periods = [facts];
    group(&freight, vec![case(1, terms, &[], &periods)]).evaluate().unwrap().remove(0)
}

/// What the ledger and the last run hold after `entries` were posted for `targets`.
fn post(targets: &[Target], entries: &[Delta], posted: &mut BTreeMap<ObligationKey, Posted>) {
    for target in targets {
        let standing = posted.entry(target.key).or_insert_with(|| target.unposted());
        standing.uncapped = Some(target.uncapped);
    }
    for entry in entries {
        let standing = posted.get_mut(&entry.key).unwrap();
        standing.amount = standing.amount + entry.delta;
    }
}

/// DOMAIN P9: caps in event order; then E1 is excluded and the room moves on.
#[test]
fn cap_stack_reallocates_after_a_reversal() {
    let (terms, freight) = (late_terms(), BTreeMap::new());
    let events = [
        late(1, "2025-06-02", "1200"),
        late(2, "2025-06-03", "2100"),
        late(3, "2025-06-04", "1800"),
        late(4, "2025-06-05", "900"),
    ];
    let first = group(&freight, vec![case(1, &terms, &events, &[])]).evaluate().unwrap();
    let amounts = |targets: &[Target]| -> Vec<String> {
        targets.iter().map(|t| format!("{}+{}", t.amount, t.forgone)).collect()
    };
    assert_eq!(amounts(&first), ["120.00+0.00", "150.00+60.00", "130.00+50.00", "0.00+90.00"]);

    let mut posted = BTreeMap::new();
    let entries = deltas(&first, &posted, day("2025-06-10"));
    post(&first, &entries, &mut posted);
    let second = group(&freight, vec![case(1, &terms, &events[1..], &[])]).evaluate().unwrap();
    assert_eq!(amounts(&second), ["150.00+60.00", "150.00+30.00", "90.00+0.00"]);
    let entries = deltas(&second, &posted, day("2025-06-20"));
    let shown: Vec<_> = entries.iter().map(|e| (e.key.of, e.delta.to_string(), e.reason)).collect();
    assert_eq!(
        shown,
        [
            (Obligation::Event(1), "-120.00".to_owned(), Reason::Reversal),
            (Obligation::Event(3), "20.00".to_owned(), Reason::CapReallocation),
            (Obligation::Event(4), "90.00".to_owned(), Reason::CapReallocation),
        ]
    );
    assert_eq!(entries.iter().map(|e| e.delta).sum::<Micros>().to_string(), "-10.00");
}

/// DOMAIN P3, the cap: 525.00 raw, 3 % of 14,900.00.
#[test]
fn a_cap_as_share_of_freight_records_what_is_forgone() {
    let mut terms = otif_terms();
    period_rule(&mut terms).amount = PeriodAmount::Fixed { amount: units("525") };
    terms.period_cap.share_of_freight = Some(Bps(300));
    let periods = [facts(101, 120, "14900")];
    let mut freight = BTreeMap::new();
    let error = group(&freight, vec![case(1, &terms, &[], &periods)]).evaluate().unwrap_err();
    assert!(matches!(error, ClauseError::NoFreight { .. }), "{error}");

    freight.insert(periods[0].period, units("14900"));
    let own = ClauseCase { freight: &freight, ..case(1, &terms, &[], &periods) };
    let target = group(&freight, vec![own]).evaluate().unwrap().remove(0);
    assert_eq!((target.amount, target.forgone), (units("447"), units("78")));
    assert_eq!(target.steps.last().unwrap(), "Above the cap and not owed: 78.00.");
}

/// DOMAIN §3.10: what is agreed for a month counts by the days in force.
#[test]
fn a_part_of_a_month_has_its_part_of_a_fixed_amount_and_of_the_cap() {
    let mut terms = otif_terms();
    period_rule(&mut terms).amount = PeriodAmount::Fixed { amount: units("1000") };
    terms.period_cap.amount = Some(units("100.01"));
    let (periods, freight) = ([facts(101, 120, "14900")], BTreeMap::new());
    let in_force = InForce { from: day("2025-06-16"), until: None };
    let part = ClauseCase { in_force, ..case(1, &terms, &[], &periods) };
    let target = group(&freight, vec![part]).evaluate().unwrap().remove(0);
    assert_eq!((target.uncapped, target.amount), (units("500"), units("50.01")), "half a cent goes up");
    assert_eq!(
        target.steps[1..],
        [
            "Short of 95 % by 10.83 points, beyond the 0.50 dead band: 1,000.00, in force on 15 of 30 days.",
            "That is 500.00.",
            "Cap of this clause for June 2025, in force on 15 of 30 days: 50.01, 50.01 left.",
            "Above the cap and not owed: 449.99.",
        ]
    );
}

/// A week that ends in July belongs to June's limit when the contract ended on 30 June.
#[test]
fn a_part_of_a_week_counts_in_the_month_in_which_its_version_held() {
    let mut terms = otif_terms();
    let rule = period_rule(&mut terms);
    (rule.period, rule.amount) = (PeriodKind::Week, PeriodAmount::Fixed { amount: units("700") });
    let week: Period = "2025-W27".parse().unwrap();
    let periods = [PeriodFacts { period: week, ..facts(101, 120, "14900") }];
    let in_force = InForce { from: day("2025-01-01"), until: Some(day("2025-07-01")) };
    let freight = BTreeMap::new();
    let part = ClauseCase { in_force, ..case(1, &terms, &[], &periods) };
    let mut group = group(&freight, vec![part]);
    group.in_force = vec![in_force];
    group.contract_cap.cap.amount = Some(units("90"));
    let target = group.evaluate().unwrap().remove(0);
    assert_eq!((target.uncapped, target.amount), (units("100"), units("90")), "one day of seven");
}

/// DOMAIN P2 at the close, in words.
#[test]
fn the_steps_can_be_redone_by_hand() {
    let target = one_period(&otif_terms(), facts(388, 412, "186420.55"));
    assert_eq!(
        target.steps,
        [
            "On time and in full (OTIF): 388 of 412 = 94.1748 %.",
            "Short of 95 % by 0.83 points, beyond the 0.50 dead band: 1 % of 186,420.55.",
            "That is 1,864.21.",
        ]
    );
    let within = one_period(&otif_terms(), facts(391, 412, "186420.55"));
    assert_eq!(within.steps[1], "Short of 95 % by 0.10 points, within the 0.50 dead band: nothing is owed.");
    assert_eq!(within.amount, Micros::ZERO);
}

#[test]
fn the_edge_of_the_dead_band_owes_nothing_and_small_periods_do_not_count() {
    let terms = otif_terms();
    assert_eq!(one_period(&terms, facts(945, 1000, "100")).amount, Micros::ZERO);
    let hair = one_period(&terms, facts(94_499, 100_000, "100"));
    assert_eq!(hair.amount, units("1"));
    assert!(hair.steps[1].contains("by 0.501 points, beyond the 0.50 dead band"), "{:?}", hair.steps);
    let few = one_period(&terms, facts(0, 19, "100"));
    assert_eq!(
        (few.amount, few.steps[0].as_str()),
        (Micros::ZERO, "Only 19 units in 2025-06; the clause applies from 20 units on.")
    );
    assert_eq!(
        one_period(&terms, facts(0, 0, "100")).steps,
        ["No data for On time and in full (OTIF) in 2025-06."]
    );
}

/// DOMAIN §0.2: rounded first when the clause says so, then compared.
#[test]
fn measurement_decimals_round_before_the_comparison() {
    let mut terms = otif_terms();
    period_rule(&mut terms).dead_band = Decimal::ZERO;
    assert!(one_period(&terms, facts(9_496, 10_000, "100")).amount > Micros::ZERO);
    period_rule(&mut terms).measurement_decimals = Some(1);
    let target = one_period(&terms, facts(9_496, 10_000, "100"));
    assert_eq!(
        (target.amount, target.steps[0].as_str()),
        (Micros::ZERO, "On time and in full (OTIF): 9,496 of 10,000 = 95 %.")
    );
}

/// DOMAIN P5: 98.7 % reaches the 98.5 % of the bonus.
#[test]
fn a_bonus_is_due_from_its_threshold_on() {
    let mut terms = otif_terms();
    terms.sign = Sign::Bonus;
    let rule = period_rule(&mut terms);
    rule.threshold = Decimal::new(985, 1);
    rule.dead_band = Decimal::ZERO;
    rule.amount = PeriodAmount::PctOfSpend { share: Bps(100) };
    assert_eq!(one_period(&terms, facts(987, 1000, "212480")).amount, units("2124.80"));
    assert_eq!(one_period(&terms, facts(985, 1000, "212480")).amount, units("2124.80"));
    assert_eq!(one_period(&terms, facts(984, 1000, "212480")).amount, Micros::ZERO);
}

#[test]
fn lower_is_better_turns_the_comparison_round() {
    let mut terms = otif_terms();
    let rule = period_rule(&mut terms);
    (rule.better, rule.scale) = (Better::Lower, Scale::Plain);
    (rule.threshold, rule.dead_band) = (Decimal::from(2), Decimal::ZERO);
    assert_eq!(one_period(&terms, facts(150, 100, "100")).amount, Micros::ZERO);
    assert_eq!(one_period(&terms, facts(250, 100, "100")).amount, units("1"));
}

/// DOMAIN P1: two late days at 5 %, capped at 15 % of linehaul; grace takes days off.
#[test]
fn a_late_day_costs_its_share_of_linehaul() {
    let mut terms = late_terms();
    let Rule::LateDelivery(rule) = &mut terms.rule else { panic!() };
    rule.per_day = PerDay::PctOfLinehaul { share: Bps(500) };
    (rule.event_cap_share, rule.event_cap_amount) = (Some(Bps(1_500)), None);
    let freight = BTreeMap::new();
    let amount = |terms: &ClauseTerms, days| {
        let event = LateEvent { late_business_days: days, ..late(1, "2025-05-14", "1240") };
        let targets = group(&freight, vec![case(1, terms, &[event], &[])]).evaluate().unwrap();
        targets[0].amount.to_string()
    };
    assert_eq!([0, 2, 5].map(|days| amount(&terms, days)), ["0.00", "124.00", "186.00"]);
    let Rule::LateDelivery(rule) = &mut terms.rule else { panic!() };
    rule.grace_days = 1;
    assert_eq!([1, 2, 5].map(|days| amount(&terms, days)), ["0.00", "62.00", "186.00"]);
}

#[test]
fn facts_that_do_not_fit_stop_the_contract() {
    let (terms, freight) = (late_terms(), BTreeMap::new());
    let foreign = [LateEvent { currency: Currency::EUR, ..late(1, "2025-06-02", "1200") }];
    let error = group(&freight, vec![case(3, &terms, &foreign, &[])]).evaluate().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cv:1/cl:3/ev:1 (E1) has an amount in EUR, the contract is in USD; convert it at a dated rate first"
    );
    let twice = [late(1, "2025-06-02", "1200"), late(1, "2025-06-03", "1200")];
    let error = group(&freight, vec![case(3, &terms, &twice, &[])]).evaluate().unwrap_err();
    assert!(matches!(error, ClauseError::Twice { .. }), "{error}");
    let periods = [facts(1, 30, "1")];
    let error = group(&freight, vec![case(3, &terms, &[], &periods)]).evaluate().unwrap_err();
    assert!(matches!(error, ClauseError::OtherKind { .. }), "{error}");
}

#[test]
fn terms_and_keys_read_back_as_stored() {
    for terms in [late_terms(), otif_terms()] {
        assert_eq!(ClauseTerms::from_json(&terms.to_json().unwrap()).unwrap(), terms);
    }
    let short =
        r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"FIXED","amount":5000000}}}"#;
    assert_eq!(ClauseTerms::from_json(short).unwrap().period_kind(), PeriodKind::Month);
    // What a clause leaves unsaid is not in its text, so that seals of versions from before hold.
    let stored = ClauseTerms::from_json(short).unwrap().to_json().unwrap();
    assert!(["scope", "incidents", "handling"].iter().all(|word| !stored.contains(word)), "{stored}");
    assert_eq!(
        serde_json::to_string(&ContractCap::default()).unwrap(),
        r#"{"period":"MONTH","cap":{"amount":null,"share_of_freight":null}}"#
    );
    let typo = short.replace("per_day", "per_dya");
    assert!(ClauseTerms::from_json(&typo).unwrap_err().to_string().contains("per_dya"));
    for key in ["cv:7/cl:3/2025-06", "cv:7/cl:3/2025-W26", "cv:7/cl:3/ev:48213"] {
        assert_eq!(key.parse::<ObligationKey>().unwrap().to_string(), key);
    }
    assert!("cv:7/cl:x/2025-06".parse::<ObligationKey>().is_err());
}

#[test]
fn terms_are_explained_in_plain_words() {
    assert_eq!(otif_terms().validate(), []);
    assert_eq!(
        otif_terms().explain(),
        [
            "A service credit for each month in which On time and in full (OTIF) falls short of 95 %.",
            "Nothing within 0.5 points of it.",
            "Up to 2 points: 1 % of the month's spend.",
            "Up to 5 points: 2.5 % of the month's spend.",
            "Beyond: 5 % of the month's spend.",
            "Nothing is owed for a month in which fewer than 20 were counted.",
        ]
    );
    assert_eq!(
        late_terms().explain(),
        [
            "10 % of linehaul for each business day a shipment is late.",
            "At most 150.00 per shipment.",
            "At most 400.00 per month for this clause.",
        ]
    );
}

#[test]
fn problems_name_their_field() {
    let mut terms = otif_terms();
    let rule = period_rule(&mut terms);
    rule.kpi.clear();
    rule.threshold = Decimal::from(950);
    rule.min_volume = 0;
    rule.period = PeriodKind::Year;
    let tier =
        |points: Option<i64>, share| Tier { up_to_points: points.map(Decimal::from), share: Bps(share) };
    rule.amount = PeriodAmount::TierTable { tiers: vec![tier(None, 0), tier(Some(5), 250)] };
    terms.period_cap.amount = Some(Micros::ZERO);
    let fields: Vec<_> = terms.validate().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "kpi",
            "threshold",
            "min_volume",
            "period",
            "tiers.0.share",
            "tiers.0.up_to_points",
            "tiers.1.up_to_points",
            "period_cap.amount",
        ]
    );
    let bonus = ClauseTerms { sign: Sign::Bonus, ..late_terms() };
    assert_eq!(bonus.validate()[0].0, "sign");
}

/// DOMAIN 4.2, missed pickup: 150.00 each.
const PICKUP: &str = r#"{"kind":"MISSED_PICKUP","per_pickup":150000000,"period":"MONTH"}"#;

fn pickup_terms(incidents: IncidentRule) -> ClauseTerms {
    let terms = ClauseTerms::from_json(&format!(r#"{{"sign":"PENALTY","rule":{PICKUP}}}"#)).unwrap();
    ClauseTerms { incidents, ..terms }
}

#[test]
fn a_missed_pickup_is_read_checked_and_priced() {
    let terms = pickup_terms(IncidentRule::All);
    assert_eq!(ClauseTerms::from_json(&terms.to_json().unwrap()).unwrap(), terms);
    assert_eq!((terms.validate(), terms.rule.code()), (vec![], "MISSED_PICKUP"));
    assert_eq!(
        terms.explain(),
        [
            "150.00 for each pickup that is not made on its committed day.",
            "It counts on the day on which the load was due at its destination.",
            "Nor is a charge owed for a truck ordered and not used, where nothing excuses the pickup.",
        ]
    );
    // By its day, and in time: a truck that came late on its day missed its window alone.
    let missed =
        |miss: PickupMiss| [(true, true), (false, true), (false, false)].map(|said| miss.is_missed(said));
    assert_eq!(missed(PickupMiss::Day), [true, false, false]);
    assert_eq!(missed(PickupMiss::Window), [true, true, false]);
    let wrong: Vec<String> = refused(r#"{"kind":"MISSED_PICKUP","per_pickup":0,"period":"YEAR"}"#, "")
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(wrong, ["per_pickup", "period"]);
    assert_eq!(refused(PICKUP, r#","period_cap":{"amount":100000000}"#)[0].0, "period_cap.amount");
    let freight = BTreeMap::new();
    let missed = [LateEvent { pickup_due: Some(day("2025-06-01")), ..late(1, "2025-06-02", "1200") }];
    let target = group(&freight, vec![case(4, &terms, &missed, &[])]).evaluate().unwrap().remove(0);
    assert_eq!((target.amount, target.obligation_day), (units("150"), day("2025-06-02")));
    assert_eq!(target.steps[0], "E1 was not picked up on 1 June 2025.");
}

#[test]
fn an_incident_is_of_one_load_under_one_version_and_records_what_is_forgone() {
    let freight = BTreeMap::new();
    let highest = pickup_terms(IncidentRule::HighestOnly);
    let late_too = ClauseTerms { incidents: IncidentRule::HighestOnly, ..late_terms() };
    let beside = pickup_terms(IncidentRule::All);
    // 10 % of 1,800.00, capped to 150.00 for one shipment: as much as the pickup, and the first by clause.
    let events = [late(1, "2025-06-02", "1800")];
    let other = ClauseCase { contract_version_id: 2, ..case(6, &highest, &events, &[]) };
    let cases = vec![
        case(3, &late_too, &events, &[]),
        case(4, &highest, &events, &[]),
        case(5, &beside, &events, &[]),
        other,
    ];
    let targets = group(&freight, cases).evaluate().unwrap();
    let of = |clause| targets.iter().find(|target| target.key.clause_id == clause).unwrap();
    assert_eq!(
        [3, 4, 5, 6].map(|clause| of(clause).amount),
        [units("150"), Micros::ZERO, units("150"), units("150")]
    );
    let lower = of(4);
    assert_eq!((lower.uncapped, lower.forgone), (units("150"), units("150")));
    assert_eq!(lower.cuts, [Cut { level: CapLevel::Incident, amount: units("150") }]);
    assert_eq!(of(3).forgone, units("30"), "by the cap for one shipment");
    let told = lower.steps.last().unwrap();
    assert!(told.ends_with("only the highest counts: 150.00 is forgone here."), "{told}");
}

/// What a text says wrong, by field, as it would come from a file or a counter-proposal.
fn refused(rule: &str, rest: &str) -> Vec<(String, String)> {
    let text = format!(r#"{{"sign":"PENALTY","rule":{rule}{rest}}}"#);
    let terms = ClauseTerms::from_json(&text).unwrap();
    terms.validate().into_iter().chain(terms.validate_new()).collect()
}

#[test]
fn a_cap_below_what_it_caps_is_refused_with_what_to_write() {
    let late = |price: &str, rest: &str| format!(r#"{{"kind":"LATE_DELIVERY","per_day":{price}{rest}}}"#);
    let fifty = r#"{"type":"FIXED","amount":50000000}"#;
    let tenth = r#"{"type":"PCT_OF_LINEHAUL","share":1000}"#;
    let period = |amount: &str, kpi: &str| {
        format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"{kpi}","better":"HIGHER","scale":"PERCENT","threshold":"90",
                "period":"MONTH","amount":{amount}}}"#
        )
    };
    let volume = r#"{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH","quantity":100000000,
        "tolerance":0,"rate":85000000,"rejections_count":true,"force_majeure_reduces":true}"#;
    let cap = r#","period_cap":{"amount":40000000}"#;
    let day = "must be at least the price of a late day, or that one is never reached";
    let cases = [
        (late(fifty, r#","event_cap_amount":40000000"#), "", "event_cap_amount", day),
        (late(tenth, r#","event_cap_share":500"#), "", "event_cap_share", day),
        (late(fifty, ""), cap, "period_cap.amount", day),
        (
            late(tenth, r#","event_cap_amount":50000000"#),
            cap,
            "period_cap.amount",
            "must be at least the most for one shipment, or that one is never reached",
        ),
        (
            period(r#"{"type":"FIXED","amount":500000000}"#, "TAR"),
            cap,
            "period_cap.amount",
            "must be at least the amount of a period, or that one is never reached",
        ),
        (
            period(r#"{"type":"PER_UNIT","amount":75000000}"#, "TAR"),
            cap,
            "period_cap.amount",
            "must be at least the price of a unit missed, or that one is never reached",
        ),
        (
            period(r#"{"type":"COST_DIFFERENCE","of_difference":10000,"most":300000000}"#, "TAR"),
            cap,
            "period_cap.amount",
            "must be at least the most for one load, or that one is never reached",
        ),
        (
            volume.to_owned(),
            cap,
            "period_cap.amount",
            "must be at least what is owed for each unit short, or that one is never reached",
        ),
    ];
    for (rule, rest, field, message) in cases {
        assert_eq!(refused(&rule, rest), [(field.to_owned(), message.to_owned())], "{rule}");
    }
    assert_eq!(refused(&late(fifty, r#","event_cap_amount":50000000"#), ""), [], "as much is enough");
}

#[test]
fn tiers_with_a_hole_are_refused_by_row() {
    let tiers = |rows: &str| {
        let rule = format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"OTIF","better":"HIGHER","scale":"PERCENT","threshold":"95",
                "period":"MONTH","amount":{{"type":"TIER_TABLE","tiers":[{rows}]}}}}"#
        );
        refused(&rule, "")
    };
    let row = |points: &str| format!(r#"{{"up_to_points":{points},"share":100}}"#);
    let cases = [
        ("null,2,null", "tiers.0.up_to_points", "only the last row may be open; give its points"),
        ("5,2,null", "tiers.1.up_to_points", "must be more points than the row above"),
        ("2,2,null", "tiers.1.up_to_points", "must be more points than the row above"),
        ("2,5", "tiers.1.up_to_points", "leave the last row open, so that every shortfall has a price"),
    ];
    for (points, field, message) in cases {
        let rows: Vec<String> = points
            .split(',')
            .map(|points| if points == "null" { row(points) } else { row(&format!("\"{points}\"")) })
            .collect();
        assert_eq!(tiers(&rows.join(",")), [(field.to_owned(), message.to_owned())], "{points}");
    }
    assert_eq!(tiers("")[0].1, "a tier table has 1 to 20 rows");
}

#[test]
fn a_dead_band_leaves_something_to_price() {
    let rule = |better: &str, kpi: &str, threshold: &str, band: &str| {
        format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"{kpi}","better":"{better}","scale":"PERCENT","threshold":"{threshold}",
                "dead_band":"{band}","period":"MONTH","amount":{{"type":"FIXED","amount":500000000}}}}"#
        )
    };
    let of = |sign: &str, rule: &str| {
        let terms = ClauseTerms::from_json(&format!(r#"{{"sign":"{sign}","rule":{rule}}}"#)).unwrap();
        assert_eq!(terms.validate(), [], "one that is signed so is read");
        terms.validate_new().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    // What lies below 93 % is 93 points, what lies above 7.
    for (sign, better, band, fine) in [
        ("PENALTY", "HIGHER", "92", true),
        ("PENALTY", "HIGHER", "93", false),
        ("PENALTY", "HIGHER", "94", false),
        ("PENALTY", "LOWER", "6.5", true),
        ("PENALTY", "LOWER", "7", false),
        ("BONUS", "HIGHER", "7", true),
        ("BONUS", "HIGHER", "7.5", false),
        ("BONUS", "LOWER", "93", true),
        ("BONUS", "LOWER", "94", false),
    ] {
        let told = of(sign, &rule(better, "OTD_WIN", "93", band));
        assert_eq!(told, if fine { vec![] } else { vec!["dead_band"] }, "{sign} {better} {band}");
    }
    assert!(of("PENALTY", &rule("LOWER", "OTD_WIN", "100", "0")).is_empty(), "no dead band is none");
}

#[test]
fn a_larger_miss_costs_no_less_than_a_smaller_one() {
    let told = |shares: [u32; 3]| {
        let [one, two, three] = shares;
        let rule = format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"OTIF","better":"HIGHER","scale":"PERCENT","threshold":"95",
                "period":"MONTH","amount":{{"type":"TIER_TABLE","tiers":[{{"up_to_points":"2","share":{one}}},
                {{"up_to_points":"5","share":{two}}},{{"up_to_points":null,"share":{three}}}]}}}}"#
        );
        refused(&rule, "").into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    assert!(told([100, 250, 500]).is_empty());
    assert!(told([100, 100, 100]).is_empty(), "as much is enough");
    assert_eq!(told([100, 500, 250]), ["tiers.2.share"]);
    assert_eq!(told([300, 200, 100]), ["tiers.1.share", "tiers.2.share"]);
}

#[test]
fn excuses_of_its_own_are_for_what_can_be_excused() {
    let own = r#","exclusions":{"only":["SHIPPER"],"ramp_up_days":30}"#;
    let kpi = |kpi: &str, scale: &str| {
        format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"{kpi}","better":"HIGHER","scale":"{scale}","threshold":"90",
                "period":"MONTH","amount":{{"type":"FIXED","amount":500000000}}}}"#
        )
    };
    assert_eq!(refused(&kpi("TAR", "PERCENT"), own), []);
    for (code, scale) in [("INV_ACC", "PERCENT"), ("CPS", "PLAIN")] {
        assert_eq!(refused(&kpi(code, scale), own)[0].0, "exclusions", "{code}");
    }
    let days = r#","exclusions":{"ramp_up_days":0}"#;
    assert_eq!(refused(&kpi("TAR", "PERCENT"), days)[0].0, "exclusions.ramp_up_days");
}

/// What costs less is what is saved, whatever the KPI's own direction: a clause that says more is better would pay for waste.
#[test]
fn savings_are_of_costs_that_fall() {
    assert_eq!(Kpi::Cps.better_in_clause(), Better::Lower);
    let saved = |better: &str| {
        format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"CPS","better":"{better}","scale":"PLAIN","threshold":"100",
                "period":"MONTH","amount":{{"type":"SHARE_OF_SAVINGS","of_savings":5000}}}}"#
        )
    };
    assert_eq!(refused(&saved("LOWER"), ""), []);
    assert_eq!(refused(&saved("HIGHER"), "")[0].0, "better");
}

fn any_event() -> impl Strategy<Value = LateEvent> {
    (0_i64..12, 0_u64..40, 0_u32..6, 0_i64..500_000).prop_map(|(id, offset, days, cents)| {
        let due = day("2025-06-01") + chrono::Days::new(offset);
        LateEvent {
            obligation_day: due,
            obligation_at: at(due),
            late_business_days: days,
            linehaul: Micros(cents * 10_000),
            ..late(id, "2025-06-01", "0")
        }
    })
}

fn any_run() -> impl Strategy<Value = (Vec<LateEvent>, i64, i64)> {
    let events = prop::collection::vec(any_event(), 0..12).prop_map(|mut events: Vec<LateEvent>| {
        events.sort_by_key(|e| e.shipment_id);
        events.dedup_by_key(|e| e.shipment_id);
        events
    });
    (events, 0_i64..=400, 0_i64..30_000_000)
}

/// Late clauses 1 and 2 and the OTIF clause 3 under one contract cap of 500.
fn evaluate(events: &[LateEvent], good: i64, cents: i64, reverse: bool) -> Vec<Target> {
    let (first, otif, freight) = (late_terms(), otif_terms(), BTreeMap::new());
    let mut second = late_terms();
    second.period_cap = Cap::default();
    let periods = [PeriodFacts { spend: Micros(cents * 10_000), ..facts(good, 400, "0") }];
    let mut clauses =
        vec![case(1, &first, events, &[]), case(2, &second, events, &[]), case(3, &otif, &[], &periods)];
    if reverse {
        clauses.reverse();
    }
    let mut group = group(&freight, clauses);
    group.contract_cap.cap.amount = Some(units("500"));
    group.evaluate().unwrap()
}

proptest! {
    /// From any ledger to any targets in one run, and nothing more in the next; the entries balance.
    #[test]
    fn the_ledger_converges_to_the_targets(before in any_run(), after in any_run()) {
        let booking = Booking {
            partner_id: 1,
            currency: Currency::USD,
            posting_date: day("2025-07-01"),
            recognition: Recognition::Memo,
            told: false,
            memo: String::new(),
        };
        let as_of = day("2025-06-20");
        let mut journal = Vec::new();
        let mut posted = BTreeMap::new();
        for (events, good, cents) in [&before, &after] {
            let targets = evaluate(events, *good, *cents, false);
            for delta in deltas(&targets, &posted, as_of) {
                journal.push(accrual_entry(&delta, &booking).unwrap());
            }
            posted = posted_by_key(&journal);
            prop_assert_eq!(deltas(&targets, &posted, as_of), vec![]);
            prop_assert_eq!(tie_out(&targets, &posted), vec![]);
        }
        prop_assert!(trial_balance(journal.iter().flat_map(|e| &e.lines)).unbalanced().is_empty());
    }

    /// No cap is passed, nothing is lost between owed and forgone, every amount is whole cents.
    #[test]
    fn caps_hold(run in any_run()) {
        let (events, good, cents) = run;
        let targets = evaluate(&events, good, cents, false);
        let mut per_clause: BTreeMap<(i64, Period), Micros> = BTreeMap::new();
        let mut per_contract: BTreeMap<Period, Micros> = BTreeMap::new();
        for t in &targets {
            prop_assert!(Micros::ZERO <= t.amount && t.amount + t.forgone == t.uncapped);
            prop_assert_eq!(t.amount.0 % 10_000, 0);
            if let Obligation::Event(_) = t.key.of {
                prop_assert!(t.amount <= units("150"));
            }
            let sum = per_clause.entry((t.key.clause_id, t.obligation_period)).or_default();
            *sum = *sum + t.amount;
            let sum = per_contract.entry(t.obligation_period).or_default();
            *sum = *sum + t.amount;
        }
        prop_assert!(per_clause.iter().all(|((clause, _), sum)| *clause != 1 || *sum <= units("400")));
        prop_assert!(per_contract.values().all(|sum| *sum <= units("500")));
    }

    /// The order in which facts and clauses arrive changes nothing.
    #[test]
    fn input_order_does_not_matter(run in any_run()) {
        let (mut events, good, cents) = run;
        let forward = evaluate(&events, good, cents, false);
        events.reverse();
        prop_assert_eq!(evaluate(&events, good, cents, true), forward);
    }
}

#[test]
fn only_documents_and_messages_can_be_put_right() {
    let kpi = |kpi: &str| {
        format!(
            r#"{{"kind":"PERIOD_THRESHOLD","kpi":"{kpi}","better":"HIGHER","scale":"PERCENT","threshold":"90",
                "period":"MONTH","amount":{{"type":"FIXED","amount":500000000}}}}"#
        )
    };
    let cure = r#","exclusions":{"cure_days":3}"#;
    for code in ["POD_TIMELY", "EDI_COMPLETE", "EDI_TIMELY", "VISIBILITY"] {
        assert_eq!(refused(&kpi(code), cure), [], "{code}");
    }
    let late = r#"{"kind":"LATE_DELIVERY","per_day":{"type":"FIXED","amount":50000000}}"#;
    for rule in [kpi("OTD_WIN"), late.to_owned()] {
        let found = refused(&rule, cure);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "exclusions.cure_days");
        assert!(found[0].1.contains("POD_TIMELY"), "{}", found[0].1);
    }
    // As it was signed once: read as it was, and written no more.
    let signed = r#","handling":{"cure_days":10}"#;
    assert_eq!(refused(late, signed)[0].0, "handling.cure_days");
    let terms = ClauseTerms::from_json(&format!(r#"{{"sign":"PENALTY","rule":{late}{signed}}}"#)).unwrap();
    assert_eq!(terms.validate(), []);
    let words = "There are 10 business days to put a failure right before anything beyond it follows.";
    assert!(terms.explain().iter().any(|line| line == words), "{:?}", terms.explain());
}
