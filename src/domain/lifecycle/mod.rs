//! The life of a contract version: one table says which step leads from where to where, who may take it and what
//! it needs (DOMAIN §3.1). Pages, jobs and `verify` all ask this table and nothing else.
//!
//! ```text
//! DRAFT ─submit─► IN_REVIEW ─approve─► APPROVED ─sign─► SIGNED ─begin─► ACTIVE ⇄ SUSPENDED
//!   ▲                 │                   │                               │
//!   └────return───────┴──recall, decline──┘            SUPERSEDED, EXPIRED, TERMINATED
//! ```
//!
//! What the shipper approves is sealed by a hash over everything both sides agree to. The partner signs that hash
//! in its portal; a text that changed in between has another one and is refused.

use chrono::NaiveDate;

use super::contract::ContractVersionStatus as Status;
use super::field::codes;
use super::viewer::{Action, Role};

mod complete;
mod options;
#[cfg(test)]
mod tests;

pub use complete::{Mend, Missing, missing, worth_a_look};
pub use options::VersionOptions;

/// Longest note of a step.
pub const NOTE_CHARS_MAX: usize = 500;
/// Longest name typed under a signature.
pub const SIGNER_CHARS_MAX: usize = 120;

codes! {
    /// One step in the life of a version.
    Step, "step" {
        /// The first line of every history.
        Start = "START", "started the draft";
        /// The author thinks it is finished.
        Submit = "SUBMIT", "sent it to review";
        /// The review found something.
        Return = "RETURN", "returned it to its author";
        /// Somebody who wrote none of it agrees, and the text is sealed.
        Approve = "APPROVE", "approved and sealed it";
        /// The shipper takes an offer back.
        Recall = "RECALL", "took it back before it was signed";
        /// The partner does not sign.
        Decline = "DECLINE", "declined to sign it";
        /// The partner agrees to the sealed text.
        Sign = "SIGN", "signed it";
        /// Its first day has come.
        Begin = "BEGIN", "came into force";
        /// It rests.
        Suspend = "SUSPEND", "suspended it";
        /// It goes on.
        Resume = "RESUME", "resumed it";
        /// A later version took over.
        Supersede = "SUPERSEDE", "gave way to a later version";
        /// The contract's term is over.
        Expire = "EXPIRE", "ended with the term";
        /// Ended before its term.
        Terminate = "TERMINATE", "terminated it";
        /// A draft nobody wants.
        Discard = "DISCARD", "discarded the draft";
    }
}

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Whoever may write contracts.
    Writer,
    /// Whoever may approve contracts.
    Approver,
    /// Whoever may approve contracts; or the date, where a version follows on one that rests.
    ApproverOrClock,
    /// Whoever may approve contracts and wrote none of this one (DOMAIN §9).
    OtherApprover,
    /// A user of the partner, in the portal.
    Partner,
    /// Nobody: the date alone.
    Clock,
}

impl By {
    fn allows(self, role: Role) -> bool {
        match self {
            Self::Writer => role.may(Action::EditContracts),
            Self::Approver | Self::ApproverOrClock | Self::OtherApprover => {
                role.may(Action::ApproveContracts)
            }
            Self::Partner => role.may(Action::UsePortal),
            Self::Clock => false,
        }
    }

    /// Whether the date alone may take it.
    const fn allows_clock(self) -> bool {
        matches!(self, Self::Clock | Self::ApproverOrClock)
    }

    /// Whose step it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Writer => "procurement",
            Self::Approver | Self::ApproverOrClock => "whoever may approve contracts",
            Self::OtherApprover => "somebody who may approve contracts and wrote none of it",
            Self::Partner => "the partner, in its portal",
            Self::Clock => "nobody; it happens by the date",
        }
    }
}

/// What the text of the version has to do with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Nothing.
    Free,
    /// The step seals it.
    Seals,
    /// The step names the hash it was sealed with.
    Names,
    /// The step breaks the seal, so that the text can be changed again.
    Breaks,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The step.
    pub step: Step,
    /// Where it may be taken; nowhere before the first one.
    pub from: &'static [Status],
    /// Where it leads; nowhere when the version is gone.
    pub to: Option<Status>,
    /// Who takes it.
    pub by: By,
    /// Whether it needs a reason in words.
    pub note: bool,
    /// Whether it needs the day from which it counts.
    pub day: bool,
    /// What it does with the sealed text.
    pub text: Text,
}

/// The life of a version, whole. Whatever is not here does not happen.
pub const TABLE: [Rule; 14] = {
    use Status::{Active, Approved, Draft, Expired, InReview, Signed, Superseded, Suspended, Terminated};
    const RUNS: &[Status] = &[Active, Suspended];
    /// Signed and not over: whatever binds both sides from today on.
    const BINDS: &[Status] = &[Signed, Active, Suspended];
    const NO: bool = false;
    const NOTE: bool = true;
    const DAY: bool = true;
    [
        rule(Step::Start, &[], Some(Draft), By::Writer, NO, NO, Text::Free),
        rule(Step::Submit, &[Draft], Some(InReview), By::Writer, NO, NO, Text::Free),
        rule(Step::Return, &[InReview], Some(Draft), By::Approver, NOTE, NO, Text::Free),
        rule(Step::Approve, &[InReview], Some(Approved), By::OtherApprover, NO, NO, Text::Seals),
        rule(Step::Recall, &[Approved], Some(Draft), By::Approver, NOTE, NO, Text::Breaks),
        rule(Step::Decline, &[Approved], Some(Draft), By::Partner, NOTE, NO, Text::Breaks),
        rule(Step::Sign, &[Approved], Some(Signed), By::Partner, NOTE, NO, Text::Names),
        rule(Step::Begin, &[Signed], Some(Active), By::Clock, NO, DAY, Text::Free),
        rule(Step::Suspend, &[Active], Some(Suspended), By::ApproverOrClock, NOTE, DAY, Text::Free),
        rule(Step::Resume, &[Suspended], Some(Active), By::Approver, NOTE, DAY, Text::Free),
        rule(Step::Supersede, RUNS, Some(Superseded), By::Clock, NO, DAY, Text::Free),
        rule(Step::Expire, BINDS, Some(Expired), By::Clock, NO, DAY, Text::Free),
        rule(Step::Terminate, BINDS, Some(Terminated), By::Approver, NOTE, DAY, Text::Free),
        rule(Step::Discard, &[Draft], None, By::Writer, NO, NO, Text::Free),
    ]
};

const fn rule(
    step: Step,
    from: &'static [Status],
    to: Option<Status>,
    by: By,
    note: bool,
    day: bool,
    text: Text,
) -> Rule {
    Rule { step, from, to, by, note, day, text }
}

impl Step {
    /// Its line of the table.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        // A test holds that every step has one line.
        TABLE.iter().find(|rule| rule.step == self).unwrap_or(&TABLE[0])
    }

    /// Whether a user of `role` may take it from `now`, for the buttons of a page.
    #[must_use]
    pub fn is_open_to(self, now: Status, role: Role, is_author: bool) -> bool {
        let by = self.rule().by;
        self.fits(Some(now)) && by.allows(role) && !(is_author && by == By::OtherApprover)
    }

    /// Whether it may be taken now, whoever asks.
    #[must_use]
    pub fn fits(self, now: Option<Status>) -> bool {
        let from = self.rule().from;
        now.map_or(from.is_empty(), |now| from.contains(&now))
    }
}

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A job: the date alone decides.
    Clock,
    /// A user.
    User {
        /// The user's role.
        role: Role,
        /// Whether any of the text is theirs.
        is_author: bool,
    },
}

/// A step somebody wants to take.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The step.
    pub step: Step,
    /// Who.
    pub who: Who,
    /// The reason, or the name under a signature.
    pub note: &'a str,
    /// From which day it counts.
    pub day: Option<NaiveDate>,
    /// Hash of the text as it is now.
    pub text: &'a str,
    /// Hash the step names: what the signer was shown.
    pub named: &'a str,
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be taken from here.
    #[error("the version is {now}, and the step `{step}` does not start from there")]
    NotFromHere {
        /// The step in words.
        step: &'static str,
        /// Where the version is, in words.
        now: &'static str,
    },
    /// It is another's step.
    #[error("this step is for {0}")]
    NotYours(&'static str),
    /// Who wrote it does not approve it.
    #[error("it has your own changes in it; someone else with the right to approve must do it")]
    OwnWork,
    /// It needs words.
    #[error("say why in 1 to {NOTE_CHARS_MAX} characters")]
    NoNote,
    /// It needs a day.
    #[error("say from which day")]
    NoDay,
    /// The text is not the one that was sealed.
    #[error(
        "the text you were shown is not the one that waits for a signature; read it as it is now and sign that"
    )]
    OtherText,
}

/// Where a version stands: the sum of its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Where it is; none before the first step and after it was discarded.
    pub status: Option<Status>,
    /// The hash it is sealed with; empty while the text may change.
    pub seal: String,
    /// The days on which it rested: from, and the day it went on, if it did.
    pub rests: Vec<(NaiveDate, Option<NaiveDate>)>,
}

impl Standing {
    /// Where `attempt` leads.
    ///
    /// # Errors
    /// [`Refused`] with what stands against it.
    pub fn after(&self, attempt: &Attempt<'_>) -> Result<Self, Refused> {
        let rule = attempt.step.rule();
        if !attempt.step.fits(self.status) {
            let now = self.status.map_or("not there", Status::label);
            return Err(Refused::NotFromHere { step: attempt.step.label(), now });
        }
        match attempt.who {
            Who::Clock if rule.by.allows_clock() => {}
            Who::User { role, is_author } if rule.by.allows(role) => {
                if is_author && rule.by == By::OtherApprover {
                    return Err(Refused::OwnWork);
                }
            }
            Who::Clock | Who::User { .. } => return Err(Refused::NotYours(rule.by.words())),
        }
        let said = attempt.note.trim().chars().count();
        if said > NOTE_CHARS_MAX || (rule.note && said == 0) {
            return Err(Refused::NoNote);
        }
        if rule.day && attempt.day.is_none() {
            return Err(Refused::NoDay);
        }
        let mut next = Self { status: rule.to, ..self.clone() };
        match rule.text {
            Text::Free => {}
            Text::Seals => attempt.text.clone_into(&mut next.seal),
            Text::Breaks => next.seal.clear(),
            Text::Names => {
                // The text shown, the text sealed and the text as it is must be one.
                if self.seal.is_empty() || attempt.named != self.seal || attempt.text != self.seal {
                    return Err(Refused::OtherText);
                }
            }
        }
        match (attempt.step, attempt.day) {
            (Step::Suspend, Some(day)) => next.rests.push((day, None)),
            (Step::Resume, Some(day)) => {
                if let Some(last) = next.rests.last_mut() {
                    last.1 = Some(day);
                }
            }
            _ => {}
        }
        Ok(next)
    }
}

/// One line of a version's history, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// 1 for the first line.
    pub seq: i32,
    /// The step.
    pub step: Step,
    /// Where it says it was taken.
    pub from: Option<Status>,
    /// Where it says it led.
    pub to: Option<Status>,
    /// The role of who took it; none for the clock.
    pub role: Option<Role>,
    /// From which day it counts.
    pub day: Option<NaiveDate>,
    /// The reason, or the name under a signature.
    pub note: String,
    /// The hash it sealed or named.
    pub sha256: String,
}

/// A history that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line is missing, or stands twice.
    #[error("line {expected} of its history is missing")]
    Gap {
        /// The number that should come.
        expected: i32,
    },
    /// A line does not begin where the one before ended, or ends elsewhere than its step leads.
    #[error("line {seq} of its history, {step}, does not follow from the line before")]
    Jump {
        /// The line.
        seq: i32,
        /// Its step.
        step: Step,
    },
    /// A step that was not allowed.
    #[error("line {seq} of its history, {step}, was not allowed: {reason}")]
    Step {
        /// The line.
        seq: i32,
        /// Its step.
        step: Step,
        /// Why.
        reason: Refused,
    },
}

/// Takes every step of a history again, in order, and says where it leads. Who wrote what is not in a history and is
/// left to the caller.
///
/// # Errors
/// [`Broken`] with the first line that cannot have happened.
pub fn replay(history: &[Past]) -> Result<Standing, Broken> {
    let mut standing = Standing::default();
    for (past, expected) in history.iter().zip(1..) {
        if past.seq != expected {
            return Err(Broken::Gap { expected });
        }
        let who = past.role.map_or(Who::Clock, |role| Who::User { role, is_author: false });
        let attempt = Attempt {
            step: past.step,
            who,
            note: &past.note,
            day: past.day,
            text: &past.sha256,
            named: &past.sha256,
        };
        let (seq, step) = (past.seq, past.step);
        let next = standing.after(&attempt).map_err(|reason| Broken::Step { seq, step, reason })?;
        if past.from != standing.status || past.to != next.status {
            return Err(Broken::Jump { seq, step });
        }
        standing = next;
    }
    Ok(standing)
}
