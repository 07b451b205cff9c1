//! Accruing freight that was delivered and is not billed: what shipments come to now, less what stands, as balanced entries
//! with the shipments behind them (DOMAIN §4.5, §5).
//!
//! A run looks at the days of partners that were marked since the last one: by the refresh, where shipments or their prices
//! changed, by the audit, where an invoice was judged anew, and by itself, where the time to bill is over. So it costs what
//! the day changed, however many shipments there are. A partner is begun with when its first invoice is there.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::{AccrualError, AccrualProblem, AccrualReport, RESTATEMENT_DAYS, Run, load_run};
use crate::app::App;
use crate::app::invoice::terms::terms_on;
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::fold::stale_days_unscoped;
use crate::db::freight::{
    Place, bills_here, bills_unscoped, carried_unscoped, freight_mark, freight_marked_unscoped,
    freight_marks_take, freight_partners_unscoped, freight_posted_after_unscoped, lapsed_before_unscoped,
    lapsed_before_write, moved_unscoped, moves_insert, moves_unscoped, priced_days_unscoped,
    standing_days_unscoped, standing_unscoped, standing_write,
};
use crate::db::job::job_run_last_done;
use crate::db::ledger::{RawLedger, entries_insert, ledger_raw_unscoped};
use crate::db::setting::reporting_zone;
use crate::db::shipment::Source;
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, ObligationKey};
use crate::domain::expected::Parts;
use crate::domain::freight::{Horizon, Move, Standing, Target, Why, batches, moves, target};
use crate::domain::ledger::{Account, JournalEntry, Side};
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::words;

/// Days looked at and booked in one transaction.
const DAYS_AT_ONCE: usize = 16;

/// Brings the accrued freight of a partner to what is delivered and not billed on the day of the run.
///
/// # Errors
/// The database's reason. Days booked before it stay booked; the others still wait.
pub(super) fn accrue_freight(
    app: &App,
    db: &mut Db,
    run: &mut Run,
    partner_id: i64,
    report: &mut AccrualReport,
) -> Result<(), DbError> {
    let days = write_tx(db, |db| days_to_look_at(db, run, partner_id))?;
    for days in days.chunks(DAYS_AT_ONCE) {
        let mut done = write_tx(db, |db| book_days(app, db, run, partner_id, days));
        if let Err(AccrualError::Db(DbError::PeriodClosed { .. })) = done {
            // The month was closed while the run went on: what is left posts in the first open one.
            *run = load_run(db, run.as_of, run.run_id)?;
            done = write_tx(db, |db| book_days(app, db, run, partner_id, days));
        }
        match done {
            Ok(done) => report.add(done),
            Err(AccrualError::Db(error)) => return Err(error),
            Err(error) => {
                let contract = "freight not billed".to_owned();
                report.problems.push(AccrualProblem { contract, partner_id, message: error.to_string() });
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How far a run looks for a partner, by the terms its invoices are audited by.
fn horizon(db: &mut Db, as_of: NaiveDate, partner_id: i64) -> Result<Horizon, DbError> {
    Ok(Horizon { as_of, window_days: terms_on(db, partner_id, as_of)?.window_days })
}

/// Marks everything within reach of a partner: other terms hold for it.
///
/// # Errors
/// The engine's reason.
pub fn look_again(db: &mut Db, partner_id: i64, horizon: Horizon) -> Result<(), DbError> {
    let all = priced_days_unscoped(db, partner_id, first_day(horizon))?;
    mark_days(db, partner_id, &all)
}

fn mark_days(db: &mut Db, partner_id: i64, days: &BTreeSet<Day>) -> Result<(), DbError> {
    Ok(freight_mark(db, &days.iter().map(|day| (partner_id, *day)).collect())?)
}

/// The first day whose shipments are looked at when nothing says where something changed: deliveries may be reported as
/// late as facts are restated.
fn first_day(horizon: Horizon) -> NaiveDate {
    let first = horizon.first_day();
    first.checked_sub_days(Days::new(RESTATEMENT_DAYS)).unwrap_or(first)
}

/// The marked days, those on which the time to bill something has run out since the run before, and all within reach at the
/// first time and after a longer time to bill.
fn days_to_look_at(db: &mut Db, run: &Run, partner_id: i64) -> Result<Vec<Day>, DbError> {
    contract_lock(db, partner_id)?;
    let horizon = horizon(db, run.as_of, partner_id)?;
    let mut days = freight_marked_unscoped(db, partner_id)?;
    if !bills_here(db, partner_id)? {
        // Its freight is billed elsewhere; when its first invoice comes, everything within reach is looked at.
        freight_marks_take(db, partner_id, &days.into_iter().collect::<Vec<_>>())?;
        return Ok(Vec::new());
    }
    let (lapsed_before, first) = (lapsed_before_unscoped(db, partner_id)?, horizon.first_day());
    if lapsed_before != Some(first) {
        let mut anew = match lapsed_before {
            // Deliveries up to a later day may not be billed any more, and are looked at once: what an invoice on hold keeps
            // standing is looked at again when it is judged again.
            Some(before) if before <= first => standing_days_unscoped(db, partner_id, Some((before, first)))?,
            // Nothing was looked at yet, or the time to bill became longer and brings some back.
            _ => priced_days_unscoped(db, partner_id, first_day(horizon))?,
        };
        // All marked, so that a run that is killed leaves word of what it did not come to.
        mark_days(db, partner_id, &anew)?;
        lapsed_before_write(db, partner_id, first)?;
        days.append(&mut anew);
    }
    Ok(days.into_iter().collect())
}

/// What some days of a partner come to, against what stands.
#[derive(Default)]
struct Planned {
    /// Shipments looked at.
    looked: usize,
    /// What changes, by shipment.
    moves: Vec<(Place, Move)>,
    /// What is to stand for the shipments of which anything changes.
    standing: BTreeMap<Place, Option<Standing>>,
    /// Days with deliveries after the day of the run.
    ahead: BTreeSet<Day>,
}

/// Works out what some days of a partner come to. Reads only.
fn plan_days(db: &mut Db, horizon: Horizon, partner_id: i64, days: &[Day]) -> Result<Planned, DbError> {
    let carried = carried_unscoped(db, partner_id, days)?;
    let before = standing_unscoped(db, partner_id, Some(days))?;
    let bills = bills_unscoped(db, partner_id, days)?;
    let places: BTreeSet<Place> = carried.keys().chain(before.keys()).copied().collect();
    let mut planned = Planned { looked: places.len(), ..Planned::default() };
    for place in places {
        let target = match carried.get(&place) {
            Some((_, carried)) if carried.delivered_on > horizon.as_of => {
                planned.ahead.insert(place.0);
                Target::default()
            }
            Some((reference, carried)) => target(reference, carried, &bills, horizon),
            None => Target::default(),
        };
        let before = before.get(&place);
        planned.moves.extend(moves(before, &target).into_iter().map(|one| (place, one)));
        if before != target.standing.as_ref() {
            planned.standing.insert(place, target.standing);
        }
    }
    Ok(planned)
}

fn book_days(
    app: &App,
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    days: &[Day],
) -> Result<AccrualReport, AccrualError> {
    // Whoever else accrues this partner waits here and then finds everything posted.
    contract_lock(db, partner_id)?;
    if freight_posted_after_unscoped(db, partner_id, run.posting_day)? {
        // An older day would take back what later days brought; the marks stay.
        return Ok(AccrualReport::default());
    }
    // The marks go first: what changes from here on marks again.
    freight_marks_take(db, partner_id, days)?;
    let horizon = horizon(db, run.as_of, partner_id)?;
    let planned = plan_days(db, horizon, partner_id, days)?;
    freight_mark(db, &planned.ahead.iter().map(|day| (partner_id, *day)).collect())?;
    let mut entries: Vec<(i64, JournalEntry)> = Vec::new();
    let mut behind: Vec<(i64, Place, Move)> = Vec::with_capacity(planned.moves.len());
    let first = first_words(db, run, partner_id, &planned.moves)?;
    let (late, now): (Vec<_>, Vec<_>) = planned
        .moves
        .iter()
        .partition(|(place, one)| one.why == Why::Delivered && first.contains(&(*place, one.key.of)));
    for (moves, is_late) in [(late, true), (now, false)] {
        // Ids of shipments are unique for a partner, whatever their day.
        for batch in batches(moves.iter().map(|(place, one)| (place.1, one))) {
            let id = app.id();
            let on = if is_late { first_posting_day(run, batch.key) } else { run.posting_day };
            entries.push((id, batch.entry(partner_id, on, run.policy)?));
            let own = batch.moves.iter().filter_map(|place| moves.get(*place));
            behind.extend(own.map(|(place, one)| (id, *place, *one)));
        }
    }
    let posted: Vec<(i64, &JournalEntry)> = entries.iter().map(|(id, entry)| (*id, entry)).collect();
    entries_insert(db, &posted, run.run_id, app.now())?;
    moves_insert(db, partner_id, &behind)?;
    standing_write(db, partner_id, &planned.standing)?;
    let lines: usize = entries.iter().map(|(_, entry)| 1 + entry.lines.len()).sum();
    Ok(AccrualReport {
        entries: entries.len(),
        changed_rows: lines + behind.len() + planned.standing.len(),
        freight: planned.standing.len(),
        ..AccrualReport::default()
    })
}

/// The day on which a first word of deliveries of a month is posted: the last of that month while its books are open, so that
/// what was carried in it stands in it, though the run comes in the night after or the delivery was reported late.
fn first_posting_day(run: &Run, key: ObligationKey) -> NaiveDate {
    let Obligation::Period(delivered_in) = key.of else { return run.posting_day };
    let last = delivered_in.last_day();
    if run.closed.is_some_and(|closed| last <= closed) { run.posting_day } else { last.min(run.posting_day) }
}

/// Which moves are the first word of their shipments in a month of delivery that ended before the run posts. Only they are
/// posted back in it: what is taken back, or comes again, was right until now, and invoices are booked when they come in.
fn first_words(
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    planned: &[(Place, Move)],
) -> Result<BTreeSet<(Place, Obligation)>, DbError> {
    let mut months: BTreeMap<Period, BTreeSet<Place>> = BTreeMap::new();
    for (place, one) in planned {
        let on = first_posting_day(run, one.key);
        if let (Why::Delivered, Obligation::Period(month), true) = (one.why, one.key.of, on < run.posting_day)
        {
            months.entry(month).or_default().insert(*place);
        }
    }
    let mut first = BTreeSet::new();
    for (month, places) in months {
        let told = moved_unscoped(db, partner_id, month, &places)?;
        first.extend(places.difference(&told).map(|place| (*place, Obligation::Period(month))));
    }
    Ok(first)
}

/// What a check of the accrued freight found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreightChecked {
    /// Shipments looked at.
    pub looked: i64,
    /// Days of partners left out, since something changed after the last accrual and waits for it or for a refresh.
    pub waiting: i64,
    /// What differs.
    pub differences: Vec<String>,
}

/// Works the accrued freight out again from shipments, prices and audits, as of the last accrual, and holds every entry
/// about it against the shipments behind it. Reads only.
///
/// # Errors
/// The database's reason.
pub fn freight_differs(db: &mut Db) -> Result<FreightChecked, DbError> {
    let last = job_run_last_done(db, super::ACCRUAL_JOB, false)?;
    let zone = reporting_zone(db)?;
    differs_on(db, last.map(|run| local_day(run.as_of.0, zone)))
}

/// As [`freight_differs`], where the last accrual was that of `as_of`.
pub(super) fn differs_on(db: &mut Db, as_of: Option<NaiveDate>) -> Result<FreightChecked, DbError> {
    let mut checked = FreightChecked::default();
    for partner_id in freight_partners_unscoped(db)? {
        books_differ(db, partner_id, &mut checked)?;
        if let Some(as_of) = as_of {
            targets_differ(db, (as_of, partner_id), &mut checked)?;
        }
    }
    Ok(checked)
}

/// Every day of a partner that does not wait.
fn targets_differ(
    db: &mut Db,
    (as_of, partner_id): (NaiveDate, i64),
    checked: &mut FreightChecked,
) -> Result<(), DbError> {
    let horizon = horizon(db, as_of, partner_id)?;
    let mut days = standing_days_unscoped(db, partner_id, None)?;
    if bills_here(db, partner_id)? {
        days.extend(priced_days_unscoped(db, partner_id, first_day(horizon))?);
    }
    let mut waiting = match lapsed_before_unscoped(db, partner_id)? {
        Some(_) => freight_marked_unscoped(db, partner_id)?,
        // The next accrual begins with it.
        None => days.clone(),
    };
    // What an import changed is marked here by the refresh that prices it, and shipments are read as they are now.
    waiting.extend(stale_days_unscoped(db, Source::Shipments, partner_id)?);
    checked.waiting += i64::try_from(waiting.intersection(&days).count()).unwrap_or(i64::MAX);
    let days: Vec<Day> = days.difference(&waiting).copied().collect();
    for days in days.chunks(DAYS_AT_ONCE) {
        let planned = plan_days(db, horizon, partner_id, days)?;
        checked.looked += i64::try_from(planned.looked).unwrap_or(i64::MAX);
        checked.differences.extend(planned.standing.iter().map(|((day, id), standing)| {
            let total = standing.map_or(Micros::ZERO, |standing| standing.parts.total());
            format!(
                "partner {partner_id}, shipment {id} due on {day}: its accrued freight is not {}, what price and invoices give now",
                words::amount(total)
            )
        }));
    }
    Ok(())
}

/// Every entry is what its shipments come to, and what stands is what all of them come to.
fn books_differ(db: &mut Db, partner_id: i64, checked: &mut FreightChecked) -> Result<(), DbError> {
    let RawLedger { entries, lines, .. } = ledger_raw_unscoped(db, partner_id)?;
    let mut posted: BTreeMap<i64, Micros> = BTreeMap::new();
    let mut keys: BTreeMap<i64, ObligationKey> = BTreeMap::new();
    for entry in &entries {
        let Ok(key) = entry.obligation_key.parse::<ObligationKey>() else { continue };
        if key.is_freight() {
            keys.insert(entry.id, key);
            posted.insert(entry.id, Micros::ZERO);
        }
    }
    for line in lines.iter().filter(|line| line.account == Account::FreightAccrued.number()) {
        if let (Some(sum), Ok(side)) = (posted.get_mut(&line.entry_id), line.side.parse::<Side>()) {
            *sum = *sum + Account::FreightAccrued.growth(side, Micros(line.amount_micros));
        }
    }
    let mut moved: BTreeMap<i64, Micros> = BTreeMap::new();
    let mut stands: BTreeMap<(Place, ObligationKey), Parts> = BTreeMap::new();
    for (entry_id, place, part, amount) in moves_unscoped(db, partner_id)? {
        let sum = moved.entry(entry_id).or_default();
        *sum = *sum + amount;
        if let Some(key) = keys.get(&entry_id) {
            stands.entry((place, *key)).or_default().add(part, amount);
        }
    }
    for entry_id in posted.keys().chain(moved.keys()).collect::<BTreeSet<_>>() {
        let of = |sums: &BTreeMap<i64, Micros>| sums.get(entry_id).copied().unwrap_or_default();
        if of(&posted) != of(&moved) {
            checked.differences.push(format!(
                "partner {partner_id}, entry {entry_id}: it accrues freight of {}, its shipments come to {}",
                words::amount(of(&posted)),
                words::amount(of(&moved))
            ));
        }
    }
    for (place, standing) in standing_unscoped(db, partner_id, None)? {
        let kept = stands.remove(&(place, standing.key())).unwrap_or_default();
        if kept != standing.parts {
            checked.differences.push(stands_otherwise(partner_id, place, kept, standing.parts));
        }
    }
    for ((place, _), parts) in stands.into_iter().filter(|(_, parts)| *parts != Parts::default()) {
        checked.differences.push(stands_otherwise(partner_id, place, parts, Parts::default()));
    }
    Ok(())
}

fn stands_otherwise(partner_id: i64, (day, id): Place, entries: Parts, row: Parts) -> String {
    format!(
        "partner {partner_id}, shipment {id} due on {day}: the entries accrue freight of {}, its row says {}",
        words::amount(entries.total()),
        words::amount(row.total())
    )
}
