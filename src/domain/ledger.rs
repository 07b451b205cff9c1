//! The double-entry sub-ledger of service credits, bonuses and freight not billed yet (DOMAIN §4.5).
//!
//! Entries are only ever added. A correction is a new entry in an open accounting period that keeps the
//! period the obligation belongs to. Amounts of a line are positive; the side says debit or credit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::calendar::BusinessCalendar;
use super::clause::{Delta, Obligation, ObligationKey, Posted, Reason, Sign, Target};
use super::currency::Currency;
use super::field::codes;
use super::money::Micros;
use super::period::{Period, PeriodKind};
use super::scorecard::Publication;

mod settle;

pub use settle::{
    ItemRef, is_receivable, settled_account, settled_by_key, settlement_accounts, settlement_effect,
    settlement_entry, waived_by_key, waiver_effect, waiver_entry,
};

#[cfg(test)]
mod cases;

codes! {
    /// Debit or credit.
    Side, "side" {
        /// Left.
        Debit = "DR", "Debit";
        /// Right.
        Credit = "CR", "Credit";
    }
}

codes! {
    /// An account of the sub-ledger; the code is its number.
    Account, "account number" {
        /// Service credits the carrier is expected to owe.
        CreditAccrued = "1410", "Service credits accrued";
        /// Service credits the carrier was told about.
        CreditAssessed = "1420", "Service credits assessed";
        /// Volume rebates expected.
        RebateReceivable = "1440", "Rebates receivable";
        /// What the shipper owes for freight.
        CarrierPayable = "2010", "Payable to carriers";
        /// Freight that was delivered and is on no invoice that counts.
        FreightAccrued = "2020", "Freight accrued, not billed";
        /// Bonuses the shipper owes.
        IncentivePayable = "2110", "Bonuses payable";
        /// What the shipper owes for volume it did not bring.
        ShortfallPayable = "2120", "Volume shortfall payable";
        /// Cost of freight, until the invoice brings it.
        FreightExpense = "5100", "Freight expense accrued";
        /// Service credits as a reduction of freight cost.
        CreditContraFreight = "5190", "Service credits against freight";
        /// Rebates as a reduction of freight cost.
        FreightRebates = "5192", "Rebates against freight";
        /// Cost of bonuses.
        IncentiveExpense = "5195", "Bonus expense";
        /// Cost of volume not brought.
        ShortfallExpense = "5196", "Volume shortfall expense";
    }
}

/// The number is that of no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no account {0} in the sub-ledger; use one of 1410, 1420, 1440, 2010, 2020, 2110, 2120, 5100, 5190, 5192, 5195, 5196"
)]
pub struct BadAccount(pub i32);

impl Account {
    /// The account number as stored.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::CreditAccrued => 1410,
            Self::CreditAssessed => 1420,
            Self::RebateReceivable => 1440,
            Self::CarrierPayable => 2010,
            Self::FreightAccrued => 2020,
            Self::IncentivePayable => 2110,
            Self::ShortfallPayable => 2120,
            Self::FreightExpense => 5100,
            Self::CreditContraFreight => 5190,
            Self::FreightRebates => 5192,
            Self::IncentiveExpense => 5195,
            Self::ShortfallExpense => 5196,
        }
    }

    /// The account of a stored number.
    ///
    /// # Errors
    /// [`BadAccount`] for any other number.
    pub fn from_number(number: i32) -> Result<Self, BadAccount> {
        Self::ALL.iter().copied().find(|account| account.number() == number).ok_or(BadAccount(number))
    }

    /// What a line does to the account's balance, which is positive on its normal side.
    #[must_use]
    pub fn growth(self, side: Side, amount: Micros) -> Micros {
        if side == self.normal_side() { amount } else { -amount }
    }

    /// The side on which the account normally stands.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            Self::CreditAccrued
            | Self::CreditAssessed
            | Self::RebateReceivable
            | Self::FreightExpense
            | Self::IncentiveExpense
            | Self::ShortfallExpense => Side::Debit,
            Self::CarrierPayable
            | Self::FreightAccrued
            | Self::IncentivePayable
            | Self::ShortfallPayable
            | Self::CreditContraFreight
            | Self::FreightRebates => Side::Credit,
        }
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

codes! {
    /// Whether an entry goes to the general ledger.
    Recognition, "recognition" {
        /// Only in this sub-ledger.
        Memo = "MEMO", "Memo";
        /// Exported to the general ledger.
        Gl = "GL", "General ledger";
    }
}

codes! {
    /// When a service credit reaches the general ledger.
    RecognitionPolicy, "recognition policy" {
        /// Once agreed: a credit from a carrier is a contingent gain until then. The default.
        MemoUntilAgreed = "MEMO_UNTIL_AGREED", "Memo until agreed";
        /// Once its period is closed.
        AccrueWhenProbable = "ACCRUE_WHEN_PROBABLE", "When probable";
    }
}

codes! {
    /// Where an owed item stands (DOMAIN §4.4).
    ItemState, "item state" {
        /// Its period still runs.
        Estimated = "ESTIMATED", "Estimated";
        /// Its period is closed, evidence may still arrive.
        Accrued = "ACCRUED", "Accrued";
        /// The partner was told.
        Assessed = "ASSESSED", "Assessed";
        /// The partner objects.
        Disputed = "DISPUTED", "Disputed";
        /// Both sides agree.
        Agreed = "AGREED", "Agreed";
        /// Paid or set off.
        Settled = "SETTLED", "Settled";
        /// Nothing is owed any more.
        Reversed = "REVERSED", "Reversed";
    }
}

impl ItemState {
    /// Where an item stands that nobody was told about yet: estimated while its period runs on `as_of`,
    /// accrued after it, reversed when `owed` went back to 0.
    #[must_use]
    pub fn of_accrual(obligation_period: Period, owed: Micros, as_of: NaiveDate) -> Self {
        if owed == Micros::ZERO {
            Self::Reversed
        } else if as_of < obligation_period.end() {
            Self::Estimated
        } else {
            Self::Accrued
        }
    }
}

impl ItemState {
    /// The states of an item that stands and of which the partner was told.
    pub const TOLD: [Self; 4] = [Self::Assessed, Self::Disputed, Self::Agreed, Self::Settled];

    /// Whether the item stands and the partner was told of it.
    #[must_use]
    pub fn is_told(self) -> bool {
        Self::TOLD.contains(&self)
    }
}

impl RecognitionPolicy {
    /// Where an entry goes. What the shipper owes is a liability and a rebate is earned with the volume: both always reach
    /// the general ledger; a service credit
    /// waits for agreement, or under [`Self::AccrueWhenProbable`] for the end of its period (DOMAIN §4.5).
    #[must_use]
    pub fn recognition(self, sign: Sign, state: ItemState) -> Recognition {
        // A reversal follows what it takes back; the caller passes the state from before it.
        let agreed = matches!(state, ItemState::Agreed | ItemState::Settled);
        let closed = matches!(state, ItemState::Accrued | ItemState::Assessed | ItemState::Disputed);
        let probable = self == Self::AccrueWhenProbable && closed;
        if sign != Sign::Penalty || agreed || probable { Recognition::Gl } else { Recognition::Memo }
    }
}

/// One line of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// 1, 2, … within the entry.
    pub line_no: i32,
    /// Account.
    pub account: Account,
    /// Debit or credit.
    pub side: Side,
    /// Always more than 0.
    pub amount: Micros,
    /// Currency of `amount`.
    pub currency: Currency,
}

/// One balanced entry about one obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The obligation; holds contract version and clause.
    pub key: ObligationKey,
    /// The carrier.
    pub partner_id: i64,
    /// Day in an open accounting period.
    pub posting_date: NaiveDate,
    /// The period the obligation belongs to, whenever it is posted.
    pub obligation_period: Period,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
    /// Why.
    pub reason: Reason,
    /// Memo or general ledger.
    pub recognition: Recognition,
    /// In words.
    pub memo: String,
    /// Two or more lines.
    pub lines: Vec<JournalLine>,
}

/// What the caller knows about an entry beside its amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The carrier.
    pub partner_id: i64,
    /// The contract's currency.
    pub currency: Currency,
    /// From [`posting_date`].
    pub posting_date: NaiveDate,
    /// From [`RecognitionPolicy::recognition`].
    pub recognition: Recognition,
    /// The partner was told of the item: then a service credit stands on 1420, else on 1410.
    pub told: bool,
    /// In words; the last step of the target is a good one.
    pub memo: String,
}

/// Why an entry may not be posted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Too few lines to balance.
    #[error("the entry for {key} has {lines} line(s); an entry needs at least two")]
    TooFewLines {
        /// The obligation.
        key: ObligationKey,
        /// How many there are.
        lines: usize,
    },
    /// A line without an amount, or with a negative one.
    #[error(
        "the entry for {key}, line {line_no}, has the amount {amount}; it must be more than 0, the side says which way"
    )]
    NotPositive {
        /// The obligation.
        key: ObligationKey,
        /// The line.
        line_no: i32,
        /// Its amount.
        amount: Micros,
    },
    /// Two currencies in one entry.
    #[error("the entry for {key} mixes {first} and {second}; make one entry for each")]
    TwoCurrencies {
        /// The obligation.
        key: ObligationKey,
        /// One currency.
        first: Currency,
        /// Another.
        second: Currency,
    },
    /// Debit and credit differ.
    #[error("the entry for {key} does not balance: debit {debit}, credit {credit}")]
    Unbalanced {
        /// The obligation.
        key: ObligationKey,
        /// Sum of debits.
        debit: Micros,
        /// Sum of credits.
        credit: Micros,
    },
}

/// The day an entry is posted on: the run's own day, or the first open day when that is closed.
/// `closed_through` is the last closed day of the books, if any.
#[must_use]
pub fn posting_date(run_day: NaiveDate, closed_through: Option<NaiveDate>) -> NaiveDate {
    match closed_through.filter(|closed| run_day <= *closed) {
        Some(closed) => closed.succ_opt().unwrap_or(closed),
        None => run_day,
    }
}

/// The accounts that grow when an obligation grows: (debit, credit). A service credit the partner was told of grows
/// where it stands (DOMAIN P6); a bonus is payable from the first day and moves nowhere.
#[must_use]
pub const fn accrual_accounts(sign: Sign, told: bool) -> (Account, Account) {
    match (sign, told) {
        (Sign::Penalty, false) => (Account::CreditAccrued, Account::CreditContraFreight),
        (Sign::Penalty, true) => (Account::CreditAssessed, Account::CreditContraFreight),
        (Sign::Bonus, _) => (Account::IncentiveExpense, Account::IncentivePayable),
        (Sign::ShipperLiability, _) => (Account::ShortfallExpense, Account::ShortfallPayable),
        (Sign::EarnBack, _) => (Account::CreditContraFreight, Account::IncentivePayable),
        (Sign::Rebate, _) => (Account::RebateReceivable, Account::FreightRebates),
    }
}

/// The accounts of an assessment: (debit, credit).
pub const ASSESSMENT_ACCOUNTS: (Account, Account) = (Account::CreditAssessed, Account::CreditAccrued);

/// What an account holds of one obligation, by where its entries went; positive on the account's normal side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// In the general ledger.
    pub gl: Micros,
    /// Only in this sub-ledger.
    pub memo: Micros,
}

impl Held {
    /// Adds what a line brought.
    pub fn add(&mut self, recognition: Recognition, amount: Micros) {
        let part = match recognition {
            Recognition::Gl => &mut self.gl,
            Recognition::Memo => &mut self.memo,
        };
        *part = *part + amount;
    }

    /// The parts in which `amount` leaves the account, `first` before the other, none of 0. The general ledger gives no
    /// more than it holds: what was never exported cannot be taken back there (DOMAIN §4.5).
    #[must_use]
    pub fn leaving(self, amount: Micros, first: Recognition) -> Vec<(Recognition, Micros)> {
        let at_most = |held: Micros, wanted: Micros| held.max(Micros::ZERO).min(wanted);
        let gl = match first {
            Recognition::Gl => at_most(self.gl, amount),
            Recognition::Memo => at_most(self.gl, amount - at_most(self.memo, amount)),
        };
        let mut parts = vec![(Recognition::Gl, gl), (Recognition::Memo, amount - gl)];
        parts.retain(|(_, part)| *part > Micros::ZERO);
        parts
    }

    /// What a line does to the account.
    pub fn post(&mut self, line: &JournalLine, recognition: Recognition) {
        self.add(recognition, line.account.growth(line.side, line.amount));
    }
}

/// The first day on which an item of `period` is assessed: the business day on which the period is final (DOMAIN §4.4).
#[must_use]
pub fn assessed_from(period: Period, calendar: &BusinessCalendar) -> NaiveDate {
    Publication::of(period, calendar).final_on
}

/// The entry that moves a service credit from accrued to assessed, 1420 / 1410 (DOMAIN P6). What is owed stays.
///
/// # Errors
/// [`LedgerError::NotPositive`] for an amount of 0, which nobody should assess.
pub fn assessment_entry(
    key: ObligationKey,
    (obligation_period, obligation_day): (Period, NaiveDate),
    amount: Micros,
    booking: &Booking,
) -> Result<JournalEntry, LedgerError> {
    let (debit, credit) = ASSESSMENT_ACCOUNTS;
    let line =
        |line_no, account, side| JournalLine { line_no, account, side, amount, currency: booking.currency };
    let entry = JournalEntry {
        key,
        partner_id: booking.partner_id,
        posting_date: booking.posting_date,
        obligation_period,
        obligation_day,
        reason: Reason::Assessment,
        recognition: booking.recognition,
        memo: booking.memo.clone(),
        lines: vec![line(1, debit, Side::Debit), line(2, credit, Side::Credit)],
    };
    check_balanced(&entry)?;
    Ok(entry)
}

/// The entries by which a service credit that stood as a memo reaches the general ledger (DOMAIN §4.5): the memo is taken
/// back and the same amount posted where it counts. What is owed stays. `booking.recognition` is not read.
///
/// # Errors
/// [`LedgerError::NotPositive`] for an amount of 0.
pub fn recognition_entries(
    key: ObligationKey,
    (obligation_period, obligation_day): (Period, NaiveDate),
    amount: Micros,
    booking: &Booking,
) -> Result<[JournalEntry; 2], LedgerError> {
    let entry = |recognition, delta| {
        let reason = Reason::Recognition;
        let sign = Sign::Penalty;
        let delta = Delta { key, sign, delta, target: amount, reason, obligation_period, obligation_day };
        accrual_entry(&delta, &Booking { recognition, ..booking.clone() })
    };
    Ok([entry(Recognition::Memo, -amount)?, entry(Recognition::Gl, amount)?])
}

/// The entry for one delta: service credit 1410 / 5190, or 1420 / 5190 once the partner was told; bonus 5195 / 2110;
/// volume shortfall 5196 / 2120; earn-back 5190 / 2110; rebate 1440 / 5192; swapped when it takes back.
///
/// # Errors
/// [`LedgerError::NotPositive`] for a delta of 0, which nobody should post.
pub fn accrual_entry(delta: &Delta, booking: &Booking) -> Result<JournalEntry, LedgerError> {
    let (more, less) = accrual_accounts(delta.sign, booking.told);
    let (debit, credit) = if delta.delta < Micros::ZERO { (less, more) } else { (more, less) };
    let line = |line_no, account, side| JournalLine {
        line_no,
        account,
        side,
        amount: delta.delta.abs(),
        currency: booking.currency,
    };
    let entry = JournalEntry {
        key: delta.key,
        partner_id: booking.partner_id,
        posting_date: booking.posting_date,
        obligation_period: delta.obligation_period,
        obligation_day: delta.obligation_day,
        reason: delta.reason,
        recognition: booking.recognition,
        memo: booking.memo.clone(),
        lines: vec![line(1, debit, Side::Debit), line(2, credit, Side::Credit)],
    };
    check_balanced(&entry)?;
    Ok(entry)
}

/// The accounts of freight that was delivered and not billed: (debit, credit).
pub const FREIGHT_ACCOUNTS: (Account, Account) = (Account::FreightExpense, Account::FreightAccrued);

/// The entry that accrues freight, 5100 / 2020, or takes it back where `delta` is negative.
///
/// # Errors
/// [`LedgerError::NotPositive`] for a delta of 0, which nobody should post.
pub fn freight_entry(
    key: ObligationKey,
    delta: Micros,
    reason: Reason,
    booking: &Booking,
) -> Result<JournalEntry, LedgerError> {
    let (more, less) = FREIGHT_ACCOUNTS;
    let (debit, credit) = if delta < Micros::ZERO { (less, more) } else { (more, less) };
    let amount = delta.abs();
    let line =
        |line_no, account, side| JournalLine { line_no, account, side, amount, currency: booking.currency };
    let period = match key.of {
        Obligation::Period(period) => period,
        // No key of freight is about one shipment.
        Obligation::Event(_) => Period::containing(PeriodKind::Month, booking.posting_date),
    };
    let entry = JournalEntry {
        key,
        partner_id: booking.partner_id,
        posting_date: booking.posting_date,
        obligation_period: period,
        obligation_day: period.last_day(),
        reason,
        recognition: booking.recognition,
        memo: booking.memo.clone(),
        lines: vec![line(1, debit, Side::Debit), line(2, credit, Side::Credit)],
    };
    check_balanced(&entry)?;
    Ok(entry)
}

/// Checks that an entry may be posted: two lines or more, positive amounts, one currency, debit = credit.
///
/// # Errors
/// [`LedgerError`] naming the obligation and what is wrong.
pub fn check_balanced(entry: &JournalEntry) -> Result<(), LedgerError> {
    let key = entry.key;
    let [first, rest @ ..] = entry.lines.as_slice() else {
        return Err(LedgerError::TooFewLines { key, lines: 0 });
    };
    if rest.is_empty() {
        return Err(LedgerError::TooFewLines { key, lines: 1 });
    }
    if let Some(line) = entry.lines.iter().find(|line| line.amount <= Micros::ZERO) {
        return Err(LedgerError::NotPositive { key, line_no: line.line_no, amount: line.amount });
    }
    if let Some(other) = rest.iter().find(|line| line.currency != first.currency) {
        return Err(LedgerError::TwoCurrencies { key, first: first.currency, second: other.currency });
    }
    let debit = side_sum(&entry.lines, Side::Debit);
    let credit = side_sum(&entry.lines, Side::Credit);
    if debit == credit { Ok(()) } else { Err(LedgerError::Unbalanced { key, debit, credit }) }
}

fn side_sum(lines: &[JournalLine], side: Side) -> Micros {
    lines.iter().filter(|line| line.side == side).map(|line| line.amount).sum()
}

/// Sums of one account in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialBalanceRow {
    /// Currency.
    pub currency: Currency,
    /// Account.
    pub account: Account,
    /// Sum of debits.
    pub debit: Micros,
    /// Sum of credits.
    pub credit: Micros,
}

impl TrialBalanceRow {
    /// The balance, positive on the account's normal side.
    #[must_use]
    pub fn balance(&self) -> Micros {
        match self.account.normal_side() {
            Side::Debit => self.debit - self.credit,
            Side::Credit => self.credit - self.debit,
        }
    }
}

/// All accounts with lines, by currency and number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    /// One row per currency and account.
    pub rows: Vec<TrialBalanceRow>,
}

impl TrialBalance {
    /// (debit, credit) of one currency.
    #[must_use]
    pub fn totals(&self, currency: Currency) -> (Micros, Micros) {
        let rows = || self.rows.iter().filter(|row| row.currency == currency);
        (rows().map(|row| row.debit).sum(), rows().map(|row| row.credit).sum())
    }

    /// The balance of one account, 0 without lines.
    #[must_use]
    pub fn balance(&self, currency: Currency, account: Account) -> Micros {
        let row = self.rows.iter().find(|row| row.currency == currency && row.account == account);
        row.map_or(Micros::ZERO, TrialBalanceRow::balance)
    }

    /// Currencies whose debits and credits differ; empty when the ledger balances.
    #[must_use]
    pub fn unbalanced(&self) -> Vec<Currency> {
        let currencies: BTreeSet<_> = self.rows.iter().map(|row| row.currency).collect();
        let differs = |currency: &Currency| {
            let (debit, credit) = self.totals(*currency);
            debit != credit
        };
        currencies.into_iter().filter(differs).collect()
    }
}

/// Sums lines by currency and account.
pub fn trial_balance<'a>(lines: impl IntoIterator<Item = &'a JournalLine>) -> TrialBalance {
    let mut sums: BTreeMap<(Currency, Account), (Micros, Micros)> = BTreeMap::new();
    for line in lines {
        let (debit, credit) = sums.entry((line.currency, line.account)).or_default();
        match line.side {
            Side::Debit => *debit = *debit + line.amount,
            Side::Credit => *credit = *credit + line.amount,
        }
    }
    let row = |((currency, account), (debit, credit))| TrialBalanceRow { currency, account, debit, credit };
    TrialBalance { rows: sums.into_iter().map(row).collect() }
}

/// What the accrual entries say is posted for each obligation, as [`deltas`](super::clause::deltas) needs
/// it. The uncapped amount is not in the ledger and stays unknown. What a decision on a dispute took back is no part of it,
/// since clause and facts still come to the same; see [`waived_by_key`].
pub fn posted_by_key<'a>(
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) -> BTreeMap<ObligationKey, Posted> {
    let mut posted = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.reason != Reason::Dispute) {
        let lines = entry.lines.iter().map(|line| (line.account, line.side, line.amount));
        for (sign, amount) in owed_effects(lines) {
            let standing = posted.entry(entry.key).or_insert(Posted {
                amount: Micros::ZERO,
                uncapped: None,
                sign,
                obligation_period: entry.obligation_period,
                obligation_day: entry.obligation_day,
            });
            standing.amount = standing.amount + amount;
        }
    }
    posted
}

/// What the lines of one entry add to its obligation, and what kind of debt that is. Only the cost accounts count: a move
/// from accrued to assessed, and a payment, leave what is owed as it is. Service credits against freight (5190) that go
/// to what is payable for bonuses (2110) are earned back.
pub fn owed_effects(lines: impl IntoIterator<Item = (Account, Side, Micros)>) -> Vec<(Sign, Micros)> {
    let lines: Vec<_> = lines.into_iter().collect();
    let gives_back = lines.iter().any(|(account, ..)| *account == Account::IncentivePayable);
    let effect = |(account, side, amount): &(Account, Side, Micros)| {
        let growth = account.growth(*side, *amount);
        match account {
            Account::CreditContraFreight if gives_back => Some((Sign::EarnBack, -growth)),
            Account::CreditContraFreight => Some((Sign::Penalty, growth)),
            Account::IncentiveExpense => Some((Sign::Bonus, growth)),
            Account::ShortfallExpense => Some((Sign::ShipperLiability, growth)),
            Account::FreightRebates => Some((Sign::Rebate, growth)),
            _ => None,
        }
    };
    lines.iter().filter_map(effect).collect()
}

/// An obligation whose ledger balance is not its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The obligation.
    pub key: ObligationKey,
    /// What it comes to.
    pub target: Micros,
    /// What is posted.
    pub posted: Micros,
}

/// Compares ledger and targets, obligation by obligation; empty when they tie out.
#[must_use]
pub fn tie_out(targets: &[Target], posted: &BTreeMap<ObligationKey, Posted>) -> Vec<Difference> {
    let mut both: BTreeMap<ObligationKey, (Micros, Micros)> =
        posted.iter().map(|(key, p)| (*key, (Micros::ZERO, p.amount))).collect();
    for target in targets {
        both.entry(target.key).or_default().0 = target.amount;
    }
    both.into_iter()
        .filter(|(_, (target, posted))| target != posted)
        .map(|(key, (target, posted))| Difference { key, target, posted })
        .collect()
}

/// How a balance went from its opening to its closing value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollForward {
    /// At the start.
    pub opening: Micros,
    /// First amounts and growth of running periods.
    pub accrued: Micros,
    /// Changes after the fact and shifts under a cap.
    pub true_up: Micros,
    /// Taken back by facts.
    pub reversed: Micros,
    /// Given up by a decision on a dispute.
    pub waived: Micros,
    /// Moved from accrued to assessed: what leaves one account comes to the other.
    pub assessed: Micros,
    /// Paid or set off.
    pub settled: Micros,
}

/// A kind of movement: a column of a roll-forward between opening and closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollColumn {
    /// First amounts and growth of running periods.
    Accrued,
    /// Changes after the fact and shifts under a cap.
    TrueUp,
    /// Taken back by facts.
    Reversed,
    /// Given up by a decision on a dispute.
    Waived,
    /// Moved from accrued to assessed.
    Assessed,
    /// Paid or set off.
    Settled,
}

impl RollColumn {
    /// Every column, in reading order.
    pub const ALL: [Self; 6] =
        [Self::Accrued, Self::TrueUp, Self::Reversed, Self::Waived, Self::Assessed, Self::Settled];

    /// The column that an entry counts in.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        match reason {
            // Out of the memo and into the general ledger: nothing where both are looked at.
            Reason::Initial | Reason::Accrual | Reason::Recognition => Self::Accrued,
            Reason::TrueUp | Reason::CapReallocation => Self::TrueUp,
            Reason::Reversal => Self::Reversed,
            Reason::Dispute => Self::Waived,
            Reason::Assessment => Self::Assessed,
            Reason::Settlement => Self::Settled,
        }
    }

    /// The reasons of entries that count in it.
    #[must_use]
    pub fn reasons(self) -> Vec<Reason> {
        Reason::ALL.iter().copied().filter(|reason| Self::of(*reason) == self).collect()
    }
}

/// What debits and credits on some accounts come to, and on which side: that of the accounts where all of them stand on one,
/// else debits less credits, so that what is owed to us counts up and what we owe down.
#[must_use]
pub fn net_on(accounts: &[Account], (debit, credit): (Micros, Micros)) -> (Side, Micros) {
    if accounts.iter().all(|account| account.normal_side() == Side::Credit) {
        (Side::Credit, credit - debit)
    } else {
        (Side::Debit, debit - credit)
    }
}

impl RollForward {
    /// Adds one accrual, positive when the obligation grows.
    pub fn add(&mut self, reason: Reason, delta: Micros) {
        let column = match RollColumn::of(reason) {
            RollColumn::Accrued => &mut self.accrued,
            RollColumn::TrueUp => &mut self.true_up,
            RollColumn::Reversed => &mut self.reversed,
            RollColumn::Waived => &mut self.waived,
            RollColumn::Assessed => &mut self.assessed,
            RollColumn::Settled => &mut self.settled,
        };
        *column = *column + delta;
    }

    /// What moved in one column.
    #[must_use]
    pub const fn column(&self, column: RollColumn) -> Micros {
        match column {
            RollColumn::Accrued => self.accrued,
            RollColumn::TrueUp => self.true_up,
            RollColumn::Reversed => self.reversed,
            RollColumn::Waived => self.waived,
            RollColumn::Assessed => self.assessed,
            RollColumn::Settled => self.settled,
        }
    }

    /// Opening and all changes.
    #[must_use]
    pub fn closing(&self) -> Micros {
        self.opening
            + self.accrued
            + self.true_up
            + self.reversed
            + self.waived
            + self.assessed
            + self.settled
    }

    /// Itself, or all of it the other way round.
    #[must_use]
    pub fn signed(&self, as_it_is: bool) -> Self {
        if as_it_is {
            return *self;
        }
        Self {
            opening: -self.opening,
            accrued: -self.accrued,
            true_up: -self.true_up,
            reversed: -self.reversed,
            waived: -self.waived,
            assessed: -self.assessed,
            settled: -self.settled,
        }
    }

    /// Adds another balance, column by column.
    pub fn plus(&mut self, other: &Self) {
        self.opening = self.opening + other.opening;
        self.accrued = self.accrued + other.accrued;
        self.true_up = self.true_up + other.true_up;
        self.reversed = self.reversed + other.reversed;
        self.waived = self.waived + other.waived;
        self.assessed = self.assessed + other.assessed;
        self.settled = self.settled + other.settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_counts_in_one_column_of_a_roll_forward() {
        let all: Vec<Reason> = RollColumn::ALL.iter().flat_map(|column| column.reasons()).collect();
        assert_eq!(all.len(), Reason::ALL.len());
        let mut roll = RollForward::default();
        for (reason, units) in Reason::ALL.iter().zip(1_i64..) {
            roll.add(*reason, Micros(units));
        }
        let columns: Micros = RollColumn::ALL.iter().map(|column| roll.column(*column)).sum();
        assert_eq!(roll.closing(), columns);
    }

    #[test]
    fn accounts_of_both_sides_come_to_debits_less_credits() {
        let sums = (Micros(300), Micros(100));
        assert_eq!(
            net_on(&[Account::CreditAccrued, Account::CreditAssessed], sums),
            (Side::Debit, Micros(200))
        );
        assert_eq!(net_on(&[Account::IncentivePayable], sums), (Side::Credit, Micros(-200)));
        assert_eq!(
            net_on(&[Account::CreditAccrued, Account::IncentivePayable], sums),
            (Side::Debit, Micros(200))
        );
    }

    fn delta(sign: Sign, micros: i64) -> Delta {
        Delta {
            key: ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(3) },
            sign,
            delta: Micros(micros),
            target: Micros(micros),
            reason: Reason::Initial,
            obligation_period: "2025-06".parse().unwrap(),
            obligation_day: NaiveDate::from_ymd_opt(2025, 6, 12).unwrap(),
        }
    }

    fn booking() -> Booking {
        Booking {
            partner_id: 9,
            currency: Currency::USD,
            posting_date: NaiveDate::from_ymd_opt(2025, 7, 1).unwrap(),
            recognition: Recognition::Memo,
            told: false,
            memo: String::new(),
        }
    }

    fn accounts(entry: &JournalEntry) -> Vec<(&str, &str)> {
        entry.lines.iter().map(|line| (line.side.code(), line.account.code())).collect()
    }

    #[test]
    fn the_general_ledger_gives_what_it_holds_and_no_more() {
        let held = |gl, memo| Held { gl: Micros(gl), memo: Micros(memo) };
        let parts = |held: Held, amount, first| {
            let parts = held.leaving(Micros(amount), first);
            parts.into_iter().map(|(to, part)| (to.code(), part.0)).collect::<Vec<_>>()
        };
        assert_eq!(parts(held(40, 100), 140, Recognition::Gl), [("GL", 40), ("MEMO", 100)]);
        assert_eq!(parts(held(40, 100), 30, Recognition::Gl), [("GL", 30)]);
        assert_eq!(parts(held(40, 100), 30, Recognition::Memo), [("MEMO", 30)]);
        assert_eq!(parts(held(40, 100), 110, Recognition::Memo), [("GL", 10), ("MEMO", 100)]);
        assert_eq!(parts(held(0, 100), 100, Recognition::Gl), [("MEMO", 100)]);
        assert_eq!(parts(held(-5, 105), 100, Recognition::Gl), [("MEMO", 100)], "it is short already");
    }

    /// DOMAIN P5 and P1: the accounts of a bonus, and of a service credit taken back.
    #[test]
    fn each_sign_has_its_accounts_and_a_reversal_swaps_them() {
        let bonus = accrual_entry(&delta(Sign::Bonus, 2_124_800_000), &booking()).unwrap();
        assert_eq!(accounts(&bonus), [("DR", "5195"), ("CR", "2110")]);
        let back = accrual_entry(&delta(Sign::Penalty, -124_000_000), &booking()).unwrap();
        assert_eq!(accounts(&back), [("DR", "5190"), ("CR", "1410")]);
        assert!(accrual_entry(&delta(Sign::Penalty, 0), &booking()).is_err());
    }

    /// DOMAIN P6, to the assessment and a reduction after it.
    #[test]
    fn a_credit_moves_to_assessed_and_changes_there() {
        let item = delta(Sign::Penalty, 2_310_000_000);
        let told = Booking { told: true, ..booking() };
        let moved =
            assessment_entry(item.key, (item.obligation_period, item.obligation_day), item.target, &told)
                .unwrap();
        assert_eq!(accounts(&moved), [("DR", "1420"), ("CR", "1410")]);
        let less = accrual_entry(&delta(Sign::Penalty, -400_000_000), &told).unwrap();
        assert_eq!(accounts(&less), [("DR", "5190"), ("CR", "1420")]);
        let bonus = accrual_entry(&delta(Sign::Bonus, 1_000_000), &told).unwrap();
        assert_eq!(accounts(&bonus), [("DR", "5195"), ("CR", "2110")], "a bonus stands where it stood");
        let all = [accrual_entry(&item, &booking()).unwrap(), moved, less];
        let balance = trial_balance(all.iter().flat_map(|entry| &entry.lines));
        assert_eq!(balance.balance(Currency::USD, Account::CreditAccrued), Micros::ZERO);
        assert_eq!(balance.balance(Currency::USD, Account::CreditAssessed), Micros(1_910_000_000));
        assert_eq!(posted_by_key(&all).get(&item.key).unwrap().amount, Micros(1_910_000_000));
        assert!(
            assessment_entry(item.key, (item.obligation_period, item.obligation_day), Micros::ZERO, &told)
                .is_err()
        );
    }

    #[test]
    fn an_item_is_assessed_when_its_period_is_final() {
        let holiday = NaiveDate::from_ymd_opt(2025, 7, 4).unwrap();
        let calendar = BusinessCalendar::weekdays([holiday]);
        let day = |period: &str| assessed_from(period.parse().unwrap(), &calendar).to_string();
        assert_eq!(day("2025-06"), "2025-07-15");
        assert_eq!(day("2025-Q2"), "2025-07-15");
    }

    #[test]
    fn an_entry_that_does_not_balance_is_refused() {
        let good = accrual_entry(&delta(Sign::Penalty, 124_000_000), &booking()).unwrap();
        let mut wrong = good.clone();
        wrong.lines[1].amount = Micros(1);
        assert!(matches!(check_balanced(&wrong), Err(LedgerError::Unbalanced { .. })));
        let mut wrong = good.clone();
        wrong.lines[1].currency = Currency::EUR;
        assert!(matches!(check_balanced(&wrong), Err(LedgerError::TwoCurrencies { .. })));
        let mut wrong = good;
        wrong.lines.truncate(1);
        assert!(matches!(check_balanced(&wrong), Err(LedgerError::TooFewLines { lines: 1, .. })));
    }

    #[test]
    fn an_account_has_one_number() {
        for account in Account::ALL {
            assert_eq!(account.number().to_string(), account.code());
            assert_eq!(Account::from_number(account.number()), Ok(*account));
        }
        assert_eq!(Account::from_number(1), Err(BadAccount(1)));
    }

    #[test]
    fn a_closed_day_moves_to_the_first_open_one() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(posting_date(day("2025-06-30"), None), day("2025-06-30"));
        assert_eq!(posting_date(day("2025-06-30"), Some(day("2025-06-30"))), day("2025-07-01"));
        assert_eq!(posting_date(day("2025-07-08"), Some(day("2025-06-30"))), day("2025-07-08"));
    }

    #[test]
    fn a_credit_waits_for_agreement_and_a_bonus_does_not() {
        use ItemState::{Accrued, Agreed, Estimated};
        let default = RecognitionPolicy::MemoUntilAgreed;
        assert_eq!(default.recognition(Sign::Penalty, Accrued), Recognition::Memo);
        assert_eq!(default.recognition(Sign::Penalty, Agreed), Recognition::Gl);
        assert_eq!(default.recognition(Sign::Bonus, Estimated), Recognition::Gl);
        let eager = RecognitionPolicy::AccrueWhenProbable;
        assert_eq!(eager.recognition(Sign::Penalty, Estimated), Recognition::Memo);
        assert_eq!(eager.recognition(Sign::Penalty, Accrued), Recognition::Gl);
    }
}
