//! What lies beside shipments and tenders: claims, cases and safety records as stored, weekly commitments and plans, and answers
//! to what partners asked. Read a day of some partners at a time, as the sums are made.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use serde::Serialize;

use super::conn::Db;
use super::fact::fact_replace;
use super::schema::{
    beside_fact_versions, beside_facts, capacity_commitments, challenge_decisions, exclusion_decisions,
    exclusions, measure_cells, plan_cells, plans,
};
use super::shipment::{Source, StaleCell};
use super::types::{Day, Instant};
use crate::bulk_insert;

/// A claim, a case or a safety record.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = beside_facts, treat_none_as_default_value = false)]
pub struct BesideRow {
    /// `CLAIMS`, `CASES` or `SAFETY`, as [`Source::code`] has it.
    pub kind: String,
    /// The local day that decides the period.
    pub day: Day,
    /// Whose.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// The feed's own number.
    pub reference: String,
    /// Fingerprint of the imported row.
    pub fact_hash: i64,
    /// 1 for the first facts, one more for every change.
    pub version: i32,
    /// The import that brought these facts.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
    /// Lane of the shipment it is about, where that is known.
    pub lane_id: Option<i64>,
    /// Service level of that shipment, or empty.
    pub service: String,
    /// Mode of that shipment, or empty.
    pub mode: String,
    /// Reference of that shipment, or empty.
    pub shipment: String,
    /// When time alone may change what it counts as.
    pub settles_at: Option<Instant>,
    /// The facts as JSON, a [`crate::domain::beside::Beside`].
    pub fact: String,
}

/// Kind, day, partner and id: where a fact is stored.
pub type BesideKey = (String, Day, i64, i64);

impl BesideRow {
    /// Where it is stored.
    #[must_use]
    pub fn key(&self) -> BesideKey {
        (self.kind.clone(), self.day, self.partner_id, self.id)
    }
}

/// The facts of a kind of some partners and one day, by partner and id.
///
/// # Errors
/// The engine's reason.
pub fn beside_of_day(
    db: &mut Db,
    kind: Source,
    partners: &[i64],
    day: NaiveDate,
) -> QueryResult<Vec<BesideRow>> {
    beside_facts::table
        .filter(beside_facts::kind.eq(kind.code()))
        .filter(beside_facts::day.eq(Day(day)))
        .filter(beside_facts::partner_id.eq_any(partners))
        .order((beside_facts::partner_id, beside_facts::id))
        .select(BesideRow::as_select())
        .load(db)
}

/// One fact by its natural key.
///
/// # Errors
/// The engine's reason.
pub fn beside_by_key(
    db: &mut Db,
    kind: Source,
    (partner_id, source_id, reference): (i64, i32, &str),
) -> QueryResult<Option<BesideRow>> {
    beside_facts::table
        .filter(beside_facts::partner_id.eq(partner_id))
        .filter(beside_facts::kind.eq(kind.code()))
        .filter(beside_facts::source_id.eq(source_id))
        .filter(beside_facts::reference.eq(reference))
        .select(BesideRow::as_select())
        .first(db)
        .optional()
}

/// Adds facts.
///
/// # Errors
/// The engine's reason.
pub fn beside_insert(db: &mut Db, rows: &[BesideRow]) -> QueryResult<usize> {
    bulk_insert!(db, beside_facts::table, rows)
}

/// Puts a new version of a fact in place of the old one, which goes into the history.
///
/// # Errors
/// The engine's reason.
pub fn beside_replace(
    db: &mut Db,
    old: &BesideRow,
    new: &BesideRow,
    at: DateTime<Utc>,
    fact: &str,
) -> QueryResult<()> {
    fact_replace!(db, beside_facts.day, beside_fact_versions.fact_id, old => new, at, fact)
}

/// Writes when time alone may change what a fact counts as.
///
/// # Errors
/// The engine's reason.
pub fn beside_settles_write(
    db: &mut Db,
    key: &BesideKey,
    settles_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(beside_facts::table.find((&key.0, key.1, key.2, key.3)))
        .set(beside_facts::settles_at.eq(settles_at.map(Instant)))
        .execute(db)
        .map(drop)
}

/// Whether any partner has a fact of a kind.
///
/// # Errors
/// The engine's reason.
pub fn any_beside(db: &mut Db, kind: Source) -> QueryResult<bool> {
    let any: Option<i64> = beside_facts::table
        .filter(beside_facts::kind.eq(kind.code()))
        .select(beside_facts::id)
        .first(db)
        .optional()?;
    Ok(any.is_some())
}

/// The partners and days whose open facts time alone may have changed by `now`.
///
/// # Errors
/// The engine's reason.
pub(super) fn beside_due(db: &mut Db, kind: Source, now: DateTime<Utc>) -> QueryResult<Vec<(i64, Day)>> {
    beside_facts::table
        .filter(beside_facts::settles_at.le(Instant(now)))
        .filter(beside_facts::kind.eq(kind.code()))
        .select((beside_facts::partner_id, beside_facts::day))
        .distinct()
        .load(db)
}

/// Every partner and day with facts of a kind: what a setting they are judged by can change.
///
/// # Errors
/// The engine's reason.
pub fn beside_cells(db: &mut Db, kind: Source) -> QueryResult<BTreeSet<StaleCell>> {
    let rows: Vec<(i64, Day)> = beside_facts::table
        .filter(beside_facts::kind.eq(kind.code()))
        .select((beside_facts::partner_id, beside_facts::day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

/// Every partner and day of facts that the stored sums of a source count.
///
/// # Errors
/// The engine's reason.
pub fn summed_cells(db: &mut Db, source: Source) -> QueryResult<BTreeSet<StaleCell>> {
    let rows: Vec<(i64, Day)> = measure_cells::table
        .filter(measure_cells::source.eq(source.code()))
        .select((measure_cells::partner_id, measure_cells::source_day))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

// --- weeks -----------------------------------------------------------------------------------------

/// Loads by partner and lane.
pub type LoadsOfLanes = BTreeMap<(i64, i64), i64>;

/// Loads that some partners committed to in a week.
///
/// # Errors
/// The engine's reason.
pub fn committed_of_week(db: &mut Db, partners: &[i64], week: NaiveDate) -> QueryResult<LoadsOfLanes> {
    let rows: Vec<(i64, i64, i32)> = capacity_commitments::table
        .filter(capacity_commitments::week.eq(Day(week)))
        .filter(capacity_commitments::partner_id.eq_any(partners))
        .select((
            capacity_commitments::partner_id,
            capacity_commitments::lane_id,
            capacity_commitments::base_units,
        ))
        .load(db)?;
    Ok(rows.into_iter().map(|(partner, lane, loads)| ((partner, lane), i64::from(loads))).collect())
}

/// Loads that the newest plan made before a week asks some partners to carry in it.
///
/// # Errors
/// The engine's reason.
pub fn planned_of_week(db: &mut Db, partners: &[i64], week: NaiveDate) -> QueryResult<LoadsOfLanes> {
    let plan: Option<i64> = plans::table
        .filter(plans::as_of_day.lt(Day(week)))
        .filter(plans::first_week.le(Day(week)))
        .order(plans::as_of_day.desc())
        .select(plans::id)
        .first(db)
        .optional()?;
    let Some(plan) = plan else { return Ok(LoadsOfLanes::new()) };
    let rows: Vec<(i64, i64, i32, i32)> = plan_cells::table
        .filter(plan_cells::plan_id.eq(plan))
        .filter(plan_cells::week.eq(Day(week)))
        .filter(plan_cells::partner_id.eq_any(partners))
        .select((
            plan_cells::partner_id,
            plan_cells::lane_id,
            plan_cells::base_units,
            plan_cells::surge_units,
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(partner, lane, base, surge)| ((partner, lane), i64::from(base) + i64::from(surge)))
        .collect())
}

/// Of some partners and weeks, those with a commitment or a plan.
///
/// # Errors
/// The engine's reason.
pub fn promised_weeks(
    db: &mut Db,
    partners: &BTreeSet<i64>,
    weeks: &BTreeSet<NaiveDate>,
) -> QueryResult<BTreeSet<StaleCell>> {
    let partners: Vec<i64> = partners.iter().copied().collect();
    let weeks: Vec<Day> = weeks.iter().copied().map(Day).collect();
    let mut rows: Vec<(i64, Day)> = capacity_commitments::table
        .filter(capacity_commitments::week.eq_any(weeks.clone()))
        .filter(capacity_commitments::partner_id.eq_any(partners.clone()))
        .select((capacity_commitments::partner_id, capacity_commitments::week))
        .distinct()
        .load(db)?;
    let planned: Vec<(i64, Day)> = plan_cells::table
        .filter(plan_cells::week.eq_any(weeks))
        .filter(plan_cells::partner_id.eq_any(partners))
        .select((plan_cells::partner_id, plan_cells::week))
        .distinct()
        .load(db)?;
    rows.extend(planned);
    Ok(rows.into_iter().map(|(partner_id, day)| StaleCell { partner_id, day: day.0 }).collect())
}

// --- answers ---------------------------------------------------------------------------------------

/// A decision about something a partner asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRow {
    /// Whose question.
    pub partner_id: i64,
    /// The challenge or the exclusion.
    pub id: i64,
    /// Reference of the shipment it is about.
    pub shipment: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Whether for the partner.
    pub granted: bool,
}

/// What some partners asked for and was decided on a day of UTC: challenges, and exclusions of their own. What was taken back is
/// not decided, and an exclusion that a challenge led to is the challenge's decision.
///
/// # Errors
/// The engine's reason.
pub fn decided_of_day(db: &mut Db, partners: &[i64], day: NaiveDate) -> QueryResult<Vec<DecidedRow>> {
    use super::schema::challenges;

    let (from, until) = day_in_utc(day);
    let mut all: Vec<(i64, i64, String, Instant, String)> = challenge_decisions::table
        .inner_join(challenges::table.on(challenges::id.eq(challenge_decisions::challenge_id)))
        .filter(challenge_decisions::at.ge(from))
        .filter(challenge_decisions::at.lt(until))
        .filter(challenge_decisions::partner_id.eq_any(partners))
        .filter(challenge_decisions::kind.eq_any(["EXCUSED", "CORRECTED", "DENIED"]))
        .select((
            challenge_decisions::partner_id,
            challenges::id,
            challenges::reference,
            challenge_decisions::at,
            challenge_decisions::kind,
        ))
        .load(db)?;
    let own: Vec<(i64, i64, String, Instant, String)> = exclusion_decisions::table
        .inner_join(exclusions::table.on(exclusions::id.eq(exclusion_decisions::exclusion_id)))
        .filter(exclusion_decisions::at.ge(from))
        .filter(exclusion_decisions::at.lt(until))
        .filter(exclusion_decisions::partner_id.eq_any(partners))
        .filter(exclusion_decisions::seq.eq(1))
        .filter(exclusion_decisions::kind.eq_any(["APPROVED", "DENIED"]))
        .filter(exclusions::side.eq("PARTNER"))
        .select((
            exclusion_decisions::partner_id,
            exclusions::id,
            exclusions::reference,
            exclusion_decisions::at,
            exclusion_decisions::kind,
        ))
        .load(db)?;
    let ids: Vec<i64> = own.iter().map(|row| row.1).collect();
    let mut led_to: BTreeSet<i64> = BTreeSet::new();
    for some in ids.chunks(IDS_AT_ONCE) {
        let found: Vec<Option<i64>> = challenge_decisions::table
            .filter(
                challenge_decisions::exclusion_id.eq_any(some.iter().copied().map(Some).collect::<Vec<_>>()),
            )
            .select(challenge_decisions::exclusion_id)
            .load(db)?;
        led_to.extend(found.into_iter().flatten());
    }
    all.extend(own.into_iter().filter(|row| !led_to.contains(&row.1)));
    all.sort_by_key(|row| (row.0, row.3, row.1));
    Ok(all
        .into_iter()
        .map(|(partner_id, id, shipment, at, kind)| DecidedRow {
            partner_id,
            id,
            shipment,
            at: at.0,
            granted: kind != "DENIED",
        })
        .collect())
}

/// Ids named in one statement.
const IDS_AT_ONCE: usize = 500;

fn day_in_utc(day: NaiveDate) -> (Instant, Instant) {
    let midnight = |day: NaiveDate| Instant(day.and_time(NaiveTime::MIN).and_utc());
    (midnight(day), midnight(day.succ_opt().unwrap_or(day)))
}

// --- days and partners -----------------------------------------------------------------------------

/// The first day after `after` with facts of a source that is neither shipments nor tenders.
///
/// # Errors
/// The engine's reason.
pub(super) fn next_beside_day(db: &mut Db, source: Source, after: Day) -> QueryResult<Option<Day>> {
    match source {
        Source::Weeks => {
            let committed: Option<Day> = capacity_commitments::table
                .filter(capacity_commitments::week.gt(after))
                .select(min(capacity_commitments::week))
                .first(db)?;
            let planned: Option<Day> = plan_cells::table
                .filter(plan_cells::week.gt(after))
                .select(min(plan_cells::week))
                .first(db)?;
            Ok(committed.into_iter().chain(planned).min())
        }
        Source::Answers => {
            let (_, from) = day_in_utc(after.0);
            let challenged: Option<Instant> = challenge_decisions::table
                .filter(challenge_decisions::at.ge(from))
                .select(min(challenge_decisions::at))
                .first(db)?;
            let excluded: Option<Instant> = exclusion_decisions::table
                .filter(exclusion_decisions::at.ge(from))
                .select(min(exclusion_decisions::at))
                .first(db)?;
            Ok(challenged.into_iter().chain(excluded).min().map(|at| Day(at.0.date_naive())))
        }
        _ => beside_facts::table
            .filter(beside_facts::kind.eq(source.code()))
            .filter(beside_facts::day.gt(after))
            .select(min(beside_facts::day))
            .first(db),
    }
}

/// The partners that have such facts on a day.
///
/// # Errors
/// The engine's reason.
pub(super) fn beside_partners(db: &mut Db, source: Source, day: NaiveDate) -> QueryResult<Vec<i64>> {
    let found: BTreeSet<i64> = match source {
        Source::Weeks => {
            let mut committed: Vec<i64> = capacity_commitments::table
                .filter(capacity_commitments::week.eq(Day(day)))
                .select(capacity_commitments::partner_id)
                .distinct()
                .load(db)?;
            let planned: Vec<i64> = plan_cells::table
                .filter(plan_cells::week.eq(Day(day)))
                .select(plan_cells::partner_id)
                .distinct()
                .load(db)?;
            committed.extend(planned);
            committed.into_iter().collect()
        }
        Source::Answers => {
            let (from, until) = day_in_utc(day);
            let mut challenged: Vec<i64> = challenge_decisions::table
                .filter(challenge_decisions::at.ge(from))
                .filter(challenge_decisions::at.lt(until))
                .select(challenge_decisions::partner_id)
                .load(db)?;
            let excluded: Vec<i64> = exclusion_decisions::table
                .filter(exclusion_decisions::at.ge(from))
                .filter(exclusion_decisions::at.lt(until))
                .select(exclusion_decisions::partner_id)
                .load(db)?;
            challenged.extend(excluded);
            challenged.into_iter().collect()
        }
        _ => beside_facts::table
            .filter(beside_facts::kind.eq(source.code()))
            .filter(beside_facts::day.eq(Day(day)))
            .select(beside_facts::partner_id)
            .distinct()
            .load::<i64>(db)?
            .into_iter()
            .collect(),
    };
    Ok(found.into_iter().collect())
}
