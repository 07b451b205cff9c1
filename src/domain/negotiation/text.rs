//! The text of a round, whole, as it is kept: enough to show it, to hash it and to price by it years later.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::accessorial::AccessorialRate;
use crate::domain::clause::{ClauseTerms, ContractCap};
use crate::domain::contract::{ContractStatus, ContractTerm, ContractVersionStatus};
use crate::domain::currency::Currency;
use crate::domain::rate::{Pricing, RateLine, RateTerms, TableSeal};
use crate::domain::terms::{AgreedFrame, Clause, KpiTarget, Terms};

/// A clause without its row id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundClause {
    code: String,
    title: String,
    terms: ClauseTerms,
}

/// A rate table by where its cells are stored and what they hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundTable {
    table_id: i64,
    cells: usize,
    sha256: String,
}

/// Everything one round says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundText {
    number: String,
    version: i32,
    currency: Currency,
    contract: AgreedFrame,
    valid_from: NaiveDate,
    caps: ContractCap,
    rates: Vec<AccessorialRate>,
    targets: Vec<KpiTarget>,
    clauses: Vec<RoundClause>,
    /// Lines without cells; no accessorials.
    pricing: RateTerms,
    tables: Vec<RoundTable>,
}

/// The rows a round belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Contract.
    pub contract_id: i64,
    /// Carrier.
    pub partner_id: i64,
    /// Version.
    pub version_id: i64,
}

impl RoundText {
    /// The text of a draft. Its tables must be stored already.
    #[must_use]
    pub fn of(terms: &Terms) -> Self {
        let lines = terms.pricing.terms.lines.iter().map(RateLine::head).collect();
        let pricing = RateTerms { lines, accessorials: Vec::new(), ..terms.pricing.terms.clone() };
        let clause = |clause: &Clause| RoundClause {
            code: clause.code.clone(),
            title: clause.title.clone(),
            terms: clause.terms.clone(),
        };
        let table = |seal: &TableSeal| RoundTable {
            table_id: seal.table_id,
            cells: seal.cells,
            sha256: seal.sha256.clone(),
        };
        Self {
            number: terms.number.clone(),
            version: terms.version_no,
            currency: terms.currency,
            contract: terms.frame(),
            valid_from: terms.valid_from,
            caps: terms.caps,
            rates: terms.rates.clone(),
            targets: terms.targets.clone(),
            clauses: terms.clauses.iter().map(clause).collect(),
            pricing,
            tables: terms.pricing.tables.iter().map(table).collect(),
        }
    }

    /// The round as terms, whose hash is the round's.
    #[must_use]
    pub fn terms(&self, rows: Rows) -> Terms {
        let frame = &self.contract;
        let clause = |clause: &RoundClause| Clause {
            id: 0,
            code: clause.code.clone(),
            title: clause.title.clone(),
            terms: clause.terms.clone(),
        };
        let seal = |table: &RoundTable| TableSeal {
            table_id: table.table_id,
            cells: table.cells,
            sha256: table.sha256.clone(),
        };
        Terms {
            contract_id: rows.contract_id,
            number: self.number.clone(),
            title: frame.title.clone(),
            partner_id: rows.partner_id,
            currency: self.currency,
            term: ContractTerm {
                status: ContractStatus::Draft,
                term_start: frame.term_start,
                term_end: frame.term_end,
                renewal: frame.renewal,
                renewal_months: frame.renewal_months,
                notice_days: frame.notice_days,
            },
            version_id: rows.version_id,
            version_no: self.version,
            status: ContractVersionStatus::Draft,
            valid_from: self.valid_from,
            valid_to: None,
            caps: self.caps,
            rates: self.rates.clone(),
            targets: self.targets.clone(),
            clauses: self.clauses.iter().map(clause).collect(),
            pricing: Pricing { terms: self.pricing.clone(), tables: self.tables.iter().map(seal).collect() },
            agreed: Some(frame.clone()),
            rests: Vec::new(),
        }
    }

    /// The rate tables it names.
    #[must_use]
    pub fn table_ids(&self) -> Vec<i64> {
        self.tables.iter().map(|table| table.table_id).collect()
    }
}
