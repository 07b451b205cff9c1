//! Reading answers: each reader notes what is wrong with its field and goes on, so that all of it is told at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{ANSWER_CHARS_MAX, Values};
use crate::domain::exact::{RoundMode, Rounding};
use crate::domain::field::FieldErrors;
use crate::domain::money::{Bps, MICROS_SCALE, Micros};

const NUMBER: &str = "write a number such as 1,250.00, with six decimals at most";
const SHARE: &str = "write a percentage such as 2.5, with two decimals at most";
const DAY: &str = "choose a day";

pub(super) struct Reader<'a> {
    values: &'a Values,
    errors: FieldErrors,
    /// The line each row of a list was on, counted from 1.
    rows: BTreeMap<&'static str, Vec<usize>>,
}

impl<'a> Reader<'a> {
    pub fn new(values: &'a Values) -> Self {
        Self { values, errors: FieldErrors::new(), rows: BTreeMap::new() }
    }

    pub fn value(&self, name: &str) -> &'a str {
        self.values.get(name).map_or("", |value| value.trim())
    }

    pub fn fail(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push((name.to_owned(), message.into()));
    }

    /// One line, which may be empty.
    pub fn text(&mut self, name: &str) -> String {
        let text = self.value(name);
        if text.chars().count() > ANSWER_CHARS_MAX {
            self.fail(name, format!("write at most {ANSWER_CHARS_MAX} characters"));
        }
        text.to_owned()
    }

    pub fn text_optional(&mut self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    fn with<T>(&mut self, name: &str, message: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(self.value(name));
        if value.is_none() {
            self.fail(name, message);
        }
        value
    }

    fn optional<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.value(name).is_empty() { None } else { read(self) }
    }

    pub fn number(&mut self, name: &str) -> Option<Micros> {
        self.with(name, NUMBER, number)
    }

    pub fn number_optional(&mut self, name: &str) -> Option<Micros> {
        self.optional(name, |this| this.number(name))
    }

    pub fn share(&mut self, name: &str) -> Option<Bps> {
        self.with(name, SHARE, share)
    }

    pub fn whole<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.with(name, "write a whole number; 0 for none", |text| text.replace(',', "").parse().ok())
    }

    pub fn whole_optional<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.optional(name, |this| this.whole(name))
    }

    pub fn day_optional(&mut self, name: &str) -> Option<NaiveDate> {
        self.optional(name, |this| this.with(name, DAY, |text| text.parse().ok()))
    }

    /// The day after the last one written.
    pub fn end_optional(&mut self, name: &str) -> Option<NaiveDate> {
        self.optional(name, |this| this.with(name, DAY, day_after))
    }

    /// One of a list that the page offers.
    pub fn choice<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.with(name, "choose from the list", |text| text.parse().ok())
    }

    pub fn choice_optional<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.optional(name, |this| this.choice(name))
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.with(name, "choose yes or no", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// A value whose own words say what is wrong with it.
    pub fn said<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.value(name).parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(name, error.to_string());
                None
            }
        }
    }

    pub fn said_optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.optional(name, |this| this.said(name))
    }

    /// One row a line; empty lines are passed over.
    pub fn lines<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let mut rows = Vec::new();
        let mut found = Vec::new();
        for (line, number) in self.value(name).lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            rows.push(number);
            match read(line) {
                Ok(row) => found.push(row),
                Err(message) => self.fail(name, format!("line {number}: {message}")),
            }
        }
        self.rows.insert(name, rows);
        found
    }

    /// Whether everything read so far.
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// Takes problems of the rules; `brackets[3]` is the third row of the field `brackets`.
    pub fn take(&mut self, problems: FieldErrors) {
        for (field, message) in problems {
            let row = field.split_once('[').and_then(|(name, rest)| {
                let number: usize = rest.split(']').next()?.parse().ok()?;
                let line = self.rows.get(name)?.get(number.checked_sub(1)?).copied().unwrap_or(number);
                Some((name.to_owned(), line))
            });
            match row {
                Some((name, line)) => self.fail(&name, format!("line {line}: {message}")),
                None => self.fail(&field, message),
            }
        }
    }

    /// What was read, unless something is wrong.
    pub fn end<T>(self, value: Option<T>) -> Result<T, FieldErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }
}

/// A number that millionths hold exactly; thousands separators and blanks are fine.
pub(super) fn number(text: &str) -> Option<Micros> {
    decimal(text)
        .filter(|value| value.normalize().scale() <= MICROS_SCALE)
        .and_then(|value| Micros::from_decimal(value).ok())
}

fn decimal(text: &str) -> Option<Decimal> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}')).collect();
    plain.replace('\u{2212}', "-").parse().ok()
}

/// A percentage as basis points; none when it is finer than that.
pub(super) fn share(text: &str) -> Option<Bps> {
    let value = decimal(text.trim_end_matches('%'))?.checked_mul(Decimal::ONE_HUNDRED)?;
    if value.fract().is_zero() { value.to_i64().map(Bps) } else { None }
}

/// As [`share`] reads it back.
pub(super) fn share_text(share: Bps) -> String {
    (share.fraction() * Decimal::ONE_HUNDRED).normalize().to_string()
}

pub(super) fn day_after(text: &str) -> Option<NaiveDate> {
    text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(1))
}

/// The last day before `end`.
pub(super) fn last_day(end: NaiveDate) -> String {
    end.checked_sub_days(Days::new(1)).unwrap_or(end).to_string()
}

/// `a – b`, `a to b`, `a - b`, or `a-b` where neither part has a dash itself.
pub(super) fn span(text: &str) -> Option<(&str, &str)> {
    let parts = ["–", "—", " to ", " - "].iter().find_map(|mark| text.split_once(mark));
    parts.or_else(|| text.split_once('-')).map(|(from, to)| (from.trim(), to.trim()))
}

/// `up 1`, `nearest 0.5`, `none`.
pub(super) fn rounding(text: &str) -> Option<Rounding> {
    if text.eq_ignore_ascii_case("none") {
        return Some(Rounding::NONE);
    }
    let (mode, step) = text.split_once(' ')?;
    let mode: RoundMode = mode.to_ascii_uppercase().parse().ok()?;
    Some(Rounding { mode, step: number(step)? })
}

/// As [`rounding`] reads it back.
pub(super) fn rounding_text(rounding: Rounding) -> String {
    format!("{} {}", rounding.mode.code().to_ascii_lowercase(), plain(rounding.step))
}

/// A number without separators and idle zeros.
#[must_use]
pub fn plain(value: Micros) -> String {
    value.decimal().normalize().to_string()
}

/// `15:30`, with seconds only where there are any.
pub(super) fn time_text(time: NaiveTime) -> String {
    let text = time.to_string();
    text.strip_suffix(":00").map_or(text.clone(), str::to_owned)
}
