//! Partners side by side, fairly: the same mix of lanes for each, and no rank where chance alone could order them
//! (DOMAIN §2.6, §2.7).

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::interval::{Difference, newcombe};
use super::measure::Tally;

/// Decimal places of a published share.
const SHARE_SCALE: u32 = 6;

/// Successes and units of a proportion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Successes.
    pub successes: i64,
    /// Units judged.
    pub n: i64,
}

impl From<&Tally> for Count {
    fn from(tally: &Tally) -> Self {
        Self { successes: tally.success, n: tally.success + tally.late + tally.no_evidence }
    }
}

impl Count {
    /// The plain share; none without units.
    #[must_use]
    pub fn share(self) -> Option<Decimal> {
        (self.n > 0).then(|| published(Decimal::from(self.successes) / Decimal::from(self.n)))
    }
}

/// A share as it would be with everybody's mix of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standardised {
    /// The share, as a fraction.
    pub share: Decimal,
    /// How much of everybody's volume lies on lanes where this partner has units, as a fraction. What lies elsewhere is
    /// not in the share.
    pub coverage: Decimal,
}

/// Direct standardisation: the partner's share on each lane, weighted by what all partners together carry there.
///
/// `own` and `everybody` are counts by lane (`None` stands for what names no lane). None when the partner has no unit on
/// any lane that anybody uses.
#[must_use]
pub fn standardise<K: Ord>(own: &BTreeMap<K, Count>, everybody: &BTreeMap<K, Count>) -> Option<Standardised> {
    let whole: i64 = everybody.values().map(|count| count.n).sum();
    let (mut covered, mut weighted) = (0_i64, Decimal::ZERO);
    for (lane, all) in everybody.iter().filter(|(_, all)| all.n > 0) {
        let Some(count) = own.get(lane).filter(|count| count.n > 0) else { continue };
        covered += all.n;
        weighted += Decimal::from(all.n) * Decimal::from(count.successes) / Decimal::from(count.n);
    }
    (covered > 0).then(|| Standardised {
        share: published(weighted / Decimal::from(covered)),
        coverage: published(Decimal::from(covered) / Decimal::from(whole)),
    })
}

/// A place in an order, which several share where they cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankBand {
    /// First rank of the band, from 1.
    pub from: usize,
    /// Last rank of the band.
    pub to: usize,
}

impl RankBand {
    /// `2` or `2 to 4`.
    #[must_use]
    pub fn words(self) -> String {
        if self.from == self.to { self.from.to_string() } else { format!("{} to {}", self.from, self.to) }
    }
}

/// Ranks shares, the best first, in bands: whoever cannot be told from the first of a band by the 95 % interval of the
/// difference (Newcombe) is in it. One band for each count, in the order given; none for who has no units.
#[must_use]
pub fn rank_bands(counts: &[Count]) -> Vec<Option<RankBand>> {
    let share = |count: &Count| Decimal::from(count.successes) / Decimal::from(count.n.max(1));
    let mut order: Vec<usize> =
        (0..counts.len()).filter(|at| counts.get(*at).is_some_and(|c| c.n > 0)).collect();
    let of = |at: &usize| counts.get(*at).copied().unwrap_or_default();
    // Of equal shares the one with more units leads: it is the surer one.
    order.sort_by(|a, b| {
        let (a_count, b_count) = (of(a), of(b));
        share(&b_count).cmp(&share(&a_count)).then(b_count.n.cmp(&a_count.n)).then(a.cmp(b))
    });
    let mut bands: Vec<Option<RankBand>> = vec![None; counts.len()];
    let mut start = 0;
    while let Some(leader) = order.get(start).map(of) {
        let apart = |at: &usize| {
            let follower = of(at);
            newcombe((leader.successes, leader.n), (follower.successes, follower.n))
                .is_none_or(Difference::is_detectable)
        };
        let end = order.iter().skip(start + 1).position(apart).map_or(order.len(), |past| start + 1 + past);
        for at in order.iter().take(end).skip(start) {
            if let Some(band) = bands.get_mut(*at) {
                *band = Some(RankBand { from: start + 1, to: end });
            }
        }
        start = end;
    }
    bands
}

fn published(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(SHARE_SCALE, RoundingStrategy::MidpointAwayFromZero).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(successes: i64, n: i64) -> Count {
        Count { successes, n }
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_hard_lane_does_not_count_against_who_drives_it() {
        // A carries the hard lane mostly, B the easy one; on each lane A is better.
        let a = BTreeMap::from([("easy", count(100, 100)), ("hard", count(640, 800))]);
        let b = BTreeMap::from([("easy", count(864, 900)), ("hard", count(70, 100))]);
        let all = BTreeMap::from([("easy", count(964, 1000)), ("hard", count(710, 900))]);
        let raw = |lanes: &BTreeMap<&str, Count>| {
            count(lanes.values().map(|c| c.successes).sum(), lanes.values().map(|c| c.n).sum())
                .share()
                .unwrap()
        };
        assert!(raw(&a) < raw(&b));
        let (a, b) = (standardise(&a, &all).unwrap(), standardise(&b, &all).unwrap());
        // (1000·1 + 900·0.8) ÷ 1900 and (1000·0.96 + 900·0.7) ÷ 1900.
        assert_eq!((a.share, b.share), (d("0.905263"), d("0.836842")));
        assert_eq!((a.coverage, b.coverage), (d("1"), d("1")));
    }

    #[test]
    fn lanes_without_a_unit_lower_the_coverage_and_nothing_else() {
        let own = BTreeMap::from([(1, count(9, 10)), (2, count(0, 0))]);
        let all = BTreeMap::from([(1, count(60, 75)), (2, count(20, 25))]);
        assert_eq!(standardise(&own, &all), Some(Standardised { share: d("0.9"), coverage: d("0.75") }));
        assert_eq!(standardise(&BTreeMap::from([(3, count(1, 1))]), &all), None);
    }

    #[test]
    fn ten_boxes_do_not_beat_four_hundred() {
        // PEERS (c) 37: 95 % of few is not told apart from 88 % of many.
        let bands = rank_bands(&[count(19, 20), count(352, 400), count(0, 0), count(200, 400)]);
        let words: Vec<Option<String>> = bands.iter().map(|band| band.map(RankBand::words)).collect();
        assert_eq!(words, [Some("1 to 2".into()), Some("1 to 2".into()), None, Some("3".into())]);
    }

    proptest! {
        #[test]
        fn every_one_with_units_has_one_band_and_bands_tile(raw in prop::collection::vec((0i64..200, 0i64..200), 0..12)) {
            let counts: Vec<Count> = raw.iter().map(|&(a, b)| count(a.min(b), a.max(b))).collect();
            let bands = rank_bands(&counts);
            let mut seen: Vec<RankBand> = Vec::new();
            for (count, band) in counts.iter().zip(&bands) {
                prop_assert_eq!(count.n > 0, band.is_some());
                seen.extend(*band);
            }
            seen.sort_by_key(|band| band.from);
            seen.dedup();
            let mut next = 1;
            for band in seen {
                prop_assert_eq!(band.from, next);
                next = band.to + 1;
            }
            prop_assert_eq!(next - 1, counts.iter().filter(|c| c.n > 0).count());
        }

        #[test]
        fn with_everybodys_own_mix_nothing_changes(lanes in prop::collection::vec((0i64..50, 1i64..50), 1..8)) {
            let own: BTreeMap<usize, Count> =
                lanes.iter().map(|&(a, b)| count(a.min(b), b)).enumerate().collect();
            let whole = count(own.values().map(|c| c.successes).sum(), own.values().map(|c| c.n).sum());
            let adjusted = standardise(&own, &own).unwrap();
            prop_assert!((adjusted.share - whole.share().unwrap()).abs() <= d("0.000001"));
            prop_assert_eq!(adjusted.coverage, Decimal::ONE);
        }
    }
}
