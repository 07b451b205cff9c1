//! What lies beside shipments and tenders as the rules read it: one place for sums, lists and bundles.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::facts::tender_facts;
use crate::db::beside::{
    BesideKey, BesideRow, beside_cells, beside_of_day, committed_of_week, decided_of_day, planned_of_week,
    promised_weeks,
};
use crate::db::fold::tenders_fold;
use crate::db::invoice::accuracy_of_day_unscoped;
use crate::db::setting::{reporting_currency, reporting_zone, setting};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::{Db, DbError};
use crate::domain::beside::case::mark_repeats;
use crate::domain::beside::{AnswerFacts, Beside, InvoiceFacts, SafetyPolicy, SupportHours, WeekFacts};
use crate::domain::kpi::Counted;
use crate::domain::outcome::{Outcome, local_day};
use crate::domain::period::Period;
use crate::domain::tender::judge;

/// The setting that holds the support hours.
pub const SUPPORT_HOURS: &str = "support_hours";
/// The setting that holds what carriers must hold and reach to pass the safety gate.
pub const SAFETY_POLICY: &str = "safety_policy";

/// What such facts are judged by, as the settings have it.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    hours: SupportHours,
    policy: SafetyPolicy,
    zone: Tz,
    currency: String,
}

impl Desk {
    /// Reads it.
    ///
    /// # Errors
    /// The engine's reason, or a setting that does not read back.
    pub fn read(db: &mut Db) -> Result<Self, DbError> {
        let bad = |key: &str, reason: String| DbError::Stored { what: format!("the setting {key}"), reason };
        let hours = match setting(db, SUPPORT_HOURS)? {
            Some(text) => text.parse().map_err(|error: crate::domain::beside::case::BadHours| {
                bad(SUPPORT_HOURS, error.to_string())
            })?,
            None => SupportHours::default(),
        };
        let policy = match setting(db, SAFETY_POLICY)? {
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| bad(SAFETY_POLICY, error.to_string()))?
            }
            None => SafetyPolicy::default(),
        };
        Ok(Self { hours, policy, zone: reporting_zone(db)?, currency: reporting_currency(db)? })
    }
}

/// One fact with where it is kept.
#[derive(Clone, Debug)]
pub struct BesideLine {
    /// The day of the facts, which may be another than the days they count for.
    pub day: NaiveDate,
    /// Whose.
    pub partner_id: i64,
    /// Row id; of a week its lane.
    pub id: i64,
    /// Lane, where there is one.
    pub lane_id: Option<i64>,
    /// Service level, or empty.
    pub service: String,
    /// Mode, or empty.
    pub mode: String,
    /// The feed's own number, or empty.
    pub reference: String,
    /// Reference of the shipment it is about, or empty.
    pub shipment: String,
    /// Number of the feed, where it came by one.
    pub source_id: Option<i32>,
    /// The facts.
    pub facts: Beside,
    /// The stored row, for what time alone changes in it.
    pub stored: Option<BesideRow>,
}

impl BesideLine {
    fn of_row(row: BesideRow) -> Result<Self, DbError> {
        let facts = serde_json::from_str(&row.fact).map_err(|error| DbError::Stored {
            what: format!("{} {} of partner {}", row.kind.to_lowercase(), row.reference, row.partner_id),
            reason: error.to_string(),
        })?;
        Ok(Self {
            day: row.day.0,
            partner_id: row.partner_id,
            id: row.id,
            lane_id: row.lane_id,
            service: row.service.clone(),
            mode: row.mode.clone(),
            reference: row.reference.clone(),
            shipment: row.shipment.clone(),
            source_id: Some(row.source_id),
            facts,
            stored: Some(row),
        })
    }

    /// Where it is stored, if it is.
    #[must_use]
    pub fn key(&self) -> Option<BesideKey> {
        self.stored.as_ref().map(BesideRow::key)
    }
}

/// The source of the facts behind a KPI; none where they are shipments or tenders.
#[must_use]
pub fn source_of(counted: Counted) -> Option<Source> {
    match counted {
        Counted::Shipments | Counted::Tenders => None,
        Counted::Invoices => Some(Source::Invoices),
        Counted::Claims => Some(Source::Claims),
        Counted::Cases => Some(Source::Cases),
        Counted::Safety => Some(Source::Safety),
        Counted::Weeks => Some(Source::Weeks),
        Counted::Answers => Some(Source::Answers),
    }
}

/// The facts of a source of some partners and one day, ready to be judged as known at `as_of`, by partner and id.
///
/// # Errors
/// The engine's reason, or a fact that does not read back.
pub fn lines_of_day(
    db: &mut Db,
    desk: &Desk,
    source: Source,
    (partners, day): (&[i64], NaiveDate),
    as_of: DateTime<Utc>,
) -> Result<Vec<BesideLine>, DbError> {
    match source {
        Source::Shipments | Source::Tenders => Ok(Vec::new()),
        Source::Invoices => invoices(db, desk, partners, day),
        Source::Weeks => weeks(db, partners, day, as_of),
        Source::Answers => answers(db, desk, partners, day),
        Source::Claims | Source::Cases | Source::Safety => {
            let mut lines: Vec<BesideLine> = beside_of_day(db, source, partners, day)?
                .into_iter()
                .map(BesideLine::of_row)
                .collect::<Result<_, _>>()?;
            complete(&mut lines, desk);
            Ok(lines)
        }
    }
}

/// Fills in what the settings and the other facts of the day decide.
fn complete(lines: &mut [BesideLine], desk: &Desk) {
    for of_partner in lines.chunk_by_mut(|a, b| a.partner_id == b.partner_id) {
        let cases = of_partner.iter_mut().filter_map(|line| match &mut line.facts {
            Beside::Case(facts) => Some((line.shipment.as_str(), facts)),
            _ => None,
        });
        mark_repeats(cases);
        for line in of_partner {
            match &mut line.facts {
                Beside::Case(facts) => {
                    facts.due_by = facts.due(&desk.hours, desk.zone);
                    facts.response_minutes = facts.responded(&desk.hours, desk.zone);
                }
                Beside::Safety(facts) => {
                    facts.policy = desk.policy;
                    facts.partner_id = line.partner_id;
                }
                _ => {}
            }
        }
    }
}

/// What partners committed to, were planned for and tendered in the week that begins on a day.
fn weeks(
    db: &mut Db,
    partners: &[i64],
    monday: NaiveDate,
    as_of: DateTime<Utc>,
) -> Result<Vec<BesideLine>, DbError> {
    let committed = committed_of_week(db, partners, monday)?;
    let planned = planned_of_week(db, partners, monday)?;
    if committed.is_empty() && planned.is_empty() {
        return Ok(Vec::new());
    }
    // Tendered and accepted, by partner and lane.
    let mut loads: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
    for day in monday.iter_days().take(7) {
        tenders_fold(db, partners, day, |row| {
            let verdict = judge(&tender_facts(row), as_of);
            // Within the commitment or above it: a week counts both.
            let taken = [verdict.outcome, verdict.surge].into_iter().find_map(|outcome| match outcome {
                Outcome::Success => Some(true),
                Outcome::Late | Outcome::NoEvidence => Some(false),
                _ => None,
            });
            if let (Some(lane), Some(taken)) = (row.lane_id, taken) {
                let sums = loads.entry((row.partner_id, lane)).or_default();
                *sums = (sums.0 + 1, sums.1 + i64::from(taken));
            }
            Ok::<_, DbError>(())
        })?;
    }
    let keys: BTreeSet<(i64, i64)> = committed.keys().chain(planned.keys()).copied().collect();
    Ok(keys
        .into_iter()
        .map(|(partner_id, lane)| {
            let (tendered, accepted) = loads.get(&(partner_id, lane)).copied().unwrap_or_default();
            let facts = WeekFacts {
                week: monday,
                committed: committed.get(&(partner_id, lane)).copied(),
                planned: planned.get(&(partner_id, lane)).copied(),
                tendered,
                accepted,
            };
            made(monday, partner_id, (lane, Some(lane)), String::new(), Beside::Week(facts))
        })
        .collect())
}

fn invoices(db: &mut Db, desk: &Desk, partners: &[i64], day: NaiveDate) -> Result<Vec<BesideLine>, DbError> {
    Ok(accuracy_of_day_unscoped(db, day, partners)?
        .into_iter()
        .map(|row| {
            let is_reporting_currency = row.currency == desk.currency;
            let facts = InvoiceFacts { received_on: day, is_reporting_currency, accuracy: row.accuracy };
            // An invoice may be for shipments of several services and lanes.
            let line = made(day, row.partner_id, (row.id, None), String::new(), Beside::Invoice(facts));
            BesideLine { reference: row.number, ..line }
        })
        .collect())
}

fn answers(db: &mut Db, desk: &Desk, partners: &[i64], day: NaiveDate) -> Result<Vec<BesideLine>, DbError> {
    Ok(decided_of_day(db, partners, day)?
        .into_iter()
        .map(|row| {
            let facts = AnswerFacts { day: local_day(row.at, desk.zone), for_the_partner: row.granted };
            made(day, row.partner_id, (row.id, None), row.shipment, Beside::Answer(facts))
        })
        .collect())
}

fn made(
    day: NaiveDate,
    partner_id: i64,
    (id, lane_id): (i64, Option<i64>),
    shipment: String,
    facts: Beside,
) -> BesideLine {
    BesideLine {
        day,
        partner_id,
        id,
        lane_id,
        service: String::new(),
        mode: String::new(),
        reference: String::new(),
        shipment,
        source_id: None,
        facts,
        stored: None,
    }
}

/// Marks the weeks of some partners' tenders that somebody promised anything for; in the transaction that sums those tenders.
///
/// # Errors
/// The engine's reason.
pub fn weeks_mark(db: &mut Db, days: &[NaiveDate], partners: &BTreeSet<i64>) -> Result<(), DbError> {
    let weeks: BTreeSet<NaiveDate> = days.iter().copied().map(Period::monday).collect();
    let promised = promised_weeks(db, partners, &weeks)?;
    Ok(stale_mark(db, Source::Weeks, &promised)?)
}

/// Marks every fact that a setting decides: support hours, the safety policy, or the zone of the reports.
///
/// # Errors
/// The engine's reason.
pub fn judged_by_mark(db: &mut Db, key: &str) -> Result<(), DbError> {
    let sources: &[Source] = match key {
        SUPPORT_HOURS => &[Source::Cases],
        SAFETY_POLICY => &[Source::Safety],
        crate::db::setting::REPORTING_ZONE => &[Source::Cases, Source::Answers],
        _ => &[],
    };
    for source in sources {
        let cells: BTreeSet<StaleCell> = match source {
            Source::Answers => crate::db::beside::summed_cells(db, *source)?,
            _ => beside_cells(db, *source)?,
        };
        stale_mark(db, *source, &cells)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
