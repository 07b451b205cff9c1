//! What follows from a standing (DOMAIN §2.5): who is watched, whose awards are frozen, when a corrective action is opened,
//! and which share of the volume is suggested.

use chrono::{Days, Months, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};

use super::score::{KpiScore, Place, ScoreResult};
use super::standing::Tier;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::period::Period;

/// Business days a partner has to answer a corrective action.
pub const ANSWER_BUSINESS_DAYS: u16 = 10;
/// Days after the end of a quarter in which its standing still opens a corrective action; older history opens none.
const ACTION_DAYS: u64 = 90;
/// Points of share that a Strategic partner may be given on top, and a Preferred one.
const GROWTH_POINTS: [i64; 2] = [10, 5];
/// Share of the volume, in percent, that a new partner is tried out with at most.
const PILOT_PERCENT: i64 = 5;

/// What follows from a standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequences {
    /// It is on the watch list.
    pub watched: bool,
    /// The capacity plan gives it no more than it carries.
    pub frozen: bool,
    /// The capacity plan gives it nothing.
    pub stopped: bool,
    /// A corrective action is opened.
    pub corrective_action: bool,
}

/// What follows from `tier` by default.
#[must_use]
pub fn consequences(tier: Tier) -> Consequences {
    let low = matches!(tier, Tier::Probation | Tier::ExitReview | Tier::Suspended);
    Consequences { watched: low, frozen: low, stopped: tier == Tier::Suspended, corrective_action: low }
}

/// A range of the volume, in percent with one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareRange {
    /// At least.
    pub from: Decimal,
    /// At most.
    pub to: Decimal,
}

/// The share of the volume that a standing suggests for a partner that now has `present` percent of it (volume by band;
/// the steps are ours): growth from Preferred up, as it is for Approved, no more than now on Probation, half at most in
/// exit review, none while suspended, and a trial for a partner that is not ranked yet.
#[must_use]
pub fn suggested_share(tier: Tier, present: Decimal) -> ShareRange {
    let place = |share: Decimal| {
        share
            .clamp(Decimal::ZERO, Decimal::ONE_HUNDRED)
            .round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
    };
    let [strategic, preferred] = GROWTH_POINTS.map(Decimal::from);
    let (from, to) = match tier {
        Tier::Strategic => (present, present + strategic),
        Tier::Preferred => (present, present + preferred),
        Tier::Approved => (present, present),
        Tier::Probation => (Decimal::ZERO, present),
        Tier::ExitReview => (Decimal::ZERO, present / Decimal::TWO),
        Tier::Suspended => (Decimal::ZERO, Decimal::ZERO),
        Tier::Onboarding => (Decimal::ZERO, Decimal::from(PILOT_PERCENT)),
    };
    ShareRange { from: place(from), to: place(to) }
}

/// The KPI that a corrective action is opened for: of those that miss their target beyond chance (DOMAIN §1.3, §2.6) the
/// one that costs the composite most; the failed gate before all. None when no miss is confirmed.
#[must_use]
pub fn cause_of(result: &ScoreResult) -> Option<&KpiScore> {
    let cost = |kpi: &KpiScore| {
        let weight = kpi.effective_weight.unwrap_or(kpi.weight);
        weight * (Decimal::from(80) - kpi.score.unwrap_or_default())
    };
    result.failed_gate().or_else(|| {
        let missed = result.kpis().filter(|kpi| matches!(kpi.place, Place::Short | Place::BelowFloor));
        missed.max_by_key(|kpi| (cost(kpi), std::cmp::Reverse(kpi.input.code.clone())))
    })
}

/// Whether the standing of a quarter opens a corrective action on `today`.
#[must_use]
pub fn opens_action(tier: Tier, quarter: Period, today: NaiveDate) -> bool {
    let recent = today.checked_sub_days(Days::new(ACTION_DAYS)).is_none_or(|from| quarter.end() >= from);
    consequences(tier).corrective_action && recent && today >= quarter.end()
}

/// The day by which the partner answers an action that is opened on `day`.
#[must_use]
pub fn answer_due(day: NaiveDate, calendar: &BusinessCalendar) -> NaiveDate {
    calendar.add_bd(day, ANSWER_BUSINESS_DAYS)
}

/// A standing set by hand, as agreed by a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingOverride {
    /// Row id.
    pub id: i64,
    /// The standing.
    pub tier: Tier,
    /// First day it holds.
    pub first_day: NaiveDate,
    /// Last day it holds; then the measured standing counts again.
    pub last_day: NaiveDate,
    /// Why.
    pub reason: String,
    /// Who asked for it, and who agreed.
    pub people: (String, String),
}

/// The standing a partner holds on a day, and the measured one beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldOn {
    /// What the scorecards decided; none before the first decision.
    pub measured: Option<Tier>,
    /// What was set by hand and holds on the day.
    pub by_hand: Option<StandingOverride>,
}

impl HeldOn {
    /// The standing that counts.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        self.by_hand.as_ref().map(|one| one.tier).or(self.measured)
    }

    /// Why it is not the measured one, for whoever reads it; empty when it is.
    #[must_use]
    pub fn words(&self) -> String {
        let Some(one) = &self.by_hand else { return String::new() };
        format!(
            "Set by hand to {} until {} by {}, agreed by {}: {} Measured: {}.",
            one.tier.title(),
            crate::domain::words::day(one.last_day),
            one.people.0,
            one.people.1,
            ended(&one.reason),
            self.measured.map_or("not ranked yet", Tier::title),
        )
    }
}

impl HeldOn {
    /// As [`HeldOn::words`], for the partner: without the shipper's people and reasons.
    #[must_use]
    pub fn partner_words(&self) -> String {
        let Some(one) = &self.by_hand else { return String::new() };
        format!(
            "Set by hand to {} until {}. Measured: {}.",
            one.tier.title(),
            crate::domain::words::day(one.last_day),
            self.measured.map_or("not ranked yet", Tier::title),
        )
    }
}

fn ended(words: &str) -> String {
    if words.ends_with(['.', '!', '?']) { words.to_owned() } else { format!("{words}.") }
}

/// The standing on `day`: the newest agreed override that holds on it, else the measured one. The hysteresis never sees an
/// override, so it ends by itself.
#[must_use]
pub fn held_on(measured: Option<Tier>, agreed: &[StandingOverride], day: NaiveDate) -> HeldOn {
    let holds = agreed.iter().filter(|one| one.first_day <= day && day <= one.last_day);
    HeldOn { measured, by_hand: holds.max_by_key(|one| one.id).cloned() }
}

/// Why an override may not last from `first` to `last`, asked for on `today`; none when it may: at most one quarter.
#[must_use]
pub fn override_problem(first: NaiveDate, last: NaiveDate, today: NaiveDate) -> Option<String> {
    let longest = first.checked_add_months(Months::new(3)).and_then(|end| end.pred_opt());
    if first < today {
        Some("it begins today or later; the past stays as it was measured".to_owned())
    } else if last < first {
        Some("it ends before it begins".to_owned())
    } else if longest.is_none_or(|longest| last > longest) {
        let longest = longest.map_or_else(String::new, crate::domain::words::day);
        Some(format!("it lasts one quarter at most, here until {longest}; ask again when it ends"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scorecard::{KpiInput, default_template, score};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn hand(id: i64, tier: Tier, first: &str, last: &str) -> StandingOverride {
        StandingOverride {
            id,
            tier,
            first_day: day(first),
            last_day: day(last),
            reason: "New depot".to_owned(),
            people: ("Mara".to_owned(), "Paul".to_owned()),
        }
    }

    #[test]
    fn an_override_holds_for_its_days_and_ends_by_itself() {
        let agreed = [
            hand(1, Tier::Approved, "2026-01-10", "2026-03-31"),
            hand(2, Tier::Preferred, "2026-03-01", "2026-03-10"),
        ];
        let on = |text: &str| held_on(Some(Tier::Probation), &agreed, day(text)).tier();
        assert_eq!(
            ["2026-01-09", "2026-01-10", "2026-03-05", "2026-03-11", "2026-03-31", "2026-04-01"].map(on),
            [
                Tier::Probation,
                Tier::Approved,
                Tier::Preferred,
                Tier::Approved,
                Tier::Approved,
                Tier::Probation
            ]
            .map(Some)
        );
        let held = held_on(Some(Tier::Probation), &agreed, day("2026-02-01"));
        assert_eq!(held.measured, Some(Tier::Probation), "it stays visible");
        assert_eq!(
            held.words(),
            "Set by hand to Approved until 31 March 2026 by Mara, agreed by Paul: New depot. Measured: Probation."
        );
    }

    #[test]
    fn an_override_lasts_a_quarter_at_most() {
        let told = |first: &str, last: &str| override_problem(day(first), day(last), day("2026-01-10"));
        assert_eq!(told("2026-01-10", "2026-04-09"), None);
        assert!(
            told("2026-01-10", "2026-04-10")
                .unwrap()
                .contains("one quarter at most, here until 9 April 2026")
        );
        assert!(told("2026-01-09", "2026-02-01").unwrap().contains("today or later"));
        assert!(told("2026-02-01", "2026-01-31").unwrap().contains("before it begins"));
    }

    #[test]
    fn consequences_follow_the_table() {
        use Tier::{Approved, ExitReview, Onboarding, Preferred, Probation, Strategic, Suspended};
        for tier in [Strategic, Preferred, Approved, Onboarding] {
            let none =
                Consequences { watched: false, frozen: false, stopped: false, corrective_action: false };
            assert_eq!(consequences(tier), none, "{tier:?}");
        }
        for tier in [Probation, ExitReview, Suspended] {
            let found = consequences(tier);
            assert!(found.watched && found.frozen && found.corrective_action, "{tier:?}");
            assert_eq!(found.stopped, tier == Suspended);
        }
        let share = |tier| {
            let range = suggested_share(tier, d("24.26"));
            format!("{} to {}", range.from, range.to)
        };
        assert_eq!(
            [Strategic, Preferred, Approved, Probation, ExitReview, Suspended, Onboarding].map(share),
            ["24.3 to 34.3", "24.3 to 29.3", "24.3 to 24.3", "0 to 24.3", "0 to 12.1", "0 to 0", "0 to 5"]
        );
        assert_eq!(suggested_share(Strategic, d("95")).to, d("100"));
    }

    #[test]
    fn an_action_is_opened_for_the_confirmed_miss_that_costs_most() {
        let input = |code: &str, value: &str, low: &str, high: &str| KpiInput {
            code: code.to_owned(),
            value: Some(d(value)),
            n: 400,
            low: Some(d(low)),
            high: Some(d(high)),
            ..KpiInput::default()
        };
        // OTD_DAY misses most, but only the pickup and the tenders miss beyond chance.
        let inputs = [
            input("OTP_WIN", "90", "88", "92"),
            input("OTD_DAY", "80", "70", "99"),
            input("TAR", "70", "68", "72"),
        ];
        let result = score(&default_template(), &inputs);
        assert_eq!(cause_of(&result).map(|kpi| kpi.input.code.as_str()), Some("TAR"));
        assert_eq!(cause_of(&score(&default_template(), &inputs[1..2])), None, "chance opens nothing");
    }

    #[test]
    fn old_quarters_and_running_ones_open_nothing() {
        let quarter: Period = "2026-Q1".parse().unwrap();
        let opens = |tier, today| opens_action(tier, quarter, day(today));
        assert!(opens(Tier::Probation, "2026-04-01") && opens(Tier::Suspended, "2026-06-30"));
        assert!(!opens(Tier::Probation, "2026-03-31") && !opens(Tier::Probation, "2026-07-01"));
        assert!(!opens(Tier::Approved, "2026-04-01"));
    }
}
