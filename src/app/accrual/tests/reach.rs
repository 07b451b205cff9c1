//! How far back an accrual looks, on both engines.

use super::*;
use crate::app::accrual::check::{OlderChecked, all_differ_on};
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
