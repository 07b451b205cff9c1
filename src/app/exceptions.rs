//! The exceptions board: open shipments that need a call, and carriers that say nothing.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, Utc};

use super::declared_event::Standing;
use super::facts::shipment_facts;
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::evidence::{lane_title_list, source_list};
use crate::db::fold::FoldRow;
use crate::db::partner::partner_list;
use crate::db::shipment::{ShipmentRow, last_heard, open_shipments};
use crate::db::{Db, DbError};
use crate::domain::exception::{Exception, Finding, exception};
use crate::domain::viewer::Viewer;

/// Open shipments looked at; the newest obligations come first.
pub const MAX_OPEN: usize = 50_000;
/// Rows of each kind on the board; the rest is counted.
pub const SHOWN: usize = 100;
/// Obligations older than this are no longer called about; they wait for their evidence grace.
const LOOK_BACK_DAYS: u64 = 14;
/// Obligations this many days ahead can already be missed at the pickup.
const LOOK_AHEAD_DAYS: u64 = 14;
/// A carrier with something overdue that has reported nothing for so many hours is silent.
pub const SILENT_HOURS: i64 = 24;

/// One shipment on the board.
#[derive(Clone, Debug)]
pub struct OnBoard {
    /// The shipment.
    pub row: ShipmentRow,
    /// Its lane.
    pub lane: String,
    /// Its feed.
    pub source: String,
    /// What is wrong.
    pub finding: Finding,
}

/// A carrier that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Who.
    pub partner_id: i64,
    /// Shipments overdue or about to be.
    pub open: usize,
    /// When it last reported anything; none within the days looked at.
    pub heard_at: Option<DateTime<Utc>>,
}

/// The board as of one instant.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// How many of each kind there are.
    pub counts: BTreeMap<Exception, usize>,
    /// The most pressing of each kind, the longest overdue or the soonest due first.
    pub rows: Vec<OnBoard>,
    /// Carriers that say nothing, those with the most open shipments first.
    pub silent: Vec<Silent>,
    /// Partner id → name.
    pub names: HashMap<i64, String>,
    /// More shipments are open than are looked at.
    pub is_cut: bool,
}

/// What is wrong at `now`, of the partners the viewer may see.
///
/// # Errors
/// The engine's reason.
pub fn board(db: &mut Db, viewer: &Viewer, now: DateTime<Utc>) -> Result<Board, DbError> {
    let today = now.date_naive();
    let from = today.checked_sub_days(Days::new(LOOK_BACK_DAYS)).unwrap_or(today);
    let until = today.checked_add_days(Days::new(LOOK_AHEAD_DAYS)).unwrap_or(today);
    let (zones, policies) = (zones_by_id(db)?, policies_by_id(db)?);
    let declared = Standing::read(db)?;
    let open = open_shipments(db, viewer, (from, until), MAX_OPEN + 1)?;
    let is_cut = open.len() > MAX_OPEN;
    let mut found: Vec<(Finding, ShipmentRow)> = Vec::new();
    for row in open.into_iter().take(MAX_OPEN) {
        let fold = FoldRow::from(&row);
        let (facts, policy) = shipment_facts(&fold, None, (&zones, &policies), &declared)?;
        if let Some(finding) = exception(&facts.milestones, policy, now) {
            found.push((finding, row));
        }
    }
    found.sort_by_key(|(finding, row)| (finding.exception, finding.due_by, row.id));
    let mut counts: BTreeMap<Exception, usize> = BTreeMap::new();
    let mut by_partner: BTreeMap<i64, usize> = BTreeMap::new();
    let mut kept: Vec<(Finding, ShipmentRow)> = Vec::new();
    for (finding, row) in found {
        let count = counts.entry(finding.exception).or_default();
        *count += 1;
        *by_partner.entry(row.partner_id).or_default() += 1;
        if *count <= SHOWN {
            kept.push((finding, row));
        }
    }
    let silent = silent(db, viewer, now, &by_partner)?;
    let mut lanes: Vec<i64> = kept.iter().filter_map(|(_, row)| row.lane_id).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let lanes: HashMap<i64, String> = lane_title_list(db, &lanes)?.into_iter().collect();
    let sources: HashMap<i32, String> = source_list(db)?.into_iter().collect();
    let rows = kept
        .into_iter()
        .map(|(finding, row)| OnBoard {
            lane: row
                .lane_id
                .and_then(|id| lanes.get(&id).cloned())
                .unwrap_or_else(|| "no lane given".to_owned()),
            source: sources.get(&row.source_id).cloned().unwrap_or_default(),
            row,
            finding,
        })
        .collect();
    let names = partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner.name)).collect();
    Ok(Board { counts, rows, silent, names, is_cut })
}

fn silent(
    db: &mut Db,
    viewer: &Viewer,
    now: DateTime<Utc>,
    open: &BTreeMap<i64, usize>,
) -> Result<Vec<Silent>, DbError> {
    let since = now.date_naive().checked_sub_days(Days::new(LOOK_BACK_DAYS)).unwrap_or_default();
    let mut silent = Vec::new();
    if open.is_empty() {
        return Ok(silent);
    }
    let heard = last_heard(db, viewer, since)?;
    for (&partner_id, &open) in open {
        let heard_at = heard.get(&partner_id).copied().filter(|at| *at <= now);
        let quiet = heard_at.is_none_or(|at| now.signed_duration_since(at).num_hours() >= SILENT_HOURS);
        if quiet {
            silent.push(Silent { partner_id, open, heard_at });
        }
    }
    silent.sort_by_key(|silent| (std::cmp::Reverse(silent.open), silent.partner_id));
    Ok(silent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::expected::tests::{conn, load, partner};
    use crate::app::testing::{on_each_engine, partner_viewer};
    use crate::feeds::kind::ImportKind;

    const ROWS: &str = "reference,partner,delivery_zone,pickup_window_end,picked_up_at,delivery_window_end,arrived_at\n\
        OVERDUE,P1,UTC,2025-06-01T10:00Z,2025-06-01T09:00Z,2025-06-03T12:00Z,\n\
        SOON,P2,UTC,2025-06-02T10:00Z,2025-06-03T09:00Z,2025-06-03T20:00Z,\n\
        THERE,P2,UTC,2025-06-02T10:00Z,2025-06-02T09:00Z,2025-06-03T12:00Z,2025-06-03T11:00Z\n";

    #[test]
    fn the_board_tells_what_is_late_and_who_is_silent_to_whom_may_see_it() {
        on_each_engine("2025-06-03T18:00:00Z", |app| {
            load(app, ImportKind::Shipments, ROWS);
            let (p1, p2) = (partner(app, "P1"), partner(app, "P2"));
            let all = board(&mut conn(app), &Viewer::system(), app.now()).unwrap();
            let listed: Vec<(Exception, &str)> =
                all.rows.iter().map(|on| (on.finding.exception, on.row.reference.as_str())).collect();
            assert_eq!(listed, [(Exception::Late, "OVERDUE"), (Exception::AboutToBeLate, "SOON")]);
            // P2 picked up nine hours ago; P1 was last heard of two days before.
            let heard_at = "2025-06-01T09:00:00Z".parse().ok();
            assert_eq!(all.silent, [Silent { partner_id: p1, open: 1, heard_at }]);
            let own = board(&mut conn(app), &partner_viewer(p2), app.now()).unwrap();
            assert_eq!(own.rows.iter().map(|on| on.row.partner_id).collect::<Vec<_>>(), [p2]);
            assert_eq!(own.silent, []);
        });
    }
}
