//! What becomes of an item after the partner was told of it: accepted, disputed line by line, decided, agreed, settled
//! (DOMAIN §4.4), and who may do what (§9).
//!
//! An item is replayed from its steps, which are only added to. What clause and facts come to is never touched here: a
//! decision gives up a part of it, and the two are held apart, so that facts may still change after a decision and no order of
//! the two counts anything twice.

use chrono::NaiveDate;

use super::calendar::BusinessCalendar;
use super::clause::Handling;
use super::exclusion::words_fit;
use super::field::{FieldErrors, codes, require};
use super::ledger::ItemState;
use super::money::Micros;
use super::words;

pub mod books;

#[cfg(test)]
mod tests;

/// Business days in which a partner may dispute an item, from its notice (DOMAIN §4.4).
pub const DISPUTE_DAYS: u16 = 15;
/// Business days in which a dispute is answered before it goes to both sponsors (DOMAIN §4.4).
pub const ANSWER_DAYS: u16 = 10;
/// Business days in which an agreed item is settled, before it is followed up.
pub const SETTLE_DAYS: u16 = 20;
/// Business days before a deadline on which it is reminded of.
pub const REMIND_DAYS: u16 = 3;
/// Disputed lines of one item; beyond that the two sides talk.
pub const LINES_MAX: usize = 200;
/// Longest name of what a line is about.
pub const UNIT_CHARS_MAX: usize = 80;

codes! {
    /// One step about an item that the partner was told of.
    StepKind, "step of an item" {
        /// The partner agrees to it.
        Accepted = "ACCEPTED", "accepted by the partner";
        /// Nobody answered in time.
        Deemed = "DEEMED", "deemed accepted, since nobody answered in time";
        /// The partner objects to a line of it.
        Disputed = "DISPUTED", "disputed";
        /// The partner takes a dispute back.
        Withdrawn = "WITHDRAWN", "dispute taken back";
        /// An answer, for somebody else to decide.
        Proposed = "PROPOSED", "answer proposed";
        /// The answer that counts.
        Decided = "DECIDED", "decided";
        /// Nobody answered in time: both sponsors were told.
        Escalated = "ESCALATED", "escalated to both sponsors";
        /// Credited, set off, invoiced or paid.
        Settled = "SETTLED", "settled";
        /// Facts changed what it comes to after the partner was told.
        Changed = "CHANGED", "changed by the facts";
    }
}

codes! {
    /// The answer to a disputed line.
    Ruling, "ruling" {
        /// The line stands.
        Upheld = "UPHELD", "upheld";
        /// A part of it is given up.
        Reduced = "REDUCED", "reduced";
        /// All of it is given up.
        Waived = "WAIVED", "waived";
    }
}

codes! {
    /// Where an item stands, as fine as DOMAIN §4.4 tells it.
    Stage, "stage of an item" {
        /// The partner was told and has not answered.
        Assessed = "ASSESSED", "Assessed, no answer";
        /// The partner objects.
        Disputed = "DISPUTED", "Disputed";
        /// The partner objects and nobody answered in time.
        Escalated = "ESCALATED", "Escalated";
        /// Agreed: the partner said so.
        Accepted = "ACCEPTED", "Accepted";
        /// Agreed: nobody answered in time.
        Deemed = "DEEMED", "Deemed accepted";
        /// Agreed: it was disputed and stands.
        Upheld = "UPHELD", "Upheld";
        /// Agreed: a part was given up.
        Reduced = "REDUCED", "Reduced";
        /// All of it was given up.
        Waived = "WAIVED", "Waived";
        /// Agreed, and a part is settled.
        PartSettled = "PART_SETTLED", "Partly settled";
        /// More was settled than is owed now: the rest is to be paid back.
        ToPayBack = "TO_PAY_BACK", "To be paid back";
        /// Nothing is left to settle.
        Settled = "SETTLED", "Settled";
        /// Settled, and the accounting period of it is closed.
        Closed = "CLOSED", "Closed";
        /// Nothing is owed any more.
        Reversed = "REVERSED", "Taken back";
        /// Nobody was told yet.
        Untold = "UNTOLD", "Not assessed yet";
    }
}

codes! {
    /// Whose user takes a step.
    Party, "party" {
        /// The carrier's.
        Partner = "PARTNER", "the partner";
        /// A carrier manager.
        Manager = "MANAGER", "a carrier manager";
        /// Finance.
        Finance = "FINANCE", "finance";
        /// A controller.
        Controller = "CONTROLLER", "a controller";
        /// The daily job.
        Clock = "CLOCK", "the deadline";
    }
}

/// A step as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What.
    pub kind: StepKind,
    /// Number of the disputed line, from 1; 0 where it is about the whole item.
    pub line: i32,
    /// The answer, of a proposal or decision.
    pub ruling: Option<Ruling>,
    /// What a line is about.
    pub unit: String,
    /// Disputed, given up, or settled; 0 for the rest.
    pub amount: Micros,
    /// Why.
    pub words: String,
    /// The day.
    pub day: NaiveDate,
    /// The user; 0 for the job.
    pub actor_id: i64,
    /// By name.
    pub actor: String,
}

/// An answer that somebody proposed, or the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub ruling: Ruling,
    /// What of the line is given up.
    pub given_up: Micros,
    /// Why.
    pub words: String,
    /// Who.
    pub actor_id: i64,
    /// By name.
    pub actor: String,
    /// When.
    pub day: NaiveDate,
}

/// One disputed line of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub no: i32,
    /// What it is about: a shipment, a day, the whole item.
    pub unit: String,
    /// What of the item is disputed by it.
    pub claimed: Micros,
    /// What is wrong with it.
    pub words: String,
    /// When it was disputed.
    pub day: NaiveDate,
    /// By whom, by name.
    pub actor: String,
    /// The newest proposal.
    pub proposal: Option<Answer>,
    /// What counts.
    pub decision: Option<Answer>,
    /// The partner took it back.
    pub is_withdrawn: bool,
    /// Both sponsors were told.
    pub is_escalated: bool,
}

impl Line {
    /// Whether it waits for a decision.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.decision.is_none() && !self.is_withdrawn
    }

    /// The day by which it is to be answered.
    #[must_use]
    pub fn answer_by(&self, calendar: &BusinessCalendar) -> NaiveDate {
        calendar.add_bd(self.day, ANSWER_DAYS)
    }

    /// What was given up of it.
    #[must_use]
    pub fn given_up(&self) -> Micros {
        self.decision.as_ref().map_or(Micros::ZERO, |decision| decision.given_up)
    }
}

/// The amounts of one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What clause and facts come to.
    pub target: Micros,
    /// What decisions on disputes give up.
    pub given_up: Micros,
    /// What was credited, set off, invoiced or paid.
    pub settled: Micros,
}

impl Sums {
    /// What decisions take back of what there is: never more than clause and facts come to.
    #[must_use]
    pub fn waived(&self) -> Micros {
        self.given_up.min(self.target.max(Micros::ZERO))
    }

    /// What is owed in all.
    #[must_use]
    pub fn owed(&self) -> Micros {
        self.target - self.waived()
    }

    /// What is left to settle; negative where more was settled than is owed by now.
    #[must_use]
    pub fn outstanding(&self) -> Micros {
        self.owed() - self.settled
    }

    /// What decisions took back and what is owed may change together: the entry that brings the ledger to it, from what is
    /// posted as waived.
    #[must_use]
    pub fn waiver_delta(&self, posted: Micros) -> Micros {
        self.waived() - posted
    }

    /// The state of an item the partner was told of, after clause and facts came to something else. `before` is how it stood
    /// and what it then came to. More than was agreed is told anew; less needs nobody's word.
    #[must_use]
    pub fn state_after(&self, before: (ItemState, Micros)) -> ItemState {
        let (state, target) = before;
        let was = Self { target, ..*self }.outstanding();
        let now = self.outstanding();
        if self.target == Micros::ZERO && self.settled == Micros::ZERO {
            return ItemState::Reversed;
        }
        match state {
            ItemState::Agreed | ItemState::Settled if now > was => ItemState::Assessed,
            ItemState::Agreed | ItemState::Settled | ItemState::Assessed if now < Micros::ZERO => {
                ItemState::Agreed
            }
            ItemState::Agreed | ItemState::Settled if now == Micros::ZERO => ItemState::Settled,
            ItemState::Agreed | ItemState::Settled => ItemState::Agreed,
            other => other,
        }
    }
}

/// What became of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// The disputed lines, oldest first.
    pub lines: Vec<Line>,
    /// How it came to be agreed last, before any settlement.
    pub agreed_by: Option<StepKind>,
    /// When that was.
    pub agreed_on: Option<NaiveDate>,
    /// The day it was last settled.
    pub settled_on: Option<NaiveDate>,
    /// What was settled, as the steps tell it.
    pub settled: Micros,
}

impl Course {
    /// Replays the steps, oldest first.
    #[must_use]
    pub fn of(steps: &[Taken]) -> Self {
        let mut course = Self::default();
        for step in steps {
            course.take(step);
        }
        course
    }

    fn take(&mut self, step: &Taken) {
        let answer = || {
            let ruling = step.ruling?;
            Some(Answer {
                ruling,
                given_up: step.amount,
                words: step.words.clone(),
                actor_id: step.actor_id,
                actor: step.actor.clone(),
                day: step.day,
            })
        };
        match step.kind {
            StepKind::Disputed => {
                (self.agreed_by, self.agreed_on) = (None, None);
                self.lines.push(Line {
                    no: step.line,
                    unit: step.unit.clone(),
                    claimed: step.amount,
                    words: step.words.clone(),
                    day: step.day,
                    actor: step.actor.clone(),
                    proposal: None,
                    decision: None,
                    is_withdrawn: false,
                    is_escalated: false,
                });
            }
            StepKind::Settled => {
                self.settled = self.settled + step.amount;
                self.settled_on = Some(step.day);
            }
            StepKind::Accepted | StepKind::Deemed => {
                (self.agreed_by, self.agreed_on) = (Some(step.kind), Some(step.day));
            }
            StepKind::Changed => {}
            StepKind::Withdrawn | StepKind::Proposed | StepKind::Decided | StepKind::Escalated => {
                let Some(line) = self.lines.iter_mut().find(|line| line.no == step.line) else { return };
                match step.kind {
                    StepKind::Withdrawn => line.is_withdrawn = true,
                    StepKind::Proposed => line.proposal = answer(),
                    StepKind::Decided => line.decision = answer(),
                    _ => line.is_escalated = true,
                }
                if self.lines.iter().all(|line| !line.is_open()) {
                    (self.agreed_by, self.agreed_on) = (Some(step.kind), Some(step.day));
                }
            }
        }
    }

    /// What decisions give up in all.
    #[must_use]
    pub fn given_up(&self) -> Micros {
        self.lines.iter().map(Line::given_up).sum()
    }

    /// What is disputed and waits for a decision.
    #[must_use]
    pub fn open_claims(&self) -> Micros {
        self.lines.iter().filter(|line| line.is_open()).map(|line| line.claimed).sum()
    }

    /// Whether a line waits for a decision.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lines.iter().any(Line::is_open)
    }

    /// What can still be disputed: what is left of the item and in no line yet. A line that was decided is not disputed again.
    #[must_use]
    pub fn undisputed(&self, sums: &Sums) -> Micros {
        let kept: Micros = self
            .lines
            .iter()
            .filter(|line| line.decision.is_some())
            .map(|line| line.claimed - line.given_up())
            .sum();
        (sums.outstanding() - self.open_claims() - kept).max(Micros::ZERO)
    }

    /// The line of a number.
    #[must_use]
    pub fn line(&self, no: i32) -> Option<&Line> {
        self.lines.iter().find(|line| line.no == no)
    }

    /// Where the item stands. `closed_through` is the last closed day of the books.
    #[must_use]
    pub fn stage(&self, state: ItemState, sums: &Sums, closed_through: Option<NaiveDate>) -> Stage {
        match state {
            ItemState::Estimated | ItemState::Accrued => Stage::Untold,
            ItemState::Reversed => Stage::Reversed,
            ItemState::Assessed => Stage::Assessed,
            ItemState::Disputed if self.lines.iter().any(|line| line.is_open() && line.is_escalated) => {
                Stage::Escalated
            }
            ItemState::Disputed => Stage::Disputed,
            ItemState::Agreed if sums.outstanding() < Micros::ZERO => Stage::ToPayBack,
            ItemState::Agreed if sums.settled != Micros::ZERO => Stage::PartSettled,
            ItemState::Agreed => self.agreed_stage(sums),
            ItemState::Settled if self.settled_on.is_none() => Stage::Waived,
            ItemState::Settled => match (self.settled_on, closed_through) {
                (Some(on), Some(closed)) if on <= closed => Stage::Closed,
                _ => Stage::Settled,
            },
        }
    }

    fn agreed_stage(&self, sums: &Sums) -> Stage {
        match self.agreed_by {
            Some(StepKind::Decided | StepKind::Withdrawn) if sums.given_up > Micros::ZERO => Stage::Reduced,
            Some(StepKind::Decided) => Stage::Upheld,
            Some(StepKind::Deemed) => Stage::Deemed,
            _ => Stage::Accepted,
        }
    }
}

/// The last day on which an item that was told on `told_on` can be disputed: so many business days as its clause says, else
/// [`DISPUTE_DAYS`].
#[must_use]
pub fn dispute_by(told_on: NaiveDate, handling: &Handling, calendar: &BusinessCalendar) -> NaiveDate {
    let said = handling.dispute_days.and_then(|days| u16::try_from(days).ok());
    calendar.add_bd(told_on, said.unwrap_or(DISPUTE_DAYS))
}

/// A step somebody wants to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub kind: StepKind,
    /// Number of the disputed line; 0 for a new one or the whole item.
    pub line: i32,
    /// The answer, of a proposal or decision.
    pub ruling: Option<Ruling>,
    /// Disputed or given up.
    pub amount: Micros,
    /// What a new line is about.
    pub unit: String,
    /// Why.
    pub words: String,
}

/// What a step is checked against beside the item itself.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Where the item stands.
    pub state: ItemState,
    /// The day.
    pub today: NaiveDate,
    /// The last day on which it can be disputed.
    pub dispute_by: NaiveDate,
    /// What one decision may give up without a controller.
    pub waiver_limit: Micros,
    /// What may still be given up for the partner this year; none where no budget was set.
    pub budget_left: Option<Micros>,
    /// Who set that budget; none where none was set.
    pub budget_set_by: Option<i64>,
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not follow on where the item stands.
    #[error("the item is {}; {next}", .state.label().to_lowercase())]
    NotNow {
        /// Where it stands.
        state: ItemState,
        /// What can be done.
        next: &'static str,
    },
    /// The window is over.
    #[error("it could be disputed until {}; ask the shipper to correct the facts instead", words::day(*.0))]
    Late(NaiveDate),
    /// The window still runs.
    #[error("the partner can answer until {}", words::day(*.0))]
    Early(NaiveDate),
    /// The amount is none that the step can be about.
    #[error("give an amount above 0 and not above {}", words::amount(*.0))]
    Amount(Micros),
    /// A waiver gives up all of a line, an upheld line nothing, a reduction something between.
    #[error("{}", ruling_words(*.0, *.1))]
    Ruling(Ruling, Micros),
    /// Enough lines.
    #[error(
        "an item has at most {LINES_MAX} disputed lines; talk to the shipper about what they have in common"
    )]
    TooMany,
    /// The unit is in a line that is open or decided.
    #[error("{0} is disputed already")]
    Twice(String),
    /// No such line.
    #[error("the item has no disputed line {0}")]
    NoLine(i32),
    /// The line is over.
    #[error("line {0} was decided or taken back already")]
    Over(i32),
    /// Nobody proposed to give anything up.
    #[error("nobody proposed this yet: who proposes to give money up and who decides it are two people")]
    NotProposed,
    /// The proposal is another one.
    #[error("{} of line {line} was proposed, {}; decide that, or propose another answer",
        words::amount(*.given_up), .ruling.label())]
    OtherProposal {
        /// The line.
        line: i32,
        /// What was proposed.
        ruling: Ruling,
        /// How much.
        given_up: Micros,
    },
    /// Who proposes does not decide (DOMAIN §9).
    #[error("you proposed this answer yourself; somebody else has to decide it")]
    OwnProposal,
    /// Beyond what a carrier manager or finance decides.
    #[error("giving up more than {} is decided by a controller", words::amount(*.0))]
    OverLimit(Micros),
    /// Only finance and controllers decide.
    #[error("that a line stands is decided by finance; propose it")]
    FinanceDecides,
    /// Who sets a budget does not give anything up under it (DOMAIN §9).
    #[error(
        "you set the waiver budget of this partner for {0}; somebody else decides what is given up under it"
    )]
    OwnBudget(i32),
    /// The year's budget is exhausted.
    #[error(
        "the waiver budget of this partner has {} left for {year}, and this gives up {}; raise the budget first, or let the line stand",
        words::amount(*.left), words::amount(*.asked)
    )]
    Budget {
        /// The year.
        year: i32,
        /// What is left.
        left: Micros,
        /// What was asked for.
        asked: Micros,
    },
    /// It is not theirs to do.
    #[error("this step is taken by {}", .0.label())]
    Whose(Party),
}

fn ruling_words(ruling: Ruling, claimed: Micros) -> String {
    let claimed = words::amount(claimed);
    match ruling {
        Ruling::Upheld => "a line that is upheld gives nothing up; leave the amount empty".to_owned(),
        Ruling::Reduced => {
            format!("a reduction gives up more than 0 and less than {claimed}; else uphold it or waive it")
        }
        Ruling::Waived => format!("a waiver gives up all {claimed} of the line; choose a reduction for less"),
    }
}

/// Who may take a step.
#[must_use]
pub const fn may(party: Party, kind: StepKind) -> bool {
    match kind {
        StepKind::Accepted | StepKind::Disputed | StepKind::Withdrawn => matches!(party, Party::Partner),
        StepKind::Proposed | StepKind::Decided => {
            matches!(party, Party::Manager | Party::Finance | Party::Controller)
        }
        StepKind::Settled => matches!(party, Party::Finance | Party::Controller),
        StepKind::Deemed | StepKind::Escalated | StepKind::Changed => matches!(party, Party::Clock),
    }
}

/// What is wrong with the words of a step, by form field. The job's own steps need none.
#[must_use]
pub fn problems(asked: &Asked) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if asked.kind == StepKind::Disputed {
        let chars = asked.unit.trim().chars().count();
        let message = "name the shipment or the fact it is about, in up to 80 characters";
        require(&mut errors, (1..=UNIT_CHARS_MAX).contains(&chars), "unit", message);
    }
    let ask = match asked.kind {
        StepKind::Disputed => "say what is wrong with it and what proves it",
        StepKind::Withdrawn => "say why you take it back",
        StepKind::Proposed | StepKind::Decided => "say why; the partner reads it",
        _ => return errors,
    };
    words_fit(&mut errors, "words", &asked.words, ask);
    errors
}

/// Checks a step before it is taken.
///
/// # Errors
/// [`Refused`], with what can be done instead.
pub fn check(
    course: &Course,
    sums: &Sums,
    asked: &Asked,
    (party, user_id): (Party, i64),
    now: &Now,
) -> Result<(), Refused> {
    if !may(party, asked.kind) {
        return Err(Refused::Whose(whose(asked.kind)));
    }
    let state = now.state;
    let not_now = |next| Err(Refused::NotNow { state, next });
    match asked.kind {
        StepKind::Accepted => match state {
            ItemState::Assessed => Ok(()),
            ItemState::Disputed => not_now("take your disputes back first"),
            _ => not_now("there is nothing to accept"),
        },
        StepKind::Deemed => match state {
            ItemState::Assessed if now.today > now.dispute_by => Ok(()),
            ItemState::Assessed => Err(Refused::Early(now.dispute_by)),
            _ => not_now("nobody has to answer"),
        },
        StepKind::Disputed => may_dispute(course, sums, asked, now),
        StepKind::Withdrawn | StepKind::Escalated => open_line(course, asked.line).map(drop),
        StepKind::Proposed => {
            let line = open_line(course, asked.line)?;
            fits(asked, line)
        }
        StepKind::Decided => may_decide(course, asked, (party, user_id), now),
        StepKind::Settled => match state {
            ItemState::Agreed => Ok(()),
            ItemState::Settled => not_now("nothing is left to settle"),
            _ => not_now("only what both sides agree on is settled"),
        },
        StepKind::Changed => Ok(()),
    }
}

const fn whose(kind: StepKind) -> Party {
    match kind {
        StepKind::Accepted | StepKind::Disputed | StepKind::Withdrawn => Party::Partner,
        StepKind::Proposed | StepKind::Decided => Party::Manager,
        StepKind::Settled => Party::Finance,
        StepKind::Deemed | StepKind::Escalated | StepKind::Changed => Party::Clock,
    }
}

fn may_dispute(course: &Course, sums: &Sums, asked: &Asked, now: &Now) -> Result<(), Refused> {
    match now.state {
        ItemState::Assessed | ItemState::Disputed if now.today <= now.dispute_by => {}
        ItemState::Assessed | ItemState::Disputed => return Err(Refused::Late(now.dispute_by)),
        state => return Err(Refused::NotNow { state, next: "it cannot be disputed any more" }),
    }
    if course.lines.len() >= LINES_MAX {
        return Err(Refused::TooMany);
    }
    let unit = asked.unit.trim();
    let same = |line: &&Line| !line.is_withdrawn && line.unit.eq_ignore_ascii_case(unit);
    if course.lines.iter().any(|line| same(&line)) {
        return Err(Refused::Twice(unit.to_owned()));
    }
    let most = course.undisputed(sums);
    if asked.amount <= Micros::ZERO || asked.amount > most {
        return Err(Refused::Amount(most));
    }
    Ok(())
}

fn open_line(course: &Course, no: i32) -> Result<&Line, Refused> {
    let line = course.line(no).ok_or(Refused::NoLine(no))?;
    if line.is_open() { Ok(line) } else { Err(Refused::Over(no)) }
}

/// Whether the amount given up is one of the ruling.
fn fits(asked: &Asked, line: &Line) -> Result<(), Refused> {
    let ruling = asked.ruling.unwrap_or(Ruling::Upheld);
    let fine = match ruling {
        Ruling::Upheld => asked.amount == Micros::ZERO,
        Ruling::Reduced => asked.amount > Micros::ZERO && asked.amount < line.claimed,
        Ruling::Waived => asked.amount == line.claimed,
    };
    if fine { Ok(()) } else { Err(Refused::Ruling(ruling, line.claimed)) }
}

fn may_decide(
    course: &Course,
    asked: &Asked,
    (party, user_id): (Party, i64),
    now: &Now,
) -> Result<(), Refused> {
    let line = open_line(course, asked.line)?;
    fits(asked, line)?;
    let ruling = asked.ruling.unwrap_or(Ruling::Upheld);
    if ruling == Ruling::Upheld {
        // Nothing is given up, so nobody else needs to agree.
        let decides = matches!(party, Party::Finance | Party::Controller);
        return if decides { Ok(()) } else { Err(Refused::FinanceDecides) };
    }
    let proposal = line.proposal.as_ref().ok_or(Refused::NotProposed)?;
    if (proposal.ruling, proposal.given_up) != (ruling, asked.amount) {
        let (ruling, given_up) = (proposal.ruling, proposal.given_up);
        return Err(Refused::OtherProposal { line: line.no, ruling, given_up });
    }
    if proposal.actor_id == user_id {
        return Err(Refused::OwnProposal);
    }
    if party != Party::Controller && asked.amount > now.waiver_limit {
        return Err(Refused::OverLimit(now.waiver_limit));
    }
    let year = chrono::Datelike::year(&now.today);
    if now.budget_set_by == Some(user_id) {
        return Err(Refused::OwnBudget(year));
    }
    match now.budget_left {
        Some(left) if asked.amount > left => Err(Refused::Budget { year, left, asked: asked.amount }),
        _ => Ok(()),
    }
}

/// The state of an item after a step that was checked: agreed once no line waits, settled once nothing is left.
#[must_use]
pub fn state_after_step(course: &Course, sums: &Sums, kind: StepKind, before: ItemState) -> ItemState {
    let agreed = || if sums.outstanding() == Micros::ZERO { ItemState::Settled } else { ItemState::Agreed };
    match kind {
        StepKind::Accepted | StepKind::Deemed | StepKind::Settled => agreed(),
        StepKind::Disputed => ItemState::Disputed,
        StepKind::Withdrawn | StepKind::Decided if !course.is_open() => agreed(),
        _ => before,
    }
}
