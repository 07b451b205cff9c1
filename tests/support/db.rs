//! A fresh database for every test, so that tests run side by side and never clean up after another.
//!
//! SQLite: a file copied from a template that is migrated once. PostgreSQL, when `TEST_DATABASE_URL`
//! names a server: a schema of its own, dropped at the end. Without it the PostgreSQL half of a test
//! is skipped with a visible line, and fails under `CI=true`.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use lanemark::app::App;
use lanemark::clock::Clock;
use lanemark::db::conn::{Loan, migrate};
use lanemark::db::{DbUrl, Pool};

/// The day of the tests: Tuesday 8 July 2025, 06:10 UTC.
pub const NOW: &str = "2025-07-08T06:10:00Z";

/// Connections of one test.
const POOL_SIZE: u32 = 3;

/// One test's own database.
pub struct TestDb {
    /// Its connections.
    pub pool: Pool,
    /// Its address, for another process.
    pub url: String,
    /// Removed when the test is over.
    _cleanup: Cleanup,
}

enum Cleanup {
    File(#[allow(dead_code, reason = "removes the file when dropped")] tempfile::TempDir),
    Schema { server: DbUrl, name: String },
}

impl TestDb {
    /// A fresh SQLite database.
    pub fn sqlite() -> Self {
        Self::sqlite_of(template())
    }

    /// A copy of a SQLite database.
    pub fn sqlite_of(bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.db");
        std::fs::write(&file, bytes).unwrap();
        let url = format!("sqlite://{}", file.display());
        let pool = DbUrl::Sqlite(file).open(POOL_SIZE).unwrap();
        Self { pool, url, _cleanup: Cleanup::File(dir) }
    }

    /// A fresh schema on the server of `TEST_DATABASE_URL`.
    pub fn postgres() -> Option<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let Ok(address) = std::env::var("TEST_DATABASE_URL") else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs TEST_DATABASE_URL");
            println!("skipped on PostgreSQL: no TEST_DATABASE_URL");
            return None;
        };
        let name = format!("t{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let server = DbUrl::parse(&address).unwrap();
        server.connect().unwrap().batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        let mut own = url::Url::parse(&address).unwrap();
        own.query_pairs_mut().append_pair("options", &format!("-csearch_path={name}"));
        // libpq reads `+` as itself.
        let own = own.as_str().replace('+', "%20");
        let cleanup = Cleanup::Schema { server, name };
        let pool = DbUrl::parse(&own).unwrap().open(POOL_SIZE).unwrap();
        Some(Self { pool, url: own, _cleanup: cleanup })
    }

    /// A connection.
    pub fn conn(&self) -> Loan {
        self.pool.get().unwrap()
    }

    /// The use cases' parts over this database, at [`NOW`].
    pub fn app(&self) -> App {
        self.app_at(NOW)
    }

    /// The same at another instant.
    pub fn app_at(&self, now: &str) -> App {
        App::new(self.pool.clone(), Clock::Fixed(now.parse().unwrap()), "http://127.0.0.1:8080")
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        if let Self::Schema { server, name } = self {
            let dropped =
                server.connect().map(|mut db| db.batch_execute(&format!("DROP SCHEMA {name} CASCADE")));
            if !matches!(dropped, Ok(Ok(()))) {
                eprintln!("schema {name} was left behind");
            }
        }
    }
}

/// The bytes of a migrated, empty SQLite database.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("template.db");
        let mut db = DbUrl::Sqlite(file.clone()).connect().unwrap();
        migrate(&mut db).unwrap();
        // Closing the last connection moves the log into the file.
        drop(db);
        std::fs::read(file).unwrap()
    })
}

/// Runs `test` on a fresh database of each engine.
pub fn on_both(test: impl Fn(TestDb)) {
    test(TestDb::sqlite());
    if let Some(db) = TestDb::postgres() {
        test(db);
    }
}

/// As [`on_both`] for a test that waits: pages and jobs.
pub fn on_both_async<F: Future<Output = ()>>(test: impl Fn(TestDb) -> F) {
    on_both(|db| actix_web::rt::System::new().block_on(test(db)));
}
