//! Charges that are billed a little more each month, by partner, lane and charge.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::db::invoice::{InvoiceFilter, audits_fold};
use crate::db::{Db, DbError};
use crate::domain::audit::BillStatus;
use crate::domain::audit::drift::{MONTHS, Month, is_rising, months_before};
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// One drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The partner.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// Code of the lane.
    pub lane: String,
    /// The charge, in words.
    pub charge: String,
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
    let months = months_before(today);
    let filter = InvoiceFilter { partner_id: None, from: months.first().copied(), until: today.with_day(1) };
    let mut sums: BTreeMap<(String, i64, String, String), [Month; MONTHS]> = BTreeMap::new();
    audits_fold(db, viewer, &filter, |(partner_id, partner), received_on, audited| {
        // What is billed twice says nothing about a rate.
        if matches!(audited.status, BillStatus::Duplicate | BillStatus::Rejected) {
            return;
        }
        let place = months.iter().rposition(|month| *month <= received_on);
        for one in &audited.positions {
            let Some(rated) = one.rated.filter(|_| one.billed > Micros::ZERO) else { continue };
            let key = (partner.to_owned(), partner_id, one.lane.clone(), one.charge.words());
            let cell = sums.entry(key).or_default();
            let Some(month) = place.and_then(|place| cell.get_mut(place)) else { continue };
            month.add(rated, one.before + one.billed - rated);
        }
    })?;
    let mut found: Vec<Drift> = sums
        .into_iter()
        .filter(|(_, months)| is_rising(months))
        .map(|((partner, partner_id, lane, charge), months)| Drift {
            partner_id,
            partner,
            lane,
            charge,
            months,
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.months.last().map(|month| month.over)));
    Ok((months, found))
}
