//! Restating a scorecard that is final: by a carrier manager, with a reason, as a new publication that names the old one.
//!
//! What was published stays; both sides see what moved. Money is not moved here: a restatement is a row that an accrual
//! reads (`db::restatement::restatements_after_unscoped`).

use chrono::NaiveDate;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::refresh::{anything_stale, ensure_fresh};
use super::score::{Fresh, Published, ScoreError, published};
use super::scorecard_mail::{To, Told, tell};
use crate::db::dialect::write_tx;
use crate::db::restatement::{
    DriftRow, RestatementRow, drift_clear, drift_list, restatement_insert, restatements_of,
};
use crate::db::scorecard::{card_stamp, scorecard_latest};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::exclusion::words_fit;
use crate::domain::outcome::local_day;
use crate::domain::period::Period;
use crate::domain::scorecard::{Moved, Publication, PublicationState, figures_moved};
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// Figures named in a mail; the page names them all.
const FIGURES_MAILED: usize = 40;

/// What restating would do, for the page that asks for it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The partner's name.
    pub partner: String,
    /// The publication that counts now.
    pub published: Published,
    /// Whether it is final, so that it can be restated at all.
    pub is_final: bool,
    /// What would move.
    pub moved: Vec<Moved>,
    /// Some facts still wait to be summed, so that more may move.
    pub waits: bool,
}

impl From<ScoreError> for EditError {
    fn from(error: ScoreError) -> Self {
        match error {
            ScoreError::Db(error) => Self::Db(error),
            other => Self::Card(other.to_string()),
        }
    }
}

/// What a restatement of a partner's period would move.
///
/// # Errors
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn preview(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Preview, EditError> {
    allowed(viewer, Action::PublishScorecards)?;
    let missing = || EditError::NotFound("scorecard");
    let stamp = card_stamp(db, viewer, partner_id, period)?.ok_or_else(missing)?;
    let today = local_day(app.now(), stamp.zone);
    let published = published(db, viewer, partner_id, period)?.ok_or_else(missing)?;
    let fresh = Fresh::read(db, partner_id, period, today)?;
    let moved = fresh.map_or_else(Vec::new, |fresh| figures_moved(&published.snapshot, fresh.document()));
    let is_final = is_final(&published, today);
    let waits = anything_stale(db, app.now())?;
    Ok(Preview { partner: stamp.partner.name, published, is_final, moved, waits })
}

fn is_final(published: &Published, today: NaiveDate) -> bool {
    let snapshot = &published.snapshot;
    let publication = Publication::of(snapshot.period, &BusinessCalendar::weekdays([]));
    snapshot.to_date.is_none() && publication.state(today) == PublicationState::Final
}

/// Restates a final scorecard with all facts known now. Gives what moved.
///
/// # Errors
/// [`EditError::Card`] when it is not final yet, or nothing would move; [`EditError::Invalid`] without a reason;
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn restate(
    app: &App,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
    reason: &str,
) -> Result<Vec<Moved>, EditError> {
    allowed(viewer, Action::PublishScorecards)?;
    let mut errors = Vec::new();
    words_fit(&mut errors, "reason", reason, "say why; the partner reads it");
    valid(errors)?;
    ensure_fresh(app, app.now())?;
    let mut db = app.pool.get().map_err(EditError::Db)?;
    write_tx(&mut db, |db| {
        let missing = || EditError::NotFound("scorecard");
        let today = app.today(db)?;
        let row = scorecard_latest(db, viewer, partner_id, period)?.ok_or_else(missing)?;
        let published = Published::read(row)?;
        if !is_final(&published, today) {
            let day = Publication::of(period, &BusinessCalendar::weekdays([])).final_on;
            return Err(EditError::Card(format!(
                "the scorecard of {} is final on {}; until then changed facts change it by themselves",
                period.title(),
                words::day(day)
            )));
        }
        let fresh = Fresh::read(db, partner_id, period, today)?.ok_or_else(missing)?;
        let moved = figures_moved(&published.snapshot, fresh.document());
        if moved.is_empty() || fresh.hash == published.row.snapshot_hash {
            return Err(EditError::Card(format!(
                "nothing in the scorecard of {} would change, so there is nothing to restate",
                period.title()
            )));
        }
        let new = fresh.publish(app, db, partner_id, published.row.id)?;
        restatement_insert(
            db,
            &RestatementRow {
                id: app.id(),
                partner_id,
                period: period.to_string(),
                scorecard_id: new,
                restates: published.row.id,
                reason: reason.trim().to_owned(),
                figures_moved: i32::try_from(moved.len()).unwrap_or(i32::MAX),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        drift_clear(db, partner_id, &period.to_string())?;
        let detail = format!("{}; {}", reason.trim(), words::many(moved.len(), "figure"));
        let subject = format!("scorecard {period}");
        let entry = Entry {
            action: "scorecard.restate",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        mail(app, db, partner_id, period, (new, reason.trim()), &moved)?;
        Ok(moved)
    })
}

fn mail(
    app: &App,
    db: &mut Db,
    partner_id: i64,
    period: Period,
    (new, reason): (i64, &str),
    moved: &[Moved],
) -> Result<(), DbError> {
    let mut lines = vec![
        format!("Why: {reason}"),
        "The publication before it stays on the page. This is what moved:".to_owned(),
    ];
    // No amounts of money in a mail.
    let told = moved.iter().filter(|one| !one.what.contains("Freight") && !one.what.contains("Cost"));
    lines.extend(
        told.take(FIGURES_MAILED).map(|one| format!("{}: {}, was {}", one.what, one.now, one.before)),
    );
    if moved.len() > FIGURES_MAILED {
        lines.push("The page has the rest.".to_owned());
    }
    let told = Told {
        occasion: format!("restated:{new}"),
        heading: format!("{} was restated", period.title()),
        lines,
        action: "See the scorecard",
        path: format!("/portal/scorecards/{period}"),
    };
    tell(app, db, partner_id, To::Partner, &told)?;
    Ok(())
}

/// What was restated after a period's scorecard became final, oldest first.
///
/// # Errors
/// The database's reason.
pub fn restated(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Vec<RestatementRow>, DbError> {
    Ok(restatements_of(db, viewer, partner_id, &period.to_string())?)
}

/// Final scorecards that later facts would move, the longest known first.
///
/// # Errors
/// The database's reason.
pub fn drifts(db: &mut Db, viewer: &Viewer) -> Result<Vec<DriftRow>, DbError> {
    Ok(drift_list(db, viewer)?)
}

#[cfg(test)]
pub(in crate::app) mod tests;
