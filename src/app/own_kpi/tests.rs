//! Own KPIs through both databases.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::schema::{measure_cells, partners};
use crate::db::types::Day;
use crate::domain::formula::OwnUnit;
use crate::domain::measure::{Measures, Tally};
use crate::domain::scorecard::Volume;
use crate::domain::viewer::Role;

fn on_both(test: impl Fn(&App)) {
    on_each_engine("2025-07-08T06:10:00Z", test);
}

fn manager() -> Viewer {
    viewer("Mara", Role::CarrierManager)
}

fn own(code: &str, formula: &str) -> OwnKpi {
    OwnKpi {
        code: code.to_owned(),
        version: 0,
        name: "Late share".to_owned(),
        unit: OwnUnit::Percent,
        better: Better::Lower,
        formula: formula.to_owned(),
        rules: "Deliveries after their window, for each shipment due.".to_owned(),
        volume: Volume::Proportion,
        retired: false,
    }
}

fn keep(app: &App, seen: i32, kpi: &OwnKpi) -> Result<i32, EditError> {
    save(app, &mut app.pool.get().unwrap(), &manager(), seen, kpi)
}

/// Field and message of each problem.
fn told(result: Result<i32, EditError>) -> Vec<(String, String)> {
    match result {
        Err(EditError::Invalid(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

const LATE: &str = "delivery_window.late / shipments";

#[test]
fn a_definition_is_kept_version_by_version_and_none_is_rewritten() {
    on_both(|app| {
        assert_eq!(keep(app, 0, &own("LATE_SHARE", LATE)).unwrap(), 1);
        assert_eq!(keep(app, 1, &own("LATE_SHARE", LATE)).unwrap(), 1, "the same again is no version");
        let better = OwnKpi { name: "Late".to_owned(), ..own("LATE_SHARE", "1 - OTD_WIN") };
        let next =
            App::new(app.pool.clone(), Clock::Fixed("2025-08-01T00:00:00Z".parse().unwrap()), "http://x");
        assert_eq!(keep(&next, 1, &better).unwrap(), 2);
        assert!(matches!(keep(app, 1, &better), Err(EditError::Stale(_))));
        assert!(matches!(keep(app, 3, &own("OTHER", LATE)), Err(EditError::NotFound(_))));
        assert_eq!(told(keep(app, 0, &better))[0].0, "code", "there is one of that code");
        let mut db = app.pool.get().unwrap();
        let page = own_kpi_page(&mut db, "LATE_SHARE").unwrap().unwrap();
        assert_eq!(page.history.iter().map(|row| row.version).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((page.kpi.version, page.history[1].created_by.as_str()), (2, "Mara"));
        assert_eq!(
            changes(&page.history[1].kpi().unwrap(), &page.kpi),
            "name: Late, was Late share; formula: 1 - OTD_WIN, was delivery_window.late / shipments"
        );
        let stood = |moment: &str, db: &mut Db| {
            library_at(db, moment.parse().unwrap(), &[]).unwrap().get("LATE_SHARE").map(|kpi| kpi.version)
        };
        assert_eq!(stood("2025-07-31T00:00:00Z", &mut db), Some(1));
        assert_eq!(stood("2025-08-01T00:00:00Z", &mut db), Some(2));
        assert_eq!(stood("2025-01-01T00:00:00Z", &mut db), None);
        let early = library_at(&mut db, "2025-01-01T00:00:00Z".parse().unwrap(), &["LATE_SHARE"]).unwrap();
        assert_eq!(early.get("LATE_SHARE").unwrap().version, 1, "as it was first made");
        for sql in ["UPDATE own_kpis SET formula = 'x'", "DELETE FROM own_kpis"] {
            let error = db.batch_execute(sql).unwrap_err().to_string();
            assert!(error.contains("own_kpis is a history"), "{error}");
        }
        assert_eq!(definitions_differ(&mut db).unwrap(), (2, vec![]));
    });
}

#[test]
fn only_the_carrier_manager_defines_and_what_does_not_hold_is_not_kept() {
    on_both(|app| {
        let mut db = app.pool.get().unwrap();
        for role in Role::ALL.into_iter().filter(|role| *role != Role::CarrierManager) {
            let refused = save(app, &mut db, &viewer("X", role), 0, &own("LATE_SHARE", LATE));
            assert!(matches!(refused, Err(EditError::Denied { .. })), "{role}");
            let refused = retire(app, &mut db, &viewer("X", role), "LATE_SHARE", 1);
            assert!(matches!(refused, Err(EditError::Denied { .. })), "{role}");
        }
        drop(db);
        let wrong = OwnKpi { name: String::new(), rules: String::new(), ..own("OTD_WIN", "shipmnts / 0") };
        let errors = told(keep(app, 0, &wrong));
        let fields: Vec<&str> = errors.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["code", "name", "rules", "formula"]);
        assert!(errors[3].1.starts_with(
            "at character 1: there is no measure or KPI `shipmnts` (did you mean `shipments`?)"
        ));
        assert!(library(&mut app.pool.get().unwrap()).unwrap().codes().next().is_none());
    });
}

#[test]
fn kpis_that_use_each_other_stay_whole() {
    on_both(|app| {
        keep(app, 0, &own("BASE", LATE)).unwrap();
        keep(app, 0, &own("ABOVE", "2 * BASE")).unwrap();
        let cycle = told(keep(app, 1, &own("BASE", "ABOVE / 2")));
        assert!(cycle[0].1.contains("a KPI cannot use itself: BASE uses ABOVE uses BASE"), "{cycle:?}");
        let other = OwnKpi { unit: OwnUnit::Count, ..own("BASE", "delivery_window.late") };
        let breaks = told(keep(app, 1, &other));
        assert!(breaks[0].1.starts_with("ABOVE uses this KPI and would not hold any more"), "{breaks:?}");
        let mut db = app.pool.get().unwrap();
        let refused = retire(app, &mut db, &manager(), "BASE", 1).unwrap_err();
        let EditError::Invalid(errors) = refused else { panic!("{refused:?}") };
        assert_eq!(
            errors[0],
            ("retire".to_owned(), "Late share (ABOVE) uses it; change that KPI first".to_owned())
        );
        retire(app, &mut db, &manager(), "ABOVE", 1).unwrap();
        retire(app, &mut db, &manager(), "BASE", 1).unwrap();
        assert!(own_plan(&mut db, "BASE").unwrap().is_none());
        drop(db);
        assert_eq!(keep(app, 2, &own("BASE", LATE)).unwrap(), 3, "taken up again");
        assert!(own_plan(&mut app.pool.get().unwrap(), "BASE").unwrap().is_some());
    });
}

#[test]
fn a_look_before_keeping_is_the_newest_whole_month_of_each_partner_the_viewer_sees() {
    on_both(|app| {
        let mut db = app.pool.get().unwrap();
        let none = preview(app, &mut db, &manager(), &own("LATE_SHARE", LATE), None).unwrap();
        assert!(none.month.is_none() && none.lines.is_empty());
        for id in [1_i64, 2] {
            diesel::insert_into(partners::table)
                .values((
                    partners::id.eq(id),
                    partners::code.eq(format!("P{id}")),
                    partners::name.eq(format!("Partner {id}")),
                    partners::created_at.eq(Instant("2024-01-01T00:00:00Z".parse().unwrap())),
                ))
                .execute(&mut *db)
                .unwrap();
        }
        for (partner_id, day, late, shipments) in [
            (1_i64, "2025-05-10", 9, 9),
            (1, "2025-06-10", 3, 40),
            (1, "2025-07-02", 5, 5),
            (2, "2025-06-11", 0, 0),
        ] {
            let day: chrono::NaiveDate = day.parse().unwrap();
            let delivery_window = Tally { late, success: shipments - late, pending: 1, ..Tally::default() };
            let measures = Measures { shipments, delivery_window, ..Measures::default() };
            diesel::insert_into(measure_cells::table)
                .values((
                    measure_cells::partner_id.eq(partner_id),
                    measure_cells::day.eq(Day(day)),
                    measure_cells::service.eq(""),
                    measure_cells::mode.eq(""),
                    measure_cells::source.eq("SHIPMENTS"),
                    measure_cells::source_day.eq(Day(day)),
                    measure_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
                ))
                .execute(&mut *db)
                .unwrap();
        }
        let found = preview(app, &mut db, &manager(), &own("LATE_SHARE", LATE), None).unwrap();
        assert_eq!(found.month.unwrap().to_string(), "2025-06", "July still runs");
        let values: Vec<(&str, Option<String>)> = found
            .lines
            .iter()
            .map(|(code, _, value)| (code.as_str(), value.net.map(|net| net.to_string())))
            .collect();
        assert_eq!(values, [("P1", Some("0.075".to_owned())), ("P2", None)]);
        let (code, _, answer) = found.told.unwrap();
        let steps: Vec<&str> = answer.steps.iter().map(|step| step.words.as_str()).collect();
        assert_eq!(code, "P1");
        assert_eq!(
            steps,
            ["delivery_window.late = 3", "shipments = 40", "3 / 40 = 0.075", "LATE_SHARE = 7.5 percent"]
        );
        let chosen = preview(app, &mut db, &manager(), &own("LATE_SHARE", LATE), Some("P2")).unwrap();
        assert_eq!(chosen.told.unwrap().2.value.fault.unwrap().part, "shipments");
        let partner = preview(app, &mut db, &partner_viewer(2), &own("LATE_SHARE", LATE), None).unwrap();
        assert_eq!(partner.lines.iter().map(|line| line.0.as_str()).collect::<Vec<_>>(), ["P2"]);
        assert!(library(&mut db).unwrap().codes().next().is_none(), "nothing was kept");
    });
}
