//! Which commitment of a stop its carrier is judged by (DOMAIN §1.2, baseline commitment).
//!
//! The baseline is the original commitment, replaced only by what the shipper or the consignee asked for before the
//! commitment then in force closed. What a carrier or a system asks for moves the plan, never the baseline.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::field::codes;
use super::outcome::end_of_local_day;

codes! {
    /// Who asked for a commitment to be changed (DOMAIN §1.1).
    Requester, "requester" {
        /// The shipper.
        Shipper = "SHIPPER", "the shipper";
        /// Who receives the goods.
        Consignee = "CONSIGNEE", "the consignee";
        /// The carrier.
        Carrier = "CARRIER", "the carrier";
        /// A program, without a person behind it.
        System = "SYSTEM", "a system";
    }
}

codes! {
    /// Where a commitment holds.
    StopPurpose, "stop" {
        /// Where the goods are picked up.
        Pickup = "PICKUP", "Pickup";
        /// Where they are delivered.
        Delivery = "DELIVERY", "Delivery";
    }
}

impl Requester {
    /// Whether the customer asked, so that the change may move the baseline.
    #[must_use]
    pub fn is_customer(self) -> bool {
        matches!(self, Self::Shipper | Self::Consignee)
    }
}

/// What was committed for one stop: a window, a local day, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StopWindow {
    /// Start of the window.
    pub start: Option<DateTime<Utc>>,
    /// End of the window.
    pub end: Option<DateTime<Utc>>,
    /// Local day, where no window was agreed.
    pub due_day: Option<NaiveDate>,
}

impl StopWindow {
    /// The last instant before the commitment has closed: the end of the window, else of the local day.
    #[must_use]
    pub fn closes_at(&self, zone: Tz) -> Option<DateTime<Utc>> {
        self.end.or_else(|| Some(end_of_local_day(self.due_day?, zone)))
    }

    /// Whether nothing is committed: neither an end nor a day. A start alone can be kept by nobody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end.is_none() && self.due_day.is_none()
    }
}

/// Who asked, and when that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// When the change was recorded by whoever keeps the commitments.
    pub set_at: DateTime<Utc>,
    /// Who asked for it.
    pub by: Requester,
}

/// One commitment as a feed stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is committed.
    pub window: StopWindow,
    /// Who asked and when; none for the original, as the owner of the feed states it.
    pub asked: Option<Asked>,
}

/// What a statement did to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is where the baseline starts.
    Original,
    /// It replaced the baseline.
    Moved,
    /// A carrier or a system asked for it.
    NotTheCustomer,
    /// It was set when the commitment then in force had closed.
    TooLate {
        /// The last instant at which it would have counted.
        closed_at: DateTime<Utc>,
    },
    /// A later statement of the same change, or of the original, says otherwise.
    Corrected,
}

/// What all statements of a stop come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// What outcomes are judged by. Empty when neither an original nor a customer's change is known: the shipper owes
    /// it, so it is no baseline, not the carrier's wish.
    pub window: StopWindow,
    /// What is planned now: the change set last, whoever asked.
    pub planned: StopWindow,
    /// Which statement says what outcomes are judged by, counted from 0 in the order given.
    pub judged_by: Option<usize>,
    /// Which statement says what is planned now.
    pub planned_by: Option<usize>,
    /// What each statement did, in the order given.
    pub effects: Vec<Effect>,
}

/// Rules on the statements of one stop, in order of arrival; `zone` is the stop's.
///
/// Two statements are about the same thing when both are the original, or both were set at the same instant, whoever
/// asked: one stop is given one commitment at a time. Then the later arrival corrects the earlier, its requester too.
/// Otherwise the order of arrival says nothing: changes count in the order in which they were set.
#[must_use]
pub fn baseline(statements: &[Statement], zone: Tz) -> Baseline {
    let mut effects = vec![Effect::Corrected; statements.len()];
    let mut counting: Vec<(usize, &Statement)> =
        statements.iter().enumerate().filter(|(at, _)| is_last(statements, *at)).collect();
    // The original has no instant and comes before every change.
    counting.sort_by_key(|(_, statement)| set_at(statement));
    let mut judged: Option<(usize, StopWindow)> = None;
    for (at, statement) in &counting {
        let effect = match (statement.asked, judged) {
            (None, _) => Effect::Original,
            (Some(asked), _) if !asked.by.is_customer() => Effect::NotTheCustomer,
            (Some(_), None) => Effect::Original,
            (Some(asked), Some((_, before))) => match before.closes_at(zone) {
                Some(closed_at) if closed_at < asked.set_at => Effect::TooLate { closed_at },
                _ => Effect::Moved,
            },
        };
        if matches!(effect, Effect::Original | Effect::Moved) {
            judged = Some((*at, statement.window));
        }
        if let Some(slot) = effects.get_mut(*at) {
            *slot = effect;
        }
    }
    let planned = counting.last();
    Baseline {
        window: judged.map(|(_, window)| window).unwrap_or_default(),
        planned: planned.map(|(_, statement)| statement.window).unwrap_or_default(),
        judged_by: judged.map(|(at, _)| at),
        planned_by: planned.map(|(at, _)| *at),
        effects,
    }
}

/// What tells one change of a stop from another; none for the original.
fn set_at(statement: &Statement) -> Option<DateTime<Utc>> {
    statement.asked.map(|asked| asked.set_at)
}

fn is_last(statements: &[Statement], at: usize) -> bool {
    let own = statements.get(at).and_then(set_at);
    statements.iter().skip(at + 1).all(|later| set_at(later) != own)
}

/// Whether `new` says something that `known`, in order of arrival, does not say yet.
///
/// A row that names nobody and repeats a commitment that counts already is no correction of the original: most feeds
/// send the planned window with every later row. Nor is one that carries no window: it brings an event, say, and takes
/// no commitment away.
#[must_use]
pub fn is_news(known: &[Statement], new: &Statement) -> bool {
    let mut counting =
        known.iter().enumerate().filter(|(at, _)| is_last(known, *at)).map(|(_, statement)| statement);
    match new.asked {
        Some(_) => !counting.any(|statement| statement == new),
        None => !new.window.is_open() && !counting.any(|statement| statement.window == new.window),
    }
}

#[cfg(test)]
mod tests;
