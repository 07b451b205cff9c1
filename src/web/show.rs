//! How values are written on pages: real minus signs, grouped thousands, dates in words.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::domain::money::Micros;

/// The minus sign; a hyphen is shorter and breaks lines.
const MINUS: char = '\u{2212}';

/// Digits between separators.
const GROUP: usize = 3;

/// An amount with two decimals: `1,864.21`, `−60.00`. The currency stands beside it or in the column
/// head.
#[must_use]
pub fn money(amount: impl std::borrow::Borrow<Micros>) -> String {
    decimal(amount.borrow().decimal(), 2)
}

/// A rate with two to six decimals, as many as it has: `2.1375`.
#[must_use]
pub fn rate(amount: impl std::borrow::Borrow<Micros>) -> String {
    let value = amount.borrow().decimal().normalize();
    decimal(value, value.scale().max(2))
}

/// A number with this many decimals, rounded half away from zero.
#[must_use]
pub fn decimal(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let width = usize::try_from(places).unwrap_or(0);
    let digits = format!("{:.width$}", rounded.abs());
    let (whole, rest) =
        digits.split_once('.').map_or((digits.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let sign =
        if rounded.is_sign_negative() && !rounded.is_zero() { String::from(MINUS) } else { String::new() };
    let rest = rest.map_or_else(String::new, |rest| format!(".{rest}"));
    format!("{sign}{}{rest}", grouped(whole))
}

/// A count: `12,480`.
#[must_use]
pub fn count(number: i64) -> String {
    decimal(Decimal::from(number), 0)
}

/// A share between 0 and 1 as per cent with one decimal: `93.1 %`, with a space that does not break.
#[must_use]
pub fn percent(share: Decimal) -> String {
    format!("{}\u{a0}%", decimal(share.saturating_mul(Decimal::ONE_HUNDRED), 1))
}

fn grouped(digits: &str) -> String {
    let first = digits.len() % GROUP;
    let mut out = String::with_capacity(digits.len().saturating_add(digits.len() / GROUP));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % GROUP == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `8 July 2025`.
#[must_use]
pub fn day(day: NaiveDate) -> String {
    crate::domain::words::day(day)
}

/// `Tue 8 July 2025`.
#[must_use]
pub fn weekday(day: NaiveDate) -> String {
    day.format("%a %-d %B %Y").to_string()
}

/// `Tue 8 July`, for days within weeks of today.
#[must_use]
pub fn weekday_near(day: NaiveDate) -> String {
    day.format("%a %-d %B").to_string()
}

/// `Tuesday 8 July 2025`.
#[must_use]
pub fn weekday_long(day: NaiveDate) -> String {
    day.format("%A %-d %B %Y").to_string()
}

/// `2025-07-08 06:10:00 UTC`.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    crate::domain::words::instant(at, Tz::UTC)
}

/// The same to the minute and without the zone, under a heading that says it is UTC: `8 Jul 2025 06:10`.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y %H:%M").to_string()
}

/// An instant at a stop, with the zone's own name: `2 Jun 2026 10:57 CDT`; a date alone where no time was given.
#[must_use]
pub fn local(at: DateTime<Utc>, zone: Tz, date_only: bool) -> String {
    let there = at.with_timezone(&zone);
    if date_only {
        there.format("%-d %b %Y").to_string()
    } else {
        there.format("%-d %b %Y %H:%M %Z").to_string()
    }
}

/// The same without the year, for lists under a heading that names it: `2 Jun 10:57 CDT`.
#[must_use]
pub fn local_short(at: DateTime<Utc>, zone: Tz, date_only: bool) -> String {
    let there = at.with_timezone(&zone);
    if date_only { there.format("%-d %b").to_string() } else { there.format("%-d %b %H:%M %Z").to_string() }
}

/// A window without the year: `2 Jun 08:00 to 10:00 CDT`.
#[must_use]
pub fn window_short(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> String {
    let (from, to) = (start.with_timezone(&zone), end.with_timezone(&zone));
    let until = if from.date_naive() == to.date_naive() { "%H:%M %Z" } else { "%-d %b %H:%M %Z" };
    format!("{} to {}", from.format("%-d %b %H:%M"), to.format(until))
}

/// A window at a stop: `2 Jun 2026 08:00 to 10:00 CDT`.
#[must_use]
pub fn window(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> String {
    let (from, to) = (start.with_timezone(&zone), end.with_timezone(&zone));
    if from.date_naive() == to.date_naive() {
        return format!("{} to {}", from.format("%-d %b %Y %H:%M"), to.format("%H:%M %Z"));
    }
    format!("{} to {}", from.format("%-d %b %Y %H:%M"), to.format("%-d %b %Y %H:%M %Z"))
}

/// Whether a list writes its instants with their year: a page's heading names it, and a row of a file stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Year {
    /// In a heading above the list.
    Above,
    /// In each row.
    Told,
}

impl Year {
    /// [`local`] or [`local_short`].
    #[must_use]
    pub fn local(self, at: DateTime<Utc>, zone: Tz, date_only: bool) -> String {
        match self {
            Self::Above => local_short(at, zone, date_only),
            Self::Told => local(at, zone, date_only),
        }
    }

    /// [`window`] or [`window_short`].
    #[must_use]
    pub fn window(self, start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> String {
        match self {
            Self::Above => window_short(start, end, zone),
            Self::Told => window(start, end, zone),
        }
    }
}

/// Minutes as people say them: `42 min`, `3 h 05 min`, `2 days 4 h`.
#[must_use]
pub fn minutes(minutes: i64) -> String {
    const HOUR: i64 = 60;
    const DAY: i64 = 24 * HOUR;
    match minutes {
        m if m < HOUR => format!("{m} min"),
        m if m < DAY => format!("{} h {:02} min", m / HOUR, m % HOUR),
        m => format!("{} day{} {} h", m / DAY, if m / DAY == 1 { "" } else { "s" }, m % DAY / HOUR),
    }
}

/// The first digits of a fingerprint, enough to compare by eye; the whole stands beside it or in its title.
#[must_use]
pub fn fingerprint(whole: &str) -> &str {
    const SHOWN: usize = 12;
    whole.get(..SHOWN).unwrap_or(whole)
}

/// A name as one part of an address; a blank is `%20`, never `+`.
#[must_use]
pub fn path_part(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The page of a shipment, for the shipper's people.
#[must_use]
pub fn shipment_href(partner_id: i64, source: &str, reference: &str) -> String {
    shipment_under(&format!("/shipments/{partner_id}"), source, reference)
}

/// The page of a shipment in the portal.
#[must_use]
pub fn own_shipment_href(source: &str, reference: &str) -> String {
    shipment_under("/portal/shipments", source, reference)
}

/// The page of a shipment below the address under which shipments are.
#[must_use]
pub fn shipment_under(base: &str, source: &str, reference: &str) -> String {
    format!("{base}/{}/{}", path_part(source), path_part(reference))
}

/// `40 seconds`, `1 minute`, `3 minutes`: rounded up, so that the words never promise too much.
#[must_use]
pub fn duration_words(seconds: u64) -> String {
    let (number, unit) = if seconds < 60 { (seconds, "second") } else { (seconds.div_ceil(60), "minute") };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_decimals_grouped_thousands_and_a_real_minus() {
        assert_eq!(money(Micros(1_864_210_000)), "1,864.21");
        assert_eq!(money(Micros(-60_000_000)), "\u{2212}60.00");
        assert_eq!(money(Micros(-4_000)), "0.00", "nothing is not minus nothing");
        assert_eq!(money(Micros(123_456_789_005_000)), "123,456,789.01");
        assert_eq!(rate(Micros(2_137_500)), "2.1375");
        assert_eq!(rate(Micros(2_000_000)), "2.00");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(100), "100");
    }

    #[test]
    fn an_instant_in_a_file_has_its_year_and_both_ends_of_a_window_have() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (start, end) = (at("2025-12-31T22:00:00Z"), at("2026-01-01T02:00:00Z"));
        assert_eq!(Year::Told.local(end, Tz::UTC, false), "1 Jan 2026 02:00 UTC");
        assert_eq!(Year::Above.local(end, Tz::UTC, true), "1 Jan");
        assert_eq!(Year::Told.window(start, end, Tz::UTC), "31 Dec 2025 22:00 to 1 Jan 2026 02:00 UTC");
        assert_eq!(Year::Above.window(start, end, Tz::UTC), "31 Dec 22:00 to 1 Jan 02:00 UTC");
    }

    #[test]
    fn a_name_is_one_part_of_an_address() {
        assert_eq!(path_part("PO 7/8+9"), "PO%207%2F8%2B9");
    }

    #[test]
    fn waiting_is_told_in_words() {
        assert_eq!(duration_words(1), "1 second");
        assert_eq!(duration_words(61), "2 minutes");
    }
}
