//! One step about each of many items of a partner, in a few statements: everything of a month that is accepted, everything that
//! nobody answered in time, everything that a document settles.

use chrono::NaiveDate;

use super::{Item, posted, step_row, unsound, whole_step};
use crate::app::App;
use crate::app::accrual::load_run;
use crate::app::edit::EditError;
use crate::db::Db;
use crate::db::dispute::{ItemStepRow, item_steps_insert, item_steps_last_unscoped};
use crate::db::ledger::{self, Accrual, accruals_upsert, entries_insert, standing_add};
use crate::domain::clause::ObligationKey;
use crate::domain::dispute::books::Standing;
use crate::domain::dispute::{Asked, StepKind, state_after_step};
use crate::domain::ledger::{JournalEntry, settled_account};
use crate::domain::viewer::Viewer;

/// Takes the same step without words about each of `items`; see [`take_each`].
pub(super) fn take_whole(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    items: &[Item],
    (kind, today): (StepKind, NaiveDate),
) -> Result<(), EditError> {
    let steps: Vec<(&Item, Asked)> = items.iter().map(|item| (item, whole_step(kind))).collect();
    take_each(app, db, by, &steps, today)
}

/// Takes a step that was checked about each of some items, all of one partner and each once, under its lock: steps, what they
/// post, and the states that follow. Comes to the same as taking them one by one. What a settlement itself posts is its
/// caller's.
pub(in crate::app) fn take_each(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    asked: &[(&Item, Asked)],
    today: NaiveDate,
) -> Result<(), EditError> {
    let Some(partner_id) = asked.first().map(|(item, _)| item.row.accrual.partner_id) else { return Ok(()) };
    let run = load_run(db, today, None)?;
    // Of these items alone: a partner's whole ledger grows by the year, and every document would read it.
    let keys: Vec<ObligationKey> = asked.iter().map(|(item, _)| item.row.accrual.key).collect();
    let last_steps = item_steps_last_unscoped(db, partner_id, &keys)?;
    let mut stands = ledger::Standing::default();
    standing_add(db, &Viewer::system(), (partner_id, &keys), &mut stands)?;
    let mut rows: Vec<ItemStepRow> = Vec::with_capacity(asked.len());
    let mut entries: Vec<JournalEntry> = Vec::new();
    let mut accruals: Vec<Accrual> = Vec::with_capacity(asked.len());
    for (item, asked) in asked {
        let accrual = &item.row.accrual;
        let seq = last_steps.get(&accrual.key).copied().unwrap_or(0).saturating_add(1);
        rows.push(step_row(app, by, item, asked, (seq, today)));
        let mut sums = item.sums;
        if asked.kind == StepKind::Settled {
            sums.settled = sums.settled + asked.amount;
        }
        let state = state_after_step(&item.course, &sums, asked.kind, accrual.state);
        let standing = Standing {
            waived: stands.beside.get(&accrual.key).copied().unwrap_or_default().waived,
            held: stands
                .held
                .get(&(accrual.key, settled_account(item.row.sign())))
                .copied()
                .unwrap_or_default(),
            states: (accrual.state, state),
        };
        entries.extend(posted(&run, item, &sums, standing).map_err(|error| unsound(&error))?);
        accruals.push(Accrual { state, ..accrual.clone() });
    }
    item_steps_insert(db, &rows)?;
    let entries: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, None, app.now())?;
    accruals_upsert(db, &accruals, None, app.now())?;
    Ok(())
}
