//! Work on many pieces by two connections at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use crate::db::Db;

/// The numbers of pieces nobody has taken yet.
struct Untaken {
    next: AtomicUsize,
    count: usize,
}

impl Untaken {
    fn of(count: usize) -> Self {
        Self { next: AtomicUsize::new(0), count }
    }

    fn take(&self) -> Option<usize> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|piece| *piece < self.count)
    }

    /// There is no other piece for either side.
    fn end(&self) {
        self.next.store(self.count, Ordering::Relaxed);
    }
}

/// Does `work` for each of `count` pieces, two at once where there is a `spare` connection and something for it to do. Each
/// side keeps a state of its own and takes the next piece that is free, so which side got which piece is not known.
///
/// # Errors
/// The first reason of either side; the other stops after its piece.
pub(super) fn in_two<S: Default + Send, E: Send>(
    db: &mut Db,
    spare: Option<&mut Db>,
    count: usize,
    work: impl Fn(&mut Db, usize, &mut S) -> Result<(), E> + Sync,
) -> Result<(S, S), E> {
    let untaken = Untaken::of(count);
    let side = |db: &mut Db| -> Result<S, E> {
        let mut state = S::default();
        while let Some(piece) = untaken.take() {
            if let Err(error) = work(db, piece, &mut state) {
                untaken.end();
                return Err(error);
            }
        }
        Ok(state)
    };
    let Some(spare) = spare.filter(|_| count > 1) else { return Ok((side(db)?, S::default())) };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| side(spare));
        let own = side(db);
        let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((own?, other?))
    })
}

/// What the other connection found and the own one has not kept yet: the other waits rather than fill the memory.
const UNKEPT_MAX: usize = 2;

/// Finds something for each of `count` pieces and keeps it, one after the other, by the connection whose transaction it is. A
/// `spare` connection finds too, so that what it found is written while it reads on.
///
/// # Errors
/// The first reason of either; the other side stops after its piece.
pub(super) fn found_in_two<S: Default, T: Send, E: Send>(
    db: &mut Db,
    spare: Option<&mut Db>,
    count: usize,
    find: impl Fn(&mut Db, usize, &mut S) -> Result<T, E> + Sync,
    mut keep: impl FnMut(&mut Db, T) -> Result<(), E>,
) -> Result<(), E> {
    let untaken = Untaken::of(count);
    let mut state = S::default();
    let Some(spare) = spare.filter(|_| count > 1) else {
        while let Some(piece) = untaken.take() {
            let found = find(db, piece, &mut state)?;
            keep(db, found)?;
        }
        return Ok(());
    };
    std::thread::scope(|scope| {
        // Both ends are dropped with the side that has them, so that nobody waits for one who is gone.
        let (send, found) = sync_channel(UNKEPT_MAX);
        let (untaken, find) = (&untaken, &find);
        scope.spawn(move || {
            let mut state = S::default();
            while let Some(piece) = untaken.take() {
                let one = find(spare, piece, &mut state);
                let failed = one.is_err();
                if send.send(one).is_err() || failed {
                    return;
                }
            }
        });
        while let Some(piece) = untaken.take() {
            let own = find(db, piece, &mut state)?;
            keep(db, own)?;
            for other in found.try_iter() {
                keep(db, other?)?;
            }
        }
        for other in found {
            keep(db, other?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, DbUrl};

    fn database() -> Db {
        DbUrl::Sqlite(":memory:".into()).connect().unwrap()
    }

    #[test]
    fn each_piece_is_found_and_kept_once_with_a_spare_connection_and_without() {
        for spare in [None, Some(&mut database())] {
            let mut kept = Vec::new();
            let find = |_: &mut Db, piece: usize, _: &mut ()| Ok::<_, String>(piece);
            found_in_two(&mut database(), spare, 50, find, |_, piece| {
                kept.push(piece);
                Ok(())
            })
            .unwrap();
            kept.sort_unstable();
            assert_eq!(kept, (0..50).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_piece_that_fails_ends_it_whichever_side_had_it() {
        for bad in 0..6 {
            let find = |_: &mut Db, piece: usize, _: &mut ()| {
                if piece == bad { Err(format!("piece {piece}")) } else { Ok(piece) }
            };
            let done = found_in_two(&mut database(), Some(&mut database()), 6, find, |_, _| Ok(()));
            assert_eq!(done, Err(format!("piece {bad}")));
        }
    }

    #[test]
    fn what_cannot_be_kept_ends_it() {
        let find = |_: &mut Db, piece: usize, _: &mut ()| Ok(piece);
        let done = found_in_two(&mut database(), Some(&mut database()), 50, find, |_, piece| {
            if piece == 7 { Err("full") } else { Ok(()) }
        });
        assert_eq!(done, Err("full"));
    }
}
