//! Challenges of scorecard lines and the answers to them; rows are only added.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::schema::{challenge_decisions, challenges};
use super::shipment::{Source, StaleCell, partner_filter, stale_mark};
use super::types::{Day, Instant};
use crate::domain::challenge::Answer;
use crate::domain::exclusion::Excused;
use crate::domain::field::BadCode;
use crate::domain::kpi::Kpi;
use crate::domain::viewer::Viewer;

/// Challenges one list answers at most.
pub const LIST_LIMIT: i64 = 2_000;
/// Ids in one statement; stays far below SQLite's limit of binds.
const IDS_PER_STATEMENT: usize = 500;

/// A line that the partner challenges.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = challenges)]
pub struct ChallengeRow {
    /// Row id.
    pub id: i64,
    /// Whose scorecard.
    pub partner_id: i64,
    /// The publication challenged.
    pub scorecard_id: i64,
    /// Its period, as written.
    pub period: String,
    /// Code of the KPI.
    pub kpi: String,
    /// The shipment, or the tender where the KPI counts tenders.
    pub shipment_id: i64,
    /// Its feed: with the reference, its natural key.
    pub source_id: i32,
    /// The feed's own number of it.
    pub reference: String,
    /// The outcome challenged, in words.
    pub outcome: String,
    /// What is wrong with it.
    pub statement: String,
    /// What proves it.
    pub evidence: String,
    /// The day by which it is to be answered.
    pub answer_by: Day,
    /// When it was raised.
    pub raised_at: Instant,
    /// By whom.
    pub raised_by: String,
    /// Id of that user.
    pub raised_by_id: i64,
}

impl ChallengeRow {
    /// Whether it is about a tender; else about a shipment.
    #[must_use]
    pub fn is_of_tender(&self) -> bool {
        self.kpi.parse::<Kpi>().is_ok_and(Kpi::counts_tenders)
    }

    /// `shipment 17` or `tender 17`.
    #[must_use]
    pub fn named(&self) -> String {
        let unit = if self.is_of_tender() { Excused::Tender } else { Excused::Shipment };
        format!("{} {}", unit.label(), self.reference)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = challenge_decisions, treat_none_as_default_value = false)]
pub struct AnswerRow {
    /// The challenge.
    pub challenge_id: i64,
    /// 1 for the first.
    pub seq: i32,
    /// Whose scorecard.
    pub partner_id: i64,
    /// [`Answer`].
    pub kind: String,
    /// Why, or which fact is corrected.
    pub words: String,
    /// The exclusion it made.
    pub exclusion_id: Option<i64>,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// A challenge with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What is challenged.
    pub row: ChallengeRow,
    /// The answer; none while it is open.
    pub answer: Option<(Answer, AnswerRow)>,
}

/// Adds a challenge.
///
/// # Errors
/// The engine's reason.
pub fn challenge_insert(db: &mut Db, row: &ChallengeRow) -> QueryResult<()> {
    diesel::insert_into(challenges::table).values(row).execute(db).map(drop)
}

/// Adds an answer, and marks its day, since answers are counted; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn challenge_answer_insert(db: &mut Db, row: &AnswerRow) -> QueryResult<()> {
    diesel::insert_into(challenge_decisions::table).values(row).execute(db)?;
    let cell = StaleCell { partner_id: row.partner_id, day: row.at.0.date_naive() };
    stale_mark(db, Source::Answers, &[cell].into_iter().collect())
}

/// One challenge; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn challenge_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Challenge>, DbError> {
    let row: Option<ChallengeRow> =
        challenges::table.find(id).select(ChallengeRow::as_select()).first(db).optional()?;
    let Some(row) = row.filter(|row| viewer.sees(row.partner_id)) else { return Ok(None) };
    Ok(with_answers(db, vec![row])?.pop())
}

/// The challenges of one partner's period, oldest first; none when the viewer may not see the partner.
///
/// # Errors
/// As [`challenge_show`].
pub fn challenges_of_card(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: &str,
) -> Result<Vec<Challenge>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows = challenges::table
        .filter(challenges::partner_id.eq(partner_id))
        .filter(challenges::period.eq(period))
        .order(challenges::id)
        .limit(LIST_LIMIT)
        .select(ChallengeRow::as_select())
        .load(db)?;
    with_answers(db, rows)
}

/// The newest challenges of one partner; none when the viewer may not see it.
///
/// # Errors
/// As [`challenge_show`].
pub fn challenges_of_partner(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    limit: i64,
) -> Result<Vec<Challenge>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    let rows = challenges::table
        .filter(challenges::partner_id.eq(partner_id))
        .order(challenges::id.desc())
        .limit(limit)
        .select(ChallengeRow::as_select())
        .load(db)?;
    with_answers(db, rows)
}

/// Challenges without an answer, the one due first in front, of the partners the viewer may see.
///
/// # Errors
/// As [`challenge_show`].
pub fn challenges_open(db: &mut Db, viewer: &Viewer) -> Result<Vec<Challenge>, DbError> {
    let Some(asked) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    let answered = challenge_decisions::table.select(challenge_decisions::challenge_id);
    let mut query = challenges::table.filter(challenges::id.ne_all(answered)).into_boxed();
    if let Some(id) = asked {
        query = query.filter(challenges::partner_id.eq(id));
    }
    let rows = query
        .order((challenges::answer_by, challenges::id))
        .limit(LIST_LIMIT)
        .select(ChallengeRow::as_select())
        .load(db)?;
    with_answers(db, rows)
}

fn with_answers(db: &mut Db, rows: Vec<ChallengeRow>) -> Result<Vec<Challenge>, DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut answers: BTreeMap<i64, AnswerRow> = BTreeMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let found: Vec<AnswerRow> = challenge_decisions::table
            .filter(challenge_decisions::challenge_id.eq_any(ids.to_vec()))
            .order((challenge_decisions::challenge_id, challenge_decisions::seq))
            .select(AnswerRow::as_select())
            .load(db)?;
        answers.extend(found.into_iter().map(|one| (one.challenge_id, one)));
    }
    rows.into_iter()
        .map(|row| {
            let answer = answers.remove(&row.id).map(|answer| {
                let kind = answer.kind.parse().map_err(|error: BadCode| DbError::Stored {
                    what: format!("the answer to challenge {}", row.id),
                    reason: error.to_string(),
                })?;
                Ok::<_, DbError>((kind, answer))
            });
            Ok(Challenge { answer: answer.transpose()?, row })
        })
        .collect()
}
