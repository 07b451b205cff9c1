//! Commands and their arguments. Each command is one function in a file named for its noun.

mod import;
mod kpi;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

use lanemark::app::App;
use lanemark::clock::Clock;
use lanemark::db::DbUrl;
use lanemark::domain::period::Period;

/// Lanemark: where a shipper and its carriers agree what good looks like, measure it, and settle up.
#[derive(Parser)]
#[command(name = "lanemark", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        default_value = "sqlite://lanemark.db",
        hide_env_values = true
    )]
    database: String,
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
    /// A KPI by a dimension, with numerator, denominator and interval.
    Kpi(kpi::KpiArguments),
    /// Bring the database schema up to date.
    Migrate,
}

/// What every command needs.
pub struct Session {
    /// The database and the clock.
    pub app: App,
    /// How to print.
    pub format: Format,
}

/// Connections of a command that is not a server.
const COMMAND_POOL: u32 = 2;

/// Runs one command.
///
/// # Errors
/// What went wrong and what to do about it; the exit code is then 1.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let url = DbUrl::parse(&arguments.database)?;
    let pool = url.open(COMMAND_POOL).with_context(|| format!("opening {}", url.display()))?;
    let context =
        Session { app: App::new(pool, Clock::System, "http://127.0.0.1:8080"), format: arguments.format };
    match arguments.command {
        Command::Import(import) => import::run(&context, &import),
        Command::Kpi(kpi) => kpi::run(&context, &kpi),
        Command::Migrate => {
            println!("{} is up to date", url.display());
            Ok(ExitCode::SUCCESS)
        }
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
