//! Pricing every obligation again, as a check: what stands against what the clauses and the facts come to.

use super::{ACCRUAL_JOB, AccrualError, groups, load_run, partners, plan_group};
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::app::refresh::REFRESH_JOB;
use crate::db::job::job_run_last_done;
use crate::db::ledger::inputs_changed_since;
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::clause::ObligationKey;
use crate::domain::ledger::JournalEntry;
use crate::domain::outcome::local_day;
use crate::domain::words;

/// What a check of the accruals found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccrualsChecked {
    /// Obligations priced.
    pub looked: i64,
    /// What differs, one line an obligation.
    pub differences: Vec<String>,
    /// Facts or terms changed since the last run, so that a difference may be what the next one posts.
    pub waiting: bool,
}

/// Prices every obligation within reach of an accrual again, as of the last run, and says what that would change.
/// Reads only.
///
/// # Errors
/// The database's reason; terms that cannot be priced are a difference.
pub fn accruals_differ(db: &mut Db) -> Result<AccrualsChecked, DbError> {
    let Some(last) = job_run_last_done(db, ACCRUAL_JOB, false)? else {
        return Ok(AccrualsChecked::default());
    };
    // From its start on: what came while it ran it may have read already or not.
    let waiting = inputs_changed_since(db, REFRESH_JOB, last.started_at.0)?;
    let as_of = local_day(last.as_of.0, reporting_zone(db)?);
    Ok(AccrualsChecked { waiting, ..accruals_differ_on(db, as_of)? })
}

/// The same as of a day, whatever ran.
///
/// # Errors
/// As [`accruals_differ`].
pub(in crate::app) fn accruals_differ_on(db: &mut Db, as_of: NaiveDate) -> Result<AccrualsChecked, DbError> {
    let mut checked = AccrualsChecked::default();
    let run = load_run(db, as_of, None)?;
    for partner_id in partners(db, None)? {
        for group in groups(db, partner_id, as_of)? {
            let told = &mut checked.differences;
            match plan_group(db, &run, &group) {
                Ok(None) => {}
                Ok(Some(posting)) => {
                    checked.looked += i64::try_from(posting.targets).unwrap_or(i64::MAX);
                    let rows = posting.accruals.iter().map(|row| {
                        let target = words::amount(row.target);
                        (row.key, format!("its row is not what clause and facts give now, {target}"))
                    });
                    let entries = posting.of_owed().map(|entry| (entry.key, missing(entry)));
                    let lines: BTreeMap<ObligationKey, String> = rows.chain(entries).collect();
                    let number = &group.number;
                    told.extend(lines.iter().map(|(key, what)| format!("contract {number}, {key}: {what}")));
                }
                Err(AccrualError::Db(error)) => return Err(error),
                Err(error) => told.push(format!("contract {}: {error}", group.number)),
            }
        }
    }
    Ok(checked)
}

fn missing(entry: &JournalEntry) -> String {
    let amount = entry.lines.first().map(|line| words::amount(line.amount)).unwrap_or_default();
    format!("the ledger is {amount} off what clause and facts come to")
}
