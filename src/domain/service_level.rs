//! Service levels and the dated calendars surcharges refer to (DOMAIN §3.1).

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::field::{FieldErrors, codes, require};

/// Longest code of a service level or calendar.
pub const CODE_CHARS_MAX: usize = 20;
/// Windows one calendar may have.
pub const WINDOWS_MAX: usize = 200;
/// Longest transit, in business days.
pub const TRANSIT_DAYS_MAX: u16 = 120;
/// Longest grace.
pub const GRACE_MINUTES_MAX: u32 = 10_080;

codes! {
    /// Which event decides whether a delivery was on time.
    OnTimeEvent, "on-time event" {
        /// The arrival at the stop.
        Arrival = "ARRIVAL", "arrival at the stop";
        /// The delivery itself.
        Delivery = "DELIVERY", "delivery";
    }
}

codes! {
    /// Where a service level stands between dear and cheap.
    ServiceTier, "service tier" {
        /// Fast and dear.
        Premium = "PREMIUM", "premium";
        /// The usual one.
        Standard = "STANDARD", "standard";
        /// Slow and cheap.
        Economy = "ECONOMY", "economy";
    }
}

/// What a service promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceLevel {
    /// The word lanes and shipments use.
    pub code: String,
    /// The words on a page.
    pub label: String,
    /// Where it stands between dear and cheap.
    pub tier: ServiceTier,
    /// Transit standard in business days; lanes may have their own.
    pub transit_business_days: u16,
    /// Pickups after this local time count as the next day's.
    #[serde(default)]
    pub cutoff: Option<NaiveTime>,
    /// Which event decides.
    pub on_time_event: OnTimeEvent,
    /// Minutes a pickup may be late.
    #[serde(default)]
    pub pickup_grace_minutes: u32,
    /// Minutes a delivery may be late.
    #[serde(default)]
    pub delivery_grace_minutes: u32,
}

impl ServiceLevel {
    /// Problems of the service level, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fine = (1..=CODE_CHARS_MAX).contains(&self.code.trim().chars().count());
        require(e, fine, "code", "give the service a code of up to 20 characters");
        require(e, !self.label.trim().is_empty(), "label", "name the service");
        let fine = self.transit_business_days <= TRANSIT_DAYS_MAX;
        require(e, fine, "transit_business_days", "transit of more than 120 business days is not supported");
        for (field, grace) in [
            ("pickup_grace_minutes", self.pickup_grace_minutes),
            ("delivery_grace_minutes", self.delivery_grace_minutes),
        ] {
            require(e, grace <= GRACE_MINUTES_MAX, field, "a grace is at most 10,080 minutes, one week");
        }
        errors
    }
}

/// Days from the first, included, to the last, not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateWindow {
    /// First day.
    pub from: NaiveDate,
    /// First day no longer in it.
    pub to: NaiveDate,
}

/// Peak and season windows under one name. An accessorial that applies `pickup in calendar NAME` whenever its
/// condition holds is a peak surcharge: per shipment, per piece, per pound or a share, as its unit says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonCalendar {
    /// The name conditions use.
    pub code: String,
    /// The words on a page.
    pub label: String,
    /// Its windows, earliest first, none overlapping.
    pub windows: Vec<DateWindow>,
}

impl SeasonCalendar {
    /// Whether `day` lies in a window.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.windows.iter().any(|window| window.from <= day && day < window.to)
    }

    /// Problems of the calendar, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fine = (1..=CODE_CHARS_MAX).contains(&self.code.trim().chars().count());
        require(e, fine, "code", "give the calendar a code of up to 20 characters, such as PEAK25");
        let fine = (1..=WINDOWS_MAX).contains(&self.windows.len());
        require(e, fine, "windows", "list between 1 and 200 windows");
        for (window, row) in self.windows.iter().zip(1..) {
            let field = format!("windows[{row}]");
            require(e, window.from < window.to, &field, "ends before it starts; choose a later end");
        }
        for ((a, b), row) in self.windows.iter().zip(self.windows.iter().skip(1)).zip(2..) {
            let field = format!("windows[{row}]");
            require(e, a.to <= b.from, &field, "starts before the window above it ends; join or order them");
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_half_open_and_ordered() {
        let window =
            |from: &str, to: &str| DateWindow { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let calendar =
            |windows| SeasonCalendar { code: "PEAK".to_owned(), label: "Peak".to_owned(), windows };
        let peak = calendar(vec![window("2025-11-15", "2026-01-10")]);
        assert_eq!(peak.validate(), []);
        assert!(
            peak.contains("2025-11-15".parse().unwrap()) && !peak.contains("2026-01-10".parse().unwrap())
        );
        let turned = calendar(vec![window("2025-11-15", "2025-11-01")]).validate();
        assert_eq!(turned[0].0, "windows[1]");
        let both = calendar(vec![window("2025-11-01", "2025-12-01"), window("2025-11-15", "2026-01-01")]);
        assert_eq!(both.validate()[0].0, "windows[2]");
    }
}
