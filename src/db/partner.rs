//! Partners and the names they go by. Every read is filtered by the viewer's scope.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::dialect::BothExt;
use super::schema::{partner_aliases, partners, scorecards};
use super::types::{Day, Instant};
use crate::domain::partner::PartnerStatus;
use crate::domain::viewer::{Scope, Viewer};

/// Most partners one answer holds.
pub const ROWS_MAX: i64 = 5_000;

/// A partner as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = partners)]
#[diesel(treat_none_as_default_value = false)]
pub struct Partner {
    /// Row id.
    pub id: i64,
    /// Our short code, unique.
    pub code: String,
    /// Legal name.
    pub name: String,
    /// Standard carrier alpha code; empty when there is none.
    pub scac: String,
    /// Mode it mainly runs; empty when not said.
    pub mode: String,
    /// `ACTIVE`, `SUSPENDED` or `CLOSED`.
    pub status: String,
    /// Who answers reviews; empty when not said.
    pub contact_name: String,
    /// Where reviews go; empty when not said.
    pub contact_email: String,
    /// `WEEKLY`, `MONTHLY`, `QUARTERLY` or `NEVER`.
    pub review_cadence: String,
    /// When it was entered.
    pub created_at: Instant,
}

impl Partner {
    /// Whether we still work with it, now or again later: closed ones are neither scored, reviewed nor compared.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status != PartnerStatus::Closed.code()
    }
}

/// The partners the viewer may see, by name.
///
/// # Errors
/// The engine's reason.
pub fn partner_list(db: &mut Db, viewer: &Viewer) -> Result<Vec<Partner>, DbError> {
    let mut query = partners::table.into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => query = query.filter(partners::id.eq(own)),
        Scope::Nobody => return Ok(Vec::new()),
    }
    Ok(query
        .order((partners::name.asc(), partners::id.asc()))
        .limit(ROWS_MAX)
        .select(Partner::as_select())
        .load(db)?)
}

/// One partner; none when it does not exist or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn partner_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Partner>, DbError> {
    if !viewer.sees(id) {
        return Ok(None);
    }
    Ok(partners::table.find(id).select(Partner::as_select()).first(db).optional()?)
}

/// The partner with this code, as written or in capitals.
///
/// Unscoped: codes are unique over all partners, and only imports and who may edit partners ask.
///
/// # Errors
/// The engine's reason.
pub fn partner_by_code_unscoped(db: &mut Db, code: &str) -> Result<Option<i64>, DbError> {
    let code = code.trim();
    Ok(partners::table
        .filter(partners::code.eq(code).or(partners::code.eq(code.to_uppercase())))
        .order(partners::id.asc())
        .select(partners::id)
        .first(db)
        .optional()?)
}

/// The partner that goes by this name, normalised by [`normal_name`](crate::domain::partner::normal_name).
///
/// Unscoped: a name belongs to one partner over all, and only the import and who may edit partners ask.
///
/// # Errors
/// The engine's reason.
pub fn partner_by_alias_unscoped(db: &mut Db, alias: &str) -> Result<Option<i64>, DbError> {
    Ok(partner_aliases::table
        .filter(partner_aliases::alias.eq(alias))
        .select(partner_aliases::partner_id)
        .first(db)
        .optional()?)
}

/// The names a partner goes by, sorted; empty when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn alias_list(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Vec<String>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    Ok(partner_aliases::table
        .filter(partner_aliases::partner_id.eq(partner_id))
        .order(partner_aliases::alias.asc())
        .select(partner_aliases::alias)
        .load(db)?)
}

/// Adds a partner.
///
/// # Errors
/// The engine's reason; a unique violation when the code is taken.
pub fn partner_insert(db: &mut Db, partner: &Partner) -> Result<(), DbError> {
    diesel::insert_into(partners::table).values(partner).execute(db)?;
    Ok(())
}

/// Stores every field of a partner except its id and when it was entered.
///
/// # Errors
/// The engine's reason.
pub fn partner_update(db: &mut Db, partner: &Partner) -> Result<(), DbError> {
    diesel::update(partners::table.find(partner.id))
        .set((
            partners::code.eq(&partner.code),
            partners::name.eq(&partner.name),
            partners::scac.eq(&partner.scac),
            partners::mode.eq(&partner.mode),
            partners::status.eq(&partner.status),
            partners::contact_name.eq(&partner.contact_name),
            partners::contact_email.eq(&partner.contact_email),
            partners::review_cadence.eq(&partner.review_cadence),
        ))
        .execute(db)?;
    Ok(())
}

/// Locks a partner until the transaction ends, so that two edits of one partner never interleave.
///
/// # Errors
/// The engine's reason.
pub fn partner_lock(db: &mut Db, id: i64) -> Result<(), DbError> {
    diesel::update(partners::table.find(id)).set(partners::code.eq(partners::code)).execute(db)?;
    Ok(())
}

/// Gives a partner a name, unless the name is taken. Says whether it was added.
///
/// # Errors
/// The engine's reason.
pub fn alias_insert(db: &mut Db, partner_id: i64, alias: &str) -> Result<bool, DbError> {
    let added = diesel::insert_into(partner_aliases::table)
        .values((partner_aliases::alias.eq(alias), partner_aliases::partner_id.eq(partner_id)))
        .on_conflict(partner_aliases::alias)
        .do_nothing()
        .both()
        .execute(db)?;
    Ok(added > 0)
}

/// Takes every name away from a partner.
///
/// # Errors
/// The engine's reason.
pub fn alias_clear(db: &mut Db, partner_id: i64) -> Result<(), DbError> {
    diesel::delete(partner_aliases::table.filter(partner_aliases::partner_id.eq(partner_id))).execute(db)?;
    Ok(())
}

/// A partner's published composite and standing of one period.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = scorecards)]
pub struct StandingRow {
    /// The partner.
    pub partner_id: i64,
    /// The period, such as `2025-06`.
    pub period: String,
    /// Composite in tenths; none when not scored.
    pub composite_tenths: Option<i32>,
    /// The standing.
    pub standing: String,
}

/// The scorecard of the newest month that begins before `running`, the first day of the running month, of each
/// partner the viewer may see. A quarter begins earlier than its last month and may still run.
///
/// # Errors
/// The engine's reason.
pub fn standing_list(db: &mut Db, viewer: &Viewer, running: NaiveDate) -> Result<Vec<StandingRow>, DbError> {
    const QUARTER: &str = "%Q%";
    let newest = diesel::alias!(scorecards as newest);
    let mut query = scorecards::table
        .filter(scorecards::latest.eq(true))
        .filter(scorecards::period_start.lt(Day(running)))
        .filter(scorecards::period.not_like(QUARTER))
        .into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => query = query.filter(scorecards::partner_id.eq(own)),
        Scope::Nobody => return Ok(Vec::new()),
    }
    let later = newest
        .filter(newest.field(scorecards::partner_id).eq(scorecards::partner_id))
        .filter(newest.field(scorecards::period_start).gt(scorecards::period_start))
        .filter(newest.field(scorecards::period_start).lt(Day(running)))
        .filter(newest.field(scorecards::period).not_like(QUARTER))
        .filter(newest.field(scorecards::latest).eq(true));
    Ok(query
        .filter(diesel::dsl::not(diesel::dsl::exists(later)))
        .order((scorecards::partner_id.asc(), scorecards::id.asc()))
        .limit(ROWS_MAX)
        .select(StandingRow::as_select())
        .load(db)?)
}

/// The scorecards of one partner, newest first, at most `limit`; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn standing_history(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    limit: i64,
) -> Result<Vec<StandingRow>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    Ok(scorecards::table
        .filter(scorecards::partner_id.eq(partner_id))
        .filter(scorecards::latest.eq(true))
        .order((scorecards::period_start.desc(), scorecards::id.desc()))
        .limit(limit)
        .select(StandingRow::as_select())
        .load(db)?)
}

/// What a file of partners says of one, beside code and aliases.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = partners)]
pub struct PartnerTexts {
    /// The name people read.
    pub name: String,
    /// Standard carrier alpha code.
    pub scac: String,
    /// Main mode.
    pub mode: String,
    /// Whom to talk to.
    pub contact_name: String,
    /// Where reviews go.
    pub contact_email: String,
    /// How often they go.
    pub review_cadence: String,
}

/// The texts of a partner, for the import.
///
/// # Errors
/// The engine's reason; not found for no partner.
pub fn partner_texts_unscoped(db: &mut Db, id: i64) -> QueryResult<PartnerTexts> {
    partners::table.find(id).select(PartnerTexts::as_select()).first(db)
}

/// Replaces the texts of a partner.
///
/// # Errors
/// The engine's reason.
pub fn partner_texts_write(db: &mut Db, id: i64, texts: &PartnerTexts) -> QueryResult<()> {
    diesel::update(partners::table.find(id)).set(texts).execute(db).map(drop)
}

/// Lets a partner answer to another name too; whether it did not before.
///
/// # Errors
/// The engine's reason.
pub fn partner_alias_add(db: &mut Db, id: i64, alias: &str) -> QueryResult<bool> {
    let added = diesel::insert_into(partner_aliases::table)
        .values((partner_aliases::alias.eq(alias), partner_aliases::partner_id.eq(id)))
        .on_conflict_do_nothing()
        .both()
        .execute(db)?;
    Ok(added > 0)
}

/// The code of every partner the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn partner_codes(db: &mut Db, viewer: &Viewer) -> QueryResult<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = partners::table.select((partners::id, partners::code)).load(db)?;
    Ok(rows.into_iter().filter(|(id, _)| viewer.sees(*id)).collect())
}
