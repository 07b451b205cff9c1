//! A partner's own credits and bonuses: what each comes to, why, and the facts behind it. Nothing of accounts,
//! recognition, or what was not assessed yet (DOMAIN §9).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::db::ledger::{
    PartnerCredit, credit_shipments, credit_sums_between, partner_credit_days, partner_credit_list,
    partner_credit_sums,
};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;

/// Items of one month that are listed, the newest.
pub const ITEMS_MAX: i64 = 5_000;
/// Months offered to go to.
const MONTHS_SHOWN: usize = 6;

/// The facts behind an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// A shipment: its feed and number.
    Shipment(String, String),
    /// A KPI of a period.
    Kpi(String, Period),
    /// The shipment is not due on that day any more.
    Gone,
}

/// What stands in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Credits the partner is expected to owe.
    pub credits: Micros,
    /// Bonuses the shipper owes.
    pub bonuses: Micros,
}

/// One month of a partner's items.
#[derive(Clone, Debug)]
pub struct OwnCredits {
    /// The month shown.
    pub month: Period,
    /// Months to go to, in order; the one shown is among them.
    pub months: Vec<Period>,
    /// The items whose obligation fell into the month: those of periods, then those of shipments, newest first.
    pub items: Vec<(PartnerCredit, Behind)>,
    /// What stands of the month.
    pub in_month: BTreeMap<Currency, Sums>,
    /// What stands of all months.
    pub in_all: BTreeMap<Currency, Sums>,
}

/// The viewer's own items of `month`, or of the newest month that has any. None for whoever is no partner.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn credits_own(
    db: &mut Db,
    viewer: &Viewer,
    month: Option<Period>,
    today: NaiveDate,
) -> Result<Option<OwnCredits>, DbError> {
    let Some(partner_id) = viewer.partner_id else { return Ok(None) };
    let days = partner_credit_days(db, viewer, partner_id)?;
    let mut months: Vec<Period> =
        days.into_iter().map(|day| Period::containing(PeriodKind::Month, day)).collect();
    months.dedup();
    let running = Period::containing(PeriodKind::Month, today);
    let month = month.or(months.first().copied()).unwrap_or_else(|| running.previous());
    months.truncate(MONTHS_SHOWN);
    if !months.contains(&month) {
        months.push(month);
    }
    months.sort_by_key(|month| month.start());
    let in_all = sums(partner_credit_sums(db, viewer, partner_id)?);
    let shown = partner_credit_list(db, viewer, partner_id, (month.start(), month.end()), ITEMS_MAX)?;
    let standing = shown.iter().filter(|item| item.state != ItemState::Reversed);
    let in_month = sums(standing.map(|item| (item.currency, item.sign, item.amount)));
    let mut items = behind(db, viewer, partner_id, shown)?;
    // What a whole month came to is not lost among its shipments.
    items.sort_by_key(|(item, _)| matches!(item.key.of, Obligation::Event(_)));
    Ok(Some(OwnCredits { month, months, items, in_month, in_all }))
}

impl Sums {
    /// Credits less bonuses, in percent of what freight came to: `PEN_NET` (DOMAIN §1.5 D). None without freight.
    #[must_use]
    pub fn net_percent(&self, freight: Decimal) -> Option<Decimal> {
        let net = self.credits.decimal() - self.bonuses.decimal();
        (net * Decimal::ONE_HUNDRED).checked_div(freight)
    }
}

/// What stands of a partner's items of a period, by currency, as far as the viewer may see them; nothing where no clause
/// came to anything.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn credits_of_period(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<BTreeMap<Currency, Sums>, DbError> {
    Ok(sums(credit_sums_between(db, viewer, partner_id, (period.start(), period.end()))?))
}

fn sums(standing: impl IntoIterator<Item = (Currency, Sign, Micros)>) -> BTreeMap<Currency, Sums> {
    let mut sums: BTreeMap<Currency, Sums> = BTreeMap::new();
    for (currency, sign, amount) in standing {
        let sum = sums.entry(currency).or_default();
        if sign.owed_by_carrier() {
            sum.credits = sum.credits + amount;
        } else {
            sum.bonuses = sum.bonuses + amount;
        }
    }
    sums
}

/// Finds the facts behind every item, those of shipments in one look.
fn behind(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    items: Vec<PartnerCredit>,
) -> Result<Vec<(PartnerCredit, Behind)>, DbError> {
    let events: Vec<(NaiveDate, i64)> = items
        .iter()
        .filter_map(|item| match item.key.of {
            Obligation::Event(id) => Some((item.obligation_day, id)),
            Obligation::Period(_) => None,
        })
        .collect();
    let mut shipments = credit_shipments(db, viewer, partner_id, &events)?;
    let facts = |item: PartnerCredit| {
        let behind = match (item.key.of, item.kpi.clone()) {
            (Obligation::Event(id), _) => shipments
                .remove(&id)
                .map_or(Behind::Gone, |(source, reference)| Behind::Shipment(source, reference)),
            (Obligation::Period(period), Some(kpi)) => Behind::Kpi(kpi, period),
            (Obligation::Period(_), None) => Behind::Gone,
        };
        (item, behind)
    };
    Ok(items.into_iter().map(facts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOMAIN P5: a bonus of 2,124.80 and 640.00 earned back on 212,480.00; and P2, a credit of 1,864.21 on 186,420.55.
    #[test]
    fn the_net_is_a_share_of_freight_and_a_bonus_makes_it_negative() {
        let micros = |text: &str| Micros::from_decimal(text.parse().unwrap()).unwrap();
        let sums = |credits, bonuses| Sums { credits: micros(credits), bonuses: micros(bonuses) };
        let percent = |sums: Sums, freight: &str| {
            let percent = sums.net_percent(freight.parse().unwrap())?;
            Some(percent.trunc_with_scale(2).to_string())
        };
        assert_eq!(percent(sums("0", "2764.80"), "212480"), Some("-1.30".to_owned()));
        assert_eq!(percent(sums("1864.21", "0"), "186420.55"), Some("1.00".to_owned()));
        assert_eq!(percent(sums("1", "0"), "0"), None);
    }
}
