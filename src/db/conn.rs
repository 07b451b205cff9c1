//! One connection type over both databases, and the pool that opens it.

#![expect(missing_docs, reason = "MultiConnection derives public items without docs; ours have them")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::r2d2::{self, R2D2Connection};
use diesel::{Connection, ConnectionError, PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbError;
use super::dialect::{has_table, has_tables, write_tx};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a PostgreSQL statement waits for a lock. Two connections of one thread's work can wait for each other by
/// way of a third, which the server cannot see; and a page should rather say so than wait for ever.
/// [`super::dialect::transaction_lock`] waits for as long as it takes.
const LOCK_TIMEOUT_MS: u32 = 60_000;

/// How long a SQLite writer waits for another one.
const BUSY_TIMEOUT_MS: u32 = 15_000;
/// How long a request waits for a free connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long work that would be faster with a second connection waits for one.
const SPARE_TIMEOUT: Duration = Duration::from_millis(500);
/// A connection that was lent this recently is lent again without being asked whether it is alive.
const TRUSTED_FOR: Duration = Duration::from_secs(2);

/// A connection to either database. Queries are written once on this type; the few that cannot be
/// are in [`super::dialect`].
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// PostgreSQL, for a team.
    Pg(PgConnection),
    /// SQLite, for one machine.
    Sqlite(SqliteConnection),
}

/// Which database, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL connection string.
    Postgres(String),
}

impl DbUrl {
    /// Reads `sqlite://FILE`, a bare path that exists, or `postgres://…`.
    ///
    /// # Errors
    /// [`DbError::Url`] for anything else, so that a typo never creates an empty database.
    pub fn parse(text: &str) -> Result<Self, DbError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        if let Some(file) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            // Names SQLite takes for something else than a file.
            let is_file = !file.is_empty() && !file.starts_with(':') && !file.starts_with("file:");
            return if is_file {
                Ok(Self::Sqlite(PathBuf::from(file)))
            } else {
                Err(DbError::NoFile(text.to_owned()))
            };
        }
        let path = Path::new(text);
        if path.is_file() {
            return Ok(Self::Sqlite(path.to_owned()));
        }
        Err(DbError::Url(text.to_owned()))
    }

    /// SQLite's log of a database file: the file's name with `-wal`; no file's name on PostgreSQL.
    pub(super) fn log_file(&self) -> PathBuf {
        match self {
            Self::Sqlite(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push("-wal");
                PathBuf::from(name)
            }
            Self::Postgres(_) => PathBuf::new(),
        }
    }

    /// The address without a password, for messages.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(text) => match url::Url::parse(text) {
                Ok(mut parsed) => {
                    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
                        return "postgres".to_owned();
                    }
                    parsed.to_string()
                }
                Err(_) => "postgres".to_owned(),
            },
        }
    }

    /// Opens one connection with the settings every connection has.
    ///
    /// # Errors
    /// The engine's own reason.
    pub fn connect(&self) -> Result<Db, DbError> {
        match self {
            Self::Postgres(text) => {
                if cfg!(not(feature = "postgres-tls")) && text.contains("sslmode=require") {
                    return Err(DbError::NoTls);
                }
                let mut conn = PgConnection::establish(text).map_err(|error| self.refused(&error))?;
                conn.batch_execute("SET TIME ZONE 'UTC'; SET client_min_messages = warning; SET jit = off")?;
                conn.batch_execute(&format!("SET lock_timeout = {LOCK_TIMEOUT_MS}"))?;
                Ok(Db::Pg(conn))
            }
            Self::Sqlite(path) => {
                let name = path.to_str().ok_or_else(|| DbError::Url(path.display().to_string()))?;
                let mut conn = SqliteConnection::establish(name).map_err(|error| self.refused(&error))?;
                // One statement each, in this order. `cache_size` and `temp_store` stay at their
                // defaults: the usual tuning makes GROUP BY three times slower.
                conn.batch_execute(&format!("PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}"))?;
                conn.batch_execute("PRAGMA page_size = 8192")?;
                conn.batch_execute("PRAGMA journal_mode = WAL")?;
                conn.batch_execute("PRAGMA synchronous = NORMAL")?;
                conn.batch_execute("PRAGMA foreign_keys = ON")?;
                Ok(Db::Sqlite(conn))
            }
        }
    }

    /// Opens a pool of `size` connections, after bringing the schema up to date.
    ///
    /// # Errors
    /// The engine's own reason, or the migration that failed.
    pub fn open(&self, size: u32) -> Result<Pool, DbError> {
        migrate(&mut self.connect()?)?;
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(POOL_TIMEOUT)
            // `Pool::get` asks, and seldom.
            .test_on_check_out(false)
            .build(Manager(self.clone()))
            .map_err(DbError::Pool)?;
        Ok(Pool { inner: pool, url: self.clone() })
    }

    fn refused(&self, error: &ConnectionError) -> DbError {
        DbError::Connect { address: self.display(), reason: error.to_string() }
    }
}

/// Brings the schema up to date.
///
/// # Errors
/// [`DbError::Migration`] with the engine's reason; [`DbError::Newer`] and [`DbError::Foreign`] for a database that
/// is not this program's to change.
pub fn migrate(db: &mut Db) -> Result<(), DbError> {
    if let Db::Pg(conn) = db {
        // Two nodes may start at once; the second waits, however long, and then finds nothing to do.
        conn.batch_execute("SET lock_timeout = 0; SELECT pg_advisory_lock(714025)")?;
        let run = is_current(db).and_then(|current| if current { Ok(()) } else { run_pending(db) });
        db.batch_execute("SELECT pg_advisory_unlock(714025)")?;
        return run;
    }
    // Looked at without a transaction first: a database that can only be read is not written to.
    if is_current(db)? { Ok(()) } else { write_tx(db, run_pending) }
}

fn run_pending(db: &mut Db) -> Result<(), DbError> {
    let run = match db {
        Db::Pg(conn) => conn.run_pending_migrations(POSTGRES_MIGRATIONS).map(|_| ()),
        Db::Sqlite(conn) => conn.run_pending_migrations(SQLITE_MIGRATIONS).map(|_| ()),
    };
    run.map_err(|error| DbError::Migration(error.to_string()))
}

/// Whether nothing is left to be done to the schema. Reads only, where the library that runs the migrations would
/// make its own table in a stranger's database.
fn is_current(db: &mut Db) -> Result<bool, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Applied {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    if !has_table(db, "__diesel_schema_migrations")? {
        return if has_tables(db)? { Err(DbError::Foreign) } else { Ok(false) };
    }
    let applied: Vec<Applied> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(db)?;
    let known = match db {
        Db::Pg(_) => versions::<diesel::pg::Pg>(&POSTGRES_MIGRATIONS),
        Db::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE_MIGRATIONS),
    }?;
    match applied.iter().find(|step| !known.contains(&step.version)) {
        Some(step) => Err(DbError::Newer(step.version.clone())),
        None => Ok(applied.len() == known.len()),
    }
}

fn versions<B: diesel::backend::Backend>(
    source: &impl MigrationSource<B>,
) -> Result<std::collections::BTreeSet<String>, DbError> {
    let steps = source.migrations().map_err(|error| DbError::Migration(error.to_string()))?;
    Ok(steps.iter().map(|step| step.name().version().to_string()).collect())
}

/// Takes every migration back; tests prove that the way down works.
///
/// # Errors
/// [`DbError::Migration`] with the engine's reason.
pub fn revert_all(db: &mut Db) -> Result<(), DbError> {
    let run = match db {
        Db::Pg(conn) => conn.revert_all_migrations(POSTGRES_MIGRATIONS).map(|_| ()),
        Db::Sqlite(conn) => conn.revert_all_migrations(SQLITE_MIGRATIONS).map(|_| ()),
    };
    run.map_err(|error| DbError::Migration(error.to_string()))
}

/// A pool of connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    inner: r2d2::Pool<Manager>,
    url: DbUrl,
}

/// When a connection was lent last.
struct LentAt(Instant);

/// A connection on loan from the pool.
pub type Loan = r2d2::PooledConnection<Manager>;

impl Pool {
    /// A connection, waiting for a free one if need be.
    ///
    /// # Errors
    /// [`DbError::Pool`] when none came free in time.
    pub fn get(&self) -> Result<Loan, DbError> {
        let mut loan = self.inner.get().map_err(DbError::Pool)?;
        // One that died while it lay idle is given back, and the pool throws it away.
        for _ in 0..self.size() {
            if is_alive(&mut loan) {
                break;
            }
            drop(loan);
            loan = self.inner.get().map_err(DbError::Pool)?;
        }
        Ok(loan)
    }

    /// The most connections it gives out at once.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.inner.max_size()
    }

    /// A further connection for work that could also do without; none when the pool has none to give soon, or
    /// so few that whoever watches over the work would find none left.
    #[must_use]
    pub fn spare(&self) -> Option<Loan> {
        let mut loan = (self.size() > 2).then(|| self.inner.get_timeout(SPARE_TIMEOUT).ok()).flatten()?;
        is_alive(&mut loan).then_some(loan)
    }

    /// Where the pool connects to.
    #[must_use]
    pub fn url(&self) -> &DbUrl {
        &self.url
    }
}

/// Whether a connection answers. Asking costs a round trip, and a page takes three connections one after the
/// other, so one that was lent lately is not asked.
fn is_alive(loan: &mut Loan) -> bool {
    let lent_at = Loan::extensions_mut(loan).insert(LentAt(Instant::now()));
    lent_at.is_some_and(|at| at.0.elapsed() < TRUSTED_FOR) || loan.ping().is_ok()
}

/// Opens connections for the pool; chooses the engine by the address, never by trial.
#[derive(Clone, Debug)]
pub struct Manager(DbUrl);

impl r2d2::ManageConnection for Manager {
    type Connection = Db;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Db, r2d2::Error> {
        self.0
            .connect()
            .map_err(|error| r2d2::Error::ConnectionError(ConnectionError::BadConnection(error.to_string())))
    }

    fn is_valid(&self, conn: &mut Db) -> Result<(), r2d2::Error> {
        conn.ping().map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Db) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(folder: &tempfile::TempDir) -> Db {
        DbUrl::Sqlite(folder.path().join("a.db")).connect().unwrap()
    }

    #[test]
    fn a_strangers_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = sqlite(&folder);
        db.batch_execute("CREATE TABLE partners (name TEXT)").unwrap();
        assert!(matches!(migrate(&mut db), Err(DbError::Foreign)));
        assert!(!has_table(&mut db, "__diesel_schema_migrations").unwrap());
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = sqlite(&folder);
        migrate(&mut db).unwrap();
        migrate(&mut db).unwrap();
        db.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')")
            .unwrap();
        let refused = migrate(&mut db).unwrap_err().to_string();
        assert!(
            refused.contains("newer version of Lanemark") && refused.contains("20990101000000"),
            "{refused}"
        );
    }

    #[test]
    fn several_first_starts_at_once_all_succeed() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(&mut sqlite(&folder)))).collect();
            for start in starts {
                start.join().unwrap().unwrap();
            }
        });
    }
}
