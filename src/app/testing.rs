//! An empty database for a test: SQLite always, PostgreSQL when `TEST_DATABASE_URL` names one.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::App;
use crate::clock::Clock;
use crate::db::schema::{measure_cells, partners};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbUrl, Pool};
use crate::domain::measure::Measures;
use crate::domain::viewer::{Role, Viewer};

/// Runs `test` on a fresh database of each engine at hand. The clock stands at `now`.
pub(crate) fn on_each_engine(now: &str, test: impl Fn(&App)) {
    let now: DateTime<Utc> = now.parse().unwrap();
    let app = |pool: Pool| App::new(pool, Clock::Fixed(now), "http://localhost");
    let folder = tempfile::tempdir().unwrap();
    test(&app(DbUrl::Sqlite(folder.path().join("test.db")).open(2).unwrap()));
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => {
            let schema = Schema::create(&url);
            test(&app(schema.open()));
        }
        Err(_) => eprintln!("skipped on PostgreSQL: TEST_DATABASE_URL is not set"),
    }
}

/// A carrier with this id and code.
pub(crate) fn carrier(app: &App, id: i64, code: &str) {
    diesel::insert_into(partners::table)
        .values((
            partners::id.eq(id),
            partners::code.eq(code),
            partners::name.eq(format!("Partner {code}")),
            partners::scac.eq(""),
            partners::mode.eq("FTL"),
            partners::status.eq("ACTIVE"),
            partners::contact_name.eq(""),
            partners::contact_email.eq(""),
            partners::review_cadence.eq("MONTHLY"),
            partners::created_at.eq(Instant("2025-01-01T00:00:00Z".parse().unwrap())),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

/// The sums of a carrier's shipments of one day.
pub(crate) fn day_cell(app: &App, partner_id: i64, on: NaiveDate, measures: &Measures) {
    diesel::insert_into(measure_cells::table)
        .values((
            measure_cells::partner_id.eq(partner_id),
            measure_cells::day.eq(Day(on)),
            measure_cells::service.eq(""),
            measure_cells::mode.eq(""),
            measure_cells::source.eq("SHIPMENTS"),
            measure_cells::source_day.eq(Day(on)),
            measure_cells::measures.eq(serde_json::to_string(measures).unwrap()),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

/// A viewer called `name`; its user id comes from the name, so that two names are two users.
pub(crate) fn viewer(name: &str, role: Role) -> Viewer {
    let user_id = name.bytes().fold(7, |id: i64, byte| id * 31 % 1_000_003 + i64::from(byte));
    Viewer { user_id, name: name.to_owned(), role, partner_id: None }
}

/// The user of one partner.
pub(crate) fn partner_viewer(partner_id: i64) -> Viewer {
    Viewer { partner_id: Some(partner_id), ..viewer("partner user", Role::Partner) }
}

/// A PostgreSQL schema of its own, dropped at the end.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn create(url: &str) -> Self {
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes).unwrap();
        let name = format!("test_{:016x}", u64::from_le_bytes(bytes));
        let schema = Self { url: url.to_owned(), name };
        schema.run(&format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    fn open(&self) -> Pool {
        let mark = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{mark}options=-csearch_path%3D{}", self.url, self.name);
        DbUrl::Postgres(url).open(2).unwrap()
    }

    fn run(&self, sql: &str) {
        DbUrl::Postgres(self.url.clone()).connect().unwrap().batch_execute(sql).unwrap();
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

/// Lets the rows of a history be changed and removed, as whoever may change the schema can.
pub(crate) fn open_history(db: &mut Db, table: &str) {
    for trigger in ["stay", "keep"] {
        let drop = format!("DROP TRIGGER {table}_{trigger}");
        // SQLite names a trigger alone, PostgreSQL with its table.
        if db.batch_execute(&drop).is_err() {
            db.batch_execute(&format!("{drop} ON {table}")).unwrap();
        }
    }
}
