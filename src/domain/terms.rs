//! Everything one contract version says, as one value: what the engine prices by, what the page shows,
//! what the redline compares and what its hash seals (DOMAIN §3.1).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::accessorial::AccessorialRate;
use super::clause::{ClauseTerms, ContractCap, InForce};
use super::contract::{ContractStatus, ContractTerm, ContractVersionStatus, RenewalKind, VersionDates};
use super::currency::Currency;
use super::field::{FieldErrors, require};
use super::kpi::Kpi;
use super::money::Micros;
use super::rate::seal::AgreedPricing;
use super::rate::{Pricing, PricingPart, pricing_changes};
use super::signal::Better;
use super::words;

mod problems;
mod trial;

pub use problems::ClauseProblem;
pub use trial::{TRIAL_LOADS_MAX, TRIAL_WHOLE_MAX, Trial};

/// Longest code of a clause.
pub const CLAUSE_CODE_CHARS_MAX: usize = 20;
/// Longest title of a clause.
pub const CLAUSE_TITLE_CHARS_MAX: usize = 120;
/// Furthest a floor, target or stretch may be from zero, in the KPI's own unit.
const TARGET_MAX: Micros = Micros(1_000_000_000_000);

/// What a KPI must reach, in the KPI's own unit: percentage points for shares, hours for dwell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiTarget {
    /// KPI code of DOMAIN §1.5, such as `OTD_WIN`.
    pub kpi: String,
    /// Unacceptable here and beyond.
    pub floor: Micros,
    /// Agreed as good.
    pub target: Micros,
    /// As good as it gets.
    pub stretch: Micros,
}

impl KpiTarget {
    /// Problems of the target, by form field. The three values must all rise or all fall.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let kpi: Option<Kpi> = self.kpi.parse().ok();
        require(e, kpi.is_some(), "kpi", "choose the KPI the target is for");
        for (field, value) in [("floor", self.floor), ("target", self.target), ("stretch", self.stretch)] {
            let fine = Micros::ZERO <= value && value <= TARGET_MAX;
            require(e, fine, field, "must be between 0 and 1,000,000");
        }
        let rises = self.floor < self.target && self.target < self.stretch;
        let falls = self.floor > self.target && self.target > self.stretch;
        let (fine, message) = match kpi.and_then(|kpi| kpi.definition().better) {
            Some(Better::Higher) => (rises, "more is better here: floor, target and stretch must rise"),
            Some(Better::Lower) => (falls, "less is better here: floor, target and stretch must fall"),
            None => (rises || falls, "floor, target and stretch must all rise (more is better) or all fall"),
        };
        require(e, fine, "target", message);
        errors
    }

    /// The three values in words.
    #[must_use]
    pub fn text(&self) -> String {
        let [floor, target, stretch] = [self.floor, self.target, self.stretch].map(words::quantity);
        format!("floor {floor}, target {target}, stretch {stretch}")
    }
}

/// A service-credit or bonus clause of a contract version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Row id; 0 before it is stored.
    pub id: i64,
    /// The number people cite, such as `7.2`.
    pub code: String,
    /// What it is about.
    pub title: String,
    /// How it is measured and priced.
    pub terms: ClauseTerms,
}

impl Clause {
    /// Problems of the clause, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fine = (1..=CLAUSE_CODE_CHARS_MAX).contains(&self.code.trim().chars().count());
        require(e, fine, "code", "give the number people cite, up to 20 characters, such as 7.2");
        let fine = (1..=CLAUSE_TITLE_CHARS_MAX).contains(&self.title.trim().chars().count());
        require(e, fine, "title", "name the clause in up to 120 characters");
        errors.extend(self.terms.validate());
        errors.extend(self.terms.validate_new());
        errors
    }
}

/// The contract's own part of what is agreed, as it was when a version was sealed. The contract itself goes on: it
/// renews, and notice ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreedFrame {
    /// What it covers.
    pub title: String,
    /// First day of the term.
    pub term_start: NaiveDate,
    /// Last day of the term, included; open for evergreen contracts.
    pub term_end: Option<NaiveDate>,
    /// What happens at the end of the term.
    pub renewal: RenewalKind,
    /// Months added by each renewal.
    pub renewal_months: Option<u32>,
    /// Calendar days before the term end by which notice must have arrived.
    pub notice_days: u32,
}

impl AgreedFrame {
    /// The frame a contract has now.
    #[must_use]
    pub fn of(title: &str, term: &ContractTerm) -> Self {
        Self {
            title: title.to_owned(),
            term_start: term.term_start,
            term_end: term.term_end,
            renewal: term.renewal,
            renewal_months: term.renewal_months,
            notice_days: term.notice_days,
        }
    }

    /// Term, renewal and notice in words, for the redline.
    fn lines(&self) -> [(&'static str, String); 4] {
        let end = self.term_end.map_or_else(|| "open".to_owned(), |end| end.to_string());
        let months = self.renewal_months.map(|months| format!(", {}", words::count(months, "month")));
        [
            ("Title", self.title.clone()),
            ("Term", format!("{} to {end}", self.term_start)),
            ("Renewal", format!("{}{}", self.renewal.label(), months.unwrap_or_default())),
            ("Notice", words::count(self.notice_days, "day")),
        ]
    }
}

/// A range of days: from, and the first day no longer; open when none.
pub type Days = (NaiveDate, Option<NaiveDate>);

/// One contract version, whole. Rates are sorted by code, targets by KPI, clauses by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Contract row.
    pub contract_id: i64,
    /// Contract number.
    pub number: String,
    /// Contract title.
    pub title: String,
    /// The carrier.
    pub partner_id: i64,
    /// Currency of every amount.
    pub currency: Currency,
    /// The contract's dates.
    pub term: ContractTerm,
    /// Version row.
    pub version_id: i64,
    /// 1 for the original.
    pub version_no: i32,
    /// Where the version is in its life.
    pub status: ContractVersionStatus,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// First day no longer in force; open when none.
    pub valid_to: Option<NaiveDate>,
    /// The limit over all clauses.
    pub caps: ContractCap,
    /// What may be charged beside linehaul and fuel.
    pub rates: Vec<AccessorialRate>,
    /// What the KPIs must reach.
    pub targets: Vec<KpiTarget>,
    /// What is owed when they do not.
    pub clauses: Vec<Clause>,
    /// What moving the goods costs.
    pub pricing: Pricing,
    /// The contract's own part, once sealed; the live one before.
    pub agreed: Option<AgreedFrame>,
    /// The days on which the version rested.
    pub rests: Vec<Days>,
}

/// The agreed text alone, whole: no row ids, and nothing that changes when the contract renews or a later version
/// takes over.
#[derive(Serialize)]
struct Agreed<'a> {
    number: &'a str,
    version: i32,
    currency: Currency,
    contract: &'a AgreedFrame,
    valid_from: NaiveDate,
    caps: &'a ContractCap,
    rates: &'a [AccessorialRate],
    targets: &'a [KpiTarget],
    clauses: Vec<AgreedClause<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<AgreedPricing<'a>>,
}

#[derive(Serialize)]
struct AgreedClause<'a> {
    code: &'a str,
    title: &'a str,
    terms: &'a ClauseTerms,
}

impl Terms {
    /// The agreed text as JSON; equal terms give equal text.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        let frame = self.frame();
        let clauses =
            self.clauses.iter().map(|c| AgreedClause { code: &c.code, title: &c.title, terms: &c.terms });
        let agreed = Agreed {
            number: &self.number,
            version: self.version_no,
            currency: self.currency,
            contract: &frame,
            valid_from: self.valid_from,
            caps: &self.caps,
            rates: &self.rates,
            targets: &self.targets,
            clauses: clauses.collect(),
            pricing: self.pricing.agreed(),
        };
        // Plain structs with text keys always serialise.
        serde_json::to_string(&agreed).unwrap_or_default()
    }

    /// SHA-256 of [`Self::canonical_json`], in hex.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(&self.canonical_json())
    }

    /// The contract's own part of what is agreed: as sealed, or as it is now while nothing is.
    #[must_use]
    pub fn frame(&self) -> AgreedFrame {
        self.agreed.clone().unwrap_or_else(|| AgreedFrame::of(&self.title, &self.term))
    }

    /// The days the version is in force: from, and the first day after, if any. The contract's end counts.
    #[must_use]
    pub fn in_force_days(&self) -> Days {
        let contract_end = first_day_after(&self.term);
        let to = match (self.valid_to, contract_end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (self.valid_from, to)
    }

    /// [`Self::in_force_days`] as the clauses take them.
    #[must_use]
    pub fn span(&self) -> InForce {
        let (from, until) = self.in_force_days();
        InForce { from, until }
    }

    /// Whether the version holds on `day`; see [`in_force`].
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> bool {
        in_force(&self.term, &self.dates(), day)
    }

    /// Whether obligations due on `day` are credited: the version holds and does not rest.
    ///
    /// A suspended version still prices what moves and still sets targets: freight is paid and service is judged by
    /// it. It owes nothing for obligations due on the days it rests, neither credit nor bonus: late shipments due then
    /// are not priced, a KPI of a period is taken over the other days, and so is the freight that a cap is a share of.
    #[must_use]
    pub fn credits_on(&self, day: NaiveDate) -> bool {
        let rests = |(from, to): &Days| *from <= day && to.is_none_or(|to| day < to);
        self.in_force(day) && !self.rests.iter().any(rests)
    }

    /// The version's own dates.
    #[must_use]
    pub fn dates(&self) -> VersionDates {
        VersionDates {
            id: self.version_id,
            version_no: self.version_no,
            status: self.status,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        }
    }
}

/// SHA-256 of a text, in hex.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    sha256_of(text.as_bytes())
}

/// SHA-256 of some bytes, in hex.
#[must_use]
pub fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first day on which a contract no longer holds; none while it renews by itself or runs until notice.
#[must_use]
pub fn first_day_after(term: &ContractTerm) -> Option<NaiveDate> {
    let open = matches!(term.renewal, RenewalKind::AutoRenew | RenewalKind::Evergreen)
        && !matches!(term.status, ContractStatus::Expired | ContractStatus::Terminated);
    if open { None } else { term.term_end.and_then(|end| end.succ_opt()) }
}

/// Whether a version holds on `day`: it is signed, and the day is one of its own and of the contract's term.
///
/// This is the one answer to "which terms are in force": prices, targets, credits, pages and the portal ask it.
#[must_use]
pub fn in_force(term: &ContractTerm, version: &VersionDates, day: NaiveDate) -> bool {
    term.status != ContractStatus::Draft
        && version.in_force(day)
        && term.term_start <= day
        && first_day_after(term).is_none_or(|end| day < end)
}

/// Which part of the terms a change is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Part {
    /// Title, term, renewal and notice of the contract.
    Contract,
    /// Dates and limits.
    Frame,
    /// Accessorial rates.
    Rate,
    /// KPI targets.
    Target,
    /// Clauses.
    Clause,
    /// Choices of how to rate.
    RatingRule,
    /// Lanes.
    Lane,
    /// Rate tables.
    Table,
    /// Zones, service levels, fuel, calendars, taxes, commitments, tiers.
    Programme,
}

impl Part {
    /// `1 rate`, `3 clauses`.
    #[must_use]
    pub fn count(self, n: i64) -> String {
        let noun = match self {
            Self::Contract => "contract term",
            Self::Frame => "limit",
            Self::Rate => "rate",
            Self::Target => "target",
            Self::Clause => "clause",
            Self::RatingRule => "rating rule",
            Self::Lane => "lane",
            Self::Table => "rate table",
            Self::Programme => "programme",
        };
        words::count(n, noun)
    }
}

/// One difference between two versions. Added when nothing was before, removed when nothing is after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which part of the terms.
    pub part: Part,
    /// What changed, in words.
    pub what: String,
    /// The old wording.
    pub before: Option<String>,
    /// The new wording.
    pub after: Option<String>,
}

/// What `after` changes against `before`, in reading order; empty when nothing does.
#[must_use]
pub fn redline(before: &Terms, after: &Terms) -> Vec<Change> {
    let limit = |terms: &Terms| vec![("limit", "Limit over all clauses".to_owned(), limit_text(&terms.caps))];
    let rates = |terms: &Terms| keyed(&terms.rates, |r| (r.code.clone(), rate_name(r), rate_text(r)));
    let targets = |terms: &Terms| keyed(&terms.targets, |t| (t.kpi.clone(), t.kpi.clone(), t.text()));
    let clauses = |terms: &Terms| keyed(&terms.clauses, |c| (c.code.clone(), clause_name(c), clause_text(c)));
    let frame = |terms: &Terms| terms.frame().lines().map(|(what, text)| (what, what.to_owned(), text));
    let mut changes = compare(Part::Contract, &frame(before), &frame(after));
    changes.extend(compare(Part::Frame, &limit(before), &limit(after)));
    changes.extend(compare(Part::Rate, &rates(before), &rates(after)));
    changes.extend(compare(Part::Target, &targets(before), &targets(after)));
    changes.extend(compare(Part::Clause, &clauses(before), &clauses(after)).into_iter().map(changed_lines));
    changes.extend(pricing_changes(&before.pricing, &after.pricing).into_iter().map(|change| Change {
        part: match change.part {
            PricingPart::Rule => Part::RatingRule,
            PricingPart::Lane => Part::Lane,
            PricingPart::Table => Part::Table,
            PricingPart::Programme => Part::Programme,
        },
        what: change.what,
        before: change.before,
        after: change.after,
    }));
    changes
}

/// Of a clause that changed, only the lines that did.
fn changed_lines(change: Change) -> Change {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return change };
    let only = |text: &str, other: &str| {
        let lines = text.lines().filter(|line| !other.lines().any(|other| other == *line));
        Some(lines.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    };
    Change { before: only(before, after), after: only(after, before), ..change }
}

/// `2 rates, 1 clause`; `nothing` without changes.
#[must_use]
pub fn redline_summary(changes: &[Change]) -> String {
    let parts = [
        Part::Contract,
        Part::Frame,
        Part::Rate,
        Part::Target,
        Part::Clause,
        Part::RatingRule,
        Part::Lane,
        Part::Table,
        Part::Programme,
    ];
    let counts: Vec<String> = parts
        .into_iter()
        .map(|part| (part, changes.iter().filter(|c| c.part == part).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(part, n)| part.count(i64::try_from(n).unwrap_or(i64::MAX)))
        .collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

type Row<K> = (K, String, String);

fn keyed<T>(items: &[T], row: impl Fn(&T) -> Row<String>) -> Vec<Row<String>> {
    items.iter().map(row).collect()
}

fn compare<K: PartialEq>(part: Part, before: &[Row<K>], after: &[Row<K>]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, what, new) in after {
        let old = before.iter().find(|row| row.0 == *key);
        let (was, is) = match old {
            Some((_, name, text)) if text == new && name == what => continue,
            // The terms are the same under another name.
            Some((_, name, text)) if text == new => (Some(name.clone()), what.clone()),
            Some((_, _, text)) => (Some(text.clone()), new.clone()),
            None => (None, new.clone()),
        };
        changes.push(Change { part, what: what.clone(), before: was, after: Some(is) });
    }
    for (key, what, old) in before {
        if after.iter().all(|row| row.0 != *key) {
            changes.push(Change { part, what: what.clone(), before: Some(old.clone()), after: None });
        }
    }
    changes
}

fn limit_text(caps: &ContractCap) -> String {
    caps.explain().unwrap_or_else(|| "no limit".to_owned())
}

fn rate_name(rate: &AccessorialRate) -> String {
    format!("{} ({})", rate.label, rate.code)
}

/// Price and conditions of a rate in words.
#[must_use]
pub fn rate_text(rate: &AccessorialRate) -> String {
    let conditions = rate.conditions_text();
    if conditions.is_empty() { rate.price_text() } else { format!("{}, {conditions}", rate.price_text()) }
}

fn clause_name(clause: &Clause) -> String {
    format!("Clause {}, {}", clause.code, clause.title)
}

/// One line a point; only the redline reads it.
fn clause_text(clause: &Clause) -> String {
    clause.terms.explain().join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::accessorial::{AccessorialRules, AccessorialUnit};
    use crate::domain::clause::{Cap, LateDelivery, PerDay, Rule, Sign};
    use crate::domain::money::Bps;
    use crate::domain::period::PeriodKind;

    /// A liftgate at `rate` millionths each.
    pub(crate) fn liftgate(rate: i64) -> AccessorialRate {
        AccessorialRate {
            code: "LFT".to_owned(),
            label: "Liftgate".to_owned(),
            unit: AccessorialUnit::PerOccurrence,
            rate: Some(Micros(rate)),
            share: None,
            free_quantity: 0,
            increment_minutes: None,
            min: None,
            max: None,
            cap: None,
            cap_scope: None,
            rules: AccessorialRules::default(),
        }
    }

    /// Five percent of linehaul a late day, at most fifteen.
    pub(crate) fn late_clause() -> Clause {
        Clause {
            id: 0,
            code: "7.1".to_owned(),
            title: "Late delivery".to_owned(),
            terms: ClauseTerms::of(
                Sign::Penalty,
                Rule::LateDelivery(LateDelivery {
                    per_day: PerDay::PctOfLinehaul { share: Bps(500) },
                    grace_days: 0,
                    event_cap_share: Some(Bps(1_500)),
                    event_cap_amount: None,
                    period: PeriodKind::Month,
                }),
                Cap::default(),
            ),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub(crate) fn terms() -> Terms {
        Terms {
            contract_id: 1,
            number: "C-1".to_owned(),
            title: "Short haul".to_owned(),
            partner_id: 9,
            currency: Currency::USD,
            term: ContractTerm {
                status: ContractStatus::Active,
                term_start: day("2025-01-01"),
                term_end: Some(day("2025-12-31")),
                renewal: RenewalKind::Fixed,
                renewal_months: None,
                notice_days: 60,
            },
            version_id: 2,
            version_no: 1,
            status: ContractVersionStatus::Active,
            valid_from: day("2025-01-01"),
            valid_to: None,
            caps: ContractCap::default(),
            rates: vec![liftgate(40_000_000)],
            targets: vec![target([85, 95, 98])],
            clauses: vec![late_clause()],
            pricing: Pricing::none(Currency::USD),
            agreed: None,
            rests: vec![],
        }
    }

    fn target(values: [i64; 3]) -> KpiTarget {
        let [floor, target, stretch] = values.map(|v| Micros(v * 1_000_000));
        KpiTarget { kpi: "OTD_WIN".to_owned(), floor, target, stretch }
    }

    fn dwell(values: [i64; 3]) -> KpiTarget {
        KpiTarget { kpi: "DWELL_LM".to_owned(), ..target(values) }
    }

    #[test]
    fn the_hash_seals_the_text_and_nothing_else() {
        let sealed = terms();
        let replaced = Terms { version_id: 77, valid_to: Some(day("2025-07-01")), ..terms() };
        assert_eq!(sealed.hash(), replaced.hash());
        let dearer = Terms { rates: vec![liftgate(40_000_001)], ..terms() };
        assert_ne!(sealed.hash(), dearer.hash());
    }

    #[test]
    fn the_hash_covers_the_contract_as_sealed_and_not_as_it_goes_on() {
        let term = |change: &dyn Fn(&mut ContractTerm)| {
            let mut terms = terms();
            change(&mut terms.term);
            terms
        };
        let changed = [
            Terms { title: "Long haul".to_owned(), ..terms() },
            Terms { number: "C-2".to_owned(), ..terms() },
            Terms { valid_from: day("2025-02-01"), ..terms() },
            term(&|term| term.term_end = Some(day("2026-12-31"))),
            term(&|term| term.notice_days = 30),
            term(&|term| term.renewal = RenewalKind::Evergreen),
        ];
        for other in &changed {
            assert_ne!(other.hash(), terms().hash(), "{other:?}");
        }
        let agreed = Some(terms().frame());
        for other in &changed[3..] {
            let sealed = Terms { agreed: agreed.clone(), ..other.clone() };
            assert_eq!(sealed.hash(), terms().hash(), "a renewal or a notice is no change of the text");
        }
        let later = term(&|term| term.notice_days = 30);
        assert_eq!(redline_summary(&redline(&terms(), &later)), "1 contract term");
    }

    #[test]
    fn a_version_that_rests_holds_and_credits_nothing() {
        let rests = vec![(day("2025-03-01"), Some(day("2025-03-11"))), (day("2025-06-01"), None)];
        let terms = Terms { rests, ..terms() };
        let credited = |text: &str| terms.credits_on(day(text));
        assert!(credited("2025-02-28") && credited("2025-03-11") && credited("2025-05-31"));
        for resting in ["2025-03-01", "2025-03-10", "2025-06-01", "2025-12-31"] {
            assert!(terms.in_force(day(resting)) && !credited(resting), "{resting}");
        }
        assert!(!credited("2026-01-01"), "not in force at all");
        for unsigned in
            [ContractVersionStatus::Draft, ContractVersionStatus::InReview, ContractVersionStatus::Approved]
        {
            let terms = Terms { status: unsigned, ..terms.clone() };
            assert!(!terms.in_force(day("2025-02-01")), "{unsigned}");
        }
        let signed = Terms { status: ContractVersionStatus::Signed, ..terms };
        assert!(signed.in_force(day("2025-02-01")), "also before the job has run");
    }

    #[test]
    fn rates_change_the_hash_and_their_absence_does_not() {
        let text = terms().canonical_json();
        assert!(
            text.ends_with("]}") && !text.contains("pricing"),
            "as sealed before there were rates: {text}"
        );
        let mut rated = terms();
        rated.pricing.terms.parameters.deficit = true;
        assert_ne!(rated.hash(), terms().hash());
        let changes = redline(&terms(), &rated);
        assert_eq!(redline_summary(&changes), "1 rating rule");
    }

    #[test]
    fn the_redline_names_what_was_added_removed_and_changed() {
        let after = Terms { rates: vec![liftgate(45_000_000)], targets: vec![], clauses: vec![], ..terms() };
        let changes = redline(&terms(), &after);
        let seen: Vec<_> =
            changes.iter().map(|c| (c.what.as_str(), c.before.is_some(), c.after.is_some())).collect();
        assert_eq!(
            seen,
            [
                ("Liftgate (LFT)", true, true),
                ("OTD_WIN", true, false),
                ("Clause 7.1, Late delivery", true, false)
            ]
        );
        assert_eq!(redline_summary(&changes), "1 rate, 1 target, 1 clause");
        assert_eq!(changes[0].after.as_deref(), Some("45.00 per occurrence"));
        assert_eq!(redline(&terms(), &terms()), []);
        let renamed = Clause { title: "Lateness".to_owned(), ..late_clause() };
        let renamed = redline(&terms(), &Terms { clauses: vec![renamed], ..terms() });
        assert_eq!(renamed[0].before.as_deref(), Some("Clause 7.1, Late delivery"));
        let mut dearer = late_clause();
        dearer.terms.period_cap.amount = Some(Micros(4_000_000_000));
        let added = redline(&terms(), &Terms { clauses: vec![dearer], ..terms() });
        assert_eq!(added[0].before, None, "only the line that is new");
        assert_eq!(added[0].after.as_deref(), Some("At most 4,000.00 per month for this clause."));
    }

    /// DOMAIN P1: two late days at five percent of 1,240.00.
    #[test]
    fn a_clause_is_tried_on_made_up_facts() {
        let terms = terms();
        let clause = &terms.clauses[0];
        let trial = Trial::Late { days: 2, linehaul: Micros(1_240_000_000) };
        let target = terms.try_clause(clause, trial).unwrap().unwrap();
        assert_eq!(target.amount, Micros(124_000_000));
        let other = Trial::Period { numerator: 9, denominator: 10, spend: Micros(1) };
        assert!(terms.try_clause(clause, other).is_err());
    }

    #[test]
    fn a_trial_on_the_largest_figures_is_refused() {
        let text = r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"CPS","better":"LOWER","scale":"PLAIN","threshold":"0",
            "min_volume":1,"period":"MONTH",
            "amount":{"type":"SHARE_OF_SAVINGS","of_savings":5000,"baseline":{"type":"YEAR_BEFORE"}}}}"#;
        let clause = Clause { terms: ClauseTerms::from_json(text).unwrap(), ..late_clause() };
        let saved = |units, baseline| Trial::Savings { cost: 0, units, baseline: Micros(baseline) };
        for units in [TRIAL_WHOLE_MAX, i64::MAX] {
            let refused = terms().try_clause(&clause, saved(units, i64::MAX)).unwrap_err().to_string();
            assert!(refused.contains("outside the range"), "{refused}");
        }
        assert!(terms().try_clause(&clause, saved(1, 250_000_000)).unwrap().is_some());
    }

    #[test]
    fn a_fixed_contract_ends_with_its_term_and_a_renewing_one_does_not() {
        let fixed = terms();
        assert!(fixed.in_force(day("2025-12-31")) && !fixed.in_force(day("2026-01-01")));
        let mut renewing = terms();
        renewing.term.renewal = RenewalKind::AutoRenew;
        renewing.term.renewal_months = Some(12);
        assert!(renewing.in_force(day("2026-01-01")));
        renewing.term.status = ContractStatus::Terminated;
        assert!(!renewing.in_force(day("2026-01-01")));
    }

    #[test]
    fn targets_go_the_way_of_their_kpi() {
        assert_eq!(target([85, 95, 98]).validate(), []);
        assert_eq!(dwell([36, 18, 8]).validate(), []);
        for wrong in [target([85, 98, 95]), target([85, 85, 98]), target([98, 95, 85]), dwell([8, 18, 36])] {
            let fields: Vec<_> = wrong.validate().into_iter().map(|(f, _)| f).collect();
            assert_eq!(fields, ["target"], "{wrong:?}");
        }
    }
}
