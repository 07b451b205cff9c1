//! How an invoice is audited: the tolerances, and what the carrier's contract allows (DOMAIN §5, "Tolerance").
//!
//! They are dated settings of a partner, added to and never changed: the newest set whose first day has come by the day
//! the invoice was received holds for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::papers::FreightTerms;
use super::{Charge, name_key};
use crate::domain::field::{FieldErrors, require};
use crate::domain::money::{Bps, Micros};

/// Highest limit of a tolerance, in whole currency units.
const LIMIT_MAX: Micros = Micros(1_000_000_000_000);
/// Charge types with limits of their own at most.
pub const CHARGES_MAX: usize = 50;
/// Longest window, in days: five years.
const DAYS_MAX: i64 = 1_827;
/// Addresses of payment on file at most, and the longest of them.
const REMIT_MAX: usize = 20;
const REMIT_CHARS_MAX: usize = 120;
/// Names of ours that invoices may be addressed to at most, and the longest of them.
const BILL_TO_MAX: usize = 20;
const BILL_TO_CHARS_MAX: usize = 120;

/// How far a bill may be from what it should be. A difference passes only inside amount **and** share, whichever is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most billed above.
    pub over: Micros,
    /// Most billed above, as a share of what is owed.
    pub over_share: Bps,
    /// Most billed below.
    pub under: Micros,
    /// Most billed below, as a share of what is owed.
    pub under_share: Bps,
}

impl Limits {
    /// The same limits above and below.
    #[must_use]
    pub const fn both(amount: Micros, share: Bps) -> Self {
        Self { over: amount, over_share: share, under: amount, under_share: share }
    }

    /// Whether a difference from what is owed passes. No difference always does; where nothing is owed no other does.
    #[must_use]
    pub fn pass(&self, variance: Micros, owed: Micros) -> bool {
        let (most, share) =
            if variance.0 > 0 { (self.over, self.over_share) } else { (self.under, self.under_share) };
        let (size, base) = (i128::from(variance.0).abs(), i128::from(owed.0).abs());
        size <= i128::from(most.0) && size * i128::from(Bps::WHOLE.0) <= base * i128::from(share.0)
    }

    fn validate(&self, what: &str, e: &mut FieldErrors) {
        let fine = |amount: Micros| Micros::ZERO <= amount && amount <= LIMIT_MAX;
        let part = |share: Bps| Bps(0) <= share && share <= Bps::WHOLE;
        require(e, fine(self.over), &format!("{what}_over"), "give an amount between 0 and 1,000,000");
        require(
            e,
            part(self.over_share),
            &format!("{what}_over_percent"),
            "give a share between 0 and 100 %",
        );
        require(e, fine(self.under), &format!("{what}_under"), "give an amount between 0 and 1,000,000");
        require(
            e,
            part(self.under_share),
            &format!("{what}_under_percent"),
            "give a share between 0 and 100 %",
        );
    }
}

/// What an audit of one partner's invoices goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditTerms {
    /// Of each charge of a shipment.
    pub line: Limits,
    /// Of everything on an invoice that passed charge by charge.
    pub bill: Limits,
    /// Of charges that have limits of their own, in the place of `line`.
    #[serde(default)]
    pub charges: BTreeMap<Charge, Limits>,
    /// Days after the delivery in which a first bill must be received.
    pub window_days: i64,
    /// Days after the original was issued in which more may be billed.
    pub correction_days: i64,
    /// Days after the delivery in which an invoice is in time, for the KPI.
    pub timely_days: i64,
    /// The contract lets us pay what is rated instead of what is billed. Without it we pay in full and claim.
    pub short_pay: bool,
    /// A proof of delivery must be there before anything is paid.
    pub proof_required: bool,
    /// Where the partner may be paid; anywhere when none is given.
    #[serde(default)]
    pub remit_to: Vec<String>,
    /// The freight terms under which we pay; under any when none is given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub freight_terms: BTreeSet<FreightTerms>,
    /// Our own names, to which an invoice may be addressed; not looked at when none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bill_to: Vec<String>,
}

impl Default for AuditTerms {
    /// What holds for a partner of whom nothing was set (DOMAIN §5).
    fn default() -> Self {
        Self {
            line: Limits::both(Micros(10_000_000), Bps(200)),
            bill: Limits::both(Micros(25_000_000), Bps(200)),
            charges: BTreeMap::new(),
            window_days: 60,
            correction_days: 180,
            timely_days: 15,
            short_pay: false,
            proof_required: false,
            remit_to: Vec::new(),
            freight_terms: BTreeSet::new(),
            bill_to: Vec::new(),
        }
    }
}

impl AuditTerms {
    /// The limits of one charge.
    #[must_use]
    pub fn limits(&self, charge: &Charge) -> &Limits {
        self.charges.get(charge).unwrap_or(&self.line)
    }

    /// Whether an invoice addressed so is addressed to us. One that says nothing, or no name, is not looked at.
    #[must_use]
    pub fn takes_addressee(&self, name: Option<&str>) -> bool {
        let said = name.map(name_key).filter(|said| !said.is_empty() && !self.bill_to.is_empty());
        said.is_none_or(|said| self.bill_to.iter().any(|ours| name_key(ours) == said))
    }

    /// Problems, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        self.line.validate("line", e);
        self.bill.validate("bill", e);
        self.charges.values().for_each(|limits| limits.validate("charges", e));
        require(
            e,
            self.charges.len() <= CHARGES_MAX,
            "charges",
            "give limits of their own to 50 charges at most",
        );
        for (field, days) in [
            ("window_days", self.window_days),
            ("correction_days", self.correction_days),
            ("timely_days", self.timely_days),
        ] {
            require(e, (0..=DAYS_MAX).contains(&days), field, "give a number of days between 0 and 1827");
        }
        let fine = self.remit_to.len() <= REMIT_MAX
            && self.remit_to.iter().all(|one| (1..=REMIT_CHARS_MAX).contains(&one.chars().count()));
        require(
            e,
            fine,
            "remit_to",
            "list up to 20 payment addresses of up to 120 characters each, one a line",
        );
        let is_name = |one: &String| one.chars().count() <= BILL_TO_CHARS_MAX && !name_key(one).is_empty();
        require(
            e,
            self.bill_to.len() <= BILL_TO_MAX && self.bill_to.iter().all(is_name),
            "bill_to",
            "list up to 20 names with letters or digits, of up to 120 characters each, one a line",
        );
        errors
    }
}

/// Terms from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedTerms {
    /// First day of receipt for which they hold.
    pub from: NaiveDate,
    /// Counts up with each set; of two for one day the later holds.
    pub seq: i32,
    /// The terms.
    pub terms: AuditTerms,
}

/// The terms by which an invoice received on `day` is audited: the usual ones where none were set by then.
#[must_use]
pub fn in_force(sets: &[DatedTerms], day: NaiveDate) -> AuditTerms {
    let held = sets.iter().filter(|set| set.from <= day).max_by_key(|set| (set.from, set.seq));
    held.map(|set| set.terms.clone()).unwrap_or_default()
}
