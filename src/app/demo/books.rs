//! The books of the demo: months closed elsewhere, three closed here, the one before the as-of day with steps left to do, a
//! batch of the export, a layout of the journal file and budgets. Through the same use cases as the pages.

use chrono::{Datelike, Months};

use super::{DemoError, as_of, people};
use crate::app::App;
use crate::app::books::budget::budget_set;
use crate::app::books::close::{close_month, close_view, override_ask, override_decide, reperform};
use crate::app::books::export::batch_make;
use crate::app::books::layout::layout_set;
use crate::app::edit::EditError;
use crate::db::DbError;
use crate::db::setting::{BOOKS_CLOSED_THROUGH, setting_set};
use crate::domain::books::close::StepKind;
use crate::domain::books::layout::EXAMPLE;
use crate::domain::books::month_of;
use crate::domain::period::Period;
use crate::domain::viewer::{Role, Viewer};

/// Months closed here, the newest of them two before the as-of day.
const CLOSED: u32 = 3;
/// Budgets of the month of the as-of day and of the one before: partner and amount.
const BUDGETS: [(&str, &str); 4] = [
    (super::SLIPPING, "4200.00"),
    (super::COSTLY, "1500.00"),
    (super::IMPROVING, "900.00"),
    (super::DECLINING, "2800.00"),
];

/// Closes months, exports, and sets what the pages of the books show. Needs a ledger.
///
/// # Errors
/// [`DemoError`].
pub fn keep_books(app: &App) -> Result<(), DemoError> {
    let (by, second) = {
        let mut db = app.pool.get()?;
        let by = people::viewer(&mut db, Role::Finance)?;
        let second = people::viewer(&mut db, Role::Controller)?;
        layout_set(app, &mut db, &by, EXAMPLE)?;
        let now = month_of(as_of().date_naive());
        let lines: Vec<String> = [now.previous(), now]
            .iter()
            .flat_map(|month| BUDGETS.map(|(partner, amount)| format!("{partner}; {month}; {amount}")))
            .collect();
        let lines = lines.join("\n");
        budget_set(app, &mut db, &by, &lines)?;
        let elsewhere = first_closed().previous();
        setting_set(&mut db, BOOKS_CLOSED_THROUGH, &elsewhere.last_day().to_string())
            .map_err(DbError::from)?;
        (by, second)
    };
    let mut month = first_closed();
    reperform(app, &by, month)?;
    let last = month_of(as_of().date_naive()).previous().previous();
    // Whatever of the months to close counts in the general ledger goes out before they are closed.
    match batch_make(app, &by, Some(last.last_day())) {
        Ok(_) | Err(EditError::Books(_)) => {}
        Err(error) => return Err(error.into()),
    }
    while month <= last {
        pass_over(app, &by, &second, month)?;
        close_month(app, &second, month)?;
        month = month.next();
    }
    Ok(())
}

fn first_closed() -> Period {
    let today = as_of().date_naive();
    let first =
        today.with_day(1).and_then(|day| day.checked_sub_months(Months::new(CLOSED.saturating_add(1))));
    month_of(first.unwrap_or(today))
}

/// What is left of a month is passed over: one asks, the other approves.
fn pass_over(app: &App, by: &Viewer, second: &Viewer, month: Period) -> Result<(), DemoError> {
    let left = close_view(app, &mut *app.pool.get()?, by, Some(month))?.steps;
    for step in left.iter().filter(|step| !step.is_settled()) {
        let reason = match step.kind {
            StepKind::Rated => "Their rates are being negotiated; what they cost is accrued by hand.",
            StepKind::Disputes => "Disputed amounts are memo only and change nothing in the general ledger.",
            StepKind::Facts => "The rows belong to another shipper; the carrier knows.",
            _ => "Looked at and found to change nothing of this month.",
        };
        override_ask(app, by, month, step.kind, reason)?;
    }
    let asked = close_view(app, &mut *app.pool.get()?, second, Some(month))?.overrides;
    for one in asked.iter().filter(|one| one.decision.is_none()) {
        override_decide(app, second, one.id, true, "Agreed.")?;
    }
    Ok(())
}
