//! The demo's calendar: holidays, seasons, growth, and two storms.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Offset, TimeZone, Weekday};
use chrono_tz::Tz;

use super::dice::WHOLE;
use super::network::{Lane, Mode};
use crate::domain::calendar::BusinessCalendar;

/// Minutes of a day.
pub(super) const DAY: i64 = 1_440;
/// Day number of 1970-01-01 in chrono's count.
const EPOCH_DAY: i32 = 719_163;
/// Days on which nothing is picked up or delivered: month and day, year by year.
const HOLIDAYS: [(i32, u32, u32); 12] = [
    (2025, 5, 26),
    (2025, 7, 4),
    (2025, 9, 1),
    (2025, 11, 27),
    (2025, 12, 25),
    (2026, 1, 1),
    (2026, 5, 25),
    (2026, 7, 3),
    (2026, 9, 7),
    (2026, 11, 26),
    (2026, 12, 25),
    (2027, 1, 1),
];

/// Weather that stopped a region; misses in it were excused as force majeure where they were claimed.
pub(super) struct Storm {
    from: (i32, u32, u32),
    to: (i32, u32, u32),
    regions: &'static [&'static str],
    /// What the carriers gave as the reason.
    pub(super) reason: &'static str,
}

const STORMS: [Storm; 2] = [
    Storm { from: (2025, 9, 10), to: (2025, 9, 15), regions: &["Southeast", "South Central"], reason: "AO" },
    Storm { from: (2026, 1, 23), to: (2026, 1, 28), regions: &["Northeast", "Midwest"], reason: "BE" },
];

/// A calendar day; a date that does not exist becomes the first of 1970, which no test lets pass.
pub(super) fn date((year, month, day): (i32, u32, u32)) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// The storm over a region on a day, if any.
pub(super) fn storm(region: &str, day: NaiveDate) -> Option<&'static Storm> {
    STORMS
        .iter()
        .find(|storm| (date(storm.from)..=date(storm.to)).contains(&day) && storm.regions.contains(&region))
}

/// Days since 1970-01-01.
pub(super) fn day_number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce() - EPOCH_DAY)
}

/// A local time of day as minutes since 1970 in UTC. Uses the offset at noon: demo stops work by day.
pub(super) fn local(zone: Tz, day: NaiveDate, minute: i64) -> i64 {
    let noon = day.and_hms_opt(12, 0, 0).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&noon).fix().local_minus_utc();
    day_number(day) * DAY + minute - i64::from(offset / 60)
}

/// The carriers' working days: freight Monday to Friday, parcels and last mile Saturdays too.
pub(super) struct Calendars {
    freight: BusinessCalendar,
    parcel: BusinessCalendar,
}

impl Calendars {
    pub(super) fn new() -> Self {
        let holidays: BTreeSet<NaiveDate> = HOLIDAYS.into_iter().map(date).collect();
        let freight = BusinessCalendar::weekdays(holidays.iter().copied());
        let with_saturday =
            [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat];
        let parcel = BusinessCalendar::new(&with_saturday, holidays).unwrap_or_else(|_| freight.clone());
        Self { freight, parcel }
    }

    pub(super) fn of(&self, mode: Mode) -> &BusinessCalendar {
        match mode {
            Mode::Truckload | Mode::Ltl => &self.freight,
            Mode::Parcel | Mode::LastMile => &self.parcel,
        }
    }
}

/// Loads a lane wants in one week around `day`, in hundredths: level, growth and season.
pub(super) fn weekly_hundredths(lane: &Lane, day: NaiveDate, start: NaiveDate) -> i64 {
    let months: [i64; 12] = match lane.mode {
        Mode::Truckload => [94, 95, 100, 101, 104, 106, 100, 99, 102, 103, 101, 96],
        Mode::Ltl => [93, 95, 101, 102, 102, 103, 98, 100, 102, 104, 100, 92],
        Mode::Parcel => [88, 88, 93, 95, 96, 97, 98, 97, 98, 104, 136, 150],
        Mode::LastMile => [90, 90, 95, 97, 99, 100, 99, 98, 99, 105, 130, 138],
    };
    let season = usize::try_from(day.month0()).ok().and_then(|month| months.get(month)).unwrap_or(&100);
    let grown = WHOLE + lane.growth_bps_a_year * (day - start).num_days() / 365;
    lane.weekly * 100 * season / 100 * grown / WHOLE
}

/// The share of a week's loads that leave on a weekday, per ten thousand.
pub(super) fn weekday_share(mode: Mode, day: NaiveDate) -> i64 {
    let shares: [i64; 7] = match mode {
        Mode::Truckload | Mode::Ltl => [2_100, 2_050, 2_000, 2_000, 1_850, 0, 0],
        Mode::Parcel | Mode::LastMile => [2_000, 1_850, 1_800, 1_800, 1_850, 700, 0],
    };
    let place = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
    shares.get(place).copied().unwrap_or(0)
}

/// Fuel surcharge as a share of linehaul, per ten thousand: it moves with the month.
pub(super) fn fuel_bps(day: NaiveDate) -> i64 {
    const MONTHS: [i64; 12] =
        [1_860, 1_880, 1_950, 2_020, 2_060, 2_100, 2_120, 2_080, 2_010, 1_940, 1_900, 1_870];
    usize::try_from(day.month0()).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or(1_900)
}

/// Whether a day lies in the weeks before the end-of-year holidays, when everybody is late more often.
pub(super) fn is_peak(day: NaiveDate) -> bool {
    (day.month() == 11 && day.day() >= 20) || (day.month() == 12 && day.day() <= 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_date_exists_and_storms_stay_in_their_region() {
        assert!(HOLIDAYS.iter().all(|day| date(*day) > date((2025, 1, 1))));
        assert!(storm("Midwest", date((2026, 1, 25))).is_some());
        assert!(storm("West", date((2026, 1, 25))).is_none());
        assert!(STORMS.iter().all(|storm| date(storm.from) < date(storm.to)));
    }

    #[test]
    fn local_times_follow_the_zone_and_daylight_saving() {
        let chicago = chrono_tz::America::Chicago;
        let utc = |day| local(chicago, date(day), 8 * 60) % DAY;
        assert_eq!(utc((2026, 7, 7)), 13 * 60);
        assert_eq!(utc((2026, 1, 7)), 14 * 60);
    }
}
