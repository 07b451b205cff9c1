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

/// Invoices with too much linehaul that name a heavier band, per ten thousand.
const REWEIGHED: i64 = 4_000;

/// A lane on which the partner that bills line by line goes by a dearer tariff than its contract has: a mistake that
/// shows on every load, unlike the others here. Per ten thousand more than agreed.
const OTHER_TARIFF: (&str, i64) = ("LAX-PHX", 300);
/// The carrier's own words for accessorials, which that partner writes on every other invoice.
const OWN_CODES: [(&str, &str); 3] = [("DTU", "DET UNLD"), ("UNL", "LUMPER"), ("LAY", "NGT")];

const TRUCKLOAD_EXTRAS: [Extra; 3] =
    [extra("DTU", 14_000, 5), extra("UNL", 19_500, 3), extra("LAY", 27_500, 1)];
const LTL_EXTRAS: [Extra; 3] = [extra("LFT", 7_500, 4), extra("RES", 9_500, 2), extra("APT", 3_500, 3)];
const PARCEL_EXTRAS: [Extra; 3] = [extra("RES", 560, 5), extra("020", 1_850, 1), extra("SAT", 640, 2)];
const LAST_MILE_EXTRAS: [Extra; 2] = [extra("RCL", 1_250, 3), extra("IDL", 3_600, 1)];

/// Upper ends of the weight bands that contracts price by, in kilograms; what is heavier is in the last one.
pub(super) const fn band_tops_kg(mode: Mode) -> &'static [i64] {
    match mode {
        Mode::Truckload => &[20_000],
        Mode::Ltl => &[150, 250, 350, 450, 550, 650, 750, 850, 1_000],
        Mode::Parcel => &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15],
        Mode::LastMile => &[10, 20, 30, 40, 50, 60, 75, 100],
    }
}

/// What the contract charges for a band, in cents: the one definition of the tables and of the invoices.
pub(super) fn linehaul_of_band(lane: &Lane, top_kg: i64, price_percent: i64) -> i64 {
    usual_linehaul(lane, top_kg) * price_percent / 100
}

/// The band of a weight, as its place in [`band_tops_kg`].
fn band_of(mode: Mode, weight_hg: i64) -> usize {
    let tops = band_tops_kg(mode);
    tops.iter().position(|top| weight_hg <= *top * 10).unwrap_or(tops.len().saturating_sub(1))
}

/// What the contract charges in a band, in cents; above the last band what the last one costs.
fn agreed_linehaul(lane: &Lane, band: usize, price_percent: i64) -> i64 {
    let tops = band_tops_kg(lane.mode);
    let top = tops.get(band).or(tops.last()).copied().unwrap_or(0);
    linehaul_of_band(lane, top, price_percent)
}

/// The usual linehaul of a shipment before a partner's own price level.
fn usual_linehaul(lane: &Lane, kg: i64) -> i64 {
    match lane.mode {
        Mode::Truckload => 12_000 + lane.km * 136,
        Mode::Ltl => 5_500 + lane.km * kg / 25,
        Mode::Parcel => 640 + kg * 36 + lane.km / 4,
        Mode::LastMile => 1_750 + kg * 21,
    }
}

/// The usual linehaul of a full truck, in cents: what the market is measured around.
pub(super) fn usual_truckload(lane: &Lane) -> i64 {
    usual_linehaul(lane, 15_000)
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
    pub(super) fn roll(
        lane: &Lane,
        conduct: &Conduct,
        weight_hg: i64,
        day: NaiveDate,
        dice: &mut Dice,
    ) -> Self {
        let band = band_of(lane.mode, weight_hg);
        let rated_linehaul = agreed_linehaul(lane, band, conduct.price);
        // Two ways to bill too much: a band too high, or a price that was never agreed.
        let (reweighed, bands) = (dice.chance(REWEIGHED), dice.between(1, 2));
        let linehaul = if dice.chance(conduct.overbilled) {
            let share = dice.between(250, 900);
            let heavier = band.saturating_add(usize::try_from(bands).unwrap_or(1));
            match agreed_linehaul(lane, heavier, conduct.price) {
                dearer if reweighed && dearer > rated_linehaul => dearer,
                _ => rated_linehaul + rated_linehaul * share / WHOLE,
            }
        } else {
            rated_linehaul
        };
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
        Self { linehaul, rated_linehaul, fuel: rated_linehaul * fuel_bps(day) / WHOLE, extra }
    }

    /// Whether the linehaul is billed as it was agreed.
    pub(super) fn is_as_rated(&self) -> bool {
        self.linehaul == self.rated_linehaul
    }

    /// Accessorials billed; 0 when the invoice has none.
    pub(super) fn accessorial(&self) -> i64 {
        self.extra.map_or(0, |(_, cents)| cents)
    }

    /// The whole by the contract.
    pub(super) fn rated(&self) -> i64 {
        self.rated_linehaul + self.fuel + self.accessorial()
    }

    /// The bill of the partner that sends its invoices line by line, where that differs.
    pub(super) fn by_own_tariff(mut self, lane: &Lane) -> Self {
        if lane.code == OTHER_TARIFF.0 {
            self.linehaul += self.rated_linehaul * OTHER_TARIFF.1 / WHOLE;
        }
        self
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
        lines.extend(
            self.extra.map(|(code, cents)| line(3, written(code, shipment), "ACCESSORIAL", cents, cents)),
        );
        lines
    }
}

/// The code as the partner that bills line by line writes it.
pub(super) fn written(code: &'static str, shipment: &str) -> &'static str {
    let own_words = shipment.ends_with(['1', '3', '5', '7', '9']);
    match OWN_CODES.iter().find(|(of, _)| *of == code) {
        Some((_, own)) if own_words => own,
        _ => code,
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
