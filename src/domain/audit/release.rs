//! The way out of a hold: a person releases what an audit holds to be paid, or refuses it (DOMAIN §5, §9).
//!
//! What was ruled is only added to, and keeps each position as it stood. It holds while the newest audit finds the position as it
//! was: facts that changed are judged anew. Beyond a limit two people of finance release.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::checks::{outcome_of, payable_of};
use super::recovery::WORDS_CHARS_MAX;
use super::{Audited, BillStatus, Finding, Outcome, Position};
use crate::domain::field::codes;
use crate::domain::money::Micros;

codes! {
    /// What was ruled about positions on hold.
    Ruling, "ruling about a hold" {
        /// Somebody wants it paid, and it is beyond what one person releases.
        Asked = "ASKED", "release asked for";
        /// It is to be paid as billed.
        Released = "RELEASED", "released to be paid";
        /// Nothing of it is paid.
        Refused = "REFUSED", "refused";
        /// What was asked for is not released.
        Declined = "DECLINED", "release declined";
    }
}

codes! {
    /// What somebody does about a hold.
    Act, "decision about a hold" {
        /// Have it paid.
        Release = "RELEASE", "release";
        /// Have nothing of it paid.
        Refuse = "REFUSE", "refuse";
        /// Release what somebody else asked for.
        Confirm = "CONFIRM", "release what was asked for";
        /// Do not release what was asked for.
        Decline = "DECLINE", "decline what was asked for";
    }
}

/// A position on hold, as an audit found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What is wrong with the bill as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Finding>,
    /// The position.
    pub position: Position,
}

impl Held {
    /// What an audit holds, in its order.
    #[must_use]
    pub fn all(audited: &Audited) -> Vec<Self> {
        let held = audited.positions.iter().filter(|one| one.outcome == Outcome::Hold);
        held.map(|one| Self { bill: audited.finding.clone(), position: one.clone() }).collect()
    }

    /// What names the position: the place of its first line, which no later audit changes.
    #[must_use]
    pub fn line(&self) -> i32 {
        line_of(&self.position)
    }
}

/// The place of the first line of a position.
#[must_use]
pub fn line_of(position: &Position) -> i32 {
    position.lines.first().copied().unwrap_or(0)
}

/// A ruling as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// What.
    pub ruling: Ruling,
    /// About what.
    pub held: Vec<Held>,
    /// The user who gave it.
    pub actor_id: i64,
}

impl Ruled {
    /// How much money it is about, whatever way it goes.
    #[must_use]
    pub fn amount(&self) -> Micros {
        amount(&self.held)
    }
}

fn amount(held: &[Held]) -> Micros {
    held.iter().map(|one| one.position.billed.abs()).sum()
}

/// How rulings stand beside the newest audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// What of the positions is released or refused, by first line.
    pub decided: BTreeMap<i32, Ruling>,
    /// Those of them that two people released.
    seconded: BTreeSet<i32>,
    /// Which ruling asks for a release that nobody decided.
    pub pending: Option<usize>,
    /// Of each ruling, the positions by first line that the audit does not find as they were: for them it holds no more.
    pub lapsed: Vec<BTreeSet<i32>>,
}

impl Stand {
    /// Holds rulings, oldest first, against the newest audit.
    #[must_use]
    pub fn of(audited: &Audited, rulings: &[Ruled]) -> Self {
        let now: BTreeMap<i32, Held> =
            Held::all(audited).into_iter().map(|held| (held.line(), held)).collect();
        let mut stand = Self::default();
        for (place, ruled) in rulings.iter().enumerate() {
            let same = |held: &&Held| now.get(&held.line()) == Some(*held);
            stand.lapsed.push(ruled.held.iter().filter(|held| !same(held)).map(Held::line).collect());
            let asked = stand.pending.take().and_then(|place| rulings.get(place));
            match ruled.ruling {
                Ruling::Asked => stand.pending = Some(place),
                Ruling::Declined => {}
                Ruling::Released | Ruling::Refused => {
                    let is_second = ruled.ruling == Ruling::Released
                        && asked.is_some_and(|asked| {
                            asked.held == ruled.held && asked.actor_id != ruled.actor_id
                        });
                    for held in ruled.held.iter().filter(same) {
                        stand.decided.insert(held.line(), ruled.ruling);
                        if is_second {
                            stand.seconded.insert(held.line());
                        } else {
                            stand.seconded.remove(&held.line());
                        }
                    }
                }
            }
        }
        // What is asked for of facts that changed is asked for no more.
        stand.pending =
            stand.pending.filter(|place| stand.lapsed.get(*place).is_some_and(BTreeSet::is_empty));
        stand
    }

    /// What one person alone released.
    fn released_alone(&self, held: &[Held]) -> Micros {
        let alone = held.iter().filter(|one| {
            let line = one.line();
            self.decided.get(&line) == Some(&Ruling::Released) && !self.seconded.contains(&line)
        });
        alone.map(|one| one.position.billed.abs()).sum()
    }
}

/// An audit with what people ruled about what it holds. What is released is paid as billed and disputed no more; it was looked
/// at, so it is no duplicate and not out of the question. Findings stay, since they were right when they were made.
#[must_use]
pub fn resolved(audited: &Audited, rulings: &[Ruled]) -> Audited {
    let decided = Stand::of(audited, rulings).decided;
    let mut after = audited.clone();
    if decided.is_empty() {
        return after;
    }
    for one in &mut after.positions {
        match decided.get(&line_of(one)) {
            Some(Ruling::Released) => {
                one.outcome = Outcome::Pay;
                one.approved = one.billed;
                one.disputed = Micros::ZERO;
            }
            Some(Ruling::Refused) => {
                one.outcome = Outcome::Reject;
                one.approved = Micros::ZERO;
                one.disputed = one.billed;
            }
            Some(Ruling::Asked | Ruling::Declined) | None => {}
        }
    }
    let is_released = decided.values().any(|ruling| *ruling == Ruling::Released);
    if is_released && matches!(after.status, BillStatus::Duplicate | BillStatus::Rejected) {
        after.status = BillStatus::MatchedVariance;
    }
    after.outcome = outcome_of(&after.positions);
    after.approved = after.positions.iter().map(|one| one.approved).sum();
    after.disputed = after.positions.iter().map(|one| one.disputed).sum();
    after.payable = after.positions.iter().map(payable_of).sum();
    after
}

/// Why nothing is ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRuled {
    /// There is nothing that it could be about.
    #[error("nothing that waits is on hold any more; look at the invoice as it is now")]
    NothingHeld,
    /// A release was asked for, and is decided first.
    #[error("a release of this invoice is asked for; release or decline that first")]
    Pending,
    /// Nobody asked.
    #[error("no release of this invoice is asked for")]
    NothingAsked,
    /// Who asks for a release does not give it (DOMAIN §9).
    #[error("you asked for this release yourself; somebody else of finance has to give it")]
    OwnRequest,
    /// Nothing says why.
    #[error("say why in one to 500 characters")]
    Words,
}

/// What comes of a decision about one position, or about all that nobody decided about yet; a release that takes what one person
/// released of the bill above `limit` is asked for only.
///
/// # Errors
/// [`NotRuled`].
pub fn rule(
    audited: &Audited,
    rulings: &[Ruled],
    (act, line, words): (Act, Option<i32>, &str),
    actor_id: i64,
    limit: Micros,
) -> Result<Ruled, NotRuled> {
    let chars = words.trim().chars().count();
    if chars == 0 || chars > WORDS_CHARS_MAX {
        return Err(NotRuled::Words);
    }
    let stand = Stand::of(audited, rulings);
    let asked = stand.pending.and_then(|place| rulings.get(place));
    let (wanted, asked) = match (act, asked) {
        (Act::Confirm | Act::Decline, None) => return Err(NotRuled::NothingAsked),
        (Act::Confirm, Some(asked)) if asked.actor_id == actor_id => return Err(NotRuled::OwnRequest),
        (Act::Confirm, Some(asked)) => (Ruling::Released, Some(asked)),
        (Act::Decline, Some(asked)) => (Ruling::Declined, Some(asked)),
        (Act::Release | Act::Refuse, Some(_)) => return Err(NotRuled::Pending),
        (Act::Release, None) => (Ruling::Released, None),
        (Act::Refuse, None) => (Ruling::Refused, None),
    };
    if let Some(asked) = asked {
        return Ok(Ruled { ruling: wanted, held: asked.held.clone(), actor_id });
    }
    let all = Held::all(audited);
    let is_meant = |one: &&Held| {
        let decided = stand.decided.get(&one.line());
        line.map_or(decided.is_none(), |line| one.line() == line && decided != Some(&wanted))
    };
    let held: Vec<Held> = all.iter().filter(is_meant).cloned().collect();
    if held.is_empty() {
        return Err(NotRuled::NothingHeld);
    }
    let is_beyond = wanted == Ruling::Released && stand.released_alone(&all) + amount(&held) > limit;
    Ok(Ruled { ruling: if is_beyond { Ruling::Asked } else { wanted }, held, actor_id })
}

#[cfg(test)]
mod tests {
    use super::super::{Accuracy, Charge, DisputeCode};
    use super::*;

    fn position(line: i32, billed: i64, outcome: Outcome) -> Position {
        let billed = Micros(billed * 1_000_000);
        let approved = if outcome == Outcome::Pay { billed } else { Micros::ZERO };
        Position {
            lines: vec![line],
            shipment: Some("S1".to_owned()),
            name: "S1".to_owned(),
            found_by: None,
            lane: String::new(),
            charge: Charge::Linehaul,
            code: "400".to_owned(),
            billed,
            before: Micros::ZERO,
            rated: Some(billed),
            variance: Some(Micros::ZERO),
            approved,
            disputed: billed - approved,
            outcome,
            evidence: "delivered 10 June 2025".to_owned(),
            finding: None,
            is_short: false,
        }
    }

    /// 600 and 500 on hold, 40 to be paid.
    fn audited() -> Audited {
        let positions = vec![
            position(1, 600, Outcome::Hold),
            position(2, 500, Outcome::Hold),
            position(3, 40, Outcome::Pay),
        ];
        let sum = |of: fn(&Position) -> Micros| positions.iter().map(of).sum::<Micros>();
        Audited {
            rules: 1,
            status: BillStatus::MatchedVariance,
            outcome: Outcome::Hold,
            billed: sum(|one| one.billed),
            approved: sum(|one| one.approved),
            disputed: sum(|one| one.disputed),
            payable: sum(|one| one.approved),
            finding: None,
            positions,
            accuracy: Accuracy::default(),
        }
    }

    const LIMIT: Micros = Micros(1_000_000_000);

    fn ruled(audited: &Audited, rulings: &mut Vec<Ruled>, act: Act, line: Option<i32>, by: i64) -> Ruling {
        let one = rule(audited, rulings, (act, line, "the proof came"), by, LIMIT).unwrap();
        let ruling = one.ruling;
        rulings.push(one);
        ruling
    }

    fn sums(audited: &Audited, rulings: &[Ruled]) -> (Outcome, [i64; 3]) {
        let after = resolved(audited, rulings);
        assert_eq!(after.approved + after.disputed, after.billed);
        (after.outcome, [after.approved, after.disputed, after.payable].map(|amount| amount.0 / 1_000_000))
    }

    #[test]
    fn a_part_is_released_by_one_person_and_what_is_beyond_the_limit_by_two() {
        let (audited, mut rulings) = (audited(), Vec::new());
        assert_eq!(sums(&audited, &rulings), (Outcome::Hold, [40, 1_100, 40]));
        assert_eq!(ruled(&audited, &mut rulings, Act::Release, Some(1), 7), Ruling::Released);
        assert_eq!(sums(&audited, &rulings), (Outcome::Hold, [640, 500, 640]));
        // 600 and 500 are beyond 1,000, though each is within.
        assert_eq!(ruled(&audited, &mut rulings, Act::Release, None, 7), Ruling::Asked);
        assert_eq!(sums(&audited, &rulings), (Outcome::Hold, [640, 500, 640]), "asked for is not given");
        let may = |act, by| rule(&audited, &rulings, (act, None, "seen"), by, LIMIT).map(|one| one.ruling);
        assert_eq!(may(Act::Confirm, 7), Err(NotRuled::OwnRequest));
        assert_eq!(may(Act::Release, 8), Err(NotRuled::Pending));
        assert_eq!(may(Act::Decline, 7), Ok(Ruling::Declined), "taken back");
        assert_eq!(ruled(&audited, &mut rulings, Act::Confirm, None, 8), Ruling::Released);
        assert_eq!(sums(&audited, &rulings), (Outcome::Pay, [1_140, 0, 1_140]));
        let may = |act, line| rule(&audited, &rulings, (act, line, "seen"), 7, LIMIT).map(|one| one.ruling);
        assert_eq!(may(Act::Release, None), Err(NotRuled::NothingHeld));
        assert_eq!(may(Act::Release, Some(1)), Err(NotRuled::NothingHeld));
        assert_eq!(may(Act::Release, Some(3)), Err(NotRuled::NothingHeld), "never on hold");
        assert_eq!(may(Act::Confirm, None), Err(NotRuled::NothingAsked));
        assert_eq!(may(Act::Refuse, Some(2)), Ok(Ruling::Refused), "before it was paid");
        let blank = rule(&audited, &[], (Act::Release, None, " "), 7, LIMIT);
        assert_eq!(blank, Err(NotRuled::Words));
    }

    #[test]
    fn what_is_refused_is_not_paid_and_may_be_released_when_its_evidence_comes() {
        let (audited, mut rulings) = (audited(), Vec::new());
        assert_eq!(ruled(&audited, &mut rulings, Act::Refuse, None, 7), Ruling::Refused, "beyond no limit");
        assert_eq!(sums(&audited, &rulings), (Outcome::PayAsRated, [40, 1_100, 40]));
        assert_eq!(ruled(&audited, &mut rulings, Act::Release, Some(2), 7), Ruling::Released);
        assert_eq!(sums(&audited, &rulings), (Outcome::PayAsRated, [540, 600, 540]));
    }

    #[test]
    fn a_ruling_holds_for_the_facts_it_was_given_for() {
        let (before, mut rulings) = (audited(), Vec::new());
        ruled(&before, &mut rulings, Act::Release, Some(1), 7);
        ruled(&before, &mut rulings, Act::Release, Some(2), 7);
        assert_eq!(rulings[1].ruling, Ruling::Asked);
        let mut after = before.clone();
        after.positions[1].before = Micros(1);
        let stand = Stand::of(&after, &rulings);
        let lapsed = vec![BTreeSet::new(), BTreeSet::from([2])];
        assert_eq!((stand.lapsed, stand.pending), (lapsed, None), "asked of facts that are gone");
        assert_eq!(sums(&after, &rulings), (Outcome::Hold, [640, 500, 640]), "the other stays");
        after.positions[0].finding =
            Some(Finding { code: DisputeCode::Wght, words: "re-weighed".to_owned(), is_ours: false });
        assert_eq!(sums(&after, &rulings), (Outcome::Hold, [40, 1_100, 40]));
        assert_eq!(ruled(&after, &mut rulings, Act::Release, Some(2), 7), Ruling::Released, "judged anew");
        // What is said of the bill as a whole is among the facts.
        let mut other = before.clone();
        other.finding =
            Some(Finding { code: DisputeCode::Dup, words: "looks alike".to_owned(), is_ours: false });
        assert_eq!(Stand::of(&other, &rulings).lapsed, [[1], [2], [2]].map(BTreeSet::from));
    }

    #[test]
    fn a_probable_duplicate_that_is_none_counts_as_a_bill() {
        let mut audited = audited();
        audited.status = BillStatus::Duplicate;
        audited.positions.truncate(1);
        let mut rulings = Vec::new();
        ruled(&audited, &mut rulings, Act::Release, None, 7);
        let after = resolved(&audited, &rulings);
        assert_eq!((after.status, after.outcome), (BillStatus::MatchedVariance, Outcome::Pay));
        let text = serde_json::to_string(&rulings[0].held).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Held>>(&text).unwrap(), rulings[0].held);
    }
}
