//! Deliveries the carrier missed, read month by month for the clauses that price them, and shipments one by one for those that
//! judge them anew.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::DbError;
use super::conn::Db;
use super::dimension::{policies_by_id, zones_by_id};
use super::fact::rows_of_shipments;
use super::fold::ShipmentKey;
use super::schema::shipments;
use super::types::{Day, Instant};
use crate::domain::money::Micros;
use crate::domain::outcome::{Outcome, OutcomePolicy, end_of_local_day, local_day};
use crate::domain::shipment::{Amounts, Milestones};
use crate::domain::viewer::Viewer;

/// A delivery that was missed by the carrier's fault, by the one evaluator's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedDelivery {
    /// The shipment.
    pub shipment_id: i64,
    /// The feed's own number for it.
    pub reference: String,
    /// Local day it was due; decides the period.
    pub due_day: NaiveDate,
    /// Instant it was due.
    pub due_at: DateTime<Utc>,
    /// Local day it was done; none while no delivery is reported.
    pub done_day: Option<NaiveDate>,
    /// Day and instant the pickup was due, where there was one.
    pub pickup_due: Option<(NaiveDate, DateTime<Utc>)>,
    /// Linehaul charge, once known.
    pub linehaul: Option<Micros>,
    /// All charges without tax, once one is known.
    pub freight: Option<Micros>,
    /// Currency of the charge, where the feed gave one.
    pub currency: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = shipments)]
struct MissedRow {
    id: i64,
    reference: String,
    obligation_day: Day,
    policy_id: i32,
    pickup_zone_id: Option<i32>,
    delivery_zone_id: Option<i32>,
    pickup_window_end: Option<Instant>,
    pickup_due_day: Option<Day>,
    delivery_window_end: Option<Instant>,
    arrived_at: Option<Instant>,
    delivered_at: Option<Instant>,
    linehaul_micros: Option<i64>,
    fuel_micros: Option<i64>,
    accessorial_micros: Option<i64>,
    freight_micros: Option<i64>,
    currency: Option<String>,
}

/// Hands over the deliveries of one partner due in `[from, until)` that count against it, by day. The
/// window decides; where none was agreed, the day does. Excused misses are not among them.
///
/// One month is in memory at a time, and only its misses. Nothing when the viewer may not see the
/// partner.
///
/// # Errors
/// The engine's reason, a tolerance that is missing, or what `each` returns.
pub fn missed_deliveries<E: From<DbError>>(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    from: NaiveDate,
    until: NaiveDate,
    mut each: impl FnMut(MissedDelivery) -> Result<(), E>,
) -> Result<(), E> {
    if !viewer.sees(partner_id) {
        return Ok(());
    }
    let zones = zones_by_id(db)?;
    let policies = policies_by_id(db)?;
    let mut days = from.iter_days().take_while(|day| *day < until).peekable();
    while let Some(first) = days.peek().copied() {
        let mut month = Vec::new();
        while let Some(day) = days.next_if(|day| (day.year(), day.month()) == (first.year(), first.month())) {
            month.push(Day(day));
        }
        for row in missed_rows(db, partner_id, &month).map_err(DbError::Query)? {
            each(row.read(partner_id, &zones, &policies)?)?;
        }
    }
    Ok(())
}

/// Some deliveries of a partner, whatever became of them, by day; those that are not there are left out. Nothing when the
/// viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a tolerance that is missing.
pub fn deliveries(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<Vec<MissedDelivery>, DbError> {
    if !viewer.sees(partner_id) || keys.is_empty() {
        return Ok(Vec::new());
    }
    let zones = zones_by_id(db)?;
    let policies = policies_by_id(db)?;
    let asked: HashSet<ShipmentKey> = keys.iter().copied().collect();
    let mut found = Vec::new();
    let rows = rows_of_shipments!(db, partner_id, keys, shipments.id => MissedRow::as_select() => MissedRow);
    for row in rows {
        if asked.contains(&(row.obligation_day, partner_id, row.id)) {
            found.push(row.read(partner_id, &zones, &policies)?);
        }
    }
    found.sort_by_key(|one: &MissedDelivery| (one.due_day, one.shipment_id));
    Ok(found)
}

/// What counts against the carrier, word for word as in the index `shipments_missed`: an engine reads an index of some rows only
/// where the statement itself has its condition, and not in binds.
const MISSED: &str = "(shipments.delivery_window_outcome = 'L' OR shipments.delivery_window_outcome = 'E' OR \
    (shipments.delivery_window_outcome = '-' AND (shipments.delivery_day_outcome = 'L' OR shipments.delivery_day_outcome = 'E')))";

/// What reads the misses of a partner on some days.
macro_rules! misses {
    ($partner_id:expr, $days:expr) => {
        shipments::table
            .filter(shipments::obligation_day.eq_any($days))
            .filter(shipments::partner_id.eq($partner_id))
            .filter(sql::<Bool>(MISSED))
            .order((shipments::obligation_day, shipments::id))
            .select(MissedRow::as_select())
    };
}

/// The misses alone are read, by their own index. Each day is named, so that an engine that takes the key instead, which starts
/// with the day, seeks in it too; for a range of days it would read all partners' shipments.
fn missed_rows(db: &mut Db, partner_id: i64, days: &[Day]) -> QueryResult<Vec<MissedRow>> {
    misses!(partner_id, days).load(db)
}

impl MissedRow {
    fn read(
        self,
        partner_id: i64,
        zones: &HashMap<i32, Tz>,
        policies: &HashMap<i32, OutcomePolicy>,
    ) -> Result<MissedDelivery, DbError> {
        let policy = policies.get(&self.policy_id).ok_or_else(|| DbError::Stored {
            what: format!("shipment {} of partner {partner_id}", self.reference),
            reason: format!("its tolerance {} is missing", self.policy_id),
        })?;
        let zone_of = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
        let zone = zone_of(self.delivery_zone_id).unwrap_or(Tz::UTC);
        let milestones = Milestones {
            pickup_zone: zone_of(self.pickup_zone_id),
            delivery_zone: Some(zone),
            pickup_window_end: self.pickup_window_end.map(|at| at.0),
            pickup_due_day: self.pickup_due_day.map(|day| day.0),
            arrived_at: self.arrived_at.map(|at| at.0),
            delivered_at: self.delivered_at.map(|at| at.0),
            ..Milestones::default()
        };
        let micros = |amount: Option<i64>| amount.map(Micros);
        let amounts = Amounts {
            linehaul: micros(self.linehaul_micros),
            fuel: micros(self.fuel_micros),
            accessorial: micros(self.accessorial_micros),
            freight: micros(self.freight_micros),
            ..Amounts::default()
        };
        let due_day = self.obligation_day.0;
        let due_at = self.delivery_window_end.map_or_else(|| end_of_local_day(due_day, zone), |at| at.0);
        Ok(MissedDelivery {
            shipment_id: self.id,
            reference: self.reference,
            due_day,
            due_at,
            done_day: milestones.delivery_done_at(policy).map(|at| local_day(at, zone)),
            pickup_due: milestones.pickup_obligation_day().zip(milestones.pickup_due_by()),
            linehaul: amounts.linehaul,
            freight: amounts.freight_total(),
            currency: self.currency,
        })
    }
}

/// What a shipment says about its delivery now: why an obligation went away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStanding {
    /// The feed's own number for it.
    pub reference: String,
    /// The verdict: by the window, or by the day where no window was agreed.
    pub outcome: Outcome,
    /// Who or what an approved exclusion names.
    pub exclusion: Option<String>,
    /// The same of its pickup.
    pub pickup_exclusion: Option<String>,
}

/// How the delivery of one shipment stands; none when there is no such shipment on that day, or the
/// viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or an outcome nobody knows.
pub fn delivery_standing(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    due_day: NaiveDate,
    shipment_id: i64,
) -> Result<Option<DeliveryStanding>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    type Row = (String, String, String, Option<String>, Option<String>);
    let row: Option<Row> = shipments::table
        .find((Day(due_day), partner_id, shipment_id))
        .select((
            shipments::reference,
            shipments::delivery_window_outcome,
            shipments::delivery_day_outcome,
            shipments::delivery_exclusion,
            shipments::pickup_exclusion,
        ))
        .first(db)
        .optional()?;
    row.map(|(reference, window, day, exclusion, pickup_exclusion)| {
        let code = if window == Outcome::NotApplicable.code() { day } else { window };
        let outcome = Outcome::from_code(&code).ok_or_else(|| DbError::Stored {
            what: format!("the delivery outcome of shipment {reference}"),
            reason: format!("`{code}` is no outcome"),
        })?;
        Ok(DeliveryStanding { reference, outcome, exclusion, pickup_exclusion })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Text;
    use diesel::sqlite::Sqlite;

    use super::*;
    use crate::db::DbUrl;

    #[derive(QueryableByName)]
    struct PlanLine {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    #[test]
    fn misses_are_read_by_their_own_index() {
        let [late, no_evidence, no_window] =
            [Outcome::Late, Outcome::NoEvidence, Outcome::NotApplicable].map(Outcome::code);
        let missed =
            |column: &str| format!("shipments.{column} = '{late}' OR shipments.{column} = '{no_evidence}'");
        let (window, day) = (missed("delivery_window_outcome"), missed("delivery_day_outcome"));
        let condition =
            format!("({window} OR (shipments.delivery_window_outcome = '{no_window}' AND ({day})))");
        assert_eq!(MISSED, condition);
        let folder = tempfile::tempdir().unwrap();
        let pool = DbUrl::Sqlite(folder.path().join("misses.db")).open(1).unwrap();
        let db = &mut *pool.get().unwrap();
        let days = [Day("2025-07-01".parse().unwrap()), Day("2025-07-02".parse().unwrap())];
        assert_eq!(missed_rows(db, 7, &days).unwrap().len(), 0);
        let asked = diesel::debug_query::<Sqlite, _>(&misses!(7_i64, &days)).to_string();
        let asked = asked.split(" -- binds").next().unwrap_or_default();
        let plan: Vec<PlanLine> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {asked}")).load(db).unwrap();
        let plan: Vec<String> = plan.into_iter().map(|line| line.detail).collect();
        assert!(plan.iter().any(|line| line.contains("INDEX shipments_missed ")), "{plan:?}");
    }
}
