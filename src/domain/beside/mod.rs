//! Facts beside shipments and tenders: audited invoices, claims, cases, safety records, what a week of a lane came to, and
//! answers to what the partner asked (DOMAIN §1.1). Each says what it adds to which day, so that sums, lists and bundles read it alike.

pub mod answer;
pub mod case;
pub mod claim;
pub mod invoice;
pub mod safety;
pub mod week;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use answer::AnswerFacts;
pub use case::{CaseFacts, SupportHours};
pub use claim::ClaimFacts;
pub use invoice::InvoiceFacts;
pub use safety::{SafetyFacts, SafetyPolicy};
pub use week::WeekFacts;

use super::measure::Measures;

/// One fact, with everything that decides what it counts as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE", tag = "kind", content = "facts")]
pub enum Beside {
    /// An audited freight invoice.
    Invoice(InvoiceFacts),
    /// A claim for loss, damage or delay.
    Claim(ClaimFacts),
    /// A case of communication.
    Case(CaseFacts),
    /// What is known of a partner's safety on a day.
    Safety(Box<SafetyFacts>),
    /// What was committed, planned, tendered and taken on a lane in a week.
    Week(WeekFacts),
    /// An answer to something the partner asked for.
    Answer(AnswerFacts),
}

/// What a fact comes to as known at some instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BesideVerdict {
    /// What it adds, by the local day that it counts for.
    pub adds: Vec<(NaiveDate, Measures)>,
    /// When time alone may change that.
    pub settles_at: Option<DateTime<Utc>>,
}

impl Beside {
    /// Judges the fact as known at `as_of`.
    #[must_use]
    pub fn judge(&self, as_of: DateTime<Utc>) -> BesideVerdict {
        let mut verdict = match self {
            Self::Invoice(facts) => facts.judge(),
            Self::Claim(facts) => facts.judge(as_of),
            Self::Case(facts) => facts.judge(as_of),
            Self::Safety(facts) => facts.judge(as_of),
            Self::Week(facts) => facts.judge(),
            Self::Answer(facts) => facts.judge(),
        };
        verdict.adds.retain(|(_, sums)| *sums != Measures::default());
        verdict
    }
}
