//! What the audit of a freight invoice adds to the billing KPIs (DOMAIN §1.5 D, §5).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::audit::Accuracy;
use crate::domain::measure::Measures;

/// An audited invoice, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceFacts {
    /// The day it was received.
    pub received_on: NaiveDate,
    /// Whether it is in the currency that sums are kept in; amounts of another are not summed.
    pub is_reporting_currency: bool,
    /// What its newest audit found.
    pub accuracy: Accuracy,
}

impl InvoiceFacts {
    /// What it adds, on the day it was received. An audit is made again when its facts change, never because time passes.
    #[must_use]
    pub fn judge(&self) -> BesideVerdict {
        let mut sums = Measures::default();
        self.accuracy.add_to(self.is_reporting_currency, &mut sums);
        BesideVerdict { adds: vec![(self.received_on, sums)], settles_at: None }
    }
}
