//! How far back an accrual looks, on both engines.

use super::*;
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
