//! What it cost to have loads carried that a carrier turned down: the load of the same reference that another partner
//! carried, against the contract's price of that very load.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::AccrualError;
use crate::app::expected::{Books, FOREVER, Prices};
use crate::db::Db;
use crate::db::expected::Atlas;
use crate::db::expected::batch::{consignments_unscoped, expected_unscoped};
use crate::db::fold::ShipmentKey;
use crate::db::shipment::{CarriedElsewhere, carried_elsewhere_unscoped};
use crate::db::tender::{TenderLoad, tender_loads_unscoped};
use crate::db::types::Day;
use crate::domain::clause::{TurnedDown, carriage};
use crate::domain::currency::Currency;
use crate::domain::expected::{ExpectedStatus, Parts};
use crate::domain::money::Micros;
use crate::domain::shipment::LONGEST_TRANSIT_DAYS;
use crate::domain::terms::Terms;

/// Tenders by the day they were sent and their id.
pub(in crate::app) type Tenders = BTreeSet<(NaiveDate, i64)>;

/// A load that a carrier turned down, and what others carried it for.
#[derive(Clone, Debug)]
pub(in crate::app) struct Replacement {
    /// The offer.
    pub load: TenderLoad,
    /// The shipment of another partner that replaced it; none where nobody is known to have carried it.
    pub carried: Option<ShipmentKey>,
    /// Linehaul and fuel of that shipment; none while they are not known, or in another currency than the contract's.
    pub cost: Option<Micros>,
    /// Linehaul and fuel of the same shipment by the contract; none where it has no price.
    pub price: Option<Micros>,
}

impl Replacement {
    /// As clauses price it.
    pub fn turned_down(&self) -> TurnedDown {
        let above = self.cost.zip(self.price).map(|(cost, price)| cost - price);
        TurnedDown { sent_at: self.load.sent_at.0, tender_id: self.load.id, above }
    }
}

/// Every tender of `tenders` with what its replacement cost above the price of a version, by the day it was sent.
///
/// # Errors
/// The database's reason.
pub(super) fn turned_down(
    db: &mut Db,
    version: &Terms,
    tenders: &Tenders,
) -> Result<BTreeMap<NaiveDate, Vec<TurnedDown>>, AccrualError> {
    let mut found: BTreeMap<NaiveDate, Vec<TurnedDown>> = BTreeMap::new();
    for one in replacements_unscoped(db, version, tenders)? {
        found.entry(one.load.sent_day.0).or_default().push(one.turned_down());
    }
    Ok(found)
}

/// Every tender of `tenders` with its replacement and the price of a version.
///
/// The replacement is the first shipment that another partner carried with the reference of the load, on its lane where both
/// say one, and that fell due after the offer. What it cost is what was charged for linehaul and fuel, or what should be while
/// nothing is; in another currency than the contract's it is not known.
///
/// Unscoped: what others were paid is for no partner to see.
///
/// # Errors
/// The database's reason.
pub(in crate::app) fn replacements_unscoped(
    db: &mut Db,
    version: &Terms,
    tenders: &Tenders,
) -> Result<Vec<Replacement>, AccrualError> {
    let partner_id = version.partner_id;
    let keys: Vec<_> = tenders.iter().map(|(day, id)| (Day(*day), partner_id, *id)).collect();
    let loads = tender_loads_unscoped(db, &keys)?;
    let references: BTreeSet<&str> = loads.iter().map(|load| load.reference.as_str()).collect();
    let references: Vec<&str> = references.into_iter().collect();
    let mut carried: BTreeMap<String, Vec<CarriedElsewhere>> = BTreeMap::new();
    for one in carried_elsewhere_unscoped(db, partner_id, &references)? {
        carried.entry(one.reference.clone()).or_default().push(one);
    }
    let replacement = |load: &TenderLoad| {
        let latest = load.sent_day.0.checked_add_days(Days::new(LONGEST_TRANSIT_DAYS))?;
        let fits = |one: &&CarriedElsewhere| {
            let same_lane = load.lane_id.zip(one.lane_id).is_none_or(|(ours, theirs)| ours == theirs);
            same_lane && load.sent_day.0 <= one.key.0.0 && one.key.0.0 <= latest
        };
        carried.get(&load.reference)?.iter().filter(fits).min_by_key(|one| one.key)
    };
    let keys: BTreeSet<ShipmentKey> = loads.iter().filter_map(replacement).map(|one| one.key).collect();
    let prices = contract_prices(db, version, &keys)?;
    let costs = costs(db, &carried, &keys, version.currency)?;
    let found = loads.iter().map(|load| {
        let carried = replacement(load).map(|one| one.key);
        let of = |amounts: &BTreeMap<ShipmentKey, Micros>| carried.and_then(|key| amounts.get(&key).copied());
        Replacement { load: load.clone(), carried, cost: of(&costs), price: of(&prices) }
    });
    Ok(found.collect())
}

fn of_partners(keys: &BTreeSet<ShipmentKey>) -> BTreeMap<i64, Vec<ShipmentKey>> {
    let mut by_partner: BTreeMap<i64, Vec<ShipmentKey>> = BTreeMap::new();
    for key in keys {
        by_partner.entry(key.1).or_default().push(*key);
    }
    by_partner
}

/// Linehaul and fuel of each load by the rates of the version.
fn contract_prices(
    db: &mut Db,
    version: &Terms,
    keys: &BTreeSet<ShipmentKey>,
) -> Result<BTreeMap<ShipmentKey, Micros>, AccrualError> {
    let mut found = BTreeMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let book = Books::default().open(db, version.version_id)?;
    let prices = Prices::known(db, FOREVER)?;
    let atlas = Atlas::read(db)?;
    for (partner_id, keys) in of_partners(keys) {
        for stored in consignments_unscoped(db, &atlas, partner_id, &keys)? {
            let cancelled = stored.facts.milestones.cancelled_at.is_some();
            let priced = book.brief(cancelled, &stored.facts.request(), prices.market());
            if let (ExpectedStatus::Rated, Some(parts)) = (priced.status, priced.parts) {
                found.insert(stored.key, of_parts(parts));
            }
        }
    }
    Ok(found)
}

fn of_parts(parts: Parts) -> Micros {
    parts.base + parts.fuel
}

/// What each load cost with whoever carried it; those in another currency are missing.
fn costs(
    db: &mut Db,
    carried: &BTreeMap<String, Vec<CarriedElsewhere>>,
    keys: &BTreeSet<ShipmentKey>,
    currency: Currency,
) -> Result<BTreeMap<ShipmentKey, Micros>, AccrualError> {
    let mut found = BTreeMap::new();
    let mut uncharged = BTreeSet::new();
    for one in carried.values().flatten().filter(|one| keys.contains(&one.key)) {
        let amount = |micros: Option<i64>| micros.map(Micros);
        let cost = carriage(
            (amount(one.linehaul_micros), amount(one.fuel_micros)),
            (amount(one.freight_micros), amount(one.accessorial_micros)),
        );
        let same = one.currency.as_deref().is_none_or(|code| code == currency.code());
        match cost {
            None => {
                uncharged.insert(one.key);
            }
            Some(cost) if same => {
                found.insert(one.key, cost);
            }
            Some(_) => {}
        }
    }
    for (partner_id, keys) in of_partners(&uncharged) {
        for (key, stored) in expected_unscoped(db, partner_id, &keys)? {
            let parts = stored.expected.parts.filter(|_| stored.expected.currency == currency);
            found.extend(parts.map(|parts| (key, of_parts(parts))));
        }
    }
    Ok(found)
}
