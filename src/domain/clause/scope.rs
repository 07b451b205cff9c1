//! The part of a contract's work that a clause is about: lanes, sites, modes, services (DOMAIN §4.2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, require};
use crate::domain::geo::Place;

/// Most lanes, sites, modes or services that a clause names.
pub const SCOPE_NAMES_MAX: usize = 100;
/// Longest name of one, in characters.
const NAME_CHARS_MAX: usize = 120;

/// What a clause is about. An empty list is all of them; a fact must fit every list that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseScope {
    /// Lanes of the contract, by their codes: one lane or a group of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lanes: BTreeSet<String>,
    /// Docks, plants, stores, ports: where a load starts or ends, by the names feeds give them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<String>,
    /// Modes, as feeds give them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub modes: BTreeSet<String>,
    /// Service levels, as feeds give them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
}

impl ClauseScope {
    /// Whether it names nothing, and so holds all the contract's work.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.lanes.is_empty() && self.sites.is_empty() && self.modes.is_empty() && self.services.is_empty()
    }

    /// Whether a fact is in it. `lane` is the contract's lane that claims it, if one does; `ends` are where it starts and ends,
    /// and one of them at a site of the scope is enough.
    #[must_use]
    pub fn holds(&self, lane: Option<&str>, ends: [&Place; 2], (mode, service): (&str, &str)) -> bool {
        let named = |list: &BTreeSet<String>, name: &str| {
            list.is_empty() || list.iter().any(|one| one.eq_ignore_ascii_case(name.trim()))
        };
        let on_lane = self.lanes.is_empty() || lane.is_some_and(|lane| self.lanes.contains(lane));
        let is_site = |place: &Place| {
            let mut known = [&place.facility, &place.port].into_iter().filter(|name| !name.is_empty());
            known.any(|name| named(&self.sites, name))
        };
        let at_site = self.sites.is_empty() || ends.into_iter().any(is_site);
        on_lane && at_site && named(&self.modes, mode) && named(&self.services, service)
    }

    /// `lanes A, B; service Express`; empty for everything.
    #[must_use]
    pub fn words(&self) -> String {
        let list = |one: &str, many: &str, names: &BTreeSet<String>| {
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            match all.as_slice() {
                [] => None,
                [name] => Some(format!("{one} {name}")),
                all => Some(format!("{many} {}", all.join(", "))),
            }
        };
        let parts = [
            list("lane", "lanes", &self.lanes),
            list("site", "sites", &self.sites),
            list("mode", "modes", &self.modes),
            list("service", "services", &self.services),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    pub(super) fn validate(&self, e: &mut FieldErrors) {
        for (field, list) in [
            ("scope.lanes", &self.lanes),
            ("scope.sites", &self.sites),
            ("scope.modes", &self.modes),
            ("scope.services", &self.services),
        ] {
            require(e, list.len() <= SCOPE_NAMES_MAX, field, "name at most 100, or none for all of them");
            let fits = |name: &String| (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count());
            require(e, list.iter().all(fits), field, "each name has 1 to 120 characters");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_fact_must_fit_every_list_that_names_something() {
        let everything = ClauseScope::default();
        let nowhere = Place::default();
        let ends = [&nowhere, &nowhere];
        assert!(everything.holds(None, ends, ("", "")) && everything.words().is_empty());
        let scope = ClauseScope {
            lanes: names(&["L1", "L2"]),
            services: names(&["Express"]),
            ..ClauseScope::default()
        };
        assert!(scope.holds(Some("L1"), ends, ("TL", "express")));
        for (lane, service) in [(None, "Express"), (Some("L3"), "Express"), (Some("L1"), "Economy")] {
            assert!(!scope.holds(lane, ends, ("TL", service)), "{lane:?} {service}");
        }
        assert_eq!(scope.words(), "lanes L1, L2; service Express");
        let wrong = ClauseScope { modes: names(&[""]), ..ClauseScope::default() };
        let mut errors = FieldErrors::new();
        wrong.validate(&mut errors);
        assert_eq!(errors[0].0, "scope.modes");
    }

    #[test]
    fn a_load_is_at_a_site_where_it_starts_or_ends_there() {
        let scope = ClauseScope { sites: names(&["Columbus, OH", "USHOU"]), ..ClauseScope::default() };
        assert!(!scope.is_everything());
        assert_eq!(scope.words(), "sites Columbus, OH, USHOU");
        let facility = |name: &str| Place { facility: name.to_owned(), ..Place::default() };
        let (plant, other, nowhere) = (facility("columbus, oh"), facility("Dallas"), Place::default());
        let port = Place { port: "USHOU".to_owned(), ..Place::default() };
        for (ends, is_in) in [
            ([&plant, &other], true),
            ([&other, &plant], true),
            ([&other, &port], true),
            ([&other, &nowhere], false),
            ([&nowhere, &nowhere], false),
        ] {
            assert_eq!(scope.holds(None, ends, ("TL", "")), is_in, "{ends:?}");
        }
        let stored = serde_json::to_string(&ClauseScope::default()).unwrap();
        assert_eq!(stored, "{}", "a scope from before keeps its bytes");
    }
}
