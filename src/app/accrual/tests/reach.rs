//! How far back an accrual looks, on both engines.

use super::*;
use crate::app::accrual::check::{AccrualsChecked, OlderChecked, accruals_differ, all_differ_on};
use crate::clock::Clock;
use crate::db::import::{ImportCounts, NewImport, import_begin, import_end};
use crate::db::job::{JobRunRow, job_run_insert};
use crate::db::schema::accruals;

#[test]
fn what_fell_due_long_ago_stays_and_comes_back_where_its_day_is_corrected() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-01-08", Some("2025-01-10T15:00:00Z"), Some(1_000));
        late(app, 2, "2025-01-08", Some("2025-01-10T15:00:00Z"), Some(2_000));
        assert_eq!(
            run(app, "2025-01-20"),
            ["01-20 1410/5190 100.00 INITIAL", "01-20 1410/5190 200.00 INITIAL"]
        );
        excuse(app, 2);
        assert_eq!(run(app, "2025-07-01"), [""; 0], "January is out of reach");
        {
            let corrected = (
                shipments::obligation_day.eq(Day(day("2025-06-09"))),
                shipments::delivery_due_day.eq(Some(Day(day("2025-06-09")))),
                shipments::arrived_at.eq(Some(Instant("2025-06-10T15:00:00Z".parse().unwrap()))),
            );
            let db = &mut *app.pool.get().unwrap();
            diesel::update(shipments::table.filter(shipments::id.eq(1))).set(corrected).execute(db).unwrap();
        }
        assert_eq!(run(app, "2025-07-02"), ["07-02 5190/1410 50.00 TRUE_UP"], "one item, one day late");
        assert_eq!(run(app, "2025-07-02"), [""; 0]);
        assert_eq!(run(app, "2025-06-30"), [""; 0], "an earlier day takes nothing back");
        let db = &mut *app.pool.get().unwrap();
        let days: Vec<Day> =
            accruals::table.order(accruals::shipment_id).select(accruals::obligation_day).load(db).unwrap();
        assert_eq!(days, [Day(day("2025-06-09")), Day(day("2025-01-08"))]);
    });
}

/// The check prices the whole history again, tells what came to rest with another amount, and says what it left to the rows.
#[test]
fn the_check_says_how_far_it_priced_again() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-01-08", Some("2025-01-10T15:00:00Z"), Some(1_000));
        late(app, 2, "2025-01-09", Some("2025-01-13T15:00:00Z"), Some(2_000));
        late(app, 3, "2025-06-10", Some("2025-06-12T15:00:00Z"), Some(3_000));
        run(app, "2025-01-20");
        run(app, "2025-07-01");
        let db = &mut *app.pool.get().unwrap();
        let check = |db: &mut Db, since: Option<&str>| {
            let (near, older) = all_differ_on(db, day("2025-07-01"), since.map(day)).unwrap();
            assert_eq!((near.looked, near.differences), (1, Vec::new()));
            older
        };
        let sound = OlderChecked { since: Some(day("2025-01-01")), looked: 2, ..OlderChecked::default() };
        assert_eq!(check(db, None), sound);
        assert_eq!(
            sound.words(1),
            "3 obligations priced again, since 1 January 2025: 1 that an accrual still changes, 2 older"
        );
        let near = check(db, Some("2025-02-10"));
        let expected =
            OlderChecked { since: Some(day("2025-02-01")), rows_alone: 2, ..OlderChecked::default() };
        assert_eq!(near, expected, "January stands by its rows alone");
        assert!(
            near.words(1).ends_with("or of a contract that cannot be priced: 2 items"),
            "{}",
            near.words(1)
        );

        // Line, row and sum of months changed alike tie out with each other, and not with the clause.
        open_history(db, "journal_lines");
        let of_january = journal_lines::table.filter(journal_lines::amount_micros.eq(money(100).0));
        diesel::update(of_january).set(journal_lines::amount_micros.eq(money(40).0)).execute(db).unwrap();
        let row = accruals::table.filter(accruals::shipment_id.eq(Some(1_i64)));
        diesel::update(row).set(accruals::target_micros.eq(money(40).0)).execute(db).unwrap();
        assert_eq!(verify_ledger(db).unwrap(), []);
        let told = ["contract C-1, cv:71/cl:73/ev:1: the ledger is 60.00 off what clause and facts come to"];
        assert_eq!(check(db, None).differences, told);
        assert!(check(db, Some("2025-02-10")).differences.is_empty(), "nobody looked");

        // What cannot be priced at all is no difference of an older obligation: nobody knows what it comes to.
        let of_two = shipments::table.filter(shipments::id.eq(2));
        diesel::update(of_two).set(shipments::currency.eq(Some("QQQ"))).execute(db).unwrap();
        let older = check(db, None);
        let [told] = older.unpriced.as_slice() else { panic!("{older:?}") };
        let starts = "contract C-1: its older obligations cannot be priced: shipment SHP-2";
        assert!(told.starts_with(starts), "{told}");
        assert!(older.differences.is_empty(), "{older:?}");
        assert!(check(db, Some("2025-02-10")).unpriced.is_empty(), "nobody looked");
    });
}

/// Notes a run of the job that ends now, for the day that the app stands on. As every run it goes by the host's clock.
fn noted_run(app: &App) {
    let at = Instant(Clock::System.now());
    let row = JobRunRow {
        id: app.id(),
        job: ACCRUAL_JOB.to_owned(),
        scope: "all".to_owned(),
        due_at: at,
        as_of: Instant(app.now()),
        period: String::new(),
        state: "DONE".to_owned(),
        trigger_kind: "MANUAL".to_owned(),
        requested_by: "test".to_owned(),
        node: String::new(),
        attempt: 1,
        lease_until: at,
        started_at: at,
        finished_at: Some(at),
        changed_rows: 0,
        summary: String::new(),
        details: String::new(),
        error: String::new(),
    };
    job_run_insert(&mut app.pool.get().unwrap(), &row).unwrap();
}

/// Jobs run by the host's clock and files come in by the installation's. Where that stands still on another day, as in the demo,
/// what came in after an accrual still waits for the next one, and what came in before does not.
#[test]
fn a_file_after_the_accrual_waits_for_the_next_also_where_the_clock_stands_still() {
    // Long before the host's day, and long after.
    for now in [NOW, "2090-07-31T12:00:00Z"] {
        on_each_engine(now, |app| {
            let file = |name: &str| {
                let at = Instant(app.now());
                let import = NewImport {
                    id: app.id(),
                    kind: "SHIPMENTS".to_owned(),
                    file_name: name.to_owned(),
                    mapping: "own",
                    started_at: at,
                    imported_by: "test",
                };
                let db = &mut *app.pool.get().unwrap();
                import_begin(db, &import).unwrap();
                import_end(db, import.id, Some(ImportCounts::default()), at).unwrap();
            };
            let check = || accruals_differ(&mut app.pool.get().unwrap()).unwrap();
            let accrued = || {
                accrue(app, app.now().date_naive(), AccrualScope::default()).unwrap();
                noted_run(app);
            };
            let year = app.now().date_naive().format("%Y").to_string();
            let late_on_the = |id, days: [u32; 2], linehaul| {
                let [due, done] = days.map(|day| format!("{year}-07-{day:02}"));
                late(app, id, &due, Some(&format!("{done}T15:00:00Z")), Some(linehaul));
            };
            world(app, LATE);
            file("first.csv");
            late_on_the(1, [10, 11], 1_000);
            accrued();
            assert_eq!(check(), AccrualsChecked { looked: 1, ..AccrualsChecked::default() });

            file("second.csv");
            late_on_the(2, [17, 18], 2_000);
            let checked = check();
            assert!(checked.waiting, "{checked:?}");
            let told =
                ["contract C-1, cv:71/cl:73/ev:2: the ledger is 100.00 off what clause and facts come to"];
            assert_eq!(checked.differences, told);

            accrued();
            assert_eq!(check(), AccrualsChecked { looked: 2, ..AccrualsChecked::default() });
        });
    }
}
