//! A partner challenges a line of its scorecard while it reviews it (DOMAIN §7.2).
//!
//! A line is the outcome of one shipment or one tender in one KPI. The partner has the days of its review; an answer is due five business
//! days after. A scorecard that nobody challenged counts as accepted on the last day of the review. A challenge that is
//! still open on the final day holds nothing up: it stays open, and accepted late it leads to a restatement.

use chrono::NaiveDate;

use super::attribution::Fault;
use super::calendar::BusinessCalendar;
use super::exclusion::words_fit;
use super::field::{FieldErrors, codes};
use super::kpi::{Counted, Kpi};
use super::scorecard::{Publication, PublicationState};
use super::words;

/// Business days within which a challenge is answered (DOMAIN §7.2).
pub const ANSWER_WITHIN_DAYS: u16 = 5;
/// Challenges one partner can have open in one period; beyond that they talk.
pub const OPEN_CHALLENGES_MAX: usize = 500;

codes! {
    /// How a challenge ended.
    Answer, "answer" {
        /// Accepted: the unit is excused.
        Excused = "EXCUSED", "accepted, the unit is excused";
        /// Accepted: a fact is corrected.
        Corrected = "CORRECTED", "accepted, a fact is corrected";
        /// Not accepted.
        Denied = "DENIED", "not accepted";
        /// The partner took it back.
        Withdrawn = "WITHDRAWN", "taken back";
    }
}

codes! {
    /// How a scorecard came to be accepted when it became final.
    Acceptance, "acceptance" {
        /// Nobody challenged it: accepted on the last day of the review.
        Deemed = "DEEMED", "accepted without a challenge";
        /// Every challenge was answered.
        Answered = "ANSWERED", "final, every challenge answered";
        /// Some challenges were still open.
        Open = "OPEN", "final, with challenges still open";
    }
}

impl Acceptance {
    /// By the challenges there were and those still open on the final day.
    #[must_use]
    pub fn of(challenges: usize, open: usize) -> Self {
        match (challenges, open) {
            (0, _) => Self::Deemed,
            (_, 0) => Self::Answered,
            _ => Self::Open,
        }
    }
}

/// Why a line cannot be challenged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The review has not begun.
    #[error("the review of {period} opens on {}; come back then", words::day(*opens))]
    TooEarly {
        /// The period in words.
        period: String,
        /// The first day.
        opens: NaiveDate,
    },
    /// The review is over.
    #[error(
        "the review of {period} ended on {}; ask for an exclusion of the shipment instead, which can lead to a restatement",
        words::day(*ended)
    )]
    TooLate {
        /// The period in words.
        period: String,
        /// The last day on which it could be challenged.
        ended: NaiveDate,
    },
}

/// Whether a line of the scorecard of a period can be challenged on `today`.
///
/// # Errors
/// [`NotNow`] with the day that decides.
pub fn may_be_challenged(publication: &Publication, today: NaiveDate) -> Result<(), NotNow> {
    let period = publication.period.title();
    match publication.state(today) {
        PublicationState::Running | PublicationState::Provisional => {
            Err(NotNow::TooEarly { period, opens: publication.review_from })
        }
        _ if today <= publication.review_until => Ok(()),
        _ => Err(NotNow::TooLate { period, ended: publication.review_until }),
    }
}

/// The day by which a challenge of `day` is to be answered.
#[must_use]
pub fn answer_by(day: NaiveDate, calendar: &BusinessCalendar) -> NaiveDate {
    calendar.add_bd(day, ANSWER_WITHIN_DAYS)
}

/// Whether a KPI has lines that can be challenged: shipments or tenders. The depth of the route guide says how a lane works
/// and nothing of a partner.
#[must_use]
pub fn has_lines(kpi: Kpi) -> bool {
    matches!(kpi.counted(), Counted::Shipments | Counted::Tenders) && !kpi.is_of_us() && kpi != Kpi::RgDepth
}

/// Whether a KPI judges how a tender ended, so that a tender that counts in it can be excused.
#[must_use]
pub fn judges_tenders(kpi: Kpi) -> bool {
    matches!(kpi, Kpi::Tar | Kpi::Ftar | Kpi::SurgeAcc | Kpi::Bounce)
}

/// Problems of a challenge, by form field.
#[must_use]
pub fn problems(statement: &str, evidence: &str) -> FieldErrors {
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "statement", statement, "say what is wrong with the line");
    words_fit(&mut errors, "evidence", evidence, "name the evidence: a document, a time, a person to ask");
    errors
}

/// Problems of an answer, by form field.
#[must_use]
pub fn answer_problems(answer: Answer, words: &str, party: Option<Fault>, reason_code: &str) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let ask = match answer {
        Answer::Corrected => "say which fact is corrected, and how",
        Answer::Denied => "say why the line stands",
        _ => "say why",
    };
    words_fit(&mut errors, "words", words, ask);
    if answer == Answer::Excused {
        super::field::require(
            &mut errors,
            party.is_some_and(Fault::excuses),
            "party",
            "choose who caused it; a miss by the carrier cannot be excused",
        );
        let fine = super::attribution::reason_of(reason_code).is_some();
        super::field::require(&mut errors, fine, "reason_code", "choose the reason from the list");
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// June 2025 with the fourth of July closed: the review is 2 to 9 July.
    #[test]
    fn a_line_is_challenged_in_the_review_and_not_after() {
        let calendar = BusinessCalendar::weekdays([day("2025-07-04")]);
        let june = Publication::of("2025-06".parse().unwrap(), &calendar);
        let may = |on| may_be_challenged(&june, day(on));
        assert_eq!(may("2025-07-02"), Ok(()));
        assert_eq!(may("2025-07-09"), Ok(()), "the last day counts");
        let late = may("2025-07-10").unwrap_err();
        assert_eq!(late, NotNow::TooLate { period: june.period.title(), ended: day("2025-07-09") });
        assert!(late.to_string().contains("9 July 2025"), "{late}");
        let early = may("2025-07-01").unwrap_err();
        assert!(early.to_string().contains("2 July 2025"), "{early}");
        assert_eq!(answer_by(day("2025-07-03"), &calendar), day("2025-07-11"));
    }

    #[test]
    fn what_nobody_challenged_is_accepted() {
        assert_eq!(Acceptance::of(0, 0), Acceptance::Deemed);
        assert_eq!(Acceptance::of(3, 0), Acceptance::Answered);
        assert_eq!(Acceptance::of(3, 1), Acceptance::Open);
    }

    #[test]
    fn accepting_says_what_changes() {
        let of = |answer, words, code| answer_problems(answer, words, Some(Fault::Consignee), code);
        assert_eq!(of(Answer::Excused, "The dock was closed.", "B1"), []);
        assert_eq!(of(Answer::Excused, "The dock was closed.", "")[0].0, "reason_code");
        assert_eq!(of(Answer::Corrected, "", "")[0].0, "words");
        assert_eq!(answer_problems(Answer::Excused, "Why not", Some(Fault::Carrier), "B1")[0].0, "party");
    }
}
