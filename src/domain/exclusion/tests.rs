//! Decisions and corroboration by case files (`tests/cases/exclusion/README.md` tells how), rates by properties.

use chrono::Datelike;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::kpi::Kpi;
use crate::domain::measure::{Measures, Tally};
use crate::domain::outcome::{Outcome, OutcomePolicy};
use crate::domain::shipment::Milestones;

const DECISIONS: &str = include_str!("../../../tests/cases/exclusion/decisions.toml");
const PROVEN: &str = include_str!("../../../tests/cases/exclusion/proven.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    case: Vec<DecisionCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionCase {
    title: String,
    source: String,
    steps: Vec<Step>,
    stands: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    decision: Decision,
    by: String,
    refused: Option<String>,
}

#[test]
fn decision_cases() {
    let file: Decisions = toml::from_str(DECISIONS).unwrap();
    assert!(file.case.len() >= 7);
    for case in &file.case {
        let mut state: State = None;
        for step in &case.steps {
            let named = format!("{} ({}), {}", case.title, case.source, step.decision);
            match (after(state, step.decision, step.by == "asker"), &step.refused) {
                (Ok(next), None) => state = Some(next),
                (Err(error), Some(words)) => {
                    assert!(error.to_string().contains(words.as_str()), "{named}: {error}");
                }
                (result, _) => panic!("{named}: {result:?}"),
            }
        }
        let stands = state.map_or("waits", Decision::label);
        assert_eq!(stands, case.stands, "{} ({})", case.title, case.source);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proven {
    case: Vec<ProvenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenCase {
    title: String,
    source: String,
    party: Fault,
    code: String,
    stop: crate::domain::baseline::StopPurpose,
    done: Option<DateTime<Utc>>,
    due: DateTime<Utc>,
    pickup_due: Option<DateTime<Utc>>,
    pickup_in: Option<DateTime<Utc>>,
    pickup_out: Option<DateTime<Utc>>,
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default)]
    events: Vec<String>,
    proven: bool,
    #[serde(default)]
    says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    by: Requester,
    until: DateTime<Utc>,
    #[serde(default)]
    corrected: bool,
}

#[test]
fn proven_cases() {
    let file: Proven = toml::from_str(PROVEN).unwrap();
    assert!(file.case.len() >= 10);
    for case in &file.case {
        let effect = |change: &Change| {
            if change.corrected { Effect::Corrected } else { Effect::TooLate { closed_at: case.due } }
        };
        let facts = Facts {
            delivery: case.stop == crate::domain::baseline::StopPurpose::Delivery,
            done_at: case.done,
            due_by: Some(case.due),
            pickup_due_by: case.pickup_due,
            pickup_arrived_at: case.pickup_in,
            picked_up_at: case.pickup_out,
            changes: case.changes.iter().map(|one| (one.by, Some(one.until), effect(one))).collect(),
            events: case.events.clone(),
        };
        let found = corroborated(case.party, &case.code, &facts);
        let named = format!("{} ({})", case.title, case.source);
        assert_eq!(found.is_some(), case.proven, "{named}: {found:?}");
        assert!(found.unwrap_or_default().contains(&case.says), "{named}");
    }
}

#[test]
fn a_request_says_who_why_and_with_what() {
    let fine = problems(Some(Fault::Consignee), "B1", "The dock was closed.", "Gate log of 3 June");
    assert_eq!(fine, []);
    let bad = problems(Some(Fault::Carrier), "Q9", "", &"x".repeat(1_001));
    let fields: Vec<&str> = bad.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["party", "reason_code", "statement", "evidence"]);
}

#[test]
fn ten_business_days_to_decide() {
    let calendar = BusinessCalendar::weekdays([]);
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    assert_eq!(decide_by(day("2025-07-08"), &calendar), day("2025-07-22"));
    assert_eq!(decide_by(day("2025-07-05"), &calendar).weekday(), chrono::Weekday::Fri);
}

#[test]
fn the_validity_rate_counts_what_was_decided() {
    let mut rate = Validity::default();
    for state in [
        Some(Decision::Approved),
        Some(Decision::Denied),
        Some(Decision::Withdrawn),
        None,
        Some(Decision::Approved),
    ] {
        rate.count(state);
    }
    assert_eq!(rate, Validity { approved: 2, decided: 3 });
}

fn net(tally: Tally) -> Option<rust_decimal::Decimal> {
    Kpi::OtdWin.value(&Measures { delivery_window: tally, ..Measures::default() }).net
}

proptest! {
    /// Excusing a failed unit takes it from the denominator and never lowers the net rate; gross stays as it was.
    #[test]
    fn excusing_a_unit_never_lowers_the_net_rate(
        success in 0_i64..500, late in 1_i64..500, no_evidence in 0_i64..50, excused in 0_i64..50,
    ) {
        let before = Tally { success, late, no_evidence, excused, ..Tally::default() };
        let after = Tally { late: late - 1, excused: excused + 1, ..before };
        let (was, is) = (net(before), net(after));
        if let (Some(was), Some(is)) = (was, is) {
            prop_assert!(is >= was, "{was} fell to {is}");
        }
        let gross = |tally| Kpi::OtdWin.value(&Measures { delivery_window: tally, ..Measures::default() }).gross;
        if success + late + no_evidence > 1 {
            prop_assert_eq!(gross(before), gross(after));
        }
    }

    /// An exclusion changes a miss into an excused miss and nothing else.
    #[test]
    fn an_exclusion_touches_only_a_miss(done in proptest::option::of(-5_000_i64..5_000), as_of in 0_i64..40_000) {
        let due: DateTime<Utc> = "2025-06-05T17:00:00Z".parse().unwrap();
        let facts = Milestones {
            delivery_zone: Some(chrono_tz::UTC),
            delivery_window_end: Some(due),
            arrived_at: done.map(|minutes| due + TimeDelta::minutes(minutes)),
            ..Milestones::default()
        };
        let as_of = due + TimeDelta::minutes(as_of);
        let policy = OutcomePolicy::default();
        let plain = facts.judge(&policy, as_of);
        let excused = Milestones { delivery_excused: true, ..facts }.judge(&policy, as_of);
        for (was, is) in
            [(plain.delivery_window, excused.delivery_window), (plain.delivery_day, excused.delivery_day)]
        {
            prop_assert_eq!(is, if was.is_failure() { Outcome::Excused } else { was });
        }
    }
}
