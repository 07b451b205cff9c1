//! How balances went through a month: opening + accrued + true-up + reversed + waived + assessed + settled = closing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::clause::Reason;
use crate::domain::currency::Currency;
use crate::domain::field::codes;
use crate::domain::ledger::{Account, RollColumn, RollForward};
use crate::domain::money::Micros;

codes! {
    /// A balance that finance follows from month to month: one account or two that belong together.
    Book, "balance" {
        /// What carriers owe for service credits, told or not.
        Credits = "CREDITS", "Service credits owed to us";
        /// Volume rebates expected from carriers.
        Rebates = "REBATES", "Rebates owed to us";
        /// Bonuses and shared gains owed to carriers.
        Incentives = "INCENTIVES", "Bonuses we owe";
        /// What is owed to carriers for volume not brought.
        Shortfalls = "SHORTFALLS", "Volume shortfalls we owe";
        /// Freight that was delivered and is not billed yet.
        Freight = "FREIGHT", "Freight delivered and not billed";
    }
}

impl Book {
    /// The accounts that make it up; a move between them leaves it as it is.
    #[must_use]
    pub const fn accounts(self) -> &'static [Account] {
        match self {
            Self::Credits => &[Account::CreditAccrued, Account::CreditAssessed],
            Self::Rebates => &[Account::RebateReceivable],
            Self::Incentives => &[Account::IncentivePayable],
            Self::Shortfalls => &[Account::ShortfallPayable],
            Self::Freight => &[Account::FreightAccrued],
        }
    }

    /// The balance an account belongs to; none for costs and what is paid through other books.
    #[must_use]
    pub fn of(account: Account) -> Option<Self> {
        Self::ALL.iter().copied().find(|book| book.accounts().contains(&account))
    }

    /// Whether it is owed to us; else we owe it.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Credits | Self::Rebates)
    }
}

/// What lines of one kind did to one account of one partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The carrier.
    pub partner_id: i64,
    /// Currency of the amount.
    pub currency: Currency,
    /// The account.
    pub account: Account,
    /// Why.
    pub reason: Reason,
    /// Positive where the account grew on its normal side.
    pub growth: Micros,
}

/// One balance of one partner through a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollRow {
    /// Which balance.
    pub book: Book,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The carrier.
    pub partner_id: i64,
    /// From opening to closing.
    pub roll: RollForward,
    /// The balance at the end, added up from the lines without looking at why they were made.
    pub balance: Micros,
}

impl RollRow {
    /// Whether opening and movements come to the balance.
    #[must_use]
    pub fn foots(&self) -> bool {
        self.roll.closing() == self.balance
    }
}

/// What an account of a partner stands at, positive on the account's normal side.
pub type Balances = BTreeMap<(i64, Currency, Account), Micros>;

/// The balances of all partners through a month: at its start, what was moved in it, and at its end. By balance, currency
/// and partner; rows that stayed at 0 are left out.
pub fn roll_rows(start: &Balances, during: impl IntoIterator<Item = Moved>, end: &Balances) -> Vec<RollRow> {
    let mut rows: BTreeMap<(Book, Currency, i64), (RollForward, Micros)> = BTreeMap::new();
    for ((partner_id, currency, account), amount) in start {
        if let Some(book) = Book::of(*account) {
            let (roll, _) = rows.entry((book, *currency, *partner_id)).or_default();
            roll.opening = roll.opening + *amount;
        }
    }
    for moved in during {
        if let Some(book) = Book::of(moved.account) {
            let (roll, _) = rows.entry((book, moved.currency, moved.partner_id)).or_default();
            roll.add(moved.reason, moved.growth);
        }
    }
    for ((partner_id, currency, account), amount) in end {
        if let Some(book) = Book::of(*account) {
            let (_, balance) = rows.entry((book, *currency, *partner_id)).or_default();
            *balance = *balance + *amount;
        }
    }
    rows.into_iter()
        .filter(|(_, (roll, balance))| *roll != RollForward::default() || *balance != Micros::ZERO)
        .map(|((book, currency, partner_id), (roll, balance))| RollRow {
            book,
            currency,
            partner_id,
            roll,
            balance,
        })
        .collect()
}

/// The rows of one balance and currency added up.
#[must_use]
pub fn totals(rows: &[RollRow]) -> Vec<(Book, Currency, RollForward, Micros)> {
    let keys: BTreeSet<(Book, Currency)> = rows.iter().map(|row| (row.book, row.currency)).collect();
    keys.into_iter()
        .map(|(book, currency)| {
            let (mut roll, mut balance) = (RollForward::default(), Micros::ZERO);
            for row in rows.iter().filter(|row| (row.book, row.currency) == (book, currency)) {
                roll.plus(&row.roll);
                balance = balance + row.balance;
            }
            (book, currency, roll, balance)
        })
        .collect()
}

/// The columns that count in what a month brought net: everything but what moved to assessed and what was paid.
const NET_COLUMNS: [RollColumn; 4] =
    [RollColumn::Accrued, RollColumn::TrueUp, RollColumn::Reversed, RollColumn::Waived];

/// The accounts whose movements for [`net_reasons`] are what a month brought net.
#[must_use]
pub fn net_accounts() -> Vec<Account> {
    let books = Book::ALL.iter().filter(|book| **book != Book::Freight);
    books.flat_map(|book| book.accounts().iter().copied()).collect()
}

/// The reasons of the entries that count in what a month brought net.
#[must_use]
pub fn net_reasons() -> Vec<Reason> {
    NET_COLUMNS.iter().flat_map(|column| column.reasons()).collect()
}

/// What a month brought net for a partner, by currency: what carriers came to owe us less what we came to owe them, with
/// everything taken back and given up, and without what was paid. Freight is no part of it: it is what the work costs, and
/// goes as it is billed.
#[must_use]
pub fn net_accrued(rows: &[RollRow]) -> BTreeMap<(i64, Currency), Micros> {
    let mut net: BTreeMap<(i64, Currency), Micros> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.book != Book::Freight) {
        let brought: Micros = NET_COLUMNS.iter().map(|column| row.roll.column(*column)).sum();
        let sum = net.entry((row.partner_id, row.currency)).or_default();
        *sum = *sum + if row.book.is_ours() { brought } else { -brought };
    }
    net
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MONTHS: usize = 5;

    fn moved() -> impl Strategy<Value = (usize, Moved)> {
        let account = proptest::sample::select(Account::ALL);
        let reason = proptest::sample::select(Reason::ALL);
        let currency = proptest::sample::select(&[Currency::USD, Currency::EUR][..]);
        (0..MONTHS, 1_i64..4, currency, account, reason, -1_000_000_000_i64..1_000_000_000).prop_map(
            |(month, partner_id, currency, account, reason, micros)| {
                (month, Moved { partner_id, currency, account, reason, growth: Micros(micros) })
            },
        )
    }

    fn of_month(all: &[(usize, Moved)], month: usize) -> Vec<RollRow> {
        let standing = |before: usize| {
            let mut balances = Balances::new();
            for (_, moved) in all.iter().filter(|(at, _)| *at < before) {
                let sum = balances.entry((moved.partner_id, moved.currency, moved.account)).or_default();
                *sum = *sum + moved.growth;
            }
            balances
        };
        let during = all.iter().filter(|(at, _)| *at == month).map(|(_, moved)| *moved);
        roll_rows(&standing(month), during, &standing(month + 1))
    }

    proptest! {
        #[test]
        fn every_month_foots_and_closes_where_the_next_one_opens(all in proptest::collection::vec(moved(), 0..60)) {
            let mut closed: BTreeMap<(Book, Currency, i64), Micros> = BTreeMap::new();
            for month in 0..MONTHS {
                let rows = of_month(&all, month);
                for row in &rows {
                    prop_assert!(row.foots());
                    let before = closed.get(&(row.book, row.currency, row.partner_id)).copied();
                    prop_assert_eq!(row.roll.opening, before.unwrap_or_default());
                }
                for (_, _, roll, balance) in totals(&rows) {
                    prop_assert_eq!(roll.closing(), balance);
                }
                closed = rows
                    .iter()
                    .map(|row| ((row.book, row.currency, row.partner_id), row.roll.closing()))
                    .collect();
            }
        }
    }

    /// DOMAIN P6, June to August.
    #[test]
    fn a_credit_goes_from_accrued_over_waived_to_settled() {
        let item = |account, reason, units: i64| Moved {
            partner_id: 1,
            currency: Currency::USD,
            account,
            reason,
            growth: Micros(units * 1_000_000),
        };
        let all = [
            (0, item(Account::CreditAccrued, Reason::Initial, 2_310)),
            (1, item(Account::CreditAssessed, Reason::Assessment, 2_310)),
            (1, item(Account::CreditAccrued, Reason::Assessment, -2_310)),
            (1, item(Account::CreditAssessed, Reason::Dispute, -400)),
        ];
        let july = of_month(&all, 1);
        let roll = july[0].roll;
        assert_eq!((roll.opening.0, roll.assessed.0, roll.waived.0), (2_310_000_000, 0, -400_000_000));
        assert_eq!(roll.closing(), Micros(1_910_000_000));
        assert_eq!(net_accrued(&july)[&(1, Currency::USD)], Micros(-400_000_000));
    }
}
