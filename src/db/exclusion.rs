//! Exclusions, what was decided about them, and files that came as evidence. Rows are only added; the database itself
//! refuses to change or remove one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::decided::by_parent;
use super::schema::{evidence_files, exclusion_decisions, exclusions};
use super::scorecard::scorecards_changed;
use super::shipment::{Source, StaleCell, partner_filter, stale_mark};
use super::types::{Day, Instant};
use crate::domain::attribution::Fault;
use crate::domain::baseline::StopPurpose;
use crate::domain::exclusion::{Basis, Decision, Excused, Side, State};
use crate::domain::field::BadCode;
use crate::domain::viewer::Viewer;

/// Exclusions one list answers at most.
pub const LIST_LIMIT: i64 = 2_000;
/// Ids in one statement; stays far below SQLite's limit of binds.
const IDS_PER_STATEMENT: usize = 500;

/// What one side asks to have excused.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = exclusions, treat_none_as_default_value = false)]
pub struct ExclusionRow {
    /// Row id.
    pub id: i64,
    /// Who carries the shipment, or was offered the load.
    pub partner_id: i64,
    /// The shipment, or the tender.
    pub shipment_id: i64,
    /// Its feed: with the reference, its natural key.
    pub source_id: i32,
    /// The feed's own number of it.
    pub reference: String,
    /// [`StopPurpose`]; of a tender it says nothing.
    pub stop: String,
    /// [`Fault`]: who is said to have caused it.
    pub party: String,
    /// Code of [`crate::domain::attribution::REASONS`].
    pub reason_code: String,
    /// What happened, in words.
    pub statement: String,
    /// What proves it, in words.
    pub evidence: String,
    /// [`Side`] that asked.
    pub side: String,
    /// Last day on which it can be decided.
    pub due_on: Day,
    /// When it was asked for.
    pub requested_at: Instant,
    /// By whom.
    pub requested_by: String,
    /// Id of that user.
    pub requested_by_id: i64,
    /// [`Excused`].
    pub unit: String,
}

impl ExclusionRow {
    /// Whether it is about a tender; else about a stop of a shipment.
    #[must_use]
    pub fn is_of_tender(&self) -> bool {
        self.unit == Excused::Tender.code()
    }

    /// `shipment 17` or `tender 17`.
    #[must_use]
    pub fn named(&self) -> String {
        let unit = if self.is_of_tender() { Excused::Tender } else { Excused::Shipment };
        format!("{} {}", unit.label(), self.reference)
    }

    /// What is excused of it, in words: `Pickup`, `Delivery` or `Tender`.
    #[must_use]
    pub fn part(&self) -> &'static str {
        if self.is_of_tender() { "Tender" } else { self.stop().map_or("", StopPurpose::label) }
    }

    /// The stop.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a word nobody knows; as the others.
    pub fn stop(&self) -> Result<StopPurpose, DbError> {
        self.stop.parse().map_err(|error| self.bad(&error))
    }

    /// Who is said to have caused it.
    ///
    /// # Errors
    /// As [`ExclusionRow::stop`].
    pub fn party(&self) -> Result<Fault, DbError> {
        self.party.parse().map_err(|error| self.bad(&error))
    }

    /// The side that asked.
    ///
    /// # Errors
    /// As [`ExclusionRow::stop`].
    pub fn side(&self) -> Result<Side, DbError> {
        self.side.parse().map_err(|error| self.bad(&error))
    }

    fn bad(&self, error: &BadCode) -> DbError {
        DbError::Stored { what: format!("exclusion {}", self.id), reason: error.to_string() }
    }
}

/// One decision about an exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = exclusion_decisions)]
pub struct DecisionRow {
    /// The exclusion.
    pub exclusion_id: i64,
    /// 1 for the first decision.
    pub seq: i32,
    /// Who carries the shipment.
    pub partner_id: i64,
    /// [`Decision`].
    pub kind: String,
    /// [`Basis`].
    pub basis: String,
    /// Why, or what bore the claim out.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user; 0 for stored facts and for time.
    pub actor_id: i64,
}

impl DecisionRow {
    /// What was decided.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a word nobody knows.
    pub fn decision(&self) -> Result<Decision, DbError> {
        self.kind.parse().map_err(|error| self.bad(&error))
    }

    /// What it rests on.
    ///
    /// # Errors
    /// As [`DecisionRow::decision`].
    pub fn basis(&self) -> Result<Basis, DbError> {
        self.basis.parse().map_err(|error| self.bad(&error))
    }

    fn bad(&self, error: &BadCode) -> DbError {
        let what = format!("decision {} of exclusion {}", self.seq, self.exclusion_id);
        DbError::Stored { what, reason: error.to_string() }
    }
}

/// An exclusion with its decisions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// What was asked.
    pub row: ExclusionRow,
    /// What was decided.
    pub decisions: Vec<DecisionRow>,
    /// Where it stands.
    pub state: State,
}

/// Adds a request.
///
/// # Errors
/// The engine's reason.
pub fn exclusion_insert(db: &mut Db, row: &ExclusionRow) -> QueryResult<()> {
    diesel::insert_into(exclusions::table).values(row).execute(db)?;
    scorecards_changed(db)
}

/// Adds a decision, and marks its day, since answers are counted; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn exclusion_decision_insert(db: &mut Db, row: &DecisionRow) -> QueryResult<()> {
    diesel::insert_into(exclusion_decisions::table).values(row).execute(db)?;
    let cell = StaleCell { partner_id: row.partner_id, day: row.at.0.date_naive() };
    stale_mark(db, Source::Answers, &[cell].into_iter().collect())?;
    scorecards_changed(db)
}

/// Whether any exclusion was ever asked for: where none was, no changed row looks for one.
///
/// # Errors
/// The engine's reason.
pub fn any_exclusions(db: &mut Db) -> QueryResult<bool> {
    Ok(exclusions::table.select(exclusions::id).first::<i64>(db).optional()?.is_some())
}

/// One exclusion; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn exclusion_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Exclusion>, DbError> {
    let row: Option<ExclusionRow> =
        exclusions::table.find(id).select(ExclusionRow::as_select()).first(db).optional()?;
    let Some(row) = row.filter(|row| viewer.sees(row.partner_id)) else { return Ok(None) };
    Ok(with_decisions(db, vec![row])?.pop())
}

/// The exclusions of a shipment or a tender, oldest first; none when the viewer may not see the partner.
///
/// # Errors
/// As [`exclusion_show`].
pub fn exclusions_of_shipment(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    shipment_id: i64,
) -> Result<Vec<Exclusion>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows = exclusions::table
        .filter(exclusions::partner_id.eq(partner_id))
        .filter(exclusions::shipment_id.eq(shipment_id))
        .order(exclusions::id)
        .limit(LIST_LIMIT)
        .select(ExclusionRow::as_select())
        .load(db)?;
    with_decisions(db, rows)
}

/// Exclusions asked for since `since`, newest first, of one partner or of all the viewer may see; at most [`LIST_LIMIT`].
///
/// # Errors
/// As [`exclusion_show`].
pub fn exclusion_list(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    since: DateTime<Utc>,
) -> Result<Vec<Exclusion>, DbError> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(Vec::new()) };
    let mut query = exclusions::table.filter(exclusions::requested_at.ge(Instant(since))).into_boxed();
    if let Some(id) = asked {
        query = query.filter(exclusions::partner_id.eq(id));
    }
    let rows = query
        .order((exclusions::requested_at.desc(), exclusions::id.desc()))
        .limit(LIST_LIMIT)
        .select(ExclusionRow::as_select())
        .load(db)?;
    with_decisions(db, rows)
}

/// Where each request of the partner's own side since `since` stands; nothing when the viewer may not see the partner. Reads
/// no words: it stands behind a figure of a page that many open.
///
/// # Errors
/// The engine's reason, or a decision that does not read back.
pub fn states_of_partners_side(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    since: DateTime<Utc>,
) -> Result<Vec<State>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = exclusions::table
        .filter(exclusions::partner_id.eq(partner_id))
        .filter(exclusions::side.eq(Side::Partner.code()))
        .filter(exclusions::requested_at.ge(Instant(since)))
        .select(exclusions::id)
        .load(db)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let decided: Vec<(i64, String)> = exclusion_decisions::table
        .filter(exclusion_decisions::partner_id.eq(partner_id))
        .order((exclusion_decisions::exclusion_id, exclusion_decisions::seq))
        .select((exclusion_decisions::exclusion_id, exclusion_decisions::kind))
        .load(db)?;
    // The newest decision of each comes last.
    let newest: BTreeMap<i64, String> = decided.into_iter().collect();
    let state = |id: &i64| {
        newest.get(id).map(|kind| kind.parse()).transpose().map_err(|error: BadCode| DbError::Stored {
            what: format!("a decision about exclusion {id}"),
            reason: error.to_string(),
        })
    };
    ids.iter().map(state).collect()
}

/// Exclusions without any decision, the one to be decided first in front; at most [`LIST_LIMIT`].
///
/// # Errors
/// As [`exclusion_show`].
pub fn exclusions_open(db: &mut Db, viewer: &Viewer) -> Result<Vec<Exclusion>, DbError> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let decided = exclusion_decisions::table.select(exclusion_decisions::exclusion_id);
    let mut query = exclusions::table.filter(exclusions::id.ne_all(decided)).into_boxed();
    if let Some(id) = asked {
        query = query.filter(exclusions::partner_id.eq(id));
    }
    let rows = query
        .order((exclusions::due_on, exclusions::id))
        .limit(LIST_LIMIT)
        .select(ExclusionRow::as_select())
        .load(db)?;
    with_decisions(db, rows)
}

/// The next exclusions after the one with id `after`, at most `limit`.
///
/// Unscoped: `verify` reads all partners.
///
/// # Errors
/// As [`exclusion_show`].
pub fn exclusions_after_unscoped(db: &mut Db, after: i64, limit: i64) -> Result<Vec<Exclusion>, DbError> {
    let rows = exclusions::table
        .filter(exclusions::id.gt(after))
        .order(exclusions::id)
        .limit(limit)
        .select(ExclusionRow::as_select())
        .load(db)?;
    with_decisions(db, rows)
}

fn with_decisions(db: &mut Db, rows: Vec<ExclusionRow>) -> Result<Vec<Exclusion>, DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut found = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let of_some: Vec<DecisionRow> = exclusion_decisions::table
            .filter(exclusion_decisions::exclusion_id.eq_any(ids.to_vec()))
            .order((exclusion_decisions::exclusion_id, exclusion_decisions::seq))
            .select(DecisionRow::as_select())
            .load(db)?;
        found.extend(of_some);
    }
    let mut decisions = by_parent(found, |one| one.exclusion_id);
    rows.into_iter()
        .map(|row| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            let state = decisions.last().map(DecisionRow::decision).transpose()?;
            Ok(Exclusion { row, decisions, state })
        })
        .collect()
}

/// What a file is evidence for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An exclusion.
    Exclusion,
    /// A challenge.
    Challenge,
    /// A disputed line of an item: the row id of the step that disputes it.
    Dispute,
}

impl Subject {
    fn code(self) -> &'static str {
        match self {
            Self::Exclusion => "EXCLUSION",
            Self::Challenge => "CHALLENGE",
            Self::Dispute => "DISPUTE",
        }
    }
}

/// A file without its content.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = evidence_files)]
pub struct EvidenceFile {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub file_name: String,
    /// [`crate::domain::attachment::FileKind`].
    pub kind: String,
    /// Its size.
    pub byte_count: i64,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
}

/// Adds a file as evidence for a row of a partner.
///
/// # Errors
/// The engine's reason.
pub fn evidence_file_insert(
    db: &mut Db,
    (subject, subject_id, partner_id): (Subject, i64, i64),
    file: &EvidenceFile,
    content: &[u8],
    at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(evidence_files::table)
        .values((
            evidence_files::id.eq(file.id),
            evidence_files::partner_id.eq(partner_id),
            evidence_files::subject.eq(subject.code()),
            evidence_files::subject_id.eq(subject_id),
            evidence_files::file_name.eq(&file.file_name),
            evidence_files::kind.eq(&file.kind),
            evidence_files::byte_count.eq(file.byte_count),
            evidence_files::sha256.eq(&file.sha256),
            evidence_files::content.eq(content),
            evidence_files::added_at.eq(Instant(at)),
        ))
        .execute(db)
        .map(drop)
}

/// The files that are evidence for a row; its viewer is checked by whoever read the row.
///
/// # Errors
/// The engine's reason.
pub fn evidence_files_of(
    db: &mut Db,
    viewer: &Viewer,
    subject: Subject,
    subject_id: i64,
) -> QueryResult<Vec<EvidenceFile>> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let mut query = evidence_files::table
        .filter(evidence_files::subject.eq(subject.code()))
        .filter(evidence_files::subject_id.eq(subject_id))
        .into_boxed();
    if let Some(id) = asked {
        query = query.filter(evidence_files::partner_id.eq(id));
    }
    query.order(evidence_files::id).select(EvidenceFile::as_select()).load(db)
}

/// A file with its content; none when there is none or the viewer may not see its partner.
///
/// # Errors
/// The engine's reason.
pub fn evidence_file_content(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
) -> QueryResult<Option<(EvidenceFile, Vec<u8>)>> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(None) };
    let mut query = evidence_files::table.filter(evidence_files::id.eq(id)).into_boxed();
    if let Some(id) = asked {
        query = query.filter(evidence_files::partner_id.eq(id));
    }
    query.select((EvidenceFile::as_select(), evidence_files::content)).first(db).optional()
}
