//! A negotiation as it is read: its rounds with what each changed, whose turn it is, and the ledger of concessions.
//! The partner gets a struct of its own that holds what was sent and nothing of the draft.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;

use crate::app::App;
use crate::app::accrual::AccrualError;
use crate::app::accrual::replay::clauses_replay;
use crate::app::backtest::{BacktestError, Replayed, replay_texts};
use crate::app::edit::{EditError, allowed};
use crate::db::contract::{self as store, Version};
use crate::db::negotiation::{MoveRow, negotiated_versions};
use crate::db::partner::partner_show;
use crate::db::{Db, DbError};
use crate::domain::backtest::{Tally, month};
use crate::domain::contract::ContractVersionStatus as Status;
use crate::domain::money::Micros;
use crate::domain::negotiation::concession::{
    Ledger, RoundFacts, Variant, ledger, terms as terms_that_differ, variants,
};
use crate::domain::negotiation::value::{Part, Problem, TermValue, cells_are_values, values, with_values};
use crate::domain::negotiation::volume::{MonthVolume, ReplayVolume, unpriced, volume_effect};
use crate::domain::negotiation::{Move, Open, Side, Talk};
use crate::domain::rate::{Pricing, PricingChange, PricingPart, RateTerms, pricing_changes};
use crate::domain::terms::{Change, Terms, redline};
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

use super::negotiate::{history, tables_load, terms_of};
use super::{changed_tables_load, draft};

/// Months of shipments a round is replayed on: the full months before this one.
pub const REPLAY_MONTHS: u32 = 12;
/// Shipments a page replays while its reader waits.
const SHIPMENTS_MAX: u64 = 200_000;
/// Table cells all replayed texts may hold together; bounds memory.
const REPLAY_CELLS_MAX: usize = 4_000_000;

/// What became of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The move.
    pub kind: Move,
    /// Who made it.
    pub actor: String,
    /// When.
    pub on: NaiveDate,
    /// What was said.
    pub message: String,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its number.
    pub round: i32,
    /// Who proposed it.
    pub side: Side,
    /// The name of who sent it.
    pub actor: String,
    /// When.
    pub on: NaiveDate,
    /// What was said.
    pub message: String,
    /// Until when an answer is asked for.
    pub reply_by: Option<NaiveDate>,
    /// Hash of its text.
    pub sha256: String,
    /// First day it is to hold.
    pub from: NaiveDate,
    /// What it is compared with: `round 1`, `version 2`; none for first terms.
    pub against: Option<String>,
    /// What it changes against that.
    pub redline: Vec<Change>,
    /// What came after it: its answer, and what followed an agreement.
    pub answers: Vec<Answer>,
}

/// What both sides see of a negotiation.
#[derive(Clone, Debug)]
pub struct Negotiation {
    /// The contract.
    pub contract_id: i64,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Currency of every amount.
    pub currency: String,
    /// The carrier's name.
    pub partner_name: String,
    /// The version.
    pub version_id: i64,
    /// Its number.
    pub version_no: i32,
    /// Where it stands.
    pub talk: Talk,
    /// The rounds, newest first.
    pub rounds: Vec<Round>,
    /// What the newest round says.
    pub latest: Option<Terms>,
    /// Its lanes, rate tables, fuel, tiers and commitments in words, whole.
    pub pricing: Vec<PricingChange>,
    /// Today, as deadlines count days.
    pub today: NaiveDate,
    /// Whether the version is a draft, so that it can be negotiated.
    pub is_draft: bool,
}

/// The shipper's view of one.
#[derive(Clone, Debug)]
pub struct OwnDesk {
    /// What both sides see.
    pub talk: Negotiation,
    /// Token of the draft.
    pub seen: String,
    /// What the draft changes against the open round.
    pub draft_changes: Vec<Change>,
    /// Whether the viewer may make moves.
    pub may_move: bool,
}

fn find(db: &mut Db, viewer: &Viewer, version_id: i64) -> Result<Version, EditError> {
    let found = store::version_show(db, &Viewer::system(), version_id)?;
    found.filter(|version| viewer.sees(version.partner_id)).ok_or(EditError::NotFound("negotiation"))
}

/// The negotiation over a version, for the shipper. Before the first round it is empty.
///
/// # Errors
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn negotiation_show(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<OwnDesk, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let version = find(db, viewer, version_id)?;
    let (talk, rows) = load(app, db, viewer, &version)?;
    let (version, mut terms) = draft::load(db, viewer, version_id)?;
    let open = rows.iter().rfind(|row| !row.body.is_empty());
    let draft_changes = match open {
        Some(row) => {
            let mut before = terms_of(db, row)?;
            changed_tables_load(db, &Viewer::system(), &mut before, &mut terms)?;
            redline(&before, &terms)
        }
        None => Vec::new(),
    };
    Ok(OwnDesk {
        talk,
        seen: draft::version_seen(db, viewer, version.id)?,
        draft_changes,
        may_move: viewer.role.may(Action::EditContracts),
    })
}

/// The negotiation over a version, for its partner.
///
/// # Errors
/// [`EditError::NotFound`] for what is another partner's or was never proposed, [`EditError::Denied`], or the
/// database's reason.
pub fn negotiation_own(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<Negotiation, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let version = find(db, viewer, version_id)?;
    let (talk, rows) = load(app, db, viewer, &version)?;
    if rows.is_empty() { Err(EditError::NotFound("negotiation")) } else { Ok(talk) }
}

fn load(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version: &Version,
) -> Result<(Negotiation, Vec<MoveRow>), EditError> {
    let system = Viewer::system();
    let missing = || EditError::NotFound("negotiation");
    let contract = store::contract_show(db, &system, version.contract_id)?.ok_or_else(missing)?;
    let partner = partner_show(db, &system, version.partner_id)?.ok_or_else(missing)?;
    let (rows, talk) = history(db, viewer, version.id)?;
    let mut rounds: Vec<Round> = Vec::new();
    let mut before: Option<(String, Terms)> = version_before(db, viewer, version)?;
    for row in &rows {
        let past = row.past()?;
        if row.body.is_empty() {
            let answer =
                Answer { kind: past.kind, actor: row.actor.clone(), on: past.on, message: past.message };
            if let Some(round) = rounds.last_mut() {
                round.answers.push(answer);
            }
            continue;
        }
        let mut terms = terms_of(db, row)?;
        let mut changes = Vec::new();
        if let Some((_, before)) = &mut before {
            if !cells_are_values(&terms) {
                changed_tables_load(db, &system, before, &mut terms)?;
            } else if before.pricing.terms.lines.iter().any(|line| line.cells.is_empty()) {
                tables_load(db, before)?;
            }
            changes = redline(before, &terms);
        }
        rounds.push(Round {
            round: row.round,
            side: past.side.unwrap_or(Side::Shipper),
            actor: row.actor.clone(),
            on: past.on,
            message: past.message,
            reply_by: past.reply_by,
            sha256: row.terms_sha256.clone(),
            from: terms.valid_from,
            against: before.as_ref().map(|(name, _)| name.clone()),
            redline: changes,
            answers: Vec::new(),
        });
        before = Some((format!("round {}", row.round), terms));
    }
    rounds.reverse();
    let latest = before.map(|(_, terms)| terms).filter(|_| !rounds.is_empty());
    let pricing = latest.as_ref().map(pricing_words).unwrap_or_default();
    let negotiation = Negotiation {
        contract_id: contract.id,
        number: contract.number,
        title: contract.title,
        currency: contract.currency.code().to_owned(),
        partner_name: partner.name,
        version_id: version.id,
        version_no: version.version,
        talk,
        rounds,
        latest,
        pricing,
        today: app.today(db)?,
        is_draft: version.state()? == Status::Draft,
    };
    Ok((negotiation, rows))
}

/// What a version without prices would have to gain, less the options, which stand by themselves.
fn pricing_words(terms: &Terms) -> Vec<PricingChange> {
    pricing_changes(&Pricing::none(terms.currency), &terms.pricing)
        .into_iter()
        .filter(|line| line.part != PricingPart::Rule)
        .collect()
}

/// The newest version before this one that both sides know, with what it says.
fn version_before(
    db: &mut Db,
    viewer: &Viewer,
    version: &Version,
) -> Result<Option<(String, Terms)>, EditError> {
    for other in store::version_list(db, viewer, version.contract_id)? {
        if other.version < version.version && other.state()?.binds() {
            let terms = store::terms_load(db, viewer, other.id)?;
            return Ok(terms.map(|terms| (format!("version {}", other.version), terms)));
        }
    }
    Ok(None)
}

/// A negotiation in which the viewer's partner must answer, or may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLine {
    /// The version.
    pub version_id: i64,
    /// Its number.
    pub version_no: i32,
    /// The contract's number.
    pub number: String,
    /// What it covers.
    pub title: String,
    /// The round that waits for the partner.
    pub waits: Option<Open>,
}

/// The negotiations over drafts of the viewer's own, newest first.
///
/// # Errors
/// [`EditError::Denied`] for whoever is no partner, or the database's reason.
pub fn negotiations_own(db: &mut Db, viewer: &Viewer) -> Result<Vec<OwnLine>, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let Some(partner_id) = viewer.partner_id else { return Ok(Vec::new()) };
    let system = Viewer::system();
    let mut lines = Vec::new();
    for version_id in negotiated_versions(db, viewer, partner_id)? {
        let Some(version) = store::version_show(db, &system, version_id)? else { continue };
        if version.state()? != Status::Draft {
            continue;
        }
        let Some(contract) = store::contract_show(db, &system, version.contract_id)? else { continue };
        let (_, talk) = history(db, viewer, version_id)?;
        let waits = match talk {
            Talk::Open(open) if open.by == Side::Shipper => Some(open),
            _ => None,
        };
        lines.push(OwnLine {
            version_id,
            version_no: version.version,
            number: contract.number,
            title: contract.title,
            waits,
        });
    }
    Ok(lines)
}

/// The open round as the partner may change it.
#[derive(Clone, Debug)]
pub struct CounterSheet {
    /// What both sides see.
    pub talk: Negotiation,
    /// The round that waits.
    pub open: Open,
    /// Its values, in reading order.
    pub values: Vec<TermValue>,
    /// Whether the rate tables are too large to be changed cell by cell.
    pub without_cells: bool,
}

/// The values of the round that waits for the viewer's partner.
///
/// # Errors
/// [`EditError::NotFound`] when nothing waits for it, else as [`negotiation_own`].
pub fn counter_sheet(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<CounterSheet, EditError> {
    let talk = negotiation_own(app, db, viewer, version_id)?;
    let Talk::Open(open) = talk.talk.clone() else { return Err(EditError::NotFound("open round")) };
    if open.by != Side::Shipper || !talk.is_draft {
        return Err(EditError::NotFound("open round"));
    }
    let version = find(db, viewer, version_id)?;
    let terms = super::negotiate::round_terms(db, &version, open.round)?;
    Ok(CounterSheet { without_cells: !cells_are_values(&terms), values: values(&terms), talk, open })
}

/// What a counter-proposal would change, without sending it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The redline against the open round.
    pub changes: Vec<Change>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Tries changed values on the open round of a version. Reads only.
///
/// # Errors
/// As [`counter_sheet`].
pub fn counter_preview(
    db: &mut Db,
    viewer: &Viewer,
    sheet: &CounterSheet,
    changes: &BTreeMap<String, Decimal>,
) -> Result<Preview, EditError> {
    let version = find(db, viewer, sheet.talk.version_id)?;
    let open = super::negotiate::round_terms(db, &version, sheet.open.round)?;
    Ok(match with_values(&open, changes) {
        Ok(next) => Preview { changes: redline(&open, &next), problems: Vec::new() },
        Err(problems) => Preview { changes: Vec::new(), problems },
    })
}

/// A year's shipments under every round.
#[derive(Clone, Debug)]
pub struct Concessions {
    /// What both sides see.
    pub talk: Negotiation,
    /// First day replayed, and the first no longer.
    pub days: (NaiveDate, NaiveDate),
    /// Shipments replayed; none when charges are not.
    pub shipments: Option<u64>,
    /// Shipments each round cannot price, in order of the rounds.
    pub unrated: Vec<u64>,
    /// The ledger.
    pub ledger: Ledger,
    /// What is not in the totals, and why.
    pub without: Vec<String>,
}

/// The ledger of concessions of a negotiation. Stores nothing.
///
/// # Errors
/// [`EditError::NotFound`] before the first round, [`EditError::Denied`], or the database's reason.
pub fn concessions(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<Concessions, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    replayed(app, db, viewer, version_id, true)
}

/// The rounds of the viewer's own negotiation on its own shipments: totals alone.
///
/// # Errors
/// As [`negotiation_own`].
pub fn replay_own(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
) -> Result<Concessions, EditError> {
    allowed(viewer, Action::UsePortal)?;
    replayed(app, db, viewer, version_id, false)
}

fn replayed(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    by_term: bool,
) -> Result<Concessions, EditError> {
    let version = find(db, viewer, version_id)?;
    let (talk, rows) = load(app, db, viewer, &version)?;
    let (mut facts, mut texts, mut cells) = (Vec::new(), Vec::new(), 0_usize);
    for row in rows.iter().filter(|row| !row.body.is_empty()) {
        let mut terms = terms_of(db, row)?;
        let side = row.past()?.side.unwrap_or(Side::Shipper);
        facts.push(RoundFacts {
            round: row.round,
            side,
            unpriced: unpriced(&terms),
            values: values(&terms),
            total: None,
        });
        cells = cells.saturating_add(terms.pricing.cells());
        if cells <= REPLAY_CELLS_MAX && !cells_are_values(&terms) {
            tables_load(db, &mut terms)?;
        }
        texts.push(terms);
    }
    let first = texts.first().cloned().ok_or(EditError::NotFound("round"))?;
    let lines = if by_term { terms_that_differ(&facts) } else { Vec::new() };
    let days = last_year(talk.today);
    let mut without = Vec::new();
    let mut tries = variants(&facts, &lines);
    let part_of = |variant: &Variant| lines.get(variant.term).map(|term| term.part);
    let charged = |variant: &Variant| part_of(variant).is_some_and(Part::is_charged);
    let counted = |variant: &Variant| part_of(variant).is_some_and(Part::is_counted);
    let priced = texts.iter().all(|terms| !terms.pricing.terms.lines.is_empty());
    if !priced {
        without.push("A round says nothing about linehaul, so its charges are not replayed.".to_owned());
    } else if cells > REPLAY_CELLS_MAX {
        without.push("The rate tables of the rounds are too large to replay on a page.".to_owned());
    }
    let replays = without.is_empty();
    // Each text that is tried holds its tables; one that contradicts itself is left to the remainder.
    let room =
        REPLAY_CELLS_MAX.saturating_sub(cells).checked_div(first.pricing.cells().max(1)).unwrap_or_default();
    let mut tried: Vec<Terms> = Vec::new();
    tries.retain(|variant| {
        if charged(variant) && (!replays || tried.len() >= room) {
            return false;
        }
        let Ok(terms) = with_values(&first, &variant.changes) else { return false };
        if charged(variant) {
            tried.push(terms);
        }
        true
    });
    let mut charges: Option<Replayed> = None;
    if replays {
        let whose = (talk.number.as_str(), version.contract_id, version.partner_id);
        let rated: Vec<RateTerms> = texts.iter().chain(&tried).map(rate_terms).collect();
        match replay_texts(app, db, viewer, whose, &rated, days, SHIPMENTS_MAX) {
            Ok(done) => charges = Some(done),
            Err(BacktestError::Db(error)) => return Err(error.into()),
            Err(BacktestError::Problems { version, problem, .. }) => {
                without.push(format!("Round {version} cannot be replayed: {problem}."));
            }
            Err(error) => without.push(error.to_string()),
        }
    }
    if charges.is_none() {
        tries.retain(|variant| !charged(variant) && !counted(variant));
    }
    let charge = |at: usize| {
        let tally = charges.as_ref().and_then(|done| done.sums.texts.get(at));
        tally.map_or(Micros::ZERO, |tally| tally.total)
    };
    // Shortfalls and rebates of a text on the charges at a place.
    let volume = |terms: &Terms, at: usize| {
        charges
            .as_ref()
            .map_or(Micros::ZERO, |done| volume_effect(&terms.pricing.terms, &volume_of(done, at, days)))
    };
    let mut credits = |db: &mut Db, terms: &Terms| match clauses_replay(db, terms, days) {
        Ok(amount) => Ok(amount),
        Err(AccrualError::Db(error)) => Err(EditError::from(error)),
        Err(error) => {
            let words = format!("Clauses of a round are not replayed: {error}.");
            if !without.contains(&words) {
                without.push(words);
            }
            Ok(Micros::ZERO)
        }
    };
    for ((fact, terms), at) in facts.iter_mut().zip(&texts).zip(0..) {
        let total = charge(at) + volume(terms, at) + credits(db, terms)?;
        fact.total =
            (charges.is_some() || texts.iter().any(|terms| !terms.clauses.is_empty())).then_some(total);
    }
    let first_credits = credits(db, &first)?;
    let mut worth = Vec::with_capacity(tries.len());
    let mut place = texts.len();
    for variant in &tries {
        if charged(variant) {
            worth.push(charge(place) + volume(&first, place) + first_credits);
            place = place.saturating_add(1);
        } else if let Ok(terms) = with_values(&first, &variant.changes) {
            let credits = if counted(variant) { first_credits } else { credits(db, &terms)? };
            worth.push(charge(0) + volume(&terms, 0) + credits);
        }
    }
    let shipments = charges.as_ref().map(|done| done.shipments);
    if let Some(done) = charges.as_ref().filter(|done| done.sums.left_out > 0) {
        without.insert(0, left_out_words(done.sums.left_out, done.shipments));
    }
    let tallies = charges.iter().flat_map(|done| &done.sums.texts).take(facts.len());
    let unrated = tallies.map(|tally| tally.unrated).collect();
    let agreed = match &talk.talk {
        Talk::Agreed { round, .. } => Some(*round),
        _ => None,
    };
    let ledger = ledger(&facts, &lines, &tries, &worth, agreed);
    Ok(Concessions { talk, days, shipments, unrated, ledger, without })
}

/// What is said of shipments that not every round prices.
fn left_out_words(left_out: u64, shipments: u64) -> String {
    format!(
        "{} of {} have no price under one of the rounds and are left out of every total and difference, so that no round \
         looks cheaper for what it does not price. The last column says how many each cannot price.",
        words::figure(left_out),
        words::many(shipments, "shipment")
    )
}

/// The volume under the text at `at`: the months replayed, each once.
fn volume_of(done: &Replayed, at: usize, (from, to): (NaiveDate, NaiveDate)) -> ReplayVolume {
    let mut months = Vec::new();
    let mut first = from;
    while first < to {
        let tally = done.months.get(&month(first)).and_then(|sums| sums.texts.get(at));
        months.push(MonthVolume {
            month: first,
            loads: tally.map_or(0, Tally::shipments),
            spend: tally.map_or(Micros::ZERO, |tally| tally.spend),
        });
        first = first.checked_add_months(Months::new(1)).unwrap_or(to);
    }
    ReplayVolume { from, to, months }
}

/// A text as the rating engine takes it.
fn rate_terms(terms: &Terms) -> RateTerms {
    RateTerms { accessorials: terms.rates.clone(), ..terms.pricing.terms.clone() }
}

/// The [`REPLAY_MONTHS`] full months before the month of `today`.
fn last_year(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    let to = today.with_day(1).unwrap_or(today);
    (to.checked_sub_months(Months::new(REPLAY_MONTHS)).unwrap_or(to), to)
}

/// What `verify` finds wrong with the negotiation over a version.
///
/// # Errors
/// The database's reason.
pub(super) fn wrong(db: &mut Db, version_id: i64) -> Result<Vec<String>, DbError> {
    let (rows, talk) = match history(db, &Viewer::system(), version_id) {
        Ok(found) => found,
        Err(DbError::Stored { reason, .. }) => return Ok(vec![reason]),
        Err(error) => return Err(error),
    };
    let mut problems = Vec::new();
    for row in rows.iter().filter(|row| !row.terms_sha256.is_empty()) {
        let terms = match terms_of(db, row) {
            Ok(terms) => terms,
            Err(DbError::Stored { what, reason }) => {
                problems.push(format!("round {}: {what} does not read back: {reason}", row.round));
                continue;
            }
            Err(error) => return Err(error),
        };
        if terms.hash() != row.terms_sha256 {
            problems.push(format!("the text of round {} is not the one that was sent", row.round));
        }
    }
    let version = store::version_show(db, &Viewer::system(), version_id)?;
    let sealed = version.map(|version| version.terms_sha256).filter(|seal| !seal.is_empty());
    if let (Talk::Agreed { round, sha256 }, Some(seal)) = (&talk, sealed)
        && seal != *sha256
    {
        problems.push(format!("it is sealed with another text than round {round}, which was accepted"));
    }
    Ok(problems)
}
