//! A tender: a load offered to a carrier, and what came of it (DOMAIN §1.5 B).

use chrono::{DateTime, Utc};

use super::outcome::Outcome;

/// The carrier's answer to a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// Taken.
    Accepted,
    /// Turned down.
    Rejected,
    /// No answer in time.
    Expired,
    /// Withdrawn by the shipper before an answer.
    Withdrawn,
}

impl Response {
    /// The word stored and imported.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Accepted, Self::Rejected, Self::Expired, Self::Withdrawn]
            .into_iter()
            .find(|r| r.code() == code)
    }
}

/// What the outcome of a tender depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct TenderFacts {
    /// The answer, when there is one.
    pub response: Option<Response>,
    /// When the offer lapses.
    pub respond_by: Option<DateTime<Utc>>,
    /// Accepted first and given back later: counts as a rejection.
    pub bounced_at: Option<DateTime<Utc>>,
    /// Above the weekly commitment: belongs to surge acceptance, not to `TAR`.
    pub beyond_commitment: bool,
    /// Less notice than the contract asks for.
    pub short_notice: bool,
}

/// Judges a tender for `TAR`: accepted ÷ (accepted + rejected + expired).
///
/// No answer after `respond_by` counts as a rejection; without a `respond_by` an unanswered tender
/// stays pending. Returns the outcome and when time alone may change it.
#[must_use]
pub fn judge(facts: &TenderFacts, as_of: DateTime<Utc>) -> (Outcome, Option<DateTime<Utc>>) {
    if facts.beyond_commitment || facts.short_notice || facts.response == Some(Response::Withdrawn) {
        return (Outcome::NotApplicable, None);
    }
    match facts.response {
        Some(Response::Accepted) if facts.bounced_at.is_some() => (Outcome::Late, None),
        Some(Response::Accepted) => (Outcome::Success, None),
        Some(Response::Rejected | Response::Expired) => (Outcome::Late, None),
        Some(Response::Withdrawn) => (Outcome::NotApplicable, None),
        None => match facts.respond_by {
            Some(deadline) if as_of >= deadline => (Outcome::NoEvidence, None),
            deadline => (Outcome::Pending, deadline),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_rejection_once_the_offer_has_lapsed() {
        let deadline: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
        let facts = TenderFacts { respond_by: Some(deadline), ..TenderFacts::default() };
        assert_eq!(judge(&facts, deadline).0, Outcome::NoEvidence);
        let before = deadline - chrono::TimeDelta::minutes(1);
        assert_eq!(judge(&facts, before), (Outcome::Pending, Some(deadline)));
    }

    #[test]
    fn giving_a_load_back_is_a_rejection() {
        let facts = TenderFacts {
            response: Some(Response::Accepted),
            bounced_at: "2025-06-01T12:00:00Z".parse().ok(),
            ..TenderFacts::default()
        };
        assert_eq!(judge(&facts, facts.bounced_at.unwrap()).0, Outcome::Late);
    }
}
