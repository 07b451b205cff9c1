//! What clauses would have come to on facts that are stored already: nothing is posted.
//!
//! Only the days replayed count, for a text that is tried as for what was in force: a clause that measures a longer
//! period, and a cap that holds for one, see the part of it that is replayed. Whole periods give what the ledger has.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::facts::price;
use super::gathered::Agreed;
use super::{AccrualError, Group, Run, by_cap};
use crate::db::Db;
use crate::db::contract::terms_between;
use crate::db::setting::reporting_zone;
use crate::domain::backtest::credits::CreditSums;
use crate::domain::claim::Claimants;
use crate::domain::contract::{ContractStatus, ContractVersionStatus, RenewalKind};
use crate::domain::currency::Currency;
use crate::domain::ledger::RecognitionPolicy;
use crate::domain::money::Micros;
use crate::domain::terms::{Clause, Days, Terms};
use crate::domain::viewer::Viewer;

/// The days replayed.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct ReplayDays {
    /// First day.
    pub from: NaiveDate,
    /// First day no longer.
    pub to: NaiveDate,
    /// The last day whose facts are there: what nobody reported is late up to it.
    pub as_of: NaiveDate,
}

impl ReplayDays {
    /// Days that are over.
    pub(in crate::app) fn past((from, to): (NaiveDate, NaiveDate)) -> Self {
        Self { from, to, as_of: to.pred_opt().unwrap_or(to) }
    }
}

/// What the clauses of a replay come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct ClausesReplayed {
    /// Service credits and bonuses.
    pub sums: CreditSums,
    /// Late shipments left out, since they have no linehaul charge yet.
    pub unpriced: usize,
    /// Late shipments left out, since no contract alone claims them.
    pub unclaimed: usize,
    /// Numbers of contracts left out, since they are in another currency.
    pub foreign: Vec<String>,
}

/// Bonuses less service credits of a text, as if it had been in force from `from` to before `to`: what its clauses
/// would have added to the shipper's cost. The freight they take shares of is the freight as it was billed.
///
/// # Errors
/// [`AccrualError`] for clauses that contradict themselves or facts that cannot be priced.
pub(in crate::app) fn clauses_replay(
    db: &mut Db,
    terms: &Terms,
    days: (NaiveDate, NaiveDate),
) -> Result<Micros, AccrualError> {
    Ok(text_replay(db, terms, ReplayDays::past(days))?.sums.total.effect())
}

/// The service credits and bonuses of a text, as if it had been in force on the days replayed and on no others. The
/// freight they take shares of is the freight as it was billed.
///
/// The caller has found the text for its viewer.
///
/// # Errors
/// As [`clauses_replay`].
pub(in crate::app) fn text_replay(
    db: &mut Db,
    terms: &Terms,
    days: ReplayDays,
) -> Result<ClausesReplayed, AccrualError> {
    let mut replayed = ClausesReplayed::default();
    if terms.clauses.is_empty() {
        return Ok(replayed);
    }
    let group = text_group(db, terms, days)?;
    evaluate(db, group, days, &mut replayed)?;
    Ok(replayed)
}

/// A text as a group of its own, as if it had been in force on the days replayed and on no others.
pub(super) fn text_group(db: &mut Db, terms: &Terms, days: ReplayDays) -> Result<Group, AccrualError> {
    // A text that is to follow others of its contract finds their lanes.
    let began = terms.term.term_start.min(days.from);
    let mut terms = Terms { status: ContractVersionStatus::Signed, rests: Vec::new(), ..terms.clone() };
    (terms.valid_from, terms.valid_to) = (days.from, Some(days.to));
    terms.term.status = ContractStatus::Active;
    terms.term.term_start = days.from;
    terms.term.term_end = None;
    terms.term.renewal = RenewalKind::Evergreen;
    // Clauses of a text are not stored rows; each needs a number of its own.
    terms.clauses = terms.clauses.into_iter().zip(1..).map(|(clause, id)| Clause { id, ..clause }).collect();
    // Beside the contracts that were in force with this one; where it was not, the text takes all shipments.
    let beside = terms_between(db, &Viewer::system(), terms.partner_id, days.from, days.to)?;
    let beside = Arc::new(Claimants::of(&beside));
    let (contract_id, number, partner_id) = (terms.contract_id, terms.number.clone(), terms.partner_id);
    let (currency, cap, in_force) = (terms.currency, terms.caps, vec![terms.span()]);
    let (versions, from) = (vec![terms], days.from);
    Ok(Group { contract_id, number, partner_id, currency, versions, cap, in_force, from, began, beside })
}

/// The service credits and bonuses of what was in force for the shipments of a contract on the days replayed, from the
/// facts as known now: on days on which it was in force its own, on others those of the partner's other contracts.
/// Contracts in another currency than `currency` are named and left out.
///
/// # Errors
/// As [`clauses_replay`].
pub(in crate::app) fn in_force_replay(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, contract_id, currency): (i64, i64, Currency),
    days: ReplayDays,
) -> Result<ClausesReplayed, AccrualError> {
    let mut replayed = ClausesReplayed::default();
    let mut all = terms_between(db, viewer, partner_id, days.from, days.to)?;
    let beside = Arc::new(Claimants::of(&all));
    let own: Vec<Days> =
        all.iter().filter(|terms| terms.contract_id == contract_id).map(Terms::in_force_days).collect();
    for terms in &mut all {
        if terms.contract_id != contract_id {
            // What it owed then, it owed for shipments that are not this contract's.
            terms.rests.extend(&own);
        }
        let end = terms.in_force_days().1;
        terms.valid_from = terms.valid_from.max(days.from);
        terms.valid_to = Some(end.map_or(days.to, |end| end.min(days.to)));
    }
    for group in by_cap(all, days.from, &beside) {
        if group.versions.iter().all(|version| version.clauses.is_empty()) {
            continue;
        }
        if group.currency == currency {
            evaluate(db, group, days, &mut replayed)?;
        } else if !replayed.foreign.contains(&group.number) {
            replayed.foreign.push(group.number);
        }
    }
    Ok(replayed)
}

/// Prices every obligation of a group and adds it up.
fn evaluate(
    db: &mut Db,
    mut group: Group,
    days: ReplayDays,
    replayed: &mut ClausesReplayed,
) -> Result<(), AccrualError> {
    group.in_force = group.versions.iter().map(Terms::span).collect();
    let run = Run {
        as_of: days.as_of,
        posting_day: days.as_of,
        closed: None,
        policy: RecognitionPolicy::MemoUntilAgreed,
        zone: reporting_zone(db)?,
        run_id: None,
    };
    let priced = price(db, &run, &group, Agreed::AllOfThem)?;
    let clauses = group.versions.iter().flat_map(|version| &version.clauses);
    let words: HashMap<i64, String> =
        clauses.map(|clause| (clause.id, format!("{} {}", clause.code, clause.title))).collect();
    let last = days.to.pred_opt().unwrap_or(days.to);
    for target in &priced.targets {
        let words = words.get(&target.key.clause_id).map_or("", String::as_str);
        replayed.sums.add(words, last, target);
    }
    replayed.unpriced = replayed.unpriced.saturating_add(priced.unpriced);
    replayed.unclaimed = replayed.unclaimed.saturating_add(priced.unclaimed);
    Ok(())
}
