//! Additive measures: the sums that every KPI is a ratio of (DESIGN, "A KPI is a ratio of two
//! additive measures"). Cells add up, so any period is a sum of days.

mod rare;

use std::ops::AddAssign;

use chrono::NaiveDate;
use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use rare::{Nothing, Rare};

use super::attribution::Given;
use super::causes::{Causes, MissedBy};
use super::outcome::Outcome;

/// How many obligations had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Done within tolerance.
    pub success: i64,
    /// Missed with evidence, by the carrier's fault.
    pub late: i64,
    /// Missed for want of evidence.
    pub no_evidence: i64,
    /// Missed and excused.
    pub excused: i64,
    /// Not judged: the shipper's commitment is missing.
    pub no_baseline: i64,
    /// Not decided yet.
    pub pending: i64,
}

impl Tally {
    /// Counts one outcome.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::NotApplicable => {}
            Outcome::Pending => self.pending += 1,
            Outcome::Success => self.success += 1,
            Outcome::Late => self.late += 1,
            Outcome::NoEvidence => self.no_evidence += 1,
            Outcome::Excused => self.excused += 1,
            Outcome::NoBaseline => self.no_baseline += 1,
        }
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Nothing for Tally {
    const NOTHING: &'static Self =
        &Self { success: 0, late: 0, no_evidence: 0, excused: 0, no_baseline: 0, pending: 0 };
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        *self += *other;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.success += other.success;
        self.late += other.late;
        self.no_evidence += other.no_evidence;
        self.excused += other.excused;
        self.no_baseline += other.no_baseline;
        self.pending += other.pending;
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.success, self.late, self.no_evidence, self.excused, self.no_baseline, self.pending]
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [success, late, no_evidence, excused, no_baseline, pending] =
            <[i64; 6]>::deserialize(deserializer)?;
        Ok(Self { success, late, no_evidence, excused, no_baseline, pending })
    }
}

/// A sum over a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// What is counted.
    pub numerator: i64,
    /// Out of what.
    pub denominator: i64,
}

impl Ratio {
    /// Adds both sides.
    pub fn add(&mut self, numerator: i64, denominator: i64) {
        self.numerator = self.numerator.saturating_add(numerator);
        self.denominator = self.denominator.saturating_add(denominator);
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Nothing for Ratio {
    const NOTHING: &'static Self = &Self { numerator: 0, denominator: 0 };
}

impl AddAssign<&Ratio> for Ratio {
    fn add_assign(&mut self, other: &Ratio) {
        *self += *other;
    }
}

impl AddAssign for Ratio {
    fn add_assign(&mut self, other: Self) {
        self.add(other.numerator, other.denominator);
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.numerator, self.denominator].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [numerator, denominator] = <[i64; 2]>::deserialize(deserializer)?;
        Ok(Self { numerator, denominator })
    }
}

/// Width of the buckets of dwell, stated beside every percentile read from them.
pub const DWELL_BUCKET_MINUTES: i64 = 30;
/// Width of the buckets of answers to tenders and cases.
pub const RESPONSE_BUCKET_MINUTES: i64 = 5;
/// Width of the buckets of stays at our own docks.
pub const DOCK_BUCKET_MINUTES: i64 = 15;
/// Width of the buckets of notice given with a tender.
pub const LEAD_BUCKET_MINUTES: i64 = 60;
/// Width of the buckets of what takes days: claims and payments.
pub const DAY_BUCKET_MINUTES: i64 = 24 * 60;
/// Durations beyond this share the last bucket.
const LONGEST_MINUTES: i64 = 60 * 24 * 60;
/// The same where they are counted in days.
const LONGEST_IN_DAYS_MINUTES: i64 = 730 * DAY_BUCKET_MINUTES;

/// Durations counted in buckets of `BUCKET` minutes: additive, so a percentile of any period comes
/// from the sum of its days, exact to the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram<const BUCKET: i64> {
    /// Bucket number and count, by bucket, without zeros.
    buckets: Vec<(i64, i64)>,
}

impl<const BUCKET: i64> Histogram<BUCKET> {
    const LAST: i64 =
        if BUCKET < DAY_BUCKET_MINUTES { LONGEST_MINUTES } else { LONGEST_IN_DAYS_MINUTES } / BUCKET;

    /// Counts one duration. Negative ones count as zero: a scan order error is no early departure.
    pub fn count(&mut self, minutes: i64) {
        self.add((minutes.max(0) / BUCKET).min(Self::LAST), 1);
    }

    fn add(&mut self, bucket: i64, count: i64) {
        match self.buckets.binary_search_by_key(&bucket, |&(b, _)| b) {
            Ok(place) => {
                if let Some(entry) = self.buckets.get_mut(place) {
                    entry.1 += count;
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    /// How many durations were counted.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.buckets.iter().map(|&(_, count)| count).sum()
    }

    /// The nearest-rank percentile in minutes: the upper edge of the bucket that holds the
    /// `ceil(p·n)`-th smallest (DOMAIN §1.4). None without data.
    #[must_use]
    pub fn percentile_minutes(&self, percent: i64) -> Option<i64> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        // ceil(total * percent / 100) in integers.
        let rank = (total * percent + 99) / 100;
        let mut seen = 0;
        self.buckets.iter().find_map(|&(bucket, count)| {
            seen += count;
            (seen >= rank).then_some((bucket + 1) * BUCKET)
        })
    }

    fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

impl<const BUCKET: i64> Nothing for Histogram<BUCKET> {
    const NOTHING: &'static Self = &Self { buckets: Vec::new() };
}

impl<const BUCKET: i64> AddAssign<&Histogram<BUCKET>> for Histogram<BUCKET> {
    fn add_assign(&mut self, other: &Histogram<BUCKET>) {
        for &(bucket, count) in &other.buckets {
            self.add(bucket, count);
        }
    }
}

impl<const BUCKET: i64> Serialize for Histogram<BUCKET> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.buckets.len() * 2))?;
        for &(bucket, count) in &self.buckets {
            seq.serialize_element(&bucket)?;
            seq.serialize_element(&count)?;
        }
        seq.end()
    }
}

impl<'de, const BUCKET: i64> Deserialize<'de> for Histogram<BUCKET> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<const BUCKET: i64>;
        impl<'de, const BUCKET: i64> Visitor<'de> for Pairs<BUCKET> {
            type Value = Histogram<BUCKET>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bucket numbers and counts in turn")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Histogram<BUCKET>, A::Error> {
                let mut histogram = Histogram::default();
                while let Some(bucket) = seq.next_element()? {
                    let count = seq
                        .next_element()?
                        .ok_or_else(|| serde::de::Error::custom("a bucket without a count"))?;
                    histogram.add(bucket, count);
                }
                Ok(histogram)
            }
        }
        deserializer.deserialize_seq(Pairs::<BUCKET>)
    }
}

/// Whether a partner passed a gate when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whose.
    pub partner_id: i64,
    /// The day of the look.
    pub day: NaiveDate,
    /// The day of what was known then; of two looks on one day, the one that knows newer things counts.
    pub known: NaiveDate,
    /// Whether it passed.
    pub passes: bool,
}

/// The newest state of each partner: adds up like a sum, whatever the order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States(Vec<State>);

impl States {
    /// Notes a look at a partner; of two equally new ones the failure counts.
    pub fn note(&mut self, state: State) {
        match self.0.binary_search_by_key(&state.partner_id, |known| known.partner_id) {
            Ok(place) => {
                if let Some(known) = self.0.get_mut(place) {
                    let age = |state: &State| (state.day, state.known, !state.passes);
                    if age(&state) > age(known) {
                        *known = state;
                    }
                }
            }
            Err(place) => self.0.insert(place, state),
        }
    }

    /// Partners that passed when they were last looked at.
    #[must_use]
    pub fn passed(&self) -> i64 {
        i64::try_from(self.0.iter().filter(|state| state.passes).count()).unwrap_or(i64::MAX)
    }

    /// Partners that were looked at.
    #[must_use]
    pub fn looked(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }
}

impl Nothing for States {
    const NOTHING: &'static Self = &Self(Vec::new());
}

impl AddAssign<&States> for States {
    fn add_assign(&mut self, other: &States) {
        other.0.iter().for_each(|state| self.note(*state));
    }
}

impl Serialize for States {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|s| (s.partner_id, s.day, s.known, s.passes)))
    }
}

impl<'de> Deserialize<'de> for States {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<(i64, NaiveDate, NaiveDate, bool)>::deserialize(deserializer)?;
        let mut states = Self::default();
        for (partner_id, day, known, passes) in rows {
            states.note(State { partner_id, day, known, passes });
        }
        Ok(states)
    }
}

/// All measures of one cell. Stored as sparse JSON: what is zero is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Measures {
    /// Shipments whose obligation falls in the cell.
    #[serde(skip_serializing_if = "is_zero")]
    pub shipments: i64,
    /// Pickups against their window.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub pickup_window: Tally,
    /// Pickups against their committed day.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub pickup_day: Tally,
    /// Deliveries against their due day.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub delivery_day: Tally,
    /// Deliveries against their window.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub delivery_window: Tally,
    /// Deliveries on time and in full.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub in_full: Tally,
    /// Deliveries on time, in full, undamaged and with right documents.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub perfect: Tally,
    /// Proofs of delivery.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub proof: Tally,
    /// Late deliveries announced in time over late deliveries.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub late_notice: Ratio,
    /// Deliveries within the transit standard over those that have one.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub transit: Ratio,
    /// Business days beyond the standard, summed; negative where faster.
    #[serde(skip_serializing_if = "is_zero")]
    pub transit_days_over: i64,
    /// The same, squared one by one and summed: for the standard deviation.
    #[serde(skip_serializing_if = "is_zero")]
    pub transit_days_over_squared: i64,
    /// First delivery attempts.
    #[serde(skip_serializing_if = "Tally::is_zero")]
    pub first_attempt: Tally,
    /// Attempts over consignments with a final disposition.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub attempts: Ratio,
    /// Shipments returned over shipments with a final disposition.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub returned: Ratio,
    /// Shipments diverted by the carrier over shipments with a final disposition.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub diverted: Ratio,
    /// Shipments diverted for other reasons: information, never scored.
    #[serde(skip_serializing_if = "is_zero")]
    pub diverted_by_others: i64,
    /// Minutes from arrival at the final station to out for delivery.
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub dwell: Histogram<DWELL_BUCKET_MINUTES>,
    /// Milestones reported over milestones owed.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub status_complete: Ratio,
    /// Status messages received in time over received.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub status_timely: Ratio,
    /// Milestones reported in time over milestones owed, of those whose receipt a feed can state.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub status_visible: Ratio,
    /// Minutes beyond free time over stops with arrival and departure.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub detention: Rare<Ratio>,
    /// Tenders.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub tender: Rare<Tally>,
    /// Tenders outside the commitment, short of notice or withdrawn: reported apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub tender_out_of_scope: i64,
    /// Accepted tenders given back: counted among the rejections too.
    #[serde(skip_serializing_if = "is_zero")]
    pub tender_bounced: i64,
    /// Tenders at place 1 of the route guide.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub first_tender: Rare<Tally>,
    /// Tenders above the commitment, offered in time.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub surge: Rare<Tally>,
    /// Accepted tenders given back over accepted ones.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub bounced: Rare<Ratio>,
    /// Tenders with a place in the route guide over those that covered a load.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub route_guide: Rare<Ratio>,
    /// Minutes from tender to answer.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub response: Rare<Histogram<RESPONSE_BUCKET_MINUTES>>,
    /// Answers before the offer lapsed over answers to offers that lapse.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub response_in_time: Rare<Ratio>,
    /// Freight micros over shipments that carry a cost.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub freight: Ratio,
    /// Freight micros over handling units, of shipments with both.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub freight_by_piece: Ratio,
    /// Shipments in [`Measures::freight_by_piece`].
    #[serde(skip_serializing_if = "is_zero")]
    pub with_pieces: i64,
    /// Freight micros over grams, of shipments with both.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub freight_by_weight: Ratio,
    /// Shipments in [`Measures::freight_by_weight`].
    #[serde(skip_serializing_if = "is_zero")]
    pub weighed: i64,
    /// Freight micros over billed metres, of shipments with both.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub freight_by_distance: Ratio,
    /// Shipments in [`Measures::freight_by_distance`].
    #[serde(skip_serializing_if = "is_zero")]
    pub with_distance: i64,
    /// Freight micros over kilograms times billed metres, of shipments with all three.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub freight_by_work: Ratio,
    /// Shipments in [`Measures::freight_by_work`].
    #[serde(skip_serializing_if = "is_zero")]
    pub with_work: i64,
    /// Billed micros over contract-rated micros, of shipments with both.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub billed_to_rated: Ratio,
    /// Shipments in [`Measures::billed_to_rated`].
    #[serde(skip_serializing_if = "is_zero")]
    pub rated: i64,
    /// Accessorial micros over linehaul micros, of shipments with a linehaul.
    #[serde(skip_serializing_if = "Ratio::is_zero")]
    pub accessorial: Ratio,
    /// Shipments in [`Measures::accessorial`].
    #[serde(skip_serializing_if = "is_zero")]
    pub with_linehaul: i64,
    /// Grams of CO2e over kilograms times metres.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub emission: Rare<Ratio>,
    /// Shipments in [`Measures::emission`] whose figure is no default.
    #[serde(skip_serializing_if = "is_zero")]
    pub emission_own: i64,
    /// Kilograms times metres with primary data.
    #[serde(skip_serializing_if = "is_zero")]
    pub emission_primary_work: i64,
    /// Shipments in [`Measures::emission`].
    #[serde(skip_serializing_if = "is_zero")]
    pub emission_count: i64,
    /// Misses by the reason given for them.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub causes: Rare<Causes>,
    /// Invoices that passed the audit over those audited.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub invoices_right: Rare<Ratio>,
    /// Micros between what was billed and what was right, above and below, over what was right.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub invoice_error: Rare<Ratio>,
    /// Invoices in [`Measures::invoice_error`].
    #[serde(skip_serializing_if = "is_zero")]
    pub invoices_valued: i64,
    /// Invoices received in time over those whose delivery is known.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub invoices_timely: Rare<Ratio>,
    /// Claims for loss and damage received over deliveries, where claims are kept.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub claims: Rare<Ratio>,
    /// What those claims come to in micros: accepted, else claimed.
    #[serde(skip_serializing_if = "is_zero")]
    pub claimed: i64,
    /// Time from filing a claim to its acknowledgement.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub claim_acknowledged: Rare<Histogram<DAY_BUCKET_MINUTES>>,
    /// Time from filing a claim to its payment or refusal.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub claim_settled: Rare<Histogram<DAY_BUCKET_MINUTES>>,
    /// Cases that the partner had to answer.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub case_answers: Rare<Tally>,
    /// Time of the clock that runs for them, from opening a case to its first answer.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub case_response: Rare<Histogram<RESPONSE_BUCKET_MINUTES>>,
    /// Times a customer had to ask over deliveries, where cases are kept.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub contacts: Rare<Ratio>,
    /// Linehaul micros over benchmark micros, of shipments with both.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub market: Rare<Ratio>,
    /// Shipments in [`Measures::market`].
    #[serde(skip_serializing_if = "is_zero")]
    pub with_market: i64,
    /// Whether the partner passed the safety gate.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub safety: Rare<States>,
    /// Loads kept of a weekly commitment over loads asked for within it.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub commitment: Rare<Ratio>,
    /// Status messages accepted and never corrected over received.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub status_accurate: Rare<Ratio>,
    /// Time from arrival to departure at our own docks, where freight is picked up.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub dock: Rare<Histogram<DOCK_BUCKET_MINUTES>>,
    /// Time from the tender to the pickup.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub lead: Rare<Histogram<LEAD_BUCKET_MINUTES>>,
    /// Loads by which the plan was off over loads tendered.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub forecast: Rare<Ratio>,
    /// Time from invoice to payment.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub paid: Rare<Histogram<DAY_BUCKET_MINUTES>>,
    /// What the partner asked for and was granted over what was decided.
    #[serde(skip_serializing_if = "Rare::is_nothing")]
    pub overturned: Rare<Ratio>,
}

impl Measures {
    /// Counts the reason given for a miss; what is no miss takes no room.
    pub fn count_cause(&mut self, by: MissedBy, outcome: Outcome, given: Given) {
        if matches!(outcome, Outcome::Late | Outcome::NoEvidence | Outcome::Excused) {
            self.causes.count(by, outcome, given);
        }
    }
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl AddAssign<&Measures> for Measures {
    fn add_assign(&mut self, other: &Measures) {
        self.shipments += other.shipments;
        self.pickup_window += other.pickup_window;
        self.pickup_day += other.pickup_day;
        self.delivery_day += other.delivery_day;
        self.delivery_window += other.delivery_window;
        self.in_full += other.in_full;
        self.perfect += other.perfect;
        self.proof += other.proof;
        self.late_notice += other.late_notice;
        self.transit += other.transit;
        self.transit_days_over += other.transit_days_over;
        self.transit_days_over_squared += other.transit_days_over_squared;
        self.first_attempt += other.first_attempt;
        self.attempts += other.attempts;
        self.returned += other.returned;
        self.diverted += other.diverted;
        self.diverted_by_others += other.diverted_by_others;
        self.dwell += &other.dwell;
        self.status_complete += other.status_complete;
        self.status_timely += other.status_timely;
        self.status_visible += other.status_visible;
        self.detention += &other.detention;
        self.tender += &other.tender;
        self.tender_out_of_scope += other.tender_out_of_scope;
        self.tender_bounced += other.tender_bounced;
        self.first_tender += &other.first_tender;
        self.surge += &other.surge;
        self.bounced += &other.bounced;
        self.route_guide += &other.route_guide;
        self.response += &other.response;
        self.response_in_time += &other.response_in_time;
        self.freight += other.freight;
        self.freight_by_piece += other.freight_by_piece;
        self.with_pieces += other.with_pieces;
        self.freight_by_weight += other.freight_by_weight;
        self.weighed += other.weighed;
        self.freight_by_distance += other.freight_by_distance;
        self.with_distance += other.with_distance;
        self.freight_by_work += other.freight_by_work;
        self.with_work += other.with_work;
        self.billed_to_rated += other.billed_to_rated;
        self.rated += other.rated;
        self.accessorial += other.accessorial;
        self.with_linehaul += other.with_linehaul;
        self.emission += &other.emission;
        self.emission_own += other.emission_own;
        self.emission_primary_work += other.emission_primary_work;
        self.emission_count += other.emission_count;
        self.causes += &other.causes;
        self.invoices_right += &other.invoices_right;
        self.invoice_error += &other.invoice_error;
        self.invoices_valued += other.invoices_valued;
        self.invoices_timely += &other.invoices_timely;
        self.claims += &other.claims;
        self.claimed += other.claimed;
        self.claim_acknowledged += &other.claim_acknowledged;
        self.claim_settled += &other.claim_settled;
        self.case_answers += &other.case_answers;
        self.case_response += &other.case_response;
        self.contacts += &other.contacts;
        self.market += &other.market;
        self.with_market += other.with_market;
        self.safety += &other.safety;
        self.commitment += &other.commitment;
        self.status_accurate += &other.status_accurate;
        self.dock += &other.dock;
        self.lead += &other.lead;
        self.forecast += &other.forecast;
        self.paid += &other.paid;
        self.overturned += &other.overturned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A load holds fifty thousand cells at once, and an allocator gives the next room above this a quarter more.
    #[test]
    fn a_cell_is_a_kilobyte() {
        assert!(
            size_of::<Measures>() <= 1_024,
            "{} bytes; make a part that few cells have `Rare`",
            size_of::<Measures>()
        );
    }

    #[test]
    fn an_empty_cell_is_written_as_nothing() {
        assert_eq!(serde_json::to_string(&Measures::default()).unwrap(), "{}");
    }

    #[test]
    fn a_percentile_is_the_upper_edge_of_its_bucket() {
        let mut dwell = Histogram::<DWELL_BUCKET_MINUTES>::default();
        (1..=10).for_each(|hour| dwell.count(hour * 60));
        // The 9th smallest of ten is 540 minutes, in the bucket [540, 570).
        assert_eq!(dwell.percentile_minutes(90), Some(570));
        assert_eq!(Histogram::<5>::default().percentile_minutes(90), None);
    }

    fn measures() -> impl Strategy<Value = Measures> {
        (0..5_i64, prop::collection::vec((0..7_usize, 0..4000_i64), 0..30)).prop_map(|(shipments, units)| {
            let mut measures = Measures { shipments, ..Measures::default() };
            for (outcome, minutes) in units {
                measures.delivery_window.count(Outcome::ALL[outcome]);
                measures.dwell.count(minutes);
                measures.freight.add(minutes, 1);
            }
            measures
        })
    }

    proptest! {
        #[test]
        fn cells_add_up_in_any_order_and_read_back(a in measures(), b in measures(), c in measures()) {
            let sum = |parts: [&Measures; 3]| {
                let mut total = Measures::default();
                parts.into_iter().for_each(|part| total += part);
                total
            };
            prop_assert_eq!(sum([&a, &b, &c]), sum([&c, &a, &b]));
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<Measures>(&text).unwrap(), a);
        }
    }
}
