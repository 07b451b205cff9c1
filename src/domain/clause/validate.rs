//! Checks the terms of a clause, field by field.

use rust_decimal::Decimal;

use super::exclusions::NOT_CURED;
use super::{
    Cap, ClauseTerms, ContractCap, IncidentRule, LateDelivery, PerDay, PeriodAmount, PeriodThreshold, Rule,
    Scale, Sign, TIERS_MAX, Tier, VolumePromise,
};
use crate::domain::field::{FieldErrors, require};
use crate::domain::kpi::Kpi;
use crate::domain::money::{Bps, Micros};
use crate::domain::period::PeriodKind;
use crate::domain::signal::Better;

/// Highest amount of a clause: one billion units.
const AMOUNT_MAX: Micros = Micros(1_000_000_000_000_000);
/// Highest threshold and dead band, in points.
const POINTS_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Most decimals a value may be rounded to before comparison.
const MEASUREMENT_DECIMALS_MAX: u32 = 6;
/// Longest grace of a late delivery.
const GRACE_DAYS_MAX: u32 = 60;

pub(super) const SHARE: &str = "must be more than 0 % and at most 100 %";
pub(super) const AMOUNT: &str = "must be more than 0 and at most 1,000,000,000";

impl ClauseTerms {
    /// Problems of the terms, by form field; the field names are those of the stored JSON, with
    /// `tiers.0.share` for the first row of a tier table. Empty when all is well.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        match &self.rule {
            Rule::LateDelivery(rule) => {
                let fine = self.sign == Sign::Penalty;
                require(&mut errors, fine, "sign", "late delivery earns no bonus; choose service credit");
                validate_late(rule, &mut errors);
            }
            Rule::MissedPickup(rule) => {
                let fine = self.sign == Sign::Penalty;
                require(&mut errors, fine, "sign", "a missed pickup earns no bonus; choose service credit");
                rule.validate(&mut errors);
            }
            Rule::PeriodThreshold(rule) => validate_period(rule, self.sign, &mut errors),
            Rule::VolumeShortfall(promise) => promise.validate(self.sign, &mut errors),
            Rule::EarnBack(rule) => rule.validate(self.sign, &mut errors),
            Rule::Rebate(rule) => rule.validate(self.sign, &mut errors),
        }
        self.scope.validate(&mut errors);
        self.handling.validate(&mut errors);
        self.grounds.validate(&mut errors);
        self.exclusions.validate(self, &mut errors);
        let fine = self.rule.is_per_shipment() || self.incidents == IncidentRule::All;
        let message = "only a clause for each shipment can be the highest of several";
        require(&mut errors, fine, "incidents", message);
        validate_cap(self.period_cap, "period_cap", &mut errors);
        errors
    }
}

impl ClauseTerms {
    /// What nobody should write anew, by form field, though a clause that was signed so still holds: a cap that keeps
    /// another one, or the price itself, from ever being reached, a dead band that does, tiers by which a larger miss costs less.
    #[must_use]
    pub fn validate_new(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let fits = |least: Option<Micros>, most: Option<Micros>| least.zip(most).is_none_or(|(l, m)| l <= m);
        let of_period = self.period_cap.amount;
        let mut within_period = |least: Option<Micros>, what: &str| {
            let message = format!("must be at least {what}, or that one is never reached");
            require(e, fits(least, of_period), "period_cap.amount", &message);
        };
        match &self.rule {
            Rule::LateDelivery(rule) => {
                let price = match rule.per_day {
                    PerDay::Fixed { amount } => Some(amount),
                    PerDay::PctOfLinehaul { .. } | PerDay::PctOfFreight { .. } => None,
                };
                within_period(rule.event_cap_amount, "the most for one shipment");
                if rule.event_cap_amount.is_none() {
                    within_period(price, "the price of a late day");
                }
                let message = "must be at least the price of a late day, or that one is never reached";
                require(e, fits(price, rule.event_cap_amount), "event_cap_amount", message);
                let share = match rule.per_day {
                    PerDay::PctOfLinehaul { share } => Some(share),
                    // The cap is a share of linehaul, and what is charged in all may be more.
                    PerDay::Fixed { .. } | PerDay::PctOfFreight { .. } => None,
                };
                let fine = share.zip(rule.event_cap_share).is_none_or(|(day, all)| day <= all);
                require(e, fine, "event_cap_share", message);
            }
            Rule::MissedPickup(rule) => {
                within_period(Some(rule.per_pickup), "the amount of a missed pickup");
            }
            Rule::PeriodThreshold(rule) => match rule.amount {
                PeriodAmount::Fixed { amount } => within_period(Some(amount), "the amount of a period"),
                PeriodAmount::PerUnit { amount } => {
                    within_period(Some(amount), "the price of a unit missed");
                }
                PeriodAmount::CostDifference { most, .. } => within_period(most, "the most for one load"),
                PeriodAmount::ShareOfSavings { .. } => {
                    let message = "savings are costs below the value: lower must be better";
                    require(e, rule.better == Better::Lower, "better", message);
                }
                _ => {}
            },
            Rule::VolumeShortfall(VolumePromise::Own(own)) => {
                within_period(Some(own.rate), "what is owed for each unit short");
            }
            Rule::VolumeShortfall(VolumePromise::OfContract(_)) | Rule::EarnBack(_) | Rule::Rebate(_) => {}
        }
        if let Rule::PeriodThreshold(rule) = &self.rule {
            validate_reach(rule, self.sign, e);
        }
        // Said so, nothing follows from it: it is read as it was signed and not written any more.
        require(e, self.handling.cure_days.is_none(), "handling.cure_days", NOT_CURED);
        errors
    }
}

impl ContractCap {
    /// Problems of the limit, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        validate_cap(self.cap, "contract_cap", &mut errors);
        validate_cap(self.annual, "contract_cap.annual", &mut errors);
        let fits = |part: Option<Micros>, whole: Option<Micros>| part.zip(whole).is_none_or(|(p, w)| p <= w);
        let fine = fits(self.cap.amount, self.annual.amount);
        let message = "must be at least as much as the limit of a period, or that one would never be reached";
        require(&mut errors, fine, "contract_cap.annual.amount", message);
        errors
    }
}

pub(super) fn good_share(share: Bps) -> bool {
    Bps(0) < share && share <= Bps::WHOLE
}

pub(super) fn good_amount(amount: Micros) -> bool {
    Micros::ZERO < amount && amount <= AMOUNT_MAX
}

fn validate_cap(cap: Cap, name: &str, e: &mut FieldErrors) {
    require(e, cap.amount.is_none_or(good_amount), &format!("{name}.amount"), AMOUNT);
    let field = format!("{name}.share_of_freight");
    require(e, cap.share_of_freight.is_none_or(good_share), &field, SHARE);
}

fn validate_late(rule: &LateDelivery, e: &mut FieldErrors) {
    match rule.per_day {
        PerDay::Fixed { amount } => require(e, good_amount(amount), "per_day.amount", AMOUNT),
        PerDay::PctOfLinehaul { share } | PerDay::PctOfFreight { share } => {
            require(e, good_share(share), "per_day.share", SHARE);
        }
    }
    let fine = rule.grace_days <= GRACE_DAYS_MAX;
    require(e, fine, "grace_days", "at most 60 days of grace");
    require(e, rule.event_cap_share.is_none_or(good_share), "event_cap_share", SHARE);
    require(e, rule.event_cap_amount.is_none_or(good_amount), "event_cap_amount", AMOUNT);
    validate_period_kind(rule.period, e);
}

fn validate_period_kind(period: PeriodKind, e: &mut FieldErrors) {
    let fine = period != PeriodKind::Year;
    require(e, fine, "period", "choose week, month or quarter");
}

fn validate_period(rule: &PeriodThreshold, sign: Sign, e: &mut FieldErrors) {
    let fine = matches!(sign, Sign::Penalty | Sign::Bonus);
    require(e, fine, "sign", "a KPI earns a service credit or a bonus; choose one of them");
    require(e, !rule.kpi.trim().is_empty(), "kpi", "choose the KPI the clause looks at");
    let non_negative = |value: Decimal, max: Decimal| Decimal::ZERO <= value && value <= max;
    let max = if rule.scale == Scale::Percent { Decimal::ONE_HUNDRED } else { POINTS_MAX };
    let fine = non_negative(rule.threshold, max);
    let message = if rule.scale == Scale::Percent {
        "must be between 0 and 100 %; write 95 for 95 %"
    } else {
        "must be between 0 and 1,000,000,000"
    };
    require(e, fine, "threshold", message);
    let fine = non_negative(rule.dead_band, max);
    require(e, fine, "dead_band", "must be 0 or more points, and within the scale of the threshold");
    let fine = rule.measurement_decimals.is_none_or(|d| d <= MEASUREMENT_DECIMALS_MAX);
    require(e, fine, "measurement_decimals", "at most 6 decimals; leave it empty to compare unrounded");
    require(e, rule.min_volume >= 1, "min_volume", "must be 1 or more units");
    validate_period_kind(rule.period, e);
    match &rule.amount {
        PeriodAmount::Fixed { amount } => require(e, good_amount(*amount), "amount.amount", AMOUNT),
        PeriodAmount::PctOfSpend { share } => require(e, good_share(*share), "amount.share", SHARE),
        PeriodAmount::PerUnit { amount } => {
            require(e, good_amount(*amount), "amount.amount", AMOUNT);
            require(e, sign == Sign::Penalty, "sign", "a price for each unit missed is a service credit");
            let fine = rule.scale == Scale::Percent && rule.kpi.parse().is_ok_and(Kpi::is_share_of_units);
            require(
                e,
                fine,
                "kpi",
                "choose a KPI that is a share of units, so that each one missed has a price",
            );
        }
        PeriodAmount::Pool { at_risk, category, kpi } => {
            for (share, name) in [(at_risk, "at_risk"), (category, "category"), (kpi, "kpi")] {
                require(e, good_share(*share), &format!("amount.{name}"), SHARE);
            }
        }
        PeriodAmount::ShareOfSavings { of_savings, baseline } => {
            if let Some(baseline) = baseline {
                baseline.validate(rule.period, e);
                let message = "leave it empty: the baseline is what a unit cost in the time stated";
                require(e, rule.threshold.is_zero(), "threshold", message);
            }
            require(e, good_share(*of_savings), "amount.of_savings", SHARE);
            let money = |kpi: Kpi| kpi.definition().unit.is_money();
            let fine = rule.scale == Scale::Plain && rule.kpi.parse().is_ok_and(money);
            require(e, fine, "kpi", "choose a cost per unit, so that what was saved is known");
        }
        PeriodAmount::CostDifference { of_difference, most } => {
            require(e, good_share(*of_difference), "amount.of_difference", SHARE);
            require(e, most.is_none_or(good_amount), "amount.most", AMOUNT);
            let message = "what a replacement cost more is a service credit; choose service credit";
            require(e, sign == Sign::Penalty, "sign", message);
            let of_offers = rule.kpi.parse().is_ok_and(|kpi| matches!(kpi, Kpi::Tar | Kpi::SurgeAcc));
            let message = "choose tenders accepted (TAR) or surge accepted (SURGE_ACC): only an offer turned down has a replacement";
            require(e, of_offers && rule.scale == Scale::Percent, "kpi", message);
        }
        PeriodAmount::TierTable { tiers } => validate_tiers(tiers, e),
    }
}

/// A threshold that no value can miss or beat, and tiers by which a larger miss costs less than a smaller one.
fn validate_reach(rule: &PeriodThreshold, sign: Sign, e: &mut FieldErrors) {
    let is_share = rule.scale == Scale::Percent && rule.kpi.parse().is_ok_and(Kpi::is_share_of_units);
    let is_in_scale = Decimal::ZERO <= rule.threshold && rule.threshold <= Decimal::ONE_HUNDRED;
    if is_share && is_in_scale {
        let is_penalty = sign == Sign::Penalty;
        // The points from the threshold to the end of the scale on the side that is priced.
        let is_below = is_penalty == (rule.better == Better::Higher);
        let room = if is_below { rule.threshold } else { Decimal::ONE_HUNDRED - rule.threshold };
        // A miss lies beyond the dead band, a bonus begins at its edge.
        let fits = rule.dead_band < room || (!is_penalty && rule.dead_band == room);
        let message = "must leave values that are priced: with so many points nothing is ever owed";
        require(e, rule.dead_band.is_zero() || fits, "dead_band", message);
    }
    if let PeriodAmount::TierTable { tiers } = &rule.amount {
        for (index, (above, tier)) in tiers.iter().zip(tiers.iter().skip(1)).enumerate() {
            let field = format!("tiers.{}.share", index + 1);
            let message = "must be at least the share of the row above, or a larger miss costs less";
            require(e, above.share <= tier.share, &field, message);
        }
    }
}

fn validate_tiers(tiers: &[Tier], e: &mut FieldErrors) {
    let fine = (1..=TIERS_MAX).contains(&tiers.len());
    require(e, fine, "tiers", "a tier table has 1 to 20 rows");
    let mut below = Decimal::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        require(e, good_share(tier.share), &format!("tiers.{index}.share"), SHARE);
        let last = index + 1 == tiers.len();
        let field = format!("tiers.{index}.up_to_points");
        match tier.up_to_points {
            None => require(e, last, &field, "only the last row may be open; give its points"),
            Some(_) if last => {
                require(e, false, &field, "leave the last row open, so that every shortfall has a price");
            }
            Some(limit) => {
                let fine = below < limit && limit <= POINTS_MAX;
                require(e, fine, &field, "must be more points than the row above");
                below = limit;
            }
        }
    }
}
