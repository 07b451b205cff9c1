//! Row ids: 63 bits of milliseconds, node and counter. Time-ordered, made without asking the
//! database, unique across nodes, and not countable from a URL.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

const NODE_BITS: u32 = 8;
const COUNTER_BITS: u32 = 13;
const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;
/// 2020-01-01, so that 42 bits of milliseconds last until 2159.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;

/// Makes ids for one process. `node` tells processes on one database apart.
#[derive(Debug)]
pub struct IdMaker {
    node: u64,
    /// Milliseconds and counter of the last id, so that ids rise even when the clock stands still.
    last: AtomicU64,
}

impl IdMaker {
    /// A maker for the process numbered `node`; only its low eight bits are used.
    #[must_use]
    pub fn new(node: u8) -> Self {
        Self { node: u64::from(node), last: AtomicU64::new(0) }
    }

    /// A maker with a node number drawn from the operating system's randomness.
    #[must_use]
    pub fn for_this_process() -> Self {
        let mut byte = [0_u8; 1];
        if getrandom::fill(&mut byte).is_err() {
            byte = [u8::try_from(std::process::id() & 0xff).unwrap_or(0)];
        }
        let [node] = byte;
        Self::new(node)
    }

    /// The next id. `at` gives the order; a clock that goes back does not make ids repeat.
    pub fn next(&self, at: DateTime<Utc>) -> i64 {
        let floor = millis_of(at) << COUNTER_BITS;
        let tick = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(floor.max(last.saturating_add(1)))
            })
            .map_or(floor, |last| floor.max(last.saturating_add(1)));
        let id = ((tick >> COUNTER_BITS) << (COUNTER_BITS + NODE_BITS))
            | (self.node << COUNTER_BITS)
            | (tick & COUNTER_MASK);
        i64::try_from(id & (u64::MAX >> 1)).unwrap_or(i64::MAX)
    }
}

/// The lowest id that any process makes from the millisecond of `at` on: ids are made by the clock of the host, also where the
/// installation stands on a fixed day.
#[must_use]
pub fn first_id_from(at: DateTime<Utc>) -> i64 {
    let id = millis_of(at) << (COUNTER_BITS + NODE_BITS);
    i64::try_from(id & (u64::MAX >> 1)).unwrap_or(i64::MAX)
}

fn millis_of(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp_millis().saturating_sub(EPOCH_MILLIS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_never_repeat_even_when_the_clock_stands_still() {
        let maker = IdMaker::new(7);
        let at = DateTime::from_timestamp_millis(1_750_000_000_000).unwrap();
        let ids: Vec<i64> = (0..50_000).map(|_| maker.next(at)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn two_nodes_never_make_the_same_id() {
        let (a, b) = (IdMaker::new(1), IdMaker::new(2));
        let at = DateTime::from_timestamp_millis(1_750_000_000_000).unwrap();
        let left: std::collections::BTreeSet<i64> = (0..10_000).map(|_| a.next(at)).collect();
        assert!((0..10_000).all(|_| !left.contains(&b.next(at))));
    }

    #[test]
    fn an_id_tells_whether_it_was_made_before_an_instant() {
        let millisecond = |n: i64| DateTime::from_timestamp_millis(1_750_000_000_000 + n).unwrap();
        for node in [0, 255] {
            let maker = IdMaker::new(node);
            let (before, after) = (maker.next(millisecond(0)), maker.next(millisecond(1)));
            let first = first_id_from(millisecond(1));
            assert!(before < first && first <= after, "{before}, {first}, {after}");
        }
    }
}
