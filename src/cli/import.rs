//! `lanemark import KIND FILE --mapping NAME|FILE`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use lanemark::app::import::rates::terms::terms_import;
use lanemark::app::import::rates::{LineReport, RatesReport, RatesRequest, rates_import};
use lanemark::app::import::{ImportRequest, Progress, default_rejects_path, import};
use lanemark::db::setting::reporting_zone;
use lanemark::domain::lifecycle::VersionOptions;
use lanemark::domain::money::Bps;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;
use lanemark::domain::words::many;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use super::{Format, Session, shown};

/// Longest login name kept with an import.
const OPERATOR_CHARS_MAX: usize = 100;

/// Arguments of `import`.
#[derive(Args)]
pub struct ImportArguments {
    /// partners, lanes, shipments, events, tenders, capacity, charges, accessorials, claims, cases, safety, benchmarks,
    /// rates, fuel-table, fuel or fx; accessorials with --contract are the accessorial rates of the contract.
    #[arg(value_parser = kind)]
    kind: ImportKind,
    /// The file: csv, csv.gz, tsv or xlsx.
    file: PathBuf,
    /// A shipped mapping or a mapping file; without one, columns named as our fields are taken.
    #[arg(long)]
    mapping: Option<String>,
    /// Where rejected rows go; made only when there are any.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// Do everything, then take it back.
    #[arg(long)]
    dry_run: bool,
    /// Leave the sums to the next refresh, which several files can share.
    #[arg(long)]
    no_refresh: bool,
    /// For rates, accessorials and fuel-table: number of the contract whose draft takes them; a draft is started if
    /// there is none.
    #[arg(long)]
    contract: Option<String>,
    /// For rates: code of the partner, to make the contract if it does not exist.
    #[arg(long, requires = "contract")]
    partner: Option<String>,
    /// For rates: the draft version meant, instead of the open one.
    #[arg(long, requires = "contract")]
    version: Option<i32>,
    /// For rates: what spend and service are compared with, such as `2024 rates`.
    #[arg(long, requires = "contract")]
    baseline: Option<String>,
    /// For rates: days in which an invoice can be disputed.
    #[arg(long, requires = "contract")]
    dispute_days: Option<u32>,
    /// For rates: most a price may rise from one version to the next, in per cent, such as 4.5.
    #[arg(long, requires = "contract", value_parser = percent)]
    price_cap: Option<Bps>,
}

/// A share written in per cent, two decimals at most.
fn percent(text: &str) -> Result<Bps, String> {
    let wrong = || format!("`{text}` is no percentage; write it such as 4.5, with two decimals at most");
    let value: Decimal = text.trim_end_matches('%').trim_end().parse().map_err(|_| wrong())?;
    let points = value.checked_mul(Decimal::ONE_HUNDRED).filter(|points| points.fract().is_zero());
    points.and_then(|points| points.to_i64()).map(Bps).ok_or_else(wrong)
}

fn kind(text: &str) -> Result<ImportKind, String> {
    ImportKind::named(text).filter(|kind| *kind != ImportKind::Requests).ok_or_else(|| {
        let kinds = ImportKind::ALL.into_iter().filter(|kind| *kind != ImportKind::Requests);
        let kinds: Vec<&str> = kinds.map(ImportKind::name).collect();
        format!("there is no kind `{text}`; the kinds are {}", kinds.join(", "))
    })
}

/// Exit code when some rows were rejected: the good ones are in, the bad ones are in the rejects file.
/// 1 is an error and 2 a command line that cannot be understood.
const SOME_REJECTED: u8 = 3;

/// Runs the import and prints what it did.
pub fn run(session: &Session, arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    let kind = match (arguments.kind, &arguments.contract) {
        (ImportKind::Accessorials, Some(_)) => ImportKind::AccessorialRates,
        (kind, _) => kind,
    };
    let mapping = match &arguments.mapping {
        Some(name) => Mapping::load(name)?,
        None => {
            let zone = reporting_zone(&mut *session.app.pool.get()?)?;
            Mapping::identity(kind).with_default_zone(zone)
        }
    };
    mapping.expect_kind(kind)?;
    let rejects =
        arguments.rejects.clone().unwrap_or_else(|| default_rejects_path(&arguments.file, session.app.now()));
    match (kind, &arguments.contract) {
        (ImportKind::Rates, Some(contract)) => return rates(session, arguments, &mapping, rejects, contract),
        (ImportKind::AccessorialRates | ImportKind::FuelTable, Some(contract)) => {
            return terms(session, arguments, &mapping, rejects, contract);
        }
        (ImportKind::Rates | ImportKind::AccessorialRates | ImportKind::FuelTable, None) => {
            bail!("{kind} belong to a contract; name it with --contract NUMBER")
        }
        (kind, Some(_)) => bail!("--contract is for rates, and these are {kind}; leave it out"),
        (_, None) => {}
    }
    let request = ImportRequest {
        path: &arguments.file,
        mapping: &mapping,
        by: &operator(),
        rejects,
        dry_run: arguments.dry_run,
        refresh: !arguments.no_refresh,
    };
    let bar = progress_bar();
    let report = import(&session.app, &request, &|progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", HumanCount(progress.rows)));
    })?;
    bar.finish_and_clear();
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => {
            let kept = if report.dry_run { " (dry run: nothing was kept)" } else { "" };
            println!(
                "{}: {} read, {} new, {} changed, {} already there, {} rejected{kept}",
                shown(&arguments.file),
                words::many(report.rows_read, "row"),
                words::figure(report.rows_new),
                words::figure(report.rows_changed),
                words::figure(report.rows_same),
                words::figure(report.rows_rejected),
            );
            if !report.columns_ignored.is_empty() {
                println!("columns that fill no field: {}", report.columns_ignored.join(", "));
            }
            if let Some(file) = &report.rejects_file {
                println!("rejected rows, each with its reason: {}", shown(file));
            }
        }
    }
    Ok(if report.rows_rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

/// What to load into a contract.
fn request_of<'a>(
    arguments: &'a ImportArguments,
    mapping: &'a Mapping,
    by: &'a str,
    rejects: PathBuf,
    contract: &'a str,
) -> RatesRequest<'a> {
    RatesRequest {
        path: &arguments.file,
        mapping,
        by,
        rejects,
        contract,
        partner: arguments.partner.as_deref(),
        version: arguments.version,
        options: VersionOptions {
            baseline: arguments.baseline.clone(),
            dispute_days: arguments.dispute_days,
            price_cap: arguments.price_cap,
        },
        dry_run: arguments.dry_run,
    }
}

/// Loads accessorial rates or fuel tables and prints what they change.
fn terms(
    session: &Session,
    arguments: &ImportArguments,
    mapping: &Mapping,
    rejects: PathBuf,
    contract: &str,
) -> anyhow::Result<ExitCode> {
    if arguments.partner.is_some()
        || arguments.baseline.is_some()
        || arguments.dispute_days.is_some()
        || arguments.price_cap.is_some()
    {
        bail!("--partner, --baseline, --dispute-days and --price-cap are for rates; leave them out");
    }
    let by = operator();
    let request = request_of(arguments, mapping, &by, rejects, contract);
    let report = terms_import(&session.app, &Viewer::operator(), &request, &|_| {})?;
    if session.format == Format::Json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{}: {} of {} read, {} added, {} changed, {} the same, in contract {}, version {} (draft{}){}",
        shown(&arguments.file),
        words::many(report.rows_read, "row"),
        mapping.kind.words(),
        report.added.len(),
        report.changed.len(),
        report.same,
        report.contract,
        report.version,
        if report.version_created { ", new draft" } else { "" },
        if report.dry_run { " (dry run: nothing was kept)" } else { "" },
    );
    for (word, all) in [("added", &report.added), ("changed", &report.changed)] {
        all.iter().take(LINES_SHOWN).for_each(|said| println!("  {word}: {said}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads a rate sheet and prints what it changes.
fn rates(
    session: &Session,
    arguments: &ImportArguments,
    mapping: &Mapping,
    rejects: PathBuf,
    contract: &str,
) -> anyhow::Result<ExitCode> {
    let by = operator();
    let request = request_of(arguments, mapping, &by, rejects, contract);
    let bar = progress_bar();
    let report = rates_import(&session.app, &Viewer::operator(), &request, &|progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", HumanCount(progress.rows)));
    });
    bar.finish_and_clear();
    let report = report?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => rates_print(arguments, &report),
    }
    Ok(ExitCode::SUCCESS)
}

fn rates_print(arguments: &ImportArguments, report: &RatesReport) {
    let kept = if report.dry_run { " (dry run: nothing was kept)" } else { "" };
    let new = match (report.contract_created, report.version_created) {
        (true, _) => ", new contract",
        (false, true) => ", new draft",
        (false, false) => "",
    };
    println!(
        "{}: {} read, {} in {} and {}, into contract {}, version {} (draft{new}){kept}",
        shown(&arguments.file),
        words::many(report.rows_read, "row"),
        words::many(report.cells, "rate"),
        words::many(report.lines.len(), "line"),
        words::many(report.lanes, "lane"),
        report.contract,
        report.version,
    );
    over_cap_print(report);
    for note in report.notes.iter().take(LINES_SHOWN) {
        println!("note: {note}");
    }
    let Some(compared) = report.compared_with else { return };
    println!("against version {compared}:");
    let said = |line: &&LineReport| line.new || line.added + line.removed + line.changed > 0;
    for line in report.lines.iter().filter(said).take(LINES_SHOWN) {
        let from = line.valid_from.map(|day| format!(" from {day}")).unwrap_or_default();
        let new = if line.new { "new, " } else { "" };
        println!(
            "  {}{from}: {new}{} added, {} removed, {} changed, {} the same",
            line.code,
            words::figure(line.added),
            words::figure(line.removed),
            words::figure(line.changed),
            words::figure(line.same)
        );
        for change in &line.largest {
            println!("    {change}");
        }
    }
    let changed = report.lines.iter().filter(said).count();
    match changed {
        0 => println!("  nothing changes"),
        more if more > LINES_SHOWN => {
            println!("  and {}; --format json has them all", words::many(more - LINES_SHOWN, "more line"));
        }
        _ => {}
    }
}

/// What the price cap holds back.
fn over_cap_print(report: &RatesReport) {
    for line in report.lines.iter().filter(|line| line.over_cap > 0).take(LINES_SHOWN) {
        println!("over the price cap, so charged at less: {} of {}", many(line.over_cap, "rate"), line.code);
        for held in &line.held {
            println!("  {held}");
        }
    }
}

/// Rate lines told one by one; a machine gets them all.
const LINES_SHOWN: usize = 20;

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Who runs the command, as the machine knows them.
fn operator() -> String {
    let login = ["LOGNAME", "USER", "USERNAME"].iter().filter_map(|name| std::env::var(name).ok());
    let login = login.map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
    let Some(login) = login else { return "command line".to_owned() };
    format!("{}, command line", login.chars().take(OPERATOR_CHARS_MAX).collect::<String>())
}
