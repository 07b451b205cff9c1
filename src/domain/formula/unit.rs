//! What figures of a formula are measured in, and the units a KPI may be declared in.

use std::fmt;

use rust_decimal::Decimal;

use crate::domain::field::codes;
use crate::domain::kpi;

/// Highest power of a unit inside a formula; nobody means shipments to the fifth.
pub const MAX_POWER: i8 = 4;

/// A unit as powers of the five there are: `money/count` is money to the first and counts to the minus first. A fraction
/// is the plain one, with no power at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Things counted: shipments, deliveries, tenders, messages.
    pub count: i8,
    /// The reporting currency.
    pub money: i8,
    /// Kilograms.
    pub kilograms: i8,
    /// Kilometres.
    pub kilometres: i8,
    /// Minutes.
    pub minutes: i8,
}

impl Unit {
    /// A fraction or a plain number.
    pub const PLAIN: Self = Self { count: 0, money: 0, kilograms: 0, kilometres: 0, minutes: 0 };
    /// Things counted.
    pub const COUNT: Self = Self { count: 1, ..Self::PLAIN };
    /// The reporting currency.
    pub const MONEY: Self = Self { money: 1, ..Self::PLAIN };
    /// Kilograms.
    pub const KILOGRAMS: Self = Self { kilograms: 1, ..Self::PLAIN };
    /// Kilometres.
    pub const KILOMETRES: Self = Self { kilometres: 1, ..Self::PLAIN };
    /// Minutes.
    pub const MINUTES: Self = Self { minutes: 1, ..Self::PLAIN };
    /// Kilograms carried over kilometres.
    pub const WORK: Self = Self { kilograms: 1, kilometres: 1, ..Self::PLAIN };

    fn powers(self) -> [(&'static str, i8); 5] {
        [
            ("money", self.money),
            ("count", self.count),
            ("kg", self.kilograms),
            ("km", self.kilometres),
            ("minutes", self.minutes),
        ]
    }

    /// The unit of a product; none beyond [`MAX_POWER`].
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        self.combined(other, i8::checked_add)
    }

    /// The unit of a quotient; none beyond [`MAX_POWER`].
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.combined(other, i8::checked_sub)
    }

    fn combined(self, other: Self, both: fn(i8, i8) -> Option<i8>) -> Option<Self> {
        let power = |a: i8, b: i8| both(a, b).filter(|power| (-MAX_POWER..=MAX_POWER).contains(power));
        Some(Self {
            count: power(self.count, other.count)?,
            money: power(self.money, other.money)?,
            kilograms: power(self.kilograms, other.kilograms)?,
            kilometres: power(self.kilometres, other.kilometres)?,
            minutes: power(self.minutes, other.minutes)?,
        })
    }
}

/// `money/count`, `count`, `a plain number`.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::PLAIN {
            return f.write_str("a plain number");
        }
        let side = |sign: i8| {
            let of = |(name, power): (&str, i8)| match power.saturating_mul(sign) {
                ..=0 => None,
                1 => Some(name.to_owned()),
                power => Some(format!("{name}^{power}")),
            };
            self.powers().into_iter().filter_map(of).collect::<Vec<_>>().join("*")
        };
        let (over, under) = (side(1), side(-1));
        match (over.is_empty(), under.is_empty()) {
            (_, true) => f.write_str(&over),
            (true, false) => write!(f, "1/{under}"),
            (false, false) => write!(f, "{over}/{under}"),
        }
    }
}

/// A unit that may stand after a number.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// As it is written.
    pub word: &'static str,
    /// What one of it is.
    pub unit: Unit,
    /// How many of the formula's own unit one is, and over what: a percent is 1 over 100, an hour 60 over 1.
    pub worth: (u32, u32),
}

/// Every unit that may stand after a number; the first of a unit is the one suggested.
pub const WRITTEN: [Written; 14] = [
    Written { word: "count", unit: Unit::COUNT, worth: (1, 1) },
    Written { word: "money", unit: Unit::MONEY, worth: (1, 1) },
    Written { word: "kg", unit: Unit::KILOGRAMS, worth: (1, 1) },
    Written { word: "km", unit: Unit::KILOMETRES, worth: (1, 1) },
    Written { word: "minutes", unit: Unit::MINUTES, worth: (1, 1) },
    Written { word: "minute", unit: Unit::MINUTES, worth: (1, 1) },
    Written { word: "min", unit: Unit::MINUTES, worth: (1, 1) },
    Written { word: "hours", unit: Unit::MINUTES, worth: (60, 1) },
    Written { word: "hour", unit: Unit::MINUTES, worth: (60, 1) },
    Written { word: "h", unit: Unit::MINUTES, worth: (60, 1) },
    Written { word: "days", unit: Unit::MINUTES, worth: (1440, 1) },
    Written { word: "day", unit: Unit::MINUTES, worth: (1440, 1) },
    Written { word: "%", unit: Unit::PLAIN, worth: (1, 100) },
    Written { word: "percent", unit: Unit::PLAIN, worth: (1, 100) },
];

codes! {
    /// What the value of an own KPI is declared in. Thresholds are given in it: percent and per hundred as 0 to 100.
    OwnUnit, "unit" {
        /// A fraction, shown times a hundred.
        Percent = "PERCENT", "percent";
        /// A fraction, shown per hundred.
        PerHundred = "PER_HUNDRED", "per hundred";
        /// A fraction or plain number, shown as it is.
        Ratio = "RATIO", "plain number";
        /// Things counted.
        Count = "COUNT", "count";
        /// Minutes.
        Minutes = "MINUTES", "minutes";
        /// Minutes, shown as hours.
        Hours = "HOURS", "hours";
        /// Minutes, shown as days of 24 hours.
        Days = "DAYS", "days of 24 hours";
        /// Minutes for each counted thing.
        MinutesEach = "MINUTES_EACH", "minutes each";
        /// The reporting currency.
        Money = "MONEY", "money";
        /// The reporting currency for each counted thing.
        MoneyEach = "MONEY_EACH", "money each";
        /// The reporting currency per kilogram.
        MoneyPerKg = "MONEY_PER_KG", "money per kg";
        /// The reporting currency per kilometre.
        MoneyPerKm = "MONEY_PER_KM", "money per km";
        /// Kilograms.
        Kilograms = "KG", "kg";
        /// Kilograms for each counted thing.
        KilogramsEach = "KG_EACH", "kg each";
        /// Kilometres.
        Kilometres = "KM", "km";
    }
}

impl OwnUnit {
    /// What a formula must come to for it.
    #[must_use]
    pub fn unit(self) -> Unit {
        let each = |unit: Unit| Unit { count: -1, ..unit };
        match self {
            Self::Percent | Self::PerHundred | Self::Ratio => Unit::PLAIN,
            Self::Count => Unit::COUNT,
            Self::Minutes | Self::Hours | Self::Days => Unit::MINUTES,
            Self::MinutesEach => each(Unit::MINUTES),
            Self::Money => Unit::MONEY,
            Self::MoneyEach => each(Unit::MONEY),
            Self::MoneyPerKg => Unit { kilograms: -1, ..Unit::MONEY },
            Self::MoneyPerKm => Unit { kilometres: -1, ..Unit::MONEY },
            Self::Kilograms => Unit::KILOGRAMS,
            Self::KilogramsEach => each(Unit::KILOGRAMS),
            Self::Kilometres => Unit::KILOMETRES,
        }
    }

    /// How many of the formula's unit one of it is: an hour is 60 minutes.
    #[must_use]
    pub(super) fn worth(self) -> Decimal {
        Decimal::from(match self {
            Self::Hours => 60,
            Self::Days => 1440,
            _ => 1,
        })
    }

    /// The value in the unit of thresholds: fractions of percent and per hundred times a hundred, the rest as it is.
    #[must_use]
    pub fn in_threshold_unit(self, value: Decimal) -> Decimal {
        match self {
            Self::Percent | Self::PerHundred => {
                value.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(value).normalize()
            }
            _ => value,
        }
    }

    /// Whether the value is an amount of the reporting currency, or one for each of something.
    #[must_use]
    pub fn is_money(self) -> bool {
        self.unit().money != 0
    }

    /// What stands behind a value: `%`, `h`, the currency; empty for plain numbers and counts.
    #[must_use]
    pub fn suffix(self, currency: &str) -> String {
        match self {
            Self::Percent => "%".to_owned(),
            Self::PerHundred => "per 100".to_owned(),
            Self::Ratio | Self::Count => String::new(),
            Self::Minutes | Self::MinutesEach => "min".to_owned(),
            Self::Hours => "h".to_owned(),
            Self::Days => "days".to_owned(),
            Self::Money | Self::MoneyEach => currency.to_owned(),
            Self::MoneyPerKg => format!("{currency}/kg"),
            Self::MoneyPerKm => format!("{currency}/km"),
            Self::Kilograms | Self::KilogramsEach => "kg".to_owned(),
            Self::Kilometres => "km".to_owned(),
        }
    }

    /// Decimal places a value is shown with.
    #[must_use]
    pub fn places(self) -> u32 {
        match self {
            Self::Count => 0,
            Self::Percent | Self::Minutes | Self::Hours | Self::Days | Self::MinutesEach => 1,
            Self::MoneyPerKg | Self::MoneyPerKm => 3,
            _ => 2,
        }
    }
}

/// What a KPI of the catalogue counts as inside a formula, and how many of that its published value is one of.
#[must_use]
pub(super) fn of_catalogue(unit: kpi::Unit) -> (Unit, Decimal) {
    match unit {
        kpi::Unit::Percent
        | kpi::Unit::PerHundred
        | kpi::Unit::Ratio
        | kpi::Unit::PerThousand
        | kpi::Unit::Index
        | kpi::Unit::Gate => (Unit::PLAIN, Decimal::ONE),
        kpi::Unit::Days => (Unit::MINUTES, OwnUnit::Days.worth()),
        kpi::Unit::Hours => (Unit::MINUTES, OwnUnit::Hours.worth()),
        kpi::Unit::MoneyPerShipment => (OwnUnit::MoneyEach.unit(), Decimal::ONE),
        kpi::Unit::Minutes => (Unit::MINUTES, Decimal::ONE),
        kpi::Unit::MoneyPerPiece => (OwnUnit::MoneyEach.unit(), Decimal::ONE),
        kpi::Unit::MoneyPerKg => (OwnUnit::MoneyPerKg.unit(), Decimal::ONE),
        kpi::Unit::MoneyPerKm => (OwnUnit::MoneyPerKm.unit(), Decimal::ONE),
        // A tonne-kilometre is a thousand kilograms over a kilometre.
        kpi::Unit::MoneyPerTkm => {
            (Unit { money: 1, kilograms: -1, kilometres: -1, ..Unit::PLAIN }, Decimal::new(1, 3))
        }
        // Grams over tonnes are millionths; the kilograms cancel.
        kpi::Unit::GramsPerTkm => (Unit { kilometres: -1, ..Unit::PLAIN }, Decimal::new(1, 6)),
    }
}
