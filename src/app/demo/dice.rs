//! Chance with a fixed seed: whole numbers only, so that every machine rolls the same.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// Shares are told per ten thousand, as in [`crate::domain::money::Bps`].
pub(super) const WHOLE: i64 = 10_000;

/// One stream of chance.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of that number; streams of one seed are independent of each other.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(stream)))
    }

    /// 0 to `n` − 1; 0 when `n` is not above 0.
    pub(super) fn below(&mut self, n: i64) -> i64 {
        // Scaling 32 bits down leaves a bias of less than n in four billion, and needs no retries.
        let n = u64::try_from(n).unwrap_or(0).min(u64::from(u32::MAX));
        i64::try_from((u64::from(self.0.next_u32()) * n) >> 32).unwrap_or(0)
    }

    /// `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// True so many times in ten thousand.
    pub(super) fn chance(&mut self, per_ten_thousand: i64) -> bool {
        self.below(WHOLE) < per_ten_thousand
    }

    /// One of `choices`.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let place = self.below(i64::try_from(choices.len()).unwrap_or(0));
        choices.get(usize::try_from(place).unwrap_or(0))
    }

    /// `value`, up or down by at most so many per cent, mostly by less.
    pub(super) fn around(&mut self, value: i64, percent: i64) -> i64 {
        let swing = percent * 50;
        let off = self.between(-swing, swing) + self.between(-swing, swing);
        value + value * off / WHOLE
    }

    /// The place that wins by its weight; the first when all weights are 0.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = i64> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        weights
            .enumerate()
            .find_map(|(place, weight)| {
                left -= weight;
                (left < 0).then_some(place)
            })
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_and_keep_their_odds() {
        let roll = |stream| {
            let mut dice = Dice::new(7, stream);
            (0..20).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(roll(1), roll(1));
        assert_ne!(roll(1), roll(2));
        let mut dice = Dice::new(7, 3);
        let hits = (0..10_000).filter(|_| dice.chance(9_000)).count();
        assert!((8_850..9_150).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| (90..=110).contains(&dice.around(100, 10))));
        assert_eq!(dice.weighted([0, 5, 0].into_iter()), 1);
    }
}
