//! What one accessorial comes to: clock, free allowance, increments, least and most, discount (DOMAIN §3.9).
//!
//! Caps run over several charges of one code, so the engine keeps them; see `rate::engine`.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{AccessorialRate, AccessorialUnit, Authorisation, ClockStart, Evidence, LateArrival};
use crate::domain::currency::Currency;
use crate::domain::exact::{Ratio, RoundMode, Rounding};
use crate::domain::money::{Bps, Micros};
use crate::domain::quantity::{ChargeUnit, QUANTITY_MAX, WeightUnit};

/// The times of one stop, as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// The vehicle arrived.
    pub arrived: DateTime<Utc>,
    /// Start of the appointment, if there was one.
    #[serde(default)]
    pub appointment: Option<DateTime<Utc>>,
    /// Latest arrival that is not late; the appointment's start when none is given.
    #[serde(default)]
    pub appointment_end: Option<DateTime<Utc>>,
    /// The carrier said that it is ready.
    #[serde(default)]
    pub notified: Option<DateTime<Utc>>,
    /// Loading or unloading started.
    #[serde(default)]
    pub work_started: Option<DateTime<Utc>>,
    /// Work and paperwork were complete.
    pub departed: DateTime<Utc>,
}

/// How much of it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventMeasure {
    /// Once; or the shipment's own weight, pieces or distance where the rate counts those.
    #[default]
    Once,
    /// So many of the rate's unit.
    Quantity(Micros),
    /// So many minutes on the clock.
    Minutes(u32),
    /// From the times of a stop.
    Stay(Stay),
    /// What it cost, with a receipt; in the currency of the event.
    Cost(Micros),
}

/// Something that happened and may be charged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessorialEvent {
    /// Charge code of the contract's rate.
    pub code: String,
    /// Which stop, counted from 0.
    pub stop: u16,
    /// Local day, for caps a day.
    pub day: Option<NaiveDate>,
    /// How much of it.
    pub measure: EventMeasure,
    /// What a quantity counts; that of the rate when none is given.
    pub unit: Option<ChargeUnit>,
    /// Currency of a cost; that of the rate when none is given.
    pub currency: Option<Currency>,
    /// The shipper agreed before it happened.
    pub authorised: bool,
    /// The carrier warned that the charge begins.
    pub notified: bool,
    /// The proof the contract asks for is there.
    pub proven: bool,
}

impl AccessorialEvent {
    /// What makes one order of events, whatever order they came in: caps are used up in it.
    #[must_use]
    pub fn order(&self) -> impl Ord + use<'_> {
        use EventMeasure as M;
        let at = |at: DateTime<Utc>| at.timestamp_micros();
        let measure = match self.measure {
            M::Once => (0, 0, 0),
            M::Quantity(count) => (1, count.0, 0),
            M::Minutes(minutes) => (2, i64::from(minutes), 0),
            M::Stay(stay) => (3, at(stay.arrived), at(stay.departed)),
            M::Cost(cost) => (4, cost.0, 0),
        };
        let flags = (self.authorised, self.notified, self.proven);
        (self.code.as_str(), self.stop, self.day, measure, flags, self.unit, self.currency)
    }
}

/// What the shipment itself measures, in the tariff's units.
#[derive(Clone, Copy, Debug)]
pub struct ChargeBasis {
    /// Billed weight.
    pub weight: Micros,
    /// Unit of the weight.
    pub weight_unit: WeightUnit,
    /// Billed distance, and its unit.
    pub distance: Option<Micros>,
    /// Unit of the distance.
    pub distance_unit: ChargeUnit,
    /// Pieces.
    pub pieces: Micros,
    /// Pallets, if known.
    pub pallets: Option<Micros>,
    /// Linehaul after discount and minimum, in the contract's currency.
    pub linehaul: Micros,
}

/// Why an event is not charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Withheld {
    /// No rate of that code.
    #[error("the contract has no rate for it")]
    NoRate,
    /// Its condition does not hold.
    #[error("the contract's condition for it does not hold")]
    Condition,
    /// It lies inside the free allowance.
    #[error("it lies inside the free allowance")]
    Free,
    /// Nobody agreed before.
    #[error("nobody agreed to it before")]
    NotAuthorised,
    /// The carrier did not warn.
    #[error("the carrier did not warn that the charge begins")]
    NotNotified,
    /// The proof is missing.
    #[error("the proof the contract asks for is missing")]
    NotProven,
    /// The vehicle came late, which forfeits the charge.
    #[error("the vehicle arrived late, which forfeits the charge")]
    Late,
    /// The clock has no start.
    #[error("the time that starts the clock is missing")]
    NoClock,
    /// The quantity is missing.
    #[error("the quantity to charge is missing")]
    NoQuantity,
    /// The quantity counts something else than the rate.
    #[error("its quantity counts something else than the contract's rate")]
    OtherUnit,
    /// The cost is in another currency than the rate.
    #[error("its cost is in another currency than the contract's rate")]
    OtherCurrency,
    /// The quantity or amount is beyond all reason.
    #[error("the quantity or amount is too large to be true")]
    TooLarge,
}

/// A charge before caps and rounding.
#[derive(Clone, Copy, Debug)]
pub struct Priced {
    /// What was charged for, in `unit`.
    pub quantity: Micros,
    /// The unit.
    pub unit: ChargeUnit,
    /// Price of one unit; percentage points for a share.
    pub rate: Micros,
    /// After least and most, before cap and discount; exact.
    pub amount: Ratio,
}

/// Minutes in an hour and a day.
const HOUR_MINUTES: i128 = 60;
const DAY_MINUTES: i64 = 1_440;

impl AccessorialRate {
    /// Prices one event.
    ///
    /// # Errors
    /// [`Withheld`] with the reason it is not charged.
    pub fn price(&self, event: &AccessorialEvent, basis: &ChargeBasis) -> Result<Priced, Withheld> {
        let rules = &self.rules;
        if rules.authorisation == Authorisation::Before && !event.authorised {
            return Err(Withheld::NotAuthorised);
        }
        if rules.notification_required && !event.notified {
            return Err(Withheld::NotNotified);
        }
        let needs_proof = rules.evidence != Evidence::None || self.unit == AccessorialUnit::PassThrough;
        if needs_proof && !event.proven {
            return Err(Withheld::NotProven);
        }
        let priced = self.quantify(event, basis)?;
        let counted = matches!(event.measure, EventMeasure::Quantity(_));
        if counted && event.unit.is_some_and(|unit| unit != priced.unit) {
            return Err(Withheld::OtherUnit);
        }
        let amount = self.min.map_or(priced.amount, |min| priced.amount.at_least(min));
        let amount = self.max.map_or(amount, |max| amount.at_most(max));
        Ok(Priced { amount, ..priced })
    }

    fn quantify(&self, event: &AccessorialEvent, basis: &ChargeBasis) -> Result<Priced, Withheld> {
        let rate = self.rate.unwrap_or(Micros::ZERO);
        let free = self.rules.free_at(self.free_quantity, basis.weight);
        match self.unit {
            AccessorialUnit::PerHour => {
                let over = self.minutes(event)? - i64::from(free);
                let minutes = self.billed_minutes(over)?;
                let hours = Ratio::from(minutes).times(1, HOUR_MINUTES);
                let amount = Ratio::product(rate, minutes).times(1, HOUR_MINUTES);
                let quantity = hours.and_then(|h| Rounding::NONE.apply_ratio(h)).ok_or(Withheld::TooLarge)?;
                Ok(Priced {
                    quantity,
                    unit: ChargeUnit::Hour,
                    rate,
                    amount: amount.ok_or(Withheld::TooLarge)?,
                })
            }
            AccessorialUnit::PassThrough => {
                let EventMeasure::Cost(cost) = event.measure else { return Err(Withheld::NoQuantity) };
                let cost = Some(cost).filter(|c| c.0 > 0 && *c <= QUANTITY_MAX).ok_or(Withheld::TooLarge)?;
                let once = Micros(1_000_000);
                Ok(Priced { quantity: once, unit: ChargeUnit::Occurrence, rate: cost, amount: cost.into() })
            }
            AccessorialUnit::PctOfLinehaul => {
                let share = self.share.unwrap_or(Bps(0));
                let amount = Ratio::from(basis.linehaul).times(i128::from(share.0), 10_000);
                let rate = Micros(share.0.saturating_mul(10_000));
                let amount = amount.ok_or(Withheld::TooLarge)?;
                Ok(Priced { quantity: basis.linehaul, unit: ChargeUnit::Percent, rate, amount })
            }
            _ => self.counted(event, basis, rate, free),
        }
    }

    /// Everything that is a rate times a count.
    fn counted(
        &self,
        event: &AccessorialEvent,
        basis: &ChargeBasis,
        rate: Micros,
        free: u32,
    ) -> Result<Priced, Withheld> {
        let once = Some(Micros(1_000_000));
        let (unit, own, per) = match self.unit {
            AccessorialUnit::PerCwt => (ChargeUnit::Cwt, Some(basis.weight), 100),
            AccessorialUnit::PerWeight => (basis.weight_unit.charge_unit(), Some(basis.weight), 1),
            AccessorialUnit::PerPiece => (ChargeUnit::Piece, Some(basis.pieces), 1),
            AccessorialUnit::PerPallet => (ChargeUnit::Pallet, basis.pallets, 1),
            AccessorialUnit::PerDistance => (basis.distance_unit, basis.distance, 1),
            AccessorialUnit::PerDay => (ChargeUnit::Day, once, 1),
            _ => (ChargeUnit::Occurrence, once, 1),
        };
        let count = match event.measure {
            EventMeasure::Quantity(count) => count,
            EventMeasure::Once => own.ok_or(Withheld::NoQuantity)?,
            EventMeasure::Minutes(_) | EventMeasure::Stay(_) if self.unit == AccessorialUnit::PerDay => {
                // A started day counts.
                Micros(
                    self.minutes(event)?.div_euclid(DAY_MINUTES).saturating_mul(1_000_000)
                        + i64::from(self.minutes(event)?.rem_euclid(DAY_MINUTES) > 0) * 1_000_000,
                )
            }
            _ => return Err(Withheld::NoQuantity),
        };
        if count.0 < 0 || count > QUANTITY_MAX {
            return Err(Withheld::TooLarge);
        }
        let billed = count - Micros(i64::from(free) * 1_000_000);
        if billed.0 <= 0 {
            return Err(Withheld::Free);
        }
        let (quantity, amount) = if per == 1 {
            (billed, Ratio::product(rate, billed))
        } else {
            let scale = |value: Ratio| value.times(1, per).ok_or(Withheld::TooLarge);
            let quantity = Rounding::NONE.apply_ratio(scale(billed.into())?).ok_or(Withheld::TooLarge)?;
            (quantity, scale(Ratio::product(rate, billed))?)
        };
        Ok(Priced { quantity, unit, rate, amount })
    }

    /// Whole minutes on the clock.
    fn minutes(&self, event: &AccessorialEvent) -> Result<i64, Withheld> {
        match event.measure {
            EventMeasure::Minutes(minutes) => Ok(i64::from(minutes)),
            EventMeasure::Stay(stay) => {
                let start = self.clock_start(&stay)?;
                Ok((stay.departed - start).num_minutes())
            }
            // A quantity of an hourly rate is in hours, of a daily one in days.
            EventMeasure::Quantity(count) if self.unit == AccessorialUnit::PerHour => {
                let minutes = Ratio::from(count).times(HOUR_MINUTES, 1);
                let whole = minutes.and_then(|m| m.round(RoundMode::Down, 1_000_000));
                whole.filter(|m| *m <= QUANTITY_MAX).map(|m| m.0 / 1_000_000).ok_or(Withheld::TooLarge)
            }
            _ => Err(Withheld::NoQuantity),
        }
    }

    fn clock_start(&self, stay: &Stay) -> Result<DateTime<Utc>, Withheld> {
        let late = stay.appointment_end.or(stay.appointment).is_some_and(|latest| stay.arrived > latest);
        if late {
            match self.rules.late_arrival {
                LateArrival::Forfeit => return Err(Withheld::Late),
                LateArrival::StartAtWorkIn => return stay.work_started.ok_or(Withheld::NoClock),
                LateArrival::StartAtArrival => {}
            }
        }
        match self.rules.clock_start {
            ClockStart::Arrival => Ok(stay.arrived),
            ClockStart::Appointment => Ok(stay.appointment.map_or(stay.arrived, |at| at.max(stay.arrived))),
            ClockStart::Notification => stay.notified.ok_or(Withheld::NoClock),
        }
    }

    /// The minutes in full increments, in millionths; withheld when none is over the free time.
    fn billed_minutes(&self, over: i64) -> Result<Micros, Withheld> {
        if over <= 0 {
            return Err(Withheld::Free);
        }
        let micros = |minutes: i64| minutes.checked_mul(1_000_000).map(Micros);
        let step = micros(i64::from(self.increment_minutes.unwrap_or(1))).ok_or(Withheld::TooLarge)?;
        let rounding = Rounding { mode: self.rules.increment_rounding, step };
        let billed = micros(over).and_then(|m| rounding.apply(m)).ok_or(Withheld::TooLarge)?;
        if billed.0 == 0 { Err(Withheld::Free) } else { Ok(billed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::accessorial::{AccessorialRules, CapScope};

    fn detention(rules: AccessorialRules) -> AccessorialRate {
        AccessorialRate {
            code: "DTU".to_owned(),
            label: "Detention".to_owned(),
            unit: AccessorialUnit::PerHour,
            rate: Some(Micros(60_000_000)),
            share: None,
            free_quantity: 120,
            increment_minutes: Some(30),
            min: None,
            max: None,
            cap: Some(Micros(500_000_000)),
            cap_scope: Some(CapScope::Stop),
            rules,
        }
    }

    fn stay(arrived: &str, departed: &str) -> AccessorialEvent {
        let at = |time: &str| format!("2025-05-14T{time}:00Z").parse().unwrap();
        let stay = Stay {
            arrived: at(arrived),
            appointment: Some(at("08:00")),
            appointment_end: None,
            notified: None,
            work_started: Some(at("09:30")),
            departed: at(departed),
        };
        AccessorialEvent {
            code: "DTU".to_owned(),
            measure: EventMeasure::Stay(stay),
            ..AccessorialEvent::default()
        }
    }

    fn amount(rules: AccessorialRules, event: &AccessorialEvent) -> Result<i64, Withheld> {
        let basis = ChargeBasis {
            weight: Micros(6_000_000_000),
            weight_unit: WeightUnit::Lb,
            distance: None,
            distance_unit: ChargeUnit::Mile,
            pieces: Micros(1_000_000),
            pallets: None,
            linehaul: Micros(1_000_000_000),
        };
        let priced = detention(rules).price(event, &basis)?;
        Ok(priced.amount.money(10_000).unwrap().0 / 10_000)
    }

    /// DOMAIN R7: 187 minutes over are billed as 210.
    #[test]
    fn detention_by_the_clock() {
        let rules = AccessorialRules::default;
        assert_eq!(amount(rules(), &stay("07:41", "13:07")), Ok(21_000));
        assert_eq!(amount(rules(), &stay("08:00", "09:55")), Err(Withheld::Free));
        let down = AccessorialRules { increment_rounding: RoundMode::Down, ..rules() };
        assert_eq!(amount(down, &stay("07:41", "13:07")), Ok(18_000));
        let nearest = AccessorialRules { increment_rounding: RoundMode::Nearest, ..rules() };
        assert_eq!(amount(nearest, &stay("07:41", "13:07")), Ok(18_000));
    }

    #[test]
    fn a_late_arrival_follows_the_policy() {
        let with = |late_arrival| AccessorialRules { late_arrival, ..AccessorialRules::default() };
        let late = stay("08:20", "13:20");
        assert_eq!(amount(with(LateArrival::StartAtArrival), &late), Ok(18_000));
        assert_eq!(amount(with(LateArrival::StartAtWorkIn), &late), Ok(12_000));
        assert_eq!(amount(with(LateArrival::Forfeit), &late), Err(Withheld::Late));
    }

    #[test]
    fn what_the_contract_asks_for_must_be_there() {
        let event = stay("07:41", "13:07");
        let before = AccessorialRules { authorisation: Authorisation::Before, ..AccessorialRules::default() };
        assert_eq!(amount(before.clone(), &event), Err(Withheld::NotAuthorised));
        assert_eq!(amount(before, &AccessorialEvent { authorised: true, ..event.clone() }), Ok(21_000));
        let times = AccessorialRules { evidence: Evidence::Times, ..AccessorialRules::default() };
        assert_eq!(amount(times, &event), Err(Withheld::NotProven));
        let heavy =
            crate::domain::accessorial::FreeFrom { weight: Micros(5_000_000_000), free_quantity: 180 };
        let rules = AccessorialRules { free_by_weight: vec![heavy], ..AccessorialRules::default() };
        assert_eq!(amount(rules, &event), Ok(15_000));
    }
}
