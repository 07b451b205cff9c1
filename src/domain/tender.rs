//! A tender: a load offered to a carrier, and what came of it (DOMAIN §1.5 B).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::measure::Measures;
use super::outcome::Outcome;

/// The carrier's answer to a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
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
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct TenderFacts {
    /// Place in the route guide; 1 is the primary.
    pub sequence: Option<i32>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// The answer, when there is one.
    pub response: Option<Response>,
    /// When it was answered.
    pub responded_at: Option<DateTime<Utc>>,
    /// When the offer lapses.
    pub respond_by: Option<DateTime<Utc>>,
    /// Accepted first and given back later: counts as a rejection.
    pub bounced_at: Option<DateTime<Utc>>,
    /// Above the weekly commitment: belongs to surge acceptance, not to `TAR`.
    pub beyond_commitment: bool,
    /// Less notice than the contract asks for.
    pub short_notice: bool,
    /// An approved exclusion covers that it was not taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excused: bool,
    /// When the load is to be picked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_at: Option<DateTime<Utc>>,
}

/// What became of a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenderVerdict {
    /// Within the commitment (`TAR`).
    pub outcome: Outcome,
    /// Above the commitment (`SURGE_ACC`).
    pub surge: Outcome,
    /// When time alone may change one of them.
    pub settles_at: Option<DateTime<Utc>>,
}

/// Judges a tender: accepted ÷ (accepted + rejected + expired).
///
/// No answer after `respond_by` counts as a rejection; without a `respond_by` an unanswered tender
/// stays pending. Withdrawn tenders and those with short notice count nowhere; those above the commitment count
/// as surge. A failure that an approved exclusion covers is excused.
#[must_use]
pub fn judge(facts: &TenderFacts, as_of: DateTime<Utc>) -> TenderVerdict {
    let none =
        TenderVerdict { outcome: Outcome::NotApplicable, surge: Outcome::NotApplicable, settles_at: None };
    if facts.short_notice {
        return none;
    }
    let (outcome, settles_at) = match facts.response {
        Some(Response::Withdrawn) => return none,
        Some(Response::Accepted) if facts.bounced_at.is_some() => (Outcome::Late, None),
        Some(Response::Accepted) => (Outcome::Success, None),
        Some(Response::Rejected | Response::Expired) => (Outcome::Late, None),
        None => match facts.respond_by {
            Some(deadline) if as_of >= deadline => (Outcome::NoEvidence, None),
            deadline => (Outcome::Pending, deadline),
        },
    };
    let outcome = if facts.excused && outcome.is_failure() { Outcome::Excused } else { outcome };
    if facts.beyond_commitment {
        TenderVerdict { surge: outcome, settles_at, ..none }
    } else {
        TenderVerdict { outcome, settles_at, ..none }
    }
}

impl TenderFacts {
    /// Adds the tender to the sums of the day it was sent.
    pub fn add_to(&self, verdict: &TenderVerdict, sums: &mut Measures) {
        sums.tender.count(verdict.outcome);
        if verdict.surge != Outcome::NotApplicable {
            sums.surge.count(verdict.surge);
        }
        sums.tender_out_of_scope += i64::from(verdict.outcome == Outcome::NotApplicable);
        // A load given back for what others caused is no load given back.
        let given_back = self.bounced_at.is_some() && !self.excused;
        sums.tender_bounced += i64::from(given_back);
        if self.sequence == Some(1) {
            sums.first_tender.count(verdict.outcome);
        }
        let accepted = self.response == Some(Response::Accepted);
        if accepted && (given_back || self.bounced_at.is_none()) {
            sums.bounced.add(i64::from(given_back), 1);
        }
        if self.sequence.is_some() && self.response != Some(Response::Withdrawn) {
            sums.route_guide.add(1, i64::from(accepted && self.bounced_at.is_none()));
        }
        if let (Some(sent), Some(pickup)) = (self.sent_at, self.pickup_at) {
            sums.lead.count(pickup.signed_duration_since(sent).num_minutes());
        }
        if let (Some(sent), Some(answered)) = (self.sent_at, self.responded_at) {
            sums.response.count(answered.signed_duration_since(sent).num_minutes());
            if let Some(deadline) = self.respond_by {
                sums.response_in_time.add(i64::from(answered <= deadline), 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_rejection_once_the_offer_has_lapsed() {
        let deadline: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
        let facts = TenderFacts { respond_by: Some(deadline), ..TenderFacts::default() };
        assert_eq!(judge(&facts, deadline).outcome, Outcome::NoEvidence);
        let before = deadline - chrono::TimeDelta::minutes(1);
        let verdict = judge(&facts, before);
        assert_eq!((verdict.outcome, verdict.settles_at), (Outcome::Pending, Some(deadline)));
    }

    #[test]
    fn giving_a_load_back_is_a_rejection() {
        let facts = TenderFacts {
            response: Some(Response::Accepted),
            bounced_at: "2025-06-01T12:00:00Z".parse().ok(),
            ..TenderFacts::default()
        };
        assert_eq!(judge(&facts, facts.bounced_at.unwrap()).outcome, Outcome::Late);
    }

    #[test]
    fn an_excused_failure_leaves_net_and_stays_in_gross() {
        let sum = |facts: TenderFacts| {
            let mut sums = Measures::default();
            facts.add_to(&judge(&facts, DateTime::UNIX_EPOCH), &mut sums);
            sums
        };
        let rejected =
            TenderFacts { sequence: Some(1), response: Some(Response::Rejected), ..TenderFacts::default() };
        let excused = sum(TenderFacts { excused: true, ..rejected });
        assert_eq!((excused.tender.late, excused.tender.excused, excused.first_tender.excused), (0, 1, 1));
        assert_eq!(
            excused.route_guide,
            sum(rejected).route_guide,
            "the depth of the guide stays what it was"
        );
        // What was taken is no failure, and nothing excuses it.
        let taken = TenderFacts { response: Some(Response::Accepted), excused: true, ..rejected };
        assert_eq!(judge(&taken, DateTime::UNIX_EPOCH).outcome, Outcome::Success);
        let back = TenderFacts { bounced_at: Some(DateTime::UNIX_EPOCH), ..taken };
        let sums = sum(back);
        assert_eq!((sums.tender.excused, sums.tender_bounced, sums.bounced.denominator), (1, 0, 0));
        let surge = sum(TenderFacts { beyond_commitment: true, excused: true, ..rejected });
        assert_eq!((surge.surge.excused, surge.tender.excused), (1, 0));
    }

    #[test]
    fn a_load_above_the_commitment_counts_as_surge_alone() {
        let facts = TenderFacts {
            sequence: Some(1),
            response: Some(Response::Accepted),
            beyond_commitment: true,
            ..TenderFacts::default()
        };
        let verdict = judge(&facts, DateTime::UNIX_EPOCH);
        assert_eq!((verdict.outcome, verdict.surge), (Outcome::NotApplicable, Outcome::Success));
        let mut sums = Measures::default();
        facts.add_to(&verdict, &mut sums);
        assert_eq!((sums.tender.success, sums.surge.success, sums.first_tender.success), (0, 1, 0));
        let late = TenderFacts { short_notice: true, ..facts };
        assert_eq!(judge(&late, DateTime::UNIX_EPOCH).surge, Outcome::NotApplicable);
    }

    #[test]
    fn k5_depth_counts_every_tender_of_the_guide() {
        // DOMAIN K5: 100 loads accepted at places 1 to 4: 80, 12, 5, 3.
        let mut sums = Measures::default();
        let mut send = |place: i32, response: Response| {
            let facts =
                TenderFacts { sequence: Some(place), response: Some(response), ..TenderFacts::default() };
            facts.add_to(&judge(&facts, DateTime::UNIX_EPOCH), &mut sums);
        };
        for (taken_at, loads) in [(1, 80), (2, 12), (3, 5), (4, 3)] {
            for _ in 0..loads {
                (1..taken_at).for_each(|place| send(place, Response::Rejected));
                send(taken_at, Response::Accepted);
            }
        }
        assert_eq!((sums.route_guide.numerator, sums.route_guide.denominator), (131, 100));
        assert_eq!((sums.first_tender.success, sums.first_tender.late), (80, 20));
    }
}
