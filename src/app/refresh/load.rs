//! Sums of a first load, made of its rows as they pass.
//!
//! An empty table that takes in millions of rows would have to read each of them again to sum it. Here the functions of the
//! refresh judge and count a row before it is stored, and the sums are written in the transaction of the rows. Every day
//! stays marked as stale until the load is over: one that is killed, or whose rows come back to a day it has let go, leaves
//! all of its days to the refresh. No refresh runs beside it ([`DbError::Loading`]): one would take marks of days that are
//! half counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{
    DayMap, LaneMap, LaneSums, Lookups, Mode, RowPlace, Run, SUMS_LOCK, Tallying, differs, month_of,
};
use crate::app::expected::Books;
use crate::app::facts::shipment_facts;
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::exclusion::any_exclusions;
use crate::db::fold::{
    CellKey, FoldRow, cells_clear, lane_cells_add, measure_cells_replace, stale_days_clear,
};
use crate::db::quality::QualityRow;
use crate::db::shipment::{ShipmentRow, Source};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::measure::Measures;
use crate::domain::outcome::OutcomePolicy;

/// Cells in memory before the older months are written; a cell is a kilobyte. More than a month has where partners serve
/// thirty thousand lanes, so that each month is written once. Tests come there with a handful of rows.
const CELLS_MAX: usize = if cfg!(test) { 200 } else { 48_000 };

/// Days whose sums stay in memory after they were written: rows of a feed are seldom further out of order.
const DAYS_KEPT: usize = if cfg!(test) { 5 } else { 20 };

/// Zones and tolerances by id.
pub type Known = (HashMap<i32, Tz>, HashMap<i32, OutcomePolicy>);

/// Which zones and tolerances the sums of a load know: they are made on a thread that reads no database.
#[derive(Default)]
pub struct Named {
    zones: BTreeSet<i32>,
    policies: BTreeSet<i32>,
}

impl Named {
    /// All there are, where `rows` name one that came with the load and is not known yet.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn look_up(&mut self, db: &mut Db, rows: &[Box<ShipmentRow>]) -> Result<Option<Known>, DbError> {
        let known = |row: &ShipmentRow| {
            let mut zones = [row.pickup_zone_id, row.delivery_zone_id].into_iter().flatten();
            zones.all(|zone| self.zones.contains(&zone)) && self.policies.contains(&row.policy_id)
        };
        if rows.iter().all(|row| known(row)) {
            return Ok(None);
        }
        let (zones, policies) = (zones_by_id(db)?, policies_by_id(db)?);
        self.zones = zones.keys().copied().collect();
        self.policies = policies.keys().copied().collect();
        Ok(Some((zones, policies)))
    }
}

/// The sums of a load under way.
pub struct LoadSums {
    lookups: Lookups,
    tallying: Tallying,
    /// By the day of the facts.
    days: BTreeMap<NaiveDate, DayMap>,
    /// By the month of the facts.
    lanes: BTreeMap<NaiveDate, LaneMap>,
    /// Days with rows that are in no written sum yet.
    unwritten: BTreeSet<NaiveDate>,
    /// Written, and no longer in memory.
    let_go: BTreeSet<NaiveDate>,
    gave_up: bool,
}

/// Sums to be stored with the rows that come last in them.
pub struct Slice {
    days: Vec<(NaiveDate, BTreeMap<CellKey, Measures>)>,
    lanes: Vec<(NaiveDate, LaneSums)>,
}

impl Slice {
    /// Puts the sums into the database; in the transaction of the rows, under the lock of the sums.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn store(self, db: &mut Db) -> Result<(), DbError> {
        for (day, cells) in self.days {
            let partners: BTreeSet<i64> = cells.keys().map(|key| key.0).collect();
            let partners: Vec<i64> = partners.into_iter().collect();
            measure_cells_replace(db, Source::Shipments, day, &partners, cells)?;
        }
        for (month, cells) in self.lanes {
            lane_cells_add(db, Source::Shipments, month, cells)?;
        }
        Ok(())
    }
}

impl LoadSums {
    /// Begins; none where more than a shipment's own row decides what it counts as: rates in force, declared events, prices of
    /// the market.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn start(db: &mut Db, as_of: DateTime<Utc>) -> Result<Option<Self>, DbError> {
        let run = Run { as_of, books: Books::default() };
        let lookups = Lookups::read(db, &run, Source::Shipments, Mode::Stored)?;
        let alone = lookups.shelf.is_none() && lookups.declared.is_empty() && !lookups.any_market;
        Ok(alone.then(|| Self {
            lookups,
            tallying: Tallying::default(),
            days: BTreeMap::new(),
            lanes: BTreeMap::new(),
            unwritten: BTreeSet::new(),
            let_go: BTreeSet::new(),
            gave_up: false,
        }))
    }

    /// Takes in zones and tolerances that the rows from here on name.
    pub fn know(&mut self, (zones, policies): Known) {
        self.lookups.zones = zones;
        self.lookups.policies = policies;
    }

    /// Judges and counts a row that is about to be stored; what its quality or the whole row says otherwise than the row's
    /// own verdicts goes into the row.
    ///
    /// # Errors
    /// A tolerance that is missing.
    pub fn add(&mut self, row: &mut ShipmentRow, quality: Option<&QualityRow>) -> Result<(), DbError> {
        let day = row.obligation_day.0;
        if self.gave_up {
            return Ok(());
        }
        if self.let_go.contains(&day) {
            self.give_up();
            return Ok(());
        }
        let fold = FoldRow::from(&*row);
        let known = (&self.lookups.zones, &self.lookups.policies);
        let (mut facts, policy) = shipment_facts(&fold, quality, known, &self.lookups.declared)?;
        facts.kept = self.lookups.kept;
        let verdicts = facts.judge(policy, self.lookups.as_of);
        let tallying = &mut self.tallying;
        std::mem::swap(&mut tallying.days, self.days.entry(day).or_default());
        std::mem::swap(&mut tallying.lanes, self.lanes.entry(month_of(day)).or_default());
        tallying.shipment(RowPlace::of_shipment(&fold), day, &facts, policy, &verdicts);
        std::mem::swap(&mut tallying.days, self.days.entry(day).or_default());
        std::mem::swap(&mut tallying.lanes, self.lanes.entry(month_of(day)).or_default());
        self.unwritten.insert(day);
        if differs(&fold, &verdicts) {
            row.pickup_window_outcome = verdicts.pickup_window.code().to_owned();
            row.delivery_day_outcome = verdicts.delivery_day.code().to_owned();
            row.delivery_window_outcome = verdicts.delivery_window.code().to_owned();
            row.settles_at = verdicts.settles_at.map(Instant);
        }
        Ok(())
    }

    /// All months but the newest, once there is too much in memory: to be stored with the rows added last.
    pub fn slice(&mut self) -> Option<Slice> {
        if self.cells() < CELLS_MAX {
            return None;
        }
        let (mut until, lanes) = self.lanes.pop_first()?;
        let mut lanes = vec![(until, lanes)];
        while self.lanes.len() > 1 {
            let older = self.lanes.pop_first()?;
            until = older.0;
            lanes.push(older);
        }
        let slice = self.written(lanes, |day| month_of(day) <= until);
        while self.days.len() > DAYS_KEPT {
            let Some(oldest) = self.days.first_entry().filter(|day| !self.unwritten.contains(day.key()))
            else {
                break;
            };
            self.let_go.insert(*oldest.key());
            oldest.remove();
        }
        if self.cells() >= CELLS_MAX {
            // A feed in no order, or one of more partners and services than fit: the refresh reads it a day at a time.
            self.give_up();
            return None;
        }
        Some(slice)
    }

    /// What is left is stored and the marks are taken, or, where that would not be all, what was stored is taken back and
    /// the marks stay for the refresh.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn finish(mut self, db: &mut Db) -> Result<(), DbError> {
        let lanes = std::mem::take(&mut self.lanes).into_iter().collect();
        let slice = self.written(lanes, |_| true);
        write_tx(db, |db| {
            transaction_lock(db, SUMS_LOCK)?;
            // Somebody may have declared, excused or signed something since; that marks the days which it touches.
            let still_alone = Self::start(db, self.lookups.as_of)?.is_some() && !any_exclusions(db)?;
            if self.gave_up || !still_alone {
                return Ok(cells_clear(db, Source::Shipments)?);
            }
            slice.store(db)?;
            Ok(stale_days_clear(db, Source::Shipments)?)
        })
    }

    fn cells(&self) -> usize {
        self.days.values().map(DayMap::len).sum::<usize>()
            + self.lanes.values().map(LaneMap::len).sum::<usize>()
    }

    fn give_up(&mut self) {
        self.gave_up = true;
        self.days.clear();
        self.lanes.clear();
        self.unwritten.clear();
    }

    /// Sums of lanes, with those of every day that may be in them and is not written as it is.
    fn written(&mut self, lanes: Vec<(NaiveDate, LaneMap)>, of: impl Fn(NaiveDate) -> bool) -> Slice {
        let days: Vec<NaiveDate> = self.unwritten.iter().copied().filter(|day| of(*day)).collect();
        let mut slice =
            Slice { days: Vec::with_capacity(days.len()), lanes: Vec::with_capacity(lanes.len()) };
        for day in days {
            self.unwritten.remove(&day);
            if let Some(cells) = self.days.get(&day) {
                slice.days.push((day, self.tallying.named_days(cells)));
            }
        }
        for (month, cells) in lanes {
            slice.lanes.push((month, self.tallying.named_lanes(cells)));
        }
        slice
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::prelude::*;

    use super::*;
    use crate::app::App;
    use crate::app::expected::tests::conn;
    use crate::app::import::{ImportReport, ImportRequest, Progress, import};
    use crate::app::refresh::check::{SumsChecked, sums_differ};
    use crate::app::refresh::{RefreshReport, anything_stale, refresh};
    use crate::app::testing::on_each_engine;
    use crate::db::dialect::{shipment_indexes_drop, shipment_indexes_missing};
    use crate::db::fold::stale_days;
    use crate::db::schema::{lane_cells, measure_cells};
    use crate::db::shipment::{StaleCell, stale_mark};
    use crate::feeds::kind::ImportKind;
    use crate::feeds::mapping::Mapping;

    const NOW: &str = "2025-07-08T09:00:00Z";
    const HEAD: &str = "reference,partner,lane,service,pickup_zone,delivery_zone,pickup_window_end,pickup_arrived_at,\
        delivery_window_end,arrived_at,arrived_received_at,pieces,pieces_delivered,receipt_expected,linehaul,weight_kg\n";

    /// Three loads a day of two partners on three lanes over `days` of spring, some late, short or silent.
    fn feed(days: impl Iterator<Item = u32>) -> String {
        let mut csv = HEAD.to_owned();
        for number in days {
            let day = NaiveDate::from_yo_opt(2025, 60 + number).unwrap();
            let before = day.pred_opt().unwrap();
            for load in 0..3 {
                let place = number * 3 + load;
                let arrived = match place % 7 {
                    0 => String::new(),
                    1 => format!("{day}T20:00Z"),
                    _ => format!("{day}T16:00Z"),
                };
                let told = if arrived.is_empty() { String::new() } else { format!("{day}T20:30Z") };
                let came = if place % 5 == 0 { 9 } else { 10 };
                writeln!(
                    csv,
                    "S{place},P{},L{},{},UTC,UTC,{before}T12:00Z,{before}T11:00Z,{day}T17:00Z,{arrived},{told},10,{came},YES,{}.50,200",
                    place % 2,
                    place % 3,
                    if place % 2 == 0 { "standard" } else { "express" },
                    100 + place,
                )
                .unwrap();
            }
        }
        csv
    }

    fn taken_in(app: &App, csv: &str) -> ImportReport {
        taken_in_while(app, csv, &|_| ())
    }

    fn taken_in_while(app: &App, csv: &str, progress: &(dyn Fn(Progress) + Sync)) -> ImportReport {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts.csv");
        std::fs::write(&path, csv).unwrap();
        let (mapping, rejects) =
            (Mapping::identity(ImportKind::Shipments), path.with_extension("rejects.csv"));
        let request = ImportRequest {
            path: &path,
            mapping: &mapping,
            by: "test",
            rejects,
            dry_run: false,
            refresh: true,
        };
        let report = import(app, &request, progress).unwrap();
        assert_eq!(report.rows_rejected, 0, "{report:?}");
        report
    }

    fn sound(app: &App) {
        let mut db = conn(app);
        let SumsChecked { waiting, differences, looked } = sums_differ(&mut db, app.now()).unwrap();
        assert_eq!((waiting, differences), (0, BTreeSet::new()));
        assert!(looked > 0);
        assert!(!anything_stale(&mut db, app.now()).unwrap());
        assert_eq!(refresh(app, app.now(), |_, _| ()).unwrap(), RefreshReport::default());
    }

    type Days = Vec<(i64, String, String)>;
    type Lanes = Vec<(i64, i64, String)>;

    fn cells(app: &App) -> (Days, Lanes) {
        let mut db = conn(app);
        let days = measure_cells::table
            .order((
                measure_cells::partner_id,
                measure_cells::day,
                measure_cells::source_day,
                measure_cells::service,
            ))
            .select((measure_cells::partner_id, measure_cells::service, measure_cells::measures))
            .load(&mut *db)
            .unwrap();
        let lanes = lane_cells::table
            .order((
                lane_cells::partner_id,
                lane_cells::month,
                lane_cells::lane_id,
                lane_cells::source_month,
                lane_cells::service,
            ))
            .select((lane_cells::partner_id, lane_cells::lane_id, lane_cells::measures))
            .load(&mut *db)
            .unwrap();
        (days, lanes)
    }

    #[test]
    fn an_ordered_load_sums_as_it_goes_and_as_a_refresh_would() {
        on_each_engine(NOW, |app| {
            let report = taken_in(app, &feed(0..90));
            assert_eq!((report.rows_new, report.refresh.days), (270, 0), "nothing was read again");
            sound(app);
            let as_loaded = cells(app);
            // The same by the refresh, as after a load that was killed once it had written sums.
            let days = stale_days(&mut conn(app), Source::Shipments).unwrap();
            assert!(days.is_empty());
            let mut marks = BTreeSet::new();
            for (partner_id, ..) in &as_loaded.0 {
                let days = (0..90).filter_map(|number| NaiveDate::from_yo_opt(2025, 60 + number));
                marks.extend(days.map(|day| StaleCell { partner_id: *partner_id, day }));
            }
            stale_mark(&mut conn(app), Source::Shipments, &marks).unwrap();
            assert!(refresh(app, app.now(), |_, _| ()).unwrap().days > 0);
            assert_eq!(cells(app), as_loaded);
            sound(app);
        });
    }

    #[test]
    fn no_refresh_runs_beside_a_first_load() {
        on_each_engine(NOW, |app| {
            let refused = AtomicUsize::new(0);
            taken_in_while(app, &feed(0..90), &|_| match refresh(app, app.now(), |_, _| ()) {
                Err(DbError::Loading) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                other => panic!("a refresh ran beside the load: {other:?}"),
            });
            assert!(refused.into_inner() > 0);
            sound(app);
        });
    }

    #[test]
    fn after_a_load_that_was_killed_the_refresh_sums_what_it_left() {
        on_each_engine(NOW, |app| {
            taken_in(app, &feed(0..90));
            let as_loaded = cells(app);
            // As it is when the load dies after its first slice: every day marked, some summed, no indexes.
            let mut db = conn(app);
            let marks = as_loaded.0.iter().flat_map(|(partner_id, ..)| {
                let days = (0..90).filter_map(|number| NaiveDate::from_yo_opt(2025, 60 + number));
                days.map(|day| StaleCell { partner_id: *partner_id, day })
            });
            stale_mark(&mut db, Source::Shipments, &marks.collect()).unwrap();
            shipment_indexes_drop(&mut db).unwrap();
            drop(db);
            assert!(refresh(app, app.now(), |_, _| ()).unwrap().days > 0);
            assert!(!shipment_indexes_missing(&mut conn(app)).unwrap());
            assert_eq!(cells(app), as_loaded);
            sound(app);
        });
    }

    #[test]
    fn a_load_in_no_order_is_left_to_the_refresh() {
        on_each_engine(NOW, |app| {
            // Every day comes again after all of them, more often than a batch of either engine is long.
            let mut csv = HEAD.to_owned();
            for round in 'A'..='T' {
                let again = feed(0..90).replace("\nS", &format!("\n{round}"));
                csv.push_str(again.split_once('\n').unwrap().1);
            }
            let report = taken_in(app, &csv);
            assert_eq!(report.rows_new, 20 * 270);
            assert!(report.refresh.days > 0, "the refresh read them");
            sound(app);
        });
    }
}
