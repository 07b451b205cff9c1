//! The terms of a clause in plain words, one line a point: what stands beside each clause on every page, and what the
//! redline compares.

use rust_decimal::Decimal;

use super::{
    Better, Cap, ClauseTerms, ContractCap, IncidentRule, LateDelivery, PerDay, PeriodAmount, PeriodThreshold,
    Rule, Scale, Sign,
};
use crate::domain::period::PeriodKind;
use crate::domain::words;

impl ClauseTerms {
    /// The terms in plain words, one line a point.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let mut lines = match &self.rule {
            Rule::LateDelivery(rule) => explain_late(rule),
            Rule::MissedPickup(rule) => rule.explain(),
            Rule::PeriodThreshold(rule) => explain_period(rule, self.sign),
            Rule::VolumeShortfall(promise) => promise.explain(self.sign),
            Rule::EarnBack(rule) => rule.explain(),
            Rule::Rebate(rule) => rule.explain(),
        };
        if !self.scope.is_everything() {
            lines.push(format!("Only {}.", self.scope.words()));
        }
        lines.extend(self.exclusions.explain());
        lines.extend(explain_cap(self.period_cap, "this clause", self.period_kind()));
        if self.incidents == IncidentRule::HighestOnly {
            lines.push(
                "Where another such clause comes to more for the same shipment, only that one counts."
                    .to_owned(),
            );
        }
        lines.extend(self.handling.explain());
        lines.extend(self.grounds.explain());
        lines
    }
}

impl ContractCap {
    /// The limit in plain words; nothing when there is none.
    #[must_use]
    pub fn explain(&self) -> Option<String> {
        let period = explain_cap(self.cap, "all clauses together", self.period);
        let annual = explain_cap(self.annual, "all clauses together", PeriodKind::Year);
        let lines: Vec<String> = period.into_iter().chain(annual).collect();
        (!lines.is_empty()).then(|| lines.join(" "))
    }
}

fn explain_late(rule: &LateDelivery) -> Vec<String> {
    let price = match rule.per_day {
        PerDay::Fixed { amount } => words::amount(amount),
        PerDay::PctOfLinehaul { share } => format!("{} of linehaul", words::percent(share)),
        PerDay::PctOfFreight { share } => {
            format!(
                "{} of all freight of the shipment, fuel and accessorials included,",
                words::percent(share)
            )
        }
    };
    let mut lines = vec![format!("{price} for each business day a shipment is late.")];
    if rule.grace_days > 0 {
        let days = words::count(rule.grace_days, "late business day");
        lines.push(format!("The first {days} cost nothing."));
    }
    let share = rule.event_cap_share.map(|s| format!("{} of its linehaul", words::percent(s)));
    let amount = rule.event_cap_amount.map(words::amount);
    let caps: Vec<String> = share.into_iter().chain(amount).collect();
    if !caps.is_empty() {
        lines.push(format!("At most {} per shipment.", caps.join(", and at most ")));
    }
    lines
}

fn explain_period(rule: &PeriodThreshold, sign: Sign) -> Vec<String> {
    let unit = if rule.scale == Scale::Percent { " %" } else { "" };
    let each = rule.period.label();
    let threshold = match rule.baseline() {
        None => words::number(rule.threshold),
        Some(baseline) => format!("what it was in {baseline}"),
    };
    let owed = match (sign, rule.better) {
        (Sign::Penalty, Better::Higher) => "falls short of",
        (Sign::Penalty, Better::Lower) => "goes beyond",
        (_, Better::Higher) => "reaches",
        (_, Better::Lower) => "stays within",
    };
    let who = if sign == Sign::Penalty { "A service credit" } else { "A bonus" };
    let mut lines =
        vec![format!("{who} for each {each} in which {} {owed} {threshold}{unit}.", rule.kpi_words())];
    if !rule.dead_band.is_zero() {
        let points = if rule.dead_band == Decimal::ONE { "point" } else { "points" };
        let band = words::number(rule.dead_band);
        lines.push(match sign {
            Sign::Penalty => format!("Nothing within {band} {points} of it."),
            _ => format!("Only from {band} {points} better than it."),
        });
    }
    if let Some(places) = rule.measurement_decimals {
        let decimals = words::count(places, "decimal");
        lines.push(format!("The value is rounded to {decimals} first, then compared."));
    }
    match &rule.amount {
        PeriodAmount::Fixed { amount } => lines.push(format!("{} each time.", words::amount(*amount))),
        PeriodAmount::PctOfSpend { share } => {
            lines.push(format!("{} of the {each}'s spend.", words::percent(*share)));
        }
        PeriodAmount::PerUnit { amount } => lines.push(format!(
            "{} for each unit missed beyond those that {threshold}{unit} lets pass, rounded down.",
            words::amount(*amount)
        )),
        PeriodAmount::Pool { at_risk, category, kpi } => lines.push(format!(
            "{} of the {each}'s spend is at risk; {} of it for the category, {} of that for this KPI. All clauses of \
             the pool together come to no more than what is at risk.",
            words::percent(*at_risk),
            words::percent(*category),
            words::percent(*kpi)
        )),
        PeriodAmount::ShareOfSavings { of_savings, baseline } => {
            let (share, a_unit) = (words::percent(*of_savings), if baseline.is_some() { "" } else { " a unit" });
            lines.push(match sign {
                Sign::Penalty => {
                    format!("{share} of what was spent beyond {threshold}{a_unit}, over all units.")
                }
                _ => format!("{share} of what was saved against {threshold}{a_unit}, over all units."),
            });
            if baseline.is_some() {
                lines.push(
                    "Both costs are of all the work the clause is about, whatever contract it was under; where nothing is \
                     known of that time, nothing is owed."
                        .to_owned(),
                );
            }
        }
        PeriodAmount::CostDifference { of_difference, most } => {
            lines.push(format!(
                "{} of what the loads turned down beyond those that {threshold}{unit} lets pass, rounded down, cost above \
                 the contract's price, linehaul and fuel, where another carrier carried them. The earliest are let pass; \
                 a cheaper replacement counts as nothing, and so does one whose cost is not known yet.",
                words::percent(*of_difference)
            ));
            if let Some(most) = most {
                lines.push(format!("At most {} for each load.", words::amount(*most)));
            }
        }
        PeriodAmount::TierTable { tiers } => lines.extend(tiers.iter().map(|tier| {
            let share = words::percent(tier.share);
            match tier.up_to_points {
                Some(points) => {
                    format!("Up to {} points: {share} of the {each}'s spend.", words::number(points))
                }
                None => format!("Beyond: {share} of the {each}'s spend."),
            }
        })),
    }
    let least = words::figure(rule.min_volume);
    lines.push(format!("Nothing is owed for a {each} in which fewer than {least} were counted."));
    lines
}

fn explain_cap(cap: Cap, whose: &str, period: PeriodKind) -> Option<String> {
    let each = period.label();
    let share = cap.share_of_freight.map(|s| format!("{} of the {each}'s freight", words::percent(s)));
    let limits: Vec<String> = cap.amount.map(words::amount).into_iter().chain(share).collect();
    let limits = limits.join(", and at most ");
    (!limits.is_empty()).then(|| format!("At most {limits} per {each} for {whose}."))
}
