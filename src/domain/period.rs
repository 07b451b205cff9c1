//! Reporting periods: half-open ranges of local days (DOMAIN §0.5).

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::field::codes;

codes! {
    /// How long a period is.
    PeriodKind, "kind of period" {
        /// ISO week, Monday to Sunday.
        Week = "WEEK", "week";
        /// Calendar month.
        Month = "MONTH", "month";
        /// Calendar quarter.
        Quarter = "QUARTER", "quarter";
        /// Calendar year.
        Year = "YEAR", "year";
    }
}

/// A week, month, quarter or year, written `2025-W26`, `2025-06`, `2025-Q2`, `2025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    kind: PeriodKind,
    start: NaiveDate,
}

/// What is wrong with the text of a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a period; write a week as 2025-W26, a month as 2025-06, a quarter as 2025-Q2 or a year as 2025"
)]
pub struct BadPeriod(pub String);

impl Period {
    /// The period of `kind` that holds `day`.
    #[must_use]
    pub fn containing(kind: PeriodKind, day: NaiveDate) -> Self {
        let start = match kind {
            PeriodKind::Week => day
                .checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))
                .unwrap_or(day),
            PeriodKind::Month => first_of_month(day, day.month()),
            PeriodKind::Quarter => first_of_month(day, (day.month0() / 3) * 3 + 1),
            PeriodKind::Year => first_of_month(day, 1),
        };
        Self { kind, start }
    }

    /// Monday of the week that holds `day`.
    #[must_use]
    pub fn monday(day: NaiveDate) -> NaiveDate {
        Self::containing(PeriodKind::Week, day).start()
    }

    /// Week, month, quarter or year.
    #[must_use]
    pub fn kind(self) -> PeriodKind {
        self.kind
    }

    /// First day, included.
    #[must_use]
    pub fn start(self) -> NaiveDate {
        self.start
    }

    /// First day after the period.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        match self.kind {
            PeriodKind::Week => self.start.checked_add_days(Days::new(7)),
            PeriodKind::Month => self.start.checked_add_months(Months::new(1)),
            PeriodKind::Quarter => self.start.checked_add_months(Months::new(3)),
            PeriodKind::Year => self.start.checked_add_months(Months::new(12)),
        }
        .unwrap_or(NaiveDate::MAX)
    }

    /// Last day, included.
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        self.end().pred_opt().unwrap_or(NaiveDate::MAX)
    }

    /// Whether `day` lies in the period.
    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.start <= day && day < self.end()
    }

    /// The period of the same kind just before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::containing(self.kind, self.start.pred_opt().unwrap_or(self.start))
    }

    /// The period of the same kind just after.
    #[must_use]
    pub fn next(self) -> Self {
        Self::containing(self.kind, self.end())
    }

    /// Its number in the year, as axes name it: `26` of `2025-W26`, `6` of `2025-06`, `2` of `2025-Q2`; the year itself.
    #[must_use]
    pub fn number(self) -> String {
        match self.kind {
            PeriodKind::Week => self.start.iso_week().week().to_string(),
            PeriodKind::Month => self.start.month().to_string(),
            PeriodKind::Quarter => (self.start.month0() / 3 + 1).to_string(),
            PeriodKind::Year => self.start.year().to_string(),
        }
    }

    /// `June 2025`, `Week 26 of 2025`, `Quarter 2 of 2025`, `2025`.
    #[must_use]
    pub fn title(self) -> String {
        match self.kind {
            PeriodKind::Week => {
                format!("Week {} of {}", self.start.iso_week().week(), self.start.iso_week().year())
            }
            PeriodKind::Month => self.start.format("%B %Y").to_string(),
            PeriodKind::Quarter => {
                format!("Quarter {} of {}", self.start.month0() / 3 + 1, self.start.year())
            }
            PeriodKind::Year => self.start.year().to_string(),
        }
    }
}

fn first_of_month(day: NaiveDate, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PeriodKind::Week => {
                write!(f, "{:04}-W{:02}", self.start.iso_week().year(), self.start.iso_week().week())
            }
            PeriodKind::Month => write!(f, "{}", self.start.format("%Y-%m")),
            PeriodKind::Quarter => write!(f, "{:04}-Q{}", self.start.year(), self.start.month0() / 3 + 1),
            PeriodKind::Year => write!(f, "{:04}", self.start.year()),
        }
    }
}

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let bad = || BadPeriod(text.to_owned());
        let (kind, start) = match text.split_once('-') {
            None => (PeriodKind::Year, text.parse().ok().and_then(|y| NaiveDate::from_ymd_opt(y, 1, 1))),
            Some((year, rest)) => {
                let year: i32 = year.parse().map_err(|_| bad())?;
                if let Some(week) = rest.strip_prefix('W') {
                    let start =
                        week.parse().ok().and_then(|w| NaiveDate::from_isoywd_opt(year, w, Weekday::Mon));
                    (PeriodKind::Week, start)
                } else if let Some(quarter) = rest.strip_prefix('Q') {
                    let month =
                        quarter.parse::<u32>().ok().filter(|q| (1..=4).contains(q)).map(|q| q * 3 - 2);
                    (PeriodKind::Quarter, month.and_then(|m| NaiveDate::from_ymd_opt(year, m, 1)))
                } else {
                    let month = rest.parse().ok().filter(|_| rest.len() == 2);
                    (PeriodKind::Month, month.and_then(|m| NaiveDate::from_ymd_opt(year, m, 1)))
                }
            }
        };
        let start = start.filter(|d| is_kept(*d)).ok_or_else(bad)?;
        Ok(Self { kind, start })
    }
}

/// Years that Lanemark keeps. What a feed dates outside of them is a slip, such as a two-digit year read as four.
pub const YEARS_KEPT: std::ops::RangeInclusive<i32> = 1900..=2200;

/// Whether a day is of [`YEARS_KEPT`].
#[must_use]
pub fn is_kept(day: NaiveDate) -> bool {
    YEARS_KEPT.contains(&day.year())
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_as_written() {
        for text in ["2025-W26", "2025-06", "2025-Q2", "2025", "2020-W53"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_period() {
        for text in ["2025-13", "2025-W54", "2025-Q5", "June", "2025-6", "0025"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_year_is_twelve_months_without_gap_or_overlap() {
        let mut month: Period = "2024-01".parse().unwrap();
        for _ in 0..12 {
            assert_eq!(month.end(), month.next().start());
            assert_eq!(month.next().previous(), month);
            month = month.next();
        }
        assert_eq!(month.to_string(), "2025-01");
    }
}
