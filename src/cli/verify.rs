//! `lanemark verify`: computes again what is stored and published.

use std::process::ExitCode;

use lanemark::app::verify::verify;

use super::{Format, Session};

/// Prints every problem; the exit code is 0 only when there is none.
pub fn run(session: &Session) -> anyhow::Result<ExitCode> {
    let report = verify(&session.app)?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => {
            for check in &report.checks {
                println!("{}: {}", check.name, check.outcome());
                check.note.iter().for_each(|note| println!("  {note}"));
                check.problems.iter().for_each(|problem| println!("  {problem}"));
            }
        }
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
