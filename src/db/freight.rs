//! Freight that was delivered and is not billed: what stands for each shipment, what each entry about it is made of, and
//! the days of partners of which something changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Db;
use super::dialect::among::among;
use super::dialect::freight_marks_lock;
use super::dimension::zones_by_id;
use super::fact::rows_of_shipments;
use super::invoice::reach::invoices_giving_unscoped;
use super::invoice::ruling::audits_resolved_unscoped;
use super::papers::numbers_billed_unscoped;
use super::schema::{
    expected_charges, freight_accruals, freight_moves, freight_partners, invoice_references, invoices,
    journal_entries, partners, shipments, sources, stale_freight,
};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use super::{DbError, KEYS_PER_STATEMENT};
use crate::domain::currency::Currency;
use crate::domain::expected::{ExpectedLine, Parts};
use crate::domain::freight::{Bills, Carried, Move, Standing, Why};
use crate::domain::money::Micros;
use crate::domain::outcome::delivered_day;
use crate::domain::period::Period;
use crate::domain::rate::ChargePart;
use crate::domain::viewer::Viewer;
use crate::{bulk_insert, on_engine};

/// What a standing row comes to.
const TOTAL: &str = "(freight_accruals.base_micros + freight_accruals.fuel_micros + freight_accruals.accessorial_micros \
                     + freight_accruals.tax_micros)";

/// Where a shipment of a partner is stored: its day and its id.
pub type Place = (Day, i64);

fn stored(what: &str, (day, id): Place, reason: impl std::fmt::Display) -> DbError {
    DbError::Stored { what: format!("{what} of shipment {id} due on {day}"), reason: reason.to_string() }
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stale_freight, treat_none_as_default_value = false)]
struct StaleRow {
    partner_id: i64,
    obligation_day: Day,
}

/// Marks days of partners: something changed that the accrued freight of shipments due then is made of. An existing mark is
/// locked by writing it again, as of invoices. All at once: every writer of marks takes them in one order of keys.
///
/// # Errors
/// The engine's reason.
pub fn freight_mark(db: &mut Db, cells: &BTreeSet<(i64, Day)>) -> QueryResult<()> {
    use diesel::upsert::excluded;

    let rows: Vec<StaleRow> =
        cells.iter().map(|&(partner_id, obligation_day)| StaleRow { partner_id, obligation_day }).collect();
    for chunk in rows.chunks(KEYS_PER_STATEMENT) {
        on_engine!(db, |conn| diesel::insert_into(stale_freight::table)
            .values(chunk)
            .on_conflict((stale_freight::partner_id, stale_freight::obligation_day))
            .do_update()
            .set(stale_freight::partner_id.eq(excluded(stale_freight::partner_id)))
            .execute(conn))?;
    }
    Ok(())
}

/// The days of the shipments of a partner that go by one of some names, as [`freight_mark`] takes them when what is billed for them
/// changed.
///
/// Unscoped: an audit and a ruling name whose shipments they are about.
///
/// # Errors
/// The engine's reason.
pub fn days_named_unscoped(
    db: &mut Db,
    partner_id: i64,
    names: &BTreeSet<String>,
) -> QueryResult<BTreeSet<(i64, Day)>> {
    let mut cells = BTreeSet::new();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for chunk in names.chunks(KEYS_PER_STATEMENT) {
        let days: Vec<Day> = shipments::table
            .filter(shipments::partner_id.eq(partner_id))
            .filter(among(shipments::reference, chunk.to_vec()))
            .select(shipments::obligation_day)
            .distinct()
            .load(db)?;
        cells.extend(days.into_iter().map(|day| (partner_id, day)));
    }
    Ok(cells)
}

/// The marked days of a partner, in order.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// The engine's reason.
pub fn freight_marked_unscoped(db: &mut Db, partner_id: i64) -> QueryResult<BTreeSet<Day>> {
    let days: Vec<Day> = stale_freight::table
        .filter(stale_freight::partner_id.eq(partner_id))
        .select(stale_freight::obligation_day)
        .load(db)?;
    Ok(days.into_iter().collect())
}

/// Takes the marks of some days of a partner, before what stands behind them is read. They are locked in the order in which
/// they are written: a delete takes rows as it finds them, and would wait for a writer that waits for it.
///
/// # Errors
/// The engine's reason.
pub fn freight_marks_take(db: &mut Db, partner_id: i64, days: &[Day]) -> QueryResult<()> {
    freight_marks_lock(db, partner_id, days)?;
    diesel::delete(
        stale_freight::table
            .filter(stale_freight::partner_id.eq(partner_id))
            .filter(stale_freight::obligation_day.eq_any(days)),
    )
    .execute(db)
    .map(drop)
}

/// Whether a partner sends invoices: freight of others is billed elsewhere.
///
/// # Errors
/// The engine's reason.
pub fn bills_here(db: &mut Db, partner_id: i64) -> QueryResult<bool> {
    let any: Option<i64> = invoices::table
        .filter(invoices::partner_id.eq(partner_id))
        .select(invoices::id)
        .first(db)
        .optional()?;
    Ok(any.is_some())
}

/// Up to which day of delivery, and without it, the freight of a partner was looked at as not billed in time; none where its
/// freight is not accrued yet.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// The engine's reason.
pub fn lapsed_before_unscoped(db: &mut Db, partner_id: i64) -> QueryResult<Option<NaiveDate>> {
    let day: Option<Day> = freight_partners::table
        .filter(freight_partners::partner_id.eq(partner_id))
        .select(freight_partners::lapsed_before)
        .first(db)
        .optional()?;
    Ok(day.map(|day| day.0))
}

/// Writes what [`lapsed_before_unscoped`] reads: from here on the freight of the partner is accrued.
///
/// # Errors
/// The engine's reason.
pub fn lapsed_before_write(db: &mut Db, partner_id: i64, day: NaiveDate) -> QueryResult<()> {
    let row = (freight_partners::partner_id.eq(partner_id), freight_partners::lapsed_before.eq(Day(day)));
    on_engine!(db, |conn| diesel::insert_into(freight_partners::table)
        .values(row)
        .on_conflict(freight_partners::partner_id)
        .do_update()
        .set(freight_partners::lapsed_before.eq(Day(day)))
        .execute(conn))
    .map(drop)
}

/// Whether freight of a partner was posted after a day.
///
/// Unscoped: the accrual names the partners it may read.
///
/// # Errors
/// The engine's reason.
pub fn freight_posted_after_unscoped(db: &mut Db, partner_id: i64, day: NaiveDate) -> QueryResult<bool> {
    let any: Option<i64> = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::posting_day.gt(Day(day)))
        .filter(journal_entries::clause_id.eq(crate::domain::clause::FREIGHT_CLAUSE))
        .select(journal_entries::id)
        .first(db)
        .optional()?;
    Ok(any.is_some())
}

/// The days from one on for which a partner has priced shipments.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// The engine's reason.
pub fn priced_days_unscoped(db: &mut Db, partner_id: i64, from: NaiveDate) -> QueryResult<BTreeSet<Day>> {
    let days: Vec<Day> = expected_charges::table
        .filter(expected_charges::partner_id.eq(partner_id))
        .filter(expected_charges::obligation_day.ge(Day(from)))
        .filter(expected_charges::total_micros.is_not_null())
        .select(expected_charges::obligation_day)
        .distinct()
        .load(db)?;
    Ok(days.into_iter().collect())
}

/// The days of a partner for which freight stands, or those alone with a delivery from the first day of `delivered` on and
/// before the second.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// The engine's reason.
pub fn standing_days_unscoped(
    db: &mut Db,
    partner_id: i64,
    delivered: Option<(NaiveDate, NaiveDate)>,
) -> QueryResult<BTreeSet<Day>> {
    let mut query = freight_accruals::table
        .filter(freight_accruals::partner_id.eq(partner_id))
        .select(freight_accruals::obligation_day)
        .distinct()
        .into_boxed();
    if let Some((from, before)) = delivered {
        query = query
            .filter(freight_accruals::delivered_on.ge(Day(from)))
            .filter(freight_accruals::delivered_on.lt(Day(before)));
    }
    let days: Vec<Day> = query.load(db)?;
    Ok(days.into_iter().collect())
}

/// The partners that send invoices, or of which freight stands or was ever accrued.
///
/// Unscoped: `verify` asks.
///
/// # Errors
/// The engine's reason.
pub fn freight_partners_unscoped(db: &mut Db) -> QueryResult<BTreeSet<i64>> {
    let standing: Vec<i64> =
        freight_accruals::table.select(freight_accruals::partner_id).distinct().load(db)?;
    let moved: Vec<i64> = freight_moves::table.select(freight_moves::partner_id).distinct().load(db)?;
    let billing: Vec<i64> = invoices::table.select(invoices::partner_id).distinct().load(db)?;
    Ok(standing.into_iter().chain(moved).chain(billing).collect())
}

/// The delivered and priced shipments of a partner due on some days, with their references.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn carried_unscoped(
    db: &mut Db,
    partner_id: i64,
    days: &[Day],
) -> Result<BTreeMap<Place, (String, Carried)>, DbError> {
    type Row = (
        (Day, i64, String, Option<Instant>, Option<Instant>, Option<i32>, Option<i32>),
        (i64, String, String),
    );
    let zones: HashMap<i32, Tz> = zones_by_id(db)?;
    let rows: Vec<Row> = expected_charges::table
        .inner_join(
            shipments::table.on(shipments::obligation_day
                .eq(expected_charges::obligation_day)
                .and(shipments::partner_id.eq(expected_charges::partner_id))
                .and(shipments::id.eq(expected_charges::shipment_id))),
        )
        .filter(expected_charges::partner_id.eq(partner_id))
        .filter(expected_charges::obligation_day.eq_any(days))
        .filter(expected_charges::total_micros.is_not_null())
        .filter(shipments::delivered_at.is_not_null().or(shipments::arrived_at.is_not_null()))
        .select((
            (
                shipments::obligation_day,
                shipments::id,
                shipments::reference,
                shipments::delivered_at,
                shipments::arrived_at,
                shipments::delivery_zone_id,
                shipments::pickup_zone_id,
            ),
            (expected_charges::contract_version_id, expected_charges::currency, expected_charges::lines),
        ))
        .load(db)?;
    let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
    let mut found = BTreeMap::new();
    for ((day, id, reference, delivered, arrived, to, from), (version_id, currency, lines)) in rows {
        let at = delivered.or(arrived).map(|at| at.0);
        let Some(delivered_on) = delivered_day(at, (zone(to), zone(from))) else { continue };
        let bad = |error: &dyn std::fmt::Display| stored("the expected charge", (day, id), error);
        let currency = currency.parse::<Currency>().map_err(|error| bad(&error))?;
        let lines: Vec<ExpectedLine> = serde_json::from_str(&lines).map_err(|error| bad(&error))?;
        found.insert((day, id), (reference, Carried { delivered_on, version_id, currency, lines }));
    }
    Ok(found)
}

/// What the newest audits of all invoices say that name one of the shipments of a partner due on some days, by our reference or by a
/// number it carries, with what was ruled about those on hold.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for an audit that does not read back, or the engine's reason.
pub fn bills_unscoped(db: &mut Db, partner_id: i64, days: &[Day]) -> Result<Bills, DbError> {
    let by_reference: Vec<i64> = shipments::table
        .inner_join(
            invoice_references::table.on(invoice_references::partner_id
                .eq(shipments::partner_id)
                .and(invoice_references::reference.eq(shipments::reference))),
        )
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::obligation_day.eq_any(days))
        .select(invoice_references::invoice_id)
        .distinct()
        .load(db)?;
    let mut ids: BTreeSet<i64> = by_reference.into_iter().collect();
    for numbers in numbers_billed_unscoped(db, &[partner_id], days)?.into_values() {
        ids.extend(invoices_giving_unscoped(db, partner_id, numbers)?);
    }
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut bills = Bills::default();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        for audited in audits_resolved_unscoped(db, partner_id, chunk)?.into_values() {
            bills.add(&audited);
        }
    }
    Ok(bills)
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = freight_accruals, treat_none_as_default_value = false)]
struct StandingRow {
    partner_id: i64,
    obligation_day: Day,
    shipment_id: i64,
    contract_version_id: i64,
    delivered_on: Day,
    currency: String,
    base_micros: i64,
    fuel_micros: i64,
    accessorial_micros: i64,
    tax_micros: i64,
}

impl StandingRow {
    fn of(partner_id: i64, (obligation_day, shipment_id): Place, standing: &Standing) -> Self {
        let Parts { base, fuel, accessorial, tax } = standing.parts;
        Self {
            partner_id,
            obligation_day,
            shipment_id,
            contract_version_id: standing.version_id,
            delivered_on: Day(standing.delivered_on),
            currency: standing.currency.code().to_owned(),
            base_micros: base.0,
            fuel_micros: fuel.0,
            accessorial_micros: accessorial.0,
            tax_micros: tax.0,
        }
    }

    fn read(&self) -> Result<Standing, DbError> {
        let place = (self.obligation_day, self.shipment_id);
        Ok(Standing {
            version_id: self.contract_version_id,
            currency: self
                .currency
                .parse()
                .map_err(|error: crate::domain::currency::BadCurrency| stored("the freight", place, error))?,
            delivered_on: self.delivered_on.0,
            parts: Parts {
                base: Micros(self.base_micros),
                fuel: Micros(self.fuel_micros),
                accessorial: Micros(self.accessorial_micros),
                tax: Micros(self.tax_micros),
            },
        })
    }
}

/// What stands for the shipments of a partner due on some days, or for all of them.
///
/// Unscoped: the accrual and `verify` name the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn standing_unscoped(
    db: &mut Db,
    partner_id: i64,
    days: Option<&[Day]>,
) -> Result<BTreeMap<Place, Standing>, DbError> {
    let mut query = freight_accruals::table
        .filter(freight_accruals::partner_id.eq(partner_id))
        .select(StandingRow::as_select())
        .into_boxed();
    if let Some(days) = days {
        query = query.filter(freight_accruals::obligation_day.eq_any(days.to_vec()));
    }
    let rows: Vec<StandingRow> = query.load(db)?;
    rows.iter().map(|row| Ok(((row.obligation_day, row.shipment_id), row.read()?))).collect()
}

/// Writes what stands for some shipments of a partner; none where nothing does any more.
///
/// # Errors
/// The engine's reason.
pub fn standing_write(
    db: &mut Db,
    partner_id: i64,
    changed: &BTreeMap<Place, Option<Standing>>,
) -> QueryResult<()> {
    let mut by_day: BTreeMap<Day, Vec<i64>> = BTreeMap::new();
    for (day, id) in changed.keys() {
        by_day.entry(*day).or_default().push(*id);
    }
    for (day, ids) in by_day {
        for ids in ids.chunks(KEYS_PER_STATEMENT) {
            diesel::delete(
                freight_accruals::table
                    .filter(freight_accruals::partner_id.eq(partner_id))
                    .filter(freight_accruals::obligation_day.eq(day))
                    .filter(freight_accruals::shipment_id.eq_any(ids)),
            )
            .execute(db)?;
        }
    }
    let rows: Vec<StandingRow> = changed
        .iter()
        .filter_map(|(place, standing)| Some(StandingRow::of(partner_id, *place, standing.as_ref()?)))
        .collect();
    bulk_insert!(db, freight_accruals::table, rows.as_slice())?;
    Ok(())
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = freight_moves, treat_none_as_default_value = false)]
struct MoveRow {
    partner_id: i64,
    entry_id: i64,
    obligation_day: Day,
    shipment_id: i64,
    part: String,
    why: String,
    amount_micros: i64,
}

/// Adds what entries of a partner are made of.
///
/// # Errors
/// The engine's reason.
pub fn moves_insert(db: &mut Db, partner_id: i64, moves: &[(i64, Place, Move)]) -> QueryResult<()> {
    let row = |&(entry_id, (obligation_day, shipment_id), one): &(i64, Place, Move)| MoveRow {
        partner_id,
        entry_id,
        obligation_day,
        shipment_id,
        part: one.part.code().to_owned(),
        why: one.why.code().to_owned(),
        amount_micros: one.delta.0,
    };
    let rows: Vec<MoveRow> = moves.iter().map(row).collect();
    bulk_insert!(db, freight_moves::table, rows.as_slice()).map(drop)
}

/// Which of some shipments of a partner moved before as delivered in a month.
///
/// Unscoped: the accrual names the partners it may read.
///
/// # Errors
/// The engine's reason.
pub fn moved_unscoped(
    db: &mut Db,
    partner_id: i64,
    delivered_in: Period,
    places: &BTreeSet<Place>,
) -> QueryResult<BTreeSet<Place>> {
    // By the entries of the month, which the key of moves begins with.
    let entries: Vec<i64> = journal_entries::table
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::clause_id.eq(crate::domain::clause::FREIGHT_CLAUSE))
        .filter(journal_entries::period.eq(delivered_in.to_string()))
        .select(journal_entries::id)
        .load(db)?;
    let days: BTreeSet<Day> = places.iter().map(|(day, _)| *day).collect();
    let mut found = BTreeSet::new();
    for chunk in entries.chunks(KEYS_PER_STATEMENT) {
        let moved: Vec<Place> = freight_moves::table
            .filter(freight_moves::partner_id.eq(partner_id))
            .filter(freight_moves::entry_id.eq_any(chunk))
            .filter(freight_moves::obligation_day.eq_any(days.iter().copied()))
            .select((freight_moves::obligation_day, freight_moves::shipment_id))
            .distinct()
            .load(db)?;
        found.extend(moved.into_iter().filter(|place| places.contains(place)));
    }
    Ok(found)
}

/// A move as `verify` reads it: its entry, its shipment, its part and its amount.
pub type RawMove = (i64, Place, ChargePart, Micros);

/// All moves of a partner.
///
/// Unscoped: `verify` asks.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn moves_unscoped(db: &mut Db, partner_id: i64) -> Result<Vec<RawMove>, DbError> {
    let rows: Vec<(i64, Day, i64, String, i64)> = freight_moves::table
        .filter(freight_moves::partner_id.eq(partner_id))
        .order((freight_moves::entry_id, freight_moves::obligation_day, freight_moves::shipment_id))
        .select((
            freight_moves::entry_id,
            freight_moves::obligation_day,
            freight_moves::shipment_id,
            freight_moves::part,
            freight_moves::amount_micros,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(entry_id, day, id, part, amount)| {
            let part = part_of((day, id), &part)?;
            Ok((entry_id, (day, id), part, Micros(amount)))
        })
        .collect()
}

fn part_of(place: Place, text: &str) -> Result<ChargePart, DbError> {
    text.parse().map_err(|error: crate::domain::field::BadCode| stored("a move of freight", place, error))
}

/// Whether the viewer may see accrued freight: it is what we hold back for a partner, and never for its own eyes (DOMAIN §9).
fn may_see(viewer: &Viewer) -> bool {
    viewer.partner_id.is_none()
}

/// A shipment behind an entry, or of which freight stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreightListed {
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// Where the shipment is stored.
    pub place: Place,
    /// Code of its feed and its reference; none where it is not due on that day any more.
    pub shipment: Option<(String, String)>,
    /// Local day of the delivery; none behind an entry.
    pub delivered_on: Option<NaiveDate>,
    /// Why it changed; none for what stands.
    pub why: Option<Why>,
    /// Currency of the amounts.
    pub currency: String,
    /// Part by part.
    pub parts: Parts,
}

/// What stands in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandingSum {
    /// How many shipments.
    pub shipments: i64,
    /// What they come to.
    pub amount: Micros,
}

/// What was delivered and is not billed, as the last accrual left it, by currency; nothing for partners.
///
/// # Errors
/// The engine's reason.
pub fn freight_sums(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> QueryResult<BTreeMap<String, StandingSum>> {
    let Some(asked) = partner_filter(viewer, partner).filter(|_| may_see(viewer)) else {
        return Ok(BTreeMap::new());
    };
    let mut query = freight_accruals::table
        .group_by(freight_accruals::currency)
        .select((
            freight_accruals::currency,
            count_star(),
            sql::<BigInt>(&format!("CAST(SUM{TOTAL} AS BIGINT)")),
        ))
        .into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(freight_accruals::partner_id.eq(partner_id));
    }
    let rows: Vec<(String, i64, i64)> = query.load(db)?;
    Ok(rows
        .into_iter()
        .map(|(currency, shipments, amount)| (currency, StandingSum { shipments, amount: Micros(amount) }))
        .collect())
}

/// Shipments of which freight stands, the earliest delivery first, from `skip` on; nothing for partners.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn freight_list(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    (skip, limit): (i64, i64),
) -> Result<Vec<FreightListed>, DbError> {
    let Some(asked) = partner_filter(viewer, partner).filter(|_| may_see(viewer)) else {
        return Ok(Vec::new());
    };
    let mut query = freight_accruals::table
        .inner_join(partners::table.on(partners::id.eq(freight_accruals::partner_id)))
        .order((
            freight_accruals::delivered_on,
            freight_accruals::partner_id,
            freight_accruals::obligation_day,
            freight_accruals::shipment_id,
        ))
        .offset(skip)
        .limit(limit)
        .select((StandingRow::as_select(), partners::name))
        .into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(freight_accruals::partner_id.eq(partner_id));
    }
    let rows: Vec<(StandingRow, String)> = query.load(db)?;
    let mut names = HashMap::new();
    for (row, _) in &rows {
        let place = (row.obligation_day, row.shipment_id);
        names.entry(row.partner_id).or_insert_with(Vec::new).push(place);
    }
    let mut named = HashMap::new();
    for (partner_id, places) in names {
        named.insert(partner_id, shipments_named(db, partner_id, &places)?);
    }
    rows.into_iter()
        .map(|(row, partner)| {
            let (place, standing) = ((row.obligation_day, row.shipment_id), row.read()?);
            Ok(FreightListed {
                partner_id: row.partner_id,
                partner,
                place,
                shipment: named.get_mut(&row.partner_id).and_then(|named| named.remove(&place)),
                delivered_on: Some(standing.delivered_on),
                why: None,
                currency: row.currency,
                parts: standing.parts,
            })
        })
        .collect()
}

/// How many shipments are behind one entry about freight, and what they come to part by part; nothing for partners.
///
/// # Errors
/// [`DbError::Stored`] for a part nobody knows, or the engine's reason.
pub fn freight_behind_sum(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, entry_id): (i64, i64),
) -> Result<(i64, Parts), DbError> {
    let mut parts = Parts::default();
    if !viewer.sees(partner_id) || !may_see(viewer) {
        return Ok((0, parts));
    }
    let counts: Vec<i64> = freight_moves::table
        .filter(freight_moves::partner_id.eq(partner_id))
        .filter(freight_moves::entry_id.eq(entry_id))
        .group_by(freight_moves::obligation_day)
        .select(sql::<BigInt>("COUNT(DISTINCT freight_moves.shipment_id)"))
        .load(db)?;
    let sums: Vec<(String, i64)> = freight_moves::table
        .filter(freight_moves::partner_id.eq(partner_id))
        .filter(freight_moves::entry_id.eq(entry_id))
        .group_by(freight_moves::part)
        .select((freight_moves::part, sql::<BigInt>("CAST(SUM(freight_moves.amount_micros) AS BIGINT)")))
        .load(db)?;
    for (part, amount) in sums {
        let part = part.parse().map_err(|error: crate::domain::field::BadCode| DbError::Stored {
            what: format!("a move of freight of entry {entry_id}"),
            reason: error.to_string(),
        })?;
        parts.add(part, Micros(amount));
    }
    Ok((counts.into_iter().sum(), parts))
}

/// The shipments behind one entry about freight by day and id, `limit` of them from `skip` on; nothing for partners.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn freight_behind(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, entry_id): (i64, i64),
    currency: &str,
    (skip, limit): (i64, i64),
) -> Result<Vec<FreightListed>, DbError> {
    if !viewer.sees(partner_id) || !may_see(viewer) {
        return Ok(Vec::new());
    }
    let partner: String =
        partners::table.filter(partners::id.eq(partner_id)).select(partners::name).first(db)?;
    let places: Vec<Place> = freight_moves::table
        .filter(freight_moves::partner_id.eq(partner_id))
        .filter(freight_moves::entry_id.eq(entry_id))
        .select((freight_moves::obligation_day, freight_moves::shipment_id))
        .distinct()
        .order((freight_moves::obligation_day, freight_moves::shipment_id))
        .offset(skip)
        .limit(limit)
        .load(db)?;
    let days: BTreeSet<Day> = places.iter().map(|(day, _)| *day).collect();
    let rows: Vec<(Day, i64, String, String, i64)> = freight_moves::table
        .filter(freight_moves::partner_id.eq(partner_id))
        .filter(freight_moves::entry_id.eq(entry_id))
        .filter(freight_moves::obligation_day.eq_any(days))
        .filter(freight_moves::shipment_id.eq_any(places.iter().map(|(_, id)| *id)))
        .order((freight_moves::obligation_day, freight_moves::shipment_id))
        .select((
            freight_moves::obligation_day,
            freight_moves::shipment_id,
            freight_moves::part,
            freight_moves::why,
            freight_moves::amount_micros,
        ))
        .load(db)?;
    let mut found: BTreeMap<Place, (Parts, Why)> = BTreeMap::new();
    for (day, id, part, why, amount) in rows {
        let place = (day, id);
        if places.binary_search(&place).is_err() {
            continue;
        }
        let why: Why = why
            .parse()
            .map_err(|error: crate::domain::field::BadCode| stored("a move of freight", place, error))?;
        let (parts, _) = found.entry(place).or_insert((Parts::default(), why));
        parts.add(part_of(place, &part)?, Micros(amount));
    }
    let mut named = shipments_named(db, partner_id, &places)?;
    Ok(found
        .into_iter()
        .map(|(place, (parts, why))| FreightListed {
            partner_id,
            partner: partner.clone(),
            place,
            shipment: named.remove(&place),
            delivered_on: None,
            why: Some(why),
            currency: currency.to_owned(),
            parts,
        })
        .collect())
}

/// Code of the feed and reference of some shipments of a partner.
fn shipments_named(
    db: &mut Db,
    partner_id: i64,
    places: &[Place],
) -> QueryResult<HashMap<Place, (String, String)>> {
    let keys: Vec<super::fold::ShipmentKey> = places.iter().map(|&(day, id)| (day, partner_id, id)).collect();
    let rows = rows_of_shipments!(
        db, partner_id, &keys,
        shipments.id.inner_join(sources::table.on(sources::id.eq(shipments::source_id)))
        => (shipments::obligation_day, shipments::id, sources::code, shipments::reference)
        => (Day, i64, String, String)
    );
    Ok(rows.into_iter().map(|(day, id, source, reference)| ((day, id), (source, reference))).collect())
}
