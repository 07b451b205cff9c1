//! Writing a version: a copy of the one before, its rates, targets, clauses and limits. Every edit names the
//! state it was made on and gives back the new one; an edit made on an older state is refused.

use crate::db::contract::{self as store, Contract, Version};
use crate::db::dialect::write_tx;
use crate::db::rate::{item_put, pricing_replace, rating_text, table_insert};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::clause::ContractCap;
use crate::domain::contract::{ContractStatus, ContractVersionStatus, VersionFields, VersionKind};
use crate::domain::lifecycle::{Step, VersionOptions};
use crate::domain::rate::form::TermItem;
use crate::domain::rate::{Pricing, RateTerms, TableSeal};
use crate::domain::terms::{Clause, KpiTarget, Terms, rate_text, sha256_hex};
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed, valid};
use super::lifecycle::{Turn, take};
use super::negotiate::{draft_is_free, frame_is_free};
use super::prior::{priors_store, version_before};
use super::{log, version_subject};

/// Most rates, targets or clauses of one version.
pub const LINES_MAX: usize = 200;

/// The token of a version: changes with every edit of it.
#[must_use]
pub fn seen(version: &Version, terms: &Terms) -> String {
    sha256_hex(&format!("{version:?}{}", terms.hash()))
}

/// The token a form must bring back for the version with this id.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn version_seen(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<String, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let (version, terms) = load(db, viewer, version_id)?;
    Ok(seen(&version, &terms))
}

pub(super) fn load(db: &mut Db, viewer: &Viewer, id: i64) -> Result<(Version, Terms), EditError> {
    let missing = || EditError::NotFound("contract version");
    let version = store::version_show(db, viewer, id)?.ok_or_else(missing)?;
    let terms = store::terms_load(db, viewer, id)?.ok_or_else(missing)?;
    Ok((version, terms))
}

/// The version, locked until the transaction ends, if it is a draft and still is what the viewer saw.
fn locked(db: &mut Db, viewer: &Viewer, id: i64, was: &str) -> Result<(Version, Terms), EditError> {
    let (found, terms) = load(db, viewer, id)?;
    store::contract_lock(db, found.partner_id)?;
    if load(db, viewer, id)?.0.status != ContractVersionStatus::Draft.code() {
        return Err(EditError::NotDraft { contract: terms.number, version_no: found.version });
    }
    draft_is_free(db, &terms.number, &found)?;
    current(db, viewer, id, was)
}

/// The version, locked until the transaction ends, if it still is what the viewer saw.
pub(super) fn current(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
) -> Result<(Version, Terms), EditError> {
    let (found, _) = load(db, viewer, id)?;
    store::contract_lock(db, found.partner_id)?;
    let (version, terms) = load(db, viewer, id)?;
    if seen(&version, &terms) != was {
        return Err(EditError::Stale("version"));
    }
    Ok((version, terms))
}

/// One edit of a draft: lock, change, write down, give the new token. `work` says what it did.
pub(super) fn change(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    work: impl FnOnce(&mut Db, &Version, &Terms) -> Result<String, EditError>,
) -> Result<String, EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let (version, terms) = locked(db, viewer, id, was)?;
        let detail = work(db, &version, &terms)?;
        let what = version_subject(&terms.number, version.version);
        log(app, db, viewer, "contract.edit_version", &what, version.partner_id, &detail)?;
        let (mut version, terms) = load(db, viewer, id)?;
        version.author_add(viewer);
        store::version_update(db, &version)?;
        Ok(seen(&version, &terms))
    })
}

/// Starts the next version as a copy of the newest one and gives its id.
///
/// # Errors
/// [`EditError::DraftExists`] while another one is not signed yet, [`EditError::WrongState`] when the contract has
/// ended, [`EditError::Invalid`] with the fields to correct, or the
/// database's reason.
pub fn version_create(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    fields: &VersionFields,
) -> Result<i64, EditError> {
    write_tx(db, |db| version_create_in_tx(app, db, viewer, contract_id, fields))
}

/// As [`version_create`], inside the caller's transaction.
pub(in crate::app) fn version_create_in_tx(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    fields: &VersionFields,
) -> Result<i64, EditError> {
    allowed(viewer, Action::EditContracts)?;
    let contract = store::contract_show(db, viewer, contract_id)?.ok_or(EditError::NotFound("contract"))?;
    store::contract_lock(db, contract.partner_id)?;
    let versions = store::version_list(db, viewer, contract_id)?;
    let source = source(&contract, &versions)?;
    valid(fields.validate(&contract.term))?;
    if fields.kind == VersionKind::Original {
        return Err(EditError::field("kind", "only version 1 has the first terms; choose another kind"));
    }
    let terms = store::terms_load(db, viewer, source.id)?.ok_or(EditError::NotFound("contract version"))?;
    let mut version = Version {
        id: app.id(),
        version: versions.iter().map(|v| v.version).max().unwrap_or(0).saturating_add(1),
        kind: fields.kind.code().to_owned(),
        valid_from: Day(fields.valid_from),
        valid_to: None,
        status: ContractVersionStatus::Draft.code().to_owned(),
        change_summary: fields.change_summary.trim().to_owned(),
        authors: String::new(),
        created_by: viewer.name.clone(),
        created_at: Instant(app.now()),
        approved_by: None,
        approved_at: None,
        agreed: String::new(),
        terms_sha256: String::new(),
        signed_by: None,
        signed_at: None,
        ..source.clone()
    };
    version.author_add(viewer);
    store::version_insert(db, &version)?;
    take(app, db, Some(viewer), &contract.number, &mut version, Turn::of(Step::Start))?;
    fill(app, db, &version, &terms)?;
    let detail = format!("from version {}", source.version);
    let what = version_subject(&contract.number, version.version);
    log(app, db, viewer, "contract.start_version", &what, version.partner_id, &detail)?;
    Ok(version.id)
}

/// The version a new one is copied from: the newest one, once it is signed.
fn source<'a>(contract: &Contract, versions: &'a [Version]) -> Result<&'a Version, EditError> {
    for version in versions {
        if !version.state()?.binds() {
            let (contract, version_no) = (contract.number.clone(), version.version);
            return Err(EditError::DraftExists { contract, version_no });
        }
    }
    let ended = matches!(contract.term.status, ContractStatus::Expired | ContractStatus::Terminated);
    let wrong = |next| EditError::WrongState {
        contract: contract.number.clone(),
        status: contract.term.status.label(),
        next,
    };
    if ended {
        return Err(wrong("make a new contract"));
    }
    versions
        .iter()
        .max_by_key(|version| version.version)
        .ok_or_else(|| wrong("it has no version to start from; make a new contract"))
}

fn fill(app: &App, db: &mut Db, version: &Version, terms: &Terms) -> Result<(), DbError> {
    for rate in &terms.rates {
        store::rate_upsert(db, app.id(), version, rate)?;
    }
    for target in &terms.targets {
        store::target_upsert(db, app.id(), version, target)?;
    }
    for clause in &terms.clauses {
        store::clause_upsert(db, app.id(), version, clause)?;
    }
    // The copy shares the tables until it gets others.
    pricing_replace(db, || app.id(), version, &terms.pricing)
}

/// Changes kind, first day and summary of a draft.
///
/// # Errors
/// [`EditError::Invalid`] with the fields to correct, [`EditError::Stale`], [`EditError::NotDraft`],
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn version_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    fields: &VersionFields,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        valid(fields.validate(&terms.term))?;
        if (version.version == 1) != (fields.kind == VersionKind::Original) {
            return Err(EditError::field("kind", "version 1 has the first terms, and no other version has"));
        }
        let new = Version {
            kind: fields.kind.code().to_owned(),
            valid_from: Day(fields.valid_from),
            change_summary: fields.change_summary.trim().to_owned(),
            ..version.clone()
        };
        store::version_update(db, &new)?;
        Ok(format!("in force from {}", fields.valid_from))
    })
}

/// Throws a draft away. A contract keeps its first version.
///
/// # Errors
/// As [`version_edit`]; [`EditError::WrongState`] for the only version of a contract.
pub fn version_discard(app: &App, db: &mut Db, viewer: &Viewer, id: i64, was: &str) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let (mut version, terms) = locked(db, viewer, id, was)?;
        if version.version == 1 {
            return Err(EditError::WrongState {
                contract: terms.number,
                status: terms.term.status.label(),
                next: "its first version cannot be discarded; change it instead",
            });
        }
        frame_is_free(db, &terms.number, &version)?;
        take(app, db, Some(viewer), &terms.number, &mut version, Turn::of(Step::Discard))?;
        store::version_delete(db, id)?;
        let what = version_subject(&terms.number, version.version);
        log(app, db, viewer, "contract.discard_version", &what, version.partner_id, "")?;
        Ok(())
    })
}

/// Sets the limit over all clauses of a draft.
///
/// # Errors
/// As [`version_edit`].
pub fn caps_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    caps: &ContractCap,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, _| {
        valid(caps.validate())?;
        store::version_update(db, &Version { caps: store::caps_text(caps)?, ..version.clone() })?;
        Ok(caps.explain().unwrap_or_else(|| "no limit over all clauses".to_owned()))
    })
}

/// Sets baseline, dispute window and price cap of a draft.
///
/// # Errors
/// As [`version_edit`].
pub fn options_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    options: &VersionOptions,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        valid(options.validate())?;
        let mut parameters = terms.pricing.terms.parameters.clone();
        options.replace(&mut parameters);
        let changed = Version { rating: rating_text(&parameters)?, ..version.clone() };
        store::version_update(db, &changed)?;
        // A cap counts from the rates of the version before, so they stand in the tables with it.
        if let Some(before) = version_before(db, version.contract_id, version.version)? {
            let mut pricing = terms.pricing.clone();
            pricing.terms.parameters = parameters;
            if priors_store(app, db, &before, &mut pricing)? > 0 {
                pricing_replace(db, || app.id(), &changed, &pricing)?;
            }
        }
        let said = |what: &str, value: Option<String>| {
            format!("{what} {}", value.unwrap_or_else(|| "open".to_owned()))
        };
        let cap = options.price_cap.map(crate::domain::words::percent);
        let days = options.dispute_days.map(|days| crate::domain::words::count(days, "day"));
        let said = [
            said("baseline", options.baseline.clone()),
            said("dispute window", days),
            said("price cap", cap),
        ];
        Ok(said.join(", "))
    })
}

/// Adds a rate to a draft, or puts it in the place of the one with code `replaces`.
///
/// # Errors
/// As [`version_edit`].
pub fn rate_save(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    rate: &AccessorialRate,
    replaces: Option<&str>,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        valid(rate.validate())?;
        let codes: Vec<&str> = terms.rates.iter().map(|r| r.code.as_str()).collect();
        if place(&codes, &rate.code, replaces, "code")? {
            store::rate_delete(db, id, replaces.unwrap_or_default())?;
        }
        store::rate_upsert(db, app.id(), version, rate)?;
        Ok(format!("rate {}: {}", rate.code, rate_text(rate)))
    })
}

/// Removes a rate from a draft.
///
/// # Errors
/// As [`version_edit`].
pub fn rate_remove(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    code: &str,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, _| {
        removed(store::rate_delete(db, version.id, code)?, "rate")?;
        Ok(format!("rate {code} removed"))
    })
}

/// Adds a target to a draft, or puts it in the place of the one for the KPI `replaces`.
///
/// # Errors
/// As [`version_edit`].
pub fn target_save(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    target: &KpiTarget,
    replaces: Option<&str>,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        valid(target.validate())?;
        let kpis: Vec<&str> = terms.targets.iter().map(|t| t.kpi.as_str()).collect();
        if place(&kpis, &target.kpi, replaces, "kpi")? {
            store::target_delete(db, id, replaces.unwrap_or_default())?;
        }
        store::target_upsert(db, app.id(), version, target)?;
        Ok(format!("target {}: {}", target.kpi, target.text()))
    })
}

/// Removes a target from a draft.
///
/// # Errors
/// As [`version_edit`].
pub fn target_remove(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    kpi: &str,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, _| {
        removed(store::target_delete(db, version.id, kpi)?, "target")?;
        Ok(format!("target {kpi} removed"))
    })
}

/// Adds a clause to a draft, or puts it in the place of the one with code `replaces`.
///
/// # Errors
/// As [`version_edit`].
pub fn clause_save(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    clause: &Clause,
    replaces: Option<&str>,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, terms| {
        let clause = Clause {
            code: clause.code.trim().to_owned(),
            title: clause.title.trim().to_owned(),
            ..clause.clone()
        };
        valid(clause.validate())?;
        let codes: Vec<&str> = terms.clauses.iter().map(|c| c.code.as_str()).collect();
        if place(&codes, &clause.code, replaces, "code")? {
            store::clause_delete(db, id, replaces.unwrap_or_default())?;
        }
        store::clause_upsert(db, app.id(), version, &clause)?;
        Ok(format!("clause {}: {}", clause.code, clause.terms.explain().join(" ")))
    })
}

/// Removes a clause from a draft.
///
/// # Errors
/// As [`version_edit`].
pub fn clause_remove(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    was: &str,
    code: &str,
) -> Result<String, EditError> {
    change(app, db, viewer, id, was, |db, version, _| {
        removed(store::clause_delete(db, version.id, code)?, "clause")?;
        Ok(format!("clause {code} removed"))
    })
}

/// Puts rate terms in the place of those of a draft, inside the caller's transaction. The caller has checked
/// them. `kept` has the seal of each line whose table is stored already; of the others the cells are stored,
/// sorted. `detail` says for the audit log what was done.
pub(in crate::app) fn pricing_save_in_tx(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    mut rates: RateTerms,
    kept: Vec<Option<TableSeal>>,
    detail: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    let (mut version, terms) = load(db, viewer, version_id)?;
    if version.status != ContractVersionStatus::Draft.code() {
        return Err(EditError::NotDraft { contract: terms.number, version_no: version.version });
    }
    draft_is_free(db, &terms.number, &version)?;
    let mut tables = Vec::with_capacity(rates.lines.len());
    for (line, kept) in rates.lines.iter_mut().zip(kept) {
        let seal = match kept {
            Some(seal) => seal,
            None => {
                let seal = TableSeal { table_id: app.id(), ..TableSeal::of(&mut line.cells) };
                table_insert(db, version.partner_id, seal.table_id, &line.cells)?;
                seal
            }
        };
        // A million cells are not kept twice.
        line.cells = Vec::new();
        tables.push(seal);
    }
    version.rating = rating_text(&rates.parameters)?;
    version.author_add(viewer);
    store::version_update(db, &version)?;
    let pricing = Pricing { terms: rates, tables };
    pricing_replace(db, || app.id(), &version, &pricing)?;
    let what = version_subject(&terms.number, version.version);
    log(app, db, viewer, "contract.import_rates", &what, version.partner_id, detail)?;
    Ok(())
}

/// Puts accessorial rates and terms of a file into a draft, inside the caller's transaction, by code and by place. The
/// caller has checked them. `detail` says for the audit log what was done.
pub(in crate::app) fn terms_save_in_tx(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    (rates, items): (&[AccessorialRate], &[(TermItem, Option<usize>)]),
    detail: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    let (mut version, terms) = load(db, viewer, version_id)?;
    if version.status != ContractVersionStatus::Draft.code() {
        return Err(EditError::NotDraft { contract: terms.number, version_no: version.version });
    }
    draft_is_free(db, &terms.number, &version)?;
    for rate in rates {
        store::rate_upsert(db, app.id(), &version, rate)?;
    }
    for (item, place) in items {
        removed(item_put(db, &version, item, *place)?, item.kind().label())?;
    }
    version.author_add(viewer);
    store::version_update(db, &version)?;
    let what = version_subject(&terms.number, version.version);
    log(app, db, viewer, "contract.import_terms", &what, version.partner_id, detail)?;
    Ok(())
}

/// Whether the line `replaces` must be removed first because it gets another code.
fn place(codes: &[&str], code: &str, replaces: Option<&str>, field: &str) -> Result<bool, EditError> {
    if let Some(old) = replaces {
        removed(codes.contains(&old), "line")?;
    }
    if replaces != Some(code) && codes.contains(&code) {
        return Err(EditError::field(field, "is in the list already; change that line instead"));
    }
    if replaces.is_none() && codes.len() >= LINES_MAX {
        return Err(EditError::field(field, "a version holds at most 200 lines of a kind; remove one first"));
    }
    Ok(replaces.is_some_and(|old| old != code))
}

pub(super) fn removed(found: bool, what: &'static str) -> Result<(), EditError> {
    if found { Ok(()) } else { Err(EditError::NotFound(what)) }
}
