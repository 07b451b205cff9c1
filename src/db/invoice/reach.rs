//! Where the lines of invoices lead: to shipments, by our reference or by a number they carry, and from there to whatever else
//! names the same shipments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::batch::{Neighbours, invoices_unscoped};
use super::{
    InvoiceKey, InvoiceLineRow, InvoiceRow, KEYS_PER_STATEMENT, shipments_named_unscoped, stale_invoices_mark,
};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::dialect::among::among;
use crate::db::fold::ShipmentKey;
use crate::db::papers::{
    any_numbers, bearers_unscoped, followed_retain_unscoped, numbers_unscoped, telling_unscoped,
};
use crate::db::schema::invoice_numbers;
use crate::db::types::Day;
use crate::domain::audit::Named;
use crate::domain::audit::papers::{Bearer, Bearers, NumberKey, NumberKind};

/// What the lines of some invoices of a partner lead to.
#[derive(Debug, Default)]
pub struct Reach {
    /// Whether any shipment carries a number; while none does, none is looked for.
    any_numbers: bool,
    /// The names given.
    names: BTreeSet<String>,
    /// The numbers given.
    keys: BTreeSet<NumberKey>,
    /// Where the shipments are stored, by our reference, with the code of their feed.
    shipments: BTreeMap<String, (Day, i64, String)>,
    /// Who carries the numbers given.
    bearers: Bearers,
    /// Every number of those shipments that tells something, by our reference.
    carried: BTreeMap<String, Vec<NumberKey>>,
}

/// What one invoice leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reached<'a> {
    /// Our references of the shipments it may be for.
    pub references: BTreeSet<&'a str>,
    /// Every name by which another invoice could name one of them, or is named like them.
    pub names: BTreeSet<&'a str>,
    /// Every number that one of them carries.
    pub keys: BTreeSet<NumberKey>,
}

impl Reach {
    /// Follows the lines of some invoices of a partner.
    ///
    /// Unscoped: an audit names whose invoices it reads.
    ///
    /// # Errors
    /// [`DbError::Stored`] for something that does not read back, or the engine's reason.
    pub fn read_unscoped<'a>(
        db: &mut Db,
        partner_id: i64,
        lines: impl Iterator<Item = &'a InvoiceLineRow>,
    ) -> Result<Self, DbError> {
        let mut found = Self { any_numbers: any_numbers(db)?, ..Self::default() };
        found.follow(db, partner_id, lines)?;
        if found.any_numbers {
            let keys = found.shipment_keys(partner_id);
            let mut numbers = numbers_unscoped(db, partner_id, &keys)?;
            let telling = telling_unscoped(db, partner_id, &numbers.values().flatten().cloned().collect())?;
            for (reference, (_, id, _)) in &found.shipments {
                let mut own = numbers.remove(id).unwrap_or_default();
                own.retain(|number| telling.contains(number));
                if !own.is_empty() {
                    found.carried.insert(reference.clone(), own);
                }
            }
        }
        Ok(found)
    }

    /// Follows further lines, so that each means what it means on its own invoice.
    ///
    /// # Errors
    /// As [`read_unscoped`](Self::read_unscoped).
    pub fn follow<'a>(
        &mut self,
        db: &mut Db,
        partner_id: i64,
        lines: impl Iterator<Item = &'a InvoiceLineRow>,
    ) -> Result<(), DbError> {
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for line in lines {
            names.extend(line.names().filter(|name| !self.names.contains(*name)).map(str::to_owned));
            if self.any_numbers {
                keys.extend(line.named().keys().filter(|key| !self.keys.contains(key)));
            }
        }
        for (kind, numbers) in bearers_unscoped(db, partner_id, &keys)? {
            let carry = numbers.values().flatten().map(|bearer| bearer.reference.clone());
            names.extend(carry.filter(|name| !self.names.contains(name)));
            self.bearers.entry(kind).or_default().extend(numbers);
        }
        self.shipments.extend(shipments_named_unscoped(db, partner_id, &names)?);
        self.names.extend(names);
        self.keys.extend(keys);
        Ok(())
    }

    /// Where the shipments are stored.
    #[must_use]
    pub fn shipment_keys(&self, partner_id: i64) -> Vec<ShipmentKey> {
        self.shipments.values().map(|&(day, id, _)| (day, partner_id, id)).collect()
    }

    /// Where some of them are stored, by our references.
    #[must_use]
    pub fn keys_of(&self, partner_id: i64, references: &BTreeSet<&str>) -> Vec<ShipmentKey> {
        let found = references.iter().filter_map(|reference| self.shipments.get(*reference));
        found.map(|&(day, id, _)| (day, partner_id, id)).collect()
    }

    /// Whether any shipment carries a number.
    #[must_use]
    pub fn any_numbers(&self) -> bool {
        self.any_numbers
    }

    /// Whether a name is our reference of one shipment.
    #[must_use]
    pub fn is_shipment(&self, name: &str) -> bool {
        self.shipments.contains_key(name)
    }

    /// Who carries a number.
    #[must_use]
    pub fn bearers(&self, (kind, key): &NumberKey) -> &[Bearer] {
        let found = self.bearers.get(kind).and_then(|numbers| numbers.get(key));
        found.map_or(&[][..], Vec::as_slice)
    }

    /// What the lines of one invoice lead to, which name their shipments so.
    #[must_use]
    pub fn of<'a>(&'a self, lines: impl Iterator<Item = &'a Named>) -> Reached<'a> {
        let mut found = Reached::default();
        for named in lines {
            found.names.extend(named.names());
            found.references.extend(named.names().filter(|name| self.is_shipment(name)));
            if self.any_numbers {
                found.keys.extend(named.keys().filter(|key| !self.bearers(key).is_empty()));
            }
        }
        let carry =
            found.keys.iter().flat_map(|key| self.bearers(key)).map(|bearer| bearer.reference.as_str());
        found.references.extend(carry.filter(|name| self.is_shipment(name)));
        found.names.extend(&found.references);
        let others = found.references.iter().filter_map(|name| self.carried.get(*name)).flatten().cloned();
        found.keys.extend(others);
        found
    }
}

/// Ids of the invoices of a partner that share a shipment, a number or an original with some, these among them.
///
/// Unscoped: an import knows whose file it is.
///
/// # Errors
/// As [`Reach::read_unscoped`].
pub(super) fn touched_unscoped<'a>(
    db: &mut Db,
    partner_id: i64,
    lines: impl Iterator<Item = &'a InvoiceLineRow> + Clone,
    rows: impl IntoIterator<Item = &'a InvoiceRow>,
) -> Result<BTreeSet<i64>, DbError> {
    // Without numbers the names given are all there are.
    let reach = if any_numbers(db)? {
        Reach::read_unscoped(db, partner_id, lines.clone())?
    } else {
        Reach::default()
    };
    let named: Vec<Named> = lines.map(InvoiceLineRow::named).collect();
    let reached = reach.of(named.iter());
    Ok(Neighbours::read_unscoped(db, partner_id, (&reached.names, &reached.keys), rows)?.ids())
}

/// Ids of the invoices of a partner that give one of the numbers, by number.
pub(super) fn invoices_of_numbers(
    db: &mut Db,
    partner_id: i64,
    numbers: &BTreeSet<NumberKey>,
) -> QueryResult<HashMap<NumberKey, Vec<i64>>> {
    let mut found: HashMap<NumberKey, Vec<i64>> = HashMap::new();
    for kind in NumberKind::ALL.iter().copied() {
        let own: Vec<&str> =
            numbers.iter().filter(|(other, _)| *other == kind).map(|(_, key)| key.as_str()).collect();
        for chunk in own.chunks(KEYS_PER_STATEMENT) {
            let rows: Vec<(String, i64)> = invoice_numbers::table
                .filter(invoice_numbers::partner_id.eq(partner_id))
                .filter(invoice_numbers::kind.eq(kind.code()))
                .filter(among(invoice_numbers::number_key, chunk.to_vec()))
                .select((invoice_numbers::number_key, invoice_numbers::invoice_id))
                .load(db)?;
            for (key, id) in rows {
                found.entry((kind, key)).or_default().push(id);
            }
        }
    }
    Ok(found)
}

/// Ids of the invoices of a partner that give one of the numbers, without numbers that so many shipments carry that they
/// tell nothing.
///
/// Unscoped: a refresh, an import and an accrual know whose shipments they read.
///
/// # Errors
/// The engine's reason.
pub fn invoices_giving_unscoped(
    db: &mut Db,
    partner_id: i64,
    mut numbers: BTreeSet<NumberKey>,
) -> QueryResult<BTreeSet<i64>> {
    followed_retain_unscoped(db, partner_id, &mut numbers)?;
    Ok(invoices_of_numbers(db, partner_id, &numbers)?.into_values().flatten().collect())
}

/// The invoices that give one of the numbers, of which other shipments carry them now, and whatever names one of the
/// shipments they lead to: what is for one of them no longer meets them there, or meets them only now.
///
/// Unscoped: a refresh and an import know whose shipments changed.
///
/// # Errors
/// As [`Reach::read_unscoped`].
pub(super) fn renumbered_unscoped(
    db: &mut Db,
    numbers: BTreeMap<i64, BTreeSet<NumberKey>>,
) -> Result<BTreeSet<InvoiceKey>, DbError> {
    let mut found: BTreeSet<InvoiceKey> = BTreeSet::new();
    for (partner_id, numbers) in numbers {
        let giving = invoices_giving_unscoped(db, partner_id, numbers)?;
        let ids: Vec<i64> = giving.iter().copied().collect();
        found.extend(giving.into_iter().map(|id| (partner_id, id)));
        for chunk in ids.chunks(KEYS_PER_STATEMENT) {
            let chunk: BTreeSet<i64> = chunk.iter().copied().collect();
            let invoices = invoices_unscoped(db, partner_id, &chunk)?;
            let lines = invoices.values().flat_map(|(_, lines)| lines.iter());
            let rows = invoices.values().map(|(row, _)| row);
            let touched = touched_unscoped(db, partner_id, lines, rows)?;
            found.extend(touched.into_iter().map(|id| (partner_id, id)));
        }
    }
    Ok(found)
}

/// Marks the invoices that give one of the numbers, by whose shipments carried them: they may be for others now. With them
/// whatever names one of those shipments.
///
/// # Errors
/// As [`Reach::read_unscoped`].
pub fn invoices_numbered_mark(db: &mut Db, numbers: BTreeSet<(i64, NumberKey)>) -> Result<(), DbError> {
    let mut by_partner: BTreeMap<i64, BTreeSet<NumberKey>> = BTreeMap::new();
    for (partner_id, number) in numbers {
        by_partner.entry(partner_id).or_default().insert(number);
    }
    let marks = renumbered_unscoped(db, by_partner)?;
    Ok(stale_invoices_mark(db, &marks)?)
}
