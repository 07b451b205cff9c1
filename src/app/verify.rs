//! Re-performing what is stored: sums from facts, baselines from the changes of commitments, published scores from their inputs, the ledger from
//! its lines, accrued freight from prices and audits, rate tables against their seals, contract versions from their histories, expected charges from version
//! and prices, audits of invoices, attached files against their checksums, decisions about charge codes, definitions of own KPIs, exclusions
//! against their shipments.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::App;
use super::accrual::check::{AccrualsChecked, accruals_differ_since};
use super::accrual::freight::{FreightChecked, freight_differs};
use super::accrual::{ACCRUAL_JOB, RESTATEMENT_DAYS};
use super::attachment::attachments_differ;
use super::baseline::baselines_differ;
use super::books::chain::chain_problems;
use super::books::export::batches_differ;
use super::charge_code::decisions_differ;
use super::contract::seal::{SealReport, verify_contracts};
use super::exclusion::exclusions_differ;
use super::expected::check::charges_differ;
use super::invoice::audits_differ;
use super::ledger::verify_ledger;
use super::own_kpi::definitions_differ;
use super::refresh::check::{SumsChecked, sums_differ};
use super::score::verify_scorecards;
use crate::db::books::chain_unsealed;
use crate::db::dialect::read_tx;
use crate::db::ledger::entry_count_unscoped;
use crate::db::rate::{table_cells, table_list_unscoped};
use crate::db::{Db, DbError};
use crate::domain::rate::TableSeal;
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// Obligations named among those that wait for the next accrual, or that came to rest with another amount.
const WAITING_TOLD: usize = 10;

/// One kind of check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How many things were looked at.
    pub checked: i64,
    /// How far it reached, where that is not plain.
    pub reach: Option<String>,
    /// What was left out, and why; no problem.
    pub note: Option<String>,
    /// What is wrong, one line each.
    pub problems: Vec<String>,
}

impl Check {
    /// `4,380 looked at, all right` or how many are not.
    #[must_use]
    pub fn outcome(&self) -> String {
        match self.problems.len() {
            0 if self.note.is_some() => {
                format!("{} looked at, nothing wrong, not all of them judged", self.checked)
            }
            0 => format!("{} looked at, all as they should be", self.checked),
            1 => format!("{} looked at, 1 problem", self.checked),
            many => format!("{} looked at, {many} problems", self.checked),
        }
    }
}

/// Every check of one run.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// In the order they were made.
    pub checks: Vec<Check>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.problems.is_empty())
    }
}

/// Re-performs sums, scorecards and ledger, reads rate tables against their seals and replays the histories of
/// contract versions. Reads only.
///
/// # Errors
/// The database's reason; what is merely wrong is in the report.
pub fn verify(app: &App) -> Result<VerifyReport, DbError> {
    verify_since(app, None)
}

/// The same, pricing service credits and bonuses again of days since `accruals_since` alone, and of those that an accrual still
/// changes; all that ever fell due where none is given.
///
/// # Errors
/// As [`verify`].
pub fn verify_since(app: &App, accruals_since: Option<NaiveDate>) -> Result<VerifyReport, DbError> {
    let (mut db, now) = (app.pool.get()?, app.now());
    let sums = sums_check(&mut db, now)?;
    let (checked, problems) = baselines_differ(&mut db)?;
    let name = "commitments that were changed ruled on again";
    let baselines = Check { name, checked, reach: None, note: None, problems };
    let (problems, checked) = verify_scorecards(&mut db)?;
    let cards = Check {
        name: "published scorecards computed again from their inputs",
        checked,
        reach: None,
        note: None,
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    let problems = read_tx(&mut db, verify_ledger)?;
    let checked = entry_count_unscoped(&mut db)?;
    let ledger = Check {
        name: "journal entries balanced and tied out to the clauses",
        checked,
        reach: None,
        note: None,
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    let chain = chain_check(&mut db)?;
    let (checked, problems) = batches_differ(&mut db)?;
    let name = "export batches read again against their checksums, and no entry in two of them";
    let batches = Check { name, checked, reach: None, note: None, problems };
    let accruals = accruals_check(&mut db, accruals_since)?;
    let freight = freight_check(&mut db)?;
    let rates = rates_check(&mut db)?;
    let SealReport { checked, problems } = verify_contracts(&mut db)?;
    let contracts = Check {
        name: "contract versions replayed from their histories, and their texts against their seals",
        checked,
        reach: None,
        note: None,
        problems,
    };
    let (checked, stored, problems) = charges_differ(&mut db)?;
    let name = if checked < stored {
        "expected charges, the newest of them, made again by their version and the prices known then"
    } else {
        "expected charges made again by their version and the prices known then"
    };
    let charges = Check { name, checked, reach: None, note: None, problems };
    let (checked, problems) = attachments_differ(&mut db)?;
    let files = Check {
        name: "attached files read again against their checksums",
        checked,
        reach: None,
        note: None,
        problems,
    };
    let (checked, problems) = decisions_differ(&mut db)?;
    let codes =
        Check { name: "decisions about charge codes read again", checked, reach: None, note: None, problems };
    let (checked, problems) = definitions_differ(&mut db)?;
    let own = Check {
        name: "own KPIs read again and their formulas checked",
        checked,
        reach: None,
        note: None,
        problems,
    };
    let (checked, problems) = exclusions_differ(&mut db)?;
    let name = "exclusions held against their decisions and their shipments";
    let exclusions = Check { name, checked, reach: None, note: None, problems };
    let (checked, problems) = audits_differ(&mut db)?;
    let invoices = Check {
        name: "audits of invoices made again from what is known of them",
        checked,
        reach: None,
        note: None,
        problems,
    };
    let checks = vec![
        sums, baselines, exclusions, cards, ledger, chain, batches, accruals, freight, rates, contracts,
        charges, invoices, files, codes, own,
    ];
    Ok(VerifyReport { checks })
}

/// Sums, outcomes and expected charges against the facts.
fn sums_check(db: &mut Db, now: DateTime<Utc>) -> Result<Check, DbError> {
    let SumsChecked { looked, waiting, differences } = sums_differ(db, now)?;
    let note = (waiting > 0).then(|| {
        let plural = if waiting == 1 { "partner and day" } else { "partners and days" };
        format!("left out because they wait for a refresh: {waiting} {plural}; `lanemark job run refresh-measures` sums them")
    });
    Ok(Check {
        name: "sums computed again from the facts, by day and by month",
        checked: looked,
        reach: None,
        note,
        problems: differences.into_iter().collect(),
    })
}

/// The chain of entries, the sums of months and what closed months were closed over.
fn chain_check(db: &mut Db) -> Result<Check, DbError> {
    let (checked, problems) = read_tx(db, chain_problems)?;
    let unsealed = chain_unsealed(db)?.len();
    let note = (unsealed > 0).then(|| {
        let partners = words::many(unsealed, "partner");
        format!("entries of {partners} are not sealed yet; `lanemark job run {ACCRUAL_JOB}` seals them")
    });
    let name = "journal entries sealed one after the other, and the sums of months added up again";
    Ok(Check { name, checked, reach: None, note, problems })
}

/// Every obligation priced again by its clause.
fn accruals_check(db: &mut Db, since: Option<NaiveDate>) -> Result<Check, DbError> {
    let (AccrualsChecked { looked, differences, waiting }, older) = accruals_differ_since(db, since)?;
    let (mut notes, mut problems) = (Vec::new(), differences);
    if waiting && !problems.is_empty() {
        notes.push(format!(
            "not judged, since facts or terms changed after the last accrual: {}; `lanemark job run {ACCRUAL_JOB}` posts what \
             is missing. Among them {}",
            words::many(problems.len(), "obligation"),
            first_told(&problems)
        ));
        problems = Vec::new();
    }
    problems.extend(older.unpriced.iter().cloned());
    if !older.differences.is_empty() {
        notes.push(format!(
            "{} that came to rest would come to something else by the facts as they are today; facts that come after \
             {RESTATEMENT_DAYS} days change nothing that is booked, so look at each. Among them {}",
            words::many(older.differences.len(), "older obligation"),
            first_told(&older.differences)
        ));
    }
    Ok(Check {
        name: "service credits and bonuses priced again by their clauses, as of the last accrual",
        checked: looked.saturating_add(older.looked),
        reach: Some(older.words(looked)),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        problems,
    })
}

/// The first of many lines.
fn first_told(lines: &[String]) -> String {
    lines.iter().take(WAITING_TOLD).cloned().collect::<Vec<_>>().join("; ")
}

/// Freight that is not billed, shipment by shipment.
fn freight_check(db: &mut Db) -> Result<Check, DbError> {
    let FreightChecked { looked, waiting, differences } = read_tx(db, freight_differs)?;
    let note = (waiting > 0).then(|| {
        let plural = if waiting == 1 { "partner and day" } else { "partners and days" };
        format!("left out because they wait for a refresh or an accrual: {waiting} {plural}; `lanemark job run refresh-measures` and then `lanemark job run {ACCRUAL_JOB}` book them")
    });
    let name = "freight delivered and not billed worked out again from prices and audits, and its entries from their shipments";
    Ok(Check { name, checked: looked, reach: None, note, problems: differences })
}

/// What was agreed is what is stored: every rate table against the seal its contract versions carry.
fn rates_check(db: &mut Db) -> Result<Check, DbError> {
    let tables = table_list_unscoped(db)?;
    let mut problems = Vec::new();
    for (partner_id, seal) in &tables {
        let broken = |reason: String| format!("rate table {}: {reason}", seal.table_id);
        match table_cells(db, &Viewer::system(), *partner_id, seal) {
            Ok(mut cells) => {
                let now = TableSeal::of(&mut cells);
                if (now.cells, &now.sha256) != (seal.cells, &seal.sha256) {
                    problems.push(broken(
                        "its cells are not those its contract version was sealed with".to_owned(),
                    ));
                }
            }
            Err(DbError::Stored { reason, .. }) => problems.push(broken(reason)),
            Err(error) => return Err(error),
        }
    }
    Ok(Check {
        name: "rate tables read again against their seals",
        checked: i64::try_from(tables.len()).unwrap_or(i64::MAX),
        reach: None,
        note: None,
        problems,
    })
}
