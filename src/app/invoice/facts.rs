//! Gathering what an audit needs to know of one invoice.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::charge_code::code_books;
use crate::db::contract::{contract_list_of_partner, terms_load};
use crate::db::expected::{consignment_show, expected_show};
use crate::db::fold::ShipmentKey;
use crate::db::invoice::{
    InvoiceKey, InvoiceLineRow, InvoiceRow, TermsRow, invoice_show, neighbours_unscoped,
    shipments_named_unscoped, terms_list,
};
use crate::db::quality::quality_of;
use crate::db::{Db, DbError};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::audit::{Bill, BillLine, Charge, Consigned, DatedTerms, Known, Named, Owed, in_force};
use crate::domain::charge_code::CodeBook;
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::expected::{Expected, ExpectedStatus};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;
use crate::domain::viewer::Viewer;

/// What is the same for all invoices of a partner or a contract version, read once a run.
#[derive(Default)]
pub(super) struct Shelf {
    partners: BTreeMap<i64, Partner>,
    rates: BTreeMap<i64, Vec<AccessorialRate>>,
}

#[derive(Clone)]
struct Partner {
    book: CodeBook,
    currencies: BTreeSet<Currency>,
    terms: Vec<DatedTerms>,
}

impl Shelf {
    fn partner(&mut self, db: &mut Db, partner_id: i64) -> Result<&Partner, DbError> {
        use std::collections::btree_map::Entry;
        Ok(match self.partners.entry(partner_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let system = Viewer::system();
                let contracts = contract_list_of_partner(db, &system, partner_id)?;
                let terms = terms_list(db, &system, partner_id)?;
                free.insert(Partner {
                    book: code_books(db, &system, Some(partner_id))?.remove(&partner_id).unwrap_or_default(),
                    currencies: contracts.into_iter().map(|contract| contract.currency).collect(),
                    terms: terms.iter().map(TermsRow::dated).collect::<Result<_, _>>()?,
                })
            }
        })
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

/// The bill and what is known about it; none when there is no such invoice.
pub(super) fn read(
    db: &mut Db,
    key: InvoiceKey,
    shelf: &mut Shelf,
) -> Result<Option<(Bill, Known)>, DbError> {
    let system = Viewer::system();
    let Some((row, lines)) = invoice_show(db, &system, key)? else { return Ok(None) };
    let partner = shelf.partner(db, key.0)?.clone();
    let bill = bill(&row, &lines, &partner.book)?;
    let names: BTreeSet<String> = lines.iter().flat_map(InvoiceLineRow::names).map(str::to_owned).collect();
    let mut others = Vec::new();
    for id in neighbours_unscoped(db, &row)? {
        let Some((row, lines)) = invoice_show(db, &system, (key.0, id))? else { continue };
        others.push(self::bill(&row, &lines, &partner.book)?);
    }
    // The order of ids says when something was imported, which decides nothing.
    others.sort_by_key(Bill::order);
    let found = shipments_named_unscoped(db, key.0, &names)?;
    let mut shipments = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    for (name, (day, id, _)) in found {
        if let Some(one) = consigned(db, (day, key.0, id), shelf)? {
            by_name.insert(name.clone(), name.clone());
            shipments.insert(name, one);
        }
    }
    let known = Known {
        terms: in_force(&partner.terms, bill.received_on),
        shipments,
        names: by_name,
        currencies: partner.currencies,
        others,
    };
    Ok(Some((bill, known)))
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

/// A shipment as the audit needs it.
fn consigned(db: &mut Db, key: ShipmentKey, shelf: &mut Shelf) -> Result<Option<Consigned>, DbError> {
    let system = Viewer::system();
    let Some(stored) = consignment_show(db, &system, key)? else { return Ok(None) };
    let expected = expected_show(db, &system, key)?.map(|stored| stored.expected);
    let rates = match &expected {
        Some(expected) => shelf.rates(db, expected.version_id)?,
        None => Vec::new(),
    };
    let facts = stored.facts;
    let at = facts.milestones.delivered_at.or(facts.milestones.arrived_at);
    let zone = facts.milestones.delivery_zone.or(facts.milestones.pickup_zone).unwrap_or(chrono_tz::Tz::UTC);
    Ok(Some(Consigned {
        reference: facts.reference,
        lane: stored.lane.code.clone(),
        delivered_on: at.map(|at| local_day(at, zone)),
        is_cancelled: facts.milestones.cancelled_at.is_some() && at.is_none(),
        has_proof: quality_of(db, &system, key)?.is_some_and(|quality| quality.pod_received_at.is_some()),
        weight_g: facts.weight_g,
        distance_m: facts.distance_m,
        pieces: facts.pieces,
        freight_class: facts.particulars.map(|said| said.class.clone()).filter(|class| !class.is_empty()),
        owed: owed(expected),
        events: facts.events,
        rates,
    }))
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
