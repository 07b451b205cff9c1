//! The facts of some days one by one, each with what it adds to the sums: for whoever needs only some of them, such as
//! the contract whose facts they are where two are in force together.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{BesideShipments, Lookups, Run};
use crate::app::expected::{Books, Mode};
use crate::app::facts::tender_facts;
use crate::db::expected::{Atlas, StoredConsignment, consignments_fold_unscoped};
use crate::db::fold::{shipments_fold, source_days, tenders_fold};
use crate::db::shipment::Source;
use crate::db::{Db, DbError};
use crate::domain::measure::Measures;
use crate::domain::rate::claim::Claimed;
use crate::domain::tender;

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
    /// What it adds.
    pub sums: &'a Measures,
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
            let what = Claimed {
                origin: &place.facts.origin,
                destination: &place.facts.destination,
                equipment: &place.facts.equipment,
                service: &place.facts.service,
            };
            let pickup_day = facts.milestones.pickup_counts_for(&verdicts);
            if let Some(day) = pickup_day.filter(|day| days.contains(day)) {
                let mut sums = Measures::default();
                facts.add_pickup_to(&verdicts, &mut sums);
                each(Apart { day, fact: Fact::Pickup(row.id), what, mode: &row.mode, sums: &sums });
            }
            if days.contains(&source_day) {
                let mut sums = Measures::default();
                facts.add_to(&verdicts, policy, &mut sums);
                let fact = Fact::Delivery(row.id);
                each(Apart { day: source_day, fact, what, mode: &row.mode, sums: &sums });
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
            each(Apart { day, fact: Fact::Tender(row.id), what, mode: &row.mode, sums: &sums });
        }
    }
    Ok(())
}
