//! Importing: a file becomes facts, bad rows become rejects, and the touched sums become stale.
//!
//! A file is read to its end before the first row is written, so that one that cannot be read loads
//! nothing. A row loads whole or not at all. Rows go in batches, one transaction each, and a row that is there
//! already is recognised, so a killed import is simply run again. Reading and mapping run on a thread
//! of their own, beside the one that writes.

mod accessorials;
mod asked;
mod batch;
mod beside;
mod charges;
mod events;
mod invoices;
mod market;
mod papers;
pub(in crate::app) mod particulars;
mod plain;
pub mod rates;
mod seen;
mod shipments;
mod tenders;

use std::path::{Path, PathBuf};

use super::App;
use super::refresh::{RefreshReport, refresh};
use crate::db::dialect::{bulk_writer_settings, import_lock, shipment_indexes_ensure, statistics_refresh};
use crate::db::import::{ImportCounts, NewImport, import_begin, import_end};
use crate::db::shipment::shipments_are_empty;
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::feeds::FeedError;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;
use crate::feeds::table::TableReader;
use chrono::{DateTime, Utc};

/// Most rows one import takes. Every row costs eight bytes of memory and a slot in a table of
/// fingerprints while the file is checked for repeated keys.
pub const MAX_IMPORT_ROWS: u64 = 16_000_000;

/// New rows from which on the planner's statistics are made again.
const MANY_ROWS: u64 = 10_000;

/// What to import.
#[derive(Debug)]
pub struct ImportRequest<'a> {
    /// The file.
    pub path: &'a Path,
    /// How its columns become fields, and of which kind.
    pub mapping: &'a Mapping,
    /// Who imports it, as the list of imports says.
    pub by: &'a str,
    /// Where rejected rows go; made only when there are any.
    pub rejects: PathBuf,
    /// Do everything, then take it back.
    pub dry_run: bool,
    /// Sum again what the rows touched. Without it the sums wait for the next refresh, which several
    /// files can share.
    pub refresh: bool,
}

/// Rejects files whose names differ by a number only.
const REJECTS_OF_A_SECOND: u32 = 1_000;

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes of the file read.
    pub bytes_read: u64,
    /// Bytes of the file; 0 when not known.
    pub bytes_total: u64,
    /// Rows read.
    pub rows: u64,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// Rows read from the file.
    pub rows_read: u64,
    /// Facts not seen before.
    pub rows_new: u64,
    /// Facts that replaced an earlier version.
    pub rows_changed: u64,
    /// Rows already there, word for word.
    pub rows_same: u64,
    /// Rows refused, each with its reason in the rejects file.
    pub rows_rejected: u64,
    /// The rejects file, when there is one.
    pub rejects_file: Option<PathBuf>,
    /// Columns of the file from which no field is taken; where one is near to a field's name, with that name.
    pub columns_ignored: Vec<String>,
    /// What the refresh after the load did.
    pub refresh: RefreshReport,
    /// Nothing was kept.
    pub dry_run: bool,
}

/// Why an import stopped. What is wrong with the file stops it before the first row is written; when
/// the database fails later, the batches written before stay, and running it again continues.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file or its mapping.
    #[error(transparent)]
    Feed(Box<FeedError>),
    /// The database.
    #[error("{0}; rows written before stay, so run the same import again and it goes on from there")]
    Db(#[from] DbError),
    /// The database, in a dry run.
    #[error("{0}; a dry run keeps nothing, so run it again")]
    DryRunDb(#[source] DbError),
    /// Another import holds the lock.
    #[error("another import is running on this database; wait for it to finish and run this one again")]
    Busy,
    /// The file is too long.
    #[error("the file has more than MAX_IMPORT_ROWS = {MAX_IMPORT_ROWS} rows; split it")]
    TooManyRows,
    /// More lines of invoices than are read whole.
    #[error("the file has more than ROWS_MAX = {0} lines of invoices; split it between two invoices")]
    TooManyLines(usize),
    /// Records that another command takes.
    #[error(
        "{0} are not imported this way; rates and fuel tables need --contract NUMBER, and requests are rated with `lanemark rate`"
    )]
    OtherCommand(ImportKind),
    /// The reading thread broke.
    #[error("reading the file stopped unexpectedly; run the import again")]
    Reader,
    /// End of a dry run: the transaction is rolled back.
    #[error("dry run")]
    DryRun,
}

impl From<FeedError> for ImportError {
    fn from(error: FeedError) -> Self {
        Self::Feed(Box::new(error))
    }
}

impl From<diesel::result::Error> for ImportError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Imports one file, then refreshes the sums it touched.
///
/// # Errors
/// [`ImportError`]; a bad row is no error but a reject.
pub fn import(
    app: &App,
    request: &ImportRequest<'_>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ImportReport, ImportError> {
    let now = app.now();
    if matches!(
        request.mapping.kind,
        ImportKind::Rates | ImportKind::AccessorialRates | ImportKind::FuelTable | ImportKind::Requests
    ) {
        return Err(ImportError::OtherCommand(request.mapping.kind));
    }
    let encoding = request.mapping.encoding.as_deref();
    let reader = TableReader::open(request.path, encoding)?;
    let compiled = request.mapping.compile(reader.headers())?;
    let columns_ignored = compiled.ignored_told(request.mapping.kind);
    // A file that breaks off is refused before its first row is written, not after half of them.
    if TableReader::check(request.path, encoding)? > MAX_IMPORT_ROWS {
        return Err(ImportError::TooManyRows);
    }
    let Some(_lock) = import_lock(app.pool.url())? else { return Err(ImportError::Busy) };
    let mut db = app.pool.url().connect()?;
    bulk_writer_settings(&mut db)?;
    let first_load =
        request.mapping.kind == ImportKind::Shipments && !request.dry_run && shipments_are_empty(&mut db)?;
    let run = batch::Run { app, request, now, import_id: app.id(), first_load };
    if !request.dry_run {
        run_begin(&mut db, &run)?;
    }
    let input = batch::Input { reader, compiled, progress };
    let result = match request.mapping.kind {
        ImportKind::Shipments => shipments::load(&mut db, &run, input),
        ImportKind::Tenders => tenders::load(&mut db, &run, input),
        ImportKind::Charges => charges::load(&mut db, &run, input),
        ImportKind::Accessorials => accessorials::load(&mut db, &run, input),
        ImportKind::Events => events::load(&mut db, &run, input),
        ImportKind::Invoices => invoices::load(&mut db, &run, input),
        ImportKind::Claims | ImportKind::Cases | ImportKind::Safety => beside::load(&mut db, &run, input),
        ImportKind::Partners
        | ImportKind::Lanes
        | ImportKind::Capacity
        | ImportKind::Benchmarks
        | ImportKind::Fuel
        | ImportKind::Fx => plain::load(&mut db, &run, input),
        ImportKind::Rates | ImportKind::AccessorialRates | ImportKind::FuelTable | ImportKind::Requests => {
            Err(ImportError::OtherCommand(request.mapping.kind))
        }
    };
    shipment_indexes_ensure(&mut db)?;
    let result = result.map(|report| ImportReport { columns_ignored, ..report });
    if request.dry_run {
        return result;
    }
    run_end(&mut db, &run, result.as_ref().ok())?;
    let mut report = result?;
    if report.rows_new >= MANY_ROWS {
        statistics_refresh(&mut db, report.rows_new)?;
    }
    drop(db);
    if request.refresh {
        report.refresh = refresh(app, now, |_, _| ())?;
    }
    Ok(report)
}

fn run_begin(db: &mut Db, run: &batch::Run<'_>) -> Result<(), DbError> {
    let import = NewImport {
        id: run.import_id,
        kind: run.request.mapping.kind.code(),
        file_name: file_name(run.request.path),
        mapping: &run.request.mapping.name,
        started_at: Instant(run.now),
        imported_by: run.request.by,
    };
    Ok(import_begin(db, &import)?)
}

/// The name of a file without its folder.
fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn run_end(db: &mut Db, run: &batch::Run<'_>, report: Option<&ImportReport>) -> Result<(), DbError> {
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    let counts = report.map(|report| ImportCounts {
        rows_read: count(report.rows_read),
        rows_new: count(report.rows_new),
        rows_changed: count(report.rows_changed),
        rows_same: count(report.rows_same),
        rows_rejected: count(report.rows_rejected),
    });
    Ok(import_end(db, run.import_id, counts, Instant(run.app.now()))?)
}

/// The rejects file of an import unless told otherwise, in the working folder: a name that is still free.
#[must_use]
pub fn default_rejects_path(path: &Path, at: DateTime<Utc>) -> PathBuf {
    let stem = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = format!("{stem}.{}", at.format("%Y%m%dT%H%M%S"));
    let first = PathBuf::from(format!("{stem}.rejects.csv"));
    // Where the clock stands still, as in the demo, the same name comes up again.
    let later = (2..=REJECTS_OF_A_SECOND).map(|n| PathBuf::from(format!("{stem}-{n}.rejects.csv")));
    std::iter::once(first.clone()).chain(later).find(|path| !path.exists()).unwrap_or(first)
}
