//! Queues the periodic review of each partner (DOMAIN §7.1): the headline of its published scorecard
//! and a link, never a rate.
//!
//! A review is due when the newest whole period of the partner's cadence has a published scorecard. It
//! goes out once per scorecard: the occasion is named by partner, period and the fingerprint of the
//! document. When a period that was mailed is restated, the next run sends what changed; a period that
//! was never mailed is not mailed late. Scorecards are published by month and quarter, so a weekly
//! cadence is reviewed by month too.

mod compose;

use chrono::NaiveDate;
use serde::Serialize;

use super::App;
use super::mail::{Enqueued, MailKind, NewMail, enqueue};
use super::score::{Published, published};
use crate::db::dialect::write_tx;
use crate::db::mail::mail_keys;
use crate::db::partner::{Partner, partner_list};
use crate::db::scorecard::scorecard_by_id;
use crate::db::{Db, DbError};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::domain::words::figure;
use crate::mail::template::RenderError;

/// Periods looked at for restatements, the newest whole one included.
const PERIODS_BACK: usize = 4;

/// Why reviews could not be queued. What was queued for earlier partners stays.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A message could not be written.
    #[error("the review of {partner} for {period}: {reason}")]
    Render {
        /// Whose.
        partner: String,
        /// Of which period.
        period: Period,
        /// Why.
        reason: RenderError,
    },
    /// A review is sent for a month or a quarter.
    #[error("reviews are sent by month and quarter; `{0}` is neither")]
    Kind(Period),
}

impl From<diesel::result::Error> for ReviewError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReviewReport {
    /// Reviews queued.
    pub queued: i64,
    /// Of them, corrections of an earlier review.
    pub corrected: i64,
    /// Reviews that were sent or queued before.
    pub already: i64,
    /// Partners whose period has no published scorecard yet.
    pub waiting: i64,
    /// Partners without an address for reviews.
    pub no_address: i64,
    /// Reviews whose address no mail can go to; the outbox shows them.
    pub refused: i64,
}

impl ReviewReport {
    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = format!("{} queued", figure(self.queued));
        for (count, what) in [
            (self.corrected, "of them corrections"),
            (self.already, "sent before"),
            (self.waiting, "not published yet"),
            (self.no_address, "without an address"),
            (self.refused, "refused for the address"),
        ] {
            if count > 0 {
                words.push_str(&format!(", {} {what}", figure(count)));
            }
        }
        words
    }

    /// Rows the run wrote.
    #[must_use]
    pub fn changed_rows(&self) -> i64 {
        self.queued.saturating_add(self.refused)
    }
}

/// Queues every review that is due on `as_of`, or those of `period` when one is named. Doing it again
/// queues nothing.
///
/// # Errors
/// [`ReviewError`].
pub fn send_reviews(
    app: &App,
    as_of: NaiveDate,
    period: Option<Period>,
) -> Result<ReviewReport, ReviewError> {
    if let Some(period) = period.filter(|p| !matches!(p.kind(), PeriodKind::Month | PeriodKind::Quarter)) {
        return Err(ReviewError::Kind(period));
    }
    let mut conn = app.pool.get().map_err(ReviewError::Db)?;
    let mut report = ReviewReport::default();
    for partner in partner_list(&mut conn, &Viewer::system())? {
        let Some(newest) = due_period(&partner, as_of) else { continue };
        if partner.contact_email.trim().is_empty() {
            report.no_address += 1;
            continue;
        }
        // One transaction a partner: a failure later on loses nothing that was queued.
        write_tx(&mut conn, |db| match period {
            Some(period) => review(app, db, &partner, period, true, &mut report),
            None => due_reviews(app, db, &partner, newest, &mut report),
        })?;
    }
    Ok(report)
}

/// The newest whole period of the partner's cadence; none when it gets no reviews.
fn due_period(partner: &Partner, as_of: NaiveDate) -> Option<Period> {
    let kind = match partner.review_cadence.as_str() {
        "WEEKLY" | "MONTHLY" => PeriodKind::Month,
        "QUARTERLY" => PeriodKind::Quarter,
        _ => return None,
    };
    partner.is_open().then(|| Period::containing(kind, as_of).previous())
}

fn due_reviews(
    app: &App,
    db: &mut Db,
    partner: &Partner,
    newest: Period,
    report: &mut ReviewReport,
) -> Result<(), ReviewError> {
    let mut period = newest;
    for back in 0..PERIODS_BACK {
        review(app, db, partner, period, back == 0, report)?;
        period = period.previous();
    }
    Ok(())
}

/// Queues the review of one period; with `is_due` also when none was sent for it before.
fn review(
    app: &App,
    db: &mut Db,
    partner: &Partner,
    period: Period,
    is_due: bool,
    report: &mut ReviewReport,
) -> Result<(), ReviewError> {
    let card = published(db, &Viewer::system(), partner.id, period)?;
    // A scorecard to date is a preview, not a publication.
    let Some(card) = card.filter(|card| card.snapshot.to_date.is_none()) else {
        report.waiting += i64::from(is_due);
        return Ok(());
    };
    let occasion = format!("review:{}:{period}:", partner.id);
    let key = format!("{occasion}{}", card.row.snapshot_hash);
    let sent = mail_keys(db, &occasion)?;
    if sent.contains(&key) {
        report.already += i64::from(is_due);
        return Ok(());
    }
    if sent.is_empty() && !is_due {
        return Ok(());
    }
    let before = mailed_before(db, &card, &occasion, &sent)?;
    let is_correction = before.is_some();
    let review = compose::Review { partner, card: &card, before: before.as_ref(), sender: sender(db)? };
    let previous = published(db, &Viewer::system(), partner.id, period.previous())?;
    let (message, parts) = review
        .mail(previous.as_ref(), &app.base_url)
        .map_err(|reason| ReviewError::Render { partner: partner.name.clone(), period, reason })?;
    let mail = NewMail {
        dedupe_key: key,
        kind: MailKind::Review,
        partner_id: Some(partner.id),
        to: partner.contact_email.clone(),
        message,
        parts,
    };
    match enqueue(app, db, &mail)? {
        Enqueued::Queued(_) => {
            report.queued += 1;
            report.corrected += i64::from(is_correction);
        }
        Enqueued::Already => report.already += 1,
        Enqueued::Refused { .. } => report.refused += 1,
    }
    Ok(())
}

/// The publication that the partner was last mailed for this period, following restatements back.
fn mailed_before(
    db: &mut Db,
    card: &Published,
    occasion: &str,
    sent: &[String],
) -> Result<Option<Published>, DbError> {
    let mut earlier = card.row.restates;
    while let Some(id) = earlier {
        let Some(row) = scorecard_by_id(db, id)? else { return Ok(None) };
        if sent.contains(&format!("{occasion}{}", row.snapshot_hash)) {
            return Published::read(row).map(Some);
        }
        earlier = row.restates;
    }
    Ok(None)
}

/// The setting that names the shipper in mails.
pub const ORGANISATION: &str = "organisation";

fn sender(db: &mut Db) -> Result<String, DbError> {
    Ok(crate::db::setting::setting(db, ORGANISATION)?.unwrap_or_else(|| "your shipper".to_owned()))
}

#[cfg(test)]
mod tests;
