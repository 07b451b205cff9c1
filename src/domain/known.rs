//! What was in force on one day as it was known on another (DOMAIN §0.7): the history of a contract replayed up to a
//! moment. A version's text never changes once it is signed, so what is replayed is everything around it: the
//! contract's own dates, which versions were signed, the days they hold, and the days they rested.
//!
//! Whatever was recorded later has no say, so an answer about what was signed by an earlier moment never changes. Drafts of
//! then are listed with the days they have now.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::contract::{ContractTerm, ContractVersionStatus, VersionDates};
use super::lifecycle::{Broken, Past, Step, replay};
use super::terms::{Days, in_force};

#[cfg(test)]
mod tests;

/// The contract's own part as it was written down at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermRecord {
    /// When it was written down.
    pub at: DateTime<Utc>,
    /// What it covers.
    pub title: String,
    /// Life, dates, renewal and notice.
    pub term: ContractTerm,
    /// Whether it was found when records began and not written down when it changed: what stood before is not known.
    pub taken_over: bool,
}

/// One step of a version, with when it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: DateTime<Utc>,
    /// Its place among the steps of all versions taken at that moment.
    pub order: i64,
    /// The step.
    pub past: Past,
}

/// A version and its whole history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// Row id.
    pub id: i64,
    /// 1 for the original.
    pub version_no: i32,
    /// First day. Sealed with the text, so that it is the same ever since the version was signed.
    pub valid_from: NaiveDate,
    /// Its steps, first one first.
    pub steps: Vec<Recorded>,
}

/// A version as it was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownVersion {
    /// Its dates and where it was in its life.
    pub dates: VersionDates,
    /// The days it rested.
    pub rests: Vec<Days>,
    /// The hash it was sealed with; empty before.
    pub seal: String,
}

/// A contract as it was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The contract's own part.
    pub record: TermRecord,
    /// The versions there were, newest first.
    pub versions: Vec<KnownVersion>,
}

impl Known {
    /// The version that was in force on `day`, if any, by the one rule of [`in_force`].
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> Option<&KnownVersion> {
        self.versions.iter().find(|version| in_force(&self.record.term, &version.dates, day))
    }
}

/// The contract as everybody knew it at `known`: what was recorded before that moment. None when there was no contract
/// yet. `terms` is in the order in which it was written down.
///
/// # Errors
/// [`Broken`] with the first step that cannot have happened.
pub fn as_known(
    terms: &[TermRecord],
    versions: &[VersionRecord],
    known: DateTime<Utc>,
) -> Result<Option<Known>, Broken> {
    let Some(record) = terms.iter().rfind(|record| record.at < known) else { return Ok(None) };
    let mut found = Vec::new();
    for version in versions {
        let history: Vec<Past> =
            version.steps.iter().filter(|step| step.at < known).map(|step| step.past.clone()).collect();
        let standing = replay(&history)?;
        let Some(status) = standing.status else { continue };
        let VersionRecord { id, version_no, valid_from, .. } = *version;
        found.push(KnownVersion {
            dates: VersionDates { id, version_no, status, valid_from, valid_to: None },
            rests: standing.rests,
            seal: standing.seal,
        });
    }
    let mut steps: Vec<(i64, &Recorded)> = versions
        .iter()
        .flat_map(|version| version.steps.iter().map(move |step| (version.id, step)))
        .collect();
    steps.retain(|(_, step)| step.at < known);
    steps.sort_by_key(|(_, step)| (step.at, step.order));
    let mut signed = Vec::new();
    for (id, step) in steps {
        match (step.past.step, step.past.day) {
            (Step::Sign, _) => {
                // Whatever was signed before gives way to it.
                let from = found.iter().find(|one| one.dates.id == id).map(|one| one.dates.valid_from);
                for one in found.iter_mut().filter(|one| signed.contains(&one.dates.id)) {
                    let end = from.and_then(|from| one.dates.gives_way(from));
                    one.dates.valid_to = end.or(one.dates.valid_to);
                }
                signed.push(id);
            }
            (Step::Terminate, Some(last)) => {
                for one in found.iter_mut().filter(|one| one.dates.id == id) {
                    let end = last.succ_opt().and_then(|after| one.dates.is_cut(after));
                    one.dates.valid_to = end.or(one.dates.valid_to);
                }
            }
            _ => {}
        }
    }
    found.sort_by_key(|version| std::cmp::Reverse(version.dates.version_no));
    Ok(Some(Known { record: record.clone(), versions: found }))
}

/// The first moment after a day in the reporting zone: what was recorded before it was known on that day.
#[must_use]
pub fn end_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    // Where a clock change skips midnight the day begins an hour later.
    let later = midnight + TimeDelta::hours(1);
    let first = zone.from_local_datetime(&midnight).earliest();
    let first = first.or_else(|| zone.from_local_datetime(&later).earliest());
    first.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// How a version stood then, in words.
#[must_use]
pub fn status_words(status: ContractVersionStatus) -> &'static str {
    match status {
        ContractVersionStatus::Draft => "being written",
        ContractVersionStatus::InReview => "in review",
        ContractVersionStatus::Approved => "waiting for a signature",
        other => other.label(),
    }
}
