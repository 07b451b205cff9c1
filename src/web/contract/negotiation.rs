//! The negotiation over a draft, for the shipper: its rounds, whose turn it is, the moves, and the ledger of concessions.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use super::super::edit::{self, Refusal};
use super::super::extract::{Form, SignedIn};
use super::super::page::{self, Page, WebError};
use super::super::partner::Chip;
use super::super::show;
use crate::app::contract::negotiate::{Named, Said, proposal_adopt, proposal_answer, proposal_send};
use crate::app::contract::negotiate_view::{
    Concessions, Negotiation, OwnDesk, Round, concessions, negotiation_show,
};
use crate::app::edit::EditError;
use crate::domain::money::Micros;
use crate::domain::negotiation::concession::Ledger;
use crate::domain::negotiation::{Move, Open, Side, Talk};
use crate::domain::terms::Change;
use crate::domain::words;

/// Name in the rules, name on the form.
pub(super) const NAMES: &[(&str, &str)] = &[("message", "message"), ("reply_by", "reply_by")];
/// Hash characters shown.
const HASH_CHARS: usize = 12;
/// Days to answer that a form suggests.
const REPLY_DAYS: u64 = 14;

/// Where the negotiation over a version is shown to the shipper.
pub(super) fn address(version_id: i64) -> String {
    format!("/contract-versions/{version_id}/negotiation")
}

/// One station of the timeline.
pub(super) struct Station {
    pub title: String,
    pub text: String,
    pub done: bool,
    pub current: bool,
}

/// One answer to a round.
pub(super) struct AnswerLine {
    pub what: String,
    pub message: String,
}

/// One round on a page.
pub(super) struct RoundView {
    pub round: i32,
    pub by: String,
    pub on: String,
    pub message: String,
    pub reply_by: String,
    pub from: String,
    pub hash: String,
    pub state: Chip,
    pub against: Option<String>,
    pub changes: Vec<Change>,
    pub answers: Vec<AnswerLine>,
}

/// Both sides' names, as a reader reads them.
pub(super) fn name(side: Side, reader: Side, partner: &str) -> String {
    match side {
        side if side == reader => "You".to_owned(),
        Side::Partner => partner.to_owned(),
        Side::Shipper => "The shipper".to_owned(),
    }
}

pub(super) fn round_view(talk: &Negotiation, round: &Round, reader: Side) -> RoundView {
    let newest = talk.talk.round() == round.round;
    let (tone, shape, word) = match &talk.talk {
        Talk::Open(_) if newest => ("warn", "clock", "Waits"),
        Talk::Agreed { .. } if newest => ("good", "check", "Agreed"),
        Talk::Closed { how, .. } if newest => match how {
            Move::Decline => ("bad", "stop", "Declined"),
            Move::Withdraw => ("none", "stop", "Withdrawn"),
            Move::Lapse => ("none", "clock", "Lapsed"),
            _ => ("info", "dot", "Taken up again"),
        },
        _ => match round.answers.last().map(|answer| answer.kind) {
            Some(Move::Decline) => ("bad", "stop", "Declined"),
            Some(Move::Withdraw) => ("none", "stop", "Withdrawn"),
            Some(Move::Lapse) => ("none", "clock", "Lapsed"),
            Some(Move::Reopen) => ("info", "dot", "Taken up again"),
            _ => ("info", "flat", "Countered"),
        },
    };
    let answer = |answer: &crate::app::contract::negotiate_view::Answer| AnswerLine {
        what: match answer.kind {
            Move::Lapse => format!("Not answered in time, {}", show::day(answer.on)),
            kind => format!("{} {}, {}", answer.actor, kind.label(), show::day(answer.on)),
        },
        message: answer.message.clone(),
    };
    RoundView {
        round: round.round,
        by: format!("{}, {}", name(round.side, reader, &talk.partner_name), round.actor),
        on: show::day(round.on),
        message: round.message.clone(),
        reply_by: round.reply_by.map(show::day).unwrap_or_default(),
        from: show::day(round.from),
        hash: round.sha256.chars().take(HASH_CHARS).collect(),
        state: Chip { tone, shape, word: word.to_owned() },
        against: round.against.clone(),
        changes: round.redline.clone(),
        answers: round.answers.iter().map(answer).collect(),
    }
}

/// The last rounds and where it stands, as a timeline of at most six stations.
pub(super) fn stations(talk: &Negotiation, reader: Side) -> Vec<Station> {
    const SHOWN: usize = 5;
    let mut out: Vec<Station> = talk
        .rounds
        .iter()
        .take(SHOWN)
        .rev()
        .map(|round| Station {
            title: format!("Round {}", round.round),
            text: format!("{}, {}", name(round.side, reader, &talk.partner_name), show::day(round.on)),
            done: !(matches!(talk.talk, Talk::Open(_)) && talk.talk.round() == round.round),
            current: matches!(talk.talk, Talk::Open(_)) && talk.talk.round() == round.round,
        })
        .collect();
    let (title, text, current) = match &talk.talk {
        Talk::Agreed { round, .. } => ("Agreed".to_owned(), format!("round {round}"), true),
        Talk::Closed { how, .. } => ("Ended".to_owned(), how.label().to_owned(), true),
        Talk::Open(_) | Talk::Idle => ("Agreed".to_owned(), "not yet".to_owned(), false),
    };
    out.push(Station { title, text, done: current, current });
    out
}

/// The day with what is left, for whoever must answer.
pub(super) fn deadline(open: &Open, today: NaiveDate) -> String {
    let left = (open.reply_by - today).num_days();
    match left {
        left if left < 0 => format!("by {}, which has passed", show::day(open.reply_by)),
        0 => format!("by {}, today", show::day(open.reply_by)),
        left => format!("by {}, {} left", show::day(open.reply_by), words::count(left, "day")),
    }
}

/// Whose turn it is, as a title and a sentence, for the shipper.
fn turn(talk: &Negotiation) -> (String, String) {
    let partner = &talk.partner_name;
    if !talk.is_draft {
        return (
            "This version is past negotiation".to_owned(),
            "Its text is in review, sealed or signed. What was proposed stays here as it was.".to_owned(),
        );
    }
    match &talk.talk {
        Talk::Idle => (
            "Nothing was sent yet".to_owned(),
            format!(
                "Send the draft to {partner}: it reads it in the portal and accepts, counters or declines."
            ),
        ),
        Talk::Open(open) if open.by == Side::Shipper => (
            format!("It is the turn of {partner}"),
            format!(
                "Round {} can be answered {}. After that day it lapses. The draft is held until then.",
                open.round,
                deadline(open, talk.today)
            ),
        ),
        Talk::Open(open) => (
            "It is your turn".to_owned(),
            format!(
                "{partner} proposed round {}. Answer {}; after that day it lapses.",
                open.round,
                deadline(open, talk.today)
            ),
        ),
        Talk::Agreed { round, .. } => (
            format!("Both sides agreed to round {round}"),
            "That text is the draft, and it is held. Send it to review; to change it, take it up again."
                .to_owned(),
        ),
        Talk::Closed { how, .. } => (
            format!("The last round {}", how.label()),
            "The draft can be changed and sent again as a new round.".to_owned(),
        ),
    }
}

#[derive(Template)]
#[template(path = "contract/negotiation.html")]
struct NegotiationPage {
    page: Page,
    contract_id: i64,
    number: String,
    version_no: i32,
    version_id: i64,
    partner: String,
    heading: String,
    sentence: String,
    stations: Vec<Station>,
    rounds: Vec<RoundView>,
    draft_changes: Vec<Change>,
    /// The newest round, which an answer names.
    named: Named,
    seen: String,
    may_send: bool,
    may_answer: bool,
    may_withdraw: bool,
    may_reopen: bool,
    form: Form,
    notice: Option<String>,
}

fn view(me: &SignedIn, desk: OwnDesk, mut form: Form, notice: Option<String>) -> NegotiationPage {
    let talk = desk.talk;
    let moves = desk.may_move && talk.is_draft;
    let open = match &talk.talk {
        Talk::Open(open) => Some(open.clone()),
        _ => None,
    };
    let mine = open.as_ref().is_some_and(|open| open.by == Side::Shipper);
    let theirs = open.as_ref().is_some_and(|open| open.by == Side::Partner);
    let agreed = matches!(talk.talk, Talk::Agreed { .. });
    let late = open.as_ref().is_some_and(|open| open.is_late(talk.today));
    if form.value("reply_by").is_empty() {
        let day = talk.today.checked_add_days(chrono::Days::new(REPLY_DAYS)).unwrap_or(talk.today);
        form = Form::filled([("reply_by", day.to_string()), ("message", form.value("message").to_owned())]);
    }
    let (heading, sentence) = turn(&talk);
    let newest = talk.rounds.first();
    let named = Named {
        round: newest.map(|round| round.round).unwrap_or_default(),
        sha256: newest.map(|round| round.sha256.clone()).unwrap_or_default(),
    };
    NegotiationPage {
        page: me.page(format!("Negotiation of version {} of {}", talk.version_no, talk.number)),
        contract_id: talk.contract_id,
        number: talk.number.clone(),
        version_no: talk.version_no,
        version_id: talk.version_id,
        partner: talk.partner_name.clone(),
        heading,
        sentence,
        stations: stations(&talk, Side::Shipper),
        rounds: talk.rounds.iter().map(|round| round_view(&talk, round, Side::Shipper)).collect(),
        draft_changes: if theirs { desk.draft_changes } else { Vec::new() },
        named,
        seen: desk.seen,
        may_send: moves && !mine && !agreed && !late,
        may_answer: moves && theirs && !late,
        may_withdraw: moves && mine,
        may_reopen: moves && agreed,
        form,
        notice,
    }
}

async fn desk(me: &SignedIn, id: i64) -> Result<OwnDesk, WebError> {
    me.in_db(move |unit| negotiation_show(unit.app, unit.db, unit.viewer, id)).await
}

/// `GET /contract-versions/{id}/negotiation`
pub(in crate::web) async fn show(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = desk(&me, *id).await?;
    page::html(&view(&me, found, Form::default(), None))
}

async fn again(me: &SignedIn, id: i64, mut form: Form, error: EditError) -> Result<HttpResponse, WebError> {
    let Refusal { status, notice } = edit::refuse(&mut form, error, NAMES)?;
    let found = desk(me, id).await?;
    page::html_with(status, &view(me, found, form, notice))
}

/// What a form says with a move. A day that does not read is noted beside its field.
pub(super) fn said(form: &mut Form, proposes: bool) -> Option<Said> {
    let reply_by = if proposes { edit::day(form, "reply_by") } else { None };
    form.is_sound().then(|| Said { message: form.value("message").to_owned(), reply_by })
}

/// `POST /contract-versions/{id}/rounds`: sends the draft, as an offer or in answer to the partner's round.
pub(in crate::web) async fn send(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, seen) = (*id, form.value("seen").to_owned());
    let Some(said) = said(&mut form, true) else {
        let found = desk(&me, id).await?;
        let refusal = edit::unsound();
        return page::html_with(refusal.status, &view(&me, found, form, refusal.notice));
    };
    let work = move |unit: super::super::extract::Unit<'_>| {
        Ok::<_, WebError>(proposal_send(unit.app, unit.db, unit.viewer, id, &seen, &said))
    };
    match me.in_db(work).await? {
        Ok(()) => {
            me.flash("The round is sent. The partner is told by mail and answers in its portal.");
            Ok(page::see_other(&address(id)))
        }
        Err(error) => again(&me, id, form, error).await,
    }
}

/// The answers a form may give.
pub(super) fn answer_kind(form: &Form) -> Option<Move> {
    let kind: Move = form.value("answer").parse().ok()?;
    (!kind.proposes() && kind != Move::Lapse).then_some(kind)
}

/// The round a form answers.
pub(super) fn named(form: &Form) -> Named {
    Named { round: form.value("round").parse().unwrap_or_default(), sha256: form.value("sha256").to_owned() }
}

/// `POST /contract-versions/{id}/answers`: accepts, declines, withdraws, takes up again, or takes the partner's text
/// into the draft.
pub(in crate::web) async fn answer(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    if form.is("answer", "ADOPT") {
        let seen = form.value("seen").to_owned();
        me.in_db(move |unit| proposal_adopt(unit.app, unit.db, unit.viewer, id, &seen)).await?;
        me.flash("The draft says what the partner proposed. Change it, then send it as the next round.");
        return Ok(page::see_other(&address(id)));
    }
    let Some(kind) = answer_kind(&form) else {
        return Err(WebError::BadRequest(
            "Say how to answer: accept, decline, withdraw or take up again.".to_owned(),
        ));
    };
    let (named, said) = (named(&form), said(&mut form, false).unwrap_or_default());
    let work = move |unit: super::super::extract::Unit<'_>| {
        Ok::<_, WebError>(proposal_answer(unit.app, unit.db, unit.viewer, id, kind, &named, &said))
    };
    match me.in_db(work).await? {
        Ok(()) => {
            me.flash(match kind {
                Move::Accept => {
                    "Accepted. The text is the draft, and goes to review from the contract's page."
                }
                Move::Reopen => "Taken up again. The draft can be changed and sent as a new round.",
                Move::Withdraw => "Withdrawn. The draft can be changed again.",
                _ => "Declined. The partner is told why.",
            });
            Ok(page::see_other(&address(id)))
        }
        Err(error) => again(&me, id, form, error).await,
    }
}

// ---- the ledger of concessions ------------------------------------------------

/// A cell of the ledger: the value, and what it is worth.
pub(super) struct Cell {
    pub value: String,
    pub worth: String,
}

/// One line of the ledger.
pub(super) struct LedgerRow {
    pub of: String,
    pub name: String,
    pub part: &'static str,
    pub cells: Vec<Cell>,
}

/// A ledger on a page.
pub(super) struct LedgerView {
    /// Heads of the rounds: number, who, whether it is the first of its side or agreed.
    pub heads: Vec<(String, String)>,
    pub rows: Vec<LedgerRow>,
    pub remainder: Vec<String>,
    pub difference: Vec<String>,
    /// Round, who, total, difference to the first round, shipments that need rates.
    pub totals: Vec<[String; 5]>,
    pub words: Option<String>,
    /// Shipper, partner, open, in money.
    pub moved: Option<[String; 4]>,
}

fn signed(amount: Option<Micros>) -> String {
    match amount {
        None => "not replayed".to_owned(),
        Some(amount) if amount > Micros::ZERO => format!("+{}", show::money(amount)),
        Some(amount) => show::money(amount),
    }
}

pub(super) fn ledger_view(found: &Concessions, reader: Side) -> LedgerView {
    let Ledger { rounds, lines, remainder, difference, movement } = &found.ledger;
    let agreed = match &found.talk.talk {
        Talk::Agreed { round, .. } => Some(*round),
        _ => None,
    };
    let (mut offered, mut asked) = (false, false);
    let heads = rounds.iter().map(|(round, side, _)| {
        let first = match side {
            Side::Shipper => !std::mem::replace(&mut offered, true),
            Side::Partner => !std::mem::replace(&mut asked, true),
        };
        let role = match (side, first) {
            _ if agreed == Some(*round) => "agreed",
            (Side::Shipper, true) => "offer",
            (Side::Partner, true) => "ask",
            _ => "counter",
        };
        let who = match side {
            side if *side == reader => "you",
            Side::Partner => found.talk.partner_name.as_str(),
            Side::Shipper => "the shipper",
        };
        (format!("Round {round}"), format!("{role}, {who}"))
    });
    let heads: Vec<(String, String)> = heads.collect();
    let known = |n: Option<&u64>| {
        n.map_or_else(|| "not known".to_owned(), |n| show::count(i64::try_from(*n).unwrap_or(i64::MAX)))
    };
    let totals = heads.iter().zip(rounds).zip(difference).zip(0_usize..).map(
        |((((round, who), (_, _, total)), difference), at)| {
            let total = total.map_or_else(|| "not replayed".to_owned(), show::money);
            let unrated = known(found.unrated.get(at));
            [round.clone(), who.clone(), total, signed(*difference), unrated]
        },
    );
    let totals = totals.collect();
    let row = |line: &crate::domain::negotiation::concession::Line| LedgerRow {
        of: line.term.of.clone(),
        name: line.term.name.clone(),
        part: line.term.part.label(),
        cells: line
            .positions
            .iter()
            .map(|position| Cell {
                value: if position.text.is_empty() { "not there".to_owned() } else { position.text.clone() },
                worth: line.term.unpriced.map_or_else(|| signed(position.worth), str::to_owned),
            })
            .collect(),
    };
    LedgerView {
        heads,
        rows: lines.iter().map(row).collect(),
        remainder: remainder.iter().map(|amount| signed(*amount)).collect(),
        difference: difference.iter().map(|amount| signed(*amount)).collect(),
        totals,
        words: movement.map(|movement| movement.words(reader)),
        moved: movement.map(|m| [m.gap(), m.shipper, m.partner, m.open].map(show::money)),
    }
}

/// The days replayed and how many shipments, in a sentence.
pub(super) fn replay_words(found: &Concessions) -> String {
    let (from, to) = found.days;
    let last = to.pred_opt().unwrap_or(to);
    let (from, last) = (show::day(from), show::day(last));
    match found.shipments {
        Some(shipments) => {
            let shipments = words::many(shipments, "shipment");
            format!("{shipments} due from {from} to {last}: charges, less service credits, plus bonuses.")
        }
        None => format!("What fell due from {from} to {last}: bonuses less service credits."),
    }
}

#[derive(Template)]
#[template(path = "contract/concessions.html")]
struct ConcessionsPage {
    page: Page,
    contract_id: i64,
    number: String,
    version_no: i32,
    version_id: i64,
    currency: String,
    partner: String,
    replayed: String,
    without: Vec<String>,
    ledger: LedgerView,
}

/// `GET /contract-versions/{id}/concessions`
pub(in crate::web) async fn ledger(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |unit| concessions(unit.app, unit.db, unit.viewer, id)).await?;
    page::html(&ConcessionsPage {
        page: me.page(format!("Concessions on version {} of {}", found.talk.version_no, found.talk.number)),
        contract_id: found.talk.contract_id,
        number: found.talk.number.clone(),
        version_no: found.talk.version_no,
        version_id: found.talk.version_id,
        currency: found.talk.currency.clone(),
        partner: found.talk.partner_name.clone(),
        replayed: replay_words(&found),
        without: found.without.clone(),
        ledger: ledger_view(&found, Side::Shipper),
    })
}
