//! How sure a proportion is: the Wilson score interval of one (DOMAIN §1.3) and the Newcombe interval of a
//! difference of two (DOMAIN §2.6). Exact decimals throughout, so two machines always agree.

use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Two-sided 95 % point of the normal distribution, 1.959963984540054 (DOMAIN §1.3).
const Z95: Decimal = Decimal::from_parts(2_903_650_710, 456_339, 0, false, 15);

/// Decimal places an interval is published with.
pub const INTERVAL_SCALE: u32 = 6;

/// A 95 % range. For proportions both ends lie in 0–1; for differences of proportions in −1–1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: Decimal,
    /// Upper end.
    pub high: Decimal,
}

/// The difference of two proportions with its interval, as fractions (−0.03 is three points down).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Later minus earlier.
    pub delta: Decimal,
    /// The 95 % range of the difference.
    pub interval: Interval,
}

impl Interval {
    /// Both ends times a hundred: a range of fractions as a range of percent.
    #[must_use]
    pub fn percent(self) -> Self {
        Self { low: self.low * Decimal::ONE_HUNDRED, high: self.high * Decimal::ONE_HUNDRED }
    }

    /// Whether `value` lies in the range, ends included.
    #[must_use]
    pub fn contains(self, value: Decimal) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Difference {
    /// Whether the range leaves zero out, so that chance alone does not explain the change.
    #[must_use]
    pub fn is_detectable(self) -> bool {
        !self.interval.contains(Decimal::ZERO)
    }
}

/// 95 % Wilson score interval of `successes` out of `total`, without continuity correction (DOMAIN §1.3).
///
/// `None` when there is nothing to judge: no units, or counts that cannot be.
#[must_use]
pub fn wilson(successes: i64, total: i64) -> Option<Interval> {
    let (_, exact) = share_with_bounds(successes, total)?;
    Some(published(exact))
}

/// Newcombe's hybrid score interval for `now` − `before`, each `(successes, total)` (DOMAIN §2.6).
///
/// `None` when either side has nothing to judge.
#[must_use]
pub fn newcombe(now: (i64, i64), before: (i64, i64)) -> Option<Difference> {
    let (p1, first) = share_with_bounds(now.0, now.1)?;
    let (p2, second) = share_with_bounds(before.0, before.1)?;
    let delta = p1 - p2;
    let below = hypotenuse(p1 - first.low, second.high - p2)?;
    let above = hypotenuse(first.high - p1, p2 - second.low)?;
    let interval = Interval { low: delta - below, high: delta + above };
    Some(Difference { delta: rounded(delta), interval: published(interval) })
}

/// The proportion and its unrounded Wilson bounds. Written so that no step grows with `total` squared.
pub(super) fn share_with_bounds(successes: i64, total: i64) -> Option<(Decimal, Interval)> {
    if total <= 0 || successes < 0 || successes > total {
        return None;
    }
    let n = Decimal::from(total);
    let p = Decimal::from(successes) / n;
    let z_over_2n = Z95 / Decimal::TWO / n;
    let denominator = Decimal::ONE + Z95 * Z95 / n;
    let middle = (p + Z95 * z_over_2n) / denominator;
    let spread = (p * (Decimal::ONE - p) / n + z_over_2n * z_over_2n).sqrt()?;
    let half = Z95 * spread / denominator;
    let low = (middle - half).clamp(Decimal::ZERO, Decimal::ONE);
    let high = (middle + half).clamp(Decimal::ZERO, Decimal::ONE);
    Some((p, Interval { low, high }))
}

fn hypotenuse(a: Decimal, b: Decimal) -> Option<Decimal> {
    (a * a + b * b).sqrt()
}

fn published(exact: Interval) -> Interval {
    Interval { low: rounded(exact.low), high: rounded(exact.high) }
}

fn rounded(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(INTERVAL_SCALE, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z_is_the_published_constant() {
        assert_eq!(Z95.to_string(), "1.959963984540054");
    }

    #[test]
    fn bounds_are_published_at_six_places() {
        let got = wilson(27, 30).unwrap();
        assert_eq!((got.low.to_string(), got.high.to_string()), ("0.743789".into(), "0.965400".into()));
    }

    #[test]
    fn nothing_counted_has_no_interval() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(5, 4), None);
        assert_eq!(newcombe((1, 2), (0, 0)), None);
    }

    #[test]
    fn huge_counts_stay_in_range() {
        let got = wilson(i64::MAX / 2, i64::MAX).unwrap();
        assert!(got.low <= got.high);
    }

    proptest::proptest! {
        #[test]
        fn the_interval_holds_the_share_and_narrows_with_volume(k in 0i64..500, extra in 0i64..500) {
            let n = k + extra.max(1);
            let small = wilson(k, n).unwrap();
            let large = wilson(k * 100, n * 100).unwrap();
            let p = rounded(Decimal::from(k) / Decimal::from(n));
            proptest::prop_assert!(small.contains(p));
            proptest::prop_assert!(large.high - large.low <= small.high - small.low);
        }
    }
}
