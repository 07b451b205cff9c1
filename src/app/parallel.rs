//! Work on many days by two connections at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::db::Db;

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
    let next = AtomicUsize::new(0);
    let take = |db: &mut Db| -> Result<S, E> {
        let mut state = S::default();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return Ok(state);
            }
            if let Err(error) = work(db, piece, &mut state) {
                // The other side need not go on either.
                next.store(count, Ordering::Relaxed);
                return Err(error);
            }
        }
    };
    let Some(spare) = spare.filter(|_| count > 1) else { return Ok((take(db)?, S::default())) };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| take(spare));
        let own = take(db);
        let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((own?, other?))
    })
}
