//! Everything that differs between the two databases, so that no other file asks which one it is.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{Connection, QueryResult, RunQueryDsl};

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

/// Rolls back on the way out, also when `work` panics, so that a pooled connection never carries an
/// open transaction to the next borrower.
struct Rollback<'a> {
    db: &'a mut Db,
    armed: bool,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if self.armed {
            if let Err(error) = <Db as Connection>::TransactionManager::rollback_transaction(self.db) {
                tracing::warn!(%error, "rollback failed");
            }
        }
    }
}

/// The indexes that a bulk load into an empty table drops and builds again afterwards.
const LOAD_INDEXES: &[(&str, &str)] = &[
    (
        "shipments_key",
        "CREATE UNIQUE INDEX IF NOT EXISTS shipments_key ON shipments (partner_id, source_id, reference)",
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
    for (_, create) in LOAD_INDEXES {
        db.batch_execute(create)?;
    }
    Ok(())
}
