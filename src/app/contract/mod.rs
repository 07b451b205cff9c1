//! Contracts: list, show, create, change the frame, give notice. [`draft`] edits a version that is being
//! written, [`lifecycle`] takes it through review, approval and signature into force and to the end of its term,
//! [`rest`] suspends and ends it early, [`own`] is what its partner sees.

pub mod cell_edit;
pub mod draft;
pub mod known;
pub mod lifecycle;
pub mod negotiate;
mod negotiate_mail;
pub mod negotiate_view;
pub mod own;
pub(in crate::app) mod prior;
pub mod rest;
pub mod seal;
mod step_mail;
pub mod term_edit;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use crate::db::audit::AuditRow;
use crate::db::contract::{self as store, Contract, ContractListed, NoticeRow, Version};
use crate::db::contract_event::{EventRow, event_list, event_list_of_contract};
use crate::db::declared_event::lane_ends;
use crate::db::dialect::write_tx;
use crate::db::market::fuel_index_list;
use crate::db::measure::services_and_modes_unscoped;
use crate::db::partner::{Partner, partner_show};
use crate::db::rate::table_cells;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::clause::{ClauseScope, ContractCap, NamesSeen};
use crate::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, ContractVersionStatus, NoticeDeadline, RenewalKind,
    VersionKind,
};
use crate::domain::expected::place;
use crate::domain::lifecycle::{Missing, Step, missing, worth_a_look};
use crate::domain::negotiation::Talk;
use crate::domain::notice::Decided;
use crate::domain::period::is_kept;
use crate::domain::rate::RateLine;
use crate::domain::terms::{self, Change, Terms, redline, redline_summary, sha256_hex};
use crate::domain::viewer::{Action, Viewer};

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::expected::view::{Coverage, coverage};
use lifecycle::{Turn, take};

/// Cells of one table up to which the contract page compares them one by one.
const REDLINE_CELLS_MAX: usize = 100_000;

/// The calendar deadlines are counted on: Monday to Friday.
#[must_use]
pub fn deadline_calendar() -> BusinessCalendar {
    BusinessCalendar::weekdays([])
}

/// A contract in the list, with its next deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractLine {
    /// The contract and its partner.
    pub listed: ContractListed,
    /// The next notice deadline; none for drafts, past and open-ended contracts.
    pub deadline: Option<NoticeDeadline>,
    /// Days from today to the deadline.
    pub days_left: Option<i64>,
    /// The money at stake while it is not over: freight of its partner in twelve months, in the reporting currency.
    pub stake: Option<Decimal>,
}

/// One version in the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLine {
    /// The version.
    pub version: Version,
    /// What it changed against the one before: `2 rates, 1 clause`.
    pub changed: String,
    /// Whether it is in force today.
    pub in_force: bool,
}

/// Everything the contract page shows about one version.
#[derive(Clone, Debug)]
pub struct ContractPage {
    /// The contract.
    pub contract: Contract,
    /// The carrier.
    pub partner: Partner,
    /// Token of the frame, for an edit of it.
    pub contract_seen: String,
    /// All versions, newest first.
    pub versions: Vec<VersionLine>,
    /// The version shown.
    pub version: Version,
    /// What it says.
    pub terms: Terms,
    /// Token of the version shown, for an edit of it.
    pub seen: String,
    /// Number of the version before, when there is one.
    pub before: Option<i32>,
    /// What the version shown changes against the one before.
    pub redline: Vec<Change>,
    /// The next notice deadline.
    pub deadline: Option<NoticeDeadline>,
    /// Notices raised so far, newest first.
    pub notices: Vec<NoticeRow>,
    /// What was done to the contract and the version shown, newest first.
    pub history: Vec<AuditRow>,
    /// The steps of the version shown, first one first.
    pub steps: Vec<EventRow>,
    /// The steps of all versions, newest first.
    pub events: Vec<EventRow>,
    /// What keeps the version shown from being approved, while it is not.
    pub missing: Vec<Missing>,
    /// How many shipments its versions price, and why others need rates.
    pub coverage: Coverage,
    /// Whether the viewer may change the version shown: it is a draft and the role allows it.
    pub may_edit: bool,
    /// The steps the viewer may take with the version shown, by state and role.
    pub may: Vec<Step>,
    /// Whether the viewer's own work keeps them from approving it.
    pub own_work: bool,
    /// Where the negotiation over the version shown stands.
    pub talk: Talk,
    /// Today, as the page counts days.
    pub today: NaiveDate,
}

/// The list of these contracts, the soonest deadline first, those without one after. `spend` is the freight of a year by
/// partner.
pub(in crate::app) fn contract_lines(
    contracts: Vec<ContractListed>,
    spend: &BTreeMap<i64, Decimal>,
    today: NaiveDate,
) -> Vec<ContractLine> {
    let mut lines: Vec<ContractLine> = contracts
        .into_iter()
        .map(|listed| {
            let deadline = next_deadline(&listed.contract.term, today);
            let days_left = deadline.map(|due| (due.deadline - today).num_days());
            let term = &listed.contract.term;
            let is_over = matches!(term.status, ContractStatus::Expired | ContractStatus::Terminated);
            let stake = spend.get(&listed.contract.partner_id).copied().filter(|_| !is_over);
            ContractLine { listed, deadline, days_left, stake }
        })
        .collect();
    lines.sort_by_key(|line| (line.deadline.is_none(), line.deadline.map(|due| due.deadline)));
    lines
}

/// Refuses to change number, term and currency of a contract when what holds them is looked at, sealed or signed: that does
/// not change under anybody's eyes. `states` are those of its versions.
///
/// # Errors
/// [`EditError::WrongState`] with what to do instead.
pub fn frame_is_open<'a>(
    contract: &Contract,
    mut states: impl Iterator<Item = &'a str>,
) -> Result<(), EditError> {
    let (status, next) = match contract.term.status {
        ContractStatus::Draft if states.all(|state| state == ContractVersionStatus::Draft.code()) => {
            return Ok(());
        }
        ContractStatus::Draft => {
            ("waiting for approval or signature", "have the version returned or taken back first")
        }
        other => (other.label(), "start a new version to change its terms, or give notice"),
    };
    Err(EditError::WrongState { contract: contract.number.clone(), status, next })
}

/// The contracts of one partner with their deadlines, by number.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn contracts_of_partner(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<Vec<(Contract, Option<NoticeDeadline>)>, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let today = app.today(db)?;
    let contracts = store::contract_list_of_partner(db, viewer, partner_id)?;
    Ok(contracts
        .into_iter()
        .map(|contract| {
            let deadline = next_deadline(&contract.term, today);
            (contract, deadline)
        })
        .collect())
}

/// The next notice deadline of a running contract.
#[must_use]
pub fn next_deadline(term: &ContractTerm, today: NaiveDate) -> Option<NoticeDeadline> {
    if term.status.term_runs() { term.next_deadline(today, &deadline_calendar()) } else { None }
}

/// What is decided about the end of a contract's term.
///
/// # Errors
/// [`DbError::Stored`] for dates that do not read back, or the engine's reason.
pub(in crate::app) fn decided(db: &mut Db, contract: &Contract) -> Result<Decided, DbError> {
    let system = Viewer::system();
    let own = store::version_list(db, &system, contract.id)?;
    let siblings = store::contract_list_of_partner(db, &system, contract.partner_id)?;
    let mut others = Vec::new();
    for other in siblings.iter().filter(|other| other.id != contract.id) {
        others
            .extend(store::version_list(db, &system, other.id)?.into_iter().map(|version| (other, version)));
    }
    decided_by(contract, &own, others.iter().map(|(other, version)| (*other, version)))
}

/// The same, of versions that are loaded: the contract's own, newest first, and those of the partner's other contracts.
///
/// # Errors
/// [`DbError::Stored`] for dates that do not read back.
pub(in crate::app) fn decided_by<'a>(
    contract: &Contract,
    own: &[Version],
    others: impl Iterator<Item = (&'a Contract, &'a Version)>,
) -> Result<Decided, DbError> {
    let mut agreed = None;
    // The last text that both sides signed.
    for version in own {
        if agreed.is_none() && version.state()?.binds() {
            agreed = version.agreed_frame()?;
        }
    }
    let others = others.map(|(other, version)| Ok((other.term.clone(), version.dates()?)));
    let others = others.collect::<Result<Vec<_>, DbError>>()?;
    Ok(Decided::of(&contract.term, agreed.as_ref(), &others))
}

/// What facts name of what the clauses of a version are about, of any partner; nothing is read where no clause names such a thing.
fn names_seen(db: &mut Db, terms: &Terms) -> Result<NamesSeen, DbError> {
    let any = |names: fn(&ClauseScope) -> bool| terms.clauses.iter().any(|clause| names(&clause.terms.scope));
    let mut seen = NamesSeen::default();
    if any(|scope| !scope.sites.is_empty()) {
        let ends = lane_ends(db)?.into_values().flat_map(|(from, to, _)| [place(&from, ""), place(&to, "")]);
        let names = ends.flat_map(|end| [end.facility, end.port]);
        seen.sites = names.filter(|name| !name.is_empty()).collect();
    }
    if any(|scope| !(scope.modes.is_empty() && scope.services.is_empty())) {
        (seen.services, seen.modes) = services_and_modes_unscoped(db)?;
    }
    Ok(seen)
}

/// What keeps nobody from approving the version shown, and should be looked at first, while it is not approved.
///
/// # Errors
/// The database's reason.
pub fn contract_notes(db: &mut Db, shown: &ContractPage) -> Result<Vec<Missing>, DbError> {
    if !shown.terms.status.is_open() {
        return Ok(Vec::new());
    }
    Ok(worth_a_look(&shown.terms, &fuel_index_list(db)?, &names_seen(db, &shown.terms)?))
}

/// One contract, and of its versions the one with number `version_no`, or else the one in force, or else
/// the newest.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn contract_show(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    version_no: Option<i32>,
) -> Result<ContractPage, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let contract = store::contract_show(db, viewer, id)?.ok_or(EditError::NotFound("contract"))?;
    let partner = partner_show(db, viewer, contract.partner_id)?.ok_or(EditError::NotFound("contract"))?;
    let today = app.today(db)?;
    let all = versions_with_terms(db, viewer, id)?;
    let (version, mut terms) = chosen(&all, version_no, today)?.clone();
    let mut previous = before(&all, &version).cloned();
    if let Some(previous) = &mut previous {
        changed_tables_load(db, viewer, previous, &mut terms)?;
    }
    let previous = previous.as_ref();
    let own_work = version.is_work_of(viewer);
    let state = version.state()?;
    let draft = state == ContractVersionStatus::Draft;
    let (_, talk) = negotiate::history(db, viewer, version.id)?;
    // Rate tables are checked when they are loaded and again at approval, not at each look.
    let missing = if state.is_open() { missing(&terms) } else { Vec::new() };
    let subjects = [contract_subject(&contract.number), version_subject(&contract.number, version.version)];
    let history = store::contract_history(db, viewer, &contract, &subjects)?;
    Ok(ContractPage {
        contract_seen: contract_seen(&contract),
        versions: timeline(&all, today),
        seen: draft::seen(&version, &terms),
        before: previous.map(|terms| terms.version_no),
        redline: previous.map(|previous| redline(previous, &terms)).unwrap_or_default(),
        deadline: next_deadline(&contract.term, today),
        notices: store::notice_list(db, viewer, &contract)?,
        history,
        steps: event_list(db, viewer, contract.partner_id, version.id)?,
        events: event_list_of_contract(db, viewer, &contract)?,
        missing,
        coverage: coverage(db, viewer, (contract.partner_id, contract.id))?,
        may_edit: draft && talk.holds_draft().is_none() && viewer.role.may(Action::EditContracts),
        may: Step::ALL
            .iter()
            .copied()
            .filter(|step| step.is_open_to(state, viewer.role, own_work))
            // What waits for an answer is not sent to review.
            .filter(|step| *step != Step::Submit || talk.turn().is_none())
            .collect(),
        talk,
        own_work,
        version,
        terms,
        contract,
        partner,
        today,
    })
}

/// Every version the viewer may see with what it says, newest first.
fn versions_with_terms(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Vec<(Version, Terms)>, EditError> {
    let mut all = Vec::new();
    for version in store::version_list(db, viewer, id)? {
        let terms =
            store::terms_load(db, viewer, version.id)?.ok_or(EditError::NotFound("contract version"))?;
        all.push((version, terms));
    }
    Ok(all)
}

/// The version of that number, or else the one in force, or else the newest.
fn chosen(
    all: &[(Version, Terms)],
    version_no: Option<i32>,
    today: NaiveDate,
) -> Result<&(Version, Terms), EditError> {
    let found = match version_no {
        Some(wanted) => all.iter().find(|(version, _)| version.version == wanted),
        None => all.iter().find(|(_, terms)| terms.in_force(today)).or(all.first()),
    };
    found.ok_or(EditError::NotFound("contract version"))
}

/// Loads the cells of tables that differ between two versions, so that the redline can name them. Tables too
/// large to show are left to be counted.
fn changed_tables_load(
    db: &mut Db,
    viewer: &Viewer,
    before: &mut Terms,
    after: &mut Terms,
) -> Result<(), EditError> {
    let partner_id = after.partner_id;
    let (old, new) = (&mut before.pricing, &mut after.pricing);
    for (line, seal) in new.terms.lines.iter_mut().zip(&new.tables) {
        let same = |old: &RateLine| (&old.code, old.valid_from) == (&line.code, line.valid_from);
        let both = old.terms.lines.iter_mut().zip(&old.tables);
        for (was, was_seal) in both.filter(|(was, _)| same(was)) {
            let shown = seal.cells.max(was_seal.cells) <= REDLINE_CELLS_MAX;
            if shown && seal.sha256 != was_seal.sha256 {
                was.cells = table_cells(db, viewer, partner_id, was_seal)?;
                line.cells = table_cells(db, viewer, partner_id, seal)?;
                break;
            }
        }
    }
    Ok(())
}

fn before<'a>(all: &'a [(Version, Terms)], version: &Version) -> Option<&'a Terms> {
    all.iter()
        .filter(|(other, _)| other.version < version.version)
        .max_by_key(|(other, _)| other.version)
        .map(|(_, terms)| terms)
}

/// What a version changed against the one before, in few words.
fn changed(all: &[(Version, Terms)], version: &Version, terms: &Terms) -> String {
    before(all, version).map_or_else(|| "first terms".to_owned(), |old| redline_summary(&redline(old, terms)))
}

fn timeline(all: &[(Version, Terms)], today: NaiveDate) -> Vec<VersionLine> {
    all.iter()
        .map(|(version, terms)| VersionLine {
            version: version.clone(),
            changed: changed(all, version, terms),
            in_force: terms.in_force(today),
        })
        .collect()
}

/// Adds a contract with version 1 as a draft, in force from the start of the term. Gives both ids.
///
/// # Errors
/// [`EditError::Invalid`] with the fields to correct, [`EditError::NotFound`] for an unknown partner,
/// [`EditError::Denied`], or the database's reason.
pub fn contract_create(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    fields: &ContractFields,
) -> Result<(i64, i64), EditError> {
    write_tx(db, |db| contract_create_in_tx(app, db, viewer, partner_id, fields))
}

/// As [`contract_create`], inside the caller's transaction.
pub(in crate::app) fn contract_create_in_tx(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    fields: &ContractFields,
) -> Result<(i64, i64), EditError> {
    allowed(viewer, Action::EditContracts)?;
    valid(fields.validate())?;
    let partner = partner_show(db, viewer, partner_id)?.ok_or(EditError::NotFound("partner"))?;
    number_free(db, 0, fields)?;
    let now = Instant(app.now());
    let contract = contract_of(app.id(), partner_id, fields, ContractStatus::Draft, (&viewer.name, now));
    store::contract_insert(db, &contract)?;
    let mut version = Version {
        id: app.id(),
        contract_id: contract.id,
        partner_id,
        version: 1,
        kind: VersionKind::Original.code().to_owned(),
        valid_from: Day(fields.term.term_start),
        valid_to: None,
        status: ContractVersionStatus::Draft.code().to_owned(),
        change_summary: String::new(),
        caps: store::caps_text(&ContractCap::default())?,
        authors: String::new(),
        created_by: viewer.name.clone(),
        created_at: now,
        approved_by: None,
        approved_at: None,
        rating: "{}".to_owned(),
        agreed: String::new(),
        terms_sha256: String::new(),
        signed_by: None,
        signed_at: None,
    };
    version.author_add(viewer);
    store::version_insert(db, &version)?;
    take(app, db, Some(viewer), &contract.number, &mut version, Turn::of(Step::Start))?;
    let detail = format!("with {}, {}", partner.name, term_text(&contract.term));
    log(app, db, viewer, "contract.create", &contract_subject(&contract.number), partner_id, &detail)?;
    Ok((contract.id, version.id))
}

/// Changes number, title, currency and dates of a contract while its first version is a draft. Version 1
/// follows the start of the term. `seen` is the token of the page the form was made from.
///
/// # Errors
/// [`EditError::Stale`] when it changed meanwhile, [`EditError::WrongState`] once it is in force, else as
/// [`contract_create`].
pub fn contract_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    fields: &ContractFields,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    valid(fields.validate())?;
    write_tx(db, |db| {
        let old = locked(db, viewer, id, seen)?;
        let versions = store::version_list(db, viewer, id)?;
        frame_is_open(&old, versions.iter().map(|version| version.status.as_str()))?;
        number_free(db, id, fields)?;
        let new =
            contract_of(id, old.partner_id, fields, ContractStatus::Draft, (&old.created_by, old.created_at));
        store::contract_update(db, &new, Instant(app.now()))?;
        for version in &versions {
            negotiate::frame_is_free(db, &old.number, version)?;
        }
        for mut version in versions {
            if version.valid_from.0 == old.term.term_start {
                version.valid_from = Day(new.term.term_start);
            }
            version.author_add(viewer);
            store::version_update(db, &version)?;
        }
        let detail = format!(
            "was {}, {}; is {}, {}",
            old.number,
            term_text(&old.term),
            new.number,
            term_text(&new.term)
        );
        log(app, db, viewer, "contract.edit", &contract_subject(&new.number), new.partner_id, &detail)?;
        Ok(())
    })
}

/// Ends a running contract: it will not renew, and `last_day` is its last.
///
/// # Errors
/// [`EditError::Invalid`] when the notice would come too late for that day, [`EditError::WrongState`] when
/// the contract does not run, else as [`contract_edit`].
pub fn contract_end(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    last_day: NaiveDate,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let mut contract = locked(db, viewer, id, seen)?;
        if !contract.term.status.term_runs() {
            return Err(EditError::WrongState {
                contract: contract.number,
                status: contract.term.status.label(),
                next: "only a contract in force can be ended",
            });
        }
        let today = app.today(db)?;
        let earliest = today
            .checked_add_days(Days::new(u64::from(contract.term.notice_days)))
            .unwrap_or(NaiveDate::MAX)
            .max(contract.term.term_start);
        if last_day < earliest {
            let message = format!(
                "notice of {} given today ends it on {earliest} at the earliest",
                crate::domain::words::count(contract.term.notice_days, "day")
            );
            return Err(EditError::field("last_day", &message));
        }
        let latest = contract.term.latest_end(earliest);
        if latest.is_some_and(|latest| last_day > latest) || !is_kept(last_day) {
            let message = match latest {
                Some(latest) if latest < earliest => {
                    format!("it ends on {latest} without notice, too soon for notice to change that")
                }
                Some(latest) => {
                    format!(
                        "notice never makes a term longer, so {latest} is the latest; amend the contract for more"
                    )
                }
                None => "choose a day that one can plan for".to_owned(),
            };
            return Err(EditError::field("last_day", &message));
        }
        contract.term.renewal = RenewalKind::Fixed;
        contract.term.renewal_months = None;
        contract.term.term_end = Some(last_day);
        store::contract_update(db, &contract, Instant(app.now()))?;
        let detail = format!("ends on {last_day}");
        log(
            app,
            db,
            viewer,
            "contract.end",
            &contract_subject(&contract.number),
            contract.partner_id,
            &detail,
        )?;
        Ok(())
    })
}

/// The contract, locked until the transaction ends, if it still is what the viewer saw.
fn locked(db: &mut Db, viewer: &Viewer, id: i64, seen: &str) -> Result<Contract, EditError> {
    let found = store::contract_show(db, viewer, id)?.ok_or(EditError::NotFound("contract"))?;
    store::contract_lock(db, found.partner_id)?;
    let contract = store::contract_show(db, viewer, id)?.ok_or(EditError::NotFound("contract"))?;
    if contract_seen(&contract) == seen { Ok(contract) } else { Err(EditError::Stale("contract")) }
}

/// The token of a contract's frame: changes with every edit.
#[must_use]
pub fn contract_seen(contract: &Contract) -> String {
    sha256_hex(&format!("{contract:?}"))
}

fn contract_of(
    id: i64,
    partner_id: i64,
    fields: &ContractFields,
    status: ContractStatus,
    (created_by, created_at): (&str, Instant),
) -> Contract {
    Contract {
        id,
        partner_id,
        number: fields.number.trim().to_owned(),
        title: fields.title.trim().to_owned(),
        currency: fields.currency,
        term: ContractTerm { status, ..fields.term.clone() },
        created_by: created_by.to_owned(),
        created_at,
    }
}

fn number_free(db: &mut Db, id: i64, fields: &ContractFields) -> Result<(), EditError> {
    if store::contract_number_taken_unscoped(db, fields.number.trim(), id)? {
        return Err(EditError::field("number", "another contract has this number; choose another one"));
    }
    Ok(())
}

/// `2024-10-01 to 2025-09-30, fixed term`.
fn term_text(term: &ContractTerm) -> String {
    let end = term.term_end.map_or_else(|| "open".to_owned(), |end| end.to_string());
    format!("{} to {end}, {}", term.term_start, term.renewal.label().to_lowercase())
}

/// How the audit log names a contract.
fn contract_subject(number: &str) -> String {
    format!("contract {number}")
}

/// How the audit log names a version.
fn version_subject(number: &str, version_no: i32) -> String {
    format!("contract {number} version {version_no}")
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    action: &str,
    subject: &str,
    partner_id: i64,
    detail: &str,
) -> Result<(), DbError> {
    audit(app, db, viewer, Entry { action, subject, partner_id: Some(partner_id), detail })
}

/// The days a version is in force, by its contract's term.
fn days_of(term: &ContractTerm, version: &Version) -> (NaiveDate, Option<NaiveDate>) {
    let to = match (version.valid_to.map(|day| day.0), terms::first_day_after(term)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    (version.valid_from.0, to)
}

#[cfg(test)]
mod desk_tests;
#[cfg(test)]
mod known_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod negotiate_tests;
#[cfg(test)]
pub(in crate::app) mod tests;
