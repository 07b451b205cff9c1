//! Challenges of scorecard lines: raised by the partner in its review, answered by a carrier manager, reminded of by the
//! day. A unit that is excused goes through an exclusion like any other, asked for by the partner and approved by the
//! manager, in the transaction of the answer.

use chrono::{Days, NaiveDate};

use super::App;
use super::audit::{Entry, audit};
use super::contract::deadline_calendar;
use super::edit::{EditError, allowed, valid};
use super::exclusion::tender::{Offered, insert as insert_tender, tender_title};
use super::exclusion::{
    Judged, Named, NewEvidence, NewExclusion, checked, deny_overdue, find, insert, settle,
};
use super::refresh::SUMS_LOCK;
use super::scorecard_mail::{To, Told, tell};
use crate::db::challenge::{
    AnswerRow, Challenge, ChallengeRow, challenge_answer_insert, challenge_insert, challenge_show,
    challenges_of_card, challenges_of_partner, challenges_open,
};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::exclusion::{
    EvidenceFile, Exclusion, Subject, evidence_file_insert, evidence_files_of, exclusions_of_shipment,
    exclusions_open,
};
use crate::db::scorecard::{ScorecardRow, scorecard_latest, scorecard_list_period};
use crate::db::shipment::{ShipmentRow, shipment_by_key};
use crate::db::tender::{TenderRow, tender_by_key};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::attribution::Fault;
use crate::domain::baseline::StopPurpose;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::challenge::{
    Answer, OPEN_CHALLENGES_MAX, answer_by, answer_problems, has_lines, judges_tenders, may_be_challenged,
    problems,
};
use crate::domain::exclusion::{Basis, Decision, Excused, Refused};
use crate::domain::kpi::Kpi;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{Publication, PublicationState};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// Challenges a partner's page lists.
pub const LISTED: i64 = 200;
/// Business days before a deadline on which it is reminded of.
const REMIND_DAYS: u16 = 2;

/// A line to challenge.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// What is wrong with it.
    pub statement: String,
    /// What proves it.
    pub evidence: String,
    /// A document.
    pub file: Option<NewEvidence>,
}

/// The stop a KPI judges; none for one that judges no stop.
#[must_use]
pub fn stop_of(kpi: Kpi) -> Option<StopPurpose> {
    match kpi {
        Kpi::OtpWin => Some(StopPurpose::Pickup),
        Kpi::OtdDay | Kpi::OtdWin => Some(StopPurpose::Delivery),
        _ => None,
    }
}

/// The days of a period's publication.
#[must_use]
pub fn publication_of(period: Period) -> Publication {
    Publication::of(period, &BusinessCalendar::weekdays([]))
}

/// Raises a challenge of one line of the partner's own scorecard. Gives its id.
///
/// # Errors
/// [`EditError::Challenge`] outside the review, with the day that decides; [`EditError::Card`] when the line is not of the
/// scorecard or is challenged already; [`EditError::Invalid`], [`EditError::NotFound`], or the database's reason.
pub fn raise(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (period, kpi): (Period, Kpi),
    named: Named<'_>,
    new: &NewChallenge,
) -> Result<i64, EditError> {
    allowed(viewer, Action::UsePortal)?;
    valid(problems(&new.statement, &new.evidence))?;
    let file = new.file.as_ref().map(checked).transpose()?;
    write_tx(db, |db| {
        let today = app.today(db)?;
        let card = published(db, viewer, named.partner_id, period, today)?;
        may_be_challenged(&publication_of(period), today)?;
        let line = Line::find(app, db, viewer, (period, kpi), named)?;
        let known = challenges_of_card(db, viewer, named.partner_id, &period.to_string())?;
        let open = || known.iter().filter(|one| one.answer.is_none());
        if open().any(|one| one.row.shipment_id == line.id && one.row.kpi == kpi.code()) {
            return Err(EditError::Card(
                "this line is challenged already and waits for an answer".to_owned(),
            ));
        }
        if open().count() >= OPEN_CHALLENGES_MAX {
            return Err(EditError::Card(format!(
                "{OPEN_CHALLENGES_MAX} challenges of {} are open; talk to the shipper about what they have in common",
                period.title()
            )));
        }
        let row = ChallengeRow {
            id: app.id(),
            partner_id: named.partner_id,
            scorecard_id: card.id,
            period: period.to_string(),
            kpi: kpi.code().to_owned(),
            shipment_id: line.id,
            source_id: line.source_id,
            reference: line.reference,
            outcome: line.outcome.to_owned(),
            statement: new.statement.trim().to_owned(),
            evidence: new.evidence.trim().to_owned(),
            answer_by: Day(answer_by(today, &deadline_calendar())),
            raised_at: Instant(app.now()),
            raised_by: viewer.name.clone(),
            raised_by_id: viewer.user_id,
        };
        challenge_insert(db, &row)?;
        if let (Some(file), Some(new)) = (&file, &new.file) {
            let of = (Subject::Challenge, row.id, row.partner_id);
            evidence_file_insert(
                db,
                of,
                &EvidenceFile { id: app.id(), ..file.clone() },
                &new.content,
                app.now(),
            )?;
        }
        log(app, db, viewer, "challenge.raise", &row, &row.statement)?;
        let told = Told {
            occasion: format!("challenge:{}", row.id),
            heading: capital(&format!("{} is challenged in {}", row.named(), period.title())),
            lines: vec![
                format!("{}, {}.", kpi.name(), row.outcome),
                row.statement.clone(),
                format!("An answer is due by {}.", words::day(row.answer_by.0)),
            ],
            action: "Answer it",
            path: format!("/challenges/{}", row.id),
        };
        tell(app, db, row.partner_id, To::Managers, &told)?;
        Ok(row.id)
    })
}

/// The published scorecard of a period that has ended.
fn published(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
    today: NaiveDate,
) -> Result<ScorecardRow, EditError> {
    let row = scorecard_latest(db, viewer, partner_id, period)?.ok_or(EditError::NotFound("scorecard"))?;
    // The preview of a running period is no scorecard yet; its day says when it can be challenged.
    if today < period.end() {
        may_be_challenged(&publication_of(period), today)?;
    }
    Ok(row)
}

/// A line as it is challenged.
struct Line {
    id: i64,
    source_id: i32,
    reference: String,
    /// In words.
    outcome: &'static str,
}

impl Line {
    /// The shipment or tender of an address, if it counts in a KPI of a period.
    fn find(
        app: &App,
        db: &mut Db,
        viewer: &Viewer,
        (period, kpi): (Period, Kpi),
        named: Named<'_>,
    ) -> Result<Self, EditError> {
        let (unit, line, counts) = if kpi.counts_tenders() {
            let offered = Offered::find(db, viewer, named)?.ok_or(EditError::NotFound("tender"))?;
            let outcome = tender_title(offered.outcome(app.now()));
            let counts = period.contains(offered.row.sent_day.0) && offered.is_counted_by(kpi, app.now());
            let TenderRow { id, source_id, reference, .. } = offered.row;
            (Excused::Tender, Self { id, source_id, reference, outcome }, counts)
        } else {
            let judged = find(db, viewer, named)?.ok_or(EditError::NotFound("shipment"))?;
            let outcome = stop_of(kpi).map(|stop| judged.outcome(stop, app.now()).title());
            let counts = is_counted(&judged, period, kpi);
            let ShipmentRow { id, source_id, reference, .. } = judged.row;
            let outcome = outcome.unwrap_or("as counted");
            (Excused::Shipment, Self { id, source_id, reference, outcome }, counts)
        };
        if counts && has_lines(kpi) {
            return Ok(line);
        }
        Err(EditError::Card(format!(
            "{} {} is no line of {} in {}",
            unit.label(),
            named.reference,
            kpi.name(),
            period.title()
        )))
    }
}

/// Whether a shipment counts in a KPI of a period.
fn is_counted(judged: &Judged, period: Period, kpi: Kpi) -> bool {
    let own = judged.row.obligation_day.0;
    let day = match stop_of(kpi) {
        Some(StopPurpose::Pickup) => judged.facts.pickup_obligation_day().unwrap_or(own),
        _ => own,
    };
    period.contains(day)
}

/// An answer to a challenge.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// Which.
    pub answer: Answer,
    /// Why, or which fact is corrected.
    pub words: String,
    /// Who caused the miss, where it is excused.
    pub party: Option<Fault>,
    /// Code of the list of reasons, where it is excused.
    pub reason_code: String,
}

/// Answers a challenge, or takes one's own back. Gives the challenge as it was, and whether its scorecard is final, so that
/// accepting it leads to a restatement.
///
/// # Errors
/// [`EditError::Card`] when it was answered, or its unit cannot be excused; [`EditError::Review`], [`EditError::Invalid`],
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn answer(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    new: &NewAnswer,
) -> Result<(Challenge, bool), EditError> {
    let takes_back = new.answer == Answer::Withdrawn;
    if takes_back {
        allowed(viewer, Action::UsePortal)?;
    } else {
        allowed(viewer, Action::DecideExclusions)?;
    }
    valid(answer_problems(new.answer, &new.words, new.party, &new.reason_code))?;
    write_tx(db, |db| {
        transaction_lock(db, SUMS_LOCK)?;
        let found = challenge_show(db, viewer, id)?.ok_or(EditError::NotFound("challenge"))?;
        if let Some((answer, _)) = &found.answer {
            return Err(EditError::Card(format!("this challenge was answered: {}", answer.label())));
        }
        if !takes_back && found.row.raised_by_id == viewer.user_id {
            return Err(Refused::OwnRequest.into());
        }
        let exclusion_id = match new.answer {
            Answer::Excused => Some(excuse(app, db, viewer, &found.row, new)?),
            _ => None,
        };
        let row = &found.row;
        challenge_answer_insert(
            db,
            &AnswerRow {
                challenge_id: id,
                seq: 1,
                partner_id: row.partner_id,
                kind: new.answer.code().to_owned(),
                words: new.words.trim().to_owned(),
                exclusion_id,
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let action = format!("challenge.{}", new.answer.code().to_lowercase());
        log(app, db, viewer, &action, row, new.words.trim())?;
        let today = app.today(db)?;
        let period = period_of(row)?;
        let is_final = publication_of(period).state(today) == PublicationState::Final;
        if !takes_back {
            told_answer(app, db, row, period, new, is_final)?;
        }
        Ok((found, is_final))
    })
}

/// The period of a stored challenge.
///
/// # Errors
/// A period that does not read back.
pub fn period_of(row: &ChallengeRow) -> Result<Period, DbError> {
    row.period.parse().map_err(|error: crate::domain::period::BadPeriod| DbError::Stored {
        what: format!("challenge {}", row.id),
        reason: error.to_string(),
    })
}

fn told_answer(
    app: &App,
    db: &mut Db,
    row: &ChallengeRow,
    period: Period,
    new: &NewAnswer,
    is_final: bool,
) -> Result<(), DbError> {
    let mut lines = vec![format!("{}: {}", capital(new.answer.label()), new.words.trim())];
    if matches!(new.answer, Answer::Excused | Answer::Corrected) {
        lines.push(if is_final {
            "The scorecard is final, so the change comes with a restatement.".to_owned()
        } else {
            "The next scoring takes it into account.".to_owned()
        });
    }
    let told = Told {
        occasion: format!("challenge-answer:{}", row.id),
        heading: format!("Your challenge of {} in {} was answered", row.named(), period.title()),
        lines,
        action: "See the answer",
        path: format!("/portal/challenges/{}", row.id),
    };
    tell(app, db, row.partner_id, To::Partner, &told)?;
    Ok(())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Makes the exclusion that a challenge comes to, asked for by the partner, and approves it. A request that waits for the
/// same stop is approved instead of a second one.
fn excuse(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    row: &ChallengeRow,
    new: &NewAnswer,
) -> Result<i64, EditError> {
    let kpi: Kpi = row.kpi.parse().map_err(|error: crate::domain::kpi::UnknownKpi| DbError::Stored {
        what: format!("challenge {}", row.id),
        reason: error.to_string(),
    })?;
    // Of a tender the stop says nothing.
    let tender = judges_tenders(kpi);
    let stop = if tender { Some(StopPurpose::Pickup) } else { stop_of(kpi) }.ok_or_else(|| {
        EditError::Card(format!(
            "{} judges no pickup, no delivery and no tender, so nothing can be excused; say which fact is corrected, or deny it",
            kpi.name()
        ))
    })?;
    let waiting: Option<Exclusion> = exclusions_of_shipment(db, viewer, row.partner_id, row.shipment_id)?
        .into_iter()
        .find(|one| one.state.is_none() && one.row.is_of_tender() == tender && one.row.stop == stop.code());
    let found = match waiting {
        Some(found) => found,
        None => {
            let asker = Viewer {
                user_id: row.raised_by_id,
                name: row.raised_by.clone(),
                role: Role::Partner,
                partner_id: Some(row.partner_id),
            };
            let wanted = NewExclusion {
                stop,
                party: new.party,
                reason_code: new.reason_code.clone(),
                statement: row.statement.clone(),
                evidence: row.evidence.clone(),
                file: None,
            };
            let party = new.party.unwrap_or(Fault::Unknown);
            let row = if tender {
                let found = tender_by_key(db, row.partner_id, row.source_id, &row.reference)?;
                let offered = Offered::read(found.ok_or(EditError::NotFound("tender"))?);
                insert_tender(app, db, viewer, &offered, &wanted, (&asker, party))?
            } else {
                let shipment = shipment_by_key(db, row.partner_id, row.source_id, &row.reference)?;
                let judged = Judged::read(db, shipment.ok_or(EditError::NotFound("shipment"))?)?;
                insert(app, db, viewer, &judged, &wanted, (&asker, party))?
            };
            Exclusion { row, decisions: Vec::new(), state: None }
        }
    };
    if found.row.requested_by_id == viewer.user_id {
        return Err(Refused::OwnRequest.into());
    }
    settle(app, db, viewer, &found, (Decision::Approved, Basis::Person), &new.words)?;
    Ok(found.row.id)
}

/// A challenge with the files that came as evidence and the code of its shipment's feed; none when the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn show(
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
) -> Result<Option<(Challenge, String, Vec<EvidenceFile>)>, DbError> {
    let Some(found) = challenge_show(db, viewer, id)? else { return Ok(None) };
    let source = super::exclusion::source_code(db, found.row.source_id)?;
    Ok(Some((found, source, evidence_files_of(db, viewer, Subject::Challenge, id)?)))
}

/// The newest challenges of a partner.
///
/// # Errors
/// The database's reason.
pub fn of_partner(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Vec<Challenge>, DbError> {
    challenges_of_partner(db, viewer, partner_id, LISTED)
}

/// Everything that waits for a decision of a carrier manager.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Exclusions, the one due first in front.
    pub exclusions: Vec<Exclusion>,
    /// Challenges, the one due first in front.
    pub challenges: Vec<Challenge>,
}

/// What waits for a decision, of the partners the viewer may see.
///
/// # Errors
/// The database's reason.
pub fn waiting(db: &mut Db, viewer: &Viewer) -> Result<Waiting, DbError> {
    Ok(Waiting { exclusions: exclusions_open(db, viewer)?, challenges: challenges_open(db, viewer)? })
}

/// What a day's run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Daily {
    /// Exclusions denied because nobody decided in time.
    pub denied: usize,
    /// Mails queued.
    pub mails: usize,
}

impl Daily {
    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        if *self == Self::default() {
            return "nothing was due".to_owned();
        }
        format!(
            "{} denied for want of a decision, {} queued",
            words::many(self.denied, "exclusion"),
            words::many(self.mails, "reminder")
        )
    }
}

/// Denies exclusions whose time is over and reminds both sides of what comes due, as of `today`. Running it again changes
/// nothing.
///
/// # Errors
/// The database's reason.
pub fn daily(app: &App, today: NaiveDate) -> Result<Daily, EditError> {
    let mut db = app.pool.get().map_err(EditError::Db)?;
    let denied = deny_overdue(app, &mut db, today)?;
    let mails = write_tx(&mut db, |db| remind(app, db, today))?;
    let mails = mails + write_tx(&mut db, |db| super::corrective::remind(app, db, today))?;
    Ok(Daily { denied, mails })
}

fn remind(app: &App, db: &mut Db, today: NaiveDate) -> Result<usize, DbError> {
    let calendar = deadline_calendar();
    let soon = calendar.add_bd(today, REMIND_DAYS);
    let system = Viewer::system();
    let Waiting { exclusions, challenges } = waiting(db, &system)?;
    let mut mails = 0;
    for one in exclusions.iter().filter(|one| one.row.due_on.0 <= soon) {
        let row = &one.row;
        let told = Told {
            occasion: format!("exclusion-due:{}", row.id),
            heading: format!("Decide the exclusion of {}", row.named()),
            lines: vec![
                row.statement.clone(),
                format!("Undecided after {} it is denied.", words::day(row.due_on.0)),
            ],
            action: "Decide it",
            path: format!("/exclusions/{}", row.id),
        };
        mails += tell(app, db, row.partner_id, To::Managers, &told)?;
    }
    for one in challenges.iter().filter(|one| one.row.answer_by.0 <= soon) {
        let row = &one.row;
        let overdue = row.answer_by.0 < today;
        let occasion = if overdue { "challenge-late" } else { "challenge-due" };
        let told = Told {
            occasion: format!("{occasion}:{}", row.id),
            heading: format!("Answer the challenge of {}", row.named()),
            lines: vec![
                row.statement.clone(),
                format!(
                    "The answer {} due by {}.",
                    if overdue { "was" } else { "is" },
                    words::day(row.answer_by.0)
                ),
            ],
            action: "Answer it",
            path: format!("/challenges/{}", row.id),
        };
        mails += tell(app, db, row.partner_id, To::Managers, &told)?;
        if overdue {
            let told = Told {
                occasion: format!("challenge-late-own:{}", row.id),
                heading: format!("Your challenge of {} is not answered yet", row.named()),
                lines: vec![format!(
                    "An answer was due by {}. The shipper was reminded. The challenge stays open, also once the scorecard is final.",
                    words::day(row.answer_by.0)
                )],
                action: "See the challenge",
                path: format!("/portal/challenges/{}", row.id),
            };
            mails += tell(app, db, row.partner_id, To::Partner, &told)?;
        }
    }
    for period in
        [PeriodKind::Month, PeriodKind::Quarter].map(|kind| Period::containing(kind, today).previous())
    {
        mails += remind_of_review(app, db, period, today)?;
    }
    Ok(mails)
}

/// Tells partners that challenged nothing that their review ends.
fn remind_of_review(app: &App, db: &mut Db, period: Period, today: NaiveDate) -> Result<usize, DbError> {
    let publication = publication_of(period);
    let ends = publication.review_until;
    let first = ends.checked_sub_days(Days::new(u64::from(REMIND_DAYS))).unwrap_or(ends);
    if today < first || today > ends {
        return Ok(0);
    }
    let system = Viewer::system();
    let mut mails = 0;
    for card in scorecard_list_period(db, &system, period)? {
        if !challenges_of_card(db, &system, card.partner_id, &card.period)?.is_empty() {
            continue;
        }
        let told = Told {
            occasion: format!("review-ends:{}:{period}", card.partner_id),
            heading: format!("Your review of {} ends on {}", period.title(), words::day(ends)),
            lines: vec![
                "You can challenge any line of it until then, with your evidence.".to_owned(),
                format!(
                    "Without a challenge it counts as accepted. It is final on {}.",
                    words::day(publication.final_on)
                ),
            ],
            action: "Check the scorecard",
            path: format!("/portal/scorecards/{period}"),
        };
        mails += tell(app, db, card.partner_id, To::Partner, &told)?;
    }
    Ok(mails)
}

fn log(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    action: &str,
    row: &ChallengeRow,
    detail: &str,
) -> Result<(), DbError> {
    let subject = format!("{} in {}", row.named(), row.period);
    audit(app, db, by, Entry { action, subject: &subject, partner_id: Some(row.partner_id), detail })
}

#[cfg(test)]
mod tests;
