//! All obligations of a contract, capped in order: per event, per clause and period, per contract and
//! period (DOMAIN §4.3).
//!
//! Each cap is used up in order of (obligation instant, clause, shipment). When an earlier obligation
//! disappears, later ones may grow; so a contract is always evaluated whole.
//!
//! An amount that is agreed for a period counts by the days in force (DOMAIN §3.10), so the two halves of
//! a month that is amended in its middle come to one month together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::in_force::PartOfPeriod;
use super::price::{self, LateEvent, PeriodFacts, Priced};
use super::{
    Cap, ClauseError, ClauseTerms, ContractCap, InForce, Obligation, ObligationKey, Posted, Rule, Sign,
};
use crate::domain::currency::Currency;
use crate::domain::money::{Micros, OutOfRange};
use crate::domain::period::Period;
use crate::domain::words;

/// One clause with the facts it prices. Leave `events` or `periods` empty for the other kind.
#[derive(Clone, Copy, Debug)]
pub struct ClauseCase<'a> {
    /// Contract version the clause belongs to.
    pub contract_version_id: i64,
    /// The clause.
    pub clause_id: i64,
    /// Its terms.
    pub terms: &'a ClauseTerms,
    /// The days on which the version holds; facts are of these days.
    pub in_force: InForce,
    /// The contract's freight of these days by period, for a cap of the clause that is a share of it.
    pub freight: &'a BTreeMap<Period, Micros>,
    /// Late shipments that no exclusion covers, in any order.
    pub events: &'a [LateEvent],
    /// Periods, in any order.
    pub periods: &'a [PeriodFacts],
}

/// Everything that shares the caps of one contract: all its clauses and all periods the caps reach over.
///
/// To evaluate June alone, pass all facts of June, of the month and quarter its caps count in.
#[derive(Clone, Debug)]
pub struct CapGroup<'a> {
    /// The contract's currency.
    pub currency: Currency,
    /// Decimal places of the currency ([`Currency::minor_digits`]).
    pub minor_digits: u32,
    /// The limit over all clauses.
    pub contract_cap: ContractCap,
    /// The days on which the limit holds: those of all versions that share it.
    pub in_force: Vec<InForce>,
    /// The contract's freight of these days by period, for a limit that is a share of it.
    pub freight: &'a BTreeMap<Period, Micros>,
    /// The clauses, in any order.
    pub clauses: Vec<ClauseCase<'a>>,
}

/// What an obligation comes to, from the facts as known now. Amounts are never negative; the sign says
/// who owes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The obligation.
    pub key: ObligationKey,
    /// Who owes.
    pub sign: Sign,
    /// By the price alone.
    pub uncapped: Micros,
    /// What is owed.
    pub amount: Micros,
    /// What the caps took: `uncapped − amount`.
    pub forgone: Micros,
    /// How it came about, in words.
    pub steps: Vec<String>,
    /// Local day of the obligation; the last day of a period.
    pub obligation_day: NaiveDate,
    /// The period the obligation is booked for.
    pub obligation_period: Period,
}

impl Target {
    /// The ledger's side of an obligation that has no entry: what [`deltas`](super::deltas) takes when an
    /// obligation was evaluated and nothing came of it.
    #[must_use]
    pub fn unposted(&self) -> Posted {
        Posted {
            amount: Micros::ZERO,
            uncapped: Some(self.uncapped),
            sign: self.sign,
            obligation_period: self.obligation_period,
            obligation_day: self.obligation_day,
        }
    }
}

/// An obligation on its way through the caps.
struct Waiting<'a> {
    target: Target,
    at: DateTime<Utc>,
    /// The day that says in which of the contract's periods it counts: one on which the version holds.
    counts_on: NaiveDate,
    clause: ClauseCase<'a>,
}

/// A limit over several obligations: one clause in one period, or all clauses of one sign in one period.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pot {
    Clause(i64, i64, Period),
    Contract(Sign, Period),
}

/// A cap in one period, with what it is measured by.
struct Limit<'a> {
    pot: Pot,
    cap: Cap,
    period: Period,
    in_force: &'a [InForce],
    freight: &'a BTreeMap<Period, Micros>,
    name: &'static str,
}

impl CapGroup<'_> {
    /// The target of every obligation, in the order in which caps are used up. The order of the input
    /// does not matter.
    ///
    /// # Errors
    /// [`ClauseError`]: invalid terms, another currency, an obligation twice, unknown freight.
    pub fn evaluate(&self) -> Result<Vec<Target>, ClauseError> {
        let mut waiting = Vec::new();
        for clause in &self.clauses {
            self.price_clause(clause, &mut waiting)?;
        }
        let mut seen = BTreeSet::new();
        if let Some(again) = waiting.iter().find(|w| !seen.insert(w.target.key)) {
            return Err(ClauseError::Twice { key: again.target.key });
        }
        waiting.sort_by_key(|w| (w.at, w.target.key.clause_id, w.target.key.of, w.target.key));
        let mut left = BTreeMap::new();
        waiting.into_iter().map(|w| self.cap_one(w, &mut left)).collect()
    }

    fn price_clause<'a>(
        &self,
        clause: &ClauseCase<'a>,
        waiting: &mut Vec<Waiting<'a>>,
    ) -> Result<(), ClauseError> {
        if let Some((field, message)) = clause.terms.validate().into_iter().next() {
            let (contract_version_id, clause_id) = (clause.contract_version_id, clause.clause_id);
            return Err(ClauseError::Invalid { contract_version_id, clause_id, field, message });
        }
        let key = |of| ObligationKey {
            contract_version_id: clause.contract_version_id,
            clause_id: clause.clause_id,
            of,
        };
        for event in clause.events {
            let key = key(Obligation::Event(event.shipment_id));
            let Rule::LateDelivery(rule) = &clause.terms.rule else {
                return Err(ClauseError::OtherKind { key });
            };
            self.same_currency(key, event.currency, &event.reference)?;
            let priced = price::late_event(rule, event, self.minor_digits).map_err(too_large(key))?;
            let period = Period::containing(rule.period, event.obligation_day);
            let target = target(key, clause.terms.sign, priced, event.obligation_day, period);
            let (at, counts_on) = (event.obligation_at, event.obligation_day);
            waiting.push(Waiting { target, at, counts_on, clause: *clause });
        }
        for facts in clause.periods {
            let key = key(Obligation::Period(facts.period));
            let Rule::PeriodThreshold(rule) = &clause.terms.rule else {
                return Err(ClauseError::OtherKind { key });
            };
            if facts.period.kind() != rule.period {
                return Err(ClauseError::OtherPeriod { key, period: facts.period });
            }
            self.same_currency(key, facts.currency, &facts.period.to_string())?;
            let sign = clause.terms.sign;
            let part = PartOfPeriod::of(&[clause.in_force], facts.period);
            let priced = price::period(rule, sign, facts, part, self.minor_digits).map_err(too_large(key))?;
            let target = target(key, sign, priced, facts.period.last_day(), facts.period);
            let counts_on = clause.in_force.last_day_in(facts.period);
            waiting.push(Waiting { target, at: facts.closes_at, counts_on, clause: *clause });
        }
        Ok(())
    }

    fn same_currency(&self, key: ObligationKey, got: Currency, what: &str) -> Result<(), ClauseError> {
        let want = self.currency;
        if got == want {
            return Ok(());
        }
        Err(ClauseError::OtherCurrency { key, what: what.to_owned(), got, want })
    }

    /// Takes one obligation's amount out of what its two pots have left.
    fn cap_one(&self, waiting: Waiting<'_>, left: &mut BTreeMap<Pot, Micros>) -> Result<Target, ClauseError> {
        let mut target = waiting.target;
        let key = target.key;
        let clause = waiting.clause;
        let limits = [
            Limit {
                pot: Pot::Clause(key.contract_version_id, key.clause_id, target.obligation_period),
                cap: clause.terms.period_cap,
                period: target.obligation_period,
                in_force: &[clause.in_force],
                freight: clause.freight,
                name: "this clause",
            },
            self.contract_limit(target.sign, waiting.counts_on),
        ];
        let mut open = Vec::new();
        for limit in limits {
            let part = PartOfPeriod::of(limit.in_force, limit.period);
            let Some(most) = self.most(key, &limit, part)? else { continue };
            let room = *left.entry(limit.pot).or_insert(most);
            if room < target.amount {
                target.steps.push(cap_step(&limit, part, most, room));
                target.amount = room;
            }
            open.push(limit.pot);
        }
        // Only what all caps let through uses them up.
        for pot in open {
            left.entry(pot).and_modify(|room| *room = *room - target.amount);
        }
        target.forgone = target.uncapped - target.amount;
        if target.forgone > Micros::ZERO {
            target.steps.push(format!("Above the cap and not owed: {}.", words::amount(target.forgone)));
        }
        Ok(target)
    }

    fn contract_limit(&self, sign: Sign, counts_on: NaiveDate) -> Limit<'_> {
        let period = Period::containing(self.contract_cap.period, counts_on);
        Limit {
            pot: Pot::Contract(sign, period),
            cap: self.contract_cap.cap,
            period,
            in_force: &self.in_force,
            freight: self.freight,
            name: "the contract",
        }
    }

    /// The lower of a cap's two limits, an amount by the days in force; none when the cap sets no limit.
    fn most(
        &self,
        key: ObligationKey,
        limit: &Limit<'_>,
        part: PartOfPeriod,
    ) -> Result<Option<Micros>, ClauseError> {
        let Limit { cap, period, .. } = *limit;
        let by_days = |amount| part.of_amount(amount, self.minor_digits);
        let mut most = cap.amount.map(by_days).transpose().map_err(too_large(key))?;
        if let Some(share) = cap.share_of_freight {
            let freight = limit.freight.get(&period).ok_or(ClauseError::NoFreight { key, period })?;
            let of_freight = share.fraction() * (*freight).max(Micros::ZERO).decimal();
            let of_freight = Micros::charge(of_freight, self.minor_digits).map_err(too_large(key))?;
            most = Some(most.map_or(of_freight, |amount| amount.min(of_freight)));
        }
        Ok(most)
    }
}

fn cap_step(limit: &Limit<'_>, part: PartOfPeriod, most: Micros, room: Micros) -> String {
    let held = part.words().map(|days| format!(", in force on {days}")).unwrap_or_default();
    let (name, period) = (limit.name, limit.period.title());
    format!("Cap of {name} for {period}{held}: {}, {} left.", words::amount(most), words::amount(room))
}

fn target(
    key: ObligationKey,
    sign: Sign,
    priced: Priced,
    obligation_day: NaiveDate,
    obligation_period: Period,
) -> Target {
    Target {
        key,
        sign,
        uncapped: priced.uncapped,
        amount: priced.within_event,
        forgone: priced.uncapped - priced.within_event,
        steps: priced.steps,
        obligation_day,
        obligation_period,
    }
}

fn too_large(key: ObligationKey) -> impl Fn(OutOfRange) -> ClauseError {
    move |source| ClauseError::TooLarge { key, source }
}
