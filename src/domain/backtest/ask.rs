//! What somebody asks to have replayed, and how far that has come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{INCREASE_MAX, VERSIONS_MAX};
use crate::domain::field::codes;
use crate::domain::money::Bps;
use crate::domain::period::Period;

/// A round of the negotiation over a version; written `3.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proposal {
    /// Number of the version.
    pub version: i32,
    /// Number of the round.
    pub round: i32,
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.version, self.round)
    }
}

impl FromStr for Proposal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (version, round) = text.trim().split_once('.')?;
            Some(Self { version: version.parse().ok()?, round: round.parse().ok()? })
        };
        read().ok_or_else(|| format!("`{text}` is no round; write version and round, such as 3.2"))
    }
}

/// What to replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Numbers of versions, drafts included.
    pub versions: Vec<i32>,
    /// Rounds of negotiations. Without these and versions, the newest version with rates.
    pub proposals: Vec<Proposal>,
    /// Obligation days.
    #[serde(serialize_with = "period_write", deserialize_with = "period_read")]
    pub period: Period,
    /// A general rate increase on top of each.
    pub increase: Option<Bps>,
}

fn period_write<S: Serializer>(period: &Period, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(period)
}

fn period_read<'a, D: Deserializer<'a>>(from: D) -> Result<Period, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// Why nothing of the kind is replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskProblem {
    /// More than can be compared.
    #[error("{0} versions were asked for; one run compares at most VERSIONS_MAX = {VERSIONS_MAX}")]
    TooMany(usize),
    /// A share nobody means.
    #[error("the increase must be between −100 % and 100 %")]
    Increase,
}

impl Ask {
    /// The newest version with rates in a period.
    #[must_use]
    pub fn newest(period: Period) -> Self {
        Self { versions: Vec::new(), proposals: Vec::new(), period, increase: None }
    }

    /// The same without what is named twice, in the order given.
    #[must_use]
    pub fn once_each(mut self) -> Self {
        self.versions = first_of_each(self.versions);
        self.proposals = first_of_each(self.proposals);
        self
    }

    /// Whether no version is named, so that the newest with rates is meant.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.versions.is_empty() && self.proposals.is_empty()
    }

    /// Refuses what no contract could answer.
    ///
    /// # Errors
    /// [`AskProblem`].
    pub fn check(&self) -> Result<(), AskProblem> {
        let many = self.versions.len().saturating_add(self.proposals.len());
        if many > VERSIONS_MAX {
            return Err(AskProblem::TooMany(many));
        }
        if self.increase.is_some_and(|by| by > INCREASE_MAX || by < Bps(-INCREASE_MAX.0)) {
            return Err(AskProblem::Increase);
        }
        Ok(())
    }
}

/// What comes up again is left out.
fn first_of_each<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    all.into_iter().fold(Vec::new(), |mut kept, one| {
        if !kept.contains(&one) {
            kept.push(one);
        }
        kept
    })
}

codes! {
    /// How far a run has come.
    RunState, "state of a backtest" {
        /// Asked for.
        Queued = "QUEUED", "Waiting";
        /// Some node works on it, or did until it died.
        Running = "RUNNING", "Running";
        /// The result is there.
        Done = "DONE", "Done";
        /// There is none, and why.
        Failed = "FAILED", "Failed";
        /// Somebody did not want it any more.
        Cancelled = "CANCELLED", "Cancelled";
    }
}

impl RunState {
    /// Whether there is nothing left to wait for.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_written_with_its_version() {
        let proposal = Proposal { version: 3, round: 12 };
        assert_eq!((proposal.to_string().as_str(), "3.12".parse()), ("3.12", Ok(proposal)));
        for wrong in ["", "3", "3.", ".2", "3.x", "3.2.1"] {
            assert!(wrong.parse::<Proposal>().unwrap_err().contains("such as 3.2"), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_is_stored_and_read_back() {
        let ask = Ask {
            versions: vec![3, 1],
            proposals: vec![Proposal { version: 3, round: 2 }],
            period: "2025-Q2".parse().unwrap(),
            increase: Some(Bps(590)),
        };
        let text = serde_json::to_string(&ask).unwrap();
        assert!(text.contains("\"2025-Q2\""), "{text}");
        assert_eq!(serde_json::from_str::<Ask>(&text).unwrap(), ask);
        assert!(serde_json::from_str::<Ask>(&text.replace("2025-Q2", "soon")).is_err());
    }

    #[test]
    fn no_more_than_ten_are_compared_and_nothing_twice() {
        let ask = |versions: Vec<i32>, rounds: std::ops::Range<i32>, increase| Ask {
            versions,
            proposals: rounds.map(|round| Proposal { version: 1, round }).collect(),
            increase,
            ..Ask::newest("2025".parse().unwrap())
        };
        assert_eq!(ask(vec![1; 6], 0..5, None).check(), Err(AskProblem::TooMany(11)));
        assert_eq!(ask(vec![3, 1, 3], 0..0, None).once_each().versions, [3, 1]);
        assert_eq!(ask(vec![1; 5], 0..5, Some(Bps(-10_000))).check(), Ok(()));
        assert_eq!(ask(vec![], 0..0, Some(Bps(10_001))).check(), Err(AskProblem::Increase));
        assert!(ask(vec![], 0..0, None).is_open() && !ask(vec![], 0..1, None).is_open());
    }

    #[test]
    fn three_states_are_the_end() {
        let over: Vec<&RunState> = RunState::ALL.iter().filter(|state| state.is_over()).collect();
        assert_eq!(over, [&RunState::Done, &RunState::Failed, &RunState::Cancelled]);
    }
}
