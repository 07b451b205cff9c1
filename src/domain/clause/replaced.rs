//! What it cost to have a load carried that the carrier turned down: a share of what the replacement cost above the
//! contract's price (DOMAIN §4.2, tender rejection and surge default, spot-cost difference).
//!
//! The steps say no other carrier, no load's amount, and no sum before share and limit: with its own price beside it, the
//! carrier could read from them what another one was paid (DOMAIN §9).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::price::Priced;
use crate::domain::money::{Bps, Micros, OutOfRange};
use crate::domain::words;

/// An offer that was turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TurnedDown {
    /// When it was sent: the allowance takes the earliest.
    pub sent_at: DateTime<Utc>,
    /// The tender.
    pub tender_id: i64,
    /// What the replacement cost above the contract's price of the load, in the contract's currency; negative where it was
    /// cheaper, none while either is not known.
    pub above: Option<Micros>,
}

/// What a replacement cost, and what the contract's carrier would have been paid for the same: linehaul and fuel.
///
/// Accessorials stay out of both: they are of what happened on the way. Of a total without parts, they are taken off where
/// they are known.
#[must_use]
pub fn carriage(
    (linehaul, fuel): (Option<Micros>, Option<Micros>),
    (freight, accessorial): (Option<Micros>, Option<Micros>),
) -> Option<Micros> {
    match linehaul {
        Some(linehaul) => Some(linehaul + fuel.unwrap_or_default()),
        None => Some(freight? - accessorial.unwrap_or_default()),
    }
}

/// A load turned down, as a clause prices it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricedLoad {
    /// The load.
    pub load: TurnedDown,
    /// It is one of those that the threshold lets pass.
    pub is_let_pass: bool,
    /// The share of what it cost more, before and after the most for one load; none where it is let pass, or not known yet.
    pub owed: Option<(Micros, Micros)>,
}

/// Every load turned down with what it comes to, the earliest first: these the threshold lets pass.
///
/// # Errors
/// An amount beyond what can be kept.
pub(super) fn priced_loads(
    (share, most): (Bps, Option<Micros>),
    turned_down: &[TurnedDown],
    allowed: Decimal,
    minor_digits: u32,
) -> Result<Vec<PricedLoad>, OutOfRange> {
    let mut loads = turned_down.to_vec();
    loads.sort_unstable();
    let allowed = allowed.to_usize().unwrap_or(usize::MAX);
    let priced = loads.into_iter().enumerate().map(|(place, load)| {
        let is_let_pass = place < allowed;
        let owed = match load.above.filter(|_| !is_let_pass) {
            None => None,
            Some(above) => {
                let owed =
                    Micros::charge(share.fraction() * above.max(Micros::ZERO).decimal(), minor_digits)?;
                Some((owed, most.map_or(owed, |most| owed.min(most))))
            }
        };
        Ok(PricedLoad { load, is_let_pass, owed })
    });
    priced.collect()
}

/// The price of the loads turned down beyond those that the threshold lets pass.
pub(super) fn price(
    (share, most): (Bps, Option<Micros>),
    turned_down: &[TurnedDown],
    allowed: Decimal,
    minor_digits: u32,
) -> Result<Priced, OutOfRange> {
    let loads = priced_loads((share, most), turned_down, allowed, minor_digits)?;
    let beyond = loads.iter().filter(|one| !one.is_let_pass).count();
    let known: Vec<(Micros, Micros)> = loads.iter().filter_map(|one| one.owed).collect();
    let (uncapped, within) =
        known.iter().fold((Micros::ZERO, Micros::ZERO), |(all, within), one| (all + one.0, within + one.1));
    let mut steps = vec![format!(
        "{} beyond what may be turned down: {} carried otherwise.",
        words::many(beyond, "load"),
        words::many(known.len(), "load")
    )];
    let unknown = beyond.saturating_sub(known.len());
    if unknown > 0 {
        steps.push(format!(
            "Of {} it is not known yet what the replacement cost, or what the contract's price is: nothing counts for that.",
            words::many(unknown, "load")
        ));
    }
    // The limit is named whether or not it bites: that it did not would say more than the amount does.
    let limit =
        most.map(|most| format!(", at most {} for each load", words::amount(most))).unwrap_or_default();
    steps.push(format!(
        "{} of what they cost more{limit}: {}.",
        words::percent(share),
        words::amount(within)
    ));
    Ok(Priced { uncapped, within_event: within, steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: i64) -> Micros {
        Micros(units * 1_000_000)
    }

    fn down(minute: i64, above: Option<i64>) -> TurnedDown {
        let sent_at = DateTime::from_timestamp(minute * 60, 0).unwrap();
        TurnedDown { sent_at, tender_id: minute, above: above.map(units) }
    }

    #[test]
    fn the_earliest_are_let_pass_and_the_rest_count_with_their_own_difference() {
        let loads = [down(3, Some(200)), down(1, Some(900)), down(2, Some(-50)), down(4, None)];
        let priced = price((Bps(10_000), None), &loads, Decimal::ONE, 2).unwrap();
        assert_eq!((priced.uncapped, priced.within_event), (units(200), units(200)));
        assert_eq!(
            priced.steps,
            [
                "3 loads beyond what may be turned down: 2 loads carried otherwise.",
                "Of 1 load it is not known yet what the replacement cost, or what the contract's price is: nothing counts for that.",
                "100 % of what they cost more: 200.00.",
            ]
        );
        let capped = price((Bps(5_000), Some(units(120))), &loads, Decimal::ZERO, 2).unwrap();
        assert_eq!((capped.uncapped, capped.within_event), (units(550), units(220)));
        let told = capped.steps.join(" ");
        assert!(
            told.ends_with("50 % of what they cost more, at most 120.00 for each load: 220.00."),
            "{told}"
        );
        for hidden in ["1,100.00", "550.00", "900.00", "450.00"] {
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
    }

    #[test]
    fn a_cheaper_replacement_takes_nothing_from_a_dearer_one() {
        let loads = [down(1, Some(-500)), down(2, Some(100))];
        assert_eq!(price((Bps(10_000), None), &loads, Decimal::ZERO, 2).unwrap().uncapped, units(100));
        assert_eq!(price((Bps(10_000), None), &[], Decimal::TEN, 2).unwrap().uncapped, Micros::ZERO);
    }

    #[test]
    fn carriage_is_linehaul_and_fuel() {
        let (a, b) = (Some(units(900)), Some(units(90)));
        assert_eq!(carriage((a, b), (Some(units(1_200)), None)), Some(units(990)));
        assert_eq!(carriage((None, None), (Some(units(1_200)), Some(units(200)))), Some(units(1_000)));
        assert_eq!(carriage((None, b), (None, None)), None);
    }
}
