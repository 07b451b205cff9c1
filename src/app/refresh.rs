//! Refreshing measures: exactly the cells that new facts or the passing of time made stale.
//!
//! A nightly run costs what the day brought, not what the years hold. Running it again changes nothing.

pub(in crate::app) mod apart;
pub mod check;
pub mod load;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use super::App;
use super::beside::{Desk, lines_of_day, weeks_mark};
use super::declared_event::Standing;
use super::expected::{Books, DayCharges, Mode, Shelf, versions_mark, versions_turned};
use super::facts::{shipment_facts, tender_facts};
use super::parallel::in_two;
use crate::db::beside::{BesideKey, any_beside, beside_settles_write};
use crate::db::dialect::{
    import_lock, refresh_slice_days, shipment_indexes_ensure, shipment_indexes_missing, transaction_lock,
    write_tx,
};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::fold::{
    CellKey, FoldRow, LaneSums, ShipmentKey, TenderKey, due_cells, lane_cells_add, lane_cells_of_source,
    lane_cells_replace, measure_cells_replace, shipments_fold, stale_day_take, stale_days, stale_month_take,
    stale_months, stale_months_mark, summed_days, tender_outcome_write, tenders_fold, verdicts_write,
};
use crate::db::freight::freight_mark;
use crate::db::invoice::{any_invoices, invoices_of_day_unscoped, stale_invoices_mark};
use crate::db::market::{MarketOfDay, any_benchmark, market_of_day};
use crate::db::quality::{QualityOfDay, any_quality, quality_of_day};
use crate::db::shipment::{Source, stale_mark};
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::{Outcome, OutcomePolicy};
use crate::domain::shipment::{Kept, ShipmentFacts, Verdicts};
use crate::domain::tender;

/// The job that refreshes.
pub const REFRESH_JOB: &str = "refresh-measures";

/// What a refresh did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RefreshReport {
    /// Days of facts summed again.
    pub days: usize,
    /// Months of lane sums made again.
    pub months: usize,
    /// Facts read.
    pub facts: u64,
    /// Verdicts that time or late evidence changed.
    pub verdicts: u64,
    /// Expected charges that are new or others than before.
    pub charges: u64,
    /// Cells written.
    pub cells: usize,
}

/// Zones and tolerances by number, and what prices shipments.
struct Lookups {
    zones: HashMap<i32, Tz>,
    policies: HashMap<i32, OutcomePolicy>,
    shelf: Option<Shelf>,
    /// Whether any shipment has a row of quality beside it.
    any_quality: bool,
    /// Whether there are invoices that a changed shipment may touch.
    any_invoices: bool,
    /// Declared events that hold, with the places of the lanes.
    declared: Standing,
    /// What is kept beside shipments at all.
    kept: Kept,
    /// Whether any lane has the price of a market.
    any_market: bool,
    /// What invoices, claims, cases, safety records and weeks are judged by.
    desk: Desk,
    as_of: DateTime<Utc>,
}

impl Lookups {
    /// Reads them; after the marks of the facts to be judged are taken, since an import adds zones and tolerances
    /// in the transaction of the facts that name them.
    fn read(db: &mut Db, run: &Run, source: Source, mode: Mode) -> Result<Self, DbError> {
        let of_shipments = source == Source::Shipments;
        let shelf = if of_shipments { Shelf::read(db, &run.books, (mode, run.as_of))? } else { None };
        let declared = if of_shipments { Standing::read(db)? } else { Standing::default() };
        let kept = if of_shipments { kept_beside(db)? } else { Kept::default() };
        let beside = source.is_beside();
        Ok(Self {
            kept,
            any_market: of_shipments && any_benchmark(db)?,
            desk: if beside { Desk::read(db)? } else { Desk::default() },
            zones: zones_by_id(db)?,
            policies: policies_by_id(db)?,
            shelf,
            any_quality: of_shipments && any_quality(db)?,
            any_invoices: of_shipments && any_invoices(db)?,
            declared,
            as_of: run.as_of,
        })
    }
}

/// What is read of a day beside its shipments.
struct BesideShipments {
    charges: DayCharges,
    quality: QualityOfDay,
    market: MarketOfDay,
}

impl BesideShipments {
    fn read(db: &mut Db, lookups: &Lookups, day: NaiveDate, partners: &[i64]) -> Result<Self, DbError> {
        Ok(Self {
            charges: match &lookups.shelf {
                Some(shelf) => shelf.day(db, day, partners)?,
                None => DayCharges::default(),
            },
            quality: if lookups.any_quality {
                quality_of_day(db, day, partners)?
            } else {
                QualityOfDay::new()
            },
            market: if lookups.any_market { market_of_day(db, day, partners)? } else { MarketOfDay::new() },
        })
    }
}

impl Lookups {
    /// A shipment with everything it is judged and counted by.
    fn shipment(
        &self,
        row: &FoldRow,
        beside: &BesideShipments,
    ) -> Result<(ShipmentFacts, &OutcomePolicy), DbError> {
        let key = (row.partner_id, row.id);
        let known = (&self.zones, &self.policies);
        let (mut facts, policy) = shipment_facts(row, beside.quality.get(&key), known, &self.declared)?;
        facts.kept = self.kept;
        facts.amounts.market = beside.market.get(&key).copied().map(Micros);
        if let Some(shelf) = &self.shelf {
            facts.amounts.rated = shelf.counted(&beside.charges, facts.amounts.rated, key);
        }
        Ok((facts, policy))
    }
}

/// What is kept beside shipments: of whoever keeps claims or cases at all, a delivery without one says something.
///
/// # Errors
/// The engine's reason.
pub(in crate::app) fn kept_beside(db: &mut Db) -> Result<Kept, DbError> {
    Ok(Kept { claims: any_beside(db, Source::Claims)?, cases: any_beside(db, Source::Cases)? })
}

/// One refresh, or one check of the sums.
struct Run {
    as_of: DateTime<Utc>,
    /// Rates compiled so far.
    books: Books,
}

/// Refreshes where facts wait to be summed, such as after an import without a refresh or a refresh that was killed: what
/// reads sums to publish or to book asks for this first.
///
/// # Errors
/// As [`refresh`].
pub fn ensure_fresh(app: &App, as_of: DateTime<Utc>) -> Result<(), DbError> {
    let stale = anything_stale(&mut *app.pool.get()?, as_of)?;
    if stale {
        refresh(app, as_of, |_, _| ())?;
    }
    Ok(())
}

/// Days, of every kind of facts, whose facts wait to be summed.
///
/// # Errors
/// The database's reason.
pub fn waiting_days(db: &mut Db) -> Result<usize, DbError> {
    Source::ALL.into_iter().try_fold(0, |days, source| Ok(days + stale_days(db, source)?.len()))
}

/// Brings every measure up to date as known at `as_of`. `progress` hears (done, total) slices.
///
/// # Errors
/// [`DbError::Loading`] beside a first load; else the database's reason. What was done before stays done, one slice at a
/// time.
pub fn refresh(
    app: &App,
    as_of: DateTime<Utc>,
    mut progress: impl FnMut(usize, usize),
) -> Result<RefreshReport, DbError> {
    let mut db = app.pool.get()?;
    let mut spare = app.pool.spare();
    first_load_is_over(app, &mut db)?;
    let mut report = RefreshReport::default();
    let run = Run { as_of, books: Books::default() };
    if !versions_turned(&mut db)?.is_empty() {
        write_tx(&mut db, |db| {
            transaction_lock(db, SUMS_LOCK)?;
            versions_mark(db)
        })?;
    }
    let slice_days = refresh_slice_days(&db);
    let mut done = 0;
    // What lies beside them comes after them: a week counts the tenders that were just judged.
    for sources in [&Source::FIRST[..], &Source::BESIDE[..]] {
        let mut work: Vec<(Source, Vec<NaiveDate>)> = Vec::new();
        for source in sources.iter().copied() {
            mark_what_time_changed(&mut db, source, as_of)?;
            work.extend(slices(&stale_days(&mut db, source)?, slice_days).map(|days| (source, days)));
        }
        let total = done + work.len();
        for (source, days) in work {
            let spare = spare.as_deref_mut();
            write_tx(&mut db, |db| refresh_slice(db, spare, source, &days, &run, &mut report))?;
            done += 1;
            progress(done, total);
        }
    }
    // Lanes of months with days that were summed before: what they gave then is known only to the facts.
    for source in Source::ALL {
        for month in stale_months(&mut db, source)? {
            let spare = spare.as_deref_mut();
            write_tx(&mut db, |db| refresh_month(db, spare, source, month, &run, &mut report))?;
        }
    }
    Ok(report)
}

/// A first load counts its rows itself and trusts that nobody took a mark of its days meanwhile. Its indexes are missing for
/// as long; where no import lives any more, it was killed: its marks are all there, and the indexes are built here.
fn first_load_is_over(app: &App, db: &mut Db) -> Result<(), DbError> {
    if shipment_indexes_missing(db)? {
        let _no_import_begins = import_lock(app.pool.url())?.ok_or(DbError::Loading)?;
        shipment_indexes_ensure(db)?;
    }
    Ok(())
}

/// The lock of the sums for work on the marks of a source; a first load may have begun since the refresh did.
fn sums_lock(db: &mut Db, source: Source) -> Result<(), DbError> {
    transaction_lock(db, SUMS_LOCK)?;
    if source == Source::Shipments && shipment_indexes_missing(db)? {
        return Err(DbError::Loading);
    }
    Ok(())
}

/// Runs of stale days in one month, at most `most` days each.
fn slices(days: &[NaiveDate], most: usize) -> impl Iterator<Item = Vec<NaiveDate>> {
    days.chunk_by(|a, b| month_of(*a) == month_of(*b))
        .flat_map(move |month| month.chunks(most))
        .map(<[NaiveDate]>::to_vec)
}

fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn mark_what_time_changed(db: &mut Db, source: Source, as_of: DateTime<Utc>) -> Result<(), DbError> {
    if due_cells(db, source, as_of)?.is_empty() {
        return Ok(());
    }
    write_tx(db, |db| {
        let cells: BTreeSet<_> = due_cells(db, source, as_of)?.into_iter().collect();
        stale_mark(db, source, &cells)?;
        Ok(())
    })
}

/// Sums some stale days of one month again: their cells are replaced. To the lanes of the month they add
/// what they come to if they are new to it; else the month's lanes wait to be made from all its facts.
fn refresh_slice(
    db: &mut Db,
    spare: Option<&mut Db>,
    source: Source,
    days: &[NaiveDate],
    run: &Run,
    report: &mut RefreshReport,
) -> Result<(), DbError> {
    let Some(month) = days.first().copied().map(month_of) else { return Ok(()) };
    sums_lock(db, source)?;
    let known = summed_days(db, source, days)?;
    let mut again = BTreeSet::new();
    let mut work = Vec::with_capacity(days.len());
    for &day in days {
        work.push((day, stale_day_take(db, source, day)?));
    }
    if source == Source::Tenders {
        let whose = work.iter().flat_map(|(_, partners)| partners).copied().collect();
        weeks_mark(db, days, &whose)?;
    }
    let lookups = Lookups::read(db, run, source, Mode::Price)?;
    let (results, mut lanes) = sum_days(db, spare, source, &work, &lookups)?;
    let (mut billed, mut freight) = (BTreeSet::new(), BTreeSet::new());
    for ((day, partners), result) in work.into_iter().zip(results) {
        report.verdicts += result.store_verdicts(db)?;
        if let Some(shelf) = &lookups.shelf {
            shelf.store(db, &result.charges)?;
            report.charges += u64::try_from(result.charges.differing()).unwrap_or(u64::MAX);
        }
        report.facts += result.facts;
        if lookups.any_invoices {
            billed.extend(invoices_of_day_unscoped(db, day, &partners)?);
        }
        // Also of partners that send no invoices: the first may come while this runs, and nobody would look at the day again.
        if source == Source::Shipments {
            freight.extend(partners.iter().map(|partner_id| (*partner_id, Day(day))));
        }
        again.extend(partners.iter().copied().filter(|partner| known.contains(&(*partner, day))));
        report.cells += measure_cells_replace(db, source, day, &partners, result.sums)?;
        report.days += 1;
    }
    // Once, in the order of keys that every writer of these marks keeps.
    stale_invoices_mark(db, &billed)?;
    freight_mark(db, &freight)?;
    lanes.retain(|(partner, ..), _| !again.contains(partner));
    stale_months_mark(db, source, month, &again)?;
    report.cells += lane_cells_add(db, source, month, lanes)?;
    Ok(())
}

/// Names the lock under which facts are written and sums are made.
///
/// Two nodes that add to one lane cell would each lose what the other adds. And an import writes facts, then marks,
/// while a refresh takes marks, then writes verdicts to facts: side by side each could wait for the other.
pub(super) const SUMS_LOCK: &str = "sums";

/// Partner, service, mode and day; see [`CellKey`].
type DaySums = BTreeMap<CellKey, Measures>;

/// What one day's facts come to, and what differs from the stored verdicts.
#[derive(Default)]
struct DayResult {
    sums: DaySums,
    shipments: Vec<(ShipmentKey, Verdicts)>,
    tenders: Vec<(TenderKey, Outcome, Option<DateTime<Utc>>)>,
    beside: Vec<(BesideKey, Option<DateTime<Utc>>)>,
    charges: DayCharges,
    facts: u64,
}

impl DayResult {
    /// Writes the verdicts that differ; returns how many.
    fn store_verdicts(&self, db: &mut Db) -> Result<u64, DbError> {
        for (key, verdicts) in &self.shipments {
            verdicts_write(db, key, verdicts)?;
        }
        for (key, outcome, settles_at) in &self.tenders {
            tender_outcome_write(db, key, *outcome, *settles_at)?;
        }
        for (key, settles_at) in &self.beside {
            beside_settles_write(db, key, *settles_at)?;
        }
        Ok(u64::try_from(self.shipments.len() + self.tenders.len()).unwrap_or(u64::MAX))
    }
}

/// Day cells under way: partner, service, mode, day. Boxed, since a cell is a kilobyte and a table has twice the room it needs.
type DayMap = hashbrown::HashMap<(i64, usize, usize, NaiveDate), Box<Measures>>;
/// Lane cells under way: partner, lane, service, month.
type LaneMap = hashbrown::HashMap<(i64, i64, usize, NaiveDate), Box<Measures>>;

/// Sums under way. Services and modes are few and rows are many: a number stands for each name, so that
/// counting a row copies no text.
#[derive(Default)]
struct Tallying {
    names: Vec<String>,
    numbers: hashbrown::HashMap<String, usize>,
    days: DayMap,
    lanes: LaneMap,
}

impl Tallying {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// Lets `count` add a row to its day cell, and to its lane cell where it has a lane.
    fn count(&mut self, row: RowPlace<'_>, day: NaiveDate, count: impl Fn(&mut Measures)) {
        let (service, mode) = (self.number(row.service), self.number(row.mode));
        count(self.days.entry((row.partner_id, service, mode, day)).or_default());
        if let Some(lane) = row.lane_id {
            count(self.lanes.entry((row.partner_id, lane, service, month_of(day))).or_default());
        }
    }

    fn name(&self, number: usize) -> String {
        self.names.get(number).cloned().unwrap_or_default()
    }

    /// Counts a shipment of `day`, and its pickup on the day it belongs to.
    fn shipment(
        &mut self,
        place: RowPlace<'_>,
        day: NaiveDate,
        facts: &ShipmentFacts,
        policy: &OutcomePolicy,
        verdicts: &Verdicts,
    ) {
        if let Some(pickup_day) = facts.milestones.pickup_counts_for(verdicts) {
            self.count(place, pickup_day, |sums| facts.add_pickup_to(verdicts, sums));
        }
        self.count(place, day, |sums| facts.add_to(verdicts, policy, sums));
    }

    /// Day cells with the names written out.
    fn named_days(&self, cells: &DayMap) -> DaySums {
        cells
            .iter()
            .map(|(&(partner, service, mode, day), sums)| {
                ((partner, self.name(service), self.name(mode), day), Measures::clone(sums))
            })
            .collect()
    }

    /// Lane cells with the names written out.
    fn named_lanes(&self, cells: LaneMap) -> LaneSums {
        let named = |((partner, lane, service, month), sums): (_, Box<Measures>)| {
            ((partner, lane, self.name(service), month), sums)
        };
        cells.into_iter().map(named).collect()
    }

    /// Takes out the day cells.
    fn take_days(&mut self) -> DaySums {
        let days = std::mem::take(&mut self.days);
        self.named_days(&days)
    }

    /// Hands over what the lanes come to; cells move, since there are ten thousands of them.
    fn give_lanes(mut self, lanes: &mut LaneSums) {
        for ((partner, lane, service, month), sums) in std::mem::take(&mut self.lanes) {
            match lanes.entry((partner, lane, self.name(service), month)) {
                Entry::Vacant(place) => drop(place.insert(sums)),
                Entry::Occupied(mut known) => **known.get_mut() += &*sums,
            }
        }
    }
}

/// Which cells a row counts in.
#[derive(Clone, Copy)]
struct RowPlace<'a> {
    partner_id: i64,
    lane_id: Option<i64>,
    service: &'a str,
    mode: &'a str,
}

impl<'a> RowPlace<'a> {
    fn of_shipment(row: &'a FoldRow) -> Self {
        Self { partner_id: row.partner_id, lane_id: row.lane_id, service: &row.service, mode: &row.mode }
    }
}

/// Judges and sums the facts of several days, two days at once where there is a `spare` connection: one result
/// a day, and the lanes of them all. Reads only, so the spare one may stand outside the transaction: what it sees
/// is committed, and facts that are committed later mark their days stale again.
fn sum_days(
    db: &mut Db,
    spare: Option<&mut Db>,
    source: Source,
    work: &[(NaiveDate, Vec<i64>)],
    lookups: &Lookups,
) -> Result<(Vec<DayResult>, LaneSums), DbError> {
    type Share = (Vec<(usize, DayResult)>, Tallying);
    let (own, other): (Share, Share) =
        in_two(db, spare, work.len(), |db, index, (done, tallying): &mut Share| {
            let Some((day, partners)) = work.get(index) else { return Ok::<_, DbError>(()) };
            done.push((index, sum_day(db, source, *day, partners, lookups, tallying)?));
            Ok(())
        })?;
    let mut lanes = LaneSums::new();
    own.1.give_lanes(&mut lanes);
    other.1.give_lanes(&mut lanes);
    let mut days: Vec<_> = own.0.into_iter().chain(other.0).collect();
    days.sort_unstable_by_key(|(index, _)| *index);
    Ok((days.into_iter().map(|(_, result)| result).collect(), lanes))
}

/// Judges and sums one day's facts, by service and mode, and adds them to the lanes of `tallying`. Reads only.
fn sum_day(
    db: &mut Db,
    source: Source,
    day: NaiveDate,
    partners: &[i64],
    lookups: &Lookups,
    tallying: &mut Tallying,
) -> Result<DayResult, DbError> {
    let mut result = DayResult::default();
    match source {
        Source::Shipments => {
            let beside = BesideShipments::read(db, lookups, day, partners)?;
            shipments_fold(db, partners, day, |row| {
                result.facts += 1;
                let (facts, policy) = lookups.shipment(row, &beside)?;
                let verdicts = facts.judge(policy, lookups.as_of);
                let place = RowPlace::of_shipment(row);
                tallying.shipment(place, day, &facts, policy, &verdicts);
                if differs(row, &verdicts) {
                    result.shipments.push((row.key(), verdicts));
                }
                Ok::<_, DbError>(())
            })?;
            result.charges = beside.charges;
        }
        Source::Tenders => tenders_fold(db, partners, day, |row| {
            result.facts += 1;
            let facts = tender_facts(row);
            let verdict = tender::judge(&facts, lookups.as_of);
            let place = RowPlace {
                partner_id: row.partner_id,
                lane_id: row.lane_id,
                service: &row.service,
                mode: &row.mode,
            };
            tallying.count(place, day, |sums| facts.add_to(&verdict, sums));
            if row.outcome != verdict.outcome.code() || row.settles_at.map(|at| at.0) != verdict.settles_at {
                result.tenders.push((row.key(), verdict.outcome, verdict.settles_at));
            }
            Ok::<_, DbError>(())
        })?,
        Source::Invoices
        | Source::Claims
        | Source::Cases
        | Source::Safety
        | Source::Weeks
        | Source::Answers => {
            for line in lines_of_day(db, &lookups.desk, source, (partners, day), lookups.as_of)? {
                result.facts += 1;
                let verdict = line.facts.judge(lookups.as_of);
                let place = RowPlace {
                    partner_id: line.partner_id,
                    lane_id: line.lane_id,
                    service: &line.service,
                    mode: &line.mode,
                };
                for (counts_for, adds) in &verdict.adds {
                    tallying.count(place, *counts_for, |sums| *sums += adds);
                }
                if let Some(stored) = &line.stored
                    && stored.settles_at.map(|at| at.0) != verdict.settles_at
                {
                    result.beside.push((stored.key(), verdict.settles_at));
                }
            }
        }
    }
    result.sums = tallying.take_days();
    Ok(result)
}

fn refresh_month(
    db: &mut Db,
    spare: Option<&mut Db>,
    source: Source,
    month: NaiveDate,
    run: &Run,
    report: &mut RefreshReport,
) -> Result<(), DbError> {
    sums_lock(db, source)?;
    let partners = stale_month_take(db, source, month)?;
    let until = month.checked_add_months(Months::new(1)).unwrap_or(month);
    // Days that wait are left out; they add themselves, or ask for the month again.
    let summed =
        summed_days(db, source, &month.iter_days().take_while(|day| *day < until).collect::<Vec<_>>())?;
    let of_day = |day| partners.iter().copied().filter(|id| summed.contains(&(*id, day))).collect();
    let work: Vec<(NaiveDate, Vec<i64>)> =
        month.iter_days().take_while(|day| *day < until).map(|day| (day, of_day(day))).collect();
    // The days that are summed are priced already.
    let lookups = Lookups::read(db, run, source, Mode::Stored)?;
    let (results, lanes) = sum_days(db, spare, source, &work, &lookups)?;
    report.facts += results.iter().map(|result| result.facts).sum::<u64>();
    report.months += 1;
    report.cells += lane_cells_replace(db, source, month, &partners, lanes)?;
    Ok(())
}

fn differs(row: &FoldRow, verdicts: &Verdicts) -> bool {
    row.pickup_window_outcome != verdicts.pickup_window.code()
        || row.delivery_day_outcome != verdicts.delivery_day.code()
        || row.delivery_window_outcome != verdicts.delivery_window.code()
        || row.settles_at.map(|at| at.0) != verdicts.settles_at
}

/// Whether any cell still waits for a refresh: its facts changed, their time has come by `as_of`, or another
/// contract version prices them.
///
/// # Errors
/// The engine's reason.
pub fn anything_stale(db: &mut Db, as_of: DateTime<Utc>) -> Result<bool, DbError> {
    for source in Source::ALL {
        if !stale_days(db, source)?.is_empty()
            || !stale_months(db, source)?.is_empty()
            || !due_cells(db, source, as_of)?.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(!versions_turned(db)?.is_empty())
}
