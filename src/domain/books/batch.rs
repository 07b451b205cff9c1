//! A batch of journal entries for the general ledger: a document that is written once and never changes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::ledger::Side;
use crate::domain::money::Micros;

/// Entries in one batch at most; what is left goes into the next one.
pub const BATCH_ENTRIES_MAX: usize = 20_000;

/// One journal line as exported, with every name as it was when the batch was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLine {
    /// The entry.
    pub entry: i64,
    /// Number within the entry.
    pub line: i32,
    /// Posting date.
    pub posted: NaiveDate,
    /// The carrier's code.
    pub partner_code: String,
    /// The carrier's name.
    pub partner: String,
    /// The clause's number in the contract.
    pub clause: String,
    /// The obligation.
    pub obligation: String,
    /// The period the obligation belongs to, whenever it was posted.
    pub obligation_period: String,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
    /// Why, as a code.
    pub reason: String,
    /// The account's number in the general ledger.
    pub account: String,
    /// The account's name there.
    pub account_name: String,
    /// Debit or credit.
    pub side: Side,
    /// Millionths of the currency, more than 0.
    pub amount_micros: i64,
    /// Currency.
    pub currency: String,
    /// In words.
    pub memo: String,
    /// What the clause says it is for tax, as a code; empty where finance decides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tax_treatment: String,
}

impl BatchLine {
    /// The amount.
    #[must_use]
    pub const fn amount(&self) -> Micros {
        Micros(self.amount_micros)
    }

    /// The amount on one side; none on the other.
    #[must_use]
    pub fn on(&self, side: Side) -> Option<Micros> {
        (self.side == side).then_some(self.amount())
    }
}

/// A whole batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number: 1, 2, …
    pub batch: i32,
    /// Entries posted up to and on this day.
    pub through: NaiveDate,
    /// When it was made, as RFC 3339.
    pub made_at: String,
    /// Whether its table has the tax treatment; batches from before have none, and stay as they were handed out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells_tax: bool,
    /// Lines by day of posting, entry and number.
    pub lines: Vec<BatchLine>,
}

/// The columns of a batch as a table; the last where [`Batch::tells_tax`].
const COLUMNS: [&str; 18] = [
    "batch",
    "entry",
    "line",
    "posted",
    "partner_code",
    "partner",
    "clause",
    "obligation",
    "obligation_period",
    "obligation_day",
    "reason",
    "account",
    "account_name",
    "debit",
    "credit",
    "currency",
    "memo",
    "tax_treatment",
];

impl Batch {
    /// The document as it is stored, hashed and handed out: the same batch always gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, texts and days only: writing them cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The heads of the table.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static str> {
        COLUMNS.into_iter().filter(|name| self.tells_tax || *name != "tax_treatment").collect()
    }

    /// A row of the table.
    #[must_use]
    pub fn row(&self, line: &BatchLine) -> Vec<String> {
        let side = |side| line.on(side).map(|amount| amount.to_string()).unwrap_or_default();
        let mut row = vec![
            self.batch.to_string(),
            line.entry.to_string(),
            line.line.to_string(),
            line.posted.to_string(),
            line.partner_code.clone(),
            line.partner.clone(),
            line.clause.clone(),
            line.obligation.clone(),
            line.obligation_period.clone(),
            line.obligation_day.to_string(),
            line.reason.clone(),
            line.account.clone(),
            line.account_name.clone(),
            side(Side::Debit),
            side(Side::Credit),
            line.currency.clone(),
            line.memo.clone(),
        ];
        row.extend(self.tells_tax.then(|| line.tax_treatment.clone()));
        row
    }
}

#[cfg(test)]
pub(super) use tests::line as test_line;

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn line(entry: i64, side: Side, micros: i64) -> BatchLine {
        BatchLine {
            entry,
            line: if side == Side::Debit { 1 } else { 2 },
            posted: NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            partner_code: "BRCK".to_owned(),
            partner: "Brackwater Lines".to_owned(),
            clause: "7.3".to_owned(),
            obligation: "cv:1/cl:2/ev:3".to_owned(),
            obligation_period: "2025-06".to_owned(),
            obligation_day: NaiveDate::from_ymd_opt(2025, 6, 12).unwrap(),
            reason: "INITIAL".to_owned(),
            account: if side == Side::Debit { "1410" } else { "5190" }.to_owned(),
            account_name: "Account".to_owned(),
            side,
            amount_micros: micros,
            currency: "USD".to_owned(),
            memo: "Late; 2 days".to_owned(),
            tax_treatment: String::new(),
        }
    }

    #[test]
    fn a_batch_reads_back_and_writes_the_same_again() {
        let batch = Batch {
            batch: 3,
            through: NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            made_at: "2025-07-08T06:10:00Z".to_owned(),
            tells_tax: false,
            lines: vec![line(9, Side::Debit, 124_000_000), line(9, Side::Credit, 124_000_000)],
        };
        let text = batch.to_json();
        let back: Batch = serde_json::from_str(&text).unwrap();
        assert_eq!((back.to_json(), &back), (text, &batch));
        let row = batch.row(&batch.lines[1]);
        assert_eq!((row[13].as_str(), row[14].as_str(), row[15].as_str()), ("", "124.00", "USD"));
        assert!(!batch.to_json().contains("tax"), "a batch from before keeps its bytes");
        assert_eq!((batch.columns().len(), row.len()), (17, 17));
    }

    #[test]
    fn the_tax_treatment_is_the_last_column_of_a_new_batch() {
        let mut credit = line(9, Side::Credit, 124_000_000);
        credit.tax_treatment = "DAMAGES".to_owned();
        let batch = Batch {
            batch: 4,
            through: NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            made_at: "2025-07-08T06:10:00Z".to_owned(),
            tells_tax: true,
            lines: vec![line(9, Side::Debit, 124_000_000), credit],
        };
        let last = |line: &BatchLine| batch.row(line).pop().unwrap();
        assert_eq!(batch.columns().last(), Some(&"tax_treatment"));
        assert_eq!((last(&batch.lines[0]), last(&batch.lines[1])), (String::new(), "DAMAGES".to_owned()));
        let back: Batch = serde_json::from_str(&batch.to_json()).unwrap();
        assert_eq!(back, batch);
    }
}
