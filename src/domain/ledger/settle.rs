//! Entries after the assessment: what a decision on a dispute takes back, and what settles an item (DOMAIN §4.5, P6).

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    Account, Booking, JournalEntry, JournalLine, LedgerError, Recognition, Side, accrual_accounts,
    check_balanced,
};
use crate::domain::clause::{ObligationKey, Reason, Sign};
use crate::domain::money::Micros;
use crate::domain::period::Period;

/// Which obligation an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRef {
    /// The obligation.
    pub key: ObligationKey,
    /// The period it is booked for.
    pub period: Period,
    /// Its local day.
    pub day: NaiveDate,
}

/// Whether the carrier owes what a clause of this sign comes to: then it stands on a receivable.
#[must_use]
pub const fn is_receivable(sign: Sign) -> bool {
    let (debit, _) = accrual_accounts(sign, true);
    matches!(debit, Account::CreditAccrued | Account::CreditAssessed | Account::RebateReceivable)
}

/// The account on which an item stands until it is settled: 1420 for a service credit that the partner was told of, the
/// payable for what we owe.
#[must_use]
pub const fn settled_account(sign: Sign) -> Account {
    let (debit, credit) = accrual_accounts(sign, true);
    if is_receivable(sign) { debit } else { credit }
}

/// The accounts of a settlement: (debit, credit). A service credit lowers what we owe for freight, 2010 / 1420; what we owe
/// the carrier joins what we owe for freight, 2110 / 2010.
#[must_use]
pub const fn settlement_accounts(sign: Sign) -> (Account, Account) {
    if is_receivable(sign) {
        (Account::CarrierPayable, settled_account(sign))
    } else {
        (settled_account(sign), Account::CarrierPayable)
    }
}

fn entry(
    item: ItemRef,
    (debit, credit): (Account, Account),
    (amount, reason): (Micros, Reason),
    booking: &Booking,
) -> Result<JournalEntry, LedgerError> {
    // A negative amount goes the other way.
    let (debit, credit) = if amount < Micros::ZERO { (credit, debit) } else { (debit, credit) };
    let line = |line_no, account, side| JournalLine {
        line_no,
        account,
        side,
        amount: amount.abs(),
        currency: booking.currency,
    };
    let entry = JournalEntry {
        key: item.key,
        partner_id: booking.partner_id,
        posting_date: booking.posting_date,
        obligation_period: item.period,
        obligation_day: item.day,
        reason,
        recognition: booking.recognition,
        memo: booking.memo.clone(),
        lines: vec![line(1, debit, Side::Debit), line(2, credit, Side::Credit)],
    };
    check_balanced(&entry)?;
    Ok(entry)
}

/// The entry by which a decision on a dispute takes back a part of a service credit, 5190 / 1420; with a negative `amount`,
/// the one that gives it back. What clause and facts come to stays as it is.
///
/// # Errors
/// [`LedgerError::NotPositive`] for an amount of 0.
pub fn waiver_entry(item: ItemRef, amount: Micros, booking: &Booking) -> Result<JournalEntry, LedgerError> {
    let (assessed, contra) = accrual_accounts(Sign::Penalty, true);
    entry(item, (contra, assessed), (amount, Reason::Dispute), booking)
}

/// The entry that settles `amount` of an agreed item, see [`settlement_accounts`]; with a negative `amount`, the one that
/// pays back what was settled too much. Always in the general ledger: what is agreed stands there.
///
/// # Errors
/// [`LedgerError::NotPositive`] for an amount of 0.
pub fn settlement_entry(
    item: ItemRef,
    sign: Sign,
    amount: Micros,
    booking: &Booking,
) -> Result<JournalEntry, LedgerError> {
    let booking = Booking { recognition: Recognition::Gl, ..booking.clone() };
    entry(item, settlement_accounts(sign), (amount, Reason::Settlement), &booking)
}

/// What a line of a decision on a dispute takes back: the contra account falls by it. None for the other line.
#[must_use]
pub fn waiver_effect(line: &JournalLine) -> Option<Micros> {
    (line.account == Account::CreditContraFreight).then(|| -line.account.growth(line.side, line.amount))
}

/// What a line of a settlement settles: the account the item stood on falls by it. None for the other line.
#[must_use]
pub fn settlement_effect(line: &JournalLine) -> Option<Micros> {
    (line.account != Account::CarrierPayable).then(|| -line.account.growth(line.side, line.amount))
}

/// What decisions on disputes took back of each obligation.
pub fn waived_by_key<'a>(
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) -> BTreeMap<ObligationKey, Micros> {
    sums(entries, Reason::Dispute, waiver_effect)
}

/// What was settled of each obligation, positive in the direction of the item.
pub fn settled_by_key<'a>(
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) -> BTreeMap<ObligationKey, Micros> {
    sums(entries, Reason::Settlement, settlement_effect)
}

fn sums<'a>(
    entries: impl IntoIterator<Item = &'a JournalEntry>,
    reason: Reason,
    of: fn(&JournalLine) -> Option<Micros>,
) -> BTreeMap<ObligationKey, Micros> {
    let mut sums: BTreeMap<ObligationKey, Micros> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.reason == reason) {
        for amount in entry.lines.iter().filter_map(of) {
            let sum = sums.entry(entry.key).or_default();
            *sum = *sum + amount;
        }
    }
    sums
}
