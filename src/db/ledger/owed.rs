//! What the ledger says is owed: the cost accounts, entry by entry.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::clause::{ObligationKey, Posted};
use crate::domain::ledger::{Account, Side, owed_effects};
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// Whether an account says what is owed, or of which a credit is earned back.
pub(super) const fn is_cost(account: Account) -> bool {
    matches!(
        account,
        Account::CreditContraFreight
            | Account::IncentiveExpense
            | Account::ShortfallExpense
            | Account::FreightRebates
            | Account::IncentivePayable
    )
}

/// The lines of one entry on those accounts: a move from accrued to assessed leaves what is owed as it is.
pub(super) struct CostEntry {
    pub key: ObligationKey,
    pub period: Period,
    pub day: NaiveDate,
    pub lines: Vec<(Account, Side, Micros)>,
}

impl CostEntry {
    /// Adds what the entry does to what is owed. The last entry says period and day.
    pub fn add_to(self, sums: &mut BTreeMap<ObligationKey, Posted>) {
        for (sign, amount) in owed_effects(self.lines) {
            let sum = sums.entry(self.key).or_insert(Posted {
                amount: Micros::ZERO,
                uncapped: None,
                sign,
                obligation_period: self.period,
                obligation_day: self.day,
            });
            sum.amount = sum.amount + amount;
            (sum.obligation_period, sum.obligation_day) = (self.period, self.day);
        }
    }
}
