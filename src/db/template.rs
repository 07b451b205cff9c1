//! Versions of scorecard templates as they were proposed, and what was decided about them; both only added to.

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::decided::{by_parent, newest};
use super::schema::{template_decisions, template_proposals};
use super::types::{Day, Instant};
use crate::domain::exclusion::Decision;
use crate::domain::scorecard::Template;

/// A version as it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = template_proposals)]
pub struct ProposalRow {
    /// Row id; an agreed version has the same in `scorecard_templates`.
    pub id: i64,
    /// Code that all versions of the template share.
    pub code: String,
    /// Name of the version.
    pub version: String,
    /// JSON of [`Template`].
    pub definition: String,
    /// The first period it is to count for.
    pub first_period: String,
    /// First day of that period.
    pub valid_from: Day,
    /// Why it changes.
    pub reason: String,
    /// When it was proposed.
    pub proposed_at: Instant,
    /// By whom.
    pub proposed_by: String,
    /// Id of that user; 0 for the command line.
    pub proposed_by_id: i64,
}

/// One decision about a version.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = template_decisions)]
pub struct TemplateDecisionRow {
    /// The version.
    pub proposal_id: i64,
    /// 1 for the first decision.
    pub seq: i32,
    /// [`Decision`].
    pub kind: String,
    /// Why.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

/// A version with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// As it was proposed.
    pub row: ProposalRow,
    /// What it says.
    pub template: Template,
    /// The decisions, oldest first.
    pub decisions: Vec<TemplateDecisionRow>,
    /// Where it stands; none while it waits.
    pub state: Option<Decision>,
}

/// Adds a version; the name of one that exists is refused.
///
/// # Errors
/// The engine's reason.
pub fn template_proposal_insert(db: &mut Db, row: &ProposalRow) -> QueryResult<()> {
    diesel::insert_into(template_proposals::table).values(row).execute(db).map(drop)
}

/// Adds a decision; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn template_decision_insert(db: &mut Db, row: &TemplateDecisionRow) -> QueryResult<()> {
    diesel::insert_into(template_decisions::table).values(row).execute(db).map(drop)
}

/// Every version that was proposed, oldest first, for the shipper's pages.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn template_proposals_all(db: &mut Db) -> Result<Vec<Proposal>, DbError> {
    let rows: Vec<ProposalRow> =
        template_proposals::table.order(template_proposals::id).select(ProposalRow::as_select()).load(db)?;
    let found: Vec<TemplateDecisionRow> = template_decisions::table
        .order((template_decisions::proposal_id, template_decisions::seq))
        .select(TemplateDecisionRow::as_select())
        .load(db)?;
    let mut decisions = by_parent(found, |one| one.proposal_id);
    rows.into_iter()
        .map(|row| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            let what = || format!("proposed template {}", row.id);
            let state = newest(decisions.last().map(|last| last.kind.as_str()), what)?;
            let template = serde_json::from_str(&row.definition)
                .map_err(|error| DbError::Stored { what: what(), reason: error.to_string() })?;
            Ok(Proposal { state, template, decisions, row })
        })
        .collect()
}
