//! Lists of invoices, claims, cases, safety records, weeks and decisions.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Heads, Line, Links};
use crate::app::beside::BesideLine;
use crate::app::evidence::Names;
use crate::domain::audit::Accuracy;
use crate::domain::beside::{Beside, CaseFacts, ClaimFacts, InvoiceFacts, SafetyFacts, WeekFacts};
use crate::domain::kpi::Counted;
use crate::domain::money::Micros;
use crate::domain::outcome::Outcome;
use crate::web::show::{self, Year};

const NOTHING: &str = "\u{2013}";

/// The columns beside the title.
pub(super) fn heads(counted: Counted) -> Heads {
    match counted {
        Counted::Invoices => vec![
            ("Received", false),
            ("Audit", false),
            ("Right amount", true),
            ("Billed wrongly", true),
            ("In time", false),
        ],
        Counted::Claims => vec![
            ("Shipment", false),
            ("Claim", false),
            ("State", false),
            ("Filed", false),
            ("Settled", false),
            ("Claimed", true),
            ("Accepted", true),
        ],
        Counted::Cases => vec![
            ("Shipment", false),
            ("Case", false),
            ("Severity", true),
            ("Opened", false),
            ("Answer due", false),
            ("Answered", false),
            ("Verdict", false),
        ],
        Counted::Safety => {
            vec![("Authority", false), ("Insured until", false), ("Rating", false), ("Gate", false)]
        }
        Counted::Weeks => vec![
            ("Committed", true),
            ("Planned", true),
            ("Tendered", true),
            ("Accepted", true),
            ("Kept", true),
        ],
        _ => vec![("Decided", false), ("Outcome", false)],
    }
}

/// One fact as a line.
pub(super) fn line(row: &BesideLine, names: &Names, links: &Links) -> Line {
    let about = if row.shipment.is_empty() { NOTHING.to_owned() } else { row.shipment.clone() };
    let (title, cells) = match &row.facts {
        Beside::Invoice(facts) => (row.reference.clone(), invoice(facts)),
        Beside::Claim(facts) => (row.reference.clone(), claim(facts, about, links.year)),
        Beside::Case(facts) => (row.reference.clone(), case(facts, about, links.year)),
        Beside::Safety(facts) => (show::day(facts.as_of), safety(facts)),
        Beside::Week(facts) => {
            (format!("{}, week of {}", names.lane(row.lane_id), show::day(facts.week)), week(facts))
        }
        Beside::Answer(facts) => {
            let outcome = if facts.for_the_partner { "for the partner" } else { "against the partner" };
            (about, vec![text(show::day(facts.day)), text(outcome)])
        }
    };
    let href = match row.facts {
        Beside::Invoice(_) => Some(format!("{}/{}", links.invoices, row.id)),
        _ => names
            .about
            .get(&row.shipment)
            .map(|source| show::shipment_under(&links.shipments, source, &row.shipment)),
    };
    Line { title, href, cells, asks: Vec::new() }
}

fn text(value: impl Into<String>) -> (String, bool) {
    (value.into(), false)
}

fn local(at: Option<DateTime<Utc>>, zone: Tz, year: Year) -> (String, bool) {
    text(at.map_or_else(|| NOTHING.to_owned(), |at| year.local(at, zone, false)))
}

fn money(amount: Option<Micros>) -> (String, bool) {
    (amount.map_or_else(|| NOTHING.to_owned(), show::money), true)
}

fn invoice(facts: &InvoiceFacts) -> Vec<(String, bool)> {
    let Accuracy { is_counted, is_right, correct, error, is_timely } = facts.accuracy;
    let verdict = match (is_counted, is_right) {
        (false, _) => "not counted",
        (true, true) => "as agreed",
        (true, false) => "not as agreed",
    };
    let timely = match is_timely.filter(|_| is_counted) {
        None => NOTHING,
        Some(true) => "yes",
        Some(false) => "no",
    };
    let summed = |amount: Micros| money(Some(amount).filter(|_| is_counted && facts.is_reporting_currency));
    vec![text(show::day(facts.received_on)), text(verdict), summed(correct), summed(error), text(timely)]
}

fn claim(facts: &ClaimFacts, about: String, year: Year) -> Vec<(String, bool)> {
    vec![
        text(about),
        text(facts.kind.label()),
        text(facts.status.label()),
        local(Some(facts.filed_at), facts.zone, year),
        local(facts.disposed_at, facts.zone, year),
        money(facts.claimed),
        money(facts.accepted),
    ]
}

fn case(facts: &CaseFacts, about: String, year: Year) -> Vec<(String, bool)> {
    let verdict = match (facts.is_for_the_partner(), facts.answered_at, facts.due_by) {
        (false, ..) => "for the shipper to answer",
        (_, Some(at), Some(due)) if at <= due => "answered in time",
        (_, Some(_), Some(_)) => "answered late",
        (_, None, Some(_)) => "not answered",
        (_, _, None) => Outcome::NoBaseline.title(),
    };
    let again = if facts.asked_before { ", asked again that day" } else { "" };
    vec![
        text(about),
        text(format!("{} of {}{again}", facts.kind.label(), facts.origin.label())),
        (facts.severity.to_string(), true),
        local(Some(facts.opened_at), facts.zone, year),
        local(facts.due_by.filter(|_| facts.is_for_the_partner()), facts.zone, year),
        local(facts.answered_at, facts.zone, year),
        text(verdict),
    ]
}

fn safety(facts: &SafetyFacts) -> Vec<(String, bool)> {
    let faults = facts.faults(facts.as_of);
    vec![
        text(if facts.authority_active { "active" } else { "not active" }),
        text(facts.insured_until.map_or_else(|| "not insured".to_owned(), show::day)),
        text(facts.rating.label()),
        text(if faults.is_empty() { "passed on that day".to_owned() } else { faults.join("; ") }),
    ]
}

fn week(facts: &WeekFacts) -> Vec<(String, bool)> {
    let loads = |loads: Option<i64>| (loads.map_or_else(|| NOTHING.to_owned(), show::count), true);
    vec![
        loads(facts.committed),
        loads(facts.planned),
        loads(Some(facts.tendered)),
        loads(Some(facts.accepted)),
        loads(facts.committed.map(|_| facts.kept())),
    ]
}
