//! Which template counts for whom and when (DOMAIN §2.1): its scope, its season, the version that was agreed before a
//! period began, and what one version says otherwise than the one before.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::template::{Scale, Template, TemplateKpi};
use super::words::plain;
use crate::domain::period::{Period, PeriodKind};

/// Code of the template that counts where none is more specific.
pub const STANDARD: &str = "STANDARD";
/// Most versions of one template.
pub const TEMPLATE_VERSIONS_MAX: usize = 1_000;
/// Longest half-life, in months.
pub const HALF_LIFE_MAX: u32 = 12;

/// Whom a template is for and how it looks back; beside what it scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateTerms {
    /// Code that all versions of a template share.
    pub code: String,
    /// The only partner it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<i64>,
    /// The only contract version it is for; then `partner_id` is that of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_version_id: Option<i64>,
    /// Months of the year it is for, 1 to 12; empty for all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub months: BTreeSet<u32>,
    /// Half-life of earlier composites in months; none counts the period alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_months: Option<u32>,
    /// Not used any more from this version on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl Default for TemplateTerms {
    fn default() -> Self {
        Self {
            code: STANDARD.to_owned(),
            partner_id: None,
            contract_version_id: None,
            months: BTreeSet::new(),
            half_life_months: None,
            retired: false,
        }
    }
}

impl TemplateTerms {
    /// Whether it says nothing beyond the standard, and need not be written.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it may score a period of a partner under a contract version. A season must hold every month of it.
    #[must_use]
    pub fn covers(&self, period: Period, partner_id: i64, contract_versions: &[i64]) -> bool {
        !self.retired
            && self.partner_id.is_none_or(|only| only == partner_id)
            && self.contract_version_id.is_none_or(|only| contract_versions.contains(&only))
            && (self.months.is_empty() || months_of(period).iter().all(|month| self.months.contains(month)))
    }

    /// How specific it is: a contract version before a partner before all, then a season before the whole year.
    #[must_use]
    pub fn rank(&self) -> (u8, bool) {
        let whom = match (self.contract_version_id, self.partner_id) {
            (Some(_), _) => 2,
            (None, Some(_)) => 1,
            (None, None) => 0,
        };
        (whom, !self.months.is_empty())
    }

    /// Whether no rule could choose between the two: as specific for the same partners, with a month in common.
    #[must_use]
    pub fn clashes_with(&self, other: &Self) -> bool {
        let same_season = self.months.is_empty() || !self.months.is_disjoint(&other.months);
        self.code != other.code
            && !self.retired
            && !other.retired
            && self.rank() == other.rank()
            && (self.partner_id, self.contract_version_id) == (other.partner_id, other.contract_version_id)
            && same_season
    }
}

/// The months of the year that a period touches.
fn months_of(period: Period) -> BTreeSet<u32> {
    let mut months = BTreeSet::new();
    let mut month = Period::containing(PeriodKind::Month, period.start());
    while month.start() < period.end() {
        months.insert(month.start().month());
        month = month.next();
    }
    months
}

/// A version that was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreedTemplate {
    /// Row id.
    pub id: i64,
    /// First day of the first period it counts for.
    pub valid_from: NaiveDate,
    /// What it says.
    pub template: Template,
}

/// The version that scores a period: of each template the newest that was valid when the period began, and of those the
/// most specific. Before the first of all, the oldest standard one, so that imported history is judged too.
#[must_use]
pub fn template_of<'a>(
    agreed: &'a [AgreedTemplate],
    period: Period,
    partner_id: i64,
    contract_versions: &[i64],
) -> Option<&'a AgreedTemplate> {
    let at = |one: &AgreedTemplate| (one.valid_from, one.id);
    let valid = || agreed.iter().filter(|one| one.valid_from <= period.start());
    let is_newest = |one: &AgreedTemplate| {
        let same = |other: &&AgreedTemplate| other.template.terms.code == one.template.terms.code;
        valid().filter(same).all(|other| at(other) <= at(one))
    };
    let found = valid()
        .filter(|one| is_newest(one) && one.template.terms.covers(period, partner_id, contract_versions))
        .max_by_key(|one| (one.template.terms.rank(), at(one)));
    found
        .or_else(|| agreed.iter().filter(|one| one.template.terms.code == STANDARD).min_by_key(|one| at(one)))
}

/// The versions that can score a period that begins after `day`: not retired, and replaced by no later version of the same
/// code by then. A version that is agreed for later days is among them beside the one it will replace.
pub fn still_scoring(agreed: &[AgreedTemplate], day: NaiveDate) -> impl Iterator<Item = &AgreedTemplate> {
    let at = |one: &AgreedTemplate| (one.valid_from, one.id);
    agreed.iter().filter(move |one| {
        let replaced = agreed.iter().any(|later| {
            later.template.terms.code == one.template.terms.code
                && at(later) > at(one)
                && later.valid_from <= day.max(one.valid_from)
        });
        !one.template.terms.retired && !replaced
    })
}

/// The template that a new version could not be told apart from: by the versions that hold from its first day on.
#[must_use]
pub fn ambiguous_with<'a>(
    new: &Template,
    valid_from: NaiveDate,
    others: &'a [AgreedTemplate],
) -> Option<&'a AgreedTemplate> {
    let at = |one: &AgreedTemplate| (one.valid_from, one.id);
    others.iter().find(|one| {
        let replaced = others.iter().any(|later| {
            later.template.terms.code == one.template.terms.code
                && at(later) > at(one)
                && later.valid_from <= valid_from
        });
        !replaced && new.terms.clashes_with(&one.template.terms)
    })
}

/// One thing that a version says otherwise than the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateChange {
    /// What it is about, in words.
    pub what: String,
    /// As it was; empty when it is new.
    pub was: String,
    /// As it is; empty when it is gone.
    pub now: String,
}

/// Everything `now` says otherwise than `before`, in reading order.
#[must_use]
pub fn template_changes(before: &Template, now: &Template) -> Vec<TemplateChange> {
    let mut found = Vec::new();
    let mut say = |what: String, was: String, now: String| {
        if was != now {
            found.push(TemplateChange { what, was, now });
        }
    };
    say("name".to_owned(), before.name.clone(), now.name.clone());
    say("months".to_owned(), season_words(&before.terms.months), season_words(&now.terms.months));
    let looks_back = |terms: &TemplateTerms| half_life_words(terms.half_life_months);
    say("earlier periods".to_owned(), looks_back(&before.terms), looks_back(&now.terms));
    let scope = |terms: &TemplateTerms| format!("{:?} {:?}", terms.partner_id, terms.contract_version_id);
    if scope(&before.terms) != scope(&now.terms) {
        say("whom it is for".to_owned(), scope_kind(&before.terms), scope_kind(&now.terms));
    }
    let state = |terms: &TemplateTerms| if terms.retired { "retired" } else { "in use" }.to_owned();
    say("state".to_owned(), state(&before.terms), state(&now.terms));
    let mut codes: Vec<&str> = now.categories.iter().map(|c| c.code.as_str()).collect();
    codes.extend(before.categories.iter().map(|c| c.code.as_str()));
    for code in once(codes) {
        let of = |template: &Template| {
            let found = template.categories.iter().find(|c| c.code == code);
            found.map_or_else(String::new, |c| format!("{}, weight {}", c.title, plain(c.weight)))
        };
        say(format!("lens {code}"), of(before), of(now));
    }
    let mut codes: Vec<&str> = now.scopes.iter().map(|scope| scope.code.as_str()).collect();
    codes.extend(before.scopes.iter().map(|scope| scope.code.as_str()));
    for code in once(codes) {
        let of = |template: &Template| {
            template
                .scope(code)
                .map_or_else(String::new, |scope| format!("{}: {}", scope.title, scope.words()))
        };
        say(format!("scope {code}"), of(before), of(now));
    }
    let mut codes: Vec<&str> = now.kpis().map(|kpi| kpi.code.as_str()).collect();
    codes.extend(before.kpis().map(|kpi| kpi.code.as_str()));
    for code in once(codes) {
        let of = |template: &Template| {
            let home = template.categories.iter().find(|c| c.kpis.iter().any(|kpi| kpi.code == code));
            let lens = home.map_or_else(String::new, |c| c.title.clone());
            template.kpi(code).map_or_else(String::new, |kpi| format!("{lens}: {}", line_words(kpi)))
        };
        say(code.to_owned(), of(before), of(now));
    }
    found
}

fn once(codes: Vec<&str>) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    codes.into_iter().filter(|code| seen.insert(*code)).collect()
}

fn scope_kind(terms: &TemplateTerms) -> String {
    match terms.rank().0 {
        2 => "one contract version",
        1 => "one partner",
        _ => "all partners",
    }
    .to_owned()
}

/// `weight 15, floor 85, target 95, stretch 98, critical`.
#[must_use]
pub fn line_words(kpi: &TemplateKpi) -> String {
    let Some(scale) = &kpi.scale else { return "for information".to_owned() };
    let mut words = format!(
        "weight {}, floor {}, target {}, stretch {}",
        plain(kpi.weight),
        plain(scale.floor),
        plain(scale.target),
        plain(scale.stretch)
    );
    if !scale.bands.is_empty() {
        words.push_str(&format!(", bands {}", bands_words(scale)));
    }
    if kpi.critical {
        words.push_str(", critical");
    }
    if kpi.gate {
        words.push_str(", gate");
    }
    words
}

/// `85: 50; 90: 80`: from which value on, how many points; empty for straight lines.
#[must_use]
pub fn bands_words(scale: &Scale) -> String {
    let steps = scale.bands.iter().map(|band| format!("{}: {}", plain(band.from), plain(band.points)));
    steps.collect::<Vec<_>>().join("; ")
}

/// `November, December`, or `the whole year`.
#[must_use]
pub fn season_words(months: &BTreeSet<u32>) -> String {
    let name = |month: &u32| {
        let day = NaiveDate::from_ymd_opt(2000, *month, 1);
        day.map_or_else(|| month.to_string(), |day| day.format("%B").to_string())
    };
    if months.is_empty() {
        return "the whole year".to_owned();
    }
    months.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// How a template counts earlier periods, in words.
#[must_use]
pub fn half_life_words(months: Option<u32>) -> String {
    match months {
        None => "not counted".to_owned(),
        Some(1) => "half the weight for each month back".to_owned(),
        Some(months) => format!("half the weight for each {months} months back"),
    }
}

/// Why a version may not begin on a day.
#[must_use]
pub fn begins_too_early(first: Period, agreed_on: NaiveDate) -> Option<String> {
    (first.start() <= agreed_on).then(|| {
        format!(
            "{} began on {}; a version counts from a period that begins after the day it is agreed, so choose {} or later",
            first.title(),
            first.start(),
            Period::containing(first.kind(), agreed_on).next()
        )
    })
}

/// Weight of the composite of an earlier period `months_back`, the running one being 1: halved each half-life, rounded down
/// to six decimals, so that anybody gets the same digits.
#[must_use]
pub fn recency_weight(months_back: u32, half_life_months: u32) -> Decimal {
    let half_life = half_life_months.max(1);
    // The whole halvings are exact; the rest is the root of a half, found by halving an interval.
    let mut weight = Decimal::ONE;
    for _ in 0..months_back.checked_div(half_life).unwrap_or(0) {
        weight /= Decimal::TWO;
    }
    let rest = months_back.checked_rem(half_life).unwrap_or(0);
    if rest > 0 {
        let mut power = Decimal::ONE;
        (0..rest).for_each(|_| power /= Decimal::TWO);
        weight *= root(power, half_life);
    }
    weight.trunc_with_scale(WEIGHT_DECIMALS)
}

/// Decimals of a recency weight.
const WEIGHT_DECIMALS: u32 = 6;
/// Halvings of the interval a root is looked for in: finer than twenty decimals.
const ROOT_STEPS: u32 = 70;

fn root(of: Decimal, degree: u32) -> Decimal {
    let (mut low, mut high) = (Decimal::ZERO, Decimal::ONE);
    for _ in 0..ROOT_STEPS {
        let middle = (low + high) / Decimal::TWO;
        let mut power = Decimal::ONE;
        (0..degree).for_each(|_| power *= middle);
        if power <= of {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The nearest value of twenty decimals, so that an exact root such as a half is met.
    low.round_dp_with_strategy(20, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::super::template::default_template;
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn of(id: i64, from: &str, terms: TemplateTerms) -> AgreedTemplate {
        let template = Template { version: format!("V{id}"), terms, ..default_template() };
        AgreedTemplate { id, valid_from: day(from), template }
    }

    fn terms(code: &str, partner_id: Option<i64>, contract: Option<i64>, months: &[u32]) -> TemplateTerms {
        TemplateTerms {
            code: code.to_owned(),
            partner_id,
            contract_version_id: contract,
            months: months.iter().copied().collect(),
            ..TemplateTerms::default()
        }
    }

    #[test]
    fn the_most_specific_version_that_was_valid_when_the_period_began_counts() {
        let agreed = [
            of(1, "1970-01-01", TemplateTerms::default()),
            of(2, "2026-01-01", TemplateTerms::default()),
            of(3, "2026-02-01", TemplateTerms::default()),
            of(4, "2020-01-01", terms("PEAK", None, None, &[11, 12])),
            of(5, "2020-01-01", terms("ONE", Some(9), None, &[])),
            of(6, "2020-01-01", terms("CONTRACT", Some(9), Some(70), &[])),
            of(7, "2026-06-01", TemplateTerms { retired: true, ..terms("ONE", Some(9), None, &[]) }),
        ];
        let id = |period: &str, partner: i64, contracts: &[i64]| {
            template_of(&agreed, period.parse().unwrap(), partner, contracts).map(|one| one.id)
        };
        assert_eq!(id("2025-12", 1, &[]), Some(4), "the season");
        assert_eq!(id("2025-Q4", 1, &[]), Some(1), "a quarter with a month out of season");
        assert_eq!(
            id("2026-Q1", 1, &[]),
            Some(2),
            "what was valid on its first day, though another came since"
        );
        assert_eq!(id("2026-02", 1, &[]), Some(3));
        assert_eq!(id("2025-12", 9, &[]), Some(5), "a partner goes before a season");
        assert_eq!(id("2025-12", 9, &[70]), Some(6));
        assert_eq!(id("2026-06", 9, &[]), Some(3), "retired from June on");
        assert_eq!(id("1960-01", 9, &[]), Some(1), "history before the first");
    }

    #[test]
    fn what_can_still_score_is_what_nothing_replaced_and_what_is_to_come() {
        let agreed = [
            of(1, "1970-01-01", TemplateTerms::default()),
            of(2, "2026-01-01", TemplateTerms::default()),
            of(3, "2027-01-01", TemplateTerms::default()),
            of(4, "2027-01-01", TemplateTerms::default()),
            of(5, "2020-01-01", terms("ONE", Some(9), None, &[])),
            of(6, "2026-06-01", TemplateTerms { retired: true, ..terms("ONE", Some(9), None, &[]) }),
        ];
        let ids = |on: &str| still_scoring(&agreed, day(on)).map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids("2025-12-31"), [1, 2, 4, 5], "3 gives way to 4 on its first day");
        assert_eq!(ids("2026-01-01"), [2, 4, 5]);
        assert_eq!(ids("2026-06-01"), [2, 4], "retired");
        assert_eq!(ids("2027-01-01"), [4]);
    }

    #[test]
    fn two_that_no_rule_tells_apart_are_found() {
        let agreed = [
            of(1, "1970-01-01", TemplateTerms::default()),
            of(4, "2020-01-01", terms("PEAK", None, None, &[11, 12])),
            of(8, "2027-01-01", terms("PEAK", None, None, &[12])),
        ];
        let clash = |new: TemplateTerms, from: &str| {
            let template = Template { terms: new, ..default_template() };
            ambiguous_with(&template, day(from), &agreed).map(|one| one.id)
        };
        assert_eq!(clash(terms("OTHER", None, None, &[]), "2026-01-01"), Some(1));
        assert_eq!(clash(terms("WINTER", None, None, &[11, 1]), "2026-01-01"), Some(4));
        assert_eq!(clash(terms("WINTER", None, None, &[11, 1]), "2027-01-01"), None, "replaced by then");
        assert_eq!(clash(terms("WINTER", None, None, &[12]), "2026-11-01"), Some(4));
        assert_eq!(clash(terms("ONE", Some(3), None, &[]), "2026-01-01"), None);
        assert_eq!(clash(TemplateTerms::default(), "2026-01-01"), None, "its own next version");
    }

    #[test]
    fn a_version_begins_after_the_day_it_is_agreed() {
        let told = |period: &str| begins_too_early(period.parse().unwrap(), day("2026-01-31"));
        assert!(told("2026-01").unwrap().contains("choose 2026-02 or later"));
        assert_eq!(told("2026-02"), None);
        let same_day = begins_too_early("2026-02".parse().unwrap(), day("2026-02-01"));
        assert!(same_day.is_some(), "on its first day it is too late");
    }

    #[test]
    fn weights_halve_with_each_half_life() {
        assert_eq!([0, 1, 2, 3].map(|back| recency_weight(back, 1)), ["1", "0.5", "0.25", "0.125"].map(d));
        assert_eq!(recency_weight(3, 3), d("0.5"));
        assert_eq!(recency_weight(1, 3), d("0.793700"), "the cube root of a half is 0.79370052598");
        assert_eq!(recency_weight(1, 2), d("0.707106"), "the square root of a half is 0.70710678118");
        assert_eq!(recency_weight(2, 4), recency_weight(1, 2));
    }

    #[test]
    fn a_redline_names_what_changed_and_nothing_else() {
        let before = default_template();
        assert_eq!(template_changes(&before, &before.clone()), []);
        let mut now = before.clone();
        now.categories[0].weight = d("45");
        now.categories[0].kpis[0].critical = true;
        now.categories[1].kpis.pop();
        now.terms.months = [11, 12].into();
        let told: Vec<String> = template_changes(&before, &now)
            .iter()
            .map(|c| format!("{}|{}|{}", c.what, c.was, c.now))
            .collect();
        assert_eq!(
            told,
            [
                "months|the whole year|November, December",
                "lens RELIABILITY|Reliability, weight 40|Reliability, weight 45",
                "OTP_WIN|Reliability: weight 5, floor 85, target 95, stretch 98|Reliability: weight 5, floor 85, target 95, stretch 98, critical",
                "CPKG|Cost: for information|",
            ]
        );
    }
}
