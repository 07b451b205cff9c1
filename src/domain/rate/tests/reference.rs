//! The same rules in plain `rust_decimal`, row by row and without any index: slow, and obviously right.

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::*;

pub(super) fn money(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn within(band: Band, value: Decimal) -> bool {
    band.lower.decimal() <= value && band.upper.is_none_or(|upper| value < upper.decimal())
}

/// Total of a shipment on a line of half-open bands without overlaps, by DOMAIN §3.4, with fuel in percent and
/// flat accessorials; none in a gap.
pub(super) struct Reference<'a> {
    pub line: &'a RateLine,
    pub deficit: bool,
    pub minimum_order: MinimumOrder,
    pub fuel_percent: Decimal,
    pub accessorials: &'a [(Micros, Bps)],
}

impl Reference<'_> {
    fn rate(&self, weight: Decimal, distance: Decimal) -> Option<&Cell> {
        let value = |axis: Option<Axis>| if axis == Some(Axis::Distance) { distance } else { weight };
        self.line.cells.iter().find(|cell| {
            (self.line.first.is_none() || within(cell.first, value(self.line.first)))
                && (self.line.second.is_none() || within(cell.second, value(self.line.second)))
        })
    }

    fn gross_at(&self, weight: Decimal, distance: Decimal) -> Option<Decimal> {
        let cell = self.rate(weight, distance)?;
        let rate = cell.rate.decimal();
        let exact = match self.line.basis {
            RateBasis::Flat => rate,
            RateBasis::PerDistance => rate * distance,
            RateBasis::PerWeight => rate * weight,
            RateBasis::PerCwt => rate * weight / Decimal::ONE_HUNDRED,
            RateBasis::PerUnit => return None,
        };
        Some(money(cell.min.map_or(exact, |min| exact.max(min.decimal()))))
    }

    /// Gross, deficit rule included.
    pub fn gross(&self, weight: Decimal, distance: Decimal) -> Option<Decimal> {
        let own = self.gross_at(weight, distance)?;
        if !self.deficit {
            return Some(own);
        }
        let higher =
            self.line.cells.iter().map(|cell| cell.first.lower.decimal()).filter(|lower| *lower > weight);
        Some(higher.filter_map(|lower| self.gross_at(lower, distance)).fold(own, Decimal::min))
    }

    /// The whole charge.
    pub fn total(&self, weight: Decimal, distance: Decimal) -> Option<Decimal> {
        let fraction = |share: Bps| Decimal::ONE - share.fraction();
        let mut net = self.gross(weight, distance)?;
        if let Some(min) = self.line.min.filter(|_| self.minimum_order == MinimumOrder::BeforeDiscount) {
            net = net.max(min.decimal());
        }
        net = money(net * fraction(self.line.discount));
        if let Some(min) = self.line.min.filter(|_| self.minimum_order == MinimumOrder::AfterDiscount) {
            net = net.max(min.decimal());
        }
        if let Some(AbsoluteMinimum::Amount { amount }) = self.line.absolute_min {
            net = net.max(amount.decimal());
        }
        if let Some(max) = self.line.max {
            net = net.min(max.decimal());
        }
        let fuel = money(net * self.fuel_percent / Decimal::ONE_HUNDRED);
        let beside: Decimal =
            self.accessorials.iter().map(|(rate, less)| money(rate.decimal() * fraction(*less))).sum();
        Some(net + beside + fuel)
    }
}
