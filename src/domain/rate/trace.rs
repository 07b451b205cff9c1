//! Every step of a rating: nothing when nobody asks, otherwise values that read as sentences.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::{Axis, Lane, RatingDate};
use crate::domain::accessorial::charge::Withheld;
use crate::domain::currency::Currency;
use crate::domain::fuel::FuelBasis;
use crate::domain::money::{Bps, Micros};
use crate::domain::quantity::{ChargeUnit, WeightUnit};
use crate::domain::words::{self, amount as a, quantity as n};

/// Receives the steps of a rating.
pub trait Trace<'a> {
    /// One more step; an uninterested sink never makes it.
    fn step(&mut self, step: impl FnOnce() -> Step<'a>);
}

/// Nobody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl<'a> Trace<'a> for NoTrace {
    fn step(&mut self, _: impl FnOnce() -> Step<'a>) {}
}

/// Keeps every step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps<'a>(pub Vec<Step<'a>>);

impl<'a> Trace<'a> for Steps<'a> {
    fn step(&mut self, step: impl FnOnce() -> Step<'a>) {
        self.0.push(step());
    }
}

/// One step in words, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// Step of DOMAIN §3.4, 1 to 10.
    pub stage: u8,
    /// The sentence.
    pub text: String,
}

impl Steps<'_> {
    /// The steps in words. Lane and line come first, as DOMAIN §3.4 has them: the engine weighs before it looks for
    /// them, since an agreement not to price a shipment may ask for its weight.
    #[must_use]
    pub fn lines(&self) -> Vec<TraceLine> {
        let mut steps: Vec<&Step<'_>> = self.0.iter().collect();
        steps.sort_by_key(|step| step.stage() > 1);
        steps.into_iter().map(|step| TraceLine { stage: step.stage(), text: step.text() }).collect()
    }
}

/// The part of an axis a value fell into; upper end open when none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandHit {
    /// The axis.
    pub axis: Axis,
    /// Lower end as written.
    pub lower: Micros,
    /// Upper end as written.
    pub upper: Option<Micros>,
}

/// One step with the values it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence of each variant, in `text`, says what its fields are")]
pub enum Step<'a> {
    /// The day that decides.
    Day { which: RatingDate, day: NaiveDate },
    /// The lane.
    Lane(&'a Lane),
    /// The rate line.
    Line { code: &'a str, label: &'a str, from: Option<NaiveDate>, to: Option<NaiveDate> },
    /// Billed weight.
    Weight { actual: Micros, by_size: Option<Micros>, billed: Micros, unit: WeightUnit },
    /// A rule of size without a size.
    NoSize,
    /// Billed distance.
    Distance { measured: Micros, billed: Micros, unit: ChargeUnit },
    /// The class is rated as another.
    Class { actual: &'a str, rated_as: &'a str },
    /// The row of the table.
    Cell { column: &'a str, first: Option<BandHit>, second: Option<BandHit>, rate: Micros, published: Micros },
    /// Above the table.
    Above { column: &'a str, rate: Micros },
    /// Gross charge.
    Gross { quantity: Micros, unit: ChargeUnit, rate: Micros, amount: Micros },
    /// The cell's minimum.
    CellMinimum { amount: Micros },
    /// Cheaper at a higher break.
    Deficit { own: Micros, weight: Micros, unit: WeightUnit, amount: Micros },
    /// Deficit weight at the lowest-rated article's rate.
    DeficitWeight { weight: Micros, rate: Micros, amount: Micros },
    /// No higher break is cheaper.
    NoDeficit { own: Micros },
    /// Discount.
    Discount { share: Bps, gross: Micros, net: Micros },
    /// A minimum.
    Minimum { absolute: bool, before: Micros, amount: Micros, applies: bool },
    /// A maximum.
    Maximum { before: Micros, amount: Micros },
    /// So many pieces of the same.
    Pieces { count: i64, one: Micros },
    /// An accessorial.
    Accessorial {
        code: &'a str,
        label: &'a str,
        quantity: Micros,
        unit: ChargeUnit,
        rate: Micros,
        discount: Bps,
        amount: Micros,
    },
    /// A cap took something off.
    Cap { code: &'a str, cap: Micros, left: Micros },
    /// An event is not charged.
    Withheld { code: &'a str, why: Withheld },
    /// The index price.
    FuelPrice {
        index: &'a str,
        published_on: NaiveDate,
        effective_from: NaiveDate,
        price: Micros,
        carried: bool,
    },
    /// The surcharge.
    Fuel { basis: FuelBasis, value: Micros, of: Micros, amount: Micros },
    /// Converted to the contract's currency.
    Converted {
        amount: Micros,
        from: Currency,
        to: Currency,
        rate: Decimal,
        valid_on: NaiveDate,
        result: Micros,
    },
    /// A tax.
    Tax { label: &'a str, share: Bps, of: Micros, amount: Micros },
    /// The sum.
    Total { lines: usize, total: Micros, currency: Currency },
}

impl BandHit {
    fn text(self) -> String {
        let axis = self.axis.label();
        match self.upper {
            Some(upper) => format!("{axis} {} to {}", n(self.lower), n(upper)),
            None => format!("{axis} from {}", n(self.lower)),
        }
    }
}

/// `10 hundredweight × 31.40`; a share reads `18.5 % of 15.37`.
fn times(quantity: Micros, unit: ChargeUnit, rate: Micros) -> String {
    match unit {
        ChargeUnit::Percent => format!("{} % of {}", n(rate), a(quantity)),
        _ => format!("{} {} × {}", n(quantity), unit.label(), a(rate)),
    }
}

impl Step<'_> {
    /// Step of DOMAIN §3.4.
    #[must_use]
    pub const fn stage(&self) -> u8 {
        match self {
            Self::Day { .. } | Self::Lane(_) | Self::Line { .. } => 1,
            Self::Weight { .. } | Self::NoSize | Self::Distance { .. } | Self::Class { .. } => 2,
            Self::Cell { .. }
            | Self::Above { .. }
            | Self::Gross { .. }
            | Self::CellMinimum { .. }
            | Self::Deficit { .. }
            | Self::DeficitWeight { .. }
            | Self::NoDeficit { .. } => 3,
            Self::Discount { .. } => 4,
            Self::Minimum { .. } | Self::Maximum { .. } | Self::Pieces { .. } => 5,
            Self::Accessorial { .. } | Self::Cap { .. } | Self::Withheld { .. } => 6,
            Self::FuelPrice { .. } | Self::Fuel { .. } => 7,
            Self::Tax { .. } => 9,
            Self::Converted { .. } | Self::Total { .. } => 10,
        }
    }

    /// The step in words.
    #[must_use]
    pub fn text(&self) -> String {
        match *self {
            Self::Day { which, day } => format!("Rated by the day of {}, {day}.", which.label()),
            Self::Lane(lane) => format!(
                "Lane {}: {} to {}, rate line {}.",
                lane.code,
                lane.origin.words(),
                lane.destination.words(),
                lane.line
            ),
            Self::Line { code, label, from, to } => {
                let from = from.map_or_else(String::new, |day| format!(", from {day}"));
                let to = to.map_or_else(String::new, |day| format!(", until before {day}"));
                format!("Rate line {code}, {label}{from}{to}.")
            }
            Self::Weight { actual, by_size, billed, unit } => {
                let size = by_size.map_or_else(String::new, |w| format!(", by size {}", n(w)));
                format!("Weight {} {}{size}: billed {}.", n(actual), unit.label(), n(billed))
            }
            Self::NoSize => {
                "The contract weighs by size too, but no sides are given: billed at the actual weight."
                    .to_owned()
            }
            Self::Distance { measured, billed, unit } => {
                format!("Distance {} {}: billed {}.", n(measured), unit.label(), n(billed))
            }
            Self::Class { actual, rated_as } => format!("Class {actual} is rated as {rated_as}."),
            Self::Cell { column, first, second, rate, published } => {
                let column = (!column.is_empty()).then(|| format!("column {column}"));
                let bands = [first, second].into_iter().flatten().map(BandHit::text);
                let row: Vec<String> = column.into_iter().chain(bands).collect();
                let row = if row.is_empty() { "the only row".to_owned() } else { row.join(", ") };
                let capped =
                    (rate != published).then(|| format!(", held by the price cap from {}", a(published)));
                format!("Table row: {row}: {}{}.", a(rate), capped.unwrap_or_default())
            }
            Self::Above { column, rate } => {
                format!("Above the table, column {column}: {} for each unit of weight.", a(rate))
            }
            Self::Gross { quantity, unit, rate, amount } => {
                format!("{} = {}.", times(quantity, unit, rate), a(amount))
            }
            Self::CellMinimum { amount } => format!("The row's minimum applies: {}.", a(amount)),
            Self::Deficit { own, weight, unit, amount } => {
                format!("Cheaper as {} {}: {} instead of {}.", n(weight), unit.label(), a(amount), a(own))
            }
            Self::DeficitWeight { weight, rate, amount } => {
                format!(
                    "Deficit weight {} at the lowest article rate {} = {}.",
                    n(weight),
                    a(rate),
                    a(amount)
                )
            }
            Self::NoDeficit { own } => format!("No higher break is cheaper than {}.", a(own)),
            Self::Discount { share, gross, net } => {
                format!("Discount {} off {}: {}.", words::percent(share), a(gross), a(net))
            }
            Self::Minimum { absolute, before, amount, applies } => {
                let name = if absolute { "Absolute minimum" } else { "Minimum" };
                let verdict = if applies { "applies" } else { "does not apply" };
                format!("{name} {} {verdict} to {}.", a(amount), a(before))
            }
            Self::Maximum { before, amount } => format!("Maximum {} applies to {}.", a(amount), a(before)),
            Self::Pieces { count, one } => format!("{} of {} each.", words::count(count, "piece"), a(one)),
            Self::Accessorial { code, label, quantity, unit, rate, discount, amount } => {
                let less = if discount.0 == 0 {
                    String::new()
                } else {
                    format!(", less {}", words::percent(discount))
                };
                format!("{label} ({code}): {}{less} = {}.", times(quantity, unit, rate), a(amount))
            }
            Self::Cap { code, cap, left } => format!("{code} is capped at {}: {} is left.", a(cap), a(left)),
            Self::Withheld { code, why } => format!("{code} is not charged: {why}."),
            Self::FuelPrice { index, published_on, effective_from, price, carried } => {
                let late =
                    if carried { "; a later price is due and missing, so this one is carried" } else { "" };
                format!(
                    "{index} {} of {published_on}, in force from {effective_from}{late}.",
                    words::fixed(price.decimal(), 3)
                )
            }
            Self::Fuel { basis: FuelBasis::PctOfBase, value, of, amount } => {
                format!("Fuel {} % of {} = {}.", n(value), a(of), a(amount))
            }
            Self::Fuel { basis: FuelBasis::PerDistance, value, of, amount } => {
                format!("Fuel {} × {} = {}.", n(of), a(value), a(amount))
            }
            Self::Converted { amount, from, to, rate, valid_on, result } => {
                format!("{from} {} at {rate} of {valid_on} = {to} {}.", a(amount), a(result))
            }
            Self::Tax { label, share, of, amount } => {
                format!("{label}: {} of {} = {}.", words::percent(share), a(of), a(amount))
            }
            Self::Total { lines, total, currency } => {
                let lines = i64::try_from(lines).unwrap_or(i64::MAX);
                format!("Total of {}: {currency} {}.", words::count(lines, "line"), a(total))
            }
        }
    }
}
