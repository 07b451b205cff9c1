//! The baseline of a gain share where another contract of the partner is in force in the period: the work of that time that
//! would be the clause's own in the period, so that like is compared with like (DOMAIN §4.2, gain share).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::facts::{Span, periods};
use super::scoped::is_within;
use super::{AccrualError, Group, Run};
use crate::app::refresh::apart::facts_apart;
use crate::db::Db;
use crate::domain::clause::Rule;
use crate::domain::measure::Measures;
use crate::domain::outcome::end_of_local_day;
use crate::domain::period::Period;
use crate::domain::rate::claim::LaneBook;

/// A clause by the place of its version and its own, and a period.
type Place = (usize, usize, Period);

/// What the baselines of such periods come to; periods that no other contract shares are missing.
#[derive(Default)]
pub(super) struct Before(BTreeMap<Place, Measures>);

/// One of them to be summed.
struct Asked {
    at: Place,
    /// The first day of the period that another contract shares: whose a fact is, is asked of it.
    shared: NaiveDate,
    days: Span,
}

impl Before {
    /// Reads them; where no two contracts are in force together, or no clause has a baseline, nothing is read.
    pub fn read(db: &mut Db, run: &Run, group: &Group) -> Result<Self, AccrualError> {
        let asked = asked(run, group);
        let mut days = BTreeSet::new();
        for (from, until) in asked.iter().map(|one| one.days) {
            days.extend(from.iter_days().take_while(|day| *day < until && *day <= run.as_of));
        }
        let mut found: BTreeMap<Place, Measures> =
            asked.iter().map(|one| (one.at, Measures::default())).collect();
        if days.is_empty() {
            return Ok(Self(found));
        }
        let books: Vec<LaneBook> =
            group.versions.iter().map(|version| LaneBook::of(&version.pricing.terms)).collect();
        let as_of = end_of_local_day(run.as_of, run.zone);
        facts_apart(db, group.partner_id, &days, as_of, |fact| {
            for one in asked.iter().filter(|one| one.days.0 <= fact.day && fact.day < one.days.1) {
                let (at_version, at_clause, _) = one.at;
                let clause = group.versions.get(at_version).and_then(|one| one.clauses.get(at_clause));
                let (Some(clause), Some(book)) = (clause, books.get(at_version)) else { continue };
                if group.beside.is_of(group.contract_id, one.shared, fact.what)
                    && is_within(&clause.terms.scope, book, &fact)
                {
                    *found.entry(one.at).or_default() += fact.sums;
                }
            }
        })?;
        Ok(Self(found))
    }

    /// That of a clause for a period; none where no other contract shares a day of the period.
    pub fn of(&self, at: Place) -> Option<&Measures> {
        self.0.get(&at)
    }
}

fn asked(run: &Run, group: &Group) -> Vec<Asked> {
    let mut asked = Vec::new();
    if group.beside.is_empty() {
        return asked;
    }
    for (at_version, version) in group.versions.iter().enumerate() {
        for (at_clause, clause) in version.clauses.iter().enumerate() {
            let Rule::PeriodThreshold(rule) = &clause.terms.rule else { continue };
            let Some(baseline) = rule.baseline() else { continue };
            for period in periods(rule.period, group.from, run.as_of) {
                let Some((from, until)) = version.span().within(period) else { continue };
                let counts = |day: &NaiveDate| {
                    version.credits_on(*day) && group.beside.shares(group.contract_id, *day)
                };
                let shared = from.iter_days().take_while(|day| *day < until).find(counts);
                if let Some((shared, days)) = shared.zip(baseline.days(period)) {
                    asked.push(Asked { at: (at_version, at_clause, period), shared, days });
                }
            }
        }
    }
    asked
}
