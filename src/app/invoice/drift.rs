//! Charges that are billed a little more each month, by partner, lane, charge and currency, and the lines behind each month.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::db::invoice::{InvoiceFilter, audits_fold, shipment_places};
use crate::db::partner::{Partner, partner_show};
use crate::db::{Db, DbError};
use crate::domain::audit::Charge;
use crate::domain::audit::drift::{MONTHS, Month, is_rising, months_before, told};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// Lines on one page.
pub const PAGE_ROWS: usize = 50;
/// Lines of one month, lane and charge that are listed at most; their sums count all.
pub const LINES_MAX: usize = 5_000;

/// One drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The partner.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// Code of the lane; empty for shipments without one.
    pub lane: String,
    /// The charge.
    pub charge: Charge,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The months, oldest first.
    pub months: [Month; MONTHS],
}

/// First days of the months looked at, and what drifts in them, the most money in the last month first.
pub type Drifts = ([NaiveDate; MONTHS], Vec<Drift>);

/// Looks for drifts in the invoices received in the last whole months.
///
/// # Errors
/// The database's reason.
pub fn drifts(db: &mut Db, viewer: &Viewer, today: NaiveDate) -> Result<Drifts, DbError> {
    type Key = (String, i64, String, Charge, Currency);
    let months = months_before(today);
    let filter = InvoiceFilter { partner_id: None, from: months.first().copied(), until: today.with_day(1) };
    let mut sums: BTreeMap<Key, [Month; MONTHS]> = BTreeMap::new();
    audits_fold(db, viewer, &filter, |invoice| {
        let place = months.iter().rposition(|month| *month <= invoice.received_on);
        for one in told(&invoice.audited) {
            let (lane, charge) = (one.position.lane.clone(), one.position.charge.clone());
            let key = (invoice.partner.clone(), invoice.partner_id, lane, charge, invoice.currency);
            let cell = sums.entry(key).or_default();
            let Some(month) = place.and_then(|place| cell.get_mut(place)) else { continue };
            month.add(one.owed, one.over);
        }
    })?;
    let mut found: Vec<Drift> = sums
        .into_iter()
        .filter(|(_, months)| is_rising(months))
        .map(|((partner, partner_id, lane, charge, currency), months)| Drift {
            partner_id,
            partner,
            lane,
            charge,
            currency,
            months,
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.months.last().map(|month| month.over)));
    Ok((months, found))
}

/// Which lines to list: what one number of a drift is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinesAsked {
    /// The partner.
    pub partner_id: i64,
    /// Its invoices received in it.
    pub period: Period,
    /// Code of the lane; empty for shipments without one.
    pub lane: String,
    /// The charge.
    pub charge: Charge,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The page, from 1.
    pub page: usize,
}

/// What an invoice bills for one charge of one shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftLine {
    /// The invoice.
    pub invoice_id: i64,
    /// Its number.
    pub number: String,
    /// The day it came in.
    pub received_on: NaiveDate,
    /// Our reference of the shipment, or as the bill names it.
    pub shipment: String,
    /// Code of the feed of that shipment; none where it is not known.
    pub source: Option<String>,
    /// The charge as billed.
    pub code: String,
    /// Billed here.
    pub billed: Micros,
    /// Billed for the same by invoices before.
    pub before: Micros,
    /// What the contract owes for it in all.
    pub owed: Micros,
    /// What was billed beyond that.
    pub over: Micros,
}

/// One page of the lines behind a number of a drift.
#[derive(Clone, Debug)]
pub struct DriftLines {
    /// The partner.
    pub partner: Partner,
    /// By day of receipt.
    pub rows: Vec<DriftLine>,
    /// What all of them come to, those of all pages and those that are not listed.
    pub sum: Month,
    /// Billed here, of all of them.
    pub billed: Micros,
    /// Billed before, of all of them.
    pub before: Micros,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
}

/// Lists the lines of a lane and charge that a drift counts in a month; none where the viewer may not see the partner.
///
/// # Errors
/// The database's reason.
pub fn drift_lines(db: &mut Db, viewer: &Viewer, asked: &LinesAsked) -> Result<Option<DriftLines>, DbError> {
    let Some(partner) = partner_show(db, viewer, asked.partner_id)? else { return Ok(None) };
    let filter = InvoiceFilter {
        partner_id: Some(asked.partner_id),
        from: Some(asked.period.start()),
        until: Some(asked.period.end()),
    };
    let (mut rows, mut sum) = (Vec::new(), Month::default());
    let (mut billed, mut before) = (Micros::ZERO, Micros::ZERO);
    audits_fold(db, viewer, &filter, |invoice| {
        if invoice.currency != asked.currency {
            return;
        }
        for one in told(&invoice.audited) {
            let position = one.position;
            if position.lane != asked.lane || position.charge != asked.charge {
                continue;
            }
            sum.add(one.owed, one.over);
            billed = billed + position.billed;
            before = before + position.before;
            if rows.len() < LINES_MAX {
                rows.push(DriftLine {
                    invoice_id: invoice.id,
                    number: invoice.number.clone(),
                    received_on: invoice.received_on,
                    shipment: position.shipment.clone().unwrap_or_else(|| position.name.clone()),
                    source: None,
                    code: position.code.clone(),
                    billed: position.billed,
                    before: position.before,
                    owed: one.owed,
                    over: one.over,
                });
            }
        }
    })?;
    let pages = rows.len().div_ceil(PAGE_ROWS).max(1);
    let page = asked.page.clamp(1, pages);
    let mut rows: Vec<DriftLine> = rows.into_iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).collect();
    let names = rows.iter().map(|row| row.shipment.clone()).collect();
    let places = shipment_places(db, viewer, asked.partner_id, &names)?;
    for row in &mut rows {
        row.source = places.get(&row.shipment).cloned();
    }
    Ok(Some(DriftLines { partner, rows, sum, billed, before, page, pages }))
}
