//! From targets to the ledger: deltas as balanced entries, and the targets themselves as rows.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::tell_changed;
use super::{AccrualError, AccrualReport, Group, Run};
use crate::app::App;
use crate::db::Db;
use crate::db::dispute::{ItemStepRow, item_step_insert, item_step_last_unscoped};
use crate::db::late_delivery::delivery_standing;
use crate::db::ledger::{Accrual, Beside, Standing, accruals_upsert, entries_insert};
use crate::db::types::{Day, Instant};
use crate::domain::attribution::Fault;
use crate::domain::clause::{Delta, Obligation, ObligationKey, Posted, Reason, Rule, Sign, Target, deltas};
use crate::domain::dispute::{StepKind, Sums};
use crate::domain::ledger::{
    Account, Booking, Held, ItemRef, ItemState, JournalEntry, Recognition, accrual_accounts, accrual_entry,
    recognition_entries, waiver_entry,
};
use crate::domain::money::Micros;
use crate::domain::outcome::Outcome;
use crate::domain::viewer::Viewer;

use super::facts::Priced;

/// Longest memo of an entry; the accrual keeps all steps.
const MEMO_CHARS_MAX: usize = 500;

/// What a run would write for one group of versions.
#[derive(Default)]
pub(super) struct Posting {
    /// Obligations priced.
    pub targets: usize,
    /// Late shipments that wait for their linehaul charge.
    pub unpriced: usize,
    pub unclaimed: usize,
    /// What is missing between the clauses and the ledger.
    pub entries: Vec<JournalEntry>,
    /// Rows that are not as they are to be.
    pub accruals: Vec<Accrual>,
    /// Those of `accruals` that the partner was told of, and what it was told they come to: now it is told again.
    pub told: BTreeMap<ObligationKey, Micros>,
}

impl Posting {
    /// The entries that change what is owed: what goes from memo to general ledger leaves it as it is.
    pub(super) fn of_owed(&self) -> impl Iterator<Item = &JournalEntry> {
        self.entries.iter().filter(|entry| entry.reason != Reason::Recognition)
    }
}

/// Decides what to write, and reads only.
pub(super) fn plan(
    db: &mut Db,
    run: &Run,
    group: &Group,
    standing: &Standing,
    priced: &Priced,
) -> Result<Posting, AccrualError> {
    let posted = within_reach(group, standing, &priced.targets);
    let after = accruals_after(db, run, group, standing, &posted, priced)?;
    let deltas = deltas(&priced.targets, &posted, run.as_of);
    let (given_back, taken) = waivers(run, group, standing, &after)?;
    let credits = priced.targets.iter().filter(|target| target.sign == Sign::Penalty);
    let mut to_recognise: Vec<&Accrual> = credits
        .filter_map(|credit| after.get(&credit.key))
        .filter(|row| run.policy.recognition(Sign::Penalty, row.state) == Recognition::Gl)
        .collect();
    to_recognise.sort_by_key(|row| row.key);
    let is_waived = !given_back.is_empty() || !taken.is_empty();
    let mut held = if is_waived || !to_recognise.is_empty() || deltas.iter().any(takes_a_credit_back) {
        standing.held.clone()
    } else {
        BTreeMap::new()
    };
    // What a decision gave up comes back before the facts take all of it.
    hold(&mut held, &given_back);
    let mut changes = Vec::new();
    for delta in &deltas {
        changes.extend(entries_of(run, group, standing, &after, &held, delta)?);
    }
    hold(&mut held, &changes);
    hold(&mut held, &taken);
    let mut entries: Vec<JournalEntry> = given_back.into_iter().chain(changes).chain(taken).collect();
    for row in to_recognise {
        entries.extend(recognise(run, group, &held, row)?);
    }
    let accruals: Vec<Accrual> =
        after.into_values().filter(|row| standing.accruals.get(&row.key) != Some(row)).collect();
    let changed = |row: &Accrual| {
        let before = standing.accruals.get(&row.key).filter(|before| before.state.is_told())?;
        let same = (before.target, before.obligation_day) == (row.target, row.obligation_day);
        (!same).then_some((row.key, before.target))
    };
    let told = accruals.iter().filter_map(changed).collect();
    Ok(Posting {
        targets: priced.targets.len(),
        unpriced: priced.unpriced,
        unclaimed: priced.unclaimed,
        entries,
        accruals,
        told,
    })
}

fn hold(held: &mut BTreeMap<(ObligationKey, Account), Held>, entries: &[JournalEntry]) {
    for entry in entries {
        for line in &entry.lines {
            held.entry((entry.key, line.account)).or_default().post(line, entry.recognition);
        }
    }
}

/// What decisions on disputes give up of what clause and facts come to now, less what is posted for it: entries that give
/// back, and entries that take. A decision about an item that grew or went holds for what there is of it.
fn waivers(
    run: &Run,
    group: &Group,
    standing: &Standing,
    after: &BTreeMap<ObligationKey, Accrual>,
) -> Result<(Vec<JournalEntry>, Vec<JournalEntry>), AccrualError> {
    let (mut given_back, mut taken) = (Vec::new(), Vec::new());
    for (key, beside) in &standing.beside {
        let Some(row) = after.get(key) else { continue };
        let sums = sums_of(row.target, Some(beside));
        let wanted = if row.state.is_told() { sums.waived() } else { Micros::ZERO };
        let delta = wanted - beside.waived;
        if delta == Micros::ZERO {
            continue;
        }
        let before = standing.accruals.get(key).map_or(row.state, |before| before.state);
        let state = if delta < Micros::ZERO { before } else { row.state };
        let booking = Booking {
            partner_id: group.partner_id,
            currency: group.currency,
            posting_date: run.posting_day,
            recognition: run.policy.recognition(Sign::Penalty, state),
            told: true,
            memo: "The facts changed, and with them what a decision on a dispute gives up.".to_owned(),
        };
        let item = ItemRef { key: *key, period: row.period, day: row.obligation_day };
        let to = if delta < Micros::ZERO { &mut given_back } else { &mut taken };
        to.push(waiver_entry(item, delta, &booking)?);
    }
    Ok((given_back, taken))
}

fn sums_of(target: Micros, beside: Option<&Beside>) -> Sums {
    let beside = beside.copied().unwrap_or_default();
    Sums { target, given_up: beside.given_up, settled: beside.settled }
}

/// Brings to the general ledger what still stands as a memo of an item that is recognised now: its period has closed, or the
/// policy is another one. Nothing when it is there already.
fn recognise(
    run: &Run,
    group: &Group,
    held: &BTreeMap<(ObligationKey, Account), Held>,
    row: &Accrual,
) -> Result<Vec<JournalEntry>, AccrualError> {
    let told = row.state.is_told();
    let (account, _) = accrual_accounts(Sign::Penalty, told);
    let memo = held.get(&(row.key, account)).map_or(Micros::ZERO, |held| held.memo);
    if memo <= Micros::ZERO {
        return Ok(Vec::new());
    }
    let booking = Booking {
        partner_id: group.partner_id,
        currency: group.currency,
        posting_date: run.posting_day,
        recognition: Recognition::Gl,
        told,
        memo: format!("{}: what stood as a memo goes to the general ledger.", row.period.title()),
    };
    let entries = recognition_entries(row.key, (row.period, row.obligation_day), memo, &booking)?;
    Ok(entries.into())
}

fn takes_a_credit_back(delta: &Delta) -> bool {
    delta.sign == Sign::Penalty && delta.delta < Micros::ZERO
}

/// Writes what was decided, and tells the partner what became of items it was told of before. An item that grows is told
/// anew on this day.
pub(super) fn store(
    app: &App,
    db: &mut Db,
    run: &Run,
    group: &Group,
    posting: &Posting,
) -> Result<AccrualReport, AccrualError> {
    let mut report = AccrualReport {
        targets: posting.targets,
        unpriced: posting.unpriced,
        unclaimed: posting.unclaimed,
        entries: posting.entries.len(),
        ..AccrualReport::default()
    };
    let entries: Vec<(i64, &JournalEntry)> = posting.entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, run.run_id, app.now())?;
    report.changed_rows += posting.entries.iter().map(|entry| 1 + entry.lines.len()).sum::<usize>();
    let is_changed = |row: &&Accrual| posting.told.contains_key(&row.key);
    let changed: Vec<Accrual> = posting.accruals.iter().filter(is_changed).cloned().collect();
    let mut is_told = false;
    if !changed.is_empty() {
        match tell_changed(app, db, run, group, &changed)? {
            Some(mails) => {
                is_told = true;
                report.mails = mails;
                report.changed_rows += usize::try_from(mails).unwrap_or(0);
            }
            // The books do not wait for an address; the item keeps the day on which it was told.
            None => report.not_told.push(group.number.clone()),
        }
    }
    let as_told = |accrual: &Accrual| {
        let has_grown = posting.told.get(&accrual.key).is_some_and(|before| *before < accrual.target);
        let assessed_on = accrual.assessed_on.max((has_grown && is_told).then_some(run.as_of));
        Accrual { assessed_on, ..accrual.clone() }
    };
    let accruals: Vec<Accrual> = posting.accruals.iter().map(as_told).collect();
    accruals_upsert(db, &accruals, run.run_id, app.now())?;
    report.changed_rows += accruals.len() + note_changes(app, db, run, &changed)?;
    Ok(report)
}

/// Notes in the course of items that the facts changed them after the partner was told.
fn note_changes(app: &App, db: &mut Db, run: &Run, changed: &[Accrual]) -> Result<usize, AccrualError> {
    for row in changed {
        let seq = item_step_last_unscoped(db, row.partner_id, row.key)?;
        let step = ItemStepRow {
            partner_id: row.partner_id,
            obligation_key: row.key.to_string(),
            seq: seq.saturating_add(1),
            id: app.id(),
            kind: StepKind::Changed.code().to_owned(),
            line: 0,
            ruling: None,
            unit: String::new(),
            amount_micros: row.target.0,
            words: row.steps.join(" ").chars().take(MEMO_CHARS_MAX).collect(),
            day: Day(run.as_of),
            at: Instant(app.now()),
            actor: Viewer::system().name,
            actor_id: 0,
        };
        item_step_insert(db, &step)?;
    }
    Ok(changed.len())
}

/// What stands for the obligations this run looks at; older ones are left alone.
fn within_reach(group: &Group, standing: &Standing, targets: &[Target]) -> BTreeMap<ObligationKey, Posted> {
    let keys: BTreeSet<_> = targets.iter().map(|target| target.key).collect();
    let posted = standing.posted.iter();
    // A shipment whose due day was corrected is found by its key, wherever it stood before.
    posted
        .filter(|(key, posted)| posted.obligation_day >= group.from || keys.contains(*key))
        .map(|(key, posted)| (*key, *posted))
        .collect()
}

/// The accrual rows as they are to be, for every obligation that owes or owed anything.
fn accruals_after(
    db: &mut Db,
    run: &Run,
    group: &Group,
    standing: &Standing,
    posted: &BTreeMap<ObligationKey, Posted>,
    priced: &Priced,
) -> Result<BTreeMap<ObligationKey, Accrual>, AccrualError> {
    let mut after = BTreeMap::new();
    let targets = &priced.targets;
    for target in targets {
        let before = standing.accruals.get(&target.key);
        if target.uncapped == Micros::ZERO && before.is_none() {
            continue;
        }
        let computed = ItemState::of_accrual(target.obligation_period, target.amount, run.as_of);
        let state = next_state(before, target.amount, computed, standing.beside.get(&target.key));
        let assessed_on = before.and_then(|before| before.assessed_on);
        let accrual = Accrual::of(target, group.partner_id, group.currency, state);
        after.insert(target.key, Accrual { assessed_on, ..accrual });
    }
    let evaluated: BTreeSet<_> = targets.iter().map(|target| target.key).collect();
    for key in posted.keys().filter(|key| !evaluated.contains(*key)) {
        let Some(before) = standing.accruals.get(key) else { continue };
        if before.uncapped == Micros::ZERO && before.state == ItemState::Reversed {
            continue;
        }
        let gone = Accrual {
            uncapped: Micros::ZERO,
            target: Micros::ZERO,
            forgone: Micros::ZERO,
            state: next_state(Some(before), Micros::ZERO, ItemState::Reversed, standing.beside.get(key)),
            steps: vec![why_gone(db, group, before, &priced.gone)?],
            ..before.clone()
        };
        after.insert(*key, gone);
    }
    Ok(after)
}

/// An item the partner was told about stays so until nothing is owed; one that was agreed or settled and grows is told anew.
fn next_state(
    before: Option<&Accrual>,
    target: Micros,
    computed: ItemState,
    beside: Option<&Beside>,
) -> ItemState {
    match before.filter(|before| before.state.is_told()) {
        Some(before) => sums_of(target, beside).state_after((before.state, before.target)),
        None => computed,
    }
}

/// The entries of one delta: one, or two where a credit is taken back of which the general ledger holds a part.
fn entries_of(
    run: &Run,
    group: &Group,
    standing: &Standing,
    after: &BTreeMap<ObligationKey, Accrual>,
    held: &BTreeMap<(ObligationKey, Account), Held>,
    delta: &Delta,
) -> Result<Vec<JournalEntry>, AccrualError> {
    let (before, now) = (standing.accruals.get(&delta.key), after.get(&delta.key));
    // What takes back follows what it takes back.
    let recognised = if delta.target == Micros::ZERO { before.or(now) } else { now };
    let state = recognised.map_or(ItemState::Accrued, |accrual| accrual.state);
    let steps = now.map(|accrual| accrual.steps.join(" ")).unwrap_or_default();
    let booking = Booking {
        partner_id: group.partner_id,
        currency: group.currency,
        posting_date: run.posting_day,
        recognition: run.policy.recognition(delta.sign, state),
        told: state.is_told(),
        memo: steps.chars().take(MEMO_CHARS_MAX).collect(),
    };
    if !takes_a_credit_back(delta) {
        return Ok(vec![accrual_entry(delta, &booking)?]);
    }
    let (account, _) = accrual_accounts(delta.sign, booking.told);
    let mut held = held.get(&(delta.key, account)).copied().unwrap_or_default();
    // What was settled stood in the general ledger.
    held.gl = held.gl + standing.beside.get(&delta.key).map_or(Micros::ZERO, |beside| beside.settled);
    held.leaving(delta.delta.abs(), booking.recognition)
        .into_iter()
        .map(|(recognition, part)| {
            let delta = Delta { delta: -part, ..*delta };
            Ok(accrual_entry(&delta, &Booking { recognition, ..booking.clone() })?)
        })
        .collect()
}

/// Why nothing is owed for an obligation any more, in words.
fn why_gone(
    db: &mut Db,
    group: &Group,
    before: &Accrual,
    known: &BTreeMap<ObligationKey, &'static str>,
) -> Result<String, AccrualError> {
    if let Some(why) = known.get(&before.key) {
        return Ok((*why).to_owned());
    }
    let day = before.obligation_day;
    let version = group.versions.iter().find(|version| version.version_id == before.key.contract_version_id);
    if version.is_some_and(|version| version.in_force(day) && !version.credits_on(day)) {
        return Ok(format!("The contract was suspended on {day}: nothing is owed for what fell due then."));
    }
    let Obligation::Event(shipment_id) = before.key.of else {
        return Ok("The contract version does not cover this period any more: nothing is owed.".to_owned());
    };
    let standing =
        delivery_standing(db, &Viewer::system(), before.partner_id, before.obligation_day, shipment_id)?;
    let Some(standing) = standing else {
        return Ok("The shipment is not due on this day any more: nothing is owed for it.".to_owned());
    };
    let reference = standing.reference;
    let named = |by: Fault| by.code().to_lowercase().replace('_', " ");
    let clause = version.and_then(|v| v.clauses.iter().find(|clause| clause.id == before.key.clause_id));
    if let Some(terms) = clause.map(|clause| &clause.terms)
        && matches!(terms.rule, Rule::MissedPickup(_))
    {
        // An exclusion that the clause does not take excuses nothing under it.
        let party = Fault::of_exclusion(standing.pickup_exclusion.as_deref());
        return Ok(match party.filter(|party| terms.exclusions.takes(Some(*party))) {
            Some(by) => {
                let by = named(by);
                format!("{reference} was not picked up in time and is excused ({by}): nothing is owed.")
            }
            None => format!("The pickup of {reference} does not count as missed any more: nothing is owed."),
        });
    }
    Ok(match standing.outcome {
        Outcome::Excused => {
            let party = Fault::of_exclusion(standing.exclusion.as_deref());
            let by = party.map(|by| format!(" ({})", named(by))).unwrap_or_default();
            format!("{reference} was late and is excused{by}: nothing is owed.")
        }
        Outcome::Late | Outcome::NoEvidence => {
            format!(
                "{reference} was late by less than one business day, or its charge is gone: nothing is owed."
            )
        }
        other => format!("{reference} is {} now: nothing is owed.", other.title()),
    })
}
