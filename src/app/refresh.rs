//! Refreshing measures: exactly the cells that new facts or the passing of time made stale.
//!
//! A nightly run costs what the day brought, not what the years hold. Running it again changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::QueryResult;

use super::App;
use crate::db::dialect::{shipment_indexes_ensure, write_tx};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::fold::{
    FoldRow, LaneKey, TenderFoldRow, due_cells, fact_partners, lane_cell_months, lane_cells_of_source,
    lane_cells_replace, measure_cell_days, measure_cells_of_source, measure_cells_replace, next_fact_day,
    shipments_fold, stale_day_take, stale_days, stale_month_take, stale_months, tender_outcome_write,
    tenders_fold, verdicts_write,
};
use crate::db::shipment::{Source, stale_mark};
use crate::db::{Db, DbError};
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::{Outcome, OutcomePolicy};
use crate::domain::shipment::{
    Amounts, DateOnly, Diverter, FirstAttempt, Milestones, ShipmentFacts, Verdicts,
};
use crate::domain::tender::{self, Response, TenderFacts};

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
    /// Cells written.
    pub cells: usize,
}

/// Zones and tolerances by number, read once.
struct Lookups {
    zones: HashMap<i32, Tz>,
    policies: HashMap<i32, OutcomePolicy>,
    as_of: DateTime<Utc>,
}

/// Brings every measure up to date as known at `as_of`. `progress` hears (done, total) in days and months.
///
/// # Errors
/// The database's reason; what was done before stays done, one day or month at a time.
pub fn refresh(
    app: &App,
    as_of: DateTime<Utc>,
    mut progress: impl FnMut(usize, usize),
) -> Result<RefreshReport, DbError> {
    let mut db = app.pool.get()?;
    shipment_indexes_ensure(&mut db)?;
    let mut report = RefreshReport::default();
    let lookups = Lookups { zones: zones_by_id(&mut db)?, policies: policies_by_id(&mut db)?, as_of };
    let mut work: Vec<(Source, Slice)> = Vec::new();
    for source in [Source::Shipments, Source::Tenders] {
        mark_what_time_changed(&mut db, source, as_of)?;
        work.extend(stale_days(&mut db, source)?.into_iter().map(|day| (source, Slice::Day(day))));
    }
    // Lanes after days: they read the verdicts that the days have settled.
    for source in [Source::Shipments, Source::Tenders] {
        work.extend(stale_months(&mut db, source)?.into_iter().map(|month| (source, Slice::Month(month))));
    }
    let total = work.len();
    for (done, (source, slice)) in work.into_iter().enumerate() {
        match slice {
            Slice::Day(day) => {
                write_tx(&mut db, |db| refresh_day(db, source, day, &lookups, &mut report))?;
                report.days += 1;
            }
            Slice::Month(month) => {
                write_tx(&mut db, |db| refresh_month(db, source, month, &lookups, &mut report))?;
                report.months += 1;
            }
        }
        progress(done + 1, total);
    }
    Ok(report)
}

/// One unit of work: one transaction.
#[derive(Clone, Copy)]
enum Slice {
    Day(NaiveDate),
    Month(NaiveDate),
}

fn mark_what_time_changed(db: &mut Db, source: Source, as_of: DateTime<Utc>) -> Result<(), DbError> {
    write_tx(db, |db| {
        let cells: BTreeSet<_> = due_cells(db, source, as_of)?.into_iter().collect();
        stale_mark(db, source, &cells)?;
        Ok(())
    })
}

type DaySums = BTreeMap<(i64, String, String, NaiveDate), Measures>;

/// What one day's facts come to, and what differs from the stored verdicts.
#[derive(Default)]
struct DayResult {
    sums: DaySums,
    shipments: Vec<(FoldRow, Verdicts)>,
    tenders: Vec<(TenderFoldRow, Outcome, Option<DateTime<Utc>>)>,
    facts: u64,
}

fn refresh_day(
    db: &mut Db,
    source: Source,
    day: NaiveDate,
    lookups: &Lookups,
    report: &mut RefreshReport,
) -> Result<(), DbError> {
    let partners = stale_day_take(db, source, day)?;
    let result = sum_day(db, source, day, &partners, lookups)?;
    for (row, verdicts) in &result.shipments {
        verdicts_write(db, row, verdicts)?;
        report.verdicts += 1;
    }
    for (row, outcome, settles_at) in &result.tenders {
        tender_outcome_write(db, row, *outcome, *settles_at)?;
        report.verdicts += 1;
    }
    report.facts += result.facts;
    report.cells += measure_cells_replace(db, source, day, &partners, result.sums)?;
    Ok(())
}

/// Judges and sums one day's facts. Reads only.
fn sum_day(
    db: &mut Db,
    source: Source,
    day: NaiveDate,
    partners: &[i64],
    lookups: &Lookups,
) -> Result<DayResult, DbError> {
    let mut result = DayResult::default();
    let until = day.succ_opt().unwrap_or(day);
    match source {
        Source::Shipments => shipments_fold(db, partners, day, until, |row| {
            result.facts += 1;
            let (facts, policy) = lookups.shipment(&row)?;
            let verdicts = facts.milestones.judge(policy, lookups.as_of);
            let key = (row.partner_id, row.service.clone(), row.mode.clone(), day);
            if let Some(pickup_day) = pickup_day(&facts, &verdicts) {
                let at = (key.0, key.1.clone(), key.2.clone(), pickup_day);
                result.sums.entry(at).or_default().pickup_window.count(verdicts.pickup_window);
            }
            facts.add_to(&verdicts, policy, result.sums.entry(key).or_default());
            if differs(&row, &verdicts) {
                result.shipments.push((row, verdicts));
            }
            Ok::<_, DbError>(())
        })?,
        Source::Tenders => tenders_fold(db, partners, day, until, |row| {
            result.facts += 1;
            let facts = tender_facts(&row);
            let (outcome, settles_at) = tender::judge(&facts, lookups.as_of);
            let key = (row.partner_id, row.service.clone(), row.mode.clone(), day);
            count_tender(&facts, outcome, result.sums.entry(key).or_default());
            if row.outcome != outcome.code() || row.settles_at.map(|at| at.0) != settles_at {
                result.tenders.push((row, outcome, settles_at));
            }
            Ok::<_, DbError>(())
        })?,
    }
    Ok(result)
}

/// Sums every day's and every month's facts again and says which stored sums differ, or belong to no
/// facts. Reads only. Returns how many days and months were looked at, and one line a difference.
///
/// # Errors
/// The database's reason.
pub fn sums_differ(db: &mut Db, as_of: DateTime<Utc>) -> Result<(i64, Vec<String>), DbError> {
    let lookups = Lookups { zones: zones_by_id(db)?, policies: policies_by_id(db)?, as_of };
    let (mut looked, mut differences) = (0, Vec::new());
    for source in [Source::Shipments, Source::Tenders] {
        let mut months: BTreeMap<NaiveDate, BTreeSet<i64>> = BTreeMap::new();
        // Days of stored sums count too: a sum without a fact is as wrong as another sum.
        let mut days = measure_cell_days(db, source)?;
        let mut day = next_fact_day(db, source, None)?;
        while let Some(today) = day {
            days.insert(today);
            day = next_fact_day(db, source, Some(today))?;
        }
        for today in days {
            looked += 1;
            let partners = fact_partners(db, source, today)?;
            let sums = sum_day(db, source, today, &partners, &lookups)?.sums;
            if measure_cells_of_source(db, source, today)? != sums {
                differences
                    .push(format!("{today}: the stored sums of {} differ from the facts", source.code()));
            }
            months.entry(today.with_day(1).unwrap_or(today)).or_default().extend(partners);
        }
        for month in lane_cell_months(db, source)? {
            months.entry(month).or_default();
        }
        for (month, partners) in months {
            looked += 1;
            let partners: Vec<i64> = partners.into_iter().collect();
            if lane_cells_of_source(db, source, month)?
                != sum_month(db, source, month, &partners, &lookups)?.0
            {
                let month = month.format("%Y-%m");
                differences.push(format!(
                    "{month}: the stored lane sums of {} differ from the facts",
                    source.code()
                ));
            }
        }
    }
    Ok((looked, differences))
}

fn refresh_month(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    lookups: &Lookups,
    report: &mut RefreshReport,
) -> Result<(), DbError> {
    let partners = stale_month_take(db, source, month)?;
    let (sums, facts) = sum_month(db, source, month, &partners, lookups)?;
    report.facts += facts;
    report.cells += lane_cells_replace(db, source, month, &partners, sums)?;
    Ok(())
}

/// Judges and sums one month's facts by lane; gives how many facts they were too. Reads only.
fn sum_month(
    db: &mut Db,
    source: Source,
    month: NaiveDate,
    partners: &[i64],
    lookups: &Lookups,
) -> Result<(BTreeMap<LaneKey, Measures>, u64), DbError> {
    let until = month.checked_add_months(Months::new(1)).unwrap_or(month);
    let mut sums: HashMap<LaneKey, Measures> = HashMap::new();
    let mut facts_read = 0;
    match source {
        Source::Shipments => shipments_fold(db, partners, month, until, |row| {
            facts_read += 1;
            let Some(lane_id) = row.lane_id else { return Ok(()) };
            let (facts, policy) = lookups.shipment(&row)?;
            let verdicts = facts.milestones.judge(policy, lookups.as_of);
            if let Some(pickup_day) = pickup_day(&facts, &verdicts) {
                let pickup_month = pickup_day.with_day(1).unwrap_or(pickup_day);
                let at = (row.partner_id, lane_id, row.service.clone(), pickup_month);
                sums.entry(at).or_default().pickup_window.count(verdicts.pickup_window);
            }
            let at = (row.partner_id, lane_id, row.service, month);
            facts.add_to(&verdicts, policy, sums.entry(at).or_default());
            Ok::<_, DbError>(())
        })?,
        Source::Tenders => tenders_fold(db, partners, month, until, |row| {
            facts_read += 1;
            let Some(lane_id) = row.lane_id else { return Ok(()) };
            let facts = tender_facts(&row);
            let (outcome, _) = tender::judge(&facts, lookups.as_of);
            count_tender(
                &facts,
                outcome,
                sums.entry((row.partner_id, lane_id, row.service, month)).or_default(),
            );
            Ok::<_, DbError>(())
        })?,
    }
    Ok((sums.into_iter().collect(), facts_read))
}

/// The day a pickup counts for: its own obligation, else the day of the shipment.
fn pickup_day(facts: &ShipmentFacts, verdicts: &Verdicts) -> Option<NaiveDate> {
    if verdicts.pickup_window == Outcome::NotApplicable {
        return None;
    }
    facts.milestones.pickup_obligation_day().or_else(|| facts.milestones.obligation_day())
}

fn differs(row: &FoldRow, verdicts: &Verdicts) -> bool {
    row.pickup_window_outcome != verdicts.pickup_window.code()
        || row.delivery_day_outcome != verdicts.delivery_day.code()
        || row.delivery_window_outcome != verdicts.delivery_window.code()
        || row.settles_at.map(|at| at.0) != verdicts.settles_at
}

fn tender_facts(row: &TenderFoldRow) -> TenderFacts {
    TenderFacts {
        response: row.response.as_deref().and_then(Response::from_code),
        respond_by: row.respond_by.map(|at| at.0),
        bounced_at: row.bounced_at.map(|at| at.0),
        beyond_commitment: row.beyond_commitment,
        short_notice: row.short_notice,
    }
}

fn count_tender(facts: &TenderFacts, outcome: Outcome, sums: &mut Measures) {
    sums.tender.count(outcome);
    sums.tender_out_of_scope += i64::from(outcome == Outcome::NotApplicable);
    sums.tender_bounced += i64::from(facts.bounced_at.is_some());
}

impl Lookups {
    fn zone(&self, id: Option<i32>) -> Option<Tz> {
        id.and_then(|id| self.zones.get(&id)).copied()
    }

    fn shipment(&self, row: &FoldRow) -> Result<(ShipmentFacts, &OutcomePolicy), DbError> {
        let policy = self.policies.get(&row.policy_id).ok_or_else(|| DbError::Stored {
            what: format!("shipment {} of partner {}", row.id, row.partner_id),
            reason: format!("its tolerance {} is missing", row.policy_id),
        })?;
        let milestones = Milestones {
            pickup_zone: self.zone(row.pickup_zone_id),
            delivery_zone: self.zone(row.delivery_zone_id),
            pickup_window_start: row.pickup_window_start.map(|at| at.0),
            pickup_window_end: row.pickup_window_end.map(|at| at.0),
            pickup_due_day: row.pickup_due_day.map(|day| day.0),
            delivery_window_start: row.delivery_window_start.map(|at| at.0),
            delivery_window_end: row.delivery_window_end.map(|at| at.0),
            delivery_due_day: row.delivery_due_day.map(|day| day.0),
            pickup_arrived_at: row.pickup_arrived_at.map(|at| at.0),
            pickup_arrived_received_at: row.pickup_arrived_received_at.map(|at| at.0),
            picked_up_at: row.picked_up_at.map(|at| at.0),
            arrived_at: row.arrived_at.map(|at| at.0),
            arrived_received_at: row.arrived_received_at.map(|at| at.0),
            delivered_at: row.delivered_at.map(|at| at.0),
            delivered_received_at: row.delivered_received_at.map(|at| at.0),
            station_arrived_at: row.station_arrived_at.map(|at| at.0),
            out_for_delivery_at: row.out_for_delivery_at.map(|at| at.0),
            cancelled_at: row.cancelled_at.map(|at| at.0),
            date_only: DateOnly(row.date_only),
            pickup_excused: row.pickup_exclusion.is_some(),
            delivery_excused: row.delivery_exclusion.is_some(),
        };
        let amounts = Amounts {
            pieces: None,
            weight_g: row.weight_g,
            distance_m: None,
            linehaul: row.linehaul_micros.map(Micros),
            fuel: row.fuel_micros.map(Micros),
            accessorial: row.accessorial_micros.map(Micros),
            freight: row.freight_micros.map(Micros),
            rated: row.rated_micros.map(Micros),
        };
        let facts = ShipmentFacts {
            milestones,
            attempts: row.attempts,
            first_attempt: row.first_attempt.as_deref().and_then(FirstAttempt::from_code),
            disposition_known: row.disposition.is_some(),
            diverted_by: row.diverted_by.as_deref().and_then(Diverter::from_code),
            amounts,
        };
        Ok((facts, policy))
    }
}

/// Whether any cell still waits for a refresh: its facts changed, or their time has come by `as_of`.
///
/// # Errors
/// The engine's reason.
pub fn anything_stale(db: &mut Db, as_of: DateTime<Utc>) -> QueryResult<bool> {
    for source in [Source::Shipments, Source::Tenders] {
        if !stale_days(db, source)?.is_empty()
            || !stale_months(db, source)?.is_empty()
            || !due_cells(db, source, as_of)?.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}
