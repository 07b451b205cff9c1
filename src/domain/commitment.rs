//! What the two sides promised each other: volume and capacity (DOMAIN §3.1, §3.10).

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::exact::Ratio;
use super::field::{FieldErrors, codes, require};
use super::money::{Bps, Micros};
use super::period::{Period, PeriodKind};

codes! {
    /// Who promised.
    CommitmentSide, "commitment side" {
        /// The shipper tenders at least this much.
        Shipper = "SHIPPER", "the shipper tenders at least";
        /// The carrier gets at least this share.
        CarrierShare = "CARRIER_SHARE", "the carrier gets a share of at least";
    }
}

codes! {
    /// What a commitment or tier counts.
    VolumeMeasure, "volume measure" {
        /// Loads.
        Loads = "LOADS", "loads";
        /// Weight, in the tariff's unit.
        Weight = "WEIGHT", "weight";
        /// Spend net of discounts, before penalties and tax.
        Spend = "SPEND", "spend";
    }
}

/// A minimum volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeCommitment {
    /// Who promised.
    pub side: CommitmentSide,
    /// What counts.
    pub measure: VolumeMeasure,
    /// Over which period.
    pub period: PeriodKind,
    /// How much a full period; percentage points for a share.
    pub quantity: Micros,
    /// How far below is still fine.
    pub tolerance: Bps,
    /// Owed for each unit short.
    pub shortfall_rate: Micros,
    /// Loads the carrier rejected count as tendered.
    #[serde(default = "yes")]
    pub rejections_count: bool,
    /// Force majeure takes its days out of the commitment.
    #[serde(default = "yes")]
    pub force_majeure_reduces: bool,
}

const fn yes() -> bool {
    true
}

/// Extra capacity that can be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityCommitment {
    /// Lane code; every lane when none is given.
    #[serde(default)]
    pub lane: Option<String>,
    /// Units a week without asking.
    pub base_units: u32,
    /// How far above base the carrier must follow.
    pub surge: Bps,
    /// Business days of notice for a surge.
    pub surge_notice_days: u16,
    /// Premium on linehaul for units above base.
    pub surge_premium: Bps,
    /// First day it no longer holds.
    #[serde(default)]
    pub expires: Option<NaiveDate>,
    /// Share of unused reserved capacity that is paid all the same.
    #[serde(default)]
    pub forfeiture: Bps,
}

impl VolumeCommitment {
    /// Whether both promise the same volume, so that a shortfall would be owed twice.
    #[must_use]
    pub fn promises_with(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.side, one.measure, one.period);
        of(self) == of(other)
    }

    /// Problems of the commitment, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let most = match self.side {
            CommitmentSide::Shipper => super::quantity::QUANTITY_MAX,
            CommitmentSide::CarrierShare => Micros(100_000_000),
        };
        let fine = Micros::ZERO < self.quantity && self.quantity <= most;
        require(e, fine, "quantity", "must be above 0, and a share at most 100 %");
        let fine = Bps(0) <= self.tolerance && self.tolerance <= Bps::WHOLE;
        require(e, fine, "tolerance", "a tolerance is between 0 and 100 %");
        require(e, self.shortfall_rate >= Micros::ZERO, "shortfall_rate", "cannot be negative");
        errors
    }

    /// The quantity of a period of which the contract was in force from `from` to before `to`: by calendar
    /// days, half up to whole units.
    #[must_use]
    pub fn prorated(&self, period: Period, from: NaiveDate, to: Option<NaiveDate>) -> Micros {
        let start = period.start().max(from);
        let end = to.map_or(period.end(), |to| to.min(period.end()));
        self.of_days((end - start).num_days(), (period.end() - period.start()).num_days())
    }

    /// The quantity of `held` of the `whole` calendar days of a period, half up to whole units.
    #[must_use]
    pub fn of_days(&self, held: i64, whole: i64) -> Micros {
        let whole = whole.max(1);
        let held = held.clamp(0, whole);
        if held == whole {
            return self.quantity;
        }
        let part = self.quantity.decimal() * Decimal::from(held) / Decimal::from(whole);
        let rounded = part.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Micros::from_decimal(rounded).unwrap_or(self.quantity)
    }

    /// The commitment less its tolerance, rounded up to whole units: what must be there.
    #[must_use]
    pub fn least(&self, committed: Micros) -> Micros {
        let keep = i128::from(Bps::WHOLE.0 - self.tolerance.0);
        Ratio::from(committed)
            .times(keep, 10_000)
            .and_then(|floor| floor.round(super::exact::RoundMode::Up, 1_000_000))
            .unwrap_or(committed)
    }

    /// Whole units short: the commitment less its tolerance, rounded up, less what counts (DOMAIN P4).
    #[must_use]
    pub fn shortfall(&self, committed: Micros, counted: Micros) -> Micros {
        (self.least(committed) - counted).max(Micros::ZERO)
    }
}

impl CapacityCommitment {
    /// Problems of the commitment, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        require(e, self.base_units > 0, "base_units", "give the units a week, at least 1");
        for (field, share) in
            [("surge", self.surge), ("surge_premium", self.surge_premium), ("forfeiture", self.forfeiture)]
        {
            let fine = Bps(0) <= share && share.0 <= 100_000;
            require(e, fine, field, "must be between 0 and 1,000 %");
        }
        require(e, self.surge_notice_days <= 60, "surge_notice_days", "notice is at most 60 business days");
        errors
    }

    /// Most units a week the carrier must follow, whole units.
    #[must_use]
    pub fn surge_units(&self) -> u32 {
        let extra = i64::from(self.base_units).saturating_mul(self.surge.0) / Bps::WHOLE.0;
        self.base_units.saturating_add(u32::try_from(extra).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(quantity: i64) -> VolumeCommitment {
        VolumeCommitment {
            side: CommitmentSide::Shipper,
            measure: VolumeMeasure::Loads,
            period: PeriodKind::Year,
            quantity: Micros(quantity * 1_000_000),
            tolerance: Bps(500),
            shortfall_rate: Micros(85_000_000),
            rejections_count: true,
            force_majeure_reduces: true,
        }
    }

    /// DOMAIN P4: 1,000 loads, 5 % tolerance, 912 moved and 20 rejected by the carrier.
    #[test]
    fn loads_short_of_the_commitment() {
        let commitment = loads(1_000);
        let short = commitment.shortfall(commitment.quantity, Micros(932_000_000));
        assert_eq!(short, Micros(18_000_000));
        assert_eq!(commitment.shortfall(commitment.quantity, Micros(950_000_000)), Micros::ZERO);
    }

    #[test]
    fn a_part_of_a_period_owes_its_part() {
        let period: Period = "2025".parse().unwrap();
        let from = "2025-07-01".parse().unwrap();
        assert_eq!(loads(1_000).prorated(period, from, None), Micros(504_000_000), "184 of 365 days");
        assert_eq!(loads(1_000).prorated(period, period.start(), None), Micros(1_000_000_000));
    }

    #[test]
    fn a_surge_is_a_band_above_base() {
        let capacity = CapacityCommitment {
            lane: None,
            base_units: 40,
            surge: Bps(2_500),
            surge_notice_days: 3,
            surge_premium: Bps(1_000),
            expires: None,
            forfeiture: Bps(0),
        };
        assert_eq!(capacity.validate(), []);
        assert_eq!(capacity.surge_units(), 50);
        assert_eq!(loads(0).validate()[0].0, "quantity");
    }
}
