//! `lanemark contract attention`, `lanemark contract rounds NUMBER [--version V] [--concessions]`

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use lanemark::app::attention::attention;
use lanemark::app::contract::negotiate_view::{Concessions, Negotiation, concessions, negotiation_show};
use lanemark::db::contract::{contract_by_number, version_list};
use lanemark::domain::attention::{Item, Kind, Urgency};
use lanemark::domain::money::Micros;
use lanemark::domain::negotiation::{Side, Talk};
use lanemark::domain::terms::redline_summary;
use lanemark::domain::viewer::Viewer;

use super::output::{print, print_table};
use super::{Format, Session};

/// What can be asked about contracts.
#[derive(Subcommand)]
pub enum ContractCommand {
    /// What needs attention on the contract desk, the most urgent first.
    Attention,
    /// The rounds of a negotiation: who proposed what, until when, and what became of it.
    Rounds(RoundsArguments),
}

/// Arguments of `contract rounds`.
#[derive(Args)]
pub struct RoundsArguments {
    /// Number of the contract.
    number: String,
    /// Number of the version; the newest that was negotiated without it.
    #[arg(long)]
    version: Option<i32>,
    /// The ledger of concessions on the last twelve full months of shipments instead.
    #[arg(long)]
    concessions: bool,
}

/// One round as it is printed.
#[derive(Serialize)]
struct RoundLine {
    version: i32,
    round: i32,
    side: Side,
    sent_by: String,
    sent_on: String,
    reply_by: Option<String>,
    changes: String,
    answer: String,
    message: String,
    terms_sha256: String,
}

/// One term of the ledger in one round.
#[derive(Serialize)]
struct LedgerLine {
    part: String,
    of: String,
    term: String,
    round: i32,
    side: Side,
    value: String,
    /// Against the first offer, as a decimal string; none where no replay prices it.
    worth: Option<String>,
}

/// One thing that needs attention as it is printed.
#[derive(Serialize)]
struct AttentionLine {
    urgency: Urgency,
    kind: Kind,
    contract: String,
    partner: String,
    what: String,
    why: String,
    day: Option<String>,
    days_left: Option<i64>,
    /// A decimal string.
    stake: Option<String>,
    stake_currency: Option<String>,
    stake_of: Option<&'static str>,
}

/// Runs one command.
pub fn run(session: &Session, command: &ContractCommand) -> anyhow::Result<ExitCode> {
    match command {
        ContractCommand::Attention => desk(session),
        ContractCommand::Rounds(arguments) => talk_of(session, arguments),
    }
}

fn desk(session: &Session) -> anyhow::Result<ExitCode> {
    let (items, _) = attention(&session.app, &mut *session.app.pool.get()?, &Viewer::system())?;
    let line = |item: Item| AttentionLine {
        urgency: item.urgency(),
        kind: item.kind,
        contract: item.subject,
        partner: item.partner,
        what: item.what,
        why: item.why,
        day: item.day.map(|day| day.to_string()),
        days_left: item.days_left,
        stake: item.stake.map(|stake| stake.amount.to_string()),
        stake_currency: item.stake.map(|stake| stake.currency.code().to_owned()),
        stake_of: item.stake.map(|stake| stake.of.words()),
    };
    let lines: Vec<AttentionLine> = items.into_iter().map(line).collect();
    let header = ["urgency", "kind", "contract", "partner", "day", "days left", "what", "why", "stake"];
    print(session.format, &lines, &header, |line| {
        let stake = [line.stake.as_deref(), line.stake_currency.as_deref()];
        vec![
            line.urgency.to_string(),
            line.kind.to_string(),
            line.contract.clone(),
            line.partner.clone(),
            line.day.clone().unwrap_or_default(),
            line.days_left.map(|left| left.to_string()).unwrap_or_default(),
            line.what.clone(),
            line.why.clone(),
            stake.into_iter().flatten().collect::<Vec<_>>().join(" "),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn talk_of(session: &Session, arguments: &RoundsArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let viewer = Viewer::system();
    let Some(contract) = contract_by_number(&mut db, &viewer, &arguments.number)? else {
        bail!("there is no contract {}", arguments.number);
    };
    for version in version_list(&mut db, &viewer, contract.id)? {
        if arguments.version.is_some_and(|wanted| wanted != version.version) {
            continue;
        }
        let talk = negotiation_show(&session.app, &mut db, &viewer, version.id)?.talk;
        if talk.rounds.is_empty() {
            continue;
        }
        if arguments.concessions {
            ledger(session, &concessions(&session.app, &mut db, &viewer, version.id)?)?;
        } else {
            rounds(session, &talk)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    bail!("contract {} has no such version that was sent to its partner", arguments.number);
}

fn rounds(session: &Session, talk: &Negotiation) -> anyhow::Result<()> {
    let lines: Vec<RoundLine> = talk
        .rounds
        .iter()
        .rev()
        .map(|round| RoundLine {
            version: talk.version_no,
            round: round.round,
            side: round.side,
            sent_by: round.actor.clone(),
            sent_on: round.on.to_string(),
            reply_by: round.reply_by.map(|day| day.to_string()),
            changes: round
                .against
                .as_ref()
                .map_or_else(|| "first terms".to_owned(), |_| redline_summary(&round.redline)),
            answer: answer(talk, round.round, round.answers.last().map(|answer| answer.kind.code())),
            message: round.message.clone(),
            terms_sha256: round.sha256.clone(),
        })
        .collect();
    let header =
        ["version", "round", "side", "sent by", "sent on", "reply by", "changes", "answer", "message"];
    print(session.format, &lines, &header, |line| {
        vec![
            line.version.to_string(),
            line.round.to_string(),
            line.side.to_string(),
            line.sent_by.clone(),
            line.sent_on.clone(),
            line.reply_by.clone().unwrap_or_default(),
            line.changes.clone(),
            line.answer.clone(),
            line.message.clone(),
        ]
    })
}

/// The code of what became of a round.
fn answer(talk: &Negotiation, round: i32, last: Option<&'static str>) -> String {
    let newest = talk.talk.round() == round;
    match (&talk.talk, last) {
        (_, Some(code)) => code.to_owned(),
        (Talk::Open(_), None) if newest => "OPEN".to_owned(),
        _ => "COUNTER".to_owned(),
    }
}

fn ledger(session: &Session, found: &Concessions) -> anyhow::Result<()> {
    let amount = |amount: Micros| amount.to_string();
    let mut lines = Vec::new();
    for line in &found.ledger.lines {
        for (position, (round, side, _)) in line.positions.iter().zip(&found.ledger.rounds) {
            lines.push(LedgerLine {
                part: line.term.part.code().to_owned(),
                of: line.term.of.clone(),
                term: line.term.name.clone(),
                round: *round,
                side: *side,
                value: position.text.clone(),
                worth: position.worth.map(amount),
            });
        }
    }
    for (total, name) in
        [(&found.ledger.remainder, "terms together"), (&found.ledger.difference, "difference")]
    {
        for (worth, (round, side, _)) in total.iter().zip(&found.ledger.rounds) {
            lines.push(LedgerLine {
                part: "ALL".to_owned(),
                of: name.to_owned(),
                term: String::new(),
                round: *round,
                side: *side,
                value: String::new(),
                worth: worth.map(amount),
            });
        }
    }
    let cells = |line: &LedgerLine| {
        let worth = line.worth.clone().unwrap_or_default();
        vec![
            line.part.clone(),
            line.of.clone(),
            line.term.clone(),
            line.round.to_string(),
            line.side.to_string(),
            line.value.clone(),
            worth,
        ]
    };
    let header = ["part", "of", "term", "round", "side", "value", "worth"];
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&lines)?),
        Format::Table => {
            let shipments = found.shipments.map_or_else(String::new, |n| format!("{n} shipments "));
            println!(
                "contract {}, version {}: {shipments}from {} to before {}, amounts in {}",
                found.talk.number, found.talk.version_no, found.days.0, found.days.1, found.talk.currency
            );
            for words in &found.without {
                println!("{words}");
            }
            if let Some(movement) = &found.ledger.movement {
                println!("{}", movement.words(Side::Shipper));
            }
            print_table(&header, &lines.iter().map(cells).collect::<Vec<_>>());
        }
    }
    Ok(())
}
