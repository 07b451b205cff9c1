//! What happened to a whole area: a storm, a closed port, a network that stood still (DOMAIN §1.2, declared event).
//!
//! Every unit in its scope is taken out, successes included, so that a KPI is not made better than it was. A unit is one
//! stop of a shipment: the pickup by its origin and pickup day, the delivery by its destination and delivery day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::exclusion::{Decision, Refused, words_fit};
use super::field::{FieldErrors, codes, require};
use super::geo::{GeoSelector, Place};

/// Most days of one event; a longer one is several, or a change of the contract.
pub const EVENT_DAYS_MAX: i64 = 92;
/// Most places, modes or partners of one scope.
pub const SCOPE_PARTS_MAX: usize = 200;
/// Longest name.
pub const NAME_CHARS_MAX: usize = 120;
/// Most events kept; a safeguard, not a plan.
pub const EVENTS_MAX: i64 = 2_000;

codes! {
    /// What kind of event it is.
    EventKind, "kind of event" {
        /// Weather or disaster.
        Weather = "WEATHER", "weather or disaster";
        /// Unrest, war, a blockade.
        Civil = "CIVIL", "civil event";
        /// A strike.
        Strike = "STRIKE", "strike";
        /// A road, port, border or terminal that was closed.
        Closure = "CLOSURE", "closed road, port, border or terminal";
        /// A network or system that stood still.
        Outage = "OUTAGE", "network or system outage";
        /// Customs or another authority.
        Authority = "AUTHORITY", "customs or another authority";
    }
}

/// What an event covers. An empty list of modes or partners is all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Where.
    pub places: Vec<GeoSelector>,
    /// Which modes, as shipments name them.
    #[serde(default)]
    pub modes: Vec<String>,
    /// Which partners, by id.
    #[serde(default)]
    pub partners: Vec<i64>,
}

/// An event with its days and scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredEvent {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EventKind,
    /// First day, local at the stop.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// Where, how and whose.
    pub scope: Scope,
}

impl DeclaredEvent {
    /// Whether a stop at `place`, due on `day`, of a shipment of `partner_id` by `mode` is in scope.
    #[must_use]
    pub fn covers(&self, partner_id: i64, mode: &str, place: &Place, day: NaiveDate) -> bool {
        self.is_about(partner_id, mode) && self.first_day <= day && day <= self.last_day && self.is_at(place)
    }

    /// Whether it touches a journey between two places on any day from `from` to `until`.
    #[must_use]
    pub fn touches(
        &self,
        partner_id: i64,
        mode: &str,
        places: [&Place; 2],
        (from, until): (NaiveDate, NaiveDate),
    ) -> bool {
        self.is_about(partner_id, mode)
            && self.first_day <= until
            && from <= self.last_day
            && places.into_iter().any(|place| self.is_at(place))
    }

    /// Whether it is about shipments of this partner and mode at all.
    #[must_use]
    pub fn is_about(&self, partner_id: i64, mode: &str) -> bool {
        let scope = &self.scope;
        (scope.partners.is_empty() || scope.partners.contains(&partner_id))
            && (scope.modes.is_empty() || scope.modes.iter().any(|one| one.eq_ignore_ascii_case(mode.trim())))
    }

    fn is_at(&self, place: &Place) -> bool {
        self.scope.places.iter().any(|selector| selector.matches(place, &[]))
    }
}

/// Problems of an event that is to be declared, by form field.
#[must_use]
pub fn problems(
    name: &str,
    days: Option<(NaiveDate, NaiveDate)>,
    scope: &Scope,
    statement: &str,
) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let e = &mut errors;
    let fine = (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count());
    require(e, fine, "name", "give it a name of up to 120 characters, such as “Ice storm in Texas”");
    if let Some((first, last)) = days {
        require(e, first <= last, "last_day", "the last day must not lie before the first");
        let fine = last.signed_duration_since(first).num_days() < EVENT_DAYS_MAX;
        require(e, fine, "last_day", "an event has at most 92 days; declare a longer one in parts");
    }
    let fine = (1..=SCOPE_PARTS_MAX).contains(&scope.places.len());
    require(e, fine, "places", "name 1 to 200 places, one a line, or * for everywhere");
    require(e, scope.modes.len() <= SCOPE_PARTS_MAX, "modes", "name at most 200 modes");
    require(e, scope.partners.len() <= SCOPE_PARTS_MAX, "partners", "choose at most 200 partners");
    words_fit(e, "statement", statement, "say what happened and how you know");
    errors
}

/// The state after `decision`; `own` says that the person deciding declared the event. It is approved and withdrawn by a
/// second person: units come back as much as they go out.
///
/// # Errors
/// [`Refused`].
pub fn after(state: Option<Decision>, decision: Decision, own: bool) -> Result<Decision, Refused> {
    match (state, decision) {
        (Some(Decision::Denied | Decision::Withdrawn), _) => Err(Refused::Over),
        (Some(now), next) if now == next => Err(Refused::Decided(now)),
        // Who declared it may think better of it before anybody acted on it.
        (None, Decision::Withdrawn) if own => Ok(decision),
        _ if own => Err(Refused::OwnRequest),
        // To take it out of the world again is to withdraw it, not to deny it.
        (Some(_), _) => Ok(Decision::Withdrawn),
        (None, _) => Ok(decision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn storm() -> DeclaredEvent {
        DeclaredEvent {
            id: 1,
            name: "Ice storm".to_owned(),
            kind: EventKind::Weather,
            first_day: day("2025-02-10"),
            last_day: day("2025-02-12"),
            scope: Scope {
                places: vec!["US-TX".parse().unwrap(), "facility:Dock 7".parse().unwrap()],
                modes: vec!["LTL".to_owned()],
                partners: vec![7],
            },
        }
    }

    fn texas() -> Place {
        Place { state: "TX".to_owned(), country: "US".to_owned(), ..Place::default() }
    }

    #[test]
    fn a_unit_is_in_scope_by_place_day_mode_and_partner() {
        let storm = storm();
        assert!(storm.covers(7, "ltl", &texas(), day("2025-02-10")));
        assert!(storm.covers(7, "LTL", &texas(), day("2025-02-12")));
        for (partner, mode, place, on) in [
            (8, "LTL", texas(), "2025-02-10"),
            (7, "TL", texas(), "2025-02-10"),
            (7, "LTL", Place::default(), "2025-02-10"),
            (7, "LTL", texas(), "2025-02-09"),
            (7, "LTL", texas(), "2025-02-13"),
        ] {
            assert!(!storm.covers(partner, mode, &place, day(on)), "{partner} {mode} {on}");
        }
        let everywhere = DeclaredEvent {
            scope: Scope { places: vec![GeoSelector::Any], modes: vec![], partners: vec![] },
            ..storm
        };
        assert!(everywhere.covers(8, "", &Place::default(), day("2025-02-11")), "empty lists are all");
    }

    #[test]
    fn a_second_person_approves_and_withdraws() {
        assert_eq!(after(None, Decision::Approved, true), Err(Refused::OwnRequest));
        assert_eq!(after(None, Decision::Approved, false), Ok(Decision::Approved));
        assert_eq!(after(None, Decision::Withdrawn, true), Ok(Decision::Withdrawn));
        assert_eq!(after(Some(Decision::Approved), Decision::Withdrawn, true), Err(Refused::OwnRequest));
        assert_eq!(after(Some(Decision::Approved), Decision::Denied, false), Ok(Decision::Withdrawn));
        assert_eq!(after(Some(Decision::Withdrawn), Decision::Approved, false), Err(Refused::Over));
    }

    #[test]
    fn a_scope_without_place_or_with_a_season_of_days_is_refused() {
        let days = |first, last| Some((day(first), day(last)));
        let scope = storm().scope;
        assert_eq!(problems("Ice", days("2025-02-10", "2025-02-12"), &scope, "News of the day"), []);
        let none = Scope { places: vec![], ..scope.clone() };
        assert_eq!(problems("Ice", days("2025-02-10", "2025-02-12"), &none, "News")[0].0, "places");
        assert_eq!(problems("Ice", days("2025-02-12", "2025-02-10"), &scope, "News")[0].0, "last_day");
        assert_eq!(problems("Ice", days("2025-01-01", "2025-06-01"), &scope, "News")[0].0, "last_day");
    }
}
