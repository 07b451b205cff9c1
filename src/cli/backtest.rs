//! `lanemark backtest --contract NUMBER --period P [--version V]… [--proposal V.R]… [--increase PERCENT] [--xlsx FILE]`

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use rust_decimal::Decimal;

use lanemark::app::backtest::sheets::{net_cells, net_lines, workbook_xlsx};
use lanemark::app::backtest::{BacktestReport, BacktestRequest, NetGroup, Shown, backtest};
use lanemark::domain::backtest::ask::{Ask, Proposal};
use lanemark::domain::backtest::{LANES_MAX, percent};
use lanemark::domain::money::Bps;
use lanemark::domain::period::Period;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

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
    /// A round of the negotiation over a version, such as 3.2 for round 2 over version 3; ten with the versions.
    #[arg(long)]
    proposal: Vec<Proposal>,
    /// The period replayed, by obligation day: 2025, 2025-Q2, 2025-05.
    #[arg(long, value_parser = super::period)]
    period: Period,
    /// A general rate increase on every table rate, in percent, such as 5.9; minimums, accessorials and fuel stay.
    #[arg(long, value_parser = percent, allow_negative_numbers = true)]
    increase: Option<Bps>,
    /// A workbook to write the whole result to.
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
}

/// Replays and prints.
pub fn run(session: &Session, arguments: &BacktestArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let ask = Ask {
        versions: arguments.version.clone(),
        proposals: arguments.proposal.clone(),
        period: arguments.period,
        increase: arguments.increase,
    }
    .once_each();
    let request = BacktestRequest {
        contract: &arguments.contract,
        ask: &ask,
        shipments_max: None,
        lanes_max: LANES_MAX,
    };
    let bar = indicatif::ProgressBar::new(0);
    let report = backtest(&session.app, &mut db, &Viewer::system(), &request, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let report = report?;
    if let Some(file) = &arguments.xlsx {
        let bytes = workbook_xlsx(&report)?;
        std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
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
        "contract {}, {} by obligation day: {}, amounts in {}{increase}",
        report.contract,
        report.period,
        words::many(report.shipments, "shipment"),
        report.currency
    );
    for words in report.left_out_words() {
        println!("{words}");
    }
    println!("\nwith service credits and bonuses");
    let mut rows = net_rows(report, "all", &report.net.total);
    for month in &report.net.months {
        rows.extend(net_rows(report, &month.name, &month.sums));
    }
    let header =
        ["group", "terms", "charges", "service credits", "bonuses", "off by caps", "net cost", "difference"];
    print_table(&header, &rows);
    if !report.net.clauses.is_empty() {
        println!();
        let clauses = report.net.clauses.iter().map(|line| {
            vec![
                line.terms.clone(),
                line.clause.clone(),
                line.obligations.to_string(),
                line.credits.clone(),
                line.bonuses.clone(),
                line.forgone.clone(),
            ]
        });
        let header = ["terms", "clause", "obligations", "service credits", "bonuses", "off by caps"];
        print_table(&header, &clauses.collect::<Vec<_>>());
    }
    for note in &report.net.notes {
        println!("{note}");
    }
    let mut lanes: Vec<_> = report.lanes.iter().collect();
    let most = |sums: &Shown| {
        let size = |text: &String| text.parse::<Decimal>().unwrap_or_default().abs();
        sums.versions
            .iter()
            .filter_map(|version| version.difference.as_ref().map(size))
            .max()
            .unwrap_or_default()
    };
    lanes.sort_by_key(|lane| std::cmp::Reverse(most(&lane.sums)));
    for (number, tried) in report.versions.iter().enumerate() {
        println!("\n{} ({}) against what was in force", tried.name(), tried.state());
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
            "left out",
            "rated",
            "need rates",
        ];
        print_table(&header, &rows);
    }
    if lanes.len() > LANES_SHOWN {
        println!("and {}; --format json has them all", words::many(lanes.len() - LANES_SHOWN, "more lane"));
    }
}

fn net_rows(report: &BacktestReport, name: &str, group: &NetGroup) -> Vec<Vec<String>> {
    let line = |(terms, net)| [name.to_owned(), terms].into_iter().chain(net_cells(net)).collect();
    net_lines(report, group).map(line).collect()
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
            version.difference.clone().unwrap_or_default(),
            why.base.clone(),
            why.minimum.clone(),
            why.fuel.clone(),
            why.accessorial.clone(),
            why.tax.clone(),
            version.left_out.to_string(),
            version.tally.rated.to_string(),
            version.tally.unrated.to_string(),
        ]);
    }
    cells
}
