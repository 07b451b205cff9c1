//! Invoices of two partners over the last weeks: most as agreed, some with each kind of mistake an audit finds.
//!
//! Drawn from the reference of the shipment, so that nothing else of the network moves when this changes.

use chrono::{Days, NaiveDate};

use super::AS_OF_DAY;
use super::money::{Cost, written};
use super::network::{COSTLY, Lane, SLIPPING};
use super::season::{DAY, date};
use super::shipments::Shipment;
use super::table::Column;

/// Days before the demo's day in which what was delivered is billed here.
const BILLED_DAYS: u64 = 45;
/// Days from the delivery to the invoice, to its receipt, and to the receipt of one that is late.
const ISSUED: u64 = 2;
const RECEIVED: u64 = 4;
const RECEIVED_LATE: u64 = 19;
/// Days from an invoice to the second one for the same, and to a credit note.
const AGAIN: u64 = 9;
const CREDITED: u64 = 12;
/// Draws in ten thousand: late, billed again, a reference that leads nowhere, tax that is not owed, a longer way.
const LATE: u64 = 400;
const TWICE: u64 = 150;
const LOST: u64 = 100;
const TAXED: u64 = 100;
const LONGER: u64 = 200;
/// Of too much linehaul, so much is credited later.
const CREDIT: u64 = 3_000;

/// One line of an invoice.
pub(super) struct Line {
    partner: &'static str,
    number: String,
    kind: &'static str,
    corrects: String,
    issued_on: NaiveDate,
    received_on: NaiveDate,
    shipment: String,
    code: &'static str,
    category: &'static str,
    kilometres: Option<i64>,
    amount: i64,
    tax: i64,
}

/// The invoices for a shipment that have come in by the demo's day; none for most partners.
pub(super) fn of(shipment: &Shipment, lane: &Lane, cost: Option<Cost>) -> Vec<Line> {
    let (Some(partner), Some(cost), Some((at, _))) = (shipment.partner, cost, shipment.delivered) else {
        return Vec::new();
    };
    let today = date(AS_OF_DAY);
    let delivered =
        i32::try_from(at.div_euclid(DAY)).ok().and_then(NaiveDate::from_epoch_days).unwrap_or(today);
    let billed_since = today.checked_sub_days(Days::new(BILLED_DAYS)).unwrap_or(today);
    if ![COSTLY, SLIPPING].contains(&partner.code) || delivered < billed_since {
        return Vec::new();
    }
    let drawn = |salt: u64, chance: u64| draw(&shipment.reference, salt) % 10_000 < chance;
    let after = |days: u64| delivered.checked_add_days(Days::new(days)).unwrap_or(delivered);
    let received = if drawn(1, LATE) { RECEIVED_LATE } else { RECEIVED };
    let number = format!("{}-{}", partner.code, shipment.reference);
    let named = if drawn(3, LOST) { format!("{}0", shipment.reference) } else { shipment.reference.clone() };
    let extra = |km: i64| if drawn(5, LONGER) { km + km / 20 } else { km };
    let bill = |number: &str, days: u64| {
        let line = |code, category, amount, kilometres, tax| Line {
            partner: partner.code,
            number: number.to_owned(),
            kind: "ORIGINAL",
            corrects: String::new(),
            issued_on: after(ISSUED + days),
            received_on: after(received + days),
            shipment: named.clone(),
            code,
            category,
            kilometres,
            amount,
            tax,
        };
        let longer = extra(lane.km);
        let linehaul = cost.linehaul * longer / lane.km.max(1);
        let tax = if drawn(4, TAXED) { cost.linehaul / 50 } else { 0 };
        let mut lines = vec![
            line("400", "LINEHAUL", linehaul, Some(longer), tax),
            line("405", "FUEL", cost.fuel, None, 0),
        ];
        lines.extend(cost.extra.map(|(code, cents)| {
            let code = if partner.code == COSTLY { written(code, &shipment.reference) } else { code };
            line(code, "ACCESSORIAL", cents, None, 0)
        }));
        lines
    };
    let mut found = bill(&number, 0);
    if drawn(2, TWICE) {
        found.extend(bill(&format!("{number}-R"), AGAIN));
    }
    if cost.linehaul > cost.rated_linehaul && drawn(6, CREDIT) {
        found.push(Line {
            partner: partner.code,
            number: format!("{number}-CR"),
            kind: "CREDIT",
            corrects: number,
            issued_on: after(ISSUED + CREDITED),
            received_on: after(received + CREDITED),
            shipment: named,
            code: "400",
            category: "LINEHAUL",
            kilometres: None,
            amount: cost.rated_linehaul - cost.linehaul,
            tax: 0,
        });
    }
    found.retain(|line| line.received_on <= today);
    found
}

fn draw(reference: &str, salt: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(reference.as_bytes(), 100 + salt)
}

/// Columns of the invoices file.
pub(super) const COLUMNS: &[Column<Line>] = &[
    ("partner", |r, c| c.text(r.partner)),
    ("invoice", |r, c| c.text(&r.number)),
    ("kind", |r, c| c.text(r.kind)),
    ("corrects", |r, c| c.text(&r.corrects)),
    ("issued_on", |r, c| c.day(r.issued_on)),
    ("received_on", |r, c| c.day(r.received_on)),
    ("currency", |_, c| c.text("USD")),
    ("shipment", |r, c| c.text(&r.shipment)),
    ("code", |r, c| c.text(r.code)),
    ("category", |r, c| c.text(r.category)),
    ("quantity", |r, c| c.number(r.kilometres)),
    ("unit", |r, c| c.text(if r.kilometres.is_some() { "KM" } else { "" })),
    ("amount", |r, c| c.cents(r.amount)),
    ("tax", |r, c| c.cents((r.tax != 0).then_some(r.tax))),
];
