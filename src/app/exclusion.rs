//! Exclusions: asked for by one side, decided by another person or by stored facts, written to the shipment they are about.
//!
//! A decision, the party on the shipment, its outcomes by the one evaluator and the mark on its cells are one transaction.
//! A shipment that comes in again keeps what was approved: the import asks [`kept`] while any exclusion exists.

pub(in crate::app) mod tender;

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::App;
use super::audit::{Entry, audit};
use super::baseline::{milestones_of, ruled, statements_about, stop_zones};
use super::contract::deadline_calendar;
use super::declared_event::Standing;
use super::edit::{EditError, allowed, valid};
use super::refresh::SUMS_LOCK;
use super::scorecard_mail::{To, Told, tell};
use crate::db::baseline::commitments_of;
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::evidence::{source_by_code, source_list};
use crate::db::exclusion::{
    DecisionRow, EvidenceFile, Exclusion, ExclusionRow, Subject, evidence_file_content, evidence_file_insert,
    evidence_files_of, exclusion_decision_insert, exclusion_insert, exclusion_list, exclusion_show,
    exclusions_after_unscoped, exclusions_of_shipment, exclusions_open, states_of_partners_side,
};
use crate::db::fold::verdicts_write;
use crate::db::shipment::{
    ShipmentRow, Source, StaleCell, shipment_by_key, shipment_exclusion_write, stale_mark,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::attachment::{FileKind, file_name, has_room, kind_of};
use crate::domain::attribution::{Fault, reason_of};
use crate::domain::baseline::{Statement, StopPurpose};
use crate::domain::exclusion::{
    Basis, Decision, Excused, Facts, Side, Validity, after, corroborated, decide_by, problems, words_fit,
};
use crate::domain::outcome::{Outcome, OutcomePolicy, end_of_local_day, local_day};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::shipment::{DEFAULT_PICKUP_GRACE_MINUTES, Milestones, Verdicts};
use crate::domain::terms::sha256_of;
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;
use crate::feeds::attachment::content_of;

/// How far back requests count for the reason-validity rate, in days.
pub const VALIDITY_DAYS: u64 = 365;
/// Exclusions that one query of a check reads.
const CHECKED_AT_ONCE: i64 = 500;
/// Who decides where stored facts or the passing of time do.
const BY_FACTS: &str = "Stored facts";
const BY_TIME: &str = "Lanemark";

/// A file that came as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvidence {
    /// The name it came with.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// What is asked to be excused.
#[derive(Clone, Debug)]
pub struct NewExclusion {
    /// Pickup or delivery.
    pub stop: StopPurpose,
    /// Who caused it.
    pub party: Option<Fault>,
    /// Code of the list of reasons.
    pub reason_code: String,
    /// What happened.
    pub statement: String,
    /// What proves it.
    pub evidence: String,
    /// A document.
    pub file: Option<NewEvidence>,
}

/// A shipment by the words of an address.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Who carries it.
    pub partner_id: i64,
    /// Code of its feed.
    pub source: &'a str,
    /// The feed's own number of it.
    pub reference: &'a str,
}

/// A stored shipment as the evaluator sees it.
pub(super) struct Judged {
    /// As stored.
    pub row: ShipmentRow,
    /// Its commitments and events.
    pub facts: Milestones,
    /// Its tolerance.
    pub policy: OutcomePolicy,
    zones: (Option<Tz>, Option<Tz>),
    standing: Standing,
}

impl Judged {
    /// Reads what a judgement of the row needs.
    pub(super) fn read(db: &mut Db, row: ShipmentRow) -> Result<Self, DbError> {
        let zones = stop_zones(&row, &zones_by_id(db)?);
        let policy = policies_by_id(db)?.get(&row.policy_id).copied().unwrap_or_default();
        let standing = Standing::read(db)?;
        let mut facts = milestones_of(&row, zones);
        standing.mark(&mut facts, row.partner_id, &row.mode, row.lane_id);
        Ok(Self { row, facts, policy, zones, standing })
    }

    /// Its outcomes at `as_of`.
    pub(super) fn verdicts(&self, as_of: DateTime<Utc>) -> Verdicts {
        self.facts.judge(&self.policy, as_of)
    }

    /// What became of a stop: of a delivery, the worse of window and day.
    pub(super) fn outcome(&self, stop: StopPurpose, as_of: DateTime<Utc>) -> Outcome {
        let verdicts = self.verdicts(as_of);
        match stop {
            StopPurpose::Pickup => verdicts.pickup_window,
            StopPurpose::Delivery => {
                let both = [verdicts.delivery_window, verdicts.delivery_day];
                let worst = both.into_iter().find(|outcome| outcome.is_failure());
                worst
                    .or_else(|| both.into_iter().find(|outcome| *outcome == Outcome::Excused))
                    .unwrap_or(verdicts.delivery_window)
            }
        }
    }

    fn day_of(&self, at: DateTime<Utc>, stop: StopPurpose) -> NaiveDate {
        let zone = match stop {
            StopPurpose::Pickup => self.zones.0.or(self.zones.1),
            StopPurpose::Delivery => self.zones.1.or(self.zones.0),
        };
        local_day(at, zone.unwrap_or(Tz::UTC))
    }
}

/// Asks for a missed stop to be excused. Gives the id, and whether stored facts approved it at once.
///
/// # Errors
/// [`EditError::Invalid`], [`EditError::Card`] when there is nothing to excuse or something waits already,
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn request(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    named: Named<'_>,
    new: &NewExclusion,
) -> Result<(i64, bool), EditError> {
    may_ask(viewer, named.partner_id)?;
    valid(problems(new.party, &new.reason_code, &new.statement, &new.evidence))?;
    let file = new.file.as_ref().map(checked).transpose()?;
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let judged = find(db, viewer, named)?.ok_or(EditError::NotFound("shipment"))?;
        let (id, approved) = ask(app, db, viewer, &judged, new)?;
        attach(app, db, (id, named.partner_id), file.as_ref(), new)?;
        Ok((id, approved))
    })
}

/// Asks for a tender that was not taken to be excused; somebody else decides it. Gives the id.
///
/// # Errors
/// As [`request`].
pub fn request_tender(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    named: Named<'_>,
    new: &NewExclusion,
) -> Result<i64, EditError> {
    may_ask(viewer, named.partner_id)?;
    valid(problems(new.party, &new.reason_code, &new.statement, &new.evidence))?;
    let file = new.file.as_ref().map(checked).transpose()?;
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let offered = tender::Offered::find(db, viewer, named)?.ok_or(EditError::NotFound("tender"))?;
        let party = new.party.unwrap_or(Fault::Unknown);
        let row = tender::insert(app, db, viewer, &offered, new, (viewer, party))?;
        attach(app, db, (row.id, named.partner_id), file.as_ref(), new)?;
        Ok(row.id)
    })
}

/// Keeps the document that came with a request.
fn attach(
    app: &App,
    db: &mut Db,
    (id, partner_id): (i64, i64),
    file: Option<&EvidenceFile>,
    new: &NewExclusion,
) -> Result<(), EditError> {
    if let (Some(file), Some(new)) = (file, &new.file) {
        let of = (Subject::Exclusion, id, partner_id);
        let file = EvidenceFile { id: app.id(), ..file.clone() };
        evidence_file_insert(db, of, &file, &new.content, app.now())?;
    }
    Ok(())
}

/// What became of the tender of an address, in words, with the month it was sent in; none when the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn tender_outcome(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    named: Named<'_>,
) -> Result<Option<(&'static str, Period)>, DbError> {
    let found = tender::Offered::find(db, viewer, named)?;
    Ok(found.map(|offered| {
        let month = Period::containing(PeriodKind::Month, offered.row.sent_day.0);
        (tender::tender_title(offered.outcome(app.now())), month)
    }))
}

/// Whether the viewer may ask for exclusions of this partner's shipments.
pub(super) fn may_ask(viewer: &Viewer, partner_id: i64) -> Result<(), EditError> {
    match viewer.role {
        Role::Partner if viewer.sees(partner_id) => Ok(()),
        Role::Partner => Err(EditError::NotFound("shipment")),
        _ => allowed(viewer, Action::RequestExclusions),
    }
}

/// A file that may be kept, without its content.
pub(super) fn checked(new: &NewEvidence) -> Result<EvidenceFile, EditError> {
    let bad = |error: crate::domain::attachment::BadFile| EditError::field("file", &error.to_string());
    has_room(new.content.len(), 0, 0).map_err(bad)?;
    let name = file_name(&new.name).map_err(bad)?;
    let kind = kind_of(&name, &content_of(&new.content)).map_err(bad)?;
    Ok(EvidenceFile {
        id: 0,
        file_name: name,
        kind: kind.code().to_owned(),
        byte_count: i64::try_from(new.content.len()).unwrap_or(i64::MAX),
        sha256: sha256_of(&new.content),
    })
}

/// The shipment of an address as the evaluator sees it; none when the viewer may not see it.
pub(super) fn find(db: &mut Db, viewer: &Viewer, named: Named<'_>) -> Result<Option<Judged>, DbError> {
    if !viewer.sees(named.partner_id) {
        return Ok(None);
    }
    let Some(source_id) = source_by_code(db, named.source)? else { return Ok(None) };
    let row = shipment_by_key(db, named.partner_id, source_id, named.reference)?;
    row.map(|row| Judged::read(db, row)).transpose()
}

fn ask(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    judged: &Judged,
    new: &NewExclusion,
) -> Result<(i64, bool), EditError> {
    let party = new.party.unwrap_or(Fault::Unknown);
    let row = insert(app, db, viewer, judged, new, (viewer, party))?;
    let facts = facts_of(db, judged, new.stop, app.now())?;
    let Some(proof) = corroborated(party, &new.reason_code, &facts) else { return Ok((row.id, false)) };
    let facts = Viewer { user_id: 0, name: BY_FACTS.to_owned(), role: Role::Auditor, partner_id: None };
    let found = Exclusion { row, decisions: Vec::new(), state: None };
    settle(app, db, &facts, &found, (Decision::Approved, Basis::Facts), &proof)?;
    Ok((found.row.id, true))
}

/// Adds the request of `asker`; `logger` is who the audit log names.
pub(super) fn insert(
    app: &App,
    db: &mut Db,
    logger: &Viewer,
    judged: &Judged,
    new: &NewExclusion,
    (asker, party): (&Viewer, Fault),
) -> Result<ExclusionRow, EditError> {
    let shipment = &judged.row;
    let outcome = judged.outcome(new.stop, app.now());
    let unit = Unit {
        unit: Excused::Shipment,
        partner_id: shipment.partner_id,
        id: shipment.id,
        source_id: shipment.source_id,
        reference: &shipment.reference,
    };
    if !outcome.is_failure() {
        return Err(EditError::Card(format!(
            "the {} of shipment {} is {}, so there is no miss to excuse",
            new.stop.label().to_lowercase(),
            shipment.reference,
            outcome.title()
        )));
    }
    insert_row(app, db, logger, unit, new, (asker, party))
}

/// What is to be excused: a shipment, or a tender.
#[derive(Clone, Copy)]
struct Unit<'a> {
    unit: Excused,
    partner_id: i64,
    id: i64,
    source_id: i32,
    reference: &'a str,
}

/// Adds the request, unless one about the same waits already.
fn insert_row(
    app: &App,
    db: &mut Db,
    logger: &Viewer,
    of: Unit<'_>,
    new: &NewExclusion,
    (asker, party): (&Viewer, Fault),
) -> Result<ExclusionRow, EditError> {
    let today = app.today(db)?;
    let row = ExclusionRow {
        id: app.id(),
        partner_id: of.partner_id,
        shipment_id: of.id,
        source_id: of.source_id,
        reference: of.reference.to_owned(),
        stop: new.stop.code().to_owned(),
        party: party.code().to_owned(),
        reason_code: reason_of(&new.reason_code)
            .map_or(new.reason_code.as_str(), |reason| reason.code)
            .to_owned(),
        statement: new.statement.trim().to_owned(),
        evidence: new.evidence.trim().to_owned(),
        side: if asker.role == Role::Partner { Side::Partner } else { Side::Shipper }.code().to_owned(),
        due_on: Day(decide_by(today, &deadline_calendar())),
        requested_at: Instant(app.now()),
        requested_by: asker.name.clone(),
        requested_by_id: asker.user_id,
        unit: of.unit.code().to_owned(),
    };
    let known = exclusions_of_shipment(db, &Viewer::system(), of.partner_id, of.id)?;
    let same = |one: &Exclusion| {
        (one.row.unit.as_str(), one.row.stop.as_str()) == (row.unit.as_str(), row.stop.as_str())
    };
    if known.iter().any(|one| one.state.is_none() && same(one)) {
        return Err(EditError::Card(format!(
            "an exclusion of this {} waits for a decision already; add what you know there, or have it withdrawn first",
            row.part().to_lowercase()
        )));
    }
    exclusion_insert(db, &row)?;
    let detail = format!("{} by {}, {}: {}", row.part(), party.label(), row.reason_code, row.statement);
    log(app, db, logger, "exclusion.request", &row, &detail)?;
    Ok(row)
}

/// What is stored that can bear a claim about a stop out.
fn facts_of(db: &mut Db, judged: &Judged, stop: StopPurpose, now: DateTime<Utc>) -> Result<Facts, DbError> {
    let (facts, row) = (&judged.facts, &judged.row);
    let delivery = stop == StopPurpose::Delivery;
    let grace = |minutes: i32| TimeDelta::minutes(i64::from(minutes));
    let pickup_due_by =
        facts.pickup_window_end.and_then(|end| end.checked_add_signed(grace(DEFAULT_PICKUP_GRACE_MINUTES)));
    let zone = judged.zones.1.or(judged.zones.0).unwrap_or(Tz::UTC);
    let late = grace(judged.policy.grace_late_minutes);
    let delivery_due_by = facts
        .delivery_window_end
        .and_then(|end| end.checked_add_signed(late))
        .or_else(|| facts.delivery_due_day.map(|day| end_of_local_day(day, zone)));
    let (done_at, due_by) = if delivery {
        (facts.delivery_done_at(&judged.policy), delivery_due_by)
    } else {
        (facts.pickup_arrived_at.or(facts.picked_up_at), pickup_due_by)
    };
    let known = commitments_of(db, &Viewer::system(), row.partner_id, row.id)?;
    let about: Vec<Statement> =
        statements_about(&known, stop)?.into_iter().map(|(_, statement)| statement).collect();
    let allowed = if delivery { late } else { grace(DEFAULT_PICKUP_GRACE_MINUTES) };
    let changes = ruled(&about, stop, judged.zones).map_or_else(Vec::new, |ruling| {
        let lines = about.iter().zip(ruling.effects);
        lines
            .filter_map(|(said, effect)| {
                let until = said.window.closes_at(zone).and_then(|at| at.checked_add_signed(allowed));
                Some((said.asked?.by, until, effect))
            })
            .collect()
    });
    let day = row.obligation_day.0;
    let first = facts.pickup_obligation_day().unwrap_or(day).min(day);
    let last = done_at.map_or(day, |at| judged.day_of(at, stop)).max(day).min(local_day(now, zone).max(day));
    let events = judged.standing.touching(row.partner_id, &row.mode, row.lane_id, (first, last));
    Ok(Facts {
        delivery,
        done_at,
        due_by,
        pickup_due_by,
        pickup_arrived_at: facts.pickup_arrived_at,
        picked_up_at: facts.picked_up_at,
        changes,
        events,
    })
}

/// Approves or denies what somebody else asked for, or takes back what one's own side did. An approval excuses the stop,
/// and a denial or withdrawal after it takes that back.
///
/// # Errors
/// [`EditError::Review`] with what stands against it, [`EditError::Invalid`] without a reason, [`EditError::NotFound`],
/// [`EditError::Denied`], or the database's reason.
pub fn decide(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    decision: Decision,
    words: &str,
) -> Result<Exclusion, EditError> {
    let takes_back = decision == Decision::Withdrawn;
    if !(takes_back && viewer.role == Role::Partner) {
        allowed(viewer, if takes_back { Action::RequestExclusions } else { Action::DecideExclusions })?;
    }
    let mut errors = Vec::new();
    words_fit(&mut errors, "words", words, "say why");
    valid(errors)?;
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let found = exclusion_show(db, viewer, id)?.ok_or(EditError::NotFound("exclusion"))?;
        let own_side = viewer.role == Role::Partner && found.row.side()? == Side::Partner;
        let own = found.row.requested_by_id == viewer.user_id || (takes_back && own_side);
        after(found.state, decision, own)?;
        settle(app, db, viewer, &found, (decision, Basis::Person), words)?;
        Ok(found)
    })
}

/// Adds a decision that may be taken, writes what it does to the shipment, and tells the partner.
pub(super) fn settle(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    found: &Exclusion,
    (decision, basis): (Decision, Basis),
    words: &str,
) -> Result<(), EditError> {
    let row = &found.row;
    let seq = found.decisions.last().map_or(0, |last| last.seq).saturating_add(1);
    exclusion_decision_insert(
        db,
        &DecisionRow {
            exclusion_id: row.id,
            seq,
            partner_id: row.partner_id,
            kind: decision.code().to_owned(),
            basis: basis.code().to_owned(),
            words: words.trim().to_owned(),
            at: Instant(app.now()),
            actor: by.name.clone(),
            actor_id: by.user_id,
        },
    )?;
    match (found.state, decision) {
        (_, Decision::Approved) => apply(app, db, row, Some(row.party()?))?,
        (Some(Decision::Approved), _) => apply(app, db, row, None)?,
        _ => {}
    }
    let action = format!("exclusion.{}", decision.code().to_lowercase());
    log(app, db, by, &action, row, words.trim())?;
    if row.side()? == Side::Partner && decision != Decision::Withdrawn {
        let what = decision.label();
        let asked = if row.is_of_tender() {
            "You asked to have it excused".to_owned()
        } else {
            format!("You asked to have its {} excused", row.part().to_lowercase())
        };
        tell(
            app,
            db,
            row.partner_id,
            To::Partner,
            &Told {
                occasion: format!("exclusion:{}:{seq}", row.id),
                heading: format!("Your exclusion of {} was {what}", row.named()),
                lines: vec![
                    format!("{asked}: {}.", reason_words(&row.reason_code)),
                    format!("{}: {}", by.name, words.trim()),
                ],
                action: "See the request",
                path: format!("/portal/exclusions/{}", row.id),
            },
        )?;
    }
    Ok(())
}

/// `B1 closed`; the code alone when it is none of ours any more.
#[must_use]
pub fn reason_words(code: &str) -> String {
    reason_of(code).map_or_else(|| code.to_owned(), crate::domain::attribution::Reason::words)
}

/// Writes a party, or none, to the stop of a shipment or to a tender, judges it again, and marks its cells.
fn apply(app: &App, db: &mut Db, of: &ExclusionRow, party: Option<Fault>) -> Result<(), DbError> {
    if of.is_of_tender() {
        return tender::apply(app, db, of, party);
    }
    let stop = of.stop()?;
    let Some(mut row) = shipment_by_key(db, of.partner_id, of.source_id, &of.reference)? else {
        return Err(DbError::Stored {
            what: format!("the shipment of exclusion {}", of.id),
            reason: format!("there is no shipment {} of that feed any more", of.reference),
        });
    };
    let code = party.map(|party| party.code().to_owned());
    match stop {
        StopPurpose::Pickup => row.pickup_exclusion = code,
        StopPurpose::Delivery => row.delivery_exclusion = code,
    }
    let key = (row.obligation_day, row.partner_id, row.id);
    shipment_exclusion_write(db, key, &row)?;
    let judged = Judged::read(db, row)?;
    verdicts_write(db, &key, &judged.verdicts(app.now()))?;
    let cell = StaleCell { partner_id: of.partner_id, day: judged.row.obligation_day.0 };
    stale_mark(db, Source::Shipments, &[cell].into_iter().collect())?;
    Ok(())
}

/// Puts the parties that approved exclusions name into a shipment that comes in again; what its feed says itself stays.
///
/// # Errors
/// The database's reason.
pub fn kept(db: &mut Db, row: &mut ShipmentRow) -> Result<(), DbError> {
    for one in exclusions_of_shipment(db, &Viewer::system(), row.partner_id, row.id)? {
        if one.state != Some(Decision::Approved) || one.row.is_of_tender() {
            continue;
        }
        let slot = match one.row.stop()? {
            StopPurpose::Pickup => &mut row.pickup_exclusion,
            StopPurpose::Delivery => &mut row.delivery_exclusion,
        };
        slot.get_or_insert(one.row.party);
    }
    Ok(())
}

/// Denies what nobody decided in time, as of `today`. Gives how many.
///
/// # Errors
/// The database's reason.
pub fn deny_overdue(app: &App, db: &mut Db, today: NaiveDate) -> Result<usize, EditError> {
    let system = Viewer::system();
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let overdue: Vec<Exclusion> =
            exclusions_open(db, &system)?.into_iter().filter(|one| one.row.due_on.0 < today).collect();
        let by = Viewer { name: BY_TIME.to_owned(), ..system.clone() };
        for one in &overdue {
            let words = format!(
                "Nobody decided it by {}, so it is denied. It can be asked for again with more evidence.",
                words::day(one.row.due_on.0)
            );
            settle(app, db, &by, one, (Decision::Denied, Basis::Time), &words)?;
        }
        Ok(overdue.len())
    })
}

/// Holds every exclusion against its rules and what it is about: nobody decided what they asked for, and what stands approved
/// excuses its stop or tender. Reads only. Gives how many were looked at, and one line a problem.
///
/// # Errors
/// The database's reason.
pub fn exclusions_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let (mut looked, mut problems, mut after) = (0, Vec::new(), i64::MIN);
    loop {
        let next = exclusions_after_unscoped(db, after, CHECKED_AT_ONCE)?;
        let Some(last) = next.last() else { return Ok((looked, problems)) };
        after = last.row.id;
        for one in &next {
            looked += 1;
            let row = &one.row;
            let own = |line: &&DecisionRow| {
                line.basis == Basis::Person.code()
                    && line.kind != Decision::Withdrawn.code()
                    && line.actor_id == row.requested_by_id
            };
            if one.decisions.iter().any(|line| own(&line)) {
                problems.push(format!("exclusion {} was decided by who asked for it", row.id));
            }
            if one.state != Some(Decision::Approved) {
                continue;
            }
            let excused = if row.is_of_tender() {
                tender::is_excused(db, row)?
            } else {
                let shipment = shipment_by_key(db, row.partner_id, row.source_id, &row.reference)?;
                shipment.is_some_and(|shipment| match row.stop() {
                    Ok(StopPurpose::Pickup) => shipment.pickup_exclusion.is_some(),
                    _ => shipment.delivery_exclusion.is_some(),
                })
            };
            if !excused {
                problems.push(format!(
                    "exclusion {} is approved, and {} is not excused",
                    row.id,
                    row.named()
                ));
            }
        }
    }
}

/// An exclusion with what its page shows beside it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The request with its decisions.
    pub exclusion: Exclusion,
    /// Code of the shipment's feed.
    pub source: String,
    /// Files that came as evidence.
    pub files: Vec<EvidenceFile>,
    /// The day a tender was sent, which is where it is listed; none for a shipment.
    pub sent_on: Option<NaiveDate>,
}

/// One exclusion; none when there is none or the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Shown>, DbError> {
    let Some(exclusion) = exclusion_show(db, viewer, id)? else { return Ok(None) };
    let files = evidence_files_of(db, viewer, Subject::Exclusion, id)?;
    let source = source_code(db, exclusion.row.source_id)?;
    let sent_on = if exclusion.row.is_of_tender() { tender::sent_on(db, &exclusion.row)? } else { None };
    Ok(Some(Shown { exclusion, source, files, sent_on }))
}

/// The code of a feed by its number.
///
/// # Errors
/// The database's reason.
pub fn source_code(db: &mut Db, id: i32) -> Result<String, DbError> {
    let all: HashMap<i32, String> = source_list(db)?.into_iter().collect();
    Ok(all.get(&id).cloned().unwrap_or_default())
}

/// The exclusions of a shipment, oldest first.
///
/// # Errors
/// The database's reason.
pub fn of_shipment(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, shipment_id): (i64, i64),
) -> Result<Vec<Exclusion>, DbError> {
    exclusions_of_shipment(db, viewer, partner_id, shipment_id)
}

/// What was asked for in the last year of a partner, newest first, and how often what the partner itself asked for turned
/// out right.
///
/// # Errors
/// The database's reason.
pub fn of_partner(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<(Vec<Exclusion>, Validity), DbError> {
    let all = exclusion_list(db, viewer, Some(partner_id), counted_since(app))?;
    Ok((all, validity(app, db, viewer, partner_id)?))
}

fn counted_since(app: &App) -> DateTime<Utc> {
    app.now().checked_sub_days(Days::new(VALIDITY_DAYS)).unwrap_or_else(|| app.now())
}

/// How often what a partner asked for in the last year turned out right.
///
/// # Errors
/// The database's reason.
pub fn validity(app: &App, db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Validity, DbError> {
    let mut rate = Validity::default();
    for state in states_of_partners_side(db, viewer, partner_id, counted_since(app))? {
        rate.count(state);
    }
    Ok(rate)
}

/// A file that came as evidence: name, kind, content.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn evidence_file(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
) -> Result<(String, FileKind, Vec<u8>), EditError> {
    let (file, content) = evidence_file_content(db, viewer, id)?.ok_or(EditError::NotFound("file"))?;
    let kind = file.kind.parse().map_err(|error: crate::domain::field::BadCode| DbError::Stored {
        what: format!("evidence file {id}"),
        reason: error.to_string(),
    })?;
    Ok((file.file_name, kind, content))
}

fn log(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    action: &str,
    row: &ExclusionRow,
    detail: &str,
) -> Result<(), DbError> {
    let subject = row.named();
    audit(app, db, by, Entry { action, subject: &subject, partner_id: Some(row.partner_id), detail })
}

#[cfg(test)]
mod tests;
