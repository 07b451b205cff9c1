//! The roll-forward of a month, and its files.

use std::collections::BTreeMap;

use crate::db::books::{month_movements, month_openings};
use crate::db::ledger::Movement;
use crate::db::{Db, DbError};
use crate::domain::books::roll::{Moved, RollRow, roll_rows, totals};
use crate::domain::ledger::RollForward;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::report::sheet::Sheet;

/// The columns of the files.
pub const COLUMNS: [&str; 13] = [
    "month", "balance", "partner", "currency", "opening", "accrued", "true_up", "reversed", "waived",
    "assessed", "settled", "closing", "foots",
];

fn moved(movement: &Movement) -> Moved {
    Moved {
        partner_id: movement.partner_id,
        currency: movement.currency,
        account: movement.account,
        reason: movement.reason,
        growth: movement.account.growth(movement.side, movement.amount),
    }
}

/// The balances of partners through a month of posting, as far as the viewer may see them.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn roll_forward(
    db: &mut Db,
    viewer: &Viewer,
    month: Period,
    partner_id: Option<i64>,
) -> Result<Vec<RollRow>, DbError> {
    let start = month_openings(db, viewer, partner_id, month)?;
    let during = month_movements(db, viewer, partner_id, Some(month), Some(month.next()))?;
    let end = month_openings(db, viewer, partner_id, month.next())?;
    Ok(roll_rows(&start, during.iter().map(moved), &end))
}

/// The rows as a table: partner by partner, then each balance in all.
#[must_use]
pub fn roll_sheet(month: Period, rows: &[RollRow], names: &BTreeMap<i64, String>) -> Sheet {
    let cells = |book: &str, partner: &str, currency: String, roll: &RollForward, balance: Micros| {
        let mut cells = vec![month.to_string(), book.to_owned(), partner.to_owned(), currency];
        let columns = [
            roll.opening,
            roll.accrued,
            roll.true_up,
            roll.reversed,
            roll.waived,
            roll.assessed,
            roll.settled,
            roll.closing(),
        ];
        cells.extend(columns.map(|amount| amount.to_string()));
        cells.push(if roll.closing() == balance { "yes" } else { "no" }.to_owned());
        cells
    };
    let mut table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let name = names.get(&row.partner_id).map_or("", String::as_str);
            cells(row.book.label(), name, row.currency.to_string(), &row.roll, row.balance)
        })
        .collect();
    for (book, currency, roll, balance) in totals(rows) {
        table.push(cells(book.label(), "All partners", currency.to_string(), &roll, balance));
    }
    Sheet { name: "Roll-forward", header: COLUMNS.to_vec(), rows: table }
}
