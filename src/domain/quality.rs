//! What a delivery was like beyond being on time: in full, undamaged, proved, announced when late, as fast as the
//! standard, and with which emissions (DOMAIN §1.5 A, C, E).

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::BusinessCalendar;
use super::measure::Measures;
use super::outcome::{Cure, Outcome, OutcomePolicy, Unit, Verdict, evaluate, local_day};
use super::shipment::{Amounts, Milestones, Verdicts};

/// A proof of delivery is due this long after the delivery.
const PROOF_HOURS: i64 = 24;
/// A late delivery must be announced this long before its window ends.
const NOTICE_MINUTES: i64 = 60;
/// A perfect delivery is judged when everything is known, at the latest this long after the delivery.
const PERFECT_DAYS: i64 = 45;

/// What arrived, as the receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Condition {
    /// As it was picked up.
    Clean,
    /// Fewer units.
    Short,
    /// More units.
    Over,
    /// Damaged.
    Damaged,
    /// Nothing.
    Lost,
}

impl Condition {
    /// Reads the word stored and imported.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "CLEAN" => Self::Clean,
            "SHORT" => Self::Short,
            "OVER" => Self::Over,
            "DAMAGED" => Self::Damaged,
            "LOST" => Self::Lost,
            _ => return None,
        })
    }
}

/// Where an emission figure comes from, best first (ISO 14083).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EmissionData {
    /// Measured by the carrier.
    Primary,
    /// Modelled of this transport.
    Modelled,
    /// A default factor: says nothing about this carrier.
    Default,
}

impl EmissionData {
    /// Reads the word stored and imported.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "PRIMARY" => Self::Primary,
            "MODELLED" => Self::Modelled,
            "DEFAULT" => Self::Default,
            _ => return None,
        })
    }
}

/// What a feed says of a delivery beyond its times and amounts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct QualityFacts {
    /// Handling units that arrived.
    pub pieces_delivered: Option<i64>,
    /// What arrived.
    pub condition: Option<Condition>,
    /// The carrier owes a receipt: proof of delivery with quantity and condition.
    pub receipt_expected: bool,
    /// When the proof of delivery came.
    pub pod_received_at: Option<DateTime<Utc>>,
    /// Whether the proof can be used.
    pub pod_clean: Option<bool>,
    /// Whether the invoice was right the first time.
    pub invoice_right: Option<bool>,
    /// The carrier owes a notice when it will be late.
    pub notice_expected: bool,
    /// When a delay was announced.
    pub delay_noticed_at: Option<DateTime<Utc>>,
    /// Transit standard in business days.
    pub transit_standard_days: Option<i32>,
    /// Well-to-wheel emissions in grams of CO2e.
    pub co2e_g: Option<i64>,
    /// Shortest feasible or great-circle distance in metres; never the distance driven.
    pub emission_distance_m: Option<i64>,
    /// Where the emissions come from.
    pub emission_data: Option<EmissionData>,
    /// Status messages received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses: Option<i64>,
    /// Those of them that were refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses_refused: Option<i64>,
    /// Those of them that were accepted and later corrected by more than half an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses_corrected: Option<i64>,
    /// Day of the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoiced_on: Option<NaiveDate>,
    /// Day on which it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_on: Option<NaiveDate>,
}

/// The verdicts on the quality of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityVerdict {
    /// On time and in full (`OTIF`).
    pub in_full: Outcome,
    /// On time, in full, undamaged, with right documents (`PERFECT`).
    pub perfect: Outcome,
    /// Proved in time (`POD_TIMELY`).
    pub proof: Outcome,
    /// When time alone may change one of them.
    pub settles_at: Option<DateTime<Utc>>,
}

const NOT_STATED: Verdict = Verdict { outcome: Outcome::NotApplicable, settles_at: None };

impl QualityFacts {
    /// Judges the delivery as known at `as_of`. `pieces` were receipted at the pickup.
    #[must_use]
    pub fn judge(
        &self,
        pieces: Option<i64>,
        facts: &Milestones,
        verdicts: &Verdicts,
        policy: &OutcomePolicy,
        as_of: DateTime<Utc>,
    ) -> QualityVerdict {
        let done_at = facts.delivered_at.or(facts.arrived_at);
        let in_full = self.judge_in_full(pieces, done_at, verdicts, (policy, facts), as_of);
        let perfect = self.judge_perfect(in_full, done_at, as_of);
        let proof = self.judge_proof(done_at, (policy, facts), as_of);
        let settles_at = [in_full, perfect, proof].into_iter().filter_map(|verdict| verdict.settles_at).min();
        QualityVerdict {
            in_full: in_full.outcome,
            perfect: perfect.outcome,
            proof: proof.outcome,
            settles_at,
        }
    }

    /// Whether everything picked up arrived unharmed; none where nobody says.
    fn arrived_whole(&self, pieces: Option<i64>) -> Option<bool> {
        let condition = self.condition.map(|condition| condition == Condition::Clean);
        let count = pieces.zip(self.pieces_delivered).map(|(sent, arrived)| sent == arrived);
        match (condition, count) {
            (None, None) => None,
            (condition, count) => Some(condition.unwrap_or(true) && count.unwrap_or(true)),
        }
    }

    fn judge_in_full(
        &self,
        pieces: Option<i64>,
        done_at: Option<DateTime<Utc>>,
        verdicts: &Verdicts,
        of: (&OutcomePolicy, &Milestones),
        as_of: DateTime<Utc>,
    ) -> Verdict {
        let whole = self.arrived_whole(pieces);
        if whole.is_none() && !self.receipt_expected {
            return NOT_STATED;
        }
        let on_time = verdicts.delivery();
        if on_time != Outcome::Success {
            return Verdict { outcome: on_time, settles_at: None };
        }
        match whole {
            Some(true) => Verdict { outcome: Outcome::Success, settles_at: None },
            Some(false) if of.1.delivery_excused => Verdict { outcome: Outcome::Excused, settles_at: None },
            Some(false) => Verdict { outcome: Outcome::Late, settles_at: None },
            // The receipt is owed and is not there: a failure once the evidence grace has passed.
            None => evaluate(&proof_unit(done_at, None, of), as_of),
        }
    }

    fn judge_perfect(
        &self,
        in_full: Verdict,
        done_at: Option<DateTime<Utc>>,
        as_of: DateTime<Utc>,
    ) -> Verdict {
        if in_full.outcome != Outcome::Success {
            return Verdict { settles_at: None, ..in_full };
        }
        let settled = |outcome| Verdict { outcome, settles_at: None };
        match (self.pod_clean, self.invoice_right) {
            (Some(false), _) | (_, Some(false)) => return settled(Outcome::Late),
            (Some(true), Some(true)) => return settled(Outcome::Success),
            _ => {}
        }
        let Some(until) = done_at.and_then(|at| at.checked_add_signed(TimeDelta::days(PERFECT_DAYS))) else {
            return NOT_STATED;
        };
        if as_of < until {
            return Verdict { outcome: Outcome::Pending, settles_at: Some(until) };
        }
        // An invoice nobody found fault with by then is right; a proof nobody has is none.
        settled(if self.pod_clean == Some(true) { Outcome::Success } else { Outcome::NoEvidence })
    }

    fn judge_proof(
        &self,
        done_at: Option<DateTime<Utc>>,
        of: (&OutcomePolicy, &Milestones),
        as_of: DateTime<Utc>,
    ) -> Verdict {
        if done_at.is_none() || !(self.receipt_expected || self.pod_received_at.is_some()) {
            return NOT_STATED;
        }
        let usable = self.pod_received_at.filter(|_| self.pod_clean != Some(false));
        evaluate(&proof_unit(done_at, usable, of), as_of)
    }

    /// The verdict on the proof where a late one can be put right. One that can never be used is none.
    #[must_use]
    pub fn proof_cured(&self, proof: Outcome, facts: &Milestones, cure: Cure) -> Outcome {
        let done_at = facts.delivered_at.or(facts.arrived_at);
        let due = done_at.and_then(|at| at.checked_add_signed(TimeDelta::hours(PROOF_HOURS)));
        let usable = self.pod_received_at.filter(|_| self.pod_clean != Some(false));
        let Some(due) = due else { return proof };
        cure.after(proof, (due, usable), facts.delivery_zone.or(facts.pickup_zone))
    }

    /// Adds the delivery to the sums of its day. A declared event takes out how it went; what it emitted stays.
    pub fn add_to(
        &self,
        verdict: &QualityVerdict,
        facts: &Milestones,
        verdicts: &Verdicts,
        (policy, amounts): (&OutcomePolicy, &Amounts),
        sums: &mut Measures,
    ) {
        self.add_emissions(amounts, sums);
        self.add_records(sums);
        if facts.delivery_declared {
            return;
        }
        sums.in_full.count(verdict.in_full);
        sums.perfect.count(verdict.perfect);
        sums.proof.count(verdict.proof);
        let late = matches!(verdicts.delivery(), Outcome::Late | Outcome::NoEvidence | Outcome::Excused);
        if late && (self.notice_expected || self.delay_noticed_at.is_some()) {
            sums.late_notice.add(i64::from(self.was_announced(facts)), 1);
        }
        self.add_transit(facts, policy, sums);
    }

    /// Messages and payments, which say nothing of the delivery.
    fn add_records(&self, sums: &mut Measures) {
        let wrong = self.statuses_refused.unwrap_or(0) + self.statuses_corrected.unwrap_or(0);
        if let (Some(received), true) =
            (self.statuses, self.statuses_refused.or(self.statuses_corrected).is_some())
        {
            sums.status_accurate.add((received - wrong).max(0), received);
        }
        if let (Some(invoiced), Some(paid)) = (self.invoiced_on, self.paid_on) {
            // A payment of the same day took none.
            sums.paid.count(paid.signed_duration_since(invoiced).num_minutes());
        }
    }

    fn was_announced(&self, facts: &Milestones) -> bool {
        let Some(due) = facts.delivery_due_by() else { return false };
        let latest = due.checked_sub_signed(TimeDelta::minutes(NOTICE_MINUTES));
        self.delay_noticed_at.zip(latest).is_some_and(|(at, latest)| at <= latest)
    }

    fn add_transit(&self, facts: &Milestones, policy: &OutcomePolicy, sums: &mut Measures) {
        let (Some(standard), Some(from), Some(to)) = (
            self.transit_standard_days,
            facts.picked_up_at.or(facts.pickup_arrived_at),
            facts.delivery_done_at(policy),
        ) else {
            return;
        };
        let origin = facts.pickup_zone.or(facts.delivery_zone).unwrap_or(Tz::UTC);
        let there = facts.delivery_zone.or(facts.pickup_zone).unwrap_or(Tz::UTC);
        let calendar = BusinessCalendar::weekdays([]);
        let (from, to) = (calendar.next_bd(local_day(from, origin)), local_day(to, there));
        let days = i64::from(calendar.business_days_late(from, to)) - i64::from(standard);
        sums.transit.add(i64::from(days <= 0), 1);
        sums.transit_days_over += days;
        sums.transit_days_over_squared += days * days;
    }

    fn add_emissions(&self, amounts: &Amounts, sums: &mut Measures) {
        let carried = Amounts { distance_m: self.emission_distance_m, ..*amounts };
        let (Some(grams), Some(work)) = (self.co2e_g, carried.work_kg_m()) else { return };
        sums.emission.add(grams, work);
        // What nobody states is a default.
        let data = self.emission_data.unwrap_or(EmissionData::Default);
        sums.emission_count += 1;
        sums.emission_own += i64::from(data != EmissionData::Default);
        if data == EmissionData::Primary {
            sums.emission_primary_work += work;
        }
    }
}

fn proof_unit(
    done_at: Option<DateTime<Utc>>,
    proved_at: Option<DateTime<Utc>>,
    (policy, facts): (&OutcomePolicy, &Milestones),
) -> Unit {
    Unit {
        due_by: done_at.and_then(|at| at.checked_add_signed(TimeDelta::hours(PROOF_HOURS))),
        done_at: proved_at,
        evidence_grace_days: policy.evidence_grace_days,
        zone: facts.delivery_zone.or(facts.pickup_zone),
        ..Unit::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    fn delivered() -> Milestones {
        Milestones {
            delivery_zone: Some(Tz::UTC),
            delivery_window_end: at("2025-06-03T12:00:00Z"),
            picked_up_at: at("2025-06-02T08:00:00Z"),
            arrived_at: at("2025-06-03T11:00:00Z"),
            delivered_at: at("2025-06-03T11:30:00Z"),
            ..Milestones::default()
        }
    }

    fn judged(facts: &QualityFacts, stops: &Milestones, as_of: &str) -> QualityVerdict {
        let (policy, as_of) = (OutcomePolicy::default(), at(as_of).unwrap());
        facts.judge(Some(10), stops, &stops.judge(&policy, as_of), &policy, as_of)
    }

    #[test]
    fn on_time_with_every_unit_is_in_full() {
        let facts = QualityFacts { pieces_delivered: Some(10), ..QualityFacts::default() };
        assert_eq!(judged(&facts, &delivered(), "2025-07-01T00:00:00Z").in_full, Outcome::Success);
        let short = QualityFacts { pieces_delivered: Some(9), ..facts };
        assert_eq!(judged(&short, &delivered(), "2025-07-01T00:00:00Z").in_full, Outcome::Late);
        let damaged = QualityFacts { condition: Some(Condition::Damaged), ..facts };
        assert_eq!(judged(&damaged, &delivered(), "2025-07-01T00:00:00Z").in_full, Outcome::Late);
        // Late is not in full however whole it arrived.
        let late = Milestones { arrived_at: at("2025-06-03T18:00:00Z"), ..delivered() };
        assert_eq!(judged(&facts, &late, "2025-07-01T00:00:00Z").in_full, Outcome::Late);
    }

    #[test]
    fn a_receipt_that_is_owed_and_missing_fails_after_the_grace() {
        let facts = QualityFacts { receipt_expected: true, ..QualityFacts::default() };
        let early = judged(&facts, &delivered(), "2025-06-04T08:00:00Z");
        assert_eq!((early.in_full, early.proof), (Outcome::Pending, Outcome::Pending));
        assert!(early.settles_at.is_some());
        let late = judged(&facts, &delivered(), "2025-07-01T00:00:00Z");
        assert_eq!((late.in_full, late.proof), (Outcome::NoEvidence, Outcome::NoEvidence));
        // A feed that says nothing of receipts owes none.
        let silent = judged(&QualityFacts::default(), &delivered(), "2025-07-01T00:00:00Z");
        assert_eq!((silent.in_full, silent.proof), (Outcome::NotApplicable, Outcome::NotApplicable));
    }

    #[test]
    fn a_proof_counts_within_a_day_and_when_it_can_be_used() {
        let facts = QualityFacts { pod_received_at: at("2025-06-04T11:00:00Z"), ..QualityFacts::default() };
        let proof = |facts: &QualityFacts| judged(facts, &delivered(), "2025-07-01T00:00:00Z").proof;
        assert_eq!(proof(&facts), Outcome::Success);
        assert_eq!(
            proof(&QualityFacts { pod_received_at: at("2025-06-04T12:00:00Z"), ..facts }),
            Outcome::Late
        );
        assert_eq!(proof(&QualityFacts { pod_clean: Some(false), ..facts }), Outcome::NoEvidence);
    }

    #[test]
    fn perfect_waits_for_the_documents() {
        let facts =
            QualityFacts { pieces_delivered: Some(10), pod_clean: Some(true), ..QualityFacts::default() };
        let perfect = |facts: &QualityFacts, as_of| judged(facts, &delivered(), as_of).perfect;
        assert_eq!(perfect(&facts, "2025-07-01T00:00:00Z"), Outcome::Pending);
        assert_eq!(perfect(&facts, "2025-08-01T00:00:00Z"), Outcome::Success);
        let wrong = QualityFacts { invoice_right: Some(false), ..facts };
        assert_eq!(perfect(&wrong, "2025-07-01T00:00:00Z"), Outcome::Late);
        let unproved = QualityFacts { pod_clean: None, ..facts };
        assert_eq!(perfect(&unproved, "2025-08-01T00:00:00Z"), Outcome::NoEvidence);
    }

    fn summed(facts: &QualityFacts, stops: &Milestones, amounts: &Amounts) -> Measures {
        let policy = OutcomePolicy::default();
        let as_of = at("2025-09-01T00:00:00Z").unwrap();
        let verdicts = stops.judge(&policy, as_of);
        let mut sums = Measures::default();
        let verdict = facts.judge(amounts.pieces, stops, &verdicts, &policy, as_of);
        facts.add_to(&verdict, stops, &verdicts, (&policy, amounts), &mut sums);
        sums
    }

    #[test]
    fn a_late_delivery_is_announced_an_hour_before_its_window_ends() {
        let late = Milestones { arrived_at: at("2025-06-03T18:00:00Z"), ..delivered() };
        let told = |text| {
            let facts = QualityFacts { delay_noticed_at: at(text), ..QualityFacts::default() };
            let sums = summed(&facts, &late, &Amounts::default());
            (sums.late_notice.numerator, sums.late_notice.denominator)
        };
        assert_eq!(told("2025-06-03T11:00:00Z"), (1, 1));
        assert_eq!(told("2025-06-03T11:01:00Z"), (0, 1));
        let owed = QualityFacts { notice_expected: true, ..QualityFacts::default() };
        assert_eq!(summed(&owed, &late, &Amounts::default()).late_notice.denominator, 1);
        assert_eq!(summed(&owed, &delivered(), &Amounts::default()).late_notice.denominator, 0);
    }

    #[test]
    fn transit_is_counted_in_business_days() {
        // Picked up on Friday, delivered on Tuesday: two business days.
        let stops = Milestones {
            picked_up_at: at("2025-06-06T08:00:00Z"),
            arrived_at: at("2025-06-10T08:00:00Z"),
            ..delivered()
        };
        let over = |standard| {
            let facts = QualityFacts { transit_standard_days: Some(standard), ..QualityFacts::default() };
            let sums = summed(&facts, &stops, &Amounts::default());
            (sums.transit.numerator, sums.transit_days_over, sums.transit_days_over_squared)
        };
        assert_eq!((over(2), over(1), over(4)), ((1, 0, 0), (0, 1, 1), (1, -2, 4)));
    }

    #[test]
    fn emissions_count_by_where_they_come_from() {
        let amounts = Amounts { weight_g: Some(10_000_000), ..Amounts::default() };
        let facts = QualityFacts {
            co2e_g: Some(92_000),
            emission_distance_m: Some(100_000),
            emission_data: Some(EmissionData::Primary),
            ..QualityFacts::default()
        };
        let sums = summed(&facts, &delivered(), &amounts);
        // 10 t over 100 km: 1,000 t·km, in kilograms times metres.
        assert_eq!((sums.emission.numerator, sums.emission.denominator), (92_000, 1_000_000_000));
        assert_eq!((sums.emission_own, sums.emission_primary_work), (1, 1_000_000_000));
        let default = QualityFacts { emission_data: None, ..facts };
        assert_eq!(summed(&default, &delivered(), &amounts).emission_own, 0);
    }
}
