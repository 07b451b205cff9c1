//! Calibration of a contract: stored expected charges minus what was billed, over the shipments of a period.
//!
//! Reads day by day and keeps sums and differences only. It stores nothing, so that a code mapped a moment ago counts.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::db::calibration::{BilledShipment, CalibrationDay, ChargedLine, calibration_day};
use crate::db::charge_code::code_books;
use crate::db::contract::{Contract, contract_by_number, version_list};
use crate::db::setting::reporting_currency;
use crate::db::{Db, DbError};
use crate::domain::calibration::{
    Bill, BilledLine, Calibrated, Calibration, ChargeType, FEW, MOST, Modelled, Outcome, Row, SHIPMENTS_MIN,
    Signature, TENTH_CARRIES, Tally, compare,
};
use crate::domain::charge_code::{CodeBook, Meaning};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::domain::words;

use super::charge_code;

/// Most shipments one run reads.
pub const SHIPMENTS_MAX: u64 = 5_000_000;
/// Shipments on one page of those behind a number.
pub const PAGE_ROWS: usize = 100;

/// Whose shipments of which days.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationRequest<'a> {
    /// Number of the contract.
    pub contract: &'a str,
    /// Obligation days.
    pub period: Period,
    /// Most shipments to read; a page cannot wait for as many as the command line.
    pub shipments_max: u64,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// No such contract, or not the viewer's.
    #[error("there is no contract {0}; the page of contracts lists those there are")]
    NoContract(String),
    /// More shipments than the caller can wait for.
    #[error(
        "the period has more than {0} shipments; choose a shorter one, or run `lanemark calibrate`, which reads up to \
         SHIPMENTS_MAX = {SHIPMENTS_MAX}"
    )]
    TooManyShipments(u64),
}

impl From<diesel::result::Error> for CalibrationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// The rule behind every signature, in words.
#[must_use]
pub fn rule() -> String {
    let percent = words::percent;
    format!(
        "A difference is modelled minus billed, and counts when it is more than one minor unit of the currency. Systematic: at least {} of the compared \
         shipments differ in one direction, and the largest tenth of them carries at most {} of the differences; that is how \
         a mistake in the contract shows. Sporadic: at most {} of the shipments differ; that is how a mistake on an invoice \
         shows. Mixed: neither. Fewer than {SHIPMENTS_MIN} compared shipments tell nothing. Of an accessorial those shipments are \
         compared that have it.",
        percent(MOST),
        percent(TENTH_CARRIES),
        percent(FEW)
    )
}

/// One comparison as it is shown; amounts and shares are decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowShown {
    /// Charge type, as `--type` and addresses take it.
    #[serde(rename = "type")]
    pub of: String,
    /// Its words.
    pub label: String,
    /// Lane, empty for shipments without one; none for all lanes.
    pub lane: Option<String>,
    /// Shipments compared that could have it.
    pub compared: u64,
    /// Modelled and billed.
    pub both: u64,
    /// Modelled, not billed.
    pub only_modelled: u64,
    /// Billed, not modelled.
    pub only_billed: u64,
    /// Sum of what is modelled.
    pub modelled: String,
    /// Sum of what is billed.
    pub billed: String,
    /// Modelled minus billed.
    pub residual: String,
    /// The residual in percent of what is billed; none when nothing is.
    pub residual_percent: Option<String>,
    /// Shipments that differ.
    pub differing: u64,
    /// Of those, the ones in the direction most have.
    pub one_way: u64,
    /// What the largest tenth of the compared shipments makes of all differences, in percent.
    pub largest_tenth_percent: Option<String>,
    /// How the differences lie.
    pub signature: Signature,
}

/// Shipments with a sum that were not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// How many.
    pub shipments: u64,
    /// What was billed for them.
    pub billed: String,
}

/// What a contract says minus what was billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CalibrationReport {
    /// Contract.
    pub contract: String,
    /// Currency of every amount.
    pub currency: String,
    /// The period.
    pub period: String,
    /// Which day of a shipment belongs to it.
    pub period_basis: &'static str,
    /// Shipments of the partner in the period that this contract prices, or no contract.
    pub shipments: u64,
    /// Of those, compared.
    pub compared: u64,
    /// Modelled, of compared shipments.
    pub modelled: String,
    /// Billed, of compared shipments.
    pub billed: String,
    /// Modelled minus billed.
    pub residual: String,
    /// The residual in percent of what is billed.
    pub residual_percent: Option<String>,
    /// Charge types over all lanes, the largest residual first.
    pub types: Vec<RowShown>,
    /// Charge types by lane, the largest residual first; they sum to the residual.
    pub hot_spots: Vec<RowShown>,
    /// Modelled, not billed yet.
    pub not_billed: u64,
    /// Modelled, billed without a linehaul.
    pub no_linehaul: NotCompared,
    /// Of those, the ones billed under codes that nobody has mapped.
    pub no_linehaul_unmapped: u64,
    /// Billed, priced by no version.
    pub not_modelled: NotCompared,
    /// Not to be priced, by agreement.
    pub not_applicable: NotCompared,
    /// Billed in another currency than the contract's.
    pub other_currency: u64,
    /// Needs rates, by reason, the most shipments first.
    pub unrated: Vec<(String, NotCompared)>,
    /// Billed on compared shipments under codes that are no freight charge.
    pub outside_freight: String,
    /// The rule behind every signature.
    pub rule: String,
}

/// Compares a period. `progress` hears (done, total) days.
///
/// # Errors
/// [`CalibrationError`].
pub fn calibrate(
    db: &mut Db,
    viewer: &Viewer,
    request: &CalibrationRequest<'_>,
    progress: impl FnMut(u64, u64),
) -> Result<CalibrationReport, CalibrationError> {
    let desk = Desk::open(db, viewer, request)?;
    let mut sums = Calibration::new(desk.contract.currency);
    let shipments = desk.walk(db, viewer, request, progress, |_, shipment, outcome| {
        sums.add(shipment.lane.as_deref().unwrap_or_default(), outcome);
    })?;
    Ok(desk.report(request.period, shipments, sums.finish()))
}

/// One shipment behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentBehind {
    /// The day it counts on.
    pub day: NaiveDate,
    /// Code of its feed.
    pub source: String,
    /// What people call it.
    pub reference: String,
    /// Its lane, empty without one.
    pub lane: String,
    /// Modelled; none when it is only billed.
    pub modelled: Option<Micros>,
    /// Billed; none when it is only modelled.
    pub billed: Option<Micros>,
    /// Modelled minus billed.
    pub residual: Micros,
}

/// The shipments behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The partner.
    pub partner_id: i64,
    /// The number itself, summed from them.
    pub row: RowShown,
    /// One page of them, the largest difference first.
    pub shipments: Vec<ShipmentBehind>,
    /// How many there are.
    pub count: usize,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
}

/// The shipments behind one charge type, on one lane (empty for those without one) or on all.
///
/// # Errors
/// [`CalibrationError`].
pub fn behind(
    db: &mut Db,
    viewer: &Viewer,
    request: &CalibrationRequest<'_>,
    (of, lane): (&ChargeType, Option<&str>),
    page: usize,
) -> Result<Behind, CalibrationError> {
    let desk = Desk::open(db, viewer, request)?;
    let mut sums = Calibration::new(desk.contract.currency);
    let mut found = Vec::new();
    desk.walk(
        db,
        viewer,
        request,
        |_, _| (),
        |day, shipment, outcome| {
            let own = shipment.lane.as_deref().unwrap_or_default();
            if lane.is_some_and(|lane| lane != own) {
                return;
            }
            sums.add(own, outcome);
            let Outcome::Compared { pairs, .. } = outcome else { return };
            let Some(pair) = pairs.get(of) else { return };
            found.push(ShipmentBehind {
                day,
                source: shipment.source.clone(),
                reference: shipment.reference.clone(),
                lane: own.to_owned(),
                modelled: pair.modelled,
                billed: pair.billed,
                residual: pair.residual(),
            });
        },
    )?;
    found.sort_by_key(|shipment| std::cmp::Reverse(shipment.residual.abs()));
    let types = sums.finish().types;
    let mut row = types.into_iter().find(|row| row.of == *of).unwrap_or_else(|| Row {
        of: of.clone(),
        lane: None,
        tally: Tally::default(),
    });
    row.lane = lane.map(str::to_owned);
    let (count, pages) = (found.len(), found.len().div_ceil(PAGE_ROWS).max(1));
    let page = page.clamp(1, pages);
    Ok(Behind {
        partner_id: desk.contract.partner_id,
        row: desk.shown(&row),
        shipments: found.into_iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).collect(),
        count,
        page,
        pages,
    })
}

/// What a comparison needs beside the shipments.
struct Desk {
    contract: Contract,
    /// The versions of the contract.
    versions: BTreeSet<i64>,
    book: CodeBook,
    /// The currency of amounts that name none.
    reporting: String,
}

impl Desk {
    fn open(
        db: &mut Db,
        viewer: &Viewer,
        request: &CalibrationRequest<'_>,
    ) -> Result<Self, CalibrationError> {
        let contract = contract_by_number(db, viewer, request.contract)?
            .ok_or_else(|| CalibrationError::NoContract(request.contract.to_owned()))?;
        let partner = Some(contract.partner_id);
        let versions = version_list(db, viewer, contract.id)?.into_iter().map(|version| version.id).collect();
        Ok(Self {
            book: code_books(db, viewer, partner)?.remove(&contract.partner_id).unwrap_or_default(),
            reporting: reporting_currency(db)?,
            versions,
            contract,
        })
    }

    /// Says each shipment that this contract prices, or none does, with its day and what became of it. Gives how many.
    fn walk(
        &self,
        db: &mut Db,
        viewer: &Viewer,
        request: &CalibrationRequest<'_>,
        mut progress: impl FnMut(u64, u64),
        mut each: impl FnMut(NaiveDate, &BilledShipment, &Outcome),
    ) -> Result<u64, CalibrationError> {
        let (from, until) = (request.period.start(), request.period.end());
        let total = u64::try_from((until - from).num_days()).unwrap_or(0);
        let (mut read, mut seen, mut done) = (0_u64, 0_u64, 0);
        for day in from.iter_days().take_while(|day| *day < until) {
            let CalibrationDay { shipments, mut lines, expected } =
                calibration_day(db, viewer, self.contract.partner_id, day)?;
            for shipment in &shipments {
                read += 1;
                if read > request.shipments_max {
                    return Err(CalibrationError::TooManyShipments(request.shipments_max));
                }
                let stored = expected.get(&shipment.id).map(|stored| &stored.expected);
                // Another contract's shipments are another calibration.
                if stored.is_some_and(|expected| !self.versions.contains(&expected.version_id)) {
                    continue;
                }
                let bill = self.bill(shipment, lines.remove(&shipment.id).unwrap_or_default());
                let outcome =
                    compare(stored.map_or(Modelled::Nothing, Modelled::from), &bill, self.contract.currency);
                seen += 1;
                each(day, shipment, &outcome);
            }
            done += 1;
            progress(done, total);
        }
        Ok(seen)
    }

    fn bill(&self, shipment: &BilledShipment, lines: Vec<ChargedLine>) -> Bill {
        let own = shipment.currency.clone().unwrap_or_else(|| self.reporting.clone());
        let mut currencies: Vec<String> =
            std::iter::once(own).chain(lines.iter().map(|line| line.currency.clone())).collect();
        currencies.sort_unstable();
        currencies.dedup();
        Bill {
            linehaul: shipment.linehaul_micros.map(Micros),
            fuel: shipment.fuel_micros.map(Micros),
            accessorial: shipment.accessorial_micros.map(Micros),
            freight: shipment.freight_micros.map(Micros),
            lines: lines
                .into_iter()
                .map(|line| BilledLine {
                    meaning: self.book.meaning(&line.code, &line.category).map(|(meaning, _)| meaning),
                    category: line.category,
                    amount: Micros(line.amount_micros),
                })
                .collect(),
            currencies,
        }
    }

    /// The words of a charge type.
    fn label(&self, of: &ChargeType) -> String {
        match of {
            ChargeType::Whole => "Freight, not split".to_owned(),
            ChargeType::Linehaul => charge_code::words(&Meaning::Linehaul, self.book.labels()),
            ChargeType::Fuel => charge_code::words(&Meaning::Fuel, self.book.labels()),
            ChargeType::Accessorials => "Accessorials, not split".to_owned(),
            ChargeType::Accessorial(code) => {
                charge_code::words(&Meaning::Accessorial(code.clone()), self.book.labels())
            }
            ChargeType::Tax => charge_code::words(&Meaning::Tax, self.book.labels()),
            ChargeType::NotChargeable => charge_code::words(&Meaning::NotChargeable, self.book.labels()),
            ChargeType::Unmapped => "Unmapped codes".to_owned(),
        }
    }

    fn shown(&self, row: &Row) -> RowShown {
        let tally = &row.tally;
        RowShown {
            of: row.of.to_string(),
            label: self.label(&row.of),
            lane: row.lane.clone(),
            compared: tally.compared,
            both: tally.both,
            only_modelled: tally.only_modelled,
            only_billed: tally.only_billed,
            modelled: tally.modelled.to_string(),
            billed: tally.billed.to_string(),
            residual: tally.residual().to_string(),
            residual_percent: tally.share().map(percent),
            differing: tally.differing(),
            one_way: tally.one_way(),
            largest_tenth_percent: tally.tenth().map(percent),
            signature: row.signature(),
        }
    }

    fn report(&self, period: Period, shipments: u64, found: Calibrated) -> CalibrationReport {
        let beside =
            |(shipments, billed): (u64, Micros)| NotCompared { shipments, billed: billed.to_string() };
        let residual = found.modelled - found.billed;
        let mut unrated: Vec<(String, (u64, Micros))> = found.left.unrated.into_iter().collect();
        unrated.sort_by_key(|(_, (shipments, _))| std::cmp::Reverse(*shipments));
        let currency: Currency = self.contract.currency;
        CalibrationReport {
            contract: self.contract.number.clone(),
            currency: currency.code().to_owned(),
            period: period.to_string(),
            period_basis: "obligation",
            shipments,
            compared: found.compared,
            modelled: found.modelled.to_string(),
            billed: found.billed.to_string(),
            residual: residual.to_string(),
            residual_percent: residual.decimal().checked_div(found.billed.decimal()).map(percent),
            types: found.types.iter().map(|row| self.shown(row)).collect(),
            hot_spots: found.hot_spots.iter().map(|row| self.shown(row)).collect(),
            not_billed: found.left.not_billed,
            no_linehaul: beside(found.left.no_linehaul),
            no_linehaul_unmapped: found.left.no_linehaul_unmapped,
            not_modelled: beside(found.left.not_modelled),
            not_applicable: beside(found.left.not_applicable),
            other_currency: found.left.other_currency,
            unrated: unrated.into_iter().map(|(reason, told)| (reason, beside(told))).collect(),
            outside_freight: found.outside.to_string(),
            rule: rule(),
        }
    }
}

/// A share as a percentage with two decimals.
fn percent(share: Decimal) -> String {
    words::fixed(share.saturating_mul(Decimal::ONE_HUNDRED), 2).replace(',', "")
}

#[cfg(test)]
mod tests;
