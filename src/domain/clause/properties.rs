//! Random histories of every kind of clause under all caps at once: what no order of facts may ever break.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::commitment::VolumeMeasure;
use crate::domain::ledger::{
    Booking, JournalEntry, Recognition, Side, accrual_entry, posted_by_key, tie_out, trial_balance,
};
use crate::domain::tier::{TierBand, TierMethod, TierProgramme, TierWindow};

const MONTHS: [&str; 4] = ["2025-03", "2025-04", "2025-05", "2025-06"];
const LATE: i64 = 1;
const LATE_TOO: i64 = 2;
const SHORT: i64 = 3;
const VOLUME: i64 = 4;
const EARN_BACK: i64 = 5;
const REBATE: i64 = 6;
const BONUS: i64 = 7;
const PER_UNIT: i64 = 8;
const PICKUP: i64 = 9;

/// One thing that becomes known.
#[derive(Clone, Debug)]
enum Fact {
    /// A shipment is so many days late at such a linehaul in cents; 0 days: not late after all.
    Late { id: i64, days: u32, cents: i64 },
    /// A month has so many good of so many, at such a spend in cents.
    Month { at: usize, good: i64, all: i64, cents: i64 },
    /// A month's loads.
    Loads { at: usize, moved: i64, turned_down: i64 },
    /// The year's spend so far, in cents.
    Spend { cents: i64 },
    /// A month's credit under the shortfall clause is settled, in cents.
    Settled { at: usize, cents: i64 },
}

impl Fact {
    /// What it is about: of two facts about one thing the later counts.
    fn about(&self) -> (u8, i64) {
        let at = |at: usize| i64::try_from(at).unwrap();
        match self {
            Self::Late { id, .. } => (0, *id),
            Self::Month { at: month, .. } => (1, at(*month)),
            Self::Loads { at: month, .. } => (2, at(*month)),
            Self::Spend { .. } => (3, 0),
            Self::Settled { at: month, .. } => (4, at(*month)),
        }
    }
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (1_i64..8, 0_u32..5, 0_i64..300_000).prop_map(|(id, days, cents)| Fact::Late { id, days, cents }),
        (0_usize..4, 0_i64..=200, 0_i64..40, 0_i64..9_000_000)
            .prop_map(|(at, good, extra, cents)| { Fact::Month { at, good, all: good + extra, cents } }),
        (0_usize..4, 0_i64..120, 0_i64..20).prop_map(|(at, moved, turned_down)| Fact::Loads {
            at,
            moved,
            turned_down
        }),
        (0_i64..200_000_000).prop_map(|cents| Fact::Spend { cents }),
        (0_usize..4, 0_i64..90_000).prop_map(|(at, cents)| Fact::Settled { at, cents }),
    ]
}

fn cents(n: i64) -> Micros {
    Micros(n * 10_000)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn month_of(at: usize) -> Period {
    MONTHS[at].parse().unwrap()
}

fn threshold(sign: Sign, value: i64, amount: PeriodAmount) -> Rule {
    Rule::PeriodThreshold(PeriodThreshold {
        kpi: "OTD_WIN".to_owned(),
        better: Better::Higher,
        scale: Scale::Percent,
        threshold: Decimal::from(value),
        dead_band: if sign == Sign::Penalty { Decimal::new(5, 1) } else { Decimal::ZERO },
        measurement_decimals: None,
        min_volume: 10,
        period: PeriodKind::Month,
        amount,
    })
}

/// The terms of every clause.
fn clauses() -> Vec<(i64, ClauseTerms)> {
    let late = |share| {
        let rule = Rule::LateDelivery(LateDelivery {
            per_day: PerDay::PctOfLinehaul { share: Bps(share) },
            grace_days: 0,
            event_cap_share: None,
            event_cap_amount: Some(cents(15_000)),
            period: PeriodKind::Month,
        });
        let cap = Cap { amount: Some(cents(40_000)), share_of_freight: None };
        ClauseTerms { incidents: IncidentRule::HighestOnly, ..ClauseTerms::of(Sign::Penalty, rule, cap) }
    };
    let volume = VolumePromise::Own(OwnVolume {
        measure: VolumeMeasure::Loads,
        period: PeriodKind::Month,
        quantity: Micros(100_000_000),
        tolerance: Bps(500),
        rate: cents(8_500),
        rejections_count: true,
        force_majeure_reduces: true,
    });
    let earn_back = EarnBack {
        of_clause: "3".to_owned(),
        kpi: "OTD_WIN".to_owned(),
        better: Better::Higher,
        scale: Scale::Percent,
        threshold: Decimal::from(95),
        min_volume: 10,
        period: PeriodKind::Month,
        consecutive: 2,
        share: Bps(7_500),
    };
    let tiers = vec![
        Tier { up_to_points: Some(Decimal::TWO), share: Bps(100) },
        Tier { up_to_points: None, share: Bps(500) },
    ];
    let plain = |sign, rule| ClauseTerms::of(sign, rule, Cap::default());
    let pickup = MissedPickup { per_pickup: cents(12_500), miss: PickupMiss::Day, period: PeriodKind::Month };
    let pickup = ClauseTerms {
        incidents: IncidentRule::HighestOnly,
        ..plain(Sign::Penalty, Rule::MissedPickup(pickup))
    };
    vec![
        (LATE, late(700)),
        (LATE_TOO, late(1_000)),
        (PICKUP, pickup),
        (SHORT, plain(Sign::Penalty, threshold(Sign::Penalty, 95, PeriodAmount::TierTable { tiers }))),
        (VOLUME, plain(Sign::ShipperLiability, Rule::VolumeShortfall(volume))),
        (EARN_BACK, plain(Sign::EarnBack, Rule::EarnBack(earn_back))),
        (REBATE, plain(Sign::Rebate, Rule::Rebate(Rebate { number: 1, expected_spend: cents(126_000_000) }))),
        (BONUS, plain(Sign::Bonus, threshold(Sign::Bonus, 98, PeriodAmount::PctOfSpend { share: Bps(100) }))),
        (
            PER_UNIT,
            plain(
                Sign::Penalty,
                threshold(Sign::Penalty, 90, PeriodAmount::PerUnit { amount: cents(7_500) }),
            ),
        ),
    ]
}

fn limits() -> ContractCap {
    let cap = |amount| Cap { amount: Some(amount), share_of_freight: None };
    ContractCap { period: PeriodKind::Month, cap: cap(cents(100_000)), annual: cap(cents(220_000)) }
}

/// What is known, whatever order it came in.
#[derive(Default)]
struct Known(BTreeMap<(u8, i64), Fact>);

impl Known {
    fn learn(&mut self, fact: &Fact) {
        self.0.insert(fact.about(), fact.clone());
    }

    fn months(&self) -> BTreeMap<Period, PeriodFacts> {
        let months = self.0.values().filter_map(|fact| match fact {
            Fact::Month { at, good, all, cents: spend } => Some((month_of(*at), (*good, *all, *spend))),
            _ => None,
        });
        let facts = |(period, (good, all, spend)): (Period, (i64, i64, i64))| {
            let facts = PeriodFacts {
                period,
                closes_at: closes_at(period, chrono_tz::UTC),
                numerator: Decimal::from(good),
                denominator: Decimal::from(all),
                units: all,
                spend: cents(spend),
                currency: Currency::USD,
                turned_down: Vec::new(),
                baseline: None,
            };
            (period, facts)
        };
        months.map(facts).collect()
    }

    fn settled(&self, period: Period) -> Micros {
        let settled = self.0.values().filter_map(|fact| match fact {
            Fact::Settled { at, cents: credit } if month_of(*at) == period => Some(cents(*credit)),
            _ => None,
        });
        settled.sum()
    }

    fn events(&self) -> Vec<LateEvent> {
        let late = self.0.values().filter_map(|fact| match fact {
            Fact::Late { id, days, cents: linehaul } if *days > 0 => Some((*id, *days, cents(*linehaul))),
            _ => None,
        });
        let event = |(id, days, linehaul): (i64, u32, Micros)| {
            let due = day("2025-05-28") + chrono::Days::new(u64::try_from(id).unwrap());
            LateEvent {
                partner_id: 1,
                shipment_id: id,
                reference: format!("E{id}"),
                obligation_day: due,
                obligation_at: due.and_hms_opt(17, 0, 0).unwrap().and_utc(),
                late_business_days: days,
                linehaul,
                freight: linehaul,
                currency: Currency::USD,
                pickup_due: None,
            }
        };
        late.map(event).collect()
    }

    fn special(&self, terms: &ClauseTerms) -> Vec<SpecialFacts> {
        let months = self.months();
        let currency = Currency::USD;
        match &terms.rule {
            Rule::VolumeShortfall(_) => self
                .0
                .values()
                .filter_map(|fact| match fact {
                    Fact::Loads { at, moved, turned_down } => Some((month_of(*at), *moved, *turned_down)),
                    _ => None,
                })
                .map(|(period, moved, turned_down)| {
                    SpecialFacts::Volume(VolumeFacts {
                        period,
                        closes_at: closes_at(period, chrono_tz::UTC),
                        promised: None,
                        known_until: period.end(),
                        moved: Micros(moved * 1_000_000),
                        turned_down: Micros(turned_down * 1_000_000),
                        lost_days: 0,
                        currency,
                    })
                })
                .collect(),
            Rule::EarnBack(rule) => months
                .keys()
                .filter_map(|period| {
                    let run = rule.run(*period).into_iter().map(|month| months.get(&month).cloned());
                    Some(SpecialFacts::EarnBack(EarnBackFacts {
                        period: *period,
                        closes_at: closes_at(*period, chrono_tz::UTC),
                        run: run.collect::<Option<Vec<_>>>()?,
                        credit: self.settled(rule.credit_period(*period)),
                        currency,
                    }))
                })
                .collect(),
            Rule::Rebate(_) => self
                .0
                .values()
                .filter_map(|fact| match fact {
                    Fact::Spend { cents: spend } => Some(cents(*spend)),
                    _ => None,
                })
                .map(|spend| {
                    let period: Period = "2025".parse().unwrap();
                    SpecialFacts::Rebate(RebateFacts {
                        period,
                        closes_at: closes_at(period, chrono_tz::UTC),
                        programme: Some(programme()),
                        spend,
                        measured: spend,
                        is_over: false,
                        currency,
                    })
                })
                .collect(),
            Rule::LateDelivery(_) | Rule::MissedPickup(_) | Rule::PeriodThreshold(_) => Vec::new(),
        }
    }

    fn targets(&self) -> Vec<Target> {
        let (clauses, freight) = (clauses(), BTreeMap::new());
        let (events, months) = (self.events(), self.months());
        let months: Vec<PeriodFacts> = months.into_values().collect();
        // Every other late shipment was not picked up either.
        let pickups: Vec<LateEvent> = events.iter().filter(|e| e.shipment_id % 2 == 0).cloned().collect();
        let special: Vec<Vec<SpecialFacts>> = clauses.iter().map(|(_, terms)| self.special(terms)).collect();
        let cases = clauses.iter().zip(&special).map(|((clause_id, terms), special)| ClauseCase {
            contract_version_id: 1,
            clause_id: *clause_id,
            terms,
            in_force: InForce::ALWAYS,
            freight: &freight,
            events: match terms.rule {
                Rule::LateDelivery(_) => &events,
                Rule::MissedPickup(_) => &pickups,
                _ => &[],
            },
            periods: if matches!(terms.rule, Rule::PeriodThreshold(_)) { &months } else { &[] },
            special,
        });
        let group = CapGroup {
            currency: Currency::USD,
            minor_digits: 2,
            contract_cap: limits(),
            in_force: vec![InForce::ALWAYS],
            freight: &freight,
            clauses: cases.collect(),
        };
        group.evaluate().unwrap()
    }
}

fn programme() -> TierProgramme {
    let band = |from: i64, share: i64| TierBand { from: Micros(from * 1_000_000), share: Bps(share) };
    TierProgramme {
        label: "Rebate".to_owned(),
        measure: VolumeMeasure::Spend,
        window: TierWindow::CalendarYear,
        bands: vec![band(0, 0), band(500_000, 200), band(1_000_000, 350)],
        method: Some(TierMethod::Incremental),
        grace_weeks: 0,
    }
}

fn booking() -> Booking {
    Booking {
        partner_id: 1,
        currency: Currency::USD,
        posting_date: day("2025-07-01"),
        recognition: Recognition::Memo,
        told: false,
        memo: String::new(),
    }
}

/// Posts what is missing, and gives how many entries that took.
fn post(targets: &[Target], journal: &mut Vec<JournalEntry>) -> usize {
    let posted = posted_by_key(journal.iter());
    let made = deltas(targets, &posted, day("2025-06-20"));
    journal.extend(made.iter().map(|delta| accrual_entry(delta, &booking()).unwrap()));
    made.len()
}

fn sum<'a>(targets: impl Iterator<Item = &'a Target>) -> Micros {
    targets.map(|target| target.amount).sum()
}

proptest! {
    /// After each fact the ledger is what is owed, a second run posts nothing, and debits equal credits.
    #[test]
    fn posted_is_what_is_owed_after_every_fact(facts in prop::collection::vec(any_fact(), 1..25)) {
        let (mut known, mut journal) = (Known::default(), Vec::new());
        for fact in &facts {
            known.learn(fact);
            let targets = known.targets();
            post(&targets, &mut journal);
            prop_assert_eq!(tie_out(&targets, &posted_by_key(&journal)), vec![]);
            prop_assert_eq!(post(&targets, &mut journal), 0);
            prop_assert!(trial_balance(journal.iter().flat_map(|entry| &entry.lines)).unbalanced().is_empty());
        }
    }

    /// What stands at the end does not depend on the order in which facts came.
    #[test]
    fn the_order_of_arrival_changes_nothing(facts in prop::collection::vec(any_fact(), 1..25)) {
        let (mut forward, mut there) = (Known::default(), Vec::new());
        for fact in &facts {
            forward.learn(fact);
            post(&forward.targets(), &mut there);
        }
        // The same last word on everything, the other way round.
        let (mut back, mut again) = (Known::default(), Vec::new());
        for fact in forward.0.values().rev() {
            back.learn(fact);
            post(&back.targets(), &mut again);
        }
        let standing = |journal: &[JournalEntry]| {
            let mut posted = posted_by_key(journal);
            posted.retain(|_, posted| posted.amount != Micros::ZERO);
            posted.into_iter().map(|(key, posted)| (key, posted.amount)).collect::<Vec<_>>()
        };
        prop_assert_eq!(standing(&there), standing(&again));
    }

    /// No cap is passed at any level, cuts add up to what is forgone, and every amount is whole cents.
    #[test]
    fn no_cap_is_passed(facts in prop::collection::vec(any_fact(), 1..25)) {
        let mut known = Known::default();
        facts.iter().for_each(|fact| known.learn(fact));
        let targets = known.targets();
        for target in &targets {
            prop_assert!(target.amount >= Micros::ZERO && target.amount.0 % 10_000 == 0);
            prop_assert_eq!(target.amount + target.forgone, target.uncapped);
            prop_assert_eq!(target.cuts.iter().map(|cut| cut.amount).sum::<Micros>(), target.forgone);
        }
        for sign in Sign::ALL.iter().filter(|sign| sign.is_limited()) {
            let of_sign = || targets.iter().filter(|target| target.sign == *sign);
            prop_assert!(sum(of_sign()) <= cents(220_000), "the year");
            for month in MONTHS.iter().chain(&["2025-07"]) {
                let month: Period = month.parse().unwrap();
                let in_month = || of_sign().filter(|target| target.obligation_period == month);
                prop_assert!(sum(in_month()) <= cents(100_000), "the month");
                let of_clause = |id| sum(in_month().filter(|target| target.key.clause_id == id));
                prop_assert!(of_clause(LATE) <= cents(40_000) && of_clause(LATE_TOO) <= cents(40_000));
            }
        }
    }

    /// Of three clauses for one shipment, of two kinds, one counts; and a shipment that was not late after all takes back its own cents.
    #[test]
    fn a_shipment_counts_once_and_leaves_nothing_behind(facts in prop::collection::vec(any_fact(), 1..25), gone in 1_i64..8) {
        let (mut known, mut journal) = (Known::default(), Vec::new());
        facts.iter().for_each(|fact| known.learn(fact));
        let targets = known.targets();
        post(&targets, &mut journal);
        for id in 1..8 {
            let owed = targets.iter().filter(|target| target.key.of == Obligation::Event(id) && target.amount > Micros::ZERO);
            prop_assert!(owed.count() <= 1);
        }
        known.learn(&Fact::Late { id: gone, days: 0, cents: 0 });
        post(&known.targets(), &mut journal);
        let mut left = Micros::ZERO;
        for line in journal.iter().filter(|entry| entry.key.of == Obligation::Event(gone)).flat_map(|entry| &entry.lines) {
            if line.account == crate::domain::ledger::Account::CreditAccrued {
                left = if line.side == Side::Debit { left + line.amount } else { left - line.amount };
            }
        }
        prop_assert_eq!(left, Micros::ZERO);
    }

    /// What is earned back is never more than the credit, and each credit is given back once.
    #[test]
    fn no_more_is_earned_back_than_was_credited(facts in prop::collection::vec(any_fact(), 1..25)) {
        let mut known = Known::default();
        facts.iter().for_each(|fact| known.learn(fact));
        let targets = known.targets();
        let given = targets.iter().filter(|target| target.sign == Sign::EarnBack);
        let mut credits: Vec<Period> = Vec::new();
        for target in given.filter(|target| target.amount > Micros::ZERO) {
            let of = target.obligation_period.previous().previous();
            prop_assert!(target.amount <= known.settled(of));
            prop_assert!(!credits.contains(&of));
            credits.push(of);
        }
    }

    /// Between no spend and the spend expected, the rebate accrued is its share of what the year would earn.
    #[test]
    fn a_rebate_accrues_in_step_with_the_spend(spent in 0_i64..=126_000_000) {
        let mut known = Known::default();
        known.learn(&Fact::Spend { cents: spent });
        let target = known.targets().remove(0);
        let exact = Decimal::from(spent) * Decimal::from(19_100) / Decimal::from(126_000_000);
        let off = (target.amount.decimal() - exact).abs();
        prop_assert!(off <= Decimal::new(5, 3), "{} for {spent} cents", target.amount);
    }
}
