//! Freight that is not billed, down to its shipments: what stands, and what one entry about it is made of.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::db::books::{chart, month_openings};
use crate::db::freight::{
    FreightListed, StandingSum, freight_behind, freight_behind_sum, freight_list, freight_sums,
};
use crate::db::ledger::{EXPORT_ROWS_MAX, EntryListed, entry_show, last_posting_day};
use crate::db::partner::{Partner, partner_list};
use crate::db::{Db, DbError};
use crate::domain::books::chart::Chart;
use crate::domain::expected::Parts;
use crate::domain::ledger::Account;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::report::sheet::csv;

/// Shipments on one page.
pub const PAGE_ROWS: usize = 50;

/// What was delivered and is not billed.
#[derive(Clone, Debug)]
pub struct FreightView {
    /// By currency.
    pub sums: BTreeMap<String, StandingSum>,
    /// What the account of the ledger stands at, by currency.
    pub posted: BTreeMap<String, Micros>,
    /// One page of shipments, the earliest delivery first.
    pub rows: Vec<FreightListed>,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
    /// Every partner, to choose from.
    pub partners: Vec<Partner>,
}

/// Gathers a page of what stands, of one partner or of all the viewer may see; nothing for partners.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn freight_view(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    page: usize,
    today: NaiveDate,
) -> Result<FreightView, DbError> {
    let sums = freight_sums(db, viewer, partner_id)?;
    let count: i64 = sums.values().map(|sum| sum.shipments).sum();
    let pages = usize::try_from(count).unwrap_or(0).div_ceil(PAGE_ROWS).max(1);
    let page = page.clamp(1, pages);
    Ok(FreightView {
        posted: balance(db, viewer, partner_id, today)?,
        rows: freight_list(db, viewer, partner_id, on_page(page))?,
        partners: partner_list(db, viewer)?,
        sums,
        page,
        pages,
    })
}

/// The columns of [`freight_csv`].
const EXPORT_COLUMNS: [&str; 11] = [
    "partner",
    "source",
    "shipment",
    "due",
    "delivered",
    "currency",
    "linehaul",
    "fuel",
    "accessorials",
    "tax",
    "total",
];

/// The shipments of which freight stands, and whether there are more than can be written out; nothing for partners.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn freight_export(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
) -> Result<(Vec<FreightListed>, bool), DbError> {
    let mut rows = freight_list(db, viewer, partner_id, (0, EXPORT_ROWS_MAX + 1))?;
    let limit = usize::try_from(EXPORT_ROWS_MAX).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, more))
}

/// A csv file of shipments of which freight stands.
///
/// # Errors
/// The writer's reason.
pub fn freight_csv(rows: &[FreightListed]) -> Result<Vec<u8>, csv::Error> {
    csv(
        EXPORT_COLUMNS,
        rows.iter().map(|row| {
            let (source, reference) = row.shipment.clone().unwrap_or_default();
            let Parts { base, fuel, accessorial, tax } = row.parts;
            [
                row.partner.clone(),
                source,
                reference,
                row.place.0.0.to_string(),
                row.delivered_on.map(|day| day.to_string()).unwrap_or_default(),
                row.currency.clone(),
                base.to_string(),
                fuel.to_string(),
                accessorial.to_string(),
                tax.to_string(),
                row.parts.total().to_string(),
            ]
        }),
    )
}

/// Where a page begins, and how many rows are on it.
fn on_page(page: usize) -> (i64, i64) {
    let rows = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    (rows(page.saturating_sub(1).saturating_mul(PAGE_ROWS)), rows(PAGE_ROWS))
}

/// What the account stands at after everything that was posted.
fn balance(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    today: NaiveDate,
) -> Result<BTreeMap<String, Micros>, DbError> {
    let last = last_posting_day(db, viewer)?.unwrap_or(today);
    let after = Period::containing(PeriodKind::Month, last).next();
    let mut sums: BTreeMap<String, Micros> = BTreeMap::new();
    for ((_, currency, account), amount) in month_openings(db, viewer, partner_id, after)? {
        if account == Account::FreightAccrued && amount != Micros::ZERO {
            let sum = sums.entry(currency.code().to_owned()).or_default();
            *sum = *sum + amount;
        }
    }
    Ok(sums)
}

/// One entry about freight with the shipments behind it.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// The entry.
    pub listed: EntryListed,
    /// How accounts are called.
    pub chart: Chart,
    /// One page of its shipments.
    pub rows: Vec<FreightListed>,
    /// How many there are.
    pub count: usize,
    /// What all of them come to, part by part.
    pub parts: Parts,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
}

/// One entry about freight; none when there is none, it is about something else, or the viewer may not see it.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn freight_entry_view(
    db: &mut Db,
    viewer: &Viewer,
    key: (i64, i64),
    page: usize,
) -> Result<Option<EntryView>, DbError> {
    let found = entry_show(db, viewer, key)?.filter(|listed| listed.entry.key.is_freight());
    let Some(listed) = found else { return Ok(None) };
    let currency = listed.entry.lines.first().map(|line| line.currency.to_string()).unwrap_or_default();
    let (count, parts) = freight_behind_sum(db, viewer, key)?;
    let count = usize::try_from(count).unwrap_or(0);
    let pages = count.div_ceil(PAGE_ROWS).max(1);
    let page = page.clamp(1, pages);
    let rows = freight_behind(db, viewer, key, &currency, on_page(page))?;
    Ok(Some(EntryView { listed, chart: chart(db)?, rows, count, parts, page, pages }))
}
