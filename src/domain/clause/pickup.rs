//! A price for each shipment that was not picked up in time (DOMAIN §4.2, missed pickup).
//!
//! It counts on the day on which the load was due at its destination, as everything else about the load does. So one version,
//! one period and one set of caps hold for the load, and of several failures of it the highest can be found.

use serde::{Deserialize, Serialize};

use super::price::{LateEvent, Priced};
use super::validate::{AMOUNT, good_amount};
use crate::domain::field::{FieldErrors, codes, require};
use crate::domain::money::{Micros, OutOfRange};
use crate::domain::period::PeriodKind;
use crate::domain::words;

codes! {
    /// Which pickup counts as missed.
    #[derive(Default)]
    PickupMiss, "missed pickup" {
        /// One that was not made on its committed day, as the KPI `MISSED_PU` counts.
        #[default]
        Day = "DAY", "not made on its committed day";
        /// One outside its window as `OTP_WIN` counts; where no window was agreed, not made on its day.
        Window = "WINDOW", "not made within its window";
    }
}

impl PickupMiss {
    /// Whether a pickup was missed in this sense. `missed` is what the one evaluator says of it
    /// ([`pickup_is_missed`](crate::domain::shipment::Verdicts::pickup_is_missed)).
    #[must_use]
    pub const fn is_missed(self, missed: (bool, bool)) -> bool {
        let (by_day, in_time) = missed;
        match self {
            Self::Day => by_day,
            Self::Window => in_time,
        }
    }
}

/// An amount for each shipment that was not picked up in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissedPickup {
    /// Owed for one, in the contract's currency.
    pub per_pickup: Micros,
    /// Which pickup counts as missed.
    #[serde(default)]
    pub miss: PickupMiss,
    /// The period the clause's cap counts in.
    pub period: PeriodKind,
}

impl MissedPickup {
    pub(super) fn validate(&self, e: &mut FieldErrors) {
        require(e, good_amount(self.per_pickup), "per_pickup", AMOUNT);
        let fine = self.period != PeriodKind::Year;
        require(e, fine, "period", "choose week, month or quarter");
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let amount = words::amount(self.per_pickup);
        let miss = match self.miss {
            PickupMiss::Day => "is not made on its committed day",
            PickupMiss::Window => "is not made within its window, or on its day where no window was agreed",
        };
        vec![
            format!("{amount} for each pickup that {miss}."),
            "It counts on the day on which the load was due at its destination.".to_owned(),
            // DOMAIN §4.2, "TONU offset": the audit of invoices refuses it, and judges the pickup as the KPI does.
            "Nor is a charge owed for a truck ordered and not used, where nothing excuses the pickup."
                .to_owned(),
        ]
    }
}

/// Prices one missed pickup.
pub(super) fn price(rule: &MissedPickup, event: &LateEvent, minor_digits: u32) -> Result<Priced, OutOfRange> {
    let amount = Micros::charge(rule.per_pickup.decimal(), minor_digits)?;
    let when = event.pickup_due.map(|day| format!(" on {}", words::day(day))).unwrap_or_default();
    let step = match rule.miss {
        PickupMiss::Day => format!("{} was not picked up{when}.", event.reference),
        PickupMiss::Window => format!("{} was not picked up in time{when}.", event.reference),
    };
    let steps = vec![step, format!("A missed pickup: {}.", words::amount(amount))];
    Ok(Priced { uncapped: amount, within_event: amount, steps })
}
