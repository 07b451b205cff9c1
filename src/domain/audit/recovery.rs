//! What becomes of money that an audit found: disputed, answered, credited, written off (DOMAIN §5, §9), and when the
//! carrier is written to about it.
//!
//! A funnel of one invoice is replayed from its steps, which are only added to, and from the credit notes that came in for it.

use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::Outcome;
use crate::domain::field::codes;
use crate::domain::money::Micros;

/// Longest words of a step.
pub const WORDS_CHARS_MAX: usize = 500;
/// Days in which a carrier answers a dispute, from the letter about it: as long as the law gives it to acknowledge a claim
/// (DOMAIN §5, outcomes).
pub const ANSWER_DAYS: u64 = 30;
/// Days before that on which it is reminded.
pub const REMIND_DAYS: u64 = 5;

codes! {
    /// One step about the disputed money of an invoice.
    Step, "step of a dispute" {
        /// The dispute went to the partner.
        Sent = "SENT", "dispute sent";
        /// The partner agrees.
        Accepted = "ACCEPTED", "accepted by the partner";
        /// The partner does not agree, for a reason.
        Refused = "REFUSED", "refused by the partner";
        /// A credit note for it came in.
        Credited = "CREDITED", "credit received";
        /// It is given up.
        WrittenOff = "WRITTEN_OFF", "written off";
    }
}

codes! {
    /// Where the disputed money of an invoice stands.
    Stage, "stage of a dispute" {
        /// Nothing is disputed.
        Clean = "CLEAN", "nothing disputed";
        /// Found, and not sent yet.
        Found = "FOUND", "found";
        /// With the partner.
        Disputed = "DISPUTED", "with the partner";
        /// The partner agreed; what was paid is still to come back.
        Accepted = "ACCEPTED", "accepted, credit to come";
        /// The partner did not agree.
        Refused = "REFUSED", "refused by the partner";
        /// Over: all of it is back, or was never paid.
        Recovered = "RECOVERED", "recovered";
        /// Over: what did not come back was given up.
        WrittenOff = "WRITTEN_OFF", "written off";
    }
}

/// A step as it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// What.
    pub step: Step,
    /// How much of the disputed money it is about.
    pub amount: Micros,
    /// The user who took it; 0 for the command line.
    pub actor_id: i64,
}

/// What moves the disputed money of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody took a step.
    Taken(Taken),
    /// A credit note or a correction came in for the invoice, and takes back so much of what was disputed.
    Note(Micros),
}

/// The disputed money of one invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funnel {
    /// Where it stands.
    pub stage: Stage,
    /// What the audit disputes now.
    pub found: Micros,
    /// What was sent to the partner.
    pub disputed: Micros,
    /// What the partner agreed to.
    pub accepted: Micros,
    /// What is back, or was agreed to and never paid.
    pub recovered: Micros,
    /// What was given up.
    pub written_off: Micros,
    /// What was back or given up when the dispute was sent.
    before_sent: Micros,
}

impl Funnel {
    /// Replays what happened, oldest first, about an invoice of which `found` is disputed with this outcome.
    #[must_use]
    pub fn of(found: Micros, outcome: Outcome, events: &[Event]) -> Self {
        let zero = Micros::ZERO;
        let mut funnel = Self {
            stage: if found > zero { Stage::Found } else { Stage::Clean },
            found,
            disputed: zero,
            accepted: zero,
            recovered: zero,
            written_off: zero,
            before_sent: zero,
        };
        // Recovered on somebody's word: the note about it may still come, and is the same money then.
        let mut on_word = zero;
        // Money that was not paid needs no credit: the partner's word settles it.
        let is_unpaid = outcome != Outcome::PayAndClaim;
        for event in events {
            let taken = match event {
                Event::Taken(taken) => taken,
                Event::Note(amount) => {
                    let same = on_word.min(*amount);
                    on_word = on_word - same;
                    funnel.recovered = funnel.recovered + (*amount - same).min(funnel.open());
                    funnel.end_if_over();
                    continue;
                }
            };
            match taken.step {
                Step::Sent => {
                    funnel.disputed = taken.amount;
                    funnel.before_sent = funnel.over();
                    funnel.stage = Stage::Disputed;
                }
                Step::Accepted => {
                    funnel.accepted = taken.amount;
                    funnel.stage = Stage::Accepted;
                    if is_unpaid {
                        let since = funnel.over() - funnel.before_sent;
                        let more = (taken.amount - since).max(zero);
                        funnel.recovered = funnel.recovered + more;
                        on_word = on_word + more;
                    }
                    funnel.end_if_over();
                }
                Step::Refused => funnel.stage = Stage::Refused,
                Step::Credited => {
                    funnel.recovered = funnel.recovered + taken.amount;
                    on_word = on_word + taken.amount;
                    funnel.end_if_over();
                }
                Step::WrittenOff => {
                    funnel.written_off = funnel.written_off + taken.amount;
                    funnel.end_if_over();
                }
            }
        }
        // What is not disputed any more, by a later audit or since it was released, is over whatever was sent.
        if found <= zero && matches!(funnel.stage, Stage::Disputed | Stage::Refused) {
            funnel.stage = Stage::Clean;
        }
        funnel
    }

    /// A dispute is over when all of it is back or given up: a part that was accepted, credited or written off leaves the
    /// rest open.
    fn end_if_over(&mut self) {
        if self.stage != Stage::Clean && self.open() == Micros::ZERO {
            let has_given_up = self.written_off > Micros::ZERO;
            self.stage = if has_given_up { Stage::WrittenOff } else { Stage::Recovered };
        }
    }

    /// What is still open: neither back nor given up.
    #[must_use]
    pub fn open(&self) -> Micros {
        match self.stage {
            Stage::Clean | Stage::Recovered | Stage::WrittenOff => Micros::ZERO,
            Stage::Found => self.unsent(),
            Stage::Disputed | Stage::Accepted | Stage::Refused => {
                (self.disputed + self.before_sent - self.over()).max(Micros::ZERO)
            }
        }
    }

    /// What is over: back, or given up.
    fn over(&self) -> Micros {
        self.recovered + self.written_off
    }

    /// The most that a dispute can be sent about.
    #[must_use]
    pub fn unsent(&self) -> Micros {
        (self.found - self.over()).max(Micros::ZERO)
    }
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The audit disputes nothing.
    #[error("nothing on this invoice is disputed")]
    NothingFound,
    /// It does not follow on where the dispute stands.
    #[error("the dispute is {now}; {next}", now = .0.label(), next = next_words(*.0))]
    NotNow(Stage),
    /// The amount is none that the step can be about.
    #[error("give an amount above 0 and not above {0}")]
    Amount(Micros),
    /// Nothing says why.
    #[error("say why in one to 500 characters")]
    Words,
    /// Who sent a dispute does not give it up alone (DOMAIN §9).
    #[error("you sent this dispute yourself; somebody else of finance has to write it off")]
    OwnDispute,
    /// It is not theirs to answer.
    #[error("only the partner answers a dispute")]
    NotPartner,
    /// The partner answers, and nothing else.
    #[error("this step is taken by finance")]
    NotFinance,
}

/// What can be done where a dispute stands, in words that follow others.
#[must_use]
pub const fn next_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Clean => "there is nothing to do",
        Stage::Found => "send it to the partner first",
        Stage::Disputed => "the partner answers next, or a credit comes in",
        Stage::Accepted => "the credit note is next, and what nobody accepts is written off",
        Stage::Refused => "send it again with more evidence, or write it off",
        Stage::Recovered | Stage::WrittenOff => "it is over",
    }
}

codes! {
    /// What is written about a dispute that was sent.
    LetterKind, "letter about a dispute" {
        /// To the carrier: what is disputed and until when to answer.
        Letter = "LETTER", "letter to the partner";
        /// To the carrier, before the answer is due.
        Reminder = "REMINDER", "reminder to the partner";
        /// To finance: no answer came in time.
        Overdue = "OVERDUE", "word to finance that no answer came";
    }
}

/// The last day on which a carrier answers in time that was written to on `told_on`.
#[must_use]
pub fn answer_by(told_on: NaiveDate) -> NaiveDate {
    told_on.checked_add_days(Days::new(ANSWER_DAYS)).unwrap_or(told_on)
}

/// What is to be written on `today` about a dispute that was sent and not answered, of which `told` was written before;
/// nothing when everything was.
#[must_use]
pub fn letter_due(told: &BTreeMap<LetterKind, NaiveDate>, today: NaiveDate) -> Option<LetterKind> {
    let Some(told_on) = told.get(&LetterKind::Letter) else { return Some(LetterKind::Letter) };
    let due = answer_by(*told_on);
    let remind_on = due.checked_sub_days(Days::new(REMIND_DAYS)).unwrap_or(due);
    if today > due {
        return (!told.contains_key(&LetterKind::Overdue)).then_some(LetterKind::Overdue);
    }
    (today >= remind_on && !told.contains_key(&LetterKind::Reminder)).then_some(LetterKind::Reminder)
}

/// Checks a step before it is taken: `by_partner` tells whose user takes it.
///
/// # Errors
/// [`Refused`].
pub fn check(
    funnel: &Funnel,
    steps: &[Taken],
    next: &Taken,
    (words, by_partner): (&str, bool),
) -> Result<(), Refused> {
    use Stage::{Accepted, Clean, Disputed, Found, Recovered, Refused as No, WrittenOff};
    let answers = matches!(next.step, Step::Accepted | Step::Refused);
    if by_partner && !answers {
        return Err(Refused::NotFinance);
    }
    if !by_partner && answers {
        return Err(Refused::NotPartner);
    }
    let most = match (next.step, funnel.stage) {
        (Step::Sent, Clean) => return Err(Refused::NothingFound),
        (Step::Sent, Found | No) => funnel.unsent(),
        (Step::Accepted | Step::Refused, Disputed) => funnel.disputed,
        (Step::Credited, Disputed | Accepted | No) | (Step::WrittenOff, Disputed | Accepted | No) => {
            funnel.open()
        }
        (_, now @ (Clean | Found | Disputed | Accepted | No | Recovered | WrittenOff)) => {
            return Err(Refused::NotNow(now));
        }
    };
    if next.amount <= Micros::ZERO || next.amount > most {
        return Err(Refused::Amount(most));
    }
    let chars = words.trim().chars().count();
    if chars == 0 || chars > WORDS_CHARS_MAX {
        return Err(Refused::Words);
    }
    let sender = steps.iter().rfind(|taken| taken.step == Step::Sent).map(|taken| taken.actor_id);
    if next.step == Step::WrittenOff && sender == Some(next.actor_id) {
        return Err(Refused::OwnDispute);
    }
    Ok(())
}
