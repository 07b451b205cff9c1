//! Volume that was promised and did not come: the shipper owes for loads it did not bring, or the carrier for loads it
//! did not carry (DOMAIN §4.2, P4).

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Sign;
use super::in_force::PartOfPeriod;
use super::price::Priced;
use super::validate::{AMOUNT, good_amount};
use crate::domain::commitment::{CommitmentSide, VolumeCommitment, VolumeMeasure};
use crate::domain::currency::Currency;
use crate::domain::field::{FieldErrors, require};
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;

/// Where the promise stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum VolumePromise {
    /// Among the volume commitments of the version, with its own rate; the shipper promised it.
    #[serde(rename = "OF_CONTRACT")]
    OfContract(NamedVolume),
    /// In the clause itself.
    #[serde(rename = "OWN")]
    Own(OwnVolume),
}

/// A volume commitment of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedVolume {
    /// Its number among them, counted from 1.
    pub number: u32,
    /// The period it counts in; the same as there.
    pub period: PeriodKind,
}

/// A promise that stands in the clause: of the shipper or, with the sign of a service credit, of the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnVolume {
    /// Loads or spend.
    pub measure: VolumeMeasure,
    /// Over which period.
    pub period: PeriodKind,
    /// How much in a full period.
    pub quantity: Micros,
    /// How far below is still fine.
    #[serde(default)]
    pub tolerance: Bps,
    /// Owed for each unit short.
    pub rate: Micros,
    /// Loads the carrier turned down count as brought.
    pub rejections_count: bool,
    /// Force majeure takes its days out of the promise.
    pub force_majeure_reduces: bool,
}

impl VolumePromise {
    /// The period it counts in.
    #[must_use]
    pub fn period(&self) -> PeriodKind {
        match self {
            Self::OfContract(named) => named.period,
            Self::Own(own) => own.period,
        }
    }

    /// The promise as a commitment; `of_contract` is the one of the version, where it stands there.
    fn commitment(&self, of_contract: Option<&VolumeCommitment>) -> Option<VolumeCommitment> {
        match self {
            Self::OfContract(_) => of_contract.cloned(),
            Self::Own(own) => Some(VolumeCommitment {
                side: CommitmentSide::Shipper,
                measure: own.measure,
                period: own.period,
                quantity: own.quantity,
                tolerance: own.tolerance,
                shortfall_rate: own.rate,
                rejections_count: own.rejections_count,
                force_majeure_reduces: own.force_majeure_reduces,
            }),
        }
    }

    pub(super) fn validate(&self, sign: Sign, e: &mut FieldErrors) {
        let shipper = sign == Sign::ShipperLiability;
        match self {
            Self::OfContract(named) => {
                require(
                    e,
                    shipper,
                    "sign",
                    "the volume commitments of a contract are the shipper's; choose the volume shortfall",
                );
                require(e, named.number >= 1, "number", "say which volume commitment, counted from 1");
            }
            Self::Own(own) => {
                let fine = shipper || sign == Sign::Penalty;
                require(
                    e,
                    fine,
                    "sign",
                    "a shortfall is owed by the shipper (volume shortfall) or by the carrier (service credit)",
                );
                let fine = own.measure != VolumeMeasure::Weight;
                require(e, fine, "measure", "choose loads or spend; weight is not added up here");
                require(e, good_amount(own.quantity), "quantity", "must be above 0");
                require(e, good_amount(own.rate), "rate", AMOUNT);
                let fine = Bps(0) <= own.tolerance && own.tolerance < Bps::WHOLE;
                require(e, fine, "tolerance", "must be 0 % or more and below 100 %");
            }
        }
    }

    pub(super) fn explain(&self, sign: Sign) -> Vec<String> {
        let each = self.period().label();
        let own = match self {
            Self::OfContract(named) => {
                return vec![format!(
                    "What the shipper owes for each {each} in which it brings less than volume commitment {} of the \
                     contract, at the rate and tolerance that stand there.",
                    named.number
                )];
            }
            Self::Own(own) => own,
        };
        let (quantity, unit) = (words::quantity(own.quantity), own.measure.label());
        let mut lines = vec![if sign == Sign::Penalty {
            format!(
                "A service credit for each {each} in which the carrier carries fewer than {quantity} {unit}, as far as they were offered."
            )
        } else {
            format!("What the shipper owes for each {each} in which it brings fewer than {quantity} {unit}.")
        }];
        if own.tolerance > Bps(0) {
            lines.push(format!("Up to {} below is fine.", words::percent(own.tolerance)));
        }
        lines.push(format!("{} for each of the {unit} short beyond that.", words::amount(own.rate)));
        if own.rejections_count && sign == Sign::ShipperLiability {
            lines.push("Loads the carrier turned down count as brought.".to_owned());
        }
        if own.force_majeure_reduces {
            lines.push("Days of force majeure make the promise smaller.".to_owned());
        }
        lines.push(format!("While a {each} runs, the promise counts by the days that have passed."));
        lines
    }
}

/// What was brought and carried in one period, as known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeFacts {
    /// The period.
    pub period: Period,
    /// The instant it ends in the reporting zone.
    pub closes_at: DateTime<Utc>,
    /// The commitment of the version that the clause names; none where its promise is its own.
    pub promised: Option<VolumeCommitment>,
    /// The first day whose facts are not there yet.
    pub known_until: NaiveDate,
    /// Loads or spend that moved, on the days in force.
    pub moved: Micros,
    /// Loads the carrier turned down.
    pub turned_down: Micros,
    /// Days of force majeure among those that count.
    pub lost_days: i64,
    /// Currency of the rate, and of spend.
    pub currency: Currency,
}

/// Prices one period; none when the version has no such commitment. A period of which nothing is known at all owes
/// nothing: nothing is taken as zero because it is missing.
pub(super) fn price(
    promise: &VolumePromise,
    sign: Sign,
    facts: &VolumeFacts,
    part: PartOfPeriod,
    minor_digits: u32,
) -> Result<Option<Priced>, OutOfRange> {
    let Some(promised) = promise.commitment(facts.promised.as_ref()) else { return Ok(None) };
    if facts.moved <= Micros::ZERO && facts.turned_down <= Micros::ZERO {
        let period = facts.period.title();
        let step = format!("Nothing is known of {period}, no shipment and no tender: nothing is reckoned.");
        return Ok(Some(Priced::nothing(vec![step])));
    }
    let unit = promised.measure.label();
    let lost = if promised.force_majeure_reduces { facts.lost_days.max(0) } else { 0 };
    let committed = promised.of_days(part.held_days().saturating_sub(lost), part.all_days());
    let mut steps = vec![format!("{} {unit} promised.", words::quantity(promised.quantity))];
    if committed != promised.quantity {
        let mut why = part.words().map(|days| format!(" on {days}")).unwrap_or_default();
        if lost > 0 {
            why.push_str(&format!(", {} of force majeure taken out", words::count(lost, "day")));
        }
        steps.push(format!("{} of them count{why}.", words::quantity(committed)));
    }
    let mut counted = facts.moved;
    let mut due = promised.least(committed);
    if promised.tolerance > Bps(0) {
        let tolerance = words::percent(promised.tolerance);
        steps.push(format!("Less a tolerance of {tolerance}: {}.", words::quantity(due)));
    }
    let (moved, turned_down) = (words::quantity(facts.moved), words::quantity(facts.turned_down));
    let counts_loads = promised.measure == VolumeMeasure::Loads;
    if sign == Sign::Penalty {
        // Nobody carries what was not offered.
        due = if counts_loads { due.min(facts.moved + facts.turned_down) } else { due };
        steps.push(format!("{moved} {unit} carried, {turned_down} turned down."));
    } else if promised.rejections_count && counts_loads {
        counted = counted + facts.turned_down;
        let sum = words::quantity(counted);
        steps.push(format!("{moved} {unit} moved, {turned_down} that the carrier turned down count: {sum}."));
    } else {
        steps.push(format!("{moved} {unit} moved."));
    }
    let short = (due - counted).max(Micros::ZERO);
    if short == Micros::ZERO {
        steps.push("Nothing is short: nothing is owed.".to_owned());
        return Ok(Some(Priced::nothing(steps)));
    }
    let amount: Decimal =
        short.decimal().checked_mul(promised.shortfall_rate.decimal()).unwrap_or(Decimal::MAX);
    let uncapped = Micros::charge(amount, minor_digits)?;
    steps.push(format!(
        "{} short × {} = {}.",
        words::quantity(short),
        words::amount(promised.shortfall_rate),
        words::amount(uncapped)
    ));
    Ok(Some(Priced { uncapped, within_event: uncapped, steps }))
}
