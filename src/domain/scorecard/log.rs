//! The log of publications: what was published, line by line, each line chained to the one before (DOMAIN §7.2).
//!
//! A scorecard row alone cannot say that it was taken away, or that another was the newest. The log can: it is only added
//! to, and a line that is changed, removed or put in between breaks the chain of every line after it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::digest::sha256;

/// One publication as it was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Place in the log, counted from 1 without gaps.
    pub seq: i64,
    /// The scorecard.
    pub scorecard_id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written.
    pub period: String,
    /// State of publication on the day it was made.
    pub state: String,
    /// SHA-256 of the document, in hex.
    pub snapshot_hash: String,
    /// The publication it corrects.
    pub restates: Option<i64>,
    /// Hash over this line and the one before; empty for what was published before there was a log.
    pub chain: String,
}

impl Logged {
    /// The hash of a line that follows a line with the hash `before`, empty for the first one.
    #[must_use]
    pub fn chained(&self, before: &str) -> String {
        let restates = self.restates.map_or_else(String::new, |id| id.to_string());
        sha256(
            [
                before,
                &self.seq.to_string(),
                &self.scorecard_id.to_string(),
                &self.partner_id.to_string(),
                &self.period,
                &self.state,
                &self.snapshot_hash,
                &restates,
            ]
            .join("\n"),
        )
    }
}

/// What a stored scorecard says about its own publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The scorecard.
    pub id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written.
    pub period: String,
    /// State of publication on the day it was made.
    pub state: String,
    /// SHA-256 of the document, in hex.
    pub snapshot_hash: String,
    /// The publication it corrects.
    pub restates: Option<i64>,
    /// Whether it is the newest of its partner and period.
    pub is_latest: bool,
    /// Whether it is a preview of a period that still ran, which is not logged.
    pub is_preview: bool,
}

/// What is wrong with a published scorecard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scorecard {scorecard_id} of partner {partner_id}, {period}: {what}")]
pub struct ScorecardProblem {
    /// The scorecard.
    pub scorecard_id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period.
    pub period: String,
    /// What does not hold.
    pub what: &'static str,
}

/// Holds the scorecards against the log, which comes in order of `seq`.
#[must_use]
pub fn log_faults(log: &[Logged], marks: &[Mark]) -> Vec<ScorecardProblem> {
    let by_id: BTreeMap<i64, &Mark> = marks.iter().map(|mark| (mark.id, mark)).collect();
    let mut faults = Vec::new();
    let mut newest: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    let mut before: Option<&Logged> = None;
    for line in log {
        let mut say = |what| {
            faults.push(ScorecardProblem {
                scorecard_id: line.scorecard_id,
                partner_id: line.partner_id,
                period: line.period.clone(),
                what,
            });
        };
        let (last, chain) = before.map_or((0, ""), |before| (before.seq, before.chain.as_str()));
        if line.seq != last + 1 {
            say("lines of the log of publications before this one are gone");
        }
        // Only what is older than the log has no hash.
        let is_old = line.chain.is_empty() && chain.is_empty();
        if !is_old && line.chain != line.chained(chain) {
            say("its line in the log of publications, or one before it, was changed");
        }
        match by_id.get(&line.scorecard_id) {
            None => say("it was published and is gone"),
            Some(mark) => {
                if (mark.partner_id, &mark.period) != (line.partner_id, &line.period) {
                    say("it is of another partner or period than the one that was published");
                }
                if mark.snapshot_hash != line.snapshot_hash {
                    say("its document is not the one that was published");
                }
                if mark.state != line.state {
                    say("its state is not the one it was published in");
                }
                if mark.restates != line.restates {
                    say("it names another publication as the one it corrects than when it was published");
                }
            }
        }
        if newest.insert((line.partner_id, &line.period), line.scorecard_id) != line.restates {
            say("it does not correct the publication before it");
        }
        before = Some(line);
    }
    let logged: BTreeSet<i64> = log.iter().map(|line| line.scorecard_id).collect();
    for mark in marks {
        let last = newest.get(&(mark.partner_id, mark.period.as_str()));
        let what = match last {
            _ if !mark.is_preview && !logged.contains(&mark.id) => "it is not in the log of publications",
            Some(last) if mark.is_latest != (*last == mark.id) => {
                "it is marked as the newest and is not, or is the newest and not marked so"
            }
            None if !mark.is_latest => "it is the only one and not marked as the newest",
            _ => continue,
        };
        faults.push(ScorecardProblem {
            scorecard_id: mark.id,
            partner_id: mark.partner_id,
            period: mark.period.clone(),
            what,
        });
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two publications of May, the second a restatement, and one of June; a preview of July.
    fn sound() -> (Vec<Logged>, Vec<Mark>) {
        let mut log: Vec<Logged> = Vec::new();
        let mut marks = Vec::new();
        for (id, period, restates, is_latest) in
            [(11, "2025-05", None, false), (12, "2025-06", None, true), (13, "2025-05", Some(11), true)]
        {
            let mut line = Logged {
                seq: i64::try_from(log.len()).unwrap() + 1,
                scorecard_id: id,
                partner_id: 1,
                period: period.to_owned(),
                state: "FINAL".to_owned(),
                snapshot_hash: format!("hash {id}"),
                restates,
                chain: String::new(),
            };
            line.chain = line.chained(log.last().map_or("", |before| &before.chain));
            marks.push(Mark {
                id,
                partner_id: 1,
                period: period.to_owned(),
                state: "FINAL".to_owned(),
                snapshot_hash: line.snapshot_hash.clone(),
                restates,
                is_latest,
                is_preview: false,
            });
            log.push(line);
        }
        let preview = Mark {
            id: 14,
            period: "2025-07".to_owned(),
            is_latest: true,
            is_preview: true,
            ..marks[1].clone()
        };
        marks.push(preview);
        (log, marks)
    }

    fn told(change: impl FnOnce(&mut Vec<Logged>, &mut Vec<Mark>)) -> Vec<(i64, &'static str)> {
        let (mut log, mut marks) = sound();
        change(&mut log, &mut marks);
        log_faults(&log, &marks).into_iter().map(|fault| (fault.scorecard_id, fault.what)).collect()
    }

    #[test]
    fn what_was_published_is_there_as_it_was() {
        assert_eq!(told(|_, _| ()), []);
        let old = |log: &mut Vec<Logged>, _: &mut Vec<Mark>| {
            for line in log.iter_mut().take(2) {
                line.chain.clear();
            }
            log[2].chain = log[2].chained("");
        };
        assert_eq!(told(old), [], "what is older than the log has no hash");
    }

    #[test]
    fn every_edit_is_told() {
        let some = |found: Vec<(i64, &'static str)>, id: i64, words: &str| {
            assert!(found.iter().any(|(at, what)| *at == id && what.contains(words)), "{words}: {found:?}");
        };
        some(told(|_, marks| drop(marks.remove(1))), 12, "is gone");
        some(told(|_, marks| marks[1].state = "PROVISIONAL".to_owned()), 12, "state");
        some(told(|_, marks| marks[1].snapshot_hash = "other".to_owned()), 12, "document");
        some(told(|_, marks| marks[1].is_latest = false), 12, "newest");
        some(told(|_, marks| marks[0].is_latest = true), 11, "newest");
        some(told(|_, marks| marks[2].restates = None), 13, "names another");
        some(told(|_, marks| marks[1].period = "2025-04".to_owned()), 12, "another partner or period");
        some(told(|log, _| drop(log.remove(1))), 13, "are gone");
        some(told(|log, _| drop(log.remove(2))), 13, "not in the log");
        some(told(|log, _| log[0].state = "PROVISIONAL".to_owned()), 11, "was changed");
        some(told(|log, _| log[2].chain.clear()), 13, "was changed");
        some(told(|_, marks| marks[3].is_latest = false), 14, "only one");
        some(told(|_, marks| marks[3].is_preview = false), 14, "not in the log");
        let both = |log: &mut Vec<Logged>, marks: &mut Vec<Mark>| {
            log.remove(0);
            marks.remove(0);
        };
        some(told(both), 12, "are gone");
    }
}
