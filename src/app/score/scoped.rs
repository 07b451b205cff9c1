//! The sums of a template's scopes: by service and mode of the days that are over, by lanes of whole months, since lanes are
//! summed by month.

use std::collections::BTreeSet;

use super::{Run, ScoreError};
use crate::db::lane::lane_places_all;
use crate::db::measure::{CellFilter, lane_cells_fold, measure_cells_fold};
use crate::db::{Db, DbError};
use crate::domain::measure::Measures;
use crate::domain::scorecard::{AgreedTemplate, Scope, ScopedSums, Template};
use crate::domain::viewer::Viewer;

/// Where every lane belongs, if any template asks for it.
pub(super) fn lane_places(
    db: &mut Db,
    templates: &[AgreedTemplate],
) -> Result<Vec<(i64, String, String)>, DbError> {
    let mut scopes = templates.iter().flat_map(|one| &one.template.scopes);
    if scopes.any(Scope::is_by_lane) { Ok(lane_places_all(db)?) } else { Ok(Vec::new()) }
}

/// The sums of every scope of a template, of one partner; nothing is read where it has none.
pub(super) fn sums(
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    template: &Template,
) -> Result<Vec<ScopedSums>, ScoreError> {
    let places = || run.lane_places.iter().map(|(id, code, region)| (*id, code.as_str(), region.as_str()));
    let mut all: Vec<(&Scope, ScopedSums)> = template
        .scopes
        .iter()
        .map(|scope| {
            let lane_ids = if scope.is_by_lane() { scope.lane_ids(places()) } else { BTreeSet::new() };
            (scope, ScopedSums { code: scope.code.clone(), lane_ids, ..ScopedSums::default() })
        })
        .collect();
    let system = Viewer::system();
    let (period, before) = (run.period, run.period.previous());
    let filter = |until| CellFilter {
        from: Some(before.start()),
        until: Some(until),
        ..CellFilter::default().of_partner(partner_id)
    };
    let add = |sums: &mut ScopedSums, day, measures: &Measures| {
        if period.contains(day) {
            sums.now += measures;
        } else if before.contains(day) {
            sums.before += measures;
        }
    };
    if all.iter().any(|(scope, _)| !scope.is_by_lane()) {
        measure_cells_fold(db, &system, &filter(run.until), |cell| {
            let fits = |scope: &Scope| !scope.is_by_lane() && scope.is_of(&cell.service, &cell.mode);
            for (_, sums) in all.iter_mut().filter(|(scope, _)| fits(scope)) {
                add(sums, cell.day, &cell.measures);
            }
        })?;
    }
    if all.iter().any(|(scope, _)| scope.is_by_lane()) {
        lane_cells_fold(db, &system, &filter(period.end()), |cell| {
            let fits = |scope: &Scope| scope.is_by_lane() && scope.is_of(&cell.service, "");
            for (_, sums) in all.iter_mut().filter(|(scope, _)| fits(scope)) {
                if sums.lane_ids.contains(&cell.lane_id) {
                    add(sums, cell.month, &cell.measures);
                }
            }
        })?;
    }
    Ok(all.into_iter().map(|(_, sums)| sums).collect())
}
