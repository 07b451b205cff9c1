//! A rebate by volume, accrued over the year at the rate the expected volume earns (DOMAIN §3.10, §4.5, P10).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::price::Priced;
use super::validate::{AMOUNT, good_amount};
use super::{ClauseError, ObligationKey, Sign};
use crate::domain::commitment::VolumeMeasure;
use crate::domain::currency::Currency;
use crate::domain::exact::minor_unit;
use crate::domain::field::{FieldErrors, require};
use crate::domain::money::{Micros, OutOfRange};
use crate::domain::period::Period;
use crate::domain::tier::{TierProgramme, TierWindow};
use crate::domain::words;

/// A rebate of a tier programme of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebate {
    /// The programme's number among those of the version, counted from 1.
    pub number: u32,
    /// Spend expected in a calendar year; says at which rate the rebate is accrued until the year is over.
    pub expected_spend: Micros,
}

impl Rebate {
    pub(super) fn validate(&self, sign: Sign, e: &mut FieldErrors) {
        require(
            e,
            sign == Sign::Rebate,
            "sign",
            "a rebate by volume is owed by the carrier; choose the rebate",
        );
        require(e, self.number >= 1, "number", "say which tier programme, counted from 1");
        require(e, good_amount(self.expected_spend), "expected_spend", AMOUNT);
    }

    pub(super) fn explain(&self) -> Vec<String> {
        vec![
            format!(
                "A rebate on the calendar year's spend, by tier programme {} of the contract.",
                self.number
            ),
            format!(
                "Until the year is over it is accrued at the rate that a spend of {} earns, or the spend so far if that is more.",
                words::amount(self.expected_spend)
            ),
        ]
    }
}

/// The spend of one year, as known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebateFacts {
    /// The year.
    pub period: Period,
    /// The instant it ends in the reporting zone.
    pub closes_at: DateTime<Utc>,
    /// The programme of the version that the clause names, if there is one.
    pub programme: Option<TierProgramme>,
    /// Spend so far on the days the version held.
    pub spend: Micros,
    /// Spend so far on all days of the contract; decides the band.
    pub measured: Micros,
    /// Whether the year is over.
    pub is_over: bool,
    /// Currency of the amounts.
    pub currency: Currency,
}

/// Why a programme cannot be accrued; none when it can.
#[must_use]
pub fn problem(programme: &TierProgramme) -> Option<&'static str> {
    if programme.measure != VolumeMeasure::Spend {
        return Some("it is not measured by spend");
    }
    if programme.window != TierWindow::CalendarYear {
        return Some("it is not measured over the calendar year");
    }
    programme.method.is_none().then_some("it does not say how bands add up")
}

/// Prices one year.
pub(super) fn price(
    rule: &Rebate,
    key: ObligationKey,
    facts: &RebateFacts,
    minor_digits: u32,
) -> Result<Priced, ClauseError> {
    let too_large = |source: OutOfRange| ClauseError::TooLarge { key, source };
    let Some(programme) = &facts.programme else {
        return Err(ClauseError::NotThere { key, what: "tier programme", number: rule.number });
    };
    if let Some(why) = problem(programme) {
        return Err(ClauseError::NoRebate { key, why });
    }
    let (spend, measured) = (facts.spend.max(Micros::ZERO), facts.measured.max(Micros::ZERO));
    let basis = if facts.is_over { measured } else { measured.max(rule.expected_spend) };
    let rebate = programme
        .rebate(basis, basis, minor_unit(minor_digits))
        .ok_or(ClauseError::NoRebate { key, why: "its amounts are too large" })?;
    let of = words::amount(basis);
    let mut steps = vec![format!("{}: {}.", programme.label, programme.text())];
    steps.push(if facts.is_over {
        format!("{of} spent in {} earn {}.", facts.period.title(), words::amount(rebate))
    } else {
        format!("{of} expected in {} earn {}.", facts.period.title(), words::amount(rebate))
    });
    if basis == Micros::ZERO {
        return Ok(Priced::nothing(steps));
    }
    // Multiplied first: the rate is a division that may go on for ever.
    let part = spend.decimal() * rebate.decimal() / basis.decimal();
    let uncapped = Micros::charge(part, minor_digits).map_err(too_large)?;
    if spend != basis {
        let rate = rebate.decimal() * Decimal::ONE_HUNDRED / basis.decimal();
        steps.push(format!(
            "That is {} % of {} spent so far: {}.",
            words::fixed(rate, 6),
            words::amount(spend),
            words::amount(uncapped)
        ));
    }
    Ok(Priced { uncapped, within_event: uncapped, steps })
}
