//! Lanes as they are called and where they run. They belong to the shipper and name no partner.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::dsl::min;
use diesel::prelude::*;

use super::conn::Db;
use super::schema::{lane_cells, lanes, shipments, tenders};
use super::types::Day;

/// Lanes in one statement; stays far below SQLite's limit of binds.
const LANES_PER_STATEMENT: usize = 500;

/// What a lane says of itself beside its code.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = lanes, treat_none_as_null = true)]
pub struct LaneTexts {
    /// Where it starts.
    pub origin: String,
    /// Where it ends.
    pub destination: String,
    /// Region of the destination.
    pub region: String,
    /// Region of the origin.
    pub origin_region: String,
    /// Metres.
    pub distance_m: Option<i64>,
}

/// The texts of a lane.
///
/// # Errors
/// The engine's reason; not found for no lane.
pub fn lane_texts(db: &mut Db, id: i64) -> QueryResult<LaneTexts> {
    lanes::table.find(id).select(LaneTexts::as_select()).first(db)
}

/// Replaces the texts of a lane.
///
/// # Errors
/// The engine's reason.
pub fn lane_texts_write(db: &mut Db, id: i64, texts: &LaneTexts) -> QueryResult<()> {
    diesel::update(lanes::table.find(id)).set(texts).execute(db).map(drop)
}

/// The code of every lane.
///
/// # Errors
/// The engine's reason.
pub fn lane_codes(db: &mut Db) -> QueryResult<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = lanes::table.select((lanes::id, lanes::code)).load(db)?;
    Ok(rows.into_iter().collect())
}

/// The region every lane ends in; empty where none is given.
///
/// # Errors
/// The engine's reason.
pub fn lane_regions(db: &mut Db) -> QueryResult<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = lanes::table.select((lanes::id, lanes::region)).load(db)?;
    Ok(rows.into_iter().collect())
}

/// Id, code and region of the destination of every lane, by id.
///
/// # Errors
/// The engine's reason.
pub fn lane_places_all(db: &mut Db) -> QueryResult<Vec<(i64, String, String)>> {
    lanes::table.select((lanes::id, lanes::code, lanes::region)).order(lanes::id).load(db)
}

/// The months from `since` on in which anything of a partner counted on each lane, in order.
///
/// # Errors
/// The engine's reason.
pub fn lane_months_unscoped(
    db: &mut Db,
    partner_id: i64,
    since: NaiveDate,
) -> QueryResult<BTreeMap<i64, BTreeSet<NaiveDate>>> {
    let rows: Vec<(i64, Day)> = lane_cells::table
        .filter(lane_cells::partner_id.eq(partner_id))
        .filter(lane_cells::month.ge(Day(since)))
        .select((lane_cells::lane_id, lane_cells::month))
        .distinct()
        .load(db)?;
    let mut months: BTreeMap<i64, BTreeSet<NaiveDate>> = BTreeMap::new();
    for (lane_id, month) in rows {
        months.entry(lane_id).or_default().insert(month.0);
    }
    Ok(months)
}

/// Of some days, the first on which a shipment of a partner was due on each of some lanes, or an offer for it was sent.
///
/// # Errors
/// The engine's reason.
pub fn lane_days_first_unscoped(
    db: &mut Db,
    partner_id: i64,
    days: &[NaiveDate],
    lane_ids: &BTreeSet<i64>,
) -> QueryResult<BTreeMap<i64, NaiveDate>> {
    let days: Vec<Day> = days.iter().copied().map(Day).collect();
    let ids: Vec<i64> = lane_ids.iter().copied().collect();
    let mut firsts: BTreeMap<i64, NaiveDate> = BTreeMap::new();
    for ids in ids.chunks(LANES_PER_STATEMENT) {
        // Naming each day lets both engines seek in the key, which starts with the day.
        let due: Vec<(Option<i64>, Option<Day>)> = shipments::table
            .filter(shipments::obligation_day.eq_any(&days))
            .filter(shipments::partner_id.eq(partner_id))
            .filter(shipments::lane_id.eq_any(ids))
            .group_by(shipments::lane_id)
            .select((shipments::lane_id, min(shipments::obligation_day)))
            .load(db)?;
        let sent: Vec<(Option<i64>, Option<Day>)> = tenders::table
            .filter(tenders::sent_day.eq_any(&days))
            .filter(tenders::partner_id.eq(partner_id))
            .filter(tenders::lane_id.eq_any(ids))
            .group_by(tenders::lane_id)
            .select((tenders::lane_id, min(tenders::sent_day)))
            .load(db)?;
        for (lane_id, day) in due.into_iter().chain(sent) {
            let (Some(lane_id), Some(day)) = (lane_id, day) else { continue };
            let first = firsts.entry(lane_id).or_insert(day.0);
            *first = day.0.min(*first);
        }
    }
    Ok(firsts)
}
