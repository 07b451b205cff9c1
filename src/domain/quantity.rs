//! Units that tariffs count in, and exact conversion between them (DOMAIN §3.3, §3.6, §3.7).

use super::exact::{Ratio, Rounding};
use super::field::codes;
use super::money::Micros;

/// Largest quantity the engine rates, in whole units: beyond it the input is a mistake.
pub const QUANTITY_MAX: Micros = Micros(1_000_000_000_000_000);

codes! {
    /// Unit of weight.
    WeightUnit, "weight unit" {
        /// Pound of 0.45359237 kg.
        Lb = "LB", "lb";
        /// Kilogram.
        Kg = "KG", "kg";
    }
}

codes! {
    /// Unit of distance.
    DistanceUnit, "distance unit" {
        /// Mile of 1.609344 km.
        Mi = "MI", "mi";
        /// Kilometre.
        Km = "KM", "km";
    }
}

codes! {
    /// Unit of length of a piece's sides.
    LengthUnit, "length unit" {
        /// Inch of 2.54 cm.
        In = "IN", "in";
        /// Centimetre.
        Cm = "CM", "cm";
        /// Metre.
        M = "M", "m";
    }
}

codes! {
    /// What a charge is counted in.
    ChargeUnit, "charge unit" {
        /// The whole shipment or load.
        Shipment = "SHIPMENT", "shipment";
        /// Pound.
        Lb = "LB", "lb";
        /// Kilogram.
        Kg = "KG", "kg";
        /// A hundred pounds, or a hundred kilograms where the tariff weighs in kilograms.
        Cwt = "CWT", "hundredweight";
        /// Mile.
        Mile = "MILE", "mi";
        /// Kilometre.
        Km = "KM", "km";
        /// Piece.
        Piece = "PIECE", "piece";
        /// Pallet.
        Pallet = "PALLET", "pallet";
        /// Loading metre.
        LoadingMetre = "LDM", "loading metre";
        /// Cubic metre or cubic foot, as the tariff says.
        Cube = "CUBE", "cube";
        /// Hour.
        Hour = "HOUR", "hour";
        /// Day.
        Day = "DAY", "day";
        /// Stop.
        Stop = "STOP", "stop";
        /// Container.
        Container = "CONTAINER", "container";
        /// One occurrence.
        Occurrence = "OCCURRENCE", "time";
        /// Share of an amount.
        Percent = "PERCENT", "%";
    }
}

impl ChargeUnit {
    /// The qualifier of X12 data element 122; none where the list has no word for it.
    #[must_use]
    pub const fn x12(self) -> Option<&'static str> {
        Some(match self {
            Self::Shipment => "PS",
            Self::Lb => "LB",
            Self::Kg => "KG",
            Self::Cwt => "CW",
            Self::Mile => "PM",
            Self::Km => "KP",
            Self::Piece => "PP",
            Self::Hour => "PR",
            Self::Day => "PD",
            Self::Stop => "SP",
            Self::Container => "PA",
            Self::Percent => "PW",
            Self::Pallet | Self::LoadingMetre | Self::Cube | Self::Occurrence => return None,
        })
    }
}

impl WeightUnit {
    /// The weight in this unit, six decimals.
    #[must_use]
    pub fn convert(self, value: Micros, from: Self) -> Option<Micros> {
        match (from, self) {
            (Self::Kg, Self::Lb) => {
                Rounding::NONE.apply_ratio(Ratio::from(value).times(100_000_000, 45_359_237)?)
            }
            (Self::Lb, Self::Kg) => {
                Rounding::NONE.apply_ratio(Ratio::from(value).times(45_359_237, 100_000_000)?)
            }
            _ => Some(value),
        }
    }

    /// The unit on a charge line.
    #[must_use]
    pub const fn charge_unit(self) -> ChargeUnit {
        match self {
            Self::Lb => ChargeUnit::Lb,
            Self::Kg => ChargeUnit::Kg,
        }
    }
}

impl DistanceUnit {
    /// The distance in this unit, exactly.
    #[must_use]
    pub fn convert(self, value: Micros, from: Self) -> Option<Ratio> {
        match (from, self) {
            (Self::Km, Self::Mi) => Ratio::from(value).times(1_000_000, 1_609_344),
            (Self::Mi, Self::Km) => Ratio::from(value).times(1_609_344, 1_000_000),
            _ => Some(value.into()),
        }
    }

    /// The unit on a charge line.
    #[must_use]
    pub const fn charge_unit(self) -> ChargeUnit {
        match self {
            Self::Mi => ChargeUnit::Mile,
            Self::Km => ChargeUnit::Km,
        }
    }
}

impl LengthUnit {
    /// Hundredths of a centimetre in one.
    const fn size(self) -> i128 {
        match self {
            Self::In => 254,
            Self::Cm => 100,
            Self::M => 10_000,
        }
    }

    /// The length in this unit, exactly.
    #[must_use]
    pub fn convert(self, value: Micros, from: Self) -> Option<Ratio> {
        if self == from { Some(value.into()) } else { Ratio::from(value).times(from.size(), self.size()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_by_the_legal_sizes() {
        assert_eq!(WeightUnit::Kg.convert(Micros(1_000_000), WeightUnit::Lb), Some(Micros(453_592)));
        assert_eq!(WeightUnit::Lb.convert(Micros(45_359_237), WeightUnit::Kg), Some(Micros(100_000_000)));
        let inches = LengthUnit::In.convert(Micros(5_080_000), LengthUnit::Cm).unwrap();
        assert_eq!(Rounding::UP.apply_ratio(inches), Some(Micros(2_000_000)), "5.08 cm are 2 in, not 3");
    }
}
