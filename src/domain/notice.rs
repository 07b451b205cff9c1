//! Alerts about the end of a contract's term: when notice must have arrived, and when a fixed term runs out
//! (DOMAIN §3.1). What is already decided about the end needs no alert.

use chrono::{Days, NaiveDate};

use super::calendar::BusinessCalendar;
use super::contract::{ALERT_DAYS, ContractTerm, NoticeDeadline, RenewalKind, VersionDates};
use super::field::codes;
use super::terms::{AgreedFrame, first_day_after, in_force};
use super::words;

#[cfg(test)]
mod tests;

codes! {
    /// What an alert is about.
    AlertKind, "alert kind" {
        /// The day by which notice must have arrived.
        Notice = "NOTICE", "notice deadline";
        /// The last day of a fixed term.
        Expiry = "EXPIRY", "end of the term";
    }
}

/// What is decided already about the end of a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decided {
    /// Nothing: somebody must act, or what was agreed happens.
    #[default]
    Nothing,
    /// Notice was given, so that it ends and no second notice is due.
    NoticeGiven,
    /// Another contract of the partner holds from the day after the end.
    Succeeded,
}

impl Decided {
    /// What the dates say. `agreed` is the contract's own part as both sides signed it last, `others` the versions of
    /// the partner's other contracts.
    #[must_use]
    pub fn of(
        term: &ContractTerm,
        agreed: Option<&AgreedFrame>,
        others: &[(ContractTerm, VersionDates)],
    ) -> Self {
        let after = first_day_after(term);
        // One that is in force beside this contract goes on without it and replaces nothing.
        let succeeds = |after: NaiveDate, (term, version): &(ContractTerm, VersionDates)| {
            let last = after.pred_opt().unwrap_or(after);
            let beside = version.version_no > 1 && term.term_start <= last;
            in_force(term, version, after) && !in_force(term, version, last) && !beside
        };
        if after.is_some_and(|after| others.iter().any(|other| succeeds(after, other))) {
            return Self::Succeeded;
        }
        // A renewal moves the end of a term that renews; only notice makes it a fixed one, or moves a fixed end.
        let ends_otherwise = |agreed: &AgreedFrame| {
            term.renewal == RenewalKind::Fixed
                && (agreed.renewal, agreed.term_end) != (term.renewal, term.term_end)
        };
        if agreed.is_some_and(ends_otherwise) { Self::NoticeGiven } else { Self::Nothing }
    }
}

/// One alert to send. (contract, kind, due day, days before) names it, so that it is sent once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// The deadline, or the last day.
    pub due_day: NaiveDate,
    /// Which of [`ALERT_DAYS`] was reached.
    pub days_before: u32,
    /// The alert in words, with what happens if nobody acts.
    pub message: String,
}

/// The alerts that are due on `today`, at most one of each kind: for the next deadline, the latest alert day reached.
///
/// A missed day is caught up by the newest alert only (an alert stays due until the next one replaces it or the deadline
/// passes), and a contract entered late does not send all five at once. A contract that is over, or whose end is decided,
/// has none. The caller sends each alert once.
#[must_use]
pub fn alerts_due(
    term: &ContractTerm,
    decided: Decided,
    calendar: &BusinessCalendar,
    today: NaiveDate,
) -> Vec<Alert> {
    if !term.status.term_runs() || decided == Decided::Succeeded {
        return Vec::new();
    }
    let mut due = Vec::new();
    if decided == Decided::Nothing
        && let Some(deadline) = term.next_deadline(today, calendar)
        && let Some(days_before) = reached(deadline.deadline, today)
    {
        due.push(Alert {
            kind: AlertKind::Notice,
            due_day: deadline.deadline,
            days_before,
            message: notice_message(term, deadline, today),
        });
    }
    let end = term.term_end.filter(|end| term.renewal == RenewalKind::Fixed && *end >= today);
    if let Some((end, days_before)) = end.and_then(|end| Some((end, reached(end, today)?))) {
        let why = if decided == Decided::NoticeGiven { ", as notice was given" } else { "" };
        let message = format!(
            "Ends on {end}{why} ({}). Without a successor no terms hold after that day.",
            left(end, today)
        );
        due.push(Alert { kind: AlertKind::Expiry, due_day: end, days_before, message });
    }
    due
}

/// The latest alert day before `due` that `today` has reached; none before the first.
fn reached(due: NaiveDate, today: NaiveDate) -> Option<u32> {
    let has_come =
        |days: &u32| due.checked_sub_days(Days::new(u64::from(*days))).is_some_and(|day| day <= today);
    ALERT_DAYS.into_iter().filter(has_come).min()
}

fn notice_message(term: &ContractTerm, due: NoticeDeadline, today: NaiveDate) -> String {
    let NoticeDeadline { term_end: end, deadline } = due;
    let left = left(deadline, today);
    match (term.renewal, term.renewal_months) {
        (RenewalKind::AutoRenew, Some(months)) => format!(
            "Renews for {} after {end} unless notice arrives by {deadline} ({left}).",
            words::count(months, "month")
        ),
        _ => format!("Ends on {end}; notice or a successor is due by {deadline} ({left})."),
    }
}

fn left(day: NaiveDate, today: NaiveDate) -> String {
    format!("{} left", words::count((day - today).num_days(), "day"))
}
