//! What volume promises, earn-backs and rebates look at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::facts::{periods, total};
use super::{AccrualError, Group, Run};
use crate::db::declared_event::declared_events_standing;
use crate::db::{Db, DbError};
use crate::domain::clause::{
    EarnBack, EarnBackFacts, PeriodFacts, RebateFacts, Rule, SpecialFacts, VolumeFacts, VolumePromise,
    closes_at,
};
use crate::domain::commitment::VolumeMeasure;
use crate::domain::geo::GeoSelector;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::{Clause, Terms};

/// Days on which nothing could be brought: an event was declared and approved for all the partner's work, everywhere.
/// A narrower event leaves work to do, so it takes no day.
pub(super) fn lost_days(db: &mut Db, group: &Group) -> Result<BTreeSet<NaiveDate>, DbError> {
    let clauses = || group.versions.iter().flat_map(|version| &version.clauses);
    if !clauses().any(|clause| matches!(clause.terms.rule, Rule::VolumeShortfall(_))) {
        return Ok(BTreeSet::new());
    }
    let events = declared_events_standing(db)?.into_iter().filter(|event| {
        let everywhere = event.scope.places.contains(&GeoSelector::Any);
        everywhere && event.scope.modes.is_empty() && event.is_about(group.partner_id, "")
    });
    Ok(events
        .flat_map(|event| event.first_day.iter_days().take_while(move |day| *day <= event.last_day))
        .collect())
}

/// What every clause of a group looks at alike.
pub(super) struct Look<'a> {
    pub run: &'a Run,
    pub group: &'a Group,
    pub lost: BTreeSet<NaiveDate>,
}

type Sums = BTreeMap<NaiveDate, Measures>;

impl Look<'_> {
    /// The facts of a clause of a version from the sums of what it is about.
    pub fn special_facts(
        &self,
        version: &Terms,
        clause: &Clause,
        days: &Sums,
    ) -> Result<Vec<SpecialFacts>, AccrualError> {
        Ok(match &clause.terms.rule {
            Rule::VolumeShortfall(promise) => self.volumes(version, clause, promise, days),
            Rule::EarnBack(rule) => self.earn_backs(version, clause, rule, days)?,
            Rule::Rebate(_) => self.rebates(version, clause, days),
            Rule::LateDelivery(_) | Rule::MissedPickup(_) | Rule::PeriodThreshold(_) => Vec::new(),
        })
    }

    fn volumes(
        &self,
        version: &Terms,
        clause: &Clause,
        promise: &VolumePromise,
        days: &Sums,
    ) -> Vec<SpecialFacts> {
        let promised = version.volume_of(clause);
        let measure = match promise {
            VolumePromise::Own(own) => own.measure,
            VolumePromise::OfContract(_) => promised.map_or(VolumeMeasure::Loads, |volume| volume.measure),
        };
        let known_until = self.run.as_of.succ_opt().unwrap_or(self.run.as_of);
        let mut facts = Vec::new();
        for period in periods(promise.period(), self.group.from, self.run.as_of) {
            let Some((from, until)) = version.span().within(period) else { continue };
            let span = (from, until.min(known_until));
            let sum = total(days, span, |day| version.credits_on(day));
            let moved = match measure {
                VolumeMeasure::Spend => Micros(sum.freight.numerator),
                VolumeMeasure::Loads | VolumeMeasure::Weight => whole(sum.shipments),
            };
            // Days on which the version rests promise nothing either.
            let lost = |day: &NaiveDate| self.lost.contains(day) || !version.credits_on(*day);
            let lost_days = span.0.iter_days().take_while(|day| *day < span.1).filter(lost).count();
            facts.push(SpecialFacts::Volume(VolumeFacts {
                period,
                closes_at: closes_at(period, self.run.zone),
                promised: promised.cloned(),
                known_until,
                moved,
                turned_down: whole(sum.tender.late.saturating_add(sum.tender.no_evidence)),
                lost_days: i64::try_from(lost_days).unwrap_or(i64::MAX),
                currency: version.currency,
            }));
        }
        facts
    }

    /// Of every period that is over: what is good is not known before.
    fn earn_backs(
        &self,
        version: &Terms,
        clause: &Clause,
        rule: &EarnBack,
        days: &Sums,
    ) -> Result<Vec<SpecialFacts>, AccrualError> {
        let kpi: Kpi =
            rule.kpi.parse().map_err(|source| AccrualError::Kpi { clause: clause.code.clone(), source })?;
        let known = |period: Period| {
            let rests = |day| version.in_force(day) && !version.credits_on(day);
            let sum = total(days, (period.start(), period.end()), |day| !rests(day));
            PeriodFacts::of(kpi, &sum, (period, self.run.zone), version.currency)
        };
        let over = periods(rule.period, self.group.from, self.run.as_of)
            .filter(|period| period.last_day() <= self.run.as_of && version.in_force(period.last_day()));
        let facts = over.map(|period| {
            SpecialFacts::EarnBack(EarnBackFacts {
                period,
                closes_at: closes_at(period, self.run.zone),
                run: rule.run(period).into_iter().map(known).collect(),
                credit: Micros::ZERO,
                currency: version.currency,
            })
        });
        Ok(facts.collect())
    }

    fn rebates(&self, version: &Terms, clause: &Clause, days: &Sums) -> Vec<SpecialFacts> {
        let mut facts = Vec::new();
        for period in periods(PeriodKind::Year, self.group.from, self.run.as_of) {
            let Some(span) = version.span().within(period) else { continue };
            let spend = Micros(total(days, span, |day| version.credits_on(day)).freight.numerator);
            let all = self.group.in_force.iter().filter_map(|span| span.within(period));
            let measured = all.map(|span| Micros(total(days, span, |_| true).freight.numerator)).sum();
            facts.push(SpecialFacts::Rebate(RebateFacts {
                period,
                closes_at: closes_at(period, self.run.zone),
                programme: version.tier_of(clause).cloned(),
                spend,
                measured,
                is_over: period.last_day() <= self.run.as_of,
                currency: version.currency,
            }));
        }
        facts
    }
}

fn whole(n: i64) -> Micros {
    Micros::from_decimal(Decimal::from(n)).unwrap_or_default()
}
