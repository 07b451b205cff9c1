//! What the ledger says is owed: the cost accounts, entry by entry.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{account, code};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::{journal_entries, journal_lines};
use crate::db::types::Day;
use crate::domain::clause::{ObligationKey, Reason, Sign};
use crate::domain::ledger::{Account, Side, owed_effects};
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// What the cost accounts say about one obligation.
pub(super) struct CostSum {
    /// What kind of debt it is.
    pub sign: Sign,
    /// What stands.
    pub amount: Micros,
    /// The period it was last booked for.
    pub period: Period,
    /// Its obligation day, as last booked.
    pub day: NaiveDate,
    /// The last day on which anything was posted for it.
    pub posted: NaiveDate,
}

/// The accounts that say what is owed, and that of which a credit is earned back.
const COST_ACCOUNTS: [Account; 5] = [
    Account::CreditContraFreight,
    Account::IncentiveExpense,
    Account::ShortfallExpense,
    Account::FreightRebates,
    Account::IncentivePayable,
];

/// The lines of one entry on those accounts.
struct CostEntry {
    id: i64,
    key: ObligationKey,
    period: Period,
    day: NaiveDate,
    posted: NaiveDate,
    lines: Vec<(Account, Side, Micros)>,
}

impl CostEntry {
    fn add_to(self, sums: &mut BTreeMap<ObligationKey, CostSum>) {
        for (sign, amount) in owed_effects(self.lines) {
            let sum = sums.entry(self.key).or_insert(CostSum {
                sign,
                amount: Micros::ZERO,
                period: self.period,
                day: self.day,
                posted: self.posted,
            });
            sum.amount = sum.amount + amount;
            (sum.period, sum.day, sum.posted) = (self.period, self.day, sum.posted.max(self.posted));
        }
    }
}

/// The cost accounts by obligation: a move from accrued to assessed leaves what is owed as it is. A decision on a dispute is no part
/// of what clause and facts come to.
pub(super) fn cost_sums(
    db: &mut Db,
    partner_id: i64,
    versions: &[i64],
) -> Result<BTreeMap<ObligationKey, CostSum>, DbError> {
    let accounts = COST_ACCOUNTS.map(Account::number);
    let rows = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::reason.ne(Reason::Dispute.code()))
        .filter(journal_entries::partner_id.eq(partner_id))
        .filter(journal_entries::contract_version_id.eq_any(versions))
        .filter(journal_lines::account.eq_any(accounts))
        .order(journal_entries::id)
        .select((
            journal_entries::id,
            journal_entries::obligation_key,
            journal_entries::period,
            journal_entries::obligation_day,
            journal_entries::posting_day,
            journal_lines::account,
            journal_lines::side,
            journal_lines::amount_micros,
        ))
        .load_iter::<(i64, String, String, Day, Day, i32, String, i64), _>(db)?;
    let mut sums: BTreeMap<ObligationKey, CostSum> = BTreeMap::new();
    // The lines of one entry follow each other.
    let mut entry: Option<CostEntry> = None;
    for row in rows {
        let (id, key, period, day, posted, number, side, amount) = row?;
        let what = || format!("journal entry {id}");
        if entry.as_ref().is_none_or(|entry| entry.id != id) {
            let (key, period) = (code(&key, what)?, code(&period, what)?);
            let next = CostEntry { id, key, period, day: day.0, posted: posted.0, lines: Vec::new() };
            if let Some(done) = entry.replace(next) {
                done.add_to(&mut sums);
            }
        }
        if let Some(entry) = &mut entry {
            entry.lines.push((account(number, id)?, code(&side, what)?, Micros(amount)));
        }
    }
    if let Some(last) = entry {
        last.add_to(&mut sums);
    }
    Ok(sums)
}
