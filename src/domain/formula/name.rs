//! The names a formula may use: one table of name, unit, meaning and how each is read from [`Measures`].
//!
//! A new measure gets its names here, beside each other and in the order of [`Measures`]; a test says which are missing.

use rust_decimal::Decimal;

use super::unit::Unit;
use crate::domain::measure::{Measures, Tally};
use crate::domain::money::MICROS_SCALE;

/// Grams are kilograms, and metres kilometres, at this many decimal places.
const THOUSANDTHS_SCALE: u32 = 3;

/// How a name is read.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// A whole number.
    Count(fn(&Measures) -> i64),
    /// Money as millionths.
    Micros(fn(&Measures) -> i64),
    /// Thousandths: grams read as kilograms, metres as kilometres.
    Thousandths(fn(&Measures) -> i64),
    /// Minutes in buckets, by the percent asked for; only `percentile` reads it.
    Histogram(fn(&Measures, i64) -> Option<i64>),
}

/// What a name is in a share of counted units. Success over success and every failure of one tally, or a part over its
/// whole, is a proportion and has an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Judged and fine.
    Success,
    /// Judged and missed, by the carrier's doing.
    Failure,
    /// Counted out of a whole.
    Part,
    /// What parts are counted out of.
    Whole,
    /// None of these.
    Other,
}

/// One name.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// As it is written.
    pub name: &'static str,
    /// The field of [`Measures`] it is read from.
    pub field: &'static str,
    /// Its unit; of a histogram, that of its percentiles.
    pub unit: Unit,
    /// In words.
    pub meaning: &'static str,
    /// How it is read.
    pub read: Read,
    /// How many units stand behind it, for the minimum volume.
    pub units_behind: fn(&Measures) -> i64,
    /// What it is in a share.
    pub role: Role,
    /// The tally it belongs to, whose missing baselines lower the coverage.
    pub tally: Option<fn(&Measures) -> &Tally>,
}

/// Judged units of a tally.
pub(super) fn judged(tally: &Tally) -> i64 {
    tally.success.saturating_add(tally.late).saturating_add(tally.no_evidence)
}

/// A name that is no part of a tally. What it counts is what stands behind it, unless that is said.
macro_rules! plain {
    ($name:literal, $field:ident, $unit:ident, $read:expr, $role:ident, $behind:expr, $meaning:literal) => {
        Name {
            name: $name,
            field: stringify!($field),
            unit: Unit::$unit,
            meaning: $meaning,
            read: $read,
            units_behind: $behind,
            role: Role::$role,
            tally: None,
        }
    };
}

/// The six names of a tally: those of its outcomes and what they mean.
macro_rules! tally {
    ($field:ident: $($part:ident $role:ident $name:literal $meaning:literal)+) => {
        [$(Name {
            name: $name,
            field: stringify!($field),
            unit: Unit::COUNT,
            meaning: $meaning,
            read: Read::Count(|measures| measures.$field.$part),
            units_behind: |measures| judged(&measures.$field),
            role: Role::$role,
            tally: Some(|measures| &measures.$field),
        },)+]
    };
}

mod beside;

const SHIPMENTS: [Name; 1] = [plain!(
    "shipments",
    shipments,
    COUNT,
    Read::Count(|m| m.shipments),
    Other,
    |m| m.shipments,
    "Shipments due"
)];

const PICKUP_WINDOW: [Name; 6] = tally! { pickup_window:
    success Success "pickup_window.success" "Pickups within the window and its grace"
    late Failure "pickup_window.late" "Pickups after the window and its grace"
    no_evidence Failure "pickup_window.no_evidence" "Pickups never reported"
    excused Other "pickup_window.excused" "Pickups missed and excused"
    no_baseline Other "pickup_window.no_baseline" "Pickups without an agreed window"
    pending Other "pickup_window.pending" "Pickups not decided yet"
};

const DELIVERY_DAY: [Name; 6] = tally! { delivery_day:
    success Success "delivery_day.success" "Deliveries on or before the due day"
    late Failure "delivery_day.late" "Deliveries after the due day"
    no_evidence Failure "delivery_day.no_evidence" "Deliveries never reported"
    excused Other "delivery_day.excused" "Deliveries missed and excused"
    no_baseline Other "delivery_day.no_baseline" "Deliveries without a due day"
    pending Other "delivery_day.pending" "Deliveries not decided yet"
};

const DELIVERY_WINDOW: [Name; 6] = tally! { delivery_window:
    success Success "delivery_window.success" "Deliveries within the window and its grace"
    late Failure "delivery_window.late" "Deliveries after the window and its grace"
    no_evidence Failure "delivery_window.no_evidence" "Deliveries never reported"
    excused Other "delivery_window.excused" "Deliveries missed and excused"
    no_baseline Other "delivery_window.no_baseline" "Deliveries without an agreed window"
    pending Other "delivery_window.pending" "Deliveries not decided yet"
};

const FIRST_ATTEMPT: [Name; 6] = tally! { first_attempt:
    success Success "first_attempt.success" "Delivered on the first attempt"
    late Failure "first_attempt.failed" "First attempts failed by the carrier"
    no_evidence Failure "first_attempt.no_evidence" "First attempts never reported"
    excused Other "first_attempt.excused" "First attempts refused, or with a wrong address"
    no_baseline Other "first_attempt.no_baseline" "First attempts without a commitment"
    pending Other "first_attempt.pending" "First attempts not decided yet"
};

const ATTEMPTS: [Name; 2] = [
    plain!(
        "attempts.made",
        attempts,
        COUNT,
        Read::Count(|m| m.attempts.numerator),
        Other,
        |m| m.attempts.denominator,
        "Delivery attempts, of consignments whose end is known"
    ),
    plain!(
        "attempts.consignments",
        attempts,
        COUNT,
        Read::Count(|m| m.attempts.denominator),
        Other,
        |m| m.attempts.denominator,
        "Consignments delivered or returned"
    ),
];

const DIVERTED: [Name; 3] = [
    plain!(
        "diverted.by_carrier",
        diverted,
        COUNT,
        Read::Count(|m| m.diverted.numerator),
        Part,
        |m| m.diverted.denominator,
        "Shipments diverted by the carrier"
    ),
    plain!(
        "diverted.ended",
        diverted,
        COUNT,
        Read::Count(|m| m.diverted.denominator),
        Whole,
        |m| m.diverted.denominator,
        "Shipments whose end is known"
    ),
    plain!(
        "diverted.by_others",
        diverted_by_others,
        COUNT,
        Read::Count(|m| m.diverted_by_others),
        Other,
        |m| m.diverted.denominator,
        "Shipments diverted for other reasons"
    ),
];

const DWELL: [Name; 2] = [
    plain!(
        "dwell",
        dwell,
        MINUTES,
        Read::Histogram(|m, percent| m.dwell.percentile_minutes(percent)),
        Other,
        |m| m.dwell.total(),
        "Time from the final station to out for delivery; take a percentile of it"
    ),
    plain!(
        "dwell.count",
        dwell,
        COUNT,
        Read::Count(|m| m.dwell.total()),
        Other,
        |m| m.dwell.total(),
        "Shipments whose dwell is known"
    ),
];

const STATUS: [Name; 2] = [
    plain!(
        "status.in_time",
        status_timely,
        COUNT,
        Read::Count(|m| m.status_timely.numerator),
        Part,
        |m| m.status_timely.denominator,
        "Status messages received within 60 minutes of the event"
    ),
    plain!(
        "status.received",
        status_timely,
        COUNT,
        Read::Count(|m| m.status_timely.denominator),
        Whole,
        |m| m.status_timely.denominator,
        "Status messages whose time of receipt is known"
    ),
];

const TENDER: [Name; 6] = tally! { tender:
    success Success "tender.accepted" "Tenders accepted"
    late Failure "tender.rejected" "Tenders rejected, expired or given back"
    no_evidence Failure "tender.unanswered" "Tenders nobody answered"
    excused Other "tender.excused" "Rejections that are excused"
    no_baseline Other "tender.no_baseline" "Tenders without a commitment"
    pending Other "tender.pending" "Tenders waiting for an answer"
};

const TENDER_APART: [Name; 2] = [
    plain!(
        "tender.out_of_scope",
        tender_out_of_scope,
        COUNT,
        Read::Count(|m| m.tender_out_of_scope),
        Other,
        |m| m.tender_out_of_scope,
        "Tenders withdrawn, at short notice or beyond the commitment"
    ),
    plain!(
        "tender.bounced",
        tender_bounced,
        COUNT,
        Read::Count(|m| m.tender_bounced),
        Other,
        |m| judged(&m.tender),
        "Accepted tenders given back; among the rejected too"
    ),
];

const FREIGHT: [Name; 5] = [
    plain!(
        "freight.amount",
        freight,
        MONEY,
        Read::Micros(|m| m.freight.numerator),
        Other,
        |m| m.freight.denominator,
        "Freight: linehaul, fuel and accessorials"
    ),
    plain!(
        "freight.shipments",
        freight,
        COUNT,
        Read::Count(|m| m.freight.denominator),
        Other,
        |m| m.freight.denominator,
        "Shipments that carry a cost"
    ),
    plain!(
        "weighed.amount",
        freight_by_weight,
        MONEY,
        Read::Micros(|m| m.freight_by_weight.numerator),
        Other,
        |m| m.weighed,
        "Freight of shipments with a cost and a weight"
    ),
    plain!(
        "weighed.weight",
        freight_by_weight,
        KILOGRAMS,
        Read::Thousandths(|m| m.freight_by_weight.denominator),
        Other,
        |m| m.weighed,
        "Weight of shipments with a cost and a weight"
    ),
    plain!(
        "weighed.shipments",
        weighed,
        COUNT,
        Read::Count(|m| m.weighed),
        Other,
        |m| m.weighed,
        "Shipments with a cost and a weight"
    ),
];

const CONTRACT: [Name; 3] = [
    plain!(
        "contract.billed",
        billed_to_rated,
        MONEY,
        Read::Micros(|m| m.billed_to_rated.numerator),
        Other,
        |m| m.rated,
        "Billed, of shipments with a contract-rated amount"
    ),
    plain!(
        "contract.rated",
        billed_to_rated,
        MONEY,
        Read::Micros(|m| m.billed_to_rated.denominator),
        Other,
        |m| m.rated,
        "Contract-rated amount of the same shipments"
    ),
    plain!(
        "contract.shipments",
        rated,
        COUNT,
        Read::Count(|m| m.rated),
        Other,
        |m| m.rated,
        "Shipments with both"
    ),
];

const ACCESSORIAL: [Name; 3] = [
    plain!(
        "accessorial.amount",
        accessorial,
        MONEY,
        Read::Micros(|m| m.accessorial.numerator),
        Other,
        |m| m.with_linehaul,
        "Accessorials without fuel, of shipments with a linehaul"
    ),
    plain!(
        "accessorial.linehaul",
        accessorial,
        MONEY,
        Read::Micros(|m| m.accessorial.denominator),
        Other,
        |m| m.with_linehaul,
        "Linehaul of the same shipments"
    ),
    plain!(
        "accessorial.shipments",
        with_linehaul,
        COUNT,
        Read::Count(|m| m.with_linehaul),
        Other,
        |m| m.with_linehaul,
        "Shipments with a linehaul"
    ),
];

const PICKUP_DAY: [Name; 6] = tally! { pickup_day:
    success Success "pickup_day.success" "Pickups on or before their committed day"
    late Failure "pickup_day.late" "Pickups after it"
    no_evidence Failure "pickup_day.no_evidence" "Pickups never reported"
    excused Other "pickup_day.excused" "Pickups missed and excused"
    no_baseline Other "pickup_day.no_baseline" "Pickups without a committed day"
    pending Other "pickup_day.pending" "Pickups not decided yet"
};

const IN_FULL: [Name; 6] = tally! { in_full:
    success Success "in_full.success" "Deliveries on time and in full"
    late Failure "in_full.late" "Deliveries late, short or damaged"
    no_evidence Failure "in_full.no_evidence" "Deliveries never reported, or without the receipt that is owed"
    excused Other "in_full.excused" "Deliveries missed and excused"
    no_baseline Other "in_full.no_baseline" "Deliveries without a commitment"
    pending Other "in_full.pending" "Deliveries not decided yet"
};

const PERFECT: [Name; 6] = tally! { perfect:
    success Success "perfect.success" "Deliveries on time, in full, undamaged, with right documents"
    late Failure "perfect.late" "Deliveries with a fault"
    no_evidence Failure "perfect.no_evidence" "Deliveries never reported or never proved"
    excused Other "perfect.excused" "Deliveries missed and excused"
    no_baseline Other "perfect.no_baseline" "Deliveries without a commitment"
    pending Other "perfect.pending" "Deliveries not decided yet"
};

const PROOF: [Name; 6] = tally! { proof:
    success Success "proof.success" "Usable proofs of delivery within 24 hours"
    late Failure "proof.late" "Proofs after it"
    no_evidence Failure "proof.no_evidence" "Proofs that never came"
    excused Other "proof.excused" "Missing proofs that are excused"
    no_baseline Other "proof.no_baseline" "Proofs without a delivery to count from"
    pending Other "proof.pending" "Proofs not decided yet"
};

const FIRST_TENDER: [Name; 6] = tally! { first_tender:
    success Success "first_tender.accepted" "First tenders accepted"
    late Failure "first_tender.rejected" "First tenders rejected, expired or given back"
    no_evidence Failure "first_tender.unanswered" "First tenders nobody answered"
    excused Other "first_tender.excused" "Rejections that are excused"
    no_baseline Other "first_tender.no_baseline" "First tenders without a commitment"
    pending Other "first_tender.pending" "First tenders waiting for an answer"
};

const SURGE: [Name; 6] = tally! { surge:
    success Success "surge.accepted" "Loads above the commitment accepted"
    late Failure "surge.rejected" "Loads above the commitment rejected, expired or given back"
    no_evidence Failure "surge.unanswered" "Loads above the commitment nobody answered"
    excused Other "surge.excused" "Rejections that are excused"
    no_baseline Other "surge.no_baseline" "Loads above the commitment without one"
    pending Other "surge.pending" "Loads above the commitment waiting for an answer"
};

const RETURNED: [Name; 2] = [
    plain!(
        "returned.made",
        returned,
        COUNT,
        Read::Count(|m| m.returned.numerator),
        Part,
        |m| m.returned.denominator,
        "Consignments returned"
    ),
    plain!(
        "returned.ended",
        returned,
        COUNT,
        Read::Count(|m| m.returned.denominator),
        Whole,
        |m| m.returned.denominator,
        "Consignments delivered or returned"
    ),
];

const STATUS_OWED: [Name; 4] = [
    plain!(
        "status.reported",
        status_complete,
        COUNT,
        Read::Count(|m| m.status_complete.numerator),
        Part,
        |m| m.status_complete.denominator,
        "Milestones reported of those owed"
    ),
    plain!(
        "status.owed",
        status_complete,
        COUNT,
        Read::Count(|m| m.status_complete.denominator),
        Whole,
        |m| m.status_complete.denominator,
        "Milestones owed"
    ),
    plain!(
        "status.owed_in_time",
        status_visible,
        COUNT,
        Read::Count(|m| m.status_visible.numerator),
        Part,
        |m| m.status_visible.denominator,
        "Milestones reported in time of those owed"
    ),
    plain!(
        "status.owed_with_receipt",
        status_visible,
        COUNT,
        Read::Count(|m| m.status_visible.denominator),
        Whole,
        |m| m.status_visible.denominator,
        "Milestones owed whose receipt a feed can state"
    ),
];

const DETENTION: [Name; 2] = [
    plain!(
        "detention.time",
        detention,
        MINUTES,
        Read::Count(|m| m.detention.numerator),
        Other,
        |m| m.detention.denominator,
        "Time at stops beyond free time"
    ),
    plain!(
        "detention.stops",
        detention,
        COUNT,
        Read::Count(|m| m.detention.denominator),
        Other,
        |m| m.detention.denominator,
        "Stops with arrival and departure"
    ),
];

const NOTICE: [Name; 2] = [
    plain!(
        "notice.given",
        late_notice,
        COUNT,
        Read::Count(|m| m.late_notice.numerator),
        Part,
        |m| m.late_notice.denominator,
        "Late deliveries announced in time"
    ),
    plain!(
        "notice.late",
        late_notice,
        COUNT,
        Read::Count(|m| m.late_notice.denominator),
        Whole,
        |m| m.late_notice.denominator,
        "Late deliveries that owe a notice"
    ),
];

const TRANSIT: [Name; 4] = [
    plain!(
        "transit.within",
        transit,
        COUNT,
        Read::Count(|m| m.transit.numerator),
        Part,
        |m| m.transit.denominator,
        "Deliveries within the transit standard"
    ),
    plain!(
        "transit.judged",
        transit,
        COUNT,
        Read::Count(|m| m.transit.denominator),
        Whole,
        |m| m.transit.denominator,
        "Deliveries with a transit standard"
    ),
    plain!(
        "transit.days_over",
        transit_days_over,
        COUNT,
        Read::Count(|m| m.transit_days_over),
        Other,
        |m| m.transit.denominator,
        "Business days beyond the standard, summed"
    ),
    plain!(
        "transit.days_over_squared",
        transit_days_over_squared,
        COUNT,
        Read::Count(|m| m.transit_days_over_squared),
        Other,
        |m| m.transit.denominator,
        "The same, squared one by one and summed"
    ),
];

const TENDER_MORE: [Name; 8] = [
    plain!(
        "tender.given_back",
        bounced,
        COUNT,
        Read::Count(|m| m.bounced.numerator),
        Part,
        |m| m.bounced.denominator,
        "Accepted tenders given back"
    ),
    plain!(
        "tender.taken",
        bounced,
        COUNT,
        Read::Count(|m| m.bounced.denominator),
        Whole,
        |m| m.bounced.denominator,
        "Tenders accepted, whatever their scope"
    ),
    plain!(
        "route_guide.tenders",
        route_guide,
        COUNT,
        Read::Count(|m| m.route_guide.numerator),
        Other,
        |m| m.route_guide.denominator,
        "Tenders with a place in the route guide"
    ),
    plain!(
        "route_guide.loads",
        route_guide,
        COUNT,
        Read::Count(|m| m.route_guide.denominator),
        Other,
        |m| m.route_guide.denominator,
        "Loads they covered"
    ),
    plain!(
        "tender.answer",
        response,
        MINUTES,
        Read::Histogram(|m, percent| m.response.percentile_minutes(percent)),
        Other,
        |m| m.response.total(),
        "Time from tender to answer; take a percentile of it"
    ),
    plain!(
        "tender.answers",
        response,
        COUNT,
        Read::Count(|m| m.response.total()),
        Other,
        |m| m.response.total(),
        "Tenders answered"
    ),
    plain!(
        "tender.answers_in_time",
        response_in_time,
        COUNT,
        Read::Count(|m| m.response_in_time.numerator),
        Part,
        |m| m.response_in_time.denominator,
        "Answers before the offer lapsed"
    ),
    plain!(
        "tender.answers_limited",
        response_in_time,
        COUNT,
        Read::Count(|m| m.response_in_time.denominator),
        Whole,
        |m| m.response_in_time.denominator,
        "Answers to offers that lapse"
    ),
];

const FREIGHT_MORE: [Name; 9] = [
    plain!(
        "pieces.amount",
        freight_by_piece,
        MONEY,
        Read::Micros(|m| m.freight_by_piece.numerator),
        Other,
        |m| m.with_pieces,
        "Freight of shipments with a cost and pieces"
    ),
    plain!(
        "pieces.count",
        freight_by_piece,
        COUNT,
        Read::Count(|m| m.freight_by_piece.denominator),
        Other,
        |m| m.with_pieces,
        "Pieces of the same shipments"
    ),
    plain!(
        "pieces.shipments",
        with_pieces,
        COUNT,
        Read::Count(|m| m.with_pieces),
        Other,
        |m| m.with_pieces,
        "Shipments with a cost and pieces"
    ),
    plain!(
        "distance.amount",
        freight_by_distance,
        MONEY,
        Read::Micros(|m| m.freight_by_distance.numerator),
        Other,
        |m| m.with_distance,
        "Freight of shipments with a cost and a distance"
    ),
    plain!(
        "distance.length",
        freight_by_distance,
        KILOMETRES,
        Read::Thousandths(|m| m.freight_by_distance.denominator),
        Other,
        |m| m.with_distance,
        "Billed distance of the same shipments"
    ),
    plain!(
        "distance.shipments",
        with_distance,
        COUNT,
        Read::Count(|m| m.with_distance),
        Other,
        |m| m.with_distance,
        "Shipments with a cost and a distance"
    ),
    plain!(
        "work.amount",
        freight_by_work,
        MONEY,
        Read::Micros(|m| m.freight_by_work.numerator),
        Other,
        |m| m.with_work,
        "Freight of shipments with a cost, a weight and a distance"
    ),
    plain!(
        "work.done",
        freight_by_work,
        WORK,
        Read::Thousandths(|m| m.freight_by_work.denominator),
        Other,
        |m| m.with_work,
        "Weight times billed distance of the same shipments"
    ),
    plain!(
        "work.shipments",
        with_work,
        COUNT,
        Read::Count(|m| m.with_work),
        Other,
        |m| m.with_work,
        "Shipments with a cost, a weight and a distance"
    ),
];

const EMISSION: [Name; 5] = [
    plain!(
        "emission.amount",
        emission,
        KILOGRAMS,
        Read::Thousandths(|m| m.emission.numerator),
        Other,
        |m| m.emission_count,
        "Emissions as CO2e"
    ),
    plain!(
        "emission.work",
        emission,
        WORK,
        Read::Thousandths(|m| m.emission.denominator),
        Other,
        |m| m.emission_count,
        "Weight times distance of the same shipments"
    ),
    plain!(
        "emission.own",
        emission_own,
        COUNT,
        Read::Count(|m| m.emission_own),
        Other,
        |m| m.emission_count,
        "Shipments whose emissions are no default"
    ),
    plain!(
        "emission.primary_work",
        emission_primary_work,
        WORK,
        Read::Thousandths(|m| m.emission_primary_work),
        Other,
        |m| m.emission_count,
        "Weight times distance with primary data"
    ),
    plain!(
        "emission.shipments",
        emission_count,
        COUNT,
        Read::Count(|m| m.emission_count),
        Other,
        |m| m.emission_count,
        "Shipments with emissions"
    ),
];

const INVOICES: [Name; 7] = [
    plain!(
        "invoices.right",
        invoices_right,
        COUNT,
        Read::Count(|m| m.invoices_right.numerator),
        Part,
        |m| m.invoices_right.denominator,
        "Invoices that passed the audit"
    ),
    plain!(
        "invoices.audited",
        invoices_right,
        COUNT,
        Read::Count(|m| m.invoices_right.denominator),
        Whole,
        |m| m.invoices_right.denominator,
        "Invoices audited"
    ),
    plain!(
        "invoices.error",
        invoice_error,
        MONEY,
        Read::Micros(|m| m.invoice_error.numerator),
        Other,
        |m| m.invoices_valued,
        "Billed too much or too little, added up"
    ),
    plain!(
        "invoices.correct",
        invoice_error,
        MONEY,
        Read::Micros(|m| m.invoice_error.denominator),
        Other,
        |m| m.invoices_valued,
        "What those invoices should have come to"
    ),
    plain!(
        "invoices.valued",
        invoices_valued,
        COUNT,
        Read::Count(|m| m.invoices_valued),
        Other,
        |m| m.invoices_valued,
        "Invoices with a right amount"
    ),
    plain!(
        "invoices.timely",
        invoices_timely,
        COUNT,
        Read::Count(|m| m.invoices_timely.numerator),
        Part,
        |m| m.invoices_timely.denominator,
        "Invoices received in time after the delivery"
    ),
    plain!(
        "invoices.dated",
        invoices_timely,
        COUNT,
        Read::Count(|m| m.invoices_timely.denominator),
        Whole,
        |m| m.invoices_timely.denominator,
        "Invoices whose delivery is known"
    ),
];

/// The table, part by part.
const TABLE: &[&[Name]] = &[
    &SHIPMENTS,
    &PICKUP_WINDOW,
    &PICKUP_DAY,
    &DELIVERY_DAY,
    &DELIVERY_WINDOW,
    &IN_FULL,
    &PERFECT,
    &PROOF,
    &NOTICE,
    &TRANSIT,
    &FIRST_ATTEMPT,
    &ATTEMPTS,
    &RETURNED,
    &DIVERTED,
    &DWELL,
    &STATUS,
    &STATUS_OWED,
    &DETENTION,
    &TENDER,
    &TENDER_APART,
    &FIRST_TENDER,
    &SURGE,
    &TENDER_MORE,
    &FREIGHT,
    &FREIGHT_MORE,
    &CONTRACT,
    &ACCESSORIAL,
    &EMISSION,
    &INVOICES,
    &beside::CASE_ANSWERS,
    &beside::REST,
];

/// Every name, in reading order.
pub fn names() -> impl Iterator<Item = &'static Name> {
    TABLE.iter().copied().flatten()
}

impl Name {
    /// Looks a name up.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        names().find(|known| known.name == name)
    }

    /// Its figure in its unit; none for a histogram, which has many.
    #[must_use]
    pub fn figure(&self, measures: &Measures) -> Option<Decimal> {
        let scaled = |value: i64, scale| Decimal::from_i128_with_scale(i128::from(value), scale).normalize();
        match self.read {
            Read::Count(read) => Some(Decimal::from(read(measures))),
            Read::Micros(read) => Some(scaled(read(measures), MICROS_SCALE)),
            Read::Thousandths(read) => Some(scaled(read(measures), THOUSANDTHS_SCALE)),
            Read::Histogram(_) => None,
        }
    }

    /// Whether it is a histogram.
    #[must_use]
    pub fn is_histogram(&self) -> bool {
        matches!(self.read, Read::Histogram(_))
    }
}
