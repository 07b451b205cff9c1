//! Accruing service credits and bonuses: what every clause comes to now, less what is posted, as
//! balanced entries (DOMAIN §4.3). [`freight`] accrues what was delivered and is not billed.
//!
//! One contract is one transaction: all its obligations or none. A second run posts nothing. Obligations
//! older than [`RESTATEMENT_DAYS`] are left as they stand.

pub mod assess;
mod before;
pub mod check;
pub mod counted;
mod facts;
pub mod freight;
mod gathered;
mod new_lanes;
mod notice;
mod post;
pub(super) mod replaced;
pub(super) mod replay;
mod scoped;
pub mod simulate;
mod special;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

use self::gathered::Agreed;
use super::App;
use crate::db::books::{chain_begin, chain_unsealed, closed_through};
use crate::db::contract::{contract_list, contract_lock, terms_between};
use crate::db::dialect::write_tx;
use crate::db::ledger::{posted_after, standing_add, standing_load};
use crate::db::setting::{reporting_zone, setting};
use crate::db::{Db, DbError};
use crate::domain::claim::Claimants;
use crate::domain::clause::{ClauseError, ContractCap, InForce, ObligationKey, Rule};
use crate::domain::currency::{BadCurrency, Currency};
use crate::domain::kpi::UnknownKpi;
use crate::domain::ledger::{LedgerError, RecognitionPolicy, posting_date};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// Facts this many days back still change what is owed (DOMAIN App. C).
pub const RESTATEMENT_DAYS: u64 = 90;
/// Late business days counted while no delivery is reported: the evidence grace of DOMAIN §1.2. The
/// true number replaces it when proof arrives.
pub const UNREPORTED_DAYS_MAX: u32 = 5;
/// The job that accrues.
pub const ACCRUAL_JOB: &str = "accrue-credits";
/// The key of when service credits reach the general ledger.
pub const RECOGNITION_POLICY: &str = "recognition_policy";

/// What to accrue, and for whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccrualScope {
    /// Only this partner; all when none.
    pub partner_id: Option<i64>,
    /// The job run that asks, noted on every row.
    pub run_id: Option<i64>,
}

/// A contract of which nothing was posted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccrualProblem {
    /// Contract number.
    pub contract: String,
    /// The carrier.
    pub partner_id: i64,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccrualReport {
    /// Contracts looked at.
    pub contracts: usize,
    /// Obligations priced.
    pub targets: usize,
    /// Journal entries added.
    pub entries: usize,
    /// Rows added or changed: entries, lines and accruals. 0 on a second run.
    pub changed_rows: usize,
    /// Late shipments that wait for the charge that their price is a share of.
    pub unpriced: usize,
    /// Late shipments that several contracts in force together claim, or none of them: nothing is credited for those.
    pub unclaimed: usize,
    /// Shipments of which the freight accrued changed: delivered and not billed, billed since, or priced anew.
    pub freight: usize,
    /// Contracts already accrued for a later day, left alone.
    pub ahead: usize,
    /// Mails queued about items that the partner had been told of and that changed.
    pub mails: i64,
    /// Numbers of contracts with such items and no address to tell the partner at.
    pub not_told: Vec<String>,
    /// Contracts that could not be accrued; their ledger is as it was.
    pub problems: Vec<AccrualProblem>,
}

impl AccrualReport {
    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |n: usize, noun| words::many(n, noun);
        let mut text = format!(
            "{}: {} priced, {} posted",
            count(self.contracts, "contract"),
            count(self.targets, "obligation"),
            count(self.entries, "entry"),
        );
        if self.unpriced > 0 {
            text.push_str(&format!(", {} without a charge", count(self.unpriced, "late shipment")));
        }
        if self.unclaimed > 0 {
            text.push_str(&format!(
                ", {} that no contract alone claims",
                count(self.unclaimed, "late shipment")
            ));
        }
        if self.freight > 0 {
            text.push_str(&format!(", freight not billed of {} changed", count(self.freight, "shipment")));
        }
        if self.mails > 0 {
            text.push_str(&format!(", {} about changed items", words::count(self.mails, "mail")));
        }
        if !self.not_told.is_empty() {
            text.push_str(&format!(
                ", changed items not told, since no address that a mail can go to is known: {}",
                self.not_told.join(", ")
            ));
        }
        if !self.problems.is_empty() {
            text.push_str(&format!(", {} not accrued", count(self.problems.len(), "contract")));
        }
        text
    }

    fn add(&mut self, other: Self) {
        self.targets += other.targets;
        self.entries += other.entries;
        self.changed_rows += other.changed_rows;
        self.unpriced += other.unpriced;
        self.unclaimed += other.unclaimed;
        self.freight += other.freight;
        self.ahead += other.ahead;
        self.mails += other.mails;
        self.not_told.extend(other.not_told);
    }
}

/// Why a contract could not be accrued.
#[derive(Debug, thiserror::Error)]
pub enum AccrualError {
    /// The database's reason.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Terms or facts that cannot be priced.
    #[error(transparent)]
    Clause(#[from] ClauseError),
    /// An entry that may not be posted.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A clause measures a KPI that is not in the catalogue.
    #[error("clause {clause}: {source}")]
    Kpi {
        /// The clause's number.
        clause: String,
        /// The KPI.
        source: UnknownKpi,
    },
    /// A shipment's currency is no currency.
    #[error("shipment {reference}: {source}")]
    Currency {
        /// The shipment.
        reference: String,
        /// What its charge is in.
        source: BadCurrency,
    },
}

impl From<diesel::result::Error> for AccrualError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// What holds for every contract of a run.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) as_of: NaiveDate,
    pub(super) posting_day: NaiveDate,
    /// The last closed day of the books, if any.
    closed: Option<NaiveDate>,
    pub(super) policy: RecognitionPolicy,
    zone: Tz,
    run_id: Option<i64>,
}

/// The versions of one contract that share one cap.
#[derive(Clone)]
struct Group {
    contract_id: i64,
    number: String,
    partner_id: i64,
    currency: Currency,
    versions: Vec<Terms>,
    cap: ContractCap,
    /// The days on which the cap holds: of all its versions, also those not looked at.
    in_force: Vec<InForce>,
    /// First obligation day looked at: the start of every pot that the restatement window reaches into.
    from: NaiveDate,
    /// First day of the contract's term: no lane of it is older.
    began: NaiveDate,
    /// Whose an obligation is where another contract of the partner is in force beside this one.
    beside: Arc<Claimants>,
}

impl Group {
    /// The ids of its versions.
    fn version_ids(&self) -> Vec<i64> {
        self.versions.iter().map(|version| version.version_id).collect()
    }
}

/// Brings the ledger to what every clause in force comes to on `as_of`, from the facts as known now.
///
/// A contract whose terms or facts cannot be priced stays as it is and is reported; the others go on.
///
/// # Errors
/// The database's reason. Contracts finished before it stay finished.
pub fn accrue(app: &App, as_of: NaiveDate, scope: AccrualScope) -> Result<AccrualReport, DbError> {
    let mut db = app.pool.get()?;
    seal_older(&mut db)?;
    let mut run = load_run(&mut db, as_of, scope.run_id)?;
    let mut report = AccrualReport::default();
    for partner_id in partners(&mut db, scope.partner_id)? {
        for group in groups(&mut db, partner_id, as_of)? {
            report.contracts += 1;
            let mut done = write_tx(&mut db, |db| accrue_group(app, db, &run, &group));
            if let Err(AccrualError::Db(DbError::PeriodClosed { .. })) = done {
                // The month was closed while the run went on: what is left posts in the first open one.
                run = load_run(&mut db, as_of, scope.run_id)?;
                done = write_tx(&mut db, |db| accrue_group(app, db, &run, &group));
            }
            match done {
                Ok(done) => report.add(done),
                Err(AccrualError::Db(error)) => return Err(error),
                Err(error) => report.problems.push(AccrualProblem {
                    contract: group.number,
                    partner_id,
                    message: error.to_string(),
                }),
            }
        }
        freight::accrue_freight(app, &mut db, &mut run, partner_id, &mut report)?;
    }
    Ok(report)
}

/// Seals the entries of partners that have some from before chains were kept.
fn seal_older(db: &mut Db) -> Result<(), DbError> {
    for partner_id in chain_unsealed(db)? {
        write_tx(db, |db| {
            contract_lock(db, partner_id)?;
            chain_begin(db, partner_id)
        })?;
    }
    Ok(())
}

fn accrue_group(app: &App, db: &mut Db, run: &Run, group: &Group) -> Result<AccrualReport, AccrualError> {
    // Whoever else accrues this partner waits here and then finds everything posted.
    contract_lock(db, group.partner_id)?;
    match plan_group(db, run, group)? {
        Some(posting) => post::store(app, db, run, group, &posting),
        None => Ok(AccrualReport { ahead: 1, ..AccrualReport::default() }),
    }
}

/// What is to be written for a group; none when a later day was posted already, since an older one would take back what
/// later days brought. Reads only.
fn plan_group(db: &mut Db, run: &Run, group: &Group) -> Result<Option<post::Posting>, AccrualError> {
    let (system, versions) = (Viewer::system(), group.version_ids());
    if posted_after(db, &system, (group.partner_id, &versions), run.posting_day)? {
        return Ok(None);
    }
    let mut standing = standing_load(db, &system, (group.partner_id, &versions), reach(group))?;
    let priced = facts::price(db, run, group, Agreed::Booked(&standing))?;
    // A shipment whose due day was corrected is found by its key, wherever it stood before.
    let keys = priced.targets.iter().map(|target| target.key);
    let elsewhere: Vec<ObligationKey> = keys
        .filter(|key| !standing.accruals.contains_key(key) && !standing.posted.contains_key(key))
        .collect();
    standing_add(db, &system, (group.partner_id, &elsewhere), &mut standing)?;
    post::plan(db, run, group, &standing, &priced).map(Some)
}

/// The first obligation day of which it matters what stands: that of the facts looked at, or of a credit that they give back.
fn reach(group: &Group) -> NaiveDate {
    let clauses = group.versions.iter().flat_map(|version| &version.clauses);
    let given_back = clauses.filter_map(|clause| match &clause.terms.rule {
        Rule::EarnBack(rule) => Some(rule.credit_period(Period::containing(rule.period, group.from)).start()),
        _ => None,
    });
    given_back.chain([group.from]).min().unwrap_or(group.from)
}

pub(super) fn load_run(db: &mut Db, as_of: NaiveDate, run_id: Option<i64>) -> Result<Run, DbError> {
    let closed = closed_through(db)?;
    let policy = read_setting(db, RECOGNITION_POLICY)?.unwrap_or(RecognitionPolicy::MemoUntilAgreed);
    let zone = reporting_zone(db)?;
    Ok(Run { as_of, posting_day: posting_date(as_of, closed), closed, policy, zone, run_id })
}

fn read_setting<T: std::str::FromStr<Err: ToString>>(db: &mut Db, key: &str) -> Result<Option<T>, DbError> {
    let text = setting(db, key)?;
    text.map(|text| text.parse()).transpose().map_err(|error: T::Err| DbError::Stored {
        what: format!("setting `{key}`"),
        reason: error.to_string(),
    })
}

fn partners(db: &mut Db, only: Option<i64>) -> Result<Vec<i64>, DbError> {
    let mut partners: Vec<i64> = contract_list(db, &Viewer::system())?
        .into_iter()
        .map(|listed| listed.contract.partner_id)
        .filter(|id| only.is_none_or(|only| only == *id))
        .collect();
    partners.sort_unstable();
    partners.dedup();
    Ok(partners)
}

/// The partner's cap groups that reach into the restatement window.
fn groups(db: &mut Db, partner_id: i64, as_of: NaiveDate) -> Result<Vec<Group>, DbError> {
    let window = as_of.checked_sub_days(Days::new(RESTATEMENT_DAYS)).unwrap_or(as_of);
    Ok(groups_of(all_terms(db, partner_id)?, as_of, window))
}

/// All versions of a partner, those to come as well: they say how much of a running period the cap holds for.
fn all_terms(db: &mut Db, partner_id: i64) -> Result<Vec<Terms>, DbError> {
    terms_between(db, &Viewer::system(), partner_id, NaiveDate::MIN, NaiveDate::MAX)
}

/// The cap groups of a partner with anything in force since `window`, each from the start of the pots that hold that day.
fn groups_of(all: Vec<Terms>, as_of: NaiveDate, window: NaiveDate) -> Vec<Group> {
    let beside = Arc::new(Claimants::of(&all));
    let mut groups = by_cap(all, window, &beside);
    for group in &mut groups {
        group.in_force = group.versions.iter().map(Terms::span).collect();
        group.versions.retain(|version| version.valid_from <= as_of);
        group.from = first_day(&group.versions, group.cap, window);
        let from = group.from;
        group.versions.retain(|version| version.in_force_days().1.is_none_or(|end| from < end));
    }
    groups.retain(|group| {
        group.versions.iter().any(|version| version.in_force_days().1.is_none_or(|end| window < end))
    });
    groups
}

/// Versions of one partner, together where one cap of one contract holds for all of them. `from` is the first day looked at.
fn by_cap(all: Vec<Terms>, from: NaiveDate, beside: &Arc<Claimants>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for terms in all {
        let same = |group: &&mut Group| {
            group.cap == terms.caps
                && group.versions.first().is_some_and(|first| first.contract_id == terms.contract_id)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.versions.push(terms),
            None => groups.push(Group {
                contract_id: terms.contract_id,
                beside: Arc::clone(beside),
                number: terms.number.clone(),
                partner_id: terms.partner_id,
                currency: terms.currency,
                cap: terms.caps,
                in_force: Vec::new(),
                began: terms.term.term_start,
                versions: vec![terms],
                from,
            }),
        }
    }
    groups
}

/// The first day of the longest pot that holds `window`. Weeks do not line up with months: where both
/// cap the same obligations, no later start is right and the versions are taken whole.
fn first_day(versions: &[Terms], cap: ContractCap, window: NaiveDate) -> NaiveDate {
    let mut kinds: Vec<PeriodKind> = cap.kinds().collect();
    kinds.extend(
        versions.iter().flat_map(|version| version.clauses.iter().map(|clause| clause.terms.period_kind())),
    );
    let longest = kinds.iter().copied().max().unwrap_or(PeriodKind::Month);
    if kinds.contains(&PeriodKind::Week) && longest != PeriodKind::Week {
        return versions.iter().map(|version| version.valid_from).min().unwrap_or(window);
    }
    Period::containing(longest, window).start()
}
