//! Holidays of the shipper, which financial deadlines skip (DOMAIN §0.4). A deadline is counted by the list as it was before the
//! day it began, so that a change of the list moves no deadline that somebody was told.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::calendar::BusinessCalendar;

/// Days on one list: more than twenty years of them.
const DAYS_MAX: usize = 400;
/// Entries kept in all, with those that were taken off.
const ENTRIES_MAX: usize = 4_000;
/// Longest name of a holiday.
const NAME_CHARS_MAX: usize = 60;
/// The word for an empty list.
pub const NO_HOLIDAYS: &str = "none";

/// Why a list of holidays does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHolidays {
    /// An entry that is no day with a name.
    #[error(
        "`{0}` is no holiday; write a day and its name such as `2026-12-25 Christmas Day`, with a semicolon or a new line between two"
    )]
    Entry(String),
    /// A day twice.
    #[error("{0} is on the list twice; name it once")]
    Twice(NaiveDate),
    /// Too many.
    #[error("a list has at most {DAYS_MAX} days; leave out those that are over")]
    TooMany,
    /// Changed too often.
    #[error("the list was changed so often that {ENTRIES_MAX} entries are kept; it takes no more")]
    Full,
    /// What is stored is no list.
    #[error("what is stored is no list of holidays: {0}")]
    Stored(String),
}

/// A holiday, and while which days it was on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    /// The day.
    pub day: NaiveDate,
    /// What it is called.
    pub name: String,
    /// The day it was put on the list; deadlines that begin after it skip it.
    pub since: NaiveDate,
    /// The day it was taken off; deadlines that begin after it count it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl Holiday {
    fn was_known(&self, begun_on: NaiveDate) -> bool {
        self.since < begun_on && self.until.is_none_or(|until| begun_on <= until)
    }
}

/// The holidays as they are and were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays(Vec<Holiday>);

impl Holidays {
    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// [`BadHolidays::Stored`].
    pub fn from_json(stored: &str) -> Result<Self, BadHolidays> {
        serde_json::from_str(stored).map(Self).map_err(|error| BadHolidays::Stored(error.to_string()))
    }

    /// As it is stored.
    ///
    /// # Errors
    /// [`BadHolidays::Stored`], where it cannot be written.
    pub fn to_json(&self) -> Result<String, BadHolidays> {
        serde_json::to_string(&self.0).map_err(|error| BadHolidays::Stored(error.to_string()))
    }

    /// Monday to Friday, less the holidays that were on the list before `begun_on`: what a deadline that begins on that day is
    /// counted by, whatever becomes of the list.
    #[must_use]
    pub fn known_on(&self, begun_on: NaiveDate) -> BusinessCalendar {
        let known = self.0.iter().filter(|holiday| holiday.was_known(begun_on));
        BusinessCalendar::weekdays(known.map(|holiday| holiday.day))
    }

    /// The list after somebody wrote it anew on `today`. Nothing that was known is forgotten.
    ///
    /// # Errors
    /// [`BadHolidays::Full`].
    pub fn changed(
        mut self,
        wanted: &BTreeMap<NaiveDate, String>,
        today: NaiveDate,
    ) -> Result<Self, BadHolidays> {
        for holiday in self.0.iter_mut().filter(|holiday| holiday.until.is_none()) {
            if wanted.get(&holiday.day) != Some(&holiday.name) {
                holiday.until = Some(today);
            }
        }
        let stays = |day: NaiveDate| self.0.iter().any(|known| known.day == day && known.until.is_none());
        let new: Vec<Holiday> = wanted
            .iter()
            .filter(|(day, _)| !stays(**day))
            .map(|(day, name)| Holiday { day: *day, name: name.clone(), since: today, until: None })
            .collect();
        self.0.extend(new);
        if self.0.len() > ENTRIES_MAX { Err(BadHolidays::Full) } else { Ok(self) }
    }

    /// What is on the list now, by day.
    #[must_use]
    pub fn now(&self) -> Vec<&Holiday> {
        let on_it = self.0.iter().filter(|holiday| holiday.until.is_none());
        on_it.map(|holiday| (holiday.day, holiday)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The list as somebody writes it, `between` two: a semicolon, or a new line.
    #[must_use]
    pub fn written(&self, between: &str) -> String {
        let now = self.now();
        let days: Vec<String> =
            now.into_iter().map(|holiday| format!("{} {}", holiday.day, holiday.name)).collect();
        if days.is_empty() { NO_HOLIDAYS.to_owned() } else { days.join(between) }
    }

    /// The list in one line.
    #[must_use]
    pub fn words(&self) -> String {
        self.written("; ")
    }
}

/// Reads a list as somebody writes it, `2026-12-25 Christmas Day; 2027-01-01 New Year's Day` or one a line, or `none`.
///
/// # Errors
/// [`BadHolidays`], with the entry that does not read.
pub fn listed(text: &str) -> Result<BTreeMap<NaiveDate, String>, BadHolidays> {
    let mut days = BTreeMap::new();
    if text.trim() == NO_HOLIDAYS {
        return Ok(days);
    }
    for entry in text.split([';', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let bad = || BadHolidays::Entry(entry.chars().take(NAME_CHARS_MAX).collect());
        let (day, name) = entry.split_once(' ').ok_or_else(bad)?;
        let day: NaiveDate = day.parse().map_err(|_| bad())?;
        let name = name.trim();
        let fine =
            (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !fine {
            return Err(bad());
        }
        if days.insert(day, name.to_owned()).is_some() {
            return Err(BadHolidays::Twice(day));
        }
        if days.len() > DAYS_MAX {
            return Err(BadHolidays::TooMany);
        }
    }
    if days.is_empty() { Err(BadHolidays::Entry(text.trim().to_owned())) } else { Ok(days) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn with(list: Holidays, text: &str, today: &str) -> Holidays {
        list.changed(&listed(text).unwrap(), day(today)).unwrap()
    }

    #[test]
    fn a_deadline_over_a_holiday_moves_a_day() {
        // 15 business days from Monday 30 June 2025 end on 21 July; with the fourth of July off, on the 22nd.
        let none = Holidays::default();
        assert_eq!(none.known_on(day("2025-06-30")).add_bd(day("2025-06-30"), 15), day("2025-07-21"));
        let list = with(none, "2025-07-04 Independence Day", "2025-06-01");
        assert_eq!(list.known_on(day("2025-06-30")).add_bd(day("2025-06-30"), 15), day("2025-07-22"));
    }

    #[test]
    fn a_deadline_that_began_stays_what_it_was() {
        let by = |list: &Holidays, told: &str| list.known_on(day(told)).add_bd(day(told), 15).to_string();
        let before = with(Holidays::default(), "2025-07-04 Independence Day", "2025-06-01");
        let told = "2025-06-30";
        // Taken off, put on again, and one more, on the day and later: nobody's deadline moves.
        let off = with(before.clone(), "none", "2025-06-30");
        assert_eq!(by(&off, told), "2025-07-22", "never shorter");
        assert_eq!(
            by(&off, "2025-07-01"),
            "2025-07-22",
            "begins after the change: 4 July counts, 22 July is the 15th"
        );
        assert_eq!(by(&before, "2025-07-01"), "2025-07-23");
        let more = with(before, "2025-07-04 Independence Day; 2025-07-07 Works outing", "2025-06-30");
        assert_eq!(by(&more, told), "2025-07-22", "never longer either");
        assert_eq!(by(&more, "2025-07-01"), "2025-07-24");
        let again = with(off, "2025-07-04 Independence Day", "2025-07-02");
        assert_eq!((by(&again, told), by(&again, "2025-07-02")), ("2025-07-22".into(), "2025-07-23".into()));
        assert_eq!(by(&again, "2025-07-03"), "2025-07-25");
        assert_eq!(Holidays::from_json(&again.to_json().unwrap()), Ok(again));
    }

    #[test]
    fn a_list_reads_as_it_is_written() {
        let text = "2026-12-25 Christmas Day; 2027-01-01 New Year's Day";
        let list = with(Holidays::default(), &format!(" {text} ;"), "2026-11-30");
        assert_eq!(list.words(), text);
        let lines = list.written("\n");
        assert_eq!(lines, "2026-12-25 Christmas Day\n2027-01-01 New Year's Day");
        assert_eq!(listed(&format!("{lines}\r\n\r\n")), listed(text), "one a line, as a form sends it");
        assert_eq!(listed(&lines.replace('\n', "\r\n")), listed(text));
        assert_eq!(with(list.clone(), text, "2026-12-01"), list, "the same again changes nothing");
        let renamed = with(list, "2026-12-25 Christmas", "2026-12-01");
        assert_eq!(renamed.words(), "2026-12-25 Christmas");
        assert_eq!(renamed.now().iter().map(|one| one.since).collect::<Vec<_>>(), [day("2026-12-01")]);
        assert_eq!(with(renamed, "none", "2026-12-02").words(), "none");
        for (text, says) in [
            ("", "is no holiday"),
            ("Christmas", "`Christmas` is no holiday"),
            ("2026-12-25", "is no holiday"),
            ("2026-13-25 Christmas", "is no holiday"),
            ("2026-12-25 A; 2026-12-25 B", "2026-12-25 is on the list twice"),
            ("none; 2026-12-25 A", "`none` is no holiday"),
        ] {
            let told = listed(text).unwrap_err().to_string();
            assert!(told.contains(says), "{text}: {told}");
        }
    }
}
