//! The rule by case files (`tests/cases/baseline/README.md` tells how) and by properties.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::shipment::Milestones;

const CASES: &str = include_str!("../../../tests/cases/baseline/reappointments.toml");

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
    zone: Tz,
    baseline: usize,
    planned: usize,
    statements: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    due: Option<NaiveDate>,
    by: Option<Requester>,
    set: Option<DateTime<Utc>>,
    effect: String,
}

impl Line {
    fn statement(&self) -> Statement {
        Statement {
            window: StopWindow { start: self.start, end: self.end, due_day: self.due },
            asked: self.by.map(|by| Asked { by, set_at: self.set.expect("a change has a `set`") }),
        }
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Original => "original",
        Effect::Moved => "moved",
        Effect::NotTheCustomer => "not the customer",
        Effect::TooLate { .. } => "too late",
        Effect::Corrected => "corrected",
    }
}

/// Every order of `0..count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    orders(count - 1)
        .into_iter()
        .flat_map(|order| {
            (0..count).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, count - 1);
                longer
            })
        })
        .collect()
}

#[test]
fn baseline_cases() {
    let file: File = toml::from_str(CASES).unwrap();
    assert!(file.case.len() >= 12);
    for case in &file.case {
        let named = format!("{} ({})", case.title, case.source);
        let given: Vec<Statement> = case.statements.iter().map(Line::statement).collect();
        let window =
            |number: usize| number.checked_sub(1).map_or_else(StopWindow::default, |at| given[at].window);
        for order in orders(given.len()) {
            let corrects = |a: usize, b: usize| a < b && set_at(&given[a]) == set_at(&given[b]);
            let swapped =
                order.iter().enumerate().any(|(at, a)| order[at..].iter().any(|b| corrects(*b, *a)));
            if swapped {
                continue;
            }
            let (mut arrived, mut kept): (Vec<Statement>, Vec<usize>) = (Vec::new(), Vec::new());
            for at in &order {
                let is_kept = is_news(&arrived, &given[*at]);
                assert_eq!(
                    is_kept,
                    case.statements[*at].effect != "no news",
                    "{named}, statement {}",
                    at + 1
                );
                if is_kept {
                    arrived.push(given[*at]);
                    kept.push(*at);
                }
            }
            let found = baseline(&arrived, case.zone);
            let number = |at: Option<usize>| at.map_or(0, |at| kept[at] + 1);
            assert_eq!(number(found.judged_by), case.baseline, "{named}, arriving as {order:?}");
            assert_eq!(number(found.planned_by), case.planned, "{named}, arriving as {order:?}");
            assert_eq!(found.window, window(case.baseline), "{named}, arriving as {order:?}");
            assert_eq!(found.planned, window(case.planned), "{named}, arriving as {order:?}");
            for (place, at) in kept.iter().enumerate() {
                assert_eq!(
                    word(found.effects[place]),
                    case.statements[*at].effect,
                    "{named}, statement {}",
                    at + 1
                );
            }
        }
    }
}

#[test]
fn a_row_that_repeats_what_is_planned_is_no_news() {
    let window = |text: &str| StopWindow { end: Some(text.parse().unwrap()), ..StopWindow::default() };
    let (first, later) = (window("2025-03-10T15:00:00Z"), window("2025-03-12T15:00:00Z"));
    let asked = Some(Asked { by: Requester::Carrier, set_at: "2025-03-09T09:00:00Z".parse().unwrap() });
    let known = [Statement { window: first, asked: None }, Statement { window: later, asked }];
    assert!(!is_news(&known, &Statement { window: later, asked: None }), "the planned window, nobody named");
    assert!(!is_news(&known, &Statement { window: later, asked }), "the same change");
    assert!(is_news(&known, &Statement { window: first, asked }), "the same change, with another window");
    assert!(is_news(&known, &Statement { window: window("2025-03-11T15:00:00Z"), asked: None }));
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..400).prop_map(|hours| DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hours))
}

fn some_window() -> impl Strategy<Value = StopWindow> {
    prop_oneof![
        instant().prop_map(|end| StopWindow { end: Some(end), ..StopWindow::default() }),
        instant().prop_map(|at| StopWindow { due_day: Some(at.date_naive()), ..StopWindow::default() }),
        Just(StopWindow::default()),
    ]
}

fn change(by: impl Strategy<Value = Requester>) -> impl Strategy<Value = Statement> {
    (some_window(), by, instant())
        .prop_map(|(window, by, set_at)| Statement { window, asked: Some(Asked { set_at, by }) })
}

fn anybody() -> impl Strategy<Value = Requester> {
    proptest::sample::select(Requester::ALL)
}

/// An original, perhaps, and changes none of which states another again.
fn statements() -> impl Strategy<Value = Vec<Statement>> {
    (proptest::option::of(some_window()), prop::collection::vec(change(anybody()), 0..7)).prop_map(
        |(original, changes)| {
            let mut all: Vec<Statement> =
                original.map(|window| Statement { window, asked: None }).into_iter().collect();
            for change in changes {
                if all.iter().all(|known| set_at(known) != set_at(&change)) {
                    all.push(change);
                }
            }
            all
        },
    )
}

fn zones() -> impl Strategy<Value = Tz> {
    proptest::sample::select(vec![Tz::UTC, Tz::America__Chicago, Tz::Pacific__Auckland])
}

proptest! {
    #[test]
    fn the_order_of_arrival_says_nothing(
        (ordered, shuffled) in statements().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        zone in zones(),
    ) {
        let (a, b) = (baseline(&ordered, zone), baseline(&shuffled, zone));
        prop_assert_eq!(a.window, b.window);
        prop_assert_eq!(a.planned, b.planned);
        for (statement, effect) in ordered.iter().zip(&a.effects) {
            let at = shuffled.iter().position(|other| other == statement).unwrap();
            prop_assert_eq!(effect, &b.effects[at]);
        }
    }

    #[test]
    fn what_a_carrier_asks_for_changes_no_outcome(
        known in statements(),
        wish in change(proptest::sample::select(vec![Requester::Carrier, Requester::System])),
        place in 0_usize..8,
        arrived in proptest::option::of(instant()),
        as_of in instant(),
        zone in zones(),
    ) {
        prop_assume!(known.iter().all(|statement| set_at(statement) != set_at(&wish)));
        let judge = |statements: &[Statement]| {
            let window = baseline(statements, zone).window;
            let facts = Milestones {
                pickup_zone: Some(zone),
                delivery_zone: Some(zone),
                pickup_window_start: window.start,
                pickup_window_end: window.end,
                pickup_due_day: window.due_day,
                delivery_window_start: window.start,
                delivery_window_end: window.end,
                delivery_due_day: window.due_day,
                pickup_arrived_at: arrived,
                arrived_at: arrived,
                ..Milestones::default()
            };
            facts.judge(&Default::default(), as_of)
        };
        let mut more = known.clone();
        more.insert(place.min(known.len()), wish);
        prop_assert_eq!(judge(&known), judge(&more));
    }

    #[test]
    fn what_was_said_is_no_news(known in statements()) {
        for statement in &known {
            prop_assert!(!is_news(&known, statement));
        }
    }
}
