//! Importing files as people do: the program is run, and what it says, leaves and stores is looked at.

mod again;
mod bad;
mod baseline;
mod bundle;
mod invoices;
mod large;
mod money;
mod peers;
mod real;
mod rejects;

use diesel::prelude::*;
use lanemark::db::schema::{imports, lanes, partners, shipments};

use crate::support::db::TestDb;

/// A mapping as a shipper would write it, with `more` at its top.
fn tms(more: &str) -> String {
    format!(
        r#"
        kind = "shipments"
        name = "tms"
        zone = "UTC"
        dates = ["%d.%m.%Y"]
        {more}

        [fields]
        reference = "Load"
        partner = "Carrier"
        weight_kg = "Kilos"
        delivery_due_date = "Due"
        picked_up_at = "Picked"
        delivered_at = "Delivered"
        "#
    )
}

/// The columns of [`tms`].
const HEADER: &str = "Load,Carrier,Kilos,Due,Picked,Delivered";

/// A file of `rows` good rows for [`tms`].
fn good(rows: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..rows {
        let (day, carrier) = (row % 28 + 1, row % 3);
        text.push_str(&format!(
            "L{row:06},Carrier {carrier},{row}.5,{day:02}.03.2025,2025-02-0{}T08:00,2025-03-{day:02}T{:02}:30\n",
            day % 9 + 1,
            row % 24
        ));
    }
    text
}

/// Rows stored: shipments, and everything that would have been made on the way.
fn stored(db: &TestDb) -> (i64, i64) {
    let mut db = db.conn();
    let count = shipments::table.count().get_result::<i64>(&mut *db).unwrap();
    let beside = partners::table.count().get_result::<i64>(&mut *db).unwrap()
        + lanes::table.count().get_result::<i64>(&mut *db).unwrap()
        + imports::table.count().get_result::<i64>(&mut *db).unwrap();
    (count, beside)
}
