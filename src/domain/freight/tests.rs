//! The case files, and what holds for any shipments.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::audit::{Accuracy, Finding, Position};
use crate::domain::ledger::{Account, Side, check_balanced};

const CASES: &str = include_str!("../../../tests/cases/freight/shipments.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    source: String,
    window_days: Option<i64>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    as_of: NaiveDate,
    delivered: Option<NaiveDate>,
    #[serde(default)]
    undelivered: bool,
    version: Option<i64>,
    owed: Option<BTreeMap<String, String>>,
    bills: Option<Vec<Vec<String>>>,
    stands: String,
    moves: Vec<String>,
}

fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

fn line(charge: &str, amount: &str) -> ExpectedLine {
    let (part, code) = charge.split_once(':').unwrap_or((charge, charge));
    ExpectedLine { code: code.to_owned(), part: part.parse().unwrap(), amount_micros: micros(amount).0 }
}

/// A bill of one charge, `before` what those before it came to.
fn audited(bill: &[String], before: Micros) -> Audited {
    let [status, charge, outcome, billed, short @ ..] = bill else { panic!("{bill:?}") };
    assert!(short.is_empty() || short == ["SHORT"] || short == ["ACCR"], "{bill:?}");
    let finding = (short == ["ACCR"]).then(|| Finding {
        code: DisputeCode::Accr,
        words: String::new(),
        is_ours: false,
    });
    let (charge, billed): (Charge, Micros) = (charge.parse().unwrap(), micros(billed));
    let outcome: Outcome = outcome.parse().unwrap();
    Audited {
        rules: 1,
        status: status.parse().unwrap(),
        outcome,
        billed,
        approved: billed,
        disputed: Micros::ZERO,
        payable: billed,
        finding: None,
        positions: vec![Position {
            lines: vec![1],
            shipment: Some("S".to_owned()),
            name: "S".to_owned(),
            found_by: None,
            lane: String::new(),
            charge,
            code: String::new(),
            billed,
            before,
            rated: None,
            variance: None,
            approved: billed,
            disputed: Micros::ZERO,
            outcome,
            evidence: String::new(),
            finding,
            is_short: short == ["SHORT"],
        }],
        accuracy: Accuracy::default(),
    }
}

/// The entries of some moves balance, come to them, and stand in the general ledger.
fn check_entries(moves: &[Move]) {
    let all: Vec<Batch> = batches(moves.iter().map(|one| (7, one)));
    let mut booked = 0;
    for batch in &all {
        let posting: NaiveDate = "2025-07-01".parse().unwrap();
        let entry = batch.entry(1, posting, RecognitionPolicy::MemoUntilAgreed).unwrap();
        check_balanced(&entry).unwrap();
        assert_eq!((entry.recognition, entry.posting_date), (Recognition::Gl, posting));
        assert_eq!(entry.reason, batch.why.reason());
        assert_eq!(ObligationKey::freight(entry.key.contract_version_id, entry.obligation_period), entry.key);
        let credit = entry.lines.iter().find(|line| line.account == Account::FreightAccrued).unwrap();
        booked += Account::FreightAccrued.growth(credit.side, credit.amount).0;
        let more = entry.lines[0].side == Side::Debit && entry.lines[0].account == Account::FreightExpense;
        assert_eq!(more, batch.parts.total() > Micros::ZERO);
    }
    assert_eq!(booked, moves.iter().map(|one| one.delta.0).sum::<i64>());
    let mut places: Vec<usize> = all.iter().flat_map(|batch| batch.moves.clone()).collect();
    places.sort_unstable();
    assert_eq!(places, (0..moves.len()).collect::<Vec<_>>(), "each move is behind one entry");
}

#[test]
fn freight_cases_come_to_what_they_say() {
    let file: File = toml::from_str(CASES).unwrap();
    for case in file.case {
        assert!(!case.source.is_empty());
        let window_days = case.window_days.unwrap_or(60);
        let (mut standing, mut all): (Option<Standing>, Vec<Move>) = (None, Vec::new());
        let (mut delivered, mut version_id) = (None, 1);
        let (mut owed, mut bills) = (BTreeMap::new(), Vec::new());
        for step in case.step {
            let title = format!("{}, {}", case.title, step.as_of);
            delivered = if step.undelivered { None } else { step.delivered.or(delivered) };
            version_id = step.version.unwrap_or(version_id);
            owed = step.owed.unwrap_or(owed);
            bills = step.bills.unwrap_or(bills);
            let mut said = Bills::default();
            let mut before: BTreeMap<String, Micros> = BTreeMap::new();
            for bill in &bills {
                let billed = before.entry(bill[1].clone()).or_default();
                let one = audited(bill, *billed);
                *billed = *billed + one.billed;
                said.add(&one);
            }
            let horizon = Horizon { as_of: step.as_of, window_days };
            let wanted = delivered.map_or_else(Target::default, |delivered_on| {
                let lines = owed.iter().map(|(charge, amount)| line(charge, amount)).collect();
                let carried = Carried { delivered_on, version_id, currency: Currency::USD, lines };
                target("S", &carried, &said, horizon)
            });
            let made = moves(standing.as_ref(), &wanted);
            let told: Vec<String> =
                made.iter().map(|one| format!("{} {} {}", one.why, one.part, one.delta)).collect();
            assert_eq!(told, step.moves, "{title}");
            let stands = wanted.standing.map_or(Micros::ZERO, |standing| standing.parts.total());
            assert_eq!(stands, micros(&step.stands), "{title}");
            check_entries(&made);
            standing = wanted.standing;
            all.extend(made);
            let moved: Micros = all.iter().map(|one| one.delta).sum();
            assert_eq!(moved, stands, "{title}");
            assert_eq!(moves(standing.as_ref(), &wanted), Vec::new(), "{title}, again");
        }
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let amount = || (-3_i64..6).prop_map(|units| Micros(units * 1_000_000));
    (amount(), amount(), amount(), amount()).prop_map(|(base, fuel, accessorial, tax)| Parts {
        base,
        fuel,
        accessorial,
        tax,
    })
}

fn standing() -> impl Strategy<Value = Option<Standing>> {
    let day = (1_u32..60).prop_map(|day| {
        NaiveDate::from_ymd_opt(2025, 6, 1).unwrap().checked_add_days(Days::new(u64::from(day))).unwrap()
    });
    let currency = proptest::sample::select(&[Currency::USD, Currency::EUR][..]);
    proptest::option::of((1_i64..3, currency, day, parts()).prop_map(
        |(version_id, currency, delivered_on, parts)| Standing { version_id, currency, delivered_on, parts },
    ))
}

proptest! {
    /// Whatever stands, the moves bring each obligation to its target, and the entries come to the moves.
    #[test]
    fn moves_bring_what_stands_to_the_target(before in standing(), after in standing()) {
        let after = after.filter(|after| after.parts != Parts::default());
        let target = Target { standing: after, ..Target::default() };
        let mut sums: BTreeMap<(ObligationKey, Currency, ChargePart), Micros> = BTreeMap::new();
        if let Some(before) = before {
            for (part, amount) in before.parts.each() {
                sums.insert((before.key(), before.currency, part), amount);
            }
        }
        let made = moves(before.as_ref(), &target);
        check_entries(&made);
        for one in &made {
            let sum = sums.entry((one.key, one.currency, one.part)).or_default();
            *sum = *sum + one.delta;
        }
        if let Some(after) = after {
            for (part, amount) in after.parts.each() {
                let sum = sums.entry((after.key(), after.currency, part)).or_default();
                *sum = *sum - amount;
            }
        }
        prop_assert!(sums.values().all(|sum| *sum == Micros::ZERO));
    }
}
