//! Proposals over a draft, each move in one transaction: ask the rules of [`crate::domain::negotiation`], write the
//! move down with its text, queue the mail. What was sent is what is answered: a proposal is frozen, and an answer names
//! its hash. Acceptance puts that very text into the draft and holds it there until it is approved and signed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::db::contract::{self as store, Contract, Version};
use crate::db::dialect::write_tx;
use crate::db::negotiation::{MoveRow, move_insert, move_list, move_list_of, role_code};
use crate::db::rate::{pricing_replace, rating_text, table_cells, table_insert};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::contract::ContractVersionStatus as Status;
use crate::domain::negotiation::text::{RoundText, Rows};
use crate::domain::negotiation::value::{Problem, cells_are_values, with_values};
use crate::domain::negotiation::{Attempt, Held, Move, Open, Past, Refused, Side, Talk, replay};
use crate::domain::rate::TableSeal;
use crate::domain::terms::Terms;
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed};
use super::negotiate_mail::{tell_move, tell_reminder};
use super::prior::{lineage, priors_fill, version_before};
use super::{draft, log, version_subject};

/// What somebody says with a move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub message: String,
    /// Until when an answer is asked for; for proposals.
    pub reply_by: Option<NaiveDate>,
}

/// The round an answer is about, as it was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub round: i32,
    /// Its hash.
    pub sha256: String,
}

/// Why values of a counter-proposal were not taken: each with its key.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// Values to correct.
    #[error("{} need attention", crate::domain::words::many(.0.len(), "value"))]
    Values(Vec<Problem>),
    /// Anything else.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl From<DbError> for CounterError {
    fn from(error: DbError) -> Self {
        Self::Edit(error.into())
    }
}

impl From<diesel::result::Error> for CounterError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Edit(error.into())
    }
}

/// The moves over a version and where they lead; nothing for a viewer who may not see its partner.
pub(in crate::app) fn history(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<(Vec<MoveRow>, Talk), DbError> {
    let rows = move_list(db, viewer, version_id)?;
    let talk = talk_of(version_id, rows.iter())?;
    Ok((rows, talk))
}

/// Where the negotiations over some versions stand, by version; those over which nothing was sent are left out.
pub(in crate::app) fn talks(
    db: &mut Db,
    viewer: &Viewer,
    versions: &[i64],
) -> Result<BTreeMap<i64, Talk>, DbError> {
    let rows = move_list_of(db, viewer, versions)?;
    let of_version = rows.chunk_by(|a, b| a.contract_version_id == b.contract_version_id);
    of_version
        .filter_map(|rows| Some((rows.first()?.contract_version_id, rows)))
        .map(|(id, rows)| Ok((id, talk_of(id, rows.iter())?)))
        .collect()
}

fn talk_of<'m>(version_id: i64, rows: impl Iterator<Item = &'m MoveRow>) -> Result<Talk, DbError> {
    let past = rows.map(MoveRow::past).collect::<Result<Vec<Past>, _>>()?;
    replay(&past).map_err(|broken| DbError::Stored {
        what: format!("negotiation over contract version {version_id}"),
        reason: broken.to_string(),
    })
}

fn held(contract: &str, version_no: i32, reason: Held) -> EditError {
    EditError::Held { contract: contract.to_owned(), version_no, reason }
}

/// Refuses to change a draft that the partner looks at, or that both sides agreed to.
pub(super) fn draft_is_free(db: &mut Db, contract: &str, version: &Version) -> Result<(), EditError> {
    let (_, talk) = history(db, &Viewer::system(), version.id)?;
    talk.holds_draft().map_or(Ok(()), |reason| Err(held(contract, version.version, reason)))
}

/// Refuses to change number and term of a contract while a text that holds them is out.
pub(super) fn frame_is_free(db: &mut Db, contract: &str, version: &Version) -> Result<(), EditError> {
    draft_is_free(db, contract, version)?;
    let (_, talk) = history(db, &Viewer::system(), version.id)?;
    match talk {
        Talk::Open(open) => Err(held(contract, version.version, Held::Unanswered { round: open.round })),
        _ => Ok(()),
    }
}

/// Refuses to send to review what the partner is still asked about, or what is not the text that was accepted.
pub(super) fn may_be_reviewed(db: &mut Db, terms: &Terms) -> Result<(), EditError> {
    let (_, talk) = history(db, &Viewer::system(), terms.version_id)?;
    let reason = match talk {
        Talk::Open(Open { round, by: Side::Shipper, .. }) => Held::Sent { round },
        Talk::Open(Open { round, .. }) => Held::Unanswered { round },
        Talk::Agreed { round, sha256 } if sha256 != terms.hash() => Held::OtherText { round },
        Talk::Agreed { .. } | Talk::Idle | Talk::Closed { .. } => return Ok(()),
    };
    Err(held(&terms.number, terms.version_no, reason))
}

/// A move to make.
struct Turn<'a> {
    kind: Move,
    said: &'a Said,
    named: Named,
    /// The text, for moves that propose.
    text: Option<&'a Terms>,
    /// The day, for what the date alone does; else today.
    on: Option<NaiveDate>,
}

/// Makes a move inside the caller's transaction. `by` is none for the clock.
fn make(
    app: &App,
    db: &mut Db,
    by: Option<&Viewer>,
    (contract, version): (&Contract, &Version),
    turn: &Turn<'_>,
) -> Result<MoveRow, EditError> {
    let system = Viewer::system();
    let today = turn.on.map_or_else(|| app.today(db), Ok)?;
    let (rows, talk) = history(db, &system, version.id)?;
    let side = by.and_then(|viewer| Side::of(viewer.role));
    let hash = turn.text.map(Terms::hash).unwrap_or_default();
    let said = turn.said;
    let attempt = Attempt {
        kind: turn.kind,
        side,
        message: &said.message,
        reply_by: said.reply_by,
        today,
        answers: (turn.named.round, &turn.named.sha256),
        text: &hash,
    };
    let next = talk.after(&attempt).map_err(|reason| match reason {
        Refused::NoMessage | Refused::LongMessage => EditError::field("message", &reason.to_string()),
        Refused::ReplyBy => EditError::field("reply_by", &reason.to_string()),
        reason => EditError::Move { contract: contract.number.clone(), version_no: version.version, reason },
    })?;
    let text = turn.text.map(RoundText::of);
    let body = text.as_ref().map(serde_json::to_string).transpose().map_err(|error| DbError::Stored {
        what: format!("a proposal over contract version {}", version.id),
        reason: error.to_string(),
    })?;
    let row = MoveRow {
        id: app.id(),
        contract_id: contract.id,
        contract_version_id: version.id,
        partner_id: version.partner_id,
        version: version.version,
        seq: rows.last().map_or(0, |row| row.seq).saturating_add(1),
        kind: turn.kind.code().to_owned(),
        side: side.map_or("", Side::code).to_owned(),
        round: next.round(),
        message: said.message.trim().to_owned(),
        reply_by: said.reply_by.filter(|_| turn.kind.proposes()).map(Day),
        on_day: Day(today),
        at: Instant(app.now()),
        actor: by.unwrap_or(&system).name.clone(),
        actor_id: by.map_or(0, |viewer| viewer.user_id),
        actor_role: role_code(by.map(|viewer| viewer.role)),
        answers_sha256: turn.named.sha256.clone(),
        terms_sha256: hash,
        body: body.unwrap_or_default(),
    };
    move_insert(db, &row, &text.map(|text| text.table_ids()).unwrap_or_default())?;
    let mut detail = vec![format!("round {}", row.round)];
    detail.extend(row.reply_by.map(|day| format!("answer by {day}")));
    detail.extend(Some(row.message.clone()).filter(|words| !words.is_empty()));
    let hash = if row.terms_sha256.is_empty() { &row.answers_sha256 } else { &row.terms_sha256 };
    detail.push(format!("terms sha256 {hash}"));
    let action = format!("negotiation.{}", turn.kind.code().to_lowercase());
    let what = version_subject(&contract.number, version.version);
    log(app, db, by.unwrap_or(&system), &action, &what, version.partner_id, &detail.join("; "))?;
    tell_move(app, db, contract, version, &row)?;
    Ok(row)
}

/// The version with this id, its contract locked until the transaction ends. A partner gets its own, if anything was
/// ever proposed to it; of the version itself it is shown nothing.
fn locked(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<(Contract, Version), EditError> {
    let missing = || EditError::NotFound("negotiation");
    let system = Viewer::system();
    let find = |db: &mut Db| store::version_show(db, &system, version_id);
    let found = find(db)?.filter(|version| viewer.sees(version.partner_id)).ok_or_else(missing)?;
    if Side::of(viewer.role) == Some(Side::Partner) && move_list(db, viewer, version_id)?.is_empty() {
        return Err(missing());
    }
    store::contract_lock(db, found.partner_id)?;
    let version = find(db)?.ok_or_else(missing)?;
    let contract = store::contract_show(db, &system, version.contract_id)?.ok_or_else(missing)?;
    Ok((contract, version))
}

/// Proposals are about drafts; what is in review, sealed or signed is past them.
fn still_draft(contract: &Contract, version: &Version) -> Result<(), EditError> {
    if version.state()? == Status::Draft {
        Ok(())
    } else {
        Err(EditError::NotDraft { contract: contract.number.clone(), version_no: version.version })
    }
}

/// Sends the draft to the partner: as the first proposal, or in answer to the partner's. `was` is the token of the
/// draft the sender read.
///
/// # Errors
/// [`EditError::Move`] when it is not the shipper's turn or nothing differs from what it answers,
/// [`EditError::Invalid`] for message and day, [`EditError::Stale`], [`EditError::NotDraft`], [`EditError::NotFound`],
/// [`EditError::Denied`], or the database's reason.
pub fn proposal_send(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
    said: &Said,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let (contract, version) = locked(db, viewer, version_id)?;
        still_draft(&contract, &version)?;
        super::lifecycle::running(&contract)?;
        let (mut version, terms) = draft::current(db, viewer, version.id, was)?;
        let (_, talk) = history(db, viewer, version_id)?;
        let (kind, named) = match talk {
            Talk::Open(Open { round, sha256, .. }) => (Move::Counter, Named { round, sha256 }),
            _ => (Move::Offer, Named::default()),
        };
        make(
            app,
            db,
            Some(viewer),
            (&contract, &version),
            &Turn { kind, said, named, text: Some(&terms), on: None },
        )?;
        version.author_add(viewer);
        store::version_update(db, &version)?;
        Ok(())
    })
}

/// Answers an open proposal without another text: accept, decline, withdraw; or takes up again what was agreed.
/// Acceptance puts the accepted text into the draft.
///
/// # Errors
/// [`EditError::Move`] with what stands against it, [`EditError::Invalid`] without a message that is needed,
/// [`EditError::NotFound`] also for what is another partner's, [`EditError::NotDraft`], [`EditError::Denied`], or the
/// database's reason.
pub fn proposal_answer(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    kind: Move,
    named: &Named,
    said: &Said,
) -> Result<(), EditError> {
    may_negotiate(viewer)?;
    write_tx(db, |db| {
        let (contract, mut version) = locked(db, viewer, version_id)?;
        still_draft(&contract, &version)?;
        if kind.proposes() || kind == Move::Lapse {
            return Err(EditError::NotFound("answer"));
        }
        let turn = Turn { kind, said, named: named.clone(), text: None, on: None };
        let row = make(app, db, Some(viewer), (&contract, &version), &turn)?;
        if kind == Move::Accept {
            let terms = round_terms(db, &version, row.round)?;
            adopt(app, db, &mut version, &terms)?;
            // Whoever takes the partner's text into the contract does not approve it.
            if Side::of(viewer.role) == Some(Side::Shipper) {
                version.author_add(viewer);
                store::version_update(db, &version)?;
            }
        }
        Ok(())
    })
}

/// Puts the partner's open proposal into the draft, to be changed and sent as a counter-proposal.
///
/// # Errors
/// [`EditError::Move`] when no proposal of the partner waits, [`EditError::Stale`] when the draft changed meanwhile,
/// else as [`proposal_send`].
pub fn proposal_adopt(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    was: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditContracts)?;
    write_tx(db, |db| {
        let (contract, version) = locked(db, viewer, version_id)?;
        still_draft(&contract, &version)?;
        let (mut version, _) = draft::current(db, viewer, version.id, was)?;
        let (_, talk) = history(db, viewer, version_id)?;
        let Talk::Open(Open { round, by: Side::Partner, .. }) = talk else {
            return Err(EditError::Move {
                contract: contract.number.clone(),
                version_no: version.version,
                reason: Refused::NotNow("no proposal of the partner waits"),
            });
        };
        let terms = round_terms(db, &version, round)?;
        adopt(app, db, &mut version, &terms)?;
        version.author_add(viewer);
        store::version_update(db, &version)?;
        let what = version_subject(&contract.number, version.version);
        let detail = format!("the text of round {round} is the draft");
        log(app, db, viewer, "negotiation.adopt", &what, version.partner_id, &detail)?;
        Ok(())
    })
}

fn may_negotiate(viewer: &Viewer) -> Result<Side, EditError> {
    let denied = EditError::Denied { role: viewer.role, action: Action::EditContracts };
    Side::of(viewer.role).ok_or(denied)
}

/// The partner's counter-proposal: the open text with other values.
///
/// # Errors
/// [`CounterError::Values`] with every value to correct, else as [`proposal_answer`].
pub fn proposal_counter(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    named: &Named,
    changes: &BTreeMap<String, Decimal>,
    said: &Said,
) -> Result<(), CounterError> {
    allowed(viewer, Action::UsePortal)?;
    write_tx(db, |db| {
        let (contract, version) = locked(db, viewer, version_id)?;
        still_draft(&contract, &version)?;
        let open = round_terms(db, &version, named.round)?;
        let mut terms = with_values(&open, changes).map_err(CounterError::Values)?;
        let before = version_before(db, version.contract_id, version.version)?;
        tables_store(app, db, version.partner_id, &mut terms, before.as_ref())?;
        let turn = Turn { kind: Move::Counter, said, named: named.clone(), text: Some(&terms), on: None };
        make(app, db, Some(viewer), (&contract, &version), &turn)?;
        Ok(())
    })
}

/// Stores the tables that a counter-proposal changed, held to the rates of the version before.
fn tables_store(
    app: &App,
    db: &mut Db,
    partner_id: i64,
    terms: &mut Terms,
    before: Option<&Terms>,
) -> Result<(), DbError> {
    let pricing = &mut terms.pricing;
    let before = before.map(|before| (before, lineage(before, &pricing.terms.lanes)));
    for (line, seal) in pricing.terms.lines.iter_mut().zip(&mut pricing.tables) {
        if seal.table_id == 0 {
            if let Some((before, lineage)) = &before {
                priors_fill(db, before, lineage, line)?;
            }
            *seal = TableSeal { table_id: app.id(), ..TableSeal::of(&mut line.cells) };
            table_insert(db, partner_id, seal.table_id, &line.cells)?;
        }
    }
    Ok(())
}

/// What a round of a version says, with its tables where they are negotiated cell by cell.
///
/// The caller has found the version for its viewer.
pub(super) fn round_terms(db: &mut Db, version: &Version, round: i32) -> Result<Terms, EditError> {
    let rows = move_list(db, &Viewer::system(), version.id)?;
    let row = rows.iter().find(|row| row.round == round && !row.body.is_empty());
    let row = row.ok_or(EditError::NotFound("round"))?;
    Ok(terms_of(db, row)?)
}

/// What a round of a version says, with every table; none when nobody sent it, or the viewer may not see the partner.
///
/// # Errors
/// [`DbError::Stored`] for a text that does not read back, or the engine's reason.
pub(in crate::app) fn round_text(
    db: &mut Db,
    viewer: &Viewer,
    version: &Version,
    round: i32,
) -> Result<Option<Terms>, DbError> {
    let rows = move_list(db, viewer, version.id)?;
    let Some(row) = rows.iter().find(|row| row.round == round && !row.body.is_empty()) else {
        return Ok(None);
    };
    let mut terms = terms_of(db, row)?;
    if !cells_are_values(&terms) {
        tables_load(db, &mut terms)?;
    }
    Ok(Some(terms))
}

/// What the round of a row says, with its tables where they are negotiated cell by cell.
pub(super) fn terms_of(db: &mut Db, row: &MoveRow) -> Result<Terms, DbError> {
    let rows = Rows {
        contract_id: row.contract_id,
        partner_id: row.partner_id,
        version_id: row.contract_version_id,
    };
    let mut terms = row.text()?.terms(rows);
    if cells_are_values(&terms) {
        tables_load(db, &mut terms)?;
    }
    Ok(terms)
}

/// Loads the cells of every table. The caller has found the text for its viewer.
pub(in crate::app) fn tables_load(db: &mut Db, terms: &mut Terms) -> Result<(), DbError> {
    let (partner_id, pricing) = (terms.partner_id, &mut terms.pricing);
    for (line, seal) in pricing.terms.lines.iter_mut().zip(&pricing.tables) {
        line.cells = table_cells(db, &Viewer::system(), partner_id, seal)?;
    }
    Ok(())
}

/// Writes a text into a draft, in place of all it said.
fn adopt(app: &App, db: &mut Db, version: &mut Version, terms: &Terms) -> Result<(), EditError> {
    store::version_clear(db, version.id)?;
    version.valid_from = Day(terms.valid_from);
    version.caps = store::caps_text(&terms.caps)?;
    version.rating = rating_text(&terms.pricing.terms.parameters)?;
    store::version_update(db, version)?;
    for rate in &terms.rates {
        store::rate_upsert(db, app.id(), version, rate)?;
    }
    for target in &terms.targets {
        store::target_upsert(db, app.id(), version, target)?;
    }
    for clause in &terms.clauses {
        store::clause_upsert(db, app.id(), version, clause)?;
    }
    pricing_replace(db, || app.id(), version, &terms.pricing)?;
    let stored = store::terms_load(db, &Viewer::system(), version.id)?;
    if stored.map(|stored| stored.hash()) == Some(terms.hash()) {
        Ok(())
    } else {
        // What was accepted would not be what is signed.
        Err(held(&terms.number, version.version, Held::OtherFrame))
    }
}

/// What the calendar did about proposals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Chased {
    /// Proposals nobody answered in time.
    pub lapsed: i64,
    /// Mails queued to whoever must answer soon.
    pub reminded: i64,
}

/// Lapses what was not answered by its day, and reminds whoever must answer soon. A second call on the same day changes
/// nothing. The contract is locked.
pub(in crate::app) fn chase(
    app: &App,
    db: &mut Db,
    contract: &Contract,
    as_of: NaiveDate,
) -> Result<Chased, EditError> {
    let mut done = Chased::default();
    let system = Viewer::system();
    for version in store::version_list(db, &system, contract.id)? {
        if version.state()? != Status::Draft {
            continue;
        }
        let (rows, talk) = history(db, &system, version.id)?;
        let Talk::Open(open) = talk else { continue };
        if open.is_late(as_of) {
            let named = Named { round: open.round, sha256: open.sha256 };
            let said = Said::default();
            let turn = Turn { kind: Move::Lapse, said: &said, named, text: None, on: Some(as_of) };
            make(app, db, None, (contract, &version), &turn)?;
            done.lapsed += 1;
        } else if open.remind_on() <= as_of {
            let row = rows.iter().rfind(|row| row.round == open.round && !row.body.is_empty());
            if let Some(row) = row.filter(|row| row.on_day.0 < open.remind_on()) {
                done.reminded += tell_reminder(app, db, contract, &version, row)?;
            }
        }
    }
    Ok(done)
}
