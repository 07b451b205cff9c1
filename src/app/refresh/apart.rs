//! The facts of some days one by one, each with what it adds to the sums: for whoever needs only some of them, such as
//! the contract whose facts they are where two are in force together.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{BesideShipments, Lookups, Run};
use crate::app::expected::{Books, Mode};
use crate::app::facts::tender_facts;
use crate::db::expected::{Atlas, StoredConsignment, consignments_fold_unscoped};
use crate::db::fold::{FoldRow, shipments_fold, source_days, tenders_fold};
use crate::db::shipment::Source;
use crate::db::{Db, DbError};
use crate::domain::attribution::Fault;
use crate::domain::clause::{Exclusions, Excused, is_turned_down};
use crate::domain::measure::Measures;
use crate::domain::outcome::OutcomePolicy;
use crate::domain::rate::claim::Claimed;
use crate::domain::shipment::{Milestones, ShipmentFacts};
use crate::domain::tender::{self, TenderFacts};

/// Which fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::app) enum Fact {
    /// A shipment, on the day it was due.
    Delivery(i64),
    /// The pickup of a shipment, on its own day.
    Pickup(i64),
    /// A tender, on the day it was sent.
    Tender(i64),
}

/// One fact, and what it adds to one day.
#[derive(Clone, Copy)]
pub(in crate::app) struct Apart<'a> {
    /// The day it counts for.
    pub day: NaiveDate,
    /// Which it is.
    pub fact: Fact,
    /// What decides whose it is.
    pub what: Claimed<'a>,
    /// Mode; empty when not given.
    pub mode: &'a str,
    /// The lane, when given.
    pub lane_id: Option<i64>,
    /// What it adds.
    pub sums: &'a Measures,
    judged: Judged<'a>,
    as_of: DateTime<Utc>,
}

/// What a fact is judged by.
#[derive(Clone, Copy)]
enum Judged<'a> {
    Shipment {
        facts: &'a ShipmentFacts,
        policy: &'a OutcomePolicy,
        /// What excuses its pickup and its delivery.
        excused: &'a (Excused, Excused),
    },
    Tender {
        facts: &'a TenderFacts,
        party: Option<Fault>,
    },
}

/// A fact as a clause judges it.
pub(in crate::app) struct Anew {
    /// What it adds.
    pub sums: Measures,
    /// Whether it is a delivery the carrier missed.
    pub is_missed: bool,
    /// Whether it is a shipment whose pickup the carrier missed: by its day, and by its window.
    pub is_pickup_missed: (bool, bool),
    /// Whether it is an offer turned down: within the commitment, or above it.
    pub is_turned_down: (bool, bool),
}

impl Apart<'_> {
    /// The fact with only what a clause lets excuse it.
    pub fn under(&self, exclusions: &Exclusions) -> Anew {
        let mut anew = Anew {
            sums: Measures::default(),
            is_missed: false,
            is_pickup_missed: (false, false),
            is_turned_down: (false, false),
        };
        match self.judged {
            Judged::Shipment { facts, policy, excused } => {
                let own = exclusions.shipment(facts, &excused.0, &excused.1);
                let cure = exclusions.cure(self.as_of);
                let judged = own.judge(policy, self.as_of);
                let verdicts = cure.map_or(judged, |cure| own.cured(judged, cure));
                if matches!(self.fact, Fact::Pickup(_)) {
                    own.add_pickup_to(&verdicts, &mut anew.sums);
                } else {
                    own.add_cured(&verdicts, policy, cure, &mut anew.sums);
                    anew.is_missed = verdicts.delivery_is_missed();
                    anew.is_pickup_missed = verdicts.pickup_is_missed();
                }
            }
            Judged::Tender { facts, party } => {
                let (own, verdict) = exclusions.tender(facts, party, self.as_of);
                own.add_to(&verdict, &mut anew.sums);
                anew.is_turned_down = (is_turned_down(&verdict, false), is_turned_down(&verdict, true));
            }
        }
        anew
    }
}

/// Says each fact of a partner that counts for one of `days` as known at `as_of`. Together they are what the measure cells of those
/// days have of
/// shipments and tenders; what lies beside them is the partner's whole, and no contract's.
///
/// # Errors
/// The database's reason.
pub(in crate::app) fn facts_apart(
    db: &mut Db,
    partner_id: i64,
    days: &BTreeSet<NaiveDate>,
    as_of: DateTime<Utc>,
    mut each: impl FnMut(Apart<'_>),
) -> Result<(), DbError> {
    let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return Ok(()) };
    let run = Run { as_of, books: Books::default() };
    let atlas = Atlas::read(db)?;
    let lookups = Lookups::read(db, &run, Source::Shipments, Mode::Stored)?;
    let partners = [partner_id];
    for source_day in source_days(db, Source::Shipments, partner_id, (first, last))? {
        let beside = BesideShipments::read(db, &lookups, source_day, &partners)?;
        let mut places: HashMap<i64, StoredConsignment> = HashMap::new();
        consignments_fold_unscoped(db, &atlas, &partners, source_day, |row| {
            places.insert(row.key.2, row);
            Ok::<_, DbError>(())
        })?;
        shipments_fold(db, &partners, source_day, |row| {
            let Some(place) = places.get(&row.id) else { return Ok(()) };
            let (facts, policy) = lookups.shipment(row, &beside)?;
            let verdicts = facts.judge(policy, as_of);
            let excused = excused(&lookups, row, &facts);
            let judged = Judged::Shipment { facts: &facts, policy, excused: &excused };
            let lane_id = row.lane_id;
            let what = Claimed {
                origin: &place.facts.origin,
                destination: &place.facts.destination,
                equipment: &place.facts.equipment,
                service: &place.facts.service,
            };
            let counted_day = facts.milestones.pickup_counts_for(&verdicts);
            // A pickup that an event takes out adds nothing, and still says where it would.
            let pickup_day = counted_day.or_else(|| {
                let there = ShipmentFacts {
                    milestones: Milestones { pickup_declared: false, ..facts.milestones },
                    ..facts
                };
                let is_out = facts.milestones.pickup_declared;
                is_out.then(|| there.milestones.pickup_counts_for(&there.judge(policy, as_of))).flatten()
            });
            if let Some(day) = pickup_day.filter(|day| days.contains(day)) {
                let mut sums = Measures::default();
                if counted_day.is_some() {
                    facts.add_pickup_to(&verdicts, &mut sums);
                }
                let fact = Fact::Pickup(row.id);
                each(Apart { day, fact, what, mode: &row.mode, lane_id, sums: &sums, judged, as_of });
            }
            if days.contains(&source_day) {
                let mut sums = Measures::default();
                facts.add_to(&verdicts, policy, &mut sums);
                let fact = Fact::Delivery(row.id);
                let (day, mode) = (source_day, row.mode.as_str());
                each(Apart { day, fact, what, mode, lane_id, sums: &sums, judged, as_of });
            }
            Ok::<_, DbError>(())
        })?;
    }
    for day in source_days(db, Source::Tenders, partner_id, (first, last))? {
        let mut tenders = Vec::new();
        tenders_fold(db, &partners, day, |row| {
            tenders.push(row.clone());
            Ok::<_, DbError>(())
        })?;
        for row in tenders.iter().filter(|_| days.contains(&day)) {
            let lane = match row.lane_id {
                Some(id) => atlas.lane(db, id)?,
                None => Default::default(),
            };
            let facts = tender_facts(row);
            let mut sums = Measures::default();
            facts.add_to(&tender::judge(&facts, as_of), &mut sums);
            // An offer names no equipment.
            let what = Claimed {
                origin: &lane.origin,
                destination: &lane.destination,
                equipment: "",
                service: &row.service,
            };
            let judged =
                Judged::Tender { facts: &facts, party: Fault::of_exclusion(row.exclusion.as_deref()) };
            let (fact, mode, lane_id) = (Fact::Tender(row.id), row.mode.as_str(), row.lane_id);
            each(Apart { day, fact, what, mode, lane_id, sums: &sums, judged, as_of });
        }
    }
    Ok(())
}

/// What excuses the stops of a shipment.
fn excused(lookups: &Lookups, row: &FoldRow, facts: &ShipmentFacts) -> (Excused, Excused) {
    let (pickup, delivery) =
        lookups.declared.kinds_covering(&facts.milestones, row.partner_id, &row.mode, row.lane_id);
    (
        Excused { party: Fault::of_exclusion(row.pickup_exclusion.as_deref()), events: pickup },
        Excused { party: Fault::of_exclusion(row.delivery_exclusion.as_deref()), events: delivery },
    )
}
