//! Documents that settle items, and which items each was applied to; rows are only added.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::conn::Db;
use super::schema::{partners, settlement_parts, settlements};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use super::{DbError, currency_of};
use crate::domain::clause::ObligationKey;
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// Documents one list answers at most.
pub const LIST_LIMIT: i64 = 500;

/// A document as booked.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = settlements)]
pub struct SettlementRow {
    /// The carrier.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// [`crate::domain::settlement::SettlementKind`].
    pub kind: String,
    /// Its number.
    pub number: String,
    /// The number as numbers are compared.
    pub number_key: String,
    /// The day it is dated and posted.
    pub settled_on: Day,
    /// Currency of the amount.
    pub currency: String,
    /// What it comes to.
    pub amount_micros: i64,
    /// A remark.
    pub words: String,
    /// When it was booked.
    pub at: Instant,
    /// By whom.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

impl SettlementRow {
    /// The currency of the amount.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a code that does not read back.
    pub fn currency(&self) -> Result<Currency, DbError> {
        currency_of(&self.currency, format!("settlement {}", self.id))
    }
}

/// What a document settles of one item.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = settlement_parts)]
pub struct PartRow {
    /// The carrier.
    pub partner_id: i64,
    /// The document.
    pub settlement_id: i64,
    /// 1 for the first.
    pub seq: i32,
    /// The obligation.
    pub obligation_key: String,
    /// How much of it.
    pub amount_micros: i64,
    /// The day it is posted.
    pub posted_on: Day,
    /// When it was applied.
    pub at: Instant,
    /// By whom.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// A document with its partner's name and what was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementListed {
    /// The document.
    pub row: SettlementRow,
    /// The carrier's name.
    pub partner: String,
    /// What it settles.
    pub parts: Vec<PartRow>,
}

impl SettlementListed {
    /// What is not applied to any item.
    #[must_use]
    pub fn unapplied(&self) -> Micros {
        let applied: Micros = self.parts.iter().map(|part| Micros(part.amount_micros)).sum();
        Micros(self.row.amount_micros) - applied
    }
}

/// Adds a document; one of the same kind and number of the partner fails.
///
/// # Errors
/// The engine's reason.
pub fn settlement_insert(db: &mut Db, row: &SettlementRow) -> QueryResult<()> {
    diesel::insert_into(settlements::table).values(row).execute(db).map(drop)
}

/// Adds what a document settles.
///
/// # Errors
/// The engine's reason.
pub fn settlement_parts_insert(db: &mut Db, rows: &[PartRow]) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(settlement_parts::table).values(row).execute(db)?;
    }
    Ok(())
}

/// Whether a partner's document of a kind has this number already.
///
/// # Errors
/// The engine's reason.
pub fn settlement_is_known(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    (kind, number_key): (&str, &str),
) -> QueryResult<bool> {
    if !viewer.sees(partner_id) {
        return Ok(false);
    }
    let found: i64 = settlements::table
        .filter(settlements::partner_id.eq(partner_id))
        .filter(settlements::kind.eq(kind))
        .filter(settlements::number_key.eq(number_key))
        .count()
        .get_result(db)?;
    Ok(found > 0)
}

/// The newest documents the viewer may see, of one partner or all, or the one of an id.
///
/// # Errors
/// The engine's reason.
pub fn settlement_list(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    id: Option<i64>,
) -> QueryResult<Vec<SettlementListed>> {
    let Some(asked) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let mut query = settlements::table
        .inner_join(partners::table.on(partners::id.eq(settlements::partner_id)))
        .select((SettlementRow::as_select(), partners::name))
        .into_boxed();
    if let Some(partner) = asked {
        query = query.filter(settlements::partner_id.eq(partner));
    }
    if let Some(id) = id {
        query = query.filter(settlements::id.eq(id));
    }
    let rows: Vec<(SettlementRow, String)> =
        query.order((settlements::settled_on.desc(), settlements::id.desc())).limit(LIST_LIMIT).load(db)?;
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let mut query = settlement_parts::table.filter(settlement_parts::settlement_id.eq_any(ids)).into_boxed();
    if let Some(partner) = asked {
        query = query.filter(settlement_parts::partner_id.eq(partner));
    }
    let found: Vec<PartRow> = query
        .order((settlement_parts::settlement_id, settlement_parts::seq))
        .select(PartRow::as_select())
        .load(db)?;
    let mut parts: BTreeMap<(i64, i64), Vec<PartRow>> = BTreeMap::new();
    for part in found {
        parts.entry((part.partner_id, part.settlement_id)).or_default().push(part);
    }
    let listed = |(row, partner): (SettlementRow, String)| {
        let parts = parts.remove(&(row.partner_id, row.id)).unwrap_or_default();
        SettlementListed { row, partner, parts }
    };
    Ok(rows.into_iter().map(listed).collect())
}

/// What one document settled of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The document.
    pub settlement_id: i64,
    /// What it is.
    pub kind: String,
    /// Its number.
    pub number: String,
    /// The day it is posted on.
    pub posted_on: NaiveDate,
    /// How much of the item; below zero where it was paid back.
    pub amount: Micros,
}

/// What settled an item, by day of posting; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn settlements_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: ObligationKey,
) -> QueryResult<Vec<Paid>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String, String, Day, i64)> = settlement_parts::table
        .inner_join(
            settlements::table.on(settlements::partner_id
                .eq(settlement_parts::partner_id)
                .and(settlements::id.eq(settlement_parts::settlement_id))),
        )
        .filter(settlement_parts::partner_id.eq(partner_id))
        .filter(settlement_parts::obligation_key.eq(key.to_string()))
        .order((settlement_parts::posted_on, settlement_parts::settlement_id, settlement_parts::seq))
        .select((
            settlements::id,
            settlements::kind,
            settlements::number,
            settlement_parts::posted_on,
            settlement_parts::amount_micros,
        ))
        .load(db)?;
    let paid = |(settlement_id, kind, number, on, amount): (i64, String, String, Day, i64)| Paid {
        settlement_id,
        kind,
        number,
        posted_on: on.0,
        amount: Micros(amount),
    };
    Ok(rows.into_iter().map(paid).collect())
}
