//! From stored facts to what clauses look at: late shipments, KPI and freight of each period.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::before::Before;
use super::gathered::{Agreed, Gathered, GatheredCase};
use super::replaced::turned_down;
use super::scoped::Scoped;
use super::special::{Look, lost_days};
use super::{AccrualError, Group, Run, UNREPORTED_DAYS_MAX};
use crate::app::refresh::apart::{Fact, facts_apart};
use crate::db::fold::ShipmentKey;
use crate::db::late_delivery::{MissedDelivery, deliveries, missed_deliveries};
use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::clause::{
    BaselineFacts, InForce, LateDelivery, LateEvent, Obligation, ObligationKey, PerDay, PeriodFacts,
    PeriodThreshold, Rule, Target, TurnedDown,
};
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::end_of_local_day;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::{Clause, Terms};
use crate::domain::viewer::Viewer;

/// What all obligations of a group come to.
pub(super) struct Priced {
    pub targets: Vec<Target>,
    /// Late shipments that wait for their linehaul charge.
    pub unpriced: usize,
    /// Late shipments that no contract alone claims, told with the first of the contracts in force together.
    pub unclaimed: usize,
    /// Why nothing is owed for some obligations that have no target, where no verdict of the house says so.
    pub gone: BTreeMap<ObligationKey, &'static str>,
}

/// A half-open range of days.
pub(super) type Span = (NaiveDate, NaiveDate);

pub(super) fn price(
    db: &mut Db,
    run: &Run,
    group: &Group,
    agreed: Agreed<'_>,
) -> Result<Priced, AccrualError> {
    let gathered = gather(db, run, group)?;
    let targets = gathered.evaluate(group, agreed)?;
    let (unpriced, unclaimed) = (gathered.unpriced.len(), gathered.unclaimed.len());
    Ok(Priced { targets, unpriced, unclaimed, gone: gathered.gone })
}

/// Reads everything that the clauses of a group are priced by, once.
pub(super) fn gather(db: &mut Db, run: &Run, group: &Group) -> Result<Gathered, AccrualError> {
    let needed = needed_days(run, group);
    let mut days = measures_by_day(db, group, &needed)?;
    let share = own_share(db, run, group, &needed)?;
    if let Some(share) = &share {
        // On days with two contracts in force only the facts of this one are its own.
        days.retain(|day, _| !share.days.contains(day));
        days.extend(share.sums.iter().map(|(day, sums)| (*day, sums.clone())));
    }
    let scoped = Scoped::read(db, run, group)?;
    let before = Before::read(db, run, group)?;
    let look = Look { run, group, lost: lost_days(db, group)? };
    let mut gathered = Gathered {
        version_freight: group
            .versions
            .iter()
            .map(|version| freight(run, group, &[version.span()], &days))
            .collect(),
        freight: freight(run, group, &group.in_force, &days),
        ..Gathered::default()
    };
    for (at_version, version) in group.versions.iter().enumerate() {
        let mut missed = missed(db, group, version, span(run, group, version))?;
        if let Some(share) = &share {
            missed.retain(|delivery| match share.owner(delivery) {
                Owner::Own => true,
                Owner::Other => false,
                Owner::Nobody => {
                    if group.beside.first_on(delivery.due_day) == Some(group.contract_id) {
                        gathered.unclaimed.insert(delivery.shipment_id);
                    }
                    false
                }
            });
        }
        gathered.unreported.extend(unreported(missed.iter()));
        for (at_clause, clause) in version.clauses.iter().enumerate() {
            let part = scoped.of(at_version, &clause.terms);
            let sums = part.map_or(&days, |part| &part.days);
            let mut case = GatheredCase { at_version, at_clause, ..GatheredCase::default() };
            if part.is_some() {
                case.sums = Some(total(sums, (group.from, NaiveDate::MAX), |_| true));
            }
            match &clause.terms.rule {
                Rule::LateDelivery(rule) => {
                    let held = |one: &&MissedDelivery| {
                        part.is_none_or(|part| part.shipments.contains(&one.shipment_id))
                    };
                    let by_house: Vec<&MissedDelivery> = missed.iter().filter(held).collect();
                    let judged = part.and_then(|part| part.missed.as_ref());
                    let anew = match judged {
                        Some(judged) => missed_anew(db, (run, group, version), judged)?,
                        None => Vec::new(),
                    };
                    let missed = if judged.is_some() { anew.iter().collect() } else { by_house.clone() };
                    case.events = late_events(run, version, rule, &missed, &mut gathered.unpriced)?;
                    if let Some(part) = part.filter(|part| part.missed.is_some()) {
                        let key = |id| key(version, clause, Obligation::Event(id));
                        gathered.unreported.extend(unreported(missed.iter().copied()));
                        let ours: BTreeSet<i64> = by_house.iter().map(|one| one.shipment_id).collect();
                        let counts = missed.iter().map(|one| one.shipment_id).filter(|id| !ours.contains(id));
                        gathered.remarks.extend(counts.map(|id| (key(id), COUNTS_HERE)));
                        let new = part.on_new_lanes.iter();
                        gathered.gone.extend(new.map(|id| (key(*id), NEW_LANE)));
                    }
                }
                Rule::MissedPickup(_) => {
                    if let Some(part) = part {
                        let missed = missed_anew(db, (run, group, version), &part.pickups)?;
                        case.events = missed_pickups(version, &missed);
                        let new = part.on_new_lanes.iter();
                        gathered
                            .gone
                            .extend(new.map(|id| (key(version, clause, Obligation::Event(*id)), NEW_LANE)));
                    }
                }
                Rule::PeriodThreshold(rule) => {
                    let loads = match part.map(|part| &part.turned_down) {
                        Some(tenders) if !tenders.is_empty() => turned_down(db, version, tenders)?,
                        _ => BTreeMap::new(),
                    };
                    let known = |period| before.of((at_version, at_clause, period));
                    case.periods = period_facts(run, group, (version, clause, rule), (sums, &loads), known)?;
                }
                Rule::VolumeShortfall(_) | Rule::EarnBack(_) | Rule::Rebate(_) => {
                    case.special = look.special_facts(version, clause, sums)?;
                }
            }
            gathered.cases.push(case);
        }
    }
    Ok(gathered)
}

/// Why a shipment that is excused elsewhere counts under a clause.
const COUNTS_HERE: &str =
    "The miss is excused for a reason that this clause does not name, so it counts here.";
/// Why a late shipment does not count under a clause.
const NEW_LANE: &str = "The lane is new under the contract, and nothing on it counts yet: nothing is owed.";

fn key(version: &Terms, clause: &Clause, of: Obligation) -> ObligationKey {
    ObligationKey { contract_version_id: version.version_id, clause_id: clause.id, of }
}

/// Of some deliveries those of which nothing is reported.
fn unreported<'a>(missed: impl IntoIterator<Item = &'a MissedDelivery>) -> impl Iterator<Item = i64> {
    missed.into_iter().filter(|delivery| delivery.done_day.is_none()).map(|delivery| delivery.shipment_id)
}

/// The shipments that a clause judges missed, of those on which its obligations are looked at.
fn missed_anew(
    db: &mut Db,
    (run, group, version): (&Run, &Group, &Terms),
    judged: &BTreeSet<(NaiveDate, i64)>,
) -> Result<Vec<MissedDelivery>, AccrualError> {
    let (from, until) = span(run, group, version);
    let keys = judged.iter().filter(|(day, _)| from <= *day && *day < until);
    let keys: Vec<ShipmentKey> = keys.map(|(day, id)| (Day(*day), group.partner_id, *id)).collect();
    Ok(deliveries(db, &Viewer::system(), group.partner_id, &keys)?)
}

/// The first day whose facts some clauses need: the start of the earliest period of `kinds` looked at, or of the good periods
/// that an earn-back at its start would need.
fn first_needed<'a>(
    group: &Group,
    kinds: impl Iterator<Item = PeriodKind>,
    clauses: impl Iterator<Item = &'a Clause>,
) -> NaiveDate {
    let periods = kinds.map(|kind| Period::containing(kind, group.from).start());
    let runs = clauses.filter_map(|clause| match &clause.terms.rule {
        Rule::EarnBack(rule) => {
            rule.run(Period::containing(rule.period, group.from)).first().map(|period| period.start())
        }
        _ => None,
    });
    periods.chain(runs).min().unwrap_or(group.from)
}

/// Every day whose facts are needed: from the first to the last looked at, and those of the baselines before them.
fn needed_days(run: &Run, group: &Group) -> BTreeSet<NaiveDate> {
    let clauses = || group.versions.iter().flat_map(|version| &version.clauses);
    days_since(run, group, first_needed(group, kinds(group), clauses()), clauses())
}

/// The days whose facts the clauses that `of` names need; none where it names none.
pub(super) fn days_of(run: &Run, group: &Group, of: impl Fn(&Clause) -> bool) -> BTreeSet<NaiveDate> {
    let clauses = || group.versions.iter().flat_map(|version| &version.clauses).filter(|clause| of(clause));
    if clauses().next().is_none() {
        return BTreeSet::new();
    }
    let kinds = clauses().map(|clause| clause.terms.period_kind());
    days_since(run, group, first_needed(group, kinds, clauses()), clauses())
}

fn days_since<'a>(
    run: &Run,
    group: &Group,
    first: NaiveDate,
    clauses: impl Iterator<Item = &'a Clause>,
) -> BTreeSet<NaiveDate> {
    let known = |day: &NaiveDate| *day <= run.as_of;
    let mut days: BTreeSet<NaiveDate> = first.iter_days().take_while(known).collect();
    for clause in clauses {
        let Rule::PeriodThreshold(rule) = &clause.terms.rule else { continue };
        let Some(baseline) = rule.baseline() else { continue };
        let spans = periods(rule.period, group.from, run.as_of).filter_map(|period| baseline.days(period));
        for (from, until) in spans.collect::<BTreeSet<_>>() {
            days.extend(from.iter_days().take_while(|day| *day < until && known(day)));
        }
    }
    days
}

/// What is a contract's own on the days it shares with another one.
struct Share {
    days: BTreeSet<NaiveDate>,
    sums: BTreeMap<NaiveDate, Measures>,
    /// Shipments due on those days, by id: the contract each belongs to, if one alone claims it.
    owners: BTreeMap<i64, Option<i64>>,
    contract_id: i64,
}

enum Owner {
    Own,
    Other,
    Nobody,
}

impl Share {
    fn owner(&self, delivery: &MissedDelivery) -> Owner {
        if !self.days.contains(&delivery.due_day) {
            return Owner::Own;
        }
        match self.owners.get(&delivery.shipment_id).copied().flatten() {
            Some(contract_id) if contract_id == self.contract_id => Owner::Own,
            Some(_) => Owner::Other,
            None => Owner::Nobody,
        }
    }
}

/// The group's own facts of the days on which another contract of the partner is in force too; none where there is no
/// such day, which is what costs nothing.
fn own_share(
    db: &mut Db,
    run: &Run,
    group: &Group,
    needed: &BTreeSet<NaiveDate>,
) -> Result<Option<Share>, AccrualError> {
    if group.beside.is_empty() {
        return Ok(None);
    }
    let shared = |day: &NaiveDate| group.beside.shares(group.contract_id, *day);
    let days: BTreeSet<NaiveDate> = needed.iter().copied().filter(shared).collect();
    if days.is_empty() {
        return Ok(None);
    }
    let mut share =
        Share { days, sums: BTreeMap::new(), owners: BTreeMap::new(), contract_id: group.contract_id };
    // As the day ends: what is pending then is pending in the sums too.
    let as_of = end_of_local_day(run.as_of, run.zone);
    facts_apart(db, group.partner_id, &share.days, as_of, |fact| {
        let owner = group.beside.whose(fact.day, fact.what).contract_id();
        if let Fact::Delivery(shipment_id) = fact.fact {
            share.owners.insert(shipment_id, owner);
        }
        if owner == Some(group.contract_id) {
            *share.sums.entry(fact.day).or_default() += fact.sums;
        }
    })?;
    Ok(Some(share))
}

/// The days on which obligations of a version are looked at: in force, in the group's reach, not in the
/// future.
fn span(run: &Run, group: &Group, version: &Terms) -> Span {
    let (first, end) = version.in_force_days();
    let after = run.as_of.succ_opt().unwrap_or(run.as_of);
    (first.max(group.from), end.map_or(after, |end| end.min(after)))
}

/// The sums of the partner on each of the days that are needed.
fn measures_by_day(
    db: &mut Db,
    group: &Group,
    needed: &BTreeSet<NaiveDate>,
) -> Result<BTreeMap<NaiveDate, Measures>, DbError> {
    let (from, last) = (needed.first().copied(), needed.last().copied());
    let until = last.and_then(|last| last.succ_opt());
    let filter = CellFilter { from, until, ..CellFilter::default() };
    let mut days: BTreeMap<NaiveDate, Measures> = BTreeMap::new();
    measure_cells_fold(db, &Viewer::system(), &filter.of_partner(group.partner_id), |cell| {
        if needed.contains(&cell.day) {
            *days.entry(cell.day).or_default() += &cell.measures;
        }
    })?;
    Ok(days)
}

/// The kinds of period that clauses and caps of a group count in.
fn kinds(group: &Group) -> impl Iterator<Item = PeriodKind> {
    let clauses = group.versions.iter().flat_map(|version| &version.clauses);
    group.cap.kinds().chain(clauses.map(|clause| clause.terms.period_kind()))
}

fn missed(
    db: &mut Db,
    group: &Group,
    version: &Terms,
    (from, until): Span,
) -> Result<Vec<MissedDelivery>, DbError> {
    let mut found = Vec::new();
    if version.clauses.iter().any(|clause| matches!(clause.terms.rule, Rule::LateDelivery(_))) {
        missed_deliveries(db, &Viewer::system(), group.partner_id, from, until, |delivery| {
            found.push(delivery);
            Ok::<_, DbError>(())
        })?;
    }
    Ok(found)
}

fn late_events(
    run: &Run,
    version: &Terms,
    rule: &LateDelivery,
    missed: &[&MissedDelivery],
    unpriced: &mut BTreeSet<i64>,
) -> Result<Vec<LateEvent>, AccrualError> {
    let needs_linehaul =
        matches!(rule.per_day, PerDay::PctOfLinehaul { .. }) || rule.event_cap_share.is_some();
    let needs_freight = matches!(rule.per_day, PerDay::PctOfFreight { .. });
    let mut events = Vec::new();
    // What fell due while the version rested is not credited.
    for delivery in missed.iter().filter(|delivery| version.credits_on(delivery.due_day)) {
        let late_business_days = late_business_days(delivery, run.as_of);
        if late_business_days == 0 {
            continue;
        }
        let lacks_linehaul = needs_linehaul && delivery.linehaul.is_none();
        if lacks_linehaul || (needs_freight && delivery.freight.is_none()) {
            unpriced.insert(delivery.shipment_id);
            continue;
        }
        let currency = match &delivery.currency {
            Some(code) if delivery.linehaul.is_some() || needs_freight => code
                .parse()
                .map_err(|source| AccrualError::Currency { reference: delivery.reference.clone(), source })?,
            _ => version.currency,
        };
        events.push(LateEvent {
            partner_id: version.partner_id,
            shipment_id: delivery.shipment_id,
            reference: delivery.reference.clone(),
            obligation_day: delivery.due_day,
            obligation_at: delivery.due_at,
            late_business_days,
            linehaul: delivery.linehaul.unwrap_or_default(),
            freight: delivery.freight.unwrap_or_default(),
            currency,
            pickup_due: None,
        });
    }
    Ok(events)
}

/// Shipments that were not picked up in time. Each counts on the day on which it was due at its destination, and caps are used
/// up from when the pickup was due. Its price is a sum of the contract, whatever the shipment is charged in.
fn missed_pickups(version: &Terms, missed: &[MissedDelivery]) -> Vec<LateEvent> {
    // What fell due while the version rested is not credited.
    let counted = missed.iter().filter(|shipment| version.credits_on(shipment.due_day));
    counted
        .map(|shipment| LateEvent {
            partner_id: version.partner_id,
            shipment_id: shipment.shipment_id,
            reference: shipment.reference.clone(),
            obligation_day: shipment.due_day,
            obligation_at: shipment.pickup_due.map_or(shipment.due_at, |(_, at)| at.min(shipment.due_at)),
            late_business_days: 0,
            linehaul: Micros::ZERO,
            freight: Micros::ZERO,
            currency: version.currency,
            pickup_due: shipment.pickup_due.map(|(day, _)| day),
        })
        .collect()
}

/// Business days between due and done; while nothing is reported, up to `as_of` and no more than
/// [`UNREPORTED_DAYS_MAX`].
fn late_business_days(delivery: &MissedDelivery, as_of: NaiveDate) -> u32 {
    let calendar = BusinessCalendar::weekdays([]);
    match delivery.done_day {
        Some(done) => calendar.business_days_late(delivery.due_day, done),
        None => calendar.business_days_late(delivery.due_day, as_of).min(UNREPORTED_DAYS_MAX),
    }
}

/// KPI and spend of every period the clause measures. A version prices the days on which it credits anything: in
/// force, and not at rest; cells carry no currency of their own and count in the contract's. `known_before` has the
/// baselines that are not of all the partner did.
fn period_facts<'a>(
    run: &Run,
    group: &Group,
    (version, clause, rule): (&Terms, &Clause, &PeriodThreshold),
    (days, loads): (&BTreeMap<NaiveDate, Measures>, &BTreeMap<NaiveDate, Vec<TurnedDown>>),
    known_before: impl Fn(Period) -> Option<&'a Measures>,
) -> Result<Vec<PeriodFacts>, AccrualError> {
    let kpi: Kpi =
        rule.kpi.parse().map_err(|source| AccrualError::Kpi { clause: clause.code.clone(), source })?;
    let mut facts = Vec::new();
    for period in periods(rule.period, group.from, run.as_of) {
        let Some(span) = version.span().within(period) else { continue };
        let sum = total(days, span, |day| version.credits_on(day));
        // Whatever contract that time was under: it is the work of the clause that is compared.
        let before = rule.baseline().and_then(|baseline| baseline.days(period));
        let baseline = before.and_then(|before| match known_before(period) {
            Some(sum) => kpi.value(sum).quotient(),
            None => kpi.value(&total(days, before, |_| true)).quotient(),
        });
        let sent = loads.range(span.0..span.1).filter(|(day, _)| version.credits_on(**day));
        let turned_down = sent.flat_map(|(_, loads)| loads).copied();
        facts.push(PeriodFacts {
            turned_down: turned_down.collect(),
            baseline: baseline.map(|(numerator, denominator)| BaselineFacts { numerator, denominator }),
            ..PeriodFacts::of(kpi, &sum, (period, run.zone), version.currency)
        });
    }
    Ok(facts)
}

/// The freight of every period a cap may count in, on the days of `in_force` that are credited.
fn freight(
    run: &Run,
    group: &Group,
    in_force: &[InForce],
    days: &BTreeMap<NaiveDate, Measures>,
) -> BTreeMap<Period, Micros> {
    // The last obligation day may lie ahead: a running week may end in the next quarter.
    let last =
        kinds(group).map(|kind| Period::containing(kind, run.as_of).last_day()).max().unwrap_or(run.as_of);
    let rests = |day| group.versions.iter().any(|version| version.in_force(day) && !version.credits_on(day));
    let mut freight = BTreeMap::new();
    for kind in kinds(group).collect::<BTreeSet<_>>() {
        for period in periods(kind, group.from, last) {
            let spans = in_force.iter().filter_map(|span| span.within(period));
            let sum = spans.map(|span| Micros(total(days, span, |day| !rests(day)).freight.numerator));
            freight.insert(period, sum.sum());
        }
    }
    freight
}

/// The periods from the one that holds `from` to the one that holds `last`.
pub(super) fn periods(kind: PeriodKind, from: NaiveDate, last: NaiveDate) -> impl Iterator<Item = Period> {
    std::iter::successors(Some(Period::containing(kind, from)), |period| Some(period.next()))
        .take_while(move |period| period.start() <= last)
}

pub(super) fn total(
    days: &BTreeMap<NaiveDate, Measures>,
    (from, until): Span,
    counts: impl Fn(NaiveDate) -> bool,
) -> Measures {
    let mut sum = Measures::default();
    for (_, measures) in days.range(from..until).filter(|(day, _)| counts(**day)) {
        sum += measures;
    }
    sum
}
