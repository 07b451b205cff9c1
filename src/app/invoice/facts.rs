//! Gathering what audits need to know of some invoices of a partner.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::app::declared_event::Standing;
use crate::app::facts::shipment_facts;
use crate::db::charge_code::code_books;
use crate::db::contract::{contract_list_of_partner, terms_load};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::expected::Atlas;
use crate::db::expected::batch::{consignments_unscoped, expected_unscoped};
use crate::db::fold::{ShipmentKey, shipments_of_keys_unscoped};
use crate::db::invoice::batch::{Neighbours, invoices_unscoped};
use crate::db::invoice::reach::Reach;
use crate::db::invoice::{InvoiceLineRow, InvoiceRow, TermsRow, terms_list};
use crate::db::papers::freight_terms_unscoped;
use crate::db::quality::proofs_unscoped;
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::audit::papers::Bearers;
use crate::domain::audit::{Bill, BillLine, Charge, Consigned, DatedTerms, Known, Named, Owed, in_force};
use crate::domain::charge_code::CodeBook;
use crate::domain::clause::{ClauseScope, PickupMiss, Rule};
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::expected::{Consignment, Expected, ExpectedStatus};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::outcome::{OutcomePolicy, delivered_day};
use crate::domain::rate::claim::{Claimed, LaneBook};
use crate::domain::terms::{Clause, Terms};
use crate::domain::viewer::Viewer;

/// What is the same for all invoices of a partner or a contract version, read once a run.
#[derive(Default)]
pub(super) struct Shelf {
    partners: BTreeMap<i64, Arc<Partner>>,
    agreed: BTreeMap<i64, Arc<Agreed>>,
    atlas: Option<Arc<Atlas>>,
    judging: Option<Arc<Judging>>,
}

struct Partner {
    book: CodeBook,
    currencies: BTreeSet<Currency>,
    terms: Vec<DatedTerms>,
}

impl Shelf {
    fn partner(&mut self, db: &mut Db, partner_id: i64) -> Result<Arc<Partner>, DbError> {
        if let Some(known) = self.partners.get(&partner_id) {
            return Ok(Arc::clone(known));
        }
        let system = Viewer::system();
        let contracts = contract_list_of_partner(db, &system, partner_id)?;
        let terms = terms_list(db, &system, partner_id)?;
        let read = Arc::new(Partner {
            book: code_books(db, &system, Some(partner_id))?.remove(&partner_id).unwrap_or_default(),
            currencies: contracts.into_iter().map(|contract| contract.currency).collect(),
            terms: terms.iter().map(TermsRow::dated).collect::<Result<_, _>>()?,
        });
        self.partners.insert(partner_id, Arc::clone(&read));
        Ok(read)
    }

    /// Where shipments run.
    fn atlas(&mut self, db: &mut Db) -> Result<Arc<Atlas>, DbError> {
        let atlas = match self.atlas.take() {
            Some(known) => known,
            None => Arc::new(Atlas::read(db)?),
        };
        Ok(Arc::clone(self.atlas.insert(atlas)))
    }

    /// By what pickups are judged.
    fn judging(&mut self, db: &mut Db) -> Result<Arc<Judging>, DbError> {
        let judging = match self.judging.take() {
            Some(known) => known,
            None => Arc::new(Judging {
                zones: zones_by_id(db)?,
                policies: policies_by_id(db)?,
                declared: Standing::read(db)?,
            }),
        };
        Ok(Arc::clone(self.judging.insert(judging)))
    }

    /// What a version says.
    fn agreed(&mut self, db: &mut Db, version_id: i64) -> Result<Arc<Agreed>, DbError> {
        if let Some(known) = self.agreed.get(&version_id) {
            return Ok(Arc::clone(known));
        }
        let terms = terms_load(db, &Viewer::system(), version_id)?;
        let read = Arc::new(terms.map(Agreed::of).unwrap_or_default());
        self.agreed.insert(version_id, Arc::clone(&read));
        Ok(read)
    }
}

/// By what pickups are judged.
struct Judging {
    zones: HashMap<i32, Tz>,
    policies: HashMap<i32, OutcomePolicy>,
    declared: Standing,
}

/// The mode of a shipment, and whether the carrier missed its pickup by its day, and in time.
type Pickup = (String, (bool, bool));

/// What a version says that an audit asks for.
#[derive(Default)]
struct Agreed {
    /// Its accessorial rates.
    rates: Vec<AccessorialRate>,
    /// What its clauses are about by which a pickup outside its window is missed.
    by_window: Vec<ClauseScope>,
    /// Its lanes, where there is such a clause.
    lanes: Option<LaneBook>,
}

impl Agreed {
    fn of(terms: Terms) -> Self {
        let scope = |clause: &Clause| match clause.terms.rule {
            Rule::MissedPickup(rule) if rule.miss == PickupMiss::Window => Some(clause.terms.scope.clone()),
            _ => None,
        };
        let by_window: Vec<ClauseScope> = terms.clauses.iter().filter_map(scope).collect();
        let lanes = (!by_window.is_empty()).then(|| LaneBook::of(&terms.pricing.terms));
        Self { rates: terms.rates, by_window, lanes }
    }

    /// Whether a pickup is missed: not made on its day, or outside its window where a clause prices that.
    fn is_missed(&self, facts: &Consignment, (mode, missed): &Pickup) -> bool {
        let what = Claimed {
            origin: &facts.origin,
            destination: &facts.destination,
            equipment: &facts.equipment,
            service: &facts.service,
        };
        let is_priced = || {
            let lane = self.lanes.as_ref().and_then(|lanes| lanes.claim(what));
            let ends = [what.origin, what.destination];
            self.by_window.iter().any(|scope| scope.holds(lane, ends, (mode.as_str(), what.service)))
        };
        PickupMiss::Day.is_missed(*missed) || (PickupMiss::Window.is_missed(*missed) && is_priced())
    }
}

/// Some invoices of one partner and everything their audits need, read together.
pub(super) struct Batch {
    partner: Arc<Partner>,
    /// The invoices asked for, by id.
    rows: BTreeMap<i64, InvoiceRow>,
    /// Their bills and those of their neighbours, by id.
    bills: BTreeMap<i64, Bill>,
    neighbours: Neighbours,
    /// Where their lines lead.
    reach: Reach,
    /// The shipments that the invoices asked for name, by our reference.
    shipments: BTreeMap<String, Consigned>,
}

impl Batch {
    /// Reads some invoices of a partner; those that are not there are left out.
    ///
    /// # Errors
    /// The database's reason.
    pub(super) fn read(
        db: &mut Db,
        partner_id: i64,
        ids: &[i64],
        shelf: &mut Shelf,
    ) -> Result<Self, DbError> {
        let partner = shelf.partner(db, partner_id)?;
        let asked = invoices_unscoped(db, partner_id, &ids.iter().copied().collect())?;
        let lines = asked.values().flat_map(|(_, lines)| lines);
        let mut reach = Reach::read_unscoped(db, partner_id, lines.clone())?;
        let named: Vec<Named> = lines.map(InvoiceLineRow::named).collect();
        let reached = reach.of(named.iter());
        let rows = asked.values().map(|(row, _)| row);
        let neighbours = Neighbours::read_unscoped(db, partner_id, (&reached.names, &reached.keys), rows)?;
        let mut bills = BTreeMap::new();
        for (id, (row, lines)) in &asked {
            bills.insert(*id, bill(row, lines, &partner.book)?);
        }
        let unused: Vec<&Named> = bills.values().flat_map(trucks_not_used).collect();
        let unused = reach.keys_of(partner_id, &reach.of(unused.into_iter()).references);
        let keys = reach.shipment_keys(partner_id);
        let shipments = consigned(db, partner_id, (&keys, &unused), shelf)?;
        let mut others = neighbours.ids();
        others.retain(|id| !asked.contains_key(id));
        let others = invoices_unscoped(db, partner_id, &others)?;
        // What a line of another invoice is for is told by all it names, as in the audit of that one.
        reach.follow(db, partner_id, others.values().flat_map(|(_, lines)| lines))?;
        for (id, (row, lines)) in others {
            bills.insert(id, bill(&row, &lines, &partner.book)?);
        }
        let rows = asked.into_iter().map(|(id, (row, _))| (id, row)).collect();
        Ok(Self { partner, rows, bills, neighbours, reach, shipments })
    }

    /// The bill and what is known about it; none when there is no such invoice in the batch.
    pub(super) fn of(&self, id: i64) -> Option<(&Bill, Known)> {
        let (row, bill) = (self.rows.get(&id)?, self.bills.get(&id)?);
        let reached = self.reach.of(bill.lines.iter().map(|line| &line.named));
        let others = self.neighbours.of(row, &reached);
        let mut others: Vec<Bill> = others.iter().filter_map(|id| self.bills.get(id)).cloned().collect();
        // The order of ids says when something was imported, which decides nothing.
        others.sort_by_cached_key(Bill::order);
        let found = reached.references.iter().filter_map(|name| self.shipments.get_key_value(*name));
        // Of a shipment that another bill charges so, this one need not know.
        let unused = self.reach.of(trucks_not_used(bill)).references;
        let known = |(name, one): (&String, &Consigned)| {
            let is_pickup_missed = one.is_pickup_missed && unused.contains(name.as_str());
            (name.clone(), Consigned { is_pickup_missed, ..one.clone() })
        };
        let shipments: BTreeMap<String, Consigned> = found.map(known).collect();
        let (names, numbers) = self.meanings(std::iter::once(bill).chain(&others));
        let known = Known {
            terms: in_force(&self.partner.terms, bill.received_on),
            names,
            numbers,
            shipments,
            currencies: self.partner.currencies.clone(),
            others,
        };
        Some((bill, known))
    }

    /// What the names and numbers on some bills mean.
    fn meanings<'a>(&self, bills: impl Iterator<Item = &'a Bill>) -> (BTreeMap<String, String>, Bearers) {
        let (mut names, mut numbers) = (BTreeMap::new(), Bearers::new());
        for named in bills.flat_map(|bill| &bill.lines).map(|line| &line.named) {
            for name in named.names().filter(|name| self.reach.is_shipment(name)) {
                if !names.contains_key(name) {
                    names.insert(name.to_owned(), name.to_owned());
                }
            }
            if !self.reach.any_numbers() {
                continue;
            }
            for number in named.keys() {
                let bearers = self.reach.bearers(&number);
                if !bearers.is_empty() {
                    numbers.entry(number.0).or_default().insert(number.1, bearers.to_vec());
                }
            }
        }
        (names, numbers)
    }
}

fn bill(row: &InvoiceRow, lines: &[InvoiceLineRow], book: &CodeBook) -> Result<Bill, DbError> {
    let stored = |reason: String| DbError::Stored {
        what: format!("invoice {} of partner {}", row.number, row.partner_id),
        reason,
    };
    Ok(Bill {
        number: row.number.clone(),
        kind: row.kind.parse().map_err(|error: BadCode| stored(error.to_string()))?,
        corrects: row.corrects.clone(),
        issued_on: row.issued_on.0,
        received_on: row.received_on.0,
        currency: row.currency.parse().map_err(|error: BadCurrency| stored(error.to_string()))?,
        remit_to: row.remit_to.clone(),
        bill_to: row.bill_to.clone(),
        lines: lines
            .iter()
            .map(|line| bill_line(line, book))
            .collect::<Result<_, _>>()
            .map_err(|error: BadCode| stored(error.to_string()))?,
    })
}

fn bill_line(line: &InvoiceLineRow, book: &CodeBook) -> Result<BillLine, BadCode> {
    let meaning = book.meaning(&line.code, &line.category).map(|(meaning, _)| meaning);
    Ok(BillLine {
        seq: line.seq,
        named: line.named(),
        charge: Charge::of(meaning.as_ref(), &line.code),
        code: line.code.clone(),
        quantity: line.quantity_micros.map(Micros),
        unit: line.unit.clone(),
        amount: Micros(line.amount_micros),
        freight_terms: line.freight_terms.as_deref().map(str::parse).transpose()?,
    })
}

/// How a bill names the shipments for which it charges a truck that was not used.
fn trucks_not_used(bill: &Bill) -> impl Iterator<Item = &Named> {
    bill.lines.iter().filter(|line| line.charge.is_truck_not_used()).map(|line| &line.named)
}

/// How the pickups of some shipments stand. They are judged as the last refresh judged them, so that time alone changes no audit: what
/// it changes is refreshed, and then audited again.
fn pickups(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
    shelf: &mut Shelf,
) -> Result<HashMap<ShipmentKey, Pickup>, DbError> {
    let mut found = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let judging = shelf.judging(db)?;
    let by = (&judging.zones, &judging.policies);
    for row in shipments_of_keys_unscoped(db, partner_id, keys)? {
        let (facts, policy) = shipment_facts(&row, None, by, &judging.declared)?;
        let before = |at: Instant| at.0.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(at.0);
        let as_of = row.settles_at.map_or(DateTime::<Utc>::MAX_UTC, before);
        let missed = facts.milestones.judge(policy, as_of).pickup_is_missed();
        found.insert(row.key(), (row.mode, missed));
    }
    Ok(found)
}

/// Some shipments of a partner as the audit needs them, by our reference. `unused` are those of them for which a truck is charged that
/// was not used.
fn consigned(
    db: &mut Db,
    partner_id: i64,
    (keys, unused): (&[ShipmentKey], &[ShipmentKey]),
    shelf: &mut Shelf,
) -> Result<BTreeMap<String, Consigned>, DbError> {
    let pickups = pickups(db, partner_id, unused, shelf)?;
    let mut expected = expected_unscoped(db, partner_id, keys)?;
    let proofs = proofs_unscoped(db, partner_id, keys)?;
    let freight_terms = freight_terms_unscoped(db, partner_id, keys)?;
    let atlas = shelf.atlas(db)?;
    let mut found = BTreeMap::new();
    for stored in consignments_unscoped(db, &atlas, partner_id, keys)? {
        let expected = expected.remove(&stored.key).map(|stored| stored.expected);
        let agreed = match &expected {
            Some(expected) => shelf.agreed(db, expected.version_id)?,
            None => Arc::default(),
        };
        let pickup = pickups.get(&stored.key);
        let is_pickup_missed = pickup.is_some_and(|pickup| agreed.is_missed(&stored.facts, pickup));
        let facts = stored.facts;
        let at = facts.milestones.delivered_at.or(facts.milestones.arrived_at);
        let zones = (facts.milestones.delivery_zone, facts.milestones.pickup_zone);
        let one = Consigned {
            reference: facts.reference.clone(),
            lane: stored.lane.code.clone(),
            delivered_on: delivered_day(at, zones),
            is_cancelled: facts.milestones.cancelled_at.is_some() && at.is_none(),
            has_proof: proofs.contains(&stored.key),
            weight_g: facts.weight_g,
            distance_m: facts.distance_m,
            pieces: facts.pieces,
            freight_class: facts.particulars.map(|said| said.class.clone()).filter(|class| !class.is_empty()),
            owed: owed(expected),
            events: facts.events,
            rates: agreed.rates.clone(),
            freight_terms: freight_terms.get(&stored.key).copied(),
            is_pickup_missed,
        };
        found.insert(facts.reference, one);
    }
    Ok(found)
}

fn owed(expected: Option<Expected>) -> Owed {
    let Some(expected) = expected else { return Owed::NoContract };
    let reason = expected.reason.unwrap_or_default();
    match expected.status {
        ExpectedStatus::Rated => Owed::Rated { currency: expected.currency, lines: expected.lines },
        ExpectedStatus::Unrated => Owed::Unrated(reason),
        ExpectedStatus::NotApplicable => Owed::Nothing(reason),
    }
}
