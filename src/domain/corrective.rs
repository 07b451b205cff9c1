//! A corrective action asked of a partner: open, answered, closed, and opened again where the answer does not do
//! (DOMAIN §7.3, reduced to what both sides need to follow it).

use chrono::NaiveDate;

use super::field::codes;
use super::period::Period;

codes! {
    /// What happens to a corrective action.
    Step, "step of a corrective action" {
        /// The partner says what it does.
        Answered = "ANSWERED", "answered";
        /// The answer does not do.
        Reopened = "REOPENED", "opened again";
        /// It is done.
        Closed = "CLOSED", "closed";
        /// A later quarter that is low was put on it; by a run, never by a person.
        Noted = "NOTED", "noted on it";
    }
}

codes! {
    /// Where a corrective action stands.
    ActionState, "state of a corrective action" {
        /// Waits for the partner.
        Open = "OPEN", "open";
        /// Waits for the shipper.
        Answered = "ANSWERED", "answered";
        /// Over.
        Closed = "CLOSED", "closed";
    }
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is over.
    #[error("the corrective action is closed; a new cause opens a new one")]
    Closed,
    /// It waits for the partner.
    #[error("the partner has not answered yet; you can close the action, not open it again")]
    NotAnswered,
    /// It waits for the shipper.
    #[error("it is answered already and waits for the shipper")]
    Answered,
    /// Only a run notes a quarter.
    #[error("a later quarter is noted by the scoring run; nobody does it by hand")]
    NotByHand,
}

/// Where an action stands after its steps, oldest first.
#[must_use]
pub fn state(steps: &[Step]) -> ActionState {
    match steps.iter().rfind(|step| **step != Step::Noted) {
        Some(Step::Answered) => ActionState::Answered,
        Some(Step::Closed) => ActionState::Closed,
        None | Some(Step::Reopened | Step::Noted) => ActionState::Open,
    }
}

/// The state after one more step of a person.
///
/// # Errors
/// [`Refused`].
pub fn after(now: ActionState, step: Step) -> Result<ActionState, Refused> {
    match (now, step) {
        (_, Step::Noted) => Err(Refused::NotByHand),
        (ActionState::Closed, _) => Err(Refused::Closed),
        (ActionState::Open, Step::Reopened) => Err(Refused::NotAnswered),
        (ActionState::Answered, Step::Answered) => Err(Refused::Answered),
        (_, step) => Ok(state(&[step])),
    }
}

/// Longest time a person gives a partner to answer, in days.
pub const DUE_DAYS_MAX: i64 = 365;

/// Why an action that is opened by hand on `today` may not be due on `due`; none when it may.
#[must_use]
pub fn due_problem(due: NaiveDate, today: NaiveDate) -> Option<String> {
    let days = due.signed_duration_since(today).num_days();
    if days < 0 {
        Some("choose today or a later day".to_owned())
    } else if days > DUE_DAYS_MAX {
        Some(format!("choose a day within {DUE_DAYS_MAX} days"))
    } else {
        None
    }
}

/// Days before an answer is due on which the partner is reminded first, and after it last.
const REMIND_DAYS: i64 = 3;
/// Days after an answer was due on which the shipper is told too.
const ESCALATE_DAYS: i64 = 7;

codes! {
    /// A reminder of an answer (DOMAIN §7.3): three days before, on the day, three days after, and to both a week after.
    Reminder, "reminder of a corrective action" {
        /// It is due within three days.
        Soon = "SOON", "is due soon";
        /// It is due on the day, or was a day or two ago.
        Due = "DUE", "is due";
        /// It was due three days ago or more.
        Late = "LATE", "is late";
        /// It was due a week ago or more; the shipper is told too.
        Escalated = "ESCALATED", "is a week late";
    }
}

/// The newest reminder that has come due on `today`; what earlier runs missed is not made up for.
#[must_use]
pub fn reminder(due: NaiveDate, today: NaiveDate) -> Option<Reminder> {
    match today.signed_duration_since(due).num_days() {
        late if late >= ESCALATE_DAYS => Some(Reminder::Escalated),
        late if late >= REMIND_DAYS => Some(Reminder::Late),
        late if late >= 0 => Some(Reminder::Due),
        late if late >= -REMIND_DAYS => Some(Reminder::Soon),
        _ => None,
    }
}

/// An action of a partner, as far as it covers a quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Row id.
    pub id: i64,
    /// The quarter that opened it; none when a person did.
    pub quarter: Option<Period>,
    /// Later quarters that were noted on it.
    pub noted: Vec<Period>,
    /// Whether it is closed.
    pub closed: bool,
}

/// What a low quarter asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Nothing: it, or a later one, was dealt with.
    Nothing,
    /// An action of its own.
    Open,
    /// A note on the action with this id, which is open and covers the partner.
    Note(i64),
}

/// What follows from the newest low quarter of a partner. An open action covers the partner, whatever opened it, so that
/// nobody answers two at once: a newer low quarter is noted on it, once. With none open the quarter opens its own, also
/// one that was noted on an action closed since, unless it or a later one opened one before.
#[must_use]
pub fn follow_up(known: &[Known], quarter: Period) -> Follow {
    let reaches = |period: &Period| period.start() >= quarter.start();
    if let Some(open) = known.iter().filter(|one| !one.closed).max_by_key(|one| one.id) {
        let told = open.quarter.iter().chain(&open.noted).any(reaches);
        return if told { Follow::Nothing } else { Follow::Note(open.id) };
    }
    if known.iter().filter_map(|one| one.quarter.as_ref()).any(reaches) {
        return Follow::Nothing;
    }
    Follow::Open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_come_by_the_days_around_the_due_one() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let told = |today: &str| reminder(day("2026-04-22"), day(today));
        assert_eq!(told("2026-04-18"), None);
        assert_eq!(told("2026-04-19"), Some(Reminder::Soon));
        assert_eq!(told("2026-04-21"), Some(Reminder::Soon));
        assert_eq!(told("2026-04-22"), Some(Reminder::Due));
        assert_eq!(told("2026-04-24"), Some(Reminder::Due));
        assert_eq!(told("2026-04-25"), Some(Reminder::Late));
        assert_eq!(told("2026-04-28"), Some(Reminder::Late));
        assert_eq!(told("2026-04-29"), Some(Reminder::Escalated));
        let problem = |due: &str| due_problem(day(due), day("2026-04-22"));
        assert_eq!(problem("2026-04-22"), None);
        assert_eq!(problem("2027-04-22"), None);
        assert!(problem("2026-04-21").unwrap().contains("today or a later day"));
        assert!(problem("2027-04-23").unwrap().contains("within 365 days"));
    }

    #[test]
    fn an_open_action_covers_the_partner_and_a_closed_one_its_own_quarter() {
        let q = |text: &str| text.parse::<Period>().unwrap();
        let known = |id, quarter: &str, noted: &[&str], closed| Known {
            id,
            quarter: (!quarter.is_empty()).then(|| q(quarter)),
            noted: noted.iter().map(|text| q(text)).collect(),
            closed,
        };
        assert_eq!(follow_up(&[], q("2026-Q1")), Follow::Open);
        let open = known(7, "2026-Q1", &[], false);
        assert_eq!(follow_up(std::slice::from_ref(&open), q("2026-Q1")), Follow::Nothing);
        assert_eq!(follow_up(std::slice::from_ref(&open), q("2026-Q2")), Follow::Note(7));
        let noted = known(7, "2026-Q1", &["2026-Q2"], false);
        assert_eq!(follow_up(std::slice::from_ref(&noted), q("2026-Q2")), Follow::Nothing, "once");
        assert_eq!(follow_up(&[noted], q("2026-Q3")), Follow::Note(7));
        let closed = known(7, "2026-Q1", &["2026-Q2"], true);
        assert_eq!(follow_up(std::slice::from_ref(&closed), q("2026-Q1")), Follow::Nothing);
        assert_eq!(follow_up(std::slice::from_ref(&closed), q("2026-Q2")), Follow::Open, "closed since");
        let own = known(9, "2026-Q2", &[], true);
        assert_eq!(follow_up(&[closed, own], q("2026-Q2")), Follow::Nothing, "it had its own");
        assert_eq!(follow_up(&[known(3, "", &[], false)], q("2026-Q2")), Follow::Note(3), "by hand");
        assert_eq!(follow_up(&[known(3, "", &["2026-Q2"], true)], q("2026-Q2")), Follow::Open);
    }

    #[test]
    fn it_goes_back_and_forth_until_it_is_closed() {
        use ActionState::{Answered, Closed, Open};
        assert_eq!(state(&[]), Open);
        assert_eq!(after(Open, Step::Answered), Ok(Answered));
        assert_eq!(after(Open, Step::Reopened), Err(Refused::NotAnswered));
        assert_eq!(after(Answered, Step::Answered), Err(Refused::Answered));
        assert_eq!(after(Answered, Step::Reopened), Ok(Open));
        assert_eq!(after(Open, Step::Closed), Ok(Closed), "also without an answer");
        for step in [Step::Answered, Step::Reopened, Step::Closed] {
            assert_eq!(after(Closed, step), Err(Refused::Closed));
        }
        for now in [Open, Answered, Closed] {
            assert_eq!(after(now, Step::Noted), Err(Refused::NotByHand));
        }
        assert_eq!(state(&[Step::Answered, Step::Noted]), Answered, "a note moves nothing");
        assert_eq!(state(&[Step::Noted]), Open);
    }
}
