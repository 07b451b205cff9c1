//! The names of what lies beside shipments and tenders, and of how the shipper does.

use super::{Name, Read, Role, judged};
use crate::domain::formula::unit::Unit;

/// Answers to cases.
pub(super) const CASE_ANSWERS: [Name; 6] = tally! { case_answers:
    success Success "cases.in_time" "Cases answered in time"
    late Failure "cases.late" "Cases answered late"
    no_evidence Failure "cases.unanswered" "Cases nobody answered"
    excused Other "cases.excused" "Late answers that are excused"
    no_baseline Other "cases.no_baseline" "Cases without a deadline"
    pending Other "cases.pending" "Cases still in time"
};

/// Everything else.
pub(super) const REST: [Name; 30] = [
    plain!(
        "claims.received",
        claims,
        COUNT,
        Read::Count(|m| m.claims.numerator),
        Other,
        |m| m.claims.denominator,
        "Claims for loss and damage"
    ),
    plain!(
        "claims.deliveries",
        claims,
        COUNT,
        Read::Count(|m| m.claims.denominator),
        Other,
        |m| m.claims.denominator,
        "Deliveries, where claims are kept"
    ),
    plain!(
        "claims.amount",
        claimed,
        MONEY,
        Read::Micros(|m| m.claimed),
        Other,
        |m| m.claims.denominator,
        "Those claims: accepted, else claimed"
    ),
    plain!(
        "claims.acknowledgement",
        claim_acknowledged,
        MINUTES,
        Read::Histogram(|m, percent| m.claim_acknowledged.percentile_minutes(percent)),
        Other,
        |m| m.claim_acknowledged.total(),
        "Time from a claim to its acknowledgement; take a percentile of it"
    ),
    plain!(
        "claims.acknowledged",
        claim_acknowledged,
        COUNT,
        Read::Count(|m| m.claim_acknowledged.total()),
        Other,
        |m| m.claim_acknowledged.total(),
        "Claims acknowledged"
    ),
    plain!(
        "claims.settlement",
        claim_settled,
        MINUTES,
        Read::Histogram(|m, percent| m.claim_settled.percentile_minutes(percent)),
        Other,
        |m| m.claim_settled.total(),
        "Time from a claim to its payment or refusal; take a percentile of it"
    ),
    plain!(
        "claims.settled",
        claim_settled,
        COUNT,
        Read::Count(|m| m.claim_settled.total()),
        Other,
        |m| m.claim_settled.total(),
        "Claims paid or declined"
    ),
    plain!(
        "cases.response",
        case_response,
        MINUTES,
        Read::Histogram(|m, percent| m.case_response.percentile_minutes(percent)),
        Other,
        |m| m.case_response.total(),
        "Support hours from a case to its first answer, round the clock for the highest severity; take a percentile of it"
    ),
    plain!(
        "cases.answered",
        case_response,
        COUNT,
        Read::Count(|m| m.case_response.total()),
        Other,
        |m| m.case_response.total(),
        "Cases that a human answered"
    ),
    plain!(
        "contacts.customers",
        contacts,
        COUNT,
        Read::Count(|m| m.contacts.numerator),
        Other,
        |m| m.contacts.denominator,
        "Times a customer had to ask, one a consignment and day"
    ),
    plain!(
        "contacts.deliveries",
        contacts,
        COUNT,
        Read::Count(|m| m.contacts.denominator),
        Other,
        |m| m.contacts.denominator,
        "Deliveries, where cases are kept"
    ),
    plain!(
        "market.linehaul",
        market,
        MONEY,
        Read::Micros(|m| m.market.numerator),
        Other,
        |m| m.with_market,
        "Linehaul of shipments with a benchmark"
    ),
    plain!(
        "market.benchmark",
        market,
        MONEY,
        Read::Micros(|m| m.market.denominator),
        Other,
        |m| m.with_market,
        "Benchmark linehaul of the same shipments"
    ),
    plain!(
        "market.shipments",
        with_market,
        COUNT,
        Read::Count(|m| m.with_market),
        Other,
        |m| m.with_market,
        "Shipments with both"
    ),
    plain!(
        "safety.passed",
        safety,
        COUNT,
        Read::Count(|m| m.safety.passed()),
        Part,
        |m| m.safety.looked(),
        "Partners that passed the safety gate"
    ),
    plain!(
        "safety.looked",
        safety,
        COUNT,
        Read::Count(|m| m.safety.looked()),
        Whole,
        |m| m.safety.looked(),
        "Partners with a safety record that speaks"
    ),
    plain!(
        "commitment.kept",
        commitment,
        COUNT,
        Read::Count(|m| m.commitment.numerator),
        Part,
        |m| m.commitment.denominator,
        "Loads kept of weekly commitments"
    ),
    plain!(
        "commitment.asked",
        commitment,
        COUNT,
        Read::Count(|m| m.commitment.denominator),
        Whole,
        |m| m.commitment.denominator,
        "Loads asked for within weekly commitments"
    ),
    plain!(
        "status.accurate",
        status_accurate,
        COUNT,
        Read::Count(|m| m.status_accurate.numerator),
        Part,
        |m| m.status_accurate.denominator,
        "Status messages neither refused nor corrected"
    ),
    plain!(
        "status.counted",
        status_accurate,
        COUNT,
        Read::Count(|m| m.status_accurate.denominator),
        Whole,
        |m| m.status_accurate.denominator,
        "Status messages whose corrections are known"
    ),
    plain!(
        "dock",
        dock,
        MINUTES,
        Read::Histogram(|m, percent| m.dock.percentile_minutes(percent)),
        Other,
        |m| m.dock.total(),
        "Time from arrival to departure at our docks; take a percentile of it"
    ),
    plain!(
        "dock.count",
        dock,
        COUNT,
        Read::Count(|m| m.dock.total()),
        Other,
        |m| m.dock.total(),
        "Pickups with arrival and departure"
    ),
    plain!(
        "tender.lead",
        lead,
        MINUTES,
        Read::Histogram(|m, percent| m.lead.percentile_minutes(percent)),
        Other,
        |m| m.lead.total(),
        "Time from tender to pickup; take a percentile of it"
    ),
    plain!(
        "tender.leads",
        lead,
        COUNT,
        Read::Count(|m| m.lead.total()),
        Other,
        |m| m.lead.total(),
        "Tenders that name their pickup"
    ),
    plain!(
        "forecast.off",
        forecast,
        COUNT,
        Read::Count(|m| m.forecast.numerator),
        Other,
        |m| m.forecast.denominator,
        "Loads by which the plan was off"
    ),
    plain!(
        "forecast.tendered",
        forecast,
        COUNT,
        Read::Count(|m| m.forecast.denominator),
        Other,
        |m| m.forecast.denominator,
        "Loads tendered in weeks with a plan"
    ),
    plain!(
        "payment",
        paid,
        MINUTES,
        Read::Histogram(|m, percent| m.paid.percentile_minutes(percent)),
        Other,
        |m| m.paid.total(),
        "Time from invoice to payment; take a percentile of it"
    ),
    plain!(
        "payment.count",
        paid,
        COUNT,
        Read::Count(|m| m.paid.total()),
        Other,
        |m| m.paid.total(),
        "Shipments paid"
    ),
    plain!(
        "overturned.granted",
        overturned,
        COUNT,
        Read::Count(|m| m.overturned.numerator),
        Part,
        |m| m.overturned.denominator,
        "What the partner asked for and was granted"
    ),
    plain!(
        "overturned.decided",
        overturned,
        COUNT,
        Read::Count(|m| m.overturned.denominator),
        Whole,
        |m| m.overturned.denominator,
        "What the partner asked for and was decided"
    ),
];
