//! Lines of a template that count a part of a partner's work: a service, a mode, the lanes of a group or to a region.
//!
//! A scope is named once in the template, `WEST`, and a line counts by it as `OTD_WIN@WEST`. What can be a scope follows from
//! what is summed: days by service and mode, and months by lane and service. Everything else is refused with its reason.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::template::{TITLE_CHARS_MAX, Template, is_code};
use crate::domain::kpi::Kpi;

/// Most scopes of a template.
pub const SCOPES_MAX: usize = 20;
/// Most lanes that a scope names one by one.
pub const SCOPE_LANES_MAX: usize = 100;
/// Most regions of a scope.
pub const SCOPE_REGIONS_MAX: usize = 20;
/// Longest name of a lane, region, service or mode in a scope, in characters.
pub const SCOPE_TEXT_CHARS_MAX: usize = 120;
/// Stands between the KPI and its scope in the code of a line.
const MARK: char = '@';

/// A part of a partner's work, as a template names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What lines call it: capitals, digits and underscores.
    pub code: String,
    /// Name for people, such as `lanes of group West`.
    pub title: String,
    /// Only this service level, as feeds give it; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Only this mode; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Lanes that end in these regions; they add to the lanes named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    /// Lanes by their codes: a group.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lanes: BTreeSet<String>,
}

/// The KPI of a line: what stands before the mark, or all of it.
#[must_use]
pub fn kpi_part(code: &str) -> &str {
    code.split_once(MARK).map_or(code, |(kpi, _)| kpi)
}

/// The scope of a line; none for a line that counts everything.
#[must_use]
pub fn scope_part(code: &str) -> Option<&str> {
    code.split_once(MARK).map(|(_, scope)| scope)
}

/// The code of a line: `OTD_WIN`, or `OTD_WIN@WEST` within a scope.
#[must_use]
pub fn line_code(kpi: &str, scope: &str) -> String {
    if scope.is_empty() { kpi.to_owned() } else { format!("{kpi}{MARK}{scope}") }
}

impl Scope {
    /// Whether it counts by lanes, which are summed by month.
    #[must_use]
    pub fn is_by_lane(&self) -> bool {
        !self.lanes.is_empty() || !self.regions.is_empty()
    }

    /// The lanes it holds, of `lanes` as id, code and region of the destination.
    #[must_use]
    pub fn lane_ids<'a>(&self, lanes: impl IntoIterator<Item = (i64, &'a str, &'a str)>) -> BTreeSet<i64> {
        let held = |code: &str, region: &str| self.lanes.contains(code) || self.regions.contains(region);
        lanes.into_iter().filter(|(_, code, region)| held(code, region)).map(|(id, ..)| id).collect()
    }

    /// Whether a fact of a service and mode is in it, its lane apart.
    #[must_use]
    pub fn is_of(&self, service: &str, mode: &str) -> bool {
        (self.service.is_empty() || self.service == service) && (self.mode.is_empty() || self.mode == mode)
    }

    /// `service Express, lanes A, B, region West`: what it counts.
    #[must_use]
    pub fn words(&self) -> String {
        let list = |what: &str, many: &str, names: &BTreeSet<String>| {
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            match all.as_slice() {
                [] => String::new(),
                [one] => format!("{what} {one}"),
                all => format!("{many} {}", all.join(", ")),
            }
        };
        let parts = [
            if self.service.is_empty() { String::new() } else { format!("service {}", self.service) },
            if self.mode.is_empty() { String::new() } else { format!("mode {}", self.mode) },
            list("lane", "lanes", &self.lanes),
            list("lanes to region", "lanes to regions", &self.regions),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// Why it cannot count, in words; nothing when it can.
    fn problems(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !is_code(&self.code) {
            wrong.push("give it a code of capitals, digits and underscores, such as WEST".to_owned());
        }
        if !(1..=TITLE_CHARS_MAX).contains(&self.title.trim().chars().count()) {
            wrong.push(format!("give it a name of 1 to {TITLE_CHARS_MAX} characters"));
        }
        if !self.is_by_lane() && self.service.is_empty() && self.mode.is_empty() {
            wrong.push("name a service, a mode, lanes or regions; without any it is everything".to_owned());
        }
        if self.is_by_lane() && !self.mode.is_empty() {
            wrong.push(
                "lanes are summed by month and service, not by mode, so a mode cannot be told apart there; \
                 leave the mode out or the lanes and regions"
                    .to_owned(),
            );
        }
        if self.lanes.len() > SCOPE_LANES_MAX || self.regions.len() > SCOPE_REGIONS_MAX {
            wrong.push(format!(
                "it can name {SCOPE_LANES_MAX} lanes and {SCOPE_REGIONS_MAX} regions at most; a region holds all lanes to it"
            ));
        }
        let texts = self.lanes.iter().chain(&self.regions).chain([&self.service, &self.mode]);
        if texts.map(|text| text.chars().count()).any(|count| count > SCOPE_TEXT_CHARS_MAX) {
            wrong.push(format!("a name in it has {SCOPE_TEXT_CHARS_MAX} characters at most"));
        }
        wrong
    }
}

impl Template {
    /// A scope by its code.
    #[must_use]
    pub fn scope(&self, code: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.code == code)
    }

    /// What is wrong with its scopes and with the lines that count by them: the code it is about, and why.
    pub(super) fn scope_problems(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let told = |code: &str| code.chars().take(super::template::CODE_CHARS_MAX).collect::<String>();
        if self.scopes.len() > SCOPES_MAX {
            wrong.push(("scopes".to_owned(), format!("a template has {SCOPES_MAX} at most")));
            return wrong;
        }
        let used: BTreeSet<&str> = self.kpis().filter_map(|line| scope_part(&line.code)).collect();
        let mut seen = BTreeSet::new();
        for scope in &self.scopes {
            wrong.extend(scope.problems().into_iter().map(|why| (told(&scope.code), why)));
            if !seen.insert(scope.code.as_str()) {
                wrong.push((told(&scope.code), "appears more than once".to_owned()));
            }
            if !used.contains(scope.code.as_str()) {
                wrong.push((told(&scope.code), "no line counts by it; use it or leave it out".to_owned()));
            }
        }
        for line in self.kpis() {
            let Some(scope) = scope_part(&line.code) else { continue };
            let kpi = kpi_part(&line.code);
            if !seen.contains(scope) {
                wrong.push((
                    kpi.to_owned(),
                    format!("counts by {}, which is no scope of the template", told(scope)),
                ));
            }
            if !Kpi::ALL.into_iter().any(|known| known.code() == kpi) {
                wrong.push((
                    kpi.to_owned(),
                    "an own KPI is computed from the sums of all the partner's work that the scorecard holds, \
                     so it cannot count by a scope"
                        .to_owned(),
                ));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::default_template;
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn west() -> Scope {
        Scope {
            code: "WEST".to_owned(),
            title: "lanes of group West".to_owned(),
            lanes: names(&["A-B"]),
            regions: names(&["Pacific"]),
            ..Scope::default()
        }
    }

    fn with(scope: Scope, line: &str) -> Vec<String> {
        let mut template = default_template();
        template.scopes = vec![scope];
        line.clone_into(&mut template.categories[0].kpis[0].code);
        template.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_counts_by_a_scope_that_can_be_summed() {
        assert!(with(west(), "OTP_WIN@WEST").is_empty());
        let express =
            Scope { lanes: BTreeSet::new(), regions: BTreeSet::new(), service: "Express".into(), ..west() };
        assert!(with(Scope { mode: "LTL".into(), ..express.clone() }, "OTP_WIN@WEST").is_empty());
        assert!(with(Scope { service: "Express".into(), ..west() }, "OTP_WIN@WEST").is_empty());
        let told = |scope: Scope, line: &str| with(scope, line).join(" | ");
        assert!(told(Scope { mode: "LTL".into(), ..west() }, "OTP_WIN@WEST").contains("not by mode"));
        assert!(
            told(Scope { service: String::new(), ..express }, "OTP_WIN@WEST")
                .contains("without any it is everything")
        );
        assert!(told(west(), "OTP_WIN").contains("no line counts by it"));
        assert!(told(west(), "OTP_WIN@EAST").contains("counts by EAST, which is no scope"));
        assert!(told(west(), "OWN_ONE@WEST").contains("cannot count by a scope"));
        let many: BTreeSet<String> = (0..=SCOPE_LANES_MAX).map(|n| format!("L{n}")).collect();
        assert!(told(Scope { lanes: many, ..west() }, "OTP_WIN@WEST").contains("100 lanes"));
    }

    #[test]
    fn a_group_is_the_lanes_named_and_those_to_its_regions() {
        let lanes = [(1, "A-B", "Mountain"), (2, "A-C", "Pacific"), (3, "A-D", "")];
        assert_eq!(west().lane_ids(lanes), [1, 2].into());
        assert_eq!(west().words(), "lane A-B; lanes to region Pacific");
        assert_eq!((kpi_part("OTD_WIN@WEST"), scope_part("OTD_WIN@WEST")), ("OTD_WIN", Some("WEST")));
        assert_eq!((kpi_part("OTD_WIN"), scope_part("OTD_WIN")), ("OTD_WIN", None));
        assert_eq!(line_code("OTD_WIN", "WEST"), "OTD_WIN@WEST");
    }
}
