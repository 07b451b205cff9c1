//! `lanemark job list` and `lanemark job run NAME`

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use lanemark::app::job::RunState;
use lanemark::app::mail::mailer_open;
use lanemark::config::Config;
use lanemark::domain::period::Period;
use lanemark::jobs::Runner;
use lanemark::jobs::cli::{list, list_table, run as run_job, run_line};

use super::{Format, Session};

/// Commands about jobs.
#[derive(Subcommand)]
pub enum JobCommand {
    /// Every job, when it is due next and how it went last.
    List,
    /// Run a job now and wait for it.
    Run(RunArguments),
}

/// Arguments of `job run`.
#[derive(Args)]
pub struct RunArguments {
    /// The job's name; `lanemark job list` shows them.
    name: String,
    /// The day to run it for, today without it.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// The period to run it for, where the job works by period.
    #[arg(long, value_parser = super::period)]
    period: Option<Period>,
}

/// Runs a command about jobs.
pub fn run(session: Session, command: &JobCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        JobCommand::List => {
            let jobs = list(&session.app)?;
            match session.format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&jobs)?),
                Format::Table => print!("{}", list_table(&session.app, &jobs)?),
            }
            Ok(ExitCode::SUCCESS)
        }
        JobCommand::Run(arguments) => {
            // By hand a job does what it does by the clock, mail included.
            let app = session.app.with_mailer(mailer_open(&config.mail)?);
            let runner = Runner::new(app).leasing_seconds(config.jobs.lease_seconds);
            let done = run_job(&runner, &arguments.name, arguments.as_of, arguments.period)?;
            match session.format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&done)?),
                Format::Table => println!("{}", run_line(&done)),
            }
            Ok(if done.state == RunState::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
