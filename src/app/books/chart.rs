//! The chart of accounts: what accounts are called from now on.

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed, valid};
use crate::db::Db;
use crate::db::books::{ChartRow, books_lock, chart, chart_history, chart_insert};
use crate::db::dialect::write_tx;
use crate::db::types::Instant;
use crate::domain::books::chart::{Called, Chart};
use crate::domain::ledger::Account;
use crate::domain::viewer::{Action, Viewer};

/// The chart as it is, and everything it ever said, newest of each account first.
///
/// # Errors
/// [`EditError`].
pub fn chart_view(db: &mut Db, viewer: &Viewer) -> Result<(Chart, Vec<ChartRow>), EditError> {
    allowed(viewer, Action::ViewLedger)?;
    Ok((chart(db)?, chart_history(db)?))
}

/// Calls accounts otherwise from now on; what is as before adds nothing. Says how many changed.
///
/// # Errors
/// [`EditError::Invalid`] with the fields `number_1410`, `name_1410` and so on; nothing was stored then.
pub fn chart_set(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    accounts: &[(Account, Called)],
) -> Result<usize, EditError> {
    allowed(by, Action::KeepBooks)?;
    let mut errors = Vec::new();
    for (account, called) in accounts {
        let own = called.problems().into_iter();
        errors.extend(own.map(|(field, message)| (format!("{field}_{}", account.code()), message)));
    }
    valid(errors)?;
    write_tx(db, |db| {
        books_lock(db)?;
        let (now, history) = (chart(db)?, chart_history(db)?);
        let mut changed = 0;
        for (account, called) in accounts {
            let before = now.called(*account);
            if before == *called {
                continue;
            }
            let newest = history.iter().find(|row| row.account == account.number()).map_or(0, |row| row.seq);
            let row = ChartRow {
                account: account.number(),
                seq: newest.saturating_add(1),
                number: called.number.clone(),
                name: called.name.clone(),
                set_by_id: by.user_id,
                set_by: by.name.clone(),
                set_at: Instant(app.now()),
            };
            chart_insert(db, &row)?;
            let detail = format!("{} {} → {} {}", before.number, before.name, row.number, row.name);
            let subject = format!("account {}", account.code());
            audit(
                app,
                db,
                by,
                Entry { action: "books.chart", subject: &subject, partner_id: None, detail: &detail },
            )?;
            changed += 1;
        }
        Ok(changed)
    })
}
