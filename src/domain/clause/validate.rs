//! Checks the terms of a clause, field by field, and says them in plain words.

use rust_decimal::Decimal;

use super::{
    Better, Cap, ClauseTerms, ContractCap, LateDelivery, PerDay, PeriodAmount, PeriodThreshold, Rule, Scale,
    Sign, TIERS_MAX, Tier,
};
use crate::domain::field::{FieldErrors, require};
use crate::domain::kpi::Kpi;
use crate::domain::money::{Bps, Micros};
use crate::domain::period::PeriodKind;
use crate::domain::words;

/// Highest amount of a clause: one billion units.
const AMOUNT_MAX: Micros = Micros(1_000_000_000_000_000);
/// Highest threshold and dead band, in points.
const POINTS_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Most decimals a value may be rounded to before comparison.
const MEASUREMENT_DECIMALS_MAX: u32 = 6;
/// Longest grace of a late delivery.
const GRACE_DAYS_MAX: u32 = 60;

const SHARE: &str = "must be more than 0 % and at most 100 %";
const AMOUNT: &str = "must be more than 0 and at most 1,000,000,000";

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
            Rule::PeriodThreshold(rule) => validate_period(rule, self.sign, &mut errors),
        }
        validate_cap(self.period_cap, "period_cap", &mut errors);
        errors
    }

    /// The terms in plain words, one line a point.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let mut lines = match &self.rule {
            Rule::LateDelivery(rule) => explain_late(rule),
            Rule::PeriodThreshold(rule) => explain_period(rule, self.sign),
        };
        lines.extend(explain_cap(self.period_cap, "this clause", self.period_kind()));
        lines
    }
}

impl ContractCap {
    /// Problems of the limit, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        validate_cap(self.cap, "contract_cap", &mut errors);
        errors
    }

    /// The limit in plain words; nothing when there is none.
    #[must_use]
    pub fn explain(&self) -> Option<String> {
        explain_cap(self.cap, "all clauses together", self.period)
    }
}

fn good_share(share: Bps) -> bool {
    Bps(0) < share && share <= Bps::WHOLE
}

fn good_amount(amount: Micros) -> bool {
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
        PerDay::PctOfLinehaul { share } => require(e, good_share(share), "per_day.share", SHARE),
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
            require(e, fine, "kpi", "choose a KPI that is a share of units, so that each one missed has a price");
        }
        PeriodAmount::Pool { at_risk, category, kpi } => {
            for (share, name) in [(at_risk, "at_risk"), (category, "category"), (kpi, "kpi")] {
                require(e, good_share(*share), &format!("amount.{name}"), SHARE);
            }
        }
        PeriodAmount::TierTable { tiers } => validate_tiers(tiers, e),
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

fn explain_late(rule: &LateDelivery) -> Vec<String> {
    let price = match rule.per_day {
        PerDay::Fixed { amount } => words::amount(amount),
        PerDay::PctOfLinehaul { share } => format!("{} of linehaul", words::percent(share)),
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
    let (threshold, each) = (words::number(rule.threshold), rule.period.label());
    let owed = match (sign, rule.better) {
        (Sign::Penalty, Better::Higher) => "falls short of",
        (Sign::Penalty, Better::Lower) => "goes beyond",
        (Sign::Bonus, Better::Higher) => "reaches",
        (Sign::Bonus, Better::Lower) => "stays within",
    };
    let who = match sign {
        Sign::Penalty => "A service credit",
        Sign::Bonus => "A bonus",
    };
    let mut lines =
        vec![format!("{who} for each {each} in which {} {owed} {threshold}{unit}.", rule.kpi_words())];
    if !rule.dead_band.is_zero() {
        let points = if rule.dead_band == Decimal::ONE { "point" } else { "points" };
        let band = words::number(rule.dead_band);
        lines.push(match sign {
            Sign::Penalty => format!("Nothing within {band} {points} of it."),
            Sign::Bonus => format!("Only from {band} {points} better than it."),
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
            "{} of the {each}'s spend is at risk; {} of it for the category, {} of that for this KPI.",
            words::percent(*at_risk),
            words::percent(*category),
            words::percent(*kpi)
        )),
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
