//! Exact division of scaled integers, with the rounding named (DOMAIN §0.1). No float, no silent loss.
//!
//! The rating engine multiplies [`Micros`] in `i128` and divides once; the result is the same as with
//! `rust_decimal`, which a property test holds it to, at a tenth of the cost.

use serde::{Deserialize, Serialize};

use super::field::codes;
use super::money::Micros;

/// Millionths in one.
pub const ONE: i128 = 1_000_000;

codes! {
    /// Which neighbour a value between two steps goes to.
    RoundMode, "rounding mode" {
        /// To the next step, "or fraction".
        Up = "UP", "up";
        /// To the full step below.
        Down = "DOWN", "down";
        /// To the nearer step; a half goes away from zero.
        Nearest = "NEAREST", "to the nearest";
    }
}

/// How a measured quantity becomes a billed one: `up to the next 1`, `to the nearest 0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    /// Which neighbour.
    pub mode: RoundMode,
    /// The step; 0 leaves the quantity as measured.
    pub step: Micros,
}

impl Rounding {
    /// As measured.
    pub const NONE: Self = Self { mode: RoundMode::Nearest, step: Micros::ZERO };
    /// To the nearest whole unit, the rule for billed distance.
    pub const WHOLE: Self = Self { mode: RoundMode::Nearest, step: Micros(1_000_000) };
    /// Up to the next whole unit, the rule for billed parcel weight.
    pub const UP: Self = Self { mode: RoundMode::Up, step: Micros(1_000_000) };

    /// The quantity in whole steps; none when it does not fit.
    #[must_use]
    pub fn apply(self, value: Micros) -> Option<Micros> {
        if self.step.0 <= 0 { Some(value) } else { self.apply_ratio(Ratio::from(value)) }
    }

    /// The same from an exact ratio; six decimals where there is no step.
    #[must_use]
    pub fn apply_ratio(self, value: Ratio) -> Option<Micros> {
        if self.step.0 <= 0 {
            return value.round(RoundMode::Nearest, 1);
        }
        value.round(self.mode, self.step.0)
    }

    /// `up to the next 1`, `to the nearest 0.5`, `as measured`.
    #[must_use]
    pub fn text(self) -> String {
        let step = super::words::quantity(self.step);
        match self.mode {
            _ if self.step.0 <= 0 => "as measured".to_owned(),
            RoundMode::Up => format!("up to the next {step}"),
            RoundMode::Down => format!("down to the full {step}"),
            RoundMode::Nearest => format!("to the nearest {step}"),
        }
    }
}

/// An exact value of `over / under` millionths. `under` is positive.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    over: i128,
    under: i128,
}

impl From<Micros> for Ratio {
    fn from(value: Micros) -> Self {
        Self { over: i128::from(value.0), under: 1 }
    }
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self { over: 0, under: 1 };

    /// `rate × quantity`, exactly.
    #[must_use]
    pub fn product(rate: Micros, quantity: Micros) -> Self {
        Self { over: i128::from(rate.0) * i128::from(quantity.0), under: ONE }
    }

    /// Times `over / under`; none when it does not fit. `under` must be positive.
    #[must_use]
    pub fn times(self, over: i128, under: i128) -> Option<Self> {
        Some(Self { over: multiply(self.over, over)?, under: multiply(self.under, under)? })
    }

    /// The sum; none when it does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.over == 0 {
            return Some(other);
        }
        if self.under == other.under {
            return Some(Self { over: self.over.checked_add(other.over)?, under: self.under });
        }
        let (a, b) = (multiply(self.over, other.under)?, multiply(other.over, self.under)?);
        Some(Self { over: a.checked_add(b)?, under: multiply(self.under, other.under)? })
    }

    /// At least `floor`.
    #[must_use]
    pub fn at_least(self, floor: Micros) -> Self {
        if multiply(i128::from(floor.0), self.under).is_some_and(|floor| self.over < floor) {
            floor.into()
        } else {
            self
        }
    }

    /// At most `ceiling`.
    #[must_use]
    pub fn at_most(self, ceiling: Micros) -> Self {
        if multiply(i128::from(ceiling.0), self.under).is_some_and(|ceiling| self.over > ceiling) {
            ceiling.into()
        } else {
            self
        }
    }

    /// To whole multiples of `step` millionths; none when it does not fit.
    #[inline]
    #[must_use]
    pub fn round(self, mode: RoundMode, step: i64) -> Option<Micros> {
        let steps = divide(self.over, multiply(self.under, i128::from(step))?, mode)?;
        let value = multiply(steps, i128::from(step))?;
        i64::try_from(value).ok().map(Micros)
    }

    /// To money, half away from zero; `minor` is the currency's smallest unit in millionths.
    #[must_use]
    pub fn money(self, minor: i64) -> Option<Micros> {
        self.round(RoundMode::Nearest, minor)
    }
}

/// The product; none when it does not fit. Two 64-bit factors always do, which spares the check.
#[inline]
fn multiply(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

/// `over / under` to a whole number. `under` must be positive.
#[inline]
fn divide(over: i128, under: i128, mode: RoundMode) -> Option<i128> {
    let (whole, rest) = match (i64::try_from(over), i64::try_from(under)) {
        // Nearly every charge fits 64 bits, where division is many times faster.
        (Ok(over), Ok(under)) => {
            let whole = over.checked_div_euclid(under)?;
            (i128::from(whole), i128::from(over.wrapping_sub(whole.wrapping_mul(under))))
        }
        _ => (over.checked_div_euclid(under)?, over.checked_rem_euclid(under)?),
    };
    let up = match mode {
        RoundMode::Up => rest > 0,
        RoundMode::Down => false,
        // The floor of a negative half is the one farther from zero, so it stays.
        RoundMode::Nearest => rest > under - rest || (rest == under - rest && over > 0),
    };
    whole.checked_add(i128::from(up))
}

/// The smallest unit of a currency with that many minor digits, in millionths; digits beyond six count as six.
#[must_use]
pub fn minor_unit(minor_digits: u32) -> i64 {
    10_i64.pow(super::money::MICROS_SCALE.saturating_sub(minor_digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    #[test]
    fn rounds_halves_away_from_zero() {
        let cents = minor_unit(2);
        for (value, wanted) in
            [(5_000, 10_000), (-5_000, -10_000), (4_999, 0), (-4_999, 0), (-5_001, -10_000)]
        {
            assert_eq!(Ratio::from(Micros(value)).money(cents), Some(Micros(wanted)), "{value}");
        }
        assert_eq!(minor_unit(0), 1_000_000);
        assert_eq!(minor_unit(3), 1_000);
    }

    #[test]
    fn a_quantity_goes_to_its_step() {
        let up = |value| Rounding::UP.apply(Micros(value)).unwrap().0;
        assert_eq!((up(7_300_000), up(7_000_000), up(1)), (8_000_000, 7_000_000, 1_000_000));
        assert_eq!(Rounding::WHOLE.apply(Micros(612_400_000)), Some(Micros(612_000_000)));
        assert_eq!(Rounding::NONE.apply(Micros(612_400_000)), Some(Micros(612_400_000)));
        assert_eq!(Rounding::UP.text(), "up to the next 1");
    }

    proptest::proptest! {
        /// The integer path and `rust_decimal` agree to the cent.
        #[test]
        fn a_product_rounds_as_the_decimal_does(rate in -1_000_000_000_i64..1_000_000_000, quantity in 0_i64..100_000_000_000) {
            let exact = Micros(rate).decimal() * Micros(quantity).decimal();
            let wanted = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            let got = Ratio::product(Micros(rate), Micros(quantity)).money(minor_unit(2)).unwrap();
            proptest::prop_assert_eq!(got.decimal(), wanted);
            let cwt = Ratio::product(Micros(rate), Micros(quantity)).times(1, 100).unwrap().money(minor_unit(2)).unwrap();
            let wanted = (exact / Decimal::ONE_HUNDRED).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            proptest::prop_assert_eq!(cwt.decimal(), wanted);
        }
    }
}
