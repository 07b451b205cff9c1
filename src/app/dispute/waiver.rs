//! Waiver budgets: what of disputed money may be given up for a partner in a calendar year.

use chrono::{Datelike, NaiveDate};

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed, valid};
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::dispute::{WaiverBudgetRow, given_up_between, waiver_budget_insert, waiver_budgets_of};
use crate::db::partner::partner_show;
use crate::db::types::Instant;
use crate::db::{Db, DbError, currency_of};
use crate::domain::currency::Currency;
use crate::domain::exclusion::words_fit;
use crate::domain::field::{FieldErrors, require};
use crate::domain::money::Micros;
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// How a budget stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The carrier.
    pub partner_id: i64,
    /// The calendar year.
    pub year: i32,
    /// What may be given up.
    pub amount: Micros,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What decisions of the year gave up.
    pub used: Micros,
    /// Who set it.
    pub actor: String,
    /// The user; whoever it is gives nothing up under it.
    pub actor_id: i64,
    /// The reason.
    pub reason: String,
}

impl Budget {
    /// What may still be given up.
    #[must_use]
    pub fn left(&self) -> Micros {
        (self.amount - self.used).max(Micros::ZERO)
    }
}

fn year_days(year: i32) -> Option<(NaiveDate, NaiveDate)> {
    Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year.checked_add(1)?, 1, 1)?))
}

/// The budgets that hold in a year, by partner; none for a partner's user.
///
/// # Errors
/// The database's reason, or a currency that does not read back.
pub fn budgets(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    year: i32,
) -> Result<Vec<Budget>, DbError> {
    let Some(days) = year_days(year) else { return Ok(Vec::new()) };
    let mut newest: Vec<WaiverBudgetRow> = Vec::new();
    for row in waiver_budgets_of(db, viewer, partner_id)?.into_iter().filter(|row| row.year == year) {
        newest.retain(|known| known.partner_id != row.partner_id);
        newest.push(row);
    }
    newest
        .into_iter()
        .map(|row| {
            Ok(Budget {
                partner_id: row.partner_id,
                year,
                amount: Micros(row.amount_micros),
                currency: currency_of(&row.currency, "a waiver budget")?,
                used: given_up_between(db, viewer, row.partner_id, days)?,
                actor: row.actor,
                actor_id: row.actor_id,
                reason: row.reason,
            })
        })
        .collect()
}

/// What may still be given up for a partner in the year of `today`, and who set that budget; none where none was set. One in
/// another currency leaves nothing, since there is no rate to compare by.
///
/// # Errors
/// As [`budgets`].
pub fn left(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    currency: Currency,
    today: NaiveDate,
) -> Result<Option<(Micros, i64)>, DbError> {
    let found = budgets(db, viewer, Some(partner_id), today.year())?.pop();
    Ok(found.map(|budget| {
        let left = if budget.currency == currency { budget.left() } else { Micros::ZERO };
        (left, budget.actor_id)
    }))
}

/// Sets the budget of a partner for a year. It may be raised and lowered; every setting stays on record.
///
/// # Errors
/// [`EditError::Denied`], [`EditError::NotFound`], [`EditError::Invalid`], or the database's reason.
pub fn set(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, year): (i64, i32),
    (amount, currency): (Micros, Currency),
    reason: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::ApproveMoney)?;
    let mut errors = FieldErrors::new();
    require(&mut errors, amount >= Micros::ZERO, "amount", "give an amount of 0 or more");
    require(&mut errors, (2000..=2100).contains(&year), "year", "give the year with four digits");
    words_fit(&mut errors, "reason", reason, "say why so much");
    valid(errors)?;
    write_tx(db, |db| {
        contract_lock(db, partner_id)?;
        let partner = partner_show(db, viewer, partner_id)?.ok_or(EditError::NotFound("partner"))?;
        let known = waiver_budgets_of(db, viewer, Some(partner_id))?;
        let last = known.iter().filter(|row| row.year == year).map(|row| row.seq).max().unwrap_or(0);
        waiver_budget_insert(
            db,
            &WaiverBudgetRow {
                partner_id,
                year,
                seq: last.saturating_add(1),
                amount_micros: amount.0,
                currency: currency.code().to_owned(),
                reason: reason.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let detail = format!("{} {currency} for {year}: {}", words::amount(amount), reason.trim());
        let subject = format!("waiver budget of {}", partner.name);
        let entry = Entry {
            action: "waiver.budget",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        Ok(audit(app, db, viewer, entry)?)
    })
}
