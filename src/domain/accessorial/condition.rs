//! When a charge applies, as a small typed tree with a text form (DOMAIN §3.9).
//!
//! ```text
//! weight between 100 and 500 and pickup day in sat, sun
//! flag hazmat or (distance at least 300 and not service in economy, standard)
//! delivery time between 18:00 and 06:00        over midnight
//! pickup date between 11-15 and 01-10          a season, over the new year
//! pickup in calendar PEAK25                    dated windows the contract lists
//! origin at zone:NE and destination at "city:US-TX-Fort Worth"
//! ```

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDateTime, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::field::codes;
use crate::domain::geo::{GeoSelector, Place, Zone};
use crate::domain::money::Micros;
use crate::domain::service_level::SeasonCalendar;
use crate::domain::words;

/// Tests one condition may have.
pub const CONDITION_TESTS_MAX: usize = 32;
/// How deep brackets may nest.
pub const CONDITION_DEPTH_MAX: usize = 8;
/// Longest text of a condition.
pub const CONDITION_CHARS_MAX: usize = 1_000;

codes! {
    /// A measured fact, in the tariff's units.
    NumberFact, "measured fact" {
        /// Billed weight.
        Weight = "weight", "weight";
        /// Billed distance.
        Distance = "distance", "distance";
        /// Pieces.
        Pieces = "pieces", "pieces";
        /// Longest side of any piece.
        LongestSide = "longest_side", "longest side";
        /// Value of the goods.
        Value = "value", "value of the goods";
    }
}

codes! {
    /// A fact that is a word.
    WordFact, "worded fact" {
        /// Service level.
        Service = "service", "service";
        /// Equipment.
        Equipment = "equipment", "equipment";
    }
}

codes! {
    /// Which of a shipment's two moments.
    Moment, "moment" {
        /// The pickup, local.
        Pickup = "pickup", "pickup";
        /// The delivery, local.
        Delivery = "delivery", "delivery";
    }
}

codes! {
    /// Which end of a shipment.
    End, "end" {
        /// Where it starts.
        Origin = "origin", "origin";
        /// Where it goes.
        Destination = "destination", "destination";
    }
}

/// A month and day, in every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthDay {
    month: u32,
    day: u32,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// From the first to the second, both included; open where none is given.
    Number(NumberFact, Option<Micros>, Option<Micros>),
    /// One of the words.
    Word(WordFact, Vec<String>),
    /// On one of the days.
    Day(Moment, Vec<Weekday>),
    /// From the first to before the second; over midnight when the second is earlier.
    Time(Moment, NaiveTime, NaiveTime),
    /// From the first to the second, both included; over the new year when the second is earlier.
    Season(Moment, MonthDay, MonthDay),
    /// Inside a window of the calendar.
    Calendar(Moment, String),
    /// At one of the places.
    At(End, GeoSelector),
    /// The shipment carries the flag.
    Flag(String),
}

/// When a charge applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Every one holds.
    All(Vec<Condition>),
    /// One holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A single test.
    Test(Test),
}

/// What a condition looks at. An unknown fact satisfies no test.
#[derive(Clone, Copy, Debug)]
pub struct ConditionFacts<'a> {
    /// Billed weight.
    pub weight: Micros,
    /// Billed distance.
    pub distance: Option<Micros>,
    /// Pieces.
    pub pieces: u32,
    /// Longest side of any piece.
    pub longest_side: Option<Micros>,
    /// Value of the goods.
    pub value: Option<Micros>,
    /// Service level.
    pub service: &'a str,
    /// Equipment.
    pub equipment: &'a str,
    /// Local pickup.
    pub pickup: Option<NaiveDateTime>,
    /// Local delivery.
    pub delivery: Option<NaiveDateTime>,
    /// Where it starts.
    pub origin: &'a Place,
    /// Where it goes.
    pub destination: &'a Place,
    /// What it is flagged with.
    pub flags: &'a [String],
    /// The contract's zones.
    pub zones: &'a [Zone],
    /// The contract's calendars.
    pub calendars: &'a [SeasonCalendar],
}

impl ConditionFacts<'_> {
    fn moment(&self, moment: Moment) -> Option<NaiveDateTime> {
        match moment {
            Moment::Pickup => self.pickup,
            Moment::Delivery => self.delivery,
        }
    }

    fn number(&self, fact: NumberFact) -> Option<Micros> {
        match fact {
            NumberFact::Weight => Some(self.weight),
            NumberFact::Distance => self.distance,
            NumberFact::Pieces => Some(Micros(i64::from(self.pieces) * 1_000_000)),
            NumberFact::LongestSide => self.longest_side,
            NumberFact::Value => self.value,
        }
    }
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, facts: &ConditionFacts<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
            Self::Test(test) => test.holds(facts),
        }
    }

    /// Every calendar it names.
    pub fn calendars<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.calendars(found)),
            Self::Not(part) => part.calendars(found),
            Self::Test(Test::Calendar(_, name)) => found.push(name),
            Self::Test(_) => {}
        }
    }

    /// What is wrong with it, if anything: too many tests, too deep, bounds the wrong way round.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let (tests, depth) = self.size();
        if tests > CONDITION_TESTS_MAX || depth > CONDITION_DEPTH_MAX {
            return Some(
                "has more than 32 tests or more than 8 levels of brackets; split the charge".to_owned(),
            );
        }
        self.turned_around()
    }

    fn turned_around(&self) -> Option<String> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().find_map(Self::turned_around),
            Self::Not(part) => part.turned_around(),
            Self::Test(test @ Test::Number(_, Some(low), Some(high))) if low > high => {
                Some(format!("`{test}` can never hold; put the smaller number first"))
            }
            Self::Test(_) => None,
        }
    }

    fn size(&self) -> (usize, usize) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                let sizes = parts.iter().map(Self::size);
                let (tests, depth) = sizes.fold((0, 0), |(t, d), (u, e)| (t + u, d.max(e)));
                (tests, depth + 1)
            }
            Self::Not(part) => {
                let (tests, depth) = part.size();
                (tests, depth + 1)
            }
            Self::Test(_) => (1, 1),
        }
    }
}

impl Test {
    fn holds(&self, facts: &ConditionFacts<'_>) -> bool {
        match self {
            Self::Number(fact, low, high) => facts
                .number(*fact)
                .is_some_and(|n| low.is_none_or(|low| low <= n) && high.is_none_or(|high| n <= high)),
            Self::Word(WordFact::Service, words) => is_one_of(facts.service, words),
            Self::Word(WordFact::Equipment, words) => is_one_of(facts.equipment, words),
            Self::Day(moment, days) => facts.moment(*moment).is_some_and(|at| days.contains(&at.weekday())),
            Self::Time(moment, from, to) => {
                facts.moment(*moment).is_some_and(|at| wraps(*from, *to, at.time(), at.time() < *to))
            }
            Self::Season(moment, from, to) => facts.moment(*moment).is_some_and(|at| {
                let day = MonthDay { month: at.month(), day: at.day() };
                wraps(*from, *to, day, day <= *to)
            }),
            Self::Calendar(moment, name) => facts.moment(*moment).is_some_and(|at| {
                facts.calendars.iter().any(|c| c.code.eq_ignore_ascii_case(name) && c.contains(at.date()))
            }),
            Self::At(End::Origin, selector) => selector.matches(facts.origin, facts.zones),
            Self::At(End::Destination, selector) => selector.matches(facts.destination, facts.zones),
            Self::Flag(flag) => facts.flags.iter().any(|f| f.eq_ignore_ascii_case(flag)),
        }
    }
}

fn is_one_of(word: &str, words: &[String]) -> bool {
    words.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// Whether `at` lies in a span that may run over the end of the day or year.
fn wraps<T: Ord + Copy>(from: T, to: T, at: T, before_end: bool) -> bool {
    if from <= to { from <= at && before_end } else { from <= at || before_end }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |n: &Micros| words::quantity(*n).replace(',', "");
        let list = |words: &[String]| words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(", ");
        match self {
            Self::Number(fact, Some(low), Some(high)) => {
                write!(f, "{fact} between {} and {}", plain(low), plain(high))
            }
            Self::Number(fact, Some(low), None) => write!(f, "{fact} at least {}", plain(low)),
            Self::Number(fact, None, high) => {
                write!(f, "{fact} at most {}", high.as_ref().map_or_else(String::new, plain))
            }
            Self::Word(fact, words) => write!(f, "{fact} in {}", list(words)),
            Self::Day(moment, days) => {
                let days: Vec<_> = days.iter().map(|d| d.to_string().to_lowercase()).collect();
                write!(f, "{moment} day in {}", days.join(", "))
            }
            Self::Time(moment, from, to) => {
                write!(f, "{moment} time between {} and {}", from.format("%H:%M"), to.format("%H:%M"))
            }
            Self::Season(moment, from, to) => write!(f, "{moment} date between {from} and {to}"),
            Self::Calendar(moment, name) => write!(f, "{moment} in calendar {}", quoted(name)),
            Self::At(end, selector) => write!(f, "{end} at {}", quoted(&selector.to_string())),
            Self::Flag(flag) => write!(f, "flag {}", quoted(flag)),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "(),\"".contains(c));
    if plain { word.to_owned() } else { format!("\"{}\"", word.replace('"', "")) }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |parts: &[Condition], word: &str| {
            let texts = parts.iter().map(|part| match part {
                Self::All(_) | Self::Any(_) => format!("({part})"),
                Self::Not(_) | Self::Test(_) => part.to_string(),
            });
            texts.collect::<Vec<_>>().join(word)
        };
        match self {
            Self::All(parts) => f.write_str(&joined(parts, " and ")),
            Self::Any(parts) => f.write_str(&joined(parts, " or ")),
            Self::Not(part) => match part.as_ref() {
                Self::Test(test) => write!(f, "not {test}"),
                part => write!(f, "not ({part})"),
            },
            Self::Test(test) => test.fmt(f),
        }
    }
}

/// The text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition cannot be read at `{at}`: {wanted}")]
pub struct BadCondition {
    /// What stands where reading stopped; `the end` when nothing does.
    pub at: String,
    /// What would be understood there.
    pub wanted: &'static str,
}

impl FromStr for Condition {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Self, BadCondition> {
        if text.chars().count() > CONDITION_CHARS_MAX {
            return Err(BadCondition { at: "the end".to_owned(), wanted: "at most 1,000 characters" });
        }
        let mut reader = Reader { words: split(text), at: 0 };
        let condition = reader.either(0)?;
        if reader.peek().is_some() {
            return Err(reader.bad("`and`, `or` or the end"));
        }
        Ok(condition)
    }
}

/// Words, commas and brackets; a quoted word may hold any of them.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut in_quotes) = (String::new(), false);
    for c in text.chars() {
        match c {
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => word.push(c),
            '(' | ')' | ',' => {
                words
                    .extend([std::mem::take(&mut word), c.to_string()].into_iter().filter(|w| !w.is_empty()));
            }
            c if c.is_whitespace() => words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty())),
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|w| !w.is_empty()));
    words
}

struct Reader {
    words: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn bad(&self, wanted: &'static str) -> BadCondition {
        BadCondition { at: self.peek().unwrap_or("the end").to_owned(), wanted }
    }

    fn next(&mut self, wanted: &'static str) -> Result<String, BadCondition> {
        let word = self.peek().map(str::to_owned).ok_or_else(|| self.bad(wanted))?;
        self.at += 1;
        Ok(word)
    }

    fn take(&mut self, word: &str) -> bool {
        let hit = self.peek().is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, word: &str, wanted: &'static str) -> Result<(), BadCondition> {
        if self.take(word) { Ok(()) } else { Err(self.bad(wanted)) }
    }

    /// The next word as a value; the reader stays on it when it is none.
    fn value<T>(
        &mut self,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, BadCondition> {
        let value = self.peek().and_then(read).ok_or_else(|| self.bad(wanted))?;
        self.at += 1;
        Ok(value)
    }

    fn list<T>(
        &mut self,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, BadCondition> {
        let mut found = vec![self.value(wanted, &read)?];
        while self.take(",") {
            found.push(self.value(wanted, &read)?);
        }
        Ok(found)
    }

    fn either(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        let mut parts = vec![self.both(depth)?];
        while self.take("or") {
            parts.push(self.both(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn both(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        let mut parts = vec![self.single(depth)?];
        while self.take("and") {
            parts.push(self.single(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn single(&mut self, depth: usize) -> Result<Condition, BadCondition> {
        if depth > CONDITION_DEPTH_MAX {
            return Err(self.bad("fewer brackets"));
        }
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.either(depth + 1)?;
            self.expect(")", "`)`")?;
            return Ok(inner);
        }
        self.test().map(Condition::Test)
    }

    fn test(&mut self) -> Result<Test, BadCondition> {
        const FACTS: &str = "weight, distance, pieces, longest_side, value, service, equipment, pickup, delivery, origin, destination or flag";
        let word = self.peek().unwrap_or_default().to_ascii_lowercase();
        if let Ok(fact) = word.parse::<NumberFact>() {
            self.at += 1;
            return self.number(fact);
        }
        if let Ok(fact) = word.parse::<WordFact>() {
            self.at += 1;
            self.expect("in", "`in` and a list of words")?;
            return Ok(Test::Word(fact, self.list("a word", |w| Some(w.to_owned()))?));
        }
        if let Ok(moment) = word.parse::<Moment>() {
            self.at += 1;
            return self.when(moment);
        }
        if let Ok(end) = word.parse::<End>() {
            self.at += 1;
            self.expect("at", "`at` and a place")?;
            return Ok(Test::At(end, self.value("a place such as US-TX or zone:NE", |w| w.parse().ok())?));
        }
        self.expect("flag", FACTS)?;
        Ok(Test::Flag(self.next("the flag's name")?))
    }

    fn number(&mut self, fact: NumberFact) -> Result<Test, BadCondition> {
        let read = |word: &str| Micros::from_decimal(word.parse().ok()?).ok();
        if self.take("between") {
            let low = self.value("a number", read)?;
            self.expect("and", "`and` and the higher number")?;
            return Ok(Test::Number(fact, Some(low), Some(self.value("a number", read)?)));
        }
        self.expect("at", "`between`, `at least` or `at most`")?;
        if self.take("least") {
            return Ok(Test::Number(fact, Some(self.value("a number", read)?), None));
        }
        self.expect("most", "`least` or `most`")?;
        Ok(Test::Number(fact, None, Some(self.value("a number", read)?)))
    }

    fn when(&mut self, moment: Moment) -> Result<Test, BadCondition> {
        if self.take("day") {
            self.expect("in", "`in` and days such as sat, sun")?;
            return Ok(Test::Day(moment, self.list("a day such as sat", |w| w.parse().ok())?));
        }
        if self.take("time") {
            let read = |word: &str| NaiveTime::parse_from_str(word, "%H:%M").ok();
            let (from, to) = self.span("a time such as 18:00", read)?;
            return Ok(Test::Time(moment, from, to));
        }
        if self.take("date") {
            let (from, to) = self.span("a month and day such as 11-15", month_day)?;
            return Ok(Test::Season(moment, from, to));
        }
        self.expect("in", "`day in`, `time between`, `date between` or `in calendar`")?;
        self.expect("calendar", "`calendar` and its name")?;
        Ok(Test::Calendar(moment, self.next("the calendar's name")?))
    }

    fn span<T>(
        &mut self,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<(T, T), BadCondition> {
        self.expect("between", "`between`")?;
        let from = self.value(wanted, &read)?;
        self.expect("and", "`and`")?;
        Ok((from, self.value(wanted, &read)?))
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.len(), parts.pop()) {
        (1, Some(part)) => part,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn month_day(word: &str) -> Option<MonthDay> {
    let (month, day) = word.split_once('-')?;
    // A leap year, so that 29 February can be named.
    chrono::NaiveDate::from_ymd_opt(2024, month.parse().ok()?, day.parse().ok()?)
        .map(|day| MonthDay { month: day.month(), day: day.day() })
}

impl Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, flags: &[String]) -> bool {
        let place = Place { country: "US".to_owned(), state: "TX".to_owned(), ..Place::default() };
        let facts = ConditionFacts {
            weight: Micros(500_000_000),
            distance: None,
            pieces: 3,
            longest_side: Some(Micros(96_500_000)),
            value: None,
            service: "Express",
            equipment: "VAN",
            // A Saturday.
            pickup: "2025-01-04T19:30:00".parse().ok(),
            delivery: None,
            origin: &place,
            destination: &place,
            flags,
            zones: &[],
            calendars: &[],
        };
        text.parse::<Condition>().unwrap().holds(&facts)
    }

    #[test]
    fn every_kind_of_test_is_understood() {
        let flags = ["hazmat".to_owned()];
        for text in [
            "weight between 100 and 500",
            "pieces at least 3 and longest_side at most 96.5",
            "pickup day in sat, sun",
            "pickup time between 18:00 and 06:00",
            "pickup date between 11-15 and 01-10",
            "service in economy, express",
            "origin at US-TX and not destination at \"city:US-TX-Fort Worth\"",
            "flag hazmat or (flag frozen and weight at least 1)",
            "not (flag frozen or service in economy)",
        ] {
            assert!(holds(text, &flags), "{text}");
            let read: Condition = text.parse().unwrap();
            assert_eq!(read.to_string(), text, "prints as written");
        }
        for text in [
            "distance at most 5",
            "delivery day in sat",
            "pickup time between 06:00 and 19:30",
            "flag frozen",
        ] {
            assert!(!holds(text, &flags), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_pointed_at() {
        let bad = |text: &str| text.parse::<Condition>().unwrap_err();
        assert_eq!(bad("weight over 5").at, "over");
        assert_eq!(bad("pickup day in someday").at, "someday");
        assert_eq!(bad("(flag a").at, "the end");
        assert_eq!(bad("flag a flag b").at, "flag");
        assert_eq!(bad("").at, "the end");
        let turned: Condition = "weight between 500 and 100".parse().unwrap();
        assert!(turned.problem().is_some());
        assert!("(((((((((flag a)))))))))".parse::<Condition>().is_err(), "nine brackets");
    }
}
