//! One cell of the joint plan, a partner on a lane in a week: its states and the partner's answer
//! (DOMAIN §6.1).

use serde::{Deserialize, Serialize};

/// Business days a partner has to answer; after them only the contract's base stands.
pub const ANSWER_BUSINESS_DAYS: u32 = 3;
/// Weeks 1 to this one are frozen.
pub const LAST_FROZEN_WEEK: u32 = 2;
/// Weeks after the frozen ones to this one are committed.
pub const LAST_COMMITTED_WEEK: u32 = 6;
/// Weeks after the committed ones to this one are indicative.
pub const LAST_INDICATIVE_WEEK: u32 = 13;
/// Longest reason a partner may give, in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// How firm a plan week is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Zone {
    /// Weeks 1–2: trucks are on their way.
    Frozen,
    /// Weeks 3–6: what is agreed stands.
    Committed,
    /// Weeks 7–13: may still change every week.
    Indicative,
}

impl Zone {
    /// Zone of plan week 1 (the first) to 13; none outside.
    #[must_use]
    pub fn of_week(week: u32) -> Option<Self> {
        match week {
            1..=LAST_FROZEN_WEEK => Some(Self::Frozen),
            ..=LAST_COMMITTED_WEEK if week > 0 => Some(Self::Committed),
            ..=LAST_INDICATIVE_WEEK if week > 0 => Some(Self::Indicative),
            _ => None,
        }
    }

    /// Stored code, also the serde form.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Committed => "COMMITTED",
            Self::Indicative => "INDICATIVE",
        }
    }
}

/// Where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanState {
    /// The shipper works on it.
    Draft,
    /// The partner sees it and may answer.
    Shared,
    /// The partner has answered.
    Responded,
    /// Loads are agreed.
    Agreed,
    /// Agreed and near: nothing changes any more.
    Frozen,
    /// The week is over; the actual stands beside the plan.
    Closed,
}

impl PlanState {
    /// Every state, in order.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Shared, Self::Responded, Self::Agreed, Self::Frozen, Self::Closed];

    /// Stored code, also the serde form.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Shared => "SHARED",
            Self::Responded => "RESPONDED",
            Self::Agreed => "AGREED",
            Self::Frozen => "FROZEN",
            Self::Closed => "CLOSED",
        }
    }

    /// The state behind a stored code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What a partner says to the loads asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Answer {
    /// Yes to all loads.
    Commit,
    /// Another quantity, with the reason.
    Counter {
        /// Loads offered instead.
        loads: i64,
        /// Why, in the partner's words.
        reason: String,
    },
    /// No to everything above the contract's base.
    Decline,
}

impl Answer {
    /// Stored code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Commit => "COMMIT",
            Self::Counter { .. } => "COUNTER",
            Self::Decline => "DECLINE",
        }
    }
}

/// A cell; loads are per ISO week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCell {
    /// Where it stands.
    pub state: PlanState,
    /// Loads asked for.
    pub proposed: i64,
    /// Loads the contract commits for that week.
    pub contract_base: i64,
    /// The newest answer.
    pub answer: Option<Answer>,
    /// Loads agreed; set from `Agreed` on. The commitment that `COMMIT_ADH` measures.
    pub agreed: Option<i64>,
    /// Loads carried; set when closed.
    pub actual: Option<i64>,
}

/// What happens to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanEvent {
    /// The shipper (or the weekly run) asks for another quantity; earlier answers are void.
    Propose {
        /// Loads asked for.
        loads: i64,
    },
    /// The shipper shows it to the partner.
    Share,
    /// The partner answers; a later answer replaces an earlier one until agreed.
    Respond(Answer),
    /// [`ANSWER_BUSINESS_DAYS`] passed without an answer.
    DeadlinePassed,
    /// The shipper accepts the answer.
    Agree,
    /// The week entered the frozen zone; settles what is still open.
    Freeze,
    /// The week is over.
    Close {
        /// Loads carried.
        actual: i64,
    },
}

impl PlanEvent {
    fn title(&self) -> &'static str {
        match self {
            Self::Propose { .. } => "change the loads asked for",
            Self::Share => "share it",
            Self::Respond(_) => "answer it",
            Self::DeadlinePassed => "close the time to answer",
            Self::Agree => "agree it",
            Self::Freeze => "freeze it",
            Self::Close { .. } => "close it",
        }
    }
}

/// Why an event does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanCellError {
    /// Not in this state.
    #[error("the plan cell is {}, so nobody can {event} now; {next}", .state.code())]
    WrongState {
        /// Where it stands.
        state: PlanState,
        /// What was tried.
        event: &'static str,
        /// What to do instead.
        next: &'static str,
    },
    /// Not this near to the week.
    #[error("the week is {}, so nobody can {event}; ask for a change outside the plan", .zone.code())]
    TooLate {
        /// Zone of the week.
        zone: Zone,
        /// What was tried.
        event: &'static str,
    },
    /// Too early to freeze.
    #[error("the week is {}; only weeks 1 to {LAST_FROZEN_WEEK} freeze", .0.code())]
    TooEarly(Zone),
    /// Negative loads.
    #[error("{0} loads; expected 0 or more")]
    NegativeLoads(i64),
    /// A counter offer of what was asked.
    #[error("the counter offer equals the {0} loads asked for; answer COMMIT instead")]
    CounterIsCommit(i64),
    /// A counter offer without a reason, or with an essay.
    #[error("a counter offer needs a reason of 1 to {MAX_REASON_CHARS} characters")]
    BadReason,
}

impl PlanCell {
    /// A new cell in `Draft`.
    #[must_use]
    pub fn draft(proposed: i64, contract_base: i64) -> Self {
        Self { state: PlanState::Draft, proposed, contract_base, answer: None, agreed: None, actual: None }
    }

    /// Loads that stand without the partner's consent: the contract's base, as far as it is asked for.
    #[must_use]
    pub fn base_only(&self) -> i64 {
        self.proposed.min(self.contract_base)
    }

    /// The cell after `event`, when its week lies in `zone`.
    ///
    /// A decline cannot undo the contract: agreed, it leaves [`Self::base_only`]. A counter offer counts
    /// only once the shipper agrees it; frozen before that, it leaves the same.
    ///
    /// # Errors
    /// [`PlanCellError`] when the state, the zone or the figures do not allow the event.
    pub fn after(&self, event: PlanEvent, zone: Zone) -> Result<Self, PlanCellError> {
        use PlanState::{Agreed, Closed, Draft, Frozen, Responded, Shared};
        let title = event.title();
        let wrong = |next| Err(PlanCellError::WrongState { state: self.state, event: title, next });
        let too_late = || Err(PlanCellError::TooLate { zone, event: title });
        let mut cell = self.clone();
        match (event, self.state) {
            (PlanEvent::Propose { .. }, Frozen | Closed) => return wrong("plan a later week"),
            (PlanEvent::Propose { .. }, _) if zone == Zone::Frozen => return too_late(),
            (PlanEvent::Propose { .. }, Agreed) if zone == Zone::Committed => return too_late(),
            (PlanEvent::Propose { loads }, _) => cell = Self::draft(not_negative(loads)?, self.contract_base),
            (PlanEvent::Share, Draft) => cell.state = Shared,
            (PlanEvent::Share, _) => return wrong("only a draft is shared"),
            (PlanEvent::Respond(_), Shared | Responded) if zone == Zone::Frozen => return too_late(),
            (PlanEvent::Respond(answer), Shared | Responded) => {
                self.check(&answer)?;
                (cell.state, cell.answer) = (Responded, Some(answer));
            }
            (PlanEvent::Respond(_), _) => return wrong("answers are open from sharing until agreed"),
            (PlanEvent::DeadlinePassed, Shared) => {
                (cell.state, cell.agreed) = (Agreed, Some(self.base_only()));
            }
            (PlanEvent::DeadlinePassed, _) => return wrong("only a shared cell waits for an answer"),
            (PlanEvent::Agree, Responded) => {
                (cell.state, cell.agreed) = (Agreed, Some(self.answered()));
            }
            (PlanEvent::Agree, _) => return wrong("wait for the partner's answer"),
            (PlanEvent::Freeze, Frozen | Closed) => return wrong("it is settled already"),
            (PlanEvent::Freeze, _) if zone != Zone::Frozen => return Err(PlanCellError::TooEarly(zone)),
            (PlanEvent::Freeze, _) => (cell.state, cell.agreed) = (Frozen, Some(self.settled())),
            (PlanEvent::Close { actual }, Frozen) => {
                (cell.state, cell.actual) = (Closed, Some(not_negative(actual)?));
            }
            (PlanEvent::Close { .. }, _) => return wrong("freeze it first"),
        }
        Ok(cell)
    }

    fn answered(&self) -> i64 {
        match &self.answer {
            Some(Answer::Commit) => self.proposed,
            Some(Answer::Counter { loads, .. }) => *loads,
            Some(Answer::Decline) | None => self.base_only(),
        }
    }

    /// What stands when the week freezes: the agreement, else a full yes, else the contract.
    fn settled(&self) -> i64 {
        self.agreed.unwrap_or_else(|| match self.answer {
            Some(Answer::Commit) => self.proposed,
            _ => self.base_only(),
        })
    }

    fn check(&self, answer: &Answer) -> Result<(), PlanCellError> {
        let Answer::Counter { loads, reason } = answer else { return Ok(()) };
        if not_negative(*loads)? == self.proposed {
            return Err(PlanCellError::CounterIsCommit(self.proposed));
        }
        if reason.trim().is_empty() || reason.chars().count() > MAX_REASON_CHARS {
            return Err(PlanCellError::BadReason);
        }
        Ok(())
    }
}

fn not_negative(loads: i64) -> Result<i64, PlanCellError> {
    if loads < 0 { Err(PlanCellError::NegativeLoads(loads)) } else { Ok(loads) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(loads: i64) -> PlanEvent {
        PlanEvent::Respond(Answer::Counter { loads, reason: "two trucks in repair".into() })
    }

    fn run(events: Vec<PlanEvent>, zone: Zone) -> Result<PlanCell, PlanCellError> {
        events.into_iter().try_fold(PlanCell::draft(20, 12), |cell, event| cell.after(event, zone))
    }

    #[test]
    fn weeks_have_zones() {
        let zones: Vec<_> = [0, 1, 2, 3, 6, 7, 13, 14].map(Zone::of_week).into();
        use Zone::{Committed, Frozen, Indicative};
        let want = [
            None,
            Some(Frozen),
            Some(Frozen),
            Some(Committed),
            Some(Committed),
            Some(Indicative),
            Some(Indicative),
            None,
        ];
        assert_eq!(zones, want);
    }

    #[test]
    fn each_answer_leads_to_its_loads() {
        let agreed =
            |answer| run(vec![PlanEvent::Share, answer, PlanEvent::Agree], Zone::Committed).unwrap().agreed;
        assert_eq!(agreed(PlanEvent::Respond(Answer::Commit)), Some(20));
        assert_eq!(agreed(counter(17)), Some(17));
        assert_eq!(agreed(PlanEvent::Respond(Answer::Decline)), Some(12));
    }

    #[test]
    fn silence_leaves_the_contract_base() {
        let cell = run(vec![PlanEvent::Share, PlanEvent::DeadlinePassed], Zone::Committed).unwrap();
        assert_eq!((cell.state, cell.agreed), (PlanState::Agreed, Some(12)));
    }

    #[test]
    fn freezing_settles_an_unaccepted_counter_at_the_base() {
        let cell = run(vec![PlanEvent::Share, counter(25)], Zone::Committed).unwrap();
        let frozen = cell.after(PlanEvent::Freeze, Zone::Frozen).unwrap();
        let closed = frozen.after(PlanEvent::Close { actual: 11 }, Zone::Frozen).unwrap();
        assert_eq!((closed.state, closed.agreed, closed.actual), (PlanState::Closed, Some(12), Some(11)));
    }

    #[test]
    fn agreed_loads_change_in_indicative_weeks_only() {
        let events = || vec![PlanEvent::Share, PlanEvent::Respond(Answer::Commit), PlanEvent::Agree];
        let again = PlanEvent::Propose { loads: 30 };
        let cell = run(events(), Zone::Indicative).unwrap();
        assert_eq!(cell.after(again.clone(), Zone::Indicative), Ok(PlanCell::draft(30, 12)));
        assert!(matches!(cell.after(again, Zone::Committed), Err(PlanCellError::TooLate { .. })));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let shared = run(vec![PlanEvent::Share], Zone::Committed).unwrap();
        assert_eq!(shared.after(counter(20), Zone::Committed), Err(PlanCellError::CounterIsCommit(20)));
        assert_eq!(shared.after(counter(-1), Zone::Committed), Err(PlanCellError::NegativeLoads(-1)));
        assert!(matches!(
            shared.after(PlanEvent::Agree, Zone::Committed),
            Err(PlanCellError::WrongState { .. })
        ));
        assert_eq!(
            shared.after(PlanEvent::Freeze, Zone::Committed),
            Err(PlanCellError::TooEarly(Zone::Committed))
        );
    }

    #[test]
    fn codes_read_back() {
        for state in PlanState::ALL {
            assert_eq!(PlanState::from_code(state.code()), Some(state));
        }
    }
}
