//! A settled service credit that is given back after good periods in a row (DOMAIN §4.2, P5).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::price::{self, PeriodFacts, Priced};
use super::validate::{SHARE, good_share};
use super::{Better, Scale, Sign};
use crate::domain::currency::Currency;
use crate::domain::field::{FieldErrors, require};
use crate::domain::kpi::Kpi;
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;

/// Most good periods that a clause may ask for.
pub const PERIODS_MAX: u32 = 12;

/// What is given back, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarnBack {
    /// Number of the clause of the same version whose service credits are given back, such as `7.2`.
    pub of_clause: String,
    /// Code of the KPI that must be good.
    pub kpi: String,
    /// Which direction of the KPI is good.
    pub better: Better,
    /// How the KPI is written.
    pub scale: Scale,
    /// The value to reach, in that scale.
    pub threshold: Decimal,
    /// Units a period needs to count as good.
    pub min_volume: i64,
    /// Week, month or quarter; that of the clause whose credits are given back.
    pub period: PeriodKind,
    /// Good periods in a row, right after the one of the credit.
    pub consecutive: u32,
    /// Share of the credit that is given back.
    pub share: Bps,
}

impl EarnBack {
    /// The KPI as people read it; the bare code of one that is not in the catalogue.
    #[must_use]
    pub fn kpi_words(&self) -> String {
        self.kpi.parse().map_or_else(|_| self.kpi.clone(), Kpi::name_with_code)
    }

    pub(super) fn validate(&self, sign: Sign, e: &mut FieldErrors) {
        require(
            e,
            sign == Sign::EarnBack,
            "sign",
            "what is earned back is owed by the shipper; choose the earn-back",
        );
        let fine = !self.of_clause.trim().is_empty();
        require(e, fine, "of_clause", "name the clause whose service credits are given back, such as 7.2");
        require(e, !self.kpi.trim().is_empty(), "kpi", "choose the KPI that must be good");
        let percent = self.scale == Scale::Percent;
        let fine = self.threshold >= Decimal::ZERO && (!percent || self.threshold <= Decimal::ONE_HUNDRED);
        require(e, fine, "threshold", "must be 0 or more, and at most 100 for a percentage");
        require(e, self.min_volume >= 1, "min_volume", "must be 1 or more units");
        let fine = self.period != PeriodKind::Year;
        require(e, fine, "period", "choose week, month or quarter");
        let fine = (1..=PERIODS_MAX).contains(&self.consecutive);
        require(e, fine, "consecutive", "ask for 1 to 12 good periods in a row");
        require(e, good_share(self.share), "share", SHARE);
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let unit = if self.scale == Scale::Percent { " %" } else { "" };
        let (each, threshold) = (self.period.label(), words::number(self.threshold));
        let reached = match self.better {
            Better::Higher => "reaches",
            Better::Lower => "stays within",
        };
        vec![
            format!(
                "{} of a settled service credit under clause {} is given back when {} {reached} {threshold}{unit} in \
                 each of the {} after it.",
                words::percent(self.share),
                self.of_clause,
                self.kpi_words(),
                words::count(self.consecutive, each)
            ),
            format!(
                "A {each} in which fewer than {} were counted is not good.",
                words::figure(self.min_volume)
            ),
            "Never more than the credit, and each credit once.".to_owned(),
        ]
    }

    /// The period whose credit the good periods up to `last` give back.
    #[must_use]
    pub fn credit_period(&self, last: Period) -> Period {
        (0..self.consecutive).fold(last, |period, _| period.previous())
    }

    /// The good periods that end with `last`, oldest first.
    #[must_use]
    pub fn run(&self, last: Period) -> Vec<Period> {
        let first = self.credit_period(last).next();
        std::iter::successors(Some(first), |period| Some(period.next()))
            .take_while(|period| *period <= last)
            .collect()
    }
}

/// What is known about the periods that must be good, and the credit before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarnBackFacts {
    /// The last of the periods; over.
    pub period: Period,
    /// The instant it ends in the reporting zone.
    pub closes_at: DateTime<Utc>,
    /// The periods that must be good, oldest first.
    pub run: Vec<PeriodFacts>,
    /// The credits of the period before them that are agreed or settled, in all.
    pub credit: Micros,
    /// Currency of the credit.
    pub currency: Currency,
}

/// Prices what the good periods up to one give back.
pub(super) fn price(rule: &EarnBack, facts: &EarnBackFacts, minor_digits: u32) -> Result<Priced, OutOfRange> {
    let credit = facts.credit.max(Micros::ZERO);
    let of = rule.credit_period(facts.period).title();
    let unit = if rule.scale == Scale::Percent { " %" } else { "" };
    let mut steps = Vec::new();
    if credit == Micros::ZERO {
        steps.push(format!("No settled service credit of {of} under clause {}.", rule.of_clause));
        return Ok(Priced::nothing(steps));
    }
    for period in &facts.run {
        let title = period.period.title();
        let Some(value) =
            price::value_of(rule.scale, None, period).filter(|_| period.units >= rule.min_volume)
        else {
            steps.push(format!("{title}: too few units to count as good; nothing is given back."));
            return Ok(Priced::nothing(steps));
        };
        let shown = words::number(price::shown(value));
        let good = match rule.better {
            Better::Higher => value >= rule.threshold,
            Better::Lower => value <= rule.threshold,
        };
        if !good {
            let threshold = words::number(rule.threshold);
            steps.push(format!(
                "{title}: {shown}{unit} does not meet {threshold}{unit}; nothing is given back."
            ));
            return Ok(Priced::nothing(steps));
        }
        steps.push(format!("{title}: {shown}{unit}, good."));
    }
    let uncapped = Micros::charge(rule.share.fraction() * credit.decimal(), minor_digits)?.min(credit);
    steps.push(format!(
        "{} of the {} credited for {of} under clause {}: {}.",
        words::percent(rule.share),
        words::amount(credit),
        rule.of_clause,
        words::amount(uncapped)
    ));
    Ok(Priced { uncapped, within_event: uncapped, steps })
}
