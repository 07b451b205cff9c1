//! Proposals that go back and forth over a draft: whose turn it is, what may follow, and what came of it.
//!
//! ```text
//!          offer                counter, by whoever did not propose
//! nothing ───────► open ⇄────────────────────────────────┐
//!    ▲              │ accept ──► agreed ──reopen──► closed │
//!    └── offer ─────┴ decline, withdraw, lapse ──► closed ─┘
//! ```
//!
//! A round is a whole text, frozen when it is sent. Its hash is the one that approval would seal
//! ([`super::terms::Terms::hash`]), so the text that was accepted and the text that is signed are one by construction.
//! Rows are only added; [`replay`] takes every move again.
//!
//! Reading order: this file (the rules), [`text`] (a round as it is kept), [`value`] (the single values in it that a
//! partner may change), [`volume`] (what promises and tiers come to), [`concession`] (who moved how far).

pub mod concession;
#[cfg(test)]
mod tests;
pub mod text;
pub mod value;
pub mod volume;

use chrono::{Days, NaiveDate};

use super::field::codes;
use super::viewer::{Action, Role};

/// Longest message of a move, in characters.
pub const MESSAGE_CHARS_MAX: usize = 2_000;
/// Furthest day until which an answer may be asked for, in days from today.
pub const REPLY_DAYS_MAX: u64 = 120;
/// Most rounds over one version.
pub const ROUNDS_MAX: i32 = 50;
/// Whoever must answer is reminded this many days before the last one.
pub const REMIND_DAYS: u64 = 2;

codes! {
    /// One of the two who negotiate.
    Side, "side" {
        /// Whoever ships.
        Shipper = "SHIPPER", "the shipper";
        /// The carrier.
        Partner = "PARTNER", "the partner";
    }
}

impl Side {
    /// For whom a user of this role speaks; none for whoever may not negotiate.
    #[must_use]
    pub fn of(role: Role) -> Option<Self> {
        if role.may(Action::EditContracts) {
            Some(Self::Shipper)
        } else if role.may(Action::UsePortal) {
            Some(Self::Partner)
        } else {
            None
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Shipper => Self::Partner,
            Self::Partner => Self::Shipper,
        }
    }
}

codes! {
    /// One move of a negotiation.
    Move, "move" {
        /// The shipper sends its draft.
        Offer = "OFFER", "sent a proposal";
        /// Another text in answer to an open one.
        Counter = "COUNTER", "answered with another proposal";
        /// Agrees to the open text.
        Accept = "ACCEPT", "accepted it";
        /// Does not agree, and proposes nothing.
        Decline = "DECLINE", "declined it";
        /// Takes back what one proposed oneself.
        Withdraw = "WITHDRAW", "withdrew it";
        /// The shipper takes up again what was agreed, so that the draft can change.
        Reopen = "REOPEN", "took up again what was agreed";
        /// Nobody answered in time.
        Lapse = "LAPSE", "was not answered in time";
    }
}

impl Move {
    /// Whether it brings a text of its own: a round.
    #[must_use]
    pub fn proposes(self) -> bool {
        matches!(self, Self::Offer | Self::Counter)
    }

    /// Whether it must say why.
    #[must_use]
    pub fn needs_message(self) -> bool {
        matches!(self, Self::Decline | Self::Withdraw | Self::Reopen)
    }
}

/// A proposal that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// 1 for the first text that was sent.
    pub round: i32,
    /// Who proposed it; the other one answers.
    pub by: Side,
    /// Hash of its text.
    pub sha256: String,
    /// Last day on which it can be answered, included.
    pub reply_by: NaiveDate,
}

impl Open {
    /// Whether the day to answer has passed.
    #[must_use]
    pub fn is_late(&self, today: NaiveDate) -> bool {
        today > self.reply_by
    }

    /// The day on which whoever must answer is reminded.
    #[must_use]
    pub fn remind_on(&self) -> NaiveDate {
        self.reply_by.checked_sub_days(Days::new(REMIND_DAYS)).unwrap_or(self.reply_by)
    }
}

/// Where a negotiation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Talk {
    /// Nothing was sent.
    #[default]
    Idle,
    /// A proposal waits.
    Open(Open),
    /// Both sides agreed to a text.
    Agreed {
        /// The round whose text it is.
        round: i32,
        /// Its hash.
        sha256: String,
    },
    /// It ended without agreement, for now.
    Closed {
        /// The last round.
        round: i32,
        /// How.
        how: Move,
    },
}

impl Talk {
    /// The last round that was sent; 0 before the first.
    #[must_use]
    pub fn round(&self) -> i32 {
        match self {
            Self::Idle => 0,
            Self::Open(open) => open.round,
            Self::Agreed { round, .. } | Self::Closed { round, .. } => *round,
        }
    }

    /// Who must act, while a proposal waits.
    #[must_use]
    pub fn turn(&self) -> Option<Side> {
        match self {
            Self::Open(open) => Some(open.by.other()),
            _ => None,
        }
    }

    /// Why the draft may not be changed now, if it may not.
    #[must_use]
    pub fn holds_draft(&self) -> Option<Held> {
        match self {
            Self::Open(open) if open.by == Side::Shipper => Some(Held::Sent { round: open.round }),
            Self::Agreed { round, .. } => Some(Held::Agreed { round: *round }),
            _ => None,
        }
    }
}

/// Why a draft is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// The partner looks at it.
    #[error(
        "round {round} was sent to the partner and waits for its answer; withdraw it to change the draft"
    )]
    Sent {
        /// The round.
        round: i32,
    },
    /// Both sides agreed.
    #[error(
        "round {round} is what both sides agreed to; take the negotiation up again to change it, in a new round"
    )]
    Agreed {
        /// The round.
        round: i32,
    },
    /// The partner's proposal is not answered.
    #[error("round {round} of the partner is not answered yet; accept, counter or decline it first")]
    Unanswered {
        /// The round.
        round: i32,
    },
    /// The contract went on while its text was out.
    #[error(
        "number, title, term or notice of the contract changed since the round was sent; decline it, and send a new one"
    )]
    OtherFrame,
    /// The text is not the one that was accepted.
    #[error("the text is not the one that was accepted in round {round}; take the negotiation up again")]
    OtherText {
        /// The round.
        round: i32,
    },
}

/// A move somebody wants to make.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The move.
    pub kind: Move,
    /// Who; none for the clock.
    pub side: Option<Side>,
    /// What is said with it.
    pub message: &'a str,
    /// Until when an answer is asked for; for moves that propose.
    pub reply_by: Option<NaiveDate>,
    /// The day of the move.
    pub today: NaiveDate,
    /// The round and the hash it answers, as shown to whoever answers.
    pub answers: (i32, &'a str),
    /// Hash of the text it proposes; empty for other moves.
    pub text: &'a str,
}

/// Why a move was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is nothing it could answer, or something in its way.
    #[error("{0}")]
    NotNow(&'static str),
    /// The other side must act.
    #[error("it is the turn of {0}")]
    NotYourTurn(&'static str),
    /// The day has passed.
    #[error("round {round} could be answered until {reply_by}; ask for a new round")]
    Late {
        /// The round.
        round: i32,
        /// Its last day.
        reply_by: NaiveDate,
    },
    /// Another round came in between.
    #[error("what you were shown is not what waits now; read round {round} and answer that")]
    Stale {
        /// The round that waits.
        round: i32,
    },
    /// The text is the one it answers.
    #[error("nothing is changed; accept it instead, or change a value")]
    NothingChanged,
    /// Words are missing, or too many.
    #[error("say why in 1 to {MESSAGE_CHARS_MAX} characters")]
    NoMessage,
    /// Too many words.
    #[error("a message has at most {MESSAGE_CHARS_MAX} characters")]
    LongMessage,
    /// The day is missing, past or too far.
    #[error("give a day from today on, at most {REPLY_DAYS_MAX} days ahead")]
    ReplyBy,
    /// Nobody negotiates for so long.
    #[error("a version has at most {ROUNDS_MAX} rounds; decline, and start a new version")]
    TooManyRounds,
}

impl Talk {
    /// Where `attempt` leads.
    ///
    /// # Errors
    /// [`Refused`] with what stands against it.
    pub fn after(&self, attempt: &Attempt<'_>) -> Result<Self, Refused> {
        let kind = attempt.kind;
        self.may(attempt)?;
        let said = attempt.message.trim().chars().count();
        if said > MESSAGE_CHARS_MAX {
            return Err(Refused::LongMessage);
        }
        if kind.needs_message() && said == 0 {
            return Err(Refused::NoMessage);
        }
        let round = self.round();
        Ok(match (kind, attempt.side) {
            (Move::Offer | Move::Counter, Some(by)) => {
                if round >= ROUNDS_MAX {
                    return Err(Refused::TooManyRounds);
                }
                let last = attempt.today.checked_add_days(Days::new(REPLY_DAYS_MAX));
                let fine = |day: &NaiveDate| attempt.today <= *day && last.is_some_and(|last| *day <= last);
                let reply_by = attempt.reply_by.filter(fine).ok_or(Refused::ReplyBy)?;
                if attempt.text.is_empty() || attempt.text == attempt.answers.1 {
                    return Err(Refused::NothingChanged);
                }
                let sha256 = attempt.text.to_owned();
                Self::Open(Open { round: round.saturating_add(1), by, sha256, reply_by })
            }
            (Move::Accept, _) => Self::Agreed { round, sha256: attempt.answers.1.to_owned() },
            (how, _) => Self::Closed { round, how },
        })
    }

    /// Whether it is this side's turn to make this move, on the round it names.
    fn may(&self, attempt: &Attempt<'_>) -> Result<(), Refused> {
        match (self, attempt.kind) {
            (Self::Idle | Self::Closed { .. }, Move::Offer) => {
                if attempt.side == Some(Side::Shipper) {
                    Ok(())
                } else {
                    Err(Refused::NotYourTurn(Side::Shipper.label()))
                }
            }
            (Self::Agreed { round, sha256 }, Move::Reopen) => {
                if attempt.side != Some(Side::Shipper) {
                    return Err(Refused::NotYourTurn(Side::Shipper.label()));
                }
                named(*round, sha256, attempt)
            }
            (Self::Open(open), Move::Lapse) => {
                if attempt.side.is_some() {
                    return Err(Refused::NotNow("a proposal lapses by its date alone"));
                }
                if !open.is_late(attempt.today) {
                    return Err(Refused::NotNow("its last day has not passed"));
                }
                named(open.round, &open.sha256, attempt)
            }
            (Self::Open(open), Move::Counter | Move::Accept | Move::Decline | Move::Withdraw) => {
                let turn = if attempt.kind == Move::Withdraw { open.by } else { open.by.other() };
                if attempt.side != Some(turn) {
                    return Err(Refused::NotYourTurn(turn.label()));
                }
                named(open.round, &open.sha256, attempt)?;
                if attempt.kind != Move::Withdraw && open.is_late(attempt.today) {
                    return Err(Refused::Late { round: open.round, reply_by: open.reply_by });
                }
                Ok(())
            }
            (Self::Open(_), Move::Offer) => Err(Refused::NotNow("a round waits for its answer already")),
            (Self::Open(_), Move::Reopen) => Err(Refused::NotNow("nothing is agreed yet")),
            (Self::Agreed { .. }, _) => Err(Refused::NotNow("both sides agreed already")),
            (Self::Idle | Self::Closed { .. }, _) => Err(Refused::NotNow("no proposal waits for an answer")),
        }
    }
}

fn named(round: i32, sha256: &str, attempt: &Attempt<'_>) -> Result<(), Refused> {
    if attempt.answers == (round, sha256) { Ok(()) } else { Err(Refused::Stale { round }) }
}

/// One move as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// 1 for the first.
    pub seq: i32,
    /// The move.
    pub kind: Move,
    /// Who; none for the clock.
    pub side: Option<Side>,
    /// The role of who made it; none for the clock.
    pub role: Option<Role>,
    /// The round it made, or answered.
    pub round: i32,
    /// What was said.
    pub message: String,
    /// Until when an answer was asked for.
    pub reply_by: Option<NaiveDate>,
    /// The day of the move.
    pub on: NaiveDate,
    /// Hash of the text it answered; empty for an offer.
    pub answers: String,
    /// Hash of the text it proposed; empty for other moves.
    pub text: String,
}

/// A history that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A move is missing, or stands twice.
    #[error("move {expected} of its negotiation is missing")]
    Gap {
        /// The number that should come.
        expected: i32,
    },
    /// Somebody made a move for the other side, or the round does not follow.
    #[error("move {seq} of its negotiation, {kind}, does not follow from the one before")]
    Jump {
        /// The move.
        seq: i32,
        /// What it was.
        kind: Move,
    },
    /// A move that was not allowed.
    #[error("move {seq} of its negotiation, {kind}, was not allowed: {reason}")]
    Move {
        /// The move.
        seq: i32,
        /// What it was.
        kind: Move,
        /// Why.
        reason: Refused,
    },
}

/// Makes every move of a history again, in order, and says where it leads.
///
/// # Errors
/// [`Broken`] with the first move that cannot have happened.
pub fn replay(history: &[Past]) -> Result<Talk, Broken> {
    let mut talk = Talk::default();
    for (past, expected) in history.iter().zip(1..) {
        let (seq, kind) = (past.seq, past.kind);
        if seq != expected {
            return Err(Broken::Gap { expected });
        }
        if past.role.and_then(Side::of) != past.side {
            return Err(Broken::Jump { seq, kind });
        }
        let attempt = Attempt {
            kind,
            side: past.side,
            message: &past.message,
            reply_by: past.reply_by,
            today: past.on,
            answers: (talk.round(), &past.answers),
            text: &past.text,
        };
        let next = talk.after(&attempt).map_err(|reason| Broken::Move { seq, kind, reason })?;
        if next.round() != past.round {
            return Err(Broken::Jump { seq, kind });
        }
        talk = next;
    }
    Ok(talk)
}
