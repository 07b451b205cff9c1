//! What waits, by deadline and by money: items about to be deemed accepted, our answers, credit notes that did not come,
//! notices to go out, overcharges not claimed.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{Item, holidays, month_of};
use crate::app::contract::deadline_calendar;
use crate::app::invoice::view::{Asked as InvoicesAsked, DOWNLOAD_ROWS, Pick, list as invoices};
use crate::db::books::closed_through;
use crate::db::dispute::{item_steps_all, waivers_proposed_unscoped};
use crate::db::ledger::{ItemFilter, beside_of, item_list};
use crate::db::{Db, DbError};
use crate::domain::audit::recovery::Stage as Recovery;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::currency::Currency;
use crate::domain::dispute::Stage;
use crate::domain::ledger::{ItemState, assessed_from};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// Items one list reads at most.
pub const ITEMS_MAX: i64 = 50_000;
/// Days in which a freight charge can be contested or billed again, from its receipt (DOMAIN §4.4).
pub const CLAIM_DAYS: u64 = 180;

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// For the partner's answer.
    Partner,
    /// For our answer.
    Us,
    /// For finance, after nobody answered.
    Sponsors,
    /// For a credit note or another settlement.
    Settlement,
    /// For us to pay.
    Payment,
    /// For the notice.
    Notice,
    /// For us to claim an overcharge.
    Claim,
}

/// One row: items of one kind, partner, clause, month and deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The day on which it passes; none where nothing does.
    pub deadline: Option<NaiveDate>,
    /// Working days left on the day asked for; negative when it is over.
    pub days_left: Option<i64>,
    /// The carrier; 0 for several.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// What it is: `Late delivery, May 2025`.
    pub what: String,
    /// What waits.
    pub waits: Waits,
    /// Where the first of them stands.
    pub stage: Option<Stage>,
    /// How many items or invoices.
    pub count: usize,
    /// What is at risk.
    pub amount: Micros,
    /// Currency of the amount.
    pub currency: Currency,
    /// The key of the item in an address, where there is one only.
    pub only: Option<String>,
    /// Month of the items.
    pub month: Option<Period>,
}

/// How many items stand where, and what they come to.
pub type ByStage = BTreeMap<(Stage, Currency), (usize, Micros)>;

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// The one due first in front, then the most money.
    pub waiting: Vec<Waiting>,
    /// All told items that are not over, by where they stand.
    pub by_stage: ByStage,
    /// Answers that would give something up and wait for a second person: how many, and what they come to by currency.
    pub proposed: BTreeMap<String, (usize, Micros)>,
}

/// Reads items as they stand.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn items(db: &mut Db, viewer: &Viewer, filter: &ItemFilter, limit: i64) -> Result<Vec<Item>, DbError> {
    let rows = item_list(db, viewer, filter, limit)?;
    let mut steps = item_steps_all(db, viewer, filter.partner_id)?;
    let closed = closed_through(db)?;
    let holidays = holidays(db)?;
    let mut beside = BTreeMap::new();
    let mut read = None;
    let mut found = Vec::with_capacity(rows.len());
    // Rows come by partner.
    for row in rows {
        let (partner_id, key) = (row.accrual.partner_id, row.accrual.key);
        if read != Some(partner_id) {
            beside = beside_of(db, viewer, partner_id, filter.key)?;
            read = Some(partner_id);
        }
        let own = steps.remove(&(partner_id, key)).unwrap_or_default();
        found.push(Item::of(row, &own, beside.get(&key), closed, &holidays)?);
    }
    Ok(found)
}

/// What waits of the partners the viewer may see, as of `today`.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn inbox(db: &mut Db, viewer: &Viewer, today: NaiveDate) -> Result<Inbox, DbError> {
    let states = vec![ItemState::Accrued, ItemState::Assessed, ItemState::Disputed, ItemState::Agreed];
    let filter = ItemFilter { states, ..ItemFilter::default() };
    let mut inbox = Inbox::default();
    let found = items(db, viewer, &filter, ITEMS_MAX)?;
    for item in found.iter().filter(|item| item.stage != Stage::Untold) {
        let sum = inbox.by_stage.entry((item.stage, item.row.accrual.currency)).or_default();
        (sum.0, sum.1) = (sum.0.saturating_add(1), sum.1 + item.sums.outstanding().abs());
    }
    let calendar = holidays(db)?.known_on(today);
    inbox.waiting = grouped(&found, today, &calendar);
    inbox.waiting.extend(claims(db, viewer, today, &calendar)?);
    inbox.waiting.sort_by_key(|one| {
        (one.deadline.is_none(), one.deadline, std::cmp::Reverse(one.amount), one.partner_id)
    });
    for one in waivers_proposed_unscoped(db, today)? {
        if viewer.sees(one.partner_id) {
            let sum = inbox.proposed.entry(one.currency).or_default();
            (sum.0, sum.1) = (sum.0.saturating_add(1), sum.1 + one.amount);
        }
    }
    Ok(inbox)
}

/// What waits for a partner's own answer, the one due first in front.
///
/// # Errors
/// As [`inbox`].
pub fn asked_of_partner(db: &mut Db, viewer: &Viewer, today: NaiveDate) -> Result<Vec<Waiting>, DbError> {
    let states = vec![ItemState::Assessed];
    let filter = ItemFilter { partner_id: viewer.partner_id, states, ..ItemFilter::default() };
    let calendar = holidays(db)?.known_on(today);
    Ok(grouped(&items(db, viewer, &filter, ITEMS_MAX)?, today, &calendar))
}

/// Items by deadline, partner, what waits, clause and month; what is left of each deadline by `calendar`.
fn grouped(found: &[Item], today: NaiveDate, calendar: &BusinessCalendar) -> Vec<Waiting> {
    let mut groups: BTreeMap<(Option<NaiveDate>, i64, Waits, String, String), Waiting> = BTreeMap::new();
    for item in found {
        let amount = item.sums.outstanding().abs();
        let currency = item.row.accrual.currency;
        let Some(one) = waiting(item, today, calendar) else { continue };
        // What is agreed waits for one document, of whichever month it is.
        let whenever = matches!(one.waits, Waits::Settlement | Waits::Payment);
        let deadline = one.deadline.filter(|_| !whenever);
        let of = if one.waits == Waits::Notice { 0 } else { one.partner_id };
        let at = (deadline, of, one.waits, one.what.clone(), currency.code().to_owned());
        match groups.get_mut(&at) {
            Some(group) => {
                group.count = group.count.saturating_add(1);
                group.amount = group.amount + amount;
                group.only = None;
                // What goes out on one day goes out to all.
                if group.partner_id != one.partner_id {
                    (group.partner_id, group.partner) = (0, "All partners".to_owned());
                }
                if one.deadline < group.deadline {
                    (group.deadline, group.days_left) = (one.deadline, one.days_left);
                }
            }
            None => drop(groups.insert(at, one)),
        }
    }
    groups.into_values().collect()
}

/// What an item waits for; none when for nothing.
fn waiting(item: &Item, today: NaiveDate, calendar: &BusinessCalendar) -> Option<Waiting> {
    let accrual = &item.row.accrual;
    let open = item.course.lines.iter().filter(|line| line.is_open());
    let answer = open.map(|line| item.answer_by(line)).min();
    let (waits, deadline) = match item.stage {
        Stage::Untold => (Waits::Notice, Some(assessed_from(accrual.period, &deadline_calendar()))),
        Stage::Assessed => (Waits::Partner, item.dispute_by),
        Stage::Disputed => (Waits::Us, answer),
        Stage::Escalated => (Waits::Sponsors, answer),
        _ if !item.is_ours() || item.stage == Stage::ToPayBack => (Waits::Payment, item.settle_by()),
        Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced | Stage::PartSettled => {
            (Waits::Settlement, item.settle_by())
        }
        _ => return None,
    };
    let settles = matches!(waits, Waits::Settlement | Waits::Payment);
    let month = Some(month_of(accrual)).filter(|_| !settles);
    Some(Waiting {
        deadline,
        days_left: deadline.map(|day| working_days(today, day, calendar)),
        partner_id: accrual.partner_id,
        partner: item.row.partner_name.clone(),
        what: match month {
            Some(month) if waits == Waits::Notice => format!("Credits and bonuses of {}", month.title()),
            Some(month) => format!("{}, {}", item.row.clause_title, month.title()),
            None => item.row.clause_title.clone(),
        },
        waits,
        stage: Some(item.stage),
        count: 1,
        amount: item.sums.outstanding().abs(),
        currency: accrual.currency,
        only: Some(accrual.key.slug()),
        month,
    })
}

/// Working days from `today` to `day`; 0 on the day, negative after it.
fn working_days(today: NaiveDate, day: NaiveDate, calendar: &BusinessCalendar) -> i64 {
    if day >= today {
        i64::from(calendar.business_days_late(today, day))
    } else {
        i64::from(calendar.business_days_late(day, today)).saturating_neg()
    }
}

/// Overcharges that were found and not sent to the partner, by partner and currency.
fn claims(
    db: &mut Db,
    viewer: &Viewer,
    today: NaiveDate,
    calendar: &BusinessCalendar,
) -> Result<Vec<Waiting>, DbError> {
    let asked =
        InvoicesAsked { partner_id: None, period: None, pick: Pick::Open, page: 1, rows: DOWNLOAD_ROWS };
    let mut groups: BTreeMap<(i64, Currency), Waiting> = BTreeMap::new();
    for one in invoices(db, viewer, &asked)?.rows {
        if one.funnel.stage != Recovery::Found {
            continue;
        }
        let listed = &one.listed;
        let lapses = listed.received_on.checked_add_days(Days::new(CLAIM_DAYS));
        let group = groups.entry((listed.partner_id, listed.currency)).or_insert_with(|| Waiting {
            deadline: lapses,
            days_left: None,
            partner_id: listed.partner_id,
            partner: listed.partner.clone(),
            what: String::new(),
            waits: Waits::Claim,
            stage: None,
            count: 0,
            amount: Micros::ZERO,
            currency: listed.currency,
            only: None,
            month: Some(Period::containing(PeriodKind::Month, listed.received_on)),
        });
        group.deadline = group.deadline.min(lapses);
        group.count = group.count.saturating_add(1);
        group.amount = group.amount + one.funnel.open();
    }
    let finish = |mut one: Waiting| {
        one.days_left = one.deadline.map(|day| working_days(today, day, calendar));
        one.what = format!("Overcharge on {}", words::many(one.count, "invoice"));
        one
    };
    Ok(groups.into_values().map(finish).collect())
}
