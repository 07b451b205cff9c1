//! Runs `tests/cases/dispute/*.case`, and what must hold whatever the order of steps.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::books::{Named, Standing, entries_after};
use super::*;
use crate::domain::clause::{Delta, Obligation, ObligationKey, Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::{
    Account, Booking, Held, ItemRef, JournalEntry, Recognition, RecognitionPolicy, accrual_entry,
    assessment_entry, settlement_entry, trial_balance, waived_by_key,
};

/// The budget and limit of the cases: none, and 250.00.
const LIMIT: Micros = Micros(250_000_000);
const PARTNER: i64 = 1;
const MANAGER: i64 = 2;
const FINANCE: i64 = 3;
const CONTROLLER: i64 = 4;
/// The controller who set the waiver budget.
const SETTER: i64 = 5;

/// One item and its books.
struct World {
    target: Micros,
    state: ItemState,
    told_on: Option<NaiveDate>,
    steps: Vec<Taken>,
    settled: Micros,
    journal: Vec<JournalEntry>,
}

impl World {
    fn new(target: Micros) -> Self {
        let (state, told_on) = (ItemState::Accrued, None);
        Self { target, state, told_on, steps: Vec::new(), settled: Micros::ZERO, journal: Vec::new() }
    }

    fn item() -> ItemRef {
        let period = "2025-06".parse().unwrap();
        let key = ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Period(period) };
        ItemRef { key, period, day: "2025-06-30".parse().unwrap() }
    }

    fn booking(on: NaiveDate) -> Booking {
        Booking {
            partner_id: 7,
            currency: Currency::USD,
            posting_date: on,
            recognition: Recognition::Memo,
            told: false,
            memo: String::new(),
        }
    }

    fn course(&self) -> Course {
        Course::of(&self.steps)
    }

    fn sums(&self) -> Sums {
        Sums { target: self.target, given_up: self.course().given_up(), settled: self.settled }
    }

    fn accrue(&mut self, on: NaiveDate) {
        let item = Self::item();
        let delta = Delta {
            key: item.key,
            sign: Sign::Penalty,
            delta: self.target,
            target: self.target,
            reason: Reason::Initial,
            obligation_period: item.period,
            obligation_day: item.day,
        };
        self.journal.push(accrual_entry(&delta, &Self::booking(on)).unwrap());
    }

    fn assess(&mut self, on: NaiveDate) {
        let item = Self::item();
        let of = (item.period, item.day);
        self.journal.push(assessment_entry(item.key, of, self.target, &Self::booking(on)).unwrap());
        (self.state, self.told_on) = (ItemState::Assessed, Some(on));
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        for entry in &self.journal {
            for line in entry.lines.iter().filter(|line| line.account == Account::CreditAssessed) {
                held.post(line, entry.recognition);
            }
        }
        held
    }

    /// Takes a step like the use case does.
    fn take(&mut self, asked: Asked, by: (Party, i64), on: NaiveDate) -> Result<(), Refused> {
        let calendar = BusinessCalendar::weekdays([]);
        let now = Now {
            state: self.state,
            today: on,
            dispute_by: dispute_by(self.told_on.unwrap_or(on), &Handling::default(), &calendar),
            waiver_limit: LIMIT,
            budget_left: None,
            budget_set_by: None,
        };
        let course = self.course();
        check(&course, &self.sums(), &asked, by, &now)?;
        let line = match asked.kind {
            StepKind::Disputed => i32::try_from(course.lines.len()).unwrap() + 1,
            _ => asked.line,
        };
        self.steps.push(Taken {
            kind: asked.kind,
            line,
            ruling: asked.ruling,
            unit: asked.unit,
            amount: asked.amount,
            words: asked.words,
            day: on,
            actor_id: by.1,
            actor: by.0.label().to_owned(),
        });
        if asked.kind == StepKind::Settled {
            self.settled = self.settled + asked.amount;
            let entry =
                settlement_entry(Self::item(), Sign::Penalty, asked.amount, &Self::booking(on)).unwrap();
            self.journal.push(entry);
        }
        self.follow(asked.kind, on);
        Ok(())
    }

    fn follow(&mut self, kind: StepKind, on: NaiveDate) {
        let sums = self.sums();
        let after = state_after_step(&self.course(), &sums, kind, self.state);
        let waived = waived_by_key(&self.journal).get(&Self::item().key).copied().unwrap_or_default();
        let standing = Standing { waived, held: self.held(), states: (self.state, after) };
        let named = Named { item: Self::item(), sign: Sign::Penalty, name: "The item" };
        let policy = RecognitionPolicy::MemoUntilAgreed;
        self.journal.extend(entries_after(named, &sums, standing, policy, &Self::booking(on)).unwrap());
        self.state = after;
    }

    /// What must hold after every step.
    fn sound(&self) {
        let sums = self.sums();
        let trial = trial_balance(self.journal.iter().flat_map(|entry| &entry.lines));
        assert_eq!(trial.unbalanced(), []);
        assert!(sums.outstanding() >= Micros::ZERO, "{sums:?}");
        assert_eq!(trial.balance(Currency::USD, Account::CreditAssessed), sums.outstanding());
        assert_eq!(trial.balance(Currency::USD, Account::CreditContraFreight), sums.owed());
    }
}

fn asked(kind: StepKind) -> Asked {
    Asked { kind, line: 0, ruling: None, amount: Micros::ZERO, unit: String::new(), words: "said".to_owned() }
}

fn money(text: &str) -> Micros {
    Micros::from_decimal(text.replace(',', "").parse().unwrap()).unwrap()
}

/// Name and text of each case.
const CASES: [(&str, &str); 3] = [
    ("p6", include_str!("../../../tests/cases/dispute/p6.case")),
    ("deemed", include_str!("../../../tests/cases/dispute/deemed.case")),
    ("waived_whole", include_str!("../../../tests/cases/dispute/waived_whole.case")),
];

#[test]
fn every_dispute_case_holds() {
    for (name, text) in CASES {
        run(text, name);
    }
}

fn run(text: &str, file: &str) {
    let mut world: Option<World> = None;
    let mut on: Option<NaiveDate> = None;
    let (mut expected, mut seen) = (Vec::new(), 0);
    for (index, raw) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        let line = raw.split('#').next().unwrap_or_default().trim_end();
        if line.is_empty() || line.starts_with("title ") || line.starts_with("source ") {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["item", amount, "for", _] = words.as_slice() {
            world = Some(World::new(money(amount)));
            continue;
        }
        let world = world.as_mut().expect("an item first");
        if let Ok(date) = line.parse() {
            assert_eq!(posted(world, seen), expected, "{place}: entries before this day");
            (seen, expected, on) = (world.journal.len(), Vec::new(), Some(date));
            continue;
        }
        let on = on.expect("a day first");
        match words.as_slice() {
            ["post", debit, "/", credit, amount, reason, to] => {
                expected.push(format!("{debit} / {credit} {} {reason} {to}", money(amount)));
            }
            ["accrued"] => world.accrue(on),
            ["assessed"] => world.assess(on),
            ["state", state @ ..] => {
                let stage = world.course().stage(world.state, &world.sums(), None);
                assert_eq!(stage.label(), state.join(" "), "{place}");
            }
            ["left", amount] => assert_eq!(world.sums().outstanding(), money(amount), "{place}"),
            ["balance", account, amount] => {
                let trial = trial_balance(world.journal.iter().flat_map(|entry| &entry.lines));
                let account: Account = account.parse().unwrap();
                assert_eq!(trial.balance(Currency::USD, account), money(amount), "{place}");
            }
            ["refused", step @ ..] => {
                let before = (world.state, world.steps.len(), world.journal.len());
                let refused = step_of(world, step, &place, on);
                assert!(refused.is_err(), "{place}: not refused");
                assert_eq!((world.state, world.steps.len(), world.journal.len()), before, "{place}");
            }
            step => step_of(world, step, &place, on).unwrap_or_else(|error| panic!("{place}: {error}")),
        }
        if world.told_on.is_some() {
            world.sound();
        }
    }
    let world = world.expect("an item");
    assert_eq!(posted(&world, seen), expected, "{file}: entries of the last day");
}

fn step_of(world: &mut World, words: &[&str], place: &str, on: NaiveDate) -> Result<(), Refused> {
    let who = |word: &str| match word {
        "manager" => (Party::Manager, MANAGER),
        "controller" => (Party::Controller, CONTROLLER),
        _ => (Party::Finance, FINANCE),
    };
    let line =
        |unit: &str| world.course().lines.iter().find(|line| line.unit == unit).map_or(0, |line| line.no);
    let (step, by) = match words {
        ["accepted"] => (asked(StepKind::Accepted), (Party::Partner, PARTNER)),
        ["nobody", "answers"] => (asked(StepKind::Deemed), (Party::Clock, 0)),
        ["disputed", unit, amount] => {
            let step = Asked { unit: (*unit).to_owned(), amount: money(amount), ..asked(StepKind::Disputed) };
            (step, (Party::Partner, PARTNER))
        }
        ["withdrawn", unit] => {
            (Asked { line: line(unit), ..asked(StepKind::Withdrawn) }, (Party::Partner, PARTNER))
        }
        [
            party @ ("manager" | "finance" | "controller"),
            kind @ ("proposed" | "decided"),
            unit,
            ruling,
            amount @ ..,
        ] => {
            let kind = if *kind == "proposed" { StepKind::Proposed } else { StepKind::Decided };
            let ruling = Ruling::ALL.iter().find(|one| one.label() == *ruling).copied();
            let amount = amount.first().map_or(Micros::ZERO, |text| money(text));
            (Asked { line: line(unit), ruling, amount, ..asked(kind) }, who(party))
        }
        ["credit", "note", amount] => {
            let amount = money(amount);
            if amount > world.sums().outstanding() {
                return Err(Refused::Amount(world.sums().outstanding()));
            }
            (Asked { amount, ..asked(StepKind::Settled) }, (Party::Finance, FINANCE))
        }
        _ => panic!("{place}: not understood"),
    };
    world.take(step, by, on)
}

fn posted(world: &World, from: usize) -> Vec<String> {
    world.journal[from..]
        .iter()
        .map(|entry| {
            let [debit, credit] = entry.lines.as_slice() else { panic!("two lines") };
            let to = if entry.recognition == Recognition::Gl { "gl" } else { "memo" };
            format!("{} / {} {} {} {to}", debit.account, credit.account, debit.amount, entry.reason)
        })
        .collect()
}

#[test]
fn a_budget_that_is_exhausted_refuses_in_words() {
    let line = |no, claimed: i64, given: i64| {
        let mut step = Taken {
            kind: StepKind::Disputed,
            line: no,
            ruling: None,
            unit: format!("line {no}"),
            amount: Micros(claimed),
            words: "said".to_owned(),
            day: "2025-07-16".parse().unwrap(),
            actor_id: PARTNER,
            actor: "P".to_owned(),
        };
        let disputed = step.clone();
        step.kind = StepKind::Proposed;
        step.ruling = Some(Ruling::Waived);
        step.amount = Micros(given);
        step.actor_id = MANAGER;
        [disputed, step]
    };
    let course = Course::of(&line(1, 100_000_000, 100_000_000));
    let sums = Sums { target: Micros(300_000_000), ..Sums::default() };
    let now = Now {
        state: ItemState::Disputed,
        today: "2025-07-21".parse().unwrap(),
        dispute_by: "2025-08-05".parse().unwrap(),
        waiver_limit: LIMIT,
        budget_left: Some(Micros(99_990_000)),
        budget_set_by: Some(SETTER),
    };
    let step = Asked {
        line: 1,
        ruling: Some(Ruling::Waived),
        amount: Micros(100_000_000),
        ..asked(StepKind::Decided)
    };
    let refused = check(&course, &sums, &step, (Party::Finance, FINANCE), &now).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the waiver budget of this partner has 99.99 left for 2025, and this gives up 100.00; raise the budget first, or let the line stand"
    );
    let enough = Now { budget_left: Some(Micros(100_000_000)), ..now };
    assert_eq!(check(&course, &sums, &step, (Party::Finance, FINANCE), &enough), Ok(()));
    // Whoever set the budget gives nothing up under it, but may say that a line stands.
    let setter = (Party::Controller, SETTER);
    let own = check(&course, &sums, &step, setter, &enough).unwrap_err();
    assert_eq!(own, Refused::OwnBudget(2025));
    assert!(own.to_string().starts_with("you set the waiver budget of this partner for 2025; somebody else"));
    let stands = Asked { ruling: Some(Ruling::Upheld), amount: Micros::ZERO, ..step.clone() };
    assert_eq!(check(&course, &sums, &stands, setter, &enough), Ok(()));
    // A second carrier manager decides small ones; who proposed it does not, and more than the limit is a controller's.
    assert_eq!(check(&course, &sums, &step, (Party::Manager, 9), &enough), Ok(()));
    assert_eq!(check(&course, &sums, &step, (Party::Manager, MANAGER), &enough), Err(Refused::OwnProposal));
    let small = Now { waiver_limit: Micros(1), ..enough };
    for by in [(Party::Manager, 9), (Party::Finance, FINANCE)] {
        assert_eq!(check(&course, &sums, &step, by, &small), Err(Refused::OverLimit(Micros(1))));
    }
    assert_eq!(check(&course, &sums, &step, (Party::Controller, CONTROLLER), &small), Ok(()));
    assert_eq!(
        check(&course, &sums, &step, (Party::Partner, PARTNER), &enough),
        Err(Refused::Whose(Party::Manager))
    );
}

/// What one step of a random history is.
#[derive(Clone, Debug)]
enum Move {
    Dispute(i64),
    Propose(usize, Ruling, i64),
    Decide(usize, Ruling, bool),
    Withdraw(usize),
    Accept,
    Deem,
    Settle(i64),
    Facts(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let ruling = prop_oneof![Just(Ruling::Upheld), Just(Ruling::Reduced), Just(Ruling::Waived)];
    let one = prop_oneof![
        (1_i64..400).prop_map(Move::Dispute),
        (0_usize..4, ruling.clone(), 0_i64..400).prop_map(|(line, r, a)| Move::Propose(line, r, a)),
        (0_usize..4, ruling, any::<bool>()).prop_map(|(line, r, finance)| Move::Decide(line, r, finance)),
        (0_usize..4).prop_map(Move::Withdraw),
        Just(Move::Accept),
        Just(Move::Deem),
        (1_i64..600).prop_map(Move::Settle),
        (0_i64..900).prop_map(Move::Facts),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    /// Whatever order steps come in, what is left is what clause and facts come to less what was given up less what was
    /// settled, never below 0, the books say the same, and no decision counts twice.
    #[test]
    fn no_order_of_steps_counts_twice(history in moves()) {
        let mut world = World::new(Micros(500_000_000));
        let start: NaiveDate = "2025-07-15".parse().unwrap();
        world.accrue(start);
        world.assess(start);
        for (on, one) in start.iter_days().zip(history) {
            let line_no = |world: &World, index: usize| {
                world.course().lines.get(index).map_or(0, |line| line.no)
            };
            let _ = match one {
                Move::Dispute(amount) => {
                    let unit = format!("unit of {on}");
                    let step = Asked { unit, amount: Micros(amount * 1_000_000), ..asked(StepKind::Disputed) };
                    world.take(step, (Party::Partner, PARTNER), on)
                }
                Move::Propose(line, ruling, amount) => {
                    let no = line_no(&world, line);
                    let claimed = world.course().line(no).map_or(Micros::ZERO, |line| line.claimed);
                    let amount = match ruling {
                        Ruling::Upheld => Micros::ZERO,
                        Ruling::Reduced => Micros(amount * 1_000_000),
                        Ruling::Waived => claimed,
                    };
                    let step = Asked { line: no, ruling: Some(ruling), amount, ..asked(StepKind::Proposed) };
                    world.take(step, (Party::Manager, MANAGER), on)
                }
                Move::Decide(line, ruling, controller) => {
                    let no = line_no(&world, line);
                    let amount = match ruling {
                        Ruling::Upheld => Micros::ZERO,
                        _ => world.course().line(no).and_then(|line| line.proposal.clone())
                            .map_or(Micros::ZERO, |proposal| proposal.given_up),
                    };
                    let step = Asked { line: no, ruling: Some(ruling), amount, ..asked(StepKind::Decided) };
                    let by = if controller { (Party::Controller, CONTROLLER) } else { (Party::Manager, 9) };
                    world.take(step, by, on)
                }
                Move::Withdraw(line) => {
                    let step = Asked { line: line_no(&world, line), ..asked(StepKind::Withdrawn) };
                    world.take(step, (Party::Partner, PARTNER), on)
                }
                Move::Accept => world.take(asked(StepKind::Accepted), (Party::Partner, PARTNER), on),
                Move::Deem => world.take(asked(StepKind::Deemed), (Party::Clock, 0), on),
                Move::Settle(amount) => {
                    let amount = Micros(amount * 1_000_000).min(world.sums().outstanding());
                    if amount > Micros::ZERO {
                        let step = Asked { amount, ..asked(StepKind::Settled) };
                        world.take(step, (Party::Finance, FINANCE), on)
                    } else {
                        Ok(())
                    }
                }
                // Facts alone are the accrual's; here only what the sums then say.
                Move::Facts(target) => {
                    let sums = Sums { target: Micros(target * 1_000_000), ..world.sums() };
                    prop_assert!(sums.owed() >= Micros::ZERO);
                    prop_assert!(sums.waived() <= sums.given_up);
                    prop_assert_eq!(sums.owed() + sums.waived(), sums.target);
                    let state = sums.state_after((world.state, world.target));
                    if state == ItemState::Settled {
                        prop_assert_eq!(sums.outstanding(), Micros::ZERO);
                    }
                    if sums.outstanding() > world.sums().outstanding() {
                        prop_assert_ne!(state, ItemState::Settled, "more is told anew");
                    }
                    Ok(())
                }
            };
            world.sound();
        }
    }
}
