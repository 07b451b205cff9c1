//! What a partner experiences from the shipper, by the KPIs that say how the shipper does.

use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::db::{Db, DbError};
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::measure::Measures;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// One of these KPIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoWayLine {
    /// Over the period.
    pub now: KpiValue,
    /// Over the period before.
    pub before: KpiValue,
    /// Over the period and all partners together; none for a viewer who sees one partner only.
    pub all: Option<KpiValue>,
}

/// The card of one partner and period, in reading order; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub fn two_way(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Option<Vec<TwoWayLine>>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let sees_all = viewer.partner_id.is_none();
    let before = period.previous();
    let filter =
        CellFilter { from: Some(before.start()), until: Some(period.end()), ..CellFilter::default() };
    let filter = if sees_all { filter } else { filter.of_partner(partner_id) };
    let (mut now, mut earlier, mut all) = (Measures::default(), Measures::default(), Measures::default());
    measure_cells_fold(db, viewer, &filter, |cell| {
        let is_now = period.contains(cell.day);
        if cell.partner_id == partner_id {
            *(if is_now { &mut now } else { &mut earlier }) += &cell.measures;
        }
        if is_now {
            all += &cell.measures;
        }
    })?;
    let line = |kpi: Kpi| TwoWayLine {
        now: kpi.value(&now),
        before: kpi.value(&earlier),
        all: sees_all.then(|| kpi.value(&all)),
    };
    Ok(Some(Kpi::OF_US.into_iter().map(line).collect()))
}
