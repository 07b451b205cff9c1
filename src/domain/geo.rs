//! Places and the selectors a lane names them by, from one dock to anywhere (DOMAIN §3.2).
//!
//! A selector has a readable text form, which is also how it is stored:
//! `facility:DC-1`, `port:USHOU`, `zip:75001` or `zip:US/75001`, `zip3:750` (any number of leading characters:
//! `zip2:DE/10`), `city:US-TX-Dallas`, `US-TX`, `zone:NE`, `US`, `*`. Case of ASCII letters never matters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::{FieldErrors, codes, require};

/// Longest part of a selector or place.
pub const PART_CHARS_MAX: usize = 60;
/// Members one zone may have.
pub const ZONE_MEMBERS_MAX: usize = 5_000;

codes! {
    /// How precisely a selector points; later is more precise.
    GeoLevel, "place level" {
        /// Anywhere.
        Any = "ANY", "anywhere";
        /// A country.
        Country = "COUNTRY", "country";
        /// A named zone or region.
        Zone = "ZONE", "zone";
        /// A state or province.
        State = "STATE", "state";
        /// A city.
        City = "CITY", "city";
        /// The leading characters of postcodes.
        Area = "AREA", "postcode area";
        /// A full postcode.
        Postcode = "POSTCODE", "postcode";
        /// One facility or port.
        Facility = "FACILITY", "facility";
    }
}

impl GeoLevel {
    /// 0 for anywhere to 7 for one facility; a lane's two are added.
    #[must_use]
    pub fn specificity(self) -> u8 {
        Self::ALL.iter().zip(0..).find(|(level, _)| **level == self).map_or(0, |(_, rank)| rank)
    }
}

/// Where a shipment starts or ends; what is unknown is left empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// Our name of the dock, plant or store.
    pub facility: String,
    /// Port or airport code.
    pub port: String,
    /// Full postcode.
    pub postcode: String,
    /// City.
    pub city: String,
    /// State or province, the part after the dash of ISO 3166-2.
    pub state: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// A zone the sender already knows the place to be in, beside those the contract lists it in.
    pub zone: String,
}

/// What one end of a lane accepts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GeoSelector {
    /// One facility.
    Facility(String),
    /// One port or airport.
    Port(String),
    /// A full postcode, of any country when none is given.
    Postcode(Option<String>, String),
    /// Leading characters of postcodes, of any country when none is given.
    Area(Option<String>, String),
    /// Country, state and city.
    City(String, String, String),
    /// Country and state.
    State(String, String),
    /// A zone the contract names.
    Zone(String),
    /// A country.
    Country(String),
    /// Anywhere.
    Any,
}

/// The text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no place; write one of facility:DC-1, port:USHOU, zip:75001, zip3:750, city:US-TX-Dallas, US-TX, zone:NE, US or *"
)]
pub struct BadSelector(pub String);

/// A zone or region by name, and what belongs to it. Zones are not nested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The name lanes use after `zone:`.
    pub name: String,
    /// What belongs to it.
    pub members: Vec<GeoSelector>,
}

impl Zone {
    /// Whether the place belongs to the zone.
    #[must_use]
    pub fn contains(&self, place: &Place) -> bool {
        same(&place.zone, &self.name) || self.members.iter().any(|member| member.matches(place, &[]))
    }

    /// Problems of the zone, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let fine = is_part(&self.name);
        require(&mut errors, fine, "name", "name the zone in up to 60 characters");
        let fine = (1..=ZONE_MEMBERS_MAX).contains(&self.members.len());
        require(&mut errors, fine, "members", "list between 1 and 5,000 places that belong to the zone");
        let fine = self.members.iter().all(|m| !matches!(m, GeoSelector::Zone(_) | GeoSelector::Any));
        require(&mut errors, fine, "members", "a zone holds places, not zones or `*`; list the places");
        errors
    }
}

/// Equal but for the case of ASCII letters; an empty part is unknown and equals nothing.
fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.eq_ignore_ascii_case(b)
}

fn starts(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn is_part(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= PART_CHARS_MAX && !text.chars().any(char::is_control)
}

impl GeoSelector {
    /// How precisely it points.
    #[must_use]
    pub const fn level(&self) -> GeoLevel {
        match self {
            Self::Facility(_) | Self::Port(_) => GeoLevel::Facility,
            Self::Postcode(..) => GeoLevel::Postcode,
            Self::Area(..) => GeoLevel::Area,
            Self::City(..) => GeoLevel::City,
            Self::State(..) => GeoLevel::State,
            Self::Zone(_) => GeoLevel::Zone,
            Self::Country(_) => GeoLevel::Country,
            Self::Any => GeoLevel::Any,
        }
    }

    /// Whether the place is one the selector accepts; `zones` are the contract's.
    #[must_use]
    pub fn matches(&self, place: &Place, zones: &[Zone]) -> bool {
        let country_fits = |wanted: &Option<String>| wanted.as_ref().is_none_or(|c| same(&place.country, c));
        match self {
            Self::Facility(name) => same(&place.facility, name),
            Self::Port(code) => same(&place.port, code),
            Self::Postcode(country, code) => same(&place.postcode, code) && country_fits(country),
            Self::Area(country, prefix) => starts(&place.postcode, prefix) && country_fits(country),
            Self::City(country, state, city) => {
                same(&place.city, city) && same(&place.state, state) && same(&place.country, country)
            }
            Self::State(country, state) => same(&place.state, state) && same(&place.country, country),
            Self::Zone(name) => {
                same(&place.zone, name)
                    || zones.iter().any(|zone| same(&zone.name, name) && zone.contains(place))
            }
            Self::Country(country) => same(&place.country, country),
            Self::Any => true,
        }
    }

    /// Whether one place could be accepted by both, where both are of the same level. The zones' own places
    /// are compared, so two zones that share one overlap.
    #[must_use]
    pub fn may_overlap(&self, other: &Self, zones: &[Zone]) -> bool {
        let country = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).is_none_or(|(a, b)| same(a, b))
        };
        match (self, other) {
            (Self::Any, Self::Any) => true,
            (Self::Facility(a), Self::Facility(b)) | (Self::Port(a), Self::Port(b)) => same(a, b),
            (Self::Country(a), Self::Country(b)) => same(a, b),
            (Self::Postcode(c, a), Self::Postcode(d, b)) => same(a, b) && country(c, d),
            (Self::Area(c, a), Self::Area(d, b)) => (starts(a, b) || starts(b, a)) && country(c, d),
            (Self::City(c, s, a), Self::City(d, t, b)) => same(a, b) && same(s, t) && same(c, d),
            (Self::State(c, a), Self::State(d, b)) => same(a, b) && same(c, d),
            (Self::Zone(a), Self::Zone(b)) => same(a, b) || zones_share(a, b, zones),
            _ => false,
        }
    }

    /// Whether some place is surely accepted by both, as far as the texts tell; each end brings the zones of its own
    /// contract. A state and a postcode may meet or not, which no text tells: that is not sure.
    #[must_use]
    pub fn surely_meets(&self, zones: &[Zone], other: &Self, of_other: &[Zone]) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Zone(a), Self::Zone(b)) if same(a, b) => true,
            (Self::Zone(name), _) => {
                members(name, zones).iter().any(|member| member.surely_meets(&[], other, of_other))
            }
            (_, Self::Zone(name)) => {
                members(name, of_other).iter().any(|member| self.surely_meets(zones, member, &[]))
            }
            _ => self.may_overlap(other, &[]) || self.holds(other) || other.holds(self),
        }
    }

    /// Fingerprints of the selector itself, and of everything the texts say it lies in, itself included. Two selectors
    /// that surely meet have one that lies in the other, so the first of one is among the second of the other.
    pub(crate) fn within(&self, zones: &[Zone]) -> (Vec<u64>, Vec<u64>) {
        let (mut own, mut around) = (vec![self.fingerprint()], vec![self.fingerprint()]);
        around.push(Self::Any.fingerprint());
        let country = |code: &str, around: &mut Vec<u64>| {
            around.push(Self::Country(code.to_owned()).fingerprint());
        };
        match self {
            Self::Facility(_) | Self::Port(_) | Self::Country(_) | Self::Any => {}
            Self::State(code, _) => country(code, &mut around),
            Self::City(code, state, _) => {
                around.push(Self::State(code.clone(), state.clone()).fingerprint());
                country(code, &mut around);
            }
            Self::Postcode(code, text) | Self::Area(code, text) => {
                let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
                around.extend(ends.filter_map(|end| text.get(..end)).map(|head| key(b'a', [head, "", ""])));
                if let Some(code) = code {
                    country(code, &mut around);
                }
            }
            Self::Zone(name) => {
                for member in members(name, zones) {
                    let (one, beyond) = member.within(&[]);
                    own.extend(one);
                    around.extend(beyond);
                }
            }
        }
        (own, around)
    }

    /// A fingerprint that equal selectors share, whatever their case. Different ones may share it too.
    #[must_use]
    pub(crate) fn fingerprint(&self) -> u64 {
        match self {
            Self::Facility(name) => key(b'f', [name, "", ""]),
            Self::Port(code) => key(b'p', [code, "", ""]),
            Self::Postcode(_, code) => key(b'z', [code, "", ""]),
            Self::Area(_, prefix) => key(b'a', [prefix, "", ""]),
            Self::City(country, state, city) => key(b'c', [country, state, city]),
            Self::State(country, state) => key(b's', [country, state, ""]),
            Self::Zone(name) => key(b'n', [name, "", ""]),
            Self::Country(country) => key(b'l', [country, "", ""]),
            Self::Any => key(b'*', ["", "", ""]),
        }
    }
}

/// FNV-1a over lower-cased bytes: short texts, no allocation, and every hit is checked by `matches`.
pub(crate) fn key(kind: u8, parts: [&str; 3]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    eat(kind);
    for part in parts {
        part.bytes().for_each(|byte| eat(byte.to_ascii_lowercase()));
        eat(0xff);
    }
    hash
}

fn members<'a>(name: &str, zones: &'a [Zone]) -> &'a [GeoSelector] {
    zones.iter().find(|zone| same(&zone.name, name)).map_or(&[][..], |zone| &zone.members)
}

fn zones_share(a: &str, b: &str, zones: &[Zone]) -> bool {
    let of_b = members(b, zones);
    members(a, zones).iter().any(|x| of_b.iter().any(|y| x.may_overlap(y, &[]) || x.holds(y) || y.holds(x)))
}

impl GeoSelector {
    /// Whether it surely holds a more precise selector, as far as the text tells: a state holds its cities.
    fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Country(a), Self::State(b, _) | Self::City(b, ..)) => same(a, b),
            (Self::Country(a), Self::Postcode(Some(b), _) | Self::Area(Some(b), _)) => same(a, b),
            (Self::State(c, s), Self::City(d, t, _)) => same(c, d) && same(s, t),
            (Self::Area(c, a), Self::Postcode(d, b)) => {
                starts(b, a) && c.as_ref().zip(d.as_ref()).is_none_or(|(c, d)| same(c, d))
            }
            _ => false,
        }
    }
}

impl GeoSelector {
    /// The selector as people say it: `Columbus, OH`, `postcode 75001 (US)`, `anywhere`. Its stored form is its `Display`.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |country: &Option<String>| country.as_ref().map_or(String::new(), |c| format!(" ({c})"));
        match self {
            Self::Facility(name) => name.clone(),
            Self::Port(code) => format!("port {code}"),
            Self::Postcode(country, code) => format!("postcode {code}{}", of(country)),
            Self::Area(country, prefix) => format!("postcodes {prefix}…{}", of(country)),
            Self::City(country, state, city) => format!("{city}, {country}-{state}"),
            Self::State(..) | Self::Country(_) => self.to_string(),
            Self::Zone(name) => format!("zone {name}"),
            Self::Any => "anywhere".to_owned(),
        }
    }
}

impl fmt::Display for GeoSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = |country: &Option<String>| country.as_ref().map_or(String::new(), |c| format!("{c}/"));
        match self {
            Self::Facility(name) => write!(f, "facility:{name}"),
            Self::Port(code) => write!(f, "port:{code}"),
            Self::Postcode(country, code) => write!(f, "zip:{}{code}", slash(country)),
            Self::Area(country, prefix) => {
                write!(f, "zip{}:{}{prefix}", prefix.chars().count(), slash(country))
            }
            Self::City(country, state, city) => write!(f, "city:{country}-{state}-{city}"),
            Self::State(country, state) => write!(f, "{country}-{state}"),
            Self::Zone(name) => write!(f, "zone:{name}"),
            Self::Country(country) => f.write_str(country),
            Self::Any => f.write_str("*"),
        }
    }
}

impl FromStr for GeoSelector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, BadSelector> {
        parse(text.trim()).ok_or_else(|| BadSelector(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<GeoSelector> {
    if text == "*" {
        return Some(GeoSelector::Any);
    }
    let Some((kind, rest)) = text.split_once(':') else {
        return parse_region(text);
    };
    let rest = rest.trim();
    if !is_part(rest) {
        return None;
    }
    match kind.trim().to_ascii_lowercase().as_str() {
        "facility" => Some(GeoSelector::Facility(rest.to_owned())),
        "port" => Some(GeoSelector::Port(rest.to_ascii_uppercase())),
        "zone" => Some(GeoSelector::Zone(rest.to_owned())),
        "city" => {
            let mut parts = rest.splitn(3, '-');
            let (country, state, city) =
                (country(parts.next()?)?, state(parts.next()?)?, parts.next()?.trim());
            is_part(city).then(|| GeoSelector::City(country, state, city.to_owned()))
        }
        kind => {
            let length = kind.strip_prefix("zip")?;
            let (of, code) = match rest.split_once('/') {
                Some((of, code)) => (Some(country(of)?), code.trim()),
                None => (None, rest),
            };
            let code = Some(code.to_ascii_uppercase()).filter(|code| is_part(code))?;
            match length {
                "" => Some(GeoSelector::Postcode(of, code)),
                n => (n.parse() == Ok(code.chars().count())).then_some(GeoSelector::Area(of, code)),
            }
        }
    }
}

fn parse_region(text: &str) -> Option<GeoSelector> {
    match text.split_once('-') {
        Some((of, part)) => Some(GeoSelector::State(country(of)?, state(part)?)),
        None => Some(GeoSelector::Country(country(text)?)),
    }
}

fn country(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 2 && text.chars().all(|c| c.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

fn state(text: &str) -> Option<String> {
    let text = text.trim();
    let fine = (1..=3).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
    fine.then(|| text.to_ascii_uppercase())
}

impl Serialize for GeoSelector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GeoSelector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Place {
    /// The most precise thing known, then the region: `75001 Dallas, US-TX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = [&self.facility, &self.port, &self.postcode].into_iter().find(|part| !part.is_empty());
        let head: Vec<&str> =
            first.into_iter().chain([&self.city]).map(String::as_str).filter(|p| !p.is_empty()).collect();
        let tail: Vec<&str> =
            [&self.country, &self.state].into_iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        let parts = [head.join(" "), tail.join("-")];
        let known: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        match (known.is_empty(), self.zone.is_empty()) {
            (true, true) => f.write_str("an unknown place"),
            (true, false) => write!(f, "zone {}", self.zone),
            _ => f.write_str(&known.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_has_words() {
        for (text, words) in [
            ("facility:Columbus, OH", "Columbus, OH"),
            ("zip:US/75001", "postcode 75001 (US)"),
            ("zip2:DE/10", "postcodes 10… (DE)"),
            ("city:US-TX-Dallas", "Dallas, US-TX"),
            ("US-TX", "US-TX"),
            ("zone:NE", "zone NE"),
            ("*", "anywhere"),
        ] {
            assert_eq!(text.parse::<GeoSelector>().unwrap().words(), words);
        }
    }

    fn dallas() -> Place {
        Place {
            postcode: "75001".to_owned(),
            city: "Dallas".to_owned(),
            state: "TX".to_owned(),
            country: "US".to_owned(),
            ..Place::default()
        }
    }

    #[test]
    fn every_form_reads_back_as_written_and_knows_its_place() {
        let forms = [
            ("facility:DC-1", false),
            ("port:USHOU", false),
            ("zip:75001", true),
            ("zip:US/75001", true),
            ("zip3:750", true),
            ("zip2:DE/75", false),
            ("city:US-TX-Dallas", true),
            ("US-TX", true),
            ("US-40", false),
            ("zone:SOUTH", true),
            ("US", true),
            ("*", true),
        ];
        let zones = [Zone { name: "south".to_owned(), members: vec!["US-TX".parse().unwrap()] }];
        for (text, holds) in forms {
            let selector: GeoSelector = text.parse().unwrap();
            assert_eq!(selector.to_string(), text);
            assert_eq!(selector.matches(&dallas(), &zones), holds, "{text}");
        }
        for text in ["", "zip3:75", "zip:", "USA", "city:US-Dallas", "moon:1", "US-TEXAS", "zip3:US/"] {
            assert!(text.parse::<GeoSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn precision_has_one_order() {
        let order =
            ["*", "US", "zone:A", "US-TX", "city:US-TX-Dallas", "zip3:750", "zip:75001", "facility:A"];
        let ranks: Vec<u8> =
            order.iter().map(|t| t.parse::<GeoSelector>().unwrap().level().specificity()).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn places_that_surely_meet_are_told_from_those_that_may() {
        let zone = |name: &str, members: &[&str]| Zone {
            name: name.to_owned(),
            members: members.iter().map(|member| member.parse().unwrap()).collect(),
        };
        let (ours, theirs) = ([zone("A", &["zip3:US/750", "US-OK"])], [zone("B", &["zip:75001"])]);
        let meet = |a: &str, b: &str| {
            let (a, b): (GeoSelector, GeoSelector) = (a.parse().unwrap(), b.parse().unwrap());
            let found = a.surely_meets(&ours, &b, &theirs);
            let ((own, around), (of_b, around_b)) = (a.within(&ours), b.within(&theirs));
            let seen =
                own.iter().any(|key| around_b.contains(key)) || of_b.iter().any(|key| around.contains(key));
            assert!(seen || !found, "the look-up would miss {a} and {b}");
            found
        };
        for (a, b) in [
            ("*", "facility:DC-1"),
            ("US", "US-TX"),
            ("US-TX", "city:US-TX-Dallas"),
            ("zip3:750", "zip:US/75001"),
            ("zip2:US/75", "zip3:750"),
            ("US", "zip:US/75001"),
            ("zone:A", "zone:B"),
            ("zone:A", "city:US-OK-Tulsa"),
            ("zip:75001", "zone:B"),
            ("facility:dc-1", "facility:DC-1"),
        ] {
            assert!(meet(a, b), "{a} and {b}");
        }
        for (a, b) in [
            ("US-TX", "US-OK"),
            ("zip3:750", "zip3:751"),
            ("zip:DE/75001", "zip3:US/750"),
            ("US-TX", "zip:75001"),
            ("facility:DC-1", "US"),
            ("zone:A", "US-TX"),
            ("zone:A", "zone:C"),
        ] {
            assert!(!meet(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn overlap_is_seen_through_prefixes_and_zones() {
        let s = |text: &str| text.parse::<GeoSelector>().unwrap();
        let zone = |name: &str, member: &str| Zone { name: name.to_owned(), members: vec![s(member)] };
        let zones = [zone("A", "US-TX"), zone("B", "city:US-TX-Dallas"), zone("C", "US-OK")];
        assert!(s("zip3:750").may_overlap(&s("zip2:75"), &zones));
        assert!(!s("zip3:750").may_overlap(&s("zip3:751"), &zones));
        assert!(s("zone:A").may_overlap(&s("zone:B"), &zones));
        assert!(!s("zone:A").may_overlap(&s("zone:C"), &zones));
        assert_eq!(s("zone:A").fingerprint(), s("zone:a").fingerprint());
    }
}
