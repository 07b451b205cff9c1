//! The part of a contract's work that a clause with a scope is about: its facts one by one, summed by day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{AccrualError, Group, Run};
use crate::app::refresh::apart::{Fact, facts_apart};
use crate::db::Db;
use crate::domain::clause::ClauseScope;
use crate::domain::measure::Measures;
use crate::domain::outcome::end_of_local_day;
use crate::domain::rate::claim::LaneBook;

/// What is in one scope.
#[derive(Default)]
pub(super) struct Part {
    /// Its sums by day.
    pub days: BTreeMap<NaiveDate, Measures>,
    /// Shipments due on those days.
    pub shipments: BTreeSet<i64>,
}

/// Every scope of a group, by the place of the version and what the scope names.
pub(super) struct Scoped(BTreeMap<(usize, ClauseScope), Part>);

impl Scoped {
    /// Sums the facts of every scope; where no clause has one, nothing is read. On days that another contract is in
    /// force beside, only what is this contract's own counts.
    pub fn read(db: &mut Db, run: &Run, group: &Group, from: NaiveDate) -> Result<Self, AccrualError> {
        let mut parts: BTreeMap<(usize, ClauseScope), Part> = BTreeMap::new();
        for (at, version) in group.versions.iter().enumerate() {
            let scopes = version.clauses.iter().map(|clause| &clause.terms.scope);
            for scope in scopes.filter(|scope| !scope.is_everything()) {
                parts.insert((at, scope.clone()), Part::default());
            }
        }
        if parts.is_empty() {
            return Ok(Self(parts));
        }
        let books: Vec<LaneBook> =
            group.versions.iter().map(|version| LaneBook::of(&version.pricing.terms)).collect();
        let days: BTreeSet<NaiveDate> = from.iter_days().take_while(|day| *day <= run.as_of).collect();
        let as_of = end_of_local_day(run.as_of, run.zone);
        facts_apart(db, group.partner_id, &days, as_of, |fact| {
            if !group.beside.is_of(group.contract_id, fact.day, fact.what) {
                return;
            }
            for ((at, scope), part) in &mut parts {
                let lane = books.get(*at).and_then(|book| book.claim(fact.what));
                if !scope.holds(lane, fact.mode, fact.what.service) {
                    continue;
                }
                *part.days.entry(fact.day).or_default() += fact.sums;
                if let Fact::Delivery(shipment_id) = fact.fact {
                    part.shipments.insert(shipment_id);
                }
            }
        })?;
        Ok(Self(parts))
    }

    /// What is in the scope of a clause of a version; none for one that is about everything.
    pub fn of(&self, at_version: usize, scope: &ClauseScope) -> Option<&Part> {
        if scope.is_everything() {
            return None;
        }
        self.0.get(&(at_version, scope.clone()))
    }
}
