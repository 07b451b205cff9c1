//! What a clause counts that is about a part of a contract's work, or that judges facts by what it lets excuse them: the
//! facts one by one, summed by day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::facts::days_of;
use super::new_lanes::NewLanes;
use super::replaced::Tenders;
use super::{AccrualError, Group, Run};
use crate::app::refresh::apart::{Apart, Fact, facts_apart};
use crate::db::Db;
use crate::domain::clause::{ClauseScope, ClauseTerms, Exclusions, PickupMiss, Rule};
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::outcome::end_of_local_day;
use crate::domain::rate::claim::LaneBook;

/// Which facts a clause counts, and what excuses them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lens {
    scope: ClauseScope,
    exclusions: Exclusions,
    /// Whether it needs each offer turned down: within the commitment, or above it.
    offers: Option<Offers>,
    /// Which pickups it needs one by one.
    pickups: Option<PickupMiss>,
}

/// Which offers a clause prices one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Offers {
    Committed,
    Surge,
}

impl Offers {
    fn of(rule: &Rule) -> Option<Self> {
        let Rule::PeriodThreshold(rule) = rule else { return None };
        let of_surge = rule.kpi.parse().is_ok_and(|kpi: Kpi| kpi == Kpi::SurgeAcc);
        rule.is_cost_difference().then_some(if of_surge { Self::Surge } else { Self::Committed })
    }
}

impl Lens {
    /// That of a clause; none where it counts all facts as the house judges them.
    pub fn of(terms: &ClauseTerms) -> Option<Self> {
        let offers = Offers::of(&terms.rule);
        let pickups = match terms.rule {
            Rule::MissedPickup(rule) => Some(rule.miss),
            _ => None,
        };
        let prices_facts = offers.is_some() || pickups.is_some();
        let is_own = !terms.scope.is_everything() || terms.judges_anew() || prices_facts;
        is_own.then(|| Self {
            scope: terms.scope.clone(),
            exclusions: terms.exclusions.clone(),
            offers,
            pickups,
        })
    }

    /// Whether it looks at a fact at all. `book` has the contract's lanes.
    pub fn holds(&self, book: &LaneBook, fact: &Apart<'_>) -> bool {
        is_within(&self.scope, book, fact)
    }

    /// A fact as it sees it.
    pub fn see(&self, fact: &Apart<'_>, lanes: &NewLanes) -> Seen {
        if self.exclusions.is_unsaid() && self.offers.is_none() && self.pickups.is_none() {
            return Seen {
                sums: fact.sums.clone(),
                is_missed: None,
                is_pickup_missed: false,
                is_turned_down: false,
                is_new_lane: false,
            };
        }
        let anew = fact.under(&self.exclusions);
        let (committed, surge) = anew.is_turned_down;
        let is_new_lane = self.exclusions.is_ramping_up(lanes.first(fact.lane_id), fact.day);
        let sums = if is_new_lane { Exclusions::of_new_lane(&anew.sums) } else { anew.sums };
        let is_turned_down = match self.offers {
            None => false,
            Some(Offers::Committed) => committed && !is_new_lane,
            Some(Offers::Surge) => surge && !is_new_lane,
        };
        let is_missed = (!self.exclusions.is_unsaid()).then_some(anew.is_missed);
        let is_pickup_missed = self.pickups.is_some_and(|miss| miss.is_missed(anew.is_pickup_missed));
        Seen { sums, is_missed, is_pickup_missed, is_turned_down, is_new_lane }
    }
}

/// Whether a fact is in the scope of a clause. `book` has the contract's lanes.
pub(super) fn is_within(scope: &ClauseScope, book: &LaneBook, fact: &Apart<'_>) -> bool {
    let ends = [fact.what.origin, fact.what.destination];
    scope.is_everything() || scope.holds(book.claim(fact.what), ends, (fact.mode, fact.what.service))
}

/// A fact as a clause sees it.
pub(super) struct Seen {
    /// What it adds.
    pub sums: Measures,
    /// Whether it is a delivery that was missed; none where the house says.
    pub is_missed: Option<bool>,
    /// Whether it is a shipment whose pickup was missed, where the clause prices that.
    pub is_pickup_missed: bool,
    /// Whether it is an offer turned down that the clause prices.
    pub is_turned_down: bool,
    /// Whether its lane is too new for the fact to count.
    pub is_new_lane: bool,
}

/// What one lens shows.
#[derive(Default)]
pub(super) struct Part {
    /// Its sums by day.
    pub days: BTreeMap<NaiveDate, Measures>,
    /// Shipments due on those days.
    pub shipments: BTreeSet<i64>,
    /// Deliveries missed, by day and id; none where the house says which.
    pub missed: Option<BTreeSet<(NaiveDate, i64)>>,
    /// Shipments whose pickup was missed, by the day they were due and id, where each has a price.
    pub pickups: BTreeSet<(NaiveDate, i64)>,
    /// Misses that do not count, since their lane is new.
    pub on_new_lanes: BTreeSet<i64>,
    /// Offers turned down, by day and id, where each has a price.
    pub turned_down: Tenders,
}

impl Part {
    fn add(&mut self, fact: &Apart<'_>, seen: &Seen) {
        *self.days.entry(fact.day).or_default() += &seen.sums;
        if let (Fact::Tender(tender_id), true) = (fact.fact, seen.is_turned_down) {
            self.turned_down.insert((fact.day, tender_id));
        }
        let Fact::Delivery(shipment_id) = fact.fact else { return };
        self.shipments.insert(shipment_id);
        if seen.is_pickup_missed && seen.is_new_lane {
            self.on_new_lanes.insert(shipment_id);
        } else if seen.is_pickup_missed {
            self.pickups.insert((fact.day, shipment_id));
        }
        if let Some(is_missed) = seen.is_missed {
            let missed = self.missed.get_or_insert_default();
            if is_missed && seen.is_new_lane {
                self.on_new_lanes.insert(shipment_id);
            } else if is_missed {
                missed.insert((fact.day, shipment_id));
            }
        }
    }
}

/// What every lens of a group shows, by the place of the version.
pub(super) struct Scoped(BTreeMap<(usize, Lens), Part>);

impl Scoped {
    /// Sums the facts under every lens, of the days that clauses with one need; where no clause has one, nothing is read. On
    /// days that another contract is in force beside, only what is this contract's own counts.
    pub fn read(db: &mut Db, run: &Run, group: &Group) -> Result<Self, AccrualError> {
        let mut parts: BTreeMap<(usize, Lens), Part> = BTreeMap::new();
        for (at, version) in group.versions.iter().enumerate() {
            for lens in version.clauses.iter().filter_map(|clause| Lens::of(&clause.terms)) {
                let missed = (!lens.exclusions.is_unsaid()).then(BTreeSet::new);
                parts.insert((at, lens), Part { missed, ..Part::default() });
            }
        }
        if parts.is_empty() {
            return Ok(Self(parts));
        }
        let days = days_of(run, group, |clause| Lens::of(&clause.terms).is_some());
        let exclusions = parts.keys().map(|(_, lens)| &lens.exclusions);
        // A baseline lies years back, and no clause with new lanes has one.
        let ramps_up = days_of(run, group, |clause| clause.terms.exclusions.ramp_up_days.is_some());
        let reach = (group.began, ramps_up.first().copied().unwrap_or(group.from));
        let lanes = NewLanes::read(db, group.partner_id, reach, exclusions)?;
        let books: Vec<LaneBook> =
            group.versions.iter().map(|version| LaneBook::of(&version.pricing.terms)).collect();
        let as_of = end_of_local_day(run.as_of, run.zone);
        facts_apart(db, group.partner_id, &days, as_of, |fact| {
            if !group.beside.is_of(group.contract_id, fact.day, fact.what) {
                return;
            }
            for ((at, lens), part) in &mut parts {
                if books.get(*at).is_some_and(|book| lens.holds(book, &fact)) {
                    part.add(&fact, &lens.see(&fact, &lanes));
                }
            }
        })?;
        Ok(Self(parts))
    }

    /// What a clause of a version counts; none for one that counts everything as the house judges it.
    pub fn of(&self, at_version: usize, terms: &ClauseTerms) -> Option<&Part> {
        self.0.get(&(at_version, Lens::of(terms)?))
    }
}
