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
    /// Fingerprint and row, in order of arrival.
    keys: Vec<u64>,
    rows: Vec<u32>,
    places: HashTable<u32>,
}

impl SeenKeys {
    /// Notes a key; returns the row that named it before, if one did.
    pub fn note(&mut self, key: NaturalKey<'_>, row: u64) -> Option<u64> {
        let print = fingerprint(key);
        let Self { keys, rows, places } = self;
        let at = |place: u32| usize::try_from(place).ok().and_then(|place| keys.get(place)).copied();
        let entry = places.entry(print, |&place| at(place) == Some(print), |&place| at(place).unwrap_or(0));
        match entry {
            Entry::Occupied(seen) => {
                usize::try_from(*seen.get()).ok().and_then(|place| rows.get(place)).copied().map(u64::from)
            }
            Entry::Vacant(free) => {
                free.insert(u32::try_from(keys.len()).unwrap_or(u32::MAX));
                keys.push(print);
                rows.push(u32::try_from(row).unwrap_or(u32::MAX));
                None
            }
        }
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
}
