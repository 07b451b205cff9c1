//! Items that a partner was told of: how each stands, and every step about it (DOMAIN §4.4).
//!
//! One step is one transaction under the lock of the partner, the same that accruing takes: step, entries, state, mails, or
//! none of them. What a decision gives up is posted beside what clause and facts come to (`waiver_entry`), so the next
//! accrual finds nothing to correct. An item that is agreed reaches the general ledger in the transaction that agrees it.

pub(super) mod bulk;
pub mod daily;
pub mod inbox;
pub mod pack;
pub mod waiver;

use std::sync::Arc;

use chrono::NaiveDate;

use super::App;
use super::accrual::{Run, load_run};
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::exclusion::{NewEvidence, checked};
use super::scorecard_mail::{To, Told, tell_of_money as tell};
use crate::db::books::closed_through;
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::dispute::{ItemStepRow, item_step_insert, item_step_last_unscoped, item_steps_of};
use crate::db::exclusion::{EvidenceFile, Subject, evidence_file_insert};
use crate::db::ledger::{
    Accrual, Beside, ItemFilter, ItemRow, accruals_upsert, beside_of, entries_insert, held_of, item_list,
};
use crate::db::setting::{limit, setting};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, ObligationKey, Sign};
use crate::domain::dispute::books::{Named, Standing, entries_after};
use crate::domain::dispute::{
    Asked, Course, Line, Now, Party, Refused, SETTLE_DAYS, Stage, StepKind, Sums, Taken, check, dispute_by,
    problems, state_after_step,
};
use crate::domain::holiday::Holidays;
use crate::domain::ledger::{
    Booking, ItemRef, ItemState, JournalEntry, LedgerError, Recognition, is_receivable, settled_account,
};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// The key of what one decision may give up without a controller.
pub const WAIVER_LIMIT: &str = "waiver_limit";
/// What holds while it was never set.
pub const WAIVER_LIMIT_DEFAULT: &str = "250.00";
/// The key of the holidays that deadlines of items skip.
pub const FINANCIAL_HOLIDAYS: &str = "financial_holidays";
/// Items accepted at once.
pub const ACCEPTED_AT_ONCE: i64 = 5_000;

/// The holidays that deadlines of items skip, as the list is and was; read once for all items of a page or a run.
///
/// # Errors
/// The database's reason, or a list that does not read back.
pub fn holidays(db: &mut Db) -> Result<Arc<Holidays>, DbError> {
    let stored = setting(db, FINANCIAL_HOLIDAYS)?;
    let list = stored.map(|text| Holidays::from_json(&text)).transpose().map_err(|error| {
        DbError::Stored { what: format!("setting `{FINANCIAL_HOLIDAYS}`"), reason: error.to_string() }
    })?;
    Ok(Arc::new(list.unwrap_or_default()))
}

fn waiver_limit(db: &mut Db) -> Result<Micros, DbError> {
    limit(db, WAIVER_LIMIT, WAIVER_LIMIT_DEFAULT)
}

/// One item as it stands.
#[derive(Clone, Debug)]
pub struct Item {
    /// The item, its clause and contract.
    pub row: ItemRow,
    /// What became of it.
    pub course: Course,
    /// Its amounts.
    pub sums: Sums,
    /// Where it stands.
    pub stage: Stage,
    /// The last day on which it can be disputed; none before it was told.
    pub dispute_by: Option<NaiveDate>,
    /// What its deadlines skip.
    holidays: Arc<Holidays>,
}

impl Item {
    /// Puts together what was read.
    ///
    /// # Errors
    /// A step that does not read back.
    pub fn of(
        row: ItemRow,
        steps: &[ItemStepRow],
        beside: Option<&Beside>,
        closed_through: Option<NaiveDate>,
        holidays: &Arc<Holidays>,
    ) -> Result<Self, DbError> {
        let taken: Vec<Taken> = steps.iter().map(ItemStepRow::taken).collect::<Result<_, _>>()?;
        let course = Course::of(&taken);
        let beside = beside.copied().unwrap_or_default();
        let sums = Sums { target: row.accrual.target, given_up: beside.given_up, settled: beside.settled };
        let stage = course.stage(row.accrual.state, &sums, closed_through);
        let told = row.accrual.assessed_on;
        let dispute_by = told.map(|told| dispute_by(told, &row.terms.handling, &holidays.known_on(told)));
        Ok(Self { row, course, sums, stage, dispute_by, holidays: Arc::clone(holidays) })
    }

    /// The day by which a disputed line is to be answered.
    #[must_use]
    pub fn answer_by(&self, line: &Line) -> NaiveDate {
        line.answer_by(&self.holidays.known_on(line.day))
    }

    /// The day by which it is settled as a rule; none before both sides agree.
    #[must_use]
    pub fn settle_by(&self) -> Option<NaiveDate> {
        self.course.agreed_on.map(|day| self.holidays.known_on(day).add_bd(day, SETTLE_DAYS))
    }

    /// What people call it: `Late delivery, 14 May 2025`, or `On time in full, June 2025`.
    #[must_use]
    pub fn named(&self) -> String {
        let accrual = &self.row.accrual;
        match accrual.key.of {
            Obligation::Event(_) => {
                format!("{}, {}", self.row.clause_title, words::day(accrual.obligation_day))
            }
            Obligation::Period(period) => format!("{}, {}", self.row.clause_title, period.title()),
        }
    }

    /// The carrier owes it; else we do.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        is_receivable(self.row.sign())
    }

    /// The item as entries name it.
    #[must_use]
    pub fn item_ref(&self) -> ItemRef {
        let accrual = &self.row.accrual;
        ItemRef { key: accrual.key, period: accrual.period, day: accrual.obligation_day }
    }
}

/// One item that the viewer may see, with its steps; a partner sees what it was told of.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn item_show(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    key: ObligationKey,
) -> Result<Option<(Item, Vec<ItemStepRow>)>, DbError> {
    let filter = ItemFilter { partner_id: Some(partner_id), key: Some(key), ..ItemFilter::default() };
    let Some(row) = item_list(db, viewer, &filter, 1)?.pop() else { return Ok(None) };
    let steps = item_steps_of(db, viewer, partner_id, key)?;
    let beside = beside_of(db, viewer, partner_id, Some(key))?;
    let closed = closed_through(db)?;
    let holidays = holidays(db)?;
    Ok(Some((Item::of(row, &steps, beside.get(&key), closed, &holidays)?, steps)))
}

fn party(viewer: &Viewer) -> Result<Party, EditError> {
    match viewer.role {
        Role::Partner => Ok(Party::Partner),
        Role::CarrierManager => Ok(Party::Manager),
        Role::Finance => Ok(Party::Finance),
        Role::Controller => Ok(Party::Controller),
        role => Err(EditError::Denied { role, action: Action::AnswerDisputes }),
    }
}

impl From<Refused> for EditError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Amount(_) | Refused::Ruling(..) => Self::field("amount", &refused.to_string()),
            Refused::Twice(_) => Self::field("unit", &refused.to_string()),
            other => Self::Card(other.to_string()),
        }
    }
}

/// An entry that does not balance is a fault of ours, never of whoever asked.
pub(super) fn unsound(error: &LedgerError) -> EditError {
    EditError::Db(DbError::Stored { what: "an entry".to_owned(), reason: error.to_string() })
}

/// Takes a step about an item: the partner accepts, disputes a line with its evidence, or takes one back; a carrier manager or
/// finance proposes an answer and somebody else decides, above the waiver limit a controller. `seen` is the number of the newest step the asker looked at.
///
/// # Errors
/// [`EditError::Card`] where the rules refuse it, with what to do instead; [`EditError::Invalid`], [`EditError::Stale`],
/// [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn act(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, key): (i64, ObligationKey),
    (asked, seen): (&Asked, i32),
    file: Option<&NewEvidence>,
) -> Result<Stage, EditError> {
    let by = party(viewer)?;
    allowed(viewer, if by == Party::Partner { Action::UsePortal } else { Action::AnswerDisputes })?;
    valid(problems(asked))?;
    let file = match file {
        Some(new) => Some((checked(new)?, new)),
        None => None,
    };
    write_tx(db, |db| {
        contract_lock(db, partner_id)?;
        let (item, steps) = item_show(db, viewer, partner_id, key)?.ok_or(EditError::NotFound("item"))?;
        if steps.last().map_or(0, |step| step.seq) != seen {
            return Err(EditError::Stale("item"));
        }
        if asked.kind == StepKind::Disputed && item.row.sign() != Sign::Penalty {
            return Err(EditError::Card(
                "only service credits are disputed here; where the facts behind this are wrong, challenge the line of the scorecard"
                    .to_owned(),
            ));
        }
        let today = app.today(db)?;
        let budget = match asked.kind {
            StepKind::Decided => {
                waiver::left(db, &Viewer::system(), partner_id, item.row.accrual.currency, today)?
            }
            _ => None,
        };
        let now = Now {
            state: item.row.accrual.state,
            today,
            dispute_by: item.dispute_by.unwrap_or(today),
            waiver_limit: waiver_limit(db)?,
            budget_left: budget.map(|(left, _)| left),
            budget_set_by: budget.map(|(_, by)| by),
        };
        check(&item.course, &item.sums, asked, (by, viewer.user_id), &now)?;
        let id = take(app, db, viewer, &item, asked, today)?;
        if let Some((file, new)) = file {
            let of = (Subject::Dispute, id, partner_id);
            let file = EvidenceFile { id: app.id(), ..file };
            evidence_file_insert(db, of, &file, &new.content, app.now())?;
        }
        let (after, _) = item_show(db, viewer, partner_id, key)?.ok_or(EditError::NotFound("item"))?;
        told(app, db, &after, asked, viewer)?;
        Ok(after.stage)
    })
}

/// Accepts everything that was told to a partner of one month and waits for its answer. Gives how many items.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn accept_month(app: &App, db: &mut Db, viewer: &Viewer, month: Period) -> Result<usize, EditError> {
    allowed(viewer, Action::UsePortal)?;
    let partner_id = viewer.partner_id.ok_or(EditError::NotFound("item"))?;
    write_tx(db, |db| {
        contract_lock(db, partner_id)?;
        let filter = ItemFilter {
            partner_id: Some(partner_id),
            states: vec![ItemState::Assessed],
            from: Some(month.start()),
            until: Some(month.end()),
            ..ItemFilter::default()
        };
        let today = app.today(db)?;
        let found = inbox::items(db, viewer, &filter, ACCEPTED_AT_ONCE)?;
        bulk::take_whole(app, db, viewer, &found, (StepKind::Accepted, today))?;
        if !found.is_empty() {
            let subject = format!("items of {}", month.title());
            let detail = words::many(found.len(), "item");
            let partner_id = Some(partner_id);
            let entry = Entry { action: "item.accepted", subject: &subject, partner_id, detail: &detail };
            audit(app, db, viewer, entry)?;
        }
        Ok(found.len())
    })
}

/// A step about the whole item, without words.
#[must_use]
pub fn whole_step(kind: StepKind) -> Asked {
    Asked { kind, line: 0, ruling: None, amount: Micros::ZERO, unit: String::new(), words: String::new() }
}

/// Takes a step that was checked, under the lock of the partner: the step, what it posts, and the state that follows. Gives the
/// id of the step.
pub(super) fn take(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    item: &Item,
    asked: &Asked,
    today: NaiveDate,
) -> Result<i64, EditError> {
    let accrual = &item.row.accrual;
    let seq = item_step_last_unscoped(db, accrual.partner_id, accrual.key)?.saturating_add(1);
    let row = step_row(app, by, item, asked, (seq, today));
    item_step_insert(db, &row)?;
    follow(app, db, item, asked.kind, today)?;
    // What the day alone does stands in the steps, and the job's run is on record.
    if by.user_id != 0 {
        log(app, db, by, item, &row)?;
    }
    Ok(row.id)
}

/// The row of a step.
fn step_row(
    app: &App,
    by: &Viewer,
    item: &Item,
    asked: &Asked,
    (seq, today): (i32, NaiveDate),
) -> ItemStepRow {
    let accrual = &item.row.accrual;
    let line = match asked.kind {
        StepKind::Disputed => i32::try_from(item.course.lines.len()).unwrap_or(i32::MAX).saturating_add(1),
        _ => asked.line,
    };
    let unit = match asked.kind {
        StepKind::Disputed => asked.unit.trim().to_owned(),
        _ => item.course.line(line).map(|line| line.unit.clone()).unwrap_or_default(),
    };
    ItemStepRow {
        partner_id: accrual.partner_id,
        obligation_key: accrual.key.to_string(),
        seq,
        id: app.id(),
        kind: asked.kind.code().to_owned(),
        line,
        ruling: asked.ruling.map(|ruling| ruling.code().to_owned()),
        unit,
        amount_micros: asked.amount.0,
        words: asked.words.trim().to_owned(),
        day: Day(today),
        at: Instant(app.now()),
        actor: by.name.clone(),
        actor_id: by.user_id,
    }
}

/// Posts what follows from the newest step, and stores the state.
pub(super) fn follow(
    app: &App,
    db: &mut Db,
    item: &Item,
    kind: StepKind,
    today: NaiveDate,
) -> Result<(), EditError> {
    let system = Viewer::system();
    let accrual = &item.row.accrual;
    let key = accrual.key;
    let beside = beside_of(db, &system, accrual.partner_id, Some(key))?.remove(&key).unwrap_or_default();
    let sums = Sums { target: accrual.target, given_up: beside.given_up, settled: beside.settled };
    let steps = item_steps_of(db, &system, accrual.partner_id, key)?;
    let taken: Vec<Taken> = steps.iter().map(ItemStepRow::taken).collect::<Result<_, _>>()?;
    let state = state_after_step(&Course::of(&taken), &sums, kind, accrual.state);
    let run = load_run(db, today, None)?;
    let of = (accrual.partner_id, key);
    let held = held_of(db, &system, of, settled_account(item.row.sign()))?;
    let standing = Standing { waived: beside.waived, held, states: (accrual.state, state) };
    let entries = posted(&run, item, &sums, standing).map_err(|error| unsound(&error))?;
    let entries: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, None, app.now())?;
    if state != accrual.state {
        accruals_upsert(db, &[Accrual { state, ..accrual.clone() }], None, app.now())?;
    }
    Ok(())
}

/// The entries that follow from a step about an item.
fn posted(run: &Run, item: &Item, sums: &Sums, standing: Standing) -> Result<Vec<JournalEntry>, LedgerError> {
    let accrual = &item.row.accrual;
    let booking = Booking {
        partner_id: accrual.partner_id,
        currency: accrual.currency,
        posting_date: run.posting_day,
        recognition: Recognition::Memo,
        told: true,
        memo: String::new(),
    };
    let name = item.named();
    let named = Named { item: item.item_ref(), sign: item.row.sign(), name: &name };
    entries_after(named, sums, standing, run.policy, &booking)
}

fn log(app: &App, db: &mut Db, by: &Viewer, item: &Item, row: &ItemStepRow) -> Result<(), DbError> {
    let action = format!("item.{}", row.kind.to_lowercase());
    let amount = if row.amount_micros == 0 {
        String::new()
    } else {
        format!("{} {}. ", words::amount(Micros(row.amount_micros)), item.row.accrual.currency)
    };
    let detail = format!("{amount}{}", row.words);
    let partner_id = Some(row.partner_id);
    audit(app, db, by, Entry { action: &action, subject: &item.named(), partner_id, detail: &detail })
}

/// Where an item's page is for whoever reads the mail.
pub(super) fn path(item: &Item, is_own: bool) -> String {
    let accrual = &item.row.accrual;
    if is_own {
        format!("/portal/items/{}", accrual.key.slug())
    } else {
        format!("/items/{}/{}", accrual.partner_id, accrual.key.slug())
    }
}

/// Tells the other side about a step. No amounts of money.
fn told(app: &App, db: &mut Db, item: &Item, asked: &Asked, by: &Viewer) -> Result<(), DbError> {
    let partner_id = item.row.accrual.partner_id;
    let at = item.row.accrual.key.slug();
    let newest = item.course.lines.last();
    let line = item.course.line(asked.line).or(newest);
    let named = item.named();
    match (asked.kind, line) {
        (StepKind::Disputed, Some(line)) => {
            let told = Told {
                occasion: format!("item-disputed:{partner_id}:{at}:{}", line.no),
                heading: format!("{named} is disputed"),
                lines: vec![
                    format!("Line {}, {}: {}", line.no, line.unit, line.words),
                    format!(
                        "An answer is due by {}. After that it goes to both sponsors.",
                        words::day(item.answer_by(line))
                    ),
                ],
                action: "Answer it",
                path: path(item, false),
            };
            tell(app, db, partner_id, To::WhoMay { action: Action::AnswerDisputes, but: 0 }, &told)?;
        }
        (StepKind::Proposed, Some(line)) => {
            let told = Told {
                occasion: format!("item-proposed:{partner_id}:{at}:{}:{}", line.no, app.id()),
                heading: format!("An answer to a dispute of {named} waits for a decision"),
                lines: vec![format!("Line {}, {}: {} proposes an answer.", line.no, line.unit, by.name)],
                action: "Decide it",
                path: path(item, false),
            };
            // Who decides it: beyond the limit controllers only.
            let action =
                if asked.amount > waiver_limit(db)? { Action::ApproveMoney } else { Action::SettleItems };
            let who = To::WhoMay { action, but: by.user_id };
            tell(app, db, partner_id, who, &told)?;
        }
        (StepKind::Decided, Some(line)) => {
            let ruling = line.decision.as_ref().map_or("decided", |decision| decision.ruling.label());
            let told = Told {
                occasion: format!("item-decided:{partner_id}:{at}:{}", line.no),
                heading: format!("Your dispute of {named} was decided"),
                lines: vec![format!("Line {}, {}: {ruling}. {}", line.no, line.unit, asked.words.trim())],
                action: "See the decision",
                path: path(item, true),
            };
            tell(app, db, partner_id, To::Partner, &told)?;
        }
        _ => {}
    }
    Ok(())
}

/// The month of an item's own day, as its pages are filed.
#[must_use]
pub fn month_of(accrual: &Accrual) -> Period {
    Period::containing(PeriodKind::Month, accrual.obligation_day)
}
