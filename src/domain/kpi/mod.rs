//! The KPI catalogue: one definition each, computed from [`Measures`] by one function (DOMAIN §1.5).
//! Pages, mails, clauses, scorecards and the command line all read [`Kpi::value`].

mod catalogue;

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::interval::wilson;
use super::measure::{
    DAY_BUCKET_MINUTES, DOCK_BUCKET_MINUTES, DWELL_BUCKET_MINUTES, Histogram, LEAD_BUCKET_MINUTES, Measures,
    RESPONSE_BUCKET_MINUTES, Ratio, Tally,
};
use super::money::MICROS_SCALE;
use super::signal::Better;

/// Decimal places of published fractions.
const FRACTION_SCALE: u32 = 6;
/// Grams are kilograms at this many decimal places.
const GRAMS_SCALE: u32 = 3;
/// Metres are kilometres at this many decimal places.
const METRES_SCALE: u32 = 3;
/// Kilograms times metres are tonne-kilometres at this many decimal places.
const KG_METRES_SCALE: u32 = 6;
const MINUTES_IN_HOUR: i64 = 60;
const MINUTES_IN_DAY: i64 = 24 * MINUTES_IN_HOUR;
/// Least share of the linehaul that benchmarks cover for `COST_INDEX` to have a figure (DOMAIN §1.5 D).
const MARKET_COVERAGE_PERCENT: i128 = 70;

/// A KPI of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kpi {
    /// On-time pickup, to the window.
    OtpWin,
    /// On-time pickup, to the day.
    OtpDay,
    /// Pickups not made on their day.
    MissedPu,
    /// On-time delivery, to the day.
    OtdDay,
    /// On-time delivery, to the window.
    OtdWin,
    /// On time and in full.
    Otif,
    /// Perfect deliveries.
    Perfect,
    /// First-attempt delivery success.
    Fads,
    /// Delivery attempts per consignment.
    Attempts,
    /// Returned to the sender.
    Rts,
    /// Within the transit standard.
    Ttv,
    /// Last-mile dwell, 90th percentile.
    DwellLm,
    /// Diversions by the carrier per 100.
    Divert,
    /// Tender acceptance within commitment.
    Tar,
    /// Acceptance of tenders offered to it first.
    Ftar,
    /// Tenders it took to cover a load.
    RgDepth,
    /// Accepted loads given back.
    Bounce,
    /// Time to answer a tender, 90th percentile.
    Trt,
    /// Acceptance of loads above the commitment.
    SurgeAcc,
    /// Status messages received of those owed.
    EdiComplete,
    /// Status messages in time of those received.
    EdiTimely,
    /// Status messages in time of those owed.
    Visibility,
    /// Proofs of delivery in time.
    PodTimely,
    /// Late deliveries announced in time.
    LateNotice,
    /// Cost per shipment.
    Cps,
    /// Cost per parcel or handling unit.
    Cpp,
    /// Cost per kilogram.
    Cpkg,
    /// Cost per kilometre.
    Cpkm,
    /// Cost per tonne-kilometre.
    Cptkm,
    /// Cost against contract.
    Cvc,
    /// Accessorials to linehaul.
    AccRatio,
    /// Hours waited beyond free time.
    DetHrs,
    /// Emissions per tonne-kilometre.
    Co2eInt,
    /// Share of emissions from primary data.
    PrimaryShare,
    /// Claims for loss and damage per 1,000 deliveries.
    ClaimFreq,
    /// Claims against freight.
    ClaimRatio,
    /// Days from filing a claim to its end, 90th percentile.
    ClaimCycle,
    /// Cases answered in time.
    RespSla,
    /// Customer contacts per 100 deliveries.
    Contacts,
    /// Linehaul against the market.
    CostIndex,
    /// Safety gate.
    SafetyGate,
    /// Weekly commitments kept.
    CommitAdh,
    /// Status messages neither refused nor corrected.
    EdiAccuracy,
    /// Stay at our docks, median.
    #[serde(rename = "DOCK_P50")]
    DockP50,
    /// Stay at our docks, 90th percentile.
    #[serde(rename = "DOCK_P90")]
    DockP90,
    /// Notice given with a tender, median.
    TenderLead,
    /// How far the plan was off.
    FcstErr,
    /// Days from invoice to payment, median.
    PayDays,
    /// What was decided for the partner.
    Overturn,
    /// Invoices that were right, by count.
    InvAcc,
    /// Invoices that were right, by value.
    InvAccV,
    /// Invoices in time.
    BillTimely,
}

/// Which facts stand behind a KPI, one line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Shipments or their stops.
    Shipments,
    /// Tenders.
    Tenders,
    /// Claims.
    Claims,
    /// Cases of communication.
    Cases,
    /// Safety records.
    Safety,
    /// Lanes and weeks.
    Weeks,
    /// Answers to what the partner asked.
    Answers,
    /// Invoices.
    Invoices,
}

impl Counted {
    /// What they are called, in the plural.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Shipments => "Shipments",
            Self::Tenders => "Tenders",
            Self::Claims => "Claims",
            Self::Cases => "Cases",
            Self::Safety => "Safety records",
            Self::Weeks => "Lanes and weeks",
            Self::Answers => "Decisions",
            Self::Invoices => "Invoices",
        }
    }
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
    /// Minutes.
    Minutes,
    /// Money of the reporting currency per shipment.
    MoneyPerShipment,
    /// Money of the reporting currency per handling unit.
    MoneyPerPiece,
    /// Money of the reporting currency per kilogram.
    MoneyPerKg,
    /// Money of the reporting currency per kilometre.
    MoneyPerKm,
    /// Money of the reporting currency per tonne-kilometre.
    MoneyPerTkm,
    /// Grams of CO2e per tonne-kilometre.
    GramsPerTkm,
    /// A fraction shown per thousand.
    PerThousand,
    /// Days.
    Days,
    /// A ratio shown with 100 for equal.
    Index,
    /// Passed or failed; of several, the share that passed.
    Gate,
}

impl Unit {
    /// The unit in words, as a heading names it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Percent => "per cent",
            Self::PerHundred => "per 100",
            Self::Ratio => "ratio",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
            Self::MoneyPerShipment => "money per shipment",
            Self::MoneyPerPiece => "money per piece",
            Self::MoneyPerKg => "money per kg",
            Self::MoneyPerKm => "money per km",
            Self::MoneyPerTkm => "money per tonne-km",
            Self::GramsPerTkm => "grams per tonne-km",
            Self::PerThousand => "per 1,000",
            Self::Days => "days",
            Self::Index => "index, 100 is the market",
            Self::Gate => "passed or failed",
        }
    }

    /// What is written behind a figure; empty where the heading says it all.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Percent | Self::Gate => "%",
            Self::Days => "days",
            Self::Hours => "h",
            Self::Minutes => "min",
            Self::GramsPerTkm => "g/tkm",
            _ => "",
        }
    }

    /// Whether a value is an amount of the reporting currency.
    #[must_use]
    pub fn is_money(self) -> bool {
        matches!(
            self,
            Self::MoneyPerShipment
                | Self::MoneyPerPiece
                | Self::MoneyPerKg
                | Self::MoneyPerKm
                | Self::MoneyPerTkm
        )
    }
}

/// How a value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Obligations judged one by one: a share with excused misses, gross and net, and an interval.
    Judged,
    /// A share of counted units, with an interval.
    Share,
    /// A ratio of sums; no interval, since nothing was drawn at random.
    Sums,
    /// A percentile of durations, read to the upper edge of its bucket.
    Percentile,
    /// The newest of several looks; one says all, and none of them was drawn at random.
    State,
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
    /// How it is made.
    pub shape: Shape,
    /// The formula in words.
    pub formula: &'static str,
    /// The day a unit belongs to.
    pub basis: &'static str,
    /// What counts, with which tolerance.
    pub rules: &'static str,
    /// Floor, target and stretch a template starts from, in the unit of the thresholds; none for what is information.
    pub thresholds: Option<[Decimal; 3]>,
    /// Where the definition comes from.
    pub source: &'static str,
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
    pub const ALL: [Self; 52] = [
        Self::OtpWin,
        Self::OtpDay,
        Self::MissedPu,
        Self::OtdDay,
        Self::OtdWin,
        Self::Otif,
        Self::Perfect,
        Self::Fads,
        Self::Attempts,
        Self::Rts,
        Self::Ttv,
        Self::DwellLm,
        Self::Divert,
        Self::Tar,
        Self::Ftar,
        Self::RgDepth,
        Self::Bounce,
        Self::Trt,
        Self::SurgeAcc,
        Self::EdiComplete,
        Self::EdiTimely,
        Self::Visibility,
        Self::PodTimely,
        Self::LateNotice,
        Self::Cps,
        Self::Cpp,
        Self::Cpkg,
        Self::Cpkm,
        Self::Cptkm,
        Self::Cvc,
        Self::AccRatio,
        Self::DetHrs,
        Self::Co2eInt,
        Self::PrimaryShare,
        Self::InvAcc,
        Self::InvAccV,
        Self::BillTimely,
        Self::ClaimFreq,
        Self::ClaimRatio,
        Self::ClaimCycle,
        Self::RespSla,
        Self::Contacts,
        Self::CostIndex,
        Self::SafetyGate,
        Self::CommitAdh,
        Self::EdiAccuracy,
        Self::DockP50,
        Self::DockP90,
        Self::TenderLead,
        Self::FcstErr,
        Self::PayDays,
        Self::Overturn,
    ];

    /// What the partner experiences from the shipper, in reading order: the two-way card.
    pub const OF_US: [Self; 6] =
        [Self::DockP50, Self::DockP90, Self::TenderLead, Self::FcstErr, Self::PayDays, Self::Overturn];

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

    /// Which way a clause takes it. What is not scored since it depends on the mix is a price to its parties: a cost is
    /// better lower.
    #[must_use]
    pub fn better_in_clause(self) -> Better {
        let definition = self.definition();
        definition.better.unwrap_or(if definition.unit.is_money() { Better::Lower } else { Better::Higher })
    }

    /// Whether it is a share of units, so that each one missed can be counted.
    #[must_use]
    pub fn is_share_of_units(self) -> bool {
        let definition = self.definition();
        definition.unit == Unit::Percent && matches!(definition.shape, Shape::Judged | Shape::Share)
    }

    /// The facts that stand behind it.
    #[must_use]
    pub fn counted(self) -> Counted {
        match self {
            Self::Tar
            | Self::Ftar
            | Self::RgDepth
            | Self::Bounce
            | Self::Trt
            | Self::SurgeAcc
            | Self::TenderLead => Counted::Tenders,
            Self::ClaimFreq | Self::ClaimRatio | Self::ClaimCycle => Counted::Claims,
            Self::RespSla | Self::Contacts => Counted::Cases,
            Self::SafetyGate => Counted::Safety,
            Self::CommitAdh | Self::FcstErr => Counted::Weeks,
            Self::Overturn => Counted::Answers,
            Self::InvAcc | Self::InvAccV | Self::BillTimely => Counted::Invoices,
            _ => Counted::Shipments,
        }
    }

    /// Whether it counts tenders.
    #[must_use]
    pub fn counts_tenders(self) -> bool {
        self.counted() == Counted::Tenders
    }

    /// Whether it says how the shipper does, so that no scorecard of a partner shows it unless a template names it.
    #[must_use]
    pub fn is_of_us(self) -> bool {
        Self::OF_US.contains(&self)
    }

    /// The width of the buckets in minutes that its percentile is read from; none where it is no percentile.
    #[must_use]
    pub fn bucket_minutes(self) -> Option<i64> {
        Some(match self {
            Self::Trt => RESPONSE_BUCKET_MINUTES,
            Self::DwellLm => DWELL_BUCKET_MINUTES,
            Self::DockP50 | Self::DockP90 => DOCK_BUCKET_MINUTES,
            Self::TenderLead => LEAD_BUCKET_MINUTES,
            Self::ClaimCycle | Self::PayDays => DAY_BUCKET_MINUTES,
            _ => return None,
        })
    }

    /// Whether it counts invoices; they belong to the day they were received.
    #[must_use]
    pub fn counts_invoices(self) -> bool {
        self.counted() == Counted::Invoices
    }

    /// Whether it is made of what a feed says of a delivery beyond times and amounts.
    #[must_use]
    pub fn reads_quality(self) -> bool {
        matches!(
            self,
            Self::Otif
                | Self::Perfect
                | Self::Ttv
                | Self::PodTimely
                | Self::LateNotice
                | Self::Co2eInt
                | Self::PrimaryShare
                | Self::EdiAccuracy
                | Self::PayDays
        )
    }

    /// Whether its units belong to the day of their pickup; else to the day of the shipment or the tender.
    #[must_use]
    pub fn is_of_pickups(self) -> bool {
        matches!(self, Self::OtpWin | Self::OtpDay | Self::MissedPu)
    }

    /// The value over `measures`; the only place where a KPI is computed.
    #[must_use]
    pub fn value(self, measures: &Measures) -> KpiValue {
        match self {
            Self::OtpWin => self.of_tally(&measures.pickup_window),
            Self::OtpDay => self.of_tally(&measures.pickup_day),
            Self::MissedPu => self.of_failures(&measures.pickup_day),
            Self::OtdDay => self.of_tally(&measures.delivery_day),
            Self::OtdWin => self.of_tally(&measures.delivery_window),
            Self::Fads => self.of_tally(&measures.first_attempt),
            Self::Tar => self.of_tally(&measures.tender),
            Self::Ftar => self.of_tally(&measures.first_tender),
            Self::SurgeAcc => self.of_tally(&measures.surge),
            Self::Bounce => self.of_proportion(*measures.bounced),
            Self::Rts => self.of_proportion(measures.returned),
            Self::Divert => self.of_proportion(measures.diverted),
            Self::EdiComplete => self.of_proportion(measures.status_complete),
            Self::EdiTimely => self.of_proportion(measures.status_timely),
            Self::Visibility => self.of_proportion(measures.status_visible),
            Self::Attempts => self.of_sums(measures.attempts, 0, 0, measures.attempts.denominator),
            Self::RgDepth => self.of_sums(*measures.route_guide, 0, 0, measures.route_guide.denominator),
            Self::Cps => self.of_sums(measures.freight, MICROS_SCALE, 0, measures.freight.denominator),
            Self::Cpp => self.of_sums(measures.freight_by_piece, MICROS_SCALE, 0, measures.with_pieces),
            Self::Cpkg => {
                self.of_sums(measures.freight_by_weight, MICROS_SCALE, GRAMS_SCALE, measures.weighed)
            }
            Self::Cpkm => {
                self.of_sums(measures.freight_by_distance, MICROS_SCALE, METRES_SCALE, measures.with_distance)
            }
            Self::Cptkm => {
                self.of_sums(measures.freight_by_work, MICROS_SCALE, KG_METRES_SCALE, measures.with_work)
            }
            Self::AccRatio => {
                self.of_sums(measures.accessorial, MICROS_SCALE, MICROS_SCALE, measures.with_linehaul)
            }
            Self::Cvc => {
                let Ratio { numerator: billed, denominator: rated } = measures.billed_to_rated;
                let over = Ratio { numerator: billed.saturating_sub(rated), denominator: rated };
                self.of_sums(over, MICROS_SCALE, MICROS_SCALE, measures.rated)
            }
            Self::DetHrs => {
                // Minutes over the minutes of one hour at every stop: hours a stop, without rounding.
                let Ratio { numerator, denominator: stops } = *measures.detention;
                let hours = Ratio { numerator, denominator: stops.saturating_mul(MINUTES_IN_HOUR) };
                self.of_sums(hours, 0, 0, stops)
            }
            Self::Otif => self.of_tally(&measures.in_full),
            Self::Perfect => self.of_tally(&measures.perfect),
            Self::Ttv => self.of_proportion(measures.transit),
            Self::PodTimely => self.of_tally(&measures.proof),
            Self::LateNotice => self.of_proportion(measures.late_notice),
            Self::Co2eInt => self.of_sums(*measures.emission, 0, KG_METRES_SCALE, measures.emission_own),
            Self::PrimaryShare => self.of_sums(
                Ratio {
                    numerator: measures.emission_primary_work,
                    denominator: measures.emission.denominator,
                },
                KG_METRES_SCALE,
                KG_METRES_SCALE,
                measures.emission_count,
            ),
            Self::InvAcc => self.of_proportion(*measures.invoices_right),
            Self::InvAccV => {
                let Ratio { numerator: error, denominator: right } = *measures.invoice_error;
                let kept = Ratio { numerator: right.saturating_sub(error), denominator: right };
                self.of_sums(kept, MICROS_SCALE, MICROS_SCALE, measures.invoices_valued)
            }
            Self::BillTimely => self.of_proportion(*measures.invoices_timely),
            Self::DwellLm => self.of_percentile(&measures.dwell, 90, MINUTES_IN_HOUR),
            Self::Trt => self.of_percentile(&measures.response, 90, 1),
            Self::ClaimFreq => self.of_proportion(*measures.claims),
            Self::ClaimRatio => {
                // Without deliveries of partners whose claims are kept nothing is known of claims.
                let kept = measures.claims.denominator > 0;
                let freight = if kept { measures.freight.numerator } else { 0 };
                let claimed = Ratio { numerator: measures.claimed, denominator: freight };
                self.of_sums(claimed, MICROS_SCALE, MICROS_SCALE, measures.freight.denominator)
            }
            Self::ClaimCycle => self.of_percentile(&measures.claim_settled, 90, MINUTES_IN_DAY),
            Self::RespSla => self.of_tally(&measures.case_answers),
            Self::Contacts => self.of_proportion(*measures.contacts),
            Self::CostIndex => {
                let Ratio { numerator: covered, denominator: benchmark } = *measures.market;
                let spend = i128::from(measures.accessorial.denominator);
                let enough = i128::from(covered) * 100 >= spend * MARKET_COVERAGE_PERCENT;
                let market = Ratio { numerator: covered, denominator: if enough { benchmark } else { 0 } };
                self.of_sums(market, MICROS_SCALE, MICROS_SCALE, measures.with_market)
            }
            Self::SafetyGate => {
                let looked = measures.safety.looked();
                self.of_sums(Ratio { numerator: measures.safety.passed(), denominator: looked }, 0, 0, looked)
            }
            Self::CommitAdh => self.of_proportion(*measures.commitment),
            Self::EdiAccuracy => self.of_proportion(*measures.status_accurate),
            Self::DockP50 => self.of_percentile(&measures.dock, 50, 1),
            Self::DockP90 => self.of_percentile(&measures.dock, 90, 1),
            Self::TenderLead => self.of_percentile(&measures.lead, 50, MINUTES_IN_HOUR),
            Self::FcstErr => self.of_sums(*measures.forecast, 0, 0, measures.forecast.denominator),
            Self::PayDays => self.of_percentile(&measures.paid, 50, MINUTES_IN_DAY),
            Self::Overturn => self.of_proportion(*measures.overturned),
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

    /// The share that failed of what [`Kpi::of_tally`] counts; an excused failure counts gross.
    fn of_failures(self, tally: &Tally) -> KpiValue {
        let failures = tally.late + tally.no_evidence;
        let n = tally.success + failures;
        let interval = wilson(failures, n);
        KpiValue {
            numerator: Decimal::from(failures),
            denominator: Decimal::from(n),
            gross: fraction(failures + tally.excused, n + tally.excused),
            net: fraction(failures, n),
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

    /// A percentile of durations in `unit_minutes`.
    fn of_percentile<const BUCKET: i64>(
        self,
        durations: &Histogram<BUCKET>,
        percent: i64,
        unit_minutes: i64,
    ) -> KpiValue {
        let n = durations.total();
        let value = durations
            .percentile_minutes(percent)
            .map(|minutes| published(Decimal::from(minutes) / Decimal::from(unit_minutes)));
        KpiValue {
            numerator: value.unwrap_or_default(),
            denominator: Decimal::from(n),
            gross: value,
            net: value,
            n,
            ..self.empty()
        }
    }
}

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
        let percentile = self.kpi.definition().shape == Shape::Percentile;
        Some((self.numerator, if percentile { Decimal::ONE } else { self.denominator }))
    }

    /// Turns a fraction of this KPI into the unit of its thresholds.
    #[must_use]
    pub fn in_threshold_unit(&self, value: Decimal) -> Decimal {
        match self.kpi.definition().unit {
            Unit::Percent | Unit::PerHundred | Unit::Index | Unit::Gate => {
                (value * Decimal::ONE_HUNDRED).normalize()
            }
            Unit::PerThousand => (value * Decimal::ONE_THOUSAND).normalize(),
            Unit::Ratio
            | Unit::Hours
            | Unit::Minutes
            | Unit::MoneyPerShipment
            | Unit::MoneyPerPiece
            | Unit::MoneyPerKg
            | Unit::MoneyPerKm
            | Unit::MoneyPerTkm
            | Unit::GramsPerTkm
            | Unit::Days => value,
        }
    }

    /// Judged ÷ (judged + without baseline); None when there is nothing of either (DOMAIN §1.2).
    #[must_use]
    pub fn coverage(&self) -> Option<Decimal> {
        fraction(self.n + self.excused, self.n + self.excused + self.no_baseline)
    }

    /// Whether something it counts went wrong: a success is missing where more is better, and one is there where
    /// less is. None where the KPI tells no good from bad.
    #[must_use]
    pub fn has_misses(&self) -> Option<bool> {
        if !self.is_proportion() {
            return None;
        }
        Some(match self.kpi.definition().better? {
            Better::Higher => self.numerator < self.denominator,
            Better::Lower => self.numerator > Decimal::ZERO,
        })
    }

    /// Whether the value is a share of counted units, with an interval.
    #[must_use]
    pub fn is_proportion(&self) -> bool {
        matches!(self.kpi.definition().shape, Shape::Judged | Shape::Share)
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

    fn two_places(value: Decimal) -> Decimal {
        value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }

    #[test]
    fn no_data_is_no_data() {
        for kpi in Kpi::ALL {
            let value = kpi.value(&Measures::default());
            assert_eq!((value.gross, value.net, value.low, value.high), (None, None, None, None), "{kpi}");
        }
    }

    #[test]
    fn detention_is_hours_per_hundred_stops() {
        let measures =
            Measures { detention: Ratio { numerator: 90, denominator: 20 }.into(), ..Measures::default() };
        assert_eq!(Kpi::DetHrs.value(&measures).score_value(), Some(d("7.5")));
    }

    #[test]
    fn k9_emissions_per_tonne_kilometre() {
        // DOMAIN K9: 11 656.8 tkm, 1 076.796 kg.
        let measures = Measures {
            emission: Ratio { numerator: 1_076_796, denominator: 11_656_800_000 }.into(),
            emission_own: 3,
            ..Measures::default()
        };
        let value = Kpi::Co2eInt.value(&measures);
        let shown = value.net.unwrap().round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        assert_eq!((shown, value.n), (d("92.37"), 3));
        // Defaults alone are shown and never scored.
        let value = Kpi::Co2eInt.value(&Measures { emission_own: 0, ..measures });
        assert_eq!((value.net.is_some(), value.n), (true, 0));
    }

    #[test]
    fn k7_invoices_by_count_and_by_value() {
        // DOMAIN K7: billed 1000.00, 512.40, 250.00, 98.00 against 1000.00, 500.00, 250.00, 100.00.
        let mut measures = Measures { invoices_valued: 4, ..Measures::default() };
        for (error, right) in
            [(0, 1_000_000_000), (12_400_000, 500_000_000), (0, 250_000_000), (2_000_000, 100_000_000)]
        {
            measures.invoices_right.add(i64::from(error == 0), 1);
            measures.invoice_error.add(error, right);
        }
        assert_eq!(Kpi::InvAcc.value(&measures).net, Some(d("0.5")));
        let value = Kpi::InvAccV.value(&measures);
        let shown = value.net.unwrap().round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
        assert_eq!((shown, value.n, value.low), (d("0.9922"), 4, None));
    }

    #[test]
    fn an_index_says_nothing_below_seventy_per_cent_of_the_linehaul() {
        let of = |spend: i64| {
            let measures = Measures {
                market: Ratio { numerator: 71_050_000_000, denominator: 69_900_000_000 }.into(),
                with_market: 60,
                accessorial: Ratio { numerator: 0, denominator: spend },
                ..Measures::default()
            };
            let value = Kpi::CostIndex.value(&measures);
            (value.score_value().map(two_places), value.n)
        };
        // DOMAIN K8, wholly covered and by seven tenths.
        assert_eq!(of(71_050_000_000), (Some(d("101.65")), 60));
        assert_eq!(of(101_500_000_000), (Some(d("101.65")), 60));
        assert_eq!(of(101_500_000_001), (None, 0));
    }

    #[test]
    fn claims_are_measured_against_deliveries_and_freight_where_claims_are_kept() {
        let mut measures = Measures { claimed: 250_000_000, ..Measures::default() };
        measures.freight.add(100_000_000_000, 400);
        measures.claims.add(2, 0);
        assert_eq!(Kpi::ClaimRatio.value(&measures).net, None);
        measures.claims.add(0, 400);
        assert_eq!(Kpi::ClaimFreq.value(&measures).score_value(), Some(d("5")));
        assert_eq!(Kpi::ClaimRatio.value(&measures).score_value(), Some(d("0.25")));
    }

    #[test]
    fn missed_pickups_are_the_failures_of_the_day() {
        let tally = Tally { success: 90, late: 4, no_evidence: 2, excused: 4, ..Tally::default() };
        let value = Kpi::MissedPu.value(&Measures { pickup_day: tally, ..Measures::default() });
        assert_eq!((value.net, value.gross, value.n), (Some(d("0.0625")), Some(d("0.1")), 96));
    }

    #[test]
    fn thresholds_of_the_catalogue_rise_or_fall() {
        for kpi in Kpi::ALL {
            let definition = kpi.definition();
            assert_eq!(definition.thresholds.is_some(), definition.better.is_some(), "{kpi}");
            let Some([floor, target, stretch]) = definition.thresholds else { continue };
            let higher = definition.better == Some(Better::Higher);
            let ordered =
                if higher { floor < target && target < stretch } else { floor > target && target > stretch };
            assert!(ordered, "{kpi}");
        }
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
