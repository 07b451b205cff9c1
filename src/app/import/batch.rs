//! What every kind of import shares: the two threads, the batches, the fingerprint of a row.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use chrono::{DateTime, Datelike, Utc};
use rust_decimal::Decimal;
use xxhash_rust::xxh3::Xxh3Default;

use super::{ImportError, ImportReport, ImportRequest, MAX_IMPORT_ROWS, Progress};
use crate::app::App;
use crate::app::refresh::SUMS_LOCK;
use crate::db::dialect::{
    Checkpoints, FactTable, NaturalKey, first_load_batches, load_batch_rows, load_batches_ahead,
    natural_keys_find, transaction_lock, write_tx,
};
use crate::db::dimension::Dimensions;
use crate::db::{Db, DbError};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::feeds::fields::{Fields, Value};
use crate::feeds::kind::{Field, ImportKind};
use crate::feeds::mapping::{Compiled, FieldPlaces, UnknownPartner};
use crate::feeds::rejects::RejectWriter;
use crate::feeds::table::{Row, TableReader};
use crate::feeds::{FeedError, RowError};

/// One import under way.
pub struct Run<'a> {
    /// Ids and the database.
    pub app: &'a App,
    /// What to import.
    pub request: &'a ImportRequest<'a>,
    /// When the import started; facts are judged as of then.
    pub now: DateTime<Utc>,
    /// Facts carry it.
    pub import_id: i64,
    /// The table is empty, and it is loaded without its indexes.
    pub first_load: bool,
}

/// Rows as mapped, or why not, with the rows themselves for the rejects file.
pub struct Batch<D> {
    /// The rows as read.
    pub rows: Vec<Row>,
    /// What became of each row, in the same order.
    pub drafts: Vec<Result<D, RowError>>,
    bytes_read: u64,
    bytes_total: u64,
}

/// What one batch did to the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Facts not seen before.
    pub new: u64,
    /// Facts that replaced an earlier version.
    pub changed: u64,
    /// Rows already there.
    pub same: u64,
}

/// Where the rows of an import come from and how they are mapped.
pub struct Input<'a> {
    /// The file, its header read.
    pub reader: TableReader,
    /// The mapping, compiled for that header.
    pub compiled: Compiled,
    /// Told after each batch.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Reads and maps on one thread and writes on this one, batch by batch.
///
/// `draft` makes a fact of a row's fields; `write` stores a batch inside one transaction and may turn
/// further drafts into rejects. A dry run does it all in one transaction and takes it back; it does without
/// [`SUMS_LOCK`], which it would hold to its end.
///
/// # Errors
/// [`ImportError`].
pub fn pipeline<D: Send>(
    db: &mut Db,
    run: &Run<'_>,
    input: Input<'_>,
    draft: impl Fn(&Fields) -> Result<D, RowError> + Send,
    mut write: impl FnMut(&mut Db, &mut Batch<D>) -> Result<Counts, ImportError>,
) -> Result<ImportReport, ImportError> {
    let mut tally = Tally::new(run, &input)?;
    std::thread::scope(|scope| {
        let (full_in, empty_out) =
            start_reading(scope, (load_batch_rows(db), load_batches_ahead(db)), input, draft);
        let mut store = |db: &mut Db, batch: Result<Batch<D>, ImportError>| -> Result<(), ImportError> {
            let mut batch = batch?;
            let counts = write(db, &mut batch)?;
            tally.note(&batch, counts)?;
            // The reader may be done already; then the batch is dropped here.
            let _done = empty_out.try_send(batch);
            Ok(())
        };
        if run.request.dry_run {
            taken_back(db, |db| full_in.iter().try_for_each(|batch| store(db, batch)))?;
        } else {
            let mut checkpoints = Checkpoints::take_over(db, run.app.pool.url())?;
            // The lock is taken when there is something to write.
            while let Ok(batch) = full_in.recv() {
                write_tx(db, |db| {
                    transaction_lock(db, SUMS_LOCK)?;
                    store(db, batch)
                })?;
                checkpoints.after_commit(db, 1)?;
            }
            checkpoints.hand_back(db)?;
        }
        tally.finish()
    })
}

/// As [`pipeline`] for what several rows say together: the file is read whole, up to `rows_max` rows, and written in one
/// transaction.
///
/// # Errors
/// [`ImportError`].
pub fn whole<D: Send>(
    db: &mut Db,
    run: &Run<'_>,
    input: Input<'_>,
    rows_max: usize,
    (draft, write): (
        impl Fn(&Fields) -> Result<D, RowError>,
        impl FnOnce(&mut Db, &mut Batch<D>) -> Result<Counts, ImportError>,
    ),
) -> Result<ImportReport, ImportError> {
    let mut tally = Tally::new(run, &input)?;
    let (_none_out, none) = sync_channel::<Batch<D>>(1);
    let mut batches = Vec::new();
    read_batches(input.reader, &input.compiled, rows_max, &draft, &none, |batch| {
        batches.push(batch);
        batches.len() < 2
    })?;
    let last = batches.pop();
    if !batches.is_empty() {
        return Err(ImportError::TooManyLines(rows_max));
    }
    let Some(mut batch) = last else { return tally.finish() };
    let store = |db: &mut Db| -> Result<(), ImportError> {
        let counts = write(db, &mut batch)?;
        tally.note(&batch, counts)?;
        Ok(())
    };
    if run.request.dry_run {
        taken_back(db, store)?;
    } else {
        write_tx(db, |db| {
            transaction_lock(db, SUMS_LOCK)?;
            store(db)
        })?;
    }
    tally.finish()
}

/// Does what a dry run does, in one transaction, and takes it back.
fn taken_back(db: &mut Db, work: impl FnOnce(&mut Db) -> Result<(), ImportError>) -> Result<(), ImportError> {
    match write_tx(db, |db| work(db).and(Err::<(), _>(ImportError::DryRun))) {
        Err(ImportError::DryRun) | Ok(()) => Ok(()),
        Err(ImportError::Db(error)) => Err(ImportError::DryRunDb(error)),
        Err(error) => Err(error),
    }
}

/// What the first load of a table does with a batch, one after the other.
pub struct Stages<C, S, P> {
    /// Looks its names up. What it makes (a partner, a lane) is committed before, or with, the rows that name it.
    pub complete: C,
    /// Judges and counts its rows, on a thread of its own.
    pub sum: S,
    /// Puts it into the database.
    pub store: P,
}

/// As [`pipeline`] for the first load of a table: while a batch is summed, the next one is completed and the one before is
/// stored; on a second connection, `beside`, where the engine [`stores_beside`].
///
/// # Errors
/// [`ImportError`].
///
/// [`stores_beside`]: crate::db::dialect::stores_beside
pub fn pipeline_of_first_load<D: Send, R: Send>(
    (db, beside): (&mut Db, Option<&mut Db>),
    run: &Run<'_>,
    input: Input<'_>,
    draft: impl Fn(&Fields) -> Result<D, RowError> + Send,
    stages: Stages<
        impl FnMut(&mut Db, &mut Batch<D>) -> Result<R, ImportError>,
        impl FnMut(&mut R) -> Result<(), ImportError> + Send,
        impl Fn(&mut Db, R) -> Result<Counts, ImportError> + Send,
    >,
) -> Result<ImportReport, ImportError> {
    let Stages { complete, mut sum, store } = stages;
    let tally = Tally::new(run, &input)?;
    std::thread::scope(|scope| {
        let (full_in, empty_out) =
            start_reading(scope, (load_batch_rows(db), load_batches_ahead(db)), input, draft);
        let (_, ready) = load_batches_ahead(db);
        let (completed_out, completed_in) = sync_channel::<(Batch<D>, R)>(ready);
        let (summed_out, summed_in) = sync_channel(ready);
        scope.spawn(move || {
            for (batch, mut ready) in completed_in {
                let summed = sum(&mut ready).map(|()| (batch, ready));
                let failed = summed.is_err();
                if summed_out.send(summed).is_err() || failed {
                    return;
                }
            }
        });
        let ends = Ends { full_in, completed_out, summed_in, empty_out };
        match beside {
            Some(beside) => {
                std::thread::scope(|inner| ends.on_two(inner, (db, beside), tally, complete, store))
            }
            None => ends.on_one(db, run, tally, complete, store),
        }
    })
}

/// The ends of the channels between the threads of a first load.
struct Ends<D, R> {
    full_in: Receiver<Read<D>>,
    completed_out: SyncSender<(Batch<D>, R)>,
    summed_in: Receiver<Result<(Batch<D>, R), ImportError>>,
    empty_out: SyncSender<Batch<D>>,
}

impl<D: Send, R: Send> Ends<D, R> {
    /// Completes on one connection and stores on another, each batch in a transaction of its own.
    fn on_two<'scope, 'env: 'scope>(
        self,
        scope: &'scope std::thread::Scope<'scope, 'env>,
        (db, beside): (&mut Db, &'scope mut Db),
        mut tally: Tally<'scope>,
        mut complete: impl FnMut(&mut Db, &mut Batch<D>) -> Result<R, ImportError>,
        store: impl Fn(&mut Db, R) -> Result<Counts, ImportError> + Send + 'scope,
    ) -> Result<ImportReport, ImportError>
    where
        D: 'scope,
        R: 'scope,
    {
        let Self { full_in, completed_out, summed_in, empty_out } = self;
        let storing = scope.spawn(move || {
            for summed in summed_in {
                let (batch, ready) = summed?;
                let counts = write_tx(beside, |db| {
                    transaction_lock(db, SUMS_LOCK)?;
                    store(db, ready)
                })?;
                tally.note(&batch, counts)?;
                // The reader may be done already; then the batch is dropped here.
                let _done = empty_out.try_send(batch);
            }
            tally.finish()
        });
        let mut completed = Ok(());
        for batch in &full_in {
            let sent = batch.and_then(|mut batch| {
                let ready = write_tx(db, |db| complete(db, &mut batch))?;
                Ok(completed_out.send((batch, ready)).is_ok())
            });
            match sent {
                Ok(true) => {}
                // Another side has failed and says so itself.
                Ok(false) => break,
                Err(error) => {
                    completed = Err(error);
                    break;
                }
            }
        }
        drop(completed_out);
        let stored = storing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        completed.and(stored)
    }

    /// Completes a batch and stores the one before on the same connection, several in a transaction.
    fn on_one(
        self,
        db: &mut Db,
        run: &Run<'_>,
        mut tally: Tally<'_>,
        mut complete: impl FnMut(&mut Db, &mut Batch<D>) -> Result<R, ImportError>,
        store: impl Fn(&mut Db, R) -> Result<Counts, ImportError>,
    ) -> Result<ImportReport, ImportError> {
        let Self { full_in, completed_out, summed_in, empty_out } = self;
        let at_once = first_load_batches(db);
        let mut checkpoints = Checkpoints::take_over(db, run.app.pool.url())?;
        let (mut is_open, mut under_way) = (true, 0);
        while is_open || under_way > 0 {
            let stored = write_tx(db, |db| {
                transaction_lock(db, SUMS_LOCK)?;
                let mut stored = 0;
                while stored < at_once && (is_open || under_way > 0) {
                    if is_open {
                        if let Ok(batch) = full_in.recv() {
                            let mut batch = batch?;
                            let ready = complete(db, &mut batch)?;
                            // Where that side has failed, its reason comes out at the other end.
                            is_open = completed_out.send((batch, ready)).is_ok();
                            under_way += usize::from(is_open);
                        } else {
                            is_open = false;
                        }
                    }
                    if under_way > usize::from(is_open) {
                        let Ok(summed) = summed_in.recv() else { break };
                        let (batch, ready) = summed?;
                        under_way -= 1;
                        tally.note(&batch, store(db, ready)?)?;
                        let _done = empty_out.try_send(batch);
                        stored += 1;
                    }
                }
                Ok::<usize, ImportError>(stored)
            })?;
            checkpoints.after_commit(db, stored)?;
        }
        checkpoints.hand_back(db)?;
        tally.finish()
    }
}

/// A batch as read, or why reading ended.
type Read<D> = Result<Batch<D>, ImportError>;

/// Starts the thread that reads and maps; gives the end its batches come out of and the one used batches go back into.
fn start_reading<'scope, 'env, D: Send + 'env>(
    scope: &'scope std::thread::Scope<'scope, 'env>,
    (batch_rows, (read, ready)): (usize, (usize, usize)),
    input: Input<'env>,
    draft: impl Fn(&Fields) -> Result<D, RowError> + Send + 'env,
) -> (Receiver<Read<D>>, SyncSender<Batch<D>>) {
    let (full_out, full_in) = sync_channel::<Read<D>>(read);
    let (empty_out, empty_in) = sync_channel::<Batch<D>>(read + ready);
    scope.spawn(move || {
        let result = read_batches(input.reader, &input.compiled, batch_rows, &draft, &empty_in, |batch| {
            full_out.send(Ok(batch)).is_ok()
        });
        if let Err(error) = result {
            // A closed channel means the writer has failed and says so itself.
            let _closed = full_out.send(Err(error));
        }
    });
    (full_in, empty_out)
}

/// What became of the rows so far.
struct Tally<'a> {
    report: ImportReport,
    rejects: RejectWriter,
    places: FieldPlaces,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl<'a> Tally<'a> {
    fn new(run: &Run<'_>, input: &Input<'a>) -> Result<Self, FeedError> {
        Ok(Self {
            report: ImportReport { dry_run: run.request.dry_run, ..ImportReport::default() },
            rejects: RejectWriter::new(&run.request.rejects, input.reader.headers())?,
            places: input.compiled.places(),
            progress: input.progress,
        })
    }

    fn note<D>(&mut self, batch: &Batch<D>, counts: Counts) -> Result<(), FeedError> {
        let report = &mut self.report;
        report.rows_new += counts.new;
        report.rows_changed += counts.changed;
        report.rows_same += counts.same;
        for (row, draft) in batch.rows.iter().zip(&batch.drafts) {
            report.rows_read += 1;
            if let Err(error) = draft {
                self.rejects.reject(row, &self.places.locate(row, error))?;
                report.rows_rejected += 1;
            }
        }
        (self.progress)(Progress {
            bytes_read: batch.bytes_read,
            bytes_total: batch.bytes_total,
            rows: report.rows_read,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<ImportReport, ImportError> {
        self.report.rejects_file = self.rejects.finish()?;
        Ok(self.report)
    }
}

fn read_batches<D>(
    mut reader: TableReader,
    compiled: &Compiled,
    batch_rows: usize,
    draft: &impl Fn(&Fields) -> Result<D, RowError>,
    empties: &Receiver<Batch<D>>,
    mut send: impl FnMut(Batch<D>) -> bool,
) -> Result<(), ImportError> {
    let mut fields = compiled.fields();
    let mut total: u64 = 0;
    loop {
        let mut batch = empties.try_recv().unwrap_or_else(|_| Batch {
            rows: Vec::with_capacity(batch_rows),
            drafts: Vec::with_capacity(batch_rows),
            bytes_read: 0,
            bytes_total: reader.bytes_total(),
        });
        batch.drafts.clear();
        while batch.drafts.len() < batch_rows {
            if batch.rows.len() <= batch.drafts.len() {
                batch.rows.push(Row::new());
            }
            let Some(row) = batch.rows.get_mut(batch.drafts.len()) else { break };
            if !reader.read_row(row)? {
                break;
            }
            batch.drafts.push(compiled.apply(row, &mut fields).and_then(|()| draft(&fields)));
        }
        let read = batch.drafts.len();
        total += u64::try_from(read).unwrap_or(0);
        if total > MAX_IMPORT_ROWS {
            return Err(ImportError::TooManyRows);
        }
        batch.bytes_read = reader.bytes_read();
        // A short batch is the last one.
        if (read > 0 && !send(batch)) || read < batch_rows {
            return Ok(());
        }
    }
}

/// Fingerprints what a row says: the same mapped values give the same number on every machine and
/// version. Blank fields do not count, so a new field changes no old fingerprint.
#[derive(Debug)]
pub struct FactHasher {
    fields: Vec<(&'static str, Field)>,
}

impl FactHasher {
    /// A hasher for facts of `kind`.
    pub fn new(kind: ImportKind) -> Self {
        let fields =
            kind.specs().iter().filter_map(|spec| Some((spec.name, kind.field(spec.name)?))).collect();
        Self { fields }
    }

    /// The fingerprint of one row.
    pub fn hash(&self, fields: &Fields) -> i64 {
        let mut hasher = Xxh3Default::new();
        for &(name, field) in &self.fields {
            let value = fields.value(field);
            if value == Value::Blank {
                continue;
            }
            hasher.update(name.as_bytes());
            match value {
                Value::Blank => {}
                Value::Int(number) => hasher.update(&number.to_le_bytes()),
                Value::Decimal(number) => hasher.update(&number.normalize().serialize()),
                Value::Day(day) => hasher.update(&day.num_days_from_ce().to_le_bytes()),
                Value::Instant(instant) => {
                    hasher.update(&instant.utc.timestamp_micros().to_le_bytes());
                    hasher.update(&[u8::from(instant.date_only)]);
                }
                Value::Text { .. } | Value::Choice(_) | Value::Zone(_) => {
                    hasher.update(fields.text(field).unwrap_or_default().as_bytes());
                    hasher.update(&[0]);
                }
            }
        }
        i64::from_ne_bytes(hasher.digest().to_ne_bytes())
    }
}

/// The field's text, or empty.
pub fn text(fields: &Fields, field: Field) -> String {
    fields.text(field).unwrap_or_default().to_owned()
}

/// The field's text, if it has one.
pub fn some_text(fields: &Fields, field: Field) -> Option<String> {
    fields.text(field).map(str::to_owned)
}

/// The partner a row names: found, made, or why not.
pub fn partner(
    db: &mut Db,
    dimensions: &mut Dimensions<'_>,
    run: &Run<'_>,
    named: &str,
    full_name: Option<&str>,
) -> Result<Result<i64, RowError>, ImportError> {
    if let Some(id) = dimensions.partner(named) {
        dimensions.remember_partner(named, id);
        return Ok(Ok(id));
    }
    match run.request.mapping.unknown_partner {
        UnknownPartner::Create => Ok(Ok(dimensions.partner_create(db, named, full_name)?)),
        UnknownPartner::Refuse => Ok(Err(RowError::field(
            "partner",
            named,
            "no partner has this code, name or alias; add it as an alias of a partner, or let the mapping create partners",
        ))),
    }
}

/// Refuses what is no currency, and amounts in a currency other than the reporting one: there is no stored rate to convert by.
pub fn check_currency(given: Option<&str>, reporting: &str, has_amounts: bool) -> Result<(), RowError> {
    // The usual one costs no look-up.
    let Some(given) = given.filter(|given| *given != reporting) else { return Ok(()) };
    if let Err(error) = given.parse::<Currency>() {
        return Err(RowError::field("currency", given, error.to_string()));
    }
    if !has_amounts {
        return Ok(());
    }
    Err(RowError::field(
        "currency",
        given,
        format!(
            "amounts are kept in {reporting} and no dated rate from {given} is stored; convert the column or map the currency"
        ),
    ))
}

/// Rows by what the database knows of them.
pub struct Sorted<T> {
    /// Not seen before.
    pub new: Vec<T>,
    /// Stored with other facts.
    pub changed: Vec<T>,
    /// Stored word for word.
    pub same: u64,
}

/// Tells new rows from repeats and changes by natural key and fingerprint.
pub fn sort_out<T>(
    db: &mut Db,
    table: FactTable,
    rows: Vec<T>,
    identity: impl Fn(&T) -> (NaturalKey<'_>, i64),
) -> Result<Sorted<T>, ImportError> {
    let keys: Vec<NaturalKey<'_>> = rows.iter().map(|row| identity(row).0).collect();
    let found: HashMap<(i64, i32, String), i64> = natural_keys_find(db, table, &keys)?
        .into_iter()
        .map(|key| ((key.partner_id, key.source_id, key.reference), key.fact_hash))
        .collect();
    let mut sorted = Sorted { new: Vec::new(), changed: Vec::new(), same: 0 };
    if found.is_empty() {
        sorted.new = rows;
        return Ok(sorted);
    }
    for row in rows {
        let ((partner_id, source_id, reference), hash) = identity(&row);
        match found.get(&(partner_id, source_id, reference.to_owned())) {
            None => sorted.new.push(row),
            Some(stored) if *stored == hash => sorted.same += 1,
            Some(_) => sorted.changed.push(row),
        }
    }
    Ok(sorted)
}

/// What a fact that gives way says, as the history keeps it; `what` names it for a message.
pub fn fact_text(fact: &impl serde::Serialize, what: &str, reference: &str) -> Result<String, DbError> {
    serde_json::to_string(fact)
        .map_err(|error| DbError::Stored { what: format!("{what} {reference}"), reason: error.to_string() })
}

/// The row was named before in the same file.
pub fn repeated(reference: &str, first: u64, again: u64) -> RowError {
    RowError::field(
        "reference",
        reference,
        format!(
            "row {again} has the same partner, feed and reference as row {first}; only the first was taken"
        ),
    )
}

/// Two rows of a small table for the same key: which one holds would depend on their order.
pub fn repeated_key(field: &str, value: &str, key: &str, first: u64, again: u64) -> RowError {
    let reason = format!("row {again} is for the same {key} as row {first}; only the first was taken");
    RowError::field(field, value, reason)
}

/// An amount in millionths, or why not.
pub fn micros(name: &str, value: Option<Decimal>) -> Result<Option<Micros>, RowError> {
    value
        .map(|value| {
            Micros::from_decimal(value)
                .map_err(|error| RowError::field(name, &value.to_string(), error.to_string()))
        })
        .transpose()
}

/// A quantity in thousandths (grams of kilograms, metres of kilometres), half up, or why not.
pub fn thousandths(name: &str, value: Option<Decimal>) -> Result<Option<i64>, RowError> {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    use rust_decimal::prelude::ToPrimitive;
    value
        .map(|value| {
            value
                .checked_mul(Decimal::ONE_THOUSAND)
                .map(|v| v.round_dp_with_strategy(0, MidpointAwayFromZero))
                .and_then(|v| v.to_i64())
                .ok_or_else(|| RowError::field(name, &value.to_string(), "the number is too large"))
        })
        .transpose()
}

/// A count that fits the database, or why not.
pub fn small(name: &str, value: Option<i64>) -> Result<Option<i32>, RowError> {
    value
        .map(|value| {
            i32::try_from(value)
                .map_err(|_| RowError::field(name, &value.to_string(), "the number is too large"))
        })
        .transpose()
}
