//! Pricing every obligation again, as a check: what stands against what the clauses and the facts come to.
//!
//! What an accrual still changes must be as it is priced now. What lies further back came to rest: facts that came after it
//! changed nothing ([`RESTATEMENT_DAYS`](super::RESTATEMENT_DAYS)), so a difference there is told and is no fault by itself. A
//! contract at a time is priced over its whole history, which is what memory is needed for.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::post::Posting;
use super::{
    ACCRUAL_JOB, AccrualError, Group, Run, all_terms, groups, groups_of, load_run, partners, plan_group,
};
use crate::app::refresh::REFRESH_JOB;
use crate::db::job::job_run_last_done;
use crate::db::ledger::{accrual_rows_since_unscoped, accrual_rows_unscoped, inputs_changed_since};
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::clause::ObligationKey;
use crate::domain::ledger::JournalEntry;
use crate::domain::outcome::local_day;
use crate::domain::words;

/// What a check of the accruals found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccrualsChecked {
    /// Obligations priced that an accrual still changes.
    pub looked: i64,
    /// What differs among those, one line an obligation.
    pub differences: Vec<String>,
    /// Facts or terms changed since the last run, so that a difference may be what the next one posts.
    pub waiting: bool,
}

/// What a check of the whole history found beside [`AccrualsChecked`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OlderChecked {
    /// The first day of which obligations were priced; none where there was nothing to price.
    pub since: Option<NaiveDate>,
    /// Obligations priced that no accrual changes any more.
    pub looked: i64,
    /// Those of which the ledger is not what clause and facts give today, one line each.
    pub differences: Vec<String>,
    /// Contracts that cannot be priced so far back, with the reason, one line each: nobody knows what they come to.
    pub unpriced: Vec<String>,
    /// Items that nobody priced again: before the first day, or of a contract that cannot be priced.
    pub rows_alone: i64,
}

impl OlderChecked {
    /// How far the check reached, in words; `in_reach` were priced beside.
    #[must_use]
    pub fn words(&self, in_reach: i64) -> String {
        let many = |count: i64| words::many(count, "obligation");
        let mut text = match self.since {
            None => "nothing to price".to_owned(),
            Some(since) => format!(
                "{} priced again, since {}: {} that an accrual still changes, {} older",
                many(in_reach.saturating_add(self.looked)),
                words::day(since),
                words::figure(in_reach),
                words::figure(self.looked)
            ),
        };
        if self.rows_alone > 0 {
            text.push_str(&format!(
                "; by the row alone, before that day or of a contract that cannot be priced: {}",
                words::many(self.rows_alone, "item")
            ));
        }
        text
    }
}

/// Prices every obligation within reach of an accrual again, as of the last run, and says what that would change.
/// Reads only.
///
/// # Errors
/// The database's reason; terms that cannot be priced are a difference.
pub fn accruals_differ(db: &mut Db) -> Result<AccrualsChecked, DbError> {
    let Some((as_of, waiting)) = last_run(db)? else { return Ok(AccrualsChecked::default()) };
    Ok(AccrualsChecked { waiting, ..accruals_differ_on(db, as_of)? })
}

/// The same, and every older obligation since a day, all of them where none is given.
///
/// # Errors
/// As [`accruals_differ`].
pub fn accruals_differ_since(
    db: &mut Db,
    since: Option<NaiveDate>,
) -> Result<(AccrualsChecked, OlderChecked), DbError> {
    let Some((as_of, waiting)) = last_run(db)? else {
        return Ok((AccrualsChecked::default(), OlderChecked::default()));
    };
    let (checked, older) = all_differ_on(db, as_of, since)?;
    Ok((AccrualsChecked { waiting, ..checked }, older))
}

/// The day of the last accrual, and whether anything it is made of changed since.
fn last_run(db: &mut Db) -> Result<Option<(NaiveDate, bool)>, DbError> {
    let Some(last) = job_run_last_done(db, ACCRUAL_JOB, false)? else { return Ok(None) };
    // From its start on: what came while it ran it may have read already or not.
    let waiting = inputs_changed_since(db, REFRESH_JOB, last.started_at.0)?;
    Ok(Some((local_day(last.as_of.0, reporting_zone(db)?), waiting)))
}

/// The same as [`accruals_differ`] as of a day, whatever ran.
///
/// # Errors
/// As [`accruals_differ`].
pub(in crate::app) fn accruals_differ_on(db: &mut Db, as_of: NaiveDate) -> Result<AccrualsChecked, DbError> {
    let mut checked = AccrualsChecked::default();
    let run = load_run(db, as_of, None)?;
    for partner_id in partners(db, None)? {
        for group in groups(db, partner_id, as_of)? {
            group_differs(db, &run, &group, &mut checked)?;
        }
    }
    Ok(checked)
}

/// The same as [`accruals_differ_since`] as of a day, whatever ran.
///
/// # Errors
/// As [`accruals_differ`].
pub(in crate::app) fn all_differ_on(
    db: &mut Db,
    as_of: NaiveDate,
    since: Option<NaiveDate>,
) -> Result<(AccrualsChecked, OlderChecked), DbError> {
    let (mut checked, mut older) = (AccrualsChecked::default(), OlderChecked::default());
    let mut priced_rows: i64 = 0;
    let run = load_run(db, as_of, None)?;
    for partner_id in partners(db, None)? {
        // Priced by themselves, and again with what lies before them: where that is refused, for one old fact or for what an old
        // version had posted since, these are judged all the same, by the window that an accrual looks at.
        let mut in_reach: Vec<(Group, Option<i64>)> = Vec::new();
        for group in groups(db, partner_id, as_of)? {
            let looked = group_differs(db, &run, &group, &mut checked)?;
            in_reach.push((group, looked));
        }
        let terms = all_terms(db, partner_id)?;
        let Some(began) = terms.iter().map(|version| version.valid_from).min() else { continue };
        let window = since.map_or(began, |since| since.max(began));
        for group in groups_of(terms, as_of, window) {
            let near = in_reach
                .iter()
                .find(|(near, _)| (near.contract_id, near.cap) == (group.contract_id, group.cap));
            let reached = match near {
                // It was told that it cannot be priced.
                Some((_, None)) => None,
                Some((near, Some(_))) if near.from <= group.from => Some(near.from),
                Some((near, Some(looked))) => {
                    older_differs(db, &run, &group, (near.from, *looked), &mut older)?.then_some(group.from)
                }
                None => {
                    older_differs(db, &run, &group, (NaiveDate::MAX, 0), &mut older)?.then_some(group.from)
                }
            };
            let Some(from) = reached else { continue };
            let first = group.versions.iter().map(|version| version.valid_from).min();
            let from_first = first.map_or(from, |first| first.max(from));
            older.since = Some(older.since.map_or(from_first, |day| day.min(from_first)));
            let rows = accrual_rows_since_unscoped(db, partner_id, &group.version_ids(), from)?;
            priced_rows = priced_rows.saturating_add(rows);
        }
    }
    older.rows_alone = accrual_rows_unscoped(db)?.saturating_sub(priced_rows).max(0);
    Ok((checked, older))
}

/// What an accrual would post for a group. Nothing where a later day was posted already, and where the group cannot be priced,
/// which is told with `before` in front of the reason.
fn planned(
    db: &mut Db,
    run: &Run,
    group: &Group,
    (told, before): (&mut Vec<String>, &str),
) -> Result<Option<Posting>, DbError> {
    match plan_group(db, run, group) {
        Ok(posting) => Ok(posting),
        Err(AccrualError::Db(error)) => Err(error),
        Err(error) => {
            told.push(format!("contract {}: {before}{error}", group.number));
            Ok(None)
        }
    }
}

/// Prices what an accrual of this day looks at. Gives how many obligations; none where they cannot be priced.
fn group_differs(
    db: &mut Db,
    run: &Run,
    group: &Group,
    checked: &mut AccrualsChecked,
) -> Result<Option<i64>, DbError> {
    let told = (&mut checked.differences, "");
    let Some(posting) = planned(db, run, group, told)? else { return Ok(None) };
    let (told, number) = (&mut checked.differences, &group.number);
    let looked = count(posting.targets);
    checked.looked = checked.looked.saturating_add(looked);
    let rows = posting.accruals.iter().map(|row| {
        let target = words::amount(row.target);
        (row.key, format!("its row is not what clause and facts give now, {target}"))
    });
    let entries = posting.of_owed().map(|entry| (entry.key, missing(entry)));
    let lines: BTreeMap<ObligationKey, String> = rows.chain(entries).collect();
    told.extend(lines.iter().map(|(key, what)| format!("contract {number}, {key}: {what}")));
    Ok(Some(looked))
}

/// Prices a contract from further back than an accrual does, and tells what differs before the day `reach`, from which on
/// `looked` obligations were priced already. Amounts alone are compared: the words of an old row are those of its day. Says whether it
/// could be priced.
fn older_differs(
    db: &mut Db,
    run: &Run,
    group: &Group,
    (reach, looked): (NaiveDate, i64),
    older: &mut OlderChecked,
) -> Result<bool, DbError> {
    let told = (&mut older.unpriced, "its older obligations cannot be priced: ");
    let Some(posting) = planned(db, run, group, told)? else { return Ok(false) };
    older.looked = older.looked.saturating_add(count(posting.targets).saturating_sub(looked).max(0));
    let far = posting.of_owed().filter(|entry| entry.obligation_day < reach);
    let lines: BTreeMap<ObligationKey, String> = far.map(|entry| (entry.key, missing(entry))).collect();
    let number = &group.number;
    older.differences.extend(lines.iter().map(|(key, what)| format!("contract {number}, {key}: {what}")));
    Ok(true)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn missing(entry: &JournalEntry) -> String {
    let amount = entry.lines.first().map(|line| words::amount(line.amount)).unwrap_or_default();
    format!("the ledger is {amount} off what clause and facts come to")
}
