//! What the feed of the demo says of a delivery beyond times and amounts: receipts, proofs, notices and emissions.
//!
//! Drawn from the reference of the shipment, so that nothing else of the network moves when this changes.

use super::as_of;
use super::dice::WHOLE;
use super::network::Mode;
use super::season::DAY;
use super::shipments::Shipment;
use super::table::Column;

/// Receipts that name a fault of quantity, and of condition, per ten thousand.
const SHORT: u64 = 55;
const DAMAGED: u64 = 45;
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
];

/// Freight with an appointment is signed for.
fn owes_receipt(shipment: &Shipment) -> bool {
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

fn missed(per_whole: i64) -> u64 {
    u64::try_from(WHOLE - per_whole).unwrap_or(0)
}

fn drawn(shipment: &Shipment, salt: u64, chance: u64) -> bool {
    draw(shipment, salt) % 10_000 < chance
}

fn draw(shipment: &Shipment, salt: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(shipment.reference.as_bytes(), salt)
}

fn seed(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}
