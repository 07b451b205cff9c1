//! `lanemark contract show NUMBER [--on DATE] [--known-on DATE]`, `lanemark contract attention`, `lanemark contract attach NUMBER FILE`, `lanemark contract attachments NUMBER`,
//! `lanemark contract rounds NUMBER [--version V] [--concessions]`

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use lanemark::app::attachment::{NewFile, attach, attachment_file, attachments};
use lanemark::app::attention::attention;
use lanemark::app::contract::known::{KnownAnswer, contract_known};
use lanemark::app::contract::negotiate_view::{Concessions, Negotiation, concessions, negotiation_show};
use lanemark::app::edit::EditError;
use lanemark::db::attachment::Attached;
use lanemark::db::contract::{contract_by_number, version_list};
use lanemark::domain::attachment::FILE_BYTES_MAX;
use lanemark::domain::attention::{Item, Kind, Urgency};
use lanemark::domain::money::Micros;
use lanemark::domain::negotiation::{Side, Talk};
use lanemark::domain::terms::redline_summary;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

use super::output::{print, print_table, problems};
use super::{Format, Session};

/// What can be asked about contracts.
#[derive(Subcommand)]
pub enum ContractCommand {
    /// What of a contract was in force on one day, as it was known on another.
    Show(ShowArguments),
    /// What needs attention on the contract desk, the most urgent first.
    Attention,
    /// Attach a file to a contract, or to one of its versions.
    Attach(AttachArguments),
    /// The files of a contract, with their checksums; or take them away.
    Attachments(AttachmentsArguments),
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

/// Arguments of `contract show`.
#[derive(Args)]
pub struct ShowArguments {
    /// Number of the contract.
    number: String,
    /// The day on which it was in force; today without it.
    #[arg(long)]
    on: Option<NaiveDate>,
    /// The day whose knowledge counts, to its end; today without it.
    #[arg(long)]
    known_on: Option<NaiveDate>,
}

/// What was in force as it is printed: one field a line, or nested as JSON.
#[derive(Serialize)]
struct KnownLines {
    contract: String,
    on: String,
    known_on: String,
    /// None when nothing was in force.
    version: Option<i32>,
    /// As is known now; none when nothing is.
    version_known_now: Option<i32>,
    status: Option<&'static str>,
    title: Option<String>,
    term_start: Option<String>,
    term_end: Option<String>,
    renewal: Option<&'static str>,
    renewal_months: Option<u32>,
    notice_days: Option<u32>,
    /// Whether the contract's own dates were taken over when records began.
    taken_over: bool,
    valid_from: Option<String>,
    /// First day no longer, as it was known; none when it was open.
    valid_to: Option<String>,
    rests: Vec<(String, Option<String>)>,
    terms_sha256: Option<String>,
    /// Whether the text kept today has that fingerprint.
    text_is_sealed: Option<bool>,
    /// Everything the version says, as it is sealed.
    text: Option<serde_json::Value>,
    fuel: Vec<PriceLine>,
    exchange_rates: Vec<PriceLine>,
    versions: Vec<VersionLine>,
    /// What the text says otherwise by what is known now.
    changed_since: Vec<String>,
    /// What else is known otherwise by now: its last day, its rests, prices from outside.
    known_otherwise: Vec<&'static str>,
}

/// A price from outside as it was known; without a value where none was.
#[derive(Serialize)]
struct PriceLine {
    name: String,
    /// A decimal string.
    value: Option<String>,
    from: Option<String>,
}

/// A version as it was known.
#[derive(Serialize)]
struct VersionLine {
    version: i32,
    status: &'static str,
    valid_from: String,
    valid_to: Option<String>,
}

/// Arguments of `contract attach`.
#[derive(Args)]
pub struct AttachArguments {
    /// Number of the contract.
    number: String,
    /// The file.
    file: PathBuf,
    /// Number of the version it belongs to; the contract as a whole without it.
    #[arg(long)]
    version: Option<i32>,
    /// What it is, in words.
    #[arg(long, default_value = "")]
    note: String,
    /// Show it to the partner at once.
    #[arg(long)]
    shared: bool,
}

/// Arguments of `contract attachments`.
#[derive(Args)]
pub struct AttachmentsArguments {
    /// Number of the contract.
    number: String,
    /// Write the file with this id.
    #[arg(long, requires = "to")]
    id: Option<i64>,
    /// Where to write it; a new file.
    #[arg(long, requires = "id")]
    to: Option<PathBuf>,
}

/// One file as it is printed.
#[derive(Serialize)]
struct FileLine {
    id: i64,
    version: Option<i32>,
    file: String,
    kind: String,
    bytes: i64,
    sha256: String,
    note: String,
    added_at: String,
    added_by: String,
    shared: bool,
    withdrawn: bool,
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
    /// Why it comes to no amount on any volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpriced: Option<&'static str>,
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
        ContractCommand::Show(arguments) => known(session, arguments),
        ContractCommand::Attach(arguments) => attach_file(session, arguments),
        ContractCommand::Attachments(arguments) => files(session, arguments),
        ContractCommand::Rounds(arguments) => talk_of(session, arguments),
    }
}

fn contract_id(session: &Session, number: &str) -> anyhow::Result<i64> {
    let found = contract_by_number(&mut *session.app.pool.get()?, &Viewer::system(), number)?;
    found.map(|contract| contract.id).with_context(|| format!("there is no contract {number}"))
}

fn known(session: &Session, arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let id = contract_id(session, &arguments.number)?;
    let db = &mut *session.app.pool.get()?;
    let today = session.app.today(db)?;
    let (on, known_on) = (arguments.on.unwrap_or(today), arguments.known_on.unwrap_or(today));
    let answer = contract_known(&session.app, db, &Viewer::system(), id, on, known_on)?;
    let lines = known_lines(&answer)?;
    let text = serde_json::to_string_pretty(&lines)?;
    if session.format == Format::Json {
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let serde_json::Value::Object(fields) = serde_json::to_value(&lines)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut rows = Vec::new();
    for (name, value) in fields {
        spread(&name.replace('_', " "), &value, &mut rows);
    }
    print_table(&["field", "value"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// One row for each single value, named by its way.
fn spread(name: &str, value: &serde_json::Value, rows: &mut Vec<Vec<String>>) {
    match value {
        serde_json::Value::Null => rows.push(vec![name.to_owned(), "-".to_owned()]),
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| spread(&format!("{name} / {key}"), value, rows));
        }
        serde_json::Value::Array(values) => {
            let numbered = values.iter().zip(1..);
            numbered.for_each(|(value, no)| spread(&format!("{name} / {no}"), value, rows));
        }
        serde_json::Value::String(text) => rows.push(vec![name.to_owned(), text.clone()]),
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}

fn known_lines(answer: &KnownAnswer) -> anyhow::Result<KnownLines> {
    let day = |day: NaiveDate| day.to_string();
    let (held, term) = (answer.held.as_ref(), answer.term.as_ref());
    let terms = held.map(|held| &held.terms);
    let fuel = held.into_iter().flat_map(|held| &held.fuel).map(|fuel| PriceLine {
        name: format!("{}, charge {}", fuel.index, fuel.code),
        value: fuel.quote.map(|quote| quote.price.to_string()),
        from: fuel.quote.map(|quote| day(quote.effective_from)),
    });
    let fx = held.into_iter().flat_map(|held| &held.fx).map(|(pair, rate)| PriceLine {
        name: pair.clone(),
        value: rate.as_ref().map(|rate| rate.rate.to_string()),
        from: rate.as_ref().map(|rate| day(rate.valid_on)),
    });
    let text = terms.map(|terms| serde_json::from_str(&terms.canonical_json())).transpose()?;
    Ok(KnownLines {
        contract: answer.contract.number.clone(),
        on: day(answer.on),
        known_on: day(answer.known_on),
        version: terms.map(|terms| terms.version_no),
        version_known_now: answer.now,
        status: terms.map(|terms| terms.status.code()),
        title: terms.map(|terms| terms.title.clone()),
        term_start: term.map(|term| day(term.term_start)),
        term_end: term.and_then(|term| term.term_end).map(day),
        renewal: term.map(|term| term.renewal.code()),
        renewal_months: term.and_then(|term| term.renewal_months),
        notice_days: term.map(|term| term.notice_days),
        taken_over: answer.taken_over,
        valid_from: terms.map(|terms| day(terms.valid_from)),
        valid_to: terms.and_then(|terms| terms.valid_to).map(day),
        rests: terms
            .into_iter()
            .flat_map(|terms| &terms.rests)
            .map(|(from, to)| (day(*from), to.map(day)))
            .collect(),
        terms_sha256: held.map(|held| held.seal.clone()),
        text_is_sealed: held.map(|held| held.same),
        text,
        fuel: fuel.collect(),
        exchange_rates: fx.collect(),
        versions: answer
            .versions
            .iter()
            .map(|one| VersionLine {
                version: one.dates.version_no,
                status: one.dates.status.code(),
                valid_from: day(one.dates.valid_from),
                valid_to: one.dates.valid_to.map(day),
            })
            .collect(),
        changed_since: answer
            .changes
            .iter()
            .map(|change| {
                let [before, after] =
                    [&change.before, &change.after].map(|text| text.as_deref().unwrap_or("nothing"));
                format!("{}: {before} -> {after}", change.what)
            })
            .collect(),
        known_otherwise: answer.otherwise.clone(),
    })
}

fn attach_file(session: &Session, arguments: &AttachArguments) -> anyhow::Result<ExitCode> {
    let AttachArguments { number, file, version, note, shared } = arguments;
    let contract_id = contract_id(session, number)?;
    // One byte more than the limit is enough to tell that it is too large.
    let mut content = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let opened = std::fs::File::open(file).with_context(|| format!("opening {}", file.display()))?;
    opened.take(limit).read_to_end(&mut content).with_context(|| format!("reading {}", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let new = NewFile { version_no: *version, name: &name, note, shared: *shared, content: &content };
    let db = &mut *session.app.pool.get()?;
    match attach(&session.app, db, &Viewer::operator(), contract_id, new) {
        Ok(id) => println!("{name} is attached to {number} as {id}"),
        Err(EditError::Invalid(errors)) => {
            bail!("{} was not attached: {}", file.display(), problems(&errors));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn files(session: &Session, arguments: &AttachmentsArguments) -> anyhow::Result<ExitCode> {
    let contract_id = contract_id(session, &arguments.number)?;
    let db = &mut *session.app.pool.get()?;
    let (_, found) = attachments(db, &Viewer::system(), contract_id)?;
    if let (Some(id), Some(to)) = (arguments.id, &arguments.to) {
        if !found.iter().any(|one| one.row.id == id) {
            bail!(
                "contract {} has no file {id}; `lanemark contract attachments` lists them",
                arguments.number
            );
        }
        let (name, _, content) = attachment_file(db, &Viewer::system(), id)?;
        let mut file = std::fs::File::create_new(to).with_context(|| format!("making {}", to.display()))?;
        file.write_all(&content).with_context(|| format!("writing {}", to.display()))?;
        println!("{name} is in {}", to.display());
        return Ok(ExitCode::SUCCESS);
    }
    let line = |one: &Attached| FileLine {
        id: one.row.id,
        version: one.row.version,
        file: one.row.file_name.clone(),
        kind: one.row.kind.clone(),
        bytes: one.row.byte_count,
        sha256: one.row.sha256.clone(),
        note: one.row.note.clone(),
        added_at: one.row.added_at.0.to_rfc3339(),
        added_by: one.row.added_by.clone(),
        shared: one.standing.partner_sees(),
        withdrawn: one.standing.withdrawn,
    };
    let lines: Vec<FileLine> = found.iter().map(line).collect();
    let header = ["id", "version", "file", "kind", "bytes", "sha256", "added", "by", "state", "note"];
    print(session.format, &lines, &header, |line| {
        let state = match (line.withdrawn, line.shared) {
            (true, _) => "withdrawn",
            (_, true) => "shown to the partner",
            _ => "ours alone",
        };
        vec![
            line.id.to_string(),
            line.version.map(|no| no.to_string()).unwrap_or_default(),
            line.file.clone(),
            line.kind.clone(),
            line.bytes.to_string(),
            line.sha256.clone(),
            line.added_at.clone(),
            line.added_by.clone(),
            state.to_owned(),
            line.note.clone(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
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
                unpriced: line.term.unpriced,
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
                unpriced: None,
            });
        }
    }
    let cells = |line: &LedgerLine| {
        let worth = line.worth.clone().or(line.unpriced.map(str::to_owned)).unwrap_or_default();
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
            let shipments =
                found.shipments.map_or_else(String::new, |n| format!("{} ", words::many(n, "shipment")));
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
