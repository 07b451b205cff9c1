//! One clause of a text over months of history: what it comes to, which caps take how much, what the partner could
//! contest, and how much hangs on its figures. Nothing is posted.
//!
//! Facts are read once; every variant is priced by the engine of the accruals, with all clauses of the text, so that
//! limits over several clauses hold as they would.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::facts::gather;
use super::gathered::{Agreed, Gathered};
use super::replay::{ReplayDays, text_group};
use super::{AccrualError, Group, Run};
use crate::db::Db;
use crate::db::exclusion::exclusions_open;
use crate::db::measure::{CellFilter, measure_totals};
use crate::db::setting::reporting_zone;
use crate::domain::clause::{CapLevel, ClauseError, ClauseTerms, PickupMiss, Rule, Target, Variant};
use crate::domain::kpi::Kpi;
use crate::domain::ledger::RecognitionPolicy;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::{Clause, Terms};
use crate::domain::viewer::Viewer;

/// Most months replayed while a reader waits.
pub const MONTHS_MAX: usize = 12;

/// What a month came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonthSum {
    /// Obligations that come to an amount before caps.
    pub obligations: i64,
    /// By the price alone.
    pub uncapped: Micros,
    /// What is owed.
    pub owed: Micros,
    /// What the caps took.
    pub forgone: Micros,
}

impl MonthSum {
    fn add(&mut self, target: &Target) {
        self.obligations += i64::from(target.uncapped > Micros::ZERO);
        self.uncapped = self.uncapped + target.uncapped;
        self.owed = self.owed + target.amount;
        self.forgone = self.forgone + target.forgone;
    }
}

/// How often one cap took something, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapSum {
    /// Obligations it cut.
    pub times: i64,
    /// What it took from them.
    pub amount: Micros,
}

/// What the partner could say against it; misses in units of the months replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contestable {
    /// Misses that are excused already and cost nothing.
    pub excused: i64,
    /// Exclusions the partner's shipments wait for, of any day.
    pub pending: i64,
    /// Misses for want of evidence: proof that arrives turns them into successes.
    pub no_evidence: i64,
}

/// The total with one figure changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The figure, in words.
    pub label: String,
    /// Whether it is the clause's own.
    pub is_own: bool,
    /// What the clause comes to in all.
    pub owed: Micros,
}

/// What a clause comes to on history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// All of it.
    pub total: MonthSum,
    /// By month of the obligation.
    pub months: BTreeMap<Period, MonthSum>,
    /// By cap, in the order in which they are applied.
    pub caps: BTreeMap<CapLevel, CapSum>,
    /// What the partner could contest; none for a clause that measures neither deliveries nor a KPI.
    pub contestable: Option<Contestable>,
    /// By threshold; empty where the clause has none.
    pub by_threshold: Vec<Step>,
    /// By price; empty where it stands elsewhere.
    pub by_price: Vec<Step>,
    /// Late shipments left out, since they have no linehaul charge.
    pub unpriced: usize,
    /// Obligations with the steps of each, newest first.
    pub obligations: Vec<Target>,
}

/// Replays the clause `code` of a text over whole months from `from` to before `to`. The caller has found the text for
/// its viewer. None when the text has no such clause.
///
/// # Errors
/// [`AccrualError`] for clauses that contradict themselves or facts that cannot be priced.
pub fn simulate(
    db: &mut Db,
    viewer: &Viewer,
    terms: &Terms,
    code: &str,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Option<Simulation>, AccrualError> {
    let days = ReplayDays::past((from, to));
    let group = text_group(db, terms, days)?;
    let Some(clause) = find(&group, code).cloned() else { return Ok(None) };
    let run = Run {
        as_of: days.as_of,
        posting_day: days.as_of,
        closed: None,
        policy: RecognitionPolicy::MemoUntilAgreed,
        zone: reporting_zone(db)?,
        run_id: None,
    };
    let gathered = gather(db, &run, &group)?;
    let mut simulation = Simulation { unpriced: gathered.unpriced.len(), ..Simulation::default() };
    let mut month = Period::containing(PeriodKind::Month, from);
    while month.start() < to {
        simulation.months.insert(month, MonthSum::default());
        month = month.next();
    }
    let last = days.as_of;
    for target in targets(&gathered, &group, &clause)? {
        let month = Period::containing(PeriodKind::Month, target.obligation_day.min(last));
        simulation.months.entry(month).or_default().add(&target);
        simulation.total.add(&target);
        for cut in &target.cuts {
            let cap = simulation.caps.entry(cut.level).or_default();
            cap.times += 1;
            cap.amount = cap.amount + cut.amount;
        }
        simulation.obligations.push(target);
    }
    simulation.obligations.sort_by_key(|target| (std::cmp::Reverse(target.obligation_day), target.key));
    let own = gathered.sums_of(&group, code);
    simulation.contestable = contestable(db, viewer, (terms.partner_id, own), &clause, (from, to))?;
    simulation.by_threshold = steps(&gathered, &group, &clause, clause.terms.by_threshold())?;
    simulation.by_price = steps(&gathered, &group, &clause, clause.terms.by_price())?;
    Ok(Some(simulation))
}

fn find<'a>(group: &'a Group, code: &str) -> Option<&'a Clause> {
    group.versions.iter().flat_map(|version| &version.clauses).find(|clause| clause.code == code)
}

fn targets(gathered: &Gathered, group: &Group, clause: &Clause) -> Result<Vec<Target>, ClauseError> {
    let mut targets = gathered.evaluate(group, Agreed::AllOfThem)?;
    targets.retain(|target| target.key.clause_id == clause.id);
    Ok(targets)
}

fn steps(
    gathered: &Gathered,
    group: &Group,
    clause: &Clause,
    variants: Vec<Variant>,
) -> Result<Vec<Step>, ClauseError> {
    let priced = |variant: Variant| {
        let group = with_terms(group, clause.id, &variant.terms);
        let owed = targets(gathered, &group, clause)?.iter().map(|target| target.amount).sum();
        Ok(Step { label: variant.label, is_own: variant.is_own, owed })
    };
    variants.into_iter().map(priced).collect()
}

/// The group with other terms of one clause.
fn with_terms(group: &Group, clause_id: i64, terms: &ClauseTerms) -> Group {
    let mut changed = group.clone();
    let clauses = changed.versions.iter_mut().flat_map(|version| &mut version.clauses);
    for clause in clauses.filter(|clause| clause.id == clause_id) {
        clause.terms = terms.clone();
    }
    changed
}

fn contestable(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, own): (i64, Option<&Measures>),
    clause: &Clause,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Option<Contestable>, AccrualError> {
    let kpi = match &clause.terms.rule {
        Rule::LateDelivery(_) => Some(Kpi::OtdDay),
        Rule::MissedPickup(rule) => Some(match rule.miss {
            PickupMiss::Day => Kpi::MissedPu,
            PickupMiss::Window => Kpi::OtpWin,
        }),
        other => other.kpi().and_then(|code| code.parse().ok()),
    };
    let Some(kpi) = kpi else { return Ok(None) };
    let days = CellFilter { from: Some(from), until: Some(to), ..CellFilter::default() };
    let totals = measure_totals(db, viewer, &days.of_partner(partner_id))?;
    let value = own.or_else(|| totals.get(&partner_id)).map(|measures| kpi.value(measures));
    let pending =
        exclusions_open(db, viewer)?.into_iter().filter(|open| open.row.partner_id == partner_id).count();
    Ok(Some(Contestable {
        excused: value.as_ref().map_or(0, |value| value.excused),
        pending: i64::try_from(pending).unwrap_or(i64::MAX),
        no_evidence: value.as_ref().map_or(0, |value| value.no_evidence),
    }))
}
