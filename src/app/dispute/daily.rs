//! What the day alone does to items: reminders, deemed acceptance, escalation. Running it again changes nothing.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::bulk::take_whole;
use super::{Item, holidays, path, take, whole_step};
use crate::app::App;
use crate::app::edit::EditError;
use crate::app::scorecard_mail::{To, Told, tell_of_money as tell};
use crate::db::books::closed_through;
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::dispute::item_steps_all;
use crate::db::ledger::{ItemFilter, beside_of, item_list};
use crate::db::{Db, DbError};
use crate::domain::dispute::{Asked, REMIND_DAYS, StepKind};
use crate::domain::ledger::ItemState;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// Items of one partner that one run looks at.
const ITEMS_MAX: i64 = 50_000;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ItemDeadlines {
    /// Items deemed accepted.
    pub deemed: usize,
    /// Disputed lines that went to both sponsors.
    pub escalated: usize,
    /// Mails queued.
    pub mails: usize,
}

impl ItemDeadlines {
    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        if *self == Self::default() {
            return "nothing was due".to_owned();
        }
        format!(
            "{} deemed accepted, {} escalated, {} queued",
            words::many(self.deemed, "item"),
            words::many(self.escalated, "disputed line"),
            words::many(self.mails, "mail")
        )
    }

    /// Rows it changed, mails not counted.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.deemed.saturating_add(self.escalated).saturating_add(self.mails)
    }
}

/// Deems accepted what nobody answered in time, escalates disputes that nobody decided, and reminds both sides, as of `today`.
/// One partner is one transaction.
///
/// # Errors
/// The database's reason; partners done before it stay done.
pub fn daily(app: &App, today: NaiveDate) -> Result<ItemDeadlines, EditError> {
    let mut db = app.pool.get().map_err(EditError::Db)?;
    let system = Viewer::system();
    let states = vec![ItemState::Assessed, ItemState::Disputed];
    let filter = ItemFilter { states, ..ItemFilter::default() };
    let partners: BTreeSet<i64> =
        item_list(&mut db, &system, &filter, i64::MAX)?.iter().map(|row| row.accrual.partner_id).collect();
    let mut report = ItemDeadlines::default();
    for partner_id in partners {
        let filter = ItemFilter { partner_id: Some(partner_id), ..filter.clone() };
        write_tx(&mut db, |db| partner(app, db, &filter, partner_id, today, &mut report))?;
    }
    Ok(report)
}

fn partner(
    app: &App,
    db: &mut Db,
    filter: &ItemFilter,
    partner_id: i64,
    today: NaiveDate,
    report: &mut ItemDeadlines,
) -> Result<(), EditError> {
    contract_lock(db, partner_id)?;
    let system = Viewer::system();
    let closed = closed_through(db)?;
    let mut steps = item_steps_all(db, &system, Some(partner_id))?;
    let beside = beside_of(db, &system, partner_id, None)?;
    let mut deemed: Vec<Item> = Vec::new();
    let mut ends_soon: Vec<(NaiveDate, Item)> = Vec::new();
    let holidays = holidays(db)?;
    let soon = holidays.known_on(today).add_bd(today, REMIND_DAYS);
    for row in item_list(db, &system, filter, ITEMS_MAX)? {
        let key = row.accrual.key;
        let own = steps.remove(&(partner_id, key)).unwrap_or_default();
        let item = Item::of(row, &own, beside.get(&key), closed, &holidays)?;
        match item.dispute_by {
            Some(last) if item.row.accrual.state == ItemState::Assessed && today > last => {
                deemed.push(item);
            }
            Some(last) if item.row.accrual.state == ItemState::Assessed && last <= soon => {
                ends_soon.push((last, item));
            }
            _ => lines(app, db, &item, (today, soon), report)?,
        }
    }
    report.deemed += deemed.len();
    take_whole(app, db, &system, &deemed, (StepKind::Deemed, today))?;
    report.mails += remind(app, db, partner_id, &ends_soon)?;
    Ok(())
}

/// Reminds of the answers to disputed lines, and escalates those that are late.
fn lines(
    app: &App,
    db: &mut Db,
    item: &Item,
    (today, soon): (NaiveDate, NaiveDate),
    report: &mut ItemDeadlines,
) -> Result<(), EditError> {
    let partner_id = item.row.accrual.partner_id;
    let at = item.row.accrual.key.slug();
    for line in item.course.lines.iter().filter(|line| line.is_open() && !line.is_escalated) {
        let due = item.answer_by(line);
        let about = format!("Line {}, {}: {}", line.no, line.unit, line.words);
        if due < today {
            let step = Asked { line: line.no, ..whole_step(StepKind::Escalated) };
            take(app, db, &Viewer::system(), item, &step, today)?;
            report.escalated += 1;
            let told = |is_own: bool| Told {
                occasion: format!("item-escalated:{partner_id}:{at}:{}:{is_own}", line.no),
                heading: format!("A dispute of {} goes to both sponsors", item.named()),
                lines: vec![
                    about.clone(),
                    format!("An answer was due by {}. Finance decides by the contract.", words::day(due)),
                ],
                action: "See the item",
                path: path(item, is_own),
            };
            let ours = To::WhoMay { action: Action::AnswerDisputes, but: 0 };
            report.mails += tell(app, db, partner_id, ours, &told(false))?;
            report.mails += tell(app, db, partner_id, To::Partner, &told(true))?;
        } else if due <= soon {
            let told = Told {
                occasion: format!("item-answer-due:{partner_id}:{at}:{}", line.no),
                heading: format!("Answer the dispute of {}", item.named()),
                lines: vec![
                    about,
                    format!("The answer is due by {}. After that it goes to both sponsors.", words::day(due)),
                ],
                action: "Answer it",
                path: path(item, false),
            };
            let who = To::WhoMay { action: Action::AnswerDisputes, but: 0 };
            report.mails += tell(app, db, partner_id, who, &told)?;
        }
    }
    Ok(())
}

/// One mail for each last day on which items can be disputed.
fn remind(
    app: &App,
    db: &mut Db,
    partner_id: i64,
    ends_soon: &[(NaiveDate, Item)],
) -> Result<usize, DbError> {
    let days: BTreeSet<NaiveDate> = ends_soon.iter().map(|(day, _)| *day).collect();
    let mut mails = 0;
    for day in days {
        let of_day: Vec<&Item> =
            ends_soon.iter().filter(|(last, _)| *last == day).map(|(_, item)| item).collect();
        let names: BTreeSet<String> = of_day.iter().map(|item| item.row.clause_title.clone()).collect();
        let told = Told {
            occasion: format!("items-deemed-soon:{partner_id}:{day}"),
            heading: format!(
                "{} {} to be answered by {}",
                words::many(of_day.len(), "item"),
                if of_day.len() == 1 { "is" } else { "are" },
                words::day(day)
            ),
            lines: vec![
                names.into_iter().collect::<Vec<_>>().join(", "),
                "Without an answer they count as accepted after that day.".to_owned(),
            ],
            action: "Answer them",
            path: "/portal/credits".to_owned(),
        };
        mails += tell(app, db, partner_id, To::Partner, &told)?;
    }
    Ok(mails)
}
