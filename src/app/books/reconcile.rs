//! The reconciliation: what counts in the general ledger by month and account is what was exported and what is not exported
//! yet, each added up on its own way.

use std::collections::BTreeMap;

use crate::app::edit::{EditError, allowed};
use crate::db::Db;
use crate::db::books::{
    AccountSum, chart, exported_sums_unscoped, gl_sums_unscoped, unexported_sums_unscoped,
};
use crate::domain::books::chart::Chart;
use crate::domain::currency::Currency;
use crate::domain::ledger::Account;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Viewer};

/// One account in one month of posting; amounts positive on the account's normal side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Month of posting.
    pub month: Period,
    /// Currency.
    pub currency: Currency,
    /// Account.
    pub account: Account,
    /// What the sub-ledger has, by its sums of months.
    pub ledger: Micros,
    /// What went out, by the sums of the batches.
    pub exported: Micros,
    /// What is in no batch, by the lines.
    pub left: Micros,
}

impl Reconciled {
    /// What is not explained: 0 in books that reconcile.
    #[must_use]
    pub fn difference(&self) -> Micros {
        self.ledger - self.exported - self.left
    }
}

/// Every account and month with anything in the general ledger, newest month first, and the chart to show them by.
///
/// # Errors
/// [`EditError`].
pub fn reconciliation(db: &mut Db, viewer: &Viewer) -> Result<(Vec<Reconciled>, Chart), EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let mut rows: BTreeMap<(Period, Currency, Account), [Micros; 3]> = BTreeMap::new();
    for (sums, column) in [gl_sums_unscoped(db)?, exported_sums_unscoped(db)?, unexported_sums_unscoped(db)?]
        .into_iter()
        .zip(0_usize..)
    {
        for AccountSum { month, currency, account, side, amount } in sums {
            let row = rows.entry((month, currency, account)).or_default();
            if let Some(sum) = row.get_mut(column) {
                *sum = *sum + account.growth(side, amount);
            }
        }
    }
    let row = |((month, currency, account), [ledger, exported, left]): (_, [Micros; 3])| Reconciled {
        month,
        currency,
        account,
        ledger,
        exported,
        left,
    };
    let mut all: Vec<Reconciled> = rows.into_iter().map(row).collect();
    all.sort_by_key(|row| (std::cmp::Reverse(row.month), row.currency, row.account));
    Ok((all, chart(db)?))
}
