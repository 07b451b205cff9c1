//! Numbers as people read them in explanations: `186,420.55`, `2.5 %`, `1 day`.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};

use super::money::{Bps, Micros};

/// A lane as people call it: `Joliet IL to Gary IN`, or its code where one of the two is not known.
#[must_use]
pub fn lane(code: &str, origin: &str, destination: &str) -> String {
    if origin.is_empty() || destination.is_empty() {
        code.to_owned()
    } else {
        format!("{origin} to {destination}")
    }
}

/// The amount with thousands separators and two places or more: `186,420.55`.
#[must_use]
pub fn amount(value: Micros) -> String {
    micros(value, 2)
}

/// The quantity without trailing zeros: `1,412.5` kilograms.
#[must_use]
pub fn quantity(value: Micros) -> String {
    micros(value, 0)
}

/// The decimals up to the last that says something, `places` at least.
fn micros(value: Micros, places: usize) -> String {
    // Seven digits, so that one stands before the point.
    let digits = format!("{:07}", value.0.unsigned_abs());
    let (whole, decimals) = digits.split_at_checked(digits.len().saturating_sub(6)).unwrap_or_default();
    let kept = decimals.trim_end_matches('0').len().max(places);
    let mut out = String::with_capacity(digits.len().saturating_mul(2));
    if value.0 < 0 {
        out.push('-');
    }
    push_grouped(&mut out, whole);
    if kept > 0 {
        out.push('.');
        out.push_str(decimals.get(..kept).unwrap_or_default());
    }
    out
}

/// The number without trailing zeros: `95`, `0.5`.
#[must_use]
pub fn number(value: Decimal) -> String {
    group(&value.normalize().to_string())
}

/// The number with exactly `places` decimals, half away from zero: `0.83`.
#[must_use]
pub fn fixed(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let width = usize::try_from(places).unwrap_or(0);
    group(&format!("{rounded:.width$}"))
}

/// The share as a percentage: `2.5 %`.
#[must_use]
pub fn percent(share: Bps) -> String {
    format!("{} %", number(share.fraction() * Decimal::ONE_HUNDRED))
}

/// `8 July 2025`.
#[must_use]
pub fn day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// `2026-07-08 06:00:00 UTC`, `2026-07-08 01:00:00 CDT`: no instant is shown without its zone.
#[must_use]
pub fn instant(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `1 day`, `3 days`, `2 entries`; for words whose plural takes an s.
#[must_use]
pub fn count(n: impl Into<i64>, noun: &str) -> String {
    let n = n.into();
    let plural = match noun.strip_suffix('y') {
        _ if n == 1 => noun.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", figure(n))
}

/// A count as people read it: `43,107`.
#[must_use]
pub fn figure(n: impl TryInto<i64>) -> String {
    group(&n.try_into().unwrap_or(i64::MAX).to_string())
}

/// As [`count`], for a number of any kind.
#[must_use]
pub fn many(n: impl TryInto<i64>, noun: &str) -> String {
    count(n.try_into().unwrap_or(i64::MAX), noun)
}

/// Puts a comma between groups of three digits before the decimal point.
#[must_use]
pub fn group(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, tail) = rest.split_once('.').map_or((rest, None), |(whole, tail)| (whole, Some(tail)));
    let mut out = String::from(sign);
    push_grouped(&mut out, whole);
    if let Some(tail) = tail {
        out.push('.');
        out.push_str(tail);
    }
    out
}

fn push_grouped(out: &mut String, whole: &str) {
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_written_by_a_person() {
        assert_eq!(amount(Micros(186_420_550_000)), "186,420.55");
        assert_eq!(amount(Micros(-1_000_000_000)), "-1,000.00");
        assert_eq!(amount(Micros(999_000_000)), "999.00");
        assert_eq!(percent(Bps(250)), "2.5 %");
        assert_eq!(fixed(Decimal::new(825_243, 6), 2), "0.83");
        let at = "2026-07-08T06:00:00Z".parse().unwrap();
        assert_eq!(instant(at, Tz::UTC), "2026-07-08 06:00:00 UTC");
        assert_eq!(instant(at, Tz::America__Chicago), "2026-07-08 01:00:00 CDT");
        assert_eq!(
            (count(1, "entry"), count(2, "entry"), figure(43_107_usize)),
            ("1 entry".to_owned(), "2 entries".to_owned(), "43,107".to_owned())
        );
        assert_eq!((count(1, "day"), count(1412, "day")), ("1 day".to_owned(), "1,412 days".to_owned()));
    }

    #[test]
    fn millionths_read_as_the_decimal_they_are() {
        for value in [0, 1, -1, 10, 999_999, 1_000_000, -1_500_000, 1_234_567_890, i64::MAX, i64::MIN] {
            let value = Micros(value);
            assert_eq!(quantity(value), number(value.decimal()));
            assert_eq!(amount(value), group(&value.to_string()));
        }
    }
}
