//! One cell → one typed value: numbers, days, instants, zones. No allocation on the good path.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Utc,
};
use chrono_tz::Tz;
use hashbrown::HashMap;
use rust_decimal::Decimal;

use crate::domain::period::is_kept;
use crate::feeds::kind::Edge;

/// A point in time as a feed gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The instant.
    pub utc: DateTime<Utc>,
    /// The feed gave a day only; `utc` is then the last microsecond of that local day (the first for
    /// the start of a window).
    pub date_only: bool,
}

/// A date or time as written, before its zone is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A day.
    Day(NaiveDate),
    /// A local date and time.
    Local(NaiveDateTime),
    /// A date and time with its own offset.
    Utc(DateTime<Utc>),
}

impl Written {
    /// The day it is on.
    pub(super) fn date(self) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Local(local) => local.date(),
            Self::Utc(utc) => utc.date_naive(),
        }
    }

    /// Whether Lanemark keeps days of its year.
    pub(super) fn is_kept(self) -> bool {
        is_kept(self.date())
    }
}

/// Days per zone whose offset is remembered.
const REMEMBERED_DAYS: usize = 1_024;
/// Zone names that are remembered; there are about 600.
const MAX_ZONES: usize = 1_024;

/// A whole number; `12.0` is one, as workbooks write them so.
pub(super) fn integer(text: &str) -> Option<i64> {
    use rust_decimal::prelude::ToPrimitive;
    text.parse().ok().or_else(|| decimal(text).filter(|d| d.fract().is_zero()).and_then(|d| d.to_i64()))
}

/// An exact decimal: digits, one point, a sign. No grouping, no currency sign, no exponent: `1e5` is what a
/// spreadsheet leaves of a longer number, or a code such as `1E5` in the wrong column.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    // Up to 18 digits fit an i64, which is most cells and several times faster than the general way.
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, bytes),
    };
    if digits.len() <= 18 {
        let (mut value, mut scale, mut seen, mut point) = (0_i64, 0_u32, false, false);
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    value = value * 10 + i64::from(byte - b'0');
                    scale += u32::from(point);
                    seen = true;
                }
                b'.' if !point => point = true,
                _ => return wide_decimal(text),
            }
        }
        return seen.then(|| Decimal::new(if negative { -value } else { value }, scale));
    }
    wide_decimal(text)
}

fn wide_decimal(text: &str) -> Option<Decimal> {
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+')) {
        return None;
    }
    text.parse().ok()
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u32> {
    let digits: &[u8; N] = bytes.get(at..)?.first_chunk()?;
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(value)
}

/// `YYYY-MM-DD`, and `YYYY-MM-DD[T ]HH:MM[:SS[.fraction]][Z|±hh[:]mm]`.
#[inline]
pub(super) fn iso(text: &str) -> Option<Written> {
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let year = i32::try_from(number::<4>(bytes, 0)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number::<2>(bytes, 5)?, number::<2>(bytes, 8)?)?;
    match bytes.get(10) {
        None => return Some(Written::Day(day)),
        Some(b'T' | b' ' | b't') => {}
        Some(_) => return None,
    }
    let (time, rest) = iso_time(bytes.get(11..)?)?;
    let (time, next_day) = time;
    let day = if next_day { day.succ_opt()? } else { day };
    let local = day.and_time(time);
    match rest {
        [] => Some(Written::Local(local)),
        _ => local.checked_sub_signed(offset(rest)?).map(|utc| Written::Utc(utc.and_utc())),
    }
}

/// A time of day, whether it is 24:00 (midnight of the next day), and what follows it.
fn iso_time(bytes: &[u8]) -> Option<((NaiveTime, bool), &[u8])> {
    let hour = number::<2>(bytes, 0)?;
    let minute = number::<2>(bytes, 3).filter(|_| bytes.get(2) == Some(&b':'))?;
    let mut rest = bytes.get(5..)?;
    let (mut second, mut micro) = (0, 0);
    if rest.first() == Some(&b':') {
        second = number::<2>(rest, 1)?;
        rest = rest.get(3..)?;
        if let [b'.' | b',', fraction @ ..] = rest {
            let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            for place in 0..6 {
                let digit = fraction.get(place).filter(|_| place < length).map_or(0, |b| b - b'0');
                micro = micro * 10 + u32::from(digit);
            }
            rest = fraction.get(length..).filter(|_| length > 0)?;
        }
    }
    // A leap second is told as :60; it is counted as :59.
    let second = if second == 60 { 59 } else { second };
    if (hour, minute, second, micro) == (24, 0, 0, 0) {
        return Some(((NaiveTime::MIN, true), rest));
    }
    Some(((NaiveTime::from_hms_micro_opt(hour, minute, second, micro)?, false), rest))
}

/// `Z`, `+05:30`, `-0500`, `+05`; a blank before it is allowed.
fn offset(bytes: &[u8]) -> Option<TimeDelta> {
    let bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
    let sign = match bytes.first()? {
        b'Z' | b'z' if bytes.len() == 1 => return Some(TimeDelta::zero()),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number::<2>(bytes, 1)?;
    let minutes = match bytes.get(3..)? {
        [] => 0,
        [b':', rest @ ..] | rest if rest.len() == 2 => number::<2>(rest, 0)?,
        _ => return None,
    };
    (hours <= 15 && minutes < 60).then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// Date formats of a mapping, split once.
#[derive(Clone, Debug, Default)]
pub(super) struct DateFormats(Vec<DateFormat>);

#[derive(Clone, Debug)]
struct DateFormat {
    text: String,
    items: Vec<Item<'static>>,
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDate {
    /// It has none of the formats.
    Format,
    /// It reads, as a day of a year that nobody means.
    Year(i32),
}

impl DateFormats {
    /// Formats in the notation of `strftime`; the wrong one comes back.
    pub(super) fn new(formats: &[String]) -> Result<Self, String> {
        let split = |format: &String| {
            let items = StrftimeItems::new(format).parse_to_owned();
            let items = items.ok().filter(|items| !items.is_empty()).ok_or_else(|| format.clone())?;
            Ok(DateFormat { text: format.clone(), items })
        };
        formats.iter().map(split).collect::<Result<_, _>>().map(Self)
    }

    /// ISO first, then the formats in order; one that gives a year that nobody means is passed over.
    #[inline]
    pub(super) fn read(&self, text: &str) -> Result<Written, NoDate> {
        let mut wrong = NoDate::Format;
        let formats = self.0.iter().filter_map(|format| by_items(text, &format.items));
        for written in iso(text).into_iter().chain(formats) {
            if written.is_kept() {
                return Ok(written);
            }
            wrong = NoDate::Year(written.date().year());
        }
        Err(wrong)
    }

    /// What a text that is no date is told.
    pub(super) fn reason(&self, wrong: NoDate) -> String {
        match wrong {
            NoDate::Year(year) => format!("is a day of the year {year}; years from 1900 to 2200 are taken"),
            NoDate::Format if self.0.is_empty() => {
                "is not a date such as 2025-07-08, with a time 2025-07-08T06:00; where the file writes dates in another \
                 way, name it in `dates` of the mapping"
                    .to_owned()
            }
            NoDate::Format => {
                let named: Vec<&str> = self.0.iter().map(|format| format.text.as_str()).collect();
                format!(
                    "is not a date in a known format: 2025-07-08 with or without a time, or {} of the mapping; add \
                     another to `dates`",
                    named.join(", ")
                )
            }
        }
    }
}

fn by_items(text: &str, items: &[Item<'static>]) -> Option<Written> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    if let Ok(when) = parsed.to_datetime() {
        return Some(Written::Utc(when.with_timezone(&Utc)));
    }
    let day = parsed.to_naive_date().ok()?;
    Some(parsed.to_naive_time().map_or(Written::Day(day), |time| Written::Local(day.and_time(time))))
}

/// A zone known to a `ZoneBook`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneId(u16);

/// Zones met so far, and their offsets on the days met so far: looking a local time up in the zone
/// tables costs as much as reading five cells, and files hold few days many times.
#[derive(Debug, Default)]
pub(super) struct ZoneBook {
    by_name: HashMap<String, ZoneId>,
    zones: Vec<ZoneDays>,
    last: Option<(String, ZoneId)>,
}

#[derive(Debug)]
struct ZoneDays {
    zone: Tz,
    /// Seconds east of UTC on a whole local day; `None` seconds when they change during it.
    days: Vec<Option<(NaiveDate, Option<i32>)>>,
}

impl ZoneBook {
    /// The id of a zone name; `None` when there is no such zone.
    #[inline]
    pub(super) fn named(&mut self, name: &str) -> Option<ZoneId> {
        if let Some((last, id)) = &self.last
            && last == name
        {
            return Some(*id);
        }
        let id = match self.by_name.get(name) {
            Some(id) => *id,
            None => {
                let id = self.add(name.parse().ok()?)?;
                self.by_name.insert(name.to_owned(), id);
                id
            }
        };
        self.last = Some((name.to_owned(), id));
        Some(id)
    }

    /// The id of a zone.
    pub(super) fn add(&mut self, zone: Tz) -> Option<ZoneId> {
        let known = self.zones.iter().position(|known| known.zone == zone);
        if known.is_none() {
            if self.zones.len() >= MAX_ZONES {
                return None;
            }
            self.zones.push(ZoneDays { zone, days: vec![None; REMEMBERED_DAYS] });
        }
        u16::try_from(known.unwrap_or(self.zones.len() - 1)).ok().map(ZoneId)
    }

    /// The zone of an id.
    pub(super) fn zone(&self, id: ZoneId) -> Tz {
        self.zones.get(usize::from(id.0)).map_or(Tz::UTC, |known| known.zone)
    }

    /// A local time as UTC (DOMAIN §0.3).
    #[inline]
    pub(super) fn utc(&mut self, id: ZoneId, local: NaiveDateTime, edge: Edge) -> Option<DateTime<Utc>> {
        let days = self.zones.get_mut(usize::from(id.0))?;
        match days.offset_of_day(local.date()) {
            Some(seconds) => {
                local.checked_sub_signed(TimeDelta::seconds(i64::from(seconds))).map(|utc| utc.and_utc())
            }
            None => resolve(days.zone, local, edge),
        }
    }

    /// What a cell means in a zone.
    #[inline]
    pub(super) fn instant(
        &mut self,
        id: ZoneId,
        written: Written,
        edge: Edge,
        starts_day: bool,
    ) -> Option<Instant> {
        match written {
            Written::Utc(utc) => Some(Instant { utc, date_only: false }),
            Written::Local(local) => self.utc(id, local, edge).map(|utc| Instant { utc, date_only: false }),
            Written::Day(day) => {
                let (local, edge) = if starts_day {
                    (day.and_time(NaiveTime::MIN), Edge::Earlier)
                } else {
                    (day.and_hms_micro_opt(23, 59, 59, 999_999)?, Edge::Later)
                };
                self.utc(id, local, edge).map(|utc| Instant { utc, date_only: true })
            }
        }
    }
}

impl ZoneDays {
    fn offset_of_day(&mut self, day: NaiveDate) -> Option<i32> {
        let index = usize::try_from(day.num_days_from_ce()).unwrap_or(0) % REMEMBERED_DAYS;
        if let Some(Some((known, offset))) = self.days.get(index)
            && *known == day
        {
            return *offset;
        }
        // The day before and after are looked at too, so a jump at midnight is never missed.
        let around = [day.pred_opt()?, day, day.succ_opt()?];
        let zone = self.zone;
        let offsets = around.map(|d| {
            let found = zone.offset_from_local_datetime(&d.and_time(NaiveTime::MIN)).single();
            found.map(|offset| offset.fix().local_minus_utc())
        });
        let [before, start, end] = offsets;
        let same = if before == start && start == end { start } else { None };
        if let Some(slot) = self.days.get_mut(index) {
            *slot = Some((day, same));
        }
        same
    }
}

/// Twice-told times go by `edge`; a time that never was moves forward by the gap.
pub(super) fn resolve(zone: Tz, local: NaiveDateTime, edge: Edge) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(found) => Some(found.to_utc()),
        LocalResult::Ambiguous(first, second) => {
            Some(if edge == Edge::Earlier { first.min(second) } else { first.max(second) }.to_utc())
        }
        // With the offset from before the gap the instant lands as far after it as the clock jumped.
        LocalResult::None => {
            let before = zone.from_local_datetime(&local.checked_sub_days(Days::new(1))?).earliest()?;
            let offset = before.offset().fix();
            local.checked_sub_offset(offset).map(|utc| utc.and_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn reads_iso_in_all_its_lengths() {
        let day = NaiveDate::from_ymd_opt(2025, 3, 10).unwrap();
        assert_eq!(iso("2025-03-10"), Some(Written::Day(day)));
        assert_eq!(iso("2025-03-10 09:30"), Some(Written::Local(local("2025-03-10T09:30:00"))));
        assert_eq!(iso("2025-03-10T24:00"), Some(Written::Local(local("2025-03-11T00:00:00"))));
        for text in
            ["2025-03-10T09:30:00.25Z", "2025-03-10T15:00:00.250+05:30", "2025-03-10 04:30:00.25 -0500"]
        {
            assert_eq!(iso(text), Some(Written::Utc(utc("2025-03-10T09:30:00.25Z"))), "{text}");
        }
        for text in [
            "2025-02-30",
            "2025-3-10",
            "2025-03-10x",
            "2025-03-10T25:00",
            "2025-03-10T09:3",
            "",
            "2025-03-10T09:30+99",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn formats_are_tried_in_order() {
        let formats = DateFormats::new(&["%d-%b-%y".to_owned(), "%m/%d/%y %H:%M".to_owned()]).unwrap();
        assert_eq!(formats.read("02-Jun-06"), Ok(Written::Day(NaiveDate::from_ymd_opt(2006, 6, 2).unwrap())));
        assert_eq!(formats.read("6/2/06 17:05"), Ok(Written::Local(local("2006-06-02T17:05:00"))));
        assert_eq!(formats.read("Date Not Captured"), Err(NoDate::Format));
        assert_eq!(formats.read("0206-06-02"), Err(NoDate::Year(206)));
        let told = formats.reason(NoDate::Format);
        assert!(told.contains("%d-%b-%y, %m/%d/%y %H:%M") && !told.contains("1900"), "{told}");
        assert!(formats.reason(NoDate::Year(206)).contains("the year 206"));
        assert!(DateFormats::new(&["%Q".to_owned()]).is_err());
    }

    #[test]
    fn clock_changes_favour_the_carrier() {
        let mut book = ZoneBook::default();
        let chicago = book.named("America/Chicago").unwrap();
        let twice = local("2025-11-02T01:30:00");
        assert_eq!(book.utc(chicago, twice, Edge::Earlier), Some(utc("2025-11-02T06:30:00Z")));
        assert_eq!(book.utc(chicago, twice, Edge::Later), Some(utc("2025-11-02T07:30:00Z")));
        // 02:30 never was on 9 March; it is 03:30 CDT.
        assert_eq!(
            book.utc(chicago, local("2025-03-09T02:30:00"), Edge::Later),
            Some(utc("2025-03-09T08:30:00Z"))
        );
        assert!(book.named("Mars/Olympus").is_none());
    }

    #[test]
    fn remembered_offsets_agree_with_the_zone_tables() {
        let mut book = ZoneBook::default();
        for name in ["America/New_York", "Africa/Cairo", "Asia/Gaza", "Australia/Lord_Howe", "Pacific/Apia"] {
            let zone: Tz = name.parse().unwrap();
            let id = book.named(name).unwrap();
            let mut at = local("2011-12-01T00:30:00");
            while at < local("2014-06-01T00:00:00") {
                for edge in [Edge::Earlier, Edge::Later] {
                    assert_eq!(book.utc(id, at, edge), resolve(zone, at, edge), "{name} {at}");
                }
                at += TimeDelta::minutes(470);
            }
        }
    }

    #[test]
    fn a_day_alone_is_its_end_or_for_a_window_its_start() {
        let mut book = ZoneBook::default();
        let id = book.named("America/New_York").unwrap();
        let day = Written::Day(NaiveDate::from_ymd_opt(2025, 7, 1).unwrap());
        let end = book.instant(id, day, Edge::Earlier, false).unwrap();
        assert_eq!(end, Instant { utc: utc("2025-07-02T03:59:59.999999Z"), date_only: true });
        let start = book.instant(id, day, Edge::Earlier, true).unwrap();
        assert_eq!(start.utc, utc("2025-07-01T04:00:00Z"));
    }

    #[test]
    fn numbers_are_exact_and_strict() {
        assert_eq!(decimal("-12.50"), Some(Decimal::new(-1250, 2)));
        assert_eq!(decimal("123456789012345678.5").unwrap().to_string(), "123456789012345678.5");
        for text in [
            "1e5",
            "1.5E+3",
            "12345678901234567890e1",
            "",
            "-",
            ".",
            "1,000",
            "1_000",
            "$5",
            "NaN",
            "1.2.3",
            "0x10",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(integer("12.0"), Some(12));
        assert_eq!(integer("12.5"), None);
        assert_eq!(integer("1e3"), None);
    }
}
