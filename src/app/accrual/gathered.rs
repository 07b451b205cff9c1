//! The facts of a group, gathered once, and what its clauses make of them: also with other terms, for a simulation.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, UNREPORTED_DAYS_MAX};
use crate::db::ledger::Standing;
use crate::domain::clause::{
    CapGroup, ClauseCase, ClauseError, EarnBackFacts, LateEvent, Obligation, ObligationKey, PeriodFacts,
    Rule, Sign, SpecialFacts, Target,
};
use crate::domain::ledger::ItemState;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// Which credits count as agreed, so that they can be earned back.
#[derive(Clone, Copy)]
pub(super) enum Agreed<'a> {
    /// Those that both sides agreed on or that are settled, as booked.
    Booked(&'a Standing),
    /// All that the clauses come to: nothing is booked in a replay.
    AllOfThem,
}

/// One clause with the facts it prices.
#[derive(Default)]
pub(super) struct GatheredCase {
    /// Its version, counted from 0 in the group.
    pub at_version: usize,
    /// The clause, counted from 0 in the version.
    pub at_clause: usize,
    pub events: Vec<LateEvent>,
    pub periods: Vec<PeriodFacts>,
    pub special: Vec<SpecialFacts>,
    /// What its facts come to in all, where the clause is about a part of them or judges them otherwise than the house.
    pub sums: Option<Measures>,
}

/// Everything the clauses of a group are priced by.
#[derive(Default)]
pub(super) struct Gathered {
    pub cases: Vec<GatheredCase>,
    /// The freight of each version's days.
    pub version_freight: Vec<BTreeMap<Period, Micros>>,
    /// The freight of the days on which the limit holds.
    pub freight: BTreeMap<Period, Micros>,
    /// Late shipments of which no delivery is reported.
    pub unreported: BTreeSet<i64>,
    /// Late shipments that wait for their linehaul charge.
    pub unpriced: BTreeSet<i64>,
    /// Late shipments that no contract alone claims, told with the first of the contracts in force together.
    pub unclaimed: BTreeSet<i64>,
    /// What is to be said first of some obligations.
    pub remarks: BTreeMap<ObligationKey, &'static str>,
    /// Why nothing is owed for some late shipments that have no event.
    pub gone: BTreeMap<ObligationKey, &'static str>,
}

impl Gathered {
    /// What all obligations come to under the terms of `group`, which has the versions and clauses the facts were
    /// gathered for.
    pub fn evaluate(&self, group: &Group, agreed: Agreed<'_>) -> Result<Vec<Target>, ClauseError> {
        let mut special = self.cases.iter().flat_map(|case| &case.special);
        let earns_back = special.any(|facts| matches!(facts, SpecialFacts::EarnBack(_)));
        let mut targets = if !earns_back {
            self.priced(group, &|_, _| Micros::ZERO)?
        } else {
            let codes = codes(group);
            let credits = match agreed {
                Agreed::Booked(standing) => booked_credits(&codes, standing),
                Agreed::AllOfThem => {
                    let first = self.priced(group, &|_, _| Micros::ZERO)?;
                    let credits = first.iter().filter(|target| target.sign == Sign::Penalty);
                    sums(&codes, credits.map(|one| (one.key, one.obligation_period, one.amount)))
                }
            };
            self.priced(group, &|code, period| {
                credits.get(&(code.to_owned(), period)).copied().unwrap_or_default()
            })?
        };
        let clauses = group.versions.iter().flat_map(|version| &version.clauses);
        let late = clauses.filter(|clause| matches!(clause.terms.rule, Rule::LateDelivery(_)));
        let late: BTreeSet<i64> = late.map(|clause| clause.id).collect();
        for target in &mut targets {
            if let Some(remark) = self.remarks.get(&target.key) {
                target.steps.insert(0, (*remark).to_owned());
            }
            let of_delivery = late.contains(&target.key.clause_id);
            if matches!(target.key.of, Obligation::Event(id) if of_delivery && self.unreported.contains(&id))
            {
                let step = format!(
                    "No delivery is reported; at most {UNREPORTED_DAYS_MAX} business days count until it is."
                );
                target.steps.insert(0, step);
            }
        }
        Ok(targets)
    }

    /// What the facts of a clause come to, where it is about a part of them or judges them otherwise than the house.
    pub fn sums_of(&self, group: &Group, code: &str) -> Option<&Measures> {
        let is_it = |case: &&GatheredCase| {
            let version = group.versions.get(case.at_version);
            version
                .and_then(|version| version.clauses.get(case.at_clause))
                .is_some_and(|one| one.code == code)
        };
        self.cases.iter().find(is_it).and_then(|case| case.sums.as_ref())
    }

    /// Prices with what `credit` says of the credits of a clause in a period.
    fn priced(
        &self,
        group: &Group,
        credit: &dyn Fn(&str, Period) -> Micros,
    ) -> Result<Vec<Target>, ClauseError> {
        let special: Vec<Vec<SpecialFacts>> =
            self.cases.iter().map(|case| with_credit(group, case, credit)).collect();
        let mut clauses = Vec::new();
        for (case, special) in self.cases.iter().zip(&special) {
            let Some(version) = group.versions.get(case.at_version) else { continue };
            let Some(clause) = version.clauses.get(case.at_clause) else { continue };
            let Some(freight) = self.version_freight.get(case.at_version) else { continue };
            clauses.push(ClauseCase {
                contract_version_id: version.version_id,
                clause_id: clause.id,
                terms: &clause.terms,
                in_force: version.span(),
                freight,
                events: &case.events,
                periods: &case.periods,
                special,
            });
        }
        let cap_group = CapGroup {
            currency: group.currency,
            minor_digits: group.currency.minor_digits(),
            contract_cap: group.cap,
            in_force: group.in_force.clone(),
            freight: &self.freight,
            clauses,
        };
        cap_group.evaluate()
    }
}

/// The numbers that people cite, by clause id.
fn codes(group: &Group) -> BTreeMap<i64, String> {
    let clauses = group.versions.iter().flat_map(|version| &version.clauses);
    clauses.map(|clause| (clause.id, clause.code.clone())).collect()
}

type Credits = BTreeMap<(String, Period), Micros>;

fn sums(
    codes: &BTreeMap<i64, String>,
    credits: impl Iterator<Item = (ObligationKey, Period, Micros)>,
) -> Credits {
    let mut sums = Credits::new();
    for (key, period, amount) in credits {
        let Some(code) = codes.get(&key.clause_id) else { continue };
        let sum = sums.entry((code.clone(), period)).or_default();
        *sum = *sum + amount;
    }
    sums
}

/// What stands in the ledger of credits that are agreed or settled, without what decisions on disputes gave up: nobody earns
/// back what was never paid.
fn booked_credits(codes: &BTreeMap<i64, String>, standing: &Standing) -> Credits {
    let agreed = standing
        .accruals
        .iter()
        .filter(|(_, row)| matches!(row.state, ItemState::Agreed | ItemState::Settled));
    let amounts = agreed.filter_map(|(key, row)| {
        let posted = standing.posted.get(key).filter(|posted| posted.sign == Sign::Penalty)?;
        let given_up = standing.beside.get(key).map_or(Micros::ZERO, |beside| beside.given_up);
        Some((*key, row.period, (posted.amount - given_up).max(Micros::ZERO)))
    });
    sums(codes, amounts)
}

fn with_credit(
    group: &Group,
    case: &GatheredCase,
    credit: &dyn Fn(&str, Period) -> Micros,
) -> Vec<SpecialFacts> {
    let clause = group.versions.get(case.at_version).and_then(|version| version.clauses.get(case.at_clause));
    let Some(Rule::EarnBack(rule)) = clause.map(|clause| &clause.terms.rule) else {
        return case.special.clone();
    };
    let filled = |facts: &SpecialFacts| match facts {
        SpecialFacts::EarnBack(facts) => {
            let credit = credit(&rule.of_clause, rule.credit_period(facts.period));
            SpecialFacts::EarnBack(EarnBackFacts { credit, ..facts.clone() })
        }
        other => other.clone(),
    };
    case.special.iter().map(filled).collect()
}
