//! What a shipment costs, by the contract and on the invoice. Amounts are cents of a US dollar.

use chrono::NaiveDate;

use super::dice::{Dice, WHOLE};
use super::network::{Conduct, Lane, Mode};
use super::season::fuel_bps;
use super::table::Column;

/// An accessorial: its code in the contract, what it usually comes to, and how often in comparison.
struct Extra {
    code: &'static str,
    cents: i64,
    weight: i64,
}

const fn extra(code: &'static str, cents: i64, weight: i64) -> Extra {
    Extra { code, cents, weight }
}

const TRUCKLOAD_EXTRAS: [Extra; 3] =
    [extra("DTU", 14_000, 5), extra("UNL", 19_500, 3), extra("LAY", 27_500, 1)];
const LTL_EXTRAS: [Extra; 3] = [extra("LFT", 7_500, 4), extra("RES", 9_500, 2), extra("APT", 3_500, 3)];
const PARCEL_EXTRAS: [Extra; 3] = [extra("RES", 560, 5), extra("020", 1_850, 1), extra("SAT", 640, 2)];
const LAST_MILE_EXTRAS: [Extra; 2] = [extra("RCL", 1_250, 3), extra("IDL", 3_600, 1)];

/// The usual linehaul of a shipment before a partner's own price level.
fn usual_linehaul(lane: &Lane, kg: i64) -> i64 {
    match lane.mode {
        Mode::Truckload => 12_000 + lane.km * 136,
        Mode::Ltl => 5_500 + lane.km * kg / 25,
        Mode::Parcel => 640 + kg * 36 + lane.km / 4,
        Mode::LastMile => 1_750 + kg * 21,
    }
}

/// What one load of a lane costs with a partner, linehaul and fuel, for its capacity commitment.
pub(super) fn planned_cost(lane: &Lane, conduct: &Conduct, day: NaiveDate) -> i64 {
    let kg = match lane.mode {
        Mode::Truckload => 15_000,
        Mode::Ltl => 520,
        Mode::Parcel => 6,
        Mode::LastMile => 45,
    };
    let linehaul = usual_linehaul(lane, kg) * conduct.price / 100;
    linehaul + linehaul * fuel_bps(day) / WHOLE
}

/// The amounts of one shipment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Billed.
    pub linehaul: i64,
    /// By the contract.
    pub rated_linehaul: i64,
    /// Billed as agreed.
    pub fuel: i64,
    /// Billed as agreed; none when nothing extra happened.
    pub extra: Option<(&'static str, i64)>,
}

impl Cost {
    pub(super) fn roll(lane: &Lane, conduct: &Conduct, kg: i64, day: NaiveDate, dice: &mut Dice) -> Self {
        let rated_linehaul = dice.around(usual_linehaul(lane, kg) * conduct.price / 100, 4);
        let over = if dice.chance(conduct.overbilled) { dice.between(250, 900) } else { 0 };
        let extra = dice.chance(conduct.accessorials).then(|| {
            let extras: &[Extra] = match lane.mode {
                Mode::Truckload => &TRUCKLOAD_EXTRAS,
                Mode::Ltl => &LTL_EXTRAS,
                Mode::Parcel => &PARCEL_EXTRAS,
                Mode::LastMile => &LAST_MILE_EXTRAS,
            };
            let chosen = extras.get(dice.weighted(extras.iter().map(|extra| extra.weight)));
            let (code, cents) = chosen.map_or(("DTU", 0), |extra| (extra.code, extra.cents));
            (code, dice.around(cents * conduct.accessorial_size / 100, 30))
        });
        Self {
            linehaul: rated_linehaul + rated_linehaul * over / WHOLE,
            rated_linehaul,
            fuel: rated_linehaul * fuel_bps(day) / WHOLE,
            extra,
        }
    }

    /// Accessorials billed; 0 when the invoice has none.
    pub(super) fn accessorial(&self) -> i64 {
        self.extra.map_or(0, |(_, cents)| cents)
    }

    /// The whole by the contract.
    pub(super) fn rated(&self) -> i64 {
        self.rated_linehaul + self.fuel + self.accessorial()
    }

    /// The invoice lines, with what the contract says.
    pub(super) fn lines(&self, partner: &'static str, shipment: &str, on: NaiveDate) -> Vec<Charge> {
        let line = |number: u8, code, category, amount, rated| Charge {
            partner,
            shipment: shipment.to_owned(),
            reference: format!("{shipment}-{number}"),
            code,
            category,
            amount,
            rated,
            on,
        };
        let mut lines = vec![
            line(1, "400", "LINEHAUL", self.linehaul, self.rated_linehaul),
            line(2, "405", "FUEL", self.fuel, self.fuel),
        ];
        lines.extend(self.extra.map(|(code, cents)| line(3, code, "ACCESSORIAL", cents, cents)));
        lines
    }
}

/// One invoice line.
pub(super) struct Charge {
    partner: &'static str,
    shipment: String,
    reference: String,
    code: &'static str,
    category: &'static str,
    amount: i64,
    rated: i64,
    on: NaiveDate,
}

/// Columns of the charges file.
pub(super) const COLUMNS: &[Column<Charge>] = &[
    ("partner", |r, c| c.text(r.partner)),
    ("shipment", |r, c| c.text(&r.shipment)),
    ("reference", |r, c| c.text(&r.reference)),
    ("code", |r, c| c.text(r.code)),
    ("category", |r, c| c.text(r.category)),
    ("amount", |r, c| c.cents(r.amount)),
    ("rated_amount", |r, c| c.cents(r.rated)),
    ("currency", |_, c| c.text("USD")),
    ("charged_on", |r, c| c.day(r.on)),
];
