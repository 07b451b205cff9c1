//! What the standing of a published scorecard was decided from, read from the publications there were by then.

use crate::app::score::{Published, QUARTERS_BEFORE, activity_until, publication};
use crate::app::standing::standing_on;
use crate::db::scorecard::scorecard_publications;
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::scorecard::{SetByHand, StandingBasis};
use crate::domain::viewer::Viewer;

/// What a standing was decided from; none where the scorecard names none, or its quarter is not there any more.
///
/// # Errors
/// The database's reason.
pub(super) fn basis(
    db: &mut Db,
    viewer: &Viewer,
    published: &Published,
) -> Result<Option<StandingBasis>, DbError> {
    let Some(held) = &published.snapshot.standing else { return Ok(None) };
    let decided = match held.quarter {
        Some(quarter) if quarter != published.snapshot.period => {
            let Some(decided) = known(db, viewer, published, quarter)? else { return Ok(None) };
            decided
        }
        _ => published.clone(),
    };
    let (partner_id, document) = (decided.row.partner_id, &decided.snapshot);
    let mut quarters = Vec::new();
    let mut current = None;
    // The quarters before the one of the period, oldest first.
    let mut before = Vec::new();
    let mut quarter = Period::containing(crate::domain::period::PeriodKind::Quarter, document.period.start());
    for _ in 0..QUARTERS_BEFORE {
        quarter = quarter.previous();
        before.push(quarter);
    }
    for quarter in before.into_iter().rev() {
        if let Some(earlier) = known(db, viewer, &decided, quarter)? {
            let summary = earlier.snapshot.summary();
            quarters.push((quarter, summary.quarter));
            current = summary.tier;
        }
    }
    if held.quarter.is_some() {
        quarters.push((document.period, document.summary().quarter));
    } else {
        quarters.clear();
    }
    let zone = reporting_zone(db)?;
    let until = document.period.end().min(local_day(decided.row.as_of.0, zone));
    let (days_active, shipments) = activity_until(db, partner_id, until)?;
    let day = local_day(published.row.as_of.0, zone);
    let by_hand = standing_on(db, viewer, partner_id, day)?.by_hand;
    Ok(Some(StandingBasis {
        quarter: held.quarter,
        current,
        quarters,
        days_active,
        shipments,
        gate_failed: document.result.failed_gate().is_some(),
        by_hand: by_hand.map(|hand| SetByHand {
            tier: hand.tier,
            first_day: hand.first_day,
            last_day: hand.last_day,
        }),
    }))
}

/// The scorecard of a quarter that was the newest when another one was published.
fn known(
    db: &mut Db,
    viewer: &Viewer,
    when: &Published,
    quarter: Period,
) -> Result<Option<Published>, DbError> {
    let all = scorecard_publications(db, viewer, when.row.partner_id, quarter)?;
    match all.iter().rev().find(|one| one.id < when.row.id) {
        Some(row) => publication(db, row),
        None => Ok(None),
    }
}
