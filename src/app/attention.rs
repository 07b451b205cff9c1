//! What needs attention on the contract desk: gathers the facts for [`crate::domain::attention`], which decides.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::db::charge_code::unmapped_counts;
use crate::db::contract::{self as store, Contract, ContractListed, Version};
use crate::db::contract_event::last_steps;
use crate::db::expected::unrated_list;
use crate::db::partner::partner_list;
use crate::db::setting::{reporting_currency, reporting_zone};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::attention::{
    ContractFacts, Item, UnmappedFacts, UnratedFacts, VersionFacts, needs_attention,
};
use crate::domain::contract::ContractVersionStatus as Status;
use crate::domain::currency::Currency;
use crate::domain::lifecycle::missing;
use crate::domain::negotiation::Talk;
use crate::domain::viewer::{Action, Viewer};

use super::App;
use super::contract::{ContractLine, contract_lines, deadline_calendar, decided_by, negotiate};
use super::edit::{EditError, allowed};
use super::spend::yearly_spend_load;

/// What could not be priced is told this many days back.
const UNRATED_DAYS: u64 = 400;

/// What needs attention today among the contracts the viewer may see, the most urgent first, and today.
///
/// # Errors
/// [`EditError::Denied`], rows that do not read back, or the database's reason.
pub fn attention(app: &App, db: &mut Db, viewer: &Viewer) -> Result<(Vec<Item>, NaiveDate), EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let today = app.today(db)?;
    let spend = yearly_spend_load(db, viewer, today)?;
    let contracts = store::contract_list(db, viewer)?;
    Ok((items(db, viewer, &contracts, &spend, today)?, today))
}

/// As [`attention`], by whoever has read the freight of a year by partner already.
///
/// # Errors
/// As [`attention`].
pub fn attention_with(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    spend: &BTreeMap<i64, Decimal>,
) -> Result<Vec<Item>, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let today = app.today(db)?;
    let contracts = store::contract_list(db, viewer)?;
    Ok(items(db, viewer, &contracts, spend, today)?)
}

/// The list of contracts and how much waits on them, from one reading of both.
///
/// # Errors
/// As [`attention`].
pub fn contract_desk(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
) -> Result<(Vec<ContractLine>, usize), EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let today = app.today(db)?;
    let spend = yearly_spend_load(db, viewer, today)?;
    let contracts = store::contract_list(db, viewer)?;
    let waiting = items(db, viewer, &contracts, &spend, today)?.len();
    Ok((contract_lines(contracts, &spend, today), waiting))
}

fn items(
    db: &mut Db,
    viewer: &Viewer,
    contracts: &[ContractListed],
    spend: &BTreeMap<i64, Decimal>,
    today: NaiveDate,
) -> Result<Vec<Item>, DbError> {
    let facts = facts(db, viewer, contracts, spend, today)?;
    let names: BTreeMap<i64, String> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner.name)).collect();
    let waiting = unmapped_counts(db, viewer)?.into_iter();
    let unmapped: Vec<UnmappedFacts> = waiting
        .filter_map(|(partner_id, codes)| {
            Some(UnmappedFacts { partner_id, partner: names.get(&partner_id)?.clone(), codes })
        })
        .collect();
    Ok(needs_attention(&facts, &unmapped, &deadline_calendar(), today))
}

fn facts(
    db: &mut Db,
    viewer: &Viewer,
    contracts: &[ContractListed],
    spend: &BTreeMap<i64, Decimal>,
    today: NaiveDate,
) -> Result<Vec<ContractFacts>, DbError> {
    let mut versions: BTreeMap<i64, Vec<Version>> = BTreeMap::new();
    let (mut waiting, mut resting) = (Vec::new(), Vec::new());
    for version in store::version_list_open(db, viewer)? {
        match version.state()? {
            Status::Suspended => resting.push(version.id),
            state if !state.binds() => waiting.push(version.id),
            _ => {}
        }
        versions.entry(version.contract_id).or_default().push(version);
    }
    // One reading of each kind for all versions that nobody signed.
    let known = Known {
        zone: reporting_zone(db)?,
        talks: negotiate::talks(db, viewer, &waiting)?,
        last_steps: last_steps(db, viewer, &[waiting.as_slice(), resting.as_slice()].concat())?,
        missing: missing_by_version(db, viewer, contracts, &versions)?,
    };
    let mut unrated: BTreeMap<i64, Vec<UnratedFacts>> = BTreeMap::new();
    let since = today.checked_sub_days(Days::new(UNRATED_DAYS)).unwrap_or(today);
    for (contract_id, fact) in unrated_list(db, viewer, since)? {
        unrated.entry(contract_id).or_default().push(fact);
    }
    let currency: Option<Currency> = reporting_currency(db)?.parse().ok();
    let mut of_partner: BTreeMap<i64, Vec<&Contract>> = BTreeMap::new();
    for listed in contracts {
        of_partner.entry(listed.contract.partner_id).or_default().push(&listed.contract);
    }
    let mut facts = Vec::new();
    for listed in contracts {
        let contract = &listed.contract;
        let siblings = of_partner.get(&contract.partner_id).map_or(&[][..], Vec::as_slice);
        let own = versions.get(&contract.id).map_or(&[][..], Vec::as_slice);
        let others = siblings.iter().filter(|other| other.id != contract.id).flat_map(|other| {
            let of_other = versions.get(&other.id).into_iter().flatten();
            of_other.map(move |version| (*other, version))
        });
        let mut waiting = Vec::new();
        for version in own {
            let state = version.state()?;
            if state == Status::Suspended || !state.binds() {
                waiting.push(version_facts(&known, version)?);
            }
        }
        facts.push(ContractFacts {
            id: contract.id,
            number: contract.number.clone(),
            partner_id: contract.partner_id,
            partner: listed.partner_name.clone(),
            currency: contract.currency,
            term: contract.term.clone(),
            decided: decided_by(contract, own, others)?,
            year: spend.get(&contract.partner_id).copied().zip(currency),
            versions: waiting,
            unrated: unrated.remove(&contract.id).unwrap_or_default(),
        });
    }
    Ok(facts)
}

/// What is known of the versions that nobody signed, by version.
struct Known {
    zone: Tz,
    talks: BTreeMap<i64, Talk>,
    last_steps: BTreeMap<i64, Instant>,
    /// What keeps it from being approved.
    missing: BTreeMap<i64, Vec<String>>,
}

/// What keeps each version that may still be approved from it: their texts are read together.
fn missing_by_version(
    db: &mut Db,
    viewer: &Viewer,
    contracts: &[ContractListed],
    versions: &BTreeMap<i64, Vec<Version>>,
) -> Result<BTreeMap<i64, Vec<String>>, DbError> {
    let mut asked: Vec<(&Contract, &Version)> = Vec::new();
    for listed in contracts {
        for version in versions.get(&listed.contract.id).into_iter().flatten() {
            let state = version.state()?;
            if !state.binds() && !matches!(state, Status::Approved | Status::Suspended) {
                asked.push((&listed.contract, version));
            }
        }
    }
    let mut found = BTreeMap::new();
    store::terms_each(db, viewer, &asked, |terms| {
        let what = missing(&terms).into_iter().map(|missing| missing.what).collect();
        found.insert(terms.version_id, what);
    })?;
    Ok(found)
}

/// What a version that nobody signed waits for.
fn version_facts(known: &Known, version: &Version) -> Result<VersionFacts, DbError> {
    let status = version.state()?;
    let talk = known.talks.get(&version.id).filter(|_| status == Status::Draft);
    let last = known.last_steps.get(&version.id);
    Ok(VersionFacts {
        id: version.id,
        version_no: version.version,
        status,
        since: last.map(|at| at.0.with_timezone(&known.zone).date_naive()),
        valid_from: version.valid_from.0,
        missing: known.missing.get(&version.id).cloned().unwrap_or_default(),
        talk: talk.cloned().unwrap_or(Talk::Idle),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::connection::{Connection, InstrumentationEvent};

    use super::*;
    use crate::app::contract::contract_create;
    use crate::app::expected::tests::{conn, partner, worked};
    use crate::app::testing::{on_each_engine, viewer};
    use crate::db::contract::{contract_show, terms_each, terms_load, version_show};
    use crate::domain::attention::Kind;
    use crate::domain::contract::{ContractFields, ContractStatus, ContractTerm, RenewalKind};
    use crate::domain::viewer::Role;

    fn draft(app: &App, partner_id: i64, number: &str) -> (i64, i64) {
        let fields = ContractFields {
            number: number.to_owned(),
            title: "Draft".to_owned(),
            currency: Currency::USD,
            term: ContractTerm {
                status: ContractStatus::Draft,
                term_start: "2026-01-01".parse().unwrap(),
                term_end: None,
                renewal: RenewalKind::Evergreen,
                renewal_months: None,
                notice_days: 0,
            },
        };
        contract_create(app, &mut conn(app), &viewer("Dina", Role::Procurement), partner_id, &fields).unwrap()
    }

    /// The drafts with something missing, and how many statements the list takes.
    fn listed(app: &App) -> (usize, usize) {
        let (mut db, told) = (conn(app), Arc::new(AtomicUsize::new(0)));
        let heard = Arc::clone(&told);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (items, _) = attention(app, &mut db, &viewer("Dina", Role::Procurement)).unwrap();
        db.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let missing = items.iter().filter(|item| item.kind == Kind::Incomplete).count();
        (missing, told.load(Ordering::Relaxed))
    }

    #[test]
    fn texts_of_drafts_are_read_together_and_are_what_one_by_one_gives() {
        on_each_engine("2025-07-08T09:00:00Z", |app| {
            let signed = worked(app);
            let mut versions = vec![draft(app, partner(app, "P2"), "D-1")];
            let (missing, one) = listed(app);
            assert_eq!(missing, 1);
            for number in ["D-2", "D-3", "D-4", "D-5"] {
                versions.push(draft(app, partner(app, "P2"), number));
            }
            assert_eq!(listed(app), (5, one), "five drafts take as many statements as one");

            let db = &mut conn(app);
            let system = Viewer::system();
            let own = store::version_list(db, &system, signed).unwrap();
            versions.extend(own.iter().map(|version| (signed, version.id)));
            let rows: Vec<(Contract, Version)> = versions
                .iter()
                .map(|(contract, version)| {
                    let contract = contract_show(db, &system, *contract).unwrap().unwrap();
                    (contract, version_show(db, &system, *version).unwrap().unwrap())
                })
                .collect();
            let asked: Vec<(&Contract, &Version)> = rows.iter().map(|(c, v)| (c, v)).collect();
            let mut together = Vec::new();
            terms_each(db, &system, &asked, |terms| together.push(terms)).unwrap();
            let alone: Vec<_> =
                versions.iter().map(|(_, id)| terms_load(db, &system, *id).unwrap().unwrap()).collect();
            assert_eq!(together, alone);
            assert!(together.iter().any(|terms| !terms.pricing.terms.lines.is_empty()));
            let other = crate::app::testing::partner_viewer(partner(app, "P1"));
            let mut seen = Vec::new();
            terms_each(db, &other, &asked, |terms| seen.push(terms.partner_id)).unwrap();
            assert_eq!(seen, [partner(app, "P1")], "another partner's are left out");
        });
    }
}
