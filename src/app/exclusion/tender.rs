//! Tenders that counted against a partner and are excused: what an approved exclusion does to one.

use chrono::{DateTime, NaiveDate, Utc};

use super::{NewExclusion, Unit, insert_row};
use crate::app::App;
use crate::app::edit::EditError;
use crate::app::facts::tender_facts;
use crate::db::evidence::source_by_code;
use crate::db::exclusion::ExclusionRow;
use crate::db::fold::{TenderFoldRow, tender_outcome_write};
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::tender::{TenderRow, tender_by_key, tender_exclusion_write};
use crate::db::{Db, DbError};
use crate::domain::attribution::Fault;
use crate::domain::exclusion::Excused;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::outcome::Outcome;
use crate::domain::tender::{TenderFacts, judge};
use crate::domain::viewer::Viewer;

/// A stored tender as the evaluator sees it.
pub(in crate::app) struct Offered {
    /// As stored.
    pub row: TenderRow,
    facts: TenderFacts,
}

impl Offered {
    /// The facts of a row.
    pub(in crate::app) fn read(row: TenderRow) -> Self {
        let facts = tender_facts(&TenderFoldRow::from(&row));
        Self { row, facts }
    }

    /// The tender of an address; none when the viewer may not see it.
    pub(in crate::app) fn find(
        db: &mut Db,
        viewer: &Viewer,
        named: super::Named<'_>,
    ) -> Result<Option<Self>, DbError> {
        if !viewer.sees(named.partner_id) {
            return Ok(None);
        }
        let Some(source_id) = source_by_code(db, named.source)? else { return Ok(None) };
        Ok(tender_by_key(db, named.partner_id, source_id, named.reference)?.map(Self::read))
    }

    /// Its outcome: within the commitment, else above it.
    pub(in crate::app) fn outcome(&self, as_of: DateTime<Utc>) -> Outcome {
        let verdict = judge(&self.facts, as_of);
        if verdict.outcome == Outcome::NotApplicable { verdict.surge } else { verdict.outcome }
    }

    /// Whether a KPI counts it.
    pub(in crate::app) fn is_counted_by(&self, kpi: Kpi, as_of: DateTime<Utc>) -> bool {
        let mut alone = Measures::default();
        self.facts.add_to(&judge(&self.facts, as_of), &mut alone);
        let value = kpi.value(&alone);
        value.n + value.excused + value.pending > 0
    }
}

/// Adds the request of `asker` to have a tender excused; `logger` is who the audit log names.
pub(in crate::app) fn insert(
    app: &App,
    db: &mut Db,
    logger: &Viewer,
    offered: &Offered,
    new: &NewExclusion,
    by: (&Viewer, Fault),
) -> Result<ExclusionRow, EditError> {
    let row = &offered.row;
    let outcome = offered.outcome(app.now());
    if !outcome.is_failure() {
        return Err(EditError::Card(format!(
            "tender {} is {}, so there is no failure to excuse",
            row.reference,
            tender_title(outcome)
        )));
    }
    let unit = Unit {
        unit: Excused::Tender,
        partner_id: row.partner_id,
        id: row.id,
        source_id: row.source_id,
        reference: &row.reference,
    };
    insert_row(app, db, logger, unit, new, by)
}

/// What became of a tender, in words.
pub(in crate::app) fn tender_title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "accepted",
        Outcome::Late => "not accepted",
        Outcome::NoEvidence => "never answered",
        Outcome::Excused => "not accepted and excused",
        Outcome::Pending => "not decided yet",
        Outcome::NotApplicable | Outcome::NoBaseline => "not counted",
    }
}

/// Writes a party, or none, to a tender, judges it again, and marks its cells.
pub(super) fn apply(app: &App, db: &mut Db, of: &ExclusionRow, party: Option<Fault>) -> Result<(), DbError> {
    let Some(mut row) = tender_by_key(db, of.partner_id, of.source_id, &of.reference)? else {
        return Err(DbError::Stored {
            what: format!("the tender of exclusion {}", of.id),
            reason: format!("there is no tender {} of that feed any more", of.reference),
        });
    };
    row.exclusion = party.map(|party| party.code().to_owned());
    tender_exclusion_write(db, &row)?;
    let (key, day) = ((row.sent_day, row.partner_id, row.id), row.sent_day.0);
    let verdict = judge(&Offered::read(row).facts, app.now());
    tender_outcome_write(db, &key, verdict.outcome, verdict.settles_at)?;
    let cell = StaleCell { partner_id: of.partner_id, day };
    stale_mark(db, Source::Tenders, &[cell].into_iter().collect())?;
    Ok(())
}

/// Whether the tender of an exclusion is excused as stored.
pub(super) fn is_excused(db: &mut Db, of: &ExclusionRow) -> Result<bool, DbError> {
    let tender = tender_by_key(db, of.partner_id, of.source_id, &of.reference)?;
    Ok(tender.is_some_and(|tender| tender.exclusion.is_some()))
}

/// The day on which the tender of an exclusion was sent.
pub(super) fn sent_on(db: &mut Db, of: &ExclusionRow) -> Result<Option<NaiveDate>, DbError> {
    let tender = tender_by_key(db, of.partner_id, of.source_id, &of.reference)?;
    Ok(tender.map(|tender| tender.sent_day.0))
}
