//! What is not a service credit, by partner and programme: worked out, told, agreed and open, settled. Bonuses and shared
//! gains are the incentives; rebates are owed to us, and shortfalls and earn-backs are debts of their own.

use std::collections::BTreeMap;

use crate::app::edit::{EditError, allowed};
use crate::db::Db;
use crate::db::books::{IncentiveSum, incentive_sums};
use crate::db::partner::partner_list;
use crate::domain::clause::Sign;
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
    /// Who owes, and for what.
    pub sign: Sign,
    /// Currency.
    pub currency: Currency,
    /// Items that stand.
    pub items: i64,
    /// Worked out, the partner not told yet.
    pub accrued: Micros,
    /// Told, not agreed yet.
    pub told: Micros,
    /// Agreed and not settled yet; below zero where more was settled than is owed now.
    pub agreed: Micros,
    /// Settled: paid, credited or set off, wholly or in part.
    pub settled: Micros,
}

impl Programme {
    /// One without items, of the same partner and programme.
    #[must_use]
    pub fn without_items(&self) -> Self {
        let zero = Micros::ZERO;
        Self { items: 0, accrued: zero, told: zero, agreed: zero, settled: zero, ..self.clone() }
    }

    /// All that stands: what is open and what is settled.
    #[must_use]
    pub fn total(&self) -> Micros {
        self.accrued + self.told + self.agreed + self.settled
    }

    /// Adds items in one state. What of them is settled stands apart from what is open, whatever their state.
    fn add(&mut self, sum: &IncentiveSum) {
        let open = match sum.state {
            ItemState::Estimated | ItemState::Accrued => &mut self.accrued,
            ItemState::Assessed | ItemState::Disputed => &mut self.told,
            ItemState::Agreed | ItemState::Settled | ItemState::Reversed => &mut self.agreed,
        };
        *open = *open + sum.amount - sum.settled;
        self.settled = self.settled + sum.settled;
        if sum.state != ItemState::Reversed {
            self.items += sum.items;
        }
    }

    /// Adds another programme.
    pub fn plus(&mut self, other: &Self) {
        self.accrued = self.accrued + other.accrued;
        self.told = self.told + other.told;
        self.agreed = self.agreed + other.agreed;
        self.settled = self.settled + other.settled;
        self.items += other.items;
    }
}

/// Every programme with items in `period`, by sign, partner and clause, as far as the viewer may see it.
///
/// # Errors
/// [`EditError`].
pub fn programmes(db: &mut Db, viewer: &Viewer, period: Period) -> Result<Vec<Programme>, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let names: BTreeMap<i64, String> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner.name)).collect();
    let mut found: BTreeMap<(Sign, String, String, Currency, i64), Programme> = BTreeMap::new();
    for sum in incentive_sums(db, viewer, period)? {
        let partner = names.get(&sum.partner_id).cloned().unwrap_or_default();
        let key = (sum.sign, partner.clone(), sum.clause.clone(), sum.currency, sum.partner_id);
        let one = found.entry(key).or_insert_with(|| Programme {
            partner_id: sum.partner_id,
            partner,
            clause: sum.clause.clone(),
            title: sum.title.clone(),
            sign: sum.sign,
            currency: sum.currency,
            items: 0,
            accrued: Micros::ZERO,
            told: Micros::ZERO,
            agreed: Micros::ZERO,
            settled: Micros::ZERO,
        });
        one.add(&sum);
    }
    // What was taken back before anything was settled never stood.
    found.retain(|_, one| one.items > 0 || one.settled != Micros::ZERO);
    Ok(found.into_values().collect())
}
