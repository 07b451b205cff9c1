//! The facts behind a KPI, row by row: read day by day along the primary key, never more than a page at a time.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::fold::TenderFoldRow;
use super::schema::{
    charges, expected_charges, imports, lanes, shipment_events, shipment_versions, shipments, sources,
    tenders,
};
use super::shipment::ShipmentRow;
use super::types::{Day, Instant};
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// History lines one shipment shows at most.
pub const SIDE_LIMIT: i64 = 200;

/// Rows read at once to find those of a list.
const JUDGED_AT_ONCE: i64 = 500;

/// Where a list goes on: after this day and row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// Day of the last row shown.
    pub day: NaiveDate,
    /// Its id.
    pub id: i64,
}

/// Which rows of a partner to read. Days are half-open.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Whose.
    pub partner_id: i64,
    /// Only this lane's.
    pub lane_id: Option<i64>,
    /// First day.
    pub from: NaiveDate,
    /// First day after.
    pub until: NaiveDate,
    /// Go on after this row.
    pub after: Option<After>,
    /// Rows at most.
    pub limit: usize,
}

impl Span {
    fn days(&self) -> impl Iterator<Item = (NaiveDate, i64)> + use<> {
        let after = self.after;
        let first = after.map_or(self.from, |a| a.day.max(self.from));
        let until = self.until;
        first.iter_days().take_while(move |day| *day < until).map(move |day| {
            let id = after.filter(|a| a.day == day).map_or(i64::MIN, |a| a.id);
            (day, id)
        })
    }
}

/// What makes a shipment part of the list.
#[derive(Clone, Debug)]
pub enum ShipmentTest {
    /// Verdict on the pickup window is one of these letters; the pickup window ends in the half-open range, or
    /// there is none and the shipment is of the period.
    Pickup(&'static [&'static str], (DateTime<Utc>, DateTime<Utc>), Period),
    /// Verdict on the delivery day.
    DeliveryDay(&'static [&'static str]),
    /// Verdict on the delivery window.
    DeliveryWindow(&'static [&'static str]),
    /// Word of the first attempt.
    FirstAttempt(&'static [&'static str]),
    /// Final disposition and attempts are known.
    Attempts,
    /// Left the final station with both scans.
    Dwell,
    /// Diverted by one of these.
    Diverted(&'static [&'static str]),
    /// Final disposition is known.
    Disposed,
    /// Some event has a time of receipt.
    Reported,
    /// Carries a cost.
    Costed,
    /// Carries a cost and a weight.
    Weighed,
    /// Carries a cost and a contract-rated amount, its own or the expected one.
    Rated,
    /// Carries a linehaul.
    WithLinehaul,
    /// Any: the caller judges.
    Any,
}

/// Shipments of `span` that pass `test` and that `keep` keeps, by day and id; none when the viewer may not see the partner.
///
/// The primary key leads with the day, so each day is one seek instead of a walk over all partners.
///
/// # Errors
/// The engine's reason.
pub fn shipments_behind(
    db: &mut Db,
    viewer: &Viewer,
    span: &Span,
    test: &ShipmentTest,
    keep: impl Fn(&mut Db, &ShipmentRow) -> Result<bool, DbError>,
) -> Result<Vec<ShipmentRow>, DbError> {
    let mut found: Vec<ShipmentRow> = Vec::new();
    if !viewer.sees(span.partner_id) {
        return Ok(found);
    }
    for (day, mut after) in span.days() {
        loop {
            if found.len() >= span.limit {
                return Ok(found);
            }
            let query = shipments::table
                .filter(shipments::obligation_day.eq(Day(day)))
                .filter(shipments::partner_id.eq(span.partner_id))
                .filter(shipments::id.gt(after))
                .order(shipments::id)
                .limit(JUDGED_AT_ONCE)
                .select(ShipmentRow::as_select())
                .into_boxed();
            let query = match span.lane_id {
                Some(lane) => query.filter(shipments::lane_id.eq(lane)),
                None => query,
            };
            let query = match test {
                ShipmentTest::Pickup(letters, (from, until), period) => {
                    let query = query.filter(shipments::pickup_window_outcome.eq_any(*letters));
                    let ends = shipments::pickup_window_end;
                    let inside = ends.ge(Instant(*from)).and(ends.lt(Instant(*until)));
                    // A pickup without a window counts for the day of its shipment.
                    if period.contains(day) {
                        query.filter(inside.or(ends.is_null()))
                    } else {
                        query.filter(inside)
                    }
                }
                ShipmentTest::DeliveryDay(letters) => {
                    query.filter(shipments::delivery_day_outcome.eq_any(*letters))
                }
                ShipmentTest::DeliveryWindow(letters) => {
                    query.filter(shipments::delivery_window_outcome.eq_any(*letters))
                }
                ShipmentTest::FirstAttempt(words) => query.filter(shipments::first_attempt.eq_any(*words)),
                ShipmentTest::Attempts => query
                    .filter(shipments::attempts.is_not_null())
                    .filter(shipments::disposition.is_not_null()),
                ShipmentTest::Dwell => query
                    .filter(shipments::station_arrived_at.is_not_null())
                    .filter(shipments::out_for_delivery_at.is_not_null()),
                ShipmentTest::Diverted(words) => query.filter(shipments::diverted_by.eq_any(*words)),
                ShipmentTest::Disposed => query.filter(shipments::disposition.is_not_null()),
                ShipmentTest::Reported => query.filter(
                    shipments::arrived_received_at
                        .is_not_null()
                        .or(shipments::delivered_received_at.is_not_null())
                        .or(shipments::pickup_arrived_received_at.is_not_null()),
                ),
                ShipmentTest::Costed => query.filter(shipments::freight_micros.is_not_null()),
                ShipmentTest::Weighed => {
                    query.filter(shipments::freight_micros.is_not_null()).filter(shipments::weight_g.gt(0))
                }
                ShipmentTest::Rated => query.filter(shipments::freight_micros.is_not_null()).filter(
                    shipments::rated_micros.is_not_null().or(exists(
                        // As `counted_rated` has it: the expected charge, in the currency of the shipment.
                        expected_charges::table
                            .filter(expected_charges::obligation_day.eq(shipments::obligation_day))
                            .filter(expected_charges::partner_id.eq(shipments::partner_id))
                            .filter(expected_charges::shipment_id.eq(shipments::id))
                            .filter(expected_charges::total_micros.is_not_null())
                            .filter(expected_charges::currency.nullable().eq(shipments::currency)),
                    )),
                ),
                ShipmentTest::WithLinehaul => query.filter(shipments::linehaul_micros.is_not_null()),
                ShipmentTest::Any => query,
            };
            let rows: Vec<ShipmentRow> = query.load(db)?;
            let Some(last) = rows.last().map(|row| row.id) else { break };
            after = last;
            let read = rows.len();
            for row in rows {
                if found.len() < span.limit && keep(db, &row)? {
                    found.push(row);
                }
            }
            if i64::try_from(read).unwrap_or(i64::MAX) < JUDGED_AT_ONCE {
                break;
            }
        }
    }
    Ok(found)
}

/// A tender in a list.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tenders)]
pub struct TenderLine {
    /// What it is counted by.
    #[diesel(embed)]
    pub fact: TenderFoldRow,
    /// The feed.
    pub source_id: i32,
    /// The feed's own number.
    pub reference: String,
    /// Why it was turned down.
    pub decline_reason: Option<String>,
}

/// Tenders of `span` that `keep` keeps, by day and id; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn tenders_behind(
    db: &mut Db,
    viewer: &Viewer,
    span: &Span,
    keep: impl Fn(&TenderLine) -> bool,
) -> Result<Vec<TenderLine>, DbError> {
    let mut found: Vec<TenderLine> = Vec::new();
    if !viewer.sees(span.partner_id) {
        return Ok(found);
    }
    for (day, mut after) in span.days() {
        loop {
            if found.len() >= span.limit {
                return Ok(found);
            }
            let query = tenders::table
                .filter(tenders::sent_day.eq(Day(day)))
                .filter(tenders::partner_id.eq(span.partner_id))
                .filter(tenders::id.gt(after))
                .order(tenders::id)
                .limit(JUDGED_AT_ONCE)
                .select(TenderLine::as_select())
                .into_boxed();
            let query = match span.lane_id {
                Some(lane) => query.filter(tenders::lane_id.eq(lane)),
                None => query,
            };
            let rows: Vec<TenderLine> = query.load(db)?;
            let Some(last) = rows.last().map(|row| row.fact.id) else { break };
            after = last;
            let read = rows.len();
            let left = span.limit.saturating_sub(found.len());
            found.extend(rows.into_iter().filter(&keep).take(left));
            if i64::try_from(read).unwrap_or(i64::MAX) < JUDGED_AT_ONCE {
                break;
            }
        }
    }
    Ok(found)
}

/// `Joliet IL to Indianapolis IN` for some lanes.
///
/// # Errors
/// The engine's reason.
pub fn lane_title_list(db: &mut Db, ids: &[i64]) -> QueryResult<Vec<(i64, String)>> {
    let rows: Vec<(i64, String, String, String)> = lanes::table
        .filter(lanes::id.eq_any(ids.to_vec()))
        .select((lanes::id, lanes::code, lanes::origin, lanes::destination))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, code, from, to)| (id, words::lane(&code, &from, &to))).collect())
}

/// Number and code of every feed.
///
/// # Errors
/// The engine's reason.
pub fn source_list(db: &mut Db) -> QueryResult<Vec<(i32, String)>> {
    sources::table.select((sources::id, sources::code)).order(sources::id).load(db)
}

/// The number of a feed.
///
/// # Errors
/// The engine's reason.
pub fn source_by_code(db: &mut Db, code: &str) -> QueryResult<Option<i32>> {
    sources::table.filter(sources::code.eq(code)).select(sources::id).first(db).optional()
}

/// A charge line of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = charges)]
pub struct ChargeLine {
    /// The feed's own number.
    pub reference: String,
    /// Code of the charge.
    pub code: String,
    /// `LINEHAUL`, `FUEL`, `ACCESSORIAL` or `TAX`.
    pub category: String,
    /// Billed.
    pub amount_micros: i64,
    /// As the contract rates it.
    pub rated_micros: Option<i64>,
    /// Currency.
    pub currency: String,
}

/// Charge lines of a shipment.
///
/// # Errors
/// The engine's reason.
pub fn charges_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> QueryResult<Vec<ChargeLine>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    charges::table
        .filter(charges::partner_id.eq(partner_id))
        .filter(charges::shipment_id.eq(shipment_id))
        .order(charges::id)
        .limit(SIDE_LIMIT)
        .select(ChargeLine::as_select())
        .load(db)
}

/// A reported event of a shipment, winning or not.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = shipment_events)]
pub struct EventLine {
    /// What happened.
    pub kind: String,
    /// When.
    pub event_at: Instant,
    /// When it was reported.
    pub received_at: Option<Instant>,
    /// Given as a date only.
    pub date_only: bool,
    /// Who or what reported it.
    pub reporter: String,
    /// The reporter's reason.
    pub reason: Option<String>,
}

/// Events of a shipment as they were reported, oldest first.
///
/// # Errors
/// The engine's reason.
pub fn events_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> QueryResult<Vec<EventLine>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    shipment_events::table
        .filter(shipment_events::partner_id.eq(partner_id))
        .filter(shipment_events::shipment_id.eq(shipment_id))
        .order((shipment_events::event_at, shipment_events::id))
        .limit(SIDE_LIMIT)
        .select(EventLine::as_select())
        .load(db)
}

/// An earlier version of a shipment's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLine {
    /// Its number.
    pub version: i32,
    /// The facts, JSON of [`ShipmentRow`].
    pub fact: String,
    /// When it was replaced.
    pub replaced_at: DateTime<Utc>,
    /// The file that brought it.
    pub file_name: Option<String>,
}

/// Earlier versions of a shipment, newest first.
///
/// # Errors
/// The engine's reason.
pub fn versions_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> QueryResult<Vec<VersionLine>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows: Vec<(i32, String, Instant, Option<String>)> = shipment_versions::table
        .left_join(imports::table.on(imports::id.eq(shipment_versions::import_id)))
        .filter(shipment_versions::partner_id.eq(partner_id))
        .filter(shipment_versions::shipment_id.eq(shipment_id))
        .order(shipment_versions::version.desc())
        .limit(SIDE_LIMIT)
        .select((
            shipment_versions::version,
            shipment_versions::fact,
            shipment_versions::replaced_at,
            imports::file_name.nullable(),
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(version, fact, replaced_at, file_name)| VersionLine {
            version,
            fact,
            replaced_at: replaced_at.0,
            file_name,
        })
        .collect())
}

/// Name and mapping of the file that an import read.
///
/// # Errors
/// The engine's reason.
pub fn import_file(db: &mut Db, import_id: i64) -> QueryResult<Option<(String, String)>> {
    imports::table.find(import_id).select((imports::file_name, imports::mapping)).first(db).optional()
}
