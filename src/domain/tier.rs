//! Volume tiers and rebates; off invoice, never inside a rated charge (DOMAIN §3.10).

use serde::{Deserialize, Serialize};

use super::commitment::VolumeMeasure;
use super::exact::Ratio;
use super::field::{FieldErrors, codes, require};
use super::money::{Bps, Micros};
use super::words;

/// Bands one programme may have.
pub const TIER_BANDS_MAX: usize = 50;

codes! {
    /// What a band's share applies to.
    TierMethod, "tier method" {
        /// Each band's share on the spend inside the band.
        Incremental = "INCREMENTAL", "on the part inside each band";
        /// The reached band's share on everything from the first unit.
        Retroactive = "RETROACTIVE", "on everything once a band is reached";
    }
}

codes! {
    /// Over which time a tier is measured.
    TierWindow, "tier window" {
        /// The calendar year.
        CalendarYear = "CALENDAR_YEAR", "calendar year";
        /// The last 52 weeks, looked at weekly.
        Rolling52Weeks = "ROLLING_52_WEEKS", "rolling 52 weeks";
    }
}

/// One band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierBand {
    /// From this much on, included.
    pub from: Micros,
    /// Share paid back.
    pub share: Bps,
}

/// A rebate by volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierProgramme {
    /// The words on a page.
    pub label: String,
    /// What is counted; the rebate is always on spend.
    pub measure: VolumeMeasure,
    /// Over which time.
    pub window: TierWindow,
    /// Bands, lowest first, the first from 0.
    pub bands: Vec<TierBand>,
    /// How bands add up; a draft may not have decided yet, but an activated contract must say.
    #[serde(default)]
    pub method: Option<TierMethod>,
    /// Weeks a reached tier is kept after the volume falls below it.
    #[serde(default)]
    pub grace_weeks: u16,
}

impl TierProgramme {
    /// Problems of the programme, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        require(e, !self.label.trim().is_empty(), "label", "name the programme");
        let fine = (1..=TIER_BANDS_MAX).contains(&self.bands.len());
        require(e, fine, "bands", "list between 1 and 50 bands");
        let fine = self.bands.first().is_none_or(|band| band.from == Micros::ZERO);
        require(
            e,
            fine,
            "bands",
            "the first band starts at 0; give it a share of 0 % if nothing is paid there",
        );
        let fine = self.bands.is_sorted_by(|a, b| a.from < b.from);
        require(e, fine, "bands", "each band starts higher than the one before");
        let fine = self.bands.iter().all(|b| Bps(0) <= b.share && b.share <= Bps::WHOLE);
        require(e, fine, "bands", "shares are between 0 and 100 %");
        let spends = self.measure == VolumeMeasure::Spend;
        let fine = spends || self.method != Some(TierMethod::Incremental);
        require(e, fine, "method", "only bands of spend can be paid part by part; choose `on everything`");
        require(e, self.grace_weeks <= 52, "grace_weeks", "a tier is kept at most 52 weeks");
        errors
    }

    /// What is paid back on `spend`, with `measured` deciding the band; rounded once to the currency's
    /// `minor` unit in millionths. None without a method, or when it does not fit.
    #[must_use]
    pub fn rebate(&self, measured: Micros, spend: Micros, minor: i64) -> Option<Micros> {
        let share =
            |amount: Micros, band: &TierBand| Ratio::from(amount).times(i128::from(band.share.0), 10_000);
        let reached = |band: &&TierBand| band.from <= measured;
        match self.method? {
            TierMethod::Retroactive => {
                let band = self.bands.iter().filter(reached).max_by_key(|band| band.from);
                band.map_or(Some(Ratio::ZERO), |band| share(spend, band))?.money(minor)
            }
            TierMethod::Incremental => {
                let ends = self.bands.iter().skip(1).map(|band| band.from).chain([spend.max(Micros::ZERO)]);
                let parts = self.bands.iter().zip(ends).filter(|(band, _)| band.from < spend);
                let mut total = Ratio::ZERO;
                for (band, end) in parts {
                    total = total.plus(share(end.min(spend) - band.from, band)?)?;
                }
                total.money(minor)
            }
        }
    }

    /// `2 % from 500,000.00, 3.5 % from 1,000,000.00, on the part inside each band`.
    #[must_use]
    pub fn text(&self) -> String {
        let bands = self
            .bands
            .iter()
            .map(|band| format!("{} from {}", words::percent(band.share), words::amount(band.from)));
        let method = self.method.map_or("method not chosen", TierMethod::label);
        bands.chain([method.to_owned()]).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programme(method: TierMethod) -> TierProgramme {
        let band = |from: i64, share: i64| TierBand { from: Micros(from * 1_000_000), share: Bps(share) };
        TierProgramme {
            label: "Volume rebate".to_owned(),
            measure: VolumeMeasure::Spend,
            window: TierWindow::CalendarYear,
            bands: vec![band(0, 0), band(500_000, 200), band(1_000_000, 350)],
            method: Some(method),
            grace_weeks: 0,
        }
    }

    /// DOMAIN R8: the same bands pay 19,100.00 or 44,100.00.
    #[test]
    fn the_method_decides() {
        let rebate = |method, spend: i64| {
            programme(method).rebate(Micros(spend * 1_000_000), Micros(spend * 1_000_000), 10_000).unwrap()
        };
        assert_eq!(rebate(TierMethod::Incremental, 1_260_000), Micros(19_100_000_000));
        assert_eq!(rebate(TierMethod::Retroactive, 1_260_000), Micros(44_100_000_000));
        assert_eq!(rebate(TierMethod::Incremental, 400_000), Micros::ZERO);
        assert_eq!(rebate(TierMethod::Retroactive, 500_000), Micros(10_000_000_000), "the edge is reached");
        assert_eq!(programme(TierMethod::Incremental).validate(), []);
    }
}
