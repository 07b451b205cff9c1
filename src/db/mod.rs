//! All SQL. [`conn`] opens, [`dialect`] is the only place that asks which engine, [`schema`] lists
//! the tables, [`types`] the column types; then one file per noun.

pub mod accessorial;
pub mod attachment;
pub mod audit;
pub mod backtest;
pub mod baseline;
pub mod beside;
pub mod books;
pub mod calibration;
pub mod challenge;
pub mod charge_code;
pub mod conn;
pub mod contract;
pub mod contract_event;
pub mod contract_term;
mod decided;
pub mod declared_event;
pub mod dialect;
pub mod dimension;
pub mod dispute;
pub mod evidence;
pub mod exclusion;
pub mod expected;
mod fact;
pub mod fold;
pub mod freight;
pub mod id;
pub mod import;
pub mod invoice;
pub mod job;
pub mod lane;
pub mod late_delivery;
pub mod ledger;
pub mod mail;
pub mod market;
pub mod measure;
pub mod negotiation;
pub mod own_kpi;
pub mod papers;
pub mod particulars;
pub mod partner;
pub mod plan;
pub mod quality;
pub mod rate;
pub mod restatement;
#[expect(missing_docs, reason = "the tables are documented in the migrations")]
pub mod schema;
pub mod scorecard;
pub mod session;
pub mod setting;
pub mod settlement;
pub mod shipment;
pub mod side;
pub mod standing;
pub mod template;
pub mod tender;
pub mod types;
pub mod user;

pub use conn::{Db, DbUrl, Pool};

use crate::domain::currency::{BadCurrency, Currency};

/// Keys in one statement; also with three binds a key, it stays far below the bind limits of both engines.
const KEYS_PER_STATEMENT: usize = 500;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The address is none we know.
    #[error("`{0}` is no database address; use sqlite://FILE or postgres://USER@HOST/NAME")]
    Url(String),
    /// A database that would be gone with each connection.
    #[error("`{0}` names no file; use sqlite://FILE, since every connection must find the same data")]
    NoFile(String),
    /// The engine refused the connection.
    #[error("cannot open {address}: {reason}")]
    Connect {
        /// The address without its password.
        address: String,
        /// The engine's words.
        reason: String,
    },
    /// TLS was asked of a build without it.
    #[error(
        "this build has no TLS for PostgreSQL; build with `--features postgres-tls`, or drop sslmode=require on a trusted network"
    )]
    NoTls,
    /// No connection came free.
    #[error("no database connection came free in time")]
    Pool(#[source] diesel::r2d2::PoolError),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(String),
    /// A newer program made the schema.
    #[error(
        "this database was made by a newer version of Lanemark (its schema has step {0}); use that version or a newer one"
    )]
    Newer(String),
    /// Somebody else's tables.
    #[error(
        "this database holds tables of something else and none of Lanemark's; name an empty one, or one that Lanemark made"
    )]
    Foreign,
    /// The first shipments are being loaded, and the load sums them itself.
    #[error(
        "the first shipments of this database are being loaded, which sums them too; try again when that import is done"
    )]
    Loading,
    /// An entry would be posted in a closed month.
    #[error(
        "nothing can be posted on {day}: the books are closed through {through}; post on a later day, the period of the obligation is kept"
    )]
    PeriodClosed {
        /// The day of posting.
        day: chrono::NaiveDate,
        /// The last closed day.
        through: chrono::NaiveDate,
    },
    /// A statement failed.
    #[error("the database refused a statement: {0}")]
    Query(#[from] diesel::result::Error),
    /// A stored value does not read back.
    #[error("{what} in the database does not read back: {reason}")]
    Stored {
        /// Which value of which row.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl DbError {
    /// Whether others held what was asked for, for too long: the same request may succeed in a moment.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Loading => true,
            // Neither engine's code reaches us through the driver, only its words.
            Self::Query(diesel::result::Error::DatabaseError(_, told)) => {
                let words = told.message();
                words.contains("database is locked") || words.contains("due to lock timeout")
            }
            _ => false,
        }
    }
}

/// The currency of a stored code; `what` names the row that it stands in.
///
/// # Errors
/// [`DbError::Stored`] for a code that does not read back.
pub fn currency_of(code: &str, what: impl Into<String>) -> Result<Currency, DbError> {
    code.parse()
        .map_err(|error: BadCurrency| DbError::Stored { what: what.into(), reason: error.to_string() })
}
