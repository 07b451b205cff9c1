//! Budgets by partner and month, beside what was accrued.

use std::collections::BTreeMap;

use super::roll::roll_forward;
use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed, valid};
use crate::db::books::{BudgetRow, books_lock, budget_insert, budgets_of};
use crate::db::dialect::write_tx;
use crate::db::partner::{Partner, partner_list};
use crate::db::setting::reporting_currency;
use crate::db::types::Instant;
use crate::db::{Db, DbError, currency_of};
use crate::domain::books::roll::net_accrued;
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::{Action, Viewer};

/// Lines of one form at most.
pub const LINES_MAX: usize = 2_000;

/// A partner's month, or year to the end of the month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What was expected; none where nothing was set.
    pub budget: Option<Micros>,
    /// What was accrued net.
    pub accrued: Micros,
    /// What of it was accrued where a budget was set.
    pub budgeted: Micros,
}

impl Compared {
    /// Accrued less budget, of partners and months with a budget; none without any.
    #[must_use]
    pub fn beyond(&self) -> Option<Micros> {
        self.budget.map(|budget| self.budgeted - budget)
    }

    fn of(budget: Option<Micros>, accrued: Micros) -> Self {
        Self { budget, accrued, budgeted: if budget.is_some() { accrued } else { Micros::ZERO } }
    }

    fn plus(&mut self, other: &Self) {
        self.accrued = self.accrued + other.accrued;
        self.budgeted = self.budgeted + other.budgeted;
        if let Some(budget) = other.budget {
            self.budget = Some(self.budget.unwrap_or_default() + budget);
        }
    }
}

/// One row of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLine {
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// The month.
    pub month: Compared,
    /// The year up to the end of the month.
    pub year: Compared,
    /// Its months with a budget or an accrual, in order; they come to the year.
    pub months: Vec<(Period, Compared)>,
}

/// A month's budgets beside what was accrued.
#[derive(Clone, Debug)]
pub struct BudgetView {
    /// The month.
    pub month: Period,
    /// The currency of all amounts: the reporting one.
    pub currency: Currency,
    /// By name; partners with neither budget nor accrual are left out.
    pub lines: Vec<BudgetLine>,
    /// All together.
    pub total: (Compared, Compared),
    /// Every budget ever set for the year, newest of each month first.
    pub history: Vec<BudgetRow>,
    /// Partners by id, to name the history.
    pub names: BTreeMap<i64, String>,
}

fn currency(db: &mut Db) -> Result<Currency, DbError> {
    currency_of(&reporting_currency(db)?, "the reporting currency")
}

/// The comparison of a month and of its year so far.
///
/// # Errors
/// [`EditError`].
pub fn budget_view(db: &mut Db, viewer: &Viewer, month: Period) -> Result<BudgetView, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let currency = currency(db)?;
    let partners = partner_list(db, viewer)?;
    let january = Period::containing(PeriodKind::Year, month.start()).start();
    let mut at = Period::containing(PeriodKind::Month, january);
    let history = budgets_of(db, viewer, (at, month))?;
    let mut newest: BTreeMap<(i64, String), Micros> = BTreeMap::new();
    for row in history.iter().filter(|row| row.currency == currency.code()) {
        newest.entry((row.partner_id, row.month.clone())).or_insert(Micros(row.amount_micros));
    }
    let mut lines: BTreeMap<i64, (Compared, Vec<(Period, Compared)>)> = BTreeMap::new();
    loop {
        let accrued = net_accrued(&roll_forward(db, viewer, at, None)?);
        for partner in &partners {
            let budget = newest.get(&(partner.id, at.to_string())).copied();
            let accrued = accrued.get(&(partner.id, currency)).copied().unwrap_or_default();
            if budget.is_none() && accrued == Micros::ZERO {
                continue;
            }
            let (of_year, months) = lines.entry(partner.id).or_default();
            let one = Compared::of(budget, accrued);
            of_year.plus(&one);
            months.push((at, one));
        }
        if at.start() >= month.start() {
            break;
        }
        at = at.next();
    }
    let names: BTreeMap<i64, String> =
        partners.into_iter().map(|partner: Partner| (partner.id, partner.name)).collect();
    let mut total = (Compared::default(), Compared::default());
    let mut listed: Vec<BudgetLine> = lines
        .into_iter()
        .map(|(partner_id, (year, months))| {
            let of_month = months.iter().find(|(at, _)| *at == month).map(|(_, one)| *one);
            let of_month = of_month.unwrap_or_default();
            total.0.plus(&of_month);
            total.1.plus(&year);
            let partner = names.get(&partner_id).cloned().unwrap_or_default();
            BudgetLine { partner_id, partner, month: of_month, year, months }
        })
        .collect();
    listed.sort_by(|a, b| a.partner.cmp(&b.partner));
    Ok(BudgetView { month, currency, lines: listed, total, history, names })
}

/// A line as typed or pasted: partner, month, amount.
fn read_line(text: &str, partners: &[Partner]) -> Result<(i64, Period, Micros), String> {
    let parts: Vec<&str> = text.split([';', '\t']).map(str::trim).collect();
    let [partner, month, amount] = parts.as_slice() else {
        return Err("write partner; month; amount".to_owned());
    };
    let found = partners
        .iter()
        .find(|one| one.code.eq_ignore_ascii_case(partner) || one.name.eq_ignore_ascii_case(partner))
        .ok_or_else(|| format!("there is no partner {partner}"))?;
    let month: Period = month
        .parse()
        .ok()
        .filter(|period: &Period| period.kind() == PeriodKind::Month)
        .ok_or_else(|| format!("`{month}` is no month such as 2026-06"))?;
    let plain: String = amount.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let value: Option<rust_decimal::Decimal> = plain.replace('\u{2212}', "-").parse().ok();
    let amount = value
        .filter(|value| value.normalize().scale() <= 2)
        .and_then(|value| Micros::from_decimal(value).ok())
        .ok_or_else(|| format!("`{amount}` is no amount such as 12,500.00"))?;
    Ok((found.id, month, amount))
}

/// Sets budgets from lines `partner; month; amount`, typed or pasted from a sheet; all of them or none. What is as before
/// adds nothing. Says how many were set.
///
/// # Errors
/// [`EditError::Invalid`] with the field `lines`, naming the lines that do not read.
pub fn budget_set(app: &App, db: &mut Db, by: &Viewer, text: &str) -> Result<usize, EditError> {
    allowed(by, Action::KeepBooks)?;
    let partners = partner_list(db, by)?;
    let texts: Vec<(usize, &str)> = text
        .lines()
        .zip(1_usize..)
        .map(|(line, no)| (no, line))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    if texts.is_empty() || texts.len() > LINES_MAX {
        let words = format!("write 1 to {LINES_MAX} lines of partner; month; amount");
        return Err(EditError::field("lines", &words));
    }
    let mut read = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in texts {
        match read_line(line, &partners) {
            Ok(budget) => read.push(budget),
            Err(words) => wrong.push(format!("line {number}: {words}")),
        }
    }
    if let Some(first) = wrong.first() {
        let more = wrong.len().saturating_sub(1);
        let words = if more == 0 { first.clone() } else { format!("{first}; and {more} more") };
        return valid(vec![("lines".to_owned(), words)]).map(|()| 0);
    }
    let currency = currency(db)?;
    write_tx(db, |db| {
        books_lock(db)?;
        let mut set = 0;
        for (partner_id, month, amount) in read {
            let before = budgets_of(db, by, (month, month))?;
            let newest = before.iter().find(|row| row.partner_id == partner_id);
            if newest.is_some_and(|row| row.amount_micros == amount.0 && row.currency == currency.code()) {
                continue;
            }
            let row = BudgetRow {
                partner_id,
                month: month.to_string(),
                seq: newest.map_or(0, |row| row.seq).saturating_add(1),
                amount_micros: amount.0,
                currency: currency.code().to_owned(),
                set_by_id: by.user_id,
                set_by: by.name.clone(),
                set_at: Instant(app.now()),
            };
            budget_insert(db, &row)?;
            let detail = format!("{amount} {currency}");
            let subject = month.to_string();
            let entry = Entry {
                action: "books.budget",
                subject: &subject,
                partner_id: Some(partner_id),
                detail: &detail,
            };
            audit(app, db, by, entry)?;
            set += 1;
        }
        Ok(set)
    })
}
