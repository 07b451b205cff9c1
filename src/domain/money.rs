//! Money and rates as scaled integers: exact in both databases, computed in [`Decimal`].

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Decimal places kept by [`Micros`].
pub const MICROS_SCALE: u32 = 6;

/// An amount or rate in millionths of a currency unit, so ±9.2 × 10¹² units fit.
///
/// Arithmetic saturates instead of wrapping: sums of real money stay far below the limit, and a
/// saturated figure fails the ledger's balance check instead of becoming a plausible wrong one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// A share or rate in basis points: 10,000 is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bps(pub i64);

/// The amount does not fit ±9.2 × 10¹² units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount {0} is outside the range that can be stored (about ±9.2 trillion)")]
pub struct OutOfRange(pub Decimal);

impl Micros {
    /// Nothing owed.
    pub const ZERO: Self = Self(0);

    /// The amount as an exact decimal.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.0), MICROS_SCALE)
    }

    /// Six decimals, half away from zero; for rates and intermediate values.
    ///
    /// # Errors
    /// [`OutOfRange`] when the value does not fit.
    pub fn from_decimal(value: Decimal) -> Result<Self, OutOfRange> {
        use rust_decimal::prelude::ToPrimitive;
        value
            .checked_mul(Decimal::from(1_000_000))
            .map(|v| v.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
            .and_then(|v| v.to_i64())
            .map(Self)
            .ok_or(OutOfRange(value))
    }

    /// Rounds once to the currency's minor unit, half away from zero (DOMAIN §0.1).
    ///
    /// # Errors
    /// [`OutOfRange`] when the value does not fit.
    pub fn charge(value: Decimal, minor_digits: u32) -> Result<Self, OutOfRange> {
        Self::from_decimal(value.round_dp_with_strategy(minor_digits, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The distance from zero.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl Bps {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);

    /// The share as a fraction, 0.25 for 2,500.
    #[must_use]
    pub fn fraction(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.0), 4)
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Micros {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Micros {
    /// Plain decimal with at least two places, trailing zeros beyond them dropped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.decimal().normalize();
        let places = usize::try_from(value.scale().max(2)).unwrap_or(2);
        write!(f, "{value:.places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn rounds_a_charge_half_away_from_zero() {
        assert_eq!(Micros::charge(d("0.005"), 2), Ok(Micros(10_000)));
        assert_eq!(Micros::charge(d("-0.005"), 2), Ok(Micros(-10_000)));
        assert_eq!(Micros::charge(d("2.675"), 2), Ok(Micros(2_680_000)));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(Micros::from_decimal(d("9300000000000")).is_err());
    }

    #[test]
    fn shows_two_places_at_least() {
        assert_eq!(Micros(1_240_000_000).to_string(), "1240.00");
        assert_eq!(Micros(-1_500).to_string(), "-0.0015");
    }
}
