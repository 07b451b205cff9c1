//! Which keys a file has named already, at about fourteen bytes a row.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::Xxh3Default;

use crate::db::dialect::NaturalKey;

/// Fingerprints of the keys of one file, with the row of each.
///
/// Two keys with the same 64-bit fingerprint would be taken for one. In a file of 16 million rows that
/// happens with a chance of 1 in 140,000, and then shows as a reject naming both rows, never silently.
#[derive(Debug, Default)]
pub struct SeenKeys {
    prints: Prints,
    places: HashTable<u32>,
    runs: Runs,
}

impl SeenKeys {
    /// Notes a key; returns the row that named it before, if one did.
    pub fn note(&mut self, key: NaturalKey<'_>, row: u64) -> Option<u64> {
        let print = fingerprint(key);
        let Self { prints, places, runs } = self;
        let at = |place: u32| usize::try_from(place).ok().and_then(|place| prints.get(place));
        match places.entry(print, |&place| at(place) == Some(print), |&place| at(place).unwrap_or(0)) {
            Entry::Occupied(seen) => Some(runs.row(*seen.get())),
            Entry::Vacant(free) => {
                let place = u32::try_from(prints.len()).unwrap_or(u32::MAX);
                free.insert(place);
                prints.push(print);
                runs.push(place, row);
                None
            }
        }
    }
}

/// Fingerprints in one block.
const BLOCK: usize = 1 << 16;

/// Fingerprints, in order of arrival, in blocks: one list of ten million would be copied as it grows, and have room for as
/// many again.
#[derive(Debug, Default)]
struct Prints(Vec<Vec<u64>>);

impl Prints {
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * BLOCK + last.len())
    }

    fn get(&self, place: usize) -> Option<u64> {
        self.0.get(place / BLOCK)?.get(place % BLOCK).copied()
    }

    fn push(&mut self, print: u64) {
        match self.0.last_mut().filter(|last| last.len() < BLOCK) {
            Some(last) => last.push(print),
            None => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(print);
                self.0.push(block);
            }
        }
    }
}

/// The rows of places: both count up together, so only where they part is written down.
#[derive(Debug, Default)]
struct Runs(Vec<(u32, u64)>);

impl Runs {
    fn push(&mut self, place: u32, row: u64) {
        if self.0.is_empty() || self.row(place) != row {
            self.0.push((place, row));
        }
    }

    /// The row at a place that was pushed, or the next one.
    fn row(&self, place: u32) -> u64 {
        let until = self.0.partition_point(|(first, _)| *first <= place);
        let run = until.checked_sub(1).and_then(|run| self.0.get(run));
        run.map_or(0, |(first, row)| row + u64::from(place - first))
    }
}

fn fingerprint((partner_id, source_id, reference): NaturalKey<'_>) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(&partner_id.to_le_bytes());
    hasher.update(&source_id.to_le_bytes());
    hasher.update(reference.as_bytes());
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_row_of_a_repeated_key() {
        let mut seen = SeenKeys::default();
        assert_eq!(seen.note((1, 1, "A"), 2), None);
        assert_eq!(seen.note((1, 1, "B"), 3), None);
        assert_eq!(seen.note((2, 1, "A"), 4), None, "another partner's A is another key");
        assert_eq!(seen.note((1, 1, "A"), 5), Some(2));
        assert_eq!(seen.note((1, 1, "A"), 6), Some(2));
    }

    #[test]
    fn places_go_on_over_the_end_of_a_block() {
        let mut prints = Prints::default();
        for print in 0..BLOCK + 2 {
            assert_eq!(prints.len(), print);
            prints.push(u64::try_from(print).unwrap() * 3);
        }
        let at = [0, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 2].map(|place| prints.get(place));
        let third = |place: usize| Some(u64::try_from(place).unwrap() * 3);
        assert_eq!(at, [third(0), third(BLOCK - 1), third(BLOCK), third(BLOCK + 1), None]);
    }

    #[test]
    fn rows_are_told_across_gaps() {
        let mut seen = SeenKeys::default();
        let named: Vec<u64> =
            (2..20).filter(|row| row % 5 != 0 && *row != 12).chain([4_000_000_000, 1 << 40]).collect();
        for row in &named {
            assert_eq!(seen.note((1, 1, &row.to_string()), *row), None);
        }
        for row in &named {
            assert_eq!(seen.note((1, 1, &row.to_string()), 1 << 50), Some(*row));
        }
    }
}
