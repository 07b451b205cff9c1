//! Pages, or parts of them, kept as drawn: each for as long as what it was drawn from is the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Drawings by `K`, each with what it was drawn from, `S`.
pub struct Kept<K, S, V> {
    /// So many at once; when there are more, all are drawn anew.
    most: usize,
    all: Mutex<BTreeMap<K, (S, Arc<V>)>>,
}

impl<K, S, V> std::fmt::Debug for Kept<K, S, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept({})", self.most)
    }
}

impl<K: Ord, S: PartialEq, V> Kept<K, S, V> {
    /// Keeps at most so many.
    pub fn new(most: usize) -> Self {
        Self { most, all: Mutex::new(BTreeMap::new()) }
    }

    /// What was drawn from the very same.
    pub fn get(&self, key: &K, seen: &S) -> Option<Arc<V>> {
        self.lock().get(key).filter(|(from, _)| from == seen).map(|(_, drawn)| Arc::clone(drawn))
    }

    /// Keeps a drawing in place of the one before.
    pub fn keep(&self, key: K, seen: S, drawn: V) -> Arc<V> {
        let drawn = Arc::new(drawn);
        let mut all = self.lock();
        if all.len() >= self.most && !all.contains_key(&key) {
            all.clear();
        }
        all.insert(key, (seen, Arc::clone(&drawn)));
        drawn
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, (S, Arc<V>)>> {
        // What is kept is whole whenever the lock is free.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_holds_while_what_it_was_drawn_from_is_the_same() {
        let kept = Kept::new(2);
        assert_eq!(kept.get(&1, &"a"), None);
        kept.keep(1, "a", "drawn of a");
        assert_eq!(kept.get(&1, &"a").as_deref(), Some(&"drawn of a"));
        assert_eq!(kept.get(&1, &"b"), None);
        kept.keep(1, "b", "drawn of b");
        kept.keep(2, "b", "another");
        assert_eq!((kept.get(&1, &"a"), kept.get(&1, &"b").as_deref()), (None, Some(&"drawn of b")));
        kept.keep(3, "b", "one too many");
        assert_eq!((kept.get(&1, &"b"), kept.get(&3, &"b").as_deref()), (None, Some(&"one too many")));
    }
}
