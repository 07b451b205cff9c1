//! Target less posted: what one run adds to the ledger (DOMAIN §4.3).

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Obligation, ObligationKey, Sign, Target};
use crate::domain::field::codes;
use crate::domain::money::Micros;
use crate::domain::period::Period;

codes! {
    /// Why an entry was made.
    Reason, "posting reason" {
        /// The first amount of an obligation.
        Initial = "INITIAL", "First accrual";
        /// More or less of a period that still runs.
        Accrual = "ACCRUAL", "Accrual";
        /// Facts changed after the period, or those of a shipment changed.
        TrueUp = "TRUE_UP", "True-up";
        /// Nothing is owed any more.
        Reversal = "REVERSAL", "Reversal";
        /// Its own facts did not change; room under a shared cap did.
        CapReallocation = "CAP_REALLOCATION", "Cap re-allocation";
        /// The partner was told; never made by [`deltas`].
        Assessment = "ASSESSMENT", "Assessment";
        /// What was kept as a memo goes to the general ledger; never made by [`deltas`].
        Recognition = "RECOGNITION", "Recognition";
        /// A decision on a dispute; never made by [`deltas`].
        Dispute = "DISPUTE", "Dispute";
        /// Paid, credited or set off; never made by [`deltas`].
        Settlement = "SETTLEMENT", "Settlement";
    }
}

/// What the ledger and the last run say about one obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Sum of its entries, positive in the direction of the sign; 0 when all was capped away.
    pub amount: Micros,
    /// [`Target::uncapped`] of the last run, if kept; tells a cap's effect from a change of facts.
    pub uncapped: Option<Micros>,
    /// Who owes.
    pub sign: Sign,
    /// The period it was booked for.
    pub obligation_period: Period,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
}

/// One adjusting entry to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The obligation.
    pub key: ObligationKey,
    /// Who owes.
    pub sign: Sign,
    /// What to add, never 0; negative takes back.
    pub delta: Micros,
    /// What stands after it.
    pub target: Micros,
    /// Why.
    pub reason: Reason,
    /// The period it is booked for.
    pub obligation_period: Period,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
}

/// The entries that bring the ledger from `posted` to `targets` on the day `as_of`, ordered by key.
///
/// `posted` holds the obligations of the same cap group only: whatever is in it and has no target any
/// more is reversed. With `posted` brought up to the targets, the next run gives nothing.
///
/// The reason is the first that holds: nothing is owed even without caps, or no target is left
/// (`REVERSAL`); the uncapped amount is the one of the last run (`CAP_REALLOCATION`); nothing stands
/// in the ledger (`INITIAL`); a period that runs on `as_of` (`ACCRUAL`); else `TRUE_UP`.
#[must_use]
pub fn deltas(targets: &[Target], posted: &BTreeMap<ObligationKey, Posted>, as_of: NaiveDate) -> Vec<Delta> {
    let mut out = BTreeMap::new();
    for target in targets {
        let before = posted.get(&target.key);
        let delta = target.amount - before.map_or(Micros::ZERO, |b| b.amount);
        let entry = Delta {
            key: target.key,
            sign: target.sign,
            delta,
            target: target.amount,
            reason: reason(target, before, as_of),
            obligation_period: target.obligation_period,
            obligation_day: target.obligation_day,
        };
        out.insert(target.key, entry);
    }
    for (key, before) in posted {
        out.entry(*key).or_insert(Delta {
            key: *key,
            sign: before.sign,
            delta: -before.amount,
            target: Micros::ZERO,
            reason: Reason::Reversal,
            obligation_period: before.obligation_period,
            obligation_day: before.obligation_day,
        });
    }
    out.into_values().filter(|d| d.delta != Micros::ZERO).collect()
}

fn reason(target: &Target, before: Option<&Posted>, as_of: NaiveDate) -> Reason {
    if target.uncapped == Micros::ZERO {
        return Reason::Reversal;
    }
    let Some(before) = before else { return Reason::Initial };
    if before.uncapped == Some(target.uncapped) {
        return Reason::CapReallocation;
    }
    if before.amount == Micros::ZERO {
        return Reason::Initial;
    }
    match target.key.of {
        Obligation::Period(period) if period.contains(as_of) => Reason::Accrual,
        _ => Reason::TrueUp,
    }
}
