//! Shipments as stored: one wide row with identity, dimensions, commitments, winning events,
//! quantities, money and outcomes; history beside it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::conn::Db;
use super::fact::fact_replace;
use super::fold::ShipmentKey;
use super::schema::{partners, shipment_versions, shipments, stale_cells};
use super::types::{Day, Instant};
use crate::domain::viewer::{Scope, Viewer};
use crate::{bulk_insert, on_engine, sqlite_rows_insert};

/// Partners in one statement that looks for loads of others.
const PARTNERS_PER_STATEMENT: usize = 100;
/// References in one statement; with the partners it stays far below SQLite's limit of binds.
const REFERENCES_PER_STATEMENT: usize = 500;

/// The wide row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = shipments, treat_none_as_default_value = false)]
pub struct ShipmentRow {
    /// The local day of the delivery obligation; decides the period.
    pub obligation_day: Day,
    /// Who carries it.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The feed it came from.
    pub source_id: i32,
    /// The feed's own number for it.
    pub reference: String,
    /// Fingerprint of the imported row, to tell a repeat from a change.
    pub fact_hash: i64,
    /// 1 for the first facts, one more for every change.
    pub version: i32,
    /// The import that brought these facts.
    pub import_id: i64,
    /// Row in that file.
    pub import_row: i64,
    /// The tolerance it is judged by.
    pub policy_id: i32,
    /// Origin and destination.
    pub lane_id: Option<i64>,
    /// Service level, empty when not given.
    pub service: String,
    /// Mode, empty when not given.
    pub mode: String,
    /// Delivery region, empty when not given.
    pub region: String,
    /// Equipment, empty when not given.
    pub equipment: String,
    /// Pickup zone id.
    pub pickup_zone_id: Option<i32>,
    /// Delivery zone id.
    pub delivery_zone_id: Option<i32>,
    /// Pickup window start.
    pub pickup_window_start: Option<Instant>,
    /// Pickup window end.
    pub pickup_window_end: Option<Instant>,
    /// Pickup due day.
    pub pickup_due_day: Option<Day>,
    /// Delivery window start.
    pub delivery_window_start: Option<Instant>,
    /// Delivery window end.
    pub delivery_window_end: Option<Instant>,
    /// Delivery due day.
    pub delivery_due_day: Option<Day>,
    /// Which instants were given as a date only.
    pub date_only: i32,
    /// Pickup arrived at.
    pub pickup_arrived_at: Option<Instant>,
    /// Pickup arrived received at.
    pub pickup_arrived_received_at: Option<Instant>,
    /// Picked up at.
    pub picked_up_at: Option<Instant>,
    /// Arrived at.
    pub arrived_at: Option<Instant>,
    /// Arrived received at.
    pub arrived_received_at: Option<Instant>,
    /// Delivered at.
    pub delivered_at: Option<Instant>,
    /// Delivered received at.
    pub delivered_received_at: Option<Instant>,
    /// Station arrived at.
    pub station_arrived_at: Option<Instant>,
    /// Out for delivery at.
    pub out_for_delivery_at: Option<Instant>,
    /// Cancelled at.
    pub cancelled_at: Option<Instant>,
    /// Attempts.
    pub attempts: Option<i32>,
    /// First attempt.
    pub first_attempt: Option<String>,
    /// Disposition.
    pub disposition: Option<String>,
    /// Diverted by.
    pub diverted_by: Option<String>,
    /// Pickup reason.
    pub pickup_reason: Option<String>,
    /// Delivery reason.
    pub delivery_reason: Option<String>,
    /// Pickup exclusion.
    pub pickup_exclusion: Option<String>,
    /// Delivery exclusion.
    pub delivery_exclusion: Option<String>,
    /// Pieces.
    pub pieces: Option<i64>,
    /// Weight g.
    pub weight_g: Option<i64>,
    /// Distance m.
    pub distance_m: Option<i64>,
    /// Currency.
    pub currency: Option<String>,
    /// Linehaul micros.
    pub linehaul_micros: Option<i64>,
    /// Fuel micros.
    pub fuel_micros: Option<i64>,
    /// Accessorial micros.
    pub accessorial_micros: Option<i64>,
    /// Freight micros.
    pub freight_micros: Option<i64>,
    /// Rated micros.
    pub rated_micros: Option<i64>,
    /// Pickup window outcome.
    pub pickup_window_outcome: String,
    /// Delivery day outcome.
    pub delivery_day_outcome: String,
    /// Delivery window outcome.
    pub delivery_window_outcome: String,
    /// Settles at.
    pub settles_at: Option<Instant>,
}

impl ShipmentRow {
    /// Where it is stored.
    #[must_use]
    pub const fn key(&self) -> ShipmentKey {
        (self.obligation_day, self.partner_id, self.id)
    }
}

sqlite_rows_insert!(
    RowsInsert,
    ShipmentRow,
    shipments,
    obligation_day,
    partner_id,
    id,
    source_id,
    reference,
    fact_hash,
    version,
    import_id,
    import_row,
    policy_id,
    lane_id,
    service,
    mode,
    region,
    equipment,
    pickup_zone_id,
    delivery_zone_id,
    pickup_window_start,
    pickup_window_end,
    pickup_due_day,
    delivery_window_start,
    delivery_window_end,
    delivery_due_day,
    date_only,
    pickup_arrived_at,
    pickup_arrived_received_at,
    picked_up_at,
    arrived_at,
    arrived_received_at,
    delivered_at,
    delivered_received_at,
    station_arrived_at,
    out_for_delivery_at,
    cancelled_at,
    attempts,
    first_attempt,
    disposition,
    diverted_by,
    pickup_reason,
    delivery_reason,
    pickup_exclusion,
    delivery_exclusion,
    pieces,
    weight_g,
    distance_m,
    currency,
    linehaul_micros,
    fuel_micros,
    accessorial_micros,
    freight_micros,
    rated_micros,
    pickup_window_outcome,
    delivery_day_outcome,
    delivery_window_outcome,
    settles_at
);

/// Stores new shipments.
///
/// # Errors
/// The engine's reason.
pub fn shipments_insert(db: &mut Db, rows: &[Box<ShipmentRow>]) -> QueryResult<usize> {
    let rows: Vec<&ShipmentRow> = rows.iter().map(AsRef::as_ref).collect();
    bulk_insert!(db, shipments::table, rows, |conn, rows| RowsInsert::insert(conn, &rows))
}

/// Whether no shipment is stored yet, so that a bulk load may leave the indexes for later.
///
/// # Errors
/// The engine's reason.
pub fn shipments_are_empty(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> = shipments::table.select(shipments::id).limit(1).first(db).optional()?;
    Ok(any.is_none())
}

/// One shipment by its natural key, whole.
///
/// # Errors
/// The engine's reason.
pub fn shipment_by_key(
    db: &mut Db,
    partner_id: i64,
    source_id: i32,
    reference: &str,
) -> QueryResult<Option<ShipmentRow>> {
    shipments::table
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::source_id.eq(source_id))
        .filter(shipments::reference.eq(reference))
        .select(ShipmentRow::as_select())
        .first(db)
        .optional()
}

/// Whether any shipment is stored.
///
/// # Errors
/// The engine's reason.
pub fn any_facts(db: &mut Db) -> QueryResult<bool> {
    Ok(shipments::table.select(shipments::id).first::<i64>(db).optional()?.is_some())
}

/// The shipment of a partner with this id, whichever day it is of. Walks the partner's part of the key index: for
/// corrections, not for lists.
///
/// # Errors
/// The engine's reason.
pub fn shipment_of_partner(db: &mut Db, partner_id: i64, id: i64) -> QueryResult<Option<ShipmentRow>> {
    shipments::table
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::id.eq(id))
        .select(ShipmentRow::as_select())
        .first(db)
        .optional()
}

/// One shipment by its id and the day it is stored under; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn shipment_by_id(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    obligation_day: Day,
    id: i64,
) -> QueryResult<Option<ShipmentRow>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    shipments::table
        .find((obligation_day, partner_id, id))
        .select(ShipmentRow::as_select())
        .first(db)
        .optional()
}

/// Shipments with this reference, of the partners the viewer may see, whichever feed they came from.
///
/// # Errors
/// The engine's reason.
pub fn shipments_by_reference(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    reference: &str,
) -> QueryResult<Vec<ShipmentRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    shipments::table
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::reference.eq(reference))
        .order(shipments::source_id)
        .select(ShipmentRow::as_select())
        .limit(16)
        .load(db)
}

/// A load that another partner carried, with what it was charged.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct CarriedElsewhere {
    /// Where the shipment is stored.
    pub key: ShipmentKey,
    /// The load.
    pub reference: String,
    /// Its lane, when given.
    pub lane_id: Option<i64>,
    /// Currency of the charges, where the feed gave one.
    pub currency: Option<String>,
    /// Linehaul.
    pub linehaul_micros: Option<i64>,
    /// Fuel surcharge.
    pub fuel_micros: Option<i64>,
    /// Accessorials.
    pub accessorial_micros: Option<i64>,
    /// All freight.
    pub freight_micros: Option<i64>,
}

/// Shipments with one of some references that partners other than `partner_id` brought to their destination; one that was
/// cancelled, or is only planned, was carried by nobody. What they cost is for no partner to see.
///
/// # Errors
/// The engine's reason.
pub fn carried_elsewhere_unscoped(
    db: &mut Db,
    partner_id: i64,
    references: &[&str],
) -> QueryResult<Vec<CarriedElsewhere>> {
    let mut found = Vec::new();
    if references.is_empty() {
        return Ok(found);
    }
    // The index on references starts with the partner.
    let others: Vec<i64> =
        partners::table.filter(partners::id.ne(partner_id)).select(partners::id).load(db)?;
    for others in others.chunks(PARTNERS_PER_STATEMENT) {
        for references in references.chunks(REFERENCES_PER_STATEMENT) {
            let rows: Vec<CarriedElsewhere> = shipments::table
                .filter(shipments::partner_id.eq_any(others))
                .filter(shipments::reference.eq_any(references))
                .filter(shipments::cancelled_at.is_null())
                .filter(shipments::delivered_at.is_not_null().or(shipments::arrived_at.is_not_null()))
                .select((
                    (shipments::obligation_day, shipments::partner_id, shipments::id),
                    shipments::reference,
                    shipments::lane_id,
                    shipments::currency,
                    shipments::linehaul_micros,
                    shipments::fuel_micros,
                    shipments::accessorial_micros,
                    shipments::freight_micros,
                ))
                .load(db)?;
            found.extend(rows);
        }
    }
    found.sort_by_key(|one: &CarriedElsewhere| one.key);
    Ok(found)
}

/// Shipments of some days on which something is not decided yet, of the partners the viewer may see, the newest
/// obligations first.
///
/// # Errors
/// The engine's reason.
pub fn open_shipments(
    db: &mut Db,
    viewer: &Viewer,
    (from, until): (NaiveDate, NaiveDate),
    limit: usize,
) -> QueryResult<Vec<ShipmentRow>> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let mut query = shipments::table
        .filter(shipments::settles_at.is_not_null())
        .filter(shipments::obligation_day.ge(Day(from)))
        .filter(shipments::obligation_day.lt(Day(until)))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(shipments::partner_id.eq(partner_id));
    }
    query
        .order((shipments::obligation_day.desc(), shipments::id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ShipmentRow::as_select())
        .load(db)
}

/// When each partner that the viewer may see last reported anything about a shipment due since `since`; who reported
/// nothing is left out. One walk over those days, however many partners there are.
///
/// # Errors
/// The engine's reason.
pub fn last_heard(
    db: &mut Db,
    viewer: &Viewer,
    since: NaiveDate,
) -> QueryResult<HashMap<i64, DateTime<Utc>>> {
    use diesel::dsl::max;

    type Latest = Option<Instant>;
    let Some(partner) = partner_filter(viewer, None) else { return Ok(HashMap::new()) };
    // With its received time where there is one, else when it happened.
    let query = shipments::table
        .filter(shipments::obligation_day.ge(Day(since)))
        .group_by(shipments::partner_id)
        .select((
            shipments::partner_id,
            max(shipments::pickup_arrived_received_at),
            max(shipments::arrived_received_at),
            max(shipments::delivered_received_at),
            max(shipments::picked_up_at),
            max(shipments::out_for_delivery_at),
        ));
    let rows: Vec<(i64, Latest, Latest, Latest, Latest, Latest)> = match partner {
        Some(partner_id) => query.filter(shipments::partner_id.eq(partner_id)).load(db)?,
        None => query.load(db)?,
    };
    Ok(rows
        .into_iter()
        .filter_map(|(partner_id, a, b, c, d, e)| {
            let newest = [a, b, c, d, e].into_iter().flatten().map(|at| at.0).max()?;
            Some((partner_id, newest))
        })
        .collect())
}

/// Replaces the facts of a shipment: the old ones go into its history, the new ones take its place
/// and its id. Both days become stale by the caller's [`stale_mark`].
///
/// # Errors
/// The engine's reason.
pub fn shipment_replace(
    db: &mut Db,
    old: &ShipmentRow,
    new: &ShipmentRow,
    at: DateTime<Utc>,
    fact: &str,
) -> QueryResult<()> {
    fact_replace!(db, shipments.obligation_day, shipment_versions.shipment_id, old => new, at, fact)
}

/// Writes who an approved exclusion names for the stops of a shipment, as `row` has it.
///
/// # Errors
/// The engine's reason.
pub fn shipment_exclusion_write(db: &mut Db, key: (Day, i64, i64), row: &ShipmentRow) -> QueryResult<()> {
    diesel::update(shipments::table.find(key))
        .set((
            shipments::pickup_exclusion.eq(&row.pickup_exclusion),
            shipments::delivery_exclusion.eq(&row.delivery_exclusion),
        ))
        .execute(db)
        .map(drop)
}

/// A cell of facts whose sums are no longer right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaleCell {
    /// Whose facts.
    pub partner_id: i64,
    /// The day of the facts.
    pub day: NaiveDate,
}

/// Which facts a cell sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Shipments, by obligation day.
    Shipments,
    /// Tenders, by the day they were sent.
    Tenders,
    /// Audited invoices, by the day they were received.
    Invoices,
    /// Claims, by the day they were filed.
    Claims,
    /// Cases of communication, by the day they were opened.
    Cases,
    /// Safety records, by the day of which they are known.
    Safety,
    /// Commitments, plans and tenders of a week, by its Monday; after the tenders that they count.
    Weeks,
    /// Answers to what partners asked, by the day of UTC.
    Answers,
}

impl Source {
    /// Every source, in the order in which they are summed.
    pub const ALL: [Self; 8] = [
        Self::Shipments,
        Self::Tenders,
        Self::Invoices,
        Self::Claims,
        Self::Cases,
        Self::Safety,
        Self::Weeks,
        Self::Answers,
    ];

    /// Those that stand by themselves.
    pub const FIRST: [Self; 2] = [Self::Shipments, Self::Tenders];

    /// Those that lie beside them and come after.
    pub const BESIDE: [Self; 6] =
        [Self::Invoices, Self::Claims, Self::Cases, Self::Safety, Self::Weeks, Self::Answers];

    /// Whether it is one of [`Source::BESIDE`].
    #[must_use]
    pub fn is_beside(self) -> bool {
        Self::BESIDE.contains(&self)
    }

    /// The word stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Shipments => "SHIPMENTS",
            Self::Tenders => "TENDERS",
            Self::Invoices => "INVOICES",
            Self::Claims => "CLAIMS",
            Self::Cases => "CASES",
            Self::Safety => "SAFETY",
            Self::Weeks => "WEEKS",
            Self::Answers => "ANSWERS",
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = stale_cells, treat_none_as_default_value = false)]
struct StaleCellRow {
    partner_id: i64,
    source: &'static str,
    source_day: Day,
}

/// Marks cells stale, in the transaction that writes the facts.
///
/// An existing mark is locked by writing it again: a refresh that is about to clear it waits for this
/// transaction and then sees its facts.
///
/// # Errors
/// The engine's reason.
pub fn stale_mark(db: &mut Db, source: Source, cells: &BTreeSet<StaleCell>) -> QueryResult<()> {
    use diesel::upsert::excluded;

    let rows: Vec<StaleCellRow> = cells
        .iter()
        .map(|cell| StaleCellRow {
            partner_id: cell.partner_id,
            source: source.code(),
            source_day: Day(cell.day),
        })
        .collect();
    for chunk in rows.chunks(MARKS_PER_STATEMENT) {
        on_engine!(db, |conn| diesel::insert_into(stale_cells::table)
            .values(chunk)
            .on_conflict((stale_cells::partner_id, stale_cells::source, stale_cells::source_day))
            .do_update()
            .set(stale_cells::partner_id.eq(excluded(stale_cells::partner_id)))
            .execute(conn))?;
    }
    Ok(())
}

/// Marks in one statement; three binds each stay far below SQLite's limit.
const MARKS_PER_STATEMENT: usize = 500;

/// A predicate on the partner column for what the viewer may see; None when that is nothing.
#[must_use]
pub fn partner_filter(viewer: &Viewer, asked: Option<i64>) -> Option<Option<i64>> {
    match (viewer.scope(), asked) {
        (Scope::Nobody, _) => None,
        (Scope::One(own), Some(asked)) if own != asked => None,
        (Scope::One(own), _) => Some(Some(own)),
        (Scope::All, asked) => Some(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_insert_names_every_column_of_the_table() {
        let all = diesel::debug_query::<diesel::sqlite::Sqlite, _>(
            &shipments::table.select(shipments::all_columns),
        )
        .to_string();
        let named: Vec<String> =
            RowsInsert::COLUMNS.iter().map(|column| format!("`shipments`.`{column}`")).collect();
        assert!(all.contains(&named.join(", ")), "{all}");
        assert_eq!(all.matches("`shipments`.").count(), named.len());
    }
}
