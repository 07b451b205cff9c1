//! The one evaluator: an obligation and its evidence become one outcome (DOMAIN §1.2).
//!
//! Nothing else in the product decides "late". KPIs count outcomes, per-event clauses price them,
//! drill-down lists them.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::BusinessCalendar;

/// What became of one obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// There is no such obligation, the shipper cancelled it in time, or a declared event takes it out.
    NotApplicable,
    /// Too early to say; in no denominator.
    Pending,
    /// Done within tolerance.
    Success,
    /// Done late, or proved not done in time.
    Late,
    /// Nothing reported once the evidence grace had passed: a failure, in the denominator.
    NoEvidence,
    /// Missed, and an approved exclusion covers the miss: counts gross, not net.
    Excused,
    /// What the shipper owed (a commitment, a zone) is missing: in no denominator, lowers coverage.
    NoBaseline,
}

impl Outcome {
    /// Every outcome, in the order of [`Outcome::code`].
    pub const ALL: [Self; 7] = [
        Self::NotApplicable,
        Self::Pending,
        Self::Success,
        Self::Late,
        Self::NoEvidence,
        Self::Excused,
        Self::NoBaseline,
    ];

    /// The letter stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotApplicable => "-",
            Self::Pending => "P",
            Self::Success => "S",
            Self::Late => "L",
            Self::NoEvidence => "E",
            Self::Excused => "X",
            Self::NoBaseline => "B",
        }
    }

    /// Reads the stored letter.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }

    /// The words people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NotApplicable => "not due",
            Self::Pending => "not decided yet",
            Self::Success => "on time",
            Self::Late => "late",
            Self::NoEvidence => "never reported",
            Self::Excused => "late, excused",
            Self::NoBaseline => "no commitment to judge by",
        }
    }

    /// Whether the obligation was missed by the carrier's fault.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Late | Self::NoEvidence)
    }
}

/// What happens to a delivery before its window opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EarlyPolicy {
    /// Early is on time.
    #[default]
    Ignore,
    /// Early beyond the grace is a failure, as retailers have it.
    Fail,
}

/// Which event makes a delivery on time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OntimeEvent {
    /// Arrival at the consignee: appointment freight, where unloading is the consignee's time.
    #[default]
    Arrival,
    /// Completion: parcel and last mile.
    Completion,
}

/// The tolerance an obligation is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutcomePolicy {
    /// Minutes before the window that still count as in it.
    pub grace_early_minutes: i32,
    /// Minutes after the window that still count as in it.
    pub grace_late_minutes: i32,
    /// Whether early beyond the grace fails.
    pub early_policy: EarlyPolicy,
    /// Which event counts.
    pub ontime_event: OntimeEvent,
    /// Business days after which missing evidence is a failure.
    pub evidence_grace_days: u8,
    /// Minutes within which a status message is timely.
    pub status_sla_minutes: i32,
}

impl Default for OutcomePolicy {
    /// DOMAIN §1.2: 15 minutes late, early ignored, arrival counts, 5 business days for evidence;
    /// §1.5 C: status within 60 minutes.
    fn default() -> Self {
        Self {
            grace_early_minutes: 0,
            grace_late_minutes: 15,
            early_policy: EarlyPolicy::Ignore,
            ontime_event: OntimeEvent::Arrival,
            evidence_grace_days: 5,
            status_sla_minutes: 60,
        }
    }
}

/// An outcome, and when time alone may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What became of the obligation, as known at the asked instant.
    pub outcome: Outcome,
    /// For [`Outcome::Pending`]: when to look again.
    pub settles_at: Option<DateTime<Utc>>,
}

impl Verdict {
    fn settled(outcome: Outcome) -> Self {
        Self { outcome, settles_at: None }
    }

    fn pending_until(at: DateTime<Utc>) -> Self {
        Self { outcome: Outcome::Pending, settles_at: Some(at) }
    }
}

/// One pass/fail obligation with its evidence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unit {
    /// When the shipper cancelled it.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The last instant that is on time, grace included. Without one there is no baseline.
    pub due_by: Option<DateTime<Utc>>,
    /// The first instant that is not too early, when early fails.
    pub not_before: Option<DateTime<Utc>>,
    /// The winning evidence that it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// An event that could not have happened before it was done, or a later stage not yet reached.
    pub not_done_at: Option<DateTime<Utc>>,
    /// Whether an approved exclusion covers a miss.
    pub excused: bool,
    /// Whether an approved declared event takes the unit out, done or not.
    pub declared: bool,
    /// Business days after `due_by` until missing evidence is a failure.
    pub evidence_grace_days: u8,
    /// Zone of the stop, by whose days the grace is counted (DOMAIN §0.3); UTC when it is not known.
    pub zone: Option<Tz>,
}

/// Judges one obligation as known at `as_of` (DOMAIN §1.2).
#[must_use]
pub fn evaluate(unit: &Unit, as_of: DateTime<Utc>) -> Verdict {
    if unit.declared {
        return Verdict::settled(Outcome::NotApplicable);
    }
    let Some(due_by) = unit.due_by else {
        return Verdict::settled(Outcome::NoBaseline);
    };
    if unit.cancelled_at.is_some_and(|at| at <= due_by) {
        return Verdict::settled(Outcome::NotApplicable);
    }
    let missed = if let Some(done_at) = unit.done_at {
        if done_at > as_of {
            // Learnt for a later day than asked about.
            return Verdict::pending_until(done_at);
        }
        let early = unit.not_before.is_some_and(|start| done_at < start);
        if done_at <= due_by && !early {
            // Evidence of success settles at once; waiting for the window to close would say nothing new.
            return Verdict::settled(Outcome::Success);
        }
        Outcome::Late
    } else if as_of < due_by {
        return Verdict::pending_until(due_by);
    } else if unit.not_done_at.is_some_and(|at| at > due_by) {
        Outcome::Late
    } else {
        let zone = unit.zone.unwrap_or(Tz::UTC);
        let deadline = add_business_days(due_by, u16::from(unit.evidence_grace_days), zone);
        if as_of < deadline {
            return Verdict::pending_until(deadline);
        }
        Outcome::NoEvidence
    };
    Verdict::settled(if unit.excused { Outcome::Excused } else { missed })
}

/// Time in which what came late, a document or a message, is put right (DOMAIN §4.2, cure days).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cure {
    /// Business days after the deadline.
    pub business_days: u16,
    /// The instant as of which is judged.
    pub as_of: DateTime<Utc>,
}

impl Cure {
    /// Until when what was due at `due` can be put right, by the days of `zone`.
    #[must_use]
    pub fn ends(&self, due: DateTime<Utc>, zone: Option<Tz>) -> DateTime<Utc> {
        add_business_days(due, self.business_days, zone.unwrap_or(Tz::UTC))
    }

    /// Whether what was due at `due` and came at `came` was put right.
    #[must_use]
    pub fn holds(&self, due: DateTime<Utc>, came: DateTime<Utc>, zone: Option<Tz>) -> bool {
        came <= self.ends(due, zone)
    }

    /// Whether what was due at `due` and did not come can still be put right.
    #[must_use]
    pub fn is_open(&self, due: DateTime<Utc>, zone: Option<Tz>) -> bool {
        self.as_of < self.ends(due, zone)
    }

    /// A verdict on what was due at `due`: late but put right is in time, and what never came waits while it still can.
    #[must_use]
    pub fn after(
        &self,
        outcome: Outcome,
        (due, came): (DateTime<Utc>, Option<DateTime<Utc>>),
        zone: Option<Tz>,
    ) -> Outcome {
        match (outcome, came) {
            (Outcome::Late, Some(came)) if self.holds(due, came, zone) => Outcome::Success,
            (Outcome::NoEvidence, None) if self.is_open(due, zone) => Outcome::Pending,
            _ => outcome,
        }
    }
}

/// The same time of day at the stop, so many business days later. Monday to Friday; the exact holiday
/// calendar of a contract belongs to its deadlines.
fn add_business_days(from: DateTime<Utc>, days: u16, zone: Tz) -> DateTime<Utc> {
    let local = from.with_timezone(&zone).naive_local();
    let day = BusinessCalendar::weekdays([]).add_bd(local.date(), days);
    at_local(day.and_time(local.time()), zone)
}

/// A local time as an instant: of two the later, and one that the clocks skip when they land.
fn at_local(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => at.to_utc(),
        LocalResult::None => first_after_gap(local, zone),
    }
}

/// The first quarter of an hour that exists after a local time that does not, at most three hours later.
fn first_after_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    (1..=12)
        .filter_map(|quarter| {
            let later = local.checked_add_signed(TimeDelta::try_minutes(quarter * 15)?)?;
            zone.from_local_datetime(&later).earliest()
        })
        .next()
        .map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The last microsecond of a local day, as an instant.
///
/// Zones that skip midnight get the instant just before the next day begins.
#[must_use]
pub fn end_of_local_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let next = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    let start = match zone.from_local_datetime(&next) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // Clocks jumped over midnight: the day starts when they land.
        LocalResult::None => first_after_gap(next, zone),
    };
    start.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(start)
}

/// The local day of an instant at a stop.
#[must_use]
pub fn local_day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The local day of a delivery at `at`: in the zone of the delivery stop, else of the pickup, else in UTC; none before it is
/// reported.
#[must_use]
pub fn delivered_day(
    at: Option<DateTime<Utc>>,
    (delivery, pickup): (Option<Tz>, Option<Tz>),
) -> Option<NaiveDate> {
    at.map(|at| local_day(at, delivery.or(pickup).unwrap_or(Tz::UTC)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn unit(due: &str) -> Unit {
        Unit { due_by: Some(at(due)), evidence_grace_days: 5, ..Unit::default() }
    }

    #[test]
    fn missing_evidence_is_pending_then_a_failure() {
        // Due on a Thursday; five business days later is the Thursday after.
        let unit = unit("2025-06-05T17:00:00Z");
        assert_eq!(evaluate(&unit, at("2025-06-05T16:59:59Z")).outcome, Outcome::Pending);
        let waiting = evaluate(&unit, at("2025-06-11T12:00:00Z"));
        assert_eq!(waiting, Verdict::pending_until(at("2025-06-12T17:00:00Z")));
        assert_eq!(evaluate(&unit, at("2025-06-12T17:00:00Z")).outcome, Outcome::NoEvidence);
    }

    /// Friday's last moment in Chicago is Saturday in UTC: five business days end with the next Friday there.
    #[test]
    fn the_grace_counts_the_days_of_the_stop() {
        let zone = chrono_tz::America::Chicago;
        let friday = end_of_local_day(NaiveDate::from_ymd_opt(2025, 6, 6).unwrap(), zone);
        let unit = Unit { due_by: Some(friday), evidence_grace_days: 5, zone: Some(zone), ..Unit::default() };
        let next_friday = at("2025-06-14T04:59:59.999999Z");
        assert_eq!(evaluate(&unit, at("2025-06-13T12:00:00Z")), Verdict::pending_until(next_friday));
        assert_eq!(evaluate(&unit, next_friday).outcome, Outcome::NoEvidence);
        // Monday in Auckland is still Sunday in UTC.
        let zone = chrono_tz::Pacific::Auckland;
        let monday = at("2025-06-08T21:00:00Z");
        let unit = Unit { due_by: Some(monday), evidence_grace_days: 5, zone: Some(zone), ..Unit::default() };
        assert_eq!(evaluate(&unit, monday), Verdict::pending_until(at("2025-06-15T21:00:00Z")));
    }

    /// The time of day stays, also where the clocks change in between.
    #[test]
    fn the_grace_ends_at_the_same_time_of_day() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(add_business_days(at("2025-03-27T11:00:00Z"), 2, berlin), at("2025-03-31T10:00:00Z"));
        let skipped = NaiveDate::from_ymd_opt(2025, 3, 30).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(at_local(skipped, berlin), at("2025-03-30T01:00:00Z"));
    }

    #[test]
    fn the_edge_of_the_window_is_on_time() {
        let done = |text| Unit { done_at: Some(at(text)), ..unit("2025-06-05T17:00:00Z") };
        let late = at("2025-07-01T00:00:00Z");
        assert_eq!(evaluate(&done("2025-06-05T17:00:00Z"), late).outcome, Outcome::Success);
        assert_eq!(evaluate(&done("2025-06-05T17:00:00.000001Z"), late).outcome, Outcome::Late);
    }

    #[test]
    fn an_exclusion_excuses_a_miss_and_leaves_a_success_alone() {
        let late =
            Unit { done_at: Some(at("2025-06-06T00:00:00Z")), excused: true, ..unit("2025-06-05T17:00:00Z") };
        let early = Unit { done_at: Some(at("2025-06-04T00:00:00Z")), ..late };
        let now = at("2025-07-01T00:00:00Z");
        assert_eq!(evaluate(&late, now).outcome, Outcome::Excused);
        assert_eq!(evaluate(&early, now).outcome, Outcome::Success);
    }

    /// DOMAIN §1.2: a declared event removes all units in scope, successes included.
    #[test]
    fn a_declared_event_takes_out_misses_and_successes_alike() {
        let now = at("2025-07-01T00:00:00Z");
        for done in [Some(at("2025-06-04T00:00:00Z")), Some(at("2025-06-06T00:00:00Z")), None] {
            let unit = Unit { done_at: done, declared: true, ..unit("2025-06-05T17:00:00Z") };
            assert_eq!(evaluate(&unit, now), Verdict::settled(Outcome::NotApplicable));
        }
    }

    #[test]
    fn a_later_stage_proves_lateness_without_waiting_for_evidence() {
        let unit = Unit { not_done_at: Some(at("2025-06-05T18:00:00Z")), ..unit("2025-06-05T17:00:00Z") };
        assert_eq!(evaluate(&unit, at("2025-06-05T19:00:00Z")).outcome, Outcome::Late);
    }

    #[test]
    fn what_the_shipper_owes_is_never_the_carriers_failure() {
        assert_eq!(evaluate(&Unit::default(), at("2025-06-05T19:00:00Z")).outcome, Outcome::NoBaseline);
        let cancelled =
            Unit { cancelled_at: Some(at("2025-06-05T17:00:00Z")), ..unit("2025-06-05T17:00:00Z") };
        assert_eq!(evaluate(&cancelled, at("2025-07-01T00:00:00Z")).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn a_local_day_ends_where_the_stop_is() {
        let chicago = chrono_tz::America::Chicago;
        let day = NaiveDate::from_ymd_opt(2025, 3, 9).unwrap();
        let end = end_of_local_day(day, chicago);
        assert_eq!(end, at("2025-03-10T04:59:59.999999Z"), "the clocks went forward that day");
        assert_eq!(local_day(end, chicago), day);
    }
}
