//! Assessing: what was accrued for a period that is final becomes a notice to the partner (DOMAIN §4.4).
//!
//! One partner is one transaction: its items, their entries and its mail, or none of them. A second run finds nothing
//! left to tell. A partner nobody can write to keeps its items as accrued, since nothing is assessed without notice.
//! Nothing is told that was not priced as the facts are now: where the accrual failed or was given up, the items of that
//! contract wait. What changes on an item after it was told is told by the accrual that changes it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::notice::{Item, tell_assessed};
use super::{AccrualError, AccrualProblem, Run, groups, load_run, plan_group};
use crate::app::App;
use crate::app::contract::deadline_calendar;
use crate::app::scorecard_mail::partner_addresses;
use crate::db::Db;
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::ledger::{
    Accrual, ToAssess, accruals_upsert, accrued_items, accrued_partners, credits_held, entries_insert,
    item_notices_insert, last_posting_of,
};
use crate::db::partner::partner_show;
use crate::domain::clause::{ObligationKey, Sign};
use crate::domain::ledger::{
    ASSESSMENT_ACCOUNTS, Account, Booking, Held, ItemState, JournalEntry, assessed_from, assessment_entry,
};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssessmentReport {
    /// Partners that were told.
    pub partners: i64,
    /// Items assessed.
    pub items: i64,
    /// Journal entries added: one for each service credit, two where the general ledger holds a part of it.
    pub entries: i64,
    /// Mails queued.
    pub mails: i64,
    /// Rows added or changed. 0 on a second run.
    pub changed_rows: i64,
    /// Partners already posted for on a later day, left alone.
    pub ahead: i64,
    /// Names of partners with items to assess and no address to tell them at.
    pub no_address: Vec<String>,
    /// Contracts with items left as accrued, since they are not priced as the facts are now.
    pub problems: Vec<AccrualProblem>,
}

impl AssessmentReport {
    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = if self.items == 0 {
            "nothing to assess".to_owned()
        } else {
            format!(
                "{} assessed, {} told",
                words::count(self.items, "item"),
                words::count(self.partners, "partner")
            )
        };
        if !self.no_address.is_empty() {
            text.push_str(&format!(
                "; not told, since no address that a mail can go to is known: {}",
                self.no_address.join(", ")
            ));
        }
        if self.ahead > 0 {
            text.push_str(&format!(
                "; left alone, since a later day is posted already: {}",
                words::count(self.ahead, "partner")
            ));
        }
        if !self.problems.is_empty() {
            let named: Vec<&str> = self.problems.iter().map(|problem| problem.contract.as_str()).collect();
            text.push_str(&format!(
                "; left as accrued, since the accrual is not up to date: contract {}",
                named.join(", ")
            ));
        }
        text
    }
}

/// Assesses every accrued item whose period is final on `as_of`.
///
/// # Errors
/// [`AccrualError`]; partners told before it stay told.
pub fn assess(app: &App, as_of: NaiveDate, run_id: Option<i64>) -> Result<AssessmentReport, AccrualError> {
    let mut db = app.pool.get()?;
    let run = load_run(&mut db, as_of, run_id)?;
    let mut report = AssessmentReport::default();
    for partner_id in accrued_partners(&mut db, &Viewer::system())? {
        write_tx(&mut db, |db| assess_partner(app, db, &run, partner_id, &mut report))?;
    }
    Ok(report)
}

fn assess_partner(
    app: &App,
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    report: &mut AssessmentReport,
) -> Result<(), AccrualError> {
    let viewer = Viewer::system();
    // Whoever accrues this partner has ended, or waits and finds the items assessed.
    contract_lock(db, partner_id)?;
    let calendar = deadline_calendar();
    let mut items = accrued_items(db, &viewer, partner_id)?;
    items.retain(|item| assessed_from(item.accrual.period, &calendar) <= run.as_of);
    let Some(partner) = partner_show(db, &viewer, partner_id)?.filter(|_| !items.is_empty()) else {
        return Ok(());
    };
    if last_posting_of(db, &viewer, partner_id)?.is_some_and(|day| day > run.posting_day) {
        // The amounts are those of a later day than the one asked for.
        report.ahead += 1;
        return Ok(());
    }
    let addresses = partner_addresses(db, &partner)?;
    if addresses.is_empty() {
        report.no_address.push(partner.name);
        return Ok(());
    }
    keep_priced(db, run, partner_id, &mut items, &mut report.problems)?;
    if items.is_empty() {
        return Ok(());
    }
    let versions: BTreeSet<i64> = items.iter().map(|item| item.accrual.key.contract_version_id).collect();
    let versions: Vec<i64> = versions.into_iter().collect();
    let held = credits_held(db, &viewer, partner_id, &versions)?;
    book(app, db, run, &items, &held, report)?;
    let named: Vec<Item<'_>> = items.iter().map(named).collect();
    let mails = tell_assessed(app, db, run, &partner, &named, addresses)?;
    report.mails += mails;
    report.changed_rows += mails;
    report.partners += 1;
    report.items += i64::try_from(items.len()).unwrap_or(i64::MAX);
    Ok(())
}

fn named(item: &ToAssess) -> Item<'_> {
    Item {
        accrual: &item.accrual,
        clause_code: &item.clause_code,
        clause_title: &item.clause_title,
        sign: item.sign,
    }
}

/// Drops items that an accrual of this day would still change, or whose contract cannot be priced, and names the
/// contract: an accrual that failed or was given up counts as settled for the jobs after it.
fn keep_priced(
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    items: &mut Vec<ToAssess>,
    problems: &mut Vec<AccrualProblem>,
) -> Result<(), AccrualError> {
    for group in groups(db, partner_id, run.as_of)? {
        let versions = group.version_ids();
        let is_own = |key: ObligationKey| versions.contains(&key.contract_version_id);
        if !items.iter().any(|item| is_own(item.accrual.key)) {
            continue;
        }
        let before = items.len();
        let reason = match plan_group(db, run, &group) {
            Ok(Some(posting)) => {
                let entries = posting.of_owed().map(|entry| entry.key);
                let open: BTreeSet<ObligationKey> =
                    entries.chain(posting.accruals.iter().map(|row| row.key)).collect();
                items.retain(|item| !open.contains(&item.accrual.key));
                "clauses and facts give something else now; accrue service credits, then assess again"
                    .to_owned()
            }
            Ok(None) => {
                items.retain(|item| !is_own(item.accrual.key));
                "a later day is posted already; assess for that day".to_owned()
            }
            Err(AccrualError::Db(error)) => return Err(error.into()),
            Err(error) => {
                items.retain(|item| !is_own(item.accrual.key));
                error.to_string()
            }
        };
        if items.len() < before {
            let waiting = i64::try_from(before - items.len()).unwrap_or(i64::MAX);
            let message = format!("{} left as accrued: {reason}", words::count(waiting, "item"));
            problems.push(AccrualProblem { contract: group.number, partner_id, message });
        }
    }
    Ok(())
}

/// Moves items to assessed. A bonus takes no entry: it stands where it stood.
fn book(
    app: &App,
    db: &mut Db,
    run: &Run,
    items: &[ToAssess],
    held: &BTreeMap<(ObligationKey, Account), Held>,
    report: &mut AssessmentReport,
) -> Result<(), AccrualError> {
    let mut entries = Vec::new();
    for item in items.iter().filter(|item| item.sign == Sign::Penalty) {
        entries.extend(moved(run, item, held)?);
    }
    let told = |item: &ToAssess| Accrual {
        state: ItemState::Assessed,
        assessed_on: Some(run.as_of),
        ..item.accrual.clone()
    };
    let told: Vec<Accrual> = items.iter().map(told).collect();
    let rows = told.len() + entries.iter().map(|entry: &JournalEntry| 1 + entry.lines.len()).sum::<usize>();
    report.entries += i64::try_from(entries.len()).unwrap_or(i64::MAX);
    report.changed_rows += i64::try_from(rows).unwrap_or(i64::MAX);
    let entries: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, run.run_id, app.now())?;
    accruals_upsert(db, &told, run.run_id, app.now())?;
    // Of a service credit its entry says when; what takes none would leave no trace of the day once it changes.
    let quiet = items.iter().filter(|item| item.sign != Sign::Penalty);
    let quiet: Vec<ObligationKey> = quiet.map(|item| item.accrual.key).collect();
    if let Some(first) = items.first() {
        item_notices_insert(db, first.accrual.partner_id, &quiet, run.as_of)?;
    }
    Ok(())
}

/// The entries that move what an item holds from accrued to assessed.
fn moved(
    run: &Run,
    item: &ToAssess,
    held: &BTreeMap<(ObligationKey, Account), Held>,
) -> Result<Vec<JournalEntry>, AccrualError> {
    let accrual = &item.accrual;
    let booking = Booking {
        partner_id: accrual.partner_id,
        currency: accrual.currency,
        posting_date: run.posting_day,
        recognition: run.policy.recognition(item.sign, ItemState::Assessed),
        told: true,
        memo: format!(
            "{} is final: the partner was told of what clause {} came to.",
            accrual.period.title(),
            item.clause_code
        ),
    };
    let of = (accrual.period, accrual.obligation_day);
    let (_, left) = ASSESSMENT_ACCOUNTS;
    let held = held.get(&(accrual.key, left)).copied().unwrap_or_default();
    let parts = held.leaving(accrual.target, booking.recognition).into_iter();
    parts
        .map(|(recognition, part)| {
            let booking = Booking { recognition, ..booking.clone() };
            Ok(assessment_entry(accrual.key, of, part, &booking)?)
        })
        .collect()
}
