//! How the journal file is laid out for the system that reads it: its columns, how days and amounts are written, which
//! sign a credit has. A layout is TOML; it is checked when it is kept, and shown on a real batch before.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::batch::{Batch, BatchLine};
use crate::domain::field::codes;
use crate::domain::ledger::Side;
use crate::domain::money::Micros;

/// Longest layout, in bytes.
pub const LAYOUT_BYTES_MAX: usize = 20_000;
/// Most columns.
pub const COLUMNS_MAX: usize = 60;
/// Most decimals of an amount.
const DECIMALS_MAX: u32 = 6;

/// A layout to begin with.
pub const EXAMPLE: &str = r#"# One row a journal line.
delimiter = ";"
decimal = ","
decimals = 2
date = "DD.MM.YYYY"
sign = "CREDIT_NEGATIVE"
header = true

[[column]]
title = "Company"
constant = "1000"

[[column]]
title = "Posting date"
field = "posted"

[[column]]
title = "Account"
field = "account"

[[column]]
title = "Amount"
field = "amount"

[[column]]
title = "Currency"
field = "currency"

[[column]]
title = "Reference"
field = "entry"

[[column]]
title = "Assignment"
field = "obligation_period"

[[column]]
title = "Text"
field = "memo"
"#;

codes! {
    /// What a column holds.
    Field, "field of a journal line" {
        /// Number of the batch.
        Batch = "batch", "Batch";
        /// The entry.
        Entry = "entry", "Entry";
        /// Number within the entry.
        Line = "line", "Line";
        /// Posting date.
        Posted = "posted", "Posting date";
        /// The carrier's code.
        PartnerCode = "partner_code", "Partner code";
        /// The carrier's name.
        Partner = "partner", "Partner";
        /// The clause.
        Clause = "clause", "Clause";
        /// The obligation.
        Obligation = "obligation", "Obligation";
        /// The period of the obligation.
        ObligationPeriod = "obligation_period", "Period of the obligation";
        /// The day of the obligation.
        ObligationDay = "obligation_day", "Day of the obligation";
        /// Why it was posted.
        Reason = "reason", "Reason";
        /// Account number.
        Account = "account", "Account number";
        /// Account name.
        AccountName = "account_name", "Account name";
        /// DR or CR.
        Side = "side", "Side";
        /// The amount with the sign of the layout.
        Amount = "amount", "Amount";
        /// The amount of a debit, empty for a credit.
        Debit = "debit", "Debit";
        /// The amount of a credit, empty for a debit.
        Credit = "credit", "Credit";
        /// Currency.
        Currency = "currency", "Currency";
        /// In words.
        Memo = "memo", "Memo";
        /// What the clause is for tax: PRICE_ADJUSTMENT or DAMAGES, empty where finance decides.
        TaxTreatment = "tax_treatment", "Tax treatment";
    }
}

codes! {
    /// How a day is written.
    DateFormat, "date format" {
        /// 2025-06-30.
        Iso = "YYYY-MM-DD", "2025-06-30";
        /// 20250630.
        Plain = "YYYYMMDD", "20250630";
        /// 30.06.2025.
        Dots = "DD.MM.YYYY", "30.06.2025";
        /// 30/06/2025.
        DayFirst = "DD/MM/YYYY", "30/06/2025";
        /// 06/30/2025.
        MonthFirst = "MM/DD/YYYY", "06/30/2025";
    }
}

codes! {
    /// Which sign the field `amount` has.
    SignConvention, "sign convention" {
        /// Debits above zero, credits below.
        CreditNegative = "CREDIT_NEGATIVE", "Credits negative";
        /// Credits above zero, debits below.
        DebitNegative = "DEBIT_NEGATIVE", "Debits negative";
        /// All above zero; a column with the side says which.
        Unsigned = "UNSIGNED", "No sign";
    }
}

codes! {
    /// How a row ends.
    LineEnd, "line end" {
        /// Carriage return and line feed.
        CrLf = "CRLF", "CRLF";
        /// Line feed.
        Lf = "LF", "LF";
    }
}

/// A column of a layout: a title, and a field or a constant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// What it holds.
    pub field: Option<Field>,
    /// What stands in every row.
    pub constant: Option<String>,
}

/// A layout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// One character between columns; `\t` for a tab.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Before the decimals: a point or a comma.
    #[serde(default = "point")]
    pub decimal: char,
    /// Decimals of an amount.
    #[serde(default = "two")]
    pub decimals: u32,
    /// How days are written.
    #[serde(default = "iso")]
    pub date: DateFormat,
    /// Sign of `amount`.
    #[serde(default = "credit_negative")]
    pub sign: SignConvention,
    /// Whether the first row holds the titles.
    #[serde(default = "yes")]
    pub header: bool,
    /// How rows end.
    #[serde(default = "crlf")]
    pub line_end: LineEnd,
    /// The columns, from left to right.
    #[serde(default, rename = "column")]
    pub columns: Vec<Column>,
}

const fn comma() -> char {
    ','
}
const fn point() -> char {
    '.'
}
const fn two() -> u32 {
    2
}
const fn yes() -> bool {
    true
}
const fn iso() -> DateFormat {
    DateFormat::Iso
}
const fn credit_negative() -> SignConvention {
    SignConvention::CreditNegative
}
const fn crlf() -> LineEnd {
    LineEnd::CrLf
}

/// Why a layout cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// It is no TOML, or names something unknown.
    #[error("the layout does not read: {0}")]
    Syntax(String),
    /// It reads and cannot be meant.
    #[error("{0}")]
    Rule(String),
    /// Decimals would be lost.
    #[error(
        "entry {entry} has the amount {amount}, which {decimals} decimals cannot hold; raise `decimals` in the layout"
    )]
    Decimals {
        /// The entry.
        entry: i64,
        /// Its amount.
        amount: Micros,
        /// Decimals of the layout.
        decimals: u32,
    },
}

impl Layout {
    /// Reads a layout and checks it.
    ///
    /// # Errors
    /// [`LayoutError`] with what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        if text.len() > LAYOUT_BYTES_MAX {
            let words = format!("a layout has {LAYOUT_BYTES_MAX} bytes at most; this one has {}", text.len());
            return Err(LayoutError::Rule(words));
        }
        let layout: Self =
            toml::from_str(text).map_err(|error| LayoutError::Syntax(error.message().to_owned()))?;
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), LayoutError> {
        let rule = |words: String| Err(LayoutError::Rule(words));
        if !matches!(self.decimal, '.' | ',') {
            return rule("`decimal` is `.` or `,`".to_owned());
        }
        if self.delimiter == self.decimal || self.delimiter == '"' || self.delimiter.is_alphanumeric() {
            return rule(
                "`delimiter` is one character such as `;`, no letter, digit or quote, and not the one of `decimal`"
                    .to_owned(),
            );
        }
        if self.delimiter.is_control() && self.delimiter != '\t' {
            return rule("`delimiter` is a visible character or a tab".to_owned());
        }
        if self.decimals > DECIMALS_MAX {
            return rule(format!("`decimals` is {DECIMALS_MAX} at most"));
        }
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return rule(format!("a layout has 1 to {COLUMNS_MAX} `[[column]]`"));
        }
        for column in &self.columns {
            let title = column.title.trim();
            if title.is_empty() || title.chars().any(char::is_control) {
                return rule("every column has a `title` in one line".to_owned());
            }
            if column.field.is_some() == column.constant.is_some() {
                return rule(format!("column `{title}` needs either `field` or `constant`"));
            }
        }
        let has = |field| self.columns.iter().any(|column| column.field == Some(field));
        let tells_amount = match self.sign {
            SignConvention::Unsigned => has(Field::Amount) && has(Field::Side),
            SignConvention::CreditNegative | SignConvention::DebitNegative => has(Field::Amount),
        };
        let tells_sides = has(Field::Debit) && has(Field::Credit);
        if !tells_amount && !tells_sides {
            return rule(
                "the file would not tell debit from credit: give it a column `amount` with a sign, `amount` and `side`, or `debit` and `credit`"
                    .to_owned(),
            );
        }
        if !has(Field::Account) {
            return rule(
                "the file would not tell the account: give it a column with the field `account`".to_owned(),
            );
        }
        Ok(())
    }

    /// The file of a batch.
    ///
    /// # Errors
    /// [`LayoutError::Decimals`] where an amount has more decimals than the layout.
    pub fn render(&self, batch: &Batch) -> Result<String, LayoutError> {
        let mut out = String::new();
        if self.header {
            self.row(&mut out, self.columns.iter().map(|column| column.title.clone()));
        }
        for line in &batch.lines {
            let cells = self.columns.iter().map(|column| match (column.field, &column.constant) {
                (Some(field), _) => self.cell(field, batch, line),
                (None, constant) => Ok(constant.clone().unwrap_or_default()),
            });
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            self.row(&mut out, cells.into_iter());
        }
        Ok(out)
    }

    fn row(&self, out: &mut String, cells: impl Iterator<Item = String>) {
        for (cell, index) in cells.zip(0_usize..) {
            if index > 0 {
                out.push(self.delimiter);
            }
            let quoted = cell.contains([self.delimiter, '"', '\n', '\r']);
            // Writing to a text cannot fail.
            let _ =
                if quoted { write!(out, "\"{}\"", cell.replace('"', "\"\"")) } else { write!(out, "{cell}") };
        }
        out.push_str(match self.line_end {
            LineEnd::CrLf => "\r\n",
            LineEnd::Lf => "\n",
        });
    }

    fn cell(&self, field: Field, batch: &Batch, line: &BatchLine) -> Result<String, LayoutError> {
        Ok(match field {
            Field::Batch => batch.batch.to_string(),
            Field::Entry => line.entry.to_string(),
            Field::Line => line.line.to_string(),
            Field::Posted => self.day(line.posted),
            Field::PartnerCode => line.partner_code.clone(),
            Field::Partner => line.partner.clone(),
            Field::Clause => line.clause.clone(),
            Field::Obligation => line.obligation.clone(),
            Field::ObligationPeriod => line.obligation_period.clone(),
            Field::ObligationDay => self.day(line.obligation_day),
            Field::Reason => line.reason.clone(),
            Field::Account => line.account.clone(),
            Field::AccountName => line.account_name.clone(),
            Field::Side => line.side.code().to_owned(),
            Field::Amount => {
                let negative = match self.sign {
                    SignConvention::CreditNegative => line.side == Side::Credit,
                    SignConvention::DebitNegative => line.side == Side::Debit,
                    SignConvention::Unsigned => false,
                };
                self.amount(line.entry, if negative { -line.amount() } else { line.amount() })?
            }
            Field::Debit => self.on(Side::Debit, line)?,
            Field::Credit => self.on(Side::Credit, line)?,
            Field::Currency => line.currency.clone(),
            Field::Memo => line.memo.clone(),
            Field::TaxTreatment => line.tax_treatment.clone(),
        })
    }

    fn on(&self, side: Side, line: &BatchLine) -> Result<String, LayoutError> {
        line.on(side).map_or_else(|| Ok(String::new()), |amount| self.amount(line.entry, amount))
    }

    fn amount(&self, entry: i64, amount: Micros) -> Result<String, LayoutError> {
        let value: Decimal = amount.decimal().normalize();
        if value.scale() > self.decimals {
            return Err(LayoutError::Decimals { entry, amount, decimals: self.decimals });
        }
        let places = usize::try_from(self.decimals).unwrap_or(0);
        let text = format!("{value:.places$}");
        Ok(if self.decimal == ',' { text.replace('.', ",") } else { text })
    }

    fn day(&self, day: NaiveDate) -> String {
        let format = match self.date {
            DateFormat::Iso => "%Y-%m-%d",
            DateFormat::Plain => "%Y%m%d",
            DateFormat::Dots => "%d.%m.%Y",
            DateFormat::DayFirst => "%d/%m/%Y",
            DateFormat::MonthFirst => "%m/%d/%Y",
        };
        day.format(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::test_line;
    use super::*;

    fn batch(micros: i64) -> Batch {
        Batch {
            batch: 1,
            through: NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            made_at: String::new(),
            tells_tax: true,
            lines: vec![test_line(9, Side::Debit, micros), test_line(9, Side::Credit, micros)],
        }
    }

    #[test]
    fn the_example_is_a_layout() {
        let text = Layout::parse(EXAMPLE).unwrap().render(&batch(1_240_500_000)).unwrap();
        assert_eq!(
            text,
            "Company;Posting date;Account;Amount;Currency;Reference;Assignment;Text\r\n\
             1000;30.06.2025;1410;1240,50;USD;9;2025-06;\"Late; 2 days\"\r\n\
             1000;30.06.2025;5190;-1240,50;USD;9;2025-06;\"Late; 2 days\"\r\n"
        );
    }

    #[test]
    fn sides_may_have_columns_of_their_own() {
        let layout = "date = \"YYYYMMDD\"\nheader = false\nline_end = \"LF\"\n\
            [[column]]\ntitle = \"A\"\nfield = \"account\"\n[[column]]\ntitle = \"D\"\nfield = \"debit\"\n\
            [[column]]\ntitle = \"C\"\nfield = \"credit\"\n[[column]]\ntitle = \"On\"\nfield = \"posted\"\n";
        let text = Layout::parse(layout).unwrap().render(&batch(1_000_000)).unwrap();
        assert_eq!(text, "1410,1.00,,20250630\n5190,,1.00,20250630\n");
    }

    #[test]
    fn the_tax_treatment_can_be_a_column() {
        let layout = "header = false\nline_end = \"LF\"\n\
            [[column]]\ntitle = \"A\"\nfield = \"account\"\n[[column]]\ntitle = \"B\"\nfield = \"amount\"\n\
            [[column]]\ntitle = \"T\"\nfield = \"tax_treatment\"\n";
        let mut batch = batch(1_000_000);
        batch.lines[1].tax_treatment = "PRICE_ADJUSTMENT".to_owned();
        let text = Layout::parse(layout).unwrap().render(&batch).unwrap();
        assert_eq!(text, "1410,1.00,\n5190,-1.00,PRICE_ADJUSTMENT\n");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_write() {
        let refused = |text: &str| Layout::parse(text).unwrap_err().to_string();
        let account = "[[column]]\ntitle = \"A\"\nfield = \"account\"\n";
        let amount = "[[column]]\ntitle = \"B\"\nfield = \"amount\"\n";
        for (text, words) in [
            ("delimiter = \",,\"".to_owned(), "does not read"),
            ("colour = 1".to_owned(), "does not read"),
            (String::new(), "1 to 60"),
            (account.to_owned(), "tell debit from credit"),
            (amount.to_owned(), "tell the account"),
            (format!("sign = \"UNSIGNED\"\n{account}{amount}"), "tell debit from credit"),
            (format!("decimal = \",\"\n{account}{amount}"), "`delimiter`"),
            (format!("decimals = 9\n{account}{amount}"), "`decimals`"),
            ("[[column]]\ntitle = \"A\"\nfield = \"accounts\"\n".to_owned(), "does not read"),
            ("[[column]]\ntitle = \"A\"\n".to_owned(), "either `field` or `constant`"),
        ] {
            let told = refused(&text);
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn no_decimals_are_lost() {
        let layout = Layout::parse(EXAMPLE).unwrap();
        let told = layout.render(&batch(1_005_000)).unwrap_err().to_string();
        assert!(told.contains("entry 9") && told.contains("1.005"), "{told}");
    }
}
