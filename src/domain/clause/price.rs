//! One obligation priced on its own, before any cap over several of them.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};

use super::in_force::PartOfPeriod;
use super::{
    BaselineFacts, Better, LateDelivery, PerDay, PeriodAmount, PeriodThreshold, PricedLoad, Scale, Sign,
    Tier, TurnedDown, replaced,
};
use crate::domain::currency::Currency;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::period::Period;
use crate::domain::words;

/// A shipment delivered late or not picked up in time, for which the carrier answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateEvent {
    /// The carrier.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// What people call the shipment.
    pub reference: String,
    /// Local day the delivery was due; decides the period.
    pub obligation_day: NaiveDate,
    /// Instant it was due; decides the order in which caps are used up.
    pub obligation_at: DateTime<Utc>,
    /// Business days between due and delivered (`BusinessCalendar::business_days_late`).
    pub late_business_days: u32,
    /// Linehaul charge of the shipment.
    pub linehaul: Micros,
    /// All that is charged for the shipment without tax.
    pub freight: Micros,
    /// Currency of `linehaul` and `freight`.
    pub currency: Currency,
    /// Local day the pickup was due, where the pickup was missed.
    pub pickup_due: Option<NaiveDate>,
}

/// A KPI and the spend of one period, as known now; period to date while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodFacts {
    /// The period.
    pub period: Period,
    /// The instant it ends in the reporting zone ([`closes_at`]); orders it among shipments.
    pub closes_at: DateTime<Utc>,
    /// Net numerator of the KPI ([`KpiValue::quotient`](crate::domain::kpi::KpiValue::quotient)).
    pub numerator: Decimal,
    /// Net denominator of the KPI, same source.
    pub denominator: Decimal,
    /// How many units stand behind the value; decides whether the period has the volume it needs.
    pub units: i64,
    /// Spend the amount is a share of.
    pub spend: Micros,
    /// Currency of `spend`.
    pub currency: Currency,
    /// The offers turned down, where each has its own price; empty for all other amounts.
    pub turned_down: Vec<TurnedDown>,
    /// What the clause's baseline comes to; none where it has none, or where nothing is known of that time.
    pub baseline: Option<BaselineFacts>,
}

impl PeriodFacts {
    /// What sums of a period come to by a KPI. No offer has its own price, and there is no baseline.
    #[must_use]
    pub fn of(kpi: Kpi, sums: &Measures, (period, zone): (Period, Tz), currency: Currency) -> Self {
        let value = kpi.value(sums);
        let (numerator, denominator) = value.quotient().unwrap_or_default();
        Self {
            period,
            closes_at: closes_at(period, zone),
            numerator,
            denominator,
            units: value.n,
            spend: Micros(sums.freight.numerator),
            currency,
            turned_down: Vec::new(),
            baseline: None,
        }
    }
}

/// The instant `period` ends in `zone`.
#[must_use]
pub fn closes_at(period: Period, zone: Tz) -> DateTime<Utc> {
    let midnight = period.end().and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // Midnight skipped by a clock change: an hour off cannot change which day it belongs to.
        LocalResult::None => midnight.and_utc(),
    }
}

/// An obligation's amount before caps over several obligations, with the steps in words.
pub(super) struct Priced {
    /// By the price alone.
    pub uncapped: Micros,
    /// After the cap per event.
    pub within_event: Micros,
    /// How it came about.
    pub steps: Vec<String>,
}

impl Priced {
    pub(super) fn nothing(steps: Vec<String>) -> Self {
        Self { uncapped: Micros::ZERO, within_event: Micros::ZERO, steps }
    }
}

/// Prices one late shipment. The terms are valid, so no product leaves the range of a decimal.
pub(super) fn late_event(
    rule: &LateDelivery,
    event: &LateEvent,
    minor_digits: u32,
) -> Result<Priced, OutOfRange> {
    let charged_days = event.late_business_days.saturating_sub(rule.grace_days);
    let days = words::count(event.late_business_days, "business day");
    let mut steps = vec![format!("{} was {days} late.", event.reference)];
    if charged_days == 0 {
        steps.push(format!("Within the grace of {}.", words::count(rule.grace_days, "day")));
        return Ok(Priced::nothing(steps));
    }
    if rule.grace_days > 0 {
        let grace = words::count(rule.grace_days, "day");
        steps.push(format!("Less {grace} of grace: {charged_days} to pay for."));
    }
    let linehaul = event.linehaul.max(Micros::ZERO);
    let (per_day, price) = match rule.per_day {
        PerDay::Fixed { amount } => (amount.decimal(), words::amount(amount)),
        PerDay::PctOfLinehaul { share } => (
            share.fraction() * linehaul.decimal(),
            format!("{} of linehaul {}", words::percent(share), words::amount(linehaul)),
        ),
        PerDay::PctOfFreight { share } => {
            let freight = event.freight.max(Micros::ZERO);
            let words = format!("{} of freight {}", words::percent(share), words::amount(freight));
            (share.fraction() * freight.decimal(), words)
        }
    };
    let uncapped = Micros::charge(per_day * Decimal::from(charged_days), minor_digits)?;
    let times = words::count(charged_days, "day");
    steps.push(format!("{times} × {price} = {}.", words::amount(uncapped)));
    let mut within_event = uncapped;
    let share_cap = rule.event_cap_share.map(|share| (share.fraction() * linehaul.decimal(), share));
    if let Some((cap, share)) = share_cap {
        let cap = Micros::charge(cap, minor_digits)?;
        if cap < within_event {
            within_event = cap;
            let share = words::percent(share);
            steps.push(format!("Cap per shipment, {share} of linehaul: {}.", words::amount(cap)));
        }
    }
    if let Some(cap) = rule.event_cap_amount.filter(|cap| *cap < within_event) {
        within_event = Micros::charge(cap.decimal(), minor_digits)?;
        steps.push(format!("Cap per shipment: {}.", words::amount(cap)));
    }
    Ok(Priced { uncapped, within_event, steps })
}

/// Prices one period.
pub(super) fn period(
    rule: &PeriodThreshold,
    sign: Sign,
    facts: &PeriodFacts,
    part: PartOfPeriod,
    minor_digits: u32,
) -> Result<Priced, OutOfRange> {
    let volume = words::count(facts.units, "unit");
    if facts.units <= 0 || facts.denominator <= Decimal::ZERO {
        return Ok(Priced::nothing(vec![format!("No data for {} in {}.", rule.kpi_words(), facts.period)]));
    }
    if facts.units < rule.min_volume {
        let need = words::count(rule.min_volume, "unit");
        let step = format!("Only {volume} in {}; the clause applies from {need} on.", facts.period);
        return Ok(Priced::nothing(vec![step]));
    }
    let Some(value) = value_of(rule.scale, rule.measurement_decimals, facts) else {
        return Ok(Priced::nothing(vec![format!("No data for {} in {}.", rule.kpi_words(), facts.period)]));
    };
    let unit = if rule.scale == Scale::Percent { " %" } else { "" };
    let (n, d) = (words::number(facts.numerator), words::number(facts.denominator));
    let shown = words::number(shown(value));
    let mut steps = vec![format!("{}: {n} of {d} = {shown}{unit}.", rule.kpi_words())];
    let Some(goal) = goal_of(rule, facts, &mut steps) else { return Ok(Priced::nothing(steps)) };
    let threshold = words::number(if rule.baseline().is_some() { self::shown(goal) } else { goal });

    let above = match rule.better {
        Better::Higher => value - goal,
        Better::Lower => goal - value,
    };
    let (points, owed, name) = match sign {
        Sign::Penalty => (-above, -above > rule.dead_band, "Short of"),
        _ => (above, above >= rule.dead_band, "Better than"),
    };
    let by = points_words(points, rule.dead_band);
    let band = words::fixed(rule.dead_band, 2);
    if !owed {
        let step = if points.is_sign_negative() || points.is_zero() {
            match sign {
                Sign::Penalty => format!("Meets {threshold}{unit}: nothing is owed."),
                _ => format!("Below the {threshold}{unit} that earns the bonus."),
            }
        } else {
            format!("{name} {threshold}{unit} by {by} points, within the {band} dead band: nothing is owed.")
        };
        steps.push(step);
        return Ok(Priced::nothing(steps));
    }
    let beyond =
        if rule.dead_band.is_zero() { String::new() } else { format!(", beyond the {band} dead band") };
    if let PeriodAmount::CostDifference { of_difference, most } = &rule.amount {
        let (missed, allowed) = missed_and_allowed(rule, (facts.numerator, facts.denominator));
        steps.push(format!("{} missed; {} of {d} may be.", words::number(missed), words::number(allowed)));
        let price = (*of_difference, *most);
        let priced = replaced::price(price, &facts.turned_down, allowed, minor_digits)?;
        steps.extend(priced.steps);
        return Ok(Priced { steps, ..priced });
    }
    let spend = facts.spend.max(Micros::ZERO);
    let (raw, mut price) = match &rule.amount {
        PeriodAmount::PerUnit { amount } => {
            let (missed, allowed) = missed_and_allowed(rule, (facts.numerator, facts.denominator));
            let (shown, may) = (words::number(missed), words::number(allowed));
            steps.push(format!("{shown} missed; {may} of {d} may be."));
            let units = (missed - allowed).max(Decimal::ZERO);
            let raw = units.checked_mul(amount.decimal()).ok_or(OutOfRange(units))?;
            (raw, format!("{} × {}", words::number(units), words::amount(*amount)))
        }
        PeriodAmount::ShareOfSavings { of_savings, .. } => {
            let raw = points.checked_mul(facts.denominator).ok_or(OutOfRange(points))?;
            let difference = Micros::charge(raw, minor_digits)?;
            let (each, all) = (words::fixed(points, 4), words::amount(difference));
            steps.push(format!("{each} a unit on {d} units: {all}."));
            let price = format!("{} of {all}", words::percent(*of_savings));
            (of_savings.fraction() * difference.decimal(), price)
        }
        other => price_of(other, points, spend),
    };
    let mut uncapped = Micros::charge(raw, minor_digits)?;
    // A share of spend shrinks by itself: only the spend of the days in force is counted.
    if let (PeriodAmount::Fixed { amount }, Some(days)) = (&rule.amount, part.words()) {
        uncapped = part.of_amount(*amount, minor_digits)?;
        price.push_str(&format!(", in force on {days}"));
    }
    steps.push(format!("{name} {threshold}{unit} by {by} points{beyond}: {price}."));
    steps.push(format!("That is {}.", words::amount(uncapped)));
    Ok(Priced { uncapped, within_event: uncapped, steps })
}

/// The value to reach: the threshold, or what the baseline comes to. None where nothing is known of its time.
fn goal_of(rule: &PeriodThreshold, facts: &PeriodFacts, steps: &mut Vec<String>) -> Option<Decimal> {
    let Some(baseline) = rule.baseline() else { return Some(rule.threshold) };
    let title = baseline.title(facts.period);
    let (cost, units) = facts.baseline.map(|known| (known.numerator, known.denominator)).unwrap_or_default();
    let Some(goal) = value_between(rule.scale, rule.measurement_decimals, (cost, units)) else {
        steps.push(format!("Nothing is known of {title}, which is the baseline: nothing is owed."));
        return None;
    };
    let (cost, units, each) = (words::number(cost), words::number(units), words::number(shown(goal)));
    steps.push(format!("Baseline, {title}: {cost} of {units} = {each}."));
    Some(goal)
}

/// Points to two places, or as many as tell them from the dead band: a miss by a hair is still a miss.
fn points_words(points: Decimal, dead_band: Decimal) -> String {
    let shown = words::fixed(points, 2);
    if points == dead_band || shown != words::fixed(dead_band, 2) {
        return shown;
    }
    words::number(points.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero))
}

/// The KPI value in a clause's scale, rounded first when the clause says so (DOMAIN §0.2); none without units.
pub(super) fn value_of(scale: Scale, decimals: Option<u32>, facts: &PeriodFacts) -> Option<Decimal> {
    value_between(scale, decimals, (facts.numerator, facts.denominator))
}

fn value_between(
    scale: Scale,
    decimals: Option<u32>,
    (numerator, denominator): (Decimal, Decimal),
) -> Option<Decimal> {
    let times = match scale {
        Scale::Percent => Decimal::ONE_HUNDRED,
        Scale::Plain => Decimal::ONE,
    };
    let value = (numerator * times).checked_div(denominator)?;
    Some(match decimals {
        Some(places) => value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero),
        None => value,
    })
}

/// A value as steps show it: to four decimals.
pub(super) fn shown(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero)
}

/// What is at risk in the pool of a period, by which share of its spend; none where the price is of no pool.
pub(super) fn at_risk(
    rule: &PeriodThreshold,
    facts: &PeriodFacts,
    minor_digits: u32,
) -> Result<Option<(Bps, Micros)>, OutOfRange> {
    let PeriodAmount::Pool { at_risk, .. } = &rule.amount else { return Ok(None) };
    let spend = facts.spend.max(Micros::ZERO).decimal();
    let most = Micros::charge(at_risk.fraction() * spend, minor_digits)?;
    Ok(Some((*at_risk, most)))
}

/// Units that were missed, and whole units that the threshold lets pass. The KPI is a share of units.
fn missed_and_allowed(
    rule: &PeriodThreshold,
    (numerator, denominator): (Decimal, Decimal),
) -> (Decimal, Decimal) {
    let (missed, allowed_share) = match rule.better {
        Better::Higher => (denominator - numerator, Decimal::ONE_HUNDRED - rule.threshold),
        Better::Lower => (numerator, rule.threshold),
    };
    (missed, (allowed_share * denominator / Decimal::ONE_HUNDRED).floor())
}

/// Loads turned down with what each comes to, and how the whole came about.
type PricedLoads = (Vec<PricedLoad>, Vec<String>);

impl PeriodThreshold {
    /// What every load turned down comes to, the earliest first, and how the whole came about; none where the price is not of
    /// replacements. Where the clause owes nothing for the period, no load counts anything.
    ///
    /// # Errors
    /// An amount beyond what can be kept.
    pub fn priced_loads(
        &self,
        sign: Sign,
        facts: &PeriodFacts,
        minor_digits: u32,
    ) -> Result<Option<PricedLoads>, OutOfRange> {
        let PeriodAmount::CostDifference { of_difference, most } = self.amount else { return Ok(None) };
        let whole = period(self, sign, facts, PartOfPeriod::whole(facts.period), minor_digits)?;
        let (_, allowed) = missed_and_allowed(self, (facts.numerator, facts.denominator));
        let price = (of_difference, most);
        let mut loads = replaced::priced_loads(price, &facts.turned_down, allowed, minor_digits)?;
        if whole.uncapped == Micros::ZERO {
            loads.iter_mut().for_each(|load| load.owed = None);
        }
        Ok(Some((loads, whole.steps)))
    }
}

/// The unrounded price and its words.
fn price_of(amount: &PeriodAmount, points: Decimal, spend: Micros) -> (Decimal, String) {
    let share = match amount {
        PeriodAmount::Fixed { amount } | PeriodAmount::PerUnit { amount } => {
            return (amount.decimal(), words::amount(*amount));
        }
        PeriodAmount::Pool { at_risk, category, kpi } => {
            let part = at_risk.fraction() * category.fraction() * kpi.fraction();
            let shares = [at_risk, category, kpi].map(|share| words::percent(*share)).join(" × ");
            return (part * spend.decimal(), format!("{shares} of {}", words::amount(spend)));
        }
        PeriodAmount::PctOfSpend { share }
        | PeriodAmount::ShareOfSavings { of_savings: share, .. }
        | PeriodAmount::CostDifference { of_difference: share, .. } => *share,
        PeriodAmount::TierTable { tiers } => {
            tiers.iter().find(|tier| holds(tier, points)).map(|tier| tier.share).unwrap_or_default()
        }
    };
    let words = format!("{} of {}", words::percent(share), words::amount(spend));
    (share.fraction() * spend.decimal(), words)
}

fn holds(tier: &Tier, points: Decimal) -> bool {
    tier.up_to_points.is_none_or(|limit| points <= limit)
}
