//! `lanemark backtest --contract NUMBER --period P [--version V]… [--increase PERCENT]`

use std::process::ExitCode;

use clap::Args;
use rust_decimal::Decimal;

use lanemark::app::backtest::{BacktestReport, BacktestRequest, Shown, backtest};
use lanemark::domain::backtest::percent;
use lanemark::domain::money::Bps;
use lanemark::domain::period::Period;
use lanemark::domain::viewer::Viewer;

use super::output::print_table;
use super::{Format, Session};

/// Lanes printed for people, those that change most; JSON has them all.
const LANES_SHOWN: usize = 20;

/// Arguments of `backtest`.
#[derive(Args)]
pub struct BacktestArguments {
    /// Number of the contract.
    #[arg(long)]
    contract: String,
    /// A version to replay history under, up to ten times; without it the newest that has rates, drafts included.
    #[arg(long)]
    version: Vec<i32>,
    /// The period replayed, by obligation day: 2025, 2025-Q2, 2025-05.
    #[arg(long, value_parser = super::period)]
    period: Period,
    /// A general rate increase on every table rate, in percent, such as 5.9; minimums, accessorials and fuel stay.
    #[arg(long, value_parser = percent, allow_negative_numbers = true)]
    increase: Option<Bps>,
}

/// Replays and prints.
pub fn run(session: &Session, arguments: &BacktestArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let request = BacktestRequest {
        contract: &arguments.contract,
        versions: &arguments.version,
        period: arguments.period,
        increase: arguments.increase,
        shipments_max: None,
    };
    let bar = indicatif::ProgressBar::new(0);
    let report = backtest(&session.app, &mut db, &Viewer::system(), &request, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => table(&report),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(report: &BacktestReport) {
    let increase =
        report.increase_percent.as_ref().map_or_else(String::new, |by| format!(", rates {by} % higher"));
    println!(
        "contract {}, {} by obligation day: {} shipments, amounts in {}{increase}",
        report.contract, report.period, report.shipments, report.currency
    );
    let mut lanes: Vec<_> = report.lanes.iter().collect();
    let most = |sums: &Shown| {
        let size = |text: &String| text.parse::<Decimal>().unwrap_or_default().abs();
        sums.versions.iter().map(|version| size(&version.difference)).max().unwrap_or_default()
    };
    lanes.sort_by_key(|lane| std::cmp::Reverse(most(&lane.sums)));
    for (number, tried) in report.versions.iter().enumerate() {
        println!(
            "\nversion {} ({}) against what was in force",
            tried.version,
            tried.status.label().to_lowercase()
        );
        let mut rows = vec![row("all", &report.total, number)];
        rows.extend(report.months.iter().map(|group| row(&group.name, &group.sums, number)));
        rows.extend(
            report.services.iter().map(|group| row(&named("service", &group.name), &group.sums, number)),
        );
        rows.extend(
            lanes.iter().take(LANES_SHOWN).map(|group| row(&named("lane", &group.name), &group.sums, number)),
        );
        let header = [
            "group",
            "in force",
            "version",
            "difference",
            "base",
            "minimum",
            "fuel",
            "accessorial",
            "tax",
            "unrated",
            "rated",
            "need rates",
        ];
        print_table(&header, &rows);
    }
    if lanes.len() > LANES_SHOWN {
        println!("and {} more lanes; --format json has them all", lanes.len() - LANES_SHOWN);
    }
}

fn named(kind: &str, name: &str) -> String {
    if name.is_empty() { format!("no {kind}") } else { format!("{kind} {name}") }
}

fn row(name: &str, sums: &Shown, number: usize) -> Vec<String> {
    let mut cells = vec![name.to_owned(), sums.in_force.total.clone()];
    if let Some(version) = sums.versions.get(number) {
        let why = &version.causes;
        cells.extend([
            version.tally.total.clone(),
            version.difference.clone(),
            why.base.clone(),
            why.minimum.clone(),
            why.fuel.clone(),
            why.accessorial.clone(),
            why.tax.clone(),
            why.unrated.clone(),
            version.tally.rated.to_string(),
            version.tally.unrated.to_string(),
        ]);
    }
    cells
}
