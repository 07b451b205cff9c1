//! Lanes as they are called and where they run. They belong to the shipper and name no partner.

use std::collections::HashMap;

use diesel::prelude::*;

use super::conn::Db;
use super::schema::lanes;

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
