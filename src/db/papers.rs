//! What the papers of shipments say, the numbers by which others know them and who pays their freight: rows beside a shipment
//! where its feed says anything of it, stored as the shipments are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::conn::Db;
use super::dialect::among::among;
use super::dimension::zones_by_id;
use super::fact::rows_of_shipments;
use super::fold::ShipmentKey;
use super::schema::{invoice_numbers, shipment_freight_terms, shipment_numbers, shipments};
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::bulk_insert;
use crate::domain::audit::number_key;
use crate::domain::audit::papers::{
    BEARERS_MAX, Bearer, Bearers, FOLLOWED_MAX, FreightTerms, Number, NumberKey, NumberKind, Papers,
};
use crate::domain::field::BadCode;
use crate::domain::outcome::delivered_day;
use crate::domain::viewer::Viewer;

/// A number of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = shipment_numbers, treat_none_as_default_value = false)]
pub struct NumberRow {
    /// The day its shipment is stored under.
    pub obligation_day: Day,
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// PRO, BOL or LOAD.
    pub kind: String,
    /// The number as numbers are compared.
    pub number_key: String,
    /// As written.
    pub number: String,
    /// Of a load: the stop at which the shipment is delivered.
    pub stop: Option<i32>,
}

/// Who pays the freight of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = shipment_freight_terms, treat_none_as_default_value = false)]
pub struct FreightTermsRow {
    /// The day its shipment is stored under.
    pub obligation_day: Day,
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// PREPAID, COLLECT or THIRD_PARTY.
    pub freight_terms: String,
}

/// The rows of some shipments, as they are to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PapersRows {
    numbers: Vec<NumberRow>,
    freight_terms: Vec<FreightTermsRow>,
}

impl PapersRows {
    /// Adds what the papers of a shipment say that is stored under `key`.
    pub fn add(&mut self, (obligation_day, partner_id, shipment_id): ShipmentKey, papers: &Papers) {
        self.numbers.extend(papers.numbers.iter().map(|number| NumberRow {
            obligation_day,
            partner_id,
            shipment_id,
            kind: number.kind.code().to_owned(),
            number_key: number_key(&number.text),
            number: number.text.clone(),
            stop: number.stop,
        }));
        self.freight_terms.extend(papers.freight_terms.map(|terms| FreightTermsRow {
            obligation_day,
            partner_id,
            shipment_id,
            freight_terms: terms.code().to_owned(),
        }));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.freight_terms.is_empty()
    }
}

fn stored(shipment_id: i64, partner_id: i64, error: &BadCode) -> DbError {
    DbError::Stored {
        what: format!("the papers of shipment {shipment_id} of partner {partner_id}"),
        reason: error.to_string(),
    }
}

/// Stores rows.
///
/// # Errors
/// The engine's reason.
pub fn papers_insert(db: &mut Db, rows: &PapersRows) -> QueryResult<()> {
    bulk_insert!(db, shipment_numbers::table, rows.numbers.as_slice())?;
    bulk_insert!(db, shipment_freight_terms::table, rows.freight_terms.as_slice())?;
    Ok(())
}

/// Removes the rows of a shipment, if it has any: its facts are about to be replaced.
///
/// # Errors
/// The engine's reason.
pub fn papers_delete(db: &mut Db, key: ShipmentKey) -> QueryResult<()> {
    diesel::delete(
        shipment_numbers::table
            .filter(shipment_numbers::obligation_day.eq(key.0))
            .filter(shipment_numbers::partner_id.eq(key.1))
            .filter(shipment_numbers::shipment_id.eq(key.2)),
    )
    .execute(db)?;
    diesel::delete(shipment_freight_terms::table.find(key)).execute(db)?;
    Ok(())
}

/// Whether any shipment carries a number: while none does, nobody needs to look for one.
///
/// # Errors
/// The engine's reason.
pub fn any_numbers(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> =
        shipment_numbers::table.select(shipment_numbers::shipment_id).first(db).optional()?;
    Ok(any.is_some())
}

fn any_freight_terms(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> =
        shipment_freight_terms::table.select(shipment_freight_terms::shipment_id).first(db).optional()?;
    Ok(any.is_some())
}

/// Whether anything is said of any shipment: while nothing is, nobody needs to look.
///
/// # Errors
/// The engine's reason.
pub fn any_papers(db: &mut Db) -> QueryResult<bool> {
    Ok(any_numbers(db)? || any_freight_terms(db)?)
}

/// What the papers of one shipment say; blank when they say nothing or the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn papers_of(db: &mut Db, viewer: &Viewer, key: ShipmentKey) -> Result<Papers, DbError> {
    if !viewer.sees(key.1) {
        return Ok(Papers::default());
    }
    Ok(papers_unscoped(db, &[key])?.remove(&key).unwrap_or_default())
}

/// What the papers of some shipments say; those of which they say nothing are missing.
///
/// Unscoped: an import replaces shipments of whatever partner.
///
/// # Errors
/// As [`papers_of`].
pub fn papers_unscoped(db: &mut Db, keys: &[ShipmentKey]) -> Result<HashMap<ShipmentKey, Papers>, DbError> {
    let mut by_partner: BTreeMap<i64, Vec<ShipmentKey>> = BTreeMap::new();
    for key in keys {
        by_partner.entry(key.1).or_default().push(*key);
    }
    let mut found: HashMap<ShipmentKey, Papers> = HashMap::new();
    for (partner_id, keys) in by_partner {
        for (key, terms) in freight_terms_unscoped(db, partner_id, &keys)? {
            found.entry(key).or_default().freight_terms = Some(terms);
        }
        let rows = rows_of_shipments!(
            db, partner_id, &keys,
            shipment_numbers.shipment_id.order((shipment_numbers::kind.desc(), shipment_numbers::number_key))
            => NumberRow::as_select() => NumberRow
        );
        for row in rows {
            let kind: NumberKind =
                row.kind.parse().map_err(|error| stored(row.shipment_id, partner_id, &error))?;
            let papers = found.entry((row.obligation_day, partner_id, row.shipment_id)).or_default();
            papers.numbers.push(Number { kind, text: row.number, stop: row.stop });
        }
    }
    Ok(found)
}

/// Those of some numbers that shipments of a partner carry, and not so many that they tell nothing. Statement by statement one kind.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// The engine's reason.
pub fn telling_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &BTreeSet<NumberKey>,
) -> QueryResult<BTreeSet<NumberKey>> {
    let most = i64::try_from(BEARERS_MAX).unwrap_or(i64::MAX);
    let counted = counted(db, partner_id, keys)?;
    Ok(counted.into_iter().filter(|(_, count)| *count <= most).map(|(key, _)| key).collect())
}

/// Takes those out of some numbers that so many shipments of a partner carry that nobody looks again when one more or less
/// does. Those that no shipment carries any more stay.
///
/// Unscoped: a refresh and an import know whose shipments changed.
///
/// # Errors
/// The engine's reason.
pub fn followed_retain_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &mut BTreeSet<NumberKey>,
) -> QueryResult<()> {
    let most = i64::try_from(FOLLOWED_MAX).unwrap_or(i64::MAX);
    let counted = counted(db, partner_id, keys)?;
    keys.retain(|key| counted.get(key).is_none_or(|count| *count <= most));
    Ok(())
}

/// How many shipments of a partner carry each of some numbers; those that none carries are missing.
fn counted(
    db: &mut Db,
    partner_id: i64,
    keys: &BTreeSet<NumberKey>,
) -> QueryResult<BTreeMap<NumberKey, i64>> {
    let mut found = BTreeMap::new();
    for kind in NumberKind::ALL.iter().copied() {
        for chunk in of_kind(keys, kind).chunks(KEYS_PER_STATEMENT) {
            let rows: Vec<(String, i64)> = shipment_numbers::table
                .filter(shipment_numbers::partner_id.eq(partner_id))
                .filter(shipment_numbers::kind.eq(kind.code()))
                .filter(among(shipment_numbers::number_key, chunk.to_vec()))
                .group_by(shipment_numbers::number_key)
                .select((shipment_numbers::number_key, count_star()))
                .load(db)?;
            found.extend(rows.into_iter().map(|(key, count)| ((kind, key), count)));
        }
    }
    Ok(found)
}

fn of_kind(keys: &BTreeSet<NumberKey>, kind: NumberKind) -> Vec<&str> {
    keys.iter().filter(|(other, _)| *other == kind).map(|(_, key)| key.as_str()).collect()
}

/// The shipments of a partner that carry one of the numbers, without those that tell nothing. Statement by statement one kind.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// [`DbError::Stored`] for a zone that does not read back, or the engine's reason.
pub fn bearers_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &BTreeSet<NumberKey>,
) -> Result<Bearers, DbError> {
    type Times = (Option<Instant>, Option<Instant>, Option<i32>, Option<i32>);
    let mut found = Bearers::new();
    let keys = telling_unscoped(db, partner_id, keys)?;
    if keys.is_empty() {
        return Ok(found);
    }
    let zones = zones_by_id(db)?;
    let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
    for kind in NumberKind::ALL.iter().copied() {
        for chunk in of_kind(&keys, kind).chunks(KEYS_PER_STATEMENT) {
            let rows: Vec<(String, Option<i32>, String, Times)> = shipment_numbers::table
                .inner_join(
                    shipments::table.on(shipments::obligation_day
                        .eq(shipment_numbers::obligation_day)
                        .and(shipments::partner_id.eq(shipment_numbers::partner_id))
                        .and(shipments::id.eq(shipment_numbers::shipment_id))),
                )
                .filter(shipment_numbers::partner_id.eq(partner_id))
                .filter(shipment_numbers::kind.eq(kind.code()))
                .filter(among(shipment_numbers::number_key, chunk.to_vec()))
                .select((
                    shipment_numbers::number_key,
                    shipment_numbers::stop,
                    shipments::reference,
                    (
                        shipments::delivered_at,
                        shipments::arrived_at,
                        shipments::delivery_zone_id,
                        shipments::pickup_zone_id,
                    ),
                ))
                .load(db)?;
            for (key, stop, reference, (delivered, arrived, to, from)) in rows {
                let at = delivered.or(arrived).map(|at| at.0);
                let delivered_on = delivered_day(at, (zone(to), zone(from)));
                let bearers = found.entry(kind).or_default().entry(key).or_default();
                bearers.push(Bearer { reference, stop, delivered_on });
            }
        }
    }
    // The order in which an engine finds them says nothing.
    found.values_mut().flat_map(BTreeMap::values_mut).for_each(|bearers| bearers.sort());
    Ok(found)
}

/// The numbers of some shipments of a partner, by id.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn numbers_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<HashMap<i64, Vec<NumberKey>>, DbError> {
    let mut found: HashMap<i64, Vec<NumberKey>> = HashMap::new();
    let rows = rows_of_shipments!(
        db, partner_id, keys, shipment_numbers.shipment_id
        => (shipment_numbers::shipment_id, shipment_numbers::kind, shipment_numbers::number_key)
        => (i64, String, String)
    );
    for (id, kind, key) in rows {
        let kind = kind.parse().map_err(|error| stored(id, partner_id, &error))?;
        found.entry(id).or_default().push((kind, key));
    }
    Ok(found)
}

/// The numbers that shipments of some partners due on some days carry and that an invoice gives, by partner.
///
/// Unscoped: a refresh and an accrual know whose shipments they read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn numbers_billed_unscoped(
    db: &mut Db,
    partners: &[i64],
    days: &[Day],
) -> Result<BTreeMap<i64, BTreeSet<NumberKey>>, DbError> {
    // Not joined: where many shipments and many invoices say `N/A`, each would meet each.
    let given = invoice_numbers::table
        .filter(invoice_numbers::partner_id.eq(shipment_numbers::partner_id))
        .filter(invoice_numbers::kind.eq(shipment_numbers::kind))
        .filter(invoice_numbers::number_key.eq(shipment_numbers::number_key));
    let rows: Vec<(i64, String, String)> = shipment_numbers::table
        .filter(shipment_numbers::obligation_day.eq_any(days))
        .filter(shipment_numbers::partner_id.eq_any(partners))
        .filter(diesel::dsl::exists(given))
        .select((shipment_numbers::partner_id, shipment_numbers::kind, shipment_numbers::number_key))
        .distinct()
        .load(db)?;
    let mut found: BTreeMap<i64, BTreeSet<NumberKey>> = BTreeMap::new();
    for (partner_id, kind, key) in rows {
        let kind: NumberKind = kind.parse().map_err(|error: BadCode| DbError::Stored {
            what: format!("the number {key} of partner {partner_id}"),
            reason: error.to_string(),
        })?;
        found.entry(partner_id).or_default().insert((kind, key));
    }
    Ok(found)
}

/// Who pays the freight of some shipments of a partner; those of which nothing is said are missing.
///
/// Unscoped: an audit names whose shipments it reads.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn freight_terms_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<HashMap<ShipmentKey, FreightTerms>, DbError> {
    let mut found = HashMap::new();
    if !any_freight_terms(db)? {
        return Ok(found);
    }
    let rows = rows_of_shipments!(
        db, partner_id, keys, shipment_freight_terms.shipment_id
        => FreightTermsRow::as_select() => FreightTermsRow
    );
    for row in rows {
        let key = (row.obligation_day, row.partner_id, row.shipment_id);
        let terms = row.freight_terms.parse().map_err(|error| stored(key.2, partner_id, &error))?;
        found.insert(key, terms);
    }
    Ok(found)
}
