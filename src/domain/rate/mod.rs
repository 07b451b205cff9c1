//! What a contract charges, and the engine that rates a shipment by it (DOMAIN §3.2–§3.10).
//!
//! [`RateTerms`] is everything the contract says about price, one value to store, show, compare and seal.
//! [`CompiledRates::new`] checks it and lays it out for speed; [`CompiledRates::rate`] prices a [`RatingRequest`] in
//! the order of DOMAIN §3.4. What cannot be priced is UNRATED with its reason, never 0.00.
//!
//! Reading order: this file (the terms), [`request`], `weigh`, `table`, `lane`, [`engine`], [`trace`], [`diff`].

pub mod cap;
pub mod change;
pub mod claim;
mod compile;
mod complete;
pub mod diff;
pub mod engine;
pub mod form;
pub mod fx;
mod lane;
mod linehaul;
pub mod particulars;
pub mod request;
pub mod rows;
pub mod seal;
pub mod sheet;
mod table;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod view;
mod weigh;

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::accessorial::AccessorialRate;
use super::accessorial::condition::Condition;
use super::commitment::{CapacityCommitment, VolumeCommitment};
use super::currency::Currency;
use super::exact::Rounding;
use super::field::codes;
use super::fuel::FuelProgramme;
use super::geo::{GeoSelector, Zone};
use super::money::{Bps, Micros};
use super::quantity::{ChargeUnit, DistanceUnit, LengthUnit, WeightUnit};
use super::service_level::{SeasonCalendar, ServiceLevel};
use super::tier::TierProgramme;

pub use change::{PricingChange, PricingPart, pricing_changes};
pub use compile::CompiledRates;
pub use complete::{Activation, missing_terms};
pub use diff::{CellChange, DiffSummary, TableDiff, diff_lines, diff_summary};
pub use engine::{ChargeLine, ChargePart, Market, NotApplicable, RateStatus, Rated, Unrated};
pub use fx::{FxRate, FxRates};
pub use particulars::Particulars;
pub use request::{Article, Piece, RatingRequest, UnitCount};
pub use rows::{RateRow, cells_from_rows};
pub use seal::{Pricing, TableSeal};
pub use sheet::{Columns, Ends, Said, Sheet, SheetBuilder, SheetRow};
pub use trace::{NoTrace, Step, Steps, Trace, TraceLine};

/// Cells one rate line may have.
pub const CELLS_MAX: usize = 1_000_000;
/// Rate lines a contract version may have.
pub const LINES_MAX: usize = 10_000;
/// Lanes a contract version may have.
pub const LANES_MAX: usize = 100_000;
/// Zones a contract version may have.
pub const ZONES_MAX: usize = 2_000;
/// Accessorial rates a contract version may have.
pub const ACCESSORIALS_MAX: usize = 2_000;
/// Columns (classes, zones) one rate line may have.
pub const COLUMNS_MAX: usize = 1_000;
/// Service levels, fuel programmes, calendars, commitments, tiers and taxes a version may have, each.
pub const PROGRAMMES_MAX: usize = 500;
/// Highest rate, minimum or maximum, in whole currency units.
pub const RATE_MAX: Micros = Micros(1_000_000_000_000);
/// Problems reported at once; more of them tell nobody more.
pub const PROBLEMS_MAX: usize = 100;

codes! {
    /// What the rate of a line multiplies.
    RateBasis, "rate basis" {
        /// Nothing: the rate is the charge.
        Flat = "FLAT", "flat";
        /// Billed distance.
        PerDistance = "PER_DISTANCE", "per unit of distance";
        /// Billed weight.
        PerWeight = "PER_WEIGHT", "per unit of weight";
        /// Each hundred of billed weight.
        PerCwt = "PER_CWT", "per hundredweight";
        /// Units of [`RateLine::unit`].
        PerUnit = "PER_UNIT", "per unit";
    }
}

codes! {
    /// What the bands of a table run over.
    Axis, "table axis" {
        /// Billed weight.
        Weight = "WEIGHT", "weight";
        /// Billed distance.
        Distance = "DISTANCE", "distance";
        /// Units of [`RateLine::unit`].
        Units = "UNITS", "units";
    }
}

codes! {
    /// What the columns of a table stand for.
    ColumnsBy, "column kind" {
        /// There is one column only.
        None = "NONE", "one column";
        /// Freight classes.
        Class = "CLASS", "freight class";
        /// Zones: the shipment's, else that of its destination.
        Zone = "ZONE", "zone";
    }
}

codes! {
    /// Which ends of a band belong to it.
    BandEdges, "band edges" {
        /// The lower end does, the upper does not.
        HalfOpen = "HALF_OPEN", "from, up to but without";
        /// Both do.
        Closed = "CLOSED", "from, up to and with";
        /// The upper end does, the lower does not.
        UpTo = "UP_TO", "above, up to and with";
    }
}

codes! {
    /// What holds where bands overlap.
    OverlapRule, "overlap rule" {
        /// Overlaps are mistakes and refused.
        Refuse = "REFUSE", "refused";
        /// The cheapest charge.
        Cheapest = "CHEAPEST", "the cheapest charge";
        /// The dearest charge.
        Dearest = "DEAREST", "the dearest charge";
    }
}

codes! {
    /// What holds where bands leave a gap.
    GapRule, "gap rule" {
        /// Gaps are mistakes and refused.
        Refuse = "REFUSE", "refused";
        /// A shipment in a gap is unrated.
        Unrated = "UNRATED", "unrated";
    }
}

codes! {
    /// What a line prices at once.
    RatedBy, "rating grain" {
        /// The shipment as a whole.
        Shipment = "SHIPMENT", "the shipment";
        /// Each piece by itself, with its own discount and minimum.
        Piece = "PIECE", "each piece";
    }
}

codes! {
    /// Which day decides the version, the rate and the rules.
    RatingDate, "rating date" {
        /// Actual pickup, local: the tariff in force when the goods are received.
        Pickup = "PICKUP", "pickup";
        /// The day it was ordered.
        Ordered = "ORDERED", "order";
        /// Actual delivery, local.
        Delivery = "DELIVERY", "delivery";
        /// The day of the invoice.
        Invoice = "INVOICE", "invoice";
    }
}

codes! {
    /// Whether a line's minimum is itself discounted.
    MinimumOrder, "minimum order" {
        /// The minimum holds after the discount.
        AfterDiscount = "AFTER_DISCOUNT", "after the discount";
        /// The minimum holds before the discount, which then comes off it.
        BeforeDiscount = "BEFORE_DISCOUNT", "before the discount";
    }
}

codes! {
    /// Which linehaul fuel is charged on.
    FuelBase, "fuel base" {
        /// After discount and minimum.
        Net = "NET", "net linehaul";
        /// Before discount.
        Gross = "GROSS", "gross linehaul";
    }
}

/// Everything a contract version says about price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateTerms {
    /// Currency of the contract and of every total.
    pub currency: Currency,
    /// How to rate.
    #[serde(default)]
    pub parameters: RateParameters,
    /// Named zones.
    #[serde(default)]
    pub zones: Vec<Zone>,
    /// What services promise.
    #[serde(default)]
    pub service_levels: Vec<ServiceLevel>,
    /// From where to where, and by which rate line.
    #[serde(default)]
    pub lanes: Vec<Lane>,
    /// The rate tables.
    #[serde(default)]
    pub lines: Vec<RateLine>,
    /// Charges beside linehaul and fuel, peak surcharges included.
    #[serde(default)]
    pub accessorials: Vec<AccessorialRate>,
    /// Fuel surcharges.
    #[serde(default)]
    pub fuel: Vec<FuelProgramme>,
    /// Peak and season windows.
    #[serde(default)]
    pub calendars: Vec<SeasonCalendar>,
    /// Taxes, charged last.
    #[serde(default)]
    pub taxes: Vec<TaxRate>,
    /// Volume promises.
    #[serde(default)]
    pub volumes: Vec<VolumeCommitment>,
    /// Capacity promises.
    #[serde(default)]
    pub capacities: Vec<CapacityCommitment>,
    /// Volume tiers and rebates.
    #[serde(default)]
    pub tiers: Vec<TierProgramme>,
}

impl RateTerms {
    /// No rates yet.
    #[must_use]
    pub fn empty(currency: Currency) -> Self {
        Self {
            currency,
            parameters: RateParameters::default(),
            zones: Vec::new(),
            service_levels: Vec::new(),
            lanes: Vec::new(),
            lines: Vec::new(),
            accessorials: Vec::new(),
            fuel: Vec::new(),
            calendars: Vec::new(),
            taxes: Vec::new(),
            volumes: Vec::new(),
            capacities: Vec::new(),
            tiers: Vec::new(),
        }
    }
}

impl RateTerms {
    /// The currencies, beside the contract's, that amounts are written in and converted from.
    #[must_use]
    pub fn foreign_currencies(&self) -> BTreeSet<Currency> {
        let lines = self.lines.iter().filter_map(|line| line.currency);
        let fuel = self.fuel.iter().filter_map(|programme| programme.currency);
        lines.chain(fuel).filter(|currency| *currency != self.currency).collect()
    }
}

/// How to rate: everything that is a choice of the contract and not a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateParameters {
    /// Which day decides.
    pub rating_date: RatingDate,
    /// Unit the tariff weighs in.
    pub weight_unit: WeightUnit,
    /// Unit the tariff measures distance in.
    pub distance_unit: DistanceUnit,
    /// From actual to billed weight.
    pub weight_rounding: Rounding,
    /// From measured to billed distance.
    pub distance_rounding: Rounding,
    /// How size becomes weight, by date.
    pub dims: Vec<DimRule>,
    /// Whether a shipment may be charged as if it weighed a higher break, when that is cheaper (DOMAIN §3.5).
    pub deficit: bool,
    /// Whether a line's minimum is itself discounted.
    pub minimum_order: MinimumOrder,
    /// Which linehaul fuel is charged on.
    pub fuel_base: FuelBase,
    /// Most a cell may rise over its prior rate (DOMAIN §3.1).
    pub price_cap: Option<Bps>,
    /// Shipments no rate exists for by agreement, such as those the customer collects.
    pub not_applicable: Option<Condition>,
    /// Freight classes rated as another one.
    pub fak: Vec<FakRule>,
    /// Named mileage guide and version.
    pub distance_source: Option<String>,
    /// Days in which an invoice can be disputed.
    pub dispute_days: Option<u32>,
    /// What spend and service are compared with.
    pub baseline: Option<String>,
}

impl Default for RateParameters {
    fn default() -> Self {
        Self {
            rating_date: RatingDate::Pickup,
            weight_unit: WeightUnit::Lb,
            distance_unit: DistanceUnit::Mi,
            weight_rounding: Rounding::NONE,
            distance_rounding: Rounding::WHOLE,
            dims: Vec::new(),
            deficit: false,
            minimum_order: MinimumOrder::AfterDiscount,
            fuel_base: FuelBase::Net,
            price_cap: None,
            not_applicable: None,
            fak: Vec::new(),
            distance_source: None,
            dispute_days: None,
            baseline: None,
        }
    }
}

/// Freight of all kinds: these classes are rated as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FakRule {
    /// Actual classes.
    pub classes: Vec<String>,
    /// The class they are rated as.
    pub rated_as: String,
}

/// How size becomes weight while it is in force (DOMAIN §3.6, §3.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimRule {
    /// First day; from ever when none.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// First day no longer; open when none.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// Unit the sides are taken in.
    pub length_unit: LengthUnit,
    /// How the weight of size itself is rounded.
    pub weight_rounding: Rounding,
    /// The rule.
    pub method: DimMethod,
}

/// A rule from size to weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum DimMethod {
    /// Sides rounded, multiplied and divided, piece by piece: parcels.
    Divisor {
        /// Cubic length per unit of weight, such as 139.
        divisor: Micros,
        /// How each side is rounded first.
        side_rounding: Rounding,
    },
    /// Volume and loading metres times a ratio, over the shipment: groupage.
    Ratio {
        /// Weight per cubic length, such as 333.
        #[serde(default)]
        per_cube: Option<Micros>,
        /// Weight per loading metre, such as 1,850.
        #[serde(default)]
        per_loading_metre: Option<Micros>,
        /// Width of the vehicle, such as 2.4.
        vehicle_width: Micros,
    },
}

/// From where to where, and by which rate line. Equipment and service match exactly before any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// The name people cite.
    pub code: String,
    /// Where it starts.
    pub origin: GeoSelector,
    /// Where it goes.
    pub destination: GeoSelector,
    /// Equipment; any when none.
    #[serde(default)]
    pub equipment: Option<String>,
    /// Service level; any when none.
    #[serde(default)]
    pub service: Option<String>,
    /// Transit standard in business days, where it is not the service level's.
    #[serde(default)]
    pub transit_business_days: Option<u16>,
    /// Code of the rate line; several lines may share it, one after another in time.
    pub line: String,
}

/// One rate table. Its structure is its basis and its axes: a hundredweight tariff is `PER_CWT` over weight, a
/// parcel table is `FLAT` over weight with zones as columns, a household-goods tariff is `FLAT` over weight and
/// distance, a load rate is one `FLAT` cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLine {
    /// The name lanes use.
    pub code: String,
    /// The words on the charge line.
    pub label: String,
    /// Charge code on the charge line, usually `400`.
    #[serde(default = "RateLine::usual_charge")]
    pub charge: String,
    /// First day; the contract's when none.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// First day no longer; the contract's when none.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// Currency of its amounts; the contract's when none.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// What a rate multiplies.
    pub basis: RateBasis,
    /// The unit, for [`RateBasis::PerUnit`] and [`Axis::Units`].
    #[serde(default)]
    pub unit: Option<ChargeUnit>,
    /// What the columns stand for.
    #[serde(default = "RateLine::one_column")]
    pub columns_by: ColumnsBy,
    /// Names of the columns; empty when there is one only.
    #[serde(default)]
    pub columns: Vec<String>,
    /// What the first band of a cell runs over.
    #[serde(default)]
    pub first: Option<Axis>,
    /// What the second band of a cell runs over.
    #[serde(default)]
    pub second: Option<Axis>,
    /// Which ends belong to a band.
    #[serde(default = "RateLine::half_open")]
    pub edges: BandEdges,
    /// What holds where bands overlap.
    #[serde(default = "RateLine::refuse_overlaps")]
    pub overlaps: OverlapRule,
    /// What holds where bands leave a gap.
    #[serde(default = "RateLine::refuse_gaps")]
    pub gaps: GapRule,
    /// What it prices at once.
    #[serde(default = "RateLine::whole_shipment")]
    pub rated_by: RatedBy,
    /// The table. The order of cells means nothing.
    pub cells: Vec<Cell>,
    /// Rates per unit of weight above the table's highest band, by column.
    #[serde(default)]
    pub above: Vec<AboveRate>,
    /// Discount off the gross charge.
    #[serde(default)]
    pub discount: Bps,
    /// Minimum charge; whether the discount comes off it is [`RateParameters::minimum_order`].
    #[serde(default)]
    pub min: Option<Micros>,
    /// Least linehaul after all discounts.
    #[serde(default)]
    pub absolute_min: Option<AbsoluteMinimum>,
    /// Most linehaul.
    #[serde(default)]
    pub max: Option<Micros>,
}

impl RateLine {
    fn usual_charge() -> String {
        "400".to_owned()
    }
    const fn one_column() -> ColumnsBy {
        ColumnsBy::None
    }
    const fn half_open() -> BandEdges {
        BandEdges::HalfOpen
    }
    const fn refuse_overlaps() -> OverlapRule {
        OverlapRule::Refuse
    }
    const fn refuse_gaps() -> GapRule {
        GapRule::Refuse
    }
    const fn whole_shipment() -> RatedBy {
        RatedBy::Shipment
    }

    /// A line without cells, with the usual choices: half-open bands, no overlaps, no gaps, whole shipments.
    #[must_use]
    pub fn new(code: &str, label: &str, basis: RateBasis) -> Self {
        Self {
            code: code.to_owned(),
            label: label.to_owned(),
            charge: Self::usual_charge(),
            valid_from: None,
            valid_to: None,
            currency: None,
            basis,
            unit: None,
            columns_by: ColumnsBy::None,
            columns: Vec::new(),
            first: None,
            second: None,
            edges: BandEdges::HalfOpen,
            overlaps: OverlapRule::Refuse,
            gaps: GapRule::Refuse,
            rated_by: RatedBy::Shipment,
            cells: Vec::new(),
            above: Vec::new(),
            discount: Bps(0),
            min: None,
            absolute_min: None,
            max: None,
        }
    }

    /// Whether the line holds on `day`.
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day < to)
    }

    /// Everything but the cells.
    #[must_use]
    pub fn head(&self) -> Self {
        Self {
            code: self.code.clone(),
            label: self.label.clone(),
            charge: self.charge.clone(),
            columns: self.columns.clone(),
            cells: Vec::new(),
            above: self.above.clone(),
            ..*self
        }
    }
}

/// Part of an axis; the line's [`BandEdges`] say which ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Lower end.
    pub lower: Micros,
    /// Upper end; open when none.
    #[serde(default)]
    pub upper: Option<Micros>,
}

impl Band {
    /// Everything from 0 on; the band of an axis the table does not have.
    pub const ALL: Self = Self { lower: Micros::ZERO, upper: None };
}

impl Default for Band {
    fn default() -> Self {
        Self::ALL
    }
}

/// One price of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Index into [`RateLine::columns`]; 0 when there is one column only.
    #[serde(default)]
    pub column: u16,
    /// Band of the first axis.
    #[serde(default)]
    pub first: Band,
    /// Band of the second axis.
    #[serde(default)]
    pub second: Band,
    /// The published rate.
    pub rate: Micros,
    /// The rate before, which a price cap holds it to.
    #[serde(default)]
    pub prior: Option<Micros>,
    /// Least gross charge by this cell.
    #[serde(default)]
    pub min: Option<Micros>,
}

/// A rate per unit of the whole weight, above a table's highest band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AboveRate {
    /// Index into [`RateLine::columns`].
    pub column: u16,
    /// Per unit of weight.
    pub rate: Micros,
}

/// The least linehaul after all discounts (DOMAIN §3.4, §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum AbsoluteMinimum {
    /// An amount.
    Amount {
        /// The amount.
        amount: Micros,
    },
    /// A cell of the table less a reduction, as parcel contracts write it: zone 2, 1 lb, less 2.00.
    CellLess {
        /// Index into [`RateLine::columns`].
        column: u16,
        /// Value on the first axis.
        first: Micros,
        /// Taken off the cell's rate.
        reduction: Micros,
    },
}

/// A tax on everything charged before it. Never part of a cost KPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// Charge code, such as `TAX`.
    pub code: String,
    /// The words on the line.
    pub label: String,
    /// Destinations it applies to.
    pub jurisdiction: GeoSelector,
    /// Share of all other charges.
    pub share: Bps,
}

impl TaxRate {
    /// Whether both are one tax of one place, so that it would be charged twice.
    #[must_use]
    pub fn charges_with(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
        same(&self.code, &other.code)
            && same(&self.label, &other.label)
            && self.jurisdiction == other.jurisdiction
    }
}

/// Something wrong with rate terms, where exactly, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TermProblem {
    /// Where: `rate line LTL, row 3`.
    pub at: String,
    /// What to do.
    pub message: String,
}

impl fmt::Display for TermProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Collects problems up to [`PROBLEMS_MAX`].
#[derive(Debug, Default)]
struct Problems(Vec<TermProblem>);

impl Problems {
    fn say(&mut self, at: impl FnOnce() -> String, message: impl FnOnce() -> String) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(TermProblem { at: at(), message: message() });
        }
    }

    fn full(&self) -> bool {
        self.0.len() >= PROBLEMS_MAX
    }
}
