//! What lies beside the traffic: claims, cases of communication, safety records, and what the market pays.
//!
//! Drawn from the reference of the shipment, or from names and days, so that nothing else of the network moves when this
//! changes.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::as_of;
use super::money::usual_truckload;
use super::network::{LANES, Lane, Mode, PARTNERS, Partner};
use super::quality::{DAMAGED, SHORT, draw, drawn, missed, owes_receipt, seed};
use super::season::{DAY, date};
use super::shipments::Shipment;
use super::table::Column;
use super::{AS_OF_DAY, FIRST_DAY, SILENT, TINY};
use crate::domain::period::Period;

/// Faults of quantity or condition that are claimed, per ten thousand.
const CLAIMED: u64 = 8_200;
/// Late loads for which the delay is claimed, per ten thousand.
const DELAY_CLAIMED: u64 = 120;
/// Late loads about which somebody asks, and others, per ten thousand.
const ASKED_LATE: u64 = 1_400;
const ASKED: u64 = 55;
/// Cases nobody answers, per ten thousand.
const SILENCE: u64 = 220;
/// Minutes late from which on somebody notices.
const NOTICED: i64 = 30;
/// The partner whose vehicles are no longer kept well, and the one whose insurance ran out.
const WORN: &str = TINY;
const LAPSED: &str = SILENT;
/// What the market pays against the usual price, per cent, and how far it moves over a quarter.
const MARKET_PERCENT: i64 = 101;
const MARKET_SWING: i64 = 4;

fn now() -> i64 {
    as_of().timestamp() / 60
}

fn below(shipment: &Shipment, salt: u64, bound: u64) -> i64 {
    i64::try_from(draw(shipment, salt) % bound.max(1)).unwrap_or(0)
}

/// One claim. Instants are minutes since 1970, amounts cents.
pub(super) struct Claim {
    partner: &'static str,
    shipment: String,
    kind: &'static str,
    status: &'static str,
    zone: &'static str,
    claimed: i64,
    accepted: Option<i64>,
    filed: i64,
    acknowledged: Option<i64>,
    disposed: Option<i64>,
}

/// Columns of the claims file.
pub(super) const CLAIM_COLUMNS: &[Column<Claim>] = &[
    ("reference", |r, c| c.text(&format!("CL-{}", r.shipment))),
    ("partner", |r, c| c.text(r.partner)),
    ("shipment", |r, c| c.text(&r.shipment)),
    ("kind", |r, c| c.text(r.kind)),
    ("status", |r, c| c.text(r.status)),
    ("claimed", |r, c| c.cents(r.claimed)),
    ("accepted", |r, c| c.cents(r.accepted)),
    ("currency", |_, c| c.text("USD")),
    ("zone", |r, c| c.text(r.zone)),
    ("filed_at", |r, c| c.at(r.filed)),
    ("acknowledged_at", |r, c| c.at(r.acknowledged)),
    ("disposed_at", |r, c| c.at(r.disposed)),
];

/// What is claimed for a shipment; nothing for most.
pub(super) fn claim(shipment: &Shipment) -> Option<Claim> {
    let (partner, lane) = (shipment.partner?, shipment.lane?);
    let (delivered, _) = shipment.delivered?;
    let signed = owes_receipt(shipment);
    let kind = if signed && drawn(shipment, 2, DAMAGED) && drawn(shipment, 21, CLAIMED) {
        "DAMAGE"
    } else if signed && drawn(shipment, 1, SHORT) && shipment.pieces > 1 && drawn(shipment, 21, CLAIMED) {
        "LOSS"
    } else if late_by(shipment) > 4 * 60 && drawn(shipment, 22, DELAY_CLAIMED) {
        "DELAY"
    } else {
        return None;
    };
    let filed = delivered + (2 + below(shipment, 23, 12)) * DAY;
    let claimed = 8_000 + below(shipment, 24, 160_000);
    let acknowledged = filed + (1 + below(shipment, 25, 18)) * DAY;
    let disposed = acknowledged + (4 + below(shipment, 26, 40)) * DAY;
    let [acknowledged, disposed] = [acknowledged, disposed].map(|at| Some(at).filter(|at| *at <= now()));
    let (status, accepted) = match draw(shipment, 27) % 100 {
        0..=2 => ("WITHDRAWN", None),
        3..=4 => ("DUPLICATE", None),
        fate if disposed.is_some() => match fate {
            5..=75 => ("PAID", Some(claimed * (60 + below(shipment, 28, 41)) / 100)),
            _ => ("DECLINED", Some(0)),
        },
        _ if acknowledged.is_some() => ("ACKNOWLEDGED", None),
        _ => ("FILED", None),
    };
    (filed <= now()).then(|| Claim {
        partner: partner.code,
        shipment: shipment.reference.clone(),
        kind,
        status,
        zone: lane.destination.zone.name(),
        claimed,
        accepted,
        filed,
        acknowledged,
        disposed: disposed.filter(|_| matches!(status, "PAID" | "DECLINED")),
    })
}

/// Minutes after the end of the window; 0 where there is none or it came in time.
fn late_by(shipment: &Shipment) -> i64 {
    let window = shipment.delivery_window.zip(shipment.arrived.or(shipment.delivered));
    window.map_or(0, |((_, end), (at, _))| (at - end).max(0))
}

/// One case. Instants are minutes since 1970.
pub(super) struct Case {
    partner: &'static str,
    shipment: String,
    kind: &'static str,
    origin: &'static str,
    severity: i64,
    zone: &'static str,
    opened: i64,
    answered: Option<i64>,
    by: &'static str,
}

/// Columns of the cases file.
pub(super) const CASE_COLUMNS: &[Column<Case>] = &[
    ("reference", |r, c| c.text(&format!("CS-{}", r.shipment))),
    ("partner", |r, c| c.text(r.partner)),
    ("consignment", |r, c| c.text(&r.shipment)),
    ("kind", |r, c| c.text(r.kind)),
    ("origin", |r, c| c.text(r.origin)),
    ("severity", |r, c| c.number(r.severity)),
    ("zone", |r, c| c.text(r.zone)),
    ("opened_at", |r, c| c.at(r.opened)),
    ("first_human_response_at", |r, c| c.at(r.answered)),
    ("response_by", |r, c| c.text(r.by)),
];

/// What somebody asks about a shipment; nothing for most.
pub(super) fn case(shipment: &Shipment) -> Option<Case> {
    let (partner, lane) = (shipment.partner?, shipment.lane?);
    let (delivered, _) = shipment.delivered?;
    let late = late_by(shipment);
    let asks = if late > NOTICED { ASKED_LATE } else { ASKED };
    if !drawn(shipment, 31, asks) {
        return None;
    }
    let opened = delivered - late.min(12 * 60) + 20 + below(shipment, 32, 90);
    if opened > now() {
        return None;
    }
    let severity = match draw(shipment, 33) % 100 {
        0..=3 => 1,
        4..=30 => 2,
        _ => 3,
    };
    let in_time = !drawn(shipment, 34, missed(partner.conduct.timely));
    let soon = if severity == 1 { 27 } else { 105 };
    let wait = if in_time { 4 + below(shipment, 35, soon) } else { 3 * DAY + below(shipment, 36, 2_000) };
    let silent = drawn(shipment, 37, SILENCE);
    let answered = Some(opened + wait).filter(|at| *at <= now() && !silent);
    Some(Case {
        partner: partner.code,
        shipment: shipment.reference.clone(),
        kind: match draw(shipment, 39) % 3 {
            0 if late <= NOTICED => "COMPLAINT",
            1 if late <= NOTICED => "EXCEPTION",
            _ => "ENQUIRY",
        },
        origin: if drawn(shipment, 38, 7_600) { "CUSTOMER" } else { "US" },
        severity,
        zone: lane.destination.zone.name(),
        opened,
        answered,
        by: if answered.is_some() { "HUMAN" } else { "" },
    })
}

/// What is known of a partner on a day.
pub(super) struct Safety {
    partner: &'static Partner,
    as_of: NaiveDate,
}

/// Columns of the file of safety records.
pub(super) const SAFETY_COLUMNS: &[Column<Safety>] = &[
    ("partner", |r, c| c.text(r.partner.code)),
    ("as_of", |r, c| c.day(r.as_of)),
    ("authority_active", |_, c| c.text("YES")),
    ("insured_until", |r, c| c.day(r.insured_until())),
    ("insured_amount", |_, c| c.text("1000000")),
    ("rating", |r, c| {
        c.text(if seed(r.partner.code).is_multiple_of(4) { "NOT_RATED" } else { "SATISFACTORY" });
    }),
    ("unsafe_driving", |r, c| c.number(r.percentile(1, 22, 38))),
    ("hours_of_service", |r, c| c.number(r.percentile(2, 18, 40))),
    ("crash", |r, c| c.number(r.percentile(3, 20, 40))),
    ("vehicle_maintenance", |r, c| c.number(r.maintenance())),
    ("driver_fitness", |r, c| c.number(r.percentile(5, 15, 50))),
];

impl Safety {
    fn percentile(&self, salt: u64, from: i64, spread: i64) -> i64 {
        let drawn = seed(&format!("{} {salt} {}", self.partner.code, self.as_of));
        from + i64::try_from(drawn % spread.unsigned_abs()).unwrap_or(0)
    }

    fn maintenance(&self) -> i64 {
        let recent = self.as_of >= date((2026, 5, 1));
        if self.partner.code == WORN && recent { 84 } else { self.percentile(4, 30, 45) }
    }

    fn insured_until(&self) -> NaiveDate {
        let renewed = self.partner.code != LAPSED && self.as_of >= date((2026, 4, 1));
        if renewed { date((2027, 3, 31)) } else { date((2026, 6, 14)) }
    }
}

/// One record a partner and month.
pub(super) fn safety() -> Vec<Safety> {
    let (first, today) = (date(FIRST_DAY), date(AS_OF_DAY));
    let months = (0..).map_while(|months| first.with_day(1)?.checked_add_months(Months::new(months)));
    months
        .take_while(|month| *month <= today)
        .flat_map(|month| {
            let known = PARTNERS.iter().filter(move |p| p.since.is_none_or(|since| date(since) <= month));
            known.map(move |partner| Safety { partner, as_of: month })
        })
        .collect()
}

/// What the market pays for a lane in a week.
pub(super) struct Benchmark {
    lane: &'static Lane,
    week: NaiveDate,
}

/// Columns of the benchmarks file.
pub(super) const BENCHMARK_COLUMNS: &[Column<Benchmark>] = &[
    ("lane", |r, c| c.text(r.lane.code)),
    ("week", |r, c| c.day(r.week)),
    ("amount", |r, c| c.cents(r.amount())),
    ("currency", |_, c| c.text("USD")),
    ("series", |_, c| c.text("Truckload index of the demo")),
    ("licence", |_, c| c.text("made up, free to use")),
];

impl Benchmark {
    fn amount(&self) -> i64 {
        // A slow wave over the weeks, and what a lane always pays more or less.
        let week = i64::from(self.week.num_days_from_ce()) / 7;
        let wave = (week % 26 - 13).abs() * MARKET_SWING / 13;
        let lane = i64::try_from(seed(self.lane.code) % 7).unwrap_or(3) - 3;
        usual_truckload(self.lane) * (MARKET_PERCENT + wave + lane) / 100
    }
}

/// One benchmark a truckload lane and week.
pub(super) fn benchmarks() -> Vec<Benchmark> {
    let (first, today) = (date(FIRST_DAY), date(AS_OF_DAY));
    let monday = Period::monday(first);
    let weeks = (0..).map_while(|week: u64| monday.checked_add_days(Days::new(7 * week)));
    let weeks: Vec<NaiveDate> = weeks.take_while(|week| *week <= today).collect();
    let lanes = LANES.iter().filter(|lane| lane.mode == Mode::Truckload);
    lanes.flat_map(|lane| weeks.iter().map(move |week| Benchmark { lane, week: *week })).collect()
}
