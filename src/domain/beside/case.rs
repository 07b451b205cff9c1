//! A case of communication: an enquiry, a complaint or an exception (DOMAIN §1.1, §1.5 C), whether somebody answered in
//! time, and how often customers had to ask.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::field::codes;
use crate::domain::measure::Measures;
use crate::domain::outcome::{Unit, evaluate, local_day};

/// A case is answered within so many minutes of support hours.
pub const RESPONSE_MINUTES: i64 = 120;
/// One of the highest severity within so many minutes, day and night.
pub const URGENT_MINUTES: i64 = 30;
/// The highest severity.
pub const URGENT_SEVERITY: i32 = 1;
/// Days within which support opens again; a calendar closed for longer has no deadline.
const MAX_DAYS: usize = 400;

codes! {
    /// What a case is about.
    CaseKind, "kind of case" {
        /// A question.
        Enquiry = "ENQUIRY", "enquiry";
        /// A complaint.
        Complaint = "COMPLAINT", "complaint";
        /// Something went wrong on the way.
        Exception = "EXCEPTION", "exception";
    }
}

codes! {
    /// Who opened it.
    CaseOrigin, "origin of a case" {
        /// The carrier.
        Partner = "PARTNER", "the partner";
        /// A customer.
        Customer = "CUSTOMER", "a customer";
        /// Our own people.
        Us = "US", "the shipper";
    }
}

/// Hours in which support answers, Monday to Friday: `08:00-18:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportHours {
    from: NaiveTime,
    until: NaiveTime,
}

/// Eight in the morning to six in the evening.
impl Default for SupportHours {
    fn default() -> Self {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { from: at(8), until: at(18) }
    }
}

/// A text that gives no hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` gives no hours; write two times of one day such as 08:00-18:00")]
pub struct BadHours(String);

impl FromStr for SupportHours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        text.split_once('-')
            .and_then(|(from, until)| Some(Self { from: time(from)?, until: time(until)? }))
            .filter(|hours| hours.from < hours.until)
            .ok_or_else(|| BadHours(text.to_owned()))
    }
}

impl fmt::Display for SupportHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format("%H:%M"), self.until.format("%H:%M"))
    }
}

impl SupportHours {
    /// When `minutes` of support hours in `zone` have passed since `from`.
    #[must_use]
    pub fn after(&self, from: DateTime<Utc>, minutes: i64, zone: Tz) -> Option<DateTime<Utc>> {
        let mut left = TimeDelta::try_minutes(minutes)?;
        for (begins, ends) in self.open(from, zone) {
            let here = ends.signed_duration_since(begins);
            if here >= left {
                return begins.checked_add_signed(left);
            }
            left -= here.max(TimeDelta::zero());
        }
        None
    }

    /// Whole minutes of support hours in `zone` between two instants; 0 when `until` comes first.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> i64 {
        let open = self.open(from, zone).take_while(|(begins, _)| *begins < until);
        let inside = open.map(|(begins, ends)| ends.min(until).signed_duration_since(begins));
        inside.map(|part| part.max(TimeDelta::zero())).sum::<TimeDelta>().num_minutes()
    }

    /// When support is open from an instant on, day by day, as far as [`MAX_DAYS`]; a part that ends before it begins is none.
    fn open(&self, from: DateTime<Utc>, zone: Tz) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let calendar = BusinessCalendar::weekdays([]);
        // Clocks that jump over a time land an hour later; of two the earlier counts.
        let instant = move |day: NaiveDate, time: NaiveTime| {
            let local = day.and_time(time);
            let found = zone.from_local_datetime(&local).earliest();
            found.or_else(|| {
                let later = local.checked_add_signed(TimeDelta::try_hours(1)?)?;
                zone.from_local_datetime(&later).earliest()
            })
        };
        let (opens, closes) = (self.from, self.until);
        let days = local_day(from, zone).iter_days().take(MAX_DAYS);
        days.filter(move |day| calendar.is_open(*day)).filter_map(move |day| {
            let (begins, ends) = (instant(day, opens)?, instant(day, closes)?);
            Some((begins.to_utc().max(from), ends.to_utc()))
        })
    }
}

/// A case as a feed states it, with what decides whether it was answered in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFacts {
    /// What it is about.
    pub kind: CaseKind,
    /// Who opened it.
    pub origin: CaseOrigin,
    /// 1 is the highest.
    pub severity: i32,
    /// Zone whose days count.
    pub zone: Tz,
    /// When it was opened; its local day decides the period.
    pub opened_at: DateTime<Utc>,
    /// When a human first answered; an automatic reply is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<DateTime<Utc>>,
    /// Until when that was due; filled in by the support hours when the case is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_by: Option<DateTime<Utc>>,
    /// Minutes until it was answered, of the clock that runs for it; filled in like `due_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_minutes: Option<i64>,
    /// A customer asked about this consignment before on this day; filled in when the cases of a day are read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_before: bool,
}

impl CaseFacts {
    /// The local day on which it was opened.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        local_day(self.opened_at, self.zone)
    }

    /// Until when somebody has to answer: two hours of support, half an hour round the clock for the highest severity.
    #[must_use]
    pub fn due(&self, hours: &SupportHours, support_zone: Tz) -> Option<DateTime<Utc>> {
        if self.severity <= URGENT_SEVERITY {
            return self.opened_at.checked_add_signed(TimeDelta::try_minutes(URGENT_MINUTES)?);
        }
        hours.after(self.opened_at, RESPONSE_MINUTES, support_zone)
    }

    /// Minutes until somebody answered, of the clock that [`Self::due`] is counted by; none without an answer.
    #[must_use]
    pub fn responded(&self, hours: &SupportHours, support_zone: Tz) -> Option<i64> {
        let answered_at = self.answered_at?;
        Some(if self.severity <= URGENT_SEVERITY {
            answered_at.signed_duration_since(self.opened_at).num_minutes()
        } else {
            hours.between(self.opened_at, answered_at, support_zone)
        })
    }

    /// Whether the partner owes the answer: what it opened itself is for the shipper to answer.
    #[must_use]
    pub fn is_for_the_partner(&self) -> bool {
        self.origin != CaseOrigin::Partner
    }

    /// Whether a customer had to ask, for the first time on that day about that consignment.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        self.origin == CaseOrigin::Customer && self.kind != CaseKind::Exception && !self.asked_before
    }

    /// What it adds as known at `as_of`, all on the day it was opened.
    #[must_use]
    pub fn judge(&self, as_of: DateTime<Utc>) -> BesideVerdict {
        let mut sums = Measures::default();
        let mut settles_at = None;
        if self.is_for_the_partner() {
            let unit = Unit {
                due_by: self.due_by,
                done_at: self.answered_at,
                zone: Some(self.zone),
                ..Unit::default()
            };
            let verdict = evaluate(&unit, as_of);
            sums.case_answers.count(verdict.outcome);
            if let Some(minutes) = self.response_minutes {
                sums.case_response.count(minutes);
            }
            settles_at = verdict.settles_at;
        }
        if self.is_contact() {
            sums.contacts.add(1, 0);
        }
        BesideVerdict { adds: vec![(self.day(), sums)], settles_at }
    }
}

/// Marks cases of one partner and day in which a customer asks again about a consignment. Without a consignment each counts.
pub fn mark_repeats<'a>(cases: impl Iterator<Item = (&'a str, &'a mut CaseFacts)>) {
    let mut asked = BTreeSet::new();
    for (consignment, facts) in cases {
        let asks = facts.origin == CaseOrigin::Customer && facts.kind != CaseKind::Exception;
        facts.asked_before = asks && !consignment.is_empty() && !asked.insert(consignment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Outcome;

    const ZONE: Tz = chrono_tz::America::Chicago;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn due(opened: &str, severity: i32) -> String {
        let facts = case(opened, severity, None);
        facts.due(&SupportHours::default(), ZONE).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    fn case(opened: &str, severity: i32, answered: Option<&str>) -> CaseFacts {
        let mut facts = CaseFacts {
            kind: CaseKind::Enquiry,
            origin: CaseOrigin::Customer,
            severity,
            zone: ZONE,
            opened_at: at(opened),
            answered_at: answered.map(at),
            due_by: None,
            response_minutes: None,
            asked_before: false,
        };
        facts.due_by = facts.due(&SupportHours::default(), ZONE);
        facts.response_minutes = facts.responded(&SupportHours::default(), ZONE);
        facts
    }

    #[test]
    fn the_clock_runs_in_support_hours_only() {
        // Tuesday at ten in Chicago.
        assert_eq!(due("2026-06-02T15:00:00Z", 2), "2026-06-02T17:00:00Z");
        // Friday at half past five: half an hour that day, the rest on Monday from eight.
        assert_eq!(due("2026-06-05T22:30:00Z", 2), "2026-06-08T14:30:00Z");
        // Saturday waits for Monday.
        assert_eq!(due("2026-06-06T15:00:00Z", 3), "2026-06-08T15:00:00Z");
        // The highest severity waits for nobody.
        assert_eq!(due("2026-06-06T15:00:00Z", 1), "2026-06-06T15:30:00Z");
        // Over the night on which clocks go forward: Friday's hour and Monday's hour in another offset.
        assert_eq!(due("2026-03-06T23:00:00Z", 2), "2026-03-09T14:00:00Z");
    }

    #[test]
    fn an_answer_takes_support_hours() {
        let minutes =
            |opened: &str, severity, answered: &str| case(opened, severity, Some(answered)).response_minutes;
        // Friday at half past five, answered on Monday at a quarter past eight: half an hour and a quarter.
        assert_eq!(minutes("2026-06-05T22:30:00Z", 2, "2026-06-08T13:15:00Z"), Some(45));
        assert_eq!(minutes("2026-06-05T22:30:00Z", 1, "2026-06-05T22:50:00Z"), Some(20), "round the clock");
        assert_eq!(minutes("2026-06-06T15:00:00Z", 2, "2026-06-07T15:00:00Z"), Some(0), "at the weekend");
        let mut sums = case("2026-06-05T22:30:00Z", 2, Some("2026-06-08T13:15:00Z"));
        sums.opened_at = at("2026-06-05T22:30:00Z");
        let verdict = sums.judge(at("2026-06-09T00:00:00Z"));
        assert_eq!(verdict.adds[0].1.case_response.percentile_minutes(90), Some(50), "to the bucket of five");
    }

    #[test]
    fn silence_past_the_deadline_is_a_failure() {
        let outcome = |facts: &CaseFacts, as_of: &str| {
            let tally = *facts.judge(at(as_of)).adds[0].1.case_answers;
            (tally.success, tally.late, tally.no_evidence, tally.pending)
        };
        let silent = case("2026-06-02T15:00:00Z", 2, None);
        assert_eq!(outcome(&silent, "2026-06-02T16:59:00Z"), (0, 0, 0, 1));
        assert_eq!(silent.judge(at("2026-06-02T16:59:00Z")).settles_at, silent.due_by);
        assert_eq!(outcome(&silent, "2026-06-02T17:00:00Z"), (0, 0, 1, 0));
        assert_eq!(
            outcome(&case("2026-06-02T15:00:00Z", 2, Some("2026-06-02T17:00:00Z")), "2026-06-09T00:00:00Z").0,
            1
        );
        assert_eq!(
            outcome(&case("2026-06-02T15:00:00Z", 2, Some("2026-06-02T17:01:00Z")), "2026-06-09T00:00:00Z").1,
            1
        );
        assert_eq!(Outcome::ALL.len(), 7, "every outcome is known to the tally");
    }

    #[test]
    fn what_the_partner_opened_is_not_for_it_to_answer() {
        let facts = CaseFacts { origin: CaseOrigin::Partner, ..case("2026-06-02T15:00:00Z", 2, None) };
        assert_eq!(facts.judge(at("2026-07-01T00:00:00Z")).adds[0].1, Measures::default());
    }

    #[test]
    fn customers_count_once_a_consignment_and_day() {
        let mut cases = [
            ("C1", case("2026-06-02T15:00:00Z", 2, None)),
            ("C1", case("2026-06-02T16:00:00Z", 2, None)),
            ("", case("2026-06-02T16:00:00Z", 2, None)),
            ("", case("2026-06-02T17:00:00Z", 2, None)),
        ];
        mark_repeats(cases.iter_mut().map(|(consignment, facts)| (*consignment, facts)));
        let contacts: Vec<bool> = cases.iter().map(|(_, facts)| facts.is_contact()).collect();
        assert_eq!(contacts, [true, false, true, true]);
    }

    #[test]
    fn hours_read_back() {
        let hours: SupportHours = "07:30-16:00".parse().unwrap();
        assert_eq!(hours.to_string(), "07:30-16:00");
        for bad in ["18:00-08:00", "8-18", "", "08:00-08:00"] {
            assert!(bad.parse::<SupportHours>().is_err(), "{bad}");
        }
    }
}
