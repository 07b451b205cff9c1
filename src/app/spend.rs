//! What a partner's freight came to in twelve months: the money that stands behind a contract, a deadline, a signal.

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

use crate::db::scorecard::{ScorecardBrief, scorecard_briefs};
use crate::db::{Db, DbError};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;

/// Months summed.
pub const SPEND_MONTHS: u32 = 12;

/// Freight by partner over the twelve months up to that of `last`, as it was published; in the reporting currency.
#[must_use]
pub fn yearly_spend(briefs: &[ScorecardBrief], last: NaiveDate) -> BTreeMap<i64, Decimal> {
    let mut spend: BTreeMap<i64, Decimal> = BTreeMap::new();
    let first = last.checked_sub_months(Months::new(SPEND_MONTHS - 1));
    for brief in briefs {
        let start = brief.period.start();
        let inside = brief.period.kind() == PeriodKind::Month
            && first.is_none_or(|first| first <= start)
            && start <= last;
        if let (true, Some(amount)) = (inside, brief.summary.spend) {
            *spend.entry(brief.partner_id).or_default() += amount;
        }
    }
    spend
}

/// The same for the partners the viewer may see, over the last twelve months that are over on `today`.
///
/// # Errors
/// The engine's reason, or a scorecard that does not read back.
pub fn yearly_spend_load(
    db: &mut Db,
    viewer: &Viewer,
    today: NaiveDate,
) -> Result<BTreeMap<i64, Decimal>, DbError> {
    let month = Period::containing(PeriodKind::Month, today);
    let from = month.start().checked_sub_months(Months::new(SPEND_MONTHS)).unwrap_or(month.start());
    let briefs = scorecard_briefs(db, viewer, None, from, month.start())?;
    Ok(yearly_spend(&briefs, month.previous().start()))
}
