//! Stored facts as the rules read them: one place for sums, lists and checks.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::declared_event::Standing;
use crate::db::DbError;
use crate::db::fold::{FoldRow, TenderFoldRow};
use crate::db::quality::QualityRow;
use crate::domain::attribution::Given;
use crate::domain::money::Micros;
use crate::domain::outcome::OutcomePolicy;
use crate::domain::quality::{Condition, EmissionData, QualityFacts};
use crate::domain::shipment::{
    Amounts, DateOnly, Disposition, Diverter, FirstAttempt, Kept, Milestones, ShipmentFacts,
};
use crate::domain::status::StatusProfile;
use crate::domain::tender::{Response, TenderFacts};

/// A shipment as stored with its quality row and the declared events that cover it, and the tolerance it is judged by. The rated amount is the feed's own; an expected charge,
/// the benchmark, and what is kept beside shipments are added by whoever knows them.
///
/// # Errors
/// A tolerance that is missing.
pub fn shipment_facts<'a>(
    row: &FoldRow,
    quality: Option<&QualityRow>,
    (zones, policies): (&HashMap<i32, Tz>, &'a HashMap<i32, OutcomePolicy>),
    declared: &Standing,
) -> Result<(ShipmentFacts, &'a OutcomePolicy), DbError> {
    let policy = policies.get(&row.policy_id).ok_or_else(|| DbError::Stored {
        what: format!("shipment {} of partner {}", row.id, row.partner_id),
        reason: format!("its tolerance {} is missing", row.policy_id),
    })?;
    let mut milestones = milestones(row, zones);
    declared.mark(&mut milestones, row.partner_id, &row.mode, row.lane_id);
    let facts = ShipmentFacts {
        milestones,
        attempts: row.attempts,
        first_attempt: row.first_attempt.as_deref().and_then(FirstAttempt::from_code),
        disposition: row.disposition.as_deref().and_then(Disposition::from_code),
        diverted_by: row.diverted_by.as_deref().and_then(Diverter::from_code),
        amounts: Amounts {
            pieces: row.pieces,
            weight_g: row.weight_g,
            distance_m: row.distance_m,
            linehaul: row.linehaul_micros.map(Micros),
            fuel: row.fuel_micros.map(Micros),
            accessorial: row.accessorial_micros.map(Micros),
            freight: row.freight_micros.map(Micros),
            rated: row.rated_micros.map(Micros),
            market: None,
        },
        statuses: StatusProfile::of_mode(&row.mode),
        quality: quality.map(quality_facts),
        pickup_given: Given::of(row.pickup_reason.as_deref()),
        delivery_given: Given::of(row.delivery_reason.as_deref()),
        kept: Kept::default(),
    };
    Ok((facts, policy))
}

fn milestones(row: &FoldRow, zones: &HashMap<i32, Tz>) -> Milestones {
    let zone = |id: Option<i32>| id.and_then(|id| zones.get(&id)).copied();
    Milestones {
        pickup_zone: zone(row.pickup_zone_id),
        delivery_zone: zone(row.delivery_zone_id),
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
        pickup_declared: false,
        delivery_declared: false,
    }
}

/// A tender as stored.
#[must_use]
pub fn tender_facts(row: &TenderFoldRow) -> TenderFacts {
    TenderFacts {
        sequence: row.sequence,
        sent_at: Some(row.sent_at.0),
        response: row.response.as_deref().and_then(Response::from_code),
        responded_at: row.responded_at.map(|at| at.0),
        respond_by: row.respond_by.map(|at| at.0),
        bounced_at: row.bounced_at.map(|at| at.0),
        beyond_commitment: row.beyond_commitment,
        short_notice: row.short_notice,
        excused: row.exclusion.is_some(),
        pickup_at: row.pickup_at.map(|at| at.0),
    }
}

/// What the feed said of the delivery, as stored.
fn quality_facts(row: &QualityRow) -> QualityFacts {
    QualityFacts {
        pieces_delivered: row.pieces_delivered,
        condition: row.condition.as_deref().and_then(Condition::from_code),
        receipt_expected: row.receipt_expected,
        pod_received_at: row.pod_received_at.map(|at| at.0),
        pod_clean: row.pod_clean,
        invoice_right: row.invoice_right,
        notice_expected: row.notice_expected,
        delay_noticed_at: row.delay_noticed_at.map(|at| at.0),
        transit_standard_days: row.transit_standard_days,
        co2e_g: row.co2e_g,
        emission_distance_m: row.emission_distance_m,
        emission_data: row.emission_data.as_deref().and_then(EmissionData::from_code),
        statuses: row.statuses,
        statuses_refused: row.statuses_refused,
        statuses_corrected: row.statuses_corrected,
        invoiced_on: row.invoiced_day.map(|day| day.0),
        paid_on: row.paid_day.map(|day| day.0),
    }
}
