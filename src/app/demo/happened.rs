//! Accessorial events: waiting, unloading labour and layover of the partner that bills line by line, and liftgates of the
//! less-than-truckload carriers. What is billed without an event, or with one that lacks its proof, is what calibration
//! finds.

use chrono::NaiveDate;

use super::COSTLY;
use super::money::written;
use super::network::{Lane, Mode};
use super::shipments::Shipment;
use super::table::Column;

/// Free minutes before waiting is charged, and what the usual hour costs in cents, as the contracts say.
const FREE_MINUTES: i64 = 120;
const HOUR_CENTS: i64 = 6_500;
/// One lumper in so many has no receipt.
const NO_RECEIPT_ONE_IN: u64 = 4;
/// One charge in so many comes without any event.
const UNREPORTED_ONE_IN: u64 = 9;

/// One event as the feed tells it.
pub(super) struct Happened {
    partner: &'static str,
    shipment: String,
    code: &'static str,
    stop: i64,
    day: NaiveDate,
    minutes: Option<i64>,
    cost: Option<i64>,
    proven: bool,
}

/// What a carrier reports beside an accessorial that it billed; none for most shipments.
pub(super) fn of(shipment: &Shipment, lane: &Lane, number: u64, day: NaiveDate) -> Option<Happened> {
    let partner = shipment.partner?;
    let (code, cents) = shipment.cost?.extra?;
    let reports = partner.code == COSTLY || (lane.mode == Mode::Ltl && code == "LFT");
    if !reports || number.is_multiple_of(UNREPORTED_ONE_IN) {
        return None;
    }
    let waited = (code == "DTU").then_some(FREE_MINUTES + cents * 60 / HOUR_CENTS);
    let cost = (code == "UNL").then_some(cents);
    Some(Happened {
        partner: partner.code,
        shipment: shipment.reference.clone(),
        code: if partner.code == COSTLY { written(code, &shipment.reference) } else { code },
        stop: 2,
        day,
        minutes: waited,
        cost,
        proven: cost.is_none() || !number.is_multiple_of(NO_RECEIPT_ONE_IN),
    })
}

/// Columns of the accessorial events file.
pub(super) const COLUMNS: &[Column<Happened>] = &[
    ("partner", |r, c| c.text(r.partner)),
    ("shipment", |r, c| c.text(&r.shipment)),
    ("reference", |r, c| c.text(&format!("{}-E1", r.shipment))),
    ("code", |r, c| c.text(r.code)),
    ("stop", |r, c| c.number(r.stop)),
    ("happened_on", |r, c| c.day(r.day)),
    ("minutes", |r, c| c.number(r.minutes)),
    ("cost", |r, c| c.cents(r.cost)),
    ("currency", |r, c| c.text(if r.cost.is_some() { "USD" } else { "" })),
    ("proven", |r, c| c.text(if r.proven { "YES" } else { "NO" })),
];
