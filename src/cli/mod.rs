//! Commands and their arguments. Each command is one function in a file named for its noun.

/// As the standard ones, except that a full disk is told as an error instead of a panic.
macro_rules! print {
    ($($words:tt)*) => { $crate::cli::output::say(format_args!($($words)*)) };
}
macro_rules! println {
    () => { $crate::cli::output::say(format_args!("\n")) };
    ($($words:tt)*) => { $crate::cli::output::say(format_args!("{}\n", format_args!($($words)*))) };
}

mod audit;
mod backtest;
mod backup;
mod calibrate;
mod charges;
mod close;
mod contract;
mod demo;
mod export;
mod import;
mod job;
mod kpi;
mod output;
mod rate;
mod scorecard;
mod serve;
mod setting;
mod template;
mod user;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

use lanemark::app::App;
use lanemark::config::Config;
use lanemark::domain::period::Period;

/// Lanemark: where a shipper and its carriers agree what good looks like, measure it, and settle up.
#[derive(Parser)]
#[command(name = "lanemark", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The database, sqlite://FILE or postgres://USER@HOST/NAME, instead of DATABASE_URL or lanemark.toml.
    #[arg(long, global = true)]
    database: Option<String>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// For people or for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Table,
    /// JSON.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Load a file: csv, csv.gz, tsv, xlsx.
    Import(import::ImportArguments),
    /// Write a file: rate tables of a contract, which import again as they are, or a batch of journal entries.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Prices of shipments in a file by a contract, with every step where asked for.
    Rate(rate::RateArguments),
    /// What a period of stored shipments would have cost under versions of a contract.
    Backtest(backtest::BacktestArguments),
    /// Contracts: the rounds of a negotiation, and who moved how far.
    #[command(subcommand)]
    Contract(contract::ContractCommand),
    /// What a contract says minus what was billed, by charge type and lane, hot spots first.
    Calibrate(calibrate::CalibrateArguments),
    /// Audit the invoices of which something changed, and list them by money at risk.
    Audit(audit::AuditArguments),
    /// The codes on carriers' invoices: which ones nobody has mapped yet, and what one means.
    #[command(subcommand)]
    Charges(charges::ChargesCommand),
    /// Close a month of the books, or say what is left to do.
    Close(close::CloseArguments),
    /// A KPI by a dimension, with numerator, denominator and interval.
    Kpi(kpi::KpiArguments),
    /// A realistic network in a database of its own: made, every job run, served.
    Demo(demo::DemoArguments),
    /// Web and scheduler, until stopped.
    Serve,
    /// Users: add one.
    #[command(subcommand)]
    User(user::UserCommand),
    /// What the installation is set to, its zone and currency among it: list it, set one.
    #[command(subcommand)]
    Setting(setting::SettingCommand),
    /// Scorecard templates: list the versions, show one as a file, propose the next from a file.
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Scheduled jobs: list them, run one now.
    #[command(subcommand)]
    Job(job::JobCommand),
    /// The newest scorecard of a partner.
    Scorecard(scorecard::ScorecardArguments),
    /// Compute again what is stored and published: sums, scorecards, ledger; read rate tables against their seals.
    Verify(verify::VerifyArguments),
    /// Bring the database schema up to date.
    Migrate,
    /// Write a copy of the database to a file, while it is in use.
    Backup(backup::BackupArguments),
    /// Put a copy made by `backup` in place of an empty database.
    Restore(backup::BackupArguments),
}

/// What every command needs.
pub struct Session {
    /// The database and the clock.
    pub app: App,
    /// How to print.
    pub format: Format,
}

/// Connections of a command that is not a server: two that sum, one that keeps the job's lease, one to spare.
const COMMAND_POOL: u32 = 4;

/// Runs one command.
///
/// # Errors
/// What went wrong and what to do about it; the exit code is then 1.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(Path::new(lanemark::config::FILE))?;
    if let Some(database) = &arguments.database {
        config.set_database(database);
    }
    if let Command::Demo(demo) = arguments.command {
        return demo::demo(demo, arguments.database, arguments.format, &config);
    }
    if !matches!(arguments.command, Command::Serve) {
        // `lanemark kpi … | head` ends quietly, as other commands do; a server must outlive a reader that goes away.
        sigpipe::reset();
    }
    if let Command::Verify(verify::VerifyArguments { bundle: Some(bundle), .. }) = &arguments.command {
        return verify::bundle(bundle, arguments.format);
    }
    let url = config.database()?;
    match arguments.command {
        Command::Backup(backup) => return backup::backup(&url, &backup),
        Command::Restore(backup) => return backup::restore(&url, &backup),
        Command::Serve => return serve::run(&config),
        _ => {}
    }
    let pool = url.open(COMMAND_POOL).with_context(|| format!("opening {}", url.display()))?;
    let clock = lanemark::app::demo::clock(&mut *pool.get()?)?;
    let session = Session { app: App::new(pool, clock, config.base()), format: arguments.format };
    match arguments.command {
        Command::Import(import) => import::run(&session, &import),
        Command::Export(export) => export::run(&session, &export),
        Command::Rate(rate) => rate::run(&session, &rate),
        Command::Backtest(backtest) => backtest::run(&session, &backtest),
        Command::Contract(contract) => contract::run(&session, &contract),
        Command::Calibrate(calibrate) => calibrate::run(&session, &calibrate),
        Command::Audit(audit) => audit::run(&session, &audit),
        Command::Charges(charges) => charges::run(&session, &charges),
        Command::Close(close) => close::run(&session, &close),
        Command::Kpi(kpi) => kpi::run(&session, &kpi),
        Command::User(user) => user::run(&session, user),
        Command::Setting(setting) => setting::run(&session, &setting),
        Command::Template(template) => template::run(&session, &template),
        Command::Job(job) => job::run(session, &job, &config),
        Command::Scorecard(scorecard) => scorecard::run(&session, &scorecard),
        Command::Verify(verify) => verify::run(&session, verify.accruals_since),
        Command::Migrate => {
            println!("{} is up to date", url.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(_) | Command::Serve | Command::Backup(_) | Command::Restore(_) => Ok(ExitCode::SUCCESS),
    }
}

/// A period argument.
fn period(text: &str) -> Result<Period, String> {
    text.parse().map_err(|error: lanemark::domain::period::BadPeriod| error.to_string())
}

/// A path shown without surprises.
fn shown(path: &std::path::Path) -> String {
    PathBuf::from(path).display().to_string()
}
