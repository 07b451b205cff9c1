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
    /// Fingerprints, in order of arrival.
    prints: Vec<u64>,
    places: HashTable<u32>,
    runs: Runs,
}

impl SeenKeys {
    /// Notes a key; returns the row that named it before, if one did.
    pub fn note(&mut self, key: NaturalKey<'_>, row: u64) -> Option<u64> {
        let print = fingerprint(key);
        let Self { prints, places, runs } = self;
        let at = |place: u32| usize::try_from(place).ok().and_then(|place| prints.get(place)).copied();
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
