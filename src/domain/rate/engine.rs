//! Rates one shipment, in the order of DOMAIN §3.4. Pure, and independent of the order of rows.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use super::compile::CompiledRates;
use super::fx::FxRates;
use super::lane::LaneHit;
use super::linehaul::{CompiledLine, Linehaul, Measures, Part};
use super::trace::{Step, Trace};
use super::weigh::{self, sane};
use super::{ColumnsBy, FuelBase, Lane, Micros, RatedBy, RatingDate, RatingRequest};
use crate::domain::accessorial::charge::{AccessorialEvent, ChargeBasis, EventMeasure, Withheld};
use crate::domain::accessorial::condition::ConditionFacts;
use crate::domain::accessorial::{AccessorialRate, CapScope};
use crate::domain::currency::Currency;
use crate::domain::exact::{Ratio, minor_unit};
use crate::domain::field::codes;
use crate::domain::fuel::{FuelBasis, FuelPrices, FuelProgramme, surcharge};
use crate::domain::quantity::{ChargeUnit, LengthUnit};

codes! {
    /// Which part of the total a line belongs to.
    ChargePart, "charge part" {
        /// Moving the goods: gross, discount, minimum, maximum.
        Linehaul = "LINEHAUL", "linehaul";
        /// Beside it, peak surcharges included.
        Accessorial = "ACCESSORIAL", "accessorial";
        /// Fuel surcharge.
        Fuel = "FUEL", "fuel";
        /// Tax; never inside a cost KPI.
        Tax = "TAX", "tax";
    }
}

/// Dated facts from outside the contract.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// Index prices, as known at one moment.
    pub fuel: &'a FuelPrices,
    /// Exchange rates, as known at one moment.
    pub fx: &'a FxRates,
}

/// One line of the expected charge, rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeLine<'a> {
    /// Which part of the total.
    pub part: ChargePart,
    /// Charge code.
    pub code: &'a str,
    /// The words on the line.
    pub label: &'a str,
    /// How much of `unit`; for [`ChargeUnit::Percent`] the amount the share is of.
    pub quantity: Micros,
    /// What the quantity counts.
    pub unit: ChargeUnit,
    /// Price of one; for [`ChargeUnit::Percent`] percentage points.
    pub rate: Micros,
    /// In the contract's currency.
    pub amount: Micros,
    /// Whether fuel is charged on it.
    pub fuel_applicable: bool,
}

/// Why a shipment has no price. Never 0.00 instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrated {
    /// A fact is missing.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// A fact is beyond all reason.
    #[error("the {0} is negative or too large to be true")]
    Absurd(&'static str),
    /// No lane.
    #[error("no lane goes from {origin} to {destination}")]
    NoLane {
        /// Where it starts.
        origin: String,
        /// Where it goes.
        destination: String,
    },
    /// Two lanes claim it.
    #[error("lanes {first} and {second} match equally well")]
    TwoLanes {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// No rate line holds on the day.
    #[error("no rate line {line} is in force on {day}")]
    NoLine {
        /// Code the lane names.
        line: String,
        /// Rating day.
        day: NaiveDate,
    },
    /// The table has no such class or zone.
    #[error("rate line {line} has no column `{column}`")]
    NoColumn {
        /// Rate line.
        line: String,
        /// Class or zone.
        column: String,
    },
    /// The table has no such row.
    #[error("rate line {line} has no row for {at}")]
    NoRow {
        /// Rate line.
        line: String,
        /// What was looked for.
        at: String,
    },
    /// No index price yet.
    #[error("no price of {index} was in force on {day}")]
    NoFuelPrice {
        /// Price series.
        index: String,
        /// Pickup day.
        day: NaiveDate,
    },
    /// The fuel table ends before the price.
    #[error("the fuel table has no row for the price {price} of {index}")]
    FuelOutside {
        /// Price series.
        index: String,
        /// Price.
        price: Micros,
    },
    /// No stored exchange rate.
    #[error("no exchange rate {from} to {to} is stored for {day}")]
    NoExchangeRate {
        /// From.
        from: Currency,
        /// To.
        to: Currency,
        /// Rating day.
        day: NaiveDate,
    },
}

/// Why a shipment is not the contract's to price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no charge is agreed for it: {0}")]
pub struct NotApplicable(pub String);

/// What rating came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateStatus {
    /// Priced.
    Rated,
    /// Not priced; someone must look.
    Unrated(Unrated),
    /// Not to be priced, by agreement.
    NotApplicable(NotApplicable),
}

impl RateStatus {
    /// `RATED`, `UNRATED`, `NOT_APPLICABLE`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rated => "RATED",
            Self::Unrated(_) => "UNRATED",
            Self::NotApplicable(_) => "NOT_APPLICABLE",
        }
    }

    /// The reason, when there is no price.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Rated => None,
            Self::Unrated(why) => Some(why.to_string()),
            Self::NotApplicable(why) => Some(why.to_string()),
        }
    }
}

/// The expected charge of one shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated<'a> {
    /// Priced or not, and why.
    pub status: RateStatus,
    /// Currency of every amount.
    pub currency: Currency,
    /// Charge lines in the order they arise; empty without a price.
    pub lines: Vec<ChargeLine<'a>>,
    /// Sum of the rounded lines; none without a price.
    pub total: Option<Micros>,
    /// The lane, once found.
    pub lane: Option<&'a str>,
    /// The rate line, once found.
    pub line: Option<&'a str>,
    /// Events that are not charged, with the reason.
    pub withheld: Vec<(&'a str, Withheld)>,
    /// A fuel price was due and missing, so the last one was carried: re-rate when it arrives.
    pub fuel_carried: bool,
    /// The contract weighs by size too, and no size is given: billed at the actual weight (DOMAIN §3.6).
    pub size_unknown: bool,
}

impl Rated<'_> {
    /// Sum of one part's lines.
    #[must_use]
    pub fn part(&self, part: ChargePart) -> Micros {
        self.lines.iter().filter(|line| line.part == part).map(|line| line.amount).sum()
    }
}

/// Why rating stopped.
enum Stop {
    Unrated(Unrated),
    NotApplicable(NotApplicable),
}

impl From<Unrated> for Stop {
    fn from(why: Unrated) -> Self {
        Self::Unrated(why)
    }
}

/// What steps hand on to each other.
struct Shipment<'a> {
    request: &'a RatingRequest,
    market: Market<'a>,
    day: NaiveDate,
    weight: Micros,
    distance: Option<Micros>,
}

impl CompiledRates {
    /// Prices one shipment. `trace` hears of every step; [`super::NoTrace`] costs nothing.
    pub fn rate<'a, T: Trace<'a>>(
        &'a self,
        request: &'a RatingRequest,
        market: Market<'a>,
        trace: &mut T,
    ) -> Rated<'a> {
        let mut rated = Rated {
            status: RateStatus::Rated,
            currency: self.terms.currency,
            lines: Vec::with_capacity(8),
            total: None,
            lane: None,
            line: None,
            withheld: Vec::new(),
            fuel_carried: false,
            size_unknown: false,
        };
        match self.run(request, market, &mut rated, trace) {
            Ok(total) => rated.total = Some(total),
            Err(stop) => {
                rated.lines.clear();
                rated.status = match stop {
                    Stop::Unrated(why) => RateStatus::Unrated(why),
                    Stop::NotApplicable(why) => RateStatus::NotApplicable(why),
                };
            }
        }
        rated
    }

    fn run<'a, T: Trace<'a>>(
        &'a self,
        request: &'a RatingRequest,
        market: Market<'a>,
        rated: &mut Rated<'a>,
        trace: &mut T,
    ) -> Result<Micros, Stop> {
        if !request.within_limits() {
            return Err(Unrated::Absurd("number of parts").into());
        }
        let which = self.terms.parameters.rating_date;
        let day = request.day(which).ok_or(Unrated::Missing(day_name(which)))?;
        trace.step(|| Step::Day { which, day });
        let mut shipment = Shipment { request, market, day, weight: Micros::ZERO, distance: None };
        let measured = self.measure(&mut shipment, rated, trace);
        self.refuse_by_agreement(&shipment)?;
        let known_weight = measured?;
        let lane = self.lane(request)?;
        rated.lane = Some(&lane.code);
        trace.step(|| Step::Lane(lane));
        let line =
            self.line_on(&lane.line, day).ok_or_else(|| Unrated::NoLine { line: lane.line.clone(), day })?;
        let head = &line.head;
        rated.line = Some(&head.code);
        trace.step(|| Step::Line {
            code: &head.code,
            label: &head.label,
            from: head.valid_from,
            to: head.valid_to,
        });

        let linehaul = self.linehaul(&shipment, line, known_weight, rated, trace)?;
        self.accessorials(&shipment, linehaul, rated, trace)?;
        self.fuel(&shipment, linehaul, rated, trace)?;
        self.taxes(request, rated, trace)?;
        let total = rated.lines.iter().map(|line| line.amount).sum();
        trace.step(|| Step::Total { lines: rated.lines.len(), total, currency: self.terms.currency });
        Ok(total)
    }

    /// Billed weight and distance; says whether there is a weight at all.
    fn measure<'a>(
        &'a self,
        shipment: &mut Shipment<'a>,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<bool, Unrated> {
        let (request, parameters) = (shipment.request, &self.terms.parameters);
        if let Some(distance) = request.distance {
            let exact = parameters.distance_unit.convert(sane(distance, "distance")?, request.distance_unit);
            let billed = exact
                .and_then(|d| parameters.distance_rounding.apply_ratio(d))
                .ok_or(Unrated::Absurd("distance"))?;
            let unit = request.distance_unit.charge_unit();
            trace.step(|| Step::Distance { measured: distance, billed, unit });
            shipment.distance = Some(billed);
        }
        let Some(actual) = weigh::actual(request, parameters)? else { return Ok(false) };
        let weighed = weigh::shipment(request, parameters, actual, shipment.day)?;
        shipment.weight = weighed.billed;
        let unit = parameters.weight_unit;
        trace.step(|| Step::Weight {
            actual: weighed.actual,
            by_size: weighed.by_size,
            billed: weighed.billed,
            unit,
        });
        if weighed.by_size.is_none() && weigh::rule_on(&parameters.dims, shipment.day).is_some() {
            rated.size_unknown = true;
            trace.step(|| Step::NoSize);
        }
        Ok(true)
    }

    fn refuse_by_agreement(&self, shipment: &Shipment<'_>) -> Result<(), Stop> {
        match &self.terms.parameters.not_applicable {
            Some(condition) if condition.holds(&self.facts(shipment)) => {
                Err(Stop::NotApplicable(NotApplicable(condition.to_string())))
            }
            _ => Ok(()),
        }
    }

    fn facts<'a>(&'a self, shipment: &Shipment<'a>) -> ConditionFacts<'a> {
        let request = shipment.request;
        ConditionFacts {
            weight: shipment.weight,
            distance: shipment.distance,
            pieces: request.piece_count(),
            longest_side: self.uses_sides.then(|| longest_side(request, self.length_unit)).flatten(),
            value: request.value,
            service: &request.service,
            equipment: &request.equipment,
            pickup: request.pickup,
            delivery: request.delivery,
            origin: &request.origin,
            destination: &request.destination,
            flags: &request.flags,
            zones: &self.terms.zones,
            calendars: &self.terms.calendars,
        }
    }

    fn lane(&self, request: &RatingRequest) -> Result<&Lane, Unrated> {
        let ends = (&*request.origin, &*request.destination);
        let words = (request.equipment.as_str(), request.service.as_str());
        let code =
            |number: usize| self.terms.lanes.get(number).map_or_else(String::new, |lane| lane.code.clone());
        match self.lanes.find(&self.terms.lanes, &self.terms.zones, ends, words) {
            LaneHit::Tied(a, b) => {
                let (first, second) =
                    if code(a) <= code(b) { (code(a), code(b)) } else { (code(b), code(a)) };
                Err(Unrated::TwoLanes { first, second })
            }
            LaneHit::One(number) => self.terms.lanes.get(number).ok_or_else(|| no_lane(request)),
            LaneHit::None => Err(no_lane(request)),
        }
    }

    fn linehaul<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        line: &'a CompiledLine,
        known_weight: bool,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Linehaul, Unrated> {
        let request = shipment.request;
        let units = match line.head.unit {
            Some(unit) => request.count_of(unit).map(|count| sane(count, "units")).transpose()?,
            None => None,
        };
        let whole =
            Measures { weight: known_weight.then_some(shipment.weight), distance: shipment.distance, units };
        let mut sum = Linehaul::default();
        if line.head.rated_by == RatedBy::Piece && !request.pieces.is_empty() {
            let column = self.column(shipment, line, &request.class, trace)?;
            for piece in &request.pieces {
                let weighed = weigh::piece(request, &self.terms.parameters, piece, shipment.day)?;
                let unit = self.terms.parameters.weight_unit;
                trace.step(|| Step::Weight {
                    actual: weighed.actual,
                    by_size: weighed.by_size,
                    billed: weighed.billed,
                    unit,
                });
                let m = Measures { weight: Some(weighed.billed), ..whole };
                let part = [Part { column, weight: weighed.billed }];
                sum = sum.plus(line.rate(&part, m, piece.count, &mut rated.lines, trace)?);
            }
        } else if line.head.columns_by == ColumnsBy::Class && request.articles.len() > 1 {
            let parts = self.articles(shipment, line, trace)?;
            sum = line.rate(&parts, whole, 1, &mut rated.lines, trace)?;
        } else {
            let class = request.articles.first().map_or(&request.class, |article| &article.class);
            let column = self.column(shipment, line, class, trace)?;
            sum =
                line.rate(&[Part { column, weight: shipment.weight }], whole, 1, &mut rated.lines, trace)?;
        }
        match line.head.currency.filter(|currency| *currency != self.terms.currency) {
            Some(currency) => self.convert_linehaul(shipment, currency, sum, rated, trace),
            None => Ok(sum),
        }
    }

    /// Every line converted and rounded by itself, so that parts still sum to the whole.
    fn convert_linehaul<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        currency: Currency,
        sum: Linehaul,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<Linehaul, Unrated> {
        for line in &mut rated.lines {
            line.amount = self.converted(shipment, currency, line.amount, trace)?;
        }
        let net = rated.lines.iter().map(|line| line.amount).sum();
        let gross = match self.terms.parameters.fuel_base {
            FuelBase::Gross => self.converted(shipment, currency, sum.gross, trace)?,
            // Nobody asks.
            FuelBase::Net => net,
        };
        Ok(Linehaul { gross, net })
    }

    fn converted<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        from: Currency,
        amount: Micros,
        trace: &mut impl Trace<'a>,
    ) -> Result<Micros, Unrated> {
        let to = self.terms.currency;
        if from == to {
            return Ok(amount);
        }
        let day = shipment.day;
        let row = shipment.market.fx.on(from, to, day).ok_or(Unrated::NoExchangeRate { from, to, day })?;
        let result = row.convert(amount).ok_or(Unrated::Absurd("charge"))?;
        trace.step(|| Step::Converted { amount, from, to, rate: row.rate, valid_on: row.valid_on, result });
        Ok(result)
    }

    fn column<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        line: &'a CompiledLine,
        class: &'a str,
        trace: &mut impl Trace<'a>,
    ) -> Result<usize, Unrated> {
        let name: &str = match line.head.columns_by {
            ColumnsBy::None => return Ok(0),
            ColumnsBy::Class => self.rated_class(class, trace),
            ColumnsBy::Zone => {
                let request = shipment.request;
                let known =
                    [&request.zone, &request.destination.zone].into_iter().find(|zone| !zone.is_empty());
                match known {
                    Some(zone) => zone,
                    None => self
                        .terms
                        .zones
                        .iter()
                        .find(|zone| line.column(&zone.name).is_some() && zone.contains(&request.destination))
                        .map_or("", |zone| &zone.name),
                }
            }
        };
        if name.is_empty() {
            return Err(Unrated::Missing(line.head.columns_by.label()));
        }
        line.column(name)
            .ok_or_else(|| Unrated::NoColumn { line: line.head.code.clone(), column: name.to_owned() })
    }

    /// Freight of all kinds: the class it is rated as.
    fn rated_class<'a>(&'a self, actual: &'a str, trace: &mut impl Trace<'a>) -> &'a str {
        let rules = &self.terms.parameters.fak;
        let rule =
            rules.iter().find(|rule| rule.classes.iter().any(|class| class.eq_ignore_ascii_case(actual)));
        let Some(rule) = rule else { return actual };
        trace.step(|| Step::Class { actual, rated_as: &rule.rated_as });
        &rule.rated_as
    }

    fn articles<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        line: &'a CompiledLine,
        trace: &mut impl Trace<'a>,
    ) -> Result<Vec<Part>, Unrated> {
        let (request, parameters) = (shipment.request, &self.terms.parameters);
        let mut parts = Vec::with_capacity(request.articles.len());
        for article in &request.articles {
            let weight = parameters.weight_unit.convert(sane(article.weight, "weight")?, request.weight_unit);
            let weight = weight.ok_or(Unrated::Absurd("weight"))?;
            parts.push(Part { column: self.column(shipment, line, &article.class, trace)?, weight });
        }
        Ok(parts)
    }

    fn accessorials<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        linehaul: Linehaul,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<(), Unrated> {
        let request = shipment.request;
        let observed = !self.observable.is_empty() && !request.observed.is_empty();
        if self.automatic.is_empty() && request.events.is_empty() && !observed {
            return Ok(());
        }
        let facts = self.facts(shipment);
        let basis = ChargeBasis {
            weight: shipment.weight,
            weight_unit: self.terms.parameters.weight_unit,
            distance: shipment.distance,
            distance_unit: self.terms.parameters.distance_unit.charge_unit(),
            pieces: Micros(i64::from(request.piece_count()) * 1_000_000),
            pallets: request.count_of(ChargeUnit::Pallet),
            linehaul: linehaul.net,
        };
        let mut caps = Caps::default();
        for number in &self.automatic {
            if let Some(rate) = self.accessorials.get(*number)
                && rate.rules.condition.as_ref().is_none_or(|c| c.holds(&facts))
            {
                self.charge(shipment, rate, (&self.once, &rate.code), &basis, &mut caps, rated, trace)?;
            }
        }
        for rate in
            self.observable.iter().filter(|_| observed).filter_map(|number| self.accessorials.get(*number))
        {
            let Some(event) = request.observed.event(rate, &request.events) else { continue };
            if rate.rules.condition.as_ref().is_none_or(|c| c.holds(&facts)) {
                self.charge(shipment, rate, (&event, &rate.code), &basis, &mut caps, rated, trace)?;
            }
        }
        let mut charge = |event: &'a AccessorialEvent, rated: &mut Rated<'a>| {
            let Some(rate) = self.accessorial(&event.code) else {
                return withhold(&event.code, Withheld::NoRate, rated, trace);
            };
            if rate.rules.condition.as_ref().is_some_and(|c| !c.holds(&facts)) {
                return withhold(&event.code, Withheld::Condition, rated, trace);
            }
            self.charge(shipment, rate, (event, &event.code), &basis, &mut caps, rated, trace)
        };
        // Caps are used up in one order, whatever the order of the events.
        if request.events.is_sorted_by(|a, b| a.order() <= b.order()) {
            return request.events.iter().try_for_each(|event| charge(event, rated));
        }
        let mut events: Vec<&AccessorialEvent> = request.events.iter().collect();
        events.sort_by(|a, b| a.order().cmp(&b.order()));
        events.into_iter().try_for_each(|event| charge(event, rated))
    }

    /// One accessorial: price, cap, discount, rounding.
    #[expect(clippy::too_many_arguments, reason = "the running state of one shipment, private to the engine")]
    fn charge<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        rate: &'a AccessorialRate,
        (event, code): (&AccessorialEvent, &'a str),
        basis: &ChargeBasis,
        caps: &mut Caps,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<(), Unrated> {
        let priced = match rate.price(event, basis) {
            Ok(priced) => priced,
            Err(why) => return withhold(code, why, rated, trace),
        };
        let currency = rate.rules.currency.unwrap_or(self.terms.currency);
        if matches!(event.measure, EventMeasure::Cost(_)) && event.currency.is_some_and(|own| own != currency)
        {
            return withhold(code, Withheld::OtherCurrency, rated, trace);
        }
        let minor = self.minor_of(currency);
        let large = Unrated::Absurd("charge");
        let mut exact = priced.amount;
        if let (Some(cap), Some(scope)) = (rate.cap, rate.cap_scope) {
            let used = caps.used(&rate.code, scope, event);
            let left = (cap - *used).max(Micros::ZERO);
            let full = exact.money(minor).ok_or(large.clone())?;
            if full > left {
                trace.step(|| Step::Cap { code: &rate.code, cap, left });
            }
            exact = exact.at_most(left);
            *used = *used + full.min(left);
        }
        let discount = rate.rules.discount;
        let exact = exact.times(10_000 - i128::from(discount.0), 10_000).ok_or(large.clone())?;
        let amount = exact.money(minor).ok_or(large)?;
        let (quantity, unit, price) = (priced.quantity, priced.unit, priced.rate);
        trace.step(|| Step::Accessorial {
            code: &rate.code,
            label: &rate.label,
            quantity,
            unit,
            rate: price,
            discount,
            amount,
        });
        let amount = self.converted(shipment, currency, amount, trace)?;
        rated.lines.push(ChargeLine {
            part: ChargePart::Accessorial,
            code: &rate.code,
            label: &rate.label,
            quantity,
            unit,
            rate: price,
            amount,
            fuel_applicable: rate.rules.fuel_applicable,
        });
        Ok(())
    }

    /// Fuel goes by the price in force on the pickup day, never delivery or invoice (DOMAIN §3.8).
    fn fuel<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        linehaul: Linehaul,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<(), Unrated> {
        if self.terms.fuel.is_empty() {
            return Ok(());
        }
        let day =
            shipment.request.day(RatingDate::Pickup).ok_or(Unrated::Missing(day_name(RatingDate::Pickup)))?;
        let before = rated.lines.len();
        for programme in self.terms.fuel.iter().filter(|programme| programme.in_force(day)) {
            let amount = self.fuel_of(shipment, programme, day, linehaul, rated, before, trace)?;
            rated.lines.push(amount);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the running state of one shipment, private to the engine")]
    fn fuel_of<'a>(
        &'a self,
        shipment: &Shipment<'a>,
        programme: &'a FuelProgramme,
        day: NaiveDate,
        linehaul: Linehaul,
        rated: &mut Rated<'a>,
        before: usize,
        trace: &mut impl Trace<'a>,
    ) -> Result<ChargeLine<'a>, Unrated> {
        let index = &programme.index;
        let quote = shipment
            .market
            .fuel
            .in_force(programme, day)
            .ok_or_else(|| Unrated::NoFuelPrice { index: index.clone(), day })?;
        rated.fuel_carried |= quote.carried;
        trace.step(|| Step::FuelPrice {
            index,
            published_on: quote.published_on,
            effective_from: quote.effective_from,
            price: quote.price,
            carried: quote.carried,
        });
        let price = quote.price;
        let value =
            programme.value_at(price).ok_or_else(|| Unrated::FuelOutside { index: index.clone(), price })?;
        let (of, unit) = match programme.basis {
            FuelBasis::PerDistance => {
                let distance = shipment.distance.ok_or(Unrated::Missing("distance"))?;
                (distance, self.terms.parameters.distance_unit.charge_unit())
            }
            FuelBasis::PctOfBase => {
                let base = match self.terms.parameters.fuel_base {
                    FuelBase::Net => linehaul.net,
                    FuelBase::Gross => linehaul.gross,
                };
                let charges = rated.lines.get(..before).unwrap_or_default().iter().filter(|line| {
                    line.part == ChargePart::Accessorial
                        && (line.fuel_applicable || programme.applies_to.iter().any(|code| code == line.code))
                });
                (base + charges.map(|line| line.amount).sum(), ChargeUnit::Percent)
            }
        };
        // A share is of amounts in the contract's currency already; an amount per mile is in the programme's.
        let own = programme.currency.filter(|_| programme.basis == FuelBasis::PerDistance);
        let currency = own.unwrap_or(self.terms.currency);
        let minor = self.minor_of(currency);
        let amount = surcharge(programme.basis, value, of)
            .and_then(|a| a.money(minor))
            .ok_or(Unrated::Absurd("charge"))?;
        trace.step(|| Step::Fuel { basis: programme.basis, value, of, amount });
        let amount = self.converted(shipment, currency, amount, trace)?;
        Ok(ChargeLine {
            part: ChargePart::Fuel,
            code: &programme.code,
            label: &programme.label,
            quantity: of,
            unit,
            rate: value,
            amount,
            fuel_applicable: false,
        })
    }

    /// The smallest unit of a currency, looked up only where it is not the contract's.
    fn minor_of(&self, currency: Currency) -> i64 {
        if currency == self.terms.currency { self.minor } else { minor_unit(currency.minor_digits()) }
    }

    fn taxes<'a>(
        &'a self,
        request: &'a RatingRequest,
        rated: &mut Rated<'a>,
        trace: &mut impl Trace<'a>,
    ) -> Result<(), Unrated> {
        if self.terms.taxes.is_empty() {
            return Ok(());
        }
        let of: Micros = rated.lines.iter().map(|line| line.amount).sum();
        let here = self
            .terms
            .taxes
            .iter()
            .filter(|t| t.jurisdiction.matches(&request.destination, &self.terms.zones));
        for tax in here {
            let exact = Ratio::from(of).times(i128::from(tax.share.0), 10_000);
            let amount = exact.and_then(|a| a.money(self.minor)).ok_or(Unrated::Absurd("charge"))?;
            trace.step(|| Step::Tax { label: &tax.label, share: tax.share, of, amount });
            rated.lines.push(ChargeLine {
                part: ChargePart::Tax,
                code: &tax.code,
                label: &tax.label,
                quantity: of,
                unit: ChargeUnit::Percent,
                rate: Micros(tax.share.0 * 10_000),
                amount,
                fuel_applicable: false,
            });
        }
        Ok(())
    }
}

fn withhold<'a>(
    code: &'a str,
    why: Withheld,
    rated: &mut Rated<'a>,
    trace: &mut impl Trace<'a>,
) -> Result<(), Unrated> {
    trace.step(|| Step::Withheld { code, why });
    rated.withheld.push((code, why));
    Ok(())
}

/// How much of each cap is used.
#[derive(Default)]
struct Caps(BTreeMap<(String, i64), Micros>);

impl Caps {
    /// How much of the cap that covers the event is used.
    fn used(&mut self, code: &str, scope: CapScope, event: &AccessorialEvent) -> &mut Micros {
        let key = match scope {
            CapScope::Stop => i64::from(event.stop),
            CapScope::Day => event.day.map_or(i64::MIN, |day| i64::from(day.num_days_from_ce())),
            CapScope::Shipment => 0,
        };
        self.0.entry((code.to_owned(), key)).or_default()
    }
}

const fn day_name(which: RatingDate) -> &'static str {
    match which {
        RatingDate::Pickup => "pickup date",
        RatingDate::Ordered => "order date",
        RatingDate::Delivery => "delivery date",
        RatingDate::Invoice => "invoice date",
    }
}

fn no_lane(request: &RatingRequest) -> Unrated {
    Unrated::NoLane { origin: request.origin.to_string(), destination: request.destination.to_string() }
}

fn longest_side(request: &RatingRequest, unit: LengthUnit) -> Option<Micros> {
    let sides = request.pieces.iter().filter_map(|piece| piece.sides).flatten();
    let longest = sides.max()?;
    unit.convert(longest, request.length_unit)?.money(1)
}
