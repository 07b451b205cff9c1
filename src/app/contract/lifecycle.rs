//! The steps of a version's life, each in one transaction: ask the table of [`crate::domain::lifecycle`], change the
//! version, write the history, queue the mail. A signature and the calendar both end in `advance`, which does what
//! the date alone decides.

use chrono::NaiveDate;

use crate::db::contract::{self as store, Contract, Version};
use crate::db::contract_event::{EventRow, event_insert, event_list, role_code};
use crate::db::dialect::write_tx;
use crate::db::rate::rate_terms_load;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::claim::{Together, conflict, first_shared_day};
use crate::domain::contract::{
    ContractStatus, ContractTerm, ContractVersionStatus as Status, RenewalKind, VersionDates,
    validate_versions,
};
use crate::domain::field::{FieldErrors, require};
use crate::domain::lifecycle::{
    Attempt, Mend, Missing, Refused, SIGNER_CHARS_MAX, Standing, Step, Text, Who, missing,
};
use crate::domain::rate::CompiledRates;
use crate::domain::terms::{AgreedFrame, Days, Terms};
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed, valid};
use super::step_mail::{tell_authors, tell_partner};
use super::{days_of, draft, log, version_subject};

/// One step to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    pub step: Step,
    pub note: &'a str,
    pub day: Option<NaiveDate>,
    /// Hash of the text as it is.
    pub text: &'a str,
    /// Hash the step names.
    pub named: &'a str,
}

impl<'a> Turn<'a> {
    pub(super) fn of(step: Step) -> Self {
        Self { step, note: "", day: None, text: "", named: "" }
    }

    pub(super) fn because(step: Step, note: &'a str) -> Self {
        Self { note, ..Self::of(step) }
    }

    fn from(step: Step, day: NaiveDate) -> Self {
        Self { day: Some(day), ..Self::of(step) }
    }
}

/// Asks the table. `by` is none for the clock.
fn judge(
    number: &str,
    version: &Version,
    by: Option<&Viewer>,
    turn: Turn<'_>,
) -> Result<(Standing, Standing), EditError> {
    let who = by
        .map_or(Who::Clock, |viewer| Who::User { role: viewer.role, is_author: version.is_work_of(viewer) });
    let before = if turn.step == Step::Start {
        Standing::default()
    } else {
        Standing { status: Some(version.state()?), seal: version.terms_sha256.clone(), rests: Vec::new() }
    };
    let Turn { step, note, day, text, named } = turn;
    let after = before.after(&Attempt { step, who, note, day, text, named }).map_err(|reason| {
        let (contract, version_no) = (number.to_owned(), version.version);
        match reason {
            Refused::OwnWork => EditError::OwnWork { contract, version_no },
            Refused::NoNote => EditError::field("note", &reason.to_string()),
            Refused::NoDay => EditError::field("day", &reason.to_string()),
            reason => EditError::Step { contract, version_no, reason },
        }
    })?;
    Ok((before, after))
}

/// Takes a step inside the caller's transaction: version, history and audit log.
pub(super) fn take(
    app: &App,
    db: &mut Db,
    by: Option<&Viewer>,
    number: &str,
    version: &mut Version,
    turn: Turn<'_>,
) -> Result<EventRow, EditError> {
    let (before, after) = judge(number, version, by, turn)?;
    let system = Viewer::system();
    let past = event_list(db, &system, version.partner_id, version.id)?;
    let seq = past.last().map_or(0, |event| event.seq).saturating_add(1);
    let code = |status: Option<Status>| status.map_or("", Status::code).to_owned();
    let sha256 = match turn.step.rule().text {
        Text::Seals => turn.text,
        Text::Names => turn.named,
        Text::Free | Text::Breaks => "",
    };
    let event = EventRow {
        id: app.id(),
        contract_id: version.contract_id,
        contract_version_id: version.id,
        partner_id: version.partner_id,
        version: version.version,
        seq,
        step: turn.step.code().to_owned(),
        from_status: code(before.status),
        to_status: code(after.status),
        at: Instant(app.now()),
        actor: by.unwrap_or(&system).name.clone(),
        actor_id: by.map_or(0, |viewer| viewer.user_id),
        actor_role: role_code(by.map(|viewer| viewer.role)),
        day: turn.day.map(Day),
        note: turn.note.trim().to_owned(),
        terms_sha256: sha256.to_owned(),
        written_sha256: if turn.step == Step::Approve { version.written_sha256() } else { String::new() },
    };
    event_insert(db, &event)?;
    if let Some(status) = after.status {
        status.code().clone_into(&mut version.status);
        version.terms_sha256 = after.seal;
        if turn.step.rule().text == Text::Breaks {
            version.agreed.clear();
            (version.approved_by, version.approved_at) = (None, None);
        }
        store::version_update(db, version)?;
    }
    // Starting and discarding write lines of their own.
    if !matches!(turn.step, Step::Start | Step::Discard) {
        let mut detail: Vec<String> = Vec::new();
        detail.extend(turn.day.map(|day| format!("from {day}")));
        detail.extend(Some(event.note.clone()).filter(|note| !note.is_empty()));
        detail
            .extend(Some(sha256).filter(|hash| !hash.is_empty()).map(|hash| format!("terms sha256 {hash}")));
        let action = format!("contract.{}", turn.step.code().to_lowercase());
        let what = version_subject(number, version.version);
        log(app, db, by.unwrap_or(&system), &action, &what, version.partner_id, &detail.join("; "))?;
    }
    Ok(event)
}

/// The version as the viewer saw it, locked until the transaction ends.
fn version_locked(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
) -> Result<(Contract, Version, Terms), EditError> {
    let (version, terms) = draft::current(db, viewer, version_id, was)?;
    let contract =
        store::contract_show(db, viewer, version.contract_id)?.ok_or(EditError::NotFound("contract"))?;
    Ok((contract, version, terms))
}

/// Sends a draft to review. `was` is the token of what the author read, as in every step of the shipper's.
///
/// # Errors
/// [`EditError::Step`] when it is no draft, [`EditError::Stale`], [`EditError::NotFound`], [`EditError::Denied`], or
/// the database's reason.
pub fn version_submit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let (contract, mut version, terms) = version_locked(db, viewer, version_id, was)?;
        running(&contract)?;
        super::negotiate::may_be_reviewed(db, &terms)?;
        take(app, db, Some(viewer), &contract.number, &mut version, Turn::of(Step::Submit))?;
        Ok(())
    })
}

/// Returns a version under review to its author, with the reason; the author is told by mail.
///
/// # Errors
/// As [`version_submit`]; [`EditError::Invalid`] without a reason.
pub fn version_return(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
    note: &str,
) -> Result<(), EditError> {
    put_back(app, db, viewer, version_id, was, (Step::Return, note))
}

/// Takes an approved version back before the partner has signed it, with the reason. It is a draft again.
///
/// # Errors
/// As [`version_return`].
pub fn version_recall(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
    note: &str,
) -> Result<(), EditError> {
    put_back(app, db, viewer, version_id, was, (Step::Recall, note))
}

/// Makes a version a draft again; who wrote it is told when a reviewer asks for changes.
fn put_back(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
    (step, note): (Step, &str),
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveContracts)?;
    write_tx(db, |db| {
        let (contract, mut version, _) = version_locked(db, viewer, version_id, was)?;
        let turn = Turn::because(step, note);
        let event = take(app, db, Some(viewer), &contract.number, &mut version, turn)?;
        if step == Step::Return {
            tell_authors(app, db, &contract, &version, &event)?;
        }
        Ok(())
    })
}

/// What keeps a version from being approved: what is missing, and what contradicts itself in its rates.
///
/// # Errors
/// The database's reason.
fn version_missing(db: &mut Db, viewer: &Viewer, terms: &Terms) -> Result<Vec<Missing>, DbError> {
    let mut found = missing(terms);
    if let Some(rates) = rate_terms_load(db, viewer, terms.version_id)? {
        if let Err(problems) = CompiledRates::new(&rates) {
            // Overlaps, gaps and lanes that match twice, each with its place.
            let wrong = problems.into_iter();
            found.extend(wrong.map(|p| Missing { what: p.at, todo: p.message, mend: Mend::Rates }));
        }
        found.extend(super::prior::priors_missing(db, terms, &rates)?);
    }
    Ok(found)
}

/// Approves a version under review: its text is sealed by a hash, and the partner is asked to sign that. Nothing is in
/// force yet.
///
/// # Errors
/// [`EditError::OwnWork`] when the viewer wrote any of it, [`EditError::Incomplete`] with everything that is missing,
/// [`EditError::Versions`] when two versions of the contract would hold on one day, [`EditError::OtherContract`] when
/// two contracts of the partner would and claim the same shipments, else as [`version_submit`].
pub fn version_approve(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveContracts)?;
    write_tx(db, |db| {
        let (contract, mut version, terms) = version_locked(db, viewer, version_id, was)?;
        running(&contract)?;
        let hash = terms.hash();
        let turn = Turn { text: &hash, ..Turn::of(Step::Approve) };
        judge(&contract.number, &version, Some(viewer), turn)?;
        let missing = version_missing(db, viewer, &terms)?;
        if !missing.is_empty() {
            return Err(EditError::Incomplete {
                contract: contract.number,
                version_no: version.version,
                missing,
            });
        }
        conflicts(db, &contract, &version)?;
        version.agreed = agreed_text(&AgreedFrame::of(&contract.title, &contract.term), version.id)?;
        version.approved_by = Some(viewer.name.clone());
        version.approved_at = Some(Instant(app.now()));
        let event = take(app, db, Some(viewer), &contract.number, &mut version, turn)?;
        tell_partner(app, db, &contract, &version, &event)?;
        Ok(())
    })
}

fn agreed_text(frame: &AgreedFrame, version_id: i64) -> Result<String, DbError> {
    serde_json::to_string(frame).map_err(|error| DbError::Stored {
        what: format!("agreed dates of contract version {version_id}"),
        reason: error.to_string(),
    })
}

/// Refuses steps towards force on a contract that is over.
pub(super) fn running(contract: &Contract) -> Result<(), EditError> {
    match contract.term.status {
        ContractStatus::Expired | ContractStatus::Terminated => Err(EditError::WrongState {
            contract: contract.number.clone(),
            status: contract.term.status.label(),
            next: "make a new contract",
        }),
        _ => Ok(()),
    }
}

/// Signed versions that would end because `new` starts, with their new end. Refused when two would still hold on one
/// day, of this contract or of another one of the partner.
fn conflicts(db: &mut Db, contract: &Contract, new: &Version) -> Result<Vec<Version>, EditError> {
    let system = Viewer::system();
    let mut dates = vec![VersionDates { status: Status::Signed, ..new.dates()? }];
    let mut closed = Vec::new();
    for mut version in store::version_list(db, &system, contract.id)? {
        if version.id == new.id || !version.state()?.binds() {
            continue;
        }
        if let Some(end) = version.dates()?.gives_way(new.valid_from.0) {
            version.valid_to = Some(Day(end));
            closed.push(version.clone());
        }
        dates.push(version.dates()?);
    }
    if let Some(error) = validate_versions(&contract.number, &dates).into_iter().next() {
        return Err(EditError::Versions(error));
    }
    let term = ContractTerm { status: ContractStatus::Active, ..contract.term.clone() };
    others_leave_room(db, contract, new, days_of(&term, new))?;
    Ok(closed)
}

/// Shipments name a partner and no contract, so contracts of a partner that hold on one day must not claim the same
/// ones; [`conflict`] says when they do.
fn others_leave_room(db: &mut Db, contract: &Contract, new: &Version, days: Days) -> Result<(), EditError> {
    let system = Viewer::system();
    let mut ours: Option<Terms> = None;
    for other in store::contract_list_of_partner(db, &system, contract.partner_id)? {
        if other.id == contract.id {
            continue;
        }
        for version in store::version_list(db, &system, other.id)? {
            let theirs = days_of(&other.term, &version);
            let binds = version.state()?.binds();
            let Some(day) = first_shared_day(days, theirs).filter(|_| binds) else { continue };
            if ours.is_none() {
                ours = store::terms_load(db, &system, new.id)?;
            }
            let found = store::terms_load(db, &system, version.id)?;
            let Some(why) = ours.as_ref().zip(found.as_ref()).and_then(|(a, b)| conflict(a, b)) else {
                continue;
            };
            let last = [days.1, theirs.1].into_iter().flatten().min().and_then(|end| end.pred_opt());
            return Err(EditError::OtherContract(Box::new(Together {
                contract: contract.number.clone(),
                version_no: new.version,
                other: other.number,
                other_version_no: version.version,
                days: (day, last),
                why,
            })));
        }
    }
    Ok(())
}

/// What the partner's signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The hash of the text that was shown.
    pub hash: String,
    /// The name typed under it.
    pub name: String,
    /// Whether the box was ticked.
    pub agreed: bool,
}

impl Signature {
    fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let fine = (1..=SIGNER_CHARS_MAX).contains(&self.name.trim().chars().count());
        require(&mut errors, fine, "name", "type your full name, up to 120 characters");
        require(&mut errors, self.agreed, "agreed", "tick the box to say that you agree to these terms");
        errors
    }
}

/// An approved version of the viewer's own, locked until the transaction ends.
fn own_locked(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<(Contract, Version, Terms), EditError> {
    let missing = || EditError::NotFound("contract version");
    let found = store::version_show(db, viewer, version_id)?.ok_or_else(missing)?;
    store::contract_lock(db, found.partner_id)?;
    let (version, terms) = draft::load(db, viewer, version_id)?;
    let contract = store::contract_show(db, viewer, version.contract_id)?.ok_or_else(missing)?;
    Ok((contract, version, terms))
}

/// Signs an approved version for the partner. From its first day on it is in force, at once when that day has come;
/// the version before ends the day before.
///
/// # Errors
/// [`EditError::Step`] when the text signed is not the one that was sealed or nothing waits for a signature,
/// [`EditError::Invalid`] without a name or the tick, [`EditError::Versions`] and [`EditError::OtherContract`] as at
/// approval, [`EditError::NotFound`] also for what is another partner's, [`EditError::Denied`], or the database's
/// reason.
pub fn version_sign(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    signature: &Signature,
) -> Result<(), EditError> {
    allowed(viewer, Action::UsePortal)?;
    write_tx(db, |db| {
        let (mut contract, mut version, terms) = own_locked(db, viewer, version_id)?;
        valid(signature.validate())?;
        running(&contract)?;
        let (name, hash) = (signature.name.trim(), terms.hash());
        let turn = Turn { text: &hash, named: &signature.hash, ..Turn::because(Step::Sign, name) };
        judge(&contract.number, &version, Some(viewer), turn)?;
        let today = app.today(db)?;
        for before in conflicts(db, &contract, &version)? {
            store::version_update(db, &before)?;
        }
        version.signed_by = Some(name.to_owned());
        version.signed_at = Some(Instant(app.now()));
        let event = take(app, db, Some(viewer), &contract.number, &mut version, turn)?;
        if contract.term.status == ContractStatus::Draft {
            contract.term.status = ContractStatus::Active;
            store::contract_update(db, &contract, Instant(app.now()))?;
        }
        advance(app, db, &mut contract, today)?;
        tell_authors(app, db, &contract, &version, &event)?;
        Ok(())
    })
}

/// Declines to sign, with the reason: the version is the shipper's draft again, and its author is told by mail.
///
/// # Errors
/// As [`version_sign`].
pub fn version_decline(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    note: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::UsePortal)?;
    write_tx(db, |db| {
        let (contract, mut version, _) = own_locked(db, viewer, version_id)?;
        let turn = Turn::because(Step::Decline, note);
        let event = take(app, db, Some(viewer), &contract.number, &mut version, turn)?;
        tell_authors(app, db, &contract, &version, &event)?;
        Ok(())
    })
}

/// Why a version that begins is suspended at once.
const STILL_RESTS: &str = "The version before was suspended, and nobody has resumed the contract";

/// What the date changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Advanced {
    /// Versions that came into force.
    pub begun: i64,
    /// Versions that gave way to a later one.
    pub superseded: i64,
    /// The contract's term is over.
    pub expired: bool,
}

/// Does what the date alone decides for a contract that is locked: signed versions begin, replaced ones give way, and
/// all end with the term. A version that follows on a suspended one is suspended too, until somebody resumes it. A second call on the same day changes nothing.
pub(in crate::app) fn advance(
    app: &App,
    db: &mut Db,
    contract: &mut Contract,
    as_of: NaiveDate,
) -> Result<Advanced, EditError> {
    let mut done = Advanced::default();
    let number = contract.number.clone();
    let last =
        contract.term.term_end.filter(|end| contract.term.renewal == RenewalKind::Fixed && *end < as_of);
    let mut rests = false;
    // From when on the version that just gave way rested.
    let mut resting: Option<NaiveDate> = None;
    let mut versions = store::version_list(db, &Viewer::system(), contract.id)?;
    versions.reverse();
    for version in &mut versions {
        if version.state()? == Status::Signed && version.valid_from.0 <= as_of {
            let turn = Turn::from(Step::Begin, version.valid_from.0);
            take(app, db, None, &number, version, turn)?;
            done.begun += 1;
            // What was suspended goes on only when somebody resumes it, whichever version holds by then.
            if let Some(since) = resting.take() {
                let day = Some(since.max(version.valid_from.0));
                take(
                    app,
                    db,
                    None,
                    &number,
                    version,
                    Turn { day, ..Turn::because(Step::Suspend, STILL_RESTS) },
                )?;
            }
        }
        let state = version.state()?;
        let begun = matches!(state, Status::Active | Status::Suspended);
        if let Some(Day(to)) = version.valid_to.filter(|to| begun && to.0 <= as_of) {
            if state == Status::Suspended {
                let past = event_list(db, &Viewer::system(), version.partner_id, version.id)?;
                let last = past.iter().rfind(|event| event.step == Step::Suspend.code());
                resting = last.and_then(|event| event.day).map(|day| day.0);
            }
            take(app, db, None, &number, version, Turn::from(Step::Supersede, to))?;
            done.superseded += 1;
        } else if let Some(after) =
            last.and_then(|last| last.succ_opt()).filter(|_| state.binds() && !state.is_over())
        {
            take(app, db, None, &number, version, Turn::from(Step::Expire, after))?;
        }
        rests |= version.state()? == Status::Suspended;
    }
    let status = match contract.term.status {
        ContractStatus::Active | ContractStatus::Suspended if last.is_some() => ContractStatus::Expired,
        // Nothing rests any more.
        ContractStatus::Suspended if !rests => ContractStatus::Active,
        same => same,
    };
    if status != contract.term.status {
        done.expired = status == ContractStatus::Expired;
        contract.term.status = status;
        store::contract_update(db, contract, Instant(app.now()))?;
    }
    Ok(done)
}

/// As [`advance`], for a contract that is not locked yet.
///
/// # Errors
/// [`EditError::NotFound`], or the database's reason.
pub(in crate::app) fn contract_advance(
    app: &App,
    db: &mut Db,
    contract_id: i64,
    as_of: NaiveDate,
) -> Result<(), EditError> {
    write_tx(db, |db| {
        let system = Viewer::system();
        let missing = || EditError::NotFound("contract");
        let found = store::contract_show(db, &system, contract_id)?.ok_or_else(missing)?;
        store::contract_lock(db, found.partner_id)?;
        let mut contract = store::contract_show(db, &system, contract_id)?.ok_or_else(missing)?;
        advance(app, db, &mut contract, as_of)?;
        Ok(())
    })
}
