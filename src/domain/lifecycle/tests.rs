//! The table by case files (`tests/cases/lifecycle/README.md` tells how), by properties, and the completeness check.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::clause::NamesSeen;
use crate::domain::contract::{ContractVersionStatus, RenewalKind};
use crate::domain::fuel::{FuelBasis, FuelProgramme};
use crate::domain::money::{Bps, Micros};
use crate::domain::rate::form::TermKind;
use crate::domain::terms::Terms;
use crate::domain::terms::tests::{liftgate, terms};

const CASES: [(&str, &str); 3] = [
    ("draft_to_end", include_str!("../../../tests/cases/lifecycle/draft_to_end.toml")),
    ("refused", include_str!("../../../tests/cases/lifecycle/refused.toml")),
    ("rests_and_terminates", include_str!("../../../tests/cases/lifecycle/rests_and_terminates.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    steps: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    step: Step,
    who: String,
    #[serde(default)]
    note: String,
    day: Option<String>,
    text: Option<String>,
    #[serde(default)]
    signs: String,
    now: Option<String>,
    refused: Option<String>,
}

fn who(text: &str) -> Who {
    let (role, rest) = text.split_once(' ').unwrap_or((text, ""));
    match role {
        "CLOCK" => Who::Clock,
        role => Who::User { role: role.parse().unwrap(), is_author: rest == "author" },
    }
}

/// The line a history keeps of a step that was taken.
fn past(seq: i32, before: &Standing, attempt: &Attempt<'_>, after: &Standing) -> Past {
    let role = match attempt.who {
        Who::Clock => None,
        Who::User { role, .. } => Some(role),
    };
    Past {
        seq,
        step: attempt.step,
        from: before.status,
        to: after.status,
        role,
        day: attempt.day,
        note: attempt.note.to_owned(),
        sha256: match attempt.step.rule().text {
            Text::Seals => attempt.text.to_owned(),
            Text::Names => attempt.named.to_owned(),
            Text::Free | Text::Breaks => String::new(),
        },
    }
}

#[test]
fn lifecycle_cases() {
    for (name, text) in CASES {
        let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut now = Standing::default();
        let mut words = String::new();
        let mut history = Vec::new();
        for (line, number) in case.steps.iter().zip(1..) {
            if let Some(text) = &line.text {
                words.clone_from(text);
            }
            let attempt = Attempt {
                step: line.step,
                who: who(&line.who),
                note: &line.note,
                day: line.day.as_ref().map(|day| day.parse().unwrap()),
                text: &words,
                named: &line.signs,
            };
            let told = format!("{}, step {number}, {}", case.title, line.step);
            match (now.after(&attempt), &line.now, &line.refused) {
                (Ok(next), Some(wanted), None) => {
                    assert_eq!(next.status.map_or("GONE", ContractVersionStatus::code), wanted, "{told}");
                    history.push(past(i32::try_from(history.len()).unwrap() + 1, &now, &attempt, &next));
                    now = next;
                }
                (Err(refused), None, Some(wanted)) => {
                    assert!(refused.to_string().contains(wanted.as_str()), "{told}: {refused}");
                }
                (outcome, ..) => panic!("{told}: {outcome:?}"),
            }
        }
        assert_eq!(replay(&history), Ok(now), "{name}");
    }
}

#[test]
fn every_step_has_one_line_and_every_end_is_one() {
    for step in Step::ALL {
        assert_eq!(TABLE.iter().filter(|rule| rule.step == *step).count(), 1, "{step}");
        assert_eq!(step.rule().step, *step);
    }
    for status in ContractVersionStatus::ALL {
        let leads_on = TABLE.iter().any(|rule| rule.from.contains(status));
        assert_eq!(leads_on, !status.is_over(), "{status}");
        let binding = TABLE.iter().filter(|rule| !status.binds() && rule.from.contains(status));
        let into_force = binding.filter(|rule| rule.to.is_some_and(ContractVersionStatus::binds));
        assert!(into_force.map(|rule| rule.step).all(|step| step == Step::Sign), "only a signature binds");
    }
}

#[test]
fn a_history_changed_by_hand_is_told() {
    let (seal, none) = ("abc", "");
    let line = |seq, step: Step, from, role, note: &str, sha256: &str| Past {
        seq,
        step,
        from,
        to: step.rule().to,
        role,
        day: None,
        note: note.to_owned(),
        sha256: sha256.to_owned(),
    };
    use ContractVersionStatus::{Approved, Draft, InReview};
    let good = vec![
        line(1, Step::Start, None, Some(Role::Procurement), "", none),
        line(2, Step::Submit, Some(Draft), Some(Role::Procurement), "", none),
        line(3, Step::Approve, Some(InReview), Some(Role::Finance), "", seal),
        line(4, Step::Sign, Some(Approved), Some(Role::Partner), "Ida", seal),
    ];
    assert_eq!(replay(&good).unwrap().seal, seal);
    let told = |change: &dyn Fn(&mut Vec<Past>)| {
        let mut bad = good.clone();
        change(&mut bad);
        replay(&bad).unwrap_err().to_string()
    };
    assert!(told(&|lines| drop(lines.remove(1))).contains("line 2 of its history is missing"));
    assert!(told(&|lines| lines[3].sha256 = "other".to_owned()).contains("is not the one that waits"));
    assert!(told(&|lines| lines[2].role = Some(Role::Partner)).contains("line 3 of its history, APPROVE"));
    assert!(told(&|lines| lines[3].from = Some(Draft)).contains("line 4"));
    assert!(told(&|lines| lines[1].to = Some(Approved)).contains("does not follow"));
}

fn attempts() -> impl Strategy<Value = (Step, Who, bool, bool, bool)> {
    let step = prop::sample::select(Step::ALL);
    let role = prop::sample::select(Role::ALL.to_vec());
    let user = (role, any::<bool>()).prop_map(|(role, is_author)| Who::User { role, is_author });
    let who = prop_oneof![1 => Just(Who::Clock), 3 => user];
    (step, who, prop::bool::weighted(0.8), prop::bool::weighted(0.8), prop::bool::weighted(0.8))
}

proptest! {
    /// Whatever anybody tries in whatever order: nothing binds without a review, an approval by somebody who wrote
    /// none of it and a signature by the partner over the same text; nothing leads on from an end; and the history
    /// replays to where the version stands.
    #[test]
    fn no_path_goes_around_review_approval_and_signature(tries in prop::collection::vec(attempts(), 1..400)) {
        let day = "2025-10-01".parse().ok();
        let mut now = Standing::default();
        let mut history: Vec<Past> = Vec::new();
        for (step, who, with_note, with_day, same_text) in tries {
            let attempt = Attempt {
                step,
                who,
                note: if with_note { "why" } else { "" },
                day: day.filter(|_| with_day),
                text: "text",
                named: if same_text { "text" } else { "other" },
            };
            let Ok(next) = now.after(&attempt) else { continue };
            prop_assert!(now.status.is_none_or(|status| !status.is_over()), "{step} after {:?}", now.status);
            if step == Step::Approve {
                prop_assert!(matches!(who, Who::User { is_author: false, .. }), "an author approved");
            }
            history.push(past(i32::try_from(history.len()).unwrap() + 1, &now, &attempt, &next));
            if next.status.is_some_and(ContractVersionStatus::binds) {
                let steps: Vec<Step> = history.iter().map(|line| line.step).collect();
                let at = |step| steps.iter().rposition(|taken| *taken == step);
                let (review, approval, signature) =
                    (at(Step::Submit), at(Step::Approve), at(Step::Sign));
                prop_assert!(review.is_some() && review < approval && approval < signature, "{steps:?}");
                let signed = &history[signature.unwrap()];
                prop_assert_eq!(signed.role, Some(Role::Partner));
                prop_assert_eq!(&signed.sha256, &history[approval.unwrap()].sha256);
            }
            now = next;
        }
        prop_assert_eq!(replay(&history), Ok(now));
    }
}

/// Terms that lack nothing.
fn complete() -> Terms {
    let mut terms = terms();
    terms.caps.cap.share_of_freight = Some(Bps(500));
    terms.pricing.terms.parameters.baseline = Some("2024 rates".to_owned());
    terms.pricing.terms.parameters.dispute_days = Some(15);
    terms.pricing.terms.parameters.price_cap = Some(Bps(400));
    terms
}

#[test]
fn what_should_be_looked_at_keeps_nobody_from_approving() {
    let mut terms = complete();
    terms.rates.clear();
    let names = |terms: &Terms, indexes: &[&str]| -> Vec<String> {
        let indexes = indexes.iter().map(|index| (*index).to_owned()).collect();
        worth_a_look(terms, &indexes, &NamesSeen::default()).into_iter().map(|one| one.what).collect()
    };
    assert_eq!(missing(&terms), []);
    assert_eq!(names(&terms, &[]), ["no rate at all"]);
    terms.rates = vec![liftgate(Micros(40_000_000).0)];
    assert_eq!(names(&terms, &[]), [""; 0]);
    let mut fuel = crate::domain::rate::form::usual(TermKind::Fuel);
    fuel.extend(
        [("index", "EIA"), ("method", "TABLE"), ("brackets", "0 and more: 18.5")]
            .map(|(n, v)| (n, v.to_owned())),
    );
    let Ok(crate::domain::rate::form::TermItem::Fuel(fuel)) =
        crate::domain::rate::form::read(TermKind::Fuel, &fuel)
    else {
        panic!("it is a fuel programme")
    };
    terms.pricing.terms.fuel = vec![fuel];
    assert_eq!(names(&terms, &["DIESEL"]), ["fuel programme 405"]);
    assert_eq!(names(&terms, &["EIA"]), [""; 0]);
    // A site that no lane touches may come later: the clause can be approved, and somebody looks at it.
    let mut sited = complete();
    sited.clauses[0].terms.scope.sites.insert("Dock 4".to_owned());
    assert_eq!((missing(&sited), names(&sited, &[])), (vec![], vec!["clause 7.1".to_owned()]));
    let seen = NamesSeen { sites: BTreeSet::from(["DOCK 4".to_owned()]), ..NamesSeen::default() };
    assert_eq!(worth_a_look(&sited, &BTreeSet::new(), &seen), []);
}

#[test]
fn everything_missing_is_named_with_where_to_mend_it() {
    assert_eq!(missing(&complete()), []);
    let named = |change: &dyn Fn(&mut Terms)| {
        let mut terms = complete();
        change(&mut terms);
        missing(&terms).into_iter().map(|one| (one.what, one.mend)).collect::<Vec<_>>()
    };
    let one = |what: &str, mend| vec![(what.to_owned(), mend)];
    let early = |terms: &mut Terms| terms.valid_from = "2024-12-31".parse().unwrap();
    assert_eq!(named(&early), one("effective date", Mend::Dates));
    let late = |terms: &mut Terms| terms.valid_from = "2026-01-01".parse().unwrap();
    assert_eq!(named(&late), one("effective date", Mend::Dates));
    let no_notice = |terms: &mut Terms| {
        terms.term.renewal = RenewalKind::Evergreen;
        terms.term.notice_days = 0;
    };
    assert_eq!(named(&no_notice), one("notice", Mend::Contract));
    assert_eq!(named(&|terms| terms.caps.cap.share_of_freight = None), one("cap", Mend::Limit));
    let options = |terms: &mut Terms| terms.pricing.terms.parameters = Default::default();
    let names: Vec<_> = named(&options);
    assert_eq!(
        names.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
        ["baseline", "dispute window", "price cap"]
    );
    assert!(names.iter().all(|(_, mend)| *mend == Mend::Options));
    let tied = |terms: &mut Terms| {
        let lane = |code: &str| crate::domain::rate::Lane {
            code: code.to_owned(),
            line: "L".to_owned(),
            origin: "US-TX".parse().unwrap(),
            destination: "US-NY".parse().unwrap(),
            equipment: None,
            service: None,
            transit_business_days: None,
        };
        let line = crate::domain::rate::RateLine::new("L", "Loads", crate::domain::rate::RateBasis::Flat);
        let pricing = &mut terms.pricing.terms;
        (pricing.lines, pricing.lanes) = (vec![line], vec![lane("A"), lane("B")]);
    };
    assert_eq!(named(&tied), one("lanes A and B", Mend::Terms(TermKind::Lane)));
    let twice = |terms: &mut Terms| {
        let tax = crate::domain::rate::TaxRate {
            code: "TAX".to_owned(),
            label: "Sales tax".to_owned(),
            jurisdiction: "US-TX".parse().unwrap(),
            share: Bps(825),
        };
        terms.pricing.terms.taxes = vec![tax.clone(), tax];
    };
    assert_eq!(named(&twice), one("tax TAX", Mend::Terms(TermKind::Tax)));
    let fuelled = |terms: &mut Terms| {
        let mut rate = liftgate(Micros(40_000_000).0);
        rate.rules.fuel_applicable = true;
        terms.rates = vec![rate];
    };
    assert_eq!(named(&fuelled), one("fuel method", Mend::Terms(TermKind::Fuel)));
    let undecided = |terms: &mut Terms| {
        terms.pricing.terms.fuel = vec![FuelProgramme {
            code: "405".to_owned(),
            label: "Fuel".to_owned(),
            index: "DIESEL".to_owned(),
            method: None,
            basis: FuelBasis::PctOfBase,
            effective_days: 1,
            cadence_days: 7,
            floor: None,
            cap: None,
            applies_to: vec![],
            valid_from: None,
            valid_to: None,
            currency: None,
        }];
    };
    let names: Vec<_> = named(&undecided).into_iter().map(|(what, _)| what).collect();
    assert_eq!(names, ["rates", "lanes", "fuel programme 405"], "whoever prices anything prices it whole");
}
