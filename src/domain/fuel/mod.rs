//! Fuel surcharge programmes: which index price holds on a day, and what it makes of the charges (DOMAIN §3.8).

mod price;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::exact::{Ratio, RoundMode, Rounding};
use super::field::{FieldErrors, codes, require};
use super::money::Micros;
use super::words;

pub use price::{BadFuelPrice, FuelPrice, FuelPrices, FuelQuote, publication_day};

/// Brackets one table may have.
pub const FUEL_BRACKETS_MAX: usize = 2_000;
/// Highest price, charge per distance unit, or percentage points.
const VALUE_MAX: Micros = Micros(1_000_000_000);
/// A thousandth: prices are compared, and formulas rounded, at three decimals.
pub(super) const THOUSANDTH: i64 = 1_000;

codes! {
    /// What the value of a programme multiplies.
    FuelBasis, "fuel basis" {
        /// Percentage points of the charges fuel applies to.
        PctOfBase = "PCT_OF_BASE", "% of the charges it applies to";
        /// Amount per mile or kilometre.
        PerDistance = "PER_DISTANCE", "per unit of distance";
    }
}

/// One row of a fuel table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuelBracket {
    /// Lowest price, included.
    pub from: Micros,
    /// First price no longer in it; open when none.
    #[serde(default)]
    pub to: Option<Micros>,
    /// Percentage points, or amount per unit of distance.
    pub value: Micros,
}

/// How a price becomes a surcharge. The two methods differ, so a contract must name one (DOMAIN R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum FuelMethod {
    /// Looked up; brackets in rising order.
    Table {
        /// The rows.
        brackets: Vec<FuelBracket>,
    },
    /// `(index − peg) ÷ mpg`, at least 0, to three decimals.
    Formula {
        /// Price at which nothing is charged.
        peg: Micros,
        /// Distance per unit of fuel.
        mpg: Micros,
    },
}

/// A fuel surcharge of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuelProgramme {
    /// Charge code on the line, usually `405`.
    pub code: String,
    /// The words on the line.
    pub label: String,
    /// Which price series.
    pub index: String,
    /// Table or formula; a draft may not have decided yet.
    #[serde(default)]
    pub method: Option<FuelMethod>,
    /// What the value multiplies.
    pub basis: FuelBasis,
    /// Days after publication until a price is in force.
    #[serde(default = "FuelProgramme::usual_lag")]
    pub effective_days: u32,
    /// Days from one publication to the next; a price in force for longer is carried and flagged.
    #[serde(default = "FuelProgramme::usual_cadence")]
    pub cadence_days: u32,
    /// Least value, in the unit of the method's.
    #[serde(default)]
    pub floor: Option<Micros>,
    /// Most, in the unit of the method's.
    #[serde(default)]
    pub cap: Option<Micros>,
    /// Charge codes it applies to beside linehaul and the charges flagged themselves.
    #[serde(default)]
    pub applies_to: Vec<String>,
    /// First day, if not the contract's.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// First day no longer, if not the contract's.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// Currency of its amounts and prices; the contract's when none is given.
    #[serde(default)]
    pub currency: Option<Currency>,
}

impl FuelProgramme {
    /// In force the day after publication.
    const fn usual_lag() -> u32 {
        1
    }

    /// Published weekly.
    const fn usual_cadence() -> u32 {
        7
    }

    /// Whether it holds on `day`.
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day < to)
    }

    /// Whether both charge under one code on some day, so that fuel would be charged twice.
    #[must_use]
    pub fn charges_with(&self, other: &Self) -> bool {
        let starts = |one: &Self| one.valid_from.unwrap_or(NaiveDate::MIN);
        let ends = |one: &Self| one.valid_to.unwrap_or(NaiveDate::MAX);
        self.code.trim().eq_ignore_ascii_case(other.code.trim())
            && starts(self) < ends(other)
            && starts(other) < ends(self)
    }

    /// Problems of the programme, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fine = (1..=super::accessorial::CODE_CHARS_MAX).contains(&self.code.len());
        require(e, fine, "code", "write the code of the charge line in 1 to 8 characters, such as 405");
        require(e, !self.label.trim().is_empty(), "label", "name the surcharge");
        require(e, !self.index.trim().is_empty(), "index", "name the price series it follows");
        require(
            e,
            self.effective_days <= 60,
            "effective_days",
            "prices are in force at most 60 days after publication",
        );
        let fine = (1..=400).contains(&self.cadence_days);
        require(e, fine, "cadence_days", "publications are between 1 and 400 days apart");
        let good = |bound: Option<Micros>| bound.is_none_or(|b| Micros::ZERO <= b && b <= VALUE_MAX);
        require(e, good(self.floor), "floor", "must be between 0 and 1,000");
        require(e, good(self.cap), "cap", "must be between 0 and 1,000");
        let fine = self.floor.zip(self.cap).is_none_or(|(floor, cap)| floor <= cap);
        require(e, fine, "cap", "is below the floor; raise it or lower the floor");
        let fine = self.valid_from.zip(self.valid_to).is_none_or(|(from, to)| from < to);
        require(e, fine, "valid_to", "ends before it starts; choose a later day");
        match &self.method {
            Some(FuelMethod::Formula { peg, mpg }) => {
                let fine = Micros::ZERO <= *peg && *peg <= VALUE_MAX;
                require(e, fine, "peg", "must be between 0 and 1,000");
                let fine = mpg.0 > 0 && *mpg <= VALUE_MAX;
                require(e, fine, "mpg", "the formula divides by it, so it must be above 0, such as 6.0");
            }
            Some(FuelMethod::Table { brackets }) => validate_table(brackets, e),
            None => {}
        }
        errors
    }

    /// The value at a price: percentage points or amount per unit of distance, floor and cap applied.
    /// None when no method is named or the table has no row for the price.
    #[must_use]
    pub fn value_at(&self, price: Micros) -> Option<Micros> {
        let value = match self.method.as_ref()? {
            FuelMethod::Table { brackets } => {
                let price = price_at_three(price)?;
                let after = brackets.partition_point(|bracket| bracket.from <= price);
                let bracket = brackets.get(after.checked_sub(1)?)?;
                bracket.to.is_none_or(|to| price < to).then_some(bracket.value)?
            }
            FuelMethod::Formula { peg, mpg } => {
                let over = (price - *peg).max(Micros::ZERO);
                let exact = Ratio::from(over).times(super::exact::ONE, i128::from(mpg.0))?;
                exact.round(RoundMode::Nearest, THOUSANDTH)?
            }
        };
        let value = self.floor.map_or(value, |floor| value.max(floor));
        Some(self.cap.map_or(value, |cap| value.min(cap)))
    }

    /// Method and basis in words: `(index − 1.20) ÷ 6.00 per unit of distance`.
    #[must_use]
    pub fn text(&self) -> String {
        let how = match &self.method {
            None => "no method chosen".to_owned(),
            Some(FuelMethod::Table { brackets }) => {
                let rows = i64::try_from(brackets.len()).unwrap_or(i64::MAX);
                format!("table of {}", words::count(rows, "row"))
            }
            Some(FuelMethod::Formula { peg, mpg }) => {
                format!("(index − {}) ÷ {}", words::amount(*peg), words::quantity(*mpg))
            }
        };
        let lag = words::count(i64::from(self.effective_days), "day");
        format!("{how} {}, {} in force {lag} after publication", self.basis.label(), self.index)
    }
}

/// Rows that step up evenly: `step` more fuel price adds `increment`, from `peg` on, for `rows` rows.
/// Below the peg the value is 0; the last row is open.
#[must_use]
pub fn stepped_table(peg: Micros, step: Micros, increment: Micros, rows: u16) -> Vec<FuelBracket> {
    let at = |row: i64| Micros(peg.0.saturating_add(step.0.saturating_mul(row)));
    let last = i64::from(rows);
    let mut table = vec![FuelBracket { from: Micros::ZERO, to: Some(at(1)), value: Micros::ZERO }];
    table.extend((1..=last).map(|row| FuelBracket {
        from: at(row),
        to: (row < last).then(|| at(row + 1)),
        value: Micros(increment.0.saturating_mul(row)),
    }));
    table
}

fn validate_table(brackets: &[FuelBracket], e: &mut FieldErrors) {
    let fine = (1..=FUEL_BRACKETS_MAX).contains(&brackets.len());
    require(e, fine, "brackets", "list between 1 and 2,000 rows");
    let price = |value: Micros| words::fixed(value.decimal(), 3);
    let mut say = |row: usize, message: String| e.push((format!("brackets[{row}]"), message));
    for (bracket, row) in brackets.iter().zip(1..) {
        let whole = |value: Micros| value.0 % THOUSANDTH == 0 && Micros::ZERO <= value && value <= VALUE_MAX;
        if !whole(bracket.from) || !bracket.to.is_none_or(whole) {
            say(row, "prices have three decimals and lie between 0 and 1,000".to_owned());
        }
        if !(Micros::ZERO <= bracket.value && bracket.value <= VALUE_MAX) {
            say(row, format!("the value {} is not between 0 and 1,000", words::amount(bracket.value)));
        }
        if let Some(to) = bracket.to.filter(|to| *to <= bracket.from) {
            say(row, format!("runs from {} to {}; the end must be higher", price(bracket.from), price(to)));
        }
    }
    for ((a, b), row) in brackets.iter().zip(brackets.iter().skip(1)).zip(2..) {
        match a.to {
            Some(to) if to < b.from => say(
                row,
                format!(
                    "no row holds prices from {} to {}; a row ends where the next begins",
                    price(to),
                    price(b.from)
                ),
            ),
            Some(to) if to == b.from => {}
            _ => say(row, format!("starts at {}, inside the row before it", price(b.from))),
        }
    }
}

/// The surcharge on charges or distance, before rounding to money.
#[must_use]
pub fn surcharge(basis: FuelBasis, value: Micros, of: Micros) -> Option<Ratio> {
    match basis {
        FuelBasis::PctOfBase => Ratio::product(value, of).times(1, 100),
        FuelBasis::PerDistance => Some(Ratio::product(value, of)),
    }
}

/// Three decimals, for prices.
#[must_use]
pub fn price_at_three(price: Micros) -> Option<Micros> {
    if price.0 % THOUSANDTH == 0 {
        return Some(price);
    }
    Rounding { mode: RoundMode::Nearest, step: Micros(THOUSANDTH) }.apply(price)
}
