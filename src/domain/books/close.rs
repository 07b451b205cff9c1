//! What must be done before a month is closed, each step computed from what is stored.
//!
//! A step that is not done says what to do. It may be passed over with a reason, asked for by one person and approved by
//! another (DOMAIN §9), and only for what was found then: when the finding changes, the step is open again.

use chrono::NaiveDate;

use crate::domain::currency::Currency;
use crate::domain::field::codes;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::words;

/// Longest reason of an override, in characters.
pub const REASON_CHARS_MAX: usize = 500;

codes! {
    /// One step of a close, in the order in which they are done.
    StepKind, "step of a close" {
        /// Nothing of the month is missing or refused.
        Facts = "FACTS", "All facts loaded";
        /// The clauses were evaluated after the last day.
        Accrued = "ACCRUED", "Accruals posted";
        /// The ledger was computed again.
        Reperformed = "REPERFORMED", "Sub-ledger re-performed";
        /// Every shipment has its price.
        Rated = "RATED", "Unrated shipments cleared";
        /// Nobody waits for our answer.
        Disputes = "DISPUTES", "Disputes answered";
        /// Nothing given up waits for a second person.
        Waivers = "WAIVERS", "Waivers approved by a second person";
        /// What counts in the general ledger went there.
        Exported = "EXPORTED", "Export to the general ledger";
    }
}

codes! {
    /// How far a step is.
    StepState, "state of a step" {
        /// Nothing is left.
        Done = "DONE", "Done";
        /// To be done here.
        Open = "OPEN", "To do";
        /// Something stands against it that is put right elsewhere.
        Blocked = "BLOCKED", "Blocked";
        /// Passed over, with a reason and a second person's approval.
        Overridden = "OVERRIDDEN", "Passed over";
    }
}

/// Items that wait for somebody, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenItems {
    /// How many.
    pub items: i64,
    /// What they come to, by currency.
    pub amounts: Vec<(Currency, Micros)>,
}

impl OpenItems {
    fn words(&self, noun: &str) -> String {
        let amounts: Vec<String> = self
            .amounts
            .iter()
            .map(|(currency, amount)| format!("{} {currency}", words::amount(*amount)))
            .collect();
        match amounts.as_slice() {
            [] => words::count(self.items, noun),
            _ => format!("{}, {}", words::count(self.items, noun), amounts.join(", ")),
        }
    }
}

/// The last re-performance of the ledger for a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFact {
    /// What was wrong.
    pub problems: i64,
    /// The first of it, in words; empty when nothing was wrong.
    pub first_problem: String,
    /// The ledger is still as it was then.
    pub is_current: bool,
}

/// Everything the steps are computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFacts {
    /// The month.
    pub month: Period,
    /// Imports that run now.
    pub imports_running: i64,
    /// Files that broke off and were not loaded again.
    pub files_failed: i64,
    /// Files with refused rows that were not loaded again without any.
    pub files_rejected: i64,
    /// Rows refused in them.
    pub rows_rejected: i64,
    /// The day on which the newest file came in, in the reporting zone.
    pub loaded_on: Option<NaiveDate>,
    /// Days of partners of the month that wait to be summed.
    pub days_waiting: i64,
    /// The day up to which the clauses were evaluated.
    pub accrued_as_of: Option<NaiveDate>,
    /// Journal entries posted in the month.
    pub entries: i64,
    /// Currencies of the month in which debits and credits differ.
    pub unbalanced: Vec<Currency>,
    /// The last re-performance; none when there was none.
    pub check: Option<CheckFact>,
    /// Shipments of the month without a price.
    pub unrated: i64,
    /// Disputes of the month and earlier ones that wait for our answer.
    pub disputes: OpenItems,
    /// Waivers that wait for a second person.
    pub waivers: OpenItems,
    /// Entries posted up to the month's end that count in the general ledger and are in no batch.
    pub unexported: i64,
}

/// A request to pass over a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Row id.
    pub id: i64,
    /// The step.
    pub step: StepKind,
    /// What was found when it was asked for.
    pub finding: String,
    /// Why it may be passed over.
    pub reason: String,
    /// Who asked.
    pub asked_by: String,
    /// The user who asked.
    pub asked_by_id: i64,
    /// The second person's word; none while it waits.
    pub decision: Option<Decision>,
}

/// What a second person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Passed over, or not.
    pub is_approved: bool,
    /// In words.
    pub note: String,
    /// Who decided.
    pub by: String,
}

impl Override {
    /// Whether it stands for what is found now.
    fn covers(&self, step: StepKind, finding: &str) -> bool {
        self.step == step && self.finding == finding
    }
}

/// A step as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// How far.
    pub state: StepState,
    /// What was found; the same facts give the same words.
    pub finding: String,
    /// What to do about it; empty when nothing is left.
    pub todo: &'static str,
    /// The request that passes it over, or waits to.
    pub passed: Option<Override>,
}

impl Step {
    /// Whether the month may be closed as far as this step goes.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, StepState::Done | StepState::Overridden)
    }
}

/// The steps of a month, in order. `overrides` are the requests of that month, oldest first.
#[must_use]
pub fn steps(facts: &CloseFacts, overrides: &[Override]) -> Vec<Step> {
    let found = StepKind::ALL.iter().map(|kind| (*kind, find(*kind, facts)));
    found
        .map(|(kind, (state, finding, todo))| {
            let newest = overrides.iter().rev().find(|one| one.covers(kind, &finding)).cloned();
            let passed = newest.filter(|_| state != StepState::Done);
            let approved =
                passed.as_ref().and_then(|one| one.decision.as_ref()).is_some_and(|made| made.is_approved);
            let state = if approved { StepState::Overridden } else { state };
            Step { kind, state, finding, todo, passed }
        })
        .collect()
}

/// What is left of the steps, a line each, with what to do.
#[must_use]
pub fn left(steps: &[Step]) -> Vec<String> {
    let open = steps.iter().filter(|step| !step.is_settled());
    open.map(|step| format!("{}: {} ({})", step.kind.label().to_lowercase(), step.finding, step.todo))
        .collect()
}

type Found = (StepState, String, &'static str);

fn done(finding: String) -> Found {
    (StepState::Done, finding, "")
}

fn find(kind: StepKind, facts: &CloseFacts) -> Found {
    match kind {
        StepKind::Facts => loaded(facts),
        StepKind::Accrued => accrued(facts),
        StepKind::Reperformed => reperformed(facts),
        StepKind::Rated => match facts.unrated {
            0 => done("every shipment of the month has its price".to_owned()),
            unrated => (
                StepState::Blocked,
                format!("{} without a price", words::count(unrated, "shipment")),
                "give their contract the missing rate, or correct the shipments",
            ),
        },
        StepKind::Disputes => match facts.disputes.items {
            0 => done("no dispute waits for an answer".to_owned()),
            _ => (
                StepState::Open,
                format!("{} without an answer", facts.disputes.words("disputed item")),
                "decide them",
            ),
        },
        StepKind::Waivers => match facts.waivers.items {
            0 => done("no waiver waits for a second person".to_owned()),
            _ => (
                StepState::Open,
                format!("{} not approved", facts.waivers.words("waiver")),
                "have a second person approve or refuse them",
            ),
        },
        StepKind::Exported => match facts.unexported {
            0 => done("nothing that counts in the general ledger is left to export".to_owned()),
            left => (
                StepState::Open,
                format!("{} not exported", words::count(left, "entry")),
                "make an export batch",
            ),
        },
    }
}

fn loaded(facts: &CloseFacts) -> Found {
    let mut wrong = Vec::new();
    if facts.imports_running > 0 {
        wrong.push(format!("{} running", words::count(facts.imports_running, "import")));
    }
    if facts.files_failed > 0 {
        wrong.push(format!("{} broke off", words::count(facts.files_failed, "file")));
    }
    if facts.files_rejected > 0 {
        wrong.push(format!(
            "{} refused in {}",
            words::count(facts.rows_rejected, "row"),
            words::count(facts.files_rejected, "file")
        ));
    }
    if !wrong.is_empty() {
        return (
            StepState::Blocked,
            wrong.join(", "),
            "correct the rows and load the files again under their names",
        );
    }
    match facts.loaded_on {
        Some(day) if day >= facts.month.end() => {}
        Some(day) => {
            return (
                StepState::Open,
                format!("the newest file came on {}, before the month was over", words::day(day)),
                "load what came in since",
            );
        }
        None => return (StepState::Open, "no file was loaded yet".to_owned(), "load the facts of the month"),
    }
    if facts.days_waiting > 0 {
        return (
            StepState::Open,
            format!("{} of partners wait to be summed", words::count(facts.days_waiting, "day")),
            "run the refresh",
        );
    }
    let on = facts.loaded_on.map(words::day).unwrap_or_default();
    done(format!("newest file of {on}, no refused rows open"))
}

fn accrued(facts: &CloseFacts) -> Found {
    let last = facts.month.last_day();
    if !facts.unbalanced.is_empty() {
        let named: Vec<String> = facts.unbalanced.iter().map(ToString::to_string).collect();
        return (
            StepState::Blocked,
            format!("debits and credits differ in {}", named.join(", ")),
            "re-perform the ledger to find the entry",
        );
    }
    match facts.accrued_as_of {
        Some(day) if day >= last => done(format!(
            "up to {}, {} in the month, debits equal credits",
            words::day(day),
            words::count(facts.entries, "entry")
        )),
        Some(day) => (
            StepState::Open,
            format!("only up to {}", words::day(day)),
            "run the accrual for the last day of the month or a later one",
        ),
        None => (StepState::Open, "the accrual never ran".to_owned(), "run the accrual"),
    }
}

fn reperformed(facts: &CloseFacts) -> Found {
    match &facts.check {
        None => (StepState::Open, "not done yet".to_owned(), "re-perform the ledger"),
        Some(check) if check.problems > 0 => (
            StepState::Blocked,
            format!("{}; the first: {}", words::count(check.problems, "problem"), check.first_problem),
            "have the ledger put right, then re-perform it again",
        ),
        Some(check) if !check.is_current => {
            (StepState::Open, "entries were posted since".to_owned(), "re-perform the ledger again")
        }
        Some(_) => done("every balance recomputes to the cent, and the chain of entries is whole".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> CloseFacts {
        CloseFacts {
            month: "2025-06".parse().unwrap(),
            imports_running: 0,
            files_failed: 0,
            files_rejected: 0,
            rows_rejected: 0,
            loaded_on: Some("2025-07-03".parse().unwrap()),
            days_waiting: 0,
            accrued_as_of: Some("2025-07-01".parse().unwrap()),
            entries: 96,
            unbalanced: Vec::new(),
            check: Some(CheckFact { problems: 0, first_problem: String::new(), is_current: true }),
            unrated: 0,
            disputes: OpenItems::default(),
            waivers: OpenItems::default(),
            unexported: 0,
        }
    }

    fn states(steps: &[Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.state.code()).collect()
    }

    #[test]
    fn a_month_with_nothing_left_may_be_closed() {
        let all = steps(&facts(), &[]);
        assert!(all.iter().all(Step::is_settled) && left(&all).is_empty());
        assert_eq!(all[1].finding, "up to 1 July 2025, 96 entries in the month, debits equal credits");
    }

    #[test]
    fn each_open_step_says_what_to_do() {
        let open = CloseFacts {
            files_rejected: 1,
            rows_rejected: 12,
            accrued_as_of: Some("2025-06-29".parse().unwrap()),
            check: None,
            unrated: 3,
            disputes: OpenItems { items: 1, amounts: vec![(Currency::USD, Micros(645_000_000))] },
            waivers: OpenItems { items: 2, amounts: Vec::new() },
            unexported: 5,
            ..facts()
        };
        let all = steps(&open, &[]);
        assert_eq!(states(&all), ["BLOCKED", "OPEN", "OPEN", "BLOCKED", "OPEN", "OPEN", "OPEN"]);
        assert_eq!(
            left(&all),
            [
                "all facts loaded: 12 rows refused in 1 file (correct the rows and load the files again under their names)",
                "accruals posted: only up to 29 June 2025 (run the accrual for the last day of the month or a later one)",
                "sub-ledger re-performed: not done yet (re-perform the ledger)",
                "unrated shipments cleared: 3 shipments without a price (give their contract the missing rate, or correct the shipments)",
                "disputes answered: 1 disputed item, 645.00 USD without an answer (decide them)",
                "waivers approved by a second person: 2 waivers not approved (have a second person approve or refuse them)",
                "export to the general ledger: 5 entries not exported (make an export batch)",
            ]
        );
    }

    #[test]
    fn an_override_holds_for_what_it_was_about_and_needs_a_second_person() {
        let open = CloseFacts { unrated: 3, ..facts() };
        let asked = Override {
            id: 1,
            step: StepKind::Rated,
            finding: "3 shipments without a price".to_owned(),
            reason: "about 1,140.00, priced by hand in July".to_owned(),
            asked_by: "K. Brandt".to_owned(),
            asked_by_id: 5,
            decision: None,
        };
        let state = |facts: &CloseFacts, one: &Override| steps(facts, std::slice::from_ref(one))[3].state;
        assert_eq!(state(&open, &asked), StepState::Blocked, "it waits");
        let word = |is_approved| {
            let decision = Decision { is_approved, note: String::new(), by: "D. Amari".to_owned() };
            Override { decision: Some(decision), ..asked.clone() }
        };
        assert_eq!(state(&open, &word(false)), StepState::Blocked);
        assert_eq!(state(&open, &word(true)), StepState::Overridden);
        assert_eq!(state(&CloseFacts { unrated: 4, ..facts() }, &word(true)), StepState::Blocked, "one more");
        assert_eq!(state(&facts(), &word(true)), StepState::Done, "nothing to pass over");
    }
}
