//! The steps of items that partners were told of, waiver budgets, and which contracts grant set-off; rows are only added.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::conn::Db;
use super::dialect::among::among;
use super::schema::{accruals, item_steps, set_off_grants, waiver_budgets};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::bulk_insert;
use crate::domain::clause::ObligationKey;
use crate::domain::dispute::{StepKind, Taken};
use crate::domain::field::BadCode;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::viewer::{Role, Viewer};

/// A step of an item, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = item_steps, treat_none_as_default_value = false)]
pub struct ItemStepRow {
    /// The carrier.
    pub partner_id: i64,
    /// The obligation.
    pub obligation_key: String,
    /// 1 for the first.
    pub seq: i32,
    /// Row id; evidence names it.
    pub id: i64,
    /// [`StepKind`].
    pub kind: String,
    /// Number of the disputed line; 0 for the whole item.
    pub line: i32,
    /// [`crate::domain::dispute::Ruling`], of a proposal or decision.
    pub ruling: Option<String>,
    /// What a disputed line is about.
    pub unit: String,
    /// Disputed, given up, settled, or what it comes to after a change.
    pub amount_micros: i64,
    /// Why.
    pub words: String,
    /// The local day.
    pub day: Day,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user; 0 for the job.
    pub actor_id: i64,
}

impl ItemStepRow {
    /// The step as the rules read it.
    ///
    /// # Errors
    /// A code that does not read back.
    pub fn taken(&self) -> Result<Taken, DbError> {
        let stored = |error: BadCode| DbError::Stored {
            what: format!("step {} of {}", self.seq, self.obligation_key),
            reason: error.to_string(),
        };
        Ok(Taken {
            kind: self.kind.parse().map_err(stored)?,
            line: self.line,
            ruling: self.ruling.as_deref().map(str::parse).transpose().map_err(stored)?,
            unit: self.unit.clone(),
            amount: Micros(self.amount_micros),
            words: self.words.clone(),
            day: self.day.0,
            actor_id: self.actor_id,
            actor: self.actor.clone(),
        })
    }
}

/// The steps of one item, oldest first; none when the viewer may not see the partner. What the shipper's people propose to
/// each other is not for the partner.
///
/// # Errors
/// The engine's reason.
pub fn item_steps_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: ObligationKey,
) -> QueryResult<Vec<ItemStepRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let mut query = item_steps::table
        .filter(item_steps::partner_id.eq(partner_id))
        .filter(item_steps::obligation_key.eq(key.to_string()))
        .into_boxed();
    if viewer.role == Role::Partner {
        query = query.filter(item_steps::kind.ne(StepKind::Proposed.code()));
    }
    query.order(item_steps::seq).select(ItemStepRow::as_select()).load(db)
}

/// The steps of all items the viewer may see, or of one partner, by item, oldest first; proposals never for a partner.
///
/// # Errors
/// The engine's reason, or a key that does not read back.
pub fn item_steps_all(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
) -> Result<BTreeMap<(i64, ObligationKey), Vec<ItemStepRow>>, DbError> {
    let Some(asked) = partner_filter(viewer, partner_id) else { return Ok(BTreeMap::new()) };
    let mut query = item_steps::table.into_boxed();
    if let Some(id) = asked {
        query = query.filter(item_steps::partner_id.eq(id));
    }
    if viewer.role == Role::Partner {
        query = query.filter(item_steps::kind.ne(StepKind::Proposed.code()));
    }
    let rows: Vec<ItemStepRow> = query
        .order((item_steps::partner_id, item_steps::obligation_key, item_steps::seq))
        .select(ItemStepRow::as_select())
        .load(db)?;
    let mut found: BTreeMap<(i64, ObligationKey), Vec<ItemStepRow>> = BTreeMap::new();
    for row in rows {
        let key = row.obligation_key.parse().map_err(|error: crate::domain::clause::BadKey| {
            DbError::Stored { what: format!("step {}", row.id), reason: error.to_string() }
        })?;
        found.entry((row.partner_id, key)).or_default().push(row);
    }
    Ok(found)
}

/// The number of the last step of an item, whoever may see it; 0 when there is none. Whoever writes the next one asks.
///
/// # Errors
/// The engine's reason.
pub fn item_step_last_unscoped(db: &mut Db, partner_id: i64, key: ObligationKey) -> QueryResult<i32> {
    let last: Option<i32> = item_steps::table
        .filter(item_steps::partner_id.eq(partner_id))
        .filter(item_steps::obligation_key.eq(key.to_string()))
        .select(diesel::dsl::max(item_steps::seq))
        .first(db)?;
    Ok(last.unwrap_or(0))
}

/// The same of some items of a partner; those without any step are left out.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn item_steps_last_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ObligationKey],
) -> Result<BTreeMap<ObligationKey, i32>, DbError> {
    let mut found: BTreeMap<ObligationKey, i32> = BTreeMap::new();
    let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
    for chunk in texts.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<(String, Option<i32>)> = item_steps::table
            .filter(item_steps::partner_id.eq(partner_id))
            .filter(among(item_steps::obligation_key, chunk.iter().map(String::as_str).collect()))
            .group_by(item_steps::obligation_key)
            .select((item_steps::obligation_key, diesel::dsl::max(item_steps::seq)))
            .load(db)?;
        for (key, last) in rows {
            let key: ObligationKey = key.parse().map_err(|error: crate::domain::clause::BadKey| {
                DbError::Stored { what: format!("a step of partner {partner_id}"), reason: error.to_string() }
            })?;
            found.insert(key, last.unwrap_or(0));
        }
    }
    Ok(found)
}

/// Something to be given up that was proposed and waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverProposed {
    /// The carrier.
    pub partner_id: i64,
    /// The obligation.
    pub obligation_key: String,
    /// The disputed line.
    pub line: i32,
    /// What would be given up.
    pub amount: Micros,
    /// Currency of the amount, as stored.
    pub currency: String,
}

/// What was proposed to be given up of items with obligations before `until` and waits for a second person, of all partners:
/// the newest proposal of each open line.
///
/// # Errors
/// The engine's reason.
pub fn waivers_proposed_unscoped(db: &mut Db, until: NaiveDate) -> QueryResult<Vec<WaiverProposed>> {
    let closing = [StepKind::Proposed, StepKind::Decided, StepKind::Withdrawn].map(StepKind::code);
    let rows: Vec<(i64, String, i32, String, i64, String)> = item_steps::table
        .inner_join(
            accruals::table.on(accruals::partner_id
                .eq(item_steps::partner_id)
                .and(accruals::obligation_key.eq(item_steps::obligation_key))),
        )
        .filter(accruals::state.eq(ItemState::Disputed.code()))
        .filter(accruals::obligation_day.lt(Day(until)))
        .filter(item_steps::kind.eq_any(closing))
        .order((item_steps::partner_id, item_steps::obligation_key, item_steps::seq))
        .select((
            item_steps::partner_id,
            item_steps::obligation_key,
            item_steps::line,
            item_steps::kind,
            item_steps::amount_micros,
            accruals::currency,
        ))
        .load(db)?;
    let mut newest: BTreeMap<(i64, String, i32), Option<WaiverProposed>> = BTreeMap::new();
    for (partner_id, obligation_key, line, kind, amount, currency) in rows {
        let waits = kind == StepKind::Proposed.code() && amount > 0;
        let at = (partner_id, obligation_key.clone(), line);
        let amount = Micros(amount);
        let proposed = WaiverProposed { partner_id, obligation_key, line, amount, currency };
        newest.insert(at, waits.then_some(proposed));
    }
    Ok(newest.into_values().flatten().collect())
}

/// What decisions gave up and what was settled of the disputed items with obligations before `until`, by partner and
/// obligation, of all partners. Items of which neither is known are missing.
///
/// # Errors
/// The engine's reason.
pub fn decided_and_settled_unscoped(
    db: &mut Db,
    until: NaiveDate,
) -> QueryResult<BTreeMap<(i64, String), (Micros, Micros)>> {
    let kinds = [StepKind::Decided, StepKind::Settled].map(StepKind::code);
    let rows: Vec<(i64, String, String, i64)> = item_steps::table
        .inner_join(
            accruals::table.on(accruals::partner_id
                .eq(item_steps::partner_id)
                .and(accruals::obligation_key.eq(item_steps::obligation_key))),
        )
        .filter(accruals::state.eq(ItemState::Disputed.code()))
        .filter(accruals::obligation_day.lt(Day(until)))
        .filter(item_steps::kind.eq_any(kinds))
        .select((
            item_steps::partner_id,
            item_steps::obligation_key,
            item_steps::kind,
            item_steps::amount_micros,
        ))
        .load(db)?;
    let mut found: BTreeMap<(i64, String), (Micros, Micros)> = BTreeMap::new();
    for (partner_id, key, kind, amount) in rows {
        let (given_up, settled) = found.entry((partner_id, key)).or_default();
        let sum = if kind == StepKind::Decided.code() { given_up } else { settled };
        *sum = *sum + Micros(amount);
    }
    Ok(found)
}

/// Adds a step; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn item_step_insert(db: &mut Db, row: &ItemStepRow) -> QueryResult<()> {
    diesel::insert_into(item_steps::table).values(row).execute(db).map(drop)
}

/// Adds many steps; a second one of the same item and number fails.
///
/// # Errors
/// The engine's reason.
pub fn item_steps_insert(db: &mut Db, rows: &[ItemStepRow]) -> Result<(), DbError> {
    bulk_insert!(db, item_steps::table, rows)?;
    Ok(())
}

/// What decisions of `[from, until)` gave up for a partner; 0 when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn given_up_between(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    (from, until): (NaiveDate, NaiveDate),
) -> QueryResult<Micros> {
    if !viewer.sees(partner_id) {
        return Ok(Micros::ZERO);
    }
    let amounts: Vec<i64> = item_steps::table
        .filter(item_steps::partner_id.eq(partner_id))
        .filter(item_steps::kind.eq(StepKind::Decided.code()))
        .filter(item_steps::day.ge(Day(from)))
        .filter(item_steps::day.lt(Day(until)))
        .select(item_steps::amount_micros)
        .load(db)?;
    Ok(amounts.into_iter().map(Micros).sum())
}

/// A waiver budget of a partner, as set.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = waiver_budgets)]
pub struct WaiverBudgetRow {
    /// The carrier.
    pub partner_id: i64,
    /// The calendar year.
    pub year: i32,
    /// 1 for the first; the newest counts.
    pub seq: i32,
    /// What may be given up in the year.
    pub amount_micros: i64,
    /// Currency of the amount.
    pub currency: String,
    /// Why so much.
    pub reason: String,
    /// When it was set.
    pub at: Instant,
    /// By whom.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// The waiver budgets of one partner or all, as they were set, oldest first. Never for a partner: it is a settlement floor.
///
/// # Errors
/// The engine's reason.
pub fn waiver_budgets_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
) -> QueryResult<Vec<WaiverBudgetRow>> {
    let Some(asked) = partner_filter(viewer, partner_id).filter(|_| viewer.role != Role::Partner) else {
        return Ok(Vec::new());
    };
    let mut query = waiver_budgets::table.into_boxed();
    if let Some(id) = asked {
        query = query.filter(waiver_budgets::partner_id.eq(id));
    }
    query
        .order((waiver_budgets::partner_id, waiver_budgets::year, waiver_budgets::seq))
        .select(WaiverBudgetRow::as_select())
        .load(db)
}

/// Adds a budget; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn waiver_budget_insert(db: &mut Db, row: &WaiverBudgetRow) -> QueryResult<()> {
    diesel::insert_into(waiver_budgets::table).values(row).execute(db).map(drop)
}

/// Whether a contract grants set-off, as noted.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = set_off_grants)]
pub struct SetOffRow {
    /// The contract.
    pub contract_id: i64,
    /// 1 for the first; the newest counts.
    pub seq: i32,
    /// The carrier.
    pub partner_id: i64,
    /// Whether it does.
    pub granted: bool,
    /// Which clause says so.
    pub words: String,
    /// When it was noted.
    pub at: Instant,
    /// By whom.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// What was noted about set-off for the contracts of a partner, oldest first; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn set_off_of(db: &mut Db, viewer: &Viewer, partner_id: i64) -> QueryResult<Vec<SetOffRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    set_off_grants::table
        .filter(set_off_grants::partner_id.eq(partner_id))
        .order((set_off_grants::contract_id, set_off_grants::seq))
        .select(SetOffRow::as_select())
        .load(db)
}

/// Adds a note about set-off; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn set_off_insert(db: &mut Db, row: &SetOffRow) -> QueryResult<()> {
    diesel::insert_into(set_off_grants::table).values(row).execute(db).map(drop)
}
