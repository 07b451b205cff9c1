//! Contracts, their versions, and everything a version says. Every read is filtered by the viewer's scope.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::de::DeserializeOwned;

use super::DbError;
use super::audit::AuditRow;
use super::conn::Db;
use super::contract_term::term_record;
use super::dialect::BothExt;
use super::schema::{
    accessorial_rates, audit_log, clauses, contract_events, contract_notices, contract_versions, contracts,
    kpi_targets, partners,
};
use super::types::{Day, Instant};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::clause::{ClauseTerms, ContractCap};
use crate::domain::contract::{ContractTerm, ContractVersionStatus, RenewalKind, VersionDates};
use crate::domain::lifecycle::Step;
use crate::domain::money::Micros;
use crate::domain::rate::{Pricing, RateParameters, RatingDate};
use crate::domain::terms::{self, AgreedFrame, Clause, Days, KpiTarget, Terms};
use crate::domain::viewer::{Scope, Viewer};

/// Most contracts one answer holds.
pub const ROWS_MAX: i64 = 5_000;

/// Most lines of history one answer holds.
pub const HISTORY_ROWS_MAX: i64 = 100;

/// Stands for "no end" in the term end of a contract, which the table requires.
const OPEN_END: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// A contract row.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contracts)]
pub(super) struct ContractRow {
    pub(super) id: i64,
    pub(super) partner_id: i64,
    pub(super) number: String,
    pub(super) title: String,
    pub(super) currency: String,
    pub(super) term_start: Day,
    pub(super) term_end: Day,
    pub(super) renewal: String,
    pub(super) renewal_months: i32,
    pub(super) notice_days: i32,
    pub(super) status: String,
    pub(super) created_by: String,
    pub(super) created_at: Instant,
}

/// A contract as stored, without its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Row id.
    pub id: i64,
    /// The carrier.
    pub partner_id: i64,
    /// The number people cite, unique.
    pub number: String,
    /// What it covers.
    pub title: String,
    /// Currency of every amount.
    pub currency: crate::domain::currency::Currency,
    /// Life, dates, renewal and notice.
    pub term: ContractTerm,
    /// Who entered it.
    pub created_by: String,
    /// When.
    pub created_at: Instant,
}

/// A contract in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractListed {
    /// The contract.
    pub contract: Contract,
    /// The partner's code.
    pub partner_code: String,
    /// The partner's name.
    pub partner_name: String,
}

/// A contract version without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_versions)]
#[diesel(treat_none_as_default_value = false)]
pub struct Version {
    /// Row id.
    pub id: i64,
    /// The contract.
    pub contract_id: i64,
    /// The carrier.
    pub partner_id: i64,
    /// 1 for the original.
    pub version: i32,
    /// `ORIGINAL`, `AMENDMENT`, `RENEWAL` or `RATE_UPDATE`.
    pub kind: String,
    /// First day in force.
    pub valid_from: Day,
    /// First day no longer in force; open when none.
    pub valid_to: Option<Day>,
    /// A code of [`ContractVersionStatus`].
    pub status: String,
    /// Why there is a new version, in words.
    pub change_summary: String,
    /// The limit over all clauses, as JSON.
    pub caps: String,
    /// Ids of the users who wrote any of it, between commas.
    pub authors: String,
    /// Name of the user who started it.
    pub created_by: String,
    /// When it was started.
    pub created_at: Instant,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Instant>,
    /// How to rate, as JSON.
    pub rating: String,
    /// The contract's own part as sealed, as JSON; empty before approval.
    pub agreed: String,
    /// Hash over everything agreed; empty before approval.
    pub terms_sha256: String,
    /// The name under the partner's signature.
    pub signed_by: Option<String>,
    /// When it was signed.
    pub signed_at: Option<Instant>,
}

impl Version {
    /// Notes that a user wrote some of it.
    pub fn author_add(&mut self, viewer: &Viewer) {
        if viewer.user_id != 0 && !self.has_author(viewer.user_id) {
            let comma = if self.authors.is_empty() { "" } else { "," };
            self.authors = format!("{}{comma}{}", self.authors, viewer.user_id);
        }
    }

    /// Whether the viewer wrote any of it, by id, or by name where no id is known.
    #[must_use]
    pub fn is_work_of(&self, viewer: &Viewer) -> bool {
        self.created_by == viewer.name || self.has_author(viewer.user_id)
    }

    fn has_author(&self, user_id: i64) -> bool {
        let id = user_id.to_string();
        self.authors.split(',').any(|author| author == id)
    }

    /// Ids of the users who wrote any of it.
    #[must_use]
    pub fn author_ids(&self) -> Vec<i64> {
        self.authors.split(',').filter_map(|id| id.parse().ok()).collect()
    }

    /// Hash over what the version says beside its terms: kind, summary, who wrote it. The terms have a seal of their
    /// own; this one keeps a summary or an author from being changed unseen once it is approved.
    #[must_use]
    pub fn written_sha256(&self) -> String {
        let parts = [&self.kind, &self.change_summary, &self.authors, &self.created_by];
        crate::domain::digest::sha256(format!("{parts:?}"))
    }

    /// Where the version is in its life.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a status nobody knows.
    pub fn state(&self) -> Result<ContractVersionStatus, DbError> {
        code(&self.status, "status of contract version", self.id)
    }

    /// The dates the rules work on.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a status nobody knows.
    pub fn dates(&self) -> Result<VersionDates, DbError> {
        Ok(VersionDates {
            id: self.id,
            version_no: self.version,
            status: self.state()?,
            valid_from: self.valid_from.0,
            valid_to: self.valid_to.map(|day| day.0),
        })
    }

    /// The contract's own part as it was sealed; none before approval.
    ///
    /// # Errors
    /// [`DbError::Stored`] for dates that do not read back.
    pub fn agreed_frame(&self) -> Result<Option<AgreedFrame>, DbError> {
        let agreed = Some(&self.agreed).filter(|agreed| !agreed.is_empty());
        agreed.map(|text| json(text, "agreed dates of contract version", self.id)).transpose()
    }

    /// Which day of a shipment decides whether the version prices it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for choices that do not read back.
    pub fn rating_date(&self) -> Result<RatingDate, DbError> {
        let parameters: RateParameters = json(&self.rating, "rating of contract version", self.id)?;
        Ok(parameters.rating_date)
    }
}

fn stored(what: &str, id: i64, reason: impl std::fmt::Display) -> DbError {
    DbError::Stored { what: format!("{what} {id}"), reason: reason.to_string() }
}

fn code<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, what: &str, id: i64) -> Result<T, DbError> {
    text.parse().map_err(|error: T::Err| stored(what, id, error))
}

fn json<T: DeserializeOwned>(text: &str, what: &str, id: i64) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| stored(what, id, error))
}

fn json_text<T: serde::Serialize>(value: &T, what: &str, id: i64) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| stored(what, id, error))
}

impl ContractRow {
    pub(super) fn read(self) -> Result<Contract, DbError> {
        let id = self.id;
        let renewal: RenewalKind = code(&self.renewal, "renewal of contract", id)?;
        let number =
            |n: i32| u32::try_from(n).map_err(|error| stored("days or months of contract", id, error));
        let months = number(self.renewal_months)?;
        let term = ContractTerm {
            status: code(&self.status, "status of contract", id)?,
            term_start: self.term_start.0,
            term_end: Some(self.term_end.0).filter(|end| *end < OPEN_END),
            renewal,
            renewal_months: Some(months).filter(|_| renewal == RenewalKind::AutoRenew),
            notice_days: number(self.notice_days)?,
        };
        Ok(Contract {
            id,
            partner_id: self.partner_id,
            number: self.number,
            title: self.title,
            currency: code(&self.currency, "currency of contract", id)?,
            term,
            created_by: self.created_by,
            created_at: self.created_at,
        })
    }

    fn of(contract: &Contract) -> Result<Self, DbError> {
        let number = |n: u32| {
            i32::try_from(n).map_err(|error| stored("days or months of contract", contract.id, error))
        };
        Ok(Self {
            id: contract.id,
            partner_id: contract.partner_id,
            number: contract.number.clone(),
            title: contract.title.clone(),
            currency: contract.currency.code().to_owned(),
            term_start: Day(contract.term.term_start),
            term_end: Day(contract.term.term_end.unwrap_or(OPEN_END)),
            renewal: contract.term.renewal.code().to_owned(),
            renewal_months: number(contract.term.renewal_months.unwrap_or(0))?,
            notice_days: number(contract.term.notice_days)?,
            status: contract.term.status.code().to_owned(),
            created_by: contract.created_by.clone(),
            created_at: contract.created_at,
        })
    }
}

/// Codes of what the partner never reads: the shipper's own drafts and reviews.
fn unread() -> Vec<&'static str> {
    let hidden = ContractVersionStatus::ALL.iter().filter(|status| !status.partner_reads());
    hidden.map(|status| status.code()).collect()
}

/// The contracts that have a version their partner may read.
fn read_contracts(db: &mut Db, partner_id: i64) -> QueryResult<Vec<i64>> {
    contract_versions::table
        .filter(contract_versions::partner_id.eq(partner_id))
        .filter(contract_versions::status.ne_all(unread()))
        .select(contract_versions::contract_id)
        .distinct()
        .load(db)
}

/// The contracts the viewer may see, with their partners, by number. A partner sees those that were approved or
/// signed at least once.
///
/// # Errors
/// The engine's reason.
pub fn contract_list(db: &mut Db, viewer: &Viewer) -> Result<Vec<ContractListed>, DbError> {
    let mut query =
        contracts::table.inner_join(partners::table.on(partners::id.eq(contracts::partner_id))).into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => {
            let read = read_contracts(db, own)?;
            query = query.filter(contracts::partner_id.eq(own)).filter(contracts::id.eq_any(read));
        }
        Scope::Nobody => return Ok(Vec::new()),
    }
    let rows: Vec<(ContractRow, String, String)> = query
        .order((contracts::number.asc(), contracts::id.asc()))
        .limit(ROWS_MAX)
        .select((ContractRow::as_select(), partners::code, partners::name))
        .load(db)?;
    rows.into_iter()
        .map(|(row, partner_code, partner_name)| {
            Ok(ContractListed { contract: row.read()?, partner_code, partner_name })
        })
        .collect()
}

/// The contracts of one partner, by number; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn contract_list_of_partner(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<Vec<Contract>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let mut query = contracts::table.filter(contracts::partner_id.eq(partner_id)).into_boxed();
    if let Scope::One(own) = viewer.scope() {
        query = query.filter(contracts::id.eq_any(read_contracts(db, own)?));
    }
    let rows: Vec<ContractRow> = query
        .order((contracts::number.asc(), contracts::id.asc()))
        .limit(ROWS_MAX)
        .select(ContractRow::as_select())
        .load(db)?;
    rows.into_iter().map(ContractRow::read).collect()
}

/// One contract; none when it does not exist or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn contract_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Contract>, DbError> {
    let mut query = contracts::table.filter(contracts::id.eq(id)).into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => {
            let read = read_contracts(db, own)?;
            query = query.filter(contracts::partner_id.eq(own)).filter(contracts::id.eq_any(read));
        }
        Scope::Nobody => return Ok(None),
    }
    let row: Option<ContractRow> = query.select(ContractRow::as_select()).first(db).optional()?;
    row.map(ContractRow::read).transpose()
}

/// The contract of that number; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn contract_by_number(db: &mut Db, viewer: &Viewer, number: &str) -> Result<Option<Contract>, DbError> {
    let id: Option<i64> =
        contracts::table.filter(contracts::number.eq(number)).select(contracts::id).first(db).optional()?;
    id.map_or(Ok(None), |id| contract_show(db, viewer, id))
}

/// Whether a number is taken by another contract than `id`.
///
/// Unscoped: numbers are unique over all partners, and only who may edit contracts asks.
///
/// # Errors
/// The engine's reason.
pub fn contract_number_taken_unscoped(db: &mut Db, number: &str, id: i64) -> Result<bool, DbError> {
    let found: Option<i64> = contracts::table
        .filter(contracts::number.eq(number))
        .filter(contracts::id.ne(id))
        .select(contracts::id)
        .first(db)
        .optional()?;
    Ok(found.is_some())
}

/// Locks the contracts of a partner until the transaction ends, so that two edits never interleave.
///
/// # Errors
/// The engine's reason.
pub fn contract_lock(db: &mut Db, partner_id: i64) -> Result<(), DbError> {
    super::partner::partner_lock(db, partner_id)
}

/// Adds a contract, and the first line of its history.
///
/// # Errors
/// The engine's reason.
pub fn contract_insert(db: &mut Db, contract: &Contract) -> Result<(), DbError> {
    let row = ContractRow::of(contract)?;
    diesel::insert_into(contracts::table).values(&row).execute(db)?;
    Ok(term_record(db, &row, contract.created_at)?)
}

/// Stores number, title, currency and term of a contract, and writes down that it says so from `at` on.
///
/// # Errors
/// The engine's reason.
pub fn contract_update(db: &mut Db, contract: &Contract, at: Instant) -> Result<(), DbError> {
    let row = ContractRow::of(contract)?;
    term_record(db, &row, at)?;
    diesel::update(contracts::table.find(contract.id))
        .set((
            contracts::number.eq(row.number),
            contracts::title.eq(row.title),
            contracts::currency.eq(row.currency),
            contracts::term_start.eq(row.term_start),
            contracts::term_end.eq(row.term_end),
            contracts::renewal.eq(row.renewal),
            contracts::renewal_months.eq(row.renewal_months),
            contracts::notice_days.eq(row.notice_days),
            contracts::status.eq(row.status),
        ))
        .execute(db)?;
    Ok(())
}

/// The versions of a contract, newest first; none when the viewer may not see it. A partner never sees a draft or a
/// review.
///
/// # Errors
/// The engine's reason.
pub fn version_list(db: &mut Db, viewer: &Viewer, contract_id: i64) -> Result<Vec<Version>, DbError> {
    let mut query =
        contract_versions::table.filter(contract_versions::contract_id.eq(contract_id)).into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => {
            query = query
                .filter(contract_versions::partner_id.eq(own))
                .filter(contract_versions::status.ne_all(unread()));
        }
        Scope::Nobody => return Ok(Vec::new()),
    }
    Ok(query.order(contract_versions::version.desc()).select(Version::as_select()).load(db)?)
}

/// The versions whose life is not over, of all contracts the viewer may see, newest first in each. As
/// [`version_list`].
///
/// # Errors
/// The engine's reason.
pub fn version_list_open(db: &mut Db, viewer: &Viewer) -> Result<Vec<Version>, DbError> {
    let open = ContractVersionStatus::ALL.iter().filter(|status| !status.is_over());
    let open: Vec<&str> = open.map(|status| status.code()).collect();
    let mut query = contract_versions::table.filter(contract_versions::status.eq_any(open)).into_boxed();
    match viewer.scope() {
        Scope::All => {}
        Scope::One(own) => {
            query = query
                .filter(contract_versions::partner_id.eq(own))
                .filter(contract_versions::status.ne_all(unread()));
        }
        Scope::Nobody => return Ok(Vec::new()),
    }
    let order = (contract_versions::contract_id.asc(), contract_versions::version.desc());
    Ok(query.order(order).select(Version::as_select()).load(db)?)
}

/// One version; none when it does not exist or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn version_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Version>, DbError> {
    let row: Option<Version> =
        contract_versions::table.find(id).select(Version::as_select()).first(db).optional()?;
    let hides = matches!(viewer.scope(), Scope::One(_));
    Ok(row.filter(|row| viewer.sees(row.partner_id) && !(hides && unread().contains(&row.status.as_str()))))
}

/// Adds a version.
///
/// # Errors
/// The engine's reason.
pub fn version_insert(db: &mut Db, version: &Version) -> Result<(), DbError> {
    diesel::insert_into(contract_versions::table).values(version).execute(db)?;
    Ok(())
}

/// Stores dates, state, summary, limits, approval and signature of a version.
///
/// # Errors
/// The engine's reason.
pub fn version_update(db: &mut Db, version: &Version) -> Result<(), DbError> {
    diesel::update(contract_versions::table.find(version.id))
        .set((
            contract_versions::kind.eq(&version.kind),
            contract_versions::valid_from.eq(version.valid_from),
            contract_versions::valid_to.eq(version.valid_to),
            contract_versions::status.eq(&version.status),
            contract_versions::change_summary.eq(&version.change_summary),
            contract_versions::caps.eq(&version.caps),
            contract_versions::authors.eq(&version.authors),
            contract_versions::approved_by.eq(&version.approved_by),
            contract_versions::approved_at.eq(version.approved_at),
            contract_versions::rating.eq(&version.rating),
            contract_versions::agreed.eq(&version.agreed),
            contract_versions::terms_sha256.eq(&version.terms_sha256),
            contract_versions::signed_by.eq(&version.signed_by),
            contract_versions::signed_at.eq(version.signed_at),
        ))
        .execute(db)?;
    Ok(())
}

/// Removes a draft and all it says. The caller has checked that it is one.
///
/// # Errors
/// The engine's reason.
pub fn version_delete(db: &mut Db, id: i64) -> Result<(), DbError> {
    version_clear(db, id)?;
    super::rate::pricing_delete(db, id)?;
    diesel::delete(contract_versions::table.find(id)).execute(db)?;
    Ok(())
}

/// Removes rates, targets and clauses of a draft, to be written anew. The caller has checked that it is one.
///
/// # Errors
/// The engine's reason.
pub fn version_clear(db: &mut Db, id: i64) -> Result<(), DbError> {
    diesel::delete(accessorial_rates::table.filter(accessorial_rates::contract_version_id.eq(id)))
        .execute(db)?;
    diesel::delete(kpi_targets::table.filter(kpi_targets::contract_version_id.eq(id))).execute(db)?;
    diesel::delete(clauses::table.filter(clauses::contract_version_id.eq(id))).execute(db)?;
    Ok(())
}

/// A limit over all clauses, as the version row keeps it.
///
/// # Errors
/// [`DbError::Stored`] when it cannot be written, which no value is known to do.
pub fn caps_text(caps: &ContractCap) -> Result<String, DbError> {
    json_text(caps, "limits of contract version", 0)
}

/// Everything a version says; none when it does not exist or the viewer may not see it.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn terms_load(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<Option<Terms>, DbError> {
    let Some(version) = version_show(db, viewer, version_id)? else {
        return Ok(None);
    };
    let Some(contract) = contract_show(db, viewer, version.contract_id)? else {
        return Ok(None);
    };
    terms_of(db, contract, &version).map(Some)
}

fn terms_of(db: &mut Db, contract: Contract, version: &Version) -> Result<Terms, DbError> {
    let mut parts = Parts::read(db, &[(&contract, version)])?;
    parts.terms(contract, version)
}

/// Hands on everything each of some versions says, read together: so many statements for `VERSIONS_AT_ONCE` of them as
/// for one. Those whose partner the viewer may not see are left out.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn terms_each(
    db: &mut Db,
    viewer: &Viewer,
    versions: &[(&Contract, &Version)],
    mut each: impl FnMut(Terms),
) -> Result<(), DbError> {
    let seen: Vec<(&Contract, &Version)> =
        versions.iter().copied().filter(|(_, version)| viewer.sees(version.partner_id)).collect();
    for some in seen.chunks(VERSIONS_AT_ONCE) {
        let mut parts = Parts::read(db, some)?;
        for (contract, version) in some {
            each(parts.terms((*contract).clone(), version)?);
        }
    }
    Ok(())
}

/// Versions whose texts are in memory at once.
const VERSIONS_AT_ONCE: usize = 100;

/// What stands beside the rows of some versions, by version.
struct Parts {
    rests: BTreeMap<i64, Vec<Days>>,
    rates: BTreeMap<i64, Vec<AccessorialRate>>,
    targets: BTreeMap<i64, Vec<KpiTarget>>,
    clauses: BTreeMap<i64, Vec<Clause>>,
    pricing: BTreeMap<i64, Pricing>,
}

impl Parts {
    fn read(db: &mut Db, versions: &[(&Contract, &Version)]) -> Result<Self, DbError> {
        let ids: Vec<i64> = versions.iter().map(|(_, version)| version.id).collect();
        let priced = versions.iter().map(|(contract, version)| (*version, contract.currency));
        Ok(Self {
            rests: rests_of(db, &ids)?,
            rates: rates_of(db, &ids)?,
            targets: targets_of(db, &ids)?,
            clauses: clauses_of(db, &ids)?,
            pricing: super::rate::pricing_of(db, &priced.collect::<Vec<_>>())?,
        })
    }

    /// The whole text of one of the versions.
    fn terms(&mut self, contract: Contract, version: &Version) -> Result<Terms, DbError> {
        let dates = version.dates()?;
        let id = version.id;
        Ok(Terms {
            agreed: version.agreed_frame()?,
            rests: self.rests.remove(&id).unwrap_or_default(),
            contract_id: contract.id,
            number: contract.number,
            title: contract.title,
            partner_id: contract.partner_id,
            currency: contract.currency,
            term: contract.term,
            version_id: version.id,
            version_no: version.version,
            status: dates.status,
            valid_from: dates.valid_from,
            valid_to: dates.valid_to,
            caps: json(&version.caps, "limits of contract version", id)?,
            rates: self.rates.remove(&id).unwrap_or_default(),
            targets: self.targets.remove(&id).unwrap_or_default(),
            clauses: self.clauses.remove(&id).unwrap_or_default(),
            pricing: self.pricing.remove(&id).unwrap_or_else(|| Pricing::none(contract.currency)),
        })
    }
}

/// The days on which versions rested, from their histories.
fn rests_of(db: &mut Db, ids: &[i64]) -> Result<BTreeMap<i64, Vec<Days>>, DbError> {
    let rows: Vec<(i64, String, Option<Day>)> = contract_events::table
        .filter(contract_events::contract_version_id.eq_any(ids))
        .filter(contract_events::step.eq_any([Step::Suspend.code(), Step::Resume.code()]))
        .order((contract_events::contract_version_id.asc(), contract_events::seq.asc()))
        .select((contract_events::contract_version_id, contract_events::step, contract_events::day))
        .load(db)?;
    let mut found: BTreeMap<i64, Vec<Days>> = BTreeMap::new();
    for (id, step, day) in rows {
        let Some(Day(day)) = day else { continue };
        let rests = found.entry(id).or_default();
        if step == Step::Suspend.code() {
            rests.push((day, None));
        } else if let Some(last) = rests.last_mut() {
            last.1 = Some(day);
        }
    }
    Ok(found)
}

fn rates_of(db: &mut Db, ids: &[i64]) -> Result<BTreeMap<i64, Vec<AccessorialRate>>, DbError> {
    let rows: Vec<(i64, i64, String)> = accessorial_rates::table
        .filter(accessorial_rates::contract_version_id.eq_any(ids))
        .order((accessorial_rates::contract_version_id.asc(), accessorial_rates::code.asc()))
        .select((accessorial_rates::contract_version_id, accessorial_rates::id, accessorial_rates::terms))
        .load(db)?;
    let mut found: BTreeMap<i64, Vec<AccessorialRate>> = BTreeMap::new();
    for (version_id, id, terms) in rows {
        found.entry(version_id).or_default().push(json(&terms, "accessorial rate", id)?);
    }
    Ok(found)
}

fn targets_of(db: &mut Db, ids: &[i64]) -> Result<BTreeMap<i64, Vec<KpiTarget>>, DbError> {
    let rows: Vec<(i64, String, i64, i64, i64)> = kpi_targets::table
        .filter(kpi_targets::contract_version_id.eq_any(ids))
        .order((kpi_targets::contract_version_id.asc(), kpi_targets::kpi.asc()))
        .select((
            kpi_targets::contract_version_id,
            kpi_targets::kpi,
            kpi_targets::floor_micros,
            kpi_targets::target_micros,
            kpi_targets::stretch_micros,
        ))
        .load(db)?;
    let mut found: BTreeMap<i64, Vec<KpiTarget>> = BTreeMap::new();
    for (version_id, kpi, floor, target, stretch) in rows {
        let [floor, target, stretch] = [floor, target, stretch].map(Micros);
        found.entry(version_id).or_default().push(KpiTarget { kpi, floor, target, stretch });
    }
    Ok(found)
}

fn clauses_of(db: &mut Db, ids: &[i64]) -> Result<BTreeMap<i64, Vec<Clause>>, DbError> {
    let rows: Vec<(i64, i64, String, String, String)> = clauses::table
        .filter(clauses::contract_version_id.eq_any(ids))
        .order((clauses::contract_version_id.asc(), clauses::code.asc()))
        .select((clauses::contract_version_id, clauses::id, clauses::code, clauses::title, clauses::terms))
        .load(db)?;
    let mut found: BTreeMap<i64, Vec<Clause>> = BTreeMap::new();
    for (version_id, id, code, title, terms) in rows {
        let terms = ClauseTerms::from_json(&terms).map_err(|error| stored("clause", id, error))?;
        found.entry(version_id).or_default().push(Clause { id, code, title, terms });
    }
    Ok(found)
}

/// The terms in force for a partner on a day, of at most one version a contract; none when no signed version holds then,
/// or when the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn terms_in_force(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    day: NaiveDate,
) -> Result<Vec<Terms>, DbError> {
    let mut found = Vec::new();
    for contract in contract_list_of_partner(db, viewer, partner_id)? {
        for version in version_list(db, viewer, contract.id)? {
            if terms::in_force(&contract.term, &version.dates()?, day) {
                found.push(terms_of(db, contract.clone(), &version)?);
            }
        }
    }
    Ok(found)
}

/// A version that holds on some day, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The version.
    pub version_id: i64,
    /// Its number.
    pub version_no: i32,
    /// The contract's number.
    pub contract: String,
}

/// Every version in force on a day, by [`terms::in_force`].
///
/// Unscoped: the score of a period asks, for all partners.
///
/// # Errors
/// [`DbError::Stored`] for rows that do not read back, or the engine's reason.
pub fn versions_in_force_unscoped(db: &mut Db, day: NaiveDate) -> Result<Vec<Holding>, DbError> {
    let rows: Vec<(ContractRow, Version)> = contracts::table
        .inner_join(contract_versions::table.on(contract_versions::contract_id.eq(contracts::id)))
        .filter(contract_versions::valid_from.le(Day(day)))
        .order((contracts::number, contract_versions::version))
        .select((ContractRow::as_select(), Version::as_select()))
        .load(db)?;
    let mut holding = Vec::new();
    for (contract, version) in rows {
        let contract = contract.read()?;
        if terms::in_force(&contract.term, &version.dates()?, day) {
            let (version_id, version_no) = (version.id, version.version);
            holding.push(Holding { version_id, version_no, contract: contract.number });
        }
    }
    Ok(holding)
}

/// Contract number and version number of versions the viewer may see, by id.
///
/// # Errors
/// The engine's reason.
pub fn version_titles(
    db: &mut Db,
    viewer: &Viewer,
    ids: &[i64],
) -> QueryResult<std::collections::BTreeMap<i64, (String, i32)>> {
    let rows: Vec<(i64, i64, String, i32)> = contract_versions::table
        .inner_join(contracts::table.on(contract_versions::contract_id.eq(contracts::id)))
        .filter(contract_versions::id.eq_any(ids))
        .select((
            contract_versions::id,
            contract_versions::partner_id,
            contracts::number,
            contract_versions::version,
        ))
        .load(db)?;
    let seen = rows.into_iter().filter(|(_, partner_id, ..)| viewer.sees(*partner_id));
    Ok(seen.map(|(id, _, number, version)| (id, (number, version))).collect())
}

/// The contract versions in force on `day`, by partner.
///
/// Unscoped: scoring chooses the template of every partner by them.
///
/// # Errors
/// As [`versions_in_force_unscoped`].
pub fn contracts_in_force(
    db: &mut Db,
    day: NaiveDate,
) -> Result<std::collections::BTreeMap<i64, Vec<i64>>, DbError> {
    let ids: Vec<i64> = versions_in_force_unscoped(db, day)?.iter().map(|one| one.version_id).collect();
    let rows: Vec<(i64, i64)> = contract_versions::table
        .filter(contract_versions::id.eq_any(ids))
        .order(contract_versions::id)
        .select((contract_versions::partner_id, contract_versions::id))
        .load(db)?;
    let mut by_partner = std::collections::BTreeMap::<i64, Vec<i64>>::new();
    for (partner_id, id) in rows {
        by_partner.entry(partner_id).or_default().push(id);
    }
    Ok(by_partner)
}

/// Every signed version of a partner that holds on some day of `[from, to)`, by first day.
///
/// # Errors
/// [`DbError::Stored`] for terms that do not read back, or the engine's reason.
pub fn terms_between(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Terms>, DbError> {
    let mut found = Vec::new();
    for contract in contract_list_of_partner(db, viewer, partner_id)? {
        for version in version_list(db, viewer, contract.id)? {
            if !version.state()?.binds() {
                continue;
            }
            let terms = terms_of(db, contract.clone(), &version)?;
            let (first, end) = terms.in_force_days();
            if first < to && end.is_none_or(|end| from < end && first < end) {
                found.push(terms);
            }
        }
    }
    found.sort_by_key(|terms| (terms.valid_from, terms.version_id));
    Ok(found)
}

/// Writes a rate, in the place of the one with the same code if there is one.
///
/// # Errors
/// The engine's reason.
pub fn rate_upsert(db: &mut Db, id: i64, version: &Version, rate: &AccessorialRate) -> Result<(), DbError> {
    let terms = json_text(rate, "accessorial rate", id)?;
    let micros = rate.rate.unwrap_or(Micros::ZERO).0;
    diesel::insert_into(accessorial_rates::table)
        .values((
            accessorial_rates::id.eq(id),
            accessorial_rates::contract_version_id.eq(version.id),
            accessorial_rates::partner_id.eq(version.partner_id),
            accessorial_rates::code.eq(&rate.code),
            accessorial_rates::terms.eq(&terms),
            accessorial_rates::rate_micros.eq(micros),
        ))
        .on_conflict((accessorial_rates::contract_version_id, accessorial_rates::code))
        .do_update()
        .set((accessorial_rates::terms.eq(&terms), accessorial_rates::rate_micros.eq(micros)))
        .both()
        .execute(db)?;
    Ok(())
}

/// Codes of the accessorial rates of a version whose amount, kept beside the text for search, is not that of the text.
///
/// Unscoped: only `verify` asks, for all partners.
///
/// # Errors
/// [`DbError::Stored`] for a rate that does not read back, or the engine's reason.
pub fn rates_differ_unscoped(db: &mut Db, version_id: i64) -> Result<Vec<String>, DbError> {
    let rows: Vec<(i64, String, i64, String)> = accessorial_rates::table
        .filter(accessorial_rates::contract_version_id.eq(version_id))
        .order(accessorial_rates::code.asc())
        .select((
            accessorial_rates::id,
            accessorial_rates::code,
            accessorial_rates::rate_micros,
            accessorial_rates::terms,
        ))
        .load(db)?;
    let mut codes = Vec::new();
    for (id, code, micros, terms) in rows {
        let rate: AccessorialRate = json(&terms, "accessorial rate", id)?;
        if (rate.rate.unwrap_or(Micros::ZERO).0, &rate.code) != (micros, &code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

/// Removes a rate. Says whether there was one.
///
/// # Errors
/// The engine's reason.
pub fn rate_delete(db: &mut Db, version_id: i64, code: &str) -> Result<bool, DbError> {
    let rows = accessorial_rates::table
        .filter(accessorial_rates::contract_version_id.eq(version_id))
        .filter(accessorial_rates::code.eq(code));
    Ok(diesel::delete(rows).execute(db)? > 0)
}

/// Writes a target, in the place of the one for the same KPI if there is one.
///
/// # Errors
/// The engine's reason.
pub fn target_upsert(db: &mut Db, id: i64, version: &Version, target: &KpiTarget) -> Result<(), DbError> {
    let values = (
        kpi_targets::floor_micros.eq(target.floor.0),
        kpi_targets::target_micros.eq(target.target.0),
        kpi_targets::stretch_micros.eq(target.stretch.0),
    );
    diesel::insert_into(kpi_targets::table)
        .values((
            kpi_targets::id.eq(id),
            kpi_targets::contract_version_id.eq(version.id),
            kpi_targets::partner_id.eq(version.partner_id),
            kpi_targets::kpi.eq(&target.kpi),
            values,
        ))
        .on_conflict((kpi_targets::contract_version_id, kpi_targets::kpi))
        .do_update()
        .set(values)
        .both()
        .execute(db)?;
    Ok(())
}

/// Removes a target. Says whether there was one.
///
/// # Errors
/// The engine's reason.
pub fn target_delete(db: &mut Db, version_id: i64, kpi: &str) -> Result<bool, DbError> {
    let rows = kpi_targets::table
        .filter(kpi_targets::contract_version_id.eq(version_id))
        .filter(kpi_targets::kpi.eq(kpi));
    Ok(diesel::delete(rows).execute(db)? > 0)
}

/// Writes a clause, in the place of the one with the same code if there is one; that one keeps its id.
///
/// # Errors
/// The engine's reason.
pub fn clause_upsert(db: &mut Db, id: i64, version: &Version, clause: &Clause) -> Result<(), DbError> {
    let terms = clause.terms.to_json().map_err(|error| stored("clause", id, error))?;
    let kind = clause.terms.rule.code();
    let values = (clauses::title.eq(&clause.title), clauses::kind.eq(kind), clauses::terms.eq(&terms));
    diesel::insert_into(clauses::table)
        .values((
            clauses::id.eq(id),
            clauses::contract_version_id.eq(version.id),
            clauses::partner_id.eq(version.partner_id),
            clauses::code.eq(&clause.code),
            values,
        ))
        .on_conflict((clauses::contract_version_id, clauses::code))
        .do_update()
        .set(values)
        .both()
        .execute(db)?;
    Ok(())
}

/// Removes a clause. Says whether there was one.
///
/// # Errors
/// The engine's reason.
pub fn clause_delete(db: &mut Db, version_id: i64, code: &str) -> Result<bool, DbError> {
    let rows =
        clauses::table.filter(clauses::contract_version_id.eq(version_id)).filter(clauses::code.eq(code));
    Ok(diesel::delete(rows).execute(db)? > 0)
}

/// A calendar notice as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = contract_notices)]
pub struct NoticeRow {
    /// The contract.
    pub contract_id: i64,
    /// The carrier.
    pub partner_id: i64,
    /// `NOTICE` for the notice deadline, `EXPIRY` for the end of the term.
    pub kind: String,
    /// The deadline.
    pub due_day: Day,
    /// Which of the alert days before it.
    pub days_before: i32,
    /// When it was raised.
    pub raised_at: Instant,
}

/// Writes a notice once. Says whether it is new.
///
/// # Errors
/// The engine's reason.
pub fn notice_insert(db: &mut Db, notice: &NoticeRow) -> Result<bool, DbError> {
    let added = diesel::insert_into(contract_notices::table)
        .values(notice)
        .on_conflict((
            contract_notices::contract_id,
            contract_notices::kind,
            contract_notices::due_day,
            contract_notices::days_before,
        ))
        .do_nothing()
        .both()
        .execute(db)?;
    Ok(added > 0)
}

/// The notices of one contract, newest first; none when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn notice_list(db: &mut Db, viewer: &Viewer, contract: &Contract) -> Result<Vec<NoticeRow>, DbError> {
    if !viewer.sees(contract.partner_id) {
        return Ok(Vec::new());
    }
    Ok(contract_notices::table
        .filter(contract_notices::contract_id.eq(contract.id))
        .order((contract_notices::raised_at.desc(), contract_notices::days_before.asc()))
        .limit(ROWS_MAX)
        .select(NoticeRow::as_select())
        .load(db)?)
}

/// What was done to a contract or its versions, newest first; nothing when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn contract_history(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    subjects: &[String],
) -> Result<Vec<AuditRow>, DbError> {
    if !viewer.sees(contract.partner_id) {
        return Ok(Vec::new());
    }
    Ok(audit_log::table
        .filter(audit_log::partner_id.eq(contract.partner_id))
        .filter(audit_log::subject.eq_any(subjects))
        .order(audit_log::id.desc())
        .limit(HISTORY_ROWS_MAX)
        .load(db)?)
}
