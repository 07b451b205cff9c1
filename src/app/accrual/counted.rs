//! Which facts of a partner a contract version counts in a period: those of the days on which it credits anything and, where
//! another contract is in force too, only its own. A credit's page and the list behind it read it alike.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::new_lanes::NewLanes;
use super::replaced::Tenders;
use super::scoped::Lens;
use crate::app::refresh::apart::{Fact, facts_apart};
use crate::db::contract::{terms_between, terms_load};
use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::claim::Claimants;
use crate::domain::measure::Measures;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::rate::claim::LaneBook;
use crate::domain::viewer::Viewer;

/// What a version counts in a period.
#[derive(Clone, Debug)]
pub struct Counted {
    /// `C-1, version 2`.
    pub title: String,
    /// The version.
    pub version_id: i64,
    /// The clause, where it is of one.
    pub clause_id: Option<i64>,
    /// Whose.
    pub partner_id: i64,
    /// Days on which the version credits anything.
    days: BTreeSet<NaiveDate>,
    /// Those of them of which not every fact counts: another contract is in force too, or the clause is about a part of the work.
    apart: BTreeSet<NaiveDate>,
    /// Its own facts of those, and what they come to.
    own: BTreeSet<(NaiveDate, Fact)>,
    own_sums: Measures,
    /// Whether the clause judges facts otherwise than the house.
    anew: bool,
    /// What it makes of those that it judges otherwise.
    otherwise: BTreeMap<(NaiveDate, Fact), Measures>,
    /// Offers turned down that the clause prices one by one.
    pub(in crate::app) turned_down: Tenders,
}

impl Counted {
    /// Reads it as known at `as_of`, of a clause with its scope or of the whole version; none when there is no such version, or
    /// the viewer may not see it.
    ///
    /// # Errors
    /// The database's reason.
    pub fn read(
        db: &mut Db,
        viewer: &Viewer,
        (version_id, clause_id): (i64, Option<i64>),
        period: Period,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Self>, DbError> {
        let Some(terms) = terms_load(db, viewer, version_id)? else { return Ok(None) };
        let today = local_day(as_of, reporting_zone(db)?);
        let days: BTreeSet<NaiveDate> = period
            .start()
            .iter_days()
            .take_while(|day| *day < period.end() && *day <= today)
            .filter(|day| terms.credits_on(*day))
            .collect();
        let all = terms_between(db, &Viewer::system(), terms.partner_id, NaiveDate::MIN, NaiveDate::MAX)?;
        let claimants = Claimants::of(&all);
        let clause = terms.clauses.iter().find(|clause| Some(clause.id) == clause_id);
        let lens = clause.and_then(|clause| Lens::of(&clause.terms));
        let book = LaneBook::of(&terms.pricing.terms);
        let is_apart = |day: &NaiveDate| lens.is_some() || claimants.shares(terms.contract_id, *day);
        let apart = days.iter().copied().filter(is_apart).collect();
        let mut counted = Self {
            title: format!("{}, version {}", terms.number, terms.version_no),
            version_id,
            clause_id,
            partner_id: terms.partner_id,
            days,
            apart,
            own: BTreeSet::new(),
            own_sums: Measures::default(),
            anew: clause.is_some_and(|clause| clause.terms.judges_anew()),
            otherwise: BTreeMap::new(),
            turned_down: Tenders::new(),
        };
        let exclusions = clause.iter().map(|clause| &clause.terms.exclusions);
        let reach = (terms.term.term_start, period.start());
        let lanes = NewLanes::read(db, terms.partner_id, reach, exclusions)?;
        let Self { own, own_sums, otherwise, apart, turned_down, .. } = &mut counted;
        facts_apart(db, terms.partner_id, apart, as_of, |one| {
            let in_scope = || lens.as_ref().is_none_or(|lens| lens.holds(&book, &one));
            if !claimants.is_of(terms.contract_id, one.day, one.what) || !in_scope() {
                return;
            }
            own.insert((one.day, one.fact));
            let Some(lens) = &lens else {
                *own_sums += one.sums;
                return;
            };
            let seen = lens.see(&one, &lanes);
            *own_sums += &seen.sums;
            if let (Fact::Tender(tender_id), true) = (one.fact, seen.is_turned_down) {
                turned_down.insert((one.day, tender_id));
            }
            if seen.sums != *one.sums {
                otherwise.insert((one.day, one.fact), seen.sums);
            }
        })?;
        Ok(Some(counted))
    }

    /// Whether it counts a fact of that day. What lies beside shipments and tenders is no contract's where two are in force.
    #[must_use]
    pub(in crate::app) fn takes(&self, day: NaiveDate, fact: Option<Fact>) -> bool {
        let is_own = || fact.is_some_and(|fact| self.own.contains(&(day, fact)));
        self.days.contains(&day) && (!self.apart.contains(&day) || is_own())
    }

    /// Whether the clause judges facts otherwise than the house, so that no stored verdict tells what it counts.
    #[must_use]
    pub(in crate::app) const fn judges_anew(&self) -> bool {
        self.anew
    }

    /// What a fact adds under the clause, where that is not what it adds otherwise.
    #[must_use]
    pub(in crate::app) fn otherwise(&self, day: NaiveDate, fact: Fact) -> Option<&Measures> {
        self.otherwise.get(&(day, fact))
    }

    /// What everything it counts comes to.
    ///
    /// # Errors
    /// The database's reason.
    pub fn total(&self, db: &mut Db, viewer: &Viewer) -> Result<Measures, DbError> {
        let mut total = self.own_sums.clone();
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else { return Ok(total) };
        let filter = CellFilter { from: Some(*first), until: last.succ_opt(), ..CellFilter::default() };
        measure_cells_fold(db, viewer, &filter.of_partner(self.partner_id), |cell| {
            if self.days.contains(&cell.day) && !self.apart.contains(&cell.day) {
                total += &cell.measures;
            }
        })?;
        Ok(total)
    }
}
