//! Export batches: entries that count in the general ledger, each in one batch and in one only, and the files of a batch,
//! which are the same bytes whenever they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed};
use crate::db::books::{
    BatchRow, MonthSum, batch_content_unscoped, batch_entries_insert, batch_insert, batch_list, batch_newest,
    batch_show, chart, clause_terms_unscoped, close_list, layout_newest, layout_show, posting_lock,
    unexported_entries_unscoped,
};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::ledger::EntryListed;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::books::batch::{BATCH_ENTRIES_MAX, Batch, BatchLine};
use crate::domain::books::chart::Chart;
use crate::domain::books::layout::Layout;
use crate::domain::books::month_of;
use crate::domain::clause::ClauseTerms;
use crate::domain::digest::sha256;
use crate::domain::field::codes;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;
use crate::report::sheet::{csv, list_xlsx_dated};

/// Batches listed at most.
pub const BATCHES_SHOWN: i64 = 200;
/// The name of the lock between two who make batches.
const EXPORTS: &str = "exports";

codes! {
    /// How a batch is written.
    ExportFormat, "format of a journal export" {
        /// Comma-separated values.
        Csv = "csv", "CSV";
        /// A workbook.
        Xlsx = "xlsx", "Excel";
        /// JSON, as it is kept.
        Json = "json", "JSON";
        /// As the layout says.
        Journal = "journal", "Journal file";
    }
}

/// A file of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFile {
    /// What it is called.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// All batches, newest first.
///
/// # Errors
/// [`EditError`].
pub fn batches(db: &mut Db, viewer: &Viewer) -> Result<Vec<BatchRow>, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    Ok(batch_list(db, BATCHES_SHOWN)?)
}

/// One batch with its lines.
///
/// # Errors
/// [`EditError::NotFound`], or a content that is not what was written.
pub fn batch_view(db: &mut Db, viewer: &Viewer, number: i32) -> Result<(BatchRow, Batch), EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let row = batch_show(db, number)?.ok_or(EditError::NotFound("export batch"))?;
    let (batch, _) = content(db, &row)?;
    Ok((row, batch))
}

fn content(db: &mut Db, row: &BatchRow) -> Result<(Batch, String), DbError> {
    let what = || format!("export batch {}", row.batch);
    let text = batch_content_unscoped(db, row.batch)?.unwrap_or_default();
    if sha256(&text) != row.content_sha256 {
        let reason = "its content is not what was written; restore it from a backup".to_owned();
        return Err(DbError::Stored { what: what(), reason });
    }
    let batch = serde_json::from_str(&text)
        .map_err(|error| DbError::Stored { what: what(), reason: error.to_string() })?;
    Ok((batch, text))
}

/// Makes the next batch of everything posted up to and on `through` (today where none is named) that counts in the general
/// ledger and is in no batch yet, at most [`BATCH_ENTRIES_MAX`] entries. All of it or nothing.
///
/// # Errors
/// [`EditError::Books`] when there is nothing to export, or whoever asks closed a month of it; nothing was stored then.
pub fn batch_make(app: &App, by: &Viewer, through: Option<NaiveDate>) -> Result<BatchRow, EditError> {
    allowed(by, Action::KeepBooks)?;
    let mut db = app.pool.get().map_err(EditError::Db)?;
    let today = app.today(&mut db)?;
    let through = through.unwrap_or(today);
    if through > today {
        return Err(EditError::field("through", "choose a day that has come"));
    }
    write_tx(&mut db, |db| {
        transaction_lock(db, EXPORTS)?;
        posting_lock(db)?;
        let limit = i64::try_from(BATCH_ENTRIES_MAX).unwrap_or(i64::MAX);
        let entries = unexported_entries_unscoped(db, through, limit)?;
        if entries.is_empty() {
            return Err(EditError::Books(format!(
                "nothing that counts in the general ledger was posted up to {} and is not exported yet",
                words::day(through)
            )));
        }
        not_own_close(db, by, &entries)?;
        let number = batch_newest(db)?.saturating_add(1);
        let chart = chart(db)?;
        let clauses = clause_terms_unscoped(db, entries.iter().map(|listed| listed.entry.key.clause_id))?;
        let batch = Batch {
            batch: number,
            through,
            made_at: app.now().to_rfc3339(),
            tells_tax: true,
            lines: entries.iter().flat_map(|listed| lines_of(listed, &chart, &clauses)).collect(),
        };
        let text = batch.to_json();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let row = BatchRow {
            batch: number,
            through_day: Day(through),
            made_by_id: by.user_id,
            made_by: by.name.clone(),
            made_at: Instant(app.now()),
            layout_version: layout_newest(db)?.map(|layout| layout.version),
            entries: count(entries.len()),
            lines: count(batch.lines.len()),
            content_sha256: sha256(&text),
        };
        batch_insert(db, &row, &text)?;
        let keys = entries.iter().map(|listed| (listed.entry.partner_id, listed.id));
        batch_entries_insert(db, number, keys, &sums(number, &entries))?;
        let subject = format!("batch {number}");
        let detail =
            format!("{} up to {through}, {}", words::count(row.entries, "entry"), row.content_sha256);
        audit(
            app,
            db,
            by,
            Entry { action: "books.export", subject: &subject, partner_id: None, detail: &detail },
        )?;
        Ok(row)
    })
}

/// Refuses a batch with entries of a month that whoever makes it has closed (DOMAIN §9): closing and exporting a month are two
/// people's, in either order.
fn not_own_close(db: &mut Db, by: &Viewer, entries: &[EntryListed]) -> Result<(), EditError> {
    if by.user_id == 0 {
        return Ok(());
    }
    let own: BTreeSet<String> = close_list(db)?
        .into_iter()
        .filter(|row| row.closed_by_id == by.user_id)
        .map(|row| row.month)
        .collect();
    let months = entries.iter().map(|listed| month_of(listed.entry.posting_date));
    match months.into_iter().find(|month| own.contains(&month.to_string())) {
        Some(month) => Err(EditError::Books(format!(
            "you closed {}, which this batch holds entries of; whoever closes a month does not export it, so somebody else must",
            month.title()
        ))),
        None => Ok(()),
    }
}

fn lines_of(listed: &EntryListed, chart: &Chart, clauses: &BTreeMap<i64, ClauseTerms>) -> Vec<BatchLine> {
    let entry = &listed.entry;
    let tax = clauses.get(&entry.key.clause_id).and_then(|terms| terms.grounds.tax_treatment);
    let line = |line: &crate::domain::ledger::JournalLine| BatchLine {
        entry: listed.id,
        line: line.line_no,
        posted: entry.posting_date,
        partner_code: listed.partner_code.clone(),
        partner: listed.partner_name.clone(),
        clause: listed.clause_code.clone(),
        obligation: entry.key.to_string(),
        obligation_period: entry.obligation_period.to_string(),
        obligation_day: entry.obligation_day,
        reason: entry.reason.code().to_owned(),
        account: chart.number(line.account),
        account_name: chart.name(line.account),
        side: line.side,
        amount_micros: line.amount.0,
        currency: line.currency.code().to_owned(),
        memo: entry.memo.clone(),
        tax_treatment: tax.map(|tax| tax.code().to_owned()).unwrap_or_default(),
    };
    entry.lines.iter().map(line).collect()
}

fn sums(batch: i32, entries: &[EntryListed]) -> Vec<MonthSum> {
    /// Month, currency, account, side.
    type Key = (String, String, i32, String);
    let mut sums: BTreeMap<Key, (i64, i64, i64)> = BTreeMap::new();
    for entry in entries.iter().map(|listed| &listed.entry) {
        for line in &entry.lines {
            let key = (
                month_of(entry.posting_date).to_string(),
                line.currency.code().to_owned(),
                line.account.number(),
                line.side.code().to_owned(),
            );
            let (lines, firsts, amount) = sums.entry(key).or_default();
            *lines += 1;
            *firsts += i64::from(line.line_no == 1);
            *amount = amount.saturating_add(line.amount.0);
        }
    }
    sums.into_iter()
        .map(|((month, currency, account, side), (lines, entries, amount_micros))| MonthSum {
            batch,
            month,
            currency,
            account,
            side,
            lines,
            entries,
            amount_micros,
        })
        .collect()
}

/// A batch as a file: always the same bytes. `layout` names a version of the layout for the journal file; without it the
/// batch's own, or the newest where there was none when the batch was made.
///
/// # Errors
/// [`EditError::NotFound`]; [`EditError::Books`] where no layout is kept yet or an amount does not fit it.
pub fn batch_file(
    db: &mut Db,
    viewer: &Viewer,
    number: i32,
    format: ExportFormat,
    layout: Option<i32>,
) -> Result<BatchFile, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let row = batch_show(db, number)?.ok_or(EditError::NotFound("export batch"))?;
    let (batch, text) = content(db, &row)?;
    let written = |what: &str, reason: String| {
        EditError::Db(DbError::Stored { what: format!("export batch {number} as {what}"), reason })
    };
    let rows = || batch.lines.iter().map(|line| batch.row(line));
    let (ending, bytes) = match format {
        ExportFormat::Json => ("json", text.into_bytes()),
        ExportFormat::Csv => {
            ("csv", csv(batch.columns(), rows()).map_err(|error| written("csv", error.to_string()))?)
        }
        ExportFormat::Xlsx => {
            let cells = rows().map(|row| row.into_iter().zip(FIGURES));
            let on = row.made_at.0.date_naive();
            let bytes =
                list_xlsx_dated("Journal", &batch.columns(), cells, (on.year(), on.month(), on.day()));
            ("xlsx", bytes.map_err(|error| written("xlsx", error.to_string()))?)
        }
        ExportFormat::Journal => {
            let kept = match layout.or(row.layout_version) {
                Some(version) => layout_show(db, version)?.ok_or(EditError::NotFound("layout"))?,
                None => layout_newest(db)?.ok_or_else(|| {
                    EditError::Books("no layout of the journal file is kept yet; set one first".to_owned())
                })?,
            };
            let books =
                |error: crate::domain::books::layout::LayoutError| EditError::Books(error.to_string());
            let layout = Layout::parse(&kept.layout).map_err(books)?;
            ("txt", layout.render(&batch).map_err(books)?.into_bytes())
        }
    };
    Ok(BatchFile { name: format!("journal-{number:06}.{ending}"), bytes })
}

/// Which columns of [`Batch::columns`] hold figures; references of digits stay texts.
const FIGURES: [bool; 18] = [
    true, false, true, false, false, false, false, false, false, false, false, false, false, true, true,
    false, false, false,
];

/// Batches looked at, and what is wrong with them: another content than was written, an entry that is in none or in two, or
/// numbers with a gap.
///
/// # Errors
/// The database's reason.
pub fn batches_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let mut problems = Vec::new();
    let mut seen: BTreeSet<i64> = BTreeSet::new();
    let all = batch_list(db, i64::MAX)?;
    for (row, expected) in all.iter().rev().zip(1..) {
        if row.batch != expected {
            problems.push(format!("export batch {expected} is missing"));
            break;
        }
        match content(db, row) {
            Ok((batch, _)) => {
                let own: BTreeSet<i64> = batch.lines.iter().map(|line| line.entry).collect();
                if i64::try_from(own.len()).unwrap_or(i64::MAX) != row.entries {
                    problems
                        .push(format!("export batch {} does not hold as many entries as it says", row.batch));
                }
                if let Some(twice) = own.iter().find(|id| seen.contains(id)) {
                    problems.push(format!(
                        "entry {twice} is in export batch {} and in an earlier one",
                        row.batch
                    ));
                }
                seen.extend(own);
            }
            Err(DbError::Stored { what, reason }) => problems.push(format!("{what}: {reason}")),
            Err(error) => return Err(error),
        }
    }
    Ok((i64::try_from(all.len()).unwrap_or(i64::MAX), problems))
}
