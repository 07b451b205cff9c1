//! What a step about an item posts: a decision takes back what it gives up, and an agreement brings the item to the general
//! ledger (DOMAIN §4.5, P6).

use super::Sums;
use crate::domain::clause::Sign;
use crate::domain::ledger::{
    Booking, Held, ItemRef, ItemState, JournalEntry, LedgerError, Recognition, RecognitionPolicy,
    recognition_entries, settled_account, waiver_entry,
};
use crate::domain::money::Micros;

/// An item as its entries name it.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The obligation.
    pub item: ItemRef,
    /// Who owes.
    pub sign: Sign,
    /// What people call it.
    pub name: &'a str,
}

/// How an item stands in the books before a step is posted.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What is posted as taken back by decisions.
    pub waived: Micros,
    /// What account 1420 holds of it.
    pub held: Held,
    /// Its state before the step, and after it.
    pub states: (ItemState, ItemState),
}

/// The entries that follow from a step: none for what we owe, which stands where it stood from the first day.
///
/// # Errors
/// [`LedgerError`], which a sound item never gives.
pub fn entries_after(
    named: Named<'_>,
    sums: &Sums,
    standing: Standing,
    policy: RecognitionPolicy,
    booking: &Booking,
) -> Result<Vec<JournalEntry>, LedgerError> {
    let mut entries = Vec::new();
    if named.sign != Sign::Penalty {
        return Ok(entries);
    }
    let (before, after) = standing.states;
    let account = settled_account(named.sign);
    let mut held = standing.held;
    let delta = sums.waiver_delta(standing.waived);
    for (recognition, part) in held.leaving(delta, policy.recognition(named.sign, before)) {
        let memo = format!("{}: given up by a decision on a dispute.", named.name);
        let booking = Booking { recognition, told: true, memo, ..booking.clone() };
        let entry = waiver_entry(named.item, part, &booking)?;
        for line in entry.lines.iter().filter(|line| line.account == account) {
            held.post(line, recognition);
        }
        entries.push(entry);
    }
    if policy.recognition(named.sign, after) == Recognition::Gl && held.memo > Micros::ZERO {
        let memo = format!("{}: both sides agree, so it goes to the general ledger.", named.name);
        let booking = Booking { recognition: Recognition::Gl, told: true, memo, ..booking.clone() };
        let of = (named.item.period, named.item.day);
        entries.extend(recognition_entries(named.item.key, of, held.memo, &booking)?);
    }
    Ok(entries)
}
