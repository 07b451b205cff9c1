//! Service-credit and bonus clauses: their terms, what they come to, and what to post (DOMAIN §4.2, §4.3).
//!
//! A clause never posts an amount; it states a **target** from the facts as known now ([`CapGroup`]).
//! What is posted is the difference to what stands in the ledger ([`deltas`]), so a second run posts
//! nothing. Reading order: terms here, [`evaluate`](CapGroup::evaluate) with its caps, then [`deltas`].

mod agreed;
mod baseline;
mod caps;
mod delta;
mod earn_back;
mod exclusions;
mod explain;
mod grounds;
mod in_force;
mod key;
mod pickup;
mod price;
mod rebate;
mod replaced;
mod scope;
mod validate;
mod vary;
mod volume;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::field::codes;
use super::kpi::Kpi;
use super::money::{Bps, Micros, OutOfRange};
use super::period::{Period, PeriodKind};

pub use super::signal::Better;

pub use agreed::{Handling, IncidentRule, SettlementForm};
pub use baseline::{Baseline, BaselineFacts};
pub use caps::{CapGroup, CapLevel, ClauseCase, Cut, SpecialFacts, Target};
pub use delta::{Delta, Posted, Reason, deltas};
pub use earn_back::{EarnBack, EarnBackFacts, PERIODS_MAX as EARN_BACK_PERIODS_MAX};
pub use exclusions::{Exclusions, Excuse, Excused, is_turned_down};
pub use grounds::{Grounds, RATIONALE_CHARS_MAX, TaxTreatment};
pub use in_force::InForce;
pub use key::{BadKey, FREIGHT_CLAUSE, Obligation, ObligationKey};
pub use pickup::{MissedPickup, PickupMiss};
pub use price::{LateEvent, PeriodFacts, closes_at};
pub use rebate::{Rebate, RebateFacts, problem as rebate_problem};
pub use replaced::{PricedLoad, TurnedDown, carriage};
pub use scope::{ClauseScope, NamesSeen, SCOPE_NAMES_MAX};
pub use vary::Variant;
pub use volume::{NamedVolume, OwnVolume, VolumeFacts, VolumePromise};

/// Units a period needs before its clause applies, unless the clause says otherwise.
pub const MIN_VOLUME_DEFAULT: i64 = 20;
/// Longest tier table.
pub const TIERS_MAX: usize = 20;

codes! {
    /// Who owes the amount.
    Sign, "clause sign" {
        /// The carrier owes the shipper.
        Penalty = "PENALTY", "Service credit";
        /// The shipper owes the carrier.
        Bonus = "BONUS", "Bonus";
        /// The shipper owes the carrier for volume it did not bring.
        ShipperLiability = "SHIPPER_LIABILITY", "Volume shortfall";
        /// The shipper gives a settled service credit back.
        EarnBack = "EARN_BACK", "Earn-back";
        /// The carrier owes the shipper a part of the spend back, by volume.
        Rebate = "REBATE", "Rebate";
    }
}

impl Sign {
    /// Whether the carrier owes it: a service credit or a rebate. All else the shipper owes.
    #[must_use]
    pub const fn owed_by_carrier(self) -> bool {
        matches!(self, Self::Penalty | Self::Rebate)
    }

    /// Whether the limit over all clauses counts it: it is about service. A rebate and promised volume are a part of the
    /// price, and what is earned back is bounded by the credit it gives back.
    #[must_use]
    pub const fn is_limited(self) -> bool {
        matches!(self, Self::Penalty | Self::Bonus)
    }

    /// In the middle of a sentence: `service credit`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Penalty => "service credit",
            Self::Bonus => "bonus",
            Self::ShipperLiability => "volume shortfall",
            Self::EarnBack => "earn-back",
            Self::Rebate => "rebate",
        }
    }
}

codes! {
    /// How numerator ÷ denominator is written.
    Scale, "scale" {
        /// Times a hundred; thresholds and points are percentage points.
        Percent = "PERCENT", "percent";
        /// As it is; thresholds and points are in the KPI's own unit.
        Plain = "PLAIN", "plain number";
    }
}

/// The terms of one clause; stored as JSON beside its id, name and validity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseTerms {
    /// Who owes the amount.
    pub sign: Sign,
    /// What it is owed for.
    pub rule: Rule,
    /// Most this clause comes to in one period of its own kind; an amount shrinks with the days the
    /// version is in force.
    #[serde(default)]
    pub period_cap: Cap,
    /// The part of the work it is about; all of the contract's when nothing is named.
    #[serde(default, skip_serializing_if = "ClauseScope::is_everything")]
    pub scope: ClauseScope,
    /// Whether it counts beside other clauses that the same shipment fails.
    #[serde(default, skip_serializing_if = "IncidentRule::is_all")]
    pub incidents: IncidentRule,
    /// How what is owed is settled, and how long it may be disputed.
    #[serde(default, skip_serializing_if = "Handling::is_unsaid")]
    pub handling: Handling,
    /// What excuses a miss under it.
    #[serde(default, skip_serializing_if = "Exclusions::is_unsaid")]
    pub exclusions: Exclusions,
    /// Why the amount is fair, whether more may be claimed, and what it is for tax.
    #[serde(default, skip_serializing_if = "Grounds::is_unsaid")]
    pub grounds: Grounds,
}

/// What a clause measures and how it is priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Rule {
    /// Each late shipment.
    #[serde(rename = "LATE_DELIVERY")]
    LateDelivery(LateDelivery),
    /// Each shipment that was not picked up in time.
    #[serde(rename = "MISSED_PICKUP")]
    MissedPickup(MissedPickup),
    /// A KPI over a period, against a threshold.
    #[serde(rename = "PERIOD_THRESHOLD")]
    PeriodThreshold(PeriodThreshold),
    /// Volume that was promised and did not come.
    #[serde(rename = "VOLUME_SHORTFALL")]
    VolumeShortfall(VolumePromise),
    /// A settled service credit given back after good periods.
    #[serde(rename = "EARN_BACK")]
    EarnBack(EarnBack),
    /// A rebate by volume, accrued over the year.
    #[serde(rename = "REBATE")]
    Rebate(Rebate),
}

impl Rule {
    /// The kind as stored beside the terms.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LateDelivery(_) => "LATE_DELIVERY",
            Self::MissedPickup(_) => "MISSED_PICKUP",
            Self::PeriodThreshold(_) => "PERIOD_THRESHOLD",
            Self::VolumeShortfall(_) => "VOLUME_SHORTFALL",
            Self::EarnBack(_) => "EARN_BACK",
            Self::Rebate(_) => "REBATE",
        }
    }

    /// Code of the KPI it looks at; none for a rule about shipments, volume or spend.
    #[must_use]
    pub fn kpi(&self) -> Option<&str> {
        match self {
            Self::PeriodThreshold(rule) => Some(&rule.kpi),
            Self::EarnBack(rule) => Some(&rule.kpi),
            Self::LateDelivery(_) | Self::MissedPickup(_) | Self::VolumeShortfall(_) | Self::Rebate(_) => {
                None
            }
        }
    }

    /// Whether it prices shipments one by one, so that it can be the highest of several for one of them.
    #[must_use]
    pub const fn is_per_shipment(&self) -> bool {
        matches!(self, Self::LateDelivery(_) | Self::MissedPickup(_))
    }
}

/// A price for each late business day of one shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateDelivery {
    /// The price of one late day.
    pub per_day: PerDay,
    /// Late business days that cost nothing; days beyond them count.
    #[serde(default)]
    pub grace_days: u32,
    /// Most for one shipment, as a share of its linehaul.
    #[serde(default)]
    pub event_cap_share: Option<Bps>,
    /// Most for one shipment, as an amount; the lower of both caps holds.
    #[serde(default)]
    pub event_cap_amount: Option<Micros>,
    /// The period the clause's cap counts in.
    #[serde(default = "month")]
    pub period: PeriodKind,
}

/// The price of one late business day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum PerDay {
    /// An amount.
    #[serde(rename = "FIXED")]
    Fixed {
        /// In the contract's currency.
        amount: Micros,
    },
    /// A share of the shipment's linehaul.
    #[serde(rename = "PCT_OF_LINEHAUL")]
    PctOfLinehaul {
        /// Share per day.
        share: Bps,
    },
    /// A share of all that is charged for the shipment without tax: linehaul, fuel and accessorials.
    #[serde(rename = "PCT_OF_FREIGHT")]
    PctOfFreight {
        /// Share per day.
        share: Bps,
    },
}

/// A price when a KPI of a period falls short of (service credit) or reaches (bonus) its threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodThreshold {
    /// Code of the KPI.
    pub kpi: String,
    /// Which direction of the KPI is good.
    pub better: Better,
    /// How the KPI is written: 95 for ninety-five percent with [`Scale::Percent`].
    pub scale: Scale,
    /// The value to reach, in that scale.
    pub threshold: Decimal,
    /// Points around the threshold within which nothing is owed.
    #[serde(default)]
    pub dead_band: Decimal,
    /// Decimals the value is rounded to, half up, before it is compared; unrounded when none (DOMAIN §0.2).
    #[serde(default)]
    pub measurement_decimals: Option<u32>,
    /// Units the period needs, or the clause does not apply.
    #[serde(default = "min_volume")]
    pub min_volume: i64,
    /// Week, month or quarter.
    pub period: PeriodKind,
    /// The price.
    pub amount: PeriodAmount,
}

impl PeriodThreshold {
    /// Whether it prices each load turned down by what its replacement cost.
    #[must_use]
    pub const fn is_cost_difference(&self) -> bool {
        matches!(self.amount, PeriodAmount::CostDifference { .. })
    }

    /// The time whose cost per unit stands in place of the threshold.
    #[must_use]
    pub const fn baseline(&self) -> Option<Baseline> {
        match self.amount {
            PeriodAmount::ShareOfSavings { baseline, .. } => baseline,
            _ => None,
        }
    }

    /// The KPI as people read it; the bare code of one that is not in the catalogue.
    #[must_use]
    pub fn kpi_words(&self) -> String {
        self.kpi.parse().map_or_else(|_| self.kpi.clone(), Kpi::name_with_code)
    }
}

/// The price of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum PeriodAmount {
    /// An amount.
    #[serde(rename = "FIXED")]
    Fixed {
        /// In the contract's currency, for a whole period.
        amount: Micros,
    },
    /// A share of the period's spend.
    #[serde(rename = "PCT_OF_SPEND")]
    PctOfSpend {
        /// The share.
        share: Bps,
    },
    /// An amount for each unit that was missed beyond those the threshold lets pass: with 90 % of tenders to be accepted,
    /// each one turned down beyond a tenth of those offered, rounded down (DOMAIN §4.2: tender rejection, missed pickup,
    /// surge default, data quality, late documents).
    #[serde(rename = "PER_UNIT")]
    PerUnit {
        /// In the contract's currency.
        amount: Micros,
    },
    /// The KPI's part of what is at risk: spend × share at risk × allocation to the category × allocation to the KPI
    /// (DOMAIN §4.2, at-risk pool).
    #[serde(rename = "POOL")]
    Pool {
        /// Share of the period's spend that is at risk.
        at_risk: Bps,
        /// Share of that for the category.
        category: Bps,
        /// Share of that for this KPI.
        kpi: Bps,
    },
    /// A share of what was saved against the threshold, which is a cost per unit: (threshold − value) × units
    /// (DOMAIN §4.2, gain share). As a service credit, a share of what was spent beyond it.
    #[serde(rename = "SHARE_OF_SAVINGS")]
    ShareOfSavings {
        /// The share.
        of_savings: Bps,
        /// The time whose cost per unit is the baseline; the threshold is it where none is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        baseline: Option<Baseline>,
    },
    /// A share of what the loads turned down beyond those the threshold lets pass cost above the contract's price when others
    /// carried them (DOMAIN §4.2, spot-cost difference of tender rejection and surge default).
    #[serde(rename = "COST_DIFFERENCE")]
    CostDifference {
        /// The share.
        of_difference: Bps,
        /// Most for one load.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<Micros>,
    },
    /// A share of the period's spend that depends on the points between value and threshold.
    #[serde(rename = "TIER_TABLE")]
    TierTable {
        /// From few points to many; the last row is open.
        tiers: Vec<Tier>,
    },
}

/// One row of a tier table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Holds up to and including so many points; open in the last row.
    pub up_to_points: Option<Decimal>,
    /// Share of the period's spend.
    pub share: Bps,
}

/// An upper limit for a period: an amount, a share of the period's freight, or the lower of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// As an amount.
    #[serde(default)]
    pub amount: Option<Micros>,
    /// As a share of the contract's freight in the period.
    #[serde(default)]
    pub share_of_freight: Option<Bps>,
}

impl Cap {
    /// Whether it sets no limit.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.amount.is_none() && self.share_of_freight.is_none()
    }
}

/// The limit over all clauses of a contract. Credits and bonuses have one each: what the shipper owes
/// never makes room for more credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractCap {
    /// The period the limit counts in.
    pub period: PeriodKind,
    /// The limit.
    #[serde(default)]
    pub cap: Cap,
    /// The limit of a calendar year, after all others (DOMAIN §4.3).
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub annual: Cap,
}

impl ContractCap {
    /// The kinds of period it counts in.
    pub fn kinds(self) -> impl Iterator<Item = PeriodKind> {
        std::iter::once(self.period).chain((!self.annual.is_none()).then_some(PeriodKind::Year))
    }
}

impl Default for ContractCap {
    fn default() -> Self {
        Self { period: PeriodKind::Month, cap: Cap::default(), annual: Cap::default() }
    }
}

/// Why a clause cannot be read or evaluated. Nothing of its contract is posted then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// Stored terms are not what this program writes.
    #[error("the clause terms cannot be read: {0}; open the clause, correct it and save it again")]
    Unreadable(String),
    /// The terms contradict themselves.
    #[error("contract version {contract_version_id}, clause {clause_id}, {field}: {message}")]
    Invalid {
        /// Contract version.
        contract_version_id: i64,
        /// Clause.
        clause_id: i64,
        /// Field of the terms.
        field: String,
        /// What to do about it.
        message: String,
    },
    /// An amount in another currency than the contract's; nothing is converted silently (DOMAIN §0.1).
    #[error(
        "{key} ({what}) has an amount in {got}, the contract is in {want}; convert it at a dated rate first"
    )]
    OtherCurrency {
        /// The obligation.
        key: ObligationKey,
        /// Shipment reference or period.
        what: String,
        /// Its currency.
        got: Currency,
        /// The contract's currency.
        want: Currency,
    },
    /// A period of another kind than the clause measures.
    #[error("{key}: the clause does not measure periods like {period}; pass facts of its own period kind")]
    OtherPeriod {
        /// The obligation.
        key: ObligationKey,
        /// The period of the facts.
        period: Period,
    },
    /// Facts of a kind the clause does not price: shipments for a period clause or the reverse.
    #[error("{key}: the clause does not price facts of this kind; check which clause they were gathered for")]
    OtherKind {
        /// The obligation.
        key: ObligationKey,
    },
    /// The same obligation came twice.
    #[error("{key} was given twice; each shipment or period may count once per clause")]
    Twice {
        /// The obligation.
        key: ObligationKey,
    },
    /// A cap is a share of freight, but the freight is not known.
    #[error(
        "{key}: its cap is a share of the freight of {period}, which is not known; load the charges or set an amount"
    )]
    NoFreight {
        /// The obligation.
        key: ObligationKey,
        /// The period.
        period: Period,
    },
    /// A rebate whose programme does not say how bands add up, or is not measured by spend and calendar year.
    #[error(
        "{key}: the tier programme it names cannot be accrued: {why}; correct the programme and save it again"
    )]
    NoRebate {
        /// The obligation.
        key: ObligationKey,
        /// What is missing.
        why: &'static str,
    },
    /// A clause names a commitment or programme that the version does not have.
    #[error("{key}: {what} {number} is not among the terms of the version; name one that is")]
    NotThere {
        /// The obligation.
        key: ObligationKey,
        /// `volume commitment` or `tier programme`.
        what: &'static str,
        /// Its number, counted from 1.
        number: u32,
    },
    /// An amount beyond what can be stored.
    #[error("{key}: {source}")]
    TooLarge {
        /// The obligation.
        key: ObligationKey,
        /// The limit that was passed.
        source: OutOfRange,
    },
}

impl ClauseTerms {
    /// Reads stored terms.
    ///
    /// # Errors
    /// [`ClauseError::Unreadable`] with the place in the text.
    pub fn from_json(text: &str) -> Result<Self, ClauseError> {
        serde_json::from_str(text).map_err(|e| ClauseError::Unreadable(e.to_string()))
    }

    /// The terms as stored; equal terms give equal text.
    ///
    /// # Errors
    /// [`ClauseError::Unreadable`] when the terms cannot be written, which no value is known to do.
    pub fn to_json(&self) -> Result<String, ClauseError> {
        serde_json::to_string(self).map_err(|e| ClauseError::Unreadable(e.to_string()))
    }

    /// The kind of period the clause measures or caps in.
    #[must_use]
    pub fn period_kind(&self) -> PeriodKind {
        match &self.rule {
            Rule::LateDelivery(rule) => rule.period,
            Rule::MissedPickup(rule) => rule.period,
            Rule::PeriodThreshold(rule) => rule.period,
            Rule::VolumeShortfall(promise) => promise.period(),
            Rule::EarnBack(rule) => rule.period,
            Rule::Rebate(_) => PeriodKind::Year,
        }
    }

    /// Terms with neither scope nor anything said about how they are settled.
    #[must_use]
    pub fn of(sign: Sign, rule: Rule, period_cap: Cap) -> Self {
        Self {
            sign,
            rule,
            period_cap,
            scope: ClauseScope::default(),
            incidents: IncidentRule::default(),
            handling: Handling::default(),
            exclusions: Exclusions::default(),
            grounds: Grounds::default(),
        }
    }

    /// Whether it judges facts otherwise than the house does.
    #[must_use]
    pub fn judges_anew(&self) -> bool {
        !self.exclusions.is_unsaid()
    }
}

fn month() -> PeriodKind {
    PeriodKind::Month
}

fn min_volume() -> i64 {
    MIN_VOLUME_DEFAULT
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
