//! What the feed of the demo says of a delivery beyond times and amounts: receipts, proofs, notices and emissions.
//!
//! Drawn from the reference of the shipment, so that nothing else of the network moves when this changes.

use chrono::NaiveDate;

use super::as_of;
use super::dice::WHOLE;
use super::network::Mode;
use super::season::DAY;
use super::shipments::Shipment;
use super::table::Column;

/// Receipts that name a fault of quantity, and of condition, per ten thousand.
pub(super) const SHORT: u64 = 55;
pub(super) const DAMAGED: u64 = 45;
/// Invoices that are wrong though the amount is what the contract says, per ten thousand.
const INVOICE_WRONG: u64 = 120;
/// Late loads of a carrier that reports well that it announces, per ten thousand.
const ANNOUNCED: u64 = 6_500;
/// The shortest feasible distance against the billed one, per cent.
const SHORTEST_PERCENT: i64 = 94;

/// Columns of the shipments file.
pub(super) const COLUMNS: &[Column<Shipment>] = &[
    ("receipt_expected", |s, c| c.text(if owes_receipt(s) { "YES" } else { "" })),
    ("pieces_delivered", |s, c| {
        let arrived = owes_receipt(s).then_some(s.delivered).flatten();
        c.number(arrived.map(|_| s.pieces - i64::from(drawn(s, 1, SHORT) && s.pieces > 1)));
    }),
    ("delivery_condition", |s, c| {
        if owes_receipt(s) && s.delivered.is_some() {
            c.text(if drawn(s, 2, DAMAGED) { "DAMAGED" } else { "CLEAN" });
        }
    }),
    ("pod_received_at", |s, c| {
        let punctual = s.partner.is_some_and(|partner| !drawn(s, 3, missed(partner.conduct.timely)));
        let hours = if punctual { 1 + draw(s, 4) % 20 } else { 25 + draw(s, 4) % 60 };
        let hours = i64::try_from(hours).unwrap_or(24);
        // What has not come by the demo's own day is still owed.
        let came = s.delivered.filter(|_| owes_receipt(s)).map(|(at, _)| at + hours * 60);
        c.at(came.filter(|at| *at <= as_of().timestamp() / 60));
    }),
    ("pod_clean", |s, c| {
        // By then every proof has come.
        let long_ago = s.delivered.is_some_and(|(at, _)| at + 5 * DAY <= as_of().timestamp() / 60);
        c.text(if owes_receipt(s) && long_ago { "YES" } else { "" });
    }),
    ("invoice_right", |s, c| {
        let billed = s.cost.filter(|_| owes_receipt(s));
        let right = billed.map(|cost| cost.is_as_rated() && !drawn(s, 5, INVOICE_WRONG));
        c.text(right.map_or("", |right| if right { "YES" } else { "NO" }));
    }),
    ("notice_expected", |s, c| c.text(if owes_receipt(s) { "YES" } else { "" })),
    ("delay_noticed_at", |s, c| {
        let Some((_, end)) = s.delivery_window else { return };
        let late = s.arrived.is_some_and(|(at, _)| at > end + 15);
        c.at((late && owes_receipt(s) && drawn(s, 6, ANNOUNCED)).then_some(end - 90));
    }),
    ("transit_standard_days", |s, c| c.number(s.lane.map(|lane| i64::from(lane.transit_days)))),
    ("co2e_kg", |s, c| {
        let grams = emission_grams(s);
        c.cents(grams.map(|grams| grams / 10));
    }),
    ("emission_distance_km", |s, c| {
        c.number(emission_grams(s).and(s.lane).map(|lane| shortest_km(lane.km)));
    }),
    ("emission_data", |s, c| {
        // Some carriers measure, some model, the small ones are given a default.
        let data = s.partner.map(|partner| match seed(partner.code) % 3 {
            0 => "PRIMARY",
            1 => "MODELLED",
            _ => "DEFAULT",
        });
        c.text(emission_grams(s).and(data).unwrap_or(""));
    }),
    ("statuses", |s, c| c.number(is_told(s).then_some(MESSAGES))),
    ("statuses_refused", |s, c| {
        c.number(is_told(s).then(|| i64::from(drawn(s, 8, REFUSED))));
    }),
    ("statuses_corrected", |s, c| {
        c.number(is_told(s).then(|| i64::from(drawn(s, 9, CORRECTED))));
    }),
    ("invoiced", |s, c| c.day(payment(s).map(|(invoiced, _)| invoiced))),
    ("paid", |s, c| c.day(payment(s).map(|(_, paid)| paid))),
];

/// Messages of a load with appointments, and how many of ten thousand loads have one that is refused or corrected.
const MESSAGES: i64 = 4;
const REFUSED: u64 = 140;
const CORRECTED: u64 = 260;
/// Full trucks whose payment the feed tells of, per ten thousand.
const PAID: u64 = 2_000;
/// Days from the delivery to the invoice.
const INVOICE_AFTER: i64 = 4;

/// Whether the feed says how good the messages of a load were.
fn is_told(shipment: &Shipment) -> bool {
    let reports = shipment.partner.is_some_and(|partner| partner.conduct.reports);
    reports && owes_receipt(shipment) && shipment.delivered.is_some()
}

/// Days of invoice and payment, where the feed tells of them and it was paid.
fn payment(shipment: &Shipment) -> Option<(NaiveDate, NaiveDate)> {
    let is_truck = shipment.lane.is_some_and(|lane| lane.mode == Mode::Truckload);
    let (delivered, _) = shipment.delivered.filter(|_| is_truck && drawn(shipment, 7, PAID))?;
    let invoiced = delivered.div_euclid(DAY) + INVOICE_AFTER;
    let paid = invoiced + 24 + i64::try_from(draw(shipment, 10) % 21).unwrap_or(0);
    let day = |day: i64| i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days);
    Some((day(invoiced)?, day(paid).filter(|paid| *paid <= as_of().date_naive())?))
}

/// Freight with an appointment is signed for.
pub(super) fn owes_receipt(shipment: &Shipment) -> bool {
    shipment.lane.is_some_and(|lane| lane.mode.is_tendered()) && shipment.cancelled_at.is_none()
}

/// Grams of CO2e of a delivered shipment: grams a tonne-kilometre by mode and carrier, over the shortest distance.
fn emission_grams(shipment: &Shipment) -> Option<i64> {
    let (lane, partner) = (shipment.lane?, shipment.partner?);
    shipment.delivered?;
    let by_mode = match lane.mode {
        Mode::Truckload => 72,
        Mode::Ltl => 105,
        Mode::Parcel => 190,
        Mode::LastMile => 240,
    };
    let by_carrier = by_mode + i64::try_from(seed(partner.code) % 30).unwrap_or(0);
    // Hectograms times kilometres are ten thousandths of a tonne-kilometre.
    Some(by_carrier * shipment.weight_hg * shortest_km(lane.km) / 10_000)
}

fn shortest_km(km: i64) -> i64 {
    km * SHORTEST_PERCENT / 100
}

pub(super) fn missed(per_whole: i64) -> u64 {
    u64::try_from(WHOLE - per_whole).unwrap_or(0)
}

pub(super) fn drawn(shipment: &Shipment, salt: u64, chance: u64) -> bool {
    draw(shipment, salt) % 10_000 < chance
}

pub(super) fn draw(shipment: &Shipment, salt: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(shipment.reference.as_bytes(), salt)
}

pub(super) fn seed(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}
