//! Standing: the tier a partner holds, with hysteresis, gate and cap (DOMAIN §2.5).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::period::Period;

/// Days of activity before a partner is ranked.
pub const MIN_ACTIVE_DAYS: i64 = 90;
/// Shipments before a partner is ranked.
pub const MIN_SHIPMENTS: i64 = 30;
/// Least published composite of each band, best first.
const BANDS: [(i64, Tier); 4] =
    [(90, Tier::Strategic), (80, Tier::Preferred), (65, Tier::Approved), (50, Tier::Probation)];

// The reasons as a snapshot stores them. They are part of the document a scorecard is checked by, so they
// stay as they are; [`Standing::words`] says them to people.
const UNDER: &str = " is under 50";
const HOLDS: &str = " is in the band it holds";
const SECOND: &str = " band; a second quarter there moves it";
const NOT_SCORED: &str = "this quarter is not scored, so nothing changes";
const IN_A_ROW: &str = "two quarters in a row ";

/// A standing. The first five are ranked, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Tier {
    /// 90.0 and more.
    Strategic,
    /// 80.0 to 89.9.
    Preferred,
    /// 65.0 to 79.9.
    Approved,
    /// 50.0 to 64.9.
    Probation,
    /// Under 50.0.
    ExitReview,
    /// A gate failed.
    Suspended,
    /// Too new to rank.
    Onboarding,
}

/// One quarter's result as far as standing needs it, oldest first in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarterScore {
    /// Published composite; none when not scored.
    pub published: Option<Decimal>,
    /// Published composite without low-volume KPIs.
    pub firm: Option<Decimal>,
    /// A critical KPI failed.
    pub critical_failed: bool,
}

/// What a standing is decided on.
#[derive(Clone, Copy, Debug)]
pub struct StandingInput<'a> {
    /// The standing before this decision; none for the first.
    pub current: Option<Tier>,
    /// Quarters, oldest first; the last is the one being judged.
    pub quarters: &'a [QuarterScore],
    /// Days since the first shipment.
    pub days_active: i64,
    /// Shipments so far.
    pub shipments: i64,
    /// A compliance gate failed.
    pub gate_failed: bool,
}

/// The decision with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The standing from now on.
    pub tier: Tier,
    /// The band of this quarter's number alone.
    pub band: Option<Tier>,
    /// Why, in plain words.
    pub reason: String,
}

impl Tier {
    /// Name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Strategic => "Strategic",
            Self::Preferred => "Preferred",
            Self::Approved => "Approved",
            Self::Probation => "Probation",
            Self::ExitReview => "Exit review",
            Self::Suspended => "Suspended",
            Self::Onboarding => "Onboarding",
        }
    }

    /// The word stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Strategic => "STRATEGIC",
            Self::Preferred => "PREFERRED",
            Self::Approved => "APPROVED",
            Self::Probation => "PROBATION",
            Self::ExitReview => "EXIT_REVIEW",
            Self::Suspended => "SUSPENDED",
            Self::Onboarding => "ONBOARDING",
        }
    }

    /// What the standing means for the partner, by default.
    #[must_use]
    pub fn effect(self) -> &'static str {
        match self {
            Self::Strategic => "longer terms, first right on growth, joint investment",
            Self::Preferred => "primary awards",
            Self::Approved => "normal awards",
            Self::Probation => "corrective plan needed, awards frozen, monthly review",
            Self::ExitReview => "reallocation plan within 30 days",
            Self::Suspended => "no new tenders until cleared",
            Self::Onboarding => "not ranked yet",
        }
    }

    /// Whether it takes part in promotion and demotion.
    #[must_use]
    pub fn is_ranked(self) -> bool {
        self <= Self::ExitReview
    }
}

impl Standing {
    /// Why, as a partner or a manager reads it; `quarter` is the one that was judged.
    #[must_use]
    pub fn words(&self, quarter: Option<Period>) -> String {
        let named = quarter.map(|q| q.title().to_lowercase());
        let quarter = named.clone().unwrap_or_else(|| "the quarter".to_owned());
        let (reason, tier) = (self.reason.as_str(), self.tier.title());
        if let Some(score) = reason.strip_suffix(UNDER) {
            return format!("the score of {quarter}, {score}, is under 50");
        }
        if let Some(score) = reason.strip_suffix(HOLDS) {
            return format!("the score of {quarter}, {score}, keeps it in {tier}");
        }
        if let Some((score, band)) =
            reason.strip_suffix(SECOND).and_then(|start| start.split_once(" is in the "))
        {
            return format!(
                "the score of {quarter}, {score}, would be {band}; a second quarter there moves the standing, \
                 until then it stays {tier}"
            );
        }
        if reason == NOT_SCORED {
            return format!("{quarter} is not scored, so nothing changes");
        }
        if let Some((side, bands)) = reason.strip_prefix(IN_A_ROW).and_then(|rest| rest.split_once(": ")) {
            return format!("two quarters in a row {side}, up to {quarter}: first {bands}");
        }
        // The others name no quarter of their own.
        named.map_or_else(|| reason.to_owned(), |quarter| format!("{reason}, as of {quarter}"))
    }
}

/// The band of a published composite.
#[must_use]
pub fn tier_of(published: Decimal) -> Tier {
    BANDS
        .iter()
        .find(|(least, _)| published >= Decimal::from(*least))
        .map_or(Tier::ExitReview, |(_, tier)| *tier)
}

/// Decides the standing for the last of the quarters.
#[must_use]
pub fn standing(input: &StandingInput<'_>) -> Standing {
    let quarter = input.quarters.last().copied().unwrap_or_default();
    let band = quarter.published.map(tier_of);
    let decided = |tier, reason: String| Standing { tier, band, reason };
    if input.gate_failed {
        return decided(Tier::Suspended, "a compliance gate failed".to_owned());
    }
    if input.days_active < MIN_ACTIVE_DAYS || input.shipments < MIN_SHIPMENTS {
        return decided(Tier::Onboarding, onboarding_reason(input));
    }
    let held = input.current.filter(|t| t.is_ranked());
    let Some(published) = quarter.published else {
        return decided(held.unwrap_or(Tier::Onboarding), NOT_SCORED.to_owned());
    };
    let Some(current) = held else {
        return first_standing(input, quarter, published);
    };
    let (tier, reason) = move_from(current, input.quarters, published);
    match capped(tier, quarter) {
        Some(cap) => decided(cap, "a critical KPI is below its floor, which caps the standing".to_owned()),
        None => decided(tier, reason),
    }
}

fn onboarding_reason(input: &StandingInput<'_>) -> String {
    format!(
        "{} days and {} shipments so far; ranked from {MIN_ACTIVE_DAYS} days and {MIN_SHIPMENTS} shipments",
        input.days_active, input.shipments
    )
}

fn first_standing(input: &StandingInput<'_>, quarter: QuarterScore, published: Decimal) -> Standing {
    let band = tier_of(published);
    let tier = capped(band, quarter).unwrap_or(band);
    let reason = if input.current == Some(Tier::Suspended) {
        format!("gates cleared; this quarter's {published:.1} decides")
    } else {
        format!("first ranked quarter, {published:.1}")
    };
    Standing { tier, band: Some(band), reason }
}

/// Two quarters in a row on the same side move the standing; under 50 moves it at once.
fn move_from(current: Tier, quarters: &[QuarterScore], published: Decimal) -> (Tier, String) {
    let band_now = quarters.last().and_then(|q| effective_band(*q, current)).unwrap_or(current);
    if band_now == Tier::ExitReview {
        return (Tier::ExitReview, format!("{published:.1}{UNDER}"));
    }
    let before = quarters.len().checked_sub(2).and_then(|i| quarters.get(i));
    let band_before = before.and_then(|q| effective_band(*q, current)).unwrap_or(current);
    let (now, then) = (band_now.title(), band_before.title());
    if band_now < current && band_before < current {
        let tier = band_now.max(band_before);
        return (tier, format!("{IN_A_ROW}above {}: {then}, then {now}", current.title()));
    }
    if band_now > current && band_before > current {
        let tier = band_now.min(band_before);
        return (tier, format!("{IN_A_ROW}below {}: {then}, then {now}", current.title()));
    }
    if band_now == current {
        return (current, format!("{published:.1}{HOLDS}"));
    }
    (current, format!("{published:.1} is in the {now}{SECOND}"))
}

/// A quarter's band, unless only low-volume KPIs put it there: those may not change a standing (DOMAIN §1.3).
fn effective_band(quarter: QuarterScore, current: Tier) -> Option<Tier> {
    let band = tier_of(quarter.published?);
    let band = capped(band, quarter).unwrap_or(band);
    let firm = quarter.firm.map(tier_of);
    let carried = match band.cmp(&current) {
        std::cmp::Ordering::Less => firm.is_some_and(|f| f < current),
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Greater => firm.is_some_and(|f| f > current) || quarter.critical_failed,
    };
    Some(if carried { band } else { current })
}

fn capped(tier: Tier, quarter: QuarterScore) -> Option<Tier> {
    (quarter.critical_failed && tier < Tier::Approved).then_some(Tier::Approved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quarter(score: &str) -> QuarterScore {
        let published = score.parse().ok();
        QuarterScore { published, firm: published, critical_failed: false }
    }

    fn decide(current: Option<Tier>, quarters: &[QuarterScore]) -> Tier {
        standing(&StandingInput { current, quarters, days_active: 400, shipments: 900, gate_failed: false })
            .tier
    }

    #[test]
    fn bands_compare_the_published_number() {
        let tiers = ["90.0", "89.9", "80.0", "65.0", "64.9", "50.0", "49.9"]
            .map(|s| tier_of(s.parse().unwrap()).title());
        assert_eq!(
            tiers,
            ["Strategic", "Preferred", "Preferred", "Approved", "Probation", "Probation", "Exit review"]
        );
    }

    #[test]
    fn promotion_and_demotion_take_two_quarters() {
        use Tier::{Approved, ExitReview, Preferred, Probation, Strategic};
        let q = |scores: &[&str]| scores.iter().map(|s| quarter(s)).collect::<Vec<_>>();
        assert_eq!(decide(Some(Approved), &q(&["73.2", "82.0"])), Approved);
        assert_eq!(decide(Some(Approved), &q(&["81.0", "92.0"])), Preferred);
        assert_eq!(decide(Some(Approved), &q(&["91.0", "92.0"])), Strategic);
        assert_eq!(decide(Some(Approved), &q(&["73.0", "60.0"])), Approved);
        assert_eq!(decide(Some(Preferred), &q(&["60.0", "70.0"])), Approved);
        assert_eq!(decide(Some(Approved), &q(&["60.0", "61.0"])), Probation);
        assert_eq!(decide(Some(Strategic), &q(&["95.0", "49.9"])), ExitReview);
        assert_eq!(decide(None, &q(&["82.0"])), Preferred);
        assert_eq!(decide(Some(Approved), &q(&["82.0", "none"])), Approved);
    }

    #[test]
    fn a_reason_names_the_quarter_and_is_stored_as_it_always_was() {
        let told = |current: Tier, scores: &[&str]| {
            let quarters: Vec<QuarterScore> = scores.iter().map(|s| quarter(s)).collect();
            let input = StandingInput {
                current: Some(current),
                quarters: &quarters,
                days_active: 400,
                shipments: 900,
                gate_failed: false,
            };
            let found = standing(&input);
            let words = found.words("2026-Q2".parse().ok());
            (found.reason, words)
        };
        let both = |stored: &str, words: &str| (stored.to_owned(), words.to_owned());
        assert_eq!(
            told(Tier::Approved, &["70.0", "44.0"]),
            both("44.0 is under 50", "the score of quarter 2 of 2026, 44.0, is under 50")
        );
        assert_eq!(
            told(Tier::Approved, &["70.0", "70.6"]),
            both(
                "70.6 is in the band it holds",
                "the score of quarter 2 of 2026, 70.6, keeps it in Approved"
            )
        );
        assert_eq!(
            told(Tier::Approved, &["70.0", "82.0"]),
            both(
                "82.0 is in the Preferred band; a second quarter there moves it",
                "the score of quarter 2 of 2026, 82.0, would be Preferred; a second quarter there moves the \
                 standing, until then it stays Approved"
            )
        );
        assert_eq!(
            told(Tier::Onboarding, &["70.0", "83.0"]),
            both("first ranked quarter, 83.0", "first ranked quarter, 83.0, as of quarter 2 of 2026")
        );
        assert_eq!(
            told(Tier::Strategic, &["82.0", "83.0"]),
            both(
                "two quarters in a row below Strategic: Preferred, then Preferred",
                "two quarters in a row below Strategic, up to quarter 2 of 2026: first Preferred, then Preferred"
            )
        );
        assert_eq!(
            told(Tier::Approved, &["82.0", "none"]),
            both(
                "this quarter is not scored, so nothing changes",
                "quarter 2 of 2026 is not scored, so nothing changes"
            )
        );
    }

    #[test]
    fn low_volume_alone_moves_nothing() {
        let thin = QuarterScore {
            published: "82.0".parse().ok(),
            firm: "79.0".parse().ok(),
            critical_failed: false,
        };
        assert_eq!(decide(Some(Tier::Approved), &[thin, thin]), Tier::Approved);
    }

    #[test]
    fn a_failed_critical_kpi_caps_at_approved_at_once() {
        let failed = QuarterScore { critical_failed: true, ..quarter("93.0") };
        assert_eq!(decide(Some(Tier::Strategic), &[quarter("93.0"), failed]), Tier::Approved);
        assert_eq!(decide(None, &[failed]), Tier::Approved);
    }

    #[test]
    fn gate_and_onboarding_come_first() {
        let quarters = [quarter("93.0")];
        let mut input = StandingInput {
            current: None,
            quarters: &quarters,
            days_active: 40,
            shipments: 900,
            gate_failed: false,
        };
        assert_eq!(standing(&input).tier, Tier::Onboarding);
        input.gate_failed = true;
        assert_eq!(standing(&input).tier, Tier::Suspended);
        input = StandingInput { days_active: 90, shipments: 30, gate_failed: false, ..input };
        assert_eq!(standing(&input).tier, Tier::Strategic);
    }
}
