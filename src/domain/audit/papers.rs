//! What the papers of a shipment say: the numbers by which others know it, and who pays its freight.
//!
//! A bill names its shipment by our reference, else by the carrier's PRO number, the bill of lading or the load and its stop,
//! tried in this order (DOMAIN §5, step 3). A number that several shipments carry is never guessed at.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Bill, BillKind, Known, NUMBER_CHARS_MAX, Named, number_key};
use crate::domain::field::codes;
use crate::domain::words;

/// Numbers of one kind that a shipment carries at most.
pub const NUMBERS_MAX: usize = 20;
/// Shipments that may share a number; one that more carry, such as `N/A`, tells nothing and is none.
pub const BEARERS_MAX: usize = 100;
/// Shipments that may share a number which is still followed when something of it changes: some more, so that one which has
/// just become too common is looked at again.
pub const FOLLOWED_MAX: usize = 10 * BEARERS_MAX;
/// Shipments that a finding lists at most of those that share a number.
const SHARED_SHOWN: usize = 5;

codes! {
    /// What a number is by which others know a shipment, in the order in which they are tried.
    NumberKind, "kind of number" {
        /// The carrier's own number of it.
        Pro = "PRO", "PRO number";
        /// The bill of lading.
        Bol = "BOL", "bill of lading";
        /// The load it is part of, at one of its stops.
        Load = "LOAD", "load";
    }
}

codes! {
    /// Who pays the freight.
    FreightTerms, "freight terms" {
        /// The shipper does.
        Prepaid = "PREPAID", "prepaid";
        /// The consignee does.
        Collect = "COLLECT", "collect";
        /// Somebody else does.
        ThirdParty = "THIRD_PARTY", "third party";
    }
}

/// A kind, and a number of it as numbers are compared.
pub type NumberKey = (NumberKind, String);

/// A number of a shipment as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// What it is.
    pub kind: NumberKind,
    /// As written.
    pub text: String,
    /// Of a load: the stop at which the shipment is delivered; none where it is the whole load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<i32>,
}

/// What the papers of a shipment say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Papers {
    /// Its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Number>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freight_terms: Option<FreightTerms>,
}

impl Papers {
    /// Whether they say nothing.
    #[must_use]
    pub fn are_blank(&self) -> bool {
        self.numbers.is_empty() && self.freight_terms.is_none()
    }

    /// Whether others say the same, in whatever order.
    #[must_use]
    pub fn say_as(&self, other: &Self) -> bool {
        self.freight_terms == other.freight_terms
            && self.numbers.len() == other.numbers.len()
            && self.numbers.iter().all(|number| other.numbers.contains(number))
    }

    /// The numbers as numbers are compared.
    pub fn keys(&self) -> impl Iterator<Item = NumberKey> {
        self.numbers.iter().map(|number| (number.kind, number_key(&number.text)))
    }
}

/// Reads a list of numbers separated by `|`; one that is written twice is one.
///
/// # Errors
/// Why they cannot be taken.
pub fn numbers_in(kind: NumberKind, text: &str) -> Result<Vec<Number>, String> {
    let mut found: BTreeMap<String, Number> = BTreeMap::new();
    for text in text.split('|').map(str::trim).filter(|text| !text.is_empty()) {
        let key = number_key(text);
        if key.is_empty() || text.chars().count() > NUMBER_CHARS_MAX {
            return Err(format!(
                "`{text}` is no number; it has letters or digits, and {NUMBER_CHARS_MAX} characters at most"
            ));
        }
        found.entry(key).or_insert_with(|| Number { kind, text: text.to_owned(), stop: None });
    }
    if found.len() > NUMBERS_MAX {
        return Err(format!("lists {} numbers; a shipment has up to {NUMBERS_MAX} of a kind", found.len()));
    }
    Ok(found.into_values().collect())
}

/// A shipment that carries a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bearer {
    /// Our reference of it.
    pub reference: String,
    /// Its stop of the load, where the number is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<i32>,
    /// Local day of its delivery, once it is reported.
    pub delivered_on: Option<NaiveDate>,
}

/// The shipments that carry each number, by kind and by the number as numbers are compared.
pub type Bearers = BTreeMap<NumberKind, BTreeMap<String, Vec<Bearer>>>;

/// A number that a line of a bill gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// What it is.
    pub kind: NumberKind,
    /// As written.
    pub number: &'a str,
    /// Of a load: the stop, where it is said.
    pub stop: Option<i32>,
}

impl Said<'_> {
    /// In words: `PRO number 4711`, `load L-8, stop 2`.
    #[must_use]
    pub fn words(&self) -> String {
        let stop = self.stop.map_or_else(String::new, |stop| format!(", stop {stop}"));
        format!("{} {}{stop}", self.kind.label(), self.number)
    }

    /// As numbers are compared; none where it has no letter or digit.
    #[must_use]
    pub fn key(&self) -> Option<NumberKey> {
        Some((self.kind, number_key(self.number))).filter(|(_, key)| !key.is_empty())
    }
}

/// The shipment a line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match<'a> {
    /// This one, by our reference or by the number.
    Shipment(&'a str, Option<Said<'a>>),
    /// One of several that carry the number, and nothing tells which.
    Shared(Said<'a>, Vec<&'a Bearer>),
    /// None that is known.
    Unknown,
}

impl Match<'_> {
    /// Our reference of the shipment.
    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Shipment(reference, _) => Some(reference),
            Self::Shared(..) | Self::Unknown => None,
        }
    }
}

/// Why a shared number leads to no shipment, in words.
pub(super) fn shared_words(said: Said<'_>, bearers: &[&Bearer]) -> String {
    let one = |bearer: &&Bearer| match bearer.delivered_on {
        Some(day) => format!("{} (delivered {})", bearer.reference, words::day(day)),
        None => format!("{} (not delivered yet)", bearer.reference),
    };
    let mut listed: Vec<String> = bearers.iter().take(SHARED_SHOWN).map(one).collect();
    let rest = bearers.len().saturating_sub(SHARED_SHOWN);
    listed.extend((rest > 0).then(|| format!("{rest} more")));
    let last = listed.pop().unwrap_or_default();
    format!(
        "{} is shared by {}, {} and {last}; nothing tells which of them is billed",
        said.words(),
        words::many(bearers.len(), "shipment"),
        listed.join(", ")
    )
}

/// The day as of which a bill means a shipment: that of the bill it corrects or credits, where that is among `all`.
pub(super) fn billed_on<'a>(bill: &Bill, all: impl Iterator<Item = &'a Bill>) -> NaiveDate {
    let Some(key) = bill.corrects.as_deref().map(number_key) else { return bill.issued_on };
    let originals = all.filter(|other| other.kind == BillKind::Original && number_key(&other.number) == key);
    originals.min_by_key(|other| other.order()).map_or(bill.issued_on, |original| original.issued_on)
}

/// The shipment that a line means on a bill of that day. Our own reference is one; a number that a single shipment carries
/// is one; of several it is the one that was delivered inside the billing window before the day, where just one was; else the
/// next number may tell them apart.
pub(super) fn matched<'a>(known: &'a Known, named: &'a Named, day: impl Fn() -> NaiveDate) -> Match<'a> {
    if let Some(own) = named.shipment.as_deref().and_then(|name| known.names.get(name)) {
        return Match::Shipment(own, None);
    }
    let mut shared: Option<(Said<'a>, Vec<&'a Bearer>)> = None;
    for said in named.said() {
        let is_among = |reference: &str| {
            shared.as_ref().is_none_or(|(_, bearers)| bearers.iter().any(|one| one.reference == reference))
        };
        let mut bearers = bearers(known, said);
        bearers.retain(|one| is_among(&one.reference));
        if bearers.is_empty() {
            // Some feeds give a shipment the number of its carrier as its own.
            if let Some(own) = known.names.get(said.number).filter(|own| is_among(own)) {
                return Match::Shipment(own, None);
            }
            continue;
        }
        if let Some(only) = only(&bearers, known.terms.window_days, &day) {
            return Match::Shipment(&only.reference, Some(said));
        }
        shared = Some((said, bearers));
    }
    shared.map_or(Match::Unknown, |(said, bearers)| Match::Shared(said, bearers))
}

/// Who carries a number; of a load those at the stop, else those that are the load as a whole.
fn bearers<'a>(known: &'a Known, said: Said<'_>) -> Vec<&'a Bearer> {
    // Most partners' shipments carry none, and a key is not made for nothing.
    let Some(of_kind) = known.numbers.get(&said.kind).filter(|numbers| !numbers.is_empty()) else {
        return Vec::new();
    };
    let all = said.key().and_then(|(_, key)| of_kind.get(&key)).map_or(&[][..], Vec::as_slice);
    let Some(stop) = said.stop else { return all.iter().collect() };
    let at = |stop: Option<i32>| all.iter().filter(move |one| one.stop == stop).collect::<Vec<_>>();
    let there = at(Some(stop));
    if there.is_empty() { at(None) } else { there }
}

fn only<'a>(bearers: &[&'a Bearer], window_days: i64, day: impl Fn() -> NaiveDate) -> Option<&'a Bearer> {
    if let [only] = bearers {
        return Some(only);
    }
    let day = day();
    let in_window =
        |delivered: NaiveDate| (0..=window_days).contains(&day.signed_duration_since(delivered).num_days());
    let mut found = bearers.iter().copied().filter(|one| one.delivered_on.is_some_and(in_window));
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
