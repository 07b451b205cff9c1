//! The part of a contract's work that a clause is about: lanes, modes, services (DOMAIN §4.2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, require};

/// Most lanes, modes or services that a clause names.
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
        self.lanes.is_empty() && self.modes.is_empty() && self.services.is_empty()
    }

    /// Whether a fact is in it. `lane` is the contract's lane that claims it, if one does.
    #[must_use]
    pub fn holds(&self, lane: Option<&str>, mode: &str, service: &str) -> bool {
        let named = |list: &BTreeSet<String>, name: &str| {
            list.is_empty() || list.iter().any(|one| one.eq_ignore_ascii_case(name.trim()))
        };
        let on_lane = self.lanes.is_empty() || lane.is_some_and(|lane| self.lanes.contains(lane));
        on_lane && named(&self.modes, mode) && named(&self.services, service)
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
            list("mode", "modes", &self.modes),
            list("service", "services", &self.services),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    pub(super) fn validate(&self, e: &mut FieldErrors) {
        for (field, list) in
            [("scope.lanes", &self.lanes), ("scope.modes", &self.modes), ("scope.services", &self.services)]
        {
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
        assert!(everything.holds(None, "", "") && everything.words().is_empty());
        let scope = ClauseScope {
            lanes: names(&["L1", "L2"]),
            services: names(&["Express"]),
            ..ClauseScope::default()
        };
        assert!(scope.holds(Some("L1"), "TL", "express"));
        for (lane, service) in [(None, "Express"), (Some("L3"), "Express"), (Some("L1"), "Economy")] {
            assert!(!scope.holds(lane, "TL", service), "{lane:?} {service}");
        }
        assert_eq!(scope.words(), "lanes L1, L2; service Express");
        let wrong = ClauseScope { modes: names(&[""]), ..ClauseScope::default() };
        let mut errors = FieldErrors::new();
        wrong.validate(&mut errors);
        assert_eq!(errors[0].0, "scope.modes");
    }
}
