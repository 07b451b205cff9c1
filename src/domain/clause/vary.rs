//! The same terms a little stricter, milder, dearer or cheaper: for whoever asks how much hangs on a figure.

use rust_decimal::Decimal;

use super::{ClauseTerms, PerDay, PeriodAmount, Rule, Scale, VolumePromise};
use crate::domain::money::{Bps, Micros};
use crate::domain::words;

/// Steps of a threshold in points, for a percentage.
const POINTS: [i64; 7] = [-20, -10, -5, 0, 5, 10, 20];
/// Steps of a threshold in per cent of itself, for any other value.
const PERCENTS: [i64; 7] = [-20, -10, -5, 0, 5, 10, 20];
/// Prices in per cent of the one agreed.
const RATES: [i64; 7] = [50, 75, 90, 100, 110, 125, 150];
/// Days of grace.
const GRACE: [u32; 6] = [0, 1, 2, 3, 4, 5];
/// Tolerances of a volume, in per cent.
const TOLERANCES: [i64; 6] = [0, 2, 5, 8, 10, 15];

/// Terms with one figure changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The figure, in words: `94.5 %`, `2 days`, `110 %`.
    pub label: String,
    /// Whether it is the figure of the clause.
    pub is_own: bool,
    /// The terms with it.
    pub terms: ClauseTerms,
}

impl ClauseTerms {
    /// What the threshold of the clause is called; none where it has none.
    #[must_use]
    pub fn threshold_name(&self) -> Option<&'static str> {
        match &self.rule {
            Rule::LateDelivery(_) => Some("Free late days"),
            Rule::PeriodThreshold(rule) if rule.baseline().is_some() => None,
            Rule::PeriodThreshold(_) | Rule::EarnBack(_) => Some("Value to reach"),
            Rule::VolumeShortfall(VolumePromise::Own(_)) => Some("Tolerance"),
            Rule::MissedPickup(_) | Rule::VolumeShortfall(VolumePromise::OfContract(_)) | Rule::Rebate(_) => {
                None
            }
        }
    }

    /// The terms with other thresholds, from low to high, its own among them. Those that no contract could have are left
    /// out.
    #[must_use]
    pub fn by_threshold(&self) -> Vec<Variant> {
        let mut found = Vec::new();
        match &self.rule {
            Rule::LateDelivery(rule) => {
                let mut days: Vec<u32> = GRACE.into_iter().chain([rule.grace_days]).collect();
                days.sort_unstable();
                days.dedup();
                for grace in days {
                    let is_own = grace == rule.grace_days;
                    found.push(self.variant(words::count(grace, "day"), is_own, |terms| {
                        if let Rule::LateDelivery(rule) = &mut terms.rule {
                            rule.grace_days = grace;
                        }
                    }));
                }
            }
            Rule::PeriodThreshold(rule) if rule.baseline().is_some() => {}
            Rule::PeriodThreshold(rule) => found.extend(self.thresholds(rule.threshold, rule.scale)),
            Rule::EarnBack(rule) => found.extend(self.thresholds(rule.threshold, rule.scale)),
            Rule::VolumeShortfall(VolumePromise::Own(own)) => {
                let mut shares: Vec<Bps> = TOLERANCES.map(|percent| Bps(percent.saturating_mul(100))).into();
                shares.push(own.tolerance);
                shares.sort_unstable();
                shares.dedup();
                for share in shares {
                    found.push(self.variant(words::percent(share), share == own.tolerance, |terms| {
                        if let Rule::VolumeShortfall(VolumePromise::Own(own)) = &mut terms.rule {
                            own.tolerance = share;
                        }
                    }));
                }
            }
            Rule::MissedPickup(_) | Rule::VolumeShortfall(VolumePromise::OfContract(_)) | Rule::Rebate(_) => {
            }
        }
        found.retain(|variant| variant.terms.validate().is_empty());
        found
    }

    fn thresholds(&self, own: Decimal, scale: Scale) -> Vec<Variant> {
        let unit = if scale == Scale::Percent { " %" } else { "" };
        let step = |step: i64| match scale {
            Scale::Percent => own + Decimal::new(step, 1),
            Scale::Plain => own + own * Decimal::new(step, 2),
        };
        let steps = if scale == Scale::Percent { POINTS } else { PERCENTS };
        let variant = |by: i64| {
            let value = step(by).normalize();
            self.variant(format!("{}{unit}", words::number(value)), by == 0, |terms| match &mut terms.rule {
                Rule::PeriodThreshold(rule) => rule.threshold = value,
                Rule::EarnBack(rule) => rule.threshold = value,
                Rule::LateDelivery(_)
                | Rule::MissedPickup(_)
                | Rule::VolumeShortfall(_)
                | Rule::Rebate(_) => {}
            })
        };
        steps.map(variant).into()
    }

    /// The terms with other prices, from low to high, its own among them; nothing where the price stands elsewhere. Those
    /// that no contract could have are left out.
    #[must_use]
    pub fn by_price(&self) -> Vec<Variant> {
        if matches!(self.rule, Rule::Rebate(_) | Rule::VolumeShortfall(VolumePromise::OfContract(_))) {
            return Vec::new();
        }
        let variant = |percent: i64| {
            self.variant(format!("{percent} %"), percent == 100, |terms| times(&mut terms.rule, percent))
        };
        let mut found: Vec<Variant> = RATES.map(variant).into();
        found.retain(|variant| variant.terms.validate().is_empty());
        found
    }

    fn variant(&self, label: String, is_own: bool, change: impl FnOnce(&mut Self)) -> Variant {
        let mut terms = self.clone();
        if !is_own {
            change(&mut terms);
        }
        Variant { label, is_own, terms }
    }
}

/// Every price of a rule times so many per cent.
fn times(rule: &mut Rule, percent: i64) {
    let amount = |amount: &mut Micros| *amount = Micros(part(amount.0, percent));
    let share = |share: &mut Bps| *share = Bps(part(share.0, percent));
    match rule {
        Rule::LateDelivery(rule) => match &mut rule.per_day {
            PerDay::Fixed { amount: price } => amount(price),
            PerDay::PctOfLinehaul { share: price } | PerDay::PctOfFreight { share: price } => share(price),
        },
        Rule::MissedPickup(rule) => amount(&mut rule.per_pickup),
        Rule::PeriodThreshold(rule) => match &mut rule.amount {
            PeriodAmount::Fixed { amount: price } | PeriodAmount::PerUnit { amount: price } => amount(price),
            PeriodAmount::PctOfSpend { share: price }
            | PeriodAmount::ShareOfSavings { of_savings: price, .. }
            | PeriodAmount::CostDifference { of_difference: price, .. } => {
                share(price);
            }
            PeriodAmount::Pool { at_risk, .. } => share(at_risk),
            PeriodAmount::TierTable { tiers } => tiers.iter_mut().for_each(|tier| share(&mut tier.share)),
        },
        Rule::VolumeShortfall(VolumePromise::Own(own)) => amount(&mut own.rate),
        Rule::EarnBack(rule) => share(&mut rule.share),
        Rule::VolumeShortfall(VolumePromise::OfContract(_)) | Rule::Rebate(_) => {}
    }
}

fn part(value: i64, percent: i64) -> i64 {
    let product = i128::from(value).saturating_mul(i128::from(percent));
    i64::try_from(product.checked_div(100).unwrap_or(0)).unwrap_or(i64::MAX)
}
