//! `lanemark verify`: computes again what is stored and published.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use chrono::NaiveDate;
use lanemark::app::bundle::check_bundle;
use lanemark::app::verify::verify_since;

use super::{Format, Session};

/// Arguments of `verify`.
#[derive(clap::Args)]
pub struct VerifyArguments {
    /// Make the scorecard of an evidence bundle again from its facts, without a database, and compare every digit.
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Price service credits and bonuses again of days since this one and of those that an accrual still changes, in place of all.
    #[arg(long, value_name = "DAY", conflicts_with = "bundle")]
    pub accruals_since: Option<NaiveDate>,
}

/// Prints what differs; the exit code is 0 only when every digit is the same.
pub fn bundle(path: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("opening {shown}"))?;
    let report = check_bundle(file).with_context(|| format!("reading {shown}"))?;
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => {
            let manifest = &report.manifest;
            println!(
                "{} ({}), {}: {} shipments and {} tenders read, {} KPIs made again",
                manifest.partner.1,
                manifest.partner.0,
                manifest.period,
                report.shipments,
                report.tenders,
                report.kpis
            );
            if !report.standing.is_empty() {
                println!("standing: {}", report.standing);
            }
            if report.is_sound() {
                println!("every digit is as published");
            }
            report.problems.iter().for_each(|problem| println!("  {problem}"));
            if !manifest.moved_since.is_empty() {
                println!(
                    "facts came after the publication; the archive holds those of {}",
                    manifest.written_at
                );
            }
        }
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints every problem; the exit code is 0 only when there is none.
pub fn run(session: &Session, accruals_since: Option<NaiveDate>) -> anyhow::Result<ExitCode> {
    let report = verify_since(&session.app, accruals_since)?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => {
            for check in &report.checks {
                println!("{}: {}", check.name, check.outcome());
                check.reach.iter().for_each(|reach| println!("  {reach}"));
                check.note.iter().for_each(|note| println!("  {note}"));
                check.problems.iter().for_each(|problem| println!("  {problem}"));
            }
        }
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
