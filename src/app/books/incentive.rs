//! Bonuses, rebates and shared gains by partner and programme: accrued, told, agreed, paid.

use std::collections::BTreeMap;

use crate::app::edit::{EditError, allowed};
use crate::db::Db;
use crate::db::books::incentive_sums;
use crate::db::partner::partner_list;
use crate::domain::currency::Currency;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::{Action, Viewer};

/// One programme of one partner in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// The clause's number in the contract.
    pub clause: String,
    /// What it is about.
    pub title: String,
    /// Currency.
    pub currency: Currency,
    /// Items that stand.
    pub items: i64,
    /// Worked out, the partner not told yet.
    pub accrued: Micros,
    /// Told, not agreed yet.
    pub told: Micros,
    /// Agreed, not paid yet.
    pub agreed: Micros,
    /// Paid or set off.
    pub paid: Micros,
}

impl Programme {
    /// All that stands.
    #[must_use]
    pub fn total(&self) -> Micros {
        self.accrued + self.told + self.agreed + self.paid
    }
}

/// Every programme with items in `period`, by partner and clause, as far as the viewer may see it.
///
/// # Errors
/// [`EditError`].
pub fn programmes(db: &mut Db, viewer: &Viewer, period: Period) -> Result<Vec<Programme>, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let names: BTreeMap<i64, String> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner.name)).collect();
    let mut found: BTreeMap<(String, String, Currency, i64), Programme> = BTreeMap::new();
    for sum in incentive_sums(db, viewer, period)? {
        let partner = names.get(&sum.partner_id).cloned().unwrap_or_default();
        let key = (partner.clone(), sum.clause.clone(), sum.currency, sum.partner_id);
        let one = found.entry(key).or_insert_with(|| Programme {
            partner_id: sum.partner_id,
            partner,
            clause: sum.clause.clone(),
            title: sum.title.clone(),
            currency: sum.currency,
            items: 0,
            accrued: Micros::ZERO,
            told: Micros::ZERO,
            agreed: Micros::ZERO,
            paid: Micros::ZERO,
        });
        let column = match sum.state {
            ItemState::Estimated | ItemState::Accrued => &mut one.accrued,
            ItemState::Assessed | ItemState::Disputed => &mut one.told,
            ItemState::Agreed => &mut one.agreed,
            ItemState::Settled => &mut one.paid,
            ItemState::Reversed => continue,
        };
        *column = *column + sum.amount;
        one.items += sum.items;
    }
    Ok(found.into_values().collect())
}
