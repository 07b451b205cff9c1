//! Gathering what audits need to know of some invoices of a partner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::db::charge_code::code_books;
use crate::db::contract::{contract_list_of_partner, terms_load};
use crate::db::expected::Atlas;
use crate::db::expected::batch::{consignments_unscoped, expected_unscoped};
use crate::db::fold::ShipmentKey;
use crate::db::invoice::batch::{Neighbours, invoices_unscoped};
use crate::db::invoice::{InvoiceLineRow, InvoiceRow, TermsRow, shipments_named_unscoped, terms_list};
use crate::db::quality::proofs_unscoped;
use crate::db::{Db, DbError};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::audit::{Bill, BillLine, Charge, Consigned, DatedTerms, Known, Named, Owed, in_force};
use crate::domain::charge_code::CodeBook;
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::expected::{Expected, ExpectedStatus};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::outcome::delivered_day;
use crate::domain::viewer::Viewer;

/// What is the same for all invoices of a partner or a contract version, read once a run.
#[derive(Default)]
pub(super) struct Shelf {
    partners: BTreeMap<i64, Arc<Partner>>,
    rates: BTreeMap<i64, Vec<AccessorialRate>>,
    atlas: Option<Arc<Atlas>>,
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

    /// The accessorial rates of a version.
    fn rates(&mut self, db: &mut Db, version_id: i64) -> Result<Vec<AccessorialRate>, DbError> {
        if let Some(known) = self.rates.get(&version_id) {
            return Ok(known.clone());
        }
        let terms = terms_load(db, &Viewer::system(), version_id)?;
        let rates = terms.map(|terms| terms.rates).unwrap_or_default();
        self.rates.insert(version_id, rates.clone());
        Ok(rates)
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
        let names: BTreeSet<&str> = lines.flat_map(InvoiceLineRow::names).collect();
        let rows = asked.values().map(|(row, _)| row);
        let neighbours = Neighbours::read_unscoped(db, partner_id, &names, rows)?;
        let shipments = consigned(db, partner_id, &names.into_iter().map(str::to_owned).collect(), shelf)?;
        let mut others = neighbours.ids();
        others.retain(|id| !asked.contains_key(id));
        let mut bills = BTreeMap::new();
        for (id, (row, lines)) in invoices_unscoped(db, partner_id, &others)? {
            bills.insert(id, bill(&row, &lines, &partner.book)?);
        }
        let mut rows = BTreeMap::new();
        for (id, (row, lines)) in asked {
            bills.insert(id, bill(&row, &lines, &partner.book)?);
            rows.insert(id, row);
        }
        Ok(Self { partner, rows, bills, neighbours, shipments })
    }

    /// The bill and what is known about it; none when there is no such invoice in the batch.
    pub(super) fn of(&self, id: i64) -> Option<(&Bill, Known)> {
        let (row, bill) = (self.rows.get(&id)?, self.bills.get(&id)?);
        let names = || bill.lines.iter().flat_map(|line| line.named.names());
        let others = self.neighbours.of(row, names());
        let mut others: Vec<Bill> = others.iter().filter_map(|id| self.bills.get(id)).cloned().collect();
        // The order of ids says when something was imported, which decides nothing.
        others.sort_by_cached_key(Bill::order);
        let found = names().filter_map(|name| self.shipments.get_key_value(name));
        let shipments: BTreeMap<String, Consigned> =
            found.map(|(name, one)| (name.clone(), one.clone())).collect();
        let known = Known {
            terms: in_force(&self.partner.terms, bill.received_on),
            names: shipments.keys().map(|name| (name.clone(), name.clone())).collect(),
            shipments,
            currencies: self.partner.currencies.clone(),
            others,
        };
        Some((bill, known))
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
        lines: lines.iter().map(|line| bill_line(line, book)).collect(),
    })
}

fn bill_line(line: &InvoiceLineRow, book: &CodeBook) -> BillLine {
    let meaning = book.meaning(&line.code, &line.category).map(|(meaning, _)| meaning);
    BillLine {
        seq: line.seq,
        named: Named { shipment: line.shipment.clone(), pro: line.pro.clone(), bol: line.bol.clone() },
        charge: Charge::of(meaning.as_ref(), &line.code),
        code: line.code.clone(),
        quantity: line.quantity_micros.map(Micros),
        unit: line.unit.clone(),
        amount: Micros(line.amount_micros),
    }
}

/// The shipments of a partner with one of the names as the audit needs them, by name.
fn consigned(
    db: &mut Db,
    partner_id: i64,
    names: &BTreeSet<String>,
    shelf: &mut Shelf,
) -> Result<BTreeMap<String, Consigned>, DbError> {
    let named = shipments_named_unscoped(db, partner_id, names)?;
    let keys: Vec<ShipmentKey> = named.values().map(|&(day, id, _)| (day, partner_id, id)).collect();
    let mut expected = expected_unscoped(db, partner_id, &keys)?;
    let proofs = proofs_unscoped(db, partner_id, &keys)?;
    let atlas = shelf.atlas(db)?;
    let mut found = BTreeMap::new();
    for stored in consignments_unscoped(db, &atlas, partner_id, &keys)? {
        let expected = expected.remove(&stored.key).map(|stored| stored.expected);
        let rates = match &expected {
            Some(expected) => shelf.rates(db, expected.version_id)?,
            None => Vec::new(),
        };
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
            rates,
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
