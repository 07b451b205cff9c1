//! All obligations of a contract, capped in order: per event, per clause and period, per contract and
//! period, per contract and calendar year (DOMAIN §4.3).
//!
//! Each cap is used up in order of (obligation instant, clause, shipment). When an earlier obligation
//! disappears, later ones may grow; so a contract is always evaluated whole.
//!
//! An amount that is agreed for a period counts by the days in force (DOMAIN §3.10), so the two halves of
//! a month that is amended in its middle come to one month together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::earn_back::{self, EarnBackFacts};
use super::in_force::PartOfPeriod;
use super::pickup;
use super::price::{self, LateEvent, PeriodFacts, Priced};
use super::rebate::{self, RebateFacts};
use super::volume::{self, VolumeFacts};
use super::{
    Cap, ClauseError, ClauseTerms, ContractCap, InForce, IncidentRule, Obligation, ObligationKey, Posted,
    Rule, Sign, VolumePromise,
};
use crate::domain::currency::Currency;
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::period::{Period, PeriodKind};
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
    /// Late shipments or missed pickups that no exclusion covers, in any order.
    pub events: &'a [LateEvent],
    /// Periods, in any order.
    pub periods: &'a [PeriodFacts],
    /// Periods of a volume promise, a rebate or an earn-back, in any order.
    pub special: &'a [SpecialFacts],
}

/// What a rule that measures no KPI against a threshold looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecialFacts {
    /// Of [`Rule::VolumeShortfall`].
    Volume(VolumeFacts),
    /// Of [`Rule::EarnBack`].
    EarnBack(EarnBackFacts),
    /// Of [`Rule::Rebate`].
    Rebate(RebateFacts),
}

impl SpecialFacts {
    /// The period they are about, when it ends, and the currency of what is owed.
    fn about(&self) -> (Period, DateTime<Utc>, Currency) {
        match self {
            Self::Volume(facts) => (facts.period, facts.closes_at, facts.currency),
            Self::EarnBack(facts) => (facts.period, facts.closes_at, facts.currency),
            Self::Rebate(facts) => (facts.period, facts.closes_at, facts.currency),
        }
    }
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
    /// Which cap took how much of it; they sum to `forgone`.
    pub cuts: Vec<Cut>,
    /// How it came about, in words.
    pub steps: Vec<String>,
    /// Local day of the obligation; the last day of a period.
    pub obligation_day: NaiveDate,
    /// The period the obligation is booked for.
    pub obligation_period: Period,
}

/// A cap, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapLevel {
    /// Of one shipment.
    Event,
    /// The highest of several failures of one load.
    Incident,
    /// What is at risk in a period, over all clauses of the pool.
    AtRisk,
    /// Of the clause in a period.
    Clause,
    /// Of the contract in a period.
    Contract,
    /// Of the contract in a calendar year.
    Annual,
}

impl CapLevel {
    /// In words: `cap per shipment`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Event => "cap per shipment",
            Self::Incident => "a higher credit for the same load",
            Self::AtRisk => "what is at risk in the pool",
            Self::Clause => "cap of the clause",
            Self::Contract => "limit over all clauses",
            Self::Annual => "limit of the year",
        }
    }
}

/// What one cap took from an obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which cap.
    pub level: CapLevel,
    /// How much.
    pub amount: Micros,
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
    /// What is at risk in its pool, by which share of the spend; none for a clause of no pool.
    at_risk: Option<(Bps, Micros)>,
}

/// A limit over several obligations: one clause in one period, or all clauses of one sign in one period.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pot {
    Clause(i64, i64, Period),
    Contract(Sign, Period),
    Annual(Sign, Period),
    AtRisk(i64, Sign, Period, Bps),
}

/// A cap in one period, with what it is measured by.
struct Limit<'a> {
    pot: Pot,
    level: CapLevel,
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
        keep_highest(&mut waiting);
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
            self.same_currency(key, event.currency, &event.reference)?;
            let digits = self.minor_digits;
            let priced = match &clause.terms.rule {
                Rule::LateDelivery(rule) => price::late_event(rule, event, digits),
                Rule::MissedPickup(rule) => pickup::price(rule, event, digits),
                _ => return Err(ClauseError::OtherKind { key }),
            };
            let priced = priced.map_err(too_large(key))?;
            let period = Period::containing(clause.terms.period_kind(), event.obligation_day);
            let target = target(key, clause.terms.sign, priced, event.obligation_day, period);
            let (at, counts_on) = (event.obligation_at, event.obligation_day);
            waiting.push(Waiting { target, at, counts_on, clause: *clause, at_risk: None });
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
            let at_risk = price::at_risk(rule, facts, self.minor_digits).map_err(too_large(key))?;
            waiting.push(Waiting { target, at: facts.closes_at, counts_on, clause: *clause, at_risk });
        }
        for facts in clause.special {
            let (period, at, currency) = facts.about();
            let key = key(Obligation::Period(period));
            if period.kind() != clause.terms.period_kind() {
                return Err(ClauseError::OtherPeriod { key, period });
            }
            self.same_currency(key, currency, &period.to_string())?;
            let priced = self.price_special(clause, key, facts)?;
            let target = target(key, clause.terms.sign, priced, period.last_day(), period);
            let counts_on = clause.in_force.last_day_in(period);
            waiting.push(Waiting { target, at, counts_on, clause: *clause, at_risk: None });
        }
        Ok(())
    }

    fn price_special(
        &self,
        clause: &ClauseCase<'_>,
        key: ObligationKey,
        facts: &SpecialFacts,
    ) -> Result<Priced, ClauseError> {
        let digits = self.minor_digits;
        match (&clause.terms.rule, facts) {
            (Rule::VolumeShortfall(promise), SpecialFacts::Volume(facts)) => {
                let part = PartOfPeriod::until(&[clause.in_force], facts.period, facts.known_until);
                let priced = volume::price(promise, clause.terms.sign, facts, part, digits);
                let number = match promise {
                    VolumePromise::OfContract(named) => named.number,
                    VolumePromise::Own(_) => 0,
                };
                let missing = ClauseError::NotThere { key, what: "volume commitment", number };
                priced.map_err(too_large(key))?.ok_or(missing)
            }
            (Rule::EarnBack(rule), SpecialFacts::EarnBack(facts)) => {
                earn_back::price(rule, facts, digits).map_err(too_large(key))
            }
            (Rule::Rebate(rule), SpecialFacts::Rebate(facts)) => rebate::price(rule, key, facts, digits),
            _ => Err(ClauseError::OtherKind { key }),
        }
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
        let own_days = [clause.in_force];
        let mut limits = vec![Limit {
            pot: Pot::Clause(key.contract_version_id, key.clause_id, target.obligation_period),
            level: CapLevel::Clause,
            cap: clause.terms.period_cap,
            period: target.obligation_period,
            in_force: &own_days,
            freight: clause.freight,
            name: "this clause",
        }];
        if target.sign.is_limited() {
            limits.extend(self.contract_limits(target.sign, waiting.counts_on));
        }
        let mut open = Vec::new();
        if let Some((share, most)) = waiting.at_risk {
            let pot = Pot::AtRisk(key.contract_version_id, target.sign, target.obligation_period, share);
            let room = *left.entry(pot).or_insert(most);
            if room < target.amount {
                let (all, left) = (words::amount(most), words::amount(room));
                target
                    .steps
                    .push(format!("At risk in {}: {all}, {left} left.", target.obligation_period.title()));
                target.cuts.push(Cut { level: CapLevel::AtRisk, amount: target.amount - room });
                target.amount = room;
            }
            open.push(pot);
        }
        for limit in limits {
            let part = PartOfPeriod::of(limit.in_force, limit.period);
            let Some(most) = self.most(key, &limit, part)? else { continue };
            let room = *left.entry(limit.pot).or_insert(most);
            if room < target.amount {
                target.steps.push(cap_step(&limit, part, most, room));
                target.cuts.push(Cut { level: limit.level, amount: target.amount - room });
                target.amount = room;
            }
            open.push(limit.pot);
        }
        // Only what all caps let through uses them up.
        for pot in open {
            left.entry(pot).and_modify(|room| *room = *room - target.amount);
        }
        target.forgone = target.uncapped - target.amount;
        let is_lower = target.cuts.iter().any(|cut| cut.level == CapLevel::Incident);
        if target.forgone > Micros::ZERO && !is_lower {
            target.steps.push(format!("Above the cap and not owed: {}.", words::amount(target.forgone)));
        }
        Ok(target)
    }

    /// The limit of the contract's period, then that of the year.
    fn contract_limits(&self, sign: Sign, counts_on: NaiveDate) -> [Limit<'_>; 2] {
        let ContractCap { period, cap, annual } = self.contract_cap;
        let (period, year) =
            (Period::containing(period, counts_on), Period::containing(PeriodKind::Year, counts_on));
        let limit = |pot, level, cap, period, name| Limit {
            pot,
            level,
            cap,
            period,
            in_force: &self.in_force,
            freight: self.freight,
            name,
        };
        [
            limit(Pot::Contract(sign, period), CapLevel::Contract, cap, period, "the contract"),
            limit(Pot::Annual(sign, year), CapLevel::Annual, annual, year, "the contract"),
        ]
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

/// What went wrong with one load under one contract version, however many of its clauses it fails.
type Incident = (i64, i64);

/// The incident of an obligation whose clause is to be the highest of several; none of any other.
fn incident_of(waiting: &Waiting<'_>) -> Option<Incident> {
    let key = waiting.target.key;
    match (key.of, waiting.clause.terms.incidents) {
        (Obligation::Event(shipment), IncidentRule::HighestOnly) => Some((key.contract_version_id, shipment)),
        _ => None,
    }
}

/// Of the clauses that say so, leaves one load only the one that comes to most; of equals the first by clause. What the others
/// would have come to is forgone. It is looked for before the caps over several obligations, so that the order in which those
/// are used up cannot decide which failure a load answers for.
fn keep_highest(waiting: &mut [Waiting<'_>]) {
    let mut highest: BTreeMap<Incident, (Micros, ObligationKey)> = BTreeMap::new();
    for w in waiting.iter() {
        let Some(incident) = incident_of(w) else { continue };
        let (amount, key) = (w.target.amount, w.target.key);
        let first = highest.entry(incident).or_insert((amount, key));
        if first.0 < amount || (first.0 == amount && key < first.1) {
            *first = (amount, key);
        }
    }
    for w in waiting {
        let Some(incident) = incident_of(w) else { continue };
        let other = highest.get(&incident).filter(|(_, key)| *key != w.target.key);
        let Some((amount, _)) = other.filter(|_| w.target.amount > Micros::ZERO) else { continue };
        w.target.steps.push(format!(
            "Another clause comes to {} for the same shipment, and only the highest counts: {} is forgone here.",
            words::amount(*amount),
            words::amount(w.target.amount)
        ));
        w.target.cuts.push(Cut { level: CapLevel::Incident, amount: w.target.amount });
        (w.target.amount, w.target.forgone) = (Micros::ZERO, w.target.uncapped);
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
    let forgone = priced.uncapped - priced.within_event;
    let cut = (forgone > Micros::ZERO).then_some(Cut { level: CapLevel::Event, amount: forgone });
    Target {
        key,
        sign,
        uncapped: priced.uncapped,
        amount: priced.within_event,
        forgone,
        cuts: cut.into_iter().collect(),
        steps: priced.steps,
        obligation_day,
        obligation_period,
    }
}

fn too_large(key: ObligationKey) -> impl Fn(OutOfRange) -> ClauseError {
    move |source| ClauseError::TooLarge { key, source }
}
