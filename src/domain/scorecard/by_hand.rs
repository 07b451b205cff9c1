//! What two people decide about a standing set by hand (DOMAIN §2.5): one asks, another agrees, either ends it early. What
//! held on a day that is over goes on having held.

use chrono::NaiveDate;

use crate::domain::exclusion::{self, Decision};
use crate::domain::field::codes;

codes! {
    /// What is decided about a standing set by hand.
    OverrideDecision, "decision about a standing set by hand" {
        /// A second person agrees.
        Approved = "APPROVED", "agreed";
        /// A second person does not.
        Denied = "DENIED", "denied";
        /// Whoever asked takes it back.
        Withdrawn = "WITHDRAWN", "taken back";
        /// It was agreed, and does not hold any more from a day on.
        Ended = "ENDED", "ended early";
    }
}

/// Why a decision about a standing set by hand is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideRefused {
    /// As for whatever else is asked for.
    #[error(transparent)]
    Request(#[from] exclusion::Refused),
    /// The days it held stay.
    #[error("it was agreed already; end it, and the days it held until then stay as they are")]
    Agreed,
    /// There is nothing to end.
    #[error("it is not agreed, so there is nothing to end")]
    NotAgreed,
    /// It is over.
    #[error("it was ended already; ask for another one")]
    Ended,
}

/// Where an override stands after `decision`; none while nothing is decided. `own` says that who decides is who asked.
/// Either of them ends it.
///
/// # Errors
/// [`OverrideRefused`].
pub fn override_after(
    state: Option<OverrideDecision>,
    decision: OverrideDecision,
    own: bool,
) -> Result<OverrideDecision, OverrideRefused> {
    use OverrideDecision as D;
    let plain = |decision: D| match decision {
        D::Approved => Some(Decision::Approved),
        D::Denied => Some(Decision::Denied),
        D::Withdrawn => Some(Decision::Withdrawn),
        D::Ended => None,
    };
    match (state, decision) {
        (Some(D::Approved), D::Ended) => Ok(D::Ended),
        (Some(D::Approved), _) => Err(OverrideRefused::Agreed),
        (Some(D::Ended), _) => Err(OverrideRefused::Ended),
        (_, next) => {
            let wanted = plain(next).ok_or(OverrideRefused::NotAgreed)?;
            exclusion::after(state.and_then(plain), wanted, own)?;
            Ok(next)
        }
    }
}

/// The last day on which an agreed override holds: the one agreed, or the day before it was ended; none when it was ended
/// before it began.
#[must_use]
pub fn last_day_held(first: NaiveDate, last: NaiveDate, ended_on: Option<NaiveDate>) -> Option<NaiveDate> {
    let last = match ended_on {
        None => last,
        Some(ended) => last.min(ended.pred_opt()?),
    };
    (first <= last).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_agreed_can_only_end_it_and_who_ended_it_cannot_go_back() {
        use OverrideDecision::{Approved, Denied, Ended, Withdrawn};
        let request = OverrideRefused::Request;
        assert_eq!(override_after(None, Approved, false), Ok(Approved));
        assert_eq!(override_after(None, Approved, true), Err(request(exclusion::Refused::OwnRequest)));
        assert_eq!(override_after(None, Withdrawn, true), Ok(Withdrawn));
        assert_eq!(override_after(None, Ended, false), Err(OverrideRefused::NotAgreed));
        for own in [false, true] {
            assert_eq!(override_after(Some(Approved), Ended, own), Ok(Ended), "either side ends it");
            for decision in [Approved, Denied, Withdrawn] {
                assert_eq!(override_after(Some(Approved), decision, own), Err(OverrideRefused::Agreed));
            }
            for decision in [Approved, Denied, Withdrawn, Ended] {
                assert_eq!(override_after(Some(Ended), decision, own), Err(OverrideRefused::Ended));
            }
        }
        for over in [Denied, Withdrawn] {
            assert_eq!(override_after(Some(over), Ended, false), Err(OverrideRefused::NotAgreed));
            assert!(override_after(Some(over), Approved, false).is_err());
        }
    }

    #[test]
    fn the_days_before_the_end_stay() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let held = |ended: Option<&str>| {
            last_day_held(day("2026-04-10"), day("2026-05-31"), ended.map(day)).map(|day| day.to_string())
        };
        assert_eq!(held(None).as_deref(), Some("2026-05-31"));
        assert_eq!(held(Some("2026-04-20")).as_deref(), Some("2026-04-19"));
        assert_eq!(held(Some("2026-04-11")).as_deref(), Some("2026-04-10"));
        assert_eq!(held(Some("2026-04-10")), None, "on its first day: it never held");
        assert_eq!(held(Some("2026-04-08")), None, "before it began");
        assert_eq!(held(Some("2026-07-01")).as_deref(), Some("2026-05-31"), "it had ended by itself");
    }
}
