//! What a standing was decided from, so that whoever has the evidence of a scorecard can decide it again (DOMAIN §2.5).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::snapshot::{HeldStanding, Snapshot};
use super::standing::{QuarterScore, StandingInput, Tier, standing};
use crate::domain::period::Period;

/// Everything [`standing`] decides on, as known when the scorecard was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingBasis {
    /// The quarter that decided; none while the partner is new.
    pub quarter: Option<Period>,
    /// The standing before; none for the first.
    pub current: Option<Tier>,
    /// Quarters with their scores and knock-outs, oldest first, the deciding one last.
    pub quarters: Vec<(Period, QuarterScore)>,
    /// Days since the first shipment.
    pub days_active: i64,
    /// Shipments so far.
    pub shipments: i64,
    /// A gate failed.
    pub gate_failed: bool,
    /// What a person set it to on the day of the publication; the decision does not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<SetByHand>,
}

/// A standing that was set by hand, without the reason, which is the shipper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetByHand {
    /// The standing.
    pub tier: Tier,
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
}

impl StandingBasis {
    /// Decides again.
    #[must_use]
    pub fn decide(&self) -> HeldStanding {
        let quarters: Vec<QuarterScore> = self.quarters.iter().map(|(_, score)| *score).collect();
        let decided = standing(&StandingInput {
            current: self.current,
            quarters: &quarters,
            days_active: self.days_active,
            shipments: self.shipments,
            gate_failed: self.gate_failed,
        });
        HeldStanding { quarter: self.quarter, standing: decided }
    }

    /// Where the standing decided again, or what it rests on, differs from the scorecard; `again` is the document made again
    /// from the facts. Nothing when all is the same.
    #[must_use]
    pub fn differences(&self, published: &Snapshot, again: &Snapshot) -> Vec<String> {
        let mut found = Vec::new();
        let decided = self.decide();
        if published.standing.as_ref() != Some(&decided) {
            let words = |held: &HeldStanding| format!("{} ({})", held.standing.tier.title(), held.words());
            found.push(format!(
                "standing: published {}, decided again {}",
                published.standing.as_ref().map_or_else(|| "none".to_owned(), words),
                words(&decided)
            ));
        }
        if self.quarter != Some(published.period) {
            return found;
        }
        let own = again.summary().quarter;
        if self.quarters.last() != Some(&(published.period, own)) {
            found.push(format!(
                "standing: the score of {} that it was decided on is not the one its facts give",
                published.period.title().to_lowercase()
            ));
        }
        if self.gate_failed != again.result.failed_gate().is_some() {
            found.push("standing: whether a gate failed is not what the facts give".to_owned());
        }
        found
    }

    /// `Approved, from 2 quarters; set by hand to Probation until 30 June 2025`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.decide().standing.tier.title().to_owned();
        match self.quarters.len() {
            0 => {}
            1 => words.push_str(", from 1 quarter"),
            many => words.push_str(&format!(", from {many} quarters")),
        }
        if let Some(hand) = self.by_hand {
            let last = crate::domain::words::day(hand.last_day);
            words.push_str(&format!("; set by hand to {} until {last}", hand.tier.title()));
        }
        words
    }
}
