//! The KPI catalogue: one definition each, computed from [`Measures`] by one function (DOMAIN §1.5).
//! Pages, mails, clauses, scorecards and the command line all read [`Kpi::value`].

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::interval::wilson;
use super::measure::{BUCKET_MINUTES, Measures, Ratio, Tally};
use super::money::MICROS_SCALE;
use super::signal::Better;

/// Decimal places of published fractions.
const FRACTION_SCALE: u32 = 6;
/// Grams are kilograms at this many decimal places.
const GRAMS_SCALE: u32 = 3;

/// A KPI of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kpi {
    /// On-time pickup, to the window.
    OtpWin,
    /// On-time delivery, to the day.
    OtdDay,
    /// On-time delivery, to the window.
    OtdWin,
    /// First-attempt delivery success.
    Fads,
    /// Delivery attempts per consignment.
    Attempts,
    /// Tender acceptance within commitment.
    Tar,
    /// Last-mile dwell, 90th percentile.
    DwellLm,
    /// Diversions by the carrier per 100.
    Divert,
    /// Cost per shipment.
    Cps,
    /// Cost per kilogram.
    Cpkg,
    /// Cost against contract.
    Cvc,
    /// Accessorials to linehaul.
    AccRatio,
    /// Status messages in time.
    EdiTimely,
}

/// What a value is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    /// A fraction shown as percent.
    Percent,
    /// A fraction shown per hundred.
    PerHundred,
    /// A plain ratio.
    Ratio,
    /// Hours.
    Hours,
    /// Money of the reporting currency per shipment.
    MoneyPerShipment,
    /// Money of the reporting currency per kilogram.
    MoneyPerKg,
}

/// A KPI with everything its definition says.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The catalogue code.
    pub code: &'static str,
    /// The name people read.
    pub name: &'static str,
    /// Unit of the value.
    pub unit: Unit,
    /// Which way is good; None for what is information only.
    pub better: Option<Better>,
    /// The formula in words.
    pub formula: &'static str,
    /// What counts, by which time, with which tolerance.
    pub rules: &'static str,
}

/// A KPI over some cells. Numerator and denominator are net: what the carrier controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiValue {
    /// Which KPI.
    pub kpi: Kpi,
    /// Counts, or money in units of the reporting currency, or hours.
    pub numerator: Decimal,
    /// Counts, money or kilograms.
    pub denominator: Decimal,
    /// The customer's view: excused misses count as misses. None without data.
    pub gross: Option<Decimal>,
    /// The carrier-controllable view. None without data.
    pub net: Option<Decimal>,
    /// Lower end of the 95 % Wilson interval of a proportion.
    pub low: Option<Decimal>,
    /// Upper end of the 95 % Wilson interval of a proportion.
    pub high: Option<Decimal>,
    /// How many units stand behind the net value.
    pub n: i64,
    /// Misses excused.
    pub excused: i64,
    /// Failures for want of evidence, included in the denominator.
    pub no_evidence: i64,
    /// Units without a baseline, in no denominator.
    pub no_baseline: i64,
    /// Units not decided yet, in no denominator.
    pub pending: i64,
}

/// A KPI nobody has heard of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no KPI; choose one of {list}", list = Kpi::ALL.map(Kpi::code).join(", "))]
pub struct UnknownKpi(pub String);

impl Kpi {
    /// The whole catalogue, in reading order.
    pub const ALL: [Self; 13] = [
        Self::OtpWin,
        Self::OtdDay,
        Self::OtdWin,
        Self::Fads,
        Self::Attempts,
        Self::DwellLm,
        Self::Divert,
        Self::Tar,
        Self::EdiTimely,
        Self::Cps,
        Self::Cpkg,
        Self::Cvc,
        Self::AccRatio,
    ];

    /// The catalogue code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.definition().code
    }

    /// The name people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// The name with the code, for texts and lists: `Tenders accepted (TAR)`.
    #[must_use]
    pub fn name_with_code(self) -> String {
        format!("{} ({})", self.name(), self.code())
    }

    /// The one definition.
    #[must_use]
    pub fn definition(self) -> Definition {
        match self {
            Self::OtpWin => Definition {
                code: "OTP_WIN",
                name: "Pickup on time, window",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "pickups with arrival by window end plus grace ÷ pickups due",
                rules: "Dated by the pickup window. A pickup that was never reported is a failure once the evidence grace has passed.",
            },
            Self::OtdDay => Definition {
                code: "OTD_DAY",
                name: "Delivery on time, day",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "deliveries whose local date is on or before the due date ÷ deliveries due",
                rules: "The local date at the delivery stop decides; any time before midnight of the due day is on time.",
            },
            Self::OtdWin => Definition {
                code: "OTD_WIN",
                name: "Delivery on time, window",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "deliveries within the window plus grace ÷ deliveries due",
                rules: "The grace is the commitment's own, 15 minutes where none was agreed. Early counts as on time unless the commitment says otherwise.",
            },
            Self::Fads => Definition {
                code: "FADS",
                name: "First attempt delivered",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "consignments delivered on attempt 1 ÷ consignments attempted",
                rules: "Refusals and wrong addresses count gross, not net.",
            },
            Self::Attempts => Definition {
                code: "ATTEMPTS",
                name: "Attempts per consignment",
                unit: Unit::Ratio,
                better: Some(Better::Lower),
                formula: "delivery attempts ÷ consignments delivered or returned",
                rules: "Only consignments whose final disposition is known.",
            },
            Self::Tar => Definition {
                code: "TAR",
                name: "Tenders accepted",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "accepted ÷ (accepted + rejected + expired)",
                rules: "Dated by the day the tender was sent. Silence and loads given back count as rejections. Withdrawn, short-notice and beyond-commitment tenders are left out and reported apart.",
            },
            Self::DwellLm => Definition {
                code: "DWELL_LM",
                name: "Last-mile dwell, 90th percentile",
                unit: Unit::Hours,
                better: Some(Better::Lower),
                formula: "90th percentile of out for delivery − arrival at the final station",
                rules: "Elapsed hours, nearest rank, read to the upper edge of a half-hour bucket.",
            },
            Self::Divert => Definition {
                code: "DIVERT",
                name: "Diversions per 100",
                unit: Unit::PerHundred,
                better: Some(Better::Lower),
                formula: "shipments diverted by the carrier ÷ shipments with a final disposition × 100",
                rules: "A change of destination, hub, mode or carrier after pickup. Diversions by others are shown apart.",
            },
            Self::Cps => Definition {
                code: "CPS",
                name: "Cost per shipment",
                unit: Unit::MoneyPerShipment,
                better: None,
                formula: "Σ freight ÷ shipments that carry a cost",
                rules: "Linehaul, fuel and accessorials, without tax, service credits and claims. Depends on the mix, so it is not scored.",
            },
            Self::Cpkg => Definition {
                code: "CPKG",
                name: "Cost per kilogram",
                unit: Unit::MoneyPerKg,
                better: None,
                formula: "Σ freight ÷ Σ actual kilograms, of shipments with both",
                rules: "Ratio of sums, never a mean of ratios. Depends on the mix, so it is not scored.",
            },
            Self::Cvc => Definition {
                code: "CVC",
                name: "Cost against contract",
                unit: Unit::Percent,
                better: Some(Better::Lower),
                formula: "(Σ billed − Σ contract-rated) ÷ Σ contract-rated",
                rules: "Only shipments with a contract-rated amount; before recoveries.",
            },
            Self::AccRatio => Definition {
                code: "ACC_RATIO",
                name: "Accessorials to linehaul",
                unit: Unit::Percent,
                better: Some(Better::Lower),
                formula: "Σ accessorials without fuel ÷ Σ linehaul",
                rules: "Only shipments with a linehaul. Fuel is no accessorial.",
            },
            Self::EdiTimely => Definition {
                code: "EDI_TIMELY",
                name: "Status within 60 min",
                unit: Unit::Percent,
                better: Some(Better::Higher),
                formula: "status messages received within 60 minutes of the event ÷ received",
                rules: "Only messages whose time of receipt is known. Missing ones are not counted here.",
            },
        }
    }

    /// The value over `measures`; the only place where a KPI is computed.
    #[must_use]
    pub fn value(self, measures: &Measures) -> KpiValue {
        match self {
            Self::OtpWin => self.of_tally(&measures.pickup_window),
            Self::OtdDay => self.of_tally(&measures.delivery_day),
            Self::OtdWin => self.of_tally(&measures.delivery_window),
            Self::Fads => self.of_tally(&measures.first_attempt),
            Self::Tar => self.of_tally(&measures.tender),
            Self::EdiTimely => self.of_proportion(measures.status_timely),
            Self::Divert => self.of_proportion(measures.diverted),
            Self::Attempts => self.of_sums(measures.attempts, 0, 0, measures.attempts.denominator),
            Self::Cps => self.of_sums(measures.freight, MICROS_SCALE, 0, measures.freight.denominator),
            Self::Cpkg => {
                self.of_sums(measures.freight_by_weight, MICROS_SCALE, GRAMS_SCALE, measures.weighed)
            }
            Self::AccRatio => {
                self.of_sums(measures.accessorial, MICROS_SCALE, MICROS_SCALE, measures.with_linehaul)
            }
            Self::Cvc => {
                let Ratio { numerator: billed, denominator: rated } = measures.billed_to_rated;
                let over = Ratio { numerator: billed.saturating_sub(rated), denominator: rated };
                self.of_sums(over, MICROS_SCALE, MICROS_SCALE, measures.rated)
            }
            Self::DwellLm => self.of_percentile(measures),
        }
    }

    fn empty(self) -> KpiValue {
        KpiValue {
            kpi: self,
            numerator: Decimal::ZERO,
            denominator: Decimal::ZERO,
            gross: None,
            net: None,
            low: None,
            high: None,
            n: 0,
            excused: 0,
            no_evidence: 0,
            no_baseline: 0,
            pending: 0,
        }
    }

    fn of_tally(self, tally: &Tally) -> KpiValue {
        let failures = tally.late + tally.no_evidence;
        let n = tally.success + failures;
        let interval = wilson(tally.success, n);
        KpiValue {
            numerator: Decimal::from(tally.success),
            denominator: Decimal::from(n),
            gross: fraction(tally.success, n + tally.excused),
            net: fraction(tally.success, n),
            low: interval.map(|i| i.low),
            high: interval.map(|i| i.high),
            n,
            excused: tally.excused,
            no_evidence: tally.no_evidence,
            no_baseline: tally.no_baseline,
            pending: tally.pending,
            ..self.empty()
        }
    }

    fn of_proportion(self, ratio: Ratio) -> KpiValue {
        let share = fraction(ratio.numerator, ratio.denominator);
        let interval = wilson(ratio.numerator, ratio.denominator);
        KpiValue {
            numerator: Decimal::from(ratio.numerator),
            denominator: Decimal::from(ratio.denominator),
            gross: share,
            net: share,
            low: interval.map(|i| i.low),
            high: interval.map(|i| i.high),
            n: ratio.denominator,
            ..self.empty()
        }
    }

    /// A ratio of sums: no interval, since nothing was drawn at random.
    fn of_sums(self, ratio: Ratio, numerator_scale: u32, denominator_scale: u32, n: i64) -> KpiValue {
        let numerator =
            Decimal::from_i128_with_scale(i128::from(ratio.numerator), numerator_scale).normalize();
        let denominator =
            Decimal::from_i128_with_scale(i128::from(ratio.denominator), denominator_scale).normalize();
        let value = numerator.checked_div(denominator).map(published);
        let n = if value.is_some() { n } else { 0 };
        KpiValue { numerator, denominator, gross: value, net: value, n, ..self.empty() }
    }

    fn of_percentile(self, measures: &Measures) -> KpiValue {
        let n = measures.dwell.total();
        let hours = measures
            .dwell
            .percentile_minutes(90)
            .map(|minutes| published(Decimal::from(minutes) / Decimal::from(60)));
        KpiValue {
            numerator: hours.unwrap_or_default(),
            denominator: Decimal::from(n),
            gross: hours,
            net: hours,
            n,
            ..self.empty()
        }
    }
}

/// How wide the buckets behind a percentile KPI are, for the note beside it.
pub const PERCENTILE_BUCKET_MINUTES: i64 = BUCKET_MINUTES;

fn fraction(part: i64, whole: i64) -> Option<Decimal> {
    (whole > 0).then(|| published(Decimal::from(part) / Decimal::from(whole)))
}

fn published(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(FRACTION_SCALE, RoundingStrategy::MidpointAwayFromZero).normalize()
}

impl KpiValue {
    /// The net value in the unit of its thresholds: percent and per-hundred KPIs as 0–100, the rest
    /// as they are. None without data.
    #[must_use]
    pub fn score_value(&self) -> Option<Decimal> {
        self.net.map(|net| self.in_threshold_unit(net))
    }

    /// Numerator and denominator whose quotient is the net value before it was rounded for publication;
    /// contracts compare that one (DOMAIN §0.2). A percentile is no ratio and stands over one. None
    /// without data.
    #[must_use]
    pub fn quotient(&self) -> Option<(Decimal, Decimal)> {
        self.net?;
        let percentile = self.kpi == Kpi::DwellLm;
        Some((self.numerator, if percentile { Decimal::ONE } else { self.denominator }))
    }

    /// Turns a fraction of this KPI into the unit of its thresholds.
    #[must_use]
    pub fn in_threshold_unit(&self, value: Decimal) -> Decimal {
        match self.kpi.definition().unit {
            Unit::Percent | Unit::PerHundred => (value * Decimal::ONE_HUNDRED).normalize(),
            Unit::Ratio | Unit::Hours | Unit::MoneyPerShipment | Unit::MoneyPerKg => value,
        }
    }

    /// Judged ÷ (judged + without baseline); None when there is nothing of either (DOMAIN §1.2).
    #[must_use]
    pub fn coverage(&self) -> Option<Decimal> {
        fraction(self.n + self.excused, self.n + self.excused + self.no_baseline)
    }

    /// Whether the value is a share of counted units, with an interval.
    #[must_use]
    pub fn is_proportion(&self) -> bool {
        matches!(
            self.kpi,
            Kpi::OtpWin | Kpi::OtdDay | Kpi::OtdWin | Kpi::Fads | Kpi::Tar | Kpi::Divert | Kpi::EdiTimely
        )
    }
}

impl fmt::Display for Kpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Kpi {
    type Err = UnknownKpi;

    fn from_str(text: &str) -> Result<Self, UnknownKpi> {
        Self::ALL
            .into_iter()
            .find(|kpi| kpi.code().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownKpi(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn excused_misses_leave_both_sides_of_net() {
        // DOMAIN §1.2: 90 ok, 4 excused, 6 failed is 90/96 net and 90/100 gross.
        let tally = Tally { success: 90, late: 6, excused: 4, ..Tally::default() };
        let value = Kpi::OtdWin.value(&Measures { delivery_window: tally, ..Measures::default() });
        assert_eq!((value.net, value.gross), (Some(d("0.9375")), Some(d("0.9"))));
    }

    #[test]
    fn no_data_is_no_data() {
        for kpi in Kpi::ALL {
            let value = kpi.value(&Measures::default());
            assert_eq!((value.gross, value.net, value.low, value.high), (None, None, None, None), "{kpi}");
        }
    }

    #[test]
    fn k5_silence_counts_as_rejection() {
        // DOMAIN K5: 101 accepted, 13 rejected, 6 expired, 17 left out: 84.17 %.
        let tender = Tally { success: 101, late: 13, no_evidence: 6, ..Tally::default() };
        let value = Kpi::Tar.value(&Measures { tender, tender_out_of_scope: 17, ..Measures::default() });
        assert_eq!(
            value.score_value().map(|v| v.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)),
            Some(d("84.17"))
        );
    }

    #[test]
    fn k6_timeliness() {
        let measures =
            Measures { status_timely: Ratio { numerator: 1420, denominator: 1560 }, ..Measures::default() };
        let value = Kpi::EdiTimely.value(&measures).score_value().unwrap();
        assert_eq!(value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero), d("91.03"));
    }

    #[test]
    fn money_per_kilogram_is_a_ratio_of_sums() {
        let mut measures = Measures::default();
        measures.freight_by_weight.add(10_000_000, 2_000);
        measures.freight_by_weight.add(2_000_000, 1_000);
        let value = Kpi::Cpkg.value(&measures);
        assert_eq!((value.numerator, value.denominator, value.net), (d("12"), d("3"), Some(d("4"))));
    }

    #[test]
    fn every_code_reads_back() {
        for kpi in Kpi::ALL {
            assert_eq!(kpi.code().parse::<Kpi>(), Ok(kpi));
        }
    }
}
