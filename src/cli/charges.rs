//! `lanemark charges unmapped`, `lanemark charges mapped`, `lanemark charges map PARTNER CODE --to …` and `lanemark charges
//! unmap PARTNER CODE`

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use lanemark::app::charge_code::{Queue, cut_words, decide, mapped, target, unmapped, words};
use lanemark::app::edit::EditError;
use lanemark::db::Db;
use lanemark::db::partner::{partner_by_alias_unscoped, partner_by_code_unscoped};
use lanemark::domain::charge_code::{Decided, normal_code};
use lanemark::domain::partner::normal_name;
use lanemark::domain::viewer::Viewer;

use super::output::{print, problems};
use super::{Format, Session};

/// What can be done about the codes on carriers' invoices.
#[derive(Subcommand)]
pub enum ChargesCommand {
    /// Codes that nobody has mapped yet, the most money first, with what they may mean.
    Unmapped(OfPartner),
    /// Codes with a meaning that was decided, by whom, when and why.
    Mapped(OfPartner),
    /// Decide what a code of a partner means, for every charge stored and to come; the audit log notes it.
    Map(MapArguments),
    /// Take a decision back; the code waits again.
    Unmap(UnmapArguments),
}

/// Arguments of the lists.
#[derive(Args)]
pub struct OfPartner {
    /// Code or name of one partner; all of them without it.
    #[arg(long)]
    partner: Option<String>,
}

/// Arguments of `charges map`.
#[derive(Args)]
pub struct MapArguments {
    /// Code or name of the partner.
    partner: String,
    /// The code on its invoices, in any spelling.
    code: String,
    /// What it means: LINEHAUL, FUEL, TAX, NOT_CHARGEABLE, OTHER, or an accessorial of the catalogue or of the
    /// partner's contract, such as LFT.
    #[arg(long)]
    to: String,
    /// Why, in one sentence.
    #[arg(long)]
    because: String,
}

/// Arguments of `charges unmap`.
#[derive(Args)]
pub struct UnmapArguments {
    /// Code or name of the partner.
    partner: String,
    /// The code on its invoices, in any spelling.
    code: String,
    /// Why, in one sentence.
    #[arg(long)]
    because: String,
}

/// One code that waits.
#[derive(Serialize)]
struct Waiting {
    partner: String,
    code: String,
    spellings: Vec<String>,
    charges: i64,
    /// Reported events.
    events: i64,
    amounts: BTreeMap<String, String>,
    first_day: Option<String>,
    last_day: Option<String>,
    example_shipment: Option<String>,
    suggestions: Vec<Suggested>,
}

/// One proposal.
#[derive(Serialize)]
struct Suggested {
    to: String,
    label: String,
    reason: String,
}

/// One decision that counts.
#[derive(Serialize)]
struct MappedLine {
    partner: String,
    code: String,
    kind: Option<String>,
    accessorial: Option<String>,
    meaning: String,
    decided_by: String,
    decided_at: String,
    because: String,
}

/// Runs one command.
pub fn run(session: &Session, command: &ChargesCommand) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    match command {
        ChargesCommand::Unmapped(of) => list_unmapped(session, &mut db, of)?,
        ChargesCommand::Mapped(of) => list_mapped(session, &mut db, of)?,
        ChargesCommand::Map(map) => {
            let (kind, code) = target(&map.to);
            let decided = Decided { kind: Some(kind), code, note: map.because.clone() };
            change(session, &mut db, (&map.partner, &map.code), &decided, "is mapped")?;
        }
        ChargesCommand::Unmap(back) => {
            let decided = Decided { kind: None, code: String::new(), note: back.because.clone() };
            change(session, &mut db, (&back.partner, &back.code), &decided, "waits again")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn partner(db: &mut Db, text: &str) -> anyhow::Result<i64> {
    let found = match partner_by_code_unscoped(db, text)? {
        Some(id) => Some(id),
        None => partner_by_alias_unscoped(db, &normal_name(text))?,
    };
    found.with_context(|| format!("there is no partner {text}; give its code, or a name it goes by"))
}

fn change(
    session: &Session,
    db: &mut Db,
    (of, code): (&str, &str),
    decided: &Decided,
    done: &str,
) -> anyhow::Result<()> {
    let partner_id = partner(db, of)?;
    let code = normal_code(code);
    let changed = decide(&session.app, db, &Viewer::operator(), (partner_id, &code), None, decided);
    let changed = changed.map_err(|error| match error {
        EditError::Invalid(errors) => anyhow::anyhow!(problems(&errors)),
        other => other.into(),
    })?;
    println!("{code} of {of} {}", if changed { done } else { "means that already; nothing was changed" });
    Ok(())
}

fn list_unmapped(session: &Session, db: &mut Db, of: &OfPartner) -> anyhow::Result<()> {
    let viewer = Viewer::system();
    let only = of.partner.as_deref().map(|text| partner(db, text)).transpose()?;
    let queue: Queue = unmapped(db, &viewer, only, None)?;
    let none = BTreeMap::new();
    let lines: Vec<Waiting> = queue
        .lines
        .into_iter()
        .map(|line| Waiting {
            partner: line.partner.code,
            code: line.alias,
            charges: line.billed.lines,
            events: line.billed.events,
            amounts: line.billed.amounts.into_iter().map(|(of, amount)| (of, amount.to_string())).collect(),
            first_day: line.billed.first.map(|day| day.to_string()),
            last_day: line.billed.last.map(|day| day.to_string()),
            spellings: line.billed.spellings,
            example_shipment: line.example.map(|(_, reference)| reference),
            suggestions: line
                .suggestions
                .into_iter()
                .map(|one| Suggested {
                    to: one.meaning.code().unwrap_or_else(|| one.meaning.kind().code()).to_owned(),
                    label: words(&one.meaning, &none),
                    reason: one.reason,
                })
                .collect(),
        })
        .collect();
    let header = ["partner", "code", "charges", "events", "amount", "first", "last", "example", "may mean"];
    print(session.format, &lines, &header, |line| {
        let amounts: Vec<String> =
            line.amounts.iter().map(|(currency, amount)| format!("{amount} {currency}")).collect();
        vec![
            line.partner.clone(),
            line.code.clone(),
            line.charges.to_string(),
            line.events.to_string(),
            amounts.join(", "),
            line.first_day.clone().unwrap_or_default(),
            line.last_day.clone().unwrap_or_default(),
            line.example_shipment.clone().unwrap_or_default(),
            line.suggestions.first().map_or_else(String::new, |one| format!("{}: {}", one.to, one.reason)),
        ]
    })?;
    if queue.cut && session.format == Format::Table {
        println!("{}", cut_words());
    }
    Ok(())
}

fn list_mapped(session: &Session, db: &mut Db, of: &OfPartner) -> anyhow::Result<()> {
    let only = of.partner.as_deref().map(|text| partner(db, text)).transpose()?;
    let lines: Vec<MappedLine> = mapped(db, &Viewer::system(), only)?
        .into_iter()
        .map(|line| MappedLine {
            partner: line.partner.code,
            code: line.row.alias,
            kind: line.row.kind,
            accessorial: line.row.code,
            meaning: line.words,
            decided_by: line.row.actor,
            decided_at: line.row.at.0.to_rfc3339(),
            because: line.row.note,
        })
        .collect();
    let header = ["partner", "code", "means", "decided by", "at", "because"];
    print(session.format, &lines, &header, |line| {
        vec![
            line.partner.clone(),
            line.code.clone(),
            line.meaning.clone(),
            line.decided_by.clone(),
            line.decided_at.clone(),
            line.because.clone(),
        ]
    })
}
