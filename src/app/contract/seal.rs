//! Whether contract versions are what their histories say: every step was allowed and leads to the stored state, and
//! what was approved and signed is still the text.

use crate::db::contract::{
    Contract, Version, contract_show, rates_differ_unscoped, terms_load, version_list, version_show,
};
use crate::db::contract_event::{EventRow, event_list, event_versions_unscoped};
use crate::db::negotiation::negotiated_versions_unscoped;
use crate::db::{Db, DbError};
use crate::domain::lifecycle::{Step, replay};
use crate::domain::terms::AgreedFrame;
use crate::domain::viewer::Viewer;

use super::super::expected::FOREVER;
use super::known::replayed;

/// What a look at all versions found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Versions looked at.
    pub checked: i64,
    /// What is wrong, one line each.
    pub problems: Vec<String>,
}

/// Replays the history of every version and holds its text against its seal. Reads only.
///
/// # Errors
/// The database's reason; what is merely wrong is in the report.
pub fn verify_contracts(db: &mut Db) -> Result<SealReport, DbError> {
    let system = Viewer::system();
    let mut report = SealReport::default();
    let mut with_history = Vec::new();
    for (version_id, partner_id) in event_versions_unscoped(db)? {
        with_history.push(version_id);
        report.checked += 1;
        if let Some(version) = version_show(db, &system, version_id)? {
            let contract = contract_show(db, &system, version.contract_id)?;
            let name = name_of(contract.as_ref(), &version);
            let found = wrong(db, contract.as_ref(), &version);
            report.problems.extend(told(&name, found)?);
        } else {
            let events = event_list(db, &system, partner_id, version_id)?;
            let discarded = events.last().is_some_and(|event| event.step == Step::Discard.code());
            if !discarded {
                report.problems.push(format!(
                    "contract version {version_id} is gone, but its history does not say that it was discarded"
                ));
            }
        }
    }
    for version_id in negotiated_versions_unscoped(db)? {
        report.checked += 1;
        let version = version_show(db, &system, version_id)?;
        let name = match &version {
            Some(version) => {
                let contract = contract_show(db, &system, version.contract_id)?;
                name_of(contract.as_ref(), version)
            }
            None => format!("contract version {version_id}, which is gone"),
        };
        let found = super::negotiate_view::wrong(db, version_id);
        report.problems.extend(told(&name, found)?);
    }
    for listed in crate::db::contract::contract_list(db, &system)? {
        let name = format!("contract {}", listed.contract.number);
        let found = otherwise_known(db, &listed.contract);
        report.problems.extend(told(&name, found)?);
        for version in version_list(db, &system, listed.contract.id)? {
            if !with_history.contains(&version.id) {
                report.checked += 1;
                let name = name_of(Some(&listed.contract), &version);
                report
                    .problems
                    .push(format!("{name}: it has no history; somebody wrote it past the program"));
            }
        }
    }
    Ok(report)
}

fn name_of(contract: Option<&Contract>, version: &Version) -> String {
    let number = contract.map_or("without a contract", |contract| contract.number.as_str());
    format!("contract {number}, version {}", version.version)
}

/// What does not read back is a problem of that version, not a reason to stop.
fn told(name: &str, found: Result<Vec<String>, DbError>) -> Result<Vec<String>, DbError> {
    match found {
        Ok(found) => Ok(found.into_iter().map(|problem| format!("{name}: {problem}")).collect()),
        Err(DbError::Stored { what, reason }) => {
            Ok(vec![format!("{name}: {what} does not read back: {reason}")])
        }
        Err(error) => Err(error),
    }
}

/// What of a contract is stored otherwise than its history leads to: its own dates, and the days of its versions.
fn otherwise_known(db: &mut Db, contract: &Contract) -> Result<Vec<String>, DbError> {
    let system = Viewer::system();
    let mut problems = Vec::new();
    let Some(known) = replayed(db, &system, contract, FOREVER)? else {
        return Ok(vec!["its own dates have no history; somebody wrote it past the program".to_owned()]);
    };
    if (&known.record.title, &known.record.term) != (&contract.title, &contract.term) {
        problems.push(
            "its title, dates or state are not those that were written down last; somebody changed them past the program"
                .to_owned(),
        );
    }
    for version in version_list(db, &system, contract.id)? {
        let dates = version.dates()?;
        let then = known.versions.iter().map(|one| one.dates).find(|one| one.id == dates.id);
        if let Some(then) = then.filter(|then| then.valid_to != dates.valid_to) {
            let day =
                |day: Option<chrono::NaiveDate>| day.map_or_else(|| "open".to_owned(), |day| day.to_string());
            problems.push(format!(
                "version {}: its end is stored as {}, but the history leads to {}",
                version.version,
                day(dates.valid_to),
                day(then.valid_to)
            ));
        }
    }
    Ok(problems)
}

/// Names, summary and authors that are not those its history has. `sealed` says that the last approval still stands.
fn otherwise_named(version: &Version, events: &[EventRow], sealed: bool) -> Vec<String> {
    let last = |step: Step| events.iter().rfind(|event| event.step == step.code());
    let approval = last(Step::Approve).filter(|_| sealed);
    let signature = last(Step::Sign).filter(|_| sealed);
    let mut problems = Vec::new();
    let mut differ = |what: &str, stored: Option<&str>, told: Option<&str>| {
        if stored != told {
            let words = |name: Option<&str>| name.unwrap_or("nobody").to_owned();
            problems.push(format!(
                "{what} is stored as {}, but its history says {}",
                words(stored),
                words(told)
            ));
        }
    };
    differ("who approved it", version.approved_by.as_deref(), approval.map(|event| event.actor.as_str()));
    differ("who signed it", version.signed_by.as_deref(), signature.map(|event| event.note.as_str()));
    let written = approval.map(|event| event.written_sha256.as_str()).filter(|hash| !hash.is_empty());
    if written.is_some_and(|hash| hash != version.written_sha256()) {
        problems.push(
            "its kind, summary or authors are not those it was approved with; somebody changed them since"
                .to_owned(),
        );
    }
    problems
}

/// What is wrong with one version.
fn wrong(db: &mut Db, contract: Option<&Contract>, version: &Version) -> Result<Vec<String>, DbError> {
    let system = Viewer::system();
    let mut problems = Vec::new();
    let events = event_list(db, &system, version.partner_id, version.id)?;
    let history = events.iter().map(EventRow::past).collect::<Result<Vec<_>, _>>()?;
    let standing = match replay(&history) {
        Ok(standing) => standing,
        Err(broken) => return Ok(vec![broken.to_string()]),
    };
    let stored = version.state()?;
    if standing.status != Some(stored) {
        let led = standing.status.map_or("nothing", |status| status.code());
        problems.push(format!("it is stored as {stored}, but its history leads to {led}"));
    }
    if standing.seal != version.terms_sha256 {
        problems.push("it is not sealed with the hash its history names".to_owned());
    }
    problems.extend(otherwise_named(version, &events, !standing.seal.is_empty()));
    let differ = rates_differ_unscoped(db, version.id)?;
    if !differ.is_empty() {
        problems.push(format!(
            "the amount stored for {} is not that of its text; somebody changed it past the program",
            differ.join(", ")
        ));
    }
    // Of several approvals the last one stands; whoever approved before may have become an author since.
    let approval = events.iter().rfind(|event| event.step == Step::Approve.code());
    if let Some(event) = approval.filter(|_| !standing.seal.is_empty())
        && version.author_ids().contains(&event.actor_id)
    {
        problems.push(format!("{} approved it and wrote some of it", event.actor));
    }
    if standing.seal.is_empty() {
        return Ok(problems);
    }
    let Some(terms) = terms_load(db, &system, version.id)? else { return Ok(problems) };
    if terms.hash() != standing.seal {
        problems.push("its text is not the one that was sealed; somebody changed it since".to_owned());
    }
    let now = contract.map(|contract| AgreedFrame::of(&contract.title, &contract.term));
    if let (Some(now), Some(agreed)) = (now, &terms.agreed) {
        // Renewal and notice move the end of the term; nothing moves these.
        let same = (&now.title, now.term_start, now.notice_days)
            == (&agreed.title, agreed.term_start, agreed.notice_days);
        if !same {
            problems
                .push("title, first day or notice of its contract are not those that were sealed".to_owned());
        }
    }
    Ok(problems)
}
