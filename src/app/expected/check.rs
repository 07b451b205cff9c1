//! Stored expected charges made again: by the same version and the prices known then, they must give the same digits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};

use super::{Books, Prices, Untold};
use crate::db::contract::version_titles;
use crate::db::expected::{
    Atlas, consignments_fold_unscoped, expected_count, expected_days, expected_of_day_unscoped,
};
use crate::db::{Db, DbError};
use crate::domain::expected::RatedBy;
use crate::domain::viewer::Viewer;

/// Most expected charges one check makes again, the newest first; the sums check prices every one as known now.
pub const CHARGES_REPERFORMED_MAX: usize = 200_000;
/// Most cells of a day and a partner it looks at.
const CELLS_MAX: i64 = 100_000;
/// Differences told one by one.
const DIFFERENCES_TOLD: usize = 20;
/// Moments whose prices are held at once.
const MOMENTS_HELD_MAX: usize = 64;

/// Makes stored charges again. Says how many, of how many, and one line a difference.
///
/// # Errors
/// The database's reason; what merely differs is in the answer.
pub fn charges_differ(db: &mut Db) -> Result<(i64, i64, Vec<String>), DbError> {
    let stored = expected_count(db)?;
    let (books, atlas) = (Books::default(), Atlas::read(db)?);
    let mut moments: HashMap<DateTime<Utc>, Prices> = HashMap::new();
    let mut by_partner: HashMap<i64, Untold> = HashMap::new();
    let (mut looked, mut differing, mut told) = (0_usize, 0_usize, Vec::new());
    for (day, partner_id) in expected_days(db, CELLS_MAX)? {
        if looked >= CHARGES_REPERFORMED_MAX {
            break;
        }
        let mut facts = HashMap::new();
        consignments_fold_unscoped(db, &atlas, &[partner_id], day, |row| {
            facts.insert(row.key.2, row);
            Ok::<_, DbError>(())
        })?;
        for row in expected_of_day_unscoped(db, &[partner_id], day)?.into_values() {
            looked += 1;
            let version_id = row.expected.version_id;
            let book = books.open(db, version_id)?;
            if !moments.contains_key(&row.known_at) {
                if moments.len() >= MOMENTS_HELD_MAX {
                    moments.clear();
                }
                moments.insert(row.known_at, Prices::known(db, row.known_at)?);
            }
            // Whose it is may be untold; a price where it should be is what the check of the sums finds.
            if let Some(facts) = facts.get(&row.key.2).filter(|_| row.expected.reason.is_some()) {
                if let Entry::Vacant(free) = by_partner.entry(partner_id) {
                    free.insert(Untold::read(db, partner_id)?);
                }
                let untold = by_partner.get(&partner_id).and_then(|known| known.charge(&book, facts));
                if untold.as_ref() == Some(&row.expected) {
                    continue;
                }
            }
            let again = facts.get(&row.key.2).zip(moments.get(&row.known_at)).map(|(facts, prices)| {
                let by = RatedBy { version_id, rating_day: row.expected.rating_day };
                book.price(by, facts, &facts.facts.request(), prices.market())
            });
            if again.as_ref() == Some(&row.expected) {
                continue;
            }
            differing += 1;
            if told.len() < DIFFERENCES_TOLD {
                let name = facts.get(&row.key.2).map_or_else(
                    || format!("shipment {} of {day}, which is gone", row.key.2),
                    |facts| format!("shipment {} of {day}", facts.facts.reference),
                );
                told.push(format!(
                    "{name}: its expected charge is not what {} gives with the prices known at {}; run `lanemark job run refresh-measures`, and if it stays, the row was edited",
                    titled(db, version_id)?,
                    row.known_at.format("%Y-%m-%d %H:%M:%S UTC")
                ));
            }
        }
    }
    if differing > told.len() {
        told.push(format!("and {} more", differing - told.len()));
    }
    Ok((i64::try_from(looked).unwrap_or(i64::MAX), stored, told))
}

fn titled(db: &mut Db, version_id: i64) -> Result<String, DbError> {
    let title = version_titles(db, &Viewer::system(), &[version_id])?.remove(&version_id);
    Ok(title.map_or_else(
        || format!("contract version {version_id}"),
        |(contract, version_no)| format!("contract {contract}, version {version_no},"),
    ))
}
