//! Everything that differs between the two databases, so that no other file asks which one it is.

pub mod among;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel::{Connection, QueryResult, RunQueryDsl};

use super::KEYS_PER_STATEMENT;
use super::conn::{Db, MultiBackend};

/// A statement that diesel can render for both engines but not for the shared type: upserts, unions.
#[derive(Debug, Clone, Copy)]
pub struct Both<T>(pub T);

impl<T> QueryFragment<MultiBackend> for Both<T>
where
    T: QueryFragment<diesel::pg::Pg> + QueryFragment<diesel::sqlite::Sqlite>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(&self.0, pass)
    }
}

impl<T: QueryId> QueryId for Both<T> {
    type QueryId = T::QueryId;
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T: Query> Query for Both<T> {
    type SqlType = T::SqlType;
}

impl<T> RunQueryDsl<Db> for Both<T> {}

/// Adds `.both()` to statements.
pub trait BothExt: Sized {
    /// Runs this statement on the shared connection type.
    fn both(self) -> Both<Self> {
        Both(self)
    }
}

impl<T> BothExt for T {}

/// Compiles its body once per engine, with `$c` the engine's own connection.
#[macro_export]
macro_rules! on_engine {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Db::Pg($c) => $body,
            $crate::db::Db::Sqlite($c) => $body,
        }
    };
}

/// Runs `work` in one write transaction: all of it or nothing.
///
/// On SQLite the write lock is taken at the start (`BEGIN IMMEDIATE`): a transaction that reads first
/// and writes later can fail at once when another writer got in between. Does not nest.
///
/// # Errors
/// What `work` returns, or the engine's reason.
pub fn write_tx<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    match db {
        Db::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
        Db::Pg(conn) => AnsiTransactionManager::begin_transaction(conn)?,
    }
    let mut guard = Rollback { db, armed: true };
    match work(guard.db) {
        Ok(value) => {
            guard.armed = false;
            let committed = <Db as Connection>::TransactionManager::commit_transaction(guard.db);
            if let Err(error) = committed {
                guard.armed = true;
                return Err(error.into());
            }
            Ok(value)
        }
        Err(error) => Err(error),
    }
}

/// Runs `work`, which only reads, over one state of the database: what others write meanwhile is not seen. Does not nest.
///
/// # Errors
/// What `work` returns, or the engine's reason.
pub fn read_tx<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    match db {
        // The first read takes the state; nobody waits for a reader.
        Db::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN")?,
        Db::Pg(conn) => {
            AnsiTransactionManager::begin_transaction_sql(
                conn,
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            )?;
        }
    }
    let guard = Rollback { db, armed: true };
    // There is nothing to commit.
    work(guard.db)
}

/// Rolls back on the way out, also when `work` panics, so that a pooled connection never carries an
/// open transaction to the next borrower.
struct Rollback<'a> {
    db: &'a mut Db,
    armed: bool,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if self.armed
            && let Err(error) = <Db as Connection>::TransactionManager::rollback_transaction(self.db)
        {
            tracing::warn!(%error, "rollback failed");
        }
    }
}

/// Until the end of the transaction, no other node takes the lock of this name: that of a job's runs, or of
/// sums that are read, added to and written back. Waits for as long as it takes, here and for whatever the
/// transaction asks for later.
///
/// PostgreSQL takes an advisory lock. SQLite needs nothing: [`write_tx`] already holds the one write
/// lock there is.
///
/// # Errors
/// The engine's reason.
pub fn transaction_lock(db: &mut Db, name: &str) -> QueryResult<()> {
    match db {
        Db::Pg(conn) => {
            conn.batch_execute("SET LOCAL lock_timeout = 0")?;
            diesel::sql_query("SELECT pg_advisory_xact_lock(714026, hashtext($1))")
                .bind::<Text, _>(name)
                .execute(conn)
                .map(|_| ())
        }
        Db::Sqlite(_) => Ok(()),
    }
}

/// A lock of marks of a partner in the order of their keys, in which they are written as well. SQLite needs nothing: it has one
/// writer.
macro_rules! marks_lock {
    ($(#[$meta:meta])* $name:ident, $table:ident, $key:ident: $type:ty) => {
        $(#[$meta])*
        pub fn $name(db: &mut Db, partner_id: i64, keys: &[$type]) -> QueryResult<()> {
            use diesel::prelude::*;

            use super::schema::$table;

            match db {
                Db::Pg(conn) => $table::table
                    .filter($table::partner_id.eq(partner_id))
                    .filter($table::$key.eq_any(keys))
                    .order($table::$key)
                    .select($table::$key)
                    .for_update()
                    .load::<$type>(conn)
                    .map(drop),
                Db::Sqlite(_) => Ok(()),
            }
        }
    };
}

marks_lock! {
    /// Locks marks of freight of a partner in the order of their days, in which they are written as well. SQLite needs nothing:
    /// it has one writer.
    ///
    /// # Errors
    /// The engine's reason.
    freight_marks_lock, stale_freight, obligation_day: super::types::Day
}

marks_lock! {
    /// As [`freight_marks_lock`], marks of invoices of a partner in the order of their ids.
    ///
    /// # Errors
    /// The engine's reason.
    invoice_marks_lock, stale_invoices, invoice_id: i64
}

/// As [`transaction_lock`], but shared with whoever takes it so too; waits for, and keeps off, who takes it alone.
///
/// # Errors
/// The engine's reason.
pub fn transaction_lock_shared(db: &mut Db, name: &str) -> QueryResult<()> {
    match db {
        Db::Pg(conn) => {
            conn.batch_execute("SET LOCAL lock_timeout = 0")?;
            diesel::sql_query("SELECT pg_advisory_xact_lock_shared(714026, hashtext($1))")
                .bind::<Text, _>(name)
                .execute(conn)
                .map(|_| ())
        }
        Db::Sqlite(_) => Ok(()),
    }
}

/// Whether the database holds any table, ours or not.
///
/// # Errors
/// The engine's reason.
pub fn has_tables(db: &mut Db) -> QueryResult<bool> {
    is_there(db, "sqlite_master WHERE type = 'table'", "pg_tables WHERE schemaname = current_schema()")
}

/// Whether the database holds a table of this name.
///
/// # Errors
/// The engine's reason.
pub fn has_table(db: &mut Db, name: &str) -> QueryResult<bool> {
    is_there(
        db,
        &format!("sqlite_master WHERE type = 'table' AND name = '{name}'"),
        &format!("pg_tables WHERE schemaname = current_schema() AND tablename = '{name}'"),
    )
}

/// Whether the engine's own catalogue has any such row.
fn is_there(db: &mut Db, sqlite: &str, postgres: &str) -> QueryResult<bool> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        found: i64,
    }
    let rows = match db {
        Db::Sqlite(_) => sqlite,
        Db::Pg(_) => postgres,
    };
    let found: Found = diesel::sql_query(format!("SELECT count(*) AS found FROM {rows}")).get_result(db)?;
    Ok(found.found > 0)
}

/// The indexes that a bulk load into an empty table drops and builds again afterwards, the largest first.
const LOAD_INDEXES: &[(&str, &str)] = &[
    (
        "shipments_key",
        "CREATE UNIQUE INDEX IF NOT EXISTS shipments_key ON shipments (partner_id, reference, source_id)",
    ),
    (
        "shipments_open",
        "CREATE INDEX IF NOT EXISTS shipments_open ON shipments (settles_at) WHERE settles_at IS NOT NULL",
    ),
];

/// Drops the secondary indexes of the shipments table before a bulk load.
///
/// # Errors
/// The engine's reason.
pub fn shipment_indexes_drop(db: &mut Db) -> QueryResult<()> {
    for (name, _) in LOAD_INDEXES {
        db.batch_execute(&format!("DROP INDEX IF EXISTS {name}"))?;
    }
    Ok(())
}

/// Builds the secondary indexes of the shipments table where a bulk load, finished or killed, left
/// them out.
///
/// # Errors
/// The engine's reason.
pub fn shipment_indexes_ensure(db: &mut Db) -> QueryResult<()> {
    indexes_ensure(db, LOAD_INDEXES)
}

/// As [`shipment_indexes_ensure`] for all of them but the last, which is small: while that is missing, the load still counts
/// as under way ([`shipment_indexes_missing`]).
///
/// # Errors
/// The engine's reason.
pub fn shipment_indexes_ensure_but_last(db: &mut Db) -> QueryResult<()> {
    indexes_ensure(db, LOAD_INDEXES.split_last().map(|(_, others)| others).unwrap_or_default())
}

fn indexes_ensure(db: &mut Db, indexes: &[(&str, &str)]) -> QueryResult<()> {
    for (name, create) in indexes {
        // PostgreSQL locks writers out before it finds that the index is there.
        if !index_exists(db, name)? {
            db.batch_execute(create)?;
        }
    }
    Ok(())
}

/// Whether a bulk load has taken the secondary indexes of the shipments table away and not built them yet: it is under way,
/// or was killed.
///
/// # Errors
/// The engine's reason.
pub fn shipment_indexes_missing(db: &mut Db) -> QueryResult<bool> {
    for (name, _) in LOAD_INDEXES {
        if !index_exists(db, name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn index_exists(db: &mut Db, name: &str) -> QueryResult<bool> {
    is_there(
        db,
        &format!("sqlite_master WHERE type = 'index' AND name = '{name}'"),
        &format!("pg_indexes WHERE schemaname = current_schema() AND indexname = '{name}'"),
    )
}

/// Rows in one transaction of an import.
///
/// SQLite: a page that waits for the write lock waits for one batch, and 2,000 rows cost it about
/// 20 ms. PostgreSQL: one `COPY` and one commit for more rows, since writers do not wait there.
#[must_use]
pub fn load_batch_rows(db: &Db) -> usize {
    match db {
        Db::Sqlite(_) => 2_000,
        Db::Pg(_) => 2_500,
    }
}

/// Batches that may wait between the threads of an import: those that were read, and those of a first load that are completed or
/// summed. They bound its memory.
///
/// PostgreSQL takes in a batch on a core of its own and is waited for: more of them keep it busy while sums are written. SQLite
/// is this process's own work, and what waits for it only takes room.
#[must_use]
pub fn load_batches_ahead(db: &Db) -> (usize, usize) {
    match db {
        Db::Sqlite(_) => (2, 1),
        Db::Pg(_) => (2, 2),
    }
}

/// Batches in one transaction of the first load of a table.
///
/// A batch touches the newest page of every partner; SQLite writes each page once a commit, so fewer commits write half as
/// much. Nobody waits for the write lock of a database that has nothing to show yet.
#[must_use]
pub fn first_load_batches(db: &Db) -> usize {
    match db {
        Db::Sqlite(_) => 4,
        Db::Pg(_) => 1,
    }
}

/// Whether the first load of a table stores a batch on a second connection while the next one is completed.
///
/// PostgreSQL's server takes in a batch on a core of its own. SQLite has one write lock, and storing is this process's work.
#[must_use]
pub fn stores_beside(db: &Db) -> bool {
    matches!(db, Db::Pg(_))
}

/// Settings for a bulk writer's own connection. The last commits may be lost with the machine, so it is for work that is simply done
/// again: an import is run again, and the marks of what waits for an audit are there again.
///
/// # Errors
/// The engine's reason.
pub fn bulk_writer_settings(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Pg(conn) => {
            conn.batch_execute("SET synchronous_commit = off; SET maintenance_work_mem = '128MB'")
        }
        // Fewer checkpoints while loading; each one copies the log back into the file. The index that is built
        // at the end is sorted by two threads. The pages of a transaction stay in memory until its end.
        Db::Sqlite(conn) => conn.batch_execute(
            "PRAGMA wal_autocheckpoint = 10000; PRAGMA threads = 2; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864",
        ),
    }
}

/// Days that a refresh sums in one transaction.
///
/// Few enough that others need not wait long for SQLite's one write lock, enough that the lane cells of a
/// month are not written again for each day of a long history. On PostgreSQL nobody waits, so it takes a month.
#[must_use]
pub fn refresh_slice_days(db: &Db) -> usize {
    match db {
        Db::Sqlite(_) => 10,
        Db::Pg(_) => 31,
    }
}

/// Copies SQLite's log back into its file while a load writes on.
///
/// A checkpoint waits for the disk twice; done by the loading connection itself, those waits were a third of the
/// time of a load. So another connection does them, and now and then the loader itself, all at once, because the
/// log starts from its beginning again only when nothing of it is left to copy. PostgreSQL does this by itself.
#[derive(Debug)]
pub struct Checkpoints {
    /// Batches since the other connection was asked.
    unasked: usize,
    /// Batches until it is worth looking at the log's size again.
    patience: usize,
    /// The log.
    log: std::path::PathBuf,
    /// Whether the other connection has been asked and has not answered.
    running: bool,
    helper: Option<CheckpointHelper>,
}

#[derive(Debug)]
struct CheckpointHelper {
    ask: std::sync::mpsc::Sender<()>,
    answer: std::sync::mpsc::Receiver<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Checkpoints {
    /// Batches between two checkpoints of the other connection: about 50 MB of log.
    const ASK_EVERY: usize = 32;
    /// Size of the log at which the loader does one of its own. Rows in no order of days touch a page each, so it is bytes that
    /// are bounded and not batches.
    const LOG_BYTES_MAX: u64 = 256 << 20;
    const STATEMENT: &'static str = "PRAGMA wal_checkpoint(PASSIVE)";

    /// Takes over the checkpoints of `db`, a connection to `url` that loads.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn take_over(db: &mut Db, url: &super::DbUrl) -> Result<Self, super::DbError> {
        let mut taken = Self { unasked: 0, patience: 0, log: url.log_file(), running: false, helper: None };
        if let Db::Sqlite(conn) = db {
            let mut other = url.connect()?;
            conn.batch_execute("PRAGMA wal_autocheckpoint = 0")?;
            let (ask, asked) = std::sync::mpsc::channel();
            let (answered, answer) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                for () in asked {
                    if let Err(error) = other.batch_execute(Self::STATEMENT) {
                        tracing::debug!(%error, "the next checkpoint will do more");
                    }
                    if answered.send(()).is_err() {
                        return;
                    }
                }
            });
            taken.helper = Some(CheckpointHelper { ask, answer, thread });
        }
        Ok(taken)
    }

    /// Copies the log back as far as readers allow; says whether nothing is left of it.
    fn copies_all(db: &mut Db) -> QueryResult<bool> {
        #[derive(diesel::QueryableByName)]
        struct Copied {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            busy: i32,
            #[diesel(sql_type = diesel::sql_types::Integer)]
            log: i32,
            #[diesel(sql_type = diesel::sql_types::Integer)]
            checkpointed: i32,
        }
        let copied: Copied = diesel::sql_query(Self::STATEMENT).get_result(db)?;
        Ok(copied.busy == 0 && copied.log == copied.checkpointed)
    }

    /// To be called after each transaction, outside of it, with how many batches it wrote.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn after_commit(&mut self, db: &mut Db, batches: usize) -> QueryResult<()> {
        let Some(helper) = &self.helper else { return Ok(()) };
        self.unasked += batches;
        self.patience = self.patience.saturating_sub(batches);
        let bytes = || std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if self.patience == 0 && bytes() >= Self::LOG_BYTES_MAX {
            // A helper that is gone has nothing running either.
            if self.running {
                let _gone = helper.answer.recv();
            }
            (self.running, self.unasked) = (false, 0);
            // Where a reader of older rows was in the way, soon again.
            self.patience = if Self::copies_all(db)? { 0 } else { Self::ASK_EVERY };
        } else if self.unasked >= Self::ASK_EVERY {
            self.unasked = 0;
            self.running = self.running && helper.answer.try_recv().is_err();
            if !self.running {
                self.running = helper.ask.send(()).is_ok();
            }
        }
        Ok(())
    }

    /// Copies what is left and gives the checkpoints back to `db`, so that nobody else has to wait for them.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn hand_back(self, db: &mut Db) -> QueryResult<()> {
        if self.helper.is_none() {
            return Ok(());
        }
        drop(self);
        db.batch_execute(Self::STATEMENT)?;
        bulk_writer_settings(db)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(CheckpointHelper { ask, answer, thread }) = self.helper.take() {
            drop((ask, answer));
            if thread.join().is_err() {
                tracing::warn!("the thread of checkpoints broke");
            }
        }
    }
}

/// Inserts rows the fastest way the engine has: `COPY` on PostgreSQL, one prepared statement on SQLite.
///
/// A table with many columns, or many rows at once, names its `sqlite_rows_insert!` as the last argument.
#[macro_export]
macro_rules! bulk_insert {
    ($db:expr, $table:expr, $rows:expr) => {
        $crate::bulk_insert!($db, $table, $rows, |conn, rows| {
            let mut count = 0_usize;
            let mut result = Ok(());
            for row in rows {
                match diesel::RunQueryDsl::execute(diesel::insert_into($table).values(row), conn) {
                    Ok(added) => count += added,
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            }
            result.map(|()| count)
        })
    };
    ($db:expr, $table:expr, $rows:expr, $insert:ident) => {
        $crate::bulk_insert!($db, $table, $rows, |conn, rows| $insert::insert(conn, rows))
    };
    ($db:expr, $table:expr, $rows:expr, |$conn:ident, $some:ident| $on_sqlite:expr) => {{
        let rows = $rows;
        match $db {
            $crate::db::Db::Pg(conn) => {
                if rows.is_empty() {
                    Ok(0)
                } else {
                    diesel::copy_from($table).from_insertable(rows).execute(conn)
                }
            }
            $crate::db::Db::Sqlite($conn) => {
                let $some = rows;
                $on_sqlite
            }
        }
    }};
}

/// Rows in one statement of a `sqlite_rows_insert!`. Where a trigger watches a table, SQLite keeps what each statement changes
/// until it ends, page by page, so one a row is dear.
pub const ROWS_PER_INSERT: usize = 16;

/// Defines `$name`, whose `insert` writes rows into SQLite by statements whose text is made once.
///
/// Diesel walks the tree of an insert three times for each row, and of 55 columns that costs more than
/// SQLite's own work. The columns are the fields of the row; a test holds them against the table.
#[macro_export]
macro_rules! sqlite_rows_insert {
    ($name:ident, $row:ty, $table:ident, $first:ident $(, $column:ident)* $(,)?) => {
        struct $name<'a, T, const N: usize>(&'a [T; N]);

        impl $name<'static, $row, 0> {
            #[cfg(test)]
            const COLUMNS: &'static [&'static str] = &[stringify!($first) $(, stringify!($column))*];

            fn insert<T: std::borrow::Borrow<$row>>(
                conn: &mut diesel::SqliteConnection,
                rows: &[T],
            ) -> diesel::QueryResult<usize> {
                let (blocks, rest) = rows.as_chunks::<{ $crate::db::dialect::ROWS_PER_INSERT }>();
                let mut count = 0_usize;
                for block in blocks {
                    count += diesel::RunQueryDsl::execute($name(block), conn)?;
                }
                for row in rest {
                    count += diesel::RunQueryDsl::execute($name(std::array::from_ref(row)), conn)?;
                }
                Ok(count)
            }
        }

        impl<T, const N: usize> diesel::query_builder::QueryId for $name<'_, T, N> {
            // Whatever holds the rows, the text is the same.
            type QueryId = $name<'static, $row, N>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<T, const N: usize> diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $name<'_, T, N>
        where
            T: std::borrow::Borrow<$row>,
        {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                use diesel::dsl::SqlTypeOf;
                let mut before = concat!(
                    "INSERT INTO ", stringify!($table), " (", stringify!($first)
                    $(, ", ", stringify!($column))*, ") VALUES ("
                );
                for row in self.0 {
                    let row: &'b $row = row.borrow();
                    out.push_sql(before);
                    out.push_bind_param::<SqlTypeOf<$table::$first>, _>(&row.$first)?;
                    $(
                        out.push_sql(", ");
                        out.push_bind_param::<SqlTypeOf<$table::$column>, _>(&row.$column)?;
                    )*
                    before = "), (";
                }
                out.push_sql(")");
                Ok(())
            }
        }

        impl<T, const N: usize> diesel::RunQueryDsl<diesel::SqliteConnection> for $name<'_, T, N> {}
    };
}

/// A natural key: partner, feed, the feed's own number.
pub type NaturalKey<'a> = (i64, i32, &'a str);

/// A fact as stored: enough to tell a repeat from a change.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct StoredKey {
    /// Partner.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub partner_id: i64,
    /// Feed.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub source_id: i32,
    /// The feed's own number.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub reference: String,
    /// Fingerprint of the imported row.
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub fact_hash: i64,
}

/// Tables whose rows have a natural key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactTable {
    /// `shipments`
    Shipments,
    /// `tenders`
    Tenders,
    /// `charges`
    Charges,
    /// `accessorial_events`
    AccessorialEvents,
    /// The claims of `beside_facts`
    Claims,
    /// The cases of `beside_facts`
    Cases,
    /// The safety records of `beside_facts`
    Safety,
}

impl FactTable {
    fn name(self) -> &'static str {
        match self {
            Self::Shipments => "shipments",
            Self::Tenders => "tenders",
            Self::Charges => "charges",
            Self::AccessorialEvents => "accessorial_events",
            Self::Claims => "(SELECT * FROM beside_facts WHERE kind = 'CLAIMS')",
            Self::Cases => "(SELECT * FROM beside_facts WHERE kind = 'CASES')",
            Self::Safety => "(SELECT * FROM beside_facts WHERE kind = 'SAFETY')",
        }
    }
}

/// Finds which of `keys` are stored already.
///
/// # Errors
/// The engine's reason.
pub fn natural_keys_find(
    db: &mut Db,
    table: FactTable,
    keys: &[NaturalKey<'_>],
) -> QueryResult<Vec<StoredKey>> {
    use diesel::sql_types::{Array, BigInt, Integer, Text};

    let table = table.name();
    match db {
        Db::Pg(conn) => {
            let partners: Vec<i64> = keys.iter().map(|key| key.0).collect();
            let sources: Vec<i32> = keys.iter().map(|key| key.1).collect();
            let references: Vec<&str> = keys.iter().map(|key| key.2).collect();
            diesel::sql_query(format!(
                "SELECT t.partner_id, t.source_id, t.reference, t.fact_hash
                 FROM unnest($1, $2, $3) AS k (partner_id, source_id, reference)
                 JOIN {table} t USING (partner_id, source_id, reference)"
            ))
            .bind::<Array<BigInt>, _>(partners)
            .bind::<Array<Integer>, _>(sources)
            .bind::<Array<Text>, _>(references)
            .load(conn)
        }
        Db::Sqlite(conn) => {
            let mut found = Vec::new();
            for chunk in keys.chunks(KEYS_PER_STATEMENT) {
                let values = vec!["(?, ?, ?)"; chunk.len()].join(", ");
                // CROSS JOIN fixes the order: look each key up in the index, never scan the table.
                let mut query = diesel::sql_query(format!(
                    "WITH k (partner_id, source_id, reference) AS (VALUES {values})
                     SELECT t.partner_id, t.source_id, t.reference, t.fact_hash
                     FROM k CROSS JOIN {table} t ON t.partner_id = k.partner_id
                       AND t.source_id = k.source_id AND t.reference = k.reference"
                ))
                .into_boxed::<diesel::sqlite::Sqlite>();
                for &(partner_id, source_id, reference) in chunk {
                    query = query
                        .bind::<BigInt, _>(partner_id)
                        .bind::<Integer, _>(source_id)
                        .bind::<Text, _>(reference);
                }
                found.extend(query.load::<StoredKey>(conn)?);
            }
            Ok(found)
        }
    }
}

/// Held while an import runs; another one is refused meanwhile. Freed when dropped, also by a crash.
#[derive(Debug)]
pub struct ImportLock {
    /// SQLite: a lock on a file beside the database. PostgreSQL: the session that holds the lock.
    held: Held,
}

enum Held {
    #[expect(dead_code, reason = "held for its drop")]
    File(std::fs::File),
    Session(Box<Db>),
}

impl Drop for ImportLock {
    fn drop(&mut self) {
        // A closed session lets go of its lock only when the server notices; the next import may be
        // faster than that.
        if let Held::Session(session) = &mut self.held {
            let unlocked = session.batch_execute(&format!(
                "SELECT pg_advisory_unlock({IMPORT_LOCK}, hashtext(current_schema()::text))"
            ));
            if let Err(error) = unlocked {
                tracing::debug!(%error, "the import lock goes with its session");
            }
        }
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "file lock",
            Self::Session(_) => "session lock",
        })
    }
}

/// PostgreSQL's advisory lock number for imports; with the schema, so that two installations in one database
/// do not wait for each other.
const IMPORT_LOCK: i32 = 714_027;

/// Takes the import lock; None when another import holds it.
///
/// # Errors
/// The engine's reason, or that the lock file cannot be made.
pub fn import_lock(url: &super::DbUrl) -> Result<Option<ImportLock>, super::DbError> {
    use diesel::sql_types::Bool;

    #[derive(diesel::QueryableByName)]
    struct Locked {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }

    match url {
        super::DbUrl::Sqlite(path) => {
            let mut name = path.as_os_str().to_owned();
            name.push("-import.lock");
            let refused = |error: std::io::Error| super::DbError::Connect {
                address: std::path::Path::new(&name).display().to_string(),
                reason: error.to_string(),
            };
            let file = std::fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&name)
                .map_err(refused)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(ImportLock { held: Held::File(file) })),
                Err(std::fs::TryLockError::WouldBlock) => Ok(None),
                Err(std::fs::TryLockError::Error(error)) => Err(refused(error)),
            }
        }
        super::DbUrl::Postgres(_) => {
            let mut session = url.connect()?;
            let row: Locked = diesel::sql_query(format!(
                "SELECT pg_try_advisory_lock({IMPORT_LOCK}, hashtext(current_schema()::text)) AS locked"
            ))
            .get_result(&mut session)?;
            Ok(row.locked.then(|| ImportLock { held: Held::Session(Box::new(session)) }))
        }
    }
}

/// Writes a consistent copy of a SQLite database to a new file, while others use it.
///
/// # Errors
/// The engine's reason; on PostgreSQL that its own tool does this.
pub fn backup_into(db: &mut Db, file: &std::path::Path) -> Result<(), super::DbError> {
    use diesel::sql_types::Text;

    let name = file.to_str().ok_or_else(|| super::DbError::Url(file.display().to_string()))?;
    match db {
        Db::Sqlite(conn) => {
            diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(conn)?;
            Ok(())
        }
        Db::Pg(_) => Err(super::DbError::Url("pg_dump copies a PostgreSQL database".to_owned())),
    }
}

/// Refreshes what the planner knows of the fact tables, after `rows_new` came in. PostgreSQL also forgets the plans it made of a
/// statement while they were small, by which it would read all of a table that has grown since.
///
/// Only of tables that are new to it or have grown much, since looking takes as long as taking in a day's feed: SQLite itself
/// chooses those that were never looked at or have grown tenfold; PostgreSQL looks at a tenth more by itself, later, and here
/// at once.
///
/// # Errors
/// The engine's reason.
pub fn statistics_refresh(db: &mut Db, rows_new: u64) -> QueryResult<()> {
    const GROWN_BY_A_TENTH: &str = "SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
        AND relname IN ('shipments', 'tenders', 'charges', 'accessorial_events', 'beside_facts', 'invoices', 'invoice_lines', \
        'invoice_references', 'invoice_audits') AND reltuples < $1 * 10.0";
    match db {
        Db::Sqlite(conn) => conn.batch_execute("PRAGMA analysis_limit = 1000; PRAGMA optimize = 0x10002"),
        Db::Pg(conn) => {
            let rows_new = i64::try_from(rows_new).unwrap_or(i64::MAX);
            let grown: Vec<TableName> = diesel::sql_query(GROWN_BY_A_TENTH)
                .bind::<diesel::sql_types::BigInt, _>(rows_new)
                .load(conn)?;
            grown.iter().try_for_each(|table| conn.batch_execute(&format!("ANALYZE {}", table.name)))
        }
    }
}

/// A table as PostgreSQL lists it.
#[derive(diesel::QueryableByName)]
struct TableName {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}
