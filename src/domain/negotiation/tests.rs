//! The rules by case files (`tests/cases/negotiation/README.md` tells how), the values and the ledger by worked
//! examples and properties.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::concession::{RoundFacts, Term, ledger, terms as terms_that_differ, variants};
use super::text::{RoundText, Rows};
use super::value::{TermValue, value_changes, values, with_values};
use super::volume::{
    MonthVolume, NO_METHOD_WORDS, NOTHING_OWED_WORDS, ReplayVolume, SHARE_WORDS, WEIGHT_WORDS, unpriced,
    volume_effect,
};
use super::*;
use crate::domain::commitment::{CommitmentSide, VolumeCommitment, VolumeMeasure};
use crate::domain::money::{Bps, Micros};
use crate::domain::period::PeriodKind;
use crate::domain::rate::{Axis, Band, Cell, RateBasis, RateLine, TableSeal};
use crate::domain::terms::Terms;
use crate::domain::terms::tests::terms;
use crate::domain::tier::{TierBand, TierMethod, TierProgramme};

const CASES: [(&str, &str); 3] = [
    ("to_agreement", include_str!("../../../tests/cases/negotiation/to_agreement.toml")),
    ("refused", include_str!("../../../tests/cases/negotiation/refused.toml")),
    ("ended", include_str!("../../../tests/cases/negotiation/ended.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    moves: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "move")]
    kind: Move,
    who: String,
    on: Option<String>,
    #[serde(default)]
    message: String,
    reply_by: Option<String>,
    #[serde(default)]
    text: String,
    answers: Option<String>,
    round: Option<i32>,
    now: Option<String>,
    refused: Option<String>,
}

fn standing(talk: &Talk) -> String {
    match talk {
        Talk::Idle => "IDLE 0".to_owned(),
        Talk::Open(open) => format!("OPEN {}", open.round),
        Talk::Agreed { round, .. } => format!("AGREED {round}"),
        Talk::Closed { round, .. } => format!("CLOSED {round}"),
    }
}

#[test]
fn negotiation_cases() {
    for (name, text) in CASES {
        let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut talk, mut history, mut today) = (Talk::default(), Vec::new(), NaiveDate::MIN);
        for (line, number) in case.moves.iter().zip(1..) {
            if let Some(on) = &line.on {
                today = on.parse().unwrap();
            }
            let role: Option<Role> = (line.who != "CLOCK").then(|| line.who.parse().unwrap());
            let waits = match &talk {
                Talk::Open(Open { sha256, .. }) | Talk::Agreed { sha256, .. } => sha256.clone(),
                _ => String::new(),
            };
            let answers = line.answers.clone().unwrap_or(waits);
            let attempt = Attempt {
                kind: line.kind,
                side: role.and_then(Side::of),
                message: &line.message,
                reply_by: line.reply_by.as_ref().map(|day| day.parse().unwrap()),
                today,
                answers: (line.round.unwrap_or(talk.round()), &answers),
                text: &line.text,
            };
            let told = format!("{}, move {number}, {}", case.title, line.kind);
            match (talk.after(&attempt), &line.now, &line.refused) {
                (Ok(next), Some(now), None) => {
                    assert_eq!(standing(&next), *now, "{told}");
                    history.push(Past {
                        seq: i32::try_from(history.len()).unwrap() + 1,
                        kind: line.kind,
                        side: attempt.side,
                        role,
                        round: next.round(),
                        message: line.message.clone(),
                        reply_by: attempt.reply_by,
                        on: today,
                        answers: answers.clone(),
                        text: line.text.clone(),
                    });
                    talk = next;
                }
                (Err(reason), None, Some(words)) => {
                    assert!(reason.to_string().contains(words.as_str()), "{told}: {reason}");
                }
                (found, ..) => panic!("{told}: {found:?}"),
            }
        }
        assert_eq!(replay(&history).as_ref(), Ok(&talk), "{}", case.title);
        for at in 0..history.len() {
            let mut other = history.clone();
            other[at].seq += 1;
            assert_eq!(replay(&other), Err(Broken::Gap { expected: i32::try_from(at).unwrap() + 1 }));
            let mut other = history.clone();
            other[at].side = Some(other[at].side.map_or(Side::Shipper, Side::other));
            assert!(replay(&other).is_err(), "a move for the other side, {at}");
        }
    }
}

#[test]
fn a_history_that_was_bent_is_noticed() {
    let on: NaiveDate = "2025-07-01".parse().unwrap();
    let offer = Past {
        seq: 1,
        kind: Move::Offer,
        side: Some(Side::Shipper),
        role: Some(Role::Procurement),
        round: 1,
        message: String::new(),
        reply_by: Some(on),
        on,
        answers: String::new(),
        text: "first".to_owned(),
    };
    let accept = Past {
        seq: 2,
        kind: Move::Accept,
        side: Some(Side::Partner),
        role: Some(Role::Partner),
        reply_by: None,
        answers: "first".to_owned(),
        text: String::new(),
        ..offer.clone()
    };
    assert!(matches!(replay(&[offer.clone(), accept.clone()]), Ok(Talk::Agreed { round: 1, .. })));
    let later = Past { on: "2025-07-02".parse().unwrap(), ..accept.clone() };
    assert!(matches!(replay(&[offer.clone(), later]), Err(Broken::Move { seq: 2, .. })));
    let other = Past { answers: "second".to_owned(), ..accept.clone() };
    assert!(matches!(replay(&[offer.clone(), other]), Err(Broken::Move { seq: 2, .. })));
    let jumped = Past { round: 2, ..accept };
    assert!(matches!(replay(&[offer, jumped]), Err(Broken::Jump { seq: 2, .. })));
}

// ---- values -------------------------------------------------------------------

/// A text with everything that has values: a table of two cells, a minimum, an accessorial, a clause, a commitment.
fn whole() -> Terms {
    let mut terms = terms();
    let mut line = RateLine::new("LTL", "Linehaul", RateBasis::PerCwt);
    line.first = Some(Axis::Weight);
    line.min = Some(Micros(95_000_000));
    line.discount = Bps(1_000);
    let cell = |lower: i64, upper: Option<i64>, rate: i64| Cell {
        column: 0,
        first: Band { lower: Micros(lower * 1_000_000), upper: upper.map(|upper| Micros(upper * 1_000_000)) },
        second: Band::ALL,
        rate: Micros(rate),
        prior: None,
        min: None,
    };
    line.cells = vec![cell(0, Some(500), 48_200_000), cell(500, None, 39_750_000)];
    terms.pricing.tables = vec![TableSeal::of(&mut line.cells)];
    terms.pricing.terms.lines = vec![line];
    terms.pricing.terms.parameters.price_cap = Some(Bps(350));
    terms.pricing.terms.volumes = vec![VolumeCommitment {
        side: CommitmentSide::Shipper,
        measure: VolumeMeasure::Loads,
        period: PeriodKind::Year,
        quantity: Micros(1_000_000_000),
        tolerance: Bps(500),
        shortfall_rate: Micros(85_000_000),
        rejections_count: true,
        force_majeure_reduces: true,
    }];
    terms
}

fn value_of(terms: &Terms, key: &str) -> Decimal {
    values(terms).into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no {key}")).value
}

fn changes(pairs: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.parse().unwrap())).collect()
}

const CELL: &str = "RATE/LTL/0/0.00-500.00/0.00-/rate";

#[test]
fn every_part_has_its_values_and_each_is_changed_in_its_place() {
    let before = whole();
    let wanted = changes(&[
        (CELL, "50"),
        ("RATE_TABLE/LTL/min", "99.5"),
        ("RATE_TABLE/LTL/discount", "8.25"),
        ("ACCESSORIAL/LFT/rate", "45"),
        ("TARGET/OTD_WIN/target", "94.5"),
        ("CLAUSE/7.1/rule/per_day/share", "4"),
        ("VOLUME/1/shortfall_rate", "90"),
        ("OPTION/version/price_cap", "4"),
    ]);
    let after = with_values(&before, &wanted).unwrap();
    for (key, value) in &wanted {
        assert_eq!(value_of(&after, key), *value, "{key}");
    }
    assert_eq!(after.rates[0].rate, Some(Micros(45_000_000)));
    assert_eq!(after.pricing.terms.lines[0].discount, Bps(825));
    let made: BTreeMap<String, Decimal> = value_changes(&values(&before), &values(&after))
        .into_iter()
        .map(|change| (change.value.key, change.after.unwrap()))
        .collect();
    assert_eq!(made, wanted, "the redline says what was changed, and nothing else");
    assert_ne!(after.pricing.tables[0].sha256, before.pricing.tables[0].sha256);
    assert_ne!(after.hash(), before.hash());
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_changed() {
    let text = whole();
    let wrong = |key: &str, value: &str| with_values(&text, &changes(&[(key, value)])).unwrap_err();
    for (key, value, words) in [
        ("ACCESSORIAL/LFT/rate", "1.1234567", "six decimals"),
        ("ACCESSORIAL/LFT/rate", "-1", "between 0 and"),
        ("RATE_TABLE/LTL/discount", "8.255", "two decimals"),
        ("CLAUSE/7.1/rule/grace_days", "1.5", "whole number"),
        ("ACCESSORIAL/DTU/rate", "1", "no such value"),
        (CELL, "-3", "from 0 on"),
        ("TARGET/OTD_WIN/target", "99", "must rise"),
    ] {
        let problems = wrong(key, value);
        assert_eq!(problems.len(), 1, "{key} {value}: {problems:?}");
        assert_eq!(problems[0].key, key);
        assert!(problems[0].message.contains(words), "{key} {value}: {}", problems[0].message);
    }
}

#[test]
fn a_round_is_kept_whole() {
    let mut text = whole();
    for rate in [40_000_000, 41_000_000] {
        text.rates[0].rate = Some(Micros(rate));
        let rows = Rows { contract_id: 1, partner_id: 9, version_id: 2 };
        let body = serde_json::to_string(&RoundText::of(&text)).unwrap();
        let back: RoundText = serde_json::from_str(&body).unwrap();
        assert_eq!(back.terms(rows).hash(), text.hash(), "the round's hash is the one approval would seal");
        assert!(!body.contains("48200000"), "cells stay in their table");
    }
}

proptest! {
    /// A sheet that comes back unchanged changes nothing; a changed one changes what it says; the redline of a
    /// round applied to its base gives the round.
    #[test]
    fn values_go_out_and_come_back(picks in prop::collection::vec((0_usize..64, 1_i64..5_000), 0..8)) {
        let base = whole();
        let all = values(&base);
        let same: BTreeMap<String, Decimal> =
            all.iter().map(|value| (value.key.clone(), value.value)).collect();
        prop_assert_eq!(&with_values(&base, &same).unwrap(), &base);
        let mut wanted = same;
        for (at, hundredths) in picks {
            let value = &all[at % all.len()];
            wanted.insert(value.key.clone(), Decimal::new(hundredths, 2));
        }
        // Not every draw is a sound contract; those that are come back whole.
        if let Ok(round) = with_values(&base, &wanted) {
            let redline: BTreeMap<String, Decimal> = value_changes(&all, &values(&round))
                .into_iter()
                .map(|change| (change.value.key, change.after.unwrap()))
                .collect();
            let mut again = with_values(&base, &redline).unwrap();
            // A table is sealed anew where it changed.
            prop_assert_eq!(&mut again, &mut round.clone());
            prop_assert_eq!(again.hash(), round.hash());
        }
    }
}

// ---- the ledger -------------------------------------------------------------------

fn facts(round: i32, side: Side, pairs: &[(&str, &str)], total: i64) -> RoundFacts {
    let text = with_values(&whole(), &changes(pairs)).unwrap();
    RoundFacts {
        round,
        side,
        unpriced: unpriced(&text),
        values: values(&text),
        total: Some(Micros(total * 1_000_000)),
    }
}

/// Offer 100,000; ask 112,000; the shipper goes to 105,000 and the partner takes it.
///
/// The gap is 12,000: the shipper moved 5,000 of it (42 %), the partner 7,000 (58 %).
#[test]
fn who_moved_how_far_is_told_by_the_totals() {
    let rounds = [
        facts(1, Side::Shipper, &[], 100_000),
        facts(2, Side::Partner, &[(CELL, "54"), ("ACCESSORIAL/LFT/rate", "50")], 112_000),
        facts(3, Side::Shipper, &[(CELL, "50"), ("ACCESSORIAL/LFT/rate", "45")], 105_000),
    ];
    let terms = terms_that_differ(&rounds);
    let names: Vec<_> = terms.iter().map(|term| (term.of.as_str(), term.name.as_str())).collect();
    assert_eq!(names, [("Linehaul (LTL): 0 to 500", "rate"), ("Liftgate (LFT), per occurrence", "rate")]);
    let tried = variants(&rounds, &terms);
    assert_eq!(tried.len(), 4, "each value of each term once");
    // The first offer with the rate of 54 comes to 110,500, of 50 to 104,200; liftgate at 50 to 101,300, at 45 to 100,700.
    let worth: Vec<Micros> = tried
        .iter()
        .map(|variant| match variant.changes.values().next().unwrap().to_string().as_str() {
            "54" => 110_500,
            "50" if variant.term == 0 => 104_200,
            "50" => 101_300,
            _ => 100_700,
        })
        .map(|total: i64| Micros(total * 1_000_000))
        .collect();
    let open = ledger(&rounds[..2], &terms, &tried, &worth, None);
    assert_eq!(
        open.movement.unwrap().words(Side::Shipper),
        "You moved 0 % of the gap; they moved 0 %; 100 % is still open."
    );
    let done = ledger(&rounds, &terms, &tried, &worth, Some(3));
    let worth_of = |line: usize, round: usize| done.lines[line].positions[round].worth.unwrap().0 / 1_000_000;
    assert_eq!([worth_of(0, 0), worth_of(0, 1), worth_of(0, 2)], [0, 10_500, 4_200]);
    assert_eq!([worth_of(1, 1), worth_of(1, 2)], [1_300, 700]);
    assert_eq!(done.lines[0].positions[1].text, "54.00");
    let remainder: Vec<_> = done.remainder.iter().map(|amount| amount.unwrap().0 / 1_000_000).collect();
    assert_eq!(remainder, [0, 200, 100], "what the two make together");
    let movement = done.movement.unwrap();
    assert_eq!(movement.shares(), Some([Decimal::from(42), Decimal::from(58), Decimal::ZERO]));
    assert_eq!(movement.words(Side::Shipper), "You moved 42 % of the gap; they moved 58 %.");
    assert_eq!(movement.words(Side::Partner), "You moved 58 % of the gap; they moved 42 %.");
}

#[test]
fn many_cells_of_a_table_are_one_line_and_targets_have_a_replay() {
    let value = |n: usize, value: i64| TermValue {
        key: format!("RATE/PARCEL/{n}/0.00-/0.00-/rate"),
        part: value::Part::Cell,
        of: format!("Parcel: zone {n}"),
        name: "rate".to_owned(),
        unit: value::Unit::Amount,
        value: Decimal::from(value),
    };
    let target = |value: i64| TermValue {
        key: "TARGET/OTD_WIN/target".to_owned(),
        part: value::Part::Target,
        of: "OTD_WIN".to_owned(),
        name: "target".to_owned(),
        unit: value::Unit::Number,
        value: Decimal::from(value),
    };
    let round = |no: i32, side: Side, raise: i64| RoundFacts {
        round: no,
        side,
        values: (0..30_usize).map(|n| value(n, 10 + raise)).chain([target(95 - raise)]).collect(),
        unpriced: BTreeMap::new(),
        total: Some(Micros(raise)),
    };
    let rounds = [round(1, Side::Shipper, 0), round(2, Side::Partner, 1)];
    let terms = terms_that_differ(&rounds);
    assert_eq!(terms.len(), 2);
    assert_eq!((terms[0].of.as_str(), terms[0].keys.len()), ("Parcel, 30 cells", 30));
    let tried = variants(&rounds, &terms);
    assert_eq!(tried.len(), 2, "the target is replayed by what clauses come to");
    let ledger = ledger(&rounds, &terms, &tried, &[Micros(1), Micros(0)], None);
    assert_eq!(ledger.lines[0].positions[1].text, "11.00");
    assert_eq!(ledger.lines[1].positions[1].worth, Some(Micros(0)));
}

// ---- promises and tiers -------------------------------------------------------------

/// Twelve months from July 2024 on, of so many loads and so much spend each.
fn year(loads: u64, spend: i64) -> ReplayVolume {
    let from: NaiveDate = "2024-07-01".parse().unwrap();
    let month = |n: u32| from.checked_add_months(chrono::Months::new(n)).unwrap();
    let volume = |n| MonthVolume { month: month(n), loads, spend: Micros(spend * 1_000_000) };
    ReplayVolume { from, to: month(12), months: (0..12).map(volume).collect() }
}

fn band(from: i64, share: i64) -> TierBand {
    TierBand { from: Micros(from * 1_000_000), share: Bps(share) }
}

fn rebate_of(method: Option<TierMethod>, measure: VolumeMeasure) -> TierProgramme {
    TierProgramme {
        label: "Volume rebate".to_owned(),
        measure,
        window: crate::domain::tier::TierWindow::CalendarYear,
        bands: vec![band(0, 0), band(500_000, 200), band(1_000_000, 350)],
        method,
        grace_weeks: 0,
    }
}

/// DOMAIN R8: 1.26 M of spend, 12 × 105,000, pays back 19,100.00 band by band and 44,100.00 on everything.
#[test]
fn a_tier_is_worth_its_rebate_on_the_spend_replayed() {
    let mut text = whole();
    text.pricing.terms.volumes.clear();
    for (method, rebate) in [(TierMethod::Incremental, 19_100), (TierMethod::Retroactive, 44_100)] {
        text.pricing.terms.tiers = vec![rebate_of(Some(method), VolumeMeasure::Spend)];
        assert_eq!(volume_effect(&text.pricing.terms, &year(100, 105_000)), Micros(-rebate * 1_000_000));
    }
    // Half a point more in the highest band is half a per cent of the 260,000 above a million.
    text.pricing.terms.tiers = vec![rebate_of(Some(TierMethod::Incremental), VolumeMeasure::Spend)];
    let more = with_values(&text, &changes(&[("TIER/1/bands/2/share", "4")])).unwrap();
    assert_eq!(volume_effect(&more.pricing.terms, &year(100, 105_000)), Micros(-20_400_000_000));
    assert_eq!(unpriced(&more), BTreeMap::new());
}

/// DOMAIN P4: 1,000 loads a year, 5 % tolerance, 85.00 a load. Of the twelve months from July on, 184 of 366 days lie in
/// 2024: 503 loads, 478 less the tolerance; 181 of 365 in 2025: 496 loads, 472. 77 a month are 462 in each half, so 16
/// and 10 are short.
#[test]
fn a_volume_promise_is_worth_the_shortfall_it_owes() {
    let text = whole();
    assert_eq!(volume_effect(&text.pricing.terms, &year(77, 1_000)), Micros((16 + 10) * 85_000_000));
    assert_eq!(volume_effect(&text.pricing.terms, &year(90, 1_000)), Micros::ZERO, "nothing is short");
    let monthly = |spend: i64| {
        let mut text = whole();
        let volume = &mut text.pricing.terms.volumes[0];
        (volume.period, volume.measure) = (PeriodKind::Month, VolumeMeasure::Spend);
        (volume.quantity, volume.tolerance) = (Micros(1_000_000_000), Bps(0));
        volume.shortfall_rate = Micros(100_000);
        volume_effect(&text.pricing.terms, &year(1, spend))
    };
    // A tenth of the 100.00 that each of twelve months is short of 1,000.00.
    assert_eq!(monthly(900), Micros(12 * 10_000_000));
}

#[test]
fn what_comes_to_no_amount_says_why_and_is_not_replayed() {
    let mut offer = whole();
    offer.pricing.terms.volumes[0].shortfall_rate = Micros::ZERO;
    let share = VolumeCommitment {
        side: CommitmentSide::CarrierShare,
        quantity: Micros(40_000_000),
        ..offer.pricing.terms.volumes[0].clone()
    };
    offer.pricing.terms.volumes.push(share);
    offer.pricing.terms.tiers = vec![
        rebate_of(None, VolumeMeasure::Spend),
        rebate_of(Some(TierMethod::Retroactive), VolumeMeasure::Weight),
    ];
    let ask = changes(&[
        ("VOLUME/1/quantity", "900"),
        ("VOLUME/2/quantity", "45"),
        ("TIER/1/bands/1/share", "3"),
        ("TIER/2/bands/1/share", "3"),
    ]);
    let ask = with_values(&offer, &ask).unwrap();
    let facts = |round, side, text: &Terms| RoundFacts {
        round,
        side,
        values: values(text),
        unpriced: unpriced(text),
        total: Some(Micros::ZERO),
    };
    let rounds = [facts(1, Side::Shipper, &offer), facts(2, Side::Partner, &ask)];
    let terms = terms_that_differ(&rounds);
    let words: Vec<Option<&str>> = terms.iter().map(|term| term.unpriced).collect();
    let said = [NOTHING_OWED_WORDS, SHARE_WORDS, NO_METHOD_WORDS, WEIGHT_WORDS];
    assert_eq!(words, said.map(Some));
    assert_eq!(variants(&rounds, &terms), []);
    let ledger = ledger(&rounds, &terms, &[], &[], None);
    assert!(ledger.lines.iter().all(|line| line.positions.iter().all(|one| one.worth.is_none())));
    // Once one round owes something, the promise has its value in all of them.
    let owes = with_values(&ask, &changes(&[("VOLUME/1/shortfall_rate", "85")])).unwrap();
    let rounds = [facts(1, Side::Shipper, &offer), facts(2, Side::Partner, &owes)];
    let terms = terms_that_differ(&rounds);
    assert!(terms.iter().filter(|term| term.keys[0].starts_with("VOLUME/1/")).all(Term::is_priced));
}

proptest! {
    /// The values of the terms and the remainder sum to the round's difference; the shares sum to a hundred.
    #[test]
    fn the_ledger_sums(
        rounds in prop::collection::vec((prop::bool::ANY, 4_000_i64..5_000, 30_i64..60, -900_000_i64..900_000), 1..6),
        worth in prop::collection::vec(-1_000_000_i64..1_000_000, 12),
    ) {
        let rounds: Vec<RoundFacts> = rounds
            .iter()
            .zip(1..)
            .map(|((partner, cell, liftgate, total), no)| {
                let text = with_values(&whole(), &BTreeMap::from([
                    (CELL.to_owned(), Decimal::new(*cell, 2)),
                    ("ACCESSORIAL/LFT/rate".to_owned(), Decimal::from(*liftgate)),
                ])).unwrap();
                let side = if *partner && no > 1 { Side::Partner } else { Side::Shipper };
                let unpriced = BTreeMap::new();
                RoundFacts { round: no, side, values: values(&text), unpriced, total: Some(Micros(*total)) }
            })
            .collect();
        let terms = terms_that_differ(&rounds);
        let tried = variants(&rounds, &terms);
        let worth: Vec<Micros> = worth.into_iter().take(tried.len()).map(Micros).collect();
        let found = ledger(&rounds, &terms, &tried, &worth, None);
        for (at, difference) in found.difference.iter().enumerate() {
            let sum: Micros = found.lines.iter().filter_map(|line| line.positions[at].worth).sum();
            prop_assert_eq!(Some(sum + found.remainder[at].unwrap()), *difference);
        }
        if let Some(movement) = found.movement {
            prop_assert_eq!(movement.shipper + movement.partner + movement.open, movement.gap());
            if let Some(shares) = movement.shares() {
                prop_assert_eq!(shares.iter().sum::<Decimal>(), Decimal::ONE_HUNDRED);
            }
        }
    }
}
