//! The ledger of service credits: checked as an auditor would by hand, and gathered for its pages.

pub mod freight;
pub mod own;
pub mod replaced;
pub mod view;

use std::collections::BTreeMap;

use serde::Serialize;

use super::contract::deadline_calendar;
use crate::db::ledger::{Accrual, RawEntry, RawLedger, RawLine, ledger_partners, ledger_raw_unscoped};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, ObligationKey, Reason, Sign, Target};
use crate::domain::currency::Currency;
use crate::domain::ledger::{
    ASSESSMENT_ACCOUNTS, Account, FREIGHT_ACCOUNTS, ItemState, JournalEntry, JournalLine, Recognition,
    accrual_accounts, assessed_from, check_balanced, posted_by_key, settlement_accounts, tie_out,
};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::words;

/// Something in the ledger that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerProblem {
    /// The carrier.
    pub partner_id: i64,
    /// The journal entry, where the problem is in one.
    pub entry_id: Option<i64>,
    /// The obligation, where it is known.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for LedgerProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "partner {}", self.partner_id)?;
        if let Some(entry_id) = self.entry_id {
            write!(f, ", entry {entry_id}")?;
        }
        if !self.key.is_empty() {
            write!(f, ", {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Re-performs the ledger: every entry reads back, balances and uses the accounts of its kind; every line
/// has its entry; for every obligation the entries come to its target, and stand on 1420 if and only if the partner was
/// told, not before its period was final.
///
/// # Errors
/// The database's reason. What is wrong with the ledger itself is in the answer.
pub fn verify_ledger(db: &mut Db) -> Result<Vec<LedgerProblem>, DbError> {
    let mut problems = Vec::new();
    for partner_id in ledger_partners(db)? {
        let raw = ledger_raw_unscoped(db, partner_id)?;
        check_partner(partner_id, &raw, &mut problems);
    }
    Ok(problems)
}

fn check_partner(partner_id: i64, raw: &RawLedger, problems: &mut Vec<LedgerProblem>) {
    let mut lines: BTreeMap<i64, Vec<&RawLine>> = BTreeMap::new();
    for line in &raw.lines {
        lines.entry(line.entry_id).or_default().push(line);
    }
    let currencies: BTreeMap<ObligationKey, Currency> =
        raw.accruals.iter().map(|accrual| (accrual.key, accrual.currency)).collect();
    let mut entries = Vec::new();
    for row in &raw.entries {
        let own = lines.remove(&row.id).unwrap_or_default();
        let checked = read_entry(partner_id, row, &own).and_then(|entry| {
            check_entry(&entry)?;
            check_currency(&entry, &currencies)?;
            Ok(entry)
        });
        match checked {
            Ok(entry) => entries.push(entry),
            Err(message) => problems.push(LedgerProblem {
                partner_id,
                entry_id: Some(row.id),
                key: row.obligation_key.clone(),
                message,
            }),
        }
    }
    for entry_id in lines.into_keys() {
        let message = "lines without an entry; restore the entry from a backup".to_owned();
        problems.push(LedgerProblem { partner_id, entry_id: Some(entry_id), key: String::new(), message });
    }
    check_assessed(partner_id, raw, &entries, problems);
    let targets: Vec<Target> = raw.accruals.iter().map(target).collect();
    for difference in tie_out(&targets, &posted_by_key(&entries)) {
        let (posted, target) = (words::amount(difference.posted), words::amount(difference.target));
        problems.push(LedgerProblem {
            partner_id,
            entry_id: None,
            key: difference.key.to_string(),
            message: format!("the entries come to {posted}, the obligation to {target}"),
        });
    }
}

/// Every item stands on the account of its state.
fn check_assessed(
    partner_id: i64,
    raw: &RawLedger,
    entries: &[JournalEntry],
    problems: &mut Vec<LedgerProblem>,
) {
    let mut standing: BTreeMap<ObligationKey, (Micros, Micros)> = BTreeMap::new();
    for entry in entries {
        let (accrued, assessed) = standing.entry(entry.key).or_default();
        for line in &entry.lines {
            let sum = match line.account {
                Account::CreditAccrued => &mut *accrued,
                Account::CreditAssessed => &mut *assessed,
                _ => continue,
            };
            *sum = *sum + line.account.growth(line.side, line.amount);
        }
    }
    // The period of the last assessment: a due day corrected after it moves the item, not the day it could be told.
    let told_for: BTreeMap<ObligationKey, Period> = entries
        .iter()
        .filter(|entry| entry.reason == Reason::Assessment)
        .map(|entry| (entry.key, entry.obligation_period))
        .collect();
    let signs = posted_by_key(entries);
    let calendar = deadline_calendar();
    for accrual in &raw.accruals {
        let (accrued, assessed) = standing.get(&accrual.key).copied().unwrap_or_default();
        let is_credit = signs.get(&accrual.key).is_some_and(|posted| posted.sign == Sign::Penalty);
        let told = accrual.state.is_told();
        let misplaced = if told { accrued } else { assessed };
        let mut say = |message: String| {
            let key = accrual.key.to_string();
            problems.push(LedgerProblem { partner_id, entry_id: None, key, message });
        };
        if is_credit && misplaced != Micros::ZERO {
            say(format!(
                "it is {}, but {} stands on account {}",
                accrual.state.label().to_lowercase(),
                words::amount(misplaced),
                if told { Account::CreditAccrued } else { Account::CreditAssessed }.number()
            ));
        }
        // A bonus has no such entry; the period of one that is about a period is in its key.
        let own_period = match accrual.key.of {
            Obligation::Period(period) => Some(period),
            Obligation::Event(_) => None,
        };
        match (accrual.assessed_on, told_for.get(&accrual.key).copied().or(own_period)) {
            (None, _) if told => say("it is assessed, but nobody was told".to_owned()),
            (Some(day), Some(period))
                if accrual.state == ItemState::Assessed && day < assessed_from(period, &calendar) =>
            {
                say(format!("it was assessed on {day}, before {} was final", period.title()));
            }
            _ => {}
        }
    }
}

fn target(accrual: &Accrual) -> Target {
    Target {
        key: accrual.key,
        // Not kept on the row and not compared.
        sign: Sign::Penalty,
        uncapped: accrual.uncapped,
        amount: accrual.target,
        forgone: accrual.forgone,
        cuts: Vec::new(),
        steps: Vec::new(),
        obligation_day: accrual.obligation_day,
        obligation_period: accrual.period,
    }
}

fn read<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn read_entry(partner_id: i64, row: &RawEntry, lines: &[&RawLine]) -> Result<JournalEntry, String> {
    let key: ObligationKey = read(&row.obligation_key)?;
    let lines = lines.iter().map(|line| read_line(line)).collect::<Result<_, _>>()?;
    Ok(JournalEntry {
        key,
        partner_id,
        posting_date: row.posting_day.0,
        obligation_period: read(&row.period)?,
        obligation_day: row.obligation_day.0,
        reason: read(&row.reason)?,
        recognition: read(&row.recognition)?,
        memo: row.memo.clone(),
        lines,
    })
}

fn read_line(line: &RawLine) -> Result<JournalLine, String> {
    Ok(JournalLine {
        line_no: line.line_no,
        account: Account::from_number(line.account).map_err(|error| error.to_string())?,
        side: read(&line.side)?,
        amount: Micros(line.amount_micros),
        currency: read(&line.currency)?,
    })
}

/// In the currency of the obligation.
fn check_currency(
    entry: &JournalEntry,
    currencies: &BTreeMap<ObligationKey, Currency>,
) -> Result<(), String> {
    let Some(owed) = currencies.get(&entry.key) else { return Ok(()) };
    match entry.lines.iter().find(|line| line.currency != *owed) {
        None => Ok(()),
        Some(line) => Err(format!("is in {}, the obligation in {owed}", line.currency)),
    }
}

/// An entry about freight not billed: on its own accounts, in the general ledger, for the month of its key.
fn check_freight(entry: &JournalEntry, is_on_own: bool) -> Result<(), String> {
    if !is_on_own {
        return Err("freight that is not billed uses 5100 and 2020; this entry uses others".to_owned());
    }
    if entry.recognition != Recognition::Gl {
        return Err("what is owed for freight belongs in the general ledger; this entry is a memo".to_owned());
    }
    match entry.key.of {
        Obligation::Period(month) if month == entry.obligation_period => Ok(()),
        _ => Err(format!("is booked for {}, which is not the month of its key", entry.obligation_period)),
    }
}

/// Balanced, and on the two accounts of its kind.
fn check_entry(entry: &JournalEntry) -> Result<(), String> {
    check_balanced(entry).map_err(|error| error.to_string())?;
    if entry.reason == Reason::Settlement && entry.recognition != Recognition::Gl {
        return Err("a settlement belongs in the general ledger; this entry is a memo".to_owned());
    }
    let fits = |(more, less): (Account, Account)| {
        entry.lines.iter().all(|line| line.account == more || line.account == less)
    };
    if entry.key.is_freight() {
        return check_freight(entry, fits(FREIGHT_ACCOUNTS));
    }
    let allowed = match entry.reason {
        Reason::Assessment => vec![ASSESSMENT_ACCOUNTS],
        Reason::Dispute => vec![accrual_accounts(Sign::Penalty, true)],
        Reason::Settlement => Sign::ALL.iter().map(|sign| settlement_accounts(*sign)).collect(),
        _ => {
            let told = [false, true];
            Sign::ALL.iter().flat_map(|sign| told.map(|told| accrual_accounts(*sign, told))).collect()
        }
    };
    if allowed.iter().copied().any(fits) {
        return Ok(());
    }
    let used: Vec<String> = entry.lines.iter().map(|line| line.account.number().to_string()).collect();
    Err(format!(
        "an accrual uses 1410 or 1420 and 5190, 5195 or 5190 and 2110, 5196 and 2120, or 1440 and 5192, an assessment 1420 \
         and 1410, a dispute 5190 and 1420, a settlement 2010 and 1420, or 2110 and 2010; this entry uses {}",
        used.join(", ")
    ))
}
