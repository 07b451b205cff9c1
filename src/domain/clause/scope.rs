//! The part of a contract's work that a clause is about: lanes, sites, modes, services (DOMAIN §4.2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, require};
use crate::domain::geo::Place;
use crate::domain::words;

/// Most lanes, sites, modes or services that a clause names.
pub const SCOPE_NAMES_MAX: usize = 100;
/// Longest name of one, in characters.
const NAME_CHARS_MAX: usize = 120;
/// Most names that one sentence tells.
const NAMES_TOLD: usize = 8;

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

/// The names that facts gave so far, of what only facts can tell. Lanes are not among them: those of a scope are the contract's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesSeen {
    /// Where lanes start and end.
    pub sites: BTreeSet<String>,
    /// Modes of shipments and tenders.
    pub modes: BTreeSet<String>,
    /// Their service levels.
    pub services: BTreeSet<String>,
}

/// Whether a name of a scope is the one a fact gives: capitals make no difference.
fn is_named(ours: &str, given: &str) -> bool {
    ours.eq_ignore_ascii_case(given.trim())
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
            list.is_empty() || list.iter().any(|one| is_named(one, name))
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

    /// What it names that no fact has named so far, a sentence without its full stop for each list; empty when all is known. A name
    /// may be that of work to come, so none of it is wrong for certain.
    #[must_use]
    pub fn unseen(&self, seen: &NamesSeen) -> Vec<String> {
        let told = |(fact, one, ours, known): (&str, &str, &BTreeSet<String>, &BTreeSet<String>)| {
            let is_new = |ours: &&String| !known.iter().any(|given| is_named(ours, given));
            let names: Vec<&str> = ours.iter().filter(is_new).map(String::as_str).collect();
            let more = names.len().saturating_sub(NAMES_TOLD);
            let more = if more == 0 { String::new() } else { format!(" or {}", words::many(more, "other")) };
            let told = names.get(..NAMES_TOLD).unwrap_or(&names).join(" or ");
            (!names.is_empty()).then(|| format!("{fact} {one} {told}{more} so far"))
        };
        let lists = [
            ("no lane starts or ends at", "site", &self.sites, &seen.sites),
            ("no shipment or tender has", "mode", &self.modes, &seen.modes),
            ("no shipment or tender has", "service", &self.services, &seen.services),
        ];
        lists.into_iter().filter_map(told).collect()
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
    fn names_that_no_fact_has_named_are_told() {
        let seen = NamesSeen {
            sites: names(&["Columbus, OH", "USHOU"]),
            modes: names(&["TL"]),
            services: names(&[" express "]),
        };
        let known = ClauseScope {
            lanes: names(&["L9"]),
            sites: names(&["columbus, oh", "ushou"]),
            modes: names(&["tl"]),
            services: names(&["Express"]),
        };
        assert_eq!((known.unseen(&seen), ClauseScope::default().unseen(&seen)), (vec![], vec![]));
        let wrong = ClauseScope {
            sites: names(&["Columbus", "Dock 4", "USHOU"]),
            services: names(&["Expres"]),
            ..known.clone()
        };
        assert_eq!(
            wrong.unseen(&seen),
            [
                "no lane starts or ends at site Columbus or Dock 4 so far",
                "no shipment or tender has service Expres so far",
            ]
        );
        let nothing = NamesSeen::default();
        assert_eq!(
            known.unseen(&nothing).len(),
            3,
            "the contract's own lanes are not looked for among facts"
        );
        let many: Vec<String> = (10..20).map(|dock| format!("D{dock}")).collect();
        let many = ClauseScope { sites: many.into_iter().collect(), ..ClauseScope::default() };
        let all = "no lane starts or ends at site D10 or D11 or D12 or D13 or D14 or D15 or D16 or D17 or 2 others so far";
        assert_eq!(many.unseen(&nothing), [all]);
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
