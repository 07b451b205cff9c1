//! What a clause says beside its price: how it counts next to others, how it is settled, how long it may be disputed.

use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, codes, require};
use crate::domain::words;

/// Longest time to dispute or to put right, in business days.
const DAYS_MAX: u32 = 365;

codes! {
    /// Whether a clause counts beside others that one shipment fails (DOMAIN §4.2, incident group rule).
    IncidentRule, "incident rule" {
        /// Each clause counts for itself.
        All = "ALL", "Counts beside other clauses";
        /// Of all clauses that say so, only the one that comes to most.
        HighestOnly = "HIGHEST_ONLY", "Only the highest of several";
    }
}

impl Default for IncidentRule {
    /// As clauses counted that were signed before they could say it.
    fn default() -> Self {
        Self::All
    }
}

impl IncidentRule {
    /// Whether the clause counts for itself.
    #[must_use]
    pub(super) fn is_all(&self) -> bool {
        *self == Self::All
    }
}

codes! {
    /// How what is owed under a clause is settled (DOMAIN §4.2).
    SettlementForm, "form of settlement" {
        /// The carrier sends a credit note.
        CreditNote = "CREDIT_NOTE", "a credit note of the carrier";
        /// Taken off an invoice.
        Deduction = "DEDUCTION", "a deduction from an invoice";
        /// By an invoice of its own.
        Invoice = "INVOICE", "an invoice of its own";
        /// Set off against the next payment.
        OffsetNext = "OFFSET_NEXT", "an offset against the next payment";
    }
}

/// How what is owed under a clause is handled; nothing said leaves it to the organisation's usual way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// How it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<SettlementForm>,
    /// Business days from notice within which the partner may dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_days: Option<u32>,
    /// Business days to put a failure right before more than the amount follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure_days: Option<u32>,
}

impl Handling {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn validate(&self, e: &mut FieldErrors) {
        for (field, days) in
            [("handling.dispute_days", self.dispute_days), ("handling.cure_days", self.cure_days)]
        {
            let fine = days.is_none_or(|days| (1..=DAYS_MAX).contains(&days));
            require(e, fine, field, "write 1 to 365 business days, or leave it empty");
        }
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(form) = self.settlement {
            lines.push(format!("Settled by {}.", form.label()));
        }
        if let Some(days) = self.dispute_days {
            let days = words::count(days, "business day");
            lines.push(format!("It may be disputed within {days} of the notice."));
        }
        if let Some(days) = self.cure_days {
            let days = words::count(days, "business day");
            lines.push(format!("There are {days} to put a failure right before anything beyond it follows."));
        }
        lines
    }
}
