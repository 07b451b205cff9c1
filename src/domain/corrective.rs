//! A corrective action asked of a partner: open, answered, closed, and opened again where the answer does not do
//! (DOMAIN §7.3, reduced to what both sides need to follow it).

use super::field::codes;

codes! {
    /// What happens to a corrective action.
    Step, "step of a corrective action" {
        /// The partner says what it does.
        Answered = "ANSWERED", "answered";
        /// The answer does not do.
        Reopened = "REOPENED", "opened again";
        /// It is done.
        Closed = "CLOSED", "closed";
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
}

/// Where an action stands after its steps, oldest first.
#[must_use]
pub fn state(steps: &[Step]) -> ActionState {
    match steps.last() {
        None | Some(Step::Reopened) => ActionState::Open,
        Some(Step::Answered) => ActionState::Answered,
        Some(Step::Closed) => ActionState::Closed,
    }
}

/// The state after one more step.
///
/// # Errors
/// [`Refused`].
pub fn after(now: ActionState, step: Step) -> Result<ActionState, Refused> {
    match (now, step) {
        (ActionState::Closed, _) => Err(Refused::Closed),
        (ActionState::Open, Step::Reopened) => Err(Refused::NotAnswered),
        (ActionState::Answered, Step::Answered) => Err(Refused::Answered),
        (_, step) => Ok(state(&[step])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_back_and_forth_until_it_is_closed() {
        use ActionState::{Answered, Closed, Open};
        assert_eq!(state(&[]), Open);
        assert_eq!(after(Open, Step::Answered), Ok(Answered));
        assert_eq!(after(Open, Step::Reopened), Err(Refused::NotAnswered));
        assert_eq!(after(Answered, Step::Answered), Err(Refused::Answered));
        assert_eq!(after(Answered, Step::Reopened), Ok(Open));
        assert_eq!(after(Open, Step::Closed), Ok(Closed), "also without an answer");
        for step in Step::ALL {
            assert_eq!(after(Closed, *step), Err(Refused::Closed));
        }
    }
}
