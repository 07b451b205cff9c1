//! A shipment as facts: what was committed, what was reported, what it weighed and cost.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::attribution::Given;
use super::causes::MissedBy;
use super::measure::Measures;
use super::money::Micros;
use super::outcome::{
    Cure, EarlyPolicy, OntimeEvent, Outcome, OutcomePolicy, Unit, Verdict, end_of_local_day, evaluate,
    local_day,
};
use super::quality::{QualityFacts, QualityVerdict};
use super::status::{StatusProfile, is_timely, owed};
use super::words;

/// Which instants of a shipment were given as a date only, as a set of flags.
///
/// Such an instant means the end of that local day. It is never tested for being in the future, and
/// it says nothing about minutes, so it is no status message that could be timely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateOnly(pub i32);

impl DateOnly {
    /// Arrival at the pickup stop.
    pub const PICKUP_ARRIVED: i32 = 1;
    /// Departure from the pickup stop.
    pub const PICKED_UP: i32 = 2;
    /// Arrival at the consignee.
    pub const ARRIVED: i32 = 4;
    /// Completion at the consignee.
    pub const DELIVERED: i32 = 8;

    /// Whether `flag` is set.
    #[must_use]
    pub fn has(self, flag: i32) -> bool {
        self.0 & flag != 0
    }

    /// Sets `flag`.
    pub fn set(&mut self, flag: i32) {
        self.0 |= flag;
    }
}

/// Commitments and winning events: everything an outcome depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestones {
    /// Zone of the pickup stop.
    pub pickup_zone: Option<Tz>,
    /// Zone of the delivery stop.
    pub delivery_zone: Option<Tz>,
    /// Committed pickup window.
    pub pickup_window_start: Option<DateTime<Utc>>,
    /// End of the committed pickup window.
    pub pickup_window_end: Option<DateTime<Utc>>,
    /// Committed local day of pickup, where no window was agreed.
    pub pickup_due_day: Option<NaiveDate>,
    /// Committed delivery window.
    pub delivery_window_start: Option<DateTime<Utc>>,
    /// End of the committed delivery window.
    pub delivery_window_end: Option<DateTime<Utc>>,
    /// Committed local day of delivery, where no window was agreed.
    pub delivery_due_day: Option<NaiveDate>,
    /// Arrival at the pickup stop.
    pub pickup_arrived_at: Option<DateTime<Utc>>,
    /// When that arrival was reported.
    pub pickup_arrived_received_at: Option<DateTime<Utc>>,
    /// Departure from the pickup stop.
    pub picked_up_at: Option<DateTime<Utc>>,
    /// Arrival at the consignee.
    pub arrived_at: Option<DateTime<Utc>>,
    /// When that arrival was reported.
    pub arrived_received_at: Option<DateTime<Utc>>,
    /// Completion at the consignee.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When that completion was reported.
    pub delivered_received_at: Option<DateTime<Utc>>,
    /// Arrival at the final station.
    pub station_arrived_at: Option<DateTime<Utc>>,
    /// Out for delivery from the final station.
    pub out_for_delivery_at: Option<DateTime<Utc>>,
    /// When the shipper cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Which events carry a date only.
    pub date_only: DateOnly,
    /// An approved exclusion covers a missed pickup.
    pub pickup_excused: bool,
    /// An approved exclusion covers a missed delivery.
    pub delivery_excused: bool,
    /// A declared event takes the pickup out.
    pub pickup_declared: bool,
    /// A declared event takes the delivery out.
    pub delivery_declared: bool,
}

/// The verdicts on a shipment. The pickup day is judged whenever it is asked for; the other three are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// Pickup within its window (`OTP_WIN`).
    pub pickup_window: Outcome,
    /// Pickup by its committed day (`OTP_DAY`).
    pub pickup_day: Outcome,
    /// Delivery by the due day (`OTD_DAY`).
    pub delivery_day: Outcome,
    /// Delivery within its window (`OTD_WIN`).
    pub delivery_window: Outcome,
    /// Of its quality, where the feed says anything of it.
    pub quality: Option<QualityVerdict>,
    /// When time alone may change one of them.
    pub settles_at: Option<DateTime<Utc>>,
}

impl Verdicts {
    /// The verdict on the delivery: by its window, or by its day where no window was agreed.
    #[must_use]
    pub fn delivery(&self) -> Outcome {
        match self.delivery_window {
            Outcome::NotApplicable | Outcome::NoBaseline => self.delivery_day,
            outcome => outcome,
        }
    }

    /// Whether the delivery was missed by the carrier's fault: the window decides, and where none was agreed the day.
    #[must_use]
    pub fn delivery_is_missed(&self) -> bool {
        let by_day = self.delivery_window == Outcome::NotApplicable && self.delivery_day.is_failure();
        self.delivery_window.is_failure() || by_day
    }

    /// Whether the pickup was missed by the carrier's fault: not made on its committed day (`MISSED_PU`), and not in time,
    /// where the window decides and the day where none was agreed.
    #[must_use]
    pub fn pickup_is_missed(&self) -> (bool, bool) {
        let by_day = self.pickup_day.is_failure();
        let no_window = self.pickup_window == Outcome::NotApplicable;
        (by_day, self.pickup_window.is_failure() || (no_window && by_day))
    }
}

/// Why the facts of a shipment contradict each other. Each names the field to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A window ends before it starts.
    #[error("the {stop} window ends before it starts")]
    Window {
        /// Which stop.
        stop: &'static str,
        /// The field at fault.
        field: &'static str,
    },
    /// Delivered before picked up.
    #[error("delivered at {delivered} before it was picked up at {picked_up}")]
    DeliveredBeforePickup {
        /// Delivery or arrival, in the zone of its stop.
        delivered: Told,
        /// Pickup, in the zone of its stop.
        picked_up: Told,
        /// The field at fault.
        field: &'static str,
    },
    /// An event reported before it happened.
    #[error(
        "happened at {event}, more than {FUTURE_TOLERANCE_MINUTES} minutes after it was reported at {received}"
    )]
    ReportedBeforeItHappened {
        /// The event, in the zone of its stop.
        event: Told,
        /// The report, in the same zone.
        received: Told,
        /// The field at fault.
        field: &'static str,
    },
    /// Nothing says which period the shipment belongs to.
    #[error(
        "no due date, window or event says which period it belongs to; map delivery_due_date, delivery_window_end or an event"
    )]
    NoDay,
}

/// An instant as the people at the stop say it: with the zone's own name, and as a day where no time was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told(Box<str>);

impl Told {
    fn new(at: DateTime<Utc>, zone: Option<Tz>, date_only: bool) -> Self {
        let zone = zone.unwrap_or(Tz::UTC);
        let day = || at.with_timezone(&zone).date_naive().to_string();
        Self(if date_only { day() } else { words::instant(at, zone) }.into_boxed_str())
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Contradiction {
    /// The field a person should look at.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Window { field, .. }
            | Self::DeliveredBeforePickup { field, .. }
            | Self::ReportedBeforeItHappened { field, .. } => field,
            Self::NoDay => "delivery_due_date",
        }
    }
}

/// DOMAIN §1.1: an event more than this after its own report is invalid.
pub const FUTURE_TOLERANCE_MINUTES: i64 = 5;

impl Milestones {
    /// The local day of the delivery obligation: the day that decides the period (DOMAIN §0.5).
    ///
    /// Without a delivery commitment, the day of the pickup commitment, then of the best event.
    #[must_use]
    pub fn obligation_day(&self) -> Option<NaiveDate> {
        let there = self.delivery_zone.or(self.pickup_zone).unwrap_or(Tz::UTC);
        let origin = self.pickup_zone.or(self.delivery_zone).unwrap_or(Tz::UTC);
        self.delivery_day()
            .or_else(|| self.delivery_window_end.map(|at| local_day(at, there)))
            .or_else(|| self.pickup_day(origin))
            .or_else(|| self.arrived_at.or(self.delivered_at).map(|at| local_day(at, there)))
            .or_else(|| self.pickup_arrived_at.or(self.picked_up_at).map(|at| local_day(at, origin)))
            .or_else(|| self.cancelled_at.map(|at| local_day(at, there)))
    }

    /// The local day on which the pickup was due, when there is a pickup obligation.
    #[must_use]
    pub fn pickup_obligation_day(&self) -> Option<NaiveDate> {
        self.pickup_day(self.pickup_zone.or(self.delivery_zone).unwrap_or(Tz::UTC))
    }

    /// The day a pickup counts for: its own obligation, else the day of the shipment. None where none was due.
    #[must_use]
    pub fn pickup_counts_for(&self, verdicts: &Verdicts) -> Option<NaiveDate> {
        if verdicts.pickup_window == Outcome::NotApplicable && verdicts.pickup_day == Outcome::NotApplicable {
            return None;
        }
        self.pickup_obligation_day().or_else(|| self.obligation_day())
    }

    fn pickup_day(&self, zone: Tz) -> Option<NaiveDate> {
        self.pickup_due_day.or_else(|| self.pickup_window_end.map(|at| local_day(at, zone)))
    }

    fn delivery_day(&self) -> Option<NaiveDate> {
        self.delivery_due_day.or_else(|| Some(local_day(self.delivery_window_end?, self.delivery_zone?)))
    }

    /// When the delivery was due: the end of its window, else of its day at the stop.
    #[must_use]
    pub fn delivery_due_by(&self) -> Option<DateTime<Utc>> {
        self.delivery_window_end
            .or_else(|| Some(end_of_local_day(self.delivery_due_day?, self.delivery_zone?)))
    }

    /// When the pickup was due: the end of its window, else of its day at the stop.
    #[must_use]
    pub fn pickup_due_by(&self) -> Option<DateTime<Utc>> {
        let zone = self.pickup_zone.or(self.delivery_zone);
        self.pickup_window_end.or_else(|| Some(end_of_local_day(self.pickup_due_day?, zone?)))
    }

    /// Checks that the facts can be true together.
    ///
    /// # Errors
    /// The first [`Contradiction`].
    pub fn check(&self) -> Result<(), Contradiction> {
        check_window(self.pickup_window_start, self.pickup_window_end, "pickup", "pickup_window_end")?;
        check_window(
            self.delivery_window_start,
            self.delivery_window_end,
            "delivery",
            "delivery_window_end",
        )?;
        self.check_order()?;
        let date_only = self.date_only;
        check_received(
            self.pickup_arrived_at.filter(|_| !date_only.has(DateOnly::PICKUP_ARRIVED)),
            self.pickup_arrived_received_at,
            self.pickup_zone.or(self.delivery_zone),
            "pickup_arrived_at",
        )?;
        check_received(
            self.arrived_at.filter(|_| !date_only.has(DateOnly::ARRIVED)),
            self.arrived_received_at,
            self.delivery_zone.or(self.pickup_zone),
            "arrived_at",
        )?;
        check_received(
            self.delivered_at.filter(|_| !date_only.has(DateOnly::DELIVERED)),
            self.delivered_received_at,
            self.delivery_zone.or(self.pickup_zone),
            "delivered_at",
        )?;
        self.obligation_day().map(|_| ()).ok_or(Contradiction::NoDay)
    }

    fn check_order(&self) -> Result<(), Contradiction> {
        let (origin, there) =
            (self.pickup_zone.or(self.delivery_zone), self.delivery_zone.or(self.pickup_zone));
        // A date-only time lies at the end of its day: as a pickup it was at the earliest a day before.
        let earliest = |at: Option<DateTime<Utc>>, flag| {
            let date_only = self.date_only.has(flag);
            let slack = if date_only { TimeDelta::days(1) } else { TimeDelta::zero() };
            let at = at?;
            Some((at.checked_sub_signed(slack)?, at, date_only))
        };
        let pickup = earliest(self.pickup_arrived_at, DateOnly::PICKUP_ARRIVED)
            .max(earliest(self.picked_up_at, DateOnly::PICKED_UP));
        for (end, flag, field) in [
            (self.arrived_at, DateOnly::ARRIVED, "arrived_at"),
            (self.delivered_at, DateOnly::DELIVERED, "delivered_at"),
        ] {
            if let (Some((earliest, picked_up, date_only)), Some(delivered)) = (pickup, end)
                && delivered < earliest
            {
                return Err(Contradiction::DeliveredBeforePickup {
                    delivered: Told::new(delivered, there, self.date_only.has(flag)),
                    picked_up: Told::new(picked_up, origin, date_only),
                    field,
                });
            }
        }
        Ok(())
    }

    /// Judges the obligations of the shipment as known at `as_of`.
    #[must_use]
    pub fn judge(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdicts {
        let pickup = self.judge_pickup(policy, as_of);
        let pickup_day = self.judge_pickup_day(policy, as_of);
        let day = self.judge_delivery_day(policy, as_of);
        let window = self.judge_delivery_window(policy, as_of);
        let settles_at =
            [pickup, pickup_day, day, window].into_iter().filter_map(|verdict| verdict.settles_at).min();
        Verdicts {
            pickup_window: pickup.outcome,
            pickup_day: pickup_day.outcome,
            delivery_day: day.outcome,
            delivery_window: window.outcome,
            quality: None,
            settles_at,
        }
    }

    fn judge_pickup(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdict {
        // Leaving proves having arrived no later than that.
        let done_at = self.pickup_arrived_at.or(self.picked_up_at);
        if self.pickup_window_end.is_none() && (self.pickup_due_day.is_some() || done_at.is_none()) {
            return NOT_DUE;
        }
        let grace = DEFAULT_PICKUP_GRACE_MINUTES;
        let due_by = self.pickup_window_end.and_then(|end| plus_minutes(end, grace));
        evaluate(&self.pickup_unit(policy, due_by), as_of)
    }

    fn judge_pickup_day(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdict {
        let zone = self.pickup_zone.or(self.delivery_zone);
        let day = self.pickup_day(zone.unwrap_or(Tz::UTC));
        let done_at = self.pickup_arrived_at.or(self.picked_up_at);
        if day.is_none() && done_at.is_none() {
            return NOT_DUE;
        }
        // Inside the window is inside its last day; no calendar is needed to say so.
        let by_window = self.pickup_window_end.filter(|end| {
            self.pickup_due_day.is_none() && zone.is_some() && done_at.is_some_and(|done| done <= *end)
        });
        let due_by = by_window.or_else(|| Some(end_of_local_day(day?, zone?)));
        evaluate(&self.pickup_unit(policy, due_by), as_of)
    }

    fn pickup_unit(&self, policy: &OutcomePolicy, due_by: Option<DateTime<Utc>>) -> Unit {
        Unit {
            cancelled_at: self.cancelled_at,
            due_by,
            not_before: None,
            done_at: self.pickup_arrived_at.or(self.picked_up_at),
            not_done_at: None,
            excused: self.pickup_excused,
            declared: self.pickup_declared,
            evidence_grace_days: policy.evidence_grace_days,
            zone: self.pickup_zone.or(self.delivery_zone),
        }
    }

    fn judge_delivery_day(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdict {
        let due_by =
            self.delivery_zone.and_then(|zone| self.delivery_day().map(|day| end_of_local_day(day, zone)));
        evaluate(&self.delivery_unit(policy, due_by, None), as_of)
    }

    fn judge_delivery_window(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdict {
        if self.delivery_window_end.is_none() && self.delivery_due_day.is_some() {
            return NOT_DUE;
        }
        let due_by = self.delivery_window_end.and_then(|end| plus_minutes(end, policy.grace_late_minutes));
        let not_before = match policy.early_policy {
            EarlyPolicy::Ignore => None,
            EarlyPolicy::Fail => {
                self.delivery_window_start.and_then(|start| plus_minutes(start, -policy.grace_early_minutes))
            }
        };
        evaluate(&self.delivery_unit(policy, due_by, not_before), as_of)
    }

    /// Adds the stops with arrival and departure reported to the minute, and the minutes beyond free time at them.
    fn add_detention(&self, sums: &mut Measures) {
        let pickup = (
            (self.pickup_window_start, self.pickup_arrived_at, self.picked_up_at),
            DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP,
        );
        let delivery = (
            (self.delivery_window_start, self.arrived_at, self.delivered_at),
            DateOnly::ARRIVED | DateOnly::DELIVERED,
        );
        for ((window_start, arrived, left), flags) in [pickup, delivery] {
            let (Some(arrived), Some(left), 0) = (arrived, left, self.date_only.0 & flags) else { continue };
            let clock_from = window_start.map_or(arrived, |start| start.max(arrived));
            let minutes = left.signed_duration_since(clock_from).num_minutes();
            sums.detention.add((minutes - FREE_MINUTES).max(0), 1);
        }
    }

    /// How long the carrier stood at the shipper's own dock, where the freight is picked up.
    fn add_dock(&self, sums: &mut Measures) {
        let flags = DateOnly::PICKUP_ARRIVED | DateOnly::PICKED_UP;
        if let (Some(arrived), Some(left), 0) =
            (self.pickup_arrived_at, self.picked_up_at, self.date_only.0 & flags)
        {
            sums.dock.count(left.signed_duration_since(arrived).num_minutes());
        }
    }

    /// The event that decides whether the delivery was on time, if it was reported.
    #[must_use]
    pub fn delivery_done_at(&self, policy: &OutcomePolicy) -> Option<DateTime<Utc>> {
        match policy.ontime_event {
            // Completion proves arrival no later than itself.
            OntimeEvent::Arrival => self.arrived_at.or(self.delivered_at),
            OntimeEvent::Completion => self.delivered_at,
        }
    }

    fn delivery_unit(
        &self,
        policy: &OutcomePolicy,
        due_by: Option<DateTime<Utc>>,
        not_before: Option<DateTime<Utc>>,
    ) -> Unit {
        let not_done_at = match policy.ontime_event {
            OntimeEvent::Arrival => self.out_for_delivery_at.or(self.station_arrived_at),
            OntimeEvent::Completion => self.arrived_at.or(self.out_for_delivery_at),
        };
        Unit {
            cancelled_at: self.cancelled_at,
            due_by,
            not_before,
            done_at: self.delivery_done_at(policy),
            not_done_at,
            excused: self.delivery_excused,
            declared: self.delivery_declared,
            evidence_grace_days: policy.evidence_grace_days,
            zone: self.delivery_zone.or(self.pickup_zone),
        }
    }
}

/// A pickup belongs to its own day; its delivery, under which the shipment is stored, is due this much later at most.
pub const LONGEST_TRANSIT_DAYS: u64 = 120;

/// Free time at a stop before waiting counts as detention (DOMAIN §3.9: the usual two hours).
const FREE_MINUTES: i64 = 120;

/// Minutes after the pickup window that still count as in it (DOMAIN §1.2).
pub const DEFAULT_PICKUP_GRACE_MINUTES: i32 = 15;

const NOT_DUE: Verdict = Verdict { outcome: Outcome::NotApplicable, settles_at: None };

fn plus_minutes(at: DateTime<Utc>, minutes: i32) -> Option<DateTime<Utc>> {
    at.checked_add_signed(TimeDelta::minutes(i64::from(minutes)))
}

fn check_window(
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    stop: &'static str,
    field: &'static str,
) -> Result<(), Contradiction> {
    match (start, end) {
        (Some(start), Some(end)) if end < start => Err(Contradiction::Window { stop, field }),
        _ => Ok(()),
    }
}

fn check_received(
    event: Option<DateTime<Utc>>,
    received: Option<DateTime<Utc>>,
    zone: Option<Tz>,
    field: &'static str,
) -> Result<(), Contradiction> {
    match (event, received) {
        (Some(event), Some(received))
            if event.signed_duration_since(received) > TimeDelta::minutes(FUTURE_TOLERANCE_MINUTES) =>
        {
            let told = |at| Told::new(at, zone, false);
            Err(Contradiction::ReportedBeforeItHappened {
                event: told(event),
                received: told(received),
                field,
            })
        }
        _ => Ok(()),
    }
}

/// What happened on the first delivery attempt (DOMAIN §1.5 `FADS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FirstAttempt {
    /// Delivered, or handed over by an authorised way.
    Success,
    /// Not delivered, by the carrier.
    Failed,
    /// Refused by the recipient: a failure gross, excluded net.
    Refused,
    /// The address was wrong: the shipper's or consignee's.
    AddressError,
}

impl FirstAttempt {
    /// The word stored and imported.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Refused => "REFUSED",
            Self::AddressError => "ADDRESS_ERROR",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Success, Self::Failed, Self::Refused, Self::AddressError]
            .into_iter()
            .find(|attempt| attempt.code() == code)
    }

    /// The outcome that `FADS` counts.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Success => Outcome::Success,
            Self::Failed => Outcome::Late,
            Self::Refused | Self::AddressError => Outcome::Excused,
        }
    }
}

/// Quantities and money of a shipment, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Handling units.
    pub pieces: Option<i64>,
    /// Actual weight in grams.
    pub weight_g: Option<i64>,
    /// Billed distance in metres.
    pub distance_m: Option<i64>,
    /// Linehaul, net of discounts.
    pub linehaul: Option<Micros>,
    /// Fuel surcharge.
    pub fuel: Option<Micros>,
    /// Accessorials without fuel.
    pub accessorial: Option<Micros>,
    /// Total freight without tax: given, or the sum of the parts.
    pub freight: Option<Micros>,
    /// What the contract says it should have cost.
    pub rated: Option<Micros>,
    /// The benchmark of its lane, week and equipment. Never written anywhere: the prices of a benchmark are nobody's to see
    /// but the shipper's.
    #[serde(skip)]
    pub market: Option<Micros>,
}

impl Amounts {
    /// The total given, else the sum of the parts given, else nothing: no charge is no data, not 0.
    #[must_use]
    pub fn freight_total(&self) -> Option<Micros> {
        self.freight.or_else(|| {
            let parts = [self.linehaul, self.fuel, self.accessorial];
            parts.iter().any(Option::is_some).then(|| parts.into_iter().flatten().sum())
        })
    }

    /// Kilograms times billed metres, to the nearest; none without both, or where it does not fit.
    #[must_use]
    pub fn work_kg_m(&self) -> Option<i64> {
        let weight_g = i128::from(self.weight_g.filter(|&weight| weight > 0)?);
        let distance_m = i128::from(self.distance_m.filter(|&distance| distance > 0)?);
        i64::try_from((weight_g * distance_m + 500) / 1_000).ok().filter(|&work| work > 0)
    }
}

/// How a shipment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Disposition {
    /// At the consignee, or handed over by an authorised way.
    Delivered,
    /// Back at the sender.
    Returned,
}

impl Disposition {
    /// Reads the word stored and imported.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "DELIVERED" => Some(Self::Delivered),
            "RETURNED" => Some(Self::Returned),
            _ => None,
        }
    }
}

/// Who caused a diversion after pickup (DOMAIN §1.5 `DIVERT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Diverter {
    /// The carrier: scored.
    Carrier,
    /// The shipper, on request: information.
    Shipper,
    /// The consignee, on request: information.
    Consignee,
    /// Nobody's choice: information.
    Disruption,
}

impl Diverter {
    /// The word stored and imported.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Carrier => "CARRIER",
            Self::Shipper => "SHIPPER",
            Self::Consignee => "CONSIGNEE",
            Self::Disruption => "DISRUPTION",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Carrier, Self::Shipper, Self::Consignee, Self::Disruption]
            .into_iter()
            .find(|d| d.code() == code)
    }
}

/// What is kept beside shipments at all: where nobody keeps claims, a delivery without one says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Claims.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claims: bool,
    /// Cases of communication.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cases: bool,
}

impl Kept {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Everything of a shipment that measures are made of.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ShipmentFacts {
    /// Commitments and events.
    pub milestones: Milestones,
    /// Delivery attempts made.
    pub attempts: Option<i32>,
    /// What happened on the first one.
    pub first_attempt: Option<FirstAttempt>,
    /// How the shipment ended, where the feed said so. Only such shipments can count as not diverted.
    pub disposition: Option<Disposition>,
    /// Who diverted it, if anybody.
    pub diverted_by: Option<Diverter>,
    /// Quantities and money.
    pub amounts: Amounts,
    /// Which status messages it owes.
    pub statuses: StatusProfile,
    /// What the feed said of the delivery beyond all that.
    pub quality: Option<QualityFacts>,
    /// What was given as the reason of a missed pickup.
    #[serde(default, skip_serializing_if = "Given::is_nothing")]
    pub pickup_given: Given,
    /// What was given as the reason of a missed delivery.
    #[serde(default, skip_serializing_if = "Given::is_nothing")]
    pub delivery_given: Given,
    /// What is kept beside it.
    #[serde(default, skip_serializing_if = "Kept::is_nothing")]
    pub kept: Kept,
}

impl ShipmentFacts {
    /// Judges the obligations of the shipment as known at `as_of`, those of its quality included.
    #[must_use]
    pub fn judge(&self, policy: &OutcomePolicy, as_of: DateTime<Utc>) -> Verdicts {
        let mut verdicts = self.milestones.judge(policy, as_of);
        if let Some(quality) = &self.quality {
            let judged = quality.judge(self.amounts.pieces, &self.milestones, &verdicts, policy, as_of);
            verdicts.settles_at = [verdicts.settles_at, judged.settles_at].into_iter().flatten().min();
            verdicts.quality = Some(judged);
        }
        verdicts
    }

    /// Adds the pickup, which belongs to its own day.
    pub fn add_pickup_to(&self, verdicts: &Verdicts, sums: &mut Measures) {
        sums.pickup_window.count(verdicts.pickup_window);
        sums.pickup_day.count(verdicts.pickup_day);
        sums.count_cause(MissedBy::PickupWindow, verdicts.pickup_window, self.pickup_given);
    }

    /// Adds what is dated by the delivery obligation. The pickup belongs to its own day:
    /// [`Milestones::pickup_obligation_day`].
    pub fn add_to(&self, verdicts: &Verdicts, policy: &OutcomePolicy, sums: &mut Measures) {
        self.add_cured(verdicts, policy, None, sums);
    }

    /// The verdicts where a late proof of delivery can be put right.
    #[must_use]
    pub fn cured(&self, verdicts: Verdicts, cure: Cure) -> Verdicts {
        let quality = self.quality.as_ref().zip(verdicts.quality).map(|(quality, judged)| QualityVerdict {
            proof: quality.proof_cured(judged.proof, &self.milestones, cure),
            ..judged
        });
        Verdicts { quality, ..verdicts }
    }

    /// As [`Self::add_to`], where messages can be put right.
    pub fn add_cured(
        &self,
        verdicts: &Verdicts,
        policy: &OutcomePolicy,
        cure: Option<Cure>,
        sums: &mut Measures,
    ) {
        sums.shipments += 1;
        sums.delivery_day.count(verdicts.delivery_day);
        sums.delivery_window.count(verdicts.delivery_window);
        sums.count_cause(MissedBy::DeliveryDay, verdicts.delivery_day, self.delivery_given);
        sums.count_cause(MissedBy::DeliveryWindow, verdicts.delivery_window, self.delivery_given);
        if !self.milestones.delivery_declared {
            self.add_service(sums);
        }
        self.add_times(policy, cure, sums);
        let owed = owed(&self.milestones, verdicts, self.statuses, (policy.status_sla_minutes, cure));
        sums.status_complete.add(owed.received, owed.required);
        sums.status_visible.add(owed.timely, owed.reportable);
        self.milestones.add_detention(sums);
        self.milestones.add_dock(sums);
        if !self.kept.is_nothing() && self.was_delivered() {
            if self.kept.claims {
                sums.claims.add(0, 1);
            }
            if self.kept.cases {
                sums.contacts.add(0, 1);
            }
        }
        if let (Some(quality), Some(verdict)) = (&self.quality, &verdicts.quality) {
            quality.add_to(verdict, &self.milestones, verdicts, (policy, &self.amounts), sums);
        }
        self.add_money(sums);
    }

    /// Whether it reached its consignee.
    fn was_delivered(&self) -> bool {
        let times = &self.milestones;
        self.disposition != Some(Disposition::Returned)
            && (self.disposition.is_some() || times.arrived_at.or(times.delivered_at).is_some())
    }

    /// How the delivery went, which a declared event takes out; what it cost and what was reported stays.
    fn add_service(&self, sums: &mut Measures) {
        if let Some(first) = self.first_attempt {
            sums.first_attempt.count(first.outcome());
        }
        if let Some(disposition) = self.disposition {
            sums.returned.add(i64::from(disposition == Disposition::Returned), 1);
            if let Some(attempts) = self.attempts {
                sums.attempts.add(i64::from(attempts), 1);
            }
            sums.diverted.add(i64::from(self.diverted_by == Some(Diverter::Carrier)), 1);
        }
        sums.diverted_by_others += i64::from(self.diverted_by.is_some_and(|who| who != Diverter::Carrier));
        let times = &self.milestones;
        if let (Some(arrived), Some(left)) = (times.station_arrived_at, times.out_for_delivery_at) {
            sums.dwell.count(left.signed_duration_since(arrived).num_minutes());
        }
    }

    fn add_times(&self, policy: &OutcomePolicy, cure: Option<Cure>, sums: &mut Measures) {
        let times = &self.milestones;
        let sla = TimeDelta::minutes(i64::from(policy.status_sla_minutes));
        let pickup = times.pickup_zone.or(times.delivery_zone);
        let delivery = times.delivery_zone.or(times.pickup_zone);
        let messages = [
            (times.pickup_arrived_at, times.pickup_arrived_received_at, DateOnly::PICKUP_ARRIVED, pickup),
            (times.arrived_at, times.arrived_received_at, DateOnly::ARRIVED, delivery),
            (times.delivered_at, times.delivered_received_at, DateOnly::DELIVERED, delivery),
        ];
        for (event, received, flag, zone) in messages {
            if let (Some(event), Some(received), false) = (event, received, times.date_only.has(flag)) {
                let timely = is_timely((event, received), sla, (cure, zone));
                sums.status_timely.add(i64::from(timely), 1);
            }
        }
    }

    fn add_money(&self, sums: &mut Measures) {
        let amounts = &self.amounts;
        if let Some(freight) = amounts.freight_total() {
            sums.freight.add(freight.0, 1);
            if let Some(pieces) = amounts.pieces.filter(|&pieces| pieces > 0) {
                sums.freight_by_piece.add(freight.0, pieces);
                sums.with_pieces += 1;
            }
            let distance_m = amounts.distance_m.filter(|&distance| distance > 0);
            if let Some(distance_m) = distance_m {
                sums.freight_by_distance.add(freight.0, distance_m);
                sums.with_distance += 1;
            }
            if let Some(work) = amounts.work_kg_m() {
                sums.freight_by_work.add(freight.0, work);
                sums.with_work += 1;
            }
            if let Some(weight_g) = amounts.weight_g.filter(|&weight| weight > 0) {
                sums.freight_by_weight.add(freight.0, weight_g);
                sums.weighed += 1;
            }
            if let Some(rated) = amounts.rated {
                sums.billed_to_rated.add(freight.0, rated.0);
                sums.rated += 1;
            }
        }
        if let Some(linehaul) = amounts.linehaul {
            sums.accessorial.add(amounts.accessorial.unwrap_or_default().0, linehaul.0);
            sums.with_linehaul += 1;
            if let Some(market) = amounts.market {
                sums.market.add(linehaul.0, market.0);
                sums.with_market += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_only_delivery_on_the_due_day_is_on_time() {
        let zone = Tz::UTC;
        let day = NaiveDate::from_ymd_opt(2013, 5, 3).unwrap();
        let facts = Milestones {
            delivery_zone: Some(zone),
            delivery_due_day: Some(day),
            delivered_at: Some(end_of_local_day(day, zone)),
            date_only: DateOnly(DateOnly::DELIVERED),
            ..Milestones::default()
        };
        let verdicts = facts.judge(&OutcomePolicy::default(), at("2026-01-01T00:00:00Z"));
        assert_eq!(verdicts.delivery_day, Outcome::Success);
        assert_eq!(verdicts.delivery_window, Outcome::NotApplicable);
        assert_eq!(verdicts.pickup_window, Outcome::NotApplicable);
    }

    #[test]
    fn delivered_before_picked_up_is_refused_with_its_field() {
        let facts = Milestones {
            picked_up_at: Some(at("2025-06-02T10:00:00Z")),
            delivered_at: Some(at("2025-06-01T10:00:00Z")),
            ..Milestones::default()
        };
        assert_eq!(facts.check().unwrap_err().field(), "delivered_at");
    }

    #[test]
    fn early_fails_only_where_the_policy_says_so() {
        let facts = Milestones {
            delivery_zone: Some(Tz::UTC),
            delivery_window_start: Some(at("2025-06-02T10:00:00Z")),
            delivery_window_end: Some(at("2025-06-02T12:00:00Z")),
            arrived_at: Some(at("2025-06-02T09:00:00Z")),
            ..Milestones::default()
        };
        let now = at("2025-07-01T00:00:00Z");
        let retailer = OutcomePolicy { early_policy: EarlyPolicy::Fail, ..OutcomePolicy::default() };
        assert_eq!(facts.judge(&OutcomePolicy::default(), now).delivery_window, Outcome::Success);
        assert_eq!(facts.judge(&retailer, now).delivery_window, Outcome::Late);
    }

    #[test]
    fn a_contradiction_is_told_in_the_time_of_the_stop() {
        let facts = Milestones {
            pickup_zone: Some(Tz::America__Chicago),
            delivery_zone: Some(Tz::America__New_York),
            picked_up_at: Some(at("2025-07-08T15:50:00Z")),
            delivered_at: Some(at("2025-07-08T13:30:00Z")),
            delivered_received_at: Some(at("2025-07-08T13:00:00Z")),
            delivery_due_day: NaiveDate::from_ymd_opt(2025, 7, 8),
            ..Milestones::default()
        };
        assert_eq!(
            facts.check().unwrap_err().to_string(),
            "delivered at 2025-07-08 09:30:00 EDT before it was picked up at 2025-07-08 10:50:00 CDT"
        );
        let told = Milestones { picked_up_at: None, ..facts }.check().unwrap_err().to_string();
        assert!(told.contains("reported at 2025-07-08 09:00:00 EDT"), "{told}");
        // A day alone is told as one.
        let mut facts = Milestones { picked_up_at: Some(at("2025-07-11T04:59:59.999999Z")), ..facts };
        facts.date_only.set(DateOnly::PICKED_UP);
        let told = facts.check().unwrap_err().to_string();
        assert!(told.ends_with("picked up at 2025-07-10"), "{told}");
    }

    #[test]
    fn a_pickup_and_its_delivery_belong_to_their_own_days() {
        let facts = Milestones {
            pickup_zone: Some(Tz::UTC),
            delivery_zone: Some(Tz::UTC),
            pickup_window_end: Some(at("2025-05-31T10:00:00Z")),
            delivery_window_end: Some(at("2025-06-02T10:00:00Z")),
            ..Milestones::default()
        };
        assert_eq!(facts.pickup_obligation_day(), NaiveDate::from_ymd_opt(2025, 5, 31));
        assert_eq!(facts.obligation_day(), NaiveDate::from_ymd_opt(2025, 6, 2));
    }
}
