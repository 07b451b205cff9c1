//! Excusing one missed unit: who may ask and decide, until when, and which stored facts prove a claim (DOMAIN §1.2, §8.4).
//!
//! An exclusion waits until it is decided. It is approved by stored facts that bear it out, or by a person other than who
//! asked; whoever asked may only take it back. What nobody decided in time is denied, and an approval that turns out
//! wrong is taken back by a denial after it. Nothing is ever edited.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::attribution::Fault;
use super::baseline::{Effect, Requester};
use super::calendar::BusinessCalendar;
use super::field::{FieldErrors, codes, require};

/// Business days after the request until what nobody decided is denied (DOMAIN §8.4).
pub const DECIDE_WITHIN_DAYS: u16 = 10;
/// Longest statement, evidence or decision, in characters.
pub const WORDS_CHARS_MAX: usize = 1_000;
/// Shortest statement or decision: enough to say something.
pub const WORDS_CHARS_MIN: usize = 3;
/// A pickup is ready when the truck can leave this long after it arrived in its window, in minutes.
pub const LOADING_MINUTES: i64 = 120;
/// Codes that say the freight was not there or not ready, which the times of the pickup can prove.
const NOT_READY_CODES: [&str; 3] = ["SN", "NF", "P3"];

codes! {
    /// What is excused.
    Excused, "unit" {
        /// A stop of a shipment.
        Shipment = "SHIPMENT", "shipment";
        /// A tender that was not taken.
        Tender = "TENDER", "tender";
    }
}

codes! {
    /// Which side asked.
    Side, "side" {
        /// The shipper's people.
        Shipper = "SHIPPER", "the shipper";
        /// The partner's people.
        Partner = "PARTNER", "the partner";
    }
}

codes! {
    /// What is decided about an exclusion.
    Decision, "decision" {
        /// The unit is excused.
        Approved = "APPROVED", "approved";
        /// It is not, or not any more.
        Denied = "DENIED", "denied";
        /// Whoever asked takes it back.
        Withdrawn = "WITHDRAWN", "withdrawn";
    }
}

codes! {
    /// What a decision rests on.
    Basis, "basis" {
        /// Somebody decided.
        Person = "PERSON", "a person";
        /// Stored facts bear it out.
        Facts = "FACTS", "stored facts";
        /// Nobody decided in time.
        Time = "TIME", "the time that passed";
    }
}

/// Where an exclusion stands: the newest decision; none while it waits.
pub type State = Option<Decision>;

/// Why a decision is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Author and approver are two people (DOMAIN §9).
    #[error("you asked for this yourself, so someone else must decide it; you can only take it back")]
    OwnRequest,
    /// Only whoever asked takes it back.
    #[error("only the side that asked can take it back; approve or deny it instead")]
    NotYours,
    /// It was decided.
    #[error("it is {} already", .0.label())]
    Decided(Decision),
    /// It was denied or withdrawn.
    #[error("it was denied or withdrawn, so nothing is left to decide; ask anew with better evidence")]
    Over,
}

/// The state after `decision`; `own` says that the person deciding is the one who asked, or of its side where it is taken
/// back.
///
/// # Errors
/// [`Refused`].
pub fn after(state: State, decision: Decision, own: bool) -> Result<Decision, Refused> {
    match (state, decision) {
        (Some(Decision::Denied | Decision::Withdrawn), _) if Some(decision) != state => Err(Refused::Over),
        (Some(now), next) if now == next => Err(Refused::Decided(now)),
        (_, Decision::Withdrawn) if own => Ok(decision),
        (_, Decision::Withdrawn) => Err(Refused::NotYours),
        _ if own => Err(Refused::OwnRequest),
        _ => Ok(decision),
    }
}

/// The last day on which somebody can decide what was asked for on `day`.
#[must_use]
pub fn decide_by(day: NaiveDate, calendar: &BusinessCalendar) -> NaiveDate {
    calendar.add_bd(day, DECIDE_WITHIN_DAYS)
}

/// Problems of a request, by form field.
#[must_use]
pub fn problems(party: Option<Fault>, reason_code: &str, statement: &str, evidence: &str) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let fine = party.is_some_and(Fault::excuses);
    require(&mut errors, fine, "party", "choose who caused it; a miss by the carrier cannot be excused");
    let fine = super::attribution::reason_of(reason_code).is_some();
    require(&mut errors, fine, "reason_code", "choose the reason from the list");
    words_fit(&mut errors, "statement", statement, "say in a sentence or two what happened");
    words_fit(&mut errors, "evidence", evidence, "name the evidence: a document, a time, a person to ask");
    errors
}

/// Requires words of a sensible length in `field`.
pub fn words_fit(errors: &mut FieldErrors, field: &str, words: &str, message: &str) {
    let length = words.trim().chars().count();
    let fine = (WORDS_CHARS_MIN..=WORDS_CHARS_MAX).contains(&length);
    require(errors, fine, field, &format!("{message}, in {WORDS_CHARS_MIN} to {WORDS_CHARS_MAX} characters"));
}

/// What is stored about a miss, as far as it can bear a claim out.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the claim is about the delivery; else about the pickup.
    pub delivery: bool,
    /// When it was done, if it was.
    pub done_at: Option<DateTime<Utc>>,
    /// The last instant that was on time.
    pub due_by: Option<DateTime<Utc>>,
    /// Last instant of the pickup window, grace included.
    pub pickup_due_by: Option<DateTime<Utc>>,
    /// Arrival at the pickup.
    pub pickup_arrived_at: Option<DateTime<Utc>>,
    /// Departure from the pickup.
    pub picked_up_at: Option<DateTime<Utc>>,
    /// Changes of the commitment of this stop that somebody asked for: who, until when it then was in time, what the
    /// change did.
    pub changes: Vec<(Requester, Option<DateTime<Utc>>, Effect)>,
    /// Approved declared events that cover a place of the shipment on a day of its journey, by name.
    pub events: Vec<String>,
}

/// What bears a claim out, in words that are kept with the approval; none leaves it to a person.
#[must_use]
pub fn corroborated(party: Fault, reason_code: &str, facts: &Facts) -> Option<String> {
    match party {
        Fault::ForceMajeure | Fault::Government => {
            let name = facts.events.first()?;
            Some(format!(
                "The declared event “{name}” covers a place of the shipment on a day of its journey."
            ))
        }
        Fault::Shipper if NOT_READY_CODES.iter().any(|code| code.eq_ignore_ascii_case(reason_code)) => {
            not_ready(facts)
        }
        Fault::Shipper => asked_for(Requester::Shipper, facts),
        Fault::Consignee => asked_for(Requester::Consignee, facts),
        Fault::Carrier | Fault::Review | Fault::Unknown => None,
    }
}

/// The customer asked for a later time, and it was done by then.
fn asked_for(who: Requester, facts: &Facts) -> Option<String> {
    let done_at = facts.done_at?;
    let (by, until, _) = facts.changes.iter().find(|(by, until, effect)| {
        *by == who && *effect != Effect::Corrected && until.is_some_and(|until| done_at <= until)
    })?;
    let until = (*until)?;
    Some(format!(
        "The commitment record shows that {} asked for a change, and it was done by the time asked for, {} UTC.",
        by.label(),
        until.format("%Y-%m-%d %H:%M")
    ))
}

/// The truck came in its window, waited longer than loading takes, and was late by no more than it waited too long.
fn not_ready(facts: &Facts) -> Option<String> {
    if !facts.delivery {
        return None;
    }
    let (arrived, left) = (facts.pickup_arrived_at?, facts.picked_up_at?);
    if facts.pickup_due_by? < arrived {
        return None;
    }
    let waited = left.signed_duration_since(arrived).num_minutes();
    let too_long = waited.saturating_sub(LOADING_MINUTES);
    let late = facts.done_at?.signed_duration_since(facts.due_by?);
    (too_long > 0 && late <= TimeDelta::try_minutes(too_long)?).then(|| {
        format!(
            "The truck arrived at the pickup in its window and left {waited} minutes later; {LOADING_MINUTES} are allowed, and \
             the delivery was late by no more than the rest."
        )
    })
}

/// How often what one side asked for turned out right (DOMAIN §8.4, reason validity rate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Requests that stand approved.
    pub approved: i64,
    /// Requests that are decided, by approval or denial.
    pub decided: i64,
}

impl Validity {
    /// Counts one request by where it stands; what waits or was taken back says nothing.
    pub fn count(&mut self, state: State) {
        match state {
            Some(Decision::Approved) => {
                self.approved += 1;
                self.decided += 1;
            }
            Some(Decision::Denied) => self.decided += 1,
            Some(Decision::Withdrawn) | None => {}
        }
    }
}

#[cfg(test)]
mod tests;
