//! The finer terms of an accessorial: when it applies, how its clock runs, what it needs (DOMAIN §3.9).

use serde::{Deserialize, Serialize};

use super::AccessorialUnit;
use super::condition::Condition;
use crate::domain::currency::Currency;
use crate::domain::exact::RoundMode;
use crate::domain::field::{FieldErrors, codes, require};
use crate::domain::money::{Bps, Micros};
use crate::domain::words;

/// Steps of free time by weight one rate may have.
const FREE_STEPS_MAX: usize = 20;

codes! {
    /// What makes a charge due.
    AccessorialTrigger, "accessorial trigger" {
        /// Someone reports that it happened.
        OnEvent = "ON_EVENT", "when it happens";
        /// Its condition holds; nobody needs to report it.
        Automatic = "AUTOMATIC", "whenever its condition holds";
    }
}

codes! {
    /// When the clock of an hourly or daily charge starts.
    ClockStart, "clock start" {
        /// At the arrival, but not before the appointment: early arrival earns nothing.
        Appointment = "APPOINTMENT", "arrival, not before the appointment";
        /// At the arrival.
        Arrival = "ARRIVAL", "arrival";
        /// When the carrier said that it is ready.
        Notification = "NOTIFICATION", "the carrier's notification";
    }
}

codes! {
    /// What a late arrival does to the clock.
    LateArrival, "late arrival policy" {
        /// The clock starts at the arrival all the same.
        StartAtArrival = "START_AT_ARRIVAL", "starts at arrival";
        /// The clock starts when work starts.
        StartAtWorkIn = "START_AT_WORK_IN", "starts when work starts";
        /// Nothing is due.
        Forfeit = "FORFEIT", "forfeits the charge";
    }
}

codes! {
    /// Whether somebody must have agreed first.
    Authorisation, "authorisation rule" {
        /// No.
        None = "NONE", "none";
        /// The shipper agreed before it happened.
        Before = "BEFORE", "agreed before";
    }
}

codes! {
    /// What must prove the charge.
    Evidence, "evidence rule" {
        /// Nothing beyond the event.
        None = "NONE", "none";
        /// A receipt.
        Receipt = "RECEIPT", "receipt";
        /// In and out times.
        Times = "TIMES", "in and out times";
        /// A note on the proof of delivery.
        PodNote = "POD_NOTE", "note on the proof of delivery";
        /// A flag on the order.
        Order = "ORDER", "order";
        /// A scan or photograph.
        Scan = "SCAN", "scan";
    }
}

/// Free time from a weight on; lighter shipments have the rate's own free quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreeFrom {
    /// Weight from which it holds, in the tariff's unit.
    pub weight: Micros,
    /// Free quantity, in the unit of the rate's own.
    pub free_quantity: u32,
}

/// The finer terms of an accessorial; the default is what a contract means that says none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessorialRules {
    /// What makes it due.
    pub trigger: AccessorialTrigger,
    /// When it applies; always when none is given.
    pub condition: Option<Condition>,
    /// Where a started increment goes; `or fraction` is up.
    pub increment_rounding: RoundMode,
    /// When the clock starts.
    pub clock_start: ClockStart,
    /// What a late arrival does to the clock.
    pub late_arrival: LateArrival,
    /// Free quantity by weight, lightest first.
    pub free_by_weight: Vec<FreeFrom>,
    /// Whether the carrier must have warned that the charge begins.
    pub notification_required: bool,
    /// Whether somebody must have agreed first.
    pub authorisation: Authorisation,
    /// What must prove it.
    pub evidence: Evidence,
    /// Whether fuel is charged on it.
    pub fuel_applicable: bool,
    /// Discount off the charge.
    pub discount: Bps,
    /// Currency of its amounts; the contract's when none is given.
    pub currency: Option<Currency>,
}

impl Default for AccessorialRules {
    fn default() -> Self {
        Self {
            trigger: AccessorialTrigger::OnEvent,
            condition: None,
            increment_rounding: RoundMode::Up,
            clock_start: ClockStart::Appointment,
            late_arrival: LateArrival::StartAtArrival,
            free_by_weight: Vec::new(),
            notification_required: false,
            authorisation: Authorisation::None,
            evidence: Evidence::None,
            fuel_applicable: false,
            discount: Bps(0),
            currency: None,
        }
    }
}

impl AccessorialRules {
    /// Whether these are the rules of a contract that says none.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn validate(&self, unit: AccessorialUnit, e: &mut FieldErrors) {
        let fine = Bps(0) <= self.discount && self.discount <= Bps::WHOLE;
        require(e, fine, "discount", "a discount is between 0 and 100 %");
        let fine = self.trigger == AccessorialTrigger::OnEvent || unit != AccessorialUnit::PassThrough;
        require(
            e,
            fine,
            "trigger",
            "a charge at cost needs someone to report the cost; choose `when it happens`",
        );
        let timed = matches!(unit, AccessorialUnit::PerHour);
        let fine = self.trigger == AccessorialTrigger::OnEvent || !timed;
        require(e, fine, "trigger", "an hourly charge needs reported times; choose `when it happens`");
        let steps = &self.free_by_weight;
        let fine = steps.len() <= FREE_STEPS_MAX && steps.is_sorted_by(|a, b| a.weight < b.weight);
        require(e, fine, "free_by_weight", "list up to 20 weights, each higher than the one before");
        let fine = steps.is_empty() || unit.allowance_unit().is_some();
        require(e, fine, "free_by_weight", "this unit has no free allowance; leave it empty");
        if let Some(problem) = self.condition.as_ref().and_then(Condition::problem) {
            e.push(("condition".to_owned(), problem));
        }
    }

    /// The free quantity at a weight, given the rate's own.
    #[must_use]
    pub fn free_at(&self, own: u32, weight: Micros) -> u32 {
        self.free_by_weight.iter().rfind(|step| step.weight <= weight).map_or(own, |step| step.free_quantity)
    }

    /// What differs from the plain rules, in words.
    pub(super) fn texts(&self) -> Vec<String> {
        let plain = Self::default();
        let mut parts = Vec::new();
        let mut say = |differs: bool, text: String| parts.extend(differs.then_some(text));
        say(self.trigger != plain.trigger, self.trigger.label().to_owned());
        if let Some(condition) = &self.condition {
            say(true, format!("if {condition}"));
        }
        say(
            self.increment_rounding != plain.increment_rounding,
            format!("steps {}", self.increment_rounding.label()),
        );
        say(self.clock_start != plain.clock_start, format!("clock from {}", self.clock_start.label()));
        say(self.late_arrival != plain.late_arrival, format!("late arrival {}", self.late_arrival.label()));
        for step in &self.free_by_weight {
            say(true, format!("free {} from weight {}", step.free_quantity, words::quantity(step.weight)));
        }
        say(self.notification_required, "warning needed".to_owned());
        say(self.authorisation != plain.authorisation, self.authorisation.label().to_owned());
        say(self.evidence != plain.evidence, format!("{} needed", self.evidence.label()));
        say(self.fuel_applicable, "fuel applies".to_owned());
        say(self.discount != plain.discount, format!("less {}", words::percent(self.discount)));
        if let Some(currency) = self.currency {
            say(true, format!("in {currency}"));
        }
        parts
    }
}
