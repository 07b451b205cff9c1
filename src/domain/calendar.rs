//! Business days: weekly open days less holidays (DOMAIN §0.4).

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

/// A calendar that is closed for longer than this is taken as open, so that a search always ends.
const MAX_CLOSED_DAYS: u32 = 366;

/// A named calendar of a location, a carrier or a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessCalendar {
    open: [bool; 7],
    holidays: BTreeSet<NaiveDate>,
}

/// The calendar would never open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a calendar needs at least one open day of the week; tick one")]
pub struct NeverOpen;

impl BusinessCalendar {
    /// Open on `open_days` each week, closed on `holidays`.
    ///
    /// # Errors
    /// [`NeverOpen`] without any open weekday.
    pub fn new(
        open_days: &[Weekday],
        holidays: impl IntoIterator<Item = NaiveDate>,
    ) -> Result<Self, NeverOpen> {
        let all = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        let open = all.map(|day| open_days.contains(&day));
        if !open.contains(&true) {
            return Err(NeverOpen);
        }
        Ok(Self { open, holidays: holidays.into_iter().collect() })
    }

    /// Monday to Friday, less `holidays`.
    #[must_use]
    pub fn weekdays(holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { open: [true, true, true, true, true, false, false], holidays: holidays.into_iter().collect() }
    }

    /// Whether `day` is a business day.
    #[must_use]
    pub fn is_open(&self, day: NaiveDate) -> bool {
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        self.open.get(weekday).copied().unwrap_or(false) && !self.holidays.contains(&day)
    }

    /// `day` itself if open, else the first business day after it.
    #[must_use]
    pub fn next_bd(&self, day: NaiveDate) -> NaiveDate {
        self.seek(day, NaiveDate::succ_opt)
    }

    /// `day` itself if open, else the last business day before it.
    #[must_use]
    pub fn previous_bd(&self, day: NaiveDate) -> NaiveDate {
        self.seek(day, NaiveDate::pred_opt)
    }

    /// The `n`-th business day after `day`; `day` itself is never counted.
    #[must_use]
    pub fn add_bd(&self, day: NaiveDate, n: u16) -> NaiveDate {
        (0..n).fold(day, |at, _| self.next_bd(at.succ_opt().unwrap_or(at)))
    }

    /// Business days after `due` up to and including `actual`: how many business days late. 0 when not late.
    #[must_use]
    pub fn business_days_late(&self, due: NaiveDate, actual: NaiveDate) -> u32 {
        let days = due.iter_days().skip(1).take_while(|day| *day <= actual);
        u32::try_from(days.filter(|day| self.is_open(*day)).count()).unwrap_or(u32::MAX)
    }

    /// The day a pickup counts as: after the cut-off it counts as the next day (DOMAIN §0.4).
    #[must_use]
    pub fn effective_pickup_day(&self, pickup_local: NaiveDateTime, cutoff: NaiveTime) -> NaiveDate {
        let day = pickup_local.date();
        let counted = if pickup_local.time() > cutoff {
            day.checked_add_days(Days::new(1)).unwrap_or(day)
        } else {
            day
        };
        self.next_bd(counted)
    }

    fn seek(&self, day: NaiveDate, step: fn(&NaiveDate) -> Option<NaiveDate>) -> NaiveDate {
        let mut at = day;
        for _ in 0..MAX_CLOSED_DAYS {
            if self.is_open(at) {
                break;
            }
            at = step(&at).unwrap_or(at);
        }
        at
    }
}

/// The day a delivery is due: transit on the carrier's calendar, then open at the consignee (DOMAIN §0.4).
#[must_use]
pub fn due_date(
    effective_pickup_day: NaiveDate,
    transit_business_days: u16,
    carrier: &BusinessCalendar,
    consignee: &BusinessCalendar,
) -> NaiveDate {
    consignee.next_bd(carrier.add_bd(effective_pickup_day, transit_business_days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn counts_late_business_days_and_walks_back() {
        let calendar = BusinessCalendar::weekdays([day("2025-07-04")]);
        assert_eq!(calendar.business_days_late(day("2025-07-03"), day("2025-07-07")), 1);
        assert_eq!(calendar.business_days_late(day("2025-07-03"), day("2025-07-06")), 0);
        assert_eq!(calendar.business_days_late(day("2025-07-03"), day("2025-07-01")), 0);
        assert_eq!(calendar.previous_bd(day("2025-07-06")), day("2025-07-03"));
        assert_eq!(calendar.add_bd(day("2025-07-03"), 0), day("2025-07-03"));
    }

    #[test]
    fn refuses_a_week_without_open_day() {
        assert_eq!(BusinessCalendar::new(&[], []), Err(NeverOpen));
    }
}
