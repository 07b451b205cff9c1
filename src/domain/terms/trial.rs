//! One clause worked out on made-up facts: the calculator of a page, by the function that accrues.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Clause, Terms};
use crate::domain::clause::{
    BaselineFacts, CapGroup, ClauseCase, ClauseError, ContractCap, EarnBackFacts, InForce, LateEvent,
    PeriodFacts, RebateFacts, Rule, SpecialFacts, Target, TurnedDown, VolumeFacts, VolumePromise, closes_at,
};
use crate::domain::commitment::VolumeCommitment;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::tier::TierProgramme;

/// Most loads turned down that a trial makes up.
pub const TRIAL_LOADS_MAX: i64 = 100_000;

/// Largest whole number that a trial takes: far beyond any real count, and a price or a share of it still fits.
pub const TRIAL_WHOLE_MAX: i64 = 1_000_000_000_000;

/// Made-up facts to try one clause on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// One shipment, this many business days late.
    Late {
        /// Business days late.
        days: u32,
        /// Its linehaul, or all its freight, whichever the price is a share of.
        linehaul: Micros,
    },
    /// One shipment that was not picked up.
    MissedPickup,
    /// One period.
    Period {
        /// Units that met the KPI.
        numerator: i64,
        /// Units judged.
        denominator: i64,
        /// Spend of the period; also its freight.
        spend: Micros,
    },
    /// One period against a baseline.
    Savings {
        /// What it cost, in whole units of the currency.
        cost: i64,
        /// Units.
        units: i64,
        /// What a unit cost in the time of the baseline.
        baseline: Micros,
    },
    /// One period of offers, each load turned down with the same replacement.
    TurnedDown {
        /// Offers taken.
        accepted: i64,
        /// Offers judged; at most [`TRIAL_LOADS_MAX`] may have been turned down.
        offered: i64,
        /// What a replacement cost above the contract's price.
        above: Micros,
    },
    /// One whole period of a volume promise.
    Volume {
        /// Loads or spend that moved.
        moved: Micros,
        /// Loads the carrier turned down.
        turned_down: Micros,
    },
    /// Good periods after a credit, all alike.
    EarnBack {
        /// The settled credit before them.
        credit: Micros,
        /// Units that met the KPI in each.
        numerator: i64,
        /// Units judged in each.
        denominator: i64,
    },
    /// A year that still runs.
    Rebate {
        /// Spend so far.
        spend: Micros,
    },
}

/// The facts of a trial as a clause takes them.
#[derive(Default)]
struct MadeUp {
    events: Vec<LateEvent>,
    periods: Vec<PeriodFacts>,
    special: Vec<SpecialFacts>,
    freight: BTreeMap<Period, Micros>,
}

impl Terms {
    /// The volume commitment of the version that a clause names; none for other clauses, or where it is not there.
    #[must_use]
    pub fn volume_of(&self, clause: &Clause) -> Option<&VolumeCommitment> {
        let Rule::VolumeShortfall(VolumePromise::OfContract(named)) = &clause.terms.rule else { return None };
        numbered(&self.pricing.terms.volumes, named.number)
    }

    /// The tier programme of the version that a clause names; none for other clauses, or where it is not there.
    #[must_use]
    pub fn tier_of(&self, clause: &Clause) -> Option<&TierProgramme> {
        let Rule::Rebate(rule) = &clause.terms.rule else { return None };
        numbered(&self.pricing.terms.tiers, rule.number)
    }

    /// What `clause` would come to on made-up facts, with its own caps, without those over several clauses.
    ///
    /// # Errors
    /// [`ClauseError`] when the facts are of the other kind, or the terms contradict themselves.
    pub fn try_clause(&self, clause: &Clause, trial: Trial) -> Result<Option<Target>, ClauseError> {
        let mut terms = clause.terms.clone();
        if !matches!(trial, Trial::Period { .. } | Trial::Savings { .. }) {
            // The freight of a whole period is not among the made-up facts.
            terms.period_cap.share_of_freight = None;
        }
        let made_up = self.made_up(clause, trial);
        let case = ClauseCase {
            contract_version_id: self.version_id,
            clause_id: clause.id,
            terms: &terms,
            in_force: InForce::ALWAYS,
            freight: &made_up.freight,
            events: &made_up.events,
            periods: &made_up.periods,
            special: &made_up.special,
        };
        let group = CapGroup {
            currency: self.currency,
            minor_digits: self.currency.minor_digits(),
            contract_cap: ContractCap::default(),
            in_force: vec![InForce::ALWAYS],
            freight: &made_up.freight,
            clauses: vec![case],
        };
        Ok(group.evaluate()?.into_iter().next())
    }

    fn made_up(&self, clause: &Clause, trial: Trial) -> MadeUp {
        let period = Period::containing(clause.terms.period_kind(), self.valid_from);
        let (closes, currency) = (closes_at(period, chrono_tz::UTC), self.currency);
        let counted = |period: Period, numerator: i64, denominator: i64, spend: Micros| PeriodFacts {
            period,
            closes_at: closes_at(period, chrono_tz::UTC),
            numerator: Decimal::from(numerator),
            denominator: Decimal::from(denominator),
            units: denominator,
            spend,
            currency,
            turned_down: Vec::new(),
            baseline: None,
        };
        let mut made_up = MadeUp::default();
        match trial {
            Trial::Late { days, linehaul } => made_up.events.push(LateEvent {
                partner_id: self.partner_id,
                shipment_id: 0,
                reference: "One shipment".to_owned(),
                obligation_day: period.start(),
                obligation_at: closes,
                late_business_days: days,
                linehaul,
                freight: linehaul,
                currency,
                pickup_due: None,
            }),
            Trial::MissedPickup => made_up.events.push(LateEvent {
                partner_id: self.partner_id,
                shipment_id: 0,
                reference: "One shipment".to_owned(),
                obligation_day: period.start(),
                obligation_at: closes,
                late_business_days: 0,
                linehaul: Micros::ZERO,
                freight: Micros::ZERO,
                currency,
                pickup_due: None,
            }),
            Trial::Period { numerator, denominator, spend } => {
                made_up.freight.insert(period, spend);
                made_up.periods.push(counted(period, numerator, denominator, spend));
            }
            Trial::Savings { cost, units, baseline } => {
                let spend = Micros::from_decimal(Decimal::from(cost)).unwrap_or_default();
                made_up.freight.insert(period, spend);
                let known = BaselineFacts { numerator: baseline.decimal(), denominator: Decimal::ONE };
                let facts = counted(period, cost, units, spend);
                made_up.periods.push(PeriodFacts { baseline: Some(known), ..facts });
            }
            Trial::TurnedDown { accepted, offered, above } => {
                let missed = offered.saturating_sub(accepted).clamp(0, TRIAL_LOADS_MAX);
                let load = |tender_id| TurnedDown { sent_at: closes, tender_id, above: Some(above) };
                let turned_down = (0..missed).map(load).collect();
                let facts = counted(period, accepted, offered, Micros::ZERO);
                made_up.periods.push(PeriodFacts { turned_down, ..facts });
            }
            Trial::Volume { moved, turned_down } => made_up.special.push(SpecialFacts::Volume(VolumeFacts {
                period,
                closes_at: closes,
                promised: self.volume_of(clause).cloned(),
                known_until: period.end(),
                moved,
                turned_down,
                lost_days: 0,
                currency,
            })),
            Trial::EarnBack { credit, numerator, denominator } => {
                let run = match &clause.terms.rule {
                    Rule::EarnBack(rule) => rule.run(period),
                    _ => Vec::new(),
                };
                let run = run.into_iter().map(|one| counted(one, numerator, denominator, Micros::ZERO));
                made_up.special.push(SpecialFacts::EarnBack(EarnBackFacts {
                    period,
                    closes_at: closes,
                    run: run.collect(),
                    credit,
                    currency,
                }));
            }
            Trial::Rebate { spend } => made_up.special.push(SpecialFacts::Rebate(RebateFacts {
                period,
                closes_at: closes,
                programme: self.tier_of(clause).cloned(),
                spend,
                measured: spend,
                is_over: false,
                currency,
            })),
        }
        made_up
    }
}

fn numbered<T>(list: &[T], number: u32) -> Option<&T> {
    list.get(usize::try_from(number.checked_sub(1)?).ok()?)
}
